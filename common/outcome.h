// What became of a job, and what a record of the journal tells the ledger: the one list that
// broker and accountant share. Pure.
#ifndef COMMON_OUTCOME_H
#define COMMON_OUTCOME_H

#include "common/bytes.h"

#include <assert.h>

#define OUTCOME_MAP(X) X(answered) X(dead) X(expired) X(cancelled) X(skipped) X(parked)
enum outcome {
    OUTCOME_none, // the job goes on
#define X(name) OUTCOME_##name,
    OUTCOME_MAP(X)
#undef X
        OUTCOMES
};

enum record_type { RECORD_job, RECORD_refused, RECORD_batch };

// As messages and the ledger write it; empty for none. Static storage.
static inline const char *outcome_name(enum outcome outcome) {
#define X(name) #name,
    static const char *const names[OUTCOMES] = {"", OUTCOME_MAP(X)};
#undef X
    assert(outcome < OUTCOMES);
    return names[outcome];
}

// False if the name is none of them; empty is OUTCOME_none.
static inline bool outcome_parse(struct bytes name, enum outcome *outcome) {
    unsigned at = OUTCOME_none;
    while (at < OUTCOMES && !bytes_is(name, outcome_name((enum outcome)at)))
        at++;
    *outcome = at < OUTCOMES ? (enum outcome)at : OUTCOME_none;
    return at < OUTCOMES;
}

#endif
