// The order inside a conversation: a FIFO of turns of which only the first may run, until the
// ledger has its answer.
#include "broker/core/state.h"

#include <assert.h>

static uint32_t *bucket_of(struct core *core, struct id id) {
    return &core->conversation_table[bytes_u64(id.at + 8) & core->conversation_mask];
}

struct conversation *conversation_find(struct core *core, struct id id) {
    uint32_t slot = *bucket_of(core, id);
    while (slot && !id_equal(core->conversations[slot].id, id))
        slot = core->conversations[slot].table_next;
    return slot ? &core->conversations[slot] : NULL;
}

struct conversation *conversation_new(struct core *core, struct id id, uint32_t batch) {
    uint32_t slot = core->conversation_free;
    if (slot)
        core->conversation_free = core->conversations[slot].table_next;
    else if (core->conversation_used < core->config.conversations_max)
        slot = ++core->conversation_used;
    else
        return NULL;
    uint32_t *bucket = bucket_of(core, id);
    core->conversations[slot] =
        (struct conversation){.id = id, .batch = batch, .is_used = 1, .table_next = *bucket};
    *bucket = slot;
    return &core->conversations[slot];
}

static void conversation_free(struct core *core, struct conversation *conversation) {
    uint32_t slot = (uint32_t)(conversation - core->conversations);
    uint32_t *link = bucket_of(core, conversation->id);
    while (*link != slot)
        link = &core->conversations[*link].table_next;
    *link = conversation->table_next;
    *conversation = (struct conversation){.table_next = core->conversation_free};
    core->conversation_free = slot;
}

// Whether nothing needs it any more: no job names it, and no later line may still meet its break.
static bool is_idle(const struct core *core, const struct conversation *conversation) {
    const struct batch *batch = &core->batches[conversation->batch];
    return conversation->is_used && conversation->jobs == 0 && !conversation->is_listed &&
           !(conversation->is_broken && batch->state == BATCH_OPEN);
}

uint32_t core_dirty_conversation(struct core *core) {
    uint32_t freeing = core->freeing_conversation;
    if (freeing) {
        core->freeing_conversation = 0;
        conversation_free(core, &core->conversations[freeing]);
    }
    uint32_t slot = core->dirty_conversation;
    if (slot) {
        struct conversation *conversation = &core->conversations[slot];
        core->dirty_conversation = conversation->dirty_next;
        conversation->is_dirty = 0;
        if (is_idle(core, conversation)) {
            conversation->is_used = 0;
            core->freeing_conversation = slot;
        }
        conversation->is_stored = conversation->is_used && conversation->is_broken;
    }
    return slot;
}

void turn_append(struct core *core, struct conversation *conversation, struct job *job) {
    uint32_t slot = job_slot(core, job);
    job->conversation = (uint32_t)(conversation - core->conversations);
    job->turn_next = 0;
    conversation->jobs++;
    if (conversation->last_turn)
        core->jobs[conversation->last_turn].turn_next = slot;
    else
        conversation->first_turn = slot;
    conversation->last_turn = slot;
}

static void release_first(struct core *core, struct conversation *conversation) {
    struct job *first = &core->jobs[conversation->first_turn];
    if (conversation->first_turn && !conversation->is_broken && first->state == JOB_WAITING)
        job_release(core, first);
}

void turn_remove(struct core *core, struct job *job) {
    if (!job->conversation)
        return;
    struct conversation *conversation = &core->conversations[job->conversation];
    uint32_t slot = job_slot(core, job);
    uint32_t before = 0;
    uint32_t *link = &conversation->first_turn;
    while (*link && *link != slot) {
        before = *link;
        link = &core->jobs[*link].turn_next;
    }
    if (!*link)
        return; // it left before
    *link = job->turn_next;
    if (conversation->last_turn == slot)
        conversation->last_turn = before;
    job->turn_next = 0;
    release_first(core, conversation);
}

void conversation_leave(struct core *core, struct job *job) {
    if (!job->conversation)
        return;
    struct conversation *conversation = &core->conversations[job->conversation];
    assert(conversation->jobs > 0);
    conversation->jobs--;
    if (is_idle(core, conversation))
        conversation_touch(core, conversation);
}

void conversations_release_batch(struct core *core, uint32_t batch) {
    for (uint32_t slot = 1; slot <= core->conversation_used; slot++) {
        struct conversation *conversation = &core->conversations[slot];
        if (conversation->is_used && conversation->batch == batch && is_idle(core, conversation))
            conversation_touch(core, conversation);
    }
}

void job_release(struct core *core, struct job *job) {
    job_state(core, job, JOB_READY);
    job->reason = REASON_none;
    flow_put(core, job);
}

void job_withdraw(struct core *core, struct job *job) {
    switch (job->state) {
    case JOB_READY:
        flow_remove(core, job);
        break;
    case JOB_PREPARING:
    case JOB_PREPARED:
        window_drop(core, job);
        break;
    default:
        break;
    }
    timer_clear(core, job);
}

static void list_conversation(struct core *core, struct conversation *conversation) {
    if (conversation->is_listed)
        return;
    conversation->is_listed = 1;
    conversation->list_next = core->listed_conversation;
    core->listed_conversation = (uint32_t)(conversation - core->conversations);
}

void conversation_break(struct core *core, struct job *job) {
    if (!job->conversation)
        return;
    struct conversation *conversation = &core->conversations[job->conversation];
    if (!conversation->is_broken) {
        conversation->is_broken = 1;
        conversation_touch(core, conversation);
    }
    list_conversation(core, conversation);
}

void conversation_mend(struct core *core, struct job *job) {
    if (!job->conversation)
        return;
    struct conversation *conversation = &core->conversations[job->conversation];
    conversation->is_broken = 0;
    conversation_touch(core, conversation);
    for (uint32_t slot = conversation->first_turn; slot; slot = core->jobs[slot].turn_next) {
        struct job *turn = &core->jobs[slot];
        if (turn->state != JOB_PARKED || turn->reason != REASON_earlier_turn)
            continue;
        outcome_uncount(core, turn);
        job_state(core, turn, JOB_WAITING);
        job_touch(core, turn);
    }
}

// Parks the turns behind a break, a bounded number a tick. False: some are left.
static bool park_turns(struct core *core, struct conversation *conversation) {
    for (uint32_t slot = conversation->first_turn; slot; slot = core->jobs[slot].turn_next) {
        struct job *turn = &core->jobs[slot];
        if (turn->state != JOB_WAITING)
            continue;
        if (!has_room(core, 1) || !records_have_room(core, 1))
            return false;
        job_state(core, turn, JOB_PARKED);
        outcome_alone(core, turn, OUTCOME_parked, REASON_earlier_turn);
    }
    return true;
}

void conversations_run(struct core *core) {
    while (core->listed_conversation) {
        struct conversation *conversation = &core->conversations[core->listed_conversation];
        if (conversation->is_broken && !park_turns(core, conversation))
            return;
        core->listed_conversation = conversation->list_next;
        conversation->is_listed = 0;
        if (is_idle(core, conversation))
            conversation_touch(core, conversation);
    }
}
