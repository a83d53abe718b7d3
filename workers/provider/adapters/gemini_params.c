// Parameters of a turn for Gemini's two APIs: the names and forms that other APIs have for them
// become members of a configuration and its neighbours.
#include "workers/provider/adapters/gemini.h"

#include <string.h>

// ---- parameters ---------------------------------------------------------------------------------

// Parameters that have another name here, in the configuration; the first of those that mean the
// same holds. Each list ends with NULL.
static const char *const renamed_generate[][2] = {
    {"max_tokens", "maxOutputTokens"},
    {"max_completion_tokens", "maxOutputTokens"},
    {"max_output_tokens", "maxOutputTokens"},
    {"temperature", "temperature"},
    {"top_p", "topP"},
    {"top_k", "topK"},
    {"n", "candidateCount"},
    {"seed", "seed"},
    {"presence_penalty", "presencePenalty"},
    {"frequency_penalty", "frequencyPenalty"},
    {"logprobs", "responseLogprobs"},
    {"top_logprobs", "logprobs"},
    {NULL, NULL},
};
static const char *const renamed_interactions[][2] = {
    {"max_tokens", "max_output_tokens"},
    {"max_completion_tokens", "max_output_tokens"},
    {"max_output_tokens", "max_output_tokens"},
    {"temperature", "temperature"},
    {"top_p", "top_p"},
    {"seed", "seed"},
    {NULL, NULL},
};
enum { MEMBERS_MAX = 20 };

// Those that have another form.
static const char *const formed_generate[] = {"stop",
                                              "response_format",
                                              "reasoning_effort",
                                              "tool_choice",
                                              "parallel_tool_calls",
                                              "service_tier",
                                              "generationConfig",
                                              NULL};
static const char *const formed_interactions[] = {"stop",
                                                  "response_format",
                                                  "reasoning_effort",
                                                  "tool_choice",
                                                  "parallel_tool_calls",
                                                  "service_tier",
                                                  "generation_config",
                                                  NULL};
static const char *const ours_generate[] = {"model", "contents", "systemInstruction", NULL};
static const char *const ours_interactions[] = {"model", "input", "system_instruction",
                                                "previous_interaction_id", NULL};

// Members of other APIs' functions.
static const char *const others[] = {"strict", "cache_control", "defer_loading",
                                     "eager_input_streaming", NULL};

const struct gemini_form gemini_generate_form = {
    .config = "generationConfig",
    .stops = "stopSequences",
    .tier = "serviceTier",
    .names = {ours_generate, formed_generate, renamed_generate},
    .function = {.schema = "parametersJsonSchema", .others = others},
};
const struct gemini_form gemini_interactions_form = {
    .config = "generation_config",
    .stops = "stop_sequences",
    .tier = "service_tier",
    .is_interactions = true,
    .names = {ours_interactions, formed_interactions, renamed_interactions},
    .function = {.schema = "parameters", .others = others},
};

// generationConfig under way: what the line states in the API's own form comes first and holds.
struct config {
    struct buf *out;
    const struct json_scan *scan;
    const struct gemini_form *form;
    uint32_t own; // 0: none
    const char *begun[MEMBERS_MAX];
    size_t count;
};

static bool config_has(const struct config *config, const char *name) {
    bool has_own = config->own && has_shape(config->scan, config->own, JSON_SHAPE_object) &&
                   json_find(config->scan, config->own, name);
    for (size_t i = 0; i < config->count; i++)
        has_own = has_own || strcmp(config->begun[i], name) == 0;
    return has_own;
}

// Begins a member; false if it is there.
static bool config_begin(struct config *config, const char *name) {
    bool is_open = config->count > 0 || (config->own && config->scan->nodes[config->own].count > 0);
    if (config_has(config, name) || config->count == MEMBERS_MAX)
        return false;
    if (!is_open && !config->own)
        buf_printf(config->out, ",\"%s\":{", config->form->config);
    buf_printf(config->out, "%s\"%s\":", is_open ? "," : "", name);
    config->begun[config->count++] = name;
    return true;
}

static void put_renamed(struct config *config, uint32_t params) {
    for (const char *const(*pair)[2] = config->form->names.moved; (*pair)[0]; pair++) {
        uint32_t value = stated_in(config->scan, params, (*pair)[0]);
        if (value && config_begin(config, (*pair)[1]))
            put_bytes(config->out, json_raw(config->scan, value));
    }
}

