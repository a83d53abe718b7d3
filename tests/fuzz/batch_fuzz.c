// Any bytes as what a provider answers about a batch of its own: each item lies within the body,
// there is an end to them, and the extractor reads each as it reads any answer. The input is a byte
// for the API and the URL, one for the status, then the body.

#include "common/wire.h"
#include "tests/unit/built_in.h"
#include "workers/extractor/batch.h"

#include <assert.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { URLS_MAX = 64 };

static struct catalogue *catalogue;
static struct extract extract;
static struct batch batch;
static struct buf facts;
static char urls[URLS_MAX][256];
static size_t url_count;

static void add_urls(const struct provider_api *api, const char *const *paths) {
    for (; *paths; paths++) {
        assert(url_count < URLS_MAX);
        (void)snprintf(urls[url_count++], sizeof(urls[0]), "%s%s", api->base_url, *paths);
    }
}

static void set_up(void) {
    catalogue = built_in_catalogue();
    extract_init(&extract);
    batch_init(&batch);
    buf_init(&facts, FACTS_BYTES_MAX);
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        add_urls(api, api->batch.urls);
        add_urls(api, api->batch.results);
    }
}

static bool is_within(struct bytes part, struct bytes whole) {
    return part.size == 0 || (part.at >= whole.at && part.at + part.size <= whole.at + whole.size);
}

static void check_item(const struct batch_item *item, struct bytes body) {
    bool is_quoted = body.size > 0 && memchr("\" \t\r\n", *body.at, 5); // lines in a JSON text
    assert(is_quoted || (is_within(item->item, body) && is_within(item->answer, body)));
    assert(item->item.size == 0 || is_within(item->answer, item->item));
    assert(item->status >= 100 && item->status <= 599);
    if (!item->api)
        return;
    struct answer answer = batch_answer(item, bytes_text("x-request-id: r-1\r\n"));
    extract_open(&extract, &answer);
    buf_reset(&facts);
    enum err e = extract_facts(&extract, &facts);
    struct wire_message message;
    struct facts_head head;
    assert(e == ERR_TOO_BIG || (wire_open(buf_bytes(&facts), &message) == ERR_OK &&
                                wire_head(&message, &head) == ERR_OK));
    assert(e == ERR_TOO_BIG || head.metadata.size == 0 || json_is_complete(head.metadata));
    assert(item->number > 0 || e == ERR_TOO_BIG || !head.has_usage);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const unsigned statuses[] = {200, 404, 202, 529};
    if (size < 2)
        return 0;
    if (!catalogue)
        set_up();
    struct bytes body = bytes_of(data + 2, size - 2);
    struct recording recording = {.url = bytes_text(urls[data[0] % url_count]),
                                  .status = statuses[data[1] % 4],
                                  .body = body};
    uint32_t count = 0;
    for (const struct batch_item *item = batch_open(&batch, catalogue, &recording); item;
         item = batch_next(&batch)) {
        assert(item->number == count++ && count <= size);
        check_item(item, body);
    }
    return 0;
}
