// Judges the lines of one submission: what each is, where it goes (provider, API, model), and,
// if it cannot run, why, in a code and in words. Pure given the catalogue: the same lines in the
// same order are judged the same way, so that a file sent again rebuilds what was decided.
#ifndef WORKERS_INGRESS_VALIDATE_H
#define WORKERS_INGRESS_VALIDATE_H

#include "common/catalogue.h"
#include "common/envelope.h"

// Why a line is refused: X(code, what to say where nothing more is known). Never content.
#define REFUSAL_MAP(X)                                                                      \
    X(line_too_long, "longer than a line may be")                                           \
    X(invalid_utf8, "not valid UTF-8")                                                      \
    X(not_json, "not valid JSON")                                                           \
    X(not_object, "not a JSON object")                                                      \
    X(unknown_kind, "neither a call (\"body\") nor a conversation turn (\"input\")")        \
    X(wrong_type, "a member has the wrong type")                                            \
    X(unknown_member, "a conversation turn has no such member")                             \
    X(name_too_long, "a name is longer than it may be")                                     \
    X(no_custom_id, "a call needs a \"custom_id\"")                                         \
    X(no_conversation, "a conversation turn names its \"conversation\"")                    \
    X(no_input, "a conversation turn needs an \"input\"")                                   \
    X(no_model, "no \"model\" is named")                                                    \
    X(no_url, "a call needs a \"url\"")                                                     \
    X(wrong_method, "only \"POST\" can be called")                                          \
    X(unknown_url, "no provider has this \"url\"")                                          \
    X(unknown_provider, "which provider is meant?")                                         \
    X(api_not_served, "this API is not served yet")                                         \
    X(stream_not_served, "\"stream\": true is not served: an answer is kept whole")         \
    X(duplicate_custom_id, "this \"custom_id\" stands earlier in the file")                 \
    X(earlier_turn_refused, "earlier turn refused")                                         \
    X(too_many_custom_ids, "more lines than can be compared in one batch; split the file")  \
    X(too_many_conversations, "more conversations than one batch can have; split the file") \
    X(too_many_models, "more different models than one batch can have; split the file")

enum refusal {
    REFUSAL_none,
#define X(code, text) REFUSAL_##code,
    REFUSAL_MAP(X)
#undef X
        REFUSALS
};
// The code, as it is counted: "no_model".
const char *refusal_code(enum refusal refusal);

struct validator;

// provider: for lines that name none; may be empty. *out is the caller's (validator_free).
struct validator *validator_new(struct bytes provider, struct id batch_id);
// Accepts NULL.
void validator_free(struct validator *validator);
// The catalogue by which lines are judged from now on; it must outlive its use.
void validator_catalogue(struct validator *validator, const struct catalogue *catalogue);

// Judges the next line, which is not blank, and fills *item but for its trace context; the
// job gets job_id. Refused: item->refused and item->detail say why. The item's texts are views
// that die with the line, with the catalogue and with the next call.
enum refusal validator_line(struct validator *validator, uint64_t number, struct bytes raw,
                            struct id job_id, int64_t now_ms, struct put_item *item);
// Likewise for a line of which nothing could be kept.
void validator_long_line(struct validator *validator, uint64_t number, struct id job_id,
                         struct put_item *item);

#endif
