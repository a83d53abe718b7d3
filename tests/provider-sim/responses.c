// The Responses API as OpenAI, Azure and xAI have it.
#include "tests/provider-sim/json.h"
#include "tests/provider-sim/openai.h"
#include "tests/provider-sim/reply.h"

enum { PUSD_A_TICK = 100 };

// ---- the items of an answer ---------------------------------------------------------------------

enum item { ITEM_REASONING, ITEM_SEARCH, ITEM_CALL, ITEM_MESSAGE };

struct items {
    const struct reply *reply;
    enum item kinds[2 + TOOLS_CALLED_MAX];
    int count;
};

static struct items items_of(const struct reply *reply) {
    struct items items = {.reply = reply};
    if (reply->tokens.reasoning > 0)
        items.kinds[items.count++] = ITEM_REASONING;
    if (reply->tokens.searches > 0)
        items.kinds[items.count++] = ITEM_SEARCH;
    for (int i = 0; i < reply->calls; i++)
        items.kinds[items.count++] = ITEM_CALL;
    if (reply->calls == 0)
        items.kinds[items.count++] = ITEM_MESSAGE;
    return items;
}

// Which call of a tool the item is.
static int call_of(const struct items *items, int at) {
    int call = 0;
    for (int i = 0; i < at; i++)
        call += items->kinds[i] == ITEM_CALL;
    return call;
}

static void put_id(const struct reply *reply, const char *prefix, int at, struct text *out) {
    struct dice dice = {reply->salt + (uint64_t)at * 2};
    if (reply->api->vendor == VENDOR_XAI)
        json_put(out, "%s%r_%d", prefix, reply->id, (int64_t)at);
    else
        reply_hex_id(out, prefix, 48, &dice);
}

static void put_item_id(const struct items *items, int at, struct text *out) {
    static const char *const prefixes[] = {"rs_", "ws_", "fc_", "msg_"};
    put_id(items->reply, prefixes[items->kinds[at]], at, out);
}

static void put_call_id(const struct items *items, int at, struct text *out) {
    struct dice dice = {items->reply->salt + (uint64_t)at * 2 + 1};
    reply_id(out, "call_", 24, &dice);
}

static bool is_told(const struct reply *reply) {
    return reply->asked->wants_summary || reply->api->vendor == VENDOR_XAI;
}

static void put_part(const struct reply *reply, struct span text, struct text *out) {
    if (reply->finish == FINISH_REFUSAL)
        json_put(out, "{'type':'refusal','refusal':'%j'}", text);
    else
        json_put(out, "{'type':'output_text','annotations':[],'logprobs':[],'text':'%j'}", text);
}

static void put_reasoning(const struct items *items, int at, bool is_done, struct text *out) {
    const struct reply *reply = items->reply;
    json_put(out, "{'id':'");
    put_item_id(items, at, out);
    json_put(out, "','type':'reasoning','summary':[");
    if (is_done && is_told(reply))
        json_put(out, "{'type':'summary_text','text':'%j'}", reply->thought);
    text_add(out, "]");
    if (is_done && reply->api->vendor != VENDOR_XAI) {
        struct dice dice = {reply->salt ^ 4};
        reply_id(out, ",\"encrypted_content\":\"gAAAAA", 64, &dice);
        text_add(out, "\"");
    } else if (is_done) {
        json_put(out, ",'status':'completed'");
    }
    text_add(out, "}");
}

static void put_search(const struct items *items, int at, bool is_done, struct text *out) {
    json_put(out, "{'id':'");
    put_item_id(items, at, out);
    json_put(out, "','type':'web_search_call','status':'%s'",
             is_done ? "completed" : "in_progress");
    if (is_done)
        json_put(out, ",'action':{'type':'search','query':'what was asked for'}");
    text_add(out, "}");
}

static void put_call(const struct items *items, int at, bool is_done, struct text *out) {
    const struct reply *reply = items->reply;
    json_put(out, "{'id':'");
    put_item_id(items, at, out);
    json_put(out, "','type':'function_call','status':'%s','call_id':'",
             is_done ? "completed" : "in_progress");
    put_call_id(items, at, out);
    json_put(out, "','name':'%r','arguments':'%j'}", reply_tool(reply, call_of(items, at)),
             is_done ? text_view(&reply->said) : (struct span){"", 0});
}

