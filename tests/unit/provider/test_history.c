// What was said to and by another API's models, told to each API of the catalogue: nothing that
// somebody said may be lost on the way.
#include "tests/unit/provider/api.h"

#include "common/mem.h"
#include "workers/provider/adapter.h"

static struct catalogue *catalogue;
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

static size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

#define BEFORE "{\"messages\":[{\"role\":\"user\",\"content\":\"one\"},"
#define AFTER  ",{\"role\":\"user\",\"content\":\"three\"}]}"

// ---- refusals -----------------------------------------------------------------------------------

// A model that declined said so. Without it two turns of the user follow one another, and the next
// model answers both, or the provider refuses a message that says nothing.
START_TEST(what_a_model_declined_is_told_to_every_api) {
    static const char *const contexts[] = {
        BEFORE
        "{\"role\":\"assistant\",\"shape\":\"openai.responses\",\"model\":\"x\",\"content\":["
        "{\"type\":\"refusal\",\"refusal\":\"I decline.\"}]}" AFTER,
        BEFORE "{\"role\":\"assistant\",\"content\":null,\"refusal\":\"I decline.\"}" AFTER,
        BEFORE "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"\"},"
               "\"I decline.\"],\"shape\":\"a.b\"}" AFTER,
    };
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++)
        for (size_t k = 0; k < sizeof(contexts) / sizeof(*contexts); k++) {
            const struct provider_api *api = catalogue_api_at(catalogue, i);
            const char *refusal = write_turn(api, contexts[k]);
            ck_assert_msg(!refusal, "%s %s: %s", api->provider, api->api, refusal);
            ck_assert(json_is_complete(buf_bytes(&body)));
            ck_assert_msg(count_of(buf_cstr(&body), "I decline.") == 1, "%s %s: %s", api->provider,
                          api->api, buf_cstr(&body));
        }
    // As a text, where the API has no other place for it.
    ck_assert_ptr_null(write_turn(api_of("mistral", "chat"), contexts[1]));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&body), "{\"role\":\"assistant\",\"content\":[{\"type\":"
                                                  "\"text\",\"text\":\"I decline.\"}]}"));
}
END_TEST

// Speech is known by an id to nobody but the API that has it.
START_TEST(speech_is_not_lost_without_a_word) {
    static const char context[] =
        BEFORE "{\"role\":\"assistant\",\"content\":null,\"audio\":{\"id\":\"audio_1\"}}" AFTER;
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        const char *refusal = write_turn(api, context);
        if (refusal)
            ck_assert_str_eq(refusal, "part_not_served");
        else
            ck_assert_msg(strstr(buf_cstr(&body), "\"audio\":{\"id\":\"audio_1\"}"), "%s %s: %s",
                          api->provider, api->api, buf_cstr(&body));
    }
    ck_assert_ptr_null(write_turn(api_of("openai", "chat"), context));
    ck_assert_ptr_nonnull(write_turn(api_of("openai", "responses"), context));
    ck_assert_ptr_nonnull(write_turn(api_of("mistral", "chat"), context));
}
END_TEST

// ---- what is bound to a model
// ---------------------------------------------------------------------

static const char *bound_part(const char *shape) {
    static const char *const parts[][2] = {
        {"openai.chat", "{\"type\":\"thinking\",\"thinking\":\"bound\"}"},
        {"openai.responses", "{\"type\":\"reasoning\",\"encrypted_content\":\"bound\"}"},
        {"anthropic.messages", "{\"type\":\"thinking\",\"signature\":\"bound\"}"},
        {"gemini.generate", "{\"text\":\"two\",\"thoughtSignature\":\"bound\"}"},
        {"gemini.interactions", "{\"type\":\"thought\",\"signature\":\"bound\"}"},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        if (strcmp(parts[i][0], shape) == 0)
            return parts[i][1];
    ck_abort_msg("%s", shape);
}

// A provider may lead a name to a model of quite another: whoever asks for the same name goes on
// with the same model, which refuses its own call without its signature.
START_TEST(what_is_bound_to_a_model_goes_back_by_the_name_that_was_asked_for) {
    static const struct {
        const char *names;
        bool is_same;
    } cases[] = {{"\"model\":\"led-to\",\"asked\":\"m\"", true},
                 {"\"asked\":\"m\"", true},
                 {"\"model\":\"m\",\"asked\":\"led-to\"", true},
                 {"\"model\":\"led-to\"", false},
                 {"\"model\":\"led-to\",\"asked\":\"m-2\"", false},
                 {"\"model\":\"led-to\",\"asked\":null", false}};
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++)
        for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
            const struct provider_api *api = catalogue_api_at(catalogue, i);
            char context[512];
            (void)snprintf(context, sizeof(context),
                           BEFORE
                           "{\"role\":\"assistant\",\"content\":[%s,{\"type\":\"text\",\"text\":"
                           "\"two\"}],\"shape\":\"%s\",%s}" AFTER,
                           bound_part(api->shape), api->shape, cases[k].names);
            ck_assert_ptr_null(write_turn(api, context));
            ck_assert(json_is_complete(buf_bytes(&body)));
            ck_assert_msg((count_of(buf_cstr(&body), "bound") == 1) == cases[k].is_same,
                          "%s %s: %s", api->provider, api->api, buf_cstr(&body));
            ck_assert_ptr_null(strstr(buf_cstr(&body), "asked"));
        }
}
END_TEST

