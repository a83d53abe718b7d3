#include "workers/provider/lag.h"

uint64_t lag_take(struct lag *lag, uint64_t boot, uint64_t stamp_ms, uint64_t now_ms) {
    if (boot != lag->boot)
        *lag = (struct lag){.boot = boot};
    int64_t difference_ms = (int64_t)(now_ms - stamp_ms);
    uint64_t number = now_ms / LAG_SPAN_MS;
    uint64_t place = number % LAG_SPANS;
    if (!lag->spans[place].is_used || lag->spans[place].number != number ||
        difference_ms < lag->spans[place].least_ms) {
        lag->spans[place].number = number;
        lag->spans[place].least_ms = difference_ms;
        lag->spans[place].is_used = true;
    }
    int64_t least_ms = difference_ms;
    for (int i = 0; i < LAG_SPANS; i++)
        if (lag->spans[i].is_used && number - lag->spans[i].number < LAG_SPANS &&
            lag->spans[i].least_ms < least_ms)
            least_ms = lag->spans[i].least_ms;
    return (uint64_t)(difference_ms - least_ms);
}
