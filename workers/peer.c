#include "workers/peer.h"

#include <assert.h>

void peer_init(struct peer *peer, struct id process) {
    memset(peer, 0, sizeof(*peer));
    peer->process = process;
}

enum peer_say peer_due(struct peer *peer, uint64_t now_ms) {
    if (peer->state == PEER_JOINED && now_ms - peer->heard_ms > PEER_SILENT_MS)
        peer->state = PEER_STRANGER;
    if (now_ms < peer->next_say_ms)
        return SAY_nothing;
    peer->next_say_ms = now_ms + HEARTBEAT_MS;
    return peer->state == PEER_JOINED ? SAY_heartbeat : SAY_hello;
}

uint64_t peer_rest_ms(const struct peer *peer, uint64_t now_ms) {
    return now_ms < peer->next_say_ms ? peer->next_say_ms - now_ms : 0;
}

void peer_heard(struct peer *peer, uint64_t now_ms) {
    peer->heard_ms = now_ms;
}

bool peer_welcomed(struct peer *peer, uint64_t boot, uint64_t now_ms) {
    bool is_new = boot != peer->boot;
    if (is_new) {
        peer->boot = boot;
        peer->seen = 0;
    }
    peer->state = PEER_JOINED;
    peer->heard_ms = now_ms;
    peer->next_say_ms = now_ms; // the first heartbeat settles the older marks at once
    return is_new;
}

void peer_unknown(struct peer *peer, uint64_t now_ms) {
    peer->state = PEER_STRANGER;
    peer->next_say_ms = now_ms;
}

void peer_saw(struct peer *peer, uint64_t boot, struct id process, uint64_t sent) {
    if (boot == peer->boot && id_equal(process, peer->process) && sent > peer->seen)
        peer->seen = sent;
}

bool peer_takes(struct peer *peer, uint64_t boot, struct id process, uint64_t number) {
    if (peer->state != PEER_JOINED || boot != peer->boot || !id_equal(process, peer->process) ||
        number <= peer->seen)
        return false;
    peer->seen = number;
    return true;
}

static uint32_t find(const struct peer *peer, struct id call) {
    uint32_t i = 0;
    while (i < peer->held_count && !id_equal(peer->held[i], call))
        i++;
    return i;
}

bool peer_holds(const struct peer *peer, struct id call) {
    return find(peer, call) < peer->held_count;
}

bool peer_hold(struct peer *peer, struct id call) {
    assert(!id_is_none(call));
    if (peer->held_count == HELD_MAX || peer_holds(peer, call))
        return false;
    peer->held[peer->held_count++] = call;
    return true;
}

bool peer_forget(struct peer *peer, struct id call) {
    uint32_t i = find(peer, call);
    if (i == peer->held_count)
        return false;
    peer->held[i] = peer->held[--peer->held_count];
    return true;
}

struct bytes peer_named(const struct peer *peer) {
    return bytes_of(peer->held, peer->held_count * sizeof(struct id));
}
