// The broker's decisions, and nothing else: events in, effects out.
// The core performs no I/O, reads no clock, draws no random number and allocates nothing after
// core_init; scripts/check proves it with nm. What must survive is said in two ways: rows that
// changed stand in dirty lists, which the caller empties into one transaction at the end of a
// turn; payloads and records are effects, to be written when they are emitted, in the same
// transaction. No other effect may leave before that transaction is durable.
#ifndef BROKER_CORE_CORE_H
#define BROKER_CORE_CORE_H

#include "broker/core/job.h"
#include "broker/core/sizes.h"
#include "common/envelope.h"

enum {
    EFFECTS_MAX = 512,
    LANE_MISSES_MAX = 8,      // calls in a row that never started before a lane is held
    RECORD_RESEND_MS = 10000, // a record that was not confirmed is sent again
    ASK_RESEND_MS = 5000,     // a question to the accountant is asked again
    EXTRACT_LIMIT_MS = 30000, // an extractor that keeps an answer this long has lost it
    OPEN_MARKS_MAX = 65536,   // attempts open at once
    KEYS_MAX = 64,            // provider keys known at once
    BACKOFFS_MAX = 16,
    DECIDED_A_STEP = 1024,          // turns that one step of a person's decision moves
    PEER_BYTES_MAX = 64 << 20,      // of answers at one extractor or accountant
    READ_BYTES_MAX = 256 << 20,     // of answers whose facts are in memory
    CONTEXTS_BYTES_MAX = 256 << 20, // of contexts in memory
};

// Sizes and policies, fixed at start.
struct core_config {
    uint32_t jobs_max;
    uint32_t conversations_max;
    uint32_t records_max;
    uint32_t flows_max;
    uint32_t lane_concurrency;
    uint32_t attempts_max;
    uint32_t call_limit_ms;
    uint64_t boot;     // 64 random bits, new at every start
    struct id journal; // which journal this is: the ledger must have worked with it
};

enum batch_state {
    BATCH_FREE,
    BATCH_ASKING, // the ledger is asked whether it knows the key; nothing is stored yet
    BATCH_OPEN,
    BATCH_SEALED,
    BATCH_SETTLED,
    BATCH_GONE, // its row is to be deleted with the next commit
    BATCH_STATES,
};

enum billed_policy { BILLED_retry, BILLED_park, BILLED_fail };

// What becomes of the turns behind one that has no answer: they are parked, run without it, or
// are dead.
enum unanswered_policy { UNANSWERED_stop, UNANSWERED_skip, UNANSWERED_fail };

struct batch {
    // Written to the journal.
    uint64_t number;
    struct id id;
    char key[IDEMPOTENCY_KEY_BYTES_MAX + 1];
    struct digest digest; // of all lines up to accepted_through
    struct digest head;   // of the file's first lines, for people who submit it again
    uint64_t accepted_through;
    uint64_t refused;
    uint64_t answered, dead, parked, cancelled; // jobs by outcome
    uint64_t jobs;                              // accepted lines that became jobs
    uint32_t attempts_max;
    uint32_t revision; // of its state, counted with each record of it
    uint8_t state;     // enum batch_state
    uint8_t priority;
    uint8_t billed;     // enum billed_policy
    uint8_t unanswered; // enum unanswered_policy
    uint8_t is_cancelled;

    // In memory only.
    uint8_t is_dirty;
    uint32_t asker; // peer and request that wait while it is ASKING
    uint64_t asker_request;
    uint64_t asked_ms;
    uint64_t unsettled; // jobs without an outcome that the ledger has
    uint64_t attempts_open;
    uint64_t records;   // that the ledger does not have yet
    uint64_t jobs_here; // in the journal
    uint64_t revived;   // had an outcome that was taken back, and have no other yet
    uint64_t states[JOB_STATES];
    uint32_t first_job, last_job;
    uint32_t cancel_cursor;
    uint32_t flows;              // first of its flows
    uint32_t empty_conversation; // first of those kept for lines that may still come
};

enum lane_state { LANE_open, LANE_paused, LANE_held, LANE_STATES };

struct lane {
    // Written to the journal.
    char provider[PROVIDER_BYTES_MAX + 1];
    char key[PROVIDER_BYTES_MAX + 1];
    char model[MODEL_BYTES_MAX + 1];
    char held_reason[REASON_BYTES_MAX + 1];
    char held_detail[256];
    uint8_t state; // enum lane_state

