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
