// Workers: numbered leases, what a heartbeat settles, and how long a silent one is waited for.
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

static struct lease one_lease(void) {
    (void)world_submit(w, batch);
    world_join_worker(w, 0, 8);
    return world_lease(w, 0);
}

static void expect_lapse(struct lease lease, enum lapse lapse) {
    const struct kept_record *record = world_record_of(w, lease.call);
    ck_assert_ptr_nonnull(record);
    ck_assert(record->said.has_attempt && !record->said.is_reported);
    ck_assert_int_eq(record->said.lapse, lapse);
    ck_assert_int_eq(record->said.is_possibly_billed, lapse == LAPSE_unknown);
}

// ---- numbers ------------------------------------------------------------------------------------

START_TEST(leases_are_numbered_from_one_for_each_process) {
    world_join_worker(w, 0, 2);
    world_join_worker(w, 1, 2);
    (void)world_submit_many(w, batch, 4);
    for (uint32_t worker = 0; worker < 2; worker++)
        for (uint64_t i = 1; i <= 2; i++)
            ck_assert_uint_eq(world_lease(w, worker).number, i);
    world_replace_worker(w, 0, true);
    w->workers[0].slots = 1;
    world_pass(w, RETRY_MAX_MS);
    ck_assert_uint_eq(world_lease(w, 0).number, 1);
}
END_TEST

// A lease that was lost on its way must come back soon, and cost neither money nor an attempt.
START_TEST(a_lease_that_was_seen_and_is_not_named_was_never_received) {
    (void)one_lease();
    (void)world_submit(w, batch);
    struct lease lost = world_lose_lease(w, 0);
    world_pass(w, 1000); // says that it saw 1; the reply says that 2 was sent
    ck_assert_int_eq(world_state(w, lost.job), JOB_LEASED);
    world_pass(w, 2000);
    expect_lapse(lost, LAPSE_not_started);
    struct lease again = world_lease(w, 0);
    ck_assert_uint_eq(again.job, lost.job);
    ck_assert_uint_eq(again.number, 3);
    ck_assert_uint_eq(world_job(w, lost.job)->counted, 0);
}
END_TEST

// A lease that is still on its way is above what was seen: taking it back would call twice.
START_TEST(a_lease_above_what_was_seen_is_left_alone) {
    struct lease lease = one_lease();
    struct hand *hand = &w->workers[0];
    hand->held_count = 0;
    hand->seen = 0;
    w->workers[0].is_silent = true; // beats by hand, without believing the replies
    for (int i = 0; i < 5; i++) {
        world_pass(w, 1000);
        hand->seen = 0;
        world_beat(w, 0);
    }
    ck_assert_int_eq(world_state(w, lease.job), JOB_LEASED);
    ck_assert_ptr_null(world_record_of(w, lease.call));
}
END_TEST

// ---- silence ------------------------------------------------------------------------------------

// A slow provider is no reason to pay twice: what the worker names goes on, beyond any limit.
START_TEST(a_named_lease_lives_on) {
    struct lease lease = one_lease();
    world_pass(w, 3 * BILLED_LIMIT_MS);
    ck_assert_int_eq(world_state(w, lease.job), JOB_LEASED);
    world_answer(w, 0, lease);
    ck_assert_int_eq(world_job(w, lease.job)->outcome, OUTCOME_answered);
}
END_TEST

// Waiting is cheaper than paying twice: the call of a silent worker may still bring its answer.
START_TEST(a_silent_worker_is_waited_for_until_its_calls_limit_and_the_margin) {
    struct lease lease = one_lease();
    w->workers[0].is_silent = true;
    world_pass(w, BILLED_LIMIT_MS - 1000);
    ck_assert_int_eq(world_state(w, lease.job), JOB_LEASED);
    world_pass(w, 2000);
    expect_lapse(lease, LAPSE_unknown);
    ck_assert_int_ne(world_state(w, lease.job), JOB_LEASED); // by policy it is tried again
}
END_TEST

