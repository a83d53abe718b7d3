// What the files of the adapter for the shape openai.responses share.
#ifndef PROVIDER_ADAPTERS_OPENAI_RESPONSES_H
#define PROVIDER_ADAPTERS_OPENAI_RESPONSES_H

#include "workers/provider/adapters/neutral.h"

// The member if it is an object, or a text; else 0.
uint32_t object_in(const struct json_scan *scan, uint32_t object, const char *name);
uint32_t text_in(const struct json_scan *scan, uint32_t object, const char *name);
// A turn's parameters in the API's names and places, each with a comma before it.
void responses_put_params(struct buf *out, const struct adapter_job *job,
                          const struct json_scan *scan, const struct turn *turn);
takes_settings responses_takes_params;

#endif
