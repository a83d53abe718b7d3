// What people decide about jobs that have no answer: retried with fresh attempts, cancelled, or let
// go for good. Each decision is on the disk with the transaction that it is made in.
#include "tests/unit/broker/run.h"
#include "tests/unit/broker/world.h"

static struct world *w;
static uint64_t batch;

static void setup(void) {
    w = world_new();
    batch = world_open(w, (struct batch_options){.priority = 1});
    world_join_worker(w, 0, 8);
}

static void teardown(void) {
    world_free(w);
    w = NULL;
}

// A single call that the provider refuses for good.
static uint64_t dead_job(void) {
    uint64_t job = world_submit(w, batch);
    world_end(w, 0, world_lease(w, 0), PERMANENT);
    ck_assert_int_eq(world_state(w, job), JOB_DEAD);
    return job;
}

// Turn 1 is dead, turns 2 and 3 are parked behind it.
static void dead_turn(uint64_t turns[3]) {
    for (uint64_t i = 0; i < 3; i++)
        turns[i] = world_submit_turn(w, batch, 'a', i + 1);
    world_end(w, 0, world_lease(w, 0), PERMANENT);
    ck_assert_int_eq(world_state(w, turns[0]), JOB_DEAD);
    ck_assert_int_eq(world_state(w, turns[2]), JOB_PARKED);
}

static void settle(void) {
    world_seal(w, batch);
    world_record_all(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SETTLED);
}

static void expect_refused(enum event_kind decision, uint64_t job, const char *why) {
    ck_assert_pstr_eq(world_refuses(w, decision, job), why);
}

// The highest revision of the batch's state that the ledger was told, and which state that is.
static uint32_t last_told(uint8_t *state) {
    uint32_t revision = 0;
    for (uint64_t i = 1; i <= core_counters(w->core).issued; i++) {
        const struct record *row = &w->store->records[i].row;
        if (row->type == RECORD_batch && row->revision > revision) {
            revision = row->revision;
            *state = row->batch_state;
        }
    }
    return revision;
}

// ---- retry --------------------------------------------------------------------------------------

// The first failure must neither count on against the job nor stay in the sums beside its answer.
START_TEST(a_dead_job_is_retried_with_fresh_attempts_and_numbers_that_go_on) {
    uint64_t job = dead_job();
    uint8_t told;
    settle();
    uint32_t settled = last_told(&told);
    ck_assert_int_eq(told, BATCH_SETTLED);
    world_retry(w, job, 0);
    ck_assert_int_eq(world_state(w, job), JOB_LEASED);
    ck_assert_uint_eq(world_job(w, job)->attempt, 2);
    ck_assert_uint_eq(world_job(w, job)->counted, 0);
    ck_assert_uint_eq(world_batch(w, batch)->dead, 0);
    ck_assert_uint_eq(world_batch(w, batch)->revived, 1);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SEALED);
    ck_assert_uint_gt(last_told(&told), settled); // nobody may take the batch for settled now
    ck_assert_int_eq(told, BATCH_SEALED);
    world_answer(w, 0, world_lease(w, 0));
    ck_assert_uint_eq(world_last_record(w, job)->said.revision, 2);
    ck_assert_int_eq(world_last_record(w, job)->said.outcome, OUTCOME_answered);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 1);
    ck_assert_uint_eq(world_batch(w, batch)->revived, 0);
    world_record_all(w);
    ck_assert_uint_gt(last_told(&told), settled + 1);
    ck_assert_int_eq(told, BATCH_SETTLED);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_GONE);
}
END_TEST

START_TEST(a_retry_gets_all_its_attempts_again) {
    uint64_t job = world_submit(w, batch);
    for (int i = 0; i < 3; i++) {
        world_pass(w, RETRY_MAX_MS);
        world_end(w, 0, world_lease(w, 0), RETRYABLE);
    }
    ck_assert_int_eq(world_state(w, job), JOB_DEAD);
    world_retry(w, job, 0);
    world_end(w, 0, world_lease(w, 0), RETRYABLE);
    ck_assert_int_eq(world_state(w, job), JOB_DELAYED);
    ck_assert_uint_eq(world_job(w, job)->attempt, 4);
    ck_assert_uint_eq(world_job(w, job)->counted, 1);
}
END_TEST

