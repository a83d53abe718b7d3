// Anthropic's Messages: what a turn becomes, what is refused, and what an end means. Each test
// names both APIs where they must agree on what the neutral form says.
#include "tests/unit/provider/api.h"

#include "common/mem.h"
#include "workers/provider/adapter.h"
#include "workers/provider/classify.h"
#include "workers/provider/retry_after.h"

static struct catalogue *catalogue;
static struct json_scan scan;
static struct buf body, words;

static void set_up(void) {
    catalogue = api_catalogue();
    json_scan_init(&scan);
    buf_init(&body, 1 << 20);
    buf_init(&words, 1 << 12);
}

static void tear_down(void) {
    json_scan_release(&scan);
    buf_release(&body);
    buf_release(&words);
    catalogue_free(catalogue);
    ck_assert_int_eq(mem_held(), 0);
}

static const struct provider_api *api_of(const char *provider) {
    return catalogue_default_api(catalogue, bytes_text(provider));
}

static const char *write_as(const char *provider, const char *line, const char *context,
                            const char *model) {
    const struct provider_api *api = api_of(provider);
    struct adapter_job job = {.api = api,
                              .line = bytes_text(line),
                              .context = bytes_text(context),
                              .model = bytes_text(model)};
    job.is_stream = job_asks_stream(&job);
    buf_reset(&body);
    return adapter_for(api->shape)->write(&job, &scan, &body);
}

static void assert_turn(const char *context, const char *model, const char *expected) {
    const char *refusal = write_as("anthropic", "{}", context, model);
    ck_assert_msg(!refusal, "%s", refusal);
    ck_assert_str_eq(buf_cstr(&body), expected);
    ck_assert(json_is_complete(buf_bytes(&body)));
}

#define HAIKU    "claude-haiku-4-5"
#define HEAD     "{\"model\":\"" HAIKU "\",\"max_tokens\":4096"
#define SAYS(s)  "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"" s "\"}]}"
#define HEARS(s) "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"" s "\"}]}"

// ---- requests -----------------------------------------------------------------------------------

// People compare what they wrote with what was billed.
START_TEST(a_batchs_params_go_out_byte_for_byte) {
    static const char params[] =
        "{ \"max_tokens\" : 1E1, \"model\":\"claude-haiku-4-5\" ,\"messages\":[ ],\"x\":0.10}";
    char line[512];
    (void)snprintf(line, sizeof(line), "{\"custom_id\":\"a\",\"params\":%s}", params);
    ck_assert_ptr_null(write_as("anthropic", line, "", HAIKU));
    ck_assert_str_eq(buf_cstr(&body), params);
    ck_assert_ptr_null(
        write_as("anthropic", "{\"params\":{\"model\":\"anthropic/m\",\"a\":1}}", "", "m"));
    ck_assert_str_eq(buf_cstr(&body), "{\"model\":\"m\",\"a\":1}");
    ck_assert_ptr_null(
        write_as("anthropic", "{\"url\":\"/v1/messages\",\"body\":{\"model\":\"m\"}}", "", "m"));
    ck_assert_str_eq(buf_cstr(&body), "{\"model\":\"m\"}");
    // The form is this API's own: for OpenAI params are no body.
    ck_assert_str_eq(write_as("openai", line, "", HAIKU), "line_without_body");
    ck_assert_str_eq(write_as("anthropic", "{\"params\":3}", "", HAIKU), "line_without_body");
}
END_TEST

START_TEST(a_turn_becomes_a_messages_request) {
    assert_turn("{\"model\":\"x\",\"system\":\"be \\u00e9\",\"messages\":["
                "{\"role\":\"user\",\"content\":\"one\"}]}",
                HAIKU, HEAD ",\"system\":\"be \\u00e9\",\"messages\":[" SAYS("one") "]}");
    assert_turn("{\"messages\":[{\"role\":\"user\",\"content\":\"one\"},"
                "{\"role\":\"assistant\",\"content\":\"two\"},"
                "{\"role\":\"user\",\"content\":[\"three\",{\"type\":\"text\",\"text\":\"\"}]}]}",
                HAIKU, HEAD ",\"messages\":[" SAYS("one") "," HEARS("two") "," SAYS("three") "]}");
}
END_TEST

