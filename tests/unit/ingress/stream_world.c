#include "tests/unit/ingress/stream_world.h"

#include "common/mem.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t dice_state;

void world_seed(uint64_t seed) {
    dice_state = seed;
}

uint32_t world_dice(uint32_t sides) {
    dice_state ^= dice_state << 13;
    dice_state ^= dice_state >> 7;
    dice_state ^= dice_state << 17;
    return (uint32_t)(dice_state >> 33) % sides;
}

static void line_text(uint64_t number, char text[64]) {
    (void)snprintf(text, 64, "{\"line\":%llu}", (unsigned long long)number);
}

struct digest file_digest(uint64_t lines) {
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

struct world *world_new(uint64_t lines) {
    struct world *world = mem_new(sizeof(*world));
    world->lines = lines;
    world->digest = digest_of(bytes_of("", 0));
    world->now_ms = 1000;
    start_stream(world);
    return world;
}

void world_empty_post(struct letter *letters, uint32_t *count) {
    for (uint32_t i = 0; i < *count; i++)
        mem_free(letters[i].header);
    *count = 0;
}

void world_free(struct world *world) {
    world_empty_post(world->to_broker, &world->to_broker_count);
    world_empty_post(world->to_stream, &world->to_stream_count);
    stream_release(&world->stream);
    mem_free(world);
}

static void reply(struct world *world, struct letter letter) {
    if (world->to_stream_count < POST_MAX && world_dice(100) >= world->loss)
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
    uint32_t i = has_disorder ? world_dice(*count) : 0;
    struct letter letter = letters[i];
    memmove(&letters[i], &letters[i + 1], (--*count - i) * sizeof(*letters));
    return letter;
}

// Gives the stream further lines: every seventh is blank, every eleventh is refused.
void world_give_lines(struct world *world, uint32_t count) {
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
        if (world->to_broker_count == POST_MAX || world_dice(100) < world->loss)
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
void world_step(struct world *world, bool has_disorder) {
    world->now_ms += world_dice(50);
    switch (world_dice(5)) {
    case 0:
        world_give_lines(world, 1 + world_dice(200));
        break;
    case 1:
        stream_flush(&world->stream);
        post_all(world);
        break;
    case 2:
    case 3:
        for (uint32_t n = world_dice(8); n > 0 && world->to_broker_count > 0; n--) {
            struct letter letter =
                take_letter(world->to_broker, &world->to_broker_count, has_disorder);
            broker_hear(world, &letter);
            if (world_dice(100) < world->loss) // said twice
                broker_hear(world, &letter);
            mem_free(letter.header);
        }
        break;
    default:
        for (uint32_t n = world_dice(8); n > 0 && world->to_stream_count > 0; n--) {
            struct letter letter =
                take_letter(world->to_stream, &world->to_stream_count, has_disorder);
            stream_hear(world, &letter);
            if (world_dice(100) < world->loss)
                stream_hear(world, &letter);
        }
    }
}

// The broker dies: what is on its way is gone, what is durable stays.
void world_crash_broker(struct world *world) {
    world_empty_post(world->to_broker, &world->to_broker_count);
    world_empty_post(world->to_stream, &world->to_stream_count);
    stream_restart(&world->stream);
}

// Ingress dies: the client sends the file again from its first line.
void world_crash_ingress(struct world *world) {
    stream_release(&world->stream);
    world_empty_post(
        world->to_stream,
        &world->to_stream_count); // its answers find nobody; what was sent may still arrive
    start_stream(world);
}

void world_check_stored(const struct world *world, uint64_t seed) {
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

static void run_quietly(struct world *world) {
    for (uint32_t i = 0;
         i < 20000 && world->stream.state != STREAM_DONE && world->stream.state != STREAM_FAILED;
         i++)
        world_step(world, false);
}

void world_expect_done(struct world *world) {
    run_quietly(world);
    ck_assert_int_eq(world->stream.state, STREAM_DONE);
}

void world_expect_failed(struct world *world, const char *reason) {
    run_quietly(world);
    ck_assert_int_eq(world->stream.state, STREAM_FAILED);
    ck_assert_str_eq(world->stream.failure.reason, reason);
}

// A submission whose batch is open.
struct world *world_open(uint64_t seed, uint64_t lines) {
    world_seed(seed);
    struct world *world = world_new(lines);
    while (world->stream.state == STREAM_OPENING)
        world_step(world, false);
    return world;
}

// A submission of whose lines the broker has 400 or more.
struct world *world_with_400(uint64_t seed, uint64_t lines) {
    struct world *world = world_open(seed, lines);
    while (world->accepted_through < 400)
        world_step(world, false);
    return world;
}
