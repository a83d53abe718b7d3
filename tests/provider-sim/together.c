// Together's chat: many models, each with its owner's name in front; an error has an id, too.
#include "tests/provider-sim/answer.h"
#include "tests/provider-sim/chat.h"
#include "tests/provider-sim/json.h"

static void put_limits(struct text *out, uint64_t remaining, uint64_t reset_s) {
    header_number(out, "x-ratelimit-limit", 60);
    header_number(out, "x-ratelimit-remaining", remaining);
    header_number(out, "x-ratelimit-reset", reset_s);
    header_number(out, "x-ratelimit-limit-tokens", 180000);
    header_number(out, "x-ratelimit-remaining-tokens", remaining * 3000);
}

static void headers(const struct answer *answer, struct text *out) {
    header_text(out, "x-request-id", answer->request_id);
    text_add(out, "x-inference-version: v2\r\ncf-ray: ");
    text_hex(out, (const uint8_t *)&answer->salt, 8);
    text_add(out, "-SIM\r\n");
    if (answer->status == 200)
        put_limits(out, 59 - answer->salt % 32, 2);
}

static void retry(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice) {
    (void)unix_ms;
    if (dice_hit(dice, RATE_WHOLE / 2))
        retry_seconds(headers, wait_ms);
    put_limits(headers, 0, (wait_ms + 999) / 1000);
}

static int error(const struct problem *problem, struct text *body) {
    const char *code = problem->kind == PROBLEM_MODEL ? "model_not_available" : problem->code;
    json_put(body, "{'id':'%r','error':{'message':'%s','type':'%s','param':null,'code':",
             problem->request_id, problem->message, problem->type);
    json_put(body, code == NULL ? "null}}" : "'%s'}}", code);
    return problem->kind == PROBLEM_QUOTA ? 402 : problem->status;
}

static void ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                struct dice *dice) {
    (void)unix_s;
    reply_uuid(request_id, dice);
    reply_id(response_id, "o", 6, dice);
    reply_id(response_id, "-", 6, dice);
    reply_hex_id(response_id, "-", 16, dice);
}

// No price is known for what its cache gives, and no answer of a model with one price has any.
static void tokens(struct reply *reply, const struct options *options, struct dice *dice) {
    (void)options;
    (void)dice;
    reply->tokens.cached = 0;
}

static void usage(const struct reply *reply, struct text *out) {
    chat_usage_open(reply, reply->tokens.output, out);
    json_put(out, ",'cached_tokens':%d", reply->tokens.cached);
    if (reply->tokens.reasoning > 0)
        json_put(out, ",'reasoning_tokens':%d", reply->tokens.reasoning);
    text_add(out, "}");
}

static void body_more(const struct reply *reply, struct text *out) {
    (void)reply;
    json_put(out, ",'prompt':[]");
}

static void choice_more(const struct reply *reply, struct text *out) {
    json_put(out, ",'logprobs':null,'seed':%d", (int64_t)(reply->salt >> 1));
}

#define TOGETHER(place)                                                                            \
    {                                                                                              \
        .thought = "reasoning", .empty = "null", .call_prefix = "call_", .call_size = 24,          \
        .refused = "stop", .usage_place = (place), .has_usage_null = true, .body_more = body_more, \
        .choice_more = choice_more, .usage = usage                                                 \
    }

// Where a stream has its usage is a matter of the model.
static const struct chat chats[] = {TOGETHER(USAGE_LAST), TOGETHER(USAGE_OWN)};

static const struct chat *chat_of(const struct reply *reply) {
    return &chats[reply->tariff != NULL && reply->tariff->has_reasoning];
}

static void body(const struct reply *reply, struct text *out) {
    chat_body(reply, chat_of(reply), out);
}

static void stream(const struct reply *reply, struct stream *stream) {
    chat_stream(reply, chat_of(reply), stream);
}

const struct api api_together = {
    .name = "Together",
    .vendor = VENDOR_TOGETHER,
    .dialect = DIALECT_CHAT,
    .key = KEY_BEARER,
    .ids = ids,
    .headers = headers,
    .retry = retry,
    .error = error,
    .tokens = tokens,
    .body = body,
    .stream = stream,
    .stream_error = chat_stream_error,
};
