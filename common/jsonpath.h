// JSONPath, RFC 9535: all of it, with the functions length, count, value, match and search and
// their regular expressions of RFC 9485. A path is compiled once and may then be used by several
// threads. Numbers are compared by the value that is written, without rounding, and texts by
// their characters. Neither a path nor a document makes an evaluation longer than
// JSONPATH_WORK_MAX steps, and nothing here recurses.
#ifndef COMMON_JSONPATH_H
#define COMMON_JSONPATH_H

#include "common/buf.h"
#include "common/json.h"

struct jsonpath;

// *out is the caller's (jsonpath_free). ERR_MALFORMED: error says what and at which position,
// counted in bytes from 1. Takes text of people: any bytes.
enum err jsonpath_new(struct bytes text, struct jsonpath **out, char *error, size_t error_size);
// Accepts NULL.
void jsonpath_free(struct jsonpath *path);
// Another path holds where this one selects nothing but null; it must live as long. For
// jsonpath_first only.
void jsonpath_otherwise(struct jsonpath *path, const struct jsonpath *otherwise);
// As it was written; lives as long as the path.
const char *jsonpath_text(const struct jsonpath *path);

// Called for each match; false ends the search.
typedef bool jsonpath_visit(void *context, const struct json_scan *scan, uint32_t node);
// Visits the matches in the order of RFC 9535, a node as often as the path selects it. The path
// may be NULL: no match. ERR_TOO_BIG: it would take more steps, or more memory, than it may; what
// was visited before are matches. *visits counts them; it may be NULL.
enum err jsonpath_all(const struct jsonpath *path, const struct json_scan *scan,
                      jsonpath_visit *visit, void *context, uint32_t *visits);
// The same for those to whom a search that was given up is one without further matches. The
// number of visits.
uint32_t jsonpath_each(const struct jsonpath *path, const struct json_scan *scan,
                       jsonpath_visit *visit, void *context);
// The first match; false if there is none, nor one of the paths that hold otherwise.
bool jsonpath_first(const struct jsonpath *path, const struct json_scan *scan, uint32_t *node);

// Where a node stands, as a path that selects it alone: $.choices[0].message, $['a b'].
// Appended to out, which is left empty if the path exceeds its bound.
void jsonpath_of(const struct json_scan *scan, uint32_t node, struct buf *out);
// The same as a normalized path: $['choices'][0]['message'], of which a node has one only.
void jsonpath_normalized(const struct json_scan *scan, uint32_t node, struct buf *out);

// How a path lies to a place: a path too, of names and [*], which there is any element. A filter
// is taken to hold.
enum jsonpath_reach {
    REACH_none,
    REACH_through, // the path leads through the place
    REACH_some,    // the place, or what holds it, may be among what the path chooses
    REACH_all,     // the path names the place, or what holds it, or chooses among its elements
};
enum jsonpath_reach jsonpath_reach(const struct jsonpath *path, const struct jsonpath *place);

#endif
