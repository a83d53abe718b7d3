// job.show. Shape: queries.h.
#include "common/id.h"
#include "workers/accountant/calls.h"

static int put_about(struct inquirer *inquirer, struct writer *writer, sqlite3_stmt *row) {
    struct bytes line = bytes_text("");
    bool is_single = sqlite3_column_type(row, 5) == SQLITE_NULL;
    put_uuid_of(writer, "job", row, 1);
    put_uuid_of(writer, "batch", row, 2);
    put_text_of(writer, "batch_name", row, 3);
    put_i64_of(writer, "line", row, 4);
    put_text_of(writer, "custom_id", row, 7);
    put_uuid_of(writer, "conversation", row, is_single ? 1 : 5);
    put_text_of(writer, "conversation_name", row, 6);
    put_i64_of(writer, "turn", row, 8);
    put_text_of(writer, "provider", row, 9);
    put_text_of(writer, "api", row, 10);
    put_text_of(writer, "model", row, 11);
    put_text_of(writer, "key", row, 12);
    put_text_of(writer, "outcome", row, 13);
    put_i64_of(writer, "revision", row, 14);
    put_text_of(writer, "reason", row, 15);
    put_i64_of(writer, "recorded_ms", row, 16);
    put_json_of(writer, "tags", row, 17);
    if (sqlite3_column_type(row, 18) != SQLITE_NULL) {
        if (unsqueeze(&inquirer->squeezer, db_bytes(row, 18), &inquirer->unsqueezed) != ERR_OK)
            return inquirer_refuse(inquirer, EX_IOERR, "the line is kept damaged");
        line = buf_bytes(&inquirer->unsqueezed);
    }
    put_json(writer, "request", line);
    return 0;
}

static void put_call_error(struct writer *writer, sqlite3_stmt *call) {
    writer_name(writer, "error");
    if (sqlite3_column_type(call, CALL_AT_error_type) == SQLITE_NULL &&
        sqlite3_column_type(call, CALL_AT_error_code) == SQLITE_NULL &&
        sqlite3_column_type(call, CALL_AT_error_message) == SQLITE_NULL) {
        writer_null(writer);
        return;
    }
    writer_open(writer, '{');
    put_text_of(writer, "type", call, CALL_AT_error_type);
    put_text_of(writer, "code", call, CALL_AT_error_code);
    put_text_of(writer, "message", call, CALL_AT_error_message);
    writer_close(writer, '}');
}

static void put_attempt(struct writer *writer, sqlite3_stmt *call, sqlite3_stmt *kinds) {
    static const char *const times[] = {
        "marked_ms",      "started_ms", "first_byte_ms", "first_token_ms", "duration_ms",
        "retry_after_ms", NULL};
    writer_open(writer, '{');
    put_i64_of(writer, "attempt", call, CALL_AT_attempt);
    put_call_of(writer, "call", call, CALL_AT_id);
    put_text_of(writer, "state", call, CALL_AT_state);
    put_text_of(writer, "role", call, CALL_AT_role);
    put_text_of(writer, "class", call, CALL_AT_class);
    put_text_of(writer, "reason", call, CALL_AT_reason);
    put_text_of(writer, "detail", call, CALL_AT_detail);
    put_i64_of(writer, "status", call, CALL_AT_status);
    put_text_of(writer, "worker", call, CALL_AT_worker);
    (void)put_i64s_of(writer, times, call, CALL_AT_marked_ms);
    put_text_of(writer, "model_served", call, CALL_AT_served);
    put_text_of(writer, "finish", call, CALL_AT_finish);
    put_text_of(writer, "service_tier", call, CALL_AT_tier);
    put_call_error(writer, call);
    put_counters(writer, call);
    put_i64_of(writer, "amount_pusd", call, CALL_AT_amount_pusd);
    put_i64_of(writer, "stated_pusd", call, CALL_AT_stated_pusd);
    put_i64_of(writer, "computed_pusd", call, CALL_AT_computed_pusd);
    put_text_of(writer, "cost_state", call, CALL_AT_cost_state);
    put_text_of(writer, "unpriced", call, CALL_AT_unpriced);
    put_text_of(writer, "price", call, CALL_AT_price);
    put_bool(writer, "possibly_billed", db_i64(call, CALL_AT_is_possibly_billed) != 0);
    put_i64_of(writer, "possibly_billed_pusd", call, CALL_AT_possibly_pusd);
    put_text_of(writer, "strategy", call, CALL_AT_strategy);
    writer_name(writer, "identifiers");
    put_identifiers(writer, call, kinds);
    writer_close(writer, '}');
}

