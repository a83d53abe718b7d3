// A story: one disk, and the processes that live on it one after the other. Each is opened over
// what the last cut has left, compared with what was promised, and lives for some turns until
// power fails, or it is killed, or it stops in order. Everything follows from the seed.
//
// What the subject (journal, ledger) writes it also writes into `next`; when its commit has
// returned, that was told to the world and becomes `told`. After a cut the disk must hold all
// rows of `told` or, where a transaction was under way, all of `next`: nothing lost, nothing
// twice, nothing half.
#ifndef TESTS_POWER_STORY_H
#define TESTS_POWER_STORY_H

#include "tests/power/powerfail_vfs.h"
#include "tests/power/rows.h"

enum disk_mode { DISK_full, DISK_normal, DISK_lying };

struct story;

struct subject {
    const char *name;
    void *(*create)(struct story *story);
    void (*destroy)(void *state);
    // A process starts: opens the store, checks it, and rebuilds what it keeps in memory.
    void (*open)(struct story *story);
    void (*turn)(struct story *story);
    // The process ends in order.
    void (*close)(struct story *story);
    // The process is gone: gives its memory back. The disk is dark.
    void (*bury)(struct story *story);
    const char *(*row_name)(uint32_t kind);
    uint32_t turns_to_fail; // of a story whose every operation is to fail
};

struct story {
    struct powerfail_disk *disk;
    enum disk_mode mode;
    uint64_t seed;
    void *state;
    struct rows told, next, found;
    uint32_t lives; // processes so far
    uint64_t cuts, turns, commits, faults;
    int code;         // that the last process ended with; 0: it lived to its end
    bool has_started; // it is beyond opening its store
    char why[500];    // a promise is broken: which
};

// What a story counted, added up over stories.
struct tally {
    uint64_t stories, cuts, turns, commits, broken, faults, ended;
};

// Lives a story with at most that many cuts. False: a promise is broken, and why says which.
bool story_run(enum disk_mode mode, uint64_t seed, uint64_t cuts, struct tally *tally, char *why,
               size_t why_size);
// The same short story over and over: in its second or first life an operation of the disk
// fails, each time a later one, of each kind, once or from then on. The process must end with the
// exit code that is documented or not have been hurt, must write nothing more after a commit that
// failed, and a third life must find all that was told. every 1: no operation is left out.
bool errors_run(uint64_t seed, uint64_t every, struct tally *tally, char *why, size_t why_size);

// How a process of a story lives.
struct life {
    uint64_t cut_at; // operation at which power fails; 0: none
    struct powerfail_fault fault;
    uint32_t turns;
    bool closes;      // ends in order
    bool keeps_power; // else it is lost when the process ends
};
// story.c for errors.c: a story that begins, its lives, its end (which counts it in the tally).
void story_begin(struct story *story, enum disk_mode mode, uint64_t seed);
bool story_life(struct story *story, const struct life *life);
void story_end(struct story *story, struct tally *tally);

// For subjects. Ends the story.
_Noreturn void story_broken(struct story *story, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
uint32_t story_below(struct story *story, uint32_t bound);
bool story_chance(struct story *story, uint32_t percent);
// `found` was read from the disk: it is what was told, or what was about to be.
void story_compare(struct story *story);
// A commit has returned: next is told.
void story_told(struct story *story);

// The one that the program is linked with.
extern const struct subject subject;

#endif
