// Attempts: the mark before a call, its end, and what follows from it for the job.
#include "broker/core/state.h"

#include <assert.h>

// ---- the table of open attempts, by call counter ------------------------------------------------

static uint32_t home_of(struct id call) {
    return (uint32_t)(call_id_counter(call) % MARK_TABLE_SIZE);
}

uint32_t mark_find(const struct core *core, struct id call) {
    for (uint32_t i = home_of(call); core->mark_table[i]; i = (i + 1) % MARK_TABLE_SIZE)
        if (id_equal(core->jobs[core->mark_table[i]].call, call))
            return core->mark_table[i];
    return 0;
}

void mark_insert(struct core *core, struct job *job) {
    uint32_t i = home_of(job->call);
    while (core->mark_table[i])
        i = (i + 1) % MARK_TABLE_SIZE;
    core->mark_table[i] = job_slot(core, job);
    core->marks++;
}

static void mark_remove(struct core *core, struct job *job) {
    uint32_t hole = home_of(job->call);
    while (core->mark_table[hole] != job_slot(core, job))
        hole = (hole + 1) % MARK_TABLE_SIZE;
    // Moves back what would no longer be found past the hole.
    for (uint32_t i = (hole + 1) % MARK_TABLE_SIZE; core->mark_table[i];
         i = (i + 1) % MARK_TABLE_SIZE) {
        uint32_t home = home_of(core->jobs[core->mark_table[i]].call);
        uint32_t reach = (i + MARK_TABLE_SIZE - home) % MARK_TABLE_SIZE;
        uint32_t gap = (i + MARK_TABLE_SIZE - hole) % MARK_TABLE_SIZE;
        if (reach < gap)
            continue;
        core->mark_table[hole] = core->mark_table[i];
        hole = i;
    }
    core->mark_table[hole] = 0;
    core->marks--;
}

// ---- opening and closing ------------------------------------------------------------------------

// Counts the open attempt with its worker, lane and batch; also after a restart.
void mark_link(struct core *core, struct job *job) {
    struct worker *worker = &core->workers[job->worker];
    uint32_t slot = job_slot(core, job);
    job->mark_prev = 0;
    job->mark_next = worker->first_mark;
    if (worker->first_mark)
        core->jobs[worker->first_mark].mark_prev = slot;
    worker->first_mark = slot;
    worker->marks++;
    lane_opens_mark(core, lane_of(core, job));
    batch_of(core, job)->attempts_open++;
    mark_insert(core, job);
}

void job_mark(struct core *core, struct job *job, struct worker *worker) {
    job->attempt++;
    job->call = call_id_make(++core->counters.calls, core->config.boot);
    job->marked_wall_ms = core->wall_ms;
    job->limit_ms = core->config.call_limit_ms;
    job->worker = (uint32_t)(worker - core->workers);
    job->lease_number = ++worker->leases;
    job->lapse = LAPSE_unknown;
    job->named = 0;
    job->end_mark = 0;
    job_state(core, job, JOB_LEASED);
    mark_link(core, job);
    timer_set(core, job, core->now_ms + job->limit_ms + CALL_MARGIN_MS);
    if (!worker->is_stored) {
        worker->is_stored = 1;
        worker->is_dirty = 1;
    }
    if (job->conversation) {
        struct conversation *conversation = &core->conversations[job->conversation];
        if (job->turn > conversation->highest_marked)
            conversation->highest_marked = job->turn;
        if (conversation->is_stored)
            conversation_touch(core, conversation);
    }
    job_touch(core, job);
    struct effect *effect = emit(core, EFFECT_send_lease);
    effect->peer = worker->peer;
    effect->slot = job_slot(core, job);
    effect->number = job->lease_number;
    effect->call = job->call;
}

static void mark_close(struct core *core, struct job *job) {
    struct worker *worker = &core->workers[job->worker];
    struct lane *lane = lane_of(core, job);
    assert(job_is_marked(job));
    mark_remove(core, job);
    timer_clear(core, job);
    if (job->mark_prev)
        core->jobs[job->mark_prev].mark_next = job->mark_next;
    else
        worker->first_mark = job->mark_next;
    if (job->mark_next)
        core->jobs[job->mark_next].mark_prev = job->mark_prev;
    job->mark_next = job->mark_prev = 0;
    job->worker = 0;
    worker->marks--;
    lane_closes_mark(core, lane);
    batch_of(core, job)->attempts_open--;
    if (lane->probe_job == job_slot(core, job))
        lane->probe_job = 0;
    worker_drop_if_idle(core, worker);
}

// ---- what follows
// ---------------------------------------------------------------------------------

