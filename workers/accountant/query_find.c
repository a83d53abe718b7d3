// find: what a value names. Shape: queries.h.
#include "common/id.h"
#include "workers/accountant/identifiers.h"
#include "workers/accountant/inquirer.h"

#include <stdio.h>

struct find {
    struct inquirer *inquirer;
    struct writer *writer;
    const char *text;
    struct id id;
    bool is_id;
    size_t matches;
    bool is_cut;
    sqlite3_stmt *calls, *jobs, *conversations, *batches;
};

// Columns of every match, whatever it is: the same members, null where they do not apply.
#define MATCH_COLUMNS(call, job, custom, turn, v, vname, b, provider, model, state, at)  \
    "SELECT " call ", " job ", " custom ", " turn ", " v ", " vname ", " b ", " provider \
    ", " model ", " state ", " at " "

static const char call_sql[] =
    MATCH_COLUMNS("c.id", "j.id", "j.custom_id", "c.turn", "coalesce(v.id, j.id)", "v.name",
                  "b.id, b.name", "p.provider", "m.name", "c.state",
                  "c.at_ms") ", c.identifiers FROM call c "
                             "JOIN job j ON j.job=c.job JOIN batch b ON b.batch=c.batch "
                             "JOIN ai_platform p ON p.platform=c.platform "
                             "JOIN model m ON m.model=coalesce(c.served, c.model) "
                             "LEFT JOIN conversation v ON v.conversation=c.conversation WHERE ";
static const char job_sql[] =
    MATCH_COLUMNS("(SELECT id FROM call WHERE call=j.answer)", "j.id", "j.custom_id", "j.turn",
                  "coalesce(v.id, j.id)", "v.name", "b.id, b.name", "p.provider", "m.name",
                  "j.outcome", "j.at_ms") "FROM job j JOIN batch b ON b.batch=j.batch "
                                          "JOIN ai_platform p ON p.platform=j.platform "
                                          "JOIN model m ON m.model=j.model LEFT JOIN conversation "
                                          "v ON v.conversation=j.conversation WHERE ";
static const char conversation_sql[] =
    MATCH_COLUMNS("NULL", "NULL", "NULL", "NULL", "v.id", "v.name", "b.id, b.name", "NULL", "NULL",
                  "NULL", "v.created_ms") "FROM conversation v JOIN batch b ON b.batch=v.batch "
                                          "WHERE v.conversation=?1";
static const char batch_sql[] =
    MATCH_COLUMNS("NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "b.id, b.name", "NULL", "NULL",
                  "b.state", "b.created_ms") "FROM batch b WHERE ";

static void put_match(struct find *find, const char *kind, sqlite3_stmt *row, struct bytes source) {
    struct writer *writer = find->writer;
    if (find->matches == FIND_MATCHES_MAX) {
        find->is_cut = true;
        return;
    }
    find->matches++;
    writer_open(writer, '{');
    put_text(writer, "kind", bytes_text(kind));
    put_call_of(writer, "call", row, 0);
    put_uuid_of(writer, "job", row, 1);
    put_text_of(writer, "custom_id", row, 2);
    if (sqlite3_column_type(row, 3) == SQLITE_NULL)
        put_null(writer, "message");
    else
        put_i64(writer, "message", 2 * db_i64(row, 3));
    put_i64_of(writer, "turn", row, 3);
    put_uuid_of(writer, "conversation", row, 4);
    put_text_of(writer, "conversation_name", row, 5);
    put_uuid_of(writer, "batch", row, 6);
    put_text_of(writer, "batch_name", row, 7);
    put_text_of(writer, "provider", row, 8);
    put_text_of(writer, "model", row, 9);
    put_text_of(writer, "state", row, 10);
    put_i64_of(writer, "at_ms", row, 11);
    put_text(writer, "source", source);
    writer_close(writer, '}');
}

// ---- our own ids and names, by their indexes ----------------------------------------------------

static int find_direct(struct find *find, const char *kind, const char *sql, const char *where,
                       bool is_id) {
    char text[2048];
    sqlite3_stmt *row;
    if (is_id && !find->is_id)
        return 0;
    (void)snprintf(text, sizeof(text), "%s%s", sql, where);
    int exit = inquirer_prepare(find->inquirer, text, &row);
    if (exit != 0)
        return exit;
    if (is_id)
        db_bind_id(row, 1, &find->id);
    else
        db_bind_text(row, 1, bytes_text(find->text));
    enum err e;
    while ((e = db_step(row)) == ERR_OK)
        put_match(find, kind, row, bytes_text(""));
    (void)sqlite3_finalize(row);
    return inquirer_fail(find->inquirer, e);
}

