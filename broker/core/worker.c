// Peers and workers: who is there, which calls they name, and which of them get a lease.
#include "broker/core/state.h"

#include <assert.h>

static enum role role_named(struct bytes name) {
    static const struct {
        const char *name;
        enum role role;
    } roles[] = {
        {"ingress", ROLE_ingress},
        {"worker", ROLE_worker},
        {"extractor", ROLE_extractor},
        {"accountant", ROLE_accountant},
    };
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (bytes_is(name, roles[i].name))
            return roles[i].role;
    return ROLE_none;
}

static void refuse(struct core *core, uint32_t peer, const char *why) {
    struct effect *effect = emit(core, EFFECT_send_unwelcome);
    effect->peer = peer;
    effect->why = why;
    core->peers[peer] = (struct core_peer){0};
}

static struct bytes name_of(const struct worker *worker) {
    return bytes_text(worker->name);
}

// Provider keys as "provider/alias,provider/alias": a bit for each.
static uint64_t keys_of(struct core *core, struct bytes list) {
    uint64_t keys = 0;
    size_t from = 0;
    while (from < list.size) {
        size_t slash = from, end;
        while (slash < list.size && list.at[slash] != '/' && list.at[slash] != ',')
            slash++;
        end = slash;
        while (end < list.size && list.at[end] != ',')
            end++;
        if (slash < end) {
            uint32_t key = key_intern(core, bytes_of(list.at + from, slash - from),
                                      bytes_of(list.at + slash + 1, end - slash - 1));
            if (key < KEYS_MAX)
                keys |= 1ull << key;
        }
        from = end + 1;
    }
    return keys;
}

// Whether a connection is there over which the process may still speak: it may have had several.
static bool may_speak(const struct core *core, const struct worker *worker) {
    uint32_t self = (uint32_t)(worker - core->workers);
    for (uint32_t peer = 1; peer < PEERS_MAX; peer++)
        if (core->peers[peer].role == ROLE_worker && core->peers[peer].worker == self)
            return true;
    return false;
}

void worker_drop_if_idle(struct core *core, struct worker *worker) {
    if (worker->marks > 0)
        return;
    if (worker->is_stored) {
        worker->is_stored = 0;
        worker->is_dirty = 1; // its row is to be deleted
    }
    // One that is only away keeps its slot: the numbers of its leases go on when it is back.
    // One that was replaced keeps it until it is gone for good: should it speak, it is known.
    if (worker->state == WORKER_REPLACED && !may_speak(core, worker))
        worker->state = WORKER_FREE;
}

// Whether nobody speaks under a slot any more: away, or turned away and silent since.
static bool is_abandoned(const struct core *core, const struct worker *slot) {
    bool is_turned_away = slot->state == WORKER_REPLACED || slot->state == WORKER_REFUSED;
    return slot->state == WORKER_AWAY ||
           (is_turned_away && core->now_ms - slot->heard_ms > PEER_SILENT_MS);
}

// Whether a slot may be given to another process: free, or of one that was silent the longest.
static bool is_better(const struct core *core, const struct worker *slot,
                      const struct worker *than) {
    if (slot->is_dirty || slot->marks > 0)
        return false;
    if (slot->state == WORKER_FREE)
        return !than || than->state != WORKER_FREE;
    return is_abandoned(core, slot) &&
           (!than || (than->state != WORKER_FREE && slot->heard_ms < than->heard_ms));
}

// The slot of a process: the one that it has, or a new one.
static struct worker *worker_of_process(struct core *core, struct id process) {
    struct worker *unused = NULL;
    for (uint32_t slot = 1; slot <= core->worker_used; slot++) {
        struct worker *worker = &core->workers[slot];
        if (worker->state != WORKER_FREE && id_equal(worker->process, process))
            return worker;
        if (is_better(core, worker, unused))
            unused = worker;
    }
    bool is_free = unused && unused->state == WORKER_FREE;
    if (!is_free && core->worker_used + 1 < WORKERS_MAX)
        unused = &core->workers[++core->worker_used];
    if (unused)
        *unused = (struct worker){.process = process};
    return unused;
}

