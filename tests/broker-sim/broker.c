// The broker of the world: the shell's order around the real core. Hear, decide, write down,
// crash or not, speak.
#include "tests/broker-sim/world.h"

#include <stdlib.h>
#include <sys/mman.h>

static const struct core_config *config_of(struct world *world) {
    static struct core_config config;
    config = (struct core_config){
        .jobs_max = JOBS_TOTAL_MAX + 8,
        .conversations_max = BATCHES * CONVERSATIONS + 8,
        .records_max = 4096,
        .flows_max = 512,
        .lane_concurrency = 1 + (uint32_t)(world->seed % 6),
        .attempts_max = 3,
        .call_limit_ms = SIM_CALL_LIMIT_MS,
        .boot = world->boot,
        .journal = {{7}},
    };
    return &config;
}

// Zeroed pages that cost nothing until they are touched: a world has many brokers.
void *pages_new(size_t size) {
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
    if (at == MAP_FAILED)
        abort();
    return at;
}

void pages_free(void *at, size_t size) {
    if (at)
        (void)munmap(at, size);
}

void broker_start(struct world *world) {
    world->boot = (draw(&world->rng) >> 1) | 1u;
    world->broker_life = ++world->lives;
    world->starts++;
    world->memory = pages_new(core_size(config_of(world)));
    world->core = core_init(world->memory, config_of(world));
    memset(world->routes, 0, sizeof(world->routes));
    world->operation_count = 0;
    world->outbox_count = 0;
    store_restore(world);
}

void broker_stop(struct world *world) {
    pages_free(world->memory, core_size(config_of(world)));
    world->memory = NULL;
    world->core = NULL;
}

// ---- speaking
// ---------------------------------------------------------------------------------------

static struct message *say(struct world *world, enum message_kind kind, uint32_t peer) {
    PROMISE(world, world->outbox_count < OUTBOX_MAX, "a turn said too much");
    struct message *message = &world->outbox[world->outbox_count++];
    memset(message, 0, sizeof(*message));
    message->kind = kind;
    message->from = BROKER;
    message->from_life = world->broker_life;
    message->to = world->route_actor[peer];
    message->to_life = peer ? world->routes[peer] : 0;
    message->boot = world->boot;
    return message;
}

static uint64_t number_of(struct world *world, uint32_t job) {
    return core_job(world->core, job)->number;
}

static void say_lease(struct world *world, const struct effect *effect) {
    const struct job *job = core_job(world->core, effect->slot);
    struct message *message = say(world, SAY_LEASE, effect->peer);
    message->number = effect->number;
    message->call = effect->call;
    message->job = job->number;
    message->batch = core_batch(world->core, job->batch)->number;
    message->line = job->line;
    message->limit_ms = SIM_CALL_LIMIT_MS;
    // Paying twice: nothing that is answered may be marked again.
    uint32_t file = file_of(world, message->batch);
    const struct ledger_job *known = &world->ledger.jobs[file][job->line];
    PROMISE(world, !(known->is_there && known->outcome == OUTCOME_answered && known->has_answer),
            "line %u of batch %u is called again although the ledger has its answer", job->line,
            file);
}

// A record as the journal would hold it: what the event tells, and what the core's rows say.
static void put_record(struct world *world, const struct effect *effect,
                       const struct message *message) {
    const struct record *row = core_record(world->core, effect->slot);
    struct kept_record kept = {.row = *row};
    kept.batch = row->batch ? core_batch(world->core, row->batch)->number : 0;
    kept.job = row->job ? number_of(world, row->job) : 0;
    kept.has_attempt = effect->has_attempt;
    kept.is_answer = effect->is_answer;
    kept.is_superfluous = effect->is_superfluous;
    kept.outcome = (uint8_t)effect->outcome;
    if (row->job) {
        kept.end.job = kept.job;
        kept.end.line = core_job(world->core, row->job)->line;
        kept.end.batch = file_of(world, kept.batch);
    }
    if (effect->is_reported) {
        kept.end = message->end;
        kept.job = message->end.job;
    } else if (effect->has_attempt) {
        kept.end.call = effect->call;
        kept.end.ended = effect->lapse == LAPSE_unknown ? ENDED_unknown : ENDED_not_started;
    }
    if (row->type == RECORD_refused)
        kept.end.line = message->first + effect->item; // the world's chunks have no blank lines
    store_record(world, &kept);
}

