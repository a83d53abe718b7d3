#include "tests/provider-sim/test_speak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct spoken spoken[SPOKEN] = {
    {"openai", FORM_CHAT, "/openai/v1/chat/completions", NULL, "gpt-5-mini",
     "gpt-5-mini-2025-08-07", 250000, 25000, 2000000, "x-request-id", "chatcmpl-"},
    {"azure", FORM_CHAT, "/azure/openai/deployments/gpt-5-mini/chat/completions?api-version=1",
     NULL, "gpt-5-mini", "gpt-5-mini-2025-08-07", 250000, 25000, 2000000, "apim-request-id",
     "chatcmpl-"},
    {"openrouter", FORM_CHAT, "/openrouter/api/v1/chat/completions", NULL, "openai/gpt-5-mini",
     "openai/gpt-5-mini-2025-08-07", 250000, 25000, 2000000, "X-Generation-Id", "gen-"},
    {"deepseek", FORM_CHAT, "/deepseek/chat/completions", NULL, "deepseek-v4-flash",
     "deepseek-flash", 150000, 3000, 600000, "x-ds-trace-id", ""},
    {"xai", FORM_CHAT, "/xai/v1/chat/completions", NULL, "grok-3-mini", "grok-3-mini", 300000,
     75000, 500000, "x-request-id", ""},
    {"mistral", FORM_CHAT, "/mistral/v1/chat/completions", NULL, "mistral-small-latest",
     "mistral-small-2603", 150000, 15000, 600000, "mistral-correlation-id", ""},
    {"groq", FORM_CHAT, "/groq/openai/v1/chat/completions", NULL, "openai/gpt-oss-20b",
     "openai/gpt-oss-20b", 75000, 37500, 300000, "x-request-id", "chatcmpl-"},
    {"together", FORM_CHAT, "/together/v1/chat/completions", NULL, "openai/gpt-oss-120b",
     "openai/gpt-oss-120b", 150000, 150000, 600000, "x-request-id", "o"},
    {"ollama", FORM_CHAT, "/ollama/v1/chat/completions", NULL, "llama3.3", "llama3.3", 0, 0, 0,
     NULL, "chatcmpl-"},
    {"compatible", FORM_CHAT, "/compatible/v1/chat/completions", NULL, "gpt-5-mini", "gpt-5-mini",
     0, 0, 0, NULL, "chatcmpl-"},
    {"responses", FORM_RESPONSES, "/v1/responses", NULL, "gpt-5-mini", "gpt-5-mini-2025-08-07",
     250000, 25000, 2000000, "x-request-id", "resp_"},
    {"azure responses", FORM_RESPONSES, "/azure/openai/v1/responses", NULL, "gpt-5-mini",
     "gpt-5-mini-2025-08-07", 250000, 25000, 2000000, "apim-request-id", "resp_"},
    {"xai responses", FORM_RESPONSES, "/xai/v1/responses", NULL, "grok-4.3", "grok-4.3", 1250000,
     200000, 2500000, "x-request-id", ""},
    {"messages", FORM_MESSAGES, "/anthropic/v1/messages", NULL, "claude-haiku-4-5",
     "claude-haiku-4-5-20251001", 1000000, 100000, 5000000, "request-id", "msg_01"},
    {"generate", FORM_GENERATE, "/gemini/v1beta/models/gemini-2.5-flash:generateContent",
     "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "gemini-2.5-flash",
     "gemini-2.5-flash", 300000, 30000, 2500000, NULL, ""},
    {"interactions", FORM_INTERACTIONS, "/gemini/v1beta/interactions", NULL, "gemini-2.5-flash",
     "gemini-2.5-flash", 300000, 30000, 2500000, NULL, "v1_"},
};

const struct spoken *spoken_named(const char *name) {
    for (size_t i = 0; i < SPOKEN; i++)
        if (strcmp(spoken[i].name, name) == 0)
            return &spoken[i];
    ck_abort_msg("no API is called %s", name);
    return NULL;
}

// ---- asking -------------------------------------------------------------------------------------

