// Attempts: which answer wins, what each way of ending means for the job, and what is retried.
#include "tests/unit/broker/run.h"
#include "tests/unit/broker/world.h"

static struct world *w;
static uint64_t batch;

static void setup(void) {
    w = world_new();
    batch = world_open(w, (struct batch_options){.priority = 1});
}

static void teardown(void) {
    world_free(w);
    w = NULL;
}

// A batch of its own, one job in it, leased to worker 0.
static struct lease leased_job(struct batch_options options) {
    batch = world_open(w, options);
    (void)world_submit(w, batch);
    if (!w->workers[0].is_joined)
        world_join_worker(w, 0, 8);
    return world_lease(w, 0);
}

// Worker 0 falls silent over its call until the broker gives the attempt up.
static void give_up(void) {
    w->workers[0].is_silent = true;
    world_pass(w, BILLED_LIMIT_MS + 1000);
}

// A job leased to worker 0 is given up; the second attempt is at worker 1.
static struct lease second_lease(struct lease *first) {
    *first = leased_job((struct batch_options){.priority = 1});
    give_up();
    world_join_worker(w, 1, 8);
    world_pass(w, RETRY_MAX_MS);
    return world_lease(w, 1);
}

// ---- whose answer wins --------------------------------------------------------------------------

// An answer that was paid for must become the job's result, once, and be told to the ledger.
START_TEST(the_first_success_is_the_answer) {
    struct lease lease = leased_job((struct batch_options){.priority = 1});
    world_answer(w, 0, lease);
    const struct kept_record *record = world_record_of(w, lease.call);
    ck_assert(record->said.is_answer && !record->said.is_superfluous);
    ck_assert_int_eq(record->said.outcome, OUTCOME_answered);
    ck_assert_uint_eq(record->said.revision, 1);
    ck_assert_int_eq(world_state(w, lease.job), JOB_ENDED);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 1);
    world_record_all(w);
    ck_assert_int_eq(world_state(w, lease.job), JOB_GONE);
}
END_TEST

// Two workers may both be paid for one job; a result that changes afterwards would be a lie.
START_TEST(a_success_after_the_answer_is_superfluous) {
    struct lease first, second = second_lease(&first);
    world_answer(w, 1, second);
    world_answer(w, 0, first);
    const struct kept_record *late = world_record_of(w, second.call);
    ck_assert(late->said.is_answer);
    late = world_last_record(w, first.job);
    ck_assert(late->said.is_superfluous && !late->said.is_answer);
    ck_assert_int_eq(late->said.outcome, OUTCOME_none);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 1);
    ck_assert_uint_eq(world_records_of(w, first.job), 3); // unknown, answer, superfluous
}
END_TEST

// A worker that was only cut off has the answer that was paid for: it must not be paid again.
START_TEST(a_late_answer_of_an_unknown_attempt_wins_and_calls_off_the_open_one) {
    struct lease first, second = second_lease(&first);
    struct sent abort;
    world_answer(w, 0, first);
    ck_assert_int_eq(world_state(w, first.job), JOB_OVERTAKEN);
    ck_assert(world_take(w, EFFECT_send_abort, w->workers[1].peer, &abort));
    ck_assert(id_equal(abort.effect.call, second.call));
    ck_assert(world_last_record(w, first.job)->said.is_answer);
    world_answer(w, 1, second);
    ck_assert(world_last_record(w, first.job)->said.is_superfluous);
    ck_assert_int_eq(world_state(w, first.job), JOB_ENDED);
    world_record_all(w);
    ck_assert_int_eq(world_state(w, first.job), JOB_GONE);
}
END_TEST

// The end that won is said again, for its confirmation was lost: a second record of the same call
// could be applied before the first, as superfluous, and take the answer away.
START_TEST(the_end_that_won_is_one_record_however_often_it_is_said) {
    struct lease first, second = second_lease(&first);
    world_answer(w, 0, first);
    uint32_t records = world_records_of(w, first.job);
    world_answer(w, 0, first);
    ck_assert_uint_eq(world_records_of(w, first.job), records);
    world_answer(w, 1, second);
    world_record_all(w);
    ck_assert_int_eq(world_state(w, first.job), JOB_GONE);
}
END_TEST

