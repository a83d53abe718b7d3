// Gemini's Interactions. What it does differently: a conversation is a list of steps, each with a
// type, and may go on from one that the provider keeps; all that shapes the answer stands in
// generation_config, the choice of tools too.
#include "workers/provider/adapters/gemini.h"

#include <string.h>

// ---- steps --------------------------------------------------------------------------------------

// A list of steps under way: contents of neighbours of the same type go into one.
struct talk {
    struct buf *out;
    const struct json_scan *scan;
    struct results results;
    struct bytes model;
    const char *open; // type of the step whose content is open; NULL: none
    bool is_first;    // of all steps
    bool is_asked;    // the last step is not the assistant's
};

static const char user[] = "user_input", model[] = "model_output";

// Closes what is open, and makes room for a step.
static struct buf *step_of(struct talk *talk, bool is_users) {
    buf_text(talk->out, talk->open ? "]}" : "");
    buf_text(talk->out, talk->is_first ? "" : ",");
    talk->open = NULL;
    talk->is_first = false;
    talk->is_asked = is_users;
    return talk->out;
}

// Makes room for a content in a step of that type.
static struct buf *content_of(struct talk *talk, const char *type) {
    if (talk->open == type) {
        buf_text(talk->out, ",");
        return talk->out;
    }
    buf_printf(step_of(talk, type == user), "{\"type\":\"%s\",\"content\":[", type);
    talk->open = type;
    return talk->out;
}

static void put_text(struct buf *out, struct bytes raw) {
    buf_text(out, "{\"type\":\"text\",\"text\":");
    put_bytes(out, raw);
    buf_text(out, "}");
}

