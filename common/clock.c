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

static uint64_t read_us(clockid_t which) {
    struct timespec t;
    (void)clock_gettime(which, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t clock_mono_us(void) {
    return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_cpu_us(void) {
    return read_us(CLOCK_PROCESS_CPUTIME_ID);
}
