#include "workers/ingress/refusal.h"

const char *refusal_code(enum refusal refusal) {
    static const char *const codes[] = {"",
#define X(code, text) #code,
                                        REFUSAL_MAP(X)
#undef X
    };
    return codes[refusal];
}

const char *refusal_text(enum refusal refusal) {
    static const char *const texts[] = {"",
#define X(code, text) text,
                                        REFUSAL_MAP(X)
#undef X
    };
    return texts[refusal];
}
