// An accountant's process over the ledger, and what the broker around it remembers.
#ifndef TESTS_POWER_LEDGER_WORLD_H
#define TESTS_POWER_LEDGER_WORLD_H

#include "tests/power/story.h"
#include "tests/unit/accountant/world.h"

enum {
    STORY_JOBS = 60,
    SECOND_ATTEMPT = 1000, // added to a job's number: the call of its other attempt
    TOLD_MAX = 48,         // records that may come again
    MESSAGE_RECORDS = 4,
};

enum ledger_row {
    ROW_state,
    ROW_batch,
    ROW_job,
    ROW_call,
    ROW_refused,
    ROW_quarantine,
    ROW_conflict
};

enum telling_kind {
    TELL_answered,
    TELL_failed,  // an earlier attempt of the job
    TELL_unknown, // of the call that may yet be answered
    TELL_other_end,
    TELL_dead,
    TELL_refused,
    TELL_batch,
    TELL_nonsense,
    TELLINGS
};

// All that a record is made from.
struct spec {
    uint64_t number; // of the record
    uint64_t n;      // job
    enum telling_kind kind;
};

struct ledger_world {
    struct world world; // only what tellings and checks need of it
    bool is_open;
    struct spec specs[TOLD_MAX];
    uint64_t spec_count;
    struct telling tellings[MESSAGE_RECORDS];
};

// ledger_rules.c: rows whose images are what they say, so that the rules can read them.
uint64_t ledger_call_image(uint64_t state, uint64_t role, uint64_t end, uint64_t record);
// answer: the counter of its call; 0: none.
uint64_t ledger_job_image(uint64_t outcome, uint64_t revision, uint64_t answer);
uint64_t ledger_end(struct digest digest);
// Of a row that is expected; 0: there is none.
uint64_t ledger_image_at(const struct story *story, uint32_t kind, struct id key);
// A record was applied, and this is what the broker is told: changes the rows that are expected.
void ledger_expect(struct story *story, const struct spec *spec, const struct telling *telling,
                   const struct recorded_item *told);

#endif
