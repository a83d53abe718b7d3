#include "tests/provider-sim/traffic.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define TO(state) (1u << CONNECTION_##state)
static const unsigned may_become[CONNECTION_STATES] = {
    [CONNECTION_READING] = TO(WAITING) | TO(ENDING) | TO(CLOSED),
    [CONNECTION_WAITING] = TO(READING) | TO(ENDING) | TO(HUNG) | TO(CLOSED),
    [CONNECTION_ENDING] = TO(LINGERING) | TO(CLOSED),
    [CONNECTION_LINGERING] = TO(CLOSED),
    [CONNECTION_HUNG] = TO(CLOSED),
    [CONNECTION_CLOSED] = 0,
};
#undef TO

void connection_move(struct connection *connection, enum connection_state next) {
    assert(may_become[connection->state] >> next & 1u);
    connection->state = next;
}

enum { RECEIVE_BYTES = 4 << 10, RECEIVE_BYTES_MAX = 256 << 10 };

static void traffic_bill(struct server *server, struct connection *connection) {
    bill_add(&server->bill, &connection->served.charge, server->now);
}

// The answer's time has come: its line goes to the bill, and it may leave with the next sending.
static void traffic_release(struct server *server, struct connection *connection) {
    traffic_bill(server, connection);
    connection->held = 0;
    enum ending ending = connection->served.ending;
    connection_move(connection, ending == ENDING_KEEP   ? CONNECTION_READING
                                : ending == ENDING_HANG ? CONNECTION_HUNG
                                                        : CONNECTION_ENDING);
    text_consume(&connection->in, connection->request.taken);
    connection->request = (struct request){0};
    connection->has_continued = false;
    server_list(server, connection);
}

// The time of its next piece has come, which is its last one unless it leaves slowly.
static void traffic_go_on(struct server *server, struct connection *connection) {
    const struct served *served = &connection->served;
    if (served->piece_bytes == 0 || connection->held <= served->piece_bytes) {
        traffic_release(server, connection);
        return;
    }
    connection->held -= served->piece_bytes;
    server_list(server, connection);
    uint32_t pace_ms = served->pace_ms > 0 ? served->pace_ms : 1;
    timers_set(&server->timers, &connection->timer, server->now.ticks_ms + pace_ms);
}

static void traffic_end(struct server *server, struct connection *connection) {
    traffic_bill(server, connection);
    connection_move(connection, CONNECTION_ENDING);
    server_list(server, connection);
}

static struct span traffic_call(const struct connection *connection) {
    const struct request *request = &connection->request;
    bool is_known = request->has_call && request->head_size > 0;
    return is_known ? request_part(&connection->in, request->call) : (struct span){"", 0};
}

// Holds the answer back, but for what tells the client that it is not forgotten.
static void traffic_wait(struct server *server, struct connection *connection, uint32_t delay_ms) {
    size_t early = connection->served.early_bytes;
    timers_set(&server->timers, &connection->timer, server->now.ticks_ms + delay_ms);
    connection->held -= early;
    if (early > 0)
        server_list(server, connection);
}

static void traffic_whole(struct server *server, struct connection *connection) {
    const struct request *request = &connection->request;
    const struct text *in = &connection->in;
    struct heard heard = {
        .method = request_part(in, request->method),
        .target = request_part(in, request->target),
        .version = request_part(in, request->version),
        .call = traffic_call(connection),
        .body = request_body(request, in),
        .is_kept_alive = request->is_kept_alive,
    };
    for (int i = 0; i < KEY_PLACES; i++)
        heard.keys[i] = request_part(in, request->keys[i]);
    size_t before = connection->out.size;
    timers_clear(&server->timers, &connection->timer);
    service_answer(&server->service, &heard, &connection->served, &connection->out);
    connection->held = connection->out.size - before;
    connection_move(connection, CONNECTION_WAITING);
    uint32_t delay_ms = connection->served.delay_ms;
    if (delay_ms == 0)
        traffic_go_on(server, connection);
    else
        traffic_wait(server, connection, delay_ms);
}

// A request is on its way: it gets its time limit, is perhaps turned away, is told to go on.
static void traffic_partial(struct server *server, struct connection *connection) {
    struct request *request = &connection->request;
    if (connection->in.size > 0 && connection->timer.place == 0)
        timers_set(&server->timers, &connection->timer, server->now.ticks_ms + REQUEST_LIMIT_MS);
    if (request->state != REQUEST_BODY || !request->wants_continue || connection->has_continued ||
        connection->in.size > request->head_size)
        return;
    connection->has_continued = true;
    text_add(&connection->out, "HTTP/1.1 100 Continue\r\n\r\n");
    server_list(server, connection);
}

static bool traffic_turned_away(struct server *server, struct connection *connection,
                                enum request_state before) {
    if (before != REQUEST_HEAD || connection->request.state == REQUEST_HEAD ||
        !service_turns_away(&server->service, traffic_call(connection), &connection->served))
        return false;
    timers_clear(&server->timers, &connection->timer);
    traffic_end(server, connection);
    return true;
}

// Takes requests off the buffer as long as there are whole ones.
static void traffic_advance(struct server *server, struct connection *connection) {
    while (connection->state == CONNECTION_READING && connection->in.size > 0 &&
           connection->out.size < OUT_BYTES_MAX) {
        enum request_state before = connection->request.state;
        enum request_state state = request_read(&connection->request, &connection->in);
        if (state == REQUEST_REFUSED) {
            timers_clear(&server->timers, &connection->timer);
            service_refuse(&server->service, traffic_call(connection), connection->request.status,
                           connection->request.why, &connection->served, &connection->out);
            traffic_end(server, connection);
            return;
        }
        if (traffic_turned_away(server, connection, before))
            return;
        if (state != REQUEST_WHOLE) {
            traffic_partial(server, connection);
            return;
        }
        traffic_whole(server, connection);
    }
}

