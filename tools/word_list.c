#include "tools/word_list.h"

#include <string.h>

bool word_next(const char **list, const char **word, size_t *size) {
    if (!*list)
        return false;
    *list += strspn(*list, " ");
    *word = *list;
    *size = strcspn(*list, " ");
    *list += *size;
    return *size > 0;
}

bool word_is_in(const char *list, const char *word) {
    const char *at;
    size_t size;
    while (word_next(&list, &at, &size))
        if (strlen(word) == size && memcmp(word, at, size) == 0)
            return true;
    return false;
}
