#include "common/process.h"

#include "common/log.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

int process_setup(void) {
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)umask(077);
    (void)signal(SIGPIPE, SIG_IGN);
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    int fd = -1;
    if (sigprocmask(SIG_BLOCK, &stops, NULL) == 0)
        fd = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        fatal(EX_OSERR, "process.failed", "why=\"no signal descriptor\"");
    return fd;
}

static bool was_stopped;

bool process_is_stopped(int stop_fd) {
    struct signalfd_siginfo info;
    bool is_stopped = read(stop_fd, &info, sizeof(info)) == (ssize_t)sizeof(info);
    was_stopped = was_stopped || is_stopped;
    return is_stopped;
}

bool process_was_stopped(void) {
    return was_stopped;
}
