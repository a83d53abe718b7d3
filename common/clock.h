// The only source of time. A loop asks once a turn and passes the answer on.
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>

struct moment {
    uint64_t mono_ms; // CLOCK_MONOTONIC: spans and deadlines
    int64_t wall_ms;  // Unix time: stored instants
};

struct moment clock_now(void);
// Microseconds of CLOCK_MONOTONIC, for spans that are measured and shown.
uint64_t clock_mono_us(void);
// Microseconds of CPU that this process has used, for the figures of bench and stat.
uint64_t clock_cpu_us(void);

#endif
