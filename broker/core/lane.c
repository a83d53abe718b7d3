// Lanes: what may be called at once, the window of jobs that are prepared for it, and the hold
// that a provider's refusal of the whole lane puts on it, with its probes.
#include "broker/core/state.h"

#include <assert.h>

static void copy_text(char *to, size_t room, struct bytes text) {
    text = bytes_cut(text, room - 1);
    if (text.size > 0)
        memcpy(to, text.at, text.size);
    to[text.size] = 0;
}

static bool text_is(const char *text, struct bytes bytes) {
    return bytes_equal(bytes_text(text), bytes);
}

static uint32_t hash_of(struct bytes a, struct bytes b, struct bytes c) {
    const struct bytes parts[] = {a, b, c};
    uint64_t hash = 1469598103934665603u;
    for (int i = 0; i < 3; i++) {
        for (size_t k = 0; k < parts[i].size; k++)
            hash = (hash ^ parts[i].at[k]) * 1099511628211u;
        hash = (hash ^ 0xffu) * 1099511628211u;
    }
    return (uint32_t)(hash >> 32);
}

uint32_t key_intern(struct core *core, struct bytes provider, struct bytes alias) {
    for (uint32_t i = 0; i < core->key_used; i++)
        if (text_is(core->keys[i].provider, provider) && text_is(core->keys[i].alias, alias))
            return i;
    if (core->key_used == KEYS_MAX)
        return KEYS_MAX;
    copy_text(core->keys[core->key_used].provider, sizeof(core->keys[0].provider), provider);
    copy_text(core->keys[core->key_used].alias, sizeof(core->keys[0].alias), alias);
    return core->key_used++;
}

// The place of a lane in the table: its own, or the empty one where it would stand.
static uint32_t *lane_place(const struct core *core, struct bytes provider, struct bytes key,
                            struct bytes model) {
    uint32_t i = hash_of(provider, key, model) % LANE_TABLE_SIZE;
    for (;; i = (i + 1) % LANE_TABLE_SIZE) {
        uint32_t slot = core->lane_table[i];
        const struct lane *lane = &core->lanes[slot];
        if (!slot || (text_is(lane->model, model) && text_is(lane->key, key) &&
                      text_is(lane->provider, provider)))
            return (uint32_t *)&core->lane_table[i];
    }
}

uint32_t core_find_lane(const struct core *core, struct bytes provider, struct bytes key,
                        struct bytes model) {
    return *lane_place(core, provider, key, model);
}

// Whether nothing needs a lane any more: another may have its slot.
static bool is_spare(const struct lane *lane) {
    return lane->state == LANE_open && lane->jobs == 0 && lane->flows == 0 && !lane->is_dirty;
}

static uint32_t lanes_left(const struct core *core, uint32_t enough) {
    uint32_t left = LANES_MAX - 1 - core->lane_used;
    for (uint32_t slot = 1; slot <= core->lane_used && left < enough; slot++)
        left += is_spare(&core->lanes[slot]);
    return left;
}

static void fill_table(struct core *core, uint32_t except) {
    memset(core->lane_table, 0, sizeof(core->lane_table));
    for (uint32_t slot = 1; slot <= core->lane_used; slot++) {
        const struct lane *lane = &core->lanes[slot];
        if (slot != except)
            *lane_place(core, bytes_text(lane->provider), bytes_text(lane->key),
                        bytes_text(lane->model)) = slot;
    }
}

// An unused slot, or one of a lane that is spare. 0: there is none.
static uint32_t lane_slot(struct core *core) {
    if (core->lane_used + 1 < LANES_MAX)
        return ++core->lane_used;
    for (uint32_t slot = 1; slot <= core->lane_used; slot++)
        if (is_spare(&core->lanes[slot])) {
            fill_table(core, slot);
            return slot;
        }
    return 0;
}

uint32_t lane_intern(struct core *core, struct bytes provider, struct bytes key,
                     struct bytes model) {
    uint32_t known = *lane_place(core, provider, key, model);
    if (known)
        return known;
    uint32_t key_index = key_intern(core, provider, key);
    uint32_t slot = key_index < KEYS_MAX ? lane_slot(core) : 0;
    if (!slot)
        return 0;
    struct lane *lane = &core->lanes[slot];
    *lane = (struct lane){.state = LANE_open,
                          .is_dirty = 1,
                          .key_index = key_index,
                          .concurrency = core->config.lane_concurrency};
    lane_expects(core, lane);
    copy_text(lane->provider, sizeof(lane->provider), provider);
    copy_text(lane->key, sizeof(lane->key), key);
    copy_text(lane->model, sizeof(lane->model), model);
    *lane_place(core, provider, key, model) = slot;
    return slot;
}

