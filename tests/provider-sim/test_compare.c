// The comparison must find every kind of disagreement, else it proves nothing when it finds none.
#include "tests/provider-sim/test_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE(n, call, status, billed, fault, in, cached, out, reasoning, pusd)                   \
    "{\"n\":" #n ",\"at_ms\":1,\"call\":\"" call "\",\"status\":" #status ",\"billed\":" #billed \
    ",\"delivered\":" fault ",\"input_tokens\":" #in ",\"cached_tokens\":" #cached               \
    ",\"cache_write_tokens\":0,\"cache_write_1h_tokens\":0,\"web_searches\":0"                   \
    ",\"output_tokens\":" #out ",\"reasoning_tokens\":" #reasoning ",\"pusd\":" #pusd "}\n"
#define WHOLE   "true,\"fault\":\"\""
#define CUT     "false,\"fault\":\"cut_length\""
#define ERROR   "false,\"fault\":\"http_500\""
#define REFUSED "false,\"fault\":\"refused\""

#define ROW(call, job, state, status, in, cached, out, reasoning, pusd, possibly, answer)         \
    "{\"call\":\"" call "\",\"job\":\"" job "\",\"state\":\"" state "\",\"http_status\":" #status \
    ",\"in_uncached\":" #in ",\"in_cached\":" #cached                                             \
    ",\"in_cache_write\":-1,\"in_cache_write_1h\":-1,\"web_searches\":-1,\"out_visible\":" #out   \
    ",\"out_reasoning\":" #reasoning ",\"amount_pusd\":" #pusd                                    \
    ",\"is_possibly_billed\":" #possibly ",\"is_answer\":" #answer "}\n"

// One call of each kind, all in agreement.
static const char bill_good[] = LINE(1, "a", 200, true, WHOLE, 10, 4, 7, 2, 1000) // answered
    LINE(2, "b", 200, true, CUT, 10, 0, 5, 0, 700)   // its first attempt was cut
    LINE(3, "c", 200, true, WHOLE, 10, 0, 5, 0, 700) // the second was not
    LINE(4, "d", 500, false, ERROR, 0, 0, 0, 0, 0)   // a server error
    LINE(5, "e", 0, false, REFUSED, 0, 0, 0, 0, 0)   // closed before the body
    LINE(6, "f", 200, true, WHOLE, 9, 0, 9, 0, null) // a model without a price
    LINE(7, "", 401, false, ERROR, 0, 0, 0, 0, 0);   // not one of ours

static const char rows_good[] = ROW("a", "1", "answered", 200, 6, 4, 5, 2, 1000, false, true)
    ROW("b", "2", "failed", 200, null, null, null, null, null, true, false)
        ROW("c", "2", "answered", 200, 10, 0, 5, 0, 700, false, true)
            ROW("d", "3", "answered", 500, null, null, null, null, null, false, false)
                ROW("e", "3", "failed", 0, null, null, null, null, null, true, false)
                    ROW("f", "4", "answered", 200, 9, 0, 9, 0, null, 0, 1)
                        ROW("g", "5", "not_started", 0, null, null, null, null, null, false, false)
                            ROW("h", "5", "failed", 0, null, null, null, null, null, false, false);

static char folder[64], bill_path[96], rows_path[96];

