// Which of several words was probably meant by one that is none of them.
#ifndef TOOLS_NEAREST_H
#define TOOLS_NEAREST_H

#include <stddef.h>

enum { NEAREST_DISTANCE_MAX = 2, NEAREST_WORD_MAX = 40 };

struct nearest {
    const char *word;
    char best[NEAREST_WORD_MAX + 1]; // empty: nothing is near
    size_t distance;                 // of best
};

void nearest_init(struct nearest *nearest, const char *word);
// Looks at one of the words that there are. Near is what NEAREST_DISTANCE_MAX letters at most,
// and less than half of them, tell apart: added, left out, exchanged or swapped with their
// neighbour.
void nearest_try(struct nearest *nearest, const char *candidate, size_t size);
// "; did you mean --json?" (mark stands before the word), or nothing. Returns text.
const char *nearest_text(const struct nearest *nearest, const char *mark, char *text, size_t size);

// How many letters two words differ by; more than NEAREST_DISTANCE_MAX for words that are longer
// than NEAREST_WORD_MAX.
size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size);

#endif
