// Where the lines of a batch go: results to stdout, or to a file; and, in a file of their own,
// those of jobs that failed and of lines that were refused, as OpenAI's batches have it.
#ifndef TOOLS_SINK_H
#define TOOLS_SINK_H

#include "common/bytes.h"
#include "tools/progress.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

struct sink_file {
    FILE *file;       // NULL: nobody asked for it
    const char *name; // NULL: stdout
    bool is_begun;    // what an earlier command left in it is gone
};

struct sink {
    struct sink_file output, errors;
    bool has_batch; // the lines are a batch's, which goes on whatever becomes of the files
    struct progress *progress; // whose line goes before a result is printed; NULL: of none
    uint64_t lines, failed, refused;
};

// Opens the files, and leaves what is in them until there is something to write; either name may be
// NULL. Ends the process with EX_CANTCREAT where one cannot be made.
void sink_open(struct sink *sink, const char *output, const char *errors);
// Ends the process with EX_USAGE where two of the input, the output and the errors are one file:
// the one would destroy the other.
void sink_expect_apart(const struct sink *sink, const char *input, const struct stat *info);
// There is a batch whose lines will come: the files are emptied.
void sink_begin(struct sink *sink);
// A result line, without its newline. What cannot be written ends the process with EX_IOERR, a
// reader of stdout that is gone with 141.
void sink_result(struct sink *sink, struct bytes line);
// A line that was refused; custom_id may be empty.
void sink_refused(struct sink *sink, uint64_t line, struct bytes custom_id, struct bytes reason,
                  struct bytes detail);
// What was written so far is there to be read.
void sink_flush(struct sink *sink);
void sink_close(struct sink *sink);

#endif