static void put_message(const struct items *items, int at, bool is_done, struct text *out) {
    const struct reply *reply = items->reply;
    bool is_cut = reply->finish == FINISH_LENGTH;
    json_put(out, "{'id':'");
    put_item_id(items, at, out);
    json_put(out, "','type':'message','status':'%s','role':'assistant','content':[",
             !is_done ? "in_progress"
             : is_cut ? "incomplete"
                      : "completed");
    if (is_done)
        put_part(reply, text_view(&reply->said), out);
    text_add(out, "]}");
}

static void put_item(const struct items *items, int at, bool is_done, struct text *out) {
    static void (*const puts[])(const struct items *, int, bool,
                                struct text *) = {put_reasoning, put_search, put_call, put_message};
    puts[items->kinds[at]](items, at, is_done, out);
}

// ---- the response -------------------------------------------------------------------------------

static void put_usage(const struct reply *reply, struct text *out) {
    const struct tokens *tokens = &reply->tokens;
    json_put(out, "{'input_tokens':%d,'input_tokens_details':{'cached_tokens':%d", tokens->input,
             tokens->cached);
    if (reply->tariff != NULL && reply->tariff->is_write_paid)
        json_put(out, ",'cache_write_tokens':%d", tokens->written);
    json_put(out,
             "},'output_tokens':%d,'output_tokens_details':{'reasoning_tokens':%d},"
             "'total_tokens':%d",
             tokens->output, tokens->reasoning, tokens->input + tokens->output);
    if (reply->api->vendor == VENDOR_XAI) {
        json_put(out,
                 ",'num_sources_used':0,'num_server_side_tools_used':%d,"
                 "'server_side_tool_usage_details':{'web_search_calls':%d,'x_search_calls':0},"
                 "'context_details':{'input_tokens':%d,'output_tokens':%d}",
                 tokens->searches, tokens->searches, tokens->input, tokens->output);
        if (reply->tariff != NULL)
            json_put(out, ",'cost_in_usd_ticks':%d", reply->pusd / PUSD_A_TICK);
    }
    text_add(out, "}");
}

static void put_output(const struct reply *reply, struct text *out) {
    struct items items = items_of(reply);
    text_add(out, "[");
    for (int i = 0; i < items.count; i++) {
        if (i > 0)
            text_add(out, ",");
        put_item(&items, i, true, out);
    }
    text_add(out, "]");
}

static void put_own(const struct reply *reply, struct text *out) {
    if (reply->api->vendor == VENDOR_XAI) {
        json_put(out, ",'metadata':{'system_fingerprint':'fp_51a0ed0001'}");
        return;
    }
    json_put(out,
             ",'metadata':{},'tool_usage':{'web_search':{'num_requests':%d},'image_gen':"
             "{'input_tokens':0,'output_tokens':0,'total_tokens':0}}",
             reply->tokens.searches);
    if (reply->api->vendor == VENDOR_AZURE)
        json_put(out, ",'content_filters':[{'blocked':false,'source_type':'completion',"
                      "'content_filter_results':{'hate':{'filtered':false,'severity':'safe'}}}]");
    else
        json_put(out, ",'billing':{'payer':'developer'}");
}

static void put_where(const struct reply *reply, struct text *out) {
    json_put(out, ",'previous_response_id':");
    json_put(out, reply->previous.size > 0 ? "'%r'" : "null", reply->previous);
    if (reply->conversation.size > 0)
        json_put(out, ",'conversation':{'id':'%r'}", reply->conversation);
}

// The response object in one of its states; without output as long as it is in progress.
static void put_response(const struct reply *reply, const char *status, struct text *out) {
    bool is_open = status[0] == 'i' && status[2] == '_';
    bool is_cut = status[0] == 'i' && !is_open;
    json_put(out, "{'id':'%r','object':'response','created_at':%d,'status':'%s'", reply->id,
             reply->unix_s, status);
    json_put(out, is_open ? ",'completed_at':null" : ",'completed_at':%d", reply->unix_s + 1);
    json_put(out, ",'background':false,'error':null,'incomplete_details':");
    json_put(out, is_cut ? "{'reason':'max_output_tokens'}" : "null");
    json_put(out, ",'instructions':null,'max_output_tokens':");
    json_put(out, reply->asked->tokens_max > 0 ? "%d" : "null", reply->asked->tokens_max);
    json_put(out, ",'model':'%r','output':", reply->model);
    if (is_open)
        text_add(out, "[]");
    else
        put_output(reply, out);
    json_put(out, ",'parallel_tool_calls':true");
    put_where(reply, out);
    put_own(reply, out);
    const char *tier = is_open ? "auto" : reply->is_flex ? "flex" : "default";
    json_put(out,
             ",'reasoning':{'effort':null,'summary':null},'service_tier':'%s','store':%t,"
             "'temperature':1.0,'text':{'format':{'type':'%s'}},'tool_choice':'auto','tools':[],"
             "'top_p':1.0,'truncation':'disabled','usage':",
             tier, reply->asked->is_stored, reply->asked->wants_json ? "json_schema" : "text");
    if (is_open)
        text_add(out, "null");
    else
        put_usage(reply, out);
    json_put(out, ",'user':null}");
}

