#include "tools/local.h"

#include "common/clock.h"
#include "common/mem.h"
#include "common/process.h"
#include "tools/commands.h"
#include "tools/render.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    STEP_MS = 50,
    SLOW_MS = 1000,       // so long nothing is said
    WAIT_MS = 60 * 1000,  // for others that start or end
    START_MS = 60 * 1000, // for our own
    TAIL_BYTES_MAX = 4096,
    PATH_SIZE = 1200,
};

// A brief colloq dev that this command has started.
struct child {
    pid_t pid; // 0: none
    int hold;  // ends when we do
};

static struct local {
    const struct call *call;
    int clients; // our lock of clients.lock; -1: not held yet
    struct child all, worker;
    bool is_asking;
    bool is_slow_told;
    uint64_t began_ms;
} local = {.clients = -1};

// ---- who is there -------------------------------------------------------------------------------

bool local_is_locked(const char *folder, const char *name) {
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        (void)close(fd);
    return is_held;
}

bool local_listens(const struct conf *conf) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = conf->ingress + strlen("ipc://");
    if (strncmp(conf->ingress, "ipc://", 6) != 0 || strlen(path) >= sizeof(address.sun_path))
        return false;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_there =
        fd >= 0 &&
        (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN);
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    if (!is_there && why == EACCES)
        fail(EX_NOPERM, "%s: this socket belongs to another user", path);
    return is_there;
}

// The first word of dev.lock: which kind of colloq dev runs.
static bool dev_is(const char *data, const char *kind) {
    char path[PATH_SIZE], text[64];
    (void)snprintf(path, sizeof(path), "%s/dev.lock", data);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0)
        (void)close(fd);
    text[got > 0 ? got : 0] = 0;
    text[strcspn(text, "\n")] = 0;
    return strcmp(text, kind) == 0 && local_is_locked(data, "dev.lock");
}

bool local_is_asking(void) {
    return local.is_asking;
}

bool local_has_started_all(void) {
    return local.all.pid > 0;
}

bool local_is_ours(void) {
    return local.all.pid > 0 || local.worker.pid > 0;
}

static bool is_command(const struct call *call, const char *noun, const char *verb) {
    return strcmp(call->command->noun, noun) == 0 && call->command->verb &&
           strcmp(call->command->verb, verb) == 0;
}

// Whether it makes the provider calls that wait; all others only ask, or submit.
static bool needs_worker(const struct call *call) {
    return is_command(call, "batch", "run") || is_command(call, "batch", "watch");
}

static bool may_begin(const struct call *call) {
    return is_command(call, "batch", "run") || is_command(call, "batch", "submit");
}

void local_expect_ledger(const struct call *call) {
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof(path), "%s/ledger.db", call->conf->ledger_folder);
    if (access(path, F_OK) == 0)
        return;
    fail(EX_UNAVAILABLE,
         "nobody listens in %s (%s), and nothing was ever recorded there; name another folder with "
         "--data%s, or begin with colloq batch run%s FILE.jsonl",
         call->conf->data, conf_origin(call->conf, &call->conf->data),
         call->conf->simulated ? "" : ", say --simulate if its money is simulated",
         call_settings(call));
}

// ---- starting -----------------------------------------------------------------------------------

void local_say(const struct call *call, const char *event, const char *text) {
    // These say all that they say on stderr as JSON lines then.
    bool is_json = call_has(call, "json") && (needs_worker(call) || may_begin(call));
    if (!is_json) {
        (void)fprintf(stderr, "%s\n", text);
        return;
    }
    json_t *line =
        json_pack("{s:s, s:s, s:s}", "schema", "colloq/event/1", "event", event, "text", text);
    char *dumped = line ? json_dumps(line, JSON_COMPACT) : NULL;
    (void)fprintf(stderr, "%s\n", dumped ? dumped : "{}");
    mem_free(dumped);
    json_decref(line);
}

// In the child: a session of its own, so that no Ctrl-C and no closed terminal reaches it.
static _Noreturn void become(char **arguments, int hold, int log) {
    int null = open("/dev/null", O_RDONLY);
    // Above those that they are to become, so that none overwrites another.
    int clients = fcntl(local.clients, F_DUPFD, 10);
    hold = fcntl(hold, F_DUPFD, 10);
    log = fcntl(log, F_DUPFD, 10);
    (void)setsid();
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0 || dup2(hold, BRIEF_HOLD_FD) < 0 ||
        dup2(clients, BRIEF_CLIENTS_FD) < 0)
        _exit(EX_OSERR);
    (void)close_range(BRIEF_CLIENTS_FD + 1, ~0u, 0);
    (void)execv(arguments[0], arguments);
    _exit(EX_UNAVAILABLE);
}

