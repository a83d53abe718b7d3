// Anthropic's Messages.
#include "tests/provider-sim/answer.h"
#include "tests/provider-sim/json.h"
#include "tests/provider-sim/moment.h"
#include "tests/provider-sim/reply.h"

// ---- headers ------------------------------------------------------------------------------------

static void limit_lines(const char *name, uint64_t limit, uint64_t remaining, const char *reset,
                        struct text *out) {
    text_add(out, "anthropic-ratelimit-");
    text_add(out, name);
    text_add(out, "-limit: ");
    text_number(out, limit);
    text_add(out, "\r\nanthropic-ratelimit-");
    text_add(out, name);
    text_add(out, "-remaining: ");
    text_number(out, remaining);
    text_add(out, "\r\nanthropic-ratelimit-");
    text_add(out, name);
    text_add(out, "-reset: ");
    text_add(out, reset);
    text_add(out, "\r\n");
}

static void headers(const struct answer *answer, struct text *out) {
    text_add(out, "request-id: ");
    text_span(out, answer->request_id);
    text_add(out, "\r\nanthropic-organization-id: 51b00000-0000-4000-8000-000000000001\r\n"
                  "cf-cache-status: DYNAMIC\r\nx-robots-tag: none\r\n"
                  "server-timing: x-originResponse;dur=");
    text_number(out, answer->processing_ms);
    text_add(out, "\r\ncf-ray: ");
    text_hex(out, (const uint8_t *)&answer->salt, 8);
    text_add(out, "-SIM\r\n");
    if (answer->status != 200)
        return;
    char reset[32];
    moment_rfc3339(answer->unix_ms, reset);
    limit_lines("requests", 20000, 19999 - answer->salt % 512, reset, out);
    limit_lines("input-tokens", 10000000, 9999000 - answer->salt % 64 * 1000, reset, out);
    limit_lines("output-tokens", 2000000, 1999000 - answer->salt % 64 * 1000, reset, out);
    limit_lines("tokens", 12000000, 11998000 - answer->salt % 64 * 1000, reset, out);
}

static void retry(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice) {
    char reset[32];
    switch (dice_below(dice, 4)) {
    case 0:
        text_add(headers, "retry-after: ");
        text_number(headers, (wait_ms + 999) / 1000);
        text_add(headers, "\r\n");
        return;
    case 1:
        text_add(headers, "retry-after-ms: ");
        text_number(headers, wait_ms);
        text_add(headers, "\r\n");
        return;
    case 2:
        moment_rfc3339(unix_ms + wait_ms + 999, reset);
        limit_lines("requests", 20000, 0, reset, headers);
        return;
    default:
        return;
    }
}

// ---- errors -------------------------------------------------------------------------------------

static const char *type_of(int status) {
    static const struct {
        int status;
        const char *type;
    } types[] = {
        {401, "authentication_error"}, {402, "billing_error"},     {403, "permission_error"},
        {404, "not_found_error"},      {413, "request_too_large"}, {429, "rate_limit_error"},
        {504, "timeout_error"},        {529, "overloaded_error"},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].status == status)
            return types[i].type;
    return status >= 500 ? "api_error" : "invalid_request_error";
}

static int error(const struct problem *problem, struct text *body) {
    int status = problem->status == 503 ? 529 : problem->status;
    json_put(body, "{'type':'error','error':{'type':'%s','message':'%s'", type_of(status),
             problem->message);
    if (problem->kind == PROBLEM_QUOTA)
        json_put(body, ",'details':{'error_code':'enforced_spend_limit_reached'}");
    json_put(body, "},'request_id':'%r'}", problem->request_id);
    return status;
}

static void stream_error(const struct reply *reply, const struct problem *problem,
                         struct stream *stream) {
    (void)reply;
    stream_open(stream, "error");
    error(problem, stream->out);
    stream_close(stream);
}

// ---- answers ------------------------------------------------------------------------------------

static void ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                struct dice *dice) {
    (void)unix_s;
    reply_hex_id(request_id, "req_", 32, dice);
    reply_id(response_id, "msg_01", 22, dice);
}

