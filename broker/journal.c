#include "broker/journal.h"

#include "common/id.h"
#include "common/log.h"
#include "journal_sql.h"

#include <sysexits.h>

enum { VACUUM_PAGES = 2048 }; // given back in one turn

static const char *const texts_of[STATEMENTS] = {
    [PUT_JOB] = "INSERT INTO job VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,"
                "?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28)",
    // What never changes stands in the insert only; the numbers of the arguments are the same.
    [UPDATE_JOB] = "UPDATE job SET state=?9, tokens_estimate=?10, cost_max_pusd=?11, call=?12,"
                   " worker=?13, lease_number=?14, marked_wall_ms=?15, attempt=?16, counted=?17,"
                   " backoffs=?18, delay_from_wall_ms=?19, delay_ms=?20, outcome=?21, reason=?22,"
                   " revision=?23, recorded=?24, end_mark=?25, answer=?26, limit_ms=?27,"
                   " is_cancelled=?28 WHERE number=?1",
    [DELETE_JOB] = "DELETE FROM job WHERE number=?1",
    [PUT_PAYLOAD] = "INSERT INTO payload VALUES (?1,?2,?3,?4,?5,?6,?7)",
    [GET_PAYLOAD] = "SELECT custom_id, conversation, api, traceparent, line, origin FROM payload"
                    " WHERE job=?1",
    [DELETE_PAYLOAD] = "DELETE FROM payload WHERE job=?1",
    [PUT_RECORD] = "INSERT INTO record VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
    [GET_RECORD] = "SELECT item, headers, body FROM record WHERE number=?1",
    [DELETE_RECORD] = "DELETE FROM record WHERE number=?1",
    [PUT_BATCH] = "INSERT INTO batch VALUES (?1,?2,?3,?18,?19,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,"
                  "?14,?15,?16,?20,?17,?21)",
    [UPDATE_BATCH] = "UPDATE batch SET digest=?4, accepted_through=?5, refused=?6, answered=?7,"
                     " dead=?8, parked=?9, cancelled=?10, jobs=?11, attempts_max=?12,"
                     " revision=?13, state=?14, priority=?15, billed=?16, is_cancelled=?17"
                     " WHERE number=?1",
    [DELETE_BATCH] = "DELETE FROM batch WHERE number=?1",
    [GET_BATCH] = "SELECT name, tags FROM batch WHERE number=?1",
    [PUT_LANE] = "INSERT OR REPLACE INTO lane VALUES (?1,?2,?3,?4,?5,?6,?7)",
    [PUT_WORKER] = "INSERT OR REPLACE INTO worker VALUES (?1,?2,?3,?4)",
    [DELETE_WORKER] = "DELETE FROM worker WHERE slot=?1",
    [PUT_CONVERSATION] = "INSERT OR REPLACE INTO conversation VALUES (?1,?2,?3,?4)",
    [DELETE_CONVERSATION] = "DELETE FROM conversation WHERE id=?1",
    [UPDATE_META] = "UPDATE meta SET jobs=?1, batches=?2, calls=?3, issued=?4, recorded=?5"
                    " WHERE id=1",
};

// The core is ahead of the disk and what the disk holds is not known: there is one honest way on.
static void check(struct journal *journal, enum err e, const char *what) {
    if (e != ERR_OK)
        fatal(e == ERR_FULL ? EX_TEMPFAIL : EX_IOERR, "journal.failed",
              "what=%s why=\"%s\" sqlite=\"%s\"", what, err_text(e), db_error(&journal->db));
}

static sqlite3_stmt *write_with(struct journal *journal, enum statement statement) {
    if (!journal->is_open) {
        check(journal, db_begin(&journal->db), "begin");
        journal->is_open = true;
    }
    return journal->statements[statement];
}

static void run(struct journal *journal, enum statement statement) {
    check(journal, db_run(journal->statements[statement]), texts_of[statement]);
}

