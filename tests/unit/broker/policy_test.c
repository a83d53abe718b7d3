// What becomes of the turns behind one without an answer, by the batch's policy: under skip they
// run without it, under fail they are dead with it. And what else concerns turns and singles
// together.
#include "tests/unit/broker/run.h"
#include "tests/unit/broker/world.h"

static struct world *w;

static void setup(void) {
    w = world_new();
    world_join_worker(w, 0, 8);
}

static void teardown(void) {
    world_free(w);
    w = NULL;
}

// A batch of that policy, and the first turns of its conversation a.
static uint64_t batch_of_turns(const char *unanswered, uint64_t *turns, uint64_t count) {
    uint64_t batch = world_open(w, (struct batch_options){.priority = 1, .unanswered = unanswered});
    for (uint64_t i = 0; i < count; i++)
        turns[i] = world_submit_turn(w, batch, 'a', i + 1);
    return batch;
}

static struct lease lease_of(uint64_t job) {
    struct lease lease = world_lease(w, 0);
    ck_assert_uint_eq(lease.job, job);
    return lease;
}

// ---- skip ---------------------------------------------------------------------------------------

START_TEST(under_skip_the_next_turn_runs_once_the_ledger_knows_that_there_is_no_answer) {
    uint64_t turns[3];
    uint64_t batch = batch_of_turns("skip", turns, 3);
    world_end(w, 0, lease_of(turns[0]), PERMANENT);
    ck_assert_int_eq(world_state(w, turns[1]), JOB_WAITING);
    ck_assert(!world_has_lease(w, 0));
    world_record_all(w);
    world_end(w, 0, lease_of(turns[1]), PERMANENT);
    world_record_all(w);
    world_answer(w, 0, lease_of(turns[2]));
    world_record_all(w);
    ck_assert_int_eq(world_state(w, turns[2]), JOB_GONE);
    ck_assert_uint_eq(world_batch(w, batch)->dead, 2);
    ck_assert_uint_eq(world_batch(w, batch)->parked, 0);
    uint64_t more = world_submit_turn(w, batch, 'a', 4);
    world_answer(w, 0, lease_of(more));
    world_seal(w, batch);
    world_record_all(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SETTLED);
}
END_TEST

// The later turn was answered without the earlier one: putting that in front of it is a fork.
START_TEST(under_skip_a_turn_cannot_be_revived_once_a_later_one_was_called) {
    uint64_t turns[2];
    uint64_t batch = batch_of_turns("skip", turns, 2);
    world_end(w, 0, lease_of(turns[0]), PERMANENT);
    world_record_all(w);
    world_answer(w, 0, lease_of(turns[1]));
    world_record_all(w);
    ck_assert_int_eq(world_state(w, turns[1]), JOB_GONE);
    ck_assert_pstr_eq(world_refuses(w, EVENT_retry_job, turns[0]), "later_turn_ran");
    world_restart(w);
    ck_assert_pstr_eq(world_refuses(w, EVENT_retry_job, turns[0]), "later_turn_ran");
    world_drop(w, turns[0]);
    ck_assert_int_eq(world_state(w, turns[0]), JOB_GONE);
    (void)batch;
}
END_TEST

START_TEST(under_skip_a_late_answer_after_a_later_turn_was_called_is_superfluous) {
    uint64_t turns[2];
    (void)batch_of_turns("skip", turns, 2);
    struct lease late = lease_of(turns[0]);
    w->workers[0].is_silent = true;
    world_pass(w, BILLED_LIMIT_MS + 1000);
    world_join_worker(w, 1, 8);
    world_pass(w, RETRY_MAX_MS);
    world_end(w, 1, world_lease(w, 1), PERMANENT);
    world_record_all(w);
    struct lease second = world_lease(w, 1);
    ck_assert_uint_eq(second.job, turns[1]);
    world_answer(w, 0, late);
    ck_assert_int_eq(world_state(w, turns[0]), JOB_DEAD);
    ck_assert(world_last_record(w, turns[0])->said.is_superfluous);
}
END_TEST

