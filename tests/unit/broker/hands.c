// The hands of the world: what ingress, workers, extractor and accountant say to the core.
#include "tests/unit/broker/world.h"

#include <check.h>
#include <stdio.h>

// ---- ingress ------------------------------------------------------------------------------------

static void say_open(struct world *w, const char *key, uint64_t request,
                     struct batch_options options) {
    struct open_head head = {.request = request,
                             .key = bytes_text(key),
                             .batch_id = {{0xba, (uint8_t)request}},
                             .priority = options.priority,
                             .billed = bytes_text(options.billed),
                             .unanswered = bytes_text(options.unanswered),
                             .attempts_max = options.attempts_max};
    struct event event = {.kind = EVENT_open, .peer = INGRESS, .open = &head};
    world_turn(w, &event);
}

void world_say_open(struct world *w, const char *key, uint64_t request) {
    say_open(w, key, request, (struct batch_options){.priority = 1});
}

uint64_t world_open(struct world *w, struct batch_options options) {
    char key[32];
    uint64_t number = core_counters(w->core).batches + 1;
    struct sent opened;
    (void)snprintf(key, sizeof(key), "key-%u", (unsigned)number);
    say_open(w, key, number, options);
    ck_assert(world_take(w, EFFECT_send_opened, INGRESS, &opened));
    return number;
}

struct digest world_digest(uint64_t batch, uint64_t line) {
    struct digest digest = {{0}};
    bytes_put_u64(digest.at, batch);
    bytes_put_u64(digest.at + 8, line);
    return digest;
}

static struct put_item item_for(uint64_t line, const char *model) {
    return (struct put_item){
        .line = line,
        .job_id = {{0x10, (uint8_t)(line >> 8), (uint8_t)line}},
        .conversation_id = {{0x10, (uint8_t)(line >> 8), (uint8_t)line}},
        .provider = bytes_text("openai"),
        .api = bytes_text("chat"),
        .key = bytes_text("default"),
        .model = bytes_text(model),
        .tokens_estimate = 10,
        .cost_max_pusd = 1000,
    };
}

static const char *put_items(struct world *w, const struct put_head *head, struct put_item *items,
                             uint32_t count) {
    struct sent stored;
    struct event event = {.kind = EVENT_put, .peer = INGRESS, .bytes = w->line_bytes};
    event.put.head = head;
    event.put.items = items;
    event.put.count = count;
    world_turn(w, &event);
    ck_assert(world_take(w, EFFECT_send_put_stored, INGRESS, &stored));
    return stored.effect.why;
}

const char *world_put(struct world *w, uint64_t batch, uint64_t first, uint32_t count,
                      struct digest before, struct digest after, bool is_refused) {
    struct put_item items[ITEMS_MAX];
    struct put_head head = {.request = first,
                            .batch = batch,
                            .first = first,
                            .last = first + count - 1,
                            .before = before,
                            .after = after};
    for (uint32_t i = 0; i < count; i++) {
        items[i] = item_for(first + i, "m");
        if (is_refused)
            items[i].refused = bytes_text("not_json");
    }
    return put_items(w, &head, items, count);
}

// Puts the next line of a batch; returns why it was not taken.
static const char *put_one(struct world *w, uint64_t batch, struct put_item item) {
    const struct batch *row = world_batch(w, batch);
    uint64_t line = row->accepted_through + 1;
    struct put_head head = {.request = line,
                            .batch = batch,
                            .first = line,
                            .last = line,
                            .before = row->digest,
                            .after = world_digest(batch, line)};
    return put_items(w, &head, &item, 1);
}

// The next line of a batch, as it should be.
static uint64_t put_next(struct world *w, uint64_t batch, struct put_item item) {
    ck_assert_ptr_null(put_one(w, batch, item));
    return core_counters(w->core).jobs;
}

uint64_t world_submit_to(struct world *w, uint64_t batch, const char *model) {
    return put_next(w, batch, item_for(world_batch(w, batch)->accepted_through + 1, model));
}

uint64_t world_submit(struct world *w, uint64_t batch) {
    return world_submit_to(w, batch, "m");
}

static struct put_item turn_for(struct world *w, uint64_t batch, uint64_t began_in,
                                const char *conversation, uint64_t turn) {
    struct put_item item = item_for(world_batch(w, batch)->accepted_through + 1, "m");
    item.conversation = bytes_text(conversation);
    item.conversation_id = (struct id){
        {'c', (uint8_t)began_in, [8] = (uint8_t)began_in, [15] = (uint8_t)*conversation}};
    item.turn = turn;
    return item;
}

