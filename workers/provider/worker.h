// The provider worker: takes leases, makes the calls, and holds each call's end until the broker
// has stored it. Decides nothing about retries, and nothing waits inside: a lease is begun at once
// or handed back.
#ifndef PROVIDER_WORKER_H
#define PROVIDER_WORKER_H

#include "common/conf.h"

// Runs until a stop signal waits at stop_fd; then takes no more leases, lets calls finish within
// DRAIN_MS and hands their ends over. Returns the exit code.
int worker_run(const struct conf *conf, int stop_fd);

#endif
