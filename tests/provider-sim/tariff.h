// What the simulated providers charge: a table of their own, kept apart from every other one.
#ifndef PROVIDER_SIM_TARIFF_H
#define PROVIDER_SIM_TARIFF_H

#include "tests/provider-sim/text.h"

struct tariff {
    const char *alias;
    const char *snapshot; // what is served for the alias
    int64_t input_pusd;   // a token, in pico-USD: 1 USD a million tokens is 1,000,000
    int64_t cached_pusd;  // a token read from the cache
    int64_t output_pusd;
    bool has_reasoning;
    bool has_flex;       // at half price
    int64_t long_tokens; // beyond so much input: input twice, output 1.5 times; 0: never
    bool is_long_double; // output twice, too
    bool is_write_paid;  // each token that is not read from the cache is written to it, for a fee
    bool is_peaked;      // twice the price in the hours when most people work in China
    int64_t cache_from;  // tokens of the shortest prefix that is cached; 0: as the API has it
    int64_t search_pusd; // a search of the web; 0: a cent
};

struct tokens {
    int64_t input; // cached and written ones included
    int64_t cached;
    int64_t written;    // to the cache: a quarter more than the input's price
    int64_t written_1h; // for an hour: twice the input's price
    int64_t output;     // reasoning included
    int64_t reasoning;
    int64_t tool_use; // results of tools that the provider ran, beside the input and at its price
    int64_t searches; // no tokens
};

// What the price of a call also depends on.
struct rate {
    bool is_flex; // half of it
    bool is_us;   // a tenth more
    bool is_peak; // twice
};

// By alias or snapshot; NULL: no price.
const struct tariff *tariff_find(struct span model);
int64_t tariff_price(const struct tariff *tariff, const struct tokens *tokens, struct rate rate);
// 01:00 to 04:00 and 06:00 to 10:00 UTC, Monday to Friday; public holidays are not known here.
bool tariff_is_peak(int64_t unix_s);

#endif
