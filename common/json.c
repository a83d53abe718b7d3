#include "common/json.h"

#include "common/json_lex.h"
#include "common/mem.h"

#include <stdio.h>

static void *allocate(size_t size) {
    return mem_grow(NULL, size);
}

// jansson says of a document that it could not hold what it says of a malformed one, and of a
// value that it could not make nothing: so its memory is ours, before anybody uses it.
__attribute__((constructor)) static void give_memory(void) {
    json_set_alloc_funcs(allocate, mem_free);
}

static void say(char *error, size_t error_size, int line, int column, const char *what) {
    if (error && error_size > 0)
        (void)snprintf(error, error_size, "line %d, column %d: %s", line, column, what);
}

// jansson's own texts quote the input, so that only its codes are used.
static const char *why_refused(enum json_error_code code) {
    switch (code) {
    case json_error_duplicate_key:
        return "a name stands twice in one object";
    case json_error_numeric_overflow:
        return "a number is too large";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a string holds the character \\u0000";
    case json_error_invalid_utf8:
        return "not valid UTF-8";
    default:
        return "not valid JSON";
    }
}

static void say_at(char *error, size_t error_size, struct bytes text, size_t at, const char *what) {
    int line = 1, column = 1;
    for (size_t i = 0; i < at && i < text.size; i++) {
        column = text.at[i] == '\n' ? 1 : column + 1;
        line += text.at[i] == '\n';
    }
    say(error, error_size, line, column, what);
}

enum err json_parse(struct bytes text, json_t **out, char *error, size_t error_size) {
    size_t at = 0;
    enum err checked = json_check(text, &at);
    if (checked != ERR_OK) {
        say_at(error, error_size, text, at,
               checked == ERR_TOO_BIG ? "nested too deeply"
               : at >= text.size      ? "not valid JSON: the text ends too early"
                                      : "not valid JSON");
        return checked;
    }
    json_error_t why;
    *out = json_loadb((const char *)text.at, text.size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
                      &why);
    if (*out)
        return ERR_OK;
    say(error, error_size, why.line, why.column, why_refused(json_error_code(&why)));
    return ERR_MALFORMED;
}

static const char replacement[] = "\\ufffd";

void json_put_text(struct buf *out, struct bytes text) {
    static const char hex[] = "0123456789abcdef";
    const uint8_t *p = text.at, *end = text.at + text.size, *plain = p;
    buf_byte(out, '"');
    while (p < end) {
        size_t length = *p < 0x80 ? 1 : lex_utf8(p, end);
        bool is_plain = length > 0 && *p >= 0x20 && *p != '"' && *p != '\\';
        if (is_plain) {
            p += length;
            continue;
        }
        buf_put(out, plain, (size_t)(p - plain));
        if (length == 0 || *p == 0) {
            buf_text(out, replacement);
        } else if (*p == '"' || *p == '\\') {
            buf_byte(out, '\\');
            buf_byte(out, *p);
        } else if (*p == '\n') {
            buf_text(out, "\\n");
        } else {
            buf_text(out, "\\u00");
            buf_byte(out, (uint8_t)hex[*p >> 4]);
            buf_byte(out, (uint8_t)hex[*p & 15]);
        }
        plain = ++p;
    }
    buf_put(out, plain, (size_t)(end - plain));
    buf_byte(out, '"');
}

void json_put_raw(struct buf *out, struct bytes raw) {
    const uint8_t *p = raw.at, *end = raw.at + raw.size, *plain = p;
    while ((p = memchr(p, '\\', (size_t)(end - p)))) {
        const uint8_t *escape = p;
        uint32_t point;
        bool is_odd = false;
        if (!lex_escape(&p, end, &point, &is_odd))
            break;
        if (is_odd) {
            buf_put(out, plain, (size_t)(escape - plain));
            buf_text(out, replacement);
            plain = p;
        }
    }
    buf_put(out, plain, (size_t)(end - plain));
}

// ---- Copying a part of a document. -------------------------------------------------------------

struct copy {
    struct buf *out;
    const struct json_scan *scan;
    uint32_t open[JSON_DEPTH_MAX];
    uint64_t has_members; // bit d: something stands already in the open container at depth d
    unsigned depth;
};

// Closes the containers that end before that node.
static void close_until(struct copy *copy, uint32_t node) {
    for (; copy->depth > 0; copy->depth--) {
        const struct json_node *open = &copy->scan->nodes[copy->open[copy->depth - 1]];
        if (open->end > node)
            return;
        buf_byte(copy->out, open->shape == JSON_SHAPE_object ? '}' : ']');
    }
}

static void put_separator(struct copy *copy, const struct json_node *node) {
    if (copy->depth == 0)
        return;
    const struct json_node *open = &copy->scan->nodes[copy->open[copy->depth - 1]];
    uint64_t bit = 1ull << (copy->depth - 1);
    if (copy->has_members & bit)
        buf_byte(copy->out, ',');
    copy->has_members |= bit;
    if (open->shape != JSON_SHAPE_object)
        return;
    struct bytes name = bytes_of(copy->scan->text.at + node->name_at - 1, node->name_size + 2);
    if (node->name_has_escape)
        json_put_raw(copy->out, name);
    else
        buf_put(copy->out, name.at, name.size);
    buf_byte(copy->out, ':');
}

// Writes a scalar, or opens a container. Returns the node that follows.
static uint32_t put_one(struct copy *copy, uint32_t at) {
    const struct json_node *node = &copy->scan->nodes[at];
    if (node->shape >= JSON_SHAPE_array) {
        buf_byte(copy->out, node->shape == JSON_SHAPE_object ? '{' : '[');
        copy->has_members &= ~(1ull << copy->depth);
        copy->open[copy->depth++] = at;
        return at + 1;
    }
    struct bytes raw = json_raw(copy->scan, at);
    if (node->is_odd)
        json_put_raw(copy->out, raw);
    else
        buf_put(copy->out, raw.at, raw.size);
    return at + 1;
}

void json_put_node(struct buf *out, const struct json_scan *scan, uint32_t node) {
    struct copy copy = {.out = out, .scan = scan};
    uint32_t end = scan->nodes[node].end;
    for (uint32_t at = node; at < end;) {
        const struct json_node *next = &scan->nodes[at];
        close_until(&copy, at);
        bool is_out = next->is_marked && copy.depth > 0;
        if (is_out && next->name_at != 0) {
            at = next->end;
            continue;
        }
        put_separator(&copy, next);
        if (is_out) {
            buf_text(out, "null");
            at = next->end;
        } else {
            at = put_one(&copy, at);
        }
    }
    close_until(&copy, end);
}