// What was decided must not be forgotten by a crash, and neither must the rate of the retries.
START_TEST(a_retry_and_its_delay_survive_a_restart) {
    uint64_t now = dead_job(), later = dead_job();
    settle();
    world_retry(w, now, 0);
    world_retry(w, later, 30 * 1000);
    struct lease lost = world_lease(w, 0);
    world_restart(w);
    ck_assert_uint_eq(world_batch(w, batch)->dead, 0);
    ck_assert_uint_eq(world_batch(w, batch)->revived, 2);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SEALED);
    ck_assert_int_eq(world_state(w, now), JOB_LEASED);
    ck_assert_int_eq(world_state(w, later), JOB_DELAYED);
    world_join_worker(w, 0, 8);
    world_answer(w, 0, lost);
    world_pass(w, 25 * 1000);
    ck_assert(!world_has_lease(w, 0));
    world_pass(w, 6 * 1000);
    ck_assert_uint_eq(world_lease(w, 0).job, later);
}
END_TEST

START_TEST(a_parked_attempt_that_may_have_been_billed_is_retried_by_a_person_only) {
    uint64_t other = world_open(w, (struct batch_options){.priority = 1, .billed = "park"});
    uint64_t job = world_submit(w, other);
    world_end(w, 0, world_lease(w, 0), CUT_OFF);
    ck_assert_int_eq(world_state(w, job), JOB_PARKED);
    world_pass(w, RETRY_MAX_MS);
    ck_assert(!world_has_lease(w, 0));
    world_retry(w, job, 0);
    ck_assert_uint_eq(world_lease(w, 0).job, job);
    ck_assert_uint_eq(world_batch(w, other)->parked, 0);
}
END_TEST

// The conversation goes on as if the turn had been answered at once; nothing overtakes it.
START_TEST(turns_parked_behind_a_retried_one_follow_when_it_is_answered) {
    uint64_t turns[3];
    dead_turn(turns);
    settle();
    world_retry(w, turns[0], 0);
    ck_assert_int_eq(world_state(w, turns[1]), JOB_PARKED);
    world_answer(w, 0, world_lease(w, 0));
    ck_assert_int_eq(world_state(w, turns[1]), JOB_WAITING);
    ck_assert(!world_has_lease(w, 0));
    for (int i = 1; i < 3; i++) {
        world_record_all(w);
        struct lease lease = world_lease(w, 0);
        ck_assert_uint_eq(lease.job, turns[i]);
        world_answer(w, 0, lease);
    }
    world_record_all(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_GONE);
}
END_TEST

START_TEST(turns_stay_parked_when_the_retried_one_dies_again) {
    uint64_t turns[3];
    dead_turn(turns);
    world_record_all(w);
    world_retry(w, turns[0], 0);
    world_end(w, 0, world_lease(w, 0), PERMANENT);
    world_record_all(w);
    ck_assert_int_eq(world_state(w, turns[0]), JOB_DEAD);
    ck_assert_int_eq(world_state(w, turns[1]), JOB_PARKED);
    ck_assert_uint_eq(world_batch(w, batch)->dead, 1);
    ck_assert_uint_eq(world_batch(w, batch)->parked, 2);
    expect_refused(EVENT_retry_job, turns[1], "earlier_turn");
}
END_TEST

// Letting go of many turns is spread over ticks, and goes on after a crash in between.
START_TEST(many_parked_turns_follow_and_a_crash_between_forgets_none) {
    enum { TURNS = DECIDED_A_STEP + 50 };
    uint64_t first = 0;
    for (uint64_t i = 1; i <= TURNS; i++) {
        uint64_t job = world_submit_turn(w, batch, 'm', i);
        first = first ? first : job;
    }
    world_end(w, 0, world_lease(w, 0), PERMANENT);
    world_record_all(w);
    ck_assert_uint_eq(world_batch(w, batch)->parked, TURNS - 1);
    world_retry(w, first, 0);
    uint64_t more = w->ticks_more;
    world_answer(w, 0, world_lease(w, 0));
    ck_assert_uint_gt(w->ticks_more, more);
    ck_assert_uint_eq(world_batch(w, batch)->parked, 0);
    // As a crash would leave it in the middle: the break is mended, and some are still parked.
    struct kept_job *last = &w->store->jobs[first + TURNS - 1];
    last->row.state = JOB_PARKED;
    last->row.outcome = OUTCOME_parked;
    last->row.reason = REASON_earlier_turn;
    w->store->batches[batch].row.parked = 1;
    world_restart(w);
    ck_assert_int_eq(world_state(w, first + TURNS - 1), JOB_WAITING);
    ck_assert_uint_eq(world_batch(w, batch)->parked, 0);
}
END_TEST

