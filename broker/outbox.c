#include "broker/outbox.h"

#include "common/log.h"
#include "common/mem.h"

// One message in the making: its head is encoded when it is sent, since only then the number of
// its items is known.
struct parcel {
    uint32_t peer;
    enum kind kind;
    uint32_t items;
    uint32_t frame_count;
    struct buf head; // the head struct, byte for byte; its texts are static or numbers only
    struct buf items_packed;
    struct buf frames; // one behind the other
    size_t frame_sizes[ITEMS_MAX * FRAMES_PER_ITEM_MAX];
    struct buf header; // a whole header: messages without items are encoded at once
};

enum { PARCEL_BYTES_MAX = 64 << 20, PARCEL_BYTES_KEPT = 256 << 10 };

void outbox_init(struct outbox *outbox) {
    *outbox = (struct outbox){0};
}

void outbox_release(struct outbox *outbox) {
    for (uint32_t i = 0; i < outbox->capacity; i++) {
        buf_release(&outbox->parcels[i].head);
        buf_release(&outbox->parcels[i].items_packed);
        buf_release(&outbox->parcels[i].frames);
        buf_release(&outbox->parcels[i].header);
    }
    mem_free(outbox->parcels);
    *outbox = (struct outbox){0};
}

// The next parcel, with the memory that an earlier turn left in it.
static struct parcel *parcel_begin(struct outbox *outbox, uint32_t peer, enum kind kind) {
    if (outbox->count == outbox->capacity) {
        uint32_t capacity = outbox->capacity ? outbox->capacity * 2 : 64;
        outbox->parcels = mem_grow(outbox->parcels, capacity * sizeof(struct parcel));
        for (uint32_t i = outbox->capacity; i < capacity; i++) {
            struct parcel *fresh = &outbox->parcels[i];
            memset(fresh, 0, sizeof(*fresh));
            buf_init(&fresh->head, HEADER_BYTES_MAX);
            buf_init(&fresh->items_packed, HEADER_BYTES_MAX);
            buf_init(&fresh->frames, PARCEL_BYTES_MAX);
            buf_init(&fresh->header, HEADER_BYTES_MAX);
        }
        outbox->capacity = capacity;
    }
    struct parcel *parcel = &outbox->parcels[outbox->count++];
    parcel->peer = peer;
    parcel->kind = kind;
    parcel->items = parcel->frame_count = 0;
    buf_reset(&parcel->head);
    buf_reset(&parcel->items_packed);
    buf_reset(&parcel->frames);
    buf_reset(&parcel->header);
    return parcel;
}

static void add_frames(struct parcel *parcel, const struct bytes *frames) {
    for (unsigned i = 0; i < wire_kind(parcel->kind)->frames; i++) {
        parcel->frame_sizes[parcel->frame_count++] = frames[i].size;
        buf_put(&parcel->frames, frames[i].at, frames[i].size);
    }
}

void outbox_head(struct outbox *outbox, uint32_t peer, enum kind kind, const void *head,
                 const struct bytes *frames) {
    if (!peer)
        return;
    struct parcel *parcel = parcel_begin(outbox, peer, kind);
    struct wire_writer writer;
    wire_begin(&writer, &parcel->header, kind, head, 0);
    (void)wire_end(&writer); // the header's state is asked when it is sent
    add_frames(parcel, frames);
}

// The message that takes one more item of this kind for this peer.
static struct parcel *parcel_for(struct outbox *outbox, uint32_t peer, enum kind kind,
                                 const void *head) {
    uint32_t at = outbox->open[kind].parcel;
    if (at < outbox->count && outbox->open[kind].peer == peer && outbox->parcels[at].kind == kind &&
        outbox->parcels[at].peer == peer && outbox->parcels[at].items > 0 &&
        outbox->parcels[at].items < ITEMS_MAX &&
        outbox->parcels[at].frames.size < MESSAGE_BYTES_SOFT)
        return &outbox->parcels[at];
    struct parcel *parcel = parcel_begin(outbox, peer, kind);
    buf_put(&parcel->head, head, wire_kind(kind)->head->size);
    outbox->open[kind].peer = peer;
    outbox->open[kind].parcel = outbox->count - 1;
    return parcel;
}

void outbox_item(struct outbox *outbox, uint32_t peer, enum kind kind, const void *head,
                 const void *item, const struct bytes *frames) {
    if (!peer)
        return;
    struct parcel *parcel = parcel_for(outbox, peer, kind, head);
    (void)wire_pack_item(&parcel->items_packed, kind, item); // asked when it is sent
    parcel->items++;
    add_frames(parcel, frames);
}

static enum err parcel_send(struct parcel *parcel, struct sock *sock, const struct route *route) {
    struct bytes frames[ITEMS_MAX * FRAMES_PER_ITEM_MAX];
    const uint8_t *at = parcel->frames.at;
    for (uint32_t i = 0; i < parcel->frame_count; i++) {
        frames[i] = bytes_of(at, parcel->frame_sizes[i]);
        if (at) // NULL where all frames are empty
            at += parcel->frame_sizes[i];
    }
    if (parcel->items > 0) {
        struct wire_writer writer;
        wire_begin(&writer, &parcel->header, parcel->kind, parcel->head.at, parcel->items);
        wire_packed_items(&writer, buf_bytes(&parcel->items_packed), parcel->items);
        (void)wire_end(&writer);
    }
    if (parcel->header.failed || parcel->items_packed.failed || parcel->frames.failed)
        return ERR_TOO_BIG;
    return sock_send(sock, route, buf_bytes(&parcel->header), frames, parcel->frame_count);
}

void outbox_send(struct outbox *outbox, struct sock *sock, struct peers *peers,
                 void (*gone)(void *owner, uint32_t peer), void *owner) {
    for (uint32_t i = 0; i < outbox->count; i++) {
        struct parcel *parcel = &outbox->parcels[i];
        struct peer_entry *entry = &peers->entries[parcel->peer];
        if (!entry->is_used)
            continue;
        enum err e = parcel_send(parcel, sock, &entry->route);
        if (e == ERR_GONE)
            gone(owner, parcel->peer);
        else if (e != ERR_OK)
            log_line(LOG_ERROR, "message.unsent", "kind=%s why=\"%s\"",
                     wire_kind(parcel->kind)->name, err_text(e));
        if (parcel->frames.capacity > PARCEL_BYTES_KEPT)
            buf_release(&parcel->frames); // one large message is no reason to keep its room
    }
    outbox->count = 0;
}
