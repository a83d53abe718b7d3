// One record on its way into the ledger: what it says, what the ledger holds, what is decided,
// and the rows that it concerns. book.c knows jobs, batches and refused lines, book_call.c calls.
#ifndef ACCOUNTANT_BOOK_H
#define ACCOUNTANT_BOOK_H

#include "common/rating.h"
#include "common/wire.h"
#include "workers/accountant/ledger.h"

struct booking {
    const struct record_item *record;
    const struct record_frames *frames;
    struct apply_told told;
    struct apply_held held;
    struct apply_plan plan;
    bool has_facts;
    struct facts_head facts;
    struct wire_message facts_items;
    // Rows.
    int64_t batch, platform, model, job, call;
    int64_t conversation; // 0: a single call
    int64_t answer;       // the call that is the job's answer; 0: none
    bool is_cut;          // that answer ended at the length limit
    bool was_cut;
    // Tags of line and conversation, a JSON object; empty: none. A view, or in tag_text.
    struct bytes tags;
};

// Enters the attempt's call: its row, the evidence, a turn's messages, sums and identifiers.
enum err book_call(struct ledger *ledger, struct booking *booking);
// Keeps a record that contradicts what the ledger holds, once.
enum err book_conflict(struct ledger *ledger, const struct booking *booking);
// Flags the call that is held as possibly billed, with this record's bound, in row and sums.
enum err flag_call(struct ledger *ledger, const struct booking *booking);

// The cost of a call, in every state.
struct costing {
    const char *state;   // priced, unpriced, stated, none
    int64_t amount_pusd; // -1: none
    int64_t stated_pusd; // -1: none
    int64_t computed_pusd;
    const char *unpriced; // why there is no price; NULL
    char price_name[160];
    bool is_inconsistent; // the counters do not add up, or the amount is a guess
    bool is_possibly_billed;
    int64_t possibly_pusd; // upper bound; -1: none
};
void book_cost(const struct catalogue *catalogue, const struct booking *booking,
               struct costing *costing);

// The rows of a tags object's members, each "key=value"; members that are not texts are no tags.
// Between open and the end of the walk the ledger's scans and `packed` are in use.
struct tags {
    struct ledger *ledger;
    uint32_t at; // node; 0: at the end
};
void tags_open(struct tags *tags, struct ledger *ledger, struct bytes object);
// ERR_NOT_FOUND after the last.
enum err tags_next(struct tags *tags, int64_t *row);

#endif
