// The catalogue that is built in, loaded as a worker loads it.
#ifndef TEST_API_H
#define TEST_API_H

#include "common/catalogue.h"

#include <check.h>

// The compiled document; the caller releases it.
static inline void api_document(struct buf *document) {
    struct buf problems;
    buf_init(document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 64 << 10);
    size_t count;
    const struct catalogue_source *sources = catalogue_builtin(&count);
    enum err e = catalogue_compile(sources, count, document, &problems);
    ck_assert_msg(e == ERR_OK, "%s", buf_cstr(&problems));
    buf_release(&problems);
}

static inline struct catalogue *api_catalogue(void) {
    struct buf document;
    struct catalogue *catalogue = NULL;
    api_document(&document);
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &catalogue), ERR_OK);
    buf_release(&document);
    return catalogue;
}

#endif
