// A job: one provider call to be made, with all that a restart must know of it, and its states.
//
//                ┌──────────────────────────────────────────────┐
//   WAITING ──▶ READY ──▶ PREPARING ──▶ PREPARED ──▶ LEASED ──▶ ENDED ──▶ GONE
//      ▲          ▲           │            │          │  │ │      │
//      │          └───────────┴────────────┘          │  │ │      │
//      │          └──────── DELAYED ◀─────────────────┘  │ └─▶ DEAD ──▶ (WAITING, ENDED)
//      └── PARKED ◀── WAITING, LEASED …    ABORTING ◀────┘   OVERTAKEN ──▶ ENDED
//
// ABORTING: a person cancelled it while a call was out. OVERTAKEN: a late answer of an older
// attempt won while a newer call was out. Both end with that call. A person's retry takes DEAD and
// PARKED back to WAITING, a drop to ENDED; so does a late answer.
#ifndef BROKER_CORE_JOB_H
#define BROKER_CORE_JOB_H

#include "common/bytes.h"
#include "common/outcome.h"

enum job_state {
    JOB_FREE,
    JOB_WAITING,   // behind an earlier turn of its conversation
    JOB_READY,     // in its flow's queue
    JOB_PREPARING, // in the window; the accountant makes its context
    JOB_PREPARED,  // in the window; competes for lane and worker
    JOB_LEASED,    // an attempt is open
    JOB_ABORTING,  // an attempt is open, and a person wants it ended
    JOB_OVERTAKEN, // has its answer, and an attempt is still open
    JOB_DELAYED,   // until its timer
    JOB_ENDED,     // answered or cancelled, or dropped by a person
    JOB_DEAD,      // kept until a person retries or drops it
    JOB_PARKED,    // kept behind a dead turn, or by the policy for possibly billed attempts
    JOB_GONE,      // its row is to be deleted with the next commit
    JOB_STATES,
};

// How an open attempt ends if nobody reports its end.
enum lapse { LAPSE_unknown, LAPSE_not_started };

// Why a job ended as it did, or waits: one closed list, whose texts are wait_text's.
enum reason {
    REASON_none,
    REASON_permanent,       // the provider will never take it
    REASON_attempts_used,   // retried as often as is allowed
    REASON_possibly_billed, // the batch's policy does not retry such attempts
    REASON_unprepared,      // the turn cannot be made from what came before
    REASON_no_answer,       // the ledger could not read the answer
    REASON_quarantined,     // the ledger could not take in what was read of the answer
    REASON_earlier_turn,    // an earlier turn has no answer
    REASON_cancelled,       // by a person
    REASON_batch_cancelled, // with its batch, by a person
    REASON_no_worker,       // none is here
    REASON_no_key,          // no worker has the provider's key
    REASON_workers_busy,    // workers have the key, and none of them is free
    REASON_lane_held,       // the provider refuses the lane: see its reason
    REASON_lane_paused,     // by a person
    REASON_lane_full,       // as many calls are out as the lane allows
    REASON_rate_limited,    // the provider asked to wait
    REASON_delayed,         // waits for its next attempt
    REASON_accountant_away, // turns need their context, and records their ledger
    REASON_journal_full,    // answers would find no room
    REASON_disk_full,       // the broker is closed until the disk has room
    REASON_ledger_full,     // the accountant is: its records wait
    REASON_not_sent,        // the batch: its file did not come to its end
    REASONS,
};

struct job {
    // Written to the journal.
    uint64_t number;
    struct id id;
    struct id call;   // of the last attempt
    struct id answer; // the call whose end became the answer; none: no answer
    int64_t cost_max_pusd;
    int64_t marked_wall_ms;
    int64_t delay_from_wall_ms; // a delay is its start and its length
    uint64_t lease_number;
    uint64_t end_mark; // first 8 bytes of the digest of the end stored last
    uint32_t delay_ms;
    uint32_t limit_ms; // of the open attempt's call
    uint32_t tokens_estimate;
    uint32_t batch;
    uint32_t conversation; // 0: a single call
    uint32_t lane;
    uint32_t worker; // that holds the open attempt
    uint32_t turn;
    uint32_t line;
    uint32_t attempt;  // counts all attempts, for people
    uint16_t counted;  // attempts that count towards the maximum
    uint16_t backoffs; // waits since the last answer of the provider, for the next wait's length
    uint16_t revision; // of the outcome; 0: none yet
    uint16_t recorded; // the revision that the ledger has
    uint8_t state;     // enum job_state
    uint8_t outcome;   // enum outcome
    uint8_t reason;    // enum reason: of the outcome, or of the delay
    uint8_t priority;
    uint8_t is_cancelled; // by a person, while a call was out

    // In memory only.
    uint8_t lapse; // enum lapse
    uint8_t is_dirty;
    uint16_t records; // of it that the ledger does not have yet
    uint32_t timer;   // place in the timer heap; 0: none
    uint64_t due_ms;
    uint64_t named;         // the worker's heartbeat that named the open attempt last
    uint64_t ask;           // number of the question to the accountant
    uint32_t context_bytes; // of the prepared context that is kept for it
    uint32_t flow;
    uint32_t first_child, next, prev; // in the flow's heap, or next and prev in the window
    uint32_t turn_next;               // in the conversation
    uint32_t mark_next, mark_prev;    // in the worker's open attempts
    uint32_t batch_next, batch_prev;  // in the batch
    uint32_t dirty_next;
    uint32_t table_next;
};

// Whether the table of states allows the move.
bool job_may_move(enum job_state from, enum job_state to);
// The only assignment to job->state after its birth: asserts that the move is legal.
void job_move(struct job *job, enum job_state next);
// Whether an attempt is open: a call may be out.
bool job_is_marked(const struct job *job);
bool job_has_outcome(const struct job *job);
// Dead or parked: kept until a person decides, or a late answer comes.
bool job_is_kept(const struct job *job);

// Lower-case names of states and outcomes, as journal, ledger and people read them.
const char *job_state_name(enum job_state state);
const char *reason_name(enum reason reason);

#endif
