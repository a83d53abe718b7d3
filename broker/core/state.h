// What the parts of the core share: its memory, and the doors by which one part calls another.
// Private to broker/core.
#ifndef BROKER_CORE_STATE_H
#define BROKER_CORE_STATE_H

#include "broker/core/core.h"

enum {
    FLOW_SLOTS_MAX_BITS = 24,
    MARK_TABLE_SIZE = OPEN_MARKS_MAX * 2,
    LANE_TABLE_SIZE = LANES_MAX * 2,
    WINDOW_FACTOR = 2,  // the window holds this many times a lane's concurrency
    EFFECTS_MARGIN = 8, // effects that one more piece of a tick's work may emit
};

// Jobs of one batch and priority that are ready for one lane, in the order of their numbers:
// pairing heaps through the jobs. The flows of a lane and priority form a ring.
struct flow {
    uint32_t lane;
    uint32_t batch;
    uint32_t roots[2];             // single calls, turns
    uint32_t ring_next, ring_prev; // 0: not in the ring (it is empty)
    uint32_t batch_next;           // the batch's flows, or the free list
    uint32_t count;
    uint8_t priority;
};

struct list {
    uint32_t first, last;
    uint32_t count;
};

struct key {
    char provider[PROVIDER_BYTES_MAX + 1];
    char alias[PROVIDER_BYTES_MAX + 1];
};

struct core {
    struct core_config config;
    struct counters_row counters;

    struct job *jobs;
    uint32_t *job_table;
    uint32_t job_mask, job_used, job_free;
    uint32_t dirty_job, freeing_job;

    struct conversation *conversations;
    uint32_t *conversation_table;
    uint32_t conversation_mask, conversation_used, conversation_free;
    uint32_t dirty_conversation, freeing_conversation;
    uint32_t listed_conversation; // whose turns are to be parked

    struct record *records;
    uint32_t *record_table;
    uint32_t record_mask, record_used, record_free;
    struct list raw, extracting, whole, sent;

    struct flow *flows;
    uint32_t flow_used, flow_free;

    struct batch batches[BATCHES_MAX];
    uint32_t batch_used, freeing_batch;
    struct lane lanes[LANES_MAX];
    uint32_t lane_used;
    uint32_t lane_table[LANE_TABLE_SIZE];
    struct worker workers[WORKERS_MAX];
    uint32_t worker_used;
    struct key keys[KEYS_MAX];
    uint32_t key_used;
    struct core_peer peers[PEERS_MAX];
    uint32_t accountant;          // peer; 0: none
    struct id accountant_process; // of the one that joined last
    uint32_t next_extractor;      // where the search for a free one begins
    uint32_t last_flow;           // found last

    uint32_t mark_table[MARK_TABLE_SIZE]; // open attempts by call counter
    uint32_t marks;

    uint32_t *timers; // heap of job slots; [0] unused
    uint32_t timer_count;

    uint64_t now_ms;
    int64_t wall_ms;
    uint64_t asks;
    uint64_t contexts_bytes; // kept in the windows
    uint64_t read_bytes;     // of answers that are at an extractor or have facts
    uint64_t space_used, space_budget;
    uint64_t answers_room; // that the ends of all open calls will need
    bool is_closed;
    uint64_t excused_until_ms;
    struct effects *out; // of the step that runs
};

// Adds an effect; there must be room.
struct effect *emit(struct core *core, enum effect_kind kind);
bool has_room(const struct core *core, uint32_t effects);

// core.c: dirty lists and names.
void job_touch(struct core *core, struct job *job);
void batch_touch(struct batch *batch);
void conversation_touch(struct core *core, struct conversation *conversation);
uint32_t job_slot(const struct core *core, const struct job *job);
struct job *job_new(struct core *core, uint64_t number, uint32_t batch);
void job_state(struct core *core, struct job *job, enum job_state next); // moves and counts
struct batch *batch_of(struct core *core, const struct job *job);
struct lane *lane_of(struct core *core, const struct job *job);

// timer.c
void timer_set(struct core *core, struct job *job, uint64_t due_ms);
void timer_clear(struct core *core, struct job *job);
struct job *timer_due(struct core *core); // the first that is due, or NULL; leaves it set

// flow.c
// Makes sure of a flow for a new job; flow_has_room said that there is one.
void flow_reserve(struct core *core, const struct job *job);
void flow_put(struct core *core, struct job *job);
void flow_remove(struct core *core, struct job *job);
// The next job of the flow whose turn it is. Without turns, when none can be prepared, the single
// calls behind them; NULL: there is none.
struct job *flow_take(struct core *core, struct lane *lane, unsigned priority, bool with_turns);
void flow_release_batch(struct core *core, struct batch *batch);
bool flow_has_room(const struct core *core, uint32_t flows);

// lane.c
// Why a chunk's lanes cannot all be taken in; NULL: they can.
const char *lanes_lack(struct core *core, const struct put_item *items, uint32_t count);
uint32_t lane_intern(struct core *core, struct bytes provider, struct bytes key,
                     struct bytes model);
