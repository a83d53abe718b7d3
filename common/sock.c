#include "common/sock.h"

#include "common/id.h"
#include "common/lock.h"
#include "common/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sysexits.h>

enum { FILES_WANTED = 4096, WAIT_MAX = 16 };

static void *context;

void *sock_context(void) {
    if (!context) {
        context = zmq_ctx_new();
        if (!context)
            fatal(EX_OSERR, "zmq.failed", "why=\"no context\"");
        (void)zmq_ctx_set(context, ZMQ_BLOCKY, 0);
    }
    return context;
}

void sock_context_close(void) {
    if (context)
        zmq_ctx_term(context);
    context = NULL;
}

static void set(void *zmq, int option, int value) {
    int rc = zmq_setsockopt(zmq, option, &value, sizeof(value));
    assert(rc == 0); // the options are constants: a refusal is our mistake
    (void)rc;
}

// What both kinds of socket share. Values and reasons: docs/decisions.md, "ZeroMQ settings".
static void set_common(void *zmq) {
    int64_t frame_max = FRAME_BYTES_MAX;
    int rc = zmq_setsockopt(zmq, ZMQ_MAXMSGSIZE, &frame_max, sizeof(frame_max));
    assert(rc == 0);
    (void)rc;
    set(zmq, ZMQ_LINGER, 0);
    // Credit bounds what is on its way; the marks stand beyond it so that they are never met.
    set(zmq, ZMQ_SNDHWM, 100000);
    set(zmq, ZMQ_RCVHWM, 100000);
    set(zmq, ZMQ_HEARTBEAT_IVL, 1000);
    set(zmq, ZMQ_HEARTBEAT_TIMEOUT, 3000);
    set(zmq, ZMQ_HEARTBEAT_TTL, 3000);
    set(zmq, ZMQ_HANDSHAKE_IVL, 5000);
    set(zmq, ZMQ_TCP_KEEPALIVE, 1);
    set(zmq, ZMQ_TCP_KEEPALIVE_IDLE, 30);
    set(zmq, ZMQ_TCP_KEEPALIVE_INTVL, 10);
    set(zmq, ZMQ_TCP_KEEPALIVE_CNT, 3);
}

static enum err raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return ERR_DENIED;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur >= FILES_WANTED ? ERR_OK : ERR_DENIED;
}

static bool is_tcp(const char *endpoint) {
    return strncmp(endpoint, "tcp://", 6) == 0;
}

static enum err bind_at(struct sock *sock, const char *endpoint) {
    if (zmq_bind(sock->zmq, endpoint) == 0)
        return ERR_OK;
    switch (errno) {
    case EADDRINUSE:
        return ERR_EXISTS;
    case EADDRNOTAVAIL:
    case ENODEV:
        return ERR_BAD_CONFIG;
    default:
        return ERR_IO;
    }
}

enum err sock_bind(struct sock *sock, const char *endpoint) {
    *sock = (struct sock){.is_router = true, .lock = -1};
    (void)snprintf(sock->endpoint, sizeof(sock->endpoint), "%s", endpoint);
    enum err e = ERR_OK;
    if (!is_tcp(endpoint)) {
        e = raise_file_limit();
        // libzmq unlinks an ipc path before it binds: without a lock a second process would
        // steal it.
        if (e == ERR_OK)
            e = lock_take(endpoint + 6, &sock->lock);
    }
    if (e != ERR_OK)
        goto fail;
    e = ERR_IO;
    sock->zmq = zmq_socket(sock_context(), ZMQ_ROUTER);
    if (!sock->zmq)
        goto fail;
    set_common(sock->zmq);
    set(sock->zmq, ZMQ_ROUTER_MANDATORY, 1);
    set(sock->zmq, ZMQ_ROUTER_HANDOVER, 0);
    set(sock->zmq, ZMQ_BACKLOG, 1024);
    e = is_tcp(endpoint) ? sock_bind_also(sock, endpoint) : bind_at(sock, endpoint);
    if (e == ERR_OK)
        return ERR_OK;

fail:
    sock_close(sock, 0);
    return e;
}

enum err sock_bind_also(struct sock *sock, const char *endpoint) {
    struct endpoint_place place;
    errno = EINVAL;
    if (!endpoint_place(endpoint, &place))
        return ERR_BAD_CONFIG;
    // A socket of IPv6 takes addresses of IPv4 in their mapped form; without IPv6 libzmq falls
    // back by itself, but for an address it need not come to that.
    set(sock->zmq, ZMQ_IPV6, strchr(place.host, ':') || strcmp(place.host, "*") == 0);
    return bind_at(sock, endpoint);
}

