#include "tests/provider-sim/text.h"

#include "tests/provider-sim/limits.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

static void memory_lost(void) {
    fputs("provider-sim: out of memory\n", stderr);
    exit(EX_OSERR);
}

void *memory_new(size_t count, size_t size) {
    void *at = calloc(count, size);
    if (at == NULL)
        memory_lost();
    return at;
}

void *memory_resize(void *at, size_t size) {
    void *moved = realloc(at, size);
    if (moved == NULL)
        memory_lost();
    return moved;
}

void memory_free(void *at) {
    free(at);
}

struct span span_of(const char *text) {
    return (struct span){text, strlen(text)};
}

bool span_is(struct span span, const char *text) {
    return span.size == strlen(text) && (span.size == 0 || memcmp(span.at, text, span.size) == 0);
}

bool span_is_nocase(struct span span, const char *text) {
    return span.size == strlen(text) && strncasecmp(span.at, text, span.size) == 0;
}

bool span_begins(struct span span, const char *text) {
    size_t size = strlen(text);
    return span.size >= size && (size == 0 || memcmp(span.at, text, size) == 0);
}

bool span_has(struct span span, const char *text) {
    return memmem(span.at, span.size, text, strlen(text)) != NULL;
}

void text_release(struct text *text) {
    memory_free(text->at);
    *text = (struct text){0};
}

void text_reset(struct text *text) {
    text->size = 0;
}

char *text_room(struct text *text, size_t size) {
    if (size > TEXT_BYTES_MAX - text->size)
        memory_lost();
    size_t wanted = text->size + size;
    if (wanted > text->capacity) {
        size_t capacity = text->capacity ? text->capacity : 64;
        while (capacity < wanted)
            capacity *= 2;
        text->at = memory_resize(text->at, capacity);
        text->capacity = capacity;
    }
    return text->at + text->size;
}

void text_put(struct text *text, const void *at, size_t size) {
    if (size == 0)
        return;
    memcpy(text_room(text, size), at, size);
    text->size += size;
}

void text_span(struct text *text, struct span span) {
    text_put(text, span.at, span.size);
}

void text_add(struct text *text, const char *string) {
    text_put(text, string, strlen(string));
}

void text_number(struct text *text, uint64_t number) {
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    text_put(text, digits + at, sizeof(digits) - at);
}

void text_hex(struct text *text, const uint8_t *at, size_t size) {
    static const char digits[] = "0123456789abcdef";
    char *to = text_room(text, size * 2);
    for (size_t i = 0; i < size; i++) {
        *to++ = digits[at[i] >> 4];
        *to++ = digits[at[i] & 15];
    }
    text->size += size * 2;
}

static void text_escape(struct text *text, unsigned char byte) {
    static const char *const names[] = {
        ['"'] = "\\\"", ['\\'] = "\\\\", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t"};
    if (byte < sizeof(names) / sizeof(names[0]) && names[byte] != NULL) {
        text_add(text, names[byte]);
        return;
    }
    text_add(text, "\\u00");
    text_hex(text, &byte, 1);
}

void text_json(struct text *text, struct span span) {
    size_t from = 0;
    for (size_t i = 0; i < span.size; i++) {
        unsigned char byte = (unsigned char)span.at[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f)
            continue;
        text_put(text, span.at + from, i - from);
        text_escape(text, byte);
        from = i + 1;
    }
    if (from < span.size)
        text_put(text, span.at + from, span.size - from);
}

void text_consume(struct text *text, size_t size) {
    assert(size <= text->size);
    text->size -= size;
    if (text->size > 0)
        memmove(text->at, text->at + size, text->size);
}

struct span text_view(const struct text *text) {
    return (struct span){text->at, text->size};
}
