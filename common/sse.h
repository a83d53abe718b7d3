// The events of a stream, from a text that grows: whatever pieces it comes in, the events are the
// same. It is the lines of a text/event-stream or, where its first sign is a bracket, a JSON array
// whose elements are the events' data. Nothing is copied but data that stand on several lines.
// Takes any bytes. Pure.
#ifndef COMMON_SSE_H
#define COMMON_SSE_H

#include "common/buf.h"
#include "common/bytes.h"
#include "common/limits.h"

// What an event says; views into the text, or into the reader's memory until its next event.
struct sse_event {
    struct bytes name; // of the last line "event:"; empty if there is none
    struct bytes data; // of all lines "data:", with a line feed between two of them
    struct bytes id;   // of the last line "id:"
    bool has_data;     // there was such a line, be it empty
};

// A place in the text, which may move while it grows; size 0: none.
struct sse_place {
    size_t at, size;
};

enum sse_form { SSE_FORM_unknown, SSE_FORM_lines, SSE_FORM_array };

struct sse {
    enum sse_form form;
    size_t at;                       // where the next event begins
    size_t seen;                     // up to where what is being read has no end yet
    size_t line;                     // where that line begins; at: none of the event was read
    struct sse_place name, data, id; // of the event that is being read
    unsigned data_lines;
    struct buf joined; // data that stand on several lines
    // Of an array:
    size_t depth; // of brackets that are open, its own among them; 0: it has ended
    bool is_in_text, is_escaped;
    bool has_element;
    bool is_broken; // something stands where no element may, or one is missing
};

enum sse_found {
    SSE_event,   // the next one
    SSE_more,    // the text must grow first; of a whole text: there is no more
    SSE_too_big, // the next event has more than STREAM_EVENT_BYTES_MAX; nothing more is read
};

void sse_init(struct sse *sse);
// Accepts a zeroed one.
void sse_release(struct sse *sse);
// Begins with another text.
void sse_reset(struct sse *sse);
// The next event of the text, of which everything up to its present end must be what it was at
// the last call. Lines that say nothing (comments, retry, unknown fields) and blank ones are no
// event; the end of a text that is whole ends its last line and its last event.
enum sse_found sse_next(struct sse *sse, struct bytes text, bool is_whole, struct sse_event *event);

// Of a whole text that was read to its end: whether it breaks off before its end. Lines never do,
// since whatever they end with may be their end.
bool sse_is_cut(const struct sse *sse);

// Whether a body looks like a text/event-stream: its first line that is not blank begins with a
// field's name and a colon, or with a comment.
bool sse_is_stream(struct bytes body);
// Whether it looks like an array.
bool sse_is_array(struct bytes body);

#endif
