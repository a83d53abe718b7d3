#include "common/asked.h"

static bool is_plain(const struct price_dimension *dimension, struct bytes value) {
    for (const char *const *plain = dimension->plain; *plain; plain++)
        if (bytes_is(value, *plain))
            return true;
    return value.size == 0;
}

// The text of a member; empty if it is absent or null, false if it is anything else.
static bool text_of(const struct json_scan *scan, uint32_t object, const char *name,
                    struct buf *scratch, struct bytes *text) {
    uint32_t node = json_find(scan, object, name);
    *text = bytes_of(NULL, 0);
    if (node == 0 || scan->nodes[node].shape == JSON_SHAPE_null)
        return true;
    if (scan->nodes[node].shape != JSON_SHAPE_text)
        return false;
    buf_reset(scratch);
    *text = json_text(scan, node, scratch);
    return true;
}

bool asked_tier(const struct provider_api *api, const struct json_scan *scan, uint32_t object,
                struct buf *out, struct bytes *tier) {
    struct buf scratch;
    struct bytes word;
    buf_init(&scratch, FRAME_BYTES_MAX);
    buf_reset(out);
    static const char *const names[] = {"service_tier", "serviceTier"};
    bool is_text = true;
    for (size_t i = 0; is_text && i < 2; i++) {
        is_text = text_of(scan, object, names[i], &scratch, &word);
        if (is_text && out->size == 0)
            buf_put(out, word.at, word.size);
    }
    for (size_t i = 0; is_text && i < api->dimension_count; i++) {
        const struct price_dimension *dimension = &api->dimensions[i];
        if (!dimension->request)
            continue;
        is_text = text_of(scan, object, dimension->request, &scratch, &word);
        if (!is_text || is_plain(dimension, word))
            continue;
        buf_byte(out, '+');
        buf_put(out, word.at, word.size);
    }
    buf_release(&scratch);
    *tier = buf_bytes(out);
    return is_text && buf_state(out) == ERR_OK;
}

// The largest of the counts that an object states under these names, which end with NULL; -1: none.
static int64_t largest(const struct json_scan *scan, uint32_t object, const char *const *names) {
    int64_t most = -1, count;
    for (; *names; names++) {
        uint32_t node = json_find(scan, object, *names);
        if (node != 0 && json_count(scan, node, &count) && count > most)
            most = count;
    }
    return most;
}

static const char *const limits[] = {"max_completion_tokens", "max_tokens", "max_output_tokens",
                                     "maxOutputTokens", NULL};

// Whether a member of that name is heeded: in a native body one that the API does not know bounds
// nothing, while a turn's are all written as the API has them.
static bool is_heeded(const struct provider_api *api, enum asked_form form, const char *name) {
    return form == ASKED_turn || !api->request_fields[0] || is_listed(api->request_fields, name);
}

// The largest limit that is heeded; -1: none.
static int64_t limit_of(const struct provider_api *api, enum asked_form form,
                        const struct json_scan *scan, uint32_t object) {
    int64_t most = -1;
    for (const char *const *limit = limits; *limit; limit++) {
        const char *const names[] = {*limit, NULL};
        int64_t count = is_heeded(api, form, *limit) ? largest(scan, object, names) : -1;
        most = count > most ? count : most;
    }
    return most;
}

int64_t asked_output_max(const struct provider_api *api, enum asked_form form,
                         const struct json_scan *scan, uint32_t object) {
    static const char *const numbers[] = {"n", "candidateCount", "candidate_count", NULL};
    static const char *const configs[] = {"generationConfig", "generation_config"};
    int64_t most = limit_of(api, form, scan, object), choices = largest(scan, object, numbers), all;
    for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
        uint32_t config = json_find(scan, object, configs[i]);
        bool is_known = config != 0 && is_heeded(api, form, configs[i]);
        int64_t limit = is_known ? largest(scan, config, limits) : -1;
        int64_t number = config ? largest(scan, config, numbers) : -1;
        most = limit > most ? limit : most;
        choices = number > choices ? number : choices;
    }
    if (most < 0 || api->does_limit_omit_reasoning)
        most = most > OUTPUT_TOKENS_MAX ? most : OUTPUT_TOKENS_MAX;
    return __builtin_mul_overflow(most, choices < 1 ? 1 : choices, &all) ? INT64_MAX : all;
}

static bool is_type(const struct json_scan *scan, uint32_t type, const char *const *types) {
    for (; type && *types; types++)
        if (bytes_is(json_raw(scan, type), *types))
            return true;
    return false;
}

// Parts that are texts; a tool's result may hold parts of its own. What has no type says by its
// members what it is.
static bool is_text_part(const struct json_scan *scan, uint32_t part) {
    static const char *const types[] = {
        "\"text\"",      "\"refusal\"",    "\"thinking\"",    "\"tool_use\"", "\"tool_result\"",
        "\"reasoning\"", "\"input_text\"", "\"output_text\"", "\"thought\"",  NULL};
    uint32_t type = json_find(scan, part, "type");
    return type ? is_type(scan, type, types) : json_find(scan, part, "text") != 0;
}

// A content is a text, or a list of parts.
static bool is_all_text(const struct json_scan *scan, uint32_t content) {
    const struct json_node *nodes = scan->nodes;
    if (nodes[content].shape != JSON_SHAPE_array)
        return nodes[content].shape != JSON_SHAPE_object;
    for (uint32_t part = content + 1; part < nodes[content].end; part = nodes[part].end) {
        uint32_t inner = json_find(scan, part, "content");
        if (!is_text_part(scan, part))
            return false;
        for (uint32_t i = inner + 1; inner && i < nodes[inner].end; i = nodes[i].end)
            if (!is_text_part(scan, i))
                return false;
    }
    return true;
}