// The API refuses a request of which one parameter has another API's name.
START_TEST(parameters_are_translated_or_go_out_as_they_are) {
    assert_turn(
        "{\"params\":{\"max_completion_tokens\":77,\"temperature\":0.30,\"stop\":\"a\","
        "\"stream\":false,\"n\":1,\"top_p\":null,\"metadata\":{\"user_id\":\"u\"},"
        "\"tool_choice\":\"required\",\"parallel_tool_calls\":false},"
        "\"messages\":[{\"role\":\"user\",\"content\":\"one\"}]}",
        HAIKU,
        "{\"model\":\"" HAIKU "\",\"max_tokens\":77,\"messages\":[" SAYS(
            "one") "],"
                   "\"temperature\":0.30,\"metadata\":{\"user_id\":\"u\"},\"stop_sequences\":["
                   "\"a\"],"
                   "\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":true}}");
    assert_turn("{\"params\":{\"max_tokens\":5,\"stop\":[\"a\",\"b\"],\"tool_choice\":{\"type\":"
                "\"function\",\"function\":{\"name\":\"f\"}}},"
                "\"messages\":[{\"role\":\"user\",\"content\":\"one\"}]}",
                HAIKU,
                "{\"model\":\"" HAIKU "\",\"max_tokens\":5,\"messages\":[" SAYS(
                    "one") "],"
                           "\"stop_sequences\":[\"a\",\"b\"],\"tool_choice\":{\"type\":\"tool\","
                           "\"name\":\"f\"}}");
    assert_turn("{\"params\":{\"stream\":true},\"messages\":["
                "{\"role\":\"user\",\"content\":\"one\"}]}",
                HAIKU, HEAD ",\"messages\":[" SAYS("one") "],\"stream\":true}");
}
END_TEST

// The form of an answer and the effort that it may cost are asked for in one way everywhere.
START_TEST(effort_and_format_stand_in_the_configuration_of_the_output) {
#define ASKS(params) \
    "{\"params\":{" params "},\"messages\":[{\"role\":\"user\",\"content\":\"one\"}]}"
#define ASKED(rest) HEAD ",\"messages\":[" SAYS("one") "]" rest "}"
    assert_turn(ASKS("\"reasoning_effort\":\"low\",\"response_format\":{\"type\":\"json_schema\","
                     "\"json_schema\":{\"name\":\"x\",\"strict\":true,\"schema\":{\"a\": 1}}}"),
                HAIKU,
                ASKED(",\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":"
                      "{\"a\": 1}},\"effort\":\"low\"}"));
    assert_turn(ASKS("\"response_format\":{\"type\":\"json_schema\",\"schema\":{\"a\": 1}},"
                     "\"output_config\":{\"effort\":\"max\",\"task_budget\":{}}"),
                HAIKU,
                ASKED(",\"output_config\":{\"effort\":\"max\",\"task_budget\":{},\"format\":"
                      "{\"type\":\"json_schema\",\"schema\":{\"a\": 1}}}"));
    assert_turn(ASKS("\"response_format\":{\"type\":\"text\"}"), HAIKU, ASKED(""));
    // What is stated in the API's own form holds, and stands there once.
    assert_turn(ASKS("\"stop\":\"a\",\"stop_sequences\":[\"b\"]"), HAIKU,
                ASKED(",\"stop_sequences\":[\"b\"]"));
}
END_TEST

START_TEST(images_and_tools_are_written_in_the_apis_way) {
    assert_turn(
        "{\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}},"
        "{\"type\":\"function\",\"function\":{\"name\":\"g\"}},"
        "{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}],"
        "\"messages\":[{\"role\":\"user\",\"content\":["
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://example.org/a.png\"}},"
        "{\"type\":\"document\",\"source\":{\"type\":\"text\"}}]}]}",
        HAIKU,
        HEAD ",\"messages\":[{\"role\":\"user\",\"content\":["
             "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\","
             "\"data\":\"AAAA\"}},"
             "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":"
             "\"https://example.org/a.png\"}},"
             "{\"type\":\"document\",\"source\":{\"type\":\"text\"}}]}],"
             "\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"input_schema\":"
             "{\"type\":\"object\"}},{\"name\":\"g\",\"input_schema\":{\"type\":\"object\"}},"
             "{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]}");
}
END_TEST

