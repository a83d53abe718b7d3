// OpenAI's Chat Completions, and every server that speaks it.
#include "workers/provider/adapters/neutral.h"

// ---- tools --------------------------------------------------------------------------------------

static void put_called(struct buf *out, const struct json_scan *scan,
                       const struct tool_call *call) {
    buf_text(out, "{");
    if (call->id) {
        put_member(out, scan, call->id);
        buf_text(out, ",");
    }
    buf_text(out, "\"type\":\"function\",\"function\":{");
    put_member(out, scan, call->name);
    buf_text(out, ",\"arguments\":");
    put_arguments_text(out, scan, call->arguments);
    buf_text(out, "}}");
}

// {"id","name","arguments"} becomes {"id","type":"function","function":{…}}; what has a type
// already speaks the API's own language.
static void put_tool_call(struct buf *out, const struct json_scan *scan, uint32_t call) {
    const struct tool_call neutral = {.id = json_find(scan, call, "id"),
                                      .name = json_find(scan, call, "name"),
                                      .arguments = json_find(scan, call, "arguments")};
    if (json_find(scan, call, "type") || neutral.name == 0)
        put_bytes(out, json_raw(scan, call));
    else
        put_called(out, scan, &neutral);
}

// Servers that speak this API have members of their own, so no member is known to be another's.
static const struct function_form form = {.schema = "parameters"};

// What has its members under "function" already speaks the API's own language.
static void put_tool(struct buf *out, const struct json_scan *scan, uint32_t tool) {
    struct function function;
    if (!function_of(scan, tool, &function) || function.from != tool) {
        put_bytes(out, json_raw(scan, tool));
        return;
    }
    buf_text(out, "{\"type\":\"function\",\"function\":{");
    put_function(out, scan, &function, &form);
    buf_text(out, "}}");
}

// ---- messages -----------------------------------------------------------------------------------

// A part that is a bare string is a text part.
static void put_part(struct buf *out, const struct json_scan *scan, uint32_t part) {
    bool is_text = has_shape(scan, part, JSON_SHAPE_text);
    if (is_text)
        buf_text(out, "{\"type\":\"text\",\"text\":");
    put_bytes(out, json_raw(scan, part));
    if (is_text)
        buf_text(out, "}");
}

// A text, or parts; anything else is a result that is neither.
static void put_content(struct buf *out, const struct json_scan *scan, uint32_t content) {
    if (content && has_shape(scan, content, JSON_SHAPE_array))
        put_array(out, scan, content, put_part);
    else
        put_as_text(out, scan, content);
}

// What the API wants of a message with calls that has it not.
static void put_calls_field(struct buf *out, const struct provider_api *api) {
    if (api->calls_field)
        buf_printf(out, ",\"%s\":\"\"", api->calls_field);
}

// What another provider's model said. Its other parts mean nothing here.
static const char *put_foreign(struct buf *out, const struct provider_api *api,
                               const struct json_scan *scan, uint32_t message) {
    const char *between = "[";
    struct spoken spoken;
    spoken_walk(&spoken, scan, message);
    buf_text(out, "{\"role\":\"assistant\",\"content\":");
    bool is_more = next_spoken(scan, &spoken);
    for (; is_more && spoken.text; is_more = next_spoken(scan, &spoken)) {
        buf_text(out, between);
        put_part(out, scan, spoken.text);
        between = ",";
    }
    buf_text(out, *between == ',' ? "]" : is_more ? "null" : "\"\"");
    between = ",\"tool_calls\":[";
    for (; is_more; is_more = next_spoken(scan, &spoken)) {
        buf_text(out, between);
        put_called(out, scan, &spoken.call);
        between = ",";
    }
    if (*between && !between[1]) {
        buf_text(out, "]");
        put_calls_field(out, api);
    }
    buf_text(out, "}");
    return spoken.refusal;
}

static const char *const *copied_to(const struct provider_api *api) {
    static const char *const common[] = {"role", "name", "refusal", "audio", "function_call", NULL};
    return api->message_fields[0] ? api->message_fields : common;
}

