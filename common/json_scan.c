#include "common/json.h"

#include "common/json_lex.h"
#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>

_Static_assert(JSON_DEPTH_MAX <= 64, "the open containers of a text fit one word");

// A walk over a text. Without a scan it only validates.
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    uint64_t objects; // bit d: the container at depth d is an object
    unsigned depth;
    bool is_too_deep;
    struct json_scan *scan;
    uint32_t open[JSON_DEPTH_MAX]; // nodes of the open containers
    // The name of the member whose value comes next.
    uint32_t name_at;
    uint32_t name_size;
    bool name_has_escape;
    bool name_is_odd;
};

// ---- Nodes. ------------------------------------------------------------------------------------

static uint32_t node_add(struct json_scan *scan) {
    if (scan->count == scan->capacity) {
        scan->capacity = scan->capacity ? scan->capacity * 2 : 256;
        scan->nodes = mem_grow(scan->nodes, scan->capacity * sizeof(*scan->nodes));
    }
    scan->nodes[scan->count] = (struct json_node){0};
    return scan->count++;
}

// Notes the beginning of a value, under the name that was read before it.
static uint32_t node_begin(struct cursor *cursor, enum json_shape shape) {
    struct json_scan *scan = cursor->scan;
    if (!scan)
        return 0;
    uint32_t i = node_add(scan);
    struct json_node *node = &scan->nodes[i];
    node->at = (uint32_t)(cursor->at - scan->text.at);
    node->shape = (uint8_t)shape;
    if (cursor->depth > 0) {
        node->parent = cursor->open[cursor->depth - 1];
        struct json_node *parent = &scan->nodes[node->parent];
        if (parent->shape == JSON_SHAPE_object) {
            node->name_at = cursor->name_at;
            node->name_size = cursor->name_size;
            node->name_has_escape = cursor->name_has_escape;
            parent->is_odd |= cursor->name_is_odd;
        }
        node->index = parent->count++;
    }
    return i;
}

static void node_end(struct cursor *cursor, uint32_t i) {
    struct json_scan *scan = cursor->scan;
    if (!scan)
        return;
    struct json_node *node = &scan->nodes[i];
    node->size = (uint32_t)(cursor->at - scan->text.at) - node->at;
    node->end = scan->count;
    if (node->is_odd)
        scan->nodes[node->parent].is_odd = true;
}

// ---- Names. ------------------------------------------------------------------------------------

static struct bytes raw_name(const struct json_scan *scan, const struct json_node *node) {
    return bytes_of(scan->text.at + node->name_at, node->name_size);
}

static bool names_equal(const struct json_scan *scan, const struct json_node *a,
                        const struct json_node *b) {
    struct bytes name_a = raw_name(scan, a), name_b = raw_name(scan, b);
    if (!a->name_has_escape && !b->name_has_escape)
        return bytes_equal(name_a, name_b);
    if (!b->name_has_escape)
        return lex_means(name_a, name_b);
    if (!a->name_has_escape)
        return lex_means(name_b, name_a);
    return bytes_equal(name_a, name_b) || lex_hash(name_a) == lex_hash(name_b);
}

