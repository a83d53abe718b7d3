#include "common/buf.h"

#include "common/mem.h"

#include <stdarg.h>
#include <stdio.h>

void buf_init(struct buf *buf, size_t size_max) {
    *buf = (struct buf){.size_max = size_max};
}

void buf_release(struct buf *buf) {
    mem_free(buf->at);
    *buf = (struct buf){.size_max = buf->size_max};
}

void buf_reset(struct buf *buf) {
    buf->size = 0;
    buf->failed = false;
}

// Room for size more bytes and a NUL; false when the bound forbids it.
static bool buf_room(struct buf *buf, size_t size) {
    if (buf->failed)
        return false;
    if (size > buf->size_max || buf->size > buf->size_max - size) {
        buf_release(buf);
        buf->failed = true;
        return false;
    }
    size_t need = buf->size + size + 1;
    if (need > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity : 256;
        while (capacity < need)
            capacity *= 2;
        buf->at = mem_grow(buf->at, capacity);
        buf->capacity = capacity;
    }
    return true;
}

void buf_put(struct buf *buf, const void *at, size_t size) {
    if (size == 0 || !buf_room(buf, size))
        return;
    memcpy(buf->at + buf->size, at, size);
    buf->size += size;
}

void buf_text(struct buf *buf, const char *text) {
    buf_put(buf, text, strlen(text));
}

void buf_byte(struct buf *buf, uint8_t byte) {
    buf_put(buf, &byte, 1);
}

void buf_printf(struct buf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0 || !buf_room(buf, (size_t)size))
        return;
    va_start(args, format);
    (void)vsnprintf((char *)buf->at + buf->size, (size_t)size + 1, format, args);
    va_end(args);
    buf->size += (size_t)size;
}

enum err buf_state(const struct buf *buf) {
    return buf->failed ? ERR_TOO_BIG : ERR_OK;
}

struct bytes buf_bytes(const struct buf *buf) {
    return bytes_of(buf->at, buf->size);
}

const char *buf_cstr(struct buf *buf) {
    if (buf->failed || buf->size == 0)
        return "";
    buf->at[buf->size] = 0;
    return (const char *)buf->at;
}