// Its connection broke: that says as little about its calls as silence does.
START_TEST(a_worker_that_left_is_waited_for_too_and_may_come_back) {
    struct lease lease = one_lease();
    world_leave(w, 0);
    world_pass(w, BILLED_LIMIT_MS / 2);
    ck_assert_int_eq(world_state(w, lease.job), JOB_LEASED);
    world_join_worker(w, 0, 8);
    world_pass(w, BILLED_LIMIT_MS);
    ck_assert_int_eq(world_state(w, lease.job), JOB_LEASED);
    world_answer(w, 0, lease);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 1);
}
END_TEST

START_TEST(a_silent_worker_gets_no_leases_and_gets_them_again_when_it_speaks) {
    world_join_worker(w, 0, 8);
    w->workers[0].is_silent = true;
    world_pass(w, PEER_SILENT_MS + 1000);
    (void)world_submit(w, batch);
    ck_assert(!world_has_lease(w, 0));
    world_beat(w, 0);
    ck_assert(world_has_lease(w, 0));
}
END_TEST

// A hello that was long on its way names a connection which is closed by then; the process is at
// the other end of another one, and would else never get a lease again.
START_TEST(a_worker_that_speaks_is_there_whatever_becomes_of_its_older_connection) {
    world_join_worker(w, 0, 8);
    struct hand *hand = &w->workers[0];
    uint32_t peer = hand->peer;
    hand->peer = peer + 40;
    world_join_worker(w, 0, 8);
    world_left(w, hand->peer);
    hand->peer = peer;
    world_beat(w, 0);
    (void)world_submit(w, batch);
    ck_assert(world_has_lease(w, 0));
}
END_TEST

// Whoever invents an end must not be able to answer a job with it.
START_TEST(an_end_of_a_call_that_was_never_marked_answers_no_job) {
    world_join_as(w, 0, "other/key", true);
    struct lease invented = {.job = world_submit(w, batch), .call = call_id_make(99, 5)};
    world_end(w, 0, invented, ANSWERED);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 0);
    ck_assert_int_eq(world_state(w, invented.job), JOB_READY);
}
END_TEST

// ---- a new process under the name ---------------------------------------------------------------

// The name is locked on its host, so the process before it is dead: nobody has to wait for it.
START_TEST(a_successor_under_a_locked_name_ends_its_predecessors_calls) {
    struct lease lease = one_lease();
    world_replace_worker(w, 0, true);
    world_tick(w);
    expect_lapse(lease, LAPSE_unknown);
    ck_assert_int_eq(world_state(w, lease.job), JOB_DELAYED);
}
END_TEST

// Two hosts may give themselves one name: that proves nothing, and the first may still be calling.
START_TEST(a_successor_under_a_name_that_is_not_locked_proves_nothing) {
    struct lease lease = one_lease();
    world_replace_worker(w, 0, false);
    world_pass(w, BILLED_LIMIT_MS / 2);
    ck_assert_int_eq(world_state(w, lease.job), JOB_LEASED);
    world_pass(w, BILLED_LIMIT_MS);
    expect_lapse(lease, LAPSE_unknown);
}
END_TEST

// heard_ms is when it heard the broker last.
static void beat_as_before(const struct hand *hand, struct lease lease, uint64_t heard_ms) {
    struct heartbeat_head head = {.boot = w->config.boot,
                                  .process = hand->process,
                                  .held = bytes_of(lease.call.at, 16),
                                  .beat_ms = heard_ms};
    struct event event = {.kind = EVENT_heartbeat, .peer = hand->peer, .heartbeat = &head};
    world_turn(w, &event);
}

