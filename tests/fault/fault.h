// Runs a scenario again and again, each time in a process of its own with another allocation
// failing, until every allocation of it has failed once, alone and with all that follow it. Each
// run must end in one of two ways: the scenario comes to its end, with an error or without, and
// nothing leaks; or the process ends with EX_OSERR, and its last line on stderr says why. A signal,
// a sanitizer's report or any other exit fails the test and names the allocation.
#ifndef TESTS_FAULT_FAULT_H
#define TESTS_FAULT_FAULT_H

#include <stdbool.h>
#include <stdint.h>

struct fault {
    const char *name;
    // In the parent before each run, where a run needs a fresh state outside. May be NULL.
    void (*prepare)(void);
    // The scenario, from nothing to nothing: what it made is released when it returns. An error
    // that it may meet without memory is an ordinary return; what is wrong fails by assert.
    void (*run)(void);
    // In the parent after each run: what the run called stored must be there. May be NULL.
    void (*verify)(void);
    // A further exit code that is documented for this scenario; 0: none.
    int code;
};

// Fails the running test of Check at the first run that did not end as it must. Where a scenario
// allocates more often than that, only so many of the allocations fail, evenly spread;
// FAULT_EVERY=1 in the environment makes all of them fail.
void fault_each(const struct fault *fault, uint64_t points_max);

#endif
