#include "workers/extractor/report.h"

#include "common/rating.h"
#include "common/wire.h"
#include "workers/extractor/headers.h"

#include <inttypes.h>

// ---- members ------------------------------------------------------------------------------------

static void put_text(struct buf *out, const char *name, struct bytes text) {
    buf_printf(out, "\"%s\":", name);
    if (text.size > 0)
        json_put_text(out, text);
    else
        buf_text(out, "null");
}

static void put_json(struct buf *out, const char *name, struct bytes json) {
    buf_printf(out, "\"%s\":", name);
    buf_put(out, json.size > 0 ? json.at : (const uint8_t *)"null", json.size > 0 ? json.size : 4);
}

// What is not stated is null, and not 0.
static void put_count(struct buf *out, const char *name, int64_t count) {
    if (count < 0)
        buf_printf(out, "\"%s\":null", name);
    else
        buf_printf(out, "\"%s\":%" PRId64, name, count);
}

static void put_identifier(struct buf *out, struct bytes kind, struct bytes value,
                           struct bytes source) {
    buf_byte(out, '{');
    put_text(out, "kind", kind);
    buf_byte(out, ',');
    put_text(out, "value", value);
    buf_byte(out, ',');
    put_text(out, "source", source);
    buf_byte(out, '}');
}

// ---- usage and cost -----------------------------------------------------------------------------

static struct counters counters_of(const struct facts_head *facts) {
    return (struct counters){
        .in_uncached = facts->in_uncached,
        .in_cached = facts->in_cached,
        .in_cache_write = facts->in_cache_write,
        .in_audio = facts->in_audio,
        .out_visible = facts->out_visible,
        .out_reasoning = facts->out_reasoning,
        .out_audio = facts->out_audio,
        .in_cache_write_1h = facts->in_cache_write_1h,
        .web_searches = facts->web_searches,
        .in_tool_use = facts->in_tool_use,
        .in_image = facts->in_image,
        .out_image = facts->out_image,
    };
}

enum { COUNTERS = 12 };

// The counters by the names that they have here.
static size_t list_counters(const struct counters *counters, const char *names[COUNTERS],
                            int64_t counts[COUNTERS]) {
    const struct {
        const char *name;
        int64_t count;
    } all[COUNTERS] = {{"in_uncached", counters->in_uncached},
                       {"in_cache_read", counters->in_cached},
                       {"in_cache_write", counters->in_cache_write},
                       {"in_cache_write_1h", counters->in_cache_write_1h},
                       {"in_audio", counters->in_audio},
                       {"in_image", counters->in_image},
                       {"in_tool_use", counters->in_tool_use},
                       {"out_visible", counters->out_visible},
                       {"out_reasoning", counters->out_reasoning},
                       {"out_audio", counters->out_audio},
                       {"out_image", counters->out_image},
                       {"web_searches", counters->web_searches}};
    for (size_t i = 0; i < COUNTERS; i++) {
        names[i] = all[i].name;
        counts[i] = all[i].count;
    }
    return COUNTERS;
}

static void put_usage(const struct report *report, const struct facts_head *facts,
                      const struct rating *rating, struct buf *out) {
    struct counters counters = counters_of(facts);
    const char *names[COUNTERS];
    int64_t counts[COUNTERS];
    buf_text(out, "\"usage\":{");
    for (size_t i = 0, count = list_counters(&counters, names, counts); i < count; i++) {
        put_count(out, names[i], counts[i]);
        buf_byte(out, ',');
    }
    put_count(out, "in_total", counters_in(&counters));
    buf_byte(out, ',');
    put_count(out, "out_total", counters_out(&counters));
    buf_byte(out, ',');
    put_count(out, "out_visible_estimated", report->api ? report->out_estimated : -1);
    buf_byte(out, ',');
    put_count(out, "total_stated", facts->total_stated);
    buf_byte(out, ',');
    put_json(out, "raw", facts->usage);
    bool is_guess = facts->cost_stated_pusd < 0 && rating_is_guess(rating, facts->has_more);
    buf_printf(out, ",\"state\":\"%s\"}",
               facts->is_inconsistent || is_guess ? "inconsistent"
               : facts->has_usage                 ? "stated"
                                                  : "none");
}

static void put_items(const struct rating *rating, const struct counters *counters,
                      struct buf *out) {
    const char *names[COUNTERS];
    int64_t counts[COUNTERS], parts[COUNTERS];
    (void)list_counters(&rating->parts, names, parts);
    size_t count = list_counters(counters, names, counts);
    const char *comma = "";
    buf_text(out, "\"items\":[");
    for (size_t i = 0; rating->is_priced && i < count; i++) {
        if (parts[i] < 0)
            continue;
        buf_printf(out, "%s{\"what\":\"%s\",\"count\":%" PRId64 ",\"pusd\":%" PRId64 "}", comma,
                   names[i], counts[i], parts[i]);
        comma = ",";
    }
    if (rating->is_priced && rating->per_request > 0)
        buf_printf(out, "%s{\"what\":\"request\",\"count\":1,\"pusd\":%" PRId64 "}", comma,
                   rating->per_request);
    buf_byte(out, ']');
}

