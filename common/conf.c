#include "common/conf.h"

#include "common/conf_endpoints.h"
#include "common/conf_file.h"
#include "common/conf_value.h"
#include "common/endpoint.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

// ---- the table ----------------------------------------------------------------------------------

enum { BROKER = 1, INGRESS = 2, WORKER = 4, EXTRACTOR = 8, ACCOUNTANT = 16, CLIENT = 32, ALL = 63 };

// X(type, member, flag, variable, place in the file, default, smallest, largest, programs, help)
#define SETTINGS(X)                                                                                \
    X(text, data, "data", "COLLOQ_DATA", "data", NULL, 0, 0, ALL,                                  \
      "folder of journal, ledger and sockets")                                                     \
    X(flag, simulated, "simulate", "COLLOQ_SIMULATE", "simulate", "false", 0, 0, ALL,              \
      "simulated money: a data folder of its own, and no real key")                                \
    X(text, broker, "broker", "COLLOQ_BROKER", "endpoints.broker", NULL, 0, 0, ALL,                \
      "endpoint of the broker (ipc://DATA/broker.sock)")                                           \
    X(text, ingress, "ingress", "COLLOQ_INGRESS", "endpoints.ingress", NULL, 0, 0,                 \
      INGRESS | CLIENT, "endpoint for clients (ipc://DATA/ingress.sock)")                          \
    X(text, accountant, "accountant", "COLLOQ_ACCOUNTANT", "endpoints.accountant", NULL, 0, 0,     \
      INGRESS | ACCOUNTANT | CLIENT, "endpoint of its queries (ipc://DATA/accountant.sock)")       \
    X(text, listen, "listen", "COLLOQ_LISTEN", "endpoints.listen", NULL, 0, 0,                     \
      BROKER | INGRESS | CLIENT, "tcp://ADDRESS:PORT: where the broker listens for other hosts")   \
    X(text, listen_ingress, "listen-ingress", "COLLOQ_LISTEN_INGRESS", "endpoints.listen_ingress", \
      NULL, 0, 0, INGRESS | CLIENT, "where the ingress does (the port after that of listen)")      \
    X(flag, insecure, "insecure", "COLLOQ_INSECURE", "insecure", "false", 0, 0, ALL,               \
      "permit tcp:// beyond this machine, although nothing is encrypted")                          \
    X(level, log_level, "log-level", "COLLOQ_LOG_LEVEL", "log.level", "info", 0, 0, ALL,           \
      "debug, info, warn or error")                                                                \
    X(flag, log_json, "log-json", "COLLOQ_LOG_JSON", "log.json", "false", 0, 0, ALL,               \
      "log lines as JSON")                                                                         \
    X(count, lane_concurrency, "lane-concurrency", "COLLOQ_LANE_CONCURRENCY", "lanes.concurrency", \
      "16", 1, 100000, BROKER | CLIENT, "calls in flight in a lane")                               \
    X(count, attempts_max, "attempts-max", "COLLOQ_ATTEMPTS_MAX", "jobs.attempts_max", "5", 1,     \
      100, BROKER | CLIENT, "counted attempts of a job")                                           \
    X(ms, call_limit_ms, "call-limit", "COLLOQ_CALL_LIMIT", "calls.limit", "600s", 100,            \
      24 * 3600 * 1000, BROKER | CLIENT, "time limit of one provider call")                        \
    X(count, jobs_max, "jobs-max", "COLLOQ_JOBS_MAX", "jobs.max", "1000000", 1000, 100000000,      \
      BROKER | CLIENT, "jobs that the broker may hold at once")                                    \
    X(bytes, journal_bytes_max, "journal-max", "COLLOQ_JOURNAL_MAX", "journal.max", "8GiB",        \
      JOURNAL_BYTES_MIN, INT64_MAX, BROKER | CLIENT, "budget of the journal")                      \
    X(text, journal_folder, "journal-folder", "COLLOQ_JOURNAL_FOLDER", "journal.folder", NULL, 0,  \
      0, BROKER | CLIENT, "folder of the journal (DATA)")                                          \
    X(bytes, journal_reserve_bytes, "journal-reserve", "COLLOQ_JOURNAL_RESERVE",                   \
      "journal.reserve", "64MiB", RESERVE_BYTES_MIN, INT32_MAX, BROKER | CLIENT,                   \
      "kept free for the journal by a file that is given up when the disk is full")                \
    X(text, ledger_folder, "ledger-folder", "COLLOQ_LEDGER_FOLDER", "ledger.folder", NULL, 0, 0,   \
      ACCOUNTANT | CLIENT, "folder of the ledger (DATA)")                                          \
    X(bytes, ledger_reserve_bytes, "ledger-reserve", "COLLOQ_LEDGER_RESERVE", "ledger.reserve",    \
      "64MiB", RESERVE_BYTES_MIN, INT32_MAX, ACCOUNTANT | CLIENT, "the same for the ledger")       \
    X(count, slots, "concurrency", "COLLOQ_CONCURRENCY", "worker.concurrency", "256", 1,           \
      SLOTS_MAX, WORKER | CLIENT, "calls at once in one worker")                                   \
    X(ms, connect_limit_ms, "connect-limit", "COLLOQ_CONNECT_LIMIT", "calls.connect_limit", "10s", \
      1, 600 * 1000, WORKER | CLIENT, "time limit of a connection's making")                       \
    X(ms, stall_limit_ms, "stall-limit", "COLLOQ_STALL_LIMIT", "calls.stall_limit", "60s", 1,      \
      24 * 3600 * 1000, WORKER | CLIENT,                                                           \
      "a call is given up when no byte moves for this long once its answer has begun")             \
    X(ms, first_byte_limit_ms, "first-byte-limit", "COLLOQ_FIRST_BYTE_LIMIT",                      \
      "calls.first_byte_limit", NULL, 1, 24 * 3600 * 1000, WORKER | CLIENT,                        \
      "a call is given up when its answer does not begin for this long (the call's limit)")        \
    X(flag, allow_http, "allow-http", "COLLOQ_ALLOW_HTTP", "calls.allow_http", "false", 0, 0,      \
      WORKER | CLIENT, "permit plain http beyond this machine")                                    \
    X(text, names, "names", "COLLOQ_NAMES", "worker.names", NULL, 0, 0, WORKER | CLIENT,           \
      "folder of the workers' lasting names (DATA/workers)")                                       \
    X(text, catalogue, "catalogue", "COLLOQ_CATALOGUE", "catalogue", NULL, 0, 0,                   \
      ACCOUNTANT | CLIENT, "folder with providers/ and prices/ of your own")                       \
    X(flag, migrate, "migrate", NULL, NULL, "false", 0, 0, ACCOUNTANT,                             \
      "apply the ledger's missing migrations and end")                                             \
    X(flag, dry_run, "dry-run", NULL, NULL, "false", 0, 0, ACCOUNTANT,                             \
      "with --migrate: only say what is missing")                                                  \
    X(flag, status, "status", NULL, NULL, "false", 0, 0, ACCOUNTANT,                               \
      "say how the ledger stands and end")