static int open_log(const struct conf *conf, off_t *size) {
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof(path), "%s/log", conf->data);
    if (!conf_make_folder(path))
        fail(EX_CANTCREAT, "%s: cannot be made: %s; choose another folder with --data", path,
             strerror(errno));
    (void)snprintf(path, sizeof(path), "%s/log/dev.log", conf->data);
    int log = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0)
        fail(EX_CANTCREAT, "%s: %s", path, strerror(errno));
    *size = lseek(log, 0, SEEK_END);
    return log;
}

// Starts one and returns the descriptor of its log, with *from its size before.
static int start(struct child *child, const char *kind, off_t *from) {
    const struct call *call = local.call;
    int log = open_log(call->conf, from);
    int ends[2];
    char *arguments[] = {(char *)sibling_path("colloq"),
                         (char *)"dev",
                         (char *)"--brief",
                         (char *)kind,
                         (char *)"--data",
                         (char *)call->conf->data,
                         (char *)(call->conf->simulated ? "--simulate" : "--simulate=false"),
                         NULL};
    sock_context_close(); // nothing of ZeroMQ may run at a fork
    conf_pass_on(call->argc, call->argv);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        fail(EX_OSERR, "no pair of sockets: %s", strerror(errno));
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become(arguments, ends[1], log);
    (void)close(ends[1]);
    if (pid < 0)
        fail(EX_OSERR, "%s cannot be started: %s", arguments[0], strerror(errno));
    *child = (struct child){.pid = pid, .hold = ends[0]};
    return log;
}

// The code with which it has ended; -1: it runs.
static int end_of(struct child *child) {
    int status;
    if (child->pid <= 0 || waitpid(child->pid, &status, WNOHANG) != child->pid)
        return -1;
    (void)close(child->hold);
    *child = (struct child){0};
    return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

// What it has said, which is why it ended.
static _Noreturn void fail_with(int code, int log, off_t from) {
    char text[TAIL_BYTES_MAX + 1];
    off_t size = lseek(log, 0, SEEK_END);
    if (size - from > TAIL_BYTES_MAX)
        from = size - TAIL_BYTES_MAX;
    ssize_t got = pread(log, text, TAIL_BYTES_MAX, from);
    text[got > 0 ? got : 0] = 0;
    text_clean(text, true);
    (void)fprintf(stderr, "%s", text);
    fail(code != 0 ? code : EX_UNAVAILABLE, "colloq could not be started here; see %s/log/dev.log",
         local.call->conf->data);
}

static void wait_a_step(void) {
    sock_wait(NULL, 0, &local.call->stop_fd, 1, STEP_MS);
    if (process_is_stopped(local.call->stop_fd))
        exit(EXIT_STOPPED);
}

static void say_slow(const char *text) {
    if (local.is_slow_told || clock_now().mono_ms - local.began_ms < SLOW_MS)
        return;
    char line[PATH_SIZE + 64];
    local.is_slow_told = true;
    (void)snprintf(line, sizeof(line), "%s in %s …", text, local.call->conf->data);
    local_say(local.call, "waiting", line);
}

// Starts one and waits until all of it has joined. False: another command was first.
static bool start_and_wait(struct child *child, const char *kind) {
    off_t from = 0;
    uint64_t until = clock_now().mono_ms + START_MS;
    int log = start(child, kind, &from);
    char up;
    int code;
    while (recv(child->hold, &up, 1, MSG_DONTWAIT) != 1) {
        code = end_of(child);
        if (code == EX_TEMPFAIL) {
            (void)close(log);
            return false;
        }
        if (code >= 0)
            fail_with(code, log, from);
        // What takes longer (a long journal, a process that fails) the command itself can tell.
        if (clock_now().mono_ms > until && local_listens(local.call->conf))
            break;
        if (clock_now().mono_ms > until)
            fail_with(EX_UNAVAILABLE, log, from);
        say_slow("Starting colloq");
        wait_a_step();
    }
    (void)close(log);
    return true;
}

// ---- ending -------------------------------------------------------------------------------------

static void close_hold(struct child *child) {
    if (child->pid > 0)
        (void)close(child->hold);
}

// Only who has stopped it knows what the other Ctrl-C would be. Returns whether it was said.
static bool say_ending(uint64_t waited_ms) {
    if (!process_was_stopped() || waited_ms <= SLOW_MS)
        return false;
    local_say(local.call, "ending",
              "Ending: calls under way are finished first. Ctrl-C again ends it at once.");
    return true;
}

// Whatever ends this process: those that were started for it end before it does, so that the next
// command finds a quiet folder.
static void leave(void) {
    struct child *const children[] = {&local.worker, &local.all};
    bool is_told = false;
    uint64_t began = clock_now().mono_ms;
    if (local.worker.pid <= 0 && local.all.pid <= 0)
        return;
    bool is_last = flock(local.clients, LOCK_EX | LOCK_NB) == 0;
    close_hold(&local.worker);
    close_hold(&local.all);
    if (!is_last) {
        local_say(local.call, "left",
                  "Other commands use this colloq: it ends with the last of them.");
        return;
    }
    (void)fflush(stdout);
    for (int i = 0; i < 2; i++)
        while (children[i]->pid > 0 && waitpid(children[i]->pid, NULL, WNOHANG) == 0) {
            sock_wait(NULL, 0, &local.call->stop_fd, 1, STEP_MS / 5);
            if (process_is_stopped(local.call->stop_fd))
                for (int k = i; k < 2; k++)
                    if (children[k]->pid > 0)
                        (void)kill(children[k]->pid, SIGTERM);
            is_told = is_told || say_ending(clock_now().mono_ms - began);
        }
}

// ---- joining ------------------------------------------------------------------------------------

// Takes our part of clients.lock. False: those that were here are ending, and nobody comes in.
static bool take_part(void) {
    const struct conf *conf = local.call->conf;
    char path[PATH_SIZE];
    if (local.clients >= 0)
        return true;
    if (!conf_make_folder(conf->data))
        fail(EX_CANTCREAT, "%s: cannot be made: %s; choose another folder with --data", conf->data,
             strerror(errno));
    (void)snprintf(path, sizeof(path), "%s/clients.lock", conf->data);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        fail(errno == EACCES ? EX_NOPERM : EX_CANTCREAT,
             "%s: %s; choose another folder with --data", path, strerror(errno));
    if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
        local.clients = fd;
        return true;
    }
    (void)close(fd);
    return false;
}

