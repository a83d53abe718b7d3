// The journal's room: how it is divided, what answers are expected to need, who is stopped when it
// is short, and what goes on all the same.
#include "broker/space.h"
#include "tests/unit/broker/run.h"
#include "tests/unit/broker/world.h"

#include <stdlib.h>

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

// ---- how large answers are ----------------------------------------------------------------------

static void add_many(struct sizes *sizes, uint64_t bytes, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        sizes_add(sizes, bytes);
}

// A lane that has seen nothing, or little, must not be trusted to give small answers.
START_TEST(few_answers_count_at_least_as_the_guess_and_as_the_largest_of_them) {
    struct sizes sizes = {.total = 0};
    ck_assert_uint_eq(sizes_high(&sizes), SIZES_GUESS);
    add_many(&sizes, 100, SIZES_FEW - 1);
    ck_assert_uint_eq(sizes_high(&sizes), SIZES_GUESS);
    sizes_add(&sizes, 100);
    ck_assert_uint_eq(sizes_high(&sizes), SIZES_FIRST);
    sizes = (struct sizes){.total = 0};
    sizes_add(&sizes, MIB);
    ck_assert_uint_ge(sizes_high(&sizes), MIB);
    ck_assert_uint_le(sizes_high(&sizes), MIB * 3 / 2);
}
END_TEST

START_TEST(one_of_a_hundred_may_be_larger_and_two_are_expected) {
    struct sizes sizes = {.total = 0};
    add_many(&sizes, 1000, 495);
    add_many(&sizes, 100 * KIB, 5);
    ck_assert_uint_eq(sizes_high(&sizes), KIB);
    add_many(&sizes, 100 * KIB, 1);
    ck_assert_uint_ge(sizes_high(&sizes), 100 * KIB);
}
END_TEST

// A provider that begins to give long answers is believed after a few, one that stops in a while.
START_TEST(what_came_long_ago_fades) {
    struct sizes sizes = {.total = 0};
    add_many(&sizes, 500, 5000);
    ck_assert_uint_eq(sizes_high(&sizes), 512);
    add_many(&sizes, 200 * KIB, 20);
    ck_assert_uint_ge(sizes_high(&sizes), 200 * KIB);
    add_many(&sizes, 500, 4 * SIZES_KEPT);
    ck_assert_uint_eq(sizes_high(&sizes), 512);
}
END_TEST

static int compare_sizes(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

// Whatever the sizes are, the bound is at least the 99th percentile and within a step of it.
START_TEST(the_bound_is_the_99th_percentile_to_half_a_power_of_two) {
    enum { COUNT = SIZES_KEPT - 1 };
    static uint64_t drawn[COUNT];
    uint64_t state = (uint64_t)_i + 1;
    struct sizes sizes = {.total = 0};
    for (int i = 0; i < COUNT; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        drawn[i] = 300 + (state >> 40) % (1ull << (10 + (state >> 33) % 13));
        sizes_add(&sizes, drawn[i]);
    }
    qsort(drawn, COUNT, sizeof(drawn[0]), compare_sizes);
    uint64_t exact = drawn[COUNT - 1 - COUNT / 100];
    ck_assert_uint_ge(sizes_high(&sizes), exact);
    ck_assert_uint_le(sizes_high(&sizes), exact * 3 / 2 + 1);
}
END_TEST

START_TEST(sizes_beyond_all_bounds_count_as_the_largest) {
    struct sizes sizes = {.total = 0};
    add_many(&sizes, UINT64_MAX, 200);
    ck_assert_uint_ge(sizes_high(&sizes), ANSWER_BYTES_MAX + ANSWER_HEADERS_BYTES_MAX);
}
END_TEST

// ---- how the room is divided --------------------------------------------------------------------

// Pages and log together are what the operator allowed; a full log fits into the reserve.
START_TEST(pages_and_log_add_up_to_the_budget) {
    static const uint64_t budgets[] = {JOURNAL_BYTES_MIN, 100 * MIB, 1024 * MIB, 8192 * MIB};
    static const uint64_t reserves[] = {0, RESERVE_BYTES_MIN, 8 * MIB, 64 * MIB};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 4; k++) {
            struct space_limits limits = space_limits(budgets[i], reserves[k]);
            uint64_t pages = space_for_pages(&limits, INT64_MAX, 0);
            ck_assert_uint_eq(pages + limits.wal_share_bytes, budgets[i]);
            ck_assert_uint_ge(pages / 5 * 3, LINE_BYTES_MAX + MESSAGE_BYTES_SOFT);
            ck_assert_uint_ge(limits.wal_share_bytes, limits.wal_bytes + limits.turn_bytes);
            ck_assert_uint_gt(limits.turn_bytes, 0);
            if (reserves[k] > 0)
                ck_assert_uint_le(limits.wal_bytes + limits.turn_bytes, reserves[k]);
            if (reserves[k] > 0)
                ck_assert_uint_le(limits.free_bytes_kept, reserves[k] / 4);
        }
}
END_TEST

