#include "common/conf_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct unit {
    const char *name;
    uint64_t times;
} units_ms[] = {{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}, {0}},
  units_bytes[] = {{"", 1},           {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30},
                   {"k", 1ull << 10}, {"m", 1ull << 20},   {"g", 1ull << 30},   {0}},
  units_count[] = {{"", 1}, {0}};

static bool parse_number(const char *text, const struct unit *units, uint64_t *out) {
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || !isdigit((unsigned char)*text))
        return false;
    for (; units->name; units++)
        if (strcasecmp(units->name, end) == 0)
            return !__builtin_mul_overflow(number, units->times, out);
    return false;
}

static bool parse_flag(const char *text, bool *out) {
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *out = strcasecmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

static bool is_level(const char *text) {
    return strcmp(text, "debug") == 0 || strcmp(text, "info") == 0 || strcmp(text, "warn") == 0 ||
           strcmp(text, "error") == 0;
}

bool conf_value_parse(enum conf_type type, const char *text, int64_t min, int64_t max, void *to) {
    uint64_t number = 0;
    const struct unit *units = type == CONF_ms      ? units_ms
                               : type == CONF_bytes ? units_bytes
                                                    : units_count;
    switch (type) {
    case CONF_flag:
        return parse_flag(text, to);
    case CONF_level:
    case CONF_text:
        *(const char **)to = text;
        return *text && (type == CONF_text || is_level(text));
    default:
        if (!parse_number(text, units, &number) || number < (uint64_t)min || number > (uint64_t)max)
            return false;
        *(uint64_t *)to = number;
        return true;
    }
}

const char *conf_value_expected(enum conf_type type, int64_t min, int64_t max, char *text,
                                size_t size) {
    static const char *const words[] = {
        [CONF_text] = "a text",
        [CONF_count] = "a number",
        [CONF_ms] = "a time such as 500ms, 30s or 10m",
        [CONF_bytes] = "a size such as 512MiB or 8GiB",
        [CONF_flag] = "true or false",
        [CONF_level] = "debug, info, warn or error",
    };
    (void)snprintf(text, size, "%s", words[type]);
    if (max > 0 && max < INT64_MAX)
        (void)snprintf(text, size, "%s from %" PRId64 " to %" PRId64 "%s", words[type], min, max,
                       type == CONF_ms ? " ms" : "");
    return text;
}