// An answer that cannot be read has no price that anybody could know; an error without usage costs
// nothing, and has neither a price nor a reason for having none; so has a batch, whose items have.
static void rate(const struct report *report, const struct facts_head *facts,
                 struct rating *rating) {
    struct counters counters = counters_of(facts);
    struct bytes model = facts->model.size > 0 ? facts->model : report->model_requested;
    *rating = (struct rating){.is_priced = false, .pusd = -1, .parts = counters_none()};
    bool is_unanswered = report->status >= 300 || (report->item && report->item->is_unanswered);
    bool is_for_nothing = is_unanswered && !facts->has_usage && facts->cost_stated_pusd < 0;
    if (!report->api || is_for_nothing || (report->item && report->item->number == 0))
        return;
    if (report->refusal)
        rating->unpriced = "unextracted";
    else
        rating_of(report->catalogue, bytes_text(report->api->provider), model, facts->service_tier,
                  report->at_ms, &counters, rating);
}

// As in the ledger: what the provider states wins, and stands beside what the prices make of it.
static void put_cost(const struct facts_head *facts, const struct rating *rating, struct buf *out) {
    struct counters counters = counters_of(facts);
    bool is_none = !rating->is_priced && !rating->unpriced;
    int64_t stated = facts->cost_stated_pusd < 0 ? -1 : facts->cost_stated_pusd;
    int64_t computed = rating->is_priced ? rating->pusd : -1;
    const char *state = is_none             ? "none"
                        : stated >= 0       ? "stated"
                        : rating->is_priced ? "priced"
                                            : "unpriced";
    buf_printf(out, "\"cost\":{\"state\":\"%s\",", state);
    put_count(out, "total_pusd", stated >= 0 ? stated : computed);
    buf_byte(out, ',');
    put_count(out, "computed_pusd", computed);
    buf_byte(out, ',');
    put_count(out, "stated_pusd", stated);
    buf_byte(out, ',');
    put_text(out, "price", bytes_text(rating->price_name));
    buf_byte(out, ',');
    put_text(out, "tier", bytes_text(rating->tier));
    buf_byte(out, ',');
    put_text(out, "unpriced", bytes_text(rating->is_priced ? NULL : rating->unpriced));
    buf_byte(out, ',');
    put_items(rating, &counters, out);
    buf_byte(out, '}');
}

// ---- rate limit and error -----------------------------------------------------------------------

// What the catalogue's rate_limit names headers for, of those that the answer has. Numbers stay
// texts: some are durations, some have separators.
static void put_rate_limit(const struct report *report, struct bytes headers, struct buf *out) {
    json_t *entry = NULL, *had = NULL;
    const char *comma = "", *name;
    const json_t *header;
    buf_text(out, "\"rate_limit\":{");
    bool has_any = headers.size > sizeof("{}") - 1;
    if (report->api && has_any &&
        json_parse(bytes_text(report->api->json), &entry, NULL, 0) == ERR_OK &&
        json_parse(headers, &had, NULL, 0) == ERR_OK)
        json_object_foreach(json_object_get(entry, "rate_limit"), name, header) {
            const json_t *value =
                json_is_string(header) ? json_object_get(had, json_string_value(header)) : NULL;
            if (!json_is_string(value))
                continue;
            buf_printf(out, "%s\"%s\":", comma, name);
            json_put_text(out, bytes_text(json_string_value(value)));
            comma = ",";
        }
    json_decref(entry);
    json_decref(had);
    buf_byte(out, '}');
}

static bool is_success(const struct report *report) {
    return report->api && report->verdict->class == CLASS_success && !report->refusal;
}

static struct bytes first_of(struct bytes a, struct bytes b, const char *otherwise) {
    return a.size > 0 ? a : b.size > 0 ? b : bytes_text(otherwise);
}

