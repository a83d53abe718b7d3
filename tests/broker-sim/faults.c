#include "tests/broker-sim/world.h"

#include "common/id.h"

#include <stdio.h>

const char *fault_name(enum fault fault) {
    static const char *const names[] = {
#define X(name, what) #name,
        FAULT_MAP(X)
#undef X
    };
    return names[fault];
}

const char *fault_text(enum fault fault) {
    static const char *const texts[] = {
#define X(name, what) what,
        FAULT_MAP(X)
#undef X
    };
    return texts[fault];
}

// ---- how much of each ---------------------------------------------------------------------------

static uint32_t between(uint32_t least, uint32_t most) {
    return least + draw_below(&world.chance, most - least + 1);
}

// Swarm: a kind of fault is in a schedule or not; if it is, there is little or much of it.
// Always draws alike, so that a kind that is taken away leaves the others as they were.
static uint32_t some(enum fault fault, uint32_t per_mille, uint32_t least, uint32_t most) {
    bool is_drawn = draw_chance(&world.chance, per_mille);
    uint32_t amount = between(least, most);
    bool is_in = is_drawn && (world.allowed >> fault & 1);
    return world.swarm.rate[fault] = is_in ? amount : 0;
}

static uint32_t if_any(enum fault fault, uint32_t most) {
    uint32_t amount = draw_chance(&world.chance, 400) ? 0 : between(1, most);
    return world.swarm.rate[fault] ? amount : 0;
}

static void draw_limits(struct swarm *swarm) {
    bool is_small = some(FAULT_limits, 500, 1, 1) > 0;
    uint32_t slots = between(1, 6), concurrency = between(1, 4), credit = between(1, 16);
    uint32_t jobs = between(FILES * LINES_MAX, FILES * LINES_MAX + 20), records = between(0, 200);
    uint32_t pages = between(60, 160) * 1000;
    swarm->call_limit_ms = between(2, 20) * 1000;
    swarm->other_limit_ms = between(2, 20) * 1000;
    swarm->attempts_max = between(1, 4);
    swarm->slots = is_small ? slots : 8;
    swarm->concurrency = is_small ? concurrency : 8;
    swarm->credit = is_small ? credit : 256;
    swarm->jobs_max = is_small ? jobs : 4 * FILES * LINES_MAX;
    swarm->records_max = is_small ? RECORDS_LEAST + records : 8192;
    swarm->pages_bytes_max = is_small ? pages : 1u << 30;
}

static void draw_provider(struct swarm *swarm) {
    (void)some(FAULT_provider, 700, 1, 1);
    swarm->errors = if_any(FAULT_provider, 250);
    swarm->rate_limits = if_any(FAULT_provider, 150);
    swarm->cuts = if_any(FAULT_provider, 150);
    swarm->hangs = if_any(FAULT_provider, 80);
    swarm->refusals = if_any(FAULT_provider, 60);
    swarm->lane_refusals = if_any(FAULT_provider, 60);
    (void)some(FAULT_poison, 300, 1, 1);
    swarm->unreadable = if_any(FAULT_poison, 60);
    swarm->without_message = if_any(FAULT_poison, 60);
    swarm->deadly = if_any(FAULT_poison, 40);
}

