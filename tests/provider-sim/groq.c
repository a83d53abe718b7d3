// Groq's chat: times in the usage, and a part of its own for what support asks for.
#include "tests/provider-sim/answer.h"
#include "tests/provider-sim/chat.h"
#include "tests/provider-sim/json.h"

static void headers(const struct answer *answer, struct text *out) {
    header_text(out, "x-request-id", answer->request_id);
    text_add(out, "x-groq-region: sim\r\n");
    if (answer->status != 200)
        return;
    // Requests are counted a day, tokens a minute.
    header_number(out, "x-ratelimit-limit-requests", 14400);
    header_number(out, "x-ratelimit-limit-tokens", 12000);
    header_number(out, "x-ratelimit-remaining-requests", 14399 - answer->salt % 512);
    header_number(out, "x-ratelimit-remaining-tokens", 11999 - answer->salt % 1024);
    text_add(out, "x-ratelimit-reset-requests: 17m16.8s\r\nx-ratelimit-reset-tokens: 635ms\r\n");
}

static void retry(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice) {
    (void)unix_ms;
    (void)dice;
    retry_seconds(headers, wait_ms);
    text_add(headers, "x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: ");
    retry_duration(headers, wait_ms);
    text_add(headers, "\r\n");
}

static int error(const struct problem *problem, struct text *body) {
    const char *type = problem->kind == PROBLEM_RATE ? "tokens"
                       : problem->status >= 500      ? "internal_server_error"
                                                     : problem->type;
    int status = problem->status;
    const char *code = problem->code;
    if (problem->kind == PROBLEM_OVERLOAD) {
        status = 498;
        code = "capacity_exceeded";
    }
    json_put(body, "{'error':{'message':'%s','type':'%s'", problem->message, type);
    if (code != NULL)
        json_put(body, ",'code':'%s'", code);
    text_add(body, "}}");
    return status;
}

static void ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                struct dice *dice) {
    (void)unix_s;
    reply_hex_id(request_id, "req_01", 24, dice);
    text_add(response_id, "chatcmpl-");
    reply_uuid(response_id, dice);
}

static void usage(const struct reply *reply, struct text *out) {
    const struct tokens *tokens = &reply->tokens;
    chat_usage_open(reply, tokens->output, out);
    json_put(out, ",'queue_time':0.083270845,'prompt_time':0.015637006,"
                  "'completion_time':0.115112549,'total_time':0.130749555");
    if (tokens->cached > 0)
        json_put(out, ",'prompt_tokens_details':{'cached_tokens':%d}", tokens->cached);
    if (tokens->reasoning > 0)
        json_put(out, ",'completion_tokens_details':{'reasoning_tokens':%d}", tokens->reasoning);
    text_add(out, "}");
}

static void more(const struct reply *reply, struct text *out) {
    (void)reply;
    json_put(out, ",'system_fingerprint':'fp_6500ed0001'");
}

static void body_more(const struct reply *reply, struct text *out) {
    json_put(out,
             ",'service_tier':'on_demand','usage_breakdown':null,"
             "'x_groq':{'id':'%r','seed':%d}",
             reply->request_id, (int64_t)(reply->salt >> 33));
}

static void last_more(const struct reply *reply, struct text *out) {
    json_put(out, ",'x_groq':{'id':'%r','usage':", reply->request_id);
    usage(reply, out);
    text_add(out, "}");
}

static void choice_more(const struct reply *reply, struct text *out) {
    (void)reply;
    json_put(out, ",'logprobs':null");
}

// The first chunk says which request it is.
static void before(const struct reply *reply, struct stream *stream) {
    stream_open(stream, NULL);
    json_put(stream->out,
             "{'id':'%r','object':'chat.completion.chunk','created':%d,'model':'%r','choices':["
             "{'index':0,'delta':{'role':'assistant','content':''},'finish_reason':null}],"
             "'x_groq':{'id':'%r','seed':%d}}",
             reply->id, reply->unix_s, reply->model, reply->request_id,
             (int64_t)(reply->salt >> 33));
    stream_close(stream);
}

static const struct chat chat = {
    .thought = "reasoning",
    .empty = "null",
    .call_prefix = "fc_",
    .call_size = 36,
    .refused = "content_filter",
    .usage_place = USAGE_LAST,
    .more = more,
    .body_more = body_more,
    .choice_more = choice_more,
    .last_more = last_more,
    .usage = usage,
    .before = before,
};

static void body(const struct reply *reply, struct text *out) {
    chat_body(reply, &chat, out);
}

static void stream(const struct reply *reply, struct stream *stream) {
    chat_stream(reply, &chat, stream);
}

// The generation stopped early, and the status had left.
static void stream_error(const struct reply *reply, const struct problem *problem,
                         struct stream *stream) {
    stream_open(stream, NULL);
    json_put(stream->out,
             "{'id':'%r','object':'chat.completion.chunk','created':%d,'model':'%r','choices':["
             "{'index':0,'delta':{},'finish_reason':null}],'x_groq':{'id':'%r','error':'%s'}}",
             reply->id, reply->unix_s, reply->model, reply->request_id, problem->message);
    stream_close(stream);
}

const struct api api_groq = {
    .name = "Groq",
    .vendor = VENDOR_GROQ,
    .dialect = DIALECT_CHAT,
    .key = KEY_BEARER,
    .ids = ids,
    .headers = headers,
    .retry = retry,
    .error = error,
    .body = body,
    .stream = stream,
    .stream_error = stream_error,
};
