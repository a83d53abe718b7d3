// Runs the tests of one program: each in a process of its own, without a limit of time that a
// busy machine could meet.
#ifndef TESTS_FAULT_RUN_H
#define TESTS_FAULT_RUN_H

#include <check.h>

enum { FAULT_TIMEOUT_S = 3600 };

static inline int fault_run(const char *name, TCase *tests) {
    Suite *suite = suite_create(name);
    tcase_set_timeout(tests, FAULT_TIMEOUT_S);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}

#endif
