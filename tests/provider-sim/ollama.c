// Ollama in OpenAI's manner: an id is a small number that comes again, three counters are all of
// the usage, and nothing has a price.
#include "tests/provider-sim/answer.h"
#include "tests/provider-sim/chat.h"
#include "tests/provider-sim/json.h"

enum { IDS = 999 };

static void headers(const struct answer *answer, struct text *out) {
    (void)answer;
    (void)out;
}

static int error(const struct problem *problem, struct text *body) {
    const char *type = problem->status == 404   ? "not_found_error"
                       : problem->status == 400 ? "invalid_request_error"
                                                : "api_error";
    json_put(body, "{'error':{'message':'%s','type':'%s','param':null,'code':null}}",
             problem->message, type);
    return problem->status;
}

static void ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                struct dice *dice) {
    (void)unix_s;
    (void)request_id;
    text_add(response_id, "chatcmpl-");
    text_number(response_id, dice_below(dice, IDS));
}

// What it reads from a cache it does not tell.
static void tokens(struct reply *reply, const struct options *options, struct dice *dice) {
    (void)options;
    (void)dice;
    reply->tokens.cached = 0;
}

static void usage(const struct reply *reply, struct text *out) {
    chat_usage_open(reply, reply->tokens.output, out);
    text_add(out, "}");
}

static void more(const struct reply *reply, struct text *out) {
    (void)reply;
    json_put(out, ",'system_fingerprint':'fp_ollama'");
}

static const struct chat chat = {
    .thought = "reasoning",
    .empty = "''",
    .call_prefix = "call_",
    .call_size = 8,
    .refused = "stop",
    .usage_place = USAGE_IF_ASKED,
    .more = more,
    .usage = usage,
};

static void body(const struct reply *reply, struct text *out) {
    chat_body(reply, &chat, out);
}

static void stream(const struct reply *reply, struct stream *stream) {
    chat_stream(reply, &chat, stream);
}

const struct api api_ollama = {
    .name = "Ollama",
    .vendor = VENDOR_OLLAMA,
    .dialect = DIALECT_CHAT,
    .key = KEY_BEARER,
    .is_own = true,
    .ids = ids,
    .headers = headers,
    .error = error,
    .tokens = tokens,
    .body = body,
    .stream = stream,
    .stream_error = chat_stream_error,
};
