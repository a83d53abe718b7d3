// A world around the broker's core: one clock, one queue of messages, a store that survives, and
// actors that crash, lose, duplicate and delay. A schedule is a function of its seed alone.
#ifndef BROKER_SIM_WORLD_H
#define BROKER_SIM_WORLD_H

#include "broker/core/core.h"
#include "workers/peer.h"

#include <setjmp.h>

enum {
    BATCHES = 3,
    BATCH_NUMBERS = 2048, // each asking for a key takes one
    LINES_MAX = 24,       // of a batch
    CONVERSATIONS = 4,    // of a batch
    WORKERS = 3,
    EXTRACTORS = 2,
    SIM_CHUNK_MAX = 4,
    CALLS_MAX = 16, // a worker's slots
    CALLS_TOTAL_MAX = 8192,
    QUEUE_MAX = 8192,
    OPERATIONS_MAX = 8192,
    JOBS_TOTAL_MAX = BATCHES * LINES_MAX + 1,
    RECORDS_TOTAL_MAX = 16384,
    FAULTY_MS = 90 * 1000,  // how long faults are on
    HEALED_MS = 400 * 1000, // how long everything then may take to settle
    SIM_CALL_LIMIT_MS = 20 * 1000,
    OUTBOX_MAX = 2048,
};

// Who speaks. Workers, extractors and the others stand behind each other in this order.
enum actor {
    BROKER,
    FIRST_WORKER,
    FIRST_EXTRACTOR = FIRST_WORKER + WORKERS,
    ACCOUNTANT = FIRST_EXTRACTOR + EXTRACTORS,
    INGRESS,
    ACTORS,
};

struct rng {
    uint64_t state[4];
};
uint64_t draw(struct rng *rng);
uint32_t draw_below(struct rng *rng, uint32_t bound);
bool draw_chance(struct rng *rng, uint32_t per_mille);

// What a fault mix may do; each is drawn anew for a seed, and zero in the second phase.
struct faults {
    uint32_t drop, duplicate;           // per mille of messages
    uint32_t delay_max_ms;              // of a message
    uint32_t broker_crash;              // per mille of turns, at their commit
    uint32_t worker_crash, other_crash; // per 100,000 of milliseconds that something happens in
    uint32_t provider_error, provider_limit, provider_cut, provider_hang, provider_refusal,
        provider_lane;   // per mille of calls
    uint32_t unreadable; // per mille of answers: the ledger cannot read them
    uint32_t cancel;     // per mille: the client cancels a batch
};

// One attempt's end, as it travels and as it is kept.
struct ended {
    struct id call;
    uint64_t job;
    uint32_t batch, line;
    uint8_t ended; // enum ended_how
    uint8_t class; // index of class_names
    uint8_t bytes_left;
    uint32_t retry_after_ms;
    uint64_t digest;
};
enum ended_how { ENDED_none, ENDED_answered, ENDED_failed, ENDED_not_started, ENDED_unknown };

// A record as the store keeps it.
struct kept_record {
    struct record row;
    uint64_t job, batch; // numbers
    struct ended end;
    bool has_attempt, is_answer, is_superfluous;
    uint8_t outcome;
};

enum message_kind {
    SAY_HELLO = 1,
    SAY_WELCOME,
    SAY_UNWELCOME,
    SAY_HEARTBEAT,
    SAY_BEAT,
    SAY_OPEN,
    SAY_OPENED,
    SAY_PUT,
    SAY_PUT_STORED,
    SAY_SEAL,
    SAY_CANCEL,
    SAY_PREPARE,
    SAY_PREPARED,
    SAY_LEASE,
    SAY_ABORT,
    SAY_END,
    SAY_END_STORED,
    SAY_EXTRACT,
    SAY_EXTRACTED,
    SAY_RECORD,
    SAY_RECORDED,
    SAY_KEY_ASK,
    SAY_KEY_KNOWN,
};

struct message {
    uint64_t at_ms;
    uint64_t order; // ties are broken by it
    enum message_kind kind;
    uint32_t from, to;
    uint64_t from_life, to_life; // the processes that it is between
    uint64_t boot;
    uint64_t number;     // request, lease number, record number, ask, sent
    uint64_t job, batch; // numbers
    uint32_t line, first, last;
    struct id call;
    struct ended end;
    struct kept_record record;
    bool flag;
    uint64_t digest, digest_after;
    struct id held[CALLS_MAX * 2];
    uint32_t held_count;
    uint64_t seen;
    uint32_t limit_ms;
};

// ---- the store: what a commit makes durable
// ---------------------------------------------------------

struct kept_job {
    struct job row;
    struct id conversation;
    bool is_there;
    bool has_payload;
    uint64_t payload; // digest of its line
};

struct store {
    struct counters_row counters;
    struct kept_job jobs[JOBS_TOTAL_MAX + 1]; // by number
    struct batch batches[BATCH_NUMBERS];      // by number
    bool batch_is_there[BATCH_NUMBERS];
    struct lane lanes[LANES_MAX];
    uint32_t lane_count;
    struct worker workers[WORKERS_MAX];
    bool worker_is_there[WORKERS_MAX];
    struct conversation conversations[BATCHES * CONVERSATIONS];
    bool conversation_is_there[BATCHES * CONVERSATIONS];
    struct kept_record records[RECORDS_TOTAL_MAX]; // by number
    bool record_is_there[RECORDS_TOTAL_MAX];
    bool was_marked[CALLS_TOTAL_MAX]; // by call counter: its mark was durable
};

