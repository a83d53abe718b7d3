#include "tools/nearest.h"

#include <stdio.h>
#include <string.h>

void nearest_init(struct nearest *nearest, const char *word) {
    *nearest = (struct nearest){.word = word, .distance = NEAREST_DISTANCE_MAX + 1};
}

static size_t least(size_t a, size_t b, size_t c) {
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size) {
    size_t rows[3][NEAREST_WORD_MAX + 1];
    if (a_size > NEAREST_WORD_MAX || b_size > NEAREST_WORD_MAX)
        return NEAREST_WORD_MAX;
    for (size_t k = 0; k <= b_size; k++)
        rows[0][k] = k;
    for (size_t i = 1; i <= a_size; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t k = 1; k <= b_size; k++) {
            size_t change = a[i - 1] != b[k - 1];
            row[k] = least(above[k] + 1, row[k - 1] + 1, above[k - 1] + change);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                row[k] = least(row[k], before[k - 2] + 1, row[k]);
        }
    }
    return rows[a_size % 3][b_size];
}

void nearest_try(struct nearest *nearest, const char *candidate, size_t size) {
    size_t word_size = strlen(nearest->word);
    size_t distance = edit_distance(nearest->word, word_size, candidate, size);
    if (distance >= nearest->distance || 2 * distance >= size || size > NEAREST_WORD_MAX)
        return;
    nearest->distance = distance;
    (void)snprintf(nearest->best, sizeof(nearest->best), "%.*s", (int)size, candidate);
}

const char *nearest_text(const struct nearest *nearest, const char *mark, char *text, size_t size) {
    (void)snprintf(text, size, *nearest->best ? "; did you mean %s%s?" : "", mark, nearest->best);
    return text;
}
