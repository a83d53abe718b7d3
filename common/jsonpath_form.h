// What an expression is compiled into, for the files that read it and those that search by it.
// Parts that belong together are chained by indexes (`next`), since what is nested stands between
// them. Nothing here changes once the expression is read, so threads may share it.
#ifndef COMMON_JSONPATH_FORM_H
#define COMMON_JSONPATH_FORM_H

#include "common/jsonpath.h"

enum { NONE = 0xffff }; // no part: an index has 16 bits

enum selector_kind { SELECT_name, SELECT_index, SELECT_all, SELECT_slice, SELECT_filter };

struct selector {
    enum selector_kind kind;
    uint16_t next; // of the same segment
    uint16_t filter;
    bool has_start;
    bool has_end;
    struct bytes name;
    int64_t start; // the index as well; from the end where negative
    int64_t end;
    int64_t stride;
};

struct segment {
    uint16_t next; // of the same query
    uint16_t selector;
    bool is_descendant;
};

// What a query in a filter is asked for.
enum purpose { PURPOSE_nodes, PURPOSE_exists, PURPOSE_value, PURPOSE_count };

struct query {
    bool is_relative; // begins with @
    bool is_singular; // names and indexes only: at most one node
    enum purpose purpose;
    uint16_t segment;
    uint16_t last_segment;
    uint16_t filter; // in which it stands
};

// Values stand in slots, each written by one operation or a constant. Truths go through one
// register: a comparison or test sets it, a jump looks at it.
enum op_kind {
    OP_query,   // sets slot, or (exists) the truth
    OP_length,  // slot = the length of a
    OP_match,   // truth
    OP_search,  // truth
    OP_compare, // truth
    OP_not,
    OP_jump_if_false,
    OP_jump_if_true,
    OP_label,
};

enum comparison {
    COMPARE_equal,
    COMPARE_not_equal,
    COMPARE_less,
    COMPARE_less_equal,
    COMPARE_greater,
    COMPARE_greater_equal,
};

struct op {
    enum op_kind kind;
    enum comparison comparison;
    uint16_t next; // of the same filter
    uint16_t target;
    uint16_t slot;
    uint16_t a, b; // slots, or (query) a query
    uint16_t regex;
};

struct filter {
    uint16_t query; // whose selector it is
    uint16_t op;
    uint16_t last_op;
};

enum value_kind {
    VALUE_nothing,
    VALUE_node,
    VALUE_text,
    VALUE_number, // as it is written
    VALUE_count,
    VALUE_true,
    VALUE_false,
    VALUE_null,
};

struct value {
    enum value_kind kind;
    uint32_t node;
    uint64_t count;
    struct bytes text;
};

struct regex;

struct step {
    enum selector_kind kind; // name, index or all
    struct bytes name;
    int64_t index;
};

struct jsonpath {
    // A path of plain steps is searched by these alone.
    bool is_plain;
    uint32_t step_count;
    struct step steps[JSONPATH_STEPS_MAX];

    char *text;     // as it was written
    uint8_t *words; // its names and texts, escapes resolved
    size_t words_size;
    struct query *queries; // the first is the whole
    struct segment *segments;
    struct selector *selectors;
    struct filter *filters;
    struct op *ops;
    struct value *values;   // the slots: constants, or nothing yet
    struct regex **regexes; // of match and search with a constant pattern, else NULL
    const struct jsonpath *otherwise;
    size_t query_count, segment_count, selector_count, filter_count, op_count, value_count,
        regex_count;
};

// ---- Values (jsonpath_value.c). ----------------------------------------------------------------

// What one evaluation may still do. Met at 0: it ends.
struct work {
    int64_t left;
};

// Whether a comparison holds, as RFC 9535 has it.
bool value_compare(const struct json_scan *scan, enum comparison comparison, const struct value *a,
                   const struct value *b, struct work *work);
// Characters of a text, elements or members; nothing of any other.
struct value value_length(const struct json_scan *scan, const struct value *value,
                          struct work *work);
// The text that a value is, escapes resolved into scratch where it has any, and half a surrogate
// pair made U+FFFD. False if it is none, or where the work that is left does not suffice.
bool value_text(const struct json_scan *scan, const struct value *value, struct buf *scratch,
                struct bytes *text, struct work *work);

// ---- Words (jsonpath_word.c). ------------------------------------------------------------------

// The next bytes of what the inside of a valid JSON string means, escapes resolved; 0 at its end.
// Half a surrogate pair stays itself, in three bytes, and \u0000 a NUL.
size_t word_bytes(const uint8_t **at, const uint8_t *end, uint8_t out[4]);
bool word_is_escaped_name(struct bytes raw, struct bytes name);
// Whether a member has that name.
static inline bool word_is_name(const struct json_scan *scan, uint32_t node, struct bytes name) {
    const struct json_node *member = &scan->nodes[node];
    const uint8_t *raw = scan->text.at + member->name_at;
    if (member->name_has_escape)
        return word_is_escaped_name(bytes_of(raw, member->name_size), name);
    return member->name_size == name.size &&
           (name.size == 0 || memcmp(raw, name.at, name.size) == 0);
}

// ---- Regular expressions (jsonpath_regex.c). ---------------------------------------------------

// NULL where the pattern is no I-Regexp (RFC 9485) or longer than it may be.
struct regex *regex_new(struct bytes pattern, bool is_search);
// Accepts NULL.
void regex_free(struct regex *regex);
// False where it does not match, or where the work that is left does not suffice: it is 0 then.
bool regex_matches(const struct regex *regex, struct bytes text, struct work *work);

// ---- Searching (jsonpath_find.c). --------------------------------------------------------------

// The member of an object that has that name; the object's end if none.
static inline uint32_t find_named(const struct json_scan *scan, uint32_t object,
                                  struct bytes name) {
    uint32_t at = object + 1, end = scan->nodes[object].end;
    while (at < end && !word_is_name(scan, at, name))
        at = scan->nodes[at].end;
    return at;
}

// The element of an array that has that index, from the end where negative; else the same.
static inline uint32_t find_indexed(const struct json_scan *scan, uint32_t array, int64_t index) {
    const struct json_node *node = &scan->nodes[array];
    int64_t wanted = index < 0 ? index + node->count : index;
    if (wanted < 0 || wanted >= node->count)
        return node->end;
    uint32_t at = array + 1;
    while (wanted-- > 0)
        at = scan->nodes[at].end;
    return at;
}

// Evaluates any path but $ alone, in at most so many steps of work.
enum err find_all(const struct jsonpath *path, const struct json_scan *scan, int64_t work,
                  jsonpath_visit *visit, void *context, uint32_t *visits);

#endif
