// The bytes of an HTTP answer: heads like the API's, whole and broken bodies.
#ifndef PROVIDER_SIM_ANSWER_H
#define PROVIDER_SIM_ANSWER_H

#include "tests/provider-sim/api.h"
#include "tests/provider-sim/dice.h"
#include "tests/provider-sim/text.h"

struct answer {
    enum api api;
    int status;
    struct span request_id;
    const char *content_type;
    const char *date; // as moment_http_date gives it
    uint32_t processing_ms;
    bool is_last; // the connection closes behind it
    bool is_chunked;
    struct span more_headers; // whole lines
    struct span body;
    int64_t unix_ms;
    uint64_t salt; // moves what changes from answer to answer
};

// Appends the head; the body is announced, not appended.
void answer_head(const struct answer *answer, struct text *out);
// Appends head and body.
void answer_whole(const struct answer *answer, struct dice *dice, struct text *out);
// Appends the body in chunks, without the last one.
void answer_chunks(struct span body, struct dice *dice, struct text *out);
// Appends the body of an error. Param and code may be NULL.
void answer_error(struct text *body, const char *message, const char *type, const char *param,
                  const char *code);
// Appends header lines that ask to wait for about that long, in one of the forms in use.
void answer_retry(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice);

#endif