// What the API takes of a message is copied; anything else is for us only.
static void put_own(struct buf *out, const struct provider_api *api, const struct json_scan *scan,
                    uint32_t message) {
    const char *const *copied = copied_to(api);
    const char *comma = "";
    buf_text(out, "{");
    for (uint32_t i = first_in(message); i < next_in(scan, message); i = next_in(scan, i)) {
        bool is_content = json_is_named(scan, i, bytes_text("content"));
        bool is_calls = json_is_named(scan, i, bytes_text("tool_calls"));
        bool is_nothing = has_shape(scan, i, JSON_SHAPE_null) && !is_content;
        if (is_nothing || !(is_content || is_calls || is_one_of(scan, i, copied)))
            continue;
        buf_text(out, comma);
        comma = ",";
        if (is_content && has_shape(scan, i, JSON_SHAPE_array)) {
            buf_text(out, "\"content\":");
            put_content(out, scan, i);
        } else if (is_calls && has_shape(scan, i, JSON_SHAPE_array)) {
            buf_text(out, "\"tool_calls\":");
            put_array(out, scan, i, put_tool_call);
            if (api->calls_field && !stated_in(scan, message, api->calls_field))
                put_calls_field(out, api);
        } else {
            put_member(out, scan, i);
        }
    }
    buf_text(out, "}");
}

// Results of tools are messages of a role of their own, before what else the user says.
static const char *put_heard(struct buf *out, struct results *results, uint32_t content) {
    const struct json_scan *scan = results->scan;
    const char *comma = "", *between = ",{\"role\":\"user\",\"content\":[";
    struct heard heard;
    for (heard_walk(&heard, content); next_heard(results, &heard);) {
        if (heard.id.size == 0) {
            buf_text(out, between);
            put_part(out, scan, heard.part);
            between = ",";
            continue;
        }
        buf_printf(out, "%s{\"role\":\"tool\",\"tool_call_id\":%.*s,\"content\":", comma,
                   (int)heard.id.size, (const char *)heard.id.at);
        put_content(out, scan, heard.result);
        buf_text(out, "}");
        comma = ",";
    }
    buf_text(out, between[1] ? "" : "]}");
    return heard.refusal;
}

static bool has_part(const struct json_scan *scan, uint32_t content, const char *type) {
    bool has = false;
    if (!content || !has_shape(scan, content, JSON_SHAPE_array))
        return false;
    for (uint32_t i = first_in(content); !has && i < next_in(scan, content); i = next_in(scan, i))
        has = is_part(scan, i, type);
    return has;
}

// Parts of another API mean nothing to this one, which has its calls beside the content; nor may
// each API have each member.
static bool is_foreign(const struct provider_api *api, const struct json_scan *scan,
                       uint32_t message) {
    static const char *const said[] = {"refusal", "audio", NULL};
    uint32_t content = stated_in(scan, message, "content");
    uint32_t shape = stated_in(scan, message, "shape");
    bool has_parts = content && has_shape(scan, content, JSON_SHAPE_array);
    bool is_it = has_part(scan, content, "tool_use") ||
                 (has_parts && shape && !is_said(scan, shape, adapter_openai_chat.shape));
    for (const char *const *name = said; *name && !is_it; name++) {
        uint32_t member = stated_in(scan, message, *name);
        is_it = member && !is_one_of(scan, member, copied_to(api));
    }
    return is_it;
}

// Some parts are bound to the model that made them.
static bool is_anothers(const struct json_scan *scan, uint32_t message, struct bytes model) {
    return has_parts_of(scan, message, adapter_openai_chat.shape) &&
           !is_made_by(scan, message, model);
}

// The list of messages under way.
struct talk {
    struct buf *out;
    const struct adapter_job *job;
    struct results results;
    const char *comma;
};

static const char *put_one(void *at, uint32_t message) {
    struct talk *talk = at;
    const struct json_scan *scan = talk->results.scan;
    uint32_t content = json_find(scan, message, "content");
    bool is_models = is_said(scan, json_find(scan, message, "role"), "assistant");
    buf_text(talk->out, talk->comma);
    talk->comma = ",";
    if (!is_models && has_part(scan, content, "tool_result"))
        return put_heard(talk->out, &talk->results, content);
    if (is_models &&
        (is_foreign(talk->job->api, scan, message) || is_anothers(scan, message, talk->job->model)))
        return put_foreign(talk->out, talk->job->api, scan, message);
    put_own(talk->out, talk->job->api, scan, message);
    return NULL;
}

