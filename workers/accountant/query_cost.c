// cost.report. Shape: queries.h. Everything but single conversations and messages is added up
// from the roll-ups; those come page by page from their own rows.
#include "common/id.h"
#include "workers/accountant/inquirer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SQL_BYTES_MAX = 8192 };

struct report {
    struct inquirer *inquirer;
    struct writer *writer;
    int64_t batch; // 0: all
    const char *after;
    struct page page;
    char next[TAGS_BYTES_MAX + 16];
};

static const char *scope(const struct report *report) {
    return report->batch ? "?1" : "(SELECT batch FROM batch)";
}

static int put_total(struct report *report) {
    char sql[SQL_BYTES_MAX];
    struct sums sums = {.at = {0}};
    sqlite3_stmt *row;
    (void)snprintf(sql, sizeof(sql), "SELECT %s FROM sum_by_model %s", sums_totals(),
                   report->batch ? "WHERE batch=?1" : "");
    int exit = inquirer_prepare(report->inquirer, sql, &row);
    if (exit != 0)
        return exit;
    if (report->batch)
        db_bind_i64(row, 1, report->batch);
    enum err e = db_step(row);
    if (e == ERR_OK)
        sums_read(row, 0, &sums);
    (void)sqlite3_finalize(row);
    writer_name(report->writer, "total");
    writer_open(report->writer, '{');
    put_sums(report->writer, &sums);
    writer_close(report->writer, '}');
    return inquirer_fail(report->inquirer, e);
}

// ---- grouped by what the roll-ups are kept by ---------------------------------------------------

struct grouping {
    const char *by;
    const char *keys; // what a row is grouped by, and shown: columns of the joined tables
    const char *from;
    const char *order;
    int key_count;
};

static const struct grouping groupings[] = {
    {"none", "1", "sum_by_model s", "1", 1},
    {"batch", "b.batch, b.id, b.name", "sum_by_model s JOIN batch b ON b.batch=s.batch",
     "b.batch DESC", 3},
    {"provider", "p.provider, p.api", "sum_by_model s JOIN ai_platform p ON p.platform=s.platform",
     "p.provider, p.api", 2},
    {"model", "m.provider, m.name", "sum_by_model s JOIN model m ON m.model=s.model",
     "m.provider, m.name", 2},
    {"day", "s.day", "sum_by_model s", "s.day", 1},
};

static void put_group_key(struct writer *writer, const struct grouping *grouping,
                          sqlite3_stmt *row) {
    if (strcmp(grouping->by, "batch") == 0) {
        put_uuid_of(writer, "batch", row, 1);
        put_text_of(writer, "batch_name", row, 2);
    } else if (strcmp(grouping->by, "provider") == 0) {
        put_text_of(writer, "provider", row, 0);
        put_text_of(writer, "api", row, 1);
    } else if (strcmp(grouping->by, "model") == 0) {
        put_text_of(writer, "provider", row, 0);
        put_text_of(writer, "model", row, 1);
    } else if (strcmp(grouping->by, "day") == 0) {
        char text[16];
        struct tm day;
        time_t seconds = (time_t)(db_i64(row, 0) * 86400);
        (void)gmtime_r(&seconds, &day);
        (void)strftime(text, sizeof(text), "%Y-%m-%d", &day);
        put_text(writer, "day", bytes_text(text));
    }
}

// These groups are few: a page is found by skipping what came before it.
static int report_groups(struct report *report, const struct grouping *grouping) {
    char sql[SQL_BYTES_MAX];
    sqlite3_stmt *row;
    int64_t skip = report->after ? strtoll(report->after, NULL, 10) : 0;
    (void)snprintf(sql, sizeof(sql),
                   "SELECT %s, %s FROM %s %s GROUP BY %s ORDER BY %s "
                   "LIMIT -1 OFFSET ?2",
                   grouping->keys, sums_totals(), grouping->from,
                   report->batch ? "WHERE s.batch=?1" : "", grouping->keys, grouping->order);
    int exit = inquirer_prepare(report->inquirer, sql, &row);
    if (exit != 0)
        return exit;
    enum err e;
    if (report->batch)
        db_bind_i64(row, 1, report->batch);
    db_bind_i64(row, 2, skip);
    while ((e = db_step(row)) == ERR_OK) {
        struct sums sums;
        struct writer *entry = page_entry(&report->page);
        put_group_key(entry, grouping, row);
        sums_read(row, grouping->key_count, &sums);
        put_sums(entry, &sums);
        if (!page_take(&report->page))
            break;
        (void)snprintf(report->next, sizeof(report->next), "%" PRId64, ++skip);
    }
    (void)sqlite3_finalize(row);
    return inquirer_fail(report->inquirer, e);
}

// ---- by tag -------------------------------------------------------------------------------------

