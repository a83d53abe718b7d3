// The parts of the simulator's own test program.
#ifndef PROVIDER_SIM_TEST_SUITES_H
#define PROVIDER_SIM_TEST_SUITES_H

#include <check.h>

void add_answers(Suite *suite);
void add_faults(Suite *suite);
void add_http(Suite *suite);
void add_messages(Suite *suite);
void add_apis(Suite *suite);
void add_errors(Suite *suite);
void add_caches(Suite *suite);
void add_states(Suite *suite);
void add_streams(Suite *suite);

#endif