void say_with(const struct sim *sim, const char *method, const char *path, const char *headers,
              const char *body, struct got *got) {
    struct text request = {0};
    int fd = client_open(sim);
    text_add(&request, method);
    text_add(&request, " ");
    text_add(&request, path);
    text_add(&request, " HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    text_add(&request, headers);
    text_add(&request, "Content-Length: ");
    text_number(&request, body == NULL ? 0 : strlen(body));
    text_add(&request, "\r\n\r\n");
    text_add(&request, body == NULL ? "" : body);
    client_send(fd, text_view(&request));
    client_read(fd, 0, got);
    text_release(&request);
    close(fd);
}

void say(const struct sim *sim, const char *method, const char *path, const char *body,
         struct got *got) {
    say_with(sim, method, path,
             "Authorization: Bearer k\r\nx-api-key: k\r\nx-goog-api-key: k\r\napi-key: k\r\n"
             "anthropic-version: 2023-06-01\r\n",
             body, got);
}

void say_to(const struct sim *sim, const struct spoken *to, bool is_stream, const char *said,
            const char *more, struct got *got) {
    static const char *const begins[] = {
        [FORM_CHAT] = "\"messages\":[{\"role\":\"user\",\"content\":\"",
        [FORM_RESPONSES] = "\"reasoning\":{\"summary\":\"auto\"},\"input\":[{\"role\":\"user\","
                           "\"content\":[{\"type\":\"input_text\",\"text\":\"",
        [FORM_MESSAGES] = "\"max_tokens\":9000,\"thinking\":{\"type\":\"adaptive\"},\"messages\":"
                          "[{\"role\":\"user\",\"content\":\"",
        [FORM_GENERATE] = "\"generationConfig\":{\"thinkingConfig\":{\"includeThoughts\":true}},"
                          "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"",
        [FORM_INTERACTIONS] = "\"generation_config\":{\"thinking_summaries\":\"auto\"},\"input\":"
                              "[{\"type\":\"user_input\",\"content\":[{\"type\":\"text\","
                              "\"text\":\""};
    static const char *const ends[] = {"\"}]}", "\"}]}]}", "\"}]}", "\"}]}]}", "\"}]}]}"};
    struct text body = {0};
    text_add(&body, "{");
    text_add(&body, more);
    if (to->form != FORM_GENERATE) {
        text_add(&body, "\"model\":\"");
        text_add(&body, to->model);
        text_add(&body, is_stream ? "\",\"stream\":true," : "\",");
    }
    if (to->form == FORM_CHAT && is_stream)
        text_add(&body, "\"stream_options\":{\"include_usage\":true},");
    text_add(&body, begins[to->form]);
    text_json(&body, span_of(said));
    text_add(&body, ends[to->form]);
    text_put(&body, "", 1);
    say(sim, "POST", is_stream && to->stream_path != NULL ? to->stream_path : to->path, body.at,
        got);
    text_release(&body);
}

// ---- whole answers ------------------------------------------------------------------------------

static json_t *maybe(json_t *object, const char *name) {
    json_t *found = json_object_get(object, name);
    return json_is_null(found) ? NULL : found;
}

static int64_t whole(json_t *object, const char *name) {
    return (int64_t)json_integer_value(json_object_get(object, name));
}

static void keep(char *to, size_t size, json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    if (text != NULL)
        snprintf(to, size, "%s", text);
}

static void add(struct text *to, json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    if (text != NULL)
        text_add(to, text);
}

static void add_object(struct text *to, json_t *object) {
    char *dumped = json_dumps(object, JSON_COMPACT);
    ck_assert_ptr_nonnull(dumped);
    text_add(to, dumped);
    free(dumped);
}

static void add_call(struct text *to, json_t *call, const char *arguments) {
    add(to, call, "name");
    text_add(to, "(");
    json_t *value = json_object_get(call, arguments);
    if (json_is_object(value))
        add_object(to, value);
    else
        add(to, call, arguments);
    text_add(to, ")");
}

// What the counters come to, by the words and the rules of each API.
static void told_usage(const struct spoken *by, json_t *usage, struct told *told) {
    if (usage == NULL)
        return;
    json_decref(told->usage);
    told->usage = json_incref(usage);
    told->has_usage = true;
    json_t *in = maybe(usage, "prompt_tokens_details"), *out = NULL;
    switch (by->form) {
    case FORM_CHAT:
        out = maybe(usage, "completion_tokens_details");
        told->input = whole(usage, "prompt_tokens");
        told->cached = whole(in, "cached_tokens");
        told->written = whole(in, "cache_write_tokens");
        told->reasoning = whole(out, "reasoning_tokens");
        told->output = whole(usage, "completion_tokens");
        if (strcmp(by->name, "together") == 0)
            told->reasoning = whole(usage, "reasoning_tokens");
        if (strcmp(by->name, "xai") == 0)
            told->output += told->reasoning;
        ck_assert_int_eq(whole(usage, "total_tokens"), told->input + told->output);
        break;
    case FORM_RESPONSES:
        told->input = whole(usage, "input_tokens");
        told->cached = whole(maybe(usage, "input_tokens_details"), "cached_tokens");
        told->written = whole(maybe(usage, "input_tokens_details"), "cache_write_tokens");
        told->output = whole(usage, "output_tokens");
        told->reasoning = whole(maybe(usage, "output_tokens_details"), "reasoning_tokens");
        ck_assert_int_eq(whole(usage, "total_tokens"), told->input + told->output);
        break;
    case FORM_MESSAGES:
        told->cached = whole(usage, "cache_read_input_tokens");
        told->written = whole(usage, "cache_creation_input_tokens");
        told->input = whole(usage, "input_tokens") + told->cached + told->written;
        told->output = whole(usage, "output_tokens");
        told->reasoning = whole(maybe(usage, "output_tokens_details"), "thinking_tokens");
        break;
    case FORM_GENERATE:
        told->input = whole(usage, "promptTokenCount");
        told->cached = whole(usage, "cachedContentTokenCount");
        told->reasoning = whole(usage, "thoughtsTokenCount");
        told->tool_use = whole(usage, "toolUsePromptTokenCount");
        told->output = whole(usage, "candidatesTokenCount") + told->reasoning;
        ck_assert_int_eq(whole(usage, "totalTokenCount"),
                         told->input + told->output + told->tool_use);
        break;
    case FORM_INTERACTIONS:
        told->input = whole(usage, "total_input_tokens");
        told->cached = whole(usage, "total_cached_tokens");
        told->reasoning = whole(usage, "total_thought_tokens");
        told->tool_use = whole(usage, "total_tool_use_tokens");
        told->output = whole(usage, "total_output_tokens") + told->reasoning;
        ck_assert_int_eq(whole(usage, "total_tokens"), told->input + told->output + told->tool_use);
        break;
    }
}

static void told_chat_content(json_t *content, struct told *told) {
    if (json_is_string(content))
        text_add(&told->said, json_string_value(content));
    for (size_t i = 0; i < json_array_size(content); i++) {
        json_t *part = json_array_get(content, i);
        add(&told->said, part, "text");
        json_t *thinking = json_object_get(part, "thinking");
        for (size_t k = 0; k < json_array_size(thinking); k++)
            add(&told->thought, json_array_get(thinking, k), "text");
    }
}

static void told_chat(json_t *answer, struct told *told) {
    json_t *choice = at(answer, "choices.0"), *message = at(choice, "message");
    keep(told->finish, sizeof(told->finish), choice, "finish_reason");
    told_chat_content(json_object_get(message, "content"), told);
    add(&told->said, message, "refusal");
    add(&told->thought, message, "reasoning");
    add(&told->thought, message, "reasoning_content");
    json_t *calls = json_object_get(message, "tool_calls");
    for (size_t i = 0; i < json_array_size(calls); i++)
        add_call(&told->calls, at(json_array_get(calls, i), "function"), "arguments");
}

static void told_responses(json_t *answer, struct told *told) {
    json_t *output = at(answer, "output");
    keep(told->finish, sizeof(told->finish), answer, "status");
    for (size_t i = 0; i < json_array_size(output); i++) {
        json_t *item = json_array_get(output, i);
        const char *type = text_at(item, "type");
        if (strcmp(type, "function_call") == 0)
            add_call(&told->calls, item, "arguments");
        if (strcmp(type, "reasoning") == 0)
            add(&told->thought, at(item, "summary.0"), "text");
        if (strcmp(type, "message") != 0)
            continue;
        add(&told->said, at(item, "content.0"), "text");
        add(&told->said, at(item, "content.0"), "refusal");
    }
}

static void told_messages(json_t *answer, struct told *told) {
    json_t *content = at(answer, "content");
    keep(told->finish, sizeof(told->finish), answer, "stop_reason");
    for (size_t i = 0; i < json_array_size(content); i++) {
        json_t *block = json_array_get(content, i);
        add(&told->said, block, "text");
        add(&told->thought, block, "thinking");
        if (strcmp(text_at(block, "type"), "tool_use") == 0)
            add_call(&told->calls, block, "input");
    }
}

// A chunk of a stream has the same form.
static void told_generate(json_t *answer, struct told *told) {
    json_t *candidate = at(answer, "candidates.0"), *parts = at(candidate, "content.parts");
    keep(told->finish, sizeof(told->finish), candidate, "finishReason");
    for (size_t i = 0; i < json_array_size(parts); i++) {
        json_t *part = json_array_get(parts, i), *call = json_object_get(part, "functionCall");
        add(json_is_true(json_object_get(part, "thought")) ? &told->thought : &told->said, part,
            "text");
        if (call != NULL)
            add_call(&told->calls, call, "args");
    }
    keep(told->id, sizeof(told->id), answer, "responseId");
    keep(told->model, sizeof(told->model), answer, "modelVersion");
    told_usage(spoken_named("generate"), maybe(answer, "usageMetadata"), told);
}

static void told_interactions(json_t *answer, struct told *told) {
    json_t *steps = at(answer, "steps");
    keep(told->finish, sizeof(told->finish), answer, "status");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        json_t *step = json_array_get(steps, i);
        const char *type = text_at(step, "type");
        if (strcmp(type, "function_call") == 0)
            add_call(&told->calls, step, "arguments");
        else if (strcmp(type, "thought") == 0)
            add(&told->thought, at(step, "summary.0"), "text");
        else if (strcmp(type, "model_output") == 0)
            add(&told->said, at(step, "content.0"), "text");
    }
}

