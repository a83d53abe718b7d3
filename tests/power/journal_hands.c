// What ingress, workers, extractor and accountant say to the broker of a story: anything at any
// time, though never what they could not know.
#include "tests/power/journal_world.h"

#include <stdio.h>

enum { LINES_A_ROUND = 5 }; // of a file: a turn of each of three conversations, and single calls

// ---- ingress ------------------------------------------------------------------------------------

static void open_batch(struct journal_world *world) {
    char key[32];
    uint64_t number = ++world->batches;
    static const char *const billed[] = {"retry", "park", "fail"};
    static const char *const unanswered[] = {"stop", "skip", "fail"};
    (void)snprintf(key, sizeof(key), "key-%llu", (unsigned long long)number);
    struct open_head head = {.request = number,
                             .key = bytes_text(key),
                             .batch_id = row_key(number),
                             .priority = story_below(world->story, 3),
                             .billed = bytes_text(billed[story_below(world->story, 3)]),
                             .unanswered = bytes_text(unanswered[story_below(world->story, 3)]),
                             .attempts_max = 1 + story_below(world->story, 3)};
    struct event event = {.kind = EVENT_open, .peer = PEER_INGRESS, .open = &head};
    world_step(world, &event);
}

// A batch that is stored, in whatever state; 0: there is none.
static uint32_t some_batch(struct journal_world *world) {
    uint32_t slots = core_batch_slots(world->core);
    uint32_t from = slots ? story_below(world->story, slots) : 0;
    for (uint32_t i = 0; i < slots; i++) {
        uint32_t slot = 1 + (from + i) % slots;
        uint8_t state = core_batch(world->core, slot)->state;
        if (state == BATCH_OPEN || state == BATCH_SEALED || state == BATCH_SETTLED)
            return slot;
    }
    return 0;
}

static struct digest digest_through(uint64_t batch, uint64_t line) {
    struct digest digest = {{0}};
    bytes_put_u64(digest.at, batch);
    bytes_put_u64(digest.at + 8, line);
    return digest;
}

static void fill_item(struct journal_world *world, uint64_t batch, uint64_t line,
                      struct put_item *item) {
    static const char *const models[] = {"m", "n", "o"};
    uint32_t conversation = (uint32_t)(line - 1) % LINES_A_ROUND;
    *item = (struct put_item){.line = line,
                              .provider = bytes_text("openai"),
                              .api = bytes_text("chat"),
                              .key = bytes_text("default"),
                              .model = bytes_text(models[story_below(world->story, 3)]),
                              .tokens_estimate = 10,
                              .cost_max_pusd = 1000};
    bytes_put_u64(item->job_id.at, batch);
    bytes_put_u64(item->job_id.at + 8, line);
    item->conversation_id = item->job_id;
    // A refused turn would refuse those after it, and that is the ingress's matter.
    if (conversation >= 3 && story_chance(world->story, 20))
        item->refused = bytes_text("not_json");
    if (conversation < 3) {
        item->conversation = bytes_of(&"abc"[conversation], 1);
        item->conversation_id = (struct id){{'c', [14] = (uint8_t)(1 + conversation)}};
        bytes_put_u64(item->conversation_id.at + 4, batch);
        item->turn = 1 + (line - 1) / LINES_A_ROUND;
    }
}

// The next lines of a batch.
static void put_lines(struct journal_world *world) {
    struct put_item items[4];
    uint32_t slot = some_batch(world), count = 1 + story_below(world->story, 4);
    const struct batch *batch = core_batch(world->core, slot);
    if (!slot || core_job_slots(world->core) + count > STORY_JOBS - 8)
        return;
    uint64_t line = batch->accepted_through;
    struct put_head head = {.request = line,
                            .batch = batch->number,
                            .first = line + 1,
                            .last = line + count,
                            .before = batch->digest,
                            .after = digest_through(batch->number, line + count)};
    for (uint32_t i = 0; i < count; i++)
        fill_item(world, batch->number, line + 1 + i, &items[i]);
    struct event event = {.kind = EVENT_put, .peer = PEER_INGRESS};
    event.put.head = &head;
    event.put.items = items;
    event.put.count = count;
    world_step(world, &event);
}

