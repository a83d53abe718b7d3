// The loop of colloq-ingress: the only door for clients. Owns the sockets (clients, broker,
// accountant) and everything that is open: submissions and questions. Nothing here is durable;
// a client whose ingress vanished sends its file again.
#ifndef WORKERS_INGRESS_DOOR_H
#define WORKERS_INGRESS_DOOR_H

#include "common/catalogue.h"
#include "common/clock.h"
#include "common/conf.h"
#include "workers/ingress/questions.h"
#include "workers/ingress/session.h"
#include "workers/link.h"

struct door {
    const struct conf *conf;
    struct link link;
    struct sock clients;
    struct sock accountant;
    uint64_t accountant_asked_ms; // the first question since it was last heard; 0: none
    struct session *sessions[SUBMISSIONS_MAX];
    uint32_t session_count; // slots that may be in use
    uint64_t streams;       // numbers of streams already used
    struct questions questions;
    struct catalogue *catalogue; // NULL until one came
    uint64_t catalogue_version;
    uint64_t own_boot; // which run of ingress this is
    uint64_t boot;     // of the broker that the streams last spoke to
    struct buf header;
    struct buf document;
    uint64_t submissions, lines, refused; // since the start
    uint64_t started_ms;
};

// Binds and connects. Ends the process where an endpoint cannot be had.
void door_open(struct door *door, const struct conf *conf);
void door_close(struct door *door);
// One turn: hears what waits, works, says what is to be said, then waits for more.
void door_turn(struct door *door, int stop_fd);

#endif
