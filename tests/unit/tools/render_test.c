// How the client writes for people: sums, times, tables and colours.
#include "tests/unit/tools/caught.h"
#include "tools/render.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static json_t *parse(const char *text) {
    json_t *value = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(value);
    return value;
}

// A sum that looks whole while calls are missing from it is believed.
START_TEST(a_sum_names_what_is_missing_from_it) {
    static const struct {
        const char *sums, *text;
    } sums[] = {
        {"{\"calls\":3,\"amount_pusd\":118070000000000}", "$118.07"},
        {"{\"calls\":9,\"amount_pusd\":118070000000000,\"unpriced_calls\":12000,"
         "\"possibly_billed_calls\":3,\"possibly_billed_pusd\":40000000000,"
         "\"possibly_billed_unpriced\":0}",
         "$118.07 + 12,000 unpriced + 3 unknown (at most $0.04)"},
        {"{\"calls\":9,\"amount_pusd\":0,\"possibly_billed_calls\":3,"
         "\"possibly_billed_pusd\":40000000000,\"possibly_billed_unpriced\":1}",
         "$0 + 3 unknown (at most $0.04 for 2, not known for 1)"},
        {"{\"calls\":3,\"amount_pusd\":null,\"possibly_billed_calls\":3,"
         "\"possibly_billed_pusd\":null,\"possibly_billed_unpriced\":3}",
         "3 unknown (at most: not known)"},
        {"{\"calls\":2,\"amount_pusd\":null,\"unpriced_calls\":2}", "2 unpriced"},
        // What nobody could read is one call, not two.
        {"{\"calls\":2,\"amount_pusd\":null,\"unpriced_calls\":2,\"unextracted_calls\":1,"
         "\"possibly_billed_calls\":1,\"possibly_billed_unpriced\":1}",
         "1 unpriced + 1 unknown (at most: not known)"},
        {"{\"calls\":2,\"amount_pusd\":null}", "-"},
        {"{\"calls\":0,\"amount_pusd\":null}", "$0"},
    };
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        char text[SUM_TEXT_SIZE];
        json_t *of = parse(sums[i].sums);
        ck_assert_str_eq(sum_text(of, text), sums[i].text);
        json_decref(of);
    }
}
END_TEST