// A budget beyond what the disk has is a promise that the disk cannot keep.
START_TEST(a_disk_that_has_less_than_the_budget_is_the_bound) {
    struct space_limits limits = space_limits(8192 * MIB, 8 * MIB);
    uint64_t pages = space_for_pages(&limits, 40 * MIB, 16 * MIB);
    ck_assert_uint_eq(pages, 56 * MIB - limits.wal_share_bytes);
    // The journal's own growth takes from the one and gives to the other.
    ck_assert_uint_eq(space_for_pages(&limits, 30 * MIB, 26 * MIB), pages);
    ck_assert_uint_eq(space_for_pages(&limits, 0, MIB), 0);
    ck_assert_uint_eq(space_for_pages(&limits, INT64_MAX, INT64_MAX),
                      8192 * MIB - limits.wal_share_bytes);
}
END_TEST

// ---- who is stopped -----------------------------------------------------------------------------

static const char *put_next(uint64_t bytes) {
    const struct batch *at = world_batch(w, batch);
    uint64_t line = at->accepted_through + 1;
    w->line_bytes = bytes;
    const char *why = world_put(w, batch, line, 1, at->digest, world_digest(batch, line), false);
    w->line_bytes = 0;
    return why;
}

// What a turn takes in counts at once: a turn of large chunks must not run past the 60 %.
START_TEST(lines_of_one_turn_count_before_the_next_is_told_the_room) {
    core_space(w->core, 0, 10 * MIB);
    for (int i = 0; i < 5; i++)
        ck_assert_ptr_null(put_next(MIB));
    ck_assert_str_eq(put_next(MIB), "journal_full");
    ck_assert_ptr_null(put_next(100 * KIB)); // a smaller one still fits
    core_space(w->core, 0, 10 * MIB);
    ck_assert_ptr_null(put_next(MIB));
}
END_TEST

// Leases so that worker 0 has as many as it is given; how many it has.
static uint32_t count_leases(void) {
    uint32_t count = 0;
    while (world_has_lease(w, 0)) {
        (void)world_lease(w, 0);
        count++;
    }
    return count;
}

// Each call that is out keeps room for its answer, so the next one may find none.
START_TEST(calls_stop_when_the_answers_of_those_that_are_out_need_the_rest) {
    (void)world_submit_many(w, batch, 8);
    core_space(w->core, 0, 0);
    world_join_worker(w, 0, 8);
    ck_assert_uint_eq(count_leases(), 0);
    uint64_t room = world_lane(w)->answer_room;
    ck_assert_uint_ge(room, SIZES_GUESS);
    core_space(w->core, 0, 3 * room + room / 2);
    world_tick(w);
    ck_assert_uint_eq(count_leases(), 3);
    core_space(w->core, room, 5 * room);
    world_tick(w);
    ck_assert_uint_eq(count_leases(), 1);
    core_space(w->core, room, 9 * room);
    world_tick(w);
    ck_assert_uint_eq(count_leases(), 4);
}
END_TEST

// Calls of a lane with long answers must not be counted as those of one with short ones.
START_TEST(each_lane_is_counted_with_its_own_answers) {
    struct lease lease;
    (void)world_submit_many(w, batch, 1);
    world_join_worker(w, 0, 8);
    lease = world_lease(w, 0);
    w->answer_bytes = 2 * MIB;
    world_answer(w, 0, lease);
    uint64_t large = world_lane(w)->answer_room;
    ck_assert_uint_ge(large, 2 * MIB);
    (void)world_submit_to(w, batch, "another");
    lease = world_lease(w, 0);
    const struct lane *another = core_lane(w->core, world_lane_slot(w, "another"));
    ck_assert_uint_lt(another->answer_room, 64 * KIB);
    core_space(w->core, 0, large);
    (void)world_submit(w, batch);
    ck_assert_uint_eq(count_leases(), 0); // beside the other lane's answer there is no room
    world_answer(w, 0, lease);
    core_space(w->core, 0, large);
    world_tick(w);
    ck_assert_uint_eq(count_leases(), 1);
}
END_TEST

