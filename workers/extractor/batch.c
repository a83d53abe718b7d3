#include "workers/extractor/batch.h"

enum { KEY, STATE, ID, MODEL, LINES };

void batch_init(struct batch *batch) {
    memset(batch, 0, sizeof(*batch));
    json_scan_init(&batch->all);
    json_scan_init(&batch->one);
    json_scan_init(&batch->part);
    for (size_t i = 0; i < BATCH_WORDS; i++)
        buf_init(&batch->words[i], RECORDING_BYTES_MAX);
}

void batch_release(struct batch *batch) {
    json_scan_release(&batch->all);
    json_scan_release(&batch->one);
    json_scan_release(&batch->part);
    for (size_t i = 0; i < BATCH_WORDS; i++)
        buf_release(&batch->words[i]);
}

static bool is_object(const struct json_scan *scan, uint32_t node) {
    return scan->nodes[node].shape == JSON_SHAPE_object;
}

// A text, or a number as it is written, of a length that an identifier may have.
static struct bytes word_at(struct batch *batch, const struct json_scan *scan,
                            const struct jsonpath *path, unsigned word) {
    uint32_t node;
    buf_reset(&batch->words[word]);
    if (!jsonpath_first(path, scan, &node))
        return bytes_of(NULL, 0);
    struct bytes said = bytes_of(NULL, 0);
    if (scan->nodes[node].shape == JSON_SHAPE_text)
        said = json_text(scan, node, &batch->words[word]);
    else if (scan->nodes[node].shape == JSON_SHAPE_number)
        said = json_raw(scan, node);
    return bytes_cut(said, IDENTIFIER_VALUE_BYTES_MAX);
}

// ---- whose it is --------------------------------------------------------------------------------

// The API after `after` that answers at the URL; NULL: there is none, or no other.
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

// APIs may share an endpoint: a batch is of the one whose url its lines have, where it says so.
static const struct provider_api *api_of_batch(struct batch *batch) {
    const struct provider_api *first = next_api(batch, NULL), *api = first;
    struct bytes endpoint = batch->all.count > 0
                                ? word_at(batch, &batch->all, first->batch.endpoint, STATE)
                                : bytes_of(NULL, 0);
    for (; api && endpoint.size > 0; api = next_api(batch, api))
        for (const char *const *url = api->urls; *url; url++)
            if (bytes_is(endpoint, *url))
                return api;
    return first;
}

// ---- an item ------------------------------------------------------------------------------------

// An item is of the API that finds its answer in it.
static const struct provider_api *find_answer(const struct batch *batch, uint32_t *node) {
    const struct provider_api *api = next_api(batch, NULL);
    while (api &&
           !(jsonpath_first(api->batch.answer, &batch->one, node) && is_object(&batch->one, *node)))
        api = next_api(batch, api);
    return api;
}

// False if it has no status of its own.
static bool read_status(struct batch *batch) {
    uint32_t node;
    int64_t status;
    bool is_said = jsonpath_first(batch->api->batch.status, &batch->one, &node) &&
                   json_count(&batch->one, node, &status) && status >= 100 && status <= 599;
    if (is_said)
        batch->item.status = (unsigned)status;
    return is_said;
}

// Whether it says in the API's words that it failed.
static bool is_error(struct batch *batch, struct bytes text) {
    struct error_words words;
    return json_scan(&batch->part, text, NULL) == ERR_OK &&
           provider_api_failed(batch->api, &batch->part, &words);
}

// An item without an answer of ours says why, in the words of whatever API, or by a status. One
// that was a success is the answer of an API that the catalogue does not have. What says nothing
// of all that may hold anything: it is not read.
static void read_error(struct batch *batch) {
    struct batch_item *item = &batch->item;
    uint32_t node;
    if (read_status(batch) && item->status / 100 == 2) {
        item->api = NULL;
        return;
    }
    if (jsonpath_first(batch->api->batch.error, &batch->one, &node) &&
        is_object(&batch->one, node) && is_error(batch, json_raw(&batch->one, node)))
        item->answer = json_raw(&batch->one, node);
    item->is_unanswered = item->answer.size > 0 || item->status / 100 != 2;
}

static void read_item(struct batch *batch, struct bytes text) {
    struct batch_item *item = &batch->item;
    uint32_t node;
    *item = (struct batch_item){.api = batch->api,
                                .number = ++batch->number,
                                .status = batch->status,
                                .id = batch->id,
                                .model = batch->model};
    if (json_scan(&batch->one, text, NULL) != ERR_OK) {
        item->answer = text;
        return;
    }
    if (!is_object(&batch->one, 0))
        return;
    item->item = json_raw(&batch->one, 0);
    const struct provider_api *api = find_answer(batch, &node);
    if (api) {
        item->api = api;
        item->answer = json_raw(&batch->one, node);
        (void)read_status(batch);
    } else {
        read_error(batch);
    }
    item->key = word_at(batch, &batch->one, batch->api->batch.key, KEY);
    item->state = word_at(batch, &batch->one, batch->api->batch.ended, STATE);
}

// ---- where they are -----------------------------------------------------------------------------

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r';
}

// The next line that is not blank; empty at the end.
static struct bytes take_line(struct bytes *rest) {
    struct bytes line = {0};
    while (line.size == 0 && rest->size > 0) {
        const uint8_t *end = memchr(rest->at, '\n', rest->size);
        line = bytes_of(rest->at, end ? (size_t)(end - rest->at) : rest->size);
        size_t taken = line.size + (end != NULL);
        *rest = bytes_of(rest->at + taken, rest->size - taken);
        while (line.size > 0 && is_blank(line.at[line.size - 1]))
            line.size--;
    }
    return line;
}

