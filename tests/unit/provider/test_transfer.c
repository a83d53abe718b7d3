#include "http_server.h"

#include "common/clock.h"
#include "common/mem.h"
#include "workers/provider/transfer.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS_MAX = 4000, LIMIT_MS = 5000 };

static const struct transfer_limits limits = {
    .connect_ms = 2000, .stall_ms = 60, .head_bytes_max = 16 << 10, .answer_bytes_max = 64 << 10};
static struct curl_slist no_expect = {.data = (char *)(uintptr_t) "Expect:"};
static struct server *server;
static struct transfers *transfers;

static void set_up(void) {
    server = server_open();
    server_run(server);
    transfers = transfers_new(8, &limits);
}

static void tear_down(void) {
    transfers_free(transfers);
    ck_assert_int_eq(mem_held(), 0);
}

static void turn(long wait_ms) {
    (void)transfers_wait(transfers, wait_ms);
    struct moment now = clock_now();
    transfers_turn(transfers, now.mono_ms, now.wall_ms);
}

static struct transfer *start(const char *url, size_t body_size, uint64_t limit_ms) {
    struct transfer *transfer = transfers_take(transfers);
    ck_assert_ptr_nonnull(transfer);
    turn(0);
    for (size_t i = 0; i < body_size; i++)
        buf_byte(&transfer->request, (uint8_t)('a' + i % 26));
    transfer->url = url;
    transfer->headers = &no_expect;
    transfer->may_be_private = transfer->may_be_plain = true;
    transfer_start(transfer, limit_ms);
    return transfer;
}

static struct transfer *wait_for_end(void) {
    for (int i = 0; i < ROUNDS_MAX; i++) {
        struct transfer *ended = transfers_next(transfers);
        if (ended)
            return ended;
        turn(20);
    }
    ck_abort_msg("no exchange ended");
    return NULL;
}

static struct transfer *call(const char *name) {
    (void)start(server_url(server, name), 100, LIMIT_MS);
    return wait_for_end();
}

static const char *head_of(struct transfer *transfer) {
    return buf_cstr(&transfer->head);
}

static void assert_http_end(const struct transfer *transfer, enum http_end end) {
    ck_assert_int_eq(transfer->end, TRANSFER_as_http);
    ck_assert_str_eq(http_end_name(transfer->http_end), http_end_name(end));
}

// The answer is evidence: not a byte of it may be lost or changed on its way to the ledger.
START_TEST(an_answer_arrives_verbatim_with_its_headers) {
    struct transfer *transfer = call("ok");
    assert_http_end(transfer, HTTP_answered);
    ck_assert_uint_eq(transfer->status, 200);
    ck_assert_str_eq(buf_cstr(&transfer->answer), "{\"choices\":[{}]}");
    ck_assert_str_eq(head_of(transfer), "Content-Type: application/json\r\nx-request-id: req_1\r\n"
                                        "Content-Length: 16\r\n");
    ck_assert(transfer->has_left);
    ck_assert_uint_eq(server->last_body_size, 100);
    ck_assert_mem_eq(server->last_body, "abcdefghijklmnopqrstuvwxyz", 26);
    transfer_give(transfer);
}
END_TEST

// A body beyond curl's buffers goes out whole, in order, once.
START_TEST(a_large_request_arrives_whole) {
    (void)start(server_url(server, "ok"), 900000, LIMIT_MS);
    struct transfer *transfer = wait_for_end();
    assert_http_end(transfer, HTTP_answered);
    ck_assert_uint_eq(server->last_body_size, 900000);
    for (size_t i = 0; i < 900000; i++)
        ck_assert_int_eq(server->last_body[i], (char)('a' + i % 26));
    transfer_give(transfer);
}
END_TEST

// The provider's support finds a call by the id that it was sent under.
START_TEST(a_calls_own_header_lines_stand_before_the_shared_ones) {
    struct transfer *transfer = transfers_take(transfers);
    turn(0);
    buf_text(&transfer->request, "{}");
    ck_assert(transfer_line(transfer, "X-Client-Request-Id", "0123"));
    ck_assert(!transfer_line(transfer, "X-Evil", "a\r\nX-Injected: b"));
    ck_assert(transfer_line(transfer, "traceparent", "00-1-2-01"));
    transfer->url = server_url(server, "ok");
    transfer->headers = &no_expect;
    transfer->may_be_private = transfer->may_be_plain = true;
    transfer_start(transfer, LIMIT_MS);
    ck_assert_ptr_eq(wait_for_end(), transfer);
    ck_assert_ptr_nonnull(strstr(server->last_head, "\r\nX-Client-Request-Id: 0123\r\n"));
    ck_assert_ptr_nonnull(strstr(server->last_head, "\r\ntraceparent: 00-1-2-01\r\n"));
    ck_assert_ptr_null(strstr(server->last_head, "Expect"));
    ck_assert_ptr_null(strstr(server->last_head, "Injected"));
    ck_assert_ptr_null(strstr(server->last_head, "Accept-Encoding"));
    transfer_give(transfer);
}
END_TEST

