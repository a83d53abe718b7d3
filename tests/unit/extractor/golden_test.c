// Answers of our own making in tests/golden/answers, a file for each API: what each amounts to, and
// what it means for the job. Each file is {"api": "provider.api", "answers": [{"name", "status",
// "headers", "body" (a value, or the text that was sent) or "stream" (the data of its events),
// "at" (when the call was made, like 2026-12-31T23:59:00Z; absent: in July 2026), "expect"}]}. Of
// each answer expect says the class, and the refusal and is_inconsistent where there are some. What
// else it says holds, and is complete: all of the counters that are stated, and all identifiers,
// [kind, value, path], in any order. metadata are some of its members, no_metadata words that may
// not stand in it, and conversation is the identifier that a conversation goes on by. A message
// that is null may not be there.
//
// "batches" are what the provider answers about a batch of its own: {"name", "url" (behind the
// API's base URL), "status", "headers", "body" or "lines" (a value each), "expect"}, where expect
// is a list: the batch itself first, of which a class is not expected, then each item. Of both it
// also says "api", and the "key" and "state" that they have.

#include "common/rating.h"
#include "tests/unit/extractor/samples.h"
#include "workers/extractor/batch.h"
#include "workers/provider/classify.h"

#include <check.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FILES_MAX = 64 };
static const int64_t usual_ms = 1785000000000; // 2026-07-25, for prices

static struct dirent **files;
static int file_count;

struct golden {
    struct sample sample;
    char name[512];
    const char *head;
    struct buf text;
    struct bytes body;
    unsigned status;
    const struct batch_item *item; // NULL: the answer came alone
    int64_t at_ms;                 // of the call
};

// ---- What is looked at. ------------------------------------------------------------------------

static void check_text(const struct golden *golden, const char *what, struct bytes ours,
                       const json_t *expected) {
    const char *text = expected ? json_string_value(expected) : "";
    ck_assert_msg(text && bytes_is(ours, text), "%s: %s is \"%.*s\", not \"%s\"", golden->name,
                  what, (int)ours.size, (const char *)ours.at, text ? text : "a text");
}

static void check_number(const struct golden *golden, const char *what, int64_t ours,
                         json_int_t expected) {
    ck_assert_msg(ours == expected, "%s: %s is %lld, not %lld", golden->name, what, (long long)ours,
                  (long long)expected);
}

