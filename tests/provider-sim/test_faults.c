// What the simulator does wrong on purpose, and what it bills then.
#include "tests/provider-sim/test_suites.h"

#include "tests/provider-sim/test_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SILENCE_MS = 300 }; // an answer that has not come by then does not come

static json_t *only_line(const struct sim *sim) {
    json_t *bill = sim_bill(sim);
    ck_assert_uint_eq(json_array_size(bill), 1);
    json_t *line = json_incref(json_array_get(bill, 0));
    json_decref(bill);
    return line;
}

static void assert_line(json_t *line, const char *fault, bool is_billed) {
    ck_assert_str_eq(text_at(line, "fault"), fault);
    ck_assert_str_eq(text_at(line, "call"), "the-call");
    ck_assert_int_eq(json_is_true(at(line, "billed")), is_billed);
    ck_assert(json_is_false(at(line, "delivered")));
    ck_assert_int_eq(number_at(line, "pusd") > 0, is_billed);
    ck_assert_int_eq(number_at(line, "output_tokens") > 0, is_billed);
    ck_assert_uint_eq(strlen(text_at(line, "request_id")), 36);
    ck_assert_uint_eq(strlen(text_at(line, "response_id")), is_billed ? 38 : 0);
}

// Starts a simulator, has one fault, and checks its line of the bill.
static void have_fault(const char *fault, bool is_billed, int limit_ms, struct got *got) {
    struct sim sim;
    char said[64];
    struct text body = {0};
    sim_start(&sim, "--chunked-rate 0");
    snprintf(said, sizeof(said), "please @sim:%s now", fault);
    text_add(&body, "{\"model\":\"gpt-4.1-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"");
    text_add(&body, said);
    text_put(&body, "\"}]}", 5);
    int fd = client_open(&sim);
    client_ask(fd, "the-call", body.at);
    client_read(fd, limit_ms, got);
    close(fd);
    text_release(&body);
    sim_stop(&sim);
    json_t *line = only_line(&sim);
    assert_line(line, fault, is_billed);
    json_decref(line);
    sim_end(&sim);
}

// An error that is billed, or whose shape is not the API's, would teach the classifier nonsense.
START_TEST(errors_have_their_status_and_are_not_billed) {
    static const struct {
        const char *fault;
        int status;
        const char *code; // NULL: the body is no JSON
    } cases[] = {
        {"http_500", 500, ""},
        {"http_502", 502, NULL},
        {"http_503", 503, "server_is_overloaded"},
        {"http_504", 504, NULL},
        {"http_429", 429, "rate_limit_exceeded"},
        {"http_400", 400, "context_length_exceeded"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct got got;
        have_fault(cases[i].fault, false, 0, &got);
        ck_assert_int_eq(got.status, cases[i].status);
        ck_assert(got.is_whole);
        if (cases[i].code != NULL) {
            json_t *answer = got_json(&got);
            json_t *code = at(answer, "error.code");
            ck_assert_str_eq(json_is_null(code) ? "" : json_string_value(code), cases[i].code);
            ck_assert_ptr_nonnull(text_at(answer, "error.message"));
            ck_assert_ptr_nonnull(text_at(answer, "error.type"));
            at(answer, "error.param");
            json_decref(answer);
        }
        got_release(&got);
    }
}
END_TEST

// A cut body that is complete after all would never find out who takes it for a success.
START_TEST(cut_answers_are_billed_and_never_complete) {
    static const char *const cuts[] = {"cut_length", "cut_chunked", "cut_reset", "cut_head"};
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct got got;
        have_fault(cuts[i], true, 0, &got);
        ck_assert(!got.is_whole);
        ck_assert(got.has_ended);
        if (i == 3)
            ck_assert_int_eq(got.status, 0);
        if (i < 2)
            ck_assert_int_eq(got.status, 200);
        char *encoding = got_header(&got, "transfer-encoding");
        ck_assert_int_eq(encoding != NULL, i == 1);
        memory_free(encoding);
        got_release(&got);
    }
}
END_TEST

// A hang that answers, or closes, would test nobody's stall timeout.
START_TEST(hangs_are_billed_and_stay_open) {
    struct got got;
    have_fault("hang", true, SILENCE_MS, &got);
    ck_assert_uint_eq(got.raw.size, 0);
    ck_assert(!got.has_ended);
    got_release(&got);
    have_fault("hang_midway", true, SILENCE_MS, &got);
    ck_assert_int_eq(got.status, 200);
    ck_assert(!got.is_whole && !got.has_ended);
    got_release(&got);
}
END_TEST

// These were processed and paid for, and the client hears nothing.
START_TEST(late_closes_are_billed_and_say_nothing) {
    static const char *const closes[] = {"late_close", "late_reset"};
    for (size_t i = 0; i < 2; i++) {
        struct got got;
        have_fault(closes[i], true, 0, &got);
        ck_assert_uint_eq(got.raw.size, 0);
        ck_assert(got.has_ended);
        got_release(&got);
    }
}
END_TEST

// As HTTP these are perfect: only who reads the body can tell.
START_TEST(malformed_answers_are_whole_and_no_json) {
    static const char *const kinds[] = {"malformed_truncated", "malformed_garbage",
                                        "malformed_html", "malformed_empty"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct got got;
        json_error_t error;
        have_fault(kinds[i], true, 0, &got);
        ck_assert_int_eq(got.status, 200);
        ck_assert(got.is_whole);
        ck_assert_ptr_null(json_loadb(got.body.at, got.body.size, JSON_DECODE_ANY, &error));
        ck_assert_int_eq(got.body.size == 0, i == 3);
        got_release(&got);
    }
}
END_TEST

// Closed before the body was read: bytes had left the client, and nothing is billed.
START_TEST(refused_connections_are_not_billed) {
    struct sim sim;
    struct got got;
    sim_start(&sim, "--refuse-rate 100%");
    ask_said(&sim, "the-call", "gpt-4o", "hello", &got);
    ck_assert(got.has_ended);
    ck_assert_uint_eq(got.raw.size, 0);
    got_release(&got);
    sim_stop(&sim);
    json_t *line = only_line(&sim);
    assert_line(line, "refused", false);
    json_decref(line);
    sim_end(&sim);
}
END_TEST

// How often each fault happened to the same 400 requests.
static json_t *fault_counts(const char *options, char trace[401]) {
    struct sim sim;
    json_t *counts = json_object();
    sim_start(&sim, options);
    for (int i = 0; i < 400; i++) {
        struct got got;
        char said[32], call[32];
        snprintf(said, sizeof(said), "request %d", i / 2); // each text twice
        snprintf(call, sizeof(call), "call-%d", i);
        ask_said(&sim, call, "gpt-4o", said, &got);
        got_release(&got);
    }
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    ck_assert_uint_eq(json_array_size(bill), 400);
    for (size_t i = 0; i < 400; i++) {
        const char *fault = text_at(json_array_get(bill, i), "fault");
        json_t *count = json_object_get(counts, fault);
        json_object_set_new(counts, fault, json_integer(json_integer_value(count) + 1));
        trace[i] = fault[0] ? fault[strlen(fault) - 1] : '.';
    }
    trace[400] = '\0';
    json_decref(bill);
    sim_end(&sim);
    return counts;
}

static int64_t count_of(json_t *counts, const char *begin) {
    const char *name;
    json_t *count;
    int64_t sum = 0;
    json_object_foreach(counts, name, count) {
        if (strncmp(name, begin, strlen(begin)) == 0 && (begin[0] || !name[0]))
            sum += json_integer_value(count);
    }
    return sum;
}

// A failed run is of little use if it cannot be had again; and a retried request must be able to
// succeed, so its second draw is another one.
START_TEST(the_same_seed_brings_the_same_faults) {
    static const char options[] = "--error-rate 0.3 --429-rate 20% --late-close-rate 0.1 --seed ";
    char one[401], again[401], other[401], all[128];
    snprintf(all, sizeof(all), "%s5", options);
    json_t *counts = fault_counts(all, one);
    ck_assert_int_gt(count_of(counts, ""), 400 * 30 / 100);
    ck_assert_int_gt(count_of(counts, "http_5"), 400 * 20 / 100);
    ck_assert_int_lt(count_of(counts, "http_5"), 400 * 40 / 100);
    ck_assert_int_gt(count_of(counts, "http_429"), 400 * 12 / 100);
    ck_assert_int_gt(count_of(counts, "late_"), 400 * 5 / 100);
    json_decref(counts);
    json_decref(fault_counts(all, again));
    ck_assert_str_eq(one, again);
    snprintf(all, sizeof(all), "%s6", options);
    json_decref(fault_counts(all, other));
    ck_assert_str_ne(one, other);
    int differing = 0;
    for (int i = 0; i < 400; i += 2)
        differing += one[i] != one[i + 1];
    ck_assert_int_gt(differing, 50);
}
END_TEST

// What is wrong with a request stays wrong, or it would be no permanent error.
START_TEST(a_rejected_request_is_rejected_again) {
    char trace[401];
    json_t *counts = fault_counts("--reject-rate 50%", trace);
    int64_t rejected = count_of(counts, "http_400");
    ck_assert_int_gt(rejected, 120);
    ck_assert_int_lt(rejected, 280);
    json_decref(counts);
    for (int i = 0; i < 400; i += 2)
        ck_assert_int_eq(trace[i], trace[i + 1]);
}
END_TEST

// Each member of a group must be met, else half of the error paths are never walked.
START_TEST(each_rate_brings_all_of_its_kinds_and_no_other) {
    static const struct {
        const char *option;
        const char *kinds[5];
    } groups[] = {
        {"--error-rate 100%", {"http_500", "http_502", "http_503", "http_504"}},
        {"--cut-rate 100%", {"cut_length", "cut_chunked", "cut_head", "cut_reset"}},
        {"--malformed-rate 100%",
         {"malformed_truncated", "malformed_garbage", "malformed_html", "malformed_empty"}},
        {"--late-close-rate 100%", {"late_close", "late_reset"}},
    };
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        char trace[401];
        int64_t sum = 0;
        json_t *counts = fault_counts(groups[i].option, trace);
        for (size_t k = 0; groups[i].kinds[k] != NULL; k++) {
            ck_assert_msg(count_of(counts, groups[i].kinds[k]) > 0, "%s", groups[i].kinds[k]);
            sum += count_of(counts, groups[i].kinds[k]);
        }
        ck_assert_int_eq(sum, 400);
        json_decref(counts);
    }
}
END_TEST

