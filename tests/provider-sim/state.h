// What the simulated providers keep by id: answers to go on from, and conversations. A conversation
// does not expire; an answer does, when a lifetime is set.
#ifndef PROVIDER_SIM_STATE_H
#define PROVIDER_SIM_STATE_H

#include "tests/provider-sim/asked.h"

struct kept {
    struct text id;
    enum vendor vendor;
    bool is_conversation;
    struct text said; // the transcript's text
    struct transcript transcript;
    struct text body; // the answer's, or the conversation's metadata
    int64_t created_s;
    uint64_t kept_ms;       // when
    uint64_t busy_until_ms; // an answer is being written to it
};

struct state {
    struct kept *kept; // a ring: the oldest is forgotten first
    uint32_t count, next;
    uint64_t lifetime_ms; // 0: no end
};

void state_release(struct state *state);
// NULL: there is none, or not any more.
struct kept *state_find(struct state *state, enum vendor vendor, struct span id, uint64_t now_ms);
// Makes an empty one.
struct kept *state_keep(struct state *state, enum vendor vendor, struct span id, uint64_t now_ms);
void state_forget(struct kept *kept);
// Takes over a copy of the transcript.
void kept_set(struct kept *kept, const struct transcript *transcript);

#endif
