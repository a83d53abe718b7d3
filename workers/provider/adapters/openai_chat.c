#include "workers/provider/adapters/openai_chat.h"

// What is copied is copied as it was written: numbers keep their digits and objects their order.

static void put(struct buf *out, struct bytes bytes) {
    buf_put(out, bytes.at, bytes.size);
}

// ---- a native body ------------------------------------------------------------------------------

static const char *write_native(const struct adapter_job *job, struct buf *out) {
    struct bytes body, model;
    if (!json_member(job->line, "body", &body) || body.size < 2 || body.at[0] != '{')
        return "line_without_body";
    if (!json_member(body, "model", &model))
        return "body_without_model";
    size_t before = (size_t)(model.at - body.at);
    bool is_same = model.size == job->model.size + 2 &&
                   memcmp(model.at + 1, job->model.at, job->model.size) == 0;
    if (is_same) {
        put(out, body);
        return NULL;
    }
    put(out, bytes_of(body.at, before));
    json_put_text(out, job->model);
    put(out, bytes_of(model.at + model.size, body.size - before - model.size));
    return NULL;
}

// ---- a conversation's turn ----------------------------------------------------------------------

static bool has_shape(const struct json_scan *scan, uint32_t node, enum json_shape shape) {
    return scan->nodes[node].shape == (uint8_t)shape;
}

// The first and the following members of a container, by json_node.end.
static uint32_t first_in(uint32_t container) {
    return container + 1;
}

static uint32_t next_in(const struct json_scan *scan, uint32_t node) {
    return scan->nodes[node].end;
}

static bool is_one_of(const struct json_scan *scan, uint32_t node, const char *const *names) {
    for (; *names; names++)
        if (json_is_named(scan, node, bytes_text(*names)))
            return true;
    return false;
}

static void put_member(struct buf *out, const struct json_scan *scan, uint32_t node) {
    const struct json_node *at = &scan->nodes[node];
    buf_byte(out, '"');
    buf_put(out, scan->text.at + at->name_at, at->name_size);
    buf_text(out, "\":");
    put(out, json_raw(scan, node));
}

// A function's arguments are a string that holds JSON; an object is written into one.
static void put_arguments(struct buf *out, const struct json_scan *scan, uint32_t node) {
    if (node == 0)
        buf_text(out, "\"{}\"");
    else if (has_shape(scan, node, JSON_SHAPE_text))
        put(out, json_raw(scan, node));
    else
        json_put_text(out, json_raw(scan, node));
}

// {"id","name","arguments"} becomes {"id","type":"function","function":{…}}; what has a type
// already speaks the API's own language.
static void put_tool_call(struct buf *out, const struct json_scan *scan, uint32_t call) {
    uint32_t id = json_find(scan, call, "id"), name = json_find(scan, call, "name");
    if (json_find(scan, call, "type") || name == 0) {
        put(out, json_raw(scan, call));
        return;
    }
    buf_text(out, "{");
    if (id) {
        put_member(out, scan, id);
        buf_text(out, ",");
    }
    buf_text(out, "\"type\":\"function\",\"function\":{");
    put_member(out, scan, name);
    buf_text(out, ",\"arguments\":");
    put_arguments(out, scan, json_find(scan, call, "arguments"));
    buf_text(out, "}}");
}

// {"name","description","parameters"} becomes {"type":"function","function":{…}}.
static void put_tool(struct buf *out, const struct json_scan *scan, uint32_t tool) {
    bool is_native = json_find(scan, tool, "type") || !json_find(scan, tool, "name");
    if (!is_native)
        buf_text(out, "{\"type\":\"function\",\"function\":");
    put(out, json_raw(scan, tool));
    if (!is_native)
        buf_text(out, "}");
}

// A part that is a bare string is a text part.
static void put_part(struct buf *out, const struct json_scan *scan, uint32_t part) {
    bool is_text = has_shape(scan, part, JSON_SHAPE_text);
    if (is_text)
        buf_text(out, "{\"type\":\"text\",\"text\":");
    put(out, json_raw(scan, part));
    if (is_text)
        buf_text(out, "}");
}

typedef void put_node(struct buf *out, const struct json_scan *scan, uint32_t node);

static void put_array(struct buf *out, const struct json_scan *scan, uint32_t array,
                      put_node *put_element) {
    buf_text(out, "[");
    for (uint32_t i = first_in(array); i < scan->nodes[array].end; i = next_in(scan, i)) {
        if (i != first_in(array))
            buf_text(out, ",");
        put_element(out, scan, i);
    }
    buf_text(out, "]");
}

