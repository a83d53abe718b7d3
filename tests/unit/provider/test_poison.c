// Answers that nobody should give, over real HTTP and through the extractor: each has one defined
// class, none is taken for more than it is, and the next call on the same pool is unharmed.
#include "api.h"
#include "http_server.h"

#include "common/clock.h"
#include "common/mem.h"
#include "workers/extractor/extract.h"
#include "workers/provider/classify.h"

#include <stdio.h>
#include <stdlib.h>

enum { LIMIT_MS = 60 * 1000 };

static const struct transfer_limits limits = {.connect_ms = 30 * 1000,
                                              .stall_ms = 300,
                                              .head_bytes_max = ANSWER_HEADERS_BYTES_MAX,
                                              .answer_bytes_max = ANSWER_BYTES_MAX};
static struct curl_slist lines = {.data = (char *)(uintptr_t) "Expect:"};
static struct server *server;
static struct transfers *transfers;
static struct catalogue *catalogue;
static const struct provider_api *api;
static struct json_scan scan;
static struct buf given;

static void set_up(void) {
    catalogue = api_catalogue();
    api = catalogue_api(catalogue, bytes_text("openai"), bytes_text("chat"));
    server = server_open();
    server_run(server);
    transfers = transfers_new(2, &limits);
    json_scan_init(&scan);
    buf_init(&given, 32 << 20);
}

static void tear_down(void) {
    transfers_free(transfers);
    json_scan_release(&scan);
    catalogue_free(catalogue);
    buf_release(&given);
    ck_assert_int_eq(mem_held(), 0);
}

static struct transfer *call(const char *name) {
    struct transfer *transfer = transfers_take(transfers), *ended;
    buf_text(&transfer->request, "{}");
    transfer->url = server_url(server, name);
    transfer->headers = &lines;
    transfer->may_be_private = transfer->may_be_plain = true;
    transfer_start(transfer, LIMIT_MS);
    while (!(ended = transfers_next(transfers))) {
        (void)transfers_wait(transfers, 1000);
        struct moment now = clock_now();
        transfers_turn(transfers, now.mono_ms, now.wall_ms);
    }
    return ended;
}

static struct verdict judge(struct transfer *transfer) {
    const struct outcome outcome = {
        .end = transfer->end,
        .http_end = transfer->http_end,
        .status = transfer->status,
        .has_left = transfer->has_left,
        .head = buf_bytes(&transfer->head),
        .body = buf_bytes(&transfer->answer),
        .words = transfer->easy.error,
        .now_ms = 1763805600000,
    };
    struct verdict verdict;
    classify(api, adapter_for(api->shape), &outcome, &scan, &verdict);
    return verdict;
}

static void give(struct bytes bytes) {
    buf_reset(&given);
    buf_put(&given, bytes.at, bytes.size);
    server->given = (const char *)given.at;
    server->given_size = given.size;
}

// A call after the poison is answered as ever: no byte of the one before stands in it.
static void assert_unharmed(void) {
    struct transfer *transfer = call("ok");
    struct verdict verdict = judge(transfer);
    ck_assert_int_eq(verdict.class, CLASS_success);
    ck_assert_str_eq(buf_cstr(&transfer->answer), "{\"choices\":[{}]}");
    transfer_give(transfer);
}

// ---- lies in the head ---------------------------------------------------------------------------

#define HEAD "HTTP/1.1 200 OK\r\n"
#define BODY "{\"choices\":[{}]}"

