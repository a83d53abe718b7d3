#include "workers/extractor/batch.h"

enum { KEY, STATE };

void batch_init(struct batch *batch) {
    memset(batch, 0, sizeof(*batch));
    json_scan_init(&batch->all);
    json_scan_init(&batch->one);
    for (size_t i = 0; i < 2; i++)
        buf_init(&batch->words[i], RECORDING_BYTES_MAX);
}

void batch_release(struct batch *batch) {
    json_scan_release(&batch->all);
    json_scan_release(&batch->one);
    for (size_t i = 0; i < 2; i++)
        buf_release(&batch->words[i]);
}

static bool is_object(const struct json_scan *scan, uint32_t node) {
    return scan->nodes[node].shape == JSON_SHAPE_object;
}

static struct bytes text_at(struct batch *batch, const struct json_scan *scan,
                            const struct jsonpath *path, unsigned word) {
    uint32_t node;
    buf_reset(&batch->words[word]);
    return jsonpath_first(path, scan, &node) && scan->nodes[node].shape == JSON_SHAPE_text
               ? json_text(scan, node, &batch->words[word])
               : bytes_of(NULL, 0);
}

// ---- an item ------------------------------------------------------------------------------------

// The API after `after` that hands out results at the URL; NULL: there is none, or no other.
static const struct provider_api *next_api(const struct batch *batch,
                                           const struct provider_api *after) {
    bool is_behind = after == NULL;
    for (size_t i = 0; i < catalogue_api_count(batch->catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(batch->catalogue, i);
        if (is_behind && recording_is_batch(api, batch->url))
            return api;
        is_behind = is_behind || api == after;
    }
    return NULL;
}

// APIs may share an endpoint: an item is of the one that finds its answer in it.
static bool find_answer(struct batch *batch, uint32_t *node) {
    struct batch_item *item = &batch->item;
    for (item->api = next_api(batch, NULL); item->api; item->api = next_api(batch, item->api))
        if (jsonpath_first(item->api->batch.answer, &batch->one, node) &&
            is_object(&batch->one, *node))
            return true;
    return false;
}

static void read_status(struct batch *batch) {
    uint32_t node;
    int64_t status;
    if (jsonpath_first(batch->item.api->batch.status, &batch->one, &node) &&
        json_count(&batch->one, node, &status) && status >= 100 && status <= 599)
        batch->item.status = (unsigned)status;
}

// An item that was not answered says why in the same way in all APIs of its endpoint. One that was,
// by an API that the catalogue does not have, is none of ours.
static void find_error(struct batch *batch, uint32_t *node) {
    struct batch_item *item = &batch->item;
    *node = 0;
    item->api = next_api(batch, NULL);
    read_status(batch);
    item->is_unanswered = true;
    if (item->api->batch.status && item->status / 100 == 2 &&
        jsonpath_first(item->api->batch.status, &batch->one, node))
        item->api = NULL;
    else if (!jsonpath_first(item->api->batch.error, &batch->one, node))
        *node = 0;
}

static void read_item(struct batch *batch, struct bytes text) {
    struct batch_item *item = &batch->item;
    uint32_t node = 0;
    *item = (struct batch_item){.number = ++batch->number, .status = batch->status};
    if (json_scan(&batch->one, text, NULL) != ERR_OK || !is_object(&batch->one, 0)) {
        item->api = next_api(batch, NULL);
        item->answer = text;
        return;
    }
    item->item = text;
    if (!find_answer(batch, &node))
        find_error(batch, &node);
    else
        read_status(batch);
    item->answer = json_raw(&batch->one, node);
    if (!item->api)
        return;
    item->key = text_at(batch, &batch->one, item->api->batch.key, KEY);
    item->state = text_at(batch, &batch->one, item->api->batch.ended, STATE);
}

// ---- where they are -----------------------------------------------------------------------------

// The next line that is not blank; empty at the end.
static struct bytes take_line(struct batch *batch) {
    struct bytes *rest = &batch->rest;
    struct bytes line = {0};
    if (batch->is_one) {
        line = *rest;
        *rest = bytes_of(NULL, 0);
    }
    while (line.size == 0 && rest->size > 0) {
        const uint8_t *end = memchr(rest->at, '\n', rest->size);
        line = bytes_of(rest->at, end ? (size_t)(end - rest->at) : rest->size);
        size_t taken = line.size + (end != NULL);
        *rest = bytes_of(rest->at + taken, rest->size - taken);
        while (line.size > 0 && (line.at[line.size - 1] == '\r' || line.at[line.size - 1] == ' '))
            line.size--;
    }
    return line;
}

const struct batch_item *batch_next(struct batch *batch) {
    if (batch->next != 0 && batch->next < batch->end) {
        struct bytes text = json_raw(&batch->all, batch->next);
        batch->next = batch->all.nodes[batch->next].end;
        read_item(batch, text);
        return &batch->item;
    }
    struct bytes line = take_line(batch);
    if (line.size == 0)
        return NULL;
    read_item(batch, line);
    return &batch->item;
}

// ---- the batch ----------------------------------------------------------------------------------

// The first list of items that the batch has.
static void find_items(struct batch *batch, const struct provider_api *api) {
    uint32_t list;
    for (const struct jsonpath *const *path = api->batch.items; *path; path++)
        if (jsonpath_first(*path, &batch->all, &list) &&
            batch->all.nodes[list].shape == JSON_SHAPE_array) {
            batch->next = list + 1;
            batch->end = batch->all.nodes[list].end;
            return;
        }
}

// Whether the first line is an item: the endpoint may hand out other files too.
static bool has_items(const struct batch *batch, const struct provider_api *api) {
    struct batch ahead = {.rest = batch->rest, .is_one = batch->is_one};
    struct json_scan scan;
    uint32_t node;
    json_scan_init(&scan);
    bool has = json_scan(&scan, take_line(&ahead), NULL) == ERR_OK && is_object(&scan, 0) &&
               jsonpath_first(api->batch.key, &scan, &node);
    json_scan_release(&scan);
    return has;
}

const struct batch_item *batch_open(struct batch *batch, const struct catalogue *catalogue,
                                    const struct recording *recording) {
    batch->catalogue = catalogue;
    batch->url = recording->url;
    batch->status = recording->status;
    batch->number = batch->next = batch->end = 0;
    batch->rest = bytes_of(NULL, 0);
    batch->is_one = false;
    const struct provider_api *api = next_api(batch, NULL);
    if (!api)
        return NULL;
    batch->item = (struct batch_item){.api = api, .status = recording->status};
    bool is_success = recording->status / 100 == 2;
    bool is_json = json_scan(&batch->all, recording->body, NULL) == ERR_OK;
    if (is_success && recording_is_results(api, batch->url)) {
        batch->rest = recording->body;
        batch->is_one = is_json;
        return has_items(batch, api) ? &batch->item : NULL;
    }
    batch->item.answer = recording->body;
    if (is_success && is_json) {
        find_items(batch, api);
        batch->item.state = text_at(batch, &batch->all, api->batch.state, STATE);
    }
    return &batch->item;
}
