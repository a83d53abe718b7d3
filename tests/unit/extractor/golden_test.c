// Answers of our own making, tests/golden/answers/SHAPE/NAME.json: an answer as a provider gives
// it ("body", or the events of a "stream") and what is to be found in it. What a file does not
// expect it does not judge.
#include "common/mem.h"
#include "common/rating.h"
#include "tests/unit/extractor/samples.h"

#include <check.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t at_ms = 1785000000000; // 2026-07-25, for prices

static struct sample sample;
static struct buf body;

static void set_up(void) {
    sample_open(&sample);
    buf_init(&body, 1 << 20);
}

static void tear_down(void) {
    sample_close(&sample);
    buf_release(&body);
}

static const char *text_of(json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

static void put_json(json_t *value) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    buf_text(&body, text);
    mem_free(text);
}

static void read_answer(json_t *file) {
    json_t *event, *stream = json_object_get(file, "stream");
    size_t i;
    buf_reset(&body);
    json_array_foreach(stream, i, event) {
        buf_text(&body, "data: ");
        if (json_is_string(event)) // data that are no JSON, as they stand
            buf_text(&body, json_string_value(event));
        else
            put_json(event);
        buf_text(&body, "\n\n");
    }
    if (!stream)
        put_json(json_object_get(file, "body"));
    sample_api(&sample, text_of(file, "provider"), text_of(file, "api"));
    sample_read(&sample, (unsigned)json_integer_value(json_object_get(file, "status")),
                text_of(file, "headers"), buf_bytes(&body));
}

static void check_text(json_t *expect, const char *name, struct bytes found, const char *path) {
    const char *text = text_of(expect, name);
    ck_assert_msg(!text || bytes_is(found, text), "%s: %s is %.*s", path, name, (int)found.size,
                  (const char *)found.at);
}

static struct counters counters_of(const struct facts_head *head) {
    return (struct counters){.in_uncached = head->in_uncached,
                             .in_cached = head->in_cached,
                             .in_cache_write = head->in_cache_write,
                             .in_cache_write_1h = head->in_cache_write_1h,
                             .in_audio = head->in_audio,
                             .in_image = head->in_image,
                             .in_tool_use = head->in_tool_use,
                             .out_visible = head->out_visible,
                             .out_reasoning = head->out_reasoning,
                             .out_audio = head->out_audio,
                             .out_image = head->out_image,
                             .web_searches = head->web_searches};
}

static void check_usage(json_t *expect, const char *path) {
    const struct facts_head *head = &sample.head;
    const struct {
        const char *name;
        int64_t count;
    } found[] = {
        {"in_uncached", head->in_uncached},
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
        {"total_stated", head->total_stated},
        {"is_inconsistent", head->is_inconsistent},
    };
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(expect, "usage"), name, value) {
        bool is_known = false;
        int64_t wanted = json_is_boolean(value) ? json_is_true(value) : json_integer_value(value);
        for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++) {
            if (strcmp(found[i].name, name) != 0)
                continue;
            is_known = true;
            ck_assert_msg(found[i].count == wanted, "%s: %s is %lld", path, name,
                          (long long)found[i].count);
        }
        ck_assert_msg(is_known, "%s: there is no %s", path, name);
    }
}

static void check_cost(json_t *expect, const char *path) {
    json_t *cost = json_object_get(expect, "cost_pusd");
    struct counters counters = counters_of(&sample.head);
    struct rating rating;
    if (!cost)
        return;
    rating_of(sample.catalogue, bytes_text(sample.api->provider), sample.head.model,
              sample.head.service_tier, at_ms, &counters, &rating);
    ck_assert_msg(rating.is_priced && rating.pusd == json_integer_value(cost),
                  "%s: costs %lld (%s)", path, (long long)rating.pusd,
                  rating.unpriced ? rating.unpriced : "");
}

static void check_identifiers(json_t *expect, const char *path) {
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(expect, "identifiers"), i, one) {
        const char *parts[3];
        for (size_t k = 0; k < 3; k++)
            parts[k] = json_string_value(json_array_get(one, k));
        ck_assert_msg(sample_has(&sample, parts[0], parts[1], parts[2]), "%s: %s %s is missing",
                      path, parts[0], parts[1]);
    }
}

static void check_message(json_t *expect, const char *path) {
    json_t *message = json_object_get(expect, "message"), *found = NULL;
    if (!message)
        return;
    ck_assert_msg(json_parse(sample.head.message, &found, NULL, 0) == ERR_OK, "%s: no message",
                  path);
    ck_assert_msg(json_equal(message, found), "%s: the message is %.*s", path,
                  (int)sample.head.message.size, (const char *)sample.head.message.at);
    json_decref(found);
}

// What is content must not be among the metadata, which logs and reports may show.
static void check_hidden(json_t *expect, const char *path) {
    struct bytes metadata = sample.head.metadata;
    json_t *text;
    size_t i;
    json_array_foreach(json_object_get(expect, "hidden"), i, text) ck_assert_msg(
        !memmem(metadata.at, metadata.size, json_string_value(text), json_string_length(text)),
        "%s: %s is in the metadata", path, json_string_value(text));
}

static void check_answer(json_t *file, const char *path) {
    json_t *expect = json_object_get(file, "expect");
    const char *refusal = text_of(expect, "refusal");
    read_answer(file);
    ck_assert_msg(refusal ? sample.refusal && strcmp(sample.refusal, refusal) == 0
                          : !sample.refusal,
                  "%s: %s", path, sample.refusal ? sample.refusal : "no refusal");
    check_text(expect, "finish", sample.head.finish, path);
    check_text(expect, "finish_raw", sample.head.finish_raw, path);
    check_text(expect, "model", sample.head.model, path);
    check_text(expect, "service_tier", sample.head.service_tier, path);
    check_text(expect, "error_type", sample.head.error_type, path);
    check_text(expect, "error_code", sample.head.error_code, path);
    check_text(expect, "error_message", sample.head.error_message, path);
    check_usage(expect, path);
    check_cost(expect, path);
    check_identifiers(expect, path);
    check_message(expect, path);
    check_hidden(expect, path);
}

// Each of these is a bill, a name or a reason that somebody relies on.
START_TEST(golden_answers_are_read_as_they_are_meant) {
    glob_t found;
    ck_assert_int_eq(glob(GOLDEN_ANSWERS "/*/*.json", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        json_error_t error;
        json_t *file = json_load_file(found.gl_pathv[i], 0, &error);
        ck_assert_msg(file != NULL, "%s: %s", found.gl_pathv[i], error.text);
        check_answer(file, found.gl_pathv[i]);
        json_decref(file);
    }
    ck_assert_uint_gt(found.gl_pathc, 20);
    globfree(&found);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("golden");
    TCase *answers = tcase_create("answers");
    tcase_add_checked_fixture(answers, set_up, tear_down);
    tcase_add_test(answers, golden_answers_are_read_as_they_are_meant);
    suite_add_tcase(suite, answers);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
