// A start: every narrow row of the journal, in the order that the core asks for.
#include "broker/journal.h"
#include "common/log.h"

#include <sysexits.h>

// Slots by the numbers that rows name each other with.
struct slots {
    uint32_t lanes[LANES_MAX];
    bool workers[WORKERS_MAX];
    uint64_t records;
};

typedef void (*row_reader)(struct core *core, struct slots *slots, sqlite3_stmt *row);

static void copy_text(char *to, size_t room, struct bytes text) {
    size_t size = text.size < room ? text.size : room - 1;
    if (size > 0)
        memcpy(to, text.at, size);
    to[size] = 0;
}

static uint32_t lane_slot_of(const struct slots *slots, uint64_t number) {
    if (number >= LANES_MAX || slots->lanes[number] == 0)
        fatal(EX_DATAERR, "journal.broken", "why=\"a row names a lane that is not there\"");
    return slots->lanes[number];
}

// 0 where the job has no attempt open.
static uint32_t worker_slot_of(const struct slots *slots, uint64_t number) {
    if (number >= WORKERS_MAX || (number > 0 && !slots->workers[number]))
        fatal(EX_DATAERR, "journal.broken", "why=\"a row names a worker that is not there\"");
    return (uint32_t)number;
}

static uint32_t batch_slot_of(const struct core *core, uint64_t number) {
    uint32_t slot = core_find_batch(core, number);
    if (!slot)
        fatal(EX_DATAERR, "journal.broken", "why=\"a row names a batch that is not there\"");
    return slot;
}

// Fewer jobs are configured than the journal holds.
static void too_small(void) {
    fatal(EX_CONFIG, "journal.larger",
          "why=\"the journal holds more jobs than broker.jobs_max allows\""
          " what=\"raise broker.jobs_max to what it was\"");
}

static void read_lane(struct core *core, struct slots *slots, sqlite3_stmt *row) {
    struct lane lane = {.state = (uint8_t)db_u64(row, 4)};
    uint64_t number = db_u64(row, 0);
    copy_text(lane.provider, sizeof(lane.provider), db_bytes(row, 1));
    copy_text(lane.key, sizeof(lane.key), db_bytes(row, 2));
    copy_text(lane.model, sizeof(lane.model), db_bytes(row, 3));
    copy_text(lane.held_reason, sizeof(lane.held_reason), db_bytes(row, 5));
    copy_text(lane.held_detail, sizeof(lane.held_detail), db_bytes(row, 6));
    if (number >= LANES_MAX)
        fatal(EX_DATAERR, "journal.broken", "why=\"more lanes than LANES_MAX\"");
    slots->lanes[number] = core_restore_lane(core, &lane);
}

static void read_worker(struct core *core, struct slots *slots, sqlite3_stmt *row) {
    struct worker worker = {.process = db_id(row, 1), .slots = (uint32_t)db_u64(row, 3)};
    uint64_t number = db_u64(row, 0);
    copy_text(worker.name, sizeof(worker.name), db_bytes(row, 2));
    if (number == 0 || number >= WORKERS_MAX)
        fatal(EX_DATAERR, "journal.broken", "why=\"more workers than WORKERS_MAX\"");
    core_restore_worker(core, (uint32_t)number, &worker);
    slots->workers[number] = true;
}

static void read_batch(struct core *core, struct slots *slots, sqlite3_stmt *row) {
    (void)slots;
    struct batch batch = {
        .number = db_u64(row, 0),
        .id = db_id(row, 1),
        .digest = db_digest(row, 3),
        .accepted_through = db_u64(row, 4),
        .refused = db_u64(row, 5),
        .answered = db_u64(row, 6),
        .dead = db_u64(row, 7),
        .parked = db_u64(row, 8),
        .cancelled = db_u64(row, 9),
        .jobs = db_u64(row, 10),
        .attempts_max = (uint32_t)db_u64(row, 11),
        .revision = (uint32_t)db_u64(row, 12),
        .state = (uint8_t)db_u64(row, 13),
        .priority = (uint8_t)db_u64(row, 14),
        .billed = (uint8_t)db_u64(row, 15),
        .is_cancelled = (uint8_t)db_u64(row, 16),
        .unanswered = (uint8_t)db_u64(row, 17),
        .head = db_digest(row, 18),
    };
    copy_text(batch.key, sizeof(batch.key), db_bytes(row, 2));
    (void)core_restore_batch(core, &batch);
}

