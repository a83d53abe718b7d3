// Processes as their system sees them: they start, work when there is something to do, stand
// still, die with all their memory, and are started again.
#include "tests/broker-sim/world.h"

struct work {
    void (*start)(struct process *process);
    void (*turn)(struct process *process);
    void (*stop)(struct process *process);
    void (*gone)(struct process *process); // it died: what outlives its memory; may be NULL
    uint64_t (*due_ms)(const struct process *process);
};

static const struct work works[] = {
    [PROCESS_broker] = {broker_start, broker_turn, broker_stop, broker_gone, broker_due_ms},
    [PROCESS_worker] = {worker_start, worker_turn, worker_stop, NULL, worker_due_ms},
    [PROCESS_extractor] = {extractor_start, extractor_turn, extractor_stop, NULL, extractor_due_ms},
    [PROCESS_accountant] = {accountant_start, accountant_turn, accountant_stop, accountant_gone,
                            accountant_due_ms},
    [PROCESS_ingress] = {ingress_start, ingress_turn, ingress_stop, ingress_gone, ingress_due_ms},
};

uint64_t process_clock_ms(const struct process *process) {
    return world.now_ms + process->mono_ms;
}

void process_dies(const char *of) {
    struct process *process = world.running;
    PROMISE(process, "the world itself dies of %s", of);
    TELL("dies: %s", of);
    longjmp(world.died, 1);
}

// What is left of a process that is gone: nothing.
void process_forget(struct process *process) {
    struct process *running = world.running;
    world.running = process;
    if (works[process->kind].gone)
        works[process->kind].gone(process);
    world.running = running;
    process->life = 0;
    memory_drop(process);
    net_forget(process);
}

void process_kill(struct process *process, uint64_t back_in_ms) {
    if (!process->life)
        return;
    TELL("%s is killed", process_name(process));
    note(0xdead + process->at);
    world.deaths++;
    process_forget(process);
    process->back_ms = world.now_ms + back_in_ms;
}

void process_enter(struct process *process, void (*work)(struct process *process)) {
    struct process *before = world.running;
    world.running = process;
    if (setjmp(world.died) == 0) {
        work(process);
        world.running = before;
        return;
    }
    world.running = before;
    note(0xd1ed + process->at);
    world.deaths++;
    process_forget(process);
    process->back_ms = world.now_ms + 50 + draw_below(&world.chance, 500);
}

void process_start(struct process *process) {
    process->life = ++world.lives;
    process->starts++;
    process->frozen_until_ms = process->busy_until_ms = 0;
    process->is_liar = false;
    process->greeted_ms = 0;
    process->no_way_to_ms = process->no_way_from_ms = 0;
    process->ran_ms = world.now_ms;
    TELL("%s starts", process_name(process));
    process_enter(process, works[process->kind].start);
}

void process_freeze(struct process *process, uint64_t for_ms) {
    if (!process->life || process->frozen_until_ms > world.now_ms)
        return;
    TELL("%s stands still for %llu ms", process_name(process), (unsigned long long)for_ms);
    note(0xf0000 + process->at);
    process->frozen_until_ms = world.now_ms + for_ms;
}

static enum process_kind kind_of(uint32_t at) {
    if (at == AT_BROKER)
        return PROCESS_broker;
    if (at < AT_EXTRACTOR)
        return PROCESS_worker;
    if (at < AT_ACCOUNTANT)
        return PROCESS_extractor;
    return at == AT_ACCOUNTANT ? PROCESS_accountant : PROCESS_ingress;
}

void processes_start(void) {
    for (uint32_t at = 0; at < PROCESSES; at++) {
        struct process *process = &world.processes[at];
        *process = (struct process){.kind = kind_of(at), .at = at};
        process->mono_ms = draw_below(&world.chance, 1u << 30);
        if (process->kind == PROCESS_worker) {
            process->name = (at - AT_WORKER) % NAMES;
            if (at >= AT_WORKER + NAMES) {
                process->back_ms = UINT64_MAX; // a place for who takes a name that is in use
                continue;
            }
        }
        process_start(process);
    }
}

// When a process has something to do; UINT64_MAX: it is dead for good.
static uint64_t due_ms(const struct process *process) {
    if (!process->life)
        return process->back_ms;
    uint64_t due = process->letters ? world.now_ms : works[process->kind].due_ms(process);
    due = process->busy_until_ms > due ? process->busy_until_ms : due;
    return process->frozen_until_ms > due ? process->frozen_until_ms : due;
}

uint64_t processes_due_ms(void) {
    uint64_t next = UINT64_MAX;
    for (uint32_t at = 0; at < PROCESSES; at++) {
        uint64_t due = due_ms(&world.processes[at]);
        next = due < next ? due : next;
    }
    return next;
}

void processes_run(void) {
    for (uint32_t at = 0; at < PROCESSES; at++) {
        struct process *process = &world.processes[at];
        if (due_ms(process) > world.now_ms)
            continue;
        if (!process->life) {
            process_start(process);
            continue;
        }
        process_enter(process, works[process->kind].turn);
        process->ran_ms = world.now_ms;
        if (process->life && world.swarm.turn_max_ms && process->kind == PROCESS_broker)
            process->busy_until_ms =
                world.now_ms + draw_below(&world.chance, world.swarm.turn_max_ms);
    }
}

void processes_stop(void) {
    for (uint32_t at = 0; at < PROCESSES; at++) {
        struct process *process = &world.processes[at];
        if (!process->life)
            continue;
        process_enter(process, works[process->kind].stop);
        uint64_t held = memory_held(process);
        PROMISE(held == 0, "%s ends and has not given back %llu blocks of memory",
                process_name(process), (unsigned long long)held);
        process->life = 0;
    }
}
