// Answers of our own making, in tests/golden/answers: one file an answer, with what is to be read
// from it and what it means for the job. A file is
//   {"provider", "api", "status", "headers": {…}, "body" (JSON, or a text as it is) or
//    "stream": [data of each event], "expect": {…}}
// and expect has what of an answer is compared: finish, finish_raw, model, tier, refusal, message,
// error [type, code, message], counters (those that are stated, all of them), cost_pusd,
// is_inconsistent, identifiers [[kind, value, path], …] (all of them, in any order), conversation
// (the primary identifier), class, reason, and no_metadata (words that may not stand there).
#include "common/mem.h"
#include "tests/unit/extractor/samples.h"
#include "workers/provider/classify.h"

#include <check.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILES_MAX = 1000, PATH_MAX_BYTES = 512 };

static char files[FILES_MAX][PATH_MAX_BYTES];
static int file_count;

static struct sample sample;
static struct buf body, headers;
static struct json_scan scan;
static const char *file; // that is being read

static void list_folder(const char *folder) {
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) && file_count < FILES_MAX) {
        char path[PATH_MAX_BYTES + 1];
        size_t size = strlen(entry->d_name);
        if (entry->d_name[0] == '.' ||
            (size_t)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >= PATH_MAX_BYTES)
            continue;
        if (size > 5 && strcmp(entry->d_name + size - 5, ".json") == 0)
            memcpy(files[file_count++], path, strlen(path) + 1);
        else
            list_folder(path);
    }
    if (dir)
        (void)closedir(dir);
}

static void set_up(void) {
    sample_open(&sample);
    buf_init(&body, 1 << 20);
    buf_init(&headers, 1 << 16);
    json_scan_init(&scan);
}

static void tear_down(void) {
    sample_close(&sample);
    buf_release(&body);
    buf_release(&headers);
    json_scan_release(&scan);
}

static void put_value(struct buf *out, const json_t *value) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    buf_text(out, json_is_string(value) ? json_string_value(value) : text);
    free(text); // jansson's own
}

static void read_golden(const json_t *golden) {
    const char *name;
    json_t *value, *stream = json_object_get(golden, "stream");
    size_t i;
    json_object_foreach(json_object_get(golden, "headers"), name, value)
        buf_printf(&headers, "%s: %s\r\n", name, json_string_value(value));
    if (!stream)
        put_value(&body, json_object_get(golden, "body"));
    json_array_foreach(stream, i, value) {
        buf_text(&body, "data: ");
        put_value(&body, value);
        buf_text(&body, "\n\n");
    }
    sample_api(&sample, json_string_value(json_object_get(golden, "provider")),
               json_string_value(json_object_get(golden, "api")));
    sample_read(&sample, (unsigned)json_integer_value(json_object_get(golden, "status")),
                buf_cstr(&headers), buf_bytes(&body));
}

static void expect_text(const json_t *wanted, const char *what, struct bytes have) {
    const char *text = json_string_value(wanted);
    ck_assert_msg(!wanted || bytes_is(have, text ? text : ""), "%s: %s is %.*s", file, what,
                  (int)have.size, (const char *)have.at);
}

static void expect_numbers(const json_t *expect) {
    const struct facts_head *head = &sample.head;
    const struct {
        const char *name;
        int64_t have;
    } counters[] = {{"in_uncached", head->in_uncached},
                    {"in_cached", head->in_cached},
                    {"in_cache_write", head->in_cache_write},
                    {"in_cache_write_1h", head->in_cache_write_1h},
                    {"in_audio", head->in_audio},
                    {"in_image", head->in_image},
                    {"in_tool_use", head->in_tool_use},
                    {"out_visible", head->out_visible},
                    {"out_reasoning", head->out_reasoning},
                    {"out_audio", head->out_audio},
                    {"out_image", head->out_image},
                    {"web_searches", head->web_searches},
                    {"total", head->total_stated}};
    const json_t *wanted = json_object_get(expect, "counters");
    const json_t *cost = json_object_get(expect, "cost_pusd");
    for (size_t i = 0; wanted && i < sizeof(counters) / sizeof(*counters); i++) {
        const json_t *number = json_object_get(wanted, counters[i].name);
        ck_assert_msg((number ? json_integer_value(number) : -1) == counters[i].have,
                      "%s: %s is %lld", file, counters[i].name, (long long)counters[i].have);
    }
    ck_assert_msg(!cost || json_integer_value(cost) == head->cost_stated_pusd, "%s: cost", file);
    ck_assert_msg(json_is_true(json_object_get(expect, "is_inconsistent")) == head->is_inconsistent,
                  "%s: is it consistent", file);
}

