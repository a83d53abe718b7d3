// Gemini's generateContent. What it does differently: the model stands in the path, the assistant
// is called model, a message is a list of parts without types, results of tools go by the name of
// their call, all that shapes the answer stands in generationConfig.
#include "workers/provider/adapters/gemini.h"

#include <string.h>

// ---- parts --------------------------------------------------------------------------------------

// A list of contents under way: parts of neighbours of the same role go into one.
struct talk {
    struct buf *out;
    const struct json_scan *scan;
    struct results results;
    struct bytes model;
    const char *role; // of the content that is open; NULL: none
    bool is_first;    // no part is in it yet
    bool has_ids;     // the calls of the assistant's last message have ids that the model knows
};

static const char user[] = "user", model[] = "model";

// Opens the content of that role if it is not open, and makes room for a part in it.
static struct buf *part_of(struct talk *talk, const char *role) {
    if (talk->role != role) {
        buf_printf(talk->out, "%s{\"role\":\"%s\",\"parts\":[", talk->role ? "]}," : "", role);
        talk->role = role;
        talk->is_first = true;
    }
    if (!talk->is_first)
        buf_text(talk->out, ",");
    talk->is_first = false;
    return talk->out;
}

static void put_text_part(struct buf *out, struct bytes raw) {
    buf_text(out, "{\"text\":");
    put_bytes(out, raw);
    buf_text(out, "}");
}

static void put_image(struct buf *out, struct bytes media_type, struct bytes data) {
    buf_text(out, "{\"inlineData\":{\"mimeType\":\"");
    put_bytes(out, media_type);
    buf_text(out, "\",\"data\":\"");
    put_bytes(out, data);
    buf_text(out, "\"}}");
}

// A part that has no type is the API's own.
static const char *put_part(struct talk *talk, const char *role, uint32_t part) {
    const struct json_scan *scan = talk->scan;
    uint32_t text = text_of(scan, part);
    uint32_t url = is_part(scan, part, "image_url") ? image_url_of(scan, part) : 0;
    struct bytes media_type, data;
    if (text)
        put_text_part(part_of(talk, role), json_raw(scan, text));
    else if (url && split_data_url(inside(scan, url), &media_type, &data))
        put_image(part_of(talk, role), media_type, data);
    else if (!json_find(scan, part, "type"))
        put_bytes(part_of(talk, role), json_raw(scan, part));
    else
        return "part_not_served"; // of a message that was said to another API
    return NULL;
}

// ---- results of tools ---------------------------------------------------------------------------

// What a tool said, as one text: pieces of raw strings are one. False: it said something else.
static bool put_said(struct buf *out, const struct json_scan *scan, uint32_t content) {
    bool are_texts = true;
    if (!content || !has_shape(scan, content, JSON_SHAPE_array)) {
        put_as_text(out, scan, content);
        return true;
    }
    buf_text(out, "\"");
    for (uint32_t i = first_in(content); i < next_in(scan, content); i = next_in(scan, i))
        if (text_of(scan, i))
            put_bytes(out, inside(scan, text_of(scan, i)));
        else
            are_texts = false;
    buf_text(out, "\"");
    return are_texts;
}

// An object is the result as it stands; anything else is its output, or its error.
static const char *put_result(struct talk *talk, const struct heard *heard) {
    const struct json_scan *scan = talk->scan;
    struct bytes name;
    struct buf *out;
    bool is_whole = true;
    if (!result_name(&talk->results, heard->id, &name))
        return "tool_result_without_call";
    out = part_of(talk, user);
    buf_text(out, "{\"functionResponse\":{");
    if (talk->has_ids) {
        buf_text(out, "\"id\":");
        put_bytes(out, heard->id);
        buf_text(out, ",");
    }
    buf_text(out, "\"name\":");
    put_bytes(out, name);
    buf_text(out, ",\"response\":");
    if (heard->result && has_shape(scan, heard->result, JSON_SHAPE_object)) {
        put_bytes(out, json_raw(scan, heard->result));
    } else {
        buf_text(out, heard->is_error ? "{\"error\":" : "{\"output\":");
        is_whole = put_said(out, scan, heard->result);
        buf_text(out, "}");
    }
    buf_text(out, "}}");
    return is_whole ? NULL : "part_not_served";
}

