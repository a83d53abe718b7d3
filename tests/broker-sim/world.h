// A world around the real broker: its processes, their network, clocks, memory and disk, a
// provider that bills, and what is known of every call and line. One schedule runs at a time,
// and all of it follows from its seed; the functions that stand in for sockets, clock, chance,
// memory and log find it as `world`.
#ifndef BROKER_SIM_WORLD_H
#define BROKER_SIM_WORLD_H

#include "broker/loop.h"
#include "tests/broker-sim/chance.h"
#include "tests/broker-sim/faults.h"
#include "tests/broker-sim/ledger.h"
#include "tests/broker-sim/promise.h"
#include "workers/ingress/stream.h"

#include <setjmp.h>

enum {
    NAMES = 3,   // of workers
    WORKERS = 6, // processes of workers at once: some are taken for dead
    EXTRACTORS = 2,
    CONVERSATIONS = 4, // of a file
    LINE_ROOM = 160,   // bytes of a line of a file
    ANSWER_ROOM = 96,
    JOBS_MAX = 512,
    BATCHES_OPENED_MAX = 4096, // each asking for a key takes a number
    CONNECTIONS_MAX = 8192,
    CONTEXT_ROOM = 256,
    RESERVE_BYTES = 1 << 20,
    RECORDS_LEAST = EFFECTS_MAX * 2 + 64, // with fewer the broker would take no line at all
    HEALED_MS = 700 * 1000, // how long everything may take to settle after the last fault
    WHY_SIZE = 400,
};

enum process_kind {
    PROCESS_broker,
    PROCESS_worker,
    PROCESS_extractor,
    PROCESS_accountant,
    PROCESS_ingress,
};

// Places of processes; one that died is started again in its place.
enum {
    AT_BROKER,
    AT_WORKER,
    AT_EXTRACTOR = AT_WORKER + WORKERS,
    AT_ACCOUNTANT = AT_EXTRACTOR + EXTRACTORS,
    AT_INGRESS,
    PROCESSES,
};

struct block; // of memory that a process holds
struct letter;

struct process {
    enum process_kind kind;
    uint32_t at;
    uint64_t life; // number of its process; 0: dead
    uint64_t starts;
    uint64_t back_ms; // when its supervisor starts it again
    uint64_t frozen_until_ms;
    uint64_t busy_until_ms;
    uint64_t ran_ms;
    uint64_t mono_ms; // what its host's clocks are ahead
    int64_t wall_ms;
    uint64_t no_way_to_ms, no_way_from_ms; // the link to the broker is cut, by direction
    bool holds_mail;                       // what is sent over a cut link comes when it is whole
    bool is_liar;
    uint32_t name;       // of a worker: which
    uint64_t claims;     // of a worker: how often its name was taken; 0: the name proves nothing
    uint64_t greeted_ms; // when the broker last heard its hello, by the broker's clock
    struct letter *first_letter, *last_letter;
    uint32_t letters;
    struct block *blocks;
};

// A message on its way or in an inbox; its bytes are in the world's post.
struct letter {
    struct letter *next;
    uint32_t from, to; // connections; 0: the broker's socket
    bool joins;        // a hello or welcome
    uint64_t broker;   // the life of the broker that it was meant for
    struct bytes header;
    uint32_t count;
    struct bytes frames[];
};

struct parcel {
    uint64_t at_ms, order;
    struct letter *letter;
};

struct connection {
    uint32_t process; // its place
    uint64_t life;
    uint64_t closed_ms; // 0: open
    // When the last message arrives, and the last that joins, to and from the broker.
    uint64_t last_to_ms, last_from_ms, joined_to_ms, joined_from_ms;
};

// ---- what is known ------------------------------------------------------------------------------

enum end_kind { END_none, END_answered, END_failed, END_not_started, END_unknown };

// A call, by its counter.
struct call_fact {
    struct id call;
    uint64_t job;
    uint64_t limit_ms;    // as the broker had it when it marked
    bool is_marked;       // durably
    bool has_left;        // its lease
    uint64_t leased_life; // to whom
    enum end_kind stored; // the first end that is durable
    bool is_answer;       // and the job's answer
    bool is_possibly_billed;
    bool is_tainted; // a liar had to do with it: its bill proves nothing
    // At the worker.
    uint64_t taken_life;
    uint32_t taken_at;
    // At the provider.
    uint32_t requests;
    bool has_begun;      // its answer had, before its error came
    enum end_kind ended; // as the worker knows it
    char class[16];
    struct digest digest;
    char answer[ANSWER_ROOM];
    // When the broker may give it up, by the broker's clock, and when it must.
    uint64_t name, claims; // of its worker: a hash, and the life of it
    uint64_t may_lapse_ms, must_lapse_ms;
    bool is_outlived; // a successor under its worker's name has joined
};

