// Between the loop and what it writes to and speaks through: what it says may be said only once
// that is durable which it follows from. The linker puts these functions before the journal's.
#include "common/log.h"
#include "common/wire.h"
#include "tests/broker-sim/world.h"
#include "workers/link.h"

enum { PENDING_MAX = 1024 };

enum pending_kind { PENDING_mark, PENDING_end, PENDING_lines };

// What the open transaction will make true.
struct pending {
    enum pending_kind kind;
    uint64_t call; // counter
    uint64_t batch, through;
    uint64_t lapse_ms;
    enum end_kind end;
    bool is_answer, is_possibly_billed, is_counted;
};

static struct {
    struct pending pending[PENDING_MAX];
    uint32_t count;
    bool is_committing; // it died between the two sides of a commit
    struct counters_row before, after;
    uint64_t moves[JOB_STATES][JOB_STATES];
} spy;

void spy_reset(void) {
    spy.count = 0;
    spy.is_committing = false;
    spy.before = spy.after = (struct counters_row){0};
}

uint64_t spy_moves(unsigned from, unsigned to) {
    return spy.moves[from][to];
}

static uint64_t name_hash(struct bytes name) {
    return mix_bytes(1, name.at, name.size);
}

static struct pending *pend(enum pending_kind kind) {
    PROMISE(spy.count < PENDING_MAX, "a turn promises too much");
    struct pending *pending = &spy.pending[spy.count++];
    *pending = (struct pending){.kind = kind};
    return pending;
}

static void become_true(void) {
    for (uint32_t i = 0; i < spy.count; i++) {
        const struct pending *pending = &spy.pending[i];
        struct call_fact *call = &world.calls[pending->call];
        struct job_fact *job = job_fact(call->job);
        switch (pending->kind) {
        case PENDING_mark:
            call->is_marked = true;
            call->may_lapse_ms = call->must_lapse_ms = pending->lapse_ms;
            break;
        case PENDING_lines:
            world.stored_through[pending->batch] = pending->through;
            break;
        case PENDING_end:
            job->counted += pending->is_counted && call->stored == END_none;
            if (call->stored == END_none || call->stored == END_unknown)
                call->stored = pending->end;
            call->is_answer |= pending->is_answer;
            call->is_possibly_billed = pending->is_possibly_billed;
            job->has_answer |= pending->is_answer;
            job->was_maybe_billed |= pending->is_possibly_billed;
            break;
        }
    }
    spy.count = 0;
}

void spy_crashed(void) {
    if (!spy.is_committing)
        spy.count = 0;
}

void spy_restarted(void) {
    struct counters_row now = core_counters(world.loop.core);
    bool is_after = memcmp(&now, &spy.after, sizeof(now)) == 0;
    bool is_before = memcmp(&now, &spy.before, sizeof(now)) == 0;
    PROMISE(is_before || (spy.is_committing && is_after), "the broker starts with other counters");
    if (spy.is_committing && is_after && !is_before) // else it held nothing but blank lines
        become_true();
    spy.before = now;
    spy.count = 0;
    spy.is_committing = false;
}

// ---- the journal --------------------------------------------------------------------------------

void __real_journal_store_job(struct journal *journal, const struct core *core, uint32_t slot,
                              bool is_new);
void __wrap_journal_store_job(struct journal *journal, const struct core *core, uint32_t slot,
                              bool is_new);
void __real_journal_store_batch(struct journal *journal, const struct core *core, uint32_t slot,
                                const struct batch_texts *texts);
void __wrap_journal_store_batch(struct journal *journal, const struct core *core, uint32_t slot,
                                const struct batch_texts *texts);
void __real_journal_put_record(struct journal *journal, const struct core *core, uint32_t slot,
                               const struct record_row *row);
void __wrap_journal_put_record(struct journal *journal, const struct core *core, uint32_t slot,
                               const struct record_row *row);
void __real_journal_commit(struct journal *journal);
void __wrap_journal_commit(struct journal *journal);
void __real_job_move(struct job *job, enum job_state next);
void __wrap_job_move(struct job *job, enum job_state next);

static void spy_mark(const struct core *core, const struct job *job, struct call_fact *call) {
    const struct worker *worker = core_worker(core, job->worker);
    *call = (struct call_fact){.call = job->call, .job = job->number};
    call->limit_ms = world.conf.call_limit_ms;
    call->name = name_hash(bytes_text(worker->name));
    call->claims = worker->life;
    struct pending *pending = pend(PENDING_mark);
    pending->call = call_id_counter(job->call);
    pending->lapse_ms = world.loop.now.mono_ms + call->limit_ms + CALL_MARGIN_MS;
}

