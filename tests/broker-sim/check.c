// The promises, checked where they could break: before each call, with each record, after each
// turn, and when everything should be settled.
#include "tests/broker-sim/world.h"

#include <stdio.h>

// Promises 2 and 4, and that what is called is what was submitted.
void check_call(struct world *world, const struct message *lease) {
    uint64_t counter = call_id_counter(lease->call);
    uint32_t file = file_of(world, lease->batch);
    PROMISE(world, counter < CALLS_TOTAL_MAX, "more calls than a schedule can need");
    PROMISE(world, world->store.was_marked[counter], "call %llu leaves without a durable mark",
            (unsigned long long)counter);
    PROMISE(world, world->bill[counter].requests == 0, "call id %llu is used twice",
            (unsigned long long)counter);
    PROMISE(world, file < BATCHES, "a lease names a batch that nobody submitted");
    const struct kept_job *job = &world->store.jobs[lease->job];
    PROMISE(world, job->has_payload && job->payload == line_digest(file, lease->line),
            "job %llu is called with a line that is not its own", (unsigned long long)lease->job);
    const struct file_line *line = &world->files[file].lines[lease->line];
    PROMISE(world, !line->is_refused, "a refused line is called");
    if (!line->previous)
        return;
    const struct ledger_job *before = &world->ledger.jobs[file][line->previous];
    PROMISE(world, before->is_there && before->outcome == OUTCOME_answered && before->has_answer,
            "turn %u of batch %u is called before its previous turn is in the ledger", line->turn,
            file);
}

static bool is_unreadable(const struct world *world, struct id call) {
    uint64_t hash = (call_id_counter(call) + world->seed) * 0x9e3779b97f4a7c15ull;
    return (hash >> 33) % 1000 < (world->seed % 3 == 0 ? 30 : 0);
}

static void apply_attempt(struct world *world, const struct kept_record *record) {
    uint64_t counter = call_id_counter(record->end.call);
    PROMISE(world, counter < CALLS_TOTAL_MAX, "more calls than a schedule can need");
    struct ledger_call *call = &world->ledger.calls[counter];
    bool is_reported = record->end.digest != 0;
    if (!call->is_there || (call->end.ended == ENDED_unknown && is_reported)) {
        call->is_there = true;
        call->end = record->end;
        call->is_answer = record->is_answer;
        call->is_superfluous = record->is_superfluous;
        return;
    }
    if (record->end.digest == call->end.digest)
        return; // a repeat
    PROMISE(world, record->end.ended == ENDED_unknown, "call %llu ends in two ways: %s and then %s",
            (unsigned long long)counter, ended_names[call->end.ended],
            ended_names[record->end.ended]);
}

static void apply_outcome(struct world *world, const struct kept_record *record) {
    uint32_t file = file_of(world, record->batch);
    PROMISE(world, file < BATCHES && record->end.line <= LINES_MAX, "an outcome without a line");
    struct ledger_job *job = &world->ledger.jobs[file][record->end.line];
    PROMISE(world, !job->is_there || job->job == record->job, "line %u of batch %u became two jobs",
            record->end.line, file);
    if (job->is_there && job->revision >= record->row.revision) {
        PROMISE(world, job->revision > record->row.revision || job->outcome == record->outcome,
                "one revision with two outcomes");
        return;
    }
    job->is_there = true;
    job->job = record->job;
    job->revision = record->row.revision;
    job->outcome = record->outcome;
    job->has_answer =
        record->outcome == OUTCOME_answered && !is_unreadable(world, record->end.call);
}

void check_record(struct world *world, const struct kept_record *record, bool *has_answer) {
    *has_answer = false;
    uint32_t file = file_of(world, record->batch);
    switch (record->row.type) {
    case RECORD_refused:
        PROMISE(world, file < BATCHES && world->files[file].lines[record->end.line].is_refused,
                "a good line is recorded as refused");
        world->ledger.is_refused[file][record->end.line] = true;
        return;
    case RECORD_batch:
        if (file < BATCHES && record->row.batch_state == BATCH_SETTLED) {
            PROMISE(world,
                    world->ledger.settled_revision[file] <= record->row.revision ||
                        world->ledger.is_settled[file],
                    "a settlement with an older revision");
            world->ledger.is_settled[file] = true;
            world->ledger.settled_revision[file] = record->row.revision;
        }
        return;
    default:
        break;
    }
    if (record->has_attempt)
        apply_attempt(world, record);
    if (record->outcome != OUTCOME_none)
        apply_outcome(world, record);
    if (file < BATCHES && record->end.line <= LINES_MAX)
        *has_answer = world->ledger.jobs[file][record->end.line].has_answer;
}

