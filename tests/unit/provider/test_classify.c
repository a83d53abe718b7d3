#include "api.h"

#include "workers/provider/classify.h"

#include <stdio.h>

#define NOW_MS 1763805600000 // Sat, 22 Nov 2025 10:00:00 GMT
#define ANSWER "{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0}],\"usage\":null}"

static struct catalogue *catalogue;
static const struct provider_api *api;
static struct json_scan scan;
static struct verdict verdict;

static void set_up(void) {
    catalogue = api_catalogue();
    api = catalogue_api(catalogue, bytes_text("openai"), bytes_text("chat"));
    ck_assert_ptr_nonnull(api);
    json_scan_init(&scan);
}

static void tear_down(void) {
    json_scan_release(&scan);
    catalogue_free(catalogue);
}

static void judge(unsigned status, const char *head, const char *body) {
    const struct outcome outcome = {.http_end = HTTP_answered,
                                    .status = status,
                                    .has_left = true,
                                    .head = bytes_text(head),
                                    .body = bytes_text(body),
                                    .words = "",
                                    .now_ms = NOW_MS};
    classify(api, adapter_for("openai.chat"), &outcome, &scan, &verdict);
    ck_assert_str_eq(verdict.ended, "answered");
    ck_assert_uint_eq(verdict.status, status);
}

static void judge_end(enum transfer_end end, enum http_end http_end, bool has_left) {
    const struct outcome outcome = {.end = end,
                                    .http_end = http_end,
                                    .status = 200,
                                    .has_left = has_left,
                                    .body = bytes_text(ANSWER),
                                    .words = "words of the library",
                                    .now_ms = NOW_MS};
    classify(api, adapter_for("openai.chat"), &outcome, &scan, &verdict);
}

static void assert_class(const char *class, const char *reason) {
    ck_assert_str_eq(call_class_name(verdict.class), class);
    ck_assert_str_eq(verdict.reason, reason);
}