struct setting {
    enum conf_type type;
    size_t offset;
    const char *flag;
    const char *variable; // NULL: a flag only
    const char *place;    // NULL: a flag only
    const char *initial;  // NULL: none, or made from other settings
    int64_t min, max;
    unsigned programs;
    const char *help;
};

static const struct setting settings[] = {
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
enum { SETTING_COUNT = sizeof(settings) / sizeof(settings[0]) };
_Static_assert(LANE_CONCURRENCY == 16 && ATTEMPTS_MAX == 5, "the defaults above are the limits'");

enum source { FROM_default, FROM_file, FROM_variable, FROM_flag };

// The winning value of one setting, and where it stands.
struct found {
    const char *value;
    enum source source;
    unsigned line;
};

// One reading of the settings.
struct reading {
    struct found found[SETTING_COUNT];
    const char *path; // of the file; NULL: none
    unsigned program;
    struct conf_error *error;
};

static const struct {
    const char *name;
    unsigned bit;
} programs[] = {{"broker", BROKER},       {"ingress", INGRESS},       {"worker", WORKER},
                {"extractor", EXTRACTOR}, {"accountant", ACCOUNTANT}, {"client", CLIENT}};

static unsigned program_bit(const char *name) {
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
        if (strcmp(programs[i].name, name) == 0)
            return programs[i].bit;
    return ALL;
}

__attribute__((format(printf, 3, 4))) static enum err refuse(struct conf_error *error, int code,
                                                             const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    error->exit = code;
    return ERR_BAD_CONFIG;
}

const char *conf_env(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

// A copy that lives as long as the process, and is never lost sight of.
static char *keep(const char *at, size_t size) {
    static struct kept {
        struct kept *next;
        char *text;
    } * all;
    struct kept *one = mem_new(sizeof(*one));
    *one = (struct kept){.next = all, .text = mem_copy(at, size)};
    all = one;
    return one->text;
}

__attribute__((format(printf, 1, 2))) static char *text_of(const char *format, ...) {
    char text[CONF_TEXT_BYTES_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return keep(text, n < 0 ? 0 : strlen(text));
}

// ---- the file -----------------------------------------------------------------------------------

// Follows env:NAME and file:PATH. The result lives as long as the process; NULL: *error says why.
static const char *follow(const struct reading *reading, const struct conf_entry *entry) {
    if (strncmp(entry->value, "env:", 4) == 0) {
        const char *value = conf_env(entry->value + 4);
        if (!value)
            (void)refuse(reading->error, EX_CONFIG,
                         "%s:%u: %s: the variable %s is not set; set it or write another value",
                         reading->path, entry->line, entry->path, entry->value + 4);
        return value;
    }
    if (strncmp(entry->value, "file:", 5) != 0)
        return keep(entry->value, strlen(entry->value));
    const char *name = entry->value + 5;
    const char *slash = strrchr(reading->path, '/');
    char path[CONF_TEXT_BYTES_MAX];
    (void)snprintf(path, sizeof(path), "%.*s%s",
                   *name != '/' && slash ? (int)(slash + 1 - reading->path) : 0, reading->path,
                   name);
    char text[CONF_TEXT_BYTES_MAX];
    FILE *stream = fopen(path, "re");
    size_t size = stream ? fread(text, 1, sizeof(text), stream) : 0;
    int why = errno;
    if (stream)
        (void)fclose(stream);
    if (!stream || size == sizeof(text)) {
        (void)refuse(reading->error, EX_CONFIG, "%s:%u: %s: %s cannot be read: %s", reading->path,
                     entry->line, entry->path, path, stream ? "it is too long" : strerror(why));
        return NULL;
    }
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    return keep(text, size);
}

// A key that stands in the file itself must be readable by its owner only.
static bool may_hold_key(const struct reading *reading, const struct conf_entry *entry) {
    struct stat info;
    if (strncmp(entry->value, "env:", 4) == 0 || strncmp(entry->value, "file:", 5) == 0 ||
        stat(reading->path, &info) != 0 || (info.st_mode & 077) == 0)
        return true;
    (void)refuse(reading->error, EX_CONFIG,
                 "%s:%u: %s: others can read this key; chmod 600 the file, or write env:NAME or "
                 "file:PATH",
                 reading->path, entry->line, entry->path);
    return false;
}

static struct conf_provider *provider_named(struct conf *conf, const char *name, size_t size) {
    for (size_t i = 0; i < conf->provider_count; i++)
        if (strlen(conf->providers[i].name) == size &&
            memcmp(conf->providers[i].name, name, size) == 0)
            return &conf->providers[i];
    if (conf->provider_count == CONF_PROVIDERS_MAX)
        return NULL;
    struct conf_provider *provider = &conf->providers[conf->provider_count++];
    *provider = (struct conf_provider){.name = keep(name, size)};
    return provider;
}

// An entry "providers.NAME.key" or "providers.NAME.base_url".
static enum err take_provider(struct conf *conf, const struct reading *reading,
                              const struct conf_entry *entry) {
    const char *name = entry->path + strlen("providers.");
    const char *dot = strrchr(name, '.');
    struct conf_provider *provider = dot ? provider_named(conf, name, (size_t)(dot - name)) : NULL;
    bool is_key = dot && strcmp(dot, ".key") == 0;
    if (!provider || (!is_key && strcmp(dot, ".base_url") != 0))
        return refuse(reading->error, EX_CONFIG,
                      "%s:%u: %s: of a provider key and base_url can be set (at most %d providers)",
                      reading->path, entry->line, entry->path, CONF_PROVIDERS_MAX);
    if (is_key && !(reading->program & WORKER))
        return ERR_OK; // keys are the worker's alone
    if (is_key && !may_hold_key(reading, entry))
        return ERR_BAD_CONFIG;
    const char *value = follow(reading, entry);
    if (is_key)
        provider->key = value;
    else
        provider->base_url = value;
    return value ? ERR_OK : ERR_BAD_CONFIG;
}

static enum err take_entry(struct conf *conf, struct reading *reading,
                           const struct conf_entry *entry) {
    if (strncmp(entry->path, "providers.", strlen("providers.")) == 0)
        return take_provider(conf, reading, entry);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (!settings[i].place || strcmp(settings[i].place, entry->path) != 0)
            continue;
        reading->found[i] = (struct found){.source = FROM_file, .line = entry->line};
        // What another program needs is not followed here: its files may be unreadable to us.
        if (!(settings[i].programs & reading->program))
            return ERR_OK;
        reading->found[i].value = follow(reading, entry);
        return reading->found[i].value ? ERR_OK : ERR_BAD_CONFIG;
    }
    return refuse(reading->error, EX_CONFIG,
                  "%s:%u: there is no setting %s; colloq-broker --help (or any other program's) "
                  "lists them",
                  reading->path, entry->line, entry->path);
}

static enum err take_file(struct conf *conf, struct reading *reading, const char *path,
                          bool must_exist) {
    struct conf_file *file = mem_new(sizeof(*file));
    char why[256];
    enum err e = conf_file_read(file, path, why, sizeof(why));
    if (e == ERR_NOT_FOUND && must_exist)
        (void)refuse(reading->error, EX_NOINPUT, "%s: %s; correct --config or COLLOQ_CONFIG", path,
                     why);
    else if (e == ERR_BAD_CONFIG)
        (void)refuse(reading->error, EX_CONFIG, "%s: %s", path, why);
    if (e == ERR_OK)
        reading->path = conf->file = keep(path, strlen(path));
    for (size_t i = 0; e == ERR_OK && i < file->count; i++)
        e = take_entry(conf, reading, &file->entries[i]);
    conf_file_release(file);
    mem_free(file);
    return e == ERR_NOT_FOUND && must_exist ? ERR_BAD_CONFIG : e;
}

static enum err find_file(struct conf *conf, struct reading *reading, const char *named) {
    if (!named)
        named = conf_env("COLLOQ_CONFIG");
    if (named)
        return take_file(conf, reading, named, true);
    char path[CONF_TEXT_BYTES_MAX];
    const char *home = conf_env("HOME");
    enum err e = ERR_NOT_FOUND;
    if (home) {
        (void)snprintf(path, sizeof(path), "%s/.config/colloq/colloq.yaml", home);
        e = take_file(conf, reading, path, false);
    }
    if (e == ERR_NOT_FOUND)
        e = take_file(conf, reading, "/etc/colloq/colloq.yaml", false);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

// ---- flags --------------------------------------------------------------------------------------

// The setting whose flag this argument is; *value is what follows "=", or NULL.
static const struct setting *setting_of(const char *argument, const char **value) {
    if (strncmp(argument, "--", 2) != 0)
        return NULL;
    const char *name = argument + 2;
    const char *equals = strchr(name, '=');
    size_t size = equals ? (size_t)(equals - name) : strlen(name);
    *value = equals ? equals + 1 : NULL;
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (strlen(settings[i].flag) == size && memcmp(settings[i].flag, name, size) == 0)
            return &settings[i];
    return NULL;
}

// Takes the flag at argv[*at] and its value.
static enum err take_flag(struct reading *reading, const struct setting *setting, const char *value,
                          int argc, char **argv, int *at) {
    if (!(setting->programs & reading->program))
        return refuse(reading->error, EX_USAGE,
                      "--%s is no setting of this program; --help lists those that are",
                      setting->flag);
    if (!value && setting->type == CONF_flag)
        value = "true";
    else if (!value && *at + 1 < argc)
        value = argv[++*at];
    if (!value)
        return refuse(reading->error, EX_USAGE, "--%s needs a value: %s", setting->flag,
                      setting->help);
    reading->found[setting - settings] = (struct found){.value = value, .source = FROM_flag};
    return ERR_OK;
}

static enum err take_flags(struct reading *reading, int *argc, char **argv, bool takes_rest,
                           const char **config) {
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        const char *value = NULL;
        if (strcmp(argv[i], "--") == 0 && takes_rest) {
            while (i < *argc)
                argv[kept++] = argv[i++];
            break;
        }
        const struct setting *setting = setting_of(argv[i], &value);
        enum err e = ERR_OK;
        if (setting && (!takes_rest || setting->programs & reading->program))
            e = take_flag(reading, setting, value, *argc, argv, &i);
        else if (strncmp(argv[i], "--config=", 9) == 0)
            *config = argv[i] + 9;
        else if (strcmp(argv[i], "--config") == 0 && i + 1 < *argc)
            *config = argv[++i];
        else if (takes_rest)
            argv[kept++] = argv[i];
        else
            e = refuse(reading->error, EX_USAGE, "%s is not known; --help lists the settings",
                       argv[i]);
        if (e != ERR_OK)
            return e;
    }
    *argc = kept;
    argv[kept] = NULL;
    return ERR_OK;
}

// ---- values -------------------------------------------------------------------------------------

static enum err parse_setting(struct conf *conf, const struct reading *reading, size_t i) {
    const struct setting *setting = &settings[i];
    const struct found *found = &reading->found[i];
    const char *text = found->value ? found->value : setting->initial;
    char where[CONF_TEXT_BYTES_MAX / 4];
    char what[128];
    if (!text || conf_value_parse(setting->type, text, setting->min, setting->max,
                                  (char *)conf + setting->offset))
        return ERR_OK;
    if (found->source == FROM_file)
        (void)snprintf(where, sizeof(where), "%s:%u: %s", reading->path, found->line,
                       setting->place);
    else
        (void)snprintf(where, sizeof(where), "%s%s", found->source == FROM_flag ? "--" : "",
                       found->source == FROM_flag ? setting->flag : setting->variable);
    return refuse(
        reading->error, found->source == FROM_flag ? EX_USAGE : EX_CONFIG,
        "%s: \"%.64s\" is not valid: write %s", where, text,
        conf_value_expected(setting->type, setting->min, setting->max, what, sizeof(what)));
}

static const char *default_data(void) {
    const char *home = conf_env("HOME");
    const char *share = conf_env("XDG_DATA_HOME");
    if (geteuid() == 0 || (!home && !share))
        return "/var/lib/colloq";
    return share ? text_of("%s/colloq", share) : text_of("%s/.local/share/colloq", home);
}

// A path that is not absolute counts from the working folder, whoever is started from here.
static const char *absolute(const char *path) {
    char here[CONF_TEXT_BYTES_MAX / 2];
    if (!path || *path == '/' || !getcwd(here, sizeof(here)))
        return path;
    return text_of("%s/%s", here, path);
}

// Fills what is made from other settings.
static enum err complete(struct conf *conf, const struct reading *reading) {
    bool is_exact = reading->found[0].source == FROM_flag;
    char beside[ENDPOINT_SIZE];
    conf->data = absolute(conf->data ? conf->data : default_data());
    if (conf->simulated && !is_exact)
        conf->data = text_of("%s/simulated", conf->data);
    if (!conf->broker)
        conf->broker = text_of("ipc://%s/broker.sock", conf->data);
    if (!conf->ingress)
        conf->ingress = text_of("ipc://%s/ingress.sock", conf->data);
    if (!conf->accountant)
        conf->accountant = text_of("ipc://%s/accountant.sock", conf->data);
    if (!conf->names)
        conf->names = text_of("%s/workers", conf->data);
    conf->names = absolute(conf->names);
    conf->catalogue = absolute(conf->catalogue);
    conf->journal_folder = conf->journal_folder ? absolute(conf->journal_folder) : conf->data;
    conf->ledger_folder = conf->ledger_folder ? absolute(conf->ledger_folder) : conf->data;
    if (conf->listen && !conf->listen_ingress && endpoint_beside(conf->listen, 1, beside))
        conf->listen_ingress = text_of("%s", beside);
    return conf_check_endpoints(conf, reading->error);
}

enum err conf_read(struct conf *conf, const char *program, int *argc, char **argv, bool takes_rest,
                   struct conf_error *error) {
    struct reading reading = {.program = program_bit(program), .error = error};
    const char *config = NULL;
    memset(conf, 0, sizeof(*conf));
    memset(error, 0, sizeof(*error));
    _Static_assert(offsetof(struct conf, data) == 0, "data is the first setting of the table");
    struct reading flags = reading;
    enum err e = take_flags(&flags, argc, argv, takes_rest, &config);
    if (e == ERR_OK)
        e = find_file(conf, &reading, config);
    for (size_t i = 0; e == ERR_OK && i < SETTING_COUNT; i++) {
        const char *value = settings[i].variable ? conf_env(settings[i].variable) : NULL;
        if (value)
            reading.found[i] = (struct found){.value = value, .source = FROM_variable};
        if (flags.found[i].value)
            reading.found[i] = flags.found[i];
        if (settings[i].programs & reading.program)
            e = parse_setting(conf, &reading, i);
    }
    return e == ERR_OK ? complete(conf, &reading) : e;
}

// ---- for programs -------------------------------------------------------------------------------

bool conf_about(const char *program, size_t i, struct conf_about *about) {
    const struct setting *setting = i < SETTING_COUNT ? &settings[i] : NULL;
    if (!setting)
        return false;
    *about = (struct conf_about){setting->flag,
                                 setting->variable,
                                 setting->place,
                                 setting->initial,
                                 setting->type == CONF_level ? "debug info warn error" : NULL,
                                 setting->help,
                                 setting->type != CONF_flag,
                                 (setting->programs & program_bit(program)) != 0};
    return true;
}

static enum log_level level_of(const char *name) {
    return strcmp(name, "debug") == 0   ? LOG_DEBUG
           : strcmp(name, "warn") == 0  ? LOG_WARN
           : strcmp(name, "error") == 0 ? LOG_ERROR
                                        : LOG_INFO;
}

bool conf_make_folder(const char *path) {
    char partial[CONF_TEXT_BYTES_MAX];
    if (strlen(path) >= sizeof(partial)) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (size_t i = 0; path[i]; i++) {
        partial[i] = path[i];
        partial[i + 1] = 0;
        bool is_whole = path[i + 1] == 0 || path[i + 1] == '/';
        if (is_whole && path[i] != '/' && mkdir(partial, 0700) != 0 && errno != EEXIST)
            return false;
    }
    struct stat info;
    if (stat(path, &info) != 0)
        return false;
    errno = ENOTDIR;
    return S_ISDIR(info.st_mode);
}

static _Noreturn void end_badly(const char *program, const struct conf_error *error) {
    bool is_client = strcmp(program, "client") == 0;
    (void)fprintf(stderr, "colloq%s%s: %s\n", is_client ? "" : "-", is_client ? "" : program,
                  error->text);
    exit(error->exit);
}

void conf_load(struct conf *conf, const char *program, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            conf_print_help(program);
            exit(0);
        }
        if (strcmp(argv[i], "--version") == 0) {
            printf("colloq-%s %s\n", program, COLLOQ_VERSION);
            exit(0);
        }
    }
    struct conf_error error;
    if (conf_read(conf, program, &argc, argv, false, &error) != ERR_OK)
        end_badly(program, &error);
    log_setup(program, level_of(conf->log_level), conf->log_json);
    const char *const folders[] = {conf->data, conf->journal_folder, conf->ledger_folder};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (!conf_make_folder(folders[i])) {
            error.exit = EX_CANTCREAT;
            (void)snprintf(error.text, sizeof(error.text),
                           "%s: the data folder cannot be made: %s; choose another with --%s",
                           folders[i], strerror(errno),
                           i == 0   ? "data"
                           : i == 1 ? "journal-folder"
                                    : "ledger-folder");
            end_badly(program, &error);
        }
}

void conf_pass_on(int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *value = NULL;
        const struct setting *setting = setting_of(argv[i], &value);
        const char *variable = setting ? setting->variable : NULL;
        bool is_config = !setting && strncmp(argv[i], "--config", 8) == 0;
        if (is_config) {
            variable = "COLLOQ_CONFIG";
            value = argv[i][8] == '=' ? argv[i] + 9 : NULL;
        }
        bool has_own_value = setting && setting->type == CONF_flag;
        if (!value && has_own_value)
            value = "true";
        else if (!value && variable && i + 1 < argc)
            value = argv[++i];
        if (variable && value && setting != &settings[0])
            (void)setenv(variable, value, 1);
    }
}

int conf_take(struct conf *conf, const char *program, int argc, char **argv) {
    struct conf_error error;
    if (conf_read(conf, program, &argc, argv, true, &error) != ERR_OK)
        end_badly(program, &error);
    log_setup(program, level_of(conf->log_level), conf->log_json);
    return argc;
}
