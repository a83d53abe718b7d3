// The catalogue: what colloq knows of each provider's API and of the models' prices, compiled from
// schemas/providers/*.yaml, schemas/prices/*.yaml and the user's own folder into one JSON
// document. The document's SHA-256 is the catalogue's hash; every process loads that document and
// no other host needs the files. A loaded catalogue never changes: threads may share it.
#ifndef COMMON_CATALOGUE_H
#define COMMON_CATALOGUE_H

#include "common/buf.h"
#include "common/bytes.h"
#include "common/err.h"
#include "common/extract_rule.h"
#include "common/json.h"
#include "common/jsonpath.h"
#include "common/sse.h"

// What follows from an attempt's end; the names are those of the envelope's field `class`.
#define CALL_CLASS_MAP(X) \
    X(success) X(retryable) X(rate_limited) X(permanent) X(lane_wide) X(malformed)
enum call_class {
#define X(name) CLASS_##name,
    CALL_CLASS_MAP(X)
#undef X
        CALL_CLASSES
};
const char *call_class_name(enum call_class class);
// False if the name is none of them.
bool call_class_parse(struct bytes name, enum call_class *class);

// A rule of an API's retry table. The first that fits decides.
struct retry_rule {
    unsigned status_min; // inclusive
    unsigned status_max; // inclusive
    const char *code;    // the error's code must be this, * for anything; NULL: any
    const char *type;    // likewise its type
    const char *message; // likewise its message
    enum call_class class;
    const char *reason; // a code for people and for counting: http_401, quota_exhausted …
};

// Where an identifier stands: in the body (path) or in the response headers (header).
struct identifier_rule {
    const char *kind;            // response_id, request_id …
    const struct jsonpath *path; // NULL: header
    const char *header;          // lower case; NULL: path
    bool is_users;               // also for what another rule has found
};

// Something that an answer says by one of some words; with a path of unless, only where nothing
// stands there. A path of NULL: nothing is said so.
struct said_rule {
    const struct jsonpath *path;
    const char *const *words;
    const struct jsonpath *unless;
};

// What an event of a stream, or an answer, may say: all that is stated here. A path without words
// is met by any value but null, false and an empty text.
struct stream_rule {
    const char *event; // the event's name; NULL: any
    const char *data;  // its whole data, as they stand: [DONE]; NULL: any
    const struct jsonpath *path;
    const char *const *words; // ends with NULL; empty: any
    // Of a rule about errors: where its words stand in the event. NULL: where the API's errors
    // have them.
    const struct jsonpath *type;
    const struct jsonpath *code;
    const struct jsonpath *message;
};

struct stream_rules {
    const struct stream_rule *list;
    size_t count;
};

// How an API answers in a stream of events, each with JSON as its data.
struct stream_map {
    bool is_served;        // the entry says how a stream is asked for, and how it ends
    bool is_asked_by_path; // by path_stream; else by the body's member "stream"
    const char *with;      // members that such a body needs too, a JSON object; NULL: none
    // A stream is whole when one of its events met a rule of `end`, and one a rule of `finish`
    // (where there are any): what ends without is the beginning of an answer.
    struct stream_rules end;
    struct stream_rules finish;
    struct stream_rules errors;            // the stream failed
    const struct jsonpath *const *content; // what is generated, in an event; ends with NULL
    const struct jsonpath *const *begun;   // what says that the call works, before any content
};

// How an answer says how many there were: as their number, as a list with a place for each, or as
// texts of which each other one counts.
enum count_form { COUNT_number, COUNT_each, COUNT_texts };

