#include "tests/provider-sim/asked.h"

#include "tests/provider-sim/hash.h"
#include "tests/provider-sim/limits.h"
#include "tests/provider-sim/prefix.h"
#include "tests/provider-sim/scan.h"

#include <string.h>

struct reading {
    enum dialect dialect;
    enum vendor vendor;
    struct scan scan;
    struct asked *asked;
    struct text *scratch;
    bool has_messages;
    bool may_call;
    bool is_answer;       // an answer is asked for, not only that something is kept
    bool has_prefix;      // which is read by now
    const char *messages; // the member that has them
    bool is_user_due;     // whose turn it is, where roles alternate
};

// The first thing that is wrong is what the answer says.
static void asked_wrong(struct asked *asked, const char *wrong, const char *param,
                        const char *code) {
    if (asked->wrong != NULL)
        return;
    asked->wrong = wrong;
    asked->param = param;
    asked->code = code;
}

// Steps over a value of another kind than the one that is due, and says so.
static void read_mistyped(struct reading *reading, const char *param) {
    struct span raw;
    if (scan_value(&reading->scan, &raw))
        asked_wrong(reading->asked, "this parameter has the wrong type", param, "invalid_type");
}

static void read_model(struct reading *reading) {
    struct span raw;
    if (reading->asked->model.size > 0) {
        scan_value(&reading->scan, &raw); // the path has named it
        return;
    }
    if (scan_peek(&reading->scan) != SCAN_STRING) {
        read_mistyped(reading, "model");
    } else if (scan_string(&reading->scan, &reading->asked->model) &&
               reading->asked->model.size > MODEL_NAME_BYTES_MAX) {
        asked_wrong(reading->asked, "the model's name is too long", "model", "invalid_value");
    }
}

static void read_whole(struct reading *reading, const char *param, int64_t max, int64_t *out) {
    if (scan_peek(&reading->scan) != SCAN_NUMBER) {
        read_mistyped(reading, param);
        return;
    }
    int64_t number;
    bool is_whole = scan_whole(&reading->scan, &number);
    if (reading->scan.failed)
        return;
    if (!is_whole || number < 1 || number > max)
        asked_wrong(reading->asked, "this number is out of its range", param, "invalid_value");
    else
        *out = number;
}

// Whether an object has that member with that value, both as they stand.
static bool member_is(struct span object, const char *name, const char *value) {
    return span_is(scan_find(object, name), value);
}

// ---- messages -----------------------------------------------------------------------------------

// One part of a message's content; appends its text. True if it is the result of a tool.
static bool read_part(struct scan *scan, struct text *out) {
    bool is_result = false;
    struct span key, raw;
    if (scan_peek(scan) != SCAN_OBJECT) {
        scan_value(scan, &raw);
        return false;
    }
    scan_enter(scan, '{');
    bool is_first = true;
    while (scan_member(scan, &is_first, &key)) {
        bool is_text = span_is(key, "text") && scan_peek(scan) == SCAN_STRING;
        if (is_text && scan_string(scan, &raw))
            scan_decode(raw, out);
        else if (!is_text)
            scan_value(scan, &raw);
        if (scan->failed)
            return false;
        is_result = is_result || span_is(key, "functionResponse") ||
                    (span_is(key, "type") && span_is(raw, "\"tool_result\""));
    }
    return is_result;
}

// Appends the text of a message's content, which is a string or a list of parts. True if the
// result of a tool is among them.
static bool read_content(struct span content, struct text *out) {
    struct scan scan = scan_new(content);
    struct span raw;
    bool has_result = false;
    enum scan_kind kind = scan_peek(&scan);
    if (kind == SCAN_STRING && scan_string(&scan, &raw))
        scan_decode(raw, out);
    if (kind != SCAN_ARRAY)
        return false;
    scan_enter(&scan, '[');
    bool is_first = true;
    while (scan_item(&scan, &is_first) && !scan.failed)
        has_result = read_part(&scan, out) || has_result;
    return has_result;
}

