// What a provider answers about a batch of its own, in a recorded exchange: the batch as it stands,
// and its results, each of which is an answer of the API within an item. By the catalogue's
// `batch`.
#ifndef EXTRACTOR_BATCH_H
#define EXTRACTOR_BATCH_H

#include "workers/extractor/recording.h"

// An item, or (answer and item are empty) the batch itself. The views die with the next one.
struct batch_item {
    const struct provider_api *api; // whose answer it is; NULL: of none that the catalogue has
    uint32_t number;                // from 1, in their order; 0: the batch
    struct bytes item;              // all of it; empty if it is no JSON
    struct bytes answer;            // what is read as the answer's body
    unsigned status;                // the answer's own, or that of the exchange
    bool is_unanswered;             // it failed, or never ran
    struct bytes key;               // the name that the batch's maker gave it; empty: none
    struct bytes state;             // of the batch, or how the item ended; empty: not said
};

struct batch {
    const struct catalogue *catalogue;
    struct bytes url;
    unsigned status;
    struct bytes rest;    // of lines that were not looked at
    bool is_one;          // which are one item, whatever line ends are in it
    struct json_scan all; // of the body, if it is one document
    uint32_t next;        // the item in it that comes next; 0: there are none
    uint32_t end;
    uint32_t number;
    struct json_scan one; // of the item
    struct buf words[2];  // texts with escapes in them
    struct batch_item item;
};

void batch_init(struct batch *batch);
// Accepts a zeroed one.
void batch_release(struct batch *batch);

// Begins a recording, which must outlive it. NULL if the exchange is not about a batch; else what
// it says of the batch itself: its answer is empty where the exchange holds results alone.
const struct batch_item *batch_open(struct batch *batch, const struct catalogue *catalogue,
                                    const struct recording *recording);
// The next item; NULL: there are no more.
const struct batch_item *batch_next(struct batch *batch);

#endif
