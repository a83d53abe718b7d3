// Gemini's Interactions: steps, and a state that is kept by id.
#include "tests/provider-sim/answer.h"
#include "tests/provider-sim/json.h"
#include "tests/provider-sim/moment.h"
#include "tests/provider-sim/reply.h"

static void headers(const struct answer *answer, struct text *out) {
    text_add(out, "vary: Origin, X-Origin, Referer\r\nx-content-type-options: nosniff\r\n"
                  "server-timing: gfet4t7; dur=");
    text_number(out, answer->processing_ms);
    text_add(out, "\r\n");
}

static void ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                struct dice *dice) {
    (void)request_id;
    (void)unix_s;
    reply_id(response_id, "v1_Chd", 58, dice);
}

// The code is a word here.
static int error(const struct problem *problem, struct text *body) {
    static const struct {
        int status;
        const char *code;
    } words[] = {
        [PROBLEM_REQUEST] = {400, "invalid_request"}, [PROBLEM_PATH] = {404, "not_found"},
        [PROBLEM_METHOD] = {404, "not_found"},        [PROBLEM_NO_KEY] = {403, "permission_denied"},
        [PROBLEM_KEY] = {400, "invalid_request"},     [PROBLEM_QUOTA] = {429, "quota_exceeded"},
        [PROBLEM_MODEL] = {404, "not_found"},         [PROBLEM_STATE] = {404, "not_found"},
        [PROBLEM_LOCKED] = {409, "conflict"},         [PROBLEM_CONTEXT] = {400, "invalid_request"},
        [PROBLEM_BLOCKED] = {400, "invalid_request"}, [PROBLEM_RATE] = {429, "resource_exhausted"},
        [PROBLEM_OVERLOAD] = {503, "unavailable"},    [PROBLEM_SERVER] = {500, "internal"},
    };
    json_put(body, "{'error':{'code':'%s','message':'%s'}}", words[problem->kind].code,
             problem->message);
    return words[problem->kind].status;
}

// ---- steps --------------------------------------------------------------------------------------

enum step { STEP_THOUGHT, STEP_SEARCH, STEP_CALL, STEP_OUTPUT };

struct steps {
    const struct reply *reply;
    enum step kinds[2 + TOOLS_CALLED_MAX];
    int count;
};

static struct steps steps_of(const struct reply *reply) {
    struct steps steps = {.reply = reply};
    if (reply->tokens.reasoning > 0)
        steps.kinds[steps.count++] = STEP_THOUGHT;
    if (reply->tokens.searches > 0)
        steps.kinds[steps.count++] = STEP_SEARCH;
    for (int i = 0; i < reply->calls; i++)
        steps.kinds[steps.count++] = STEP_CALL;
    if (reply->calls == 0)
        steps.kinds[steps.count++] = STEP_OUTPUT;
    return steps;
}

static int call_of(const struct steps *steps, int at) {
    int call = 0;
    for (int i = 0; i < at; i++)
        call += steps->kinds[i] == STEP_CALL;
    return call;
}

static void put_signature(const struct reply *reply, struct text *out) {
    struct dice dice = {reply->salt ^ 4};
    reply_id(out, "\"signature\":\"", 64, &dice);
    text_add(out, "\"");
}

static void put_call_id(const struct reply *reply, int at, struct text *out) {
    struct dice dice = {reply->salt + (uint64_t)at};
    reply_id(out, "\"id\":\"fc_", 16, &dice);
    text_add(out, "\"");
}

static bool is_told(const struct reply *reply) {
    return reply->asked->wants_summary;
}

// The step as it begins in a stream, or as it is in the end.
static void put_step(const struct steps *steps, int at, bool is_done, struct text *out) {
    const struct reply *reply = steps->reply;
    switch (steps->kinds[at]) {
    case STEP_THOUGHT:
        json_put(out, "{'type':'thought'");
        if (is_done) {
            text_add(out, ",");
            put_signature(reply, out);
        }
        if (is_done && is_told(reply))
            json_put(out, ",'summary':[{'type':'text','text':'%j'}]", reply->thought);
        break;
    case STEP_SEARCH:
        json_put(out, "{'type':'google_search_call','id':'gs_1','arguments':"
                      "{'queries':['what was asked for']}");
        break;
    case STEP_CALL:
        json_put(out, "{'type':'function_call',");
        put_call_id(reply, at, out);
        json_put(out, ",'name':'%r'", reply_tool(reply, call_of(steps, at)));
        json_put(out, ",'arguments':%r", is_done ? text_view(&reply->said) : span_of("{}"));
        break;
    case STEP_OUTPUT:
        json_put(out, "{'type':'model_output'");
        if (is_done)
            json_put(out, ",'content':[{'type':'text','text':'%j'}]", text_view(&reply->said));
        break;
    }
    text_add(out, "}");
}

static const char *status_of(const struct reply *reply) {
    return reply->calls > 0                  ? "requires_action"
           : reply->finish == FINISH_LENGTH  ? "incomplete"
           : reply->finish == FINISH_REFUSAL ? "failed"
                                             : "completed";
}

static void put_usage(const struct reply *reply, struct text *out) {
    const struct tokens *tokens = &reply->tokens;
    json_put(out,
             "{'total_input_tokens':%d,'input_tokens_by_modality':[{'modality':'text',"
             "'tokens':%d}],'total_cached_tokens':%d,'total_output_tokens':%d,"
             "'total_thought_tokens':%d,'total_tool_use_tokens':%d,'total_tokens':%d,"
             "'raw_prompt_token':%d",
             tokens->input, tokens->input, tokens->cached, tokens->output - tokens->reasoning,
             tokens->reasoning, tokens->tool_use, tokens->input + tokens->output + tokens->tool_use,
             tokens->input + 21);
    if (tokens->searches > 0)
        json_put(out, ",'grounding_tool_count':[{'type':'google_search','count':%d}]",
                 tokens->searches);
    text_add(out, "}");
}

