// Lanes: what holds one, how it is probed and opened, whose turn it is, and what waits why.
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

// A world whose lane takes so many calls at once.
static void narrow_to(uint32_t concurrency) {
    struct core_config config = world_config();
    config.lane_concurrency = concurrency;
    world_free(w);
    w = world_new_with(config);
    batch = world_open(w, (struct batch_options){.priority = 1});
}

// Several jobs, one of them leased at a time; the first was refused for the whole lane.
static struct lease hold_lane(uint32_t jobs) {
    (void)world_submit_many(w, batch, jobs);
    world_join_worker(w, 0, 1);
    struct lease lease = world_lease(w, 0);
    world_end(w, 0, lease, LANE_WIDE);
    return lease;
}

// ---- a refusal of the lane ----------------------------------------------------------------------

// A key that ran out of money must not kill 200,000 jobs, nor be tried 200,000 times.
START_TEST(a_refusal_of_the_lane_holds_it_and_spends_no_attempt) {
    struct lease lease = hold_lane(5);
    ck_assert_int_eq(world_lane(w)->state, LANE_held);
    ck_assert_str_eq(world_lane(w)->held_reason, "http_401");
    ck_assert_int_eq(world_state(w, lease.job), JOB_READY);
    ck_assert_uint_eq(world_job(w, lease.job)->counted, 0);
    ck_assert_int_eq(core_waits_for(w->core, world_job(w, lease.job)), REASON_lane_held);
    world_pass(w, PROBE_BASE_MS - 1000);
    ck_assert(!world_has_lease(w, 0));
    ck_assert_uint_eq(world_batch(w, batch)->dead, 0);
    ck_assert_uint_eq(world_lane(w)->window, 0); // what is held leaves the window
}
END_TEST

START_TEST(other_lanes_are_not_held) {
    (void)hold_lane(2);
    (void)world_submit_to(w, batch, "another");
    struct lease lease = world_lease(w, 0);
    world_answer(w, 0, lease);
    ck_assert_int_eq(world_lane(w)->state, LANE_held);
}
END_TEST

// Passes time until the next probe leaves; how long that took, in seconds.
static uint64_t seconds_to_probe(void) {
    uint64_t seconds = 0;
    while (!world_has_lease(w, 0) && seconds < 2000) {
        world_pass(w, 1000);
        seconds++;
    }
    return seconds;
}

// Each probe costs a refused request: they must thin out, but never stop.
START_TEST(a_held_lane_is_probed_at_growing_intervals_up_to_the_maximum) {
    uint64_t before = PROBE_BASE_MS / 1000;
    (void)hold_lane(3);
    ck_assert_uint_eq(seconds_to_probe(), before);
    for (int i = 0; i < 10; i++) {
        world_end(w, 0, world_lease(w, 0), LANE_WIDE);
        uint64_t seconds = seconds_to_probe();
        ck_assert_uint_ge(seconds, before);
        ck_assert_uint_le(seconds, 2 * before);
        ck_assert_uint_le(seconds, PROBE_MAX_MS / 1000);
        before = seconds;
    }
    ck_assert_uint_eq(before, PROBE_MAX_MS / 1000);
    ck_assert_uint_eq(world_batch(w, batch)->dead, 0);
}
END_TEST

// A probe that took several jobs along would spend them all on a lane that is still shut.
START_TEST(a_probe_is_exactly_one_job) {
    (void)hold_lane(5);
    world_join_worker(w, 0, 8);
    world_pass(w, 20 * 1000);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_lease, w->workers[0].peer), 1);
}
END_TEST

// Somebody paid the bill: nobody should have to tell the broker.
START_TEST(a_held_lane_opens_with_a_probes_answer) {
    (void)hold_lane(5);
    world_join_worker(w, 0, 8);
    world_pass(w, PROBE_BASE_MS + 1000);
    world_answer(w, 0, world_lease(w, 0));
    ck_assert_int_eq(world_lane(w)->state, LANE_open);
    ck_assert_str_eq(world_lane(w)->held_reason, "");
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_lease, w->workers[0].peer), 4);
}
END_TEST

