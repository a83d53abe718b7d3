// One submission of one client: its blocks become lines, its lines are judged and go to the
// stream, and what the client must know comes out as progress. Holds everything that ingress
// knows of a submission, nothing of it durable. No I/O; time comes in as an argument.
#ifndef WORKERS_INGRESS_SESSION_H
#define WORKERS_INGRESS_SESSION_H

#include "common/catalogue.h"
#include "common/clock.h"
#include "common/sock.h"
#include "workers/ingress/resolve.h"
#include "workers/ingress/split.h"
#include "workers/ingress/stream.h"
#include "workers/ingress/validate.h"

struct session {
    struct route client;
    uint64_t number;  // of the session, given once
    uint64_t request; // the client's number of the stream
    char key[IDEMPOTENCY_KEY_BYTES_MAX + 1];
    bool is_validation;
    struct split split;
    struct stream stream;        // zeroed while only validating
    struct validator *validator; // NULL until the batch is open
    const struct catalogue *catalogue;
    char provider[PROVIDER_BYTES_MAX + 1];
    bool continues; // conversations are taken up from the ledger
    // A line whose conversation has to be resolved before anything behind it is read.
    struct resolve resolve;
    struct buf held;
    struct split_line held_line; // its raw lies in held
    struct buf waiting;          // bytes of blocks that are not read yet, from used on
    size_t used;
    uint64_t received; // bytes of the file
    bool has_last;     // the file's end has come
    bool is_over;      // every line was judged
    uint64_t refused;
    uint64_t blank; // lines that are no jobs
    uint64_t heard_ms;

    // What the client was not told yet.
    struct session_refusal {
        uint64_t line;
        struct bytes custom_id;
        struct bytes detail;
        const char *reason;
        char *texts; // holds both
    } refusals[ITEMS_MAX];
    uint32_t refusal_count;
    bool is_dirty;
    uint64_t told_ms;
    uint64_t told_through; // accepted_through and state of the stream, as they were told
    enum stream_state told_state;
    bool is_told;          // the last word is said: the session can go
    const char *waits_for; // a reason why nothing moves; NULL: it does
    struct stream_failure failure;
};

// number: of the session; the stream's questions are numbered from number << 32 on. batch_id: the
// batch's id if it is new.
struct session *session_new(const struct submit_head *submit, const struct route *client,
                            struct id batch_id, uint64_t number, uint64_t now_ms);
// Whether that client asks for the same again: it has given this session up.
bool session_is_replaced(const struct session *session, const struct route *client,
                         const struct submit_head *submit);
// Accepts NULL.
void session_free(struct session *session);
// The catalogue by which lines are judged from now on; none are judged before the first.
void session_catalogue(struct session *session, const struct catalogue *catalogue);

// The next bytes of the file. What was received before is ignored; a gap or more than the
// credit fails the submission.
void session_block(struct session *session, const struct block_head *block, struct bytes bytes,
                   uint64_t now_ms);
// Reads what can be read now, some lines at most. True: there is more to do at once.
bool session_work(struct session *session, struct moment now);
// The submission cannot go on.
void session_fail(struct session *session, int exit, const char *reason, const char *detail);
// Encodes what the client must know; false: nothing new. waits_for: why nothing moves, or NULL.
// While the client cannot do anything but wait, the same is said again every HEARTBEAT_MS: a
// client that hears nothing would begin anew.
bool session_progress(struct session *session, const char *waits_for, uint64_t now_ms,
                      struct buf *header);

#endif