const struct batch_item *batch_next(struct batch *batch) {
    if (batch->next < batch->end) {
        struct bytes text = json_raw(&batch->all, batch->next);
        batch->next = batch->all.nodes[batch->next].end;
        read_item(batch, text);
        return &batch->item;
    }
    struct bytes line = take_line(&batch->rest);
    if (line.size == 0)
        return NULL;
    read_item(batch, line);
    return &batch->item;
}

// ---- the batch ----------------------------------------------------------------------------------

// The members of a list, or a document that is an item itself.
static void take_items(struct batch *batch, uint32_t node) {
    bool is_list = batch->all.nodes[node].shape == JSON_SHAPE_array;
    batch->next = is_list ? node + 1 : node;
    batch->end = batch->all.nodes[node].end;
}

// The first list of items that the batch has any in.
static void find_items(struct batch *batch) {
    uint32_t list;
    for (const struct jsonpath *const *path = batch->api->batch.items; *path; path++)
        if (batch->next == batch->end && jsonpath_first(*path, &batch->all, &list) &&
            batch->all.nodes[list].shape == JSON_SHAPE_array)
            take_items(batch, list);
}

// Whether it is an item; if it has an answer, whose the others are too that do not show it.
static bool look_at(struct batch *batch, struct bytes text, bool *has_answer) {
    uint32_t node;
    if (json_scan(&batch->one, text, NULL) != ERR_OK ||
        !jsonpath_first(batch->api->batch.result, &batch->one, &node))
        return false;
    const struct provider_api *api = find_answer(batch, &node);
    *has_answer = api != NULL;
    batch->api = api ? api : batch->api;
    return true;
}

// Whether there are any: the endpoint may hand out other files too. Items before the first answer
// are of its API as well.
static bool has_items(struct batch *batch) {
    struct bytes rest = batch->rest, line;
    bool has_any = false, has_answer = false;
    for (uint32_t i = batch->next; i < batch->end && !has_answer; i = batch->all.nodes[i].end)
        has_any = look_at(batch, json_raw(&batch->all, i), &has_answer) || has_any;
    while (!has_answer && (line = take_line(&rest)).size > 0)
        has_any = look_at(batch, line, &has_answer) || has_any;
    return has_any;
}

// A line for each; or one document, of one item or a list of them; or a text that holds lines.
// False if it is another file. At the URL of a batch there is no other: what is no item is a
// broken one there.
static bool open_results(struct batch *batch, struct bytes body) {
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    if (batch->all.count > 0 && batch->all.nodes[0].shape >= JSON_SHAPE_array) {
        take_items(batch, 0);
        return has_items(batch) || batch->id.size > 0;
    }
    bool is_text = batch->all.count > 0 && batch->all.nodes[0].shape == JSON_SHAPE_text;
    buf_reset(&batch->words[LINES]);
    batch->rest = is_text ? json_text(&batch->all, 0, &batch->words[LINES]) : body;
    if (batch->rest.size >= sizeof(mark) && memcmp(batch->rest.at, mark, sizeof(mark)) == 0)
        batch->rest = bytes_of(batch->rest.at + sizeof(mark), batch->rest.size - sizeof(mark));
    batch->item.is_results = batch->rest.size > 0; // else it is an answer that is empty
    return has_items(batch) || batch->id.size > 0;
}

// Its name and model, where it says them itself.
static void read_names(struct batch *batch) {
    static const char models[] = "models/";
    const struct batch_map *map = &batch->api->batch;
    struct bytes id = bytes_of(NULL, 0);
    for (size_t i = 0; i < map->identifier_count && id.size == 0; i++)
        id = word_at(batch, &batch->all, map->identifiers[i].path, ID);
    struct bytes model = word_at(batch, &batch->all, map->model, MODEL);
    size_t size = sizeof(models) - 1;
    if (model.size > size && memcmp(model.at, models, size) == 0)
        model = bytes_of(model.at + size, model.size - size);
    batch->id = id.size > 0 ? id : batch->id;
    batch->model = model.size > 0 ? model : batch->model;
}

static void open_batch(struct batch *batch, struct bytes body) {
    batch->item.answer = body;
    if (batch->all.count == 0)
        return;
    read_names(batch);
    find_items(batch);
    batch->item.state = word_at(batch, &batch->all, batch->api->batch.state, STATE);
}

const struct batch_item *batch_open(struct batch *batch, const struct catalogue *catalogue,
                                    const struct recording *recording) {
    bool is_success = recording->status / 100 == 2;
    batch->catalogue = catalogue;
    batch->url = recording->url;
    batch->status = recording->status;
    batch->number = batch->next = batch->end = 0;
    batch->rest = bytes_of(NULL, 0);
    if (!next_api(batch, NULL))
        return NULL;
    if (!is_success || json_scan(&batch->all, recording->body, NULL) != ERR_OK)
        batch->all.count = 0;
    batch->api = api_of_batch(batch);
    recording_batch_names(batch->api, batch->url, &batch->id, &batch->model);
    batch->item = (struct batch_item){.api = batch->api, .status = recording->status};
    batch->item.is_results = is_success && recording_is_results(batch->api, batch->url);
    if (!batch->item.is_results)
        open_batch(batch, recording->body);
    else if (!open_results(batch, recording->body))
        return NULL;
    batch->item.id = batch->id;
    batch->item.model = batch->model;
    return &batch->item;
}

struct answer batch_answer(const struct batch_item *item, struct bytes headers) {
    bool is_batch = item->number == 0;
    return (struct answer){.api = item->api,
                           .status = item->status,
                           .headers = is_batch ? headers : bytes_of(NULL, 0),
                           .body = item->answer,
                           .item = item->item,
                           .of = !is_batch          ? ANSWER_call
                                 : item->is_results ? ANSWER_results
                                                    : ANSWER_batch};
}
