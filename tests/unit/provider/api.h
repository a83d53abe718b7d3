// The catalogue that is built in, loaded as a worker loads it.
#ifndef TEST_API_H
#define TEST_API_H

#include "tests/unit/built_in.h"

#include <check.h>

// A copy of the compiled document; the caller releases it.
static inline void api_document(struct buf *document) {
    buf_init(document, CATALOGUE_BYTES_MAX);
    buf_put(document, built_in.at, built_in.size);
}

static inline struct catalogue *api_catalogue(void) {
    return built_in_catalogue();
}

#endif
