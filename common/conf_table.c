#include "common/conf_table.h"

#include "common/limits.h"

#include <assert.h>
#include <string.h>

// X(type, member, flag, variable, place in the file, default, smallest, largest, programs, help)
#define SETTINGS(X)                                                                                \
    X(text, data, "data", "COLLOQ_DATA", "data", NULL, 0, 0, ALL,                                  \
      "folder of journal, ledger and sockets")                                                     \
    X(flag, simulated, "simulate", "COLLOQ_SIMULATE", "simulate", "false", 0, 0, ALL,              \
      "simulated money: a data folder of its own, and no real key")                                \
    X(text, context, "context", "COLLOQ_CONTEXT", "context", NULL, 0, 0, CLIENT,                   \
      "one of the file's contexts: NAME: {endpoint, data, simulate, insecure}")                    \
    X(text, endpoint, "endpoint", "COLLOQ_ENDPOINT", "client.endpoint", NULL, 0, 0, CLIENT,        \
      "where the ingress is asked (its socket in the data folder)")                                \
    X(flag, no_start, "no-start", "COLLOQ_NO_START", "client.no_start", "false", 0, 0, CLIENT,     \
      "start nothing where nobody listens")                                                        \
    X(text, broker, "broker", "COLLOQ_BROKER", "broker.endpoint", NULL, 0, 0, ALL,                 \
      "endpoint of the broker (ipc://DATA/broker.sock)")                                           \
    X(text, ingress, "ingress", "COLLOQ_INGRESS", "ingress.endpoint", NULL, 0, 0,                  \
      INGRESS | CLIENT, "where it listens for clients (ipc://DATA/ingress.sock)")                  \
    X(text, accountant, "accountant", "COLLOQ_ACCOUNTANT", "accountant.endpoint", NULL, 0, 0,      \
      INGRESS | ACCOUNTANT | CLIENT, "endpoint of its queries (ipc://DATA/accountant.sock)")       \
    X(text, listen, "listen", "COLLOQ_LISTEN", "broker.listen", NULL, 0, 0,                        \
      BROKER | INGRESS | CLIENT, "tcp://ADDRESS:PORT: where the broker listens for other hosts")   \
    X(text, listen_ingress, "listen-ingress", "COLLOQ_LISTEN_INGRESS", "ingress.listen", NULL, 0,  \
      0, INGRESS | CLIENT, "where the ingress does (the port after that of listen)")               \
    X(flag, insecure, "insecure", "COLLOQ_INSECURE", "insecure", "false", 0, 0, ALL,               \
      "permit tcp:// beyond this machine, although nothing is encrypted")                          \
    X(level, log_level, "log-level", "COLLOQ_LOG_LEVEL", "log.level", "info", 0, 0, ALL,           \
      "debug, info, warn or error")                                                                \
    X(flag, log_json, "log-json", "COLLOQ_LOG_JSON", "log.json", "false", 0, 0, ALL,               \
      "log lines as JSON")                                                                         \
    X(count, lane_concurrency, "lane-concurrency", "COLLOQ_LANE_CONCURRENCY",                      \
      "broker.lane_concurrency", "16", 1, 100000, BROKER | CLIENT, "calls in flight in a lane")    \
    X(count, attempts_max, "attempts-max", "COLLOQ_ATTEMPTS_MAX", "broker.attempts_max", "5", 1,   \
      100, BROKER | CLIENT, "counted attempts of a job")                                           \
    X(ms, call_limit_ms, "call-limit", "COLLOQ_CALL_LIMIT", "broker.call_limit", "600s", 100,      \
      24 * 3600 * 1000, BROKER | CLIENT, "time limit of one provider call")                        \
    X(count, jobs_max, "jobs-max", "COLLOQ_JOBS_MAX", "broker.jobs_max", "1000000", 1000,          \
      100000000, BROKER | CLIENT, "jobs that the broker may hold at once")                         \
    X(bytes, journal_bytes_max, "journal-max", "COLLOQ_JOURNAL_MAX", "broker.journal.max", "8GiB", \
      JOURNAL_BYTES_MIN, INT64_MAX, BROKER | CLIENT, "budget of the journal")                      \
    X(text, journal_folder, "journal-folder", "COLLOQ_JOURNAL_FOLDER", "broker.journal.folder",    \
      NULL, 0, 0, BROKER | CLIENT, "folder of the journal (DATA)")                                 \
    X(bytes, journal_reserve_bytes, "journal-reserve", "COLLOQ_JOURNAL_RESERVE",                   \
      "broker.journal.reserve", "64MiB", RESERVE_BYTES_MIN, INT32_MAX, BROKER | CLIENT,            \
      "kept free for the journal by a file that is given up when the disk is full")                \
    X(text, ledger_folder, "ledger-folder", "COLLOQ_LEDGER_FOLDER", "accountant.ledger.folder",    \
      NULL, 0, 0, ACCOUNTANT | CLIENT, "folder of the ledger (DATA)")                              \
    X(bytes, ledger_reserve_bytes, "ledger-reserve", "COLLOQ_LEDGER_RESERVE",                      \
      "accountant.ledger.reserve", "64MiB", RESERVE_BYTES_MIN, INT32_MAX, ACCOUNTANT | CLIENT,     \
      "the same for the ledger")                                                                   \
    X(count, slots, "concurrency", "COLLOQ_CONCURRENCY", "worker.concurrency", "256", 1,           \
      SLOTS_MAX, WORKER | CLIENT, "calls at once in one worker")                                   \
    X(ms, connect_limit_ms, "connect-limit", "COLLOQ_CONNECT_LIMIT", "worker.connect_limit",       \
      "10s", 1, 600 * 1000, WORKER | CLIENT, "time limit of a connection's making")                \
    X(ms, stall_limit_ms, "stall-limit", "COLLOQ_STALL_LIMIT", "worker.stall_limit", "60s", 1,     \
      24 * 3600 * 1000, WORKER | CLIENT,                                                           \
      "a call is given up when no byte moves for this long once its answer has begun")             \
    X(ms, first_byte_limit_ms, "first-byte-limit", "COLLOQ_FIRST_BYTE_LIMIT",                      \
      "worker.first_byte_limit", NULL, 1, 24 * 3600 * 1000, WORKER | CLIENT,                       \
      "a call is given up when its answer does not begin for this long (the call's limit)")        \
    X(flag, allow_http, "allow-http", "COLLOQ_ALLOW_HTTP", "worker.allow_http", "false", 0, 0,     \
      WORKER | CLIENT, "permit plain http beyond this machine")                                    \
    X(text, names, "names", "COLLOQ_NAMES", "worker.names", NULL, 0, 0, WORKER | CLIENT,           \
      "folder of the workers' lasting names (DATA/workers)")                                       \
    X(text, catalogue, "catalogue", "COLLOQ_CATALOGUE", "accountant.catalogue", NULL, 0, 0,        \
      ACCOUNTANT | CLIENT, "folder with providers/ and prices/ of your own (that of colloq.yaml)") \
    X(flag, migrate, "migrate", NULL, NULL, "false", 0, 0, ACCOUNTANT,                             \
      "apply the ledger's missing migrations and end")                                             \
    X(flag, configure, "configure", NULL, NULL, "false", 0, 0, ACCOUNTANT,                         \
      "enter the catalogue into the ledger, say what that changes, and end")                       \
    X(flag, dry_run, "dry-run", NULL, NULL, "false", 0, 0, ACCOUNTANT,                             \
      "with --migrate or --configure: only say what would be done")                                \
    X(flag, status, "status", NULL, NULL, "false", 0, 0, ACCOUNTANT,                               \
      "say how the ledger stands and end")

