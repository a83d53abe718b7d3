// The section `batch` of a provider's entry: what the provider answers about a batch of its own.
#include "common/catalogue_section.h"

static void check_urls(const struct section *batch, const char *name, const char *const *urls) {
    for (; *urls; urls++)
        if (**urls != '/')
            fail(batch, name, "must begin with a slash");
}

void catalogue_read_batch(struct reader *reader, const json_t *entry, struct provider_api *api) {
    static const char *const known[] = {"urls",  "results", "state",  "items", "key",
                                        "ended", "answer",  "error",  "ids",   "tier",
                                        "note",  "source",  "status", "date",  NULL};
    static const char *const no_urls[] = {NULL};
    struct batch_map *map = &api->batch;
    struct section section = open_section(reader, entry, "batch", false, known);
    static const struct jsonpath *const no_paths[] = {NULL};
    map->urls = map->results = no_urls;
    map->ids = map->items = no_paths;
    if (!section.json)
        return;
    map->urls = texts(&section, "urls");
    map->results = texts(&section, "results");
    check_urls(&section, "urls", map->urls);
    check_urls(&section, "results", map->results);
    if (!map->urls[0] && !map->results[0])
        fail(&section, "urls", "needs at least one");
    map->ids = paths(&section, "ids");
    map->state = path(&section, "state", false);
    map->items = paths(&section, "items");
    if (!map->items[0] && !map->results[0])
        fail(&section, NULL, "needs to say where results are");
    map->key = path(&section, "key", true);
    map->ended = path(&section, "ended", false);
    map->status = path(&section, "status", false);
    map->answer = path(&section, "answer", true);
    map->error = path(&section, "error", true);
    map->tier = text(&section, "tier", true);
}
