// OpenAI's Chat Completions, and every server that speaks it: POST of {"model", "messages", …}.
#ifndef PROVIDER_ADAPTERS_OPENAI_CHAT_H
#define PROVIDER_ADAPTERS_OPENAI_CHAT_H

#include "workers/provider/adapter.h"

extern const struct adapter adapter_openai_chat;

#endif