static const char *put_messages(struct buf *out, const struct adapter_job *job,
                                const struct json_scan *scan, const struct turn *turn) {
    struct talk talk = {.out = out, .job = job, .comma = ""};
    buf_text(out, ",\"messages\":[");
    if (turn->system) {
        buf_text(out, "{\"role\":\"system\",\"content\":");
        put_bytes(out, json_raw(scan, turn->system));
        buf_text(out, "}");
        talk.comma = ",";
    }
    const char *refusal = put_each_message(&talk.results, scan, turn->messages, put_one, &talk);
    buf_text(out, "]");
    return refusal;
}

// ---- the request --------------------------------------------------------------------------------

static const char *const ours[] = {"model", "messages", NULL};
static const struct param_names names = {.ours = ours};

static bool takes_settings_of(const struct provider_api *api, const struct json_scan *scan,
                              uint32_t params, struct buf *words) {
    return takes_params(api, scan, params, &names, words);
}

static const char *write_turn(const struct adapter_job *job, struct json_scan *scan,
                              struct buf *out) {
    struct turn turn;
    const char *refusal = turn_open(job, scan, &turn, takes_settings_of, &form);
    if (refusal)
        return refusal;
    buf_text(out, "{\"model\":");
    json_put_text(out, job->model);
    refusal = put_messages(out, job, scan, &turn);
    if (refusal)
        return refusal;
    if (turn.params)
        put_params(out, job, scan, &turn, &names);
    put_tools(out, scan, turn.tools, put_tool);
    buf_text(out, "}");
    return NULL;
}

static const char *write_request(const struct adapter_job *job, struct json_scan *scan,
                                 struct buf *body) {
    return request_write(job, scan, body, write_turn);
}

// Servers that speak this API have parts of their own, so only what is known to be another API's is
// refused.
static bool takes_part_of(const struct json_scan *line, uint32_t part, bool is_told,
                          struct buf *words) {
    static const char *const others[] = {"image", "document", "search_result", NULL};
    uint32_t is_error = stated_in(line, part, "is_error");
    if (is_told && is_part(line, part, "tool_result"))
        return refuse_type(words, "this API takes no part", line, part, " in a result");
    for (const char *const *type = others; *type; type++)
        if (is_part(line, part, *type))
            return refuse_type(words, "this API takes no part", line, part,
                               ", but text, image_url and file");
    if (is_error && has_shape(line, is_error, JSON_SHAPE_true)) {
        buf_text(words, "this API has no \"is_error\": say it in the result's content");
        return false;
    }
    return true;
}

static bool takes_brought(const struct provider_api *api, const struct json_scan *line,
                          struct buf *words) {
    for (uint32_t at = 0; next_brought(line, &at);)
        if (is_said(line, json_find(line, at, "role"), "assistant") && is_foreign(api, line, at) &&
            !takes_spoken(line, at, words))
            return false;
    return true;
}

static bool takes(const struct provider_api *api, const struct json_scan *line, struct buf *words) {
    uint32_t params = stated_in(line, 0, "params");
    return takes_parts(line, takes_part_of, words) && takes_brought(api, line, words) &&
           (!params || takes_settings_of(api, line, params, words));
}

static bool is_answer(const struct json_scan *scan) {
    uint32_t choices = json_find(scan, 0, "choices");
    if (!choices || !has_shape(scan, choices, JSON_SHAPE_array))
        return false;
    for (uint32_t i = first_in(choices); i < next_in(scan, choices); i = next_in(scan, i))
        if (!has_shape(scan, i, JSON_SHAPE_object))
            return false;
    return scan->nodes[choices].count > 0;
}

const struct adapter adapter_openai_chat = {
    .shape = "openai.chat",
    .may_stream = true,
    .takes = takes,
    .write = write_request,
    .is_answer = is_answer,
};
