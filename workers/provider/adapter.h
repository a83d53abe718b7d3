// An adapter turns a job into a request of one shape of API and knows a whole answer of it. It is
// pure: the catalogue says where the request goes and who pays, transfer.h carries it. The ingress
// asks it too, so that what an API cannot take is refused when it is submitted.
#ifndef PROVIDER_ADAPTER_H
#define PROVIDER_ADAPTER_H

#include "common/buf.h"
#include "common/catalogue.h"
#include "common/json.h"

// What is to be asked: a submitted line as it was written, the neutral request that was prepared
// for a conversation's turn (empty: a single call, whose line holds a native body), and the model
// as the provider writes it.
struct adapter_job {
    const struct provider_api *api;
    struct bytes line;
    struct bytes context;
    struct bytes model;
    bool is_stream; // what job_asks_stream says of it
};

struct adapter {
    const char *shape; // as in the catalogue: openai.chat
    bool may_stream;   // it can ask for a stream, and the extractor can put one together
    // Whether the API can take what a turn's line states (its members input, system, params and
    // tools); if not, words says why. Members are of the right types.
    bool (*takes)(const struct provider_api *api, const struct json_scan *line, struct buf *words);
    // Appends the request's body. A native body goes out byte for byte, but for the model and
    // what a stream needs. NULL, or why no request can be made of the job: a code, static storage.
    // scan is for its use.
    const char *(*write)(const struct adapter_job *job, struct json_scan *scan, struct buf *body);
    // Whether an answer with a success status, already found to be whole JSON, is what the API
    // answers: false, and it is malformed.
    bool (*is_answer)(const struct json_scan *scan);
};

// Whether the job asks for a stream: "stream": true in a native body, or in a turn's params, or a
// line's url that is the one for streams.
bool job_asks_stream(const struct adapter_job *job);
// Whether an API answers in a stream when it is asked to.
bool api_streams(const struct provider_api *api);
// Whether a native body, or what a turn states in its place (a node), asks for nothing that the
// catalogue says is not served; if it does, words says what and why.
bool api_takes_fields(const struct provider_api *api, const struct json_scan *line, uint32_t object,
                      struct buf *words);
// Where the job's request goes, behind the base URL: the path with the model in it, and the query.
// Empty if no URL can have it.
void job_put_path(const struct adapter_job *job, struct buf *out);

// NULL if none speaks that shape.
const struct adapter *adapter_for(const char *shape);

extern const struct adapter adapter_openai_chat;        // POST of {"model", "messages", …}
extern const struct adapter adapter_openai_responses;   // {"model", "instructions", "input", …}
extern const struct adapter adapter_anthropic_messages; // like Chat, with "system" and "max_tokens"
extern const struct adapter adapter_gemini_generate;    // {"contents", …} to a model's path
extern const struct adapter adapter_gemini_interactions; // {"model", "input", …}

#endif
