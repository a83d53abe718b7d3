// Roll-ups: what calls add up to by (batch, day, platform, model), by tag and by conversation.
// A transaction's calls are summed in memory and written once for each key that was touched, in
// that transaction; reports add up few rows instead of many calls.
#ifndef ACCOUNTANT_SUMS_H
#define ACCOUNTANT_SUMS_H

#include "common/db.h"
#include "workers/accountant/apply.h"

// X(column, what a call adds to it: SQL over the columns of `call`, for the recount).
#define SUM_MAP(X)                                                       \
    X(calls, "1")                                                        \
    X(answers, "role='answer'")                                          \
    X(superfluous, "role='superfluous'")                                 \
    X(failed, "state='failed' OR (state='answered' AND status>=300)")    \
    X(not_started, "state='not_started'")                                \
    X(unknown, "state='unknown'")                                        \
    X(unextracted, "state='unextracted'")                                \
    X(priced, "amount_pusd IS NOT NULL")                                 \
    X(unpriced, "cost_state='unpriced'")                                 \
    X(inconsistent, "is_inconsistent")                                   \
    X(possibly_billed, "is_possibly_billed")                             \
    X(possibly_unpriced, "is_possibly_billed AND possibly_pusd IS NULL") \
    X(amount_pusd, "coalesce(amount_pusd,0)")                            \
    X(possibly_pusd, "coalesce(possibly_pusd,0)")                        \
    X(in_uncached, "coalesce(in_uncached,0)")                            \
    X(in_cached, "coalesce(in_cached,0)")                                \
    X(in_cache_write, "coalesce(in_cache_write,0)")                      \
    X(in_audio, "coalesce(in_audio,0)")                                  \
    X(out_visible, "coalesce(out_visible,0)")                            \
    X(out_reasoning, "coalesce(out_reasoning,0)")                        \
    X(out_audio, "coalesce(out_audio,0)")                                \
    X(in_cache_write_1h, "coalesce(in_cache_write_1h,0)")                \
    X(web_searches, "coalesce(web_searches,0)")                          \
    X(in_tool_use, "coalesce(in_tool_use,0)")                            \
    X(in_image, "coalesce(in_image,0)")                                  \
    X(out_image, "coalesce(out_image,0)")

// Counters of a batch's row.
#define BATCH_COUNT_MAP(X) \
    X(jobs)                \
    X(refused)             \
    X(cut) X(conversations) X(answered) X(dead) X(expired) X(cancelled) X(skipped) X(parked)
enum batch_count {
#define X(name) BATCH_##name,
    BATCH_COUNT_MAP(X)
#undef X
        BATCH_COUNTS
};

enum sum {
#define X(name, sql) SUM_##name,
    SUM_MAP(X)
#undef X
        SUMS
};

struct sums {
    int64_t at[SUMS];
};

// The columns' names, in order; and for the recount their SQL.
extern const char *const sum_names[SUMS];
extern const char *const sum_sqls[SUMS];
// Whether there is an amount: some call has one, or there was nothing to pay for. Likewise for
// what was possibly billed.
bool sums_have_amount(const struct sums *sums);
bool sums_have_possible(const struct sums *sums);
// "calls,answers,…" (static storage), and "sum(calls),sum(answers),…".
const char *sums_columns(void);
const char *sums_totals(void);
// Reads SUMS columns from the given one on.
void sums_read(sqlite3_stmt *row, int column, struct sums *sums);
// ERR_OVERFLOW leaves an unusable sum. sign is 1 or -1.
enum err sums_add(struct sums *sums, const struct sums *more, int sign);

// Which rows a call's sums go to.
struct sum_key {
    int64_t batch, day, platform, model;
    int64_t conversation; // 0: a single call
};

// One kind of roll-up inside a transaction.
struct sum_slot {
    int64_t key[4]; // key[0] 0: free
    struct sums sums;
};
struct sum_table {
    struct sum_slot *slots;
    size_t capacity, count;
};

struct rollups {
    struct sum_table by_model, by_tag, by_conversation, by_batch;
    sqlite3_stmt *put_model, *put_tag, *put_conversation, *put_batch;
    bool has_overflown;
};

enum err rollups_open(struct rollups *rollups, struct db *db);
// Accepts a zeroed one.
void rollups_close(struct rollups *rollups);
void rollups_add(struct rollups *rollups, const struct sum_key *key, const struct sums *sums,
                 int sign);
void rollups_add_tag(struct rollups *rollups, int64_t tag, int64_t batch, const struct sums *sums,
                     int sign);
// Changes one of a batch's own counters (enum batch_count).
void rollups_count(struct rollups *rollups, int64_t batch, enum batch_count count, int by);
// Writes what was summed and forgets it. ERR_OVERFLOW: a sum is beyond 64 bits.
enum err rollups_flush(struct rollups *rollups);
void rollups_forget(struct rollups *rollups);

#endif
