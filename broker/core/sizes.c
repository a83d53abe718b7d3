#include "broker/core/sizes.h"

static uint64_t bound_of(unsigned step) {
    uint64_t power = (uint64_t)SIZES_FIRST << step / 2;
    return step % 2 ? power + power / 2 : power;
}

static void fade(struct sizes *sizes) {
    sizes->total = 0;
    for (unsigned step = 0; step < SIZES_STEPS; step++) {
        sizes->counts[step] /= 2;
        sizes->total += sizes->counts[step];
    }
}

void sizes_add(struct sizes *sizes, uint64_t bytes) {
    unsigned step = 0;
    while (step < SIZES_STEPS - 1 && bytes > bound_of(step))
        step++;
    sizes->counts[step]++;
    if (++sizes->total >= SIZES_KEPT)
        fade(sizes);
}

uint64_t sizes_high(const struct sizes *sizes) {
    uint32_t above = 0;
    unsigned step = SIZES_STEPS;
    while (step > 0 && above + sizes->counts[step - 1] <= sizes->total / 100)
        above += sizes->counts[--step];
    uint64_t high = step > 0 ? bound_of(step - 1) : 0;
    return sizes->total < SIZES_FEW && high < SIZES_GUESS ? SIZES_GUESS : high;
}
