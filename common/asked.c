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
    bool is_text = text_of(scan, object, "service_tier", &scratch, &word);
    if (is_text)
        buf_put(out, word.at, word.size);
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

int64_t asked_output_max(const struct json_scan *scan, uint32_t object) {
    static const char *const limits[] = {"max_completion_tokens", "max_tokens",
                                         "max_output_tokens"};
    int64_t most = OUTPUT_TOKENS_MAX, choices = 1, all;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        uint32_t node = json_find(scan, object, limits[i]);
        if (node != 0 && json_count(scan, node, &most))
            break;
    }
    uint32_t n = json_find(scan, object, "n");
    if (n == 0 || !json_count(scan, n, &choices) || choices < 1)
        choices = 1;
    return __builtin_mul_overflow(most, choices, &all) ? INT64_MAX : all;
}

bool asked_tools_are_own(const struct json_scan *scan, uint32_t list) {
    if (list == 0 || scan->nodes[list].shape != JSON_SHAPE_array)
        return true;
    for (uint32_t i = list + 1; i < scan->nodes[list].end; i = scan->nodes[i].end) {
        uint32_t type = json_find(scan, i, "type");
        struct bytes name = type ? json_raw(scan, type) : bytes_text("\"function\"");
        if (!bytes_is(name, "\"function\"") && !bytes_is(name, "\"custom\""))
            return false;
    }
    return true;
}
