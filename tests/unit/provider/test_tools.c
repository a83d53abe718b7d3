// The user's functions as each API has them, however the line writes them: what is lost of one is
// paid for and not what was asked.
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

static const char *write_turn(const struct provider_api *api, const char *context) {
    struct adapter_job job = {.api = api,
                              .line = bytes_text("{}"),
                              .context = bytes_text(context),
                              .model = bytes_text("m")};
    job.is_stream = job_asks_stream(&job);
    buf_reset(&body);
    return adapter_for(api->shape)->write(&job, &scan, &body);
}

static const struct provider_api *api_of(const char *provider, const char *api) {
    return catalogue_api(catalogue, bytes_text(provider), bytes_text(api));
}

static const char *write_tool(const struct provider_api *api, const char *tool,
                              const char *params) {
    char context[1024];
    (void)snprintf(context, sizeof(context),
                   "{\"tools\":[%s],\"params\":{%s},\"messages\":[{\"role\":\"user\",\"content\":"
                   "\"one\"}]}",
                   tool, params);
    return write_turn(api, context);
}

static bool takes_tool(const struct provider_api *api, const char *tool) {
    char line[1024];
    (void)snprintf(line, sizeof(line), "{\"input\":\"a\",\"tools\":[%s]}", tool);
    buf_reset(&words);
    ck_assert_int_eq(json_scan(&scan, bytes_text(line), NULL), ERR_OK);
    bool does = adapter_for(api->shape)->takes(api, &scan, &words);
    ck_assert(does == (words.size == 0));
    return does;
}

#define CHAT         "openai", "chat"
#define MESSAGES     "anthropic", "messages"
#define RESPONSES    "openai", "responses"
#define GENERATE     "gemini", "generate"
#define INTERACTIONS "gemini", "interactions"

// Without its schema a function is called with anything, or with nothing.
START_TEST(a_function_keeps_its_schema_whatever_it_is_called) {
    static const struct {
        const char *provider, *api, *expected;
    } apis[] = {
        {CHAT, "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\","
               "\"parameters\":{\"a\": 1}}}]"},
        {MESSAGES, "[{\"name\":\"f\",\"description\":\"d\",\"input_schema\":{\"a\": 1}}]"},
        {RESPONSES, "[{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\",\"parameters\":"
                    "{\"a\": 1},\"strict\":false}]"},
        {GENERATE, "[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\","
                   "\"parametersJsonSchema\":{\"a\": 1}}]}]"},
        {INTERACTIONS, "[{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
                       "\"parameters\":{\"a\": 1}}]"},
    };
    static const char *const tools[] = {
        "{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"a\": 1}}",
        "{\"name\":\"f\",\"description\":\"d\",\"input_schema\":{\"a\": 1}}",
        "{\"type\":\"custom\",\"name\":\"f\",\"description\":\"d\",\"input_schema\":{\"a\": 1}}",
        "{\"name\":\"f\",\"description\":\"d\",\"parametersJsonSchema\":{\"a\": 1}}",
        ("{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"parameters\":"
         "{\"a\": 1}}}"),
    };
    for (size_t i = 0; i < sizeof(apis) / sizeof(*apis); i++)
        for (size_t k = 0; k < sizeof(tools) / sizeof(*tools); k++) {
            const struct provider_api *api = api_of(apis[i].provider, apis[i].api);
            ck_assert(takes_tool(api, tools[k]));
            const char *refusal = write_tool(api, tools[k], "");
            ck_assert_msg(!refusal && strstr(buf_cstr(&body), apis[i].expected), "%s %s: %s",
                          apis[i].provider, tools[k], buf_cstr(&body));
        }
}
END_TEST

