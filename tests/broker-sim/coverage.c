#include "tests/broker-sim/coverage.h"

#include "tests/broker-sim/world.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>

// With fewer schedules a rare move may well be missed.
enum { SCHEDULES_ENOUGH = 20000 };

struct sums {
    atomic_uint_fast64_t events, deaths;
    atomic_uint_fast64_t moves[JOB_STATES][JOB_STATES];
};
static struct sums *sums;

void *__real_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);

void coverage_open(void) {
    sums =
        __real_mmap(NULL, sizeof(*sums), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void coverage_add(uint64_t events, uint64_t deaths) {
    atomic_fetch_add(&sums->events, events);
    atomic_fetch_add(&sums->deaths, deaths);
    for (unsigned from = 0; from < JOB_STATES; from++)
        for (unsigned to = 0; to < JOB_STATES; to++)
            atomic_fetch_add(&sums->moves[from][to], spy_moves(from, to));
}

bool coverage_print(uint64_t schedules, bool is_long) {
    unsigned legal = 0, met = 0;
    for (enum job_state from = 0; from < JOB_STATES; from++)
        for (enum job_state to = 0; to < JOB_STATES; to++) {
            if (!job_may_move(from, to))
                continue;
            unsigned long long count = atomic_load(&sums->moves[from][to]);
            legal++;
            met += count > 0;
            if (is_long || (count == 0 && schedules >= SCHEDULES_ENOUGH))
                printf("%-10s -> %-10s %llu\n", job_state_name(from), job_state_name(to), count);
        }
    printf("schedules %llu events %llu deaths %llu moves %u of %u\n", (unsigned long long)schedules,
           (unsigned long long)atomic_load(&sums->events),
           (unsigned long long)atomic_load(&sums->deaths), met, legal);
    return met == legal || schedules < SCHEDULES_ENOUGH;
}
