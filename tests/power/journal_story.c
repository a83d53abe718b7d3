// The broker's journal and its core on a disk that loses power.
#include "common/id.h"
#include "common/log.h"
#include "common/mem.h"
#include "tests/power/journal_world.h"
#include "tests/power/seams.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sysexits.h>

static const char path[] = "/journal.db";

static void *create(struct story *story) {
    struct journal_world *world = mem_new(sizeof(*world));
    world->story = story;
    world->now_ms = 1000000;
    rows_of_new_journal(world);
    return world;
}

static void destroy(void *state) {
    mem_free(state);
}

// ---- effects ------------------------------------------------------------------------------------

// Bytes that only this number has, at times more than a page of them.
static struct bytes filler(struct journal_world *world, uint64_t number, uint8_t *room,
                           uint32_t size_max) {
    uint32_t size = story_chance(world->story, 20) ? story_below(world->story, size_max) : 40;
    for (uint32_t i = 0; i < size; i++)
        room[i] = (uint8_t)(number * 31 + i * 7);
    return bytes_of(room, size);
}

static void put_payload(struct journal_world *world, const struct effect *effect,
                        const struct event *event) {
    uint8_t room[6000];
    const struct put_item *item = &event->put.items[effect->item];
    uint64_t number = core_job(world->core, effect->slot)->number;
    struct payload payload = {.custom_id = bytes_text("line"),
                              .conversation = item->conversation,
                              .api = item->api,
                              .traceparent = {0},
                              .line = filler(world, number, room, sizeof(room))};
    rows_of_payload(world, number, &payload);
}

static void put_record(struct journal_world *world, const struct effect *effect) {
    uint8_t item[200], body[12000];
    struct record_row row = {.item = filler(world, effect->number, item, sizeof(item)),
                             .headers = bytes_text("headers"),
                             .body = filler(world, effect->number + 1, body, sizeof(body))};
    rows_of_record(world, effect->slot, &row);
}

static void delete_record(struct journal_world *world, const struct effect *effect) {
    journal_delete_record(&world->journal, effect->number);
    if (!rows_drop(&world->story->next, ROW_record, row_key(effect->number)))
        story_broken(world->story, "a record is deleted that was not there");
}

static uint64_t number_of(const struct journal_world *world, const struct effect *effect) {
    switch (effect->kind) {
    case EFFECT_send_prepare:
    case EFFECT_send_lease:
        return core_job(world->core, effect->slot)->number;
    case EFFECT_send_key_ask:
        return core_batch(world->core, effect->slot)->number;
    default:
        return effect->number;
    }
}

static void hold(struct journal_world *world, const struct effect *effect) {
    if (world->outbox_count == EFFECTS_MAX)
        story_broken(world->story, "a turn said too much");
    world->outbox[world->outbox_count++] = (struct said){
        .kind = effect->kind,
        .peer = effect->peer,
        .number = number_of(world, effect),
        .ask = effect->number,
        .call = effect->call,
    };
}

void world_step(struct journal_world *world, struct event *event) {
    event->now_ms = world->now_ms;
    event->wall_ms = seams.wall_ms + (int64_t)world->now_ms;
    core_step(world->core, event, &world->effects);
    for (uint32_t i = 0; i < world->effects.count; i++) {
        const struct effect *effect = &world->effects.items[i];
        if (effect->kind == EFFECT_put_payload)
            put_payload(world, effect, event);
        else if (effect->kind == EFFECT_put_record)
            put_record(world, effect);
        else if (effect->kind == EFFECT_delete_record)
            delete_record(world, effect);
        else if (effect->kind >= EFFECT_send_opened)
            hold(world, effect);
    }
}

// ---- speaking -----------------------------------------------------------------------------------

// Money is spent from here on: the call must be in the journal, and no other may have its name.
static void hear_lease(struct journal_world *world, const struct said *said) {
    struct hand *hand = &world->hands[said->peer - FIRST_PEER_WORKER];
    uint64_t counter = call_id_counter(said->call);
    if (counter <= world->calls)
        story_broken(world->story, "call %llu is made again", (unsigned long long)counter);
    world->calls = counter;
    if (hand->held_count == STORY_HELD)
        story_broken(world->story, "a worker has more calls than slots");
    hand->jobs[hand->held_count] = said->number;
    hand->held[hand->held_count++] = said->call;
    if (said->ask > hand->seen)
        hand->seen = said->ask;
}

static void hear_end_stored(struct journal_world *world, const struct said *said) {
    struct hand *hand = &world->hands[said->peer - FIRST_PEER_WORKER];
    for (uint32_t i = 0; i < hand->held_count; i++)
        if (id_equal(hand->held[i], said->call)) {
            hand->held[i] = hand->held[--hand->held_count];
            hand->jobs[i] = hand->jobs[hand->held_count];
            return;
        }
}

static void hear(struct journal_world *world, const struct said *said) {
    switch (said->kind) {
    case EFFECT_send_lease:
        hear_lease(world, said);
        break;
    case EFFECT_send_end_stored:
        hear_end_stored(world, said);
        break;
    case EFFECT_send_prepare:
    case EFFECT_send_extract:
    case EFFECT_send_record:
    case EFFECT_send_key_ask:
        if (world->said_count < STORY_HELD * 4)
            world->said[world->said_count++] = *said;
        break;
    default:
        break;
    }
}

static void speak(struct journal_world *world) {
    for (uint32_t i = 0; i < world->outbox_count; i++)
        hear(world, &world->outbox[i]);
    world->outbox_count = 0;
}

