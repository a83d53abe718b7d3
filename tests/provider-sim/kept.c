// What clients read and make of what is kept by id, and what requests go on from.
#include "tests/provider-sim/json.h"
#include "tests/provider-sim/scan.h"
#include "tests/provider-sim/service.h"

#include <string.h>

// ---- going on -----------------------------------------------------------------------------------

// The id behind the name of its collection, or as it stands.
static struct span prefix_id(struct span name) {
    static const char collection[] = "cachedContents/";
    size_t size = sizeof(collection) - 1;
    return span_begins(name, collection) ? (struct span){name.at + size, name.size - size} : name;
}

// Whether a prefix was cached for the model that is asked.
static bool is_for(const struct kept *kept, struct span model) {
    struct span raw = scan_find(text_view(&kept->said), "model");
    struct text want = {0};
    json_put(&want, "'models/%r'", model);
    bool is_same = raw.size == want.size && memcmp(raw.at, want.at, want.size) == 0;
    text_release(&want);
    return is_same;
}

static bool find_prefix(struct service *service, const struct route *route, struct span name,
                        struct kept **kept, struct problem *problem) {
    *kept = state_find(&service->state, route->api->vendor, KEPT_PREFIX, prefix_id(name),
                       service->now.ticks_ms);
    if (*kept == NULL)
        *problem = problem_named(PROBLEM_STATE);
    else if (!is_for(*kept, route->name))
        *problem = problem_sent("the cached content was made for another model", NULL, NULL);
    else
        return true;
    return false;
}

bool serve_find(struct service *service, const struct route *route, struct span body,
                struct kept **kept, struct problem *problem) {
    const struct api *api = route->api;
    bool has_state = api->dialect == DIALECT_RESPONSES || api->dialect == DIALECT_INTERACTIONS;
    bool may_talk = api->dialect == DIALECT_RESPONSES && api->vendor != VENDOR_XAI;
    if (!has_state && api->dialect != DIALECT_GENERATE)
        return true;
    struct asked_state state = asked_state(body);
    if (!has_state)
        return state.prefix.size == 0 || find_prefix(service, route, state.prefix, kept, problem);
    bool is_talk = may_talk && state.conversation.size > 0;
    if (state.previous.size == 0 && !is_talk)
        return true;
    if (is_talk && state.previous.size > 0) {
        *problem = problem_sent("previous_response_id and conversation exclude each other",
                                "previous_response_id", "mutually_exclusive_parameters");
        return false;
    }
    uint64_t now_ms = service->now.ticks_ms;
    *kept = state_find(&service->state, api->vendor, is_talk ? KEPT_CONVERSATION : KEPT_ANSWER,
                       is_talk ? state.conversation : state.previous, now_ms);
    if (*kept != NULL && (*kept)->busy_until_ms <= now_ms)
        return true;
    *problem = problem_named(*kept != NULL ? PROBLEM_LOCKED : PROBLEM_STATE);
    if (*kept == NULL && is_talk) {
        problem->status = 404;
        problem->param = "conversation";
        problem->code = NULL;
    }
    return false;
}

// When the time of an answer is over that is kept now; 0: never.
static uint64_t answer_until(const struct service *service) {
    uint32_t lifetime_ms = service->options->state_ms;
    return lifetime_ms > 0 ? service->now.ticks_ms + lifetime_ms : 0;
}

// When the last piece of the answer leaves.
static uint64_t written_until(const struct service *service, const struct served *served) {
    uint64_t pieces = served->piece_bytes > 0 ? service->body.size / served->piece_bytes : 0;
    return service->now.ticks_ms + served->delay_ms + pieces * served->pace_ms;
}

void serve_keep(struct service *service, const struct asked *asked, struct kept *conversation,
                struct served *served) {
    const struct reply *reply = &service->reply;
    enum dialect dialect = served->api->dialect;
    bool is_talk = conversation != NULL && conversation->kind == KEPT_CONVERSATION;
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
        conversation->busy_until_ms = written_until(service, served);
        state_weigh(&service->state, conversation, service->now.ticks_ms);
    }
    if (!asked->is_stored)
        return;
    struct kept *kept = state_keep(&service->state, served->api->vendor, KEPT_ANSWER, reply->id);
    kept->until_ms = answer_until(service);
    kept_set(kept, &transcript);
    served->api->body(reply, &kept->body);
    state_weigh(&service->state, kept, service->now.ticks_ms);
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
    struct span raw = scan_find(body, "metadata");
    return raw.size > 0 && raw.at[0] == '{' ? raw : span_of("{}");
}

// A member's text, as it stands; empty: there is none.
static struct span text_in(struct span body, const char *name) {
    struct span raw = scan_find(body, name);
    bool is_text = raw.size >= 2 && raw.at[0] == '"';
    return is_text ? (struct span){raw.at + 1, raw.size - 2} : (struct span){"", 0};
}

static void refuse(struct service *service, const char *wrong, const char *param, const char *code,
                   struct served *served, struct text *out) {
    struct problem problem = problem_sent(wrong, param, code);
    serve_problem(service, &problem, served, out);
}