static void put_content(struct buf *out, const struct json_scan *scan, uint32_t content) {
    buf_text(out, "\"content\":");
    if (has_shape(scan, content, JSON_SHAPE_array))
        put_array(out, scan, content, put_part);
    else
        put(out, json_raw(scan, content));
}

// What the API takes of a message is copied; anything else is for us only.
static void put_message(struct buf *out, const struct json_scan *scan, uint32_t message) {
    static const char *const copied[] = {
        "role", "name", "tool_call_id", "refusal", "audio", "function_call", NULL};
    const char *comma = "";
    buf_text(out, "{");
    for (uint32_t i = first_in(message); i < scan->nodes[message].end; i = next_in(scan, i)) {
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

static void put_messages(struct buf *out, const struct json_scan *scan, uint32_t system,
                         uint32_t messages) {
    buf_text(out, ",\"messages\":[");
    if (system) {
        buf_text(out, "{\"role\":\"system\",");
        put_content(out, scan, system);
        buf_text(out, "}");
    }
    for (uint32_t i = first_in(messages); i < scan->nodes[messages].end; i = next_in(scan, i)) {
        if (system || i != first_in(messages))
            buf_text(out, ",");
        put_message(out, scan, i);
    }
    buf_text(out, "]");
}

// The parameters are the API's own; those that we decide are left out.
static const char *put_params(struct buf *out, const struct json_scan *scan, uint32_t params,
                              bool has_tools) {
    static const char *const ours[] = {"model", "messages", NULL};
    for (uint32_t i = first_in(params); i < scan->nodes[params].end; i = next_in(scan, i)) {
        if (json_is_named(scan, i, bytes_text("stream"))) {
            if (has_shape(scan, i, JSON_SHAPE_true))
                return "stream_not_served";
            continue;
        }
        if (is_one_of(scan, i, ours) || (has_tools && json_is_named(scan, i, bytes_text("tools"))))
            continue;
        buf_text(out, ",");
        put_member(out, scan, i);
    }
    return NULL;
}

// The node, or 0 if it is absent or null.
static uint32_t stated(const struct json_scan *scan, const char *name) {
    uint32_t node = json_find(scan, 0, name);
    return node && !has_shape(scan, node, JSON_SHAPE_null) ? node : 0;
}

static const char *write_turn(const struct adapter_job *job, struct json_scan *scan,
                              struct buf *out) {
    if (json_scan(scan, job->context, NULL) != ERR_OK || !has_shape(scan, 0, JSON_SHAPE_object))
        return "context_malformed";
    uint32_t messages = stated(scan, "messages"), tools = stated(scan, "tools");
    uint32_t params = stated(scan, "params");
    if (!messages || !has_shape(scan, messages, JSON_SHAPE_array) ||
        (tools && !has_shape(scan, tools, JSON_SHAPE_array)) ||
        (params && !has_shape(scan, params, JSON_SHAPE_object)))
        return "context_malformed";
    for (uint32_t i = first_in(messages); i < scan->nodes[messages].end; i = next_in(scan, i))
        if (!has_shape(scan, i, JSON_SHAPE_object))
            return "context_malformed";
    buf_text(out, "{\"model\":");
    json_put_text(out, job->model);
    put_messages(out, scan, stated(scan, "system"), messages);
    const char *refusal = params ? put_params(out, scan, params, tools != 0) : NULL;
    if (refusal)
        return refusal;
    if (tools && scan->nodes[tools].count > 0) {
        buf_text(out, ",\"tools\":");
        put_array(out, scan, tools, put_tool);
    }
    buf_text(out, "}");
    return NULL;
}

static const char *write_request(const struct adapter_job *job, struct json_scan *scan,
                                 struct buf *body) {
    const char *refusal =
        job->context.size > 0 ? write_turn(job, scan, body) : write_native(job, body);
    if (!refusal && buf_state(body) != ERR_OK)
        return "request_too_large";
    return refusal;
}

static bool is_answer(const struct json_scan *scan) {
    uint32_t choices = json_find(scan, 0, "choices");
    return choices && has_shape(scan, choices, JSON_SHAPE_array) && scan->nodes[choices].count > 0;
}

const struct adapter adapter_openai_chat = {
    .shape = "openai.chat",
    .write = write_request,
    .is_answer = is_answer,
};
