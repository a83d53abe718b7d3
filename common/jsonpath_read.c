#include "common/jsonpath_read.h"

#include "common/json_lex.h"
#include "common/mem.h"

#include <assert.h>
#include <stdio.h>

_Static_assert((int)JSONPATH_TEXT_MAX < (int)NONE, "each part takes a byte of the text, or more");

#define INDEX_MAX 9007199254740991ll // what I-JSON has for whole: 2^53 - 1

bool reader_refuse(struct reader *reader, const char *what) {
    if (!reader->wrong)
        reader->wrong = what;
    return false;
}

bool reader_refuse_at(struct reader *reader, size_t at, const char *what) {
    reader->at = at;
    return reader_refuse(reader, what);
}

void reader_skip_blanks(struct reader *reader) {
    int c = reader_peek(reader);
    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        reader->at++;
        c = reader_peek(reader);
    }
}

struct frame *reader_open(struct reader *reader, enum frame_kind kind) {
    if (reader->depth == JSONPATH_NESTING_MAX) {
        (void)reader_refuse(reader, "nested too deeply");
        return NULL;
    }
    struct frame *frame = &reader->frames[reader->depth++];
    *frame = (struct frame){.kind = kind,
                            .at = reader->at,
                            .query = NONE,
                            .segment = NONE,
                            .selector = NONE,
                            .filter = NONE,
                            .and_jumps = NONE,
                            .or_jumps = NONE};
    return frame;
}

uint16_t reader_add(void *array, size_t *count, size_t size) {
    char *members; // the array's pointer may be one to any type
    size_t i = (*count)++;
    assert(i < NONE);
    memcpy(&members, array, sizeof(members));
    // Grown at each power of two.
    if ((i & (i - 1)) == 0) {
        members = mem_grow(members, (i ? 2 * i : 1) * size);
        memcpy(array, &members, sizeof(members));
    }
    memset(members + i * size, 0, size);
    return (uint16_t)i;
}

// ---- Names and texts. --------------------------------------------------------------------------

static void put_word(struct reader *reader, const uint8_t *at, size_t size) {
    struct jsonpath *path = reader->path;
    assert(path->words_size + size <= reader->text.size);
    memcpy(path->words + path->words_size, at, size);
    path->words_size += size;
}

static struct bytes words_since(const struct reader *reader, size_t begin) {
    return bytes_of(reader->path->words + begin, reader->path->words_size - begin);
}

// Takes one character beyond ASCII as it stands.
static bool take_wide(struct reader *reader) {
    const uint8_t *at = reader->text.at + reader->at;
    size_t size = lex_utf8(at, reader->text.at + reader->text.size);
    if (size == 0)
        return reader_refuse(reader, "not UTF-8");
    put_word(reader, at, size);
    reader->at += size;
    return true;
}

