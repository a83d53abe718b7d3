#include "workers/accountant/calls.h"

#include "workers/accountant/identifiers.h"

enum { KINDS_SHOWN_MAX = 64 };

#define X(name) "c." #name ","
#define CALL_SELECT                                                                               \
    "SELECT " CALL_COLUMN_MAP(X) "p.provider, p.api, m.name, s.name, w.name, r.name FROM call c " \
                                 "JOIN ai_platform p ON p.platform=c.platform "                   \
                                 "JOIN model m ON m.model=c.model "                               \
                                 "LEFT JOIN model s ON s.model=c.served "                         \
                                 "LEFT JOIN worker w ON w.worker=c.worker "                       \
                                 "LEFT JOIN price r ON r.price=c.price "

#define OF_JOB  "WHERE c.job=?1 ORDER BY c.attempt "
#define OF_TALK "JOIN job j ON j.job=c.job WHERE j.conversation=?1 ORDER BY j.turn "

int calls_of_job(struct inquirer *inquirer, bool newest_first, sqlite3_stmt **row) {
    return inquirer_prepare(
        inquirer,
        newest_first ? CALL_SELECT OF_JOB "DESC, c.call DESC" : CALL_SELECT OF_JOB ", c.call", row);
}

// By way of the conversation's jobs, since calls are found by job.
int calls_of_conversation(struct inquirer *inquirer, bool newest_first, sqlite3_stmt **row) {
    return inquirer_prepare(inquirer,
                            newest_first ? CALL_SELECT OF_TALK "DESC, c.attempt DESC, c.call DESC"
                                         : CALL_SELECT OF_TALK ", c.attempt, c.call",
                            row);
}
#undef X

void put_counters(struct writer *writer, sqlite3_stmt *call) {
    static const char *const names[] = {"in_uncached", "in_cached",         "in_cache_write",
                                        "in_audio",    "out_visible",       "out_reasoning",
                                        "out_audio",   "in_cache_write_1h", "web_searches",
                                        "in_tool_use", "in_image",          "out_image",
                                        NULL};
    (void)put_i64s_of(writer, names, call, CALL_AT_in_uncached);
}

const char *usage_state(sqlite3_stmt *call) {
    if (db_i64(call, CALL_AT_is_inconsistent))
        return "inconsistent";
    for (int i = CALL_AT_in_uncached; i <= CALL_AT_total_stated; i++)
        if (sqlite3_column_type(call, i) != SQLITE_NULL)
            return "stated";
    return "none";
}

int identifier_kinds(struct inquirer *inquirer, sqlite3_stmt **kind) {
    return inquirer_prepare(inquirer, "SELECT name, source FROM identifier_kind WHERE kind=?1",
                            kind);
}

bool identifier_kind(sqlite3_stmt *find, int64_t kind, struct bytes *name, struct bytes *source) {
    db_reset(find);
    db_bind_i64(find, 1, kind);
    if (db_step(find) != ERR_OK)
        return false;
    *name = db_bytes(find, 0);
    *source = db_bytes(find, 1);
    return true;
}

// Whether the kind's name was shown already; notes it.
static bool was_shown(char shown[][64], size_t *count, struct bytes name) {
    for (size_t i = 0; i < *count; i++)
        if (bytes_is(name, shown[i]))
            return true;
    if (*count == KINDS_SHOWN_MAX || name.size >= sizeof(shown[0]))
        return true;
    memcpy(shown[*count], name.at, name.size);
    shown[(*count)++][name.size] = 0;
    return false;
}

void put_first_identifiers(struct writer *writer, sqlite3_stmt *call, sqlite3_stmt *find_kind) {
    struct bytes packed = db_bytes(call, CALL_AT_identifiers), value, name, source;
    char shown[KINDS_SHOWN_MAX][64];
    size_t count = 0;
    int64_t kind;
    writer_open(writer, '{');
    while (identifiers_next(&packed, &kind, &value)) {
        if (!identifier_kind(find_kind, kind, &name, &source) || was_shown(shown, &count, name))
            continue;
        put_text(writer, shown[count - 1], value);
    }
    writer_close(writer, '}');
    db_reset(find_kind);
}

void put_identifiers(struct writer *writer, sqlite3_stmt *call, sqlite3_stmt *find_kind) {
    struct bytes packed = db_bytes(call, CALL_AT_identifiers), value, name, source;
    int64_t kind;
    writer_open(writer, '[');
    while (identifiers_next(&packed, &kind, &value)) {
        if (!identifier_kind(find_kind, kind, &name, &source))
            continue;
        writer_open(writer, '{');
        put_text(writer, "kind", name);
        put_text(writer, "value", value);
        put_text(writer, "source", source);
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
    db_reset(find_kind);
}
