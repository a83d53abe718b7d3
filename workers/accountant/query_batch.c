// batch.list, batch.show, batch.refused. Shapes: queries.h.
#include "workers/accountant/calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH_COLUMNS                                                                             \
    "batch, id, name, key, tags, state, revision, lines, jobs, refused, answered, cut, dead, "    \
    "parked, expired, cancelled, skipped, "                                                       \
    "jobs-answered-dead-parked-expired-cancelled-skipped, conversations, created_ms, settled_ms " \
    "FROM batch "

enum { FAILURES_SHOWN = 20 };

static int sum_batch(struct inquirer *inquirer, sqlite3_stmt *sums_row, int64_t batch,
                     struct sums *sums) {
    db_bind_i64(sums_row, 1, batch);
    enum err e = db_step(sums_row);
    if (e == ERR_OK) {
        sums_read(sums_row, 0, sums);
        db_reset(sums_row);
    }
    return inquirer_fail(inquirer, e);
}

static void put_batch(struct writer *writer, sqlite3_stmt *row, const struct sums *sums) {
    static const char *const counters[] = {"revision",      "lines",      "accepted",   "refused",
                                           "done",          "cut",        "failed",     "parked",
                                           "expired",       "cancelled",  "skipped",    "running",
                                           "conversations", "created_ms", "settled_ms", NULL};
    put_uuid_of(writer, "batch", row, 1);
    put_text_of(writer, "name", row, 2);
    put_text_of(writer, "key", row, 3);
    put_json_of(writer, "tags", row, 4);
    put_text_of(writer, "state", row, 5);
    (void)put_i64s_of(writer, counters, row, 6);
    put_sums(writer, sums);
}

static int prepare_sums(struct inquirer *inquirer, sqlite3_stmt **sums_row) {
    char sql[2048];
    (void)snprintf(sql, sizeof(sql), "SELECT %s FROM sum_by_model WHERE batch=?1", sums_totals());
    return inquirer_prepare(inquirer, sql, sums_row);
}

int query_batch_list(struct inquirer *inquirer, struct writer *writer) {
    sqlite3_stmt *row = NULL, *sums_row = NULL;
    struct page page;
    char next[32] = "";
    int exit = inquirer_prepare(inquirer,
                                "SELECT " BATCH_COLUMNS "WHERE batch<?1 ORDER BY batch DESC", &row);
    if (exit == 0)
        exit = prepare_sums(inquirer, &sums_row);
    const char *after = inquirer_text(inquirer, "after");
    page_open(&page, inquirer, writer, "batches");
    enum err e = ERR_OK;
    if (exit == 0)
        db_bind_i64(row, 1, after ? strtoll(after, NULL, 10) : INT64_MAX);
    while (exit == 0 && (e = db_step(row)) == ERR_OK) {
        struct sums sums = {.at = {0}};
        exit = sum_batch(inquirer, sums_row, db_i64(row, 0), &sums);
        put_batch(page_entry(&page), row, &sums);
        if (!page_take(&page))
            break;
        (void)snprintf(next, sizeof(next), "%" PRId64, db_i64(row, 0));
    }
    page_close(&page, next);
    (void)sqlite3_finalize(row);
    (void)sqlite3_finalize(sums_row);
    return exit != 0 ? exit : inquirer_fail(inquirer, e);
}

