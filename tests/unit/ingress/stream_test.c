// The protocol half of a submission against a broker that loses, repeats, delays and restarts.
#include "common/mem.h"
#include "tests/unit/ingress/stream_world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { STEPS_MAX = 200000 };

// A lost or repeated chunk would lose paid work, or pay for it twice.
START_TEST(every_line_is_stored_once_whatever_is_lost_or_repeated) {
    uint64_t base = random_u64();
    for (uint64_t seed = base; seed < base + 150; seed++) {
        world_seed(seed | 1);
        struct world *world = world_new(world_dice(LINES_MAX));
        world->loss = world_dice(4) * 8;
        bool has_disorder = world_dice(2) == 1;
        uint32_t steps = 0, resumed = 0;
        while (world->stream.state != STREAM_DONE && world->stream.state != STREAM_FAILED &&
               ++steps < STEPS_MAX) {
            world_step(world, has_disorder);
            if (world_dice(400) == 0)
                world_crash_broker(world);
            if (world_dice(600) == 0)
                world_crash_ingress(world);
            world->is_full = world_dice(10) == 0;
            // What an ingress that died had sent may be cut into other chunks: the client is told
            // to send the file again.
            if (world->stream.state == STREAM_FAILED && world->stream.failure.exit == EX_TEMPFAIL &&
                ++resumed < 10)
                world_crash_ingress(world);
        }
        if (world->stream.state == STREAM_FAILED)
            ck_abort_msg("failed: %s; seed %llu", world->stream.failure.detail,
                         (unsigned long long)seed);
        world_check_stored(world, seed);
        world_free(world);
    }
}
END_TEST

// A client that died half-way sends the file again; a line that was put twice is paid for twice.
START_TEST(a_file_sent_again_goes_on_exactly_where_the_broker_stands) {
    struct world *world = world_with_400(11, 1000);
    world_crash_ingress(world);
    uint64_t through = world->accepted_through;
    while (world->stream.state == STREAM_OPENING)
        world_step(world, false);
    ck_assert(world->stream.is_known);
    ck_assert_uint_ge(world->stream.skip_through, through);
    world_expect_done(world);
    world_check_stored(world, 11);
    world_free(world);
}
END_TEST

// Resuming with another file would join the halves of two files into one batch.
START_TEST(another_file_under_the_same_key_is_refused) {
    struct world *world = world_with_400(12, 1000);
    world_crash_ingress(world);
    stream_hash(&world->stream, bytes_text("a line that was not there\n"));
    world_expect_failed(world, "file_changed");
    ck_assert_int_eq(world->stream.failure.exit, EX_DATAERR);
    world_free(world);
}
END_TEST

// A shorter file would be sealed as if the lines that are missing had never been submitted.
START_TEST(a_file_that_lost_lines_is_refused) {
    struct world *world = world_with_400(13, 1000);
    world_crash_ingress(world);
    world_empty_post(world->to_broker, &world->to_broker_count);
    world->lines = 100;
    world_expect_failed(world, "file_changed");
    ck_assert(!world->is_sealed);
    world_free(world);
}
END_TEST

static void expect_put(struct stream *stream, uint64_t last) {
    struct stream_message message;
    struct wire_message put;
    struct put_head head;
    ck_assert(stream_next(stream, 1, &message));
    ck_assert_int_eq(wire_open(message.header, &put), ERR_OK);
    ck_assert_int_eq(wire_head(&put, &head), ERR_OK);
    ck_assert_uint_eq(head.last, last);
    ck_assert(digest_equal(head.after, file_digest((unsigned)last)));
}

// A digest with half a line in it is met by no reading of the file that pauses elsewhere: the same
// file, sent again, would be refused as another. The lines before it do not wait for its end.
START_TEST(half_a_line_that_was_read_is_in_no_digest) {
    struct world *world = world_new(3);
    struct stream *stream = &world->stream;
    struct stream_message message;
    ck_assert(stream_next(stream, 1, &message));
    stream_opened(stream, &(struct opened_head){.request = stream->request, .batch = 5});
    world_give_lines(world, 1);
    stream_hash_part(stream, bytes_text("{\"line\""));
    stream_hash_part(stream, bytes_text(":2"));
    stream_flush(stream);
    expect_put(stream, 1);
    stream_hash(stream, bytes_text("}\n"));
    stream_line(stream, NULL, bytes_of(NULL, 0));
    stream_flush(stream);
    expect_put(stream, 2);
    world_free(world);
}
END_TEST

// Running the same command twice must find the batch that is there, and seal nothing again.
START_TEST(a_sealed_batch_is_recognised_without_putting_anything) {
    world_seed(14);
    struct world *world = world_new(300);
    world_expect_done(world);
    world_crash_ingress(world);
    world_empty_post(world->to_broker, &world->to_broker_count);
    world_expect_done(world);
    world_check_stored(world, 14);
    world_free(world);
}
END_TEST

// Lines beyond a cancelled batch's seal would wait for ever; the user must be told.
START_TEST(a_batch_that_was_sealed_meanwhile_takes_no_further_line) {
    struct world *world = world_with_400(15, 1500);
    world->is_sealed = true;
    world_expect_failed(world, "sealed");
    world_free(world);
}
END_TEST