const char *lanes_lack(struct core *core, const struct put_item *items, uint32_t count) {
    uint32_t fresh = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct put_item *item = &items[i];
        if (item->refused.size > 0 || *lane_place(core, item->provider, item->key, item->model))
            continue;
        if (key_intern(core, item->provider, item->key) == KEYS_MAX)
            return "too_many_keys";
        fresh++;
    }
    return fresh > 0 && lanes_left(core, fresh) < fresh ? "too_many_lanes" : NULL;
}

// ---- the window ---------------------------------------------------------------------------------

static void window_append(struct core *core, struct lane *lane, struct job *job) {
    uint32_t slot = job_slot(core, job);
    uint32_t *last = &lane->window_last[job->priority];
    job->prev = *last;
    job->next = 0;
    if (*last)
        core->jobs[*last].next = slot;
    else
        lane->window_first[job->priority] = slot;
    *last = slot;
    lane->window++;
}

void window_remove(struct core *core, struct job *job) {
    struct lane *lane = lane_of(core, job);
    if (job->prev)
        core->jobs[job->prev].next = job->next;
    else
        lane->window_first[job->priority] = job->next;
    if (job->next)
        core->jobs[job->next].prev = job->prev;
    else
        lane->window_last[job->priority] = job->prev;
    job->next = job->prev = 0;
    lane->window--;
    core->contexts_bytes -= job->context_bytes;
    job->context_bytes = 0;
}

void window_drop(struct core *core, struct job *job) {
    timer_clear(core, job);
    window_remove(core, job);
    if (job->conversation && job->state == JOB_PREPARED)
        emit(core, EFFECT_drop_context)->slot = job_slot(core, job);
}

static void give_back(struct core *core, struct job *job) {
    window_drop(core, job);
    job_release(core, job);
}

// What is held leaves the window; its context is thrown away. Bounded by the room for effects:
// what is left leaves with a later tick.
void window_clear(struct core *core, struct lane *lane) {
    for (unsigned priority = 0; priority < PRIORITIES; priority++)
        while (lane->window_first[priority] && has_room(core, 1))
            give_back(core, &core->jobs[lane->window_first[priority]]);
}

// Takes a job in: a single call is prepared as it is, a turn when the accountant has answered.
static void window_take(struct core *core, struct job *job) {
    window_append(core, lane_of(core, job), job);
    if (!job->conversation) {
        job_state(core, job, JOB_PREPARED);
        return;
    }
    job_state(core, job, JOB_PREPARING);
    job->ask = ++core->asks;
    ask_context(core, job);
}

void ask_context(struct core *core, struct job *job) {
    timer_set(core, job, core->now_ms + ASK_RESEND_MS);
    struct effect *effect = emit(core, EFFECT_send_prepare);
    effect->peer = core->accountant;
    effect->slot = job_slot(core, job);
    effect->number = job->ask;
}

// Whether the window holds a job of a lower class.
static bool may_displace(const struct lane *lane, unsigned priority) {
    for (unsigned low = PRIORITIES - 1; low > priority; low--)
        if (lane->window_last[low])
            return true;
    return false;
}

// Makes room for a job of a higher class by giving back the last of the lowest.
static void displace(struct core *core, struct lane *lane, unsigned priority) {
    unsigned low = PRIORITIES - 1;
    while (low > priority && !lane->window_last[low])
        low--;
    assert(low > priority);
    give_back(core, &core->jobs[lane->window_last[low]]);
}

static void fill_window(struct core *core, struct lane *lane, uint32_t limit) {
    for (unsigned priority = 0; priority < PRIORITIES; priority++)
        while (lane->ring[priority] && has_room(core, 3)) {
            bool with_turns = core->accountant && core->contexts_bytes < CONTEXTS_BYTES_MAX;
            if (lane->window >= limit && !may_displace(lane, priority))
                return;
            struct job *job = flow_take(core, lane, priority, with_turns);
            if (!job)
                break;
            if (lane->window >= limit)
                displace(core, lane, priority);
            window_take(core, job);
        }
}

static struct job *first_prepared(struct core *core, const struct lane *lane) {
    for (unsigned priority = 0; priority < PRIORITIES; priority++)
        for (uint32_t slot = lane->window_first[priority]; slot; slot = core->jobs[slot].next)
            if (core->jobs[slot].state == JOB_PREPARED)
                return &core->jobs[slot];
    return NULL;
}

