// JSONPath (RFC 9535), as far as it is needed now: $, .name, ['name'], ["name"], [index] (also
// from the end), [*] and .*. Anything else is refused with its position. A path is compiled once
// and may then be used by several threads.
#ifndef COMMON_JSONPATH_H
#define COMMON_JSONPATH_H

#include "common/buf.h"
#include "common/json.h"

enum { JSONPATH_STEPS_MAX = 16, JSONPATH_TEXT_MAX = 256 };

struct jsonpath;

// *out is the caller's (jsonpath_free). ERR_MALFORMED: error says what and at which position,
// counted from 1. Takes text of people: any bytes.
enum err jsonpath_new(struct bytes text, struct jsonpath **out, char *error, size_t error_size);
// Accepts NULL.
void jsonpath_free(struct jsonpath *path);
// As it was written; lives as long as the path.
const char *jsonpath_text(const struct jsonpath *path);

// Called for each match, in the order of the document; false ends the search.
typedef bool jsonpath_visit(void *context, const struct json_scan *scan, uint32_t node);
// The number of visits. The path may be NULL: no match.
uint32_t jsonpath_each(const struct jsonpath *path, const struct json_scan *scan,
                       jsonpath_visit *visit, void *context);
// The first match; false if there is none.
bool jsonpath_first(const struct jsonpath *path, const struct json_scan *scan, uint32_t *node);

// Where a node stands, as a path that selects it alone: $.choices[0].message, $['a b'].
// Appended to out, which is left empty if the path exceeds its bound.
void jsonpath_of(const struct json_scan *scan, uint32_t node, struct buf *out);

#endif
