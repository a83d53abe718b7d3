#include "workers/provider/ends.h"

#include "common/id.h"
#include "common/mem.h"

#include <assert.h>
#include <stdio.h>

static void queue_push(struct held_queue *queue, struct held *held) {
    held->previous = queue->last;
    held->next = NULL;
    *(queue->last ? &queue->last->next : &queue->first) = held;
    queue->last = held;
}

static void queue_remove(struct held_queue *queue, struct held *held) {
    *(held->previous ? &held->previous->next : &queue->first) = held->next;
    *(held->next ? &held->next->previous : &queue->last) = held->previous;
    held->next = held->previous = NULL;
}

static struct held_queue *queue_of(struct ends *ends, enum held_state state) {
    return state == HELD_running  ? &ends->running
           : state == HELD_unsaid ? &ends->unsaid
                                  : &ends->said;
}

static uint64_t size_of(const struct held *held) {
    return held->head.size + held->body.size;
}

// Takes a call out of the queue of its state.
static void held_leave(struct ends *ends, struct held *held) {
    queue_remove(queue_of(ends, held->state), held);
    if (held->state == HELD_said)
        ends->said_bytes -= size_of(held);
}

// The only assignment to held->state after its start.
static void held_move(struct ends *ends, struct held *held, enum held_state state) {
    held_leave(ends, held);
    held->state = state;
    queue_push(queue_of(ends, state), held);
    if (state == HELD_said)
        ends->said_bytes += size_of(held);
}

void ends_init(struct ends *ends, struct peer *peer, const char *worker) {
    memset(ends, 0, sizeof(*ends));
    ends->peer = peer;
    ends->worker = worker;
}

static void held_free(struct held *held) {
    mem_free(held->answer);
    mem_free(held);
}

void ends_release(struct ends *ends) {
    for (size_t i = 0; i < ENDS_BUCKETS; i++) {
        for (struct held *next, *held = ends->buckets[i]; held; held = next) {
            next = held->same_bucket;
            held_free(held);
        }
    }
    ends_init(ends, ends->peer, ends->worker);
}

static struct held **bucket_of(struct ends *ends, struct id call) {
    uint64_t mixed = (bytes_u64(call.at) ^ bytes_u64(call.at + 8)) * 0x9e3779b97f4a7c15ull;
    return &ends->buckets[(mixed >> 32) & (ENDS_BUCKETS - 1)];
}

struct held *ends_find(struct ends *ends, struct id call) {
    struct held *held = *bucket_of(ends, call);
    while (held && !id_equal(held->item.call, call))
        held = held->same_bucket;
    return held;
}

// ---- a call's start -----------------------------------------------------------------------------

static struct bytes keep(char **to, struct bytes text) {
    struct bytes kept = bytes_of(*to, text.size);
    if (text.size > 0)
        memcpy(*to, text.at, text.size);
    *to += text.size;
    return kept;
}

// A call with room for the lease's texts behind it: one allocation.
static struct held *held_new(const struct lease_item *lease) {
    size_t size = lease->custom_id.size + lease->conversation.size + lease->provider.size +
                  lease->api.size + lease->key.size + lease->model.size + lease->traceparent.size +
                  lease->strategy.size;
    struct held *held = mem_new(sizeof(*held) + size);
    char *to = (char *)(held + 1);
    held->item = (struct end_item){
        .job = lease->job,
        .job_id = lease->job_id,
        .batch_id = lease->batch_id,
        .conversation_id = lease->conversation_id,
        .turn = lease->turn,
        .line = lease->line,
        .custom_id = keep(&to, lease->custom_id),
        .conversation = keep(&to, lease->conversation),
        .provider = keep(&to, lease->provider),
        .api = keep(&to, lease->api),
        .key = keep(&to, lease->key),
        .model = keep(&to, lease->model),
        .traceparent = keep(&to, lease->traceparent),
        .origin_id = lease->origin_id,
        .attempt = lease->attempt,
        .call = lease->call,
        .strategy = keep(&to, lease->strategy),
        .context = lease->context,
    };
    return held;
}

struct held *ends_take(struct ends *ends, const struct lease_item *lease, const char *catalogue) {
    if (!peer_hold(ends->peer, lease->call))
        return NULL;
    struct held *held = held_new(lease);
    (void)snprintf(held->catalogue, sizeof(held->catalogue), "%s", catalogue);
    held->item.catalogue = bytes_text(held->catalogue);
    held->item.worker = bytes_text(ends->worker);
    struct held **bucket = bucket_of(ends, lease->call);
    held->same_bucket = *bucket;
    *bucket = held;
    held->state = HELD_running;
    queue_push(&ends->running, held);
    ends->running_count++;
    return held;
}