// The first long answer of a lane is news of those that are still out.
START_TEST(calls_that_are_out_are_counted_by_what_was_learnt_since) {
    struct lease leases[3];
    (void)world_submit_many(w, batch, 4);
    world_join_worker(w, 0, 3);
    for (int i = 0; i < 3; i++)
        leases[i] = world_lease(w, 0);
    core_space(w->core, 0, 64 * KIB); // the fourth has to wait until room is told
    w->answer_bytes = 2 * MIB;
    world_answer(w, 0, leases[0]);
    uint64_t large = world_lane(w)->answer_room;
    ck_assert_uint_ge(large, 2 * MIB);
    core_space(w->core, 0, 3 * large - 1);
    world_tick(w);
    ck_assert_uint_eq(count_leases(), 0);
    core_space(w->core, 0, 3 * large);
    world_tick(w);
    ck_assert_uint_eq(count_leases(), 1);
}
END_TEST

// The rest is for answers: it takes them whatever it is told, and nothing is lost.
START_TEST(ends_are_stored_however_full_the_journal_is) {
    uint64_t job = world_submit(w, batch);
    world_join_worker(w, 0, 1);
    struct lease lease = world_lease(w, 0);
    core_space(w->core, 100, 0);
    world_answer(w, 0, lease);
    ck_assert_int_eq(world_state(w, job), JOB_ENDED);
    ck_assert_ptr_nonnull(world_record_of(w, lease.call));
}
END_TEST

// A batch of many jobs that is cancelled makes a record of each: they wait for room.
START_TEST(a_cancellation_waits_for_room_and_goes_on) {
    (void)world_submit_many(w, batch, 100);
    core_space(w->core, 0, 40 * KIB);
    world_cancel(w, batch);
    uint64_t cancelled = world_batch(w, batch)->cancelled;
    ck_assert_uint_gt(cancelled, 0);
    ck_assert_uint_lt(cancelled, 20);
    core_space(w->core, 0, 10 * MIB);
    world_tick(w);
    ck_assert_uint_eq(world_batch(w, batch)->cancelled, 100);
}
END_TEST

// ---- closed -------------------------------------------------------------------------------------

START_TEST(a_closed_broker_takes_no_lines_and_makes_no_calls) {
    (void)world_submit_many(w, batch, 3);
    core_close(w->core, true);
    world_join_worker(w, 0, 8);
    ck_assert_uint_eq(count_leases(), 0);
    ck_assert_str_eq(put_next(10), "disk_full");
    ck_assert_int_eq(core_waits_for(w->core, world_job(w, 1)), REASON_disk_full);
    core_close(w->core, false);
    world_tick(w);
    ck_assert_uint_eq(count_leases(), 3);
    ck_assert_ptr_null(put_next(10));
}
END_TEST

// A client that comes now is told to wait, and finds its batch made when it asks again.
START_TEST(a_closed_broker_opens_and_seals_nothing_and_says_why) {
    struct sent sent;
    (void)world_submit(w, batch);
    core_close(w->core, true);
    world_say_open(w, "new", 7);
    ck_assert(world_take(w, EFFECT_send_opened, INGRESS, &sent));
    ck_assert_str_eq(sent.effect.why, "disk_full");
    ck_assert_str_eq(world_seal_as(w, batch, 1, world_digest(batch, 1)), "disk_full");
    core_close(w->core, false);
    world_say_open(w, "new", 8);
    ck_assert(world_take(w, EFFECT_send_opened, INGRESS, &sent));
    ck_assert_ptr_null(sent.effect.why);
    ck_assert_ptr_null(world_seal_as(w, batch, 1, world_digest(batch, 1)));
}
END_TEST

// A row of a conversation that names a batch which is not there: no broker starts from that
// journal.
START_TEST(a_batch_is_not_forgotten_before_its_conversations) {
    uint64_t other = world_open(w, (struct batch_options){.priority = 1});
    uint64_t first = world_submit_turn(w, batch, 'a', 1);
    uint64_t second = world_submit_turn(w, batch, 'a', 2);
    uint64_t blocking = world_submit_turn(w, other, 'b', 1);
    (void)world_submit_turn(w, other, 'b', 2);
    world_seal(w, batch);
    core_close(w->core, true); // no turn can be parked now
    world_cancel_job(w, first);
    world_cancel_job(w, blocking);
    world_cancel_job(w, second);
    world_record_all(w);
    world_record_all(w); // also that the batch is settled
    ck_assert_int_eq(world_state(w, second), JOB_GONE);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_SETTLED);
    for (int i = 0; i < CONVERSATIONS; i++) {
        const struct kept_conversation *row = &w->store->conversations[i];
        ck_assert(!row->is_here || w->store->batches[row->batch].is_here);
    }
    core_close(w->core, false);
    world_tick(w);
    world_tick(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_GONE);
}
END_TEST

