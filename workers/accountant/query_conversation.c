// conversation.list, conversation.show. Shapes: queries.h.
#include "common/id.h"
#include "workers/accountant/ledger.h"
#include "workers/accountant/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { JOB_AT_turn = 3 };

// ---- showing one --------------------------------------------------------------------------------

static int open_show(struct show *show) {
    struct inquirer *inquirer = show->inquirer;
    bool is_single = show->found.conversation == 0;
    int exit = inquirer_prepare(
        inquirer,
        is_single
            ? "SELECT j.job, j.id, j.custom_id, j.turn, j.outcome, j.reason, c.id, b.id, b.name, "
              "p.provider, m.name, j.tags, NULL, NULL, j.at_ms FROM job j JOIN batch b ON "
              "b.batch=j.batch JOIN ai_platform p ON p.platform=j.platform JOIN model m ON "
              "m.model=j.model LEFT JOIN call c ON c.call=j.answer WHERE j.job=?1"
            : "SELECT j.job, j.id, j.custom_id, j.turn, j.outcome, j.reason, c.id, b.id, b.name, "
              "p.provider, m.name, j.tags, v.id, v.name, j.at_ms FROM job j JOIN batch b ON "
              "b.batch=j.batch JOIN ai_platform p ON p.platform=j.platform JOIN model m ON "
              "m.model=j.model JOIN conversation v ON v.conversation=j.conversation "
              "LEFT JOIN call c ON c.call=j.answer WHERE j.conversation=?1 ORDER BY j.turn, j.job",
        &show->jobs);
    if (exit == 0)
        exit = is_single ? calls_of_job(inquirer, false, &show->calls)
                         : calls_of_conversation(inquirer, false, &show->calls);
    if (exit == 0)
        exit = is_single ? calls_of_job(inquirer, true, &show->newest)
                         : calls_of_conversation(inquirer, true, &show->newest);
    if (exit == 0)
        exit = identifier_kinds(inquirer, &show->kinds);
    if (exit == 0)
        exit =
            inquirer_prepare(inquirer, "SELECT evidence FROM answer WHERE call=?1", &show->answer);
    if (exit == 0)
        exit = inquirer_prepare(inquirer, "SELECT line FROM job_line WHERE job=?1", &show->lines);
    if (exit == 0)
        exit =
            inquirer_prepare(inquirer,
                             "SELECT m.role, m.content, m.at_ms, c.id FROM message m JOIN call c "
                             "ON c.call=m.call WHERE m.conversation=?1 AND m.turn=?2 AND m.job=?3 "
                             "ORDER BY m.message",
                             &show->messages);
    int64_t key = is_single ? show->found.job : show->found.conversation;
    if (exit == 0) {
        db_bind_i64(show->jobs, 1, key);
        db_bind_i64(show->calls, 1, key);
        db_bind_i64(show->newest, 1, key);
    }
    return exit;
}

static void close_show(struct show *show) {
    (void)sqlite3_finalize(show->jobs);
    (void)sqlite3_finalize(show->calls);
    (void)sqlite3_finalize(show->newest);
    (void)sqlite3_finalize(show->kinds);
    (void)sqlite3_finalize(show->answer);
    (void)sqlite3_finalize(show->lines);
    (void)sqlite3_finalize(show->messages);
}

static int put_about(struct show *show) {
    sqlite3_stmt *row = show->jobs;
    int exit = inquirer_only(show->inquirer, row, "the conversation has no turn");
    if (exit != 0)
        return exit;
    put_uuid_of(show->writer, "conversation", row, show->found.conversation ? 12 : 1);
    put_text_of(show->writer, "name", row, 13);
    put_uuid_of(show->writer, "batch", row, 7);
    put_text_of(show->writer, "batch_name", row, 8);
    put_text_of(show->writer, "provider", row, 9);
    put_text_of(show->writer, "model", row, 10);
    put_json_of(show->writer, "tags", row, 11);
    db_reset(row);
    return 0;
}

