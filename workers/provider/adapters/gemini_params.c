// Parameters of a turn for Gemini's generateContent: the names and forms that other APIs have for
// them become members of generationConfig and its neighbours.
#include "workers/provider/adapters/gemini.h"

#include <string.h>

static bool starts_with(struct bytes text, const char *begin) {
    return text.size >= strlen(begin) && memcmp(text.at, begin, strlen(begin)) == 0;
}

// ---- parameters ---------------------------------------------------------------------------------

// Parameters that have another name here, in generationConfig; the first of those that mean the
// same holds.
static const char *const renamed[][2] = {
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
};
enum { RENAMED = sizeof(renamed) / sizeof(*renamed), MEMBERS_MAX = RENAMED + 4 };
// Those that have another form.
static const char *const formed[] = {"stop",        "response_format",     "reasoning_effort",
                                     "tool_choice", "parallel_tool_calls", "service_tier",
                                     NULL};
static const char *const ours[] = {"model", "messages", "system", "tools", "stream", NULL};

// generationConfig under way: what the line states in the API's own form comes first and holds.
struct config {
    struct buf *out;
    const struct json_scan *scan;
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
        buf_text(config->out, ",\"generationConfig\":{");
    buf_printf(config->out, "%s\"%s\":", is_open ? "," : "", name);
    config->begun[config->count++] = name;
    return true;
}

static void put_renamed(struct config *config, uint32_t params) {
    for (size_t i = 0; i < RENAMED; i++) {
        uint32_t value = stated_in(config->scan, params, renamed[i][0]);
        if (value && config_begin(config, renamed[i][1]))
            put_bytes(config->out, json_raw(config->scan, value));
    }
}

static void put_stops(struct config *config, uint32_t stop) {
    bool is_list = has_shape(config->scan, stop, JSON_SHAPE_array);
    if (!config_begin(config, "stopSequences"))
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
    bool is_older = starts_with(asked, "gemini-2") || starts_with(asked, "gemini-1");
    for (size_t i = 0; i < EFFORTS; i++) {
        if (!is_said(config->scan, effort, efforts[i].effort))
            continue;
        if (!is_older && !efforts[i].level)
            return "effort_not_served"; // these models always think
        if (!config_begin(config, "thinkingConfig"))
            return NULL;
        if (is_older)
            buf_printf(config->out, "{\"thinkingBudget\":%s}", efforts[i].tokens);
        else
            buf_printf(config->out, "{\"thinkingLevel\":\"%s\"}", efforts[i].level);
        return NULL;
    }
    return "effort_not_served";
}

static const char *put_config(struct buf *out, const struct json_scan *scan, uint32_t params,
                              struct bytes asked) {
    struct config config = {.out = out, .scan = scan};
    uint32_t stop = stated_in(scan, params, "stop");
    uint32_t format = stated_in(scan, params, "response_format");
    uint32_t effort = stated_in(scan, params, "reasoning_effort");
    config.own = stated_in(scan, params, "generationConfig");
    if (config.own) {
        if (!has_shape(scan, config.own, JSON_SHAPE_object))
            return "parameter_not_served";
        buf_text(out, ",");
        put_member(out, scan, config.own);
        if (buf_state(out) == ERR_OK)
            out->size--; // the object's end
    }
    put_renamed(&config, params);
    if (stop)
        put_stops(&config, stop);
    if (format && has_shape(scan, format, JSON_SHAPE_object))
        put_format(&config, format);
    const char *refusal = effort ? put_effort(&config, effort, asked) : NULL;
    buf_text(out, config.own || config.count > 0 ? "}" : "");
    return refusal;
}

// The mode of a choice of tools here: that of a word, or of {"type":"function",…}.
static const char *choice_mode(const struct json_scan *scan, uint32_t choice) {
    static const char *const modes[][2] = {
        {"auto", "AUTO"}, {"none", "NONE"}, {"required", "ANY"}, {"any", "ANY"}};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (is_said(scan, choice, modes[i][0]))
            return modes[i][1];
    bool is_one = has_shape(scan, choice, JSON_SHAPE_object) &&
                  (is_part(scan, choice, "function") || is_part(scan, choice, "tool"));
    return is_one ? "ANY" : NULL;
}

