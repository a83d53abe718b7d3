// Sockets and rounds: in each round everything that came is read and answered into buffers, the
// bill is written, and only then do the answers leave.
#ifndef PROVIDER_SIM_SERVER_H
#define PROVIDER_SIM_SERVER_H

#include "tests/provider-sim/connection.h"

struct server {
    struct service service;
    struct bill bill;
    struct moment now;
    struct timers timers;
    int epoll_fd, listen_fd, signal_fd;
    uint16_t port;
    bool is_accepting; // not while descriptors are used up
    bool must_stop;
    struct connection **connections; // by descriptor
    size_t connections_capacity;
    struct connection **ready; // those that may have something to send
    size_t ready_count, ready_capacity;
};

// Listens and writes the port file; ends the process on failure.
void server_open(struct server *server, const struct options *options);
// Until SIGTERM or SIGINT.
void server_run(struct server *server);
// Bills what was processed and not answered, writes the bill, closes everything.
void server_close(struct server *server);

// For traffic.c.
void server_accept(struct server *server);
void server_watch(struct server *server, struct connection *connection, uint32_t events);
void server_list(struct server *server, struct connection *connection);
void server_drop(struct server *server, struct connection *connection);

#endif