#define THINKING "{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"s==\"}"
#define USE(id, name)                                                                        \
    "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"" name "\",\"input\":{\"a\": 1.0}," \
    "\"caller\":{\"type\":\"direct\"}}"
#define CLAUDE_SAID(model, parts)                 \
    "{\"role\":\"assistant\",\"content\":[" parts \
    "],\"shape\":\"anthropic.messages\",\"model\":\"" model "\"}"
#define BEFORE "{\"messages\":[{\"role\":\"user\",\"content\":\"one\"},"

// A signature that was changed, or that another model gets, is a request refused by the provider.
START_TEST(what_a_model_thought_goes_back_unchanged_and_only_to_itself) {
    static const char context[] = BEFORE CLAUDE_SAID(
        "claude-haiku-4-5-20251001",
        THINKING ",{\"type\":\"text\",\"text\":"
                 "\"two\",\"citations\":[{}]}") ",{\"role\":\"user\",\"content\":\"three\"}]}";
    static const char two[] = "{\"type\":\"text\",\"text\":\"two\",\"citations\":[{}]}";
    char expected[1024];
    (void)snprintf(expected, sizeof(expected),
                   HEAD ",\"messages\":[%s,{\"role\":\"assistant\",\"content\":[%s,%s]},%s]}",
                   SAYS("one"), THINKING, two, SAYS("three"));
    assert_turn(context, HAIKU, expected);
    (void)snprintf(expected, sizeof(expected),
                   "{\"model\":\"claude-haiku-4\",\"max_tokens\":4096,\"messages\":[%s,"
                   "{\"role\":\"assistant\",\"content\":[%s]},%s]}",
                   SAYS("one"), two, SAYS("three"));
    assert_turn(context, "claude-haiku-4", expected);
}
END_TEST

// Whoever writes a file cannot know the ids that a model will give its calls.
START_TEST(results_find_their_calls_by_id_by_name_or_by_order) {
    static const char context[] = BEFORE CLAUDE_SAID(
        HAIKU,
        USE("toolu_1", "f") "," USE("toolu_2", "g") "," USE(
            "toolu_3",
            "g")) ",{\"role\":\"user\",\"content\":["
                  "{\"type\":\"text\",\"text\":\"and\"},"
                  "{\"type\":\"tool_result\",\"name\":\"g\",\"content\":\"1\"},"
                  "{\"type\":\"tool_result\",\"name\":\"g\",\"content\":[\"2\"],\"is_error\":true},"
                  "{\"type\":\"tool_result\",\"content\":\"3\"},"
                  "{\"type\":\"tool_result\",\"tool_call_id\":\"x\",\"content\":\"4\"}]}]}";
    assert_turn(
        context, HAIKU,
        HEAD ",\"messages\":[" SAYS("one") ",{\"role\":\"assistant\",\"content\":[" USE(
            "toolu_1",
            "f") "," USE("toolu_2",
                         "g") "," USE("toolu_3",
                                      "g") "]},"
                                           "{\"role\":\"user\",\"content\":["
                                           "{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_2\","
                                           "\"content\":\"1\"},"
                                           "{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_3\","
                                           "\"content\":["
                                           "{\"type\":\"text\",\"text\":\"2\"}],\"is_error\":true},"
                                           "{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_1\","
                                           "\"content\":\"3\"},"
                                           "{\"type\":\"tool_result\",\"tool_use_id\":\"x\","
                                           "\"content\":\"4\"},"
                                           "{\"type\":\"text\",\"text\":\"and\"}]}]}");
    ck_assert_str_eq(write_as("anthropic", "{}",
                              BEFORE "{\"role\":\"assistant\",\"content\":\"two\"},"
                                     "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
                                     "\"content\":\"3\"}]}]}",
                              HAIKU),
                     "tool_result_without_call");
}
END_TEST