// The call that was called off must not take the answer away again, however it ends.
START_TEST(the_end_of_an_overtaken_call_changes_nothing) {
    struct lease first, second = second_lease(&first);
    world_answer(w, 0, first);
    world_end(w, 1, second, PERMANENT);
    ck_assert_int_eq(world_state(w, first.job), JOB_ENDED);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 1);
    ck_assert_uint_eq(world_batch(w, batch)->dead, 0);
    ck_assert_int_eq(world_last_record(w, first.job)->said.outcome, OUTCOME_none);
}
END_TEST

// The ledger could not read the answer that won, but another call is still out: it may be read.
START_TEST(an_overtaken_call_gets_its_chance_when_the_answer_was_none) {
    struct lease first, second = second_lease(&first);
    world_answer(w, 0, first);
    w->is_unread = true;
    world_record_all(w);
    ck_assert_int_eq(world_state(w, first.job), JOB_LEASED);
    w->is_unread = false;
    world_answer(w, 1, second);
    world_record_all(w);
    ck_assert_int_eq(world_state(w, first.job), JOB_GONE);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 1);
}
END_TEST

// Somebody cancelled the job while its newer call was out: that must not be forgotten over an older
// answer that won for a while, or the job is called again against that person's will.
START_TEST(a_cancelled_job_whose_late_answer_was_none_is_still_cancelled) {
    struct lease first, second = second_lease(&first);
    world_cancel_job(w, first.job);
    world_answer(w, 0, first);
    w->is_unread = true;
    world_record_all(w);
    ck_assert_int_eq(world_state(w, first.job), JOB_LEASED);
    world_restart(w);
    world_join_worker(w, 1, 8);
    world_end(w, 1, second, RETRYABLE);
    ck_assert_int_eq(world_state(w, first.job), JOB_ENDED);
    ck_assert_int_eq(world_job(w, first.job)->outcome, OUTCOME_cancelled);
}
END_TEST

// What waits for its next attempt is called off too, or the job would be paid for twice.
START_TEST(a_late_answer_ends_a_job_that_waits_to_be_retried) {
    struct lease first = leased_job((struct batch_options){.priority = 1});
    give_up();
    world_answer(w, 0, first);
    ck_assert_int_eq(world_state(w, first.job), JOB_ENDED);
    world_join_worker(w, 1, 8);
    world_pass(w, 2 * RETRY_MAX_MS);
    ck_assert(!world_has_lease(w, 1));
}
END_TEST

// A worker says an end again until it hears `stored`: one call must not be recorded twice.
START_TEST(an_end_said_twice_is_one_record_and_both_are_called_stored) {
    struct lease lease = leased_job((struct batch_options){.priority = 1});
    world_answer(w, 0, lease);
    world_answer(w, 0, lease);
    ck_assert_uint_eq(world_records_of(w, lease.job), 1);
    ck_assert_uint_eq(w->counts[EFFECT_send_end_stored], 2);
}
END_TEST

// An answer may come when the job is long gone: it was paid for, so the ledger must learn of it.
START_TEST(an_answer_to_a_job_that_is_gone_is_recorded_as_superfluous) {
    struct lease first, second = second_lease(&first);
    world_answer(w, 1, second);
    world_record_all(w);
    ck_assert_int_eq(world_state(w, first.job), JOB_GONE);
    uint64_t issued = core_counters(w->core).issued;
    world_answer(w, 0, first);
    const struct kept_record *record = &w->store->records[issued + 1];
    ck_assert(record->said.is_superfluous && record->is_here);
    ck_assert(id_equal(record->said.call, first.call));
}
END_TEST

// What the ledger holds as `unknown` may turn out to be no success either: that end is kept too.
START_TEST(a_late_end_that_is_no_success_is_recorded_and_moves_nothing) {
    struct lease first, second = second_lease(&first);
    world_end(w, 0, first, PERMANENT);
    ck_assert_int_eq(world_state(w, first.job), JOB_LEASED);
    ck_assert(id_equal(world_last_record(w, first.job)->said.call, first.call));
    ck_assert_int_eq(world_last_record(w, first.job)->said.outcome, OUTCOME_none);
    world_answer(w, 1, second);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 1);
}
END_TEST