// A connection a call would ruin the rate; the second call takes the first one's.
START_TEST(calls_after_each_other_share_a_connection) {
    for (int i = 0; i < 5; i++) {
        struct transfer *transfer = call("ok");
        assert_http_end(transfer, HTTP_answered);
        transfer_give(transfer);
    }
    ck_assert_uint_eq(atomic_load(&server->connections), 1);
    ck_assert_uint_eq(atomic_load(&server->requests), 5);
}
END_TEST

// A provider that read the request and died has perhaps billed it: to send it again unseen is to
// pay twice. The library does that by itself unless it is kept from it.
START_TEST(a_request_on_a_reused_connection_is_never_sent_twice) {
    struct transfer *transfer = call("one_per");
    assert_http_end(transfer, HTTP_answered);
    transfer_give(transfer);
    transfer = call("one_per");
    ck_assert_int_ne(transfer->http_end, HTTP_answered);
    ck_assert(transfer->has_left);
    ck_assert_uint_eq(transfer->status, 0);
    transfer_give(transfer);
    ck_assert_uint_eq(atomic_load(&server->requests), 2);
}
END_TEST

START_TEST(a_request_on_a_new_connection_is_never_sent_twice) {
    struct transfer *transfer = call("none");
    assert_http_end(transfer, HTTP_no_answer);
    ck_assert(transfer->has_left);
    transfer_give(transfer);
    ck_assert_uint_eq(atomic_load(&server->requests), 1);
}
END_TEST

// Half an answer that passes for a whole one is a wrong result in the ledger.
START_TEST(a_cut_body_is_not_an_answer) {
    static const char *const names[] = {"cut", "cut_chunked"};
    for (size_t i = 0; i < 2; i++) {
        struct transfer *transfer = call(names[i]);
        assert_http_end(transfer, HTTP_truncated);
        ck_assert_str_eq(buf_cstr(&transfer->answer), "{\"choices\":[{}]}");
        transfer_give(transfer);
    }
}
END_TEST

START_TEST(a_chunked_body_loses_its_coding_and_keeps_its_trailer) {
    struct transfer *transfer = call("chunked");
    assert_http_end(transfer, HTTP_answered);
    ck_assert_str_eq(buf_cstr(&transfer->answer), "{\"choices\":[{}]}");
    ck_assert_ptr_nonnull(strstr(head_of(transfer), "x-late: yes\r\n"));
    transfer_give(transfer);
}
END_TEST

// Interim answers are not the answer: their headers would name the wrong request.
START_TEST(only_the_final_answers_headers_are_kept) {
    struct transfer *transfer = call("interim");
    assert_http_end(transfer, HTTP_answered);
    ck_assert_uint_eq(transfer->status, 200);
    ck_assert_ptr_null(strstr(head_of(transfer), "x-early"));
    ck_assert_ptr_nonnull(strstr(head_of(transfer), "x-request-id: req_1\r\n"));
    transfer_give(transfer);
}
END_TEST

// A slot that waits for ever on half an answer is lost to the lane.
START_TEST(silence_within_an_answer_is_a_stall) {
    struct transfer *transfer = call("stall");
    ck_assert_int_eq(transfer->end, TRANSFER_stall_timeout);
    ck_assert(transfer->has_left);
    ck_assert_str_eq(buf_cstr(&transfer->answer), "{\"choi");
    ck_assert_uint_ge(transfer->duration_ms, limits.stall_ms);
    transfer_give(transfer);
}
END_TEST

// The kernel's buffers fill, the body does not move: nobody reads it.
START_TEST(silence_within_a_request_is_a_stall) {
    (void)start(server_url(server, "deaf"), 9 << 20, LIMIT_MS);
    struct transfer *transfer = wait_for_end();
    ck_assert_int_eq(transfer->end, TRANSFER_stall_timeout);
    ck_assert(transfer->has_left);
    transfer_give(transfer);
}
END_TEST

