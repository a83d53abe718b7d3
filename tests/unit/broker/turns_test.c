// Conversations: a turn runs only when the one before it is in the ledger, and what stands behind
// a turn without answer is parked until a person, or a late answer, brings it back.
#include "tests/unit/broker/run.h"
#include "tests/unit/broker/world.h"

static struct world *w;
static uint64_t batch;
static uint64_t turns[3]; // jobs of conversation a

static void setup(void) {
    w = world_new();
    batch = world_open(w, (struct batch_options){.priority = 1});
    world_join_worker(w, 0, 8);
    for (uint64_t i = 0; i < 3; i++)
        turns[i] = world_submit_turn(w, batch, 'a', i + 1);
}

static void teardown(void) {
    world_free(w);
    w = NULL;
}

static void expect_parked(uint64_t job) {
    ck_assert_int_eq(world_state(w, job), JOB_PARKED);
    ck_assert_int_eq(world_job(w, job)->outcome, OUTCOME_parked);
    ck_assert_int_eq(world_job(w, job)->reason, REASON_earlier_turn);
}

// Worker 0 falls silent until the turn that it was leased is given up, retried and dead.
static void give_up(struct lease first) {
    w->workers[0].is_silent = true;
    world_pass(w, BILLED_LIMIT_MS + 1000);
    world_join_worker(w, 1, 8);
    world_pass(w, RETRY_MAX_MS);
    world_end(w, 1, world_lease(w, 1), PERMANENT);
    ck_assert_int_eq(world_state(w, first.job), JOB_DEAD);
}

static struct lease lose_turn(void) {
    struct lease first = world_lease(w, 0);
    give_up(first);
    return first;
}

// A turn called before its predecessor's answer is stored would be sent without it.
START_TEST(the_next_turn_waits_until_the_answer_is_recorded) {
    struct lease lease = world_lease(w, 0);
    ck_assert_uint_eq(lease.job, turns[0]);
    world_answer(w, 0, lease);
    world_pass(w, 5000);
    ck_assert(!world_has_lease(w, 0));
    ck_assert_int_eq(world_state(w, turns[1]), JOB_WAITING);
    world_record_all(w);
    ck_assert_uint_eq(world_lease(w, 0).job, turns[1]);
    ck_assert_int_eq(world_state(w, turns[2]), JOB_WAITING);
}
END_TEST

START_TEST(other_conversations_do_not_wait) {
    uint64_t other = world_submit_turn(w, batch, 'b', 1);
    ck_assert_uint_eq(world_lease(w, 0).job, turns[0]);
    ck_assert_uint_eq(world_lease(w, 0).job, other);
}
END_TEST

// An answer that nobody can read is no context for what follows it.
START_TEST(a_turn_whose_answer_cannot_be_read_is_dead_with_the_next_revision) {
    world_answer(w, 0, world_lease(w, 0));
    w->is_unread = true;
    world_record_all(w);
    ck_assert_int_eq(world_state(w, turns[0]), JOB_DEAD);
    ck_assert_int_eq(world_job(w, turns[0])->reason, REASON_no_answer);
    const struct kept_record *record = world_last_record(w, turns[0]);
    ck_assert_uint_eq(record->said.revision, 2);
    ck_assert_int_eq(record->said.outcome, OUTCOME_dead);
    ck_assert(!record->said.has_attempt);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 0);
    ck_assert_uint_eq(world_batch(w, batch)->dead, 1);
    expect_parked(turns[1]);
    expect_parked(turns[2]);
}
END_TEST

// A conversation must not go on as if the lost question had never been asked.
START_TEST(a_dead_turn_parks_those_behind_it_and_those_that_still_come) {
    world_end(w, 0, world_lease(w, 0), PERMANENT);
    expect_parked(turns[1]);
    expect_parked(turns[2]);
    expect_parked(world_submit_turn(w, batch, 'a', 4));
    world_record_all(w);
    expect_parked(world_submit_turn(w, batch, 'a', 5));
    world_pass(w, 10 * 1000);
    ck_assert(!world_has_lease(w, 0));
    ck_assert_uint_eq(world_batch(w, batch)->parked, 4);
}
END_TEST

