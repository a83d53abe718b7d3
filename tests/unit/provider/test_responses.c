// OpenAI's Responses: what a turn becomes, what goes back of what was said, what is refused.
#include "tests/unit/provider/api.h"

#include "common/mem.h"
#include "workers/provider/adapter.h"

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

static const struct provider_api *api_of(const char *provider, const char *api) {
    return catalogue_api(catalogue, bytes_text(provider), bytes_text(api));
}

static const char *write_as(const struct provider_api *api, const char *line, const char *context,
                            const char *model) {
    struct adapter_job job = {.api = api,
                              .line = bytes_text(line),
                              .context = bytes_text(context),
                              .model = bytes_text(model)};
    job.is_stream = job_asks_stream(&job);
    buf_reset(&body);
    return adapter_for(api->shape)->write(&job, &scan, &body);
}

// Each member of a request is a field of the catalogue's, and those that it needs are there.
static void assert_fields(const struct provider_api *api) {
    struct bytes value;
    ck_assert_int_eq(json_scan(&scan, buf_bytes(&body), NULL), ERR_OK);
    for (uint32_t i = 1; i < scan.count; i = scan.nodes[i].end) {
        bool is_field = false;
        for (const char *const *name = api->request_fields; *name && !is_field; name++)
            is_field = json_is_named(&scan, i, bytes_text(*name));
        ck_assert_msg(is_field, "%s has no field like that of %s", api->provider, buf_cstr(&body));
    }
    for (const char *const *name = api->required_fields; *name; name++)
        ck_assert_msg(json_member(buf_bytes(&body), *name, &value), "%s is missing", *name);
}

static void assert_turn(const char *context, const char *model, const char *expected) {
    const struct provider_api *const apis[] = {api_of("openai", "responses"),
                                               api_of("xai", "responses")};
    for (size_t i = 0; i < 2; i++) {
        const char *refusal = write_as(apis[i], "{}", context, model);
        ck_assert_msg(!refusal, "%s", refusal);
        ck_assert(json_is_complete(buf_bytes(&body)));
        if (i == 0)
            ck_assert_str_eq(buf_cstr(&body), expected);
        if (!strstr(expected, "\"conversation\"") && !strstr(expected, "stream_options") &&
            !strstr(expected, "\"max_tool_calls\""))
            assert_fields(apis[i]);
    }
}

#define MODEL     "gpt-5-mini"
#define HEAD      "{\"model\":\"" MODEL "\""
#define ONE       "{\"role\":\"user\",\"content\":\"one\"}"
#define KEEP_NONE ",\"store\":false"
#define INCLUDED  KEEP_NONE ",\"include\":[\"reasoning.encrypted_content\"]"

// ---- requests -----------------------------------------------------------------------------------

// People compare what they wrote with what was billed.
START_TEST(a_native_body_goes_out_byte_for_byte) {
    static const char line[] =
        "{\"custom_id\":\"a\",\"url\":\"/v1/responses\",\"body\":{ \"model\":\"gpt-5-mini\" ,"
        "\"input\":\"a\",\"previous_response_id\":\"resp_1\",\"x\":0.10}}";
    ck_assert_ptr_null(write_as(api_of("openai", "responses"), line, "", MODEL));
    ck_assert_str_eq(buf_cstr(&body), "{ \"model\":\"gpt-5-mini\" ,\"input\":\"a\","
                                      "\"previous_response_id\":\"resp_1\",\"x\":0.10}");
    ck_assert_ptr_null(
        write_as(api_of("openai", "responses"),
                 "{\"body\":{\"model\":\"openai/m\",\"input\":\"a\",\"stream\":true}}", "", "m"));
    ck_assert_str_eq(buf_cstr(&body), "{\"model\":\"m\",\"input\":\"a\",\"stream\":true,"
                                      "\"stream_options\":{\"include_obfuscation\":false}}");
}
END_TEST

