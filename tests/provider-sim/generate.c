// Gemini's generateContent and streamGenerateContent. There is no header that names the request,
// none with limits, and a wait is asked for in an error's details.
#include "tests/provider-sim/answer.h"
#include "tests/provider-sim/json.h"
#include "tests/provider-sim/reply.h"

static void headers(const struct answer *answer, struct text *out) {
    text_add(out, "vary: Origin, X-Origin, Referer\r\nx-content-type-options: nosniff\r\n"
                  "server-timing: gfet4t7; dur=");
    text_number(out, answer->processing_ms);
    text_add(out, "\r\n");
    if (!answer->is_stream)
        text_add(out, answer->is_flex ? "x-gemini-service-tier: flex\r\n"
                                      : "x-gemini-service-tier: standard\r\n");
}

static void ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                struct dice *dice) {
    (void)request_id;
    (void)unix_s;
    reply_id(response_id, "", 22, dice);
}

// ---- errors -------------------------------------------------------------------------------------

static const struct {
    int status;
    const char *name;
} statuses[] = {
    [PROBLEM_REQUEST] = {400, "INVALID_ARGUMENT"}, [PROBLEM_PATH] = {404, "NOT_FOUND"},
    [PROBLEM_METHOD] = {404, "NOT_FOUND"},         [PROBLEM_NO_KEY] = {403, "PERMISSION_DENIED"},
    [PROBLEM_KEY] = {400, "INVALID_ARGUMENT"},     [PROBLEM_QUOTA] = {429, "RESOURCE_EXHAUSTED"},
    [PROBLEM_MODEL] = {404, "NOT_FOUND"},          [PROBLEM_STATE] = {404, "NOT_FOUND"},
    [PROBLEM_LOCKED] = {409, "ABORTED"},           [PROBLEM_CONTEXT] = {400, "INVALID_ARGUMENT"},
    [PROBLEM_BLOCKED] = {400, "INVALID_ARGUMENT"}, [PROBLEM_RATE] = {429, "RESOURCE_EXHAUSTED"},
    [PROBLEM_OVERLOAD] = {503, "UNAVAILABLE"},     [PROBLEM_SERVER] = {500, "INTERNAL"},
};

static void put_quota(const char *id, const char *value, struct span model, struct text *body) {
    json_put(body,
             "{'@type':'type.googleapis.com/google.rpc.QuotaFailure','violations':[{"
             "'quotaMetric':'generativelanguage.googleapis.com/simulated_token_count',"
             "'quotaId':'%s','quotaDimensions':{'location':'global','model':'%j'},"
             "'quotaValue':'%s'}]}",
             id, model, value);
}

static void put_details(const struct problem *problem, struct text *body) {
    if (problem->kind == PROBLEM_KEY)
        json_put(body, ",'details':[{'@type':'type.googleapis.com/google.rpc.ErrorInfo',"
                       "'reason':'API_KEY_INVALID','domain':'googleapis.com'}]");
    if (problem->kind == PROBLEM_QUOTA) {
        json_put(body, ",'details':[");
        put_quota("SimulatedRequestsPerDayPerProjectPerModel", "0", problem->model, body);
        text_add(body, "]");
    }
    // A wait is asked for, unless it is the machines that are busy and not the client.
    if (problem->kind != PROBLEM_RATE || problem->wait_ms % 4 == 0)
        return;
    json_put(body, ",'details':[");
    put_quota("SimulatedInputTokensPerModelPerMinute", "250000", problem->model, body);
    int64_t ms = (int64_t)problem->wait_ms % 1000;
    json_put(body, ",{'@type':'type.googleapis.com/google.rpc.RetryInfo','retryDelay':'%d",
             (int64_t)problem->wait_ms / 1000);
    json_put(body, ms >= 100 ? ".%ds'}]" : ms >= 10 ? ".0%ds'}]" : ".00%ds'}]", ms);
}

static int error(const struct problem *problem, struct text *body) {
    json_put(body, "{'error':{'code':%d,'message':'%s','status':'%s'",
             (int64_t)statuses[problem->kind].status, problem->message,
             statuses[problem->kind].name);
    put_details(problem, body);
    text_add(body, "}}");
    return statuses[problem->kind].status;
}

static void stream_error(const struct reply *reply, const struct problem *problem,
                         struct stream *stream) {
    (void)reply;
    stream_open(stream, NULL);
    error(problem, stream->out);
    stream_close(stream);
}

// The prompt is refused, and that is an answer.
static void error_200(const struct reply *reply, const struct problem *problem, struct text *body) {
    (void)problem;
    json_put(body,
             "{'promptFeedback':{'blockReason':'PROHIBITED_CONTENT'},'usageMetadata':"
             "{'promptTokenCount':%d,'totalTokenCount':%d},'modelVersion':'%r','responseId':'%r'}",
             reply->tokens.input, reply->tokens.input, reply->model, reply->id);
}

// ---- answers ------------------------------------------------------------------------------------

static void put_signature(const struct reply *reply, int at, struct text *out) {
    struct dice dice = {reply->salt + 16 + (uint64_t)at};
    reply_id(out, ",\"thoughtSignature\":\"", 64, &dice);
    text_add(out, "\"");
}

static bool is_told(const struct reply *reply) {
    return reply->thought.size > 0 && reply->asked->wants_summary;
}

// Only the first of parallel calls is signed.
static void put_call(const struct reply *reply, int call, struct text *out) {
    struct dice dice = {reply->salt + (uint64_t)call};
    json_put(out, "{'functionCall':{'id':'");
    reply_id(out, "", 8, &dice);
    json_put(out, "','name':'%r','args':%r}", reply_tool(reply, call), text_view(&reply->said));
    if (call == 0 && reply->tokens.reasoning > 0)
        put_signature(reply, call, out);
    text_add(out, "}");
}

