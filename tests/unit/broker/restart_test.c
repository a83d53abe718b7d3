// A restart in each state of a job: what the rows hold is enough to go on, and nothing is called
// that may still be out.
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

// After the restart everybody is back and does what is asked: everything comes to its end.
static void finish(void) {
    world_join_worker(w, 0, 8);
    for (int i = 0; i < 50 && world_batch_state(w, batch) != BATCH_GONE; i++) {
        while (world_has_lease(w, 0))
            world_answer(w, 0, world_lease(w, 0));
        world_record_all(w);
        world_pass(w, 5000);
    }
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_GONE);
}

static struct lease one_lease(void) {
    (void)world_submit(w, batch);
    world_join_worker(w, 0, 8);
    return world_lease(w, 0);
}

START_TEST(jobs_that_wait_are_called_after_a_restart_in_their_order) {
    uint64_t first = world_submit_many(w, batch, 5);
    uint64_t turn = world_submit_turn(w, batch, 'a', 1);
    uint64_t second = world_submit_turn(w, batch, 'a', 2);
    world_restart(w);
    ck_assert_int_eq(world_state(w, first), JOB_READY);
    ck_assert_int_eq(world_state(w, turn), JOB_READY);
    ck_assert_int_eq(world_state(w, second), JOB_WAITING);
    world_join_worker(w, 0, 8);
    for (uint64_t job = first; job <= turn; job++)
        ck_assert_uint_eq(world_lease(w, 0).job, job);
    ck_assert(!world_has_lease(w, 0));
}
END_TEST

// Contexts are not journalled: they are made again.
START_TEST(prepared_turns_are_prepared_again) {
    world_join_worker(w, 0, 1);
    (void)world_submit(w, batch);
    uint64_t turn = world_submit_turn(w, batch, 'a', 1);
    ck_assert_int_eq(world_state(w, turn), JOB_PREPARED);
    world_restart(w);
    ck_assert_int_eq(world_state(w, turn), JOB_READY);
    w->workers[0].slots = 8;
    world_join_worker(w, 0, 8);
    ck_assert_uint_eq(w->counts[EFFECT_keep_context], 1);
    ck_assert_uint_eq(world_lease(w, 0).job, turn);
}
END_TEST

// The call may be out and paid for: a broker that dies must not call it a second time.
START_TEST(a_leased_job_keeps_its_mark_and_takes_its_end) {
    struct lease lease = one_lease();
    world_restart(w);
    ck_assert_int_eq(world_state(w, lease.job), JOB_LEASED);
    world_join_worker(w, 0, 8);
    ck_assert(!world_has_lease(w, 0));
    world_answer(w, 0, lease);
    ck_assert(world_record_of(w, lease.call)->said.is_answer);
    ck_assert_uint_eq(world_lane(w)->marks, 0);
    world_seal(w, batch);
    finish();
}
END_TEST

// Somebody lowers the limit and starts the broker again: calls that were made under the longer one
// may still be answered, and would be paid for twice.
START_TEST(an_open_call_keeps_the_limit_that_it_was_made_with) {
    struct lease lease = one_lease();
    w->config.call_limit_ms = LIMIT_MS / 10;
    world_restart(w);
    w->workers[0].is_silent = true;
    world_pass(w, LIMIT_MS);
    ck_assert_int_eq(world_state(w, lease.job), JOB_LEASED);
    world_pass(w, CALL_MARGIN_MS + 1000);
    ck_assert_int_ne(world_state(w, lease.job), JOB_LEASED);
    ck_assert_int_eq(world_record_of(w, lease.call)->said.lapse, LAPSE_unknown);
}
END_TEST

START_TEST(an_aborted_job_is_still_aborted) {
    struct lease lease = one_lease();
    world_cancel_job(w, lease.job);
    world_restart(w);
    ck_assert_int_eq(world_state(w, lease.job), JOB_ABORTING);
    world_join_worker(w, 0, 8);
    world_end(w, 0, lease, RETRYABLE);
    ck_assert_int_eq(world_job(w, lease.job)->outcome, OUTCOME_cancelled);
    world_seal(w, batch);
    finish();
}
END_TEST

