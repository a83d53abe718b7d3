#include "workers/accountant/findex.h"

#include "common/mem.h"

#include <stdlib.h>

enum { CAPACITY_MIN = 1 << 16 };

void findex_init(struct findex *findex) {
    *findex = (struct findex){.capacity = CAPACITY_MIN};
    (void)pthread_mutex_init(&findex->mutex, NULL);
    findex->slots = mem_array(findex->capacity, sizeof(*findex->slots));
}

void findex_release(struct findex *findex) {
    if (!findex->slots)
        return;
    mem_free(findex->slots);
    (void)pthread_mutex_destroy(&findex->mutex);
    *findex = (struct findex){.capacity = 0};
}

// FNV-1a with a final mix. Who chooses values to collide only makes their own search slow.
int64_t findex_hash(struct bytes value) {
    uint64_t hash = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < value.size; i++)
        hash = (hash ^ value.at[i]) * 0x100000001b3ull;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93ull;
    hash ^= hash >> 32;
    return (int64_t)hash;
}

static void put(struct findex_entry *slots, size_t capacity, struct findex_entry entry) {
    size_t at = (uint64_t)entry.hash & (capacity - 1);
    while (slots[at].target != 0)
        at = (at + 1) & (capacity - 1);
    slots[at] = entry;
}

static void grow(struct findex *findex) {
    size_t capacity = findex->capacity * 2;
    struct findex_entry *slots = mem_array(capacity, sizeof(*slots));
    for (size_t i = 0; i < findex->capacity; i++)
        if (findex->slots[i].target != 0)
            put(slots, capacity, findex->slots[i]);
    mem_free(findex->slots);
    findex->slots = slots;
    findex->capacity = capacity;
}

void findex_add(struct findex *findex, const struct findex_entry *entries, size_t count) {
    (void)pthread_mutex_lock(&findex->mutex);
    for (size_t i = 0; i < count; i++) {
        if (findex->count >= findex->capacity / 2)
            grow(findex);
        put(findex->slots, findex->capacity, entries[i]);
        findex->count++;
    }
    (void)pthread_mutex_unlock(&findex->mutex);
}

size_t findex_look(struct findex *findex, int64_t hash, int64_t *targets, size_t max) {
    size_t found = 0;
    (void)pthread_mutex_lock(&findex->mutex);
    size_t at = (uint64_t)hash & (findex->capacity - 1);
    for (; findex->slots[at].target != 0; at = (at + 1) & (findex->capacity - 1)) {
        if (findex->slots[at].hash != hash)
            continue;
        if (found < max)
            targets[found] = findex->slots[at].target;
        found++;
    }
    (void)pthread_mutex_unlock(&findex->mutex);
    return found;
}

static int compare(const void *left, const void *right) {
    const struct findex_entry *a = left, *b = right;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return (a->target > b->target) - (a->target < b->target);
}

struct findex_entry *findex_sorted(struct findex *findex, size_t *count) {
    struct findex_entry *entries = mem_array(findex->count + 1, sizeof(*entries));
    *count = 0;
    for (size_t i = 0; i < findex->capacity; i++)
        if (findex->slots[i].target != 0)
            entries[(*count)++] = findex->slots[i];
    qsort(entries, *count, sizeof(*entries), compare);
    return entries;
}

void findex_clear(struct findex *findex) {
    (void)pthread_mutex_lock(&findex->mutex);
    memset(findex->slots, 0, findex->capacity * sizeof(*findex->slots));
    findex->count = 0;
    (void)pthread_mutex_unlock(&findex->mutex);
}