// A call counts under each tag of its batch and of its line: all calls of the batches that have
// the tag themselves, and in the other batches what lines and conversations state.
// CROSS: the sums are read once and their tags looked up; the other way round SQLite would make
// itself an index of the sums for every question.
static int report_tags(struct report *report) {
    char sql[SQL_BYTES_MAX];
    const char *columns = sums_columns(), *totals = sums_totals(), *batches = scope(report);
    sqlite3_stmt *row;
    (void)snprintf(
        sql, sizeof(sql),
        "SELECT t.text, %s FROM ("
        "SELECT bt.tag AS tag, %s FROM batch_tag bt JOIN sum_by_model s ON s.batch=bt.batch "
        "WHERE bt.batch IN %s%s%s UNION ALL "
        "SELECT s.tag AS tag, %s FROM sum_by_tag s WHERE s.batch IN %s%s%s AND NOT EXISTS "
        "(SELECT 1 FROM batch_tag bt WHERE bt.tag=s.tag AND bt.batch=s.batch)) u "
        "CROSS JOIN tag t ON t.tag=u.tag WHERE t.text>?2 GROUP BY t.text ORDER BY t.text",
        totals, columns, report->batch ? "(" : "", batches, report->batch ? ")" : "", columns,
        report->batch ? "(" : "", batches, report->batch ? ")" : "");
    int exit = inquirer_prepare(report->inquirer, sql, &row);
    if (exit != 0)
        return exit;
    enum err e;
    if (report->batch)
        db_bind_i64(row, 1, report->batch);
    db_bind_text(row, 2, bytes_text(report->after ? report->after : ""));
    while ((e = db_step(row)) == ERR_OK) {
        struct sums sums;
        struct writer *entry = page_entry(&report->page);
        put_text_of(entry, "tag", row, 0);
        sums_read(row, 1, &sums);
        put_sums(entry, &sums);
        if (!page_take(&report->page))
            break;
        (void)snprintf(report->next, sizeof(report->next), "%s",
                       (const char *)sqlite3_column_text(row, 0));
    }
    (void)sqlite3_finalize(row);
    return inquirer_fail(report->inquirer, e);
}

// ---- by conversation and message ----------------------------------------------------------------

// The sum of the calls of some jobs.
static int prepare_calls(struct report *report, const char *which_jobs, sqlite3_stmt **row) {
    char sql[SQL_BYTES_MAX] = "SELECT ";
    size_t at = strlen(sql);
    for (int i = 0; i < SUMS; i++)
        at += (size_t)snprintf(sql + at, sizeof(sql) - at, "%ssum(%s)", i ? "," : "", sum_sqls[i]);
    (void)snprintf(sql + at, sizeof(sql) - at, " FROM call WHERE job %s", which_jobs);
    return inquirer_prepare(report->inquirer, sql, row);
}

static int prepare_conversations(struct report *report, sqlite3_stmt **row) {
    char sql[SQL_BYTES_MAX];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT v.conversation, v.id, v.name, b.id, v.is_continued, %s FROM "
                   "sum_by_conversation s JOIN conversation v ON v.conversation=s.conversation "
                   "JOIN batch b ON b.batch=v.batch WHERE s.conversation>?2 %s "
                   "ORDER BY s.conversation",
                   sums_columns(), report->batch ? "AND " CONVERSATION_HAS_BATCH : "");
    return inquirer_prepare(report->inquirer, sql, row);
}

// Of a conversation with turns of several batches only those of the batch that was asked for.
static int read_conversation(struct report *report, sqlite3_stmt *row, sqlite3_stmt *calls,
                             struct sums *sums) {
    sums_read(row, 5, sums);
    if (!report->batch || !db_i64(row, 4))
        return 0;
    db_bind_i64(calls, 1, db_i64(row, 0));
    db_bind_i64(calls, 2, report->batch);
    int exit = inquirer_only(report->inquirer, calls, "no sum");
    if (exit == 0)
        sums_read(calls, 0, sums);
    db_reset(calls);
    return exit;
}

static int report_conversations(struct report *report) {
    sqlite3_stmt *row = NULL, *calls = NULL;
    int exit = prepare_conversations(report, &row);
    if (exit == 0)
        exit = prepare_calls(report, "IN (SELECT job FROM job WHERE conversation=?1 AND batch=?2)",
                             &calls);
    enum err e = ERR_OK;
    if (exit == 0 && report->batch)
        db_bind_i64(row, 1, report->batch);
    if (exit == 0)
        db_bind_i64(row, 2, report->after ? strtoll(report->after + 1, NULL, 10) : 0);
    while (exit == 0 && (e = db_step(row)) == ERR_OK) {
        struct sums sums;
        exit = read_conversation(report, row, calls, &sums);
        if (exit != 0 || sums.at[SUM_calls] == 0)
            continue;
        struct writer *entry = page_entry(&report->page);
        put_uuid_of(entry, "conversation", row, 1);
        put_text_of(entry, "name", row, 2);
        put_uuid_of(entry, "batch", row, 3);
        put_sums(entry, &sums);
        if (!page_take(&report->page))
            break;
        (void)snprintf(report->next, sizeof(report->next), "c%" PRId64, db_i64(row, 0));
    }
    (void)sqlite3_finalize(row);
    (void)sqlite3_finalize(calls);
    return exit != 0 ? exit : inquirer_fail(report->inquirer, e);
}

