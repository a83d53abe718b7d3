// Whether tests/golden/answers has what it must have: a file for each API of the catalogue, and in
// it an answer of each kind, an error of each class and every kind of identifier that the API's
// entry lists. That what they say is true is the golden answers' own test.
#include "tests/unit/extractor/samples.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static struct sample sample;
static struct buf missing; // what is, in lines

static void setup(void) {
    sample_open(&sample);
    buf_init(&missing, 1 << 16);
}

static void teardown(void) {
    buf_release(&missing);
    sample_close(&sample);
}

// ---- What an API does not have, and so no answer of it can show. -------------------------------

static const struct {
    const char *api;
    const char *what;
    const char *why;
} lacks[] = {
    {"ollama.chat", "cache", "no counter of its answers says what came from a cache"},
    {"ollama.chat", "reasoning", "what it thought is counted with the rest of the output"},
};
enum { LACKS = sizeof(lacks) / sizeof(*lacks) };

// NULL: it has it.
static const char *why_lacking(const char *api, const char *what) {
    for (size_t i = 0; i < LACKS; i++)
        if (strcmp(lacks[i].api, api) == 0 && strcmp(lacks[i].what, what) == 0)
            return lacks[i].why;
    return NULL;
}

// ---- What an answer shows. ---------------------------------------------------------------------

static bool is_expected(const json_t *answer, const char *what, const char *text) {
    const char *said = json_string_value(json_object_get(json_object_get(answer, "expect"), what));
    return said && strcmp(said, text) == 0;
}

static bool is_counted(const json_t *answer, const char *counter) {
    const json_t *counters = json_object_get(json_object_get(answer, "expect"), "counters");
    return json_integer_value(json_object_get(counters, counter)) > 0;
}

// A stream is given by its events, or as the text that was sent.
static bool is_stream(const json_t *answer) {
    const char *text = json_string_value(json_object_get(answer, "body"));
    return json_object_get(answer, "stream") || (text && strstr(text, "data: "));
}

static bool is_among(const json_t *expect, const char *kind) {
    const json_t *all = json_object_get(expect, "identifiers");
    for (size_t i = 0; i < json_array_size(all); i++)
        if (strcmp(json_string_value(json_array_get(json_array_get(all, i), 0)), kind) == 0)
            return true;
    return false;
}

static bool is_identified(const json_t *answer, const char *kind) {
    return is_among(json_object_get(answer, "expect"), kind);
}

// In what is answered about a batch, or in an item of it.
static bool is_in_batch(const json_t *batch, const char *kind) {
    const json_t *parts = json_object_get(batch, "expect");
    for (size_t i = 0; i < json_array_size(parts); i++)
        if (is_among(json_array_get(parts, i), kind))
            return true;
    return false;
}

static bool is_plain(const json_t *answer) {
    return !is_stream(answer) && !is_identified(answer, "tool_call_id");
}

static bool is_calling(const json_t *answer) {
    return is_expected(answer, "finish", "tool_calls");
}

static bool is_from_cache(const json_t *answer) {
    return is_counted(answer, "in_cached");
}

static bool is_reasoned(const json_t *answer) {
    return is_counted(answer, "out_reasoning");
}

static const struct {
    const char *name;
    bool (*is_it)(const json_t *answer);
} tells[] = {
    {"plain", is_plain},        {"tools", is_calling}, {"cache", is_from_cache},
    {"reasoning", is_reasoned}, {"stream", is_stream},
};
enum { TELLS = sizeof(tells) / sizeof(*tells) };

// ---- What an API must have. --------------------------------------------------------------------

static void judge(const char *api, const char *what, bool is_there) {
    const char *why = why_lacking(api, what);
    if (is_there && why)
        buf_printf(&missing, "%s: %s, of which this says: %s\n", api, what, why);
    if (!is_there && !why)
        buf_printf(&missing, "%s: no %s\n", api, what);
}

