#include "common/mem.h"
#include "workers/provider/ends.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct peer *peer;
static struct ends *ends;

static void set_up(void) {
    peer = mem_new(sizeof(*peer));
    ends = mem_new(sizeof(*ends));
    peer_init(peer, (struct id){{1}});
    ends_init(ends, peer, "worker-0-0123456789abcdef");
}

static void tear_down(void) {
    ends_release(ends);
    mem_free(peer);
    mem_free(ends);
    ck_assert_int_eq(mem_held(), 0);
}

static struct id call_of(uint64_t counter) {
    return call_id_make(counter, 0xb007);
}

static struct held *take(uint64_t counter) {
    char model[] = "gpt-5-nano", custom_id[] = "a line of the file";
    const struct lease_item lease = {
        .job = counter,
        .job_id = {{9}},
        .turn = 1,
        .line = counter,
        .custom_id = bytes_text(custom_id),
        .provider = bytes_text("openai"),
        .api = bytes_text("chat"),
        .key = bytes_text("default"),
        .model = bytes_text(model),
        .attempt = 2,
        .call = call_of(counter),
        .strategy = bytes_text("full"),
        .context = {{7}},
    };
    struct held *held = ends_take(ends, &lease, "hash-of-the-catalogue");
    memset(model, 'x', sizeof(model) - 1); // the message dies
    memset(custom_id, 'x', sizeof(custom_id) - 1);
    return held;
}

static const struct ending good = {.ended = "answered",
                                   .class = "success",
                                   .reason = "",
                                   .detail = "",
                                   .status = 200,
                                   .bytes_left = true,
                                   .duration_ms = 12};

static struct held *take_and_finish(uint64_t counter, const char *body) {
    struct held *held = take(counter);
    ck_assert_ptr_nonnull(held);
    struct ending ending = good;
    ending.head = bytes_text("x-request-id: 1\r\n");
    ending.body = bytes_text(body);
    ends_finish(ends, held, &ending);
    return held;
}

static uint32_t say(uint64_t now_ms) {
    struct held *batch[ITEMS_MAX];
    return ends_batch(ends, now_ms, batch);
}

// The lease's message dies long before its call ends; the end must still say whose it is.
START_TEST(an_end_names_its_job_after_the_lease_is_gone) {
    struct held *batch[ITEMS_MAX];
    (void)take_and_finish(5, "{}");
    ck_assert_uint_eq(ends_batch(ends, 100, batch), 1);
    const struct end_item *item = &batch[0]->item;
    ck_assert(bytes_is(item->custom_id, "a line of the file"));
    ck_assert(bytes_is(item->model, "gpt-5-nano"));
    ck_assert(bytes_is(item->provider, "openai"));
    ck_assert(bytes_is(item->strategy, "full"));
    ck_assert(bytes_is(item->worker, "worker-0-0123456789abcdef"));
    ck_assert(bytes_is(item->catalogue, "hash-of-the-catalogue"));
    ck_assert(bytes_is(item->ended, "answered"));
    ck_assert_uint_eq(item->job, 5);
    ck_assert_uint_eq(item->attempt, 2);
    ck_assert_uint_eq(item->context.at[0], 7);
    ck_assert(id_equal(item->call, call_of(5)));
    ck_assert(bytes_is(batch[0]->body, "{}"));
    ck_assert(bytes_is(batch[0]->head, "x-request-id: 1\r\n"));
}
END_TEST

// An end that is said once and lost on its way is an answer that was paid for and thrown away.
START_TEST(an_end_is_said_again_until_it_is_stored) {
    (void)take_and_finish(5, "{}");
    ck_assert_uint_eq(ends_rest_ms(ends, 1000), 0);
    ck_assert_uint_eq(say(1000), 1);
    ck_assert_uint_eq(say(1000), 0);
    ck_assert_uint_eq(ends_rest_ms(ends, 1000), END_RESEND_MS);
    ck_assert_uint_eq(say(1000 + END_RESEND_MS - 1), 0);
    ck_assert_uint_eq(say(1000 + END_RESEND_MS), 1);
    ends_rejoined(ends);
    ck_assert_uint_eq(say(1000 + END_RESEND_MS + 1), 1);
    ck_assert(peer_holds(peer, call_of(5)));
    ck_assert(ends_stored(ends, call_of(5)));
    ck_assert(!peer_holds(peer, call_of(5)));
    ck_assert(!ends_stored(ends, call_of(5)));
    ends_rejoined(ends);
    ck_assert_uint_eq(say(1000000), 0);
    ck_assert_uint_eq(ends_rest_ms(ends, 1000000), UINT64_MAX);
}
END_TEST

