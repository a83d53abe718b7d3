// Answers in the shapes in which providers give them, each with what makes it awkward to cut.
#ifndef TEST_BODIES_H
#define TEST_BODIES_H

#include <stdbool.h>

struct sample_body {
    const char *name;
    const char *provider, *api;
    const char *text;
    bool is_success; // whole, it is a success
};

enum { BODIES_MAX = 32 };

extern const struct sample_body bodies[BODIES_MAX]; // ends with a name of NULL

#endif
