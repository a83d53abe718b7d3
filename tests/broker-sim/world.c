#include "tests/broker-sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

// ---- chance: xoshiro256** (public domain, Blackman and Vigna), seeded by splitmix64
// ---------------------

static uint64_t rotate(uint64_t value, int by) {
    return value << by | value >> (64 - by);
}

uint64_t draw(struct rng *rng) {
    uint64_t *s = rng->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint32_t draw_below(struct rng *rng, uint32_t bound) {
    return bound ? (uint32_t)((draw(rng) >> 32) * bound >> 32) : 0;
}

bool draw_chance(struct rng *rng, uint32_t per_mille) {
    return per_mille > 0 && draw_below(rng, 1000) < per_mille;
}

static void seed_rng(struct rng *rng, uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15ull;
        uint64_t z = seed;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ z >> 27) * 0x94d049bb133111ebull;
        rng->state[i] = z ^ z >> 31;
    }
}

// ---- the files that are submitted
// -----------------------------------------------------------------------

static uint64_t mix(uint64_t a, uint64_t b) {
    uint64_t z = a * 0x9e3779b97f4a7c15ull + b;
    z = (z ^ z >> 31) * 0xbf58476d1ce4e5b9ull;
    return z ^ z >> 29;
}

uint64_t line_digest(uint32_t batch, uint32_t line) {
    return mix(batch + 1, line);
}

uint64_t prefix_digest(uint32_t batch, uint32_t lines) {
    return lines ? mix(batch + 1001, lines) : 0;
}

// 0 stands for no lines at all, whose SHA-256 the core knows.
struct digest as_digest(uint64_t value) {
    static const struct digest nothing = {{0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                           0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                           0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                           0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55}};
    struct digest digest = {{0}};
    if (value == 0)
        return nothing;
    bytes_put_u64(digest.at, value);
    return digest;
}

struct id conversation_id_of(uint32_t batch, uint32_t conversation) {
    struct id id = {{0}};
    bytes_put_u64(id.at, batch + 1);
    bytes_put_u64(id.at + 8, mix(batch + 77, conversation));
    return id;
}

uint32_t file_of(const struct world *world, uint64_t number) {
    // The journal's row of a batch that was opened names it by its id.
    if (number == 0 || number >= BATCH_NUMBERS)
        return BATCHES;
    const struct batch *row = &world->store.batches[number];
    for (uint32_t file = 0; file < BATCHES; file++)
        if (id_equal(row->id, world->files[file].id))
            return file;
    uint32_t slot = world->core ? core_find_batch(world->core, number) : 0;
    for (uint32_t file = 0; slot && file < BATCHES; file++)
        if (id_equal(core_batch(world->core, slot)->id, world->files[file].id))
            return file;
    return BATCHES;
}

static void write_file(struct world *world, uint32_t at) {
    struct file *file = &world->files[at];
    uint32_t last[CONVERSATIONS] = {0}, turns[CONVERSATIONS] = {0};
    bool is_stopped[CONVERSATIONS] = {false};
    memset(file, 0, sizeof(*file));
    file->count = 1 + draw_below(&world->rng, LINES_MAX);
    bytes_put_u64(file->id.at, mix(world->seed, at + 5));
    file->id.at[15] = (uint8_t)(at + 1);
    (void)snprintf(file->key, sizeof(file->key), "key-%u", at);
    for (uint32_t i = 1; i <= file->count; i++) {
        struct file_line *line = &file->lines[i];
        uint32_t conversation = draw_below(&world->rng, CONVERSATIONS);
        line->turn = 1;
        line->is_refused = draw_chance(&world->rng, 80);
        if (conversation == 0)
            continue;
        // As ingress does: behind a refused turn, later turns of the submission are refused.
        line->conversation = conversation;
        line->is_refused |= is_stopped[conversation];
        is_stopped[conversation] = line->is_refused;
        line->turn = ++turns[conversation];
        line->previous = last[conversation];
        last[conversation] = i;
    }
}

// ---- messages on their way
// ------------------------------------------------------------------------------

void trace(struct world *world, uint64_t value) {
    world->trace = (world->trace ^ value ^ world->now_ms << 20) * 1099511628211u;
}

