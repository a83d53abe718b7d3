// The kinds of faults of a world, and how much of each a schedule has.
#ifndef BROKER_SIM_FAULTS_H
#define BROKER_SIM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

// Each can be taken away from a schedule that fails, to see whether it was needed.
#define FAULT_MAP(X)                                                 \
    X(drop, "messages are lost")                                     \
    X(duplicate, "messages come twice")                              \
    X(delay, "messages are late, and overtake each other")           \
    X(partition, "links are cut, in one direction or both")          \
    X(broker_crash, "the broker is killed, also at its commits")     \
    X(worker_crash, "workers are killed")                            \
    X(other_crash, "extractors, accountant and ingress are killed")  \
    X(freeze, "processes stand still and go on")                     \
    X(zombie, "a name is taken while its process still lives")       \
    X(liar, "a worker lies")                                         \
    X(clock, "wall clocks jump")                                     \
    X(client, "clients are killed, repeat, or change their file")    \
    X(cancel, "batches and jobs are cancelled")                      \
    X(pause, "lanes are paused")                                     \
    X(provider, "the provider fails, refuses, limits, hangs")        \
    X(poison, "answers that extractors cannot read, or die over")    \
    X(limits, "small limits")                                        \
    X(full, "the disk is full")                                      \
    X(slow, "disks and processes are slow")                          \
    X(policy, "batches that park or fail what may have been billed") \
    X(revive, "dead jobs are retried and dropped")

enum fault {
#define X(name, what) FAULT_##name,
    FAULT_MAP(X)
#undef X
        FAULTS
};

// Drawn anew for a seed; zero where the seed, or the caller, has none of it.
struct swarm {
    uint32_t rate[FAULTS]; // per mille of messages or calls, or the mean milliseconds between two
    uint32_t delay_max_ms;
    bool slow_calls;      // calls may take as long as their limit
    uint32_t turn_max_ms; // how long a turn of the broker takes
    uint32_t crash_at_commit, full_at_commit, crash_at_send;            // per mille of those
    uint32_t errors, rate_limits, cuts, hangs, refusals, lane_refusals; // per mille of calls
    uint32_t unreadable, without_message, deadly;                       // per mille of answers
    uint32_t unprepared;                    // per mille of turns: no context can be made
    uint32_t crash_at_ledger;               // per mille of the ledger's commits
    uint32_t call_limit_ms, other_limit_ms; // a start of the broker has the one or the other
    uint32_t slots, concurrency, attempts_max, credit, jobs_max, records_max;
    uint64_t pages_bytes_max; // of the journal
};

const char *fault_name(enum fault fault);
const char *fault_text(enum fault fault);
void swarm_draw(void);
// Lets happen what is due.
void faults_run(void);
uint64_t faults_due_ms(void);
void faults_end(void);

#endif
