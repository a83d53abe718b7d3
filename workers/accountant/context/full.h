// The context of a conversation's turn by the strategy "full": every answered turn before it,
// whole, then this turn's input. Read from what the ledger has committed.
#ifndef ACCOUNTANT_CONTEXT_FULL_H
#define ACCOUNTANT_CONTEXT_FULL_H

#include "workers/accountant/ledger.h"

// Makes the neutral request (JSON) in *context, and what the broker needs to know of it in
// *prepared, whose texts have static storage. A turn that cannot be prepared gets `refused`
// there, and no context. ERR_IO, ERR_FULL: the ledger cannot be read.
enum err context_full(struct ledger *ledger, const struct prepare_item *asked, struct bytes line,
                      struct buf *context, struct prepared_item *prepared);

// Estimates tokens as 3.5 bytes each, rounded up: on the high side for English and JSON, which
// is where a limit must err.
uint64_t context_tokens(uint64_t bytes);

#endif
