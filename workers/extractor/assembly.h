// The answer that a stream of events amounts to: each event goes through its API's shape, which
// puts the body together that the API gives without a stream; what no shape takes in is kept
// beside it. The same events give the same bytes, whatever pieces the stream came in.
#ifndef EXTRACTOR_ASSEMBLY_H
#define EXTRACTOR_ASSEMBLY_H

#include "common/json_grow.h"
#include "common/sse.h"

struct assembly {
    struct grown body;  // what the API gives without a stream
    struct grown aside; // the shape's own, for what must be whole before it can be put in
    struct grown rest;  // the last of everything in the events that the shape left over
    bool keeps_rest;    // for who reads it
};

void assembly_init(struct assembly *assembly);
// Accepts a zeroed one.
void assembly_release(struct assembly *assembly);
void assembly_reset(struct assembly *assembly);

// The text of a JSON text in `aside`, escapes resolved, appended to out.
void assembly_aside_text(const struct assembly *assembly, uint32_t node, struct buf *out);

#endif
