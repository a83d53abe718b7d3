// Any bytes as what a provider answered: every API's worker gives it one defined class, what is a
// success there is readable by the extractor, and a success that lost its end is none.
// The input is a byte for the status and the way it ended, one for the API, then headers, an
// empty line, and the body.

#include "common/wire.h"
#include "tests/unit/built_in.h"
#include "workers/extractor/shape.h"
#include "workers/provider/classify.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct catalogue *catalogue;
static struct extract extract;
static struct json_scan scan;

static void set_up(void) {
    catalogue = built_in_catalogue();
    extract_init(&extract);
    json_scan_init(&scan);
}

static struct verdict judge(const struct provider_api *api, const struct outcome *outcome) {
    struct verdict verdict;
    classify(api, adapter_for(api->shape), outcome, &scan, &verdict);
    assert(verdict.class < CALL_CLASSES && verdict.retry_after_ms <= RETRY_HINT_MAX_MS);
    assert(strlen(verdict.reason) <= REASON_BYTES_MAX);
    assert((verdict.class == CLASS_success) == (verdict.reason[0] == 0));
    assert(utf8_is_valid(bytes_text(verdict.reason)) && utf8_is_valid(bytes_text(verdict.detail)));
    return verdict;
}

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// A success without its last byte that is no blank, and one cut in the middle.
static void check_cut(const struct provider_api *api, struct outcome outcome) {
    size_t size = outcome.body.size;
    while (is_blank(outcome.body.at[size - 1]))
        size--;
    outcome.body.size = size - 1;
    struct verdict verdict = judge(api, &outcome);
    assert(verdict.class != CLASS_success);
    outcome.body.size = size / 2;
    verdict = judge(api, &outcome);
    assert(verdict.class != CLASS_success);
}

static void check_answer(const struct provider_api *api, const struct outcome *outcome) {
    struct verdict verdict = judge(api, outcome);
    assert(strcmp(verdict.ended, "answered") == 0);
    if (verdict.class != CLASS_success)
        return;
    const struct answer answer = {
        .api = api, .status = outcome->status, .headers = outcome->head, .body = outcome->body};
    extract_open(&extract, &answer);
    const char *refusal = extract_refusal(&extract);
    assert(!refusal);
    if (!sse_is_stream(outcome->body)) // which may end in comments
        check_cut(api, *outcome);
}

// The same bytes when the exchange did not come to its end.
static void check_failure(const struct provider_api *api, struct outcome outcome, uint8_t how) {
    outcome.end = how % 4 == 0 ? TRANSFER_as_http : (enum transfer_end)(how % 4);
    outcome.http_end = (enum http_end)(1 + how / 4 % (HTTP_ENDS - 1));
    outcome.has_left = how & 1;
    struct verdict verdict = judge(api, &outcome);
    if (answer_shape_is_stream(answer_shape_of(api->shape), outcome.body) &&
        verdict.class == CLASS_success)
        return; // all of it was there before the connection broke
    assert(verdict.class != CLASS_success && verdict.status == 0);
    assert(strcmp(verdict.ended, outcome.has_left ? "failed" : "not_started") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const unsigned statuses[] = {200, 201, 400, 401, 429, 500, 529, 302};
    if (size < 2)
        return 0;
    if (!catalogue)
        set_up();
    struct bytes rest = bytes_of(data + 2, size - 2);
    const uint8_t *line = rest.size > 0 ? memmem(rest.at, rest.size, "\r\n\r\n", 4) : NULL;
    size_t head = line ? (size_t)(line - rest.at) + 2 : 0;
    struct outcome outcome = {
        .http_end = HTTP_answered,
        .status = statuses[data[0] % 8],
        .has_left = true,
        .head = bytes_of(rest.at, head),
        .body = line ? bytes_of(line + 4, rest.size - head - 2) : rest,
        .words = "the library's words",
        .now_ms = 1763805600000,
    };
    const struct provider_api *api =
        catalogue_api_at(catalogue, data[1] % catalogue_api_count(catalogue));
    check_answer(api, &outcome);
    check_failure(api, outcome, data[0]);
    return 0;
}