START_TEST(what_cannot_be_retried_is_refused_with_its_reason) {
    uint64_t turns[3];
    uint64_t running = world_submit(w, batch);
    (void)world_lease(w, 0);
    dead_turn(turns);
    expect_refused(EVENT_retry_job, running, "not_dead");
    expect_refused(EVENT_retry_job, turns[1], "earlier_turn");
    ck_assert_ptr_null(world_refuses(w, EVENT_retry_job, turns[0]));
    world_cancel(w, batch);
    expect_refused(EVENT_retry_job, turns[0], "batch_cancelled");
    world_retry(w, turns[0], 0); // refused: changes nothing
    ck_assert_int_eq(world_state(w, turns[0]), JOB_DEAD);
    ck_assert_uint_eq(world_batch(w, batch)->dead, 1);
}
END_TEST

// A late answer to a settled batch leaves the rest to a person; this is the person.
START_TEST(the_first_of_those_parked_is_retried_when_the_turn_before_it_has_its_answer) {
    uint64_t turns[3];
    for (uint64_t i = 0; i < 3; i++)
        turns[i] = world_submit_turn(w, batch, 'a', i + 1);
    struct lease late = world_lease(w, 0);
    w->workers[0].is_silent = true;
    world_pass(w, BILLED_LIMIT_MS + 1000);
    world_join_worker(w, 1, 8);
    world_pass(w, RETRY_MAX_MS);
    world_end(w, 1, world_lease(w, 1), PERMANENT);
    settle();
    world_answer(w, 0, late);
    world_record_all(w);
    expect_refused(EVENT_retry_job, turns[2], "earlier_turn");
    world_retry(w, turns[1], 0);
    ck_assert_int_eq(world_state(w, turns[2]), JOB_PARKED);
    world_answer(w, 1, world_lease(w, 1));
    world_record_all(w);
    ck_assert_uint_eq(world_lease(w, 1).job, turns[2]);
}
END_TEST

// ---- drop ---------------------------------------------------------------------------------------

START_TEST(a_dropped_job_is_gone_and_its_batch_with_the_last_one) {
    uint64_t one = dead_job(), other = dead_job();
    settle();
    world_drop(w, one);
    ck_assert_int_eq(world_state(w, one), JOB_GONE);
    ck_assert(!w->store->jobs[one].is_here);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SETTLED);
    world_drop(w, other);
    world_tick(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_GONE);
    ck_assert(!w->store->batches[batch].is_here);
}
END_TEST

// The ledger must learn how the job ended, even if nobody wants it any more.
START_TEST(a_dropped_job_goes_only_when_its_outcome_is_recorded) {
    uint64_t job = dead_job();
    world_drop(w, job);
    ck_assert_int_eq(world_state(w, job), JOB_ENDED);
    world_restart(w);
    ck_assert_int_eq(world_state(w, job), JOB_ENDED);
    ck_assert_uint_eq(world_batch(w, batch)->unsettled, 1);
    world_record_all(w);
    ck_assert_int_eq(world_state(w, job), JOB_GONE);
}
END_TEST

START_TEST(dropping_a_dead_turn_drops_those_parked_behind_it) {
    uint64_t turns[3];
    dead_turn(turns);
    settle();
    world_drop(w, turns[0]);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(world_state(w, turns[i]), JOB_GONE);
    world_tick(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_GONE);
    for (uint32_t i = 0; i < CONVERSATIONS; i++)
        ck_assert(!w->store->conversations[i].is_here);
}
END_TEST

START_TEST(many_parked_turns_are_dropped_a_step_at_a_time) {
    enum { TURNS = 2 * DECIDED_A_STEP + 10 };
    uint64_t first = core_counters(w->core).jobs + 1;
    for (uint64_t i = 1; i <= TURNS; i++)
        (void)world_submit_turn(w, batch, 'm', i);
    world_end(w, 0, world_lease(w, 0), PERMANENT);
    world_record_all(w);
    struct event event = {.kind = EVENT_drop_job, .slot = core_find_job(w->core, first)};
    event.now_ms = w->now_ms;
    event.wall_ms = w->wall_ms;
    core_step(w->core, &event, &w->effects);
    ck_assert(w->effects.more);
    world_drop(w, first);
    ck_assert_uint_eq(world_batch(w, batch)->jobs_here, 0);
}
END_TEST

