#include "workers/accountant/ledger.h"

#include "common/id.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "ledger_migrations.h"
#include "workers/accountant/identifiers.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum {
    APPLICATION_ID = 0x636c6c67, // "cllg"
    CACHE_KIB = 65536,
    PAGE_BYTES = 8192,
    INDEX_CALLS = 10000,   // calls that make a run of the value index
    INDEX_VALUES = 120000, // or that many values
    SQUEEZED_BYTES_MAX = DB_VALUE_BYTES_MAX - 64,
};

const struct db_options *ledger_options(void) {
    static const struct db_options options = {
        .vacuums = true,
        .cache_kib = CACHE_KIB,
        .page_bytes = PAGE_BYTES,
        .application_id = APPLICATION_ID,
        .migrations = ledger_migrations,
        .migration_count = ledger_migrations_count,
    };
    return &options;
}

static const char *const sqls[LEDGER_SQLS] = {
    [SQL_find_job] = "SELECT job, outcome, revision, answer, is_cut, tags FROM job WHERE id=?1",
    [SQL_find_call] = "SELECT call, state, digest, job, amount_pusd IS NOT NULL OR "
                      "is_possibly_billed FROM call WHERE id=?1",
    [SQL_flag_call] = "UPDATE call SET is_possibly_billed=1, possibly_pusd=?2 WHERE call=?1",
    [SQL_add_job] =
        "INSERT INTO job (job, id, number, batch, line, custom_id, conversation, turn, platform, "
        "model, key, tags, states, outcome, revision, reason, answer, is_cut, finished, at_ms) "
        "VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20)",
    [SQL_set_job] = "UPDATE job SET outcome=?2, revision=?3, answer=?5, is_cut=?6, at_ms=?8, "
                    "reason=CASE WHEN ?7 IS NULL THEN reason ELSE ?4 END, "
                    "finished=coalesce(?7, finished) WHERE job=?1",
    [SQL_add_line] = "INSERT OR IGNORE INTO job_line (job, line) VALUES (?1, ?2)",
    [SQL_drop_call] = "DELETE FROM call WHERE call=?1",
    [SQL_add_call] =
        "INSERT INTO call (call, id, job, attempt, batch, conversation, turn, record, state, role, "
        "platform, model, served, tier, status, class, reason, detail, bytes_left, worker, "
        "catalogue, traceparent, strategy, context, context_turns, digest, marked_ms, started_ms, "
        "first_byte_ms, first_token_ms, duration_ms, retry_after_ms, at_ms, day, finish, "
        "finish_raw, error_type, "
        "error_code, error_message, in_uncached, in_cached, in_cache_write, in_audio, out_visible, "
        "out_reasoning, out_audio, total_stated, in_cache_write_1h, web_searches, in_tool_use, "
        "in_image, out_image, is_inconsistent, "
        "cost_state, amount_pusd, "
        "stated_pusd, computed_pusd, price, unpriced, is_possibly_billed, possibly_pusd, "
        "identifiers) VALUES "
        "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
        "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [SQL_add_answer] = "INSERT INTO answer (call, evidence) VALUES (?1, ?2)",
    [SQL_add_message] = "INSERT INTO message (conversation, turn, role, job, call, at_ms, content) "
                        "VALUES (?1,?2,?3,?4,?5,?6,?7)",
    [SQL_add_value] = "INSERT OR IGNORE INTO value_index (run, hash, target) VALUES (?1, ?2, ?3)",
    [SQL_add_refused] =
        "INSERT OR IGNORE INTO refused_line (batch, line, custom_id, conversation_name, reason, "
        "detail, at_ms) VALUES (?1,?2,?3,?4,?5,?6,?7) RETURNING line",
    [SQL_find_batch] = "SELECT revision, record FROM batch WHERE batch=?1",
    [SQL_set_batch] =
        "UPDATE batch SET key=?2, digest=?3, name=?4, tags=?5, state=?6, revision=?7, lines=?8, "
        "settled_ms=?9, record=?10, head=?11 WHERE batch=?1",
    [SQL_add_batch_tag] = "INSERT OR IGNORE INTO batch_tag (tag, batch) VALUES (?1, ?2)",
    [SQL_tags_before] = "SELECT tags FROM job WHERE conversation=?1 AND turn<?2 "
                        "ORDER BY turn DESC LIMIT 1",
    [SQL_turns_before] = "SELECT DISTINCT turn FROM message WHERE conversation=?1 AND turn<?2 "
                         "ORDER BY turn",
    [SQL_old_call] = "SELECT is_possibly_billed, possibly_pusd, platform, coalesce(served, model), "
                     "day, state, marked_ms FROM call WHERE call=?1",
    [SQL_has_record] = "SELECT 1 FROM quarantine WHERE record=?1 UNION ALL "
                       "SELECT 2 FROM conflict WHERE record=?1",
    [SQL_add_quarantine] =
        "INSERT INTO quarantine (record, job_id, call_id, why, at_ms, item, frames) "
        "VALUES (?1,?2,?3,?4,?5,?6,?7)",
    [SQL_add_conflict] =
        "INSERT INTO conflict (record, job_id, call_id, what, at_ms, item, frames) "
        "VALUES (?1,?2,?3,?4,?5,?6,?7)",
    [SQL_set_ledger] = "UPDATE ledger SET journal=?1, applied=?2, records=?3, finished=?4, run=?5, "
                       "indexed_call=?6, indexed_job=?7, indexed_conversation=?8",
    [SQL_history] = "SELECT content FROM message WHERE conversation=?1 AND turn<?2 "
                    "ORDER BY turn, message",
    [SQL_settings] = "SELECT l.line FROM job j JOIN job_line l ON l.job=j.job "
                     "WHERE j.conversation=?1 AND j.turn<?2 AND j.states<>0 AND "
                     "(j.outcome IS 'answered' OR NOT EXISTS (SELECT 1 FROM job o WHERE "
                     "o.conversation=j.conversation AND "
                     "o.turn=j.turn AND o.batch<>j.batch AND o.outcome='answered')) "
                     "ORDER BY j.turn",
    [SQL_moved] = "SELECT 1 FROM message m JOIN job j ON j.job=m.job JOIN batch b ON "
                  "b.batch=j.batch WHERE m.conversation=?1 AND m.turn>=?2 AND b.id<>?3 LIMIT 1",
    [SQL_line] = "SELECT line FROM job_line WHERE job=?1",
    [SQL_find_key] = "SELECT id, lines, digest FROM batch WHERE key=?1 ORDER BY batch DESC LIMIT 1",
};

