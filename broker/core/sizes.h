// What 99 of 100 answers do not exceed, learnt from the answers themselves: a histogram of the last
// thousand or so, in steps of half a power of two.
#ifndef BROKER_CORE_SIZES_H
#define BROKER_CORE_SIZES_H

#include "common/bytes.h"

enum {
    SIZES_STEPS = 32,        // 256 bytes, 384, 512, 768 … 12 MiB
    SIZES_FIRST = 256,       // the first step's bound
    SIZES_KEPT = 1024,       // at so many answers each counts half from then on
    SIZES_FEW = 100,         // fewer say little: the guess is the least that is expected
    SIZES_GUESS = 16 * 1024, // of an answer when none has come yet
};

struct sizes {
    uint32_t counts[SIZES_STEPS]; // zeroed: none has come yet
    uint32_t total;
};

void sizes_add(struct sizes *sizes, uint64_t bytes);
// A bound that one answer of a hundred may exceed; among fewer, none that has come does.
uint64_t sizes_high(const struct sizes *sizes);

#endif