static bool check_texts(const struct golden *golden, const char *what, const json_t *expected) {
    const struct facts_head *head = &golden->sample.head;
    const struct identifier *primary = extract_conversation_id(golden->sample.extract);
    const struct {
        const char *name;
        struct bytes ours;
    } texts[] = {
        {"model", head->model},
        {"finish", head->finish},
        {"finish_raw", head->finish_raw},
        {"service_tier", head->service_tier},
        {"error_type", head->error_type},
        {"error_code", head->error_code},
        {"error_message", head->error_message},
        {"conversation", primary ? primary->value : bytes_text("")},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (strcmp(what, texts[i].name) == 0) {
            check_text(golden, what, texts[i].ours, expected);
            return true;
        }
    return false;
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

// A counter that is not expected may not be stated.
static bool check_counters(const struct golden *golden, const char *what, const json_t *expected) {
    const struct facts_head *head = &golden->sample.head;
    const struct {
        const char *name;
        int64_t ours;
    } counters[] = {
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
        {"cost_stated_pusd", head->cost_stated_pusd},
    };
    size_t met = 0;
    if (strcmp(what, "counters") != 0)
        return false;
    for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++) {
        const json_t *number = json_object_get(expected, counters[i].name);
        check_number(golden, counters[i].name, counters[i].ours,
                     number ? json_integer_value(number) : -1);
        met += number != NULL;
    }
    ck_assert_msg(met == json_object_size(expected), "%s: a counter has no such name",
                  golden->name);
    return true;
}

static bool check_cost(const struct golden *golden, const char *what, const json_t *expected) {
    const struct sample *sample = &golden->sample;
    struct counters counters = counters_of(&sample->head);
    struct rating rating;
    if (strcmp(what, "cost_pusd") != 0)
        return false;
    rating_of(sample->catalogue, bytes_text(sample->api->provider), sample->head.model,
              sample->head.service_tier, golden->at_ms, &counters, &rating);
    ck_assert_msg(rating.is_priced, "%s: is unpriced: %s", golden->name, rating.unpriced);
    check_number(golden, what, rating.pusd, json_integer_value(expected));
    return true;
}

// How the call is judged: its class, the reason and the wait.
static bool check_verdict(const struct golden *golden, const char *what, const json_t *expected) {
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
        check_number(golden, what, (int64_t)verdict.retry_after_ms, json_integer_value(expected));
    else
        check_text(golden, what,
                   bytes_text(strcmp(what, "class") == 0 ? call_class_name(verdict.class)
                                                         : verdict.reason),
                   expected);
    return true;
}

static bool check_documents(const struct golden *golden, const char *what, json_t *expected) {
    bool is_message = strcmp(what, "message") == 0;
    if (!is_message && strcmp(what, "metadata") != 0)
        return false;
    struct bytes text = is_message ? golden->sample.head.message : golden->sample.head.metadata;
    json_t *ours = json_loadb((const char *)text.at, text.size, 0, NULL), *member;
    const char *name;
    ck_assert_msg((ours != NULL) != json_is_null(expected), "%s: the %s is %.*s", golden->name,
                  what, (int)text.size, (const char *)text.at);
    if (!ours)
        return true;
    if (is_message)
        ck_assert_msg(json_equal(ours, expected), "%s: the message is %.*s", golden->name,
                      (int)text.size, (const char *)text.at);
    json_object_foreach(expected, name, member)
        ck_assert_msg(json_equal(member, json_object_get(ours, name)), "%s: %s of the %s",
                      golden->name, name, what);
    json_decref(ours);
    return true;
}

// What is content must not be among the metadata, which logs and reports may show.
static bool check_hidden(const struct golden *golden, const char *what, const json_t *expected) {
    struct bytes metadata = golden->sample.head.metadata;
    size_t i;
    json_t *word;
    if (strcmp(what, "no_metadata") != 0)
        return false;
    json_array_foreach(expected, i, word) {
        const char *text = json_string_value(word);
        bool is_there = metadata.size > 0 && memmem(metadata.at, metadata.size, text, strlen(text));
        ck_assert_msg(!is_there, "%s: %s is in the metadata", golden->name, text);
    }
    return true;
}

static bool check_identifiers(const struct golden *golden, const char *what,
                              const json_t *expected) {
    size_t i;
    json_t *one;
    if (strcmp(what, "identifiers") != 0)
        return false;
    json_array_foreach(expected, i, one) {
        const char *parts[3];
        for (size_t k = 0; k < 3; k++)
            parts[k] = json_string_value(json_array_get(one, k));
        ck_assert_msg(sample_has(&golden->sample, parts[0], parts[1], parts[2]),
                      "%s: no %s %s at %s", golden->name, parts[0], parts[1], parts[2]);
    }
    check_number(golden, "the number of identifiers", (int64_t)golden->sample.count,
                 (json_int_t)json_array_size(expected));
    return true;
}

static bool check_item(const struct golden *golden, const char *what, const json_t *expected) {
    const struct batch_item *item = golden->item;
    char api[128];
    if (!item)
        return false;
    (void)snprintf(api, sizeof(api), "%s.%s", item->api->provider, item->api->api);
    const struct {
        const char *name;
        struct bytes ours;
    } texts[] = {{"api", bytes_text(api)}, {"key", item->key}, {"state", item->state}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (strcmp(what, texts[i].name) == 0) {
            check_text(golden, what, texts[i].ours, expected);
            return true;
        }
    return false;
}

static void check_answer(const struct golden *golden, json_t *expect) {
    const struct sample *sample = &golden->sample;
    const char *what;
    json_t *expected;
    bool is_batch = golden->item && golden->item->number == 0;
    ck_assert_msg(is_batch || json_object_get(expect, "class"), "%s expects no class",
                  golden->name);
    check_text(golden, "refusal", bytes_text(sample->refusal ? sample->refusal : ""),
               json_object_get(expect, "refusal"));
    check_number(golden, "is_inconsistent", sample->head.is_inconsistent,
                 json_is_true(json_object_get(expect, "is_inconsistent")));
    json_object_foreach(expect, what, expected) {
        bool is_known =
            strcmp(what, "refusal") == 0 || strcmp(what, "is_inconsistent") == 0 ||
            check_texts(golden, what, expected) || check_counters(golden, what, expected) ||
            check_cost(golden, what, expected) || check_verdict(golden, what, expected) ||
            check_documents(golden, what, expected) || check_hidden(golden, what, expected) ||
            check_identifiers(golden, what, expected) || check_item(golden, what, expected);
        ck_assert_msg(is_known, "%s: nobody knows %s", golden->name, what);
    }
}

// ---- Files. ------------------------------------------------------------------------------------

// A text is put as it is; any other value as its JSON.
static void put_value(struct buf *out, const json_t *value) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    buf_text(out, json_is_string(value) ? json_string_value(value) : text);
    free(text); // jansson's own
}

static void put_body(struct buf *out, const json_t *answer) {
    const json_t *stream = json_object_get(answer, "stream");
    const json_t *lines = json_object_get(answer, "lines");
    size_t i;
    json_t *data;
    buf_reset(out);
    if (!stream && !lines)
        put_value(out, json_object_get(answer, "body"));
    json_array_foreach(lines, i, data) {
        put_value(out, data);
        buf_byte(out, '\n');
    }
    json_array_foreach(stream, i, data) {
        buf_text(out, "data: ");
        put_value(out, data);
        buf_text(out, "\n\n");
    }
}

static int64_t moment_of(const json_t *answer) {
    const char *text = json_string_value(json_object_get(answer, "at"));
    struct tm day = {0};
    if (!text)
        return usual_ms;
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &day);
    ck_assert_msg(end && *end == 0, "%s is no moment", text);
    return (int64_t)timegm(&day) * 1000;
}

