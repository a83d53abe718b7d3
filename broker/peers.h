// Who is connected: routes of the ROUTER and the small numbers by which the core knows them.
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

struct peers {
    struct peer_entry entries[PEERS_MAX]; // [0] is nobody
    uint32_t used;
};

// The number of a route; 0: it has none.
uint32_t peers_find(const struct peers *peers, const struct route *route);
// Gives a route a number; 0: PEERS_MAX are there.
uint32_t peers_add(struct peers *peers, const struct route *route);
void peers_remove(struct peers *peers, uint32_t peer);

#endif
