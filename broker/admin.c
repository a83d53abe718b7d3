// Answers to queries: the live state, as JSON, and the decisions of people about lanes and batches.
#include "broker/jobs.h"
#include "broker/resume.h"
#include "broker/wait.h"
#include "common/id.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <sysexits.h>

// ---- lanes
// ----------------------------------------------------------------------------------------

static uint32_t find_lane(const struct loop *loop, const char *name, struct reply *reply) {
    for (uint32_t slot = 1; slot <= core_lane_slots(loop->core); slot++) {
        const struct lane *lane = core_lane(loop->core, slot);
        char at[512];
        (void)snprintf(at, sizeof(at), "%s/%s/%s", lane->provider, lane->key, lane->model);
        if (strcmp(at, name) == 0)
            return slot;
    }
    reply_fail(reply, EX_UNAVAILABLE, "no lane '%.*s': `colloq lane list` names them",
               text_fit(name, 200), name);
    return 0;
}

// ---- batches
// ----------------------------------------------------------------------------------------

static json_t *batch_json(struct loop *loop, uint32_t slot) {
    static const char *const priorities[PRIORITIES] = {"high", "normal", "low"};
    const struct batch *batch = core_batch(loop->core, slot);
    const uint64_t *states = batch->states;
    json_t *body = json_object();
    json_t *counts = json_object();
    put(counts, "waiting", number(states[JOB_WAITING]));
    put(counts, "ready", number(states[JOB_READY] + states[JOB_PREPARING] + states[JOB_PREPARED]));
    put(counts, "leased",
        number(states[JOB_LEASED] + states[JOB_ABORTING] + states[JOB_OVERTAKEN]));
    put(counts, "delayed", number(states[JOB_DELAYED]));
    put(counts, "ended", number(states[JOB_ENDED]));
    put(counts, "answered", number(batch->answered));
    put(counts, "dead", number(batch->dead));
    put(counts, "parked", number(batch->parked));
    put(counts, "cancelled", number(batch->cancelled));
    put(counts, "revived", number(batch->revived));
    put(counts, "kept", number(states[JOB_DEAD] + states[JOB_PARKED]));
    put(counts, "refused", number(batch->refused));
    put(body, "batch", uuid(batch->id));
    put(body, "number", number(batch->number));
    put(body, "state", text(loop_batch_state(batch, batch->state)));
    put(body, "lines", number(batch->accepted_through));
    put(body, "sealed", json_boolean(batch->state != BATCH_OPEN));
    put(body, "jobs", number(batch->jobs));
    put(body, "counts", counts);
    put(body, "billed", text(billed_name((enum billed_policy)batch->billed)));
    put(body, "unanswered", text(unanswered_name((enum unanswered_policy)batch->unanswered)));
    put(body, "attempts_max", number(batch->attempts_max));
    put(body, "priority", text(priorities[batch->priority]));
    put(body, "attempts_open", number(batch->attempts_open));
    put(body, "unrecorded", number(batch->unsettled));
    put(body, "waits_for", waits_json(loop, slot));
    return body;
}

static void batch_live(struct loop *loop, const json_t *arguments, struct reply *reply) {
    uint32_t slot = reply_batch(loop, argument(arguments, "batch"), reply);
    if (slot)
        reply->body = batch_json(loop, slot);
}

static void batch_list(struct loop *loop, const json_t *arguments, struct reply *reply) {
    (void)arguments;
    json_t *list = json_array();
    for (uint32_t slot = 1; slot <= core_batch_slots(loop->core); slot++) {
        uint8_t state = core_batch(loop->core, slot)->state;
        if (state >= BATCH_OPEN && state != BATCH_GONE)
            (void)json_array_append_new(list, batch_json(loop, slot));
    }
    reply->body = json_object();
    put(reply->body, "batches", list);
}

static void decide_for(struct loop *loop, enum event_kind kind, uint32_t slot) {
    struct event event = {.kind = kind, .slot = slot};
    loop_step(loop, &event, NULL, 0);
}

