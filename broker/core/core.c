#include "broker/core/state.h"

#include <assert.h>

static uint32_t power_of_two(uint32_t at_least) {
    uint32_t size = 16;
    while (size < at_least)
        size *= 2;
    return size;
}

// Hands out the parts of the core's memory, aligned; with base NULL it only measures.
struct carver {
    uint8_t *base;
    size_t used;
};

static void *carve(struct carver *carver, size_t count, size_t size) {
    size_t at = (carver->used + 63) & ~(size_t)63;
    carver->used = at + count * size;
    return carver->base ? carver->base + at : NULL;
}

static struct core *lay_out(struct carver *carver, const struct core_config *config) {
    struct core *core = carve(carver, 1, sizeof(*core));
    static struct core measured; // only its sizes are used, and it is too large for a stack
    struct core *to = core ? core : &measured;
    uint32_t jobs = config->jobs_max + 1;
    to->job_mask = power_of_two(jobs) - 1;
    to->conversation_mask = power_of_two(config->conversations_max) - 1;
    to->record_mask = power_of_two(config->records_max) - 1;
    to->jobs = carve(carver, jobs, sizeof(struct job));
    to->job_table = carve(carver, to->job_mask + 1, sizeof(uint32_t));
    to->timers = carve(carver, jobs + 1, sizeof(uint32_t));
    to->conversations = carve(carver, config->conversations_max + 1, sizeof(struct conversation));
    to->conversation_table = carve(carver, to->conversation_mask + 1, sizeof(uint32_t));
    to->records = carve(carver, config->records_max + 1, sizeof(struct record));
    to->record_table = carve(carver, to->record_mask + 1, sizeof(uint32_t));
    to->flows = carve(carver, config->flows_max + 1, sizeof(struct flow));
    return core;
}

size_t core_size(const struct core_config *config) {
    struct carver carver = {0};
    (void)lay_out(&carver, config);
    return carver.used;
}

struct core *core_init(void *memory, const struct core_config *config) {
    struct carver carver = {.base = memory};
    assert(config->jobs_max > 0 && config->records_max > 0 && config->flows_max > 0);
    struct core *core = lay_out(&carver, config);
    core->config = *config;
    core->space_budget = UINT64_MAX;
    return core;
}

// ---- effects ----------------------------------------------------------------------------------

struct effect *emit(struct core *core, enum effect_kind kind) {
    struct effects *out = core->out;
    assert(out->count < EFFECTS_MAX);
    struct effect *effect = &out->items[out->count++];
    *effect = (struct effect){.kind = kind};
    return effect;
}

bool has_room(const struct core *core, uint32_t effects) {
    if (core->out->count + effects + EFFECTS_MARGIN <= EFFECTS_MAX)
        return true;
    core->out->more = true;
    return false;
}

// ---- jobs ---------------------------------------------------------------------------------------

uint32_t job_slot(const struct core *core, const struct job *job) {
    return (uint32_t)(job - core->jobs);
}

struct batch *batch_of(struct core *core, const struct job *job) {
    return &core->batches[job->batch];
}

struct lane *lane_of(struct core *core, const struct job *job) {
    return &core->lanes[job->lane];
}

void job_touch(struct core *core, struct job *job) {
    if (job->is_dirty)
        return;
    job->is_dirty = 1;
    job->dirty_next = core->dirty_job;
    core->dirty_job = job_slot(core, job);
}

struct job *job_new(struct core *core, uint64_t number, uint32_t batch_slot) {
    uint32_t slot = core->job_free;
    if (slot)
        core->job_free = core->jobs[slot].table_next;
    else if (core->job_used < core->config.jobs_max)
        slot = ++core->job_used;
    else
        return NULL;
    struct job *job = &core->jobs[slot];
    struct batch *batch = &core->batches[batch_slot];
    *job = (struct job){.number = number, .batch = batch_slot};
    job->table_next = core->job_table[number & core->job_mask];
    core->job_table[number & core->job_mask] = slot;
    job->batch_prev = batch->last_job;
    if (batch->last_job)
        core->jobs[batch->last_job].batch_next = slot;
    else
        batch->first_job = slot;
    batch->last_job = slot;
    batch->jobs_here++;
    batch->states[JOB_FREE]++;
    return job;
}

void job_state(struct core *core, struct job *job, enum job_state next) {
    struct batch *batch = batch_of(core, job);
    bool was_kept = job_is_kept(job);
    batch->states[job->state]--;
    job_move(job, next);
    batch->states[next]++;
    if (job_is_kept(job) != was_kept)
        turn_count_kept(core, job);
}

