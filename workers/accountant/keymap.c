#include "workers/accountant/keymap.h"

#include "common/mem.h"

static uint32_t hash_of(struct bytes key) {
    uint32_t hash = 0x811c9dc5u;
    for (size_t i = 0; i < key.size; i++)
        hash = (hash ^ key.at[i]) * 0x01000193u;
    return hash ^ hash >> 15;
}

void keymap_release(struct keymap *map) {
    for (size_t i = 0; i < map->capacity; i++)
        mem_free(map->slots[i].key);
    mem_free(map->slots);
    *map = (struct keymap){.capacity = 0};
}

// The slot of the key, or the free one where it would stand.
static struct keymap_slot *find(const struct keymap *map, struct bytes key, uint32_t hash) {
    size_t at = hash & (map->capacity - 1);
    for (;; at = (at + 1) & (map->capacity - 1)) {
        struct keymap_slot *slot = &map->slots[at];
        if (!slot->key || (slot->hash == hash && bytes_equal(bytes_of(slot->key, slot->size), key)))
            return slot;
    }
}

bool keymap_get(const struct keymap *map, struct bytes key, int64_t *value) {
    if (map->capacity == 0)
        return false;
    const struct keymap_slot *slot = find(map, key, hash_of(key));
    *value = slot->value;
    return slot->key != NULL;
}

static void grow(struct keymap *map) {
    struct keymap old = *map;
    map->capacity = old.capacity ? old.capacity * 2 : 64;
    map->slots = mem_array(map->capacity, sizeof(*map->slots));
    for (size_t i = 0; i < old.capacity; i++) {
        struct keymap_slot *slot = &old.slots[i];
        if (slot->key)
            *find(map, bytes_of(slot->key, slot->size), slot->hash) = *slot;
    }
    mem_free(old.slots);
}

void keymap_put(struct keymap *map, struct bytes key, int64_t value) {
    if (map->count >= KEYMAP_ENTRIES_MAX)
        keymap_release(map);
    if (map->count >= map->capacity / 2)
        grow(map);
    uint32_t hash = hash_of(key);
    struct keymap_slot *slot = find(map, key, hash);
    *slot = (struct keymap_slot){
        .key = (uint8_t *)mem_copy(key.size ? (const void *)key.at : "", key.size),
        .size = (uint32_t)key.size,
        .hash = hash,
        .value = value,
    };
    map->count++;
}
