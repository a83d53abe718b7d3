// ledger.status, stat, check. Shapes: queries.h.
#include "common/clock.h"
#include "common/id.h"
#include "workers/accountant/inquirer.h"

#include <stdio.h>

static void put_figure(struct writer *writer, const char *name, _Atomic uint64_t *figure) {
    put_i64(writer, name, (int64_t)atomic_load(figure));
}

// ---- ledger.status ------------------------------------------------------------------------------

// Whether records are taken, or the disk is too full for that.
static void put_disk(struct writer *writer, struct figures *figures) {
    put_bool(writer, "is_closed", atomic_load(&figures->is_closed) != 0);
    put_figure(writer, "disk_free", &figures->disk_free);
    put_figure(writer, "needs", &figures->disk_needs);
}

static int put_migrations(struct inquirer *inquirer, struct writer *writer) {
    sqlite3_stmt *row;
    int exit = inquirer_prepare(inquirer,
                                "SELECT number, name, at_ms FROM migration ORDER BY number", &row);
    if (exit != 0)
        return exit;
    enum err e;
    writer_name(writer, "migrations");
    writer_open(writer, '[');
    while ((e = db_step(row)) == ERR_OK) {
        writer_open(writer, '{');
        put_i64_of(writer, "number", row, 0);
        put_text_of(writer, "name", row, 1);
        put_i64_of(writer, "at_ms", row, 2);
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
    (void)sqlite3_finalize(row);
    return inquirer_fail(inquirer, e);
}

int query_ledger_status(struct inquirer *inquirer, struct writer *writer) {
    static const char *const counts[] = {
        "created_ms",    "records_applied", "applied",     "calls",     "jobs",
        "conversations", "batches",         "quarantined", "conflicts", NULL};
    sqlite3_stmt *row;
    // Rows of calls, jobs and conversations are never deleted: the newest number is the count.
    int exit = inquirer_prepare(
        inquirer,
        "SELECT id, journal, simulated, created_ms, records, applied, "
        "(SELECT coalesce(max(call),0) FROM call), (SELECT coalesce(max(job),0) FROM job), "
        "(SELECT coalesce(max(conversation),0) FROM conversation), "
        "(SELECT count(*) FROM batch), (SELECT count(*) FROM quarantine), "
        "(SELECT count(*) FROM conflict), (SELECT hash FROM catalogue WHERE document IS NOT NULL "
        "ORDER BY at_ms DESC LIMIT 1) FROM ledger",
        &row);
    if (exit == 0)
        exit = inquirer_only(inquirer, row, "the ledger is empty");
    if (exit == 0) {
        put_uuid_of(writer, "ledger", row, 0);
        put_uuid_of(writer, "journal", row, 1);
        put_bool(writer, "simulated", db_i64(row, 2) != 0);
        (void)put_i64s_of(writer, counts, row, 3);
        put_text_of(writer, "catalogue", row, 12);
        put_i64(writer, "pages", (int64_t)db_page_count(&inquirer->db));
        put_i64(writer, "page_bytes", (int64_t)db_page_bytes(&inquirer->db));
        put_i64(writer, "free_pages", (int64_t)db_free_count(&inquirer->db));
        if (inquirer->figures)
            put_disk(writer, inquirer->figures);
        exit = put_migrations(inquirer, writer);
    }
    (void)sqlite3_finalize(row);
    return exit;
}

// ---- stat ---------------------------------------------------------------------------------------

static int put_stored(struct inquirer *inquirer, struct writer *writer) {
    static const char *const names[] = {"records_applied", "quarantined", "conflicts", NULL};
    sqlite3_stmt *row;
    int exit = inquirer_prepare(inquirer,
                                "SELECT records, (SELECT count(*) FROM quarantine), "
                                "(SELECT count(*) FROM conflict) FROM ledger",
                                &row);
    if (exit == 0)
        exit = inquirer_only(inquirer, row, "the ledger is empty");
    if (exit == 0)
        (void)put_i64s_of(writer, names, row, 0);
    (void)sqlite3_finalize(row);
    return exit;
}

int query_stat(struct inquirer *inquirer, struct writer *writer) {
    struct figures *figures = inquirer->figures;
    writer_name(writer, "accountant");
    writer_open(writer, '{');
    int exit = put_stored(inquirer, writer);
    if (figures) {
        put_figure(writer, "applied", &figures->applied);
        put_figure(writer, "records", &figures->records);
        put_figure(writer, "records_per_second", &figures->records_per_second);
        put_figure(writer, "transactions", &figures->transactions);
        put_figure(writer, "prepared", &figures->prepared);
        put_figure(writer, "unindexed", &figures->unindexed);
        put_figure(writer, "queries", &figures->queries);
        put_bool(writer, "is_joined", atomic_load(&figures->is_joined) != 0);
        put_disk(writer, figures);
        put_i64(writer, "cpu_us", (int64_t)clock_cpu_us());
    }
    writer_close(writer, '}');
    return exit;
}

// ---- check --------------------------------------------------------------------------------------

static int put_kept(struct inquirer *inquirer, struct writer *writer, const char *name,
                    const char *sql, const char *why) {
    sqlite3_stmt *row;
    int exit = inquirer_prepare(inquirer, sql, &row);
    if (exit != 0)
        return exit;
    enum err e;
    writer_name(writer, name);
    writer_open(writer, '[');
    while ((e = db_step(row)) == ERR_OK) {
        writer_open(writer, '{');
        put_i64_of(writer, "record", row, 0);
        put_call_of(writer, "call", row, 1);
        put_text_of(writer, why, row, 2);
        put_i64_of(writer, "at_ms", row, 3);
        put_uuid_of(writer, "job", row, 4);
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
    (void)sqlite3_finalize(row);
    return inquirer_fail(inquirer, e);
}

static int count_rows(struct inquirer *inquirer, const char *sql, int64_t *count) {
    sqlite3_stmt *row;
    int exit = inquirer_prepare(inquirer, sql, &row);
    if (exit == 0)
        exit = inquirer_only(inquirer, row, "nothing to count");
    if (exit == 0)
        *count = db_i64(row, 0);
    (void)sqlite3_finalize(row);
    return exit;
}

struct recount {
    const char *table;
    const char *keys; // of the roll-up
    const char *from; // the same keys of calls, and where they come from
    const char *where;
};

static const struct recount recounts[] = {
    {"sum_by_model", "batch, day, platform, model",
     "c.batch, c.day, c.platform, coalesce(c.served, c.model)|call c", "1"},
    {"sum_by_conversation", "conversation", "c.conversation|call c", "c.conversation IS NOT NULL"},
    {"sum_by_tag", "tag, batch",
     "t.tag, c.batch|call c JOIN job j ON j.job=c.job JOIN json_each(j.tags) e JOIN tag t ON "
     "t.text=e.key||'='||e.atom",
     "j.tags IS NOT NULL AND e.type='text'"},
};

// Counts the roll-up's rows that differ from what the calls add up to, in either direction.
// Rows whose calls have all gone elsewhere add up to nothing, and so do their calls.
static int recount(struct inquirer *inquirer, const struct recount *what, int64_t *differ) {
    char again[4096], kept[2048], sql[8192];
    const char *from = strchr(what->from, '|');
    size_t at =
        (size_t)snprintf(again, sizeof(again), "SELECT %.*s", (int)(from - what->from), what->from);
    for (int i = 0; i < SUMS; i++)
        at += (size_t)snprintf(again + at, sizeof(again) - at, ", sum(%s)", sum_sqls[i]);
    (void)snprintf(again + at, sizeof(again) - at, " FROM %s WHERE %s GROUP BY %.*s", from + 1,
                   what->where, (int)(from - what->from), what->from);
    (void)snprintf(kept, sizeof(kept), "SELECT %s, %s FROM %s WHERE calls<>0 OR amount_pusd<>0",
                   what->keys, sums_columns(), what->table);
    (void)snprintf(sql, sizeof(sql),
                   "WITH again AS MATERIALIZED (%s), kept AS MATERIALIZED (%s) SELECT "
                   "(SELECT count(*) FROM (SELECT * FROM again EXCEPT SELECT * FROM kept)) + "
                   "(SELECT count(*) FROM (SELECT * FROM kept EXCEPT SELECT * FROM again))",
                   again, kept);
    return count_rows(inquirer, sql, differ);
}

static int recount_all(struct inquirer *inquirer, struct writer *problems, int64_t *differ) {
    int exit = 0;
    *differ = 0;
    for (size_t i = 0; exit == 0 && i < sizeof(recounts) / sizeof(recounts[0]); i++) {
        int64_t rows = 0;
        char text[128];
        exit = recount(inquirer, &recounts[i], &rows);
        *differ += rows;
        (void)snprintf(text, sizeof(text), "%s differs from its calls in %lld rows",
                       recounts[i].table, (long long)rows);
        if (rows > 0)
            writer_text(problems, bytes_text(text));
    }
    return exit;
}

int query_check(struct inquirer *inquirer, struct writer *writer) {
    int64_t quarantined = 0, conflicts = 0, differ = 0;
    int exit = count_rows(inquirer, "SELECT count(*) FROM quarantine", &quarantined);
    if (exit == 0)
        exit = count_rows(inquirer, "SELECT count(*) FROM conflict", &conflicts);
    if (exit == 0)
        exit = put_kept(inquirer, writer, "records",
                        "SELECT record, call_id, why, at_ms, job_id FROM quarantine "
                        "ORDER BY quarantine DESC LIMIT 100",
                        "why");
    if (exit == 0)
        exit = put_kept(inquirer, writer, "conflict_rows",
                        "SELECT record, call_id, what, at_ms, job_id FROM conflict "
                        "ORDER BY conflict DESC LIMIT 100",
                        "what");
    writer_name(writer, "problems");
    writer_open(writer, '[');
    if (exit == 0)
        exit = recount_all(inquirer, writer, &differ);
    writer_close(writer, ']');
    put_i64(writer, "quarantined", quarantined);
    put_i64(writer, "conflicts", conflicts);
    put_i64(writer, "rollups_differ", differ);
    put_bool(writer, "is_ok", quarantined == 0 && conflicts == 0 && differ == 0);
    return exit;
}