static void seal(struct journal_world *world) {
    uint32_t slot = some_batch(world);
    const struct batch *batch = core_batch(world->core, slot);
    struct seal_head head = {.request = 1,
                             .batch = batch->number,
                             .lines = batch->accepted_through,
                             .digest = batch->digest};
    struct event event = {.kind = EVENT_seal, .peer = PEER_INGRESS, .seal = &head};
    if (slot)
        world_step(world, &event);
}

// A person cancels, retries or drops some job, if that can be done now.
static void decide_about_job(struct journal_world *world) {
    static const enum event_kind kinds[] = {EVENT_cancel_job, EVENT_retry_job, EVENT_retry_job,
                                            EVENT_drop_job};
    uint32_t jobs = core_job_slots(world->core);
    uint32_t from = jobs ? story_below(world->story, jobs) : 0;
    struct event event = {.kind = kinds[story_below(world->story, 4)], .delay_ms = 100};
    for (uint32_t i = 0; i < jobs && !event.slot; i++) {
        uint32_t slot = 1 + (from + i) % jobs;
        if (core_job(world->core, slot)->state != JOB_FREE &&
            !core_refuses(world->core, event.kind, slot))
            event.slot = slot;
    }
    do {
        if (event.slot)
            world_step(world, &event);
    } while (event.slot && event.kind == EVENT_drop_job && world->effects.more);
}

static void decide_about_lane(struct journal_world *world) {
    uint32_t lanes = core_lane_slots(world->core);
    struct event event = {.kind = story_chance(world->story, 30) ? EVENT_pause_lane
                                                                 : EVENT_resume_lane};
    event.slot = lanes ? 1 + story_below(world->story, lanes) : 0;
    if (event.slot)
        world_step(world, &event);
}

static void decide_as_a_person(struct journal_world *world) {
    uint32_t at = story_below(world->story, 10);
    struct event event = {.kind = EVENT_cancel_batch, .slot = some_batch(world)};
    if (at < 6)
        decide_about_job(world);
    else if (at < 9)
        decide_about_lane(world);
    else if (event.slot)
        world_step(world, &event);
}

// ---- workers ------------------------------------------------------------------------------------

static struct id process_of(uint32_t worker, uint64_t life) {
    struct id id = {{'w', (uint8_t)worker}};
    bytes_put_u64(id.at + 8, life);
    return id;
}

static void beat(struct journal_world *world, uint32_t worker) {
    struct hand *hand = &world->hands[worker];
    struct heartbeat_head head = {.boot = world->config.boot,
                                  .process = process_of(worker, hand->life),
                                  .seen = hand->seen,
                                  .held = bytes_of(hand->held, hand->held_count * 16)};
    struct event event = {
        .kind = EVENT_heartbeat, .peer = FIRST_PEER_WORKER + worker, .heartbeat = &head};
    if (hand->is_joined)
        world_step(world, &event);
}

static void join_worker(struct journal_world *world, uint32_t worker) {
    struct hand *hand = &world->hands[worker];
    char name[16];
    (void)snprintf(name, sizeof(name), "worker-%u", worker);
    hand->seen = 0;
    hand->is_joined = true;
    struct hello_head hello = {.role = bytes_text("worker"),
                               .name = bytes_text(name),
                               .process = process_of(worker, hand->life),
                               .slots = 8,
                               .keys = bytes_text("openai/default"),
                               .proves_death = true,
                               .life = hand->life};
    struct event event = {.kind = EVENT_join, .peer = FIRST_PEER_WORKER + worker, .join = &hello};
    world_step(world, &event);
    beat(world, worker);
}

// The worker's process dies with all that it held, and the next one comes.
static void replace_worker(struct journal_world *world, uint32_t worker) {
    struct hand *hand = &world->hands[worker];
    struct event event = {.kind = EVENT_left, .peer = FIRST_PEER_WORKER + worker};
    if (hand->is_joined)
        world_step(world, &event);
    hand->life++;
    hand->held_count = 0;
    join_worker(world, worker);
}

