// Submission: batches are opened under a key, filled by one ordered stream of chunks, sealed, and
// cancelled. What was taken in is never taken twice, and a changed file is refused.
#include "broker/core/state.h"

#include <assert.h>

static bool key_is(const struct batch *batch, struct bytes key) {
    return bytes_equal(bytes_text(batch->key), key);
}

static uint32_t batch_by_key(const struct core *core, struct bytes key) {
    for (uint32_t slot = 1; slot <= core->batch_used; slot++)
        if (core->batches[slot].state != BATCH_FREE && core->batches[slot].state != BATCH_GONE &&
            key_is(&core->batches[slot], key))
            return slot;
    return 0;
}

static struct effect *send_opened(struct core *core, uint32_t peer, uint64_t request,
                                  uint32_t slot) {
    struct effect *effect = emit(core, EFFECT_send_opened);
    effect->peer = peer;
    effect->number = request;
    effect->slot = slot;
    return effect;
}

static uint32_t batch_slot_new(struct core *core) {
    for (uint32_t slot = 1; slot <= core->batch_used; slot++)
        if (core->batches[slot].state == BATCH_FREE && !core->batches[slot].is_dirty)
            return slot;
    return core->batch_used + 1 < BATCHES_MAX ? ++core->batch_used : 0;
}

static const char *const billed_names[] = {"retry", "park", "fail"};
static const char *const unanswered_names[] = {"stop", "skip", "fail"};

const char *billed_name(enum billed_policy policy) {
    return billed_names[policy];
}

const char *unanswered_name(enum unanswered_policy policy) {
    return unanswered_names[policy];
}

// The place of a policy among its names; the first one unless another is named.
static uint8_t policy_named(struct bytes name, const char *const names[3]) {
    for (uint8_t i = 1; i < 3; i++)
        if (bytes_is(name, names[i]))
            return i;
    return 0;
}

void on_open(struct core *core, const struct event *event) {
    const struct open_head *open = event->open;
    uint32_t slot = batch_by_key(core, open->key);
    struct batch *batch = &core->batches[slot];
    if (slot && batch->state != BATCH_ASKING) {
        send_opened(core, event->peer, open->request, slot)->is_known = true;
        return;
    }
    if (!slot) {
        slot = core->is_closed ? 0 : batch_slot_new(core);
        if (!slot) {
            send_opened(core, event->peer, open->request, 0)->why =
                core->is_closed ? "disk_full" : "too_many_batches";
            return;
        }
        batch = &core->batches[slot];
        *batch = (struct batch){.state = BATCH_ASKING, .id = open->batch_id};
        memcpy(batch->key, open->key.at, open->key.size);
        batch->head = open->head;
        batch->priority = (uint8_t)open->priority;
        batch->billed = policy_named(open->billed, billed_names);
        batch->unanswered = policy_named(open->unanswered, unanswered_names);
        batch->attempts_max =
            open->attempts_max ? (uint32_t)open->attempts_max : core->config.attempts_max;
        batch->number = ++core->counters.batches;
    }
    batch->asker = event->peer;
    batch->asker_request = open->request;
    emit(core, EFFECT_keep_texts)->slot = slot;
}

void opened_by_nobody(struct core *core, uint32_t peer) {
    for (uint32_t slot = 1; slot <= core->batch_used; slot++)
        if (core->batches[slot].state == BATCH_ASKING && core->batches[slot].asker == peer)
            core->batches[slot].asker = 0;
}

// SHA-256 of no bytes at all: the digest of a batch that has no line yet.
static const struct digest digest_of_nothing = {{0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                                 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                                 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                                 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55}};

void on_key_known(struct core *core, const struct event *event) {
    const struct key_known_head *answer = event->key_known;
    uint32_t slot = core_find_batch(core, answer->batch);
    struct batch *batch = &core->batches[slot];
    if (!slot || batch->state != BATCH_ASKING)
        return;
    if (answer->is_known) {
        // The ledger has it, settled: nothing is opened, the answer says what it is.
        struct effect *effect = send_opened(core, batch->asker, batch->asker_request, 0);
        effect->is_known = true;
        *batch = (struct batch){0};
        return;
    }
    if (core->is_closed) {
        send_opened(core, batch->asker, batch->asker_request, 0)->why = "disk_full";
        *batch = (struct batch){0};
        return;
    }
    batch->state = BATCH_OPEN;
    batch->digest = digest_of_nothing;
    send_opened(core, batch->asker, batch->asker_request, slot);
    batch_tell(core, batch);
}

// ---- chunks of lines
// --------------------------------------------------------------------------------

static void send_put_stored(struct core *core, const struct event *event, uint64_t request,
                            uint32_t slot, const char *why) {
    struct effect *effect = emit(core, EFFECT_send_put_stored);
    effect->peer = event->peer;
    effect->number = request;
    effect->slot = slot;
    effect->why = why;
}

static bool submissions_have_room(const struct core *core, uint64_t bytes, uint32_t count) {
    uint32_t jobs_free = core->config.jobs_max - core->job_used;
    for (uint32_t slot = core->job_free; slot && jobs_free < count;
         slot = core->jobs[slot].table_next)
        jobs_free++;
    uint32_t conversations_free = core->config.conversations_max - core->conversation_used;
    for (uint32_t slot = core->conversation_free; slot && conversations_free < count;
         slot = core->conversations[slot].table_next)
        conversations_free++;
    return lines_have_room(core, bytes, count) && jobs_free >= count &&
           conversations_free >= count && flow_has_room(core, count) &&
           records_have_room(core, count + EFFECTS_MAX);
}