static void start_all(void) {
    char line[PATH_SIZE + 128];
    const struct call *call = local.call;
    bool is_asking = !needs_worker(call);
    if (!start_and_wait(&local.all, is_asking ? BRIEF_ASKING : BRIEF_ALL))
        return;
    local.is_asking = is_asking;
    (void)snprintf(line, sizeof(line),
                   "colloq was not running: it was started in %s for this command.",
                   call->conf->data);
    local_say(local.call, "started", line);
}

// Somebody listens. Where that is another command's colloq without a worker, one is added.
static void take_what_is_there(void) {
    const struct conf *conf = local.call->conf;
    local.is_asking =
        dev_is(conf->data, BRIEF_ASKING) && !local_is_locked(conf->data, "dev-worker.lock");
    if (!local.is_asking || !needs_worker(local.call))
        return;
    if (start_and_wait(&local.worker, BRIEF_WORKER))
        local_say(local.call, "started",
                  "Another command's colloq was running without a worker: one was started "
                  "for this command.");
    local.is_asking = false;
}

// Nobody listens, and no colloq dev is there that will: what is missing, where nothing is started.
static void fail_unless_startable(bool is_dev_there) {
    const struct call *call = local.call;
    if (is_dev_there)
        return;
    if (!may_begin(call))
        local_expect_ledger(call);
    if (call->conf->no_start)
        fail(EX_UNAVAILABLE,
             "nobody listens at %s, and --no-start was given; start colloq dev%s there, or leave "
             "out --no-start",
             call->conf->endpoint, call_settings(call));
}

void local_join(struct call *call) {
    const struct conf *conf = call->conf;
    uint64_t limit = conf->no_start ? CLIENT_JOIN_MS : WAIT_MS;
    local.call = call;
    local.began_ms = clock_now().mono_ms;
    (void)atexit(leave);
    for (;;) {
        bool is_there = local_listens(conf);
        bool is_dev_there = local_is_locked(conf->data, "dev.lock");
        // Processes without a colloq dev are somebody else's, or left by one that was killed.
        bool is_broker_there = local_is_locked(conf->data, "broker.sock.lock");
        if (!is_there)
            fail_unless_startable(is_dev_there || is_broker_there);
        if (take_part()) {
            if (is_there && local_listens(conf)) {
                take_what_is_there();
                return;
            }
            if (!is_dev_there && !is_broker_there)
                start_all();
            if (local.all.pid > 0)
                return;
        }
        if (clock_now().mono_ms - local.began_ms > limit)
            fail(EX_UNAVAILABLE,
                 "colloq runs in %s, but nobody listens at %s; its logs are in the folder log, and "
                 "colloq doctor%s looks at all of it",
                 conf->data, conf->endpoint, call_settings(call));
        say_slow("Waiting for the colloq");
        wait_a_step();
    }
}