void swarm_draw(void) {
    struct swarm *swarm = &world.swarm;
    *swarm = (struct swarm){0};
    (void)some(FAULT_drop, 400, 5, 200);
    (void)some(FAULT_duplicate, 400, 5, 200);
    (void)some(FAULT_delay, 500, 20, 500);
    swarm->delay_max_ms = between(2, 3000);
    (void)some(FAULT_partition, 300, 4000, 20000);
    (void)some(FAULT_broker_crash, 500, 3000, 20000);
    swarm->crash_at_commit = if_any(FAULT_broker_crash, 10);
    swarm->crash_at_send = if_any(FAULT_broker_crash, 5);
    (void)some(FAULT_worker_crash, 450, 1500, 15000);
    (void)some(FAULT_other_crash, 350, 2000, 15000);
    swarm->crash_at_ledger = if_any(FAULT_other_crash, 40);
    (void)some(FAULT_freeze, 350, 3000, 15000);
    (void)some(FAULT_zombie, 150, 5000, 20000);
    (void)some(FAULT_liar, 120, 300, 3000);
    (void)some(FAULT_clock, 150, 3000, 15000);
    (void)some(FAULT_client, 350, 500, 8000);
    (void)some(FAULT_cancel, 300, 700, 15000);
    (void)some(FAULT_pause, 150, 3000, 15000);
    draw_provider(swarm);
    draw_limits(swarm);
    (void)some(FAULT_full, 150, 3000, 15000);
    swarm->full_at_commit = if_any(FAULT_full, 8);
    swarm->turn_max_ms = some(FAULT_slow, 250, 5, 200);
    swarm->slow_calls = if_any(FAULT_slow, 1) || if_any(FAULT_freeze, 1);
    (void)some(FAULT_policy, 450, 1, 1);
    (void)some(FAULT_revive, 400, 400, 5000);
    // Who decides about dead turns wants some that were never called.
    swarm->unprepared = if_any(FAULT_revive, 300);
    world.healed_ms = world.now_ms + between(5, 45) * 1000;
    world.disk_free_bytes = UINT64_MAX >> 1;
    world.has_lies = swarm->rate[FAULT_liar] > 0;
    for (uint32_t i = 0; i < NAMES; i++)
        world.is_name_lasting[i] = draw_chance(&world.chance, 700);
    for (uint32_t i = 0; i < FAULTS; i++)
        world.next_fault_ms[i] = UINT64_MAX;
    for (uint32_t i = 0; i < FAULTS; i++)
        if (swarm->rate[i] >= 300) // those that come at times, and not with each message or call
            world.next_fault_ms[i] = world.now_ms + draw_below(&world.fault_dice, swarm->rate[i]);
}

// ---- what happens -------------------------------------------------------------------------------

static uint32_t below(uint32_t bound) {
    return draw_below(&world.fault_dice, bound);
}

static struct process *some_worker(void) {
    return &world.processes[AT_WORKER + below(WORKERS)];
}

static void cut_link(void) {
    struct process *process = &world.processes[1 + below(PROCESSES - 1)];
    uint64_t until_ms = world.now_ms + 500 + below(15000);
    uint32_t way = below(3);
    process->holds_mail = below(2) == 0;
    if (way != 1)
        process->no_way_to_ms = until_ms;
    if (way != 2)
        process->no_way_from_ms = until_ms;
    TELL("the link of %s is cut until %llu, %s", process_name(process),
         (unsigned long long)until_ms,
         way == 0   ? "both ways"
         : way == 1 ? "from the broker"
                    : "to the broker");
}

static void freeze_one(void) {
    uint32_t at = below(4) == 0 ? AT_BROKER
                  : below(3)    ? AT_WORKER + below(NAMES)
                                : below(PROCESSES);
    // Workers mostly for about as long as their calls are waited for.
    uint64_t least_ms = below(2) ? world.conf.call_limit_ms + CALL_MARGIN_MS : 500;
    process_freeze(&world.processes[at], least_ms + below(at == AT_BROKER ? 8000 : 12000));
}

// Somebody takes the name of a process that lives: the folder was copied, or its lock is none.
static void take_name(void) {
    uint32_t at = AT_WORKER + NAMES;
    while (at < AT_EXTRACTOR && world.processes[at].life)
        at++;
    if (at == AT_EXTRACTOR)
        return;
    world.processes[at].name = below(NAMES);
    if (world.is_name_lasting[world.processes[at].name])
        world.has_two_of_a_name = true;
    process_start(&world.processes[at]);
}

static void jump_clock(void) {
    struct process *process = &world.processes[below(PROCESSES)];
    int64_t by_ms = (int64_t)below(7200 * 1000) - 3600 * 1000;
    process->wall_ms = by_ms;
    TELL("the wall clock of %s is off by %lld s", process_name(process), (long long)by_ms / 1000);
}

// The call of a file that was marked last and is still out, if there is one; rather one whose job
// may still be answered by an earlier call.
static const struct call_fact *open_call(const struct submission *file) {
    const struct call_fact *found = NULL;
    for (uint64_t i = world.calls_used; i > 0; i--) {
        const struct call_fact *call = &world.calls[i];
        const struct job_fact *job = &world.jobs[call->job];
        if (!call->has_left || call->stored != END_none || job->line == 0 || job->file >= FILES ||
            &world.files[job->file] != file)
            continue;
        if (!found || (job->was_maybe_billed && !world.jobs[found->job].was_maybe_billed))
            found = call;
    }
    return found;
}

