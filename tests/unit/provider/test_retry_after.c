#include "common/limits.h"
#include "workers/provider/lag.h"
#include "workers/provider/retry_after.h"

#include <check.h>

#define NOW_MS 1763805600000 // Sat, 22 Nov 2025 10:00:00 GMT

static uint64_t after(const char *head) {
    return retry_hint_of(bytes_text(head), "x-should-retry", NOW_MS).after_ms;
}

// "6m0s" read as 6 is a lane that hammers a provider sixty times too early.
START_TEST(durations_are_read_with_their_units) {
    static const struct {
        const char *text;
        bool is_one;
        uint64_t ms;
    } cases[] = {
        {"6m0s", true, 360000},
        {"1m30s", true, 90000},
        {"8.64s", true, 8640},
        {"12ms", true, 12},
        {"1s", true, 1000},
        {"2m59.56s", true, 179560},
        {"1h2m3s", true, 3723000},
        {"1d", true, 86400000},
        {"1.5h", true, 5400000},
        {"100us", true, 1},
        {"20\xc2\xb5s", true, 1},
        {"0s", true, 0},
        {"48h", true, RETRY_HINT_MAX_MS},
        {"99999999999999999999s", true, RETRY_HINT_MAX_MS},
        {"", false, 0},
        {"s", false, 0},
        {"5", false, 0},
        {"5x", false, 0},
        {"5s6", false, 0},
        {"-5s", false, 0},
        {"1..5s", false, 0},
        {".s", false, 0},
        {"5 s", false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t ms = 0;
        bool is_one = retry_duration_ms(bytes_text(cases[i].text), &ms);
        ck_assert_msg(is_one == cases[i].is_one && ms == cases[i].ms, "%s: %d %llu", cases[i].text,
                      is_one, (unsigned long long)ms);
    }
}
END_TEST

// Each provider writes it in another way; what is not understood asks for nothing.
START_TEST(every_form_of_retry_after_is_read) {
    static const struct {
        const char *head;
        uint64_t ms;
    } cases[] = {
        {"", 0},
        {"Content-Type: application/json\r\n", 0},
        {"Retry-After: 3\r\n", 3000},
        {"retry-after:20\r\n", 20000},
        {"Retry-After:  0.5 \r\n", 500},
        {"Retry-After: -3\r\n", 0},
        {"Retry-After: soon\r\n", 0},
        {"Retry-After: Sat, 22 Nov 2025 10:00:30 GMT\r\n", 30000},
        {"Retry-After: Saturday, 22-Nov-25 10:00:30 GMT\r\n", 30000},
        {"Retry-After: Sat Nov 22 10:00:30 2025\r\n", 30000},
        {"Retry-After: Sat, 22 Nov 2025 09:00:00 GMT\r\n", 0},
        {"Retry-After: Fri, 22 Nov 2030 10:00:30 GMT\r\n", RETRY_HINT_MAX_MS},
        {"Date: Sat, 22 Nov 2025 12:00:00 GMT\r\n"
         "Retry-After: Sat, 22 Nov 2025 12:00:10 GMT\r\n",
         10000},
        {"retry-after-ms: 1500\r\n", 1500},
        {"retry-after-ms: 12.4\r\nRetry-After: 1\r\n", 1000},
        {"retry-after-ms: 2500\r\nRetry-After: 2\r\n", 2500},
        {"Retry-After: 3", 3000},
        {"Retry-After: 3\nX: y", 3000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_msg(after(cases[i].head) == cases[i].ms, "%s: %llu", cases[i].head,
                      (unsigned long long)after(cases[i].head));
}
END_TEST

// Waiting for a bucket that is not empty wastes the night; not waiting for one that is wastes
// calls.
START_TEST(the_reset_of_a_used_up_limit_counts) {
    ck_assert_uint_eq(after("x-ratelimit-remaining-requests: 0\r\n"
                            "x-ratelimit-reset-requests: 8.64s\r\n"
                            "x-ratelimit-remaining-tokens: 149,984\r\n"
                            "x-ratelimit-reset-tokens: 6m0s\r\n"),
                      8640);
    ck_assert_uint_eq(after("x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 6m0s\r\n"
                            "Retry-After: 2\r\n"),
                      360000);
    ck_assert_uint_eq(after("x-ratelimit-remaining-project-tokens: 0\r\n"
                            "x-ratelimit-reset-project-tokens: 1s\r\n"),
                      1000);
    ck_assert_uint_eq(after("x-ratelimit-reset-tokens: 17\r\n"), 17000);
    ck_assert_uint_eq(after("x-ratelimit-reset-tokens: 17\r\nRetry-After: 1\r\n"), 1000);
    ck_assert_uint_eq(after("x-ratelimit-remaining-tokens: -1\r\nx-ratelimit-reset-tokens: 0\r\n"),
                      0);
    ck_assert_uint_eq(after("X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1763805607000\r\n"),
                      7000);
    ck_assert_uint_eq(after("X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1763805607\r\n"), 7000);
}
END_TEST

START_TEST(a_word_on_trying_again_is_heard) {
    struct retry_hint hint =
        retry_hint_of(bytes_text("X-Should-Retry: TRUE\r\n"), "x-should-retry", NOW_MS);
    ck_assert(hint.says_retry && !hint.says_stop);
    hint = retry_hint_of(bytes_text("x-should-retry: false\r\n"), "x-should-retry", NOW_MS);
    ck_assert(!hint.says_retry && hint.says_stop);
    hint = retry_hint_of(bytes_text("x-should-retry: true\r\n"), NULL, NOW_MS);
    ck_assert(!hint.says_retry && !hint.says_stop);
}
END_TEST

// A lease that lay in a queue must not get its whole time: the broker counts from the mark.
START_TEST(time_on_the_way_is_what_exceeds_the_smallest_difference) {
    struct lag lag = {0};
    // Our clock is 1,000,000 ms ahead of the broker's and a message takes 2 ms at best.
    ck_assert_uint_eq(lag_take(&lag, 7, 5000, 1005007), 0);
    ck_assert_uint_eq(lag_take(&lag, 7, 5100, 1005102), 0);
    ck_assert_uint_eq(lag_take(&lag, 7, 5200, 1005207), 5);
    ck_assert_uint_eq(lag_take(&lag, 7, 5300, 1035302), 30000);
}
END_TEST

// Clocks drift: a difference from an hour ago says nothing of the way today.
START_TEST(differences_older_than_ten_minutes_are_forgotten) {
    struct lag lag = {0};
    ck_assert_uint_eq(lag_take(&lag, 7, 1000, 1000000), 0);
    uint64_t later = LAG_SPANS * LAG_SPAN_MS;
    ck_assert_uint_eq(
        lag_take(&lag, 7, 1000 + later - LAG_SPAN_MS - 50, 1000000 + later - LAG_SPAN_MS), 50);
    ck_assert_uint_eq(lag_take(&lag, 7, 1000 + later - 60, 1000000 + later), 10);
    ck_assert_uint_eq(lag_take(&lag, 7, 1000 + 9 * later - 60, 1000000 + 9 * later), 0);
}
END_TEST

START_TEST(another_boot_begins_anew) {
    struct lag lag = {0};
    ck_assert_uint_eq(lag_take(&lag, 7, 1000, 1001), 0);
    ck_assert_uint_eq(lag_take(&lag, 8, 10, 5000), 0);
    ck_assert_uint_eq(lag_take(&lag, 8, 20, 5030), 20);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("waiting");
    TCase *tests = tcase_create("retry_after");
    tcase_add_test(tests, durations_are_read_with_their_units);
    tcase_add_test(tests, every_form_of_retry_after_is_read);
    tcase_add_test(tests, the_reset_of_a_used_up_limit_counts);
    tcase_add_test(tests, a_word_on_trying_again_is_heard);
    suite_add_tcase(suite, tests);
    TCase *lag = tcase_create("lag");
    tcase_add_test(lag, time_on_the_way_is_what_exceeds_the_smallest_difference);
    tcase_add_test(lag, differences_older_than_ten_minutes_are_forgotten);
    tcase_add_test(lag, another_boot_begins_anew);
    suite_add_tcase(suite, lag);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
