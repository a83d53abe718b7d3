#include "common/catalogue.h"

#include <fnmatch.h>

// Copies a text, cut at a whole UTF-8 character.
static void put_words(char *to, size_t room, struct bytes text) {
    text = bytes_cut(text, room - 1);
    if (text.size > 0)
        memcpy(to, text.at, text.size);
    to[text.size] = 0;
}

// A text, or a number as it is written: codes come as both.
static void put_node(char *to, size_t room, const struct json_scan *scan, uint32_t node) {
    uint8_t shape = scan->nodes[node].shape;
    struct buf scratch;
    buf_init(&scratch, FRAME_BYTES_MAX);
    if (shape == JSON_SHAPE_text)
        put_words(to, room, json_text(scan, node, &scratch));
    else if (shape == JSON_SHAPE_number)
        put_words(to, room, json_raw(scan, node));
    buf_release(&scratch);
}

static void put_path(char *to, size_t room, const struct json_scan *scan,
                     const struct jsonpath *path) {
    uint32_t node;
    if (jsonpath_first(path, scan, &node))
        put_node(to, room, scan, node);
}

void provider_api_error_of(const struct provider_api *api, const struct json_scan *scan,
                           struct error_words *words) {
    *words = (struct error_words){0};
    if (scan->count == 0)
        return;
    put_path(words->type, sizeof(words->type), scan, api->error_type);
    put_path(words->code, sizeof(words->code), scan, api->error_code);
    put_path(words->message, sizeof(words->message), scan, api->error_message);
    put_path(words->retry_after, sizeof(words->retry_after), scan, api->error_retry_after);
    if (*words->message)
        return;
    // Compatible servers also say {"error": "…"}, {"message": "…"} or just "…".
    uint32_t node = json_find(scan, 0, "error");
    if (node == 0 || scan->nodes[node].shape != JSON_SHAPE_text)
        node = json_find(scan, 0, "message");
    if (node != 0 || scan->nodes[0].shape == JSON_SHAPE_text)
        put_node(words->message, sizeof(words->message), scan, node);
}

void provider_api_error(const struct provider_api *api, struct bytes body,
                        struct error_words *words) {
    struct json_scan scan;
    json_scan_init(&scan);
    (void)json_scan(&scan, body, NULL);
    provider_api_error_of(api, &scan, words);
    json_scan_release(&scan);
}

static bool is_word(const char *rule, const char *word) {
    return !rule || fnmatch(rule, word, FNM_NOESCAPE) == 0;
}

bool retry_rule_fits(const struct retry_rule *rule, const struct error_words *words) {
    return is_word(rule->code, words->code) && is_word(rule->type, words->type) &&
           is_word(rule->message, words->message);
}

const struct retry_rule *provider_api_retry(const struct provider_api *api, unsigned status,
                                            const struct error_words *words) {
    for (size_t i = 0; i < api->retry_count; i++) {
        const struct retry_rule *rule = &api->retries[i];
        if (status >= rule->status_min && status <= rule->status_max &&
            retry_rule_fits(rule, words))
            return rule;
    }
    return NULL;
}