// An answer that is only about the job (400) also says that the lane is open again.
START_TEST(any_answer_but_a_refusal_of_the_lane_opens_it) {
    (void)hold_lane(3);
    world_pass(w, PROBE_BASE_MS + 1000);
    world_end(w, 0, world_lease(w, 0), PERMANENT);
    ck_assert_int_eq(world_lane(w)->state, LANE_open);
}
END_TEST

// A provider that is shut and then cannot be reached says nothing new: jobs must not be spent on
// it one behind the other.
START_TEST(a_probe_without_an_answer_is_followed_by_a_wait) {
    (void)hold_lane(5);
    world_pass(w, PROBE_BASE_MS + 1000);
    world_end(w, 0, world_lease(w, 0), CUT_OFF);
    ck_assert_int_eq(world_lane(w)->state, LANE_held);
    ck_assert(!world_has_lease(w, 0));
    ck_assert_uint_ge(seconds_to_probe(), PROBE_BASE_MS / 1000 - 1); // from its start or its end
}
END_TEST

START_TEST(a_person_can_open_a_held_lane) {
    (void)hold_lane(3);
    world_decide_lane(w, EVENT_resume_lane);
    ck_assert_int_eq(world_lane(w)->state, LANE_open);
    ck_assert(world_has_lease(w, 0));
}
END_TEST

// Who has just put a good key into a worker should not have to wait five minutes for the probe.
START_TEST(a_held_lane_is_probed_at_once_when_a_worker_with_its_key_joins) {
    (void)hold_lane(3);
    world_join_as(w, 1, "openai/other,else/default", true);
    ck_assert(!world_has_lease(w, 0) && !world_has_lease(w, 1));
    world_join_worker(w, 2, 8);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_lease, w->workers[0].peer) +
                          world_untaken(w, EFFECT_send_lease, w->workers[2].peer),
                      1);
}
END_TEST

// The lane's state must survive, or each restart of the broker would burn another wave of calls.
START_TEST(a_held_lane_is_still_held_after_a_restart) {
    (void)hold_lane(3);
    world_restart(w);
    ck_assert_int_eq(world_lane(w)->state, LANE_held);
    ck_assert_str_eq(world_lane(w)->held_reason, "http_401");
    world_join_worker(w, 0, 8);
    ck_assert_uint_le(world_untaken(w, EFFECT_send_lease, w->workers[0].peer), 1);
}
END_TEST

// ---- calls that never start ---------------------------------------------------------------------

// Leases and ends calls in this way, at most so often, until the lane is held.
static uint32_t ends_until_held(struct how how, uint32_t at_most) {
    uint32_t ends = 0;
    while (world_lane(w)->state == LANE_open && ends < at_most) {
        while (!world_has_lease(w, 0))
            world_pass(w, 1000);
        world_end(w, 0, world_lease(w, 0), how);
        ends++;
    }
    return ends;
}

// A host that cannot reach the provider would turn every job round for ever: such ends are not
// counted.
START_TEST(calls_in_a_row_that_fail_to_start_hold_the_lane) {
    (void)world_submit_many(w, batch, 20);
    world_join_worker(w, 0, 1);
    ck_assert_uint_eq(ends_until_held(CONNECT_FAILED, 100), LANE_MISSES_MAX);
    ck_assert_str_eq(world_lane(w)->held_reason, "connect_failed");
    ck_assert_uint_eq(world_batch(w, batch)->dead, 0);
}
END_TEST

START_TEST(an_answer_between_them_starts_the_count_anew) {
    (void)world_submit_many(w, batch, 40);
    world_join_worker(w, 0, 1);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(ends_until_held(CONNECT_FAILED, LANE_MISSES_MAX - 1),
                          LANE_MISSES_MAX - 1);
        ck_assert_uint_eq(ends_until_held(ANSWERED, 1), 1);
    }
    ck_assert_int_eq(world_lane(w)->state, LANE_open);
}
END_TEST

