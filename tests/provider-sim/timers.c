#include "tests/provider-sim/timers.h"

#include "tests/provider-sim/text.h"

#include <limits.h>

void timers_release(struct timers *timers) {
    memory_free(timers->heap);
    *timers = (struct timers){0};
}

static void timers_put(struct timers *timers, size_t place, struct timer *timer) {
    timers->heap[place - 1] = timer;
    timer->place = place;
}

static void timers_sift(struct timers *timers, struct timer *timer, size_t place) {
    while (place > 1 && timers->heap[place / 2 - 1]->due_ms > timer->due_ms) {
        timers_put(timers, place, timers->heap[place / 2 - 1]);
        place /= 2;
    }
    for (;;) {
        size_t child = place * 2;
        if (child < timers->count && timers->heap[child]->due_ms < timers->heap[child - 1]->due_ms)
            child++;
        if (child > timers->count || timers->heap[child - 1]->due_ms >= timer->due_ms)
            break;
        timers_put(timers, place, timers->heap[child - 1]);
        place = child;
    }
    timers_put(timers, place, timer);
}

void timers_set(struct timers *timers, struct timer *timer, uint64_t due_ms) {
    timer->due_ms = due_ms;
    if (timer->place == 0) {
        if (timers->count == timers->capacity) {
            timers->capacity = timers->capacity ? timers->capacity * 2 : 64;
            timers->heap = memory_resize(timers->heap, timers->capacity * sizeof(*timers->heap));
        }
        timers_put(timers, ++timers->count, timer);
    }
    timers_sift(timers, timer, timer->place);
}

void timers_clear(struct timers *timers, struct timer *timer) {
    size_t place = timer->place;
    if (place == 0)
        return;
    struct timer *last = timers->heap[--timers->count];
    timer->place = 0;
    if (last != timer)
        timers_sift(timers, last, place);
}

struct timer *timers_due(struct timers *timers, uint64_t now_ms) {
    if (timers->count == 0 || timers->heap[0]->due_ms > now_ms)
        return NULL;
    struct timer *timer = timers->heap[0];
    timers_clear(timers, timer);
    return timer;
}

int timers_wait_ms(const struct timers *timers, uint64_t now_ms) {
    if (timers->count == 0)
        return -1;
    uint64_t due_ms = timers->heap[0]->due_ms;
    uint64_t wait_ms = due_ms > now_ms ? due_ms - now_ms : 0;
    return wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
}