// The same neutral turn for OpenAI: a message of its own for each result.
START_TEST(openai_gets_the_same_results_as_messages_of_a_tool) {
    static const char context[] =
        BEFORE "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\","
               "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
               "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"name\":\"f\","
               "\"content\":\"rain\"},{\"type\":\"text\",\"text\":\"so?\"}]}]}";
    ck_assert_ptr_null(write_as("openai", "{}", context, "m"));
    ck_assert_str_eq(buf_cstr(&body),
                     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"one\"},"
                     "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\","
                     "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
                     "{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"rain\"},"
                     "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"so?\"}]}]}");
    ck_assert_str_eq(write_as("openai", "{}",
                              BEFORE "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
                                     "\"content\":\"3\"}]}]}",
                              "m"),
                     "tool_result_without_call");
}
END_TEST

// A conversation may go on with another provider: what was said and called is the same there.
START_TEST(a_conversation_changes_its_provider_with_its_calls) {
    static const char context[] =
        BEFORE CLAUDE_SAID(HAIKU, THINKING ",{\"type\":\"text\",\"text\":\"two\"}," USE(
                                      "toolu_1", "f")) ",{\"role\":\"user\",\"content\":[{\"type\":"
                                                       "\"tool_result\",\"content\":\"3\"}]}]}";
    ck_assert_ptr_null(write_as("openai", "{}", context, "m"));
    ck_assert_str_eq(
        buf_cstr(&body),
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"one\"},"
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"two\"}],"
        "\"tool_calls\":[{\"id\":\"toolu_1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
        "\"arguments\":\"{\\\"a\\\": 1.0}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"toolu_1\",\"content\":\"3\"}]}");
    ck_assert_ptr_null(write_as(
        "openai", "{}",
        BEFORE CLAUDE_SAID(HAIKU, THINKING) ",{\"role\":\"user\",\"content\":\"three\"}]}", "m"));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&body), "{\"role\":\"assistant\",\"content\":\"\"},"));
    // A call that has no name is nobody's, and leaves nothing half written behind.
    ck_assert_ptr_null(write_as(
        "openai", "{}",
        BEFORE CLAUDE_SAID(
            HAIKU,
            "{\"type\":\"tool_use\",\"id\":\"t\"}") ",{\"role\":\"user\",\"content\":\"three\"}]}",
        "m"));
    ck_assert(json_is_complete(buf_bytes(&body)));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&body), "{\"role\":\"assistant\",\"content\":\"\"},"));

    assert_turn(
        BEFORE "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
               "{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
               "\"arguments\":\"{\\\"a\\\":1}\"}},{\"id\":\"call_2\",\"name\":\"g\","
               "\"arguments\":\"no json\"},{\"id\":\"call_3\",\"name\":\"h\"}]},"
               "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"call\":2},"
               "{\"type\":\"tool_result\",\"name\":\"f\"},{\"type\":\"tool_result\",\"call\":"
               "\"call_2\"},\"three\"]}]}",
        HAIKU,
        HEAD ",\"messages\":[" SAYS(
            "one") ",{\"role\":\"assistant\",\"content\":["
                   "{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"f\",\"input\":{\"a\":1}},"
                   "{\"type\":\"tool_use\",\"id\":\"call_2\",\"name\":\"g\",\"input\":"
                   "{\"arguments\":\"no json\"}},"
                   "{\"type\":\"tool_use\",\"id\":\"call_3\",\"name\":\"h\",\"input\":{}}]},"
                   "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
                   "\"call_3\"},{\"type\":\"tool_result\",\"tool_use_id\":\"call_1\"},"
                   "{\"type\":\"tool_result\",\"tool_use_id\":\"call_2\"},"
                   "{\"type\":\"text\",\"text\":\"three\"}]}]}");
}
END_TEST