// Every open attempt of a process that is dead ends `unknown`, within the next ticks.
static void lapse_all(struct core *core, struct worker *worker) {
    for (uint32_t slot = worker->first_mark; slot; slot = core->jobs[slot].mark_next)
        timer_set(core, &core->jobs[slot], core->now_ms);
}

// A new process under a name that is locked on its host proves that the one before it is dead.
static void replace_earlier(struct core *core, const struct worker *worker) {
    for (uint32_t slot = 1; slot <= core->worker_used; slot++) {
        struct worker *earlier = &core->workers[slot];
        if (earlier == worker || earlier->state == WORKER_FREE ||
            !bytes_equal(name_of(earlier), name_of(worker)))
            continue;
        // The moment by which it must have died. The successor's next hello changes nothing.
        if (earlier->state != WORKER_REPLACED)
            earlier->heard_ms = core->now_ms;
        earlier->state = WORKER_REPLACED;
        lapse_all(core, earlier);
        worker_drop_if_idle(core, earlier);
    }
}

// A worker that has a lane's key may be what a held lane was waiting for.
static void probe_lanes(struct core *core, const struct worker *worker) {
    for (uint32_t slot = 1; slot <= core->lane_used; slot++) {
        struct lane *lane = &core->lanes[slot];
        if (lane->state == LANE_held && (worker->keys >> lane->key_index & 1)) {
            lane->probe_due_ms = core->now_ms;
            lane->probe_interval_ms = PROBE_BASE_MS;
        }
    }
}

// Whether a later process of the same name has joined: then this hello came late, from a dead one.
static bool is_outlived(const struct core *core, const struct hello_head *hello) {
    for (uint32_t slot = 1; slot <= core->worker_used; slot++) {
        const struct worker *other = &core->workers[slot];
        if (other->state != WORKER_FREE && other->life > hello->life &&
            bytes_equal(name_of(other), hello->name))
            return true;
    }
    return false;
}

static void join_worker(struct core *core, const struct event *event) {
    const struct hello_head *hello = event->join;
    if (hello->proves_death && is_outlived(core, hello)) {
        refuse(core, event->peer, "name_in_use");
        return;
    }
    struct worker *worker = worker_of_process(core, hello->process);
    if (!worker) {
        refuse(core, event->peer, "too_many_workers");
        return;
    }
    if (worker->state == WORKER_REPLACED || worker->state == WORKER_REFUSED) {
        if (worker->state == WORKER_REFUSED)
            worker->heard_ms = core->now_ms; // its slot stays its own as long as it asks
        refuse(core, event->peer, "name_in_use");
        return;
    }
    uint64_t keys = keys_of(core, hello->keys);
    bool is_new = worker->state != WORKER_JOINED || (keys & ~worker->keys) != 0;
    worker->state = WORKER_JOINED;
    worker->peer = event->peer;
    worker->slots = (uint32_t)hello->slots;
    worker->keys = keys;
    worker->life = hello->proves_death ? hello->life : 0;
    worker->heard_ms = core->now_ms;
    size_t size = hello->name.size < NAME_BYTES_MAX ? hello->name.size : NAME_BYTES_MAX;
    memcpy(worker->name, hello->name.at, size);
    worker->name[size] = 0;
    core->peers[event->peer].worker = (uint32_t)(worker - core->workers);
    if (hello->proves_death)
        replace_earlier(core, worker);
    if (is_new)
        probe_lanes(core, worker);
}

// recorded ≤ applied ≤ issued, and the same journal, else one of the two files was restored.
static bool ledger_fits(const struct core *core, const struct hello_head *hello) {
    if (!id_is_none(hello->journal) && !id_equal(hello->journal, core->config.journal))
        return false;
    return core->counters.recorded <= hello->applied && hello->applied <= core->counters.issued;
}

// Whether the accountant that joined last is that process, or another that lives. Then a ledger
// that does not fit was never restored under it: the hello is an old one, which was long on its way
// over another connection, perhaps for so long that the process counts as gone. Who still lives
// says it again, with what it has by now.
static bool has_worked(const struct core *core, struct id process) {
    return id_equal(core->accountant_process, process);
}