START_TEST(what_an_api_has_of_a_function_goes_out) {
    static const struct {
        const char *provider, *api, *tool, *expected;
    } cases[] = {
        {MESSAGES, "{\"name\":\"f\",\"strict\":true,\"cache_control\":{\"type\":\"ephemeral\"}}",
         "{\"name\":\"f\",\"strict\":true,\"cache_control\":{\"type\":\"ephemeral\"},"
         "\"input_schema\":{\"type\":\"object\"}}"},
        {MESSAGES,
         "{\"type\":\"function\",\"function\":{\"name\":\"f\"},\"cache_control\":{\"type\":"
         "\"ephemeral\"}}",
         "{\"name\":\"f\",\"cache_control\":{\"type\":\"ephemeral\"},\"input_schema\":"},
        {GENERATE, "{\"name\":\"f\",\"behavior\":\"BLOCKING\",\"response\":{\"type\":\"STRING\"}}",
         "[{\"name\":\"f\",\"behavior\":\"BLOCKING\",\"response\":{\"type\":\"STRING\"}}]"},
        {GENERATE, "{\"name\":\"f\",\"strict\":false}", "[{\"name\":\"f\"}]"},
        {RESPONSES, "{\"type\":\"function\",\"strict\":true,\"function\":{\"name\":\"f\"}}",
         "{\"type\":\"function\",\"name\":\"f\",\"strict\":true,\"parameters\":{\"type\":"
         "\"object\",\"properties\":{}}}"},
        {RESPONSES,
         "{\"type\":\"function\",\"strict\":true,\"function\":{\"name\":\"f\",\"strict\":false}}",
         "{\"type\":\"function\",\"name\":\"f\",\"strict\":false,\"parameters\":{\"type\":"
         "\"object\",\"properties\":{}}}"},
        {CHAT, "{\"name\":\"f\",\"strict\":true}", "{\"name\":\"f\",\"strict\":true}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct provider_api *api = api_of(cases[i].provider, cases[i].api);
        ck_assert(takes_tool(api, cases[i].tool));
        const char *refusal = write_tool(api, cases[i].tool, "");
        ck_assert_msg(!refusal && strstr(buf_cstr(&body), cases[i].expected), "%s: %s",
                      cases[i].tool, buf_cstr(&body));
    }
}
END_TEST

// At its submission, and where it holds from a turn for another API.
START_TEST(what_an_api_has_not_of_a_function_is_refused) {
    static const struct {
        const char *provider, *api, *tool;
    } cases[] = {
        {GENERATE, "{\"name\":\"f\",\"strict\":true}"},
        {GENERATE, "{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true}}"},
        {GENERATE, "{\"name\":\"f\",\"cache_control\":{}}"},
        {INTERACTIONS, "{\"name\":\"f\",\"strict\":true}"},
        {RESPONSES, "{\"name\":\"f\",\"cache_control\":{}}"},
        {RESPONSES, "{\"type\":\"function\",\"function\":{\"name\":\"f\"},\"cache_control\":{}}"},
        {MESSAGES, "{\"name\":\"f\",\"behavior\":\"BLOCKING\"}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct provider_api *api = api_of(cases[i].provider, cases[i].api);
        ck_assert_msg(!takes_tool(api, cases[i].tool), "%s", cases[i].tool);
        const char *refusal = write_tool(api, cases[i].tool, "");
        ck_assert_msg(refusal && strcmp(refusal, "tool_not_served") == 0, "%s", cases[i].tool);
    }
}
END_TEST

START_TEST(a_choice_means_the_same_everywhere) {
    static const struct {
        const char *provider, *api, *choice, *expected;
    } cases[] = {
        {MESSAGES, "\"required\"", "\"tool_choice\":{\"type\":\"any\"}"},
        {MESSAGES, "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}",
         "\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}"},
        {RESPONSES, "{\"type\":\"any\"}", "\"tool_choice\":\"required\""},
        {RESPONSES, "{\"type\":\"tool\",\"name\":\"f\"}",
         "\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"}"},
        {RESPONSES, "{\"type\":\"allowed_tools\",\"mode\":\"auto\",\"tools\":[]}",
         "\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":\"auto\",\"tools\":[]}"},
        {GENERATE, "{\"type\":\"none\"}", "{\"mode\":\"NONE\"}"},
        {GENERATE, "{\"type\":\"tool\",\"name\":\"f\"}",
         "{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"f\"]}"},
        {INTERACTIONS, "{\"type\":\"any\"}", "\"tool_choice\":\"any\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char params[256];
        (void)snprintf(params, sizeof(params), "\"tool_choice\":%s", cases[i].choice);
        const char *refusal =
            write_tool(api_of(cases[i].provider, cases[i].api), "{\"name\":\"f\"}", params);
        ck_assert_msg(!refusal && strstr(buf_cstr(&body), cases[i].expected), "%s: %s",
                      cases[i].choice, buf_cstr(&body));
    }
}
END_TEST

// A cache that is not written is paid for with every turn.
START_TEST(a_part_says_where_the_cache_ends) {
    static const char context[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{"
        "\"url\":\"data:image/png;base64,AA\"},\"cache_control\":{\"a\":1},"
        "\"prompt_cache_breakpoint\":{\"b\":2}},{\"type\":\"text\",\"text\":\"x\","
        "\"prompt_cache_breakpoint\":{\"b\":2}}]}]}";
    ck_assert_ptr_null(write_turn(api_of(MESSAGES), context));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&body), "\"data\":\"AA\"},\"cache_control\":{\"a\":1}}"));
    ck_assert_ptr_null(write_turn(api_of(RESPONSES), context));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&body), "base64,AA\",\"prompt_cache_breakpoint\":{"
                                                  "\"b\":2}}"));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&body), "\"text\":\"x\",\"prompt_cache_breakpoint\":{"
                                                  "\"b\":2}}"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("tools");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_function_keeps_its_schema_whatever_it_is_called);
    tcase_add_test(tests, what_an_api_has_of_a_function_goes_out);
    tcase_add_test(tests, what_an_api_has_not_of_a_function_is_refused);
    tcase_add_test(tests, a_choice_means_the_same_everywhere);
    tcase_add_test(tests, a_part_says_where_the_cache_ends);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
