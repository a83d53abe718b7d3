// The protocol half of a submission against a broker that loses, repeats, delays and restarts.
#include "common/mem.h"
#include "workers/ingress/stream.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { LINES_MAX = 2000, POST_MAX = 256, STEPS_MAX = 200000 };

// ---- a world of one batch -----------------------------------------------------------------------

static uint64_t dice_state;

static uint32_t dice(uint32_t sides) {
    dice_state ^= dice_state << 13;
    dice_state ^= dice_state >> 7;
    dice_state ^= dice_state << 17;
    return (uint32_t)(dice_state >> 33) % sides;
}

// A message on its way to the broker, or an answer on its way back.
struct letter {
    enum kind kind;
    char *header;
    size_t size;
    union {
        struct opened_head opened;
        struct put_stored_head stored;
    } answer;
};

struct world {
    struct stream stream;
    // The file.
    uint64_t lines;
    uint64_t given;
    // The broker: what is durable, and its word for a batch that it does not know.
    uint64_t accepted_through;
    struct digest digest;
    bool is_open, is_sealed;
    uint64_t sealed_lines;
    uint64_t stored[LINES_MAX + 1]; // how often each line became a job
    struct letter to_broker[POST_MAX], to_stream[POST_MAX];
    uint32_t to_broker_count, to_stream_count;
    uint32_t loss; // percent
    bool is_full;
    bool is_closed; // its disk is full: nothing new
    uint64_t now_ms;
};

static void line_text(uint64_t number, char text[64]) {
    (void)snprintf(text, 64, "{\"line\":%llu}", (unsigned long long)number);
}

static struct digest file_digest(uint64_t lines) {
    struct hasher hasher;
    hasher_open(&hasher);
    for (uint64_t i = 1; i <= lines; i++) {
        char text[64];
        line_text(i, text);
        hasher_add(&hasher, text, i % 7 == 0 ? 0 : strlen(text));
        hasher_add(&hasher, "\n", 1);
    }
    struct digest digest = hasher_peek(&hasher);
    hasher_close(&hasher);
    return digest;
}

static void start_stream(struct world *world) {
    struct open_head open = {
        .key = bytes_text("key"),
        .name = bytes_text("name"),
        .batch_id = {{1, 2, 3}},
    };
    stream_init(&world->stream, &open, 1ull << 32);
    world->given = 0;
}

static struct world *world_new(uint64_t lines) {
    struct world *world = mem_new(sizeof(*world));
    world->lines = lines;
    world->digest = digest_of(bytes_of("", 0));
    world->now_ms = 1000;
    start_stream(world);
    return world;
}

static void empty_post(struct letter *letters, uint32_t *count) {
    for (uint32_t i = 0; i < *count; i++)
        mem_free(letters[i].header);
    *count = 0;
}

static void world_free(struct world *world) {
    empty_post(world->to_broker, &world->to_broker_count);
    empty_post(world->to_stream, &world->to_stream_count);
    stream_release(&world->stream);
    mem_free(world);
}

static void reply(struct world *world, struct letter letter) {
    if (world->to_stream_count < POST_MAX && dice(100) >= world->loss)
        world->to_stream[world->to_stream_count++] = letter;
}

static void answer_put(struct world *world, uint64_t request, const char *reason) {
    reply(world, (struct letter){
                     .kind = KIND_put_stored,
                     .answer.stored =
                         {
                             .request = request,
                             .batch = 5,
                             .accepted_through = world->accepted_through,
                             .digest = world->digest,
                             .reason = bytes_text(reason),
                         },
                 });
}

static void broker_put(struct world *world, struct wire_message *message) {
    struct put_head head;
    struct put_item item;
    ck_assert_int_eq(wire_head(message, &head), ERR_OK);
    if (!world->is_open) {
        answer_put(world, head.request, "unknown_batch");
    } else if (head.last <= world->accepted_through) {
        answer_put(world, head.request, NULL);
    } else if (head.first != world->accepted_through + 1) {
        answer_put(world, head.request, "resume_at");
    } else if (!digest_equal(head.before, world->digest)) {
        answer_put(world, head.request, "file_changed");
    } else if (world->is_sealed) {
        answer_put(world, head.request, "sealed");
    } else if (world->is_closed) {
        answer_put(world, head.request, "disk_full");
    } else if (world->is_full) {
        answer_put(world, head.request, "journal_full");
    } else {
        uint64_t last_line = head.first - 1;
        while (wire_next(message, &item) == ERR_OK) {
            ck_assert_uint_gt(item.line, last_line);
            ck_assert_uint_le(item.line, head.last);
            last_line = item.line;
            world->stored[item.line]++;
        }
        world->accepted_through = head.last;
        world->digest = head.after;
        answer_put(world, head.request, NULL);
    }
}

