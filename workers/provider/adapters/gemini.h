// What the adapters of Gemini's two APIs share.
#ifndef PROVIDER_ADAPTERS_GEMINI_H
#define PROVIDER_ADAPTERS_GEMINI_H

#include "workers/provider/adapters/neutral.h"

// How an API writes parameters that both have.
struct gemini_form {
    const char *config, *stops, *tier; // names of members
    bool is_interactions;              // how choice, effort and format are written
    struct param_names names;
    struct function_form function;
};
extern const struct gemini_form gemini_generate_form, gemini_interactions_form;

// Appends what a turn's params (an object) say to a body, each member with a comma before it. NULL,
// or why the model cannot have them.
const char *gemini_put_params(struct buf *out, const struct gemini_form *form,
                              const struct adapter_job *job, const struct json_scan *scan,
                              const struct turn *turn);
takes_settings gemini_takes_generate, gemini_takes_interactions;

#endif