static _Noreturn void cannot_serve(const char *endpoint, enum err e) {
    switch (e) {
    case ERR_EXISTS:
        fatal(EX_TEMPFAIL, "socket.unusable",
              "endpoint=%s why=\"another process listens there: end it, or choose another "
              "endpoint\"",
              endpoint);
    case ERR_BAD_CONFIG:
        fatal(EX_CONFIG, "socket.unusable",
              "endpoint=%s why=\"this host has no such address: write one that it has, or * for "
              "all\"",
              endpoint);
    case ERR_DENIED:
        fatal(EX_OSERR, "socket.unusable",
              "endpoint=%s why=\"%d open files are needed and not permitted: raise ulimit -n\"",
              endpoint, FILES_WANTED);
    default:
        fatal(EX_OSERR, "socket.unusable", "endpoint=%s why=\"%s\"", endpoint, zmq_strerror(errno));
    }
}

void sock_serve(struct sock *sock, const char *endpoint, const char *more) {
    enum err e = sock_bind(sock, endpoint);
    if (e != ERR_OK)
        cannot_serve(endpoint, e);
    if (more && (e = sock_bind_also(sock, more)) != ERR_OK)
        cannot_serve(more, e);
}

static enum err connect_in(struct sock *sock, const char *endpoint, bool is_ipv6) {
    *sock = (struct sock){.lock = -1, .is_ipv6 = is_ipv6};
    (void)snprintf(sock->endpoint, sizeof(sock->endpoint), "%s", endpoint);
    sock->zmq = zmq_socket(sock_context(), ZMQ_DEALER);
    if (!sock->zmq)
        return ERR_IO;
    set_common(sock->zmq);
    set(sock->zmq, ZMQ_IPV6, is_ipv6);
    // Not with 1: a connection that ends while a message is being read then ends the process.
    set(sock->zmq, ZMQ_IMMEDIATE, 0);
    set(sock->zmq, ZMQ_CONNECT_TIMEOUT, 1000);
    set(sock->zmq, ZMQ_RECONNECT_IVL, 50);
    set(sock->zmq, ZMQ_RECONNECT_IVL_MAX, 2000);
    uint64_t name[2] = {random_u64() | 1u, random_u64()};
    if (zmq_setsockopt(sock->zmq, ZMQ_ROUTING_ID, name, sizeof(name)) != 0 ||
        zmq_connect(sock->zmq, endpoint) != 0) {
        sock_close(sock, 0);
        return ERR_IO;
    }
    return ERR_OK;
}

enum err sock_connect(struct sock *sock, const char *endpoint) {
    struct endpoint_place place;
    bool is_ipv6 = endpoint_place(endpoint, &place) && strchr(place.host, ':');
    return connect_in(sock, endpoint, is_ipv6);
}

enum err sock_reconnect(struct sock *sock) {
    struct endpoint_place place;
    char endpoint[sizeof(sock->endpoint)];
    memcpy(endpoint, sock->endpoint, sizeof(endpoint));
    bool is_ipv6 = sock->is_ipv6;
    if (endpoint_place(endpoint, &place) && endpoint_has_name(&place))
        is_ipv6 = !is_ipv6;
    sock_close(sock, 0);
    return connect_in(sock, endpoint, is_ipv6);
}

void sock_close(struct sock *sock, int linger_ms) {
    if (sock->zmq) {
        set(sock->zmq, ZMQ_LINGER, linger_ms);
        (void)zmq_close(sock->zmq);
    }
    if (sock->zmq || sock->is_router)
        lock_drop(sock->lock);
    *sock = (struct sock){.lock = -1};
}

static bool has_more(zmq_msg_t *frame) {
    return zmq_msg_more(frame) != 0;
}

// Reads and forgets the rest of a message that began with the frame last.
static void drop_rest(struct sock *sock, bool more) {
    while (more) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, sock->zmq, ZMQ_DONTWAIT) < 0)
            more = false;
        else
            more = has_more(&frame);
        zmq_msg_close(&frame);
    }
}

// Takes one frame; ERR_AGAIN when none waits.
static enum err take_frame(struct sock *sock, zmq_msg_t *frame) {
    zmq_msg_init(frame);
    while (zmq_msg_recv(frame, sock->zmq, ZMQ_DONTWAIT) < 0) {
        if (errno == EINTR)
            continue;
        zmq_msg_close(frame);
        if (errno == EAGAIN)
            return ERR_AGAIN;
        fatal(EX_OSERR, "socket.failed", "errno=%d", errno);
    }
    return ERR_OK;
}

static enum err take_route(struct sock *sock, struct route *route, bool *more) {
    zmq_msg_t frame;
    enum err e = take_frame(sock, &frame);
    if (e != ERR_OK)
        return e;
    size_t size = zmq_msg_size(&frame);
    *more = has_more(&frame);
    if (size > sizeof(route->at))
        size = sizeof(route->at);
    memcpy(route->at, zmq_msg_data(&frame), size);
    route->size = (uint8_t)size;
    zmq_msg_close(&frame);
    return ERR_OK;
}

