// Real answers, recorded by public projects and kept outside this project: where the folder is
// absent this says "skipped" and passes. Usage and price are compared with an independent
// reading of the same answers.

#include "common/mem.h"
#include "common/money.h"
#include "tests/unit/extractor/recorded.h"
#include "tests/unit/extractor/recordings.h"
#include "tests/unit/extractor/samples.h"
#include "workers/provider/classify.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { RECORDINGS_MAX = 2000 };

static bool is_absent(const struct source *source) {
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/fixtures/open/%s", SHARED_FOLDER, source->folder);
    if (access(path, R_OK) == 0)
        return false;
    printf("skipped: no recordings in %s\n", path);
    return true;
}

static bool is_of(const struct source *source, const struct recording *recording) {
    uint32_t flavor = json_find(&recording->scan, 0, "flavor");
    return !source->flavor ||
           (flavor && bytes_is(json_text(&recording->scan, flavor, NULL), source->flavor));
}

// Reads a recording; false after the last.
static bool next_recording(const struct source *source, struct recording *recording,
                           struct sample *sample, unsigned *number, struct buf *stream) {
    for (;; recording_release(recording)) {
        if (++*number >= RECORDINGS_MAX)
            return false;
        char name[RECORDING_NAME_SIZE];
        (void)snprintf(name, sizeof(name), "open/%s/%04u.json", source->folder, *number);
        if (!recording_open(recording, name)) {
            if (*number > 200)
                return false;
            continue;
        }
        if (!is_of(source, recording))
            continue;
        struct bytes body =
            recording->is_stream ? recording_stream(recording, stream) : recording->body;
        sample_read(sample, recording->status, buf_cstr(&recording->headers), body);
        return true;
    }
}

// ---- Each identifier and each field is there. --------------------------------------------------

static bool is_id_name(const char *name) {
    size_t size = strlen(name);
    return strcmp(name, "id") == 0 || (size > 3 && strcmp(name + size - 3, "_id") == 0) ||
           (size > 3 && strcmp(name + size - 2, "Id") == 0) ||
           (size > 12 && strcmp(name + size - 12, "_fingerprint") == 0);
}

static unsigned check_ids(const struct sample *sample, const char *file, json_t *value) {
    const char *name;
    json_t *member;
    size_t i;
    unsigned checked = 0;
    json_object_foreach(value, name, member) {
        const char *text = json_string_value(member);
        if (is_id_name(name) && text && *text) {
            ck_assert_msg(sample_has(sample, NULL, text, NULL), "%s: %s %s is missing", file, name,
                          text);
            checked++;
        }
        checked += check_ids(sample, file, member);
    }
    json_array_foreach(value, i, member) checked += check_ids(sample, file, member);
    return checked;
}