// ---- what may have been billed ------------------------------------------------------------------

static void expect(uint64_t job, enum job_state state, enum outcome outcome, enum reason reason) {
    ck_assert_int_eq(world_state(w, job), state);
    ck_assert_int_eq(world_job(w, job)->outcome, outcome);
    ck_assert_int_eq(world_job(w, job)->reason, reason);
}

// Ends the job's attempts in this way until it has its outcome, at most so often.
static uint32_t attempts_until_dead(struct lease lease, struct how how, uint32_t at_most) {
    uint32_t attempts = 0;
    while (attempts < at_most) {
        world_end(w, 0, lease, how);
        attempts++;
        if (world_state(w, lease.job) == JOB_DEAD)
            break;
        world_pass(w, RETRY_MAX_MS + 1000);
        lease = world_lease(w, 0);
    }
    return attempts;
}

// Who did not allow it must not pay twice for one job.
START_TEST(a_possibly_billed_attempt_follows_the_batchs_policy) {
    static const struct {
        const char *billed;
        enum job_state state;
        enum outcome outcome;
        enum reason reason;
    } policies[] = {
        {"retry", JOB_DELAYED, OUTCOME_none, REASON_delayed},
        {"park", JOB_PARKED, OUTCOME_parked, REASON_possibly_billed},
        {"fail", JOB_DEAD, OUTCOME_dead, REASON_possibly_billed},
    };
    for (size_t i = 0; i < 3; i++) {
        struct batch_options options = {.priority = 1, .billed = policies[i].billed};
        struct lease lease = leased_job(options);
        world_end(w, 0, lease, CUT_OFF);
        ck_assert(world_record_of(w, lease.call)->said.is_possibly_billed);
        expect(lease.job, policies[i].state, policies[i].outcome, policies[i].reason);
        lease = leased_job(options);
        world_end(w, 0, lease, MALFORMED);
        ck_assert(world_record_of(w, lease.call)->said.is_possibly_billed);
        expect(lease.job, policies[i].state, policies[i].outcome, policies[i].reason);
    }
}
END_TEST

// Nobody knows what a lost worker was charged for.
// A stream may end in an error when it has cost something: the policy holds for it too, and what
// the error says of the lane and of the time to wait holds besides.
START_TEST(an_error_within_an_answer_that_had_begun_is_possibly_billed) {
    struct how hows[] = {RETRYABLE, RATE_LIMITED, LANE_WIDE};
    for (size_t i = 0; i < 3; i++) {
        hows[i].has_begun = true;
        struct lease lease = leased_job((struct batch_options){.priority = 1, .billed = "park"});
        world_end(w, 0, lease, hows[i]);
        ck_assert(world_record_of(w, lease.call)->said.is_possibly_billed);
        expect(lease.job, JOB_PARKED, OUTCOME_parked, REASON_possibly_billed);
        ck_assert_int_eq(world_lane(w)->state, i == 2 ? LANE_held : LANE_open);
    }
}
END_TEST

START_TEST(a_retry_that_may_be_paid_again_is_counted_and_waits_as_the_error_says) {
    struct how how = RATE_LIMITED;
    how.has_begun = true;
    struct lease lease = leased_job((struct batch_options){.priority = 1, .billed = "retry"});
    ck_assert_uint_eq(attempts_until_dead(lease, how, 10), w->config.attempts_max);
    expect(lease.job, JOB_DEAD, OUTCOME_dead, REASON_attempts_used);
    how.retry_after_ms = RETRY_MAX_MS + 5000;
    lease = leased_job((struct batch_options){.priority = 1, .billed = "retry"});
    world_end(w, 0, lease, how);
    expect(lease.job, JOB_DELAYED, OUTCOME_none, REASON_delayed);
    ck_assert_uint_ge(world_job(w, lease.job)->delay_ms, RETRY_MAX_MS + 5000);
}
END_TEST