static bool is_role(const struct reading *reading, struct span role) {
    static const char *const roles[DIALECTS][7] = {
        [DIALECT_CHAT] = {"user", "assistant", "system", "tool", "function", "developer"},
        [DIALECT_MESSAGES] = {"user", "assistant"},
        [DIALECT_RESPONSES] = {"user", "assistant", "system", "tool", "developer"},
        [DIALECT_GENERATE] = {"user", "model", "function"},
        [DIALECT_INTERACTIONS] = {"user", "model", "tool"},
    };
    if (reading->vendor == VENDOR_DEEPSEEK && span_is(role, "developer"))
        return false;
    for (size_t i = 0; roles[reading->dialect][i] != NULL; i++)
        if (span_is(role, roles[reading->dialect][i]))
            return true;
    return false;
}

// Adds a message to the transcript.
static void note_message(struct reading *reading, struct span role, struct span content) {
    struct transcript *transcript = &reading->asked->transcript;
    struct text *scratch = reading->scratch;
    size_t from = scratch->size;
    text_span(scratch, role);
    text_put(scratch, "", 1);
    size_t text_from = scratch->size;
    bool has_result = read_content(content, scratch);
    size_t text_size = scratch->size - text_from;
    text_put(scratch, "", 1);

    transcript->messages++;
    transcript->text_bytes += text_size;
    reading->asked->last_is_tool = has_result || span_is(role, "tool") || span_is(role, "function");
    if (!span_is(role, "user"))
        return;
    transcript->user_turns++;
    transcript->has_user = true;
    transcript->last_user_at = from;
    transcript->last_text_at = text_from;
    transcript->last_text_size = text_size;
}

void transcript_add(struct transcript *transcript, struct text *scratch, const char *role,
                    struct span said) {
    text_add(scratch, role);
    text_put(scratch, "", 1);
    text_span(scratch, said);
    text_put(scratch, "", 1);
    transcript->messages++;
    transcript->text_bytes += said.size;
    transcript->text = text_view(scratch);
}

// The Messages API would put neighbours of one role together; who relies on that sends what nobody
// meant to say, so it is a mistake here. Contents and texts are not empty.
static void check_turn(struct reading *reading, struct span role, struct span content) {
    if (span_is(role, "user") != reading->is_user_due)
        asked_wrong(reading->asked, "messages: roles must alternate", "messages", NULL);
    if (span_is(content, "null") || span_is(content, "[]") || span_is(content, "\"\""))
        asked_wrong(reading->asked, "messages: content must be non-empty", "messages", NULL);
    reading->is_user_due = span_is(role, "assistant");
}

struct message {
    struct span role, type, content;
    bool is_skipped; // nothing that was said
};

// The role that an item or step has by its type.
static void message_role(enum dialect dialect, struct message *message) {
    static const struct {
        enum dialect dialect;
        const char *type, *role; // NULL: it is skipped
    } roles[] = {
        {DIALECT_RESPONSES, "function_call_output", "tool"},
        {DIALECT_RESPONSES, "custom_tool_call_output", "tool"},
        {DIALECT_RESPONSES, "function_call", "assistant"},
        {DIALECT_RESPONSES, "reasoning", NULL},
        {DIALECT_RESPONSES, "web_search_call", NULL},
        {DIALECT_RESPONSES, "item_reference", NULL},
        {DIALECT_INTERACTIONS, "user_input", "user"},
        {DIALECT_INTERACTIONS, "text", "user"},
        {DIALECT_INTERACTIONS, "model_output", "model"},
        {DIALECT_INTERACTIONS, "function_call", "model"},
        {DIALECT_INTERACTIONS, "function_result", "tool"},
        {DIALECT_INTERACTIONS, "thought", NULL},
        {DIALECT_INTERACTIONS, "google_search_call", NULL},
        {DIALECT_INTERACTIONS, "google_search_result", NULL},
    };
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (roles[i].dialect != dialect || !span_is(message->type, roles[i].type))
            continue;
        message->is_skipped = roles[i].role == NULL;
        if (!message->is_skipped)
            message->role = span_of(roles[i].role);
    }
    if (dialect == DIALECT_GENERATE && message->role.size == 0)
        message->role = span_of("user");
}

