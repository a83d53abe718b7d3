// dev: all processes on this machine, supervised. With --simulate the provider is a simulator,
// and neither a real key nor a real provider is ever in reach.
#include "common/clock.h"
#include "common/endpoint.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/process.h"
#include "tools/commands.h"
#include "tools/local.h"
#include "tools/provider.h"
#include "tools/render.h"
#include "tools/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    STEP_MS = 50,
    SIMULATOR_START_MS = 5000,
    JOIN_SLOW_MS = 5000, // say who is missing
    ENVIRONMENT_MAX = 4096,
    PORT_TEXT_SIZE = 16,
};

struct dev {
    struct call *call;
    struct catalogue *catalogue; // of a simulated world: whom to lead to the simulator; NULL
    struct supervisor supervisor;
    struct program *simulator; // NULL: none
    char port_file[1024];
    char simulator_url[ENDPOINT_SIZE + 32]; // http://HOST:PORT; empty: none
    bool is_up;                             // everybody has joined, and it was said
    bool is_slow_told;
    const char *brief; // started by a command, for its time: what is run; NULL: by a person
    uint64_t started_ms;
    uint64_t looked_ms;
};

// ---- what is started ----------------------------------------------------------------------------

static char *text_copy(const char *text) {
    return mem_copy(text, strlen(text));
}

// Whether a variable has that name, or with _FILE behind it.
static bool is_variable(const char *variable, const char *name) {
    size_t size = name ? strlen(name) : 0;
    if (size == 0 || strncmp(variable, name, size) != 0)
        return false;
    return variable[size] == '=' || strncmp(variable + size, "_FILE=", 6) == 0;
}

