// The identifiers of a call, packed into one column: for each the row of its kind and source,
// the length of the value (both 7 bits a byte, low bits first) and the value.
#ifndef ACCOUNTANT_IDENTIFIERS_H
#define ACCOUNTANT_IDENTIFIERS_H

#include "common/buf.h"
#include "common/bytes.h"

void identifiers_put(struct buf *packed, int64_t kind, struct bytes value);
// Takes the next one off the front. False at the end, and for bytes that were not packed here.
bool identifiers_next(struct bytes *packed, int64_t *kind, struct bytes *value);

#endif