START_TEST(a_turn_becomes_a_list_of_items) {
    assert_turn("{\"system\":\"be \\u00e9\",\"messages\":[" ONE "]}", MODEL,
                HEAD ",\"instructions\":\"be \\u00e9\",\"input\":[" ONE "]" KEEP_NONE "}");
    assert_turn(
        "{\"system\":\"be kind\",\"messages\":[" ONE ","
        "{\"role\":\"assistant\",\"content\":\"two\",\"refusal\":null},"
        "{\"role\":\"user\",\"content\":[\"three\",{\"type\":\"text\",\"text\":\"four\"},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA\","
        "\"detail\":\"low\"}},{\"type\":\"image_url\",\"image_url\":\"https://example.org/a\"},"
        "{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}},"
        "{\"type\":\"input_file\",\"file_url\":\"https://example.org/b\"}]}]}",
        MODEL,
        HEAD ",\"instructions\":\"be kind\",\"input\":[" ONE ","
             "{\"role\":\"assistant\",\"content\":\"two\"},{\"role\":\"user\",\"content\":["
             "{\"type\":\"input_text\",\"text\":\"three\"},"
             "{\"type\":\"input_text\",\"text\":\"four\"},"
             "{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,AA\",\"detail\":"
             "\"low\"},{\"type\":\"input_image\",\"image_url\":\"https://example.org/a\"},"
             "{\"type\":\"input_file\",\"file_id\":\"file-1\"},"
             "{\"type\":\"input_file\",\"file_url\":\"https://example.org/b\"}]}]" KEEP_NONE "}");
}
END_TEST

START_TEST(parameters_have_the_apis_names_and_places) {
    assert_turn(
        "{\"params\":{\"max_completion_tokens\":77,\"temperature\":0.30,\"n\":1,\"top_p\":null,"
        "\"background\":false,\"reasoning_effort\":\"low\",\"stream\":false,"
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"s\",\"schema\":"
        "{\"a\": 1},\"strict\":true}},\"text\":{\"verbosity\":\"low\",\"format\":{\"type\":"
        "\"text\"}},\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}},"
        "\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}},"
        "{\"type\":\"function\",\"function\":{\"name\":\"g\",\"strict\":true}},"
        "{\"type\":\"function\",\"name\":\"h\",\"parameters\":{}},{\"type\":\"web_search\"}],"
        "\"messages\":[" ONE "]}",
        MODEL,
        HEAD
        ",\"input\":[" ONE "]" INCLUDED
        ",\"temperature\":0.30,\"background\":false,\"max_output_tokens\":77,"
        "\"text\":{\"verbosity\":\"low\",\"format\":{\"type\":\"json_schema\",\"name\":\"s\","
        "\"schema\":{\"a\": 1},\"strict\":true}},\"reasoning\":{\"effort\":\"low\"},"
        "\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"},"
        "\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
        "\"parameters\":{\"type\":\"object\"},\"strict\":false},"
        "{\"type\":\"function\",\"name\":\"g\",\"strict\":true,\"parameters\":{\"type\":"
        "\"object\",\"properties\":{}}},"
        "{\"type\":\"function\",\"name\":\"h\",\"parameters\":{}},{\"type\":\"web_search\"}]}");
    assert_turn("{\"params\":{\"max_tokens\":5,\"verbosity\":\"high\",\"reasoning\":{\"effort\":"
                "\"high\",\"summary\":\"auto\"},\"reasoning_effort\":\"low\",\"tool_choice\":"
                "\"any\",\"response_format\":{\"type\":\"json_object\"},\"store\":true},"
                "\"messages\":[" ONE "]}",
                MODEL,
                HEAD ",\"input\":[" ONE "],\"store\":true,\"max_output_tokens\":5,"
                     "\"text\":{\"format\":{\"type\":\"json_object\"},\"verbosity\":\"high\"},"
                     "\"reasoning\":{\"effort\":\"high\",\"summary\":\"auto\"},"
                     "\"tool_choice\":\"required\"}");
    assert_turn("{\"params\":{\"stream\":true,\"include\":[],\"reasoning\":{}},\"messages\":[" ONE
                "]}",
                MODEL,
                HEAD ",\"input\":[" ONE "]" KEEP_NONE ",\"stream\":true,\"include\":[],"
                     "\"stream_options\":{\"include_obfuscation\":false},\"reasoning\":{}}");
}
END_TEST

// ---- what goes back -----------------------------------------------------------------------------

#define REASONED \
    "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"encrypted_content\":\"gA==\",\"summary\":[]}"
#define USE \
    "{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\": 1}\""
#define SEARCHED "{\"type\":\"web_search_call\",\"id\":\"ws_1\",\"status\":\"completed\"}"
#define CALLED                                                                         \
    "{\"type\":\"function_call\",\"call_id\":\"call_1\",\"name\":\"f\",\"arguments\":" \
    "\"{\\\"a\\\": 1}\""
