// Any bytes as a provider's answer: what the extractor makes of it is a message of kind facts
// that the accountant can read, and the same each time.
// The input is a byte for the status, then headers, an empty line, and the body.

#include "common/wire.h"
#include "tests/unit/built_in.h"
#include "workers/extractor/extract.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct catalogue *catalogue;
static struct extract extract;

static void set_up(void) {
    catalogue = built_in_catalogue();
    extract_init(&extract);
}

static void check_facts(struct bytes facts) {
    struct wire_message message;
    struct facts_head head;
    struct facts_item item;
    enum err e = wire_open(facts, &message);
    assert(e == ERR_OK && message.kind == KIND_facts);
    e = wire_head(&message, &head);
    assert(e == ERR_OK);
    assert(head.message.size == 0 || json_is_complete(head.message));
    assert(head.metadata.size == 0 || json_is_complete(head.metadata));
    assert(head.headers.size == 0 || json_is_complete(head.headers));
    assert(head.usage.size == 0 || json_is_complete(head.usage));
    while ((e = wire_next(&message, &item)) == ERR_OK)
        assert(item.value.size > 0);
    assert(e == ERR_NOT_FOUND);
}

// Splits the input at its first empty line.
static struct answer answer_of(const uint8_t *data, size_t size) {
    static const unsigned statuses[] = {200, 400, 401, 404, 429, 500, 503, 200};
    struct answer answer = {.status = statuses[data[0] % 8]};
    struct bytes rest = bytes_of(data + 1, size - 1);
    size_t at = 0;
    while (at + 4 <= rest.size && memcmp(rest.at + at, "\r\n\r\n", 4) != 0)
        at++;
    bool has_line = at + 4 <= rest.size;
    answer.headers = bytes_of(rest.at, has_line ? at + 2 : 0);
    answer.body = has_line ? bytes_of(rest.at + at + 4, rest.size - at - 4) : rest;
    return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buf first;
    struct buf second;
    if (size < 1)
        return 0;
    if (!catalogue)
        set_up();
    struct answer answer = answer_of(data, size);
    answer.api = catalogue_api_at(catalogue, data[0] / 8 % catalogue_api_count(catalogue));
    buf_init(&first, FACTS_BYTES_MAX);
    buf_init(&second, FACTS_BYTES_MAX);
    extract_open(&extract, &answer);
    (void)extract_refusal(&extract);
    if (extract_facts(&extract, &first) == ERR_OK) {
        check_facts(buf_bytes(&first));
        extract_open(&extract, &answer);
        enum err e = extract_facts(&extract, &second);
        assert(e == ERR_OK && bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    }
    buf_release(&first);
    buf_release(&second);
    return 0;
}
