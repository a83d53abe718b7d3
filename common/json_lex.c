#include "common/json_lex.h"

#include <assert.h>

// Whether one of eight bytes ends a run of plain characters: a quote, a backslash, a control
// character or a byte beyond ASCII.
static bool ends_plain(uint64_t word) {
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
    uint64_t found = (quote - ones) & ~quote;
    found |= (backslash - ones) & ~backslash;
    found |= (word - ones * 0x20) & ~word;
    return ((found | word) & highs) != 0;
}

size_t lex_utf8(const uint8_t *at, const uint8_t *end) {
    size_t left = (size_t)(end - at);
    uint8_t a = at[0];
    if (a >= 0xc2 && a <= 0xdf)
        return left >= 2 && (at[1] & 0xc0) == 0x80 ? 2 : 0;
    if (a >= 0xe0 && a <= 0xef) {
        if (left < 3 || (at[1] & 0xc0) != 0x80 || (at[2] & 0xc0) != 0x80)
            return 0;
        return (a == 0xe0 && at[1] < 0xa0) || (a == 0xed && at[1] > 0x9f) ? 0 : 3;
    }
    if (a >= 0xf0 && a <= 0xf4) {
        if (left < 4 || (at[1] & 0xc0) != 0x80 || (at[2] & 0xc0) != 0x80 || (at[3] & 0xc0) != 0x80)
            return 0;
        return (a == 0xf0 && at[1] < 0x90) || (a == 0xf4 && at[1] > 0x8f) ? 0 : 4;
    }
    return 0;
}

static int hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The four digits behind \u, or -1.
static int32_t hex_four(const uint8_t *at, const uint8_t *end) {
    if (end - at < 4)
        return -1;
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

bool lex_escape(const uint8_t **at, const uint8_t *end, uint32_t *point, bool *is_odd) {
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const uint8_t *p = *at + 1;
    if (p >= end)
        return false;
    const char *letter = *p ? strchr(letters, *p) : NULL;
    if (letter) {
        *point = (uint8_t)meanings[letter - letters];
        *at = p + 1;
        return true;
    }
    int32_t unit = *p == 'u' ? hex_four(p + 1, end) : -1;
    if (unit < 0)
        return false;
    p += 5;
    *point = (uint32_t)unit;
    if (unit >= 0xd800 && unit <= 0xdfff) {
        int32_t low = unit <= 0xdbff && end - p >= 6 && p[0] == '\\' && p[1] == 'u'
                          ? hex_four(p + 2, end)
                          : -1;
        bool is_pair = low >= 0xdc00 && low <= 0xdfff;
        if (is_pair)
            p += 6;
        *point = is_pair ? 0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00)
                         : 0xfffd;
        *is_odd |= !is_pair;
    } else if (unit == 0) {
        *point = 0xfffd;
        *is_odd = true;
    }
    *at = p;
    return true;
}

bool lex_string(const uint8_t **at, const uint8_t *end, bool *has_escape, bool *is_odd) {
    const uint8_t *p = *at + 1;
    for (;;) {
        uint64_t word;
        while (end - p >= 8 && (memcpy(&word, p, 8), !ends_plain(word)))
            p += 8;
        while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
            p++;
        if (p >= end || *p < 0x20)
            return false;
        if (*p == '"') {
            *at = p + 1;
            return true;
        }
        if (*p == '\\') {
            uint32_t point;
            *has_escape = true;
            if (!lex_escape(&p, end, &point, is_odd))
                return false;
            continue;
        }
        size_t length = lex_utf8(p, end);
        if (length == 0)
            return false;
        p += length;
    }
}

static const uint8_t *skip_digits(const uint8_t *p, const uint8_t *end) {
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

bool lex_number(const uint8_t **at, const uint8_t *end) {
    const uint8_t *p = *at;
    if (*p == '-')
        p++;
    const uint8_t *digits = p;
    p = skip_digits(p, end);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return false;
    if (p < end && *p == '.') {
        digits = ++p;
        p = skip_digits(p, end);
        if (p == digits)
            return false;
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        digits = p;
        p = skip_digits(p, end);
        if (p == digits)
            return false;
    }
    *at = p;
    return true;
}

bool lex_word(const uint8_t **at, const uint8_t *end, const char *word) {
    size_t size = strlen(word);
    if ((size_t)(end - *at) < size || memcmp(*at, word, size) != 0)
        return false;
    *at += size;
    return true;
}

size_t lex_put(uint32_t point, uint8_t out[4]) {
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (uint8_t)(0xc0 | point >> 6);
        out[1] = (uint8_t)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (uint8_t)(0xe0 | point >> 12);
        out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | point >> 18);
    out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (point & 0x3f));
    return 4;
}

size_t lex_bytes(const uint8_t **at, const uint8_t *end, uint8_t out[4]) {
    if (*at >= end)
        return 0;
    if (**at != '\\') {
        out[0] = *(*at)++;
        return 1;
    }
    uint32_t point = 0;
    bool is_odd = false;
    bool is_escape = lex_escape(at, end, &point, &is_odd);
    assert(is_escape);
    return lex_put(point, out);
}

bool lex_means(struct bytes raw, struct bytes text) {
    const uint8_t *at = raw.at, *end = raw.at + raw.size;
    size_t done = 0;
    uint8_t part[4];
    for (size_t size; (size = lex_bytes(&at, end, part)) > 0; done += size)
        if (text.size - done < size || memcmp(text.at + done, part, size) != 0)
            return false;
    return done == text.size;
}

uint64_t lex_hash(struct bytes raw) {
    const uint8_t *at = raw.at, *end = raw.at + raw.size;
    uint64_t hash = 0xcbf29ce484222325u;
    uint8_t part[4];
    for (size_t size; (size = lex_bytes(&at, end, part)) > 0;)
        for (size_t i = 0; i < size; i++)
            hash = (hash ^ part[i]) * 0x100000001b3u;
    return hash;
}