static int compare_hashes(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

// For objects of many members: equal hashes of 64 bits are taken for equal names.
static bool has_twin_hashes(const struct json_scan *scan, uint32_t object) {
    const struct json_node *nodes = scan->nodes;
    uint64_t *hashes = mem_array(nodes[object].count, sizeof(*hashes));
    size_t count = 0;
    for (uint32_t i = object + 1; i < scan->count; i = nodes[i].end)
        hashes[count++] = lex_hash(raw_name(scan, &nodes[i]));
    qsort(hashes, count, sizeof(*hashes), compare_hashes);
    bool has_twins = false;
    for (size_t i = 1; i < count && !has_twins; i++)
        has_twins = hashes[i] == hashes[i - 1];
    mem_free(hashes);
    return has_twins;
}

// Whether a name stands twice in the object that is about to be closed.
static bool has_twins(const struct json_scan *scan, uint32_t object) {
    const struct json_node *nodes = scan->nodes;
    if (nodes[object].count > 24)
        return has_twin_hashes(scan, object);
    for (uint32_t i = object + 1; i < scan->count; i = nodes[i].end)
        for (uint32_t j = nodes[i].end; j < scan->count; j = nodes[j].end)
            if (names_equal(scan, &nodes[i], &nodes[j]))
                return true;
    return false;
}

// ---- The grammar, without recursion. -----------------------------------------------------------

static void skip_blanks(struct cursor *cursor) {
    const uint8_t *p = cursor->at;
    while (p < cursor->end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
        p++;
    cursor->at = p;
}

static bool is_in_object(const struct cursor *cursor) {
    return cursor->depth > 0 && (cursor->objects >> (cursor->depth - 1) & 1) != 0;
}

// A member's name and its colon.
static bool read_name(struct cursor *cursor) {
    skip_blanks(cursor);
    if (cursor->at >= cursor->end || *cursor->at != '"')
        return false;
    const uint8_t *begin = cursor->at + 1;
    cursor->name_has_escape = false;
    cursor->name_is_odd = false;
    if (!lex_string(&cursor->at, cursor->end, &cursor->name_has_escape, &cursor->name_is_odd))
        return false;
    if (cursor->scan) {
        cursor->name_at = (uint32_t)(begin - cursor->scan->text.at);
        cursor->name_size = (uint32_t)(cursor->at - 1 - begin);
    }
    skip_blanks(cursor);
    if (cursor->at >= cursor->end || *cursor->at != ':')
        return false;
    cursor->at++;
    return true;
}

static bool open_container(struct cursor *cursor) {
    bool is_object = *cursor->at == '{';
    cursor->is_too_deep = cursor->depth == JSON_DEPTH_MAX;
    if (cursor->is_too_deep)
        return false;
    uint32_t node = node_begin(cursor, is_object ? JSON_SHAPE_object : JSON_SHAPE_array);
    cursor->open[cursor->depth] = node;
    cursor->objects &= ~(1ull << cursor->depth);
    cursor->objects |= (uint64_t)is_object << cursor->depth;
    cursor->depth++;
    cursor->at++;
    return true;
}

static bool close_container(struct cursor *cursor) {
    uint32_t node = cursor->open[cursor->depth - 1];
    if (cursor->scan && is_in_object(cursor) && has_twins(cursor->scan, node))
        return false;
    cursor->at++;
    cursor->depth--;
    node_end(cursor, node);
    return true;
}

static bool read_scalar(struct cursor *cursor) {
    uint8_t c = *cursor->at;
    enum json_shape shape = c == '"'   ? JSON_SHAPE_text
                            : c == 't' ? JSON_SHAPE_true
                            : c == 'f' ? JSON_SHAPE_false
                            : c == 'n' ? JSON_SHAPE_null
                                       : JSON_SHAPE_number;
    uint32_t node = node_begin(cursor, shape);
    bool has_escape = false, is_odd = false, is_good;
    switch (shape) {
    case JSON_SHAPE_text:
        is_good = lex_string(&cursor->at, cursor->end, &has_escape, &is_odd);
        break;
    case JSON_SHAPE_true:
        is_good = lex_word(&cursor->at, cursor->end, "true");
        break;
    case JSON_SHAPE_false:
        is_good = lex_word(&cursor->at, cursor->end, "false");
        break;
    case JSON_SHAPE_null:
        is_good = lex_word(&cursor->at, cursor->end, "null");
        break;
    default:
        is_good = lex_number(&cursor->at, cursor->end);
    }
    if (cursor->scan) {
        cursor->scan->nodes[node].has_escape = has_escape;
        cursor->scan->nodes[node].is_odd = is_odd;
    }
    node_end(cursor, node);
    return is_good;
}

// Reads what may follow a whole value inside a container, up to where the next value begins.
// *is_done: the outermost value is closed.
static bool after_value(struct cursor *cursor, bool *is_done) {
    for (;;) {
        *is_done = cursor->depth == 0;
        if (*is_done)
            return true;
        skip_blanks(cursor);
        if (cursor->at >= cursor->end)
            return false;
        if (*cursor->at == ',') {
            cursor->at++;
            return !is_in_object(cursor) || read_name(cursor);
        }
        if (*cursor->at != (is_in_object(cursor) ? '}' : ']') || !close_container(cursor))
            return false;
    }
}

// Reads one value with everything in it.
static bool read_value(struct cursor *cursor) {
    for (bool is_done = false; !is_done;) {
        skip_blanks(cursor);
        if (cursor->at >= cursor->end)
            return false;
        if (*cursor->at == '{' || *cursor->at == '[') {
            if (!open_container(cursor))
                return false;
            skip_blanks(cursor);
            if (cursor->at >= cursor->end)
                return false;
            if (*cursor->at == (is_in_object(cursor) ? '}' : ']')) {
                if (!close_container(cursor) || !after_value(cursor, &is_done))
                    return false;
            } else if (is_in_object(cursor) && !read_name(cursor)) {
                return false;
            }
        } else if (!read_scalar(cursor) || !after_value(cursor, &is_done)) {
            return false;
        }
    }
    return true;
}

static struct cursor cursor_of(struct bytes text) {
    return (struct cursor){.at = text.at, .end = text.size > 0 ? text.at + text.size : text.at};
}

// ---- The interface. ----------------------------------------------------------------------------

// Walks over the whole text, which must be one value.
static enum err walk(struct cursor *cursor) {
    bool is_good = cursor->at != cursor->end && read_value(cursor);
    skip_blanks(cursor);
    if (is_good && cursor->at == cursor->end)
        return ERR_OK;
    return cursor->is_too_deep ? ERR_TOO_BIG : ERR_MALFORMED;
}

enum err json_check(struct bytes text, size_t *error_at) {
    struct cursor cursor = cursor_of(text);
    enum err e = walk(&cursor);
    *error_at = (size_t)(cursor.at - text.at);
    return e;
}

bool json_is_complete(struct bytes text) {
    size_t at;
    return json_check(text, &at) == ERR_OK;
}

bool json_member(struct bytes object, const char *name, struct bytes *value) {
    if (object.size == 0)
        return false;
    struct cursor cursor = cursor_of(object);
    skip_blanks(&cursor);
    if (cursor.at >= cursor.end || *cursor.at != '{')
        return false;
    do {
        cursor.at++;
        skip_blanks(&cursor);
        const uint8_t *begin = cursor.at + 1;
        bool has_escape = false, is_odd = false;
        if (cursor.at >= cursor.end || *cursor.at != '"' ||
            !lex_string(&cursor.at, cursor.end, &has_escape, &is_odd))
            return false;
        struct bytes raw = bytes_of(begin, (size_t)(cursor.at - 1 - begin));
        skip_blanks(&cursor);
        if (cursor.at >= cursor.end || *cursor.at++ != ':')
            return false;
        skip_blanks(&cursor);
        const uint8_t *value_at = cursor.at;
        if (!read_value(&cursor))
            return false;
        if (has_escape ? lex_means(raw, bytes_text(name)) : bytes_is(raw, name)) {
            *value = bytes_of(value_at, (size_t)(cursor.at - value_at));
            return true;
        }
        skip_blanks(&cursor);
    } while (cursor.at < cursor.end && *cursor.at == ',');
    return false;
}

void json_scan_init(struct json_scan *scan) {
    *scan = (struct json_scan){0};
}

void json_scan_release(struct json_scan *scan) {
    mem_free(scan->nodes);
    *scan = (struct json_scan){0};
}

enum err json_scan(struct json_scan *scan, struct bytes text, size_t *error_at) {
    // A huge answer must not hold its memory for ever.
    if (scan->capacity > 1 << 16)
        json_scan_release(scan);
    scan->text = text;
    scan->count = 0;
    if (text.size > FRAME_BYTES_MAX)
        return ERR_TOO_BIG;
    struct cursor cursor = cursor_of(text);
    cursor.scan = scan;
    enum err e = walk(&cursor);
    if (error_at)
        *error_at = (size_t)(cursor.at - text.at);
    if (e != ERR_OK)
        scan->count = 0;
    return e;
}

unsigned json_depth(const struct json_scan *scan) {
    uint32_t ends[JSON_DEPTH_MAX + 1];
    unsigned depth = 0, deepest = 0;
    for (uint32_t i = 0; i < scan->count; i++) {
        while (depth > 0 && i >= ends[depth - 1])
            depth--;
        if (scan->nodes[i].shape >= JSON_SHAPE_array)
            ends[depth++] = scan->nodes[i].end;
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest;
}

struct bytes json_raw(const struct json_scan *scan, uint32_t node) {
    assert(node < scan->count);
    return bytes_of(scan->text.at + scan->nodes[node].at, scan->nodes[node].size);
}

bool json_is_named(const struct json_scan *scan, uint32_t node, struct bytes name) {
    const struct json_node *member = &scan->nodes[node];
    if (!member->name_has_escape)
        return member->name_size == name.size && member->name_at != 0 &&
               memcmp(scan->text.at + member->name_at, name.at, name.size) == 0;
    return lex_means(raw_name(scan, member), name);
}

uint32_t json_find(const struct json_scan *scan, uint32_t object, const char *name) {
    assert(object < scan->count);
    if (scan->nodes[object].shape != JSON_SHAPE_object)
        return 0;
    struct bytes wanted = bytes_text(name);
    uint32_t end = scan->nodes[object].end;
    for (uint32_t i = object + 1; i < end; i = scan->nodes[i].end)
        if (json_is_named(scan, i, wanted))
            return i;
    return 0;
}

bool json_count(const struct json_scan *scan, uint32_t node, int64_t *value) {
    if (scan->nodes[node].shape != JSON_SHAPE_number)
        return false;
    struct bytes raw = json_raw(scan, node);
    int64_t sum = 0;
    size_t i = 0;
    for (; i < raw.size && raw.at[i] >= '0' && raw.at[i] <= '9'; i++)
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, raw.at[i] - '0', &sum))
            return false;
    bool is_whole = i > 0;
    if (is_whole && i < raw.size && raw.at[i] == '.')
        for (i++; i < raw.size && raw.at[i] == '0';)
            i++;
    if (!is_whole || i < raw.size)
        return false;
    *value = sum;
    return true;
}

struct bytes json_text(const struct json_scan *scan, uint32_t node, struct buf *scratch) {
    const struct json_node *text = &scan->nodes[node];
    if (text->shape != JSON_SHAPE_text)
        return bytes_of(NULL, 0);
    struct bytes inside = bytes_of(scan->text.at + text->at + 1, text->size - 2);
    if (!text->has_escape)
        return inside;
    size_t before = buf_bytes(scratch).size;
    const uint8_t *at = inside.at, *end = inside.at + inside.size;
    uint8_t part[4];
    for (size_t size; (size = lex_bytes(&at, end, part)) > 0;)
        buf_put(scratch, part, size);
    struct bytes all = buf_bytes(scratch);
    return all.size < before ? bytes_of(NULL, 0) : bytes_of(all.at + before, all.size - before);
}