// ---- opening ------------------------------------------------------------------------------------

static enum err make_state(struct ledger *ledger, bool simulated) {
    sqlite3_stmt *add = NULL;
    struct id id = uuid_new(ledger->now_ms);
    enum err e = db_prepare(&ledger->db,
                            "INSERT OR IGNORE INTO ledger (one, id, simulated, created_ms) "
                            "VALUES (1, ?1, ?2, ?3)",
                            &add);
    if (e != ERR_OK)
        return e;
    db_bind_id(add, 1, &id);
    db_bind_i64(add, 2, simulated);
    db_bind_i64(add, 3, ledger->now_ms);
    e = db_run(add);
    (void)sqlite3_finalize(add);
    return e;
}

static enum err read_state(struct ledger *ledger) {
    sqlite3_stmt *row = NULL;
    enum err e =
        db_prepare(&ledger->db,
                   "SELECT id, simulated, journal, applied, records, finished, run, indexed_call, "
                   "indexed_job, indexed_conversation, (SELECT coalesce(max(call),0) FROM call), "
                   "(SELECT coalesce(max(job),0) FROM job), "
                   "(SELECT coalesce(max(conversation),0) FROM conversation) FROM ledger",
                   &row);
    if (e == ERR_OK)
        e = db_step(row);
    if (e == ERR_OK) {
        ledger->id = db_id(row, 0);
        ledger->simulated = db_i64(row, 1) != 0;
        ledger->journal = db_id(row, 2);
        ledger->applied = db_u64(row, 3);
        int64_t *numbers[] = {
            &ledger->records,      &ledger->rows.finished, &ledger->run,
            &ledger->indexed_call, &ledger->indexed_job,   &ledger->indexed_conversation,
            &ledger->rows.call,    &ledger->rows.job,      &ledger->rows.conversation};
        for (int i = 0; i < (int)(sizeof(numbers) / sizeof(numbers[0])); i++)
            *numbers[i] = db_i64(row, 4 + i);
    }
    (void)sqlite3_finalize(row);
    return e;
}