// What the head says of the body's size decides where an answer ends: a wrong word there must
// neither make half an answer whole nor hand the rest of it to the next call.
START_TEST(a_head_that_lies_makes_no_success_of_half_an_answer) {
    static const struct {
        const char *text, *ended, *class, *reason;
    } cases[] = {
        // Shorter than the body: half a document, and bytes that belong to nobody.
        {HEAD "Content-Length: 8\r\n\r\n" BODY, "answered", "malformed", "malformed"},
        // Longer, and then silence.
        {HEAD "Content-Length: 17\r\n\r\n" BODY, "failed", "retryable", "stall_timeout"},
        // Chunked, and the last chunk never comes.
        {HEAD "Transfer-Encoding: chunked\r\n\r\n10\r\n" BODY "\r\n", "failed", "retryable",
         "stall_timeout"},
        // A chunk that says more than it holds, and one that says nothing sensible.
        {HEAD "Transfer-Encoding: chunked\r\n\r\nff\r\n" BODY "\r\n0\r\n\r\n", "failed",
         "retryable", "stall_timeout"},
        {HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n" BODY "\r\n0\r\n\r\n", "failed",
         "retryable", "reset"}, // as the library calls it
        {HEAD "Transfer-Encoding: chunked\r\n\r\n-10\r\n" BODY "\r\n0\r\n\r\n", "failed",
         "retryable", "reset"}, // as the library calls it
        // Nothing at all: silence after a head.
        {HEAD "Content-Length: 16\r\n\r\n", "failed", "retryable", "stall_timeout"},
        // An empty body.
        {HEAD "Content-Length: 0\r\n\r\n", "answered", "malformed", "malformed"},
        {"HTTP/1.1 204 No Content\r\n\r\n", "answered", "malformed", "malformed"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        give(bytes_text(cases[i].text));
        struct transfer *transfer = call("verbatim");
        struct verdict verdict = judge(transfer);
        ck_assert_msg(strcmp(verdict.ended, cases[i].ended) == 0 &&
                          strcmp(call_class_name(verdict.class), cases[i].class) == 0 &&
                          strcmp(verdict.reason, cases[i].reason) == 0,
                      "case %zu: %s %s %s", i, verdict.ended, call_class_name(verdict.class),
                      verdict.reason);
        ck_assert(transfer->has_left);
        transfer_give(transfer);
        assert_unharmed();
    }
}
END_TEST

// Two lengths, or a length that is no number: whichever is believed, it is no success of less
// than a whole document.
START_TEST(lengths_that_contradict_each_other_make_no_half_success) {
    static const char *const heads[] = {"Content-Length: 8\r\nContent-Length: 16\r\n",
                                        "Content-Length: -1\r\n", "Content-Length: 16, 8\r\n",
                                        "Content-Length: 99999999999999999999\r\n",
                                        "Content-Length: 8\r\nTransfer-Encoding: chunked\r\n"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        buf_reset(&given);
        buf_printf(&given, HEAD "%s\r\n" BODY, heads[i]);
        server->given = (const char *)given.at;
        server->given_size = given.size;
        struct transfer *transfer = call("verbatim");
        struct verdict verdict = judge(transfer);
        bool is_whole = bytes_is(buf_bytes(&transfer->answer), BODY);
        ck_assert_msg(verdict.class != CLASS_success || is_whole, "%s", heads[i]);
        transfer_give(transfer);
        assert_unharmed();
    }
}
END_TEST

// Nobody asked for compression. To unpack it all the same would let a few bytes become any number,
// and a body that nobody sent would be taken for the evidence.
START_TEST(a_compressed_answer_is_kept_as_it_came) {
    static const char packed[] = // 4,000 letters
        "\x78\xda\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0\xda\x8b\x6f\x0c\x1f\xa0\x00\x00\x00\x80\xb7"
        "\x01\x83\xd1\x53\x6a";
    const struct bytes body = bytes_of(packed, sizeof(packed) - 1);
    buf_reset(&given);
    buf_printf(&given, HEAD "Content-Encoding: deflate\r\nContent-Length: %zu\r\n\r\n", body.size);
    buf_put(&given, body.at, body.size);
    server->given = (const char *)given.at;
    server->given_size = given.size;
    struct transfer *transfer = call("verbatim");
    struct verdict verdict = judge(transfer);
    ck_assert_str_eq(verdict.reason, "malformed");
    ck_assert(bytes_equal(buf_bytes(&transfer->answer), body));
    transfer_give(transfer);
    assert_unharmed();
}
END_TEST

// ---- bodies -------------------------------------------------------------------------------------

#define USAGE(in, out, total) \
    "\"usage\":{\"prompt_tokens\":" in ",\"completion_tokens\":" out ",\"total_tokens\":" total "}"
#define CHOICE(content)                                                           \
    "\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"role\":" \
    "\"assistant\",\"content\":" content "}}]"

static void answer_with(struct bytes body, struct verdict *verdict) {
    buf_reset(&given);
    buf_printf(&given, HEAD "Content-Length: %zu\r\n\r\n", body.size);
    buf_put(&given, body.at, body.size);
    server->given = (const char *)given.at;
    server->given_size = given.size;
    struct transfer *transfer = call("verbatim");
    *verdict = judge(transfer);
    ck_assert(bytes_equal(buf_bytes(&transfer->answer), body)); // the evidence is what came
    transfer_give(transfer);
}

static void put_nested(struct buf *body, unsigned depth) {
    buf_text(body, "{" CHOICE("\"a\"") ",\"deep\":");
    for (unsigned i = 0; i < depth; i++)
        buf_byte(body, '[');
    for (unsigned i = 0; i < depth; i++)
        buf_byte(body, ']');
    buf_byte(body, '}');
}

// As HTTP they are answers, and they are kept; as answers of the API they are of no use.
START_TEST(bodies_that_are_no_answers_are_malformed) {
    static const struct bytes bodies[] = {
        {(const uint8_t *)"", 0},
        {(const uint8_t *)"\"{}\"", 4},
        {(const uint8_t *)"null", 4},
        {(const uint8_t *)"[]", 2},
        {(const uint8_t *)"{}", 2},
        {(const uint8_t *)"{\"choices\":[]}", 14},
        {(const uint8_t *)"{\"choices\":{}}", 14},
        {(const uint8_t *)"\xef\xbb\xbf{\"choices\":[{}]}", 19},      // a byte order mark
        {(const uint8_t *)"{\"choices\":[{}],\"choices\":[{}]}", 31}, // which of the two?
        {(const uint8_t *)"{\"choices\":[{}]}\0", 17},
        {(const uint8_t *)"{\"choices\":[{\"a\":\"\xff\"}]}", 23},
        {(const uint8_t *)"{\"choices\":[{}]}{}", 18},
        {(const uint8_t *)"data: {\"choices\":[{}]}\n\n", 24}, // the beginning of a stream
        {(const uint8_t *)"<!doctype html><title>Just a moment</title>", 43},
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct verdict verdict;
        answer_with(bodies[i], &verdict);
        ck_assert_msg(strcmp(verdict.ended, "answered") == 0, "body %zu", i);
        ck_assert_msg(verdict.class == CLASS_malformed, "body %zu: %s", i,
                      call_class_name(verdict.class));
        ck_assert(strcmp(verdict.reason, "malformed") == 0 ||
                  strcmp(verdict.reason, "stream_incomplete") == 0);
    }
    assert_unharmed();
}
END_TEST

// One level more is a defined class, and not the end of a stack.
START_TEST(an_answer_may_be_nested_as_deep_as_the_limit) {
    struct buf body;
    struct verdict verdict;
    buf_init(&body, 1 << 20);
    for (unsigned more = 0; more < 3; more++) {
        buf_reset(&body);
        put_nested(&body, JSON_DEPTH_MAX - 2 + more); // the object itself is a level
        answer_with(buf_bytes(&body), &verdict);
        ck_assert_int_eq(verdict.class, more < 2 ? CLASS_success : CLASS_malformed);
    }
    buf_reset(&body);
    put_nested(&body, 400000);
    answer_with(buf_bytes(&body), &verdict);
    ck_assert_int_eq(verdict.class, CLASS_malformed);
    buf_release(&body);
}
END_TEST

// ---- what the extractor makes of strange successes ----------------------------------------------

static struct usage usage_of(struct extract *extract, const char *body) {
    const struct answer answer = {.api = api, .status = 200, .body = bytes_text(body)};
    struct verdict verdict;
    answer_with(answer.body, &verdict);
    ck_assert_msg(verdict.class == CLASS_success, "%s", body);
    extract_open(extract, &answer);
    ck_assert_ptr_null(extract_refusal(extract));
    struct buf facts;
    buf_init(&facts, FACTS_BYTES_MAX);
    ck_assert_int_eq(extract_facts(extract, &facts), ERR_OK);
    buf_release(&facts);
    return extract_usage(extract);
}

// A counter that nobody can hold is no counter: to make a small one or 0 of it would be to
// invoice nothing.
START_TEST(counters_beyond_what_can_be_counted_are_not_stated) {
    struct extract *extract = mem_new(sizeof(*extract));
    extract_init(extract);
    struct usage usage = usage_of(extract, "{" CHOICE("\"a\"") "," USAGE("1", "1", "2") "}");
    ck_assert_int_eq(usage.counters.in_uncached, 1);
    static const char *const counts[] = {"9223372036854775808",
                                         "18446744073709551616",
                                         "9223372036854775807",
                                         "10000000001",
                                         "1e30",
                                         "-5",
                                         "1.5",
                                         "\"7\"",
                                         "null"};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct buf body;
        buf_init(&body, 4096);
        buf_printf(&body, "{" CHOICE("\"a\"") "," USAGE("%s", "1", "2") "}", counts[i]);
        usage = usage_of(extract, buf_cstr(&body));
        ck_assert_msg(usage.counters.in_uncached == -1, "%s: %lld", counts[i],
                      (long long)usage.counters.in_uncached);
        ck_assert_msg(memmem(usage.raw.at, usage.raw.size, counts[i], strlen(counts[i])) != NULL,
                      "%s is not kept as it was written", counts[i]);
        buf_release(&body);
    }
    usage = usage_of(extract, "{" CHOICE("\"a\"") "," USAGE("9223372036854775807",
                                                            "9223372036854775807", "2") "}");
    ck_assert(usage.is_inconsistent);
    extract_release(extract);
    mem_free(extract);
}
END_TEST

