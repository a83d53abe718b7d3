#include "common/err.h"

const char *err_text(enum err e) {
    static const char *const texts[] = {
#define X(name, text) [ERR_##name] = text,
        ERR_MAP(X)
#undef X
    };
    return (unsigned)e < sizeof(texts) / sizeof(texts[0]) ? texts[e] : "an unknown error";
}