static void put_error(const struct report *report, const struct facts_head *facts,
                      struct buf *out) {
    const struct verdict *verdict = report->verdict;
    if (!report->api || is_success(report)) {
        buf_text(out, "\"error\":null");
        return;
    }
    const char *class = call_class_name(verdict->class);
    if (verdict->class == CLASS_success)
        class = call_class_name(CLASS_malformed);
    buf_printf(out, "\"error\":{\"class\":\"%s\",", class);
    put_text(out, "code", first_of(facts->error_code, facts->error_type, report->refusal));
    buf_byte(out, ',');
    put_text(out, "type", facts->error_type);
    buf_byte(out, ',');
    put_text(out, "reason", first_of(bytes_text(verdict->reason), bytes_text(report->refusal), ""));
    buf_byte(out, ',');
    put_text(out, "message", facts->error_message);
    buf_byte(out, ',');
    put_count(out, "retry_after_ms",
              verdict->retry_after_ms > 0 ? (int64_t)verdict->retry_after_ms : -1);
    buf_byte(out, '}');
}

// ---- the line -----------------------------------------------------------------------------------

static const char *outcome_of(const struct report *report) {
    if (is_success(report))
        return "success";
    return report->refusal || report->verdict->class == CLASS_malformed ? "malformed" : "error";
}

static void put_head(const struct report *report, struct buf *out) {
    const struct provider_api *api = report->api;
    buf_text(out, "{\"file\":");
    json_put_text(out, bytes_text(report->file));
    if (api)
        buf_printf(out, ",\"api\":\"%s.%s\",\"outcome\":\"%s\",\"api_by\":\"%s\",\"status\":%u,",
                   api->provider, api->api, outcome_of(report), report->by, report->status);
    else
        buf_printf(out, ",\"api\":null,\"outcome\":\"unknown_api\",\"api_by\":null,\"status\":%u,",
                   report->status);
}

// What the provider's own batch says of itself, or of the item that the answer was in.
static void put_batch(const struct report *report, struct buf *out) {
    const struct batch_item *item = report->item;
    if (!item) {
        buf_text(out, "\"batch\":null,");
        return;
    }
    buf_text(out, "\"batch\":{");
    put_text(out, "id", item->id);
    buf_byte(out, ',');
    put_count(out, "item", item->number > 0 ? (int64_t)item->number : -1);
    buf_byte(out, ',');
    put_text(out, "key", item->key);
    buf_byte(out, ',');
    put_text(out, "state", item->state);
    buf_byte(out, ',');
    put_count(out, "ask_after_ms", report->ask_after_ms);
    buf_text(out, "},");
}

static void put_answer(const struct report *report, const struct facts_head *facts,
                       struct buf *out) {
    put_text(out, "model_requested", report->model_requested);
    buf_byte(out, ',');
    put_text(out, "model_served", facts->model);
    buf_byte(out, ',');
    put_text(out, "service_tier", facts->service_tier);
    buf_text(out, ",\"finish\":{");
    put_text(out, "reason", facts->finish);
    buf_byte(out, ',');
    put_text(out, "raw", facts->finish_raw);
    buf_text(out, "},");
}

static void put_identifiers(const struct report *report, struct wire_message *message,
                            struct buf *out) {
    struct facts_item item;
    buf_text(out, "\"identifiers\":[");
    for (uint32_t i = 0; wire_next(message, &item) == ERR_OK; i++) {
        if (i > 0)
            buf_byte(out, ',');
        put_identifier(out, item.kind, item.value, item.path);
    }
    buf_text(out, "],\"primary_identifier\":");
    if (report->primary)
        put_identifier(out, report->primary->kind, report->primary->value, report->primary->path);
    else
        buf_text(out, "null");
    buf_byte(out, ',');
}

static const struct facts_head no_facts = {
    .in_uncached = -1,
    .in_cached = -1,
    .in_cache_write = -1,
    .in_audio = -1,
    .out_visible = -1,
    .out_reasoning = -1,
    .out_audio = -1,
    .total_stated = -1,
    .cost_stated_pusd = -1,
    .in_cache_write_1h = -1,
    .web_searches = -1,
    .in_tool_use = -1,
    .in_image = -1,
    .out_image = -1,
};

void report_put(const struct report *report, struct buf *out) {
    struct wire_message message = {0};
    struct facts_head facts;
    struct rating rating;
    if (wire_open(report->facts, &message) != ERR_OK || wire_head(&message, &facts) != ERR_OK) {
        facts = no_facts;
        message = (struct wire_message){.kind = KIND_facts};
    }
    rate(report, &facts, &rating);
    put_head(report, out);
    put_batch(report, out);
    put_answer(report, &facts, out);
    put_identifiers(report, &message, out);
    put_json(out, "metadata", facts.metadata);
    buf_byte(out, ',');
    put_json(out, "headers", facts.headers);
    buf_byte(out, ',');
    put_usage(report, &facts, &rating, out);
    buf_byte(out, ',');
    put_cost(&facts, &rating, out);
    buf_byte(out, ',');
    put_rate_limit(report, facts.headers, out);
    buf_byte(out, ',');
    put_error(report, &facts, out);
    buf_text(out, "}\n");
}
