// The queues of ready jobs: a flow for each (lane, batch, priority), a pairing heap by journal
// number inside it, and round robin between the flows of a lane and priority.
#include "broker/core/state.h"

#include <assert.h>

static uint32_t meld(struct core *core, uint32_t a, uint32_t b) {
    if (!a || !b)
        return a ? a : b;
    if (core->jobs[b].number < core->jobs[a].number) {
        uint32_t swap = a;
        a = b;
        b = swap;
    }
    struct job *parent = &core->jobs[a];
    struct job *child = &core->jobs[b];
    child->next = parent->first_child;
    if (parent->first_child)
        core->jobs[parent->first_child].prev = b;
    child->prev = a; // the first child's prev is its parent
    parent->first_child = b;
    return a;
}

// Merges a list of siblings into one heap: in pairs from the left, then those from the right.
static uint32_t meld_siblings(struct core *core, uint32_t first) {
    uint32_t pairs = 0;
    while (first) {
        uint32_t a = first;
        uint32_t b = core->jobs[a].next;
        first = b ? core->jobs[b].next : 0;
        core->jobs[a].next = core->jobs[a].prev = 0;
        if (b)
            core->jobs[b].next = core->jobs[b].prev = 0;
        uint32_t pair = meld(core, a, b);
        core->jobs[pair].next = pairs;
        pairs = pair;
    }
    uint32_t root = 0;
    while (pairs) {
        uint32_t rest = core->jobs[pairs].next;
        core->jobs[pairs].next = 0;
        root = meld(core, root, pairs);
        pairs = rest;
    }
    return root;
}

// The heap of a flow that a job belongs into: turns need a context, single calls do not.
static uint32_t *root_for(struct flow *flow, const struct job *job) {
    return &flow->roots[job->conversation != 0];
}

static void heap_remove(struct core *core, uint32_t *root, uint32_t slot) {
    struct job *job = &core->jobs[slot];
    uint32_t children = meld_siblings(core, job->first_child);
    if (*root == slot) {
        *root = children;
    } else {
        struct job *before = &core->jobs[job->prev];
        if (before->first_child == slot)
            before->first_child = job->next;
        else
            before->next = job->next;
        if (job->next)
            core->jobs[job->next].prev = job->prev;
        *root = meld(core, *root, children);
    }
    job->first_child = job->next = job->prev = 0;
}

static void ring_insert(struct core *core, uint32_t slot) {
    struct flow *flow = &core->flows[slot];
    uint32_t *ring = &core->lanes[flow->lane].ring[flow->priority];
    if (!*ring) {
        flow->ring_next = flow->ring_prev = slot;
        *ring = slot;
        return;
    }
    struct flow *at = &core->flows[*ring]; // behind all that wait for their turn
    flow->ring_next = *ring;
    flow->ring_prev = at->ring_prev;
    core->flows[at->ring_prev].ring_next = slot;
    at->ring_prev = slot;
}

static void ring_remove(struct core *core, uint32_t slot) {
    struct flow *flow = &core->flows[slot];
    uint32_t *ring = &core->lanes[flow->lane].ring[flow->priority];
    if (*ring == slot)
        *ring = flow->ring_next == slot ? 0 : flow->ring_next;
    core->flows[flow->ring_prev].ring_next = flow->ring_next;
    core->flows[flow->ring_next].ring_prev = flow->ring_prev;
    flow->ring_next = flow->ring_prev = 0;
}

static bool is_flow_of(const struct flow *flow, const struct job *job) {
    return flow->lane == job->lane && flow->batch == job->batch && flow->priority == job->priority;
}

static uint32_t flow_for(struct core *core, const struct job *job) {
    struct batch *batch = batch_of(core, job);
    if (core->last_flow && is_flow_of(&core->flows[core->last_flow], job))
        return core->last_flow;
    uint32_t slot = batch->flows;
    while (slot && !is_flow_of(&core->flows[slot], job))
        slot = core->flows[slot].batch_next;
    if (!slot) {
        slot = core->flow_free;
        if (slot)
            core->flow_free = core->flows[slot].batch_next;
        else if (core->flow_used < core->config.flows_max)
            slot = ++core->flow_used;
        else
            return 0;
        core->flows[slot] = (struct flow){.lane = job->lane,
                                          .batch = job->batch,
                                          .priority = job->priority,
                                          .batch_next = batch->flows};
        batch->flows = slot;
        core->lanes[job->lane].flows++;
    }
    core->last_flow = slot;
    return slot;
}

bool flow_has_room(const struct core *core, uint32_t flows) {
    if (core->config.flows_max - core->flow_used >= flows)
        return true;
    uint32_t found = core->config.flows_max - core->flow_used;
    for (uint32_t slot = core->flow_free; slot && found < flows;
         slot = core->flows[slot].batch_next)
        found++;
    return found >= flows;
}

void flow_reserve(struct core *core, const struct job *job) {
    uint32_t slot = flow_for(core, job);
    assert(slot);
    (void)slot;
}

void flow_put(struct core *core, struct job *job) {
    uint32_t slot = flow_for(core, job);
    assert(slot); // it was reserved when the job came
    struct flow *flow = &core->flows[slot];
    job->flow = slot;
    job->first_child = job->next = job->prev = 0;
    uint32_t *root = root_for(flow, job);
    *root = meld(core, *root, job_slot(core, job));
    if (flow->count++ == 0)
        ring_insert(core, slot);
    core->lanes[flow->lane].waiting++;
}

void flow_remove(struct core *core, struct job *job) {
    assert(job->flow);
    struct flow *flow = &core->flows[job->flow];
    heap_remove(core, root_for(flow, job), job_slot(core, job));
    if (--flow->count == 0)
        ring_remove(core, job->flow);
    core->lanes[flow->lane].waiting--;
    job->flow = 0;
}

// The first job of a flow, in the order of the journal; 0: none that may be taken.
static uint32_t first_of(const struct core *core, const struct flow *flow, bool with_turns) {
    uint32_t single = flow->roots[0], turn = with_turns ? flow->roots[1] : 0;
    if (!single || !turn)
        return single ? single : turn;
    return core->jobs[single].number < core->jobs[turn].number ? single : turn;
}

struct job *flow_take(struct core *core, struct lane *lane, unsigned priority, bool with_turns) {
    uint32_t first = lane->ring[priority], slot = first;
    if (!slot)
        return NULL;
    do {
        struct flow *flow = &core->flows[slot];
        uint32_t job = first_of(core, flow, with_turns);
        if (job) {
            lane->ring[priority] = flow->ring_next;
            flow_remove(core, &core->jobs[job]);
            return &core->jobs[job];
        }
        slot = flow->ring_next;
    } while (slot != first);
    return NULL;
}

void flow_release_batch(struct core *core, struct batch *batch) {
    while (batch->flows) {
        uint32_t slot = batch->flows;
        struct flow *flow = &core->flows[slot];
        assert(flow->count == 0);
        batch->flows = flow->batch_next;
        core->lanes[flow->lane].flows--;
        *flow = (struct flow){.batch_next = core->flow_free};
        core->flow_free = slot;
    }
    core->last_flow = 0;
}
