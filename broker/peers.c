#include "broker/peers.h"

static bool is_route(const struct route *a, const struct route *b) {
    return a->size == b->size && memcmp(a->at, b->at, a->size) == 0;
}

uint32_t peers_find(const struct peers *peers, const struct route *route) {
    for (uint32_t i = 1; i <= peers->used; i++)
        if (peers->entries[i].is_used && is_route(&peers->entries[i].route, route))
            return i;
    return 0;
}

uint32_t peers_add(struct peers *peers, const struct route *route) {
    uint32_t at = 1;
    while (at <= peers->used && peers->entries[at].is_used)
        at++;
    if (at >= PEERS_MAX)
        return 0;
    if (at > peers->used)
        peers->used = at;
    peers->entries[at] = (struct peer_entry){.route = *route, .is_used = true};
    return at;
}

void peers_remove(struct peers *peers, uint32_t peer) {
    peers->entries[peer] = (struct peer_entry){.is_used = false};
}

void peers_seat(struct peers *peers, uint32_t worker, uint32_t peer) {
    struct seat *seat = &peers->seats[worker];
    *seat = (struct seat){.beat_ms = 0};
    memcpy(seat->host, peers->entries[peer].host, sizeof(seat->host));
}

void peers_beat(struct peers *peers, uint32_t worker, uint64_t cpu_us, uint64_t now_ms) {
    struct seat *seat = &peers->seats[worker];
    if (seat->beat_ms && now_ms > seat->beat_ms && cpu_us >= seat->cpu_us)
        seat->cpu_percent = (uint32_t)((cpu_us - seat->cpu_us) / (10 * (now_ms - seat->beat_ms)));
    seat->cpu_us = cpu_us;
    seat->beat_ms = now_ms;
}
