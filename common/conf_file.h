// Reads a YAML file of nested mappings as a list of "a.b.c = text" with lines. Pure but for
// reading the file: what the names mean is the caller's business.
#ifndef COMMON_CONF_FILE_H
#define COMMON_CONF_FILE_H

#include "common/err.h"

#include <stddef.h>

enum { CONF_FILE_ENTRIES_MAX = 512, CONF_FILE_BYTES_MAX = 1 << 20, CONF_FILE_DEPTH_MAX = 8 };

struct conf_entry {
    char *path;  // "worker.concurrency"
    char *value; // as written
    unsigned line;
};

struct conf_file {
    struct conf_entry entries[CONF_FILE_ENTRIES_MAX];
    size_t count;
};

// ERR_NOT_FOUND: there is no such file. ERR_BAD_CONFIG: why says what is wrong, with the line.
// The file must be released in every case.
enum err conf_file_read(struct conf_file *file, const char *path, char *why, size_t why_size);
void conf_file_release(struct conf_file *file);

#endif
