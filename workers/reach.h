// Why nobody answers at an endpoint: ZeroMQ tries on without a word, so a plain connection of our
// own finds out what stands in the way. Nothing here waits; nothing is said to the other side.
#ifndef WORKERS_REACH_H
#define WORKERS_REACH_H

#include "common/endpoint.h"

#include <stdbool.h>
#include <stdint.h>

struct addrinfo;

enum {
    REACH_ADDRESS_MS = 500, // for each address that a name has
    REACH_ADDRESSES_MAX = 3,
    REACH_TEXT_SIZE = 512,
};

enum reach_stage { REACH_idle, REACH_resolving, REACH_connecting, REACH_listening, REACH_over };

struct reach {
    enum reach_stage stage;
    char endpoint[ENDPOINT_SIZE];
    struct endpoint_place place; // tcp only
    struct addrinfo *addresses;  // NULL: none, or ipc
    struct addrinfo *next;       // to be tried
    int tried;
    int fd;            // -1: none
    uint64_t until_ms; // of the address that is tried
    char text[REACH_TEXT_SIZE];
};

// Begins, unless it has begun. A zeroed reach is idle.
void reach_start(struct reach *reach, const char *endpoint, uint64_t now_ms);
// Goes on; what was found, for people. NULL: not known yet, or nothing was begun.
const char *reach_step(struct reach *reach, uint64_t now_ms);
// Makes it idle again.
void reach_stop(struct reach *reach);

#endif
