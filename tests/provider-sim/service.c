#include "tests/provider-sim/service.h"

#include "tests/provider-sim/directive.h"
#include "tests/provider-sim/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char json_type[] = "application/json";

enum { PIECE_BYTES = 200 }; // of a stream that is told to be slow

void service_init(struct service *service, const struct options *options) {
    *service = (struct service){.options = options, .date_s = -1};
    ssize_t size = getrandom(&service->ids.state, sizeof(service->ids.state), 0);
    assert(size == (ssize_t)sizeof(service->ids.state));
    (void)size;
    service->state.bytes_max = options->state_bytes;
    keys_init(&service->keys, options);
}

void service_release(struct service *service) {
    keys_release(&service->keys);
    seen_release(&service->seen);
    reply_release(&service->reply);
    state_release(&service->state);
    cache_release(&service->cache);
    stream_release(&service->stream);
    text_release(&service->pretty);
    text_release(&service->request_id);
    text_release(&service->response_id);
    text_release(&service->before_id);
    text_release(&service->transcript);
    text_release(&service->body);
    text_release(&service->headers);
}

void service_refresh(struct service *service, struct moment now) {
    service->now = now;
    keys_refresh(&service->keys, now);
    if (now.unix_ms / 1000 == service->date_s)
        return;
    service->date_s = now.unix_ms / 1000;
    moment_http_date(now.unix_ms, service->date);
}

// The call id as it was sent, for the bill; what is no printing ASCII becomes a question mark.
static void charge_call(struct charge *charge, struct span call) {
    charge->call_size = call.size < CALL_BYTES_MAX ? call.size : CALL_BYTES_MAX;
    for (size_t i = 0; i < charge->call_size; i++)
        charge->call[i] = call.at[i] >= 0x20 && call.at[i] < 0x7f ? call.at[i] : '?';
}

static size_t id_copy(const struct text *id, char *to) {
    size_t size = id->size < ID_BYTES_MAX ? id->size : ID_BYTES_MAX;
    if (size > 0)
        memcpy(to, id->at, size);
    return size;
}

// Whose API it is, and with it the ids of request and response.
static void served_by(struct service *service, struct served *served, const struct api *api) {
    struct charge *charge = &served->charge;
    text_reset(&service->request_id);
    text_reset(&service->response_id);
    api->ids(&service->request_id, &service->response_id, service->now.unix_ms / 1000,
             &service->ids);
    charge->request_id_size = id_copy(&service->request_id, charge->request_id);
    served->api = api;
}

static void served_begin(struct span call, struct served *served) {
    struct charge *charge = &served->charge;
    charge->api = NULL;
    charge->call_size = charge->model_size = charge->model_requested_size = 0;
    charge->response_id_size = 0;
    charge->status = 0;
    charge->fault = FAULT_NONE;
    charge->has_price = charge->has_body = charge->is_free = false;
    charge->rate = (struct rate){0};
    charge->tokens = (struct tokens){0};
    charge->pusd = 0;
    charge->messages = 0;
    charge_call(charge, call);
    served->ending = ENDING_KEEP;
    served->delay_ms = served->piece_bytes = served->pace_ms = 0;
    served->early_bytes = 0;
}

// The same where nobody has said which API is meant.
static void served_begin_plain(struct service *service, struct span call, struct served *served) {
    served_begin(call, served);
    served_by(service, served, &api_openai_chat);
}

struct answer answer_begin(struct service *service, const struct served *served, int status) {
    return (struct answer){
        .api = served->api,
        .unix_ms = service->now.unix_ms,
        .status = status,
        .request_id = {served->charge.request_id, served->charge.request_id_size},
        .content_type = json_type,
        .date = service->date,
        .processing_ms = served->delay_ms,
        .is_last = served->ending == ENDING_CLOSE,
        .body = text_view(&service->body),
        .more_headers = text_view(&service->headers),
        .salt = dice_throw(&service->ids),
    };
}

// ---- errors -------------------------------------------------------------------------------------

