// Answers of our own making in tests/golden/answers, a file for each API: what each amounts to, as
// it is written there. Each file is {"api": "provider.api", "answers": [{"name", "status",
// "headers", "body" (a value, or the text that was sent) or "stream", "expect"}]}; what expect does
// not say is not looked at.

#include "tests/unit/extractor/samples.h"
#include "workers/provider/classify.h"

#include <check.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILES_MAX = 64 };

static struct dirent **files;
static int file_count;

struct golden {
    struct sample sample;
    char name[512];
    const char *head;
    struct bytes body;
    unsigned status;
};

// ---- What is looked at. ------------------------------------------------------------------------

static void check_text(const struct golden *golden, const char *what, struct bytes ours,
                       const char *expected) {
    ck_assert_msg(bytes_is(ours, expected), "%s: %s is \"%.*s\", not \"%s\"", golden->name, what,
                  (int)ours.size, (const char *)ours.at, expected);
}

static bool check_texts(const struct golden *golden, const char *what, json_t *expected) {
    const struct facts_head *head = &golden->sample.head;
    const struct {
        const char *name;
        struct bytes ours;
    } texts[] = {
        {"model", head->model},
        {"finish", head->finish},
        {"service_tier", head->service_tier},
        {"error_type", head->error_type},
        {"error_code", head->error_code},
        {"error_message", head->error_message},
        {"refusal", bytes_text(golden->sample.refusal ? golden->sample.refusal : "")},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (strcmp(what, texts[i].name) == 0) {
            check_text(golden, what, texts[i].ours, json_string_value(expected));
            return true;
        }
    return false;
}

static bool check_numbers(const struct golden *golden, const char *what, json_t *expected) {
    const struct facts_head *head = &golden->sample.head;
    const struct {
        const char *name;
        int64_t ours;
    } numbers[] = {
        {"in_uncached", head->in_uncached},
        {"in_cached", head->in_cached},
        {"in_cache_write", head->in_cache_write},
        {"in_audio", head->in_audio},
        {"in_image", head->in_image},
        {"out_visible", head->out_visible},
        {"out_reasoning", head->out_reasoning},
        {"web_searches", head->web_searches},
        {"total_stated", head->total_stated},
        {"cost_stated_pusd", head->cost_stated_pusd},
        {"is_inconsistent", head->is_inconsistent},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        if (strcmp(what, numbers[i].name) == 0) {
            int64_t value =
                json_is_integer(expected) ? json_integer_value(expected) : json_is_true(expected);
            ck_assert_msg(numbers[i].ours == value, "%s: %s is %lld, not %lld", golden->name, what,
                          (long long)numbers[i].ours, (long long)value);
            return true;
        }
    return false;
}

// How the call is judged: its class, the reason and the wait.
static bool check_verdict(const struct golden *golden, const char *what, json_t *expected) {
    bool is_known = strcmp(what, "class") == 0 || strcmp(what, "reason") == 0 ||
                    strcmp(what, "retry_after_ms") == 0;
    if (!is_known)
        return false;
    const struct provider_api *api = golden->sample.api;
    struct outcome outcome = {.end = TRANSFER_as_http,
                              .http_end = HTTP_answered,
                              .status = golden->status,
                              .has_left = true,
                              .head = bytes_text(golden->head),
                              .body = golden->body,
                              .words = ""};
    struct verdict verdict;
    struct json_scan scan;
    json_scan_init(&scan);
    classify(api, adapter_for(api->shape), &outcome, &scan, &verdict);
    json_scan_release(&scan);
    if (strcmp(what, "retry_after_ms") == 0)
        ck_assert_msg((json_int_t)verdict.retry_after_ms == json_integer_value(expected), "%s: %s",
                      golden->name, what);
    else
        check_text(golden, what,
                   bytes_text(strcmp(what, "class") == 0 ? call_class_name(verdict.class)
                                                         : verdict.reason),
                   json_string_value(expected));
    return true;
}

static bool check_documents(const struct golden *golden, const char *what, json_t *expected) {
    bool is_message = strcmp(what, "message") == 0;
    if (!is_message && strcmp(what, "metadata") != 0)
        return false;
    struct bytes text = is_message ? golden->sample.head.message : golden->sample.head.metadata;
    json_t *ours = json_loadb((const char *)text.at, text.size, 0, NULL), *member;
    const char *name;
    ck_assert_msg(ours, "%s: no %s", golden->name, what);
    if (is_message)
        ck_assert_msg(json_equal(ours, expected), "%s: the message is %.*s", golden->name,
                      (int)text.size, (const char *)text.at);
    json_object_foreach(expected, name, member)
        ck_assert_msg(json_equal(member, json_object_get(ours, name)), "%s: %s of the %s",
                      golden->name, name, what);
    json_decref(ours);
    return true;
}

static bool check_identifiers(const struct golden *golden, const char *what, json_t *expected) {
    size_t i;
    json_t *one;
    if (strcmp(what, "identifiers") != 0)
        return false;
    json_array_foreach(expected, i, one) {
        const char *kind = json_string_value(json_object_get(one, "kind")),
                   *value = json_string_value(json_object_get(one, "value")),
                   *source = json_string_value(json_object_get(one, "source"));
        ck_assert_msg(sample_has(&golden->sample, kind, value, source), "%s: no %s %s at %s",
                      golden->name, kind, value, source);
    }
    return true;
}

static void check_answer(struct golden *golden, json_t *answer) {
    const char *what;
    json_t *expected;
    json_t *expect = json_object_get(answer, "expect");
    ck_assert_msg(json_object_size(expect) > 0, "%s expects nothing", golden->name);
    json_object_foreach(expect, what, expected) {
        bool is_known =
            check_texts(golden, what, expected) || check_numbers(golden, what, expected) ||
            check_verdict(golden, what, expected) || check_documents(golden, what, expected) ||
            check_identifiers(golden, what, expected);
        ck_assert_msg(is_known, "%s: nobody knows %s", golden->name, what);
    }
}

// ---- Files. ------------------------------------------------------------------------------------

// A body that is a text was sent as that text; any other value as its JSON.
static char *body_of(json_t *answer, size_t *size) {
    json_t *body = json_object_get(answer, "stream");
    body = body ? body : json_object_get(answer, "body");
    char *text = json_is_string(body) ? strdup(json_string_value(body))
                                      : json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
    *size = strlen(text);
    return text;
}

static unsigned read_answers(struct golden *golden, const char *file, json_t *document) {
    char api[64];
    (void)snprintf(api, sizeof(api), "%s", json_string_value(json_object_get(document, "api")));
    char *dot = strchr(api, '.');
    ck_assert_ptr_nonnull(dot);
    *dot = 0;
    sample_api(&golden->sample, api, dot + 1);
    size_t i;
    json_t *answer;
    json_array_foreach(json_object_get(document, "answers"), i, answer) {
        size_t size;
        char *body = body_of(answer, &size);
        (void)snprintf(golden->name, sizeof(golden->name), "%s: %s", file,
                       json_string_value(json_object_get(answer, "name")));
        golden->status = (unsigned)json_integer_value(json_object_get(answer, "status"));
        golden->head = json_string_value(json_object_get(answer, "headers"));
        golden->body = bytes_of(body, size);
        sample_read(&golden->sample, golden->status, golden->head, golden->body);
        check_answer(golden, answer);
        free(body);
    }
    return (unsigned)i;
}

static int is_json(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".json") == 0;
}

START_TEST(each_answer_amounts_to_what_is_written_beside_it) {
    static struct golden golden;
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", GOLDEN_FOLDER, files[_i]->d_name);
    json_error_t error;
    json_t *document = json_load_file(path, 0, &error);
    ck_assert_msg(document, "%s:%d: %s", path, error.line, error.text);
    sample_open(&golden.sample);
    ck_assert_uint_gt(read_answers(&golden, files[_i]->d_name, document), 0);
    sample_close(&golden.sample);
    json_decref(document);
}
END_TEST

int main(void) {
    file_count = scandir(GOLDEN_FOLDER, &files, is_json, alphasort);
    if (file_count < 1 || file_count > FILES_MAX) {
        printf("no golden answers in %s\n", GOLDEN_FOLDER);
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("golden");
    TCase *all = tcase_create("golden");
    tcase_add_loop_test(all, each_answer_amounts_to_what_is_written_beside_it, 0, file_count);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
