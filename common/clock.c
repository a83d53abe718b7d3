#include "common/clock.h"

#include <time.h>

static uint64_t read_ms(clockid_t which) {
    struct timespec t;
    (void)clock_gettime(which, &t); // cannot fail for the clocks that every Linux has
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

struct moment clock_now(void) {
    return (struct moment){
        .mono_ms = read_ms(CLOCK_MONOTONIC),
        .wall_ms = (int64_t)read_ms(CLOCK_REALTIME),
    };
}

uint64_t clock_cpu_us(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}
