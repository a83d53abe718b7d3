// The protocol half of a submission towards the broker: a batch is opened, its lines are put in
// numbered chunks with a bounded window on the way, and it is sealed. Whatever is lost, repeated
// or cut short by a restart is said again from where the broker stands. Pure: no I/O, no clock;
// what to send comes out of stream_next, and the same calls give the same messages.
#ifndef WORKERS_INGRESS_STREAM_H
#define WORKERS_INGRESS_STREAM_H

#include "common/envelope.h"
#include "common/err.h"
#include "common/id.h"
#include "common/wire.h"

//            opened                  all stored                stored
//  OPENING ─────────▶ TAKING ────────────────────▶ SEALING ────────────▶ DONE
//     ▲   └────────────┴──────────── failure ───────┴─────────▶ FAILED
//     └── unknown_batch ┘
enum stream_state {
    STREAM_OPENING, // the broker is asked for the batch; no line may come before it answers
    STREAM_TAKING,
    STREAM_SEALING, // every line is stored
    STREAM_DONE,
    STREAM_FAILED,
    STREAM_STATES,
};

// Why a stream failed. EX_TEMPFAIL: sending the file again from its start will go on.
struct stream_failure {
    int exit; // a sysexits code
    char reason[REASON_BYTES_MAX + 1];
    char detail[DETAIL_BYTES_MAX + 1];
};

// A line on its way: the item with its texts and the raw line, all in one block.
struct stream_line {
    struct put_item item;
    struct bytes raw;
    void *block;
};

struct stream_chunk {
    uint64_t first, last;
    struct digest before, after;
    uint64_t request; // of its last sending
    uint64_t sent_ms;
    size_t bytes;
    uint32_t items;
    struct stream_line lines[ITEMS_MAX];
};

struct stream {
    enum stream_state state;
    struct open_head open; // its texts are the stream's own
    struct buf texts;
    uint64_t request; // numbers of questions already used
    uint64_t batch;   // number in the journal
    struct id batch_id;
    struct hasher hasher;
    bool is_in_line;           // bytes of a line are in the digest, and it has not come yet
    struct digest at_line_end; // while is_in_line: before them
    uint64_t lines;            // taken so far
    uint64_t accepted_through; // by the broker
    uint64_t refused_before;   // lines refused when the batch was opened
    bool is_known;             // the key was known
    bool is_finished;          // no further line comes
    const char *lacks;         // why the broker had no room at the last attempt; NULL: it had

    // The broker is ahead: lines up to skip_through are read, not sent, and the digest there
    // must be skip_digest. is_sealed: there is no line beyond.
    uint64_t skip_through;
    struct digest skip_digest;
    bool is_sealed;

    struct stream_chunk *ring; // STREAM_CHUNKS_MAX + 1
    uint32_t head, count, sent;
    size_t bytes;                  // of the closed chunks
    struct stream_chunk *building; // follows the closed ones
    uint64_t went_back;            // requests up to here were sent before the last going back
    uint64_t said_ms;              // when open or seal was said last; 0: not yet
    uint64_t not_before_ms;        // the broker had no room: wait until then

    struct buf header;
    struct bytes frames[ITEMS_MAX];
    struct stream_failure failure;
};

// A message for the broker; dies with the next call.
struct stream_message {
    enum kind kind;
    struct bytes header;
    const struct bytes *frames;
    uint32_t frame_count;
};

// Copies what open says. request_base: the stream's questions are numbered from there on; the
// owner leaves 2^32 numbers for them.
void stream_init(struct stream *stream, const struct open_head *open, uint64_t request_base);
// Accepts a zeroed stream.
void stream_release(struct stream *stream);

// Whether stream_line may be called: the batch is open and the window has room.
bool stream_takes(const struct stream *stream);
// Adds raw bytes of the file to the digest: every line with its newline, before stream_line.
void stream_hash(struct stream *stream, struct bytes bytes);
// The same where the line does not come at once: what stands before it may leave without it.
void stream_hash_part(struct stream *stream, struct bytes bytes);
// The next line: its item, or NULL for a blank one; both are copied. A refused line has its
// reason in the item and an empty raw.
void stream_line(struct stream *stream, const struct put_item *item, struct bytes raw);
// Nothing more waits just now: what was taken shall not wait for company. In the middle of a line
// it does, for the rest of the line is on its way and a chunk's digest is one of whole lines.
void stream_flush(struct stream *stream);
// The file is over.
void stream_finish(struct stream *stream);

// Answers of the broker. Those that belong to no open question change nothing.
void stream_opened(struct stream *stream, const struct opened_head *opened);
void stream_stored(struct stream *stream, const struct put_stored_head *stored, uint64_t now_ms);
// The broker was restarted, or the way to it was lost: all questions are put again.
void stream_restart(struct stream *stream);

// What is to be sent now; false: nothing. Call until it says false.
bool stream_next(struct stream *stream, uint64_t now_ms, struct stream_message *message);

#endif
