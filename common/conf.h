// The settings of all processes: flag > environment > colloq.yaml > default. Values of the file
// may be env:NAME or file:PATH. One table in conf.c names each setting once: its flag, its
// variable, its place in the file, its type, its default and its help text.
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONF_PROVIDERS_MAX = 64 };

// What the configuration says of one provider (section providers: of the file).
struct conf_provider {
    const char *name;     // as in the catalogue
    const char *base_url; // NULL: the catalogue's
    const char *key;      // the key itself, after env:/file: were followed; NULL: the usual variables
};

// All texts live as long as the process.
struct conf {
    const char *data;       // folder of journal, ledger and sockets; made 0700 where absent
    const char *broker;     // endpoint; default ipc://DATA/broker.sock
    const char *ingress;    // endpoint; default ipc://DATA/ingress.sock
    const char *accountant; // endpoint of its queries; default ipc://DATA/accountant.sock
    bool simulated;         // money is simulated
    const char *log_level;  // debug info warn error
    bool log_json;

    uint64_t lane_concurrency;  // broker: calls in flight in a lane
    uint64_t attempts_max;      // broker: counted attempts of a job
    uint64_t call_limit_ms;     // broker: time limit of one provider call
    uint64_t jobs_max;          // broker: jobs at once
    uint64_t journal_bytes_max; // broker: budget of the journal

    uint64_t slots;            // worker: calls at once
    uint64_t connect_limit_ms; // worker
    uint64_t stall_limit_ms;   // worker: no byte moves for this long
    bool allow_http;           // worker: plain http beyond loopback is permitted
    const char *names;         // worker: folder of the lasting names; default DATA/workers

    const char *catalogue; // accountant: the user's own providers/ and prices/; NULL: none
    const char *file;      // the file that was read; NULL: none

    struct conf_provider providers[CONF_PROVIDERS_MAX];
    size_t provider_count;
};

// Reads the settings of one program ("broker", "worker" …) and sets up its log. Prints --help
// or --version and ends with 0. On an error it says what, where (file and line, flag, variable)
// and what to do, on stderr, and ends with EX_USAGE, EX_CONFIG or EX_NOINPUT.
void conf_load(struct conf *conf, const char *program, int argc, char **argv);

#endif
