// Errors in the words of each API, of each class; none of them is billed.
#include "tests/provider-sim/test_suites.h"

#include "tests/provider-sim/test_speak.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *api, *said;
    int status;
    const char *path, *text; // text in the body; NULL: only that there is one
} cases[] = {
    {"openai", "@sim:http_400", 400, "error.code", "context_length_exceeded"},
    {"openai", "@sim:http_429", 429, "error.code", "rate_limit_exceeded"},
    {"openai", "@sim:http_503", 503, "error.code", "server_is_overloaded"},
    {"openai", "@sim:http_500", 500, "error.type", "server_error"},
    {"openai", "@sim:blocked", 400, "error.code", "content_policy_violation"},
    {"azure", "@sim:http_429", 429, "error.code", "429"},
    {"azure", "@sim:http_400", 400, "error.code", "context_length_exceeded"},
    {"azure", "@sim:blocked", 400, "error.code", "content_filter"},
    {"azure", "@sim:blocked", 400, "error.innererror.code", "ResponsibleAIPolicyViolation"},
    {"openrouter", "@sim:http_400", 400, "error.metadata.error_type", "context_length_exceeded"},
    {"openrouter", "@sim:http_429", 429, "error.metadata.error_type", "rate_limit_exceeded"},
    {"openrouter", "@sim:http_503", 503, "error.metadata.error_type", "provider_overloaded"},
    {"openrouter", "@sim:http_500", 500, "error.metadata.error_type", "server"},
    {"openrouter", "@sim:blocked", 403, "error.metadata.error_type", "content_policy_violation"},
    {"deepseek", "@sim:http_400", 400, "error.type", "invalid_request_error"},
    {"deepseek", "@sim:http_429", 429, "error.type", "rate_limit_error"},
    {"deepseek", "@sim:http_503", 503, "error.type", "service_unavailable_error"},
    {"xai", "@sim:http_400", 400, "error", NULL},
    {"xai", "@sim:http_429", 429, "code", "Some resource has been exhausted"},
    {"xai", "@sim:http_503", 503, "code", "The service is currently unavailable"},
    {"mistral", "@sim:http_400", 400, "type", "context_length_exceeded"},
    {"mistral", "@sim:http_429", 429, "type", "rate_limited"},
    {"mistral", "@sim:http_503", 503, "object", "error"},
    {"groq", "@sim:http_400", 400, "error.code", "context_length_exceeded"},
    {"groq", "@sim:http_429", 429, "error.type", "tokens"},
    {"groq", "@sim:http_503", 498, "error.code", "capacity_exceeded"},
    {"together", "@sim:http_400", 400, "error.code", "context_length_exceeded"},
    {"together", "@sim:http_429", 429, "error.code", "rate_limit_exceeded"},
    {"together", "@sim:http_503", 503, "id", NULL},
    {"ollama", "@sim:http_400", 400, "error.type", "invalid_request_error"},
    {"ollama", "@sim:http_503", 503, "error.type", "api_error"},
    {"compatible", "@sim:http_503", 503, "error.type", "service_unavailable_error"},
    {"responses", "@sim:http_400", 400, "error.code", "context_length_exceeded"},
    {"responses", "@sim:http_429", 429, "error.code", "rate_limit_exceeded"},
    {"azure responses", "@sim:blocked", 400, "error.code", "content_filter"},
    {"xai responses", "@sim:http_429", 429, "code", "Some resource has been exhausted"},
    {"messages", "@sim:http_400", 400, "error.type", "invalid_request_error"},
    {"messages", "@sim:http_503", 529, "error.type", "overloaded_error"},
    {"generate", "@sim:http_400", 400, "error.status", "INVALID_ARGUMENT"},
    {"generate", "@sim:http_429", 429, "error.status", "RESOURCE_EXHAUSTED"},
    {"generate", "@sim:http_503", 503, "error.status", "UNAVAILABLE"},
    {"generate", "@sim:http_500", 500, "error.status", "INTERNAL"},
    {"interactions", "@sim:http_400", 400, "error.code", "invalid_request"},
    {"interactions", "@sim:http_429", 429, "error.code", "resource_exhausted"},
    {"interactions", "@sim:http_503", 503, "error.code", "unavailable"},
};

