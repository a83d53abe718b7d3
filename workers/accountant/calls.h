// The calls of a job as questions show them: one SQL, one set of members, used by results, jobs
// and conversations.
#ifndef ACCOUNTANT_CALLS_H
#define ACCOUNTANT_CALLS_H

#include "workers/accountant/inquirer.h"

#define CALL_END_MAP(X) X(call) X(id) X(attempt) X(state) X(role) X(status) X(class) X(reason)
#define CALL_WHEN_MAP(X) \
    X(marked_ms) X(started_ms) X(first_byte_ms) X(first_token_ms) X(duration_ms)
#define CALL_REST_MAP(X) X(retry_after_ms) X(at_ms) X(detail) X(strategy) X(turn) X(identifiers)
#define CALL_FACT_MAP(X) X(finish) X(tier) X(error_type) X(error_code) X(error_message)
#define CALL_IN_MAP(X)   X(in_uncached) X(in_cached) X(in_cache_write) X(in_audio)
#define CALL_OUT_MAP(X)  X(out_visible) X(out_reasoning) X(out_audio)
#define CALL_MORE_MAP(X) \
    X(in_cache_write_1h) X(web_searches) X(in_tool_use) X(in_image) X(out_image) X(total_stated)
#define CALL_COST_MAP(X)  X(cost_state) X(amount_pusd) X(stated_pusd) X(computed_pusd) X(unpriced)
#define CALL_DOUBT_MAP(X) X(is_inconsistent) X(is_possibly_billed) X(possibly_pusd)
#define CALL_STORY_MAP(X) CALL_END_MAP(X) CALL_WHEN_MAP(X) CALL_REST_MAP(X) CALL_FACT_MAP(X)
#define CALL_COUNT_MAP(X) \
    CALL_IN_MAP(X) CALL_OUT_MAP(X) CALL_MORE_MAP(X) CALL_COST_MAP(X) CALL_DOUBT_MAP(X)
#define CALL_COLUMN_MAP(X) CALL_STORY_MAP(X) CALL_COUNT_MAP(X)
// Joined from other tables, behind those.
#define CALL_JOIN_MAP(X) X(provider) X(api) X(model) X(served) X(worker) X(price)

#define X(name)          CALL_AT_##name,
enum call_column { CALL_COLUMN_MAP(X) CALL_JOIN_MAP(X) CALL_COLUMNS };
#undef X

// Why the job j got no answer, as a code; NULL if it got one. For a dead job what its last call
// says, before the job's own reason, which is only what that led to; unless it says itself what
// happened (JOB_SPEAKS).
#define JOB_SPEAKS "coalesce(j.reason IN ('unprepared','earlier_turn'),0)"
#define JOB_CODE                                                                           \
    "CASE j.outcome WHEN 'answered' THEN NULL WHEN 'parked' THEN "                         \
    "CASE j.reason WHEN 'possibly_billed' THEN j.reason ELSE 'turn_parked' END "           \
    "WHEN 'cancelled' THEN CASE j.reason WHEN 'cancelled' THEN 'job_cancelled' "           \
    "ELSE 'batch_cancelled' END WHEN 'expired' THEN 'batch_expired' "                      \
    "WHEN 'skipped' THEN 'turn_skipped' ELSE coalesce(CASE WHEN " JOB_SPEAKS " THEN NULL " \
    "ELSE (SELECT coalesce(k.error_code, k.reason) FROM call k WHERE k.job=j.job "         \
    "ORDER BY k.attempt DESC, k.call DESC LIMIT 1) END, j.reason, j.outcome) END"

// A statement that gives calls' columns in that order: of one job (?1) by attempt, or of a
// conversation (?1) by turn and attempt; oldest or newest first. 0 or a sysexits code.
int calls_of_job(struct inquirer *inquirer, bool newest_first, sqlite3_stmt **row);
int calls_of_conversation(struct inquirer *inquirer, bool newest_first, sqlite3_stmt **row);

// Members "in_uncached" … "out_image".
void put_counters(struct writer *writer, sqlite3_stmt *call);
// "stated", "none" or "inconsistent".
const char *usage_state(sqlite3_stmt *call);
// A statement for the names of identifier kinds, and the two ways in which they are shown: the
// first value of each kind as a member, or all with their sources.
int identifier_kinds(struct inquirer *inquirer, sqlite3_stmt **kind);
// The name and the source of a kind; they die with the next call.
bool identifier_kind(sqlite3_stmt *find, int64_t kind, struct bytes *name, struct bytes *source);
void put_first_identifiers(struct writer *writer, sqlite3_stmt *call, sqlite3_stmt *find_kind);
void put_identifiers(struct writer *writer, sqlite3_stmt *call, sqlite3_stmt *find_kind);

#endif
