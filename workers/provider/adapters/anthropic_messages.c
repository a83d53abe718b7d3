// Anthropic's Messages. What it does differently: the system stands apart, roles alternate, a
// message is a list of parts, calls and results of tools are such parts, a limit must be stated.
#include "workers/provider/adapters/neutral.h"

#include <stdlib.h>
#include <string.h>

// ---- parts --------------------------------------------------------------------------------------

static void put_text_part(struct buf *out, struct bytes raw) {
    buf_text(out, "{\"type\":\"text\",\"text\":");
    put_bytes(out, raw);
    buf_text(out, "}");
}

static void put_image(struct buf *out, const struct json_scan *scan, uint32_t part, uint32_t url) {
    uint32_t cached = stated_in(scan, part, "cache_control");
    struct bytes media_type, data;
    buf_text(out, "{\"type\":\"image\",\"source\":");
    if (split_data_url(inside(scan, url), &media_type, &data)) {
        buf_text(out, "{\"type\":\"base64\",\"media_type\":\"");
        put_bytes(out, media_type);
        buf_text(out, "\",\"data\":\"");
        put_bytes(out, data);
        buf_text(out, "\"}");
    } else {
        buf_text(out, "{\"type\":\"url\",\"url\":");
        put_bytes(out, json_raw(scan, url));
        buf_text(out, "}");
    }
    if (cached) {
        buf_text(out, ",");
        put_member(out, scan, cached);
    }
    buf_text(out, "}");
}

static void put_part(struct buf *out, const struct json_scan *scan, uint32_t part) {
    uint32_t url = is_part(scan, part, "image_url") ? image_url_of(scan, part) : 0;
    if (has_shape(scan, part, JSON_SHAPE_text))
        put_text_part(out, json_raw(scan, part));
    else if (url)
        put_image(out, scan, part, url);
    else
        put_bytes(out, json_raw(scan, part));
}

// The API refuses texts without a character.
static bool is_empty(const struct json_scan *scan, uint32_t part) {
    return text_of(scan, part) && !spoken_text(scan, part);
}

// Content is a list of parts, or a text.
static void put_result(struct buf *out, const struct json_scan *scan, uint32_t part,
                       struct bytes id) {
    static const char *const ours[] = {"type", "tool_call_id", "tool_use_id", "call", "name", NULL};
    buf_text(out, "{\"type\":\"tool_result\",\"tool_use_id\":");
    put_bytes(out, id);
    for (uint32_t i = first_in(part); i < next_in(scan, part); i = next_in(scan, i)) {
        if (is_one_of(scan, i, ours) || has_shape(scan, i, JSON_SHAPE_null))
            continue;
        buf_text(out, ",");
        if (!json_is_named(scan, i, bytes_text("content"))) {
            put_member(out, scan, i);
            continue;
        }
        buf_text(out, "\"content\":");
        if (has_shape(scan, i, JSON_SHAPE_array))
            put_array(out, scan, i, put_part);
        else
            put_as_text(out, scan, i);
    }
    buf_text(out, "}");
}

// A call that another API's model made.
static void put_use(struct buf *out, const struct json_scan *scan, const struct tool_call *call) {
    buf_text(out, "{\"type\":\"tool_use\",");
    put_member(out, scan, call->id);
    buf_text(out, ",");
    put_member(out, scan, call->name);
    buf_text(out, ",\"input\":");
    put_arguments(out, scan, call->arguments);
    buf_text(out, "}");
}

// ---- messages -----------------------------------------------------------------------------------

// A list of messages under way: parts of neighbours of the same role go into one message.
struct talk {
    struct buf *out;
    const struct json_scan *scan;
    struct results results;
    struct bytes model;
    const char *role;  // of the message that is open; NULL: none
    size_t part_count; // in the open message
};

// Opens the message of that role if it is not open, and makes room for a part in it.
static struct buf *part_of(struct talk *talk, const char *role) {
    if (talk->role != role) {
        buf_printf(talk->out, "%s{\"role\":\"%s\",\"content\":[", talk->role ? "]}," : "", role);
        talk->role = role;
        talk->part_count = 0;
    }
    if (talk->part_count++ > 0)
        buf_text(talk->out, ",");
    return talk->out;
}