// A stray "stored" must not make the worker forget a call that still runs.
START_TEST(a_running_call_is_held_whatever_is_called_stored) {
    struct held *held = take(5);
    ck_assert(!ends_stored(ends, call_of(5)));
    ck_assert_ptr_eq(ends_find(ends, call_of(5)), held);
    ck_assert(peer_holds(peer, call_of(5)));
    ends_rejoined(ends);
    ck_assert_uint_eq(say(1), 0);
    ck_assert_uint_eq(ends->running_count, 1);
}
END_TEST

START_TEST(a_call_is_taken_once) {
    ck_assert_ptr_nonnull(take(5));
    ck_assert_ptr_null(take(5));
    ck_assert_uint_eq(ends->running_count, 1);
    ck_assert_ptr_null(ends_find(ends, call_of(6)));
}
END_TEST

// One message holds 64 items and some 4 MiB; more would not be taken by the other side.
START_TEST(messages_are_bounded_in_items_and_bytes) {
    for (uint64_t i = 1; i <= ITEMS_MAX + 10; i++)
        (void)take_and_finish(i, "{}");
    ck_assert_uint_eq(say(1), ITEMS_MAX);
    ck_assert_uint_eq(say(1), 10);
    ck_assert_uint_eq(say(1), 0);
    ends_release(ends);
    peer_init(peer, peer->process);

    char *large = mem_new(MESSAGE_BYTES_SOFT);
    memset(large, 'x', MESSAGE_BYTES_SOFT - 1);
    (void)take_and_finish(1, "{}");
    (void)take_and_finish(2, large);
    (void)take_and_finish(3, "{}");
    mem_free(large);
    ck_assert_uint_eq(say(1), 1);
    ck_assert_uint_eq(say(1), 1);
    ck_assert_uint_eq(say(1), 1);
    ck_assert_uint_eq(say(1), 0);
}
END_TEST

// A broker that stores slowly must not be buried: what is on its way is bounded, and goes on as
// soon as something was stored.
START_TEST(answers_on_their_way_are_bounded) {
    enum { LARGE = 4 << 20, FIT = ENDS_UNSTORED_BYTES_MAX / LARGE };
    char *large = mem_new(LARGE);
    memset(large, 'x', LARGE - 1);
    for (uint64_t i = 1; i <= FIT + 2; i++)
        (void)take_and_finish(i, large);
    mem_free(large);
    uint32_t said = 0, count;
    while ((count = say(1)) > 0)
        said += count;
    ck_assert_uint_le(ends->said_bytes, ENDS_UNSTORED_BYTES_MAX);
    ck_assert_uint_ge(said, FIT - 1);
    ck_assert_uint_le(said, FIT);
    ck_assert_uint_gt(ends_rest_ms(ends, 1), 0);
    ck_assert(ends_stored(ends, call_of(1)));
    ck_assert_uint_eq(ends_rest_ms(ends, 1), 0);
    ck_assert_uint_eq(say(1), 1);
    for (uint64_t i = 2; i <= FIT + 2; i++) {
        while (say(1) > 0)
            ;
        ck_assert(ends_stored(ends, call_of(i)));
    }
    ck_assert_uint_eq(ends->said_bytes, 0);
}
END_TEST

// The broker tells a repetition from a contradiction by the digest alone.
START_TEST(the_digest_covers_what_the_end_says) {
    struct ending ending = good;
    ending.head = bytes_text("a: b\r\n");
    ending.body = bytes_text("{}");
    struct digest first = ends_digest(&ending);
    struct ending others[6] = {ending, ending, ending, ending, ending, ending};
    others[0].ended = "failed";
    others[1].class = "malformed";
    others[2].status = 201;
    others[3].head = bytes_text("a: c\r\n");
    others[4].body = bytes_text("{ }");
    others[5].head = bytes_text("a: b\r\n{");
    others[5].body = bytes_text("}");
    for (int i = 0; i < 6; i++)
        ck_assert_msg(!digest_equal(ends_digest(&others[i]), first), "%d", i);
    ending.duration_ms++;
    ck_assert(digest_equal(ends_digest(&ending), first));
}
END_TEST