void __wrap_journal_store_job(struct journal *journal, const struct core *core, uint32_t slot,
                              bool is_new) {
    const struct job *job = core_job(core, slot);
    struct job_fact *fact = job_fact(job->number);
    if (is_new) { // a number that was lost with its turn is given again
        fact->file = file_of_batch(core_batch(core, job->batch)->id);
        fact->line = job->line;
    }
    if (job_is_marked(job)) {
        uint64_t counter = call_id_counter(job->call);
        PROMISE(counter < CALLS_MAX, "a schedule has too many calls");
        struct call_fact *call = &world.calls[counter];
        if (counter > world.calls_used)
            world.calls_used = counter;
        if (!call->is_marked)
            spy_mark(core, job, call);
    }
    __real_journal_store_job(journal, core, slot, is_new);
}

void __wrap_journal_store_batch(struct journal *journal, const struct core *core, uint32_t slot,
                                const struct batch_texts *texts) {
    const struct batch *batch = core_batch(core, slot);
    PROMISE(batch->number < BATCHES_OPENED_MAX, "a schedule opens too many batches");
    if (batch->number > world.batches_used)
        world.batches_used = (uint32_t)batch->number;
    struct pending *pending = pend(PENDING_lines);
    pending->batch = batch->number;
    pending->through = batch->accepted_through;
    __real_journal_store_batch(journal, core, slot, texts);
}

// An attempt that nobody reported: was its time over?
static void check_lapse(struct call_fact *call, const struct record_item *item,
                        unsigned long long counter) {
    uint64_t now_ms = world.loop.now.mono_ms;
    if (bytes_is(item->ended, "not_started"))
        PROMISE(call->taken_life == 0 || call->is_tainted,
                "call %llu was taken by a worker and ends as never received", counter);
    else
        PROMISE((now_ms >= call->may_lapse_ms && now_ms >= world.excused_until_ms) ||
                    call->is_outlived || call->is_tainted || world.has_two_of_a_name,
                "call %llu is given up %llu ms too early", counter,
                (unsigned long long)(call->may_lapse_ms - now_ms));
}

static enum end_kind end_named(struct bytes name) {
    if (bytes_is(name, "answered"))
        return END_answered;
    if (bytes_is(name, "failed"))
        return END_failed;
    return bytes_is(name, "not_started") ? END_not_started : END_unknown;
}

static void spy_record(const struct record_item *item) {
    struct call_fact *call = call_fact(item->call);
    if (!bytes_is(item->type, "job") || id_is_none(item->call))
        return;
    PROMISE(call || !item->is_answer, "a call that was never made answers job %llu",
            (unsigned long long)item->job);
    if (!call)
        return;
    unsigned long long counter = call_id_counter(item->call);
    TELL("stores the end of call %llu: %.*s %.*s%s", counter, (int)item->ended.size,
         (const char *)item->ended.at, (int)item->class.size, (const char *)item->class.at,
         item->is_answer ? ", the answer" : "");
    if (bytes_is(item->reason, "worker_lost") || bytes_is(item->reason, "lease_lost"))
        check_lapse(call, item, counter);
    struct pending *pending = pend(PENDING_end);
    pending->call = counter;
    pending->end = end_named(item->ended);
    pending->is_answer = item->is_answer;
    pending->is_possibly_billed = item->is_possibly_billed;
    pending->is_counted = bytes_is(item->class, "retryable") && pending->end != END_not_started;
}

void __wrap_journal_put_record(struct journal *journal, const struct core *core, uint32_t slot,
                               const struct record_row *row) {
    struct record_item item;
    enum err e = wire_unpack_item(row->item, KIND_record, &item);
    PROMISE(e == ERR_OK, "a record is written that cannot be read");
    spy_record(&item);
    __real_journal_put_record(journal, core, slot, row);
}

void __wrap_journal_commit(struct journal *journal) {
    spy.after = core_counters(world.loop.core);
    spy.is_committing = true;
    __real_journal_commit(journal);
    spy.is_committing = false;
    spy.before = spy.after;
    become_true();
}

void __wrap_job_move(struct job *job, enum job_state next) {
    spy.moves[job->state][next]++;
    __real_job_move(job, next);
}

// ---- the socket ---------------------------------------------------------------------------------

static void leaves_lease(const struct connection *to, const struct lease_item *lease) {
    const struct process *process = &world.processes[to->process];
    unsigned long long counter = call_id_counter(lease->call);
    struct call_fact *call = call_fact(lease->call);
    PROMISE(call && call->is_marked && id_equal(disk_mark_of(lease->job), lease->call),
            "call %llu leaves without a durable mark", counter);
    PROMISE(!call->has_left, "call %llu is leased twice", counter);
    TELL("leases call %llu (job %llu, lease %llu) to %s", counter, (unsigned long long)lease->job,
         (unsigned long long)lease->number, process_name(process));
    call->has_left = true;
    call->leased_life = process->life;
    call->is_tainted |= process->is_liar;
    check_mark(call);
}