// ---- results ------------------------------------------------------------------------------------

static const char *write_result(const struct provider_api *api, const char *content) {
    char context[1024];
    (void)snprintf(context, sizeof(context),
                   BEFORE "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\","
                          "\"name\":\"f\",\"arguments\":\"{}\"}]},{\"role\":\"user\",\"content\":["
                          "{\"type\":\"tool_result\",\"content\":%s}]}]}",
                   content);
    return write_turn(api, context);
}

// A tool's number or object is a result like its text: what is lost is made up by the model, and
// what is no text is refused by the provider.
START_TEST(a_result_of_any_shape_arrives_as_the_api_has_it) {
    static const struct {
        const char *provider, *api, *content, *expected;
    } cases[] = {
        {"openai", "chat", "42", "\"content\":\"42\"}"},
        {"openai", "chat", "{\"km\":[7]}", "\"content\":\"{\\\"km\\\":[7]}\"}"},
        {"openai", "chat", "null", "\"content\":\"\"}"},
        {"mistral", "chat", "true", "\"content\":\"true\"}"},
        {"anthropic", "messages", "42", "\"content\":\"42\"}"},
        {"anthropic", "messages", "{\"km\":[7]}", "\"content\":\"{\\\"km\\\":[7]}\"}"},
        {"openai", "responses", "42", "\"output\":\"42\"}"},
        {"openai", "responses", "{\"km\":[7]}", "\"output\":\"{\\\"km\\\":[7]}\"}"},
        {"gemini", "generate", "42", "\"response\":{\"output\":\"42\"}}"},
        {"gemini", "generate", "true", "\"response\":{\"output\":\"true\"}}"},
        {"gemini", "generate", "{\"km\":[7]}", "\"response\":{\"km\":[7]}}"},
        {"gemini", "generate", "[\"a\",{\"type\":\"text\",\"text\":\"b\"}]",
         "\"response\":{\"output\":\"ab\"}}"},
        {"gemini", "interactions", "42", "\"result\":[{\"type\":\"text\",\"text\":\"42\"}]"},
        {"gemini", "interactions", "{\"km\":[7]}", "\"result\":{\"km\":[7]}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *refusal =
            write_result(api_of(cases[i].provider, cases[i].api), cases[i].content);
        ck_assert_msg(!refusal && strstr(buf_cstr(&body), cases[i].expected), "%s %s: %s",
                      cases[i].provider, cases[i].content, buf_cstr(&body));
    }
}
END_TEST

START_TEST(what_a_result_cannot_hold_is_not_left_out) {
    static const char image[] =
        "[\"a\",{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA\"}}]";
    const char *refusal = write_result(api_of("gemini", "generate"), image);
    ck_assert_str_eq(refusal ? refusal : "", "part_not_served");
    ck_assert_ptr_null(write_result(api_of("gemini", "interactions"), image));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&body), "\"data\":\"AA\""));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("history");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_a_model_declined_is_told_to_every_api);
    tcase_add_test(tests, speech_is_not_lost_without_a_word);
    tcase_add_test(tests, what_is_bound_to_a_model_goes_back_by_the_name_that_was_asked_for);
    tcase_add_test(tests, a_result_of_any_shape_arrives_as_the_api_has_it);
    tcase_add_test(tests, what_a_result_cannot_hold_is_not_left_out);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
