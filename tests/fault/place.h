// A folder of its own for each run of a scenario, and a number that outlives the run's process:
// what it was told is stored.
#ifndef TESTS_FAULT_PLACE_H
#define TESTS_FAULT_PLACE_H

#include <stdint.h>

// How much the process of this run was told to be durable; 0 at the start of a run.
extern volatile uint64_t *place_stored;

// An empty folder; what the run before left is removed. Ends the test where that fails.
void place_renew(void);
// The path of a file in it, in static storage until the next call.
const char *place_file(const char *name);
void place_remove(void);

#endif
