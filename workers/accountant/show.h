// A conversation on its way into an answer, and the four fields that it has beside its messages.
#ifndef ACCOUNTANT_SHOW_H
#define ACCOUNTANT_SHOW_H

#include "workers/accountant/calls.h"

// One that was found: a conversation of turns, or the job of a single call.
struct found {
    int64_t conversation; // 0: a single call
    int64_t job;          // of a single call
};

// The conversation that the arguments `conversation` and `batch` mean. 0, or a sysexits code; of
// several EX_DATAERR with the candidates.
int which_conversation(struct inquirer *inquirer, struct found *found);

struct show {
    struct inquirer *inquirer;
    struct writer *writer;
    struct found found;
    sqlite3_stmt *jobs, *calls, *newest, *kinds, *answer, *lines, *messages;
    bool has_bodies;
    // The turns that the page shows: above `after`, up to `last`.
    int64_t after, last;
    int cut; // what a page of a single turn leaves out so that it fits; see CUT_*
};

// Nothing; bodies and raw usage; the messages' contents and the headers as well.
enum { CUT_nothing, CUT_bodies, CUT_contents };

// Steps to the next call, job … of the page, by the column of its turn.
enum err show_next(const struct show *show, sqlite3_stmt *row, int turn_column);
// Whether the answer is beyond what a message may hold already.
bool show_is_over(const struct show *show);

// extracted_identifiers, provider_metadata, token_usage_history, cost_tracking, of the page's
// turns; the totals are of all turns. Each goes through the calls (the identifiers: newest first)
// from their start to their end.
void show_identifiers(struct show *show);
int show_metadata(struct show *show);
int show_usage(struct show *show);
int show_cost(struct show *show);

#endif
