// The comparison of a simulator's bill with what a ledger says about the same calls.
#ifndef PROVIDER_SIM_COMPARE_H
#define PROVIDER_SIM_COMPARE_H

#include "tests/provider-sim/text.h"

// A line of the bill.
struct billed {
    const char *call; // all strings live as long as the comparison. 16 digits, of a call that was
                      // named in a traceparent: they begin the ledger's id and no other one's
    const char *fault;
    uint64_t n;
    int64_t status;
    bool is_billed, is_delivered, has_price;
    int64_t input, cached, written, written_1h, output, reasoning, tool_use, searches, pusd;
    const struct row *row; // of the same call, once joined
};

// A call of the ledger.
struct row {
    const char *call, *job, *state;
    int64_t status;
    int64_t in_uncached, in_cached, in_cache_write, out_visible, out_reasoning; // not stated: 0
    int64_t in_cache_write_1h, web_searches;
    int64_t in_tool_use; // beside the others, where a ledger has it apart
    bool has_amount;
    int64_t pusd;
    bool is_possibly_billed, is_answer;
    const struct billed *billed; // the line of the same call, once joined
};

struct comparison {
    // What the runs may have done to the calls; 0 in runs without kills.
    uint64_t unknown_max;     // unknown rows without a billed request
    uint64_t superfluous_max; // successes that came after their job had another one
    uint64_t list_max;        // disagreements that are printed one by one

    struct billed *bill;
    size_t bill_count, bill_capacity;
    struct row *rows;
    size_t rows_count, rows_capacity;
    struct text *texts; // the strings
    size_t texts_count, texts_capacity;
    uint64_t disagreements;
};

// Reads JSON lines; false with a message on stderr if one is not as it must be.
bool comparison_read_bill(struct comparison *comparison, const char *path);
bool comparison_read_rows(struct comparison *comparison, const char *path); // "-": stdin
// Prints the classes with their counts; true if there is no disagreement.
bool comparison_print(struct comparison *comparison);
void comparison_release(struct comparison *comparison);

#endif
