#include "tests/provider-sim/chat.h"

#include "tests/provider-sim/json.h"

#include <string.h>

const char *chat_finish(const struct reply *reply, const struct chat *chat) {
    static const char *const names[] = {"stop", "length", "tool_calls"};
    return reply->finish == FINISH_REFUSAL ? chat->refused : names[reply->finish];
}

static void more(void (*put)(const struct reply *reply, struct text *out),
                 const struct reply *reply, struct text *out) {
    if (put != NULL)
        put(reply, out);
}

// ---- whole answers ------------------------------------------------------------------------------

static void put_calls(const struct reply *reply, const struct chat *chat, struct dice *dice,
                      struct text *out) {
    text_add(out, ",\"tool_calls\":[");
    for (int i = 0; i < reply->calls; i++) {
        text_add(out, i > 0 ? ",{\"id\":\"" : "{\"id\":\"");
        reply_id(out, chat->call_prefix, chat->call_size, dice);
        json_put(out, "','type':'function','function':{'name':'%r','arguments':'%j'}}",
                 reply_tool(reply, i), text_view(&reply->said));
    }
    text_add(out, "]");
}

static bool is_refused_apart(const struct reply *reply, const struct chat *chat) {
    return reply->finish == FINISH_REFUSAL && strcmp(chat->refused, "stop") == 0;
}

static void put_content(const struct reply *reply, const struct chat *chat, struct text *out) {
    struct span said = text_view(&reply->said);
    bool is_empty = reply->calls > 0 || is_refused_apart(reply, chat);
    if (chat->is_thought_part && reply->thought.size > 0) {
        json_put(out, "[{'type':'thinking','thinking':[{'type':'text','text':'%j'}]}",
                 reply->thought);
        json_put(out, is_empty ? "]" : ",{'type':'text','text':'%j'}]", said);
    } else {
        json_put(out, is_empty ? chat->empty : "'%j'", said);
    }
}

static void put_choice(const struct reply *reply, const struct chat *chat, int64_t index,
                       struct dice *dice, struct text *out) {
    json_put(out, index > 0 ? ",{'index':%d" : "{'index':%d", index);
    json_put(out, ",'message':{'role':'assistant','content':");
    put_content(reply, chat, out);
    if (chat->thought != NULL && reply->thought.size > 0)
        json_put(out, ",'%s':'%j'", chat->thought, reply->thought);
    if (reply->calls > 0)
        put_calls(reply, chat, dice, out);
    if (is_refused_apart(reply, chat))
        json_put(out, ",'refusal':'%j'", text_view(&reply->said));
    else if (strcmp(chat->refused, "stop") == 0)
        json_put(out, ",'refusal':null");
    more(chat->message_more, reply, out);
    json_put(out, "},'finish_reason':'%s'", chat_finish(reply, chat));
    more(chat->choice_more, reply, out);
    text_add(out, "}");
}

void chat_body(const struct reply *reply, const struct chat *chat, struct text *out) {
    struct dice dice = {reply->salt};
    json_put(out, "{'id':'%r','object':'chat.completion','created':%d,'model':'%r','choices':[",
             reply->id, reply->unix_s, reply->model);
    for (int64_t i = 0; i < reply->asked->choices; i++)
        put_choice(reply, chat, i, &dice, out);
    json_put(out, "],'usage':");
    chat->usage(reply, out);
    more(chat->more, reply, out);
    more(chat->body_more, reply, out);
    text_add(out, "}");
}

void chat_usage_open(const struct reply *reply, int64_t output, struct text *out) {
    const struct tokens *tokens = &reply->tokens;
    json_put(out, "{'prompt_tokens':%d,'completion_tokens':%d,'total_tokens':%d", tokens->input,
             output, tokens->input + tokens->output);
}

// ---- streams ------------------------------------------------------------------------------------

struct chunks {
    const struct reply *reply;
    const struct chat *chat;
    struct stream *stream;
    struct dice dice;
    int64_t choice;
};

static void chunk_open(struct chunks *chunks) {
    const struct reply *reply = chunks->reply;
    stream_open(chunks->stream, NULL);
    json_put(chunks->stream->out,
             "{'id':'%r','object':'chat.completion.chunk','created':%d,'model':'%r'", reply->id,
             reply->unix_s, reply->model);
    more(chunks->chat->more, reply, chunks->stream->out);
}

static void chunk_close(struct chunks *chunks, bool has_usage) {
    const struct reply *reply = chunks->reply;
    struct text *out = chunks->stream->out;
    bool may_say = chunks->chat->usage_place != USAGE_IF_ASKED || reply->asked->wants_usage;
    if (has_usage) {
        json_put(out, ",'usage':");
        chunks->chat->usage(reply, out);
    } else if (chunks->chat->has_usage_null && may_say) {
        json_put(out, ",'usage':null");
    }
    text_add(out, "}");
    stream_close(chunks->stream);
}

static void choice_open(struct chunks *chunks) {
    chunk_open(chunks);
    json_put(chunks->stream->out, ",'choices':[{'index':%d,'delta':{", chunks->choice);
}

