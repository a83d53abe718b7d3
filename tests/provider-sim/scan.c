#include "tests/provider-sim/scan.h"

#include "tests/provider-sim/limits.h"

#include <string.h>

struct scan scan_new(struct span span) {
    return (struct scan){span.at, span.at + span.size, span.size == 0};
}

static bool scan_fail(struct scan *scan) {
    scan->failed = true;
    return false;
}

static char scan_here(struct scan *scan) {
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
    return scan->failed || scan->at == scan->end ? '\0' : *scan->at;
}

enum scan_kind scan_peek(struct scan *scan) {
    char c = scan_here(scan);
    if (c == '{')
        return SCAN_OBJECT;
    if (c == '[')
        return SCAN_ARRAY;
    if (c == '"')
        return SCAN_STRING;
    if (c == '-' || (c >= '0' && c <= '9'))
        return SCAN_NUMBER;
    return c == 't' || c == 'f' || c == 'n' ? SCAN_WORD : SCAN_NONE;
}

static bool is_tail(unsigned char byte) {
    return (byte & 0xc0) == 0x80;
}

// The size of the UTF-8 sequence of more than one byte that begins here, 0 if it is none: no
// overlong forms, no surrogates, nothing beyond U+10FFFF.
static size_t utf8_size(const unsigned char *at, size_t left) {
    if (at[0] >= 0xc2 && at[0] <= 0xdf)
        return left >= 2 && is_tail(at[1]) ? 2 : 0;
    if ((at[0] & 0xf0) == 0xe0) {
        bool is_good = left >= 3 && is_tail(at[1]) && is_tail(at[2]) &&
                       !(at[0] == 0xe0 && at[1] < 0xa0) && !(at[0] == 0xed && at[1] > 0x9f);
        return is_good ? 3 : 0;
    }
    if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        bool is_good = left >= 4 && is_tail(at[1]) && is_tail(at[2]) && is_tail(at[3]) &&
                       !(at[0] == 0xf0 && at[1] < 0x90) && !(at[0] == 0xf4 && at[1] > 0x8f);
        return is_good ? 4 : 0;
    }
    return 0;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool scan_escape(struct scan *scan) {
    const char *at = scan->at + 1;
    if (at >= scan->end || *at == '\0' || strchr("\"\\/bfnrtu", *at) == NULL)
        return scan_fail(scan);
    if (*at == 'u') {
        for (int i = 1; i <= 4; i++)
            if (at + i >= scan->end || hex_digit(at[i]) < 0)
                return scan_fail(scan);
        at += 4;
    }
    scan->at = at + 1;
    return true;
}

// Whether eight bytes are all ASCII without controls, quotes and backslashes. A word less ones in
// each byte borrows into the top bit of the bytes that were zero, so each comparison is made for
// all eight at once; it may be wrong only towards false.
static bool is_plain(const char *at) {
    const uint64_t ones = 0x0101010101010101ull;
    const uint64_t tops = ones << 7;
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    uint64_t quotes = word ^ ones * '"';
    uint64_t slashes = word ^ ones * '\\';
    uint64_t controls = (word - ones * 0x20) & ~word;
    quotes = (quotes - ones) & ~quotes;
    slashes = (slashes - ones) & ~slashes;
    return ((word | controls | quotes | slashes) & tops) == 0;
}

bool scan_string(struct scan *scan, struct span *raw) {
    if (scan_here(scan) != '"')
        return scan_fail(scan);
    const char *from = ++scan->at;
    while (scan->at < scan->end && *scan->at != '"') {
        unsigned char byte = (unsigned char)*scan->at;
        if (scan->end - scan->at >= 8 && is_plain(scan->at)) {
            scan->at += 8;
        } else if (byte == '\\') {
            if (!scan_escape(scan))
                return false;
        } else if (byte < 0x20) {
            return scan_fail(scan);
        } else if (byte < 0x80) {
            scan->at++;
        } else {
            size_t size =
                utf8_size((const unsigned char *)scan->at, (size_t)(scan->end - scan->at));
            if (size == 0)
                return scan_fail(scan);
            scan->at += size;
        }
    }
    if (scan->at == scan->end)
        return scan_fail(scan);
    *raw = (struct span){from, (size_t)(scan->at - from)};
    scan->at++;
    return true;
}

static bool scan_digits(struct scan *scan) {
    const char *from = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > from;
}

static bool scan_number(struct scan *scan) {
    if (*scan->at == '-')
        scan->at++;
    bool has_zero = scan->at < scan->end && *scan->at == '0';
    const char *from = scan->at;
    if (!scan_digits(scan) || (has_zero && scan->at - from > 1))
        return scan_fail(scan);
    if (scan->at < scan->end && *scan->at == '.') {
        scan->at++;
        if (!scan_digits(scan))
            return scan_fail(scan);
    }
    if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E')) {
        scan->at++;
        if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
            scan->at++;
        if (!scan_digits(scan))
            return scan_fail(scan);
    }
    return true;
}

static bool scan_word(struct scan *scan) {
    struct span rest = {scan->at, (size_t)(scan->end - scan->at)};
    const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < 3; i++)
        if (span_begins(rest, words[i])) {
            scan->at += strlen(words[i]);
            return true;
        }
    return scan_fail(scan);
}

