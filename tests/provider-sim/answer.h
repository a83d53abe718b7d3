// The bytes of an HTTP answer: heads like the API's, whole and broken bodies.
#ifndef PROVIDER_SIM_ANSWER_H
#define PROVIDER_SIM_ANSWER_H

#include "tests/provider-sim/api.h"

struct answer {
    const struct api *api;
    int status;
    struct span request_id;
    const char *content_type;
    const char *date; // as moment_http_date gives it
    uint32_t processing_ms;
    bool is_last; // the connection closes behind it
    bool is_chunked;
    bool is_stream;
    bool is_flex;
    struct span model;        // as asked for; may be empty
    struct span more_headers; // whole lines
    struct span body;
    size_t early; // bytes of the body that leave before it is due, with the head
    int64_t unix_ms;
    uint64_t salt; // moves what changes from answer to answer
};

// Appends the head; the body is announced, not appended.
void answer_head(const struct answer *answer, struct text *out);
// Appends head and body; returns how many of these bytes leave early.
size_t answer_whole(const struct answer *answer, struct dice *dice, struct text *out);
// Appends the body in chunks, without the last one.
void answer_chunks(struct span body, struct dice *dice, struct text *out);
// Appends "name: value" and a line's end.
void header_text(struct text *out, const char *name, struct span value);
void header_number(struct text *out, const char *name, uint64_t value);

// Header lines that ask to wait, in the forms that are in use.
void retry_seconds(struct text *headers, uint32_t wait_ms);
void retry_milliseconds(struct text *headers, uint32_t wait_ms);
void retry_date(struct text *headers, uint32_t wait_ms, int64_t unix_ms);
// Appends a duration as Go writes it: 850ms, 1.25s, 1m30s.
void retry_duration(struct text *out, uint32_t wait_ms);
// In seconds, in milliseconds, or not at all.
void retry_plain(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice);

#endif
