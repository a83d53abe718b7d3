// The broker's disk as tables in memory: stands in for broker/journal.c and journal_restore.c.
// What a turn writes is there at once and is taken back where the turn does not commit.
#include "common/log.h"
#include "common/wire.h"
#include "tests/broker-sim/world.h"

#include <sysexits.h>

enum { RECORDS_ROWS = 16384, UNDO_MAX = 4096, ROW_BYTES = 450, PAGE_BYTES = 4096 };

struct job_row {
    struct job row;
    struct id conversation;
    uint64_t batch;
    struct payload payload;
    bool is_there, has_payload;
};

struct record_kept {
    struct record row;
    uint64_t job, batch;
    struct record_row texts;
    bool is_there;
};

struct batch_kept {
    struct batch row;
    struct batch_texts texts;
    bool is_there;
};

struct conversation_kept {
    struct conversation row;
    uint64_t batch;
    bool is_there;
};

struct worker_kept {
    struct worker row;
    bool is_there;
};

struct lane_kept {
    struct lane row;
    bool is_there;
};

static struct {
    struct job_row jobs[JOBS_MAX];
    struct record_kept records[RECORDS_ROWS];
    struct batch_kept batches[BATCHES_OPENED_MAX];
    struct conversation_kept conversations[FILES * CONVERSATIONS * 4];
    struct worker_kept workers[WORKERS_MAX];
    struct lane_kept lanes[LANES_MAX];
    struct counters_row counters;
    uint64_t starts;
    struct id id;
    uint64_t bytes; // of rows
    // Highest place of each table that was used in this schedule.
    uint64_t job_top, record_top, batch_top, conversation_top, worker_top, lane_top;
    bool is_failing;
} disk;

// What a row was before this turn.
struct undo {
    void *at;
    void *before;
    size_t size;
};
static struct undo undo[UNDO_MAX];
static uint32_t undo_count;

void disk_open(void) {
}

void disk_shut(void) {
}

void disk_reset(void) {
    memset(disk.jobs, 0, (disk.job_top + 1) * sizeof(disk.jobs[0]));
    memset(disk.records, 0, (disk.record_top + 1) * sizeof(disk.records[0]));
    memset(disk.batches, 0, (disk.batch_top + 1) * sizeof(disk.batches[0]));
    memset(disk.conversations, 0, sizeof(disk.conversations));
    memset(disk.workers, 0, (disk.worker_top + 1) * sizeof(disk.workers[0]));
    memset(disk.lanes, 0, (disk.lane_top + 1) * sizeof(disk.lanes[0]));
    disk.job_top = disk.record_top = disk.batch_top = 0;
    disk.worker_top = disk.lane_top = disk.conversation_top = 0;
    disk.counters = (struct counters_row){0};
    disk.starts = disk.bytes = 0;
    bytes_put_u64(disk.id.at, mix(world.seed, 7) | 1);
    disk.is_failing = false;
    undo_count = 0;
}

const char *disk_folder(void) {
    return "/world";
}

uint64_t disk_empty_bytes(void) {
    return 0;
}

bool disk_is_failing(void) {
    return disk.is_failing;
}

static void save(void *at, size_t size) {
    PROMISE(undo_count < UNDO_MAX, "a turn wrote too many rows");
    void *before = post_take(size);
    memcpy(before, at, size);
    undo[undo_count++] = (struct undo){at, before, size};
}
#define SAVE(row) save(&(row), sizeof(row))

void disk_crashed(void) {
    while (undo_count > 0) {
        const struct undo *last = &undo[--undo_count];
        memcpy(last->at, last->before, last->size);
    }
    disk.is_failing = false;
}

struct id disk_mark_of(uint64_t job) {
    const struct job_row *row = &disk.jobs[job];
    bool is_marked = job < JOBS_MAX && row->is_there && job_is_marked(&row->row);
    return is_marked && undo_count == 0 ? row->row.call : (struct id){{0}};
}

// ---- opening ------------------------------------------------------------------------------------

void journal_open(struct journal *journal, const char *path, bool is_simulated) {
    (void)path;
    *journal = (struct journal){.id = disk.id,
                                .counters = disk.counters,
                                .starts = ++disk.starts,
                                .is_simulated = is_simulated};
}

void journal_close(struct journal *journal) {
    *journal = (struct journal){0};
}

static void restore_records(struct core *core) {
    for (uint64_t number = 1; number <= disk.record_top; number++) {
        const struct record_kept *kept = &disk.records[number];
        if (!kept->is_there)
            continue;
        struct record row = kept->row;
        row.job = core_find_job(core, kept->job);
        row.batch = core_find_batch(core, kept->batch);
        (void)core_restore_record(core, &row);
    }
}

static void restore_jobs(struct core *core) {
    for (uint64_t number = 1; number <= disk.job_top; number++) {
        const struct job_row *kept = &disk.jobs[number];
        if (!kept->is_there)
            continue;
        struct job row = kept->row;
        row.batch = core_find_batch(core, kept->batch);
        PROMISE(row.batch, "job %llu is there and its batch is not", (unsigned long long)number);
        PROMISE(row.worker == 0 || disk.workers[row.worker].is_there,
                "job %llu names a worker that is not there", (unsigned long long)number);
        (void)core_restore_job(core, &row, kept->conversation);
    }
}

