#include "workers/link.h"

#include "common/clock.h"
#include "common/id.h"
#include "common/log.h"

#include <stdio.h>
#include <sysexits.h>

enum err link_open(struct link *link, const char *endpoint, const struct hello_head *hello) {
    memset(link, 0, sizeof(*link));
    struct id process;
    bytes_put_u64(process.at, random_u64());
    bytes_put_u64(process.at + 8, random_u64());
    peer_init(&link->peer, process);
    link->hello = *hello;
    link->hello.process = process;
    buf_init(&link->catalogue, CATALOGUE_BYTES_MAX);
    return sock_connect(&link->sock, endpoint);
}

void link_close(struct link *link, int linger_ms) {
    if (link->has_message)
        message_release(&link->message);
    link->has_message = false;
    sock_close(&link->sock, linger_ms);
    buf_release(&link->catalogue);
    reach_stop(&link->reach);
}

static void say_heartbeat(struct link *link) {
    struct heartbeat_head head = {
        .boot = link->peer.boot,
        .process = link->peer.process,
        .seen = link->peer.seen,
        .held = peer_named(&link->peer),
        .cpu_us = clock_cpu_us(),
        .beat_ms = link->beat_boot == link->peer.boot ? link->beat_stamp_ms : 0,
    };
    // A heartbeat that does not leave is only a heartbeat: the next one follows.
    (void)sock_send_head(&link->sock, NULL, KIND_heartbeat, &head, NULL, 0);
}

// Gives up a connection on which nobody answers.
static void reconnect(struct link *link) {
    link->reconnections++;
    if (sock_reconnect(&link->sock) != ERR_OK)
        fatal(EX_OSERR, "socket.failed", "endpoint=%s", link->sock.endpoint);
}

static void log_contact(const struct link *link, const char *text) {
    switch (link->contact.state) {
    case CONTACT_joined:
        log_line(LOG_INFO, "broker.joined", "what=\"%s\" boot=%016llx", text,
                 (unsigned long long)link->peer.boot);
        break;
    case CONTACT_refused:
        log_line(LOG_ERROR, "broker.refused", "what=\"%s\" reason=%s", text, link->refusal);
        break;
    default:
        log_line(LOG_WARN, "broker.unreached", "what=\"%s\"", text);
    }
}

// Tells how it stands with the broker, when that has changed.
static void look_at_contact(struct link *link, uint64_t now_ms) {
    char text[CONTACT_TEXT_SIZE], name[NAME_BYTES_MAX + 1];
    if (link->is_refused && now_ms - link->peer.heard_ms > PEER_SILENT_MS)
        link->is_refused = false; // whoever refused us is gone
    if (contact_wants_look(&link->contact, now_ms))
        reach_start(&link->reach, link->sock.endpoint, now_ms);
    (void)snprintf(name, sizeof(name), "%.*s", (int)link->hello.name.size,
                   (const char *)link->hello.name.at);
    const struct contact_facts facts = {
        .is_joined = link_is_joined(link),
        .refusal = link->is_refused ? link->refusal : NULL,
        .detail = link->refusal_detail,
        .endpoint = link->sock.endpoint,
        .name = name,
        .slots = link->hello.slots,
        .boot = link->peer.boot,
        .found = reach_step(&link->reach, now_ms),
    };
    if (!contact_step(&link->contact, &facts, now_ms, text))
        return;
    log_contact(link, text);
    reach_stop(&link->reach);
}

void link_tick(struct link *link, uint64_t now_ms) {
    look_at_contact(link, now_ms);
    if (peer_gives_up(&link->peer))
        reconnect(link);
    switch (peer_due(&link->peer, now_ms)) {
    case SAY_hello:
        (void)sock_send_head(&link->sock, NULL, KIND_hello, &link->hello, NULL, 0);
        break;
    case SAY_heartbeat:
        say_heartbeat(link);
        break;
    case SAY_nothing:
        break;
    }
}

long link_rest_ms(const struct link *link, uint64_t now_ms) {
    return (long)peer_rest_ms(&link->peer, now_ms);
}

