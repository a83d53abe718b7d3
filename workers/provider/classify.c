#include "workers/provider/classify.h"

#include "common/text.h"
#include "workers/extractor/shape.h"
#include "workers/provider/retry_after.h"

#include <stdio.h>
#include <stdlib.h>

static void set_reason(struct verdict *verdict, const char *reason) {
    (void)snprintf(verdict->reason, sizeof(verdict->reason), "%s", reason);
}

// ---- no answer ----------------------------------------------------------------------------------

static const char *failure(const struct outcome *outcome) {
    switch (outcome->end) {
    case TRANSFER_stall_timeout:
        return "stall_timeout";
    case TRANSFER_first_byte_timeout:
        return "first_byte_timeout";
    case TRANSFER_too_large:
        return "too_large";
    case TRANSFER_aborted:
        return "aborted";
    case TRANSFER_as_http:
        break;
    }
    return http_end_name(outcome->http_end);
}

// Only what ended before a byte left was not started; all else may have been billed.
static void judge_failure(const struct outcome *outcome, struct verdict *verdict) {
    verdict->ended = outcome->has_left ? "failed" : "not_started";
    verdict->class = CLASS_retryable;
    set_reason(verdict, failure(outcome));
    text_print(verdict->detail, sizeof(verdict->detail), "%s", outcome->words);
}

// ---- an answer ----------------------------------------------------------------------------------

// What a status means where the API's own table says nothing.
static enum call_class class_of_status(unsigned status) {
    switch (status) {
    case 401:
    case 402:
    case 403:
        return CLASS_lane_wide;
    case 408:
    case 409:
    case 425:
        return CLASS_retryable;
    case 429:
        return CLASS_rate_limited;
    default:
        return status >= 500 ? CLASS_retryable : CLASS_permanent;
    }
}

// The rule for an error that came with a success status: by its code or type, whatever status
// they have elsewhere.
static const struct retry_rule *rule_of_words(const struct provider_api *api,
                                              const struct error_words *words) {
    for (size_t i = 0; i < api->retry_count; i++) {
        const struct retry_rule *rule = &api->retries[i];
        if ((rule->code || rule->type || rule->message) && retry_rule_fits(rule, words))
            return rule;
    }
    return NULL;
}

// The status that an error's words would have come with, had it not come with a success: the code
// itself ("429"), or that of the API family's common words. 0 if nothing says.
static unsigned status_of_words(const struct error_words *words) {
    static const struct {
        const char *word;
        unsigned status;
    } known[] = {{"rate_limit_exceeded", 429},   {"slow_down", 429},    {"invalid_api_key", 401},
                 {"invalid_request_error", 400}, {"server_error", 500}, {"model_not_found", 404}};
    char *end = NULL;
    unsigned long status = strtoul(words->code, &end, 10);
    if (end != words->code && *end == 0 && status >= 400 && status <= 599)
        return (unsigned)status;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(words->code, known[i].word) == 0 || strcmp(words->type, known[i].word) == 0)
            return known[i].status;
    return 0;
}

// The provider's own codes, which are made of letters, digits and a few signs; its message may
// hold content and is left to the ledger.
static void put_words(const struct error_words *words, char *to, size_t size) {
    (void)snprintf(to, size, "%s%.64s%s%.64s", words->code[0] ? "code " : "", words->code,
                   words->type[0] ? (words->code[0] ? ", type " : "type ") : "", words->type);
    for (char *c = to; *c; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || strchr("_-., ", *c);
        if (!is_plain)
            *c = '?';
    }
}

static void judge_words(const struct provider_api *api, const struct error_words *words,
                        unsigned status, struct verdict *verdict) {
    const struct retry_rule *rule = NULL;
    bool is_in_success = status / 100 == 2;
    if (is_in_success) {
        rule = rule_of_words(api, words);
        status = status_of_words(words);
    }
    if (!rule && status)
        rule = provider_api_retry(api, status, words);
    if (rule) {
        verdict->class = rule->class;
        set_reason(verdict, rule->reason);
    } else if (!status) {
        verdict->class = CLASS_retryable;
        set_reason(verdict, "error_in_answer");
    } else {
        verdict->class = class_of_status(status);
        (void)snprintf(verdict->reason, sizeof(verdict->reason), "http_%u", status);
    }
    put_words(words, verdict->detail, sizeof(verdict->detail));
    (void)retry_duration_ms(bytes_text(words->retry_after), &verdict->retry_after_ms);
}