// \u0000 ends strings in databases and in C; half a surrogate pair is no character.
START_TEST(characters_that_cannot_be_stored_become_ones_that_can) {
    struct extract *extract = mem_new(sizeof(*extract));
    extract_init(extract);
    (void)usage_of(extract, "{\"id\":\"a\\u0000b\"," CHOICE("\"x\\u0000\\ud800y\"") "}");
    size_t count;
    const struct identifier *found = extract_all_identifiers(extract, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_ptr_null(memchr(found[0].value.at, 0, found[0].value.size));
    ck_assert(json_is_complete(extract_all_metadata(extract)));
    extract_release(extract);
    mem_free(extract);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("poison");
    TCase *poison = tcase_create("answers");
    tcase_add_checked_fixture(poison, set_up, tear_down);
    tcase_set_timeout(poison, 300);
    tcase_add_test(poison, a_head_that_lies_makes_no_success_of_half_an_answer);
    tcase_add_test(poison, lengths_that_contradict_each_other_make_no_half_success);
    tcase_add_test(poison, a_compressed_answer_is_kept_as_it_came);
    tcase_add_test(poison, bodies_that_are_no_answers_are_malformed);
    tcase_add_test(poison, an_answer_may_be_nested_as_deep_as_the_limit);
    tcase_add_test(poison, counters_beyond_what_can_be_counted_are_not_stated);
    tcase_add_test(poison, characters_that_cannot_be_stored_become_ones_that_can);
    suite_add_tcase(suite, poison);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
