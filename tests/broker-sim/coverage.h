// What the schedules of all processes have met: each legal move of a job's state must be met, or
// a change of the worlds has made them blind for it.
#ifndef BROKER_SIM_COVERAGE_H
#define BROKER_SIM_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

void coverage_open(void); // before the processes are made
// Adds what this process has met.
void coverage_add(uint64_t events, uint64_t deaths);
// Prints the sums, with is_long every move. False: a legal move was not met, although `schedules`
// were many enough for that.
bool coverage_print(uint64_t schedules, bool is_long);

#endif
