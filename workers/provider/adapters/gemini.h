// What the files of Gemini's generateContent share.
#ifndef PROVIDER_ADAPTERS_GEMINI_H
#define PROVIDER_ADAPTERS_GEMINI_H

#include "workers/provider/adapters/neutral.h"

// Appends what a turn's params (an object) say to a body, each member with a comma before it. NULL,
// or why the API cannot have them: they hold from a turn for another one.
const char *gemini_put_params(struct buf *out, const struct adapter_job *job,
                              const struct json_scan *scan, uint32_t params);
// Whether the API can take what a line's params state; if not, words says why.
bool gemini_takes_params(const struct provider_api *api, const struct json_scan *line,
                         uint32_t params, struct buf *words);

#endif