// A worker without room says nothing about the provider: shutting the lane would stop all others.
START_TEST(calls_that_a_worker_had_no_slot_for_do_not_hold_the_lane) {
    (void)world_submit_many(w, batch, 20);
    world_join_worker(w, 0, 1);
    ck_assert_uint_eq(ends_until_held(NOT_STARTED, 30), 30);
}
END_TEST

// ---- a person's pause ---------------------------------------------------------------------------

START_TEST(a_paused_lane_calls_nothing_until_it_is_resumed) {
    world_join_worker(w, 0, 1);
    struct lease lease = (world_submit_many(w, batch, 3), world_lease(w, 0));
    world_decide_lane(w, EVENT_pause_lane);
    world_answer(w, 0, lease); // what is out ends as it will
    world_pass(w, 600 * 1000);
    ck_assert(!world_has_lease(w, 0));
    ck_assert_int_eq(core_waits_for(w->core, world_job(w, lease.job + 1)), REASON_lane_paused);
    world_decide_lane(w, EVENT_resume_lane);
    ck_assert(world_has_lease(w, 0));
}
END_TEST

// A refusal that comes in during a pause must not turn it into a hold that opens by itself.
START_TEST(a_refusal_does_not_end_a_pause) {
    (void)world_submit_many(w, batch, 3);
    world_join_worker(w, 0, 1);
    struct lease lease = world_lease(w, 0);
    world_decide_lane(w, EVENT_pause_lane);
    world_end(w, 0, lease, LANE_WIDE);
    ck_assert_int_eq(world_lane(w)->state, LANE_paused);
    world_restart(w);
    world_join_worker(w, 0, 1);
    world_pass(w, 60 * 1000);
    ck_assert(!world_has_lease(w, 0));
}
END_TEST

// A probe that was out when the lane was paused must not open it with its answer.
START_TEST(a_probes_answer_does_not_end_a_pause) {
    (void)hold_lane(3);
    world_pass(w, PROBE_BASE_MS + 1000);
    struct lease probe = world_lease(w, 0);
    world_decide_lane(w, EVENT_pause_lane);
    world_answer(w, 0, probe);
    ck_assert_int_eq(world_lane(w)->state, LANE_paused);
    ck_assert(!world_has_lease(w, 0));
}
END_TEST

// ---- whose turn it is ---------------------------------------------------------------------------

// Serves so many calls one after the other and notes whose they were.
static void serve(uint64_t *jobs, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct lease lease = world_lease(w, 0);
        jobs[i] = lease.job;
        world_answer(w, 0, lease);
    }
}

// Somebody's 200,000 prompts must not make everybody else wait until tomorrow.
START_TEST(batches_of_one_priority_take_turns) {
    uint64_t jobs[12];
    uint64_t small = world_open(w, (struct batch_options){.priority = 1});
    (void)world_submit_many(w, batch, 200);
    uint64_t first_small = world_submit_many(w, small, 4);
    world_join_worker(w, 0, 1);
    serve(jobs, 12);
    for (uint32_t i = 0; i < 8; i++)
        ck_assert_int_eq(jobs[i] >= first_small, i % 2 == 1);
    for (uint32_t i = 8; i < 12; i++)
        ck_assert_uint_lt(jobs[i], first_small);
}
END_TEST

// A batch that comes while the window is full of another's jobs waits for the window, no longer.
START_TEST(a_small_batch_is_served_within_a_window_of_a_huge_one) {
    uint64_t jobs[40];
    narrow_to(4);
    (void)world_submit_many(w, batch, 500);
    world_join_worker(w, 0, 1);
    uint64_t small = world_open(w, (struct batch_options){.priority = 1});
    uint64_t late = world_submit(w, small);
    serve(jobs, 12);
    bool was_served = false;
    for (uint32_t i = 0; i < 12; i++)
        was_served = was_served || jobs[i] == late;
    ck_assert(was_served);
}
END_TEST

