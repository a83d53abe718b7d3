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
    struct buf joined = sse->joined;
    *sse = (struct sse){.joined = joined};
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

// Whether a byte that ends a line is among those of the text from *at on, and where. Looked for in
// blocks: else a text with only one of the two would be searched to its end for the other, from
// each of its lines.
static bool find_line_end(struct bytes text, size_t *at) {
    enum { BLOCK = 256 };
    while (*at < text.size) {
        size_t size = text.size - *at < BLOCK ? text.size - *at : BLOCK;
        const uint8_t *block = text.at + *at;
        const uint8_t *feed = memchr(block, '\n', size);
        const uint8_t *end = memchr(block, '\r', feed ? (size_t)(feed - block) : size);
        end = end ? end : feed;
        *at += end ? (size_t)(end - block) : size;
        if (end)
            return true;
    }
    return false;
}

// The end of the line that begins at sse->line: the place of the byte that ends it, or the size of
// a whole text. False if it has not come yet.
static bool find_end(struct sse *sse, struct bytes text, bool is_whole, size_t *end) {
    *end = sse->seen > sse->line ? sse->seen : sse->line;
    if (find_line_end(text, end))
        return true;
    sse->seen = *end = text.size;
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

static enum sse_found next_of_lines(struct sse *sse, struct bytes text, bool is_whole,
                                    struct sse_event *event) {
    size_t end;
    if (sse->line == sse->at)
        forget_event(sse); // what was handed out last
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

// ---- the elements of an array -------------------------------------------------------------------

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Hands out what was read since sse->at, up to `end`, and begins behind what was seen. False if
// there is nothing but blanks.
static bool give_element(struct sse *sse, struct bytes text, size_t end, struct sse_event *event) {
    size_t begin = sse->at;
    while (begin < end && is_blank(text.at[begin]))
        begin++;
    while (end > begin && is_blank(text.at[end - 1]))
        end--;
    sse->at = sse->seen;
    *event = (struct sse_event){.data = bytes_of(text.at + begin, end - begin), .has_data = true};
    sse->has_element = sse->has_element || begin < end;
    return begin < end;
}

// Takes in the next byte; whether an element ends before it.
static bool ends_element(struct sse *sse, uint8_t c) {
    if (sse->is_in_text) {
        sse->is_in_text = sse->is_escaped || c != '"';
        sse->is_escaped = !sse->is_escaped && c == '\\';
        return false;
    }
    sse->is_in_text = c == '"';
    sse->depth += c == '[' || c == '{';
    sse->depth -= c == ']' || c == '}';
    return sse->depth == 0 || (sse->depth == 1 && c == ',');
}

// Only where elements begin and end is looked for: whoever reads them finds out what is no JSON.
static enum sse_found next_of_array(struct sse *sse, struct bytes text, bool is_whole,
                                    struct sse_event *event) {
    for (; sse->seen < text.size && !sse->is_broken; sse->seen++) {
        uint8_t c = text.at[sse->seen];
        if (sse->depth == 0) {
            sse->is_broken = !is_blank(c);
            continue;
        }
        if (sse->seen - sse->at > STREAM_EVENT_BYTES_MAX)
            return SSE_too_big;
        if (!ends_element(sse, c))
            continue;
        bool had_element = sse->has_element;
        size_t end = sse->seen++;
        bool has_element = give_element(sse, text, end, event);
        sse->is_broken = (c != ',' && c != ']') || (!has_element && (c == ',' || had_element));
        if (has_element)
            return SSE_event;
        sse->seen = end;
    }
    bool is_element = is_whole && sse->depth == 1 && !sse->is_in_text && !sse->is_broken;
    return is_element && give_element(sse, text, sse->seen, event) ? SSE_event : SSE_more;
}

bool sse_is_cut(const struct sse *sse) {
    return sse->form == SSE_FORM_array && sse->depth > 0;
}

// ---- both ---------------------------------------------------------------------------------------

// Where the first line begins that is not blank.
static size_t begin_of(struct bytes text, size_t at) {
    while (at < text.size && (text.at[at] == '\r' || text.at[at] == '\n'))
        at++;
    return at;
}

// False if the text is not long enough for that.
static bool find_form(struct sse *sse, struct bytes text, bool is_whole) {
    bool is_clear = true;
    size_t mark = sse->line == 0 ? mark_size(text, is_whole, &is_clear) : sse->line;
    if (!is_clear)
        return false;
    sse->at = sse->line = begin_of(text, mark);
    if (sse->line == text.size)
        return false;
    sse->form = text.at[sse->line] == '[' ? SSE_FORM_array : SSE_FORM_lines;
    if (sse->form == SSE_FORM_array) {
        sse->at = sse->seen = sse->line + 1;
        sse->depth = 1;
    }
    return true;
}

enum sse_found sse_next(struct sse *sse, struct bytes text, bool is_whole,
                        struct sse_event *event) {
    if (sse->form == SSE_FORM_unknown && !find_form(sse, text, is_whole))
        return SSE_more;
    return sse->form == SSE_FORM_array ? next_of_array(sse, text, is_whole, event)
                                       : next_of_lines(sse, text, is_whole, event);
}

// ---- what is one --------------------------------------------------------------------------------

// The body from its first line on that is not blank.
static struct bytes begun(struct bytes body) {
    bool is_clear;
    size_t at = begin_of(body, mark_size(body, true, &is_clear));
    return at > 0 ? bytes_of(body.at + at, body.size - at) : body;
}

bool sse_is_stream(struct bytes body) {
    static const char *const begins[] = {":", "data:", "event:", "id:", "retry:"};
    struct bytes text = begun(body);
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        size_t size = strlen(begins[i]);
        if (text.size >= size && memcmp(text.at, begins[i], size) == 0)
            return true;
    }
    return false;
}

bool sse_is_array(struct bytes body) {
    struct bytes text = begun(body);
    return text.size > 0 && *text.at == '[';
}