// The results of tools first: they answer the call.
static const char *put_heard(struct talk *talk, uint32_t content) {
    const char *refusal = NULL;
    struct heard heard;
    for (heard_walk(&heard, content); !refusal && next_heard(&talk->results, &heard);)
        refusal = heard.id.size > 0 ? put_result(talk, &heard) : put_part(talk, user, heard.part);
    return refusal ? refusal : heard.refusal;
}

// ---- what the assistant said --------------------------------------------------------------------

// A part without what it has for everyone. A signature is bound to the model that made it and
// refused by any other, which has no use for the summaries of its thoughts either.
static void put_own(struct buf *out, const struct json_scan *scan, uint32_t part, bool is_same) {
    const char *const left_out[] = {"type", "id", is_same ? NULL : "thoughtSignature", NULL};
    const char *comma = "";
    buf_text(out, "{");
    for (uint32_t i = first_in(part); i < next_in(scan, part); i = next_in(scan, i)) {
        if (is_one_of(scan, i, left_out))
            continue;
        buf_text(out, comma);
        put_member(out, scan, i);
        comma = ",";
    }
    buf_text(out, "}");
}

static bool is_thought(const struct json_scan *scan, uint32_t part) {
    uint32_t thought = stated_in(scan, part, "thought");
    return thought && has_shape(scan, thought, JSON_SHAPE_true);
}

// What a model of this API said goes back as it came, part by part: also parts that are empty but
// for their signature.
static void put_replay(struct talk *talk, uint32_t message) {
    const struct json_scan *scan = talk->scan;
    uint32_t content = stated_in(scan, message, "content");
    bool is_same = is_made_by(scan, message, talk->model);
    for (uint32_t i = first_in(content); i < next_in(scan, content); i = next_in(scan, i)) {
        uint32_t call = stated_in(scan, i, "functionCall");
        uint32_t id = call ? stated_in(scan, call, "id") : 0;
        if (call)
            talk->has_ids = id && has_shape(scan, id, JSON_SHAPE_text) && scan->nodes[id].size > 2;
        if (is_same || !is_thought(scan, i))
            put_own(part_of(talk, model), scan, i, is_same);
    }
}

static void put_call(struct buf *out, const struct json_scan *scan, const struct tool_call *call) {
    buf_text(out, "{\"functionCall\":{");
    put_member(out, scan, call->id);
    buf_text(out, ",");
    put_member(out, scan, call->name);
    buf_text(out, ",\"args\":");
    put_arguments(out, scan, call->arguments);
    buf_text(out, "}}");
}

// What a model of another API said, or a person wrote in its place.
static const char *put_foreign(struct talk *talk, uint32_t message) {
    struct spoken spoken;
    talk->has_ids = true;
    for (spoken_walk(&spoken, talk->scan, message); next_spoken(talk->scan, &spoken);)
        if (spoken.text)
            put_text_part(part_of(talk, model), json_raw(talk->scan, spoken.text));
        else
            put_call(part_of(talk, model), talk->scan, &spoken.call);
    return spoken.refusal;
}

static const char *put_one(void *at, uint32_t message) {
    struct talk *talk = at;
    const struct json_scan *scan = talk->scan;
    uint32_t content = stated_in(scan, message, "content");
    if (!is_said(scan, json_find(scan, message, "role"), "assistant"))
        return content ? put_heard(talk, content) : NULL;
    if (!has_parts_of(scan, message, adapter_gemini_generate.shape))
        return put_foreign(talk, message);
    put_replay(talk, message);
    return NULL;
}

static const char *put_contents(struct buf *out, const struct json_scan *scan, uint32_t messages,
                                struct bytes asked) {
    struct talk talk = {.out = out, .scan = scan, .model = asked};
    buf_text(out, "{\"contents\":[");
    const char *refusal = put_each_message(&talk.results, scan, messages, put_one, &talk);
    if (refusal)
        return refusal;
    buf_text(out, talk.role ? "]}]" : "]");
    return talk.role == user ? NULL : "nothing_is_asked";
}

// ---- tools --------------------------------------------------------------------------------------