// It has its answer and a call that was called off: nothing of that may be forgotten.
START_TEST(an_overtaken_job_waits_for_its_open_call) {
    struct lease first = one_lease();
    w->workers[0].is_silent = true;
    world_pass(w, BILLED_LIMIT_MS + 1000);
    world_join_worker(w, 1, 8);
    world_pass(w, RETRY_MAX_MS);
    struct lease second = world_lease(w, 1);
    world_answer(w, 0, first);
    world_restart(w);
    ck_assert_int_eq(world_state(w, first.job), JOB_OVERTAKEN);
    world_join_worker(w, 1, 8);
    world_answer(w, 1, second);
    ck_assert(world_record_of(w, second.call)->said.is_superfluous);
    world_seal(w, batch);
    finish();
}
END_TEST

// The answer of an overtaken job is in the ledger before its other call ends: after a restart that
// end must still not make it be called again, nor keep it for ever.
START_TEST(an_overtaken_job_whose_answer_is_recorded_ends_with_its_open_call) {
    struct lease first = one_lease();
    w->workers[0].is_silent = true;
    world_pass(w, BILLED_LIMIT_MS + 1000);
    world_join_worker(w, 1, 8);
    world_pass(w, RETRY_MAX_MS);
    struct lease second = world_lease(w, 1);
    world_answer(w, 0, first);
    world_record_all(w);
    world_restart(w);
    ck_assert_int_eq(world_state(w, first.job), JOB_OVERTAKEN);
    world_join_worker(w, 1, 8);
    world_end(w, 1, second, RETRYABLE);
    world_seal(w, batch);
    finish();
}
END_TEST

// A delay's rest is kept, within its length, whatever the wall clock did meanwhile.
START_TEST(a_delayed_job_waits_what_is_left_of_its_delay) {
    struct lease lease = one_lease();
    struct how how = RATE_LIMITED;
    how.retry_after_ms = 100 * 1000;
    world_end(w, 0, lease, how);
    world_pass(w, 60 * 1000);
    world_restart(w);
    world_join_worker(w, 0, 8);
    world_pass(w, 38 * 1000);
    ck_assert(!world_has_lease(w, 0));
    world_pass(w, 3 * 1000);
    ck_assert_uint_eq(world_lease(w, 0).job, lease.job);
}
END_TEST

START_TEST(a_wall_clock_that_jumped_errs_by_one_delay_at_most) {
    struct lease lease = one_lease();
    struct how how = RATE_LIMITED;
    how.retry_after_ms = 100 * 1000;
    world_end(w, 0, lease, how);
    w->wall_ms -= 365ll * 86400 * 1000;
    world_restart(w);
    ck_assert_uint_eq(world_job(w, lease.job)->due_ms, w->now_ms + 100 * 1000);
    w->wall_ms += 2 * 365ll * 86400 * 1000;
    world_restart(w);
    world_join_worker(w, 0, 8);
    ck_assert(world_has_lease(w, 0));
}
END_TEST

// The answer is on the disk but not in the ledger: the record goes out again.
START_TEST(an_answered_job_is_recorded_after_a_restart) {
    struct lease lease = one_lease();
    world_answer(w, 0, lease);
    (void)world_extract(w, NULL); // these facts are lost with the memory
    world_seal(w, batch);
    world_restart(w);
    ck_assert_int_eq(world_state(w, lease.job), JOB_ENDED);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_extract, EXTRACTOR), 1);
    finish();
    ck_assert(!world_record_of(w, lease.call)->is_here);
}
END_TEST

START_TEST(dead_and_parked_jobs_are_kept_with_their_reasons) {
    uint64_t turn = world_submit_turn(w, batch, 'a', 1);
    uint64_t behind = world_submit_turn(w, batch, 'a', 2);
    world_join_worker(w, 0, 8);
    world_end(w, 0, world_lease(w, 0), PERMANENT);
    world_restart(w);
    world_restart(w);
    ck_assert_int_eq(world_state(w, turn), JOB_DEAD);
    ck_assert_int_eq(world_job(w, turn)->reason, REASON_permanent);
    ck_assert_int_eq(world_state(w, behind), JOB_PARKED);
    ck_assert_uint_eq(world_batch(w, batch)->dead, 1);
    ck_assert_uint_eq(world_batch(w, batch)->parked, 1);
    world_seal(w, batch);
    world_record_all(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SETTLED);
}
END_TEST

