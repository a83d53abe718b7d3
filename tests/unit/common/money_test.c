// Money is counted in whole pico-USD: nothing is rounded away unseen, nothing wraps around.

#include "common/money.h"

#include <check.h>
#include <stdlib.h>

// A bill that shows $0.00 for what was spent, or a wrong thousand, is believed.
START_TEST(amounts_are_written_for_people) {
    static const struct {
        int64_t pusd;
        const char *text;
        const char *decimal;
    } cases[] = {
        {0, "$0", "0"},
        {1, "$0.000000000001", "0.000000000001"},
        {1200000, "$0.0000012", "0.0000012"},
        {4200000000, "$0.0042", "0.0042"},
        {9990000000, "$0.01", "0.00999"},
        {50000000000, "$0.05", "0.05"},
        {256000000000, "$0.26", "0.256"},
        {999999999999, "$1.00", "0.999999999999"},
        {31870000000004, "$31.87", "31.870000000004"},
        {1234500000000000, "$1,234.50", "1234.5"},
        {-20000000000, "-$0.02", "-0.02"},
        {INT64_MAX, "$9,223,372.04", "9223372.036854775807"},
        {INT64_MIN, "-$9,223,372.04", "-9223372.036854775808"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[MONEY_TEXT_SIZE];
        money_text(cases[i].pusd, text);
        ck_assert_str_eq(text, cases[i].text);
        money_decimal(cases[i].pusd, text);
        ck_assert_str_eq(text, cases[i].decimal);
        int64_t again;
        ck_assert_int_eq(money_parse(bytes_text(text), false, &again), ERR_OK);
        ck_assert_int_eq(again, cases[i].pusd);
    }
}
END_TEST

START_TEST(counts_have_thousands_separators) {
    char text[MONEY_TEXT_SIZE];
    money_count_text(20000, text);
    ck_assert_str_eq(text, "20,000");
    money_count_text(-999, text);
    ck_assert_str_eq(text, "-999");
    money_count_text(INT64_MIN, text);
    ck_assert_str_eq(text, "-9,223,372,036,854,775,808");
}
END_TEST

// A sum that wraps around turns the dearest batch into the cheapest.
START_TEST(a_sum_that_does_not_fit_is_refused_and_changes_nothing) {
    int64_t sum = INT64_MAX - 1;
    ck_assert_int_eq(money_add(&sum, 1), ERR_OK);
    ck_assert_int_eq(money_add(&sum, 1), ERR_OVERFLOW);
    ck_assert_int_eq(sum, INT64_MAX);
    sum = 5;
    ck_assert_int_eq(money_add_product(&sum, INT64_MAX, INT64_MAX), ERR_OVERFLOW);
    ck_assert_int_eq(sum, 5);
    ck_assert_int_eq(money_add_product(&sum, 1000000, 50000), ERR_OK);
    ck_assert_int_eq(sum, 50000000005);
    int64_t scaled;
    ck_assert_int_eq(money_scale(10, 1, 3, &scaled), ERR_OK);
    ck_assert_int_eq(scaled, 4);
    ck_assert_int_eq(money_scale(INT64_MAX, 2, 1, &scaled), ERR_OVERFLOW);
}
END_TEST

// A report over many rows may pass the limit on its way and come back.
START_TEST(a_report_may_exceed_64_bits_on_its_way) {
    struct money_sum sum = {0};
    int64_t total;
    for (int i = 0; i < 10; i++)
        money_sum_add(&sum, INT64_MAX);
    ck_assert_int_eq(money_sum_total(&sum, &total), ERR_OVERFLOW);
    ck_assert_int_eq(total, INT64_MAX);
    for (int i = 0; i < 9; i++)
        money_sum_add(&sum, -INT64_MAX);
    ck_assert_int_eq(money_sum_total(&sum, &total), ERR_OK);
    ck_assert_int_eq(total, INT64_MAX);
}
END_TEST

// A provider states its cost as a JSON number of any spelling.
START_TEST(decimals_are_read_exactly) {
    static const struct {
        const char *text;
        enum err exact;
        enum err rounded;
        int64_t pusd; // as rounded
    } cases[] = {
        {"0", ERR_OK, ERR_OK, 0},
        {"0.40", ERR_OK, ERR_OK, 400000000000},
        {"-3", ERR_OK, ERR_OK, -3000000000000},
        {"1e-6", ERR_OK, ERR_OK, 1000000},
        {"1.2E+1", ERR_OK, ERR_OK, 12000000000000},
        {"0.0000000000005", ERR_MALFORMED, ERR_OK, 1},
        {"0.00000000000049999999999999999999999999999999999999", ERR_MALFORMED, ERR_OK, 0},
        {"0.1000000000000000000000000000000000000000000", ERR_OK, ERR_OK, 100000000000},
        {"1e-400", ERR_MALFORMED, ERR_OK, 0},
        {"9223372.036854775807", ERR_OK, ERR_OK, INT64_MAX},
        {"9223372.036854775808", ERR_OVERFLOW, ERR_OVERFLOW, 0},
        {"1e400", ERR_OVERFLOW, ERR_OVERFLOW, 0},
        {"1e99999999999999999999", ERR_OVERFLOW, ERR_OVERFLOW, 0},
        {"", ERR_MALFORMED, ERR_MALFORMED, 0},
        {"-", ERR_MALFORMED, ERR_MALFORMED, 0},
        {".5", ERR_MALFORMED, ERR_MALFORMED, 0},
        {"1.", ERR_MALFORMED, ERR_MALFORMED, 0},
        {"1e", ERR_MALFORMED, ERR_MALFORMED, 0},
        {"1 ", ERR_MALFORMED, ERR_MALFORMED, 0},
        {"0x1", ERR_MALFORMED, ERR_MALFORMED, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int64_t pusd = 0;
        ck_assert_msg(money_parse(bytes_text(cases[i].text), false, &pusd) == cases[i].exact, "%s",
                      cases[i].text);
        pusd = 0;
        ck_assert_msg(money_parse(bytes_text(cases[i].text), true, &pusd) == cases[i].rounded, "%s",
                      cases[i].text);
        ck_assert_msg(pusd == cases[i].pusd, "%s", cases[i].text);
    }
}
END_TEST

START_TEST(a_price_per_million_is_a_whole_number_of_pico_usd_per_token) {
    int64_t rate;
    ck_assert_int_eq(money_parse_per_million(bytes_text("0.40"), &rate), ERR_OK);
    ck_assert_int_eq(rate, 400000);
    ck_assert_int_eq(money_parse_per_million(bytes_text("0.000001"), &rate), ERR_OK);
    ck_assert_int_eq(rate, 1);
    ck_assert_int_eq(money_parse_per_million(bytes_text("0.0000001"), &rate), ERR_MALFORMED);
    ck_assert_int_eq(money_parse_per_million(bytes_text("-1"), &rate), ERR_MALFORMED);
    ck_assert_int_eq(money_parse_per_million(bytes_text("free"), &rate), ERR_MALFORMED);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("money");
    TCase *all = tcase_create("all");
    tcase_add_test(all, amounts_are_written_for_people);
    tcase_add_test(all, counts_have_thousands_separators);
    tcase_add_test(all, a_sum_that_does_not_fit_is_refused_and_changes_nothing);
    tcase_add_test(all, a_report_may_exceed_64_bits_on_its_way);
    tcase_add_test(all, decimals_are_read_exactly);
    tcase_add_test(all, a_price_per_million_is_a_whole_number_of_pico_usd_per_token);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