static bool is_id_header(struct bytes name) {
    static const char *const names[] = {"x-request-id",   "cf-ray",
                                        "openai-project", "openai-organization",
                                        "traceresponse",  "x-client-request-id"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (bytes_is(name, names[i]))
            return true;
    return name.size > 3 && memcmp(name.at + name.size - 3, "-id", 3) == 0;
}

static unsigned check_header_ids(const struct sample *sample, const struct recording *recording) {
    struct json_scan scan;
    struct buf text;
    unsigned checked = 0;
    json_scan_init(&scan);
    buf_init(&text, 1 << 16);
    ck_assert_int_eq(json_scan(&scan, sample->head.headers, NULL), ERR_OK);
    for (uint32_t i = 1; i < scan.count; i = scan.nodes[i].end) {
        struct bytes name = bytes_of(scan.text.at + scan.nodes[i].name_at, scan.nodes[i].name_size);
        if (!is_id_header(name) || scan.nodes[i].shape != JSON_SHAPE_text)
            continue;
        char value[256], path[256];
        struct bytes words = json_text(&scan, i, &text);
        if (words.size == 0)
            continue;
        (void)snprintf(value, sizeof(value), "%.*s", (int)words.size, (const char *)words.at);
        (void)snprintf(path, sizeof(path), "header:%.*s", (int)name.size, (const char *)name.at);
        ck_assert_msg(sample_has(sample, NULL, value, path), "%s: %s is missing", recording->name,
                      path);
        checked++;
    }
    json_scan_release(&scan);
    buf_release(&text);
    return checked;
}

static unsigned check_fields(const struct source *source, json_t *original, json_t *metadata,
                             const char *owner, const char *file) {
    const char *name;
    json_t *member;
    size_t i;
    unsigned checked = 0;
    json_object_foreach(original, name, member) {
        if (is_content(source, name, owner))
            continue;
        ck_assert_msg(json_object_get(metadata, name), "%s: field %s is lost", file, name);
        checked += 1 + check_fields(source, member, json_object_get(metadata, name), name, file);
    }
    if (json_is_array(original))
        ck_assert_uint_eq(json_array_size(original), json_array_size(metadata));
    json_array_foreach(original, i, member) checked +=
        check_fields(source, member, json_array_get(metadata, i), owner, file);
    if (!json_is_object(original) && !json_is_array(original))
        ck_assert_msg(json_equal(original, metadata), "%s: a field of %s differs", file, owner);
    return checked;
}

// Some numbers are larger than an integer.
static enum err parse(struct bytes text, json_t **out) {
    *out = json_loadb((const char *)text.at, text.size, JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY,
                      NULL);
    return *out ? ERR_OK : ERR_MALFORMED;
}

// Whether it is no answer but something else that the API says: a state of one that is not there
// yet, a compaction, a count of tokens.
static bool is_other(const struct sample *sample) {
    return sample->refusal && (strcmp(sample->refusal, "no_response") == 0 ||
                               strcmp(sample->refusal, "response_not_finished") == 0);
}

// An answer's identifier that is not found cannot be handed to the provider's support, and a
// field that is dropped is gone for whoever needs it later.
START_TEST(every_identifier_and_every_field_outside_the_content_is_found) {
    const struct source *source = &sources[_i];
    if (is_absent(source))
        return;
    struct sample sample;
    struct recording recording;
    struct buf stream;
    unsigned number = 0, answers = 0, others = 0, ids = 0, fields = 0;
    buf_init(&stream, 16 << 20);
    sample_open(&sample);
    sample_api(&sample, source->provider, source->api);
    for (; next_recording(source, &recording, &sample, &number, &stream);
         recording_release(&recording)) {
        if (!recording.is_stream) {
            json_t *body, *metadata = NULL;
            bool has_error = sample.refusal && strcmp(sample.refusal, "error_in_answer") == 0;
            ck_assert_msg(!sample.refusal || has_error || is_other(&sample), "%s: %s",
                          recording.name, sample.refusal);
            ck_assert(sample.refusal || sample.head.finish.size > 0);
            ck_assert_msg(!has_error || sample.head.error_message.size > 0, "%s", recording.name);
            ck_assert_int_eq(parse(recording.body, &body), ERR_OK);
            ck_assert_int_eq(parse(sample.head.metadata, &metadata), ERR_OK);
            ids += check_ids(&sample, recording.name, body);
            fields += check_fields(source, body, metadata, "", recording.name);
            json_decref(body);
            json_decref(metadata);
            answers++;
            others += is_other(&sample);
        }
        ids += check_header_ids(&sample, &recording);
    }
    printf("%s: %u answers (%u are something else): %u identifiers, %u fields outside the "
           "content\n",
           source->folder, answers, others, ids, fields);
    ck_assert_uint_gt(answers, 0);
    ck_assert_uint_gt(ids, answers / 2); // Vertex has answers without any
    ck_assert(others * 6 < answers || source->are_no_answers);
    sample_close(&sample);
    buf_release(&stream);
}
END_TEST

// ---- Usage and price. --------------------------------------------------------------------------

static int64_t stated(json_t *usage, const char *name) {
    json_t *value = json_object_get(usage, name);
    return value ? (int64_t)json_integer_value(value) : 0;
}

static struct counters counters_of(const struct facts_head *head) {
    return (struct counters){head->in_uncached, head->in_cached,         head->in_cache_write,
                             head->in_audio,    head->out_visible,       head->out_reasoning,
                             head->out_audio,   head->in_cache_write_1h, head->web_searches,
                             head->in_tool_use, head->in_image,          head->out_image};
}

static int64_t at_least_0(int64_t count) {
    return count < 0 ? 0 : count;
}

static const char *accepted(const struct source *source, json_t *line, const char *file,
                            const char *what) {
    const char *model = json_string_value(json_object_get(line, "model"));
    for (size_t i = 0; i < sizeof(differences) / sizeof(*differences); i++)
        if (strcmp(source->folder, differences[i].folder) == 0 &&
            strcmp(what, differences[i].what) == 0 &&
            (begins(model, differences[i].model) ||
             begins(strrchr(file, '/') + 1, differences[i].model)))
            return differences[i].reason;
    return NULL;
}

static void check_usage(const struct source *source, const struct sample *sample, json_t *line,
                        const char *file) {
    json_t *usage = json_object_get(line, "usage");
    struct counters c = counters_of(&sample->head);
    const struct {
        const char *what;
        int64_t ours, other;
    } pairs[] = {
        {"input", counters_in(&c), stated(usage, "input_tokens")},
        {"output", counters_out(&c), stated(usage, "output_tokens")},
        {"read", at_least_0(c.in_cached), stated(usage, "cache_read_tokens")},
        {"write", at_least_0(c.in_cache_write) + at_least_0(c.in_cache_write_1h),
         stated(usage, "cache_write_tokens")},
        {"write for an hour", at_least_0(c.in_cache_write_1h),
         stated(usage, "cache_write_1h_tokens")},
        {"searches", source->has_other_searches ? at_least_0(c.web_searches) : 0,
         source->has_other_searches ? stated(usage, "web_searches") : 0},
        {"audio", at_least_0(c.out_audio), stated(usage, "output_audio_tokens")},
        // The other reading takes the counters at the top, where they are not all that was billed.
        {"inconsistent", sample->head.is_inconsistent, sample->extract->is_beyond},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
        ck_assert_msg(pairs[i].ours == pairs[i].other ||
                          accepted(source, line, file, pairs[i].what),
                      "%s: %s: %lld, not %lld", file, pairs[i].what, (long long)pairs[i].ours,
                      (long long)pairs[i].other);
}

static int64_t unix_ms(const char *stamp) {
    int year, month, day, hour, minute, second;
    ck_assert_int_eq(
        sscanf(stamp, "%d-%d-%dT%d:%d:%d", &year, &month, &day, &hour, &minute, &second), 6);
    int y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
    int64_t days = 365ll * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
    return ((days * 24 + hour) * 60 + minute) * 60000 + second * 1000ll;
}

// What the answer says that it costs, as it says it; negative: nothing.
static double stated_cost(const struct sample *sample) {
    json_t *usage = NULL;
    double cost = -1;
    if (json_parse(sample->head.usage, &usage, NULL, 0) != ERR_OK)
        return cost;
    json_t *usd = json_object_get(usage, "cost"),
           *ticks = json_object_get(usage, "cost_in_usd_ticks");
    if (json_is_number(usd))
        cost = json_number_value(usd);
    else if (json_is_number(ticks))
        cost = json_number_value(ticks) / 1e10;
    json_t *details = json_object_get(usage, "cost_details");
    if (json_is_true(json_object_get(usage, "is_byok")))
        cost += json_number_value(json_object_get(details, "upstream_inference_cost"));
    json_decref(usage);
    return cost;
}

struct tally {
    unsigned compared, same, differ, stated, unpriced_there;
};

static bool is_near(double a, double b) {
    return a > b * 0.999 - 1e-12 && a < b * 1.001 + 1e-12;
}

// A cost that the provider states holds; else the price is that of the other reading, or there is
// a reason.
static void check_price(const struct source *source, const struct sample *sample, json_t *line,
                        const char *file, struct tally *tally) {
    const char *model = json_string_value(json_object_get(line, "model"));
    json_t *price = json_object_get(line, "price");
    double cost = stated_cost(sample);
    if (cost >= 0) {
        double ours = (double)sample->head.cost_stated_pusd / (double)PUSD_PER_USD;
        ck_assert_msg(is_near(ours, cost), "%s: states %.12f, not %.12f", file, cost, ours);
        tally->stated++;
        return;
    }
    ck_assert_msg(sample->head.cost_stated_pusd <= 0, "%s: states no cost", file);
    if (!json_is_object(price)) {
        tally->unpriced_there++;
        return;
    }
    struct counters c = counters_of(&sample->head);
    int64_t at_ms = unix_ms(json_string_value(json_object_get(line, "timestamp")));
    struct bytes provider = bytes_text(source->provider), served = sample->head.model;
    const char *reason = accepted(source, line, file, "price");
    struct rating rating;
    if (served.size == 0) // the answer does not say it, and the one that was asked for holds
        served = bytes_text(model);
    c.web_searches = source->has_other_searches ? c.web_searches : -1;
    rating_of(sample->catalogue, provider, served, sample->head.service_tier, at_ms, &c, &rating);
    if (!reason)
        ck_assert_msg(rating.is_priced, "%s: %s is unpriced: %s", file, model, rating.unpriced);
    // The other price does not know the tier, so that the comparison leaves it out as well.
    rating_of(sample->catalogue, provider, served, bytes_text(""), at_ms, &c, &rating);
    double other = json_number_value(json_object_get(price, "total"));
    double ours = (double)rating.pusd / (double)PUSD_PER_USD;
    bool is_same = rating.is_priced && is_near(ours, other);
    ck_assert_msg(is_same || reason, "%s: %s costs %.9f, not %.9f (%s, %s)", file, model, ours,
                  other, rating.price_name, rating.tier);
    tally->same += is_same;
    tally->differ += !is_same;
}

static json_t *oracle_of(const struct source *source, const char *path, const char *name) {
    if (source->is_alone)
        return NULL;
    size_t size = 0;
    char *text = recorded_file(path, &size);
    json_t *found = NULL;
    for (char *at = text, *next; at && *at && !found; at = next) {
        next = strchr(at, '\n');
        next = next ? next + 1 : at + strlen(at);
        char *mark = memmem(at, (size_t)(next - at), name, strlen(name));
        if (mark && mark - at < 32)
            found = json_loadb(at, (size_t)(next - at), JSON_DISABLE_EOF_CHECK, NULL);
    }
    mem_free(text);
    return found;
}

// A counter that is read wrongly, or a price that is not the model's, is a wrong bill.
START_TEST(usage_and_price_agree_with_an_independent_reading) {
    const struct source *source = &sources[_i];
    if (is_absent(source) || source->are_no_answers)
        return;
    struct sample sample;
    struct recording recording;
    struct buf stream;
    unsigned number = 0;
    struct tally tally = {0};
    buf_init(&stream, 16 << 20);
    sample_open(&sample);
    sample_api(&sample, source->provider, source->api);
    for (; next_recording(source, &recording, &sample, &number, &stream);
         recording_release(&recording)) {
        json_t *line = recording.is_stream
                           ? NULL
                           : oracle_of(source, SHARED_FOLDER "/oracle/open.jsonl", recording.name);
        if (source->is_alone && !recording.is_stream) {
            ck_assert_msg(sample.head.has_usage && sample.head.total_stated > 0 &&
                              !sample.head.is_inconsistent,
                          "%s: inconsistent", recording.name);
            tally.compared++;
        }
        if (!line)
            continue;
        if (json_is_object(json_object_get(line, "usage"))) {
            check_usage(source, &sample, line, recording.name);
            if (!is_other(&sample)) {
                check_price(source, &sample, line, recording.name, &tally);
                tally.compared++;
            }
        }
        json_decref(line);
    }
    printf("%s: %u answers compared: all counters equal or explained; %u costs stated, %u prices "
           "equal, %u "
           "differ for a reason, %u have no other price\n",
           source->folder, tally.compared, tally.stated, tally.same, tally.differ,
           tally.unpriced_there);
    sample_close(&sample);
    buf_release(&stream);
}
END_TEST

// ---- Streams. ----------------------------------------------------------------------------------

// A recording that was put together from its events lacks what is no event of JSON: its end.
static bool is_put_together(const struct recording *recording) {
    uint32_t notes = json_find(&recording->scan, 0, "notes");
    return notes != 0 && json_find(&recording->scan, notes, "sse_reconstructed") != 0;
}

static bool has_no_end(const struct recording *recording, const struct sample *sample) {
    return is_put_together(recording) && sample->refusal &&
           strcmp(sample->refusal, "stream_incomplete") == 0;
}

// Some recordings of one API are another's: this one OpenRouter's, which gives no choice a reason.
static bool is_foreign(const struct source *source, const char *file, struct bytes stream) {
    static const char chunk[] = "\"chat.completion.chunk\"";
    return strcmp(file, "open/openai-chat/0126.json") == 0 ||
           (strcmp(source->api, "chat") != 0 &&
            memmem(stream.at, stream.size, chunk, strlen(chunk)) != NULL);
}

static unsigned check_events(const struct sample *sample, const char *file, struct bytes stream) {
    struct sse sse;
    struct sse_event event;
    unsigned ids = 0;
    sse_init(&sse);
    while (sse_next(&sse, stream, true, &event) == SSE_event) {
        json_t *data = json_loadb((const char *)event.data.at, event.data.size, 0, NULL);
        ids += check_ids(sample, file, data);
        json_decref(data);
    }
    sse_release(&sse);
    return ids;
}

// What a worker makes of such an answer.
static enum call_class class_of(const struct sample *sample, struct bytes body) {
    const struct outcome outcome = {.http_end = HTTP_answered,
                                    .status = 200,
                                    .has_left = true,
                                    .head = bytes_text("content-type: text/event-stream\r\n"),
                                    .body = body,
                                    .words = ""};
    struct json_scan scan;
    struct verdict verdict;
    json_scan_init(&scan);
    classify(sample->api, adapter_for(sample->api->shape), &outcome, &scan, &verdict);
    json_scan_release(&scan);
    return verdict.class;
}

// Cut behind any event but the last, it is no answer, for the extractor or for the worker.
static unsigned check_cuts(struct sample *sample, struct bytes stream) {
    struct sse sse;
    struct sse_event event;
    unsigned cuts = 0;
    size_t before = 0;
    sse_init(&sse);
    while (sse_next(&sse, stream, true, &event) == SSE_event) {
        // Where an event of its own says the end, it ends before this, where it has this at all.
        bool ends_before = strcmp(sample->api->shape, "openai.responses") == 0 ||
                           strcmp(sample->api->shape, "gemini.interactions") == 0;
        if (ends_before && bytes_is(event.data, "[DONE]"))
            break;
        sample_read(sample, 200, "", bytes_of(stream.at, before));
        ck_assert(sample->refusal && sample->head.message.size == 0);
        ck_assert_int_ne(class_of(sample, bytes_of(stream.at, before)), CLASS_success);
        before = sse.at;
        cuts++;
    }
    sse_release(&sse);
    return cuts;
}

// What was streamed is the answer that it would have been without: with its names and its price.
START_TEST(streams_amount_to_answers) {
    const struct source *source = &sources[_i];
    if (is_absent(source) || source->are_no_answers)
        return;
    struct sample sample;
    struct recording recording;
    struct buf stream;
    unsigned number = 0, streams = 0, endless = 0, failed = 0, ids = 0, compared = 0, cuts = 0;
    buf_init(&stream, 16 << 20);
    sample_open(&sample);
    sample_api(&sample, source->provider, source->api);
    for (; next_recording(source, &recording, &sample, &number, &stream);
         recording_release(&recording)) {
        if (!recording.is_stream || recording.status != 200)
            continue;
        struct bytes body = sample.extract->answer.body;
        ids += check_events(&sample, recording.name, body);
        streams++;
        bool is_failed = sample.refusal && strcmp(sample.refusal, "error_in_answer") == 0;
        if (is_failed || has_no_end(&recording, &sample) ||
            is_foreign(source, recording.name, body)) {
            ck_assert_ptr_nonnull(sample.refusal);
            ck_assert(!is_failed || sample.head.error_message.size > 0);
            failed += is_failed;
            endless += !is_failed;
            continue;
        }
        ck_assert_msg(!sample.refusal, "%s: %s", recording.name, sample.refusal);
        ck_assert_msg(sample.head.message.size > 0, "%s: no message", recording.name);
        ck_assert_msg(class_of(&sample, body) == CLASS_success, "%s: no success", recording.name);
        json_t *line =
            oracle_of(source, SHARED_FOLDER "/oracle/open.streams.jsonl", recording.name);
        bool has_other = line && json_is_object(json_object_get(line, "usage"));
        if (has_other && sample.head.has_usage) // else it was not asked for
            check_usage(source, &sample, line, recording.name);
        compared += has_other && sample.head.has_usage;
        json_decref(line);
        if (!is_put_together(&recording)) // some of those are two streams
            cuts += check_cuts(&sample, body);
    }
    printf("%s: %u streams (%u failed, %u recorded without their end): %u identifiers, %u usages "
           "compared, %u cuts\n",
           source->folder, streams, failed, endless, ids, compared, cuts);
    ck_assert_uint_gt(streams, endless + failed);
    sample_close(&sample);
    buf_release(&stream);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("recordings");
    TCase *all = tcase_create("recordings");
    tcase_set_timeout(all, 120);
    tcase_add_loop_test(all, every_identifier_and_every_field_outside_the_content_is_found, 0,
                        SOURCES);
    tcase_add_loop_test(all, usage_and_price_agree_with_an_independent_reading, 0, SOURCES);
    tcase_add_loop_test(all, streams_amount_to_answers, 0, SOURCES);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