void told_whole(const struct spoken *by, json_t *answer, struct told *told) {
    static void (*const reads[])(json_t *, struct told *) = {
        told_chat, told_responses, told_messages, told_generate, told_interactions};
    *told = (struct told){.is_complete = true};
    keep(told->id, sizeof(told->id), answer, "id");
    keep(told->model, sizeof(told->model), answer, "model");
    reads[by->form](answer, told);
    told_usage(by, maybe(answer, "usage"), told);
}

void told_release(struct told *told) {
    text_release(&told->said);
    text_release(&told->thought);
    text_release(&told->calls);
    json_decref(told->usage);
}

// ---- streams ------------------------------------------------------------------------------------

static void event_chat(const struct spoken *by, json_t *data, struct told *told) {
    json_t *choice = json_array_get(json_object_get(data, "choices"), 0);
    json_t *delta = json_object_get(choice, "delta");
    if (choice != NULL) {
        keep(told->id, sizeof(told->id), data, "id");
        keep(told->model, sizeof(told->model), data, "model");
    }
    told_usage(by, maybe(data, "usage"), told);
    keep(told->finish, sizeof(told->finish), choice, "finish_reason");
    told_chat_content(json_object_get(delta, "content"), told);
    add(&told->said, delta, "refusal");
    add(&told->thought, delta, "reasoning");
    add(&told->thought, delta, "reasoning_content");
    json_t *call = json_array_get(json_object_get(delta, "tool_calls"), 0);
    if (call == NULL)
        return;
    if (json_object_get(call, "id") != NULL) {
        text_add(&told->calls, told->calls.size > 0 ? ")" : "");
        add(&told->calls, at(call, "function"), "name");
        text_add(&told->calls, "(");
    }
    add(&told->calls, at(call, "function"), "arguments");
}

