#include "tests/provider-sim/json.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void put_whole(struct text *out, int64_t number) {
    if (number < 0)
        text_add(out, "-");
    text_number(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

void json_put(struct text *out, const char *template, ...) {
    va_list arguments;
    va_start(arguments, template);
    for (const char *at = template; *at; at++) {
        size_t plain = strcspn(at, "'%");
        text_put(out, at, plain);
        at += plain;
        if (*at == '\0')
            break;
        if (*at == '\'') {
            text_put(out, "\"", 1);
        } else if (*++at == 's') {
            text_json(out, span_of(va_arg(arguments, const char *)));
        } else if (*at == 'j') {
            text_json(out, va_arg(arguments, struct span));
        } else if (*at == 'r') {
            text_span(out, va_arg(arguments, struct span));
        } else if (*at == 'd') {
            put_whole(out, va_arg(arguments, int64_t));
        } else {
            assert(*at == 't');
            text_add(out, va_arg(arguments, int) ? "true" : "false");
        }
    }
    va_end(arguments);
}

static void line_begin(struct text *out, size_t depth) {
    static const char line[] = "\n                                ";
    size_t size = 1 + depth * 2;
    text_put(out, line, size < sizeof(line) - 1 ? size : sizeof(line) - 1);
}

// The end of the string that begins here.
static const char *string_end(const char *at, const char *end) {
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at + 1;
}

void json_pretty(struct span compact, struct text *out) {
    const char *end = compact.at + compact.size;
    const char *from = compact.at; // not copied yet
    size_t depth = 0;
    for (const char *at = compact.at; at < end; at++) {
        if (*at == '"') {
            at = string_end(at, end) - 1;
        } else if (*at == ',' || *at == ':') {
            text_put(out, from, (size_t)(at + 1 - from));
            from = at + 1;
            if (*at == ',')
                line_begin(out, depth);
            else
                text_put(out, " ", 1);
        } else if ((*at == '{' || *at == '[') && at + 1 < end && (at[1] == '}' || at[1] == ']')) {
            at++;
        } else if (*at == '{' || *at == '[') {
            text_put(out, from, (size_t)(at + 1 - from));
            from = at + 1;
            line_begin(out, ++depth);
        } else if (*at == '}' || *at == ']') {
            text_put(out, from, (size_t)(at - from));
            from = at;
            line_begin(out, --depth);
        }
    }
    text_put(out, from, (size_t)(end - from));
    text_put(out, "\n", 1);
}

void json_usd(struct text *out, int64_t pusd) {
    enum { PUSD_DIGITS = 12 };
    const int64_t usd = 1000000000000;
    char digits[24];
    int size = snprintf(digits, sizeof(digits), "%012lld", (long long)(pusd % usd));
    assert(size == PUSD_DIGITS);
    text_number(out, (uint64_t)(pusd / usd));
    while (size > 0 && digits[size - 1] == '0')
        size--;
    if (size == 0)
        return;
    text_add(out, ".");
    text_put(out, digits, (size_t)size);
}