// ---- the actors
// ---------------------------------------------------------------------------------------

struct call {
    bool is_used;
    bool has_ended;
    struct ended end;
    uint64_t done_ms;
    uint64_t resend_ms;
    uint64_t limit_ms;
};

struct sim_worker {
    struct peer peer;
    struct call calls[CALLS_MAX];
    uint64_t life; // 0: dead
    uint64_t back_ms;
};

struct sim_other { // extractors, accountant, ingress
    struct peer peer;
    uint64_t life;
    uint64_t back_ms;
};

// One file that is submitted.
struct file_line {
    uint32_t conversation; // 0: a single call
    uint32_t turn;
    uint32_t previous; // line of the turn before; 0: none
    bool is_refused;
};
struct file {
    struct file_line lines[LINES_MAX + 1];
    uint32_t count;
    struct id id;
    char key[32];
    uint64_t number;   // of the batch, as opened
    uint32_t accepted; // as the client knows
    bool is_opened, is_sealed, is_cancelled;
    uint64_t resend_ms;
    uint64_t asked; // requests so far
};

// The ledger.
struct ledger_call {
    bool is_there;
    struct ended end;
    bool is_answer, is_superfluous;
};
struct ledger_job {
    bool is_there;
    uint64_t job;
    uint16_t revision;
    uint8_t outcome;
    bool has_answer;
};
struct ledger {
    uint64_t applied;
    struct ledger_call calls[CALLS_TOTAL_MAX];
    struct ledger_job jobs[BATCHES][LINES_MAX + 1];
    bool is_refused[BATCHES][LINES_MAX + 1];
    bool is_settled[BATCHES];
    uint32_t settled_revision[BATCHES];
};

// The provider's own bill, by call counter.
struct billed {
    uint32_t requests;
    uint32_t batch, line;
    bool was_success;
};

struct world {
    struct rng rng;
    struct faults faults;
    uint64_t seed;
    uint64_t now_ms;
    bool is_healed;
    uint64_t trace; // hash of everything that happened
    bool is_loud;
    jmp_buf failed;
    char why[256];

    // The broker.
    void *memory;
    struct core *core;
    uint64_t boot;
    uint64_t broker_life;
    uint64_t starts; // durable, as the journal's
    struct store store;
    struct operation *operations;
    uint32_t operation_count;
    uint64_t routes[PEERS_MAX]; // life of the actor behind a peer number; 0: nobody
    uint32_t route_actor[PEERS_MAX];
    uint64_t route_heard[PEERS_MAX];
    struct message outbox[OUTBOX_MAX];
    uint32_t outbox_count;
    struct effects effects;
    uint64_t crashes;

    // The others.
    uint64_t lives; // the last that was given
    struct sim_worker workers[WORKERS];
    struct sim_other others[ACTORS]; // by actor
    struct file files[BATCHES];
    struct ledger ledger;
    struct billed bill[CALLS_TOTAL_MAX];

    struct message *queue; // a heap by time
    uint32_t queue_count;
    uint64_t order;
    uint64_t events;
};

// world.c
void world_run(struct world *world, uint64_t seed);
// Ends the schedule: a promise is broken.
_Noreturn void broken(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
#define PROMISE(world, condition, ...)  \
    do {                                \
        if (!(condition))               \
            broken(world, __VA_ARGS__); \
    } while (0)
void trace(struct world *world, uint64_t value);
// Puts a message on its way, with the faults that it meets.
void world_send(struct world *world, const struct message *message);
uint64_t line_digest(uint32_t batch, uint32_t line);
uint64_t prefix_digest(uint32_t batch, uint32_t lines);
struct id conversation_id_of(uint32_t batch, uint32_t conversation);
// The file (index) of a batch number; BATCHES: none.
uint32_t file_of(const struct world *world, uint64_t number);
struct digest as_digest(uint64_t value);

// broker.c
void *pages_new(size_t size); // never NULL
void pages_free(void *at, size_t size);
void broker_start(struct world *world);
void broker_stop(struct world *world);
void broker_turn(struct world *world, struct message *const *messages, uint32_t count);
uint64_t broker_due_ms(const struct world *world);

// store.c
struct operation;
struct operation *operations_new(uint32_t count);
void operations_free(struct operation *operations, uint32_t count);
void store_write_rows(struct world *world);
void store_payload(struct world *world, uint64_t job, uint64_t digest);
void store_record(struct world *world, const struct kept_record *record);
void store_forget_record(struct world *world, uint64_t number);
void store_commit(struct world *world);
void store_restore(struct world *world);

// actors.c
void actors_start(struct world *world);
void actor_hears(struct world *world, const struct message *message);
void actors_run(struct world *world);
uint64_t life_of(struct world *world, uint32_t actor); // of its process now; 0: it is dead

// check.c
void check_call(struct world *world, const struct message *lease);
void check_record(struct world *world, const struct kept_record *record, bool *has_answer);
void check_state(struct world *world);
void check_end(struct world *world);

extern const char *const class_names[];
extern const char *const ended_names[];

#endif
