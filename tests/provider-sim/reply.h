// What the simulated model says, what it costs in tokens, and the JSON that says so.
#ifndef PROVIDER_SIM_REPLY_H
#define PROVIDER_SIM_REPLY_H

#include "tests/provider-sim/api.h"
#include "tests/provider-sim/asked.h"
#include "tests/provider-sim/dice.h"
#include "tests/provider-sim/options.h"
#include "tests/provider-sim/tariff.h"

struct reply {
    const struct asked *asked;
    const struct tariff *tariff; // NULL: no price
    struct span model;           // as served; the inside of a JSON string
    const char *finish;
    bool is_call; // a tool call instead of a text
    bool is_flex, is_us;
    struct tokens tokens;
    struct text said; // kept from reply to reply for its memory
};

// What a directive asks for beside the drawn ones.
struct reply_wish {
    bool has_unknown_model;
    bool is_cut_short;
};

void reply_make(struct reply *reply, const struct asked *asked, const struct options *options,
                struct reply_wish wish, struct dice *dice);
void reply_release(struct reply *reply);
// Appends the answer's body.
void reply_json(const struct reply *reply, struct span response_id, int64_t created_s,
                struct dice *dice, struct text *out);

#endif
