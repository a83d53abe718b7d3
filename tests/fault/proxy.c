// A TCP proxy that spoils the way between two hosts: it delays, throttles, holds everything without
// a word, and resets connections. Commands come as lines on stdin, each is answered with "ok" or
// "what?" on stdout:
//
//   delay MS     each byte arrives that much later
//   rate BYTES   at most that many a second in each direction, over all connections; 0: any
//   hold         nothing moves and nothing is closed, as if the cable were out
//   reset BYTES  each connection is reset after that many more bytes; 0: none is
//   cut          all connections are reset, now
//   pass         all of it off
//   say          how many connections and bytes there were
//
//   tcp-proxy LISTEN-ADDRESS PORT TO-ADDRESS PORT      it says "ready" when it listens
#include "common/clock.h"
#include "common/mem.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    PAIRS_MAX = 128,
    RING_BYTES = 256 << 10, // on their way in one direction of a connection
    PIECES_MAX = 256,       // of them, each with its own time
    PIECE_BYTES_MAX = 16 << 10,
    LOOK_MS = 5, // while something waits for its time
    EVENTS_MAX = 64,
    LINE_BYTES_MAX = 256,
    LISTEN_TAG = PAIRS_MAX * 2, // of epoll: else 2 * pair + side
    STDIN_TAG,
};

// Bytes that one side said, until the other has them.
struct way {
    uint8_t ring[RING_BYTES];
    size_t first, size;
    struct piece {
        size_t size;
        uint64_t due_ms;
    } pieces[PIECES_MAX];
    size_t first_piece, piece_count;
    uint64_t credit; // bytes that the rate permits
    bool is_ended;   // its side says no more
    bool is_closed;  // and the other was told
};

struct pair {
    int fds[2];          // [0] came to us, [1] is ours
    struct way *ways[2]; // ways[k]: from fds[k] to the other
    uint32_t events[2];
    uint64_t left; // bytes until it is reset; 0: it is not
    bool is_used;
};

struct proxy {
    struct pair pairs[PAIRS_MAX];
    int epoll_fd, listen_fd;
    struct addrinfo *to;
    uint64_t delay_ms, rate, reset_bytes;
    bool is_held;
    uint64_t now_ms, rated_ms;
    uint64_t connections, bytes;
    char line[LINE_BYTES_MAX];
    size_t line_size;
};

static _Noreturn void lost(const char *what) {
    (void)fprintf(stderr, "tcp-proxy: cannot %s: %s\n", what, strerror(errno));
    exit(EX_OSERR);
}

static struct addrinfo *address_of(const char *host, const char *port) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) == 0)
        return found;
    (void)fprintf(stderr, "tcp-proxy: %s port %s is no address\n", host, port);
    exit(EX_USAGE);
}

// ---- connections --------------------------------------------------------------------------------

static void watch(struct proxy *proxy, int op, int fd, uint32_t events, uint32_t tag) {
    struct epoll_event event = {.events = events, .data.u32 = tag};
    if (epoll_ctl(proxy->epoll_fd, op, fd, &event) != 0)
        lost("watch a connection");
}

// A side of which nothing is wanted is not watched at all: its end would be told again and again.
static void watch_side(struct proxy *proxy, struct pair *pair, int side, uint32_t events) {
    uint32_t before = pair->events[side];
    uint32_t tag = (uint32_t)((pair - proxy->pairs) * 2 + side);
    pair->events[side] = events;
    if (events != before)
        watch(proxy,
              !before  ? EPOLL_CTL_ADD
              : events ? EPOLL_CTL_MOD
                       : EPOLL_CTL_DEL,
              pair->fds[side], events, tag);
}

