// Answers that come as streams: what they amount to, and that nothing less than the whole is a
// success, for the worker or for the extractor.
#include "common/mem.h"
#include "tests/unit/extractor/samples.h"
#include "tests/unit/extractor/streams.h"
#include "workers/provider/classify.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct sample sample;
static struct buf text, kept;
static struct json_scan scan;

static void set_up(void) {
    sample_open(&sample);
    buf_init(&text, 1 << 20);
    buf_init(&kept, 1 << 20);
    json_scan_init(&scan);
}

static void tear_down(void) {
    sample_close(&sample);
    buf_release(&text);
    buf_release(&kept);
    json_scan_release(&scan);
}

// The stream as text, with that line end; named: with the names of its events.
static struct bytes write_stream(const struct stream *stream, const char *line_end, bool named) {
    buf_reset(&text);
    for (const char *at = stream->events; *at;) {
        const char *end = strchr(at, '\n');
        const char *type = named ? strstr(at, "{\"type\":\"") : NULL;
        if (type == at)
            buf_printf(&text, "event: %.*s%s", (int)strcspn(at + 9, "\""), at + 9, line_end);
        if (*at == '!')
            buf_put(&text, at + 1, (size_t)(end - at) - 1);
        else
            buf_printf(&text, "data: %.*s", (int)(end - at), at);
        buf_printf(&text, "%s%s", line_end, line_end);
        at = end + 1;
    }
    return buf_bytes(&text);
}

static void judge(struct bytes body, enum http_end http_end, struct verdict *verdict) {
    const struct outcome outcome = {.http_end = http_end,
                                    .status = 200,
                                    .has_left = true,
                                    .body = body,
                                    .head = bytes_text("content-type: text/event-stream\r\n"),
                                    .words = ""};
    classify(sample.api, adapter_for(sample.api->shape), &outcome, &scan, verdict);
}

static struct verdict judged(struct bytes body) {
    struct verdict verdict;
    judge(body, HTTP_answered, &verdict);
    return verdict;
}

static void assert_body(const char *expected) {
    struct bytes body = extract_body(sample.extract);
    ck_assert_msg(bytes_is(body, expected), "%.*s", (int)body.size, (const char *)body.at);
}

// Results, later turns and prices are made from what the stream amounts to.
START_TEST(a_stream_amounts_to_the_answer_without_one) {
    const struct stream *stream = &streams[_i];
    sample_api(&sample, stream->provider, stream->api);
    sample_read(&sample, 200, "", write_stream(stream, "\n", true));
    ck_assert_msg(!sample.refusal, "%s", sample.refusal);
    assert_body(stream->body);
    char rest[512];
    (void)snprintf(rest, sizeof(rest), "\"last\":%s}}", stream->rest);
    ck_assert_uint_gt(sample.head.metadata.size, strlen(rest));
    ck_assert_msg(
        bytes_is(bytes_of(sample.head.metadata.at + sample.head.metadata.size - strlen(rest),
                          strlen(rest)),
                 rest),
        "%.*s", (int)sample.head.metadata.size, (const char *)sample.head.metadata.at);
    ck_assert(json_is_complete(sample.head.metadata));
    ck_assert(judged(buf_bytes(&text)).class == CLASS_success);

    // The same facts as those of the body, but for what only the events say.
    struct facts_head head = sample.head;
    struct buf facts = sample.facts;
    buf_init(&sample.facts, FACTS_BYTES_MAX);
    sample_read(&sample, 200, "", bytes_text(stream->body));
    ck_assert(bytes_equal(head.message, sample.head.message));
    ck_assert(bytes_equal(head.usage, sample.head.usage));
    ck_assert(bytes_equal(head.finish, sample.head.finish));
    ck_assert(bytes_equal(head.model, sample.head.model));
    ck_assert_int_eq(head.in_uncached, sample.head.in_uncached);
    ck_assert_int_eq(head.in_cached, sample.head.in_cached);
    ck_assert_int_eq(head.out_visible, sample.head.out_visible);
    ck_assert_int_eq(head.out_reasoning, sample.head.out_reasoning);
    ck_assert_int_eq(head.web_searches, sample.head.web_searches);
    buf_release(&facts);
}
END_TEST

