// Variants of a good input, each wrong in one place: cut at each byte; each byte changed; and, of
// a MessagePack header, each length and count set to what it is not, each value replaced by types
// that the protocol does not have, each entry there twice, each value nested more deeply.
#ifndef TESTS_FUZZ_BEND_H
#define TESTS_FUZZ_BEND_H

#include <stddef.h>
#include <stdint.h>

// The variant dies with the call.
typedef void bend_visit(void *context, const uint8_t *data, size_t size);

// Calls visit for each variant; of a long input only for about places_max of its places.
void bend_each(const uint8_t *seed, size_t size, size_t places_max, bend_visit *visit,
               void *context);

#endif
