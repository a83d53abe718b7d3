// Workers: the real halves of the protocol (link, peer, ends, lag) around calls to the provider.
// What workers/provider/worker.c does between them is done here in the same order.
#include "tests/broker-sim/world.h"
#include "workers/link.h"
#include "workers/provider/ends.h"
#include "workers/provider/lag.h"

#include <stdio.h>

enum { REFUSED_MS = 4000 }; // how long a worker that is not welcome goes on asking

struct call {
    struct held *held;
    struct provided provided;
};

struct worker_process {
    struct link link;
    struct ends ends;
    struct lag lag;
    char name[32];
    uint64_t said_boot, beats_taken;
    uint64_t refused_ms; // since when; 0: it is not
    uint32_t slots;
    struct call calls[64];
};

static struct worker_process workers[WORKERS];

static struct worker_process *self_of(const struct process *process) {
    return &workers[process->at - AT_WORKER];
}

struct link *worker_link(const struct process *process) {
    return &self_of(process)->link;
}

uint32_t worker_held(const struct process *process) {
    const struct worker_process *self = self_of(process);
    return self->ends.running_count + self->ends.ended_count;
}

bool worker_is_refused(const struct process *process) {
    return self_of(process)->refused_ms > 0;
}

void worker_start(struct process *process) {
    struct worker_process *self = self_of(process);
    bool is_lasting = world.is_name_lasting[process->name];
    process->claims = is_lasting ? ++world.claims[process->name] : 0;
    if (is_lasting)
        (void)snprintf(self->name, sizeof(self->name), "worker-%u", process->name);
    else
        (void)snprintf(self->name, sizeof(self->name), "worker-%u.%llu", process->name,
                       (unsigned long long)process->life);
    self->slots = world.swarm.slots;
    self->said_boot = self->beats_taken = self->refused_ms = 0;
    self->lag = (struct lag){0};
    memset(self->calls, 0, sizeof(self->calls));
    const struct hello_head hello = {
        .role = bytes_text("worker"),
        .name = bytes_text(self->name),
        .slots = self->slots,
        .keys = bytes_text("p/k,q/k"),
        .proves_death = is_lasting,
        .life = process->claims,
        .simulated = true,
    };
    (void)link_open(&self->link, "", &hello);
    ends_init(&self->ends, &self->link.peer, self->name);
}

void worker_stop(struct process *process) {
    struct worker_process *self = self_of(process);
    link_close(&self->link, 0);
    ends_release(&self->ends);
}

// ---- calls --------------------------------------------------------------------------------------

static void finish(struct worker_process *self, struct call *call) {
    const struct provided *provided = &call->provided;
    struct call_fact *fact = call_fact(call->held->item.call);
    const struct ending ending = {
        .ended = provided->ended,
        .class = provided->class,
        .reason = provided->reason,
        .status = provided->status,
        .bytes_left = provided->bytes_left,
        .has_begun = provided->has_begun,
        .started_ms = 1,
        .retry_after_ms = provided->retry_after_ms,
        .head = provided->body.size ? bytes_text("x-request-id: 7\r\n") : bytes_of(NULL, 0),
        .body = provided->body,
    };
    TELL("call %llu ends: %s %s %s", (unsigned long long)call_id_counter(fact->call), ending.ended,
         ending.class, ending.reason);
    ends_finish(&self->ends, call->held, &ending);
    fact->digest = call->held->item.digest;
    call->held = NULL;
}

static void hand_back(struct worker_process *self, struct held *held, const char *reason) {
    struct call call = {.held = held};
    call.provided =
        (struct provided){.ended = "not_started", .class = "retryable", .reason = reason};
    finish(self, &call);
}

static struct call *free_call(struct worker_process *self) {
    for (uint32_t i = 0; i < sizeof(self->calls) / sizeof(self->calls[0]); i++)
        if (!self->calls[i].held)
            return &self->calls[i];
    return NULL;
}

static void begin_lease(struct worker_process *self, struct held *held,
                        const struct lease_item *lease, struct bytes line, struct bytes context,
                        uint64_t way_ms) {
    struct call *call = free_call(self);
    check_lease(lease, line, context);
    if (way_ms > lease->limit_ms / 2) {
        hand_back(self, held, "lease_too_old");
        return;
    }
    if (!call || self->ends.running_count + self->ends.ended_count > self->slots) {
        hand_back(self, held, "no_slot");
        return;
    }
    call->held = held;
    provide(lease, line, lease->limit_ms - way_ms, &call->provided);
    TELL("makes call %llu of line %llu", (unsigned long long)call_id_counter(lease->call),
         (unsigned long long)lease->line);
}

static void take_leases(struct process *process, struct message *message) {
    struct worker_process *self = self_of(process);
    struct lease_head head;
    struct lease_item lease;
    PROMISE(wire_head(&message->wire, &head) == ERR_OK, "a lease that cannot be read");
    uint64_t way_ms = lag_take(&self->lag, head.boot, head.stamp_ms, process_clock_ms(process));
    for (uint32_t i = 0; wire_next(&message->wire, &lease) == ERR_OK; i++) {
        if (!peer_takes(&self->link.peer, head.boot, head.process, lease.number))
            continue;
        struct call_fact *fact = call_fact(lease.call);
        PROMISE(fact, "a lease that the broker never marked");
        PROMISE(fact->stored != END_not_started || fact->is_tainted,
                "call %llu is taken after it ended as never received",
                (unsigned long long)call_id_counter(lease.call));
        struct held *held = ends_take(&self->ends, &lease, "");
        if (!held)
            continue;
        fact->taken_life = process->life;
        fact->taken_at = process->at;
        begin_lease(self, held, &lease, message_item_frame(message, i, 0),
                    message_item_frame(message, i, 1), way_ms);
    }
}

