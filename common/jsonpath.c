#include "common/jsonpath.h"

#include "common/json_lex.h"
#include "common/mem.h"

#include <assert.h>
#include <stdio.h>

enum step_kind { STEP_name, STEP_index, STEP_all };

struct step {
    enum step_kind kind;
    struct bytes name; // in names
    int64_t index;     // from the end where negative
};

struct jsonpath {
    char text[JSONPATH_TEXT_MAX + 1];
    uint8_t names[JSONPATH_TEXT_MAX]; // the names of the steps, escapes resolved
    size_t names_size;
    struct step steps[JSONPATH_STEPS_MAX];
    uint32_t count;
};

// ---- Reading an expression. --------------------------------------------------------------------

struct reader {
    struct bytes text;
    size_t at;
    struct jsonpath *path;
    const char *wrong;
};

static bool refuse(struct reader *reader, const char *what) {
    reader->wrong = what;
    return false;
}

static int peek(const struct reader *reader) {
    return reader->at < reader->text.size ? reader->text.at[reader->at] : -1;
}

static bool take(struct reader *reader, char c) {
    if (peek(reader) != c)
        return false;
    reader->at++;
    return true;
}

static void skip_blanks(struct reader *reader) {
    while (peek(reader) == ' ' || peek(reader) == '\t')
        reader->at++;
}

static void put_name_byte(struct reader *reader, uint8_t byte) {
    assert(reader->path->names_size < sizeof(reader->path->names));
    reader->path->names[reader->path->names_size++] = byte;
}

