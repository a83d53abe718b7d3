// xAI's chat: reasoning stands beside the completion's tokens, and the price is part of the answer.
#include "tests/provider-sim/chat.h"
#include "tests/provider-sim/json.h"
#include "tests/provider-sim/openai.h"

void xai_headers(const struct answer *answer, struct text *out) {
    header_text(out, "x-request-id", answer->request_id);
    header_number(out, "x-metrics-e2e-ms", answer->processing_ms);
    if (answer->status != 200)
        return;
    header_number(out, "x-ratelimit-limit-requests", 1800);
    header_number(out, "x-ratelimit-limit-tokens", 10000000);
    header_number(out, "x-ratelimit-remaining-requests", 1799 - answer->salt % 512);
    header_number(out, "x-ratelimit-remaining-tokens", 9999999 - answer->salt % 65536);
}

// Most errors are two texts beside each other; a few have OpenAI's form.
int xai_error(const struct problem *problem, struct text *body) {
    static const struct {
        enum problem_kind kind;
        int status;
        const char *code;
    } words[] = {
        {PROBLEM_NO_KEY, 400, "Client specified an invalid argument"},
        {PROBLEM_KEY, 400, "Client specified an invalid argument"},
        {PROBLEM_QUOTA, 403, "The caller does not have permission"},
        {PROBLEM_MODEL, 404, "Some requested entity was not found"},
        {PROBLEM_STATE, 404, "Some requested entity was not found"},
        {PROBLEM_RATE, 429, "Some resource has been exhausted"},
        {PROBLEM_CONTEXT, 400, "Client specified an invalid argument"},
        {PROBLEM_OVERLOAD, 503, "The service is currently unavailable"},
        {PROBLEM_SERVER, 500, "Internal error"},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].kind != problem->kind)
            continue;
        json_put(body, "{'code':'%s','error':'%s'}", words[i].code, problem->message);
        return words[i].status;
    }
    return chat_error(problem, body);
}

static void ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                struct dice *dice) {
    (void)unix_s;
    reply_uuid(request_id, dice);
    reply_uuid(response_id, dice);
}

enum { PUSD_A_TICK = 100 };

static void usage(const struct reply *reply, struct text *out) {
    const struct tokens *tokens = &reply->tokens;
    chat_usage_open(reply, tokens->output - tokens->reasoning, out);
    json_put(out,
             ",'prompt_tokens_details':{'text_tokens':%d,'audio_tokens':0,'image_tokens':0,"
             "'cached_tokens':%d},'completion_tokens_details':{'reasoning_tokens':%d,"
             "'audio_tokens':0,'accepted_prediction_tokens':0,'rejected_prediction_tokens':0},"
             "'num_sources_used':0",
             tokens->input, tokens->cached, tokens->reasoning);
    if (reply->tariff != NULL)
        json_put(out, ",'cost_in_usd_ticks':%d", reply->pusd / PUSD_A_TICK);
    text_add(out, "}");
}

static void more(const struct reply *reply, struct text *out) {
    (void)reply;
    json_put(out, ",'system_fingerprint':'fp_51a0ed0001'");
}

static const struct chat chat = {
    .thought = "reasoning_content",
    .empty = "''",
    .call_prefix = "call_",
    .call_size = 8,
    .refused = "content_filter",
    .usage_place = USAGE_OWN,
    .more = more,
    .usage = usage,
};

static void body(const struct reply *reply, struct text *out) {
    chat_body(reply, &chat, out);
}

static void stream(const struct reply *reply, struct stream *stream) {
    chat_stream(reply, &chat, stream);
}

static void error_200(const struct reply *reply, const struct problem *problem, struct text *body) {
    if (reply->shape % 2 == 0)
        chat_error(problem, body);
    else
        xai_error(problem, body);
}

const struct api api_xai_chat = {
    .name = "xAI chat",
    .vendor = VENDOR_XAI,
    .dialect = DIALECT_CHAT,
    .key = KEY_BEARER,
    .ids = ids,
    .headers = xai_headers,
    .retry = retry_plain,
    .error = xai_error,
    .body = body,
    .stream = stream,
    .stream_error = chat_stream_error,
    .error_200 = error_200,
};
