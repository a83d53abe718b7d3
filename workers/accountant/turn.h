// What a turn's line says to the model, as neutral messages: its `input`, or the `messages` with
// which a conversation brings what was said before it began. Results of tools that stand there as
// messages of a role of their own become parts of what the user says. Pure.
#ifndef ACCOUNTANT_TURN_H
#define ACCOUNTANT_TURN_H

#include "common/buf.h"
#include "common/json.h"

struct turn_says {
    const struct json_scan *scan; // of the line
    uint32_t input;               // node; 0: the line has messages
    uint32_t messages, at;
};

// Indexes the line by the scan, which must live as long. False: it says nothing.
bool turn_says_open(struct turn_says *says, struct bytes line, struct json_scan *scan);
// Appends the next message to out. False: there is no more.
bool turn_says_next(struct turn_says *says, struct buf *out, bool *is_assistant);

#endif
