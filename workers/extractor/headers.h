// The header block of an answer.
#ifndef EXTRACTOR_HEADERS_H
#define EXTRACTOR_HEADERS_H

#include "workers/extractor/extract.h"

enum { HEADER_NAME_BYTES_MAX = 256 };

// Splits the block; lines that are no header are left out, and so are names that are not of
// printable ASCII or too long: what is kept of two of these could be one name. The views are into
// the block.
size_t headers_split(struct bytes block, struct header headers[HEADERS_MAX]);
// Whether a header has that name, whatever its case; the name is in lower case.
bool header_is(const struct header *header, const char *name);
// Appends the name in lower case.
void header_put_name(const struct header *header, struct buf *out);
void headers_put_json(const struct header *headers, size_t count, struct buf *out);

#endif
