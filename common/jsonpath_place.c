// Where a node stands, written as a path.
#include "common/jsonpath_form.h"

#include "common/json_lex.h"

#include <assert.h>

static bool is_name_first(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_plain_name(struct bytes name) {
    if (name.size == 0 || !is_name_first(name.at[0]))
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (!is_name_first(name.at[i]) && !(name.at[i] >= '0' && name.at[i] <= '9'))
            return false;
    return true;
}

typedef void put_name(const struct json_node *node, struct bytes name, struct buf *out);

static void put_short(const struct json_node *node, struct bytes name, struct buf *out) {
    if (!node->name_has_escape && is_plain_name(name)) {
        buf_byte(out, '.');
        buf_put(out, name.at, name.size);
        return;
    }
    buf_text(out, "[\"");
    buf_put(out, name.at, name.size);
    buf_text(out, "\"]");
}

// One byte of a name as the normalized form has it.
static void put_normal_byte(struct buf *out, uint8_t c) {
    static const char plain[] = "\b\t\n\f\r'\\", letters[] = "btnfr'\\";
    const char *letter = c ? strchr(plain, c) : NULL;
    if (letter) {
        buf_byte(out, '\\');
        buf_byte(out, (uint8_t)letters[letter - plain]);
    } else if (c < 0x20) {
        buf_printf(out, "\\u%04x", c);
    } else {
        buf_byte(out, c);
    }
}

static void put_normal(const struct json_node *node, struct bytes name, struct buf *out) {
    (void)node;
    const uint8_t *at = name.at, *end = name.at + name.size;
    uint8_t part[4];
    buf_text(out, "['");
    for (size_t size; (size = word_bytes(&at, end, part)) > 0;) {
        // Half a surrogate pair is in no path.
        if (size == 3 && part[0] == 0xed && part[1] >= 0xa0)
            buf_text(out, "\xef\xbf\xbd");
        else
            for (size_t i = 0; i < size; i++)
                put_normal_byte(out, part[i]);
    }
    buf_text(out, "']");
}

// From the document to the node. A name that is too long to be written once is not looked through
// for each node below it.
static void put_place(const struct json_scan *scan, uint32_t node, struct buf *out, put_name *put) {
    uint32_t way[JSON_DEPTH_MAX];
    unsigned depth = 0;
    assert(node < scan->count);
    for (uint32_t at = node; at != 0; at = scan->nodes[at].parent)
        way[depth++] = at;
    buf_byte(out, '$');
    while (depth > 0 && buf_state(out) == ERR_OK) {
        const struct json_node *to = &scan->nodes[way[--depth]];
        struct bytes name = bytes_of(scan->text.at + to->name_at, to->name_size);
        if (to->name_at == 0)
            buf_printf(out, "[%u]", to->index);
        else if (name.size <= out->size_max)
            put(to, name, out);
        else
            buf_put(out, name.at, name.size);
    }
}

void jsonpath_of(const struct json_scan *scan, uint32_t node, struct buf *out) {
    put_place(scan, node, out, put_short);
}

void jsonpath_normalized(const struct json_scan *scan, uint32_t node, struct buf *out) {
    put_place(scan, node, out, put_normal);
}
