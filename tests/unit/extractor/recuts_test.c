// Streams of events, cut in two at every byte, and in as many pieces as they have bytes: their
// events are the same, and none is late. Taken are the streams among our own answers and, where
// they are there, the recorded ones, which stay outside the project.
//
// A cut is tried from where the reader stands behind the last event before it, which is looked at
// too: what comes after depends on nothing else. So a stream costs its events squared and not its
// bytes squared.

#include "common/mem.h"
#include "common/sse.h"
#include "tests/unit/extractor/recorded.h"

#include <check.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_MAX = 1 << 14, STREAM_BYTES_MAX = 16 << 20 };

// A stream as it is read in one piece.
struct stream {
    const char *name;
    struct bytes text;
    size_t count;                      // of events
    struct buf said;                   // what they say, one behind the other
    size_t said_at[EVENTS_MAX + 1];    // where each begins there
    struct sse stands[EVENTS_MAX + 1]; // how the reader stands before each, and behind the last
};

// The same stream in pieces.
struct cutting {
    const struct stream *stream;
    uint8_t *shown;   // what came so far, and behind it what would end every line
    struct sse bytes; // reads it as each byte comes
    struct sse two;   // reads it in two pieces
    size_t given;     // events that the first has given
    struct buf said;
};

static struct stream stream;
static glob_t folders, goldens;

// ---- in one piece -------------------------------------------------------------------------------

static void say(const struct sse_event *event, struct buf *out) {
    const struct bytes parts[] = {event->name, event->id, event->data};
    for (size_t i = 0; i < 3; i++) {
        buf_printf(out, "%zu:", parts[i].size);
        buf_put(out, parts[i].at, parts[i].size);
    }
    buf_byte(out, event->has_data ? ';' : '!');
}

static void read_in_one_piece(void) {
    struct sse sse;
    struct sse_event event;
    sse_init(&sse);
    buf_reset(&stream.said);
    stream.count = 0;
    stream.stands[0] = sse;
    while (sse_next(&sse, stream.text, true, &event) == SSE_event) {
        ck_assert_uint_lt(stream.count, EVENTS_MAX);
        stream.said_at[stream.count] = buf_bytes(&stream.said).size;
        say(&event, &stream.said);
        stream.stands[++stream.count] = sse;
    }
    stream.said_at[stream.count] = buf_bytes(&stream.said).size;
    ck_assert_int_eq(buf_state(&stream.said), ERR_OK);
    sse_release(&sse);
}

// ---- in pieces ----------------------------------------------------------------------------------

static void differ(const struct cutting *cutting, size_t cut, const char *what) {
    ck_abort_msg("%s, cut at %zu of %zu: %s", cutting->stream->name, cut,
                 cutting->stream->text.size, what);
}

// The event is that one, and the reader stands behind it.
static void check_event(struct cutting *cutting, const struct sse *sse, size_t number,
                        const struct sse_event *event, size_t cut) {
    const struct stream *whole = cutting->stream;
    if (number >= whole->count)
        differ(cutting, cut, "an event too many");
    const uint8_t *said = buf_bytes(&whole->said).at + whole->said_at[number];
    buf_reset(&cutting->said);
    say(event, &cutting->said);
    if (!bytes_equal(buf_bytes(&cutting->said),
                     bytes_of(said, whole->said_at[number + 1] - whole->said_at[number])))
        differ(cutting, cut, "an event says something else");
    if (sse->at != whole->stands[number + 1].at ||
        (sse->form == SSE_FORM_lines && sse->line != sse->at))
        differ(cutting, cut, "the reader stands elsewhere");
}

static bool is_place(struct sse_place a, struct sse_place b) {
    return a.at == b.at && a.size == b.size;
}

// What both will make of what comes next is the same.
static bool stand_alike(const struct sse *a, const struct sse *b) {
    return a->at == b->at && a->line == b->line && a->seen == b->seen &&
           is_place(a->name, b->name) && is_place(a->data, b->data) && is_place(a->id, b->id) &&
           a->data_lines == b->data_lines && a->form == b->form && a->depth == b->depth &&
           a->is_in_text == b->is_in_text && a->is_escaped == b->is_escaped &&
           a->has_element == b->has_element && a->is_broken == b->is_broken &&
           bytes_equal(buf_bytes(&a->joined), buf_bytes(&b->joined));
}

// Another byte has come: what ended with it is heard at once.
static void hear_byte(struct cutting *cutting, size_t cut) {
    struct sse_event event;
    while (sse_next(&cutting->bytes, bytes_of(cutting->shown, cut), false, &event) == SSE_event) {
        check_event(cutting, &cutting->bytes, cutting->given, &event, cut);
        cutting->given++;
        if (cutting->bytes.at != cut)
            differ(cutting, cut, "an event is late");
    }
}

// Reads on from behind that many events: up to the cut in one piece, then the next event in the
// other, which stands elsewhere in memory.
static void hear_two(struct cutting *cutting, size_t before, size_t cut) {
    struct sse *two = &cutting->two;
    struct sse_event event;
    sse_reset(two);
    struct buf joined = two->joined; // of an event that was heard nothing is needed any more
    *two = cutting->stream->stands[before];
    two->joined = joined;
    for (; sse_next(two, bytes_of(cutting->shown, cut), false, &event) == SSE_event; before++)
        check_event(cutting, two, before, &event, cut);
    if (before != cutting->given || !stand_alike(two, &cutting->bytes))
        differ(cutting, cut, "one piece and many leave the reader differently");
    if (sse_next(two, cutting->stream->text, true, &event) == SSE_event)
        check_event(cutting, two, before, &event, cut);
    else if (before != cutting->stream->count)
        differ(cutting, cut, "an event is missing");
}