// A copied folder makes two living processes of one name: both may be calling, somebody must look.
START_TEST(a_predecessor_that_goes_on_speaking_refuses_its_successor_and_raises_an_alarm) {
    struct lease lease = one_lease();
    struct hand zombie = w->workers[0];
    world_replace_worker(w, 0, true);
    world_pass(w, 1000);
    beat_as_before(&zombie, lease, w->now_ms);
    ck_assert_uint_eq(w->counts[EFFECT_alarm], 1);
    struct sent told;
    ck_assert(world_take(w, EFFECT_send_unwelcome, w->workers[0].peer, &told));
    ck_assert_str_eq(told.effect.why, "name_in_use");
    while (world_has_lease(w, 0)) // what it had before
        world_answer(w, 0, world_lease(w, 0));
    (void)world_submit(w, batch);
    ck_assert(!world_has_lease(w, 0));
}
END_TEST

// A successor that has to say its hello again is not new: what its predecessor heard before that
// hello it heard while it should have been dead.
START_TEST(a_successor_that_joins_again_and_again_does_not_put_off_the_alarm) {
    struct lease lease = one_lease();
    struct hand zombie = w->workers[0];
    world_replace_worker(w, 0, true);
    world_pass(w, 1000);
    uint64_t heard_ms = w->now_ms;
    world_pass(w, 1000);
    world_join_worker(w, 0, 8);
    beat_as_before(&zombie, lease, heard_ms);
    ck_assert_uint_eq(w->counts[EFFECT_alarm], 1);
}
END_TEST

// What a process said before it died may arrive after its successor's hello, and a link that was
// cut gives it out minutes later: that is no alarm, and must not cost a living worker its place.
START_TEST(a_late_word_of_a_dead_predecessor_refuses_nobody) {
    struct lease lease = one_lease();
    struct hand dead = w->workers[0];
    uint64_t died_ms = w->now_ms;
    world_replace_worker(w, 0, true);
    beat_as_before(&dead, lease, died_ms);
    world_pass(w, 10 * PEER_SILENT_MS);
    beat_as_before(&dead, lease, died_ms);
    ck_assert_uint_eq(w->counts[EFFECT_alarm], 0);
    ck_assert(world_has_lease(w, 0));
}
END_TEST

// A hello that was still on its way when its process died must not put the successor out of office.
START_TEST(a_late_hello_of_a_dead_predecessor_is_refused) {
    (void)one_lease();
    struct hand dead = w->workers[0];
    world_replace_worker(w, 0, true);
    struct hand alive = w->workers[0];
    w->workers[0] = dead;
    world_left(w, dead.peer);
    world_join_as(w, 0, "openai/default", true);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_unwelcome, dead.peer), 1);
    w->workers[0] = alive;
    world_tick(w);
    (void)world_submit(w, batch);
    ck_assert(world_has_lease(w, 0));
}
END_TEST

// A worker that was away while idle remembers the numbers that it has seen: leases that begin
// anew would all be dropped as old ones, and ended as never received, for hours.
START_TEST(a_worker_that_was_away_goes_on_with_the_numbers_that_it_has_seen) {
    struct lease lease = one_lease();
    world_answer(w, 0, lease);
    world_record_all(w);
    world_leave(w, 0);
    world_pass(w, 2 * PEER_SILENT_MS);
    world_join_worker(w, 0, 8);
    (void)world_submit(w, batch);
    struct lease next = world_lease(w, 0);
    ck_assert_uint_gt(next.number, lease.number);
}
END_TEST

// ---- boots --------------------------------------------------------------------------------------

// A heartbeat to the broker that died says nothing about what its successor has sent.
START_TEST(a_heartbeat_meant_for_another_boot_is_ignored) {
    struct lease lease = one_lease();
    uint64_t beats = w->counts[EFFECT_send_beat];
    struct heartbeat_head head = {
        .boot = w->config.boot + 1, .process = w->workers[0].process, .seen = 99};
    struct event event = {.kind = EVENT_heartbeat, .peer = w->workers[0].peer, .heartbeat = &head};
    world_turn(w, &event);
    head.boot = w->config.boot;
    head.process.at[5] = 1; // and one of another process
    world_turn(w, &event);
    ck_assert_uint_eq(w->counts[EFFECT_send_beat], beats);
    ck_assert_int_eq(world_state(w, lease.job), JOB_LEASED);
}
END_TEST