// Every provider refuses a request in which a call of a tool has no result, and some bill it.
START_TEST(a_call_without_a_result_is_not_sent) {
    static const char *const said[] = {
        "\"so?\"",
        "[{\"type\":\"tool_result\",\"call\":0,\"content\":\"1\"}]",
        "[{\"type\":\"tool_result\",\"call\":0},{\"type\":\"tool_result\",\"call\":\"call_1\"}]",
        "[{\"type\":\"tool_result\",\"call\":0},{\"type\":\"tool_result\",\"call\":2}]",
        "[{\"type\":\"tool_result\",\"call\":0},{\"type\":\"tool_result\",\"call\":-1}]",
        "[{\"type\":\"tool_result\",\"call\":0},{\"type\":\"tool_result\",\"call\":true}]",
    };
    char context[1024];
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        (void)snprintf(context, sizeof(context),
                       BEFORE
                       "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
                       "{\"id\":\"call_1\",\"name\":\"f\"},{\"id\":\"call_2\",\"name\":\"f\"}"
                       "]},{\"role\":\"user\",\"content\":%s}]}",
                       said[i]);
        ck_assert_str_eq(write_as("anthropic", "{}", context, HAIKU), "tool_result_missing");
        ck_assert_str_eq(write_as("openai", "{}", context, "m"), "tool_result_missing");
    }
}
END_TEST

// Roles alternate: an answer without anything to send again must not leave two users behind.
START_TEST(neighbours_of_one_role_become_one_message) {
    assert_turn(BEFORE CLAUDE_SAID("claude-opus-5",
                                   THINKING) ",{\"role\":\"user\",\"content\":\"three\"}]}",
                HAIKU,
                HEAD
                ",\"messages\":[{\"role\":\"user\",\"content\":["
                "{\"type\":\"text\",\"text\":\"one\"},{\"type\":\"text\",\"text\":\"three\"}]}]}");
    ck_assert_str_eq(write_as("anthropic", "{}", "{\"messages\":[]}", HAIKU), "nothing_is_asked");
    ck_assert_str_eq(
        write_as("anthropic", "{}", "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}", HAIKU),
        "nothing_is_asked");
    ck_assert_str_eq(write_as("anthropic", "{}", "{\"messages\":[3]}", HAIKU), "context_malformed");
}
END_TEST

// ---- submission ---------------------------------------------------------------------------------

static bool takes(const char *provider, const char *line) {
    const struct provider_api *api = api_of(provider);
    buf_reset(&words);
    ck_assert_int_eq(json_scan(&scan, bytes_text(line), NULL), ERR_OK);
    bool does = adapter_for(api->shape)->takes(api, &scan, &words);
    ck_assert_msg(does == (words.size == 0), "%s", line);
    return does;
}

// What is dropped instead of refused is paid for and not what was asked.
START_TEST(what_the_api_cannot_take_is_refused_at_submission) {
    static const char *const good[] = {
        "{\"input\":\"a\"}",
        "{\"input\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"tool_result\"}],\"params\":"
        "null}",
        "{\"params\":{\"max_tokens\":1,\"top_k\":5,\"thinking\":{},\"temperature\":1.0,\"n\":1,"
        "\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"},\"stop\":[],"
        "\"reasoning_effort\":\"low\",\"response_format\":{\"type\":\"text\"}}}",
    };
    static const char *const bad[] = {
        "{\"input\":[{\"type\":\"input_audio\"}]}",
        "{\"input\":[{\"type\":\"image_url\",\"image_url\":{}}]}",
        "{\"params\":{\"logit_bias\":{}}}",
        "{\"params\":{\"reasoning_effort\":\"minimal\"}}",
        "{\"params\":{\"reasoning_effort\":1}}",
        "{\"params\":{\"response_format\":{\"type\":\"json_object\"}}}",
        "{\"params\":{\"response_format\":{\"type\":\"json_schema\"}}}",
        "{\"params\":{\"output_config\":\"low\"}}",
        "{\"params\":{\"temperature\":1.01}}",
        "{\"params\":{\"temperature\":\"hot\"}}",
        "{\"params\":{\"n\":2}}",
        "{\"params\":{\"tool_choice\":\"sometimes\"}}",
        "{\"params\":{\"tool_choice\":3}}",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(takes("anthropic", good[i]), "%s: %s", good[i], buf_cstr(&words));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!takes("anthropic", bad[i]), "%s", bad[i]);
    ck_assert(takes("openai", "{\"params\":{\"logit_bias\":{}},\"input\":[{\"type\":\"video\"}]}"));
    ck_assert(!takes("openai", "{\"input\":[{\"type\":\"document\"}]}"));
    ck_assert(!takes("openai", "{\"input\":[{\"type\":\"tool_result\",\"is_error\":true}]}"));
}
END_TEST

