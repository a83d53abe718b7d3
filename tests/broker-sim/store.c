// The store of the world: writes are operations that wait for the commit, which applies all of
// them or, at a crash, none.
#include "tests/broker-sim/world.h"

#include <assert.h>
#include <stdlib.h>

enum operation_kind {
    WRITE_job,
    WRITE_batch,
    WRITE_lane,
    WRITE_worker,
    WRITE_conversation,
    WRITE_counters,
    WRITE_payload,
    WRITE_record,
    FORGET_record
};

struct operation {
    enum operation_kind kind;
    uint32_t slot;
    uint64_t number, digest;
    struct id id;
    bool is_delete;
    union {
        struct job job;
        struct batch batch;
        struct lane lane;
        struct worker worker;
        struct conversation conversation;
        struct counters_row counters;
        struct kept_record record;
    } row;
};

_Static_assert(sizeof(struct operation) < 4096, "an operation is a row");

static struct operation *add(struct world *world, enum operation_kind kind) {
    PROMISE(world, world->operation_count < OPERATIONS_MAX, "a turn wrote too many rows");
    struct operation *operation = &world->operations[world->operation_count++];
    operation->kind = kind;
    operation->is_delete = false;
    return operation;
}

static void write_job(struct world *world, uint32_t slot) {
    const struct job *job = core_job(world->core, slot);
    struct operation *operation = add(world, WRITE_job);
    operation->row.job = *job;
    operation->is_delete = job->state == JOB_GONE;
    operation->id = job->conversation ? core_conversation_id(world->core, job) : (struct id){{0}};
    // Rows name each other by numbers, as they do on a disk.
    operation->row.job.batch = (uint32_t)core_batch(world->core, job->batch)->number;
}

static void write_conversation(struct world *world, uint32_t slot) {
    const struct conversation *conversation = core_conversation(world->core, slot);
    struct operation *operation = add(world, WRITE_conversation);
    operation->row.conversation = *conversation;
    operation->is_delete = !conversation->is_stored;
    if (conversation->is_stored)
        operation->row.conversation.batch =
            (uint32_t)core_batch(world->core, conversation->batch)->number;
}

void store_write_rows(struct world *world) {
    struct core *core = world->core;
    uint32_t slot;
    while ((slot = core_dirty_lane(core))) {
        struct operation *operation = add(world, WRITE_lane);
        operation->slot = slot;
        operation->row.lane = *core_lane(core, slot);
    }
    while ((slot = core_dirty_worker(core))) {
        struct operation *operation = add(world, WRITE_worker);
        operation->slot = slot;
        operation->row.worker = *core_worker(core, slot);
        operation->is_delete = !core_worker(core, slot)->is_stored;
    }
    while ((slot = core_dirty_batch(core))) {
        struct operation *operation = add(world, WRITE_batch);
        operation->row.batch = *core_batch(core, slot);
        operation->is_delete = core_batch(core, slot)->state == BATCH_GONE;
    }
    while ((slot = core_dirty_conversation(core)))
        write_conversation(world, slot);
    while ((slot = core_dirty_job(core)))
        write_job(world, slot);
    add(world, WRITE_counters)->row.counters = core_counters(core);
}

void store_payload(struct world *world, uint64_t job, uint64_t digest) {
    struct operation *operation = add(world, WRITE_payload);
    operation->number = job;
    operation->digest = digest;
}

void store_record(struct world *world, const struct kept_record *record) {
    add(world, WRITE_record)->row.record = *record;
}

void store_forget_record(struct world *world, uint64_t number) {
    add(world, FORGET_record)->number = number;
}

static void apply_job(struct store *store, const struct operation *operation) {
    struct kept_job *kept = &store->jobs[operation->row.job.number];
    if (operation->is_delete) {
        kept->is_there = false;
        return;
    }
    kept->row = operation->row.job;
    kept->conversation = operation->id;
    kept->is_there = true;
    if (!id_is_none(kept->row.call))
        store->was_marked[call_id_counter(kept->row.call)] = true;
}

