#include "workers/ingress/resolve.h"

#include "common/json.h"
#include "common/text.h"

#include <jansson.h>
#include <stdio.h>
#include <sysexits.h>

enum { AGAIN_MS = 300 };

void resolve_init(struct resolve *resolve) {
    *resolve = (struct resolve){.state = RESOLVE_IDLE};
    buf_init(&resolve->name, NAME_BYTES_MAX);
}

void resolve_release(struct resolve *resolve) {
    buf_release(&resolve->name);
}

void resolve_start(struct resolve *resolve, struct bytes name, struct id batch_id) {
    resolve->state = RESOLVE_LEDGER;
    resolve->is_asked = resolve->is_busy = resolve->needs_person = false;
    resolve->not_before_ms = 0;
    resolve->is_validation = id_is_none(batch_id);
    uuid_text(batch_id, resolve->asking);
    buf_reset(&resolve->name);
    buf_put(&resolve->name, name.at, name.size);
}

const char *resolve_waits_for(const struct resolve *resolve) {
    if (!resolve->is_busy)
        return "conversation_sought";
    return resolve->needs_person ? "conversation_stuck" : "conversation_busy";
}

static void move(struct resolve *resolve, enum resolve_state state) {
    resolve->state = state;
    resolve->is_asked = false;
}

bool resolve_next(struct resolve *resolve, uint64_t now_ms, const char **what,
                  struct buf *arguments) {
    char id[UUID_TEXT_SIZE];
    if (resolve->state == RESOLVE_IDLE || resolve->state == RESOLVE_DONE || resolve->is_asked ||
        now_ms < resolve->not_before_ms)
        return false;
    resolve->is_asked = true;
    buf_reset(arguments);
    buf_text(arguments, "{\"conversation\":");
    if (resolve->state == RESOLVE_LEDGER) {
        json_put_text(arguments, buf_bytes(&resolve->name));
    } else {
        uuid_text(resolve->resolved.conversation, id);
        buf_printf(arguments, "\"%s\"", id);
    }
    if (resolve->state != RESOLVE_BROKER)
        buf_printf(arguments, ",\"asking\":\"%s\"", resolve->asking);
    buf_byte(arguments, '}');
    *what = resolve->state == RESOLVE_BROKER ? "conversation.live" : "conversation.resolve";
    return true;
}

// ---- answers ------------------------------------------------------------------------------------

static void refuse(struct resolve *resolve, enum refusal refusal, struct bytes detail) {
    text_print(resolve->detail, sizeof(resolve->detail), "%.*s", (int)detail.size,
               detail.size ? (const char *)detail.at : "");
    resolve->resolved =
        (struct resolved){.refusal = refusal, .detail = bytes_text(resolve->detail)};
    move(resolve, RESOLVE_DONE);
}

static void put_off(struct resolve *resolve, uint64_t now_ms) {
    move(resolve, RESOLVE_LEDGER);
    resolve->not_before_ms = now_ms + AGAIN_MS;
}

// Copies a text of the answer. False: there is none, or it is too long.
static bool take_text(const json_t *found, const char *name, char *to, size_t room,
                      struct bytes *view) {
    const char *text = json_string_value(json_object_get(found, name));
    int size = text ? snprintf(to, room, "%s", text) : -1;
    *view = bytes_text(to);
    return size >= 0 && (size_t)size < room;
}

static bool take_id(const json_t *found, const char *name, struct id *id) {
    return id_parse(bytes_text(json_string_value(json_object_get(found, name))), id);
}

// False: it cannot be read.
static bool take_found(struct resolve *resolve, const json_t *found) {
    struct resolved *to = &resolve->resolved;
    json_int_t turn = json_integer_value(json_object_get(found, "turn"));
    *to = (struct resolved){.refusal = REFUSAL_none, .turn = (uint32_t)turn};
    return turn > 0 && turn < UINT32_MAX / 2 && take_id(found, "conversation", &to->conversation) &&
           take_id(found, "origin", &to->origin) &&
           take_text(found, "name", resolve->found_name, sizeof(resolve->found_name), &to->name) &&
           take_text(found, "provider", resolve->provider, sizeof(resolve->provider),
                     &to->provider) &&
           take_text(found, "api", resolve->api, sizeof(resolve->api), &to->api) &&
           take_text(found, "model", resolve->model, sizeof(resolve->model), &to->model);
}

static void take_ledger(struct resolve *resolve, const json_t *found) {
    if (!take_found(resolve, found))
        refuse(resolve, REFUSAL_conversation_unknown, bytes_text("the ledger's answer is none"));
    else if (resolve->state == RESOLVE_AGAIN || resolve->is_validation)
        move(resolve, RESOLVE_DONE);
    else
        move(resolve, RESOLVE_BROKER);
}

static void note_busy(struct resolve *resolve, const json_t *live, const char *batch) {
    const json_t *wait = json_object_get(live, "waits_for");
    const char *why = json_string_value(json_object_get(wait, "text"));
    resolve->needs_person = json_is_true(json_object_get(wait, "needs_person"));
    (void)snprintf(resolve->busy, sizeof(resolve->busy), "batch %.40s%s%.400s", batch,
                   why ? ", which waits: " : "", why ? why : "");
}

static void take_broker(struct resolve *resolve, const json_t *live, uint64_t now_ms) {
    const char *batch = json_string_value(json_object_get(live, "batch"));
    char words[DETAIL_BYTES_MAX];
    resolve->is_busy = batch && strcmp(batch, resolve->asking) != 0;
    if (!resolve->is_busy) {
        move(resolve, RESOLVE_AGAIN);
    } else if (json_is_true(json_object_get(live, "is_running"))) {
        note_busy(resolve, live, batch);
        put_off(resolve, now_ms);
    } else {
        (void)snprintf(words, sizeof(words),
                       "turns of it are dead or parked in batch %.40s: retry or drop them first "
                       "(colloq dead list --batch %.40s)",
                       batch, batch);
        refuse(resolve, REFUSAL_conversation_held_up, bytes_text(words));
    }
}

void resolve_answer(struct resolve *resolve, uint64_t exit, struct bytes detail,
                    struct bytes document, uint64_t now_ms) {
    json_t *answer = NULL;
    if (!resolve->is_asked)
        return;
    if (exit == EX_UNAVAILABLE || exit == EX_TEMPFAIL || exit == EX_IOERR) {
        put_off(resolve, now_ms);
        return;
    }
    if (exit != 0) {
        refuse(resolve,
               exit == EX_DATAERR ? REFUSAL_conversation_ambiguous : REFUSAL_conversation_unknown,
               detail);
        return;
    }
    if (json_parse(document, &answer, NULL, 0) != ERR_OK)
        answer = json_object();
    if (resolve->state == RESOLVE_BROKER)
        take_broker(resolve, answer, now_ms);
    else
        take_ledger(resolve, answer);
    json_decref(answer);
}