static void end_call(struct journal_world *world, uint32_t worker) {
    static const char *const hows[][3] = {
        {"answered", "success", ""},           {"answered", "success", ""},
        {"answered", "success", ""},           {"answered", "retryable", "http_500"},
        {"answered", "permanent", "http_400"}, {"answered", "rate_limited", "http_429"},
        {"failed", "retryable", "cut_off"},    {"not_started", "retryable", "no_slot"},
        {"answered", "lane_wide", "http_401"},
    };
    struct hand *hand = &world->hands[worker];
    if (hand->held_count == 0 || !hand->is_joined)
        return;
    uint32_t at = story_below(world->story, hand->held_count);
    const char *const *how = hows[story_below(world->story, 9)];
    struct end_item item = {.job = hand->jobs[at],
                            .call = hand->held[at],
                            .attempt = 1,
                            .ended = bytes_text(how[0]),
                            .class = bytes_text(how[1]),
                            .reason = bytes_text(how[2]),
                            .bytes_left = how[0][0] != 'n'};
    bytes_put_u64(item.digest.at, call_id_counter(item.call) * 131 + (uint8_t)how[1][0]);
    struct event event = {.kind = EVENT_end, .peer = FIRST_PEER_WORKER + worker};
    event.end.item = &item;
    event.end.bytes = 100;
    world_step(world, &event);
}

// ---- extractor and accountant -------------------------------------------------------------------

static void answer_said(struct journal_world *world) {
    if (world->said_count == 0)
        return;
    uint32_t at = story_below(world->story, world->said_count);
    struct said said = world->said[at];
    world->said[at] = world->said[--world->said_count];
    struct prepared_item prepared = {
        .job = said.number, .ask = said.ask, .tokens_estimate = 20, .cost_max_pusd = 2000};
    struct extracted_item extracted = {.record = said.number};
    struct recorded_item recorded = {.number = said.number,
                                     .has_answer = !story_chance(world->story, 5)};
    struct key_known_head known = {.boot = world->config.boot, .batch = said.number};
    struct event event = {.peer = said.peer};
    switch (said.kind) {
    case EFFECT_send_prepare:
        event.kind = EVENT_prepared;
        event.prepared = &prepared;
        break;
    case EFFECT_send_extract:
        event.kind = EVENT_extracted;
        event.extracted = &extracted;
        break;
    case EFFECT_send_record:
        event.kind = EVENT_recorded;
        event.recorded = &recorded;
        if (said.number > world->applied)
            world->applied = said.number;
        break;
    default:
        event.kind = EVENT_key_known;
        event.key_known = &known;
        break;
    }
    world_step(world, &event);
}

static void join_other(struct journal_world *world, uint32_t peer, const char *role) {
    struct hello_head hello = {.role = bytes_text(role),
                               .name = bytes_text(role),
                               .process = row_key(peer),
                               .slots = 64,
                               .applied = world->applied,
                               .journal = world->journal.id};
    struct event event = {.kind = EVENT_join, .peer = peer, .join = &hello};
    world_step(world, &event);
}

// ---- all of them --------------------------------------------------------------------------------

void hands_join(struct journal_world *world) {
    join_other(world, PEER_ACCOUNTANT, "accountant");
    join_other(world, PEER_EXTRACTOR, "extractor");
    for (uint32_t i = 0; i < STORY_WORKERS; i++) {
        if (world->hands[i].life == 0)
            world->hands[i].life = 1;
        join_worker(world, i);
    }
}

void hands_say_something(struct journal_world *world) {
    uint32_t worker = story_below(world->story, STORY_WORKERS);
    uint32_t at = story_below(world->story, 100);
    if (at < 8)
        open_batch(world);
    else if (at < 28)
        put_lines(world);
    else if (at < 32)
        seal(world);
    else if (at < 38)
        decide_as_a_person(world);
    else if (at < 56)
        end_call(world, worker);
    else if (at < 90)
        answer_said(world);
    else if (at < 96)
        beat(world, worker);
    else if (at < 98)
        replace_worker(world, worker);
    else
        world->now_ms += 1000 + story_below(world->story, 100000);
}
