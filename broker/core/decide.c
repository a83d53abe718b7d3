// What a person decides about one job: to cancel it, to retry one that has no answer, or to let it
// go for good. A decision either can be taken now or is refused with its reason, and then changes
// nothing.
#include "broker/core/state.h"

#include <assert.h>

static const char *refuses_cancel(const struct core *core, const struct job *job) {
    switch (job->state) {
    case JOB_LEASED:
    case JOB_ABORTING:
        return NULL;
    case JOB_WAITING:
    case JOB_READY:
    case JOB_PREPARING:
    case JOB_PREPARED:
    case JOB_DELAYED:
        return records_have_room(core, 1) ? NULL : "journal_full";
    default:
        return "ended";
    }
}

static const char *refuses_retry(const struct core *core, const struct job *job) {
    const struct conversation *conversation = &core->conversations[job->conversation];
    const struct batch *batch = &core->batches[job->batch];
    if (!job_is_kept(job))
        return "not_dead";
    if (batch->is_cancelled)
        return "batch_cancelled";
    if (!records_have_room(core, 1))
        return "journal_full";
    if (!job->conversation)
        return NULL;
    if (conversation->highest_marked > job->turn)
        return "later_turn_ran";
    // Under stop, what is parked behind a turn follows by itself when that one is answered.
    bool follows =
        job->state == JOB_PARKED && job->reason == REASON_earlier_turn && !turn_is_next(core, job);
    if (batch->unanswered != UNANSWERED_skip && (follows || turn_is_behind_kept(core, job)))
        return "earlier_turn";
    return NULL;
}

static const char *refuses_drop(const struct core *core, const struct job *job) {
    if (!job_is_kept(job))
        return "not_dead";
    return job->conversation && core->conversations[job->conversation].is_listed ? "being_parked"
                                                                                 : NULL;
}

const char *core_refuses(const struct core *core, enum event_kind decision, uint32_t slot) {
    const struct job *job = &core->jobs[slot];
    switch (decision) {
    case EVENT_cancel_job:
        return refuses_cancel(core, job);
    case EVENT_retry_job:
        return refuses_retry(core, job);
    default:
        assert(decision == EVENT_drop_job);
        return refuses_drop(core, job);
    }
}

void cancel_job(struct core *core, struct job *job) {
    if (refuses_cancel(core, job) || job->state == JOB_ABORTING)
        return;
    if (job->state == JOB_LEASED) {
        call_off(core, job);
        job->is_cancelled = 1;
        job_state(core, job, JOB_ABORTING);
        job_touch(core, job);
        return; // it has its outcome with its attempt
    }
    job_withdraw(core, job);
    job_state(core, job, JOB_ENDED);
    outcome_alone(core, job, OUTCOME_cancelled, cancel_reason(core, job));
    turn_unanswered(core, job);
}

// Out of the counters, with fresh attempts; a turn takes its place among the others again.
static void retry(struct core *core, struct job *job, uint64_t delay_ms) {
    struct conversation *conversation = &core->conversations[job->conversation];
    outcome_uncount(core, job);
    turn_hold_back(core, job);
    job->counted = job->backoffs = 0;
    job->is_cancelled = 0;
    job_state(core, job, JOB_WAITING);
    job->reason = REASON_none;
    job_touch(core, job);
    // Under fail nothing is parked that would have to stay so until it is answered.
    if (batch_of(core, job)->unanswered == UNANSWERED_fail && conversation->broken_at &&
        conversation->broken_at <= job->turn) {
        conversation->broken_at = 0;
        conversation_touch(core, conversation);
    }
    if (turn_is_next(core, job))
        job_again(core, job, delay_ms, REASON_delayed);
}

static void let_go(struct core *core, struct job *job) {
    job_state(core, job, JOB_ENDED);
    turn_remove(core, job);
    job_touch(core, job);
    job_finish_if_done(core, job);
}

// First those parked behind it, a bounded number a step; itself with the last step.
static void drop(struct core *core, struct job *job) {
    struct job *behind;
    for (uint32_t moved = 0; (behind = turn_parked_behind(core, job)); moved++) {
        if (moved == DECIDED_A_STEP) {
            core->out->more = true;
            return;
        }
        let_go(core, behind);
    }
    let_go(core, job);
}

void on_decision(struct core *core, const struct event *event) {
    struct job *job = &core->jobs[event->slot];
    if (core_refuses(core, event->kind, event->slot))
        return;
    if (event->kind == EVENT_cancel_job)
        cancel_job(core, job);
    else if (event->kind == EVENT_retry_job)
        retry(core, job, event->delay_ms);
    else
        drop(core, job);
}
