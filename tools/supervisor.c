#include "tools/supervisor.h"

#include "common/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

struct program *supervisor_add(struct supervisor *supervisor, const char *name, char *path) {
    assert(supervisor->count < PROGRAMS_MAX);
    struct program *program = &supervisor->programs[supervisor->count++];
    *program = (struct program){.name = name, .backoff_ms = BACKOFF_FIRST_MS};
    program->arguments[0] = path;
    return program;
}

void program_argument(struct program *program, const char *argument) {
    int i = 0;
    while (program->arguments[i])
        i++;
    assert(i < PROGRAM_ARGUMENTS_MAX);
    program->arguments[i] = mem_copy(argument, strlen(argument));
}

// ---- starting -----------------------------------------------------------------------------------

// In the child: only calls that are safe after a fork.
static _Noreturn void become(const struct program *program, int log_fd, pid_t parent) {
    sigset_t none;
    sigemptyset(&none);
    // Its own group, so that a Ctrl-C reaches it through us, in order; and it goes when we go.
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EX_OSERR);
    // A stop signal that came meanwhile still waits: it must end the program, not find our ways.
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (log_fd >= 0 && (dup2(log_fd, STDERR_FILENO) < 0 || dup2(log_fd, STDOUT_FILENO) < 0))
        _exit(EX_OSERR);
    int null = open("/dev/null", O_RDONLY);
    if (null >= 0)
        (void)dup2(null, STDIN_FILENO);
    (void)close_range(3, ~0u, 0);
    (void)execve(program->arguments[0], program->arguments, program->environment);
    _exit(errno == ENOENT ? EX_UNAVAILABLE : EX_OSERR);
}

static void start(struct program *program, uint64_t now_ms) {
    int log_fd = -1;
    if (program->log)
        log_fd = open(program->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become(program, log_fd, parent);
    if (log_fd >= 0)
        (void)close(log_fd);
    if (pid < 0) {
        program->restart_ms = now_ms + BACKOFF_MAX_MS;
        return;
    }
    program->pid = pid;
    program->started_ms = now_ms;
}

// ---- ends ---------------------------------------------------------------------------------------

// The last line of the program's log: most often why it ended.
static void show_last_line(const struct program *program) {
    char tail[2048];
    int fd = program->log ? open(program->log, O_RDONLY | O_CLOEXEC) : -1;
    off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    off_t from = size > (off_t)sizeof(tail) - 1 ? size - (off_t)sizeof(tail) + 1 : 0;
    ssize_t got = fd >= 0 ? pread(fd, tail, sizeof(tail) - 1, from) : -1;
    if (fd >= 0)
        (void)close(fd);
    while (got > 0 && tail[got - 1] == '\n')
        got--;
    if (got <= 0)
        return;
    tail[got] = 0;
    char *line = strrchr(tail, '\n');
    (void)fprintf(stderr, "  %s\n", line ? line + 1 : tail);
}

static bool is_hopeless(int code) {
    return code == EX_CONFIG || code == EX_USAGE || code == EX_DATAERR;
}

static void take_end(struct supervisor *supervisor, struct program *program, int status,
                     uint64_t now_ms) {
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    bool is_young = now_ms - program->started_ms < BACKOFF_RESET_MS;
    program->pid = 0;
    if (!is_young)
        program->backoff_ms = BACKOFF_FIRST_MS;
    if (WIFEXITED(status) && is_hopeless(code)) {
        (void)fprintf(stderr, "%s cannot run (exit code %d)%s%s\n", program->name, code,
                      program->log ? ", see " : "", program->log ? program->log : "");
        show_last_line(program);
        supervisor->exit = code;
        return;
    }
    (void)fprintf(stderr, "%s ended (%s %d); it is started again in %llu ms\n", program->name,
                  WIFEXITED(status) ? "exit code" : "signal",
                  WIFEXITED(status) ? code : WTERMSIG(status),
                  (unsigned long long)program->backoff_ms);
    if (code != 0)
        show_last_line(program);
    program->restart_ms = now_ms + program->backoff_ms;
    program->restarts++;
    // One that was killed did nothing wrong: only what fails by itself is tried later and later.
    bool is_to_blame = !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
    if (is_to_blame)
        program->backoff_ms =
            program->backoff_ms * 2 < BACKOFF_MAX_MS ? program->backoff_ms * 2 : BACKOFF_MAX_MS;
}

void supervisor_step(struct supervisor *supervisor, uint64_t now_ms) {
    for (int i = 0; i < supervisor->count && supervisor->exit == 0; i++) {
        struct program *program = &supervisor->programs[i];
        int status;
        if (program->pid > 0 && waitpid(program->pid, &status, WNOHANG) == program->pid)
            take_end(supervisor, program, status, now_ms);
        if (program->pid == 0 && supervisor->exit == 0 && now_ms >= program->restart_ms)
            start(program, now_ms);
    }
}

void program_stop(struct program *program) {
    if (program->pid > 0)
        (void)kill(program->pid, SIGTERM);
}

bool program_is_over(struct program *program) {
    int status;
    if (program->pid > 0 && waitpid(program->pid, &status, WNOHANG) == program->pid)
        program->pid = 0;
    return program->pid == 0;
}

void supervisor_kill(struct supervisor *supervisor) {
    for (int i = 0; i < supervisor->count; i++)
        if (supervisor->programs[i].pid > 0)
            (void)kill(supervisor->programs[i].pid, SIGKILL);
    for (int i = 0; i < supervisor->count; i++) {
        int status;
        if (supervisor->programs[i].pid > 0)
            (void)waitpid(supervisor->programs[i].pid, &status, 0);
        supervisor->programs[i].pid = 0;
    }
}
