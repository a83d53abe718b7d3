// The broker's shell: hear, decide, write down, speak. A turn takes what waits, feeds it to the
// core, makes one transaction of all that is to survive, and only then sends what depended on
// it. If the transaction fails the process ends and starts again from the disk.
#ifndef BROKER_LOOP_H
#define BROKER_LOOP_H

#include "broker/core/core.h"
#include "broker/journal.h"
#include "broker/keep.h"
#include "broker/outbox.h"
#include "broker/peers.h"
#include "common/clock.h"
#include "common/conf.h"
#include "common/reserve.h"

enum {
    INBOX_MAX = 256,   // messages taken in before they are served
    PUTS_A_TURN = 32,  // chunks of lines among them
    TICKS_A_TURN = 16, // each of at most EFFECTS_MAX effects
};

// What the effects of a step may refer to.
struct input {
    const struct event *event;
    struct message *message;
    uint32_t item; // of the message, that the event is about
};

struct loop {
    struct sock sock;
    struct peers peers;
    struct outbox outbox;
    struct journal journal;
    struct core *core;
    void *core_memory;
    size_t core_size;
    uint64_t boot;
    struct moment now;
    uint64_t started_ms;
    bool is_simulated;
    struct reserve reserve;
    struct space_limits limits;
    uint64_t pages_bytes_max; // what the journal's pages may grow to, by budget and disk

    struct keep contexts; // by job slot
    struct keep facts;    // by record slot: facts, and the code of a refusal
    struct keep texts;    // by batch slot: name and tags of a batch that is not stored yet
    struct buf catalogue;
    char catalogue_hash[65];

    struct message *inbox[INBOX_MAX]; // [0 … waiting) are to be served
    struct message *inbox_memory;     // that they stand in: untouched pages cost nothing
    uint32_t waiting;
    bool has_more; // the last turn left work undone
    struct effects effects;
    struct put_item put_items[ITEMS_MAX];
    struct buf scratch; // a record's item
    uint64_t turns, messages;
    const char *stop_why; // journal and ledger are not of one moment: this turn is the last
};

// Opens journal and socket and builds the core. Ends the process where it cannot.
void loop_open(struct loop *loop, const struct conf *conf);
void loop_close(struct loop *loop);
// One turn; waits for its beginning until something comes or is due, or stop_fd is readable.
void loop_turn(struct loop *loop, int stop_fd);

// loop.c for its parts: feeds one event to the core and does what it says.
void loop_step(struct loop *loop, struct event *event, struct message *message, uint32_t item);

// What a message brings beside its header.
uint64_t loop_message_bytes(struct message *message);

// hear.c: what a message means.
void loop_serve(struct loop *loop, struct message *message);
// Tells the sender of a message of another protocol version why nobody answers it.
void loop_refuse_version(struct loop *loop, const struct route *route);
// The order in which the kinds are served in a turn; the lowest first.
unsigned loop_rank(enum kind kind);
void loop_forget_peer(struct loop *loop, uint32_t peer);
void loop_forget_silent(struct loop *loop);
void loop_excuse_silence(struct loop *loop);

// compose.c: what an effect says.
// How a batch's state is written: open, sealed, settled or cancelled.
const char *loop_batch_state(const struct batch *batch, uint8_t state);
void loop_do(struct loop *loop, const struct effect *effect, const struct input *input);

// admin.c: answers to queries.
void loop_answer(struct loop *loop, uint32_t peer, struct message *message);

#endif
