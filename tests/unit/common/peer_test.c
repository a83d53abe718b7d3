// The half of the peer protocol that every process shares: joining, heartbeats, numbered leases,
// and naming what is held until the broker calls it stored.

#include "common/mem.h"
#include "workers/peer.h"

#include <check.h>
#include <stdlib.h>

static const struct id ME = {{1}};
static const struct id SOMEBODY = {{2}};
enum { BOOT = 100, NEXT_BOOT = 200 };

static struct peer *peer;

static void setup(void) {
    peer = mem_new(sizeof(*peer));
    peer_init(peer, ME);
}

static void teardown(void) {
    mem_free(peer);
    peer = NULL;
}

// A welcome from a boot; later boots have greater ids here, and so serve as their start's number.
static bool join(uint64_t boot, uint64_t now_ms) {
    return peer_welcomed(peer, boot, boot, now_ms);
}

// ---- joining and heartbeats ---------------------------------------------------------------------

// A hello that was lost must be said again, but not at every turn of a loop.
START_TEST(a_stranger_says_hello_until_it_is_welcomed) {
    ck_assert_int_eq(peer_due(peer, 1000), SAY_hello);
    ck_assert_int_eq(peer_due(peer, 1000), SAY_nothing);
    ck_assert_uint_eq(peer_rest_ms(peer, 1000), HELLO_MS);
    ck_assert_int_eq(peer_due(peer, 1000 + HELLO_MS - 1), SAY_nothing);
    ck_assert_int_eq(peer_due(peer, 1000 + HELLO_MS), SAY_hello);
    ck_assert_uint_eq(peer_rest_ms(peer, 1000 + 5 * HELLO_MS), 0);
}
END_TEST

// The first heartbeat settles the marks that the broker has open for this process.
START_TEST(a_welcome_is_answered_with_a_heartbeat_at_once) {
    ck_assert_int_eq(peer_due(peer, 1000), SAY_hello);
    ck_assert(join(BOOT, 1010));
    ck_assert_int_eq(peer_due(peer, 1010), SAY_heartbeat);
    ck_assert_int_eq(peer_due(peer, 1011), SAY_nothing);
    ck_assert_int_eq(peer_due(peer, 1010 + HEARTBEAT_MS), SAY_heartbeat);
    ck_assert(!join(BOOT, 2000)); // a welcome said twice is not a new boot
}
END_TEST

// A broker that died and came back knows nobody: who only goes on beating is never heard.
START_TEST(a_silent_broker_is_greeted_anew) {
    (void)join(BOOT, 1000);
    ck_assert_int_eq(peer_due(peer, 1000), SAY_heartbeat);
    ck_assert_int_eq(peer_due(peer, 1000 + PEER_SILENT_MS), SAY_heartbeat);
    ck_assert_int_eq(peer_due(peer, 1000 + PEER_SILENT_MS + HEARTBEAT_MS), SAY_hello);
    (void)join(BOOT, 10000);
    peer_heard(peer, 14000);
    ck_assert_int_eq(peer_due(peer, 14000 + PEER_SILENT_MS), SAY_heartbeat);
}
END_TEST

START_TEST(a_broker_that_does_not_know_us_is_greeted_at_once) {
    (void)join(BOOT, 1000);
    ck_assert_int_eq(peer_due(peer, 1000), SAY_heartbeat);
    peer_unknown(peer, 1001);
    ck_assert_int_eq(peer_due(peer, 1001), SAY_hello);
}
END_TEST

// Who does not know us says so to each of our messages: one hello answers them all.
START_TEST(a_stranger_that_is_unknown_says_hello_no_more_often) {
    (void)join(BOOT, 1000);
    peer_unknown(peer, 1001);
    ck_assert_int_eq(peer_due(peer, 1001), SAY_hello);
    for (uint64_t ms = 1002; ms < 1001 + HELLO_MS; ms++) {
        peer_unknown(peer, ms);
        ck_assert_int_eq(peer_due(peer, ms), SAY_nothing);
    }
    ck_assert_int_eq(peer_due(peer, 1001 + HELLO_MS), SAY_hello);
}
END_TEST

