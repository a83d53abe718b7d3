// Any bytes as the header block of an answer: each line is a header or is left out, all headers are
// in the JSON that is kept of them, the identifiers found in them are values of theirs, and how
// long they ask to wait is bounded. None of it depends on the case of a name or on how lines end.
// The input is a byte for the API and one for the status, then the block.

#include "common/mem.h"
#include "common/wire.h"
#include "tests/unit/built_in.h"
#include "workers/extractor/headers.h"
#include "workers/provider/classify.h"
#include "workers/provider/retry_after.h"

#include <assert.h>
#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK_BYTES_MAX = 64 << 10 };
static const int64_t now_ms = 1763805600000;

static struct catalogue *catalogue;
static struct extract extract;
static struct json_scan scan;
static struct buf facts, json, other_json;
static struct header headers[HEADERS_MAX], others[HEADERS_MAX];

static void set_up(void) {
    catalogue = built_in_catalogue();
    extract_init(&extract);
    json_scan_init(&scan);
    buf_init(&facts, FACTS_BYTES_MAX);
    buf_init(&json, HEADERS_JSON_BYTES_MAX);
    buf_init(&other_json, HEADERS_JSON_BYTES_MAX);
}

// ---- Lines. ------------------------------------------------------------------------------------

static bool is_within(struct bytes part, struct bytes whole) {
    return part.size == 0 || (part.at >= whole.at && part.at + part.size <= whole.at + whole.size);
}

static bool has_edge(struct bytes text) {
    static const char blanks[] = " \t\r";
    return text.size > 0 &&
           (memchr(blanks, text.at[0], 3) || memchr(blanks, text.at[text.size - 1], 3));
}

static size_t check_split(struct bytes block) {
    size_t count = headers_split(block, headers);
    assert(count <= HEADERS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct header *header = &headers[i];
        assert(header->name.size > 0 && is_within(header->name, block));
        assert(is_within(header->value, block));
        assert(!has_edge(header->name) && !has_edge(header->value));
        assert(!memchr(header->name.at, ':', header->name.size));
        assert(!memchr(header->name.at, '\n', header->name.size));
    }
    return count;
}

// What is kept of the headers is JSON that says each name once, however often it came.
static void check_json(size_t count) {
    json_t *kept = NULL;
    json_error_t error;
    buf_reset(&json);
    headers_put_json(headers, count, &json);
    if (buf_state(&json) != ERR_OK)
        return;
    struct bytes text = buf_bytes(&json);
    kept = json_loadb((const char *)text.at, text.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                      &error);
    assert(kept && json_is_object(kept));
    size_t values = 0;
    const char *name;
    json_t *value;
    json_object_foreach(kept, name, value) {
        values += json_is_array(value) ? json_array_size(value) : 1;
        assert(!json_is_array(value) || json_array_size(value) > 1);
        for (const char *c = name; *c; c++)
            assert(*c < 'A' || *c > 'Z');
    }
    assert(values == count);
    json_decref(kept);
}

// ---- What follows from them. -------------------------------------------------------------------

// Whether that header has that value; the path is header:name.
static bool has_value(size_t count, struct bytes path, struct bytes value) {
    bool is_it = false;
    struct buf name;
    buf_init(&name, BLOCK_BYTES_MAX);
    for (size_t i = 0; i < count && !is_it; i++) {
        buf_reset(&name);
        header_put_name(&headers[i], &name);
        is_it = bytes_equal(buf_bytes(&name), bytes_of(path.at + 7, path.size - 7)) &&
                bytes_equal(headers[i].value, value);
    }
    buf_release(&name);
    return is_it;
}

static void check_facts(const struct provider_api *api, unsigned status, struct bytes block,
                        size_t count) {
    const struct answer answer = {
        .api = api, .status = status, .headers = block, .body = bytes_text("{}")};
    size_t found = 0;
    extract_open(&extract, &answer);
    const struct identifier *list = extract_all_identifiers(&extract, &found);
    for (size_t i = 0; i < found; i++) {
        assert(list[i].path.size > 7 && memcmp(list[i].path.at, "header:", 7) == 0);
        assert(list[i].value.size > 0 && utf8_is_valid(list[i].value));
        assert(has_value(count, list[i].path, list[i].value));
    }
    buf_reset(&facts);
    (void)extract_facts(&extract, &facts);
}

static void check_verdict(const struct provider_api *api, unsigned status, struct bytes block) {
    const struct outcome outcome = {.http_end = HTTP_answered,
                                    .status = status,
                                    .has_left = true,
                                    .head = block,
                                    .body = bytes_text("{}"),
                                    .words = "",
                                    .now_ms = now_ms};
    struct verdict verdict;
    classify(api, adapter_for(api->shape), &outcome, &scan, &verdict);
    assert(verdict.class < CALL_CLASSES && verdict.retry_after_ms <= RETRY_HINT_MAX_MS);
}

// ---- What must make no difference. -------------------------------------------------------------

// The block with its names in capital letters, and lines that end with a line feed only; or with
// what its lines hold unchanged and another ending.
static struct bytes written_otherwise(struct bytes block, char *to) {
    size_t size = 0;
    bool is_name = true;
    for (size_t i = 0; i < block.size; i++) {
        uint8_t c = block.at[i];
        is_name = c == '\n' || (is_name && c != ':');
        if (c == '\r' && i + 1 < block.size && block.at[i + 1] == '\n')
            continue;
        to[size++] = (char)(is_name && c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    return bytes_of(to, size);
}

static void check_sameness(const struct provider_api *api, struct bytes block, size_t count) {
    char *text = mem_array(block.size + 1, 1);
    struct bytes other = written_otherwise(block, text);
    size_t other_count = headers_split(other, others);
    assert(other_count == count);
    buf_reset(&other_json);
    headers_put_json(others, count, &other_json);
    assert(bytes_equal(buf_bytes(&json), buf_bytes(&other_json)));
    struct retry_hint hint = retry_hint_of(block, api->should_retry_header, now_ms);
    struct retry_hint same = retry_hint_of(other, api->should_retry_header, now_ms);
    assert(hint.after_ms <= RETRY_HINT_MAX_MS && hint.after_ms == same.after_ms);
    assert(hint.says_retry == same.says_retry && hint.says_stop == same.says_stop);
    assert(!hint.says_retry || !hint.says_stop);
    mem_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const unsigned statuses[] = {200, 201, 400, 401, 429, 500, 529, 302};
    if (size < 2 || size > BLOCK_BYTES_MAX)
        return 0;
    if (!catalogue)
        set_up();
    const struct provider_api *api =
        catalogue_api_at(catalogue, data[0] % catalogue_api_count(catalogue));
    unsigned status = statuses[data[1] % 8];
    struct bytes block = bytes_of(data + 2, size - 2);
    size_t count = check_split(block);
    check_json(count);
    check_facts(api, status, block, count);
    check_verdict(api, status, block);
    check_sameness(api, block, count);
    return 0;
}
