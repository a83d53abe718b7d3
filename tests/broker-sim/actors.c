// Everybody but the broker: workers with the real protocol half, extractors, an accountant with
// a ledger, and a client that submits files through the ingress.
#include "tests/broker-sim/world.h"

const char *const class_names[] = {"success",   "retryable", "rate_limited",
                                   "permanent", "lane_wide", "malformed"};
const char *const ended_names[] = {"", "answered", "failed", "not_started", "unknown"};
enum { SUCCESS, RETRYABLE, RATE_LIMITED, PERMANENT, LANE_WIDE, MALFORMED };
// A request's number is the file's, plus SEAL_REQUESTS for a seal, plus REQUESTS for each request
// that came before: only the answer to the last one is heard.
enum { ASK_AGAIN_MS = 2000, SEAL_REQUESTS = 100, REQUESTS = 1000 };

static struct message make(struct world *world, enum message_kind kind, uint32_t from,
                           uint64_t life) {
    struct message message;
    memset(&message, 0, sizeof(message));
    message.kind = kind;
    message.from = from;
    message.from_life = life;
    message.to = BROKER;
    (void)world;
    return message;
}

static struct peer *peer_of(struct world *world, uint32_t actor) {
    return actor < FIRST_EXTRACTOR ? &world->workers[actor - FIRST_WORKER].peer
                                   : &world->others[actor].peer;
}

static uint64_t *life_at(struct world *world, uint32_t actor) {
    return actor < FIRST_EXTRACTOR ? &world->workers[actor - FIRST_WORKER].life
                                   : &world->others[actor].life;
}

uint64_t life_of(struct world *world, uint32_t actor) {
    return *life_at(world, actor);
}

static uint64_t *back_of(struct world *world, uint32_t actor) {
    return actor < FIRST_EXTRACTOR ? &world->workers[actor - FIRST_WORKER].back_ms
                                   : &world->others[actor].back_ms;
}

static void start(struct world *world, uint32_t actor) {
    struct id process = {{0}};
    *life_at(world, actor) = ++world->lives;
    bytes_put_u64(process.at, *life_at(world, actor));
    peer_init(peer_of(world, actor), process);
}

void actors_start(struct world *world) {
    for (uint32_t actor = FIRST_WORKER; actor < ACTORS; actor++)
        start(world, actor);
}

static void crash(struct world *world, uint32_t actor) {
    trace(world, 0xc0000 + actor);
    *life_at(world, actor) = 0;
    *back_of(world, actor) = world->now_ms + 100 + draw_below(&world->rng, 4000);
    if (actor == FIRST_WORKER && draw_chance(&world->rng, 300))
        *back_of(world, actor) = UINT64_MAX; // it never comes back: only time ends its attempts
    if (actor < FIRST_EXTRACTOR)
        memset(world->workers[actor - FIRST_WORKER].calls, 0,
               sizeof(world->workers[0].calls)); // what it had not handed over is lost
}

// ---- workers ------------------------------------------------------------------------------------

static void send_end(struct world *world, uint32_t actor, struct call *call) {
    struct message message = make(world, SAY_END, actor, *life_at(world, actor));
    message.end = call->end;
    call->resend_ms = world->now_ms + END_RESEND_MS;
    world_send(world, &message);
}

static void finish(struct world *world, uint32_t actor, struct call *call) {
    call->has_ended = true;
    call->end.digest =
        call_id_counter(call->end.call) * 1000003u + call->end.class * 17u + call->end.ended + 1;
    send_end(world, actor, call);
}

// What the provider does with the call, and what it costs: its bill is written as it decides.
static void provide(struct world *world, struct call *call) {
    const struct faults *faults = &world->faults;
    struct rng *rng = &world->rng;
    struct billed *bill = &world->bill[call_id_counter(call->end.call)];
    call->done_ms = world->now_ms + 1 + draw_below(rng, 2500);
    call->end.ended = ENDED_answered;
    call->end.class = SUCCESS;
    call->end.bytes_left = 1;
    if (draw_chance(rng, faults->provider_hang)) {
        call->end.ended = ENDED_failed;
        call->end.class = RETRYABLE;
        call->done_ms = call->limit_ms;
    } else if (draw_chance(rng, faults->provider_cut)) {
        call->end.ended = draw_chance(rng, 500) ? ENDED_failed : ENDED_answered;
        call->end.class = call->end.ended == ENDED_failed ? RETRYABLE : MALFORMED;
    } else if (draw_chance(rng, faults->provider_error)) {
        call->end.class = RETRYABLE;
    } else if (draw_chance(rng, faults->provider_limit)) {
        call->end.class = RATE_LIMITED;
        call->end.retry_after_ms = draw_below(rng, 3000);
    } else if (draw_chance(rng, faults->provider_refusal)) {
        call->end.class = PERMANENT;
    } else if (draw_chance(rng, faults->provider_lane)) {
        call->end.class = LANE_WIDE;
    } else if (draw_chance(rng, faults->provider_error / 2)) {
        call->end.ended = ENDED_not_started;
        call->end.bytes_left = 0;
        call->end.class = RETRYABLE;
    }
    if (call->end.ended == ENDED_not_started)
        return;
    bill->requests++;
    bill->batch = call->end.batch;
    bill->line = call->end.line;
    bill->was_success = call->end.class == SUCCESS;
}