// An urgent batch must not stand behind what was merely prepared before it came.
START_TEST(a_higher_priority_goes_first_and_displaces_what_is_prepared) {
    narrow_to(2);
    uint64_t low = world_open(w, (struct batch_options){.priority = 2});
    (void)world_submit_many(w, low, 50);
    world_join_worker(w, 0, 1);
    struct lease lease = world_lease(w, 0);
    ck_assert_uint_eq(world_lane(w)->window, 4); // full
    uint64_t high = world_open(w, (struct batch_options){.priority = 0});
    uint64_t urgent = world_submit_many(w, high, 3);
    ck_assert_uint_le(world_lane(w)->window, 4);
    for (uint64_t i = 0; i < 3; i++) {
        world_answer(w, 0, lease);
        lease = world_lease(w, 0);
        ck_assert_uint_eq(lease.job, urgent + i);
    }
}
END_TEST

// A turn whose place is taken gives its context back, or the broker's memory fills with contexts.
START_TEST(a_displaced_turns_context_is_thrown_away) {
    narrow_to(1);
    world_join_worker(w, 0, 1);
    uint64_t low = world_open(w, (struct batch_options){.priority = 2});
    for (uint32_t i = 0; i < 3; i++)
        (void)world_submit_turn(w, low, "abc"[i], 1);
    uint64_t kept = w->counts[EFFECT_keep_context];
    ck_assert_uint_eq(kept, 3); // one leased, two in the window
    uint64_t high = world_open(w, (struct batch_options){.priority = 0});
    uint64_t urgent = world_submit(w, high);
    ck_assert_uint_eq(w->counts[EFFECT_drop_context], 1);
    world_answer(w, 0, world_lease(w, 0));
    ck_assert_uint_eq(world_lease(w, 0).job, urgent);
}
END_TEST

// A file's first lines come back first, also those that had to be tried again.
START_TEST(a_retried_job_goes_before_newer_ones_of_its_batch) {
    uint64_t jobs[9];
    narrow_to(1);
    uint64_t first = world_submit_many(w, batch, 10);
    world_join_worker(w, 0, 1);
    world_end(w, 0, world_lease(w, 0), RATE_LIMITED);
    world_pass(w, RETRY_BASE_MS + 1000); // the window holds the two after it meanwhile
    serve(jobs, 9);
    uint32_t at = 0;
    while (jobs[at] != first && at < 8)
        at++;
    ck_assert_uint_le(at, 3);
    ck_assert_uint_eq(jobs[8], first + 8);
    for (uint32_t i = 1; i < 9; i++)
        if (jobs[i] != first && jobs[i - 1] != first)
            ck_assert_uint_lt(jobs[i - 1], jobs[i]);
}
END_TEST

// A pairing heap that loses its order would call line 200,000 before line 2.
START_TEST(jobs_that_come_back_in_any_order_are_called_in_the_journals_order) {
    uint64_t jobs[32];
    uint64_t first = world_submit_many(w, batch, 32);
    world_join_worker(w, 0, 16);
    struct lease leases[16];
    for (uint32_t i = 0; i < 16; i++)
        leases[i] = world_lease(w, 0);
    world_decide_lane(w, EVENT_pause_lane); // the rest goes back into the queue
    for (uint32_t i = 0; i < 16; i++)
        world_end(w, 0, leases[(i * 7) % 16], RATE_LIMITED);
    world_pass(w, 2 * RETRY_BASE_MS);
    world_join_worker(w, 0, 1);
    world_decide_lane(w, EVENT_resume_lane);
    serve(jobs, 32);
    for (uint32_t i = 0; i < 32; i++)
        ck_assert_uint_eq(jobs[i], first + i);
}
END_TEST

// ---- limits, and what waits why -----------------------------------------------------------------

START_TEST(no_more_calls_are_out_than_the_lane_allows) {
    narrow_to(3);
    uint64_t first = world_submit_many(w, batch, 10);
    world_join_worker(w, 0, 8);
    world_join_worker(w, 1, 8);
    ck_assert_uint_eq(world_lane(w)->marks, 3);
    ck_assert_int_eq(core_waits_for(w->core, world_job(w, first + 9)), REASON_lane_full);
}
END_TEST