// One member of a message.
static void read_message_member(struct reading *reading, struct span key, struct message *message) {
    static const char *const contents[] = {"content", "parts", "output", "result", "text"};
    struct scan *scan = &reading->scan;
    enum scan_kind kind = scan_peek(scan);
    struct span value;
    if (span_is(key, "role") && kind == SCAN_STRING) {
        scan_string(scan, &message->role);
        return;
    }
    if (span_is(key, "type") && kind == SCAN_STRING) {
        scan_string(scan, &message->type);
        return;
    }
    if (!scan_value(scan, &value))
        return;
    size_t count = reading->dialect == DIALECT_CHAT || reading->dialect == DIALECT_MESSAGES ? 1 : 5;
    for (size_t i = 0; i < count; i++)
        if (span_is(key, contents[i]))
            message->content = value;
    if (span_is(key, "content") && kind != SCAN_STRING && kind != SCAN_ARRAY &&
        !span_is(value, "null"))
        asked_wrong(reading->asked, "a message's content must be a string or a list", "messages",
                    "invalid_type");
    if (span_is(key, "tool_calls") || span_is(key, "arguments"))
        reading->asked->transcript.text_bytes += value.size;
}

static void read_message(struct reading *reading) {
    struct scan *scan = &reading->scan;
    struct span key;
    struct message message = {.role = {"", 0}, .type = {"", 0}, .content = {"null", 4}};
    if (scan_peek(scan) != SCAN_OBJECT) {
        read_mistyped(reading, "messages");
        return;
    }
    scan_enter(scan, '{');
    bool is_first = true;
    while (scan_member(scan, &is_first, &key)) {
        read_message_member(reading, key, &message);
        if (scan->failed)
            return;
    }
    message_role(reading->dialect, &message);
    if (scan->failed || message.is_skipped)
        return;
    if (!is_role(reading, message.role))
        asked_wrong(reading->asked, "a message's role is missing or unknown", "messages",
                    "invalid_value");
    if (reading->dialect == DIALECT_MESSAGES)
        check_turn(reading, message.role, message.content);
    note_message(reading, message.role, message.content);
}

static void read_messages(struct reading *reading) {
    reading->has_messages = true;
    bool may_be_text =
        reading->dialect == DIALECT_RESPONSES || reading->dialect == DIALECT_INTERACTIONS;
    uint64_t before = reading->asked->transcript.messages;
    const char *from = reading->scan.at;
    struct span raw;
    if (may_be_text && scan_peek(&reading->scan) == SCAN_STRING) {
        if (scan_value(&reading->scan, &raw))
            note_message(reading, span_of("user"), raw);
        return;
    }
    if (scan_peek(&reading->scan) != SCAN_ARRAY) {
        read_mistyped(reading, "messages");
        return;
    }
    scan_enter(&reading->scan, '[');
    bool is_first = true;
    while (scan_item(&reading->scan, &is_first)) {
        read_message(reading);
        if (reading->asked->transcript.messages > MESSAGES_MAX)
            asked_wrong(reading->asked, "too many messages", "messages", "invalid_value");
    }
    reading->asked->turns = (struct span){from, (size_t)(reading->scan.at - from)};
    if (reading->asked->transcript.messages == before && !may_be_text)
        asked_wrong(reading->asked, "there must be at least one message", "messages",
                    "empty_array");
}

