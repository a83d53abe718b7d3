// The only growing buffer: it stops at its bound and never holds half of what was asked.

#include "common/buf.h"
#include "common/mem.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

// A message one byte too long must not leave cut, one that just fits must leave.
START_TEST(it_takes_its_bound_and_not_a_byte_more) {
    for (int by = -1; by <= 1; by++) {
        struct buf buf;
        buf_init(&buf, 1000);
        for (int i = 0; i < 1000 + by; i++)
            buf_byte(&buf, 'x');
        ck_assert_int_eq(buf_state(&buf), by > 0 ? ERR_TOO_BIG : ERR_OK);
        ck_assert_uint_eq(buf_bytes(&buf).size, by > 0 ? 0 : (size_t)(1000 + by));
        buf_release(&buf);
    }
}
END_TEST

// A caller looks once, at the end: nothing that comes after a failure may look like success.
START_TEST(after_a_failure_everything_is_ignored_until_a_reset) {
    struct buf buf;
    buf_init(&buf, 4);
    int64_t held = mem_held();
    buf_text(&buf, "abc");
    buf_text(&buf, "de");
    ck_assert_int_eq(mem_held(), held); // it has let go of what it held
    buf_text(&buf, "f");
    buf_printf(&buf, "%d", 1);
    ck_assert_int_eq(buf_state(&buf), ERR_TOO_BIG);
    ck_assert_str_eq(buf_cstr(&buf), "");
    buf_reset(&buf);
    buf_text(&buf, "abcd");
    ck_assert_int_eq(buf_state(&buf), ERR_OK);
    ck_assert_str_eq(buf_cstr(&buf), "abcd");
    buf_release(&buf);
    ck_assert_int_eq(mem_held(), held);
}
END_TEST

// A size that overflows a sum must not pass for a small one.
START_TEST(a_size_beyond_everything_is_too_big) {
    struct buf buf;
    buf_init(&buf, 100);
    buf_text(&buf, "ab");
    buf_put(&buf, "x", SIZE_MAX);
    ck_assert_int_eq(buf_state(&buf), ERR_TOO_BIG);
    buf_release(&buf);
}
END_TEST

START_TEST(it_keeps_what_was_put_in_order) {
    struct buf buf;
    buf_init(&buf, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        buf_printf(&buf, "%d,", i);
        buf_put(&buf, NULL, 0);
        buf_text(&buf, "");
        buf_byte(&buf, 0);
    }
    struct bytes bytes = buf_bytes(&buf);
    size_t at = 0;
    for (int i = 0; i < 1000; i++) {
        char want[16];
        int size = snprintf(want, sizeof(want), "%d,", i) + 1; // the zero byte as well
        ck_assert_uint_le(at + (size_t)size, bytes.size);
        ck_assert_mem_eq(bytes.at + at, want, (size_t)size);
        at += (size_t)size;
    }
    ck_assert_uint_eq(at, bytes.size);
    buf_release(&buf);
}
END_TEST

// printf asks for the length first and writes then: a length at the bound must not be cut.
START_TEST(a_printed_text_is_whole_or_nothing) {
    struct buf buf;
    buf_init(&buf, 10);
    buf_printf(&buf, "%s", "0123456789");
    ck_assert_str_eq(buf_cstr(&buf), "0123456789");
    buf_reset(&buf);
    buf_printf(&buf, "%s", "0123456789+");
    ck_assert_int_eq(buf_state(&buf), ERR_TOO_BIG);
    buf_release(&buf);
}
END_TEST

START_TEST(a_zeroed_buf_can_be_released) {
    struct buf buf = {0};
    buf_release(&buf);
    buf_release(&buf);
    ck_assert_str_eq(buf_cstr(&buf), "");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("buf");
    TCase *tcase = tcase_create("a bounded buffer");
    tcase_add_test(tcase, it_takes_its_bound_and_not_a_byte_more);
    tcase_add_test(tcase, after_a_failure_everything_is_ignored_until_a_reset);
    tcase_add_test(tcase, a_size_beyond_everything_is_too_big);
    tcase_add_test(tcase, it_keeps_what_was_put_in_order);
    tcase_add_test(tcase, a_printed_text_is_whole_or_nothing);
    tcase_add_test(tcase, a_zeroed_buf_can_be_released);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