// A job, by its number in the journal.
struct job_fact {
    uint32_t file, line;
    uint32_t calls;
    uint64_t last_call; // counter
    uint32_t counted;
    bool has_answer;       // a success is stored, and not known to the ledger as unreadable
    bool was_maybe_billed; // by an attempt without a usable answer
    bool is_tainted;
};

struct file_line {
    uint32_t conversation; // 0: a single call
    uint32_t turn;
    uint32_t previous; // line of the turn before; 0: none
    bool is_refused, is_blank;
    struct id job_id;
    char raw[LINE_ROOM];
};

enum client_state { CLIENT_away, CLIENT_sends, CLIENT_done };

struct submission {
    struct file_line lines[LINES_MAX + 1];
    uint32_t count;
    char key[24];
    char billed[8], unanswered[8]; // policies
    uint32_t attempts_max, priority;
    // Its client.
    enum client_state client;
    struct stream stream;
    bool has_stream;
    bool is_changed; // what is sent differs from what was sent first
    uint32_t at;     // line that comes next
    uint64_t back_ms;
    uint32_t accepted; // as the client was told, at most
    struct id batch_id;
    uint64_t number; // of the batch
    uint32_t sent_again;
    bool may_be_cancelled, may_be_revived; // a person has asked for it
};

struct world {
    uint64_t seed;
    uint64_t now_ms;
    uint64_t healed_ms; // when faults end
    bool is_healed;
    struct swarm swarm;
    uint64_t allowed; // bits of enum fault
    struct dice chance, net_dice, provider_dice, fault_dice, kernel_dice;
    uint64_t hash; // of everything that happened
    uint64_t events, deaths;

    bool is_loud;     // what happens is told
    bool is_printing; // as it happens
    jmp_buf failed;   // a promise is broken
    jmp_buf died;     // the running process has died
    char why[WHY_SIZE];

    struct process processes[PROCESSES];
    struct process *running; // whose code runs; NULL: the world's own
    uint64_t lives;
    uint64_t claims[NAMES]; // how often each worker's name was taken
    bool is_name_lasting[NAMES];
    bool has_two_of_a_name; // a name proved death falsely: an alarm is right
    uint32_t outliving; // slot of a worker whose predecessor has spoken in this turn; 0: of none
    uint32_t outlived;  // the peer by which it spoke
    bool has_lies;

    struct connection connections[CONNECTIONS_MAX];
    uint32_t connection_count;
    struct parcel *parcels; // a heap by time
    uint32_t parcel_count;
    uint64_t order;
    uint8_t *post;
    size_t post_used;

    struct loop loop;
    struct conf conf;
    uint32_t records_max; // of the core

    struct submission files[FILES];
    uint64_t queries;
    struct call_fact calls[CALLS_MAX];
    uint64_t calls_used; // highest counter
    struct job_fact jobs[JOBS_MAX];
    uint64_t jobs_used;
    uint64_t stored_through[BATCHES_OPENED_MAX]; // durable lines by batch number
    uint32_t batches_used;
    uint64_t next_fault_ms[FAULTS];
    uint64_t restarted_ms;     // of the broker, by its own clock
    uint64_t excused_until_ms; // it did not listen: nobody is silent before that
    uint64_t disk_free_bytes;
};
extern struct world world;

// ---- world.c ------------------------------------------------------------------------------------

// Runs the schedule of a seed with the kinds of faults whose bits are set. False: world.why.
bool world_run(uint64_t seed, uint64_t allowed);
// Once a program.
void world_open(void);
void world_close(void);
void tell_rest(unsigned lines); // the last lines that were told
const char *process_name(const struct process *process);

// ---- process.c ----------------------------------------------------------------------------------

void processes_start(void);
// Lets every process work that has something to do; starts again those that are due.
void processes_run(void);
uint64_t processes_due_ms(void);
// The process is gone from one moment to the next.
void process_kill(struct process *process, uint64_t back_in_ms);
void process_forget(struct process *process);
void process_freeze(struct process *process, uint64_t for_ms);
void process_start(struct process *process);
// Runs one function of a process; what it may die of ends it.
void process_enter(struct process *process, void (*work)(struct process *process));
_Noreturn void process_dies(const char *of);
uint64_t process_clock_ms(const struct process *process);
// An ordinary end: everything is given back.
void processes_stop(void);

// ---- the processes ------------------------------------------------------------------------------

