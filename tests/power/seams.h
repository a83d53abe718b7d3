// What ends a process, stamps it and locks it, for programs that live through many of them: log,
// lock, clock and chance of common/ are replaced by these at link time.
#ifndef TESTS_POWER_SEAMS_H
#define TESTS_POWER_SEAMS_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

struct seams {
    jmp_buf ended;   // where fatal() goes
    bool is_living;  // ended is set
    bool is_loud;    // log lines are written
    int code;        // that the process ended with
    char why[400];   // and said
    int64_t wall_ms; // stands still unless it is moved
    uint64_t chance;
};
extern struct seams seams;

#endif