// Line ends are the server's business.
START_TEST(line_ends_and_names_change_no_fact) {
    static const char *const line_ends[] = {"\r\n", "\r", "\n"};
    const struct stream *stream = &streams[_i];
    sample_api(&sample, stream->provider, stream->api);
    sample_read(&sample, 200, "", write_stream(stream, "\n", false));
    struct bytes facts = buf_bytes(&sample.facts);
    buf_put(&kept, facts.at, facts.size);
    for (size_t i = 0; i < 6; i++) {
        sample_read(&sample, 200, "", write_stream(stream, line_ends[i % 3], i < 3));
        ck_assert(bytes_equal(buf_bytes(&sample.facts), buf_bytes(&kept)));
    }
}
END_TEST

// Listens to the stream in pieces as a worker does, and says after how many bytes it had content.
static size_t content_after(struct bytes all, size_t cut, size_t step, struct stream_story *story) {
    struct sse sse;
    struct sse_event event;
    size_t first = 0;
    sse_init(&sse);
    *story = (struct stream_story){0};
    for (size_t size = cut;; size = size + step < all.size ? size + step : all.size) {
        while (sse_next(&sse, bytes_of(all.at, size), false, &event) == SSE_event)
            (void)provider_api_hear(sample.api, &event, &scan, story);
        if (story->has_content && first == 0)
            first = size;
        if (size == all.size)
            break;
    }
    sse_release(&sse);
    return first;
}

// Wherever packets end, a worker hears the same, and content neither early nor late.
START_TEST(pieces_change_nothing_that_is_heard) {
    const struct stream *stream = &streams[_i];
    struct stream_story story;
    sample_api(&sample, stream->provider, stream->api);
    struct bytes all = write_stream(stream, _i % 2 ? "\r\n" : "\n", true);
    size_t first = content_after(all, 0, 1, &story);
    uint64_t events = story.events;
    ck_assert(stream_is_whole(&story));
    ck_assert_uint_gt(first, 0);
    for (size_t cut = 0; cut <= all.size; cut++) {
        size_t at = content_after(all, cut, all.size, &story);
        ck_assert(stream_is_whole(&story) && story.events == events);
        ck_assert_uint_eq(at, cut < first ? all.size : cut);
    }
}
END_TEST

// A stream that was cut and taken for a whole one is half an answer, and a wrong bill.
START_TEST(a_stream_cut_anywhere_is_no_success) {
    const struct stream *stream = &streams[_i];
    sample_api(&sample, stream->provider, stream->api);
    struct bytes all = write_stream(stream, "\n", true);
    size_t end = all.size - 2; // without what ends the last line it is still whole
    for (size_t size = 0; size < end; size++) {
        struct verdict verdict;
        char *copy = mem_copy(all.at, size); // so that a byte too far is seen
        judge(bytes_of(copy, size), HTTP_answered, &verdict);
        ck_assert_msg(verdict.class == CLASS_malformed, "cut at %zu", size);
        judge(bytes_of(copy, size), HTTP_reset, &verdict);
        ck_assert_str_eq(verdict.ended, "failed");
        if (size % 7 == 0 || copy[size - 1] == '\n') {
            sample_read(&sample, 200, "", bytes_of(copy, size));
            ck_assert_msg(sample.refusal, "cut at %zu", size);
            ck_assert_uint_eq(sample.head.message.size, 0);
        }
        mem_free(copy);
    }
    ck_assert(judged(bytes_of(all.at, end)).class == CLASS_success);
}
END_TEST

// The connection broke behind the end: everything is there and was paid for.
START_TEST(a_whole_stream_is_an_answer_however_its_connection_ended) {
    const struct stream *stream = &streams[_i];
    struct verdict verdict;
    sample_api(&sample, stream->provider, stream->api);
    judge(write_stream(stream, "\n", true), HTTP_truncated, &verdict);
    ck_assert_str_eq(verdict.ended, "answered");
    ck_assert(verdict.class == CLASS_success && verdict.status == 200);
}
END_TEST