// A full journal is a pause, not an error: the file is as good as before.
START_TEST(a_full_journal_makes_the_stream_wait) {
    struct stream_message message;
    world_seed(16);
    struct world *world = world_new(500);
    world->is_full = true;
    for (int i = 0; i < 2000; i++)
        world_step(world, false);
    ck_assert_int_eq(world->stream.state, STREAM_TAKING);
    ck_assert_str_eq(world->stream.lacks, "journal_full");
    ck_assert_uint_eq(world->accepted_through, 0);
    while (stream_next(&world->stream, world->now_ms, &message))
        ;
    world->is_full = false;
    world->now_ms += PUT_RESEND_MS;
    world_expect_done(world);
    world_free(world);
}
END_TEST

// Whatever a closed broker is asked, the stream waits, says why, and goes on by itself.
START_TEST(a_closed_broker_makes_the_stream_wait_at_each_of_its_questions) {
    world_seed(18);
    struct world *world = world_new(500);
    world->is_closed = true;
    for (int i = 0; i < 500; i++)
        world_step(world, false);
    ck_assert_int_eq(world->stream.state, STREAM_OPENING);
    ck_assert_str_eq(world->stream.lacks, "disk_full");
    world->is_closed = false;
    while (world->accepted_through == 0)
        world_step(world, false);
    ck_assert_ptr_null(world->stream.lacks);
    world->is_closed = true;
    while (!world->stream.lacks)
        world_step(world, false);
    ck_assert_int_eq(world->stream.state, STREAM_TAKING);
    world->is_closed = false;
    while (world->accepted_through < world->lines)
        world_step(world, false);
    world->is_closed = true;
    while (!world->stream.lacks)
        world_step(world, false);
    ck_assert_int_eq(world->stream.state, STREAM_SEALING);
    world->is_closed = false;
    world_expect_done(world);
    world_free(world);
}
END_TEST

// A broker that answers slowly must not make ingress hold the whole file.
START_TEST(the_window_bounds_what_is_on_its_way) {
    struct world *world = world_open(17, LINES_MAX);
    static uint8_t line[1 << 20];
    memset(line, 'x', sizeof(line));
    struct put_item item = {.job_id = {{1}}};
    size_t taken = 0;
    while (stream_takes(&world->stream)) {
        stream_line(&world->stream, &item, bytes_of(line, sizeof(line)));
        taken += sizeof(line);
    }
    ck_assert_uint_ge(taken, STREAM_CHUNKS_BYTES_MAX);
    ck_assert_uint_le(taken, STREAM_CHUNKS_BYTES_MAX + 2 * (MESSAGE_BYTES_SOFT + sizeof(line)));
    world_free(world);
}
END_TEST

// A message must fit its header's limit even when every text is as long as it may be.
START_TEST(a_chunk_of_the_longest_names_fits_a_message) {
    static char text[DETAIL_BYTES_MAX];
    memset(text, 'n', sizeof(text));
    struct world *world = world_open(18, LINES_MAX);
    struct put_item item = {
        .job_id = {{1}},
        .custom_id = bytes_of(text, CUSTOM_ID_BYTES_MAX),
        .conversation = bytes_of(text, NAME_BYTES_MAX),
        .provider = bytes_of(text, PROVIDER_BYTES_MAX),
        .api = bytes_of(text, PROVIDER_BYTES_MAX),
        .key = bytes_of(text, PROVIDER_BYTES_MAX),
        .model = bytes_of(text, MODEL_BYTES_MAX),
        .traceparent = bytes_of(text, 64),
        .detail = bytes_of(text, DETAIL_BYTES_MAX),
        .refused = bytes_of(text, REASON_BYTES_MAX),
    };
    struct stream_message message;
    struct wire_message wire;
    for (int i = 0; i < ITEMS_MAX; i++) {
        item.line = (uint64_t)i + 1;
        stream_line(&world->stream, &item, bytes_of(NULL, 0));
    }
    ck_assert(stream_next(&world->stream, world->now_ms, &message));
    ck_assert_int_eq(message.kind, KIND_put);
    ck_assert_int_eq(wire_open(message.header, &wire), ERR_OK);
    ck_assert_uint_eq(wire.items, ITEMS_MAX);
    ck_assert_int_eq(wire_next(&wire, &item), ERR_OK);
    ck_assert_uint_eq(item.detail.size, DETAIL_BYTES_MAX);
    world_free(world);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("stream");
    TCase *all = tcase_create("stream");
    tcase_set_timeout(all, 120);
    tcase_add_test(all, every_line_is_stored_once_whatever_is_lost_or_repeated);
    tcase_add_test(all, a_file_sent_again_goes_on_exactly_where_the_broker_stands);
    tcase_add_test(all, another_file_under_the_same_key_is_refused);
    tcase_add_test(all, a_file_that_lost_lines_is_refused);
    tcase_add_test(all, half_a_line_that_was_read_is_in_no_digest);
    tcase_add_test(all, a_sealed_batch_is_recognised_without_putting_anything);
    tcase_add_test(all, a_batch_that_was_sealed_meanwhile_takes_no_further_line);
    tcase_add_test(all, a_full_journal_makes_the_stream_wait);
    tcase_add_test(all, a_closed_broker_makes_the_stream_wait_at_each_of_its_questions);
    tcase_add_test(all, the_window_bounds_what_is_on_its_way);
    tcase_add_test(all, a_chunk_of_the_longest_names_fits_a_message);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
