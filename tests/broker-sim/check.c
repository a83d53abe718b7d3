// The promises, checked where they could break: before each call, after each turn and start of
// the broker, and when everything should have settled.
#include "tests/broker-sim/world.h"

#include <stdio.h>

struct call_fact *call_fact(struct id call) {
    uint64_t counter = call_id_counter(call);
    if (counter == 0 || counter > world.calls_used)
        return NULL;
    struct call_fact *fact = &world.calls[counter];
    return id_equal(fact->call, call) ? fact : NULL;
}

struct job_fact *job_fact(uint64_t number) {
    PROMISE(number < JOBS_MAX, "a schedule has too many jobs");
    if (number > world.jobs_used)
        world.jobs_used = number;
    return &world.jobs[number];
}

// ---- before a call ------------------------------------------------------------------------------

// Promise 2: nothing is paid twice unseen. A job is called again only when it is known how its
// earlier calls ended, none of them answered it, and the policy of its batch allows it.
void check_mark(const struct call_fact *call) {
    struct job_fact *job = job_fact(call->job);
    unsigned long long number = call->job;
    uint64_t counter = call_id_counter(call->call);
    const struct submission *file = job->file < FILES ? &world.files[job->file] : NULL;
    bool is_revived = !file || file->may_be_revived;
    if (job->last_call && !job->is_tainted) {
        const struct call_fact *last = &world.calls[job->last_call];
        PROMISE(last->stored != END_none, "job %llu is called again while call %llu is open",
                number, (unsigned long long)job->last_call);
        PROMISE(!job->has_answer || is_revived, "job %llu is called again and has its answer",
                number);
        PROMISE(!job->was_maybe_billed || is_revived || strcmp(file->billed, "retry") == 0,
                "job %llu is called again against its policy", number);
        PROMISE(job->counted < world.swarm.attempts_max || is_revived,
                "job %llu is called more often than %u times", number, world.swarm.attempts_max);
    }
    job->is_tainted |= call->is_tainted;
    job->last_call = counter;
    job->calls++;
}

static bool is_lied_about(uint32_t at, uint32_t line) {
    for (uint64_t number = 1; number <= world.jobs_used; number++)
        if (world.jobs[number].is_tainted && world.jobs[number].file == at &&
            world.jobs[number].line == line)
            return true;
    return false;
}

// Of a turn that was lied about nobody knows in which record it got its outcome.
static bool is_lied_about_before(uint32_t at, uint32_t line) {
    while (world.has_lies && (line = world.files[at].lines[line].previous))
        if (is_lied_about(at, line))
            return true;
    return false;
}

// Promise 4, and that what is called is what was submitted.
void check_lease(const struct lease_item *lease, struct bytes line, struct bytes context) {
    uint32_t at = file_of_batch(lease->batch_id);
    PROMISE(at < FILES && lease->line > 0 && lease->line <= world.files[at].count,
            "a lease names a line that nobody submitted");
    const struct file_line *from = &world.files[at].lines[lease->line];
    PROMISE(!from->is_refused && !from->is_blank, "a refused line is called");
    PROMISE(bytes_is(line, from->raw), "line %u of file %u is called with other bytes",
            (unsigned)lease->line, at);
    struct put_item item;
    file_item(&world.files[at], (uint32_t)lease->line, &item);
    PROMISE(bytes_equal(item.custom_id, lease->custom_id) &&
                bytes_equal(item.provider, lease->provider) &&
                bytes_equal(item.model, lease->model) && item.turn == lease->turn &&
                id_equal(item.conversation_id, lease->conversation_id),
            "line %u of file %u is called under other names", (unsigned)lease->line, at);
    if (!from->conversation) {
        PROMISE(context.size == 0, "a single call has a context");
        return;
    }
    char expected[CONTEXT_ROOM];
    bool is_whole = context_of(at, (uint32_t)lease->line, expected);
    // A person may have what followed on a cancelled turn tried again.
    PROMISE(is_whole || world.files[at].may_be_revived ||
                is_lied_about_before(at, (uint32_t)lease->line),
            "turn %u of file %u (%s) is called before its previous turn is in the ledger (%s)",
            from->turn, at, world.files[at].unanswered,
            from->previous ? ledger_line(at, from->previous)->outcome : "");
    PROMISE(bytes_is(context, expected), "turn %u of file %u is called with another context",
            from->turn, at);
}

