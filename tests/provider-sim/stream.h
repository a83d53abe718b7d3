// Server-sent events, put together one by one and then ended, cut, broken or left standing.
#ifndef PROVIDER_SIM_STREAM_H
#define PROVIDER_SIM_STREAM_H

#include "tests/provider-sim/dice.h"
#include "tests/provider-sim/text.h"

struct stream {
    struct text *out;
    struct dice dice;
    const char *line_end;  // "\n" or "\r\n"
    const char *comment;   // a whole comment line that this API sends, without its end; NULL: none
    uint32_t comment_rate; // comments and blank lines before events
    bool is_array;         // a JSON array instead of events
    struct text ends;      // size_t: where each event ends
    size_t early;          // bytes at the front that leave while the request still waits
    size_t whole_from;     // with so many events a client has all of it
};

void stream_begin(struct stream *stream, struct text *out, struct dice dice);
void stream_release(struct stream *stream);
// Opens an event, whose data is then appended to `out`; the name may be NULL.
void stream_open(struct stream *stream, const char *name);
void stream_close(struct stream *stream);
// A whole event of these data.
void stream_put(struct stream *stream, const char *name, const char *data);
// The next event is the first one that says that the answer is complete.
void stream_completes(struct stream *stream);
// Ends the array, if it is one.
void stream_end(struct stream *stream);
size_t stream_count(const struct stream *stream);
// Forgets the events from that one on.
void stream_cut(struct stream *stream, size_t count);
// Where that event ends; 0 for count 0.
size_t stream_place(const struct stream *stream, size_t count);

#endif
