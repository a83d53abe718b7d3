// What the simulator keeps by id.
#include "tests/provider-sim/test_suites.h"

#include "tests/provider-sim/test_speak.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static json_t *say_json(const struct sim *sim, const char *method, const char *path,
                        const char *body, int status) {
    struct got got;
    say(sim, method, path, body, &got);
    ck_assert_msg(got.status == status, "%s %s: %d %.*s", method, path, got.status,
                  (int)got.body.size, got.body.at);
    json_t *answer = got_json(&got);
    got_release(&got);
    return answer;
}

static const char *said_in(json_t *answer) {
    bool is_response = json_object_get(answer, "output") != NULL;
    return text_at(answer, is_response ? "output.0.content.0.text" : "steps.0.content.0.text");
}

// What a text that goes on says about what was said before it.
static void assert_heard(json_t *answer, int turn, int messages, const char *said,
                         struct span before) {
    char want[160], said_hex[13], before_hex[13];
    hex_of(span_of(said), said_hex);
    hex_of(before, before_hex);
    snprintf(want, sizeof(want),
             "turn %d of this conversation, %d messages; you said %s; before that %s.", turn,
             messages, said_hex, before_hex);
    ck_assert_msg(strncmp(said_in(answer), want, strlen(want)) == 0, "%s\n%s", said_in(answer),
                  want);
}

// user NUL … NUL assistant NUL … NUL
static void transcript_of(const char *role, const char *said, const char *answer,
                          struct text *out) {
    text_put(out, "user", 5);
    text_put(out, said, strlen(said) + 1);
    text_put(out, role, strlen(role) + 1);
    text_put(out, answer, strlen(answer) + 1);
}

// The server has the history, and bills it: a ledger that believes that a short request is a cheap
// one is wrong.
START_TEST(an_answer_is_gone_on_from_with_all_that_was_said) {
    static const struct {
        const char *path, *model, *previous, *role, *input;
    } cases[] = {
        {"/v1/responses", "gpt-4.1-mini", "previous_response_id", "assistant",
         "usage.input_tokens"},
        {"/azure/openai/v1/responses", "gpt-4.1-mini", "previous_response_id", "assistant",
         "usage.input_tokens"},
        {"/xai/v1/responses", "grok-4.3", "previous_response_id", "assistant",
         "usage.input_tokens"},
        {"/v1beta/interactions", "gemini-2.5-flash", "previous_interaction_id", "model",
         "usage.total_input_tokens"},
    };
    struct sim sim;
    sim_start(&sim, "--bill %b");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[512];
        struct text before = {0};
        snprintf(body, sizeof(body), "{\"model\":\"%s\",\"input\":\"one\"}", cases[i].model);
        json_t *first = say_json(&sim, "POST", cases[i].path, body, 200);
        transcript_of(cases[i].role, "one", said_in(first), &before);
        snprintf(body, sizeof(body), "{\"%s\":\"%s\",\"model\":\"%s\",\"input\":\"two\"}",
                 cases[i].previous, text_at(first, "id"), cases[i].model);
        json_t *second = say_json(&sim, "POST", cases[i].path, body, 200);
        assert_heard(second, 2, 3, "two", text_view(&before));
        int64_t bytes = 3 + (int64_t)strlen(said_in(first)) + 3;
        ck_assert_int_eq(number_at(second, cases[i].input), 3 + 4 * 3 + (bytes + 3) / 4);
        // Branches are allowed, and what was read once may be read again.
        json_t *again = say_json(&sim, "POST", cases[i].path, body, 200);
        assert_heard(again, 2, 3, "two", text_view(&before));
        snprintf(body, sizeof(body), "%s/%s", cases[i].path, text_at(first, "id"));
        json_t *read = say_json(&sim, "GET", body, NULL, 200);
        ck_assert_str_eq(said_in(read), said_in(first));
        json_decref(say_json(&sim, "DELETE", body, NULL, 200));
        json_decref(say_json(&sim, "GET", body, NULL, 404));
        json_decref(first);
        json_decref(second);
        json_decref(again);
        json_decref(read);
        text_release(&before);
    }
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    ck_assert_uint_eq(json_array_size(bill), 4 * 3); // the requests that read have no line
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

