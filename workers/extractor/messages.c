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

static void mark(struct json_scan *scan, uint32_t node) {
    if (node != 0)
        scan->nodes[node].is_marked = true;
}

// The number of the part that an event speaks of; false if it says none.
static bool part_number(struct json_scan *scan, uint32_t *key) {
    uint32_t index = json_find(scan, 0, "index");
    int64_t number;
    if (index == 0 || !json_count(scan, index, &number) || number > UINT32_MAX)
        return false;
    mark(scan, index);
    *key = (uint32_t)number;
    return true;
}

// The part itself, made if it is not there; 0 if the event says none.
static uint32_t part_of(struct grown *body, struct json_scan *scan, uint32_t *key) {
    return part_number(scan, key) ? grown_element(body, grown_member(body, 0, "content"), *key) : 0;
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

// An input that was cut, is no JSON or nests too deep goes under a name of its own: the API takes
// objects only.
static void put_input(struct grown *body, uint32_t part, struct bytes input) {
    uint32_t to = grown_member(body, part, "input");
    if (grown_set_json(body, to, input))
        return;
    struct buf wrapped;
    buf_init(&wrapped, GROWN_BYTES_MAX);
    buf_text(&wrapped, "{\"INVALID_JSON\":");
    json_put_text(&wrapped, input);
    buf_byte(&wrapped, '}');
    (void)grown_set_json(body, to, buf_bytes(&wrapped));
    buf_release(&wrapped);
}

// Puts in what was kept aside of a part, once.
static void end_part(struct assembly *assembly, uint32_t key) {
    uint32_t content = grown_find(&assembly->body, 0, "content");
    uint32_t part = content ? grown_find_element(&assembly->body, content, key) : 0;
    uint32_t said = grown_find_element(&assembly->aside, 0, key);
    if (part == 0 || said == 0)
        return;
    struct buf text;
    buf_init(&text, GROWN_BYTES_MAX);
    assembly_aside_text(assembly, said, &text);
    if (text.size > 0)
        put_input(&assembly->body, part, buf_bytes(&text));
    grown_set_text(&assembly->aside, said, "");
    buf_release(&text);
}

// The end of the message is the end of each part whose own was not said.
static void end_parts(struct assembly *assembly) {
    const struct grown *aside = &assembly->aside;
    for (uint32_t i = aside->nodes[0].first; i; i = aside->nodes[i].next)
        end_part(assembly, aside->nodes[i].key);
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
        if (part_number(scan, &key))
            end_part(assembly, key);
    } else if (is_text(scan, type, "message_delta")) {
        take_end(body, scan);
    } else if (is_text(scan, type, "error")) {
        uint32_t error = json_find(scan, 0, "error");
        if (error != 0)
            grown_set(body, grown_member(body, 0, "error"), scan, error);
    } else if (is_text(scan, type, "message_stop")) {
        end_parts(assembly);
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
