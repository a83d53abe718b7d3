// conversation.resolve and batch.known: what a submission has to know of the past. Shapes:
// queries.h.
#include "common/id.h"
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
    int exit = which_conversation(inquirer, &found);
    if (exit == 0 && found.conversation == 0)
        exit = inquirer_refuse(inquirer, EX_DATAERR,
                               "%.64s is a single call: only conversations can be continued",
                               inquirer_text(inquirer, "conversation"));
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

static int put_batches(struct inquirer *inquirer, struct writer *writer, const char *member,
                       sqlite3_stmt *row, sqlite3_stmt *sums_row) {
    enum err e = ERR_OK;
    int exit = 0;
    writer_name(writer, member);
    writer_open(writer, '[');
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
    }
    writer_close(writer, ']');
    return exit != 0 ? exit : inquirer_fail(inquirer, e);
}

#define KNOWN_SQL(where)                                                          \
    "SELECT batch, id, name, state, created_ms, jobs FROM batch WHERE " where " " \
    "ORDER BY batch DESC LIMIT ?2"

static int put_known(struct inquirer *inquirer, struct writer *writer, const char *key,
                     const struct digest *head, sqlite3_stmt *sums_row) {
    sqlite3_stmt *row = NULL;
    int exit = inquirer_prepare(inquirer, KNOWN_SQL("key=?1"), &row);
    if (exit == 0) {
        db_bind_text(row, 1, bytes_text(key));
        db_bind_i64(row, 2, 1);
        exit = put_batches(inquirer, writer, "by_key", row, sums_row);
    }
    (void)sqlite3_finalize(row);
    row = NULL;
    if (exit == 0)
        exit = inquirer_prepare(inquirer, KNOWN_SQL("head=?1"), &row);
    if (exit == 0) {
        db_bind_digest(row, 1, head);
        db_bind_i64(row, 2, SIMILAR_MAX);
        exit = put_batches(inquirer, writer, "by_head", row, sums_row);
    }
    (void)sqlite3_finalize(row);
    return exit;
}

int query_batch_known(struct inquirer *inquirer, struct writer *writer) {
    sqlite3_stmt *sums_row = NULL;
    const char *key = inquirer_text(inquirer, "key"), *head = inquirer_text(inquirer, "head");
    struct digest digest = {{0}};
    char sql[2048];
    if (head && !digest_parse(bytes_text(head), &digest))
        return inquirer_refuse(inquirer, EX_USAGE, "head is a SHA-256 in hex");
    (void)snprintf(sql, sizeof(sql), "SELECT %s FROM sum_by_model WHERE batch=?1", sums_totals());
    int exit = inquirer_prepare(inquirer, sql, &sums_row);
    if (exit == 0)
        exit = put_known(inquirer, writer, key ? key : "", &digest, sums_row);
    (void)sqlite3_finalize(sums_row);
    return exit;
}