static void job_free(struct core *core, struct job *job) {
    uint32_t slot = job_slot(core, job);
    uint32_t *link = &core->job_table[job->number & core->job_mask];
    while (*link != slot)
        link = &core->jobs[*link].table_next;
    *link = job->table_next;
    struct batch *batch = batch_of(core, job);
    if (batch->cancel_cursor == slot)
        batch->cancel_cursor = job->batch_next;
    if (job->batch_prev)
        core->jobs[job->batch_prev].batch_next = job->batch_next;
    else
        batch->first_job = job->batch_next;
    if (job->batch_next)
        core->jobs[job->batch_next].batch_prev = job->batch_prev;
    else
        batch->last_job = job->batch_prev;
    batch->states[job->state]--;
    batch->jobs_here--;
    if (job->lane)
        core->lanes[job->lane].jobs--;
    *job = (struct job){.table_next = core->job_free};
    core->job_free = slot;
}

uint32_t core_find_job(const struct core *core, uint64_t number) {
    uint32_t slot = core->job_table[number & core->job_mask];
    while (slot && core->jobs[slot].number != number)
        slot = core->jobs[slot].table_next;
    return slot;
}

uint32_t core_dirty_job(struct core *core) {
    if (core->freeing_job) {
        job_free(core, &core->jobs[core->freeing_job]);
        core->freeing_job = 0;
    }
    uint32_t slot = core->dirty_job;
    if (slot) {
        struct job *job = &core->jobs[slot];
        core->dirty_job = job->dirty_next;
        job->is_dirty = 0;
        if (job->state == JOB_GONE)
            core->freeing_job = slot;
    }
    return slot;
}

// ---- the other dirty lists
// ------------------------------------------------------------------------

void batch_touch(struct batch *batch) {
    batch->is_dirty = 1;
}

uint32_t core_dirty_batch(struct core *core) {
    if (core->freeing_batch) {
        core->batches[core->freeing_batch] = (struct batch){0};
        core->freeing_batch = 0;
    }
    for (uint32_t slot = 1; slot <= core->batch_used; slot++) {
        struct batch *batch = &core->batches[slot];
        if (!batch->is_dirty)
            continue;
        batch->is_dirty = 0;
        if (batch->state == BATCH_GONE)
            core->freeing_batch = slot;
        return slot;
    }
    return 0;
}

uint32_t core_dirty_lane(struct core *core) {
    for (uint32_t slot = 1; slot <= core->lane_used; slot++)
        if (core->lanes[slot].is_dirty) {
            core->lanes[slot].is_dirty = 0;
            return slot;
        }
    return 0;
}

uint32_t core_dirty_worker(struct core *core) {
    for (uint32_t slot = 1; slot <= core->worker_used; slot++)
        if (core->workers[slot].is_dirty) {
            core->workers[slot].is_dirty = 0;
            return slot;
        }
    return 0;
}

void conversation_touch(struct core *core, struct conversation *conversation) {
    if (conversation->is_dirty)
        return;
    conversation->is_dirty = 1;
    conversation->dirty_next = core->dirty_conversation;
    core->dirty_conversation = (uint32_t)(conversation - core->conversations);
}

// ---- looking
// ----------------------------------------------------------------------------------------

const struct job *core_job(const struct core *core, uint32_t slot) {
    return &core->jobs[slot];
}

const struct batch *core_batch(const struct core *core, uint32_t slot) {
    return &core->batches[slot];
}

const struct lane *core_lane(const struct core *core, uint32_t slot) {
    return &core->lanes[slot];
}

const struct worker *core_worker(const struct core *core, uint32_t slot) {
    return &core->workers[slot];
}

const struct conversation *core_conversation(const struct core *core, uint32_t slot) {
    return &core->conversations[slot];
}

const struct record *core_record(const struct core *core, uint32_t slot) {
    return &core->records[slot];
}

const struct core_peer *core_peer(const struct core *core, uint32_t peer) {
    return &core->peers[peer];
}

uint32_t core_job_slots(const struct core *core) {
    return core->job_used;
}

uint32_t core_batch_slots(const struct core *core) {
    return core->batch_used;
}

uint32_t core_lane_slots(const struct core *core) {
    return core->lane_used;
}

uint32_t core_worker_slots(const struct core *core) {
    return core->worker_used;
}

uint32_t core_find_batch(const struct core *core, uint64_t number) {
    for (uint32_t slot = 1; slot <= core->batch_used; slot++)
        if (core->batches[slot].state != BATCH_FREE && core->batches[slot].number == number)
            return slot;
    return 0;
}

struct id core_conversation_id(const struct core *core, const struct job *job) {
    return job->conversation ? core->conversations[job->conversation].id : job->id;
}

uint64_t core_records_pending(const struct core *core) {
    return (uint64_t)core->raw.count + core->extracting.count + core->whole.count +
           core->sent.count;
}

bool core_has_accountant(const struct core *core) {
    return core->accountant != 0;
}

struct counters_row core_counters(const struct core *core) {
    return core->counters;
}

bool core_accountant_takes(const struct core *core) {
    return core->accountant && core->peers[core->accountant].slots > 0;
}

void core_excuse(struct core *core, uint64_t now_ms) {
    core->excused_until_ms = now_ms + PEER_SILENT_MS;
    for (uint32_t peer = 1; peer < PEERS_MAX; peer++)
        core->peers[peer].heard_ms = now_ms;
    for (uint32_t slot = 1; slot <= core->worker_used; slot++)
        if (core->workers[slot].state == WORKER_JOINED)
            core->workers[slot].heard_ms = now_ms;
}

