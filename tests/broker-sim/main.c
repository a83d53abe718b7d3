// broker-sim --seeds N [--from S] | --seed S: runs schedules, each twice, and compares the two.
// Exit 0: no promise was broken. Exit 1: one was; its seed stands in the last line.
#include "tests/broker-sim/world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

static struct world *world_new(void) {
    struct world *world = pages_new(sizeof(*world));
    world->queue = pages_new((QUEUE_MAX + 1) * sizeof(struct message));
    world->operations = operations_new(OPERATIONS_MAX);
    return world;
}

static void world_free(struct world *world) {
    broker_stop(world);
    pages_free(world->queue, (QUEUE_MAX + 1) * sizeof(struct message));
    operations_free(world->operations, OPERATIONS_MAX);
    pages_free(world, sizeof(*world));
}

// What stood where when a promise broke: for `--seed`.
static void report(const struct world *world) {
    for (uint32_t i = 0; i < BATCHES; i++)
        printf("  file %u: %u lines, %u accepted, number %llu%s%s%s%s\n", i, world->files[i].count,
               world->files[i].accepted, (unsigned long long)world->files[i].number,
               world->files[i].is_opened ? " opened" : "",
               world->files[i].is_sealed ? " sealed" : "",
               world->files[i].is_cancelled ? " cancelled" : "",
               world->ledger.is_settled[i] ? " settled" : "");
    for (uint32_t slot = 1; world->core && slot <= core_batch_slots(world->core); slot++) {
        const struct batch *batch = core_batch(world->core, slot);
        printf("  batch %llu: state %u, unsettled %llu, records %llu, open %llu, jobs:",
               (unsigned long long)batch->number, batch->state,
               (unsigned long long)batch->unsettled, (unsigned long long)batch->records,
               (unsigned long long)batch->attempts_open);
        for (int state = 1; state < JOB_STATES; state++)
            if (batch->states[state])
                printf(" %llu %s", (unsigned long long)batch->states[state],
                       job_state_name((enum job_state)state));
        printf("\n");
    }
    for (uint32_t slot = 1; world->core && slot <= core_lane_slots(world->core); slot++) {
        const struct lane *lane = core_lane(world->core, slot);
        printf("  lane %s/%s: state %u, waiting %u, window %u, marks %u, waits for %s\n",
               lane->provider, lane->model, lane->state, lane->waiting, lane->window, lane->marks,
               reason_name((enum reason)lane->wait));
    }
    printf("  records pending %llu, accountant %d, faults: drop %u duplicate %u delay %u\n",
           (unsigned long long)(world->core ? core_records_pending(world->core) : 0),
           world->core ? core_has_accountant(world->core) : 0, world->faults.drop,
           world->faults.duplicate, world->faults.delay_max_ms);
}

// Runs one schedule; false: why says what broke.
static bool run_once(uint64_t seed, uint64_t *hash, uint64_t *events, uint64_t *crashes, char *why,
                     size_t why_size, bool is_loud) {
    struct world *volatile world = world_new();
    volatile bool is_good = false;
    if (setjmp(world->failed) == 0) {
        world_run(world, seed);
        is_good = true;
    }
    *hash = world->trace;
    *events += world->events;
    *crashes += world->crashes;
    (void)snprintf(why, why_size, "at %llu ms: %s", (unsigned long long)world->now_ms, world->why);
    if (is_loud && !is_good)
        report(world);
    world_free(world);
    return is_good;
}

static volatile uint64_t seed_now;

// An assert of the core is a broken promise too: its seed is said before the process ends.
static void on_abort(int signal_number) {
    char line[64];
    int size = snprintf(line, sizeof(line), "seed %llu failed an assertion\n",
                        (unsigned long long)seed_now);
    if (write(STDOUT_FILENO, line, (size_t)size) < 0)
        _exit(2);
    (void)signal_number;
    _exit(1);
}

static int run_seeds(uint64_t from, uint64_t count) {
    uint64_t events = 0, crashes = 0;
    (void)signal(SIGABRT, on_abort);
    for (uint64_t seed = from; seed < from + count; seed++) {
        uint64_t first, second;
        seed_now = seed;
        char why[400];
        bool is_good = run_once(seed, &first, &events, &crashes, why, sizeof(why), true);
        if (!is_good) {
            printf("seed %llu broke a promise %s\n", (unsigned long long)seed, why);
            return 1;
        }
        (void)run_once(seed, &second, &events, &crashes, why, sizeof(why), false);
        if (first != second) {
            printf("seed %llu runs in two ways\n", (unsigned long long)seed);
            return 1;
        }
    }
    printf("schedules %llu events %llu crashes %llu\n", (unsigned long long)count,
           (unsigned long long)events, (unsigned long long)crashes);
    return 0;
}

// Shares the seeds among processes; the exit code says whether all were good.
static int run_split(uint64_t from, uint64_t count, unsigned processes) {
    int worst = 0;
    fflush(stdout);
    for (unsigned i = 0; i < processes; i++) {
        uint64_t begin = from + count * i / processes;
        uint64_t end = from + count * (i + 1) / processes;
        pid_t child = fork();
        if (child == 0) {
            int code = run_seeds(begin, end - begin);
            fflush(stdout);
            _exit(code);
        }
        if (child < 0)
            return 2;
    }
    for (unsigned i = 0; i < processes; i++) {
        int status = 0;
        if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            worst = 1;
    }
    return worst;
}

static int usage(void) {
    fprintf(stderr, "usage: broker-sim --seeds N [--from S] [--jobs N] | --seed S\n");
    return 64;
}

// Reads the pair of a flag and its number; false: it is none of ours.
static bool take_flag(const char *flag, const char *number, uint64_t *from, uint64_t *count,
                      uint64_t *jobs) {
    uint64_t value = strtoull(number, NULL, 10);
    if (strcmp(flag, "--seeds") == 0) {
        *count = value;
    } else if (strcmp(flag, "--from") == 0) {
        *from = value;
    } else if (strcmp(flag, "--jobs") == 0) {
        *jobs = value;
    } else if (strcmp(flag, "--seed") == 0) {
        *from = value;
        *count = 1;
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv) {
    uint64_t from = 0, count = 0, jobs = 1;
    if (getrandom(&from, sizeof(from), 0) != (ssize_t)sizeof(from))
        return 71;
    from >>= 16; // short enough to type
    for (int i = 1; i < argc; i += 2)
        if (i + 1 >= argc || !take_flag(argv[i], argv[i + 1], &from, &count, &jobs))
            return usage();
    if (count == 0 || jobs == 0 || jobs > 64)
        return usage();
    printf("seeds %llu from %llu\n", (unsigned long long)count, (unsigned long long)from);
    return run_split(from, count, (unsigned)jobs);
}