// The welcome of a broker that died meanwhile may arrive behind that of its successor: believed, it
// would void the leases of the living one, and take those of the dead one for new.
START_TEST(a_welcome_that_was_overtaken_does_not_take_us_back) {
    ck_assert(peer_welcomed(peer, BOOT, 1, 0));
    ck_assert(peer_welcomed(peer, NEXT_BOOT, 2, 10));
    ck_assert(peer_takes(peer, NEXT_BOOT, ME, 1));
    ck_assert(!peer_welcomed(peer, BOOT, 1, 20));
    ck_assert(!peer_takes(peer, BOOT, ME, 1));
    ck_assert(!peer_takes(peer, NEXT_BOOT, ME, 1));
    ck_assert(peer_takes(peer, NEXT_BOOT, ME, 2));
}
END_TEST

// ---- numbered leases ----------------------------------------------------------------------------

// A lease that came twice would be called twice, and paid twice.
// A refusal is an answer: no other connection would change it, and asking ten times a second would
// only fill the log at both ends.
START_TEST(a_refused_process_asks_on_but_seldom) {
    for (uint64_t i = 0; i < 5; i++)
        ck_assert_int_eq(peer_due(peer, 1000 + i * HELLO_MS), SAY_hello);
    ck_assert_uint_eq(peer->unanswered, 5);
    peer_refused(peer, 1500);
    ck_assert_uint_eq(peer->unanswered, 0);
    ck_assert_int_eq(peer_due(peer, 1500 + HEARTBEAT_MS - 1), SAY_nothing);
    ck_assert_int_eq(peer_due(peer, 1500 + HEARTBEAT_MS), SAY_hello);
}
END_TEST

START_TEST(a_lease_is_taken_once) {
    (void)join(BOOT, 0);
    ck_assert(peer_takes(peer, BOOT, ME, 1));
    ck_assert(!peer_takes(peer, BOOT, ME, 1));
    ck_assert(peer_takes(peer, BOOT, ME, 2));
    ck_assert(!peer_takes(peer, BOOT, ME, 1));
    ck_assert_uint_eq(peer->seen, 2);
}
END_TEST

// Numbers may have gaps: what was lost on the way is not waited for, and is dropped if it comes.
START_TEST(a_lease_that_was_overtaken_is_dropped) {
    (void)join(BOOT, 0);
    ck_assert(peer_takes(peer, BOOT, ME, 5));
    for (uint64_t number = 1; number <= 5; number++)
        ck_assert(!peer_takes(peer, BOOT, ME, number));
    ck_assert(peer_takes(peer, BOOT, ME, 6));
}
END_TEST

// The broker ends what it has sent, and what we do not name, as never received, and offers it to
// another worker: if it still arrives, it must not be called here as well.
START_TEST(after_a_beat_a_late_lease_is_dropped) {
    (void)join(BOOT, 0);
    ck_assert(peer_takes(peer, BOOT, ME, 1));
    peer_saw(peer, BOOT, ME, 3);
    ck_assert(!peer_takes(peer, BOOT, ME, 2));
    ck_assert(!peer_takes(peer, BOOT, ME, 3));
    ck_assert(peer_takes(peer, BOOT, ME, 4));
    peer_saw(peer, BOOT, ME, 2); // a beat that is late takes nothing back
    ck_assert_uint_eq(peer->seen, 4);
    ck_assert(!peer_takes(peer, BOOT, ME, 3));
}
END_TEST

START_TEST(a_beat_for_another_boot_or_process_says_nothing_to_us) {
    (void)join(BOOT, 0);
    peer_saw(peer, BOOT + 1, ME, 9);
    peer_saw(peer, BOOT, SOMEBODY, 9);
    ck_assert_uint_eq(peer->seen, 0);
    ck_assert(peer_takes(peer, BOOT, ME, 1));
}
END_TEST

// A lease for the process that had this name before us was counted for that process.
START_TEST(a_lease_for_another_process_or_boot_is_dropped) {
    (void)join(BOOT, 0);
    ck_assert(!peer_takes(peer, BOOT, SOMEBODY, 1));
    ck_assert(!peer_takes(peer, NEXT_BOOT, ME, 1));
    ck_assert_uint_eq(peer->seen, 0);
    ck_assert(peer_takes(peer, BOOT, ME, 1));
}
END_TEST