void traffic_bill_rest(struct server *server, struct connection *connection, enum fault fault) {
    if (connection->state == CONNECTION_WAITING) {
        struct charge *charge = &connection->served.charge;
        if (fault_is_billed(charge->fault))
            charge->fault = fault;
        charge->status = 0;
        traffic_bill(server, connection);
    } else if (connection->state == CONNECTION_READING && connection->in.size > 0) {
        service_incomplete(&server->service, traffic_call(connection), &connection->served);
        traffic_bill(server, connection);
    }
}

static void traffic_left(struct server *server, struct connection *connection) {
    traffic_bill_rest(server, connection, FAULT_CLIENT_GONE);
    server_drop(server, connection);
}

// Whether the connection's buffer may take more.
static bool traffic_has_room(const struct connection *connection) {
    size_t limit = connection->state == CONNECTION_READING
                       ? (size_t)BODY_BYTES_MAX * 2
                       : connection->request.taken + HEAD_BYTES_MAX;
    return connection->in.size < limit && connection->out.size < OUT_BYTES_MAX;
}

static void traffic_discard(struct server *server, struct connection *connection) {
    char block[RECEIVE_BYTES];
    ssize_t size;
    do {
        size = recv(connection->fd, block, sizeof(block), 0);
        connection->lingered += size > 0 ? (size_t)size : 0;
    } while (size == (ssize_t)sizeof(block) && connection->lingered < LINGER_BYTES_MAX);
    bool is_over = size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR) ||
                   connection->lingered >= LINGER_BYTES_MAX;
    if (is_over)
        server_drop(server, connection);
}

// How much to read at once: the rest of a body whose size is known, within bounds.
static size_t traffic_room(const struct connection *connection) {
    const struct request *request = &connection->request;
    uint64_t whole = request->head_size + request->length;
    uint64_t due = whole > connection->in.size ? whole - connection->in.size : 0;
    return due < RECEIVE_BYTES       ? RECEIVE_BYTES
           : due > RECEIVE_BYTES_MAX ? RECEIVE_BYTES_MAX
                                     : (size_t)due;
}

void traffic_receive(struct server *server, struct connection *connection) {
    if (connection->state == CONNECTION_LINGERING || connection->state == CONNECTION_HUNG) {
        traffic_discard(server, connection);
        return;
    }
    if (connection->state == CONNECTION_ENDING)
        return;
    ssize_t size = 0;
    size_t sum = 0;
    do {
        if (!traffic_has_room(connection) || sum >= READ_BYTES_MAX)
            break;
        size_t due = traffic_room(connection);
        size = recv(connection->fd, text_room(&connection->in, due), due, 0);
        connection->in.size += size > 0 ? (size_t)size : 0;
        sum += size > 0 ? (size_t)size : 0;
        if (size > 0 && (size_t)size < due)
            break;
    } while (size > 0);
    bool has_left = size == 0 && sum == 0 && traffic_has_room(connection);
    if (has_left || (size < 0 && errno != EAGAIN && errno != EINTR)) {
        traffic_left(server, connection);
        return;
    }
    traffic_advance(server, connection);
    if (connection->state == CONNECTION_READING || connection->state == CONNECTION_WAITING)
        server_watch(server, connection, traffic_has_room(connection) ? EPOLLIN : 0);
}

void traffic_due(struct server *server, struct connection *connection) {
    if (connection->state == CONNECTION_WAITING) {
        traffic_go_on(server, connection);
    } else if (connection->state == CONNECTION_LINGERING) {
        server_drop(server, connection);
    } else if (connection->state == CONNECTION_READING) {
        service_refuse(&server->service, traffic_call(connection), 408, "the request took too long",
                       &connection->served, &connection->out);
        traffic_end(server, connection);
    }
}

// Ends the connection after its last byte.
static void traffic_finish(struct server *server, struct connection *connection) {
    if (connection->served.ending == ENDING_RESET) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        server_drop(server, connection);
        return;
    }
    // Closing at once with bytes unread would reset the connection under the answer.
    shutdown(connection->fd, SHUT_WR);
    connection_move(connection, CONNECTION_LINGERING);
    timers_set(&server->timers, &connection->timer, server->now.ticks_ms + LINGER_LIMIT_MS);
    server_watch(server, connection, EPOLLIN);
}

void traffic_send(struct server *server, struct connection *connection) {
    size_t due = connection->out.size - connection->held;
    size_t sent = 0;
    while (sent < due) {
        ssize_t size = send(connection->fd, connection->out.at + sent, due - sent, MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno != EAGAIN) {
            traffic_left(server, connection);
            return;
        }
        if (size <= 0)
            break;
        sent += (size_t)size;
    }
    text_consume(&connection->out, sent);
    if (sent < due) {
        bool is_ending = connection->state == CONNECTION_ENDING;
        server_watch(server, connection,
                     is_ending ? EPOLLOUT : connection->epoll_events | EPOLLOUT);
        return;
    }
    if (connection->state == CONNECTION_ENDING) {
        traffic_finish(server, connection);
        return;
    }
    if (connection->state == CONNECTION_READING)
        traffic_advance(server, connection); // requests that waited for room in out
    uint32_t events = traffic_has_room(connection) ? EPOLLIN : 0;
    server_watch(server, connection, events);
}