static void batch_cancel(struct loop *loop, const json_t *arguments, struct reply *reply) {
    uint32_t slot = reply_batch(loop, argument(arguments, "batch"), reply);
    if (!slot)
        return;
    decide_for(loop, EVENT_cancel_batch, slot);
    reply->body = batch_json(loop, slot);
}

// ---- lanes, jobs, everything
// ------------------------------------------------------------------------

static json_t *lane_json(const struct loop *loop, const struct lane *lane) {
    json_t *body = json_object();
    char name[512];
    const char *state = lane->state == LANE_paused ? "paused"
                        : lane->state == LANE_open ? "open"
                        : lane->probe_job          ? "probing"
                                                   : "held";
    uint64_t now = loop->now.mono_ms;
    (void)snprintf(name, sizeof(name), "%s/%s/%s", lane->provider, lane->key, lane->model);
    put(body, "lane", text(name));
    put(body, "provider", text(lane->provider));
    put(body, "key", text(lane->key));
    put(body, "model", text(lane->model));
    put(body, "state", text(state));
    put(body, "reason", text(lane->held_reason));
    put(body, "detail", text(lane->held_detail));
    put(body, "waits_for", text(reason_name((enum reason)lane->wait)));
    put(body, "concurrency", number(lane->concurrency));
    put(body, "in_flight", number(lane->marks));
    put(body, "waiting", number(lane->waiting + lane->window));
    put(body, "next_probe_ms",
        number(lane->state == LANE_held && lane->probe_due_ms > now ? lane->probe_due_ms - now
                                                                    : 0));
    return body;
}

static json_t *lanes_json(const struct loop *loop) {
    json_t *list = json_array();
    for (uint32_t slot = 1; slot <= core_lane_slots(loop->core); slot++)
        (void)json_array_append_new(list, lane_json(loop, core_lane(loop->core, slot)));
    return list;
}

static void lane_list(struct loop *loop, const json_t *arguments, struct reply *reply) {
    (void)arguments;
    reply->body = json_object();
    put(reply->body, "lanes", lanes_json(loop));
}

static void lane_decide(struct loop *loop, const json_t *arguments, struct reply *reply,
                        enum event_kind kind) {
    uint32_t slot = find_lane(loop, argument(arguments, "lane"), reply);
    if (!slot)
        return;
    decide_for(loop, kind, slot);
    reply->body = lane_json(loop, core_lane(loop->core, slot));
}

static void lane_pause(struct loop *loop, const json_t *arguments, struct reply *reply) {
    lane_decide(loop, arguments, reply, EVENT_pause_lane);
}

static void lane_resume(struct loop *loop, const json_t *arguments, struct reply *reply) {
    lane_decide(loop, arguments, reply, EVENT_resume_lane);
}

static json_t *peers_json(const struct loop *loop) {
    static const char *const roles[] = {
        [ROLE_none] = "none",           [ROLE_ingress] = "ingress",       [ROLE_worker] = "worker",
        [ROLE_extractor] = "extractor", [ROLE_accountant] = "accountant",
    };
    json_t *list = json_array();
    for (uint32_t i = 1; i <= loop->peers.used; i++) {
        const struct peer_entry *entry = &loop->peers.entries[i];
        const struct core_peer *peer = core_peer(loop->core, i);
        if (!entry->is_used || peer->role == ROLE_none)
            continue;
        const struct worker *worker = core_worker(loop->core, peer->worker);
        json_t *body = json_object();
        put(body, "role", text(roles[peer->role]));
        put(body, "name", text(entry->name));
        put(body, "host", text(entry->host));
        put(body, "state", text("joined"));
        put(body, "slots", number(peer->slots));
        put(body, "held", number(peer->role == ROLE_worker ? worker->marks : peer->out));
        put(body, "has_key", json_boolean(peer->role == ROLE_worker && worker->keys != 0));
        put(body, "cpu_us", number(entry->cpu_us));
        (void)json_array_append_new(list, body);
    }
    return list;
}

