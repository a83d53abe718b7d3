// What the APIs of OpenAI, and those in their manner, share beside the form of their answers.
#ifndef PROVIDER_SIM_OPENAI_H
#define PROVIDER_SIM_OPENAI_H

#include "tests/provider-sim/answer.h"

void openai_headers(const struct answer *answer, struct text *out);
// The usage object of a chat.
void openai_usage(const struct reply *reply, struct text *out);
void openai_retry(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice);

// Azure has the same in words of its own.
void azure_headers(const struct answer *answer, struct text *out);
void azure_retry(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice);
int azure_error(const struct problem *problem, struct text *body);
// And xAI.
void xai_headers(const struct answer *answer, struct text *out);
int xai_error(const struct problem *problem, struct text *body);

#endif