// The API's own contents, which go out as they are.
static bool is_own(const struct json_scan *scan, uint32_t part) {
    static const char *const types[] = {"image", "audio", "video", "document"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (is_part(scan, part, types[i]))
            return true;
    return false;
}

static bool image_of(const struct json_scan *scan, uint32_t part, struct bytes *media_type,
                     struct bytes *data) {
    uint32_t url = is_part(scan, part, "image_url") ? image_url_of(scan, part) : 0;
    return url && split_data_url(inside(scan, url), media_type, data);
}

// False: the API has no such content.
static bool put_content(struct buf *out, const struct json_scan *scan, uint32_t part) {
    struct bytes media_type, data;
    uint32_t text = text_of(scan, part);
    if (text) {
        put_text(out, json_raw(scan, text));
    } else if (image_of(scan, part, &media_type, &data)) {
        buf_text(out, "{\"type\":\"image\",\"mime_type\":\"");
        put_bytes(out, media_type);
        buf_text(out, "\",\"data\":\"");
        put_bytes(out, data);
        buf_text(out, "\"}");
    } else if (is_own(scan, part)) {
        put_bytes(out, json_raw(scan, part));
    } else {
        return false;
    }
    return true;
}

// ---- what the user says -------------------------------------------------------------------------

static const char *put_result(struct talk *talk, const struct heard *heard) {
    const struct json_scan *scan = talk->scan;
    uint32_t content = heard->result;
    const char *before = "[";
    struct bytes name;
    struct buf *out = step_of(talk, true);
    buf_text(out, "{\"type\":\"function_result\",\"call_id\":");
    put_bytes(out, heard->id);
    // The call may stand in an interaction that the provider keeps.
    if (result_name(&talk->results, heard->id, &name)) {
        buf_text(out, ",\"name\":");
        put_bytes(out, name);
    }
    buf_text(out, heard->is_error ? ",\"is_error\":true,\"result\":" : ",\"result\":");
    if (content && has_shape(scan, content, JSON_SHAPE_object)) {
        put_bytes(out, json_raw(scan, content));
    } else if (content && has_shape(scan, content, JSON_SHAPE_array)) {
        for (uint32_t i = first_in(content); i < next_in(scan, content); i = next_in(scan, i)) {
            buf_text(out, before);
            before = ",";
            if (!put_content(out, scan, i))
                return "part_not_served";
        }
        buf_text(out, *before == '[' ? "[]" : "]");
    } else {
        buf_text(out, "[{\"type\":\"text\",\"text\":");
        put_as_text(out, scan, content);
        buf_text(out, "}]");
    }
    buf_text(out, "}");
    return NULL;
}

static const char *put_said(struct talk *talk, uint32_t part) {
    bool is_put = put_content(content_of(talk, user), talk->scan, part);
    return is_put ? NULL : "part_not_served"; // of a message that was said to another API
}

// The results of tools first: they answer the call.
static const char *put_heard(struct talk *talk, uint32_t content) {
    const char *refusal = NULL;
    struct heard heard;
    for (heard_walk(&heard, content); !refusal && next_heard(&talk->results, &heard);)
        refusal = heard.id.size > 0 ? put_result(talk, &heard) : put_said(talk, heard.part);
    return refusal ? refusal : heard.refusal;
}

// ---- what the assistant said --------------------------------------------------------------------

// What a model of this API said goes back as it came; signatures, thoughts and what the API's own
// tools did only to the model that made them.
static void put_replay(struct talk *talk, uint32_t message) {
    const struct json_scan *scan = talk->scan;
    uint32_t content = stated_in(scan, message, "content");
    bool is_same = is_made_by(scan, message, talk->model);
    const char *const left_out[] = {"type", is_same ? NULL : "signature", NULL};
    for (uint32_t i = first_in(content); i < next_in(scan, content); i = next_in(scan, i)) {
        if (text_of(scan, i) || is_own(scan, i)) {
            put_bytes(content_of(talk, model), json_raw(scan, i));
        } else if (is_part(scan, i, "tool_use")) {
            struct buf *out = step_of(talk, false);
            buf_text(out, "{\"type\":\"function_call\"");
            put_others(out, scan, i, left_out);
            buf_text(out, "}");
        } else if (is_same) {
            put_bytes(step_of(talk, false), json_raw(scan, i));
        }
    }
}

static void put_call(struct buf *out, const struct json_scan *scan, const struct tool_call *call) {
    buf_text(out, "{\"type\":\"function_call\",");
    put_member(out, scan, call->id);
    buf_text(out, ",");
    put_member(out, scan, call->name);
    buf_text(out, ",\"arguments\":");
    put_arguments(out, scan, call->arguments);
    buf_text(out, "}");
}

// What a model of another API said, or a person wrote in its place.
static const char *put_foreign(struct talk *talk, uint32_t message) {
    struct spoken spoken;
    for (spoken_walk(&spoken, talk->scan, message); next_spoken(talk->scan, &spoken);)
        if (spoken.text)
            put_text(content_of(talk, model), json_raw(talk->scan, spoken.text));
        else
            put_call(step_of(talk, false), talk->scan, &spoken.call);
    return spoken.refusal;
}

static const char *put_one(void *at, uint32_t message) {
    struct talk *talk = at;
    const struct json_scan *scan = talk->scan;
    uint32_t content = stated_in(scan, message, "content");
    if (!is_said(scan, json_find(scan, message, "role"), "assistant"))
        return content ? put_heard(talk, content) : NULL;
    if (!has_parts_of(scan, message, adapter_gemini_interactions.shape))
        return put_foreign(talk, message);
    put_replay(talk, message);
    return NULL;
}

static const char *put_input(struct buf *out, const struct json_scan *scan, uint32_t messages,
                             struct bytes asked) {
    struct talk talk = {.out = out, .scan = scan, .model = asked, .is_first = true};
    buf_text(out, ",\"input\":[");
    const char *refusal = put_each_message(&talk.results, scan, messages, put_one, &talk);
    buf_text(out, talk.open ? "]}]" : "]");
    return refusal ? refusal : talk.is_asked ? NULL : "nothing_is_asked";
}

// ---- tools --------------------------------------------------------------------------------------

// A function is flat here; any other tool is the API's own.
static void put_tool(struct buf *out, const struct json_scan *scan, uint32_t tool) {
    struct function function;
    if (!function_of(scan, tool, &function)) {
        put_bytes(out, json_raw(scan, tool));
        return;
    }
    buf_text(out, "{\"type\":\"function\",");
    put_function(out, scan, &function, &gemini_interactions_form.function);
    buf_text(out, "}");
}

// ---- the request --------------------------------------------------------------------------------

static const char *write_turn(const struct adapter_job *job, struct json_scan *scan,
                              struct buf *out) {
    struct turn turn;
    const char *refusal =
        turn_open(job, scan, &turn, gemini_takes_interactions, &gemini_interactions_form.function);
    if (refusal)
        return refusal;
    buf_text(out, "{\"model\":");
    json_put_text(out, job->model);
    refusal = put_input(out, scan, turn.messages, job->model);
    if (refusal)
        return refusal;
    if (turn.previous) {
        buf_text(out, ",\"previous_interaction_id\":");
        put_bytes(out, json_raw(scan, turn.previous));
    }
    if (turn.system) {
        buf_text(out, ",\"system_instruction\":");
        put_bytes(out, json_raw(scan, turn.system));
    }
    put_tools(out, scan, turn.tools, put_tool);
    if (turn.params)
        refusal = gemini_put_params(out, &gemini_interactions_form, job, scan, &turn);
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
    if (!is_told && is_part(line, part, "tool_result"))
        return true;
    if (text_of(line, part) || is_own(line, part) || image_of(line, part, &media_type, &data))
        return true;
    if (is_part(line, part, "image_url")) {
        buf_text(words, "this API takes an \"image_url\" only with the image in it, as "
                        "data:image/png;base64,… : another one stands in a part "
                        "{\"type\":\"image\",\"uri\"}");
        return false;
    }
    return refuse_type(words, "this API takes no part", line, part,
                       ", but text, image_url, tool_result, image, audio, video and document");
}

static bool takes(const struct provider_api *api, const struct json_scan *line, struct buf *words) {
    uint32_t params = stated_in(line, 0, "params"), tools = stated_in(line, 0, "tools");
    return takes_parts(line, takes_part_of, words) &&
           takes_history(line, adapter_gemini_interactions.shape, words) &&
           (!tools || takes_functions(line, tools, &gemini_interactions_form.function, words)) &&
           (!params || gemini_takes_interactions(api, line, params, words));
}

// ---- answers ------------------------------------------------------------------------------------

// One that is still going on is no answer: nobody would ask for it again.
static bool is_answer(const struct json_scan *scan) {
    uint32_t status = stated_in(scan, 0, "status");
    return status && has_shape(scan, status, JSON_SHAPE_text) &&
           !is_said(scan, status, "in_progress") && !is_said(scan, status, "queued") &&
           !is_said(scan, status, "failed");
}

const struct adapter adapter_gemini_interactions = {
    .shape = "gemini.interactions",
    .may_stream = true,
    .takes = takes,
    .write = write_request,
    .is_answer = is_answer,
};