static void put_text(struct span text, bool is_thought, struct text *out) {
    json_put(out, "{'text':'%j'", text);
    if (is_thought)
        json_put(out, ",'thought':true");
}

static const char *finish_of(const struct reply *reply) {
    return reply->finish == FINISH_LENGTH    ? "MAX_TOKENS"
           : reply->finish == FINISH_REFUSAL ? "SAFETY"
                                             : "STOP";
}

static void put_grounding(const struct reply *reply, struct text *out) {
    if (reply->tokens.searches > 0)
        json_put(out, ",'groundingMetadata':{'webSearchQueries':['','what was asked for'],"
                      "'groundingChunks':[]}");
}

// Visible output may be zero; then it is not stated.
static void put_usage(const struct reply *reply, int64_t visible, int64_t thoughts, bool is_last,
                      struct text *out) {
    const struct tokens *tokens = &reply->tokens;
    int64_t tool_use = is_last ? tokens->tool_use : 0;
    json_put(out, ",'usageMetadata':{'promptTokenCount':%d", tokens->input);
    if (visible > 0)
        json_put(out, ",'candidatesTokenCount':%d", visible);
    json_put(out, ",'totalTokenCount':%d", tokens->input + visible + thoughts + tool_use);
    if (tokens->cached > 0)
        json_put(out,
                 ",'cachedContentTokenCount':%d,"
                 "'cacheTokensDetails':[{'modality':'TEXT','tokenCount':%d}]",
                 tokens->cached, tokens->cached);
    json_put(out, ",'promptTokensDetails':[{'modality':'TEXT','tokenCount':%d}]", tokens->input);
    if (thoughts > 0)
        json_put(out, ",'thoughtsTokenCount':%d", thoughts);
    if (tool_use > 0)
        json_put(out, ",'toolUsePromptTokenCount':%d", tool_use);
    json_put(out, ",'serviceTier':'%s'},'modelVersion':'%r','responseId':'%r'}",
             reply->is_flex ? "flex" : "standard", reply->model, reply->id);
}

static void body(const struct reply *reply, struct text *out) {
    const struct tokens *tokens = &reply->tokens;
    json_put(out, "{'candidates':[{'content':{'role':'model','parts':[");
    if (is_told(reply)) {
        put_text(reply->thought, true, out);
        text_add(out, "},");
    }
    for (int i = 0; i < reply->calls; i++) {
        if (i > 0)
            text_add(out, ",");
        put_call(reply, i, out);
    }
    if (reply->calls == 0) {
        put_text(text_view(&reply->said), false, out);
        if (tokens->reasoning > 0)
            put_signature(reply, 0, out);
        text_add(out, "}");
    }
    json_put(out, "]},'finishReason':'%s','index':0", finish_of(reply));
    put_grounding(reply, out);
    text_add(out, "}]");
    put_usage(reply, tokens->output - tokens->reasoning, tokens->reasoning, true, out);
}

struct chunks {
    const struct reply *reply;
    struct stream *stream;
    int64_t visible, thoughts; // so far
};

static struct text *chunk_open(struct chunks *chunks) {
    stream_open(chunks->stream, NULL);
    json_put(chunks->stream->out, "{'candidates':[{'content':{'role':'model','parts':[");
    return chunks->stream->out;
}

static void chunk_close(struct chunks *chunks) {
    json_put(chunks->stream->out, "]},'index':0}]");
    put_usage(chunks->reply, chunks->visible, chunks->thoughts, false, chunks->stream->out);
    stream_close(chunks->stream);
}

static void put_pieces(struct chunks *chunks, struct span text, bool is_thought,
                       struct dice *dice) {
    const struct tokens *tokens = &chunks->reply->tokens;
    while (text.size > 0) {
        struct span piece = reply_piece(&text, dice);
        struct text *out = chunk_open(chunks);
        put_text(piece, is_thought, out);
        text_add(out, "}");
        chunks->thoughts = tokens->reasoning;
        int64_t left = tokens->output - tokens->reasoning - chunks->visible;
        chunks->visible += is_thought || left <= 1 ? 0 : 1;
        chunk_close(chunks);
    }
}

// The last chunk has a signature in an empty part, the reason and the whole usage.
static void stream(const struct reply *reply, struct stream *stream) {
    const struct tokens *tokens = &reply->tokens;
    struct dice dice = {reply->shape};
    struct chunks chunks = {.reply = reply, .stream = stream};
    if (is_told(reply))
        put_pieces(&chunks, reply->thought, true, &dice);
    for (int i = 0; i < reply->calls; i++) {
        put_call(reply, i, chunk_open(&chunks));
        chunk_close(&chunks);
    }
    if (reply->calls == 0)
        put_pieces(&chunks, text_view(&reply->said), false, &dice);
    stream_completes(stream);
    struct text *out = chunk_open(&chunks);
    put_text((struct span){"", 0}, false, out);
    if (reply->calls == 0 && tokens->reasoning > 0)
        put_signature(reply, 0, out);
    json_put(out, "}]},'finishReason':'%s','index':0", finish_of(reply));
    put_grounding(reply, out);
    text_add(out, "}]");
    put_usage(reply, tokens->output - tokens->reasoning, tokens->reasoning, true, out);
    stream_close(stream);
}

const struct api api_generate = {
    .name = "Gemini generateContent",
    .vendor = VENDOR_GEMINI,
    .dialect = DIALECT_GENERATE,
    .key = KEY_GOOGLE,
    .is_pretty = true,
    .has_crlf = true,
    .ids = ids,
    .headers = headers,
    .error = error,
    .body = body,
    .stream = stream,
    .stream_error = stream_error,
    .error_200 = error_200,
};
