// Who is connected: routes of the ROUTER and the small numbers by which the core knows them; and
// on which host each worker is, also while it is away.
#ifndef BROKER_PEERS_H
#define BROKER_PEERS_H

#include "common/limits.h"
#include "common/sock.h"

struct peer_entry {
    struct route route;
    uint64_t heard_ms;
    uint64_t cpu_us; // as its heartbeats say
    char name[64];
    char host[64];
    bool is_used;
};

// Of a worker, by its slot in the core.
struct seat {
    char host[64]; // empty: it has not joined since the broker's start
    uint64_t cpu_us;
    uint64_t beat_ms;     // when its heartbeat said so; 0: none came yet
    uint32_t cpu_percent; // of one core, between the last two heartbeats
};

struct peers {
    struct peer_entry entries[PEERS_MAX]; // [0] is nobody
    uint32_t used;
    struct seat seats[WORKERS_MAX]; // [0] is nobody's
};

// The number of a route; 0: it has none.
uint32_t peers_find(const struct peers *peers, const struct route *route);
// Gives a route a number; 0: PEERS_MAX are there.
uint32_t peers_add(struct peers *peers, const struct route *route);
void peers_remove(struct peers *peers, uint32_t peer);
// The worker of that slot has joined from that peer; what was known of an earlier one is forgotten.
void peers_seat(struct peers *peers, uint32_t worker, uint32_t peer);
// Its heartbeat came.
void peers_beat(struct peers *peers, uint32_t worker, uint64_t cpu_us, uint64_t now_ms);

#endif
