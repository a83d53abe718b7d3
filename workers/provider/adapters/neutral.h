// What adapters share: native bodies, and the neutral request that the accountant prepares for a
// conversation's turn: {"model", "system", "params", "tools", "messages": [{"role", "content",
// "tool_calls"?, "shape"?, "model"?, "asked"?}], "previous"?}. Texts and numbers are copied as they
// were written. "previous" is the provider's own name of the state that the messages go on from,
// where the provider keeps it: they are then only what is new, and no other API can take the turn.
//
// A message's content is a text or a list of parts. Parts that every API understands in its own
// way are text, image_url and, in what the user says, tool_result: {"type": "tool_result",
// "content", "call" | "tool_call_id" | "name" | neither}. call is the place of the call in the
// assistant's last message, from 0, or its id. Without these it is the result of the call of that
// name there, or of the next one in order: a file states results before anybody knows the ids.
// Results stand nowhere else. Other parts are an API's own. What a model said says with "shape"
// whose, with "model" who made them, and with "asked" under which name: text, refusal and tool_use
// in it are everyone's, as are a message's own "refusal" and "tool_calls", and whatever else it
// holds, also in those, goes back only to that API, some of it only to that model. Each call has
// its result before the assistant speaks again.
#ifndef PROVIDER_ADAPTERS_NEUTRAL_H
#define PROVIDER_ADAPTERS_NEUTRAL_H

#include "workers/provider/adapter.h"

// The body of a request: for a turn what write_turn makes of it; for a single call the native one,
// of "body", else of the member that the API's batches have. NULL, or a code why there is none.
const char *request_write(const struct adapter_job *job, struct json_scan *scan, struct buf *out,
                          const char *(*write_turn)(const struct adapter_job *job,
                                                    struct json_scan *scan, struct buf *out));

// The parts of a neutral request, by their nodes; 0: absent or null.
struct turn {
    uint32_t system, params, tools, messages, previous;
};
struct function_form;
// Whether an API can take a turn's params (an object); if not, words says why.
typedef bool takes_settings(const struct provider_api *api, const struct json_scan *scan,
                            uint32_t params, struct buf *words);
// Indexes the job's context. NULL, or why no request can be made of it: also where it has a
// "previous" and the API keeps no state, or params or tools that hold from a turn for another API.
const char *turn_open(const struct adapter_job *job, struct json_scan *scan, struct turn *turn,
                      takes_settings *takes, const struct function_form *form);

// ---- nodes --------------------------------------------------------------------------------------

// The first and the following members of a container, up to its end.
static inline uint32_t first_in(uint32_t container) {
    return container + 1;
}

static inline uint32_t next_in(const struct json_scan *scan, uint32_t node) {
    return scan->nodes[node].end;
}

static inline bool has_shape(const struct json_scan *scan, uint32_t node, enum json_shape shape) {
    return scan->nodes[node].shape == (uint8_t)shape;
}

// The member, unless it is absent or null.
uint32_t stated_in(const struct json_scan *scan, uint32_t object, const char *name);
// Whether the node is a member with one of the names, which end with NULL.
bool is_one_of(const struct json_scan *scan, uint32_t node, const char *const *names);
// Whether a node is that text; 0 is none.
bool is_said(const struct json_scan *scan, uint32_t node, const char *text);
// Whether a part is of that type.
bool is_part(const struct json_scan *scan, uint32_t part, const char *type);

static inline bool begins_with(struct bytes text, struct bytes begin) {
    return text.size >= begin.size && memcmp(text.at, begin.at, begin.size) == 0;
}

// ---- writing ------------------------------------------------------------------------------------

void put_bytes(struct buf *out, struct bytes bytes);
// "name": of a member; "name":value, as it stands.
void put_name(struct buf *out, const struct json_scan *scan, uint32_t node);
void put_member(struct buf *out, const struct json_scan *scan, uint32_t node);
typedef void put_node(struct buf *out, const struct json_scan *scan, uint32_t node);
// Each element by a function, with [ ] around them.
void put_array(struct buf *out, const struct json_scan *scan, uint32_t array,
               put_node *put_element);

// Each member of an object with a comma before it, but for some (which end with NULL).
void put_others(struct buf *out, const struct json_scan *scan, uint32_t object,
                const char *const *left_out);

// ---- images -------------------------------------------------------------------------------------

// The URL of a part of type image_url, as a text; 0: it has none.
uint32_t image_url_of(const struct json_scan *scan, uint32_t part);
// The inside of a raw string; what stands in a URL or in base64 needs no other form.
struct bytes inside(const struct json_scan *scan, uint32_t text);
// The media type and the data of "data:image/png;base64,…", as spans of the raw text.
bool split_data_url(struct bytes url, struct bytes *media_type, struct bytes *data);

