// A file comes in blocks that know nothing of its lines.
#include "common/limits.h"
#include "common/mem.h"
#include "workers/ingress/split.h"

#include <check.h>
#include <stdlib.h>

// Feeds a text in blocks of block bytes, then its end, and writes each line as "[line]".
static void cut(const char *text, size_t block, struct buf *out) {
    struct split split;
    struct split_line line;
    size_t size = strlen(text);
    split_init(&split);
    buf_reset(out);
    for (size_t at = 0; at < size; at += block) {
        struct bytes input = bytes_of(text + at, size - at < block ? size - at : block);
        while (split_next(&split, &input, &line))
            buf_printf(out, "[%llu:%.*s]", (unsigned long long)line.number, (int)line.raw.size,
                       (const char *)line.raw.at);
        ck_assert_uint_eq(input.size, 0);
    }
    if (split_last(&split, &line))
        buf_printf(out, "[%llu:%.*s$]", (unsigned long long)line.number, (int)line.raw.size,
                   (const char *)line.raw.at);
    ck_assert(!split_last(&split, &line));
    split_release(&split);
}

// A line that falls over a block's border would be two broken jobs, or none.
START_TEST(lines_are_the_same_wherever_the_blocks_end) {
    static const char text[] = "first\n\n{\"a\":1}\r\n  \nlast without end";
    struct buf whole, parts;
    buf_init(&whole, 4096);
    buf_init(&parts, 4096);
    cut(text, sizeof(text), &whole);
    ck_assert_str_eq(buf_cstr(&whole), "[1:first][2:][3:{\"a\":1}\r][4:  ][5:last without end$]");
    for (size_t block = 1; block < sizeof(text); block++) {
        cut(text, block, &parts);
        ck_assert_str_eq(buf_cstr(&parts), buf_cstr(&whole));
    }
    buf_release(&whole);
    buf_release(&parts);
}
END_TEST

// A file that ends with a newline has no empty line behind it: line numbers would be off by one.
START_TEST(a_newline_at_the_end_is_no_further_line) {
    struct buf out;
    buf_init(&out, 4096);
    cut("a\nb\n", 3, &out);
    ck_assert_str_eq(buf_cstr(&out), "[1:a][2:b]");
    cut("", 1, &out);
    ck_assert_str_eq(buf_cstr(&out), "");
    buf_release(&out);
}
END_TEST

// Feeds size bytes of 'x' in blocks, then a newline and a short line.
static void feed_long(struct split *split, size_t size, struct split_line *line) {
    static uint8_t block[STREAM_BLOCK_BYTES_MAX];
    memset(block, 'x', sizeof(block));
    while (size > 0) {
        size_t part = size < sizeof(block) ? size : sizeof(block);
        struct bytes input = bytes_of(block, part);
        ck_assert(!split_next(split, &input, line));
        size -= part;
    }
    struct bytes newline = bytes_text("\n");
    ck_assert(split_next(split, &newline, line));
}

// A line of 50 MB must not take 50 MB, nor take its neighbours along.
START_TEST(a_line_beyond_the_limit_is_skipped_in_bounded_memory) {
    struct split split;
    struct split_line line;
    split_init(&split);
    feed_long(&split, LINE_BYTES_MAX, &line);
    ck_assert(!line.is_too_long);
    ck_assert_uint_eq(line.raw.size, LINE_BYTES_MAX);
    feed_long(&split, LINE_BYTES_MAX + 1, &line);
    ck_assert(line.is_too_long);
    ck_assert_uint_eq(line.raw.size, 0);
    feed_long(&split, 50 << 20, &line);
    ck_assert(line.is_too_long);
    ck_assert_uint_le(split.held.capacity, 2 * LINE_BYTES_MAX + 2);
    struct bytes next = bytes_text("short\n");
    ck_assert(split_next(&split, &next, &line));
    ck_assert(!line.is_too_long);
    ck_assert_uint_eq(line.number, 4);
    ck_assert(bytes_is(line.raw, "short"));
    split_release(&split);
}
END_TEST

// A blank line counts, so that the numbers of refused lines are those of the user's editor.
START_TEST(blank_lines_are_told_from_jobs) {
    ck_assert(split_is_blank(bytes_text("")));
    ck_assert(split_is_blank(bytes_text(" \t\r")));
    ck_assert(!split_is_blank(bytes_text(" {")));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("split");
    TCase *lines = tcase_create("lines");
    tcase_add_test(lines, lines_are_the_same_wherever_the_blocks_end);
    tcase_add_test(lines, a_newline_at_the_end_is_no_further_line);
    tcase_add_test(lines, a_line_beyond_the_limit_is_skipped_in_bounded_memory);
    tcase_add_test(lines, blank_lines_are_told_from_jobs);
    suite_add_tcase(suite, lines);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