static int find_own(struct find *find) {
    int exit = find_direct(find, "call_id", call_sql, "c.id=?1", true);
    if (exit == 0)
        exit = find_direct(find, "job_id", job_sql, "j.id=?1", true);
    if (exit == 0)
        exit = find_direct(find, "batch_id", batch_sql, "b.id=?1", true);
    if (exit == 0)
        exit = find_direct(find, "batch_name", batch_sql, "b.name=?1", false);
    if (exit == 0)
        exit = find_direct(find, "batch_key", batch_sql, "b.key=?1", false);
    return exit;
}

// ---- everything else, by hash, compared ---------------------------------------------------------

static int match_call(struct find *find, int64_t call) {
    struct inquirer *inquirer = find->inquirer;
    sqlite3_stmt *kinds = NULL;
    struct bytes value;
    int64_t kind;
    db_bind_i64(find->calls, 1, call);
    enum err e = db_step(find->calls);
    if (e != ERR_OK)
        return inquirer_fail(inquirer, e);
    int exit = inquirer_prepare(inquirer, "SELECT name, source FROM identifier_kind WHERE kind=?1",
                                &kinds);
    struct bytes packed = db_bytes(find->calls, 12);
    while (exit == 0 && identifiers_next(&packed, &kind, &value)) {
        if (!bytes_is(value, find->text))
            continue;
        db_bind_i64(kinds, 1, kind);
        if (db_step(kinds) == ERR_OK)
            put_match(find, (const char *)sqlite3_column_text(kinds, 0), find->calls,
                      db_bytes(kinds, 1));
        db_reset(kinds);
    }
    (void)sqlite3_finalize(kinds);
    db_reset(find->calls);
    return exit;
}

static int match_job(struct find *find, int64_t job) {
    db_bind_i64(find->jobs, 1, job);
    enum err e = db_step(find->jobs);
    if (e == ERR_OK && bytes_is(db_bytes(find->jobs, 2), find->text))
        put_match(find, "custom_id", find->jobs, bytes_text(""));
    db_reset(find->jobs);
    return inquirer_fail(find->inquirer, e);
}

static int match_conversation(struct find *find, int64_t conversation) {
    sqlite3_stmt *row = find->conversations;
    db_bind_i64(row, 1, conversation);
    enum err e = db_step(row);
    if (e == ERR_OK && find->is_id && id_equal(db_id(row, 4), find->id))
        put_match(find, "conversation_id", row, bytes_text(""));
    if (e == ERR_OK && bytes_is(db_bytes(row, 5), find->text))
        put_match(find, "conversation_name", row, bytes_text(""));
    db_reset(row);
    return inquirer_fail(find->inquirer, e);
}

static int match_targets(struct find *find, const int64_t *targets, size_t count) {
    int exit = 0;
    for (size_t i = 0; exit == 0 && i < count; i++) {
        switch ((enum target_kind)(targets[i] % 4)) {
        case TARGET_call:
            exit = match_call(find, targets[i] / 4);
            break;
        case TARGET_job:
            exit = match_job(find, targets[i] / 4);
            break;
        case TARGET_conversation:
            exit = match_conversation(find, targets[i] / 4);
            break;
        }
    }
    return exit;
}

static int find_values(struct find *find) {
    struct inquirer *inquirer = find->inquirer;
    int64_t targets[FIND_MATCHES_MAX];
    char sql[2048];
    size_t count = 0;
    int exit =
        inquirer_targets(inquirer, bytes_text(find->text), targets, FIND_MATCHES_MAX, &count);
    if (exit == 0 && find->is_id)
        exit = inquirer_targets(inquirer, bytes_of(find->id.at, sizeof(find->id.at)), targets,
                                FIND_MATCHES_MAX, &count);
    find->is_cut |= count == FIND_MATCHES_MAX;
    (void)snprintf(sql, sizeof(sql), "%sc.call=?1", call_sql);
    if (exit == 0)
        exit = inquirer_prepare(inquirer, sql, &find->calls);
    (void)snprintf(sql, sizeof(sql), "%sj.job=?1", job_sql);
    if (exit == 0)
        exit = inquirer_prepare(inquirer, sql, &find->jobs);
    if (exit == 0)
        exit = inquirer_prepare(inquirer, conversation_sql, &find->conversations);
    if (exit == 0)
        exit = match_targets(find, targets, count);
    (void)sqlite3_finalize(find->calls);
    (void)sqlite3_finalize(find->jobs);
    (void)sqlite3_finalize(find->conversations);
    return exit;
}

int query_find(struct inquirer *inquirer, struct writer *writer) {
    struct find find = {.inquirer = inquirer, .writer = writer};
    find.text = inquirer_text(inquirer, "value");
    if (!find.text)
        return inquirer_refuse(inquirer, EX_USAGE, "find what?");
    find.is_id = id_parse(bytes_text(find.text), &find.id);
    put_text(writer, "value", bytes_text(find.text));
    writer_name(writer, "matches");
    writer_open(writer, '[');
    int exit = find_own(&find);
    if (exit == 0)
        exit = find_values(&find);
    writer_close(writer, ']');
    put_bool(writer, "is_cut", find.is_cut);
    return exit;
}