// Adds the items of a body to a conversation; false: the answer has said what is wrong.
static bool items_add(struct service *service, const struct route *route, struct span body,
                      struct kept *kept, struct served *served, struct text *out) {
    struct asked asked;
    struct route nameless = *route;
    nameless.name = (struct span){"", 0};
    if (body.size == 0)
        return true;
    struct before before = {&kept->transcript, {"", 0}};
    asked_read(&nameless, body, before, &service->transcript, &asked);
    if (asked.wrong != NULL) {
        refuse(service, asked.wrong, asked.param, asked.code, served, out);
        return false;
    }
    kept_set(kept, &asked.transcript);
    state_weigh(&service->state, kept, service->now.ticks_ms);
    return true;
}

static void create_conversation(struct service *service, const struct route *route,
                                struct span body, struct served *served, struct text *out) {
    struct text id = {0};
    reply_hex_id(&id, "conv_", 48, &service->ids);
    struct kept *kept =
        state_keep(&service->state, served->api->vendor, KEPT_CONVERSATION, text_view(&id));
    text_release(&id);
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

enum { HOUR_S = 3600, TTL_S_MAX = 7 * 24 * HOUR_S };

// A time to live as the API writes it: "300s"; an hour if there is none. -1: it is none.
static int64_t ttl_s(struct span body) {
    struct span ttl = text_in(body, "ttl");
    int64_t seconds = 0;
    if (scan_find(body, "expireTime").size > 0)
        return -1;
    if (ttl.size == 0)
        return HOUR_S;
    for (size_t i = 0; i + 1 < ttl.size; i++) {
        if (ttl.at[i] < '0' || ttl.at[i] > '9' || seconds > TTL_S_MAX)
            return -1;
        seconds = seconds * 10 + (ttl.at[i] - '0');
    }
    return ttl.at[ttl.size - 1] == 's' && seconds > 0 ? seconds : -1;
}

static void put_prefix(const struct kept *kept, struct span body, int64_t tokens, int64_t until_ms,
                       int64_t unix_ms, struct text *out) {
    char created[32], over[32];
    moment_rfc3339(unix_ms, created);
    moment_rfc3339(until_ms, over);
    json_put(out,
             "{'name':'cachedContents/%r','model':'%r','createTime':'%s','updateTime':'%s',"
             "'expireTime':'%s','displayName':'%r','usageMetadata':{'totalTokenCount':%d}}",
             text_view(&kept->id), text_in(body, "model"), created, created, over,
             text_in(body, "displayName"), tokens);
}

static void keep_prefix(struct service *service, struct span body, int64_t tokens, int64_t ttl_ms,
                        struct served *served, struct text *out) {
    struct text id = {0};
    reply_hex_id(&id, "", 24, &service->ids);
    struct kept *kept =
        state_keep(&service->state, served->api->vendor, KEPT_PREFIX, text_view(&id));
    text_release(&id);
    kept->until_ms = service->now.ticks_ms + (uint64_t)ttl_ms;
    text_span(&kept->said, body);
    put_prefix(kept, body, tokens, service->now.unix_ms + ttl_ms, service->now.unix_ms,
               &kept->body);
    state_weigh(&service->state, kept, service->now.ticks_ms);
    text_span(&service->body, text_view(&kept->body));
    answer_with(service, served, out);
}

// Keeps the beginning of requests to come, to be named by them.
static void create_prefix(struct service *service, const struct route *route, struct span body,
                          struct served *served, struct text *out) {
    static const char models[] = "models/";
    const struct options *options = service->options;
    struct asked asked;
    asked_read(route, body, (struct before){NULL, {"", 0}}, &service->transcript, &asked);
    struct span model = asked.model;
    bool is_named = span_begins(model, models);
    if (is_named)
        model = (struct span){model.at + sizeof(models) - 1, model.size - (sizeof(models) - 1)};
    int64_t tokens = prompt_tokens(asked.messages, asked.text_bytes, asked.tools_bytes);
    int64_t seconds = ttl_s(body);
    if (asked.wrong != NULL)
        refuse(service, asked.wrong, asked.param, asked.code, served, out);
    else if (!is_named)
        refuse(service, "the model must be named as models/…", "model", NULL, served, out);
    else if (seconds < 0)
        refuse(service, "a ttl like 300s is what this simulator takes", "ttl", NULL, served, out);
    else if (tokens < cache_from(served->api, tariff_find(model), options))
        refuse(service, "Cached content is too small", "contents", NULL, served, out);
    else
        keep_prefix(service, body, tokens,
                    options->prefix_ms > 0 ? options->prefix_ms : seconds * 1000, served, out);
}

static void serve_delete(struct service *service, struct kept *kept, struct served *served,
                         struct text *out) {
    if (served->api->vendor == VENDOR_GEMINI)
        text_add(&service->body, "{}");
    else
        json_put(&service->body, "{'id':'%r','object':'%s','deleted':true}", text_view(&kept->id),
                 kept->kind == KEPT_CONVERSATION ? "conversation.deleted" : "response");
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
        (route->kind == KEPT_PREFIX ? create_prefix : create_conversation)(service, route, body,
                                                                           served, out);
        return;
    }
    struct kept *kept = state_find(&service->state, served->api->vendor, route->kind, route->name,
                                   service->now.ticks_ms);
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
        if (kept->kind == KEPT_CONVERSATION)
            put_conversation(kept, to);
        else
            text_span(to, text_view(&kept->body));
    }
    answer_with(service, served, out);
}