// Else a full disk would stay full: what is under way is brought to its end.
START_TEST(a_closed_broker_takes_ends_and_forgets_what_is_recorded) {
    uint64_t job = world_submit(w, batch);
    world_join_worker(w, 0, 1);
    struct lease lease = world_lease(w, 0);
    core_close(w->core, true);
    world_answer(w, 0, lease);
    ck_assert_int_eq(world_state(w, job), JOB_ENDED);
    world_record_all(w);
    ck_assert_int_eq(world_state(w, job), JOB_GONE);
}
END_TEST

// A ledger whose disk is full takes no records, and drops what was on its way: nothing is lost, and
// nothing has to wait for a time limit when it opens.
START_TEST(records_wait_for_an_accountant_that_is_closed) {
    struct sent sent;
    struct wait waits[4];
    (void)world_submit(w, batch);
    world_join_worker(w, 0, 1);
    world_answer(w, 0, world_lease(w, 0));
    (void)world_extract(w, NULL);
    while (world_take(w, EFFECT_send_record, ACCOUNTANT, &sent))
        ;
    ck_assert(core_accountant_takes(w->core));
    world_join(w, ACCOUNTANT, "accountant", 0);
    ck_assert(!core_accountant_takes(w->core));
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_record, ACCOUNTANT), 0);
    ck_assert_uint_ge(core_waits(w->core, core_find_batch(w->core, batch), waits, 4), 1);
    ck_assert_int_eq(waits[0].reason, REASON_ledger_full);
    ck_assert_uint_ge(waits[0].jobs, 1);
    world_join(w, ACCOUNTANT, "accountant", 64);
    ck_assert_uint_ge(world_untaken(w, EFFECT_send_record, ACCOUNTANT), 1);
    world_record_all(w);
    ck_assert_uint_eq(core_records_pending(w->core), 0);
}
END_TEST

// ---- nobody listened ----------------------------------------------------------------------------

static void stand_still(uint64_t ms) {
    w->now_ms += ms;
    w->wall_ms += (int64_t)ms;
    core_excuse(w->core, w->now_ms);
    world_tick(w);
}

// A disk that took a minute over one commit: the answer waits at the socket. To call it unknown
// would be to pay for it twice.
START_TEST(no_call_is_over_because_nobody_listened) {
    uint64_t job = world_submit(w, batch);
    world_join_worker(w, 0, 1);
    struct lease lease = world_lease(w, 0);
    stand_still(2 * BILLED_LIMIT_MS);
    ck_assert_int_eq(world_state(w, job), JOB_LEASED);
    world_answer(w, 0, lease);
    ck_assert_int_eq(world_state(w, job), JOB_ENDED);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 1);
}
END_TEST

// The grace ends: a worker that is gone does not keep its calls for ever.
START_TEST(a_call_that_nobody_names_is_over_when_the_grace_is) {
    uint64_t job = world_submit(w, batch);
    world_join_worker(w, 0, 1);
    struct lease lease = world_lease(w, 0);
    w->workers[0].is_silent = true;
    stand_still(2 * BILLED_LIMIT_MS);
    ck_assert_int_eq(world_state(w, job), JOB_LEASED);
    w->now_ms += PEER_SILENT_MS;
    world_tick(w);
    ck_assert_int_ne(world_state(w, job), JOB_LEASED);
    ck_assert_ptr_nonnull(world_record_of(w, lease.call));
}
END_TEST

int main(void) {
    const TTest *sizes[] = {few_answers_count_at_least_as_the_guess_and_as_the_largest_of_them,
                            one_of_a_hundred_may_be_larger_and_two_are_expected,
                            what_came_long_ago_fades,
                            sizes_beyond_all_bounds_count_as_the_largest,
                            pages_and_log_add_up_to_the_budget,
                            a_disk_that_has_less_than_the_budget_is_the_bound,
                            lines_of_one_turn_count_before_the_next_is_told_the_room,
                            calls_stop_when_the_answers_of_those_that_are_out_need_the_rest,
                            each_lane_is_counted_with_its_own_answers,
                            calls_that_are_out_are_counted_by_what_was_learnt_since,
                            ends_are_stored_however_full_the_journal_is,
                            a_cancellation_waits_for_room_and_goes_on,
                            a_closed_broker_takes_no_lines_and_makes_no_calls,
                            a_closed_broker_opens_and_seals_nothing_and_says_why,
                            a_batch_is_not_forgotten_before_its_conversations,
                            a_closed_broker_takes_ends_and_forgets_what_is_recorded,
                            records_wait_for_an_accountant_that_is_closed,
                            no_call_is_over_because_nobody_listened,
                            a_call_that_nobody_names_is_over_when_the_grace_is};
    TCase *tests = case_of("space", sizes, sizeof(sizes) / sizeof(sizes[0]), setup, teardown);
    tcase_add_loop_test(tests, the_bound_is_the_99th_percentile_to_half_a_power_of_two, 0, 20);
    return run_case("space", tests);
}
