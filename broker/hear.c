// What a received message means to the core: each becomes one event, or one for each item.
#include "broker/loop.h"
#include "common/id.h"
#include "common/log.h"
#include "common/text.h"

#include <stdio.h>

unsigned loop_rank(enum kind kind) {
    switch (kind) {
    case KIND_hello:
    case KIND_catalogue:
        return 0;
    case KIND_recorded:
        return 1;
    case KIND_end:
        return 2;
    case KIND_extracted:
    case KIND_prepared:
    case KIND_key_known:
        return 3;
    case KIND_heartbeat:
        return 4;
    case KIND_query:
        return 5;
    case KIND_open:
    case KIND_seal:
    case KIND_put:
        return 6;
    default:
        return 5;
    }
}

static void say_unwelcome(struct loop *loop, const struct route *route, const char *reason,
                          const char *detail) {
    struct unwelcome_head head = {.reason = bytes_text(reason), .detail = bytes_text(detail)};
    // Whoever cannot be told says hello again and is told then.
    (void)sock_send_head(&loop->sock, route, KIND_unwelcome, &head, NULL, 0);
}

void loop_refuse_version(struct loop *loop, const struct route *route) {
    char detail[96];
    (void)snprintf(detail, sizeof(detail),
                   "this broker speaks version %d of the protocol (colloq " COLLOQ_VERSION ")",
                   PROTOCOL_VERSION);
    say_unwelcome(loop, route, "other_version", detail);
}

static void say_welcome(struct loop *loop, uint32_t peer) {
    struct counters_row counters = core_counters(loop->core);
    struct welcome_head head = {
        .boot = loop->boot,
        .catalogue = bytes_text(loop->catalogue_hash),
        .journal = loop->journal.id,
        .issued = counters.issued,
        .recorded = counters.recorded,
        .start = loop->journal.starts,
        .simulated = loop->is_simulated,
    };
    struct bytes document = buf_bytes(&loop->catalogue);
    outbox_head(&loop->outbox, peer, KIND_welcome, &head, &document);
}

static void copy_name(char *to, size_t room, struct bytes text) {
    text_print(to, room, "%.*s", (int)text.size, (const char *)text.at);
}

// The code of the refusal of a hello; NULL: it was not refused.
static const char *refusal(const struct loop *loop) {
    for (uint32_t i = 0; i < loop->effects.count; i++)
        if (loop->effects.items[i].kind == EFFECT_send_unwelcome)
            return loop->effects.items[i].why;
    return NULL;
}

// Whose successor has joined is dead: its open calls end unknown. People who look into what may
// have been billed want to know when that was, and how many they were.
static void log_replaced(const struct loop *loop, struct bytes name) {
    for (uint32_t slot = 1; slot < WORKERS_MAX; slot++) {
        const struct worker *worker = core_worker(loop->core, slot);
        if (worker->state == WORKER_REPLACED && worker->marks > 0 && bytes_is(name, worker->name))
            log_line(LOG_INFO, "worker.replaced", "name=%s open=%u", worker->name, worker->marks);
    }
}

static bool has_alarm(const struct loop *loop) {
    for (uint32_t i = 0; i < loop->effects.count; i++)
        if (loop->effects.items[i].kind == EFFECT_alarm)
            return true;
    return false;
}

static void take_hello(struct loop *loop, struct message *message) {
    struct hello_head hello;
    if (wire_head(&message->wire, &hello) != ERR_OK) {
        say_unwelcome(loop, &message->route, "malformed", "the hello is not valid");
        return;
    }
    if (hello.simulated != loop->is_simulated) {
        say_unwelcome(loop, &message->route, "other_money",
                      loop->is_simulated ? "this broker's money is simulated"
                                         : "this broker's money is real");
        return;
    }
    uint32_t peer = peers_find(&loop->peers, &message->route);
    bool is_new = peer == 0;
    if (is_new)
        peer = peers_add(&loop->peers, &message->route);
    if (!peer) {
        say_unwelcome(loop, &message->route, "too_many_peers", "PEERS_MAX are connected");
        return;
    }
    struct peer_entry *entry = &loop->peers.entries[peer];
    entry->heard_ms = loop->now.mono_ms;
    copy_name(entry->name, sizeof(entry->name), hello.name);
    copy_name(entry->host, sizeof(entry->host), hello.host);
    struct event event = {.kind = EVENT_join, .peer = peer, .join = &hello};
    loop_step(loop, &event, message, 0);
    const char *refused = refusal(loop);
    if (refused && has_alarm(loop) && bytes_is(hello.role, "accountant"))
        loop->stop_why = refused; // both stop: to go on would be to pay without a ledger
    if (refused)
        return;
    if (core_peer(loop->core, peer)->role == ROLE_worker && is_new)
        peers_seat(&loop->peers, core_peer(loop->core, peer)->worker, peer);
    say_welcome(loop, peer);
    if (!is_new)
        return;
    log_line(LOG_INFO, "peer.joined", "role=%.*s name=%s", (int)hello.role.size,
             (const char *)hello.role.at, entry->name);
    if (bytes_is(hello.role, "worker"))
        log_replaced(loop, hello.name);
}

