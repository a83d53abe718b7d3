// One client connection.
//
//   READING ──request whole──▶ WAITING ──due──▶ READING          (keep-alive)
//      │                          │       └───▶ ENDING ─▶ LINGERING ─▶ closed
//      │ not valid, turned away   │       └───▶ HUNG ─▶ closed   (when the client leaves)
//      └──────────▶ ENDING        └ the client leaves: billed, closed
#ifndef PROVIDER_SIM_CONNECTION_H
#define PROVIDER_SIM_CONNECTION_H

#include "tests/provider-sim/request.h"
#include "tests/provider-sim/service.h"
#include "tests/provider-sim/timers.h"

enum connection_state {
    CONNECTION_READING,   // takes requests
    CONNECTION_WAITING,   // a request is processed; its answer is held back until it is due
    CONNECTION_ENDING,    // sends what is left, then ends in order or by a reset
    CONNECTION_LINGERING, // its sending side is closed; what still comes is thrown away
    CONNECTION_HUNG,      // sends what is left and then nothing, until the client leaves
    CONNECTION_CLOSED,
    CONNECTION_STATES
};

struct connection {
    struct timer timer; // first: see timers.h
    int fd;
    enum connection_state state;
    struct request request;
    struct text in;
    struct text out;
    size_t held; // bytes at the end of out that wait for their time
    struct served served;
    size_t lingered; // bytes thrown away
    bool has_continued;
    bool is_listed;        // in the server's list of those that have something to send
    uint32_t epoll_events; // what epoll watches
};

void connection_move(struct connection *connection, enum connection_state next);

#endif
