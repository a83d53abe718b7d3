// What the core and the loop count of their rows, counted anew: whatever drifts or is left behind
// shows at once, and not when a batch never settles.
#include "broker/core/state.h"
#include "tests/broker-sim/world.h"

#include <stddef.h>

// Of one batch, lane or conversation.
struct count {
    uint64_t unsettled, records, revived, marks, window, waiting, jobs, kept;
};

static struct sum {
    struct count batches[BATCHES_OPENED_MAX], lanes[LANES_MAX], conversations[JOBS_MAX];
    uint64_t context_bytes, answers_room, timers, contexts;
    uint64_t read_bytes, facts;
} sum;

// Of the tables only what is in use: they are large, and turns are many.
static void begin(const struct core *core) {
    memset(sum.batches, 0, (core->batch_used + 1) * sizeof(sum.batches[0]));
    memset(sum.lanes, 0, (core->lane_used + 1) * sizeof(sum.lanes[0]));
    memset(sum.conversations, 0, (core->conversation_used + 1) * sizeof(sum.conversations[0]));
    memset(&sum.context_bytes, 0, sizeof(sum) - offsetof(struct sum, context_bytes));
}

static bool is_over(const struct job *job) {
    return job->state == JOB_ENDED || job->state == JOB_DEAD || job->state == JOB_PARKED ||
           job->state == JOB_OVERTAKEN || job->state == JOB_GONE;
}

static bool must_have_timer(const struct job *job) {
    return job_is_marked(job) || job->state == JOB_DELAYED || job->state == JOB_PREPARING;
}

static void add_job(const struct core *core, const struct job *job) {
    struct count *batch = &sum.batches[job->batch];
    struct count *lane = &sum.lanes[job->lane];
    struct count *conversation = &sum.conversations[job->conversation];
    const char *state = job_state_name((enum job_state)job->state);
    unsigned long long number = job->number;
    PROMISE(job_has_outcome(job) == is_over(job), "job %llu is %s and has outcome %u", number,
            state, job->outcome);
    PROMISE(job->timer || !must_have_timer(job), "job %llu is %s for ever", number, state);
    batch->unsettled += !job_has_outcome(job) || job->recorded != job->revision;
    batch->revived += !job_has_outcome(job) && job->revision > 0;
    lane->jobs++;
    lane->marks += job_is_marked(job);
    lane->window += job->state == JOB_PREPARING || job->state == JOB_PREPARED;
    lane->waiting += job->state == JOB_READY;
    conversation->jobs++;
    conversation->kept += job_is_kept(job);
    sum.context_bytes += job->context_bytes;
    sum.contexts += job->state == JOB_PREPARED && job->conversation;
    sum.timers += job->timer != 0;
    if (job_is_marked(job))
        sum.answers_room += core->lanes[job->lane].answer_room;
}

static void add_record(const struct record *record, uint32_t slot) {
    struct bytes facts, refused;
    sum.batches[record->batch].records++;
    if (record->is_answer_in && record->state != RECORD_RAW)
        sum.read_bytes += record->bytes;
    sum.facts += keep_get(&world.loop.facts, slot, &facts, &refused);
}

static void check_batches(const struct core *core) {
    for (uint32_t slot = 1; slot <= core->batch_used; slot++) {
        const struct batch *batch = &core->batches[slot];
        const struct count *count = &sum.batches[slot];
        PROMISE(batch->state == BATCH_FREE ||
                    (batch->unsettled == count->unsettled && batch->records == count->records &&
                     batch->revived == count->revived),
                "batch %u counts otherwise what is unsettled, unrecorded or revived", slot);
    }
}

static void check_lanes(const struct core *core) {
    for (uint32_t slot = 1; slot <= core->lane_used; slot++) {
        const struct lane *lane = &core->lanes[slot];
        const struct count *count = &sum.lanes[slot];
        PROMISE(lane->jobs == count->jobs && lane->marks == count->marks &&
                    lane->window == count->window && lane->waiting == count->waiting,
                "lane %u counts its jobs otherwise", slot);
        PROMISE(!lane->probe_job || job_is_marked(&core->jobs[lane->probe_job]),
                "lane %u waits for a probe that is none", slot);
    }
}

static bool is_standing_still(const struct core *core, const struct conversation *conversation) {
    uint32_t slot = conversation->first_turn;
    if (!slot || conversation->is_listed || conversation->broken_at ||
        core->batches[conversation->batch].is_cancelled)
        return false;
    while (slot && core->jobs[slot].state == JOB_WAITING)
        slot = core->jobs[slot].turn_next;
    return !slot;
}

static void check_conversations(const struct core *core) {
    for (uint32_t slot = 1; slot <= core->conversation_used; slot++) {
        const struct conversation *conversation = &core->conversations[slot];
        const struct count *count = &sum.conversations[slot];
        if (!conversation->is_used)
            continue;
        PROMISE(conversation->jobs == count->jobs && conversation->kept == count->kept,
                "conversation %u counts its turns otherwise", slot);
        PROMISE(core->batches[conversation->batch].state != BATCH_FREE,
                "conversation %u is of a batch that is gone", slot);
        // One that is dirty goes with the next commit: a start finds what was listed before it.
        PROMISE(count->jobs > 0 || conversation->is_listed || conversation->is_empty ||
                    conversation->is_dirty,
                "conversation %u is left behind", slot);
        PROMISE(!is_standing_still(core, conversation),
                "all turns of conversation %u wait, and for none", slot);
    }
}

void recount(void) {
    const struct core *core = world.loop.core;
    begin(core);
    for (uint32_t slot = 1; slot <= core->job_used; slot++)
        if (core->jobs[slot].state != JOB_FREE)
            add_job(core, &core->jobs[slot]);
    for (uint32_t slot = 1; slot <= core->record_used; slot++)
        if (core->records[slot].state != RECORD_FREE)
            add_record(&core->records[slot], slot);
    check_batches(core);
    check_lanes(core);
    check_conversations(core);
    PROMISE(core->timer_count == sum.timers, "a timer of no job");
    PROMISE(core->answers_room == sum.answers_room, "the room of open calls is another");
    PROMISE(core->read_bytes == sum.read_bytes, "the bytes of answers that are read are others");
    PROMISE(core->contexts_bytes == sum.context_bytes, "the bytes of contexts are others");
    PROMISE(world.loop.facts.count == sum.facts, "facts of no record are kept");
    PROMISE(world.loop.contexts.count == sum.contexts, "contexts of no prepared turn are kept");
}