static void tokens(struct reply *reply, const struct options *options, struct dice *dice) {
    const struct asked *asked = reply->asked;
    struct tokens *tokens = &reply->tokens;
    int64_t percent = dice_below(dice, 100), hour_percent = dice_below(dice, 101);
    if (!options->has_cache || !asked->wants_cache ||
        tokens->input < (int64_t)options->cache_from_tokens)
        return;
    int64_t written = (tokens->input - tokens->cached) * percent / 100;
    tokens->written_1h = asked->wants_hour ? written * hour_percent / 100 : 0;
    tokens->written = written - tokens->written_1h;
}

// ---- blocks -------------------------------------------------------------------------------------

enum block { BLOCK_THINKING, BLOCK_CALL, BLOCK_TEXT };

struct blocks {
    const struct reply *reply;
    enum block kinds[1 + TOOLS_CALLED_MAX];
    int count;
};

static struct blocks blocks_of(const struct reply *reply) {
    struct blocks blocks = {.reply = reply};
    if (reply->tokens.reasoning > 0)
        blocks.kinds[blocks.count++] = BLOCK_THINKING;
    for (int i = 0; i < reply->calls; i++)
        blocks.kinds[blocks.count++] = BLOCK_CALL;
    if (reply->calls == 0)
        blocks.kinds[blocks.count++] = BLOCK_TEXT;
    return blocks;
}

static void put_signature(const struct reply *reply, struct text *out) {
    struct dice dice = {reply->salt ^ 4};
    reply_id(out, "", 64, &dice);
}

// The block as it begins in a stream, or as it is in the end.
static void put_block(const struct blocks *blocks, int at, bool is_done, struct text *out) {
    const struct reply *reply = blocks->reply;
    const struct span none = {"", 0};
    struct dice dice = {reply->salt + (uint64_t)at};
    switch (blocks->kinds[at]) {
    case BLOCK_THINKING:
        json_put(out, "{'type':'thinking','thinking':'%j','signature':'",
                 is_done ? reply->thought : none);
        if (is_done)
            put_signature(reply, out);
        text_add(out, "\"}");
        break;
    case BLOCK_CALL:
        json_put(out, "{'type':'tool_use','id':'");
        reply_id(out, "toolu_01", 22, &dice);
        json_put(out, "','name':'%r','input':%r,'caller':{'type':'direct'}}",
                 reply_tool(reply, at - (blocks->count - reply->calls)),
                 is_done ? text_view(&reply->said) : span_of("{}"));
        break;
    case BLOCK_TEXT:
        json_put(out, "{'type':'text','text':'%j'}", is_done ? text_view(&reply->said) : none);
        break;
    }
}

static const char *stop_reason(const struct reply *reply) {
    static const char *const reasons[] = {"end_turn", "max_tokens", "tool_use", "refusal"};
    return reasons[reply->finish];
}

static void put_stop(const struct reply *reply, struct text *out) {
    json_put(out, "'stop_reason':'%s','stop_sequence':null,'stop_details':", stop_reason(reply));
    json_put(out, reply->finish == FINISH_REFUSAL
                      ? "{'type':'refusal','category':'general_harms','explanation':null}"
                      : "null");
}

static void put_input(const struct tokens *tokens, struct text *out) {
    int64_t written = tokens->written + tokens->written_1h;
    json_put(out,
             "'usage':{'input_tokens':%d,'cache_creation_input_tokens':%d,"
             "'cache_read_input_tokens':%d",
             tokens->input - tokens->cached - written, written, tokens->cached);
}

static void put_rest(const struct reply *reply, int64_t output, struct text *out) {
    const struct tokens *tokens = &reply->tokens;
    json_put(out,
             ",'cache_creation':{'ephemeral_5m_input_tokens':%d,'ephemeral_1h_input_tokens':%d},"
             "'output_tokens':%d,'service_tier':'standard','inference_geo':'%s'",
             tokens->written, tokens->written_1h, output, reply->is_us ? "us" : "global");
}

static void put_details(const struct tokens *tokens, struct text *out) {
    if (tokens->reasoning > 0)
        json_put(out, ",'output_tokens_details':{'thinking_tokens':%d}", tokens->reasoning);
    if (tokens->searches > 0)
        json_put(out, ",'server_tool_use':{'web_search_requests':%d,'web_fetch_requests':0}",
                 tokens->searches);
}

