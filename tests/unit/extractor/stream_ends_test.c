// How streams end: which of them are whole, what those that are not may have cost, and what of a
// part that was not ended is kept. The worker decides so, and the extractor like it.
#include "common/mem.h"
#include "tests/unit/extractor/samples.h"
#include "workers/provider/classify.h"

#include <check.h>
#include <stdlib.h>

#define STARTED                                                                                \
    "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":" \
    "\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"usage\":{"            \
    "\"input_tokens\":90000,\"output_tokens\":1}}}\n"
#define TEXT                                                                                       \
    "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":" \
    "\"\"}}\n"                                                                                     \
    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":"   \
    "\"a secret\"}}\n"
#define FAILED(type) "{\"type\":\"error\",\"error\":{\"type\":\"" type "\",\"message\":\"m\"}}\n"
#define CALLED                                                                                \
    "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\"," \
    "\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{}}}\n"                                      \
    "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\"," \
    "\"partial_json\":"
#define STOPPED                                                                        \
    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{" \
    "\"output_tokens\":5}}\n{\"type\":\"message_stop\"}\n"

static struct sample sample;
static struct buf text;
static struct json_scan scan;

static void set_up(void) {
    sample_open(&sample);
    buf_init(&text, 2 * ANSWER_BYTES_MAX);
    json_scan_init(&scan);
}

static void tear_down(void) {
    sample_close(&sample);
    buf_release(&text);
    json_scan_release(&scan);
}

static void use_anthropic(void) {
    sample_api(&sample, "anthropic", "messages");
}

// Each line is the data of one event.
static struct bytes stream_of(const char *events) {
    buf_reset(&text);
    for (const char *at = events; *at;) {
        const char *end = strchr(at, '\n');
        buf_printf(&text, "data: %.*s\n\n", (int)(end - at), at);
        at = end + 1;
    }
    return buf_bytes(&text);
}

static struct verdict judge(struct bytes body, unsigned status, enum http_end http_end) {
    struct verdict verdict;
    const struct outcome outcome = {.http_end = http_end,
                                    .status = status,
                                    .has_left = true,
                                    .head = bytes_text("retry-after: 7\r\n"),
                                    .body = body,
                                    .words = "the library's"};
    classify(sample.api, adapter_for(sample.api->shape), &outcome, &scan, &verdict);
    return verdict;
}

static void assert_verdict(const struct verdict *verdict, const char *ended, const char *class,
                           const char *reason) {
    ck_assert_str_eq(verdict->ended, ended);
    ck_assert_str_eq(call_class_name(verdict->class), class);
    ck_assert_str_eq(verdict->reason, reason);
}

// An error that comes when ninety thousand tokens were read is not free.
START_TEST(an_error_behind_content_or_usage_may_have_been_billed) {
    static const struct {
        const char *api, *events, *class, *reason;
        bool has_begun;
    } cases[] = {
        {"messages", STARTED TEXT FAILED("rate_limit_error"), "rate_limited", "http_429", true},
        {"messages", STARTED FAILED("overloaded_error"), "retryable", "http_529", true},
        {"messages", FAILED("rate_limit_error"), "rate_limited", "http_429", false},
        {"chat",
         "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n"
         "{\"error\":{\"code\":\"insufficient_quota\"}}\n",
         "lane_wide", "quota_exhausted", true},
        {"chat",
         "{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],"
         "\"usage\":null}\n{\"error\":{\"code\":\"insufficient_quota\"}}\n",
         "lane_wide", "quota_exhausted", false},
        // A thought of which nobody sees a word, or a tool of the provider's own, has begun too.
        {"responses",
         "{\"type\":\"response.output_item.added\",\"item\":{\"type\":\"reasoning\"}}\n"
         "{\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":"
         "\"rate_limit_exceeded\"},\"usage\":null}}\n",
         "rate_limited", "http_429", true},
        {"responses",
         "{\"type\":\"response.created\",\"response\":{\"status\":\"in_progress\"}}\n"
         "{\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":"
         "\"rate_limit_exceeded\"},\"usage\":null}}\n",
         "rate_limited", "http_429", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool is_anthropic = strcmp(cases[i].api, "messages") == 0;
        sample_api(&sample, is_anthropic ? "anthropic" : "openai", cases[i].api);
        struct verdict verdict = judge(stream_of(cases[i].events), 200, HTTP_answered);
        assert_verdict(&verdict, "answered", cases[i].class, cases[i].reason);
        ck_assert_int_eq(verdict.has_begun, cases[i].has_begun);
        ck_assert_uint_eq(verdict.retry_after_ms, 7000);
    }
}
END_TEST

START_TEST(an_error_in_a_body_with_counters_may_have_been_billed) {
    static const char *const bodies[] = {
        "{\"error\":{\"code\":\"rate_limit_exceeded\"},\"usage\":{\"prompt_tokens\":9}}",
        "{\"error\":{\"code\":\"rate_limit_exceeded\"},\"usage\":null}"};
    for (size_t i = 0; i < 2; i++) {
        struct verdict verdict = judge(bytes_text(bodies[i]), 200, HTTP_answered);
        assert_verdict(&verdict, "answered", "rate_limited", "http_429");
        ck_assert_int_eq(verdict.has_begun, i == 0);
    }
}
END_TEST

// A key that is refused is refused, whether or not the connection lived on to say its end.
START_TEST(a_stated_error_holds_also_where_the_connection_broke_behind_it) {
    use_anthropic();
    struct verdict verdict = judge(stream_of(FAILED("authentication_error")), 200, HTTP_truncated);
    assert_verdict(&verdict, "failed", "lane_wide", "http_401");
    ck_assert_uint_eq(verdict.status, 0);
    ck_assert_uint_eq(verdict.retry_after_ms, 7000);
    ck_assert_str_eq(verdict.detail, "type authentication_error");
    verdict = judge(stream_of(STARTED TEXT), 200, HTTP_truncated);
    assert_verdict(&verdict, "failed", "retryable", "truncated");
    ck_assert_str_eq(verdict.detail, "the library's");
}
END_TEST

// A server that gives up in the middle says its counters and its end all the same.
START_TEST(a_stream_is_whole_when_each_of_its_choices_is) {
#define CHUNK(choices, usage) "{\"id\":\"c\",\"choices\":[" choices "],\"usage\":" usage "}\n"
#define HALF                  "{\"index\":0,\"delta\":{\"content\":\"half an ans\"},\"finish_reason\":null}"
#define STOP                  "{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}"
#define OTHER                 "{\"index\":1,\"delta\":{\"content\":\"b\"},\"finish_reason\":null}"
#define COUNTERS              "{\"prompt_tokens\":9,\"completion_tokens\":5,\"total_tokens\":14}"
#define DONE                  "[DONE]\n"
    static const struct {
        const char *events;
        bool is_whole;
    } cases[] = {
        {CHUNK(HALF, COUNTERS) DONE, false},
        {CHUNK(HALF, "null") CHUNK(HALF, COUNTERS) DONE, false},
        {CHUNK(HALF, "null") CHUNK(STOP, COUNTERS) DONE, true},
        {CHUNK(HALF, COUNTERS) CHUNK(STOP, COUNTERS) DONE, true},
        {CHUNK(HALF "," OTHER, "null") CHUNK(STOP, "null") CHUNK("", COUNTERS) DONE, false},
        {CHUNK(HALF, "null") CHUNK("", "null") DONE, false},
        // Models for audio give no reason: that the counters came, alone, is the end.
        {CHUNK(HALF, "null") CHUNK("", COUNTERS) DONE, true},
        {CHUNK(HALF, "null") "{\"id\":\"c\",\"usage\":" COUNTERS "}\n" DONE, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct verdict verdict = judge(stream_of(cases[i].events), 200, HTTP_answered);
        ck_assert_msg((verdict.class == CLASS_success) == cases[i].is_whole, "%zu: %s", i,
                      verdict.reason);
        ck_assert_str_eq(verdict.reason, cases[i].is_whole ? "" : "stream_incomplete");
        sample_read(&sample, 200, "", buf_bytes(&text));
        ck_assert_msg(!sample.refusal == cases[i].is_whole, "%zu: %s", i, sample.refusal);
    }
}
END_TEST

static bool body_has(const char *what) {
    struct bytes body = extract_body(sample.extract);
    return body.size > 0 && memmem(body.at, body.size, what, strlen(what));
}

// What was said of a call must not be lost because the end of its part was not said.
START_TEST(the_end_of_a_message_ends_its_parts) {
    use_anthropic();
    struct verdict verdict =
        judge(stream_of(STARTED TEXT CALLED
                        "\"{\\\"x\\\":\"}}\n"
                        "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{"
                        "\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}}\n" STOPPED),
              200, HTTP_answered);
    assert_verdict(&verdict, "answered", "success", "");
    sample_read(&sample, 200, "", buf_bytes(&text));
    ck_assert(!sample.refusal && body_has("\"input\":{\"x\":1}"));
    sample_read(&sample, 200, "", stream_of(STARTED TEXT CALLED "\"{\\\"x\\\":\"}}\n" STOPPED));
    ck_assert(!sample.refusal && body_has("\"input\":{\"INVALID_JSON\":\"{\\\"x\\\":\"}"));
}
END_TEST

// An input may nest as deep alone as nothing may within an answer; what was paid for is kept.
START_TEST(an_input_that_nests_too_deep_is_kept_as_a_text) {
    char nested[2 * JSON_DEPTH_MAX + 1];
    use_anthropic();
    for (unsigned depth = JSON_DEPTH_MAX - 3; depth <= JSON_DEPTH_MAX; depth++) {
        memset(nested, '[', depth);
        memset(nested + depth, ']', depth);
        nested[2 * depth] = 0;
        struct buf events;
        buf_init(&events, 1 << 16);
        buf_printf(&events, STARTED TEXT CALLED "\"%s\"}}\n" STOPPED, nested);
        struct verdict verdict = judge(stream_of(buf_cstr(&events)), 200, HTTP_answered);
        assert_verdict(&verdict, "answered", "success", "");
        sample_read(&sample, 200, "", buf_bytes(&text));
        ck_assert(!sample.refusal);
        ck_assert_int_eq(body_has("INVALID_JSON"), depth + 3 > JSON_DEPTH_MAX);
        ck_assert(body_has(nested));
        buf_release(&events);
    }
}
END_TEST

// A proxy that does not stream gives the whole answer in one event.
START_TEST(one_event_may_be_the_whole_answer) {
    buf_reset(&text);
    buf_text(&text, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"");
    while (text.size < ANSWER_BYTES_MAX - 100)
        buf_byte(&text, 'x');
    buf_text(&text, "\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
    ck_assert_uint_le(text.size, ANSWER_BYTES_MAX);
    struct verdict verdict = judge(buf_bytes(&text), 200, HTTP_answered);
    assert_verdict(&verdict, "answered", "success", "");
}
END_TEST

// An error text goes to logs and tables: an unfinished answer's content must not be in it.
START_TEST(a_stream_without_words_gives_no_error_text) {
    use_anthropic();
    sample_read(&sample, 200, "", stream_of(STARTED TEXT));
    ck_assert_str_eq(sample.refusal, "stream_incomplete");
    ck_assert_uint_eq(sample.head.error_message.size, 0);
    sample_read(&sample, 200, "", bytes_text("data: a secret\n\n"));
    ck_assert_uint_eq(sample.head.error_message.size, 0);
    sample_read(&sample, 500, "", bytes_text("data: a secret\n\n"));
    ck_assert_uint_eq(sample.head.error_message.size, 0);
    sample_read(&sample, 200, "", stream_of(STARTED TEXT FAILED("api_error")));
    ck_assert(bytes_is(sample.head.error_message, "m"));
}
END_TEST

// Whoever answers with an error in a stream says the same in it.
START_TEST(an_errors_own_body_may_be_a_stream) {
    struct verdict verdict =
        judge(stream_of("{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"m\"}}\n"), 429,
              HTTP_answered);
    assert_verdict(&verdict, "answered", "lane_wide", "quota_exhausted");
    ck_assert(!verdict.has_begun);
    sample_read(&sample, 429, "", buf_bytes(&text));
    ck_assert(bytes_is(sample.head.error_code, "insufficient_quota"));
    verdict = judge(bytes_text(": nothing\n\n"), 429, HTTP_answered);
    assert_verdict(&verdict, "answered", "rate_limited", "http_429");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("stream ends");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, an_error_behind_content_or_usage_may_have_been_billed);
    tcase_add_test(tcase, an_error_in_a_body_with_counters_may_have_been_billed);
    tcase_add_test(tcase, a_stated_error_holds_also_where_the_connection_broke_behind_it);
    tcase_add_test(tcase, a_stream_is_whole_when_each_of_its_choices_is);
    tcase_add_test(tcase, the_end_of_a_message_ends_its_parts);
    tcase_add_test(tcase, an_input_that_nests_too_deep_is_kept_as_a_text);
    tcase_add_test(tcase, one_event_may_be_the_whole_answer);
    tcase_add_test(tcase, a_stream_without_words_gives_no_error_text);
    tcase_add_test(tcase, an_errors_own_body_may_be_a_stream);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