// Counters that a provider states. Paths that an API does not have are NULL. Those of more select
// what an answer counts elsewhere, in any number of places, on top of the counter.
struct usage_map {
    const struct jsonpath *object; // the whole usage object, kept as it is
    const struct jsonpath *input;
    const struct jsonpath *input_cached;
    const struct jsonpath *input_cache_write;    // for the provider's ordinary time
    const struct jsonpath *input_cache_write_1h; // for an hour
    const struct jsonpath *input_audio;
    const struct jsonpath *input_image;
    const struct jsonpath *input_tool_use; // what a provider's own tools put into the input
    const struct jsonpath *output;
    const struct jsonpath *output_reasoning;
    const struct jsonpath *output_audio;
    const struct jsonpath *output_image;
    const struct jsonpath *total;
    bool total_settles; // of input and output the one that is left out is the rest of the total
    const struct jsonpath *cost;         // stated cost
    const struct jsonpath *cost_more;    // what comes on top of it
    const struct jsonpath *cost_more_if; // whether anything does: then both must be stated
    int64_t cost_unit_pusd;              // what one of it is in pico-USD
    const struct jsonpath *web_searches;
    enum count_form web_searches_form;
    // How much of the audio and of the images is among the cached too.
    const struct jsonpath *input_cached_audio;
    const struct jsonpath *input_cached_image;
    // All that was written to a cache, where the two above are parts of it that may be missing:
    // what they do not account for was written for the ordinary time.
    const struct jsonpath *input_cache_write_all;
    const struct jsonpath *input_more;
    const struct jsonpath *input_cached_more;
    const struct jsonpath *input_cache_write_more;
    const struct jsonpath *input_cache_write_1h_more;
    const struct jsonpath *input_cache_write_all_more;
    const struct jsonpath *output_more;
    struct said_rule beyond;              // more was billed than the counters say
    const struct jsonpath *beyond_output; // then: what was generated and is in no counter
    struct said_rule free;                // nothing was billed, whatever the counters say
    // Whether input counts the cached, written, audio, image and tools' tokens; output the hidden
    // reasoning, audio and images.
    bool input_includes_cached;
    bool input_includes_cache_write;
    bool input_includes_cache_write_1h;
    bool input_includes_audio;
    bool input_includes_image;
    bool input_includes_tool_use;
    bool output_includes_reasoning;
    bool output_includes_audio;
    bool output_includes_image;
};

// What a provider answers about a batch of its own: lines that were handed over together, and are
// answered hours later at a lower price. Each result is an answer of the API within an item. Lists
// end with NULL; the paths may be NULL but for key, answer and error.
struct batch_map {
    const char *const *urls;    // behind the base url: they answer with batches; {…} is any piece
    const char *const *results; // they answer with a line for each item
    // Of a batch: what names it, the first of them at best; its state; the model asked for; the
    // url of its lines; lists of all its items, of which the first that has any counts; and what
    // is content in it.
    const struct identifier_rule *identifiers;
    size_t identifier_count;
    const struct jsonpath *state;
    const struct jsonpath *model;
    const struct jsonpath *endpoint;
    const struct jsonpath *const *items;
    const struct jsonpath *const *content;
    // Of an item: what names it; what is content in one that has no answer; what a line must hold
    // to be one (NULL: whatever there is); the name that the batch's maker gave it; how it ended;
    // the answer's HTTP status; the answer, if it was answered, else an error in the API's words.
    const struct identifier_rule *item_identifiers;
    size_t item_identifier_count;
    const struct jsonpath *const *item_content;
    const struct jsonpath *result;
    const struct jsonpath *key;
    const struct jsonpath *ended;
    const struct jsonpath *status;
    const struct jsonpath *answer;
    const struct jsonpath *error;
    const char *tier; // of all of them, whatever their answers state
};

struct text_pair {
    const char *from;
    const char *to;
};

// Something beside the tier by which prices differ, as the answer says it.
struct price_dimension {
    const struct jsonpath *path;
    const char *const *plain; // values at which they do not; ends with NULL
    const char *request;      // member of a request that asks for it; NULL: none does
};

// Whether a list of texts, which ends with NULL, has that one.
static inline bool is_listed(const char *const *list, const char *name) {
    for (; *list; list++)
        if (strcmp(*list, name) == 0)
            return true;
    return false;
}