static int put_attempts(struct inquirer *inquirer, struct writer *writer, int64_t job) {
    sqlite3_stmt *calls = NULL, *kinds = NULL;
    enum err e = ERR_OK;
    int exit = calls_of_job(inquirer, false, &calls);
    if (exit == 0)
        exit = identifier_kinds(inquirer, &kinds);
    writer_name(writer, "attempts");
    writer_open(writer, '[');
    if (exit == 0)
        db_bind_i64(calls, 1, job);
    while (exit == 0 && (e = db_step(calls)) == ERR_OK)
        put_attempt(writer, calls, kinds);
    writer_close(writer, ']');
    (void)sqlite3_finalize(calls);
    (void)sqlite3_finalize(kinds);
    return exit != 0 ? exit : inquirer_fail(inquirer, e);
}

// Records about the job that could not be applied as they came.
static int put_alarms(struct inquirer *inquirer, struct writer *writer, const struct id *job,
                      const char *name, const char *why, const char *sql) {
    sqlite3_stmt *row;
    enum err e;
    int exit = inquirer_prepare(inquirer, sql, &row);
    if (exit != 0)
        return exit;
    db_bind_id(row, 1, job);
    writer_name(writer, name);
    writer_open(writer, '[');
    while ((e = db_step(row)) == ERR_OK) {
        writer_open(writer, '{');
        put_i64_of(writer, "record", row, 0);
        put_call_of(writer, "call", row, 1);
        put_text_of(writer, why, row, 2);
        put_i64_of(writer, "at_ms", row, 3);
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
    (void)sqlite3_finalize(row);
    return inquirer_fail(inquirer, e);
}

int query_job_show(struct inquirer *inquirer, struct writer *writer) {
    const char *text = inquirer_text(inquirer, "job");
    sqlite3_stmt *row = NULL;
    struct id id;
    if (!text || !id_parse(bytes_text(text), &id))
        return inquirer_refuse(inquirer, EX_USAGE, "which job? Give its id");
    int exit = inquirer_prepare(
        inquirer,
        "SELECT j.job, j.id, b.id, b.name, j.line, v.id, v.name, j.custom_id, j.turn, p.provider, "
        "p.api, m.name, j.key, j.outcome, j.revision, j.reason, j.at_ms, j.tags, l.line "
        "FROM job j JOIN batch b ON b.batch=j.batch JOIN ai_platform p ON p.platform=j.platform "
        "JOIN model m ON m.model=j.model LEFT JOIN conversation v ON "
        "v.conversation=j.conversation LEFT JOIN job_line l ON l.job=j.job WHERE j.id=?1",
        &row);
    if (exit == 0) {
        db_bind_id(row, 1, &id);
        exit = inquirer_only(inquirer, row, "the ledger knows no such job (yet)");
    }
    if (exit == 0)
        exit = put_about(inquirer, writer, row);
    if (exit == 0)
        exit = put_attempts(inquirer, writer, db_i64(row, 0));
    if (exit == 0)
        exit = put_alarms(inquirer, writer, &id, "quarantined", "why",
                          "SELECT record, call_id, why, at_ms FROM quarantine WHERE job_id=?1 "
                          "ORDER BY quarantine");
    if (exit == 0)
        exit = put_alarms(inquirer, writer, &id, "conflicts", "what",
                          "SELECT record, call_id, what, at_ms FROM conflict WHERE job_id=?1 "
                          "ORDER BY conflict");
    (void)sqlite3_finalize(row);
    return exit;
}
