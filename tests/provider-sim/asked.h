// What a request asks for, read from its body.
#ifndef PROVIDER_SIM_ASKED_H
#define PROVIDER_SIM_ASKED_H

#include "tests/provider-sim/api.h"

enum {
    TURN_HASH_SIZE = 6, // bytes; 12 hex digits in an answer
    TOOLS_CALLED_MAX = 2,
};

// What was said up to some point: for each message its role, NUL, its text, NUL.
struct transcript {
    struct span text;
    uint64_t messages;
    uint64_t user_turns;
    uint64_t text_bytes; // of all messages, as decoded
    bool has_user;
    size_t last_user_at; // where its role begins
    size_t last_text_at; // where its text begins
    size_t last_text_size;
};

struct asked {
    // What is wrong with the request; NULL: nothing. All is static text.
    const char *wrong;
    const char *param;
    const char *code;

    struct span model;
    uint64_t messages;
    uint64_t user_turns;
    uint64_t text_bytes;  // of all messages, as decoded, and of the system's text as it was sent
    uint64_t tools_bytes; // the "tools" value as it was sent
    bool has_tools;       // at least one, and they may be called
    bool last_is_tool;    // the last message is a tool's result
    struct span tool;     // the first tool's name, raw
    struct span tool_2;   // the second one's; empty: there is none
    int64_t tokens_max;   // 0: not limited
    int64_t choices;
    bool wants_stream;
    bool wants_usage; // in the stream
    bool wants_flex;
    bool wants_thinking; // hidden reasoning
    bool wants_summary;  // and to be told about it
    bool wants_us;       // an answer made in the United States
    bool wants_cache;    // something in it is to be kept in the cache
    bool wants_hour;     // for an hour
    bool wants_search;   // a tool that searches the web
    bool wants_json;
    bool is_stored;                 // the answer is kept, to go on from
    struct span properties;         // of the schema, raw; empty: none is given
    struct span last_user;          // its text, decoded; in `scratch`
    uint8_t said[TURN_HASH_SIZE];   // of the last user message's text
    uint8_t before[TURN_HASH_SIZE]; // of all messages before it
    // As they stand; empty: there are none.
    struct span system, tools, turns; // the last one: the messages
    struct span keep;                 // what says that all of it is to be kept in the cache
    bool is_cache_off;
    int64_t prefix_tokens; // of the input, what the client has had cached and names; 0: nothing
    struct transcript transcript; // in `scratch`
};

// What a request goes on from; empty spans: nothing.
struct asked_state {
    struct span previous;
    struct span conversation;
    struct span prefix;
};

// What stands before a request.
struct before {
    const struct transcript *transcript; // NULL: nothing was said
    struct span prefix;                  // a request that was cached, as it stands; empty: none
};

struct asked_state asked_state(struct span body);
// Appends the body as it would be if no stream were asked for, without white space between the
// members: so a request meets the same dice either way.
void asked_unstreamed(struct span body, struct text *out);
// Reads the body. The spans point into the body, the route, the prefix and scratch, which it
// overwrites. What was said before, if anything, stands before the messages of the body.
void asked_read(const struct route *route, struct span body, struct before before,
                struct text *scratch, struct asked *asked);
// What a prompt comes to, or a beginning of it.
int64_t prompt_tokens(uint64_t messages, uint64_t text_bytes, uint64_t tools_bytes);
// Notes the tools of a list, as it stands.
void asked_tools(struct asked *asked, enum dialect dialect, struct span tools);
// Appends a message to a transcript that stands in scratch.
void transcript_add(struct transcript *transcript, struct text *scratch, const char *role,
                    struct span said);

#endif