static void put_stops(struct config *config, uint32_t stop) {
    bool is_list = has_shape(config->scan, stop, JSON_SHAPE_array);
    if (!config_begin(config, config->form->stops))
        return;
    buf_text(config->out, is_list ? "" : "[");
    put_bytes(config->out, json_raw(config->scan, stop));
    buf_text(config->out, is_list ? "" : "]");
}

static void put_format(struct config *config, uint32_t format) {
    const struct json_scan *scan = config->scan;
    uint32_t wrapper = stated_in(scan, format, "json_schema");
    uint32_t schema = stated_in(scan, wrapper ? wrapper : format, "schema");
    if (is_part(scan, format, "text"))
        return;
    if (config_begin(config, "responseMimeType"))
        buf_text(config->out, "\"application/json\"");
    if (schema && is_part(scan, format, "json_schema") &&
        config_begin(config, "responseJsonSchema"))
        put_bytes(config->out, json_raw(scan, schema));
}

// What an effort is here: models before Gemini 3 have a number of tokens, later ones a word. The
// numbers are those that the provider takes for the words in its OpenAI-compatible API.
static const struct {
    const char *effort, *tokens, *level;
} efforts[] = {
    {"none", "0", NULL},          {"minimal", "1024", "minimal"}, {"low", "1024", "low"},
    {"medium", "8192", "medium"}, {"high", "24576", "high"},
};
enum { EFFORTS = sizeof(efforts) / sizeof(*efforts) };

static const char *put_effort(struct config *config, uint32_t effort, struct bytes asked) {
    bool has_levels = config->form->is_interactions;
    bool is_older = !has_levels && (begins_with(asked, bytes_text("gemini-2")) ||
                                    begins_with(asked, bytes_text("gemini-1")));
    for (size_t i = 0; i < EFFORTS; i++) {
        if (!is_said(config->scan, effort, efforts[i].effort))
            continue;
        if (!is_older && !efforts[i].level)
            return "effort_not_served"; // these models always think
        if (!config_begin(config, has_levels ? "thinking_level" : "thinkingConfig"))
            return NULL;
        if (has_levels)
            buf_printf(config->out, "\"%s\"", efforts[i].level);
        else if (is_older)
            buf_printf(config->out, "{\"thinkingBudget\":%s}", efforts[i].tokens);
        else
            buf_printf(config->out, "{\"thinkingLevel\":\"%s\"}", efforts[i].level);
        return NULL;
    }
    return "effort_not_served";
}

// Interactions has its choice among the configuration, as a word.
static void put_choice_word(struct config *config, uint32_t choice) {
    static const char *const words[] = {NULL, "auto", "none", "any", NULL};
    uint32_t name;
    const char *word = words[choice_of(config->scan, choice, &name)];
    if (word && config_begin(config, "tool_choice"))
        buf_printf(config->out, "\"%s\"", word);
}

static const char *put_config(struct buf *out, const struct gemini_form *form,
                              const struct json_scan *scan, uint32_t params, struct bytes asked) {
    struct config config = {.out = out, .scan = scan, .form = form};
    uint32_t stop = stated_in(scan, params, "stop");
    uint32_t format = stated_in(scan, params, "response_format");
    uint32_t effort = stated_in(scan, params, "reasoning_effort");
    uint32_t choice = stated_in(scan, params, "tool_choice");
    config.own = stated_in(scan, params, form->config);
    if (config.own) {
        buf_text(out, ",");
        put_member(out, scan, config.own);
        if (buf_state(out) == ERR_OK)
            out->size--; // the object's end
    }
    put_renamed(&config, params);
    if (stop)
        put_stops(&config, stop);
    if (format && !form->is_interactions)
        put_format(&config, format);
    if (choice && form->is_interactions)
        put_choice_word(&config, choice);
    const char *refusal = effort ? put_effort(&config, effort, asked) : NULL;
    buf_text(out, config.own || config.count > 0 ? "}" : "");
    return refusal;
}

static void put_choice(struct buf *out, const struct json_scan *scan, uint32_t choice) {
    static const char *const modes[] = {NULL, "AUTO", "NONE", "ANY", "ANY"};
    uint32_t name;
    const char *mode = modes[choice_of(scan, choice, &name)];
    buf_printf(out, ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"%s\"", mode);
    if (name) {
        buf_text(out, ",\"allowedFunctionNames\":[");
        put_bytes(out, json_raw(scan, name));
        buf_text(out, "]");
    }
    buf_text(out, "}}");
}

