// What the simulated providers keep by id: answers to go on from, conversations, and prefixes that
// a client has had cached. A conversation does not expire; an answer does, when a lifetime is set.
// All of it together takes a bounded number of bytes: beyond it the oldest is forgotten first.
#ifndef PROVIDER_SIM_STATE_H
#define PROVIDER_SIM_STATE_H

#include "tests/provider-sim/asked.h"

struct kept {
    struct text id;
    enum vendor vendor;
    enum kept_kind kind;
    struct text said; // the transcript's text; the members of the request, of a prefix
    struct transcript transcript;
    struct text body; // what is read under the id, or the conversation's metadata
    int64_t created_s;
    uint64_t until_ms; // 0: no end
    size_t bytes;      // as it was weighed last
    uint32_t hash;
    uint32_t after;         // of the same hash; 0: none, else a place from 1
    uint64_t busy_until_ms; // an answer is being written to it
};

struct state {
    struct kept *kept;   // a ring: the oldest is forgotten first, be it a conversation
    uint32_t *first;     // by hash; 0: none, else a place from 1
    uint64_t made, gone; // what was ever kept, and how much of it left the ring
    size_t bytes, bytes_max;
};

void state_release(struct state *state);
// NULL: there is none, or not any more.
struct kept *state_find(struct state *state, enum vendor vendor, enum kept_kind kind,
                        struct span id, uint64_t now_ms);
// Makes an empty one. It may take the place of any other, so that pointers to those are over.
struct kept *state_keep(struct state *state, enum vendor vendor, enum kept_kind kind,
                        struct span id);
// To be called when what is kept has changed: forgets the oldest others, as far as there are too
// many bytes or their time is over.
void state_weigh(struct state *state, struct kept *kept, uint64_t now_ms);
void state_forget(struct state *state, struct kept *kept);
// Takes over a copy of the transcript.
void kept_set(struct kept *kept, const struct transcript *transcript);

#endif
