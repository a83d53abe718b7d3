// What a request asks for, read from its bytes by the simulator's own JSON reader.
#ifndef PROVIDER_SIM_ASKED_H
#define PROVIDER_SIM_ASKED_H

#include "tests/provider-sim/api.h"
#include "tests/provider-sim/text.h"

enum { TURN_HASH_SIZE = 6 }; // bytes; 12 hex digits in an answer

struct asked {
    // What is wrong with the request; NULL: nothing. All is static text.
    const char *wrong;
    const char *param;
    const char *code;

    struct span model;
    uint64_t messages;
    uint64_t user_turns;
    uint64_t text_bytes;  // of all messages, as decoded
    uint64_t tools_bytes; // the "tools" value as it was sent
    bool has_tools;       // at least one, and they may be called
    bool last_is_tool;    // the last message is a tool's result
    struct span tool;     // the first tool's name, raw
    int64_t tokens_max;   // 0: not limited
    int64_t choices;
    bool wants_stream;
    bool wants_flex;
    bool wants_thinking;            // hidden reasoning: only the Messages API is asked for it
    bool wants_us;                  // an answer made in the United States
    bool wants_cache;               // something in it is to be kept in the cache
    bool wants_hour;                // for an hour
    bool wants_search;              // a tool that searches the web
    struct span last_user;          // its text, decoded; in `scratch`
    uint8_t said[TURN_HASH_SIZE];   // of the last user message's text
    uint8_t before[TURN_HASH_SIZE]; // of all messages before it
};

// Reads the body. The spans point into the body and into scratch, which it overwrites.
void asked_read(enum api api, struct span body, struct text *scratch, struct asked *asked);

#endif