    // In memory only.
    uint8_t is_dirty;
    uint8_t misses; // calls in a row that never started
    uint32_t key_index;
    uint32_t concurrency;
    uint32_t marks;   // open attempts
    uint32_t window;  // jobs in the window
    uint32_t waiting; // jobs in its flows
    uint32_t jobs;    // that name it, in whatever state
    uint32_t flows;   // that name it
    uint32_t window_first[PRIORITIES], window_last[PRIORITIES];
    uint32_t ring[PRIORITIES]; // the flow whose turn it is
    uint32_t probe_job;        // the marked probe of a held lane; 0: none
    uint32_t probe_interval_ms;
    uint64_t probe_due_ms;
    struct sizes sizes;   // of its answers
    uint64_t answer_room; // of the journal, that the end of one more call will need
    uint8_t wait;         // enum reason: what its waiting jobs wait for
};

enum worker_state { WORKER_FREE, WORKER_AWAY, WORKER_JOINED, WORKER_REPLACED, WORKER_REFUSED };

// One process of a worker. Its row is in the journal as long as attempts of it are open.
struct worker {
    char name[NAME_BYTES_MAX + 1];
    struct id process;
    uint8_t state; // enum worker_state
    uint8_t is_dirty;
    uint8_t is_stored;
    uint8_t is_settled; // its first heartbeat to this boot came
    uint32_t peer;
    uint32_t slots;
    uint32_t marks;   // open attempts
    uint32_t foreign; // calls that it names and that are no open attempts here
    uint64_t life;    // of two processes under a name the lower one is dead; 0: not known
    uint64_t keys;    // bit a key index
    uint64_t leases;  // highest lease number sent to it by this boot
    uint64_t beats;   // heartbeats taken in
    uint64_t heard_ms;
    uint32_t first_mark;
};

struct conversation {
    struct id id;
    uint32_t batch;
    uint32_t first_turn, last_turn; // jobs whose answers the ledger does not have, in order
    uint32_t jobs;                  // all jobs that name it
    uint32_t kept;                  // of them dead or parked
    uint32_t highest_marked;
    uint32_t broken_at; // the turn without answer that holds up those after it; 0: none
    uint8_t is_used;
    uint8_t is_dirty;
    uint8_t is_stored;
    uint8_t is_listed; // on the list of those whose turns are to be parked or let go
    uint8_t is_empty;  // on its batch's list of those without jobs
    uint32_t list_next;
    uint32_t empty_next;
    uint32_t dirty_next;
    uint32_t table_next;
};

enum record_state {
    RECORD_FREE,
    RECORD_RAW,        // an answer that waits for an extractor
    RECORD_EXTRACTING, // at an extractor
    RECORD_WHOLE,      // ready for the accountant
    RECORD_SENT,       // at the accountant
};

struct record {
    uint64_t number;
    uint64_t sent_ms;
    uint32_t job; // slot; 0: the job is not here
    uint32_t batch;
    uint32_t peer; // extractor or accountant that has it
    uint32_t next, prev;
    uint32_t table_next;
    uint32_t bytes;
    uint32_t revision; // of the job's outcome or the batch's state that it carries; 0: none
    uint8_t type;
    uint8_t state;
    uint8_t losses;       // extractors that vanished over it
    uint8_t is_answer_in; // an extractor has to read it
    uint8_t batch_state;  // RECORD_batch: the state that it tells
    uint8_t unextracted;  // 1: refused by an extractor, 2: extractors were lost over it
};

enum role { ROLE_none, ROLE_ingress, ROLE_worker, ROLE_extractor, ROLE_accountant };

struct core_peer {
    uint8_t role;
    bool has_suspect; // an extractor that has one answer alone, over which others vanished
    struct id process;
    uint32_t worker;    // slot
    uint32_t slots;     // credit: items at once
    uint32_t out;       // items that it has
    uint64_t bytes_out; // of answers that it has
    uint64_t heard_ms;
};

enum event_kind {
    EVENT_tick,
    EVENT_join,
    EVENT_left,
    EVENT_heartbeat,
    EVENT_open,
    EVENT_key_known,
    EVENT_put,
    EVENT_seal,
    EVENT_prepared,
    EVENT_end,
    EVENT_extracted,
    EVENT_recorded,
    EVENT_cancel_batch,
    EVENT_cancel_job,
    EVENT_retry_job, // revive one that is dead or parked, after delay_ms
    EVENT_drop_job,  // let one that is dead or parked go for good, with the turns parked behind it
    EVENT_pause_lane,
    EVENT_resume_lane,
};

