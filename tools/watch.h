// Looks after a batch that runs: asks how it stands and for the results that finished, prints
// them as they come, and knows when it is over. Nothing here waits.
#ifndef TOOLS_WATCH_H
#define TOOLS_WATCH_H

#include "common/id.h"
#include "tools/client.h"
#include "tools/sink.h"

enum {
    WATCH_PAUSE_FIRST_MS = 20, // between two questions; doubles, since small batches end at once
    WATCH_PAUSE_MS = 200,
    WATCH_LOST_MS = 5000,        // a question without an answer is put again
    WATCH_FAILED_MS = 30 * 1000, // nothing but errors for this long: given up
    WATCH_STILL_MS = 2000,       // nothing moved for this long: say what it waits for
    WATCH_NAMED_MS = 1000,       // and so long, what does not pass by itself
    WATCH_SAMPLES = 16,
    WATCH_SAMPLE_MS = 500,
};

struct watch {
    struct client *client;
    char batch[UUID_TEXT_SIZE];
    struct sink *sink; // takes the results; NULL: nobody asked for them
    // Questions on their way; number 0: none.
    struct watch_question {
        uint64_t number;
        uint64_t asked_ms;
        uint64_t boot;      // of the ingress that was asked
        uint64_t failed_ms; // since when every answer was an error; 0: the last one was none
    } show, results;
    uint64_t pause_ms;
    bool is_final; // the results were asked for after the settlement
    bool has_more; // a page of results follows at once
    char *cursor;  // of the results printed last; NULL: none
    json_t *shown; // the last answer to batch.show; NULL: none yet
    bool is_settled;
    bool is_over; // settled, and every result is printed; or exit is set
    int exit;     // other than 0: a question fails for good, detail says why
    char detail[DETAIL_BYTES_MAX + 1];
    bool is_silent;
    uint64_t heard_ms;
    uint64_t finished;
    uint64_t moved_ms;
    bool is_being_sent; // by who watches: its file's end will come
    uint64_t rest_ms;   // since when nothing moves by itself; 0: it does
    uint64_t stuck_ms;  // since when only a person can move what is left; 0: it may move by itself
    struct {
        uint64_t at_ms;
        uint64_t finished;
    } samples[WATCH_SAMPLES];
    unsigned sample_count;
};

void watch_start(struct watch *watch, struct client *client, const char *batch, struct sink *sink,
                 uint64_t now_ms);
void watch_end(struct watch *watch);
// Puts the questions that are due. is_being_sent: the watcher still sends the batch's file.
void watch_step(struct watch *watch, bool is_being_sent, uint64_t now_ms);
// Whether the message was an answer to one of them.
bool watch_take(struct watch *watch, struct message *message, uint64_t now_ms);

// Jobs that have an outcome.
uint64_t watch_finished(const json_t *shown);
// Outcomes a second lately.
double watch_rate(const struct watch *watch);
// What an entry of waits_for says, and when it goes on. Returns text.
const char *wait_text(const json_t *wait, char *text, size_t size);
// What the batch waits for; empty: it moves, or nothing is known. Returns text.
const char *watch_wait_text(const struct watch *watch, uint64_t now_ms, char *text, size_t size);
// What only a person can move; empty: nothing. Returns text.
const char *watch_stuck_text(const struct watch *watch, char *text, size_t size);
// The last line: "5 lines: 5 done; 5 calls; $0.01 + 1 unpriced". Returns text.
const char *watch_last_line(const json_t *shown, char *text, size_t size);
// Whether every line was done.
bool watch_is_all_done(const json_t *shown);

// Hands a page of batch.results on as JSON lines. *new_cursor is the caller's (mem_free), NULL
// where the page names none. False: the answer cannot be read.
bool results_print(struct bytes answer, struct sink *sink, char **new_cursor, bool *has_more);

#endif