void journal_restore(struct journal *journal, struct core *core) {
    core_restore_counters(core, &journal->counters);
    for (uint64_t slot = 1; slot <= disk.lane_top; slot++)
        if (disk.lanes[slot].is_there)
            (void)core_restore_lane(core, &disk.lanes[slot].row);
    for (uint32_t slot = 1; slot <= disk.worker_top; slot++)
        if (disk.workers[slot].is_there)
            core_restore_worker(core, slot, &disk.workers[slot].row);
    for (uint64_t number = 1; number <= disk.batch_top; number++)
        if (disk.batches[number].is_there)
            (void)core_restore_batch(core, &disk.batches[number].row);
    for (uint32_t i = 0; i < disk.conversation_top; i++)
        if (disk.conversations[i].is_there) {
            struct conversation row = disk.conversations[i].row;
            row.batch = core_find_batch(core, disk.conversations[i].batch);
            (void)core_restore_conversation(core, &row);
        }
    restore_jobs(core);
    restore_records(core);
}

// ---- writing ------------------------------------------------------------------------------------

static uint64_t bytes_of_payload(const struct payload *payload) {
    return payload->line.size + payload->custom_id.size + ROW_BYTES;
}

static uint64_t bytes_of_record(const struct record_row *row) {
    uint64_t bytes = row->item.size + row->headers.size + row->body.size;
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static void top(uint64_t *top_of, uint64_t at, uint64_t room, const char *what) {
    PROMISE(at < room, "too many rows of %s", what);
    if (at > *top_of)
        *top_of = at;
}

void journal_store_job(struct journal *journal, const struct core *core, uint32_t slot,
                       bool is_new) {
    const struct job *job = core_job(core, slot);
    top(&disk.job_top, job->number, JOBS_MAX, "jobs");
    struct job_row *row = &disk.jobs[job->number];
    journal->is_open = true;
    SAVE(*row);
    PROMISE(row->is_there == !is_new, "job %llu is %s", (unsigned long long)job->number,
            is_new ? "inserted twice" : "changed and not there");
    if (job->state == JOB_GONE) {
        SAVE(disk.bytes);
        disk.bytes -= bytes_of_payload(&row->payload);
        *row = (struct job_row){.is_there = false};
        return;
    }
    row->row = *job;
    row->batch = core_batch(core, job->batch)->number;
    row->conversation =
        job->conversation ? core_conversation(core, job->conversation)->id : (struct id){{0}};
    row->is_there = true;
}

// Only what a row of the file has: the rest does not come back.
static struct batch columns_of(const struct batch *batch) {
    struct batch row = {0};
    memcpy(&row, batch, offsetof(struct batch, is_dirty));
    return row;
}

void journal_store_batch(struct journal *journal, const struct core *core, uint32_t slot,
                         const struct batch_texts *texts) {
    const struct batch *batch = core_batch(core, slot);
    top(&disk.batch_top, batch->number, BATCHES_OPENED_MAX, "batches");
    struct batch_kept *kept = &disk.batches[batch->number];
    journal->is_open = true;
    SAVE(*kept);
    if (batch->state == BATCH_GONE) {
        kept->is_there = false;
        return;
    }
    PROMISE(kept->is_there != (texts != NULL), "batch %llu is %s",
            (unsigned long long)batch->number, texts ? "inserted twice" : "changed and not there");
    kept->row = columns_of(batch);
    kept->is_there = true;
    if (texts)
        kept->texts = (struct batch_texts){post_copy(texts->name), post_copy(texts->tags)};
}

void journal_store_lane(struct journal *journal, const struct core *core, uint32_t slot) {
    top(&disk.lane_top, slot, LANES_MAX, "lanes");
    journal->is_open = true;
    SAVE(disk.lanes[slot]);
    disk.lanes[slot] = (struct lane_kept){*core_lane(core, slot), true};
}

void journal_store_worker(struct journal *journal, const struct core *core, uint32_t slot) {
    top(&disk.worker_top, slot, WORKERS_MAX, "workers");
    const struct worker *worker = core_worker(core, slot);
    journal->is_open = true;
    SAVE(disk.workers[slot]);
    disk.workers[slot] = (struct worker_kept){*worker, worker->is_stored};
}

void journal_store_conversation(struct journal *journal, const struct core *core, uint32_t slot) {
    const struct conversation *conversation = core_conversation(core, slot);
    uint32_t free = sizeof(disk.conversations) / sizeof(disk.conversations[0]);
    uint32_t at = 0;
    journal->is_open = true;
    for (; at < disk.conversation_top; at++) {
        const struct conversation_kept *kept = &disk.conversations[at];
        if (kept->is_there && id_equal(kept->row.id, conversation->id))
            break;
        if (!kept->is_there && at < free)
            free = at;
    }
    if (at == disk.conversation_top && !conversation->is_stored)
        return;
    if (at == disk.conversation_top && free < at)
        at = free;
    top(&disk.conversation_top, at + 1, sizeof(disk.conversations) / sizeof(disk.conversations[0]),
        "conversations");
    SAVE(disk.conversations[at]);
    disk.conversations[at] = (struct conversation_kept){.is_there = conversation->is_stored};
    if (!conversation->is_stored)
        return;
    disk.conversations[at].row = *conversation;
    disk.conversations[at].batch = core_batch(core, conversation->batch)->number;
}

void journal_store_counters(struct journal *journal, const struct core *core) {
    struct counters_row now = core_counters(core);
    if (memcmp(&now, &journal->counters, sizeof(now)) == 0)
        return;
    journal->is_open = true;
    SAVE(disk.counters);
    disk.counters = journal->counters = now;
}

void journal_put_payload(struct journal *journal, uint64_t job, const struct payload *payload) {
    top(&disk.job_top, job, JOBS_MAX, "jobs");
    struct job_row *row = &disk.jobs[job];
    journal->is_open = true;
    SAVE(*row);
    SAVE(disk.bytes);
    row->payload = (struct payload){
        .custom_id = post_copy(payload->custom_id),
        .conversation = post_copy(payload->conversation),
        .api = post_copy(payload->api),
        .traceparent = post_copy(payload->traceparent),
        .line = post_copy(payload->line),
        .origin = payload->origin,
    };
    row->has_payload = true;
    disk.bytes += bytes_of_payload(payload);
}

void journal_put_record(struct journal *journal, const struct core *core, uint32_t slot,
                        const struct record_row *row) {
    const struct record *record = core_record(core, slot);
    top(&disk.record_top, record->number, RECORDS_ROWS, "records");
    struct record_kept *kept = &disk.records[record->number];
    PROMISE(!kept->is_there, "record %llu is inserted twice", (unsigned long long)record->number);
    journal->is_open = true;
    SAVE(*kept);
    SAVE(disk.bytes);
    *kept = (struct record_kept){
        .row = *record,
        .job = record->job ? core_job(core, record->job)->number : 0,
        .batch = record->batch ? core_batch(core, record->batch)->number : 0,
        .texts = {post_copy(row->item), post_copy(row->headers), post_copy(row->body)},
        .is_there = true,
    };
    disk.bytes += bytes_of_record(row);
}

void journal_delete_record(struct journal *journal, uint64_t number) {
    journal->is_open = true;
    SAVE(disk.records[number]);
    SAVE(disk.bytes);
    disk.bytes -= bytes_of_record(&disk.records[number].texts);
    disk.records[number].is_there = false;
}

// ---- reading ------------------------------------------------------------------------------------

bool journal_get_payload(struct journal *journal, uint64_t job, struct payload *payload) {
    (void)journal;
    bool is_there = job < JOBS_MAX && disk.jobs[job].has_payload;
    *payload = is_there ? disk.jobs[job].payload : (struct payload){.line = {0}};
    return is_there;
}

void journal_release_payload(struct journal *journal) {
    (void)journal;
}

bool journal_get_record(struct journal *journal, uint64_t number, struct record_row *row) {
    (void)journal;
    *row = disk.records[number].texts;
    return disk.records[number].is_there;
}

void journal_release_record(struct journal *journal) {
    (void)journal;
}

bool journal_get_batch(struct journal *journal, uint64_t number, struct batch_texts *texts) {
    (void)journal;
    *texts = disk.batches[number].texts;
    return disk.batches[number].is_there;
}

void journal_release_batch(struct journal *journal) {
    (void)journal;
}

// ---- turns --------------------------------------------------------------------------------------

void journal_commit(struct journal *journal) {
    if (!journal->is_open)
        return;
    // The two sides of a commit at which a crash differs: nothing of the turn, or all of it and
    // nobody told.
    struct dice *dice = &world.fault_dice;
    uint32_t crash = world.swarm.crash_at_commit;
    if (draw_chance(dice, crash))
        process_dies("power, before its commit");
    if (draw_chance(dice, world.swarm.full_at_commit)) {
        disk.is_failing = true;
        fatal(EX_TEMPFAIL, "journal.failed", "what=commit why=\"the disk is full\"");
    }
    undo_count = 0;
    journal->is_open = false;
    journal->commits++;
    if (draw_chance(dice, crash))
        process_dies("power, behind its commit");
}

void journal_limit(struct journal *journal, const struct space_limits *limits) {
    journal->free_bytes_kept = limits->free_bytes_kept;
}

void journal_tidy(struct journal *journal, bool is_idle, bool is_disk_short) {
    (void)journal;
    (void)is_idle;
    (void)is_disk_short;
}

uint64_t journal_used_bytes(struct journal *journal) {
    (void)journal;
    return disk.bytes;
}

uint64_t journal_disk_bytes(struct journal *journal) {
    (void)journal;
    return disk.bytes + PAGE_BYTES;
}