START_TEST(nothing_is_taken_before_a_welcome) {
    ck_assert(!peer_takes(peer, 0, ME, 1));
    ck_assert(!peer_takes(peer, BOOT, ME, 1));
    (void)join(BOOT, 0);
    peer_unknown(peer, 1);
    ck_assert(!peer_takes(peer, BOOT, ME, 1));
    (void)join(BOOT, 2);
    ck_assert(peer_takes(peer, BOOT, ME, 1));
}
END_TEST

// A new boot numbers from 1 again, and leases of the old one, still on their way, are void.
START_TEST(a_new_boot_starts_the_numbers_anew_and_voids_the_old_ones) {
    (void)join(BOOT, 0);
    ck_assert(peer_takes(peer, BOOT, ME, 7));
    ck_assert(join(NEXT_BOOT, 10));
    ck_assert(!peer_takes(peer, BOOT, ME, 8));
    peer_saw(peer, BOOT, ME, 50);
    ck_assert(peer_takes(peer, NEXT_BOOT, ME, 1));
    ck_assert(!peer_takes(peer, NEXT_BOOT, ME, 1));
}
END_TEST

// Joining the same boot again, after a cut connection, does not make its old leases new.
START_TEST(the_same_boot_keeps_its_numbers_over_a_new_welcome) {
    (void)join(BOOT, 0);
    ck_assert(peer_takes(peer, BOOT, ME, 7));
    peer_unknown(peer, 5);
    ck_assert(!join(BOOT, 10));
    ck_assert(!peer_takes(peer, BOOT, ME, 7));
    ck_assert(peer_takes(peer, BOOT, ME, 8));
}
END_TEST

// ---- naming what is held ------------------------------------------------------------------------

static struct id call_of(uint64_t n) {
    return call_id_make(n + 1, BOOT);
}

// How often a call is named in the next heartbeat.
static int times_named(struct id call) {
    struct bytes named = peer_named(peer);
    int times = 0;
    ck_assert_uint_eq(named.size % sizeof(call), 0);
    for (size_t at = 0; at < named.size; at += sizeof(call))
        times += memcmp(named.at + at, call.at, sizeof(call)) == 0;
    return times;
}

// What a heartbeat does not name ends as "not started", so a running call must be in each of
// them, from its first byte until its end is stored, whatever boot it came from.
START_TEST(a_call_is_named_until_it_is_forgotten_over_boots_too) {
    (void)join(BOOT, 0);
    ck_assert(peer_hold(peer, call_of(1)));
    ck_assert(peer_hold(peer, call_of(2)));
    (void)join(NEXT_BOOT, 10);
    ck_assert_int_eq(times_named(call_of(1)), 1);
    ck_assert_int_eq(times_named(call_of(2)), 1);
    ck_assert(peer_forget(peer, call_of(1)));
    ck_assert_int_eq(times_named(call_of(1)), 0);
    ck_assert_int_eq(times_named(call_of(2)), 1);
    ck_assert(!peer_forget(peer, call_of(1)));
    ck_assert(!peer_forget(peer, call_of(3)));
    ck_assert(peer_forget(peer, call_of(2)));
    ck_assert_uint_eq(peer_named(peer).size, 0);
}
END_TEST

START_TEST(a_call_is_held_once) {
    ck_assert(peer_hold(peer, call_of(1)));
    ck_assert(!peer_hold(peer, call_of(1)));
    ck_assert_int_eq(times_named(call_of(1)), 1);
    ck_assert(peer_forget(peer, call_of(1)));
    ck_assert(peer_hold(peer, call_of(1)));
}
END_TEST

// A call beyond what a heartbeat can name would be ended behind the worker's back: refuse it.
START_TEST(no_more_is_held_than_a_heartbeat_can_name) {
    for (uint64_t n = 0; n < HELD_MAX; n++)
        ck_assert(peer_hold(peer, call_of(n)));
    ck_assert(!peer_hold(peer, call_of(HELD_MAX)));
    ck_assert(!peer_holds(peer, call_of(HELD_MAX)));
    ck_assert_uint_eq(peer_named(peer).size, (size_t)HELD_MAX * sizeof(struct id));
    ck_assert(peer_forget(peer, call_of(HELD_MAX / 2)));
    ck_assert(peer_hold(peer, call_of(HELD_MAX)));
}
END_TEST