static int put_failures(struct inquirer *inquirer, struct writer *writer, int64_t batch) {
    sqlite3_stmt *row;
    int exit = inquirer_prepare(inquirer,
                                "SELECT j.outcome, " JOB_CODE ", min(j.reason), count(*) "
                                "FROM job j WHERE j.batch=?1 AND j.outcome IS NOT NULL AND "
                                "j.outcome<>'answered' GROUP BY 1, 2 ORDER BY 4 DESC LIMIT ?2",
                                &row);
    if (exit != 0)
        return exit;
    enum err e;
    db_bind_i64(row, 1, batch);
    db_bind_i64(row, 2, FAILURES_SHOWN);
    writer_name(writer, "failures");
    writer_open(writer, '[');
    while ((e = db_step(row)) == ERR_OK) {
        writer_open(writer, '{');
        put_text_of(writer, "outcome", row, 0);
        put_text_of(writer, "code", row, 1);
        put_text_of(writer, "reason", row, 2);
        put_i64_of(writer, "jobs", row, 3);
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
    (void)sqlite3_finalize(row);
    return inquirer_fail(inquirer, e);
}

// How many records about jobs of the batch could not be applied as they came.
static int put_alarms(struct inquirer *inquirer, struct writer *writer, int64_t batch) {
    sqlite3_stmt *row;
    int exit = inquirer_prepare(inquirer,
                                "SELECT (SELECT count(*) FROM quarantine q JOIN job j ON "
                                "j.id=q.job_id WHERE j.batch=?1), (SELECT count(*) FROM conflict c "
                                "JOIN job j ON j.id=c.job_id WHERE j.batch=?1)",
                                &row);
    if (exit != 0)
        return exit;
    db_bind_i64(row, 1, batch);
    exit = inquirer_only(inquirer, row, "nothing to count");
    if (exit == 0) {
        put_i64_of(writer, "quarantined", row, 0);
        put_i64_of(writer, "conflicts", row, 1);
    }
    (void)sqlite3_finalize(row);
    return exit;
}

int query_batch_show(struct inquirer *inquirer, struct writer *writer) {
    sqlite3_stmt *row = NULL, *sums_row = NULL;
    struct sums sums = {.at = {0}};
    int64_t batch;
    int exit = inquirer_batch(inquirer, false, &batch);
    if (exit == 0)
        exit = inquirer_prepare(inquirer, "SELECT " BATCH_COLUMNS "WHERE batch=?1", &row);
    if (exit == 0)
        exit = prepare_sums(inquirer, &sums_row);
    if (exit == 0)
        exit = sum_batch(inquirer, sums_row, batch, &sums);
    if (exit == 0) {
        db_bind_i64(row, 1, batch);
        exit = inquirer_only(inquirer, row, "the batch is gone");
    }
    if (exit == 0)
        put_batch(writer, row, &sums);
    if (exit == 0 && inquirer->namesakes > 0)
        put_i64(writer, "namesakes", (int64_t)inquirer->namesakes);
    if (exit == 0)
        exit = put_failures(inquirer, writer, batch);
    if (exit == 0)
        exit = put_alarms(inquirer, writer, batch);
    (void)sqlite3_finalize(row);
    (void)sqlite3_finalize(sums_row);
    return exit;
}

int query_batch_refused(struct inquirer *inquirer, struct writer *writer) {
    sqlite3_stmt *row = NULL;
    struct page page;
    char next[32] = "";
    int64_t batch;
    int exit = inquirer_batch(inquirer, false, &batch);
    if (exit == 0)
        exit = inquirer_prepare(inquirer,
                                "SELECT line, custom_id, conversation_name, reason, detail FROM "
                                "refused_line WHERE batch=?1 AND line>?2 ORDER BY line",
                                &row);
    if (exit != 0)
        return exit;
    const char *after = inquirer_text(inquirer, "after");
    enum err e;
    db_bind_i64(row, 1, batch);
    db_bind_i64(row, 2, after ? strtoll(after, NULL, 10) : 0);
    page_open(&page, inquirer, writer, "refused");
    while ((e = db_step(row)) == ERR_OK) {
        struct writer *entry = page_entry(&page);
        put_i64_of(entry, "line", row, 0);
        put_text_of(entry, "custom_id", row, 1);
        put_text_of(entry, "conversation_name", row, 2);
        put_text_of(entry, "reason", row, 3);
        put_text_of(entry, "detail", row, 4);
        if (!page_take(&page))
            break;
        (void)snprintf(next, sizeof(next), "%" PRId64, db_i64(row, 0));
    }
    page_close(&page, next);
    (void)sqlite3_finalize(row);
    return inquirer_fail(inquirer, e);
}
