// Bytes kept in memory by a number: prepared contexts by job, facts by record, texts by batch.
#ifndef BROKER_KEEP_H
#define BROKER_KEEP_H

#include "common/bytes.h"

struct kept;
struct keep {
    struct kept **buckets;
    uint32_t mask;
    uint32_t count;
    uint64_t bytes; // all that is kept
};

void keep_init(struct keep *keep);
void keep_release(struct keep *keep);
// Copies; replaces what was kept under the number.
void keep_put(struct keep *keep, uint32_t number, struct bytes bytes, struct bytes more);
// False: nothing is kept. The views (of the two parts) live until the number is dropped.
bool keep_get(const struct keep *keep, uint32_t number, struct bytes *bytes, struct bytes *more);
void keep_drop(struct keep *keep, uint32_t number);

#endif