static void read_tools(struct reading *reading) {
    struct span raw;
    if (scan_peek(&reading->scan) != SCAN_ARRAY)
        read_mistyped(reading, "tools");
    else if (scan_value(&reading->scan, &raw))
        asked_tools(reading->asked, reading->dialect, raw);
}

// ---- the members of a request -------------------------------------------------------------------

// Text in the form of a schema, if it asks for one.
static void read_format(struct asked *asked, struct span raw, bool is_schema) {
    static const char name[] = "\"properties\"";
    if (!is_schema && !span_has(raw, "\"json_object\"") && !span_has(raw, "\"json_schema\"") &&
        !span_has(raw, "\"application/json\"") && !span_has(raw, name))
        return;
    asked->wants_json = true;
    const char *at = memmem(raw.at, raw.size, name, sizeof(name) - 1);
    if (at == NULL)
        return;
    at += sizeof(name) - 1;
    struct scan scan = scan_new((struct span){at, (size_t)(raw.at + raw.size - at)});
    struct span properties;
    if (scan_enter(&scan, ':') && scan_peek(&scan) == SCAN_OBJECT && scan_value(&scan, &properties))
        asked->properties = properties;
}

static void read_thinking(struct asked *asked, struct span key, struct span raw) {
    if (span_is(key, "thinking"))
        asked->wants_thinking = !span_has(raw, "\"disabled\"");
    else if (span_is(key, "reasoning_effort"))
        asked->wants_thinking = !span_is(raw, "\"none\"");
    if (span_is(key, "reasoning") && member_is(raw, "effort", "\"none\""))
        asked->wants_thinking = false;
    if (span_is(key, "thinkingConfig") && member_is(raw, "thinkingBudget", "0"))
        asked->wants_thinking = false;
    if ((span_is(key, "thinkingConfig") && member_is(raw, "includeThoughts", "true")) ||
        (span_is(key, "reasoning") && span_has(raw, "\"summary\"") &&
         !member_is(raw, "summary", "null")) ||
        (span_is(key, "thinking_summaries") && span_is(raw, "\"auto\"")))
        asked->wants_summary = true;
}

// A member whose value is looked at as it stands.
static void read_plain(struct reading *reading, struct span key, struct span raw) {
    struct asked *asked = reading->asked;
    if (span_is(key, "tool_choice") || span_is(key, "toolConfig"))
        reading->may_call = !span_has(raw, "\"none\"") && !span_has(raw, "\"NONE\"");
    else if (span_is(key, "system") || span_is(key, "instructions") ||
             span_is(key, "systemInstruction") || span_is(key, "system_instruction"))
        asked->system = raw;
    else if (span_is(key, "cache_control"))
        asked->keep = raw;
    else if (span_is(key, "prompt_cache_options"))
        asked->is_cache_off = member_is(raw, "mode", "\"explicit\"");
    else if (span_is(key, "inference_geo"))
        asked->wants_us = span_is(raw, "\"us\"");
    else if (span_is(key, "service_tier") || span_is(key, "serviceTier"))
        asked->wants_flex = span_is(raw, "\"flex\"");
    else if (span_is(key, "stream"))
        asked->wants_stream = asked->wants_stream || span_is(raw, "true");
    else if (span_is(key, "stream_options"))
        asked->wants_usage = member_is(raw, "include_usage", "true");
    else if (span_is(key, "store"))
        asked->is_stored = !span_is(raw, "false");
    else if (span_is(key, "response_format") || span_is(key, "output_format") ||
             span_is(key, "output_config") || span_is(key, "responseMimeType") ||
             span_is(key, "response_mime_type") || span_is(key, "text"))
        read_format(asked, raw, false);
    else if (span_is(key, "responseSchema") || span_is(key, "responseJsonSchema"))
        read_format(asked, raw, true);
    else
        read_thinking(asked, key, raw);
}

static bool is_tokens_max(struct span key) {
    return span_is(key, "max_tokens") || span_is(key, "max_completion_tokens") ||
           span_is(key, "max_output_tokens") || span_is(key, "maxOutputTokens");
}

