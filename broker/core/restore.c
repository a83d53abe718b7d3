// A start: the rows of the journal come back, and with them everything that follows from them.
#include "broker/core/state.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

void core_restore_counters(struct core *core, const struct counters_row *counters) {
    core->counters = *counters;
}

uint32_t core_restore_lane(struct core *core, const struct lane *row) {
    uint32_t slot =
        lane_intern(core, bytes_text(row->provider), bytes_text(row->key), bytes_text(row->model));
    struct lane *lane = &core->lanes[slot];
    assert(slot);
    lane->is_dirty = 0;
    lane->state = row->state;
    memcpy(lane->held_reason, row->held_reason, sizeof(lane->held_reason));
    memcpy(lane->held_detail, row->held_detail, sizeof(lane->held_detail));
    return slot;
}

void core_restore_worker(struct core *core, uint32_t slot, const struct worker *row) {
    assert(slot > 0 && slot < WORKERS_MAX);
    if (slot > core->worker_used)
        core->worker_used = slot;
    struct worker *worker = &core->workers[slot];
    *worker = (struct worker){
        .process = row->process, .state = WORKER_AWAY, .is_stored = 1, .slots = row->slots};
    memcpy(worker->name, row->name, sizeof(worker->name));
}

uint32_t core_restore_batch(struct core *core, const struct batch *row) {
    uint32_t slot = ++core->batch_used;
    assert(slot < BATCHES_MAX);
    core->batches[slot] = *row;
    return slot;
}

uint32_t core_restore_conversation(struct core *core, const struct conversation *row) {
    struct conversation *conversation = conversation_new(core, row->id, row->batch);
    if (!conversation)
        return 0;
    conversation->highest_marked = row->highest_marked;
    conversation->broken_at = row->broken_at;
    conversation->is_stored = 1;
    return (uint32_t)(conversation - core->conversations);
}

// Takes over what is written of a job, and nothing that a row may hold of an earlier run's memory.
static void take_row(struct job *job, const struct job *row) {
    uint32_t table_next = job->table_next;
    uint32_t batch_prev = job->batch_prev, batch_next = job->batch_next;
    *job = *row;
    memset(&job->lapse, 0, sizeof(*job) - offsetof(struct job, lapse));
    job->table_next = table_next;
    job->batch_prev = batch_prev;
    job->batch_next = batch_next;
    job->state = JOB_FREE;
    job->conversation = 0;
}

static void set_state(struct core *core, struct job *job, uint8_t state) {
    struct batch *batch = batch_of(core, job);
    batch->states[job->state]--;
    job->state = state; // not a move: the state that it had
    batch->states[state]++;
}

uint32_t core_restore_job(struct core *core, const struct job *row, struct id conversation_id) {
    struct job *job = job_new(core, row->number, row->batch);
    if (!job)
        return 0;
    take_row(job, row);
    uint8_t state = row->state;
    if (state == JOB_PREPARING || state == JOB_PREPARED)
        state = JOB_READY; // contexts are not journalled
    set_state(core, job, state);
    struct batch *batch = batch_of(core, job);
    lane_of(core, job)->jobs++;
    if (!job_has_outcome(job) || job->recorded != job->revision)
        batch->unsettled++;
    if (!job_has_outcome(job) && job->revision > 0)
        batch->revived++;
    if (!id_is_none(conversation_id)) {
        struct conversation *conversation = conversation_find(core, conversation_id);
        if (!conversation)
            conversation = conversation_new(core, conversation_id, row->batch);
        if (!conversation)
            return 0;
        turn_append(core, conversation, job);
        conversation->kept += job_is_kept(job);
    }
    if (job_is_marked(job)) {
        job->lapse = LAPSE_unknown;
        mark_link(core, job);
    }
    return job_slot(core, job);
}

// A delay keeps its start and its length: what is left of it, within 0 … length.
static uint64_t rest_of(const struct job *job, int64_t wall_ms) {
    int64_t passed = wall_ms - job->delay_from_wall_ms;
    if (passed < 0)
        return job->delay_ms;
    return passed < job->delay_ms ? job->delay_ms - (uint64_t)passed : 0;
}

static void resume_job(struct core *core, struct job *job) {
    switch (job->state) {
    case JOB_READY:
        set_state(core, job, JOB_FREE);
        job_state(core, job, JOB_WAITING);
        job_release(core, job);
        break;
    case JOB_DELAYED:
        timer_set(core, job, core->now_ms + rest_of(job, core->wall_ms));
        break;
    case JOB_LEASED:
    case JOB_ABORTING:
    case JOB_OVERTAKEN:
        // An open attempt gets its whole time again: waiting is cheaper than paying twice.
        timer_set(core, job, core->now_ms + job->limit_ms + CALL_MARGIN_MS);
        break;
    default:
        break;
    }
}

// The turn whose turn it is may run; what stands behind a break is looked at anew.
static void resume_conversation(struct core *core, struct conversation *conversation) {
    for (uint32_t slot = conversation->first_turn; slot; slot = core->jobs[slot].turn_next)
        if (core->jobs[slot].attempt > 0 && core->jobs[slot].turn > conversation->highest_marked)
            conversation->highest_marked = core->jobs[slot].turn;
    if (conversation->broken_at && core->batches[conversation->batch].state == BATCH_OPEN &&
        conversation->jobs == 0)
        conversation_wait(core, conversation);
    else if (conversation->jobs == 0)
        conversation_touch(core, conversation);
    else if (conversation->broken_at || conversation->kept > 0)
        conversation_list(core, conversation);
    else
        turn_passed(core, &core->jobs[conversation->first_turn]);
}

void core_restored(struct core *core, uint64_t now_ms, int64_t wall_ms) {
    core->now_ms = now_ms;
    core->wall_ms = wall_ms;
    for (uint32_t slot = 1; slot <= core->job_used; slot++)
        resume_job(core, &core->jobs[slot]);
    for (uint32_t slot = 1; slot <= core->job_used; slot++) {
        struct job *job = &core->jobs[slot];
        // A turn that is over and whose outcome the ledger has left its place before; and with it,
        // as it was then, the next one may go.
        if ((job->state == JOB_ENDED || job->state == JOB_OVERTAKEN) &&
            job->recorded == job->revision && job->recorded > 0) {
            turn_remove(core, job);
            job_finish_if_done(core, job);
        }
    }
    for (uint32_t slot = 1; slot <= core->conversation_used; slot++)
        if (core->conversations[slot].is_used)
            resume_conversation(core, &core->conversations[slot]);
    for (uint32_t slot = 1; slot <= core->batch_used; slot++)
        if (core->batches[slot].is_cancelled)
            core->batches[slot].cancel_cursor = core->batches[slot].first_job;
}