static void put_job_key(struct writer *writer, sqlite3_stmt *job, bool is_message) {
    bool is_single = sqlite3_column_type(job, 2) == SQLITE_NULL;
    put_uuid_of(writer, "conversation", job, is_single ? 1 : 2);
    if (!is_message) {
        put_null(writer, "name");
        put_uuid_of(writer, "batch", job, 5);
        return;
    }
    put_i64_of(writer, "turn", job, 3);
    put_i64(writer, "message", 2 * db_i64(job, 3));
    put_uuid_of(writer, "job", job, 1);
    put_text_of(writer, "custom_id", job, 4);
}

static int prepare_jobs(struct report *report, bool is_message, sqlite3_stmt **job) {
    char sql[SQL_BYTES_MAX];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT j.job, j.id, v.id, j.turn, j.custom_id, b.id, j.line FROM job j "
                   "JOIN batch b ON b.batch=j.batch LEFT JOIN conversation v ON "
                   "v.conversation=j.conversation WHERE %s %s ORDER BY %s",
                   report->batch ? "j.batch=?1 AND j.line>?2" : "j.job>?2",
                   is_message ? "" : "AND j.conversation IS NULL",
                   report->batch ? "j.line" : "j.job");
    return inquirer_prepare(report->inquirer, sql, job);
}

// Messages: what each job's attempts cost together. Conversations: those of single calls.
static int report_jobs(struct report *report, bool is_message) {
    sqlite3_stmt *job = NULL, *calls = NULL;
    int exit = prepare_jobs(report, is_message, &job);
    if (exit == 0)
        exit = prepare_calls(report, "=?1", &calls);
    enum err e = ERR_OK;
    if (exit == 0 && report->batch)
        db_bind_i64(job, 1, report->batch);
    bool has_begun = report->after && report->after[0] == 'j';
    if (exit == 0)
        db_bind_i64(job, 2, has_begun ? strtoll(report->after + 1, NULL, 10) : 0);
    while (exit == 0 && (e = db_step(job)) == ERR_OK) {
        struct sums sums;
        db_bind_i64(calls, 1, db_i64(job, 0));
        exit = inquirer_only(report->inquirer, calls, "no sum");
        if (exit != 0)
            break;
        sums_read(calls, 0, &sums);
        db_reset(calls);
        if (sums.at[SUM_calls] == 0)
            continue;
        struct writer *entry = page_entry(&report->page);
        put_job_key(entry, job, is_message);
        put_sums(entry, &sums);
        if (!page_take(&report->page))
            break;
        (void)snprintf(report->next, sizeof(report->next), "j%" PRId64,
                       db_i64(job, report->batch ? 6 : 0));
    }
    (void)sqlite3_finalize(job);
    (void)sqlite3_finalize(calls);
    return exit != 0 ? exit : inquirer_fail(report->inquirer, e);
}

static int report_by(struct report *report, const char *by) {
    for (size_t i = 0; i < sizeof(groupings) / sizeof(groupings[0]); i++)
        if (strcmp(by, groupings[i].by) == 0)
            return report_groups(report, &groupings[i]);
    if (strcmp(by, "tag") == 0)
        return report_tags(report);
    if (strcmp(by, "message") == 0)
        return report_jobs(report, true);
    // Conversations of turns first, then those of single calls.
    int exit = 0;
    if (!report->after || report->after[0] == 'c')
        exit = report_conversations(report);
    return exit == 0 && !report->page.is_full ? report_jobs(report, false) : exit;
}

static bool is_known(const char *by) {
    static const char *const names[] = {"none", "batch", "provider",     "model",
                                        "day",  "tag",   "conversation", "message"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(by, names[i]) == 0)
            return true;
    return false;
}

int query_cost_report(struct inquirer *inquirer, struct writer *writer) {
    const char *by = inquirer_text(inquirer, "by");
    struct report report = {.inquirer = inquirer, .writer = writer};
    by = by ? by : "none";
    if (!is_known(by))
        return inquirer_refuse(inquirer, EX_USAGE,
                               "by is none, batch, provider, model, day, tag, conversation or "
                               "message");
    int exit = inquirer_batch(inquirer, true, &report.batch);
    if (exit != 0)
        return exit;
    report.after = inquirer_text(inquirer, "after");
    put_text(writer, "by", bytes_text(by));
    put_text(writer, "currency", bytes_text("USD"));
    page_open(&report.page, inquirer, writer, "rows");
    exit = report_by(&report, by);
    page_close(&report.page, report.next);
    return exit == 0 ? put_total(&report) : exit;
}
