// DeepSeek: chat with the reasoning in the open, and blank lines and comments while it queues.
#include "tests/provider-sim/answer.h"
#include "tests/provider-sim/chat.h"
#include "tests/provider-sim/json.h"

static void headers(const struct answer *answer, struct text *out) {
    header_text(out, "x-ds-trace-id", answer->request_id);
    text_add(out, "access-control-allow-credentials: true\r\n");
}

static int error(const struct problem *problem, struct text *body) {
    struct problem own = *problem;
    own.code = own.type = "invalid_request_error";
    own.param = NULL;
    if (problem->kind == PROBLEM_NO_KEY || problem->kind == PROBLEM_KEY) {
        own.type = "authentication_error";
    } else if (problem->kind == PROBLEM_QUOTA) {
        own.message = "Insufficient Balance";
        own.type = "unknown_error";
        own.status = 402;
    } else if (problem->kind == PROBLEM_MODEL) {
        own.status = 400;
    } else if (problem->kind == PROBLEM_RATE) {
        own.type = "rate_limit_error";
    } else if (problem->status >= 500) {
        own.type = problem->kind == PROBLEM_OVERLOAD ? "service_unavailable_error" : "server_error";
        own.code = NULL;
    }
    return chat_error(&own, body);
}

static void ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                struct dice *dice) {
    (void)unix_s;
    reply_hex_id(request_id, "", 32, dice);
    reply_uuid(response_id, dice);
}

static void usage(const struct reply *reply, struct text *out) {
    const struct tokens *tokens = &reply->tokens;
    chat_usage_open(reply, tokens->output, out);
    json_put(out, ",'prompt_tokens_details':{'cached_tokens':%d}", tokens->cached);
    if (tokens->reasoning > 0)
        json_put(out, ",'completion_tokens_details':{'reasoning_tokens':%d}", tokens->reasoning);
    json_put(out, ",'prompt_cache_hit_tokens':%d,'prompt_cache_miss_tokens':%d}", tokens->cached,
             tokens->input - tokens->cached);
}

static void more(const struct reply *reply, struct text *out) {
    (void)reply;
    json_put(out, ",'system_fingerprint':'fp_5100ed0001_simulated_fp8_kvcache'");
}

static void choice_more(const struct reply *reply, struct text *out) {
    (void)reply;
    json_put(out, ",'logprobs':null");
}

static const struct chat chat = {
    .thought = "reasoning_content",
    .empty = "''",
    .call_prefix = "call_00_",
    .call_size = 24,
    .refused = "content_filter",
    .usage_place = USAGE_LAST,
    .has_usage_null = true,
    .more = more,
    .choice_more = choice_more,
    .usage = usage,
};

static void body(const struct reply *reply, struct text *out) {
    chat_body(reply, &chat, out);
}

static void stream(const struct reply *reply, struct stream *stream) {
    for (uint32_t left = dice_below(&stream->dice, 4); left > 0; left--) {
        text_add(stream->out, ": keep-alive");
        text_add(stream->out, stream->line_end);
        text_add(stream->out, stream->line_end);
    }
    stream->early = stream->out->size;
    chat_stream(reply, &chat, stream);
}

// The head left while the request was queued; what failed then can only be said in the body.
static void error_200(const struct reply *reply, const struct problem *problem, struct text *body) {
    (void)reply;
    error(problem, body);
}

const struct api api_deepseek = {
    .name = "DeepSeek",
    .vendor = VENDOR_DEEPSEEK,
    .dialect = DIALECT_CHAT,
    .key = KEY_BEARER,
    .may_pad = true,
    .ids = ids,
    .headers = headers,
    .error = error,
    .body = body,
    .stream = stream,
    .stream_error = chat_stream_error,
    .error_200 = error_200,
};
