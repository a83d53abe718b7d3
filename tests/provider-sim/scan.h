// A strict JSON reader over bytes: no tree, no recursion, no allocation. After the first mistake
// every call fails.
#ifndef PROVIDER_SIM_SCAN_H
#define PROVIDER_SIM_SCAN_H

#include "tests/provider-sim/text.h"

struct scan {
    const char *at;
    const char *end;
    bool failed;
};

enum scan_kind { SCAN_OBJECT, SCAN_ARRAY, SCAN_STRING, SCAN_NUMBER, SCAN_WORD, SCAN_NONE };

struct scan scan_new(struct span span);
// What begins here.
enum scan_kind scan_peek(struct scan *scan);
// Steps over one whole value and names its bytes.
bool scan_value(struct scan *scan, struct span *raw);
// Enters an object or array; the loops over it are
// `while (scan_member(&scan, &is_first, &key))` and `while (scan_item(&scan, &is_first))`,
// with one value taken in each round.
bool scan_enter(struct scan *scan, char open);
bool scan_member(struct scan *scan, bool *is_first, struct span *key);
bool scan_item(struct scan *scan, bool *is_first);
// The value of an object's member, as it stands; empty: there is none, or it is no object.
struct span scan_find(struct span object, const char *name);
// A string's inside, as it stands.
bool scan_string(struct scan *scan, struct span *raw);
bool scan_whole(struct scan *scan, int64_t *out);
// Whether nothing but white space is left.
bool scan_ended(struct scan *scan);
// Appends the text that a string's raw inside stands for.
void scan_decode(struct span raw, struct text *out);

#endif