// ---- its end ------------------------------------------------------------------------------------

static void digest_part(struct hasher *hasher, struct bytes part) {
    uint8_t size[8];
    bytes_put_u64(size, part.size);
    hasher_add(hasher, size, sizeof(size));
    hasher_add(hasher, part.at, part.size);
}

struct digest ends_digest(const struct ending *ending) {
    struct hasher hasher;
    uint8_t status[8];
    bytes_put_u64(status, ending->status);
    hasher_open(&hasher);
    digest_part(&hasher, bytes_text(ending->ended));
    digest_part(&hasher, bytes_of(status, sizeof(status)));
    digest_part(&hasher, bytes_text(ending->class));
    digest_part(&hasher, ending->head);
    digest_part(&hasher, ending->body);
    struct digest digest = hasher_peek(&hasher);
    hasher_close(&hasher);
    return digest;
}

void ends_finish(struct ends *ends, struct held *held, const struct ending *ending) {
    assert(held->state == HELD_running);
    struct bytes ended = bytes_text(ending->ended), class = bytes_text(ending->class);
    struct bytes reason = bytes_cut(bytes_text(ending->reason), REASON_BYTES_MAX);
    struct bytes detail = bytes_cut(bytes_text(ending->detail), DETAIL_BYTES_MAX);
    held->answer = mem_grow(NULL, ended.size + class.size + reason.size + detail.size +
                                      ending->head.size + ending->body.size);
    char *to = held->answer;
    struct end_item *item = &held->item;
    item->ended = keep(&to, ended);
    item->class = keep(&to, class);
    item->reason = keep(&to, reason);
    item->detail = keep(&to, detail);
    held->head = keep(&to, ending->head);
    held->body = keep(&to, ending->body);
    item->status = ending->status;
    item->bytes_left = ending->bytes_left;
    item->has_begun = ending->has_begun;
    item->started_ms = ending->started_ms;
    item->duration_ms = ending->duration_ms;
    item->first_byte_ms = ending->first_byte_ms;
    item->first_token_ms = ending->first_token_ms;
    item->retry_after_ms = ending->retry_after_ms;
    item->digest = ends_digest(ending);
    held->running = NULL;
    held_move(ends, held, HELD_unsaid);
    ends->running_count--;
    ends->ended_count++;
}

bool ends_stored(struct ends *ends, struct id call) {
    struct held **place = bucket_of(ends, call);
    while (*place && !id_equal((*place)->item.call, call))
        place = &(*place)->same_bucket;
    struct held *held = *place;
    if (!held || held->state == HELD_running)
        return false;
    *place = held->same_bucket;
    held_leave(ends, held);
    held_free(held);
    ends->ended_count--;
    bool was_named = peer_forget(ends->peer, call);
    assert(was_named);
    return was_named;
}

// ---- saying it ----------------------------------------------------------------------------------

void ends_rejoined(struct ends *ends) {
    while (ends->said.first)
        held_move(ends, ends->said.first, HELD_unsaid);
}

// Whether the first unsaid end may be said: alone it always may.
static bool may_say(const struct ends *ends) {
    const struct held *next = ends->unsaid.first;
    return next &&
           (ends->said_bytes == 0 || ends->said_bytes + size_of(next) <= ENDS_UNSTORED_BYTES_MAX);
}

uint32_t ends_batch(struct ends *ends, uint64_t now_ms, struct held *batch[ITEMS_MAX]) {
    while (ends->said.first && now_ms - ends->said.first->said_ms >= END_RESEND_MS)
        held_move(ends, ends->said.first, HELD_unsaid);
    uint32_t count = 0;
    size_t size = 0;
    while (may_say(ends) && count < ITEMS_MAX) {
        struct held *held = ends->unsaid.first;
        size += size_of(held);
        if (count > 0 && size > MESSAGE_BYTES_SOFT)
            break;
        held->said_ms = now_ms;
        held_move(ends, held, HELD_said);
        batch[count++] = held;
    }
    return count;
}

uint64_t ends_rest_ms(const struct ends *ends, uint64_t now_ms) {
    if (may_say(ends))
        return 0;
    if (!ends->said.first)
        return UINT64_MAX;
    uint64_t due_ms = ends->said.first->said_ms + END_RESEND_MS;
    return due_ms > now_ms ? due_ms - now_ms : 0;
}
