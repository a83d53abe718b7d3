// OpenRouter: a gateway to many models; says what it charges, and some failures with status 200.
#include "tests/provider-sim/answer.h"
#include "tests/provider-sim/chat.h"
#include "tests/provider-sim/json.h"

#include <string.h>

static void headers(const struct answer *answer, struct text *out) {
    header_text(out, "X-Generation-Id", answer->request_id);
    text_add(out, "access-control-allow-origin: *\r\ncf-ray: ");
    text_hex(out, (const uint8_t *)&answer->salt, 8);
    text_add(out, "-SIM\r\n");
}

static void retry(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice) {
    if (dice_hit(dice, RATE_WHOLE / 2))
        retry_seconds(headers, wait_ms);
    if (dice_hit(dice, RATE_WHOLE / 2))
        return;
    header_number(headers, "X-RateLimit-Limit", 20);
    header_number(headers, "X-RateLimit-Remaining", 0);
    header_number(headers, "X-RateLimit-Reset", (uint64_t)unix_ms + wait_ms);
}

static int status_of(const struct problem *problem) {
    switch (problem->kind) {
    case PROBLEM_QUOTA:
        return 402;
    case PROBLEM_BLOCKED:
        return 403;
    case PROBLEM_MODEL:
        return 400;
    default:
        return problem->status;
    }
}

static const char *type_of(const struct problem *problem) {
    static const char *const types[] = {
        [PROBLEM_REQUEST] = "invalid_request",
        [PROBLEM_PATH] = "not_found",
        [PROBLEM_METHOD] = "invalid_request",
        [PROBLEM_NO_KEY] = "authentication",
        [PROBLEM_KEY] = "authentication",
        [PROBLEM_QUOTA] = "payment_required",
        [PROBLEM_MODEL] = "invalid_request",
        [PROBLEM_STATE] = "invalid_request",
        [PROBLEM_LOCKED] = "precondition_failed",
        [PROBLEM_CONTEXT] = "context_length_exceeded",
        [PROBLEM_BLOCKED] = "content_policy_violation",
        [PROBLEM_RATE] = "rate_limit_exceeded",
        [PROBLEM_OVERLOAD] = "provider_overloaded",
        [PROBLEM_SERVER] = "server",
    };
    return types[problem->kind];
}

static void put_error(const struct problem *problem, struct text *out) {
    json_put(out, "'error':{'code':%d,'message':'%s','metadata':{'error_type':'%s'",
             (int64_t)status_of(problem), problem->message, type_of(problem));
    if (problem->kind == PROBLEM_OVERLOAD || problem->kind == PROBLEM_SERVER)
        json_put(out, ",'provider_name':'Simulated','raw':'upstream said no'");
    text_add(out, "}}");
}

static int error(const struct problem *problem, struct text *body) {
    text_add(body, "{");
    put_error(problem, body);
    json_put(body, ",'user_id':'user_simulated'}");
    return status_of(problem);
}

static void ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                struct dice *dice) {
    text_add(request_id, "gen-");
    text_number(request_id, (uint64_t)unix_s);
    reply_id(request_id, "-", 20, dice);
    text_span(response_id, text_view(request_id));
}

static void usage(const struct reply *reply, struct text *out) {
    const struct tokens *tokens = &reply->tokens;
    chat_usage_open(reply, tokens->output, out);
    json_put(out, ",'cost':");
    json_usd(out, reply->tariff == NULL ? 0 : reply->pusd);
    json_put(out, ",'is_byok':false,'cost_details':{'upstream_inference_cost':null},");
    json_put(out,
             "'prompt_tokens_details':{'cached_tokens':%d,'cache_write_tokens':%d,"
             "'audio_tokens':0,'video_tokens':0},"
             "'completion_tokens_details':{'reasoning_tokens':%d,'image_tokens':0}}",
             tokens->cached, tokens->written, tokens->reasoning);
}

static const struct chat chat;

