#include "tests/power/rows.h"

#include "common/mem.h"

#include <inttypes.h>
#include <stdio.h>

void rows_release(struct rows *rows) {
    mem_free(rows->at);
    *rows = (struct rows){0};
}

void rows_clear(struct rows *rows) {
    rows->count = 0;
}

static void make_room(struct rows *rows, uint32_t count) {
    if (count <= rows->room)
        return;
    rows->room = count * 2;
    rows->at = mem_grow(rows->at, rows->room * sizeof(*rows->at));
}

void rows_copy(struct rows *to, const struct rows *from) {
    make_room(to, from->count);
    if (from->count > 0)
        memcpy(to->at, from->at, from->count * sizeof(*to->at));
    to->count = from->count;
}

static int compare(const struct row *row, uint32_t kind, struct id key) {
    if (row->kind != kind)
        return row->kind < kind ? -1 : 1;
    return memcmp(row->key.at, key.at, sizeof(key.at));
}

// Where the row is, or would be.
static uint32_t place(const struct rows *rows, uint32_t kind, struct id key, bool *is_there) {
    uint32_t low = 0, high = rows->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (compare(&rows->at[middle], kind, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *is_there = low < rows->count && compare(&rows->at[low], kind, key) == 0;
    return low;
}

void rows_put(struct rows *rows, uint32_t kind, struct id key, uint64_t image) {
    bool is_there;
    uint32_t at = place(rows, kind, key, &is_there);
    if (!is_there) {
        make_room(rows, rows->count + 1);
        memmove(&rows->at[at + 1], &rows->at[at], (rows->count - at) * sizeof(*rows->at));
        rows->count++;
    }
    rows->at[at] = (struct row){.kind = kind, .key = key, .image = image};
}

bool rows_drop(struct rows *rows, uint32_t kind, struct id key) {
    bool is_there;
    uint32_t at = place(rows, kind, key, &is_there);
    if (!is_there)
        return false;
    rows->count--;
    memmove(&rows->at[at], &rows->at[at + 1], (rows->count - at) * sizeof(*rows->at));
    return true;
}

const struct row *rows_find(const struct rows *rows, uint32_t kind, struct id key) {
    bool is_there;
    uint32_t at = place(rows, kind, key, &is_there);
    return is_there ? &rows->at[at] : NULL;
}

bool rows_equal(const struct rows *a, const struct rows *b) {
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (compare(&a->at[i], b->at[i].kind, b->at[i].key) != 0 ||
            a->at[i].image != b->at[i].image)
            return false;
    return true;
}

void rows_difference(const struct rows *should, const struct rows *is,
                     const char *(*kind_name)(uint32_t kind), char *text, size_t size) {
    uint32_t i = 0;
    while (i < should->count && i < is->count &&
           compare(&should->at[i], is->at[i].kind, is->at[i].key) == 0 &&
           should->at[i].image == is->at[i].image)
        i++;
    bool is_missing =
        i < should->count &&
        (i >= is->count || compare(&should->at[i], is->at[i].kind, is->at[i].key) < 0);
    bool is_other = !is_missing && i < should->count && i < is->count &&
                    compare(&should->at[i], is->at[i].kind, is->at[i].key) == 0;
    const struct row *row = is_missing || is_other ? &should->at[i] : &is->at[i];
    if (i >= should->count && i >= is->count)
        (void)snprintf(text, size, "nothing differs");
    else
        (void)snprintf(text, size, "%s %016" PRIx64 "%016" PRIx64 " %s", kind_name(row->kind),
                       bytes_u64(row->key.at), bytes_u64(row->key.at + 8),
                       is_missing ? "is lost"
                       : is_other ? "says something else"
                                  : "should not be");
}

struct id row_key(uint64_t number) {
    struct id key = {{0}};
    bytes_put_u64(key.at + 8, number);
    return key;
}

void image_number(uint64_t *image, uint64_t number) {
    *image = (*image ^ number) * 0x9e3779b97f4a7c15ull;
    *image ^= *image >> 29;
}

void image_bytes(uint64_t *image, struct bytes bytes) {
    image_number(image, bytes.size);
    for (size_t i = 0; i < bytes.size; i++)
        *image = (*image ^ bytes.at[i]) * 0x100000001b3ull;
    *image ^= *image >> 29;
}

void image_id(uint64_t *image, struct id id) {
    image_number(image, bytes_u64(id.at));
    image_number(image, bytes_u64(id.at + 8));
}
