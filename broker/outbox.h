// What a turn wants to say, held until the turn is durable. Items of one kind for one peer are
// gathered into messages of up to ITEMS_MAX.
#ifndef BROKER_OUTBOX_H
#define BROKER_OUTBOX_H

#include "broker/peers.h"
#include "common/buf.h"

struct parcel;
struct outbox {
    struct parcel *parcels; // in the order in which they were begun
    uint32_t count, capacity;
    // The parcel that takes further items, by kind and peer.
    struct {
        uint32_t peer, parcel;
    } open[KINDS];
};

void outbox_init(struct outbox *outbox);
void outbox_release(struct outbox *outbox);

// A message without items. The head struct and the frames are copied.
void outbox_head(struct outbox *outbox, uint32_t peer, enum kind kind, const void *head,
                 const struct bytes *frames);
// An item, into a message with this head (the same for all of its items).
void outbox_item(struct outbox *outbox, uint32_t peer, enum kind kind, const void *head,
                 const void *item, const struct bytes *frames);
// Sends everything; calls gone for each peer that could not be reached (at most once a parcel).
void outbox_send(struct outbox *outbox, struct sock *sock, struct peers *peers,
                 void (*gone)(void *owner, uint32_t peer), void *owner);

#endif