// ---- tools --------------------------------------------------------------------------------------

// The text of a part, or of a bare string; 0: it is none.
uint32_t text_of(const struct json_scan *scan, uint32_t part);
// The same of what the assistant said: also one in which it declined. 0 for an empty one.
uint32_t spoken_text(const struct json_scan *scan, uint32_t part);
// Whether what the assistant said is a list of that shape's parts.
bool has_parts_of(const struct json_scan *scan, uint32_t message, const char *shape);
// A call of one of the user's tools, wherever the message has it: {"id","name","arguments"},
// {"id","function":{"name","arguments"}} or a part {"type":"tool_use","id",…}, which has "name" and
// "input" or "arguments", or "functionCall" with "name" and "args".
struct tool_call {
    uint32_t id, name, arguments; // nodes; 0: absent. Arguments are an object, or a text with one
};
// The calls of a message of the assistant, one after the other; false after the last.
struct call_walk {
    uint32_t lists[2], parts, at;
};
void calls_walk(struct call_walk *walk, const struct json_scan *scan, uint32_t message);
bool next_call(const struct json_scan *scan, struct call_walk *walk, struct tool_call *call);
// What the assistant said that every API understands, one after the other: its texts, then its
// calls that have an id and a name.
struct spoken {
    uint32_t text; // 0: it is a call
    struct tool_call call;
    const char *refusal; // at the end: why it cannot be told to another API; NULL: it can
    uint32_t message, content, at, rest[2];
    struct call_walk calls;
    bool has_any;
};
void spoken_walk(struct spoken *spoken, const struct json_scan *scan, uint32_t message);
bool next_spoken(const struct json_scan *scan, struct spoken *spoken);
// A value as a text: anything else becomes one that holds it as JSON. 0: an empty text.
void put_as_text(struct buf *out, const struct json_scan *scan, uint32_t node);
// Arguments as a string that holds JSON: an object is written into one.
void put_arguments_text(struct buf *out, const struct json_scan *scan, uint32_t node);
// Whether the model that is asked now made a message of the assistant: it was asked for by the same
// name, wherever that led; or the model that served is it, a snapshot or a preview of it, or one
// that its alias (-latest) leads to. What a model thought is bound to it, and refused by any other.
bool is_made_by(const struct json_scan *scan, uint32_t message, struct bytes model);
// A call's arguments (a node, 0: none) as an object: what they say as a text becomes one; a text
// that is none is kept as its member "arguments".
void put_arguments(struct buf *out, const struct json_scan *scan, uint32_t node);
// What a turn's line says to the model, one after the other: its input, or the contents of those of
// its messages that are not the assistant's. *at is 0 at first; 0: there is no more.
uint32_t next_said(const struct json_scan *line, uint32_t *at);

// ---- results ------------------------------------------------------------------------------------

// Finds the calls that results mean: those of the assistant's last message before them. It costs
// n log n of their numbers, however they are named.
struct results {
    const struct json_scan *scan;
    struct known_call *calls, *by_name, *by_id; // those that have an id; by_id when it is wanted
    size_t count;
    size_t met;       // results that state nothing, in
    uint32_t content; // which content
};
// Without calls.
void results_init(struct results *results, const struct json_scan *scan);
void results_release(struct results *results);
// Turns to the calls of a message of the assistant.
void results_of(struct results *results, uint32_t assistant);
// The id (raw, with its quotes) of the call whose result the part is. False if there is no such
// call. Must be asked once for each tool_result of a content, in order.
bool result_id(struct results *results, uint32_t content, uint32_t part, struct bytes *id);
// The name (raw) of the call with that id (raw). False if there is none, or it has no name.
bool result_name(struct results *results, struct bytes id, struct bytes *name);
// What a message that is not the assistant's says, one after the other: the results of tools, then
// its other parts, or its content, where that is no list.
struct heard {
    uint32_t part;
    struct bytes id; // of the call (raw) whose result it is; empty: it is none
    uint32_t result; // what the result says; 0: nothing
    bool is_error;
    const char *refusal; // at the end: why there is no more; NULL: there was none
    uint32_t content;
    bool is_behind_results;
};
void heard_walk(struct heard *heard, uint32_t content);
bool next_heard(struct results *results, struct heard *heard);
// Has each message written in its order, with the calls of the assistant's last one known to
// results. NULL, or the first refusal.
typedef const char *put_message(void *talk, uint32_t message);
const char *put_each_message(struct results *results, const struct json_scan *scan,
                             uint32_t messages, put_message *put, void *talk);