static void event_responses(const struct spoken *by, json_t *data, struct told *told) {
    const char *type = text_at(data, "type");
    json_t *response = json_object_get(data, "response");
    if (strcmp(type, "response.output_text.delta") == 0 ||
        strcmp(type, "response.refusal.delta") == 0)
        add(&told->said, data, "delta");
    if (strcmp(type, "response.reasoning_summary_text.delta") == 0)
        add(&told->thought, data, "delta");
    if (strcmp(type, "response.function_call_arguments.delta") == 0)
        add(&told->calls, data, "delta");
    if (strcmp(type, "response.output_item.added") == 0 &&
        strcmp(text_at(data, "item.type"), "function_call") == 0) {
        text_add(&told->calls, told->calls.size > 0 ? ")" : "");
        add(&told->calls, at(data, "item"), "name");
        text_add(&told->calls, "(");
    }
    if (response == NULL)
        return;
    keep(told->id, sizeof(told->id), response, "id");
    keep(told->model, sizeof(told->model), response, "model");
    keep(told->finish, sizeof(told->finish), response, "status");
    told_usage(by, maybe(response, "usage"), told);
    told->is_complete =
        strcmp(type, "response.completed") == 0 || strcmp(type, "response.incomplete") == 0;
}

static void event_messages(const struct spoken *by, json_t *data, struct told *told) {
    json_t *message = json_object_get(data, "message"), *delta = json_object_get(data, "delta");
    json_t *block = json_object_get(data, "content_block");
    keep(told->id, sizeof(told->id), message, "id");
    keep(told->model, sizeof(told->model), message, "model");
    keep(told->finish, sizeof(told->finish), delta, "stop_reason");
    add(&told->said, delta, "text");
    add(&told->thought, delta, "thinking");
    if (strcmp(json_string_value(json_object_get(block, "type")) != NULL ? text_at(block, "type")
                                                                         : "",
               "tool_use") == 0) {
        text_add(&told->calls, told->calls.size > 0 ? ")" : "");
        add(&told->calls, block, "name");
        text_add(&told->calls, "(");
    }
    add(&told->calls, delta, "partial_json");
    told_usage(by, maybe(message != NULL ? message : data, "usage"), told);
    told->is_complete = strcmp(text_at(data, "type"), "message_stop") == 0;
}