// The broker was away for a second: calls that go on must go on, what never arrived must not wait
// for ten minutes.
START_TEST(the_first_heartbeat_to_a_new_boot_settles_the_older_marks) {
    struct lease named = one_lease();
    (void)world_submit(w, batch);
    struct lease lost = world_lose_lease(w, 0);
    world_restart(w);
    ck_assert_int_eq(world_state(w, lost.job), JOB_LEASED);
    world_join_worker(w, 0, 8);
    world_tick(w);
    expect_lapse(lost, LAPSE_not_started);
    ck_assert_ptr_null(world_record_of(w, named.call));
    world_pass(w, 2 * BILLED_LIMIT_MS);
    ck_assert_ptr_null(world_record_of(w, named.call));
    world_answer(w, 0, named);
    ck_assert_int_eq(world_job(w, named.job)->outcome, OUTCOME_answered);
}
END_TEST

// Times are counted in full from the restart: the clock of the broker that died is gone.
START_TEST(after_a_restart_a_silent_worker_is_waited_for_anew) {
    struct lease lease = one_lease();
    w->workers[0].is_silent = true;
    world_pass(w, BILLED_LIMIT_MS - 10 * 1000);
    world_restart(w);
    world_pass(w, BILLED_LIMIT_MS - 1000);
    ck_assert_int_eq(world_state(w, lease.job), JOB_LEASED);
    world_pass(w, 2000);
    expect_lapse(lease, LAPSE_unknown);
}
END_TEST

// A name proves the death of its predecessor over a restart of the broker too.
START_TEST(a_successor_after_a_restart_ends_the_calls_of_the_process_before) {
    struct lease lease = one_lease();
    world_restart(w);
    world_replace_worker(w, 0, true);
    world_tick(w);
    expect_lapse(lease, LAPSE_unknown);
}
END_TEST

// ---- credit -------------------------------------------------------------------------------------

START_TEST(a_worker_gets_no_more_calls_than_it_has_slots) {
    (void)world_submit_many(w, batch, 5);
    world_join_worker(w, 0, 2);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_lease, w->workers[0].peer), 2);
    world_answer(w, 0, world_lease(w, 0));
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_lease, w->workers[0].peer), 2);
}
END_TEST

// Ends that wait to be stored fill a worker's slots as calls do, whoever leased them.
START_TEST(calls_of_which_the_broker_knows_nothing_take_slots_too) {
    struct hand *hand = &w->workers[0];
    world_join_worker(w, 0, 2);
    hand->held[hand->held_count++] = call_id_make(5, 1234);
    world_beat(w, 0);
    (void)world_submit_many(w, batch, 3);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_lease, hand->peer), 1);
}
END_TEST

START_TEST(the_worker_with_the_most_free_slots_is_chosen) {
    world_join_worker(w, 0, 2);
    world_join_worker(w, 1, 6);
    (void)world_submit_many(w, batch, 6);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_lease, w->workers[0].peer), 1);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_lease, w->workers[1].peer), 5);
}
END_TEST

// A worker's row stands in the journal as long as an attempt of it is open, and no longer.
START_TEST(a_workers_row_lives_as_long_as_its_calls) {
    struct lease lease = one_lease();
    uint32_t rows = 0;
    for (uint32_t i = 1; i < WORKERS_MAX; i++)
        rows += w->store->workers[i].is_stored;
    ck_assert_uint_eq(rows, 1);
    world_answer(w, 0, lease);
    for (uint32_t i = 1; i < WORKERS_MAX; i++)
        ck_assert(!w->store->workers[i].is_stored);
}
END_TEST

static void say_hello(uint32_t peer, struct id process, uint64_t life) {
    struct hello_head hello = {.role = bytes_text("worker"),
                               .name = bytes_text("twin"),
                               .process = process,
                               .slots = 1,
                               .keys = bytes_text("openai/default"),
                               .proves_death = true,
                               .life = life};
    struct event event = {.kind = EVENT_join, .peer = peer, .join = &hello};
    world_turn(w, &event);
}