// ---- ends ---------------------------------------------------------------------------------------

#define ANSWER                                                                              \
    "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":" \
    "\"text\",\"text\":\"hi\"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":1}}"
#define FAILURE(type) "{\"type\":\"error\",\"error\":{\"type\":\"" type "\",\"message\":\"m\"}}"
#define CODED(type, code)                                                                 \
    "{\"type\":\"error\",\"error\":{\"type\":\"" type "\",\"message\":\"m\",\"details\":" \
    "{\"error_code\":\"" code "\"}},\"request_id\":\"req_1\"}"

static struct verdict judge(unsigned status, const char *head, const char *text) {
    const struct provider_api *api = api_of("anthropic");
    const struct outcome outcome = {.http_end = HTTP_answered,
                                    .status = status,
                                    .has_left = true,
                                    .head = bytes_text(head),
                                    .body = bytes_text(text),
                                    .words = "",
                                    .now_ms = 1784620784000};
    struct verdict verdict;
    classify(api, adapter_for(api->shape), &outcome, &scan, &verdict);
    return verdict;
}

// A wrong class costs money (a spend limit retried for ever) or work (a good job declared dead).
START_TEST(a_status_and_its_words_decide_the_class) {
    static const struct {
        unsigned status;
        const char *body, *class, *reason;
    } cases[] = {
        {200, ANSWER, "success", ""},
        {400, FAILURE("invalid_request_error"), "permanent", "http_400"},
        {400,
         "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":"
         "\"Your credit balance is too low to go on.\"}}",
         "lane_wide", "credit_balance"},
        {400, CODED("invalid_request_error", "organization_on_hold"), "lane_wide",
         "organization_on_hold"},
        {401, FAILURE("authentication_error"), "lane_wide", "http_401"},
        {402, FAILURE("billing_error"), "lane_wide", "http_402"},
        {403, FAILURE("permission_error"), "lane_wide", "http_403"},
        {404, FAILURE("not_found_error"), "permanent", "http_404"},
        {409, FAILURE("conflict_error"), "retryable", "http_409"},
        {413, "<html>too large</html>", "permanent", "http_413"},
        {429, FAILURE("rate_limit_error"), "rate_limited", "http_429"},
        {429, CODED("rate_limit_error", "enforced_spend_limit_reached"), "lane_wide",
         "spend_limit"},
        {429, CODED("rate_limit_error", "ramp_limit_exceeded"), "rate_limited", "ramp_limit"},
        {500, FAILURE("api_error"), "retryable", "http_500"},
        {502, "<html>bad gateway</html>", "retryable", "http_5xx"},
        {504, FAILURE("timeout_error"), "retryable", "http_504"},
        {529, FAILURE("overloaded_error"), "retryable", "http_529"},
        {529, "", "retryable", "http_529"},
        // An error that comes with a success counts as what it says.
        {200, FAILURE("overloaded_error"), "retryable", "http_529"},
        {200, FAILURE("rate_limit_error"), "rate_limited", "http_429"},
        {200, FAILURE("authentication_error"), "lane_wide", "http_401"},
        {200, FAILURE("never_heard_of"), "retryable", "error_in_answer"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct verdict verdict = judge(cases[i].status, "", cases[i].body);
        ck_assert_msg(strcmp(call_class_name(verdict.class), cases[i].class) == 0, "%u %s: %s",
                      cases[i].status, cases[i].body, call_class_name(verdict.class));
        ck_assert_str_eq(verdict.reason, cases[i].reason);
    }
}
END_TEST

// The beginning of an answer looks like one; taken for a success it is a wrong result, paid for.
START_TEST(no_cut_or_half_answer_is_a_success) {
    static const char answer[] = ANSWER;
    char cut[sizeof(answer)];
    for (size_t size = 0; size < sizeof(answer) - 1; size++) {
        memcpy(cut, answer, size);
        cut[size] = 0;
        ck_assert_str_eq(call_class_name(judge(200, "", cut).class), "malformed");
    }
    static const char *const halves[] = {
        "{\"type\":\"message\",\"content\":[],\"stop_reason\":null}",
        "{\"type\":\"message\",\"content\":[]}",
        "{\"type\":\"message\",\"content\":\"a\",\"stop_reason\":\"end_turn\"}",
        "{\"content\":[],\"stop_reason\":\"end_turn\"}",
        "{\"choices\":[{}]}",
        "[]",
        "\"a\"",
    };
    for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++)
        ck_assert_str_eq(call_class_name(judge(200, "", halves[i]).class), "malformed");
}
END_TEST

