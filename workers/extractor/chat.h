// What is peculiar to answers in the shape of OpenAI's Chat Completions (shape openai.chat).
#ifndef EXTRACTOR_CHAT_H
#define EXTRACTOR_CHAT_H

#include "workers/extractor/extract.h"

// Why the body is no answer of this shape, a code; NULL if it is one.
const char *chat_refusal(const struct json_scan *scan);
// The assistant's message in the neutral form that a later turn sends again: role, content,
// refusal, tool_calls, function_call, audio.id, and the visible reasoning of compatible servers.
void chat_put_message(const struct json_scan *scan, uint32_t message, struct buf *out);
// Whether the assistant declined to answer.
bool chat_is_declined(const struct json_scan *scan, uint32_t message);

#endif
