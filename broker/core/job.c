#include "broker/core/job.h"

#include <assert.h>

#define TO(state) (1u << JOB_##state)
static const unsigned job_may_become[JOB_STATES] = {
    [JOB_FREE] = TO(WAITING) | TO(READY),
    [JOB_WAITING] = TO(READY) | TO(DELAYED) | TO(PARKED) | TO(DEAD) | TO(ENDED),
    [JOB_READY] = TO(PREPARING) | TO(PREPARED) | TO(WAITING) | TO(ENDED),
    [JOB_PREPARING] = TO(PREPARED) | TO(READY) | TO(WAITING) | TO(DEAD) | TO(ENDED),
    [JOB_PREPARED] = TO(LEASED) | TO(READY) | TO(WAITING) | TO(ENDED),
    [JOB_LEASED] =
        TO(READY) | TO(DELAYED) | TO(ENDED) | TO(DEAD) | TO(PARKED) | TO(ABORTING) | TO(OVERTAKEN),
    [JOB_ABORTING] = TO(ENDED) | TO(OVERTAKEN),
    [JOB_OVERTAKEN] = TO(ENDED) | TO(LEASED),
    [JOB_DELAYED] = TO(READY) | TO(WAITING) | TO(ENDED),
    [JOB_ENDED] = TO(GONE) | TO(DEAD),
    [JOB_DEAD] = TO(WAITING) | TO(ENDED),
    [JOB_PARKED] = TO(WAITING) | TO(ENDED),
    [JOB_GONE] = 0, // its slot is wiped when its row is deleted
};
#undef TO

bool job_may_move(enum job_state from, enum job_state to) {
    return job_may_become[from] >> to & 1u;
}

void job_move(struct job *job, enum job_state next) {
    assert(next < JOB_STATES);
    assert(job_may_move((enum job_state)job->state, next));
    job->state = (uint8_t)next;
    assert(!job_is_marked(job) || !id_is_none(job->call));
}

bool job_is_marked(const struct job *job) {
    return job->state == JOB_LEASED || job->state == JOB_ABORTING || job->state == JOB_OVERTAKEN;
}

bool job_has_outcome(const struct job *job) {
    return job->outcome != OUTCOME_none;
}

bool job_is_kept(const struct job *job) {
    return job->state == JOB_DEAD || job->state == JOB_PARKED;
}

const char *job_state_name(enum job_state state) {
    static const char *const names[JOB_STATES] = {
        [JOB_FREE] = "free",           [JOB_WAITING] = "waiting",     [JOB_READY] = "ready",
        [JOB_PREPARING] = "preparing", [JOB_PREPARED] = "prepared",   [JOB_LEASED] = "leased",
        [JOB_ABORTING] = "aborting",   [JOB_OVERTAKEN] = "overtaken", [JOB_DELAYED] = "delayed",
        [JOB_ENDED] = "ended",         [JOB_DEAD] = "dead",           [JOB_PARKED] = "parked",
        [JOB_GONE] = "gone",
    };
    assert(state < JOB_STATES);
    return names[state];
}

const char *reason_name(enum reason reason) {
    static const char *const names[REASONS] = {
        [REASON_none] = "",
        [REASON_permanent] = "permanent_error",
        [REASON_attempts_used] = "attempts_used",
        [REASON_possibly_billed] = "possibly_billed",
        [REASON_unprepared] = "unprepared",
        [REASON_no_answer] = "unreadable_answer",
        [REASON_quarantined] = "quarantined",
        [REASON_earlier_turn] = "earlier_turn",
        [REASON_cancelled] = "cancelled",
        [REASON_batch_cancelled] = "batch_cancelled",
        [REASON_no_worker] = "no_worker",
        [REASON_no_key] = "no_key",
        [REASON_workers_busy] = "workers_busy",
        [REASON_lane_held] = "lane_held",
        [REASON_lane_paused] = "lane_paused",
        [REASON_lane_full] = "lane_full",
        [REASON_rate_limited] = "rate_limited",
        [REASON_delayed] = "delayed",
        [REASON_accountant_away] = "accountant_away",
        [REASON_journal_full] = "journal_full",
        [REASON_disk_full] = "disk_full",
        [REASON_ledger_full] = "ledger_full",
        [REASON_not_sent] = "not_sent",
    };
    assert(reason < REASONS);
    return names[reason];
}
