// Submission: lines are taken once and in order, a batch is cancelled, and it is settled only when
// the ledger has all of it.
#include "tests/unit/broker/run.h"
#include "tests/unit/broker/world.h"

#include <stdio.h>

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

static struct digest now_digest(void) {
    return world_batch(w, batch)->digest;
}

static void leave_row(uint64_t number) {
    ck_assert_int_eq(world_batch_state(w, number), BATCH_GONE);
    ck_assert(!w->store->batches[number].is_here);
}

// ---- continuing ---------------------------------------------------------------------------------

// Turns of two batches in one conversation would run in an order that nobody has chosen; and what
// the second one knows of the first would hang on who was quicker.
START_TEST(a_conversation_is_continued_when_no_turn_of_another_batch_is_on_its_way) {
    uint64_t first = world_submit_turn(w, batch, 'a', 1);
    uint64_t second = world_open(w, (struct batch_options){.priority = 1});
    ck_assert_str_eq(world_continue(w, second, batch, 'a', 2), "conversation_busy");
    ck_assert_uint_eq(world_batch(w, second)->accepted_through, 0);
    world_join_worker(w, 0, 8);
    world_answer(w, 0, world_lease(w, 0));
    ck_assert_str_eq(world_continue(w, second, batch, 'a', 2), "conversation_busy");
    world_record_all(w);
    ck_assert_int_eq(world_state(w, first), JOB_GONE);
    ck_assert_ptr_null(world_continue(w, second, batch, 'a', 2));
    struct lease lease = world_lease(w, 0);
    ck_assert_uint_eq(world_job(w, lease.job)->turn, 2);
    ck_assert_uint_eq(core_batch(w->core, world_job(w, lease.job)->batch)->number, second);
    // And now the first batch has to wait in its turn.
    ck_assert_str_eq(world_continue(w, batch, batch, 'a', 3), "conversation_busy");
    world_restart(w);
    ck_assert_str_eq(world_continue(w, batch, batch, 'a', 3), "conversation_busy");
}
END_TEST

// ---- opening ------------------------------------------------------------------------------------

// A client that lost the answer opens again under its key: it must find its batch, not a second.
START_TEST(a_key_that_is_here_finds_its_batch_again) {
    struct sent opened;
    (void)world_submit_many(w, batch, 3);
    world_say_open(w, "key-1", 77);
    ck_assert(world_take(w, EFFECT_send_opened, INGRESS, &opened));
    ck_assert(opened.effect.is_known);
    ck_assert_uint_eq(opened.effect.number, 77);
    ck_assert_uint_eq(opened.effect.slot, core_find_batch(w->core, batch));
}
END_TEST

// The same file under the same key, next week: the ledger has it, so it is not run again.
START_TEST(a_key_that_the_ledger_knows_opens_nothing) {
    struct sent opened;
    w->key_known = "last-week";
    world_say_open(w, "last-week", 5);
    ck_assert(world_take(w, EFFECT_send_opened, INGRESS, &opened));
    ck_assert(opened.effect.is_known);
    ck_assert_uint_eq(opened.effect.slot, 0);
    ck_assert_uint_eq(core_find_batch(w->core, core_counters(w->core).batches), 0);
}
END_TEST

// The number of an ingress that died is soon another's, who may have asked under the same number of
// request: it would put its lines into a batch that is not its own.
START_TEST(the_answer_to_an_ingress_that_is_gone_reaches_nobody) {
    struct sent opened;
    w->is_mute = true;
    world_say_open(w, "fresh", 5);
    uint64_t number = core_counters(w->core).batches;
    world_left(w, INGRESS);
    world_join(w, INGRESS, "ingress", 1);
    w->is_mute = false;
    world_tick(w);
    ck_assert_int_eq(world_batch_state(w, number), BATCH_OPEN);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_opened, INGRESS), 0);
    world_say_open(w, "fresh", 5);
    ck_assert(world_take(w, EFFECT_send_opened, INGRESS, &opened));
    ck_assert_uint_eq(opened.effect.slot, core_find_batch(w->core, number));
}
END_TEST

// Until the ledger has answered, nothing may be taken in; and the question may be lost.
START_TEST(a_batch_opens_only_after_the_ledger_has_answered) {
    w->is_mute = true;
    world_say_open(w, "fresh", 5);
    uint64_t number = core_counters(w->core).batches;
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_opened, INGRESS), 0);
    ck_assert_str_eq(world_put(w, number, 1, 1, now_digest(), world_digest(number, 1), false),
                     "unknown_batch");
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_key_ask, ACCOUNTANT), 1);
    world_pass(w, ASK_RESEND_MS + 1000);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_key_ask, ACCOUNTANT), 2);
    ck_assert(!w->store->batches[number].is_here);
    w->is_mute = false;
    world_tick(w);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_opened, INGRESS), 1);
    ck_assert(w->store->batches[number].is_here);
}
END_TEST