static enum err find_calls_again(struct ledger *ledger) {
    sqlite3_stmt *row = NULL;
    enum err e = db_prepare(&ledger->db,
                            "SELECT call, identifiers FROM call WHERE call>?1 "
                            "AND identifiers IS NOT NULL",
                            &row);
    if (e == ERR_OK)
        db_bind_i64(row, 1, ledger->indexed_call);
    while (e == ERR_OK && (e = db_step(row)) == ERR_OK) {
        struct bytes packed = db_bytes(row, 1), value;
        int64_t kind;
        while (identifiers_next(&packed, &kind, &value))
            stage_value(&ledger->stage, value, findex_target(db_i64(row, 0), TARGET_call));
    }
    (void)sqlite3_finalize(row);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

// Values of two columns (the second may be NULL) of the rows beyond what is indexed.
static enum err find_rows_again(struct ledger *ledger, const char *sql, int64_t beyond,
                                enum target_kind kind) {
    sqlite3_stmt *row = NULL;
    enum err e = db_prepare(&ledger->db, sql, &row);
    if (e == ERR_OK)
        db_bind_i64(row, 1, beyond);
    while (e == ERR_OK && (e = db_step(row)) == ERR_OK)
        for (int column = 1; column < sqlite3_column_count(row); column++)
            stage_value(&ledger->stage, db_bytes(row, column), findex_target(db_i64(row, 0), kind));
    (void)sqlite3_finalize(row);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err fill_findex(struct ledger *ledger) {
    enum err e = find_calls_again(ledger);
    if (e == ERR_OK)
        e = find_rows_again(ledger,
                            "SELECT job, custom_id FROM job WHERE job>?1 AND custom_id IS NOT NULL",
                            ledger->indexed_job, TARGET_job);
    if (e == ERR_OK)
        e = find_rows_again(ledger,
                            "SELECT conversation, id, name FROM conversation WHERE conversation>?1",
                            ledger->indexed_conversation, TARGET_conversation);
    findex_add(ledger->findex, ledger->stage.values, ledger->stage.value_count);
    stage_forget(&ledger->stage);
    return e;
}

static enum err prepare_all(struct ledger *ledger) {
    enum err e = ERR_OK;
    for (int i = 0; e == ERR_OK && i < LEDGER_SQLS; i++)
        e = db_prepare(&ledger->db, sqls[i], &ledger->sql[i]);
    if (e == ERR_OK)
        e = names_open(&ledger->names, &ledger->db);
    if (e == ERR_OK)
        e = rollups_open(&ledger->rollups, &ledger->db);
    return e;
}

enum err ledger_open(struct ledger *ledger, const char *path, bool simulated, struct findex *findex,
                     struct figures *figures, int64_t now_ms) {
    *ledger = (struct ledger){.findex = findex, .figures = figures, .now_ms = now_ms};
    squeezer_open(&ledger->squeezer);
    json_scan_init(&ledger->scan);
    json_scan_init(&ledger->name_scan);
    buf_init(&ledger->squeezed, SQUEEZED_BYTES_MAX);
    buf_init(&ledger->unsqueezed, SQUEEZED_BYTES_MAX);
    buf_init(&ledger->packed, FACTS_BYTES_MAX);
    buf_init(&ledger->text, FACTS_BYTES_MAX);
    enum err e = db_open(&ledger->db, path, ledger_options());
    if (e == ERR_OK)
        e = make_state(ledger, simulated);
    if (e == ERR_OK)
        e = read_state(ledger);
    if (e == ERR_OK && ledger->simulated != simulated) {
        log_line(LOG_ERROR, "ledger.money", "is=%s asked=%s path=\"%s\"",
                 ledger->simulated ? "simulated" : "real", simulated ? "simulated" : "real", path);
        e = ERR_DENIED;
    }
    if (e == ERR_OK)
        e = prepare_all(ledger);
    if (e == ERR_OK)
        e = fill_findex(ledger);
    if (e != ERR_OK)
        ledger_close(ledger);
    else
        atomic_store(&figures->applied, ledger->applied);
    return e;
}

void ledger_close(struct ledger *ledger) {
    for (int i = 0; i < LEDGER_SQLS; i++) {
        (void)sqlite3_finalize(ledger->sql[i]);
        ledger->sql[i] = NULL;
    }
    names_close(&ledger->names);
    rollups_close(&ledger->rollups);
    stage_release(&ledger->stage);
    db_close(&ledger->db);
    squeezer_close(&ledger->squeezer);
    json_scan_release(&ledger->scan);
    json_scan_release(&ledger->name_scan);
    buf_release(&ledger->squeezed);
    buf_release(&ledger->unsqueezed);
    buf_release(&ledger->packed);
    buf_release(&ledger->text);
}

// ---- transactions -------------------------------------------------------------------------------

static enum err begin(struct ledger *ledger) {
    if (ledger->is_open_transaction)
        return ERR_OK;
    ledger->names.now_ms = ledger->now_ms;
    enum err e = db_begin(&ledger->db);
    ledger->is_open_transaction = e == ERR_OK;
    return e;
}

static enum err write_state(struct ledger *ledger) {
    sqlite3_stmt *set = ledger->sql[SQL_set_ledger];
    if (id_is_none(ledger->journal))
        db_bind_null(set, 1);
    else
        db_bind_id(set, 1, &ledger->journal);
    db_bind_u64(set, 2, ledger->applied);
    const int64_t numbers[] = {ledger->records,     ledger->rows.finished,
                               ledger->run,         ledger->indexed_call,
                               ledger->indexed_job, ledger->indexed_conversation};
    for (int i = 0; i < (int)(sizeof(numbers) / sizeof(numbers[0])); i++)
        db_bind_i64(set, 3 + i, numbers[i]);
    return db_run(set);
}

enum err ledger_commit(struct ledger *ledger) {
    if (!ledger->is_open_transaction)
        return ERR_OK;
    enum err e = rollups_flush(&ledger->rollups);
    if (e == ERR_OK)
        e = write_state(ledger);
    if (e == ERR_OK)
        e = db_commit(&ledger->db);
    ledger->is_open_transaction = false;
    atomic_store(&ledger->figures->applied, ledger->applied);
    atomic_store(&ledger->figures->unindexed, ledger->findex->count);
    atomic_fetch_add(&ledger->figures->transactions, 1);
    return e;
}

// What was staged under a savepoint that is now released becomes part of the transaction.
static void merge_stage(struct ledger *ledger) {
    struct stage *stage = &ledger->stage;
    for (size_t i = 0; i < stage->call_count; i++) {
        const struct stage_call *call = &stage->calls[i];
        rollups_add(&ledger->rollups, &call->key, &call->sums, call->sign);
        for (size_t k = 0; k < call->tag_count; k++)
            rollups_add_tag(&ledger->rollups, stage->tags[call->first_tag + k], call->key.batch,
                            &call->sums, call->sign);
    }
    for (size_t i = 0; i < stage->count_count; i++)
        rollups_count(&ledger->rollups, stage->counts[i].batch, stage->counts[i].count,
                      stage->counts[i].by);
    findex_add(ledger->findex, stage->values, stage->value_count);
    stage_forget(stage);
}

static bool is_fatal(enum err e) {
    return e == ERR_IO || e == ERR_FULL;
}

static enum err undo(struct ledger *ledger, const struct ledger_rows *before) {
    stage_forget(&ledger->stage);
    names_forget(&ledger->names);
    ledger->rows = *before;
    return db_undo(&ledger->db);
}

static void note_applied(struct ledger *ledger, const struct record_item *record) {
    ledger->records++;
    if (record->number > ledger->applied)
        ledger->applied = record->number;
    atomic_fetch_add(&ledger->figures->records, 1);
}

// A call whose record is in quarantine is a call all the same: as far as its names can be taken in
// it has its row, possibly billed, and a job that it did not answer its outcome.
static enum err name_quarantined(struct ledger *ledger, const struct record_item *record,
                                 const struct record_frames *frames) {
    const struct ledger_rows before = ledger->rows;
    struct recorded_item ignored;
    struct record_item bare;
    struct record_frames verbatim;
    const char *why;
    book_bare(record, frames, &bare, &verbatim);
    enum err e = db_save(&ledger->db);
    if (e == ERR_OK)
        e = book_record(ledger, &bare, &verbatim, &ignored, &why);
    if (e == ERR_OK) {
        e = db_release(&ledger->db);
        merge_stage(ledger);
        return e;
    }
    return is_fatal(e) ? e : undo(ledger, &before); // not even its names: quarantine has them
}

// One record under a savepoint of its own; what cannot be applied goes into quarantine.
static enum err apply_one(struct ledger *ledger, const struct record_item *record,
                          const struct record_frames *frames, struct recorded_item *told) {
    const struct ledger_rows before = ledger->rows;
    const char *why = "constraint";
    enum err e = db_save(&ledger->db);
    if (e == ERR_OK)
        e = book_record(ledger, record, frames, told, &why);
    if (e == ERR_OK) {
        e = db_release(&ledger->db);
        merge_stage(ledger);
        return e;
    }
    if (is_fatal(e) || (e = undo(ledger, &before)) != ERR_OK)
        return e;
    e = book_quarantine(ledger, record, frames, why, told);
    return e == ERR_OK ? name_quarantined(ledger, record, frames) : e;
}

// All records of a message under one savepoint, which costs less: they nearly always apply.
static enum err apply_all(struct ledger *ledger, const struct record_item *records,
                          const struct record_frames *frames, size_t count,
                          struct recorded_item *told) {
    const char *why;
    enum err e = db_save(&ledger->db);
    for (size_t i = 0; e == ERR_OK && i < count; i++)
        e = book_record(ledger, &records[i], &frames[i], &told[i], &why);
    if (e == ERR_OK) {
        e = db_release(&ledger->db);
        merge_stage(ledger);
    }
    return e;
}

enum err ledger_apply(struct ledger *ledger, const struct record_item *records,
                      const struct record_frames *frames, size_t count,
                      struct recorded_item *told) {
    const struct ledger_rows before = ledger->rows;
    enum err e = begin(ledger);
    if (e != ERR_OK)
        return e;
    e = apply_all(ledger, records, frames, count, told);
    if (e != ERR_OK && !is_fatal(e)) {
        // One of them cannot be applied. Which one shows when each has a savepoint of its own.
        e = undo(ledger, &before);
        for (size_t i = 0; e == ERR_OK && i < count; i++)
            e = apply_one(ledger, &records[i], &frames[i], &told[i]);
    }
    for (size_t i = 0; e == ERR_OK && i < count; i++)
        note_applied(ledger, &records[i]);
    return e;
}

enum err ledger_quarantine(struct ledger *ledger, const struct record_item *read, struct bytes item,
                           const struct record_frames *frames, struct recorded_item *told) {
    enum err e = begin(ledger);
    if (e == ERR_OK)
        e = book_quarantine_raw(ledger, read, item, frames, told);
    if (e == ERR_OK)
        e = name_quarantined(ledger, read, frames);
    if (e == ERR_OK)
        note_applied(ledger, read);
    return e;
}

// ---- the value index ----------------------------------------------------------------------------

static enum err write_run(struct ledger *ledger) {
    size_t count;
    struct findex_entry *entries = findex_sorted(ledger->findex, &count);
    sqlite3_stmt *add = ledger->sql[SQL_add_value];
    enum err e = ERR_OK;
    ledger->run++;
    for (size_t i = 0; e == ERR_OK && i < count; i++) {
        db_bind_i64(add, 1, ledger->run);
        db_bind_i64(add, 2, entries[i].hash);
        db_bind_i64(add, 3, entries[i].target);
        e = db_run(add);
    }
    mem_free(entries);
    ledger->indexed_call = ledger->rows.call;
    ledger->indexed_job = ledger->rows.job;
    ledger->indexed_conversation = ledger->rows.conversation;
    return e;
}

enum err ledger_index(struct ledger *ledger, bool is_all) {
    assert(!ledger->is_open_transaction);
    size_t waiting = ledger->findex->count;
    bool is_due = ledger->rows.call - ledger->indexed_call >= INDEX_CALLS ||
                  waiting >= INDEX_VALUES || (is_all && waiting > 0);
    if (!is_due)
        return ERR_OK;
    enum err e = begin(ledger);
    if (e == ERR_OK)
        e = write_run(ledger);
    if (e == ERR_OK)
        e = ledger_commit(ledger);
    if (e == ERR_OK)
        findex_clear(ledger->findex);
    return e;
}

// ---- pairing, keys ------------------------------------------------------------------------------

static enum err pair_now(struct ledger *ledger, struct id journal) {
    ledger->journal = journal;
    enum err e = begin(ledger);
    return e == ERR_OK ? ledger_commit(ledger) : e;
}

enum err ledger_pair(struct ledger *ledger, struct id journal, uint64_t issued, uint64_t recorded,
                     char *why, size_t why_size) {
    char journal_text[UUID_TEXT_SIZE], own_text[UUID_TEXT_SIZE];
    uuid_text(journal, journal_text);
    uuid_text(ledger->journal, own_text);
    bool is_fresh = ledger->applied == 0;
    if (is_fresh && recorded == 0)
        return id_equal(journal, ledger->journal) ? ERR_OK : pair_now(ledger, journal);
    if (is_fresh)
        (void)snprintf(why, why_size,
                       "the ledger is empty, but journal %s has records up to %" PRIu64
                       " that a ledger confirmed: put that ledger.db back",
                       journal_text, recorded);
    else if (!id_equal(journal, ledger->journal))
        (void)snprintf(why, why_size,
                       "the ledger worked with journal %s, this is journal %s: journal.db was "
                       "replaced; put back the one that belongs to this ledger",
                       own_text, journal_text);
    else if (recorded > ledger->applied)
        (void)snprintf(why, why_size,
                       "the ledger was restored from an older copy: it holds records up to %" PRIu64
                       ", the journal has confirmation up to %" PRIu64
                       "; restore journal and ledger of one moment",
                       ledger->applied, recorded);
    else if (ledger->applied > issued)
        (void)snprintf(why, why_size,
                       "the journal was restored from an older copy: it has issued records up to "
                       "%" PRIu64 ", the ledger holds records up to %" PRIu64
                       "; restore journal and ledger of one moment",
                       issued, ledger->applied);
    else
        return ERR_OK;
    return ERR_DENIED;
}

enum err ledger_find_key(struct ledger *ledger, struct bytes key, struct key_known_head *known) {
    sqlite3_stmt *row = ledger->sql[SQL_find_key];
    db_bind_text(row, 1, key);
    enum err e = db_step(row);
    known->is_known = e == ERR_OK;
    if (e == ERR_OK) {
        known->batch_id = db_id(row, 0);
        known->lines = db_u64(row, 1);
        known->digest = db_digest(row, 2);
        db_reset(row);
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}
