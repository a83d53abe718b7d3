// What was said to and by another API's models, told to each API of the catalogue: nothing that
// somebody said may be lost on the way.
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

// ---- what a file brings -------------------------------------------------------------------------

static bool takes(const struct provider_api *api, const char *line) {
    return api_takes(api, line, &scan, &words);
}

static bool is_chat(const struct provider_api *api) {
    return strcmp(api->shape, "openai.chat") == 0;
}

#define TWO                  "{\"type\":\"text\",\"text\":\"two\"}"
#define USE                  "{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":{\"km\":7}}"
#define PAGE                 "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA\"}}"
#define ASKS(members, parts) BEFORE "{\"role\":\"assistant\"," members "\"content\":[" parts "]}"

// Whoever writes a call among the parts means a call with every API.
START_TEST(a_call_that_a_file_brings_is_a_call_for_every_api) {
    static const char context[] =
        ASKS("", TWO "," USE) ",{\"role\":\"user\",\"content\":[{\"type\":"
                              "\"tool_result\",\"content\":\"3\"}]}]}";
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        ck_assert_msg(takes(api, context), "%s %s: %s", api->provider, api->api, buf_cstr(&words));
        ck_assert_ptr_null(write_turn(api, context));
        ck_assert(json_is_complete(buf_bytes(&body)));
        bool is_part = strstr(buf_cstr(&body), "\"tool_use\"");
        bool is_beside = strstr(buf_cstr(&body), "\"tool_calls\":[{\"id\":\"c\"");
        ck_assert_msg(is_part == (strcmp(api->shape, "anthropic.messages") == 0) &&
                          is_beside == is_chat(api) && count_of(buf_cstr(&body), "km") == 1,
                      "%s %s: %s", api->provider, api->api, buf_cstr(&body));
    }
}
END_TEST

// Two turns of the user follow one another where a message of the assistant's is dropped, and the
// model answers something that nobody asked.
START_TEST(what_cannot_be_told_is_refused_and_not_dropped) {
    static const struct {
        const char *context;
        bool is_lost, is_lost_in_chat, is_seen_at_the_door;
    } cases[] = {
        {ASKS("", PAGE) AFTER, true, false, true},
        {ASKS("", TWO "," PAGE) AFTER, true, false, true},
        {ASKS("", "{\"type\":\"thinking\",\"thinking\":\"t\"}") AFTER, true, false, true},
        {ASKS("", USE "," PAGE) ",{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\"}]}]}",
         true, true, true},
        {ASKS("", "{\"type\":\"tool_use\",\"name\":\"f\"}") AFTER, true, true, true},
        {ASKS("", "{\"type\":\"thinking\",\"thinking\":\"t\"}," TWO) AFTER, false, false, true},
        {ASKS("", "\"\"") AFTER, false, false, true},
        // A model's: of its thoughts alone nobody else needs to know.
        {ASKS("\"shape\":\"a.b\",", PAGE) AFTER, true, true, true},
        {ASKS("\"shape\":\"a.b\",", TWO "," PAGE) AFTER, false, false, true},
        {ASKS("\"shape\":\"a.b\",", "{\"text\":\"t\",\"thought\":true}") AFTER, false, false, true},
        {ASKS("\"shape\":\"a.b\",", "") AFTER, false, false, true},
        {ASKS("\"shape\":\"openai.chat\",", PAGE) AFTER, true, true, false},
    };
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++)
        for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
            const struct provider_api *api = catalogue_api_at(catalogue, i);
            bool is_lost = is_chat(api) ? cases[k].is_lost_in_chat : cases[k].is_lost;
            const char *refusal = write_turn(api, cases[k].context);
            ck_assert_msg(is_lost == (refusal != NULL), "%s %s: %s", api->provider, api->api,
                          cases[k].context);
            ck_assert_str_eq(refusal ? refusal : "part_not_served", "part_not_served");
            bool is_taken = takes(api, cases[k].context);
            ck_assert_msg(is_taken == !is_lost || !cases[k].is_seen_at_the_door, "%s %s: %s",
                          api->provider, api->api, cases[k].context);
        }
}
END_TEST

// Who of several people said it only some can be told.
START_TEST(a_name_of_who_speaks_is_not_dropped) {
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        bool is_taken = takes(api, "{\"messages\":[{\"role\":\"user\",\"name\":\"bob\",\"content\":"
                                   "\"a\"}]}");
        ck_assert_msg(is_taken == is_chat(api), "%s %s", api->provider, api->api);
        ck_assert(takes(api, "{\"messages\":[{\"role\":\"user\",\"name\":null,\"content\":\"a\"},"
                             "{\"role\":\"tool\",\"name\":\"f\",\"content\":\"a\"}]}"));
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

#define RESULT "{\"type\":\"tool_result\",\"content\":[%s]}"

// Nor is it taken at the door, whichever way it is written.
START_TEST(what_a_result_cannot_hold_is_refused_at_submission) {
    static const struct {
        const char *provider, *api, *parts;
        bool is_taken;
    } cases[] = {
        {"gemini", "generate", "\"a\"," TWO, true},
        {"gemini", "generate", PAGE, false},
        {"gemini", "generate", "{\"inlineData\":{}}", false},
        {"gemini", "interactions", PAGE, true},
        {"gemini", "interactions", "{\"type\":\"tool_result\"}", false},
        {"anthropic", "messages", PAGE ",{\"type\":\"document\"},{\"type\":\"tool_reference\"}",
         true},
        {"anthropic", "messages", "{\"type\":\"file\"}", false},
        {"anthropic", "messages", "{\"type\":\"tool_result\"}", false},
        {"openai", "responses", PAGE ",{\"type\":\"input_file\"}", true},
        {"openai", "responses", "{\"type\":\"item_reference\"}", false},
        {"openai", "chat", TWO, true},
        {"openai", "chat", "{\"type\":\"document\"}", false},
        {"openai", "chat", "{\"type\":\"tool_result\"}", false},
    };
    static const char *const lines[] = {
        "{\"messages\":[{\"role\":\"tool\",\"content\":[%s]}]}",
        "{\"messages\":[{\"role\":\"user\",\"content\":[" RESULT "]}]}",
        "{\"input\":[" RESULT "]}",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        for (size_t k = 0; k < sizeof(lines) / sizeof(*lines); k++) {
            char line[512];
            (void)snprintf(line, sizeof(line), lines[k], cases[i].parts);
            bool is_taken = takes(api_of(cases[i].provider, cases[i].api), line);
            ck_assert_msg(is_taken == cases[i].is_taken, "%s %s: %s", cases[i].provider, line,
                          buf_cstr(&words));
        }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("history");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_a_model_declined_is_told_to_every_api);
    tcase_add_test(tests, speech_is_not_lost_without_a_word);
    tcase_add_test(tests, what_is_bound_to_a_model_goes_back_by_the_name_that_was_asked_for);
    tcase_add_test(tests, a_call_that_a_file_brings_is_a_call_for_every_api);
    tcase_add_test(tests, what_cannot_be_told_is_refused_and_not_dropped);
    tcase_add_test(tests, a_name_of_who_speaks_is_not_dropped);
    tcase_add_test(tests, a_result_of_any_shape_arrives_as_the_api_has_it);
    tcase_add_test(tests, what_a_result_cannot_hold_is_not_left_out);
    tcase_add_test(tests, what_a_result_cannot_hold_is_refused_at_submission);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
