// The broker: the real loop, from its start to its end, over a journal and a socket of the world.
#include "tests/broker-sim/world.h"

#include <stdio.h>

// The smallest budget that leaves that much to the pages.
static uint64_t budget_for(uint64_t pages_bytes) {
    uint64_t low = 0, high = 1ull << 40;
    while (low + 1 < high) {
        uint64_t middle = (low + high) / 2;
        struct space_limits limits = space_limits(middle, RESERVE_BYTES);
        if (space_for_pages(&limits, high, 0) < pages_bytes)
            low = middle;
        else
            high = middle;
    }
    return high;
}

void broker_start(struct process *process) {
    const struct swarm *swarm = &world.swarm;
    world.conf = (struct conf){
        .data = disk_folder(),
        .journal_folder = disk_folder(),
        .broker = "ipc:///world",
        .simulated = true,
        .jobs_max = swarm->jobs_max,
        .lane_concurrency = swarm->concurrency,
        .attempts_max = swarm->attempts_max,
        .call_limit_ms =
            draw_below(&world.chance, 2) ? swarm->call_limit_ms : swarm->other_limit_ms,
        .journal_bytes_max = budget_for(swarm->pages_bytes_max + disk_empty_bytes()),
        .journal_reserve_bytes = RESERVE_BYTES,
    };
    world.records_max = swarm->records_max;
    loop_open(&world.loop, &world.conf);
    world.restarted_ms = process_clock_ms(process);
    world.excused_until_ms = 0;
    check_restart();
}

void broker_turn(struct process *process) {
    // As the loop excuses who could not be heard while it did not listen.
    uint64_t now_ms = process_clock_ms(process);
    if (now_ms - world.loop.now.mono_ms > 2 * HEARTBEAT_MS)
        world.excused_until_ms = now_ms + PEER_SILENT_MS;
    loop_turn(&world.loop, -1);
    check_turn();
}

void broker_stop(struct process *process) {
    (void)process;
    loop_close(&world.loop);
    world.loop.core = NULL;
}

void broker_gone(struct process *process) {
    (void)process;
    world.loop.core = NULL;
    maps_drop();
    spy_crashed();
    disk_crashed();
    world.loop.journal = (struct journal){0}; // the next start wipes the rest
}

uint64_t broker_due_ms(const struct process *process) {
    uint64_t due = core_due_ms(world.loop.core);
    uint64_t latest = world.loop.now.mono_ms + HEARTBEAT_MS;
    due = due < latest ? due : latest;
    if (world.loop.waiting > 0 || world.loop.has_more)
        due = 0;
    return due > process->mono_ms ? due - process->mono_ms : 0;
}