static void hear_rest(struct cutting *cutting) {
    struct sse_event event;
    size_t size = cutting->stream->text.size;
    for (; sse_next(&cutting->bytes, cutting->stream->text, true, &event) == SSE_event;
         cutting->given++)
        check_event(cutting, &cutting->bytes, cutting->given, &event, size);
    if (cutting->given != cutting->stream->count)
        differ(cutting, size, "an event is missing");
}

static void cut_everywhere(const char *name, struct bytes text) {
    struct cutting cutting = {.stream = &stream, .shown = mem_new(text.size + 1)};
    stream.name = name;
    stream.text = text;
    read_in_one_piece();
    memset(cutting.shown, '\n', text.size + 1);
    sse_init(&cutting.bytes);
    sse_init(&cutting.two);
    buf_init(&cutting.said, STREAM_BYTES_MAX);
    for (size_t cut = 0; cut <= text.size; cut++) {
        size_t before = cutting.given;
        if (cut > 0)
            cutting.shown[cut - 1] = text.at[cut - 1];
        hear_byte(&cutting, cut);
        hear_two(&cutting, before, cut);
    }
    hear_rest(&cutting);
    sse_release(&cutting.bytes);
    sse_release(&cutting.two);
    buf_release(&cutting.said);
    mem_free(cutting.shown);
}

// ---- the streams --------------------------------------------------------------------------------

// Our own, with each line end: a recorded one has the server's.
START_TEST(our_own_streams_say_the_same_in_pieces) {
    static const char *const line_ends[] = {"\n", "\r\n", "\r"};
    json_t *file = json_load_file(goldens.gl_pathv[_i], 0, NULL), *answer, *data;
    struct buf text;
    size_t i, k;
    ck_assert_ptr_nonnull(file);
    buf_init(&text, STREAM_BYTES_MAX);
    buf_init(&stream.said, 2 * STREAM_BYTES_MAX);
    json_array_foreach(json_object_get(file, "answers"), i, answer) {
        for (size_t end = 0; json_object_get(answer, "stream") && end < 3; end++) {
            buf_reset(&text);
            json_array_foreach(json_object_get(answer, "stream"), k, data) {
                char *json = json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY);
                buf_printf(&text, "data: %s%s%s",
                           json_is_string(data) ? json_string_value(data) : json, line_ends[end],
                           line_ends[end]);
                free(json); // jansson's own
            }
            cut_everywhere(json_string_value(json_object_get(answer, "name")), buf_bytes(&text));
            ck_assert_uint_gt(stream.count, 0);
        }
    }
    buf_release(&stream.said);
    buf_release(&text);
    json_decref(file);
}
END_TEST

// Cuts the body of a recorded answer, if it is a stream of events; says its size.
static size_t cut_recorded(const char *name, struct buf *text) {
    struct recording recording;
    ck_assert_msg(recording_open(&recording, name), "%s", name);
    struct bytes body = recording_stream(&recording, text);
    bool is_stream = recording.is_stream && (sse_is_stream(body) || sse_is_array(body));
    if (is_stream)
        cut_everywhere(name, body);
    recording_release(&recording);
    return is_stream ? body.size : 0;
}

START_TEST(recorded_streams_say_the_same_in_pieces) {
    struct buf text;
    glob_t files;
    char pattern[1024];
    const char *name = folders.gl_pathv[_i] + strlen(SHARED_FOLDER "/fixtures/open/");
    size_t streams = 0, bytes = 0, events = 0;
    (void)snprintf(pattern, sizeof(pattern), "%s*.json", folders.gl_pathv[_i]);
    ck_assert_int_eq(glob(pattern, 0, NULL, &files), 0);
    buf_init(&text, STREAM_BYTES_MAX);
    buf_init(&stream.said, 2 * STREAM_BYTES_MAX);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        size_t size = cut_recorded(files.gl_pathv[i] + strlen(SHARED_FOLDER "/fixtures/"), &text);
        streams += size > 0;
        events += size > 0 ? stream.count : 0;
        bytes += size;
    }
    if (streams > 0)
        printf("%s %zu streams of %zu events cut at each of their %zu bytes\n", name, streams,
               events, bytes);
    buf_release(&stream.said);
    buf_release(&text);
    globfree(&files);
}
END_TEST

int main(void) {
    if (glob(GOLDEN_FOLDER "/*.json", 0, NULL, &goldens) != 0)
        return EXIT_FAILURE;
    if (glob(SHARED_FOLDER "/fixtures/open/*/", 0, NULL, &folders) != 0)
        printf("skipped: no recordings in %s/fixtures/open\n", SHARED_FOLDER);
    Suite *suite = suite_create("recuts");
    TCase *all = tcase_create("recuts");
    tcase_set_timeout(all, 300);
    tcase_add_loop_test(all, our_own_streams_say_the_same_in_pieces, 0, (int)goldens.gl_pathc);
    tcase_add_loop_test(all, recorded_streams_say_the_same_in_pieces, 0, (int)folders.gl_pathc);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    globfree(&folders);
    globfree(&goldens);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