const struct setting settings[] = {
#define X(type, member, flag, variable, place, initial, min, max, programs, help) \
    {                                                                             \
        CONF_##type, offsetof(struct conf, member),                               \
        flag,        variable,                                                    \
        place,       initial,                                                     \
        min,         max,                                                         \
        programs,    help},
    SETTINGS(X)
#undef X
};
const size_t setting_count = sizeof(settings) / sizeof(settings[0]);
_Static_assert(sizeof(settings) / sizeof(settings[0]) <= CONF_SETTINGS_MAX, "each has an origin");
_Static_assert(offsetof(struct conf, data) == 0, "data is the first setting of the table");
_Static_assert(LANE_CONCURRENCY == 16 && ATTEMPTS_MAX == 5, "the defaults above are the limits'");

static const struct {
    const char *name;
    unsigned bit;
} programs[] = {{"broker", BROKER},       {"ingress", INGRESS},       {"worker", WORKER},
                {"extractor", EXTRACTOR}, {"accountant", ACCOUNTANT}, {"client", CLIENT}};

unsigned setting_program(const char *name) {
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
        if (strcmp(programs[i].name, name) == 0)
            return programs[i].bit;
    return ALL;
}

size_t setting_at(size_t offset) {
    size_t i = 0;
    while (i < setting_count && settings[i].offset != offset)
        i++;
    assert(i < setting_count);
    return i;
}

size_t setting_placed(const char *place) {
    size_t i = 0;
    while (i < setting_count && (!settings[i].place || strcmp(settings[i].place, place) != 0))
        i++;
    return i;
}

const struct setting *setting_flag(const char *argument, const char **value) {
    if (strncmp(argument, "--", 2) != 0)
        return NULL;
    const char *name = argument + 2;
    const char *equals = strchr(name, '=');
    size_t size = equals ? (size_t)(equals - name) : strlen(name);
    *value = equals ? equals + 1 : NULL;
    for (size_t i = 0; i < setting_count; i++)
        if (strlen(settings[i].flag) == size && memcmp(settings[i].flag, name, size) == 0)
            return &settings[i];
    return NULL;
}

bool conf_about(const char *program, size_t i, struct conf_about *about) {
    if (i >= setting_count)
        return false;
    const struct setting *setting = &settings[i];
    *about = (struct conf_about){setting->flag,
                                 setting->variable,
                                 setting->place,
                                 setting->initial,
                                 setting->type == CONF_level ? "debug info warn error" : NULL,
                                 setting->help,
                                 setting->type != CONF_flag,
                                 (setting->programs & setting_program(program)) != 0};
    return true;
}
