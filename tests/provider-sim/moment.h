// The simulator's clocks, read once a round.
#ifndef PROVIDER_SIM_MOMENT_H
#define PROVIDER_SIM_MOMENT_H

#include <stdint.h>

struct moment {
    uint64_t ticks_ms; // monotonic
    int64_t unix_ms;
};

struct moment moment_now(void);
// "Tue, 22 Jul 2025 18:22:22 GMT".
void moment_http_date(int64_t unix_ms, char out[32]);
// "2026-07-21T07:59:44Z".
void moment_rfc3339(int64_t unix_ms, char out[32]);

#endif
