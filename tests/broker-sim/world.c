// A schedule from its first moment to its last: time goes to what is due next, messages arrive,
// faults happen, processes work; until faults have ended and everything has settled.
#include "tests/broker-sim/world.h"

#include "common/mem.h"

#include <jansson.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct world world;

enum { TOLD_LINES = 64, TOLD_SIZE = 320 };

// The last lines that were told, for a schedule that fails.
static char told[TOLD_LINES][TOLD_SIZE];
static uint64_t told_count;

void broken(const char *format, ...) {
    char text[WHY_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)snprintf(world.why, sizeof(world.why), "at %llu ms: %.*s",
                   (unsigned long long)world.now_ms, WHY_SIZE - 40, text);
    TELL("BROKEN: %s", text);
    world.running = NULL;
    longjmp(world.failed, 1);
}

void note(uint64_t value) {
    world.hash = mix(world.hash ^ value, world.now_ms);
}

bool is_told(void) {
    return world.is_loud;
}

void tell(const char *format, ...) {
    char *line = told[told_count++ % TOLD_LINES];
    int size = snprintf(line, TOLD_SIZE, "%9.3f s  %-12s ", (double)world.now_ms / 1000,
                        world.running ? process_name(world.running) : "");
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line + size, TOLD_SIZE - (size_t)size, format, args);
    va_end(args);
    if (world.is_printing)
        printf("%s\n", line);
}

void tell_rest(unsigned lines) {
    uint64_t from = told_count > lines ? told_count - lines : 0;
    if (told_count - from > TOLD_LINES)
        from = told_count - TOLD_LINES;
    for (; from < told_count; from++)
        printf("%s\n", told[from % TOLD_LINES]);
}

const char *process_name(const struct process *process) {
    static char name[32];
    switch (process->kind) {
    case PROCESS_broker:
        return "broker";
    case PROCESS_accountant:
        return "accountant";
    case PROCESS_ingress:
        return "ingress";
    case PROCESS_extractor:
        (void)snprintf(name, sizeof(name), "extractor %u", process->at - AT_EXTRACTOR);
        return name;
    default:
        (void)snprintf(name, sizeof(name), "worker %u.%llu", process->name,
                       (unsigned long long)process->life);
        return name;
    }
}

// ---- a schedule ---------------------------------------------------------------------------------

static void begin(uint64_t seed, uint64_t allowed) {
    world.seed = seed;
    world.allowed = allowed;
    world.hash = 1469598103934665603u;
    world.now_ms = 1000;
    world.is_healed = world.has_two_of_a_name = world.has_lies = false;
    world.outliving = 0;
    world.running = NULL;
    world.why[0] = 0;
    world.lives = world.queries = 0;
    world.batches_used = 0;
    memset(world.claims, 0, sizeof(world.claims));
    memset(world.calls, 0, (world.calls_used + 1) * sizeof(world.calls[0]));
    memset(world.jobs, 0, (world.jobs_used + 1) * sizeof(world.jobs[0]));
    memset(world.stored_through, 0, sizeof(world.stored_through));
    world.calls_used = world.jobs_used = 0;
    told_count = 0;
    dice_seed(&world.chance, seed, 1);
    dice_seed(&world.net_dice, seed, 2);
    dice_seed(&world.provider_dice, seed, 3);
    dice_seed(&world.fault_dice, seed, 4);
    dice_seed(&world.kernel_dice, seed, 5);
    net_reset();
    spy_reset();
    disk_reset();
    ledger_reset();
    swarm_draw();
    files_write();
    processes_start();
}

static uint64_t next_ms(void) {
    uint64_t next = net_due_ms();
    uint64_t processes = processes_due_ms();
    uint64_t faults = faults_due_ms();
    next = processes < next ? processes : next;
    next = faults < next ? faults : next;
    if (!world.is_healed && world.healed_ms < next)
        next = world.healed_ms;
    return next > world.now_ms ? next : world.now_ms + 1;
}

static void run(void) {
    while (unsettled()) {
        world.now_ms = next_ms();
        if (!world.is_healed && world.now_ms >= world.healed_ms)
            faults_end();
        PROMISE(world.now_ms < world.healed_ms + HEALED_MS,
                "not settled %u s after the faults ended: %s", HEALED_MS / 1000, unsettled());
        faults_run();
        net_deliver();
        processes_run();
    }
    check_end();
    processes_stop();
}

bool world_run(uint64_t seed, uint64_t allowed) {
    volatile bool is_good = false;
    if (setjmp(world.failed) == 0) {
        begin(seed, allowed);
        run();
        is_good = true;
    }
    world.running = NULL;
    if (!is_good && world.is_loud)
        report();
    for (uint32_t i = 0; i < PROCESSES; i++)
        if (world.processes[i].life || world.processes[i].blocks)
            process_forget(&world.processes[i]);
    return is_good;
}

void world_open(void) {
    (void)mallopt(M_MMAP_THRESHOLD, 128 << 10); // fixed: large blocks come as untouched pages
    (void)mallopt(M_TRIM_THRESHOLD, 256 << 20);
    json_set_alloc_funcs(mem_new, mem_free); // a process that dies leaves nothing behind
    disk_open();
}

void world_close(void) {
    disk_shut();
}
