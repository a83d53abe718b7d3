// A binary heap of jobs by the time that is due for them, each job knowing its place.
#include "broker/core/state.h"

#include <assert.h>

static void place(struct core *core, uint32_t at, uint32_t slot) {
    core->timers[at] = slot;
    core->jobs[slot].timer = at;
}

static uint64_t due_at(const struct core *core, uint32_t at) {
    return core->jobs[core->timers[at]].due_ms;
}

static void sift_up(struct core *core, uint32_t at) {
    uint32_t slot = core->timers[at];
    uint64_t due_ms = core->jobs[slot].due_ms;
    while (at > 1 && due_at(core, at / 2) > due_ms) {
        place(core, at, core->timers[at / 2]);
        at /= 2;
    }
    place(core, at, slot);
}

static void sift_down(struct core *core, uint32_t at) {
    uint32_t slot = core->timers[at];
    uint64_t due_ms = core->jobs[slot].due_ms;
    for (;;) {
        uint32_t child = 2 * at;
        if (child > core->timer_count)
            break;
        if (child < core->timer_count && due_at(core, child + 1) < due_at(core, child))
            child++;
        if (due_at(core, child) >= due_ms)
            break;
        place(core, at, core->timers[child]);
        at = child;
    }
    place(core, at, slot);
}

void timer_set(struct core *core, struct job *job, uint64_t due_ms) {
    job->due_ms = due_ms;
    if (!job->timer)
        place(core, ++core->timer_count, job_slot(core, job));
    sift_up(core, job->timer);
    sift_down(core, job->timer);
}

void timer_clear(struct core *core, struct job *job) {
    uint32_t at = job->timer;
    if (!at)
        return;
    assert(core->timers[at] == job_slot(core, job));
    job->timer = 0;
    uint32_t last = core->timers[core->timer_count--];
    if (at > core->timer_count)
        return;
    place(core, at, last);
    sift_up(core, at);
    sift_down(core, core->jobs[last].timer);
}

struct job *timer_due(struct core *core) {
    if (core->timer_count == 0)
        return NULL;
    struct job *job = &core->jobs[core->timers[1]];
    return job->due_ms <= core->now_ms ? job : NULL;
}
