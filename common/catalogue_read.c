#include "common/catalogue_read.h"

#include "common/mem.h"

#include <stdio.h>

// ---- Memory. -----------------------------------------------------------------------------------

void *pool_array(struct pool *pool, size_t count, size_t size) {
    if (pool->count == pool->capacity) {
        pool->capacity = pool->capacity ? pool->capacity * 2 : 64;
        pool->blocks = mem_grow(pool->blocks, pool->capacity * sizeof(*pool->blocks));
    }
    void *block = mem_array(count ? count : 1, size);
    pool->blocks[pool->count++] = block;
    return block;
}

void *pool_new(struct pool *pool, size_t size) {
    return pool_array(pool, 1, size);
}

static void pool_keep_path(struct pool *pool, struct jsonpath *path) {
    if (pool->path_count == pool->path_capacity) {
        pool->path_capacity = pool->path_capacity ? pool->path_capacity * 2 : 64;
        pool->paths = mem_grow(pool->paths, pool->path_capacity * sizeof(struct jsonpath *));
    }
    pool->paths[pool->path_count++] = path;
}

void pool_release(struct pool *pool) {
    for (size_t i = 0; i < pool->path_count; i++)
        jsonpath_free(pool->paths[i]);
    for (size_t i = 0; i < pool->count; i++)
        mem_free(pool->blocks[i]);
    mem_free(pool->paths);
    mem_free(pool->blocks);
    *pool = (struct pool){0};
}

// ---- Complaints. -------------------------------------------------------------------------------

enum { CHAIN_MAX = 8 };

void reader_fail(struct reader *reader, const struct place *place, const char *what) {
    if (reader->is_failed)
        return;
    reader->is_failed = true;
    const struct place *chain[CHAIN_MAX];
    size_t depth = 0;
    for (; place && depth < CHAIN_MAX; place = place->up)
        chain[depth++] = place;
    reader->place[0] = 0;
    for (size_t used = 0; depth > 0; used = strlen(reader->place)) {
        const struct place *next = chain[--depth];
        size_t room = sizeof(reader->place) - used;
        if (next->name)
            (void)snprintf(reader->place + used, room, "/%s", next->name);
        else
            (void)snprintf(reader->place + used, room, "/%zu", next->index);
    }
    (void)snprintf(reader->what, sizeof(reader->what), "%s", what);
}

void reader_only(struct reader *reader, const json_t *object, const struct place *place,
                 const char *const *names) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        size_t i = 0;
        while (names[i] && strcmp(names[i], name) != 0)
            i++;
        if (!names[i])
            reader_fail(reader, &(struct place){place, name, 0}, "no such field");
    }
}

// ---- Values. -----------------------------------------------------------------------------------

// What holds it has a line; what is missing has none.
static void fail_missing(struct reader *reader, const struct place *place) {
    char what[96];
    (void)snprintf(what, sizeof(what), "\"%s\" is missing", place->name);
    reader_fail(reader, place->up, what);
}

const json_t *reader_object(struct reader *reader, const json_t *object, const struct place *place,
                            bool is_required) {
    const json_t *value = json_object_get(object, place->name);
    if (json_is_object(value))
        return value;
    if (value)
        reader_fail(reader, place, "must be a mapping");
    else if (is_required)
        fail_missing(reader, place);
    return NULL;
}

