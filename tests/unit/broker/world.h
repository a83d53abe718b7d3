// A small world around the broker's core: one clock, a store of rows that survives a restart, and
// hands that play ingress, accountant, extractor and workers. Nothing happens by itself except
// that the accountant answers questions at once (unless is_mute) and that time brings heartbeats.
#ifndef TESTS_BROKER_WORLD_H
#define TESTS_BROKER_WORLD_H

#include "broker/core/core.h"
#include "broker/journal.h"

enum {
    INGRESS = 1,
    ACCOUNTANT = 2,
    EXTRACTOR = 3,
    FIRST_WORKER = 10,
    WORKERS = 24,
    HELD = 256, // calls of one worker
    JOBS = 8192,
    BATCHES = 64,
    LANES = LANES_MAX,
    CONVERSATIONS = 1024,
    RECORDS = 32768,
    SENT = 32768,
    BOOT = 100,
    LIMIT_MS = 60 * 1000, // of one call
    BILLED_LIMIT_MS = LIMIT_MS + CALL_MARGIN_MS,
};

// A message that left the core; job is the number of the job that it is about.
struct sent {
    struct effect effect;
    uint64_t job;
    bool is_taken;
};

// Rows as a disk would keep them: they name each other by numbers, not by slots.
struct kept_job {
    struct job row;
    struct id conversation;
    uint64_t batch;
    bool is_here;
};
struct kept_batch {
    struct batch row;
    bool is_here;
};
struct kept_conversation {
    struct conversation row;
    uint64_t batch;
    bool is_here;
};
struct kept_record {
    struct record row;
    struct effect said; // what it says
    uint64_t job, batch;
    bool is_here; // not yet confirmed; what was stays readable
};

struct store {
    struct counters_row counters;
    struct kept_job jobs[JOBS];
    struct kept_batch batches[BATCHES];
    struct lane lanes[LANES];
    uint32_t lane_count;
    struct worker workers[WORKERS_MAX];
    struct kept_conversation conversations[CONVERSATIONS];
    struct kept_record records[RECORDS];
};

struct hand {
    uint32_t peer;
    struct id process;
    uint32_t life, slots;
    uint64_t seen;
    struct id held[HELD];
    uint32_t held_count;
    bool is_joined, is_silent;
};

struct world {
    struct core_config config;
    void *memory;
    struct core *core;
    uint64_t now_ms;
    int64_t wall_ms;
    struct effects effects;
    struct sent *sent;
    uint32_t sent_count;
    uint64_t counts[EFFECT_send_record + 1]; // effects by kind, of this run
    uint64_t ticks_more;                     // ticks that left work for another
    uint64_t records_a_step_max;
    struct hand workers[WORKERS];
    struct store *store;
    struct journal *journal; // rows go there too, if set
    const char *key_known;   // the accountant says that it knows this key
    bool is_mute;            // the accountant answers no question
    bool is_unread;          // the ledger can read no answer
    bool is_writing_records; // to the journal, with made-up bodies
    uint64_t line_bytes;     // of the chunks that are put, in all
    uint64_t answer_bytes;   // of the answers; 0: as the hands have it
};

struct lease {
    uint64_t job, number;
    struct id call;
};

// How a worker says that a call ended.
struct how {
    const char *ended, *class, *reason;
    bool bytes_left;
    bool has_begun;
    uint64_t retry_after_ms;
};
extern const struct how ANSWERED, RETRYABLE, RATE_LIMITED, PERMANENT, MALFORMED, LANE_WIDE, CUT_OFF,
    FAILED_UNSENT, NOT_STARTED, NEVER_POSSIBLE, CONNECT_FAILED;

struct core_config world_config(void);
// With accountant and extractor; world_new uses world_config.
struct world *world_new(void);
struct world *world_new_with(struct core_config config);
void world_free(struct world *w);
// The broker dies and starts again from the rows; everybody has to join anew.
void world_crash(struct world *w);
// The same, and accountant and extractor join again.
void world_restart(struct world *w);
// Time goes by, a second at a time, with the heartbeats of all who are joined and not silent.
void world_pass(struct world *w, uint64_t ms);
// One event, the ticks that follow, and the rows written.
void world_turn(struct world *w, struct event *event);
void world_tick(struct world *w);

