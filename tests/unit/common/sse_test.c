// Streams of events, in whatever pieces they come.
#include "common/mem.h"
#include "common/sse.h"

#include <check.h>
#include <stdlib.h>

// What a stream says, in one text: "name|id|data;" for each event.
static struct buf said;
static struct sse sse;

static void set_up(void) {
    buf_init(&said, 1 << 20);
    sse_init(&sse);
}

static void tear_down(void) {
    buf_release(&said);
    sse_release(&sse);
}

static void note(const struct sse_event *event) {
    const struct bytes parts[] = {event->name, event->id, event->data};
    for (size_t i = 0; i < 3; i++) {
        buf_put(&said, parts[i].at, parts[i].size);
        buf_byte(&said, i < 2 ? '|' : event->has_data ? ';' : '!');
    }
}

// Hears what there is of the text, in memory that has that size and not a byte more.
static void hear(struct bytes text, bool is_whole) {
    struct sse_event event;
    char *copy = mem_copy(text.at, text.size);
    while (sse_next(&sse, bytes_of(copy, text.size), is_whole, &event) == SSE_event)
        note(&event);
    mem_free(copy);
}

static const char *heard(const char *text) {
    sse_reset(&sse);
    buf_reset(&said);
    hear(bytes_text(text), true);
    return buf_cstr(&said);
}

// ---- lines and fields ---------------------------------------------------------------------------

static const struct {
    const char *text;
    const char *says;
} streams[] = {
    {"data: a\n\n", "||a;"},
    {"data:a\n\ndata:  b \n\n", "||a;|| b ;"},
    {"data: a\r\rdata: b\r\n\r\ndata: c\n\n", "||a;||b;||c;"},
    {"data: a\r\n\ndata: b\n\r\n", "||a;||b;"},
    {"\xef\xbb\xbf"
     "data: a\n\n",
     "||a;"},
    {": hello\n\n: OPENROUTER PROCESSING\n\n\n\ndata: a\n: within\n\n", "||a;"},
    {"data: a\ndata: b\ndata\ndata:\n\n", "||a\nb\n\n;"},
    {"event: ping\ndata: {}\nid: 7\nretry: 100\nunknown: x\n\n", "ping|7|{};"},
    {"event: nothing\n\ndata: a\n\n", "nothing||!||a;"},
    {"event: a\nevent: b\ndata: c\n\ndata: d\n\n", "b||c;||d;"},
    {"data\n\n", "||;"},
    {"data: [DONE]", "||[DONE];"},
    {"data: [DONE]\n", "||[DONE];"},
    {"data: a\r", "||a;"},
    {"\n\r\n\r", ""},
    {"", ""},
    {"data: \xc3\xa4\xf0\x9d\x84\x9e\n\nDATA: b\n\n", "||\xc3\xa4\xf0\x9d\x84\x9e;"},
    {"[1, {} ]", "||1;||{};"},
    {"[{\n \"a\": \"],\\\"[\\\\\"\n}\n,\r\n[2,[\"}\"]]\r\n]\r\n",
     "||{\n \"a\": \"],\\\"[\\\\\"\n};||[2,[\"}\"]];"},
    {"\r\n[1]", "||1;"},
    {"[]\n", ""},
    {"[1,", "||1;"},
    {"[1,{}", "||1;||{};"},
    {"[1,{", "||1;"},
    {"[1,\"2", "||1;"},
    {"[1,,2]", "||1;"},
    {"[,1]", ""},
    {"[1,]", "||1;"},
    {"[1},2]", "||1;"},
    {"[1] ]", "||1;"},
};
enum { STREAMS = sizeof(streams) / sizeof(streams[0]) };

START_TEST(events_are_read_as_their_lines_say) {
    ck_assert_str_eq(heard(streams[_i].text), streams[_i].says);
}
END_TEST

// A packet may end anywhere: within a character, within a line end, within the mark at the
// beginning.
START_TEST(pieces_change_nothing) {
    struct bytes all = bytes_text(streams[_i].text);
    for (size_t cut = 0; cut <= all.size; cut++) {
        sse_reset(&sse);
        buf_reset(&said);
        hear(bytes_of(all.at, cut), false);
        hear(all, true);
        ck_assert_msg(strcmp(buf_cstr(&said), streams[_i].says) == 0, "cut at %zu: %s", cut,
                      buf_cstr(&said));
    }
    sse_reset(&sse);
    buf_reset(&said);
    for (size_t size = 0; size <= all.size; size++)
        hear(bytes_of(all.at, size), false);
    hear(all, true);
    ck_assert_str_eq(buf_cstr(&said), streams[_i].says);
}
END_TEST