enum end_class {
    CLASS_success,
    CLASS_retryable,
    CLASS_rate_limited,
    CLASS_permanent,
    CLASS_lane_wide,
    CLASS_malformed,
    CLASS_unknown,     // nobody knows how the call ended
    CLASS_not_started, // no byte left
};

// What the core has to know of an end, reported or not.
struct ending {
    enum end_class class;
    bool is_answered; // a complete answer of any status is there
    bool is_possibly_billed;
    bool was_received; // not_started: the worker had the lease and could not start the call
    uint64_t retry_after_ms;
    struct bytes reason, detail;
};

static enum end_class class_of(const struct end_item *item) {
    static const struct {
        const char *name;
        enum end_class class;
    } classes[] = {
        {"success", CLASS_success},           {"retryable", CLASS_retryable},
        {"rate_limited", CLASS_rate_limited}, {"permanent", CLASS_permanent},
        {"lane_wide", CLASS_lane_wide},       {"malformed", CLASS_malformed},
    };
    // A call that could never be made from this job is as dead as one that was refused.
    if (bytes_is(item->ended, "not_started") && !bytes_is(item->class, "permanent"))
        return CLASS_not_started;
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (bytes_is(item->class, classes[i].name))
            return classes[i].class;
    return CLASS_retryable;
}

static struct ending ending_of(const struct end_item *item) {
    struct ending ending = {
        .class = class_of(item),
        .is_answered = bytes_is(item->ended, "answered"),
        .was_received = true,
        .retry_after_ms = item->retry_after_ms,
        .reason = item->reason,
        .detail = item->detail,
    };
    if (ending.class == CLASS_success && !ending.is_answered)
        ending.class = CLASS_retryable; // only a complete answer can be a success
    // What had begun before its error came may be billed, whatever the error says of trying again.
    bool had_begun = ending.is_answered && item->has_begun && ending.class != CLASS_success;
    ending.is_possibly_billed = ending.class == CLASS_malformed || had_begun ||
                                (bytes_is(item->ended, "failed") && item->bytes_left);
    return ending;
}

// Exponential, with a jitter that is a function of the call, so that a run can be repeated.
static uint64_t backoff_ms(struct job *job) {
    uint64_t wait = (uint64_t)RETRY_BASE_MS << (job->backoffs < 7 ? job->backoffs : 7);
    if (wait > RETRY_MAX_MS)
        wait = RETRY_MAX_MS;
    uint64_t spread = bytes_u64(job->call.at) * 0x9e3779b97f4a7c15ull >> 40;
    if (job->backoffs < BACKOFFS_MAX)
        job->backoffs++;
    return wait / 2 + spread % (wait / 2 + 1);
}

void job_again(struct core *core, struct job *job, uint64_t delay_ms, enum reason reason) {
    if (delay_ms == 0) {
        job_release(core, job);
        return;
    }
    job_state(core, job, JOB_DELAYED);
    job->reason = (uint8_t)reason;
    job->delay_ms = delay_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)delay_ms;
    job->delay_from_wall_ms = core->wall_ms;
    timer_set(core, job, core->now_ms + job->delay_ms);
}

static void dies(struct core *core, struct job *job, enum reason reason) {
    job_state(core, job, JOB_DEAD);
    outcome_set(core, job, OUTCOME_dead, reason);
    turn_unanswered(core, job);
}

static void parks(struct core *core, struct job *job) {
    job_state(core, job, JOB_PARKED);
    outcome_set(core, job, OUTCOME_parked, REASON_possibly_billed);
    turn_unanswered(core, job);
}

static void counted_retry(struct core *core, struct job *job, const struct ending *ending) {
    job->counted++;
    if (job->counted >= batch_of(core, job)->attempts_max) {
        dies(core, job, REASON_attempts_used);
        return;
    }
    uint64_t delay_ms = backoff_ms(job);
    if (ending->retry_after_ms > delay_ms)
        delay_ms = ending->retry_after_ms;
    job_again(core, job, delay_ms, REASON_delayed);
}

static void billed_retry(struct core *core, struct job *job, const struct ending *ending) {
    switch (batch_of(core, job)->billed) {
    case BILLED_park:
        parks(core, job);
        break;
    case BILLED_fail:
        dies(core, job, REASON_possibly_billed);
        break;
    default:
        counted_retry(core, job, ending);
        break;
    }
}

// Whether a call that never started says something of its lane (connect_failed, tls_failed …), or
// only of the worker that gave it back.
static bool is_lane_trouble(struct bytes reason) {
    static const char suffix[] = "_failed";
    size_t size = sizeof(suffix) - 1;
    return reason.size > size && memcmp(reason.at + reason.size - size, suffix, size) == 0;
}

