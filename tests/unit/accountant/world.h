// A ledger in a folder of its own, records to tell it, and questions to ask it.
#ifndef TESTS_ACCOUNTANT_WORLD_H
#define TESTS_ACCOUNTANT_WORLD_H

#include "workers/accountant/inquirer.h"
#include "workers/accountant/ledger.h"

#include <jansson.h>

struct world {
    char folder[64];
    char path[128];
    struct findex findex;
    struct figures figures;
    struct ledger ledger;
    struct catalogue *catalogue;
    struct buf document;
    struct inquirer inquirer;
    struct id batch, journal;
    uint64_t records; // newest record number
};

void world_open(struct world *world);
// Closes and opens the ledger again, as a restart does.
void world_restart(struct world *world);
void world_close(struct world *world);

// One record with the texts that it points into. Fields may be changed before it is told.
struct telling {
    struct record_item item;
    struct record_frames frames;
    struct facts_head facts;
    bool has_facts;
    struct facts_item identifiers[4];
    size_t identifier_count;
    char custom_id[32], conversation[32], line[512], headers[512], body[1024], message[256],
        metadata[512], usage[256], response_id[48], request_id[48];
    struct buf facts_frame;
};

// A record of attempt 1 of job n (call n), answered, its job's answer, with outcome answered,
// 100 tokens in (20 of them cached) and 50 out of gpt-5-nano. name NULL: a single call; else turn
// of that conversation.
void telling_answered(struct world *world, struct telling *telling, uint64_t n, const char *name,
                      uint64_t turn);
// Turns it into a record of an attempt that ended otherwise, without an answer; the job goes on.
void telling_end(struct telling *telling, const char *ended);
// Turns it into a record of an outcome alone.
void telling_outcome(struct telling *telling, const char *outcome, uint64_t revision);
// A record about the batch.
void telling_batch(struct world *world, struct telling *telling, const char *state,
                   uint64_t revision, uint64_t lines);
void telling_release(struct telling *telling);

// Packs facts and frames as they would arrive.
void telling_seal(struct telling *telling);
// Applies and commits it, under a record number of its own; says what the broker is told.
struct recorded_item world_tell(struct world *world, struct telling *telling);
// Asks; the answer is the caller's. Fails the test if the question is refused.
json_t *world_ask(struct world *world, const char *what, const char *arguments, ...)
    __attribute__((format(printf, 3, 4)));
// The first column of the first row, as a number.
int64_t world_count(struct world *world, const char *sql);
// Fails the test if a roll-up differs from its calls, or quarantine or conflict has a row.
void world_check(struct world *world);

struct id call_of(uint64_t n);
struct id job_of(uint64_t n);

#endif
