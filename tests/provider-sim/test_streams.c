// Streams that come in pieces, and streams that do not come to their end.
#include "tests/provider-sim/test_suites.h"

#include "tests/provider-sim/test_speak.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void ask_stream(const struct sim *sim, const struct spoken *api, const char *said,
                       struct got *got, struct told *told) {
    say_to(sim, api, true, said, "", got);
    told_stream(api, &got->body, told);
}

// Asks for a stream and leaves the connection to the caller.
static int open_stream(const struct sim *sim, const char *said) {
    struct text request = {0}, body = {0};
    int fd = client_open(sim);
    text_add(
        &body,
        "{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"");
    text_add(&body, said);
    text_add(&body, "\"}]}");
    text_add(&request, "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
                       "Authorization: Bearer k\r\nContent-Length: ");
    text_number(&request, body.size);
    text_add(&request, "\r\n\r\n");
    text_span(&request, text_view(&body));
    client_send(fd, text_view(&request));
    text_release(&request);
    text_release(&body);
    return fd;
}

static void assert_line(const struct sim *sim, const char *fault, bool is_billed) {
    json_t *bill = sim_bill(sim);
    json_t *line = json_array_get(bill, json_array_size(bill) - 1);
    ck_assert_str_eq(text_at(line, "fault"), fault);
    ck_assert_int_eq(json_is_true(at(line, "billed")), is_billed);
    ck_assert_int_eq(json_is_true(at(line, "delivered")), fault[0] == '\0');
    json_decref(bill);
}

// A reader that takes such a stream for a whole answer stores half a text as the truth.
START_TEST(a_stream_that_is_cut_is_never_whole) {
    struct sim sim;
    sim_start(&sim, "--bill %b --reasoning");
    for (size_t i = 0; i < SPOKEN; i++)
        for (int turn = 0; turn < 8; turn++) {
            struct got got;
            struct told told;
            bool is_cut = turn % 2 == 0;
            ask_stream(&sim, &spoken[i], is_cut ? "@sim:stream_cut" : "@sim:stream_torn", &got,
                       &told);
            ck_assert_int_eq(got.status, 200);
            ck_assert_int_eq(got.is_whole, is_cut);
            ck_assert_int_eq(got.has_ended, !is_cut);
            ck_assert_msg(!told.is_complete, "%s: %.*s", spoken[i].name, (int)got.body.size,
                          got.body.at);
            ck_assert_uint_gt(got.body.size, 0);
            assert_line(&sim, is_cut ? "stream_cut" : "stream_torn", true);
            got_release(&got);
            told_release(&told);
        }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// The status had left when it happened: the error is an event.
START_TEST(an_error_in_the_middle_is_an_event_of_the_api) {
    static const char *const words[][2] = {
        {"openai", "\"error\":{\"message\":"},
        {"openrouter", "\"finish_reason\":\"error\""},
        {"groq", "\"error\":\"the simulated"},
        {"together", "\"error\":{\"message\":"},
        {"ollama", "\"error\":{\"message\":"},
        {"xai", "\"error\":\"the simulated"},
        {"deepseek", "\"error\":{\"message\":"},
        {"responses", "\"type\":\"response.failed\""},
        {"messages", "event: error"},
        {"generate", "\"error\":{\"code\":50"},
        {"interactions", "\"event_type\":\"error\""},
    };
    struct sim sim;
    sim_start(&sim, "--bill %b");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct got got;
        const struct spoken *api = spoken_named(words[i][0]);
        say_to(&sim, api, true, "@sim:stream_error", "", &got);
        ck_assert(got.status == 200 && got.is_whole);
        ck_assert_msg(memmem(got.body.at, got.body.size, words[i][1], strlen(words[i][1])) != NULL,
                      "%s: %.*s", api->name, (int)got.body.size, got.body.at);
        assert_line(&sim, "stream_error", true);
        got_release(&got);
    }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// Nothing tells a stream that stands still from one that is slow, but time.
START_TEST(a_stream_may_stand_still) {
    struct sim sim;
    struct got got;
    sim_start(&sim, "--bill %b");
    int fd = open_stream(&sim, "@sim:stream_stall");
    client_read(fd, 300, &got);
    ck_assert(got.status == 200 && !got.is_whole && !got.has_ended);
    ck_assert_ptr_nonnull(memmem(got.raw.at, got.raw.size, "data: {", 7));
    close(fd);
    got_release(&got);
    sim_stop(&sim);
    assert_line(&sim, "stream_stall", true);
    sim_end(&sim);
}
END_TEST

// What comes in one piece here comes in many from the other side of the world.
START_TEST(a_slow_stream_leaves_in_pieces_wherever_they_are_cut) {
    struct sim sim;
    struct got got[2];
    struct told told[2];
    sim_start(&sim, "--bill %b --piece-bytes 61 --pace-ms 1");
    for (size_t i = 0; i < SPOKEN; i++) {
        ask_stream(&sim, &spoken[i], "@sim:length", &got[0], &told[0]);
        ck_assert_msg(told[0].is_complete && got[0].is_whole, "%s", spoken[i].name);
        got_release(&got[0]);
        told_release(&told[0]);
    }
    sim_stop(&sim);
    sim_end(&sim);
    sim_start(&sim, "--bill %b");
    const struct spoken *api = spoken_named("messages");
    ask_stream(&sim, api, "@sim:pace_2", &got[0], &told[0]);
    ck_assert(told[0].is_complete);
    got_release(&got[0]);
    told_release(&told[0]);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// The line is written when the last piece leaves; who hangs up before has not got an answer, and
// pays for it.
START_TEST(a_client_that_leaves_a_stream_is_billed) {
    struct sim sim;
    struct got got;
    sim_start(&sim, "--bill %b");
    int fd = open_stream(&sim, "@sim:pace_5000");
    client_read(fd, 200, &got);
    ck_assert(!got.is_whole);
    got_release(&got);
    close(fd);
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    const char *fault = text_at(bill, "0.fault");
    ck_assert(strcmp(fault, "client_gone") == 0 || strcmp(fault, "shutdown") == 0);
    ck_assert(json_is_true(at(bill, "0.billed")));
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

// Asked without alt=sse, Gemini answers with one array.
START_TEST(a_stream_may_be_one_array) {
    struct sim sim;
    struct got got;
    struct spoken api = *spoken_named("generate");
    sim_start(&sim, "--bill %b");
    api.stream_path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent";
    say_to(&sim, &api, true, "hello", "", &got);
    json_t *chunks = got_json(&got);
    ck_assert_uint_gt(json_array_size(chunks), 1);
    json_t *last = json_array_get(chunks, json_array_size(chunks) - 1);
    ck_assert_str_eq(text_at(last, "candidates.0.finishReason"), "STOP");
    json_decref(chunks);
    got_release(&got);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// A head that has come is no answer that has begun, and a wait with blank lines is none without a
// limit: DeepSeek sends both while a request is queued.
START_TEST(a_queue_sends_blank_lines_and_comments_before_the_answer) {
    static const char *const forms[] = {"", "\"stream\":true,"};
    struct sim sim;
    sim_start(&sim, "--bill %b");
    for (int form = 0; form < 2; form++) {
        bool has_waited = false;
        for (int i = 0; i < 40 && !has_waited; i++) {
            struct text request = {0}, body = {0};
            struct got early;
            int fd = client_open(&sim);
            text_add(&body, "{\"model\":\"deepseek-v4-flash\",");
            text_add(&body, forms[form]);
            text_add(&body,
                     "\"messages\":[{\"role\":\"user\",\"content\":\"@sim:delay_300 number ");
            text_number(&body, (uint64_t)i);
            text_add(&body, "\"}]}");
            text_add(&request, "POST /deepseek/chat/completions HTTP/1.1\r\nHost: a\r\n"
                               "Authorization: Bearer k\r\nContent-Length: ");
            text_number(&request, body.size);
            text_add(&request, "\r\n\r\n");
            text_span(&request, text_view(&body));
            client_send(fd, text_view(&request));
            client_read(fd, 100, &early);
            ck_assert(!early.is_whole);
            has_waited = early.status == 200;
            close(fd);
            got_release(&early);
            text_release(&request);
            text_release(&body);
        }
        ck_assert_msg(has_waited, "no head came early");
    }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// OpenAI sends usage only to those who ask; a ledger without it must say that it does not know.
START_TEST(usage_is_streamed_where_each_api_has_it) {
    struct sim sim;
    struct got got;
    sim_start(&sim, "--bill %b");
    say(&sim, "POST", "/v1/chat/completions",
        "{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[{\"role\":\"user\","
        "\"content\":\"a\"}]}",
        &got);
    ck_assert_ptr_null(memmem(got.body.at, got.body.size, "\"usage\"", 7));
    got_release(&got);
    say(&sim, "POST", "/deepseek/chat/completions",
        "{\"model\":\"deepseek-v4-flash\",\"stream\":true,\"messages\":[{\"role\":\"user\","
        "\"content\":\"a\"}]}",
        &got);
    ck_assert_ptr_nonnull(memmem(got.body.at, got.body.size, "\"usage\":{", 9));
    ck_assert_ptr_null(memmem(got.body.at, got.body.size, "\"choices\":[]", 12));
    got_release(&got);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// Drawn faults of streams leave requests alone that want none.
START_TEST(faults_of_streams_befall_streams_only) {
    struct sim sim;
    const struct spoken *api = spoken_named("openai");
    sim_start(&sim, "--bill %b --stream-fault-rate 100%");
    for (int i = 0; i < 20; i++) {
        struct got got;
        char said[32];
        snprintf(said, sizeof(said), "number %d", i);
        say_to(&sim, api, false, said, "", &got);
        ck_assert(got.status == 200 && got.is_whole);
        got_release(&got);
    }
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    for (size_t i = 0; i < json_array_size(bill); i++)
        ck_assert_str_eq(text_at(json_array_get(bill, i), "fault"), "");
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

void add_streams(Suite *suite) {
    TCase *tests = tcase_create("streams");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_stream_that_is_cut_is_never_whole);
    tcase_add_test(tests, an_error_in_the_middle_is_an_event_of_the_api);
    tcase_add_test(tests, a_stream_may_stand_still);
    tcase_add_test(tests, a_slow_stream_leaves_in_pieces_wherever_they_are_cut);
    tcase_add_test(tests, a_client_that_leaves_a_stream_is_billed);
    tcase_add_test(tests, a_stream_may_be_one_array);
    tcase_add_test(tests, a_queue_sends_blank_lines_and_comments_before_the_answer);
    tcase_add_test(tests, usage_is_streamed_where_each_api_has_it);
    tcase_add_test(tests, faults_of_streams_befall_streams_only);
    suite_add_tcase(suite, tests);
}