static int put_turns(struct show *show) {
    enum err e;
    writer_name(show->writer, "turns");
    writer_open(show->writer, '[');
    while ((e = show_next(show, show->jobs, JOB_AT_turn)) == ERR_OK) {
        writer_open(show->writer, '{');
        put_i64_of(show->writer, "turn", show->jobs, 3);
        put_uuid_of(show->writer, "job", show->jobs, 1);
        put_text_of(show->writer, "custom_id", show->jobs, 2);
        put_text_of(show->writer, "outcome", show->jobs, 4);
        put_text_of(show->writer, "reason", show->jobs, 5);
        put_call_of(show->writer, "answer", show->jobs, 6);
        writer_close(show->writer, '}');
    }
    writer_close(show->writer, ']');
    return inquirer_fail(show->inquirer, e);
}

// ---- messages -----------------------------------------------------------------------------------

// The members of a neutral message behind our own.
static void put_members(struct writer *writer, const struct json_scan *scan, uint32_t object) {
    if (scan->nodes[object].shape != JSON_SHAPE_object)
        return;
    for (uint32_t i = object + 1; i < scan->nodes[object].end; i = scan->nodes[i].end) {
        const struct json_node *node = &scan->nodes[i];
        if (writer->needs_comma)
            buf_byte(writer->out, ',');
        buf_byte(writer->out, '"');
        buf_put(writer->out, scan->text.at + node->name_at, node->name_size);
        buf_text(writer->out, "\":");
        writer->needs_comma = false;
        writer_json(writer, json_raw(scan, i));
    }
}

// A message that does not fit is only named.
static void put_message(struct show *show, int64_t number, int64_t turn, const char *role,
                        uint32_t object) {
    struct writer *writer = show->writer;
    writer_open(writer, '{');
    put_i64(writer, "message", number);
    put_i64(writer, "turn", turn);
    if (show->cut < CUT_contents) {
        put_members(writer, &show->inquirer->scan, object);
        return;
    }
    put_text(writer, "role", bytes_text(role));
    put_null(writer, "content");
    put_bool(writer, "is_cut", true);
}

static int unsqueeze_column(struct show *show, sqlite3_stmt *row, int column) {
    struct inquirer *inquirer = show->inquirer;
    if (unsqueeze(&inquirer->squeezer, db_bytes(row, column), &inquirer->unsqueezed) != ERR_OK ||
        json_scan(&inquirer->scan, buf_bytes(&inquirer->unsqueezed), NULL) != ERR_OK)
        return inquirer_refuse(inquirer, EX_IOERR, "a text is kept damaged");
    return 0;
}

// Both sides of an answered turn.
static int put_answered(struct show *show, int64_t turn, int64_t job, int64_t *count) {
    enum err e;
    int exit = 0;
    *count = 0;
    db_bind_i64(show->messages, 1, show->found.conversation);
    db_bind_i64(show->messages, 2, turn);
    db_bind_i64(show->messages, 3, job);
    while (exit == 0 && (e = db_step(show->messages)) == ERR_OK) {
        bool is_answer = bytes_is(db_bytes(show->messages, 0), "assistant");
        bool is_users = bytes_is(db_bytes(show->messages, 0), "user");
        exit = unsqueeze_column(show, show->messages, 1);
        if (exit != 0)
            break;
        put_message(show, is_answer ? 2 * turn : 2 * turn - 1, turn,
                    is_users ? "user" : "assistant", 0);
        if (is_answer)
            put_call_of(show->writer, "call", show->messages, 3);
        else
            put_null(show->writer, "call");
        put_i64_of(show->writer, "at_ms", show->messages, 2);
        writer_close(show->writer, '}');
        ++*count;
    }
    db_reset(show->messages);
    return exit != 0 ? exit : inquirer_fail(show->inquirer, e);
}

// What a line asks, as it was submitted: a turn's input, or a native request's messages.
static void put_asked(struct show *show, int64_t turn) {
    struct json_scan *scan = &show->inquirer->scan;
    uint32_t input = json_find(scan, 0, "input"), body = json_find(scan, 0, "body");
    body = body || input ? body : json_find(scan, 0, "params");
    uint32_t messages = input ? 0 : json_find(scan, body, "messages"); // body 0: the line itself
    if (show->cut == CUT_contents) {
        put_message(show, 2 * turn - 1, turn, "user", 0);
        put_null(show->writer, "call");
        put_i64_of(show->writer, "at_ms", show->jobs, 14);
        writer_close(show->writer, '}');
        return;
    }
    if (input != 0) {
        writer_open(show->writer, '{');
        put_i64(show->writer, "message", 2 * turn - 1);
        put_i64(show->writer, "turn", turn);
        put_text(show->writer, "role", bytes_text("user"));
        put_json(show->writer, "content", json_raw(scan, input));
        put_null(show->writer, "call");
        put_i64_of(show->writer, "at_ms", show->jobs, 14);
        writer_close(show->writer, '}');
    }
    for (uint32_t i = messages + 1; messages && i < scan->nodes[messages].end;
         i = scan->nodes[i].end) {
        put_message(show, 1, turn, "user", i);
        put_null(show->writer, "call");
        put_i64_of(show->writer, "at_ms", show->jobs, 14);
        writer_close(show->writer, '}');
    }
}

