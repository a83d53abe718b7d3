// A file of the project that was compiled into the program: its base name and its bytes,
// with a NUL after them that is not counted.
#ifndef COMMON_EMBEDDED_H
#define COMMON_EMBEDDED_H

#include <stddef.h>

struct embedded {
    const char *name;
    const char *text;
    size_t size;
};

#endif
