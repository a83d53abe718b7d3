// Gemini's generateContent: what a turn becomes, what is refused, and what an end means.
#include "tests/unit/provider/api.h"

#include "common/mem.h"
#include "workers/provider/adapter.h"
#include "workers/provider/classify.h"
#include "workers/provider/retry_after.h"

static struct catalogue *catalogue;
static const struct provider_api *api;
static struct json_scan scan;
static struct buf body, words;

static void set_up(void) {
    catalogue = api_catalogue();
    api = catalogue_api(catalogue, bytes_text("gemini"), bytes_text("generate"));
    ck_assert_ptr_nonnull(api);
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

static struct adapter_job job_of(const char *line, const char *context, const char *model) {
    struct adapter_job job = {.api = api,
                              .line = bytes_text(line),
                              .context = bytes_text(context),
                              .model = bytes_text(model)};
    job.is_stream = job_asks_stream(&job);
    return job;
}

static const char *write_as(const char *line, const char *context, const char *model) {
    struct adapter_job job = job_of(line, context, model);
    buf_reset(&body);
    return adapter_for(api->shape)->write(&job, &scan, &body);
}

// Each member of a request is one that the API has, by the catalogue.
static void assert_fields(void) {
    struct json_scan made;
    json_scan_init(&made);
    ck_assert_int_eq(json_scan(&made, buf_bytes(&body), NULL), ERR_OK);
    for (uint32_t i = 1; i < made.count; i = made.nodes[i].end) {
        bool is_known = false;
        for (const char *const *field = api->request_fields; *field; field++)
            is_known = is_known || json_is_named(&made, i, bytes_text(*field));
        ck_assert_msg(is_known, "%s", buf_cstr(&body));
    }
    for (const char *const *field = api->required_fields; *field; field++)
        ck_assert_uint_ne(json_find(&made, 0, *field), 0);
    json_scan_release(&made);
}

static void assert_turn(const char *context, const char *model, const char *expected) {
    const char *refusal = write_as("{}", context, model);
    ck_assert_msg(!refusal, "%s", refusal);
    ck_assert_str_eq(buf_cstr(&body), expected);
    assert_fields();
}

#define FLASH    "gemini-2.5-flash"
#define THREE    "gemini-3-flash-preview"
#define ONE      "{\"role\":\"user\",\"parts\":[{\"text\":\"one\"}]}"
#define ASKED    "\"messages\":[{\"role\":\"user\",\"content\":\"one\"}]"
#define CONTENTS "{\"contents\":[" ONE "]"

// ---- requests -----------------------------------------------------------------------------------

// The model stands in the path: in the body the API refuses it, and the stream too.
START_TEST(a_native_body_goes_out_without_what_the_path_says) {
    static const char line[] =
        "{\"url\":\"/v1beta/models/gemini-2.5-flash:generateContent\","
        "\"body\":{\"model\":\"gemini/gemini-2.5-flash\",\"contents\":[ ],\"stream\":false,"
        "\"generationConfig\":{\"temperature\":0.10}}}";
    ck_assert_ptr_null(write_as(line, "", FLASH));
    ck_assert_str_eq(buf_cstr(&body),
                     "{\"contents\":[ ],\"generationConfig\":{\"temperature\":0.10}}");
    ck_assert_ptr_null(write_as("{\"body\":{\"contents\":[]}}", "", FLASH));
    ck_assert_str_eq(buf_cstr(&body), "{\"contents\":[]}");
}
END_TEST

static void assert_path(const char *line, const char *context, bool is_stream, const char *path) {
    struct adapter_job job = job_of(line, context, FLASH);
    ck_assert_int_eq(job.is_stream, is_stream);
    buf_reset(&body);
    job_put_path(&job, &body);
    ck_assert_str_eq(buf_cstr(&body), path);
}

#define PATH   "/v1beta/models/gemini-2.5-flash:generateContent"
#define STREAM "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"

// A stream that nobody asked for, or the reverse, is an answer that nobody can read.
START_TEST(a_stream_is_asked_for_by_the_url_or_by_the_member) {
    assert_path("{\"url\":\"" PATH "\",\"body\":{}}", "", false, PATH);
    assert_path("{\"url\":\"/v1/models/m:streamGenerateContent\",\"body\":{}}", "", true, STREAM);
    assert_path("{\"url\":\"https://h\\/v1beta\\/models\\/m:streamGenerateContent?alt=sse\","
                "\"body\":{}}",
                "", true, STREAM);
    assert_path("{\"body\":{\"stream\":true}}", "", true, STREAM);
    assert_path("{}", "{\"params\":{\"stream\":true}}", true, STREAM);
    assert_path("{}", "{\"params\":{\"stream\":false}}", false, PATH);
}
END_TEST

START_TEST(a_turn_becomes_contents_of_parts) {
    assert_turn("{\"system\":\"be \\u00e9\"," ASKED "}", FLASH,
                CONTENTS ",\"systemInstruction\":{\"parts\":[{\"text\":\"be \\u00e9\"}]}}");
    assert_turn("{\"messages\":[{\"role\":\"user\",\"content\":\"one\"},"
                "{\"role\":\"assistant\",\"content\":\"two\"},{\"role\":\"user\",\"content\":["
                "\"three\",{\"type\":\"text\",\"text\":\"four\"},"
                "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}},"
                "{\"fileData\":{\"fileUri\":\"files/1\"}}]}]}",
                FLASH,
                "{\"contents\":[" ONE ",{\"role\":\"model\",\"parts\":[{\"text\":\"two\"}]},"
                "{\"role\":\"user\",\"parts\":[{\"text\":\"three\"},{\"text\":\"four\"},"
                "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}},"
                "{\"fileData\":{\"fileUri\":\"files/1\"}}]}]}");
    ck_assert_str_eq(write_as("{}", "{\"messages\":[]}", FLASH), "nothing_is_asked");
}
END_TEST

// The API refuses a whole request of which one parameter has another API's name.
START_TEST(parameters_become_members_of_the_configuration) {
    assert_turn("{" ASKED ",\"params\":{\"max_completion_tokens\":77,\"temperature\":0.30,"
                "\"top_p\":1,\"top_k\":null,\"stop\":\"a\",\"seed\":1,\"n\":2,\"stream\":false,"
                "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\","
                "\"schema\":{\"type\":\"object\"}}},\"reasoning_effort\":\"low\","
                "\"service_tier\":\"flex\",\"tool_choice\":\"required\",\"safetySettings\":[]}}",
                FLASH,
                CONTENTS ",\"safetySettings\":[],\"serviceTier\":\"flex\",\"toolConfig\":"
                         "{\"functionCallingConfig\":{\"mode\":\"ANY\"}},\"generationConfig\":{"
                         "\"maxOutputTokens\":77,\"temperature\":0.30,\"topP\":1,"
                         "\"candidateCount\":2,\"seed\":1,\"stopSequences\":[\"a\"],"
                         "\"responseMimeType\":\"application/json\",\"responseJsonSchema\":"
                         "{\"type\":\"object\"},\"thinkingConfig\":{\"thinkingBudget\":1024}}}");
    // What is stated in the API's own form holds.
    assert_turn("{" ASKED ",\"params\":{\"temperature\":1,\"max_tokens\":5,\"generationConfig\":"
                "{\"temperature\":0,\"topK\":3},\"reasoning_effort\":\"minimal\"}}",
                THREE,
                CONTENTS ",\"generationConfig\":{\"temperature\":0,\"topK\":3,"
                         "\"maxOutputTokens\":5,\"thinkingConfig\":{\"thinkingLevel\":"
                         "\"minimal\"}}}");
    assert_turn("{" ASKED ",\"params\":{\"generationConfig\":{},\"stop\":[\"a\",\"b\"],"
                "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}}}",
                FLASH,
                CONTENTS ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\","
                         "\"allowedFunctionNames\":[\"f\"]}},\"generationConfig\":{"
                         "\"stopSequences\":[\"a\",\"b\"]}}");
    ck_assert_str_eq(
        write_as("{}", "{" ASKED ",\"params\":{\"reasoning_effort\":\"none\"}}", THREE),
        "effort_not_served");
    ck_assert_str_eq(write_as("{}", "{" ASKED ",\"params\":{\"logit_bias\":{}}}", FLASH),
                     "parameter_not_served");
}
END_TEST

START_TEST(functions_are_declared_and_own_tools_go_out_as_they_are) {
    assert_turn("{" ASKED ",\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"parameters\":"
                "{\"type\":\"object\"}},{\"googleSearch\":{}},{\"type\":\"function\",\"function\":"
                "{\"name\":\"g\",\"strict\":false}}]}",
                FLASH,
                CONTENTS ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":"
                         "\"d\",\"parametersJsonSchema\":{\"type\":\"object\"}},{\"name\":\"g\"}]},"
                         "{\"googleSearch\":{}}]}");
    assert_turn("{" ASKED ",\"tools\":[{\"codeExecution\":{}}]}", FLASH,
                CONTENTS ",\"tools\":[{\"codeExecution\":{}}]}");
}
END_TEST

#define CALL(id, name) "{\"functionCall\":{" id "\"name\":\"" name "\",\"args\":{\"a\": 1.0}}"
#define SAID(model, parts)                             \
    "{\"role\":\"assistant\",\"content\":[" parts "]," \
    "\"shape\":\"gemini.generate\",\"model\":\"" model "\"}"
#define USE(id, own_id, name)                                                               \
    "{\"type\":\"tool_use\",\"id\":\"" id "\",\"functionCall\":{" own_id "\"name\":\"" name \
    "\",\"args\":{\"a\": 1.0}}"
#define BEFORE "{\"messages\":[{\"role\":\"user\",\"content\":\"one\"},"

// A signature that was lost, or that another model gets, is a request refused by the provider.
START_TEST(what_a_model_thought_goes_back_as_it_came_and_only_to_itself) {
    static const char context[] =
        BEFORE SAID(THREE,
                    "{\"text\":\"hm\",\"thought\":true},{\"type\":\"text\",\"text\":\"two\"},"
                    "{\"text\":\"\",\"thoughtSignature\":\"c2ln\"}") ",{\"role\":\"user\","
                                                                     "\"content\":\"3\"}]}";
    static const char expected[] =
        "{\"contents\":[" ONE ",{\"role\":\"model\",\"parts\":[{\"text\":\"hm\",\"thought\":true},"
        "{\"text\":\"two\"},{\"text\":\"\",\"thoughtSignature\":\"c2ln\"}]},"
        "{\"role\":\"user\",\"parts\":[{\"text\":\"3\"}]}]}";
    assert_turn(context, THREE, expected);
    assert_turn(context, "gemini-flash-latest", expected);
    assert_turn(context, "gemini-3-flash", expected);
    assert_turn(context, FLASH,
                "{\"contents\":[" ONE ",{\"role\":\"model\",\"parts\":[{\"text\":\"two\"},"
                "{\"text\":\"\"}]},{\"role\":\"user\",\"parts\":[{\"text\":\"3\"}]}]}");
}
END_TEST

// A signature goes to the model that made it by any of its names, and to no sibling.
START_TEST(a_model_is_itself_its_snapshots_and_what_its_alias_leads_to) {
    static const struct {
        const char *asked, *served;
        bool is_same;
    } cases[] = {
        {"gemini-2.5-flash", "gemini-2.5-flash", true},
        {"gemini-2.5-flash", "gemini-2.5-flash-001", true},
        {"gemini-2.5-flash", "gemini-2.5-flash-preview-05-20", true},
        {"gemini-2.5-flash", "gemini-2.5-flash-lite", false},
        {"gemini-2.5-flash", "gemini-2.5-flash-lite-001", false},
        {"gemini-2.5-flash", "gemini-2.5-flash-preview-tts", false},
        {"gemini-2.5-flash", "gemini-2.5-flash-0", false},
        {"gemini-2.5-flash", "gemini-2.5-flash-", false},
        {"gemini-2.5-flash", "gemini-2.5-flas", false},
        {"gemini-flash-latest", "gemini-2.5-flash", true},
        {"gemini-flash-latest", "gemini-3-flash-preview", true},
        {"gemini-flash-latest", "gemini-flash-latest", true},
        {"gemini-flash-latest", "gemini-2.5-flash-lite", false},
        {"gemini-flash-latest", "gemini-3-pro", false},
        {"gemini-flash-latest", "gemini", false},
        {"-latest", "gemini-3-pro", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char context[512];
        (void)snprintf(context, sizeof(context),
                       BEFORE "{\"role\":\"assistant\",\"content\":[{\"text\":\"two\","
                              "\"thoughtSignature\":\"c2ln\"}],\"shape\":\"gemini.generate\","
                              "\"model\":\"%s\"},{\"role\":\"user\",\"content\":\"3\"}]}",
                       cases[i].served);
        ck_assert_ptr_null(write_as("{}", context, cases[i].asked));
        ck_assert_msg((strstr(buf_cstr(&body), "c2ln") != NULL) == cases[i].is_same, "%s: %s",
                      cases[i].asked, cases[i].served);
    }
}
END_TEST

// The API knows a result by the name of its call, and by its id only where the model gave one: an
// empty one is none.
START_TEST(results_find_their_calls) {
    assert_turn(
        BEFORE SAID(
            FLASH,
            USE("r-0", "", "f") "}," USE(
                "r-1", "\"id\":\"\",",
                "g") "}") ",{\"role\":\"user\",\"content\":[\"and\",{\"type\":\"tool_result\","
                          "\"name\":"
                          "\"g\",\"content\":[\"a\",{\"type\":\"text\",\"text\":\"b\"}],\"is_"
                          "error\":true},"
                          "{\"type\":\"tool_result\",\"call\":0,\"content\":{\"km\":210}}]}]}",
        FLASH,
        "{\"contents\":[" ONE ",{\"role\":\"model\",\"parts\":[" CALL("", "f") "}," CALL(
            "\"id\":\"\",",
            "g") "}]},{\"role\":\"user\",\"parts\":["
                 "{\"functionResponse\":{\"name\":\"g\",\"response\":{\"error\":\"ab\"}}},"
                 "{\"functionResponse\":{\"name\":\"f\",\"response\":{\"km\":210}}},"
                 "{\"text\":\"and\"}]}]}");
    assert_turn(
        BEFORE SAID(
            THREE, USE("x1", "\"id\":\"x1\",",
                       "f") ",\"thoughtSignature\":\"s\"}") ",{\"role\":\"user\",\"content\":[{"
                                                            "\"type\":\"tool_result\",\"tool_call_"
                                                            "id\":\"x1\",\"content\":\"rain\"}]}]}",
        THREE,
        "{\"contents\":[" ONE ",{\"role\":\"model\",\"parts\":[" CALL(
            "\"id\":\"x1\",",
            "f") ",\"thoughtSignature\":\"s\"}]},"
                 "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"x1\",\"name\":"
                 "\"f\",\"response\":{\"output\":\"rain\"}}}]}]}");
    ck_assert_str_eq(write_as("{}",
                              BEFORE "{\"role\":\"assistant\",\"content\":\"two\"},"
                                     "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
                                     "\"tool_call_id\":\"x\"}]}]}",
                              FLASH),
                     "tool_result_without_call");
}
END_TEST

// A conversation may come from another provider, and go on with another one.
START_TEST(a_conversation_changes_its_provider_with_its_calls) {
    assert_turn(BEFORE "{\"role\":\"assistant\",\"shape\":\"anthropic.messages\",\"model\":"
                       "\"claude-haiku-4-5\",\"content\":["
                       "{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"s\"},"
                       "{\"type\":\"text\",\"text\":\"two\"},{\"type\":\"tool_use\",\"id\":"
                       "\"toolu_1\",\"name\":\"f\",\"input\":{\"a\": 1.0}}]},"
                       "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\"}]}]}",
                FLASH,
                "{\"contents\":[" ONE ",{\"role\":\"model\",\"parts\":[{\"text\":\"two\"}," CALL(
                    "\"id\":\"toolu_1\",",
                    "f") "}]},{\"role\":\"user\",\"parts\":["
                         "{\"functionResponse\":{\"id\":\"toolu_1\",\"name\":\"f\",\"response\":"
                         "{\"output\":\"\"}}}]}]}");
    const struct provider_api *other =
        catalogue_api(catalogue, bytes_text("openai"), bytes_text("chat"));
    struct adapter_job job =
        job_of("{}",
               BEFORE SAID(FLASH, USE("r-0", "",
                                      "f") "}") ",{\"role\":\"user\",\"content\":[{\"type\":\"tool_"
                                                "result\",\"content\":\"3\"}]}]}",
               "m");
    job.api = other;
    buf_reset(&body);
    ck_assert_ptr_null(adapter_for(other->shape)->write(&job, &scan, &body));
    ck_assert_str_eq(buf_cstr(&body),
                     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"one\"},"
                     "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"r-0\","
                     "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
                     "\"{\\\"a\\\": 1.0}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"r-0\","
                     "\"content\":\"3\"}]}");
}
END_TEST

// ---- submission ---------------------------------------------------------------------------------

static bool takes(const char *line) {
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
        "{\"input\":[\"a\",{\"type\":\"tool_result\",\"content\":[\"a\"]},{\"inlineData\":{}},"
        "{\"type\":\"image_url\",\"image_url\":\"data:image/png;base64,AA\"}],\"params\":null}",
        "{\"params\":{\"max_tokens\":1,\"top_k\":5,\"labels\":{},\"reasoning_effort\":\"high\","
        "\"parallel_tool_calls\":true,\"cachedContent\":\"cachedContents/1\"}}",
        "{\"tools\":[{\"name\":\"f\"},{\"googleSearch\":{}}]}",
    };
    static const char *const bad[] = {
        "{\"input\":[{\"type\":\"input_audio\"}]}",
        "{\"input\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://e.org/a.png\"}}]}",
        "{\"input\":[{\"type\":\"tool_result\",\"content\":[{\"type\":\"image_url\"}]}]}",
        "{\"params\":{\"logit_bias\":{}}}",
        "{\"params\":{\"metadata\":{}}}",
        "{\"params\":{\"reasoning_effort\":\"vast\"}}",
        "{\"params\":{\"response_format\":{\"type\":\"grammar\"}}}",
        "{\"params\":{\"parallel_tool_calls\":false}}",
        "{\"params\":{\"tool_choice\":\"sometimes\"}}",
        "{\"params\":{\"generationConfig\":3}}",
        "{\"tools\":[{\"type\":\"web_search\"}]}",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(takes(good[i]), "%s: %s", good[i], buf_cstr(&words));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!takes(bad[i]), "%s", bad[i]);
}
END_TEST

// ---- ends ---------------------------------------------------------------------------------------

static struct verdict judge(unsigned status, const char *text) {
    const struct outcome outcome = {.http_end = HTTP_answered,
                                    .status = status,
                                    .has_left = true,
                                    .head = bytes_text(""),
                                    .body = bytes_text(text),
                                    .words = "",
                                    .now_ms = 1784620784000};
    struct verdict verdict;
    classify(api, adapter_for(api->shape), &outcome, &scan, &verdict);
    return verdict;
}

#define STATUS(status, details) \
    "{\"error\":{\"code\":1,\"message\":\"m\",\"status\":\"" status "\"" details "}}"
#define QUOTA(ids)                                    \
    ",\"details\":[{\"@type\":\"type.googleapis.com/" \
    "google.rpc.QuotaFailure\",\"violations\":[" ids  \
    "]},{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"48.5s\"}]"
#define MINUTE "{\"quotaId\":\"GenerateContentPaidTierInputTokensPerModelPerMinute\"}"
#define DAY    "{\"quotaId\":\"GenerateRequestsPerDayPerProjectPerModel-FreeTier\"}"

// A quota of a day that is tried again each minute keeps a lane busy with nothing; one of a minute
// that holds the lane wastes a day.
START_TEST(a_status_and_its_words_decide_the_class) {
    static const struct {
        unsigned status;
        const char *body, *class, *reason;
        uint64_t after_ms;
    } cases[] = {
        {200, "{\"candidates\":[{\"finishReason\":\"STOP\"}]}", "success", "", 0},
        {200, "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}", "success", "", 0},
        {200, "{\"candidates\":[{\"content\":{}}]}", "malformed", "malformed", 0},
        {200, "{\"candidates\":[]}", "malformed", "malformed", 0},
        {429, STATUS("RESOURCE_EXHAUSTED", QUOTA(MINUTE)), "rate_limited", "http_429", 48500},
        {429, STATUS("RESOURCE_EXHAUSTED", QUOTA(MINUTE "," DAY)), "lane_wide", "quota_exhausted",
         48500},
        {429, "[" STATUS("RESOURCE_EXHAUSTED", QUOTA(DAY)) "]", "lane_wide", "quota_exhausted",
         48500},
        {429, STATUS("RESOURCE_EXHAUSTED", ""), "rate_limited", "http_429", 0},
        {400, STATUS("INVALID_ARGUMENT", ",\"details\":[{\"reason\":\"API_KEY_INVALID\"}]"),
         "lane_wide", "api_key_invalid", 0},
        {400, STATUS("INVALID_ARGUMENT", ""), "permanent", "http_400", 0},
        {400, STATUS("FAILED_PRECONDITION", ""), "lane_wide", "failed_precondition", 0},
        {401, "", "lane_wide", "http_401", 0},
        {403, STATUS("PERMISSION_DENIED", ""), "lane_wide", "http_403", 0},
        {404, STATUS("NOT_FOUND", ""), "permanent", "http_404", 0},
        {413, "<html>", "permanent", "http_4xx", 0},
        {500, STATUS("INTERNAL", ""), "retryable", "http_500", 0},
        {503, "[" STATUS("UNAVAILABLE", "") "]", "retryable", "http_503", 0},
        {504, STATUS("DEADLINE_EXCEEDED", ""), "retryable", "http_504", 0},
        // An error that comes with a success counts as what it says.
        {200, STATUS("UNAVAILABLE", ""), "retryable", "http_503", 0},
        {200, "data: {\"candidates\":[{\"index\":0}]}\n\ndata: " STATUS("INTERNAL", "") "\n\n",
         "retryable", "http_500", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct verdict verdict = judge(cases[i].status, cases[i].body);
        ck_assert_msg(strcmp(call_class_name(verdict.class), cases[i].class) == 0, "%u %s: %s",
                      cases[i].status, cases[i].body, call_class_name(verdict.class));
        ck_assert_str_eq(verdict.reason, cases[i].reason);
        ck_assert_uint_eq(verdict.retry_after_ms, cases[i].after_ms);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("gemini");
    TCase *requests = tcase_create("requests");
    tcase_add_checked_fixture(requests, set_up, tear_down);
    tcase_add_test(requests, a_native_body_goes_out_without_what_the_path_says);
    tcase_add_test(requests, a_stream_is_asked_for_by_the_url_or_by_the_member);
    tcase_add_test(requests, a_turn_becomes_contents_of_parts);
    tcase_add_test(requests, parameters_become_members_of_the_configuration);
    tcase_add_test(requests, functions_are_declared_and_own_tools_go_out_as_they_are);
    tcase_add_test(requests, what_a_model_thought_goes_back_as_it_came_and_only_to_itself);
    tcase_add_test(requests, a_model_is_itself_its_snapshots_and_what_its_alias_leads_to);
    tcase_add_test(requests, results_find_their_calls);
    tcase_add_test(requests, a_conversation_changes_its_provider_with_its_calls);
    tcase_add_test(requests, what_the_api_cannot_take_is_refused_at_submission);
    tcase_add_test(requests, a_status_and_its_words_decide_the_class);
    suite_add_tcase(suite, requests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
