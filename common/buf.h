// The only growing buffer. It has a bound from its start; an append beyond the bound frees what
// it holds and makes every later append fail, so a caller checks once, at the end.
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include "common/bytes.h"
#include "common/err.h"

struct buf {
    uint8_t *at;
    size_t size;
    size_t capacity;
    size_t size_max;
    bool failed;
};

void buf_init(struct buf *buf, size_t size_max);
// Accepts a zeroed buf.
void buf_release(struct buf *buf);
// Empties it; the bound and the memory stay, an earlier failure is forgotten.
void buf_reset(struct buf *buf);
void buf_put(struct buf *buf, const void *at, size_t size);
void buf_text(struct buf *buf, const char *text);
void buf_byte(struct buf *buf, uint8_t byte);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
// ERR_TOO_BIG if an append went beyond the bound, else ERR_OK.
enum err buf_state(const struct buf *buf);
// What it holds; dies with the next append.
struct bytes buf_bytes(const struct buf *buf);
// The text with a NUL behind it (not counted); "" when it failed or is empty.
const char *buf_cstr(struct buf *buf);

#endif
