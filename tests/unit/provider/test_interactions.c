// Gemini's Interactions: what a turn becomes, what is refused, and what an end means.
#include "tests/unit/provider/api.h"

#include "common/mem.h"
#include "workers/provider/adapter.h"
#include "workers/provider/classify.h"

static struct catalogue *catalogue;
static const struct provider_api *api;
static struct json_scan scan;
static struct buf body, words;

static void set_up(void) {
    catalogue = api_catalogue();
    api = catalogue_api(catalogue, bytes_text("gemini"), bytes_text("interactions"));
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

static const char *write_as(const char *line, const char *context, const char *model) {
    struct adapter_job job = {.api = api,
                              .line = bytes_text(line),
                              .context = bytes_text(context),
                              .model = bytes_text(model)};
    job.is_stream = job_asks_stream(&job);
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

#define FLASH    "gemini-3-flash-preview"
#define HEAD     "{\"model\":\"" FLASH "\",\"input\":["
#define TEXT(t)  "{\"type\":\"text\",\"text\":\"" t "\"}"
#define SAYS(t)  "{\"type\":\"user_input\",\"content\":[" TEXT(t) "]}"
#define HEARS(t) "{\"type\":\"model_output\",\"content\":[" TEXT(t) "]}"
#define ASKED    "\"messages\":[{\"role\":\"user\",\"content\":\"one\"}]"
#define BEFORE   "{\"messages\":[{\"role\":\"user\",\"content\":\"one\"},"

START_TEST(a_turn_becomes_steps) {
    assert_turn("{\"system\":\"be \\u00e9\"," ASKED "}", FLASH,
                HEAD SAYS("one") "],\"system_instruction\":\"be \\u00e9\"}");
    assert_turn(BEFORE "{\"role\":\"assistant\",\"content\":\"two\"},{\"role\":\"user\","
                       "\"content\":[\"three\",{\"type\":\"image_url\",\"image_url\":{\"url\":"
                       "\"data:image/png;base64,AAAA\"}},{\"type\":\"document\",\"uri\":\"u\"}]}]}",
                FLASH,
                HEAD SAYS("one") "," HEARS("two") ",{\"type\":\"user_input\",\"content\":[" TEXT(
                    "three") ",{\"type\":\"image\",\"mime_type\":\"image/png\",\"data\":"
                             "\"AAAA\"},{\"type\":\"document\",\"uri\":\"u\"}]}]}");
    ck_assert_str_eq(write_as("{}", "{\"messages\":[]}", FLASH), "nothing_is_asked");
    ck_assert_ptr_null(write_as("{\"body\":{ \"model\":\"m\" ,\"input\":\"a\"}}", "", "m"));
    ck_assert_str_eq(buf_cstr(&body), "{ \"model\":\"m\" ,\"input\":\"a\"}");
}
END_TEST

// What the provider keeps is not sent again, and only an API that keeps it can go on from it.
START_TEST(a_turn_goes_on_from_a_kept_interaction) {
    assert_turn("{\"previous\":\"v1_a\",\"messages\":[{\"role\":\"user\",\"content\":["
                "{\"type\":\"tool_result\",\"tool_call_id\":\"fc_1\",\"content\":\"rain\"}]}]}",
                FLASH,
                HEAD "{\"type\":\"function_result\",\"call_id\":\"fc_1\",\"result\":[" TEXT(
                    "rain") "]}],\"previous_interaction_id\":\"v1_a\"}");
    const struct provider_api *own = api;
    api = catalogue_api(catalogue, bytes_text("gemini"), bytes_text("generate"));
    ck_assert_str_eq(write_as("{}", "{\"previous\":\"v1_a\"," ASKED "}", FLASH),
                     "state_not_served");
    api = own;
}
END_TEST

START_TEST(parameters_become_members_of_the_configuration) {
    assert_turn(
        "{" ASKED ",\"params\":{\"max_tokens\":77,\"temperature\":0.30,\"stop\":\"a\","
        "\"reasoning_effort\":\"low\",\"tool_choice\":\"required\",\"service_tier\":"
        "\"flex\",\"stream\":true,\"store\":false,\"response_format\":{\"type\":"
        "\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":{\"type\":"
        "\"object\"}}}}}",
        FLASH,
        HEAD SAYS(
            "one") "],\"stream\":true,\"store\":false,\"service_tier\":\"flex\","
                   "\"response_format\":{\"type\":\"text\",\"mime_type\":\"application/json\","
                   "\"schema\":{\"type\":\"object\"}},\"generation_config\":{\"max_output_tokens\":"
                   "77,"
                   "\"temperature\":0.30,\"stop_sequences\":[\"a\"],\"tool_choice\":\"any\","
                   "\"thinking_level\":\"low\"}}");
    assert_turn(
        "{" ASKED ",\"params\":{\"temperature\":1,\"top_p\":0.5,\"stream\":false,"
        "\"generation_config\":{\"temperature\":0},\"tool_choice\":\"none\"},"
        "\"tools\":[{\"name\":\"f\",\"parameters\":{}},{\"type\":\"google_search\"}]}",
        FLASH,
        HEAD SAYS("one") "],\"tools\":[{\"type\":\"function\",\"name\":\"f\","
                         "\"parameters\":{}},{\"type\":\"google_search\"}],\"generation_config\":{"
                         "\"temperature\":0,\"top_p\":0.5,\"tool_choice\":\"none\"}}");
    ck_assert_str_eq(write_as("{}", "{" ASKED ",\"params\":{\"logit_bias\":{}}}", FLASH),
                     "parameter_not_served");
}
END_TEST

#define THOUGHT "{\"type\":\"thought\",\"signature\":\"c2ln\"}"
#define CALL \
    "{\"type\":\"function_call\",\"id\":\"fc_1\",\"name\":\"f\",\"arguments\":{\"a\": 1.0}}"

#define SIGNED                                                                               \
    "{\"type\":\"function_call\",\"id\":\"fc_1\",\"name\":\"f\",\"arguments\":{\"a\": 1.0}," \
    "\"signature\":\"s\"}"

// A signature that was lost, or that another model gets, is a request refused by the provider.
START_TEST(steps_go_back_as_they_came_and_thoughts_only_to_their_model) {
    static const char context[] =
        BEFORE "{\"role\":\"assistant\",\"content\":[" THOUGHT ",{\"type\":\"tool_use\","
               "\"id\":\"fc_1\",\"name\":\"f\",\"arguments\":{\"a\": 1.0},\"signature\":\"s\"}],"
               "\"shape\":\"gemini.interactions\",\"model\":\"" FLASH "\"},"
               "{\"role\":\"user\",\"content\":[\"and\",{\"type\":\"tool_result\",\"name\":\"f\","
               "\"is_error\":true,\"content\":[\"no\"]}]}]}";
    assert_turn(
        context, FLASH,
        HEAD SAYS("one") "," THOUGHT "," SIGNED ",{\"type\":\"function_result\","
                         "\"call_id\":\"fc_1\",\"name\":\"f\",\"is_error\":true,\"result\":[" TEXT(
                             "no") "]}," SAYS("and") "]}");
    assert_turn(context, "gemini-2.5-pro",
                "{\"model\":\"gemini-2.5-pro\",\"input\":[" SAYS(
                    "one") "," CALL
                           ",{\"type\":\"function_result\",\"call_id\":\"fc_1\",\"name\":\"f\","
                           "\"is_error\":true,\"result\":[" TEXT("no") "]}," SAYS("and") "]}");
    assert_turn(BEFORE "{\"role\":\"assistant\",\"content\":[" TEXT(
                    "two") "],\"tool_calls\":["
                           "{\"id\":\"c\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}]},"
                           "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_call_"
                           "id\":\"c\",\"content\":\"3\"}]}]}",
                FLASH,
                HEAD SAYS("one") "," HEARS(
                    "two") ",{\"type\":\"function_call\",\"id\":\"c\","
                           "\"name\":\"f\",\"arguments\":{\"a\":1}},{\"type\":\"function_result\","
                           "\"call_id\":\"c\",\"name\":\"f\",\"result\":[" TEXT("3") "]}]}");
}
END_TEST

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
        "{\"input\":[\"a\",{\"type\":\"tool_result\",\"content\":[\"a\"]},{\"type\":\"audio\"}],"
        "\"params\":null}",
        "{\"params\":{\"max_tokens\":1,\"store\":false,\"reasoning_effort\":\"high\",\"stream\":"
        "true,\"labels\":{},\"response_format\":{\"type\":\"text\",\"mime_type\":\"text/plain\"}}}",
    };
    static const char *const bad[] = {
        "{\"input\":[{\"type\":\"input_audio\"}]}",
        "{\"input\":[{\"inlineData\":{}}]}",
        "{\"input\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://e.org/a.png\"}}]}",
        "{\"params\":{\"n\":2}}",
        "{\"params\":{\"reasoning_effort\":\"none\"}}",
        "{\"params\":{\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}}}",
        "{\"params\":{\"generationConfig\":{}}}",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(takes(good[i]), "%s: %s", good[i], buf_cstr(&words));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!takes(bad[i]), "%s", bad[i]);
}
END_TEST

#define ENDED(status) "{\"id\":\"v1_a\",\"status\":\"" status "\",\"steps\":[]}"
#define FAILED(code)                                                                         \
    "{\"id\":\"v1_a\",\"status\":\"failed\",\"errors\":[{\"code\":\"" code "\",\"message\":" \
    "\"m\"}]}"
#define ERROR(code) "{\"error\":{\"code\":\"" code "\",\"message\":\"m\"}}"

// A wrong class costs money, or work.
START_TEST(a_status_and_its_words_decide_the_class) {
    static const struct {
        unsigned status;
        const char *body, *class, *reason;
    } cases[] = {
        {200, ENDED("completed"), "success", ""},
        {200, ENDED("requires_action"), "success", ""},
        {200, ENDED("incomplete"), "success", ""},
        {200, ENDED("in_progress"), "malformed", "malformed"},
        {200, FAILED("content_blocked"), "permanent", "content_blocked"},
        {200, FAILED("internal"), "retryable", "error_in_answer"},
        {400, ERROR("invalid_request"), "permanent", "http_400"},
        {404, ERROR("not_found"), "permanent", "http_404"},
        {401, "", "lane_wide", "http_401"},
        {429, ERROR("resource_exhausted"), "rate_limited", "http_429"},
        {429,
         "[{\"error\":{\"code\":429,\"message\":\"m\",\"details\":[{\"violations\":["
         "{\"quotaId\":\"A\"},{\"quotaId\":\"RequestsPerDay\"}]}]}}]",
         "lane_wide", "quota_exhausted"},
        {503, ERROR("unavailable"), "retryable", "http_5xx"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct outcome outcome = {.http_end = HTTP_answered,
                                        .status = cases[i].status,
                                        .has_left = true,
                                        .head = bytes_text(""),
                                        .body = bytes_text(cases[i].body),
                                        .words = ""};
        struct verdict verdict;
        classify(api, adapter_for(api->shape), &outcome, &scan, &verdict);
        ck_assert_msg(strcmp(call_class_name(verdict.class), cases[i].class) == 0, "%u %s: %s",
                      cases[i].status, cases[i].body, call_class_name(verdict.class));
        ck_assert_str_eq(verdict.reason, cases[i].reason);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("interactions");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, a_turn_becomes_steps);
    tcase_add_test(all, a_turn_goes_on_from_a_kept_interaction);
    tcase_add_test(all, parameters_become_members_of_the_configuration);
    tcase_add_test(all, steps_go_back_as_they_came_and_thoughts_only_to_their_model);
    tcase_add_test(all, what_the_api_cannot_take_is_refused_at_submission);
    tcase_add_test(all, a_status_and_its_words_decide_the_class);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