uint64_t world_submit_turn(struct world *w, uint64_t batch, char conversation, uint64_t turn) {
    const char name[] = {conversation, 0};
    return put_next(w, batch, turn_for(w, batch, batch, name, turn));
}

const char *world_continue(struct world *w, uint64_t batch, uint64_t began_in, char conversation,
                           uint64_t turn) {
    const char name[] = {conversation, 0};
    struct put_item item = turn_for(w, batch, began_in, name, turn);
    item.origin_id = core_batch(w->core, core_find_batch(w->core, began_in))->id;
    return put_one(w, batch, item);
}

uint64_t world_submit_many(struct world *w, uint64_t batch, uint32_t count) {
    uint64_t first_job = core_counters(w->core).jobs + 1;
    while (count > 0) {
        const struct batch *row = world_batch(w, batch);
        uint32_t some = count < ITEMS_MAX ? count : ITEMS_MAX;
        uint64_t line = row->accepted_through + 1;
        ck_assert_ptr_null(world_put(w, batch, line, some, row->digest,
                                     world_digest(batch, line + some - 1), false));
        count -= some;
    }
    return first_job;
}

const char *world_seal_as(struct world *w, uint64_t batch, uint64_t lines, struct digest digest) {
    struct seal_head head = {.request = 1, .batch = batch, .lines = lines, .digest = digest};
    struct event event = {.kind = EVENT_seal, .peer = INGRESS, .seal = &head};
    struct sent stored;
    world_turn(w, &event);
    ck_assert(world_take(w, EFFECT_send_put_stored, INGRESS, &stored));
    return stored.effect.why;
}

void world_seal(struct world *w, uint64_t batch) {
    const struct batch *row = world_batch(w, batch);
    ck_assert_ptr_null(world_seal_as(w, batch, row->accepted_through, row->digest));
}

void world_cancel(struct world *w, uint64_t batch) {
    struct event event = {.kind = EVENT_cancel_batch, .slot = core_find_batch(w->core, batch)};
    world_turn(w, &event);
}

void world_cancel_job(struct world *w, uint64_t job) {
    struct event event = {.kind = EVENT_cancel_job, .slot = core_find_job(w->core, job)};
    world_turn(w, &event);
}

void world_retry(struct world *w, uint64_t job, uint64_t delay_ms) {
    struct event event = {.kind = EVENT_retry_job, .slot = core_find_job(w->core, job)};
    event.delay_ms = delay_ms;
    world_turn(w, &event);
}

void world_drop(struct world *w, uint64_t job) {
    struct event event = {.kind = EVENT_drop_job, .slot = core_find_job(w->core, job)};
    do {
        world_turn(w, &event);
    } while (job_is_kept(core_job(w->core, event.slot)) && !world_refuses(w, event.kind, job));
}

const char *world_refuses(const struct world *w, enum event_kind decision, uint64_t job) {
    return core_refuses(w->core, decision, core_find_job(w->core, job));
}

// ---- workers ------------------------------------------------------------------------------------

static void join_hand(struct world *w, uint32_t worker, const char *keys, bool proves_death) {
    struct hand *hand = &w->workers[worker];
    char name[32];
    (void)snprintf(name, sizeof(name), "worker-%u", worker);
    struct hello_head hello = {.role = bytes_text("worker"),
                               .name = bytes_text(name),
                               .process = hand->process,
                               .slots = hand->slots,
                               .keys = bytes_text(keys),
                               .proves_death = proves_death,
                               .life = hand->life};
    struct event event = {.kind = EVENT_join, .peer = hand->peer, .join = &hello};
    hand->is_joined = true;
    world_turn(w, &event);
    world_beat(w, worker);
}

static void new_process(struct world *w, uint32_t worker) {
    struct hand *hand = &w->workers[worker];
    *hand = (struct hand){.life = hand->life + 1, .slots = hand->slots ? hand->slots : 1};
    hand->peer = FIRST_WORKER + worker + hand->life * WORKERS;
    hand->process = (struct id){{'w', (uint8_t)worker, (uint8_t)hand->life}};
}

void world_join_as(struct world *w, uint32_t worker, const char *keys, bool proves_death) {
    if (!w->workers[worker].life)
        new_process(w, worker);
    join_hand(w, worker, keys, proves_death);
}

void world_join_worker(struct world *w, uint32_t worker, uint32_t slots) {
    w->workers[worker].slots = slots;
    if (!w->workers[worker].life)
        new_process(w, worker);
    w->workers[worker].slots = slots;
    join_hand(w, worker, "openai/default", true);
}

void world_replace_worker(struct world *w, uint32_t worker, bool proves_death) {
    new_process(w, worker);
    join_hand(w, worker, "openai/default", proves_death);
}