START_TEST(its_limits_say_when_to_come_back) {
    ck_assert_uint_eq(judge(429, "retry-after: 17\r\n", FAILURE("rate_limit_error")).retry_after_ms,
                      17000);
    ck_assert_uint_eq(judge(429,
                            "anthropic-ratelimit-requests-remaining: 0\r\n"
                            "anthropic-ratelimit-requests-reset: 2026-07-21T08:00:00Z\r\n"
                            "anthropic-ratelimit-tokens-remaining: 9000\r\n"
                            "anthropic-ratelimit-tokens-reset: 2026-07-21T09:00:00Z\r\n",
                            FAILURE("rate_limit_error"))
                          .retry_after_ms,
                      16000);
    // A success may say retry-after too, and it means nothing there.
    ck_assert_uint_eq(judge(200, "retry-after: 17\r\n", ANSWER).retry_after_ms, 0);
    ck_assert_str_eq(
        call_class_name(judge(529, "x-should-retry: false\r\n", FAILURE("overloaded_error")).class),
        "permanent");
}
END_TEST

// A reset that is none must not be taken for one: the lane would stand still for a day.
START_TEST(instants_that_are_none_are_not_heard) {
    static const char *const resets[] = {"2026-07-21",           "2026-07-21T08:00:00",
                                         "2026-13-21T08:00:00Z", "2026-07-21T08:0x:00Z",
                                         "not-a-date-at-all-ZZ", "2020-07-21T08:00:00Z"};
    for (size_t i = 0; i < sizeof(resets) / sizeof(resets[0]); i++) {
        char head[256];
        (void)snprintf(head, sizeof(head),
                       "anthropic-ratelimit-requests-remaining: 0\r\n"
                       "anthropic-ratelimit-requests-reset: %s\r\n",
                       resets[i]);
        ck_assert_msg(retry_hint_of(bytes_text(head), NULL, 1784620784000).after_ms == 0, "%s",
                      resets[i]);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("anthropic");
    TCase *tests = tcase_create("messages");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_batchs_params_go_out_byte_for_byte);
    tcase_add_test(tests, a_turn_becomes_a_messages_request);
    tcase_add_test(tests, parameters_are_translated_or_go_out_as_they_are);
    tcase_add_test(tests, effort_and_format_stand_in_the_configuration_of_the_output);
    tcase_add_test(tests, images_and_tools_are_written_in_the_apis_way);
    tcase_add_test(tests, what_a_model_thought_goes_back_unchanged_and_only_to_itself);
    tcase_add_test(tests, results_find_their_calls_by_id_by_name_or_by_order);
    tcase_add_test(tests, openai_gets_the_same_results_as_messages_of_a_tool);
    tcase_add_test(tests, a_conversation_changes_its_provider_with_its_calls);
    tcase_add_test(tests, a_call_without_a_result_is_not_sent);
    tcase_add_test(tests, neighbours_of_one_role_become_one_message);
    tcase_add_test(tests, what_the_api_cannot_take_is_refused_at_submission);
    tcase_add_test(tests, a_status_and_its_words_decide_the_class);
    tcase_add_test(tests, no_cut_or_half_answer_is_a_success);
    tcase_add_test(tests, its_limits_say_when_to_come_back);
    tcase_add_test(tests, instants_that_are_none_are_not_heard);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
