// The words of JSON: strings, numbers and literals, checked where they stand. For json_scan.c and
// json.c. Every `at` points into a text that ends at `end`; nothing is read from there on.
#ifndef COMMON_JSON_LEX_H
#define COMMON_JSON_LEX_H

#include "common/bytes.h"

// The length of the UTF-8 sequence at `at`, beyond ASCII; 0 if it is none.
size_t lex_utf8(const uint8_t *at, const uint8_t *end);
// Reads the escape at the backslash and moves behind it. *point is the character that it means;
// U+FFFD, with *is_odd set, for \u0000 and half a surrogate pair.
bool lex_escape(const uint8_t **at, const uint8_t *end, uint32_t *point, bool *is_odd);
// Writes a character as UTF-8; its length.
size_t lex_put(uint32_t point, uint8_t out[4]);
// Moves from a string's opening quote to behind the closing one. The flags are only ever set.
bool lex_string(const uint8_t **at, const uint8_t *end, bool *has_escape, bool *is_odd);
// Moves behind a number; there is a byte at `at`.
bool lex_number(const uint8_t **at, const uint8_t *end);
// Moves behind that word.
bool lex_word(const uint8_t **at, const uint8_t *end, const char *word);

// The next bytes of what a valid string means, escapes resolved; 0 at its end.
size_t lex_bytes(const uint8_t **at, const uint8_t *end, uint8_t out[4]);
// Whether a valid raw name, which may have escapes, means that text.
bool lex_means(struct bytes raw, struct bytes text);
// The same for all spellings of a name.
uint64_t lex_hash(struct bytes raw);

#endif