// What the workers of one host add up to.
struct host_sum {
    const char *name;
    uint64_t workers, away, slots, in_flight, cpu_us, cpu_percent, heard_ms;
};

static void add_worker(struct host_sum *sum, const struct worker *worker, const struct seat *seat) {
    bool is_here = worker->state == WORKER_JOINED;
    sum->in_flight += worker->marks;
    sum->workers += is_here;
    sum->away += !is_here;
    if (worker->heard_ms > sum->heard_ms)
        sum->heard_ms = worker->heard_ms;
    if (!is_here)
        return;
    sum->slots += worker->slots;
    sum->cpu_us += seat->cpu_us;
    sum->cpu_percent += seat->cpu_percent;
}

// One that is gone is worth a row while calls of it are open, and for some minutes.
static bool has_row(const struct loop *loop, const struct worker *worker) {
    enum { GONE_SHOWN_MS = 10 * 60 * 1000 };
    return worker->state == WORKER_JOINED || worker->marks > 0 ||
           (worker->state == WORKER_AWAY && worker->heard_ms > 0 &&
            loop->now.mono_ms - worker->heard_ms < GONE_SHOWN_MS);
}

static json_t *host_json(const struct loop *loop, const struct host_sum *sum) {
    json_t *body = json_object();
    put(body, "host", text(sum->name));
    put(body, "workers", number(sum->workers));
    put(body, "away", number(sum->away));
    put(body, "slots", number(sum->slots));
    put(body, "in_flight", number(sum->in_flight));
    put(body, "cpu_us", number(sum->cpu_us));
    put(body, "cpu_percent", number(sum->cpu_percent));
    put(body, "silent_ms", sum->heard_ms ? number(loop->now.mono_ms - sum->heard_ms) : json_null());
    return body;
}

// A row a host with workers; the empty name: those that have not come back since the start.
static json_t *hosts_json(const struct loop *loop) {
    struct host_sum sums[WORKERS_MAX];
    size_t count = 0;
    json_t *list = json_array();
    for (uint32_t slot = 1; slot <= core_worker_slots(loop->core); slot++) {
        const struct worker *worker = core_worker(loop->core, slot);
        const struct seat *seat = &loop->peers.seats[slot];
        size_t i = 0;
        if (!has_row(loop, worker))
            continue;
        while (i < count && strcmp(sums[i].name, seat->host) != 0)
            i++;
        if (i == count)
            sums[count++] = (struct host_sum){.name = seat->host};
        add_worker(&sums[i], worker, seat);
    }
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, host_json(loop, &sums[i]));
    return list;
}

static json_t *counts_json(const struct loop *loop) {
    uint64_t states[JOB_STATES] = {0};
    json_t *body = json_object();
    for (uint32_t slot = 1; slot <= core_batch_slots(loop->core); slot++)
        for (int state = 0; state < JOB_STATES; state++)
            states[state] += core_batch(loop->core, slot)->states[state];
    for (int state = JOB_WAITING; state < JOB_GONE; state++)
        put(body, job_state_name((enum job_state)state), number(states[state]));
    return body;
}

// bytes: pages in use, which may grow to room; budget is for these and the write-ahead log.
static json_t *journal_json(struct loop *loop) {
    const struct reserve *reserve = &loop->reserve;
    json_t *body = json_object();
    put(body, "bytes", number(journal_used_bytes(&loop->journal)));
    put(body, "room", number(loop->pages_bytes_max));
    put(body, "budget", number(loop->limits.budget_bytes));
    put(body, "disk_bytes", number(journal_disk_bytes(&loop->journal)));
    put(body, "disk_free", number(reserve->free_bytes));
    put(body, "is_closed", json_boolean(reserve->is_closed));
    put(body, "needs", number(reserve->is_closed ? reserve_needs(reserve) : 0));
    put(body, "commits", number(loop->journal.commits));
    return body;
}

