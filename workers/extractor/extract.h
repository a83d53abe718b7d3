// The extractor as functions: a verbatim answer in; identifiers, metadata, usage, finish and the
// assistant's message out. Pure: the same answer and catalogue give the same bytes on any host.
// Answers are outside bytes: anything may stand in them.
#ifndef EXTRACTOR_EXTRACT_H
#define EXTRACTOR_EXTRACT_H

#include "common/buf.h"
#include "common/catalogue.h"
#include "common/rating.h"
#include "workers/extractor/assembly.h"

enum { HEADERS_MAX = 1024, EXTRACT_TEXTS = 4, EXTRACT_PLACE_BYTES_MAX = 256 };

// What it is an answer of. About a provider's own batch there are identifiers and metadata, and
// nothing that was generated; of results, which are read one by one, only the headers (no body).
enum answer_of { ANSWER_call, ANSWER_batch, ANSWER_results };

// One answer. headers is the raw block "Name: value\r\n…" of the final response.
struct answer {
    const struct provider_api *api;
    unsigned status;
    struct bytes headers;
    struct bytes body;
    enum answer_of of;
    // Of a provider's own batch: the item that holds the body, or is it, a JSON object; empty: the
    // answer came alone.
    struct bytes item;
};

struct identifier {
    struct bytes kind;  // response_id, request_id …
    struct bytes value; // as the provider wrote it
    struct bytes path;  // $.choices[0].message.tool_calls[1].id, or header:x-request-id
};

struct usage {
    bool has_usage;
    struct counters counters; // disjoint
    int64_t total_stated;     // -1: not stated
    int64_t cost_stated_pusd; // -1: not stated; 0 also of an answer that the API gives for nothing
    bool is_inconsistent;     // the counters do not add up to what is stated
    bool has_more;            // something was added that the answer counts elsewhere
    struct bytes raw;         // the provider's own usage object; empty if there is none
};

struct header {
    struct bytes name;
    struct bytes value;
};

// Where a text of an identifier is: in the answer, or in the pool, which moves as it grows.
struct span {
    const uint8_t *at; // NULL: in the pool
    size_t pool_at;
    size_t size;
};

// The working memory of one extraction after another; its parts belong to the files here.
struct extract {
    struct answer answer;
    struct json_scan scan; // of the body; empty if it is no JSON
    bool is_json;
    // Of an answer that came as a stream: what it amounts to is the body that is scanned.
    bool is_stream;
    enum err stream_state; // ERR_TOO_BIG: something of it found no room
    struct stream_story story;
    struct assembly assembly;
    struct json_scan event; // of one event
    struct buf assembled;
    struct header headers[HEADERS_MAX];
    size_t header_count;
    struct {
        struct span kind;
        struct span value;
        struct span path;
        uint32_t node; // 0: a header
    } found[IDENTIFIERS_MAX];
    struct identifier identifiers[IDENTIFIERS_MAX];
    size_t identifier_count;
    size_t ruled_count;            // the first of them: those that a rule has found
    size_t event_count;            // of those: in events only
    size_t headers_to_come;        // room that is kept free for headers
    uint32_t identifiers_left_out; // places of others, for which there was no room
    bool has_identifiers;          // they were looked for
    uint32_t paths_given_up; // identifiers' paths, or content's, that would have taken too long in
                             // this answer; and the rest of a stream's events that found no room
    int64_t out_estimated;   // see extract_output_estimate; -2: not looked at yet
    struct buf place;        // of one identifier
    struct buf pool;
    struct buf metadata;
    struct buf header_json;
    struct buf message;
    struct buf usage_json;
    // Model, tier and finish, where they are made; the last is for texts that are looked at once.
    struct buf texts[EXTRACT_TEXTS];
};

void extract_init(struct extract *extract);
// Accepts a zeroed extract.
void extract_release(struct extract *extract);

// Takes up an answer, which must outlive what is asked about it; parses its body, once. The views
// that the functions below return die with the next answer.
void extract_open(struct extract *extract, const struct answer *answer);
// Why the answer cannot be read as one of its API, a code; NULL if it can, or if it is an error
// (a status other than 2xx), which need not hold anything.
const char *extract_refusal(const struct extract *extract);

// The body that the answer amounts to: its own, or what its stream amounts to. Empty if that could
// not be put together.
struct bytes extract_body(const struct extract *extract);

// Every identifier: by the catalogue's paths and headers in their order, then whatever else in
// body and headers is named like one ("id", "…_id", "…Id", "…-id", a fingerprint). At most
// IDENTIFIERS_MAX, of which the body leaves what the headers need (HEADER_IDENTIFIERS_MAX); what
// found no room is counted. Values longer than IDENTIFIER_VALUE_BYTES_MAX, and empty ones, are
// none. Of a stream also what its events name and the body it amounts to does not: at "stream[*]…".
// Of an item of a batch also what stands around the body: at "item…".
const struct identifier *extract_all_identifiers(struct extract *extract, size_t *count);
// The identifier that names the conversation at the provider, by the catalogue's preference; NULL
// where the API has none.
const struct identifier *extract_conversation_id(struct extract *extract);
// Everything of the body that is not content, as JSON; empty if the body is no JSON. Of a stream it
// also has "stream_events": {"count", "last": what was said in events only, each the last time};
// where identifiers found no room, "identifiers_left_out" says how many; of an item of a batch what
// stands around the body is "batch_item".
struct bytes extract_all_metadata(struct extract *extract);
// All headers (the first HEADERS_MAX lines) as a JSON object: names in lower case, a name that
// stands twice has an array.
struct bytes extract_headers(struct extract *extract);
struct usage extract_usage(struct extract *extract);
// Tokens of what was generated and is in no counter, about: by its bytes; -1: there is nothing
// such. It stands in the metadata too, as "out_visible_estimated", and in no counter.
int64_t extract_output_estimate(struct extract *extract);

// Whether the body is all of its item: there is nothing around it.
bool extract_is_item(const struct extract *extract);
// Scans the item into extract->event and marks the answer in it. False if it cannot be read.
bool extract_open_item(struct extract *extract);

// All of it as a message of kind facts. ERR_TOO_BIG if it exceeds the bound of out, or a part of
// it its own: then nothing of it is to be used.
enum err extract_facts(struct extract *extract, struct buf *out);

#endif
