// The catalogue that is built in, loaded as a worker loads it.
#ifndef TEST_API_H
#define TEST_API_H

#include "tests/unit/built_in.h"
#include "workers/provider/adapter.h"

#include <check.h>

// A copy of the compiled document; the caller releases it.
static inline void api_document(struct buf *document) {
    buf_init(document, CATALOGUE_BYTES_MAX);
    buf_put(document, built_in.at, built_in.size);
}

static inline struct catalogue *api_catalogue(void) {
    return built_in_catalogue();
}

// Whether the API takes a line; the words say why not, and nothing otherwise.
static inline bool api_takes(const struct provider_api *api, const char *line,
                             struct json_scan *scan, struct buf *words) {
    buf_reset(words);
    ck_assert_int_eq(json_scan(scan, bytes_text(line), NULL), ERR_OK);
    bool does = adapter_for(api->shape)->takes(api, scan, words);
    ck_assert_msg(does == (words->size == 0), "%s", line);
    return does;
}

#endif