static void say_opened(struct world *world, const struct effect *effect) {
    struct message *message = say(world, SAY_OPENED, effect->peer);
    message->number = effect->number;
    message->flag = effect->is_known;
    if (!effect->slot)
        return;
    const struct batch *batch = core_batch(world->core, effect->slot);
    message->batch = batch->number;
    message->last = (uint32_t)batch->accepted_through;
}

static void say_numbered(struct world *world, const struct effect *effect, enum message_kind kind) {
    struct message *message = say(world, kind, effect->peer);
    message->number = effect->number;
    message->call = effect->call;
    if (kind == SAY_PUT_STORED && effect->slot) {
        message->batch = core_batch(world->core, effect->slot)->number;
        message->last = (uint32_t)core_batch(world->core, effect->slot)->accepted_through;
        message->flag = effect->why != NULL;
        message->line = effect->why && strcmp(effect->why, "sealed") == 0; // no more lines
    }
    if (kind == SAY_PREPARE)
        message->job = number_of(world, effect->slot);
    if (kind == SAY_KEY_ASK)
        message->batch = core_batch(world->core, effect->slot)->number;
}

static void do_effect(struct world *world, const struct effect *effect,
                      const struct message *message) {
    static const uint8_t says[] = {
        [EFFECT_send_put_stored] = SAY_PUT_STORED, [EFFECT_send_key_ask] = SAY_KEY_ASK,
        [EFFECT_send_prepare] = SAY_PREPARE,       [EFFECT_send_abort] = SAY_ABORT,
        [EFFECT_send_end_stored] = SAY_END_STORED, [EFFECT_send_beat] = SAY_BEAT,
        [EFFECT_send_unwelcome] = SAY_UNWELCOME,   [EFFECT_send_extract] = SAY_EXTRACT,
        [EFFECT_send_record] = SAY_RECORD,
    };
    trace(world, (uint64_t)effect->kind << 32 | effect->slot);
    switch (effect->kind) {
    case EFFECT_put_payload: {
        uint32_t line = message->first + effect->item;
        store_payload(world, number_of(world, effect->slot),
                      line_digest(file_of(world, message->batch), line));
        break;
    }
    case EFFECT_put_record:
        put_record(world, effect, message);
        break;
    case EFFECT_delete_record:
        store_forget_record(world, effect->number);
        break;
    case EFFECT_keep_texts:
    case EFFECT_keep_context:
    case EFFECT_drop_context:
    case EFFECT_keep_facts:
        break; // the world's contexts and facts have no bytes
    case EFFECT_alarm:
        broken(world, "alarm: %s", effect->why);
    case EFFECT_send_opened:
        say_opened(world, effect);
        break;
    case EFFECT_send_lease:
        say_lease(world, effect);
        break;
    default:
        say_numbered(world, effect, (enum message_kind)says[effect->kind]);
        break;
    }
}

// ---- hearing
// ----------------------------------------------------------------------------------------

static void step(struct world *world, struct event *event, const struct message *message) {
    event->now_ms = world->now_ms;
    event->wall_ms = (int64_t)world->now_ms;
    core_step(world->core, event, &world->effects);
    for (uint32_t i = 0; i < world->effects.count; i++)
        do_effect(world, &world->effects.items[i], message);
}

static uint32_t peer_of(const struct world *world, uint64_t life) {
    for (uint32_t peer = 1; peer < 64; peer++)
        if (world->routes[peer] == life)
            return peer;
    return 0;
}

static uint32_t peer_add(struct world *world, const struct message *message) {
    uint32_t peer = peer_of(world, message->from_life);
    if (peer)
        return peer;
    for (peer = 1; world->routes[peer]; peer++)
        continue;
    world->routes[peer] = message->from_life;
    world->route_actor[peer] = message->from;
    world->route_heard[peer] = world->now_ms;
    return peer;
}