// Makes the body of an error, in the words of the API, and returns its status.
static int put_error(struct service *service, const struct served *served, struct problem problem) {
    const struct charge *charge = &served->charge;
    problem.request_id = (struct span){charge->request_id, charge->request_id_size};
    problem.model = (struct span){charge->model_requested, charge->model_requested_size};
    text_reset(&service->body);
    text_reset(&service->pretty);
    int status = served->api->error(&problem, &service->pretty);
    if (served->api->is_pretty)
        json_pretty(text_view(&service->pretty), &service->body);
    else
        text_span(&service->body, text_view(&service->pretty));
    return status;
}

void serve_problem(struct service *service, const struct problem *problem, struct served *served,
                   struct text *out) {
    text_reset(&service->headers);
    int status = put_error(service, served, *problem);
    served->charge.fault = problem->fault;
    served->charge.status = status;
    struct answer answer = answer_begin(service, served, status);
    answer_whole(&answer, NULL, out);
}

void service_refuse(struct service *service, struct span call, int status, const char *why,
                    struct served *served, struct text *out) {
    served_begin_plain(service, call, served);
    served->ending = ENDING_CLOSE;
    struct problem problem = problem_sent(why, NULL, NULL);
    problem.status = status;
    serve_problem(service, &problem, served, out);
}

bool service_turns_away(struct service *service, struct span call, struct served *served) {
    uint32_t rate = service->options->rates[GROUP_REFUSE];
    if (rate == 0)
        return false;
    uint8_t digest[HASH_SIZE];
    uint64_t what;
    hash_sha256(call, digest);
    memcpy(&what, digest, sizeof(what));
    struct dice dice = dice_new(service->options->seed, what, seen_count(&service->seen, what));
    if (!dice_hit(&dice, rate))
        return false;
    served_begin_plain(service, call, served);
    served->charge.fault = FAULT_REFUSED;
    served->ending = dice_hit(&dice, RATE_WHOLE / 2) ? ENDING_CLOSE : ENDING_RESET;
    return true;
}

void service_incomplete(struct service *service, struct span call, struct served *served) {
    served_begin_plain(service, call, served);
    served->charge.fault = FAULT_INCOMPLETE;
    served->ending = ENDING_RESET;
}

// Asks to wait, in the words of the API; returns for how long.
static uint32_t put_retry(struct service *service, const struct served *served, struct dice *dice) {
    uint32_t half_ms = service->options->retry_ms / 2;
    uint32_t wait_ms = half_ms + dice_below(dice, half_ms + 1);
    if (served->charge.fault != FAULT_HTTP_503 && served->charge.fault != FAULT_HTTP_429)
        return 0;
    if (served->api->retry != NULL)
        served->api->retry(&service->headers, wait_ms, service->now.unix_ms, dice);
    return wait_ms;
}

// An error that is the provider's own, or its limit.
static void serve_fault(struct service *service, struct dice *dice, struct served *served,
                        struct text *out) {
    struct text *body = &service->body;
    enum fault fault = served->charge.fault;
    struct problem problem = problem_of(fault);
    const char *content_type = json_type;
    int status = 0;
    text_reset(&service->headers);
    problem.wait_ms = put_retry(service, served, dice);
    if (fault == FAULT_HTTP_502) {
        status = 502;
        content_type = "text/html";
        text_reset(body);
        text_add(body, "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
                       "<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n");
    } else if (fault == FAULT_HTTP_504) {
        status = 504;
        content_type = "text/plain";
        text_reset(body);
        text_add(body, "upstream timed out");
    } else {
        status = put_error(service, served, problem);
    }
    served->charge.status = status;
    struct answer answer = answer_begin(service, served, status);
    answer.content_type = content_type;
    answer_whole(&answer, NULL, out);
}

// ---- answers ------------------------------------------------------------------------------------

static enum fault draw_member(enum fault_group group, struct dice *dice) {
    enum fault first = FAULT_NONE;
    uint32_t count = 0;
    for (int fault = FAULTS - 1; fault > FAULT_NONE; fault--)
        if (fault_group((enum fault)fault) == group)
            first = (enum fault)fault, count++;
    return (enum fault)((uint32_t)first + dice_below(dice, count));
}