// Whether a variable is named like a key or an address of a provider, or is one by the catalogue.
static bool is_real_key(const struct dev *dev, const char *variable) {
    const char *equals = strchr(variable, '=');
    size_t size = equals ? (size_t)(equals - variable) : 0;
    static const char *const ends[] = {"_API_KEY", "_API_KEYS", "_API_KEY_FILE", "_BASE_URL"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (size > strlen(ends[i]) &&
            strncmp(variable + size - strlen(ends[i]), ends[i], strlen(ends[i])) == 0)
            return true;
    for (size_t i = 0; i < catalogue_api_count(dev->catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(dev->catalogue, i);
        if (is_variable(variable, api->base_url_env))
            return true;
        for (const char *const *key = api->key_envs; *key; key++)
            if (is_variable(variable, *key))
                return true;
    }
    return false;
}

static char *variable_copy(const char *name, const char *value, const char *end) {
    struct buf text;
    buf_init(&text, CONF_TEXT_BYTES_MAX);
    buf_printf(&text, "%s=%s%s", name, value, end);
    char *copy = text_copy(buf_cstr(&text));
    buf_release(&text);
    return copy;
}

// Behind the host of a base URL: "/v1", or nothing.
static const char *path_of(const char *base_url) {
    const char *host = strstr(base_url, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;
    return path ? path : "";
}

// Every provider's address is a folder of the simulator's, and its key one that the simulator
// takes.
static int add_simulated(const struct dev *dev, char **list, int count, const char *url) {
    size_t apis = catalogue_api_count(dev->catalogue);
    for (size_t i = 0; i < apis && count + 2 <= ENVIRONMENT_MAX; i++) {
        const struct provider_api *api = catalogue_api_at(dev->catalogue, i);
        char path[PROVIDER_BYTES_MAX + URL_BYTES_MAX];
        if (!api->base_url_env || !api->key_envs[0])
            continue;
        (void)snprintf(path, sizeof(path), "/%s%s", api->provider, path_of(api->base_url));
        list[count++] = variable_copy(api->base_url_env, url, path);
        list[count++] = variable_copy(api->key_envs[0], "simulated", "");
    }
    return count;
}

// Our environment; for a simulated world without keys and addresses of real providers, and for
// its worker with those of the simulator, whose url may lead to an address of this host.
static char **environment_of(const struct dev *dev, const char *url) {
    char **list = mem_array(ENVIRONMENT_MAX + 2, sizeof(*list));
    int count = 0;
    for (char **v = environ; *v && count < ENVIRONMENT_MAX; v++)
        if (!dev->catalogue || !is_real_key(dev, *v))
            list[count++] = *v;
    if (url)
        count = add_simulated(dev, list, count, url);
    if (url)
        list[count] = text_copy("COLLOQ_ALLOW_HTTP=true");
    return list;
}

static struct program *add_program(struct dev *dev, const char *name, char **environment) {
    const char *path = sibling_path(name);
    char log[1200];
    if (access(path, X_OK) != 0)
        fail(EX_UNAVAILABLE, "%s: %s; build it, or start colloq from the folder of its programs",
             path, strerror(errno));
    struct program *program = supervisor_add(&dev->supervisor, name, text_copy(path));
    program->environment = environment;
    (void)snprintf(log, sizeof(log), "%s/log/%s.log", dev->call->conf->data, name);
    if (!call_has(dev->call, "verbose"))
        program->log = text_copy(log);
    return program;
}

// With --listen the simulator listens for the workers of other hosts too, two ports further.
struct simulator_place {
    char listens[ENDPOINT_SIZE]; // address
    char host[ENDPOINT_SIZE];    // by which it is reached from here, as in a URL
    unsigned port;               // 0: any
};

static void place_simulator(const struct conf *conf, struct simulator_place *simulator) {
    struct endpoint_place place;
    *simulator = (struct simulator_place){.listens = "127.0.0.1", .host = "127.0.0.1"};
    if (!conf->listen || !endpoint_place(conf->listen, &place))
        return;
    bool is_any = strcmp(place.host, "*") == 0 || strcmp(place.host, "0.0.0.0") == 0;
    simulator->port = place.port + 2;
    memcpy(simulator->listens, is_any ? "0.0.0.0" : place.host, is_any ? 8 : sizeof(place.host));
    if (strcmp(place.host, "::") == 0)
        memcpy(simulator->host, "[::1]", 6);
    else if (!is_any)
        (void)snprintf(simulator->host, sizeof(simulator->host),
                       strchr(place.host, ':') ? "[%.250s]" : "%.250s", place.host);
}

static void add_simulator(struct dev *dev, const struct simulator_place *place) {
    char text[1200];
    const char *data = dev->call->conf->data;
    struct program *program = add_program(dev, "provider-sim", environment_of(dev, NULL));
    (void)snprintf(dev->port_file, sizeof(dev->port_file), "%s/provider-sim.port", data);
    (void)unlink(dev->port_file);
    program_argument(program, "--port");
    (void)snprintf(text, sizeof(text), "%u", place->port);
    program_argument(program, text);
    program_argument(program, "--address");
    program_argument(program, place->listens);
    program_argument(program, "--port-file");
    program_argument(program, dev->port_file);
    program_argument(program, "--bill");
    (void)snprintf(text, sizeof(text), "%s/bill.jsonl", data);
    program_argument(program, text);
    // Words of --simulator go to it as they are.
    const char *more = call_text(dev->call, "simulator");
    char *words = text_copy(more ? more : "");
    char *rest = NULL;
    int count = 0;
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (++count > PROGRAM_ARGUMENTS_MAX - 8)
            fail(EX_USAGE, "--simulator: more words than can be passed on; give fewer options");
        program_argument(program, word);
    }
    mem_free(words);
    dev->simulator = program;
}

static bool read_port(const struct dev *dev, char port[PORT_TEXT_SIZE]) {
    int fd = open(dev->port_file, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, port, PORT_TEXT_SIZE - 1) : -1;
    if (fd >= 0)
        (void)close(fd);
    if (got <= 0)
        return false;
    port[got] = 0;
    port[strcspn(port, "\r\n ")] = 0;
    return *port != 0;
}

static void wait_a_step(const struct dev *dev) {
    sock_wait(NULL, 0, &dev->call->stop_fd, 1, STEP_MS);
}

static _Noreturn void end_now(struct dev *dev, int code) {
    supervisor_kill(&dev->supervisor);
    exit(code);
}

// Starts the simulator and waits for its port, which it keeps over restarts.
static void start_simulator(struct dev *dev) {
    uint64_t until = clock_now().mono_ms + SIMULATOR_START_MS;
    struct simulator_place place;
    char port[PORT_TEXT_SIZE];
    place_simulator(dev->call->conf, &place);
    add_simulator(dev, &place);
    while (!read_port(dev, port)) {
        supervisor_step(&dev->supervisor, clock_now().mono_ms);
        if (dev->supervisor.exit != 0 || process_is_stopped(dev->call->stop_fd))
            end_now(dev, dev->supervisor.exit);
        if (clock_now().mono_ms > until) {
            (void)fprintf(stderr, "colloq: provider-sim does not start\n");
            end_now(dev, EX_UNAVAILABLE);
        }
        wait_a_step(dev);
    }
    mem_free(dev->simulator->arguments[2]);
    dev->simulator->arguments[2] = text_copy(port);
    (void)snprintf(dev->simulator_url, sizeof(dev->simulator_url), "http://%s:%s", place.host,
                   port);
}

static bool is_brief(const struct dev *dev, const char *kind) {
    return dev->brief && strcmp(dev->brief, kind) == 0;
}

// Whether the worker, or else one of the others, is to be run here.
static bool is_wanted(const struct dev *dev, bool is_worker) {
    return !is_brief(dev, is_worker ? BRIEF_ASKING : BRIEF_WORKER);
}

static void add_all(struct dev *dev) {
    static const char *const names[] = {"colloq-broker", "colloq-accountant", "colloq-extractor",
                                        "colloq-worker", "colloq-ingress"};
    const struct conf *conf = dev->call->conf;
    if (conf->simulated && is_wanted(dev, true))
        start_simulator(dev);
    conf_pass_on(dev->call->argc, dev->call->argv);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        bool is_worker = strcmp(names[i], "colloq-worker") == 0;
        if (!is_wanted(dev, is_worker))
            continue;
        struct program *program = add_program(
            dev, names[i],
            environment_of(dev, conf->simulated && is_worker ? dev->simulator_url : NULL));
        program_argument(program, "--data");
        program_argument(program, conf->data);
        // Said in either case: a context of ours may say otherwise than the file that they read.
        program_argument(program, conf->simulated ? "--simulate" : "--simulate=false");
    }
}

// ---- how it goes --------------------------------------------------------------------------------

// Which processes the broker has not seen yet; an empty text: none. False: nobody answers.
static bool missing_roles(const struct dev *dev, struct client *client, char *missing,
                          size_t size) {
    static const char *const roles[] = {"accountant", "extractor", "worker"};
    enum { ANSWER_MS = 500 };
    uint64_t request;
    struct message *message;
    struct answer_head head;
    if (!client_ask(client, "stat", NULL, &request) ||
        !(message = client_receive(client, ANSWER_MS)) || message->wire.kind != KIND_answer ||
        wire_head(&message->wire, &head) != ERR_OK || head.exit != 0)
        return false;
    struct bytes document = message_frame(message, 0);
    json_t *answer = json_loadb((const char *)document.at, document.size, 0, NULL);
    const json_t *broker = member_of(answer, "broker");
    const json_t *peer;
    *missing = 0;
    for (size_t r = 0; r < sizeof(roles) / sizeof(roles[0]); r++) {
        bool is_there = false;
        size_t i;
        json_array_foreach(member_of(broker, "peers"), i, peer) is_there =
            is_there || strcmp(text_of(peer, "role", ""), roles[r]) == 0;
        size_t used = strlen(missing);
        if (!is_there && is_wanted(dev, strcmp(roles[r], "worker") == 0))
            (void)snprintf(missing + used, size - used, "%s%s", used ? ", " : "", roles[r]);
    }
    if (!json_is_object(broker))
        (void)snprintf(missing, size, "broker");
    json_decref(answer);
    return true;
}

// What to start on other hosts: the address that they know of, where all are listened at.
static void tell_other_hosts(const struct dev *dev) {
    const struct conf *conf = dev->call->conf;
    struct endpoint_place place;
    char host[ENDPOINT_SIZE], url[ENDPOINT_SIZE + 128] = "";
    if (!conf->listen || !endpoint_place(conf->listen, &place))
        return;
    bool is_any = strcmp(place.host, "*") == 0 || strcmp(place.host, "0.0.0.0") == 0 ||
                  strcmp(place.host, "::") == 0;
    if (!is_any || gethostname(host, sizeof(host) - 1) != 0)
        (void)snprintf(host, sizeof(host), strchr(place.host, ':') ? "[%.250s]" : "%.250s",
                       place.host);
    host[sizeof(host) - 1] = 0;
    if (conf->simulated)
        (void)snprintf(url, sizeof(url),
                       "OPENAI_API_KEY=simulated OPENAI_BASE_URL=http://%.200s:%s/v1 ", host,
                       strrchr(dev->simulator_url, ':') + 1);
    const char *simulate = conf->simulated ? " --simulate" : "";
    const char *insecure = endpoint_is_exposed(conf->listen) ? " --insecure" : "";
    const char *plain = conf->simulated && *insecure ? " --allow-http" : "";
    (void)fprintf(stderr, "On other hosts%s:\n  %scolloq-worker --broker tcp://%s:%u%s%s%s\n",
                  *insecure ? " (nothing is encrypted)" : "", url, host, place.port, simulate,
                  plain, insecure);
    // Where the ingress listens elsewhere, whoever chose that knows how it is reached.
    if (endpoint_place(conf->listen_ingress, &place))
        (void)fprintf(stderr, "  colloq batch run FILE.jsonl --endpoint tcp://%s:%u%s%s\n", host,
                      place.port, simulate, insecure);
}

static void look(struct dev *dev, uint64_t now_ms) {
    enum { LOOK_MS = 200, LOOK_SOON_MS = 50, OPEN_MS = 150 };
    struct call *call = dev->call;
    char missing[128] = "ingress";
    if (now_ms - dev->looked_ms < (dev->brief ? LOOK_SOON_MS : LOOK_MS))
        return;
    dev->looked_ms = now_ms;
    if (client_try_open(&call->client, call->conf, call->stop_fd, OPEN_MS)) {
        bool has_answer = missing_roles(dev, &call->client, missing, sizeof(missing));
        client_close(&call->client);
        dev->is_up = has_answer && *missing == 0;
    }
    sock_context_close(); // programs are started again by fork: no threads may run here
    if (dev->is_up && dev->brief) {
        (void)send(BRIEF_HOLD_FD, "u", 1, MSG_NOSIGNAL);
    } else if (dev->is_up) {
        (void)fprintf(stderr,
                      "colloq runs%s. Data: %s. Ctrl-C ends it.\n"
                      "  colloq batch run%s FILE.jsonl\n",
                      call->conf->simulated ? " with simulated money" : "", call->conf->data,
                      call_settings(call));
        tell_other_hosts(dev);
    } else if (!dev->is_slow_told && now_ms - dev->started_ms > JOIN_SLOW_MS) {
        dev->is_slow_told = true;
        (void)fprintf(stderr, "Still waiting for: %s\n", missing);
    }
}

// Ends them so that each can hand over what it holds to those that still run.
static void drain(struct dev *dev) {
    static const char *const order[] = {"colloq-worker", "colloq-extractor",  "colloq-ingress",
                                        "colloq-broker", "colloq-accountant", "provider-sim"};
    if (process_was_stopped())
        (void)fprintf(stderr, "Ending: calls under way are finished first. Ctrl-C again ends it at "
                              "once.\n");
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        for (int k = 0; k < dev->supervisor.count; k++) {
            struct program *program = &dev->supervisor.programs[k];
            if (strcmp(program->name, order[i]) != 0)
                continue;
            uint64_t until = clock_now().mono_ms + DRAIN_MS + HEARTBEAT_MS;
            program_stop(program);
            while (!program_is_over(program) && clock_now().mono_ms < until) {
                wait_a_step(dev);
                if (process_is_stopped(dev->call->stop_fd))
                    end_now(dev, EXIT_STOPPED);
            }
        }
    }
    supervisor_kill(&dev->supervisor);
}

