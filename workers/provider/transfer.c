#include "workers/provider/transfer.h"

#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "workers/provider/interest.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sysexits.h>

enum {
    STALL_CHECKS = 8, // looks for silent exchanges in the shorter time of silence
    STALL_CHECK_MAX_MS = 1000,
    TIMER_ROUNDS_MAX = 16, // a timer that is due at once again waits for the next turn then
    // Slots of one pool. To find a free connection curl walks through all of its pool: many small
    // pools keep that walk short, whatever the number of slots.
    SHARD_SLOTS = 128,
};
#define NEVER   UINT64_MAX
#define WATCHED (1ull << 63) // marks the event data of descriptors that others own

// A list that is threaded through its members.
struct chain {
    struct transfer *first, *last;
};

// A pool and the transfers that use it.
struct transfer_shard {
    struct transfers *transfers;
    struct http_pool http;
    uint64_t timer_at_ms; // when curl wants to be called
    uint16_t number;
};

struct transfers {
    struct transfer_shard *shards;
    unsigned shard_count;
    struct interest interest;
    struct transfer_limits limits;
    struct transfer **all; // made so far
    unsigned slots, made, running_count, watched;
    struct chain running, ended, free;
    uint64_t now_ms; // of this turn
    int64_t wall_ms;
    uint64_t stall_at_ms; // when silent exchanges are looked for next
    struct epoll_event events[TRANSFER_EVENTS_MAX];
    int event_count;
};

static void chain_push(struct chain *chain, struct transfer *transfer) {
    transfer->previous = chain->last;
    transfer->next = NULL;
    *(chain->last ? &chain->last->next : &chain->first) = transfer;
    chain->last = transfer;
}

static void chain_remove(struct chain *chain, struct transfer *transfer) {
    *(transfer->previous ? &transfer->previous->next : &chain->first) = transfer->next;
    *(transfer->next ? &transfer->next->previous : &chain->last) = transfer->previous;
    transfer->next = transfer->previous = NULL;
}

// ---- what curl asks of us -----------------------------------------------------------------------

static void on_connected(void *owner) {
    struct transfer *transfer = owner;
    transfer->moved_ms = transfer->pool->now_ms;
}

static size_t on_give(void *owner, uint8_t *to, size_t room) {
    struct transfer *transfer = owner;
    size_t rest = transfer->request.size - transfer->given;
    size_t size = rest < room ? rest : room;
    if (size > 0)
        memcpy(to, transfer->request.at + transfer->given, size);
    transfer->given += size;
    transfer->moved_ms = transfer->pool->now_ms;
    return size;
}

static void note_moved(struct transfer *transfer) {
    transfer->moved_ms = transfer->pool->now_ms;
    if (!transfer->has_first_byte)
        transfer->first_byte_ms = transfer->moved_ms - transfer->started_mono_ms;
    transfer->has_first_byte = true;
}

// Appends as much as the bound leaves room for; false if that is not all.
static bool put_bounded(struct buf *buf, struct bytes part) {
    size_t room = buf->size_max - buf->size;
    buf_put(buf, part.at, part.size < room ? part.size : room);
    return part.size <= room;
}

static bool is_status_line(struct bytes line) {
    return line.size > 5 && memcmp(line.at, "HTTP/", 5) == 0;
}

static bool on_head(void *owner, struct bytes line) {
    struct transfer *transfer = owner;
    note_moved(transfer);
    if (!transfer->is_in_head && is_status_line(line)) {
        transfer->is_in_head = true; // of this answer: what an interim one (1xx) said is dropped
        buf_reset(&transfer->head);
        return true;
    }
    if (line.size > 0 && (line.at[0] == '\r' || line.at[0] == '\n')) {
        transfer->is_in_head = false;
        return true;
    }
    if (put_bounded(&transfer->head, line))
        return true;
    transfer->end = TRANSFER_too_large;
    return false;
}

static bool on_body(void *owner, struct bytes part) {
    struct transfer *transfer = owner;
    note_moved(transfer);
    bool has_room = put_bounded(&transfer->answer, part);
    if (transfer->hears && transfer->hears(transfer->listener, buf_bytes(&transfer->answer))) {
        uint64_t after_ms = transfer->moved_ms - transfer->started_mono_ms;
        transfer->first_token_ms = after_ms ? after_ms : 1;
        transfer->hears = NULL;
    }
    if (has_room)
        return true;
    transfer->end = TRANSFER_too_large;
    return false;
}

