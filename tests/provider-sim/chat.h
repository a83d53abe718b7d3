// What the APIs in the manner of OpenAI's Chat Completions have in common. Each says in a struct
// chat what is its own.
#ifndef PROVIDER_SIM_CHAT_H
#define PROVIDER_SIM_CHAT_H

#include "tests/provider-sim/reply.h"

// Where a stream has its usage.
enum chat_usage {
    USAGE_IF_ASKED, // in a chunk without choices, if the request wants it
    USAGE_OWN,      // in a chunk without choices
    USAGE_LAST,     // in the chunk that has the finish reason
};

struct chat {
    const char *thought;     // the member that has the reasoning's text; NULL: it is hidden
    bool is_thought_part;    // it is a part of the content instead
    const char *empty;       // what content is when tools are called: null or ''
    const char *call_prefix; // of a tool call's id
    uint32_t call_size;
    const char *refused; // the finish reason of a refusal; "stop": it has a member of its own
    enum chat_usage usage_place;
    bool has_usage_null; // chunks that have no usage say so
    // Each appends members, with the comma before them. NULL: there are none.
    void (*more)(const struct reply *reply, struct text *out);         // of answers and chunks
    void (*body_more)(const struct reply *reply, struct text *out);    // of answers
    void (*choice_more)(const struct reply *reply, struct text *out);  // of each choice
    void (*message_more)(const struct reply *reply, struct text *out); // of each message
    void (*last_more)(const struct reply *reply, struct text *out);    // of the last chunk
    // Appends an object.
    void (*usage)(const struct reply *reply, struct text *out);
    // Appends events before all others.
    void (*before)(const struct reply *reply, struct stream *stream);
};

void chat_body(const struct reply *reply, const struct chat *chat, struct text *out);
void chat_stream(const struct reply *reply, const struct chat *chat, struct stream *stream);
// {"error":{"message","type","param","code"}}, as many have it; the status is OpenAI's.
int chat_error(const struct problem *problem, struct text *body);
void chat_stream_error(const struct reply *reply, const struct problem *problem,
                       struct stream *stream);
const char *chat_finish(const struct reply *reply, const struct chat *chat);
// The usage of OpenAI and others; more members may follow.
void chat_usage_open(const struct reply *reply, int64_t output, struct text *out);

#endif