static const char *status_of(const struct reply *reply) {
    return reply->finish == FINISH_LENGTH ? "incomplete" : "completed";
}

static void body(const struct reply *reply, struct text *out) {
    put_response(reply, status_of(reply), out);
}

// ---- streams ------------------------------------------------------------------------------------

struct events {
    struct items items;
    struct stream *stream;
    struct dice dice;
    int64_t number;
    int at; // the item
};

static struct text *event_open(struct events *events, const char *name) {
    stream_open(events->stream, name);
    json_put(events->stream->out, "{'type':'%s','sequence_number':%d", name, events->number++);
    return events->stream->out;
}

static void event_close(struct events *events) {
    text_add(events->stream->out, "}");
    stream_close(events->stream);
}

static void put_state(struct events *events, const char *name, const char *status) {
    struct text *out = event_open(events, name);
    json_put(out, ",'response':");
    put_response(events->items.reply, status, out);
    event_close(events);
}

static void put_item_event(struct events *events, const char *name, bool is_done) {
    struct text *out = event_open(events, name);
    json_put(out, ",'output_index':%d,'item':", (int64_t)events->at);
    put_item(&events->items, events->at, is_done, out);
    event_close(events);
}

// An event inside an item, up to its own members.
static struct text *inside_open(struct events *events, const char *name) {
    struct text *out = event_open(events, name);
    json_put(out, ",'output_index':%d,'item_id':'", (int64_t)events->at);
    put_item_id(&events->items, events->at, out);
    text_add(out, "\"");
    return out;
}

static void put_deltas(struct events *events, const char *name, const char *index,
                       struct span text) {
    while (text.size > 0) {
        struct span piece = reply_piece(&text, &events->dice);
        struct text *out = inside_open(events, name);
        if (index != NULL)
            json_put(out, ",'%s':0", index);
        json_put(out, ",'delta':'%j'", piece);
        event_close(events);
    }
}

static void put_done(struct events *events, const char *name, const char *index, const char *member,
                     struct span text) {
    struct text *out = inside_open(events, name);
    if (index != NULL)
        json_put(out, ",'%s':0", index);
    json_put(out, ",'%s':'%j'", member, text);
    event_close(events);
}

static void put_part_event(struct events *events, const char *name, struct span text) {
    struct text *out = inside_open(events, name);
    json_put(out, ",'content_index':0,'part':");
    put_part(events->items.reply, text, out);
    event_close(events);
}

static void stream_message(struct events *events) {
    const struct reply *reply = events->items.reply;
    struct span said = text_view(&reply->said);
    bool is_refusal = reply->finish == FINISH_REFUSAL;
    put_part_event(events, "response.content_part.added", (struct span){"", 0});
    put_deltas(events, is_refusal ? "response.refusal.delta" : "response.output_text.delta",
               "content_index", said);
    put_done(events, is_refusal ? "response.refusal.done" : "response.output_text.done",
             "content_index", is_refusal ? "refusal" : "text", said);
    put_part_event(events, "response.content_part.done", said);
}

static void stream_reasoning(struct events *events) {
    const struct reply *reply = events->items.reply;
    if (!is_told(reply))
        return;
    put_deltas(events, "response.reasoning_summary_text.delta", "summary_index", reply->thought);
    put_done(events, "response.reasoning_summary_text.done", "summary_index", "text",
             reply->thought);
}

static void stream_item(struct events *events) {
    const struct reply *reply = events->items.reply;
    struct span said = text_view(&reply->said);
    put_item_event(events, "response.output_item.added", false);
    switch (events->items.kinds[events->at]) {
    case ITEM_REASONING:
        stream_reasoning(events);
        break;
    case ITEM_SEARCH:
        (void)inside_open(events, "response.web_search_call.completed");
        event_close(events);
        break;
    case ITEM_CALL:
        put_deltas(events, "response.function_call_arguments.delta", NULL, said);
        put_done(events, "response.function_call_arguments.done", NULL, "arguments", said);
        break;
    case ITEM_MESSAGE:
        stream_message(events);
        break;
    }
    put_item_event(events, "response.output_item.done", true);
}

