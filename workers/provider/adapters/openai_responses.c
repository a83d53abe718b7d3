// OpenAI's Responses, and every server that speaks it. What it does differently: the conversation
// is a list of items, of which messages, calls and their results are some; the system stands apart;
// what a model thought is an item too, and goes back encrypted.
#include "workers/provider/adapters/openai_responses.h"

#include <string.h>

// ---- parts --------------------------------------------------------------------------------------

static bool has_parts(const struct json_scan *scan, uint32_t content) {
    return content && has_shape(scan, content, JSON_SHAPE_array);
}

// Members of a part that the API has beside what it says, whatever type it has.
static void close_part(struct buf *out, const struct json_scan *scan, uint32_t part) {
    uint32_t cached = stated_in(scan, part, "prompt_cache_breakpoint");
    if (cached) {
        buf_text(out, ",");
        put_member(out, scan, cached);
    }
    buf_text(out, "}");
}

static void put_text_part(struct buf *out, const struct json_scan *scan, uint32_t part) {
    buf_text(out, "{\"type\":\"input_text\",\"text\":");
    put_bytes(out, json_raw(scan, text_of(scan, part)));
    close_part(out, scan, part);
}

static void put_image(struct buf *out, const struct json_scan *scan, uint32_t part) {
    uint32_t image = object_in(scan, part, "image_url");
    uint32_t detail = stated_in(scan, image ? image : part, "detail");
    buf_text(out, "{\"type\":\"input_image\",\"image_url\":");
    put_bytes(out, json_raw(scan, image_url_of(scan, part)));
    if (detail) {
        buf_text(out, ",");
        put_member(out, scan, detail);
    }
    close_part(out, scan, part);
}

static void put_part(struct buf *out, const struct json_scan *scan, uint32_t part) {
    static const char *const nothing[] = {NULL};
    uint32_t file = is_part(scan, part, "file") ? object_in(scan, part, "file") : 0;
    if (text_of(scan, part)) {
        put_text_part(out, scan, part);
    } else if (is_part(scan, part, "image_url") && image_url_of(scan, part)) {
        put_image(out, scan, part);
    } else if (file) {
        buf_text(out, "{\"type\":\"input_file\"");
        put_others(out, scan, file, nothing);
        close_part(out, scan, part);
    } else {
        put_bytes(out, json_raw(scan, part));
    }
}

