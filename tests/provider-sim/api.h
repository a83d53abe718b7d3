// The APIs that the simulator speaks.
#ifndef PROVIDER_SIM_API_H
#define PROVIDER_SIM_API_H

enum api {
    API_CHAT,     // OpenAI's: POST /v1/chat/completions
    API_MESSAGES, // Anthropic's: POST /v1/messages
};

#endif
