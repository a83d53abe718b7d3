// The order inside a conversation: a FIFO of turns of which only the first may run, until the
// ledger has its answer.
#include "broker/core/state.h"

#include <assert.h>

static uint32_t *bucket_of(const struct core *core, struct id id) {
    return &core->conversation_table[bytes_u64(id.at + 8) & core->conversation_mask];
}

uint32_t core_find_conversation(const struct core *core, struct id id) {
    uint32_t slot = *bucket_of(core, id);
    while (slot && !id_equal(core->conversations[slot].id, id))
        slot = core->conversations[slot].table_next;
    return slot;
}

struct conversation *conversation_find(struct core *core, struct id id) {
    uint32_t slot = core_find_conversation(core, id);
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

// Whether nothing needs it any more: no job names it, and it does not wait for lines that may come.
static bool is_idle(const struct core *core, const struct conversation *conversation) {
    const struct batch *batch = &core->batches[conversation->batch];
    return conversation->is_used && conversation->jobs == 0 && !conversation->is_listed &&
           !conversation->is_empty && !(conversation->broken_at && batch->state == BATCH_OPEN);
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
        // The row keeps what the rows of its jobs cannot tell: the break, and the highest turn
        // called, which decides whether a dead one may still be revived.
        conversation->is_stored =
            conversation->is_used && (conversation->broken_at || conversation->kept > 0);
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

static enum unanswered_policy policy_of(const struct core *core,
                                        const struct conversation *conversation) {
    return (enum unanswered_policy)core->batches[conversation->batch].unanswered;
}

// The turn whose turn it is; 0: none. Under skip those without an answer are passed over, once
// the ledger knows that they have none.
static uint32_t next_turn(const struct core *core, const struct conversation *conversation) {
    uint32_t slot = conversation->first_turn;
    if (policy_of(core, conversation) != UNANSWERED_skip)
        return slot;
    while (slot && job_is_kept(&core->jobs[slot]) &&
           core->jobs[slot].recorded == core->jobs[slot].revision)
        slot = core->jobs[slot].turn_next;
    return slot;
}

// Whether a turn is behind the conversation's break.
static bool is_held_up(const struct conversation *conversation, const struct job *turn) {
    return conversation->broken_at && turn->turn > conversation->broken_at;
}

static void release_next(struct core *core, struct conversation *conversation) {
    struct job *next = &core->jobs[next_turn(core, conversation)];
    // What is left of a cancelled batch is cancelled, and does not begin to run.
    if (next != core->jobs && next->state == JOB_WAITING && !is_held_up(conversation, next) &&
        !batch_of(core, next)->is_cancelled)
        job_release(core, next);
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
    release_next(core, conversation);
}

void turn_passed(struct core *core, struct job *job) {
    if (job->conversation)
        release_next(core, &core->conversations[job->conversation]);
}

bool turn_is_next(const struct core *core, const struct job *job) {
    return !job->conversation ||
           next_turn(core, &core->conversations[job->conversation]) == job_slot(core, job);
}

bool turn_is_behind_kept(const struct core *core, const struct job *job) {
    uint32_t slot = core->conversations[job->conversation].first_turn;
    while (slot && slot != job_slot(core, job) && !job_is_kept(&core->jobs[slot]))
        slot = core->jobs[slot].turn_next;
    return slot && slot != job_slot(core, job);
}

static bool is_parked_behind(const struct job *job) {
    return job->state == JOB_PARKED && job->reason == REASON_earlier_turn;
}

struct job *turn_parked_behind(struct core *core, const struct job *job) {
    uint32_t slot = job->turn_next;
    while (slot && !is_parked_behind(&core->jobs[slot]))
        slot = core->jobs[slot].turn_next;
    return slot ? &core->jobs[slot] : NULL;
}

void turn_count_kept(struct core *core, struct job *job) {
    struct conversation *conversation = &core->conversations[job->conversation];
    if (!job->conversation)
        return;
    if (job_is_kept(job)) {
        conversation->kept++;
    } else {
        assert(conversation->kept > 0);
        conversation->kept--;
    }
    conversation_touch(core, conversation);
}

void turn_hold_back(struct core *core, struct job *job) {
    const struct conversation *conversation = &core->conversations[job->conversation];
    if (!job->conversation || policy_of(core, conversation) != UNANSWERED_skip)
        return;
    for (uint32_t slot = job->turn_next; slot; slot = core->jobs[slot].turn_next) {
        struct job *later = &core->jobs[slot];
        if (later->state != JOB_READY && later->state != JOB_PREPARING &&
            later->state != JOB_PREPARED && later->state != JOB_DELAYED)
            continue;
        job_withdraw(core, later);
        job_state(core, later, JOB_WAITING);
        job_touch(core, later);
        return; // only one is let go at a time
    }
}

void conversation_leave(struct core *core, struct job *job) {
    if (!job->conversation)
        return;
    struct conversation *conversation = &core->conversations[job->conversation];
    assert(conversation->jobs > 0);
    conversation->jobs--;
    if (is_idle(core, conversation))
        conversation_touch(core, conversation);
    else if (conversation->jobs == 0 && !conversation->is_listed)
        conversation_wait(core, conversation);
}

// Waits for lines that may still come, though no job names it.
void conversation_wait(struct core *core, struct conversation *conversation) {
    struct batch *batch = &core->batches[conversation->batch];
    if (conversation->is_empty)
        return;
    conversation->is_empty = 1;
    conversation->empty_next = batch->empty_conversation;
    batch->empty_conversation = (uint32_t)(conversation - core->conversations);
}

void conversations_release_batch(struct core *core, struct batch *batch) {
    while (batch->empty_conversation) {
        struct conversation *conversation = &core->conversations[batch->empty_conversation];
        batch->empty_conversation = conversation->empty_next;
        conversation->is_empty = 0;
        if (is_idle(core, conversation))
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

// ---- behind a turn without an answer
// --------------------------------------------------------------

void conversation_list(struct core *core, struct conversation *conversation) {
    if (conversation->is_listed)
        return;
    conversation->is_listed = 1;
    conversation->list_next = core->listed_conversation;
    core->listed_conversation = (uint32_t)(conversation - core->conversations);
}

static void break_at(struct core *core, struct conversation *conversation, uint32_t turn) {
    if (conversation->broken_at && conversation->broken_at <= turn)
        return;
    conversation->broken_at = turn;
    conversation_touch(core, conversation);
}

void turn_unanswered(struct core *core, struct job *job) {
    struct conversation *conversation = &core->conversations[job->conversation];
    if (!job->conversation || policy_of(core, conversation) == UNANSWERED_skip ||
        batch_of(core, job)->is_cancelled)
        return;
    break_at(core, conversation, job->turn);
    conversation_list(core, conversation);
}

// Where the turns behind an answered one are broken once more: the first that has ended without an
// answer, whether it is gone already or not, with a turn parked behind it; 0: nowhere.
static uint32_t break_behind(const struct core *core, const struct job *answered) {
    uint32_t before = answered->turn;
    for (uint32_t slot = answered->turn_next; slot; slot = core->jobs[slot].turn_next) {
        const struct job *turn = &core->jobs[slot];
        if (turn->state == JOB_ENDED && turn->outcome != OUTCOME_answered)
            continue; // it goes when the ledger has it
        if (turn->turn > before + 1 && is_parked_behind(turn))
            return before + 1;
        before = turn->turn;
    }
    return 0;
}

// An answer to the turn at the break, or to a later one that a person has sent on its way.
void turn_answered(struct core *core, struct job *job) {
    struct conversation *conversation = &core->conversations[job->conversation];
    if (!job->conversation || !conversation->broken_at || job->turn < conversation->broken_at)
        return;
    conversation->broken_at = break_behind(core, job);
    conversation_touch(core, conversation);
    conversation_list(core, conversation);
}

// A turn that waits behind one without an answer gets its own outcome from that.
static bool hold_up(struct core *core, struct job *turn, enum unanswered_policy policy) {
    if (!has_room(core, 1) || !records_have_room(core, 1) || !follow_ups_have_room(core))
        return false;
    bool is_parked = policy == UNANSWERED_stop;
    job_state(core, turn, is_parked ? JOB_PARKED : JOB_DEAD);
    outcome_alone(core, turn, is_parked ? OUTCOME_parked : OUTCOME_dead, REASON_earlier_turn);
    return true;
}

static void let_go(struct core *core, struct job *turn) {
    outcome_uncount(core, turn);
    job_state(core, turn, JOB_WAITING);
    turn->reason = REASON_none;
}

// Holds up the turns behind a break, or lets those go that were parked behind one that is mended;
// a bounded number a tick. False: some are left.
static bool settle_turns(struct core *core, struct conversation *conversation) {
    enum unanswered_policy policy = policy_of(core, conversation);
    bool is_behind_dead = false;
    uint32_t moved = 0;
    for (uint32_t slot = conversation->first_turn; slot; slot = core->jobs[slot].turn_next) {
        struct job *turn = &core->jobs[slot];
        if (turn->state == JOB_WAITING && (is_behind_dead || is_held_up(conversation, turn)) &&
            !hold_up(core, turn, policy))
            return false;
        // Of a cancelled batch nothing begins to run again.
        if (is_parked_behind(turn) && !is_held_up(conversation, turn) &&
            !batch_of(core, turn)->is_cancelled) {
            if (++moved > DECIDED_A_STEP || !has_room(core, 1) || !records_have_room(core, 1)) {
                core->out->more = true;
                return false;
            }
            let_go(core, turn);
        }
        is_behind_dead |= policy == UNANSWERED_fail && job_is_kept(turn);
    }
    release_next(core, conversation);
    return true;
}

void conversations_run(struct core *core) {
    while (core->listed_conversation) {
        struct conversation *conversation = &core->conversations[core->listed_conversation];
        if (!settle_turns(core, conversation))
            return;
        core->listed_conversation = conversation->list_next;
        conversation->is_listed = 0;
        if (is_idle(core, conversation))
            conversation_touch(core, conversation);
        else if (conversation->jobs == 0)
            conversation_wait(core, conversation);
    }
}