static void apply_conversation(struct store *store, const struct operation *operation) {
    uint32_t free = BATCHES * CONVERSATIONS;
    for (uint32_t i = 0; i < BATCHES * CONVERSATIONS; i++) {
        bool is_it = store->conversation_is_there[i] &&
                     id_equal(store->conversations[i].id, operation->row.conversation.id);
        if (is_it || !store->conversation_is_there[i])
            free = i;
        if (is_it)
            break;
    }
    assert(free < BATCHES * CONVERSATIONS);
    store->conversations[free] = operation->row.conversation;
    store->conversation_is_there[free] = !operation->is_delete;
}

static void apply(struct store *store, const struct operation *operation) {
    switch (operation->kind) {
    case WRITE_job:
        apply_job(store, operation);
        break;
    case WRITE_batch:
        store->batches[operation->row.batch.number] = operation->row.batch;
        store->batch_is_there[operation->row.batch.number] = !operation->is_delete;
        break;
    case WRITE_lane:
        store->lanes[operation->slot] = operation->row.lane;
        if (operation->slot > store->lane_count)
            store->lane_count = operation->slot;
        break;
    case WRITE_worker:
        store->workers[operation->slot] = operation->row.worker;
        store->worker_is_there[operation->slot] = !operation->is_delete;
        break;
    case WRITE_conversation:
        apply_conversation(store, operation);
        break;
    case WRITE_counters:
        store->counters = operation->row.counters;
        break;
    case WRITE_payload:
        store->jobs[operation->number].payload = operation->digest;
        store->jobs[operation->number].has_payload = true;
        break;
    case WRITE_record:
        store->records[operation->row.record.row.number] = operation->row.record;
        store->record_is_there[operation->row.record.row.number] = true;
        break;
    case FORGET_record:
        store->record_is_there[operation->number] = false;
        break;
    }
}

void store_commit(struct world *world) {
    for (uint32_t i = 0; i < world->operation_count; i++)
        apply(&world->store, &world->operations[i]);
    world->operation_count = 0;
}

static void restore_jobs(struct world *world) {
    const struct store *store = &world->store;
    for (uint64_t number = 1; number <= store->counters.jobs; number++) {
        const struct kept_job *kept = &store->jobs[number];
        if (!kept->is_there)
            continue;
        struct job row = kept->row;
        row.batch = core_find_batch(world->core, row.batch);
        PROMISE(world, row.batch, "job %llu is there and its batch is not",
                (unsigned long long)number);
        PROMISE(world, row.worker == 0 || store->worker_is_there[row.worker],
                "job %llu names a worker that is not there", (unsigned long long)number);
        (void)core_restore_job(world->core, &row, kept->conversation);
    }
}

void store_restore(struct world *world) {
    struct store *store = &world->store;
    struct core *core = world->core;
    core_restore_counters(core, &store->counters);
    for (uint32_t slot = 1; slot <= store->lane_count; slot++)
        (void)core_restore_lane(core, &store->lanes[slot]);
    for (uint32_t slot = 1; slot < WORKERS_MAX; slot++)
        if (store->worker_is_there[slot])
            core_restore_worker(core, slot, &store->workers[slot]);
    for (uint64_t number = 1; number <= store->counters.batches; number++) {
        struct batch row = store->batches[number];
        if (!store->batch_is_there[number])
            continue;
        // What is in memory only does not come back from a disk.
        row.is_dirty = 0;
        row.unsettled = row.attempts_open = row.records = row.jobs_here = 0;
        memset(row.states, 0, sizeof(row.states));
        row.first_job = row.last_job = row.cancel_cursor = row.flows = row.asker = 0;
        (void)core_restore_batch(core, &row);
    }
    for (uint32_t i = 0; i < BATCHES * CONVERSATIONS; i++)
        if (store->conversation_is_there[i]) {
            struct conversation row = store->conversations[i];
            row.batch = core_find_batch(core, row.batch);
            (void)core_restore_conversation(core, &row);
        }
    restore_jobs(world);
    for (uint64_t number = 1; number <= store->counters.issued; number++)
        if (store->record_is_there[number]) {
            struct record row = store->records[number].row;
            row.job = core_find_job(core, store->records[number].job);
            row.batch = core_find_batch(core, store->records[number].batch);
            (void)core_restore_record(core, &row);
        }
    core_restored(core, world->now_ms, (int64_t)world->now_ms);
}

struct operation *operations_new(uint32_t count) {
    return pages_new(count * sizeof(struct operation));
}

void operations_free(struct operation *operations, uint32_t count) {
    pages_free(operations, count * sizeof(struct operation));
}
