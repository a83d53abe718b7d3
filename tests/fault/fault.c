#include "tests/fault/fault.h"

#include "common/log.h"
#include "common/mem.h"
#include "tests/fault/heap.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { EXIT_LEAK = 101, SAID_MAX = 16 << 10 };

// How a run ended.
struct ending {
    int status; // as of waitpid
    char said[SAID_MAX];
};

// The scenario with its n-th allocation failing, in a child that ends with it.
_Noreturn static void run_child(const struct fault *fault, uint64_t n, bool goes_on, int log) {
    (void)dup2(log, STDERR_FILENO);
    int64_t held = heap_held(), held_by_us = mem_held();
    heap_fail_at(n, goes_on);
    fault->run();
    heap_fail_at(0, false);
    if (heap_held() != held || mem_held() != held_by_us) {
        (void)dprintf(STDERR_FILENO, "leaks: %lld blocks, %lld of them by mem.h\n",
                      (long long)(heap_held() - held), (long long)(mem_held() - held_by_us));
        _exit(EXIT_LEAK);
    }
    _exit(EX_OK);
}

static void run_once(const struct fault *fault, uint64_t n, bool goes_on, struct ending *ending) {
    int log = memfd_create("said", MFD_CLOEXEC);
    ck_assert_int_ge(log, 0);
    if (fault->prepare)
        fault->prepare();
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        run_child(fault, n, goes_on, log);
    ck_assert_int_eq(waitpid(child, &ending->status, 0), child);
    ssize_t size = pread(log, ending->said, SAID_MAX - 1, 0);
    ending->said[size > 0 ? size : 0] = 0;
    (void)close(log);
    if (fault->verify)
        fault->verify();
}

// Whether the last line that the process wrote says why it ended.
static bool has_said_why(const struct ending *ending) {
    size_t size = strlen(ending->said);
    const char *line = ending->said;
    for (const char *c = line; size > 0 && c < ending->said + size - 1; c++)
        if (*c == '\n')
            line = c + 1;
    return size > 0 && ending->said[size - 1] == '\n' && strstr(line, " lvl=error ") != NULL;
}

// Check's own assertions allocate, and end their process when they cannot.
static bool has_test_failed_itself(const struct ending *ending) {
    return strstr(ending->said, "/check_error.c:") != NULL;
}

static bool is_as_documented(const struct fault *fault, const struct ending *ending) {
    if (!WIFEXITED(ending->status))
        return false;
    int code = WEXITSTATUS(ending->status);
    if (code == EX_OK || has_test_failed_itself(ending))
        return true;
    return (code == EX_OSERR || (fault->code != 0 && code == fault->code)) && has_said_why(ending);
}

// How often the scenario allocates. It runs twice: what it leaves in the caches of libraries (and
// a log line in the C library's of time zones) is then there in every run.
static uint64_t count(const struct fault *fault) {
    uint64_t before = 0;
    log_line(LOG_ERROR, "fault.begins", "scenario=%s", fault->name);
    for (int i = 0; i < 2; i++) {
        if (fault->prepare)
            fault->prepare();
        before = heap_asked();
        fault->run();
        before = heap_asked() - before;
        if (fault->verify)
            fault->verify();
    }
    ck_assert_msg(before > 0, "%s allocates nothing", fault->name);
    return before;
}

void fault_each(const struct fault *fault, uint64_t points_max) {
    static struct ending ending;
    uint64_t total = count(fault), runs = 0, ended = 0;
    uint64_t step = getenv("FAULT_EVERY") ? 1 : (total + points_max - 1) / points_max;
    for (int goes_on = 0; goes_on <= 1; goes_on++)
        for (uint64_t n = 1; n <= total; n += step) {
            run_once(fault, n, goes_on, &ending);
            ck_assert_msg(
                is_as_documented(fault, &ending), "%s: allocation %llu of %llu%s: %s %d\n%s",
                fault->name, (unsigned long long)n, (unsigned long long)total,
                goes_on ? " and all after it" : "", WIFEXITED(ending.status) ? "exit" : "signal",
                WIFEXITED(ending.status) ? WEXITSTATUS(ending.status) : WTERMSIG(ending.status),
                ending.said);
            runs++;
            ended += WEXITSTATUS(ending.status) != EX_OK;
        }
    printf("%s: %llu allocations, %llu runs, %llu of them ended the process\n", fault->name,
           (unsigned long long)total, (unsigned long long)runs, (unsigned long long)ended);
}
