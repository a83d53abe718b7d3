// Runs the tests of one program, each in a process of its own, and says how many failed.
#ifndef TESTS_BROKER_RUN_H
#define TESTS_BROKER_RUN_H

#include <check.h>
#include <stdlib.h>

static inline int run_case(const char *name, TCase *tests) {
    Suite *suite = suite_create(name);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline TCase *case_of(const char *name, const TTest *const *tests, size_t count, SFun setup,
                             SFun teardown) {
    TCase *at = tcase_create(name);
    tcase_add_checked_fixture(at, setup, teardown);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(at, tests[i]);
    return at;
}

// Only inside main: the tests' pointers are variables of Check's.
#define RUN_TESTS(name, setup, teardown, ...)                                                  \
    do {                                                                                       \
        const TTest *tests_[] = {__VA_ARGS__};                                                 \
        return run_case(                                                                       \
            name, case_of(name, tests_, sizeof(tests_) / sizeof(tests_[0]), setup, teardown)); \
    } while (0)

#endif