#define SAID(model, parts)                                                                      \
    "{\"role\":\"assistant\",\"content\":[" parts "],\"shape\":\"openai.responses\",\"model\":" \
    "\"" model "\"}"
#define RESULT                                                                                     \
    "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"name\":\"f\",\"content\":\"9\"}]" \
    "}"
#define GIVEN "{\"type\":\"function_call_output\",\"call_id\":\"call_1\",\"output\":\"9\"}"

// What was thought goes before what it led to, and to nobody but the model that thought it.
START_TEST(what_a_model_put_out_goes_back_in_its_order_and_only_to_itself) {
    static const char parts[] =
        "{\"messages\":[" ONE
        "," SAID("gpt-5-mini-2025-08-07", REASONED
                 ",{\"type\":\"text\",\"text\":\"wait\",\"phase\":\"commentary\"}," SEARCHED "," USE
                 ",\"caller\":{\"type\":\"direct\"}}") "," RESULT "]}";
    assert_turn(parts, MODEL,
                HEAD ",\"input\":[" ONE "," REASONED ",{\"role\":\"assistant\",\"content\":"
                     "\"wait\",\"phase\":\"commentary\"}," SEARCHED "," CALLED
                     ",\"caller\":{\"type\":\"direct\"}}," GIVEN "]" INCLUDED "}");
    assert_turn(parts, "gpt-5",
                "{\"model\":\"gpt-5\",\"input\":[" ONE ",{\"role\":\"assistant\",\"content\":"
                "\"wait\",\"phase\":\"commentary\"}," CALLED
                ",\"caller\":{\"type\":\"direct\"}}," GIVEN "]" INCLUDED "}");
    // Without its content the provider knows nothing of it, since nothing was kept.
    assert_turn("{\"messages\":[" ONE
                "," SAID(MODEL, "{\"type\":\"reasoning\",\"id\":\"rs_1\"},"
                                "{\"type\":\"refusal\",\"refusal\":\"no\"}") "," ONE "]}",
                MODEL,
                HEAD ",\"input\":[" ONE ",{\"role\":\"assistant\",\"content\":\"no\"}," ONE
                     "]" INCLUDED "}");
}
END_TEST

START_TEST(results_are_items_and_find_their_calls) {
    static const char call[] =
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":"
        "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
        "{\"id\":\"call_2\",\"name\":\"g\",\"arguments\":{\"b\":2}}]}";
    char context[2048];
    (void)snprintf(context, sizeof(context),
                   "{\"messages\":[" ONE ",%s,{\"role\":\"user\",\"content\":[\"so\","
                   "{\"type\":\"tool_result\",\"call\":1,\"content\":[{\"type\":\"text\",\"text\":"
                   "\"x\"}]},{\"type\":\"tool_result\",\"tool_call_id\":\"call_1\"}]}]}",
                   call);
    static const char calls[] =
        "{\"type\":\"function_call\",\"call_id\":\"call_1\",\"name\":\"f\",\"arguments\":\"{}\"},"
        "{\"type\":\"function_call\",\"call_id\":\"call_2\",\"name\":\"g\",\"arguments\":"
        "\"{\\\"b\\\":2}\"}";
    char expected[2048];
    (void)snprintf(expected, sizeof(expected),
                   HEAD ",\"input\":[" ONE ",%s,{\"type\":\"function_call_output\",\"call_id\":"
                        "\"call_2\",\"output\":[{\"type\":\"input_text\",\"text\":\"x\"}]},"
                        "{\"type\":\"function_call_output\",\"call_id\":\"call_1\",\"output\":"
                        "\"\"},{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":"
                        "\"so\"}]}]" KEEP_NONE "}",
                   calls);
    assert_turn(context, MODEL, expected);
    (void)snprintf(context, sizeof(context),
                   "{\"messages\":[" ONE
                   ",%s,{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_call_id\":"
                   "\"call_1\",\"content\":\"1\"}]},{\"role\":\"user\",\"content\":[{\"type\":"
                   "\"tool_result\",\"tool_call_id\":\"call_2\",\"content\":{\"c\":3}}]}]}",
                   call);
    (void)snprintf(expected, sizeof(expected),
                   HEAD ",\"input\":[" ONE ",%s,{\"type\":\"function_call_output\",\"call_id\":"
                        "\"call_1\",\"output\":\"1\"},{\"type\":\"function_call_output\","
                        "\"call_id\":\"call_2\",\"output\":\"{\\\"c\\\":3}\"}]" KEEP_NONE "}",
                   calls);
    assert_turn(context, MODEL, expected);
    // Results of the API's own tools are items of their own.
    assert_turn("{\"messages\":[" ONE "," SAID(
                    MODEL, "{\"type\":\"custom_tool_call\",\"call_id\":\"call_9\",\"name\":\"s\","
                           "\"input\":\"ls\"}") ",{\"role\":\"user\",\"content\":[{\"type\":"
                                                "\"custom_tool_call_output\",\"call_id\":\"call_"
                                                "9\",\"output\":\"a\"}]}]}",
                MODEL,
                HEAD ",\"input\":[" ONE ",{\"type\":\"custom_tool_call\",\"call_id\":\"call_9\","
                     "\"name\":\"s\",\"input\":\"ls\"},{\"type\":\"custom_tool_call_output\","
                     "\"call_id\":\"call_9\",\"output\":\"a\"}]" KEEP_NONE "}");
}
END_TEST