static bool is_name_first(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool read_short_name(struct reader *reader, struct bytes *name) {
    size_t begin = reader->path->words_size;
    for (int c = reader_peek(reader); is_name_first(c) || (c >= '0' && c <= '9');
         c = reader_peek(reader)) {
        if (c >= 0x80) {
            if (!take_wide(reader))
                return false;
            continue;
        }
        put_word(reader, &(uint8_t){(uint8_t)c}, 1);
        reader->at++;
    }
    *name = words_since(reader, begin);
    return true;
}

// The escapes are those of JSON, but for the quotes: only the one in use is escaped.
static bool read_escape(struct reader *reader, char quote) {
    const uint8_t *end = reader->text.at + reader->text.size;
    const uint8_t *at = reader->text.at + reader->at;
    uint32_t point = (uint8_t)quote;
    bool is_odd = false;
    if (end - at >= 2 && (at[1] == '\'' || at[1] == '"')) {
        if (at[1] != (uint8_t)quote)
            return false;
        at += 2;
    } else if (!lex_escape(&at, end, &point, &is_odd)) {
        return false;
    }
    // What is odd is \u0000, which a path may say, or half a surrogate pair.
    if (is_odd && memcmp(reader->text.at + reader->at, "\\u0000", 6) != 0)
        return false;
    uint8_t bytes[4];
    put_word(reader, bytes, lex_put(is_odd ? 0 : point, bytes));
    reader->at = (size_t)(at - reader->text.at);
    return true;
}

bool reader_quoted(struct reader *reader, char quote, struct bytes *text) {
    size_t begin = reader->path->words_size;
    while (!reader_take(reader, quote)) {
        int c = reader_peek(reader);
        if (c < 0x20)
            return reader_refuse(reader, c < 0 ? "the quote is not closed" : "a control character");
        if (c >= 0x80) {
            if (!take_wide(reader))
                return false;
        } else if (c == '\\') {
            if (!read_escape(reader, quote))
                return reader_refuse(reader, "not an escape");
        } else {
            put_word(reader, &(uint8_t){(uint8_t)c}, 1);
            reader->at++;
        }
    }
    *text = words_since(reader, begin);
    return true;
}

// ---- Selectors. --------------------------------------------------------------------------------

static struct selector *add_selector(struct reader *reader, struct frame *brackets,
                                     enum selector_kind kind) {
    struct jsonpath *path = reader->path;
    uint16_t i = reader_add(&path->selectors, &path->selector_count, sizeof(*path->selectors));
    if (brackets->selector == NONE)
        path->segments[brackets->segment].selector = i;
    else
        path->selectors[brackets->selector].next = i;
    brackets->selector = i;
    struct selector *selector = &path->selectors[i];
    selector->kind = kind;
    selector->next = NONE;
    selector->stride = 1;
    return selector;
}

static bool is_digit(int c) {
    return c >= '0' && c <= '9';
}

static bool read_whole(struct reader *reader, int64_t *number) {
    bool is_negative = reader_take(reader, '-');
    size_t begin = reader->at;
    *number = 0;
    while (is_digit(reader_peek(reader)) && *number <= INDEX_MAX)
        *number = *number * 10 + (reader->text.at[reader->at++] - '0');
    size_t digits = reader->at - begin;
    if (digits == 0)
        return reader_refuse(reader, "a number is expected");
    if (digits > 1 && reader->text.at[begin] == '0')
        return reader_refuse_at(reader, begin, "a number has no leading zero");
    if (is_negative && *number == 0)
        return reader_refuse_at(reader, begin, "a number is not -0");
    if (*number > INDEX_MAX)
        return reader_refuse_at(reader, begin, "the number is beyond 2^53 - 1");
    if (is_negative)
        *number = -*number;
    return true;
}

// A number of a slice, which may be missing.
static bool read_bound(struct reader *reader, bool *has_bound, int64_t *bound) {
    int c = reader_peek(reader);
    *has_bound = c == '-' || is_digit(c);
    if (*has_bound && !read_whole(reader, bound))
        return false;
    return true;
}

static bool read_index_or_slice(struct reader *reader, struct frame *brackets) {
    int c = reader_peek(reader);
    if (c != '-' && c != ':' && !is_digit(c))
        return reader_refuse(reader, "a name in quotes, an index, a slice, * or ? is expected");
    struct selector *selector = add_selector(reader, brackets, SELECT_index);
    if (!read_bound(reader, &selector->has_start, &selector->start))
        return false;
    size_t before = reader->at;
    reader_skip_blanks(reader);
    if (!reader_take(reader, ':')) {
        reader->at = before;
        return true;
    }
    selector->kind = SELECT_slice;
    reader_skip_blanks(reader);
    if (!read_bound(reader, &selector->has_end, &selector->end))
        return false;
    before = reader->at;
    reader_skip_blanks(reader);
    if (!reader_take(reader, ':')) {
        reader->at = before;
        return true;
    }
    bool has_stride;
    reader_skip_blanks(reader);
    return read_bound(reader, &has_stride, &selector->stride);
}

static bool read_filter(struct reader *reader, struct frame *brackets) {
    struct jsonpath *path = reader->path;
    uint16_t i = reader_add(&path->filters, &path->filter_count, sizeof(*path->filters));
    path->filters[i] = (struct filter){.query = brackets->query, .op = NONE, .last_op = NONE};
    add_selector(reader, brackets, SELECT_filter)->filter = i;
    struct frame *frame = reader_open(reader, FRAME_filter);
    if (!frame)
        return false;
    frame->filter = i;
    return true;
}

static bool read_selector(struct reader *reader, struct frame *brackets) {
    char quote = (char)reader_peek(reader);
    if (quote == '\'' || quote == '"') {
        reader->at++;
        struct selector *selector = add_selector(reader, brackets, SELECT_name);
        return reader_quoted(reader, quote, &selector->name);
    }
    if (reader_take(reader, '*')) {
        (void)add_selector(reader, brackets, SELECT_all);
        return true;
    }
    if (reader_take(reader, '?'))
        return read_filter(reader, brackets);
    return read_index_or_slice(reader, brackets);
}

// The next selector, or the end of the brackets.
static bool read_brackets(struct reader *reader) {
    struct frame *frame = &reader->frames[reader->depth - 1];
    reader_skip_blanks(reader);
    if (frame->selector != NONE) {
        if (reader_take(reader, ']')) {
            reader->depth--;
            return true;
        }
        if (!reader_take(reader, ','))
            return reader_refuse(reader, ", or ] is expected");
        reader_skip_blanks(reader);
    }
    return read_selector(reader, frame);
}

// ---- Queries. ----------------------------------------------------------------------------------

bool reader_open_query(struct reader *reader, uint16_t filter) {
    struct jsonpath *path = reader->path;
    struct frame *frame = reader_open(reader, FRAME_query);
    if (!frame)
        return false;
    frame->filter = filter;
    frame->query = reader_add(&path->queries, &path->query_count, sizeof(*path->queries));
    path->queries[frame->query] = (struct query){.is_relative = reader_peek(reader) == '@',
                                                 .segment = NONE,
                                                 .last_segment = NONE,
                                                 .filter = filter};
    reader->at++;
    return true;
}

static uint16_t add_segment(struct reader *reader, struct query *query, bool is_descendant) {
    struct jsonpath *path = reader->path;
    uint16_t i = reader_add(&path->segments, &path->segment_count, sizeof(*path->segments));
    path->segments[i] =
        (struct segment){.next = NONE, .selector = NONE, .is_descendant = is_descendant};
    if (query->segment == NONE)
        query->segment = i;
    else
        path->segments[query->last_segment].next = i;
    query->last_segment = i;
    return i;
}

static bool open_brackets(struct reader *reader, uint16_t query, uint16_t segment) {
    struct frame *frame = reader_open(reader, FRAME_brackets);
    if (!frame)
        return false;
    frame->query = query;
    frame->segment = segment;
    return true;
}

// What follows a dot or two: a name or *, or after two, brackets.
static bool read_dotted(struct reader *reader, uint16_t query, bool is_descendant) {
    uint16_t segment = add_segment(reader, &reader->path->queries[query], is_descendant);
    if (is_descendant && reader_take(reader, '['))
        return open_brackets(reader, query, segment);
    struct frame single = {.segment = segment, .selector = NONE};
    if (reader_take(reader, '*')) {
        (void)add_selector(reader, &single, SELECT_all);
        return true;
    }
    if (!is_name_first(reader_peek(reader)))
        return reader_refuse(reader, is_descendant ? "a name, * or [ must follow the dots"
                                                   : "a name or * must follow the dot");
    return read_short_name(reader, &add_selector(reader, &single, SELECT_name)->name);
}

static bool is_singular(const struct jsonpath *path, const struct query *query) {
    for (uint16_t i = query->segment; i != NONE; i = path->segments[i].next) {
        const struct segment *segment = &path->segments[i];
        const struct selector *selector = &path->selectors[segment->selector];
        if (segment->is_descendant || selector->next != NONE ||
            (selector->kind != SELECT_name && selector->kind != SELECT_index))
            return false;
    }
    return true;
}

// The next segment, or the end of the query.
static bool read_query(struct reader *reader) {
    struct frame *frame = &reader->frames[reader->depth - 1];
    size_t before = reader->at;
    reader_skip_blanks(reader);
    if (reader_take(reader, '.'))
        return read_dotted(reader, frame->query, reader_take(reader, '.'));
    if (reader_take(reader, '['))
        return open_brackets(reader, frame->query,
                             add_segment(reader, &reader->path->queries[frame->query], false));
    reader->at = before;
    struct query *query = &reader->path->queries[frame->query];
    query->is_singular = is_singular(reader->path, query);
    reader->operand =
        (struct operand){.kind = OPERAND_query, .query = frame->query, .at = frame->at};
    reader->depth--;
    reader->has_operand = true;
    if (reader->depth == 0 && reader->at < reader->text.size)
        return reader_refuse(reader, ". or [ is expected");
    return true;
}

static bool read_expression(struct reader *reader) {
    if (reader_peek(reader) != '$')
        return reader_refuse(reader, "a path begins with $");
    bool is_good = reader_open_query(reader, NONE);
    while (is_good && reader->depth > 0) {
        switch (reader->frames[reader->depth - 1].kind) {
        case FRAME_query:
            is_good = read_query(reader);
            break;
        case FRAME_brackets:
            is_good = read_brackets(reader);
            break;
        case FRAME_call:
            is_good = reader_call(reader);
            break;
        default:
            is_good = reader_logic(reader);
        }
    }
    return is_good;
}

// ---- The whole. --------------------------------------------------------------------------------

// Notes the steps of a path that has nothing but names, indexes and *, one at a time.
static void find_steps(struct jsonpath *path) {
    for (uint16_t i = path->queries[0].segment; i != NONE; i = path->segments[i].next) {
        const struct selector *selector = &path->selectors[path->segments[i].selector];
        if (path->segments[i].is_descendant || selector->next != NONE ||
            selector->kind > SELECT_all || path->step_count == JSONPATH_STEPS_MAX)
            return;
        path->steps[path->step_count++] =
            (struct step){selector->kind, selector->name, selector->start};
    }
    path->is_plain = true;
}

enum err jsonpath_new(struct bytes text, struct jsonpath **out, char *error, size_t error_size) {
    if (text.size > JSONPATH_TEXT_MAX) {
        (void)snprintf(error, error_size, "position %d: the path is longer than %d bytes",
                       JSONPATH_TEXT_MAX + 1, JSONPATH_TEXT_MAX);
        return ERR_MALFORMED;
    }
    struct jsonpath *path = mem_new(sizeof(*path));
    path->text = mem_copy(text.at, text.size);
    path->words = mem_new(text.size + 1);
    struct reader *reader = mem_new(sizeof(*reader));
    *reader = (struct reader){.text = text, .path = path};
    enum err e = read_expression(reader) ? ERR_OK : ERR_MALFORMED;
    if (e == ERR_OK) {
        find_steps(path);
        *out = path;
    } else {
        (void)snprintf(error, error_size, "position %zu: %s", reader->at + 1, reader->wrong);
        jsonpath_free(path);
    }
    mem_free(reader);
    return e;
}

void jsonpath_free(struct jsonpath *path) {
    if (!path)
        return;
    for (size_t i = 0; i < path->regex_count; i++)
        regex_free(path->regexes[i]);
    mem_free(path->text);
    mem_free(path->words);
    mem_free(path->queries);
    mem_free(path->segments);
    mem_free(path->selectors);
    mem_free(path->filters);
    mem_free(path->ops);
    mem_free(path->values);
    mem_free(path->regexes);
    mem_free(path);
}