static void make_meta(struct journal *journal, bool is_simulated) {
    sqlite3_stmt *insert;
    struct id id = uuid_new(0);
    bytes_put_u64(id.at, random_u64());
    check(journal,
          db_prepare(&journal->db, "INSERT INTO meta VALUES (1,?1,?2,0,0,0,0,0,0)", &insert),
          "meta");
    db_bind_id(insert, 1, &id);
    db_bind_u64(insert, 2, is_simulated);
    check(journal, db_run(insert), "meta");
    sqlite3_finalize(insert);
}

static bool has_meta(struct journal *journal) {
    sqlite3_stmt *select;
    check(journal, db_prepare(&journal->db, "SELECT 1 FROM meta", &select), "meta");
    enum err e = db_step(select);
    if (e != ERR_NOT_FOUND)
        check(journal, e, "meta");
    sqlite3_finalize(select);
    return e == ERR_OK;
}

static void read_meta(struct journal *journal) {
    sqlite3_stmt *select;
    check(journal,
          db_prepare(
              &journal->db,
              "SELECT journal, simulated, jobs, batches, calls, issued, recorded, starts FROM meta",
              &select),
          "meta");
    check(journal, db_step(select), "meta");
    journal->id = db_id(select, 0);
    journal->is_simulated = db_u64(select, 1) != 0;
    journal->counters = (struct counters_row){.jobs = db_u64(select, 2),
                                              .batches = db_u64(select, 3),
                                              .calls = db_u64(select, 4),
                                              .issued = db_u64(select, 5),
                                              .recorded = db_u64(select, 6)};
    journal->starts = db_u64(select, 7) + 1;
    sqlite3_finalize(select);
}

void journal_open(struct journal *journal, const char *path, bool is_simulated) {
    memset(journal, 0, sizeof(*journal));
    struct db_options options = {.is_exclusive = true,
                                 .vacuums = true,
                                 .cache_kib = 64 * 1024,
                                 .application_id = 0x636f6c6a, // "colj"
                                 .migrations = journal_sql,
                                 .migration_count = journal_sql_count};
    enum err e = db_open(&journal->db, path, &options);
    if (e == ERR_EXISTS)
        fatal(
            EX_TEMPFAIL, "journal.busy",
            "path=%s why=\"another broker has this journal open: stop it, or use another --data\"",
            path);
    if (e != ERR_OK)
        fatal(e == ERR_FULL ? EX_TEMPFAIL
              : e == ERR_IO ? EX_IOERR
                            : EX_DATAERR,
              "journal.unusable", "path=%s why=\"%s\"", path, err_text(e));
    for (int i = 0; i < STATEMENTS; i++)
        check(journal, db_prepare(&journal->db, texts_of[i], &journal->statements[i]), texts_of[i]);
    if (!has_meta(journal))
        make_meta(journal, is_simulated); // new, or its first start was cut short
    read_meta(journal);
    check(journal, db_exec(&journal->db, "UPDATE meta SET starts = starts + 1"), "meta");
    if (journal->is_simulated != is_simulated)
        fatal(EX_CONFIG, "journal.other_money",
              "path=%s why=\"its money is %s: simulated and real money never meet; use another"
              " --data\"",
              path, journal->is_simulated ? "simulated" : "real");
}

void journal_close(struct journal *journal) {
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(journal->statements[i]);
    db_close(&journal->db);
    memset(journal, 0, sizeof(*journal));
}

// ---- writing ----------------------------------------------------------------------------------

// NULL where there is none.
static void bind_id_or_null(sqlite3_stmt *to, int at, const struct id *id) {
    if (id_is_none(*id))
        db_bind_null(to, at);
    else
        db_bind_id(to, at, id);
}