static void event_generate(const struct spoken *by, json_t *data, struct told *told) {
    (void)by;
    told_generate(data, told);
    told->is_complete = told->finish[0] != '\0';
}

static void event_interactions(const struct spoken *by, json_t *data, struct told *told) {
    json_t *interaction = json_object_get(data, "interaction");
    json_t *delta = json_object_get(data, "delta"), *step = json_object_get(data, "step");
    add(&told->said, delta, "text");
    add(&told->thought, maybe(delta, "content"), "text");
    if (step != NULL && strcmp(text_at(step, "type"), "function_call") == 0) {
        text_add(&told->calls, told->calls.size > 0 ? ")" : "");
        add(&told->calls, step, "name");
        text_add(&told->calls, "(");
    }
    add(&told->calls, delta, "arguments");
    if (interaction == NULL)
        return;
    keep(told->id, sizeof(told->id), interaction, "id");
    keep(told->model, sizeof(told->model), interaction, "model");
    keep(told->finish, sizeof(told->finish), interaction, "status");
    told_usage(by, maybe(interaction, "usage"), told);
}

static void told_event(const struct spoken *by, struct span data, struct told *told) {
    static void (*const reads[])(const struct spoken *, json_t *, struct told *) = {
        event_chat, event_responses, event_messages, event_generate, event_interactions};
    json_error_t error;
    if (span_is(data, "[DONE]")) {
        told->is_complete = true;
        return;
    }
    json_t *event = json_loadb(data.at, data.size, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(event != NULL, "%s: %s: %.*s", by->name, error.text, (int)data.size, data.at);
    reads[by->form](by, event, told);
    json_decref(event);
}

void told_stream(const struct spoken *by, const struct text *body, struct told *told) {
    struct span rest = text_view(body);
    *told = (struct told){0};
    while (rest.size > 0) {
        const char *stop = memchr(rest.at, '\n', rest.size);
        if (stop == NULL)
            break; // torn
        struct span line = {rest.at, (size_t)(stop - rest.at)};
        rest.size -= line.size + 1;
        rest.at = stop + 1;
        if (line.size > 0 && line.at[line.size - 1] == '\r')
            line.size--;
        if (span_begins(line, "data: "))
            told_event(by, (struct span){line.at + 6, line.size - 6}, told);
        else
            ck_assert_msg(line.size == 0 || line.at[0] == ':' || span_begins(line, "event: "),
                          "%.*s", (int)line.size, line.at);
    }
    if (told->calls.size > 0 && by->form != FORM_GENERATE)
        text_add(&told->calls, ")");
}
