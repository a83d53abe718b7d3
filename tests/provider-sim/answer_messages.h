// What is peculiar to the answers of the Messages API: its headers, errors and bodies.
#ifndef PROVIDER_SIM_ANSWER_MESSAGES_H
#define PROVIDER_SIM_ANSWER_MESSAGES_H

#include "tests/provider-sim/answer.h"
#include "tests/provider-sim/reply.h"

// Appends the header lines that every answer has.
void messages_headers(const struct answer *answer, struct text *out);
// Appends the body of an error. The type follows from the status; error_code may be NULL.
void messages_error(struct text *body, int status, const char *message, const char *error_code,
                    struct span request_id);
// Appends header lines that ask to wait for about that long, in one of the forms in use.
void messages_retry(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice);
// Adds what was written to a cache and searched for to a reply's tokens.
void messages_tokens(struct reply *reply, const struct options *options, struct dice *dice);
// Appends the answer's body.
void messages_json(const struct reply *reply, struct span response_id, struct dice *dice,
                   struct text *out);

#endif
