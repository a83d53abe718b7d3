// What a message asks the simulator for: @sim:NAME, or @sim:NAME*N for the first N times.
#ifndef PROVIDER_SIM_DIRECTIVE_H
#define PROVIDER_SIM_DIRECTIVE_H

#include "tests/provider-sim/reply.h"

struct directive {
    enum fault fault;
    bool has_fault, has_delay, has_pace;
    uint32_t delay_ms;
    uint32_t pace_ms;
    uint32_t body_bytes, head_bytes; // 0: as they come
    struct reply_wish wish;
};

struct directive directive_in(struct span said, uint32_t occurrence);
// Makes the body as long as it is asked for, by a member that nobody reads.
void pad_body(struct text *body, uint32_t size);
// Adds header lines of so many bytes in all.
void pad_head(struct text *headers, uint32_t size);

#endif
