// Requests to the providers that speak OpenAI's Chat Completions in their own ways: what each takes
// is in the catalogue, and in no program.

#include "common/mem.h"
#include "tests/unit/provider/api.h"
#include "workers/provider/adapter.h"

#include <check.h>
#include <stdio.h>

static struct catalogue *catalogue;
static const struct provider_api *api;
static struct json_scan scan;
static struct buf body;

static void set_up(void) {
    catalogue = api_catalogue();
    json_scan_init(&scan);
    buf_init(&body, 1 << 20);
}

static void tear_down(void) {
    json_scan_release(&scan);
    buf_release(&body);
    catalogue_free(catalogue);
    ck_assert_int_eq(mem_held(), 0);
}

static void use(const char *provider, const char *name) {
    api = catalogue_api(catalogue, bytes_text(provider), bytes_text(name));
    ck_assert_ptr_nonnull(api);
}

static const struct adapter_job *job_of(const char *context, const char *model) {
    static struct adapter_job job;
    job = (struct adapter_job){.api = api,
                               .line = bytes_text("{}"),
                               .context = bytes_text(context),
                               .model = bytes_text(model)};
    job.is_stream = job_asks_stream(&job);
    return &job;
}

static void assert_turn(const char *provider, const char *context, const char *expected) {
    use(provider, "chat");
    buf_reset(&body);
    const char *refusal = adapter_for(api->shape)->write(job_of(context, "m"), &scan, &body);
    ck_assert_msg(!refusal, "%s: %s", provider, refusal);
    ck_assert_msg(strcmp(buf_cstr(&body), expected) == 0, "%s: %s", provider, buf_cstr(&body));
}

// What a provider calls otherwise would be refused by it, or ignored without a word: a limit that
// nobody heard is paid for.
START_TEST(parameters_go_out_under_the_providers_names) {
    static const char context[] =
        "{\"params\":{\"seed\":7,\"max_completion_tokens\":9,\"temperature\":1.0},"
        "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}";
#define TURN(params) \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]," params "}"
    assert_turn("mistral", context, TURN("\"random_seed\":7,\"max_tokens\":9,\"temperature\":1.0"));
    assert_turn("openai", context,
                TURN("\"seed\":7,\"max_completion_tokens\":9,\"temperature\":1.0"));
    assert_turn("groq", context,
                TURN("\"seed\":7,\"max_completion_tokens\":9,\"temperature\":1.0"));
    // A limit that was stated to Responses, and holds.
    static const char limit[] = "{\"params\":{\"max_output_tokens\":9},\"messages\":[{\"role\":"
                                "\"user\",\"content\":\"a\"}]}";
    assert_turn("openai", limit, TURN("\"max_completion_tokens\":9"));
    assert_turn("together", limit, TURN("\"max_tokens\":9"));
    assert_turn("openrouter",
                "{\"params\":{\"reasoning_effort\":\"low\",\"top_k\":4},"
                "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
                TURN("\"reasoning\":{\"effort\":\"low\"},\"top_k\":4"));
    // What is said under the provider's own name holds before another name for it.
    assert_turn(
        "mistral",
        "{\"params\":{\"seed\":1,\"random_seed\":2,\"max_output_tokens\":3,"
        "\"max_completion_tokens\":4},\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
        TURN("\"random_seed\":2,\"max_tokens\":3"));
}
END_TEST

