// What a provider answers about a batch of its own, in a recorded exchange: the batch as it stands,
// and its results, each of which is an answer of the API within an item. By the catalogue's
// `batch`.
#ifndef EXTRACTOR_BATCH_H
#define EXTRACTOR_BATCH_H

#include "workers/extractor/recording.h"

// An item, or the batch itself: number 0. The views die with the next one.
struct batch_item {
    const struct provider_api *api; // whose answer it is; NULL: of none that the catalogue has
    uint32_t number;                // from 1, in their order; 0: the batch
    bool is_results;                // the batch, where the exchange holds items and no more of it
    struct bytes item;              // all of the item; empty if it is no JSON object
    struct bytes answer; // what is read as the answer's body; empty where the item does not say
    unsigned status;     // the answer's own, or that of the exchange
    bool is_unanswered;  // it failed, or never ran, and says so
    struct bytes id;     // of the batch; empty: not said
    struct bytes model;  // that the batch asked for; empty: not said
    struct bytes key;    // the name that the batch's maker gave the item; empty: none
    struct bytes state;  // of the batch, or how the item ended; empty: not said
};

enum { BATCH_WORDS = 5 };

struct batch {
    const struct catalogue *catalogue;
    const struct provider_api *api; // whose the batch is, and an item that does not show it
    struct bytes url;
    unsigned status;
    struct bytes id;
    struct bytes model;
    struct bytes rest;    // of lines that were not looked at
    struct json_scan all; // of the body, if it is one document
    uint32_t next;        // the item in it that comes next, until end
    uint32_t end;
    uint32_t number;
    struct json_scan one;          // of the item
    struct json_scan part;         // of its error
    struct buf words[BATCH_WORDS]; // texts with escapes in them
    struct batch_item item;
};

void batch_init(struct batch *batch);
// Accepts a zeroed one.
void batch_release(struct batch *batch);

// Begins a recording, which must outlive it. NULL if the exchange is not about a batch; else what
// it says of the batch itself.
const struct batch_item *batch_open(struct batch *batch, const struct catalogue *catalogue,
                                    const struct recording *recording);
// The next item; NULL: there are no more.
const struct batch_item *batch_next(struct batch *batch);

// The item as an answer to be read, if its api is not NULL. The exchange's headers are the batch's.
struct answer batch_answer(const struct batch_item *item, struct bytes headers);

#endif