static void say_heartbeat(uint32_t peer, struct id process) {
    struct heartbeat_head head = {.boot = w->config.boot, .process = process, .beat_ms = w->now_ms};
    struct event event = {.kind = EVENT_heartbeat, .peer = peer, .heartbeat = &head};
    world_turn(w, &event);
}

// Processes that were turned away must not use up the table for ever.
START_TEST(slots_of_refused_processes_are_given_to_others) {
    enum { ELDER = 30, YOUNGER = 31 };
    struct sent sent;
    for (uint32_t i = 1; i <= 2 * WORKERS_MAX; i++) {
        struct id elder = {{'e', (uint8_t)i, (uint8_t)(i >> 8)}};
        struct id younger = {{'y', (uint8_t)i, (uint8_t)(i >> 8)}};
        say_hello(ELDER, elder, 2 * i);
        say_hello(YOUNGER, younger, 2 * i + 1);
        ck_assert_int_eq(core_peer(w->core, YOUNGER)->role, ROLE_worker);
        w->now_ms += PEER_SILENT_MS + 1;
        say_heartbeat(ELDER, elder); // it lives: the claim of the younger was false
        ck_assert_int_eq(core_worker(w->core, core_peer(w->core, YOUNGER)->worker)->state,
                         WORKER_REFUSED);
        world_left(w, ELDER);
        world_left(w, YOUNGER);
    }
    ck_assert(!world_take(w, EFFECT_send_unwelcome, ELDER, &sent));
    world_join_worker(w, 0, 1);
    (void)world_submit(w, batch);
    ck_assert(world_has_lease(w, 0));
}
END_TEST

// Somebody else's program under a role that is not ours is told so.
START_TEST(an_unknown_role_is_unwelcome) {
    struct sent sent;
    world_join(w, 7, "dreamer", 1);
    ck_assert(world_take(w, EFFECT_send_unwelcome, 7, &sent));
    ck_assert_str_eq(sent.effect.why, "unknown_role");
    ck_assert_int_eq(core_peer(w->core, 7)->role, ROLE_none);
}
END_TEST

int main(void) {
    RUN_TESTS("workers", setup, teardown, leases_are_numbered_from_one_for_each_process,
              a_lease_that_was_seen_and_is_not_named_was_never_received,
              a_lease_above_what_was_seen_is_left_alone, a_named_lease_lives_on,
              a_silent_worker_is_waited_for_until_its_calls_limit_and_the_margin,
              a_worker_that_left_is_waited_for_too_and_may_come_back,
              a_silent_worker_gets_no_leases_and_gets_them_again_when_it_speaks,
              a_worker_that_speaks_is_there_whatever_becomes_of_its_older_connection,
              an_end_of_a_call_that_was_never_marked_answers_no_job,
              a_successor_under_a_locked_name_ends_its_predecessors_calls,
              a_successor_under_a_name_that_is_not_locked_proves_nothing,
              a_predecessor_that_goes_on_speaking_refuses_its_successor_and_raises_an_alarm,
              a_successor_that_joins_again_and_again_does_not_put_off_the_alarm,
              a_late_word_of_a_dead_predecessor_refuses_nobody,
              a_late_hello_of_a_dead_predecessor_is_refused,
              a_worker_that_was_away_goes_on_with_the_numbers_that_it_has_seen,
              a_heartbeat_meant_for_another_boot_is_ignored,
              the_first_heartbeat_to_a_new_boot_settles_the_older_marks,
              after_a_restart_a_silent_worker_is_waited_for_anew,
              a_successor_after_a_restart_ends_the_calls_of_the_process_before,
              a_worker_gets_no_more_calls_than_it_has_slots,
              calls_of_which_the_broker_knows_nothing_take_slots_too,
              the_worker_with_the_most_free_slots_is_chosen,
              a_workers_row_lives_as_long_as_its_calls,
              slots_of_refused_processes_are_given_to_others, an_unknown_role_is_unwelcome);
}