static int put_line(struct show *show, int64_t turn) {
    db_bind_i64(show->lines, 1, db_i64(show->jobs, 0));
    enum err e = db_step(show->lines);
    int exit =
        e == ERR_OK ? unsqueeze_column(show, show->lines, 0) : inquirer_fail(show->inquirer, e);
    if (e == ERR_OK && exit == 0)
        put_asked(show, turn);
    db_reset(show->lines);
    return exit;
}

// A single call's answer, as the extractor read it.
static int put_single_answer(struct show *show) {
    struct bytes parts[PARTS_MAX];
    sqlite3_stmt *row;
    int exit = inquirer_prepare(show->inquirer,
                                "SELECT c.call, c.id, c.at_ms FROM job j JOIN call c ON "
                                "c.call=j.answer WHERE j.job=?1",
                                &row);
    if (exit != 0)
        return exit;
    db_bind_i64(row, 1, show->found.job);
    enum err e = db_step(row);
    if (e == ERR_OK)
        exit = inquirer_evidence(show->inquirer, show->answer, db_i64(row, 0), parts);
    struct bytes message = bytes_text("");
    if (e == ERR_OK && exit == 0)
        message = parts[EVIDENCE_message];
    if (message.size > 0 && json_scan(&show->inquirer->scan, message, NULL) == ERR_OK) {
        put_message(show, 2, 1, "assistant", 0);
        put_call_of(show->writer, "call", row, 1);
        put_i64_of(show->writer, "at_ms", row, 2);
        writer_close(show->writer, '}');
    }
    (void)sqlite3_finalize(row);
    return exit != 0 ? exit : inquirer_fail(show->inquirer, e);
}

static int put_messages(struct show *show) {
    enum err e = ERR_OK;
    int exit = 0;
    writer_name(show->writer, "messages");
    writer_open(show->writer, '[');
    while (exit == 0 && !show_is_over(show) &&
           (e = show_next(show, show->jobs, JOB_AT_turn)) == ERR_OK) {
        int64_t turn = db_i64(show->jobs, 3), count = 0;
        if (show->found.conversation != 0)
            exit = put_answered(show, turn, db_i64(show->jobs, 0), &count);
        if (exit == 0 && count == 0)
            exit = put_line(show, turn);
    }
    db_reset(show->jobs);
    if (exit == 0 && show->found.conversation == 0 && show->last > show->after)
        exit = put_single_answer(show);
    writer_close(show->writer, ']');
    return exit != 0 ? exit : inquirer_fail(show->inquirer, e);
}

static int put_page(struct show *show) {
    int exit = put_about(show);
    if (exit == 0)
        exit = put_turns(show);
    if (exit == 0)
        exit = put_messages(show);
    if (exit == 0)
        show_identifiers(show);
    if (exit == 0)
        exit = show_metadata(show);
    if (exit == 0)
        exit = show_usage(show);
    return exit == 0 ? show_cost(show) : exit;
}

// ---- pages --------------------------------------------------------------------------------------

// Lets the page end after so many of the turns above `after`. *count says how many it has then,
// *is_all whether they are the last ones.
static int choose_turns(struct show *show, int64_t most, int64_t *count, bool *is_all) {
    enum err e;
    *count = 0;
    show->last = show->after;
    while ((e = db_step(show->jobs)) == ERR_OK) {
        int64_t turn = db_i64(show->jobs, JOB_AT_turn);
        if (turn <= show->last)
            continue;
        if (*count == most)
            break;
        show->last = turn;
        ++*count;
    }
    *is_all = e == ERR_NOT_FOUND;
    db_reset(show->jobs);
    return inquirer_fail(show->inquirer, e);
}