// `always` is thrown from the body alone: what is wrong with a request stays wrong.
static enum fault draw_fault(const struct options *options, bool is_stream, struct dice *always,
                             struct dice *dice) {
    if (dice_hit(always, options->rates[GROUP_REJECT]))
        return FAULT_HTTP_400;
    uint32_t drawn = dice_below(dice, RATE_WHOLE);
    for (int group = GROUP_NONE + 1; group < GROUP_REFUSE; group++) {
        if (group == GROUP_REJECT)
            continue;
        if (drawn < options->rates[group])
            return group == GROUP_STREAM && !is_stream ? FAULT_NONE
                                                       : draw_member((enum fault_group)group, dice);
        drawn -= options->rates[group];
    }
    return FAULT_NONE;
}

// What the answer costs, and who it is billed to.
static void charge_reply(struct service *service, struct dice *dice, struct served *served) {
    const struct options *options = service->options;
    struct charge *charge = &served->charge;
    struct reply *reply = &service->reply;
    if (served->api->tokens != NULL)
        served->api->tokens(reply, options, dice);
    if (options->has_prefix_cache) {
        reply->tokens.cached = reply->tokens.written = reply->tokens.written_1h = 0;
        cache_use(&service->cache, served->api, reply->asked, reply->tariff, options,
                  service->now.ticks_ms, &reply->tokens);
    }
    if (reply->tokens.cached < reply->asked->prefix_tokens)
        reply->tokens.cached = reply->asked->prefix_tokens;
    charge->response_id_size = id_copy(&service->response_id, charge->response_id);
    memcpy(charge->model, reply->model.at, reply->model.size);
    charge->model_size = reply->model.size;
    charge->tokens = reply->tokens;
    charge->has_price = reply->tariff != NULL;
    charge->rate = (struct rate){.is_flex = reply->is_flex,
                                 .is_us = reply->is_us,
                                 .is_peak = charge->has_price && reply->tariff->is_peaked &&
                                            tariff_is_peak(service->now.unix_ms / 1000)};
    if (charge->has_price)
        charge->pusd = tariff_price(reply->tariff, &reply->tokens, charge->rate);
    reply->pusd = charge->pusd;
    reply->unix_s = service->now.unix_ms / 1000;
    reply->salt = dice_throw(&service->ids);
    reply->id = (struct span){charge->response_id, charge->response_id_size};
    reply->request_id = (struct span){charge->request_id, charge->request_id_size};
}

static void put_stream(struct service *service, const struct served *served,
                       const struct route *route, struct dice shape) {
    struct stream *stream = &service->stream;
    bool is_turned = dice_hit(&shape, service->options->crlf_rate);
    stream_begin(stream, &service->body, shape);
    stream->comment_rate = service->options->comment_rate;
    stream->line_end = served->api->has_crlf != is_turned ? "\r\n" : "\n";
    stream->is_array = route->operation == OPERATION_STREAM && !span_is(route->query, "alt=sse") &&
                       memmem(route->query.at, route->query.size, "alt=sse", 7) == NULL;
    served->api->stream(&service->reply, stream);
    stream_end(stream);
}

static void put_body(struct service *service, const struct served *served) {
    if (!served->api->is_pretty) {
        served->api->body(&service->reply, &service->body);
        text_add(&service->body, "\n");
        return;
    }
    text_reset(&service->pretty);
    served->api->body(&service->reply, &service->pretty);
    json_pretty(text_view(&service->pretty), &service->body);
}

static void serve_reply(struct service *service, const struct route *route,
                        const struct asked *asked, const struct directive *directive,
                        struct dice *dice, struct served *served) {
    const struct options *options = service->options;
    struct reply *reply = &service->reply;
    charge_reply(service, dice, served);
    text_reset(&service->body);
    text_reset(&service->headers);
    if (asked->wants_stream) {
        put_stream(service, served, route, (struct dice){reply->shape});
        served->pace_ms = directive->has_pace ? directive->pace_ms : options->pace_ms;
        served->piece_bytes = options->piece_bytes > 0 ? options->piece_bytes
                              : directive->has_pace    ? PIECE_BYTES
                                                       : 0;
    } else {
        put_body(service, served);
        if (directive->body_bytes > 0)
            pad_body(&service->body, directive->body_bytes);
    }
    pad_head(&service->headers, directive->head_bytes);
}

