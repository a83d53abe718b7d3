// A conversation on its way into an answer, and the four fields that it has beside its messages.
#ifndef ACCOUNTANT_SHOW_H
#define ACCOUNTANT_SHOW_H

#include "workers/accountant/calls.h"

// One that was found: a conversation of turns, or the job of a single call.
struct found {
    int64_t conversation; // 0: a single call
    int64_t job;          // of a single call
};

struct show {
    struct inquirer *inquirer;
    struct writer *writer;
    struct found found;
    sqlite3_stmt *jobs, *calls, *newest, *kinds, *answer, *lines, *messages;
    bool has_bodies;
};

// extracted_identifiers, provider_metadata, token_usage_history, cost_tracking. Each goes through
// the calls (the identifiers: newest first) from their start to their end.
void show_identifiers(struct show *show);
int show_metadata(struct show *show);
int show_usage(struct show *show);
int show_cost(struct show *show);

#endif
