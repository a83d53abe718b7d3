// Real answers, recorded by public projects and kept outside this project: where the folder is
// absent this says "skipped" and passes. That each has its message, and that no part of a stream
// passes for the whole; what is found in them scripts/check-recordings compares with the documents
// themselves and with another reading.

#include "common/mem.h"
#include "tests/unit/extractor/recorded.h"
#include "tests/unit/extractor/recordings.h"
#include "tests/unit/extractor/samples.h"
#include "workers/provider/classify.h"

#include <check.h>
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

// ---- Answers. ----------------------------------------------------------------------------------

// Whether it is no answer but something else that the API says: a state of one that is not there
// yet, a compaction, a count of tokens.
static bool is_other(const struct sample *sample) {
    return sample->refusal && (strcmp(sample->refusal, "no_response") == 0 ||
                               strcmp(sample->refusal, "response_not_finished") == 0);
}

// An answer that is not recognised as one was paid for and is lost to the conversation.
START_TEST(answers_have_their_message_and_errors_their_words) {
    const struct source *source = &sources[_i];
    if (is_absent(source))
        return;
    struct sample sample;
    struct recording recording;
    struct buf stream;
    unsigned number = 0, answers = 0, failed = 0, others = 0;
    buf_init(&stream, 16 << 20);
    sample_open(&sample);
    sample_api(&sample, source->provider, source->api);
    for (; next_recording(source, &recording, &sample, &number, &stream);
         recording_release(&recording)) {
        if (recording.is_stream)
            continue;
        bool has_error = sample.refusal && strcmp(sample.refusal, "error_in_answer") == 0;
        bool is_answer = !sample.refusal && recording.status / 100 == 2;
        ck_assert_msg(!sample.refusal || has_error || is_other(&sample), "%s: %s", recording.name,
                      sample.refusal);
        // One that was filtered, or is of the API before, may have none.
        bool is_complete = is_answer && (bytes_is(sample.head.finish, "stop") ||
                                         bytes_is(sample.head.finish, "tool_calls"));
        ck_assert_msg(!is_complete || sample.head.message.size > 0, "%s: no message",
                      recording.name);
        ck_assert_msg(!is_answer || sample.head.finish.size > 0, "%s: no end", recording.name);
        ck_assert_msg(!has_error || sample.head.error_message.size > 0, "%s", recording.name);
        answers++;
        failed += !is_answer;
        others += is_other(&sample);
    }
    printf("%s: %u answers (%u are errors, %u something else)\n", source->folder, answers,
           failed - others, others);
    ck_assert(source->are_no_answers || (answers > failed && others * 6 < answers));
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

// What was streamed is an answer, and no beginning of it is.
START_TEST(streams_amount_to_answers) {
    const struct source *source = &sources[_i];
    if (is_absent(source) || source->are_no_answers)
        return;
    struct sample sample;
    struct recording recording;
    struct buf stream;
    unsigned number = 0, streams = 0, endless = 0, failed = 0, cuts = 0;
    buf_init(&stream, 16 << 20);
    sample_open(&sample);
    sample_api(&sample, source->provider, source->api);
    for (; next_recording(source, &recording, &sample, &number, &stream);
         recording_release(&recording)) {
        if (!recording.is_stream || recording.status != 200)
            continue;
        struct bytes body = sample.extract->answer.body;
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
        if (!is_put_together(&recording)) // some of those are two streams
            cuts += check_cuts(&sample, body);
    }
    printf("%s: %u streams (%u failed, %u recorded without their end), %u cuts\n", source->folder,
           streams, failed, endless, cuts);
    ck_assert_uint_gt(streams, endless + failed);
    sample_close(&sample);
    buf_release(&stream);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("recordings");
    TCase *all = tcase_create("recordings");
    tcase_set_timeout(all, 120);
    tcase_add_loop_test(all, answers_have_their_message_and_errors_their_words, 0, SOURCES);
    tcase_add_loop_test(all, streams_amount_to_answers, 0, SOURCES);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
