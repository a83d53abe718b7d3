// What clients read and make of what is kept by id, and what requests go on from.
#include "tests/provider-sim/json.h"
#include "tests/provider-sim/scan.h"
#include "tests/provider-sim/service.h"

#include <string.h>

// ---- going on -----------------------------------------------------------------------------------

bool serve_find(struct service *service, const struct api *api, struct span body,
                struct kept **kept, struct problem *problem) {
    bool has_state = api->dialect == DIALECT_RESPONSES || api->dialect == DIALECT_INTERACTIONS;
    bool may_talk = api->dialect == DIALECT_RESPONSES && api->vendor != VENDOR_XAI;
    if (!has_state)
        return true;
    struct asked_state state = asked_state(body);
    bool is_talk = may_talk && state.conversation.size > 0;
    if (state.previous.size == 0 && !is_talk)
        return true;
    if (is_talk && state.previous.size > 0) {
        *problem = problem_sent("previous_response_id and conversation exclude each other",
                                "previous_response_id", "mutually_exclusive_parameters");
        return false;
    }
    uint64_t now_ms = service->now.ticks_ms;
    *kept = state_find(&service->state, api->vendor, is_talk ? state.conversation : state.previous,
                       now_ms);
    if (*kept != NULL && (*kept)->is_conversation == is_talk) {
        if ((*kept)->busy_until_ms <= now_ms)
            return true;
        *problem = problem_named(PROBLEM_LOCKED);
        return false;
    }
    *problem = problem_named(PROBLEM_STATE);
    if (is_talk) {
        problem->status = 404;
        problem->param = "conversation";
        problem->code = NULL;
    }
    return false;
}

void serve_keep(struct service *service, const struct asked *asked, struct kept *conversation,
                struct served *served) {
    const struct reply *reply = &service->reply;
    enum dialect dialect = served->api->dialect;
    bool is_talk = conversation != NULL && conversation->is_conversation;
    if (dialect != DIALECT_RESPONSES && dialect != DIALECT_INTERACTIONS)
        return;
    if (!asked->is_stored && !is_talk)
        return;
    struct transcript transcript = asked->transcript;
    const char *role = dialect == DIALECT_RESPONSES ? "assistant" : "model";
    if (reply->calls == 0)
        transcript_add(&transcript, &service->transcript, role, text_view(&reply->said));
    for (int i = 0; i < reply->calls; i++) {
        transcript_add(&transcript, &service->transcript, role, (struct span){"", 0});
        transcript.text_bytes += reply->said.size;
    }
    if (is_talk) {
        kept_set(conversation, &transcript);
        conversation->busy_until_ms = service->now.ticks_ms + served->delay_ms;
    }
    if (!asked->is_stored)
        return;
    struct kept *kept =
        state_keep(&service->state, served->api->vendor, reply->id, service->now.ticks_ms);
    kept_set(kept, &transcript);
    served->api->body(reply, &kept->body);
}

// ---- reading and making -------------------------------------------------------------------------

static void answer_with(struct service *service, struct served *served, struct text *out) {
    text_add(&service->body, "\n");
    served->charge.is_free = true;
    served->charge.status = 200;
    struct answer answer = answer_begin(service, served, 200);
    answer_whole(&answer, NULL, out);
}

static void put_conversation(const struct kept *kept, struct text *out) {
    json_put(out, "{'id':'%r','object':'conversation','created_at':%d,'metadata':%r}",
             text_view(&kept->id), kept->created_s, text_view(&kept->body));
}

static void put_item_id(const struct kept *kept, uint64_t index, struct text *out) {
    struct dice dice = {index + 1};
    for (size_t i = 0; i < kept->id.size; i++)
        dice.state = dice.state * 31 + (unsigned char)kept->id.at[i];
    reply_hex_id(out, "msg_", 48, &dice);
}

static void put_item(const struct kept *kept, uint64_t index, struct span role, struct span said,
                     struct text *out) {
    bool is_tool = span_is(role, "tool");
    json_put(out, "{'id':'");
    put_item_id(kept, index, out);
    if (is_tool)
        json_put(out, "','type':'function_call_output','status':'completed','output':'%j'}", said);
    else
        json_put(out,
                 "','type':'message','status':'completed','role':'%r','content':[{'type':'%s',"
                 "'text':'%j'}]}",
                 role, span_is(role, "assistant") ? "output_text" : "input_text", said);
}

