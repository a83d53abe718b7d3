// Values for messages, made by the tables of schemas/envelope.def, so that a test covers every
// field of every kind, also one that is added tomorrow. Reproducible: all comes from a seed.
#ifndef TESTS_WIRE_SAMPLE_H
#define TESTS_WIRE_SAMPLE_H

#include "common/wire.h"

enum { SAMPLE_STRUCT_BYTES_MAX = 4096 };

struct sample {
    uint64_t random; // state of the generator: never 0
    uint8_t *bytes;  // what texts and bins point into
    size_t used;
    size_t room;
};

// Owns a room of that many bytes for texts and bins; emptied by sample_reset.
void sample_init(struct sample *sample, uint64_t seed, size_t room);
void sample_release(struct sample *sample);
// The views that were made so far die.
void sample_reset(struct sample *sample);
uint64_t sample_u64(struct sample *sample);

// A text of exactly size bytes of well-formed UTF-8, or random bytes.
struct bytes sample_text(struct sample *sample, size_t size);
struct bytes sample_bin(struct sample *sample, size_t size);
// Fills a struct of the shape. With all, no field is zero or empty; else some optional ones are.
// Texts and bins are at most size_max long.
void sample_fill(struct sample *sample, const struct shape *shape, void *to, size_t size_max,
                 bool all);

// Whether two structs of a shape say the same, texts and bins by content. Stores the name of the
// first field that differs.
bool sample_equal(const struct shape *shape, const void *a, const void *b, const char **differs);

// The message of a kind that stands in tests/golden: every field filled, two items.
void sample_golden(enum kind kind, struct buf *out);
// Encodes head and items (an array of structs of the item shape). ERR_TOO_BIG as wire_end.
enum err sample_encode(struct buf *out, enum kind kind, const void *head, const void *items,
                       uint32_t count);

#endif
