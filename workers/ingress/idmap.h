// A bounded set of 128-bit fingerprints with a number each; open addressing, grown by doubling.
// The fingerprints must be spread evenly (parts of SHA-256). Pure.
#ifndef WORKERS_INGRESS_IDMAP_H
#define WORKERS_INGRESS_IDMAP_H

#include "common/bytes.h"
#include "common/err.h"

struct idmap {
    struct idmap_slot *slots; // capacity is a power of two, at most 3/4 are taken
    size_t capacity;
    size_t count;
    size_t count_max;
};

void idmap_init(struct idmap *map, size_t count_max);
// Accepts a zeroed map.
void idmap_release(struct idmap *map);
// ERR_NOT_FOUND, or ERR_OK and *number.
enum err idmap_get(const struct idmap *map, struct id id, uint32_t *number);
// Whether nothing new can be put.
bool idmap_is_full(const struct idmap *map);
// ERR_EXISTS: it is there, and keeps its number. ERR_FULL: count_max are.
enum err idmap_put(struct idmap *map, struct id id, uint32_t number);

#endif
