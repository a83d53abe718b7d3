// Any bytes as a stream of events: in pieces they say what they say as a whole, and a stream that
// the worker takes for whole the extractor can read. The input is a byte for the API, one for the
// size of the pieces, then the stream.

#include "common/mem.h"
#include "common/wire.h"
#include "tests/unit/built_in.h"
#include "workers/extractor/extract.h"
#include "workers/provider/classify.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct catalogue *catalogue;
static struct extract extract;
static struct json_scan scan;
static struct buf facts;

static void set_up(void) {
    catalogue = built_in_catalogue();
    extract_init(&extract);
    json_scan_init(&scan);
    buf_init(&facts, FACTS_BYTES_MAX);
}

static uint64_t mix(uint64_t hash, struct bytes part) {
    hash = (hash ^ part.size) * 0x100000001b3ull;
    for (size_t i = 0; i < part.size; i++)
        hash = (hash ^ part.at[i]) * 0x100000001b3ull;
    return hash;
}

// What all events say, heard in pieces of that size, each in memory that ends where it does.
static uint64_t hear(struct bytes stream, size_t step) {
    struct sse sse;
    struct sse_event event;
    uint64_t hash = 0;
    sse_init(&sse);
    for (size_t size = 0;; size = stream.size - size > step ? size + step : stream.size) {
        bool is_whole = size == stream.size;
        char *copy = step < stream.size ? mem_copy(stream.at, size) : NULL;
        struct bytes text = copy ? bytes_of(copy, size) : bytes_of(stream.at, size);
        while (sse_next(&sse, text, is_whole, &event) == SSE_event)
            hash = mix(mix(mix(hash + event.has_data, event.name), event.id), event.data);
        mem_free(copy);
        if (is_whole)
            break;
    }
    sse_release(&sse);
    return hash;
}

static void check_answer(const struct provider_api *api, struct bytes stream) {
    const struct outcome outcome = {
        .http_end = HTTP_answered, .status = 200, .has_left = true, .body = stream, .words = ""};
    const struct answer answer = {.api = api, .status = 200, .body = stream};
    struct verdict verdict;
    classify(api, adapter_for(api->shape), &outcome, &scan, &verdict);
    extract_open(&extract, &answer);
    const char *refusal = extract_refusal(&extract);
    assert(!extract.is_stream || extract.stream_state != ERR_OK ||
           extract_body(&extract).size == 0 || json_is_complete(extract_body(&extract)));
    buf_reset(&facts);
    if (extract_facts(&extract, &facts) != ERR_OK)
        return;
    struct wire_message message;
    struct facts_head head;
    enum err e = wire_open(buf_bytes(&facts), &message);
    assert(e == ERR_OK);
    e = wire_head(&message, &head);
    assert(e == ERR_OK && (head.metadata.size == 0 || json_is_complete(head.metadata)));
    assert(!refusal || head.message.size == 0);
    assert(!extract.is_stream || verdict.class != CLASS_success || !refusal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    if (!catalogue)
        set_up();
    struct bytes stream = bytes_of(data + 2, size - 2);
    size_t step = size < 4096 ? 1u + data[1] % 64u : size / 16;
    uint64_t whole = hear(stream, stream.size + 1);
    assert(hear(stream, step) == whole);
    check_answer(catalogue_api_at(catalogue, data[0] % catalogue_api_count(catalogue)), stream);
    return 0;
}