static void stat_all(struct loop *loop, const json_t *arguments, struct reply *reply) {
    (void)arguments;
    struct counters_row counters = core_counters(loop->core);
    char boot[17];
    (void)snprintf(boot, sizeof(boot), "%016llx", (unsigned long long)loop->boot);
    reply->body = json_object();
    put(reply->body, "boot", text(boot));
    put(reply->body, "simulated", json_boolean(loop->is_simulated));
    put(reply->body, "uptime_ms", number(loop->now.mono_ms - loop->started_ms));
    put(reply->body, "cpu_us", number(clock_cpu_us()));
    put(reply->body, "turns", number(loop->turns));
    put(reply->body, "messages", number(loop->messages));
    put(reply->body, "catalogue", text(loop->catalogue_hash));
    put(reply->body, "jobs", counts_json(loop));
    put(reply->body, "jobs_put", number(counters.jobs));
    put(reply->body, "calls_marked", number(counters.calls));
    put(reply->body, "records_issued", number(counters.issued));
    put(reply->body, "records_pending", number(core_records_pending(loop->core)));
    put(reply->body, "journal", journal_json(loop));
    put(reply->body, "lanes", lanes_json(loop));
    put(reply->body, "peers", peers_json(loop));
    put(reply->body, "hosts", hosts_json(loop));
}

// ---- answering
// ----------------------------------------------------------------------------------------

static const struct {
    const char *what;
    void (*handler)(struct loop *loop, const json_t *arguments, struct reply *reply);
} handlers[] = {
    {"batch.live", batch_live},
    {"batch.list_live", batch_list},
    {"batch.cancel", batch_cancel},
    {"lane.list", lane_list},
    {"lane.pause", lane_pause},
    {"lane.resume", lane_resume},
    {"job.live", job_live},
    {"stat", stat_all},
    {"job.cancel", job_cancel},
    {"dead.list", dead_list},
    {"dead.show", dead_show},
    {"dead.retry", dead_retry},
    {"dead.drop", dead_drop},
    {"batch.known", batch_known},
    {"conversation.live", conversation_live},
};

static void handle(struct loop *loop, const struct query_head *query, struct reply *reply) {
    char error[128];
    json_t *arguments = NULL;
    struct bytes given = query->arguments.size ? query->arguments : bytes_text("{}");
    if (json_parse(given, &arguments, error, sizeof(error)) != ERR_OK) {
        reply_fail(reply, EX_DATAERR, "the arguments are not JSON: %s", error);
        return;
    }
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
        if (bytes_is(query->what, handlers[i].what)) {
            handlers[i].handler(loop, arguments, reply);
            json_decref(arguments);
            return;
        }
    json_decref(arguments);
    reply_fail(reply, EX_USAGE, "the broker does not know the question '%.*s'",
               (int)query->what.size, (const char *)query->what.at);
}

void loop_answer(struct loop *loop, uint32_t peer, struct message *message) {
    struct query_head query;
    struct reply reply = {0};
    if (wire_head(&message->wire, &query) != ERR_OK)
        return;
    handle(loop, &query, &reply);
    char *dumped = reply.body ? json_dumps(reply.body, JSON_COMPACT) : NULL;
    struct bytes frame = dumped ? bytes_text(dumped) : bytes_of(NULL, 0);
    if (reply.body && !dumped)
        reply_fail(&reply, EX_SOFTWARE, "the answer cannot be written as JSON");
    if (frame.size > ANSWER_PAGE_BYTES_MAX) {
        reply_fail(&reply, EX_SOFTWARE, "the answer exceeds a page");
        frame.size = 0;
    }
    struct answer_head head = {
        .request = query.request, .exit = reply.exit, .detail = bytes_text(reply.detail)};
    outbox_head(&loop->outbox, peer, KIND_answer, &head, &frame);
    json_decref(reply.body);
    mem_free(dumped);
}