static bool messages_are_text(const struct json_scan *scan, uint32_t list) {
    for (uint32_t i = list + 1; list && i < scan->nodes[list].end; i = scan->nodes[i].end) {
        uint32_t content = json_find(scan, i, "content");
        if ((content && !is_all_text(scan, content)) || json_find(scan, i, "audio"))
            return false;
    }
    return true;
}

// An input is a text, or a list of items that say all that they are.
static bool items_are_text(const struct json_scan *scan, uint32_t input) {
    static const char *const types[] = {"\"message\"",
                                        "\"reasoning\"",
                                        "\"function_call\"",
                                        "\"function_call_output\"",
                                        "\"custom_tool_call\"",
                                        "\"custom_tool_call_output\"",
                                        "\"user_input\"",
                                        "\"model_output\"",
                                        "\"thought\"",
                                        "\"function_result\"",
                                        NULL};
    static const char *const results[] = {"output", "result"};
    if (input == 0 || scan->nodes[input].shape != JSON_SHAPE_array)
        return input == 0 || scan->nodes[input].shape != JSON_SHAPE_object;
    for (uint32_t i = input + 1; i < scan->nodes[input].end; i = scan->nodes[i].end) {
        uint32_t type = json_find(scan, i, "type");
        if (type && !is_type(scan, type, types))
            return false;
        for (size_t k = 0; k < sizeof(results) / sizeof(results[0]); k++) {
            uint32_t result = json_find(scan, i, results[k]);
            if (result && !is_all_text(scan, result))
                return false;
        }
    }
    return messages_are_text(scan, input);
}

static bool is_list(const struct json_scan *scan, uint32_t node) {
    return node == 0 || scan->nodes[node].shape == JSON_SHAPE_array;
}

// Parts in the form of Gemini's generateContent, told from each other by their members.
static bool parts_are_text(const struct json_scan *scan, uint32_t parts) {
    static const char *const others[] = {"inlineData", "inline_data", "fileData", "file_data"};
    static const char *const results[] = {"functionResponse", "function_response"};
    if (!is_list(scan, parts))
        return false; // one part in place of a list
    for (uint32_t i = parts + 1; parts && i < scan->nodes[parts].end; i = scan->nodes[i].end) {
        for (size_t n = 0; n < sizeof(others) / sizeof(others[0]); n++)
            if (json_find(scan, i, others[n]))
                return false;
        for (size_t n = 0; n < sizeof(results) / sizeof(results[0]); n++) {
            uint32_t result = json_find(scan, i, results[n]);
            if (result && json_find(scan, result, "parts"))
                return false;
        }
    }
    return true;
}

static bool contents_are_text(const struct json_scan *scan, uint32_t list) {
    if (!is_list(scan, list))
        return false;
    for (uint32_t i = list + 1; list && i < scan->nodes[list].end; i = scan->nodes[i].end)
        if (!parts_are_text(scan, json_find(scan, i, "parts")))
            return false;
    return true;
}

// A tool of the user's: of type function or custom, or without a type as functionDeclarations and
// nothing else, or as {"name",…}.
static bool is_own_tool(const struct json_scan *scan, uint32_t tool) {
    uint32_t type = json_find(scan, tool, "type");
    if (type)
        return bytes_is(json_raw(scan, type), "\"function\"") ||
               bytes_is(json_raw(scan, type), "\"custom\"");
    if (json_find(scan, tool, "functionDeclarations") ||
        json_find(scan, tool, "function_declarations"))
        return scan->nodes[tool].count == 1;
    return json_find(scan, tool, "name") || json_find(scan, tool, "function") ||
           json_find(scan, tool, "input_schema");
}

// Whether all tools of a list are the user's own.
static bool tools_are_own(const struct json_scan *scan, uint32_t list) {
    if (list == 0 || scan->nodes[list].shape == JSON_SHAPE_null)
        return true;
    if (!is_list(scan, list))
        return false;
    for (uint32_t i = list + 1; i < scan->nodes[list].end; i = scan->nodes[i].end)
        if (!is_own_tool(scan, i))
            return false;
    return true;
}

// A mode of thinking in which the provider asks several times.
static bool has_mode(const struct json_scan *scan, uint32_t object) {
    uint32_t reasoning = json_find(scan, object, "reasoning");
    uint32_t mode = reasoning ? json_find(scan, reasoning, "mode") : 0;
    return mode && scan->nodes[mode].shape != JSON_SHAPE_null;
}

int64_t asked_input_max(const struct provider_api *api, const struct json_scan *scan,
                        uint32_t object, size_t bytes) {
    // What these bring stands elsewhere, or another model than the one asked may answer, or the
    // input is read more than once and what is written then heeds no limit.
    static const char *const fetching[] = {"web_search_options",
                                           "mcp_servers",
                                           "prompt",
                                           "previous_response_id",
                                           "conversation",
                                           "cachedContent",
                                           "cached_content",
                                           "previous_interaction_id",
                                           "agent",
                                           "models",
                                           "plugins",
                                           "context_management"};
    uint32_t tools = json_find(scan, object, "tools");
    for (size_t i = 0; i < sizeof(fetching) / sizeof(fetching[0]); i++) {
        uint32_t node = json_find(scan, object, fetching[i]);
        if (node && scan->nodes[node].shape != JSON_SHAPE_null)
            return -1;
    }
    if (!messages_are_text(scan, json_find(scan, object, "messages")) ||
        !items_are_text(scan, json_find(scan, object, "input")) ||
        !contents_are_text(scan, json_find(scan, object, "contents")) ||
        !tools_are_own(scan, tools) || has_mode(scan, object))
        return -1;
    return (int64_t)bytes + api->input_tokens_added + (tools ? TOOLS_TOKENS_MAX : 0);
}