static bool scan_plain(struct scan *scan, enum scan_kind kind) {
    struct span raw;
    if (kind == SCAN_STRING)
        return scan_string(scan, &raw);
    if (kind == SCAN_NUMBER)
        return scan_number(scan);
    return kind == SCAN_WORD ? scan_word(scan) : scan_fail(scan);
}

static bool scan_expect(struct scan *scan, char c) {
    if (scan_here(scan) != c)
        return scan_fail(scan);
    scan->at++;
    return true;
}

bool scan_enter(struct scan *scan, char open) {
    return scan_expect(scan, open);
}

bool scan_item(struct scan *scan, bool *is_first) {
    if (scan_here(scan) == ']') {
        scan->at++;
        return false;
    }
    if (!*is_first && !scan_expect(scan, ','))
        return false;
    *is_first = false;
    return !scan->failed && scan_here(scan) != ']' ? true : scan_fail(scan);
}

bool scan_member(struct scan *scan, bool *is_first, struct span *key) {
    if (scan_here(scan) == '}') {
        scan->at++;
        return false;
    }
    if (!*is_first && !scan_expect(scan, ','))
        return false;
    *is_first = false;
    return scan_string(scan, key) && scan_expect(scan, ':');
}

// Steps over a container; what is open is kept in an array, not on the stack of calls.
static bool scan_container(struct scan *scan) {
    struct {
        bool is_object, is_first;
    } open[JSON_NESTING_MAX];
    int depth = 0;
    do {
        enum scan_kind kind = scan_peek(scan);
        if (kind == SCAN_OBJECT || kind == SCAN_ARRAY) {
            if (depth == JSON_NESTING_MAX)
                return scan_fail(scan);
            open[depth].is_object = kind == SCAN_OBJECT;
            open[depth++].is_first = true;
            scan->at++;
        } else if (!scan_plain(scan, kind)) {
            return false;
        }
        struct span key;
        while (depth > 0) {
            bool *is_first = &open[depth - 1].is_first;
            if (open[depth - 1].is_object ? scan_member(scan, is_first, &key)
                                          : scan_item(scan, is_first))
                break;
            if (scan->failed)
                return false;
            depth--;
        }
    } while (depth > 0);
    return true;
}

bool scan_value(struct scan *scan, struct span *raw) {
    enum scan_kind kind = scan_peek(scan);
    const char *from = scan->at;
    bool ok =
        kind == SCAN_OBJECT || kind == SCAN_ARRAY ? scan_container(scan) : scan_plain(scan, kind);
    *raw = (struct span){from, (size_t)(scan->at - from)};
    return ok;
}

bool scan_whole(struct scan *scan, int64_t *out) {
    struct span raw;
    if (scan_peek(scan) != SCAN_NUMBER || !scan_value(scan, &raw) || raw.size > 15)
        return false;
    *out = 0;
    for (size_t i = raw.at[0] == '-' ? 1 : 0; i < raw.size; i++) {
        if (raw.at[i] < '0' || raw.at[i] > '9')
            return false;
        *out = *out * 10 + (raw.at[i] - '0');
    }
    if (raw.at[0] == '-')
        *out = -*out;
    return true;
}

bool scan_ended(struct scan *scan) {
    scan_here(scan);
    return !scan->failed && scan->at == scan->end;
}

static uint32_t unicode_of(const char *at) {
    uint32_t code = 0;
    for (int i = 0; i < 4; i++)
        code = code << 4 | (uint32_t)hex_digit(at[i]);
    return code;
}

static void utf8_put(struct text *out, uint32_t code) {
    char bytes[4];
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size; i-- > 1; code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    bytes[0] = (char)(marks[size] | code);
    text_put(out, bytes, size);
}

// The escape behind the backslash; returns what follows it. A surrogate without its partner
// becomes U+FFFD.
static const char *unescape(const char *at, const char *end, struct text *out) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (*at != 'u') {
        text_put(out, &to[strchr(from, *at) - from], 1);
        return at + 1;
    }
    uint32_t code = unicode_of(at + 1);
    at += 5;
    if (code >= 0xd800 && code <= 0xdbff && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        uint32_t low = unicode_of(at + 2);
        if (low >= 0xdc00 && low <= 0xdfff) {
            utf8_put(out, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
            return at + 6;
        }
    }
    utf8_put(out, code >= 0xd800 && code <= 0xdfff ? 0xfffd : code);
    return at;
}

void scan_decode(struct span raw, struct text *out) {
    const char *at = raw.at;
    const char *end = raw.at + raw.size;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        const char *stop = escape == NULL ? end : escape;
        text_put(out, at, (size_t)(stop - at));
        at = escape == NULL ? end : unescape(escape + 1, end, out);
    }
}

struct span scan_find(struct span object, const char *name) {
    struct scan scan = scan_new(object);
    struct span key, raw;
    bool is_first = true;
    if (scan_peek(&scan) != SCAN_OBJECT)
        return (struct span){"", 0};
    scan_enter(&scan, '{');
    while (scan_member(&scan, &is_first, &key) && scan_value(&scan, &raw))
        if (span_is(key, name))
            return raw;
    return (struct span){"", 0};
}