static void take_hello(struct world *world, const struct message *message) {
    struct hello_head hello = {.slots = 8, .applied = world->ledger.applied};
    char name[16] = "worker-0";
    name[7] = (char)('0' + message->from);
    hello.role = bytes_text(message->from == INGRESS           ? "ingress"
                            : message->from == ACCOUNTANT      ? "accountant"
                            : message->from >= FIRST_EXTRACTOR ? "extractor"
                                                               : "worker");
    hello.name = bytes_text(name);
    bytes_put_u64(hello.process.at, message->from_life);
    hello.keys = bytes_text("p/k,q/k");
    hello.proves_death = true;
    hello.life = message->from_life;
    uint32_t peer = peer_add(world, message);
    struct event event = {.kind = EVENT_join, .peer = peer, .join = &hello};
    step(world, &event, message);
    for (uint32_t i = 0; i < world->effects.count; i++)
        PROMISE(world,
                world->effects.items[i].kind != EFFECT_send_unwelcome ||
                    message->from_life != life_of(world, message->from),
                "refused: %s", world->effects.items[i].why);
    say(world, SAY_WELCOME, peer)->number = world->starts;
}

static void take_put(struct world *world, uint32_t peer, const struct message *message) {
    struct put_item items[SIM_CHUNK_MAX];
    char names[SIM_CHUNK_MAX][8];
    uint32_t file = file_of(world, message->batch);
    struct put_head head = {.request = message->number,
                            .batch = message->batch,
                            .first = message->first,
                            .last = message->last,
                            .before = as_digest(message->digest),
                            .after = as_digest(message->digest_after)};
    uint32_t count = 0;
    for (uint32_t line = message->first; line <= message->last; line++, count++) {
        const struct file_line *from = &world->files[file].lines[line];
        struct put_item *item = &items[count];
        memset(item, 0, sizeof(*item));
        item->line = line;
        bytes_put_u64(item->job_id.at, line_digest(file, line));
        item->conversation_id = item->job_id;
        item->turn = from->turn;
        item->provider = bytes_text(line % 5 ? "p" : "q");
        item->key = bytes_text("k");
        item->model = bytes_text(line % 3 ? "m" : "n");
        item->api = bytes_text("chat");
        if (from->is_refused)
            item->refused = bytes_text("bad");
        if (from->conversation) {
            names[count][0] = (char)('a' + from->conversation);
            names[count][1] = 0;
            item->conversation = bytes_text(names[count]);
            item->conversation_id = conversation_id_of(file, from->conversation);
        }
    }
    struct event event = {
        .kind = EVENT_put,
        .peer = peer,
        .put = {.head = &head, .items = items, .count = count},
    };
    step(world, &event, message);
}

static void take_open(struct world *world, uint32_t peer, const struct message *message) {
    const struct file *file = &world->files[message->line];
    struct open_head open = {.request = message->number,
                             .key = bytes_text(file->key),
                             .batch_id = file->id,
                             .priority = message->line % PRIORITIES,
                             .billed = bytes_text(message->line == 1   ? "park"
                                                  : message->line == 2 ? "fail"
                                                                       : "retry")};
    struct event event = {.kind = EVENT_open, .peer = peer, .open = &open};
    step(world, &event, message);
}

static void take_end(struct world *world, uint32_t peer, const struct message *message) {
    struct end_item item;
    memset(&item, 0, sizeof(item));
    item.job = message->end.job;
    item.line = message->end.line;
    item.call = message->end.call;
    item.ended = bytes_text(ended_names[message->end.ended]);
    item.class = bytes_text(class_names[message->end.class]);
    item.reason = bytes_text(class_names[message->end.class]);
    item.bytes_left = message->end.bytes_left;
    item.retry_after_ms = message->end.retry_after_ms;
    item.digest = as_digest(message->end.digest);
    struct event event = {.kind = EVENT_end, .peer = peer};
    event.end.item = &item;
    event.end.bytes = 100;
    step(world, &event, message);
}

