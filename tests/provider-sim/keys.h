// Which API keys are good, and whether the quota is exhausted; both can be switched from outside
// while the simulator runs.
#ifndef PROVIDER_SIM_KEYS_H
#define PROVIDER_SIM_KEYS_H

#include "tests/provider-sim/moment.h"
#include "tests/provider-sim/options.h"

struct keys {
    const struct options *options;
    struct text file;   // the key file's content
    int64_t changed_ns; // its times and size when it was read
    int64_t size;
    uint64_t inode;
    bool is_settled; // it was old enough when it was read that no change can hide
    bool is_quota_exhausted;
};

void keys_init(struct keys *keys, const struct options *options);
void keys_release(struct keys *keys);
// Looks at the files. Called before each round, so that a change holds for every later request.
void keys_refresh(struct keys *keys, struct moment now);
// The key in an Authorization header's value; an empty one if there is none.
struct span keys_bearer(struct span authorization);
bool keys_accept(const struct keys *keys, struct span key);

#endif
