// The growing buffer of the simulator and its views, and the one home of allocation: out of
// memory, or a buffer beyond TEXT_BYTES_MAX, ends the process.
#ifndef PROVIDER_SIM_TEXT_H
#define PROVIDER_SIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memory_new(size_t count, size_t size); // zeroed
void *memory_resize(void *at, size_t size);
void memory_free(void *at);

// A view of bytes owned by somebody else.
struct span {
    const char *at;
    size_t size;
};

struct span span_of(const char *text);
bool span_is(struct span span, const char *text);
// Compares ASCII letters without case.
bool span_is_nocase(struct span span, const char *text);
bool span_begins(struct span span, const char *text);
// Whether it stands anywhere in it.
bool span_has(struct span span, const char *text);

struct text {
    char *at;
    size_t size;
    size_t capacity;
};

void text_release(struct text *text);
// Empties it and keeps the memory.
void text_reset(struct text *text);
// Makes room for that many more bytes and returns where they begin.
char *text_room(struct text *text, size_t size);
void text_put(struct text *text, const void *at, size_t size);
void text_span(struct text *text, struct span span);
void text_add(struct text *text, const char *string);
void text_number(struct text *text, uint64_t number);
void text_hex(struct text *text, const uint8_t *at, size_t size);
// The bytes as the inside of a JSON string; what is no UTF-8 is passed on as it is.
void text_json(struct text *text, struct span span);
// Drops the first bytes.
void text_consume(struct text *text, size_t size);
struct span text_view(const struct text *text);

#endif