struct event {
    enum event_kind kind;
    uint32_t peer;     // 1 … PEERS_MAX-1, given by the loop; 0: the loop itself
    uint64_t now_ms;   // monotonic
    int64_t wall_ms;   // Unix time
    uint64_t bytes;    // prepared: of the context; put: of the lines
    uint64_t delay_ms; // retry: how long the job is to wait first
    union {
        const struct hello_head *join;
        const struct heartbeat_head *heartbeat;
        const struct open_head *open;
        const struct key_known_head *key_known;
        struct {
            const struct put_head *head;
            const struct put_item *items;
            uint32_t count;
        } put;
        const struct seal_head *seal;
        const struct prepared_item *prepared;
        struct {
            const struct end_item *item;
            uint64_t bytes; // of headers and body
        } end;
        const struct extracted_item *extracted;
        const struct recorded_item *recorded;
        uint32_t slot; // of the batch, job or lane that a person's decision concerns
    };
};

enum effect_kind {
    // To be written at once, in the turn's transaction.
    EFFECT_put_payload,   // slot: job; item: index of the put item whose frame is its payload
    EFFECT_put_record,    // a record; see struct effect
    EFFECT_delete_record, // number
    // To be done at once in memory.
    EFFECT_keep_texts,   // slot: batch whose name and tags are to be kept until it is stored
    EFFECT_keep_context, // slot: job whose prepared context is to be kept
    EFFECT_drop_context, // slot: job
    EFFECT_keep_facts,   // slot: record whose extracted facts are to be kept
    EFFECT_alarm,        // why: for the log
    // To leave after the commit.
    EFFECT_send_opened,
    EFFECT_send_put_stored,
    EFFECT_send_key_ask,
    EFFECT_send_prepare,
    EFFECT_send_lease,
    EFFECT_send_abort,
    EFFECT_send_end_stored,
    EFFECT_send_beat,
    EFFECT_send_unwelcome,
    EFFECT_send_extract,
    EFFECT_send_record,
};

struct effect {
    enum effect_kind kind;
    uint32_t peer;
    uint32_t slot; // job, batch, record or worker, as the kind says
    uint32_t item;
    uint64_t number; // request, record number, lease number or highest lease
    struct id call;
    const char *why; // a code; static storage
    // put_record: what the record says beside the names of its job. The job's row may have moved on
    // within the same step, so what can change stands here.
    uint32_t attempt;
    int64_t marked_wall_ms;
    int64_t cost_max_pusd;
    uint32_t revision; // of the outcome
    bool has_attempt;  // of the event's end item, or of an attempt that nobody reported
    bool is_reported;  // the end item of the event tells it
    bool is_answer;
    bool is_superfluous;
    bool is_possibly_billed;
    bool is_known;
    enum lapse lapse;
    enum outcome outcome;
    enum reason reason;
};

struct effects {
    uint32_t count;
    bool more; // bounded work was left undone: step again with a tick, a drop with the same event
    struct effect items[EFFECTS_MAX];
};

// Lower-case names of the policies, as people give them.
const char *billed_name(enum billed_policy policy);
const char *unanswered_name(enum unanswered_policy policy);

struct core;

// Why a person's decision about a job (cancel, retry or drop) cannot be taken now, as a code with
// static storage; NULL: it can. A decision that is refused changes nothing.
//   ended           it has its outcome, or will have it with its open attempt (cancel)
//   not_dead        it is neither dead nor parked (retry, drop)
//   earlier_turn    a turn before it has no answer: it follows that one (retry)
//   later_turn_ran  a later turn of its conversation was called without it (retry)
//   batch_cancelled a person called its batch off (retry)
//   being_parked    the turns behind it are being parked just now (drop)
//   journal_full    there is no room for the records that follow from it
const char *core_refuses(const struct core *core, enum event_kind decision, uint32_t job);

// Bytes of memory that core_init needs for a configuration.
size_t core_size(const struct core_config *config);
// Builds a core in memory of core_size bytes, which is zero and outlives it. Pages that no job
// has used are never touched.
struct core *core_init(void *memory, const struct core_config *config);

