// OpenAI's Chat Completions, and the headers of all its APIs.
#include "tests/provider-sim/openai.h"

#include "tests/provider-sim/chat.h"
#include "tests/provider-sim/json.h"

static void put_limits(uint64_t salt, struct text *out) {
    header_number(out, "x-ratelimit-limit-requests", 30000);
    header_number(out, "x-ratelimit-limit-tokens", 150000000);
    header_number(out, "x-ratelimit-remaining-requests", 29999 - salt % 512);
    header_number(out, "x-ratelimit-remaining-tokens", 149999999 - salt % 65536);
    text_add(out, "x-ratelimit-reset-requests: 2ms\r\n"
                  "x-ratelimit-reset-tokens: 0s\r\n");
}

void openai_headers(const struct answer *answer, struct text *out) {
    text_add(out, "openai-organization: simulated-org\r\n");
    header_number(out, "openai-processing-ms", answer->processing_ms);
    text_add(out, "openai-version: 2020-10-01\r\n");
    header_text(out, "x-request-id", answer->request_id);
    text_add(out, "cf-cache-status: DYNAMIC\r\nx-content-type-options: nosniff\r\ncf-ray: ");
    text_hex(out, (const uint8_t *)&answer->salt, 8);
    text_add(out, "-SIM\r\n");
    if (answer->status == 200)
        put_limits(answer->salt, out);
}

static void retry_reset(struct text *headers, uint32_t wait_ms) {
    text_add(headers, "x-ratelimit-limit-requests: 30,000\r\n"
                      "x-ratelimit-remaining-requests: 0\r\n"
                      "x-ratelimit-reset-requests: ");
    retry_duration(headers, wait_ms);
    text_add(headers, "\r\n");
}

void openai_retry(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice) {
    switch (dice_below(dice, 6)) {
    case 0:
        retry_seconds(headers, wait_ms);
        return;
    case 1:
        retry_milliseconds(headers, wait_ms);
        return;
    case 2:
        retry_milliseconds(headers, wait_ms);
        retry_seconds(headers, wait_ms);
        return;
    case 3:
        retry_date(headers, wait_ms, unix_ms);
        return;
    case 4:
        retry_reset(headers, wait_ms);
        return;
    default: // a limit that does not say for how long
        return;
    }
}

static void ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                struct dice *dice) {
    (void)unix_s;
    reply_hex_id(request_id, "req_", 32, dice);
    reply_id(response_id, "chatcmpl-", 29, dice);
}

void openai_usage(const struct reply *reply, struct text *out) {
    const struct tokens *tokens = &reply->tokens;
    chat_usage_open(reply, tokens->output, out);
    json_put(out, ",'prompt_tokens_details':{'cached_tokens':%d,'audio_tokens':0", tokens->cached);
    if (reply->tariff != NULL && reply->tariff->is_write_paid)
        json_put(out, ",'cache_write_tokens':%d", tokens->written);
    json_put(out,
             "},'completion_tokens_details':{'reasoning_tokens':%d,'audio_tokens':0,"
             "'accepted_prediction_tokens':0,'rejected_prediction_tokens':0}}",
             tokens->reasoning);
}

static void more(const struct reply *reply, struct text *out) {
    struct dice dice = {reply->salt ^ 2};
    json_put(out,
             ",'service_tier':'%s','system_fingerprint':", reply->is_flex ? "flex" : "default");
    if (reply->tariff != NULL && reply->tariff->has_reasoning) {
        text_add(out, "null");
        return;
    }
    reply_hex_id(out, "\"fp_", 10, &dice);
    text_add(out, "\"");
}

static void message_more(const struct reply *reply, struct text *out) {
    (void)reply;
    json_put(out, ",'annotations':[]");
}

static void choice_more(const struct reply *reply, struct text *out) {
    (void)reply;
    json_put(out, ",'logprobs':null");
}

static const struct chat chat = {
    .empty = "null",
    .call_prefix = "call_",
    .call_size = 24,
    .refused = "stop",
    .usage_place = USAGE_IF_ASKED,
    .has_usage_null = true,
    .more = more,
    .message_more = message_more,
    .choice_more = choice_more,
    .usage = openai_usage,
};

static void body(const struct reply *reply, struct text *out) {
    chat_body(reply, &chat, out);
}

static void stream(const struct reply *reply, struct stream *stream) {
    chat_stream(reply, &chat, stream);
}

const struct api api_openai_chat = {
    .name = "OpenAI chat",
    .vendor = VENDOR_OPENAI,
    .dialect = DIALECT_CHAT,
    .key = KEY_BEARER,
    .is_pretty = true,
    .ids = ids,
    .headers = openai_headers,
    .retry = openai_retry,
    .error = chat_error,
    .body = body,
    .stream = stream,
    .stream_error = chat_stream_error,
};