// What stands among the parts and is an item of its own: results of the API's own tools.
static bool is_item(const struct json_scan *scan, uint32_t part) {
    static const char *const types[] = {"custom_tool_call_output", "computer_call_output",
                                        "local_shell_call_output", "shell_call_output",
                                        "tool_search_output",      "apply_patch_call_output",
                                        "function_call_output",    "item_reference",
                                        "mcp_approval_response",   "compaction"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (is_part(scan, part, types[i]))
            return true;
    return false;
}

// ---- items --------------------------------------------------------------------------------------

// The list of items under way.
struct talk {
    struct buf *out;
    const struct json_scan *scan;
    struct results results;
    struct bytes model;
    const char *comma;
    bool is_asked; // the last item is nothing that the assistant said
};

static struct buf *next_item(struct talk *talk, bool is_asked) {
    buf_text(talk->out, talk->comma);
    talk->comma = ",";
    talk->is_asked = is_asked;
    return talk->out;
}

static void put_output(struct buf *out, const struct json_scan *scan, uint32_t result) {
    if (has_parts(scan, result))
        put_array(out, scan, result, put_part);
    else
        put_as_text(out, scan, result);
}

static void put_result(struct talk *talk, struct bytes id, uint32_t result) {
    struct buf *out = next_item(talk, true);
    buf_text(out, "{\"type\":\"function_call_output\",\"call_id\":");
    put_bytes(out, id);
    buf_text(out, ",\"output\":");
    put_output(out, talk->scan, result);
    buf_text(out, "}");
}

// The role is nobody's but the API's: user, system or developer.
static void open_message(struct talk *talk, uint32_t message) {
    struct buf *out = next_item(talk, true);
    buf_text(out, "{\"role\":");
    put_bytes(out, json_raw(talk->scan, json_find(talk->scan, message, "role")));
    buf_text(out, ",\"content\":");
}

// Results of tools are items before what else the user says.
static const char *put_heard_parts(struct talk *talk, uint32_t message, uint32_t content) {
    const struct json_scan *scan = talk->scan;
    const char *between = "[";
    struct heard heard;
    for (uint32_t i = first_in(content); i < next_in(scan, content); i = next_in(scan, i))
        if (is_item(scan, i))
            put_bytes(next_item(talk, true), json_raw(scan, i));
    for (heard_walk(&heard, content); next_heard(&talk->results, &heard);) {
        if (heard.id.size > 0) {
            put_result(talk, heard.id, heard.result);
        } else if (!is_item(scan, heard.part)) {
            if (*between == '[')
                open_message(talk, message);
            buf_text(talk->out, between);
            put_part(talk->out, scan, heard.part);
            between = ",";
        }
    }
    buf_text(talk->out, *between == '[' ? "" : "]}");
    return heard.refusal;
}

static const char *put_heard(struct talk *talk, uint32_t message) {
    const struct json_scan *scan = talk->scan;
    uint32_t content = stated_in(scan, message, "content");
    if (has_parts(scan, content))
        return put_heard_parts(talk, message, content);
    if (content && text_in(scan, message, "role")) {
        open_message(talk, message);
        put_bytes(talk->out, json_raw(scan, content));
        buf_text(talk->out, "}");
    }
    return NULL;
}

// A text of the assistant, with the phase that it had.
static void put_said(struct talk *talk, uint32_t text, uint32_t phase) {
    struct buf *out = next_item(talk, false);
    buf_text(out, "{\"role\":\"assistant\",\"content\":");
    put_bytes(out, json_raw(talk->scan, text));
    if (phase) {
        buf_text(out, ",");
        put_member(out, talk->scan, phase);
    }
    buf_text(out, "}");
}

static struct buf *open_call(struct talk *talk, uint32_t id, uint32_t name, uint32_t arguments) {
    struct buf *out = next_item(talk, false);
    buf_text(out, "{\"type\":\"function_call\",\"call_id\":");
    put_bytes(out, json_raw(talk->scan, id));
    buf_text(out, ",");
    put_member(out, talk->scan, name);
    buf_text(out, ",\"arguments\":");
    put_arguments_text(out, talk->scan, arguments);
    return out;
}

// What a model of this API put out, in its order. Its items go back as they came, but only to the
// model itself; and without its encrypted content what was thought is a name of something that the
// provider does not have.
static void put_replay(struct talk *talk, uint32_t message) {
    static const char *const ours[] = {"type", "id", "name", "arguments", NULL};
    const struct json_scan *scan = talk->scan;
    uint32_t content = stated_in(scan, message, "content");
    bool is_same = is_made_by(scan, message, talk->model);
    for (uint32_t i = first_in(content); i < next_in(scan, content); i = next_in(scan, i)) {
        uint32_t text = spoken_text(scan, i);
        uint32_t id = text_in(scan, i, "id"), name = text_in(scan, i, "name");
        bool is_lost = is_part(scan, i, "reasoning") && !text_in(scan, i, "encrypted_content");
        if (text) {
            put_said(talk, text, stated_in(scan, i, "phase"));
        } else if (is_part(scan, i, "tool_use") && id && name) {
            put_others(open_call(talk, id, name, stated_in(scan, i, "arguments")), scan, i, ours);
            buf_text(talk->out, "}");
        } else if (is_same && !is_lost && has_shape(scan, i, JSON_SHAPE_object)) {
            put_bytes(next_item(talk, false), json_raw(scan, i));
        }
    }
}

// What another API's model said, or what a file says that it did.
static const char *put_foreign(struct talk *talk, uint32_t message) {
    struct spoken spoken;
    for (spoken_walk(&spoken, talk->scan, message); next_spoken(talk->scan, &spoken);)
        if (spoken.text)
            put_said(talk, spoken.text, 0);
        else
            buf_text(open_call(talk, spoken.call.id, spoken.call.name, spoken.call.arguments), "}");
    return spoken.refusal;
}

static const char *put_one(void *at, uint32_t message) {
    struct talk *talk = at;
    const struct json_scan *scan = talk->scan;
    if (!is_said(scan, json_find(scan, message, "role"), "assistant"))
        return put_heard(talk, message);
    if (!has_parts_of(scan, message, adapter_openai_responses.shape))
        return put_foreign(talk, message);
    put_replay(talk, message);
    return NULL;
}

static const char *put_messages(struct buf *out, const struct json_scan *scan, uint32_t messages,
                                struct bytes model) {
    struct talk talk = {.out = out, .scan = scan, .model = model, .comma = ""};
    buf_text(out, ",\"input\":[");
    const char *refusal = put_each_message(&talk.results, scan, messages, put_one, &talk);
    buf_text(out, "]");
    return refusal ? refusal : talk.is_asked ? NULL : "nothing_is_asked";
}

// ---- tools --------------------------------------------------------------------------------------

static const char *const others[] = {"cache_control", "eager_input_streaming", "behavior",
                                     "response",      "responseJsonSchema",    NULL};
static const struct function_form form = {"parameters", "{\"type\":\"object\",\"properties\":{}}",
                                          others};

static bool is_own_function(const struct json_scan *scan, const struct function *function) {
    return function->from == function->tool && is_part(scan, function->tool, "function");
}

// Unless it says otherwise a function is not strict, as with the other APIs. What has a type and
// its members beside it already speaks the API's own language.
static void put_tool(struct buf *out, const struct json_scan *scan, uint32_t tool) {
    struct function function;
    if (!function_of(scan, tool, &function) || is_own_function(scan, &function)) {
        put_bytes(out, json_raw(scan, tool));
        return;
    }
    buf_text(out, "{\"type\":\"function\",");
    put_function(out, scan, &function, &form);
    if (!json_find(scan, function.from, "strict") && !json_find(scan, function.tool, "strict"))
        buf_text(out, ",\"strict\":false");
    buf_text(out, "}");
}

// ---- what is kept -------------------------------------------------------------------------------

// Whether the model is asked to think, or has thought before. Others have nothing to encrypt.
static bool is_thinking(const struct json_scan *scan, const struct turn *turn) {
    if (turn->params && (stated_in(scan, turn->params, "reasoning") ||
                         stated_in(scan, turn->params, "reasoning_effort")))
        return true;
    for (uint32_t i = first_in(turn->messages); i < next_in(scan, turn->messages);
         i = next_in(scan, i)) {
        uint32_t content = stated_in(scan, i, "content");
        for (uint32_t k = first_in(content); has_parts(scan, content) && k < next_in(scan, content);
             k = next_in(scan, k))
            if (is_part(scan, k, "reasoning"))
                return true;
    }
    return false;
}

// A turn goes on from what the provider keeps, or it says everything and the provider keeps
// nothing: then what was thought has to come back with the answer. A conversation's name begins
// with conv_, a response's does not.
static const char *put_state(struct buf *out, const struct json_scan *scan,
                             const struct turn *turn) {
    static const char conversation[] = "\"conv_";
    uint32_t store = turn->params ? stated_in(scan, turn->params, "store") : 0;
    bool is_included = turn->params && stated_in(scan, turn->params, "include");
    if (turn->previous) {
        struct bytes raw = json_raw(scan, turn->previous);
        if (!has_shape(scan, turn->previous, JSON_SHAPE_text))
            return "context_malformed";
        bool is_conversation = raw.size > strlen(conversation) &&
                               memcmp(raw.at, conversation, strlen(conversation)) == 0;
        buf_text(out, is_conversation ? ",\"conversation\":" : ",\"previous_response_id\":");
        put_bytes(out, raw);
        return NULL;
    }
    if (!store)
        buf_text(out, ",\"store\":false");
    if (!is_included && (!store || has_shape(scan, store, JSON_SHAPE_false)) &&
        is_thinking(scan, turn))
        buf_text(out, ",\"include\":[\"reasoning.encrypted_content\"]");
    return NULL;
}

// ---- the request --------------------------------------------------------------------------------

static const char *write_turn(const struct adapter_job *job, struct json_scan *scan,
                              struct buf *out) {
    struct turn turn;
    const char *refusal = turn_open(job, scan, &turn, responses_takes_params, &form);
    if (refusal)
        return refusal;
    buf_text(out, "{\"model\":");
    json_put_text(out, job->model);
    if (turn.system) {
        buf_text(out, ",\"instructions\":");
        put_bytes(out, json_raw(scan, turn.system));
    }
    refusal = put_messages(out, scan, turn.messages, job->model);
    if (!refusal)
        refusal = put_state(out, scan, &turn);
    if (refusal)
        return refusal;
    if (turn.params)
        responses_put_params(out, job, scan, &turn);
    put_tools(out, scan, turn.tools, put_tool);
    buf_text(out, "}");
    return NULL;
}

static const char *write_request(const struct adapter_job *job, struct json_scan *scan,
                                 struct buf *body) {
    return request_write(job, scan, body, write_turn);
}

// ---- what it takes ------------------------------------------------------------------------------

static bool takes_part_of(const struct json_scan *line, uint32_t part, bool is_told,
                          struct buf *words) {
    static const char *const types[] = {"text",       "image_url",   "file",
                                        "input_text", "input_image", "input_file"};
    uint32_t is_error = stated_in(line, part, "is_error");
    if (is_error && has_shape(line, is_error, JSON_SHAPE_true)) {
        buf_text(words, "this API has no \"is_error\": say it in the result's content");
        return false;
    }
    if (is_part(line, part, "image_url") && !image_url_of(line, part)) {
        buf_text(words, "a part of type \"image_url\" needs its \"image_url\": {\"url\"}");
        return false;
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (is_part(line, part, types[i]))
            return true;
    if (has_shape(line, part, JSON_SHAPE_text) ||
        (!is_told && (is_item(line, part) || is_part(line, part, "tool_result"))))
        return true;
    return refuse_type(words, "this API takes no part", line, part,
                       is_told ? " in a result, but text, image_url and file"
                               : ", but text, image_url, file and tool_result");
}

static bool takes(const struct provider_api *api, const struct json_scan *line, struct buf *words) {
    uint32_t params = stated_in(line, 0, "params"), tools = stated_in(line, 0, "tools");
    return takes_parts(line, takes_part_of, words) &&
           takes_history(line, adapter_openai_responses.shape, words) &&
           (!tools || takes_functions(line, tools, &form, words)) &&
           (!params || responses_takes_params(api, line, params, words));
}

// ---- answers ------------------------------------------------------------------------------------

// What is queued or in progress is no answer, nor what is not a response: a compaction.
static bool is_answer(const struct json_scan *scan) {
    uint32_t object = stated_in(scan, 0, "object"), status = json_find(scan, 0, "status");
    return (!object || is_said(scan, object, "response")) &&
           has_parts(scan, json_find(scan, 0, "output")) &&
           (is_said(scan, status, "completed") || is_said(scan, status, "incomplete"));
}

const struct adapter adapter_openai_responses = {
    .shape = "openai.responses",
    .may_stream = true,
    .takes = takes,
    .write = write_request,
    .is_answer = is_answer,
};