static void bind_job(sqlite3_stmt *to, const struct core *core, const struct job *job) {
    db_bind_u64(to, 1, job->number);
    db_bind_id(to, 2, &job->id);
    db_bind_u64(to, 3, core_batch(core, job->batch)->number);
    if (job->conversation)
        db_bind_id(to, 4, &core_conversation(core, job->conversation)->id);
    else
        db_bind_null(to, 4);
    db_bind_u64(to, 5, job->lane);
    db_bind_u64(to, 6, job->line);
    db_bind_u64(to, 7, job->turn);
    db_bind_u64(to, 8, job->priority);
    db_bind_u64(to, 9, job->state);
    db_bind_u64(to, 10, job->tokens_estimate);
    db_bind_i64(to, 11, job->cost_max_pusd);
    bind_id_or_null(to, 12, &job->call);
    db_bind_u64(to, 13, job->worker);
    db_bind_u64(to, 14, job->lease_number);
    db_bind_i64(to, 15, job->marked_wall_ms);
    db_bind_u64(to, 16, job->attempt);
    db_bind_u64(to, 17, job->counted);
    db_bind_u64(to, 18, job->backoffs);
    db_bind_i64(to, 19, job->delay_from_wall_ms);
    db_bind_u64(to, 20, job->delay_ms);
    db_bind_u64(to, 21, job->outcome);
    db_bind_u64(to, 22, job->reason);
    db_bind_u64(to, 23, job->revision);
    db_bind_u64(to, 24, job->recorded);
    db_bind_i64(to, 25, (int64_t)job->end_mark);
    bind_id_or_null(to, 26, &job->answer);
    db_bind_u64(to, 27, job->limit_ms);
    db_bind_u64(to, 28, job->is_cancelled);
}

static void delete_by_number(struct journal *journal, enum statement statement, uint64_t number) {
    db_bind_u64(write_with(journal, statement), 1, number);
    run(journal, statement);
}

void journal_store_job(struct journal *journal, const struct core *core, uint32_t slot,
                       bool is_new) {
    const struct job *job = core_job(core, slot);
    if (job->state == JOB_GONE) {
        delete_by_number(journal, DELETE_JOB, job->number);
        delete_by_number(journal, DELETE_PAYLOAD, job->number);
        return;
    }
    enum statement statement = is_new ? PUT_JOB : UPDATE_JOB;
    bind_job(write_with(journal, statement), core, job);
    run(journal, statement);
}

void journal_store_batch(struct journal *journal, const struct core *core, uint32_t slot,
                         const struct batch_texts *texts) {
    const struct batch *batch = core_batch(core, slot);
    if (batch->state == BATCH_GONE) {
        delete_by_number(journal, DELETE_BATCH, batch->number);
        return;
    }
    enum statement statement = texts ? PUT_BATCH : UPDATE_BATCH;
    sqlite3_stmt *to = write_with(journal, statement);
    db_bind_u64(to, 1, batch->number);
    if (texts) {
        db_bind_id(to, 2, &batch->id);
        db_bind_text(to, 3, bytes_text(batch->key));
        db_bind_text(to, 18, texts->name);
        db_bind_text(to, 19, texts->tags);
        db_bind_u64(to, 20, batch->unanswered);
        db_bind_digest(to, 21, &batch->head);
    }
    db_bind_digest(to, 4, &batch->digest);
    db_bind_u64(to, 5, batch->accepted_through);
    db_bind_u64(to, 6, batch->refused);
    db_bind_u64(to, 7, batch->answered);
    db_bind_u64(to, 8, batch->dead);
    db_bind_u64(to, 9, batch->parked);
    db_bind_u64(to, 10, batch->cancelled);
    db_bind_u64(to, 11, batch->jobs);
    db_bind_u64(to, 12, batch->attempts_max);
    db_bind_u64(to, 13, batch->revision);
    db_bind_u64(to, 14, batch->state);
    db_bind_u64(to, 15, batch->priority);
    db_bind_u64(to, 16, batch->billed);
    db_bind_u64(to, 17, batch->is_cancelled);
    run(journal, statement);
}

void journal_store_lane(struct journal *journal, const struct core *core, uint32_t slot) {
    const struct lane *lane = core_lane(core, slot);
    sqlite3_stmt *to = write_with(journal, PUT_LANE);
    db_bind_u64(to, 1, slot);
    db_bind_text(to, 2, bytes_text(lane->provider));
    db_bind_text(to, 3, bytes_text(lane->key));
    db_bind_text(to, 4, bytes_text(lane->model));
    db_bind_u64(to, 5, lane->state);
    db_bind_text(to, 6, bytes_text(lane->held_reason));
    db_bind_text(to, 7, bytes_text(lane->held_detail));
    run(journal, PUT_LANE);
}

