#include "workers/accountant/sums.h"

#include "common/mem.h"
#include "common/money.h"

#include <stdio.h>

enum { SLOTS_MIN = 64 };

#define X(name, sql) #name,
const char *const sum_names[SUMS] = {SUM_MAP(X)};
#undef X
#define X(name, sql) sql,
const char *const sum_sqls[SUMS] = {SUM_MAP(X)};
#undef X

const char *sums_columns(void) {
#define X(name, sql) "," #name
    return (SUM_MAP(X)) + 1;
#undef X
}

const char *sums_totals(void) {
#define X(name, sql) ",sum(" #name ")"
    return (SUM_MAP(X)) + 1;
#undef X
}

void sums_read(sqlite3_stmt *row, int column, struct sums *sums) {
    for (int i = 0; i < SUMS; i++)
        sums->at[i] = db_i64(row, column + i);
}

bool sums_have_amount(const struct sums *sums) {
    return sums->at[SUM_priced] > 0 || sums->at[SUM_calls] == 0;
}

bool sums_have_possible(const struct sums *sums) {
    return sums->at[SUM_possibly_billed] > sums->at[SUM_possibly_unpriced] ||
           sums->at[SUM_possibly_billed] == 0;
}

enum err sums_add(struct sums *sums, const struct sums *more, int sign) {
    enum err e = ERR_OK;
    for (int i = 0; i < SUMS && e == ERR_OK; i++)
        e = money_add(&sums->at[i], sign * more->at[i]);
    return e;
}

// ---- tables of one transaction ------------------------------------------------------------------

static size_t place(const struct sum_table *table, const int64_t key[4]) {
    uint64_t hash = 0;
    for (int i = 0; i < 4; i++)
        hash = (hash ^ (uint64_t)key[i]) * 0x9e3779b97f4a7c15ull;
    size_t at = (hash ^ hash >> 29) & (table->capacity - 1);
    while (table->slots[at].key[0] != 0 && memcmp(table->slots[at].key, key, 4 * sizeof(*key)) != 0)
        at = (at + 1) & (table->capacity - 1);
    return at;
}

static void grow(struct sum_table *table) {
    struct sum_table old = *table;
    table->capacity = old.capacity ? old.capacity * 2 : SLOTS_MIN;
    table->slots = mem_array(table->capacity, sizeof(*table->slots));
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slots[i].key[0] != 0)
            table->slots[place(table, old.slots[i].key)] = old.slots[i];
    mem_free(old.slots);
}

static enum err add(struct sum_table *table, const int64_t key[4], const struct sums *sums,
                    int sign) {
    if (table->count >= table->capacity / 2)
        grow(table);
    struct sum_slot *slot = &table->slots[place(table, key)];
    if (slot->key[0] == 0) {
        memset(slot, 0, sizeof(*slot));
        memcpy(slot->key, key, sizeof(slot->key));
        table->count++;
    }
    return sums_add(&slot->sums, sums, sign);
}

static void forget(struct sum_table *table) {
    for (size_t i = 0; table->count > 0 && i < table->capacity; i++)
        table->slots[i].key[0] = 0;
    table->count = 0;
}

static enum err flush(struct sum_table *table, sqlite3_stmt *put, int keys, int values) {
    enum err e = ERR_OK;
    for (size_t i = 0; table->count > 0 && e == ERR_OK && i < table->capacity; i++) {
        const struct sum_slot *slot = &table->slots[i];
        if (slot->key[0] == 0)
            continue;
        for (int k = 0; k < keys; k++)
            db_bind_i64(put, 1 + k, slot->key[k]);
        for (int k = 0; k < values; k++)
            db_bind_i64(put, 1 + keys + k, slot->sums.at[k]);
        e = db_run(put);
    }
    forget(table);
    // A sum beyond 64 bits would become a float, which STRICT refuses.
    return e == ERR_EXISTS ? ERR_OVERFLOW : e;
}

// ---- the roll-ups -------------------------------------------------------------------------------

static enum err prepare_put(struct db *db, const char *table, const char *keys, int key_count,
                            sqlite3_stmt **put) {
    char sql[4096];
    int at =
        snprintf(sql, sizeof(sql), "INSERT INTO %s (%s,%s) VALUES (?", table, keys, sums_columns());
    for (int i = 1; i < key_count + SUMS; i++)
        at += snprintf(sql + at, sizeof(sql) - (size_t)at, ",?");
    at += snprintf(sql + at, sizeof(sql) - (size_t)at, ") ON CONFLICT DO UPDATE SET ");
    for (int i = 0; i < SUMS; i++)
        at += snprintf(sql + at, sizeof(sql) - (size_t)at, "%s%s=%s+excluded.%s", i ? "," : "",
                       sum_names[i], sum_names[i], sum_names[i]);
    return db_prepare(db, sql, put);
}