static struct call *call_of(struct worker_process *self, struct id id) {
    struct held *held = ends_find(&self->ends, id);
    for (uint32_t i = 0; held && i < sizeof(self->calls) / sizeof(self->calls[0]); i++)
        if (self->calls[i].held == held)
            return &self->calls[i];
    return NULL;
}

static void take_aborts(struct worker_process *self, struct message *message) {
    struct abort_item item;
    while (wire_next(&message->wire, &item) == ERR_OK) {
        struct call *call = call_of(self, item.call);
        if (!call)
            continue;
        bool has_left = call->provided.bytes_left;
        call->provided = (struct provided){.ended = has_left ? "failed" : "not_started",
                                           .class = "retryable",
                                           .reason = "aborted",
                                           .bytes_left = has_left};
        finish(self, call);
    }
}

static void take_stored(struct worker_process *self, struct message *message) {
    struct end_stored_item item;
    while (wire_next(&message->wire, &item) == ERR_OK)
        (void)ends_stored(&self->ends, item.call);
}

static void take_messages(struct process *process) {
    struct worker_process *self = self_of(process);
    struct message *message;
    uint64_t now_ms = process_clock_ms(process);
    while (link_receive(&self->link, now_ms, &message) == ERR_OK) {
        if (message->wire.kind == KIND_lease)
            take_leases(process, message);
        else if (message->wire.kind == KIND_end_stored)
            take_stored(self, message);
        else if (message->wire.kind == KIND_abort)
            take_aborts(self, message);
    }
    if (self->beats_taken == self->link.beats)
        return;
    self->beats_taken = self->link.beats;
    (void)lag_take(&self->lag, self->link.peer.boot, self->link.beat_stamp_ms, now_ms);
}

static void finish_calls(struct worker_process *self) {
    for (uint32_t i = 0; i < sizeof(self->calls) / sizeof(self->calls[0]); i++)
        if (self->calls[i].held && self->calls[i].provided.done_ms <= world.now_ms)
            finish(self, &self->calls[i]);
}

// ---- speaking -----------------------------------------------------------------------------------

static void say_ends(struct process *process) {
    struct worker_process *self = self_of(process);
    struct held *batch[ITEMS_MAX];
    struct bytes frames[2 * ITEMS_MAX];
    const struct end_head head = {.boot = self->link.peer.boot, .process = self->link.peer.process};
    uint32_t count;
    struct buf header;
    buf_init(&header, HEADER_BYTES_MAX);
    while (link_is_joined(&self->link) &&
           (count = ends_batch(&self->ends, process_clock_ms(process), batch)) > 0) {
        struct wire_writer writer;
        wire_begin(&writer, &header, KIND_end, &head, count);
        for (uint32_t i = 0; i < count; i++) {
            wire_item(&writer, &batch[i]->item);
            frames[2 * i] = batch[i]->head;
            frames[2 * i + 1] = batch[i]->body;
        }
        PROMISE(wire_end(&writer) == ERR_OK, "ends that cannot be written");
        (void)sock_send(&self->link.sock, NULL, buf_bytes(&header), frames, 2 * count);
    }
    buf_release(&header);
}

void worker_turn(struct process *process) {
    struct worker_process *self = self_of(process);
    take_messages(process);
    finish_calls(self);
    link_tick(&self->link, process_clock_ms(process));
    uint64_t boot = link_is_joined(&self->link) ? self->link.peer.boot : 0;
    if (boot && boot != self->said_boot)
        ends_rejoined(&self->ends);
    self->said_boot = boot;
    if (process->is_liar && !world.is_healed)
        liar_acts(process);
    say_ends(process);
    if (!self->link.is_refused)
        self->refused_ms = 0;
    else if (self->refused_ms == 0)
        self->refused_ms = world.now_ms;
    else if (world.now_ms - self->refused_ms > REFUSED_MS)
        process_dies("not being welcome");
}

uint64_t worker_due_ms(const struct process *process) {
    const struct worker_process *self = self_of(process);
    uint64_t now_ms = process_clock_ms(process);
    uint64_t due = world.now_ms + (uint64_t)link_rest_ms(&self->link, now_ms);
    if (link_is_joined(&self->link)) {
        uint64_t rest_ms = ends_rest_ms(&self->ends, now_ms);
        if (rest_ms < UINT64_MAX && world.now_ms + rest_ms < due)
            due = world.now_ms + rest_ms;
    }
    for (uint32_t i = 0; i < sizeof(self->calls) / sizeof(self->calls[0]); i++)
        if (self->calls[i].held && self->calls[i].provided.done_ms < due)
            due = self->calls[i].provided.done_ms;
    return due;
}
