// JSON in two ways. json_parse gives a jansson document, strictly: for what people write and for
// what we change. json_scan indexes a text in place, at hundreds of MB/s, without copying or
// converting anything: for answers and lines, whose numbers and spelling must stay as they are.
// Every function here takes bytes from outside: none recurses, none reads beyond the text.
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include "common/buf.h"
#include "common/bytes.h"
#include "common/err.h"
#include "common/limits.h"

#include <jansson.h> // its memory is mem.h's: what json_dumps returns goes to mem_free

// One document: UTF-8, nesting at most JSON_DEPTH_MAX, no name twice in an object, nothing after
// it, no \u0000, integers within 64 bits. *out is the caller's (json_decref) and valid only with
// ERR_OK. ERR_MALFORMED or ERR_TOO_BIG (nesting); error, if not NULL, then says what and where
// ("line 2, column 7: …") without quoting the text.
enum err json_parse(struct bytes text, json_t **out, char *error, size_t error_size);

// The raw text of the value of a top-level member, a string with its quotes. False if text is
// not an object, has no such member, or is broken before the end of that value. The first of
// two equal names counts; what follows the value is not looked at.
bool json_member(struct bytes object, const char *name, struct bytes *value);
// Whether text is one complete, well-formed value with at most blanks around it. Names that
// stand twice are not noticed.
bool json_is_complete(struct bytes text);
// The same with the reason: ERR_MALFORMED or ERR_TOO_BIG (nesting), and the offset of the fault.
enum err json_check(struct bytes text, size_t *error_at);

// What a value is.
enum json_shape {
    JSON_SHAPE_null,
    JSON_SHAPE_false,
    JSON_SHAPE_true,
    JSON_SHAPE_number,
    JSON_SHAPE_text,
    JSON_SHAPE_array,
    JSON_SHAPE_object,
};

// A value of an indexed text. Values stand in the order of the text, so the inside of an array
// or object is the nodes i + 1 … end - 1, and its members are reached by following `end`. A
// huge answer has millions of them: the flags share a byte.
struct json_node {
    uint32_t at; // the raw value in the text, a string with its quotes
    uint32_t size;
    uint32_t name_at; // the raw name, without its quotes; an element of an array has none
    uint32_t name_size;
    uint32_t parent;     // what it stands in; the document is its own
    uint32_t index;      // its place there
    uint32_t end;        // index of the first node that is not inside this one
    uint32_t count;      // members or elements
    uint8_t shape;       // enum json_shape
    bool has_escape : 1; // a string with a backslash in it
    bool name_has_escape : 1;
    bool is_odd : 1;    // holds \u0000 or half a surrogate pair, itself or inside it
    bool is_marked : 1; // free for the owner of the scan; false at first
};

// An indexed text. The text must outlive its use. The memory is used again by the next scan.
struct json_scan {
    struct bytes text;
    struct json_node *nodes; // [0] is the document
    uint32_t count;
    uint32_t capacity;
};

void json_scan_init(struct json_scan *scan);
// Accepts a zeroed scan.
void json_scan_release(struct json_scan *scan);
// Indexes a text of at most FRAME_BYTES_MAX. As strict as json_parse, but numbers of any size are
// kept as written and odd escapes (is_odd) are let through. ERR_MALFORMED or ERR_TOO_BIG;
// error_at, if not NULL, is then the offset at which the text is broken.
enum err json_scan(struct json_scan *scan, struct bytes text, size_t *error_at);

// How many containers of the document stand within one another: at most JSON_DEPTH_MAX.
unsigned json_depth(const struct json_scan *scan);
// The raw text of a node.
struct bytes json_raw(const struct json_scan *scan, uint32_t node);
// Whether the node is a member of that name. The name has no escapes in it.
bool json_is_named(const struct json_scan *scan, uint32_t node, struct bytes name);
// The member of an object with that name; 0 if there is none or the node is no object.
uint32_t json_find(const struct json_scan *scan, uint32_t object, const char *name);
// An integer from 0 to 2^63-1, written with digits only, or as such a number with ".0".
// False if the node is anything else.
bool json_count(const struct json_scan *scan, uint32_t node, int64_t *value);
// The text of a string, escapes resolved: a view into the document if it has none, else into
// scratch, to which it is appended (and dies with the next append). What is odd becomes U+FFFD.
// Empty if it is no string.
struct bytes json_text(const struct json_scan *scan, uint32_t node, struct buf *scratch);

// Writes text as a JSON string with its quotes. NULs and bytes that are not UTF-8 become U+FFFD.
void json_put_text(struct buf *out, struct bytes text);
// Copies a raw value of a valid document; what is odd in it becomes \ufffd.
void json_put_raw(struct buf *out, struct bytes raw);
// Copies a node with all that is inside it, without blanks; members that are marked are left
// out, elements that are marked become null. Numbers and texts stay as they are written, except
// for what is odd.
void json_put_node(struct buf *out, const struct json_scan *scan, uint32_t node);

#endif