// An error that comes with status 200.
static void serve_false_200(struct service *service, struct dice *dice, struct served *served,
                            struct text *out) {
    if (!service->reply.asked->wants_stream) {
        struct problem problem = problem_named(PROBLEM_SERVER);
        problem.request_id = service->reply.request_id;
        text_reset(&service->body);
        served->api->error_200(&service->reply, &problem, &service->body);
    }
    served->charge.pusd = 0;
    serve_processed(service, dice, served, out);
}

// What the dice are thrown from: the body, but for whether it wants a stream.
static uint64_t what_of(struct service *service, const struct asked *asked, struct span body,
                        const struct charge *charge) {
    uint64_t what;
    uint8_t digest[HASH_SIZE];
    memcpy(digest, charge->body_hash, HASH_SIZE);
    if (asked->wants_stream) {
        text_reset(&service->pretty);
        asked_unstreamed(body, &service->pretty);
        hash_sha256(text_view(&service->pretty), digest);
    }
    memcpy(&what, digest, sizeof(what));
    return what;
}

// Notes what the reply goes on from; keeping the reply may take that one's place.
static void goes_on_from(struct service *service, const struct kept *kept) {
    struct reply *reply = &service->reply;
    text_reset(&service->before_id);
    if (kept == NULL)
        return;
    text_span(&service->before_id, text_view(&kept->id));
    if (kept->kind == KEPT_CONVERSATION)
        reply->conversation = text_view(&service->before_id);
    if (kept->kind == KEPT_ANSWER)
        reply->previous = text_view(&service->before_id);
}

static void serve_asked(struct service *service, const struct route *route,
                        const struct asked *asked, struct kept *kept, struct span body,
                        struct served *served, struct text *out) {
    uint64_t what = what_of(service, asked, body, &served->charge);
    uint32_t occurrence = seen_count(&service->seen, what);
    uint64_t seed = service->options->seed;
    struct dice always = dice_new(seed, what, UINT32_MAX);
    struct dice dice = dice_new(seed, what, occurrence);
    struct dice shape = dice_new(~seed, what, occurrence);
    struct directive directive = directive_in(asked->last_user, occurrence);
    enum fault fault = draw_fault(service->options, asked->wants_stream, &always, &dice);
    served->delay_ms = dice_latency_ms(&dice, service->options->latency_mean_ms);
    served->charge.fault = directive.has_fault ? directive.fault : fault;
    if (fault_group(served->charge.fault) == GROUP_STREAM && !asked->wants_stream)
        served->charge.fault = FAULT_NONE;
    if (served->charge.fault == FAULT_ERROR_IN_200 && served->api->error_200 == NULL)
        served->charge.fault = FAULT_HTTP_500;
    if (directive.has_delay)
        served->delay_ms = directive.delay_ms;
    bool is_false_200 = served->charge.fault == FAULT_ERROR_IN_200;
    if (!fault_is_billed(served->charge.fault) && !is_false_200) {
        serve_fault(service, &dice, served, out);
        return;
    }
    // Each repetition says something else, so that mixed-up attempts do not go unseen.
    struct reply *reply = &service->reply;
    reply_make(reply, served->api, asked, service->options, directive.wish, &dice);
    reply->shape = dice_throw(&shape);
    goes_on_from(service, kept);
    serve_reply(service, route, asked, &directive, &dice, served);
    if (is_false_200) {
        serve_false_200(service, &dice, served, out);
        return;
    }
    serve_keep(service, asked, kept, served);
    serve_processed(service, &dice, served, out);
}

// ---- the door -----------------------------------------------------------------------------------

static bool call_is_good(struct span call) {
    for (size_t i = 0; i < call.size; i++)
        if ((unsigned char)call.at[i] < 0x20 || (unsigned char)call.at[i] > 0x7e)
            return false;
    return call.size <= CALL_BYTES_MAX;
}