static void take_lease(struct world *world, uint32_t actor, const struct message *lease) {
    struct sim_worker *worker = &world->workers[actor - FIRST_WORKER];
    struct id process = worker->peer.process;
    if (!peer_takes(&worker->peer, lease->boot, process, lease->number))
        return;
    uint32_t at = 0;
    while (at < CALLS_MAX && worker->calls[at].is_used)
        at++;
    PROMISE(world, at < CALLS_MAX, "more leases than slots");
    bool is_held = peer_hold(&worker->peer, lease->call);
    PROMISE(world, is_held, "one call is leased twice to one process");
    struct call *call = &worker->calls[at];
    memset(call, 0, sizeof(*call));
    call->is_used = true;
    call->end.call = lease->call;
    call->end.job = lease->job;
    call->end.line = lease->line;
    call->end.batch = file_of(world, lease->batch);
    call->limit_ms = world->now_ms + lease->limit_ms;
    check_call(world, lease);
    provide(world, call);
}

static struct call *call_of(struct sim_worker *worker, struct id id) {
    for (uint32_t i = 0; i < CALLS_MAX; i++)
        if (worker->calls[i].is_used && id_equal(worker->calls[i].end.call, id))
            return &worker->calls[i];
    return NULL;
}

static void worker_hears(struct world *world, uint32_t actor, const struct message *message) {
    struct sim_worker *worker = &world->workers[actor - FIRST_WORKER];
    struct call *call = call_of(worker, message->call);
    switch (message->kind) {
    case SAY_LEASE:
        take_lease(world, actor, message);
        break;
    case SAY_END_STORED:
        (void)peer_forget(&worker->peer, message->call);
        if (call)
            call->is_used = false;
        break;
    case SAY_ABORT:
        if (call && !call->has_ended) {
            if (call->end.ended != ENDED_not_started)
                call->end.ended = ENDED_failed;
            call->end.class = RETRYABLE;
            finish(world, actor, call);
        }
        break;
    default:
        break;
    }
}

static void worker_runs(struct world *world, uint32_t actor) {
    struct sim_worker *worker = &world->workers[actor - FIRST_WORKER];
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        struct call *call = &worker->calls[i];
        if (!call->is_used)
            continue;
        if (!call->has_ended && call->done_ms <= world->now_ms)
            finish(world, actor, call);
        else if (call->has_ended && call->resend_ms <= world->now_ms)
            send_end(world, actor, call);
    }
}

// ---- extractors and the accountant
// ------------------------------------------------------------------

static void answer(struct world *world, uint32_t actor, const struct message *question,
                   enum message_kind kind, bool flag) {
    struct message message = make(world, kind, actor, *life_at(world, actor));
    message.number = question->number;
    message.job = question->job;
    message.batch = question->batch;
    message.boot = question->boot;
    message.flag = flag;
    world_send(world, &message);
}

static void accountant_hears(struct world *world, const struct message *message) {
    bool has_answer = false;
    switch (message->kind) {
    case SAY_PREPARE:
        answer(world, ACCOUNTANT, message, SAY_PREPARED, false);
        break;
    case SAY_KEY_ASK: {
        uint32_t file = file_of(world, message->batch);
        answer(world, ACCOUNTANT, message, SAY_KEY_KNOWN,
               file < BATCHES && world->ledger.is_settled[file]);
        break;
    }
    case SAY_RECORD:
        check_record(world, &message->record, &has_answer);
        if (message->number > world->ledger.applied)
            world->ledger.applied = message->number;
        answer(world, ACCOUNTANT, message, SAY_RECORDED, has_answer);
        break;
    default:
        break;
    }
}

// ---- the client
// -------------------------------------------------------------------------------------