static void expect_message(const json_t *wanted) {
    struct bytes have = sample.head.message;
    json_t *message = json_loadb((const char *)have.at, have.size, 0, NULL);
    ck_assert_msg(!wanted || json_equal(wanted, message ? message : json_null()),
                  "%s: the message is %.*s", file, (int)have.size, (const char *)have.at);
    json_decref(message);
}

static void expect_identifiers(const json_t *wanted, const json_t *conversation) {
    size_t i;
    json_t *one;
    json_array_foreach(wanted, i, one) {
        const char *kind = json_string_value(json_array_get(one, 0));
        const char *value = json_string_value(json_array_get(one, 1));
        const char *path = json_string_value(json_array_get(one, 2));
        ck_assert_msg(sample_has(&sample, kind, value, path), "%s: %s %s at %s is missing", file,
                      kind, value, path);
    }
    ck_assert_msg(!wanted || sample.count == json_array_size(wanted), "%s: %zu identifiers", file,
                  sample.count);
    const struct identifier *primary = extract_conversation_id(sample.extract);
    expect_text(conversation, "the conversation", primary ? primary->value : bytes_text(""));
}

static void expect_error(const json_t *wanted) {
    const struct bytes have[] = {sample.head.error_type, sample.head.error_code,
                                 sample.head.error_message};
    static const char *const names[] = {"error type", "error code", "error message"};
    for (size_t i = 0; wanted && i < 3; i++)
        expect_text(json_array_get(wanted, i), names[i], have[i]);
}

static void expect_verdict(const json_t *expect) {
    const struct outcome outcome = {.http_end = HTTP_answered,
                                    .status = sample.extract->answer.status,
                                    .has_left = true,
                                    .body = buf_bytes(&body),
                                    .head = buf_bytes(&headers),
                                    .words = ""};
    struct verdict verdict;
    classify(sample.api, adapter_for(sample.api->shape), &outcome, &scan, &verdict);
    expect_text(json_object_get(expect, "class"), "the class",
                bytes_text(call_class_name(verdict.class)));
    expect_text(json_object_get(expect, "reason"), "the reason", bytes_text(verdict.reason));
}

START_TEST(an_answer_is_read_as_it_is_meant) {
    file = files[_i];
    json_error_t error;
    json_t *golden = json_load_file(file, 0, &error), *word;
    size_t i;
    ck_assert_msg(golden, "%s:%d: %s", file, error.line, error.text);
    const json_t *expect = json_object_get(golden, "expect");
    ck_assert_msg(json_object_get(expect, "class"), "%s expects no class", file);
    read_golden(golden);
    expect_text(json_object_get(expect, "refusal"), "the refusal",
                bytes_text(sample.refusal ? sample.refusal : ""));
    expect_text(json_object_get(expect, "finish"), "the finish", sample.head.finish);
    expect_text(json_object_get(expect, "finish_raw"), "the raw finish", sample.head.finish_raw);
    expect_text(json_object_get(expect, "model"), "the model", sample.head.model);
    expect_text(json_object_get(expect, "tier"), "the tier", sample.head.service_tier);
    expect_numbers(expect);
    expect_message(json_object_get(expect, "message"));
    expect_identifiers(json_object_get(expect, "identifiers"),
                       json_object_get(expect, "conversation"));
    expect_error(json_object_get(expect, "error"));
    json_array_foreach(json_object_get(expect, "no_metadata"), i, word)
        ck_assert_msg(!memmem(sample.head.metadata.at, sample.head.metadata.size,
                              json_string_value(word), json_string_length(word)),
                      "%s: %s is in the metadata", file, json_string_value(word));
    expect_verdict(expect);
    json_decref(golden);
}
END_TEST

int main(void) {
    list_folder(GOLDEN_FOLDER);
    if (file_count == 0) {
        printf("no answers in %s\n", GOLDEN_FOLDER);
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("golden");
    TCase *tcase = tcase_create("answers");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, an_answer_is_read_as_it_is_meant, 0, file_count);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