// ---- holding and probing
// --------------------------------------------------------------------------

void lane_hold(struct core *core, struct lane *lane, struct bytes reason, struct bytes detail) {
    if (lane->state == LANE_paused)
        return;
    if (lane->state != LANE_held) {
        lane->probe_interval_ms = PROBE_BASE_MS;
        lane->probe_due_ms = core->now_ms + PROBE_BASE_MS;
    }
    lane->state = LANE_held;
    lane->is_dirty = 1;
    copy_text(lane->held_reason, sizeof(lane->held_reason), reason);
    copy_text(lane->held_detail, sizeof(lane->held_detail), detail);
    window_clear(core, lane);
}

void lane_open(struct core *core, struct lane *lane) {
    (void)core;
    if (lane->state == LANE_open)
        return;
    lane->state = LANE_open;
    lane->is_dirty = 1;
    lane->misses = 0;
    lane->probe_interval_ms = 0;
    lane->held_reason[0] = lane->held_detail[0] = 0;
}

// ---- running
// ----------------------------------------------------------------------------------------

static bool answers_have_room(const struct core *core, const struct lane *lane) {
    return answer_has_room(core, lane) && core->marks < OPEN_MARKS_MAX - 1 &&
           records_have_room(core, 2);
}

// Leases what is prepared, up to limit open attempts. Returns what stops it.
static enum reason lease_some(struct core *core, struct lane *lane, uint32_t limit, bool is_probe) {
    while (has_room(core, 2)) {
        struct job *job = first_prepared(core, lane);
        if (!job)
            return lane->window || !lane->waiting ? REASON_none : REASON_accountant_away;
        if (lane->marks >= limit)
            return REASON_lane_full;
        if (!answers_have_room(core, lane))
            return REASON_journal_full;
        enum reason why;
        struct worker *worker = worker_for(core, lane, &why);
        if (!worker)
            return why;
        window_remove(core, job); // its context goes out with the lease
        job_mark(core, job, worker);
        if (is_probe) {
            lane->probe_job = job_slot(core, job);
            return REASON_lane_held;
        }
    }
    return REASON_none;
}

static void run_held(struct core *core, struct lane *lane) {
    lane->wait = REASON_lane_held;
    if (lane->probe_job || core->now_ms < lane->probe_due_ms)
        return;
    fill_window(core, lane, 1);
    (void)lease_some(core, lane, lane->marks + 1, true);
    if (!lane->probe_job)
        return;
    // However the probe ends, the next one waits longer.
    lane->probe_due_ms = core->now_ms + lane->probe_interval_ms;
    lane->probe_interval_ms =
        lane->probe_interval_ms < PROBE_MAX_MS / 2 ? lane->probe_interval_ms * 2 : PROBE_MAX_MS;
}

static void lane_run(struct core *core, struct lane *lane) {
    enum reason why;
    if (lane->waiting == 0 && lane->window == 0) {
        lane->wait = REASON_none;
        return;
    }
    if (lane->state == LANE_paused) {
        lane->wait = REASON_lane_paused;
        window_clear(core, lane);
        return;
    }
    (void)worker_for(core, lane, &why);
    if (why == REASON_no_worker || why == REASON_no_key) {
        lane->wait = (uint8_t)why;
        window_clear(core, lane);
        return;
    }
    if (core->is_closed) {
        lane->wait = REASON_disk_full;
        return;
    }
    if (lane->state == LANE_held) {
        run_held(core, lane);
        return;
    }
    uint32_t limit = lane->concurrency * WINDOW_FACTOR;
    fill_window(core, lane, limit);
    why = lease_some(core, lane, lane->concurrency, false);
    fill_window(core, lane, limit);
    lane->wait = (uint8_t)why;
}

void lanes_run(struct core *core) {
    for (uint32_t slot = 1; slot <= core->lane_used; slot++)
        lane_run(core, &core->lanes[slot]);
}

uint64_t lanes_due_ms(const struct core *core) {
    uint64_t due = UINT64_MAX;
    for (uint32_t slot = 1; slot <= core->lane_used; slot++) {
        const struct lane *lane = &core->lanes[slot];
        if (lane->state == LANE_held && !lane->probe_job && lane->waiting + lane->window > 0 &&
            lane->probe_due_ms < due && lane->probe_due_ms > core->now_ms)
            due = lane->probe_due_ms;
    }
    return due;
}
