// What the two halves of the validator share: its memory, and the line that is judged. Private to
// validate*.c.
#ifndef WORKERS_INGRESS_JUDGE_H
#define WORKERS_INGRESS_JUDGE_H

#include "common/json.h"
#include "common/limits.h"
#include "workers/ingress/idmap.h"
#include "workers/ingress/route.h"
#include "workers/ingress/validate.h"

// ---- the members of a line ----------------------------------------------------------------------

enum line_kind { LINE_call = 1, LINE_turn = 2 };

#define SHAPE(name) (1u << JSON_SHAPE_##name)
// X(name, shapes that it may have, kinds of line that have it, how its type is written)
// null takes back what an earlier turn stated.
#define MEMBER_MAP(X)                                                              \
    X(custom_id, SHAPE(text), LINE_call | LINE_turn, "a string")                   \
    X(method, SHAPE(text), LINE_call, "a string")                                  \
    X(url, SHAPE(text), LINE_call, "a string")                                     \
    X(body, SHAPE(object), LINE_call, "an object")                                 \
    X(conversation, SHAPE(text), LINE_turn, "a string")                            \
    X(input, SHAPE(text) | SHAPE(array), LINE_turn, "a string or a list of parts") \
    X(model, SHAPE(text), LINE_turn, "a string")                                   \
    X(system, SHAPE(text) | SHAPE(null), LINE_turn, "a string, or null")           \
    X(params, SHAPE(object) | SHAPE(null), LINE_turn, "an object, or null")        \
    X(tools, SHAPE(array) | SHAPE(null), LINE_turn, "a list, or null")             \
    X(messages, SHAPE(array), LINE_turn, "a list of messages")                     \
    X(continue, SHAPE(true) | SHAPE(false), LINE_turn, "true or false")            \
    X(tags, SHAPE(object), LINE_turn, "an object of strings")                      \
    X(api, SHAPE(text), LINE_call | LINE_turn, "a string")

enum member {
#define X(name, shapes, kinds, words) MEMBER_##name,
    MEMBER_MAP(X)
#undef X
        MEMBERS
};

// ---- the validator ------------------------------------------------------------------------------

enum { SCRATCHES = 5 };
#define NONE UINT32_MAX // no number: CONVERSATIONS_MAX and ROUTES_MAX lie below

// A model that a turn named; later turns of its conversation name it by number.
struct known_route {
    char *text; // provider, api and model, behind each other
    uint32_t provider_size, api_size, model_size;
};

// What is known of a conversation that the ledger has, or why it cannot be continued.
struct continued {
    struct id id, origin;
    enum refusal refusal;
    char *name, *detail;
};

struct conversation {
    uint64_t refused_line;       // 0: none
    uint32_t turns;              // so far, those of the ledger counted
    uint32_t route;              // NONE: no turn named a model
    struct continued *continued; // NULL: it begins in this file
};

struct validator {
    const struct catalogue *catalogue;
    char *provider;
    struct id batch_id;
    bool continues;
    struct idmap custom_ids; // accepted lines, by fingerprint
    struct idmap conversation_ids;
    struct conversation *conversations;
    uint32_t conversation_count, conversation_capacity;
    struct idmap route_ids;
    struct known_route *routes;
    uint32_t route_count, route_capacity;

    // Of the line that is judged.
    struct json_scan scan;
    struct buf scratch[SCRATCHES]; // texts whose escapes were resolved
    struct buf made_up;            // a custom_id
    struct buf words;
    struct buf wanted; // the name of a conversation that has to be resolved
    uint64_t number;
    uint32_t at[MEMBERS]; // nodes; 0: absent
    enum member body;     // of a call: body, or params as in Anthropic's batches
    enum line_kind kind;
    uint32_t conversation; // NONE: a call, or none yet
    struct route_found route;
};

// ---- validate.c ---------------------------------------------------------------------------------

struct id fingerprint(struct bytes text);
// The text of a member, or nothing where it is absent or no string.
struct bytes member_text(struct validator *v, enum member member, unsigned scratch);
enum refusal check_name(struct validator *v, struct bytes name, const char *what, size_t size_max);
// Whether the object asks for a stream, and the line's API has none.
enum refusal check_stream(struct validator *v, uint32_t object);

// ---- validate_turn.c ----------------------------------------------------------------------------

// The conversation that a turn names, if it names one that can be: also for a line that is
// refused (may_ask is false then), since the later turns of that conversation are refused too.
enum refusal find_conversation(struct validator *v, struct put_item *item, bool may_ask,
                               struct conversation **out);
void conversation_release(struct conversation *conversation);
enum refusal judge_turn(struct validator *v, struct put_item *item);

#endif