// Texts go into URLs, headers and lines of output.
static bool is_printable(const char *text) {
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

static const char *text_of(struct reader *reader, const json_t *value, const struct place *place) {
    const char *text = json_string_value(value);
    if (!text || !is_printable(text)) {
        reader_fail(reader, place, text ? "holds a control character" : "must be a text");
        return "";
    }
    return text;
}

const char *reader_text(struct reader *reader, const json_t *object, const struct place *place,
                        bool is_required) {
    const json_t *value = json_object_get(object, place->name);
    if (!value || json_is_null(value)) {
        if (!is_required)
            return NULL;
        fail_missing(reader, place);
        return "";
    }
    const char *text = text_of(reader, value, place);
    if (is_required && !*text)
        reader_fail(reader, place, "must not be empty");
    return text;
}

bool reader_flag(struct reader *reader, const json_t *object, const struct place *place) {
    const json_t *value = json_object_get(object, place->name);
    if (value && !json_is_boolean(value))
        reader_fail(reader, place, "must be true or false");
    return json_is_true(value);
}

const char *const *reader_texts(struct reader *reader, const json_t *object,
                                const struct place *place) {
    const json_t *list = json_object_get(object, place->name);
    if (list && !json_is_array(list))
        reader_fail(reader, place, "must be a list of texts");
    size_t count = json_array_size(list);
    const char **texts = pool_array(reader->pool, count + 1, sizeof(*texts));
    for (size_t i = 0; i < count; i++)
        texts[i] = text_of(reader, json_array_get(list, i), &(struct place){place, NULL, i});
    return texts;
}

static struct jsonpath *compile(struct reader *reader, const char *text,
                                const struct place *place) {
    struct jsonpath *path;
    if (reader->is_failed)
        return NULL;
    char error[160];
    if (jsonpath_new(bytes_text(text), &path, error, sizeof(error)) != ERR_OK) {
        reader_fail(reader, place, error);
        return NULL;
    }
    pool_keep_path(reader->pool, path);
    return path;
}

const struct jsonpath *reader_compile(struct reader *reader, const char *text,
                                      const struct place *place) {
    return compile(reader, text, place);
}

// From the last one to the first, each of which the one behind it follows.
static const struct jsonpath *compile_all(struct reader *reader, const char *const *texts,
                                          const struct place *place) {
    size_t count = 0;
    const struct jsonpath *otherwise = NULL;
    while (texts[count])
        count++;
    if (count == 0)
        reader_fail(reader, place, "needs a path");
    while (count-- > 0) {
        struct jsonpath *path = compile(reader, texts[count], &(struct place){place, NULL, count});
        if (path)
            jsonpath_otherwise(path, otherwise);
        otherwise = path;
    }
    return otherwise;
}

const struct jsonpath *reader_path(struct reader *reader, const json_t *object,
                                   const struct place *place, bool is_required) {
    if (json_is_array(json_object_get(object, place->name)))
        return compile_all(reader, reader_texts(reader, object, place), place);
    const char *text = reader_text(reader, object, place, is_required);
    return text ? reader_compile(reader, text, place) : NULL;
}

const struct jsonpath *const *reader_paths(struct reader *reader, const json_t *object,
                                           const struct place *place) {
    const char *const *list = reader_texts(reader, object, place);
    size_t count = 0;
    while (list[count])
        count++;
    const struct jsonpath **paths = pool_array(reader->pool, count + 1, sizeof(*paths));
    for (size_t i = 0; i < count; i++)
        paths[i] = reader_compile(reader, list[i], &(struct place){place, NULL, i});
    return paths;
}

const char *reader_dump(struct reader *reader, const json_t *value) {
    size_t size = json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    char *text = pool_array(reader->pool, size + 1, 1);
    (void)json_dumpb(value, text, size, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    return text;
}

// ---- Days. -------------------------------------------------------------------------------------

// Days from 1970-01-01 in the Gregorian calendar.
static int64_t days_of(int year, int month, int day) {
    int y = month <= 2 ? year - 1 : year;
    int era = y / 400, of_era = y - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int64_t reader_day(struct reader *reader, const json_t *object, const struct place *place,
                   int64_t absent) {
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *text = reader_text(reader, object, place, false);
    if (!text || reader->is_failed)
        return absent;
    int year = 0, month = 0, day = 0, size = 0;
    bool is_day = sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &size) == 3 && size == 10 &&
                  text[10] == 0 && year >= 1970 && month >= 1 && month <= 12 && day >= 1 &&
                  day <= lengths[month - 1];
    if (!is_day) {
        reader_fail(reader, place, "must be a day like 2026-08-07");
        return absent;
    }
    return days_of(year, month, day) * 24 * 3600 * 1000;
}