static void stream(const struct reply *reply, struct stream *stream) {
    struct events events = {.items = items_of(reply), .stream = stream, .dice = {reply->shape}};
    put_state(&events, "response.created", "in_progress");
    put_state(&events, "response.in_progress", "in_progress");
    for (; events.at < events.items.count; events.at++)
        stream_item(&events);
    stream_completes(stream);
    bool is_cut = reply->finish == FINISH_LENGTH;
    put_state(&events, is_cut ? "response.incomplete" : "response.completed", status_of(reply));
}

// ---- errors -------------------------------------------------------------------------------------

static void put_failed(const struct reply *reply, const struct problem *problem, struct text *out) {
    json_put(out,
             "{'id':'%r','object':'response','created_at':%d,'status':'failed',"
             "'error':{'code':'%s','message':'%s'},'incomplete_details':null,'model':'%r',"
             "'output':[],'usage':null}",
             reply->id, reply->unix_s, problem->code ? problem->code : "server_error",
             problem->message, reply->model);
}

static void error_200(const struct reply *reply, const struct problem *problem, struct text *body) {
    put_failed(reply, problem, body);
}

// An event of the specification's form or of the form that is seen, and the failed response.
static void stream_error(const struct reply *reply, const struct problem *problem,
                         struct stream *stream) {
    int64_t number = (int64_t)stream_count(stream);
    const char *type = problem->type, *code = problem->code ? problem->code : "server_error";
    stream_open(stream, "error");
    if (reply->shape % 2 == 0)
        json_put(stream->out,
                 "{'type':'error','code':'%s','message':'%s','param':null,'sequence_number':%d}",
                 code, problem->message, number);
    else
        json_put(stream->out,
                 "{'type':'error','sequence_number':%d,'error':{'type':'%s','code':'%s',"
                 "'message':'%s','param':null}}",
                 number, type, code, problem->message);
    stream_close(stream);
    stream_open(stream, "response.failed");
    json_put(stream->out, "{'type':'response.failed','sequence_number':%d,'response':", number + 1);
    put_failed(reply, problem, stream->out);
    text_add(stream->out, "}");
    stream_close(stream);
}

static int error(const struct problem *problem, struct text *body) {
    struct problem own = *problem;
    if (problem->kind == PROBLEM_CONTEXT)
        own.param = "input";
    json_put(body, "{'error':{'message':'%s','type':'%s','param':", own.message, own.type);
    json_put(body, own.param ? "'%s'" : "null", own.param);
    json_put(body, own.code ? ",'code':'%s'}}" : ",'code':null}}", own.code);
    return own.status;
}

static void openai_ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                       struct dice *dice) {
    (void)unix_s;
    reply_hex_id(request_id, "req_", 32, dice);
    reply_hex_id(response_id, "resp_", 48, dice);
}

static void azure_ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                      struct dice *dice) {
    (void)unix_s;
    reply_uuid(request_id, dice);
    reply_hex_id(response_id, "resp_", 48, dice);
}

static void xai_ids(struct text *request_id, struct text *response_id, int64_t unix_s,
                    struct dice *dice) {
    (void)unix_s;
    reply_uuid(request_id, dice);
    reply_uuid(response_id, dice);
    if (dice_hit(dice, RATE_WHOLE / 4))
        text_add(response_id, "_sim-east-1");
}

const struct api api_openai_responses = {
    .name = "OpenAI Responses",
    .vendor = VENDOR_OPENAI,
    .dialect = DIALECT_RESPONSES,
    .key = KEY_BEARER,
    .is_pretty = true,
    .ids = openai_ids,
    .headers = openai_headers,
    .retry = openai_retry,
    .error = error,
    .body = body,
    .stream = stream,
    .stream_error = stream_error,
    .error_200 = error_200,
};

const struct api api_azure_responses = {
    .name = "Azure Responses",
    .vendor = VENDOR_AZURE,
    .dialect = DIALECT_RESPONSES,
    .key = KEY_AZURE,
    .has_key_or_bearer = true,
    .ids = azure_ids,
    .headers = azure_headers,
    .retry = azure_retry,
    .error = azure_error,
    .body = body,
    .stream = stream,
    .stream_error = stream_error,
    .error_200 = error_200,
};

const struct api api_xai_responses = {
    .name = "xAI Responses",
    .vendor = VENDOR_XAI,
    .dialect = DIALECT_RESPONSES,
    .key = KEY_BEARER,
    .ids = xai_ids,
    .headers = xai_headers,
    .retry = retry_plain,
    .error = xai_error,
    .body = body,
    .stream = stream,
    .stream_error = stream_error,
    .error_200 = error_200,
};