// One API of one provider: one catalogue file. Lists of texts end with NULL. Texts are never
// NULL unless it says so.
struct provider_api {
    const char *provider;            // openai
    const char *api;                 // chat
    const char *shape;               // whose requests and answers it speaks: openai.chat
    const char *base_url;            // https://api.openai.com/v1
    const char *base_url_env;        // variable that overrides it; NULL: none
    const char *path;                // /chat/completions, behind the base url; may hold {model}
    const char *path_stream;         // for a stream, where that is another one; NULL: path
    const struct text_pair *queries; // parameters of every request's URL: name, value
    size_t query_count;
    bool is_model_in_path;           // a body needs no model then
    const char *auth_header;         // Authorization
    const char *auth_prefix;         // "Bearer "; may be empty
    const char *call_id_header;      // header that takes our call id; NULL: none
    const struct text_pair *headers; // further header lines of every request: name, value
    size_t header_count;
    const char *const *key_envs;    // variables that may hold the key, in order
    const char *const *urls;        // shapes of a line's `url` that mean this API; may hold {model}
    const char *const *urls_stream; // those that also ask for a stream
    const char *line_member;        // member of a line that holds its body without any `url`; NULL
    bool is_default;                // the provider's API for conversation turns
    bool is_url_owner;              // a line with such a url and no provider means this provider
    bool api_stateful;              // whether the provider can hold the conversation

    const char *const *request_fields;      // what a request may have; empty: nobody says
    const char *const *required_fields;     // those of them that it must have
    const struct text_pair *refused_fields; // those of them that are not served here → why
    size_t refused_count;
    const struct text_pair *field_names; // another name of a parameter → the field it is here
    size_t field_name_count;
    const char *const *message_fields; // of a message that goes back, beside its content and its
                                       // calls; empty: those of OpenAI's Chat Completions
    const char *calls_field;        // which a message with calls needs, if only as ""; NULL: none
    int64_t output_tokens_default;  // for a turn that states no limit; 0: the API needs none
    int64_t input_tokens_added;     // at most, to what a request says; for upper bounds
    bool does_limit_omit_reasoning; // a request's limit holds for the visible output alone

    const struct retry_rule *retries;
    size_t retry_count;
    const struct jsonpath *error_type; // in an error's body
    const struct jsonpath *error_code;
    const struct jsonpath *error_message;
    struct stream_rules failures; // what an answer says that failed with a success status
    const struct jsonpath *error_retry_after; // a duration: "46s"; NULL: it says none
    const char *should_retry_header; // "true" or "false" in it overrides the status; NULL: none

    const struct identifier_rule *identifiers; // in the order in which they are tried
    size_t identifier_count;
    const char *const *conversation_kinds; // identifiers that name a conversation, best first

    const struct jsonpath *const *content; // what is content, and so not metadata; ends with NULL
    const struct jsonpath *message;        // the assistant's message
    const struct jsonpath *model;          // the model that served
    const struct jsonpath *service_tier;   // the tier that served; NULL: none
    const struct price_dimension *dimensions;
    size_t dimension_count;
    const struct jsonpath *finish;
    const struct text_pair *finishes; // raw finish → neutral finish
    size_t finish_count;
    struct usage_map usage;
    struct stream_map stream;
    struct batch_map batch;

    const char *json; // the whole entry as it was written, canonical JSON: for ai_platform
};

// A price is a number of pico-USD per token; -1: there is none.
struct price_rates {
    int64_t in_uncached;
    int64_t in_cached;
    int64_t in_cache_write;
    int64_t in_audio;
    int64_t out; // visible, and hidden reasoning too
    int64_t out_audio;
    int64_t in_cache_write_1h;
    int64_t in_image;  // of the input's images; -1: as in_uncached
    int64_t out_image; // of the images in the answer
};

// Applies to a request whose whole input exceeds over_tokens: all of it is priced so.
struct price_bracket {
    int64_t over_tokens;
    struct price_rates rates;
};

// All rates of a tier are the standard ones times numerator/denominator.
struct price_tier {
    const char *name; // as the provider reports it: flex, priority, batch, us, fast
    int64_t numerator;
    int64_t denominator;
};

// Hours of a day, UTC, in which all rates are numerator/denominator of what they are otherwise.
struct price_hours {
    const char *name; // peak
    int from_minute;  // of the day; inclusive
    int until_minute; // exclusive
    bool is_workdays; // Monday to Friday only
    int64_t numerator;
    int64_t denominator;
};