static void put_choice(struct buf *out, const struct json_scan *scan, uint32_t choice) {
    const char *mode = choice_mode(scan, choice);
    bool is_one = has_shape(scan, choice, JSON_SHAPE_object);
    uint32_t function = is_one ? stated_in(scan, choice, "function") : 0;
    uint32_t name = is_one ? stated_in(scan, function ? function : choice, "name") : 0;
    if (!mode)
        return;
    buf_printf(out, ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"%s\"", mode);
    if (name) {
        buf_text(out, ",\"allowedFunctionNames\":[");
        put_bytes(out, json_raw(scan, name));
        buf_text(out, "]");
    }
    buf_text(out, "}}");
}

static bool is_renamed(const struct json_scan *scan, uint32_t node) {
    for (size_t i = 0; i < RENAMED; i++)
        if (json_is_named(scan, node, bytes_text(renamed[i][0])))
            return true;
    return false;
}

static bool is_known(const struct provider_api *api, const struct json_scan *scan, uint32_t node) {
    return is_renamed(scan, node) || is_one_of(scan, node, formed) || is_one_of(scan, node, ours) ||
           is_one_of(scan, node, api->request_fields);
}

const char *gemini_put_params(struct buf *out, const struct adapter_job *job,
                              const struct json_scan *scan, uint32_t params) {
    static const char *const elsewhere[] = {"generationConfig", NULL};
    uint32_t choice = stated_in(scan, params, "tool_choice");
    uint32_t tier = stated_in(scan, params, "service_tier");
    for (uint32_t i = first_in(params); i < next_in(scan, params); i = next_in(scan, i)) {
        if (has_shape(scan, i, JSON_SHAPE_null) || is_renamed(scan, i) ||
            is_one_of(scan, i, formed) || is_one_of(scan, i, ours) || is_one_of(scan, i, elsewhere))
            continue;
        if (!is_known(job->api, scan, i))
            return "parameter_not_served"; // it holds from a turn for another API
        buf_text(out, ",");
        put_stated(out, job, scan, i);
    }
    if (tier) {
        buf_text(out, ",\"serviceTier\":");
        put_bytes(out, json_raw(scan, tier));
    }
    if (choice && !stated_in(scan, params, "toolConfig"))
        put_choice(out, scan, choice);
    put_stream_needs(out, job, scan, params);
    return put_config(out, scan, params, job->model);
}

// ---- what it takes ------------------------------------------------------------------------------

static bool is_effort(const struct json_scan *line, uint32_t effort) {
    for (size_t i = 0; i < EFFORTS; i++)
        if (is_said(line, effort, efforts[i].effort))
            return true;
    return false;
}

static bool is_format(const struct json_scan *line, uint32_t format) {
    return has_shape(line, format, JSON_SHAPE_object) &&
           (is_part(line, format, "text") || is_part(line, format, "json_object") ||
            is_part(line, format, "json_schema"));
}

static bool takes_values(const struct json_scan *line, uint32_t params, struct buf *words) {
    uint32_t choice = stated_in(line, params, "tool_choice");
    uint32_t effort = stated_in(line, params, "reasoning_effort");
    uint32_t format = stated_in(line, params, "response_format");
    uint32_t parallel = stated_in(line, params, "parallel_tool_calls");
    uint32_t own = stated_in(line, params, "generationConfig");
    if (choice && !choice_mode(line, choice))
        buf_text(words, "\"params.tool_choice\" must be auto, none, required or one function");
    else if (effort && !is_effort(line, effort))
        buf_text(words, "\"params.reasoning_effort\" must be none, minimal, low, medium or high");
    else if (format && !is_format(line, format))
        buf_text(words, "\"params.response_format\" must be of type text, json_object or "
                        "json_schema");
    else if (parallel && !has_shape(line, parallel, JSON_SHAPE_true))
        buf_text(words, "this API cannot be kept from calling several tools at once");
    else if (own && !has_shape(line, own, JSON_SHAPE_object))
        buf_text(words, "\"params.generationConfig\" must be an object");
    return words->size == 0;
}

bool gemini_takes_params(const struct provider_api *api, const struct json_scan *line,
                         uint32_t params, struct buf *words) {
    for (uint32_t i = first_in(params); i < next_in(line, params); i = next_in(line, i)) {
        struct bytes name =
            bytes_of(line->text.at + line->nodes[i].name_at, line->nodes[i].name_size);
        if (is_known(api, line, i))
            continue;
        name = bytes_cut(name, 64);
        buf_printf(words, "this API has no parameter \"%.*s\"", (int)name.size,
                   (const char *)name.at);
        return false;
    }
    return takes_values(line, params, words);
}