// The next turn's context was made without the turn that is revived: it has to be made again.
START_TEST(under_skip_a_revived_turn_takes_back_the_next_one_that_was_not_called_yet) {
    uint64_t turns[3];
    uint64_t batch = batch_of_turns("skip", turns, 3);
    world_end(w, 0, lease_of(turns[0]), PERMANENT);
    w->workers[0].slots = 0;
    world_leave(w, 0);
    world_record_all(w);
    ck_assert_int_ne(world_state(w, turns[1]), JOB_WAITING);
    world_retry(w, turns[0], 0);
    ck_assert_int_eq(world_state(w, turns[1]), JOB_WAITING);
    world_join_worker(w, 1, 8);
    struct lease lease = world_lease(w, 1);
    ck_assert_uint_eq(lease.job, turns[0]);
    ck_assert(!world_has_lease(w, 1));
    world_answer(w, 1, lease);
    world_record_all(w);
    ck_assert_uint_eq(world_lease(w, 1).job, turns[1]);
    ck_assert_uint_eq(world_batch(w, batch)->dead, 0);
}
END_TEST

START_TEST(under_skip_a_restart_goes_on_behind_the_dead_turn) {
    uint64_t turns[2];
    (void)batch_of_turns("skip", turns, 2);
    world_end(w, 0, lease_of(turns[0]), PERMANENT);
    w->workers[0].slots = 0;
    world_leave(w, 0);
    world_record_all(w);
    world_restart(w);
    world_join_worker(w, 1, 8);
    ck_assert_uint_eq(world_lease(w, 1).job, turns[1]);
    ck_assert_int_eq(world_state(w, turns[0]), JOB_DEAD);
}
END_TEST

START_TEST(under_skip_a_cancelled_turn_lets_the_next_one_run) {
    uint64_t turns[3];
    (void)batch_of_turns("skip", turns, 3);
    world_cancel_job(w, turns[1]);
    world_answer(w, 0, lease_of(turns[0]));
    world_record_all(w);
    ck_assert_uint_eq(world_lease(w, 0).job, turns[2]);
}
END_TEST

// ---- fail ---------------------------------------------------------------------------------------

START_TEST(under_fail_the_turns_behind_a_dead_one_are_dead) {
    uint64_t turns[3];
    uint64_t batch = batch_of_turns("fail", turns, 3);
    world_end(w, 0, lease_of(turns[0]), PERMANENT);
    for (int i = 1; i < 3; i++) {
        ck_assert_int_eq(world_state(w, turns[i]), JOB_DEAD);
        ck_assert_int_eq(world_job(w, turns[i])->reason, REASON_earlier_turn);
    }
    world_restart(w);
    uint64_t more = world_submit_turn(w, batch, 'a', 4);
    ck_assert_int_eq(world_state(w, more), JOB_DEAD);
    ck_assert_uint_eq(world_batch(w, batch)->dead, 4);
}
END_TEST

// One after the other, in their order, whatever order a person names them in.
START_TEST(under_fail_dead_turns_are_retried_in_their_order) {
    uint64_t turns[3];
    uint64_t batch = batch_of_turns("fail", turns, 3);
    world_end(w, 0, lease_of(turns[0]), PERMANENT);
    world_record_all(w);
    ck_assert_pstr_eq(world_refuses(w, EVENT_retry_job, turns[1]), "earlier_turn");
    for (int i = 0; i < 3; i++)
        world_retry(w, turns[i], 0);
    ck_assert_uint_eq(world_batch(w, batch)->revived, 3);
    for (int i = 0; i < 3; i++) {
        world_answer(w, 0, lease_of(turns[i]));
        ck_assert(!world_has_lease(w, 0));
        world_record_all(w);
    }
    ck_assert_uint_eq(world_batch(w, batch)->answered, 3);
}
END_TEST

START_TEST(under_fail_a_retried_turn_that_dies_again_takes_those_behind_it_along) {
    uint64_t turns[3];
    uint64_t batch = batch_of_turns("fail", turns, 3);
    world_end(w, 0, lease_of(turns[0]), PERMANENT);
    world_record_all(w);
    world_retry(w, turns[0], 0);
    world_retry(w, turns[1], 0);
    world_end(w, 0, lease_of(turns[0]), PERMANENT);
    ck_assert_int_eq(world_state(w, turns[1]), JOB_DEAD);
    ck_assert_uint_eq(world_batch(w, batch)->dead, 3);
    ck_assert_uint_eq(world_batch(w, batch)->revived, 0);
}
END_TEST

