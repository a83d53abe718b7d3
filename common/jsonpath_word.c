#include "common/jsonpath_form.h"

#include "common/json_lex.h"

static uint32_t hex_digit(uint8_t c) {
    return c <= '9' ? (uint32_t)(c - '0') : (c | 0x20u) - 'a' + 10;
}

size_t word_bytes(const uint8_t **at, const uint8_t *end, uint8_t out[4]) {
    if (*at >= end)
        return 0;
    if (**at != '\\') {
        out[0] = *(*at)++;
        return 1;
    }
    const uint8_t *escape = *at;
    uint32_t point = 0;
    bool is_odd = false;
    if (!lex_escape(at, end, &point, &is_odd))
        return 0;
    if (is_odd) {
        point = 0;
        for (int i = 2; i < 6; i++)
            point = point * 16 + hex_digit(escape[i]);
    }
    return lex_put(point, out);
}

bool word_is_escaped_name(struct bytes raw, struct bytes name) {
    const uint8_t *at = raw.at, *end = raw.at + raw.size;
    size_t done = 0;
    uint8_t part[4];
    for (size_t size; (size = word_bytes(&at, end, part)) > 0; done += size)
        if (name.size - done < size || memcmp(name.at + done, part, size) != 0)
            return false;
    return done == name.size;
}
