// Where the lines of a batch go: results to stdout, or to a file; and, in a file of their own,
// those of jobs that failed and of lines that were refused, as OpenAI's batches have it.
#ifndef TOOLS_SINK_H
#define TOOLS_SINK_H

#include "common/bytes.h"
#include "tools/progress.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct sink {
    FILE *output;                          // stdout, or a file
    FILE *errors;                          // NULL: nobody asked for them
    const char *output_name, *errors_name; // NULL: none
    struct progress *progress; // whose line goes before a result is printed; NULL: of none
    uint64_t lines, failed, refused;
};

// Opens the files, which are emptied; either name may be NULL. Ends the process with EX_CANTCREAT
// where one cannot be made.
void sink_open(struct sink *sink, const char *output, const char *errors);
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
