// The extractor's functions on answers of our own making: what is in an answer is found, once and
// under its name, and what cannot be read is said to be so.

#include "common/mem.h"
#include "tests/unit/extractor/samples.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct sample sample;

static void setup(void) {
    sample_open(&sample);
}

static void teardown(void) {
    sample_close(&sample);
}

static void read_body(unsigned status, const char *body) {
    sample_read(&sample, status, "", bytes_text(body));
}

static const char full[] =
    "{\n  \"id\": \"chatcmpl-1\",\n  \"object\": \"chat.completion\",\n  \"created\": 1790000000,\n"
    "  \"model\": \"gpt-5-nano-2025-08-07\",\n  \"choices\": [{\"index\": 0, \"message\": "
    "{\"role\": \"assistant\", \"content\": \"the secret\", \"refusal\": null, \"tool_calls\": ["
    "{\"id\": \"call_1\", \"type\": \"function\", \"function\": {\"name\": \"look\", "
    "\"arguments\": \"{\\\"at\\\":\\\"hidden\\\"}\"}}, {\"id\": \"call_2\", \"type\": \"custom\", "
    "\"custom\": {\"name\": \"draw\", \"input\": \"hidden\"}}], \"annotations\": [{\"type\": "
    "\"url_citation\", \"url_citation\": {\"url\": \"https://example.org\"}}]}, \"logprobs\": "
    "{\"content\": [{\"token\": \"hidden\"}]}, \"finish_reason\": \"tool_calls\"}],\n"
    "  \"usage\": {\"prompt_tokens\": 100, \"completion_tokens\": 50, \"total_tokens\": 150, "
    "\"prompt_tokens_details\": {\"cached_tokens\": 64, \"audio_tokens\": 0}, "
    "\"completion_tokens_details\": {\"reasoning_tokens\": 20, \"audio_tokens\": 0}},\n"
    "  \"service_tier\": \"default\", \"system_fingerprint\": \"fp_1\"\n}\n";

static const char headers[] = "Content-Type: application/json\r\n"
                              "X-Request-Id: req_1\r\n"
                              "openai-organization: org-1\r\n"
                              "openai-processing-ms: 812\r\n"
                              "Set-Cookie: a=1\r\n"
                              "set-cookie:  b=2 \r\n"
                              "\r\n";

// Support asks for any of these, and finds the call by it or not at all.
START_TEST(every_identifier_is_found_under_its_kind_and_place) {
    sample_read(&sample, 200, headers, bytes_text(full));
    ck_assert_ptr_null(sample.refusal);
    ck_assert(sample_has(&sample, "response_id", "chatcmpl-1", "$.id"));
    ck_assert(
        sample_has(&sample, "tool_call_id", "call_1", "$.choices[0].message.tool_calls[0].id"));
    ck_assert(
        sample_has(&sample, "tool_call_id", "call_2", "$.choices[0].message.tool_calls[1].id"));
    ck_assert(sample_has(&sample, "fingerprint_id", "fp_1", "$.system_fingerprint"));
    ck_assert(sample_has(&sample, "request_id", "req_1", "header:x-request-id"));
    ck_assert(sample_has(&sample, "organization_id", "org-1", "header:openai-organization"));
    ck_assert_uint_eq(sample.count, 6);
    ck_assert_ptr_null(extract_conversation_id(sample.extract));
}
END_TEST

