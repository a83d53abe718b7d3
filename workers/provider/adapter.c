#include "workers/provider/adapter.h"

#include <string.h>

const struct adapter *adapter_for(const char *shape) {
    static const struct adapter *const adapters[] = {
        &adapter_openai_chat,     &adapter_anthropic_messages,  &adapter_openai_responses,
        &adapter_gemini_generate, &adapter_gemini_interactions,
    };
    for (size_t i = 0; i < sizeof(adapters) / sizeof(adapters[0]); i++)
        if (strcmp(adapters[i]->shape, shape) == 0)
            return adapters[i];
    return NULL;
}

bool api_streams(const struct provider_api *api) {
    const struct adapter *adapter = adapter_for(api->shape);
    return adapter && adapter->may_stream && api->stream.is_served;
}

// Whether the line's url is one that asks for a stream.
static bool asks_by_url(const struct adapter_job *job) {
    struct json_scan scan;
    struct buf scratch;
    struct bytes raw;
    if (!job->api->urls_stream[0] || !json_member(job->line, "url", &raw))
        return false;
    json_scan_init(&scan);
    buf_init(&scratch, URL_BYTES_MAX);
    bool is_it = json_scan(&scan, raw, NULL) == ERR_OK &&
                 provider_api_url(job->api, json_text(&scan, 0, &scratch)) == URL_says_stream;
    buf_release(&scratch);
    json_scan_release(&scan);
    return is_it;
}

static bool says_stream(struct bytes object) {
    struct bytes value;
    return json_member(object, "stream", &value) && bytes_is(value, "true");
}

bool job_asks_stream(const struct adapter_job *job) {
    const char *other = job->api->line_member;
    struct bytes object;
    if (job->context.size > 0)
        return json_member(job->context, "params", &object) && says_stream(object);
    return asks_by_url(job) || ((json_member(job->line, "body", &object) ||
                                 (other && json_member(job->line, other, &object))) &&
                                says_stream(object));
}

bool api_takes_fields(const struct provider_api *api, const struct json_scan *line, uint32_t object,
                      struct buf *words) {
    for (size_t i = 0; i < api->refused_count; i++) {
        const struct text_pair *field = &api->refused_fields[i];
        uint32_t node = json_find(line, object, field->from);
        uint8_t shape = node ? line->nodes[node].shape : JSON_SHAPE_null;
        if (shape == JSON_SHAPE_null || shape == JSON_SHAPE_false)
            continue;
        buf_printf(words, "\"%s\" is not served: %s", field->from, field->to);
        return false;
    }
    return true;
}

// What stands in a path's segment as it is; anything else is percent-encoded.
static bool is_plain(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~' || c == ':' || c == '@';
}

static void put_encoded(struct buf *out, struct bytes text) {
    for (size_t i = 0; i < text.size; i++)
        if (is_plain(text.at[i]))
            buf_byte(out, text.at[i]);
        else
            buf_printf(out, "%%%02X", text.at[i]);
}

// A segment of one or two dots alone would lead elsewhere.
static bool may_be_segment(struct bytes model) {
    return model.size > 0 && !bytes_is(model, ".") && !bytes_is(model, "..");
}

void job_put_path(const struct adapter_job *job, struct buf *out) {
    static const char hole[] = "{model}";
    const struct provider_api *api = job->api;
    const char *path = job->is_stream && api->path_stream ? api->path_stream : api->path;
    size_t before = out->size;
    for (const char *at; (at = strstr(path, hole)); path = at + strlen(hole)) {
        if (!may_be_segment(job->model)) {
            out->size = before;
            return;
        }
        buf_put(out, path, (size_t)(at - path));
        put_encoded(out, job->model);
    }
    const char *mark = strchr(path, '?') ? "&" : "?";
    buf_text(out, path);
    for (size_t i = 0; i < api->query_count; i++, mark = "&")
        buf_printf(out, "%s%s=%s", mark, api->queries[i].from, api->queries[i].to);
}