void world_leave(struct world *w, uint32_t worker) {
    w->workers[worker].is_joined = false;
    world_left(w, w->workers[worker].peer);
}

bool world_has_lease(struct world *w, uint32_t worker) {
    return world_untaken(w, EFFECT_send_lease, w->workers[worker].peer) > 0;
}

struct lease world_lease(struct world *w, uint32_t worker) {
    struct sent sent;
    ck_assert(world_take(w, EFFECT_send_lease, w->workers[worker].peer, &sent));
    return (struct lease){.job = sent.job, .number = sent.effect.number, .call = sent.effect.call};
}

struct lease world_lose_lease(struct world *w, uint32_t worker) {
    struct hand *hand = &w->workers[worker];
    struct lease lease = world_lease(w, worker);
    ck_assert_uint_gt(hand->held_count, 0);
    ck_assert(id_equal(hand->held[hand->held_count - 1], lease.call)); // the last that left
    hand->held_count--;
    hand->seen--;
    return lease;
}

static struct digest digest_of_end(struct id call, const struct how *how) {
    struct digest digest = {{0}};
    uint64_t text = 0;
    for (const char *at = how->ended; *at; at++)
        text = text * 31 + (uint8_t)*at;
    for (const char *at = how->class; *at; at++)
        text = text * 31 + (uint8_t)*at;
    bytes_put_u64(digest.at, text ^ call_id_counter(call) << 48);
    return digest;
}

void world_end(struct world *w, uint32_t worker, struct lease lease, struct how how) {
    struct end_item item = {
        .job = lease.job,
        .call = lease.call,
        .attempt = 1,
        .ended = bytes_text(how.ended),
        .class = bytes_text(how.class),
        .reason = bytes_text(how.reason),
        .bytes_left = how.bytes_left,
        .has_begun = how.has_begun,
        .retry_after_ms = how.retry_after_ms,
        .digest = digest_of_end(lease.call, &how),
    };
    struct event event = {.kind = EVENT_end, .peer = w->workers[worker].peer};
    event.end.item = &item;
    event.end.bytes = w->answer_bytes ? w->answer_bytes : 100;
    world_turn(w, &event);
}

void world_answer(struct world *w, uint32_t worker, struct lease lease) {
    world_end(w, worker, lease, ANSWERED);
}

// ---- extractor and accountant -------------------------------------------------------------------

void world_join(struct world *w, uint32_t peer, const char *role, uint32_t slots) {
    struct counters_row counters = core_counters(w->core);
    struct hello_head hello = {.role = bytes_text(role),
                               .name = bytes_text(role),
                               .process = {{'p', (uint8_t)peer}},
                               .slots = slots,
                               .applied = counters.recorded,
                               .journal = w->config.journal};
    struct event event = {.kind = EVENT_join, .peer = peer, .join = &hello};
    world_turn(w, &event);
}

void world_left(struct world *w, uint32_t peer) {
    struct event event = {.kind = EVENT_left, .peer = peer};
    world_turn(w, &event);
}

uint64_t world_extract(struct world *w, const char *refused) {
    struct sent sent;
    ck_assert(world_take(w, EFFECT_send_extract, EXTRACTOR, &sent));
    struct extracted_item item = {.record = sent.effect.number, .refused = bytes_text(refused)};
    struct event event = {.kind = EVENT_extracted, .peer = EXTRACTOR, .extracted = &item};
    world_turn(w, &event);
    return item.record;
}

void world_recorded(struct world *w, uint64_t number, bool has_answer) {
    struct recorded_item item = {.number = number, .has_answer = has_answer};
    struct event event = {.kind = EVENT_recorded, .peer = ACCOUNTANT, .recorded = &item};
    world_turn(w, &event);
}

void world_record_all(struct world *w) {
    struct sent sent;
    for (;;) {
        if (world_untaken(w, EFFECT_send_extract, EXTRACTOR) > 0)
            (void)world_extract(w, NULL);
        else if (world_take(w, EFFECT_send_record, ACCOUNTANT, &sent))
            world_recorded(w, sent.effect.number, !w->is_unread);
        else
            break;
    }
}

void world_prepare(struct world *w, struct sent ask, const char *refused) {
    struct prepared_item item = {.job = ask.job,
                                 .ask = ask.effect.number,
                                 .tokens_estimate = 20,
                                 .cost_max_pusd = 2000,
                                 .refused = bytes_text(refused)};
    struct event event = {.kind = EVENT_prepared, .peer = ACCOUNTANT, .prepared = &item};
    world_turn(w, &event);
}
