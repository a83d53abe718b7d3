// What comes over the wire, however it comes: nothing of it may end the simulator.
#include "tests/provider-sim/test_suites.h"

#include "tests/provider-sim/dice.h"
#include "tests/provider-sim/test_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POST              "POST /v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer k\r\n"
#define BODY              "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
#define SIZED(size, body) POST "Content-Length: " #size "\r\n\r\n" body

static int status_of(const struct sim *sim, struct span bytes) {
    struct got got;
    int fd = client_open(sim);
    client_send(fd, bytes);
    client_read(fd, 0, &got);
    close(fd);
    if (got.status >= 400) {
        ck_assert(got.is_whole);
        json_t *answer = got_json(&got);
        ck_assert_ptr_nonnull(text_at(answer, "error.message"));
        json_decref(answer);
    }
    got_release(&got);
    return got.status;
}

static void assert_alive(const struct sim *sim) {
    ck_assert_int_eq(status_of(sim, span_of(SIZED(62, BODY))), 200);
}

// A double that dies of a client's mistake takes the test down instead of the client.
START_TEST(broken_requests_get_an_answer_and_harm_nobody) {
    static const struct {
        int status;
        const char *bytes;
    } cases[] = {
        {400, "\r\n\r\n"},
        {400, "nonsense\r\n\r\n"},
        {400, "GET  HTTP/1.1\r\n\r\n"},
        {505, "GET / HTTP/2.0\r\n\r\n"},
        {404, "GET / HTTP/1.1\r\n\r\n"},
        {404, "POST /v1/chat/completions/more HTTP/1.1\r\n\r\n"},
        {405, "GET /v1/chat/completions?x=1 HTTP/1.1\r\n\r\n"},
        {400, POST "no colon here\r\n\r\n"},
        {400, POST "bad name: x\r\n\r\n"},
        {400, POST "X-Line: a\nb\r\n\r\n"},
        {400, POST "Content-Length: 1x\r\n\r\n"},
        {400, POST "Content-Length: -1\r\n\r\n"},
        {400, POST "Content-Length: 99999999999999999999\r\n\r\n"},
        {400, POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"},
        {400, POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {413, POST "Content-Length: 999999999\r\n\r\n"},
        {501, POST "Transfer-Encoding: gzip\r\n\r\n"},
        {400, POST "Transfer-Encoding: chunked\r\n\r\nzz\r\n"},
        {400, POST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"},
        {413, POST "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n"},
        {400, POST "X-Client-Request-Id: caf\xc3\xa9\r\nContent-Length: 62\r\n\r\n" BODY},
    };
    struct sim sim;
    sim_start(&sim, "");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = status_of(&sim, span_of(cases[i].bytes));
        ck_assert_msg(status == cases[i].status, "%d: %s", status, cases[i].bytes);
    }
    assert_alive(&sim);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

static int body_status(const struct sim *sim, struct span body, char code[64]) {
    struct text request = {0};
    struct got got;
    text_add(&request, POST "Content-Length: ");
    text_number(&request, body.size);
    text_add(&request, "\r\n\r\n");
    text_span(&request, body);
    int fd = client_open(sim);
    client_send(fd, text_view(&request));
    client_read(fd, 0, &got);
    close(fd);
    int status = got.status;
    json_t *answer = got_json(&got);
    code[0] = '\0';
    if (status >= 400 && json_is_string(at(answer, "error.code")))
        snprintf(code, 64, "%s", text_at(answer, "error.code"));
    json_decref(answer);
    got_release(&got);
    text_release(&request);
    return status;
}

#define USER "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"

// The classifier must meet permanent errors that are the request's own fault.
START_TEST(bodies_that_are_wrong_are_named_as_the_api_does) {
    static const struct {
        int status;
        const char *code, *body;
    } cases[] = {
        {400, "", ""},
        {400, "", "{"},
        {400, "", "[]"},
        {400, "", "null"},
        {400, "", BODY "x"},
        {400, "", "{\"model\":\"gpt-4o\"," USER ",}"},
        {400, "", "{\"model\":\"gpt-4o\"," USER ",\"x\":01}"},
        {400, "", "{\"model\":\"gpt-4o\"," USER ",\"x\":[1,]}"},
        {400, "", "{\"model\":\"gpt-4o\"," USER ",\"x\":\"\\q\"}"},
        {400, "", "{\"model\":\"gpt-4o\"," USER ",\"x\":\"\\u12g4\"}"},
        {400, "", "{\"model\":\"gpt-4o\"," USER ",\"x\":\"\xff\"}"},
        {400, "", "{\"model\":\"gpt-4o\"," USER ",\"x\":\"\xed\xa0\x80\"}"},
        {400, "", "{\"model\":\"gpt-4o\"," USER ",\"x\":\"\xc0\xaf\"}"},
        {400, "", "{\"model\":\"gpt-4o\"," USER ",\"x\":tru}"},
        {400, "", "{" USER "}"},
        {400, "invalid_type", "{\"model\":7," USER "}"},
        {400, "missing_required_parameter", "{\"model\":\"gpt-4o\"}"},
        {400, "empty_array", "{\"model\":\"gpt-4o\",\"messages\":[]}"},
        {400, "invalid_type", "{\"model\":\"gpt-4o\",\"messages\":{}}"},
        {400, "invalid_type", "{\"model\":\"gpt-4o\",\"messages\":[1]}"},
        {400, "invalid_value", "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"boss\"}]}"},
        {400, "invalid_type",
         "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":3}]}"},
        {400, "invalid_value", "{\"model\":\"gpt-4o\",\"n\":0," USER "}"},
        {404, "model_not_found", "{\"model\":\"missing-model\"," USER "}"},
        {200, "", "{\"x\":{\"y\":[1,-0.5e+3,null,{}]},\"model\":\"gpt-4o\"," USER "}\n "},
    };
    struct sim sim;
    char code[64];
    sim_start(&sim, "");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = body_status(&sim, span_of(cases[i].body), code);
        ck_assert_msg(status == cases[i].status && strcmp(code, cases[i].code) == 0, "%d %s: %s",
                      status, code, cases[i].body);
    }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// The reader takes eight bytes at a time: what is special must be seen at each of their places.
START_TEST(special_bytes_are_seen_wherever_they_stand) {
    static const struct {
        const char *sent, *meant; // meant NULL: not allowed
    } bytes[] = {
        {"\\\"", "\""},
        {"\\\\", "\\"},
        {"\\u00e9", "\xc3\xa9"},
        {"\xc3\xa9", "\xc3\xa9"},
        {"\x1f", NULL},
        {"\xff", NULL},
        {"\\", NULL},
    };
    struct sim sim;
    sim_start(&sim, "");
    for (int place = 0; place < 12; place++) {
        for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
            char body[128], meant[64], hex[13];
            struct got got;
            snprintf(body, sizeof(body),
                     "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\","
                     "\"content\":\"%.*s%s.bcdefgh\"}]}",
                     place, "aaaaaaaaaaaa", bytes[i].sent);
            ask(&sim, "c", body, &got);
            ck_assert_msg(got.status == (bytes[i].meant ? 200 : 400), "%d: %s", got.status, body);
            if (bytes[i].meant != NULL) {
                snprintf(meant, sizeof(meant), "%.*s%s.bcdefgh", place, "aaaaaaaaaaaa",
                         bytes[i].meant);
                hex_of(span_of(meant), hex);
                ck_assert_ptr_nonnull(memmem(got.body.at, got.body.size, hex, 12));
            }
            got_release(&got);
        }
    }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// Nesting that exhausts a stack, and messages that exhaust a buffer's first size.
START_TEST(deep_and_large_bodies_are_read_or_refused) {
    struct sim sim;
    struct text body = {0};
    char code[64];
    sim_start(&sim, "");
    text_add(&body, "{\"model\":\"gpt-4o\"," USER ",\"x\":");
    for (int i = 0; i < 100000; i++)
        text_add(&body, "[");
    ck_assert_int_eq(body_status(&sim, text_view(&body), code), 400);
    text_reset(&body);
    text_add(&body, "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"");
    memset(text_room(&body, 9 << 20), 'a', 9 << 20);
    body.size += 9 << 20;
    text_add(&body, "\"}]}");
    ck_assert_int_eq(body_status(&sim, text_view(&body), code), 200);
    text_release(&body);
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    ck_assert_int_eq(number_at(bill, "1.input_tokens"), 3 + 4 + (9 << 18));
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

// Headers without an end must not be collected without an end.
START_TEST(huge_and_many_headers_are_refused) {
    struct sim sim;
    struct text request = {0};
    sim_start(&sim, "");
    text_add(&request, POST "X-Long: ");
    memset(text_room(&request, 70000), 'x', 70000);
    request.size += 70000;
    ck_assert_int_eq(status_of(&sim, text_view(&request)), 431);
    text_reset(&request);
    text_add(&request, POST);
    for (int i = 0; i < 200; i++)
        text_add(&request, "X-More: y\r\n");
    text_add(&request, "\r\n");
    ck_assert_int_eq(status_of(&sim, text_view(&request)), 431);
    text_release(&request);
    assert_alive(&sim);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// Segments end anywhere: every byte alone must give the same as all at once.
START_TEST(a_request_may_come_byte_by_byte) {
    static const char *const requests[] = {
        SIZED(62, BODY),
        POST
        "Transfer-Encoding: chunked\r\n\r\n20;x=y\r\n{\"model\":\"gpt-4o\",\"messages\":[{\"\r\n"
        "21\r\nrole\":\"user\",\"content\":\"hi\"}]}   \r\n0\r\nTrailer: x\r\n\r\n",
    };
    struct sim sim;
    sim_start(&sim, "");
    for (size_t i = 0; i < 2; i++) {
        struct got got;
        int fd = client_open(&sim);
        for (const char *byte = requests[i]; *byte; byte++)
            client_send(fd, (struct span){byte, 1});
        client_read(fd, 0, &got);
        ck_assert_msg(got.status == 200, "%.*s", (int)got.raw.size, got.raw.at);
        close(fd);
        got_release(&got);
    }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// A client may send its next request before it has the answer: order must hold, nothing be lost.
START_TEST(pipelined_requests_are_answered_in_order) {
    enum { REQUESTS = 300 };
    struct sim sim;
    struct text all = {0}, raw = {0};
    sim_start(&sim, "--latency-ms 1 --chunked-rate 0");
    for (int i = 0; i < REQUESTS; i++) {
        char call[64];
        snprintf(call, sizeof(call), "X-Client-Request-Id: %d\r\n", i);
        text_add(&all, POST);
        text_add(&all, call);
        text_add(&all, "Content-Length: 62\r\n\r\n" BODY);
    }
    int fd = client_open(&sim);
    client_send(fd, text_view(&all));
    int answers = 0;
    while (answers < REQUESTS) {
        ssize_t size = read(fd, text_room(&raw, 65536), 65536);
        ck_assert_int_gt(size, 0);
        raw.size += (size_t)size;
        answers = 0;
        for (const char *from = raw.at;
             (from = memmem(from, raw.size - (size_t)(from - raw.at), "HTTP/1.1 200", 12)); from++)
            answers++;
    }
    close(fd);
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    ck_assert_uint_eq(json_array_size(bill), REQUESTS);
    const char *from = raw.at;
    for (size_t i = 0; i < REQUESTS; i++) {
        json_t *line = json_array_get(bill, i);
        char name[16];
        snprintf(name, sizeof(name), "%zu", i);
        ck_assert_str_eq(text_at(line, "call"), name);
        const char *id = text_at(line, "request_id");
        from = memmem(from, raw.size - (size_t)(from - raw.at), id, strlen(id));
        ck_assert_msg(from != NULL, "answer %zu is missing or out of order", i);
    }
    json_decref(bill);
    text_release(&all);
    text_release(&raw);
    sim_end(&sim);
}
END_TEST

// curl asks before it sends a large body; without the word it waits a second for each.
START_TEST(a_client_that_asks_first_is_told_to_go_on) {
    static const char head[] = POST "Expect: 100-continue\r\nContent-Length: 62\r\n\r\n";
    struct sim sim;
    struct got got;
    char line[64] = {0};
    sim_start(&sim, "");
    int fd = client_open(&sim);
    client_send(fd, span_of(head));
    ck_assert_int_eq(read(fd, line, 25), 25);
    ck_assert_str_eq(line, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send(fd, span_of(BODY));
    client_read(fd, 0, &got);
    ck_assert_int_eq(got.status, 200);
    got_release(&got);
    close(fd);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// Two requests on one connection, then a client that wants it closed.
START_TEST(connections_are_kept_until_asked) {
    struct sim sim;
    struct got got;
    sim_start(&sim, "");
    int fd = client_open(&sim);
    for (int i = 0; i < 2; i++) {
        client_ask(fd, "c", BODY);
        client_read(fd, 0, &got);
        ck_assert_int_eq(got.status, 200);
        got_release(&got);
    }
    client_send(fd, span_of(POST "Connection: close\r\nContent-Length: 62\r\n\r\n" BODY));
    client_read(fd, 0, &got);
    ck_assert_int_eq(got.status, 200);
    char *connection = got_header(&got, "connection");
    ck_assert_str_eq(connection, "close");
    memory_free(connection);
    got_release(&got);
    char byte;
    ck_assert_int_eq(read(fd, &byte, 1), 0);
    close(fd);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// Half a request is none: it is not billed, but its call id is on record.
START_TEST(a_request_that_breaks_off_is_recorded_and_not_billed) {
    struct sim sim;
    sim_start(&sim, "");
    int fd = client_open(&sim);
    client_send(fd, span_of(POST "X-Client-Request-Id: half\r\nContent-Length: 62\r\n\r\n{\"mod"));
    assert_alive(&sim);
    close(fd);
    assert_alive(&sim);
    assert_alive(&sim);
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    bool is_found = false;
    for (size_t i = 0; i < json_array_size(bill); i++) {
        json_t *line = json_array_get(bill, i);
        if (strcmp(text_at(line, "call"), "half") != 0)
            continue;
        is_found = true;
        ck_assert_str_eq(text_at(line, "fault"), "incomplete");
        ck_assert(json_is_false(at(line, "billed")));
    }
    ck_assert(is_found);
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

// Bends a good request at some places: whatever comes out, the simulator answers the next one.
START_TEST(bent_requests_never_end_the_simulator) {
    static const char good[] =
        POST "X-Client-Request-Id: abc\r\nTransfer-Encoding: chunked\r\n\r\n3e\r\n" BODY
             "\r\n0\r\n\r\n" SIZED(62, BODY);
    struct sim sim;
    struct dice dice = dice_new((uint64_t)getpid(), 0, 0);
    sim_start(&sim, "");
    for (int round = 0; round < 1500; round++) {
        char bent[sizeof(good)];
        memcpy(bent, good, sizeof(good));
        for (uint32_t k = dice_below(&dice, 4); k > 0; k--)
            bent[dice_below(&dice, sizeof(good) - 1)] = (char)dice_below(&dice, 256);
        size_t size = 1 + dice_below(&dice, sizeof(good) - 1);
        int fd = client_open(&sim);
        client_send(fd, (struct span){bent, size});
        close(fd);
    }
    assert_alive(&sim);
    sim_stop(&sim);
    json_decref(sim_bill(&sim)); // each line is JSON
    sim_end(&sim);
}
END_TEST

void add_http(Suite *suite) {
    TCase *tests = tcase_create("http");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, broken_requests_get_an_answer_and_harm_nobody);
    tcase_add_test(tests, bodies_that_are_wrong_are_named_as_the_api_does);
    tcase_add_test(tests, special_bytes_are_seen_wherever_they_stand);
    tcase_add_test(tests, deep_and_large_bodies_are_read_or_refused);
    tcase_add_test(tests, huge_and_many_headers_are_refused);
    tcase_add_test(tests, a_request_may_come_byte_by_byte);
    tcase_add_test(tests, pipelined_requests_are_answered_in_order);
    tcase_add_test(tests, a_client_that_asks_first_is_told_to_go_on);
    tcase_add_test(tests, connections_are_kept_until_asked);
    tcase_add_test(tests, a_request_that_breaks_off_is_recorded_and_not_billed);
    tcase_add_test(tests, bent_requests_never_end_the_simulator);
    suite_add_tcase(suite, tests);
}