static void never_started(struct core *core, struct job *job, const struct ending *ending) {
    struct lane *lane = lane_of(core, job);
    if (!ending->was_received) {
        job_again(core, job, 0, REASON_none); // lost on its way: nothing is wrong with it
        return;
    }
    if (is_lane_trouble(ending->reason) && ++lane->misses >= LANE_MISSES_MAX)
        lane_hold(core, lane, ending->reason, ending->detail);
    job_again(core, job, backoff_ms(job), REASON_delayed);
}

// What follows for a job whose open attempt has ended. The mark is closed.
static void follow(struct core *core, struct job *job, const struct ending *ending) {
    if (job->state == JOB_OVERTAKEN) {
        job_state(core, job, JOB_ENDED);
        return;
    }
    if (ending->class == CLASS_success) {
        job_state(core, job, JOB_ENDED);
        job->answer = job->call;
        outcome_set(core, job, OUTCOME_answered, REASON_none);
        turn_answered(core, job);
        return;
    }
    if (job->is_cancelled || batch_of(core, job)->is_cancelled) {
        job_state(core, job, JOB_ENDED);
        outcome_set(core, job, OUTCOME_cancelled, cancel_reason(core, job));
        turn_unanswered(core, job);
        return;
    }
    if (ending->class == CLASS_lane_wide)
        lane_hold(core, lane_of(core, job), ending->reason, ending->detail);
    if (ending->class == CLASS_permanent) {
        dies(core, job, REASON_permanent);
        return;
    }
    if (ending->is_possibly_billed || ending->class == CLASS_unknown) {
        billed_retry(core, job, ending);
        return;
    }
    switch (ending->class) {
    case CLASS_lane_wide:
        job_again(core, job, 0, REASON_none);
        break;
    case CLASS_rate_limited: {
        uint64_t delay_ms = backoff_ms(job);
        job_again(core, job, ending->retry_after_ms > delay_ms ? ending->retry_after_ms : delay_ms,
                  REASON_rate_limited);
        break;
    }
    case CLASS_not_started:
        never_started(core, job, ending);
        break;
    default:
        counted_retry(core, job, ending);
        break;
    }
}

// What an end says about its lane.
static void lane_learns(struct core *core, struct job *job, const struct ending *ending,
                        uint64_t bytes, bool was_probe) {
    struct lane *lane = lane_of(core, job);
    if (ending->is_answered) {
        lane->misses = 0;
        lane_learns_size(core, lane, bytes);
    }
    if (was_probe && lane->state == LANE_held && ending->is_answered &&
        ending->class != CLASS_lane_wide)
        lane_open(core, lane);
}

// Closes the open attempt of a job, decides what follows, and writes the record of both.
static void end_attempt(struct core *core, struct job *job, const struct ending *ending,
                        const struct event *event) {
    uint64_t bytes = event ? event->end.bytes : 0;
    uint16_t revision = job->revision;
    bool had_answer = job->state == JOB_OVERTAKEN;
    bool was_probe = lane_of(core, job)->probe_job == job_slot(core, job);
    mark_close(core, job);
    struct effect *effect =
        record_new(core, RECORD_job, job, batch_of(core, job), bytes, ending->is_answered);
    struct record *record = &core->records[effect->slot];
    effect->call = job->call;
    effect->attempt = job->attempt;
    effect->marked_wall_ms = job->marked_wall_ms;
    effect->cost_max_pusd = job->cost_max_pusd;
    effect->has_attempt = true;
    effect->is_reported = event != NULL;
    effect->lapse = ending->class == CLASS_unknown ? LAPSE_unknown : LAPSE_not_started;
    effect->is_possibly_billed = ending->is_possibly_billed;
    effect->is_superfluous = had_answer && ending->class == CLASS_success;
    effect->is_answer = !had_answer && ending->class == CLASS_success;
    follow(core, job, ending);
    lane_learns(core, job, ending, bytes, was_probe);
    if (job->revision != revision) {
        effect->outcome = (enum outcome)job->outcome;
        effect->reason = (enum reason)job->reason;
        effect->revision = record->revision = job->revision;
    }
    job_touch(core, job);
    batch_touch(batch_of(core, job));
    job_finish_if_done(core, job);
}

void attempt_lapse(struct core *core, struct job *job) {
    struct ending ending = {.class = CLASS_not_started};
    if (job->lapse == LAPSE_unknown)
        ending = (struct ending){.class = CLASS_unknown, .is_possibly_billed = true};
    end_attempt(core, job, &ending, NULL);
}

// ---- ends that come late
// ----------------------------------------------------------------------------

