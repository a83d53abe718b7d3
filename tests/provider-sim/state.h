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
    uint64_t kept_ms; // when
    uint32_t hash;
    uint32_t after;         // of the same hash; 0: none, else a place from 1
    uint64_t busy_until_ms; // an answer is being written to it
};

struct state {
    struct kept *kept; // a ring: the oldest is forgotten first, be it a conversation
    uint32_t *first;   // by hash; 0: none, else a place from 1
    uint32_t count, next;
    uint64_t lifetime_ms; // 0: no end
};

void state_release(struct state *state);
// NULL: there is none, or not any more.
struct kept *state_find(struct state *state, enum vendor vendor, struct span id, uint64_t now_ms);
// Makes an empty one. It may take the place of any other, so that pointers to those are over.
struct kept *state_keep(struct state *state, enum vendor vendor, struct span id, uint64_t now_ms);
void state_forget(struct state *state, struct kept *kept);
// Takes over a copy of the transcript.
void kept_set(struct kept *kept, const struct transcript *transcript);

#endif