static struct span key_of(const struct api *api, const struct route *route,
                          const struct heard *heard) {
    struct span bearer = keys_bearer(heard->keys[KEY_BEARER]);
    struct span key = api->key == KEY_BEARER ? bearer : heard->keys[api->key];
    if (key.size == 0 && api->has_key_or_bearer)
        return bearer;
    return key.size == 0 && api->key == KEY_GOOGLE ? route->key : key;
}

// Whether what is wrong before the body is looked at; the problem then says it.
static bool service_check(struct service *service, const struct heard *heard, struct route *route,
                          struct served *served, struct problem *problem) {
    enum route_state state = route_find(heard->method, heard->target, route);
    const struct api *api = route->api;
    served_by(service, served, api != NULL ? api : &api_openai_chat);
    if (state != ROUTE_FOUND) {
        *problem = problem_named(state == ROUTE_NO_PATH ? PROBLEM_PATH : PROBLEM_METHOD);
        return false;
    }
    served->charge.api = api->name;
    struct span key = key_of(api, route, heard);
    bool is_keyed = keys_accept(&service->keys, key) || (api->is_own && key.size == 0);
    bool is_azure =
        api->vendor == VENDOR_AZURE && route->name.size > 0 && api->dialect == DIALECT_CHAT;
    if (!call_is_good(heard->call))
        *problem = problem_sent("X-Client-Request-Id must be ASCII, at most 512 characters", NULL,
                                "invalid_client_request_id");
    else if (!is_keyed)
        *problem = problem_named(key.size == 0 ? PROBLEM_NO_KEY : PROBLEM_KEY);
    else if (api->dialect == DIALECT_MESSAGES && !span_is(heard->version, "2023-06-01"))
        *problem = problem_sent("anthropic-version: header is required", NULL, NULL);
    else if (is_azure && memmem(route->query.at, route->query.size, "api-version=", 12) == NULL)
        *problem = problem_named(PROBLEM_PATH);
    else if (service->keys.is_quota_exhausted)
        *problem = problem_named(PROBLEM_QUOTA);
    else
        return true;
    return false;
}

// Reads the body and answers it.
static void service_hear(struct service *service, const struct route *route,
                         const struct heard *heard, struct served *served, struct text *out) {
    struct charge *charge = &served->charge;
    struct kept *kept = NULL;
    struct asked asked;
    struct problem problem;
    if (!serve_find(service, route, heard->body, &kept, &problem)) {
        serve_problem(service, &problem, served, out);
        return;
    }
    struct before before = {.prefix = {"", 0}};
    if (kept != NULL && kept->kind == KEPT_PREFIX)
        before.prefix = text_view(&kept->said);
    else if (kept != NULL)
        before.transcript = &kept->transcript;
    asked_read(route, heard->body, before, &service->transcript, &asked);
    charge->messages = asked.messages;
    if (asked.wrong != NULL) {
        problem = problem_sent(asked.wrong, asked.param, asked.code);
        serve_problem(service, &problem, served, out);
        return;
    }
    memcpy(charge->model_requested, asked.model.at, asked.model.size);
    charge->model_requested_size = asked.model.size;
    if (span_begins(asked.model, "missing-")) {
        problem = problem_named(PROBLEM_MODEL);
        serve_problem(service, &problem, served, out);
    } else {
        serve_asked(service, route, &asked, kept, heard->body, served, out);
    }
}

void service_answer(struct service *service, const struct heard *heard, struct served *served,
                    struct text *out) {
    struct charge *charge = &served->charge;
    struct route route;
    struct problem problem;
    served_begin(heard->call, served);
    served->ending = heard->is_kept_alive ? ENDING_KEEP : ENDING_CLOSE;
    hash_sha256(heard->body, charge->body_hash);
    charge->has_body = true;
    if (!service_check(service, heard, &route, served, &problem))
        serve_problem(service, &problem, served, out);
    else if (route.operation != OPERATION_ANSWER && route.operation != OPERATION_STREAM)
        serve_kept(service, &route, heard->body, served, out);
    else
        service_hear(service, &route, heard, served, out);
}