// A conversation of an open batch whose turn was dropped is still without that turn's answer.
START_TEST(lines_that_come_after_a_drop_are_parked_and_a_person_may_retry_them) {
    uint64_t turns[3];
    dead_turn(turns);
    world_record_all(w);
    world_drop(w, turns[0]);
    world_restart(w);
    world_join_worker(w, 0, 8);
    uint64_t next = world_submit_turn(w, batch, 'a', 4);
    ck_assert_int_eq(world_state(w, next), JOB_PARKED);
    world_record_all(w);
    world_retry(w, next, 0);
    ck_assert_uint_eq(world_lease(w, 0).job, next);
}
END_TEST

START_TEST(a_late_answer_to_a_dropped_job_is_superfluous) {
    uint64_t job = world_submit(w, batch);
    struct lease late = world_lease(w, 0);
    w->workers[0].is_silent = true;
    world_pass(w, BILLED_LIMIT_MS + 1000);
    world_join_worker(w, 1, 8);
    world_pass(w, RETRY_MAX_MS);
    world_end(w, 1, world_lease(w, 1), PERMANENT);
    world_drop(w, job);
    world_answer(w, 0, late);
    ck_assert(world_record_of(w, late.call)->said.is_known == false);
    const struct kept_record *last = &w->store->records[core_counters(w->core).issued];
    ck_assert(id_equal(last->said.call, late.call));
    ck_assert(last->said.is_superfluous);
    ck_assert(!last->said.is_answer);
    ck_assert_int_eq(world_state(w, job), JOB_ENDED);
}
END_TEST

// ---- cancel -------------------------------------------------------------------------------------

START_TEST(a_turn_cancelled_while_it_runs_holds_up_those_behind_it) {
    uint64_t turns[2];
    for (uint64_t i = 0; i < 2; i++)
        turns[i] = world_submit_turn(w, batch, 'a', i + 1);
    struct lease lease = world_lease(w, 0);
    world_cancel_job(w, turns[0]);
    ck_assert_int_eq(world_state(w, turns[0]), JOB_ABORTING);
    world_end(w, 0, lease, CUT_OFF);
    world_record_all(w);
    ck_assert_int_eq(world_state(w, turns[0]), JOB_GONE);
    ck_assert_int_eq(world_state(w, turns[1]), JOB_PARKED);
    world_pass(w, 10 * 1000);
    ck_assert(!world_has_lease(w, 0));
    world_retry(w, turns[1], 0); // a person may send it without the one that was called off
    ck_assert_uint_eq(world_lease(w, 0).job, turns[1]);
}
END_TEST

// What comes before a cancelled turn has nothing to do with it.
START_TEST(a_cancelled_turn_does_not_hold_up_those_before_it) {
    uint64_t turns[4];
    for (uint64_t i = 0; i < 4; i++)
        turns[i] = world_submit_turn(w, batch, 'a', i + 1);
    struct lease lease = world_lease(w, 0);
    world_cancel_job(w, turns[2]);
    ck_assert_int_eq(world_state(w, turns[1]), JOB_WAITING);
    ck_assert_int_eq(world_state(w, turns[3]), JOB_PARKED);
    world_answer(w, 0, lease);
    world_record_all(w);
    lease = world_lease(w, 0);
    ck_assert_uint_eq(lease.job, turns[1]);
    world_answer(w, 0, lease);
    world_record_all(w);
    ck_assert_int_eq(world_state(w, turns[3]), JOB_PARKED);
    ck_assert(!world_has_lease(w, 0));
}
END_TEST

// Mending one break must not carry a conversation over another.
START_TEST(a_turn_behind_two_breaks_stays_parked_when_the_first_is_mended) {
    uint64_t turns[5];
    for (uint64_t i = 0; i < 5; i++)
        turns[i] = world_submit_turn(w, batch, 'a', i + 1);
    world_cancel_job(w, turns[3]);
    world_end(w, 0, world_lease(w, 0), PERMANENT);
    world_record_all(w);
    world_retry(w, turns[0], 0);
    for (int i = 0; i < 3; i++) {
        struct lease lease = world_lease(w, 0);
        ck_assert_uint_eq(lease.job, turns[i]);
        world_answer(w, 0, lease);
        world_record_all(w);
    }
    ck_assert_int_eq(world_state(w, turns[4]), JOB_PARKED);
    ck_assert(!world_has_lease(w, 0));
}
END_TEST

