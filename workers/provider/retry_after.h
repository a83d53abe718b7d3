// How long a provider asks to wait, in every form that providers use: Retry-After as seconds or as
// a date, retry-after-ms, the reset of a rate limit that is used up ("6m0s", "8.64s", "12ms", plain
// seconds, a Unix time, an instant), whether the limit's name comes last (x-ratelimit-reset-tokens)
// or first (anthropic-ratelimit-tokens-reset), and whether it asks to be tried again at all. Pure.
#ifndef PROVIDER_RETRY_AFTER_H
#define PROVIDER_RETRY_AFTER_H

#include "common/bytes.h"

struct retry_hint {
    uint64_t after_ms; // the longest of what is asked, at most RETRY_HINT_MAX_MS; 0: nothing is
    bool says_retry;   // the provider says: try again
    bool says_stop;    // the provider says: do not
};

// Reads a head ("Name: value\r\n…"). should_retry_header may be NULL. now_ms is Unix time; a Date
// in the head is believed before it, since both dates are then by the provider's clock.
struct retry_hint retry_hint_of(struct bytes head, const char *should_retry_header, int64_t now_ms);

// "1h30m", "6m0s", "8.64s", "12ms": numbers, each with its unit. False if it is anything else.
bool retry_duration_ms(struct bytes text, uint64_t *ms);

#endif