static void take_catalogue(struct loop *loop, uint32_t peer, struct message *message) {
    struct catalogue_head head;
    if (core_peer(loop->core, peer)->role != ROLE_accountant ||
        wire_head(&message->wire, &head) != ERR_OK || head.hash.size == 0)
        return;
    struct bytes document = message_frame(message, 0);
    if (bytes_is(head.hash, loop->catalogue_hash))
        return;
    if (document.size > CATALOGUE_BYTES_MAX) {
        log_line(LOG_ERROR, "catalogue.refused", "bytes=%zu why=\"larger than it may be\"",
                 document.size);
        return;
    }
    buf_reset(&loop->catalogue);
    buf_put(&loop->catalogue, document.at, document.size);
    copy_name(loop->catalogue_hash, sizeof(loop->catalogue_hash), head.hash);
    document = buf_bytes(&loop->catalogue);
    head.hash = bytes_text(loop->catalogue_hash);
    for (uint32_t i = 1; i <= loop->peers.used; i++)
        if (loop->peers.entries[i].is_used && i != peer)
            outbox_head(&loop->outbox, i, KIND_catalogue, &head, &document);
    log_line(LOG_INFO, "catalogue.changed", "hash=%s", loop->catalogue_hash);
}

// A message whose items or head do not hold what their schema says.
static void refuse_malformed(const struct loop *loop, uint32_t peer,
                             const struct message *message) {
    log_line(LOG_WARN, "message.malformed", "kind=%s from=%s", wire_kind(message->wire.kind)->name,
             loop->peers.entries[peer].name);
}

// A chunk's items are lines of it, in their order; lines without an item are blank.
static bool lines_ascend(const struct put_head *head, const struct put_item *items,
                         uint32_t count) {
    uint64_t above = head->first;
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].line < above || items[i].line > head->last)
            return false;
        above = items[i].line + 1;
    }
    return head->first > 0 && head->last >= head->first;
}

static void take_put(struct loop *loop, uint32_t peer, struct message *message) {
    struct put_head head;
    uint32_t count = message->wire.items;
    enum err e = count <= ITEMS_MAX ? wire_head(&message->wire, &head) : ERR_MALFORMED;
    for (uint32_t i = 0; e == ERR_OK && i < count; i++) {
        e = wire_next(&message->wire, &loop->put_items[i]);
    }
    if (e != ERR_OK || !lines_ascend(&head, loop->put_items, count)) {
        refuse_malformed(loop, peer, message);
        return;
    }
    struct event event = {
        .kind = EVENT_put,
        .peer = peer,
        .bytes = loop_message_bytes(message),
        .put = {.head = &head, .items = loop->put_items, .count = count},
    };
    loop_step(loop, &event, message, 0);
}

// Kinds whose items are events of their own.
static void take_items(struct loop *loop, uint32_t peer, struct message *message) {
    union {
        struct end_item end;
        struct extracted_item extracted;
        struct prepared_item prepared;
        struct recorded_item recorded;
    } item;
    uint32_t count = message->wire.items;
    for (uint32_t i = 0; i < count; i++) {
        struct event event = {.peer = peer};
        if (wire_next(&message->wire, &item) != ERR_OK) {
            refuse_malformed(loop, peer, message);
            return;
        }
        switch (message->wire.kind) {
        case KIND_end:
            event.kind = EVENT_end;
            event.end.item = &item.end;
            event.end.bytes =
                message_item_frame(message, i, 0).size + message_item_frame(message, i, 1).size;
            break;
        case KIND_extracted:
            event.kind = EVENT_extracted;
            event.extracted = &item.extracted;
            break;
        case KIND_prepared:
            event.kind = EVENT_prepared;
            event.prepared = &item.prepared;
            event.bytes = message_item_frame(message, i, 0).size;
            break;
        default:
            event.kind = EVENT_recorded;
            event.recorded = &item.recorded;
            break;
        }
        loop_step(loop, &event, message, i);
    }
}

