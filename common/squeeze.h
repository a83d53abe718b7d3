// The one home of zstd: bodies and lines on their way into a store and out of it. What does not
// shrink is kept as it is. A squeezer belongs to one thread and uses its contexts again.
#ifndef COMMON_SQUEEZE_H
#define COMMON_SQUEEZE_H

#include "common/buf.h"
#include "common/bytes.h"
#include "common/err.h"

struct squeezer {
    void *pressing;  // ZSTD_CCtx
    void *expanding; // ZSTD_DCtx
    struct buf scratch;
};

void squeezer_open(struct squeezer *squeezer);
// Accepts a zeroed squeezer.
void squeezer_close(struct squeezer *squeezer);

// Writes the compressed form of in; the buf is emptied first. ERR_TOO_BIG if it does not fit.
enum err squeeze(struct squeezer *squeezer, struct bytes in, struct buf *out);
// Writes what squeeze was given; the buf is emptied first. ERR_MALFORMED: squeeze has not made
// that, or it is damaged. ERR_TOO_BIG: it exceeds the buf's bound.
enum err unsqueeze(struct squeezer *squeezer, struct bytes in, struct buf *out);

enum { PARTS_MAX = 8 };

// Several texts as one, which shrinks what they have in common.
enum err squeeze_parts(struct squeezer *squeezer, const struct bytes *parts, size_t count,
                       struct buf *out);
// The views point into out. Parts that were not given come out empty.
enum err unsqueeze_parts(struct squeezer *squeezer, struct bytes in, struct buf *out,
                         struct bytes parts[PARTS_MAX]);

#endif
