// Small numbers for texts that come again and again: a cache from keys to row numbers, bounded,
// and forgotten as a whole when it is full or when a savepoint was undone.
#ifndef ACCOUNTANT_KEYMAP_H
#define ACCOUNTANT_KEYMAP_H

#include "common/bytes.h"

enum { KEYMAP_ENTRIES_MAX = 1 << 16 };

struct keymap_slot {
    uint8_t *key; // owned; NULL: free
    uint32_t size;
    uint32_t hash;
    int64_t value;
};

struct keymap {
    struct keymap_slot *slots;
    size_t capacity; // a power of two; 0: empty
    size_t count;
};

// Accepts a zeroed keymap; it is empty and usable afterwards.
void keymap_release(struct keymap *map);
// False if the key is not there.
bool keymap_get(const struct keymap *map, struct bytes key, int64_t *value);
// The key must not be there yet; it is copied.
void keymap_put(struct keymap *map, struct bytes key, int64_t value);

#endif