// What the provider says of trying again weighs more than the status, but a lane that is out of
// quota or keys stays held.
static void heed_hint(const struct provider_api *api, const struct outcome *outcome,
                      struct verdict *verdict) {
    struct retry_hint hint =
        retry_hint_of(outcome->head, api->should_retry_header, outcome->now_ms);
    if (hint.says_retry && verdict->class == CLASS_permanent)
        verdict->class = CLASS_retryable;
    else if (hint.says_stop && verdict->class == CLASS_retryable)
        verdict->class = CLASS_permanent;
    else if (hint.says_stop && verdict->class == CLASS_rate_limited)
        verdict->class = CLASS_lane_wide;
    if (hint.after_ms > verdict->retry_after_ms) // the body may have asked for something too
        verdict->retry_after_ms = hint.after_ms;
}

static bool states_usage(const struct provider_api *api, const struct json_scan *scan) {
    uint32_t node;
    return api->usage.object && jsonpath_first(api->usage.object, scan, &node) &&
           scan->nodes[node].shape == JSON_SHAPE_object && scan->nodes[node].count > 0;
}

// A success is a whole JSON object of the API's shape that does not say that it failed.
static void judge_success(const struct provider_api *api, const struct adapter *adapter,
                          const struct outcome *outcome, struct json_scan *scan,
                          struct verdict *verdict) {
    verdict->class = CLASS_malformed;
    set_reason(verdict, "malformed");
    if (json_scan(scan, outcome->body, NULL) != ERR_OK)
        return;
    struct error_words words;
    if (provider_api_failed(api, scan, &words)) {
        judge_words(api, &words, outcome->status, verdict);
        heed_hint(api, outcome, verdict);
        verdict->has_begun = states_usage(api, scan);
    } else if (adapter->is_answer(scan)) {
        verdict->class = CLASS_success;
        set_reason(verdict, "");
    }
}

// ---- a stream -----------------------------------------------------------------------------------

// What a stream says of itself, and what it amounts to.
struct heard {
    struct stream_story story;
    enum err state; // ERR_TOO_BIG: something of it found no room
    bool is_answer; // what the API answers without a stream
    bool is_finished;
    bool has_usage;
};

static void hear(const struct provider_api *api, const struct adapter *adapter, struct bytes stream,
                 struct json_scan *event, struct heard *heard) {
    const struct answer_shape *shape = answer_shape_of(api->shape);
    struct assembly assembly;
    struct buf body;
    struct json_scan scan;
    assembly_init(&assembly);
    buf_init(&body, ANSWER_BYTES_MAX);
    json_scan_init(&scan);
    heard->state =
        answer_shape_assemble(shape, api, stream, &assembly, event, &heard->story, &body);
    struct error_words words;
    if (heard->state == ERR_OK && json_scan(&scan, buf_bytes(&body), NULL) == ERR_OK) {
        heard->is_answer = adapter->is_answer(&scan) && !provider_api_failed(api, &scan, &words);
        heard->is_finished = !shape->is_finished || shape->is_finished(&scan);
        heard->has_usage = states_usage(api, &scan);
    }
    json_scan_release(&scan);
    buf_release(&body);
    assembly_release(&assembly);
}

static bool is_stream(const struct provider_api *api, struct bytes body) {
    return answer_shape_is_stream(answer_shape_of(api->shape), body);
}

static bool is_served(const struct provider_api *api, const struct adapter *adapter) {
    const struct answer_shape *shape = answer_shape_of(api->shape);
    return adapter->may_stream && api->stream.is_served && shape && shape->take_event;
}

