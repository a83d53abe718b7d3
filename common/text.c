#include "common/text.h"

#include "common/wire.h"

#include <assert.h>
#include <stdio.h>

enum { CHARACTER_BYTES_MAX = 4 };

int text_fit(const char *text, int size_max) {
    assert(size_max >= 0);
    return (int)bytes_cut(bytes_text(text), (size_t)size_max).size;
}

// The bytes of the character that a text begins with; 0: it begins with none.
static size_t character(const char *text) {
    size_t left = strnlen(text, CHARACTER_BYTES_MAX);
    for (size_t size = 1; size <= left; size++)
        if (utf8_is_valid(bytes_of(text, size)))
            return size;
    return 0;
}

static void mend(char *text) {
    while (*text) {
        size_t size = character(text);
        if (size == 0)
            *text = '?';
        text += size ? size : 1;
    }
}

void text_vprint(char *to, size_t room, const char *format, va_list args) {
    assert(room > 0);
    int size = vsnprintf(to, room, format, args);
    assert(size >= 0);
    size_t end = (size_t)size < room ? (size_t)size : room - 1;
    // What stood behind the end is gone: a character is whole if its last byte is still there.
    for (size_t back = 1; (size_t)size >= room && back < CHARACTER_BYTES_MAX && back <= end; back++)
        if (((uint8_t)to[end - back] & 0xc0) == 0xc0) {
            if (character(to + end - back) == 0)
                to[end - back] = 0;
            break;
        }
    mend(to);
}

void text_print(char *to, size_t room, const char *format, ...) {
    va_list args;
    va_start(args, format);
    text_vprint(to, room, format, args);
    va_end(args);
}