static void make_folder(void) {
    snprintf(folder, sizeof(folder), "/tmp/compare-bill-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(bill_path, sizeof(bill_path), "%s/bill", folder);
    snprintf(rows_path, sizeof(rows_path), "%s/rows", folder);
}

static void remove_folder(void) {
    unlink(bill_path);
    unlink(rows_path);
    rmdir(folder);
}

static int compare(const char *options, const char *bill, const char *rows, struct text *output) {
    char all[512];
    file_write(bill_path, bill);
    file_write(rows_path, rows);
    snprintf(all, sizeof(all), "%s%s%s %s", options, options[0] ? " " : "", bill_path, rows_path);
    text_reset(output);
    return run_program(COMPARE_BILL, all, output);
}

static void assert_has(const struct text *output, const char *part) {
    ck_assert_msg(strstr(output->at, part) != NULL, "%s\nis not in\n%s", part, output->at);
}

// Accusing a ledger that is right would hide the day on which it is wrong.
START_TEST(a_right_ledger_agrees_and_is_counted) {
    struct text output = {0};
    make_folder();
    int code = compare("", bill_good, rows_good, &output);
    ck_assert_msg(code == 0, "%s", output.at);
    assert_has(&output, "bill: 7 lines, 4 billed, $0.000000002400, 1 unnamed");
    assert_has(&output, "ledger: 8 calls, $0.000000001700\n");
    assert_has(&output, "(a) billed requests with exactly one row: 4 of 4; jobs billed more than "
                        "once: 1;");
    assert_has(&output, "(b) answered, tokens and money equal: 3 (1 unpriced)");
    assert_has(&output, "(c) billed, usage not known to the ledger: 1 (failed 1, unknown 0, "
                        "unextracted 0), $0.000000000700; bill minus ledger: $0.000000000700");
    assert_has(&output, "(d) not billed: 4 (not started 1, failed before a byte left 1, answered "
                        "with an error 1, refused by the provider 1, unknown 0 of at most 0)");
    assert_has(&output, "disagreements: 0");
    text_release(&output);
    remove_folder();
}
END_TEST

// The text with the first occurrence of a part replaced.
static void replaced(const char *text, const char *part, const char *by, struct text *out) {
    const char *found = strstr(text, part);
    ck_assert_msg(found != NULL, "%s", part);
    text_reset(out);
    text_put(out, text, (size_t)(found - text));
    text_add(out, by);
    text_put(out, found + strlen(part), strlen(found + strlen(part)) + 1);
}

// Results of searches are input at an input's price, but beside the input: a ledger may count them
// apart or with the rest, and must not lose them.
START_TEST(tokens_of_tools_that_the_provider_ran_are_input) {
    struct text output = {0}, bill = {0}, rows = {0};
    make_folder();
    replaced(bill_good, "\"input_tokens\":10", "\"tool_use_tokens\":3,\"input_tokens\":10", &bill);
    ck_assert_int_eq(compare("", bill.at, rows_good, &output), 1);
    assert_has(&output, "tokens differ");
    replaced(rows_good, "\"in_uncached\":6", "\"in_uncached\":6,\"in_tool_use\":3", &rows);
    ck_assert_int_eq(compare("", bill.at, rows.at, &output), 0);
    replaced(rows_good, "\"in_uncached\":6", "\"in_uncached\":9", &rows);
    ck_assert_int_eq(compare("", bill.at, rows.at, &output), 0);
    text_release(&output);
    text_release(&bill);
    text_release(&rows);
    remove_folder();
}
END_TEST

// Each of these is money lost, counted twice, or paid unseen.
START_TEST(each_disagreement_is_found) {
    static const struct {
        bool in_bill;
        const char *part, *by, *said;
    } cases[] = {
        {false, "\"call\":\"a\"", "\"call\":\"z\"", "(a) a: was billed and has no row"},
        {false, "\"call\":\"d\"", "\"call\":\"z\"", "(a) d: reached the provider and has no row"},
        {false, "\"call\":\"c\"", "\"call\":\"a\"", "(a) a: has more than one row"},
        {true, "\"call\":\"c\"", "\"call\":\"b\"", "(a) b: was sent more than once"},
        {true, "\"call\":\"a\"", "\"call\":\"\"", "(a) (no call id): was billed and has no row"},
        {false, "\"job\":\"2\",\"state\":\"failed\"", "\"job\":\"1\",\"state\":\"failed\"",
         "(a) b: was billed after its job had a success"},
        {false, "\"job\":\"2\",\"state\":\"answered\"", "\"job\":\"1\",\"state\":\"answered\"",
         "its job has more than one answer"},
        {false, "true,\"is_answer\":false", "true,\"is_answer\":true",
         "(a) b: is its job's answer, and no success"},
        {false, "\"in_uncached\":6", "\"in_uncached\":7", "(b) a: tokens differ"},
        {false, "\"in_cached\":4", "\"in_cached\":3", "(b) a: tokens differ"},
        {false, "\"out_reasoning\":2", "\"out_reasoning\":1", "(b) a: tokens differ"},
        {false, "\"out_visible\":5", "\"out_visible\":6", "(b) a: tokens differ"},
        {false, "\"amount_pusd\":1000", "\"amount_pusd\":1001", "(b) a: money differs"},
        {false, "\"out_reasoning\":0,\"amount_pusd\":null", "\"out_reasoning\":0,\"amount_pusd\":0",
         "(b) f: money differs"},
        {false, "\"amount_pusd\":1000,\"is_possibly_billed\":false",
         "\"amount_pusd\":1000,\"is_possibly_billed\":true", "(b) a: is settled"},
        {true, "\"delivered\":true", "\"delivered\":false",
         "(c) a: was billed without a whole answer"},
        {false, "\"state\":\"failed\"", "\"state\":\"not_started\"",
         "(c) b: was billed without a whole answer"},
        {false, "\"is_possibly_billed\":true", "\"is_possibly_billed\":false",
         "(c) b: was billed, and is not flagged"},
        {false, "\"out_reasoning\":null,\"amount_pusd\":null",
         "\"out_reasoning\":null,\"amount_pusd\":5", "(c) b: has money without usage"},
        {true, "\"pusd\":1000", "\"pusd\":1002", "(c) all: bill minus ledger is not the money"},
        {false, "\"state\":\"answered\",\"http_status\":500",
         "\"state\":\"answered\",\"http_status\":502",
         "(d) d: has no billed request that would explain it"},
        {false, "\"state\":\"answered\",\"http_status\":500",
         "\"state\":\"not_started\",\"http_status\":0",
         "(d) d: reached the provider, and is not started"},
        {false, "\"state\":\"not_started\"", "\"state\":\"unknown\"",
         "(d) g: is unknown, and was never billed"},
        {false, "\"state\":\"answered\",\"http_status\":500",
         "\"state\":\"unknown\",\"http_status\":0", "(d) d: is unknown, and was never billed"},
        {false, "\"state\":\"answered\",\"http_status\":500",
         "\"state\":\"unextracted\",\"http_status\":502",
         "(d) d: has no billed request that would explain it"},
        {true, "\"call\":\"e\"", "\"call\":\"\"", "(d) e: has no billed request"},
    };
    struct text output = {0}, changed = {0};
    make_folder();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        replaced(cases[i].in_bill ? bill_good : rows_good, cases[i].part, cases[i].by, &changed);
        int code = compare("", cases[i].in_bill ? changed.at : bill_good,
                           cases[i].in_bill ? rows_good : changed.at, &output);
        ck_assert_msg(code == 1, "%s: %s", cases[i].by, output.at);
        assert_has(&output, cases[i].said);
    }
    text_release(&output);
    text_release(&changed);
    remove_folder();
}
END_TEST

