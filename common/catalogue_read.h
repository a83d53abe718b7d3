// Entries of the catalogue as they are written, read into the structs of catalogue.h. The same
// reading serves the compiler, which says in which line of which file an entry is wrong, and
// the loader of the compiled document.
#ifndef COMMON_CATALOGUE_READ_H
#define COMMON_CATALOGUE_READ_H

#include "common/catalogue.h"

// Memory that is given back all at once. Accepts to be zeroed.
struct pool {
    void **blocks;
    size_t count;
    size_t capacity;
    struct jsonpath **paths;
    size_t path_count;
    size_t path_capacity;
};

void *pool_new(struct pool *pool, size_t size);
// An array of that many members, at least one.
void *pool_array(struct pool *pool, size_t count, size_t size);
void pool_release(struct pool *pool);

// The first thing that is wrong. Later ones change nothing.
struct reader {
    struct pool *pool;
    bool is_failed;
    char place[256]; // "/retry/3/class"
    char what[160];
};

// Both read one entry; its texts are views into the entry, which must outlive the struct. False,
// with the reader's place and what, if the entry is not valid.
bool catalogue_read_api(struct reader *reader, const json_t *entry, struct provider_api *api);
// The entry of one model with its provider; a price for each of its spans of time.
bool catalogue_read_prices(struct reader *reader, const json_t *entry, struct price **prices,
                           size_t *count);

// ---- For the readers themselves. ---------------------------------------------------------------

// Where a value stands, as a chain from the inside out.
struct place {
    const struct place *up;
    const char *name; // NULL: an element
    size_t index;
};

void reader_fail(struct reader *reader, const struct place *place, const char *what);
// Complains about a member of object that is not in names (which end with NULL).
void reader_only(struct reader *reader, const json_t *object, const struct place *place,
                 const char *const *names);
// The member, which must be an object, or NULL; complains if it is required and absent.
const json_t *reader_object(struct reader *reader, const json_t *object, const struct place *place,
                            bool is_required);
// The member named by place->name of each kind. Texts are not empty where required, and printable.
const char *reader_text(struct reader *reader, const json_t *object, const struct place *place,
                        bool is_required);
bool reader_flag(struct reader *reader, const json_t *object, const struct place *place);
// A list of texts that ends with NULL; an absent one is empty.
const char *const *reader_texts(struct reader *reader, const json_t *object,
                                const struct place *place);
// A path, or a list of paths: the first of them holds that selects anything but null.
const struct jsonpath *reader_path(struct reader *reader, const json_t *object,
                                   const struct place *place, bool is_required);
// A list of paths that ends with NULL; an absent one is empty.
const struct jsonpath *const *reader_paths(struct reader *reader, const json_t *object,
                                           const struct place *place);
// A path that stands elsewhere than in a member.
const struct jsonpath *reader_compile(struct reader *reader, const char *text,
                                      const struct place *place);
// Canonical JSON of a value; in the pool.
const char *reader_dump(struct reader *reader, const json_t *value);
// "2026-08-07" as Unix time at its beginning, UTC.
int64_t reader_day(struct reader *reader, const json_t *object, const struct place *place,
                   int64_t absent);

#endif