static void take_catalogue(struct link *link, struct bytes hash, struct bytes document) {
    if (document.size == 0 || bytes_is(hash, link->catalogue_hash))
        return;
    buf_reset(&link->catalogue);
    buf_put(&link->catalogue, document.at, document.size);
    (void)snprintf(link->catalogue_hash, sizeof(link->catalogue_hash), "%.*s", (int)hash.size,
                   (const char *)hash.at);
    link->catalogue_version++;
}

static void take_welcome(struct link *link, struct message *message, uint64_t now_ms) {
    struct welcome_head welcome;
    if (wire_head(&message->wire, &welcome) != ERR_OK)
        return;
    (void)peer_welcomed(&link->peer, welcome.boot, welcome.start, now_ms);
    link->is_refused = false;
    take_catalogue(link, welcome.catalogue, message_frame(message, 0));
    link->welcomes++;
    link->welcome = welcome;
    link->welcome.catalogue = bytes_text("");
}

static void refuse(struct link *link, struct bytes reason, struct bytes detail, uint64_t now_ms) {
    link->is_refused = true;
    (void)snprintf(link->refusal, sizeof(link->refusal), "%.*s", (int)reason.size,
                   (const char *)reason.at);
    (void)snprintf(link->refusal_detail, sizeof(link->refusal_detail), "%.*s", (int)detail.size,
                   detail.size ? (const char *)detail.at : "");
    peer_refused(&link->peer, now_ms);
}

static void take_unwelcome(struct link *link, struct message *message, uint64_t now_ms) {
    struct unwelcome_head head;
    if (wire_head(&message->wire, &head) != ERR_OK)
        return;
    if (bytes_is(head.reason, "join_first"))
        peer_unknown(&link->peer, now_ms);
    else
        refuse(link, head.reason, head.detail, now_ms);
}

static void take_beat(struct link *link, const struct beat_head *beat) {
    peer_saw(&link->peer, beat->boot, beat->process, beat->sent);
    if (beat->boot != link->peer.boot)
        return;
    link->beat_stamp_ms = beat->stamp_ms;
    link->beat_boot = beat->boot;
    link->beats++;
}

// Handles what concerns the link itself; returns whether it did.
static bool take_own(struct link *link, struct message *message, uint64_t now_ms) {
    struct beat_head beat;
    struct catalogue_head catalogue;
    switch (message->wire.kind) {
    case KIND_welcome:
        take_welcome(link, message, now_ms);
        return true;
    case KIND_unwelcome:
        take_unwelcome(link, message, now_ms);
        return true;
    case KIND_beat:
        if (wire_head(&message->wire, &beat) == ERR_OK)
            take_beat(link, &beat);
        return true;
    case KIND_catalogue:
        if (wire_head(&message->wire, &catalogue) == ERR_OK)
            take_catalogue(link, catalogue.hash, message_frame(message, 0));
        return true;
    default:
        return false;
    }
}

enum err link_receive(struct link *link, uint64_t now_ms, struct message **message) {
    if (link->has_message)
        message_release(&link->message);
    link->has_message = false;
    for (int looked_at = 0; looked_at < TURN_MESSAGES_MAX; looked_at++) {
        enum err e = sock_receive(&link->sock, &link->message);
        if (e == ERR_AGAIN)
            return e;
        if (e != ERR_OK) {
            log_line(LOG_WARN, "message.dropped", "why=\"%s\"", err_text(e));
            if (e == ERR_VERSION) // what it says of that, if it does, cannot be read either
                refuse(link, bytes_text("other_version"),
                       bytes_text(
                           "it speaks another version of the protocol than colloq " COLLOQ_VERSION),
                       now_ms);
            continue;
        }
        peer_heard(&link->peer, now_ms);
        if (take_own(link, &link->message, now_ms)) {
            message_release(&link->message);
            continue;
        }
        link->has_message = true;
        *message = &link->message;
        return ERR_OK;
    }
    return ERR_AGAIN;
}

bool link_is_joined(const struct link *link) {
    return link->peer.state == PEER_JOINED;
}

void link_hurry(struct link *link) {
    link->peer.next_say_ms = 0;
}

void link_introduce(struct link *link) {
    // Where it does not arrive, the broker forgets us, and hears the next one.
    (void)sock_send_head(&link->sock, NULL, KIND_hello, &link->hello, NULL, 0);
}