static void take_small(struct world *world, uint32_t peer, const struct message *message) {
    struct prepared_item prepared = {.job = message->job, .ask = message->number};
    struct extracted_item extracted = {.record = message->number};
    struct recorded_item recorded = {.number = message->number, .has_answer = message->flag};
    struct key_known_head known = {.batch = message->batch, .is_known = message->flag};
    struct seal_head seal = {.request = message->number,
                             .batch = message->batch,
                             .lines = message->last,
                             .digest = as_digest(message->digest)};
    struct heartbeat_head beat = {
        .boot = message->boot,
        .seen = message->seen,
        .held = bytes_of(message->held, message->held_count * sizeof(struct id))};
    bytes_put_u64(beat.process.at, message->from_life);
    struct event event = {.peer = peer};
    switch (message->kind) {
    case SAY_PREPARED:
        event.kind = EVENT_prepared;
        event.prepared = &prepared;
        break;
    case SAY_EXTRACTED:
        event.kind = EVENT_extracted;
        event.extracted = &extracted;
        break;
    case SAY_RECORDED:
        event.kind = EVENT_recorded;
        event.recorded = &recorded;
        break;
    case SAY_KEY_KNOWN:
        event.kind = EVENT_key_known;
        event.key_known = &known;
        break;
    case SAY_SEAL:
        event.kind = EVENT_seal;
        event.seal = &seal;
        break;
    case SAY_CANCEL:
        event.kind = EVENT_cancel_batch;
        event.peer = 0;
        event.slot = core_find_batch(world->core, message->batch);
        if (!event.slot)
            return;
        break;
    default:
        event.kind = EVENT_heartbeat;
        event.heartbeat = &beat;
        break;
    }
    step(world, &event, message);
}

static void serve(struct world *world, const struct message *message) {
    trace(world, (uint64_t)message->kind << 32 | message->from);
    if (message->kind == SAY_HELLO) {
        take_hello(world, message);
        return;
    }
    uint32_t peer = peer_of(world, message->from_life);
    if (!peer) {
        // Nobody's number: the answer goes by the route that the message came on.
        struct message *answer = say(world, SAY_UNWELCOME, 0);
        answer->to = message->from;
        answer->to_life = message->from_life;
        return;
    }
    world->route_heard[peer] = world->now_ms;
    bool is_of_boot = message->kind == SAY_PREPARED || message->kind == SAY_EXTRACTED ||
                      message->kind == SAY_KEY_KNOWN;
    if (is_of_boot && message->boot != world->boot)
        return;
    if (message->kind == SAY_PUT)
        take_put(world, peer, message);
    else if (message->kind == SAY_OPEN)
        take_open(world, peer, message);
    else if (message->kind == SAY_END)
        take_end(world, peer, message);
    else
        take_small(world, peer, message);
}

static void forget_silent(struct world *world) {
    for (uint32_t peer = 1; peer < 64; peer++) {
        if (!world->routes[peer] || world->now_ms - world->route_heard[peer] <= PEER_SILENT_MS)
            continue;
        world->routes[peer] = 0;
        struct event event = {.kind = EVENT_left, .peer = peer};
        step(world, &event, NULL);
    }
}

static bool is_crash(struct world *world) {
    return draw_chance(&world->rng, world->faults.broker_crash);
}

void broker_turn(struct world *world, struct message *const *messages, uint32_t count) {
    forget_silent(world);
    for (uint32_t i = 0; i < count; i++)
        serve(world, messages[i]);
    do {
        struct event tick = {.kind = EVENT_tick};
        step(world, &tick, NULL);
    } while (world->effects.more);
    store_write_rows(world);
    // The two sides of a commit at which a crash differs: nothing of the turn, or all of it and
    // nobody told.
    bool is_lost = is_crash(world);
    if (!is_lost)
        store_commit(world);
    bool is_untold = is_lost || is_crash(world);
    if (!is_untold)
        for (uint32_t i = 0; i < world->outbox_count; i++)
            world_send(world, &world->outbox[i]);
    world->outbox_count = 0;
    if (is_untold) {
        world->crashes++;
        trace(world, is_lost ? 0xdeadu : 0xdead2u);
        broker_stop(world);
        broker_start(world);
        return;
    }
    check_state(world);
}

uint64_t broker_due_ms(const struct world *world) {
    uint64_t due = core_due_ms(world->core);
    uint64_t latest = world->now_ms + HEARTBEAT_MS;
    return due < latest ? due : latest;
}
