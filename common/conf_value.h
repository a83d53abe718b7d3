// The types of settings: how a value is written, and what is said when it is not. Pure.
#ifndef COMMON_CONF_VALUE_H
#define COMMON_CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_type {
    CONF_text,  // const char *, not empty
    CONF_count, // uint64_t
    CONF_ms,    // uint64_t; "500ms", "30s", "10m", "2h"; without a unit milliseconds
    CONF_bytes, // uint64_t; "64KiB", "512m", "8GiB"; without a unit bytes
    CONF_flag,  // bool; true yes on 1, false no off 0
    CONF_level, // const char *: a level of the log
};

// Reads a value into *to, which has the type's C type; a text is kept as a view. False if it is
// not written as its type wants it, or (numbers) not from min to max.
bool conf_value_parse(enum conf_type type, const char *text, int64_t min, int64_t max, void *to);
// What to write in place of a value that was refused: "a number from 1 to 100". Returns text.
const char *conf_value_expected(enum conf_type type, int64_t min, int64_t max, char *text,
                                size_t size);

#endif
