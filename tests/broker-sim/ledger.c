#include "tests/broker-sim/ledger.h"

#include "tests/broker-sim/promise.h"
#include "workers/accountant/apply.h"

#include <stdio.h>

enum { UNDO_MAX = 8192 };

static struct {
    struct ledger_call calls[CALLS_MAX];
    enum call_state states[CALLS_MAX];
    struct ledger_line lines[FILES][LINES_MAX + 1];
    struct ledger_batch batches[FILES];
    struct id journal;
    uint64_t applied, conflicts, quarantined;
    uint64_t top; // highest call
} ledger;

struct undo {
    void *at, *before;
    size_t size;
};
static struct undo undo[UNDO_MAX];
static uint32_t undo_count;

void ledger_reset(void) {
    memset(ledger.calls, 0, (ledger.top + 1) * sizeof(ledger.calls[0]));
    memset(ledger.lines, 0, sizeof(ledger.lines));
    memset(ledger.batches, 0, sizeof(ledger.batches));
    ledger.journal = (struct id){{0}};
    ledger.applied = ledger.conflicts = ledger.quarantined = ledger.top = 0;
    undo_count = 0;
}

static void save(void *at, size_t size) {
    PROMISE(undo_count < UNDO_MAX, "a transaction of the ledger changes too much");
    void *before = post_take(size);
    memcpy(before, at, size);
    undo[undo_count++] = (struct undo){at, before, size};
}
#define SAVE(row) save(&(row), sizeof(row))

void ledger_commit(void) {
    undo_count = 0;
}

void ledger_rollback(void) {
    while (undo_count > 0) {
        const struct undo *last = &undo[--undo_count];
        memcpy(last->at, last->before, last->size);
    }
}

uint64_t ledger_applied(void) {
    return ledger.applied;
}

struct id ledger_journal(void) {
    return ledger.journal;
}

void ledger_pair(struct id journal) {
    ledger.journal = journal;
}

const struct ledger_call *ledger_call(uint64_t counter) {
    PROMISE(counter < CALLS_MAX, "a schedule has too many calls");
    return &ledger.calls[counter];
}

const struct ledger_line *ledger_line(uint32_t file, uint32_t line) {
    return &ledger.lines[file][line];
}

const struct ledger_batch *ledger_batch(uint32_t file) {
    return &ledger.batches[file];
}

uint64_t ledger_conflicts(void) {
    return ledger.conflicts;
}

uint64_t ledger_quarantined(void) {
    return ledger.quarantined;
}

// ---- records ------------------------------------------------------------------------------------

static void copy_text(char *to, size_t room, struct bytes text) {
    (void)snprintf(to, room, "%.*s", (int)text.size, (const char *)text.at);
}

static void take_batch(const struct record_item *record, uint32_t file) {
    struct ledger_batch *batch = &ledger.batches[file];
    if (batch->is_there && record->revision <= batch->revision)
        return;
    SAVE(*batch);
    batch->is_there = true;
    batch->id = record->batch_id;
    batch->revision = record->revision;
    batch->lines = record->batch_lines;
    batch->digest = record->batch_digest;
    batch->is_settled = bytes_is(record->batch_state, "settled");
    batch->is_cancelled |= bytes_is(record->batch_state, "cancelled");
    copy_text(batch->key, sizeof(batch->key), record->batch_key);
}

static void write_call(uint64_t counter, const struct record_item *record,
                       const struct apply_told *told, const struct apply_plan *plan) {
    struct ledger_call *call = &ledger.calls[counter];
    SAVE(*call);
    SAVE(ledger.states[counter]);
    if (counter > ledger.top)
        ledger.top = counter;
    ledger.states[counter] = told->state;
    *call = (struct ledger_call){
        .is_there = true,
        .is_unknown = told->state == CALL_unknown,
        .is_not_started = told->state == CALL_not_started,
        .is_failed = told->state == CALL_failed,
        .is_unextracted = told->state == CALL_unextracted,
        .is_answer = plan->role == ROLE_answer,
        .is_superfluous = plan->role == ROLE_superfluous,
        .is_possibly_billed = record->is_possibly_billed,
        .call = record->call,
        .digest = told->digest,
        .job = record->job,
    };
}

static void look_up(const struct record_item *record, uint64_t counter,
                    const struct ledger_line *line, struct apply_held *held) {
    const struct ledger_call *call = &ledger.calls[counter];
    *held = (struct apply_held){
        .has_call = counter > 0 && call->is_there,
        .call_state = ledger.states[counter],
        .call_digest = call->digest,
        .is_other_jobs = counter > 0 && call->is_there &&
                         (call->job != record->job || !id_equal(call->call, record->call)),
        .has_job = line->is_there,
        .has_answer = line->has_answer,
        .answer_is_call = line->has_answer && line->answer == counter,
        .revision = line->revision,
    };
    bool is_known = outcome_parse(bytes_text(line->outcome), &held->outcome);
    PROMISE(is_known, "the ledger holds an outcome that is none");
}

static void take_job(const struct record_item *record, const struct apply_told *told, uint32_t file,
                     struct recorded_item *answer) {
    struct ledger_line *line = &ledger.lines[file][record->line];
    struct apply_held held;
    struct apply_plan plan;
    // A call that no journal ever counted is somebody's lie: it has no row here.
    uint64_t counter = told->has_attempt ? call_id_counter(record->call) : 0;
    if (counter >= CALLS_MAX)
        return;
    PROMISE(!line->is_there || line->job == record->job || file == FILES,
            "line %u of file %u became two jobs", (unsigned)record->line, file);
    look_up(record, counter, line, &held);
    apply_decide(told, &held, &plan);
    if (plan.conflict) {
        TELL("CONFLICT of call %llu, job %llu: %s", (unsigned long long)counter,
             (unsigned long long)record->job, plan.conflict);
        SAVE(ledger.conflicts);
        ledger.conflicts++;
    }
    SAVE(*line);
    if (plan.call != APPLY_nothing)
        write_call(counter, record, told, &plan);
    if (plan.flags_cost) {
        SAVE(ledger.calls[counter]);
        ledger.calls[counter].is_possibly_billed = true;
    }
    if (plan.takes_answer) {
        line->has_answer = true;
        line->answer = counter;
    }
    if (plan.takes_outcome) {
        line->is_there = true;
        line->job = record->job;
        line->revision = told->revision;
        copy_text(line->outcome, sizeof(line->outcome), record->outcome);
    }
    answer->has_answer = plan.has_answer;
}

void ledger_take(const struct record_item *record, const struct bytes frames[4],
                 struct recorded_item *answer) {
    struct apply_told told;
    const char *why = NULL;
    uint32_t file = file_of_batch(record->batch_id);
    *answer = (struct recorded_item){.number = record->number};
    SAVE(ledger.applied);
    if (record->number > ledger.applied)
        ledger.applied = record->number;
    if (apply_read(record, frames[3].size > 0, bytes_is(frames[3], "message"), &told, &why) !=
        ERR_OK) {
        TELL("QUARANTINE of record %llu: %s", (unsigned long long)record->number, why);
        SAVE(ledger.quarantined);
        ledger.quarantined++;
        answer->is_quarantined = true;
        return;
    }
    if (file == FILES || record->line > LINES_MAX)
        return; // a lie: its batch is none of this world
    if (told.type == RECORD_batch) {
        take_batch(record, file);
    } else if (told.type == RECORD_refused) {
        SAVE(ledger.lines[file][record->line]);
        ledger.lines[file][record->line].is_refused = true;
    } else {
        take_job(record, &told, file, answer);
    }
}
