#include "workers/extractor/shape.h"

const struct answer_shape *answer_shape_of(const char *name) {
    static const struct answer_shape *const shapes[] = {
        &shape_openai_chat,     &shape_anthropic_messages,  &shape_openai_responses,
        &shape_gemini_generate, &shape_gemini_interactions,
    };
    for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
        if (strcmp(shapes[i]->name, name) == 0)
            return shapes[i];
    return NULL;
}

bool answer_shape_is_stream(const struct answer_shape *shape, struct bytes body) {
    return sse_is_stream(body) || (shape && shape->may_be_array && sse_is_array(body));
}

// ---- reading ------------------------------------------------------------------------------------

uint32_t said(const struct json_scan *scan, uint32_t object, const char *name) {
    uint32_t value = json_find(scan, object, name);
    return value != 0 && scan->nodes[value].shape != JSON_SHAPE_null ? value : 0;
}

bool is_shape(const struct json_scan *scan, uint32_t node, enum json_shape shape) {
    return node != 0 && scan->nodes[node].shape == (uint8_t)shape;
}

bool is_list(const struct json_scan *scan, uint32_t node) {
    return is_shape(scan, node, JSON_SHAPE_array);
}

bool is_text(const struct json_scan *scan, uint32_t node, const char *text) {
    return is_shape(scan, node, JSON_SHAPE_text) && !scan->nodes[node].has_escape &&
           bytes_is(json_text(scan, node, NULL), text);
}

bool said_key(const struct json_scan *scan, uint32_t number, uint32_t *key) {
    int64_t value;
    if (number == 0 || !json_count(scan, number, &value) || value > UINT32_MAX)
        return false;
    *key = (uint32_t)value;
    return true;
}

// ---- the neutral message ------------------------------------------------------------------------

void put_origin(const struct json_scan *scan, const char *shape, uint32_t model, struct buf *out) {
    buf_printf(out, ",\"shape\":\"%s\"", shape);
    if (model == 0 || scan->nodes[model].shape == JSON_SHAPE_null)
        return;
    buf_text(out, ",\"model\":");
    json_put_node(out, scan, model);
}

void put_members(const struct json_scan *scan, uint32_t object, const char *const *left_out,
                 struct buf *out) {
    for (uint32_t i = object + 1; i < scan->nodes[object].end; i = scan->nodes[i].end) {
        bool is_left_out = scan->nodes[i].shape == JSON_SHAPE_null;
        for (size_t k = 0; !is_left_out && left_out[k]; k++)
            is_left_out = json_is_named(scan, i, bytes_text(left_out[k]));
        if (is_left_out)
            continue;
        buf_text(out, ",\"");
        buf_put(out, scan->text.at + scan->nodes[i].name_at, scan->nodes[i].name_size);
        buf_text(out, "\":");
        json_put_node(out, scan, i);
    }
}

struct buf *next_part(struct buf *out, const char **comma) {
    buf_text(out, *comma);
    *comma = ",";
    return out;
}

// ---- streams ------------------------------------------------------------------------------------

void mark(struct json_scan *scan, uint32_t node) {
    if (node != 0)
        scan->nodes[node].is_marked = true;
}

bool take_key(struct json_scan *scan, const char *name, uint32_t *key) {
    uint32_t number = json_find(scan, 0, name);
    bool is_key = said_key(scan, number, key);
    mark(scan, is_key ? number : 0);
    return is_key;
}

// What was cut, is no JSON or nests too deep goes under a name of its own: the APIs take objects
// only.
static void put_input(struct grown *body, uint32_t to, struct bytes input) {
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

void end_input(struct assembly *assembly, const char *list, uint32_t key, const char *name) {
    struct grown *body = &assembly->body;
    uint32_t parts = grown_find(body, 0, list);
    uint32_t part = parts ? grown_find_element(body, parts, key) : 0;
    uint32_t pieces = grown_find_element(&assembly->aside, 0, key);
    if (part == 0 || pieces == 0)
        return;
    struct buf text;
    buf_init(&text, GROWN_BYTES_MAX);
    assembly_aside_text(assembly, pieces, &text);
    if (text.size > 0)
        put_input(body, grown_member(body, part, name), buf_bytes(&text));
    grown_set_text(&assembly->aside, pieces, "");
    buf_release(&text);
}

// Nothing is aside then: not for the next end that is said, either.
void end_inputs(struct assembly *assembly, const char *list, const char *name) {
    struct grown *aside = &assembly->aside;
    for (uint32_t i = aside->nodes[0].first; i; i = aside->nodes[i].next)
        end_input(assembly, list, aside->nodes[i].key, name);
    grown_set_text(aside, 0, "");
}

enum err answer_shape_assemble(const struct answer_shape *shape, const struct provider_api *api,
                               struct bytes stream, struct assembly *assembly,
                               struct json_scan *scan, struct stream_story *story,
                               struct buf *out) {
    struct sse sse;
    struct sse_event event;
    enum sse_found found;
    sse_init(&sse);
    while ((found = sse_next(&sse, stream, true, &event)) == SSE_event) {
        bool is_json = api && story ? provider_api_hear(api, &event, scan, story)
                                    : json_scan(scan, event.data, NULL) == ERR_OK;
        if (!is_json)
            continue;
        shape->take_event(assembly, &event, scan);
        if (assembly->keeps_rest)
            grown_rest(&assembly->rest, 0, scan);
    }
    if (story)
        stream_end(story, &sse);
    sse_release(&sse);
    grown_put(&assembly->body, 0, out);
    bool has_all = found != SSE_too_big && grown_state(&assembly->body) == ERR_OK &&
                   grown_state(&assembly->aside) == ERR_OK && buf_state(out) == ERR_OK;
    return has_all ? ERR_OK : ERR_TOO_BIG;
}
