// A server of one's own in OpenAI's manner: no key, no request id, no price, numbers for codes, and
// timings of its own.
#include "tests/provider-sim/answer.h"
#include "tests/provider-sim/chat.h"
#include "tests/provider-sim/json.h"

static void headers(const struct answer *answer, struct text *out) {
    (void)answer;
    text_add(out, "access-control-allow-origin: *\r\n");
}

static int error(const struct problem *problem, struct text *body) {
    json_put(body, "{'error':{'code':%d,'message':'%s','type':'%s'}}", (int64_t)problem->status,
             problem->message, problem->type);
    return problem->status;
}

static void ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                struct dice *dice) {
    (void)unix_s;
    (void)request_id;
    reply_id(response_id, "chatcmpl-", 32, dice);
}

static void usage(const struct reply *reply, struct text *out) {
    chat_usage_open(reply, reply->tokens.output, out);
    json_put(out, ",'prompt_tokens_details':{'cached_tokens':%d}}", reply->tokens.cached);
}

static void timings(const struct reply *reply, struct text *out) {
    const struct tokens *tokens = &reply->tokens;
    json_put(out,
             ",'timings':{'cache_n':%d,'prompt_n':%d,'prompt_ms':12.5,'predicted_n':%d,"
             "'predicted_ms':250.25}",
             tokens->cached, tokens->input - tokens->cached, tokens->output);
}

static void more(const struct reply *reply, struct text *out) {
    (void)reply;
    json_put(out, ",'system_fingerprint':'b7000-simulated'");
}

static const struct chat chat = {
    .thought = "reasoning_content",
    .empty = "null",
    .call_prefix = "",
    .call_size = 32,
    .refused = "stop",
    .usage_place = USAGE_IF_ASKED,
    .more = more,
    .body_more = timings,
    .last_more = timings,
    .usage = usage,
};

static void body(const struct reply *reply, struct text *out) {
    chat_body(reply, &chat, out);
}

static void stream(const struct reply *reply, struct stream *stream) {
    chat_stream(reply, &chat, stream);
}

const struct api api_compatible = {
    .name = "compatible server",
    .vendor = VENDOR_COMPATIBLE,
    .dialect = DIALECT_CHAT,
    .key = KEY_BEARER,
    .is_own = true,
    .ids = ids,
    .headers = headers,
    .error = error,
    .body = body,
    .stream = stream,
    .stream_error = chat_stream_error,
};