// The break must be on the disk: the lines that come after a restart belong behind it too.
START_TEST(a_broken_conversation_is_broken_after_a_restart) {
    world_end(w, 0, world_lease(w, 0), PERMANENT);
    world_restart(w);
    world_join_worker(w, 0, 8);
    expect_parked(turns[1]);
    expect_parked(world_submit_turn(w, batch, 'a', 4));
    ck_assert(!world_has_lease(w, 0));
}
END_TEST

// The answer was only late: all that was parked for want of it can go on by itself.
START_TEST(a_late_answer_to_a_dead_turn_brings_back_those_behind_it) {
    struct lease first = lose_turn();
    expect_parked(turns[1]);
    world_answer(w, 0, first);
    ck_assert_int_eq(world_state(w, turns[1]), JOB_WAITING);
    ck_assert_uint_eq(world_batch(w, batch)->parked, 0);
    ck_assert_uint_eq(world_batch(w, batch)->dead, 0);
    world_record_all(w);
    ck_assert_uint_eq(world_lease(w, 1).job, turns[1]);
}
END_TEST

// The second turn was cancelled, and the first is answered late: the third has no answer to go on
// from.
static void answer_before_cancelled(bool is_recorded) {
    struct lease late = world_lease(w, 0);
    world_cancel_job(w, turns[1]);
    if (is_recorded)
        world_record_all(w);
    give_up(late);
    world_answer(w, 0, late);
    expect_parked(turns[2]);
    world_record_all(w);
    ck_assert(!world_has_lease(w, 1));
    expect_parked(turns[2]);
    world_restart(w);
    world_tick(w);
    expect_parked(turns[2]);
}

START_TEST(a_late_answer_does_not_bring_back_what_is_behind_a_cancelled_turn) {
    answer_before_cancelled(true);
}
END_TEST

START_TEST(nor_does_it_while_the_ledger_has_not_heard_of_the_cancelled_turn) {
    answer_before_cancelled(false);
}
END_TEST

// People have seen a settled batch's results: nothing may begin to spend money again by itself.
START_TEST(a_late_answer_in_a_settled_batch_revives_that_turn_only) {
    struct lease first = lose_turn();
    world_seal(w, batch);
    world_record_all(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SETTLED);
    uint32_t revision = world_batch(w, batch)->revision;
    world_answer(w, 0, first);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SEALED);
    expect_parked(turns[1]);
    world_record_all(w);
    expect_parked(turns[1]);
    ck_assert(!world_has_lease(w, 1));
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SETTLED); // anew, with its own revision
    ck_assert_uint_gt(world_batch(w, batch)->revision, revision);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 1);
}
END_TEST

// A possibly billed turn that is parked by policy breaks its conversation just the same.
START_TEST(a_turn_parked_by_policy_parks_those_behind_it) {
    uint64_t other = world_open(w, (struct batch_options){.priority = 1, .billed = "park"});
    world_answer(w, 0, world_lease(w, 0));
    (void)world_submit_turn(w, other, 'z', 1);
    uint64_t second = world_submit_turn(w, other, 'z', 2);
    world_end(w, 0, world_lease(w, 0), CUT_OFF);
    expect_parked(second);
    ck_assert_uint_eq(world_batch(w, other)->parked, 2);
}
END_TEST

START_TEST(a_cancelled_turn_parks_those_behind_it) {
    world_answer(w, 0, world_lease(w, 0));
    world_cancel_job(w, turns[1]);
    expect_parked(turns[2]);
    world_record_all(w);
    expect_parked(turns[2]);
    ck_assert_int_eq(world_state(w, turns[1]), JOB_GONE);
}
END_TEST

// ---- contexts -----------------------------------------------------------------------------------

// A turn that cannot be made from what came before must not be called with half a context.
START_TEST(a_turn_that_cannot_be_prepared_is_dead) {
    struct sent ask;
    world_answer(w, 0, world_lease(w, 0));
    w->is_mute = true;
    world_record_all(w);
    ck_assert(world_take(w, EFFECT_send_prepare, ACCOUNTANT, &ask));
    world_prepare(w, ask, "too_long");
    ck_assert_int_eq(world_state(w, turns[1]), JOB_DEAD);
    ck_assert_int_eq(world_job(w, turns[1])->reason, REASON_unprepared);
    ck_assert(!world_has_lease(w, 0));
    expect_parked(turns[2]);
}
END_TEST

