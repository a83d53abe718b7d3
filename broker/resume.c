#include "broker/resume.h"

#include "broker/wait.h"
#include "common/id.h"

#include <sysexits.h>

static json_t *known_json(const struct batch *batch) {
    json_t *body = json_object();
    put(body, "batch", uuid(batch->id));
    put(body, "state", text(loop_batch_state(batch, batch->state)));
    put(body, "jobs", number(batch->jobs));
    return body;
}

void batch_known(struct loop *loop, const json_t *arguments, struct reply *reply) {
    const char *key = argument(arguments, "key");
    struct digest head = {{0}};
    json_t *by_key = json_array(), *by_head = json_array();
    bool has_head = digest_parse(bytes_text(argument(arguments, "head")), &head);
    for (uint32_t slot = 1; slot <= core_batch_slots(loop->core); slot++) {
        const struct batch *batch = core_batch(loop->core, slot);
        if (batch->state < BATCH_OPEN || batch->state == BATCH_GONE)
            continue;
        if (strcmp(batch->key, key) == 0)
            (void)json_array_append_new(by_key, known_json(batch));
        if (has_head && digest_equal(batch->head, head))
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