// A conversation that changes its provider takes its texts and calls along, nothing else.
START_TEST(a_conversation_changes_its_provider_with_its_calls) {
    static const char claude[] =
        "{\"messages\":[" ONE ",{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
        "\"thinking\":\"t\",\"signature\":\"s\"},{\"type\":\"text\",\"text\":\"two\"},"
        "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{\"a\":1},\"caller\":"
        "{\"type\":\"direct\"}}],\"shape\":\"anthropic.messages\",\"model\":\"claude-opus-5\"}"
        "," RESULT "]}";
    assert_turn(claude, MODEL,
                HEAD ",\"input\":[" ONE ",{\"role\":\"assistant\",\"content\":\"two\"},"
                     "{\"type\":\"function_call\",\"call_id\":\"toolu_1\",\"name\":\"f\","
                     "\"arguments\":\"{\\\"a\\\":1}\"},{\"type\":\"function_call_output\","
                     "\"call_id\":\"toolu_1\",\"output\":\"9\"}]" KEEP_NONE "}");
    static const char ours[] = "{\"messages\":[" ONE "," SAID(
        MODEL, REASONED ",{\"type\":\"text\",\"text\":\"two\",\"phase\":\"commentary\"}," USE
                        "}") "," RESULT "]}";
    ck_assert_ptr_null(write_as(api_of("anthropic", "messages"), "{}", ours, MODEL));
    ck_assert_ptr_nonnull(
        strstr(buf_cstr(&body),
               "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"two\"},"
               "{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"f\",\"input\":"
               "{\"a\": 1}}]}"));
    ck_assert_ptr_null(write_as(api_of("openai", "chat"), "{}", ours, MODEL));
    ck_assert_ptr_nonnull(
        strstr(buf_cstr(&body),
               "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"two\"}]"
               ",\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":"
               "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\": 1}\"}}]}"));
    ck_assert_ptr_null(strstr(buf_cstr(&body), "reasoning"));
}
END_TEST

// Where the provider keeps the conversation only what is new goes out, and it has to be kept.
START_TEST(a_turn_goes_on_from_what_the_provider_keeps) {
    assert_turn("{\"previous\":\"resp_1\",\"system\":\"s\",\"messages\":[" ONE "]}", MODEL,
                HEAD ",\"instructions\":\"s\",\"input\":[" ONE
                     "],\"previous_response_id\":\"resp_1\"}");
    assert_turn(
        "{\"previous\":\"conv_1\",\"params\":{\"reasoning_effort\":\"low\"},\"messages\":[" ONE
        "]}",
        MODEL,
        HEAD ",\"input\":[" ONE "],\"conversation\":\"conv_1\",\"reasoning\":{\"effort\":"
             "\"low\"}}");
    ck_assert_str_eq(write_as(api_of("openai", "responses"), "{}",
                              "{\"previous\":{\"a\":1},\"messages\":[" ONE "]}", MODEL),
                     "context_malformed");
    ck_assert_str_eq(write_as(api_of("openai", "chat"), "{}",
                              "{\"previous\":\"resp_1\",\"messages\":[" ONE "]}", MODEL),
                     "state_not_served");
}
END_TEST