static void cancel(void) {
    struct submission *file = &world.files[below(FILES)];
    const struct call_fact *call = below(4) ? open_call(file) : NULL;
    uint32_t line = call ? world.jobs[call->job].line : 1 + below(file->count);
    char id[UUID_TEXT_SIZE], arguments[80];
    bool is_batch = below(4) == 0;
    uuid_text(is_batch ? file->batch_id : file->lines[line].job_id, id);
    (void)snprintf(arguments, sizeof(arguments), "{\"%s\":\"%s\"}", is_batch ? "batch" : "job", id);
    file->may_be_cancelled = true;
    ingress_ask(is_batch ? "batch.cancel" : "job.cancel", arguments);
    // Its end is long in coming.
    if (call && call->taken_life && world.swarm.rate[FAULT_freeze] && below(2))
        process_freeze(&world.processes[call->taken_at], 1000 + below(8000));
}

static void decide_lane(const char *what, uint32_t which) {
    char arguments[64];
    (void)snprintf(arguments, sizeof(arguments), "{\"lane\":\"%s/k/%s\"}", which & 1 ? "p" : "q",
                   which & 2 ? "m" : "n");
    ingress_ask(what, arguments);
}

// Pauses some lane or lets it go on; in the end all go on.
static void decide_lanes(void) {
    if (!world.is_healed) {
        decide_lane(below(2) ? "lane.pause" : "lane.resume", below(4));
        return;
    }
    for (uint32_t which = 0; which < 4; which++)
        decide_lane("lane.resume", which);
}

static bool is_dead(uint32_t at, uint32_t line) {
    return strcmp(ledger_line(at, line)->outcome, "dead") == 0;
}

// A dead line of the file, rather a turn behind a dead one; else the first.
static uint32_t some_dead(uint32_t at) {
    const struct submission *file = &world.files[at];
    uint32_t found = 1;
    for (uint32_t line = 1; line <= file->count; line++) {
        if (!is_dead(at, line))
            continue;
        found = line;
        for (uint32_t before = file->lines[line].previous; before;
             before = file->lines[before].previous)
            if (is_dead(at, before))
                return line;
    }
    return found;
}

static void decide_job(const char *what, uint32_t at, uint32_t line, uint32_t before) {
    char id[UUID_TEXT_SIZE], arguments[112];
    uuid_text(world.files[at].lines[line].job_id, id);
    (void)snprintf(arguments, sizeof(arguments),
                   "{\"job\":\"%s\",\"interval_us\":1000000,\"before\":%u}", id, before);
    ingress_ask(what, arguments);
}

static void decide_batch(const char *what, const struct submission *file) {
    char id[UUID_TEXT_SIZE], arguments[112];
    uuid_text(file->batch_id, id);
    (void)snprintf(arguments, sizeof(arguments), "{\"batch\":\"%s\",\"interval_us\":%u}", id,
                   below(2) * 100000);
    ingress_ask(what, arguments);
}

// A person has dead jobs tried again, or lets them go: all of a batch, or one, and then the turns
// before it too.
static void revive(void) {
    uint32_t at = below(FILES);
    struct submission *file = &world.files[at];
    const char *what = below(4) == 0 ? "dead.drop" : "dead.retry";
    uint32_t line = some_dead(at);
    file->may_be_revived = true;
    if (below(3) == 0) {
        decide_batch(what, file);
        return;
    }
    decide_job(what, at, line, below(4));
    for (line = file->lines[line].previous; line; line = file->lines[line].previous)
        if (is_dead(at, line))
            decide_job("dead.retry", at, line, 0);
}

static void fill_disk(void) {
    bool is_full = world.disk_free_bytes < RESERVE_BYTES * 4;
    world.disk_free_bytes = is_full ? UINT64_MAX >> 1 : below(RESERVE_BYTES * 3);
    TELL("the disk has %llu bytes left", (unsigned long long)world.disk_free_bytes);
}