// Each API says in its own way that it has forgotten; a client that replays what was said needs to
// know it from a bad request.
START_TEST(what_is_not_kept_is_missed) {
    struct sim sim;
    sim_start(&sim, "--bill %b --state-ms 1");
    json_t *first = say_json(&sim, "POST", "/v1/responses",
                             "{\"model\":\"gpt-4.1\",\"input\":\"@sim:delay_20\"}", 200);
    char body[512];
    snprintf(body, sizeof(body),
             "{\"model\":\"gpt-4.1\",\"input\":\"@sim:delay_1\",\"previous_response_id\":\"%s\"}",
             text_at(first, "id"));
    json_t *answer = say_json(&sim, "POST", "/v1/responses", body, 400);
    ck_assert_str_eq(text_at(answer, "error.code"), "previous_response_not_found");
    ck_assert_str_eq(text_at(answer, "error.param"), "previous_response_id");
    json_decref(answer);
    answer =
        say_json(&sim, "POST", "/xai/v1/responses",
                 "{\"model\":\"grok-4.3\",\"input\":\"a\",\"previous_response_id\":\"x\"}", 404);
    ck_assert(json_is_string(at(answer, "error")));
    json_decref(answer);
    answer = say_json(&sim, "POST", "/v1beta/interactions",
                      "{\"model\":\"gemini-2.5-flash\",\"input\":\"a\","
                      "\"previous_interaction_id\":\"v1_x\"}",
                      404);
    ck_assert_str_eq(text_at(answer, "error.code"), "not_found");
    json_decref(answer);
    answer = say_json(&sim, "POST", "/v1/responses",
                      "{\"model\":\"gpt-4.1\",\"input\":\"a\",\"conversation\":\"conv_x\"}", 404);
    ck_assert_str_eq(text_at(answer, "error.param"), "conversation");
    json_decref(answer);
    answer = say_json(&sim, "POST", "/v1/responses",
                      "{\"model\":\"gpt-4.1\",\"input\":\"@sim:state_lost\"}", 400);
    ck_assert_str_eq(text_at(answer, "error.code"), "previous_response_not_found");
    json_decref(answer);
    json_decref(first);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// Who does not want the answer kept cannot go on from it.
START_TEST(an_answer_that_is_not_stored_is_not_kept) {
    struct sim sim;
    char body[512];
    sim_start(&sim, "--bill %b");
    json_t *first = say_json(&sim, "POST", "/v1/responses",
                             "{\"model\":\"gpt-4.1\",\"input\":\"one\",\"store\":false}", 200);
    ck_assert(json_is_false(at(first, "store")));
    snprintf(body, sizeof(body),
             "{\"model\":\"gpt-4.1\",\"input\":\"two\",\"previous_response_id\":\"%s\"}",
             text_at(first, "id"));
    json_decref(say_json(&sim, "POST", "/v1/responses", body, 400));
    // DeepSeek and the like know no ids and say nothing about them: the answer has forgotten all.
    json_t *chat = say_json(&sim, "POST", "/deepseek/chat/completions",
                            "{\"model\":\"deepseek-v4-flash\",\"previous_response_id\":\"x\","
                            "\"messages\":[{\"role\":\"user\",\"content\":\"two\"}]}",
                            200);
    json_decref(chat);
    json_decref(first);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

START_TEST(a_conversation_grows_by_its_answers) {
    struct sim sim;
    char path[160], body[512];
    struct text before = {0};
    sim_start(&sim, "--bill %b");
    json_t *made = say_json(&sim, "POST", "/v1/conversations",
                            "{\"metadata\":{\"job\":\"7\"},\"items\":[{\"type\":\"message\","
                            "\"role\":\"user\",\"content\":\"zero\"}]}",
                            200);
    ck_assert_str_eq(text_at(made, "object"), "conversation");
    ck_assert_str_eq(text_at(made, "metadata.job"), "7");
    ck_assert_int_eq(strncmp(text_at(made, "id"), "conv_", 5), 0);
    snprintf(body, sizeof(body),
             "{\"model\":\"gpt-4.1\",\"input\":\"one\",\"conversation\":{\"id\":\"%s\"}}",
             text_at(made, "id"));
    json_t *first = say_json(&sim, "POST", "/v1/responses", body, 200);
    ck_assert_str_eq(text_at(first, "conversation.id"), text_at(made, "id"));
    text_put(&before, "user\0zero", 10);
    assert_heard(first, 2, 2, "one", text_view(&before));
    transcript_of("assistant", "one", said_in(first), &before);
    snprintf(body, sizeof(body),
             "{\"model\":\"gpt-4.1\",\"input\":\"two\",\"conversation\":\"%s\"}",
             text_at(made, "id"));
    json_t *second = say_json(&sim, "POST", "/v1/responses", body, 200);
    assert_heard(second, 3, 4, "two", text_view(&before));
    snprintf(path, sizeof(path), "/v1/conversations/%s/items", text_at(made, "id"));
    json_t *items = say_json(&sim, "GET", path, NULL, 200);
    ck_assert_uint_eq(json_array_size(at(items, "data")), 5);
    ck_assert_str_eq(text_at(items, "data.1.content.0.text"), "one");
    ck_assert_str_eq(text_at(items, "data.2.role"), "assistant");
    ck_assert_str_eq(text_at(items, "data.4.content.0.text"), said_in(second));
    ck_assert_str_eq(text_at(items, "last_id"), text_at(items, "data.4.id"));
    json_decref(items);
    snprintf(path, sizeof(path), "/v1/conversations/%s", text_at(made, "id"));
    json_decref(say_json(&sim, "GET", path, NULL, 200));
    json_decref(say_json(&sim, "DELETE", path, NULL, 200));
    json_decref(say_json(&sim, "GET", path, NULL, 404));
    json_decref(made);
    json_decref(first);
    json_decref(second);
    text_release(&before);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// Two writers would leave nobody knowing in which order it was said.
START_TEST(a_conversation_takes_one_answer_at_a_time) {
    struct sim sim;
    char body[512];
    sim_start(&sim, "--bill %b");
    json_t *made = say_json(&sim, "POST", "/v1/conversations", "{}", 200);
    struct text slow = {0};
    snprintf(body, sizeof(body),
             "{\"model\":\"gpt-4.1\",\"input\":\"@sim:pace_60000\",\"stream\":true,"
             "\"conversation\":\"%s\"}",
             text_at(made, "id"));
    text_add(&slow, "POST /v1/responses HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer k\r\n"
                    "Content-Length: ");
    text_number(&slow, strlen(body));
    text_add(&slow, "\r\n\r\n");
    text_add(&slow, body);
    int fd = client_open(&sim);
    client_send(fd, text_view(&slow));
    // The answer has begun, and its next piece is a minute away.
    char begun;
    ck_assert_int_eq(recv(fd, &begun, 1, 0), 1);
    json_t *locked = say_json(&sim, "POST", "/v1/responses", body, 409);
    ck_assert_str_eq(text_at(locked, "error.code"), "conversation_locked");
    json_decref(locked);
    snprintf(body, sizeof(body),
             "{\"model\":\"gpt-4.1\",\"input\":\"a\",\"conversation\":\"%s\","
             "\"previous_response_id\":\"resp_x\"}",
             text_at(made, "id"));
    json_t *both = say_json(&sim, "POST", "/v1/responses", body, 400);
    ck_assert_str_eq(text_at(both, "error.code"), "mutually_exclusive_parameters");
    json_decref(both);
    json_decref(made);
    close(fd);
    text_release(&slow);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// Instructions are of their request alone: a ledger that counts them into the turns that follow
// expects a bill that nobody sends.
START_TEST(instructions_are_not_gone_on_from) {
    struct sim sim;
    char body[512];
    sim_start(&sim, "--bill %b");
    json_t *first = say_json(&sim, "POST", "/v1/responses",
                             "{\"model\":\"gpt-4.1\",\"instructions\":\"be as brief as you can\","
                             "\"input\":\"one\"}",
                             200);
    ck_assert_int_eq(number_at(first, "usage.input_tokens"), 3 + 4 + (3 + 24 + 3) / 4);
    snprintf(body, sizeof(body),
             "{\"model\":\"gpt-4.1\",\"input\":\"two\",\"previous_response_id\":\"%s\"}",
             text_at(first, "id"));
    json_t *second = say_json(&sim, "POST", "/v1/responses", body, 200);
    int64_t bytes = 3 + (int64_t)strlen(said_in(first)) + 3;
    ck_assert_int_eq(number_at(second, "usage.input_tokens"), 3 + 4 * 3 + (bytes + 3) / 4);
    json_decref(first);
    json_decref(second);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// A run of days must not end the simulator for want of memory, and what it still has is the newest.
START_TEST(the_oldest_is_forgotten_when_there_is_too_much) {
    enum { ANSWERS = 6, SAID_BYTES = 20000 };
    struct sim sim;
    struct text body = {0};
    char ids[ANSWERS][80], path[640];
    sim_start(&sim, "--state-bytes 120000");
    json_t *made = say_json(&sim, "POST", "/v1/conversations", "{}", 200);
    text_add(&body, "{\"model\":\"gpt-4.1\",\"input\":\"");
    for (int i = 0; i < SAID_BYTES; i++)
        text_add(&body, "a");
    text_put(&body, "\"}", 3);
    for (int i = 0; i < ANSWERS; i++) {
        json_t *answer = say_json(&sim, "POST", "/v1/responses", body.at, 200);
        snprintf(ids[i], sizeof(ids[i]), "%s", text_at(answer, "id"));
        json_decref(answer);
    }
    for (int i = 0; i < ANSWERS; i++) {
        snprintf(path, sizeof(path), "/v1/responses/%s", ids[i]);
        json_decref(say_json(&sim, "GET", path, NULL, i < ANSWERS - 3 ? 404 : 200));
    }
    snprintf(path, sizeof(path), "/v1/conversations/%s", text_at(made, "id"));
    json_decref(say_json(&sim, "GET", path, NULL, 404));
    json_decref(made);
    // Larger than all that may be kept, and kept until the next one comes.
    sim_stop(&sim);
    sim_restart(&sim, "--state-bytes 100");
    json_t *answer = say_json(&sim, "POST", "/v1/responses", body.at, 200);
    snprintf(path, sizeof(path), "/v1/responses/%s", text_at(answer, "id"));
    json_decref(say_json(&sim, "GET", path, NULL, 200));
    json_decref(say_json(&sim, "POST", "/v1/responses", body.at, 200));
    json_decref(say_json(&sim, "GET", path, NULL, 404));
    json_decref(answer);
    text_release(&body);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// An id names one thing: an answer's path does not lead to a conversation.
START_TEST(an_id_is_of_its_kind) {
    struct sim sim;
    char path[640], body[640];
    sim_start(&sim, "--bill %b");
    json_t *made = say_json(&sim, "POST", "/v1/conversations", "{}", 200);
    snprintf(path, sizeof(path), "/v1/responses/%s", text_at(made, "id"));
    json_decref(say_json(&sim, "GET", path, NULL, 404));
    snprintf(body, sizeof(body),
             "{\"model\":\"gpt-4.1\",\"input\":\"a\",\"previous_response_id\":\"%s\"}",
             text_at(made, "id"));
    json_decref(say_json(&sim, "POST", "/v1/responses", body, 400));
    json_decref(made);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

void add_states(Suite *suite) {
    TCase *tests = tcase_create("states");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, an_answer_is_gone_on_from_with_all_that_was_said);
    tcase_add_test(tests, what_is_not_kept_is_missed);
    tcase_add_test(tests, an_answer_that_is_not_stored_is_not_kept);
    tcase_add_test(tests, a_conversation_grows_by_its_answers);
    tcase_add_test(tests, a_conversation_takes_one_answer_at_a_time);
    tcase_add_test(tests, instructions_are_not_gone_on_from);
    tcase_add_test(tests, the_oldest_is_forgotten_when_there_is_too_much);
    tcase_add_test(tests, an_id_is_of_its_kind);
    suite_add_tcase(suite, tests);
}