static void body(const struct reply *reply, struct text *out) {
    struct blocks blocks = blocks_of(reply);
    json_put(out, "{'model':'%r','id':'%r','type':'message','role':'assistant','content':[",
             reply->model, reply->id);
    for (int i = 0; i < blocks.count; i++) {
        if (i > 0)
            text_add(out, ",");
        put_block(&blocks, i, true, out);
    }
    text_add(out, "],");
    put_stop(reply, out);
    text_add(out, ",");
    put_input(&reply->tokens, out);
    put_rest(reply, reply->tokens.output, out);
    put_details(&reply->tokens, out);
    text_add(out, "}}");
}

// ---- streams ------------------------------------------------------------------------------------

static struct text *delta_open(struct stream *stream, int at, const char *type) {
    stream_open(stream, "content_block_delta");
    json_put(stream->out, "{'type':'content_block_delta','index':%d,'delta':{'type':'%s',",
             (int64_t)at, type);
    return stream->out;
}

static void delta_close(struct stream *stream) {
    text_add(stream->out, "}}");
    stream_close(stream);
}

static void put_deltas(struct stream *stream, int at, const char *type, const char *member,
                       struct span text, struct dice *dice) {
    while (text.size > 0) {
        struct span piece = reply_piece(&text, dice);
        json_put(delta_open(stream, at, type), "'%s':'%j'", member, piece);
        delta_close(stream);
    }
}

static void stream_block(const struct blocks *blocks, int at, struct stream *stream,
                         struct dice *dice) {
    const struct reply *reply = blocks->reply;
    struct span said = text_view(&reply->said);
    stream_open(stream, "content_block_start");
    json_put(stream->out, "{'type':'content_block_start','index':%d,'content_block':", (int64_t)at);
    put_block(blocks, at, false, stream->out);
    text_add(stream->out, "}");
    stream_close(stream);
    if (at == 0)
        stream_put(stream, "ping", "{\"type\": \"ping\"}");
    switch (blocks->kinds[at]) {
    case BLOCK_THINKING:
        put_deltas(stream, at, "thinking_delta", "thinking", reply->thought, dice);
        json_put(delta_open(stream, at, "signature_delta"), "'signature':'");
        put_signature(reply, stream->out);
        text_add(stream->out, "\"");
        delta_close(stream);
        break;
    case BLOCK_CALL:
        put_deltas(stream, at, "input_json_delta", "partial_json", said, dice);
        break;
    case BLOCK_TEXT:
        put_deltas(stream, at, "text_delta", "text", said, dice);
        break;
    }
    stream_open(stream, "content_block_stop");
    json_put(stream->out, "{'type':'content_block_stop','index':%d}", (int64_t)at);
    stream_close(stream);
}

static void stream(const struct reply *reply, struct stream *stream) {
    struct blocks blocks = blocks_of(reply);
    struct dice dice = {reply->shape};
    struct text *out = stream->out;
    stream_open(stream, "message_start");
    json_put(out,
             "{'type':'message_start','message':{'model':'%r','id':'%r','type':'message',"
             "'role':'assistant','content':[],'stop_reason':null,'stop_sequence':null,"
             "'stop_details':null,",
             reply->model, reply->id);
    put_input(&reply->tokens, out);
    put_rest(reply, 1, out);
    text_add(out, "}}}");
    stream_close(stream);
    for (int i = 0; i < blocks.count; i++)
        stream_block(&blocks, i, stream, &dice);
    stream_open(stream, "message_delta");
    json_put(out, "{'type':'message_delta','delta':{");
    put_stop(reply, out);
    text_add(out, "},");
    put_input(&reply->tokens, out);
    json_put(out, ",'output_tokens':%d", reply->tokens.output);
    put_details(&reply->tokens, out);
    text_add(out, "}}");
    stream_close(stream);
    stream_completes(stream);
    stream_put(stream, "message_stop", "{\"type\":\"message_stop\"}");
}

const struct api api_messages = {
    .name = "Anthropic Messages",
    .vendor = VENDOR_ANTHROPIC,
    .dialect = DIALECT_MESSAGES,
    .key = KEY_ANTHROPIC,
    .ids = ids,
    .headers = headers,
    .retry = retry,
    .tokens = tokens,
    .error = error,
    .body = body,
    .stream = stream,
    .stream_error = stream_error,
};