static void kill_other(void) {
    // Away for moments, or for longer than the broker has room for.
    uint32_t at = AT_EXTRACTOR + below(PROCESSES - AT_EXTRACTOR);
    process_kill(&world.processes[at], below(4) == 0 ? 20000 + below(20000) : 50 + below(3000));
}

static void kill_worker(void) {
    struct process *process = some_worker();
    bool is_for_good = process->name == 0 && below(8) == 0;
    bool is_extra = process->at >= AT_WORKER + NAMES;
    // Soon enough for its first word to meet the last of the process before it, or later.
    uint64_t back_in_ms = below(2) ? 1 + below(100) : 50 + below(4000);
    process_kill(process, is_extra || is_for_good ? UINT64_MAX / 2 : back_in_ms);
}

static void happen(enum fault fault) {
    switch (fault) {
    case FAULT_partition:
        cut_link();
        break;
    case FAULT_broker_crash:
        process_kill(&world.processes[AT_BROKER], 50 + below(2000));
        break;
    case FAULT_worker_crash:
        kill_worker();
        break;
    case FAULT_other_crash:
        kill_other();
        break;
    case FAULT_freeze:
        freeze_one();
        break;
    case FAULT_zombie:
        take_name();
        break;
    case FAULT_liar:
        some_worker()->is_liar = true;
        break;
    case FAULT_clock:
        jump_clock();
        break;
    case FAULT_client:
        client_kill(&world.files[below(FILES)], 50 + below(3000));
        break;
    case FAULT_cancel:
        cancel();
        break;
    case FAULT_pause:
        decide_lanes();
        break;
    case FAULT_full:
        fill_disk();
        break;
    case FAULT_revive:
        revive();
        break;
    default:
        break;
    }
}

void faults_run(void) {
    for (uint32_t i = 0; i < FAULTS; i++) {
        if (world.next_fault_ms[i] > world.now_ms)
            continue;
        world.next_fault_ms[i] = world.now_ms + 1 + below(2 * world.swarm.rate[i]);
        happen((enum fault)i);
    }
}

uint64_t faults_due_ms(void) {
    uint64_t due = UINT64_MAX;
    for (uint32_t i = 0; i < FAULTS; i++)
        due = world.next_fault_ms[i] < due ? world.next_fault_ms[i] : due;
    return due;
}

// ---- and what no longer does --------------------------------------------------------------------

static void mend(struct process *process) {
    // Somebody sees to it that each name has one process again.
    bool is_worker = process->kind == PROCESS_worker;
    if (world.has_two_of_a_name && is_worker && world.is_name_lasting[process->name])
        process_kill(process, 1 + below(2000));
    if (is_worker && process->at >= AT_WORKER + NAMES && !process->life)
        process->back_ms = UINT64_MAX;
    process->no_way_to_ms = process->no_way_from_ms = process->frozen_until_ms = 0;
    // Who was killed for good stays away, but one worker of each name comes back.
    if (!process->life && process->at < AT_WORKER + NAMES && process->back_ms > world.now_ms)
        process->back_ms = world.now_ms + 1 + below(2000);
}

void faults_end(void) {
    struct swarm *swarm = &world.swarm;
    TELL("all faults end");
    world.is_healed = true;
    for (uint32_t i = 0; i < FAULTS; i++) {
        bool goes_on = i == FAULT_pause && swarm->rate[i] > 0;
        swarm->rate[i] = goes_on ? 2000 : 0;
        world.next_fault_ms[i] = goes_on ? world.now_ms : UINT64_MAX;
    }
    swarm->crash_at_commit = swarm->crash_at_send = swarm->crash_at_ledger = 0;
    swarm->full_at_commit = swarm->turn_max_ms = 0;
    swarm->slow_calls = false;
    swarm->errors = swarm->rate_limits = swarm->cuts = swarm->hangs = 0;
    swarm->refusals = swarm->lane_refusals = 0;
    swarm->unreadable = swarm->without_message = swarm->deadly = swarm->unprepared = 0;
    world.disk_free_bytes = UINT64_MAX >> 1;
    for (uint32_t i = 0; i < PROCESSES; i++)
        mend(&world.processes[i]);
}