// The provider adds fields without asking; what is named like an identifier is one.
START_TEST(identifiers_that_nobody_has_declared_are_found_by_their_names) {
    sample_read(
        &sample, 200,
        "x-amzn-requestid: a1\r\napim-request-id: a2\r\nX-Trace-ID: a3\r\nvalid: no\r\n",
        bytes_text("{\"choices\":[{}],\"thread_id\":\"t\",\"sessionId\":\"s\",\"runID\":\"u\","
                   "\"conversation\":{\"id\":\"c\"},\"items\":[{\"id\":7}],\"x_groq\":{\"id\":"
                   "\"g\"},\"paid\":\"no\",\"grid\":\"no\",\"android\":\"no\",\"empty_id\":\"\","
                   "\"null_id\":null,\"flag_id\":true,\"deep_fingerprint\":\"f\"}"));
    ck_assert(sample_has(&sample, "thread_id", "t", "$.thread_id"));
    ck_assert(sample_has(&sample, "session_id", "s", "$.sessionId"));
    ck_assert(sample_has(&sample, "run_id", "u", "$.runID"));
    ck_assert(sample_has(&sample, "conversation_id", "c", "$.conversation.id"));
    ck_assert(sample_has(&sample, "items_id", "7", "$.items[0].id"));
    ck_assert(sample_has(&sample, "x_groq_id", "g", "$.x_groq.id"));
    ck_assert(sample_has(&sample, "deep_fingerprint_id", "f", "$.deep_fingerprint"));
    ck_assert(sample_has(&sample, "apim_request_id", "a2", "header:apim-request-id"));
    ck_assert(sample_has(&sample, "trace_id", "a3", "header:x-trace-id"));
    ck_assert(!sample_has(&sample, NULL, "no", NULL));
    ck_assert_uint_eq(sample.count, 9);
}
END_TEST

// Identifiers are opaque: whatever is in them goes into the ledger as it is meant.
START_TEST(unusual_identifiers_survive) {
    char body[4096], value[1025];
    memset(value, 'v', 1024);
    value[1024] = 0;
    (void)snprintf(
        body, sizeof(body),
        "{\"id\":\"a\\/b\\u00e9\\ud83d\\ude00\",\"choices\":[{}],\"a_id\":\"%s\","
        "\"b_id\":\"%sv\",\"odd \\\"name\\\"\":{\"x_id\":\"x\"},\"c_id\":123456789012345678901}",
        value, value);
    read_body(200, body);
    ck_assert(sample_has(&sample, "response_id", "a/b\xc3\xa9\xf0\x9f\x98\x80", "$.id"));
    ck_assert(sample_has(&sample, "a_id", value, NULL));
    ck_assert(!sample_has(&sample, "b_id", NULL, NULL)); // too long to be one; it is in the body
    ck_assert(sample_has(&sample, "x_id", "x", "$[\"odd \\\"name\\\"\"].x_id"));
    ck_assert(sample_has(&sample, "c_id", "123456789012345678901", "$.c_id"));
}
END_TEST

// An answer made to be expensive to read must stay cheap, and the first identifiers remain.
START_TEST(an_answer_of_identifiers_only_is_bounded) {
    struct buf body;
    buf_init(&body, ANSWER_BYTES_MAX);
    buf_text(&body, "{\"id\":\"r\",\"choices\":[{}],\"empty\":[{\"id\":\"\"}");
    for (int i = 0; i < 300000; i++)
        buf_text(&body, ",{\"id\":\"\"}");
    buf_text(&body, "],\"full\":[0");
    for (int i = 0; i < 1000; i++)
        buf_printf(&body, ",{\"id\":%d}", i);
    buf_text(&body, "]}");
    sample_read(&sample, 200, "x-request-id: late\r\n", buf_bytes(&body));
    ck_assert(sample_has(&sample, "response_id", "r", NULL));
    ck_assert(sample_has(&sample, "request_id", "late", NULL));
    ck_assert_uint_eq(sample.count, IDENTIFIERS_MAX);
    buf_release(&body);
}
END_TEST

