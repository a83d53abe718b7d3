// Finding what a value names. Values are hashed; the hashes of the newest some 10,000 calls stand
// in a table in memory, all older ones in the ledger's value_index, entered in sorted runs so
// that no row costs a write at a random place. Hits are candidates: who asks compares the value.
//
// The table is shared: the writer adds before it commits and clears after the commit that
// entered a run; a reader looks here first and takes its snapshot afterwards. So nothing that a
// snapshot shows is ever in neither place.
#ifndef ACCOUNTANT_FINDEX_H
#define ACCOUNTANT_FINDEX_H

#include "common/bytes.h"

#include <pthread.h>

enum target_kind { TARGET_call, TARGET_job, TARGET_conversation };

struct findex_entry {
    int64_t hash;
    int64_t target; // row * 4 + kind; never 0
};

struct findex {
    pthread_mutex_t mutex;
    struct findex_entry *slots; // open addressing, several entries of one hash allowed
    size_t capacity;            // a power of two
    size_t count;
};

void findex_init(struct findex *findex);
// Accepts a zeroed findex.
void findex_release(struct findex *findex);

int64_t findex_hash(struct bytes value);
static inline int64_t findex_target(int64_t row, enum target_kind kind) {
    return row * 4 + (int64_t)kind;
}

void findex_add(struct findex *findex, const struct findex_entry *entries, size_t count);
// Copies at most max targets of that hash; returns how many there are.
size_t findex_look(struct findex *findex, int64_t hash, int64_t *targets, size_t max);
// A sorted copy of all entries, the caller's (mem_free); *count says how many. For the writer.
struct findex_entry *findex_sorted(struct findex *findex, size_t *count);
void findex_clear(struct findex *findex);

#endif
