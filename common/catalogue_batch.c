// The section `batch` of a provider's entry: what the provider answers about a batch of its own.
#include "common/catalogue_section.h"

static const char *const *read_urls(const struct section *batch, const char *name) {
    const char *const *urls = texts(batch, name);
    for (size_t i = 0; urls[i]; i++)
        if (urls[i][0] != '/')
            fail(batch, name, "must begin with a slash");
    return urls;
}

// Headers are those of the exchange, and no batch's.
static const struct identifier_rule *read_rules(const struct section *batch, const char *name,
                                                const char *const *supported, size_t *count) {
    const struct identifier_rule *rules = catalogue_read_identifiers(
        batch->reader, batch->json, &(struct place){&batch->place, name, 0}, supported, count);
    for (size_t i = 0; i < *count; i++)
        if (rules[i].header)
            fail(batch, name, "may not name a header");
    return rules;
}

static void read_of_batch(const struct section *batch, const char *const *supported,
                          struct batch_map *map) {
    map->urls = read_urls(batch, "urls");
    map->results = read_urls(batch, "results");
    map->identifiers = read_rules(batch, "identifiers", supported, &map->identifier_count);
    map->state = path(batch, "state", false);
    map->model = path(batch, "model", false);
    map->endpoint = path(batch, "endpoint", false);
    map->items = paths(batch, "items");
    map->content = paths(batch, "content");
    map->tier = text(batch, "tier", true);
}

static void read_of_item(const struct section *batch, const char *const *supported,
                         struct batch_map *map) {
    map->item_identifiers =
        read_rules(batch, "item_identifiers", supported, &map->item_identifier_count);
    map->item_content = paths(batch, "item_content");
    map->result = path(batch, "result", map->results[0] != NULL);
    map->key = path(batch, "key", true);
    map->ended = path(batch, "ended", false);
    map->status = path(batch, "status", false);
    map->answer = path(batch, "answer", true);
    map->error = path(batch, "error", true);
}

void catalogue_read_batch(struct reader *reader, const json_t *entry, struct provider_api *api) {
    static const char *const known[] = {"urls",
                                        "results",
                                        "identifiers",
                                        "state",
                                        "model",
                                        "endpoint",
                                        "items",
                                        "key",
                                        "content",
                                        "tier",
                                        "result",
                                        "ended",
                                        "status",
                                        "item_identifiers",
                                        "item_content",
                                        "note",
                                        "answer",
                                        "error",
                                        "source",
                                        "date",
                                        NULL};
    static const char *const no_urls[] = {NULL};
    static const struct jsonpath *const no_paths[] = {NULL};
    struct batch_map *map = &api->batch;
    struct section section = open_section(reader, entry, "batch", false, known);
    map->urls = map->results = no_urls;
    map->items = map->content = map->item_content = no_paths;
    if (!section.json)
        return;
    const char *const *supported =
        reader_texts(reader, entry, &(struct place){NULL, "supported_identifiers", 0});
    read_of_batch(&section, supported, map);
    read_of_item(&section, supported, map);
    if (!map->urls[0] && !map->results[0])
        fail(&section, NULL, "needs urls, or results");
    if (!map->items[0] && !map->results[0])
        fail(&section, NULL, "needs to say where results are");
}
