// What every part of the world needs, also those that know nothing of the broker.
#ifndef BROKER_SIM_PROMISE_H
#define BROKER_SIM_PROMISE_H

#include "common/bytes.h"

// Ends the schedule: a promise is broken.
_Noreturn void broken(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define PROMISE(condition, ...)  \
    do {                         \
        if (!(condition))        \
            broken(__VA_ARGS__); \
    } while (0)

void note(uint64_t value); // into the hash of the schedule

// A line for --trace; costs nothing where nobody listens.
bool is_told(void);
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define TELL(...)              \
    do {                       \
        if (is_told())         \
            tell(__VA_ARGS__); \
    } while (0)

// Memory that lives as long as the schedule.
void *post_take(size_t size);
struct bytes post_copy(struct bytes bytes);

enum { FILES = 3, LINES_MAX = 16, CALLS_MAX = 4096 };
// The file of a batch; FILES: none.
uint32_t file_of_batch(struct id batch_id);

#endif