void journal_store_worker(struct journal *journal, const struct core *core, uint32_t slot) {
    const struct worker *worker = core_worker(core, slot);
    if (!worker->is_stored) {
        delete_by_number(journal, DELETE_WORKER, slot);
        return;
    }
    sqlite3_stmt *to = write_with(journal, PUT_WORKER);
    db_bind_u64(to, 1, slot);
    db_bind_id(to, 2, &worker->process);
    db_bind_text(to, 3, bytes_text(worker->name));
    db_bind_u64(to, 4, worker->slots);
    run(journal, PUT_WORKER);
}

void journal_store_conversation(struct journal *journal, const struct core *core, uint32_t slot) {
    const struct conversation *conversation = core_conversation(core, slot);
    if (!conversation->is_stored) {
        db_bind_id(write_with(journal, DELETE_CONVERSATION), 1, &conversation->id);
        run(journal, DELETE_CONVERSATION);
        return;
    }
    sqlite3_stmt *to = write_with(journal, PUT_CONVERSATION);
    db_bind_id(to, 1, &conversation->id);
    db_bind_u64(to, 2, core_batch(core, conversation->batch)->number);
    db_bind_u64(to, 3, conversation->highest_marked);
    db_bind_u64(to, 4, conversation->broken_at);
    run(journal, PUT_CONVERSATION);
}

void journal_store_counters(struct journal *journal, const struct core *core) {
    struct counters_row now = core_counters(core);
    const struct counters_row *on_disk = &journal->counters;
    // The confirmation of a record rides with its deletion, the rest with the rows that it names.
    if (now.jobs == on_disk->jobs && now.batches == on_disk->batches &&
        now.calls == on_disk->calls && now.issued == on_disk->issued &&
        now.recorded == on_disk->recorded)
        return;
    sqlite3_stmt *to = write_with(journal, UPDATE_META);
    db_bind_u64(to, 1, now.jobs);
    db_bind_u64(to, 2, now.batches);
    db_bind_u64(to, 3, now.calls);
    db_bind_u64(to, 4, now.issued);
    db_bind_u64(to, 5, now.recorded);
    run(journal, UPDATE_META);
    journal->counters = now;
}

void journal_put_payload(struct journal *journal, uint64_t job, const struct payload *payload) {
    sqlite3_stmt *to = write_with(journal, PUT_PAYLOAD);
    db_bind_u64(to, 1, job);
    db_bind_text(to, 2, payload->custom_id);
    db_bind_text(to, 3, payload->conversation);
    db_bind_text(to, 4, payload->api);
    db_bind_text(to, 5, payload->traceparent);
    db_bind_blob(to, 6, payload->line);
    bind_id_or_null(to, 7, &payload->origin);
    run(journal, PUT_PAYLOAD);
}

void journal_put_record(struct journal *journal, const struct core *core, uint32_t slot,
                        const struct record_row *row) {
    const struct record *record = core_record(core, slot);
    sqlite3_stmt *to = write_with(journal, PUT_RECORD);
    db_bind_u64(to, 1, record->number);
    db_bind_u64(to, 2, record->job ? core_job(core, record->job)->number : 0);
    db_bind_u64(to, 3, record->batch ? core_batch(core, record->batch)->number : 0);
    db_bind_u64(to, 4, record->type);
    db_bind_u64(to, 5, record->revision);
    db_bind_u64(to, 6, record->batch_state);
    db_bind_u64(to, 7, record->is_answer_in);
    db_bind_u64(to, 8, record->bytes);
    db_bind_blob(to, 9, row->item);
    db_bind_blob(to, 10, row->headers);
    db_bind_blob(to, 11, row->body);
    run(journal, PUT_RECORD);
}

void journal_delete_record(struct journal *journal, uint64_t number) {
    delete_by_number(journal, DELETE_RECORD, number);
}