// What a model costs in a span of time.
struct price {
    const char *provider;
    const char *model;          // gpt-5-nano; the model itself and its dated snapshots
    const char *const *aliases; // other exact names of the same model; ends with NULL
    int64_t from_ms;            // Unix time, inclusive; INT64_MIN: since ever
    int64_t until_ms;           // exclusive; INT64_MAX: until further notice
    struct price_rates rates;
    int64_t per_request;                  // pico-USD for each answered request; 0: none
    int64_t web_search;                   // pico-USD for each search; -1: no price
    bool is_search_by_request;            // for all searches of a request together
    const struct price_bracket *brackets; // ascending
    size_t bracket_count;
    const struct price_tier *tiers;
    size_t tier_count;
    const struct price_hours *hours; // the first that holds
    size_t hours_count;
    const char *name;   // provider/model@2026-08-07, or …@first: what a rating was made by
    const char *source; // where the figures were read
    const char *date;   // when: 2026-09-22
    const char *json;   // the entry as it was written, canonical JSON
};

struct catalogue;

// A YAML file: ours are embedded (providers first, then prices), the user's follow and replace
// ours: a provider file with the same provider and api as a whole, a price list for each model
// that it names (all spans of time of that model).
struct catalogue_source {
    const char *file; // as it is named in errors
    bool is_price;    // schemas/prices, else schemas/providers
    struct bytes text;
};

// The shapes that an entry may have; ends with NULL. For each there is an adapter, and a reader of
// its answers.
const char *const *catalogue_shapes(void);

// Compiles files into *document (canonical JSON). On ERR_BAD_CONFIG, problems holds a line
// "file:line: what is wrong" for each file that is, and document is empty.
enum err catalogue_compile(const struct catalogue_source *sources, size_t count,
                           struct buf *document, struct buf *problems);
// The same, with rules of the user's; the first `ours` of the files are ours. Of two files for the
// same name that are both ours, or both not, problems says so.
enum err catalogue_compile_all(const struct catalogue_source *sources, size_t count, size_t ours,
                               const struct extract_rule *rules, size_t rule_count,
                               struct buf *document, struct buf *problems);
// Our own files, as they were embedded at build time. Static storage.
const struct catalogue_source *catalogue_builtin(size_t *count);
// Compiles our own files and those of a folder (its providers/*.yaml and prices/*.yaml, in
// the order of their names; NULL: none). ERR_IO also stands in problems.
enum err catalogue_compile_folder(const char *folder, struct buf *document, struct buf *problems);
// The same, with identifiers that are read from the answers of all APIs of their providers,
// behind those that the catalogue has itself. Each rule has to be valid; of a provider that is not
// in the catalogue problems says so.
enum err catalogue_compile_rules(const char *folder, const struct extract_rule *rules,
                                 size_t rule_count, struct buf *document, struct buf *problems);

// Loads a compiled document; *out is the caller's. ERR_MALFORMED if it is none of ours. Takes
// bytes from the broker.
enum err catalogue_load(struct bytes document, struct catalogue **out);
// Accepts NULL.
void catalogue_free(struct catalogue *catalogue);
// SHA-256 of the document in hex.
const char *catalogue_hash(const struct catalogue *catalogue);

// All APIs, sorted by provider and api; all prices, sorted by provider, model and time.
size_t catalogue_api_count(const struct catalogue *catalogue);
const struct provider_api *catalogue_api_at(const struct catalogue *catalogue, size_t i);
size_t catalogue_price_count(const struct catalogue *catalogue);
const struct price *catalogue_price_at(const struct catalogue *catalogue, size_t i);

bool catalogue_has_provider(const struct catalogue *catalogue, struct bytes provider);
// The APIs below are NULL where there is none.
const struct provider_api *catalogue_api(const struct catalogue *catalogue, struct bytes provider,
                                         struct bytes api);
const struct provider_api *catalogue_default_api(const struct catalogue *catalogue,
                                                 struct bytes provider);
// By the shape of a line's url: "/v1/chat/completions", or a whole URL with that path. Which
// provider the shape alone means, and which API of a provider it means.
const struct provider_api *catalogue_by_url(const struct catalogue *catalogue, struct bytes url);
const struct provider_api *catalogue_api_by_url(const struct catalogue *catalogue,
                                                struct bytes provider, struct bytes url);
