// The ledger of the world: what accountant/apply.c decides is done to rows that a commit makes
// durable. It is asked for what the promises are about.
#ifndef BROKER_SIM_LEDGER_H
#define BROKER_SIM_LEDGER_H

#include "common/envelope.h"

// A call as the ledger has it.
struct ledger_call {
    bool is_there;
    bool is_unknown, is_not_started, is_failed, is_unextracted;
    bool is_answer, is_superfluous, is_possibly_billed;
    struct id call;
    struct digest digest;
    uint64_t job;
};

// A line of a batch.
struct ledger_line {
    bool is_there, is_refused;
    bool has_answer;
    uint64_t answer; // the call's counter
    uint64_t job;
    uint64_t revision;
    char outcome[12];
};

struct ledger_batch {
    bool is_there, is_settled, is_cancelled;
    struct id id;
    uint64_t revision, lines;
    struct digest digest;
    char key[24];
};

void ledger_reset(void);
// Takes a record into the open transaction and says what becomes of it.
void ledger_take(const struct record_item *record, const struct bytes frames[4],
                 struct recorded_item *told);
void ledger_commit(void);
void ledger_rollback(void);
uint64_t ledger_applied(void);
struct id ledger_journal(void); // the journal that it belongs to; none yet
void ledger_pair(struct id journal);

// What is committed; while a transaction is open, what it will be.
const struct ledger_call *ledger_call(uint64_t counter);
const struct ledger_line *ledger_line(uint32_t file, uint32_t line);
const struct ledger_batch *ledger_batch(uint32_t file);
uint64_t ledger_conflicts(void), ledger_quarantined(void);

#endif