// Why a stream without an error is no answer; NULL: it is one.
static const char *refusal_of(const struct heard *heard) {
    if (heard->state != ERR_OK)
        return "stream_too_large";
    if (heard->story.is_malformed)
        return "stream_malformed";
    if (!stream_is_whole(&heard->story))
        return "stream_incomplete";
    if (!heard->is_answer)
        return "malformed";
    return heard->is_finished ? NULL : "stream_incomplete";
}

// A stream says itself when it is whole. One that ends before is the beginning of an answer, which
// may have been billed. An error in it is judged like an error's body; if something was generated
// before, that may have been billed too. Whether the stream says what became of the call.
static bool judge_stream(const struct provider_api *api, const struct adapter *adapter,
                         const struct outcome *outcome, struct json_scan *scan,
                         struct verdict *verdict) {
    struct heard heard = {.state = ERR_OK};
    verdict->class = CLASS_malformed;
    if (!is_served(api, adapter)) {
        set_reason(verdict, "stream_not_served");
        return false;
    }
    hear(api, adapter, outcome->body, scan, &heard);
    if (heard.story.is_failed) {
        judge_words(api, &heard.story.words, outcome->status, verdict);
        heed_hint(api, outcome, verdict);
        verdict->has_begun = heard.story.has_begun || heard.has_usage || heard.state != ERR_OK;
        return true;
    }
    const char *refusal = refusal_of(&heard);
    verdict->class = refusal ? CLASS_malformed : CLASS_success;
    set_reason(verdict, refusal ? refusal : "");
    return !refusal;
}

// An error's body may be a stream too, whatever its status.
static void judge_error(const struct provider_api *api, const struct adapter *adapter,
                        const struct outcome *outcome, struct json_scan *scan,
                        struct verdict *verdict) {
    struct error_words words = {0};
    struct stream_story story;
    if (!is_stream(api, outcome->body))
        provider_api_error(api, outcome->body, &words);
    else if (is_served(api, adapter) &&
             provider_api_hear_all(api, outcome->body, scan, &story) == ERR_OK)
        words = story.words;
    judge_words(api, &words, outcome->status, verdict);
}

// ---- all of it ----------------------------------------------------------------------------------

static bool is_success(const struct outcome *outcome) {
    return outcome->status / 100 == 2;
}

static void judge_answer(const struct provider_api *api, const struct adapter *adapter,
                         const struct outcome *outcome, struct json_scan *scan,
                         struct verdict *verdict) {
    verdict->ended = "answered";
    verdict->status = outcome->status;
    if (!is_success(outcome)) {
        judge_error(api, adapter, outcome, scan, verdict);
        heed_hint(api, outcome, verdict);
    } else if (is_stream(api, outcome->body)) {
        (void)judge_stream(api, adapter, outcome, scan, verdict);
    } else {
        judge_success(api, adapter, outcome, scan, verdict);
    }
}

// A stream may have said all when its connection broke: then nothing of it is missing. Or it said
// its error, and the end of the connection says nothing more.
static void judge_broken(const struct provider_api *api, const struct adapter *adapter,
                         const struct outcome *outcome, struct json_scan *scan,
                         struct verdict *verdict) {
    struct verdict said = {.ended = "answered", .status = outcome->status};
    judge_failure(outcome, verdict);
    if (!is_success(outcome) || outcome->end == TRANSFER_too_large ||
        !is_stream(api, outcome->body) || !judge_stream(api, adapter, outcome, scan, &said))
        return;
    if (said.class != CLASS_success) {
        said.ended = verdict->ended;
        said.status = verdict->status;
    }
    *verdict = said;
}

void classify(const struct provider_api *api, const struct adapter *adapter,
              const struct outcome *outcome, struct json_scan *scan, struct verdict *verdict) {
    memset(verdict, 0, sizeof(*verdict));
    if (outcome->end == TRANSFER_as_http && outcome->http_end == HTTP_answered)
        judge_answer(api, adapter, outcome, scan, verdict);
    else
        judge_broken(api, adapter, outcome, scan, verdict);
}