// Whether a url is that of some API and has the model in it: *model is then a view into it.
bool catalogue_url_model(const struct catalogue *catalogue, struct bytes url, struct bytes *model);
// What a line's url says to an API: nothing that it knows, a call, or a call for a stream.
enum url_says { URL_says_nothing, URL_says_call, URL_says_stream };
enum url_says provider_api_url(const struct provider_api *api, struct bytes url);
// The same by the member of a line that holds its body: "params". An empty provider: the first
// provider whose batches are written so and who owns its urls.
const struct provider_api *catalogue_by_member(const struct catalogue *catalogue,
                                               struct bytes provider, const char *member);
// Splits "provider/model" where the first part is a provider of the catalogue: false, and
// *model the whole text, where it is not.
bool catalogue_split_model(const struct catalogue *catalogue, struct bytes text,
                           struct bytes *provider, struct bytes *model);
// What an API can do, as one JSON object (schemas/cli/provider.show.1.json), appended to out: of
// "openai.chat", or of "openai": its API for conversations. ERR_NOT_FOUND: the catalogue does not
// have it.
enum err get_provider_capabilities(const struct catalogue *catalogue, struct bytes name,
                                   struct buf *out);
// The provider names, "anthropic, openai": for a refusal that names the candidates.
void catalogue_candidates(const struct catalogue *catalogue, struct buf *out);

// The price of a model at an instant: by the model's own name, an alias, or one of them with a
// dated suffix (-2025-08-07, -20250807). Never by a loose prefix. NULL: no price; *is_known then
// says whether the model has one at another time (is_known may be NULL).
const struct price *catalogue_price(const struct catalogue *catalogue, struct bytes provider,
                                    struct bytes model, int64_t at_ms, bool *is_known);

// The words of an error's body, as far as it has them; NUL-terminated, cut to fit at a whole
// UTF-8 character, empty where there is none. A body that is no JSON has none. Takes any bytes.
struct error_words {
    char type[128];
    char code[128];
    char message[1024];
    char retry_after[32]; // a duration
};
void provider_api_error(const struct provider_api *api, struct bytes body,
                        struct error_words *words);
// The same of a document that is already scanned; an empty scan has no words.
void provider_api_error_of(const struct provider_api *api, const struct json_scan *scan,
                           struct error_words *words);
// Whether a node of the path is one of those words (which end with NULL); without words, anything
// but null, false, an empty text or an empty container. Path may be NULL, and scan empty: nothing.
bool catalogue_is_said(const struct jsonpath *path, const char *const *words,
                       const struct json_scan *scan);
// Whether an answer with a success status says that it failed: by the API's rules, or by an "error"
// at its top that says something: not null, false, or empty. Its words then.
bool provider_api_failed(const struct provider_api *api, const struct json_scan *scan,
                         struct error_words *words);
// What a stream has said up to an event. Zeroed before the first.
struct stream_story {
    uint64_t events;
    bool has_content;         // something was generated
    bool has_begun;           // that, or a thought or a tool of the provider's own had begun
    bool has_finish;          // a rule of finish was met, or there is none
    bool is_ended;            // a rule of end was met
    bool is_malformed;        // the data of an event are neither JSON nor its end
    bool is_cut;              // it breaks off: an array without its end
    bool is_failed;           // an event says that it failed
    struct error_words words; // of the first of these
};
// Takes in the next event; scan is for its use, and holds the event's data afterwards if they are
// JSON; false if they are not.
bool provider_api_hear(const struct provider_api *api, const struct sse_event *event,
                       struct json_scan *scan, struct stream_story *story);
// Takes in what its reader found at the end of a whole stream.
void stream_end(struct stream_story *story, const struct sse *sse);
// Whether a stream with that story is an answer from its beginning to its end.
bool stream_is_whole(const struct stream_story *story);
// Goes through a stream that is as long as it will be. ERR_TOO_BIG if one of its events is longer
// than STREAM_EVENT_BYTES_MAX; the story is then that of the events before it.
enum err provider_api_hear_all(const struct provider_api *api, struct bytes stream,
                               struct json_scan *scan, struct stream_story *story);

// Whether a rule is for those words, whatever the status.
bool retry_rule_fits(const struct retry_rule *rule, const struct error_words *words);
// What an answer with that status and those words means; NULL where no rule fits.
const struct retry_rule *provider_api_retry(const struct provider_api *api, unsigned status,
                                            const struct error_words *words);

#endif