// A wrong class costs money (a quota retried for ever) or work (a good job declared dead).
START_TEST(a_status_and_its_code_decide_the_class) {
    static const struct {
        unsigned status;
        const char *body, *class, *reason;
    } cases[] = {
        {200, ANSWER, "success", ""},
        {201, ANSWER, "success", ""},
        {400, "{\"error\":{\"code\":\"context_length_exceeded\"}}", "permanent",
         "context_length_exceeded"},
        {400, "{}", "permanent", "http_400"},
        {401, "{\"error\":{\"code\":\"invalid_api_key\"}}", "lane_wide", "http_401"},
        {402, "", "lane_wide", "http_402"},
        {403, "no json", "lane_wide", "http_403"},
        {404, "{\"error\":{\"code\":\"model_not_found\"}}", "permanent", "model_not_found"},
        {408, "", "retryable", "http_408"},
        {409, "", "retryable", "http_409"},
        {413, "", "permanent", "http_413"},
        {422, "", "permanent", "http_422"},
        {429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", "rate_limited", "http_429"},
        {429, "{\"error\":{\"code\":\"insufficient_quota\"}}", "lane_wide", "quota_exhausted"},
        {429, "{\"error\":{\"type\":\"insufficient_quota\",\"code\":null}}", "lane_wide",
         "quota_exhausted"},
        {429, "{\"error\":{\"code\":\"credit_balance_exhausted\"}}", "lane_wide",
         "quota_exhausted"},
        {429, "", "rate_limited", "http_429"},
        {500, "", "retryable", "http_500"},
        {502, "<html>bad gateway</html>", "retryable", "http_502"},
        {503, "{\"error\":{\"code\":\"server_is_overloaded\"}}", "retryable", "http_503"},
        {504, "", "retryable", "http_504"},
        {302, "", "permanent", "redirect"},
        {418, "", "permanent", "http_4xx"},
        {529, "", "retryable", "http_5xx"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        judge(cases[i].status, "", cases[i].body);
        ck_assert_msg(strcmp(call_class_name(verdict.class), cases[i].class) == 0 &&
                          strcmp(verdict.reason, cases[i].reason) == 0,
                      "%u %s: %s %s", cases[i].status, cases[i].body,
                      call_class_name(verdict.class), verdict.reason);
    }
}
END_TEST

// Proxies and half-broken servers answer 200 with anything; that is no result.
START_TEST(a_success_status_needs_a_whole_answer) {
    static const char *const bodies[] = {
        "",
        "<html></html>",
        "{\"choices\":[{\"index\":0}",
        "{\"choices\":[{\"index\":0}]} trailing",
        "{\"choices\":[]}",
        "{\"choices\":{}}",
        "{\"choices\":[null]}",
        "{\"choices\":[{},7]}",
        "{\"object\":\"list\"}",
        "[]",
        "null",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        judge(200, "", bodies[i]);
        ck_assert_msg(verdict.class == CLASS_malformed, "%s: %s", bodies[i],
                      call_class_name(verdict.class));
        ck_assert_str_eq(verdict.reason, "malformed");
    }
    judge(200, "", "{\"error\":null,\"choices\":[{}]}");
    assert_class("success", "");
}
END_TEST

// Servers that answer before they work put the error into a 200.
START_TEST(an_error_in_a_success_is_judged_by_its_words) {
    judge(200, "", "{\"error\":{\"code\":\"insufficient_quota\"}}");
    assert_class("lane_wide", "quota_exhausted");
    judge(200, "", "{\"error\":{\"code\":\"context_length_exceeded\"},\"choices\":[{}]}");
    assert_class("permanent", "context_length_exceeded");
    judge(200, "Retry-After: 2\r\n", "{\"error\":{\"code\":\"rate_limit_exceeded\"}}");
    assert_class("rate_limited", "http_429");
    ck_assert_uint_eq(verdict.retry_after_ms, 2000);
    judge(200, "", "{\"error\":{\"code\":502,\"message\":\"upstream\"}}");
    assert_class("retryable", "http_502");
    judge(200, "", "{\"error\":{\"message\":\"something\"}}");
    assert_class("retryable", "error_in_answer");
    judge(200, "", "{\"code\":\"x\",\"error\":\"text\"}");
    assert_class("retryable", "error_in_answer");
}
END_TEST

// What the provider says of itself outweighs what its status means elsewhere.
START_TEST(a_provider_may_say_whether_to_try_again) {
    judge(400, "x-should-retry: true\r\n", "");
    assert_class("retryable", "http_400");
    judge(500, "X-Should-Retry: false\r\n", "");
    assert_class("permanent", "http_500");
    judge(429, "x-should-retry: false\r\n", "");
    assert_class("lane_wide", "http_429");
    judge(401, "x-should-retry: true\r\n", "");
    assert_class("lane_wide", "http_401");
    judge(200, "x-should-retry: false\r\n", ANSWER);
    assert_class("success", "");
}
END_TEST

// The line between "offer it again" and "it may have been billed" is the first byte that left.
START_TEST(without_an_answer_the_bytes_that_left_decide) {
    static const struct {
        enum transfer_end end;
        enum http_end http_end;
        const char *reason;
    } cases[] = {
        {TRANSFER_as_http, HTTP_resolve_failed, "resolve_failed"},
        {TRANSFER_as_http, HTTP_connect_failed, "connect_failed"},
        {TRANSFER_as_http, HTTP_connect_timeout, "connect_timeout"},
        {TRANSFER_as_http, HTTP_tls_failed, "tls_failed"},
        {TRANSFER_as_http, HTTP_send_failed, "send_failed"},
        {TRANSFER_as_http, HTTP_send_failed_rewind, "send_failed_rewind"},
        {TRANSFER_as_http, HTTP_reset, "reset"},
        {TRANSFER_as_http, HTTP_truncated, "truncated"},
        {TRANSFER_as_http, HTTP_total_timeout, "total_timeout"},
        {TRANSFER_stall_timeout, HTTP_failed, "stall_timeout"},
        {TRANSFER_first_byte_timeout, HTTP_failed, "first_byte_timeout"},
        {TRANSFER_too_large, HTTP_refused_by_owner, "too_large"},
        {TRANSFER_aborted, HTTP_failed, "aborted"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int has_left = 0; has_left < 2; has_left++) {
            judge_end(cases[i].end, cases[i].http_end, has_left);
            ck_assert_str_eq(verdict.ended, has_left ? "failed" : "not_started");
            ck_assert_uint_eq(verdict.status, 0);
            assert_class("retryable", cases[i].reason);
            ck_assert_str_eq(verdict.detail, "words of the library");
        }
    }
}
END_TEST

// A provider's message may quote the prompt or the key; only its codes are for the log and stat.
START_TEST(the_detail_never_holds_the_providers_message) {
    judge(401, "",
          "{\"error\":{\"message\":\"Incorrect API key provided: sk-secret\",\"type\":"
          "\"invalid_request_error\",\"code\":\"invalid_api_key\"}}");
    ck_assert_str_eq(verdict.detail, "code invalid_api_key, type invalid_request_error");
    judge(400, "", "{\"error\":{\"code\":\"a\\\"b\\nc=d\"}}");
    ck_assert_str_eq(verdict.detail, "code a?b?c?d");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("classify");
    TCase *tests = tcase_create("classes");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_status_and_its_code_decide_the_class);
    tcase_add_test(tests, a_success_status_needs_a_whole_answer);
    tcase_add_test(tests, an_error_in_a_success_is_judged_by_its_words);
    tcase_add_test(tests, a_provider_may_say_whether_to_try_again);
    tcase_add_test(tests, without_an_answer_the_bytes_that_left_decide);
    tcase_add_test(tests, the_detail_never_holds_the_providers_message);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