// ---- turns --------------------------------------------------------------------------------------

static void finish_turn(struct journal_world *world) {
    do {
        struct event tick = {.kind = EVENT_tick};
        world_step(world, &tick);
    } while (world->effects.more);
    rows_of_turn(world);
    story_told(world->story);
    speak(world);
}

static void turn(struct story *story) {
    struct journal_world *world = story->state;
    uint32_t events = 1 + story_below(story, 6);
    if (story_chance(story, 15))
        journal_tidy(&world->journal, true, true);
    core_space(world->core, journal_used_bytes(&world->journal), 1ull << 30);
    world->now_ms += story_below(story, 3000);
    for (uint32_t i = 0; i < events; i++)
        hands_say_something(world);
    finish_turn(world);
}

// ---- a start ------------------------------------------------------------------------------------

static void must(enum err e, const char *what) {
    if (e != ERR_OK)
        fatal(EX_IOERR, "story.failed", "doing=\"%s\"", what);
}

static void check_file(struct journal_world *world) {
    sqlite3_stmt *row = NULL;
    must(db_prepare(&world->journal.db,
                    "SELECT integrity_check, (SELECT count(*) FROM payload),"
                    " (SELECT count(*) FROM job) FROM pragma_integrity_check",
                    &row),
         "prepare a check");
    enum err e = db_step(row);
    bool is_sound = e == ERR_OK && bytes_is(db_bytes(row, 0), "ok");
    bool is_paired = e == ERR_OK && db_u64(row, 1) == db_u64(row, 2);
    (void)sqlite3_finalize(row);
    must(e, "check");
    if (!is_sound && powerfail_failures(world->story->disk) > 0)
        must(ERR_IO, "check"); // the check itself met the fault
    if (!is_sound)
        story_broken(world->story, "after cut %u the file is corrupt",
                     (unsigned)world->story->cuts);
    if (!is_paired)
        story_broken(world->story, "payloads and jobs are not as many");
}

// What the core counts while it is read back must be what its rows are.
static void recount(struct journal_world *world) {
    struct core *core = world->core;
    for (uint32_t slot = 1; slot <= core_batch_slots(core); slot++) {
        const struct batch *batch = core_batch(core, slot);
        uint64_t jobs = 0, states = 0;
        for (uint32_t i = 1; i <= core_job_slots(core); i++)
            jobs += core_job(core, i)->batch == slot;
        for (int i = 0; i < JOB_STATES; i++)
            states += batch->states[i];
        if (jobs != batch->jobs_here || jobs != states || batch->jobs < jobs ||
            batch->accepted_through < batch->jobs + batch->refused)
            story_broken(world->story, "batch %llu does not count its jobs right",
                         (unsigned long long)batch->number);
    }
}

static void build_core(struct journal_world *world) {
    world->config = (struct core_config){
        .jobs_max = STORY_JOBS,
        .conversations_max = STORY_CONVERSATIONS,
        .records_max = STORY_RECORDS,
        .flows_max = 256,
        .lane_concurrency = 6,
        .attempts_max = 3,
        .call_limit_ms = 60000,
        .boot = random_u64() >> 1 | 1u,
        .journal = world->journal.id,
    };
    world->memory = mmap(NULL, core_size(&world->config), PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (world->memory == MAP_FAILED)
        story_broken(world->story, "no memory");
    world->core = core_init(world->memory, &world->config);
    journal_restore(&world->journal, world->core);
}

// A start was told to the world by its number: boots are ordered by it.
static void check_start(struct journal_world *world) {
    const struct journal *journal = &world->journal;
    if (!id_is_none(world->journal_id) && !id_equal(journal->id, world->journal_id))
        story_broken(world->story, "the journal has got another id");
    if (journal->starts <= world->starts)
        story_broken(world->story, "start %llu comes twice", (unsigned long long)journal->starts);
    world->journal_id = journal->id;
    world->starts = journal->starts;
}

static void open(struct story *story) {
    struct journal_world *world = story->state;
    journal_open(&world->journal, path, true);
    if (story->mode == DISK_normal && db_exec(&world->journal.db, "PRAGMA synchronous=NORMAL"))
        story_broken(story, "the mode cannot be set");
    check_start(world);
    build_core(world);
    check_file(world);
    rows_found(world);
    story_compare(story);
    recount(world);
    core_restored(world->core, world->now_ms, seams.wall_ms + (int64_t)world->now_ms);
    core_space(world->core, journal_used_bytes(&world->journal), 1ull << 30);
    hands_join(world);
    finish_turn(world);
}

static void close(struct story *story) {
    struct journal_world *world = story->state;
    journal_close(&world->journal);
}

static void bury(struct story *story) {
    struct journal_world *world = story->state;
    sqlite3_stmt *left;
    sqlite3 *at = world->journal.db.at; // NULL: it was never open, or is closed
    while (at && (left = sqlite3_next_stmt(at, NULL)))
        (void)sqlite3_finalize(left);
    (void)sqlite3_close(at);
    memset(&world->journal, 0, sizeof(world->journal));
    if (world->memory)
        (void)munmap(world->memory, core_size(&world->config));
    world->memory = NULL;
    world->core = NULL;
    world->said_count = world->outbox_count = 0;
    for (uint32_t i = 0; i < STORY_WORKERS; i++)
        world->hands[i].is_joined = false;
}

const struct subject subject = {
    .name = "journal",
    .create = create,
    .destroy = destroy,
    .open = open,
    .turn = turn,
    .close = close,
    .bury = bury,
    .turns_to_fail = 20,
    .row_name = journal_row_name,
};