START_TEST(under_fail_a_turn_behind_one_that_stays_dead_does_not_wait_for_ever) {
    uint64_t turns[2];
    uint64_t batch = batch_of_turns("fail", turns, 2);
    world_end(w, 0, lease_of(turns[0]), PERMANENT);
    world_record_all(w);
    world_retry(w, turns[0], 0);
    uint64_t more = world_submit_turn(w, batch, 'a', 3);
    ck_assert_int_eq(world_state(w, more), JOB_DEAD); // behind turn 2
    world_answer(w, 0, lease_of(turns[0]));
    world_record_all(w);
    ck_assert_int_eq(world_state(w, turns[1]), JOB_DEAD);
    world_seal(w, batch);
    world_record_all(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SETTLED);
}
END_TEST

// ---- turns and singles in one flow ------------------------------------------------------------

// A batch begins with a conversation: its single calls need nobody to prepare them.
START_TEST(single_calls_go_on_behind_a_turn_that_nobody_can_prepare) {
    uint64_t batch = world_open(w, (struct batch_options){.priority = 1});
    world_left(w, ACCOUNTANT);
    uint64_t turn = world_submit_turn(w, batch, 'a', 1);
    uint64_t single = world_submit(w, batch);
    ck_assert_uint_eq(world_lease(w, 0).job, single);
    ck_assert_int_eq(world_state(w, turn), JOB_READY);
    world_join(w, ACCOUNTANT, "accountant", 64);
    ck_assert_uint_eq(world_lease(w, 0).job, turn);
}
END_TEST

// ---- conversations that wait for lines --------------------------------------------------------

START_TEST(broken_conversations_without_jobs_go_with_the_seal) {
    uint64_t turns[2];
    uint64_t batch = batch_of_turns(NULL, turns, 2);
    world_end(w, 0, lease_of(turns[0]), PERMANENT);
    world_record_all(w);
    world_drop(w, turns[0]);
    ck_assert_uint_eq(world_batch(w, batch)->jobs_here, 0);
    ck_assert(w->store->conversations[0].is_here); // the next line of it is parked
    world_restart(w);
    world_seal(w, batch);
    ck_assert(!w->store->conversations[0].is_here);
    world_record_all(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_GONE);
}
END_TEST

START_TEST(cancelling_an_open_batch_lets_its_conversations_go) {
    uint64_t turns[2];
    uint64_t batch = batch_of_turns(NULL, turns, 2);
    world_end(w, 0, lease_of(turns[0]), PERMANENT);
    world_record_all(w);
    world_drop(w, turns[0]);
    world_cancel(w, batch);
    ck_assert(!w->store->conversations[0].is_here);
}
END_TEST

int main(void) {
    RUN_TESTS("policies", setup, teardown,
              under_skip_the_next_turn_runs_once_the_ledger_knows_that_there_is_no_answer,
              under_skip_a_turn_cannot_be_revived_once_a_later_one_was_called,
              under_skip_a_late_answer_after_a_later_turn_was_called_is_superfluous,
              under_skip_a_revived_turn_takes_back_the_next_one_that_was_not_called_yet,
              under_skip_a_restart_goes_on_behind_the_dead_turn,
              under_skip_a_cancelled_turn_lets_the_next_one_run,
              under_fail_the_turns_behind_a_dead_one_are_dead,
              under_fail_dead_turns_are_retried_in_their_order,
              under_fail_a_retried_turn_that_dies_again_takes_those_behind_it_along,
              under_fail_a_turn_behind_one_that_stays_dead_does_not_wait_for_ever,
              single_calls_go_on_behind_a_turn_that_nobody_can_prepare,
              broken_conversations_without_jobs_go_with_the_seal,
              cancelling_an_open_batch_lets_its_conversations_go);
}
