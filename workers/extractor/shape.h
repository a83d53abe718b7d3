// What is peculiar to answers of one shape, beyond what the catalogue's paths say: when a body is
// an answer at all, and how its message looks in the neutral form. One small file a shape.
#ifndef EXTRACTOR_SHAPE_H
#define EXTRACTOR_SHAPE_H

#include "workers/extractor/assembly.h"
#include "workers/extractor/extract.h"

// The neutral message is what a later turn sends again, of the same provider or of another one:
//   role     assistant
//   content  a text, or a list of parts in the order in which they came. Those of type text and
//            tool_use say the same to every API, whatever else is in them; the others (thinking
//            with its signature, results of the provider's own tools) are the shape's own
//   tool_calls  calls of the user's tools, where they do not stand among the parts as tool_use
//   shape    where content is a list: the shape of the answer, whose own parts are in it
//   model    the model that served then, since some parts are bound to it; the name by which it was
//            asked for no answer says: the ledger puts it beside, as "asked"
// and what else the shape's own API takes back.
struct answer_shape {
    const char *name; // as in the catalogue: openai.chat
    // Why the body is no answer of this shape, a code; NULL if it is one.
    const char *(*refusal)(const struct json_scan *scan);
    void (*put_message)(const struct json_scan *scan, uint32_t message, struct buf *out);
    // Whether the assistant declined to answer, where its finish does not say so; may be NULL.
    bool (*is_declined)(const struct json_scan *scan, uint32_t message);
    // Whether the assistant waits for results of the user's tools, where its finish does not say
    // so; may be NULL.
    bool (*is_calling)(const struct json_scan *scan, uint32_t message);
    // Whether a stream that said its end has all parts of what it amounts to; NULL: it has.
    bool (*is_finished)(const struct json_scan *scan);
    // Takes in one event of a stream, in their order: assembly->body grows into what the API
    // answers without a stream. What it takes in it says with the assembly's functions, which mark
    // it; whatever else the event holds is kept as metadata. NULL: the API has no streams here.
    void (*take_event)(struct assembly *assembly, const struct sse_event *event,
                       struct json_scan *scan);
    bool may_be_array; // its streams also come as one JSON array of what the events hold
};

// NULL if there is none of that name.
const struct answer_shape *answer_shape_of(const char *name);
// Whether a body looks like a stream of that shape, which may be NULL.
bool answer_shape_is_stream(const struct answer_shape *shape, struct bytes body);

// ---- for the shapes -----------------------------------------------------------------------------

// A node may be 0 (none) in all of these.

// The member, unless it is absent or null.
uint32_t said(const struct json_scan *scan, uint32_t object, const char *name);
bool is_shape(const struct json_scan *scan, uint32_t node, enum json_shape shape);
bool is_list(const struct json_scan *scan, uint32_t node);
bool is_text(const struct json_scan *scan, uint32_t node, const char *text);
// The key of an element that a number says; false if it says none.
bool said_key(const struct json_scan *scan, uint32_t number, uint32_t *key);

// Appends whose parts a message's content has: the shape, and the model (0: nobody says) behind it.
void put_origin(const struct json_scan *scan, const char *shape, uint32_t model, struct buf *out);
// Appends each member of an object with a comma before it, but for nulls and for some (which end
// with NULL).
void put_members(const struct json_scan *scan, uint32_t object, const char *const *left_out,
                 struct buf *out);
// Between two parts of a list; *comma is empty at first. Returns out.
struct buf *next_part(struct buf *out, const char **comma);

// Says that an event's node was taken in.
void mark(struct json_scan *scan, uint32_t node);
// The key that a member of an event says, which is marked then.
bool take_key(struct json_scan *scan, const char *name, uint32_t *key);
// Puts the pieces of a JSON text, which `aside` has under a part's key, into the part as that
// member; once.
void end_input(struct assembly *assembly, const char *list, uint32_t key, const char *name);
// The same for each part whose own end was not said, at the end of all.
void end_inputs(struct assembly *assembly, const char *list, const char *name);

// Puts a whole stream together: what it amounts to is appended to out. api and story may be NULL:
// then nothing judges the stream. assembly is empty, and scan for its use. ERR_TOO_BIG if an event
// or what was put together found no room.
enum err answer_shape_assemble(const struct answer_shape *shape, const struct provider_api *api,
                               struct bytes stream, struct assembly *assembly,
                               struct json_scan *scan, struct stream_story *story, struct buf *out);

extern const struct answer_shape shape_openai_chat;         // chat.c
extern const struct answer_shape shape_openai_responses;    // responses.c
extern const struct answer_shape shape_anthropic_messages;  // messages.c
extern const struct answer_shape shape_gemini_generate;     // gemini_generate.c
extern const struct answer_shape shape_gemini_interactions; // gemini_interactions.c

#endif
