// What becomes of a job in the end, the counters of its batch, and when a batch is settled.
#include "broker/core/state.h"

#include <assert.h>

static uint64_t *counter_of(struct batch *batch, uint8_t outcome) {
    switch (outcome) {
    case OUTCOME_answered:
        return &batch->answered;
    case OUTCOME_dead:
        return &batch->dead;
    case OUTCOME_parked:
        return &batch->parked;
    default:
        assert(outcome == OUTCOME_cancelled);
        return &batch->cancelled;
    }
}

void outcome_uncount(struct core *core, struct job *job) {
    struct batch *batch = batch_of(core, job);
    if (!job_has_outcome(job))
        return;
    uint64_t *counter = counter_of(batch, job->outcome);
    assert(*counter > 0);
    (*counter)--;
    if (job->recorded == job->revision)
        batch->unsettled++;
    batch->revived++;
    job->outcome = OUTCOME_none;
    if (batch->state == BATCH_SETTLED) {
        batch->state = BATCH_SEALED; // it will be settled anew, with a later revision
        batch_tell(core, batch);
    }
    job_touch(core, job);
    batch_touch(batch);
}

enum reason cancel_reason(struct core *core, const struct job *job) {
    return batch_of(core, job)->is_cancelled ? REASON_batch_cancelled : REASON_cancelled;
}

void outcome_set(struct core *core, struct job *job, enum outcome outcome, enum reason reason) {
    outcome_uncount(core, job);
    if (job->revision > 0)
        batch_of(core, job)->revived--;
    job->outcome = (uint8_t)outcome;
    job->reason = (uint8_t)reason;
    job->revision++;
    assert(job->revision > 0);
    (*counter_of(batch_of(core, job), job->outcome))++;
    job_touch(core, job);
    batch_touch(batch_of(core, job));
}

void outcome_alone(struct core *core, struct job *job, enum outcome outcome, enum reason reason) {
    outcome_set(core, job, outcome, reason);
    struct effect *effect = record_new(core, RECORD_job, job, batch_of(core, job), 0, false);
    effect->outcome = outcome;
    effect->reason = reason;
    effect->revision = core->records[effect->slot].revision = job->revision;
}

// The ledger holds no answer although the job's attempt was one: dead, with the next revision.
static void answer_was_none(struct core *core, struct job *job, enum reason reason) {
    job->answer = (struct id){{0}};
    if (job->state == JOB_OVERTAKEN) {
        outcome_uncount(core, job);
        job_state(core, job, JOB_LEASED); // the attempt that is still open may bring one
        return;
    }
    job_state(core, job, JOB_DEAD);
    outcome_alone(core, job, OUTCOME_dead, reason);
    turn_unanswered(core, job);
}

void outcome_recorded(struct core *core, struct job *job, uint32_t revision,
                      const struct recorded_item *item) {
    if (revision != job->revision || job->recorded == revision || !job_has_outcome(job))
        return;
    struct batch *batch = batch_of(core, job);
    job->recorded = job->revision;
    assert(batch->unsettled > 0);
    batch->unsettled--;
    job_touch(core, job);
    batch_touch(batch);
    if (job->outcome == OUTCOME_answered && !item->has_answer)
        answer_was_none(core, job, item->is_quarantined ? REASON_quarantined : REASON_no_answer);
    else if (job_is_kept(job))
        turn_passed(core, job);
    else
        turn_remove(core, job); // over: answered, cancelled or dropped
}

void job_finish_if_done(struct core *core, struct job *job) {
    if (job->state != JOB_ENDED || job->records > 0 || job->recorded != job->revision)
        return;
    conversation_leave(core, job);
    job_state(core, job, JOB_GONE);
    job_touch(core, job);
}

void batch_tell(struct core *core, struct batch *batch) {
    batch->revision++;
    batch_touch(batch);
    struct effect *effect = record_new(core, RECORD_batch, NULL, batch, 0, false);
    struct record *record = &core->records[effect->slot];
    record->revision = batch->revision;
    record->batch_state = batch->state;
}

static void settle_if_done(struct core *core, struct batch *batch) {
    if (batch->state == BATCH_SEALED && batch->unsettled == 0 && batch->records == 0 &&
        batch->attempts_open == 0 && has_room(core, 1) && records_have_room(core, 1)) {
        batch->state = BATCH_SETTLED;
        batch_tell(core, batch);
    } else if (batch->state == BATCH_SETTLED && batch->records == 0 && batch->jobs_here == 0 &&
               !core->listed_conversation) { // which may be one of it, and names it
        batch->state = BATCH_GONE;
        batch_touch(batch);
        flow_release_batch(core, batch);
    }
}

// Cancels the jobs of a cancelled batch, a bounded number a tick.
static void cancel_some(struct core *core, struct batch *batch) {
    for (uint32_t looked_at = 0; batch->cancel_cursor; looked_at++) {
        if (looked_at == DECIDED_A_STEP)
            core->out->more = true;
        if (looked_at == DECIDED_A_STEP || !has_room(core, 2) || !records_have_room(core, 1) ||
            !follow_ups_have_room(core))
            return;
        struct job *job = &core->jobs[batch->cancel_cursor];
        batch->cancel_cursor = job->batch_next;
        cancel_job(core, job);
    }
}

static void ask_ledger(struct core *core, struct batch *batch) {
    if (!core->accountant || !has_room(core, 1) ||
        (batch->asked_ms && core->now_ms - batch->asked_ms < ASK_RESEND_MS))
        return;
    batch->asked_ms = core->now_ms;
    struct effect *effect = emit(core, EFFECT_send_key_ask);
    effect->peer = core->accountant;
    effect->slot = (uint32_t)(batch - core->batches);
}

void batches_run(struct core *core) {
    for (uint32_t slot = 1; slot <= core->batch_used; slot++) {
        struct batch *batch = &core->batches[slot];
        if (batch->state == BATCH_FREE || batch->state == BATCH_GONE)
            continue;
        if (batch->state == BATCH_ASKING)
            ask_ledger(core, batch);
        cancel_some(core, batch);
        settle_if_done(core, batch);
    }
}
