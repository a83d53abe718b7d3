// xoshiro256** (public domain, Blackman and Vigna), seeded by splitmix64.
#include "tests/broker-sim/chance.h"

#include <string.h>

static uint64_t rotate(uint64_t value, int by) {
    return value << by | value >> (64 - by);
}

void dice_seed(struct dice *dice, uint64_t seed, uint64_t which) {
    seed = mix(seed, which);
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15ull;
        uint64_t z = seed;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ z >> 27) * 0x94d049bb133111ebull;
        dice->state[i] = z ^ z >> 31;
    }
}

uint64_t draw(struct dice *dice) {
    uint64_t *s = dice->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint32_t draw_below(struct dice *dice, uint32_t bound) {
    return bound ? (uint32_t)((draw(dice) >> 32) * bound >> 32) : 0;
}

bool draw_chance(struct dice *dice, uint32_t per_mille) {
    return per_mille > 0 && draw_below(dice, 1000) < per_mille;
}

uint64_t mix(uint64_t a, uint64_t b) {
    uint64_t z = a * 0x9e3779b97f4a7c15ull + b;
    z = (z ^ z >> 31) * 0xbf58476d1ce4e5b9ull;
    return z ^ z >> 29;
}

uint64_t mix_bytes(uint64_t hash, const void *at, uint64_t size) {
    const uint8_t *from = at;
    for (; size >= 8; size -= 8, from += 8) {
        uint64_t word;
        memcpy(&word, from, 8);
        hash = mix(hash, word);
    }
    for (; size > 0; size--)
        hash = (hash ^ *from++) * 1099511628211u;
    return hash;
}