START_TEST(what_has_no_key_or_only_busy_workers_says_so) {
    uint64_t first = world_submit_many(w, batch, 2);
    ck_assert_int_eq(core_waits_for(w->core, world_job(w, first)), REASON_no_worker);
    world_join_as(w, 1, "openai/other", true);
    ck_assert_int_eq(core_waits_for(w->core, world_job(w, first)), REASON_no_key);
    world_join_worker(w, 0, 1);
    ck_assert_int_eq(world_state(w, first), JOB_LEASED);
    ck_assert_int_eq(core_waits_for(w->core, world_job(w, first + 1)), REASON_workers_busy);
}
END_TEST

// A slow ledger must stop the calls, never lose an answer for want of room.
START_TEST(no_call_leaves_whose_answer_would_find_no_room) {
    uint64_t job = world_submit(w, batch);
    core_space(w->core, 1000 * 1000, 1000 * 1000 + 100);
    world_join_worker(w, 0, 1);
    ck_assert(!world_has_lease(w, 0));
    ck_assert_int_eq(core_waits_for(w->core, world_job(w, job)), REASON_journal_full);
    core_space(w->core, 0, 1000 * 1000);
    world_tick(w);
    ck_assert(world_has_lease(w, 0));
}
END_TEST

// `batch watch` says what holds a batch back: each reason with its number of jobs.
START_TEST(what_a_batch_waits_for_adds_up) {
    struct wait waits[8];
    (void)world_submit_many(w, batch, 6);
    (void)world_submit_turn(w, batch, 'a', 1);
    (void)world_submit_turn(w, batch, 'a', 2);
    world_join_worker(w, 0, 2);
    world_end(w, 0, world_lease(w, 0), RATE_LIMITED);
    world_decide_lane(w, EVENT_pause_lane);
    uint32_t count = core_waits(w->core, core_find_batch(w->core, batch), waits, 8);
    uint64_t by_reason[REASONS] = {0};
    for (uint32_t i = 0; i < count; i++)
        by_reason[waits[i].reason] += waits[i].jobs;
    ck_assert_uint_eq(by_reason[REASON_rate_limited], 1);
    ck_assert_uint_eq(by_reason[REASON_earlier_turn], 1);
    ck_assert_uint_eq(by_reason[REASON_lane_paused], 4); // two of the six are out, one is delayed
}
END_TEST

int main(void) {
    RUN_TESTS(
        "lanes", setup, teardown, a_refusal_of_the_lane_holds_it_and_spends_no_attempt,
        other_lanes_are_not_held, a_held_lane_is_probed_at_growing_intervals_up_to_the_maximum,
        a_probe_is_exactly_one_job, a_held_lane_opens_with_a_probes_answer,
        any_answer_but_a_refusal_of_the_lane_opens_it,
        a_probe_without_an_answer_is_followed_by_a_wait, a_person_can_open_a_held_lane,
        a_held_lane_is_probed_at_once_when_a_worker_with_its_key_joins,
        a_held_lane_is_still_held_after_a_restart, calls_in_a_row_that_fail_to_start_hold_the_lane,
        an_answer_between_them_starts_the_count_anew,
        calls_that_a_worker_had_no_slot_for_do_not_hold_the_lane,
        a_paused_lane_calls_nothing_until_it_is_resumed, a_refusal_does_not_end_a_pause,
        a_probes_answer_does_not_end_a_pause, batches_of_one_priority_take_turns,
        a_small_batch_is_served_within_a_window_of_a_huge_one,
        a_higher_priority_goes_first_and_displaces_what_is_prepared,
        a_displaced_turns_context_is_thrown_away, a_retried_job_goes_before_newer_ones_of_its_batch,
        jobs_that_come_back_in_any_order_are_called_in_the_journals_order,
        no_more_calls_are_out_than_the_lane_allows, what_has_no_key_or_only_busy_workers_says_so,
        no_call_leaves_whose_answer_would_find_no_room, what_a_batch_waits_for_adds_up);
}
