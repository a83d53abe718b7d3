// The reasons for which a line is refused.
#ifndef WORKERS_INGRESS_REFUSAL_H
#define WORKERS_INGRESS_REFUSAL_H

// Why a line is refused: X(code, what to say where nothing more is known). Never content.
#define REFUSAL_MAP(X)                                                                           \
    X(line_too_long, "longer than a line may be")                                                \
    X(invalid_utf8, "not valid UTF-8")                                                           \
    X(not_json, "not valid JSON")                                                                \
    X(not_object, "not a JSON object")                                                           \
    X(unknown_kind, "neither a call (\"body\", \"params\") nor a conversation turn (\"input\")") \
    X(wrong_type, "a member has the wrong type")                                                 \
    X(unknown_member, "a conversation turn has no such member")                                  \
    X(name_too_long, "a name is longer than it may be")                                          \
    X(no_custom_id, "a call needs a \"custom_id\"")                                              \
    X(no_conversation, "a conversation turn names its \"conversation\"")                         \
    X(no_input, "a conversation turn needs an \"input\"")                                        \
    X(messages_not_first, "\"messages\" bring what was said before a conversation's first turn") \
    X(conversation_unknown, "the ledger has no such conversation to continue")                   \
    X(conversation_ambiguous, "several conversations have this name: give the id of one")        \
    X(conversation_held_up, "turns of this conversation are dead or parked")                     \
    X(no_model, "no \"model\" is named")                                                         \
    X(missing_field, "the API needs a member that the request does not have")                    \
    X(not_taken, "the API cannot take this")                                                     \
    X(no_url, "a call needs a \"url\"")                                                          \
    X(wrong_method, "only \"POST\" can be called")                                               \
    X(unknown_url, "no provider has this \"url\"")                                               \
    X(unknown_provider, "which provider is meant?")                                              \
    X(api_not_served, "this API is not served yet")                                              \
    X(stream_not_served, "\"stream\": true is not served for this API")                          \
    X(duplicate_custom_id, "this \"custom_id\" stands earlier in the file")                      \
    X(earlier_turn_refused, "earlier turn refused")                                              \
    X(too_many_custom_ids, "more lines than can be compared in one batch; split the file")       \
    X(too_many_conversations, "more conversations than one batch can have; split the file")      \
    X(too_many_models, "more different models than one batch can have; split the file")

enum refusal {
    REFUSAL_none,
#define X(code, text) REFUSAL_##code,
    REFUSAL_MAP(X)
#undef X
        REFUSALS,
    REFUSAL_unresolved, // no refusal: which conversation is meant has to be asked first
};
// The code, as it is counted: "no_model".
const char *refusal_code(enum refusal refusal);
// What to say where nothing more is known.
const char *refusal_text(enum refusal refusal);

#endif
