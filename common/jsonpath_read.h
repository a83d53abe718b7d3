// Reading an expression, as the two files that do it share it: jsonpath_read.c has the queries
// and their selectors, jsonpath_logic.c what stands in filters. What is open is a stack of frames
// and not of calls; the one on top reads on.
#ifndef COMMON_JSONPATH_READ_H
#define COMMON_JSONPATH_READ_H

#include "common/jsonpath_form.h"

// What stands left or right of a comparison, alone as a test, or as an argument.
enum operand_kind { OPERAND_literal, OPERAND_query, OPERAND_value, OPERAND_truth };

struct operand {
    enum operand_kind kind;
    uint16_t slot; // literal and value (of a function)
    uint16_t query;
    size_t at;
};

enum frame_kind { FRAME_query, FRAME_brackets, FRAME_filter, FRAME_parentheses, FRAME_call };

struct function;

struct frame {
    enum frame_kind kind;
    size_t at;         // where it began
    uint16_t query;    // query, brackets
    uint16_t segment;  // brackets
    uint16_t selector; // brackets: the last one
    uint16_t filter;   // filter, parentheses, call: where its operations go; query: where it stands
    bool is_negated;   // the next term is
    bool has_left;     // a comparison waits for its right side
    uint16_t left;     // its slot
    enum comparison comparison;
    uint16_t and_jumps; // jumps without a target yet, chained by their targets
    uint16_t or_jumps;
    const struct function *function;
    uint16_t arguments[2]; // slots, or a query
    unsigned argument_count;
};

struct reader {
    struct bytes text;
    size_t at;
    struct jsonpath *path;
    const char *wrong;
    struct frame frames[JSONPATH_NESTING_MAX];
    unsigned depth;
    // What the frame that was just closed leaves to the one below it.
    struct operand operand;
    bool has_operand;
};

// Notes what is wrong at the reader's position. Returns false.
bool reader_refuse(struct reader *reader, const char *what);
bool reader_refuse_at(struct reader *reader, size_t at, const char *what);
// The next byte, -1 at the end.
static inline int reader_peek(const struct reader *reader) {
    return reader->at < reader->text.size ? reader->text.at[reader->at] : -1;
}
static inline bool reader_take(struct reader *reader, char c) {
    if (reader_peek(reader) != c)
        return false;
    reader->at++;
    return true;
}
void reader_skip_blanks(struct reader *reader);
// A new frame on top; NULL if too many are open.
struct frame *reader_open(struct reader *reader, enum frame_kind kind);
// Opens a query at its $ or @.
bool reader_open_query(struct reader *reader, uint16_t filter);
// The text of a literal in quotes, whose opening quote is taken.
bool reader_quoted(struct reader *reader, char quote, struct bytes *text);
// A member of one of the path's arrays, zeroed.
uint16_t reader_add(void *array, size_t *count, size_t size);

// A filter, parentheses, or the arguments of a call: reads on. False: it is refused.
bool reader_logic(struct reader *reader);
bool reader_call(struct reader *reader);

#endif