// ---- after a turn, after a start ----------------------------------------------------------------

static struct {
    uint64_t open[BATCHES_OPENED_MAX], here[BATCHES_OPENED_MAX];
    uint64_t workers[WORKERS_MAX];
} count;

static void check_open(const struct core *core, const struct job *job) {
    const struct call_fact *call = call_fact(job->call);
    uint64_t now_ms = world.loop.now.mono_ms;
    PROMISE(!id_is_none(job->call), "an open attempt without a call id");
    PROMISE(core_worker(core, job->worker)->is_stored,
            "an open attempt of a worker whose row is not stored");
    if (!call || now_ms < world.excused_until_ms)
        return;
    unsigned long long counter = call_id_counter(job->call);
    PROMISE(now_ms < call->must_lapse_ms, "call %llu should have been given up %llu ms ago",
            counter, (unsigned long long)(now_ms - call->must_lapse_ms));
    PROMISE(!call->is_outlived || world.has_two_of_a_name || call->is_tainted,
            "call %llu is kept open for a worker whose successor has joined", counter);
}

static void count_jobs(const struct core *core) {
    memset(count.open, 0, (core_batch_slots(core) + 1) * sizeof(count.open[0]));
    memset(count.here, 0, (core_batch_slots(core) + 1) * sizeof(count.here[0]));
    memset(count.workers, 0, (core_worker_slots(core) + 1) * sizeof(count.workers[0]));
    for (uint32_t slot = 1; slot <= core_job_slots(core); slot++) {
        const struct job *job = core_job(core, slot);
        if (job->state == JOB_FREE)
            continue;
        count.here[job->batch]++;
        if (!job_is_marked(job))
            continue;
        count.open[job->batch]++;
        count.workers[job->worker]++;
        check_open(core, job);
    }
}

// Counters equal a recount.
void check_turn(void) {
    const struct core *core = world.loop.core;
    // A hello of the same turn is served before the heartbeat, and refused: then nobody spoke.
    PROMISE(!world.outliving || core_worker(core, world.outliving)->state != WORKER_JOINED ||
                core_peer(core, world.outlived)->role != ROLE_worker,
            "one who was taken for dead speaks, and no alarm is raised");
    world.outliving = 0;
    recount();
    count_jobs(core);
    for (uint32_t slot = 1; slot <= core_batch_slots(core); slot++) {
        const struct batch *batch = core_batch(core, slot);
        if (batch->state == BATCH_FREE)
            continue;
        PROMISE(batch->attempts_open == count.open[slot] && batch->jobs_here == count.here[slot],
                "counters of batch %u differ from a recount", slot);
        PROMISE(batch->states[JOB_LEASED] + batch->states[JOB_ABORTING] +
                        batch->states[JOB_OVERTAKEN] ==
                    count.open[slot],
                "states of batch %u differ from a recount", slot);
    }
    for (uint32_t slot = 1; slot <= core_worker_slots(core); slot++)
        PROMISE(core_worker(core, slot)->marks == count.workers[slot],
                "marks of worker %u differ from a recount", slot);
}

static void check_batch(uint32_t number) {
    uint32_t slot = core_find_batch(world.loop.core, number);
    if (!slot && world.stored_through[number] == 0)
        return;
    if (!slot) {
        // It has settled and is gone; then the ledger has all of it.
        for (uint32_t at = 0; at < FILES; at++)
            if (world.files[at].number == number)
                PROMISE(ledger_batch(at)->is_settled, "batch %u is lost", number);
        return;
    }
    uint64_t through = core_batch(world.loop.core, slot)->accepted_through;
    PROMISE(through >= world.stored_through[number],
            "batch %u has %llu lines after a start, and %llu were stored", number,
            (unsigned long long)through, (unsigned long long)world.stored_through[number]);
    world.stored_through[number] = through;
}

