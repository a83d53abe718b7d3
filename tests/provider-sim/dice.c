#include "tests/provider-sim/dice.h"

#include "tests/provider-sim/limits.h"
#include "tests/provider-sim/text.h"

#include <math.h>

// The finaliser of splitmix64: every bit of the state moves every bit of the result.
static uint64_t dice_mix(uint64_t state) {
    state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9ull;
    state = (state ^ (state >> 27)) * 0x94d049bb133111ebull;
    return state ^ (state >> 31);
}

struct dice dice_new(uint64_t seed, uint64_t what, uint64_t occurrence) {
    uint64_t state = dice_mix(seed + 0x9e3779b97f4a7c15ull);
    state = dice_mix(state ^ what);
    return (struct dice){dice_mix(state + occurrence * 0x9e3779b97f4a7c15ull)};
}

uint64_t dice_throw(struct dice *dice) {
    dice->state += 0x9e3779b97f4a7c15ull;
    return dice_mix(dice->state);
}

uint32_t dice_below(struct dice *dice, uint32_t bound) {
    return bound == 0 ? 0 : (uint32_t)((dice_throw(dice) >> 32) * bound >> 32);
}

bool dice_hit(struct dice *dice, uint32_t rate) {
    return dice_below(dice, RATE_WHOLE) < rate;
}

uint32_t dice_latency_ms(struct dice *dice, uint32_t mean_ms) {
    if (mean_ms == 0)
        return 0;
    double normal = -6.0; // twelve uniform draws less six: near enough to a normal one
    for (int i = 0; i < 12; i++)
        normal += (double)(dice_throw(dice) >> 11) * 0x1p-53;
    const double spread = 0.6;
    double factor = exp(spread * normal - spread * spread / 2);
    if (factor > LATENCY_FACTOR_MAX)
        factor = LATENCY_FACTOR_MAX;
    return (uint32_t)(mean_ms * factor + 0.5);
}

void dice_name(struct dice *dice, char *out, uint32_t size) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t bits = 0;
    for (uint32_t i = 0; i < size; i++) {
        if (i % 10 == 0)
            bits = dice_throw(dice);
        out[i] = letters[(bits & 63) < 62 ? bits & 63 : (bits & 63) - 62];
        bits >>= 6;
    }
}

struct seen_entry {
    uint64_t what; // 0: free
    uint32_t times;
};

static struct seen_entry *seen_find(struct seen *seen, uint64_t what) {
    uint32_t at = (uint32_t)dice_mix(what) & (seen->capacity - 1);
    while (seen->entries[at].what != 0 && seen->entries[at].what != what)
        at = (at + 1) & (seen->capacity - 1);
    return &seen->entries[at];
}

static void seen_grow(struct seen *seen) {
    struct seen old = *seen;
    bool is_full = old.capacity >= SEEN_ENTRIES_MAX;
    seen->capacity = old.capacity == 0 ? 1024 : is_full ? old.capacity : old.capacity * 2;
    seen->entries = memory_new(seen->capacity, sizeof(*seen->entries));
    seen->count = 0;
    for (uint32_t i = 0; !is_full && i < old.capacity; i++) {
        if (old.entries[i].what == 0)
            continue;
        *seen_find(seen, old.entries[i].what) = old.entries[i];
        seen->count++;
    }
    memory_free(old.entries);
}

void seen_release(struct seen *seen) {
    memory_free(seen->entries);
    *seen = (struct seen){0};
}

uint32_t seen_count(struct seen *seen, uint64_t what) {
    if (what == 0)
        what = 1;
    if (seen->count >= seen->capacity / 2)
        seen_grow(seen);
    struct seen_entry *entry = seen_find(seen, what);
    if (entry->what == 0) {
        entry->what = what;
        seen->count++;
    }
    return entry->times++;
}
