// OpenAI's Chat Completions, and every server that speaks it.
#include "workers/provider/adapters/neutral.h"

// ---- tools --------------------------------------------------------------------------------------

static void put_function(struct buf *out, const struct json_scan *scan,
                         const struct tool_call *call) {
    buf_text(out, "{");
    if (call->id) {
        put_member(out, scan, call->id);
        buf_text(out, ",");
    }
    buf_text(out, "\"type\":\"function\",\"function\":{");
    put_member(out, scan, call->name);
    buf_text(out, ",\"arguments\":");
    put_arguments_text(out, scan, call->arguments);
    buf_text(out, "}}");
}

// {"id","name","arguments"} becomes {"id","type":"function","function":{…}}; what has a type
// already speaks the API's own language.
static void put_tool_call(struct buf *out, const struct json_scan *scan, uint32_t call) {
    const struct tool_call neutral = {.id = json_find(scan, call, "id"),
                                      .name = json_find(scan, call, "name"),
                                      .arguments = json_find(scan, call, "arguments")};
    if (json_find(scan, call, "type") || neutral.name == 0)
        put_bytes(out, json_raw(scan, call));
    else
        put_function(out, scan, &neutral);
}

// {"name","description","parameters"} becomes {"type":"function","function":{…}}.
static void put_tool(struct buf *out, const struct json_scan *scan, uint32_t tool) {
    bool is_native = json_find(scan, tool, "type") || !json_find(scan, tool, "name");
    if (!is_native)
        buf_text(out, "{\"type\":\"function\",\"function\":");
    put_bytes(out, json_raw(scan, tool));
    if (!is_native)
        buf_text(out, "}");
}

// ---- messages -----------------------------------------------------------------------------------

// A part that is a bare string is a text part.
static void put_part(struct buf *out, const struct json_scan *scan, uint32_t part) {
    bool is_text = has_shape(scan, part, JSON_SHAPE_text);
    if (is_text)
        buf_text(out, "{\"type\":\"text\",\"text\":");
    put_bytes(out, json_raw(scan, part));
    if (is_text)
        buf_text(out, "}");
}

static void put_content(struct buf *out, const struct json_scan *scan, uint32_t content) {
    buf_text(out, "\"content\":");
    if (has_shape(scan, content, JSON_SHAPE_array))
        put_array(out, scan, content, put_part);
    else
        put_bytes(out, json_raw(scan, content));
}

static bool next_named(const struct json_scan *scan, struct call_walk *walk,
                       struct tool_call *call) {
    while (next_call(scan, walk, call))
        if (call->name)
            return true;
    return false;
}

// What another provider's model said: its texts and its calls. Its other parts mean nothing here.
static void put_foreign(struct buf *out, const struct json_scan *scan, uint32_t message) {
    uint32_t content = json_find(scan, message, "content");
    const char *comma = "";
    struct call_walk walk;
    struct tool_call call;
    buf_text(out, "{\"role\":\"assistant\",\"content\":[");
    for (uint32_t i = first_in(content); i < next_in(scan, content); i = next_in(scan, i)) {
        uint32_t text = is_part(scan, i, "text") ? stated_in(scan, i, "text") : 0;
        if (!text)
            continue;
        buf_printf(out, "%s{\"type\":\"text\",", comma);
        put_member(out, scan, text);
        buf_text(out, "}");
        comma = ",";
    }
    calls_walk(&walk, scan, message);
    bool has_call = next_named(scan, &walk, &call);
    if (*comma) {
        buf_text(out, "]");
    } else if (buf_state(out) == ERR_OK) {
        out->size--;
        buf_text(out, has_call ? "null" : "\"\"");
    }
    const char *between = ",\"tool_calls\":[";
    for (; has_call; has_call = next_named(scan, &walk, &call)) {
        buf_text(out, between);
        put_function(out, scan, &call);
        between = ",";
    }
    buf_text(out, between[1] ? "}" : "]}");
}

// What the API takes of a message is copied; anything else is for us only.
static void put_own(struct buf *out, const struct provider_api *api, const struct json_scan *scan,
                    uint32_t message) {
    static const char *const common[] = {
        "role", "name", "tool_call_id", "refusal", "audio", "function_call", NULL};
    const char *const *copied = api->message_fields[0] ? api->message_fields : common;
    const char *comma = "";
    buf_text(out, "{");
    for (uint32_t i = first_in(message); i < next_in(scan, message); i = next_in(scan, i)) {
        bool is_content = json_is_named(scan, i, bytes_text("content"));
        bool is_calls = json_is_named(scan, i, bytes_text("tool_calls"));
        bool is_nothing = has_shape(scan, i, JSON_SHAPE_null) && !is_content;
        if (is_nothing || !(is_content || is_calls || is_one_of(scan, i, copied)))
            continue;
        buf_text(out, comma);
        comma = ",";
        if (is_content) {
            put_content(out, scan, i);
        } else if (is_calls && has_shape(scan, i, JSON_SHAPE_array)) {
            buf_text(out, "\"tool_calls\":");
            put_array(out, scan, i, put_tool_call);
        } else {
            put_member(out, scan, i);
        }
    }
    buf_text(out, "}");
}

