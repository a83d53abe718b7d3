// Texts for people that are printed into memory of a fixed size: what does not fit is cut before
// the character that does not, and what is no UTF-8 is replaced, so that each can go into an
// envelope.
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include "common/bytes.h"

#include <stdarg.h>

// How many bytes of a text "%.*s" may print so that they are at most size_max and end with a
// character.
int text_fit(const char *text, int size_max);
// As snprintf, into room bytes (at least one), with a NUL at the end. A byte that belongs to no
// character becomes '?'.
void text_print(char *to, size_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void text_vprint(char *to, size_t room, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

#endif