// Decides what follows from one event. Never fails. See the top for what the caller owes.
void core_step(struct core *core, const struct event *event, struct effects *effects);
// When the next tick is due even if nothing happens, in monotonic ms; UINT64_MAX: never.
uint64_t core_due_ms(const struct core *core);
// Room of the journal, to be told at the beginning of a turn: puts are refused beyond 60 % of the
// budget, leases when the answers of all open calls would not fit any more. What the turn adds is
// counted by the core itself until it is told anew.
void core_space(struct core *core, uint64_t used_bytes, uint64_t budget_bytes);
// Whether the disk is full: then nothing new is taken in and no call leaves (disk_full), and only
// ends and deletions go on.
void core_close(struct core *core, bool is_closed);
// Nobody listened for a while: what peers said meanwhile has still to be heard, so for
// PEER_SILENT_MS none of them is silent, and no call's time is over.
void core_excuse(struct core *core, uint64_t now_ms);

// The counters of which nothing is ever used twice; the caller writes them when they changed.
struct counters_row {
    uint64_t jobs, batches, calls, issued, recorded;
};
struct counters_row core_counters(const struct core *core);

// Empties the dirty lists, one row a call; 0 at the end. The row is to be written (or, in the
// states GONE, deleted) before the next call, which may free the slot.
uint32_t core_dirty_job(struct core *core);
uint32_t core_dirty_batch(struct core *core);
uint32_t core_dirty_lane(struct core *core);
uint32_t core_dirty_worker(struct core *core);
// A conversation's row is to be written if it is_stored, else deleted.
uint32_t core_dirty_conversation(struct core *core);

// Rows by slot, read only.
const struct job *core_job(const struct core *core, uint32_t slot);
const struct batch *core_batch(const struct core *core, uint32_t slot);
const struct lane *core_lane(const struct core *core, uint32_t slot);
const struct worker *core_worker(const struct core *core, uint32_t slot);
const struct conversation *core_conversation(const struct core *core, uint32_t slot);
const struct record *core_record(const struct core *core, uint32_t slot);
const struct core_peer *core_peer(const struct core *core, uint32_t peer);
// How many slots have ever been used: those to look at when all are to be seen.
uint32_t core_job_slots(const struct core *core);
uint32_t core_batch_slots(const struct core *core);
uint32_t core_lane_slots(const struct core *core);
uint32_t core_worker_slots(const struct core *core);
// Slots by name; 0: not here.
uint32_t core_find_job(const struct core *core, uint64_t number);
// The conversation of that id of which turns are here, or for which lines may come; 0: none.
uint32_t core_find_conversation(const struct core *core, struct id id);
uint32_t core_find_batch(const struct core *core, uint64_t number);
uint32_t core_find_lane(const struct core *core, struct bytes provider, struct bytes key,
                        struct bytes model);
// The conversation id of a job: the job's own for a single call.
struct id core_conversation_id(const struct core *core, const struct job *job);
// What a job that is not moving waits for.
enum reason core_waits_for(const struct core *core, const struct job *job);
uint64_t core_records_pending(const struct core *core);
// What the jobs of a batch wait for: by lane and reason. Returns how many entries were written;
// looks at a bounded number of delayed jobs.
struct wait {
    enum reason reason;
    uint32_t lane; // 0: no matter of a lane
    uint32_t job;  // earlier_turn: one of them
    uint64_t jobs;
    uint64_t due_ms; // when the first of them goes on, monotonic; 0: not known
};
uint32_t core_waits(const struct core *core, uint32_t batch, struct wait *waits, uint32_t max);
bool core_has_accountant(const struct core *core);
// Whether it takes records. It does not while its own disk is full.
bool core_accountant_takes(const struct core *core);

// After a start: counters, then lanes, workers, batches, conversations and jobs in the order of
// their numbers, then records likewise, then core_restored. Lanes and workers come back into
// the slots that they had, batches in the order of their rows.
void core_restore_counters(struct core *core, const struct counters_row *counters);
uint32_t core_restore_lane(struct core *core, const struct lane *row);
void core_restore_worker(struct core *core, uint32_t slot, const struct worker *row);
uint32_t core_restore_batch(struct core *core, const struct batch *row);
// 0: more of them than conversations_max, or of jobs than jobs_max; the core is void then.
uint32_t core_restore_conversation(struct core *core, const struct conversation *row);
// row->batch, ->lane and ->worker are slots; conversation_id none: a single call.
uint32_t core_restore_job(struct core *core, const struct job *row, struct id conversation_id);
// row->number, type, job and batch (slots), revision, bytes, is_answer_in and batch_state.
uint32_t core_restore_record(struct core *core, const struct record *row);
void core_restored(struct core *core, uint64_t now_ms, int64_t wall_ms);

#endif
