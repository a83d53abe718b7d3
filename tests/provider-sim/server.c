#include "tests/provider-sim/server.h"

#include "tests/provider-sim/traffic.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

_Noreturn static void server_lost(const char *what) {
    fprintf(stderr, "provider-sim: cannot %s: %s\n", what, strerror(errno));
    exit(EX_OSERR);
}

static void server_add_fd(struct server *server, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        server_lost("watch a descriptor");
}

static void server_raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

_Noreturn static void server_refuse_address(const char *address) {
    fprintf(stderr, "provider-sim: --address: not an IPv4 or IPv6 address: %s\n", address);
    exit(EX_USAGE);
}

// The address as the system takes it; freed by the caller.
static struct addrinfo *server_address(const char *address, uint16_t port) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char digits[8];
    snprintf(digits, sizeof(digits), "%u", port);
    if (getaddrinfo(address, digits, &hints, &found) != 0)
        server_refuse_address(address);
    return found;
}

static uint16_t server_port(int fd) {
    struct sockaddr_storage bound;
    socklen_t size = sizeof(bound);
    if (getsockname(fd, (struct sockaddr *)&bound, &size) != 0)
        server_lost("find its port");
    // The port stands at the same place in both families.
    struct sockaddr_in at;
    memcpy(&at, &bound, sizeof(at));
    return ntohs(at.sin_port);
}

static void server_listen(struct server *server, const struct options *options) {
    int on = 1;
    struct addrinfo *address = server_address(options->address, options->port);
    server->listen_fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->listen_fd < 0)
        server_lost("make a socket");
    setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(server->listen_fd, address->ai_addr, address->ai_addrlen) != 0 ||
        listen(server->listen_fd, SOMAXCONN) != 0)
        server_lost("listen");
    freeaddrinfo(address);
    server->port = server_port(server->listen_fd);
    server_add_fd(server, server->listen_fd);
    server->is_accepting = true;
}

// The file appears whole or not at all.
static void server_write_port(const struct server *server, const char *path) {
    struct text name = {0};
    text_add(&name, path);
    text_add(&name, ".new");
    text_put(&name, "", 1);
    FILE *file = fopen(name.at, "we");
    if (file == NULL || fprintf(file, "%u\n", server->port) < 0 || fclose(file) != 0 ||
        rename(name.at, path) != 0)
        server_lost("write the port file");
    text_release(&name);
}

static void server_take_signals(struct server *server) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    server->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (server->signal_fd < 0)
        server_lost("take signals");
    server_add_fd(server, server->signal_fd);
}

void server_open(struct server *server, const struct options *options) {
    *server = (struct server){.listen_fd = -1};
    server_raise_limit();
    service_init(&server->service, options);
    bill_open(&server->bill, options->bill_file);
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll_fd < 0)
        server_lost("make an epoll descriptor");
    server_take_signals(server);
    server_listen(server, options);
    if (options->port_file != NULL)
        server_write_port(server, options->port_file);
    fprintf(stderr, "provider-sim: listening on %s:%u, seed %llu\n", options->address, server->port,
            (unsigned long long)options->seed);
}

void server_watch(struct server *server, struct connection *connection, uint32_t events) {
    if (connection->epoll_events == events)
        return;
    struct epoll_event event = {.events = events, .data.fd = connection->fd};
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, connection->fd, &event) != 0)
        server_lost("watch a connection");
    connection->epoll_events = events;
}

void server_list(struct server *server, struct connection *connection) {
    if (connection->is_listed)
        return;
    if (server->ready_count == server->ready_capacity) {
        server->ready_capacity = server->ready_capacity ? server->ready_capacity * 2 : 64;
        server->ready =
            memory_resize(server->ready, server->ready_capacity * sizeof(*server->ready));
    }
    server->ready[server->ready_count++] = connection;
    connection->is_listed = true;
}

// A descriptor stays open until the end of the round, so that its number cannot come again in it.
void server_drop(struct server *server, struct connection *connection) {
    connection_move(connection, CONNECTION_CLOSED);
    timers_clear(&server->timers, &connection->timer);
    server_list(server, connection);
}

static void server_forget(struct server *server, struct connection *connection) {
    server->connections[connection->fd] = NULL;
    close(connection->fd);
    text_release(&connection->in);
    text_release(&connection->out);
    memory_free(connection);
    if (server->is_accepting)
        return;
    server->is_accepting = true;
    server_add_fd(server, server->listen_fd);
}