static void judge_answers(const char *api, const json_t *answers) {
    for (size_t k = 0; k < TELLS; k++) {
        bool is_there = false;
        for (size_t i = 0; i < json_array_size(answers); i++) {
            const json_t *answer = json_array_get(answers, i);
            is_there |= is_expected(answer, "class", "success") && tells[k].is_it(answer);
        }
        judge(api, tells[k].name, is_there);
    }
}

static void judge_classes(const char *api, const json_t *answers) {
    for (enum call_class class = 0; class < CALL_CLASSES; class ++) {
        bool is_there = false;
        for (size_t i = 0; i < json_array_size(answers); i++)
            is_there |= is_expected(json_array_get(answers, i), "class", call_class_name(class));
        judge(api, call_class_name(class), is_there);
    }
}

static void judge_identifiers(const char *api, const json_t *document, const json_t *supported) {
    const json_t *answers = json_object_get(document, "answers");
    const json_t *batches = json_object_get(document, "batches");
    ck_assert_uint_gt(json_array_size(supported), 0);
    for (size_t k = 0; k < json_array_size(supported); k++) {
        const char *kind = json_string_value(json_array_get(supported, k));
        bool is_there = false;
        for (size_t i = 0; i < json_array_size(answers); i++)
            is_there |= is_identified(json_array_get(answers, i), kind);
        for (size_t i = 0; i < json_array_size(batches); i++)
            is_there |= is_in_batch(json_array_get(batches, i), kind);
        judge(api, kind, is_there);
    }
}

static json_t *read_file(const char *api) {
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s.json", GOLDEN_FOLDER, api);
    json_t *document = json_load_file(path, 0, NULL);
    const char *name = json_string_value(json_object_get(document, "api"));
    ck_assert_msg(!document || (name && strcmp(name, api) == 0), "%s is not of that API", path);
    return document;
}

START_TEST(each_api_shows_all_that_its_entry_says) {
    for (size_t i = 0; i < catalogue_api_count(sample.catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(sample.catalogue, i);
        char name[128];
        (void)snprintf(name, sizeof(name), "%s.%s", api->provider, api->api);
        json_t *document = read_file(name), *entry = json_loads(api->json, 0, NULL);
        const json_t *answers = json_object_get(document, "answers");
        if (document) {
            judge_answers(name, answers);
            judge_classes(name, answers);
            judge_identifiers(name, document, json_object_get(entry, "supported_identifiers"));
        } else
            buf_printf(&missing, "%s: no file that can be read\n", name);
        json_decref(document);
        json_decref(entry);
    }
    ck_assert_msg(missing.size == 0, "not as it should be:\n%s", buf_cstr(&missing));
}
END_TEST

// An API that is gone, or was never there, lacks nothing.
START_TEST(what_is_lacking_is_lacking_of_an_api) {
    for (size_t i = 0; i < LACKS; i++) {
        const char *dot = strchr(lacks[i].api, '.');
        struct bytes provider = {(const uint8_t *)lacks[i].api, (size_t)(dot - lacks[i].api)};
        ck_assert_msg(catalogue_api(sample.catalogue, provider, bytes_text(dot + 1)), "%s",
                      lacks[i].api);
    }
}
END_TEST

// Kinds that no entry lists, since no API of the catalogue has a place for them: they are found by
// their names, in the answers of servers that speak an API of it.
START_TEST(kinds_of_no_entry_are_shown_as_well) {
    static const char *const required[] = {"thread_id", "run_id", "assistant_id", "session_id"};
    json_t *document = read_file("compatible.chat");
    const json_t *answers = json_object_get(document, "answers");
    for (size_t k = 0; k < sizeof(required) / sizeof(*required); k++) {
        bool is_there = false;
        for (size_t i = 0; i < json_array_size(answers); i++)
            is_there |= is_identified(json_array_get(answers, i), required[k]);
        ck_assert_msg(is_there, "compatible.chat: no %s", required[k]);
    }
    json_decref(document);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("golden coverage");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, each_api_shows_all_that_its_entry_says);
    tcase_add_test(all, what_is_lacking_is_lacking_of_an_api);
    tcase_add_test(all, kinds_of_no_entry_are_shown_as_well);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
