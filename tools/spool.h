// The file of a submission: a regular file as it is; anything else (stdin, a pipe) is copied
// into a spool file first, and the spool is the file.
#ifndef TOOLS_SPOOL_H
#define TOOLS_SPOOL_H

#include "common/bytes.h"
#include "common/conf.h"
#include "common/limits.h"

#include <sys/stat.h>

struct spool {
    int fd;
    bool is_open;
    uint64_t bytes;       // up to the end of its last line, or of the last one that is wanted
    struct digest digest; // of all of it
    // Of its first line, its first two …, however many are wanted; the last line ends with a
    // newline, whether it has one or not. A batch keeps the last of them.
    struct digest heads[HEAD_LINES];
    unsigned head_count;
    char path[4096]; // of the copy; empty: the file itself is read
};

// What the name stands for, "-" for stdin. Ends the process with EX_NOINPUT where nothing is there,
// or a folder.
void spool_stat(const char *name, struct stat *info);
// name "-" is stdin. limit: lines that are wanted, blank ones not counted; 0: all. Ends the process
// with EX_NOINPUT or EX_IOERR where it cannot be read. When stop_fd becomes readable while it is
// read, the process ends with EXIT_STOPPED. A copy is the caller's to remove, also where the
// process ends in here.
void spool_open(struct spool *spool, const char *name, uint64_t limit, const struct conf *conf,
                int stop_fd);
// Closes it, and removes the copy unless it is kept. Not open: nothing.
void spool_close(struct spool *spool, bool is_kept);

#endif
