// power-cuts-journal, power-cuts-ledger: --cuts N [--seed S] [--jobs N] [--mode full|normal|lying]
//                                        --errors [--every N] [--seed S]
// Lets power fail under the real journal, or the real ledger; or, once for each operation of a
// short story, the disk. Exit 0: no promise was broken.
// Exit 1: one was; the seed of its story stands in the last line, and with --seed S alone that
// story is lived again, with what its processes log.
#include "tests/power/powerfail_vfs.h"
#include "tests/power/seams.h"
#include "tests/power/story.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    CUTS_A_STORY = 12,
    JOBS_MAX = 64,
    STORY_SECONDS_MAX = 120, // of some hundredths: it has lost its way
};

struct options {
    uint64_t cuts, seed, jobs, every;
    bool has_seed, has_cuts, has_errors;
    enum disk_mode mode;
};

static const char *const mode_names[] = {"full", "normal", "lying"};
static volatile uint64_t seed_now;

// An assertion of the code under test is a broken promise too, and so is a story without an end:
// its seed is said before the process goes.
static void on_signal(int signal_number) {
    char line[96];
    int size = snprintf(line, sizeof(line), "seed %llu %s\n", (unsigned long long)seed_now,
                        signal_number == SIGALRM ? "does not end" : "failed an assertion");
    if (write(STDOUT_FILENO, line, (size_t)size) < 0)
        _exit(EX_IOERR);
    _exit(1);
}

// One process's share. In a mode that must fail all stories are lived, and the broken ones counted.
static bool live_share(const struct options *options, uint64_t seed, uint64_t cuts,
                       struct tally *tally) {
    char why[600];
    for (; tally->cuts < cuts; seed++) {
        uint64_t left = cuts - tally->cuts;
        seed_now = seed;
        (void)alarm(STORY_SECONDS_MAX);
        if (story_run(options->mode, seed, left < CUTS_A_STORY ? left : CUTS_A_STORY, tally, why,
                      sizeof(why)) ||
            options->mode != DISK_full)
            continue;
        printf("seed %llu broke a promise: %s\n", (unsigned long long)seed, why);
        break;
    }
    return tally->broken == 0;
}

static void add_up(struct tally *all, const struct tally *more) {
    all->stories += more->stories;
    all->cuts += more->cuts;
    all->turns += more->turns;
    all->commits += more->commits;
    all->broken += more->broken;
}

static int run_errors(const struct options *options) {
    struct tally tally = {0};
    char why[600];
    seed_now = options->seed;
    bool is_good = errors_run(options->seed, options->every, &tally, why, sizeof(why));
    if (!is_good)
        printf("seed %llu broke a promise: %s\n", (unsigned long long)options->seed, why);
    printf("%s: %llu faults, after %llu of them the process ended\n", subject.name,
           (unsigned long long)tally.faults, (unsigned long long)tally.ended);
    return is_good ? 0 : 1;
}

// Shares the cuts among processes, which tell what they counted through shared memory.
static int run(const struct options *options) {
    struct tally all = {0};
    struct tally *tallies = mmap(NULL, JOBS_MAX * sizeof(*tallies), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int worst = 0;
    if (tallies == MAP_FAILED)
        return EX_OSERR;
    (void)fflush(stdout);
    for (uint64_t i = 0; i < options->jobs; i++) {
        uint64_t cuts = options->cuts * (i + 1) / options->jobs - options->cuts * i / options->jobs;
        pid_t child = fork();
        if (child < 0)
            return EX_OSERR;
        if (child > 0)
            continue;
        bool is_good = live_share(options, options->seed + (i << 32), cuts, &tallies[i]);
        (void)fflush(stdout);
        _exit(is_good ? 0 : 1);
    }
    for (uint64_t i = 0; i < options->jobs; i++) {
        int status = 0;
        bool is_here = wait(&status) > 0;
        if (is_here && WIFSIGNALED(status))
            printf("a process was ended by signal %d\n", WTERMSIG(status));
        if (!is_here || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            worst = 1;
    }
    for (uint64_t i = 0; i < options->jobs; i++)
        add_up(&all, &tallies[i]);
    printf(
        "%s, mode %s: %llu cuts in %llu stories, %llu turns, %llu commits, %llu stories broken\n",
        subject.name, mode_names[options->mode], (unsigned long long)all.cuts,
        (unsigned long long)all.stories, (unsigned long long)all.turns,
        (unsigned long long)all.commits, (unsigned long long)all.broken);
    return worst;
}

static int usage(void) {
    (void)fprintf(stderr,
                  "usage: power-cuts-%s --cuts N [--seed S] [--jobs N] [--mode full|normal|lying]"
                  " | --seed S [--mode …] | --errors [--every N] [--seed S]\n",
                  subject.name);
    return EX_USAGE;
}

static bool take_mode(const char *name, struct options *options) {
    for (int i = 0; i < 3; i++)
        if (strcmp(name, mode_names[i]) == 0) {
            options->mode = (enum disk_mode)i;
            return true;
        }
    return false;
}

// Reads the pair of a flag and its value; false: it is none of ours.
static bool take_flag(const char *flag, const char *value, struct options *options) {
    uint64_t number = strtoull(value, NULL, 10);
    if (strcmp(flag, "--mode") == 0)
        return take_mode(value, options);
    if (strcmp(flag, "--cuts") == 0) {
        options->cuts = number;
        options->has_cuts = true;
    } else if (strcmp(flag, "--seed") == 0) {
        options->seed = number;
        options->has_seed = true;
    } else if (strcmp(flag, "--jobs") == 0) {
        options->jobs = number;
    } else if (strcmp(flag, "--every") == 0) {
        options->every = number;
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv) {
    struct options options = {.jobs = 1, .every = 1};
    for (int i = 1; i < argc; i += 2) {
        options.has_errors = options.has_errors || strcmp(argv[i], "--errors") == 0;
        if (strcmp(argv[i], "--errors") == 0)
            i--;
        else if (i + 1 >= argc || !take_flag(argv[i], argv[i + 1], &options))
            return usage();
    }
    if ((!options.has_cuts && !options.has_seed && !options.has_errors) || options.jobs == 0 ||
        options.jobs > JOBS_MAX)
        return usage();
    if (!options.has_seed &&
        getrandom(&options.seed, sizeof(options.seed), 0) != (ssize_t)sizeof(options.seed))
        return EX_OSERR;
    if (!options.has_seed)
        options.seed >>= 24; // short enough to type
    seams.is_loud = !options.has_cuts && !options.has_errors;
    if (!options.has_cuts)
        options.cuts = CUTS_A_STORY;
    (void)signal(SIGABRT, on_signal);
    (void)signal(SIGALRM, on_signal);
    powerfail_register();
    printf("power cuts of the %s from seed %llu\n", subject.name, (unsigned long long)options.seed);
    return options.has_errors ? run_errors(&options) : run(&options);
}
