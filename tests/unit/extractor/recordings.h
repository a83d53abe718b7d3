// What the test of recordings knows of them: whose they are.
#ifndef TESTS_EXTRACTOR_RECORDINGS_H
#define TESTS_EXTRACTOR_RECORDINGS_H

#include <stdbool.h>
#include <stddef.h>

// The folders of recordings, and whose answers are in them.
static const struct source {
    const char *folder, *provider, *api;
    const char *flavor;  // of several in the folder; NULL: all
    bool are_no_answers; // but what the provider says of conversations that it keeps
} sources[] = {
    {"openai-chat", "openai", "chat", .flavor = NULL},
    {"openai-responses", "openai", "responses", .flavor = NULL},
    {"openai-conversations", "openai", "responses", .are_no_answers = true},
    {"anthropic-messages", "anthropic", "messages", .flavor = NULL},
    {"gemini-generate", "gemini", "generate", .flavor = NULL},
    {"vertex", "gemini", "generate", .flavor = "vertex-gemini"},
    {"gemini-interactions", "gemini", "interactions", .flavor = NULL},
    {"openrouter-chat", "openrouter", "chat", .flavor = NULL},
    {"deepseek-chat", "deepseek", "chat", .flavor = NULL},
    {"xai-chat", "xai", "chat", .flavor = NULL},
    {"xai-responses", "xai", "responses", .flavor = NULL},
    {"azure-openai", "azure", "chat", .flavor = "azure-chat"},
    {"mistral-chat", "mistral", "chat", .flavor = NULL},
    {"groq-chat", "groq", "chat", .flavor = NULL},
    {"together", "together", "chat", .flavor = "together-chat"},
    {"ollama", "ollama", "chat", .flavor = "ollama-openai-compat"},
    {"ollama", "compatible", "chat", .flavor = "ollama-openai-compat"},
};
enum { SOURCES = sizeof(sources) / sizeof(*sources) };

#endif