static const struct http_port port = {
    .connected = on_connected, .give = on_give, .take_header = on_head, .take_body = on_body};

static void on_want(void *owner, int fd, bool in, bool out) {
    struct transfer_shard *shard = owner;
    interest_want(&shard->transfers->interest, fd, shard->number, in, out);
}

static void on_opened(void *owner, int fd) {
    interest_opened(&((struct transfer_shard *)owner)->transfers->interest, fd);
}

static void on_closed(void *owner, int fd) {
    interest_closed(&((struct transfer_shard *)owner)->transfers->interest, fd);
}

static void on_timer(void *owner, long after_ms) {
    struct transfer_shard *shard = owner;
    shard->timer_at_ms = after_ms < 0 ? NEVER : shard->transfers->now_ms + (uint64_t)after_ms;
}

// ---- the pool -----------------------------------------------------------------------------------

static void shard_open(struct transfers *transfers, unsigned i) {
    struct transfer_shard *shard = &transfers->shards[i];
    unsigned rest = transfers->slots - i * SHARD_SLOTS;
    *shard = (struct transfer_shard){
        .transfers = transfers, .timer_at_ms = NEVER, .number = (uint16_t)i};
    const struct http_watch watch = {.owner = shard,
                                     .want = on_want,
                                     .opened = on_opened,
                                     .closed = on_closed,
                                     .timer = on_timer};
    http_pool_open(&shard->http, rest < SHARD_SLOTS ? rest : SHARD_SLOTS, &watch);
}

struct transfers *transfers_new(unsigned slots, const struct transfer_limits *limits) {
    assert(slots > 0 && slots <= SLOTS_MAX && limits->stall_ms > 0);
    struct transfers *transfers = mem_new(sizeof(*transfers));
    transfers->slots = slots;
    transfers->limits = *limits;
    transfers->all = mem_array(slots, sizeof(struct transfer *));
    transfers->stall_at_ms = NEVER;
    interest_open(&transfers->interest);
    transfers->shard_count = (slots + SHARD_SLOTS - 1) / SHARD_SLOTS;
    transfers->shards = mem_array(transfers->shard_count, sizeof(*transfers->shards));
    for (unsigned i = 0; i < transfers->shard_count; i++)
        shard_open(transfers, i);
    return transfers;
}

void transfers_free(struct transfers *transfers) {
    if (!transfers)
        return;
    for (unsigned i = 0; i < transfers->made; i++) {
        struct transfer *transfer = transfers->all[i];
        http_easy_close(&transfer->easy);
        buf_release(&transfer->request);
        buf_release(&transfer->head);
        buf_release(&transfer->answer);
        mem_free(transfer);
    }
    for (unsigned i = 0; i < transfers->shard_count; i++)
        http_pool_close(&transfers->shards[i].http);
    interest_close(&transfers->interest);
    mem_free(transfers->shards);
    mem_free(transfers->all);
    mem_free(transfers);
}

unsigned transfers_watch(struct transfers *transfers, int fd) {
    assert(transfers->watched < TRANSFER_WATCHED_MAX);
    unsigned bit = 1u << transfers->watched++;
    transfers_watch_instead(transfers, bit, fd);
    return bit;
}

