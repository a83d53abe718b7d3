#include "tests/provider-sim/test_suites.h"

#include <stdlib.h>

int main(void) {
    Suite *suite = suite_create("provider_sim_self");
    add_answers(suite);
    add_faults(suite);
    add_http(suite);
    add_messages(suite);
    add_apis(suite);
    add_errors(suite);
    add_caches(suite);
    add_states(suite);
    add_streams(suite);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