// ---- after each turn
// ----------------------------------------------------------------------------------

// Counters equal a recount, and no job was marked that has its answer.
void check_state(struct world *world) {
    const struct core *core = world->core;
    uint64_t open[BATCH_NUMBERS] = {0};
    uint64_t workers[WORKERS_MAX] = {0};
    uint64_t here[BATCH_NUMBERS] = {0};
    for (uint32_t slot = 1; slot <= core_job_slots(core); slot++) {
        const struct job *job = core_job(core, slot);
        if (job->state == JOB_FREE)
            continue;
        here[job->batch]++;
        if (!job_is_marked(job))
            continue;
        open[job->batch]++;
        workers[job->worker]++;
        PROMISE(world, !id_is_none(job->call), "an open attempt without a call id");
        PROMISE(world, core_worker(core, job->worker)->is_stored,
                "an open attempt of a worker whose row is not stored");
    }
    for (uint32_t slot = 1; slot <= core_batch_slots(core); slot++) {
        const struct batch *batch = core_batch(core, slot);
        if (batch->state == BATCH_FREE)
            continue;
        PROMISE(world, batch->attempts_open == open[slot] && batch->jobs_here == here[slot],
                "counters of batch %u differ from a recount", slot);
        PROMISE(world,
                batch->states[JOB_LEASED] + batch->states[JOB_ABORTING] +
                        batch->states[JOB_OVERTAKEN] ==
                    open[slot],
                "states of batch %u differ from a recount", slot);
    }
    for (uint32_t slot = 1; slot <= core_worker_slots(core); slot++)
        PROMISE(world, core_worker(core, slot)->marks == workers[slot],
                "marks of worker %u differ from a recount", slot);
}

// ---- at the end
// ---------------------------------------------------------------------------------------

static void check_line(struct world *world, uint32_t file, uint32_t line) {
    const struct ledger_job *job = &world->ledger.jobs[file][line];
    if (world->files[file].lines[line].is_refused) {
        PROMISE(world, world->ledger.is_refused[file][line], "refused line %u of batch %u is lost",
                line, file);
        return;
    }
    PROMISE(world, job->is_there, "line %u of batch %u was accepted and has no outcome", line,
            file);
}

static void check_calls(struct world *world) {
    for (uint64_t i = 1; i <= world->store.counters.calls; i++) {
        const struct ledger_call *call = &world->ledger.calls[i];
        PROMISE(world, !world->store.was_marked[i] || call->is_there,
                "marked call %llu is not in the ledger", (unsigned long long)i);
        PROMISE(world, world->bill[i].requests == 0 || call->is_there,
                "billed call %llu is not in the ledger", (unsigned long long)i);
        PROMISE(world, world->bill[i].requests == 0 || call->end.ended != ENDED_not_started,
                "billed call %llu is in the ledger as never started", (unsigned long long)i);
        PROMISE(world,
                world->bill[i].requests > 0 || !call->is_there ||
                    call->end.ended == ENDED_not_started || call->end.ended == ENDED_unknown,
                "call %llu has an end and was never made", (unsigned long long)i);
    }
}

// Promise 3 by count: of each job's successes, one is the answer and the others are superfluous.
static void check_answers(struct world *world) {
    uint32_t answers[BATCHES][LINES_MAX + 1];
    memset(answers, 0, sizeof(answers));
    for (uint64_t i = 1; i <= world->store.counters.calls; i++) {
        const struct ledger_call *call = &world->ledger.calls[i];
        if (!call->is_there || !call->is_answer || is_unreadable(world, call->end.call))
            continue;
        uint32_t file = call->end.batch, line = call->end.line;
        PROMISE(world, file < BATCHES && line <= LINES_MAX, "an answer to no line");
        PROMISE(world, ++answers[file][line] == 1, "line %u of batch %u has two answers", line,
                file);
        PROMISE(world, world->ledger.jobs[file][line].outcome == OUTCOME_answered,
                "line %u of batch %u has an answer and is not answered", line, file);
    }
}

void check_end(struct world *world) {
    for (uint32_t file = 0; file < BATCHES; file++) {
        PROMISE(world, world->files[file].is_sealed, "batch %u was never sealed", file);
        PROMISE(world, world->ledger.is_settled[file], "batch %u is not settled", file);
        for (uint32_t line = 1; line <= world->files[file].accepted; line++)
            check_line(world, file, line);
    }
    PROMISE(world, core_records_pending(world->core) == 0, "records are left in the journal");
    check_calls(world);
    check_answers(world);
}