// Asks the worker to stop the open call; its end is still awaited.
void call_off(struct core *core, const struct job *job) {
    struct effect *effect = emit(core, EFFECT_send_abort);
    effect->peer = core->workers[job->worker].peer;
    effect->call = job->call;
}

// Whether a late success may become the job's answer.
static bool may_still_answer(const struct core *core, const struct job *job) {
    if (job->state == JOB_GONE || job->state == JOB_ENDED || job->state == JOB_OVERTAKEN)
        return false; // it has its answer, or a person wanted none
    if (!job_is_kept(job))
        return true;
    return !job->conversation || core->conversations[job->conversation].highest_marked <= job->turn;
}

// The first stored success is the answer, whatever its token: calls off what else is on its way.
static void answer_late(struct core *core, struct job *job, struct id call) {
    bool was_settled = batch_of(core, job)->state == BATCH_SETTLED;
    if (job_is_marked(job)) {
        call_off(core, job);
        job_state(core, job, JOB_OVERTAKEN);
    } else {
        job_withdraw(core, job);
        turn_hold_back(core, job);
        job_state(core, job, JOB_ENDED);
    }
    job->answer = call;
    outcome_set(core, job, OUTCOME_answered, REASON_none);
    // People have seen a settled batch's results: what is parked behind it waits for them.
    if (!was_settled)
        turn_answered(core, job);
}

// An end under a token that is not the job's open one: it ends its own attempt only. One that
// says something else than the attempt's end that was stored before decides nothing: that they
// differ is for the ledger to say.
static void end_late(struct core *core, struct job *job, const struct event *event,
                     bool is_contrary) {
    struct ending ending = ending_of(event->end.item);
    uint32_t batch_at = job ? job->batch : 0;
    struct effect *effect =
        record_new(core, RECORD_job, job, batch_at ? &core->batches[batch_at] : NULL,
                   event->end.bytes, ending.is_answered);
    effect->call = event->end.item->call;
    effect->has_attempt = effect->is_reported = true;
    effect->cost_max_pusd = job ? job->cost_max_pusd : -1; // the bound of its request
    if (job && id_equal(job->call, event->end.item->call))
        effect->marked_wall_ms = job->marked_wall_ms;
    effect->is_possibly_billed = ending.is_possibly_billed;
    if (ending.class != CLASS_success)
        return;
    if (!job || is_contrary || !may_still_answer(core, job)) {
        effect->is_superfluous = true;
        return;
    }
    effect->is_answer = true;
    answer_late(core, job, event->end.item->call);
    effect->outcome = OUTCOME_answered;
    effect->revision = core->records[effect->slot].revision = job->revision;
}

// What a job remembers of the end of its last attempt; 0: nobody has reported one.
static uint64_t mark_of(struct digest digest) {
    uint64_t mark = bytes_u64(digest.at);
    return mark ? mark : 1;
}

static void say_stored(struct core *core, const struct event *event) {
    struct effect *stored = emit(core, EFFECT_send_end_stored);
    stored->peer = event->peer;
    stored->call = event->end.item->call;
}

// Whether the very same end was stored before: of the last attempt. Of an earlier one that won the
// digest is not kept, so any end of it counts as that: a second record of it could be applied first
// and take the answer away.
static bool is_repeated(const struct job *job, const struct end_item *item) {
    if (id_equal(job->call, item->call))
        return job->end_mark == mark_of(item->digest);
    return id_equal(job->answer, item->call);
}

void on_end(struct core *core, const struct event *event) {
    const struct end_item *item = event->end.item;
    uint32_t slot = core_find_job(core, item->job);
    // One that goes with this turn is gone: nothing may be bound to its slot any more.
    // A call that was never marked answers no job, whatever it says.
    bool is_here = slot && core->jobs[slot].state != JOB_GONE &&
                   call_id_counter(item->call) <= core->counters.calls;
    struct job *job = is_here ? &core->jobs[slot] : NULL;
    bool is_last = job && id_equal(job->call, item->call);
    bool is_open = is_last && job_is_marked(job);
    if (job && !is_open && is_repeated(job, item)) {
        say_stored(core, event);
        return;
    }
    if (is_open) {
        struct ending ending = ending_of(item);
        say_stored(core, event);
        job->end_mark = mark_of(item->digest);
        end_attempt(core, job, &ending, event);
        return;
    }
    if (!records_have_room(core, 2))
        return; // not stored: the worker says it again
    say_stored(core, event);
    bool is_contrary = is_last && job->end_mark != 0;
    if (is_last && !is_contrary) {
        job->end_mark = mark_of(item->digest);
        job_touch(core, job);
    }
    end_late(core, job, event, is_contrary);
}
