#include "common/sse.h"

#include <string.h>

void sse_init(struct sse *sse) {
    memset(sse, 0, sizeof(*sse));
    buf_init(&sse->joined, STREAM_EVENT_BYTES_MAX);
}

void sse_release(struct sse *sse) {
    buf_release(&sse->joined);
    memset(sse, 0, sizeof(*sse));
}

static void forget_event(struct sse *sse) {
    buf_reset(&sse->joined);
    sse->name = sse->data = sse->id = (struct sse_place){0};
    sse->data_lines = 0;
}

void sse_reset(struct sse *sse) {
    sse->at = sse->seen = sse->line = 0;
    forget_event(sse);
}

// ---- lines --------------------------------------------------------------------------------------

static size_t mark_size(struct bytes text, bool is_whole, bool *is_clear) {
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    size_t size = text.size < sizeof(mark) ? text.size : sizeof(mark);
    bool begins_so = size == 0 || memcmp(text.at, mark, size) == 0;
    *is_clear = !begins_so || size == sizeof(mark) || is_whole;
    return begins_so && size == sizeof(mark) ? size : 0;
}

// The end of the line that begins at sse->line: the place of the byte that ends it, or the size of
// a whole text. False if it has not come yet.
static bool find_end(struct sse *sse, struct bytes text, bool is_whole, size_t *end) {
    size_t from = sse->seen > sse->line ? sse->seen : sse->line;
    for (size_t i = from; i < text.size; i++)
        if (text.at[i] == '\n' || text.at[i] == '\r') {
            *end = i;
            return true;
        }
    sse->seen = text.size;
    *end = text.size;
    return is_whole && sse->line < text.size;
}

// A line feed behind a carriage return belongs to the same line end, be it in the next piece.
static void skip_pair(struct sse *sse, struct bytes text) {
    if (sse->line > 0 && sse->line < text.size && text.at[sse->line - 1] == '\r' &&
        text.at[sse->line] == '\n') {
        if (sse->at == sse->line)
            sse->at++;
        sse->line++;
    }
}

static void take_data(struct sse *sse, struct bytes text, struct sse_place value) {
    if (sse->data_lines == 1)
        buf_put(&sse->joined, text.at + sse->data.at, sse->data.size);
    if (sse->data_lines > 0) {
        buf_byte(&sse->joined, '\n');
        buf_put(&sse->joined, text.at + value.at, value.size);
    }
    sse->data = value;
    sse->data_lines++;
}

// Takes in a line that is not blank.
static void take_line(struct sse *sse, struct bytes text, size_t end) {
    const uint8_t *line = text.at + sse->line;
    size_t size = end - sse->line;
    const uint8_t *colon = memchr(line, ':', size);
    size_t name_size = colon ? (size_t)(colon - line) : size;
    size_t value = colon ? name_size + 1 : size;
    if (value < size && line[value] == ' ')
        value++;
    struct bytes name = bytes_of(line, name_size);
    struct sse_place place = {sse->line + value, size - value};
    if (bytes_is(name, "data"))
        take_data(sse, text, place);
    else if (bytes_is(name, "event"))
        sse->name = place;
    else if (bytes_is(name, "id"))
        sse->id = place;
}

// ---- events -------------------------------------------------------------------------------------

static struct bytes view(struct bytes text, struct sse_place place) {
    return place.size > 0 ? bytes_of(text.at + place.at, place.size) : bytes_of(NULL, 0);
}

static bool has_event(const struct sse *sse) {
    return sse->data_lines > 0 || sse->name.size > 0 || sse->id.size > 0;
}

// Hands out what was read since sse->at, and begins behind it.
static void give(struct sse *sse, struct bytes text, struct sse_event *event) {
    *event = (struct sse_event){
        .name = view(text, sse->name),
        .data = sse->data_lines > 1 ? buf_bytes(&sse->joined) : view(text, sse->data),
        .id = view(text, sse->id),
        .has_data = sse->data_lines > 0,
    };
}

enum sse_found sse_next(struct sse *sse, struct bytes text, bool is_whole,
                        struct sse_event *event) {
    size_t end;
    bool is_clear = true;
    if (sse->line == sse->at)
        forget_event(sse); // what was handed out last
    if (sse->line == 0) {
        sse->line = sse->at = mark_size(text, is_whole, &is_clear);
        if (!is_clear)
            return SSE_more;
    }
    for (;;) {
        skip_pair(sse, text);
        bool has_line = find_end(sse, text, is_whole, &end);
        if (end - sse->at > STREAM_EVENT_BYTES_MAX)
            return SSE_too_big;
        if (!has_line)
            break;
        bool is_blank = end == sse->line;
        if (!is_blank)
            take_line(sse, text, end);
        sse->line = end < text.size ? end + 1 : end;
        if (!is_blank)
            continue;
        sse->at = sse->line;
        if (has_event(sse)) {
            give(sse, text, event);
            return SSE_event;
        }
    }
    if (!is_whole || !has_event(sse))
        return SSE_more;
    sse->at = sse->line;
    give(sse, text, event);
    return SSE_event;
}

// ---- what is one --------------------------------------------------------------------------------

bool sse_is_stream(struct bytes body) {
    static const char *const begins[] = {":", "data:", "event:", "id:", "retry:"};
    bool is_clear;
    size_t at = mark_size(body, true, &is_clear);
    while (at < body.size && (body.at[at] == '\r' || body.at[at] == '\n'))
        at++;
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        size_t size = strlen(begins[i]);
        if (body.size - at >= size && memcmp(body.at + at, begins[i], size) == 0)
            return true;
    }
    return false;
}