// The table of batches has an end: reaching it is an answer, not a crash.
START_TEST(too_many_batches_are_refused_with_a_reason) {
    char key[32];
    struct sent opened;
    w->is_mute = true;
    for (int i = 0; i < BATCHES_MAX - 2; i++) {
        (void)snprintf(key, sizeof(key), "many-%d", i);
        world_say_open(w, key, 1);
    }
    ck_assert(!world_take(w, EFFECT_send_opened, INGRESS, &opened));
    world_say_open(w, "one-more", 9);
    ck_assert(world_take(w, EFFECT_send_opened, INGRESS, &opened));
    ck_assert_str_eq(opened.effect.why, "too_many_batches");
}
END_TEST

// ---- chunks -------------------------------------------------------------------------------------

// `stored` may be lost: the chunk that comes again must not make its jobs twice.
START_TEST(a_chunk_is_taken_once) {
    struct digest before = now_digest(), after = world_digest(batch, 5);
    ck_assert_ptr_null(world_put(w, batch, 1, 5, before, after, false));
    ck_assert_ptr_null(world_put(w, batch, 1, 5, before, after, false));
    ck_assert_uint_eq(core_counters(w->core).jobs, 5);
    ck_assert_uint_eq(world_batch(w, batch)->accepted_through, 5);
}
END_TEST

START_TEST(a_chunk_that_leaves_a_gap_or_overlaps_is_told_where_to_resume) {
    struct digest after = world_digest(batch, 5);
    ck_assert_ptr_null(world_put(w, batch, 1, 5, now_digest(), after, false));
    ck_assert_str_eq(world_put(w, batch, 7, 2, after, world_digest(batch, 8), false), "resume_at");
    ck_assert_str_eq(world_put(w, batch, 4, 4, after, world_digest(batch, 7), false), "resume_at");
    ck_assert_uint_eq(core_counters(w->core).jobs, 5);
}
END_TEST

// A file that was edited between two runs would mix two submissions under one key.
START_TEST(a_changed_file_is_refused) {
    (void)world_submit_many(w, batch, 3);
    ck_assert_str_eq(world_put(w, batch, 4, 1, world_digest(99, 3), world_digest(batch, 4), false),
                     "file_changed");
    ck_assert_uint_eq(world_batch(w, batch)->accepted_through, 3);
}
END_TEST

START_TEST(nothing_is_added_to_a_sealed_batch) {
    (void)world_submit(w, batch);
    world_seal(w, batch);
    ck_assert_str_eq(world_put(w, batch, 2, 1, now_digest(), world_digest(batch, 2), false),
                     "sealed");
}
END_TEST

// Overload is refused at the door; the rest of the journal is for ends.
START_TEST(submissions_stop_at_60_per_cent_of_the_journal) {
    core_space(w->core, 600 * KIB - 511, 1000 * KIB);
    ck_assert_str_eq(world_put(w, batch, 1, 1, now_digest(), world_digest(batch, 1), false),
                     "journal_full");
    core_space(w->core, 600 * KIB - 512, 1000 * KIB);
    ck_assert_ptr_null(world_put(w, batch, 1, 1, now_digest(), world_digest(batch, 1), false));
}
END_TEST

START_TEST(submissions_stop_when_the_job_table_is_full) {
    world_free(w);
    struct core_config config = world_config();
    config.jobs_max = 100;
    w = world_new_with(config);
    batch = world_open(w, (struct batch_options){.priority = 1});
    (void)world_submit_many(w, batch, 64);
    ck_assert_str_eq(world_put(w, batch, 65, 37, now_digest(), world_digest(batch, 101), false),
                     "journal_full");
    ck_assert_ptr_null(world_put(w, batch, 65, 36, now_digest(), world_digest(batch, 100), false));
    world_join_worker(w, 0, 1);
    world_answer(w, 0, world_lease(w, 0));
    world_record_all(w);
    (void)world_submit(w, batch); // the place of the one that is gone
}
END_TEST

// A refused line is part of the file: it is counted, told to the ledger, and makes no job.
START_TEST(refused_lines_are_recorded_and_move_the_batch_on) {
    uint64_t issued = core_counters(w->core).issued;
    ck_assert_ptr_null(world_put(w, batch, 1, 3, now_digest(), world_digest(batch, 3), true));
    ck_assert_uint_eq(world_batch(w, batch)->refused, 3);
    ck_assert_uint_eq(world_batch(w, batch)->accepted_through, 3);
    ck_assert_uint_eq(core_counters(w->core).issued, issued + 3);
    ck_assert_int_eq(w->store->records[issued + 1].row.type, RECORD_refused);
    ck_assert_uint_eq(core_counters(w->core).jobs, 0);
    world_seal(w, batch);
    world_record_all(w);
    leave_row(batch);
}
END_TEST

