// The command line of the simulator.
#ifndef PROVIDER_SIM_OPTIONS_H
#define PROVIDER_SIM_OPTIONS_H

#include "tests/provider-sim/fault.h"
#include "tests/provider-sim/limits.h"

struct options {
    const char *address; // to listen at, numeric
    uint16_t port;       // 0: any
    const char *port_file;
    uint64_t seed;
    const char *bill_file;
    const char *keys[KEYS_MAX];
    size_t keys_count;
    const char *key_file;
    const char *quota_file;
    uint32_t latency_mean_ms;
    uint32_t retry_ms; // what a 429 asks to wait at most
    uint32_t rates[GROUPS];
    uint32_t unknown_model_rate;
    uint32_t length_rate;
    uint32_t chunked_rate;
    bool has_reasoning;
    bool has_cache;
    uint32_t cache_from_tokens;
    bool has_prefix_cache;      // what was said before is read from the cache, and nothing is drawn
    int64_t prefix_from_tokens; // 0: as each API has it
    uint32_t prefix_ms;         // how long a prefix is kept; 0: as each API has it
    uint32_t state_ms;          // how long answers are kept to go on from; 0: for good
    size_t state_bytes;         // of all that is kept by id
    uint32_t pace_ms;           // between the pieces of a stream
    uint32_t piece_bytes;       // of each piece; 0: all at once
    uint32_t comment_rate;
    uint32_t crlf_rate;
};

// Ends the process on --help (0) and on mistakes (EX_USAGE), with a message.
void options_read(struct options *options, int argc, char **argv);

#endif
