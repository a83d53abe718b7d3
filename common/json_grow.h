// A JSON document that grows out of parts of others, as the answer that comes as a stream of events
// does. Numbers and texts stay as they were written. Every function takes the nodes of a scanned
// document and marks what it has taken in (is_marked), so that its owner sees what is left. Takes
// bytes from outside; nothing recurses. A document that outgrows its bounds says so and stays
// as it is from then on; what it would take too many steps to put in its place has outgrown them
// too.
#ifndef COMMON_JSON_GROW_H
#define COMMON_JSON_GROW_H

#include "common/json.h"

struct grown_node {
    uint32_t parent, first, last, next; // 0: none
    uint32_t name_at, name_size;        // raw, in the pool
    uint32_t piece_first, piece_last;   // of a text without its quotes, or of a number; 0: none
    uint32_t key;                       // of an element: its order
    uint32_t found;                     // the child that was found or added last
    uint8_t shape;                      // enum json_shape
};

struct grown_piece {
    uint32_t at, size, next;
};

struct grown {
    struct grown_node *nodes; // [0] is the document, null at first
    uint32_t count, capacity;
    struct grown_piece *pieces; // [0] is none
    uint32_t piece_count, piece_capacity;
    struct buf pool; // names and values, raw
    uint32_t work;   // steps that were taken to find children
    bool is_full;
};

void grown_init(struct grown *grown);
// Accepts a zeroed one.
void grown_release(struct grown *grown);
// Null again; the memory stays unless it is much.
void grown_reset(struct grown *grown);
// ERR_TOO_BIG: something found no room, and the document is not what it should be.
enum err grown_state(const struct grown *grown);

// ---- places -------------------------------------------------------------------------------------

// The member of that name; made (null) if it is not there, and so is the object. Never 0 but where
// there is no room, and then it may be used like any other.
uint32_t grown_member(struct grown *grown, uint32_t object, const char *name);
// The same, under the name that a node of a scanned document has.
uint32_t grown_member_like(struct grown *grown, uint32_t object, const struct json_scan *scan,
                           uint32_t node);
// 0 if it is not there.
uint32_t grown_find(struct grown *grown, uint32_t object, const char *name);
// Whether an object has no members but these, which may be 0, and nulls.
bool grown_has_only(const struct grown *grown, uint32_t object, uint32_t one, uint32_t other);
// The element of that key, made if it is not there; elements stand in the order of their keys,
// which may have gaps.
uint32_t grown_element(struct grown *grown, uint32_t array, uint32_t key);
// 0 if it is not there.
uint32_t grown_find_element(struct grown *grown, uint32_t array, uint32_t key);
// An element behind the last one.
uint32_t grown_next(struct grown *grown, uint32_t array);

// ---- taking in ----------------------------------------------------------------------------------

// `from` may be 0 (none) in all of these: nothing happens then.

// Becomes a copy of the node.
void grown_set(struct grown *grown, uint32_t node, struct json_scan *scan, uint32_t from);
// The same, but null and an empty text change nothing.
void grown_keep(struct grown *grown, uint32_t node, struct json_scan *scan, uint32_t from);
// Objects are joined member by member, all the way down; what is null changes nothing, and anything
// else takes the place of what is there.
void grown_merge(struct grown *grown, uint32_t node, struct json_scan *scan, uint32_t from);
// Which names mean what in a piece of what grows; each list ends with NULL.
struct grown_growth {
    const char *const *grows; // texts that come in pieces; NULL: all but `whole`
    const char *const *whole; // texts that come as a whole; NULL: all but `grows`
    const char *const
        *placed; // lists whose "index" is a place and no part of the element; NULL: all
};
// A piece of what grows: a text that comes in pieces is appended to the text, any other takes the
// place of what is there unless it is empty, as numbers and flags do; objects are joined; elements
// with a number "index" go to the element of that key, unless that has another "type" or is a call
// of another "id" or function, and others behind the last one.
void grown_grow(struct grown *grown, uint32_t node, struct json_scan *scan, uint32_t from,
                const struct grown_growth *growth);
// The same where all texts grow but those under the names `whole`, and every "index" is a place.
void grown_add(struct grown *grown, uint32_t node, struct json_scan *scan, uint32_t from,
               const char *const *whole);
// What is not marked, joined into the node; lists element by element.
void grown_rest(struct grown *grown, uint32_t node, struct json_scan *scan);
// Becomes that text, or what the JSON text says; false, and unchanged, if it is no JSON, or would
// nest deeper there than JSON_DEPTH_MAX.
void grown_set_text(struct grown *grown, uint32_t node, const char *text);
bool grown_set_json(struct grown *grown, uint32_t node, struct bytes json);

// ---- reading ------------------------------------------------------------------------------------

// How many containers stand within one another.
unsigned grown_depth(const struct grown *grown);
// Appends a node's JSON.
void grown_put(const struct grown *grown, uint32_t node, struct buf *out);

#endif