// ---- sealing ------------------------------------------------------------------------------------

// A seal with another count or digest means that lines are missing or changed.
START_TEST(a_seal_has_to_name_all_lines_and_their_digest) {
    (void)world_submit_many(w, batch, 3);
    ck_assert_str_eq(world_seal_as(w, batch, 4, now_digest()), "resume_at");
    ck_assert_str_eq(world_seal_as(w, batch, 2, now_digest()), "resume_at");
    ck_assert_str_eq(world_seal_as(w, batch, 3, world_digest(9, 9)), "file_changed");
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_OPEN);
    ck_assert_ptr_null(world_seal_as(w, batch, 3, now_digest()));
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SEALED);
    uint32_t revision = world_batch(w, batch)->revision;
    ck_assert_ptr_null(world_seal_as(w, batch, 3, now_digest())); // said again
    ck_assert_uint_eq(world_batch(w, batch)->revision, revision);
    ck_assert_str_eq(world_seal_as(w, 99, 3, now_digest()), "unknown_batch");
}
END_TEST

// ---- settlement ---------------------------------------------------------------------------------

// Who reads the results when the batch is settled must find all of them in the ledger.
START_TEST(a_batch_is_settled_only_when_the_ledger_has_everything) {
    (void)world_submit_many(w, batch, 2);
    world_join_worker(w, 0, 8);
    struct lease first = world_lease(w, 0), second = world_lease(w, 0);
    world_answer(w, 0, first);
    world_seal(w, batch);
    world_record_all(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SEALED);
    world_answer(w, 0, second);
    (void)world_extract(w, NULL);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SEALED);
    struct sent record;
    ck_assert(world_take(w, EFFECT_send_record, ACCOUNTANT, &record));
    world_recorded(w, record.effect.number, true);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SETTLED);
    world_record_all(w); // the settlement itself
    leave_row(batch);
}
END_TEST

START_TEST(a_batch_that_is_not_sealed_is_never_settled) {
    (void)world_submit(w, batch);
    world_join_worker(w, 0, 8);
    world_answer(w, 0, world_lease(w, 0));
    world_record_all(w);
    world_pass(w, 100 * 1000);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_OPEN);
}
END_TEST

// Dead jobs are kept for a person: row and batch stay although the batch is settled.
START_TEST(a_settled_batch_keeps_its_row_while_dead_jobs_are_there) {
    (void)world_submit_many(w, batch, 2);
    world_join_worker(w, 0, 1);
    struct lease dead = world_lease(w, 0);
    world_end(w, 0, dead, PERMANENT);
    world_answer(w, 0, world_lease(w, 0));
    world_seal(w, batch);
    world_record_all(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SETTLED);
    ck_assert_int_eq(world_state(w, dead.job), JOB_DEAD);
    world_restart(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SETTLED);
    ck_assert_uint_eq(world_batch(w, batch)->dead, 1);
}
END_TEST

// ---- cancelling ---------------------------------------------------------------------------------

// What waits costs nothing and ends at once; what is out may have been paid and gets its end.
START_TEST(cancelling_ends_waiting_jobs_at_once_and_open_ones_with_their_end) {
    uint64_t first = world_submit_many(w, batch, 5);
    world_join_worker(w, 0, 2);
    struct lease wins = world_lease(w, 0), loses = world_lease(w, 0);
    world_cancel(w, batch);
    for (uint64_t job = first + 2; job < first + 5; job++)
        ck_assert_int_eq(world_state(w, job), JOB_ENDED);
    ck_assert_uint_eq(world_batch(w, batch)->cancelled, 3);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_abort, w->workers[0].peer), 2);
    world_answer(w, 0, wins);
    world_end(w, 0, loses, RETRYABLE);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 1);
    ck_assert_uint_eq(world_batch(w, batch)->cancelled, 4);
    world_record_all(w);
    leave_row(batch); // cancelling sealed it
}
END_TEST

START_TEST(cancelling_an_open_batch_seals_it) {
    (void)world_submit(w, batch);
    world_cancel(w, batch);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SEALED);
    ck_assert_str_eq(world_put(w, batch, 2, 1, now_digest(), world_digest(batch, 2), false),
                     "sealed");
}
END_TEST