// Which of its members the interaction has beside id and status.
static void put_interaction(const struct reply *reply, bool has_steps, struct text *out) {
    char time[32];
    moment_rfc3339(reply->unix_s * 1000, time);
    json_put(out,
             "{'id':'%r','object':'interaction','status':'%s','model':'%r','created':'%s',"
             "'updated':'%s','service_tier':'%s'",
             reply->id, status_of(reply), reply->model, time, time,
             reply->is_flex ? "flex" : "standard");
    if (has_steps) {
        struct steps steps = steps_of(reply);
        json_put(out, ",'steps':[");
        for (int i = 0; i < steps.count; i++) {
            if (i > 0)
                text_add(out, ",");
            put_step(&steps, i, true, out);
        }
        text_add(out, "]");
    }
    if (reply->finish == FINISH_REFUSAL)
        json_put(out, ",'errors':[{'code':'content_blocked','message':'%j'}]",
                 text_view(&reply->said));
    json_put(out, ",'usage':");
    put_usage(reply, out);
    text_add(out, "}");
}

static void body(const struct reply *reply, struct text *out) {
    put_interaction(reply, true, out);
}

// ---- streams ------------------------------------------------------------------------------------

struct events {
    struct steps steps;
    struct stream *stream;
    struct dice dice;
    int at;
};

static struct text *event_open(struct events *events, const char *name) {
    stream_open(events->stream, name);
    json_put(events->stream->out, "{'event_type':'%s','event_id':'e%d'", name,
             (int64_t)stream_count(events->stream));
    return events->stream->out;
}

static void event_close(struct events *events) {
    text_add(events->stream->out, "}");
    stream_close(events->stream);
}

static struct text *delta_open(struct events *events, const char *type) {
    struct text *out = event_open(events, "step.delta");
    json_put(out, ",'index':%d,'delta':{'type':'%s',", (int64_t)events->at, type);
    return out;
}

static void delta_close(struct events *events) {
    text_add(events->stream->out, "}");
    event_close(events);
}

static void put_pieces(struct events *events, const char *type, const char *member,
                       struct span text) {
    while (text.size > 0) {
        struct span piece = reply_piece(&text, &events->dice);
        json_put(delta_open(events, type), "'%s':'%j'", member, piece);
        delta_close(events);
    }
}

static void stream_step(struct events *events) {
    const struct reply *reply = events->steps.reply;
    struct text *out = event_open(events, "step.start");
    json_put(out, ",'index':%d,'step':", (int64_t)events->at);
    put_step(&events->steps, events->at, false, out);
    event_close(events);
    switch (events->steps.kinds[events->at]) {
    case STEP_THOUGHT:
        put_signature(reply, delta_open(events, "thought_signature"));
        delta_close(events);
        if (is_told(reply)) {
            json_put(delta_open(events, "thought_summary"), "'content':{'type':'text','text':'%j'}",
                     reply->thought);
            delta_close(events);
        }
        break;
    case STEP_SEARCH:
        break;
    case STEP_CALL:
        put_pieces(events, "arguments_delta", "arguments", text_view(&reply->said));
        break;
    case STEP_OUTPUT:
        put_pieces(events, "text", "text", text_view(&reply->said));
        break;
    }
    json_put(event_open(events, "step.stop"), ",'index':%d", (int64_t)events->at);
    event_close(events);
}

static void stream(const struct reply *reply, struct stream *stream) {
    struct events events = {.steps = steps_of(reply), .stream = stream, .dice = {reply->shape}};
    json_put(event_open(&events, "interaction.created"),
             ",'interaction':{'id':'%r','model':'%r','object':'interaction',"
             "'status':'in_progress'}",
             reply->id, reply->model);
    event_close(&events);
    json_put(event_open(&events, "interaction.status_update"),
             ",'interaction_id':'%r','status':'in_progress'", reply->id);
    event_close(&events);
    for (; events.at < events.steps.count; events.at++)
        stream_step(&events);
    stream_completes(stream);
    struct text *out = event_open(&events, "interaction.completed");
    json_put(out, ",'interaction':");
    put_interaction(reply, false, out);
    event_close(&events);
    stream_put(stream, "done", "[DONE]");
}

static void stream_error(const struct reply *reply, const struct problem *problem,
                         struct stream *stream) {
    (void)reply;
    struct text *out = stream->out;
    stream_open(stream, "error");
    json_put(out, "{'event_type':'error',");
    struct text body = {0};
    error(problem, &body);
    text_put(out, body.at + 1, body.size - 1);
    text_release(&body);
    stream_close(stream);
}

// An interaction that failed.
static void error_200(const struct reply *reply, const struct problem *problem, struct text *body) {
    json_put(body,
             "{'id':'%r','object':'interaction','status':'failed','model':'%r','steps':[],"
             "'errors':[{'code':'internal','message':'%s'}]}",
             reply->id, reply->model, problem->message);
}

const struct api api_interactions = {
    .name = "Gemini Interactions",
    .vendor = VENDOR_GEMINI,
    .dialect = DIALECT_INTERACTIONS,
    .key = KEY_GOOGLE,
    .ids = ids,
    .headers = headers,
    .error = error,
    .body = body,
    .stream = stream,
    .stream_error = stream_error,
    .error_200 = error_200,
};