// Results of tools are messages of a role of their own, before what else the user says.
static const char *put_heard(struct buf *out, const struct provider_api *api,
                             struct results *results, uint32_t message, uint32_t content) {
    const struct json_scan *scan = results->scan;
    const char *comma = "";
    unsigned others = 0;
    for (uint32_t i = first_in(content); i < next_in(scan, content); i = next_in(scan, i)) {
        struct bytes id;
        if (!is_part(scan, i, "tool_result")) {
            others++;
            continue;
        }
        if (!result_id(results, content, i, &id))
            return "tool_result_without_call";
        uint32_t result = stated_in(scan, i, "content");
        buf_printf(out, "%s{\"role\":\"tool\",\"tool_call_id\":%.*s,", comma, (int)id.size,
                   (const char *)id.at);
        comma = ",";
        if (result)
            put_content(out, scan, result);
        else
            buf_text(out, "\"content\":\"\"");
        buf_text(out, "}");
    }
    if (!*comma) {
        put_own(out, api, scan, message);
        return NULL;
    }
    const char *between = ",{\"role\":\"user\",\"content\":[";
    for (uint32_t i = first_in(content); i < next_in(scan, content); i = next_in(scan, i)) {
        if (is_part(scan, i, "tool_result"))
            continue;
        buf_text(out, between);
        put_part(out, scan, i);
        between = ",";
    }
    buf_text(out, others ? "]}" : "");
    return NULL;
}

// Parts of another API mean nothing to this one, and some are bound to the model that made them.
static bool is_foreign(const struct adapter_job *job, const struct json_scan *scan,
                       uint32_t message) {
    return stated_in(scan, message, "shape") &&
           !(has_parts_of(scan, message, adapter_openai_chat.shape) &&
             is_served_by(scan, stated_in(scan, message, "model"), job->model));
}

static const char *put_message(struct buf *out, const struct adapter_job *job,
                               struct results *results, uint32_t message) {
    const struct json_scan *scan = results->scan;
    uint32_t content = json_find(scan, message, "content");
    bool has_parts = content && has_shape(scan, content, JSON_SHAPE_array);
    if (has_parts && is_said(scan, json_find(scan, message, "role"), "user"))
        return put_heard(out, job->api, results, message, content);
    if (has_parts && is_foreign(job, scan, message))
        put_foreign(out, scan, message);
    else
        put_own(out, job->api, scan, message);
    return NULL;
}

static const char *put_messages(struct buf *out, const struct adapter_job *job,
                                const struct json_scan *scan, const struct turn *turn) {
    const char *refusal = NULL, *comma = "";
    struct results results;
    results_init(&results, scan);
    buf_text(out, ",\"messages\":[");
    if (turn->system) {
        buf_text(out, "{\"role\":\"system\",");
        put_content(out, scan, turn->system);
        buf_text(out, "}");
        comma = ",";
    }
    for (uint32_t i = first_in(turn->messages); !refusal && i < next_in(scan, turn->messages);
         i = next_in(scan, i)) {
        buf_text(out, comma);
        comma = ",";
        refusal = put_message(out, job, &results, i);
        if (is_said(scan, json_find(scan, i, "role"), "assistant"))
            results_of(&results, i);
    }
    results_release(&results);
    buf_text(out, "]");
    return refusal;
}

// ---- the request --------------------------------------------------------------------------------

static const char *const ours[] = {"model", "messages", NULL};
static const struct param_names names = {.ours = ours};

static bool takes_settings_of(const struct provider_api *api, const struct json_scan *scan,
                              uint32_t params, struct buf *words) {
    return takes_params(api, scan, params, &names, words);
}

static const char *write_turn(const struct adapter_job *job, struct json_scan *scan,
                              struct buf *out) {
    struct turn turn;
    const char *refusal = turn_open(job, scan, &turn, takes_settings_of);
    if (refusal)
        return refusal;
    buf_text(out, "{\"model\":");
    json_put_text(out, job->model);
    refusal = put_messages(out, job, scan, &turn);
    if (refusal)
        return refusal;
    if (turn.params)
        put_params(out, job, scan, &turn, &names);
    if (turn.tools && scan->nodes[turn.tools].count > 0) {
        buf_text(out, ",\"tools\":");
        put_array(out, scan, turn.tools, put_tool);
    }
    buf_text(out, "}");
    return NULL;
}

static const char *write_request(const struct adapter_job *job, struct json_scan *scan,
                                 struct buf *body) {
    return request_write(job, scan, body, write_turn);
}

// Servers that speak this API have parts of their own, so only what is known to be another API's is
// refused.
static bool takes_part_of(const struct json_scan *line, uint32_t part, struct buf *words) {
    static const char *const others[] = {"image", "document", "search_result", NULL};
    uint32_t is_error = stated_in(line, part, "is_error");
    for (const char *const *type = others; *type; type++)
        if (is_part(line, part, *type))
            return refuse_type(words, "this API takes no part", line, part,
                               ", but text, image_url and file");
    if (is_error && has_shape(line, is_error, JSON_SHAPE_true)) {
        buf_text(words, "this API has no \"is_error\": say it in the result's content");
        return false;
    }
    return true;
}

static bool takes(const struct provider_api *api, const struct json_scan *line, struct buf *words) {
    uint32_t params = stated_in(line, 0, "params");
    return takes_parts(line, takes_part_of, words) &&
           (!params || takes_settings_of(api, line, params, words));
}

static bool is_answer(const struct json_scan *scan) {
    uint32_t choices = json_find(scan, 0, "choices");
    return choices && has_shape(scan, choices, JSON_SHAPE_array) && scan->nodes[choices].count > 0;
}

const struct adapter adapter_openai_chat = {
    .shape = "openai.chat",
    .may_stream = true,
    .takes = takes,
    .write = write_request,
    .is_answer = is_answer,
};
