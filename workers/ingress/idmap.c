#include "workers/ingress/idmap.h"

#include "common/mem.h"

#include <assert.h>

struct idmap_slot {
    struct id id; // none: the slot is free
    uint32_t number;
};

enum { CAPACITY_FIRST = 64 };

void idmap_init(struct idmap *map, size_t count_max) {
    *map = (struct idmap){.count_max = count_max};
}

void idmap_release(struct idmap *map) {
    mem_free(map->slots);
    *map = (struct idmap){.count_max = map->count_max};
}

// The slot of id, or the free one where it would go.
static struct idmap_slot *find(const struct idmap *map, struct id id) {
    size_t i = (size_t)bytes_u64(id.at) & (map->capacity - 1);
    while (!id_is_none(map->slots[i].id) && !id_equal(map->slots[i].id, id))
        i = (i + 1) & (map->capacity - 1);
    return &map->slots[i];
}

static void grow(struct idmap *map) {
    struct idmap old = *map;
    map->capacity = old.capacity ? old.capacity * 2 : CAPACITY_FIRST;
    map->slots = mem_array(map->capacity, sizeof(*map->slots));
    for (size_t i = 0; i < old.capacity; i++)
        if (!id_is_none(old.slots[i].id))
            *find(map, old.slots[i].id) = old.slots[i];
    mem_free(old.slots);
}

enum err idmap_get(const struct idmap *map, struct id id, uint32_t *number) {
    if (map->count == 0)
        return ERR_NOT_FOUND;
    const struct idmap_slot *slot = find(map, id);
    if (id_is_none(slot->id))
        return ERR_NOT_FOUND;
    *number = slot->number;
    return ERR_OK;
}

bool idmap_is_full(const struct idmap *map) {
    return map->count == map->count_max;
}

enum err idmap_put(struct idmap *map, struct id id, uint32_t number) {
    assert(!id_is_none(id));
    if ((map->count + 1) * 4 > map->capacity * 3)
        grow(map);
    struct idmap_slot *slot = find(map, id);
    if (!id_is_none(slot->id))
        return ERR_EXISTS;
    if (idmap_is_full(map))
        return ERR_FULL;
    *slot = (struct idmap_slot){.id = id, .number = number};
    map->count++;
    return ERR_OK;
}