START_TEST(a_context_that_asks_nothing_is_refused) {
    static const char *const cases[][2] = {
        {"{\"messages\":[]}", "nothing_is_asked"},
        {"{\"messages\":[" ONE ",{\"role\":\"assistant\",\"content\":\"a\"}]}", "nothing_is_asked"},
        {"{\"messages\":[3]}", "context_malformed"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"name\":\"f\"}"
         "]}]}",
         "tool_result_without_call"},
        {"{\"messages\":[" SAID(MODEL, USE "}") "," ONE "]}", "tool_result_missing"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_str_eq(write_as(api_of("openai", "responses"), "{}", cases[i][0], MODEL),
                         cases[i][1]);
}
END_TEST

// ---- submission ---------------------------------------------------------------------------------

// What is dropped instead of refused is paid for and not what was asked.
START_TEST(what_the_api_cannot_take_is_refused_at_submission) {
    static const char *const good[] = {
        "{\"input\":\"a\",\"system\":\"b\"}",
        "{\"input\":[\"a\",{\"type\":\"input_image\",\"file_id\":\"f\"},{\"type\":\"tool_result\"},"
        "{\"type\":\"mcp_approval_response\"}]}",
        "{\"params\":{\"max_tokens\":1,\"reasoning_effort\":\"low\",\"verbosity\":\"low\",\"n\":1,"
        "\"response_format\":{},\"text\":{},\"reasoning\":null,\"include\":[],\"store\":true,"
        "\"temperature\":1.5}}",
    };
    static const char *const bad[] = {
        "{\"input\":[{\"type\":\"input_audio\"}]}",
        "{\"input\":[{\"type\":\"document\"}]}",
        "{\"input\":[{\"type\":\"image_url\",\"image_url\":{}}]}",
        "{\"input\":[{\"type\":\"tool_result\",\"is_error\":true}]}",
        "{\"params\":{\"stop\":\"a\"}}",
        "{\"params\":{\"seed\":1}}",
        "{\"params\":{\"logit_bias\":{}}}",
        "{\"params\":{\"n\":2}}",
        "{\"params\":{\"text\":\"a\"}}",
        "{\"params\":{\"response_format\":\"json\"}}",
        "{\"params\":{\"previous_response_id\":\"resp_1\"}}",
        "{\"params\":{\"conversation\":\"conv_1\"}}",
        "{\"params\":{\"instructions\":\"a\"}}",
        "{\"params\":{\"background\":true}}",
    };
    const struct provider_api *api = api_of("openai", "responses");
    const struct adapter *adapter = adapter_for(api->shape);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_int_eq(json_scan(&scan, bytes_text(good[i]), NULL), ERR_OK);
        buf_reset(&words);
        ck_assert_msg(adapter->takes(api, &scan, &words), "%s: %s", good[i], buf_cstr(&words));
        ck_assert_uint_eq(words.size, 0);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(json_scan(&scan, bytes_text(bad[i]), NULL), ERR_OK);
        buf_reset(&words);
        ck_assert_msg(!adapter->takes(api, &scan, &words) && words.size > 0, "%s", bad[i]);
    }
    // What one of them has the other may not: the catalogue says so.
    ck_assert_int_eq(json_scan(&scan, bytes_text("{\"params\":{\"max_turns\":3}}"), NULL), ERR_OK);
    ck_assert(!adapter->takes(api, &scan, &words));
    buf_reset(&words);
    ck_assert(adapter->takes(api_of("xai", "responses"), &scan, &words));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("responses");
    TCase *tests = tcase_create("responses");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_native_body_goes_out_byte_for_byte);
    tcase_add_test(tests, a_turn_becomes_a_list_of_items);
    tcase_add_test(tests, parameters_have_the_apis_names_and_places);
    tcase_add_test(tests, what_a_model_put_out_goes_back_in_its_order_and_only_to_itself);
    tcase_add_test(tests, results_are_items_and_find_their_calls);
    tcase_add_test(tests, a_conversation_changes_its_provider_with_its_calls);
    tcase_add_test(tests, a_turn_goes_on_from_what_the_provider_keeps);
    tcase_add_test(tests, a_context_that_asks_nothing_is_refused);
    tcase_add_test(tests, what_the_api_cannot_take_is_refused_at_submission);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