// All functions are one tool.
static void put_own_tools(struct buf *out, const struct json_scan *scan, uint32_t tools) {
    const char *before = ",\"tools\":[{\"functionDeclarations\":[";
    struct function function;
    for (uint32_t i = first_in(tools); i < next_in(scan, tools); i = next_in(scan, i)) {
        if (!function_of(scan, i, &function))
            continue;
        buf_printf(out, "%s{", before);
        put_function(out, scan, &function, &gemini_generate_form.function);
        buf_text(out, "}");
        before = ",";
    }
    bool has_functions = before[1] == 0;
    buf_text(out, has_functions ? "]}" : "");
    before = has_functions ? "," : ",\"tools\":[";
    for (uint32_t i = first_in(tools); i < next_in(scan, tools); i = next_in(scan, i)) {
        if (function_of(scan, i, &function))
            continue;
        buf_text(out, before);
        put_bytes(out, json_raw(scan, i));
        before = ",";
    }
    buf_text(out, before[1] == 0 ? "]" : "");
}

// ---- the request --------------------------------------------------------------------------------

static const char *write_turn(const struct adapter_job *job, struct json_scan *scan,
                              struct buf *out) {
    struct turn turn;
    const char *refusal =
        turn_open(job, scan, &turn, gemini_takes_generate, &gemini_generate_form.function);
    if (!refusal)
        refusal = put_contents(out, scan, turn.messages, job->model);
    if (refusal)
        return refusal;
    if (turn.system) {
        buf_text(out, ",\"systemInstruction\":{\"parts\":[");
        put_text_part(out, json_raw(scan, turn.system));
        buf_text(out, "]}");
    }
    if (turn.tools && scan->nodes[turn.tools].count > 0)
        put_own_tools(out, scan, turn.tools);
    if (turn.params)
        refusal = gemini_put_params(out, &gemini_generate_form, job, scan, &turn);
    buf_text(out, "}");
    return refusal;
}

static const char *write_request(const struct adapter_job *job, struct json_scan *scan,
                                 struct buf *body) {
    return request_write(job, scan, body, write_turn);
}

// ---- what it takes ------------------------------------------------------------------------------

static bool takes_part_of(const struct json_scan *line, uint32_t part, bool is_told,
                          struct buf *words) {
    struct bytes media_type, data;
    uint32_t url = image_url_of(line, part);
    if (text_of(line, part))
        return true;
    if (is_told) {
        buf_text(words, "this API takes texts only in the result of a tool");
        return false;
    }
    if (!json_find(line, part, "type") || is_part(line, part, "tool_result"))
        return true;
    if (!is_part(line, part, "image_url"))
        return refuse_type(words, "this API takes no part", line, part,
                           ", but text, image_url, tool_result, and its own parts without a type");
    if (url && split_data_url(inside(line, url), &media_type, &data))
        return true;
    buf_text(words, "this API takes an \"image_url\" only with the image in it, as "
                    "data:image/png;base64,… : another one stands in a part {\"fileData\"}");
    return false;
}

static bool takes_tools(const struct json_scan *line, uint32_t tools, struct buf *words) {
    struct function function;
    for (uint32_t i = first_in(tools); i < next_in(line, tools); i = next_in(line, i))
        if (!function_of(line, i, &function) && json_find(line, i, "type"))
            return refuse_type(words, "this API has no tool", line, i,
                               ": its own tools have no type, like {\"googleSearch\":{}}");
    return takes_functions(line, tools, &gemini_generate_form.function, words);
}

static bool takes(const struct provider_api *api, const struct json_scan *line, struct buf *words) {
    uint32_t params = stated_in(line, 0, "params");
    uint32_t tools = stated_in(line, 0, "tools");
    return takes_parts(line, takes_part_of, words) &&
           takes_history(line, adapter_gemini_generate.shape, words) &&
           (!tools || takes_tools(line, tools, words)) &&
           (!params || gemini_takes_generate(api, line, params, words));
}

// ---- answers ------------------------------------------------------------------------------------

// A prompt that was blocked has no candidates, and is answered; a candidate without the reason for
// its end is the beginning of one.
static bool is_answer(const struct json_scan *scan) {
    uint32_t list = stated_in(scan, 0, "candidates");
    uint32_t feedback = stated_in(scan, 0, "promptFeedback");
    if (!list || !has_shape(scan, list, JSON_SHAPE_array) || scan->nodes[list].count == 0)
        return feedback && stated_in(scan, feedback, "blockReason");
    for (uint32_t i = first_in(list); i < next_in(scan, list); i = next_in(scan, i))
        if (!stated_in(scan, i, "finishReason"))
            return false;
    return true;
}

const struct adapter adapter_gemini_generate = {
    .shape = "gemini.generate",
    .may_stream = true,
    .takes = takes,
    .write = write_request,
    .is_answer = is_answer,
};
