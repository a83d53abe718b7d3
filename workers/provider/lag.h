// How long a lease was on its way, without comparing the clocks of two machines: what its stamp
// differs from our clock by, beyond the smallest difference that was seen from the same boot of
// the broker in the last ten minutes. Pure.
#ifndef PROVIDER_LAG_H
#define PROVIDER_LAG_H

#include <stdbool.h>
#include <stdint.h>

enum { LAG_SPAN_MS = 60 * 1000, LAG_SPANS = 10 };

struct lag {
    uint64_t boot;
    struct {
        uint64_t number; // of the span: the clock divided by LAG_SPAN_MS
        int64_t least_ms;
        bool is_used;
    } spans[LAG_SPANS];
};

// Takes a stamp in (the broker's monotonic clock, ours when it came) and says how long its message
// was on its way. Another boot begins anew. Accepts a zeroed lag.
uint64_t lag_take(struct lag *lag, uint64_t boot, uint64_t stamp_ms, uint64_t now_ms);

#endif
