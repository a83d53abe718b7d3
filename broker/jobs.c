#include "broker/jobs.h"
#include "broker/wait.h"

#include "common/id.h"
#include "common/log.h"
#include "common/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
    LOOKED_AT_MAX = 200000, // jobs that one question goes through
    TAKEN_MAX = 2000,       // jobs that one question decides about
    LISTED_MAX = 1000,
    LISTED_DEFAULT = 100,
    REFUSED_NAMED_MAX = 20,
};

// ---- one job ------------------------------------------------------------------------------------

// What it waits for; of one that is kept, a person.
static json_t *job_waits_json(struct loop *loop, const struct job *job) {
    struct wait wait = {.reason = core_waits_for(loop->core, job),
                        .lane = job->lane,
                        .job = core_find_job(loop->core, job->number),
                        .jobs = 1,
                        .due_ms = job->state == JOB_DELAYED ? job->due_ms : 0};
    if (wait.reason == REASON_none)
        return json_null();
    json_t *entry = wait_json(loop, &wait);
    if (job_is_kept(job))
        put(entry, "needs_person", json_true());
    return entry;
}

static json_t *job_json(struct loop *loop, const struct job *job) {
    char call[ID_HEX_SIZE];
    json_t *body = json_object();
    id_hex(job->call, call);
    put(body, "job", uuid(job->id));
    put(body, "number", number(job->number));
    put(body, "batch", uuid(core_batch(loop->core, job->batch)->id));
    put(body, "state", text(job_state_name((enum job_state)job->state)));
    put(body, "outcome", text(outcome_name((enum outcome)job->outcome)));
    put(body, "waits_for", job_waits_json(loop, job));
    put(body, "line", number(job->line));
    put(body, "turn", number(job->turn));
    put(body, "attempts", number(job->attempt));
    put(body, "attempts_counted", number(job->counted));
    put(body, "call", id_is_none(job->call) ? json_null() : json_string(call));
    return body;
}

void job_live(struct loop *loop, const json_t *arguments, struct reply *reply) {
    uint32_t slot = reply_job(loop, argument(arguments, "job"), reply);
    if (slot)
        reply->body = job_json(loop, core_job(loop->core, slot));
}

// Feeds a decision to the core, with as many steps as it takes: all are of one turn.
static void decide(struct loop *loop, enum event_kind kind, uint32_t slot, uint64_t delay_ms) {
    do {
        struct event event = {.kind = kind, .slot = slot, .delay_ms = delay_ms};
        loop_step(loop, &event, NULL, 0);
    } while (kind == EVENT_drop_job && loop->effects.more);
}