// Providers say in many ways how long to wait; who is only ever told one has not learnt the rest.
START_TEST(rate_limits_ask_to_wait_in_every_form) {
    struct sim sim;
    unsigned forms = 0;
    sim_start(&sim, "--429-rate 1 --retry-ms 2000");
    for (int i = 0; i < 100; i++) {
        struct got got;
        char said[32];
        snprintf(said, sizeof(said), "request %d", i);
        ask_said(&sim, "c", "gpt-4o", said, &got);
        ck_assert_int_eq(got.status, 429);
        char *after = got_header(&got, "retry-after");
        char *milliseconds = got_header(&got, "retry-after-ms");
        char *reset = got_header(&got, "x-ratelimit-reset-requests");
        bool is_date = after != NULL && strlen(after) == 29;
        if (after != NULL && !is_date)
            ck_assert_int_ge(atoi(after), 1);
        if (milliseconds != NULL)
            ck_assert_int_ge(atoi(milliseconds), 1000);
        forms |= is_date                                 ? 1u
                 : after != NULL && milliseconds != NULL ? 2u
                 : after != NULL                         ? 4u
                 : milliseconds != NULL                  ? 8u
                 : reset != NULL                         ? 16u
                                                         : 32u;
        memory_free(after);
        memory_free(milliseconds);
        memory_free(reset);
        got_release(&got);
    }
    ck_assert_uint_eq(forms, 63);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// A directive with a count is how a test makes one retry succeed.
START_TEST(a_directive_can_hold_for_the_first_times_only) {
    struct sim sim;
    sim_start(&sim, "");
    for (int i = 0; i < 3; i++) {
        struct got got;
        ask_said(&sim, "c", "gpt-4o", "x @sim:http_500*2", &got);
        ck_assert_int_eq(got.status, i < 2 ? 500 : 200);
        got_release(&got);
    }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

static int asked_status(const struct sim *sim, const char *key, char code[64]) {
    struct text request = {0};
    struct got got;
    int fd = client_open(sim);
    text_add(&request, "POST /v1/chat/completions HTTP/1.1\r\n");
    text_add(&request, key == NULL ? "X-None: " : "authorization: bearer ");
    text_add(&request, key == NULL ? "" : key);
    text_add(&request,
             "\r\nContent-Length: 62\r\n\r\n"
             "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
    client_send(fd, text_view(&request));
    client_read(fd, 0, &got);
    close(fd);
    int status = got.status;
    json_t *answer = got_json(&got);
    if (status != 200 && json_is_string(at(answer, "error.code")))
        snprintf(code, 64, "%s", text_at(answer, "error.code"));
    json_decref(answer);
    got_release(&got);
    text_release(&request);
    return status;
}

// The e2e tests mend a wrong key while a batch runs; a switch that comes late makes them lie.
START_TEST(keys_are_checked_and_can_be_mended) {
    struct sim sim;
    char code[64] = "";
    sim_start(&sim, "--key one --key-file %k");
    ck_assert_int_eq(asked_status(&sim, NULL, code), 401);
    ck_assert_str_eq(code, "");
    ck_assert_int_eq(asked_status(&sim, "two", code), 401);
    ck_assert_str_eq(code, "invalid_api_key");
    ck_assert_int_eq(asked_status(&sim, "one", code), 200);
    file_write(sim.keys, "three\ntwo\n");
    ck_assert_int_eq(asked_status(&sim, "two", code), 200);
    ck_assert_int_eq(asked_status(&sim, "tw", code), 401);
    file_write(sim.keys, "three\nfor\n");
    ck_assert_int_eq(asked_status(&sim, "two", code), 401);
    ck_assert_int_eq(asked_status(&sim, "for", code), 200);
    ck_assert_int_eq(unlink(sim.keys), 0);
    ck_assert_int_eq(asked_status(&sim, "for", code), 401);
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    ck_assert_str_eq(text_at(bill, "0.fault"), "denied");
    ck_assert(json_is_false(at(bill, "0.billed")));
    ck_assert(json_is_true(at(bill, "2.billed")));
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

// The same for an exhausted quota, which must not look like a rate limit that passes.
START_TEST(the_quota_is_switched_by_a_file) {
    struct sim sim;
    char code[64] = "";
    sim_start(&sim, "--quota-file %q");
    ck_assert_int_eq(asked_status(&sim, "k", code), 200);
    file_write(sim.quota, "");
    ck_assert_int_eq(asked_status(&sim, "k", code), 429);
    ck_assert_str_eq(code, "insufficient_quota");
    ck_assert_int_eq(unlink(sim.quota), 0);
    ck_assert_int_eq(asked_status(&sim, "k", code), 200);
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    ck_assert_str_eq(text_at(bill, "1.fault"), "quota");
    ck_assert_int_eq(number_at(bill, "1.status"), 429);
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

static const char slow_body[] = "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\","
                                "\"content\":\"@sim:delay_600000\"}]}";

// After its answers the simulator has seen everything that was sent before.
static void settle(const struct sim *sim) {
    for (int i = 0; i < 3; i++) {
        struct got got;
        ask_said(sim, "settle", "gpt-4o", "hello", &got);
        ck_assert_int_eq(got.status, 200);
        got_release(&got);
    }
}

// Who gives up waiting is billed all the same; a bill without it would blame the ledger.
START_TEST(a_client_that_leaves_before_its_answer_is_billed) {
    struct sim sim;
    sim_start(&sim, "");
    int fd = client_open(&sim);
    client_ask(fd, "the-call", slow_body);
    settle(&sim);
    close(fd);
    settle(&sim);
    sim_kill(&sim); // the line must be there without an orderly end
    json_t *bill = sim_bill(&sim);
    ck_assert_uint_eq(json_array_size(bill), 7);
    assert_line(json_array_get(bill, 3), "client_gone", true);
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

// An orderly end bills what was processed and could not be said any more.
START_TEST(what_waits_at_the_end_is_billed) {
    struct sim sim;
    sim_start(&sim, "");
    int fd = client_open(&sim);
    client_ask(fd, "the-call", slow_body);
    settle(&sim);
    sim_stop(&sim);
    close(fd);
    json_t *bill = sim_bill(&sim);
    ck_assert_uint_eq(json_array_size(bill), 4);
    assert_line(json_array_get(bill, 3), "shutdown", true);
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

// The answer of the moment must not overtake the one that is due later, nor come before its time.
START_TEST(an_answer_takes_its_time) {
    struct sim sim;
    struct got got;
    sim_start(&sim, "");
    int slow = client_open(&sim);
    client_ask(slow, "the-call", slow_body);
    client_read(slow, SILENCE_MS, &got);
    ck_assert_uint_eq(got.raw.size, 0);
    ck_assert(!got.has_ended);
    got_release(&got);
    settle(&sim);
    ask_said(&sim, "c", "gpt-4o", "@sim:delay_50", &got);
    ck_assert_int_eq(got.status, 200);
    char *took = got_header(&got, "openai-processing-ms");
    ck_assert_str_eq(took, "50");
    memory_free(took);
    got_release(&got);
    sim_stop(&sim);
    close(slow);
    sim_end(&sim);
}
END_TEST

void add_faults(Suite *suite) {
    TCase *tests = tcase_create("faults");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, errors_have_their_status_and_are_not_billed);
    tcase_add_test(tests, cut_answers_are_billed_and_never_complete);
    tcase_add_test(tests, hangs_are_billed_and_stay_open);
    tcase_add_test(tests, late_closes_are_billed_and_say_nothing);
    tcase_add_test(tests, malformed_answers_are_whole_and_no_json);
    tcase_add_test(tests, refused_connections_are_not_billed);
    tcase_add_test(tests, the_same_seed_brings_the_same_faults);
    tcase_add_test(tests, a_rejected_request_is_rejected_again);
    tcase_add_test(tests, each_rate_brings_all_of_its_kinds_and_no_other);
    tcase_add_test(tests, rate_limits_ask_to_wait_in_every_form);
    tcase_add_test(tests, a_directive_can_hold_for_the_first_times_only);
    tcase_add_test(tests, keys_are_checked_and_can_be_mended);
    tcase_add_test(tests, the_quota_is_switched_by_a_file);
    tcase_add_test(tests, a_client_that_leaves_before_its_answer_is_billed);
    tcase_add_test(tests, what_waits_at_the_end_is_billed);
    tcase_add_test(tests, an_answer_takes_its_time);
    suite_add_tcase(suite, tests);
}