static void server_take(struct server *server, int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if ((size_t)fd >= server->connections_capacity) {
        size_t capacity = (size_t)fd * 2 + 64;
        server->connections =
            memory_resize(server->connections, capacity * sizeof(*server->connections));
        for (size_t i = server->connections_capacity; i < capacity; i++)
            server->connections[i] = NULL;
        server->connections_capacity = capacity;
    }
    struct connection *connection = memory_new(1, sizeof(*connection));
    connection->fd = fd;
    connection->epoll_events = EPOLLIN;
    server->connections[fd] = connection;
    server_add_fd(server, fd);
}

void server_accept(struct server *server) {
    for (int i = 0; i < EVENTS_MAX; i++) {
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            server_take(server, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE) {
            // Watched again when a connection closes; until then clients wait in the backlog.
            epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->listen_fd, NULL);
            server->is_accepting = false;
        }
        return;
    }
}

static void server_event(struct server *server, const struct epoll_event *event) {
    int fd = event->data.fd;
    if (fd == server->signal_fd) {
        server->must_stop = true;
    } else if (fd == server->listen_fd) {
        server_accept(server);
    } else if (server->connections[fd] != NULL) {
        struct connection *connection = server->connections[fd];
        if ((event->events & EPOLLOUT) != 0)
            server_list(server, connection);
        if ((event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
            traffic_receive(server, connection);
    }
}

static void connection_rest(struct connection *connection) {
    if (connection->in.size == 0 && connection->in.capacity > IDLE_BUFFER_BYTES_MAX)
        text_release(&connection->in);
    if (connection->out.size == 0 && connection->out.capacity > IDLE_BUFFER_BYTES_MAX)
        text_release(&connection->out);
}

// Sends until nobody has anything left to send; sending may let further requests be taken, whose
// lines must be in the bill before their answers leave.
static void server_send(struct server *server) {
    size_t done = 0;
    while (done < server->ready_count) {
        size_t end = server->ready_count;
        bill_flush(&server->bill);
        for (; done < end; done++) {
            struct connection *connection = server->ready[done];
            connection->is_listed = false;
            if (connection->state != CONNECTION_CLOSED)
                traffic_send(server, connection);
        }
    }
    bill_flush(&server->bill);
    for (size_t i = 0; i < server->ready_count; i++)
        if (server->ready[i]->state != CONNECTION_CLOSED)
            connection_rest(server->ready[i]);
}

static int by_address(const void *left, const void *right) {
    struct connection *const *a = left, *const *b = right;
    return (*a > *b) - (*a < *b);
}

// A connection may stand in the list more than once.
static void server_bury(struct server *server) {
    size_t closed = 0;
    for (size_t i = 0; i < server->ready_count; i++)
        if (server->ready[i]->state == CONNECTION_CLOSED)
            server->ready[closed++] = server->ready[i];
    if (closed > 1)
        qsort(server->ready, closed, sizeof(*server->ready), by_address);
    for (size_t i = 0; i < closed; i++)
        if (i + 1 == closed || server->ready[i] != server->ready[i + 1])
            server_forget(server, server->ready[i]);
    server->ready_count = 0;
}

static void server_refresh(struct server *server) {
    server->now = moment_now();
    service_refresh(&server->service, server->now);
}

void server_run(struct server *server) {
    static struct epoll_event events[EVENTS_MAX];
    server_refresh(server);
    while (!server->must_stop) {
        int wait_ms = timers_wait_ms(&server->timers, server->now.ticks_ms);
        int count = epoll_wait(server->epoll_fd, events, EVENTS_MAX, wait_ms);
        if (count < 0 && errno != EINTR)
            server_lost("wait");
        server_refresh(server);
        for (int i = 0; i < count; i++)
            server_event(server, &events[i]);
        struct timer *timer;
        while ((timer = timers_due(&server->timers, server->now.ticks_ms)) != NULL)
            traffic_due(server, (struct connection *)timer);
        server_send(server);
        server_bury(server);
    }
}

void server_close(struct server *server) {
    for (size_t fd = 0; fd < server->connections_capacity; fd++) {
        struct connection *connection = server->connections[fd];
        if (connection == NULL)
            continue;
        traffic_bill_rest(server, connection, FAULT_SHUTDOWN);
        timers_clear(&server->timers, &connection->timer);
        close(connection->fd);
        text_release(&connection->in);
        text_release(&connection->out);
        memory_free(connection);
    }
    bill_close(&server->bill);
    close(server->listen_fd);
    close(server->signal_fd);
    close(server->epoll_fd);
    timers_release(&server->timers);
    service_release(&server->service);
    memory_free(server->connections);
    memory_free(server->ready);
}