// Whether each call in the messages has its result before the assistant speaks again.
bool results_are_there(const struct json_scan *scan, uint32_t messages);

// ---- parameters ---------------------------------------------------------------------------------

// Parameters that an adapter sees to itself. Lists end with NULL; NULL: none.
struct param_names {
    const char *const *ours;       // what a turn says elsewhere, or is not the turn's to say
    const char *const *mapped;     // they have another name or form here, or say nothing
    const char *const (*moved)[2]; // likewise: another API's name, this one's in another object
};
// Whether a turn may have each parameter: none of ours, and of the API's request_fields none that
// is refused; one of those, of their other names, or of those that the adapter maps. Without
// request_fields, or with the field "*", the API has any. If not, words says which.
bool takes_params(const struct provider_api *api, const struct json_scan *line, uint32_t params,
                  const struct param_names *names, struct buf *words);
// The parameters that are the API's own, each with a comma before it, under the names that it has
// for them, and what a request for a stream needs besides. Where a field is stated under several
// names its own holds. Tools only if the turn has none.
void put_params(struct buf *out, const struct adapter_job *job, const struct json_scan *scan,
                const struct turn *turn, const struct param_names *names);
// An object of the parameters of which one or two members may also be stated beside it, under other
// names. What stands in the object holds, but for a format of type text, which is what every API
// has anyway.
struct joined {
    const char *name;
    struct {
        const char *beside, *inside;
        put_node *put;
    } members[2];
};
// The object, if there is anything of it, with a comma before it.
void put_joined(struct buf *out, const struct json_scan *scan, uint32_t params,
                const struct joined *joined);
// A value as it stands.
void put_raw(struct buf *out, const struct json_scan *scan, uint32_t node);

// ---- the user's tools ---------------------------------------------------------------------------

// A function of the user's: {"name", "description"?, "parameters"?, …}, alone, with a type of
// function, or under "function"; Anthropic's and Gemini's names of the schema are known too.
struct function {
    uint32_t tool, from, name, schema; // from is the tool or its "function"; schema 0: none
};
// False: it is a tool of the API's own.
bool function_of(const struct json_scan *scan, uint32_t tool, struct function *function);
// How an API writes it.
struct function_form {
    const char *schema;        // the member's name
    const char *no_schema;     // what stands there if none is stated; NULL: nothing
    const char *const *others; // members that other APIs' functions have; ends with NULL
};
// Whether the functions among the tools have nothing of other APIs; if not, words says what.
bool takes_functions(const struct json_scan *scan, uint32_t tools, const struct function_form *form,
                     struct buf *words);
// The members of a function as the API has them, without what stands around them.
void put_function(struct buf *out, const struct json_scan *scan, const struct function *function,
                  const struct function_form *form);
// A turn's tools, if there are any, each by a function, with a comma before them.
void put_tools(struct buf *out, const struct json_scan *scan, uint32_t tools, put_node *put_tool);

// What a choice of tools (a node) means: a word, or an object with a type.
enum choice { CHOICE_odd, CHOICE_auto, CHOICE_none, CHOICE_any, CHOICE_one };
// *name is the function's that is chosen; 0: none is named.
enum choice choice_of(const struct json_scan *scan, uint32_t choice, uint32_t *name);

// ---- submission ---------------------------------------------------------------------------------

// Whether each part of what the line says to the model is one that the API takes; if not, words
// says why. is_told: a tool said it; such parts stand in a result, or in a message of role tool.
typedef bool takes_part(const struct json_scan *line, uint32_t part, bool is_told,
                        struct buf *words);
bool takes_parts(const struct json_scan *line, takes_part *takes, struct buf *words);
// The messages that a line brings, one after the other. *at is 0 at first; 0: there is no more.
uint32_t next_brought(const struct json_scan *line, uint32_t *at);
// Whether an API can be told what a message of the assistant says; if not, words says why.
bool takes_spoken(const struct json_scan *line, uint32_t message, struct buf *words);
// The same of all that a line brings, but for what a model of that shape said; and whether nobody
// in it has a name.
bool takes_history(const struct json_scan *line, const char *shape, struct buf *words);
// Appends the words, with the type of a part or a tool between them: nothing else of what the line
// says may stand where others read it. Returns false.
bool refuse_type(struct buf *words, const char *before, const struct json_scan *scan,
                 uint32_t object, const char *after);

#endif
