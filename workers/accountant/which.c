#include "common/id.h"
#include "common/text.h"
#include "workers/accountant/show.h"

#include <stdio.h>

enum { CANDIDATES_MAX = 64, CANDIDATES_NAMED_MAX = 8 };

// The conversations that a text may mean.
struct candidates {
    const char *text;
    struct id id;
    bool is_id;
    int64_t batch; // only of this one; 0: of any
    sqlite3_stmt *row;
    sqlite3_stmt *turn_of; // whether the batch that asks has turns in it; NULL: none asks
    int64_t conversation;  // that was found last
    int64_t own;           // of those that are meant, the one with turns of the batch that asks
    size_t matches;
    char named[CANDIDATES_NAMED_MAX * 96];
};

// For people: the ids, and what batches they began in.
static void name_candidate(struct candidates *candidates) {
    char id[UUID_TEXT_SIZE];
    size_t used = strlen(candidates->named);
    struct bytes batch = bytes_cut(db_bytes(candidates->row, 3), 48);
    if (candidates->matches > CANDIDATES_NAMED_MAX)
        return;
    uuid_text(db_id(candidates->row, 0), id);
    text_print(candidates->named + used, sizeof(candidates->named) - used, "%s%s (%.*s)",
               used ? ", " : "", id, (int)batch.size, batch.size ? (const char *)batch.at : "");
}

