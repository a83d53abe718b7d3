// Answers in the shape of Anthropic's Messages: the body is the message itself.
#include "workers/extractor/shape.h"

// The member, unless it is absent or null.
static uint32_t said(const struct json_scan *scan, uint32_t object, const char *name) {
    uint32_t value = json_find(scan, object, name);
    return value != 0 && scan->nodes[value].shape != JSON_SHAPE_null ? value : 0;
}

static bool is_text(const struct json_scan *scan, uint32_t node, const char *text) {
    return node != 0 && scan->nodes[node].shape == JSON_SHAPE_text &&
           !scan->nodes[node].has_escape && bytes_is(json_text(scan, node, NULL), text);
}

// An answer without a stop reason is the beginning of one.
static const char *refusal_of(const struct json_scan *scan) {
    if (scan->nodes[0].shape != JSON_SHAPE_object)
        return "not_an_object";
    if (is_text(scan, json_find(scan, 0, "type"), "error") || said(scan, 0, "error"))
        return "error_in_answer";
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
    if (model != 0) {
        buf_text(out, ",\"model\":");
        json_put_node(out, scan, model);
    }
    buf_byte(out, '}');
}

const struct answer_shape shape_anthropic_messages = {
    .name = "anthropic.messages",
    .refusal = refusal_of,
    .put_message = put_message,
};