static enum err prepare_counts(struct db *db, sqlite3_stmt **put) {
    static const char *const names[BATCH_COUNTS] = {
#define X(name) #name,
        BATCH_COUNT_MAP(X)
#undef X
    };
    char sql[1024] = "UPDATE batch SET ";
    size_t at = strlen(sql);
    for (int i = 0; i < BATCH_COUNTS; i++)
        at += (size_t)snprintf(sql + at, sizeof(sql) - at, "%s%s=%s+?%d", i ? "," : "", names[i],
                               names[i], i + 2);
    (void)snprintf(sql + at, sizeof(sql) - at, " WHERE batch=?1");
    return db_prepare(db, sql, put);
}

_Static_assert((int)BATCH_COUNTS <= (int)SUMS, "a batch's counters fit where sums stand");

enum err rollups_open(struct rollups *rollups, struct db *db) {
    *rollups = (struct rollups){.put_model = NULL};
    enum err e =
        prepare_put(db, "sum_by_model", "batch,day,platform,model", 4, &rollups->put_model);
    if (e == ERR_OK)
        e = prepare_put(db, "sum_by_tag", "tag,batch", 2, &rollups->put_tag);
    if (e == ERR_OK)
        e = prepare_put(db, "sum_by_conversation", "conversation", 1, &rollups->put_conversation);
    if (e == ERR_OK)
        e = prepare_counts(db, &rollups->put_batch);
    return e;
}

void rollups_close(struct rollups *rollups) {
    (void)sqlite3_finalize(rollups->put_model);
    (void)sqlite3_finalize(rollups->put_tag);
    (void)sqlite3_finalize(rollups->put_conversation);
    (void)sqlite3_finalize(rollups->put_batch);
    mem_free(rollups->by_model.slots);
    mem_free(rollups->by_tag.slots);
    mem_free(rollups->by_conversation.slots);
    mem_free(rollups->by_batch.slots);
    *rollups = (struct rollups){.put_model = NULL};
}

void rollups_add(struct rollups *rollups, const struct sum_key *key, const struct sums *sums,
                 int sign) {
    const int64_t by_model[4] = {key->batch, key->day, key->platform, key->model};
    const int64_t by_conversation[4] = {key->conversation};
    if (add(&rollups->by_model, by_model, sums, sign) != ERR_OK)
        rollups->has_overflown = true;
    if (key->conversation != 0 &&
        add(&rollups->by_conversation, by_conversation, sums, sign) != ERR_OK)
        rollups->has_overflown = true;
}

void rollups_add_tag(struct rollups *rollups, int64_t tag, int64_t batch, const struct sums *sums,
                     int sign) {
    const int64_t key[4] = {tag, batch};
    if (add(&rollups->by_tag, key, sums, sign) != ERR_OK)
        rollups->has_overflown = true;
}

void rollups_count(struct rollups *rollups, int64_t batch, enum batch_count count, int by) {
    const int64_t key[4] = {batch};
    struct sums sums = {.at = {0}};
    sums.at[count] = by;
    (void)add(&rollups->by_batch, key, &sums, 1);
}

enum err rollups_flush(struct rollups *rollups) {
    enum err e = rollups->has_overflown ? ERR_OVERFLOW : ERR_OK;
    if (e == ERR_OK)
        e = flush(&rollups->by_model, rollups->put_model, 4, SUMS);
    if (e == ERR_OK)
        e = flush(&rollups->by_tag, rollups->put_tag, 2, SUMS);
    if (e == ERR_OK)
        e = flush(&rollups->by_conversation, rollups->put_conversation, 1, SUMS);
    if (e == ERR_OK)
        e = flush(&rollups->by_batch, rollups->put_batch, 1, BATCH_COUNTS);
    return e;
}

void rollups_forget(struct rollups *rollups) {
    forget(&rollups->by_model);
    forget(&rollups->by_tag);
    forget(&rollups->by_conversation);
    forget(&rollups->by_batch);
    rollups->has_overflown = false;
}