void broker_start(struct process *process);
void broker_turn(struct process *process);
void broker_stop(struct process *process);
void broker_gone(struct process *process); // it died: what the system takes back
uint64_t broker_due_ms(const struct process *process);

void worker_start(struct process *process);
void worker_turn(struct process *process);
void worker_stop(struct process *process);
uint64_t worker_due_ms(const struct process *process);
uint32_t worker_held(const struct process *process);
struct link *worker_link(const struct process *process);
bool worker_is_refused(const struct process *process);

void extractor_start(struct process *process);
void extractor_turn(struct process *process);
void extractor_stop(struct process *process);
uint64_t extractor_due_ms(const struct process *process);

void accountant_start(struct process *process);
void accountant_turn(struct process *process);
void accountant_stop(struct process *process);
void accountant_gone(struct process *process);
// The context of a turn as the ledger has what came before; false: something is missing.
bool context_of(uint32_t file, uint32_t line, char context[CONTEXT_ROOM]);
uint64_t accountant_due_ms(const struct process *process);

void ingress_start(struct process *process);
void ingress_turn(struct process *process);
void ingress_stop(struct process *process);
void ingress_gone(struct process *process);
uint64_t ingress_due_ms(const struct process *process);
// A question or command for the broker, once; it may be lost.
void ingress_ask(const char *what, const char *arguments);
void client_kill(struct submission *file, uint64_t back_in_ms);

// ---- net.c --------------------------------------------------------------------------------------

void net_reset(void);
void net_deliver(void);
uint64_t net_due_ms(void);
void net_forget(struct process *process); // what waits for a process that died
// Any bytes at all, over a worker's connection to the broker: a lie.
void net_send_raw(const struct sock *sock, struct bytes header, const struct bytes *frames,
                  uint32_t count);

// ---- disk: memory_disk.c, or power_disk.c with the real journal
// ----------------------------------

void disk_open(void);
void disk_shut(void);
void disk_reset(void);
const char *disk_folder(void);
uint64_t disk_empty_bytes(void); // what a journal takes that holds nothing
void disk_crashed(void);         // the broker died
bool disk_is_failing(void);      // it has refused something: the broker may end over it
// What the disk holds of a job's open call; none: no mark.
struct id disk_mark_of(uint64_t job);

// ---- stand_ins.c --------------------------------------------------------------------------------

void memory_drop(struct process *process);                            // all that a process holds
uint64_t memory_held(const struct process *process);                  // blocks
void maps_drop(void);                                                 // what the broker has mapped
void *lasting_new(size_t size), *lasting_grow(void *at, size_t size); // of no process

// ---- spy.c: what the loop tells its journal and its socket
// ---------------------------------------

void spy_reset(void);
void spy_crashed(void);   // the broker died
void spy_restarted(void); // and what it found is what it had stored
// Before a message of the broker leaves.
void spy_leaves(const struct connection *to, struct bytes header, const struct bytes *frames,
                uint32_t count);
// A message that the broker takes in.
void spy_hears(const struct message *message);
uint64_t spy_moves(unsigned from, unsigned to);

// ---- files.c ------------------------------------------------------------------------------------

void files_write(void);
// What a file says in a line; of a changed file another thing.
struct bytes file_line_raw(const struct submission *file, uint32_t line);
void file_item(const struct submission *file, uint32_t line, struct put_item *item);

// ---- check.c ------------------------------------------------------------------------------------

void check_mark(const struct call_fact *call); // its lease leaves
void check_lease(const struct lease_item *lease, struct bytes line, struct bytes context);
void check_turn(void);    // after a turn of the broker
void recount(void);       // a part of it: recount.c
void check_restart(void); // after its start
void check_end(void);
void report(void);                           // prints where the broker stands
const char *unsettled(void);                 // what has not come to its end; NULL: all has
struct call_fact *call_fact(struct id call); // NULL: no call of this world
struct job_fact *job_fact(uint64_t number);

// ---- provider.c ---------------------------------------------------------------------------------

struct provided {
    uint64_t done_ms; // world's time
    const char *ended, *class, *reason;
    uint64_t status, retry_after_ms;
    bool bytes_left;
    bool has_begun; // an error came when it was being generated
    struct bytes body;
};
// Makes a call: writes the bill, and says how it will end.
void provide(const struct lease_item *lease, struct bytes line, uint64_t limit_ms,
             struct provided *provided);
// How an answer reads: by its text.
enum reading { READING_good, READING_refused, READING_no_message, READING_kills };
enum reading reading_of(struct bytes body);

// ---- liar.c -------------------------------------------------------------------------------------

void liar_acts(struct process *process);

#endif
