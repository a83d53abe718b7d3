// What is refused when it is submitted, for all APIs of the catalogue: what would change the
// conversation behind its back, what is answered later, and nothing with the user's own words.
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

static bool takes(const struct provider_api *api, const char *line) {
    return api_takes(api, line, &scan, &words);
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

static size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

// ---- the conversation is the line's -------------------------------------------------------------

// No member of the body stands there twice: the provider would take the last.
static void assert_members_once(const struct provider_api *api) {
    ck_assert_int_eq(json_scan(&scan, buf_bytes(&body), NULL), ERR_OK);
    for (uint32_t i = 1; i < scan.count; i = scan.nodes[i].end)
        for (uint32_t k = scan.nodes[i].end; k < scan.count; k = scan.nodes[k].end)
            ck_assert_msg(scan.nodes[i].name_size != scan.nodes[k].name_size ||
                              memcmp(scan.text.at + scan.nodes[i].name_at,
                                     scan.text.at + scan.nodes[k].name_at,
                                     scan.nodes[i].name_size) != 0,
                          "%s %s: %s", api->provider, api->api, buf_cstr(&body));
}

static void assert_not_overridden(const struct provider_api *api, const char *name) {
    char line[512], context[512];
    (void)snprintf(line, sizeof(line), "{\"input\":\"asked\",\"params\":{\"%s\":\"zzz\"}}", name);
    (void)snprintf(context, sizeof(context),
                   "{\"system\":\"kind\",\"params\":{\"%s\":\"zzz\"},\"messages\":[{\"role\":"
                   "\"user\",\"content\":\"asked\"}]}",
                   name);
    bool is_taken = takes(api, line);
    const char *refusal = write_turn(api, context);
    ck_assert_msg(is_taken == !refusal, "%s %s: %s", api->provider, api->api, name);
    if (refusal)
        return;
    assert_members_once(api);
    ck_assert_uint_eq(count_of(buf_cstr(&body), "asked"), 1);
    ck_assert_uint_eq(count_of(buf_cstr(&body), "kind"), 1);
}

// Params with another conversation in them were taken, and the last of two members held: an answer
// to something that nobody had asked, paid for.
START_TEST(params_cannot_say_what_the_conversation_says) {
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        for (const char *const *field = api->request_fields; *field; field++)
            if (!strpbrk(*field, ".*") && strcmp(*field, "stream") != 0)
                assert_not_overridden(api, *field);
        // Each API has members of these that a turn fills.
        for (const char *const *field = api->required_fields; *field; field++)
            if (strcmp(*field, "max_tokens") != 0) {
                char line[128];
                (void)snprintf(line, sizeof(line), "{\"params\":{\"%s\":[]}}", *field);
                ck_assert_msg(!takes(api, line), "%s %s: %s", api->provider, api->api, *field);
            }
    }
}
END_TEST

// ---- what is answered later ---------------------------------------------------------------------

static void assert_refused(const char *provider, const char *name, const char *field) {
    const struct provider_api *api =
        catalogue_api(catalogue, bytes_text(provider), bytes_text(name));
    static const struct {
        const char *value;
        bool is_refused;
    } cases[] = {{"true", true}, {"\"a\"", true}, {"false", false}, {"null", false}};
    ck_assert_ptr_nonnull(api);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char line[256];
        (void)snprintf(line, sizeof(line), "{\"params\":{\"%s\":%s}}", field, cases[i].value);
        ck_assert_msg(takes(api, line) != cases[i].is_refused, "%s %s: %s", provider, name, line);
        buf_reset(&words);
        bool does = api_takes_fields(api, &scan, json_find(&scan, 0, "params"), &words);
        ck_assert(does != cases[i].is_refused && does == (words.size == 0));
        (void)snprintf(line, sizeof(line),
                       "{\"params\":{\"%s\":%s},\"messages\":[{\"role\":\"user\",\"content\":"
                       "\"a\"}]}",
                       field, cases[i].value);
        const char *refusal = write_turn(api, line);
        ck_assert_msg(!refusal != cases[i].is_refused, "%s %s: %s", provider, name, line);
    }
}