static const char user[] = "user", assistant[] = "assistant";

// The results of tools come first, as the API wants them.
static const char *put_heard(struct talk *talk, uint32_t content) {
    const struct json_scan *scan = talk->scan;
    struct heard heard;
    for (heard_walk(&heard, content); next_heard(&talk->results, &heard);)
        if (heard.id.size > 0)
            put_result(part_of(talk, user), scan, heard.part, heard.id);
        else if (!is_empty(scan, heard.part))
            put_part(part_of(talk, user), scan, heard.part);
    return heard.refusal;
}

static bool is_thinking(const struct json_scan *scan, uint32_t part) {
    return is_part(scan, part, "thinking") || is_part(scan, part, "redacted_thinking");
}

// What a model of this API said goes back as it came.
static void put_replay(struct talk *talk, uint32_t message) {
    const struct json_scan *scan = talk->scan;
    uint32_t content = stated_in(scan, message, "content");
    bool is_same = is_made_by(scan, message, talk->model);
    for (uint32_t i = first_in(content); i < next_in(scan, content); i = next_in(scan, i))
        if ((is_same || !is_thinking(scan, i)) && !is_empty(scan, i))
            put_bytes(part_of(talk, assistant), json_raw(scan, i));
}

static const char *put_foreign(struct talk *talk, uint32_t message) {
    struct spoken spoken;
    for (spoken_walk(&spoken, talk->scan, message); next_spoken(talk->scan, &spoken);)
        if (spoken.text)
            put_text_part(part_of(talk, assistant), json_raw(talk->scan, spoken.text));
        else
            put_use(part_of(talk, assistant), talk->scan, &spoken.call);
    return spoken.refusal;
}

static const char *put_one(void *at, uint32_t message) {
    struct talk *talk = at;
    const struct json_scan *scan = talk->scan;
    uint32_t content = stated_in(scan, message, "content");
    if (!is_said(scan, json_find(scan, message, "role"), assistant))
        return content ? put_heard(talk, content) : NULL;
    if (!has_parts_of(scan, message, adapter_anthropic_messages.shape))
        return put_foreign(talk, message);
    put_replay(talk, message);
    return NULL;
}

static const char *put_messages(struct buf *out, const struct json_scan *scan, uint32_t messages,
                                struct bytes model) {
    struct talk talk = {.out = out, .scan = scan, .model = model};
    buf_text(out, ",\"messages\":[");
    const char *refusal = put_each_message(&talk.results, scan, messages, put_one, &talk);
    if (refusal)
        return refusal;
    buf_text(out, talk.role ? "]}]" : "]");
    return talk.role == user ? NULL : "nothing_is_asked";
}

// ---- tools --------------------------------------------------------------------------------------

static const char *const others[] = {"behavior", "response", "responseJsonSchema", NULL};
static const struct function_form form = {"input_schema", "{\"type\":\"object\"}", others};

static void put_tool(struct buf *out, const struct json_scan *scan, uint32_t tool) {
    struct function function;
    if (!function_of(scan, tool, &function)) {
        put_bytes(out, json_raw(scan, tool));
        return;
    }
    buf_text(out, "{");
    put_function(out, scan, &function, &form);
    buf_text(out, "}");
}

// ---- parameters ---------------------------------------------------------------------------------

static const char *const limits[] = {"max_tokens", "max_completion_tokens", "max_output_tokens",
                                     NULL};
// Those that have another name or another form here, and those that say nothing.
static const char *const mapped[] = {
    "max_completion_tokens", "max_output_tokens",   "max_tokens", "stop",
    "tool_choice",           "parallel_tool_calls", "n",          "reasoning_effort",
    "response_format",       "output_config",       NULL};
static const char *const ours[] = {"model", "messages", "system", NULL};
static const char *const efforts[] = {"low", "medium", "high", "xhigh", "max"};
static const struct param_names names = {.ours = ours, .mapped = mapped};