static bool frames_fit(const struct message *message) {
    const struct kind_info *info = wire_kind(message->wire.kind);
    uint32_t items = message->wire.items;
    if (info->item->count == 0)
        return items == 0 && message->count == info->frames;
    return message->count == info->frames * items;
}

enum err sock_receive(struct sock *sock, struct message *message) {
    bool more = true;
    message->count = 0;
    message->route.size = 0;
    if (sock->is_router) {
        enum err e = take_route(sock, &message->route, &more);
        if (e != ERR_OK)
            return e;
        if (!more)
            return ERR_MALFORMED;
    }
    uint32_t frames = 0;
    while (more && frames < MESSAGE_FRAMES_MAX) {
        if (take_frame(sock, &message->frames[frames]) != ERR_OK)
            break; // the first frame of a DEALER's next message: none waits
        more = has_more(&message->frames[frames]);
        frames++;
    }
    if (frames == 0)
        return ERR_AGAIN;
    message->count = frames - 1;
    enum err e = more ? ERR_TOO_BIG : ERR_OK;
    drop_rest(sock, more);
    if (e == ERR_OK)
        e = wire_open(
            bytes_of(zmq_msg_data(&message->frames[0]), zmq_msg_size(&message->frames[0])),
            &message->wire);
    if (e == ERR_OK && !frames_fit(message))
        e = ERR_MALFORMED;
    if (e != ERR_OK)
        message_release(message);
    return e;
}

void message_release(struct message *message) {
    for (uint32_t i = 0; i <= message->count; i++)
        zmq_msg_close(&message->frames[i]);
    message->count = 0;
    zmq_msg_init(&message->frames[0]);
}

struct bytes message_frame(struct message *message, uint32_t i) {
    assert(i < message->count);
    zmq_msg_t *frame = &message->frames[1 + i];
    return bytes_of(zmq_msg_data(frame), zmq_msg_size(frame));
}

struct bytes message_item_frame(struct message *message, uint32_t i, uint32_t k) {
    return message_frame(message, i * wire_kind(message->wire.kind)->frames + k);
}

static enum err send_frame(struct sock *sock, const void *at, size_t size, int flags) {
    while (zmq_send(sock->zmq, at, size, ZMQ_DONTWAIT | flags) < 0) {
        if (errno == EINTR)
            continue;
        return errno == EHOSTUNREACH ? ERR_GONE : ERR_AGAIN;
    }
    return ERR_OK;
}

enum err sock_send(struct sock *sock, const struct route *route, struct bytes header,
                   const struct bytes *frames, uint32_t count) {
    if (header.size > HEADER_BYTES_MAX)
        return ERR_TOO_BIG;
    for (uint32_t i = 0; i < count; i++)
        if (frames[i].size > FRAME_BYTES_MAX)
            return ERR_TOO_BIG;
    enum err e = ERR_OK;
    if (sock->is_router)
        e = send_frame(sock, route->at, route->size, ZMQ_SNDMORE);
    if (e == ERR_OK)
        e = send_frame(sock, header.at, header.size, count > 0 ? ZMQ_SNDMORE : 0);
    for (uint32_t i = 0; e == ERR_OK && i < count; i++)
        e = send_frame(sock, frames[i].size ? frames[i].at : (const uint8_t *)"", frames[i].size,
                       i + 1 < count ? ZMQ_SNDMORE : 0);
    return e;
}

enum err sock_send_head(struct sock *sock, const struct route *route, enum kind kind,
                        const void *head, const struct bytes *frames, uint32_t count) {
    struct buf header;
    struct wire_writer writer;
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, kind, head, 0);
    enum err e = wire_end(&writer);
    if (e == ERR_OK)
        e = sock_send(sock, route, buf_bytes(&header), frames, count);
    buf_release(&header);
    return e;
}

int sock_fd(struct sock *sock) {
    int fd = -1;
    size_t size = sizeof(fd);
    (void)zmq_getsockopt(sock->zmq, ZMQ_FD, &fd, &size);
    return fd;
}

bool sock_is_readable(struct sock *sock) {
    int events = 0;
    size_t size = sizeof(events);
    (void)zmq_getsockopt(sock->zmq, ZMQ_EVENTS, &events, &size);
    return (events & ZMQ_POLLIN) != 0;
}

void sock_wait(struct sock *const *socks, size_t count, const int *fds, size_t fd_count,
               long timeout_ms) {
    zmq_pollitem_t items[WAIT_MAX];
    size_t n = 0;
    assert(count + fd_count <= WAIT_MAX);
    for (size_t i = 0; i < count; i++)
        if (socks[i] && socks[i]->zmq)
            items[n++] = (zmq_pollitem_t){.socket = socks[i]->zmq, .events = ZMQ_POLLIN};
    for (size_t i = 0; i < fd_count; i++)
        items[n++] = (zmq_pollitem_t){.fd = fds[i], .events = ZMQ_POLLIN};
    (void)zmq_poll(items, (int)n, timeout_ms); // EINTR: the caller looks again
}