// Writes as many turns as one message can hold: all, else half of them, and so on; of one turn
// that is still too large as much as fits.
static int put_all(struct show *show) {
    int64_t count, most = inquirer_number(show->inquirer, "limit", INT64_MAX);
    bool is_all;
    char next[32] = "";
    for (;;) {
        int exit = choose_turns(show, most < 1 ? 1 : most, &count, &is_all);
        if (exit == 0)
            exit = put_page(show);
        if (exit != 0)
            return exit;
        if (!show_is_over(show) || (count <= 1 && show->cut == CUT_contents))
            break;
        if (count <= 1)
            show->cut++;
        most = count / 2;
        // Nothing but the answer's opening bracket stood before.
        buf_reset(show->writer->out);
        *show->writer = (struct writer){.out = show->writer->out};
        writer_open(show->writer, '{');
    }
    if (!is_all)
        (void)snprintf(next, sizeof(next), "%" PRId64, show->last);
    put_text(show->writer, "next", bytes_text(next));
    put_bool(show->writer, "is_cut", show->cut != CUT_nothing);
    return 0;
}

int query_conversation_show(struct inquirer *inquirer, struct writer *writer) {
    struct show show = {.inquirer = inquirer, .writer = writer};
    const char *after = inquirer_text(inquirer, "after");
    show.has_bodies = inquirer_flag(inquirer, "bodies", true);
    show.after = after ? strtoll(after, NULL, 10) : 0;
    int exit = which_conversation(inquirer, &show.found);
    if (exit == 0)
        exit = open_show(&show);
    if (exit == 0)
        exit = put_all(&show);
    close_show(&show);
    return exit;
}

// ---- listing ------------------------------------------------------------------------------------

static void put_listed(struct writer *writer, sqlite3_stmt *row) {
    struct sums sums = {.at = {0}};
    if (sqlite3_column_type(row, 8) != SQLITE_NULL)
        sums_read(row, 8, &sums);
    put_uuid_of(writer, "conversation", row, 1);
    put_text_of(writer, "name", row, 2);
    put_uuid_of(writer, "batch", row, 3);
    put_text_of(writer, "batch_name", row, 4);
    put_i64_of(writer, "turns", row, 5);
    put_i64_of(writer, "answered", row, 6);
    put_i64_of(writer, "last_ms", row, 7);
    put_sums(writer, &sums);
}

static int prepare_list(struct inquirer *inquirer, int64_t batch, sqlite3_stmt **row) {
    char sql[4096];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT v.conversation, v.id, v.name, b.id, b.name, "
                   "(SELECT count(*) FROM job j WHERE j.conversation=v.conversation), "
                   "(SELECT count(*) FROM job j WHERE j.conversation=v.conversation AND j.answer), "
                   "(SELECT max(at_ms) FROM job j WHERE j.conversation=v.conversation), %s "
                   "FROM conversation v JOIN batch b ON b.batch=v.batch LEFT JOIN "
                   "sum_by_conversation s ON s.conversation=v.conversation WHERE %s",
                   sums_columns(),
                   batch ? CONVERSATION_HAS_BATCH " AND v.conversation>?2 ORDER BY v.conversation"
                         : "v.conversation>?2 ORDER BY v.conversation");
    return inquirer_prepare(inquirer, sql, row);
}

int query_conversation_list(struct inquirer *inquirer, struct writer *writer) {
    sqlite3_stmt *row = NULL;
    struct page page;
    char next[32] = "";
    int64_t batch;
    int exit = inquirer_batch(inquirer, true, &batch);
    if (exit == 0)
        exit = prepare_list(inquirer, batch, &row);
    if (exit != 0)
        return exit;
    const char *after = inquirer_text(inquirer, "after");
    enum err e;
    if (batch)
        db_bind_i64(row, 1, batch);
    db_bind_i64(row, 2, after ? strtoll(after, NULL, 10) : 0);
    page_open(&page, inquirer, writer, "conversations");
    while ((e = db_step(row)) == ERR_OK) {
        put_listed(page_entry(&page), row);
        if (!page_take(&page))
            break;
        (void)snprintf(next, sizeof(next), "%" PRId64, db_i64(row, 0));
    }
    page_close(&page, next);
    (void)sqlite3_finalize(row);
    return inquirer_fail(inquirer, e);
}
