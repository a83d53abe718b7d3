// The only door to the heap: an allocation succeeds or the process ends, and what is held counts.

#include "common/mem.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

// A leak in a process that runs for months is found by this count, so it must be right.
START_TEST(what_is_held_is_counted) {
    int64_t before = mem_held();
    void *one = mem_new(10);
    void *many = mem_array(100, 100);
    char *copy = mem_copy("abc", 3);
    void *grown = mem_grow(NULL, 10);
    ck_assert_int_eq(mem_held(), before + 4);
    grown = mem_grow(grown, 100000);
    ck_assert_int_eq(mem_held(), before + 4);
    mem_free(one);
    mem_free(many);
    mem_free(copy);
    mem_free(grown);
    mem_free(NULL);
    ck_assert_int_eq(mem_held(), before);
}
END_TEST

// Structs are used as they come: a field that holds yesterday's bytes is a wild pointer.
START_TEST(new_memory_is_zero) {
    static const uint8_t zero[1000];
    for (int i = 0; i < 100; i++) {
        uint8_t *at = mem_new(sizeof(zero));
        ck_assert_mem_eq(at, zero, sizeof(zero));
        memset(at, 0xff, sizeof(zero));
        mem_free(at);
    }
}
END_TEST

START_TEST(a_copy_ends_with_a_zero_byte) {
    char *copy = mem_copy("abcdef", 3);
    ck_assert_str_eq(copy, "abc");
    mem_free(copy);
    copy = mem_copy(NULL, 0);
    ck_assert_str_eq(copy, "");
    mem_free(copy);
}
END_TEST

// A block may shrink or grow to nothing; it stays a block that can be freed.
START_TEST(no_size_is_a_size_too) {
    int64_t before = mem_held();
    mem_free(mem_new(0));
    mem_free(mem_array(0, 10));
    mem_free(mem_array(10, 0));
    mem_free(mem_grow(mem_grow(NULL, 10), 0));
    ck_assert_int_eq(mem_held(), before);
}
END_TEST

// Out of memory there is no way on: the process ends with a code that its supervisor knows, and
// does not run on with NULL. (Check compares the exit code of these tests.)
START_TEST(a_refused_allocation_ends_the_process) {
    void *first = NULL;
    mem_fail_at(2);
    first = mem_new(10); // this one succeeds
    ck_assert_ptr_nonnull(first);
    (void)mem_new(10);
    exit(0);
}
END_TEST

START_TEST(a_refused_growth_ends_the_process) {
    void *at = mem_grow(NULL, 10);
    mem_fail_at(1);
    (void)mem_grow(at, 20);
    exit(0);
}
END_TEST

START_TEST(an_array_whose_size_overflows_ends_the_process) {
    volatile size_t many = SIZE_MAX / 2;
    (void)mem_array(many, 4);
    exit(0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("mem");
    TCase *tcase = tcase_create("the heap");
    tcase_add_test(tcase, what_is_held_is_counted);
    tcase_add_test(tcase, new_memory_is_zero);
    tcase_add_test(tcase, a_copy_ends_with_a_zero_byte);
    tcase_add_test(tcase, no_size_is_a_size_too);
    tcase_add_exit_test(tcase, a_refused_allocation_ends_the_process, EX_OSERR);
    tcase_add_exit_test(tcase, a_refused_growth_ends_the_process, EX_OSERR);
    // AddressSanitizer ends the process itself at such a request, with a code of its own.
#ifndef __SANITIZE_ADDRESS__
    tcase_add_exit_test(tcase, an_array_whose_size_overflows_ends_the_process, EX_OSERR);
#else
    tcase_add_exit_test(tcase, an_array_whose_size_overflows_ends_the_process, 1);
#endif
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
