// The lines of a text/event-stream, read as events, from a text that grows: whatever pieces it
// comes in, the events are the same. Nothing is copied but data that stand on several lines.
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

struct sse {
    size_t at;                       // where the next event begins
    size_t seen;                     // up to where the line that is being read has no end yet
    size_t line;                     // where that line begins; at: none of the event was read
    struct sse_place name, data, id; // of the event that is being read
    unsigned data_lines;
    struct buf joined; // data that stand on several lines
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

// Whether a body looks like a stream of events: its first line that is not blank begins with a
// field's name and a colon, or with a comment.
bool sse_is_stream(struct bytes body);

#endif