// All items of a conversation, the oldest first.
static void put_items(const struct kept *kept, struct text *out) {
    struct span rest = kept->transcript.text;
    uint64_t count = kept->transcript.messages;
    json_put(out, "{'object':'list','data':[");
    for (uint64_t i = 0; i < count && rest.size > 0; i++) {
        struct span parts[2];
        for (int part = 0; part < 2; part++) {
            const char *end = memchr(rest.at, '\0', rest.size);
            size_t size = end == NULL ? rest.size : (size_t)(end - rest.at);
            parts[part] = (struct span){rest.at, size};
            rest.at += end == NULL ? size : size + 1;
            rest.size -= end == NULL ? size : size + 1;
        }
        if (i > 0)
            text_add(out, ",");
        put_item(kept, i, parts[0], parts[1], out);
    }
    json_put(out, "],'has_more':false,'first_id':");
    if (count == 0) {
        json_put(out, "null,'last_id':null}");
        return;
    }
    text_add(out, "\"");
    put_item_id(kept, 0, out);
    json_put(out, "','last_id':'");
    put_item_id(kept, count - 1, out);
    json_put(out, "'}");
}

// The request's metadata as it stands, or an empty object.
static struct span metadata_in(struct span body) {
    struct scan scan = scan_new(body);
    struct span key, raw;
    bool is_first = true;
    if (scan_peek(&scan) != SCAN_OBJECT)
        return span_of("{}");
    scan_enter(&scan, '{');
    while (scan_member(&scan, &is_first, &key) && scan_value(&scan, &raw))
        if (span_is(key, "metadata") && raw.at[0] == '{')
            return raw;
    return span_of("{}");
}

// Adds the items of a body to a conversation; false: the answer has said what is wrong.
static bool items_add(struct service *service, const struct route *route, struct span body,
                      struct kept *kept, struct served *served, struct text *out) {
    struct asked asked;
    struct route nameless = *route;
    nameless.name = (struct span){"", 0};
    if (body.size == 0)
        return true;
    asked_read(&nameless, body, &kept->transcript, &service->transcript, &asked);
    if (asked.wrong != NULL) {
        struct problem problem = problem_sent(asked.wrong, asked.param, asked.code);
        serve_problem(service, &problem, served, out);
        return false;
    }
    kept_set(kept, &asked.transcript);
    return true;
}

static void serve_create(struct service *service, const struct route *route, struct span body,
                         struct served *served, struct text *out) {
    struct text id = {0};
    reply_hex_id(&id, "conv_", 48, &service->ids);
    struct kept *kept =
        state_keep(&service->state, served->api->vendor, text_view(&id), service->now.ticks_ms);
    text_release(&id);
    kept->is_conversation = true;
    kept->created_s = service->now.unix_ms / 1000;
    kept->transcript.text = (struct span){"", 0};
    text_span(&kept->body, metadata_in(body));
    if (!items_add(service, route, body, kept, served, out)) {
        state_forget(&service->state, kept);
        return;
    }
    put_conversation(kept, &service->body);
    answer_with(service, served, out);
}

static void serve_delete(struct service *service, struct kept *kept, struct served *served,
                         struct text *out) {
    if (served->api->dialect == DIALECT_INTERACTIONS)
        text_add(&service->body, "{}");
    else
        json_put(&service->body, "{'id':'%r','object':'%s','deleted':true}", text_view(&kept->id),
                 kept->is_conversation ? "conversation.deleted" : "response");
    state_forget(&service->state, kept);
    answer_with(service, served, out);
}

void serve_kept(struct service *service, const struct route *route, struct span body,
                struct served *served, struct text *out) {
    struct text *to = &service->body;
    text_reset(to);
    text_reset(&service->headers);
    served->charge.is_free = true;
    if (route->operation == OPERATION_CREATE) {
        serve_create(service, route, body, served, out);
        return;
    }
    struct kept *kept =
        state_find(&service->state, served->api->vendor, route->name, service->now.ticks_ms);
    if (kept == NULL) {
        struct problem problem = problem_named(PROBLEM_STATE);
        problem.status = 404;
        problem.param = problem.code = NULL;
        serve_problem(service, &problem, served, out);
        return;
    }
    switch (route->operation) {
    case OPERATION_DELETE:
        serve_delete(service, kept, served, out);
        return;
    case OPERATION_ADD_ITEMS:
        if (!items_add(service, route, body, kept, served, out))
            return;
        text_reset(to);
        put_items(kept, to);
        break;
    case OPERATION_LIST:
        put_items(kept, to);
        break;
    default:
        if (kept->is_conversation)
            put_conversation(kept, to);
        else
            text_span(to, text_view(&kept->body));
    }
    answer_with(service, served, out);
}