// A file that is sent again means the conversation that it has meant before, whatever has been
// called the same since then.
static enum err note_own(struct candidates *candidates) {
    db_bind_i64(candidates->turn_of, 1, candidates->conversation);
    enum err e = db_step(candidates->turn_of);
    if (e == ERR_OK)
        candidates->own = candidates->conversation;
    db_reset(candidates->turn_of);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

// Takes a row of `conversation` if it is one that is meant.
static enum err try_candidate(struct candidates *candidates, int64_t conversation) {
    sqlite3_stmt *row = candidates->row;
    db_bind_i64(row, 1, conversation);
    enum err e = db_step(row);
    if (e != ERR_OK)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    bool is_meant = candidates->is_id && id_equal(db_id(row, 0), candidates->id);
    if (!is_meant)
        is_meant = bytes_is(db_bytes(row, 1), candidates->text) &&
                   (candidates->batch == 0 || db_i64(row, 2) == candidates->batch);
    if (is_meant) {
        candidates->conversation = conversation;
        candidates->matches++;
        name_candidate(candidates);
    }
    db_reset(row);
    return is_meant && candidates->turn_of ? note_own(candidates) : ERR_OK;
}

static int judge(struct inquirer *inquirer, const struct candidates *candidates, size_t looked_at) {
    if (candidates->own != 0)
        return 0;
    // The conversations of that name in other batches may be among those that were cut off.
    if (candidates->matches < 2 && looked_at == CANDIDATES_MAX && candidates->batch == 0 &&
        !candidates->is_id)
        return inquirer_refuse(inquirer, EX_DATAERR,
                               "too much is called %.*s to look through: name the batch, or give "
                               "the conversation's id",
                               text_fit(candidates->text, 64), candidates->text);
    if (candidates->matches > 1)
        return inquirer_refuse(
            inquirer, EX_DATAERR, "%zu conversations are called %.*s, give the id of one: %s%s",
            candidates->matches, text_fit(candidates->text, 64), candidates->text,
            candidates->named, candidates->matches > CANDIDATES_NAMED_MAX ? " …" : "");
    return 0;
}

static int ask_for_own(struct inquirer *inquirer, sqlite3_stmt **turn_of) {
    const char *asking = inquirer_text(inquirer, "asking");
    struct id id;
    if (!asking || !id_parse(bytes_text(asking), &id))
        return 0;
    int exit = inquirer_prepare(inquirer,
                                "SELECT 1 FROM job j JOIN batch b ON b.batch=j.batch WHERE "
                                "j.conversation=?1 AND b.id=?2 LIMIT 1",
                                turn_of);
    if (exit == 0)
        db_bind_id(*turn_of, 2, &id);
    return exit;
}

static int find_by_value(struct inquirer *inquirer, const char *text, int64_t batch,
                         struct found *found) {
    int64_t targets[CANDIDATES_MAX];
    size_t count = 0;
    struct candidates candidates = {.text = text, .batch = batch};
    candidates.is_id = id_parse(bytes_text(text), &candidates.id);
    struct bytes id = bytes_of(candidates.id.at, sizeof(candidates.id.at));
    int exit = inquirer_targets(inquirer, bytes_text(text), targets, CANDIDATES_MAX, &count);
    if (exit == 0 && candidates.is_id)
        exit = inquirer_targets(inquirer, id, targets, CANDIDATES_MAX, &count);
    if (exit == 0)
        exit = inquirer_prepare(inquirer,
                                "SELECT v.id, v.name, v.batch, b.name FROM conversation v JOIN "
                                "batch b ON b.batch=v.batch WHERE v.conversation=?1",
                                &candidates.row);
    if (exit == 0)
        exit = ask_for_own(inquirer, &candidates.turn_of);
    for (size_t i = 0; exit == 0 && i < count; i++)
        if (targets[i] % 4 == TARGET_conversation)
            exit = inquirer_fail(inquirer, try_candidate(&candidates, targets[i] / 4));
    (void)sqlite3_finalize(candidates.row);
    (void)sqlite3_finalize(candidates.turn_of);
    found->conversation = candidates.own ? candidates.own : candidates.conversation;
    return exit != 0 ? exit : judge(inquirer, &candidates, count);
}

static int find_in_batch(struct inquirer *inquirer, const char *name, int64_t batch,
                         struct found *found) {
    sqlite3_stmt *row;
    int exit = inquirer_prepare(
        inquirer, "SELECT conversation FROM conversation WHERE batch=?1 AND name=?2", &row);
    if (exit != 0)
        return exit;
    db_bind_i64(row, 1, batch);
    db_bind_text(row, 2, bytes_text(name));
    enum err e = db_step(row);
    if (e == ERR_OK)
        found->conversation = db_i64(row, 0);
    (void)sqlite3_finalize(row);
    return inquirer_fail(inquirer, e);
}

// A single call's conversation has its job's id.
static int find_by_job(struct inquirer *inquirer, const char *text, struct found *found) {
    sqlite3_stmt *row;
    struct id id;
    if (!id_parse(bytes_text(text), &id))
        return 0;
    int exit = inquirer_prepare(inquirer, "SELECT job, conversation FROM job WHERE id=?1", &row);
    if (exit != 0)
        return exit;
    db_bind_id(row, 1, &id);
    enum err e = db_step(row);
    if (e == ERR_OK) {
        found->job = db_i64(row, 0);
        found->conversation = db_i64(row, 1);
    }
    (void)sqlite3_finalize(row);
    return inquirer_fail(inquirer, e);
}

int which_conversation(struct inquirer *inquirer, struct found *found) {
    const char *text = inquirer_text(inquirer, "conversation");
    int64_t batch;
    *found = (struct found){.conversation = 0};
    if (!text)
        return inquirer_refuse(inquirer, EX_USAGE, "which conversation?");
    int exit = inquirer_batch(inquirer, true, &batch);
    if (exit == 0 && batch != 0)
        exit = find_in_batch(inquirer, text, batch, found);
    if (exit == 0 && found->conversation == 0)
        exit = find_by_value(inquirer, text, batch, found);
    if (exit == 0 && found->conversation == 0)
        exit = find_by_job(inquirer, text, found);
    if (exit == 0 && found->conversation == 0 && found->job == 0)
        exit = inquirer_refuse(inquirer, EX_NOINPUT, "the ledger knows no conversation %.*s",
                               text_fit(text, 64), text);
    return exit;
}