void transfers_watch_instead(struct transfers *transfers, unsigned bit, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = WATCHED | bit};
    if (epoll_ctl(transfers->interest.epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        fatal(EX_OSERR, "epoll.failed", "errno=%d", errno);
}

static uint64_t sooner(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

// When something is to be done without an event.
static uint64_t due_ms_of(const struct transfers *transfers) {
    uint64_t due_ms = transfers->stall_at_ms;
    for (unsigned i = 0; i < transfers->shard_count; i++)
        due_ms = sooner(due_ms, transfers->shards[i].timer_at_ms);
    return due_ms;
}

unsigned transfers_wait(struct transfers *transfers, long timeout_ms) {
    uint64_t due_ms = due_ms_of(transfers);
    if (due_ms != NEVER) {
        uint64_t now_ms = clock_now().mono_ms;
        uint64_t rest_ms = due_ms > now_ms ? due_ms - now_ms : 0;
        if (timeout_ms < 0 || rest_ms < (uint64_t)timeout_ms)
            timeout_ms = (long)rest_ms;
    }
    interest_flush(&transfers->interest);
    transfers->event_count =
        epoll_wait(transfers->interest.epoll_fd, transfers->events, TRANSFER_EVENTS_MAX,
                   timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms);
    uint64_t bits = 0;
    for (int i = 0; i < transfers->event_count; i++)
        if (transfers->events[i].data.u64 & WATCHED)
            bits |= transfers->events[i].data.u64;
    return (unsigned)bits;
}

static void take_events(struct transfers *transfers) {
    for (int i = 0; i < transfers->event_count; i++) {
        const struct epoll_event *event = &transfers->events[i];
        if (event->data.u64 & WATCHED)
            continue;
        int fd = interest_fd(event->data.u64);
        struct transfer_shard *shard = &transfers->shards[interest_owner(event->data.u64)];
        bool is_broken = event->events & (EPOLLERR | EPOLLHUP);
        http_pool_ready(&shard->http, fd, (event->events & EPOLLIN) || is_broken,
                        (event->events & EPOLLOUT) ||
                            (is_broken && interest_writes(&transfers->interest, fd)));
    }
    transfers->event_count = 0;
}

// Takes an exchange that is over in the pool from the running ones to the ended ones.
static void end(struct transfer *transfer, enum http_end http_end) {
    struct transfers *transfers = transfer->pool;
    transfer->http_end = http_end;
    transfer->status = transfer->easy.status;
    transfer->has_left = transfer->easy.has_left;
    transfer->duration_ms = transfers->now_ms - transfer->started_mono_ms;
    chain_remove(&transfers->running, transfer);
    chain_push(&transfers->ended, transfer);
}

static void take_ended(struct transfer_shard *shard) {
    enum http_end http_end;
    struct http_easy *easy;
    while ((easy = http_pool_next(&shard->http, &http_end))) {
        struct transfer *transfer = easy->owner;
        if (http_end == HTTP_answered)
            transfer->end = TRANSFER_as_http;
        end(transfer, http_end);
    }
}

// Silence within a request or an answer is a stall; between the two it is a provider at work, for
// which there is a limit of its own.
static bool is_at_work(const struct transfer *transfer) {
    return !transfer->has_first_byte && transfer->given == transfer->request.size;
}

static bool is_silent_too_long(const struct transfer *transfer) {
    const struct transfer_limits *limits = &transfer->pool->limits;
    uint64_t limit_ms = is_at_work(transfer) ? limits->first_byte_ms : limits->stall_ms;
    return transfer->easy.is_connected && limit_ms > 0 &&
           transfer->pool->now_ms - transfer->moved_ms >= limit_ms;
}

static void end_silent(struct transfers *transfers) {
    for (struct transfer *next, *transfer = transfers->running.first; transfer; transfer = next) {
        next = transfer->next;
        if (!is_silent_too_long(transfer))
            continue;
        transfer->end = is_at_work(transfer) ? TRANSFER_first_byte_timeout : TRANSFER_stall_timeout;
        http_easy_stop(&transfer->easy);
        end(transfer, HTTP_failed);
    }
    uint64_t every_ms = transfers->limits.stall_ms;
    if (transfers->limits.first_byte_ms > 0)
        every_ms = sooner(every_ms, transfers->limits.first_byte_ms);
    every_ms = sooner(every_ms >= STALL_CHECKS ? every_ms / STALL_CHECKS : 1, STALL_CHECK_MAX_MS);
    transfers->stall_at_ms = transfers->running.first ? transfers->now_ms + every_ms : NEVER;
}

void transfers_turn(struct transfers *transfers, uint64_t mono_ms, int64_t wall_ms) {
    transfers->now_ms = mono_ms;
    transfers->wall_ms = wall_ms;
    take_events(transfers);
    for (unsigned i = 0; i < transfers->shard_count; i++) {
        struct transfer_shard *shard = &transfers->shards[i];
        for (int k = 0; k < TIMER_ROUNDS_MAX && shard->timer_at_ms <= mono_ms; k++) {
            shard->timer_at_ms = NEVER;
            http_pool_timeout(&shard->http);
        }
        take_ended(shard);
    }
    if (transfers->stall_at_ms <= mono_ms)
        end_silent(transfers);
}

unsigned transfers_running(const struct transfers *transfers) {
    return transfers->running_count;
}

// ---- one exchange -------------------------------------------------------------------------------

static struct transfer *make(struct transfers *transfers) {
    struct transfer *transfer = mem_new(sizeof(*transfer));
    transfer->pool = transfers;
    buf_init(&transfer->request, FRAME_BYTES_MAX);
    buf_init(&transfer->head, transfers->limits.head_bytes_max);
    buf_init(&transfer->answer, transfers->limits.answer_bytes_max);
    struct transfer_shard *shard = &transfers->shards[transfers->made / SHARD_SLOTS];
    http_easy_open(&transfer->easy, &shard->http, &port, transfer);
    transfers->all[transfers->made++] = transfer;
    return transfer;
}

struct transfer *transfers_take(struct transfers *transfers) {
    struct transfer *transfer = transfers->free.last; // the warmest one
    if (transfer)
        chain_remove(&transfers->free, transfer);
    else if (transfers->made < transfers->slots)
        transfer = make(transfers);
    return transfer;
}

bool transfer_line(struct transfer *transfer, const char *name, const char *value) {
    assert(transfer->own_count < TRANSFER_LINES_OWN);
    char *line = transfer->own_lines[transfer->own_count];
    int size = snprintf(line, TRANSFER_LINE_BYTES_MAX, "%s: %s", name, value);
    if (size < 0 || size >= TRANSFER_LINE_BYTES_MAX || !http_header_is_safe(bytes_text(line)))
        return false;
    transfer->own[transfer->own_count++] = (struct curl_slist){.data = line};
    return true;
}

// The lines of this call in front of the shared ones, which are only read.
static struct curl_slist *lines_of(struct transfer *transfer) {
    struct curl_slist *rest;
    memcpy(&rest, &transfer->headers, sizeof(rest)); // curl takes the list without const
    for (unsigned i = transfer->own_count; i > 0; i--) {
        transfer->own[i - 1].next = rest;
        rest = &transfer->own[i - 1];
    }
    return rest;
}

void transfer_start(struct transfer *transfer, uint64_t total_limit_ms) {
    struct transfers *transfers = transfer->pool;
    transfer->started_ms = transfers->wall_ms;
    transfer->started_mono_ms = transfer->moved_ms = transfers->now_ms;
    const struct http_request request = {
        .url = transfer->url,
        .headers = lines_of(transfer),
        .body_bytes = transfer->request.size,
        .connect_limit_ms = transfers->limits.connect_ms,
        .total_limit_ms = total_limit_ms ? total_limit_ms : 1,
        .unmoved_limit_ms = transfers->limits.stall_ms,
        .may_be_private = transfer->may_be_private,
        .may_be_plain = transfer->may_be_plain,
    };
    chain_push(&transfers->running, transfer);
    transfers->running_count++;
    if (transfers->stall_at_ms == NEVER)
        transfers->stall_at_ms = transfers->now_ms;
    http_easy_start(&transfer->easy, &request);
}

void transfer_abort(struct transfer *transfer) {
    if (!transfer->easy.is_running)
        return;
    transfer->end = TRANSFER_aborted;
    http_easy_stop(&transfer->easy);
    end(transfer, HTTP_failed);
}

struct transfer *transfers_next(struct transfers *transfers) {
    struct transfer *transfer = transfers->ended.first;
    if (!transfer)
        return NULL;
    chain_remove(&transfers->ended, transfer);
    transfers->running_count--;
    return transfer;
}

static void empty(struct buf *buf) {
    if (buf->capacity > TRANSFER_KEPT_BYTES_MAX)
        buf_release(buf);
    buf_reset(buf);
}

void transfer_give(struct transfer *transfer) {
    assert(!transfer->easy.is_running);
    empty(&transfer->request);
    empty(&transfer->head);
    empty(&transfer->answer);
    transfer->owner = NULL;
    transfer->purpose = NULL;
    transfer->own_count = 0;
    transfer->given = 0;
    transfer->end = TRANSFER_as_http;
    transfer->has_first_byte = transfer->is_in_head = transfer->has_left = false;
    transfer->first_byte_ms = transfer->first_token_ms = transfer->duration_ms = 0;
    transfer->hears = NULL;
    transfer->listener = NULL;
    transfer->status = 0;
    chain_push(&transfer->pool->free, transfer);
}
