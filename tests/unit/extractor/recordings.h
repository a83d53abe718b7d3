// What the test of recordings knows of them: whose they are, and where an independent reading of
// them differs from ours for a reason.
#ifndef TESTS_EXTRACTOR_RECORDINGS_H
#define TESTS_EXTRACTOR_RECORDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

// The folders of recordings, and whose answers are in them.
static const struct source {
    const char *folder, *provider, *api;
    const char *flavor;      // of several in the folder; NULL: all
    bool are_no_answers;     // but what the provider says of conversations that it keeps
    bool has_other_searches; // the independent reading counts searches and prices them
    bool is_alone;           // there is no other reading: the counters have to add up
} sources[] = {
    {"openai-chat", "openai", "chat", .has_other_searches = true},
    {"openai-responses", "openai", "responses", .flavor = NULL},
    {"openai-conversations", "openai", "responses", .are_no_answers = true},
    {"anthropic-messages", "anthropic", "messages", .has_other_searches = true},
    {"gemini-generate", "gemini", "generate", .flavor = NULL},
    {"vertex", "gemini", "generate", .flavor = "vertex-gemini"},
    {"gemini-interactions", "gemini", "interactions", .is_alone = true},
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

// Differences from the independent reading that were decided against it, and what it prices and
// the catalogue does not.
static const struct {
    const char *folder; // of the recordings
    const char *model;  // beginning of the served model, or of a file's name
    const char *what;   // that differs
    const char *reason;
} differences[] = {
    {"openai-chat", "gpt-4o-search-preview", "price",
     "each call searches the web; that fee is not in the other price"},
    {"openai-chat", "gpt-4o-mini-search-preview", "price",
     "each call searches the web; that fee is not in the other price"},
    {"openai-chat", "gpt-4o-audio-preview", "price",
     "the other price takes audio input at the price of text"},
    {"gemini-generate", "0074", "input", "the prompt is left out and only in the total"},
    {"gemini-generate", "0074", "price", "the prompt is left out and only in the total"},
    {"gemini-generate", "0076", "input", "the prompt is left out and only in the total"},
    {"gemini-generate", "0076", "price", "the prompt is left out and only in the total"},
    {"anthropic-messages", "0100", "input", "the other reading leaves out what compaction used"},
    {"anthropic-messages", "0100", "output", "the other reading leaves out what compaction used"},
    {"anthropic-messages", "0100", "price", "the other reading leaves out what compaction used"},
    {"anthropic-messages", "0101", "input", "the other reading leaves out what compaction used"},
    {"anthropic-messages", "0101", "output", "the other reading leaves out what compaction used"},
    {"anthropic-messages", "0101", "write", "the other reading leaves out what compaction used"},
    {"anthropic-messages", "0101", "price", "the other reading leaves out what compaction used"},
    {"anthropic-messages", "0102", "input", "the other reading leaves out what compaction used"},
    {"anthropic-messages", "0102", "output", "the other reading leaves out what compaction used"},
    {"anthropic-messages", "0102", "read", "the other reading leaves out what compaction used"},
    {"openrouter-chat", "0101", "output", "it says more reasoning than output"},
    {"openrouter-chat", "0101", "inconsistent", "it says more reasoning than output"},
    {"deepseek-chat", "", "read", "the other reading knows only one of the two places of hits"},
    {"deepseek-chat", "0095", "price", "the other price knows no cache's hits here"},
    {"deepseek-chat", "0099", "price", "the other price knows no cache's hits here"},
    {"deepseek-chat", "deepseek-v4-", "price",
     "the other price has the figures from 2026-08-16 on for calls before it too"},
    {"azure-openai", "AZURE_DEPLOYMENT", "price", "the model's name was taken out"},
    {"azure-openai", "grok-", "input", "it says more input from the cache than input"},
    {"azure-openai", "grok-", "inconsistent", "it says more input from the cache than input"},
    {"mistral-chat", "voxtral-", "input", "audio comes on top of the input, as the total says"},
    {"mistral-chat", "voxtral-", "inconsistent", "older answers say the audio in the total only"},
    {"mistral-chat", "voxtral-", "price", "audio is billed by the minute, and unpriced"},
    {"mistral-chat", "", "read", "the other reading knows only one of the two places of it"},
    {"mistral-chat", "0098", "price", "the other price knows no cache's hits here"},
    {"mistral-chat", "0099", "price", "the other price knows no cache's hits here"},
    {"mistral-chat", "0100", "price", "the other price knows no cache's hits here"},
    {"mistral-chat", "0101", "price", "the other price knows no cache's hits here"},
    {"mistral-chat", "0102", "price", "the other price knows no cache's hits here"},
    {"mistral-chat", "ministral-14b-latest", "price", "the other price is that of Pixtral"},
    {"mistral-chat", "mistral-large-latest", "price", "another model since its December release"},
};

// What is content, said once more than in the catalogue: names of members, of every shape.
static bool is_content(const struct source *source, const char *name, const char *owner) {
    static const char *const common[] = {
        "content",   "refusal", "arguments", "data",           "transcript", "logprobs",  "text",
        "signature", "output",  "code",      "search_results", "thinking",   "citations", "input",
        "summary",   "result",  NULL};
    static const char *const gemini[] = {"thoughtSignature", "args", "response", "logprobsResult",
                                         "renderedContent",  NULL};
    static const char *const others[] = {"reasoning",
                                         "reasoning_content",
                                         "failed_generation",
                                         "prompt",
                                         "encrypted_content",
                                         "outputs",
                                         "output_text",
                                         "diff",
                                         NULL};
    const char *const *lists[] = {common,
                                  strcmp(source->provider, "gemini") == 0 ? gemini : others};
    if (strcmp(owner, "usage") == 0 || strcmp(owner, "error") == 0)
        return false;
    if (strcmp(owner, "") == 0) // a message as a whole: its parts hold the content
        return strcmp(name, "output_text") == 0;
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        for (const char *const *at = lists[i]; *at; at++)
            if (strcmp(name, *at) == 0)
                return true;
    return false;
}

static bool begins(const char *text, const char *beginning) {
    return text && strncmp(text, beginning, strlen(beginning)) == 0;
}

#endif
