// conversation.resolve and batch.known: what a submission has to know of the past. Shapes:
// queries.h.
#include "common/id.h"
#include "workers/accountant/show.h"

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
                       sqlite3_stmt *row) {
    enum err e;
    writer_name(writer, member);
    writer_open(writer, '[');
    while ((e = db_step(row)) == ERR_OK) {
        writer_open(writer, '{');
        put_uuid_of(writer, "batch", row, 0);
        put_text_of(writer, "name", row, 1);
        put_text_of(writer, "state", row, 2);
        put_i64_of(writer, "created_ms", row, 3);
        put_i64_of(writer, "jobs", row, 4);
        put_i64_of(writer, "calls", row, 5);
        put_i64_of(writer, "amount_pusd", row, 6);
        put_i64_of(writer, "unpriced_calls", row, 7);
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
    return inquirer_fail(inquirer, e);
}

#define KNOWN_SQL(where)                                                                    \
    "SELECT b.id, b.name, b.state, b.created_ms, b.jobs, coalesce(sum(s.calls), 0), "       \
    "coalesce(sum(s.amount_pusd), 0), coalesce(sum(s.unpriced), 0) FROM batch b LEFT JOIN " \
    "sum_by_model s ON s.batch=b.batch WHERE " where                                        \
    " GROUP BY b.batch ORDER BY b.batch DESC LIMIT ?2"

int query_batch_known(struct inquirer *inquirer, struct writer *writer) {
    sqlite3_stmt *row = NULL;
    const char *key = inquirer_text(inquirer, "key"), *head = inquirer_text(inquirer, "head");
    struct digest digest = {{0}};
    if (head && !digest_parse(bytes_text(head), &digest))
        return inquirer_refuse(inquirer, EX_USAGE, "head is a SHA-256 in hex");
    int exit = inquirer_prepare(inquirer, KNOWN_SQL("b.key=?1"), &row);
    if (exit == 0) {
        db_bind_text(row, 1, bytes_text(key ? key : ""));
        db_bind_i64(row, 2, 1);
        exit = put_batches(inquirer, writer, "by_key", row);
    }
    (void)sqlite3_finalize(row);
    row = NULL;
    if (exit == 0)
        exit = inquirer_prepare(inquirer, KNOWN_SQL("b.head=?1"), &row);
    if (exit == 0) {
        db_bind_digest(row, 1, &digest);
        db_bind_i64(row, 2, SIMILAR_MAX);
        exit = put_batches(inquirer, writer, "by_head", row);
    }
    (void)sqlite3_finalize(row);
    return exit;
}