// "Call it off" must not mean "unless it fails in a way that is retried".
START_TEST(a_call_of_a_cancelled_batch_is_not_made_again) {
    uint64_t job = world_submit(w, batch);
    struct lease first = world_lease(w, 0);
    w->workers[0].is_silent = true;
    world_pass(w, BILLED_LIMIT_MS + 1000);
    world_join_worker(w, 1, 8);
    world_pass(w, RETRY_MAX_MS);
    struct lease second = world_lease(w, 1);
    world_answer(w, 0, first); // overtakes the second, but cannot be read
    world_cancel(w, batch);
    w->is_unread = true;
    world_record_all(w);
    ck_assert_int_eq(world_state(w, job), JOB_LEASED);
    world_end(w, 1, second, RETRYABLE);
    ck_assert_uint_eq(world_batch(w, batch)->cancelled, 1);
    world_pass(w, RETRY_MAX_MS);
    ck_assert(!world_has_lease(w, 1));
}
END_TEST

// Its answer came after all; what stands behind it was called off with the batch.
START_TEST(a_late_answer_in_a_cancelled_batch_lets_nothing_go) {
    uint64_t turns[2];
    for (uint64_t i = 0; i < 2; i++)
        turns[i] = world_submit_turn(w, batch, 'a', i + 1);
    struct lease late = world_lease(w, 0);
    w->workers[0].is_silent = true;
    world_pass(w, BILLED_LIMIT_MS + 1000);
    world_join_worker(w, 1, 8);
    world_pass(w, RETRY_MAX_MS);
    world_end(w, 1, world_lease(w, 1), PERMANENT);
    world_cancel(w, batch);
    world_answer(w, 0, late);
    ck_assert_int_eq(world_state(w, turns[1]), JOB_PARKED);
    world_record_all(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SETTLED);
    ck_assert(!world_has_lease(w, 1));
}
END_TEST

// A drop that is not in the ledger yet must leave its conversation all the same, after a restart
// too.
START_TEST(a_turn_dropped_before_a_restart_leaves_its_conversation) {
    uint64_t turns[3];
    dead_turn(turns);
    world_drop(w, turns[0]);
    world_restart(w);
    world_join_worker(w, 0, 8);
    world_record_all(w);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(world_state(w, turns[i]), JOB_GONE);
    uint64_t more = world_submit_turn(w, batch, 'a', 4);
    world_record_all(w);
    world_retry(w, more, 0);
    ck_assert_uint_eq(world_lease(w, 0).job, more);
}
END_TEST

START_TEST(a_cancelled_job_that_is_over_is_refused) {
    uint64_t job = dead_job();
    expect_refused(EVENT_cancel_job, job, "ended");
    expect_refused(EVENT_drop_job, world_submit(w, batch), "not_dead");
}
END_TEST

// ---- ends that contradict each other ------------------------------------------------------------

// A worker says two different things of one call: the first stands, the ledger is told the second.
START_TEST(a_second_end_of_a_call_decides_nothing_and_is_kept_for_the_ledger) {
    uint64_t job = world_submit(w, batch);
    struct lease lease = world_lease(w, 0);
    world_end(w, 0, lease, RETRYABLE);
    ck_assert_int_eq(world_state(w, job), JOB_DELAYED);
    uint32_t records = world_records_of(w, job);
    world_answer(w, 0, lease);
    ck_assert_int_eq(world_state(w, job), JOB_DELAYED);
    ck_assert_uint_eq(world_records_of(w, job), records + 1);
    ck_assert(!world_last_record(w, job)->said.is_answer);
    ck_assert_int_eq(world_last_record(w, job)->said.outcome, OUTCOME_none);
    world_pass(w, RETRY_MAX_MS);
    world_answer(w, 0, world_lease(w, 0));
    world_end(w, 0, lease, MALFORMED); // and of the older call a third, while the answer is here
    ck_assert_uint_eq(world_batch(w, batch)->answered, 1);
}
END_TEST

START_TEST(another_end_of_the_call_that_answered_is_no_repetition) {
    uint64_t job = world_submit(w, batch);
    struct lease lease = world_lease(w, 0);
    world_answer(w, 0, lease);
    uint32_t records = world_records_of(w, job);
    world_answer(w, 0, lease);
    ck_assert_uint_eq(world_records_of(w, job), records);
    world_end(w, 0, lease, CUT_OFF);
    ck_assert_uint_eq(world_records_of(w, job), records + 1);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 1);
}
END_TEST

