// What the jobs of a batch wait for, for people.
#include "broker/core/state.h"

enum { LOOKED_AT_MAX = 4096 };

static struct wait *wait_for(struct wait *waits, uint32_t *count, uint32_t max, enum reason reason,
                             uint32_t lane) {
    for (uint32_t i = 0; i < *count; i++)
        if (waits[i].reason == reason && waits[i].lane == lane)
            return &waits[i];
    if (*count == max)
        return NULL;
    waits[*count] = (struct wait){.reason = reason, .lane = lane};
    return &waits[(*count)++];
}

static void add(struct wait *wait, uint64_t jobs, uint64_t due_ms) {
    if (!wait)
        return;
    wait->jobs += jobs;
    if (due_ms && (!wait->due_ms || due_ms < wait->due_ms))
        wait->due_ms = due_ms;
}

static void add_delayed(const struct core *core, const struct batch *batch, struct wait *waits,
                        uint32_t *count, uint32_t max) {
    uint64_t left = batch->states[JOB_DELAYED];
    uint32_t looked_at = 0;
    for (uint32_t slot = batch->first_job; slot && left > 0 && looked_at < LOOKED_AT_MAX;
         slot = core->jobs[slot].batch_next, looked_at++) {
        const struct job *job = &core->jobs[slot];
        if (job->state != JOB_DELAYED)
            continue;
        add(wait_for(waits, count, max, core_waits_for(core, job), job->lane), 1, job->due_ms);
        left--;
    }
    if (left > 0)
        add(wait_for(waits, count, max, REASON_delayed, 0), left, 0);
}

static void add_turns(const struct core *core, const struct batch *batch, struct wait *waits,
                      uint32_t *count, uint32_t max) {
    uint32_t slot = batch->first_job, looked_at = 0;
    if (batch->states[JOB_WAITING] == 0)
        return;
    while (slot && core->jobs[slot].state != JOB_WAITING && looked_at++ < LOOKED_AT_MAX)
        slot = core->jobs[slot].batch_next;
    struct wait *wait = wait_for(waits, count, max, REASON_earlier_turn, 0);
    add(wait, batch->states[JOB_WAITING], 0);
    if (wait && slot && core->jobs[slot].state == JOB_WAITING)
        wait->job = slot;
}

// Jobs of the flow's batch that are prepared in its lane's window.
static uint64_t prepared_of(const struct core *core, const struct flow *flow) {
    uint64_t count = 0;
    uint32_t slot = core->lanes[flow->lane].window_first[flow->priority];
    for (; slot; slot = core->jobs[slot].next)
        count += core->jobs[slot].batch == flow->batch && core->jobs[slot].state == JOB_PREPARED;
    return count;
}

uint32_t core_waits(const struct core *core, uint32_t batch_slot, struct wait *waits,
                    uint32_t max) {
    const struct batch *batch = &core->batches[batch_slot];
    uint32_t count = 0;
    for (uint32_t slot = batch->flows; slot; slot = core->flows[slot].batch_next) {
        const struct flow *flow = &core->flows[slot];
        const struct lane *lane = &core->lanes[flow->lane];
        uint64_t jobs = flow->count + prepared_of(core, flow);
        if (jobs > 0 && lane->wait != REASON_none)
            add(wait_for(waits, &count, max, (enum reason)lane->wait, flow->lane), jobs,
                lane->state == LANE_held ? lane->probe_due_ms : 0);
    }
    uint64_t unprepared = core->accountant ? 0 : batch->states[JOB_PREPARING];
    uint64_t unrecorded = core_accountant_takes(core) ? 0 : batch->records;
    if (unprepared + unrecorded > 0)
        add(wait_for(waits, &count, max,
                     core->accountant ? REASON_ledger_full : REASON_accountant_away, 0),
            unprepared + unrecorded, 0);
    add_delayed(core, batch, waits, &count, max);
    add_turns(core, batch, waits, &count, max);
    if (batch->state == BATCH_OPEN)
        (void)wait_for(waits, &count, max, REASON_not_sent, 0);
    return count;
}
