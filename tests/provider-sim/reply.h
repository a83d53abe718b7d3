// What the simulated model says and what it costs in tokens; how it is said is each API's own.
#ifndef PROVIDER_SIM_REPLY_H
#define PROVIDER_SIM_REPLY_H

#include "tests/provider-sim/asked.h"
#include "tests/provider-sim/options.h"
#include "tests/provider-sim/tariff.h"

enum finish { FINISH_STOP, FINISH_LENGTH, FINISH_CALLS, FINISH_REFUSAL };

struct reply {
    const struct api *api;
    const struct asked *asked;
    const struct tariff *tariff; // NULL: no price
    struct span model;           // as served; the inside of a JSON string
    struct span id, request_id;
    struct span previous, conversation; // what it goes on from; may be empty
    int64_t unix_s;
    uint64_t salt;  // of all ids in it: the same reply is said the same way again
    uint64_t shape; // of what is drawn for its form, from the seed
    enum finish finish;
    int calls; // of tools, instead of a text
    bool is_flex, is_us;
    struct tokens tokens;
    int64_t pusd;
    struct span thought; // what may be shown of the reasoning; empty: nothing
    struct text said;    // kept from reply to reply for its memory
};

// What a directive asks for beside the drawn ones.
struct reply_wish {
    bool has_unknown_model;
    bool is_cut_short;
    bool is_refused;
    bool is_text;   // although there are tools
    bool is_double; // two tools are called
};

void reply_make(struct reply *reply, const struct api *api, const struct asked *asked,
                const struct options *options, struct reply_wish wish, struct dice *dice);
void reply_release(struct reply *reply);
// The name of the tool that is called.
struct span reply_tool(const struct reply *reply, int call);
// Takes a piece off the front, of a few bytes, not inside a character.
struct span reply_piece(struct span *rest, struct dice *dice);
// Appends an id: the prefix and so many letters and digits.
void reply_id(struct text *out, const char *prefix, uint32_t size, struct dice *dice);
// The same with hex digits.
void reply_hex_id(struct text *out, const char *prefix, uint32_t size, struct dice *dice);
void reply_uuid(struct text *out, struct dice *dice);

#endif