static void leaves_items(const struct connection *to, struct wire_message *message) {
    union {
        struct lease_item lease;
        struct end_stored_item stored;
    } item;
    while (wire_next(message, &item) == ERR_OK) {
        if (message->kind == KIND_lease) {
            leaves_lease(to, &item.lease);
            continue;
        }
        const struct call_fact *call = call_fact(item.stored.call);
        PROMISE(!call || call->stored != END_none || call->is_tainted,
                "the end of call %llu is called stored and is not",
                (unsigned long long)call_id_counter(item.stored.call));
    }
}

static void leaves_lines(const struct wire_message *message) {
    union {
        struct put_stored_head stored;
        struct opened_head opened;
    } head;
    PROMISE(wire_head(message, &head) == ERR_OK, "the broker says what cannot be read");
    uint64_t batch = head.stored.batch, through = head.stored.accepted_through;
    if (message->kind == KIND_opened) {
        batch = head.opened.batch;
        through = head.opened.accepted_through;
    }
    PROMISE(batch == 0 || through <= world.stored_through[batch],
            "lines up to %llu of batch %llu are called stored, and %llu are",
            (unsigned long long)through, (unsigned long long)batch,
            (unsigned long long)world.stored_through[batch]);
}

void spy_leaves(const struct connection *to, struct bytes header, const struct bytes *frames,
                uint32_t count) {
    struct wire_message message;
    (void)frames;
    (void)count;
    PROMISE(wire_open(header, &message) == ERR_OK, "the broker says what cannot be read");
    if (message.kind == KIND_unwelcome)
        return;
    PROMISE(!world.loop.journal.is_open, "a %s leaves before its commit",
            wire_kind(message.kind)->name);
    if (draw_chance(&world.fault_dice, world.swarm.crash_at_send))
        process_dies("power, while it speaks");
    if (message.kind == KIND_lease || message.kind == KIND_end_stored)
        leaves_items(to, &message);
    else if (message.kind == KIND_put_stored || message.kind == KIND_opened)
        leaves_lines(&message);
}

static struct process *speaker(const struct message *message) {
    return &world.processes[world.connections[bytes_u64(message->route.at)].process];
}

// The slot of a successor of that process, which is at work and joined before the process heard the
// broker last: then it was taken for dead and is not. 0: there is none.
static uint32_t successor_of(const struct process *process, uint64_t heard_ms) {
    const struct core *core = world.loop.core;
    for (uint32_t slot = 1; slot <= core_worker_slots(core); slot++) {
        const struct worker *other = core_worker(core, slot);
        if (other->state != WORKER_JOINED || other->life <= process->claims)
            continue;
        for (uint32_t at = AT_WORKER; at < AT_EXTRACTOR; at++) {
            const struct process *successor = &world.processes[at];
            if (successor->life && successor->name == process->name &&
                successor->claims == other->life && successor->greeted_ms > 0 &&
                id_equal(worker_link(successor)->peer.process, other->process) &&
                heard_ms > successor->greeted_ms)
                return slot;
        }
    }
    return 0;
}

// A heartbeat that the broker certainly takes in renews what it names; one that it may take in
// is a reason to wait.
static void hears_heartbeat(const struct message *message) {
    struct heartbeat_head head;
    if (wire_head(&message->wire, &head) != ERR_OK || head.boot != world.loop.boot)
        return;
    uint32_t peer = peers_find(&world.loop.peers, &message->route);
    const struct core_peer *known = core_peer(world.loop.core, peer);
    bool is_certain = peer && known->role == ROLE_worker && id_equal(known->process, head.process);
    const struct process *process = speaker(message);
    uint64_t now_ms = process_clock_ms(&world.processes[AT_BROKER]);
    if (is_certain && process->claims > 0 && !process->is_liar && !world.outliving) {
        world.outliving = successor_of(process, head.beat_ms);
        world.outlived = peer;
    }
    uint64_t until_ms = now_ms + PEER_SILENT_MS + CALL_MARGIN_MS;
    for (size_t i = 0; i + sizeof(struct id) <= head.held.size; i += sizeof(struct id)) {
        struct id id;
        memcpy(id.at, head.held.at + i, sizeof(id.at));
        struct call_fact *call = call_fact(id);
        if (!call)
            continue;
        if (call->must_lapse_ms < until_ms)
            call->must_lapse_ms = until_ms;
        if (is_certain && call->may_lapse_ms < until_ms)
            call->may_lapse_ms = until_ms;
    }
}

static void hears_hello(const struct message *message) {
    struct hello_head head;
    if (wire_head(&message->wire, &head) != ERR_OK || !head.proves_death)
        return;
    speaker(message)->greeted_ms = process_clock_ms(&world.processes[AT_BROKER]);
    uint64_t name = name_hash(head.name);
    for (uint64_t i = 1; i <= world.calls_used; i++)
        if (world.calls[i].claims > 0 && world.calls[i].claims < head.life &&
            world.calls[i].name == name)
            world.calls[i].is_outlived = true;
}

void spy_hears(const struct message *message) {
    if (message->wire.kind == KIND_heartbeat)
        hears_heartbeat(message);
    else if (message->wire.kind == KIND_hello)
        hears_hello(message);
}