// What was cached has these already.
static void check_repeated(struct reading *reading, struct span key) {
    static const char *const names[] = {"systemInstruction", "system_instruction", "tools",
                                        "toolConfig"};
    for (size_t i = 0; reading->has_prefix && i < sizeof(names) / sizeof(names[0]); i++)
        if (span_is(key, names[i]))
            asked_wrong(reading->asked,
                        "CachedContent cannot be used with a system instruction, tools or a tool "
                        "config beside it",
                        "cachedContent", NULL);
}

static void read_member(struct reading *reading, struct span key) {
    struct span raw;
    check_repeated(reading, key);
    if (span_is(key, "model"))
        read_model(reading);
    else if (span_is(key, reading->messages))
        read_messages(reading);
    else if (span_is(key, "tools"))
        read_tools(reading);
    else if (is_tokens_max(key))
        read_whole(reading, "max_completion_tokens", 1 << 30, &reading->asked->tokens_max);
    else if (span_is(key, "n") && reading->dialect == DIALECT_CHAT)
        read_whole(reading, "n", CHOICES_MAX, &reading->asked->choices);
    else if (scan_value(&reading->scan, &raw))
        read_plain(reading, key, raw);
}

static bool is_config(const struct reading *reading, struct span key) {
    return (reading->dialect == DIALECT_GENERATE && span_is(key, "generationConfig")) ||
           (reading->dialect == DIALECT_INTERACTIONS && span_is(key, "generation_config"));
}

static void read_members(struct reading *reading) {
    struct scan *scan = &reading->scan;
    struct span key;
    bool is_first = true;
    scan_enter(scan, '{');
    while (!scan->failed && scan_member(scan, &is_first, &key)) {
        if (!is_config(reading, key) || scan_peek(scan) != SCAN_OBJECT) {
            read_member(reading, key);
            continue;
        }
        bool is_first_inside = true;
        scan_enter(scan, '{');
        while (!scan->failed && scan_member(scan, &is_first_inside, &key))
            read_member(reading, key);
    }
}

// ---- the whole ----------------------------------------------------------------------------------

static int64_t tokens_of(uint64_t bytes, uint64_t bytes_a_token) {
    return (int64_t)((bytes + bytes_a_token - 1) / bytes_a_token);
}

int64_t prompt_tokens(uint64_t messages, uint64_t text_bytes, uint64_t tools_bytes) {
    return 3 + 4 * (int64_t)messages + tokens_of(text_bytes, 4) + tokens_of(tools_bytes, 8);
}

static void asked_hash(struct span span, uint8_t out[TURN_HASH_SIZE]) {
    uint8_t digest[HASH_SIZE];
    hash_sha256(span, digest);
    memcpy(out, digest, TURN_HASH_SIZE);
}

static void asked_end(struct reading *reading) {
    struct asked *asked = reading->asked;
    struct transcript *transcript = &asked->transcript;
    struct span all = text_view(reading->scratch);
    if (!transcript->has_user)
        transcript->last_user_at = all.size;
    transcript->text = all;
    asked->messages = transcript->messages;
    asked->user_turns = transcript->user_turns;
    asked->text_bytes = transcript->text_bytes + asked->system.size;
    asked->last_user = (struct span){transcript->has_user ? all.at + transcript->last_text_at : "",
                                     transcript->last_text_size};
    asked_hash(asked->last_user, asked->said);
    asked_hash((struct span){transcript->last_user_at ? all.at : "", transcript->last_user_at},
               asked->before);
    if (!reading->is_answer)
        return;
    if (asked->model.size == 0)
        asked_wrong(asked, "a model must be named", "model", NULL);
    if (!reading->has_messages)
        asked_wrong(asked, "messages are missing", "messages", "missing_required_parameter");
    if (reading->dialect == DIALECT_MESSAGES && asked->tokens_max == 0)
        asked_wrong(asked, "max_tokens: field required", "max_tokens", NULL);
}