// An effort that is left out is the default one: another answer, and another price.
START_TEST(what_stands_beside_an_object_goes_into_it) {
    static const struct {
        const char *params, *expected;
    } cases[] = {
        {"\"reasoning\":{\"exclude\":true},\"reasoning_effort\":\"high\"",
         "\"reasoning\":{\"exclude\":true,\"effort\":\"high\"}"},
        {"\"reasoning_effort\":\"high\",\"top_k\":4,\"reasoning\":{}",
         "\"top_k\":4,\"reasoning\":{\"effort\":\"high\"}"},
        {"\"reasoning\":{\"effort\":null,\"exclude\":true},\"reasoning_effort\":\"high\"",
         "\"reasoning\":{\"exclude\":true,\"effort\":\"high\"}"},
        {"\"reasoning\":null,\"reasoning_effort\":\"high\"", "\"reasoning\":{\"effort\":\"high\"}"},
        {"\"reasoning\":{\"effort\":\"low\"},\"reasoning_effort\":\"high\"",
         "\"reasoning\":{\"effort\":\"low\"}"},
        {"\"reasoning\":{\"exclude\":true},\"reasoning_effort\":null",
         "\"reasoning\":{\"exclude\":true}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char context[512], expected[512];
        (void)snprintf(context, sizeof(context),
                       "{\"params\":{%s},\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
                       cases[i].params);
        (void)snprintf(expected, sizeof(expected), TURN("%s"), cases[i].expected);
        assert_turn("openrouter", context, expected);
    }
}
END_TEST

// Some refuse members that others need: Mistral any name that it does not know.
START_TEST(a_message_goes_back_with_what_the_provider_takes) {
    static const char frame[] =
        "{%s\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
        "{\"role\":\"assistant\",\"content\":null%s,"
        "\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\","
        "\"arguments\":\"{}\"}}]},%s]}";
    static const struct {
        const char *provider, *stated, *members;
    } cases[] = {
        {"deepseek", ",\"reasoning_content\":\"t\"", ",\"reasoning_content\":\"t\""},
        {"mistral", ",\"reasoning_content\":\"t\"", ""},
        {"openrouter", ",\"refusal\":\"r\",\"reasoning_details\":[{\"id\":\"x\"}]",
         ",\"refusal\":\"r\",\"reasoning_details\":[{\"id\":\"x\"}]"},
        {"openai", ",\"refusal\":\"r\",\"reasoning_details\":[]", ",\"refusal\":\"r\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char context[1024], expected[1024];
        (void)snprintf(context, sizeof(context), frame, "", cases[i].stated,
                       "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
                       "\"content\":\"1\"}]}");
        (void)snprintf(expected, sizeof(expected), frame, "\"model\":\"m\",", cases[i].members,
                       "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"1\"}");
        assert_turn(cases[i].provider, context, expected);
    }
}
END_TEST

#define HEARD "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"content\":\"1\"}]}"
#define TOLD  "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"1\"}"
#define CALLED                                                                          \
    "\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\"," \
    "\"arguments\":\"{}\"}}]"

// While it thinks, which it does unless told otherwise, DeepSeek refuses a message with calls that
// has no reasoning: of another model's calls there is none.
START_TEST(calls_of_another_model_have_the_member_that_calls_need) {
    static const char chat[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":"
        "null,\"reasoning_content\":null," CALLED "}," HEARD "]}";
    static const char claude[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"shape\":"
        "\"anthropic.messages\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\","
        "\"input\":{}}]}," HEARD ",{\"role\":\"assistant\",\"content\":\"b\"},"
        "{\"role\":\"user\",\"content\":\"c\"}]}";
#define UPTO "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
#define REST ",{\"role\":\"assistant\",\"content\":\"b\"},{\"role\":\"user\",\"content\":\"c\"}]}"
    assert_turn("deepseek", chat,
                UPTO "{\"role\":\"assistant\",\"content\":null," CALLED
                     ",\"reasoning_content\":\"\"}," TOLD "]}");
    assert_turn("deepseek", claude,
                UPTO "{\"role\":\"assistant\",\"content\":null," CALLED
                     ",\"reasoning_content\":\"\"}," TOLD REST);
    assert_turn("mistral", claude,
                UPTO "{\"role\":\"assistant\",\"content\":null," CALLED "}," TOLD REST);
}
END_TEST

// A thinking part is for the model that made it; another one is told what was said.
START_TEST(parts_of_another_model_become_its_words) {
    static const char context[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
        "{\"role\":\"assistant\",\"shape\":\"openai.chat\",\"model\":\"%s\",\"content\":[{\"type\":"
        "\"thinking\","
        "\"thinking\":[{\"type\":\"text\",\"text\":\"t\"}]},{\"type\":\"text\",\"text\":\"b\"}]},"
        "{\"role\":\"user\",\"content\":\"c\"}]}";
    char own[512], foreign[512];
    (void)snprintf(own, sizeof(own), context, "m");
    (void)snprintf(foreign, sizeof(foreign), context, "magistral");
    assert_turn("mistral", own,
                "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
                "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
                "\"thinking\":[{\"type\":\"text\",\"text\":\"t\"}]},"
                "{\"type\":\"text\",\"text\":\"b\"}]},{\"role\":\"user\",\"content\":\"c\"}]}");
    assert_turn("openai", foreign,
                "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
                "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"b\"}]},"
                "{\"role\":\"user\",\"content\":\"c\"}]}");
}
END_TEST

// A parameter that a provider has not is refused when it is submitted, before it is paid for.
START_TEST(what_a_provider_has_not_is_refused) {
    static const struct {
        const char *provider, *params, *words;
    } cases[] = {
        {"mistral", "{\"logit_bias\":{}}", "this API has no parameter \"logit_bias\""},
        {"deepseek", "{\"temperature\":1,\"seed\":1}", "this API has no parameter \"seed\""},
        {"groq", "{\"random_seed\":1}", "this API has no parameter \"random_seed\""},
        {"azure", "{\"top_k\":1}", "this API has no parameter \"top_k\""},
        {"mistral", "{\"seed\":1,\"max_tokens\":3,\"random_seed\":2,\"stream\":true}", NULL},
        {"openrouter", "{\"top_k\":1,\"reasoning_effort\":\"low\"}", NULL},
        {"compatible", "{\"top_k\":1,\"anything\":{}}", NULL},
        {"openai", "{\"top_k\":1}", NULL}, // with another base URL it may be another server
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char line[256];
        (void)snprintf(line, sizeof(line), "{\"input\":\"a\",\"params\":%s}", cases[i].params);
        use(cases[i].provider, "chat");
        ck_assert_int_eq(json_scan(&scan, bytes_text(line), NULL), ERR_OK);
        buf_reset(&body);
        bool takes = adapter_for(api->shape)->takes(api, &scan, &body);
        ck_assert_msg(takes == !cases[i].words, "%s %s: %s", cases[i].provider, cases[i].params,
                      buf_cstr(&body));
        if (cases[i].words)
            ck_assert_str_eq(buf_cstr(&body), cases[i].words);
    }
}
END_TEST

// A deployment may stand in the path, with the version that it speaks, or in the body.
START_TEST(azure_has_its_deployment_in_the_path_or_in_the_body) {
    struct buf path;
    buf_init(&path, URL_BYTES_MAX);
    use("azure", "deployments");
    ck_assert(api->is_model_in_path);
    job_put_path(job_of("{}", "my gpt"), &path);
    ck_assert_str_eq(buf_cstr(&path),
                     "/openai/deployments/my%20gpt/chat/completions?api-version=2024-06-01");
    buf_reset(&path);
    use("azure", "chat");
    job_put_path(job_of("{}", "my gpt"), &path);
    ck_assert_str_eq(buf_cstr(&path), "/openai/v1/chat/completions");
    ck_assert_str_eq(api->auth_header, "api-key");
    ck_assert_str_eq(api->auth_prefix, "");
    buf_release(&path);
}
END_TEST

// Without it no counters come in a stream; those who send them unasked may refuse the wish.
START_TEST(a_stream_asks_for_its_usage_where_it_has_to) {
    static const char context[] =
        "{\"params\":{\"stream\":true},\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}";
    static const char *const asking[] = {"openrouter", "deepseek", "xai",    "azure",
                                         "groq",       "together", "ollama", "compatible"};
    for (size_t i = 0; i < sizeof(asking) / sizeof(*asking); i++)
        assert_turn(asking[i], context,
                    TURN("\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
    assert_turn("mistral", context, TURN("\"stream\":true"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("compatible");
    TCase *tests = tcase_create("compatible");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, parameters_go_out_under_the_providers_names);
    tcase_add_test(tests, what_stands_beside_an_object_goes_into_it);
    tcase_add_test(tests, a_message_goes_back_with_what_the_provider_takes);
    tcase_add_test(tests, calls_of_another_model_have_the_member_that_calls_need);
    tcase_add_test(tests, parts_of_another_model_become_its_words);
    tcase_add_test(tests, what_a_provider_has_not_is_refused);
    tcase_add_test(tests, azure_has_its_deployment_in_the_path_or_in_the_body);
    tcase_add_test(tests, a_stream_asks_for_its_usage_where_it_has_to);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