// Models think for minutes before their first byte: that silence is paid for and must not be cut
// by the stall limit, only by the call's own.
START_TEST(silence_before_the_first_byte_lasts_as_long_as_the_call_may) {
    (void)start(server_url(server, "hang"), 100, 4 * limits.stall_ms);
    struct transfer *transfer = wait_for_end();
    assert_http_end(transfer, HTTP_total_timeout);
    ck_assert_uint_ge(transfer->duration_ms, 4 * limits.stall_ms - 2);
    ck_assert(transfer->has_left);
    transfer_give(transfer);
}
END_TEST

// With a limit of its own that silence ends sooner, and it is told apart from a stall.
START_TEST(silence_before_the_first_byte_can_have_its_own_limit) {
    struct transfer_limits patient = limits;
    patient.first_byte_ms = 3 * limits.stall_ms;
    transfers_free(transfers);
    transfers = transfers_new(8, &patient);
    (void)start(server_url(server, "hang"), 100, LIMIT_MS);
    struct transfer *transfer = wait_for_end();
    ck_assert_int_eq(transfer->end, TRANSFER_first_byte_timeout);
    ck_assert_uint_ge(transfer->duration_ms, patient.first_byte_ms);
    ck_assert(transfer->has_left);
    transfer_give(transfer);
    transfer = call("stall"); // once the answer has begun, the other limit counts
    ck_assert_int_eq(transfer->end, TRANSFER_stall_timeout);
    ck_assert_uint_ge(transfer->duration_ms, limits.stall_ms);
    transfer_give(transfer);
}
END_TEST

// A drip that always moves must not outlive the call's limit.
START_TEST(a_slow_drip_ends_with_the_calls_limit) {
    (void)start(server_url(server, "drip"), 100, 200);
    struct transfer *transfer = wait_for_end();
    assert_http_end(transfer, HTTP_total_timeout);
    ck_assert_uint_ge(transfer->answer.size, 2);
    transfer_give(transfer);
}
END_TEST

// A server without end must not fill our memory; what came first is kept as evidence.
START_TEST(a_body_beyond_the_limit_is_cut_there) {
    struct transfer *transfer = call("big");
    ck_assert_int_eq(transfer->end, TRANSFER_too_large);
    ck_assert_uint_eq(transfer->answer.size, limits.answer_bytes_max);
    ck_assert(transfer->has_left);
    transfer_give(transfer);
}
END_TEST

START_TEST(headers_beyond_the_limit_are_cut_there) {
    struct transfer *transfer = call("big_head");
    ck_assert_int_eq(transfer->end, TRANSFER_too_large);
    ck_assert_uint_eq(transfer->head.size, limits.head_bytes_max);
    transfer_give(transfer);
}
END_TEST

// The library has a limit of its own for one line: that too must be a failure, not an answer.
START_TEST(a_header_line_without_end_is_refused) {
    struct transfer *transfer = call("long_line");
    ck_assert(transfer->end != TRANSFER_as_http || transfer->http_end != HTTP_answered);
    ck_assert(transfer->has_left);
    transfer_give(transfer);
}
END_TEST

// A redirect would carry the key and the prompt to whoever the server names.
START_TEST(a_redirect_is_an_answer_and_is_not_followed) {
    struct transfer *transfer = call("redirect");
    assert_http_end(transfer, HTTP_answered);
    ck_assert_uint_eq(transfer->status, 302);
    transfer_give(transfer);
    ck_assert_uint_eq(atomic_load(&server->requests), 1);
}
END_TEST

START_TEST(bytes_that_are_no_http_are_no_answer) {
    struct transfer *transfer = call("garbage");
    ck_assert_int_ne(transfer->http_end, HTTP_answered);
    ck_assert(transfer->has_left);
    transfer_give(transfer);
}
END_TEST

// Nothing left, nothing billed: the broker may offer such a call again at no risk.
START_TEST(a_refused_connection_has_sent_nothing) {
    char url[64];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/ok", closed_port());
    (void)start(url, 100, LIMIT_MS);
    struct transfer *transfer = wait_for_end();
    assert_http_end(transfer, HTTP_connect_failed);
    ck_assert(!transfer->has_left);
    transfer_give(transfer);
}
END_TEST

// A name that leads inside (by mistake or by a hostile name server) must not be called with a key.
START_TEST(an_address_inside_is_refused_unless_it_was_chosen) {
    struct transfer *transfer = transfers_take(transfers);
    turn(0);
    transfer->url = server_url(server, "ok");
    transfer->headers = &no_expect;
    transfer->may_be_plain = true;
    transfer_start(transfer, LIMIT_MS);
    transfer = wait_for_end();
    assert_http_end(transfer, HTTP_address_refused);
    ck_assert(!transfer->has_left);
    transfer_give(transfer);
    ck_assert_uint_eq(atomic_load(&server->connections), 0);
}
END_TEST