// What will never be taken is not tried again, by a person either; it is flagged all the same.
START_TEST(a_permanent_error_within_an_answer_is_dead_and_flagged) {
    struct how how = PERMANENT;
    how.has_begun = true;
    struct lease lease = leased_job((struct batch_options){.priority = 1, .billed = "park"});
    world_end(w, 0, lease, how);
    ck_assert(world_record_of(w, lease.call)->said.is_possibly_billed);
    expect(lease.job, JOB_DEAD, OUTCOME_dead, REASON_permanent);
}
END_TEST

START_TEST(an_unknown_attempt_follows_the_batchs_policy_too) {
    struct lease lease = leased_job((struct batch_options){.priority = 1, .billed = "park"});
    give_up();
    const struct kept_record *record = world_record_of(w, lease.call);
    ck_assert(record->said.is_possibly_billed && !record->said.is_reported);
    ck_assert_int_eq(record->said.lapse, LAPSE_unknown);
    expect(lease.job, JOB_PARKED, OUTCOME_parked, REASON_possibly_billed);
    ck_assert_uint_eq(world_batch(w, batch)->parked, 1);
}
END_TEST

// A call of which no byte left cost nothing: no policy stands in the way of trying again.
START_TEST(a_failure_before_a_byte_left_is_not_possibly_billed) {
    struct lease lease = leased_job((struct batch_options){.priority = 1, .billed = "fail"});
    world_end(w, 0, lease, FAILED_UNSENT);
    ck_assert(!world_record_of(w, lease.call)->said.is_possibly_billed);
    expect(lease.job, JOB_DELAYED, OUTCOME_none, REASON_delayed);
}
END_TEST

// The answer that was feared lost arrives: nobody should have to revive the job by hand.
START_TEST(a_late_answer_brings_a_parked_job_its_outcome) {
    struct lease lease = leased_job((struct batch_options){.priority = 1, .billed = "park"});
    give_up();
    world_answer(w, 0, lease);
    ck_assert_uint_eq(world_batch(w, batch)->parked, 0);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 1);
    ck_assert_uint_eq(world_last_record(w, lease.job)->said.revision, 2);
    world_record_all(w);
    ck_assert_int_eq(world_state(w, lease.job), JOB_GONE);
}
END_TEST

// ---- counting -----------------------------------------------------------------------------------

// A provider that is broken for one prompt must not be paid for it for ever.
START_TEST(retryable_ends_are_counted_and_kill_the_job_at_the_maximum) {
    struct lease lease = leased_job((struct batch_options){.priority = 1});
    ck_assert_uint_eq(attempts_until_dead(lease, RETRYABLE, 10), w->config.attempts_max);
    expect(lease.job, JOB_DEAD, OUTCOME_dead, REASON_attempts_used);
    lease = leased_job((struct batch_options){.priority = 1, .attempts_max = 2});
    ck_assert_uint_eq(attempts_until_dead(lease, RETRYABLE, 10), 2);
    ck_assert_uint_eq(world_last_record(w, lease.job)->said.attempt, 2);
}
END_TEST

// A busy provider is nobody's fault: 200,000 jobs must not die of a rate limit.
START_TEST(rate_limited_ends_are_not_counted) {
    struct lease lease = leased_job((struct batch_options){.priority = 1});
    ck_assert_uint_eq(attempts_until_dead(lease, RATE_LIMITED, 12), 12);
    ck_assert_uint_eq(world_job(w, lease.job)->counted, 0);
    ck_assert_uint_eq(world_job(w, lease.job)->attempt, 13);
}
END_TEST

// A call that never started cost nothing and says nothing of the job.
START_TEST(ends_that_never_started_are_not_counted) {
    struct lease lease = leased_job((struct batch_options){.priority = 1});
    ck_assert_uint_eq(attempts_until_dead(lease, NOT_STARTED, 12), 12);
    ck_assert_uint_eq(world_job(w, lease.job)->counted, 0);
}
END_TEST