// A time without its zone is off by hours for somebody.
START_TEST(a_moment_is_shown_in_local_time_with_its_zone_and_in_utc) {
    char text[TIME_TEXT_SIZE];
    ck_assert_int_eq(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
    tzset();
    ck_assert_str_eq(moment_text(1795339440000, text), "2026-11-22 10:24 CET (09:24 UTC)");
    ck_assert_str_eq(moment_text(1795303800000, text),
                     "2026-11-22 00:30 CET (2026-11-21 23:30 UTC)");
    ck_assert_str_eq(moment_text(0, text), "-");
    ck_assert_int_eq(setenv("TZ", "UTC0", 1), 0);
    tzset();
    ck_assert_str_eq(moment_text(1795339440000, text), "2026-11-22 09:24 UTC");
}
END_TEST

// "1 files" is nobody's language.
START_TEST(one_is_not_counted_as_several) {
    char text[SHORT_TEXT_SIZE];
    ck_assert_str_eq(counted_text(1, "line", text), "1 line");
    ck_assert_str_eq(counted_text(0, "line", text), "0 lines");
    ck_assert_str_eq(counted_text(20000, "result line", text), "20,000 result lines");
}
END_TEST

// Programs tell answers apart by their first member, whatever the answer is like.
START_TEST(a_document_begins_with_its_schema) {
    catch_output();
    out_document("x/1", bytes_text("{\"a\": 1}\n"));
    out_document("x/1", bytes_text(" { }"));
    ck_assert_str_eq(caught(),
                     "{\"schema\":\"colloq/x/1\",\"a\": 1}\n{\"schema\":\"colloq/x/1\"}\n");
}
END_TEST

// A table that wraps at 80 columns cannot be read; one that cuts its numbers lies.
START_TEST(tables_fit_the_terminal_by_cutting_names_only) {
    static const struct table_column columns[] = {{"NAME", COLUMN_text},
                                                  {"STATE", COLUMN_whole},
                                                  {"COST", COLUMN_number},
                                                  {NULL, COLUMN_whole}};
    struct table table;
    char name[200];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    catch_output();
    table_begin(&table, columns);
    ck_assert_uint_eq(table.width, 0); // a file is no terminal
    table.width = LINE_COLUMNS;
    table_row(&table);
    table_cell(&table, 0, "%s", name);
    table_cell(&table, 1, "%s", "a state of some length, kept");
    table_cell(&table, 2, "%s", "$31.87");
    table_row(&table);
    table_cell(&table, 0, "%s", "caf\u00e9 \u6f22\u5b57");
    table_cell(&table, 2, "%s", "$1");
    table_end(&table);
    char *line = (char *)caught();
    for (int i = 0; i < 3; i++) {
        char *end = strchr(line, '\n');
        ck_assert_ptr_nonnull(end);
        *end = 0;
        ck_assert_uint_le(text_columns(line), LINE_COLUMNS);
        if (i == 1)
            ck_assert(strstr(line, "\u2026") && strstr(line, "length, kept") &&
                      strstr(line, "$31.87"));
        if (i == 2)
            ck_assert(strstr(line, "caf\u00e9 \u6f22\u5b57") && strstr(line, "    $1"));
        line = end + 1;
    }
}
END_TEST

// What `batch list` shows, in a terminal of so many columns.
static const char *batches_in(size_t width) {
    static const struct table_column columns[] = {
        {"BATCH", COLUMN_id},    {"NAME", COLUMN_text},    {"STATE", COLUMN_whole},
        {"DONE", COLUMN_number}, {"ENDED", COLUMN_number}, {"CREATED (UTC)", COLUMN_whole},
        {"COST", COLUMN_sum},    {NULL, COLUMN_whole},
    };
    struct table table;
    catch_output();
    table_begin(&table, columns);
    table.width = width;
    table_row(&table);
    table_cell(&table, 0, "%s", "01930000-0000-7000-8000-000000000001");
    table_cell(&table, 1, "%s", "a-long-name-of-a-nightly-run.jsonl");
    table_cell(&table, 2, "%s", "settled");
    table_cell(&table, 3, "%s", "3");
    table_cell(&table, 4, "%s", "3 of 3");
    table_cell(&table, 5, "%s", "2026-11-22 10:24");
    table_cell(&table, 6, "%s", "$118.07 + 12 unpriced + 3 unknown (at most $0.04)");
    table_end(&table);
    return caught();
}

// Half an id or half an amount is none, and a row that the terminal wraps cannot be read: ids, then
// sums go below their row, and names give way.
START_TEST(ids_and_sums_stay_whole_in_a_narrow_table) {
    ck_assert_str_eq(batches_in(LINE_COLUMNS),
                     "NAME                                STATE    DONE   ENDED  CREATED (UTC)\n"
                     "    BATCH\n"
                     "    COST\n"
                     "a-long-name-of-a-nightly-run.jsonl  settled     3  3 of 3  2026-11-22 10:24\n"
                     "    01930000-0000-7000-8000-000000000001\n"
                     "    $118.07 + 12 unpriced + 3 unknown (at most $0.04)\n");
    ck_assert_str_eq(batches_in(60),
                     "NAME                 STATE    DONE   ENDED  CREATED (UTC)\n"
                     "    BATCH\n"
                     "    COST\n"
                     "a-long-name-of-a-n\u2026  settled     3  3 of 3  2026-11-22 10:24\n"
                     "    01930000-0000-7000-8000-000000000001\n"
                     "    $118.07 + 12 unpriced + 3 unknown (at most $0.04)\n");
    // Where nothing else helps, a row folds.
    ck_assert_str_eq(batches_in(40), "NAME\n"
                                     "    STATE    DONE   ENDED\n"
                                     "    CREATED (UTC)\n"
                                     "    BATCH\n"
                                     "    COST\n"
                                     "a-long-name-of-a-nightly-run.jsonl\n"
                                     "    settled     3  3 of 3\n"
                                     "    2026-11-22 10:24\n"
                                     "    01930000-0000-7000-8000-000000000001\n"
                                     "    $118.07 + 12 unpriced + 3 unknown (at most $0.04)\n");
}
END_TEST

// An id that is broken over two lines cannot be copied.
START_TEST(lines_are_broken_between_words_only) {
    struct buf lines;
    buf_init(&lines, 1024);
    text_fold(&lines, "turn 2: parked (job 01930000-0000-7000-8000-000000000001) caf\u00e9", 4, 40);
    ck_assert_str_eq(buf_cstr(&lines), "turn 2: parked (job\n"
                                       "    01930000-0000-7000-8000-000000000001)\n"
                                       "    caf\u00e9");
    buf_reset(&lines);
    text_fold(&lines, "as  it is, in a file", 4, 0);
    ck_assert_str_eq(buf_cstr(&lines), "as  it is, in a file");
    buf_release(&lines);
}
END_TEST

// Two rows cut to the same words cannot be told apart by the program that reads them.
START_TEST(a_table_in_a_pipe_is_cut_nowhere) {
    static const struct table_column columns[] = {{"NAME", COLUMN_text}, {NULL, COLUMN_whole}};
    struct table table;
    char name[400];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    catch_output();
    table_begin(&table, columns);
    table_row(&table);
    table_cell(&table, 0, "%s", name);
    table_end(&table);
    ck_assert_ptr_nonnull(strstr(caught(), name));
}
END_TEST

// Escape sequences in a file or a pipe are dirt.
START_TEST(what_is_no_terminal_gets_no_colour) {
    ck_assert_int_eq(setenv("TERM", "xterm", 1), 0);
    catch_output();
    ck_assert(!out_has_color());
    out_state(5, "state", "failed");
    ck_assert_str_eq(caught(), "state failed\n");
    ck_assert_int_eq(state_tone("settled"), TONE_good);
    ck_assert_int_eq(state_tone("held"), TONE_waiting);
    ck_assert_int_eq(state_tone("dead"), TONE_failed);
    ck_assert_int_eq(state_tone("open"), TONE_plain);
}
END_TEST

// A message or a name that holds escape sequences would command the terminal of whoever looks.
START_TEST(control_characters_are_never_printed) {
    catch_output();
    out_printf("%s|\n", "a\x1b]0;t\x07\x7f\xc2\x9b"
                        "b\n\tc");
    out_field(4, "name", "x\nyes\x1b[2J");
    ck_assert_str_eq(caught(), "a ]0;t    b\n\tc|\nname x yes [2J\n");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("render");
    TCase *all = tcase_create("render");
    tcase_add_test(all, a_sum_names_what_is_missing_from_it);
    tcase_add_test(all, a_moment_is_shown_in_local_time_with_its_zone_and_in_utc);
    tcase_add_test(all, one_is_not_counted_as_several);
    tcase_add_test(all, a_document_begins_with_its_schema);
    tcase_add_test(all, tables_fit_the_terminal_by_cutting_names_only);
    tcase_add_test(all, ids_and_sums_stay_whole_in_a_narrow_table);
    tcase_add_test(all, lines_are_broken_between_words_only);
    tcase_add_test(all, a_table_in_a_pipe_is_cut_nowhere);
    tcase_add_test(all, what_is_no_terminal_gets_no_colour);
    tcase_add_test(all, control_characters_are_never_printed);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