// Turn 2 waits for its context, and the accountant says nothing; the question.
static struct sent ask_for_turn_2(void) {
    struct sent ask;
    world_answer(w, 0, world_lease(w, 0));
    w->is_mute = true;
    world_record_all(w);
    ck_assert(world_take(w, EFFECT_send_prepare, ACCOUNTANT, &ask));
    return ask;
}

// A lost question or answer must not stop a conversation for ever.
START_TEST(a_question_for_a_context_is_asked_again) {
    struct sent again;
    (void)ask_for_turn_2();
    world_pass(w, ASK_RESEND_MS - 1000);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_prepare, ACCOUNTANT), 0);
    world_pass(w, 1000);
    ck_assert(world_take(w, EFFECT_send_prepare, ACCOUNTANT, &again));
    world_prepare(w, again, NULL);
    ck_assert_uint_eq(world_lease(w, 0).job, turns[1]);
}
END_TEST

// What was prepared before the turn left the window may no longer be what is to be sent.
START_TEST(an_answer_to_an_older_question_is_void) {
    struct sent older = ask_for_turn_2(), newer;
    world_decide_lane(w, EVENT_pause_lane);
    world_decide_lane(w, EVENT_resume_lane);
    ck_assert(world_take(w, EFFECT_send_prepare, ACCOUNTANT, &newer));
    world_prepare(w, older, NULL);
    ck_assert(!world_has_lease(w, 0));
    world_prepare(w, newer, NULL);
    ck_assert_uint_eq(world_lease(w, 0).job, turns[1]);
}
END_TEST

// Single calls need no context: they go on while the accountant is away, turns say what is missing.
START_TEST(a_turn_waits_for_the_accountant_and_says_so) {
    world_answer(w, 0, world_lease(w, 0));
    world_record_all(w);
    world_answer(w, 0, world_lease(w, 0));
    world_left(w, ACCOUNTANT);
    uint64_t other = world_submit_turn(w, batch, 'b', 1);
    ck_assert(!world_has_lease(w, 0));
    ck_assert_int_eq(core_waits_for(w->core, world_job(w, other)), REASON_accountant_away);
    world_join(w, ACCOUNTANT, "accountant", 64);
    ck_assert_uint_eq(world_lease(w, 0).job, other);
}
END_TEST

START_TEST(single_calls_go_on_without_an_accountant) {
    world_answer(w, 0, world_lease(w, 0));
    world_left(w, ACCOUNTANT);
    uint64_t job = world_submit(w, batch);
    ck_assert_uint_eq(world_lease(w, 0).job, job);
}
END_TEST

// Names of conversations belong to their batch; those done with must not fill the tables.
START_TEST(conversations_that_are_done_leave_nothing_behind) {
    for (int i = 0; i < 3; i++) {
        world_answer(w, 0, world_lease(w, 0));
        world_record_all(w);
    }
    world_seal(w, batch);
    world_record_all(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_GONE);
    for (uint32_t slot = 1; slot < CONVERSATIONS; slot++)
        ck_assert(!core_conversation(w->core, slot)->is_used);
    for (uint32_t i = 0; i < CONVERSATIONS; i++)
        ck_assert(!w->store->conversations[i].is_here);
}
END_TEST

int main(void) {
    RUN_TESTS("turns", setup, teardown, the_next_turn_waits_until_the_answer_is_recorded,
              other_conversations_do_not_wait,
              a_turn_whose_answer_cannot_be_read_is_dead_with_the_next_revision,
              a_dead_turn_parks_those_behind_it_and_those_that_still_come,
              a_broken_conversation_is_broken_after_a_restart,
              a_late_answer_to_a_dead_turn_brings_back_those_behind_it,
              a_late_answer_does_not_bring_back_what_is_behind_a_cancelled_turn,
              nor_does_it_while_the_ledger_has_not_heard_of_the_cancelled_turn,
              a_late_answer_in_a_settled_batch_revives_that_turn_only,
              a_turn_parked_by_policy_parks_those_behind_it, a_cancelled_turn_parks_those_behind_it,
              a_turn_that_cannot_be_prepared_is_dead, a_question_for_a_context_is_asked_again,
              an_answer_to_an_older_question_is_void, a_turn_waits_for_the_accountant_and_says_so,
              single_calls_go_on_without_an_accountant,
              conversations_that_are_done_leave_nothing_behind);
}