static uint64_t draw(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

// The names are kept behind an index; a name that it loses is a call that is paid and dropped.
START_TEST(holding_and_forgetting_in_any_order_loses_no_name) {
    enum { CALLS = 400, STEPS = 100000 };
    static bool held[CALLS];
    uint64_t state = 88172645463325252ull;
    size_t count = 0;
    for (int step = 0; step < STEPS; step++) {
        // Ids that differ in few bits, as ids of one boot do, and some of another.
        uint64_t n = draw(&state) % CALLS;
        struct id call = call_id_make(n / 2 + 1, n % 2 ? BOOT : NEXT_BOOT);
        ck_assert_int_eq(peer_holds(peer, call), held[n]);
        bool wants = draw(&state) % 100 < (step / 20000 % 2 ? 30 : 70);
        ck_assert_int_eq(wants ? peer_hold(peer, call) : peer_forget(peer, call), wants != held[n]);
        count = count + (wants && !held[n]) - (!wants && held[n]);
        held[n] = wants;
        ck_assert_uint_eq(peer_named(peer).size, count * sizeof(call));
    }
    for (uint64_t n = 0; n < CALLS; n++)
        ck_assert_int_eq(times_named(call_id_make(n / 2 + 1, n % 2 ? BOOT : NEXT_BOOT)), held[n]);
}
END_TEST

// How many hellos are said until the connection is given up.
static uint32_t hellos_until_given_up(uint64_t *now_ms) {
    uint32_t hellos = 0;
    while (!peer_gives_up(peer)) {
        hellos += peer_due(peer, *now_ms) == SAY_hello;
        *now_ms += HELLO_MS;
    }
    return hellos;
}

// A broker that is slower than our patience would answer each time on a connection that we have
// just given up, and we would never meet.
START_TEST(each_connection_that_was_in_vain_gives_the_next_one_more_time) {
    uint64_t now_ms = 1000;
    ck_assert_uint_eq(hellos_until_given_up(&now_ms), HELLOS_UNANSWERED_MAX);
    ck_assert_uint_eq(hellos_until_given_up(&now_ms), 2 * HELLOS_UNANSWERED_MAX);
    for (int i = 0; i < 4; i++)
        (void)hellos_until_given_up(&now_ms);
    ck_assert_uint_eq(hellos_until_given_up(&now_ms), HELLOS_PATIENCE_MAX);
    ck_assert(peer_welcomed(peer, 7, 1, now_ms)); // another boot may be quick
    now_ms += PEER_SILENT_MS + 1;
    ck_assert_uint_eq(hellos_until_given_up(&now_ms), HELLOS_UNANSWERED_MAX);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_stranger_says_hello_until_it_is_welcomed);
    tcase_add_test(tcase, a_welcome_is_answered_with_a_heartbeat_at_once);
    tcase_add_test(tcase, a_silent_broker_is_greeted_anew);
    tcase_add_test(tcase, each_connection_that_was_in_vain_gives_the_next_one_more_time);
    tcase_add_test(tcase, a_broker_that_does_not_know_us_is_greeted_at_once);
    tcase_add_test(tcase, a_welcome_that_was_overtaken_does_not_take_us_back);
    tcase_add_test(tcase, a_stranger_that_is_unknown_says_hello_no_more_often);
    tcase_add_test(tcase, a_refused_process_asks_on_but_seldom);
    tcase_add_test(tcase, a_lease_is_taken_once);
    tcase_add_test(tcase, a_lease_that_was_overtaken_is_dropped);
    tcase_add_test(tcase, after_a_beat_a_late_lease_is_dropped);
    tcase_add_test(tcase, a_beat_for_another_boot_or_process_says_nothing_to_us);
    tcase_add_test(tcase, a_lease_for_another_process_or_boot_is_dropped);
    tcase_add_test(tcase, nothing_is_taken_before_a_welcome);
    tcase_add_test(tcase, a_new_boot_starts_the_numbers_anew_and_voids_the_old_ones);
    tcase_add_test(tcase, the_same_boot_keeps_its_numbers_over_a_new_welcome);
    tcase_add_test(tcase, a_call_is_named_until_it_is_forgotten_over_boots_too);
    tcase_add_test(tcase, a_call_is_held_once);
    tcase_add_test(tcase, no_more_is_held_than_a_heartbeat_can_name);
    tcase_add_test(tcase, holding_and_forgetting_in_any_order_loses_no_name);
}

int main(void) {
    Suite *suite = suite_create("peer");
    TCase *tcase = tcase_create("the peer protocol");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    add_tests(tcase);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
