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
}

static void say_heartbeat(struct link *link) {
    struct heartbeat_head head = {
        .boot = link->peer.boot,
        .process = link->peer.process,
        .seen = link->peer.seen,
        .held = peer_named(&link->peer),
        .cpu_us = clock_cpu_us(),
    };
    // A heartbeat that does not leave is only a heartbeat: the next one follows.
    (void)sock_send_head(&link->sock, NULL, KIND_heartbeat, &head, NULL, 0);
}

// Gives up a connection on which nobody answers.
static void reconnect(struct link *link) {
    link->peer.unanswered = 0;
    link->reconnections++;
    if (sock_reconnect(&link->sock) != ERR_OK)
        fatal(EX_OSERR, "socket.failed", "endpoint=%s", link->sock.endpoint);
}

void link_tick(struct link *link, uint64_t now_ms) {
    if (link->peer.unanswered >= HELLOS_UNANSWERED_MAX)
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
    if (peer_welcomed(&link->peer, welcome.boot, welcome.start, now_ms))
        log_line(LOG_INFO, "broker.joined", "boot=%016llx", (unsigned long long)welcome.boot);
    link->is_refused = false;
    take_catalogue(link, welcome.catalogue, message_frame(message, 0));
    link->welcome = welcome;
    link->welcome.catalogue = bytes_text("");
}

static void take_unwelcome(struct link *link, struct message *message, uint64_t now_ms) {
    struct unwelcome_head head;
    if (wire_head(&message->wire, &head) != ERR_OK)
        return;
    if (bytes_is(head.reason, "join_first")) {
        peer_unknown(&link->peer, now_ms);
        return;
    }
    link->is_refused = true;
    (void)snprintf(link->refusal, sizeof(link->refusal), "%.*s", (int)head.reason.size,
                   (const char *)head.reason.at);
    log_line(LOG_ERROR, "broker.refused", "reason=%s detail=\"%.*s\"", link->refusal,
             (int)head.detail.size, (const char *)head.detail.at);
}

static void take_beat(struct link *link, const struct beat_head *beat) {
    peer_saw(&link->peer, beat->boot, beat->process, beat->sent);
    if (beat->boot != link->peer.boot)
        return;
    link->beat_stamp_ms = beat->stamp_ms;
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
    for (;;) {
        enum err e = sock_receive(&link->sock, &link->message);
        if (e == ERR_AGAIN)
            return e;
        if (e != ERR_OK) {
            log_line(LOG_WARN, "message.dropped", "why=\"%s\"", err_text(e));
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
}

bool link_is_joined(const struct link *link) {
    return link->peer.state == PEER_JOINED;
}

void link_hurry(struct link *link) {
    link->peer.next_say_ms = 0;
}
