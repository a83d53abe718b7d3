// broker-sim --seeds N [--from S] [--jobs N] [--coverage] [--short] | --seed S [--trace]
// Runs schedules. Exit 0: no promise was broken. Exit 1: one was; its seed stands in the last
// line, before it (but not with --short) the faults that it needs and the last that happened.
#include "tests/broker-sim/coverage.h"
#include "tests/broker-sim/world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { TWICE_EVERY = 8, LINES_SHOWN = 40, JOBS_AT_ONCE_MAX = 64 };

static const uint64_t all_faults = (1ull << FAULTS) - 1;
static volatile uint64_t seed_now;

static unsigned long long number(uint64_t value) {
    return value;
}

// A fault of memory is a broken promise too: its seed is said before the process ends.
static void on_signal(int signal_number) {
    char line[80];
    int size = snprintf(line, sizeof(line), "seed %llu broke a promise: signal %d\n",
                        number(seed_now), signal_number);
    if (write(STDOUT_FILENO, line, (size_t)size) < 0)
        _exit(2);
    _exit(1);
}

// Whether two texts differ in nothing but numbers.
static bool same_words(const char *a, const char *b) {
    for (;; a++, b++) {
        while (*a >= '0' && *a <= '9')
            a++;
        while (*b >= '0' && *b <= '9')
            b++;
        if (*a != *b || !*a)
            return *a == *b;
    }
}

// Takes the kinds of faults away one by one, as long as the schedule still fails in that way.
static uint64_t shrink(uint64_t seed, const char *why) {
    uint64_t needed = all_faults;
    for (unsigned i = 0; i < FAULTS; i++)
        if (!world_run(seed, needed & ~(1ull << i)) && same_words(world.why, why))
            needed &= ~(1ull << i);
    return needed;
}

static void explain(uint64_t seed) {
    char why[WHY_SIZE];
    memcpy(why, world.why, sizeof(why));
    uint64_t needed = shrink(seed, why);
    world.is_loud = true;
    (void)world_run(seed, needed);
    world.is_loud = false;
    printf("the last of what happened, with no more faults than it needs:\n");
    tell_rest(LINES_SHOWN);
    printf("needed:\n");
    for (unsigned i = 0; i < FAULTS; i++)
        if (needed >> i & 1)
            printf("  %s: %s\n", fault_name((enum fault)i), fault_text((enum fault)i));
    printf("seed %llu broke a promise %s\n", number(seed), why);
}

// Every so many schedules, that the second run is like the first.
static bool runs_alike(uint64_t seed) {
    uint64_t first = world.hash;
    (void)world_run(seed, all_faults);
    if (world.hash == first)
        return true;
    printf("seed %llu runs in two ways\n", number(seed));
    return false;
}

static int run_seeds(uint64_t from, uint64_t count, bool is_short) {
    for (uint64_t seed = from; seed < from + count; seed++) {
        seed_now = seed;
        if (!world_run(seed, all_faults)) {
            if (is_short)
                printf("seed %llu broke a promise %s\n", number(seed), world.why);
            else
                explain(seed);
            return 1;
        }
        if ((seed - from) % TWICE_EVERY == 0 && !runs_alike(seed))
            return 1;
    }
    return 0;
}

static int run_traced(uint64_t seed) {
    world.is_loud = world.is_printing = true;
    seed_now = seed;
    bool is_good = world_run(seed, all_faults);
    printf("seed %llu %s %s\n", number(seed), is_good ? "kept every promise" : "broke a promise",
           world.why);
    return is_good ? 0 : 1;
}

// Shares the seeds among processes; the exit code says whether all were good.
static int run_split(uint64_t from, uint64_t count, unsigned processes, bool is_short) {
    int worst = 0;
    fflush(stdout);
    for (unsigned i = 0; i < processes; i++) {
        uint64_t begin = from + count * i / processes;
        uint64_t end = from + count * (i + 1) / processes;
        pid_t child = fork();
        if (child == 0) {
            world_open();
            int code = run_seeds(begin, end - begin, is_short);
            world_close();
            coverage_add(world.events, world.deaths);
            fflush(stdout);
            _exit(code);
        }
        if (child < 0)
            return EX_OSERR;
    }
    for (unsigned i = 0; i < processes; i++) {
        int status = 0;
        if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            worst = 1;
    }
    return worst;
}

struct options {
    uint64_t from, count, jobs;
    bool is_one, is_traced, wants_coverage, is_short;
};

static bool read_options(int argc, char **argv, struct options *options) {
    for (int i = 1; i < argc; i++) {
        const char *flag = argv[i];
        if (strcmp(flag, "--trace") == 0) {
            options->is_traced = true;
            continue;
        }
        if (strcmp(flag, "--short") == 0) {
            options->is_short = true;
            continue;
        }
        if (strcmp(flag, "--coverage") == 0) {
            options->wants_coverage = true;
            continue;
        }
        char *end = NULL;
        uint64_t value = i + 1 < argc ? strtoull(argv[++i], &end, 10) : 0;
        if (!end || *end)
            return false;
        if (strcmp(flag, "--seeds") == 0)
            options->count = value;
        else if (strcmp(flag, "--from") == 0)
            options->from = value;
        else if (strcmp(flag, "--jobs") == 0)
            options->jobs = value;
        else if (strcmp(flag, "--seed") == 0)
            *options = (struct options){.from = value,
                                        .count = 1,
                                        .jobs = 1,
                                        .is_one = true,
                                        .is_traced = options->is_traced};
        else
            return false;
    }
    return options->count > 0 && options->jobs > 0 && options->jobs <= JOBS_AT_ONCE_MAX &&
           (options->is_one || !options->is_traced);
}

int main(int argc, char **argv) {
    struct options options = {.jobs = 1};
    if (getrandom(&options.from, sizeof(options.from), 0) != (ssize_t)sizeof(options.from))
        return EX_OSERR;
    options.from >>= 32; // short enough to type
    if (!read_options(argc, argv, &options)) {
        fprintf(stderr, "usage: broker-sim --seeds N [--from S] [--jobs N] [--coverage] [--short]"
                        " | --seed S [--trace]\n");
        return EX_USAGE;
    }
    coverage_open();
    (void)signal(SIGSEGV, on_signal);
    (void)signal(SIGABRT, on_signal);
    if (options.is_traced) {
        world_open();
        return run_traced(options.from);
    }
    printf("seeds %llu from %llu\n", number(options.count), number(options.from));
    int code = run_split(options.from, options.count, (unsigned)options.jobs, options.is_short);
    if (code == 0 && !coverage_print(options.count, options.wants_coverage))
        code = 1;
    return code;
}