static void broker_seal(struct world *world, const struct wire_message *message) {
    struct seal_head head;
    ck_assert_int_eq(wire_head(message, &head), ERR_OK);
    if (!world->is_open) {
        answer_put(world, head.request, "unknown_batch");
    } else if (head.lines != world->accepted_through) {
        answer_put(world, head.request, "resume_at");
    } else if (!digest_equal(head.digest, world->digest)) {
        answer_put(world, head.request, "file_changed");
    } else if (world->is_closed) {
        answer_put(world, head.request, "disk_full");
    } else {
        world->is_sealed = true;
        world->sealed_lines = head.lines;
        answer_put(world, head.request, NULL);
    }
}

static void broker_open(struct world *world, const struct wire_message *message) {
    struct open_head head;
    ck_assert_int_eq(wire_head(message, &head), ERR_OK);
    ck_assert(bytes_is(head.key, "key"));
    bool was_open = world->is_open;
    if (!was_open && world->is_closed) {
        reply(world, (struct letter){.kind = KIND_opened,
                                     .answer.opened = {.request = head.request,
                                                       .reason = bytes_text("disk_full")}});
        return;
    }
    world->is_open = true;
    reply(world, (struct letter){
                     .kind = KIND_opened,
                     .answer.opened =
                         {
                             .request = head.request,
                             .batch = 5,
                             .batch_id = {{9}},
                             .accepted_through = world->accepted_through,
                             .digest = world->digest,
                             .is_sealed = world->is_sealed,
                             .is_known = was_open,
                         },
                 });
}

static void broker_hear(struct world *world, const struct letter *letter) {
    struct wire_message message;
    ck_assert_int_eq(wire_open(bytes_of(letter->header, letter->size), &message), ERR_OK);
    if (message.kind == KIND_open)
        broker_open(world, &message);
    else if (message.kind == KIND_put)
        broker_put(world, &message);
    else
        broker_seal(world, &message);
}

static void stream_hear(struct world *world, const struct letter *letter) {
    if (letter->kind == KIND_opened)
        stream_opened(&world->stream, &letter->answer.opened);
    else
        stream_stored(&world->stream, &letter->answer.stored, world->now_ms);
}

// Takes a letter out of the post: the first, or with disorder any.
static struct letter take_letter(struct letter *letters, uint32_t *count, bool has_disorder) {
    uint32_t i = has_disorder ? dice(*count) : 0;
    struct letter letter = letters[i];
    memmove(&letters[i], &letters[i + 1], (--*count - i) * sizeof(*letters));
    return letter;
}

// Gives the stream further lines: every seventh is blank, every eleventh is refused.
static void give_lines(struct world *world, uint32_t count) {
    while (count-- > 0 && stream_takes(&world->stream) && world->given < world->lines) {
        char text[64];
        uint64_t number = ++world->given;
        struct bytes raw;
        line_text(number, text);
        raw = bytes_of(text, number % 7 == 0 ? 0 : strlen(text));
        struct put_item item = {.line = number, .job_id = {{(uint8_t)number, 1}}};
        if (number % 11 == 0)
            item.refused = bytes_text("not_json");
        stream_hash(&world->stream, raw);
        stream_hash(&world->stream, bytes_text("\n"));
        stream_line(&world->stream, number % 7 == 0 ? NULL : &item,
                    number % 11 == 0 ? bytes_of(NULL, 0) : raw);
    }
    if (world->given == world->lines && stream_takes(&world->stream))
        stream_finish(&world->stream);
}

static void post_all(struct world *world) {
    struct stream_message message;
    while (stream_next(&world->stream, world->now_ms, &message)) {
        if (world->to_broker_count == POST_MAX || dice(100) < world->loss)
            continue;
        world->to_broker[world->to_broker_count++] = (struct letter){
            .kind = message.kind,
            .header = mem_copy(message.header.at, message.header.size),
            .size = message.header.size,
        };
        uint32_t frames = message.kind == KIND_put ? message.frame_count : 0;
        ck_assert_uint_le(frames, ITEMS_MAX);
    }
}

