#include "workers/peer.h"

#include <assert.h>

void peer_init(struct peer *peer, struct id process) {
    // The names themselves stay as they are: held_count says that there are none.
    peer->state = PEER_STRANGER;
    peer->process = process;
    peer->boot = 0;
    peer->seen = 0;
    peer->next_say_ms = 0;
    peer->heard_ms = 0;
    peer->held_count = 0;
    peer->start = 0;
    peer->unanswered = 0;
    peer->patience = HELLOS_UNANSWERED_MAX;
    memset(peer->index, 0, sizeof(peer->index));
}

enum peer_say peer_due(struct peer *peer, uint64_t now_ms) {
    if (peer->state == PEER_JOINED && now_ms - peer->heard_ms > PEER_SILENT_MS)
        peer->state = PEER_STRANGER;
    if (now_ms < peer->next_say_ms)
        return SAY_nothing;
    bool is_joined = peer->state == PEER_JOINED;
    peer->next_say_ms = now_ms + (is_joined ? HEARTBEAT_MS : HELLO_MS);
    if (is_joined)
        return SAY_heartbeat;
    peer->unanswered++;
    return SAY_hello;
}

bool peer_gives_up(struct peer *peer) {
    if (peer->unanswered < peer->patience)
        return false;
    peer->unanswered = 0;
    peer->patience =
        peer->patience * 2 < HELLOS_PATIENCE_MAX ? peer->patience * 2 : HELLOS_PATIENCE_MAX;
    return true;
}

uint64_t peer_rest_ms(const struct peer *peer, uint64_t now_ms) {
    return now_ms < peer->next_say_ms ? peer->next_say_ms - now_ms : 0;
}

void peer_heard(struct peer *peer, uint64_t now_ms) {
    peer->heard_ms = now_ms;
}

bool peer_welcomed(struct peer *peer, uint64_t boot, uint64_t start, uint64_t now_ms) {
    bool is_new = boot != peer->boot;
    if (start < peer->start)
        return false;
    peer->start = start;
    if (is_new) {
        peer->boot = boot;
        peer->seen = 0;
        peer->patience = HELLOS_UNANSWERED_MAX;
    }
    if (is_new || peer->state == PEER_STRANGER)
        peer->next_say_ms = now_ms; // the first heartbeat settles the older marks at once
    peer->state = PEER_JOINED;
    peer->unanswered = 0;
    peer->heard_ms = now_ms;
    return is_new;
}

void peer_unknown(struct peer *peer, uint64_t now_ms) {
    if (peer->state == PEER_STRANGER)
        return; // a hello is on its way, and the next one is due
    peer->state = PEER_STRANGER;
    peer->next_say_ms = now_ms;
}

void peer_refused(struct peer *peer, uint64_t now_ms) {
    peer->unanswered = 0;
    peer->next_say_ms = now_ms + HEARTBEAT_MS;
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

// The first place at which the index may have a call.
static uint32_t home_of(struct id call) {
    uint64_t mixed = (bytes_u64(call.at) ^ bytes_u64(call.at + 8)) * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(mixed >> 32) & (PEER_INDEX - 1);
}

static uint32_t after(uint32_t place) {
    return (place + 1) & (PEER_INDEX - 1);
}

// The place of a call in the index, or the free one where it would go.
static uint32_t find(const struct peer *peer, struct id call) {
    uint32_t place = home_of(call);
    while (peer->index[place] && !id_equal(peer->held[peer->index[place] - 1], call))
        place = after(place);
    return place;
}

// Frees a place and moves up those behind it that it kept from their home, so that a search may
// end at the first free place.
static void free_place(struct peer *peer, uint32_t place) {
    for (uint32_t next = after(place); peer->index[next]; next = after(next)) {
        uint32_t home = home_of(peer->held[peer->index[next] - 1]);
        uint32_t reach = (next - home) & (PEER_INDEX - 1);
        if (reach >= ((next - place) & (PEER_INDEX - 1))) {
            peer->index[place] = peer->index[next];
            place = next;
        }
    }
    peer->index[place] = 0;
}

bool peer_holds(const struct peer *peer, struct id call) {
    return peer->index[find(peer, call)] != 0;
}

bool peer_hold(struct peer *peer, struct id call) {
    assert(!id_is_none(call));
    uint32_t place = find(peer, call);
    if (peer->held_count == HELD_MAX || peer->index[place])
        return false;
    peer->held[peer->held_count++] = call;
    peer->index[place] = (uint16_t)peer->held_count;
    return true;
}

bool peer_forget(struct peer *peer, struct id call) {
    uint32_t place = find(peer, call);
    uint32_t position = peer->index[place];
    if (!position)
        return false;
    free_place(peer, place);
    struct id last = peer->held[peer->held_count - 1];
    if (position != peer->held_count) {
        peer->index[find(peer, last)] = (uint16_t)position;
        peer->held[position - 1] = last;
    }
    peer->held_count--;
    return true;
}

struct bytes peer_named(const struct peer *peer) {
    return bytes_of(peer->held, peer->held_count * sizeof(struct id));
}
