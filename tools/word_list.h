// Lists of words in one text, blanks between them: how closed lists stand in the table.
#ifndef TOOLS_WORD_LIST_H
#define TOOLS_WORD_LIST_H

#include <stdbool.h>
#include <stddef.h>

// Takes the next word; false at the end, and for NULL. *list is moved on.
bool word_next(const char **list, const char **word, size_t *size);
// Whether a word stands in the list.
bool word_is_in(const char *list, const char *word);

#endif