// One random step of the world.
static void step(struct world *world, bool has_disorder) {
    world->now_ms += dice(50);
    switch (dice(5)) {
    case 0:
        give_lines(world, 1 + dice(200));
        break;
    case 1:
        stream_flush(&world->stream);
        post_all(world);
        break;
    case 2:
    case 3:
        for (uint32_t n = dice(8); n > 0 && world->to_broker_count > 0; n--) {
            struct letter letter =
                take_letter(world->to_broker, &world->to_broker_count, has_disorder);
            broker_hear(world, &letter);
            if (dice(100) < world->loss) // said twice
                broker_hear(world, &letter);
            mem_free(letter.header);
        }
        break;
    default:
        for (uint32_t n = dice(8); n > 0 && world->to_stream_count > 0; n--) {
            struct letter letter =
                take_letter(world->to_stream, &world->to_stream_count, has_disorder);
            stream_hear(world, &letter);
            if (dice(100) < world->loss)
                stream_hear(world, &letter);
        }
    }
}

// The broker dies: what is on its way is gone, what is durable stays.
static void crash_broker(struct world *world) {
    empty_post(world->to_broker, &world->to_broker_count);
    empty_post(world->to_stream, &world->to_stream_count);
    stream_restart(&world->stream);
}

// Ingress dies: the client sends the file again from its first line.
static void crash_ingress(struct world *world) {
    stream_release(&world->stream);
    empty_post(world->to_stream,
               &world->to_stream_count); // its answers find nobody; what was sent may still arrive
    start_stream(world);
}

static void check_all_stored(const struct world *world, uint64_t seed) {
    struct digest digest = file_digest(world->lines);
    ck_assert_msg(world->is_sealed, "not sealed; seed %llu", (unsigned long long)seed);
    ck_assert_msg(world->sealed_lines == world->lines, "sealed short; seed %llu",
                  (unsigned long long)seed);
    ck_assert_msg(digest_equal(world->digest, digest), "digest; seed %llu",
                  (unsigned long long)seed);
    for (uint64_t i = 1; i <= world->lines; i++)
        ck_assert_msg(world->stored[i] == (i % 7 == 0 ? 0u : 1u),
                      "line %llu stored %llu times; "
                      "seed %llu",
                      (unsigned long long)i, (unsigned long long)world->stored[i],
                      (unsigned long long)seed);
}

// ---- tests --------------------------------------------------------------------------------------

// A lost or repeated chunk would lose paid work, or pay for it twice.
START_TEST(every_line_is_stored_once_whatever_is_lost_or_repeated) {
    uint64_t base = random_u64();
    for (uint64_t seed = base; seed < base + 150; seed++) {
        dice_state = seed | 1;
        struct world *world = world_new(dice(LINES_MAX));
        world->loss = dice(4) * 8;
        bool has_disorder = dice(2) == 1;
        uint32_t steps = 0, resumed = 0;
        while (world->stream.state != STREAM_DONE && world->stream.state != STREAM_FAILED &&
               ++steps < STEPS_MAX) {
            step(world, has_disorder);
            if (dice(400) == 0)
                crash_broker(world);
            if (dice(600) == 0)
                crash_ingress(world);
            world->is_full = dice(10) == 0;
            // What an ingress that died had sent may be cut into other chunks: the client is told
            // to send the file again.
            if (world->stream.state == STREAM_FAILED && world->stream.failure.exit == EX_TEMPFAIL &&
                ++resumed < 10)
                crash_ingress(world);
        }
        if (world->stream.state == STREAM_FAILED)
            ck_abort_msg("failed: %s; seed %llu", world->stream.failure.detail,
                         (unsigned long long)seed);
        check_all_stored(world, seed);
        world_free(world);
    }
}
END_TEST

static void run_quietly(struct world *world) {
    for (uint32_t i = 0;
         i < 20000 && world->stream.state != STREAM_DONE && world->stream.state != STREAM_FAILED;
         i++)
        step(world, false);
}

// A client that died half-way sends the file again; a line that was put twice is paid for twice.
START_TEST(a_file_sent_again_goes_on_exactly_where_the_broker_stands) {
    dice_state = 11;
    struct world *world = world_new(1000);
    while (world->accepted_through < 400)
        step(world, false);
    crash_ingress(world);
    uint64_t through = world->accepted_through;
    while (world->stream.state == STREAM_OPENING)
        step(world, false);
    ck_assert(world->stream.is_known);
    ck_assert_uint_ge(world->stream.skip_through, through);
    run_quietly(world);
    ck_assert_int_eq(world->stream.state, STREAM_DONE);
    check_all_stored(world, 11);
    world_free(world);
}
END_TEST