// ---- reading ------------------------------------------------------------------------------------

static bool get(struct journal *journal, enum statement statement, uint64_t number) {
    sqlite3_stmt *select = journal->statements[statement];
    db_bind_u64(select, 1, number);
    enum err e = db_step(select);
    if (e != ERR_NOT_FOUND)
        check(journal, e, texts_of[statement]);
    return e == ERR_OK;
}

bool journal_get_payload(struct journal *journal, uint64_t job, struct payload *payload) {
    sqlite3_stmt *row = journal->statements[GET_PAYLOAD];
    *payload = (struct payload){.line = {0}};
    if (!get(journal, GET_PAYLOAD, job))
        return false;
    *payload =
        (struct payload){.custom_id = db_bytes(row, 0),
                         .conversation = db_bytes(row, 1),
                         .api = db_bytes(row, 2),
                         .traceparent = db_bytes(row, 3),
                         .line = db_bytes(row, 4),
                         .origin = db_bytes(row, 5).size > 0 ? db_id(row, 5) : (struct id){{0}}};
    return true;
}

void journal_release_payload(struct journal *journal) {
    db_reset(journal->statements[GET_PAYLOAD]);
}

bool journal_get_record(struct journal *journal, uint64_t number, struct record_row *row) {
    sqlite3_stmt *from = journal->statements[GET_RECORD];
    if (!get(journal, GET_RECORD, number))
        return false;
    *row = (struct record_row){
        .item = db_bytes(from, 0), .headers = db_bytes(from, 1), .body = db_bytes(from, 2)};
    return true;
}

void journal_release_record(struct journal *journal) {
    db_reset(journal->statements[GET_RECORD]);
}

bool journal_get_batch(struct journal *journal, uint64_t number, struct batch_texts *texts) {
    sqlite3_stmt *from = journal->statements[GET_BATCH];
    if (!get(journal, GET_BATCH, number))
        return false;
    *texts = (struct batch_texts){.name = db_bytes(from, 0), .tags = db_bytes(from, 1)};
    return true;
}

void journal_release_batch(struct journal *journal) {
    db_reset(journal->statements[GET_BATCH]);
}

// ---- turns --------------------------------------------------------------------------------------

void journal_commit(struct journal *journal) {
    if (!journal->is_open)
        return;
    check(journal, db_commit(&journal->db), "commit");
    journal->is_open = false;
    journal->commits++;
}

void journal_limit(struct journal *journal, const struct space_limits *limits) {
    check(journal, db_limit_wal(&journal->db, limits->wal_bytes, limits->wal_share_bytes),
          "limit the log");
    journal->free_bytes_kept = limits->free_bytes_kept;
}

// What only makes order may find no room for it: what is stored is not touched by that.
static void check_tidy(struct journal *journal, enum err e, const char *what) {
    if (e != ERR_FULL)
        check(journal, e, what);
}

void journal_tidy(struct journal *journal, bool is_idle, bool is_disk_short) {
    // What a large batch has left is given back to the file system, a little at a time; the file
    // is cut by the checkpoint that follows.
    uint64_t free_bytes = db_free_count(&journal->db) * db_page_bytes(&journal->db);
    bool gives_back =
        is_disk_short ? free_bytes > 0 : is_idle && free_bytes > journal->free_bytes_kept;
    if (gives_back)
        check_tidy(journal, db_vacuum_some(&journal->db, VACUUM_PAGES), "vacuum");
    if (gives_back || (is_disk_short && journal->db.wal_pages > 0))
        check_tidy(journal, db_checkpoint_all(&journal->db), "checkpoint");
    else
        check_tidy(journal, db_checkpoint_if_due(&journal->db, is_idle), "checkpoint");
}

uint64_t journal_used_bytes(struct journal *journal) {
    uint64_t pages = db_page_count(&journal->db);
    uint64_t free_pages = db_free_count(&journal->db);
    return (pages - free_pages) * db_page_bytes(&journal->db);
}

uint64_t journal_disk_bytes(struct journal *journal) {
    return db_disk_bytes(&journal->db);
}
