// What a worker holds: each call from its lease until the broker has called its end stored. An end
// is said at once, again after every welcome and every END_RESEND_MS, always in the same words.
// Pure: no I/O, no clock; time comes in as an argument and what to say goes out as items.
#ifndef PROVIDER_ENDS_H
#define PROVIDER_ENDS_H

#include "common/envelope.h"
#include "workers/peer.h"

enum { ENDS_BUCKETS = 16384 }; // a power of two

// How an attempt ended. The texts and bytes are copied.
struct ending {
    const char *ended; // answered | failed | not_started
    const char *class;
    const char *reason; // empty where there is nothing to say
    const char *detail; // for people; never content or keys
    uint64_t status;
    bool bytes_left;
    bool has_begun; // answered, but no success: generating had begun
    int64_t started_ms;
    uint64_t duration_ms;
    uint64_t first_byte_ms;
    uint64_t first_token_ms; // 0: no stream, or nothing of it
    uint64_t retry_after_ms;
    struct bytes head; // answer headers, verbatim
    struct bytes body;
};

enum held_state {
    HELD_running,
    HELD_unsaid, // ended, and to be said now
    HELD_said,   // ended, said, not yet stored
};

// One call that is held. The item is what is said of it; its texts stand in memory of its own.
struct held {
    struct end_item item;
    struct bytes head;
    struct bytes body;
    enum held_state state;
    uint64_t said_ms;
    void *running; // the owner's, while it runs
    char *url;     // likewise
    char catalogue[65];
    // Private.
    struct held *same_bucket;
    struct held *next, *previous; // in the queue of its state
    char *answer;                 // what head, body, reason and detail point into
};

struct held_queue {
    struct held *first, *last;
};

struct ends {
    struct peer *peer;  // names what is held in heartbeats
    const char *worker; // this worker's name; lives as long as ends
    struct held *buckets[ENDS_BUCKETS];
    struct held_queue running, unsaid, said;
    uint32_t running_count;
    uint32_t ended_count;
    uint64_t said_bytes; // of answers that were said and are not stored
};

void ends_init(struct ends *ends, struct peer *peer, const char *worker);
// Forgets everything that is held.
void ends_release(struct ends *ends);

// Holds a call that was leased, and names it from now on. NULL if it is held already or there is
// no room to name another: then the lease must be dropped, and the broker sees that it was not
// taken. The lease may die afterwards.
struct held *ends_take(struct ends *ends, const struct lease_item *lease, const char *catalogue);
// NULL if it is not held.
struct held *ends_find(struct ends *ends, struct id call);
// The call is over: its end is to be said. Once for each call.
void ends_finish(struct ends *ends, struct held *held, const struct ending *ending);
// The broker has the end durably. False if it was not held, or still runs (then it is kept).
bool ends_stored(struct ends *ends, struct id call);

// The broker welcomed us anew: all that it has not called stored is to be said again.
void ends_rejoined(struct ends *ends);
// The next ends to say, at most ITEMS_MAX and about MESSAGE_BYTES_SOFT: one message. They count
// as said then. 0: nothing is to be said now, or ENDS_UNSTORED_BYTES_MAX are on their way and
// must be stored first.
uint32_t ends_batch(struct ends *ends, uint64_t now_ms, struct held *batch[ITEMS_MAX]);
// Milliseconds until ends_batch may have something; UINT64_MAX: not before something ends.
uint64_t ends_rest_ms(const struct ends *ends, uint64_t now_ms);

// SHA-256 of an end as its worker gives it: ended, status, class, head and body, each with its
// length before it.
struct digest ends_digest(const struct ending *ending);

#endif