// The next turn was let go by a confirmation whose deletion is on the disk: it must still go.
START_TEST(the_next_turn_goes_on_after_a_restart) {
    (void)world_submit_turn(w, batch, 'a', 1);
    uint64_t second = world_submit_turn(w, batch, 'a', 2);
    world_join_worker(w, 0, 8);
    world_answer(w, 0, world_lease(w, 0));
    world_restart(w);
    ck_assert_int_eq(world_state(w, second), JOB_WAITING);
    world_record_all(w);
    world_join_worker(w, 0, 8);
    ck_assert_uint_eq(world_lease(w, 0).job, second);
    world_restart(w);
    ck_assert_int_eq(world_state(w, second), JOB_LEASED);
}
END_TEST

// A late end after a restart must find which attempt it belongs to.
START_TEST(an_end_said_again_after_a_restart_is_one_record) {
    struct lease lease = one_lease();
    world_answer(w, 0, lease);
    world_restart(w);
    world_join_worker(w, 0, 8);
    world_answer(w, 0, lease);
    ck_assert_uint_eq(world_records_of(w, lease.job), 1);
}
END_TEST

// A batch's progress is in its row: where the stream goes on, and how many lines were refused.
START_TEST(a_submission_goes_on_where_it_was) {
    (void)world_submit_many(w, batch, 70);
    struct batch before = *world_batch(w, batch);
    world_restart(w);
    const struct batch *after = world_batch(w, batch);
    ck_assert_uint_eq(after->accepted_through, 70);
    ck_assert(digest_equal(after->digest, before.digest));
    ck_assert_uint_eq(after->unsettled, before.unsettled);
    ck_assert_uint_eq(after->jobs_here, before.jobs_here);
    ck_assert_str_eq(after->key, before.key);
    (void)world_submit(w, batch);
    world_seal(w, batch);
    finish();
}
END_TEST

// What worker 0 has; a crash of the broker takes nothing of it away.
static struct lease gathered[16];
static uint32_t gathered_count;

static void gather(void) {
    while (world_has_lease(w, 0))
        gathered[gathered_count++] = world_lease(w, 0);
}

static void restart_and_gather(void) {
    world_restart(w);
    world_join_worker(w, 0, 8);
    gather();
}

// Crashing over and over must neither lose nor repeat anything.
START_TEST(a_restart_after_every_step_ends_as_one_without) {
    uint32_t answers = 0;
    (void)world_submit_many(w, batch, 3);
    (void)world_submit_turn(w, batch, 'a', 1);
    (void)world_submit_turn(w, batch, 'a', 2);
    world_seal(w, batch);
    for (int i = 0; i < 30 && world_batch_state(w, batch) != BATCH_GONE; i++) {
        restart_and_gather();
        if (gathered_count > 0)
            world_answer(w, 0, gathered[--gathered_count]);
        restart_and_gather();
        world_record_all(w);
        gather();
    }
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_GONE);
    for (uint64_t i = 1; i <= core_counters(w->core).issued; i++)
        answers += w->store->records[i].said.is_answer;
    ck_assert_uint_eq(answers, 5);
    ck_assert_uint_eq(core_counters(w->core).calls, 5);
}
END_TEST

int main(void) {
    RUN_TESTS("restart", setup, teardown, jobs_that_wait_are_called_after_a_restart_in_their_order,
              prepared_turns_are_prepared_again, a_leased_job_keeps_its_mark_and_takes_its_end,
              an_open_call_keeps_the_limit_that_it_was_made_with, an_aborted_job_is_still_aborted,
              an_overtaken_job_waits_for_its_open_call,
              an_overtaken_job_whose_answer_is_recorded_ends_with_its_open_call,
              a_delayed_job_waits_what_is_left_of_its_delay,
              a_wall_clock_that_jumped_errs_by_one_delay_at_most,
              an_answered_job_is_recorded_after_a_restart,
              dead_and_parked_jobs_are_kept_with_their_reasons,
              the_next_turn_goes_on_after_a_restart,
              an_end_said_again_after_a_restart_is_one_record, a_submission_goes_on_where_it_was,
              a_restart_after_every_step_ends_as_one_without);
}