static bool is_another_at_work(const struct core *core, uint32_t peer) {
    return core->accountant && core->accountant != peer &&
           core->now_ms - core->peers[core->accountant].heard_ms <= PEER_SILENT_MS;
}

static void join_accountant(struct core *core, const struct event *event) {
    bool fits = ledger_fits(core, event->join);
    if (!fits && has_worked(core, event->join->process))
        return;
    if (!fits && is_another_at_work(core, event->peer)) {
        refuse(core, event->peer, "another_accountant");
        return;
    }
    if (!fits) {
        refuse(core, event->peer,
               event->join->applied < core->counters.recorded ? "ledger_is_older_than_journal"
                                                              : "journal_is_older_than_ledger");
        emit(core, EFFECT_alarm)->why = "journal and ledger are not of one moment";
        return;
    }
    if (core->accountant && core->accountant != event->peer)
        records_lost(core, core->accountant, ROLE_accountant);
    core->accountant = event->peer;
    core->accountant_process = event->join->process;
    if (event->join->slots == 0)
        records_lost(core, event->peer, ROLE_accountant); // closed: it drops what it was sent
}

void on_join(struct core *core, const struct event *event) {
    const struct hello_head *hello = event->join;
    struct core_peer *peer = &core->peers[event->peer];
    enum role role = role_named(hello->role);
    bool is_same = peer->role == role && id_equal(peer->process, hello->process);
    if (role == ROLE_none) {
        refuse(core, event->peer, "unknown_role");
        return;
    }
    if (!is_same)
        *peer = (struct core_peer){.role = (uint8_t)role, .process = hello->process};
    peer->slots = (uint32_t)hello->slots;
    peer->heard_ms = core->now_ms;
    if (role == ROLE_worker)
        join_worker(core, event);
    else if (role == ROLE_accountant)
        join_accountant(core, event);
}

// A hello of a process that died may come after its successor's: then that one is still there.
static uint32_t another_accountant(const struct core *core) {
    for (uint32_t peer = 1; peer < PEERS_MAX; peer++)
        if (core->peers[peer].role == ROLE_accountant)
            return peer;
    return 0;
}

void on_left(struct core *core, const struct event *event) {
    struct core_peer *peer = &core->peers[event->peer];
    if (peer->role == ROLE_worker) {
        struct worker *worker = &core->workers[peer->worker];
        peer->role = ROLE_none;
        if (worker->peer == event->peer) {
            worker->peer = 0;
            if (worker->state == WORKER_JOINED)
                worker->state = WORKER_AWAY;
        }
        worker_drop_if_idle(core, worker);
    } else if (peer->role == ROLE_extractor || peer->role == ROLE_accountant) {
        records_lost(core, event->peer, (enum role)peer->role);
    }
    *peer = (struct core_peer){0};
    opened_by_nobody(core, event->peer);
    if (core->accountant == event->peer)
        core->accountant = another_accountant(core);
}

// Stamps the open attempts that a heartbeat names; counts the calls that are none of ours.
static void stamp_named(struct core *core, struct worker *worker, struct bytes held) {
    uint32_t self = (uint32_t)(worker - core->workers);
    worker->foreign = 0;
    for (size_t i = 0; i + sizeof(struct id) <= held.size; i += sizeof(struct id)) {
        struct id call;
        memcpy(call.at, held.at + i, sizeof(call.at));
        struct job *job = &core->jobs[mark_find(core, call)];
        if (job == core->jobs || job->worker != self) {
            worker->foreign++;
            continue;
        }
        job->named = worker->beats;
        if (job->state != JOB_LEASED && has_room(core, 1))
            call_off(core, job); // the first word of it may have been lost
        uint64_t renewed = core->now_ms + PEER_SILENT_MS + CALL_MARGIN_MS;
        // What one who is known to be dead said before is no reason to wait for it.
        if (worker->state != WORKER_REPLACED && job->due_ms < renewed)
            timer_set(core, job, renewed);
    }
}