// A classifier that reads one API's words as another's retries what will never work, or gives up
// what would.
START_TEST(each_class_of_errors_is_said_in_the_words_of_the_api) {
    struct sim sim;
    sim_start(&sim, "--bill %b");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int stream = 0; stream < 2; stream++) {
            struct got got;
            say_to(&sim, spoken_named(cases[i].api), stream == 1, cases[i].said, "", &got);
            ck_assert_msg(got.status == cases[i].status, "%s %s: %d %.*s", cases[i].api,
                          cases[i].said, got.status, (int)got.body.size, got.body.at);
            json_t *answer = got_json(&got);
            json_t *found = at(answer, cases[i].path);
            if (cases[i].text != NULL)
                ck_assert_str_eq(json_string_value(found), cases[i].text);
            json_decref(answer);
            got_release(&got);
        }
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    for (size_t i = 0; i < json_array_size(bill); i++) {
        ck_assert(json_is_false(at(json_array_get(bill, i), "billed")));
        ck_assert_int_eq(number_at(json_array_get(bill, i), "pusd"), 0);
    }
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

// Status 200 is no promise.
START_TEST(some_errors_come_with_status_200) {
    static const struct {
        const char *api;
        int status;
        const char *words;
    } said[] = {
        {"openai", 500, "server_error"},
        {"openrouter", 200, "\"error\":{\"code\":500"},
        {"deepseek", 200, "\"error\":{"},
        {"xai", 200, "\"error\":"},
        {"groq", 500, "internal_server_error"},
        {"responses", 200, "\"status\":\"failed\""},
        {"generate", 200, "\"blockReason\":\"PROHIBITED_CONTENT\""},
        {"interactions", 200, "\"status\":\"failed\""},
    };
    struct sim sim;
    sim_start(&sim, "--bill %b");
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        struct got got;
        say_to(&sim, spoken_named(said[i].api), false, "@sim:error_in_200", "", &got);
        json_t *answer = got_json(&got);
        char *compact = json_dumps(answer, JSON_COMPACT);
        ck_assert_int_eq(got.status, said[i].status);
        ck_assert_msg(strstr(compact, said[i].words) != NULL, "%s: %s", said[i].api, compact);
        memory_free(compact);
        json_decref(answer);
        got_release(&got);
    }
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    for (size_t i = 0; i < json_array_size(bill); i++)
        ck_assert(json_is_false(at(json_array_get(bill, i), "billed")));
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

// Each API has a place of its own for the key; one in another's place is none.
START_TEST(keys_come_in_the_header_that_is_for_them) {
    static const struct {
        const char *api, *good, *other;
        int no_key, wrong_key;
    } keys[] = {
        {"openai", "Authorization: Bearer ", "x-api-key: ", 401, 401},
        {"azure", "api-key: ", "x-api-key: ", 401, 401},
        {"azure", "Authorization: Bearer ", "x-goog-api-key: ", 401, 401},
        {"openrouter", "Authorization: Bearer ", "api-key: ", 401, 401},
        {"xai", "Authorization: Bearer ", "api-key: ", 400, 400},
        {"mistral", "Authorization: Bearer ", "api-key: ", 401, 401},
        {"generate", "x-goog-api-key: ", "Authorization: Bearer ", 403, 400},
        {"interactions", "x-goog-api-key: ", "Authorization: Bearer ", 403, 400},
        {"responses", "Authorization: Bearer ", "x-api-key: ", 401, 401},
    };
    static const char *const bodies[] = {
        [FORM_CHAT] = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
        [FORM_RESPONSES] = "{\"model\":\"m\",\"input\":\"a\"}",
        [FORM_GENERATE] = "{\"contents\":[{\"parts\":[{\"text\":\"a\"}]}]}",
        [FORM_INTERACTIONS] = "{\"model\":\"m\",\"input\":\"a\"}",
    };
    struct sim sim;
    sim_start(&sim, "--bill %b --key good");
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct spoken *api = spoken_named(keys[i].api);
        const int want[] = {200, keys[i].wrong_key, keys[i].no_key};
        for (int k = 0; k < 3; k++) {
            struct got got;
            char header[128];
            snprintf(header, sizeof(header), "%s%s\r\n", k < 2 ? keys[i].good : keys[i].other,
                     k == 1 ? "bad" : "good");
            say_with(&sim, "POST", api->path, header, bodies[api->form], &got);
            ck_assert_msg(got.status == want[k], "%s %s: %d", api->name, header, got.status);
            got_release(&got);
        }
    }
    struct got got;
    say_with(&sim, "POST", "/v1beta/models/gemini-2.5-flash:generateContent?key=good", "",
             bodies[FORM_GENERATE], &got);
    ck_assert_int_eq(got.status, 200);
    got_release(&got);
    say_with(&sim, "POST", spoken_named("compatible")->path, "", bodies[FORM_CHAT], &got);
    ck_assert_int_eq(got.status, 200);
    got_release(&got);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// What only a person can mend has a status of its own in most APIs.
