// Log lines: one form for people, one for machines, no flood, and nothing that breaks a line.

#include "common/log.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static FILE *written;

// From now on stderr goes into a file that the test reads.
static void setup(void) {
    written = tmpfile();
    ck_assert_ptr_nonnull(written);
    ck_assert_int_ge(dup2(fileno(written), STDERR_FILENO), 0);
}

static void teardown(void) {
    (void)fclose(written);
}

// The line number n (from 0) that was written, without its end; "" if there is none.
static const char *line_at(int n) {
    static char line[8192];
    rewind(written);
    line[0] = 0;
    for (int i = 0; i <= n; i++)
        if (!fgets(line, sizeof(line), written))
            return "";
    size_t size = strlen(line);
    ck_assert(size > 0 && line[size - 1] == '\n');
    line[size - 1] = 0;
    return line;
}

static int lines_written(void) {
    int lines = 0;
    while (*line_at(lines))
        lines++;
    return lines;
}

START_TEST(a_line_is_logfmt_with_time_level_program_and_event) {
    log_setup("broker", LOG_INFO, false);
    log_line(LOG_INFO, "lease.sent", "job=%d why=\"%s\"", 7, "all is well");
    const char *line = line_at(0);
    ck_assert_int_eq(strncmp(line, "t=20", 4), 0);
    ck_assert_str_eq(strstr(line, " lvl="),
                     " lvl=info from=broker ev=lease.sent job=7 why=\"all is well\"");
    log_line(LOG_INFO, "loop.idle", "%s", "");
    ck_assert_str_eq(strstr(line_at(1), " lvl="), " lvl=info from=broker ev=loop.idle");
}
END_TEST

// The JSON form of the fields, and what it must hold.
static void check_json(int line, const char *key, const char *want) {
    json_error_t error;
    json_t *object = json_loads(line_at(line), JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(object != NULL, "not JSON: %s", line_at(line));
    const char *value = json_string_value(json_object_get(object, key));
    ck_assert_msg(value && strcmp(value, want) == 0, "%s is %s in %s", key,
                  value ? value : "absent", line_at(line));
    json_decref(object);
}

// A collector that cannot read one line drops it, or stops.
START_TEST(with_json_every_line_is_an_object) {
    static const struct {
        const char *fields;
        const char *key;
        const char *want;
    } cases[] = {
        {"job=7 why=\"all is well\"", "why", "all is well"},
        {"job=7 why=\"all is well\"", "job", "7"},
        {"why=\"said \\\"no\\\" to it\"", "why", "said \"no\" to it"},
        {"path=C:\\temp", "path", "C:\\temp"},
        {"why=\"a\\qb\"", "why", "a\\qb"},
        {"why=a\"b", "why", "a\"b"},
        {"why=\"unclosed", "why", "unclosed"},
        {"empty=\"\" job=7", "empty", ""},
        {"empty= job=7", "job", "7"},
        {"no fields at all", "ev", "test.case"},
        {"why=\"line\nend\ttab\"", "why", "line end tab"},
        {"", "ev", "test.case"},
    };
    log_setup("broker", LOG_DEBUG, true);
    for (int i = 0; i < (int)(sizeof(cases) / sizeof(cases[0])); i++) {
        log_line(LOG_DEBUG, "test.case", "%s", cases[i].fields);
        check_json(i, cases[i].key, cases[i].want);
        check_json(i, "lvl", "debug");
        check_json(i, "from", "broker");
    }
}
END_TEST

// Bytes that are not text come in with names of files and with what providers write.
START_TEST(with_json_foreign_bytes_do_not_break_the_line) {
    log_setup("broker", LOG_DEBUG, true);
    log_line(LOG_DEBUG, "test.case", "why=\"%s\" job=7", "\xff\xc3 and more");
    check_json(0, "job", "7");
    log_line(LOG_DEBUG, "test.case", "why=\"%s\" job=7", "gr\xc3\xb6\xc3\x9f\x65r");
    check_json(1, "why", "gr\xc3\xb6\xc3\x9f\x65r");
}
END_TEST

// An error text of a megabyte must not fill the disk, nor lose the end of its line.
START_TEST(a_long_line_is_cut_and_still_a_line) {
    static char text[100000];
    memset(text, 'x', sizeof(text) - 1);
    for (int is_json = 0; is_json <= 1; is_json++) {
        log_setup("broker", LOG_DEBUG, is_json);
        log_line(LOG_DEBUG, "test.case", "job=7 why=\"%s\"", text);
        ck_assert_uint_lt(strlen(line_at(is_json)), 4096);
    }
    check_json(1, "job", "7");
    ck_assert_int_eq(lines_written(), 2);
}
END_TEST

// Somebody else's text must not write a line of its own.
START_TEST(a_line_break_in_a_field_does_not_end_the_line) {
    log_setup("broker", LOG_INFO, false);
    log_line(LOG_INFO, "test.case", "why=\"%s\"", "first\nt=2000 lvl=error ev=invented");
    ck_assert_int_eq(lines_written(), 1);
}
END_TEST

START_TEST(what_is_below_the_level_is_not_written) {
    log_setup("broker", LOG_WARN, false);
    log_line(LOG_DEBUG, "test.case", "level=%d", 0);
    log_line(LOG_INFO, "test.case", "level=%d", 1);
    ck_assert_int_eq(lines_written(), 0);
    log_line(LOG_WARN, "test.case", "level=%d", 2);
    log_line(LOG_ERROR, "test.case", "level=%d", 3);
    ck_assert_int_eq(lines_written(), 2);
}
END_TEST

// A provider that is down would write a line a call, thousands a second.
START_TEST(a_warning_that_repeats_is_written_once) {
    log_setup("broker", LOG_DEBUG, false);
    for (int i = 0; i < 10000; i++) {
        log_line(LOG_WARN, "lane.held", "lane=%s", "openai");
        log_line(LOG_ERROR, "lane.failed", "lane=%s", "openai");
    }
    ck_assert_int_eq(lines_written(), 2);
    log_line(LOG_WARN, "lane.held", "lane=%s", "another");
    ck_assert_int_eq(lines_written(), 3);
    for (int i = 0; i < 3; i++)
        log_line(LOG_INFO, "lane.resumed", "lane=%s", "openai");
    ck_assert_int_eq(lines_written(), 6);
}
END_TEST

// (Check compares the exit code of this test.)
START_TEST(a_fatal_line_ends_the_process_with_its_code) {
    log_setup("broker", LOG_DEBUG, false);
    fatal(EX_IOERR, "journal.failed", "why=%s", "commit");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("log");
    TCase *tcase = tcase_create("log lines");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_line_is_logfmt_with_time_level_program_and_event);
    tcase_add_test(tcase, with_json_every_line_is_an_object);
    tcase_add_test(tcase, with_json_foreign_bytes_do_not_break_the_line);
    tcase_add_test(tcase, a_long_line_is_cut_and_still_a_line);
    tcase_add_test(tcase, a_line_break_in_a_field_does_not_end_the_line);
    tcase_add_test(tcase, what_is_below_the_level_is_not_written);
    tcase_add_test(tcase, a_warning_that_repeats_is_written_once);
    tcase_add_exit_test(tcase, a_fatal_line_ends_the_process_with_its_code, EX_IOERR);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