// Whether the command that started a brief one is gone, and every other that used it. Then nobody
// can come in any more: see local.h.
static bool is_released(const struct dev *dev) {
    char byte;
    ssize_t got = recv(BRIEF_HOLD_FD, &byte, 1, MSG_DONTWAIT);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return false;
    // The worker of another command ends first.
    if (!is_brief(dev, BRIEF_WORKER) && local_is_locked(dev->call->conf->data, "dev-worker.lock"))
        return false;
    if (flock(BRIEF_CLIENTS_FD, LOCK_EX | LOCK_NB) == 0)
        return true;
    // An exclusive lock of somebody else is that of the last one, who waits for us.
    if (flock(BRIEF_CLIENTS_FD, LOCK_SH | LOCK_NB) != 0)
        return true;
    (void)flock(BRIEF_CLIENTS_FD, LOCK_UN);
    return false;
}

// Takes the lock of the folder and writes there what runs under it. Who looks whether it is taken
// holds it for a moment, so that one refusal says nothing.
static void take_lock(const struct dev *dev) {
    enum { TRIES = 20 };
    const char *data = dev->call->conf->data;
    const char *kind = dev->brief ? dev->brief : "dev";
    char path[1200];
    (void)snprintf(path, sizeof(path), "%s/%s", data,
                   is_brief(dev, BRIEF_WORKER) ? "dev-worker.lock" : "dev.lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int tries = 0;
    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && ++tries < TRIES)
        wait_a_step(dev);
    if (fd < 0 || tries == TRIES)
        fail(EX_TEMPFAIL,
             "another colloq dev, or a command that has started one for its time, runs in %s; end "
             "it, or choose another --data",
             data);
    if (ftruncate(fd, 0) != 0 || write(fd, kind, strlen(kind)) < 0)
        fail(EX_CANTCREAT, "%s: %s", path, strerror(errno));
}

static void prepare_folder(const struct dev *dev) {
    char path[1200];
    (void)snprintf(path, sizeof(path), "%s/log", dev->call->conf->data);
    if (!conf_make_folder(path))
        fail(EX_CANTCREAT, "%s: cannot be made: %s; choose another folder with --data", path,
             strerror(errno));
    take_lock(dev);
}

int dev(struct call *call) {
    static struct dev dev;
    dev = (struct dev){
        .call = call, .started_ms = clock_now().mono_ms, .brief = call_text(call, "brief")};
    call->conf->endpoint = call->conf->ingress; // whom we look after, not whom commands ask
    if (call->conf->simulated)
        dev.catalogue = provider_catalogue(call);
    prepare_folder(&dev);
    add_all(&dev);
    while (!process_is_stopped(call->stop_fd) && dev.supervisor.exit == 0) {
        supervisor_step(&dev.supervisor, clock_now().mono_ms);
        if (!dev.is_up)
            look(&dev, clock_now().mono_ms);
        if (dev.brief && is_released(&dev))
            break;
        wait_a_step(&dev);
    }
    drain(&dev);
    catalogue_free(dev.catalogue);
    return dev.supervisor.exit;
}