static bool is_before(const struct message *a, const struct message *b) {
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void queue_push(struct world *world, const struct message *message) {
    PROMISE(world, world->queue_count + 1 < QUEUE_MAX, "too many messages on their way");
    uint32_t at = ++world->queue_count;
    while (at > 1 && is_before(message, &world->queue[at / 2])) {
        world->queue[at] = world->queue[at / 2];
        at /= 2;
    }
    world->queue[at] = *message;
}

static void queue_pop(struct world *world, struct message *out) {
    *out = world->queue[1];
    const struct message last = world->queue[world->queue_count--];
    uint32_t at = 1;
    for (;;) {
        uint32_t child = 2 * at;
        if (child > world->queue_count)
            break;
        if (child < world->queue_count && is_before(&world->queue[child + 1], &world->queue[child]))
            child++;
        if (!is_before(&world->queue[child], &last))
            break;
        world->queue[at] = world->queue[child];
        at = child;
    }
    world->queue[at] = last;
}

void world_send(struct world *world, const struct message *message) {
    struct message copy = *message;
    if (copy.to_life == 0 && copy.from == BROKER)
        return; // to a worker that is away: nobody is there to be told
    if (draw_chance(&world->rng, world->faults.drop))
        return;
    if (copy.kind == SAY_RECORD)
        copy.record = world->store.records[copy.number]; // read from what is durable
    do {
        copy.order = ++world->order;
        copy.at_ms = world->now_ms + 1 + draw_below(&world->rng, world->faults.delay_max_ms);
        queue_push(world, &copy);
    } while (draw_chance(&world->rng, world->faults.duplicate));
}

// ---- a schedule
// -------------------------------------------------------------------------------------------

void broken(struct world *world, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(world->why, sizeof(world->why), format, args);
    va_end(args);
    longjmp(world->failed, 1);
}

// Swarm: each kind of fault is off or scaled by a draw of the seed.
static uint32_t some(struct world *world, uint32_t most) {
    return draw_chance(&world->rng, 400) ? 0 : draw_below(&world->rng, most + 1);
}

static void draw_faults(struct world *world) {
    world->faults = (struct faults){
        .drop = some(world, 250),
        .duplicate = some(world, 300),
        .delay_max_ms = 1 + some(world, 3000),
        .broker_crash = some(world, 15),
        .worker_crash = some(world, world->seed % 5 == 0 ? 4000 : 400),
        .other_crash = some(world, 300),
        .provider_error = some(world, 250),
        .provider_limit = some(world, 150),
        .provider_cut = some(world, 120),
        .provider_hang = some(world, 80),
        .provider_refusal = some(world, 60),
        .provider_lane = some(world, 60),
        .cancel = some(world, 20),
    };
}

static uint64_t next_ms(const struct world *world) {
    uint64_t next = broker_due_ms(world);
    if (world->queue_count > 0 && world->queue[1].at_ms < next)
        next = world->queue[1].at_ms;
    return next > world->now_ms ? next : world->now_ms + 1;
}

static unsigned rank_of(enum message_kind kind) {
    switch (kind) {
    case SAY_HELLO:
        return 0;
    case SAY_RECORDED:
        return 1;
    case SAY_END:
        return 2;
    case SAY_HEARTBEAT:
        return 4;
    case SAY_OPEN:
    case SAY_PUT:
    case SAY_SEAL:
        return 6;
    default:
        return 3;
    }
}

enum { TURN_MAX = 8 };

// Delivers what has arrived: to the broker as one turn, in the shell's order.
static void deliver(struct world *world) {
    static struct message heard[TURN_MAX];
    struct message *turn[TURN_MAX];
    uint32_t count = 0;
    while (world->queue_count > 0 && world->queue[1].at_ms <= world->now_ms && count < TURN_MAX) {
        queue_pop(world, &heard[count]);
        world->events++;
        if (heard[count].to == BROKER)
            count++;
        else
            actor_hears(world, &heard[count]);
    }
    uint32_t sorted = 0;
    for (unsigned rank = 0; rank <= 6; rank++)
        for (uint32_t i = 0; i < count; i++)
            if (rank_of(heard[i].kind) == rank)
                turn[sorted++] = &heard[i];
    broker_turn(world, turn, sorted);
}

static bool is_settled(const struct world *world) {
    for (uint32_t file = 0; file < BATCHES; file++)
        if (!world->files[file].is_sealed || !world->ledger.is_settled[file])
            return false;
    for (uint32_t worker = 0; worker < WORKERS; worker++)
        if (world->workers[worker].life && world->workers[worker].peer.held_count > 0)
            return false;
    return core_records_pending(world->core) == 0;
}

static void run(struct world *world) {
    broker_start(world);
    actors_start(world);
    while (!is_settled(world)) {
        world->now_ms = next_ms(world);
        if (!world->is_healed && world->now_ms > FAULTY_MS) {
            world->faults = (struct faults){.delay_max_ms = 5};
            world->is_healed = true;
        }
        PROMISE(world, world->now_ms < FAULTY_MS + HEALED_MS,
                "not settled %u s after the faults ended", HEALED_MS / 1000);
        actors_run(world);
        deliver(world);
    }
    check_end(world);
    broker_stop(world);
}

void world_run(struct world *world, uint64_t seed) {
    world->seed = seed;
    world->trace = 1469598103934665603u;
    world->now_ms = 1000;
    seed_rng(&world->rng, seed);
    draw_faults(world);
    for (uint32_t file = 0; file < BATCHES; file++)
        write_file(world, file);
    run(world);
}