static const char *native_finish(const struct reply *reply) {
    static const char *const names[] = {"end_turn", "max_tokens", "tool_use", "refusal"};
    bool is_claude = span_begins(reply->model, "anthropic/");
    return is_claude ? names[reply->finish] : chat_finish(reply, &chat);
}

static void choice_more(const struct reply *reply, struct text *out) {
    json_put(out, ",'logprobs':null,'native_finish_reason':'%s'", native_finish(reply));
}

static void message_more(const struct reply *reply, struct text *out) {
    json_put(out, ",'refusal':null");
    if (reply->thought.size == 0)
        return;
    struct dice dice = {reply->salt ^ 3};
    json_put(out, ",'reasoning_details':[{'type':'reasoning.text','text':'%j','signature':'",
             reply->thought);
    reply_id(out, "", 40, &dice);
    json_put(out, "','format':'simulated-v1','index':0}]");
}

// The upstream's name: what stands before the slash.
static void more(const struct reply *reply, struct text *out) {
    const char *slash = memchr(reply->model.at, '/', reply->model.size);
    struct span name = {reply->model.at, slash ? (size_t)(slash - reply->model.at) : 0};
    if (name.size == 0)
        name = span_of("simulated");
    json_put(out, ",'provider':'%r','system_fingerprint':null", name);
}

static void before(const struct reply *reply, struct stream *stream) {
    (void)reply;
    if (!dice_hit(&stream->dice, RATE_WHOLE / 2))
        return;
    text_add(stream->out, stream->comment);
    text_add(stream->out, stream->line_end);
    text_add(stream->out, stream->line_end);
    stream->early = stream->out->size;
}

static const struct chat chat = {
    .thought = "reasoning",
    .empty = "null",
    .call_prefix = "call_",
    .call_size = 24,
    .refused = "content_filter",
    .usage_place = USAGE_OWN,
    .more = more,
    .choice_more = choice_more,
    .message_more = message_more,
    .usage = usage,
    .before = before,
};

static void body(const struct reply *reply, struct text *out) {
    chat_body(reply, &chat, out);
}

static void stream(const struct reply *reply, struct stream *stream) {
    stream->comment = ": OPENROUTER PROCESSING";
    chat_stream(reply, &chat, stream);
}

// A chunk with the error and a finish reason, and the end.
static void stream_error(const struct reply *reply, const struct problem *problem,
                         struct stream *stream) {
    stream_open(stream, NULL);
    json_put(stream->out, "{'id':'%r','object':'chat.completion.chunk','created':%d,'model':'%r',",
             reply->id, reply->unix_s, reply->model);
    put_error(problem, stream->out);
    json_put(stream->out, ",'choices':[{'index':0,'delta':{'content':''},'finish_reason':'error',"
                          "'native_finish_reason':'error'}]}");
    stream_close(stream);
    stream_put(stream, NULL, "[DONE]");
}

// Of a choice, or of the whole.
static void error_200(const struct reply *reply, const struct problem *problem, struct text *body) {
    if (reply->shape % 2 == 0) {
        error(problem, body);
        return;
    }
    json_put(body,
             "{'id':'%r','object':'chat.completion','created':%d,'model':'%r','choices':["
             "{'index':0,'message':{'role':'assistant','content':''},'finish_reason':'error',"
             "'native_finish_reason':'error',",
             reply->id, reply->unix_s, reply->model);
    put_error(problem, body);
    json_put(body,
             "}],'usage':{'prompt_tokens':%d,'completion_tokens':0,'total_tokens':%d,"
             "'cost':0}}",
             reply->tokens.input, reply->tokens.input);
}

const struct api api_openrouter = {
    .name = "OpenRouter",
    .vendor = VENDOR_OPENROUTER,
    .dialect = DIALECT_CHAT,
    .key = KEY_BEARER,
    .ids = ids,
    .headers = headers,
    .retry = retry,
    .error = error,
    .body = body,
    .stream = stream,
    .stream_error = stream_error,
    .error_200 = error_200,
};