START_TEST(plain_http_is_refused_unless_permitted) {
    struct transfer *transfer = transfers_take(transfers);
    turn(0);
    transfer->url = server_url(server, "ok");
    transfer->headers = &no_expect;
    transfer->may_be_private = true;
    transfer_start(transfer, LIMIT_MS);
    transfer = wait_for_end();
    assert_http_end(transfer, HTTP_url_refused);
    ck_assert(!transfer->has_left);
    transfer_give(transfer);
    ck_assert_uint_eq(atomic_load(&server->connections), 0);
}
END_TEST

// A proxy in the environment would see key and prompts.
START_TEST(proxies_of_the_environment_are_not_used) {
    char proxy[64];
    (void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", closed_port());
    ck_assert_int_eq(setenv("http_proxy", proxy, 1), 0);
    ck_assert_int_eq(setenv("all_proxy", proxy, 1), 0);
    struct transfer *transfer = call("ok");
    assert_http_end(transfer, HTTP_answered);
    transfer_give(transfer);
}
END_TEST

START_TEST(an_aborted_call_ends_at_once_and_says_whether_it_had_left) {
    struct transfer *transfer = start(server_url(server, "hang"), 100, LIMIT_MS);
    for (int i = 0; i < ROUNDS_MAX && atomic_load(&server->requests) == 0; i++)
        turn(20);
    transfer_abort(transfer);
    ck_assert_ptr_eq(transfers_next(transfers), transfer);
    ck_assert_int_eq(transfer->end, TRANSFER_aborted);
    ck_assert(transfer->has_left);
    transfer_give(transfer);

    transfer = start(server_url(server, "hang"), 100, LIMIT_MS);
    transfer_abort(transfer);
    ck_assert_ptr_eq(transfers_next(transfers), transfer);
    ck_assert(!transfer->has_left);
    transfer_give(transfer);
}
END_TEST

// Slots are the credit that the broker counts on: no more, no fewer.
START_TEST(there_are_as_many_slots_as_were_asked_for) {
    struct transfer *taken[8];
    for (int i = 0; i < 8; i++)
        taken[i] = start(server_url(server, "ok"), 10, LIMIT_MS);
    ck_assert_ptr_null(transfers_take(transfers));
    ck_assert_uint_eq(transfers_running(transfers), 8);
    for (int i = 0; i < 8; i++) {
        taken[i] = wait_for_end();
        assert_http_end(taken[i], HTTP_answered);
    }
    for (int i = 0; i < 8; i++)
        transfer_give(taken[i]);
    ck_assert_uint_eq(transfers_running(transfers), 0);
    ck_assert_ptr_nonnull(transfers_take(transfers));
}
END_TEST

// An answer's text must not show up in the next call's.
START_TEST(a_slot_that_is_used_again_is_empty) {
    struct transfer *transfer = call("stall");
    transfer_give(transfer);
    transfer = call("redirect");
    ck_assert_uint_eq(transfer->answer.size, 0);
    ck_assert_ptr_null(strstr(head_of(transfer), "req_1"));
    assert_http_end(transfer, HTTP_answered);
    transfer_give(transfer);
}
END_TEST

START_TEST(base_urls_are_https_or_this_machine) {
    static const struct {
        const char *url;
        bool allow_http, is_fine, is_loopback;
    } cases[] = {
        {"https://api.openai.com/v1", false, true, false},
        {"http://api.openai.com/v1", false, false, false},
        {"http://api.openai.com/v1", true, true, false},
        {"http://127.0.0.1:8080/v1", false, true, true},
        {"http://localhost:8080/v1", false, true, true},
        {"http://[::1]:8080/v1", false, true, true},
        {"http://127.0.0.1.example.org/v1", false, false, false},
        {"http://localhost.example.org/v1", false, false, false},
        {"https://key@api.openai.com/v1", false, false, false},
        {"https://api.openai.com/v1?key=1", false, false, false},
        {"file:///etc/passwd", true, false, false},
        {"not a url", true, false, false},
        {"", true, false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool is_loopback = !cases[i].is_loopback;
        const char *refusal = http_url_refusal(cases[i].url, cases[i].allow_http, &is_loopback);
        ck_assert_msg((refusal == NULL) == cases[i].is_fine, "%s: %s", cases[i].url,
                      refusal ? refusal : "taken");
        ck_assert_msg(is_loopback == cases[i].is_loopback, "%s", cases[i].url);
    }
}
END_TEST

static bool is_public(int family, const char *text) {
    struct sockaddr_storage address = {.ss_family = (sa_family_t)family};
    void *to = family == AF_INET ? (void *)&((struct sockaddr_in *)&address)->sin_addr
                                 : (void *)&((struct sockaddr_in6 *)&address)->sin6_addr;
    ck_assert_int_eq(inet_pton(family, text, to), 1);
    return http_address_is_public((struct sockaddr *)&address);
}

// The metadata service of a cloud gives keys away to whoever asks from inside.
START_TEST(addresses_inside_are_known) {
    static const char *const inside_4[] = {"127.0.0.1",       "10.1.2.3",    "172.16.0.1",
                                           "172.31.9.9",      "192.168.1.1", "169.254.169.254",
                                           "0.0.0.0",         "100.64.0.1",  "224.0.0.1",
                                           "255.255.255.255", "198.18.0.1"};
    static const char *const outside_4[] = {"8.8.8.8", "172.32.0.1", "11.0.0.1", "100.128.0.1"};
    static const char *const inside_6[] = {
        "::1",     "::",      "fc00::1",         "fd12::1",     "fe80::1",
        "fec0::1", "ff02::1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::10.0.0.1"};
    static const char *const outside_6[] = {"2606:4700::1111", "::ffff:8.8.8.8",
                                            "64:ff9b::8.8.8.8"};
    for (size_t i = 0; i < sizeof(inside_4) / sizeof(inside_4[0]); i++)
        ck_assert_msg(!is_public(AF_INET, inside_4[i]), "%s", inside_4[i]);
    for (size_t i = 0; i < sizeof(outside_4) / sizeof(outside_4[0]); i++)
        ck_assert_msg(is_public(AF_INET, outside_4[i]), "%s", outside_4[i]);
    for (size_t i = 0; i < sizeof(inside_6) / sizeof(inside_6[0]); i++)
        ck_assert_msg(!is_public(AF_INET6, inside_6[i]), "%s", inside_6[i]);
    for (size_t i = 0; i < sizeof(outside_6) / sizeof(outside_6[0]); i++)
        ck_assert_msg(is_public(AF_INET6, outside_6[i]), "%s", outside_6[i]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("transfer");
    TCase *calls = tcase_create("calls");
    tcase_add_checked_fixture(calls, set_up, tear_down);
    tcase_set_timeout(calls, 60);
    tcase_add_test(calls, an_answer_arrives_verbatim_with_its_headers);
    tcase_add_test(calls, a_large_request_arrives_whole);
    tcase_add_test(calls, a_calls_own_header_lines_stand_before_the_shared_ones);
    tcase_add_test(calls, calls_after_each_other_share_a_connection);
    tcase_add_test(calls, a_request_on_a_reused_connection_is_never_sent_twice);
    tcase_add_test(calls, a_request_on_a_new_connection_is_never_sent_twice);
    tcase_add_test(calls, a_cut_body_is_not_an_answer);
    tcase_add_test(calls, a_chunked_body_loses_its_coding_and_keeps_its_trailer);
    tcase_add_test(calls, only_the_final_answers_headers_are_kept);
    tcase_add_test(calls, silence_within_an_answer_is_a_stall);
    tcase_add_test(calls, silence_within_a_request_is_a_stall);
    tcase_add_test(calls, silence_before_the_first_byte_lasts_as_long_as_the_call_may);
    tcase_add_test(calls, silence_before_the_first_byte_can_have_its_own_limit);
    tcase_add_test(calls, a_slow_drip_ends_with_the_calls_limit);
    tcase_add_test(calls, a_body_beyond_the_limit_is_cut_there);
    tcase_add_test(calls, headers_beyond_the_limit_are_cut_there);
    tcase_add_test(calls, a_header_line_without_end_is_refused);
    tcase_add_test(calls, a_redirect_is_an_answer_and_is_not_followed);
    tcase_add_test(calls, bytes_that_are_no_http_are_no_answer);
    tcase_add_test(calls, a_refused_connection_has_sent_nothing);
    tcase_add_test(calls, an_address_inside_is_refused_unless_it_was_chosen);
    tcase_add_test(calls, plain_http_is_refused_unless_permitted);
    tcase_add_test(calls, proxies_of_the_environment_are_not_used);
    tcase_add_test(calls, an_aborted_call_ends_at_once_and_says_whether_it_had_left);
    tcase_add_test(calls, there_are_as_many_slots_as_were_asked_for);
    tcase_add_test(calls, a_slot_that_is_used_again_is_empty);
    suite_add_tcase(suite, calls);
    TCase *rules = tcase_create("rules");
    tcase_add_test(rules, base_urls_are_https_or_this_machine);
    tcase_add_test(rules, addresses_inside_are_known);
    suite_add_tcase(suite, rules);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