static void begin(struct golden *golden, const char *file, const json_t *answer) {
    (void)snprintf(golden->name, sizeof(golden->name), "%s: %s", file,
                   json_string_value(json_object_get(answer, "name")));
    golden->status = (unsigned)json_integer_value(json_object_get(answer, "status"));
    golden->head = json_string_value(json_object_get(answer, "headers"));
    golden->at_ms = moment_of(answer);
    put_body(&golden->text, answer);
    golden->body = buf_bytes(&golden->text);
}

static void read_item(struct golden *golden, const struct batch_item *item) {
    struct answer answer = batch_answer(item, bytes_text(golden->head));
    golden->item = item;
    golden->status = item->status;
    golden->head = item->number == 0 ? golden->head : "";
    golden->body = item->answer;
    golden->sample.api = item->api;
    sample_read_answer(&golden->sample, &answer);
}

static void read_batches(struct golden *golden, const char *file, const json_t *document) {
    const struct provider_api *api = golden->sample.api;
    struct batch batch;
    size_t i, k;
    json_t *one, *expect;
    batch_init(&batch);
    json_array_foreach(json_object_get(document, "batches"), i, one) {
        char url[512];
        begin(golden, file, one);
        (void)snprintf(url, sizeof(url), "%s%s", api->base_url,
                       json_string_value(json_object_get(one, "url")));
        struct recording recording = {
            .url = bytes_text(url), .status = golden->status, .body = golden->body};
        const struct batch_item *item = batch_open(&batch, golden->sample.catalogue, &recording);
        json_array_foreach(json_object_get(one, "expect"), k, expect) {
            ck_assert_msg(item && item->api, "%s: item %zu is not there", golden->name, k);
            read_item(golden, item);
            check_answer(golden, expect);
            item = batch_next(&batch);
        }
        ck_assert_msg(k > 0 && !item, "%s: more items than are expected", golden->name);
    }
    golden->item = NULL;
    batch_release(&batch);
}

static unsigned read_answers(struct golden *golden, const char *file, const json_t *document) {
    char api[64];
    (void)snprintf(api, sizeof(api), "%s", json_string_value(json_object_get(document, "api")));
    char *dot = strchr(api, '.');
    ck_assert_ptr_nonnull(dot);
    *dot = 0;
    sample_api(&golden->sample, api, dot + 1);
    size_t i;
    json_t *answer;
    json_array_foreach(json_object_get(document, "answers"), i, answer) {
        begin(golden, file, answer);
        sample_read(&golden->sample, golden->status, golden->head, golden->body);
        check_answer(golden, json_object_get(answer, "expect"));
    }
    read_batches(golden, file, document);
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
    buf_init(&golden.text, 1 << 20);
    ck_assert_uint_gt(read_answers(&golden, files[_i]->d_name, document), 0);
    buf_release(&golden.text);
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