// Headers become longer as JSON. A large block must not vanish for that, silently, where a small
// one is kept.
START_TEST(the_largest_block_of_headers_is_kept) {
    struct buf block;
    buf_init(&block, ANSWER_HEADERS_BYTES_MAX);
    for (int i = 0; i < 1000; i++) {
        buf_printf(&block, "x-%03d: ", i);
        while (block.size % 262 != 260)
            buf_byte(&block, i % 2 ? '"' : 0x01);
        buf_text(&block, "\r\n");
    }
    ck_assert_int_eq(buf_state(&block), ERR_OK);
    ck_assert_uint_gt(block.size, ANSWER_HEADERS_BYTES_MAX - 262);
    sample_read(&sample, 200, buf_cstr(&block), bytes_text(full));
    ck_assert_uint_gt(sample.head.headers.size, 3 * ANSWER_HEADERS_BYTES_MAX);
    ck_assert(json_is_complete(sample.head.headers));
    struct bytes value;
    ck_assert(json_member(sample.head.headers, "x-000", &value));
    ck_assert(json_member(sample.head.headers, "x-999", &value));
    buf_release(&block);
}
END_TEST

// A tool's input is an object in one API and a text in others, in which each quote would take more
// room: however it is kept, it is kept whole, or the answer is refused and recorded verbatim; it is
// never left out of the transcript without a word.
START_TEST(a_message_that_could_outgrow_its_answer_is_never_left_out) {
    struct buf body;
    buf_init(&body, ANSWER_BYTES_MAX);
    buf_text(&body,
             "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\","
             "\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"a\":\"");
    while (body.size < 5 << 20)
        buf_text(&body, "\\\"");
    buf_text(&body, "\"}}],\"stop_reason\":\"tool_use\",\"usage\":{}}");
    struct answer answer = {
        .api = catalogue_api(sample.catalogue, bytes_text("anthropic"), bytes_text("messages")),
        .status = 200,
        .body = buf_bytes(&body),
    };
    ck_assert_ptr_nonnull(answer.api);
    extract_open(sample.extract, &answer);
    ck_assert_ptr_null(extract_refusal(sample.extract));
    struct wire_message facts;
    struct facts_head head;
    enum err e = extract_facts(sample.extract, &sample.facts);
    ck_assert(e == ERR_OK || e == ERR_TOO_BIG);
    if (e == ERR_OK) {
        ck_assert_int_eq(wire_open(buf_bytes(&sample.facts), &facts), ERR_OK);
        ck_assert_int_eq(wire_head(&facts, &head), ERR_OK);
        ck_assert_uint_ge(head.message.size, (5 << 20) - 100);
        ck_assert(json_is_complete(head.message));
    }
    // And the next answer is read as ever.
    sample_read(&sample, 200, "", bytes_text(full));
    ck_assert_uint_gt(sample.head.message.size, 0);
    buf_release(&body);
}
END_TEST

// A provider that sends lines without number costs no more than the first of them.
START_TEST(the_first_lines_of_too_many_headers_are_kept) {
    struct buf block;
    struct bytes value;
    buf_init(&block, ANSWER_HEADERS_BYTES_MAX);
    for (int i = 0; i < HEADERS_MAX + 1; i++)
        buf_printf(&block, "x-%d: v\r\n", i);
    sample_read(&sample, 200, buf_cstr(&block), bytes_text(full));
    char last[16];
    (void)snprintf(last, sizeof(last), "x-%d", HEADERS_MAX - 1);
    ck_assert(json_member(sample.head.headers, last, &value));
    (void)snprintf(last, sizeof(last), "x-%d", HEADERS_MAX);
    ck_assert(!json_member(sample.head.headers, last, &value));
    buf_release(&block);
}
END_TEST

