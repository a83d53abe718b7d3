#include "tests/provider-sim/service.h"

#include "tests/provider-sim/answer_messages.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char json_type[] = "application/json";
enum { MESSAGE_ID_SIZE = 28 };

void service_init(struct service *service, const struct options *options) {
    *service = (struct service){.options = options, .date_s = -1};
    ssize_t size = getrandom(&service->ids.state, sizeof(service->ids.state), 0);
    assert(size == (ssize_t)sizeof(service->ids.state));
    (void)size;
    keys_init(&service->keys, options);
}

void service_release(struct service *service) {
    keys_release(&service->keys);
    seen_release(&service->seen);
    reply_release(&service->reply);
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

static void served_begin(struct service *service, struct span call, struct served *served) {
    struct charge *charge = &served->charge;
    charge->call_size = charge->model_size = charge->model_requested_size = 0;
    charge->response_id_size = 0;
    charge->status = 0;
    charge->fault = FAULT_NONE;
    charge->has_price = charge->has_body = false;
    charge->rate = (struct rate){0};
    charge->tokens = (struct tokens){0};
    charge->pusd = 0;
    charge->messages = 0;
    charge_call(charge, call);
    memcpy(charge->request_id, "req_", 4);
    static const char digits[] = "0123456789abcdef";
    uint64_t bits = 0;
    for (int i = 0; i < 32; i++, bits >>= 4) {
        if (i % 16 == 0)
            bits = dice_throw(&service->ids);
        charge->request_id[4 + i] = digits[bits & 15];
    }
    served->api = API_CHAT;
    served->ending = ENDING_KEEP;
    served->delay_ms = 0;
}

static struct answer answer_begin(struct service *service, const struct served *served,
                                  int status) {
    return (struct answer){
        .api = served->api,
        .unix_ms = service->now.unix_ms,
        .status = status,
        .request_id = {served->charge.request_id, REQUEST_ID_SIZE},
        .content_type = json_type,
        .date = service->date,
        .processing_ms = served->delay_ms,
        .is_last = served->ending == ENDING_CLOSE,
        .body = text_view(&service->body),
        .more_headers = text_view(&service->headers),
        .salt = dice_throw(&service->ids),
    };
}

struct problem {
    int status;
    enum fault fault;
    const char *message, *type, *param, *code;
};

// Makes the body of an error, in the words of the API.
static void put_error(struct service *service, const struct served *served,
                      const struct problem *problem) {
    struct span request_id = {served->charge.request_id, REQUEST_ID_SIZE};
    const char *type = problem->type ? problem->type : "invalid_request_error";
    if (served->api == API_CHAT)
        answer_error(&service->body, problem->message, type, problem->param, problem->code);
    else
        messages_error(&service->body, problem->status, problem->message,
                       problem->fault == FAULT_QUOTA ? "enforced_spend_limit_reached" : NULL,
                       request_id);
}

// Asks to wait, in the words of the API.
static void put_retry(struct service *service, const struct served *served, struct dice *dice) {
    uint32_t half_ms = service->options->retry_ms / 2;
    uint32_t wait_ms = half_ms + dice_below(dice, half_ms + 1);
    if (served->charge.fault != FAULT_HTTP_503 && served->charge.fault != FAULT_HTTP_429)
        return;
    if (served->api == API_CHAT)
        answer_retry(&service->headers, wait_ms, service->now.unix_ms, dice);
    else
        messages_retry(&service->headers, wait_ms, service->now.unix_ms, dice);
}

// Answers with an error that is the client's to mend.
static void serve_problem(struct service *service, const struct problem *problem,
                          struct served *served, struct text *out) {
    text_reset(&service->body);
    text_reset(&service->headers);
    put_error(service, served, problem);
    served->charge.fault = problem->fault;
    served->charge.status = problem->status;
    struct answer answer = answer_begin(service, served, problem->status);
    answer_whole(&answer, NULL, out);
}

void service_refuse(struct service *service, struct span call, int status, const char *why,
                    struct served *served, struct text *out) {
    served_begin(service, call, served);
    served->ending = ENDING_CLOSE;
    struct problem problem = {status, FAULT_BAD_REQUEST, why, NULL, NULL, NULL};
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
    served_begin(service, call, served);
    served->charge.fault = FAULT_REFUSED;
    served->ending = dice_hit(&dice, RATE_WHOLE / 2) ? ENDING_CLOSE : ENDING_RESET;
    return true;
}

void service_incomplete(struct service *service, struct span call, struct served *served) {
    served_begin(service, call, served);
    served->charge.fault = FAULT_INCOMPLETE;
    served->ending = ENDING_RESET;
}

static const struct problem faults[] = {
    {500, FAULT_HTTP_500, "the simulated server had an error", "server_error", NULL, NULL},
    {503, FAULT_HTTP_503, "the simulated servers are overloaded", "service_unavailable_error", NULL,
     "server_is_overloaded"},
    {429, FAULT_HTTP_429, "a simulated rate limit was reached", "requests", NULL,
     "rate_limit_exceeded"},
    {400, FAULT_HTTP_400, "the context of this simulated model is too short for the messages",
     "invalid_request_error", "messages", "context_length_exceeded"},
};

static struct problem problem_of(enum fault fault, enum api api) {
    struct problem problem = faults[0];
    for (size_t i = 1; i < sizeof(faults) / sizeof(faults[0]); i++)
        if (faults[i].fault == fault)
            problem = faults[i];
    if (api == API_MESSAGES && problem.status == 503)
        problem.status = 529;
    return problem;
}

// An error that is the provider's own, or its limit.
static void serve_fault(struct service *service, struct dice *dice, struct served *served,
                        struct text *out) {
    struct text *body = &service->body;
    enum fault fault = served->charge.fault;
    struct problem problem = problem_of(fault, served->api);
    const char *content_type = json_type;
    text_reset(body);
    text_reset(&service->headers);
    put_retry(service, served, dice);
    if (fault == FAULT_HTTP_502) {
        problem.status = 502;
        content_type = "text/html";
        text_add(body, "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
                       "<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n");
    } else if (fault == FAULT_HTTP_504) {
        problem.status = 504;
        content_type = "text/plain";
        text_add(body, "upstream timed out");
    } else {
        put_error(service, served, &problem);
    }
    served->charge.status = problem.status;
    struct answer answer = answer_begin(service, served, problem.status);
    answer.content_type = content_type;
    answer_whole(&answer, NULL, out);
}

// Head and a part of the body, of which the rest never comes.
static void serve_cut(struct service *service, struct dice *dice, struct served *served,
                      struct text *out) {
    enum fault fault = served->charge.fault;
    struct answer answer = answer_begin(service, served, 200);
    size_t from = out->size;
    answer.is_last = false;
    answer.is_chunked = fault == FAULT_CUT_CHUNKED;
    answer_head(&answer, out);
    size_t head_size = out->size - from;
    if (fault == FAULT_CUT_HEAD) {
        out->size = from + 1 + dice_below(dice, (uint32_t)head_size - 4);
    } else if (fault == FAULT_CUT_CHUNKED) {
        answer_chunks(answer.body, dice, out);
        if (dice_hit(dice, RATE_WHOLE / 2))
            out->size =
                from + head_size + dice_below(dice, (uint32_t)(out->size - head_size - from));
    } else {
        text_put(out, answer.body.at, dice_below(dice, (uint32_t)answer.body.size));
    }
    served->ending = fault == FAULT_HANG_MIDWAY ? ENDING_HANG
                     : fault == FAULT_CUT_RESET ? ENDING_RESET
                                                : ENDING_CLOSE;
}

// 200, complete as HTTP, and of no use.
static void serve_malformed(struct service *service, struct dice *dice, struct served *served,
                            struct text *out) {
    enum fault fault = served->charge.fault;
    struct text *body = &service->body;
    struct answer answer = answer_begin(service, served, 200);
    if (fault == FAULT_MALFORMED_TRUNCATED) {
        // At least the last brace and the line feed behind it are missing.
        body->size = 1 + dice_below(dice, (uint32_t)body->size - 2);
    } else if (fault == FAULT_MALFORMED_GARBAGE) {
        for (size_t i = 0; i < body->size; i++)
            body->at[i] = (char)dice_below(dice, 256);
        body->at[0] = (char)0xff; // no JSON begins so
    } else if (fault == FAULT_MALFORMED_HTML) {
        text_reset(body);
        text_add(body, "<!doctype html><title>Just a moment</title><p>checking your browser</p>\n");
        answer.content_type = "text/html; charset=utf-8";
    } else {
        text_reset(body);
    }
    answer.body = text_view(body);
    answer_whole(&answer, dice, out);
}

static enum fault draw_member(enum fault_group group, struct dice *dice) {
    enum fault first = FAULT_NONE;
    uint32_t count = 0;
    for (int fault = FAULTS - 1; fault > FAULT_NONE; fault--)
        if (fault_group((enum fault)fault) == group)
            first = (enum fault)fault, count++;
    return (enum fault)((uint32_t)first + dice_below(dice, count));
}

// `always` is thrown from the body alone: what is wrong with a request stays wrong.
static enum fault draw_fault(const struct options *options, struct dice *always,
                             struct dice *dice) {
    if (dice_hit(always, options->rates[GROUP_REJECT]))
        return FAULT_HTTP_400;
    uint32_t drawn = dice_below(dice, RATE_WHOLE);
    for (int group = GROUP_NONE + 1; group < GROUP_REFUSE; group++) {
        if (group == GROUP_REJECT)
            continue;
        if (drawn < options->rates[group])
            return draw_member((enum fault_group)group, dice);
        drawn -= options->rates[group];
    }
    return FAULT_NONE;
}

struct directive {
    enum fault fault;
    bool has_fault, has_delay;
    uint32_t delay_ms;
    uint32_t body_bytes, head_bytes; // 0: as they come
    struct reply_wish wish;
};

static struct span take_name(struct span *rest) {
    struct span name = {rest->at, 0};
    while (rest->size > 0 && ((*rest->at >= 'a' && *rest->at <= 'z') || *rest->at == '_' ||
                              (*rest->at >= '0' && *rest->at <= '9')))
        rest->at++, rest->size--, name.size++;
    return name;
}

// The number that the digits of a name make, at most max.
static uint32_t number_in(struct span name, uint32_t max) {
    uint64_t number = 0;
    for (size_t i = 0; i < name.size && number < max; i++)
        if (name.at[i] >= '0' && name.at[i] <= '9')
            number = number * 10 + (uint64_t)(name.at[i] - '0');
    return number < max ? (uint32_t)number : max;
}

// @sim:NAME or @sim:NAME*N in a message's text.
static struct directive directive_in(struct span said, uint32_t occurrence) {
    static const char mark[] = "@sim:";
    struct directive directive = {0};
    const char *at = said.size > 0 ? memmem(said.at, said.size, mark, 5) : NULL;
    if (at == NULL)
        return directive;
    struct span rest = {at + 5, said.size - (size_t)(at + 5 - said.at)};
    struct span name = take_name(&rest);
    if (rest.size > 1 && rest.at[0] == '*') {
        rest.at++, rest.size--;
        if (occurrence >= number_in(take_name(&rest), RATE_WHOLE))
            return directive;
    }
    directive.fault = fault_named(name);
    directive.has_fault = directive.fault != FAULTS && directive.fault != FAULT_REFUSED;
    directive.has_delay = span_begins(name, "delay_");
    directive.delay_ms = number_in(name, RATE_WHOLE);
    directive.body_bytes = span_begins(name, "body_") ? number_in(name, BODY_BYTES_MAX) : 0;
    directive.head_bytes = span_begins(name, "head_") ? number_in(name, BODY_BYTES_MAX) : 0;
    directive.wish.has_unknown_model = span_is(name, "unknown_model");
    directive.wish.is_cut_short = span_is(name, "length");
    return directive;
}

// Makes the body as long as it is asked for, by a member that nobody reads.
static void pad_body(struct text *body, uint32_t size) {
    static const char begin[] = ",\"padding\":\"", end[] = "\"}";
    while (body->size > 0 && body->at[body->size - 1] != '}')
        body->size--;
    size_t least = body->size - 1 + sizeof(begin) - 1 + sizeof(end) - 1;
    if (size < least)
        return;
    body->size--;
    text_add(body, begin);
    memset(text_room(body, size - least), 'p', size - least);
    body->size += size - least;
    text_add(body, end);
}

// Adds header lines of so many bytes in all.
static void pad_head(struct text *headers, uint32_t size) {
    static const char begin[] = "x-padding: ", end[] = "\r\n";
    enum { LINE_MAX_BYTES = 4096, LINE_MIN_BYTES = sizeof(begin) + sizeof(end) };
    while (size >= LINE_MIN_BYTES) {
        uint32_t line = size < LINE_MAX_BYTES ? size : LINE_MAX_BYTES;
        uint32_t filler = line - (uint32_t)(sizeof(begin) - 1 + sizeof(end) - 1);
        text_add(headers, begin);
        memset(text_room(headers, filler), 'p', filler);
        headers->size += filler;
        text_add(headers, end);
        size -= line;
    }
}

static void serve_reply(struct service *service, const struct asked *asked,
                        const struct directive *directive, struct dice *dice,
                        struct served *served) {
    struct charge *charge = &served->charge;
    struct reply *reply = &service->reply;
    bool is_chat = served->api == API_CHAT;
    const char *prefix = is_chat ? "chatcmpl-" : "msg_01";
    size_t prefix_size = strlen(prefix);
    reply_make(reply, asked, service->options, directive->wish, dice);
    if (!is_chat)
        messages_tokens(reply, service->options, dice);
    charge->response_id_size = is_chat ? RESPONSE_ID_SIZE_MAX : MESSAGE_ID_SIZE;
    memcpy(charge->response_id, prefix, prefix_size);
    dice_name(&service->ids, charge->response_id + prefix_size,
              (uint32_t)(charge->response_id_size - prefix_size));
    memcpy(charge->model, reply->model.at, reply->model.size);
    charge->model_size = reply->model.size;
    charge->tokens = reply->tokens;
    charge->rate = (struct rate){reply->is_flex, reply->is_us};
    charge->has_price = reply->tariff != NULL;
    if (charge->has_price)
        charge->pusd = tariff_price(reply->tariff, &reply->tokens, charge->rate);
    text_reset(&service->body);
    text_reset(&service->headers);
    struct span id = {charge->response_id, charge->response_id_size};
    if (is_chat)
        reply_json(reply, id, service->now.unix_ms / 1000, &service->ids, &service->body);
    else
        messages_json(reply, id, &service->ids, &service->body);
    if (directive->body_bytes > 0)
        pad_body(&service->body, directive->body_bytes);
    pad_head(&service->headers, directive->head_bytes);
}

static void serve_processed(struct service *service, struct dice *dice, struct served *served,
                            struct text *out) {
    enum fault fault = served->charge.fault;
    enum fault_group group = fault_group(fault);
    served->charge.status = 200;
    if (group == GROUP_LATE_CLOSE || fault == FAULT_HANG) {
        served->charge.status = 0;
        served->ending = fault == FAULT_HANG         ? ENDING_HANG
                         : fault == FAULT_LATE_RESET ? ENDING_RESET
                                                     : ENDING_CLOSE;
    } else if (group == GROUP_CUT || fault == FAULT_HANG_MIDWAY) {
        serve_cut(service, dice, served, out);
    } else if (group == GROUP_MALFORMED) {
        serve_malformed(service, dice, served, out);
    } else {
        struct answer answer = answer_begin(service, served, 200);
        answer.is_chunked = dice_hit(dice, service->options->chunked_rate);
        answer_whole(&answer, dice, out);
    }
}

static void serve_asked(struct service *service, const struct asked *asked, struct served *served,
                        struct text *out) {
    uint64_t what;
    memcpy(&what, served->charge.body_hash, sizeof(what));
    uint32_t occurrence = seen_count(&service->seen, what);
    uint64_t seed = service->options->seed;
    struct dice always = dice_new(seed, what, UINT32_MAX);
    struct dice dice = dice_new(seed, what, occurrence);
    struct directive directive = directive_in(asked->last_user, occurrence);
    enum fault fault = draw_fault(service->options, &always, &dice);
    served->delay_ms = dice_latency_ms(&dice, service->options->latency_mean_ms);
    served->charge.fault = directive.has_fault ? directive.fault : fault;
    if (directive.has_delay)
        served->delay_ms = directive.delay_ms;
    if (!fault_is_billed(served->charge.fault)) {
        serve_fault(service, &dice, served, out);
        return;
    }
    // Each repetition says something else, so that mixed-up attempts do not go unseen.
    serve_reply(service, asked, &directive, &dice, served);
    serve_processed(service, &dice, served, out);
}

static const struct problem problem_path = {
    404, FAULT_BAD_REQUEST, "there is nothing at this URL", NULL, NULL, NULL};
static const struct problem problem_method = {
    405, FAULT_BAD_REQUEST, "only POST is allowed here", NULL, NULL, "method_not_supported"};
static const struct problem problem_call = {
    400,
    FAULT_BAD_REQUEST,
    "X-Client-Request-Id must be ASCII, at most 512 characters",
    NULL,
    NULL,
    "invalid_client_request_id"};
static const struct problem problem_no_key = {
    401, FAULT_DENIED, "no API key was sent in the Authorization header", NULL, NULL, NULL};
static const struct problem problem_key = {
    401, FAULT_DENIED, "the API key is not one of this simulator's", NULL, NULL, "invalid_api_key"};
static const struct problem problem_quota = {
    429,  FAULT_QUOTA,         "the simulated quota is exhausted", "insufficient_quota",
    NULL, "insufficient_quota"};
static const struct problem problem_model = {404,  FAULT_BAD_REQUEST, "the model does not exist",
                                             NULL, "model",           "model_not_found"};

static const struct problem problem_version = {
    400, FAULT_BAD_REQUEST, "anthropic-version: header is required", NULL, NULL, NULL};

static bool call_is_good(struct span call) {
    for (size_t i = 0; i < call.size; i++)
        if ((unsigned char)call.at[i] < 0x20 || (unsigned char)call.at[i] > 0x7e)
            return false;
    return call.size <= CALL_BYTES_MAX;
}

static bool api_of(struct span path, enum api *api) {
    *api = span_is(path, "/v1/messages") ? API_MESSAGES : API_CHAT;
    return *api == API_MESSAGES || span_is(path, "/v1/chat/completions");
}

// What is wrong before the body is looked at; NULL: nothing.
static const struct problem *service_check(const struct service *service, const struct heard *heard,
                                           enum api *api) {
    struct span path = heard->target;
    const char *query = memchr(path.at, '?', path.size);
    if (query != NULL)
        path.size = (size_t)(query - path.at);
    if (!api_of(path, api))
        return &problem_path;
    if (!span_is(heard->method, "POST"))
        return &problem_method;
    if (!call_is_good(heard->call))
        return &problem_call;
    struct span key = *api == API_MESSAGES ? heard->api_key : keys_bearer(heard->authorization);
    if (!keys_accept(&service->keys, key))
        return key.size == 0 ? &problem_no_key : &problem_key;
    if (*api == API_MESSAGES && !span_is(heard->version, "2023-06-01"))
        return &problem_version;
    return service->keys.is_quota_exhausted ? &problem_quota : NULL;
}

void service_answer(struct service *service, const struct heard *heard, struct served *served,
                    struct text *out) {
    struct charge *charge = &served->charge;
    struct asked asked;
    served_begin(service, heard->call, served);
    served->ending = heard->is_kept_alive ? ENDING_KEEP : ENDING_CLOSE;
    hash_sha256(heard->body, charge->body_hash);
    charge->has_body = true;
    const struct problem *problem = service_check(service, heard, &served->api);
    if (problem != NULL) {
        serve_problem(service, problem, served, out);
        return;
    }
    asked_read(served->api, heard->body, &service->transcript, &asked);
    charge->messages = asked.messages;
    if (asked.wrong != NULL) {
        struct problem wrong = {400, FAULT_BAD_REQUEST, asked.wrong, NULL, asked.param, asked.code};
        serve_problem(service, &wrong, served, out);
        return;
    }
    memcpy(charge->model_requested, asked.model.at, asked.model.size);
    charge->model_requested_size = asked.model.size;
    if (span_begins(asked.model, "missing-"))
        serve_problem(service, &problem_model, served, out);
    else
        serve_asked(service, &asked, served, out);
}
