// Answers in the shape of Anthropic's Messages: the body is the message itself.
#include "workers/extractor/shape.h"

// An answer without a stop reason is the beginning of one.
static const char *refusal_of(const struct json_scan *scan) {
    if (scan->nodes[0].shape != JSON_SHAPE_object)
        return "not_an_object";
    uint32_t content = json_find(scan, 0, "content");
    if (content == 0 || scan->nodes[content].shape != JSON_SHAPE_array)
        return "no_content";
    uint32_t reason = said(scan, 0, "stop_reason");
    return reason != 0 && scan->nodes[reason].shape == JSON_SHAPE_text ? NULL : "no_stop_reason";
}

// The parts stand as they came: those with a signature must go back unchanged.
static void put_message(const struct json_scan *scan, uint32_t message, struct buf *out) {
    uint32_t model = said(scan, message, "model");
    buf_text(out, "{\"role\":\"assistant\",\"content\":");
    json_put_node(out, scan, json_find(scan, message, "content"));
    put_origin(scan, shape_anthropic_messages.name, model, out);
    buf_byte(out, '}');
}

// ---- streams ------------------------------------------------------------------------------------

// The part that an event speaks of, made if it is not there; 0 if the event says none.
static uint32_t part_of(struct grown *body, struct json_scan *scan, uint32_t *key) {
    return take_key(scan, "index", key)
               ? grown_element(body, grown_member(body, 0, "content"), *key)
               : 0;
}

// A tool's input comes as pieces of a JSON text, which is put in when its part is over.
static void take_delta(struct assembly *assembly, struct json_scan *scan) {
    static const char *const no_names[] = {NULL};
    uint32_t key, delta = json_find(scan, 0, "delta");
    uint32_t part = part_of(&assembly->body, scan, &key);
    if (part == 0 || delta == 0)
        return;
    for (uint32_t i = delta + 1; i < scan->nodes[delta].end; i = scan->nodes[i].end) {
        struct grown *body = &assembly->body;
        if (json_is_named(scan, i, bytes_text("type")))
            mark(scan, i);
        else if (json_is_named(scan, i, bytes_text("partial_json")))
            grown_add(&assembly->aside, grown_element(&assembly->aside, 0, key), scan, i, no_names);
        else if (json_is_named(scan, i, bytes_text("citation")))
            grown_set(body, grown_next(body, grown_member(body, part, "citations")), scan, i);
        else if (json_is_named(scan, i, bytes_text("signature")))
            grown_set(body, grown_member(body, part, "signature"), scan, i);
        else
            grown_add(body, grown_member_like(body, part, scan, i), scan, i, no_names);
    }
}

// What is said at the end of the whole message: counters there take the place of the first ones,
// but for those that are null.
static void take_end(struct grown *body, struct json_scan *scan) {
    for (uint32_t i = 1; i < scan->count; i = scan->nodes[i].end) {
        if (json_is_named(scan, i, bytes_text("type")))
            continue;
        if (json_is_named(scan, i, bytes_text("delta")))
            grown_merge(body, 0, scan, i);
        else
            grown_merge(body, grown_member_like(body, 0, scan, i), scan, i);
    }
}

static void take_event(struct assembly *assembly, const struct sse_event *event,
                       struct json_scan *scan) {
    uint32_t type = json_find(scan, 0, "type"), key, part;
    struct grown *body = &assembly->body;
    (void)event;
    if (is_text(scan, type, "message_start")) {
        grown_set(body, 0, scan, json_find(scan, 0, "message"));
    } else if (is_text(scan, type, "content_block_start")) {
        part = part_of(body, scan, &key);
        if (part != 0)
            grown_set(body, part, scan, json_find(scan, 0, "content_block"));
    } else if (is_text(scan, type, "content_block_delta")) {
        take_delta(assembly, scan);
    } else if (is_text(scan, type, "content_block_stop")) {
        if (take_key(scan, "index", &key))
            end_input(assembly, "content", key, "input");
    } else if (is_text(scan, type, "message_delta")) {
        take_end(body, scan);
    } else if (is_text(scan, type, "error")) {
        uint32_t error = json_find(scan, 0, "error");
        if (error != 0)
            grown_set(body, grown_member(body, 0, "error"), scan, error);
    } else if (is_text(scan, type, "message_stop")) {
        end_inputs(assembly, "content", "input");
    } else if (!is_text(scan, type, "ping")) {
        return;
    }
    mark(scan, type);
}

const struct answer_shape shape_anthropic_messages = {
    .name = "anthropic.messages",
    .refusal = refusal_of,
    .put_message = put_message,
    .take_event = take_event,
};