// The answer of such a request never comes here, and its price neither.
START_TEST(an_answer_that_comes_later_is_not_asked_for) {
    assert_refused("xai", "chat", "deferred");
    assert_refused("xai", "responses", "background");
    assert_refused("openai", "responses", "background");
    assert_refused("gemini", "interactions", "background");
    assert_refused("gemini", "interactions", "agent");
}
END_TEST

// ---- words --------------------------------------------------------------------------------------

// Refusals are logged, and shown to whoever reads the batch.
START_TEST(a_refusal_says_nothing_of_what_the_line_says) {
    static const char *const contents[] = {
        "[\"my secret\"]",
        "[{\"text\":\"my secret\"}]",
        "[{\"type\":null,\"text\":\"my secret\"}]",
        "[{\"type\":{\"a\":\"my secret\"}}]",
        "[[\"my secret\"]]",
        "[{\"type\":\"video\",\"text\":\"my secret\"}]",
        "[{\"type\":\"image_url\",\"image_url\":\"my secret\"}]",
        "[{\"type\":\"tool_result\",\"content\":[{\"text\":\"my secret\"}]}]",
        "[{\"type\":\"tool_result\",\"is_error\":true,\"content\":\"my secret\"}]",
    };
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++)
        for (size_t k = 0; k < sizeof(contents) / sizeof(*contents); k++) {
            const struct provider_api *api = catalogue_api_at(catalogue, i);
            char line[256];
            (void)snprintf(line, sizeof(line),
                           "{\"messages\":[{\"role\":\"user\",\"content\":%s}]}", contents[k]);
            (void)takes(api, line);
            ck_assert_msg(!strstr(buf_cstr(&words), "secret"), "%s %s: %s", api->provider, api->api,
                          buf_cstr(&words));
        }
}
END_TEST

START_TEST(a_bare_string_is_a_part_and_another_part_has_a_type) {
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        ck_assert_msg(takes(api, "{\"messages\":[{\"role\":\"user\",\"content\":[\"a\"]}]}"),
                      "%s %s: %s", api->provider, api->api, buf_cstr(&words));
    }
    const struct provider_api *api = catalogue_default_api(catalogue, bytes_text("anthropic"));
    ck_assert(!takes(api, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"a\":1}]}]}"));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&words), "no part without a type"));
    ck_assert(!takes(api, "{\"input\":[{\"type\":\"video\"}]}"));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&words), "no part of type \"video\""));
}
END_TEST

// ---- settings that hold from a turn for another API ---------------------------------------------

// They were taken by the API that they were for; dropped without a word, the answer is not what was
// asked for.
START_TEST(settings_that_an_api_cannot_have_are_not_dropped) {
    static const struct {
        const char *provider, *api, *params;
    } cases[] = {
        {"gemini", "generate", "{\"parallel_tool_calls\":false}"},
        {"gemini", "generate", "{\"response_format\":\"text\"}"},
        {"gemini", "generate", "{\"logit_bias\":{}}"},
        {"gemini", "interactions", "{\"parallel_tool_calls\":false}"},
        {"gemini", "interactions",
         "{\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}}"},
        {"anthropic", "messages", "{\"n\":2}"},
        {"anthropic", "messages", "{\"temperature\":1.5}"},
        {"anthropic", "messages", "{\"logit_bias\":{}}"},
        {"openai", "responses", "{\"n\":2}"},
        {"openai", "responses", "{\"stop\":\"a\"}"},
        {"mistral", "chat", "{\"logit_bias\":{}}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct provider_api *api =
            catalogue_api(catalogue, bytes_text(cases[i].provider), bytes_text(cases[i].api));
        char context[256];
        (void)snprintf(context, sizeof(context),
                       "{\"params\":%s,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
                       cases[i].params);
        const char *refusal = write_turn(api, context);
        ck_assert_msg(refusal && strcmp(refusal, "parameter_not_served") == 0, "%s: %s",
                      cases[i].provider, cases[i].params);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("submission");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, params_cannot_say_what_the_conversation_says);
    tcase_add_test(tests, an_answer_that_comes_later_is_not_asked_for);
    tcase_add_test(tests, a_refusal_says_nothing_of_what_the_line_says);
    tcase_add_test(tests, a_bare_string_is_a_part_and_another_part_has_a_type);
    tcase_add_test(tests, settings_that_an_api_cannot_have_are_not_dropped);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