static const char *refusal_text(const char *code) {
    static const struct {
        const char *code, *text;
    } texts[] = {
        {"ended", "it has its outcome, or ends with the call that is under way"},
        {"not_dead", "it is neither dead nor parked"},
        {"earlier_turn", "a turn before it in its conversation has no answer: it follows that one"},
        {"later_turn_ran", "a later turn of its conversation was called without it: only a fork "
                           "of the conversation could still answer it"},
        {"batch_cancelled", "its batch was cancelled"},
        {"being_parked", "the turns behind it are being parked just now: try again"},
        {"journal_full", "the journal has no room for what follows from it: try again later"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcmp(texts[i].code, code) == 0)
            return texts[i].text;
    return code;
}

void job_cancel(struct loop *loop, const json_t *arguments, struct reply *reply) {
    const char *name = argument(arguments, "job");
    uint32_t slot = reply_job(loop, name, reply);
    const char *why = slot ? core_refuses(loop->core, EVENT_cancel_job, slot) : NULL;
    if (!slot)
        return;
    if (why) {
        const struct job *job = core_job(loop->core, slot);
        reply_fail(reply, EX_DATAERR, "%.*s is %s: %s", text_fit(name, 60), name,
                   job_state_name((enum job_state)job->state), refusal_text(why));
        return;
    }
    decide(loop, EVENT_cancel_job, slot, 0);
    reply->body = json_object();
    put(reply->body, "job", uuid(core_job(loop->core, slot)->id));
    put(reply->body, "state",
        text(job_state_name((enum job_state)core_job(loop->core, slot)->state)));
}

// ---- the dead and the parked --------------------------------------------------------------------

static bool is_parked_behind(const struct job *job) {
    return job->state == JOB_PARKED && job->reason == REASON_earlier_turn;
}

// Turns that are parked behind a dead or parked one.
static uint64_t behind(const struct loop *loop, const struct job *job) {
    uint64_t count = 0;
    for (uint32_t slot = job->turn_next; slot; slot = core_job(loop->core, slot)->turn_next)
        count += is_parked_behind(core_job(loop->core, slot));
    return count;
}

static void put_refusal(struct loop *loop, json_t *body, uint32_t slot) {
    const char *why = core_refuses(loop->core, EVENT_retry_job, slot);
    put(body, "refused", why ? text(why) : json_null());
    put(body, "refused_text", why ? text(refusal_text(why)) : json_null());
}

static json_t *dead_json(struct loop *loop, uint32_t slot) {
    const struct job *job = core_job(loop->core, slot);
    struct payload payload;
    json_t *body = json_object();
    (void)journal_get_payload(&loop->journal, job->number, &payload);
    put(body, "job", uuid(job->id));
    put(body, "batch", uuid(core_batch(loop->core, job->batch)->id));
    put(body, "line", number(job->line));
    put(body, "custom_id", text_view(payload.custom_id));
    put(body, "conversation", text_view(payload.conversation));
    put(body, "turn", number(job->turn));
    put(body, "state", text(job_state_name((enum job_state)job->state)));
    put(body, "reason", text(reason_name((enum reason)job->reason)));
    put(body, "attempts", number(job->attempt));
    put_refusal(loop, body, slot);
    journal_release_payload(&loop->journal);
    return body;
}

void dead_show(struct loop *loop, const json_t *arguments, struct reply *reply) {
    const char *name = argument(arguments, "job");
    uint32_t slot = reply_job(loop, name, reply);
    if (!slot)
        return;
    const struct job *job = core_job(loop->core, slot);
    if (!job_is_kept(job)) {
        reply_fail(reply, EX_DATAERR, "%.*s is %s: %s", text_fit(name, 60), name,
                   job_state_name((enum job_state)job->state), refusal_text("not_dead"));
        return;
    }
    reply->body = dead_json(loop, slot);
    put(reply->body, "behind", number(behind(loop, job)));
}

// ---- going through them -------------------------------------------------------------------------

// A walk over the dead and parked jobs of one batch, or of all, in the order of their lines.
struct walk {
    struct loop *loop;
    const char *reason; // empty: any
    uint32_t batch, last_batch;
    uint32_t job; // looked at last; 0: none of the batch yet
    uint32_t looked_at;
    char next[48]; // cursor of what was not looked at; empty: nothing is left
};

static bool is_wanted(const struct walk *walk, const struct job *job) {
    return job_is_kept(job) &&
           (!*walk->reason || strcmp(walk->reason, reason_name((enum reason)job->reason)) == 0);
}

// Goes on behind the job of that number, which may be gone meanwhile.
static void resume_after(struct walk *walk, const char *after) {
    const struct core *core = walk->loop->core;
    char *end = NULL;
    unsigned long batch = strtoul(after, &end, 10);
    uint64_t number_after = *end == '.' ? strtoull(end + 1, NULL, 10) : 0;
    if (batch < walk->batch || batch > walk->last_batch)
        return;
    walk->batch = (uint32_t)batch;
    walk->job = core_find_job(core, number_after);
    if (walk->job && core_job(core, walk->job)->batch == walk->batch)
        return;
    walk->job = 0;
    for (uint32_t slot = core_batch(core, walk->batch)->first_job;
         slot && core_job(core, slot)->number < number_after;
         slot = core_job(core, slot)->batch_next)
        walk->job = slot;
}

// False: an argument is wrong, and reply says so.
static bool walk_open(struct walk *walk, struct loop *loop, const json_t *arguments,
                      struct reply *reply) {
    const char *batch = argument(arguments, "batch");
    *walk = (struct walk){.loop = loop,
                          .reason = argument(arguments, "reason"),
                          .batch = 1,
                          .last_batch = core_batch_slots(loop->core)};
    if (*batch) {
        walk->batch = walk->last_batch = reply_batch(loop, batch, reply);
        if (!walk->batch)
            return false;
    }
    resume_after(walk, argument(arguments, "after"));
    return true;
}

static uint64_t kept_of(const struct batch *batch) {
    return batch->states[JOB_DEAD] + batch->states[JOB_PARKED];
}

// The next job; 0: there is none, or the walk has gone far enough (then next says where it is).
static uint32_t walk_next(struct walk *walk) {
    const struct core *core = walk->loop->core;
    for (; walk->batch <= walk->last_batch; walk->batch++, walk->job = 0) {
        const struct batch *batch = core_batch(core, walk->batch);
        if (batch->state == BATCH_FREE || kept_of(batch) == 0)
            continue;
        for (;;) {
            uint32_t slot = walk->job ? core_job(core, walk->job)->batch_next : batch->first_job;
            if (!slot)
                break;
            if (++walk->looked_at > LOOKED_AT_MAX)
                return 0;
            walk->job = slot;
            if (is_wanted(walk, core_job(core, slot)))
                return slot;
        }
    }
    return 0;
}

static void walk_note(struct walk *walk) {
    if (walk->batch <= walk->last_batch)
        (void)snprintf(walk->next, sizeof(walk->next), "%u.%llu", walk->batch,
                       walk->job ? (unsigned long long)core_job(walk->loop->core, walk->job)->number
                                 : 0ull);
}

static json_t *next_json(const struct walk *walk) {
    return *walk->next ? text(walk->next) : json_null();
}

void dead_list(struct loop *loop, const json_t *arguments, struct reply *reply) {
    struct walk walk;
    uint64_t limit = argument_number(arguments, "limit", LISTED_DEFAULT);
    json_t *list = json_array();
    uint32_t slot;
    if (!walk_open(&walk, loop, arguments, reply)) {
        json_decref(list);
        return;
    }
    limit = limit > LISTED_MAX ? LISTED_MAX : limit;
    while (json_array_size(list) < limit && (slot = walk_next(&walk)))
        (void)json_array_append_new(list, dead_json(loop, slot));
    walk_note(&walk);
    reply->body = json_object();
    put(reply->body, "dead", list);
    put(reply->body, "next", next_json(&walk));
}

// ---- deciding about many ------------------------------------------------------------------------

struct decision {
    enum event_kind kind;
    bool is_dry;
    uint64_t before, interval_us;
    uint64_t taken, behind, refused;
    json_t *refusals;
};

static void note_refused(struct loop *loop, struct decision *decision, uint32_t slot,
                         const char *code) {
    if (decision->refused++ >= REFUSED_NAMED_MAX)
        return;
    json_t *entry = json_object();
    put(entry, "job", uuid(core_job(loop->core, slot)->id));
    put(entry, "code", text(code));
    put(entry, "text", text(refusal_text(code)));
    (void)json_array_append_new(decision->refusals, entry);
}

// Whether it is not decided about by itself, since it goes with a turn before it.
static bool goes_along(struct loop *loop, const struct decision *decision, const struct walk *walk,
                       uint32_t slot) {
    const char *why = core_refuses(loop->core, EVENT_retry_job, slot);
    return !*walk->reason && is_parked_behind(core_job(loop->core, slot)) && why &&
           strcmp(why, "earlier_turn") == 0 &&
           (decision->kind == EVENT_retry_job || decision->is_dry);
}

// Whether it is refused on a dry run only because the turn before it is not taken first there.
static bool is_next_in_turn(const struct decision *decision, const struct walk *walk,
                            const struct job *job, const char *why) {
    return decision->is_dry && decision->kind == EVENT_retry_job && job->state == JOB_DEAD &&
           !*walk->reason && strcmp(why, "earlier_turn") == 0;
}

// walk: it is one of many; else NULL.
static void decide_one(struct loop *loop, struct decision *decision, const struct walk *walk,
                       uint32_t slot) {
    const struct job *job = core_job(loop->core, slot);
    const char *why = core_refuses(loop->core, decision->kind, slot);
    if (walk && goes_along(loop, decision, walk, slot)) {
        decision->behind++;
        return;
    }
    if (why && !(walk && is_next_in_turn(decision, walk, job, why))) {
        note_refused(loop, decision, slot, why);
        return;
    }
    uint64_t delay_ms = (decision->before + decision->taken++) * decision->interval_us / 1000;
    // In a walk they are met after it, unless they are gone by then.
    if (!walk || (decision->kind == EVENT_drop_job && !decision->is_dry))
        decision->behind += behind(loop, job);
    if (!decision->is_dry)
        decide(loop, decision->kind, slot, delay_ms);
}

static void decide_many(struct loop *loop, const json_t *arguments, struct reply *reply,
                        enum event_kind kind) {
    struct walk walk = {.loop = loop};
    struct decision decision = {
        .kind = kind,
        .is_dry = json_is_true(json_object_get(arguments, "dry_run")),
        .before = argument_number(arguments, "before", 0),
        .interval_us = argument_number(arguments, "interval_us", 0),
        .refusals = json_array(),
    };
    uint32_t slot;
    if (json_object_get(arguments, "job")) {
        slot = reply_job(loop, argument(arguments, "job"), reply);
        if (slot)
            decide_one(loop, &decision, NULL, slot);
    } else if (!*argument(arguments, "batch") && !*argument(arguments, "reason")) {
        reply_fail(reply, EX_USAGE, "which? Name a job, a batch or a reason");
    } else if (walk_open(&walk, loop, arguments, reply)) {
        while (decision.taken < TAKEN_MAX && (slot = walk_next(&walk)))
            decide_one(loop, &decision, &walk, slot);
        walk_note(&walk);
    }
    if (reply->exit != 0) {
        json_decref(decision.refusals);
        return;
    }
    if (!decision.is_dry && decision.taken > 0)
        log_line(LOG_INFO, kind == EVENT_retry_job ? "jobs.retried" : "jobs.dropped", "jobs=%llu",
                 (unsigned long long)decision.taken);
    reply->body = json_object();
    put(reply->body, "taken", number(decision.taken));
    put(reply->body, "behind", number(decision.behind));
    put(reply->body, "refused", decision.refusals);
    put(reply->body, "refused_count", number(decision.refused));
    put(reply->body, "dry_run", json_boolean(decision.is_dry));
    put(reply->body, "next", next_json(&walk));
}

void dead_retry(struct loop *loop, const json_t *arguments, struct reply *reply) {
    decide_many(loop, arguments, reply, EVENT_retry_job);
}

void dead_drop(struct loop *loop, const json_t *arguments, struct reply *reply) {
    decide_many(loop, arguments, reply, EVENT_drop_job);
}
