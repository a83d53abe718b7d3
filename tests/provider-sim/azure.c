// Azure OpenAI: OpenAI's Chat Completions behind a gateway, with a filter of contents that reports.
#include "tests/provider-sim/chat.h"
#include "tests/provider-sim/json.h"
#include "tests/provider-sim/openai.h"

void azure_headers(const struct answer *answer, struct text *out) {
    header_text(out, "apim-request-id", answer->request_id);
    if (answer->status == 401)
        return;
    text_add(out, "x-request-id: ");
    text_hex(out, (const uint8_t *)&answer->salt, 8);
    text_add(out, "-0000-4000-8000-000000000000\r\nx-ms-region: Simulated East\r\n"
                  "x-ms-rai-invoked: true\r\nx-accel-buffering: no\r\n");
    if (answer->status != 200)
        return;
    if (answer->model.size > 0)
        header_text(out, "x-ms-deployment-name", answer->model);
    // A gateway that does not know says -1.
    if (answer->salt % 8 == 0) {
        text_add(out, "x-ratelimit-limit-tokens: -1\r\nx-ratelimit-remaining-tokens: -1\r\n"
                      "x-ratelimit-reset-tokens: 0\r\n");
        return;
    }
    header_number(out, "x-ratelimit-limit-requests", 2500);
    header_number(out, "x-ratelimit-limit-tokens", 250000);
    header_number(out, "x-ratelimit-remaining-requests", 2499 - answer->salt % 512);
    header_number(out, "x-ratelimit-remaining-tokens", 249989 - answer->salt % 65536);
}

void azure_retry(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice) {
    (void)unix_ms;
    header_number(headers, "x-ratelimit-reset-requests", (wait_ms + 999) / 1000);
    if (dice_hit(dice, RATE_WHOLE / 2))
        retry_milliseconds(headers, wait_ms);
    if (dice_hit(dice, RATE_WHOLE / 2))
        retry_seconds(headers, wait_ms);
}

static const char safe[] = "'hate':{'filtered':false,'severity':'safe'},"
                           "'self_harm':{'filtered':false,'severity':'safe'},"
                           "'sexual':{'filtered':false,'severity':'safe'},"
                           "'violence':{'filtered':false,'severity':'safe'}";

static void put_blocked(const struct problem *problem, struct text *body) {
    json_put(body,
             "{'error':{'message':'%s','type':null,'param':'prompt','code':'content_filter',"
             "'status':400,'innererror':{'code':'ResponsibleAIPolicyViolation',"
             "'content_filter_result':{'hate':{'filtered':true,'severity':'high'},"
             "'jailbreak':{'filtered':false,'detected':false},"
             "'self_harm':{'filtered':false,'severity':'safe'},"
             "'sexual':{'filtered':false,'severity':'safe'},"
             "'violence':{'filtered':false,'severity':'safe'}}}}}",
             problem->message);
}

int azure_error(const struct problem *problem, struct text *body) {
    const char *code = NULL;
    int status = problem->status;
    switch (problem->kind) {
    case PROBLEM_BLOCKED:
        put_blocked(problem, body);
        return 400;
    case PROBLEM_NO_KEY:
    case PROBLEM_KEY:
        code = "401";
        break;
    case PROBLEM_MODEL:
        code = "DeploymentNotFound";
        break;
    case PROBLEM_PATH:
        code = "404";
        break;
    case PROBLEM_RATE:
        code = "429";
        break;
    default:
        return chat_error(problem, body);
    }
    json_put(body, "{'error':{'code':'%s','message':'%s'}}", code, problem->message);
    return status;
}

static void ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                struct dice *dice) {
    (void)unix_s;
    reply_uuid(request_id, dice);
    reply_id(response_id, "chatcmpl-", 29, dice);
}

static void more(const struct reply *reply, struct text *out) {
    (void)reply;
    json_put(out, ",'system_fingerprint':null");
}

static void body_more(const struct reply *reply, struct text *out) {
    (void)reply;
    json_put(out, ",'prompt_filter_results':[{'prompt_index':0,'content_filter_results':{");
    json_put(out, safe);
    json_put(out, ",'jailbreak':{'filtered':false,'detected':false}}}]");
}

static void choice_more(const struct reply *reply, struct text *out) {
    json_put(out, ",'logprobs':null,'content_filter_results':{");
    if (reply->calls == 0)
        json_put(out, safe);
    text_add(out, "}");
}

// The first chunk has the filter's results and neither an id nor a model.
static void before(const struct reply *reply, struct stream *stream) {
    stream_open(stream, NULL);
    json_put(stream->out, "{'choices':[],'created':0,'id':'','model':'','object':''");
    body_more(reply, stream->out);
    text_add(stream->out, "}");
    stream_close(stream);
}

static const struct chat chat = {
    .empty = "null",
    .call_prefix = "call_",
    .call_size = 24,
    .refused = "content_filter",
    .usage_place = USAGE_IF_ASKED,
    .has_usage_null = true,
    .more = more,
    .body_more = body_more,
    .choice_more = choice_more,
    .usage = openai_usage,
    .before = before,
};

static void body(const struct reply *reply, struct text *out) {
    chat_body(reply, &chat, out);
}

static void stream(const struct reply *reply, struct stream *stream) {
    chat_stream(reply, &chat, stream);
}

const struct api api_azure_chat = {
    .name = "Azure OpenAI chat",
    .vendor = VENDOR_AZURE,
    .dialect = DIALECT_CHAT,
    .key = KEY_AZURE,
    .has_key_or_bearer = true,
    .ids = ids,
    .headers = azure_headers,
    .retry = azure_retry,
    .error = azure_error,
    .body = body,
    .stream = stream,
    .stream_error = chat_stream_error,
};
