// Answers in the shape of OpenAI's Responses: a list of items, of which messages, reasoning and
// calls are some, and a status.
#include "workers/extractor/shape.h"

static bool is_type(const struct json_scan *scan, uint32_t item, const char *type) {
    return is_text(scan, json_find(scan, item, "type"), type);
}

// An incomplete answer is one: it was cut at a limit or by a filter, and is billed. What is queued
// or in progress is not there yet.
static const char *refusal_of(const struct json_scan *scan) {
    if (scan->nodes[0].shape != JSON_SHAPE_object)
        return "not_an_object";
    uint32_t status = json_find(scan, 0, "status");
    if (is_text(scan, status, "failed"))
        return "error_in_answer";
    uint32_t object = said(scan, 0, "object");
    if (!is_shape(scan, json_find(scan, 0, "output"), JSON_SHAPE_array) ||
        (object != 0 && !is_text(scan, object, "response")))
        return "no_response";
    return is_text(scan, status, "completed") || is_text(scan, status, "incomplete")
               ? NULL
               : "response_not_finished";
}

// ---- the neutral message ------------------------------------------------------------------------

// Texts are parts that every API understands; a phase goes back with its text.
static void put_texts(const struct json_scan *scan, uint32_t item, struct buf *out,
                      const char **comma) {
    uint32_t content = json_find(scan, item, "content"), phase = said(scan, item, "phase");
    if (!is_shape(scan, content, JSON_SHAPE_array))
        return;
    for (uint32_t i = content + 1; i < scan->nodes[content].end; i = scan->nodes[i].end) {
        bool is_refusal = is_type(scan, i, "refusal");
        uint32_t text = said(scan, i, is_refusal ? "refusal" : "text");
        if (!is_shape(scan, text, JSON_SHAPE_text))
            continue;
        buf_printf(next_part(out, comma),
                   "{\"type\":\"%s\",\"%s\":", is_refusal ? "refusal" : "text",
                   is_refusal ? "refusal" : "text");
        json_put_node(out, scan, text);
        if (phase != 0) {
            buf_text(out, ",\"phase\":");
            json_put_node(out, scan, phase);
        }
        buf_byte(out, '}');
    }
}

// A call that the user answers. Its id is the one that the result names, not the item's.
static bool is_call(const struct json_scan *scan, uint32_t item) {
    uint32_t id = said(scan, item, "call_id");
    return is_type(scan, item, "function_call") && is_shape(scan, id, JSON_SHAPE_text) &&
           scan->nodes[id].size > 2 && is_shape(scan, said(scan, item, "name"), JSON_SHAPE_text);
}

// What else the call says (who called, in which namespace) goes back with it.
static void put_call(const struct json_scan *scan, uint32_t item, struct buf *out) {
    static const char *const left_out[] = {"type", "id", "call_id", "status", NULL};
    buf_text(out, "{\"type\":\"tool_use\",\"id\":");
    json_put_node(out, scan, said(scan, item, "call_id"));
    put_members(scan, item, left_out, out);
    buf_byte(out, '}');
}

// The message is the whole response: its items in their order, since reasoning goes back before
// what it led to.
static void put_message(const struct json_scan *scan, uint32_t message, struct buf *out) {
    uint32_t output = json_find(scan, message, "output"), model = said(scan, message, "model");
    const char *comma = "";
    buf_text(out, "{\"role\":\"assistant\",\"content\":[");
    for (uint32_t i = output + 1; output != 0 && i < scan->nodes[output].end;
         i = scan->nodes[i].end) {
        if (scan->nodes[i].shape != JSON_SHAPE_object)
            continue;
        if (is_type(scan, i, "message"))
            put_texts(scan, i, out, &comma);
        else if (is_call(scan, i))
            put_call(scan, i, next_part(out, &comma));
        else
            json_put_node(next_part(out, &comma), scan, i);
    }
    buf_byte(out, ']');
    put_origin(scan, shape_openai_responses.name, model, out);
    buf_byte(out, '}');
}

// ---- streams ------------------------------------------------------------------------------------