// Whether a turn of the chunk belongs to a conversation of which another batch has turns here:
// their order would be anybody's guess. Who submits waits until that is over, so two did at once.
static bool is_busy(const struct core *core, const struct batch *batch, const struct event *event) {
    for (uint32_t i = 0; i < event->put.count; i++) {
        const struct put_item *item = &event->put.items[i];
        if (item->refused.size > 0 || item->conversation.size == 0)
            continue;
        uint32_t slot = core_find_conversation(core, item->conversation_id);
        if (slot && &core->batches[core->conversations[slot].batch] != batch)
            return true;
    }
    return false;
}

// Why a chunk cannot be taken as it comes; NULL: it can.
static const char *why_not(const struct core *core, const struct batch *batch,
                           const struct event *event) {
    const struct put_head *head = event->put.head;
    if (head->first != batch->accepted_through + 1)
        return "resume_at";
    if (!digest_equal(head->before, batch->digest))
        return "file_changed";
    if (batch->state != BATCH_OPEN)
        return "sealed";
    if (core->is_closed)
        return "disk_full";
    if (is_busy(core, batch, event))
        return "conversation_busy";
    return submissions_have_room(core, event->bytes, event->put.count) ? NULL : "journal_full";
}

static void take_refused(struct core *core, struct batch *batch, uint32_t item) {
    struct effect *effect = record_new(core, RECORD_refused, NULL, batch, 0, false);
    effect->item = item;
    batch->refused++;
}

static void take_job(struct core *core, struct batch *batch, const struct event *event,
                     uint32_t i) {
    const struct put_item *item = &event->put.items[i];
    struct job *job = job_new(core, ++core->counters.jobs, (uint32_t)(batch - core->batches));
    assert(job); // submissions_have_room
    job->id = item->job_id;
    job->line = (uint32_t)item->line;
    job->turn = item->turn ? (uint32_t)item->turn : 1;
    job->lane = lane_intern(core, item->provider, item->key, item->model);
    assert(job->lane); // lanes_lack
    core->lanes[job->lane].jobs++;
    job->priority = batch->priority;
    job->tokens_estimate = (uint32_t)item->tokens_estimate;
    job->cost_max_pusd = item->cost_max_pusd;
    batch->jobs++;
    batch->unsettled++;
    flow_reserve(core, job);
    job_touch(core, job);
    struct effect *effect = emit(core, EFFECT_put_payload);
    effect->slot = job_slot(core, job);
    effect->item = i;
    if (item->conversation.size == 0) {
        job_release(core, job);
        return;
    }
    struct conversation *conversation = conversation_find(core, item->conversation_id);
    if (!conversation)
        conversation = conversation_new(core, item->conversation_id, job->batch);
    assert(conversation);
    turn_append(core, conversation, job);
    job_state(core, job, JOB_WAITING);
    if (conversation->broken_at || conversation->kept > 0)
        conversation_list(core, conversation); // it may have to go by what is before it
    else
        turn_passed(core, job);
}

void on_put(struct core *core, const struct event *event) {
    const struct put_head *head = event->put.head;
    uint32_t slot = core_find_batch(core, head->batch);
    struct batch *batch = &core->batches[slot];
    if (!slot || batch->state == BATCH_ASKING || batch->state == BATCH_GONE) {
        send_put_stored(core, event, head->request, 0, "unknown_batch");
        return;
    }
    if (head->last <= batch->accepted_through) {
        send_put_stored(core, event, head->request, slot, NULL); // what it has, it has
        return;
    }
    const char *why = why_not(core, batch, event);
    if (!why)
        why = lanes_lack(core, event->put.items, event->put.count);
    if (!why) {
        for (uint32_t i = 0; i < event->put.count; i++) {
            if (event->put.items[i].refused.size > 0)
                take_refused(core, batch, i);
            else
                take_job(core, batch, event, i);
        }
        lines_take_room(core, event->bytes, event->put.count);
        batch->accepted_through = head->last;
        batch->digest = head->after;
        batch_touch(batch);
    }
    send_put_stored(core, event, head->request, slot, why);
}

void on_seal(struct core *core, const struct event *event) {
    const struct seal_head *seal = event->seal;
    uint32_t slot = core_find_batch(core, seal->batch);
    struct batch *batch = &core->batches[slot];
    const char *why = NULL;
    if (!slot || batch->state == BATCH_ASKING || batch->state == BATCH_GONE) {
        slot = 0;
        why = "unknown_batch";
    } else if (seal->lines != batch->accepted_through) {
        why = "resume_at";
    } else if (!digest_equal(seal->digest, batch->digest)) {
        why = "file_changed";
    } else if (batch->state == BATCH_OPEN && core->is_closed) {
        why = "disk_full";
    } else if (batch->state == BATCH_OPEN) {
        batch->state = BATCH_SEALED;
        batch_tell(core, batch);
        conversations_release_batch(core, batch);
    }
    send_put_stored(core, event, seal->request, slot, why);
}

// ---- cancelling
// ---------------------------------------------------------------------------------------

void on_cancel_batch(struct core *core, const struct event *event) {
    struct batch *batch = &core->batches[event->slot];
    if (batch->is_cancelled || (batch->state != BATCH_OPEN && batch->state != BATCH_SEALED))
        return;
    batch->is_cancelled = 1;
    batch->cancel_cursor = batch->first_job;
    if (batch->state == BATCH_OPEN) {
        batch->state = BATCH_SEALED; // cancelling an open batch seals it
        batch_tell(core, batch);
        conversations_release_batch(core, batch);
    }
    batch_touch(batch);
}