// Ends what was never received: leases of this boot at or below what was seen, and, by the first
// heartbeat to this boot, leases of older boots; each unless it is named.
static void settle_unnamed(struct core *core, struct worker *worker, uint64_t seen) {
    for (uint32_t slot = worker->first_mark; slot; slot = core->jobs[slot].mark_next) {
        struct job *job = &core->jobs[slot];
        bool is_ours = bytes_u64(job->call.at + 8) == core->config.boot;
        if (job->named == worker->beats)
            continue;
        if (is_ours ? job->lease_number > seen : worker->is_settled)
            continue;
        job->lapse = LAPSE_not_started;
        timer_set(core, job, core->now_ms);
    }
    worker->is_settled = 1;
}

// A process that was taken for dead has heard us since: then its successor's claim was false. What
// it only said may have been on its way for any time, and prove nothing.
static void zombie_speaks(struct core *core, const struct worker *zombie) {
    for (uint32_t slot = 1; slot <= core->worker_used; slot++) {
        struct worker *successor = &core->workers[slot];
        if (successor != zombie && successor->state == WORKER_JOINED &&
            bytes_equal(name_of(successor), name_of(zombie))) {
            successor->state = WORKER_REFUSED;
            emit(core, EFFECT_alarm)->why = "two processes live under one worker name";
            // It is told, and not forgotten: what it still has to hand over is taken from it.
            struct effect *told = emit(core, EFFECT_send_unwelcome);
            told->peer = successor->peer;
            told->why = "name_in_use";
        }
    }
}

void on_heartbeat(struct core *core, const struct event *event) {
    const struct heartbeat_head *head = event->heartbeat;
    struct core_peer *peer = &core->peers[event->peer];
    if (head->boot != core->config.boot || !id_equal(head->process, peer->process))
        return; // meant for another boot, or from somebody else
    uint64_t sent = 0;
    if (peer->role == ROLE_worker) {
        struct worker *worker = &core->workers[peer->worker];
        if (!id_equal(worker->process, head->process))
            return; // the process was replaced, and its slot given to another
        if (worker->state == WORKER_REPLACED && head->beat_ms > worker->heard_ms)
            zombie_speaks(core, worker);
        if (worker->state != WORKER_REPLACED)
            worker->heard_ms = core->now_ms;
        // It speaks over this connection; a late hello may have named another one, gone since then.
        if (worker->state == WORKER_AWAY || worker->state == WORKER_JOINED) {
            worker->state = WORKER_JOINED;
            worker->peer = event->peer;
        }
        worker->beats++;
        // Its slot was given away while it was gone: its numbers go on from what it has seen.
        if (head->seen > worker->leases && head->seen <= core->counters.calls)
            worker->leases = head->seen;
        stamp_named(core, worker, head->held);
        settle_unnamed(core, worker, head->seen);
        sent = worker->leases;
    }
    struct effect *effect = emit(core, EFFECT_send_beat);
    effect->peer = event->peer;
    effect->number = sent;
}

bool worker_is_present(const struct core *core, const struct worker *worker) {
    // Before its first heartbeat it is not known which leases it has seen.
    return worker->state == WORKER_JOINED && worker->is_settled &&
           core->now_ms - worker->heard_ms <= PEER_SILENT_MS;
}

uint32_t worker_free_slots(const struct worker *worker) {
    uint32_t used = worker->marks + worker->foreign;
    return used < worker->slots ? worker->slots - used : 0;
}

// The present worker with the lane's key and the most free slots; NULL says why there is none.
struct worker *worker_for(struct core *core, const struct lane *lane, enum reason *why) {
    struct worker *best = NULL;
    *why = REASON_no_worker;
    for (uint32_t slot = 1; slot <= core->worker_used; slot++) {
        struct worker *worker = &core->workers[slot];
        if (!worker_is_present(core, worker))
            continue;
        bool has_key = worker->keys >> lane->key_index & 1;
        if (*why != REASON_workers_busy)
            *why = has_key ? REASON_workers_busy : REASON_no_key;
        if (!has_key)
            continue;
        if (worker_free_slots(worker) > 0 &&
            (!best || worker_free_slots(worker) > worker_free_slots(best)))
            best = worker;
    }
    if (best)
        *why = REASON_none;
    return best;
}
