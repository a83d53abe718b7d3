// The settings of all processes: flag > environment > colloq.yaml > default. Values of the file
// may be env:NAME or file:PATH (a path that is not absolute counts from the file's folder).
// One table in conf_table.c names each setting once: its flag, its variable, its place in the
// file, its type, its default and its help text. The file is --config, else COLLOQ_CONFIG, else
// ~/.config/colloq/colloq.yaml, else /etc/colloq/colloq.yaml; it has a section a process.
//
// The client also has contexts, named sets of the few settings that say which colloq is meant:
// one that a flag or a variable names beats other variables, one that the file names does not.
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include "common/err.h"
#include "common/extract_rule.h"
#include "common/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONF_PROVIDERS_MAX = 64, CONF_TEXT_BYTES_MAX = 4096, CONF_SETTINGS_MAX = 48 };

// What the configuration says of one provider (section providers: of the file).
struct conf_provider {
    const char *name;     // as in the catalogue
    const char *base_url; // NULL: the catalogue's
    const char *key; // the key itself, after env:/file: were followed; NULL: the usual variables
    const char *key_origin; // where the file speaks of a key: "FILE:LINE"; NULL: it does not
    const char *key_named;  // "env:NAME" or "file:PATH" as it stands there; NULL: the key itself
};

// All texts live as long as the process.
struct conf {
    // Folder of journal, ledger and sockets; made 0700 where absent (not by the client). With
    // simulated it is the folder simulated/ in there, unless --data names the folder itself.
    const char *data;
    const char *broker;         // endpoint; default ipc://DATA/broker.sock
    const char *ingress;        // endpoint; default ipc://DATA/ingress.sock
    const char *accountant;     // endpoint of its queries; default ipc://DATA/accountant.sock
    const char *endpoint;       // client: whom it speaks to; default where ingress listens here
    bool is_endpoint_stated;    // somebody named it, or it leads over TCP: it is never replaced
    bool no_start;              // client: start no processes where nobody listens
    const char *context;        // client: the context in force; NULL: none
    const char *listen;         // where the broker listens too, for other hosts; NULL: nowhere
    const char *listen_ingress; // where the ingress does; NULL: nowhere
    bool insecure;              // tcp:// beyond this machine is permitted
    bool simulated;             // money is simulated
    const char *log_level;      // debug info warn error
    bool log_json;

    uint64_t lane_concurrency;  // broker: calls in flight in a lane
    uint64_t attempts_max;      // broker: counted attempts of a job
    uint64_t call_limit_ms;     // broker: time limit of one provider call
    uint64_t jobs_max;          // broker: jobs at once
    uint64_t journal_bytes_max; // broker: budget of the journal

    const char *journal_folder;     // broker: default DATA
    uint64_t journal_reserve_bytes; // broker: kept free for the journal by a file
    const char *ledger_folder;      // accountant: default DATA
    uint64_t ledger_reserve_bytes;  // accountant: kept free for the ledger by a file

    uint64_t slots;               // worker: calls at once
    uint64_t connect_limit_ms;    // worker
    uint64_t stall_limit_ms;      // worker: no byte moves for this long once the answer has begun
    uint64_t first_byte_limit_ms; // worker: no answer begins for this long; 0: the call's limit
    bool allow_http;              // worker: plain http beyond loopback is permitted
    const char *names;            // worker: folder of the lasting names; default DATA/workers

    // accountant: the user's own providers/ and prices/; default the folder of the file in force,
    // or of that which would be, if it has either; NULL: none
    const char *catalogue;
    bool migrate;     // accountant: apply the missing migrations and end
    bool configure;   // accountant: enter the catalogue, say what changes, and end
    bool dry_run;     // accountant: with migrate or configure, change nothing
    bool status;      // accountant: say how the ledger stands and end
    const char *file; // the file that was read; NULL: none

    // Only the worker has keys here: the other programs do not follow them.
    struct conf_provider providers[CONF_PROVIDERS_MAX];
    size_t provider_count;
    // Identifiers to be read from answers; what is here is valid, but for the provider's name.
    struct extract_rule extracts[EXTRACT_RULES_MAX];
    size_t extract_count;

    // A setting of the table each; see conf_origin and conf_setting_at.
    const char *origins[CONF_SETTINGS_MAX];
    const char *written[CONF_SETTINGS_MAX];
};

// What is wrong with the settings: a sysexits code and, for people, what, where and what to do.
struct conf_error {
    int exit;
    char text[1024];
};

// Reads the settings of one program ("broker", "worker" …) and sets up its log. Prints --help
// or --version and ends with 0. On an error it says what, where (file and line, flag, variable)
// and what to do, on stderr, and ends with EX_USAGE, EX_CONFIG or EX_NOINPUT.
void conf_load(struct conf *conf, const char *program, int argc, char **argv);
// The same for a program with a grammar of its own (the client): takes the settings' flags out
// of argv, leaves the rest in its order and returns its number. --help stays in argv.
int conf_take(struct conf *conf, const char *program, int argc, char **argv);
// The same without an end: ERR_BAD_CONFIG fills *error. Neither prints nor makes a folder.
// With takes_rest, what is no setting stays in argv and *argc counts it; else it is an error.
enum err conf_read(struct conf *conf, const char *program, int *argc, char **argv, bool takes_rest,
                   struct conf_error *error);

// Where the value of a member of *conf comes from, for people: "--data", "COLLOQ_DATA",
// "/etc/colloq/colloq.yaml:3", "context night, …:7" or "default".
const char *conf_origin(const struct conf *conf, const void *member);
// The i-th setting of the table, for listings: its place in the file (else its flag), and its
// origin. False behind the last.
struct conf_shown {
    const char *name;
    const char *flag;
    const char *variable; // NULL: none
    const char *value;    // as written; NULL: none, or made from other settings
    const char *origin;
};
bool conf_setting_at(const struct conf *conf, size_t i, struct conf_shown *shown);
// One setting, for those who write about all of them.
struct conf_about {
    const char *flag;     // without "--"
    const char *variable; // NULL: a flag only
    const char *place;    // in the file; NULL: a flag only
    const char *initial;  // the default; NULL: none, or help says it
    const char *choices;  // the values that there are, blanks between them; NULL: any
    const char *help;
    bool has_value; // false: the flag stands alone
    bool is_read;   // by the program that was asked about
};
// The i-th setting, as a program has it; false behind the last.
bool conf_about(const char *program, size_t i, struct conf_about *about);

// Puts the settings' flags of a command line into the environment, so that programs started from
// here have them too (--data is left out: it means another folder as a variable).
void conf_pass_on(int argc, char **argv);
// An environment variable; NULL where unset or empty. The only door to the environment.
const char *conf_env(const char *name);
// Makes a folder and those above it, for the owner only. False: errno says why.
bool conf_make_folder(const char *path);

#endif
