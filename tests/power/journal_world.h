// A broker's process over the journal, and the few things that the world around it remembers.
#ifndef TESTS_POWER_JOURNAL_WORLD_H
#define TESTS_POWER_JOURNAL_WORLD_H

#include "broker/core/core.h"
#include "broker/journal.h"
#include "tests/power/story.h"

enum {
    STORY_JOBS = 64,
    STORY_CONVERSATIONS = 32,
    STORY_RECORDS = 4096,
    STORY_WORKERS = 2,
    STORY_HELD = 64, // calls that a worker holds, and questions that wait
    PEER_INGRESS = 1,
    PEER_ACCOUNTANT,
    PEER_EXTRACTOR,
    FIRST_PEER_WORKER,
};

enum journal_row {
    ROW_counters,
    ROW_lane,
    ROW_worker,
    ROW_batch,
    ROW_conversation,
    ROW_job,
    ROW_payload,
    ROW_record,
};

// What the broker said and nobody answered yet.
struct said {
    enum effect_kind kind;
    uint32_t peer;
    uint64_t number; // of job, batch, record or lease
    uint64_t ask;
    struct id call;
};

struct hand {
    uint64_t life; // which process of the worker
    uint64_t seen;
    struct id held[STORY_HELD];
    uint64_t jobs[STORY_HELD];
    uint32_t held_count;
    bool is_joined;
};

struct journal_world {
    struct story *story;
    struct journal journal;
    struct core_config config;
    struct core *core;
    void *memory;
    struct effects effects;
    uint64_t now_ms;

    // In the broker's memory: gone with its process.
    struct said said[STORY_HELD * 4];
    uint32_t said_count;
    struct said outbox[EFFECTS_MAX];
    uint32_t outbox_count;

    // In the world around it: stays.
    struct id journal_id; // none: no start was told yet
    uint64_t starts, calls, applied, batches;
    struct hand hands[STORY_WORKERS];
};

// journal_rows.c: the rows as the core has them, and as a core has them that was just restored.
void rows_of_new_journal(struct journal_world *world);
void rows_of_turn(struct journal_world *world);
void rows_of_payload(struct journal_world *world, uint64_t job, const struct payload *payload);
void rows_of_record(struct journal_world *world, uint32_t slot, const struct record_row *row);
void rows_found(struct journal_world *world);
const char *journal_row_name(uint32_t kind);

// journal_hands.c: what the world says to the broker.
void hands_say_something(struct journal_world *world);
void hands_join(struct journal_world *world);
// One event into the core; its rows are written, what it says waits for the commit.
void world_step(struct journal_world *world, struct event *event);

#endif