// Promise 1: what was durable is there after the start. Times are counted in full from it.
void check_restart(void) {
    spy_restarted();
    world.outliving = 0;
    for (uint32_t at = 0; at < PROCESSES; at++)
        world.processes[at].greeted_ms = 0;
    for (uint64_t i = 1; i <= world.calls_used; i++) {
        struct call_fact *call = &world.calls[i];
        call->may_lapse_ms = call->must_lapse_ms =
            world.restarted_ms + call->limit_ms + CALL_MARGIN_MS;
        call->is_outlived = false; // who came under which name is not stored
        if (!call->is_marked || call->stored != END_none)
            continue;
        uint32_t slot = core_find_job(world.loop.core, call->job);
        const struct job *job = core_job(world.loop.core, slot);
        PROMISE(slot && job_is_marked(job) && id_equal(job->call, call->call),
                "the mark of call %llu is lost", (unsigned long long)i);
    }
    for (uint32_t number = 1; number <= world.batches_used; number++)
        check_batch(number);
    check_turn();
}

// ---- at the end ---------------------------------------------------------------------------------

static void check_line(uint32_t at, uint32_t line) {
    const struct file_line *from = &world.files[at].lines[line];
    const struct ledger_line *row = ledger_line(at, line);
    if (from->is_blank || (world.has_lies && is_lied_about(at, line)))
        return;
    PROMISE(from->is_refused == row->is_refused, "line %u of file %u was %s", line, at,
            row->is_refused ? "good and is refused" : "refused and is lost");
    PROMISE(from->is_refused || row->is_there, "line %u of file %u was accepted and has no outcome",
            line, at);
    PROMISE(from->is_refused || world.files[at].may_be_cancelled ||
                strcmp(row->outcome, "cancelled") != 0,
            "line %u of file %u is cancelled and nobody asked for it", line, at);
}

// Promise 2 and 3 by the provider's bill: each request has exactly one row of the ledger, which
// says what became of it; what was not billed has none that says that it was made.
static void check_call(uint64_t counter) {
    const struct call_fact *call = &world.calls[counter];
    const struct ledger_call *row = ledger_call(counter);
    unsigned long long number = counter;
    if (call->is_tainted)
        return;
    PROMISE(!call->is_marked || row->is_there, "marked call %llu is not in the ledger", number);
    if (!row->is_there)
        return;
    PROMISE(call->requests <= 1, "call %llu was made %u times", number, call->requests);
    bool is_made = !row->is_not_started && !row->is_unknown;
    PROMISE(call->requests == 0 || !row->is_not_started,
            "call %llu was billed and is in the ledger as never started", number);
    PROMISE(call->requests > 0 || !is_made, "call %llu has an end and was never made", number);
    PROMISE(!is_made || digest_equal(call->digest, row->digest),
            "call %llu has another end in the ledger than its worker gave", number);
    bool has_begun = call->has_begun && is_made && !row->is_failed; // not one that was aborted
    bool is_maybe = row->is_unknown || (row->is_failed && call->requests > 0) || has_begun;
    PROMISE(!is_maybe || row->is_possibly_billed, "call %llu may be billed and is not flagged",
            number);
    // Only who died could not hand over what it had, or whose name another one has.
    PROMISE(!row->is_unknown || world.has_two_of_a_name || !call->taken_life ||
                world.processes[call->taken_at].life != call->taken_life,
            "call %llu is unknown, and its worker lives", number);
}

// Promise 3 by count: of each line's successes one is the answer, the others are superfluous.
static void check_answers(void) {
    uint32_t answers[FILES][LINES_MAX + 1];
    memset(answers, 0, sizeof(answers));
    for (uint64_t i = 1; i <= world.calls_used; i++) {
        const struct ledger_call *row = ledger_call(i);
        if (!row->is_there || !row->is_answer)
            continue;
        const struct job_fact *job = job_fact(row->job);
        PROMISE(job->file < FILES, "an answer to no line");
        const struct ledger_line *line = ledger_line(job->file, job->line);
        if (job->is_tainted)
            continue;
        PROMISE(!world.files[job->file].lines[job->line].conversation ||
                    reading_of(bytes_text(world.calls[i].answer)) == READING_good,
                "line %u of file %u is answered by what nobody could read", job->line, job->file);
        PROMISE(++answers[job->file][job->line] == 1, "line %u of file %u has two answers",
                job->line, job->file);
        PROMISE(strcmp(line->outcome, "answered") == 0 && line->answer == i,
                "line %u of file %u is answered by call %llu, and is %s by call %llu", job->line,
                job->file, (unsigned long long)i, line->outcome, (unsigned long long)line->answer);
    }
}

