// Cuts a file that comes in blocks into its lines, at any length in bounded memory: a line of
// more than LINE_BYTES_MAX bytes is skipped and reported. Pure.
#ifndef WORKERS_INGRESS_SPLIT_H
#define WORKERS_INGRESS_SPLIT_H

#include "common/buf.h"
#include "common/bytes.h"

struct split {
    struct buf held;  // the start of a line whose end has not come
    uint64_t lines;   // handed out so far
    bool is_too_long; // the line that is being read is skipped
    bool is_inside;   // a line has begun
};

struct split_line {
    struct bytes raw; // without its newline; empty if it is too long
    uint64_t number;  // from 1
    bool is_too_long;
    bool has_newline; // false only for a last line that ends with the file
};

void split_init(struct split *split);
void split_release(struct split *split);
// Takes from the front of *input up to the end of the next line. True: *line is that line, a
// view that dies with the input and with the next call. False: the input is used up.
bool split_next(struct split *split, struct bytes *input, struct split_line *line);
// After the last input: the line that ended with the file, if there is one.
bool split_last(struct split *split, struct split_line *line);
// Whether raw holds nothing but blanks: such a line counts, but is no job.
bool split_is_blank(struct bytes raw);

#endif
