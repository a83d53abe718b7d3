#include "tests/provider-sim/asked.h"

#include "tests/provider-sim/hash.h"
#include "tests/provider-sim/limits.h"
#include "tests/provider-sim/scan.h"

#include <string.h>

struct reading {
    enum api api;
    struct scan scan;
    struct asked *asked;
    struct text *scratch;
    bool has_messages;
    bool has_user;
    bool is_user_due;    // whose turn it is, where roles alternate
    size_t last_user_at; // in scratch: where its role begins
    size_t last_text_at; // where its text begins
    size_t last_text_size;
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
        is_result = is_result || (span_is(key, "type") && span_is(raw, "\"tool_result\""));
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

static bool is_role(enum api api, struct span role) {
    static const char *const roles[] = {"user",      "assistant", "system",
                                        "developer", "tool",      "function"};
    size_t count = api == API_MESSAGES ? 2 : sizeof(roles) / sizeof(roles[0]);
    for (size_t i = 0; i < count; i++)
        if (span_is(role, roles[i]))
            return true;
    return false;
}

// Adds a message to the transcript: role, NUL, text, NUL.
static void note_message(struct reading *reading, struct span role, struct span content) {
    struct asked *asked = reading->asked;
    struct text *scratch = reading->scratch;
    size_t from = scratch->size;
    text_span(scratch, role);
    text_put(scratch, "", 1);
    size_t text_from = scratch->size;
    bool has_result = read_content(content, scratch);
    size_t text_size = scratch->size - text_from;
    text_put(scratch, "", 1);

    asked->messages++;
    asked->text_bytes += text_size;
    asked->last_is_tool = has_result || span_is(role, "tool") || span_is(role, "function");
    if (!span_is(role, "user"))
        return;
    asked->user_turns++;
    reading->has_user = true;
    reading->last_user_at = from;
    reading->last_text_at = text_from;
    reading->last_text_size = text_size;
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

static void read_message(struct reading *reading) {
    struct scan *scan = &reading->scan;
    struct span key, value, role = {"", 0}, content = {"null", 4};
    if (scan_peek(scan) != SCAN_OBJECT) {
        read_mistyped(reading, "messages");
        return;
    }
    scan_enter(scan, '{');
    bool is_first = true;
    while (scan_member(scan, &is_first, &key)) {
        enum scan_kind kind = scan_peek(scan);
        bool is_content = span_is(key, "content");
        if (span_is(key, "role") && kind == SCAN_STRING) {
            scan_string(scan, &role);
        } else if (scan_value(scan, &value)) {
            if (is_content)
                content = value;
            if (is_content && kind != SCAN_STRING && kind != SCAN_ARRAY && !span_is(value, "null"))
                asked_wrong(reading->asked, "a message's content must be a string or a list",
                            "messages", "invalid_type");
            if (span_is(key, "tool_calls"))
                reading->asked->text_bytes += value.size;
        }
        if (scan->failed)
            return;
    }
    if (!scan->failed && !is_role(reading->api, role))
        asked_wrong(reading->asked, "a message's role is missing or unknown", "messages",
                    "invalid_value");
    if (reading->api == API_MESSAGES)
        check_turn(reading, role, content);
    if (!scan->failed)
        note_message(reading, role, content);
}

static void read_messages(struct reading *reading) {
    reading->has_messages = true;
    if (scan_peek(&reading->scan) != SCAN_ARRAY) {
        read_mistyped(reading, "messages");
        return;
    }
    scan_enter(&reading->scan, '[');
    bool is_first = true;
    while (scan_item(&reading->scan, &is_first)) {
        read_message(reading);
        if (reading->asked->messages > MESSAGES_MAX)
            asked_wrong(reading->asked, "too many messages", "messages", "invalid_value");
    }
    if (reading->asked->messages == 0)
        asked_wrong(reading->asked, "there must be at least one message", "messages",
                    "empty_array");
}

// The name in {"type":"function","function":{"name":…}} or in {"name":…}, else an empty one.
static struct span tool_name(enum api api, struct span tool) {
    struct span name = {"", 0};
    struct scan scan = scan_new(tool);
    struct span key, raw;
    for (int level = api == API_MESSAGES; level < 2 && scan_peek(&scan) == SCAN_OBJECT; level++) {
        scan_enter(&scan, '{');
        bool is_first = true;
        while (scan_member(&scan, &is_first, &key)) {
            if (level == 0 && span_is(key, "function"))
                break;
            if (level == 1 && span_is(key, "name") && scan_peek(&scan) == SCAN_STRING)
                scan_string(&scan, &name);
            else
                scan_value(&scan, &raw);
            if (scan.failed)
                return name;
        }
    }
    return name;
}

static void read_tools(struct reading *reading) {
    const char *from = reading->scan.at;
    if (scan_peek(&reading->scan) != SCAN_ARRAY) {
        read_mistyped(reading, "tools");
        return;
    }
    scan_enter(&reading->scan, '[');
    bool is_first = true;
    struct span tool;
    while (scan_item(&reading->scan, &is_first) && scan_value(&reading->scan, &tool)) {
        if (reading->api == API_MESSAGES && memmem(tool.at, tool.size, "\"web_search_", 12)) {
            reading->asked->wants_search = true;
            continue;
        }
        if (!reading->asked->has_tools)
            reading->asked->tool = tool_name(reading->api, tool);
        reading->asked->has_tools = true;
    }
    reading->asked->tools_bytes = (uint64_t)(reading->scan.at - from);
}

static void read_member(struct reading *reading, struct span key, bool *may_call) {
    struct asked *asked = reading->asked;
    struct span raw;
    if (span_is(key, "model"))
        read_model(reading);
    else if (span_is(key, "messages"))
        read_messages(reading);
    else if (span_is(key, "tools"))
        read_tools(reading);
    else if (span_is(key, "max_tokens") || span_is(key, "max_completion_tokens"))
        read_whole(reading, "max_completion_tokens", 1 << 30, &asked->tokens_max);
    else if (span_is(key, "n") && reading->api == API_CHAT)
        read_whole(reading, "n", CHOICES_MAX, &asked->choices);
    else if (!scan_value(&reading->scan, &raw))
        return;
    else if (span_is(key, "tool_choice"))
        *may_call = memmem(raw.at, raw.size, "\"none\"", 6) == NULL;
    else if (span_is(key, "system"))
        asked->text_bytes += raw.size;
    else if (span_is(key, "thinking"))
        asked->wants_thinking = memmem(raw.at, raw.size, "\"disabled\"", 10) == NULL;
    else if (span_is(key, "inference_geo"))
        asked->wants_us = span_is(raw, "\"us\"");
    else if (span_is(key, "service_tier"))
        asked->wants_flex = span_is(raw, "\"flex\"");
    else if (span_is(key, "stream"))
        asked->wants_stream = span_is(raw, "true");
}

static void asked_hash(struct span span, uint8_t out[TURN_HASH_SIZE]) {
    uint8_t digest[HASH_SIZE];
    hash_sha256(span, digest);
    memcpy(out, digest, TURN_HASH_SIZE);
}

static void asked_end(struct reading *reading) {
    struct asked *asked = reading->asked;
    struct span all = text_view(reading->scratch);
    if (!reading->has_user)
        reading->last_user_at = all.size;
    asked->last_user = (struct span){reading->has_user ? all.at + reading->last_text_at : "",
                                     reading->last_text_size};
    asked_hash(asked->last_user, asked->said);
    asked_hash((struct span){reading->last_user_at ? all.at : "", reading->last_user_at},
               asked->before);
    if (asked->model.size == 0)
        asked_wrong(asked, "a model must be named", "model", NULL);
    if (!reading->has_messages)
        asked_wrong(asked, "messages are missing", "messages", "missing_required_parameter");
    if (reading->api == API_MESSAGES && asked->tokens_max == 0)
        asked_wrong(asked, "max_tokens: field required", "max_tokens", NULL);
    if (asked->wants_stream)
        asked_wrong(asked, "this simulator does not stream", "stream", "unsupported_value");
}

void asked_read(enum api api, struct span body, struct text *scratch, struct asked *asked) {
    struct reading reading = {.api = api,
                              .scan = scan_new(body),
                              .asked = asked,
                              .scratch = scratch,
                              .is_user_due = true};
    struct span key;
    bool is_first = true;
    bool may_call = true;
    *asked = (struct asked){.choices = 1, .model = {"", 0}, .tool = {"", 0}, .last_user = {"", 0}};
    asked->wants_thinking = api == API_CHAT;
    text_reset(scratch);
    scan_enter(&reading.scan, '{');
    while (!reading.scan.failed && scan_member(&reading.scan, &is_first, &key))
        read_member(&reading, key, &may_call);
    if (!scan_ended(&reading.scan)) {
        asked->wrong = "the body of the request is not valid JSON, or no object";
        asked->param = asked->code = NULL;
        return;
    }
    asked->has_tools = asked->has_tools && may_call;
    asked->wants_cache = memmem(body.at, body.size, "\"cache_control\"", 15) != NULL;
    asked->wants_hour = memmem(body.at, body.size, "\"1h\"", 4) != NULL;
    asked_end(&reading);
}
