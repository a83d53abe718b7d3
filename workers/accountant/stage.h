// What a record changes beyond its own rows (sums, counters, values to be found), kept until the
// savepoint that it was applied under is released. Undoing a savepoint forgets it.
#ifndef ACCOUNTANT_STAGE_H
#define ACCOUNTANT_STAGE_H

#include "workers/accountant/findex.h"
#include "workers/accountant/sums.h"

struct stage_call {
    struct sum_key key;
    struct sums sums;
    int sign;
    size_t first_tag, tag_count; // in stage->tags
};

struct stage_count {
    int64_t batch;
    enum batch_count count;
    int by;
};

struct stage {
    struct stage_call *calls;
    size_t call_count, call_room;
    struct stage_count *counts;
    size_t count_count, count_room;
    struct findex_entry *values;
    size_t value_count, value_room;
    int64_t *tags;
    size_t tag_count, tag_room;
};

void stage_release(struct stage *stage);
void stage_forget(struct stage *stage);
// A zeroed entry to be filled in.
struct stage_call *stage_call(struct stage *stage);
void stage_count(struct stage *stage, int64_t batch, enum batch_count count, int by);
// A tag of the call staged last.
void stage_tag(struct stage *stage, int64_t tag);
void stage_value(struct stage *stage, struct bytes value, int64_t target);

#endif