// An event that is not over says nothing yet, or the beginning of a number would be a number.
START_TEST(an_event_is_heard_when_it_is_over) {
    hear(bytes_text("data: 12"), false);
    hear(bytes_text("data: 123\n"), false);
    ck_assert_str_eq(buf_cstr(&said), "");
    hear(bytes_text("data: 123\n\n"), false);
    ck_assert_str_eq(buf_cstr(&said), "||123;");
}
END_TEST

// A server that never ends its event must not fill the memory of who listens.
START_TEST(an_event_has_a_bound) {
    size_t size = (size_t)STREAM_EVENT_BYTES_MAX + 64;
    uint8_t *text = mem_new(size);
    struct sse_event event;
    memset(text, 'a', size);
    memcpy(text, "data: 1\n\ndata: ", 15);
    ck_assert_int_eq(sse_next(&sse, bytes_of(text, size), false, &event), SSE_event);
    ck_assert_int_eq(sse_next(&sse, bytes_of(text, size), false, &event), SSE_too_big);
    ck_assert_int_eq(sse_next(&sse, bytes_of(text, size), true, &event), SSE_too_big);
    size_t end = 8 + (size_t)STREAM_EVENT_BYTES_MAX;
    text[end] = text[end + 1] = '\n';
    sse_reset(&sse);
    ck_assert_int_eq(sse_next(&sse, bytes_of(text, size), false, &event), SSE_event);
    ck_assert_int_eq(sse_next(&sse, bytes_of(text, size), false, &event), SSE_event);
    ck_assert_uint_eq(event.data.size, (size_t)STREAM_EVENT_BYTES_MAX - 7);
    mem_free(text);
}
END_TEST

// An array whose end is missing is the beginning of an answer, and what is no array is none.
START_TEST(an_array_ends_with_its_bracket) {
    static const struct {
        const char *text;
        bool is_cut, is_broken;
    } cases[] = {{"[1,{}]\n", false, false}, {"[]", false, false},     {"[", true, false},
                 {"[1", true, false},        {"[1,", true, false},     {"[{\"]", true, false},
                 {"[1,,2]", true, true},     {"[1,]", false, true},    {"[1}", false, true},
                 {"[1]]", false, true},      {"data: [", false, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)heard(cases[i].text);
        ck_assert_msg(sse_is_cut(&sse) == cases[i].is_cut, "%s", cases[i].text);
        ck_assert_msg(sse.is_broken == cases[i].is_broken, "%s", cases[i].text);
        ck_assert(sse_is_array(bytes_text(cases[i].text)) == (*cases[i].text == '['));
    }
}
END_TEST

// Elements have the bound of events.
START_TEST(an_element_has_a_bound) {
    size_t size = (size_t)STREAM_EVENT_BYTES_MAX + 64;
    uint8_t *text = mem_new(size);
    struct sse_event event;
    memset(text, ' ', size);
    memcpy(text, "[1,", 3);
    ck_assert_int_eq(sse_next(&sse, bytes_of(text, size), false, &event), SSE_event);
    ck_assert_int_eq(sse_next(&sse, bytes_of(text, size), false, &event), SSE_too_big);
    ck_assert_int_eq(sse_next(&sse, bytes_of(text, size), true, &event), SSE_too_big);
    mem_free(text);
}
END_TEST

START_TEST(a_stream_is_told_from_json_by_its_first_line) {
    static const char *const yes[] = {"data: {}",          "event: x", ": ping",
                                      "\r\n\ndata:1",      "id: 1",    "retry: 5",
                                      "\xef\xbb\xbf: ping"};
    static const char *const no[] = {"",    "{}",     "[]",        "\"data: \"", " data: 1",
                                     "dat", "<html>", "error: no", "data {}",    "\n\n{\"a\":1}"};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        ck_assert_msg(sse_is_stream(bytes_text(yes[i])), "%s", yes[i]);
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        ck_assert_msg(!sse_is_stream(bytes_text(no[i])), "%s", no[i]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sse");
    TCase *tcase = tcase_create("all");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, events_are_read_as_their_lines_say, 0, STREAMS);
    tcase_add_loop_test(tcase, pieces_change_nothing, 0, STREAMS);
    tcase_add_test(tcase, an_event_is_heard_when_it_is_over);
    tcase_add_test(tcase, an_event_has_a_bound);
    tcase_add_test(tcase, an_array_ends_with_its_bracket);
    tcase_add_test(tcase, an_element_has_a_bound);
    tcase_add_test(tcase, a_stream_is_told_from_json_by_its_first_line);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