// Ends the delta, too.
static void choice_close(struct chunks *chunks) {
    json_put(chunks->stream->out, "},'finish_reason':null");
    more(chunks->chat->choice_more, chunks->reply, chunks->stream->out);
    text_add(chunks->stream->out, "}]");
    chunk_close(chunks, false);
}

static void put_thought(struct chunks *chunks) {
    struct span rest = chunks->reply->thought;
    struct text *out = chunks->stream->out;
    bool is_part = chunks->chat->is_thought_part;
    if (chunks->chat->thought == NULL && !is_part)
        return;
    while (rest.size > 0) {
        struct span piece = reply_piece(&rest, &chunks->dice);
        choice_open(chunks);
        if (is_part)
            json_put(out,
                     "'content':[{'type':'thinking','thinking':[{'type':'text','text':'%j'}]}]",
                     piece);
        else
            json_put(out, "'%s':'%j'", chunks->chat->thought, piece);
        choice_close(chunks);
    }
}

static void put_text(struct chunks *chunks, const char *member) {
    struct span rest = text_view(&chunks->reply->said);
    while (rest.size > 0) {
        struct span piece = reply_piece(&rest, &chunks->dice);
        choice_open(chunks);
        json_put(chunks->stream->out, "'%s':'%j'", member, piece);
        choice_close(chunks);
    }
}

static void put_call(struct chunks *chunks, int call, struct dice *ids) {
    struct span rest = text_view(&chunks->reply->said);
    struct text *out = chunks->stream->out;
    choice_open(chunks);
    json_put(out, "'tool_calls':[{'index':%d,'id':'", (int64_t)call);
    reply_id(out, chunks->chat->call_prefix, chunks->chat->call_size, ids);
    json_put(out, "','type':'function','function':{'name':'%r','arguments':''}}]",
             reply_tool(chunks->reply, call));
    choice_close(chunks);
    while (rest.size > 0) {
        struct span piece = reply_piece(&rest, &chunks->dice);
        choice_open(chunks);
        json_put(out, "'tool_calls':[{'index':%d,'function':{'arguments':'%j'}}]", (int64_t)call,
                 piece);
        choice_close(chunks);
    }
}

static void put_choice_chunks(struct chunks *chunks, struct dice *ids) {
    const struct reply *reply = chunks->reply;
    choice_open(chunks);
    json_put(chunks->stream->out, "'role':'assistant','content':''");
    choice_close(chunks);
    put_thought(chunks);
    for (int i = 0; i < reply->calls; i++)
        put_call(chunks, i, ids);
    if (reply->calls == 0)
        put_text(chunks, is_refused_apart(reply, chunks->chat) ? "refusal" : "content");
}

static void put_finish(struct chunks *chunks) {
    const struct chat *chat = chunks->chat;
    struct text *out = chunks->stream->out;
    bool is_last = chunks->choice + 1 == chunks->reply->asked->choices;
    if (is_last)
        stream_completes(chunks->stream);
    chunk_open(chunks);
    json_put(out, ",'choices':[{'index':%d,'delta':{},'finish_reason':'%s'", chunks->choice,
             chat_finish(chunks->reply, chat));
    more(chat->choice_more, chunks->reply, out);
    text_add(out, "}]");
    if (is_last)
        more(chat->last_more, chunks->reply, out);
    chunk_close(chunks, is_last && chat->usage_place == USAGE_LAST);
}

void chat_stream(const struct reply *reply, const struct chat *chat, struct stream *stream) {
    struct chunks chunks = {.reply = reply, .chat = chat, .stream = stream, .dice = {reply->shape}};
    struct dice ids = {reply->salt};
    if (chat->before != NULL)
        chat->before(reply, stream);
    for (; chunks.choice < reply->asked->choices; chunks.choice++)
        put_choice_chunks(&chunks, &ids);
    for (chunks.choice = 0; chunks.choice < reply->asked->choices; chunks.choice++)
        put_finish(&chunks);
    if (chat->usage_place == USAGE_OWN ||
        (chat->usage_place == USAGE_IF_ASKED && reply->asked->wants_usage)) {
        chunk_open(&chunks);
        json_put(stream->out, ",'choices':[]");
        chunk_close(&chunks, true);
    }
    stream_put(stream, NULL, "[DONE]");
}

// ---- errors -------------------------------------------------------------------------------------

static void put_or_null(struct text *out, const char *name, const char *value) {
    if (value == NULL)
        json_put(out, ",'%s':null", name);
    else
        json_put(out, ",'%s':'%s'", name, value);
}

int chat_error(const struct problem *problem, struct text *body) {
    json_put(body, "{'error':{'message':'%s'", problem->message);
    put_or_null(body, "type", problem->type);
    put_or_null(body, "param", problem->param);
    put_or_null(body, "code", problem->code);
    text_add(body, "}}");
    return problem->status;
}

void chat_stream_error(const struct reply *reply, const struct problem *problem,
                       struct stream *stream) {
    stream_open(stream, NULL);
    reply->api->error(problem, stream->out);
    stream_close(stream);
}