static bool is_name_first(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool read_dotted(struct reader *reader, struct step *step) {
    if (take(reader, '*')) {
        step->kind = STEP_all;
        return true;
    }
    if (peek(reader) == '.')
        return refuse(reader, "\"..\" is not supported");
    if (!is_name_first(peek(reader)))
        return refuse(reader, "a name or * must follow the dot");
    size_t begin = reader->path->names_size;
    while (is_name_first(peek(reader)) || (peek(reader) >= '0' && peek(reader) <= '9'))
        put_name_byte(reader, reader->text.at[reader->at++]);
    step->kind = STEP_name;
    step->name = bytes_of(reader->path->names + begin, reader->path->names_size - begin);
    return true;
}

// The escapes are those of JSON, but for the quotes: only the one in use is escaped.
static bool read_quoted_escape(struct reader *reader, char quote) {
    const uint8_t *end = reader->text.at + reader->text.size;
    const uint8_t *at = reader->text.at + reader->at;
    uint32_t point = (uint8_t)quote;
    bool is_odd = false;
    if (end - at >= 2 && (at[1] == '\'' || at[1] == '"')) {
        if (at[1] != (uint8_t)quote)
            return false;
        at += 2;
    } else if (!lex_escape(&at, end, &point, &is_odd) || is_odd) {
        return false;
    }
    uint8_t bytes[4];
    size_t size = lex_put(point, bytes);
    for (size_t i = 0; i < size; i++)
        put_name_byte(reader, bytes[i]);
    reader->at = (size_t)(at - reader->text.at);
    return true;
}

static bool read_quoted(struct reader *reader, char quote, struct step *step) {
    size_t begin = reader->path->names_size;
    while (!take(reader, quote)) {
        int c = peek(reader);
        if (c < 0x20)
            return refuse(reader, c < 0 ? "the quote is not closed" : "a control character");
        if (c == '\\' && !read_quoted_escape(reader, quote))
            return refuse(reader, "not an escape");
        if (c != '\\')
            put_name_byte(reader, reader->text.at[reader->at++]);
    }
    step->kind = STEP_name;
    step->name = bytes_of(reader->path->names + begin, reader->path->names_size - begin);
    return true;
}

static bool read_index(struct reader *reader, struct step *step) {
    bool is_negative = take(reader, '-');
    size_t begin = reader->at;
    int64_t index = 0;
    while (peek(reader) >= '0' && peek(reader) <= '9' && reader->at - begin < 10)
        index = index * 10 + (reader->text.at[reader->at++] - '0');
    size_t digits = reader->at - begin;
    if (digits == 0)
        return refuse(reader, "a name in quotes, an index or * is expected");
    if (digits > 1 && reader->text.at[begin] == '0')
        return refuse(reader, "an index has no leading zero");
    if (is_negative && index == 0)
        return refuse(reader, "an index is not -0");
    step->kind = STEP_index;
    step->index = is_negative ? -index : index;
    return true;
}

static bool read_bracket(struct reader *reader, struct step *step) {
    skip_blanks(reader);
    bool is_good = true;
    if (take(reader, '\''))
        is_good = read_quoted(reader, '\'', step);
    else if (take(reader, '"'))
        is_good = read_quoted(reader, '"', step);
    else if (take(reader, '*'))
        step->kind = STEP_all;
    else
        is_good = read_index(reader, step);
    if (!is_good)
        return false;
    skip_blanks(reader);
    if (peek(reader) == ',' || peek(reader) == ':')
        return refuse(reader, "only one name or index in brackets is supported");
    return take(reader, ']') || refuse(reader, "] is expected");
}

static bool read_path(struct reader *reader) {
    if (!take(reader, '$'))
        return refuse(reader, "a path begins with $");
    while (reader->at < reader->text.size) {
        if (reader->path->count == JSONPATH_STEPS_MAX)
            return refuse(reader, "too many steps");
        struct step *step = &reader->path->steps[reader->path->count++];
        bool is_good = take(reader, '.')   ? read_dotted(reader, step)
                       : take(reader, '[') ? read_bracket(reader, step)
                                           : refuse(reader, ". or [ is expected");
        if (!is_good)
            return false;
    }
    return true;
}

enum err jsonpath_new(struct bytes text, struct jsonpath **out, char *error, size_t error_size) {
    if (text.size > JSONPATH_TEXT_MAX) {
        (void)snprintf(error, error_size, "the path is longer than %d bytes", JSONPATH_TEXT_MAX);
        return ERR_MALFORMED;
    }
    struct jsonpath *path = mem_new(sizeof(*path));
    if (text.size > 0)
        memcpy(path->text, text.at, text.size);
    struct reader reader = {.text = text, .path = path};
    if (read_path(&reader)) {
        *out = path;
        return ERR_OK;
    }
    (void)snprintf(error, error_size, "position %zu: %s", reader.at + 1, reader.wrong);
    jsonpath_free(path);
    return ERR_MALFORMED;
}

void jsonpath_free(struct jsonpath *path) {
    mem_free(path);
}

const char *jsonpath_text(const struct jsonpath *path) {
    return path->text;
}

// ---- Searching. --------------------------------------------------------------------------------

// The children of one node that a step has still to look at.
struct level {
    uint32_t next;
    uint32_t end;
};

// The first child from `at` on that a step by name takes; end if none.
static uint32_t named_child(const struct json_scan *scan, uint32_t at, uint32_t end,
                            struct bytes name) {
    while (at < end && !json_is_named(scan, at, name))
        at = scan->nodes[at].end;
    return at;
}

static uint32_t indexed_child(const struct json_scan *scan, uint32_t array, int64_t index) {
    const struct json_node *node = &scan->nodes[array];
    int64_t wanted = index < 0 ? index + node->count : index;
    if (wanted < 0 || wanted >= node->count)
        return node->end;
    uint32_t at = array + 1;
    while (wanted-- > 0)
        at = scan->nodes[at].end;
    return at;
}

// Which children of a node a step takes: one, all of them, or none.
static struct level enter(const struct json_scan *scan, uint32_t at, const struct step *step) {
    const struct json_node *node = &scan->nodes[at];
    bool is_object = node->shape == JSON_SHAPE_object, is_array = node->shape == JSON_SHAPE_array;
    struct level none = {node->end, node->end};
    uint32_t child = node->end;
    if (step->kind == STEP_all)
        return is_object || is_array ? (struct level){at + 1, node->end} : none;
    if (step->kind == STEP_name && is_object)
        child = named_child(scan, at + 1, node->end, step->name);
    if (step->kind == STEP_index && is_array)
        child = indexed_child(scan, at, step->index);
    return child < node->end ? (struct level){child, scan->nodes[child].end} : none;
}

uint32_t jsonpath_each(const struct jsonpath *path, const struct json_scan *scan,
                       jsonpath_visit *visit, void *context) {
    if (!path || scan->count == 0)
        return 0;
    if (path->count == 0) {
        (void)visit(context, scan, 0);
        return 1;
    }
    struct level levels[JSONPATH_STEPS_MAX];
    uint32_t depth = 1, visits = 0;
    levels[0] = enter(scan, 0, &path->steps[0]);
    while (depth > 0) {
        struct level *level = &levels[depth - 1];
        if (level->next >= level->end) {
            depth--;
            continue;
        }
        uint32_t at = level->next;
        level->next = scan->nodes[at].end;
        if (depth < path->count) {
            levels[depth] = enter(scan, at, &path->steps[depth]);
            depth++;
            continue;
        }
        visits++;
        if (!visit(context, scan, at))
            break;
    }
    return visits;
}

static bool keep_first(void *context, const struct json_scan *scan, uint32_t node) {
    (void)scan;
    *(uint32_t *)context = node;
    return false;
}

bool jsonpath_first(const struct jsonpath *path, const struct json_scan *scan, uint32_t *node) {
    return jsonpath_each(path, scan, keep_first, node) > 0;
}

// ---- Where a node stands. ----------------------------------------------------------------------

static bool is_plain_name(struct bytes name) {
    if (name.size == 0 || !is_name_first(name.at[0]))
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (!is_name_first(name.at[i]) && !(name.at[i] >= '0' && name.at[i] <= '9'))
            return false;
    return true;
}

static void put_name(const struct json_node *node, struct bytes name, struct buf *out) {
    if (!node->name_has_escape && is_plain_name(name)) {
        buf_byte(out, '.');
        buf_put(out, name.at, name.size);
        return;
    }
    buf_text(out, "[\"");
    buf_put(out, name.at, name.size);
    buf_text(out, "\"]");
}

void jsonpath_of(const struct json_scan *scan, uint32_t node, struct buf *out) {
    assert(node < scan->count);
    buf_byte(out, '$');
    for (uint32_t at = 0; at != node;) {
        bool is_array = scan->nodes[at].shape == JSON_SHAPE_array;
        uint32_t index = 0, child = at + 1;
        for (; scan->nodes[child].end <= node; index++)
            child = scan->nodes[child].end;
        const struct json_node *to = &scan->nodes[child];
        if (is_array)
            buf_printf(out, "[%u]", index);
        else
            put_name(to, bytes_of(scan->text.at + to->name_at, to->name_size), out);
        at = child;
    }
}
