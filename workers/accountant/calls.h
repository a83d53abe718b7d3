// The calls of a job as questions show them: one SQL, one set of members, used by results, jobs
// and conversations.
#ifndef ACCOUNTANT_CALLS_H
#define ACCOUNTANT_CALLS_H

#include "workers/accountant/inquirer.h"

#define CALL_COLUMN_MAP(X)                                                                         \
    X(call)                                                                                        \
    X(id)                                                                                          \
    X(attempt)                                                                                     \
    X(state) X(role) X(status) X(class) X(reason) X(detail) X(marked_ms) X(started_ms)             \
        X(first_byte_ms) X(duration_ms) X(retry_after_ms) X(at_ms) X(finish) X(tier) X(error_type) \
            X(error_code) X(error_message) X(in_uncached) X(in_cached) X(in_cache_write)           \
                X(in_audio) X(out_visible) X(out_reasoning) X(out_audio) X(total_stated)           \
                    X(is_inconsistent) X(cost_state) X(amount_pusd) X(stated_pusd)                 \
                        X(computed_pusd) X(is_possibly_billed) X(possibly_pusd) X(identifiers)     \
                            X(strategy) X(turn) X(unpriced)
enum call_column {
#define X(name) CALL_AT_##name,
    CALL_COLUMN_MAP(X)
#undef X
    // Joined from other tables.
    CALL_AT_provider,
    CALL_AT_api,
    CALL_AT_model,
    CALL_AT_served,
    CALL_AT_worker,
    CALL_AT_price,
    CALL_COLUMNS
};

// A statement that gives calls' columns in that order: of one job (?1) by attempt, or of a
// conversation (?1) by turn and attempt. 0 or a sysexits code.
int calls_of_job(struct inquirer *inquirer, sqlite3_stmt **row);
int calls_of_conversation(struct inquirer *inquirer, sqlite3_stmt **row);

// Members "in_uncached" … "out_audio".
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