// What is too long for its field would make the whole message malformed at the broker.
START_TEST(long_texts_are_cut_between_characters) {
    char detail[DETAIL_BYTES_MAX + 10];
    memset(detail, 'x', sizeof(detail) - 1);
    detail[sizeof(detail) - 1] = 0;
    memcpy(detail + DETAIL_BYTES_MAX - 1, "\xc3\xa9", 2); // across the limit
    struct held *held = take(5);
    struct ending ending = good;
    ending.reason = "stall_timeout";
    ending.detail = detail;
    ends_finish(ends, held, &ending);
    ck_assert_uint_eq(held->item.detail.size, DETAIL_BYTES_MAX - 1);
    ck_assert(bytes_is(held->item.reason, "stall_timeout"));
}
END_TEST

// The index must agree with the plain list through any order of holding and forgetting.
START_TEST(held_calls_are_found_through_any_order) {
    enum { CALLS = 2000, STEPS = 60000 };
    static bool is_held[CALLS];
    uint32_t count = 0, seed = 12345;
    for (int step = 0; step < STEPS; step++) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t i = (seed >> 8) % CALLS;
        bool holds = (seed >> 4) & 1;
        if (holds) {
            ck_assert_int_eq(peer_hold(peer, call_of(i + 1)), !is_held[i]);
            count += !is_held[i];
        } else {
            ck_assert_int_eq(peer_forget(peer, call_of(i + 1)), is_held[i]);
            count -= is_held[i];
        }
        is_held[i] = holds;
        ck_assert_uint_eq(peer->held_count, count);
    }
    struct bytes named = peer_named(peer);
    ck_assert_uint_eq(named.size, 16u * count);
    for (uint32_t i = 0; i < count; i++) {
        struct id call;
        memcpy(call.at, named.at + 16u * i, 16);
        ck_assert(is_held[call_id_counter(call) - 1]);
    }
    for (uint32_t i = 0; i < CALLS; i++)
        ck_assert_int_eq(peer_holds(peer, call_of(i + 1)), is_held[i]);
}
END_TEST

// At the limit the next call is refused, not lost; and forgetting makes room again.
START_TEST(as_many_calls_are_held_as_a_heartbeat_can_name) {
    for (uint64_t i = 1; i <= HELD_MAX; i++)
        ck_assert(peer_hold(peer, call_of(i)));
    ck_assert(!peer_hold(peer, call_of(HELD_MAX + 1)));
    ck_assert(!peer_holds(peer, call_of(HELD_MAX + 1)));
    ck_assert(peer_forget(peer, call_of(1)));
    ck_assert(peer_hold(peer, call_of(HELD_MAX + 1)));
    for (uint64_t i = 2; i <= HELD_MAX + 1; i++)
        ck_assert(peer_forget(peer, call_of(i)));
    ck_assert_uint_eq(peer->held_count, 0);
    for (size_t i = 0; i < PEER_INDEX; i++)
        ck_assert_uint_eq(peer->index[i], 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("ends");
    TCase *tests = tcase_create("holding");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, an_end_names_its_job_after_the_lease_is_gone);
    tcase_add_test(tests, an_end_is_said_again_until_it_is_stored);
    tcase_add_test(tests, a_running_call_is_held_whatever_is_called_stored);
    tcase_add_test(tests, a_call_is_taken_once);
    tcase_add_test(tests, messages_are_bounded_in_items_and_bytes);
    tcase_add_test(tests, answers_on_their_way_are_bounded);
    tcase_add_test(tests, the_digest_covers_what_the_end_says);
    tcase_add_test(tests, long_texts_are_cut_between_characters);
    tcase_add_test(tests, held_calls_are_found_through_any_order);
    tcase_add_test(tests, as_many_calls_are_held_as_a_heartbeat_can_name);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