// Some are one JSON array: then the array has to be whole, too.
START_TEST(a_stream_may_be_an_array) {
    const struct stream *stream = &streams[_i];
    const char *comma = "[";
    sample_api(&sample, stream->provider, stream->api);
    for (const char *at = stream->events, *end; *at; at = end + 1) {
        end = strchr(at, '\n');
        buf_printf(&text, "%s%.*s\n", comma, (int)(end - at), at);
        comma = ",\r\n";
    }
    buf_text(&text, "]\n");
    struct bytes all = buf_bytes(&text);
    sample_read(&sample, 200, "", all);
    if (!sample.extract->is_stream) {
        ck_assert_ptr_nonnull(sample.refusal);
        return;
    }
    ck_assert_str_eq(stream->api, "generate");
    ck_assert_msg(!sample.refusal, "%s", sample.refusal);
    assert_body(stream->body);
    for (size_t size = 0; size < all.size - 1; size++) {
        struct verdict verdict;
        char *copy = mem_copy(all.at, size);
        judge(bytes_of(copy, size), HTTP_answered, &verdict);
        ck_assert_msg(verdict.class == CLASS_malformed, "cut at %zu", size);
        judge(bytes_of(copy, size), HTTP_truncated, &verdict);
        ck_assert_str_eq(verdict.ended, "failed");
        sample_read(&sample, 200, "", bytes_of(copy, size));
        ck_assert(sample.refusal && sample.head.message.size == 0);
        mem_free(copy);
    }
    struct verdict verdict;
    judge(all, HTTP_truncated, &verdict);
    ck_assert(verdict.class == CLASS_success && strcmp(verdict.ended, "answered") == 0);
}
END_TEST

