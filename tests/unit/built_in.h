// The catalogue that is built in. Compiling it takes longer than most tests: so it is done once for
// a program, before Check makes a process of each test.
#ifndef TESTS_UNIT_BUILT_IN_H
#define TESTS_UNIT_BUILT_IN_H

#include "common/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bytes built_in; // beside the heap whose uses tests count

__attribute__((constructor)) static void compile_built_in(void) {
    struct buf document, problems;
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 64 << 10);
    if (catalogue_compile_folder(NULL, &document, &problems) != ERR_OK) {
        (void)fprintf(stderr, "%s\n", buf_cstr(&problems));
        abort();
    }
    struct bytes compiled = buf_bytes(&document);
    uint8_t *copy = malloc(compiled.size);
    if (!copy)
        abort();
    memcpy(copy, compiled.at, compiled.size);
    built_in = bytes_of(copy, compiled.size);
    buf_release(&document);
    buf_release(&problems);
}

// The caller's (catalogue_free).
static inline struct catalogue *built_in_catalogue(void) {
    struct catalogue *catalogue = NULL;
    if (catalogue_load(built_in, &catalogue) != ERR_OK)
        abort();
    return catalogue;
}

#endif
