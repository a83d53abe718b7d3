// Deadlines in a binary heap. A timer lives in its owner, as the first member.
#ifndef PROVIDER_SIM_TIMERS_H
#define PROVIDER_SIM_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct timer {
    uint64_t due_ms;
    size_t place; // in the heap, from 1; 0: not set
};

struct timers {
    struct timer **heap;
    size_t count;
    size_t capacity;
};

void timers_release(struct timers *timers);
// Sets or moves it.
void timers_set(struct timers *timers, struct timer *timer, uint64_t due_ms);
void timers_clear(struct timers *timers, struct timer *timer);
// The next one that is due, taken off; NULL: none.
struct timer *timers_due(struct timers *timers, uint64_t now_ms);
// For epoll_wait: milliseconds to the next one, -1: there is none.
int timers_wait_ms(const struct timers *timers, uint64_t now_ms);

#endif