static void reading_begin(struct reading *reading, const struct route *route,
                          const struct transcript *before, struct text *scratch,
                          struct asked *asked) {
    static const char *const messages[DIALECTS] = {"messages", "messages", "input", "contents",
                                                   "input"};
    bool is_conversation = route->kind == KEPT_CONVERSATION;
    *reading = (struct reading){
        .dialect = route->api->dialect,
        .vendor = route->api->vendor,
        .asked = asked,
        .scratch = scratch,
        .may_call = true,
        .is_answer = route->operation == OPERATION_ANSWER || route->operation == OPERATION_STREAM,
        .messages = is_conversation ? "items" : messages[route->api->dialect],
        .is_user_due = true};
    *asked = (struct asked){.choices = 1,
                            .is_stored = true,
                            .model = {"", 0},
                            .tool = {"", 0},
                            .tool_2 = {"", 0},
                            .last_user = {"", 0},
                            .system = {"", 0},
                            .tools = {"", 0},
                            .turns = {"", 0},
                            .keep = {"", 0},
                            .properties = {"", 0}};
    asked->wants_thinking = route->api->dialect != DIALECT_MESSAGES;
    asked->wants_stream = route->operation == OPERATION_STREAM;
    text_reset(scratch);
    if (before == NULL)
        return;
    text_span(scratch, before->text);
    asked->transcript = *before;
}

// The model that the path names; it goes into answers as it stands.
static void name_model(struct reading *reading, struct span name) {
    bool is_good = name.size <= MODEL_NAME_BYTES_MAX;
    for (size_t i = 0; i < name.size; i++)
        is_good = is_good && name.at[i] > 0x20 && name.at[i] != '"' && name.at[i] != '\\';
    if (is_good)
        reading->asked->model = name;
    else
        asked_wrong(reading->asked, "the model's name is not valid", "model", "invalid_value");
}

// What was cached stands before the members of the request.
static void read_prefix(struct reading *reading, struct span prefix) {
    struct asked *asked = reading->asked;
    reading->scan = scan_new(prefix);
    read_members(reading);
    asked->prefix_tokens =
        prompt_tokens(asked->transcript.messages, asked->transcript.text_bytes + asked->system.size,
                      asked->tools_bytes);
    reading->has_prefix = true;
    reading->has_messages = false;
}

enum { KEEPS_MAX = 4 };

static void check_keeps(struct asked *asked) {
    struct keeps keeps = prefix_keeps(asked);
    asked->wants_cache = keeps.count > 0;
    asked->wants_hour = keeps.has_hour;
    if (keeps.count > KEEPS_MAX)
        asked_wrong(asked, "at most 4 blocks may have cache_control", "cache_control", NULL);
    if (keeps.is_disordered)
        asked_wrong(asked, "cache_control: a ttl of 1h must not come after one of 5m",
                    "cache_control", NULL);
}

void asked_read(const struct route *route, struct span body, struct before before,
                struct text *scratch, struct asked *asked) {
    struct reading reading;
    reading_begin(&reading, route, before.transcript, scratch, asked);
    if (route->name.size > 0)
        name_model(&reading, route->name);
    if (before.prefix.size > 0)
        read_prefix(&reading, before.prefix);
    reading.scan = scan_new(body);
    read_members(&reading);
    if (!scan_ended(&reading.scan)) {
        asked->wrong = "the body of the request is not valid JSON, or no object";
        asked->param = asked->code = NULL;
        return;
    }
    asked->has_tools = asked->has_tools && reading.may_call;
    if (reading.dialect == DIALECT_MESSAGES && span_has(body, "\"cache_control\""))
        check_keeps(asked);
    if (span_has(body, "\"prompt_cache_breakpoint\""))
        asked->is_cache_off = false;
    asked_end(&reading);
}