// The last event's name says how it ended, whether the response repeats it or not.
static void take_status(struct grown *body, const struct json_scan *scan, uint32_t type) {
    static const char *const ends[] = {"completed", "incomplete", "failed"};
    static const char before[] = "response.";
    struct bytes name = json_text(scan, type, NULL);
    if (name.size <= strlen(before))
        return;
    name = bytes_of(name.at + strlen(before), name.size - strlen(before));
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (bytes_is(name, ends[i]))
            grown_set_text(body, grown_member(body, 0, "status"), ends[i]);
}

// The response as it is now. Its output comes in the last event, or only item by item before.
static void take_response(struct grown *body, struct json_scan *scan, uint32_t type,
                          uint32_t response) {
    for (uint32_t i = response + 1; i < scan->nodes[response].end; i = scan->nodes[i].end) {
        bool is_output = json_is_named(scan, i, bytes_text("output"));
        if (is_output && scan->nodes[i].count == 0 && grown_find(body, 0, "output") != 0)
            mark(scan, i);
        else
            grown_set(body, grown_member_like(body, 0, scan, i), scan, i);
    }
    if (json_find(scan, response, "status") == 0 && is_shape(scan, type, JSON_SHAPE_text) &&
        !scan->nodes[type].has_escape)
        take_status(body, scan, type);
}

// An item, at first empty and then whole.
static void take_item(struct grown *body, struct json_scan *scan) {
    uint32_t item = json_find(scan, 0, "item"), key;
    if (item != 0 && take_key(scan, "output_index", &key))
        grown_set(body, grown_element(body, grown_member(body, 0, "output"), key), scan, item);
}

// Where an error stands in an event: under its name, or with code and message beside the type.
static void take_error(struct grown *body, struct json_scan *scan) {
    uint32_t error = said(scan, 0, "error"), to = grown_member(body, 0, "error");
    if (error != 0) {
        grown_set(body, to, scan, error);
        return;
    }
    for (uint32_t i = 1; i < scan->count; i = scan->nodes[i].end)
        if (json_is_named(scan, i, bytes_text("code")) ||
            json_is_named(scan, i, bytes_text("message")) ||
            json_is_named(scan, i, bytes_text("param")))
            grown_set(body, grown_member_like(body, to, scan, i), scan, i);
}

static bool ends_with(struct bytes text, const char *end) {
    size_t size = strlen(end);
    return text.size > size && memcmp(text.at + text.size - size, end, size) == 0;
}

// Pieces of an item, which says them again when it is whole. Events of other kinds are news.
static void leave_pieces(struct json_scan *scan, uint32_t type) {
    static const char *const ends[] = {".delta", ".done", ".added", ".partial_image"};
    static const char *const pieces[] = {
        "delta",      "text",         "refusal",       "part",          "item_id",
        "arguments",  "input",        "code",          "diff",          "obfuscation",
        "annotation", "output_index", "content_index", "summary_index", "annotation_index",
        "logprobs",   "command",      "output",        "command_index", "partial_image_b64"};
    bool is_piece = false;
    struct bytes name = is_shape(scan, type, JSON_SHAPE_text) && !scan->nodes[type].has_escape
                            ? json_text(scan, type, NULL)
                            : bytes_text("");
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        is_piece = is_piece || ends_with(name, ends[i]);
    for (size_t i = 0; is_piece && i < sizeof(pieces) / sizeof(*pieces); i++)
        mark(scan, json_find(scan, 0, pieces[i]));
}

static void take_event(struct assembly *assembly, const struct sse_event *event,
                       struct json_scan *scan) {
    struct grown *body = &assembly->body;
    uint32_t type, response;
    (void)event;
    if (scan->nodes[0].shape != JSON_SHAPE_object)
        return;
    type = json_find(scan, 0, "type");
    response = json_find(scan, 0, "response");
    if (is_text(scan, type, "error"))
        take_error(body, scan);
    else if (is_shape(scan, response, JSON_SHAPE_object))
        take_response(body, scan, type, response);
    else if (is_text(scan, type, "response.output_item.added") ||
             is_text(scan, type, "response.output_item.done"))
        take_item(body, scan);
    else
        leave_pieces(scan, type);
    mark(scan, type);
}

const struct answer_shape shape_openai_responses = {
    .name = "openai.responses",
    .refusal = refusal_of,
    .put_message = put_message,
    .take_event = take_event,
};
