// What is found in a recorded answer, as one line of JSON (schemas/cli/extract.1.json).
#ifndef EXTRACTOR_REPORT_H
#define EXTRACTOR_REPORT_H

#include "workers/extractor/batch.h"
#include "workers/provider/classify.h"

struct report {
    const char *file;
    const struct catalogue *catalogue;
    const struct provider_api *api; // NULL: unknown, and nothing below is read
    const char *by;                 // how it was found: url, name
    struct bytes model_requested;
    unsigned status;
    int64_t at_ms; // when the call was made, for its price
    const struct verdict *verdict;
    const char *refusal; // the extractor's; NULL: none
    struct bytes facts;  // as the extractor hands them on; empty: they exceed its bound
    const struct identifier *primary; // NULL: none
    const struct batch_item *item;    // of a provider's own batch, or it; NULL: it came alone
    int64_t out_estimated;            // tokens that are in no counter; -1: none
    int64_t ask_after_ms; // of a batch: when its provider wants to be asked again; -1: not said
};

void report_put(const struct report *report, struct buf *out);

#endif