static enum reason delay_reason(const struct job *job) {
    return job->reason == REASON_rate_limited ? REASON_rate_limited : REASON_delayed;
}

enum reason core_waits_for(const struct core *core, const struct job *job) {
    switch (job->state) {
    case JOB_WAITING:
        return REASON_earlier_turn;
    case JOB_READY:
    case JOB_PREPARED:
        return (enum reason)core->lanes[job->lane].wait;
    case JOB_PREPARING:
        return core->accountant ? REASON_none : REASON_accountant_away;
    case JOB_DELAYED:
        return delay_reason(job);
    case JOB_PARKED:
    case JOB_DEAD:
        return (enum reason)job->reason;
    default:
        return REASON_none;
    }
}

// ---- events
// ---------------------------------------------------------------------------------------

static void run_timers(struct core *core) {
    struct job *job;
    while (has_room(core, 4) && (job = timer_due(core))) {
        timer_clear(core, job);
        if (job_is_marked(job) && core->now_ms < core->excused_until_ms) {
            timer_set(core, job, core->excused_until_ms);
        } else if (job_is_marked(job)) {
            attempt_lapse(core, job);
        } else if (job->state == JOB_DELAYED) {
            job_release(core, job);
        } else if (job->state == JOB_PREPARING && core->accountant) {
            ask_context(core, job); // the same question: an answer that is only late still counts
        } else if (job->state == JOB_PREPARING) {
            window_drop(core, job);
            job_release(core, job);
        }
    }
}

static void tick(struct core *core) {
    run_timers(core);
    conversations_run(core);
    batches_run(core);
    records_run(core);
    lanes_run(core);
}

static void on_lane(struct core *core, const struct event *event) {
    struct lane *lane = &core->lanes[event->slot];
    if (event->kind == EVENT_resume_lane) {
        lane_open(core, lane);
    } else if (lane->state != LANE_paused) {
        lane->state = LANE_paused;
        lane->is_dirty = 1;
        window_clear(core, lane);
    }
}

static void on_prepared(struct core *core, const struct event *event);

static void dispatch(struct core *core, const struct event *event) {
    static void (*const handlers[])(struct core *, const struct event *) = {
        [EVENT_join] = on_join,
        [EVENT_left] = on_left,
        [EVENT_heartbeat] = on_heartbeat,
        [EVENT_open] = on_open,
        [EVENT_key_known] = on_key_known,
        [EVENT_put] = on_put,
        [EVENT_seal] = on_seal,
        [EVENT_prepared] = on_prepared,
        [EVENT_end] = on_end,
        [EVENT_extracted] = on_extracted,
        [EVENT_recorded] = on_recorded,
        [EVENT_cancel_batch] = on_cancel_batch,
        [EVENT_cancel_job] = on_decision,
        [EVENT_retry_job] = on_decision,
        [EVENT_drop_job] = on_decision,
        [EVENT_pause_lane] = on_lane,
        [EVENT_resume_lane] = on_lane,
    };
    if (event->kind == EVENT_tick)
        tick(core);
    else
        handlers[event->kind](core, event);
}

static void on_prepared(struct core *core, const struct event *event) {
    const struct prepared_item *item = event->prepared;
    uint32_t slot = core_find_job(core, item->job);
    struct job *job = &core->jobs[slot];
    if (!slot || job->state != JOB_PREPARING || job->ask != item->ask)
        return; // an answer to an older question
    if (item->refused.size > 0 && !records_have_room(core, 1))
        return; // it will be asked again
    timer_clear(core, job);
    if (item->refused.size > 0) {
        window_remove(core, job);
        job_state(core, job, JOB_DEAD);
        outcome_alone(core, job, OUTCOME_dead, REASON_unprepared);
        turn_unanswered(core, job);
        return;
    }
    job->tokens_estimate =
        item->tokens_estimate > UINT32_MAX ? UINT32_MAX : (uint32_t)item->tokens_estimate;
    job->cost_max_pusd = item->cost_max_pusd;
    job->context_bytes = event->bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)event->bytes;
    core->contexts_bytes += job->context_bytes;
    job_state(core, job, JOB_PREPARED);
    emit(core, EFFECT_keep_context)->slot = slot;
}

void core_step(struct core *core, const struct event *event, struct effects *effects) {
    effects->count = 0;
    effects->more = false;
    core->out = effects;
    core->now_ms = event->now_ms;
    core->wall_ms = event->wall_ms;
    if (event->peer)
        core->peers[event->peer].heard_ms = event->now_ms;
    dispatch(core, event);
    core->out = NULL;
}

uint64_t core_due_ms(const struct core *core) {
    uint64_t due = core->timer_count ? core->jobs[core->timers[1]].due_ms : UINT64_MAX;
    uint64_t lanes = lanes_due_ms(core);
    uint64_t records = records_due_ms(core);
    due = lanes < due ? lanes : due;
    return records < due ? records : due;
}
