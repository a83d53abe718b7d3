// Mistral's chat: reasoning is a part of the content, errors are flat.
#include "tests/provider-sim/answer.h"
#include "tests/provider-sim/chat.h"
#include "tests/provider-sim/json.h"

static void headers(const struct answer *answer, struct text *out) {
    header_text(out, "mistral-correlation-id", answer->request_id);
    header_text(out, "x-kong-request-id", answer->request_id);
    header_number(out, "x-envoy-upstream-service-time", answer->processing_ms);
    if (answer->status != 200)
        return;
    header_number(out, "x-ratelimit-limit-tokens-minute", 2000000);
    header_number(out, "x-ratelimit-remaining-tokens-minute", 1999999 - answer->salt % 65536);
    header_number(out, "x-ratelimit-limit-req-minute", 360);
    header_number(out, "x-ratelimit-remaining-req-minute", 359 - answer->salt % 128);
    header_number(out, "x-ratelimit-tokens-query-cost", 210);
}

static void retry(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice) {
    (void)unix_ms;
    if (dice_hit(dice, RATE_WHOLE / 2))
        header_number(headers, "ratelimitbysize-reset", (wait_ms + 999) / 1000);
    else
        header_number(headers, "x-ratelimit-remaining-req-minute", 0);
}

static int error(const struct problem *problem, struct text *body) {
    if (problem->kind == PROBLEM_NO_KEY || problem->kind == PROBLEM_KEY) {
        json_put(body, "{'detail':'%s'}", problem->message);
        return 401;
    }
    if (problem->kind == PROBLEM_REQUEST) {
        json_put(body,
                 "{'detail':[{'type':'value_error','loc':['body','%s'],'msg':'%s','input':null}]}",
                 problem->param ? problem->param : "messages", problem->message);
        return 422;
    }
    static const char *const types[] = {
        [PROBLEM_QUOTA] = "insufficient_quota",        [PROBLEM_MODEL] = "invalid_model",
        [PROBLEM_CONTEXT] = "context_length_exceeded", [PROBLEM_RATE] = "rate_limited",
        [PROBLEM_OVERLOAD] = "service_unavailable",    [PROBLEM_SERVER] = "internal_server_error",
    };
    const char *type = types[problem->kind];
    int64_t status = problem->kind == PROBLEM_MODEL   ? 400
                     : problem->kind == PROBLEM_QUOTA ? 402
                                                      : problem->status;
    json_put(body, "{'object':'error','message':'%s','type':'%s','param':null,'code':'%d'}",
             problem->message, type ? type : "invalid_request_error", status * 10);
    return (int)status;
}

static void ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                struct dice *dice) {
    (void)unix_s;
    reply_uuid(request_id, dice);
    reply_hex_id(response_id, "", 32, dice);
}

static void usage(const struct reply *reply, struct text *out) {
    chat_usage_open(reply, reply->tokens.output, out);
    json_put(out, ",'prompt_tokens_details':{'cached_tokens':%d}", reply->tokens.cached);
    if (reply->tokens.reasoning > 0)
        json_put(out, ",'completion_tokens_details':{'reasoning_tokens':%d}",
                 reply->tokens.reasoning);
    text_add(out, "}");
}

static const struct chat chat = {
    .is_thought_part = true,
    .empty = "''",
    .call_prefix = "",
    .call_size = 9,
    .refused = "content_filter",
    .usage_place = USAGE_LAST,
    .usage = usage,
};

static void body(const struct reply *reply, struct text *out) {
    chat_body(reply, &chat, out);
}

static void stream(const struct reply *reply, struct stream *stream) {
    chat_stream(reply, &chat, stream);
}

// The answer began, and ends with a finish reason of its own.
static void stream_error(const struct reply *reply, const struct problem *problem,
                         struct stream *stream) {
    if (reply->shape % 2 == 0) {
        chat_stream_error(reply, problem, stream);
        return;
    }
    stream_open(stream, NULL);
    json_put(stream->out,
             "{'id':'%r','object':'chat.completion.chunk','created':%d,'model':'%r','choices':["
             "{'index':0,'delta':{'content':''},'finish_reason':'error'}]}",
             reply->id, reply->unix_s, reply->model);
    stream_close(stream);
    stream_put(stream, NULL, "[DONE]");
}

const struct api api_mistral = {
    .name = "Mistral",
    .vendor = VENDOR_MISTRAL,
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