// Interactions has the form of the answer beside the configuration; one that is in the API's own
// form goes out as it is.
static void put_format_beside(struct buf *out, const struct json_scan *scan, uint32_t format) {
    uint32_t wrapper = stated_in(scan, format, "json_schema");
    uint32_t schema = stated_in(scan, wrapper ? wrapper : format, "schema");
    bool is_json = is_part(scan, format, "json_schema") || is_part(scan, format, "json_object");
    buf_text(out, ",");
    if (!is_json) {
        put_member(out, scan, format);
        return;
    }
    buf_text(out, "\"response_format\":{\"type\":\"text\",\"mime_type\":\"application/json\"");
    if (schema && is_part(scan, format, "json_schema")) {
        buf_text(out, ",\"schema\":");
        put_bytes(out, json_raw(scan, schema));
    }
    buf_text(out, "}");
}

const char *gemini_put_params(struct buf *out, const struct gemini_form *form,
                              const struct adapter_job *job, const struct json_scan *scan,
                              const struct turn *turn) {
    uint32_t params = turn->params, choice = stated_in(scan, params, "tool_choice");
    uint32_t tier = stated_in(scan, params, "service_tier");
    uint32_t format = stated_in(scan, params, "response_format");
    put_params(out, job, scan, turn, &form->names);
    if (tier) {
        buf_printf(out, ",\"%s\":", form->tier);
        put_bytes(out, json_raw(scan, tier));
    }
    if (format && form->is_interactions)
        put_format_beside(out, scan, format);
    if (choice && !form->is_interactions && !stated_in(scan, params, "toolConfig"))
        put_choice(out, scan, choice);
    return put_config(out, form, scan, params, job->model);
}

// ---- what it takes ------------------------------------------------------------------------------

static bool is_effort(const struct gemini_form *form, const struct json_scan *line,
                      uint32_t effort) {
    for (size_t i = 0; i < EFFORTS; i++)
        if (is_said(line, effort, efforts[i].effort))
            return efforts[i].level || !form->is_interactions;
    return false;
}

static bool is_format(const struct json_scan *line, uint32_t format) {
    return has_shape(line, format, JSON_SHAPE_object) &&
           (is_part(line, format, "text") || is_part(line, format, "json_object") ||
            is_part(line, format, "json_schema"));
}

static bool takes_values(const struct gemini_form *form, const struct json_scan *line,
                         uint32_t params, struct buf *words) {
    uint32_t choice = stated_in(line, params, "tool_choice");
    uint32_t effort = stated_in(line, params, "reasoning_effort");
    uint32_t format = stated_in(line, params, "response_format");
    uint32_t parallel = stated_in(line, params, "parallel_tool_calls");
    uint32_t own = stated_in(line, params, form->config);
    uint32_t name;
    enum choice kind = choice ? choice_of(line, choice, &name) : CHOICE_auto;
    if (kind == CHOICE_odd || (kind == CHOICE_one && form->is_interactions))
        buf_printf(words, "\"params.tool_choice\" must be auto, none, required%s",
                   form->is_interactions ? " or any" : " or one function");
    else if (effort && !is_effort(form, line, effort))
        buf_printf(words, "\"params.reasoning_effort\" must be %sminimal, low, medium or high",
                   form->is_interactions ? "" : "none, ");
    else if (format && !is_format(line, format))
        buf_text(words, "\"params.response_format\" must be of type text, json_object or "
                        "json_schema");
    else if (parallel && !has_shape(line, parallel, JSON_SHAPE_true))
        buf_text(words, "this API cannot be kept from calling several tools at once");
    else if (own && !has_shape(line, own, JSON_SHAPE_object))
        buf_printf(words, "\"params.%s\" must be an object", form->config);
    return words->size == 0;
}

bool gemini_takes_generate(const struct provider_api *api, const struct json_scan *line,
                           uint32_t params, struct buf *words) {
    return takes_params(api, line, params, &gemini_generate_form.names, words) &&
           takes_values(&gemini_generate_form, line, params, words);
}

bool gemini_takes_interactions(const struct provider_api *api, const struct json_scan *line,
                               uint32_t params, struct buf *words) {
    return takes_params(api, line, params, &gemini_interactions_form.names, words) &&
           takes_values(&gemini_interactions_form, line, params, words);
}