START_TEST(a_quota_that_is_used_up_is_told_from_a_limit) {
    static const struct {
        const char *api;
        int status;
        const char *words;
    } said[] = {
        {"openai", 429, "insufficient_quota"},
        {"openrouter", 402, "payment_required"},
        {"deepseek", 402, "Insufficient Balance"},
        {"xai", 403, "permission"},
        {"mistral", 402, "insufficient_quota"},
        {"responses", 429, "insufficient_quota"},
        {"messages", 429, "enforced_spend_limit_reached"},
        {"generate", 429, "PerDay"},
    };
    struct sim sim;
    sim_start(&sim, "--bill %b --quota-file %q");
    file_write(sim.quota, "");
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        struct got got;
        say_to(&sim, spoken_named(said[i].api), true, "hello", "", &got);
        ck_assert_msg(got.status == said[i].status, "%s: %d", said[i].api, got.status);
        ck_assert_ptr_nonnull(
            memmem(got.body.at, got.body.size, said[i].words, strlen(said[i].words)));
        got_release(&got);
    }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// How long to wait stands in a header, in another one, or in the body.
START_TEST(a_limit_says_how_long_to_wait_where_the_api_does) {
    static const struct {
        const char *api;
        const char *places[3]; // headers, or what the body has; any of them will do
    } said[] = {
        {"azure", {"retry-after-ms", "Retry-After", "x-ratelimit-reset-requests"}},
        {"openrouter", {"Retry-After", "X-RateLimit-Reset", NULL}},
        {"mistral", {"ratelimitbysize-reset", NULL, NULL}},
        {"groq", {"Retry-After", NULL, NULL}},
        {"generate", {"retryDelay", NULL, NULL}},
    };
    struct sim sim;
    sim_start(&sim, "--bill %b --retry-ms 60000");
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        int found = 0;
        for (int k = 0; k < 20; k++) {
            struct got got;
            say_to(&sim, spoken_named(said[i].api), false, "@sim:http_429", "", &got);
            for (int place = 0; place < 3 && said[i].places[place] != NULL; place++)
                found += memmem(got.raw.at, got.raw.size, said[i].places[place],
                                strlen(said[i].places[place])) != NULL;
            got_release(&got);
        }
        ck_assert_msg(found > 0, "%s never says how long", said[i].api);
    }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

START_TEST(paths_and_models_that_do_not_exist_are_not_found) {
    static const struct {
        const char *path;
        int status;
    } paths[] = {
        {"/azure/openai/deployments/gpt-5-mini/chat/completions", 404}, // no version
        {"/azure/openai/deployments/missing-x/chat/completions?api-version=1", 404},
        {"/v1beta/models/missing-x:generateContent", 404},
        {"/v1beta/models/a/b:generateContent", 404},
        {"/v1beta/models/:generateContent", 404},
        {"/v2/responses", 404},
        {"/groq/v1/chat/completions", 404}, // a known provider has its own paths only
        {"/somebody/v1/completions", 404},
    };
    struct sim sim;
    struct got got;
    sim_start(&sim, "--bill %b");
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        bool is_azure = strncmp(paths[i].path, "/azure", 6) == 0;
        say(&sim, "POST", paths[i].path,
            is_azure ? "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}"
                     : "{\"contents\":[{\"parts\":[{\"text\":\"a\"}]}]}",
            &got);
        ck_assert_msg(got.status == paths[i].status, "%s: %d", paths[i].path, got.status);
        got_release(&got);
    }
    say(&sim, "POST", "/v1beta/models/a\"b:generateContent",
        "{\"contents\":[{\"parts\":[{\"text\":\"a\"}]}]}", &got);
    ck_assert_int_eq(got.status, 400);
    json_decref(got_json(&got));
    got_release(&got);
    sim_stop(&sim);
    json_decref(sim_bill(&sim));
    sim_end(&sim);
}
END_TEST

void add_errors(Suite *suite) {
    TCase *tests = tcase_create("errors");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, each_class_of_errors_is_said_in_the_words_of_the_api);
    tcase_add_test(tests, some_errors_come_with_status_200);
    tcase_add_test(tests, keys_come_in_the_header_that_is_for_them);
    tcase_add_test(tests, a_quota_that_is_used_up_is_told_from_a_limit);
    tcase_add_test(tests, a_limit_says_how_long_to_wait_where_the_api_does);
    tcase_add_test(tests, paths_and_models_that_do_not_exist_are_not_found);
    suite_add_tcase(suite, tests);
}