// The wish must survive a crash in its midst: nothing of it may be called afterwards.
START_TEST(a_cancelled_batch_stays_cancelled_over_a_restart) {
    (void)world_submit_many(w, batch, 200);
    world_join_worker(w, 0, 2);
    world_cancel(w, batch);
    world_restart(w);
    world_pass(w, 1000);
    world_join_worker(w, 1, 8);
    ck_assert(!world_has_lease(w, 1));
    ck_assert_uint_eq(world_batch(w, batch)->cancelled, 198);
}
END_TEST

START_TEST(jobs_of_other_batches_are_not_cancelled) {
    uint64_t other = world_open(w, (struct batch_options){.priority = 1});
    (void)world_submit(w, batch);
    uint64_t job = world_submit(w, other);
    world_cancel(w, batch);
    world_join_worker(w, 0, 8);
    ck_assert_uint_eq(world_lease(w, 0).job, job);
}
END_TEST

// ---- bounded effects ----------------------------------------------------------------------------

// One wish about 4,000 jobs must not make one turn of 4,000 writes, nor overflow what a step says.
START_TEST(cancelling_thousands_is_done_in_bounded_steps) {
    (void)world_submit_many(w, batch, 4000);
    w->records_a_step_max = 0;
    world_cancel(w, batch);
    ck_assert_uint_eq(world_batch(w, batch)->cancelled, 4000);
    ck_assert_uint_gt(w->ticks_more, 4000 / EFFECTS_MAX - 1);
    ck_assert_uint_le(w->records_a_step_max, EFFECTS_MAX);
    world_record_all(w);
    leave_row(batch);
}
END_TEST

START_TEST(parking_thousands_is_done_in_bounded_steps) {
    enum { TURNS = 1500 };
    for (uint64_t turn = 1; turn <= TURNS; turn++)
        (void)world_submit_turn(w, batch, 'a', turn);
    w->records_a_step_max = 0;
    world_join_worker(w, 0, 8);
    world_end(w, 0, world_lease(w, 0), PERMANENT);
    ck_assert_uint_eq(world_batch(w, batch)->parked, TURNS - 1);
    ck_assert_uint_gt(w->ticks_more, 1);
    ck_assert_uint_le(w->records_a_step_max, EFFECTS_MAX);
    ck_assert_uint_eq(world_batch(w, batch)->dead, 1);
}
END_TEST

// Lanes of models that nobody uses any more must not keep new ones out for good.
START_TEST(lanes_that_nobody_needs_make_room_for_new_ones) {
    char model[32];
    world_join_worker(w, 0, 64);
    for (uint32_t i = 0; i < LANES_MAX + 40; i++) {
        (void)snprintf(model, sizeof(model), "model-%u", i);
        if (i % 400 == 399) {
            world_seal(w, batch);
            while (world_has_lease(w, 0))
                world_answer(w, 0, world_lease(w, 0));
            world_record_all(w);
            batch = world_open(w, (struct batch_options){.priority = 1});
        }
        uint64_t job = world_submit_to(w, batch, model);
        ck_assert_int_ne(world_state(w, job), JOB_GONE);
        if (world_has_lease(w, 0))
            world_answer(w, 0, world_lease(w, 0));
        world_record_all(w);
    }
}
END_TEST

int main(void) {
    RUN_TESTS(
        "submission", setup, teardown, a_key_that_is_here_finds_its_batch_again,
        a_conversation_is_continued_when_no_turn_of_another_batch_is_on_its_way,
        a_key_that_the_ledger_knows_opens_nothing,
        the_answer_to_an_ingress_that_is_gone_reaches_nobody,
        a_batch_opens_only_after_the_ledger_has_answered,
        too_many_batches_are_refused_with_a_reason, a_chunk_is_taken_once,
        a_chunk_that_leaves_a_gap_or_overlaps_is_told_where_to_resume, a_changed_file_is_refused,
        nothing_is_added_to_a_sealed_batch, submissions_stop_at_60_per_cent_of_the_journal,
        submissions_stop_when_the_job_table_is_full,
        refused_lines_are_recorded_and_move_the_batch_on,
        lanes_that_nobody_needs_make_room_for_new_ones,
        a_seal_has_to_name_all_lines_and_their_digest,
        a_batch_is_settled_only_when_the_ledger_has_everything,
        a_batch_that_is_not_sealed_is_never_settled,
        a_settled_batch_keeps_its_row_while_dead_jobs_are_there,
        cancelling_ends_waiting_jobs_at_once_and_open_ones_with_their_end,
        cancelling_an_open_batch_seals_it, a_cancelled_batch_stays_cancelled_over_a_restart,
        jobs_of_other_batches_are_not_cancelled, cancelling_thousands_is_done_in_bounded_steps,
        parking_thousands_is_done_in_bounded_steps);
}
