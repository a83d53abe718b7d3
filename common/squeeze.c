#include "common/squeeze.h"

#include "common/limits.h"
#include "common/mem.h"

#include <assert.h>
#include <zstd.h>
#include <zstd_errors.h>

// The first byte says how the rest is kept.
enum { KEPT_PLAIN = 0, KEPT_ZSTD = 1, LEVEL = 1 };
enum { PARTS_BYTES_MAX = DB_VALUE_BYTES_MAX - 1024, SMALL_BYTES = 64 };

void squeezer_open(struct squeezer *squeezer) {
    ZSTD_CCtx *pressing = ZSTD_createCCtx();
    ZSTD_DCtx *expanding = ZSTD_createDCtx();
    if (!pressing || !expanding)
        mem_refused("zstd");
    size_t code = ZSTD_CCtx_setParameter(pressing, ZSTD_c_compressionLevel, LEVEL);
    assert(!ZSTD_isError(code));
    *squeezer = (struct squeezer){.pressing = pressing, .expanding = expanding};
    buf_init(&squeezer->scratch, PARTS_BYTES_MAX);
}

void squeezer_close(struct squeezer *squeezer) {
    (void)ZSTD_freeCCtx(squeezer->pressing);
    (void)ZSTD_freeDCtx(squeezer->expanding);
    buf_release(&squeezer->scratch);
    *squeezer = (struct squeezer){.pressing = NULL};
}

// Whether the library failed; not for want of memory, which ends the process: a body is neither
// called damaged nor kept larger for that.
static bool has_failed(size_t code) {
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
        mem_refused("zstd");
    return ZSTD_isError(code);
}

static void keep_plain(struct bytes in, struct buf *out) {
    buf_reset(out);
    buf_byte(out, KEPT_PLAIN);
    buf_put(out, in.at, in.size);
}

// Makes room for size bytes, and a NUL, behind what out holds; NULL if its bound forbids it.
static uint8_t *room(struct buf *out, size_t size) {
    if (out->failed || size > out->size_max - out->size)
        return NULL;
    if (out->capacity < out->size + size + 1) {
        out->at = mem_grow(out->at, out->size + size + 1);
        out->capacity = out->size + size + 1;
    }
    return out->at + out->size;
}

enum err squeeze(struct squeezer *squeezer, struct bytes in, struct buf *out) {
    buf_reset(out);
    size_t bound = ZSTD_compressBound(in.size);
    if (in.size >= SMALL_BYTES) {
        buf_byte(out, KEPT_ZSTD);
        size_t most = out->size_max - out->size;
        uint8_t *to = room(out, bound < most ? bound : most);
        size_t size = in.size;
        if (to)
            size =
                ZSTD_compress2(squeezer->pressing, to, bound < most ? bound : most, in.at, in.size);
        if (to && !has_failed(size) && size < in.size) {
            out->size += size;
            return buf_state(out);
        }
    }
    keep_plain(in, out);
    return buf_state(out);
}

enum err unsqueeze(struct squeezer *squeezer, struct bytes in, struct buf *out) {
    buf_reset(out);
    if (in.size == 0 || in.at[0] > KEPT_ZSTD)
        return ERR_MALFORMED;
    struct bytes rest = bytes_of(in.at + 1, in.size - 1);
    if (in.at[0] == KEPT_PLAIN) {
        buf_put(out, rest.at, rest.size);
        return buf_state(out);
    }
    unsigned long long size = ZSTD_getFrameContentSize(rest.at, rest.size);
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR)
        return ERR_MALFORMED;
    uint8_t *to = size <= out->size_max ? room(out, (size_t)size) : NULL;
    if (!to)
        return ERR_TOO_BIG;
    size_t got = ZSTD_decompressDCtx(squeezer->expanding, to, (size_t)size, rest.at, rest.size);
    if (has_failed(got) || got != size)
        return ERR_MALFORMED;
    out->size = got;
    return ERR_OK;
}

// count, then 4 bytes of size a part (big-endian), then the parts.
enum err squeeze_parts(struct squeezer *squeezer, const struct bytes *parts, size_t count,
                       struct buf *out) {
    assert(count <= PARTS_MAX);
    struct buf *all = &squeezer->scratch;
    buf_reset(all);
    buf_byte(all, (uint8_t)count);
    for (size_t i = 0; i < count; i++) {
        assert(parts[i].size <= UINT32_MAX);
        for (int shift = 24; shift >= 0; shift -= 8)
            buf_byte(all, (uint8_t)(parts[i].size >> shift));
    }
    for (size_t i = 0; i < count; i++)
        buf_put(all, parts[i].at, parts[i].size);
    if (buf_state(all) != ERR_OK)
        return ERR_TOO_BIG;
    return squeeze(squeezer, buf_bytes(all), out);
}

enum err unsqueeze_parts(struct squeezer *squeezer, struct bytes in, struct buf *out,
                         struct bytes parts[PARTS_MAX]) {
    memset(parts, 0, PARTS_MAX * sizeof(*parts));
    enum err e = unsqueeze(squeezer, in, out);
    if (e != ERR_OK)
        return e;
    size_t count = out->size ? out->at[0] : 0;
    size_t at = 1 + 4 * count;
    if (out->size == 0 || count > PARTS_MAX || at > out->size)
        return ERR_MALFORMED;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *from = out->at + 1 + 4 * i;
        size_t size =
            (size_t)from[0] << 24 | (size_t)from[1] << 16 | (size_t)from[2] << 8 | from[3];
        if (size > out->size - at)
            return ERR_MALFORMED;
        parts[i] = bytes_of(out->at + at, size);
        at += size;
    }
    return at == out->size ? ERR_OK : ERR_MALFORMED;
}