static void put_limit(struct buf *out, const struct json_scan *scan, uint32_t params,
                      int64_t otherwise) {
    uint32_t limit = 0;
    for (size_t i = 0; params && !limit && limits[i]; i++)
        limit = stated_in(scan, params, limits[i]);
    buf_text(out, ",\"max_tokens\":");
    if (limit)
        put_bytes(out, json_raw(scan, limit));
    else
        buf_printf(out, "%lld", (long long)otherwise);
}

static void put_stops(struct buf *out, const struct json_scan *scan, uint32_t stop) {
    bool is_list = has_shape(scan, stop, JSON_SHAPE_array);
    buf_text(out, is_list ? ",\"stop_sequences\":" : ",\"stop_sequences\":[");
    put_bytes(out, json_raw(scan, stop));
    buf_text(out, is_list ? "" : "]");
}

static void put_choice(struct buf *out, const struct json_scan *scan, uint32_t params) {
    static const char *const types[] = {NULL, "auto", "none", "any", "tool"};
    uint32_t choice = stated_in(scan, params, "tool_choice"), name = 0;
    uint32_t parallel = stated_in(scan, params, "parallel_tool_calls");
    bool is_single = parallel && has_shape(scan, parallel, JSON_SHAPE_false);
    enum choice kind = choice ? choice_of(scan, choice, &name) : CHOICE_auto;
    if (!choice && !is_single)
        return;
    uint32_t own = choice ? stated_in(scan, choice, "disable_parallel_tool_use") : 0;
    buf_printf(out, ",\"tool_choice\":{\"type\":\"%s\"", types[kind]);
    if (name) {
        buf_text(out, ",");
        put_member(out, scan, name);
    }
    if ((own && has_shape(scan, own, JSON_SHAPE_true)) || (is_single && kind != CHOICE_none))
        buf_text(out, ",\"disable_parallel_tool_use\":true");
    buf_text(out, "}");
}

// {"type":"json_schema","json_schema":{"schema",…}} becomes {"type":"json_schema","schema"}.
static void put_format(struct buf *out, const struct json_scan *scan, uint32_t format) {
    uint32_t wrapper = stated_in(scan, format, "json_schema");
    buf_text(out, "{\"type\":\"json_schema\",\"schema\":");
    put_bytes(out, json_raw(scan, stated_in(scan, wrapper ? wrapper : format, "schema")));
    buf_text(out, "}");
}

static const struct joined output = {
    "output_config",
    {{"response_format", "format", put_format}, {"reasoning_effort", "effort", put_raw}}};

static bool is_format(const struct json_scan *scan, uint32_t format) {
    if (!is_part(scan, format, "json_schema"))
        return is_part(scan, format, "text");
    uint32_t wrapper = stated_in(scan, format, "json_schema");
    return stated_in(scan, wrapper ? wrapper : format, "schema") != 0;
}

static bool is_effort(const struct json_scan *scan, uint32_t effort) {
    bool is_it = false;
    for (size_t i = 0; !is_it && i < sizeof(efforts) / sizeof(*efforts); i++)
        is_it = is_said(scan, effort, efforts[i]);
    return is_it;
}

static bool takes_output(const struct json_scan *line, uint32_t params, struct buf *words) {
    uint32_t effort = stated_in(line, params, "reasoning_effort");
    uint32_t format = stated_in(line, params, "response_format");
    uint32_t own = stated_in(line, params, output.name);
    if (effort && !is_effort(line, effort))
        buf_text(words, "\"params.reasoning_effort\" must be low, medium, high, xhigh or max");
    else if (format && !is_format(line, format))
        buf_text(words, "\"params.response_format\" must be of type json_schema, with a schema, or "
                        "text");
    else if (own && !has_shape(line, own, JSON_SHAPE_object))
        buf_printf(words, "\"params.%s\" must be an object", output.name);
    return words->size == 0;
}

