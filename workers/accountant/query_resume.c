// conversation.resolve and batch.known: what a submission has to know of the past. Shapes:
// queries.h.
#include "common/id.h"
#include "common/limits.h"
#include "common/text.h"
#include "workers/accountant/show.h"

#include <stdio.h>

enum { SIMILAR_MAX = 5 };

// ---- a conversation that is taken up ------------------------------------------------------------

// Its last turn in any other batch than the one that asks, which may have begun to add turns.
static int put_last_turn(struct inquirer *inquirer, struct writer *writer, int64_t conversation) {
    sqlite3_stmt *row;
    struct id asking = {{0}};
    const char *text = inquirer_text(inquirer, "asking");
    if (text && !id_parse(bytes_text(text), &asking))
        return inquirer_refuse(inquirer, EX_USAGE, "asking is a batch's id");
    int exit = inquirer_prepare(inquirer,
                                "SELECT j.turn, p.provider, p.api, m.name FROM job j JOIN batch b "
                                "ON b.batch=j.batch JOIN ai_platform p ON p.platform=j.platform "
                                "JOIN model m ON m.model=j.model WHERE j.conversation=?1 AND "
                                "b.id<>?2 ORDER BY j.turn DESC LIMIT 1",
                                &row);
    if (exit != 0)
        return exit;
    db_bind_i64(row, 1, conversation);
    db_bind_id(row, 2, &asking);
    exit = inquirer_only(inquirer, row, "the conversation began in the batch that asks for it");
    if (exit == 0) {
        put_i64_of(writer, "turn", row, 0);
        put_text_of(writer, "provider", row, 1);
        put_text_of(writer, "api", row, 2);
        put_text_of(writer, "model", row, 3);
    }
    (void)sqlite3_finalize(row);
    return exit;
}

int query_conversation_resolve(struct inquirer *inquirer, struct writer *writer) {
    sqlite3_stmt *row;
    struct found found;
    const char *text = inquirer_text(inquirer, "conversation");
    int exit = which_conversation(inquirer, &found);
    if (exit == 0 && found.conversation == 0)
        exit = inquirer_refuse(inquirer, EX_DATAERR,
                               "%.*s is a single call: only conversations can be continued",
                               text_fit(text, 64), text);
    if (exit == 0)
        exit = inquirer_prepare(inquirer,
                                "SELECT v.id, v.name, b.id FROM conversation v JOIN batch b ON "
                                "b.batch=v.batch WHERE v.conversation=?1",
                                &row);
    if (exit != 0)
        return exit;
    db_bind_i64(row, 1, found.conversation);
    exit = inquirer_only(inquirer, row, "the conversation is gone");
    if (exit == 0) {
        put_uuid_of(writer, "conversation", row, 0);
        put_text_of(writer, "name", row, 1);
        put_uuid_of(writer, "origin", row, 2);
    }
    (void)sqlite3_finalize(row);
    return exit == 0 ? put_last_turn(inquirer, writer, found.conversation) : exit;
}

// ---- a file that may have been submitted before -------------------------------------------------

// Writes the batches of the rows; count: how many were.
static int put_batches(struct inquirer *inquirer, struct writer *writer, sqlite3_stmt *row,
                       sqlite3_stmt *sums_row, int64_t *count) {
    enum err e = ERR_OK;
    int exit = 0;
    while (exit == 0 && (e = db_step(row)) == ERR_OK) {
        struct sums sums;
        db_bind_i64(sums_row, 1, db_i64(row, 0));
        exit = inquirer_only(inquirer, sums_row, "no sum");
        if (exit != 0)
            break;
        sums_read(sums_row, 0, &sums);
        db_reset(sums_row);
        writer_open(writer, '{');
        put_uuid_of(writer, "batch", row, 1);
        put_text_of(writer, "name", row, 2);
        put_text_of(writer, "state", row, 3);
        put_i64_of(writer, "created_ms", row, 4);
        put_i64_of(writer, "jobs", row, 5);
        put_sums(writer, &sums);
        writer_close(writer, '}');
        ++*count;
    }
    db_reset(row);
    return exit != 0 ? exit : inquirer_fail(inquirer, e);
}

#define KNOWN_SQL(where)                                                          \
    "SELECT batch, id, name, state, created_ms, jobs FROM batch WHERE " where " " \
    "ORDER BY batch DESC LIMIT ?2"

static int put_by_key(struct inquirer *inquirer, struct writer *writer, const char *key,
                      sqlite3_stmt *sums_row) {
    sqlite3_stmt *row = NULL;
    int64_t count = 0;
    writer_name(writer, "by_key");
    writer_open(writer, '[');
    int exit = inquirer_prepare(inquirer, KNOWN_SQL("key=?1"), &row);
    if (exit == 0) {
        db_bind_text(row, 1, bytes_text(key));
        db_bind_i64(row, 2, 1);
        exit = put_batches(inquirer, writer, row, sums_row, &count);
    }
    (void)sqlite3_finalize(row);
    writer_close(writer, ']');
    return exit;
}

static int put_by_heads(struct inquirer *inquirer, struct writer *writer, const json_t *heads,
                        sqlite3_stmt *sums_row) {
    sqlite3_stmt *row = NULL;
    int64_t count = 0;
    size_t i;
    const json_t *head;
    writer_name(writer, "by_head");
    writer_open(writer, '[');
    int exit = inquirer_prepare(inquirer, KNOWN_SQL("head=?1"), &row);
    json_array_foreach(heads, i, head) {
        struct digest digest;
        if (exit != 0 || count >= SIMILAR_MAX)
            break;
        if (!digest_parse(bytes_text(json_string_value(head)), &digest)) {
            exit = inquirer_refuse(inquirer, EX_USAGE, "heads are SHA-256 in hex");
            break;
        }
        db_bind_digest(row, 1, &digest);
        db_bind_i64(row, 2, SIMILAR_MAX - count);
        exit = put_batches(inquirer, writer, row, sums_row, &count);
    }
    (void)sqlite3_finalize(row);
    writer_close(writer, ']');
    return exit;
}

int query_batch_known(struct inquirer *inquirer, struct writer *writer) {
    sqlite3_stmt *sums_row = NULL;
    const char *key = inquirer_text(inquirer, "key");
    const json_t *heads = json_object_get(inquirer->arguments, "heads");
    char sql[2048];
    if (json_array_size(heads) > HEAD_LINES)
        return inquirer_refuse(inquirer, EX_USAGE, "at most %d heads", HEAD_LINES);
    (void)snprintf(sql, sizeof(sql), "SELECT %s FROM sum_by_model WHERE batch=?1", sums_totals());
    int exit = inquirer_prepare(inquirer, sql, &sums_row);
    if (exit == 0)
        exit = put_by_key(inquirer, writer, key ? key : "", sums_row);
    if (exit == 0)
        exit = put_by_heads(inquirer, writer, heads, sums_row);
    (void)sqlite3_finalize(sums_row);
    return exit;
}
