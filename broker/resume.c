#include "broker/resume.h"

#include "broker/wait.h"
#include "common/id.h"
#include "common/limits.h"

#include <sysexits.h>

static json_t *known_json(const struct batch *batch) {
    json_t *body = json_object();
    put(body, "batch", uuid(batch->id));
    put(body, "state", text(loop_batch_state(batch, batch->state)));
    put(body, "jobs", number(batch->jobs));
    return body;
}

// Returns how many there are.
static size_t take_heads(const json_t *list, struct digest heads[HEAD_LINES]) {
    size_t i, count = 0;
    const json_t *head;
    json_array_foreach(list, i, head) if (count < HEAD_LINES &&
                                          digest_parse(bytes_text(json_string_value(head)),
                                                       &heads[count])) count++;
    return count;
}

static bool is_among(struct digest digest, const struct digest *heads, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (digest_equal(digest, heads[i]))
            return true;
    return false;
}

void batch_known(struct loop *loop, const json_t *arguments, struct reply *reply) {
    const char *key = argument(arguments, "key");
    struct digest heads[HEAD_LINES];
    json_t *by_key = json_array(), *by_head = json_array();
    size_t count = take_heads(json_object_get(arguments, "heads"), heads);
    for (uint32_t slot = 1; slot <= core_batch_slots(loop->core); slot++) {
        const struct batch *batch = core_batch(loop->core, slot);
        if (batch->state < BATCH_OPEN || batch->state == BATCH_GONE)
            continue;
        if (strcmp(batch->key, key) == 0)
            (void)json_array_append_new(by_key, known_json(batch));
        if (is_among(batch->head, heads, count))
            (void)json_array_append_new(by_head, known_json(batch));
    }
    reply->body = json_object();
    put(reply->body, "by_key", by_key);
    put(reply->body, "by_head", by_head);
}

// What its first turn waits for; null: it does not wait.
static json_t *first_wait_json(struct loop *loop, const struct conversation *conversation) {
    const struct job *first = core_job(loop->core, conversation->first_turn);
    struct wait wait = {.job = conversation->first_turn, .jobs = 1};
    if (!wait.job || (wait.reason = core_waits_for(loop->core, first)) == REASON_none)
        return json_null();
    wait.lane = first->lane;
    wait.due_ms = first->state == JOB_DELAYED ? first->due_ms : 0;
    return wait_json(loop, &wait);
}

void conversation_live(struct loop *loop, const json_t *arguments, struct reply *reply) {
    struct id id;
    if (!id_parse(bytes_text(argument(arguments, "conversation")), &id)) {
        reply_fail(reply, EX_USAGE, "which conversation? Its id is needed");
        return;
    }
    uint32_t slot = core_find_conversation(loop->core, id);
    const struct conversation *conversation = core_conversation(loop->core, slot);
    reply->body = json_object();
    put(reply->body, "batch",
        slot ? uuid(core_batch(loop->core, conversation->batch)->id) : json_null());
    put(reply->body, "is_running",
        json_boolean(slot && (conversation->jobs > conversation->kept || conversation->jobs == 0)));
    put(reply->body, "waits_for", slot ? first_wait_json(loop, conversation) : json_null());
}
