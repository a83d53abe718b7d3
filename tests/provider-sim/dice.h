// Seeded draws. A request's dice are thrown from the seed, the digest of its body and how often
// that body came before: the same work meets the same faults in every run, whatever the order.
#ifndef PROVIDER_SIM_DICE_H
#define PROVIDER_SIM_DICE_H

#include <stdbool.h>
#include <stdint.h>

enum { RATE_WHOLE = 1000000 }; // rates are in parts of a million

struct dice {
    uint64_t state;
};

struct dice dice_new(uint64_t seed, uint64_t what, uint64_t occurrence);
uint64_t dice_throw(struct dice *dice);
uint32_t dice_below(struct dice *dice, uint32_t bound); // 0 … bound - 1
bool dice_hit(struct dice *dice, uint32_t rate);
// Around the mean, skewed to the right like the times of a busy service; never above
// LATENCY_FACTOR_MAX times the mean. 0 for a mean of 0.
uint32_t dice_latency_ms(struct dice *dice, uint32_t mean_ms);
// Fills a name with letters and digits; no NUL is written.
void dice_name(struct dice *dice, char *out, uint32_t size);

// How often each body came.
struct seen {
    struct seen_entry *entries;
    uint32_t capacity;
    uint32_t count;
};

void seen_release(struct seen *seen);
// How often it came before; counts it. With SEEN_ENTRIES_MAX bodies all is forgotten.
uint32_t seen_count(struct seen *seen, uint64_t what);

#endif
