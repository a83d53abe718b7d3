// The protocol half that every process shares which works for a broker: joining, heartbeats,
// numbered leases, and the names of what is held until the broker calls it stored. Pure: no I/O,
// no clock; time comes in as an argument and what to say goes out as an answer.
#ifndef WORKERS_PEER_H
#define WORKERS_PEER_H

#include "common/bytes.h"
#include "common/limits.h"

enum {
    PEER_INDEX = 32768, // places of the index of held calls: a power of two, at most 2/3 taken
};
_Static_assert(HELD_MAX * 3 / 2 <= PEER_INDEX && HELD_MAX < UINT16_MAX, "the index has room");

enum peer_state {
    PEER_STRANGER, // no broker has welcomed this process since it was last unheard
    PEER_JOINED,
};

struct peer {
    enum peer_state state;
    struct id process;    // random, new at every start
    uint64_t boot;        // of the broker that welcomed us; stays until another does
    uint64_t start;       // which start of the broker that boot is; they only grow
    uint64_t seen;        // highest lease number seen from that boot
    uint64_t next_say_ms; // when the next hello or heartbeat is due
    uint64_t heard_ms;    // when the broker was last heard
    uint32_t unanswered;  // hellos since the last welcome
    uint32_t patience;    // hellos that may stay so before the connection is given up
    // Call ids that a heartbeat names, of any boot: running, or ended and not yet stored.
    struct id held[HELD_MAX];
    uint32_t held_count;
    // Where a call stands in held, by the hash of its id: position + 1; 0: the place is free.
    uint16_t index[PEER_INDEX];
};

enum peer_say { SAY_nothing, SAY_hello, SAY_heartbeat };

void peer_init(struct peer *peer, struct id process);

// What is to be said now. Moves the next due time on; a broker that was silent for
// PEER_SILENT_MS is greeted anew.
enum peer_say peer_due(struct peer *peer, uint64_t now_ms);
// Whether the connection is to be given up, since nobody answers on it. Says so once; the next one
// is given twice the patience, until another boot answers: a broker that is only slow would else
// always speak to a connection that is gone.
bool peer_gives_up(struct peer *peer);
// Milliseconds until peer_due may have something to say.
uint64_t peer_rest_ms(const struct peer *peer, uint64_t now_ms);

// Anything came from the broker.
void peer_heard(struct peer *peer, uint64_t now_ms);
// A welcome from that boot, the broker's start of that number. One from an earlier start, which
// was overtaken on its way, is not believed: it would take us back to a broker that is gone.
// Returns whether the boot is new to us: leases of older ones that were not taken yet never
// will be, since numbering starts again.
bool peer_welcomed(struct peer *peer, uint64_t boot, uint64_t start, uint64_t now_ms);
// The broker does not know us (any more): say hello at once.
void peer_unknown(struct peer *peer, uint64_t now_ms);
// The broker refuses us: ask again, but not as often as somebody who was not heard.
void peer_refused(struct peer *peer, uint64_t now_ms);
// A beat said that leases up to sent have left: what did not arrive of them never will be taken.
void peer_saw(struct peer *peer, uint64_t boot, struct id process, uint64_t sent);

// Whether a lease may be taken: from the boot that welcomed us, for this process, with a number
// above what was seen (which it then is).
bool peer_takes(struct peer *peer, uint64_t boot, struct id process, uint64_t number);

// Names a call in every heartbeat from now on. False when HELD_MAX are named or it is already.
bool peer_hold(struct peer *peer, struct id call);
// The broker called its end stored (or it was never started). False if it was not held.
bool peer_forget(struct peer *peer, struct id call);
bool peer_holds(const struct peer *peer, struct id call);
// What the next heartbeat names; dies with the next change.
struct bytes peer_named(const struct peer *peer);

#endif
