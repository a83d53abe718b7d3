#include "workers/accountant/stage.h"

#include "common/mem.h"

// Room for one more member of that size.
static void *room(void *at, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity)
        return at;
    *capacity = *capacity ? *capacity * 2 : 64;
    return mem_grow(at, *capacity * size);
}

void stage_release(struct stage *stage) {
    mem_free(stage->calls);
    mem_free(stage->counts);
    mem_free(stage->values);
    mem_free(stage->tags);
    *stage = (struct stage){.calls = NULL};
}

void stage_forget(struct stage *stage) {
    stage->call_count = 0;
    stage->count_count = 0;
    stage->value_count = 0;
    stage->tag_count = 0;
}

struct stage_call *stage_call(struct stage *stage) {
    stage->calls = room(stage->calls, stage->call_count, &stage->call_room, sizeof(*stage->calls));
    struct stage_call *call = &stage->calls[stage->call_count++];
    memset(call, 0, sizeof(*call));
    call->first_tag = stage->tag_count;
    return call;
}

void stage_tag(struct stage *stage, int64_t tag) {
    stage->tags = room(stage->tags, stage->tag_count, &stage->tag_room, sizeof(*stage->tags));
    stage->tags[stage->tag_count++] = tag;
    stage->calls[stage->call_count - 1].tag_count++;
}

void stage_count(struct stage *stage, int64_t batch, enum batch_count count, int by) {
    stage->counts =
        room(stage->counts, stage->count_count, &stage->count_room, sizeof(*stage->counts));
    stage->counts[stage->count_count++] =
        (struct stage_count){.batch = batch, .count = count, .by = by};
}

void stage_value(struct stage *stage, struct bytes value, int64_t target) {
    stage->values =
        room(stage->values, stage->value_count, &stage->value_room, sizeof(*stage->values));
    stage->values[stage->value_count++] =
        (struct findex_entry){.hash = findex_hash(value), .target = target};
}