// What a stream says of its failure decides like an error's own answer.
START_TEST(an_error_within_a_stream_is_judged_like_an_error) {
    static const struct {
        const char *provider, *api, *events, *class, *reason;
    } cases[] = {
        {"openai", "chat",
         "data: {\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"slow\"}}\n\n",
         "rate_limited", "http_429"},
        {"openai", "chat",
         "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"
         "data: {\"error\":{\"type\":\"server_error\",\"message\":\"m\"}}\n\ndata: [DONE]\n\n",
         "retryable", "http_500"},
        {"anthropic", "messages",
         "event: error\ndata: "
         "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":"
         "\"Overloaded\"}}\n\n",
         "retryable", "http_529"},
        {"anthropic", "messages",
         "data: "
         "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"m\"}}\n\n",
         "lane_wide", "http_401"},
        {"openai", "responses",
         "data: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}\n\n",
         "rate_limited", "http_429"},
        {"openai", "responses",
         "data: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"output\":[]}}\n\n"
         "data: {\"type\":\"error\",\"error\":{\"type\":\"insufficient_quota\",\"code\":"
         "\"insufficient_quota\",\"message\":\"m\"}}\n\n"
         "data: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":"
         "{\"code\":\"insufficient_quota\",\"message\":\"m\"},\"output\":[]}}\n\n",
         "lane_wide", "quota_exhausted"},
        {"openai", "responses",
         "data: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":"
         "{\"code\":\"server_error\",\"message\":\"m\"},\"output\":[]}}\n\n",
         "retryable", "server_error"},
        {"openai", "responses",
         "data: "
         "{\"type\":\"response.created\",\"response\":{\"status\":\"in_progress\",\"output\":[]}}"
         "\n\ndata: [DONE]\n\n",
         "malformed", "stream_incomplete"},
        {"xai", "responses", "data: {\"code\":\"invalid_prompt\",\"error\":\"m\"}\n\n", "permanent",
         "invalid_prompt"},
        {"openai", "chat",
         "data: {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}\n\ndata: {\n\n"
         "data: [DONE]\n\n",
         "malformed", "stream_malformed"},
        {"openai", "chat",
         "data: {\"choices\":[{\"index\":0,\"finish_reason\":null}]}\n\ndata: [DONE]\n\n",
         "malformed", "stream_incomplete"},
        {"gemini", "generate",
         "[{\"error\":{\"code\":503,\"message\":\"m\",\"status\":\"UNAVAILABLE\"}}]", "retryable",
         "http_503"},
        {"gemini", "generate", "[{\"candidates\":[{\"finishReason\":\"STOP\"}]},,{}]", "malformed",
         "stream_malformed"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sample_api(&sample, cases[i].provider, cases[i].api);
        struct verdict verdict = judged(bytes_text(cases[i].events));
        ck_assert_str_eq(call_class_name(verdict.class), cases[i].class);
        ck_assert_str_eq(verdict.reason, cases[i].reason);
        ck_assert_str_eq(verdict.ended, "answered");
        sample_read(&sample, 200, "", bytes_text(cases[i].events));
        ck_assert_ptr_nonnull(sample.refusal);
        bool has_error = strcmp(cases[i].class, "malformed") != 0;
        ck_assert(strcmp(sample.refusal, "error_in_answer") == 0 || !has_error);
        ck_assert(!has_error || sample.head.error_message.size > 0);
    }
}
END_TEST

// Whoever asks the provider about a call needs every name that it had.
START_TEST(identifiers_are_found_in_the_body_and_in_events_only) {
    sample_api(&sample, "anthropic", "messages");
    sample_read(&sample, 200, "request-id: req_1\r\n", write_stream(&streams[2], "\n", true));
    ck_assert(sample_has(&sample, "response_id", "msg_1", "$.id"));
    ck_assert(sample_has(&sample, "tool_call_id", "toolu_1", "$.content[2].id"));
    ck_assert(sample_has(&sample, "container_id", "container_1", "$.container.id"));
    ck_assert(sample_has(&sample, "request_id", "req_1", "header:request-id"));
    ck_assert(sample_has(&sample, "news_id", "n_1", "stream[*].news_id"));
    ck_assert(!sample_has(&sample, NULL, "msg_1", "stream[*].message.id"));
}
END_TEST

// An event id in each of ten thousand events names nothing that anybody looks for.
START_TEST(identifiers_of_events_have_a_bound) {
    buf_reset(&text);
    for (unsigned i = 0; i < 1000; i++)
        buf_printf(&text,
                   "data: {\"event_id\":\"e%u\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
                   "\"a\"},\"finish_reason\":\"stop\"}]}\n\n",
                   i);
    buf_text(&text, "data: [DONE]\n\n");
    sample_read(&sample, 200, "x-request-id: r\r\n", buf_bytes(&text));
    ck_assert(!sample.refusal);
    ck_assert_uint_le(sample.count, EVENT_IDENTIFIERS_MAX + 2);
    ck_assert(sample_has(&sample, "event_id", "e999", "$.event_id"));
    ck_assert(sample_has(&sample, "request_id", "r", NULL));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("streams");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, a_stream_amounts_to_the_answer_without_one, 0, STREAMS);
    tcase_add_loop_test(tcase, line_ends_and_names_change_no_fact, 0, STREAMS);
    tcase_add_loop_test(tcase, pieces_change_nothing_that_is_heard, 0, STREAMS);
    tcase_add_loop_test(tcase, a_stream_cut_anywhere_is_no_success, 0, STREAMS);
    tcase_add_loop_test(tcase, a_whole_stream_is_an_answer_however_its_connection_ended, 0,
                        STREAMS);
    tcase_add_loop_test(tcase, a_stream_may_be_an_array, 0, STREAMS);
    tcase_add_test(tcase, an_error_within_a_stream_is_judged_like_an_error);
    tcase_add_test(tcase, identifiers_are_found_in_the_body_and_in_events_only);
    tcase_add_test(tcase, identifiers_of_events_have_a_bound);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
