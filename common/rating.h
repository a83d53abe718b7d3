// What a call costs, by the catalogue's prices: whole numbers only, the same on every host and
// on every day. What has no price is unpriced, never 0.
#ifndef COMMON_RATING_H
#define COMMON_RATING_H

#include "common/catalogue.h"

// Disjoint: no token is in two of them. -1: not stated.
struct counters {
    int64_t in_uncached;
    int64_t in_cached;
    int64_t in_cache_write;
    int64_t in_audio;
    int64_t out_visible;
    int64_t out_reasoning;
    int64_t out_audio;
    int64_t
        in_cache_write_1h; // kept for an hour, which costs more; in_cache_write: the ordinary time
    int64_t web_searches;  // no tokens: searches that are paid for one by one
    int64_t in_tool_use;   // what a provider's own tools put into the input; priced as in_uncached
    int64_t in_image;      // where images of the input are counted apart
    int64_t out_image;     // likewise of the answer
};

// Nothing stated.
struct counters counters_none(void);
// All of the input, all of the output: the sum of what is stated; -1 if nothing is.
int64_t counters_in(const struct counters *counters);
int64_t counters_out(const struct counters *counters);

struct rating {
    bool is_priced;
    int64_t pusd;          // the whole; -1 if it is unpriced
    struct counters parts; // pico-USD of each counter; -1 where nothing is stated
    int64_t per_request;   // pico-USD, in the whole
    char price_name[160];  // what it was priced by: openai/gpt-5-nano@2025-08-07; may be empty
    char tier[32];         // standard, or the tier whose prices were used
    int64_t over_tokens;   // the bracket that was used; 0: the ordinary rates
    const char *unpriced;  // why it is unpriced, a code; NULL if it is priced. Static storage:
                           // unknown_model, no_price_then, unknown_tier, no_usage,
                           // no_rate_input … no_rate_web_search, overflow (of CALL_PUSD_MAX)
};

// The price of an answer: by the served model, the served tier (empty, "default", "standard",
// "standard_only" or "auto": the standard rates) and the instant at which the call was made. A tier
// may be several words with + between them ("batch+us"), each with a factor of its own. Reasoning
// is priced as output; a counter that is not stated adds nothing; searches cost the same in every
// tier.
void rating_of(const struct catalogue *catalogue, struct bytes provider, struct bytes model,
               struct bytes service_tier, int64_t at_ms, const struct counters *counters,
               struct rating *out);
// Whether a price is a guess: nobody says whether the sum of several passes over an input decides
// about the bracket, or each for itself. The sum's is never too low.
bool rating_is_guess(const struct rating *rating, bool has_passes);
// What a request can cost at most: its whole input at the dearest rate that it could meet, and
// its whole output, in the dearest bracket that so much input can reach. At the standard rates:
// a request that asks for another tier must be bounded by rating_upper_bound_in.
void rating_upper_bound(const struct catalogue *catalogue, struct bytes provider,
                        struct bytes model, int64_t in_tokens_max, int64_t out_tokens_max,
                        int64_t at_ms, struct rating *out);
// The same for a request's own service_tier, as it is written in the request; a tier under which
// the call may also be served at the standard rates counts as the dearer of the two.
void rating_upper_bound_in(const struct catalogue *catalogue, struct bytes provider,
                           struct bytes model, struct bytes service_tier, int64_t in_tokens_max,
                           int64_t out_tokens_max, int64_t at_ms, struct rating *out);

#endif
