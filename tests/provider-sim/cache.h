// A cache of prompts' beginnings, by the rules of each API: what was said before is read from it
// where an earlier request began in the same way. It draws nothing: the requests alone decide.
#ifndef PROVIDER_SIM_CACHE_H
#define PROVIDER_SIM_CACHE_H

#include "tests/provider-sim/options.h"
#include "tests/provider-sim/prefix.h"
#include "tests/provider-sim/tariff.h"

struct cache {
    struct cache_entry *entries;
    struct text marks, scratch; // of the request at hand
};

void cache_release(struct cache *cache);
// The tokens of the shortest prefix that is kept.
int64_t cache_from(const struct api *api, const struct tariff *tariff,
                   const struct options *options);
// Fills in what of the input is read from the cache and what is written to it, and keeps the
// request's beginnings.
void cache_use(struct cache *cache, const struct api *api, const struct asked *asked,
               const struct tariff *tariff, const struct options *options, uint64_t now_ms,
               struct tokens *tokens);

#endif
