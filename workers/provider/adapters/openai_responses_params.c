// The parameters of a turn as OpenAI's Responses has them: some have other names than with Chat
// Completions, some stand inside others.
#include "workers/provider/adapters/openai_responses.h"

uint32_t object_in(const struct json_scan *scan, uint32_t object, const char *name) {
    uint32_t node = stated_in(scan, object, name);
    return node && has_shape(scan, node, JSON_SHAPE_object) ? node : 0;
}

uint32_t text_in(const struct json_scan *scan, uint32_t object, const char *name) {
    uint32_t node = stated_in(scan, object, name);
    return node && has_shape(scan, node, JSON_SHAPE_text) ? node : 0;
}

// ---- parameters ---------------------------------------------------------------------------------

static const char *const limits[] = {"max_output_tokens", "max_completion_tokens", "max_tokens",
                                     NULL};
// Those that have another name or another place here, and those that say nothing.
static const char *const mapped[] = {"max_output_tokens",
                                     "max_completion_tokens",
                                     "max_tokens",
                                     "reasoning_effort",
                                     "reasoning",
                                     "response_format",
                                     "verbosity",
                                     "tool_choice",
                                     "text",
                                     "n",
                                     NULL};
// What a turn says elsewhere, or what is not the turn's to say.
static const char *const ours[] = {
    "model", "messages", "input", "instructions", "previous_response_id", "conversation", NULL};
static const struct param_names names = {.ours = ours, .mapped = mapped};

static void put_limit(struct buf *out, const struct json_scan *scan, uint32_t params) {
    uint32_t limit = 0;
    for (size_t i = 0; !limit && limits[i]; i++)
        limit = stated_in(scan, params, limits[i]);
    if (!limit)
        return;
    buf_text(out, ",\"max_output_tokens\":");
    put_bytes(out, json_raw(scan, limit));
}

// {"type":"json_schema","json_schema":{…}} becomes {"type":"json_schema",…}.
static void put_format(struct buf *out, const struct json_scan *scan, uint32_t format) {
    static const char *const nothing[] = {NULL};
    uint32_t schema = object_in(scan, format, "json_schema");
    if (!schema) {
        put_bytes(out, json_raw(scan, format));
        return;
    }
    buf_text(out, "{\"type\":\"json_schema\"");
    put_others(out, scan, schema, nothing);
    buf_text(out, "}");
}

static const struct joined settings[] = {
    {"text", {{"response_format", "format", put_format}, {"verbosity", "verbosity", put_raw}}},
    {"reasoning", {{"reasoning_effort", "effort", put_raw}}},
};

// {"type":"function","function":{"name"}} becomes {"type":"function","name"}; the API has choices
// of its own too.
static void put_choice(struct buf *out, const struct json_scan *scan, uint32_t choice) {
    static const char *const words[] = {NULL, "\"auto\"", "\"none\"", "\"required\"", NULL};
    uint32_t name;
    enum choice kind = choice_of(scan, choice, &name);
    buf_text(out, ",\"tool_choice\":");
    if (words[kind]) {
        buf_text(out, words[kind]);
    } else if (kind == CHOICE_one && name) {
        buf_text(out, "{\"type\":\"function\",");
        put_member(out, scan, name);
        buf_text(out, "}");
    } else {
        put_bytes(out, json_raw(scan, choice));
    }
}

void responses_put_params(struct buf *out, const struct adapter_job *job,
                          const struct json_scan *scan, const struct turn *turn) {
    uint32_t params = turn->params, choice = stated_in(scan, params, "tool_choice");
    put_params(out, job, scan, turn, &names);
    put_limit(out, scan, params);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        put_joined(out, scan, params, &settings[i]);
    if (choice)
        put_choice(out, scan, choice);
}

// ---- what it takes ------------------------------------------------------------------------------

static bool takes_values(const struct json_scan *line, uint32_t params, struct buf *words) {
    static const char *const objects[] = {"text", "reasoning", "response_format"};
    uint32_t choices = stated_in(line, params, "n");
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
        if (stated_in(line, params, objects[i]) && !object_in(line, params, objects[i])) {
            buf_printf(words, "\"params.%s\" must be an object", objects[i]);
            return false;
        }
    if (choices && !bytes_is(json_raw(line, choices), "1"))
        buf_text(words, "this API gives one answer: \"params.n\" can only be 1");
    return words->size == 0;
}

bool responses_takes_params(const struct provider_api *api, const struct json_scan *line,
                            uint32_t params, struct buf *words) {
    return takes_params(api, line, params, &names, words) && takes_values(line, params, words);
}
