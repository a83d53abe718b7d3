// What `batch run` and `batch submit` ask for: the options of a submission, checked, and the key by
// which the same command is the same batch.
#ifndef TOOLS_ORDER_H
#define TOOLS_ORDER_H

#include "tools/call.h"
#include "tools/spool.h"

#include <jansson.h>

struct order {
    uint64_t limit; // lines that are wanted; 0: all
    char key[IDEMPOTENCY_KEY_BYTES_MAX + 1];
    bool has_lasting_key;      // the same command has it again
    char *tags;                // JSON, or NULL
    struct submit_head submit; // its texts live as long as the order and the call
};

// Reads the options. What is wrong ends the process with EX_USAGE.
void order_read(struct order *order, const struct call *call);
// The file is spooled: makes the key. It is the given one; else what the file says and what changes
// its calls, hashed; else, for stdin and with --again, a random one.
void order_take_file(struct order *order, const struct call *call, const struct spool *spool);
void order_release(struct order *order);
// Which of the options that say how a batch is named, tagged, paid for or hurried differ from
// those of a batch as batch.show has it: words joined by commas; empty: none.
const char *order_differences(const struct order *order, const struct call *call,
                              const json_t *shown);

#endif