// A job from which no call can be made would go round for ever, since such ends are not counted.
START_TEST(a_job_that_can_never_be_called_is_dead_at_once) {
    struct lease lease = leased_job((struct batch_options){.priority = 1});
    world_end(w, 0, lease, NEVER_POSSIBLE);
    expect(lease.job, JOB_DEAD, OUTCOME_dead, REASON_permanent);
    ck_assert_int_eq(world_lane(w)->state, LANE_open);
}
END_TEST

// What the provider will never take is not to be paid for five times.
START_TEST(a_permanent_error_is_dead_at_once_with_its_record) {
    struct lease lease = leased_job((struct batch_options){.priority = 1});
    world_end(w, 0, lease, PERMANENT);
    expect(lease.job, JOB_DEAD, OUTCOME_dead, REASON_permanent);
    const struct kept_record *record = world_record_of(w, lease.call);
    ck_assert_int_eq(record->said.outcome, OUTCOME_dead);
    ck_assert_int_eq(record->said.reason, REASON_permanent);
    world_record_all(w);
    ck_assert_int_eq(world_state(w, lease.job), JOB_DEAD); // kept for a person
}
END_TEST

// A worker that calls half an answer a success must not end the job with it.
START_TEST(only_a_complete_answer_can_be_a_success) {
    struct lease lease = leased_job((struct batch_options){.priority = 1});
    world_end(w, 0, lease, (struct how){"failed", "success", "", true, false, 0});
    expect(lease.job, JOB_DELAYED, OUTCOME_none, REASON_delayed);
    ck_assert(!world_record_of(w, lease.call)->said.is_answer);
}
END_TEST

// Hammering a provider that is in trouble keeps it there.
START_TEST(waits_between_attempts_grow_and_stay_within_their_bounds) {
    struct lease lease = leased_job((struct batch_options){.priority = 1});
    for (uint32_t i = 0; i < 12; i++) {
        uint64_t wait = (uint64_t)RETRY_BASE_MS << (i < 7 ? i : 7);
        wait = wait > RETRY_MAX_MS ? RETRY_MAX_MS : wait;
        world_end(w, 0, lease, RATE_LIMITED);
        uint32_t delay_ms = world_job(w, lease.job)->delay_ms;
        ck_assert_uint_ge(delay_ms, wait / 2);
        ck_assert_uint_le(delay_ms, wait);
        world_pass(w, RETRY_MAX_MS + 1000);
        lease = world_lease(w, 0);
    }
}
END_TEST

// A provider that says when to come back means it: earlier calls are refused again.
START_TEST(a_providers_hint_is_waited_for) {
    struct lease lease = leased_job((struct batch_options){.priority = 1});
    struct how how = RATE_LIMITED;
    how.retry_after_ms = 90 * 1000;
    world_end(w, 0, lease, how);
    ck_assert_int_eq(core_waits_for(w->core, world_job(w, lease.job)), REASON_rate_limited);
    world_pass(w, 89 * 1000);
    ck_assert(!world_has_lease(w, 0));
    world_pass(w, 2 * 1000);
    ck_assert(world_has_lease(w, 0));
}
END_TEST

// A call id that came twice would make two calls one in the ledger.
START_TEST(no_call_id_comes_twice_in_retries_or_after_a_restart) {
    struct lease first = leased_job((struct batch_options){.priority = 1});
    world_end(w, 0, first, RATE_LIMITED);
    world_pass(w, RETRY_MAX_MS);
    struct lease second = world_lease(w, 0);
    world_end(w, 0, second, RATE_LIMITED);
    world_restart(w);
    world_join_worker(w, 0, 8);
    world_pass(w, RETRY_MAX_MS);
    struct lease third = world_lease(w, 0);
    ck_assert_uint_lt(call_id_counter(first.call), call_id_counter(second.call));
    ck_assert_uint_lt(call_id_counter(second.call), call_id_counter(third.call));
    ck_assert_uint_eq(world_job(w, third.job)->attempt, 3); // attempt numbers go on
}
END_TEST

// ---- cancelling one job -------------------------------------------------------------------------