// Content is somebody's secret and belongs into the transcript, not into what is searched.
START_TEST(metadata_is_everything_but_the_content) {
    sample_read(&sample, 200, headers, bytes_text(full));
    char metadata[4096];
    (void)snprintf(metadata, sizeof(metadata), "%.*s", (int)sample.head.metadata.size,
                   (const char *)sample.head.metadata.at);
    ck_assert_str_eq(
        metadata,
        "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1790000000,"
        "\"model\":\"gpt-5-nano-2025-08-07\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
        "\"assistant\",\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":"
        "{\"name\":\"look\"}},{\"id\":\"call_2\",\"type\":\"custom\",\"custom\":{\"name\":\"draw\"}"
        "}],"
        "\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":{\"url\":"
        "\"https://example.org\"}}]},\"finish_reason\":\"tool_calls\"}],\"usage\":{"
        "\"prompt_tokens\":100,\"completion_tokens\":50,\"total_tokens\":150,"
        "\"prompt_tokens_details\":{\"cached_tokens\":64,\"audio_tokens\":0},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":20,\"audio_tokens\":0}},"
        "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_1\"}");
    ck_assert(bytes_is(sample.head.headers,
                       "{\"content-type\":\"application/json\",\"x-request-id\":\"req_1\","
                       "\"openai-organization\":\"org-1\",\"openai-processing-ms\":\"812\","
                       "\"set-cookie\":[\"a=1\",\"b=2\"]}"));
    ck_assert(bytes_is(sample.head.model, "gpt-5-nano-2025-08-07"));
    ck_assert(bytes_is(sample.head.service_tier, "default"));
}
END_TEST

// What the assistant said goes into the next turn's request, without what only describes it.
START_TEST(the_message_is_what_a_later_turn_sends_again) {
    static const struct {
        const char *message;
        const char *neutral;
    } cases[] = {
        {"{\"role\":\"assistant\",\"content\":\"hi\",\"refusal\":null,\"annotations\":[]}",
         "{\"role\":\"assistant\",\"content\":\"hi\"}"},
        {"{\"content\":null,\"tool_calls\":[{\"id\":\"c\"}]}",
         "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\"}]}"},
        {"{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}],\"refusal\":"
         "\"no\"}",
         "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}],\"shape\":"
         "\"openai.chat\",\"refusal\":\"no\"}"},
        {"{\"role\":\"assistant\",\"content\":null,\"audio\":{\"id\":\"a\",\"data\":\"AAAA\"}}",
         "{\"role\":\"assistant\",\"content\":null,\"audio\":{\"id\":\"a\"}}"},
        {"{\"role\":\"assistant\",\"content\":\"half \\ud83d\"}",
         "{\"role\":\"assistant\",\"content\":\"half \\ufffd\"}"},
        {"{}", "{\"role\":\"assistant\"}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char body[512];
        (void)snprintf(body, sizeof(body), "{\"choices\":[{\"message\":%s},{\"message\":{}}]}",
                       cases[i].message);
        read_body(200, body);
        ck_assert_msg(bytes_is(sample.head.message, cases[i].neutral), "%.*s",
                      (int)sample.head.message.size, (const char *)sample.head.message.at);
    }
    read_body(200, "{\"choices\":[{\"text\":\"old completions have no message\"}]}");
    ck_assert_uint_eq(sample.head.message.size, 0);
    ck_assert_ptr_null(sample.refusal);
}
END_TEST

START_TEST(each_finish_has_one_neutral_name) {
    static const struct {
        const char *choice;
        const char *finish;
        const char *raw;
    } cases[] = {
        {"{\"finish_reason\":\"stop\"}", "stop", "stop"},
        {"{\"finish_reason\":\"length\"}", "length", "length"},
        {"{\"finish_reason\":\"function_call\"}", "tool_calls", "function_call"},
        {"{\"finish_reason\":\"content_filter\"}", "content_filter", "content_filter"},
        {"{\"finish_reason\":\"brand_new\"}", "unknown", "brand_new"},
        {"{\"finish_reason\":null}", "unknown", ""},
        {"{}", "unknown", ""},
        {"{\"finish_reason\":\"stop\",\"message\":{\"refusal\":\"I will not\"}}", "refusal",
         "stop"},
        {"{\"finish_reason\":\"stop\",\"message\":{\"refusal\":\"\"}}", "stop", "stop"},
        {"{\"finish_reason\":\"length\",\"message\":{\"refusal\":\"I w\"}}", "length", "length"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char body[256];
        (void)snprintf(body, sizeof(body), "{\"choices\":[%s]}", cases[i].choice);
        read_body(200, body);
        ck_assert_msg(bytes_is(sample.head.finish, cases[i].finish), "%s", cases[i].choice);
        ck_assert_msg(bytes_is(sample.head.finish_raw, cases[i].raw), "%s", cases[i].choice);
    }
}
END_TEST

static const struct {
    const char *usage;
    int64_t counters[7]; // as in struct counters
    int64_t total;
    bool has_usage;
    bool is_inconsistent;
} usages[] = {
    {"{\"prompt_tokens\":100,\"completion_tokens\":50,\"total_tokens\":150,"
     "\"prompt_tokens_details\":{\"cached_tokens\":64,\"cache_write_tokens\":10,"
     "\"audio_tokens\":6},\"completion_tokens_details\":{\"reasoning_tokens\":20,"
     "\"audio_tokens\":5}}",
     {20, 64, 10, 6, 25, 20, 5},
     150,
     true,
     false},
    {"{\"prompt_tokens\":100,\"completion_tokens\":50,\"total_tokens\":150}",
     {100, -1, -1, -1, 50, -1, -1},
     150,
     true,
     false},
    {"{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0,"
     "\"prompt_tokens_details\":{\"cached_tokens\":0}}",
     {0, 0, -1, -1, 0, -1, -1},
     0,
     true,
     false},
    {"{\"prompt_tokens\":10,\"completion_tokens\":5}",
     {10, -1, -1, -1, 5, -1, -1},
     -1,
     true,
     false},
    {"{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":16}",
     {10, -1, -1, -1, 5, -1, -1},
     16,
     true,
     true},
    {"{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15,"
     "\"prompt_tokens_details\":{\"cached_tokens\":12}}",
     {0, 12, -1, -1, 5, -1, -1},
     15,
     true,
     true},
    {"{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15,"
     "\"completion_tokens_details\":{\"reasoning_tokens\":\"5\"}}",
     {10, -1, -1, -1, 5, -1, -1},
     15,
     true,
     true},
    {"{\"prompt_tokens\":10.0,\"completion_tokens\":null,\"total_tokens\":10}",
     {10, -1, -1, -1, -1, -1, -1},
     10,
     true,
     false},
    {"{\"prompt_tokens\":-1,\"completion_tokens\":5}", {-1, -1, -1, -1, 5, -1, -1}, -1, true, true},
    {"{\"prompt_tokens\":10000000000,\"completion_tokens\":10000000001,\"total_tokens\":1}",
     {CALL_COUNT_MAX, -1, -1, -1, -1, -1, -1},
     1,
     true,
     true},
    {"{\"prompt_tokens\":9223372036854775807,\"completion_tokens\":9223372036854775807,"
     "\"total_tokens\":1}",
     {-1, -1, -1, -1, -1, -1, -1},
     1,
     false,
     true},
    {"{}", {-1, -1, -1, -1, -1, -1, -1}, -1, false, false},
    {"null", {-1, -1, -1, -1, -1, -1, -1}, -1, false, false},
    {"[1]", {-1, -1, -1, -1, -1, -1, -1}, -1, false, false},
};

// A counter that is counted twice, or a missing one taken for zero, is money.
START_TEST(counters_are_disjoint_and_absent_is_not_zero) {
    for (size_t i = 0; i < sizeof(usages) / sizeof(*usages); i++) {
        char body[512];
        (void)snprintf(body, sizeof(body), "{\"choices\":[{}],\"usage\":%s}", usages[i].usage);
        read_body(200, body);
        const struct facts_head *head = &sample.head;
        const int64_t found[7] = {head->in_uncached, head->in_cached,   head->in_cache_write,
                                  head->in_audio,    head->out_visible, head->out_reasoning,
                                  head->out_audio};
        for (int k = 0; k < 7; k++)
            ck_assert_msg(found[k] == usages[i].counters[k], "%s: %d", usages[i].usage, k);
        ck_assert_int_eq(head->total_stated, usages[i].total);
        ck_assert_int_eq(head->has_usage, usages[i].has_usage);
        ck_assert_msg(head->is_inconsistent == usages[i].is_inconsistent, "%s", usages[i].usage);
        ck_assert_int_eq(head->cost_stated_pusd, -1);
        if (usages[i].has_usage)
            ck_assert(bytes_is(head->usage, usages[i].usage));
    }
}
END_TEST

// An error that is not understood is still one that somebody has to mend.
START_TEST(errors_give_what_they_hold) {
    static const struct {
        unsigned status;
        const char *body;
        const char *type;
        const char *code;
        const char *message;
        const char *metadata;
    } cases[] = {
        {429, "{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":\"c\"}}", "t",
         "c", "m", "{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":\"c\"}}"},
        {500, "\"bare words\"", "", "", "bare words", "\"bare words\""},
        {502, "<html><head><title>502 Bad Gateway</title></head></html>", "", "", "502 Bad Gateway",
         ""},
        {503, "<html>", "", "", "", ""},
        {503, "upstream connect error", "", "", "upstream connect error", ""},
        {500, "", "", "", "", ""},
        {503, "\r\n upstream connect error", "", "", "upstream connect error", ""},
        // The provider may repeat what it was asked.
        {400, "{\"error\":{\"message\":\"cut", "", "", "", ""},
        {400, " [{\"input\":\"<title>cut", "", "", "", ""},
        {400, "\"cut", "", "", "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        sample_read(&sample, cases[i].status, "x-request-id: req_e\r\n", bytes_text(cases[i].body));
        ck_assert_ptr_null(sample.refusal);
        ck_assert(bytes_is(sample.head.finish, "error"));
        ck_assert(bytes_is(sample.head.error_type, cases[i].type));
        ck_assert(bytes_is(sample.head.error_code, cases[i].code));
        ck_assert_msg(bytes_is(sample.head.error_message, cases[i].message), "%s", cases[i].body);
        ck_assert(bytes_is(sample.head.metadata, cases[i].metadata));
        ck_assert(sample_has(&sample, "request_id", "req_e", "header:x-request-id"));
        ck_assert(!sample.head.has_usage);
    }
}
END_TEST

// A paid answer that cannot be read must be kept as such, never as an empty success.
START_TEST(what_is_no_answer_is_refused_and_still_found_by_its_headers) {
    static const struct {
        const char *headers;
        const char *body;
        const char *refusal;
    } cases[] = {
        {"", "", "empty_body"},
        {"", "<html>", "not_json"},
        {"", "[1]", "not_an_object"},
        {"", "{}", "no_choices"},
        {"", "{\"choices\":[]}", "no_choices"},
        {"", "{\"choices\":null}", "no_choices"},
        {"", "{\"choices\":[{}],\"choices\":[{}]}", "not_json"},
        {"", "{\"error\":{\"code\":\"c\"}}", "error_in_answer"},
        {"", "data: {\"choices\":[]}\n\n", "stream_incomplete"},
        {"Content-Type: text/event-stream; charset=utf-8\r\n", ": hello\n\n", "stream_incomplete"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char block[256];
        (void)snprintf(block, sizeof(block), "%sx-request-id: req_r\r\n", cases[i].headers);
        sample_read(&sample, 200, block, bytes_text(cases[i].body));
        ck_assert_ptr_nonnull(sample.refusal);
        ck_assert_str_eq(sample.refusal, cases[i].refusal);
        ck_assert(sample_has(&sample, "request_id", "req_r", NULL));
        ck_assert(!sample.head.has_usage);
    }
    for (size_t cut = 0; cut < strlen(full) - 2; cut++) {
        sample_read(&sample, 200, "", bytes_of(full, cut));
        ck_assert_ptr_nonnull(sample.refusal);
    }
}
END_TEST

// It would stand in the ledger and in every log line of the error, also of who keeps no content.
START_TEST(no_word_of_a_success_is_taken_for_an_error) {
    static const char *const bodies[] = {
        "{\"id\":\"x\",\"choices\":[{\"message\":{\"content\":\"secret",
        "{\"choices\":[{\"message\":{\"content\":\"secret\"}}],\"choices\":[]}",
        "secret",
        "\"secret\"",
        "<title>secret</title>",
        "{\"message\":\"secret\"}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        sample_read(&sample, 200, "", bytes_text(bodies[i]));
        ck_assert_ptr_nonnull(sample.refusal);
        ck_assert(bytes_is(sample.head.finish, "error"));
        ck_assert_msg(sample.head.error_message.size == 0, "%s", bodies[i]);
    }
    sample_read(&sample, 200, "", bytes_text("{\"error\":{\"message\":\"m\"}}"));
    ck_assert(bytes_is(sample.head.error_message, "m"));
}
END_TEST

// The working memory is used again for the next answer; nothing of the one before may be left.
START_TEST(an_answer_leaves_nothing_behind_for_the_next) {
    struct buf first;
    buf_init(&first, FACTS_BYTES_MAX);
    sample_read(&sample, 200, "a-id: 1\r\n", bytes_text("{\"choices\":[{}]}"));
    struct bytes facts = buf_bytes(&sample.facts);
    buf_put(&first, facts.at, facts.size);
    sample_read(&sample, 200, headers, bytes_text(full));
    ck_assert(!bytes_equal(buf_bytes(&sample.facts), buf_bytes(&first)));
    sample_read(&sample, 200, "a-id: 1\r\n", bytes_text("{\"choices\":[{}]}"));
    ck_assert(bytes_equal(buf_bytes(&sample.facts), buf_bytes(&first)));
    buf_release(&first);
}
END_TEST

// Anything may come back from the network; every prefix and every damaged byte is survived.
START_TEST(damaged_answers_are_survived) {
    size_t size = sizeof(full) - 1;
    uint8_t *body = mem_new(size);
    uint64_t state = 1;
    for (int round = 0; round < 3000; round++) {
        memcpy(body, full, size);
        for (int i = 0; i < 1 + round % 4; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            body[(state >> 33) % size] = (uint8_t)(state >> 25);
        }
        sample_read(&sample, round % 2 ? 200 : 500, (const char *)headers, bytes_of(body, size));
    }
    mem_free(body);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("extract");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_set_timeout(all, 30);
    tcase_add_test(all, every_identifier_is_found_under_its_kind_and_place);
    tcase_add_test(all, identifiers_that_nobody_has_declared_are_found_by_their_names);
    tcase_add_test(all, unusual_identifiers_survive);
    tcase_add_test(all, an_answer_of_identifiers_only_is_bounded);
    tcase_add_test(all, the_largest_block_of_headers_is_kept);
    tcase_add_test(all, a_message_that_could_outgrow_its_answer_is_never_left_out);
    tcase_add_test(all, the_first_lines_of_too_many_headers_are_kept);
    tcase_add_test(all, metadata_is_everything_but_the_content);
    tcase_add_test(all, the_message_is_what_a_later_turn_sends_again);
    tcase_add_test(all, each_finish_has_one_neutral_name);
    tcase_add_test(all, counters_are_disjoint_and_absent_is_not_zero);
    tcase_add_test(all, errors_give_what_they_hold);
    tcase_add_test(all, what_is_no_answer_is_refused_and_still_found_by_its_headers);
    tcase_add_test(all, no_word_of_a_success_is_taken_for_an_error);
    tcase_add_test(all, an_answer_leaves_nothing_behind_for_the_next);
    tcase_add_test(all, damaged_answers_are_survived);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
