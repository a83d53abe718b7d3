// A prompt as a cache of its beginnings sees it: one piece after the other, the tools first, then
// the system's text, then the messages. In Anthropic's Messages each block is a piece, and the
// request says behind which of them the prompt is to be kept; elsewhere tools and system are the
// first piece and each message is one.
#ifndef PROVIDER_SIM_PREFIX_H
#define PROVIDER_SIM_PREFIX_H

#include "tests/provider-sim/asked.h"

enum keep { KEEP_NOT, KEEP_SHORT, KEEP_HOUR };

// The end of a piece.
struct mark {
    uint64_t hash;  // of all that stands before it
    int64_t tokens; // of the same
    enum keep keep; // what the request asks for here
};

// What a request of the Messages API asks to have kept.
struct keeps {
    int count;
    bool has_hour;
    bool is_disordered; // an hour behind a shorter time
};

struct keeps prefix_keeps(const struct asked *asked);
// Appends the marks of a prompt of so many tokens, in order, and returns how many they are. The
// scratch is overwritten.
size_t prefix_marks(const struct asked *asked, const struct api *api, int64_t input,
                    struct text *scratch, struct text *marks);

#endif