// A lease that nobody can have received was called all the same: what it brought is the answer.
START_TEST(an_answer_after_a_lost_lease_calls_off_the_next_attempt) {
    uint64_t job = world_submit(w, batch);
    struct lease lost = world_lose_lease(w, 0);
    world_pass(w, 2000);
    struct lease second = world_lease(w, 0);
    ck_assert_uint_eq(second.job, job);
    world_answer(w, 0, lost);
    ck_assert_int_eq(world_state(w, job), JOB_OVERTAKEN);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_abort, w->workers[0].peer), 1);
    world_answer(w, 0, second);
    ck_assert(world_last_record(w, job)->said.is_superfluous);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 1);
}
END_TEST

// People look for why a job is dead: the ledger's refusal is another reason than an unreadable one.
START_TEST(a_job_whose_record_is_in_quarantine_is_dead_and_says_so) {
    uint64_t job = world_submit(w, batch);
    world_answer(w, 0, world_lease(w, 0));
    struct recorded_item item = {.number = world_last_record(w, job)->row.number,
                                 .is_quarantined = true};
    struct event event = {.kind = EVENT_recorded, .peer = ACCOUNTANT, .recorded = &item};
    world_turn(w, &event);
    ck_assert_int_eq(world_state(w, job), JOB_DEAD);
    ck_assert_int_eq(world_job(w, job)->reason, REASON_quarantined);
    ck_assert_uint_eq(world_job(w, job)->revision, 2);
}
END_TEST

// ---- a smaller broker ---------------------------------------------------------------------------

// A setting that was lowered must be refused as one, not end the process in the middle of its
// start.
START_TEST(a_core_too_small_for_its_rows_says_so) {
    struct core_config config = w->config;
    (void)world_submit(w, batch);
    (void)world_submit_turn(w, batch, 'a', 1);
    config.jobs_max = 1;
    config.conversations_max = 1;
    void *memory = calloc(1, core_size(&config));
    struct core *core = core_init(memory, &config);
    struct job row = w->store->jobs[1].row;
    ck_assert_uint_eq(core_restore_batch(core, &w->store->batches[batch].row), 1);
    ck_assert_uint_eq(core_restore_lane(core, &w->store->lanes[1]), 1);
    row.batch = 1;
    row.state = JOB_READY;
    ck_assert_uint_ne(core_restore_job(core, &row, (struct id){{0}}), 0);
    row.number = 2;
    ck_assert_uint_eq(core_restore_job(core, &row, (struct id){{0}}), 0);
    free(memory);
}
END_TEST

int main(void) {
    RUN_TESTS("decisions", setup, teardown,
              a_dead_job_is_retried_with_fresh_attempts_and_numbers_that_go_on,
              a_retry_gets_all_its_attempts_again, a_retry_and_its_delay_survive_a_restart,
              a_parked_attempt_that_may_have_been_billed_is_retried_by_a_person_only,
              turns_parked_behind_a_retried_one_follow_when_it_is_answered,
              turns_stay_parked_when_the_retried_one_dies_again,
              many_parked_turns_follow_and_a_crash_between_forgets_none,
              what_cannot_be_retried_is_refused_with_its_reason,
              the_first_of_those_parked_is_retried_when_the_turn_before_it_has_its_answer,
              a_dropped_job_is_gone_and_its_batch_with_the_last_one,
              a_dropped_job_goes_only_when_its_outcome_is_recorded,
              dropping_a_dead_turn_drops_those_parked_behind_it,
              many_parked_turns_are_dropped_a_step_at_a_time,
              lines_that_come_after_a_drop_are_parked_and_a_person_may_retry_them,
              a_late_answer_to_a_dropped_job_is_superfluous,
              a_turn_cancelled_while_it_runs_holds_up_those_behind_it,
              a_cancelled_turn_does_not_hold_up_those_before_it,
              a_turn_behind_two_breaks_stays_parked_when_the_first_is_mended,
              a_call_of_a_cancelled_batch_is_not_made_again,
              a_late_answer_in_a_cancelled_batch_lets_nothing_go,
              a_turn_dropped_before_a_restart_leaves_its_conversation,
              a_cancelled_job_that_is_over_is_refused,
              a_second_end_of_a_call_decides_nothing_and_is_kept_for_the_ledger,
              another_end_of_the_call_that_answered_is_no_repetition,
              an_answer_after_a_lost_lease_calls_off_the_next_attempt,
              a_job_whose_record_is_in_quarantine_is_dead_and_says_so,
              a_core_too_small_for_its_rows_says_so);
}