// The boot that an answer of the accountant was meant for: asks of an earlier one are void.
static bool is_for_us(struct loop *loop, struct message *message) {
    struct prepared_head prepared;
    struct extracted_head extracted;
    if (message->wire.kind == KIND_prepared)
        return wire_head(&message->wire, &prepared) == ERR_OK && prepared.boot == loop->boot;
    if (message->wire.kind == KIND_extracted)
        return wire_head(&message->wire, &extracted) == ERR_OK && extracted.boot == loop->boot;
    return true;
}

static void take_head(struct loop *loop, uint32_t peer, struct message *message) {
    union {
        struct heartbeat_head heartbeat;
        struct open_head open;
        struct seal_head seal;
        struct key_known_head key_known;
    } head;
    if (wire_head(&message->wire, &head) != ERR_OK) {
        refuse_malformed(loop, peer, message);
        return;
    }
    struct event event = {.peer = peer};
    switch (message->wire.kind) {
    case KIND_heartbeat:
        loop->peers.entries[peer].cpu_us = head.heartbeat.cpu_us;
        peers_beat(&loop->peers, core_peer(loop->core, peer)->worker, head.heartbeat.cpu_us,
                   loop->now.mono_ms);
        event.kind = EVENT_heartbeat;
        event.heartbeat = &head.heartbeat;
        break;
    case KIND_open:
        event.kind = EVENT_open;
        event.open = &head.open;
        break;
    case KIND_seal:
        event.kind = EVENT_seal;
        event.seal = &head.seal;
        break;
    default:
        if (head.key_known.boot != loop->boot)
            return;
        event.kind = EVENT_key_known;
        event.key_known = &head.key_known;
        break;
    }
    loop_step(loop, &event, message, 0);
}

// What a role may say; everything else is dropped.
static bool may_say(enum role role, enum kind kind) {
    switch (kind) {
    case KIND_heartbeat:
        return true;
    case KIND_open:
    case KIND_put:
    case KIND_seal:
    case KIND_query:
        return role == ROLE_ingress;
    case KIND_end:
        return role == ROLE_worker;
    case KIND_extracted:
        return role == ROLE_extractor;
    case KIND_prepared:
    case KIND_recorded:
    case KIND_key_known:
    case KIND_catalogue:
        return role == ROLE_accountant;
    default:
        return false;
    }
}

void loop_serve(struct loop *loop, struct message *message) {
    enum kind kind = message->wire.kind;
    if (kind == KIND_hello) {
        take_hello(loop, message);
        return;
    }
    uint32_t peer = peers_find(&loop->peers, &message->route);
    if (!peer) {
        say_unwelcome(loop, &message->route, "join_first", "say hello first");
        return;
    }
    loop->peers.entries[peer].heard_ms = loop->now.mono_ms;
    if (!may_say((enum role)core_peer(loop->core, peer)->role, kind)) {
        log_line(LOG_WARN, "message.refused", "kind=%s from=%s", wire_kind(kind)->name,
                 loop->peers.entries[peer].name);
        return;
    }
    if (kind == KIND_query)
        loop_answer(loop, peer, message);
    else if (kind == KIND_catalogue)
        take_catalogue(loop, peer, message);
    else if (kind == KIND_put)
        take_put(loop, peer, message);
    else if (wire_kind(kind)->item->count == 0)
        take_head(loop, peer, message);
    else if (is_for_us(loop, message))
        take_items(loop, peer, message);
}

void loop_forget_peer(struct loop *loop, uint32_t peer) {
    struct event event = {.kind = EVENT_left};
    if (!loop->peers.entries[peer].is_used)
        return;
    log_line(LOG_INFO, "peer.left", "name=%s", loop->peers.entries[peer].name);
    peers_remove(&loop->peers, peer);
    // The peer has not spoken, so the event is the loop's own, about that peer.
    event.peer = peer;
    loop_step(loop, &event, NULL, 0);
}

void loop_forget_silent(struct loop *loop) {
    for (uint32_t i = 1; i <= loop->peers.used; i++)
        if (loop->peers.entries[i].is_used &&
            loop->now.mono_ms - loop->peers.entries[i].heard_ms > PEER_SILENT_MS)
            loop_forget_peer(loop, i);
}

void loop_excuse_silence(struct loop *loop) {
    core_excuse(loop->core, loop->now.mono_ms);
    for (uint32_t i = 1; i <= loop->peers.used; i++)
        loop->peers.entries[i].heard_ms = loop->now.mono_ms;
}