// Resuming with another file would join the halves of two files into one batch.
START_TEST(another_file_under_the_same_key_is_refused) {
    dice_state = 12;
    struct world *world = world_new(1000);
    while (world->accepted_through < 400)
        step(world, false);
    crash_ingress(world);
    stream_hash(&world->stream, bytes_text("a line that was not there\n"));
    run_quietly(world);
    ck_assert_int_eq(world->stream.state, STREAM_FAILED);
    ck_assert_int_eq(world->stream.failure.exit, EX_DATAERR);
    ck_assert_str_eq(world->stream.failure.reason, "file_changed");
    world_free(world);
}
END_TEST

// A shorter file would be sealed as if the lines that are missing had never been submitted.
START_TEST(a_file_that_lost_lines_is_refused) {
    dice_state = 13;
    struct world *world = world_new(1000);
    while (world->accepted_through < 400)
        step(world, false);
    crash_ingress(world);
    empty_post(world->to_broker, &world->to_broker_count);
    world->lines = 100;
    run_quietly(world);
    ck_assert_int_eq(world->stream.state, STREAM_FAILED);
    ck_assert_str_eq(world->stream.failure.reason, "file_changed");
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
    give_lines(world, 1);
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
    dice_state = 14;
    struct world *world = world_new(300);
    run_quietly(world);
    ck_assert_int_eq(world->stream.state, STREAM_DONE);
    crash_ingress(world);
    empty_post(world->to_broker, &world->to_broker_count);
    run_quietly(world);
    ck_assert_int_eq(world->stream.state, STREAM_DONE);
    check_all_stored(world, 14);
    world_free(world);
}
END_TEST

// Lines beyond a cancelled batch's seal would wait for ever; the user must be told.
START_TEST(a_batch_that_was_sealed_meanwhile_takes_no_further_line) {
    dice_state = 15;
    struct world *world = world_new(1500);
    while (world->accepted_through < 400)
        step(world, false);
    world->is_sealed = true;
    run_quietly(world);
    ck_assert_int_eq(world->stream.state, STREAM_FAILED);
    ck_assert_str_eq(world->stream.failure.reason, "sealed");
    world_free(world);
}
END_TEST

// A full journal is a pause, not an error: the file is as good as before.
START_TEST(a_full_journal_makes_the_stream_wait) {
    struct stream_message message;
    dice_state = 16;
    struct world *world = world_new(500);
    world->is_full = true;
    for (int i = 0; i < 2000; i++)
        step(world, false);
    ck_assert_int_eq(world->stream.state, STREAM_TAKING);
    ck_assert_str_eq(world->stream.lacks, "journal_full");
    ck_assert_uint_eq(world->accepted_through, 0);
    while (stream_next(&world->stream, world->now_ms, &message))
        ;
    world->is_full = false;
    world->now_ms += PUT_RESEND_MS;
    run_quietly(world);
    ck_assert_int_eq(world->stream.state, STREAM_DONE);
    world_free(world);
}
END_TEST

// Whatever a closed broker is asked, the stream waits, says why, and goes on by itself.
START_TEST(a_closed_broker_makes_the_stream_wait_at_each_of_its_questions) {
    dice_state = 18;
    struct world *world = world_new(500);
    world->is_closed = true;
    for (int i = 0; i < 500; i++)
        step(world, false);
    ck_assert_int_eq(world->stream.state, STREAM_OPENING);
    ck_assert_str_eq(world->stream.lacks, "disk_full");
    world->is_closed = false;
    while (world->accepted_through == 0)
        step(world, false);
    ck_assert_ptr_null(world->stream.lacks);
    world->is_closed = true;
    while (!world->stream.lacks)
        step(world, false);
    ck_assert_int_eq(world->stream.state, STREAM_TAKING);
    world->is_closed = false;
    while (world->accepted_through < world->lines)
        step(world, false);
    world->is_closed = true;
    while (!world->stream.lacks)
        step(world, false);
    ck_assert_int_eq(world->stream.state, STREAM_SEALING);
    world->is_closed = false;
    run_quietly(world);
    ck_assert_int_eq(world->stream.state, STREAM_DONE);
    world_free(world);
}
END_TEST

// A broker that answers slowly must not make ingress hold the whole file.
START_TEST(the_window_bounds_what_is_on_its_way) {
    dice_state = 17;
    struct world *world = world_new(LINES_MAX);
    while (world->stream.state == STREAM_OPENING)
        step(world, false);
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
    dice_state = 18;
    struct world *world = world_new(LINES_MAX);
    while (world->stream.state == STREAM_OPENING)
        step(world, false);
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