static void close_pair(struct pair *pair, bool is_reset) {
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    for (int k = 0; k < 2; k++) {
        if (is_reset)
            (void)setsockopt(pair->fds[k], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        (void)close(pair->fds[k]);
        mem_free(pair->ways[k]);
    }
    *pair = (struct pair){.is_used = false};
}

static struct pair *free_pair(struct proxy *proxy) {
    for (int i = 0; i < PAIRS_MAX; i++)
        if (!proxy->pairs[i].is_used)
            return &proxy->pairs[i];
    return NULL;
}

static void take_connection(struct proxy *proxy) {
    int fd = accept4(proxy->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct pair *pair = free_pair(proxy);
    if (fd < 0)
        return;
    int other =
        pair ? socket(proxy->to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (other < 0 ||
        (connect(other, proxy->to->ai_addr, proxy->to->ai_addrlen) != 0 && errno != EINPROGRESS)) {
        (void)close(fd);
        if (other >= 0)
            (void)close(other);
        return;
    }
    *pair = (struct pair){.fds = {fd, other}, .left = proxy->reset_bytes, .is_used = true};
    proxy->connections++;
    for (int k = 0; k < 2; k++)
        pair->ways[k] = mem_new(sizeof(*pair->ways[k]));
}

// ---- bytes --------------------------------------------------------------------------------------

static bool has_room(const struct way *way) {
    return !way->is_ended && way->size < RING_BYTES && way->piece_count < PIECES_MAX;
}

// Takes in what a side says. False: the connection is broken.
static bool take_in(struct proxy *proxy, struct pair *pair, int side) {
    struct way *way = pair->ways[side];
    while (has_room(way)) {
        size_t at = (way->first + way->size) % RING_BYTES;
        size_t room = way->size > 0 && at < way->first ? way->first - at : RING_BYTES - at;
        room = room < PIECE_BYTES_MAX ? room : PIECE_BYTES_MAX;
        ssize_t got = recv(pair->fds[side], way->ring + at, room, 0);
        if (got < 0)
            return errno == EAGAIN || errno == EINTR;
        if (got == 0) {
            way->is_ended = true;
            return true;
        }
        size_t last = (way->first_piece + way->piece_count++) % PIECES_MAX;
        way->pieces[last] =
            (struct piece){.size = (size_t)got, .due_ms = proxy->now_ms + proxy->delay_ms};
        way->size += (size_t)got;
    }
    return true;
}

static void forget(struct way *way, size_t size) {
    struct piece *piece = &way->pieces[way->first_piece];
    way->first = (way->first + size) % RING_BYTES;
    way->size -= size;
    piece->size -= size;
    if (piece->size > 0)
        return;
    way->first_piece = (way->first_piece + 1) % PIECES_MAX;
    way->piece_count--;
}

// How many bytes may go on now: those of the first piece, as far as rate and reset permit.
static size_t ready(const struct proxy *proxy, const struct pair *pair, const struct way *way) {
    const struct piece *piece = &way->pieces[way->first_piece];
    if (way->piece_count == 0 || piece->due_ms > proxy->now_ms)
        return 0;
    size_t size = piece->size;
    size_t straight = RING_BYTES - way->first;
    size = size < straight ? size : straight;
    if (proxy->rate && way->credit < size)
        size = (size_t)way->credit;
    return pair->left && pair->left < size ? (size_t)pair->left : size;
}

// Hands on what is due. False: the connection is broken, or its bytes are used up.
static bool hand_on(struct proxy *proxy, struct pair *pair, int side) {
    struct way *way = pair->ways[side];
    int to = pair->fds[!side];
    for (size_t size; (size = ready(proxy, pair, way)) > 0;) {
        ssize_t sent = send(to, way->ring + way->first, size, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        forget(way, (size_t)sent);
        proxy->bytes += (uint64_t)sent;
        way->credit -= proxy->rate ? (uint64_t)sent : 0;
        if (pair->left && (pair->left -= (uint64_t)sent) == 0)
            return false;
    }
    if (way->is_ended && way->size == 0 && !way->is_closed) {
        way->is_closed = true;
        (void)shutdown(to, SHUT_WR);
    }
    return true;
}

// What a side is watched for: what it says while there is room, what it takes while some is due.
static uint32_t wanted(const struct proxy *proxy, const struct pair *pair, int side) {
    uint32_t events = 0;
    if (proxy->is_held)
        return 0;
    if (has_room(pair->ways[side]))
        events |= EPOLLIN;
    if (ready(proxy, pair, pair->ways[!side]) > 0)
        events |= EPOLLOUT;
    return events;
}

static void work_pair(struct proxy *proxy, struct pair *pair) {
    for (int k = 0; k < 2; k++)
        if (!take_in(proxy, pair, k) || !hand_on(proxy, pair, k)) {
            close_pair(pair, true);
            return;
        }
    if (pair->ways[0]->is_closed && pair->ways[1]->is_closed) {
        close_pair(pair, false);
        return;
    }
}

// Each way gets its share of the rate since the last look; it may save up a tenth of a second.
static void give_credit(struct proxy *proxy) {
    uint64_t more = proxy->rate * (proxy->now_ms - proxy->rated_ms) / 1000;
    if (more == 0)
        return;
    proxy->rated_ms = proxy->now_ms;
    for (int i = 0; i < PAIRS_MAX; i++)
        for (int k = 0; k < 2 && proxy->pairs[i].is_used; k++) {
            struct way *way = proxy->pairs[i].ways[k];
            uint64_t most = proxy->rate / 10 + 1;
            way->credit = way->credit + more < most ? way->credit + more : most;
        }
}

static void work(struct proxy *proxy) {
    give_credit(proxy);
    for (int i = 0; i < PAIRS_MAX; i++) {
        struct pair *pair = &proxy->pairs[i];
        if (pair->is_used && !proxy->is_held)
            work_pair(proxy, pair);
        for (int k = 0; k < 2 && pair->is_used; k++)
            watch_side(proxy, pair, k, wanted(proxy, pair, k));
    }
}

// ---- commands -----------------------------------------------------------------------------------

static void reset_all(struct proxy *proxy) {
    for (int i = 0; i < PAIRS_MAX; i++)
        if (proxy->pairs[i].is_used)
            close_pair(&proxy->pairs[i], true);
}

static bool set_number(const char *line, const char *name, uint64_t *value) {
    size_t size = strlen(name);
    char *end;
    if (strncmp(line, name, size) != 0 || line[size] != ' ' || line[size + 1] < '0' ||
        line[size + 1] > '9')
        return false;
    *value = strtoull(line + size + 1, &end, 10);
    return *end == 0;
}

static bool obey(struct proxy *proxy, const char *line) {
    if (strcmp(line, "hold") == 0)
        return proxy->is_held = true;
    if (strcmp(line, "pass") == 0) {
        proxy->is_held = false;
        proxy->delay_ms = proxy->rate = proxy->reset_bytes = 0;
    } else if (strcmp(line, "cut") == 0) {
        reset_all(proxy);
    } else if (strcmp(line, "say") == 0) {
        (void)printf("%llu connections, %llu bytes\n", (unsigned long long)proxy->connections,
                     (unsigned long long)proxy->bytes);
    } else if (set_number(line, "rate", &proxy->rate)) {
        proxy->rated_ms = proxy->now_ms;
    } else if (!set_number(line, "delay", &proxy->delay_ms) &&
               !set_number(line, "reset", &proxy->reset_bytes)) {
        return false;
    }
    for (int i = 0; i < PAIRS_MAX; i++)
        proxy->pairs[i].left = proxy->reset_bytes;
    return true;
}

// False: nobody commands any more.
static bool take_commands(struct proxy *proxy) {
    ssize_t got = read(STDIN_FILENO, proxy->line + proxy->line_size,
                       sizeof(proxy->line) - 1 - proxy->line_size);
    if (got <= 0)
        return got < 0 && errno == EINTR;
    proxy->line_size += (size_t)got;
    proxy->line[proxy->line_size] = 0;
    char *line = proxy->line;
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        (void)puts(obey(proxy, line) ? "ok" : "what?");
    }
    (void)fflush(stdout);
    proxy->line_size = strlen(line);
    memmove(proxy->line, line, proxy->line_size + 1);
    return proxy->line_size + 1 < sizeof(proxy->line);
}

// ---- all of it ----------------------------------------------------------------------------------

static void listen_at(struct proxy *proxy, const char *host, const char *port) {
    int on = 1;
    struct addrinfo *address = address_of(host, port);
    proxy->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    proxy->listen_fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (proxy->epoll_fd < 0 || proxy->listen_fd < 0)
        lost("make a socket");
    (void)setsockopt(proxy->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(proxy->listen_fd, address->ai_addr, address->ai_addrlen) != 0 ||
        listen(proxy->listen_fd, PAIRS_MAX) != 0)
        lost("listen");
    freeaddrinfo(address);
    watch(proxy, EPOLL_CTL_ADD, proxy->listen_fd, EPOLLIN, LISTEN_TAG);
    watch(proxy, EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, STDIN_TAG);
}

// Bytes that wait for their time or for credit have no event of their own.
static int rest_ms(const struct proxy *proxy) {
    for (int i = 0; i < PAIRS_MAX && !proxy->is_held; i++)
        for (int k = 0; k < 2 && proxy->pairs[i].is_used; k++)
            if (proxy->pairs[i].ways[k]->size > 0)
                return LOOK_MS;
    return -1;
}

int main(int argc, char **argv) {
    static struct proxy proxy;
    struct epoll_event events[EVENTS_MAX];
    bool is_commanded = true;
    if (argc != 5) {
        (void)fprintf(stderr, "usage: tcp-proxy LISTEN-ADDRESS PORT TO-ADDRESS PORT\n");
        return EX_USAGE;
    }
    proxy.to = address_of(argv[3], argv[4]);
    listen_at(&proxy, argv[1], argv[2]);
    (void)puts("ready");
    (void)fflush(stdout);
    while (is_commanded) {
        int count = epoll_wait(proxy.epoll_fd, events, EVENTS_MAX, rest_ms(&proxy));
        proxy.now_ms = clock_now().mono_ms;
        for (int i = 0; i < count; i++) {
            if (events[i].data.u32 == LISTEN_TAG)
                take_connection(&proxy);
            else if (events[i].data.u32 == STDIN_TAG)
                is_commanded = take_commands(&proxy);
        }
        work(&proxy);
    }
    reset_all(&proxy);
    freeaddrinfo(proxy.to);
    return 0;
}
