// Views of bytes that somebody else owns, and the two fixed-size names of the system: ids of
// 16 bytes and digests of 32. Pure: nothing here allocates or fails.
#ifndef COMMON_BYTES_H
#define COMMON_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// A view; it dies with the message or buffer that it points into. Not NUL-terminated.
struct bytes {
    const uint8_t *at;
    size_t size;
};

// A UUID (RFC 9562) or a call id; all zero means "none".
struct id {
    uint8_t at[16];
};

// A SHA-256 digest; all zero means "none".
struct digest {
    uint8_t at[32];
};

static inline struct bytes bytes_of(const void *at, size_t size) {
    return (struct bytes){.at = at, .size = size};
}

static inline struct bytes bytes_text(const char *text) {
    return (struct bytes){.at = (const uint8_t *)text, .size = text ? strlen(text) : 0};
}

static inline bool bytes_equal(struct bytes a, struct bytes b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

static inline bool bytes_is(struct bytes a, const char *text) {
    return bytes_equal(a, bytes_text(text));
}

// At most size_max bytes of a UTF-8 text, never the half of a character. Half of one makes an
// envelope malformed, and who waits for it hears nothing.
static inline struct bytes bytes_cut(struct bytes text, size_t size_max) {
    if (text.size <= size_max)
        return text;
    while (size_max > 0 && (text.at[size_max] & 0xc0) == 0x80)
        size_max--;
    return bytes_of(text.at, size_max);
}

static inline bool id_equal(struct id a, struct id b) {
    return memcmp(a.at, b.at, sizeof(a.at)) == 0;
}

static inline bool id_is_none(struct id a) {
    return id_equal(a, (struct id){{0}});
}

static inline bool digest_equal(struct digest a, struct digest b) {
    return memcmp(a.at, b.at, sizeof(a.at)) == 0;
}

static inline bool digest_is_none(struct digest a) {
    return digest_equal(a, (struct digest){{0}});
}

static inline uint64_t bytes_u64(const uint8_t *at) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | at[i];
    return value;
}

static inline void bytes_put_u64(uint8_t *at, uint64_t value) {
    for (int i = 7; i >= 0; i--, value >>= 8)
        at[i] = (uint8_t)value;
}

// A call id is the journal's call counter and the broker's boot id, both big-endian, so that
// ids sort in the order in which the calls were marked.
static inline struct id call_id_make(uint64_t counter, uint64_t boot) {
    struct id call;
    bytes_put_u64(call.at, counter);
    bytes_put_u64(call.at + 8, boot);
    return call;
}

static inline uint64_t call_id_counter(struct id call) {
    return bytes_u64(call.at);
}

#endif