// What no extractor could read is kept as it came: its tokens are not known, and it may be its
// job's answer all the same, after which nothing else may be billed for it.
START_TEST(an_answer_that_could_not_be_read_is_said_to_be_so) {
    struct text output = {0}, changed = {0};
    make_folder();
    replaced(rows_good,
             "\"job\":\"2\",\"state\":\"answered\",\"http_status\":200,\"in_uncached\":10,"
             "\"in_cached\":0,\"in_cache_write\":-1,\"in_cache_write_1h\":-1,\"web_searches\":-1,"
             "\"out_visible\":5,\"out_reasoning\":0,"
             "\"amount_pusd\":700,\"is_possibly_billed\":false",
             "\"job\":\"2\",\"state\":\"unextracted\",\"http_status\":200,\"in_uncached\":null,"
             "\"in_cached\":null,\"in_cache_write\":-1,\"in_cache_write_1h\":null,"
             "\"web_searches\":null,\"out_visible\":null,\"out_reasoning\":null,"
             "\"amount_pusd\":null,\"is_possibly_billed\":true",
             &changed);
    ck_assert_int_eq(compare("", bill_good, changed.at, &output), 0);
    assert_has(&output, "(failed 1, unknown 0, unextracted 1), $0.000000001400");
    struct text again = {0};
    replaced(changed.at, "\"call\":\"f\",\"job\":\"4\"", "\"call\":\"f\",\"job\":\"2\"", &again);
    ck_assert_int_eq(compare("", bill_good, again.at, &output), 1);
    assert_has(&output, "(a) f: was billed after its job had a success");
    replaced(rows_good, "\"state\":\"answered\",\"http_status\":500",
             "\"state\":\"unextracted\",\"http_status\":500", &changed);
    ck_assert_int_eq(compare("", bill_good, changed.at, &output), 0);
    assert_has(&output, "answered with an error 1,");
    text_release(&again);
    text_release(&output);
    text_release(&changed);
    remove_folder();
}
END_TEST

// A kill leaves attempts of which nobody knows how they ended; so many and no more are right.
START_TEST(unknown_calls_are_allowed_up_to_a_number) {
    struct text output = {0}, changed = {0};
    make_folder();
    replaced(rows_good, "\"state\":\"not_started\"", "\"state\":\"unknown\"", &changed);
    ck_assert_int_eq(compare("--unknown-max 1", bill_good, changed.at, &output), 0);
    ck_assert_int_eq(compare("--unknown-max 0", bill_good, changed.at, &output), 1);
    text_release(&output);
    text_release(&changed);
    remove_folder();
}
END_TEST

// An input that is skipped in part would compare nothing and agree.
START_TEST(inputs_that_cannot_be_read_are_refused) {
    struct text output = {0};
    make_folder();
    ck_assert_int_eq(compare("", "{\"n\":1}\n", rows_good, &output), 65);
    assert_has(&output, "is missing or of the wrong type");
    ck_assert_int_eq(compare("", bill_good, "nonsense\n", &output), 65);
    ck_assert_int_eq(compare("", bill_good, "[]\n", &output), 65);
    ck_assert_int_eq(compare("--more", bill_good, rows_good, &output), 64);
    ck_assert_int_eq(run_program(COMPARE_BILL, "", &output), 64);
    ck_assert_int_eq(run_program(COMPARE_BILL, "/no/such/file", &output), 65);
    text_release(&output);
    remove_folder();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("compare_bill");
    TCase *tests = tcase_create("comparison");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_right_ledger_agrees_and_is_counted);
    tcase_add_test(tests, tokens_of_tools_that_the_provider_ran_are_input);
    tcase_add_test(tests, each_disagreement_is_found);
    tcase_add_test(tests, an_answer_that_could_not_be_read_is_said_to_be_so);
    tcase_add_test(tests, unknown_calls_are_allowed_up_to_a_number);
    tcase_add_test(tests, inputs_that_cannot_be_read_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