START_TEST(cancelling_a_job_that_waits_ends_it_at_once) {
    uint64_t job = world_submit(w, batch);
    world_cancel_job(w, job);
    expect(job, JOB_ENDED, OUTCOME_cancelled, REASON_cancelled);
    world_join_worker(w, 0, 8);
    ck_assert(!world_has_lease(w, 0));
    world_record_all(w);
    ck_assert_int_eq(world_state(w, job), JOB_GONE);
}
END_TEST

// The call may have been billed already: a success that still comes is worth more than the wish.
START_TEST(an_answer_wins_over_a_cancellation_on_its_way) {
    struct lease lease = leased_job((struct batch_options){.priority = 1});
    struct sent abort;
    world_cancel_job(w, lease.job);
    ck_assert_int_eq(world_state(w, lease.job), JOB_ABORTING);
    ck_assert(world_take(w, EFFECT_send_abort, w->workers[0].peer, &abort));
    world_answer(w, 0, lease);
    ck_assert_int_eq(world_last_record(w, lease.job)->said.outcome, OUTCOME_answered);
}
END_TEST

START_TEST(a_cancelled_call_that_fails_is_cancelled_and_never_retried) {
    struct lease lease = leased_job((struct batch_options){.priority = 1});
    world_cancel_job(w, lease.job);
    world_end(w, 0, lease, RETRYABLE);
    expect(lease.job, JOB_ENDED, OUTCOME_cancelled, REASON_cancelled);
    world_pass(w, RETRY_MAX_MS);
    ck_assert(!world_has_lease(w, 0));
}
END_TEST

// It was cancelled, so nobody waits for it; it was paid for, so it must be findable.
START_TEST(an_answer_after_the_outcome_cancelled_is_superfluous) {
    struct lease first = leased_job((struct batch_options){.priority = 1});
    give_up();
    world_cancel_job(w, first.job);
    world_answer(w, 0, first);
    ck_assert(world_last_record(w, first.job)->said.is_superfluous);
    ck_assert_uint_eq(world_batch(w, batch)->cancelled, 1);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 0);
}
END_TEST

int main(void) {
    RUN_TESTS(
        "attempts", setup, teardown, the_first_success_is_the_answer,
        a_success_after_the_answer_is_superfluous,
        a_late_answer_of_an_unknown_attempt_wins_and_calls_off_the_open_one,
        the_end_that_won_is_one_record_however_often_it_is_said,
        the_end_of_an_overtaken_call_changes_nothing,
        an_overtaken_call_gets_its_chance_when_the_answer_was_none,
        a_cancelled_job_whose_late_answer_was_none_is_still_cancelled,
        a_late_answer_ends_a_job_that_waits_to_be_retried,
        an_end_said_twice_is_one_record_and_both_are_called_stored,
        an_answer_to_a_job_that_is_gone_is_recorded_as_superfluous,
        a_late_end_that_is_no_success_is_recorded_and_moves_nothing,
        a_possibly_billed_attempt_follows_the_batchs_policy,
        an_error_within_an_answer_that_had_begun_is_possibly_billed,
        a_retry_that_may_be_paid_again_is_counted_and_waits_as_the_error_says,
        a_permanent_error_within_an_answer_is_dead_and_flagged,
        an_unknown_attempt_follows_the_batchs_policy_too,
        a_failure_before_a_byte_left_is_not_possibly_billed,
        a_late_answer_brings_a_parked_job_its_outcome,
        retryable_ends_are_counted_and_kill_the_job_at_the_maximum,
        rate_limited_ends_are_not_counted, ends_that_never_started_are_not_counted,
        a_job_that_can_never_be_called_is_dead_at_once,
        a_permanent_error_is_dead_at_once_with_its_record, only_a_complete_answer_can_be_a_success,
        waits_between_attempts_grow_and_stay_within_their_bounds, a_providers_hint_is_waited_for,
        no_call_id_comes_twice_in_retries_or_after_a_restart,
        cancelling_a_job_that_waits_ends_it_at_once, an_answer_wins_over_a_cancellation_on_its_way,
        a_cancelled_call_that_fails_is_cancelled_and_never_retried,
        an_answer_after_the_outcome_cancelled_is_superfluous);
}
