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
};

// Ends the process on --help (0) and on mistakes (EX_USAGE), with a message.
void options_read(struct options *options, int argc, char **argv);

#endif
