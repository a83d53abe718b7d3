// Answers that come as streams: what they amount to, and that nothing less than the whole is a
// success, for the worker or for the extractor.
#include "common/mem.h"
#include "tests/unit/extractor/samples.h"
#include "workers/provider/classify.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

struct stream {
    const char *provider, *api;
    const char *events; // each line is the data of one, or a whole line where it begins with !
    const char *body;   // what it amounts to
    const char *rest;   // what is left over
};

static const struct stream streams[] = {
    // A text; names that come late, half a character, padding, usage in a chunk without choices.
    {"openai", "chat",
     "{\"id\":\"\",\"object\":\"\",\"created\":0,\"model\":\"\",\"choices\":[]}\n"
     "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m-1\","
     "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_1\",\"choices\":[{\"index\":0,"
     "\"delta\":{"
     "\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},\"logprobs\":null,\"finish_"
     "reason\":null}],"
     "\"usage\":null,\"obfuscation\":\"xyz\"}\n"
     "!: keep alive\n"
     "{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\\ud834\"},"
     "\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":-0.10}]}}],\"usage\":null,"
     "\"obfuscation\":\"x\"}\n"
     "{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\udd1e\"},"
     "\"logprobs\":{\"content\":[{\"token\":\"b\",\"logprob\":-1}]}}],\"usage\":null}\n"
     "{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n"
     "{\"id\":\"chatcmpl-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5,"
     "\"total_tokens\":14,\"prompt_tokens_details\":{\"cached_tokens\":4},"
     "\"completion_tokens_details\":{\"reasoning_tokens\":2}}}\n"
     "[DONE]\n",
     "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":7,\"model\":\"m-1\","
     "\"service_tier\":"
     "\"default\",\"system_fingerprint\":\"fp_1\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
     "\"assistant\",\"content\":\"a\\ud834\\udd1e\",\"refusal\":null},\"logprobs\":{\"content\":[{"
     "\"token\":\"a\",\"logprob\":-0.10},{\"token\":\"b\",\"logprob\":-1}]},\"finish_reason\":"
     "\"stop\"}],"
     "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5,\"total_tokens\":14,"
     "\"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens_details\":{"
     "\"reasoning_tokens\":2}}}",
     "{\"obfuscation\":\"x\"}"},
    // Calls side by side, reasoning, two choices, a counter that only an earlier chunk has.
    {"openai", "chat",
     "{\"id\":\"gen-1\",\"choices\":[{\"index\":1,\"delta\":{\"role\":\"assistant\",\"reasoning\":"
     "\"th\"}},"
     "{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"call_b\",\"type\":\"function\","
     "\"function\":{\"name\":\"g\",\"arguments\":\"{\"}}]}}],\"usage\":{\"prompt_tokens\":1,"
     "\"cost\":0.5}}\n"
     "{\"id\":\"gen-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":"
     "null,"
     "\"tool_calls\":[{\"index\":0,\"id\":\"call_a\",\"type\":\"function\",\"function\":{\"name\":"
     "\"f\","
     "\"arguments\":\"{\\\"x\\\":\"}},{\"index\":1,\"function\":{\"arguments\":\"}\"}}]}},"
     "{\"index\":1,\"delta\":{\"reasoning\":\"ink\",\"reasoning_details\":[{\"index\":0,\"type\":"
     "\"reasoning.text\",\"text\":\"a\"}]}}],\"usage\":{\"prompt_tokens\":2}}\n"
     "{\"id\":\"gen-1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,"
     "\"function\":{"
     "\"arguments\":\"1}\"}}]},\"finish_reason\":\"tool_calls\",\"native_finish_reason\":\"tool\"},"
     "{\"index\":1,\"delta\":{\"refusal\":\"No\",\"reasoning_details\":[{\"index\":0,\"type\":"
     "\"reasoning.text\",\"text\":\"b\"}]},\"finish_reason\":\"stop\"}],"
     "\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3,\"total_tokens\":5}}\n"
     "[DONE]\n",
     "{\"id\":\"gen-1\",\"choices\":[{\"index\":0,\"message\":{\"tool_calls\":[{\"id\":\"call_a\","
     "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}},{\"id\":"
     "\"call_b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}],"
     "\"role\":\"assistant\",\"content\":null},\"finish_reason\":\"tool_calls\","
     "\"native_finish_reason\":\"tool\"},{\"index\":1,\"message\":{\"role\":\"assistant\","
     "\"reasoning\":\"think\",\"reasoning_details\":[{\"index\":0,\"type\":\"reasoning.text\","
     "\"text\":\"ab\"}],"
     "\"refusal\":\"No\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":2,\"cost\":0.5,"
     "\"completion_tokens\":3,\"total_tokens\":5}}",
     "null"},
    // Thinking, a text with citations, a call whose input comes in pieces; cumulative counters.
    {"anthropic", "messages",
     "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":"
     "\"assistant\","
     "\"model\":\"claude-opus-5\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"
     "\"usage\":{"
     "\"input_tokens\":2679,\"cache_read_input_tokens\":55096,\"cache_creation\":{"
     "\"ephemeral_5m_input_tokens\":3},\"output_tokens\":3,\"service_tier\":\"standard\"}}}\n"
     "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\","
     "\"thinking\":"
     "\"\",\"signature\":\"\"}}\n"
     "{\"type\":\"ping\"}\n"
     "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\","
     "\"thinking\":"
     "\"hm\",\"estimated_tokens\":4}}\n"
     "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\","
     "\"signature\":"
     "\"c2ln\"}}\n"
     "{\"type\":\"content_block_stop\",\"index\":0}\n"
     "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":"
     "\"\","
     "\"citations\":[]}}\n"
     "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":"
     "\"a \"}}\n"
     "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"citations_delta\","
     "\"citation\":{"
     "\"type\":\"web_search_result_location\",\"url\":\"u\"}}}\n"
     "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":"
     "\"\\\"b\\\"\"}}\n"
     "{\"type\":\"content_block_stop\",\"index\":1}\n"
     "{\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\","
     "\"id\":"
     "\"toolu_1\",\"name\":\"f\",\"input\":{}}}\n"
     "{\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\","
     "\"partial_json\":\"\"}}\n"
     "{\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\","
     "\"partial_json\":\"{\\\"x\\\": 1.\"}}\n"
     "{\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\","
     "\"partial_json\":\"50}\"}}\n"
     "{\"type\":\"content_block_stop\",\"index\":2}\n"
     "{\"type\":\"content_block_start\",\"index\":3,\"content_block\":{\"type\":\"tool_use\","
     "\"id\":"
     "\"toolu_2\",\"name\":\"g\",\"input\":{}}}\n"
     "{\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"input_json_delta\","
     "\"partial_json\":\"{\\\"y\"}}\n"
     "{\"type\":\"content_block_stop\",\"index\":3}\n"
     "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\",\"stop_sequence\":null,"
     "\"container\":{\"id\":\"container_1\"}},\"usage\":{\"input_tokens\":10682,\"output_tokens\":"
     "510,"
     "\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":null,\"server_tool_use\":{"
     "\"web_search_requests\":1}},\"context_management\":{\"applied_edits\":[]}}\n"
     "{\"type\":\"later_news\",\"news_id\":\"n_1\"}\n"
     "{\"type\":\"message_stop\"}\n",
     "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-opus-5\","
     "\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"c2ln\","
     "\"estimated_tokens\":4},{\"type\":\"text\",\"text\":\"a \\\"b\\\"\",\"citations\":[{\"type\":"
     "\"web_search_result_location\",\"url\":\"u\"}]},{\"type\":\"tool_use\",\"id\":\"toolu_1\","
     "\"name\":"
     "\"f\",\"input\":{\"x\":1.50}},{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"g\","
     "\"input\":{"
     "\"INVALID_JSON\":\"{\\\"y\"}}],\"stop_reason\":\"max_tokens\",\"stop_sequence\":null,"
     "\"usage\":{"
     "\"input_tokens\":10682,\"cache_read_input_tokens\":0,\"cache_creation\":{"
     "\"ephemeral_5m_input_tokens\":3},\"output_tokens\":510,\"service_tier\":\"standard\","
     "\"cache_creation_input_tokens\":null,\"server_tool_use\":{\"web_search_requests\":1}},"
     "\"container\":{\"id\":\"container_1\"},\"context_management\":{\"applied_edits\":[]}}",
     "{\"type\":\"later_news\",\"news_id\":\"n_1\"}"},
};
enum { STREAMS = sizeof(streams) / sizeof(streams[0]) };

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
        {"openai", "chat",
         "data: {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}\n\ndata: {\n\n"
         "data: [DONE]\n\n",
         "malformed", "stream_malformed"},
        {"openai", "chat",
         "data: {\"choices\":[{\"index\":0,\"finish_reason\":null}]}\n\ndata: [DONE]\n\n",
         "malformed", "stream_incomplete"},
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
