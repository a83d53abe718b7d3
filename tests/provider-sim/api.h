// The APIs that the simulator speaks. Each has a file of its own that fills one of these in; what
// they share is how a request is read, what the model says and what it costs.
#ifndef PROVIDER_SIM_API_H
#define PROVIDER_SIM_API_H

#include "tests/provider-sim/problem.h"
#include "tests/provider-sim/stream.h"

struct answer;
struct options;
struct reply;

enum vendor {
    VENDOR_OPENAI,
    VENDOR_ANTHROPIC,
    VENDOR_GEMINI,
    VENDOR_OPENROUTER,
    VENDOR_DEEPSEEK,
    VENDOR_XAI,
    VENDOR_AZURE,
    VENDOR_MISTRAL,
    VENDOR_GROQ,
    VENDOR_TOGETHER,
    VENDOR_OLLAMA,
    VENDOR_COMPATIBLE,
    VENDORS
};

// How requests are written.
enum dialect {
    DIALECT_CHAT,         // messages, as OpenAI's Chat Completions
    DIALECT_MESSAGES,     // messages, as Anthropic's Messages
    DIALECT_RESPONSES,    // input items, as OpenAI's Responses
    DIALECT_GENERATE,     // contents of parts, as Gemini's generateContent
    DIALECT_INTERACTIONS, // input steps, as Gemini's Interactions
    DIALECTS
};

// The header that a key comes in.
enum key_place { KEY_BEARER, KEY_ANTHROPIC, KEY_GOOGLE, KEY_AZURE, KEY_PLACES };

struct api {
    const char *name;
    enum vendor vendor;
    enum dialect dialect;
    enum key_place key;
    bool has_key_or_bearer; // a bearer token does, too
    bool is_pretty;         // whole answers are laid out for people
    bool has_crlf;          // lines of its streams end so
    bool is_own;            // a server of one's own: needs no key, and nothing has a price
    bool may_pad;           // blank lines before a body, while the request waits

    // Makes the request's id and the response's, as long as they have any.
    void (*ids)(struct text *request_id, struct text *response_id, int64_t unix_s,
                struct dice *dice);
    // Appends the header lines that every answer has.
    void (*headers)(const struct answer *answer, struct text *out);
    // Appends header lines that ask to wait for about that long, in one of the forms in use; NULL:
    // none has them.
    void (*retry)(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice);
    // Appends the body of an error and returns its status.
    int (*error)(const struct problem *problem, struct text *body);
    // Changes what the answer costs in tokens; NULL: nothing is changed.
    void (*tokens)(struct reply *reply, const struct options *options, struct dice *dice);
    // Appends a whole answer, compact.
    void (*body)(const struct reply *reply, struct text *out);
    // Appends the events of a whole answer.
    void (*stream)(const struct reply *reply, struct stream *stream);
    // Appends the events of an error in the middle of a stream.
    void (*stream_error)(const struct reply *reply, const struct problem *problem,
                         struct stream *stream);
    // Appends an error that comes with status 200; NULL: there are none.
    void (*error_200)(const struct reply *reply, const struct problem *problem, struct text *body);
};

// What is kept by id.
enum kept_kind { KEPT_ANSWER, KEPT_CONVERSATION, KEPT_PREFIX };

// What a path leads to.
enum operation {
    OPERATION_ANSWER, // POST
    OPERATION_STREAM, // POST, where the path and not the body asks for a stream
    OPERATION_GET,
    OPERATION_DELETE,
    OPERATION_LIST,     // GET: the items
    OPERATION_CREATE,   // POST: a conversation or a prefix
    OPERATION_ADD_ITEMS // POST
};

struct route {
    const struct api *api;
    enum operation operation;
    enum kept_kind kind; // what it makes or reads by id
    struct span name;    // what stands in the path: a model, a deployment or an id
    struct span query;   // behind the question mark
    struct span key;     // of the query; empty: none
};

enum route_state { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

enum route_state route_find(struct span method, struct span target, struct route *route);
// Prints the paths, one a line.
void routes_print(void);

extern const struct api api_openai_chat, api_azure_chat, api_openrouter, api_deepseek, api_xai_chat,
    api_mistral, api_groq, api_together, api_ollama, api_compatible;
extern const struct api api_openai_responses, api_azure_responses, api_xai_responses;
extern const struct api api_messages, api_generate, api_interactions;

#endif
