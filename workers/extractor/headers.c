#include "workers/extractor/headers.h"

#include "common/json.h"

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r';
}

static struct bytes trimmed(struct bytes text) {
    while (text.size > 0 && is_blank(text.at[0]))
        text = bytes_of(text.at + 1, text.size - 1);
    while (text.size > 0 && is_blank(text.at[text.size - 1]))
        text.size--;
    return text;
}

static bool is_name(struct bytes name) {
    for (size_t i = 0; i < name.size; i++)
        if (name.at[i] < ' ' || name.at[i] > '~')
            return false;
    return name.size > 0 && name.size <= HEADER_NAME_BYTES_MAX;
}

size_t headers_split(struct bytes block, struct header headers[HEADERS_MAX]) {
    size_t count = 0;
    while (block.size > 0 && count < HEADERS_MAX) {
        const uint8_t *newline = memchr(block.at, '\n', block.size);
        size_t size = newline ? (size_t)(newline - block.at) : block.size;
        size_t step = newline ? size + 1 : size;
        const uint8_t *colon = memchr(block.at, ':', size);
        if (colon && colon > block.at && !is_blank(*block.at)) {
            size_t name_size = (size_t)(colon - block.at);
            headers[count].name = trimmed(bytes_of(block.at, name_size));
            headers[count].value = trimmed(bytes_of(colon + 1, size - name_size - 1));
            count += is_name(headers[count].name);
        }
        block = bytes_of(block.at + step, block.size - step);
    }
    return count;
}

static uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool same_name(struct bytes a, struct bytes b) {
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

bool header_is(const struct header *header, const char *name) {
    return same_name(header->name, bytes_text(name));
}

void header_put_name(const struct header *header, struct buf *out) {
    for (size_t i = 0; i < header->name.size; i++)
        buf_byte(out, lower(header->name.at[i]));
}

static void put_name_json(const struct header *header, struct buf *out) {
    uint8_t name[HEADER_NAME_BYTES_MAX];
    for (size_t i = 0; i < header->name.size; i++)
        name[i] = lower(header->name.at[i]);
    json_put_text(out, bytes_of(name, header->name.size));
}

// Which headers stand first of their name, and whether others follow, in one pass over pairs. A
// block has some thirty headers; HEADERS_MAX bounds what a hostile one costs.
static bool is_repeat(const struct header *headers, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (same_name(headers[k].name, headers[i].name))
            return true;
    return false;
}

static size_t next_same(const struct header *headers, size_t count, size_t i) {
    for (size_t k = i + 1; k < count; k++)
        if (same_name(headers[k].name, headers[i].name))
            return k;
    return count;
}

static void put_values(const struct header *headers, size_t count, size_t i, struct buf *out) {
    size_t next = next_same(headers, count, i);
    if (next == count) {
        json_put_text(out, headers[i].value);
        return;
    }
    buf_byte(out, '[');
    json_put_text(out, headers[i].value);
    for (; next < count; next = next_same(headers, count, next)) {
        buf_byte(out, ',');
        json_put_text(out, headers[next].value);
    }
    buf_byte(out, ']');
}

void headers_put_json(const struct header *headers, size_t count, struct buf *out) {
    buf_byte(out, '{');
    for (size_t i = 0, written = 0; i < count; i++) {
        if (is_repeat(headers, i))
            continue;
        if (written++ > 0)
            buf_byte(out, ',');
        put_name_json(&headers[i], out);
        buf_byte(out, ':');
        put_values(headers, count, i, out);
    }
    buf_byte(out, '}');
}
