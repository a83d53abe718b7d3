// What a store holds, or should: rows by kind and key, each with a digest of what it says.
#ifndef TESTS_POWER_ROWS_H
#define TESTS_POWER_ROWS_H

#include "common/bytes.h"

struct row {
    uint32_t kind;
    struct id key;
    uint64_t image;
};

struct rows {
    struct row *at; // sorted by kind and key
    uint32_t count, room;
};

// Accepts zeroed rows.
void rows_release(struct rows *rows);
void rows_clear(struct rows *rows);
void rows_copy(struct rows *to, const struct rows *from);
// Replaces what was there.
void rows_put(struct rows *rows, uint32_t kind, struct id key, uint64_t image);
// False: it was not there.
bool rows_drop(struct rows *rows, uint32_t kind, struct id key);
const struct row *rows_find(const struct rows *rows, uint32_t kind, struct id key);
bool rows_equal(const struct rows *a, const struct rows *b);
// The first row in which they differ, as a text.
void rows_difference(const struct rows *should, const struct rows *is,
                     const char *(*kind_name)(uint32_t kind), char *text, size_t size);

struct id row_key(uint64_t number);

// A digest, made of what a row says in order.
void image_number(uint64_t *image, uint64_t number);
void image_bytes(uint64_t *image, struct bytes bytes);
void image_id(uint64_t *image, struct id id);

#endif