uint32_t key_intern(struct core *core, struct bytes provider, struct bytes alias);
void ask_context(struct core *core, struct job *job);
void window_remove(struct core *core, struct job *job);
void window_drop(struct core *core, struct job *job); // its context is thrown away
void window_clear(struct core *core, struct lane *lane);
void lane_hold(struct core *core, struct lane *lane, struct bytes reason, struct bytes detail);
void lane_open(struct core *core, struct lane *lane);
void lanes_run(struct core *core);
uint64_t lanes_due_ms(const struct core *core);

// turns.c: the order inside a conversation, and what makes a job ready.
struct conversation *conversation_find(struct core *core, struct id id);
struct conversation *conversation_new(struct core *core, struct id id, uint32_t batch);
void turn_append(struct core *core, struct conversation *conversation, struct job *job);
void turn_remove(struct core *core, struct job *job);
void job_release(struct core *core, struct job *job);  // READY, and into its flow
void job_withdraw(struct core *core, struct job *job); // out of queue, window, timer
// A turn has no answer, or just got one: what stands behind it goes by the batch's policy.
void turn_unanswered(struct core *core, struct job *job);
void turn_answered(struct core *core, struct job *job);
// Lets the next turn go, if the one whose turn it was is out of its way.
void turn_passed(struct core *core, struct job *job);
void turn_count_kept(struct core *core, struct job *job); // it became dead or parked, or is no more
// Takes back a later turn that was let go and was not called: it would lack this one.
void turn_hold_back(struct core *core, struct job *job);
bool turn_is_next(const struct core *core, const struct job *job); // nothing is before it
bool turn_is_behind_kept(const struct core *core, const struct job *job);
struct job *turn_parked_behind(struct core *core, const struct job *job); // the first; NULL: none
void conversation_list(struct core *core, struct conversation *conversation);
void conversation_leave(struct core *core, struct job *job);                  // the job is going
void conversation_wait(struct core *core, struct conversation *conversation); // for lines to come
void conversations_release_batch(struct core *core, struct batch *batch); // no line comes any more
void conversations_run(struct core *core);

// attempt.c
void job_mark(struct core *core, struct job *job, struct worker *worker);
void attempt_lapse(struct core *core, struct job *job);
uint32_t mark_find(const struct core *core, struct id call);
void mark_insert(struct core *core, struct job *job);
void mark_link(struct core *core, struct job *job);
void call_off(struct core *core, const struct job *job);
void job_again(struct core *core, struct job *job, uint64_t delay_ms, enum reason reason);
void on_end(struct core *core, const struct event *event);

// outcome.c: outcomes, counters of batches, completion.
enum reason cancel_reason(struct core *core, const struct job *job);
void outcome_set(struct core *core, struct job *job, enum outcome outcome, enum reason reason);
void outcome_alone(struct core *core, struct job *job, enum outcome outcome, enum reason reason);
void outcome_uncount(struct core *core, struct job *job);
void outcome_recorded(struct core *core, struct job *job, uint32_t revision,
                      const struct recorded_item *item);
void job_finish_if_done(struct core *core, struct job *job);
void batch_tell(struct core *core, struct batch *batch);
void batches_run(struct core *core);

// submit.c
void on_open(struct core *core, const struct event *event);
// The peer is gone, and its number may soon be another's: what the ledger is asked for it is
// answered to nobody.
void opened_by_nobody(struct core *core, uint32_t peer);
void on_key_known(struct core *core, const struct event *event);
void on_put(struct core *core, const struct event *event);
void on_seal(struct core *core, const struct event *event);
void on_cancel_batch(struct core *core, const struct event *event);

// decide.c: what a person decides about a job.
void cancel_job(struct core *core, struct job *job);
void on_decision(struct core *core, const struct event *event);

// record.c
struct effect *record_new(struct core *core, enum record_type type, struct job *job,
                          struct batch *batch, uint64_t bytes, bool is_answer_in);
void records_run(struct core *core);
void records_lost(struct core *core, uint32_t peer, enum role role);
void record_to(struct core *core, struct record *record, enum record_state state);
bool records_have_room(const struct core *core, uint32_t count);
void on_extracted(struct core *core, const struct event *event);
void on_recorded(struct core *core, const struct event *event);
uint64_t records_due_ms(const struct core *core);

// room.c
// Whether lines of so many bytes in all may be taken in, and that they were.
bool lines_have_room(const struct core *core, uint64_t bytes, uint32_t count);
void lines_take_room(struct core *core, uint64_t bytes, uint32_t count);
void record_takes_room(struct core *core, uint64_t bytes);
// Whether a record may be made that answers no call: of a job that is parked or cancelled.
bool follow_ups_have_room(const struct core *core);
bool answer_has_room(const struct core *core, const struct lane *lane);
void lane_opens_mark(struct core *core, struct lane *lane);
void lane_closes_mark(struct core *core, struct lane *lane);
void lane_expects(struct core *core, struct lane *lane); // by the sizes that it has learnt
void lane_learns_size(struct core *core, struct lane *lane, uint64_t bytes);

// worker.c
void on_join(struct core *core, const struct event *event);
void on_left(struct core *core, const struct event *event);
void on_heartbeat(struct core *core, const struct event *event);
bool worker_is_present(const struct core *core, const struct worker *worker);
uint32_t worker_free_slots(const struct worker *worker);
struct worker *worker_for(struct core *core, const struct lane *lane, enum reason *why);
void worker_drop_if_idle(struct core *core, struct worker *worker);

#endif