static void read_conversation(struct core *core, struct slots *slots, sqlite3_stmt *row) {
    (void)slots;
    struct conversation conversation = {.id = db_id(row, 0),
                                        .batch = batch_slot_of(core, db_u64(row, 1)),
                                        .highest_marked = (uint32_t)db_u64(row, 2),
                                        .broken_at = (uint32_t)db_u64(row, 3)};
    if (!core_restore_conversation(core, &conversation))
        too_small();
}

static void read_job(struct core *core, struct slots *slots, sqlite3_stmt *row) {
    struct job job = {
        .number = db_u64(row, 0),
        .id = db_id(row, 1),
        .batch = batch_slot_of(core, db_u64(row, 2)),
        .lane = lane_slot_of(slots, db_u64(row, 4)),
        .line = (uint32_t)db_u64(row, 5),
        .turn = (uint32_t)db_u64(row, 6),
        .priority = (uint8_t)db_u64(row, 7),
        .state = (uint8_t)db_u64(row, 8),
        .tokens_estimate = (uint32_t)db_u64(row, 9),
        .cost_max_pusd = db_i64(row, 10),
        .worker = worker_slot_of(slots, db_u64(row, 12)),
        .lease_number = db_u64(row, 13),
        .marked_wall_ms = db_i64(row, 14),
        .attempt = (uint32_t)db_u64(row, 15),
        .counted = (uint16_t)db_u64(row, 16),
        .backoffs = (uint16_t)db_u64(row, 17),
        .delay_from_wall_ms = db_i64(row, 18),
        .delay_ms = (uint32_t)db_u64(row, 19),
        .outcome = (uint8_t)db_u64(row, 20),
        .reason = (uint8_t)db_u64(row, 21),
        .revision = (uint16_t)db_u64(row, 22),
        .recorded = (uint16_t)db_u64(row, 23),
        .end_mark = (uint64_t)db_i64(row, 24),
        .limit_ms = (uint32_t)db_u64(row, 26),
        .is_cancelled = (uint8_t)db_u64(row, 27),
    };
    struct id conversation = {{0}};
    if (db_bytes(row, 3).size > 0)
        conversation = db_id(row, 3);
    if (db_bytes(row, 11).size > 0)
        job.call = db_id(row, 11);
    if (db_bytes(row, 25).size > 0)
        job.answer = db_id(row, 25);
    if (!core_restore_job(core, &job, conversation))
        too_small();
}

static void read_record(struct core *core, struct slots *slots, sqlite3_stmt *row) {
    slots->records++;
    struct record record = {
        .number = db_u64(row, 0),
        .job = core_find_job(core, db_u64(row, 1)),
        .batch = core_find_batch(core, db_u64(row, 2)),
        .type = (uint8_t)db_u64(row, 3),
        .revision = (uint32_t)db_u64(row, 4),
        .batch_state = (uint8_t)db_u64(row, 5),
        .is_answer_in = (uint8_t)db_u64(row, 6),
        .bytes = (uint32_t)db_u64(row, 7),
    };
    (void)core_restore_record(core, &record);
}

static void read_all(struct journal *journal, struct core *core, struct slots *slots,
                     const char *sql, row_reader reader) {
    sqlite3_stmt *rows;
    enum err e = db_prepare(&journal->db, sql, &rows);
    while (e == ERR_OK && (e = db_step(rows)) == ERR_OK)
        reader(core, slots, rows);
    if (e != ERR_NOT_FOUND)
        fatal(EX_IOERR, "journal.failed", "what=restore why=\"%s\"", err_text(e));
    sqlite3_finalize(rows);
}

void journal_restore(struct journal *journal, struct core *core) {
    struct slots slots = {.records = 0};
    core_restore_counters(core, &journal->counters);
    read_all(journal, core, &slots, "SELECT * FROM lane ORDER BY slot", read_lane);
    read_all(journal, core, &slots, "SELECT * FROM worker ORDER BY slot", read_worker);
    read_all(journal, core, &slots,
             "SELECT number, id, key, digest, accepted_through, refused, answered, dead, parked,"
             " cancelled, jobs, attempts_max, revision, state, priority, billed, is_cancelled,"
             " unanswered FROM batch ORDER BY number",
             read_batch);
    read_all(journal, core, &slots, "SELECT * FROM conversation", read_conversation);
    read_all(journal, core, &slots, "SELECT * FROM job ORDER BY number", read_job);
    read_all(journal, core, &slots,
             "SELECT number, job, batch, type, revision, batch_state, is_answer_in, bytes"
             " FROM record ORDER BY number",
             read_record);
    log_line(LOG_INFO, "journal.restored", "jobs=%u records=%llu", core_job_slots(core),
             (unsigned long long)slots.records);
}
