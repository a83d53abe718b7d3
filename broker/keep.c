#include "broker/keep.h"

#include "common/mem.h"

struct kept {
    struct kept *next;
    uint32_t number;
    size_t size, more;
    uint8_t at[];
};

enum { BUCKETS = 4096 };

void keep_init(struct keep *keep) {
    *keep =
        (struct keep){.buckets = mem_array(BUCKETS, sizeof(struct kept *)), .mask = BUCKETS - 1};
}

void keep_release(struct keep *keep) {
    for (uint32_t i = 0; keep->buckets && i <= keep->mask; i++)
        while (keep->buckets[i])
            keep_drop(keep, keep->buckets[i]->number);
    mem_free(keep->buckets);
    *keep = (struct keep){0};
}

void keep_put(struct keep *keep, uint32_t number, struct bytes bytes, struct bytes more) {
    keep_drop(keep, number);
    struct kept **bucket = &keep->buckets[number & keep->mask];
    struct kept *kept = mem_new(sizeof(*kept) + bytes.size + more.size);
    kept->next = *bucket;
    kept->number = number;
    kept->size = bytes.size;
    kept->more = more.size;
    if (bytes.size > 0)
        memcpy(kept->at, bytes.at, bytes.size);
    if (more.size > 0)
        memcpy(kept->at + bytes.size, more.at, more.size);
    *bucket = kept;
    keep->count++;
    keep->bytes += bytes.size + more.size;
}

bool keep_get(const struct keep *keep, uint32_t number, struct bytes *bytes, struct bytes *more) {
    const struct kept *kept = keep->buckets[number & keep->mask];
    while (kept && kept->number != number)
        kept = kept->next;
    *bytes = bytes_of(kept ? kept->at : NULL, kept ? kept->size : 0);
    if (more)
        *more = bytes_of(kept ? kept->at + kept->size : NULL, kept ? kept->more : 0);
    return kept != NULL;
}

void keep_drop(struct keep *keep, uint32_t number) {
    struct kept **link = &keep->buckets[number & keep->mask];
    while (*link && (*link)->number != number)
        link = &(*link)->next;
    struct kept *kept = *link;
    if (!kept)
        return;
    *link = kept->next;
    keep->count--;
    keep->bytes -= kept->size + kept->more;
    mem_free(kept);
}
