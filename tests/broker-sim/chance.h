// Chance that is a function of a seed alone: a schedule draws from several dice, so that taking
// one kind of fault away leaves the others as they were.
#ifndef BROKER_SIM_CHANCE_H
#define BROKER_SIM_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state[4];
};

void dice_seed(struct dice *dice, uint64_t seed, uint64_t which);
uint64_t draw(struct dice *dice);
// 0 … bound-1; 0 for a bound of 0.
uint32_t draw_below(struct dice *dice, uint32_t bound);
bool draw_chance(struct dice *dice, uint32_t per_mille);
// A fixed mix of two numbers.
uint64_t mix(uint64_t a, uint64_t b);
// A hash of bytes.
uint64_t mix_bytes(uint64_t hash, const void *at, uint64_t size);

#endif
