// What follows from a record, given what the ledger holds of its call and its job: the
// accountant's half of the protocol. Pure: no I/O, no clock; the ledger does what the plan says.
//
//   call:     first time → insert · same digest → a repeat, changes nothing · `unknown`, now an
//             end → replace · an end, now `unknown` → keep · anything else → conflict
//             · `not_started` that no worker said (the broker concluded it), now an end → replace,
//               and a conflict: a call that nobody can have received was made, and may be paid
//   outcome:  higher revision → take · same revision, same outcome → a repeat · lower → old news
//             · same revision, another outcome → conflict
//   answer:   the first call of a job that is told to be its answer, and can be; never another
#ifndef ACCOUNTANT_APPLY_H
#define ACCOUNTANT_APPLY_H

#include "common/envelope.h"
#include "common/err.h"
#include "common/outcome.h"

#define CALL_STATE_MAP(X) X(answered) X(failed) X(not_started) X(unknown) X(unextracted)
enum call_state {
#define X(name) CALL_##name,
    CALL_STATE_MAP(X)
#undef X
};

#define CALL_ROLE_MAP(X) X(none) X(answer) X(superfluous)
enum call_role {
#define X(name) ROLE_##name,
    CALL_ROLE_MAP(X)
#undef X
};

const char *call_state_name(enum call_state state);
const char *call_role_name(enum call_role role);
// False if the name is none of them.
bool call_state_parse(struct bytes name, enum call_state *state);

// What a record tells, as far as it decides anything.
struct apply_told {
    enum record_type type;
    bool has_attempt;
    enum call_state state; // of the attempt: an answer without facts is unextracted
    struct digest digest;
    bool is_turn;     // of a conversation; else a single call
    bool has_message; // the facts hold an assistant's message
    bool is_answer;   // as the broker says
    bool is_superfluous;
    bool may_have_cost;   // an answer that may be billed, or possibly billed without one
    enum outcome outcome; // none: the job goes on
    uint64_t revision;
};

// Reads a record. ERR_MALFORMED, and *why a code (static storage), if nothing can follow from
// it: it then belongs into quarantine.
enum err apply_read(const struct record_item *record, bool has_facts, bool has_message,
                    struct apply_told *told, const char **why);

// What the ledger holds. Zeroed: nothing.
struct apply_held {
    bool has_call;
    enum call_state call_state;
    struct digest call_digest; // zero: no worker said this end
    bool has_cost;             // the call is priced, or flagged as possibly billed
    bool is_other_jobs;        // the call belongs to another job
    bool has_job;
    bool has_answer;      // the job has an answer
    bool answer_is_call;  // and it is this call
    enum outcome outcome; // of the job
    uint64_t revision;
};

enum apply_verb { APPLY_nothing, APPLY_insert, APPLY_replace };

struct apply_plan {
    enum apply_verb call;
    enum call_role role; // of the call, if it is inserted or replaced
    bool takes_answer;   // the job's answer is this call from now on
    bool takes_outcome;
    bool flags_cost;      // the call that is held is possibly billed, by what this record says
    bool has_answer;      // whether the job has an answer afterwards
    const char *conflict; // a code (static storage); NULL: none
};

// What to do about a record of type job. Never fails.
void apply_decide(const struct apply_told *told, const struct apply_held *held,
                  struct apply_plan *plan);

#endif
