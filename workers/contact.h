// What a process says of its broker, in people's words and once a transition: connected, refused
// and why, or nobody there. No I/O and no clock: facts and time come in, a text goes out.
#ifndef WORKERS_CONTACT_H
#define WORKERS_CONTACT_H

#include "common/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONTACT_LOOK_MS = 1000,   // without an answer for this long, look why there is none
    CONTACT_NOBODY_MS = 2500, // and say so now: within 3 s, whatever was found
    CONTACT_TEXT_SIZE = 1024,
};

enum contact_state {
    CONTACT_none, // too early to tell
    CONTACT_joined,
    CONTACT_refused,
    CONTACT_nobody,
};

struct contact {
    enum contact_state state; // as it was told last
    uint64_t boot;            // of the broker that was told; 0: none yet
    uint64_t alone_ms;        // since when nobody has answered
    bool is_alone;
    char refusal[REASON_BYTES_MAX + 1]; // the code that was told
};

struct contact_facts {
    bool is_joined;
    const char *refusal; // code of an unwelcome; NULL: none since the last welcome
    const char *detail;  // what came with it; may be empty
    const char *endpoint;
    const char *name;
    uint64_t slots;    // 0: not said
    uint64_t boot;     // of the broker
    const char *found; // why nobody answers, as a try of our own found it; NULL: not known
};

// Whether nobody has answered for so long that it should be looked why.
bool contact_wants_look(const struct contact *contact, uint64_t now_ms);
// Takes in how it stands. True: contact->state is new, and the text says so.
bool contact_step(struct contact *contact, const struct contact_facts *facts, uint64_t now_ms,
                  char text[CONTACT_TEXT_SIZE]);

#endif