static void check_file(uint32_t at) {
    const struct submission *file = &world.files[at];
    const struct ledger_batch *batch = ledger_batch(at);
    PROMISE(batch->is_settled, "file %u is not settled", at);
    PROMISE(batch->lines == file->count || file->may_be_cancelled,
            "file %u has %u lines, and its batch %llu", at, file->count,
            (unsigned long long)batch->lines);
    PROMISE(batch->lines >= file->accepted, "file %u: %u lines were called stored, %llu are", at,
            file->accepted, (unsigned long long)batch->lines);
    for (uint32_t line = 1; line <= batch->lines; line++)
        check_line(at, line);
}

void check_end(void) {
    for (uint32_t at = 0; at < FILES; at++)
        check_file(at);
    for (uint64_t i = 1; i <= world.calls_used; i++)
        check_call(i);
    check_answers();
    PROMISE(ledger_conflicts() == 0 || world.has_lies, "%llu records conflict with the ledger",
            (unsigned long long)ledger_conflicts());
    PROMISE(ledger_quarantined() == 0 || world.has_lies, "%llu records are in quarantine",
            (unsigned long long)ledger_quarantined());
}

const char *unsettled(void) {
    static char what[80];
    what[0] = 0;
    if (!world.processes[AT_BROKER].life)
        return "the broker is not there";
    if (core_records_pending(world.loop.core) > 0)
        return "records are left in the journal";
    for (uint32_t at = 0; at < FILES; at++) {
        if (world.files[at].client != CLIENT_done)
            (void)snprintf(what, sizeof(what), "file %u is not all stored", at);
        else if (!ledger_batch(at)->is_settled)
            (void)snprintf(what, sizeof(what), "file %u has no end in the ledger", at);
    }
    for (uint32_t i = 0; i < WORKERS && !what[0]; i++) {
        const struct process *process = &world.processes[AT_WORKER + i];
        if (process->life && worker_held(process) > 0 && !worker_is_refused(process))
            (void)snprintf(what, sizeof(what), "%s holds calls", process_name(process));
    }
    return what[0] ? what : NULL;
}

static void report_batch(const struct batch *batch) {
    printf("  batch %llu: state %u, unsettled %llu, records %llu, open %llu, jobs:",
           (unsigned long long)batch->number, batch->state, (unsigned long long)batch->unsettled,
           (unsigned long long)batch->records, (unsigned long long)batch->attempts_open);
    for (int state = 1; state < JOB_STATES; state++)
        if (batch->states[state])
            printf(" %llu %s", (unsigned long long)batch->states[state],
                   job_state_name((enum job_state)state));
    printf("\n");
}

void report(void) {
    const struct core *core = world.loop.core;
    for (uint32_t at = 0; at < FILES; at++)
        printf("  file %u: %u lines, %u accepted, client %u, batch %llu%s\n", at,
               world.files[at].count, world.files[at].accepted, world.files[at].client,
               (unsigned long long)world.files[at].number,
               ledger_batch(at)->is_settled ? ", settled" : "");
    if (!core)
        return;
    for (uint32_t slot = 1; slot <= core_batch_slots(core); slot++)
        report_batch(core_batch(core, slot));
    for (uint32_t slot = 1; slot <= core_lane_slots(core); slot++) {
        const struct lane *lane = core_lane(core, slot);
        printf("  lane %s/%s: state %u, waiting %u, window %u, marks %u, waits for %s\n",
               lane->provider, lane->model, lane->state, lane->waiting, lane->window, lane->marks,
               reason_name((enum reason)lane->wait));
    }
    for (uint32_t slot = 1; slot <= core_worker_slots(core); slot++) {
        const struct worker *worker = core_worker(core, slot);
        printf("  worker %s: state %u, slots %u, marks %u, foreign %u\n", worker->name,
               worker->state, worker->slots, worker->marks, worker->foreign);
    }
    printf("  records pending %llu, accountant %d, journal %llu of %llu bytes%s\n",
           (unsigned long long)core_records_pending(core), core_has_accountant(core),
           (unsigned long long)journal_used_bytes(&world.loop.journal),
           (unsigned long long)world.loop.pages_bytes_max,
           world.loop.reserve.is_closed ? ", closed" : "");
}
