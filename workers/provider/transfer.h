// Provider calls as bytes: many HTTP exchanges at once, each a POST and its verbatim answer within
// limits of time and size, on one epoll descriptor. Knows nothing of providers, leases or the
// broker, and never sends a request twice.
#ifndef PROVIDER_TRANSFER_H
#define PROVIDER_TRANSFER_H

#include "common/buf.h"
#include "common/http.h"

enum {
    TRANSFER_LINES_OWN = 2,             // header lines of one call: its id, its trace
    TRANSFER_LINE_BYTES_MAX = 256,      // of such a line
    TRANSFER_KEPT_BYTES_MAX = 64 << 10, // a buffer that grew beyond this is freed after its call
    TRANSFER_EVENTS_MAX = 256,          // descriptors handled in one turn
    TRANSFER_WATCHED_MAX = 8,           // descriptors of others
};

// How a transfer ended, beyond how its exchange did.
enum transfer_end {
    TRANSFER_as_http,            // what http_end says
    TRANSFER_stall_timeout,      // no byte moved within a request or an answer
    TRANSFER_first_byte_timeout, // the request was sent, and no answer began
    TRANSFER_too_large,          // head or body; the first bytes are kept
    TRANSFER_aborted,            // by transfer_abort
};

struct transfers;

// One exchange. What stands above the line is set before transfer_start, what stands below may
// be read between transfers_next and transfer_give.
struct transfer {
    void *owner;
    const void *purpose;              // the owner's too
    const char *url;                  // must live until the end
    const struct curl_slist *headers; // lines shared by many calls; must live until the end
    struct buf request;               // the body; empty when taken
    bool may_be_private;
    bool may_be_plain;
    // Called with the body as far as it is there, each time that it has grown, until it says true:
    // that moment is first_token_ms. NULL: nobody listens. It must not touch the transfer.
    bool (*hears)(void *listener, struct bytes answer);
    void *listener;
    // ------
    enum transfer_end end;
    enum http_end http_end;
    unsigned status;
    bool has_left;      // a byte of the request had left
    struct buf head;    // header lines of the final answer and trailers, without the status line
    struct buf answer;  // the body, transfer coding removed
    int64_t started_ms; // Unix time
    uint64_t duration_ms;
    uint64_t first_byte_ms;  // from the start to the answer's first byte; 0: none came
    uint64_t first_token_ms; // from the start to when hears said true; 0: it did not

    // Private.
    struct transfers *pool;
    struct transfer *next, *previous; // of the running ones, the finished ones or the free ones
    struct http_easy easy;
    struct curl_slist own[TRANSFER_LINES_OWN];
    char own_lines[TRANSFER_LINES_OWN][TRANSFER_LINE_BYTES_MAX];
    unsigned own_count;
    size_t given; // bytes of the request that were handed to curl
    uint64_t started_mono_ms;
    uint64_t moved_ms; // when a byte moved last
    bool has_first_byte;
    bool is_in_head; // between a status line and the empty line
};

struct transfer_limits {
    uint64_t connect_ms;
    uint64_t stall_ms;      // while a request is being sent, or after the answer's first byte
    uint64_t first_byte_ms; // between the two; 0: only the call's own limit ends it
    size_t head_bytes_max;
    size_t answer_bytes_max;
};

// Makes room for slots exchanges at once; ends the process if the system refuses. Handles are
// made when they are first used and then used again.
struct transfers *transfers_new(unsigned slots, const struct transfer_limits *limits);
// Breaks off what runs. Accepts NULL.
void transfers_free(struct transfers *transfers);
// Watches a descriptor of somebody else for reading. Returns its bit in transfers_wait's answer.
unsigned transfers_watch(struct transfers *transfers, int fd);
// The same bit for another descriptor; the one before was closed.
void transfers_watch_instead(struct transfers *transfers, unsigned bit, int fd);

// Waits until something is to be done, at most timeout_ms (-1: no limit), or less when a limit
// of an exchange comes sooner. Returns the bits of the watched descriptors that can be read.
unsigned transfers_wait(struct transfers *transfers, long timeout_ms);
// Does what is to be done. The times are those of this turn.
void transfers_turn(struct transfers *transfers, uint64_t mono_ms, int64_t wall_ms);
// Exchanges that run, or ended and were not handed out by transfers_next.
unsigned transfers_running(const struct transfers *transfers);

// A free exchange, empty; NULL when all slots are taken.
struct transfer *transfers_take(struct transfers *transfers);
// Adds a header line of this call alone. False if it is too long or not safe.
bool transfer_line(struct transfer *transfer, const char *name, const char *value);
// Starts it. Its end comes by transfers_next, never from in here.
void transfer_start(struct transfer *transfer, uint64_t total_limit_ms);
// Breaks it off; its end then comes by transfers_next. If it has ended already, nothing changes.
void transfer_abort(struct transfer *transfer);
// The next one that has ended; NULL: none. Give it back after reading.
struct transfer *transfers_next(struct transfers *transfers);
// Gives it back, started or not.
void transfer_give(struct transfer *transfer);

#endif