// A number of at most that, whatever way it is written.
static bool is_at_most(const struct json_scan *line, uint32_t node, double most) {
    char text[32] = "";
    struct bytes raw = json_raw(line, node);
    if (!has_shape(line, node, JSON_SHAPE_number) || raw.size >= sizeof(text))
        return false;
    memcpy(text, raw.at, raw.size);
    return strtod(text, NULL) <= most;
}

static bool takes_settings_of(const struct provider_api *api, const struct json_scan *line,
                              uint32_t params, struct buf *words) {
    uint32_t choices = stated_in(line, params, "n"), name;
    uint32_t choice = stated_in(line, params, "tool_choice");
    uint32_t temperature = stated_in(line, params, "temperature");
    if (!takes_params(api, line, params, &names, words))
        return false;
    if (choices && !is_at_most(line, choices, 1))
        buf_text(words, "this API gives one answer: \"params.n\" can only be 1");
    else if (temperature && !is_at_most(line, temperature, 1))
        buf_text(words, "\"params.temperature\" must be a number of at most 1 for this API");
    else if (choice && choice_of(line, choice, &name) == CHOICE_odd)
        buf_text(words, "\"params.tool_choice\" must be auto, none, required or one function");
    return words->size == 0 && takes_output(line, params, words);
}

// ---- the request --------------------------------------------------------------------------------

static const char *write_turn(const struct adapter_job *job, struct json_scan *scan,
                              struct buf *out) {
    struct turn turn;
    const char *refusal = turn_open(job, scan, &turn, takes_settings_of, &form);
    if (refusal)
        return refusal;
    buf_text(out, "{\"model\":");
    json_put_text(out, job->model);
    put_limit(out, scan, turn.params, job->api->output_tokens_default);
    if (turn.system) {
        buf_text(out, ",");
        put_member(out, scan, turn.system);
    }
    refusal = put_messages(out, scan, turn.messages, job->model);
    if (refusal)
        return refusal;
    if (turn.params) {
        uint32_t stop = stated_in(scan, turn.params, "stop");
        put_params(out, job, scan, &turn, &names);
        if (stop && !stated_in(scan, turn.params, "stop_sequences"))
            put_stops(out, scan, stop);
        put_joined(out, scan, turn.params, &output);
        put_choice(out, scan, turn.params);
    }
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
    static const char *const types[] = {"text", "image_url", "image", "document", "search_result"};
    uint32_t type = json_find(line, part, "type");
    if (has_shape(line, part, JSON_SHAPE_text))
        return true;
    if (is_said(line, type, "image_url") && !image_url_of(line, part)) {
        buf_text(words, "a part of type \"image_url\" needs its \"image_url\": {\"url\"}");
        return false;
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (is_said(line, type, types[i]))
            return true;
    if (is_told ? is_said(line, type, "tool_reference")
                : is_said(line, type, "tool_result") || is_said(line, type, "container_upload"))
        return true;
    return refuse_type(words, "this API takes no part", line, part,
                       is_told ? " in a result, but text, image_url, image and document"
                               : ", but text, image_url, image, document and tool_result");
}

static bool takes(const struct provider_api *api, const struct json_scan *line, struct buf *words) {
    uint32_t params = stated_in(line, 0, "params"), tools = stated_in(line, 0, "tools");
    return takes_parts(line, takes_part_of, words) &&
           takes_history(line, adapter_anthropic_messages.shape, words) &&
           (!tools || takes_functions(line, tools, &form, words)) &&
           (!params || takes_settings_of(api, line, params, words));
}

// ---- answers ------------------------------------------------------------------------------------

// An answer without the reason for its end is the beginning of one.
static bool is_answer(const struct json_scan *scan) {
    uint32_t content = json_find(scan, 0, "content"), reason = json_find(scan, 0, "stop_reason");
    return is_said(scan, json_find(scan, 0, "type"), "message") && content &&
           has_shape(scan, content, JSON_SHAPE_array) && reason &&
           has_shape(scan, reason, JSON_SHAPE_text);
}

const struct adapter adapter_anthropic_messages = {
    .shape = "anthropic.messages",
    .may_stream = true,
    .takes = takes,
    .write = write_request,
    .is_answer = is_answer,
};