// ---- ingress ----
struct batch_options {
    uint64_t priority, attempts_max;
    const char *billed, *unanswered;
};
uint64_t world_open(struct world *w, struct batch_options options);
void world_say_open(struct world *w, const char *key, uint64_t request);
// One line each; the job's number.
uint64_t world_submit(struct world *w, uint64_t batch);
uint64_t world_submit_to(struct world *w, uint64_t batch, const char *model);
uint64_t world_submit_turn(struct world *w, uint64_t batch, char conversation, uint64_t turn);
// A turn of a conversation that began in another batch. Returns why it is not taken; NULL: it is.
const char *world_continue(struct world *w, uint64_t batch, uint64_t began_in, char conversation,
                           uint64_t turn);
// As many single calls, in whole chunks; the number of the first.
uint64_t world_submit_many(struct world *w, uint64_t batch, uint32_t count);
// A chunk of single calls as it stands; the reason of the answer, NULL: stored.
const char *world_put(struct world *w, uint64_t batch, uint64_t first, uint32_t count,
                      struct digest before, struct digest after, bool is_refused);
const char *world_seal_as(struct world *w, uint64_t batch, uint64_t lines, struct digest digest);
void world_seal(struct world *w, uint64_t batch);
void world_cancel(struct world *w, uint64_t batch);
void world_cancel_job(struct world *w, uint64_t job);
void world_retry(struct world *w, uint64_t job, uint64_t delay_ms);
void world_drop(struct world *w, uint64_t job); // with as many steps as it takes
const char *world_refuses(const struct world *w, enum event_kind decision, uint64_t job);
struct digest world_digest(uint64_t batch, uint64_t line);

// ---- workers ----
void world_join_worker(struct world *w, uint32_t worker, uint32_t slots);
// With other keys than openai/default, or a name that is or is not locked.
void world_join_as(struct world *w, uint32_t worker, const char *keys, bool proves_death);
// A new process under the same name, on a new connection.
void world_replace_worker(struct world *w, uint32_t worker, bool proves_death);
void world_beat(struct world *w, uint32_t worker);
void world_leave(struct world *w, uint32_t worker);
bool world_has_lease(struct world *w, uint32_t worker);
// The oldest lease that left for the worker (which has it, and names it) and was not looked at.
struct lease world_lease(struct world *w, uint32_t worker);
// The same for the only one that left: it was lost on its way.
struct lease world_lose_lease(struct world *w, uint32_t worker);
void world_end(struct world *w, uint32_t worker, struct lease lease, struct how how);
void world_answer(struct world *w, uint32_t worker, struct lease lease);

// ---- extractor and accountant ----
void world_join(struct world *w, uint32_t peer, const char *role, uint32_t slots);
void world_left(struct world *w, uint32_t peer);
// Reads every answer and confirms every record that left.
void world_record_all(struct world *w);
// Answers the oldest question for an extraction; its record's number.
uint64_t world_extract(struct world *w, const char *refused);
void world_recorded(struct world *w, uint64_t number, bool has_answer);
void world_prepare(struct world *w, struct sent ask, const char *refused);

// ---- looking ----
// The oldest message of that kind for that peer that was not taken; takes it. False: none.
bool world_take(struct world *w, enum effect_kind kind, uint32_t peer, struct sent *sent);
uint32_t world_untaken(const struct world *w, enum effect_kind kind, uint32_t peer);
const struct job *world_job(const struct world *w, uint64_t number);
enum job_state world_state(const struct world *w, uint64_t number); // JOB_GONE: not here
const struct batch *world_batch(const struct world *w, uint64_t number);
enum batch_state world_batch_state(const struct world *w, uint64_t number);
struct lane *world_lane(const struct world *w); // openai/default/m
uint32_t world_lane_slot(const struct world *w, const char *model);
void world_decide_lane(struct world *w, enum event_kind kind);
// What the record of a call says; NULL: there never was one.
const struct kept_record *world_record_of(const struct world *w, struct id call);
uint32_t world_records_of(const struct world *w, uint64_t job); // that there ever were
const struct kept_record *world_last_record(const struct world *w, uint64_t job);

#endif