static void submit_more(struct world *world, uint32_t file_at) {
    struct file *file = &world->files[file_at];
    struct message message = make(world, SAY_OPEN, INGRESS, world->others[INGRESS].life);
    message.line = file_at;
    message.number = file_at + ++file->asked * REQUESTS;
    file->resend_ms = world->now_ms + ASK_AGAIN_MS;
    if (!file->is_opened) {
        world_send(world, &message);
        return;
    }
    message.batch = file->number;
    if (!file->is_cancelled && draw_chance(&world->rng, world->faults.cancel)) {
        file->is_cancelled = true;
        message.kind = SAY_CANCEL;
        world_send(world, &message);
    }
    if (file->accepted == file->count) {
        message.kind = SAY_SEAL;
        message.number += SEAL_REQUESTS;
        message.last = file->count;
        message.digest = prefix_digest(file_at, file->count);
        world_send(world, &message);
        return;
    }
    message.kind = SAY_PUT;
    message.first = file->accepted + 1;
    message.last = file->accepted + 1 + draw_below(&world->rng, SIM_CHUNK_MAX);
    if (message.last > file->count)
        message.last = file->count;
    message.digest = prefix_digest(file_at, message.first - 1);
    message.digest_after = prefix_digest(file_at, message.last);
    world_send(world, &message);
}

static void client_hears(struct world *world, const struct message *message) {
    uint32_t file_at = (uint32_t)(message->number % SEAL_REQUESTS);
    struct file *file = &world->files[file_at];
    bool is_seal = message->number % REQUESTS >= SEAL_REQUESTS;
    if (message->number / REQUESTS != file->asked)
        return;
    if (message->kind == SAY_OPENED && message->batch) {
        file->is_opened = true;
        file->number = message->batch;
        file->accepted = message->last;
        submit_more(world, file_at);
    } else if (message->kind == SAY_OPENED && message->flag) {
        file->is_sealed = true; // only the ledger has it: it is settled
    } else if (message->kind == SAY_PUT_STORED && message->batch == 0) {
        if (file->is_sealed || !file->is_opened)
            return;
        file->is_opened = false; // the broker does not know it: open it again
    } else if (message->kind == SAY_PUT_STORED && message->batch == file->number) {
        if (message->last > file->accepted)
            file->accepted = message->last;
        if (!message->flag && is_seal)
            file->is_sealed = true;
        if (message->line) {
            file->is_sealed = true; // cancelling sealed it: no further line is taken
            file->count = file->accepted;
        }
        if (!file->is_sealed)
            submit_more(world, file_at);
    }
}

// ---- all of them
// --------------------------------------------------------------------------------------

static void say_what_is_due(struct world *world, uint32_t actor) {
    struct peer *peer = peer_of(world, actor);
    enum peer_say say = peer_due(peer, world->now_ms);
    if (say == SAY_nothing)
        return;
    struct message message =
        make(world, say == SAY_hello ? SAY_HELLO : SAY_HEARTBEAT, actor, *life_at(world, actor));
    message.boot = peer->boot;
    message.seen = peer->seen;
    struct bytes named = peer_named(peer);
    message.held_count = (uint32_t)(named.size / sizeof(struct id));
    PROMISE(world, message.held_count <= CALLS_MAX * 2, "a worker holds more than its slots");
    if (named.size > 0)
        memcpy(message.held, named.at, named.size);
    world_send(world, &message);
}

void actor_hears(struct world *world, const struct message *message) {
    uint32_t actor = message->to;
    struct peer *peer = peer_of(world, actor);
    if (*life_at(world, actor) == 0 || message->to_life != *life_at(world, actor))
        return;
    peer_heard(peer, world->now_ms);
    switch (message->kind) {
    case SAY_WELCOME:
        (void)peer_welcomed(peer, message->boot, message->number, world->now_ms);
        return;
    case SAY_UNWELCOME:
        peer_unknown(peer, world->now_ms);
        return;
    case SAY_BEAT:
        peer_saw(peer, message->boot, peer->process, message->number);
        return;
    default:
        break;
    }
    if (actor < FIRST_EXTRACTOR)
        worker_hears(world, actor, message);
    else if (actor < ACCOUNTANT && message->kind == SAY_EXTRACT)
        answer(world, actor, message, SAY_EXTRACTED, false);
    else if (actor == ACCOUNTANT)
        accountant_hears(world, message);
    else if (actor == INGRESS)
        client_hears(world, message);
}

void actors_run(struct world *world) {
    for (uint32_t actor = FIRST_WORKER; actor < ACTORS; actor++) {
        if (*life_at(world, actor) == 0) {
            if (*back_of(world, actor) <= world->now_ms)
                start(world, actor);
            continue;
        }
        uint32_t chance =
            actor < FIRST_EXTRACTOR ? world->faults.worker_crash : world->faults.other_crash;
        if (chance && draw_below(&world->rng, 100000) < chance) {
            crash(world, actor);
            continue;
        }
        say_what_is_due(world, actor);
        if (actor < FIRST_EXTRACTOR)
            worker_runs(world, actor);
    }
    for (uint32_t file = 0; file < BATCHES; file++)
        if (world->others[INGRESS].life && !world->files[file].is_sealed &&
            world->files[file].resend_ms <= world->now_ms)
            submit_more(world, file);
}
