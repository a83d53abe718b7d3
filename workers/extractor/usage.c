#include "common/limits.h"
#include "common/money.h"
#include "workers/extractor/extract.h"

// A count; -1 where there is null. What is there and is no count makes the usage inconsistent,
// since it cannot be believed.
static int64_t count_at(const struct json_scan *scan, uint32_t node, struct usage *usage) {
    int64_t count;
    if (scan->nodes[node].shape == JSON_SHAPE_null)
        return -1;
    if (json_count(scan, node, &count) && count <= CALL_COUNT_MAX)
        return count;
    usage->is_inconsistent = true;
    return -1;
}

// Reads a counter. -1 where it is not stated.
static int64_t read_count(struct extract *extract, const struct jsonpath *path,
                          struct usage *usage) {
    uint32_t node;
    return jsonpath_first(path, &extract->scan, &node) ? count_at(&extract->scan, node, usage) : -1;
}

struct summing {
    struct usage *usage;
    int64_t sum; // -1: nothing was stated yet
};

static bool sum_up(void *context, const struct json_scan *scan, uint32_t node) {
    struct summing *summing = context;
    int64_t count = count_at(scan, node, summing->usage);
    int64_t sum = summing->sum < 0 ? 0 : summing->sum;
    if (count > CALL_COUNT_MAX - sum)
        summing->usage->is_inconsistent = true;
    else if (count >= 0)
        summing->sum = sum + count;
    summing->usage->has_more |= count > 0;
    return true;
}

// Reads a counter and adds what the answer counts elsewhere on top of it.
static int64_t read_sum(struct extract *extract, const struct jsonpath *path,
                        const struct jsonpath *more, struct usage *usage) {
    struct summing summing = {.usage = usage, .sum = read_count(extract, path, usage)};
    if (jsonpath_all(more, &extract->scan, sum_up, &summing, NULL) != ERR_OK)
        usage->is_inconsistent = true;
    return summing.sum;
}

static bool skip(void *context, const struct json_scan *scan, uint32_t node) {
    (void)context;
    (void)scan;
    (void)node;
    return true;
}

// How many there are, where the answer lists them instead of a number; -1 if there are none.
static int64_t count_each(struct extract *extract, const struct jsonpath *path,
                          struct usage *usage) {
    uint32_t count = 0;
    if (jsonpath_all(path, &extract->scan, skip, NULL, &count) != ERR_OK)
        usage->is_inconsistent = true;
    return count > 0 ? (int64_t)count : -1;
}

// Takes a part that the whole includes out of it.
static void take_out(int64_t *whole, int64_t part, bool is_included, struct usage *usage) {
    if (*whole < 0 || part < 0 || !is_included)
        return;
    if (part > *whole)
        usage->is_inconsistent = true;
    *whole = part > *whole ? 0 : *whole - part;
}

// All that was written to a cache, where the provider also says for how long, but not of all of it:
// the rest was written for the ordinary time.
static void settle_cache_writes(struct extract *extract, struct usage *usage) {
    struct counters *counters = &usage->counters;
    const struct usage_map *map = &extract->answer.api->usage;
    int64_t all =
        read_sum(extract, map->input_cache_write_all, map->input_cache_write_all_more, usage);
    int64_t ordinary = counters->in_cache_write < 0 ? 0 : counters->in_cache_write;
    int64_t hour = counters->in_cache_write_1h < 0 ? 0 : counters->in_cache_write_1h;
    if (all < 0)
        return;
    if (hour > all || ordinary > all - hour)
        usage->is_inconsistent = true;
    else
        counters->in_cache_write = all - hour;
}

static bool is_said(const struct extract *extract, const struct said_rule *rule) {
    uint32_t node;
    return !(rule->unless && jsonpath_first(rule->unless, &extract->scan, &node)) &&
           catalogue_is_said(rule->path, rule->words, &extract->scan);
}

// ---- searches ----------------------------------------------------------------------------------

enum { LOOKED_AT_MAX = 1000 }; // each text is compared with all before it

struct searches {
    uint32_t texts[LOOKED_AT_MAX]; // that differ
    size_t text_count;
    size_t looked_at;
    bool is_cut; // there are more than are looked at
};

static bool count_search(void *context, const struct json_scan *scan, uint32_t node) {
    struct searches *searches = context;
    searches->is_cut = searches->looked_at == LOOKED_AT_MAX;
    if (searches->is_cut)
        return false;
    searches->looked_at++;
    bool is_met = scan->nodes[node].shape != JSON_SHAPE_text || scan->nodes[node].size == 2;
    for (size_t i = 0; !is_met && i < searches->text_count; i++)
        is_met = bytes_equal(json_raw(scan, node), json_raw(scan, searches->texts[i]));
    if (!is_met)
        searches->texts[searches->text_count++] = node;
    return true;
}

// How many texts there are that differ and are not empty. A count that was cut cannot be believed.
static int64_t count_texts(struct extract *extract, const struct jsonpath *path,
                           struct usage *usage) {
    struct searches searches = {0};
    if (jsonpath_all(path, &extract->scan, count_search, &searches, NULL) != ERR_OK ||
        searches.is_cut)
        usage->is_inconsistent = true;
    return searches.text_count > 0 ? (int64_t)searches.text_count : -1;
}

static int64_t read_searches(struct extract *extract, const struct usage_map *map,
                             struct usage *usage) {
    if (map->web_searches_form == COUNT_number)
        return read_count(extract, map->web_searches, usage);
    if (map->web_searches_form == COUNT_each)
        return count_each(extract, map->web_searches, usage);
    return count_texts(extract, map->web_searches, usage);
}

// ---- totals ------------------------------------------------------------------------------------

// Some APIs leave out a counter that is 0, or that they have no place for: then it is what the
// total has beside the others. A counter that is there and no count is not missing.
static void settle_from_total(struct usage *usage) {
    struct counters *counters = &usage->counters;
    int64_t in = counters_in(counters), out = counters_out(counters), rest;
    bool lacks_input = counters->in_uncached < 0, lacks_output = counters->out_visible < 0;
    if (lacks_input == lacks_output || usage->total_stated < 0 || usage->is_inconsistent ||
        __builtin_add_overflow(in < 0 ? 0 : in, out < 0 ? 0 : out, &rest) ||
        rest > usage->total_stated)
        return;
    *(lacks_input ? &counters->in_uncached : &counters->out_visible) = usage->total_stated - rest;
}

static void check_total(struct usage *usage) {
    int64_t in = counters_in(&usage->counters), out = counters_out(&usage->counters), total;
    if (usage->total_stated < 0 || in < 0 || out < 0)
        return;
    if (__builtin_add_overflow(in, out, &total) || total != usage->total_stated)
        usage->is_inconsistent = true;
}

struct adding {
    struct buf *resolved;
    uint64_t bytes;
};

// A text counts as it was meant, whatever escapes it is written with.
static bool add_bytes(void *context, const struct json_scan *scan, uint32_t node) {
    struct adding *adding = context;
    buf_reset(adding->resolved);
    bool is_text = scan->nodes[node].shape == JSON_SHAPE_text;
    adding->bytes +=
        is_text ? json_text(scan, node, adding->resolved).size : scan->nodes[node].size;
    return true;
}

int64_t extract_output_estimate(struct extract *extract) {
    const struct usage_map *map = &extract->answer.api->usage;
    struct adding adding = {.resolved = &extract->texts[3]};
    if (extract->out_estimated >= -1)
        return extract->out_estimated;
    extract->out_estimated = -1;
    bool is_known =
        extract->is_json && extract->answer.of == ANSWER_call && map->beyond_output &&
        is_said(extract, &map->beyond) &&
        jsonpath_all(map->beyond_output, &extract->scan, add_bytes, &adding, NULL) == ERR_OK;
    if (is_known && adding.bytes > 0)
        extract->out_estimated = (int64_t)((adding.bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN);
    return extract->out_estimated;
}

// A number of units as pico-USD: whole ones exactly, fractions to the pico-unit.
static bool cost_of(const struct json_scan *scan, uint32_t node, int64_t unit_pusd, int64_t *pusd) {
    int64_t units;
    *pusd = 0;
    if (json_count(scan, node, &units))
        return money_add_product(pusd, units, unit_pusd) == ERR_OK;
    return scan->nodes[node].shape == JSON_SHAPE_number &&
           money_parse(json_raw(scan, node), true, &units) == ERR_OK && units >= 0 &&
           money_scale(units, unit_pusd, PUSD_PER_USD, pusd) == ERR_OK;
}

static int64_t read_cost(struct extract *extract, const struct jsonpath *path, int64_t unit_pusd,
                         struct usage *usage) {
    uint32_t node;
    int64_t pusd;
    if (!jsonpath_first(path, &extract->scan, &node) ||
        extract->scan.nodes[node].shape == JSON_SHAPE_null)
        return -1;
    if (cost_of(&extract->scan, node, unit_pusd, &pusd) && pusd <= CALL_PUSD_MAX)
        return pusd;
    usage->is_inconsistent = true;
    return -1;
}

// What the answer says that it costs; of two parts of it the sum, and nothing where one is missing:
// a part is not what it costs.
static int64_t read_costs(struct extract *extract, const struct usage_map *map,
                          struct usage *usage) {
    int64_t cost = read_cost(extract, map->cost, map->cost_unit_pusd, usage);
    uint32_t node;
    if (cost < 0 || !jsonpath_first(map->cost_more_if, &extract->scan, &node))
        return cost;
    int64_t more = read_cost(extract, map->cost_more, map->cost_unit_pusd, usage);
    if (more >= 0 && cost <= CALL_PUSD_MAX - more)
        return cost + more;
    usage->is_inconsistent = true;
    return -1;
}

struct usage extract_usage(struct extract *extract) {
    struct usage usage = {.counters = counters_none(), .total_stated = -1, .cost_stated_pusd = -1};
    const struct usage_map *map = &extract->answer.api->usage;
    uint32_t object;
    // What a batch states is the sum of its items.
    if (!extract->is_json || extract->answer.of != ANSWER_call ||
        !jsonpath_first(map->object, &extract->scan, &object) ||
        extract->scan.nodes[object].shape != JSON_SHAPE_object)
        return usage;
    struct counters *counters = &usage.counters;
    counters->in_cached = read_sum(extract, map->input_cached, map->input_cached_more, &usage);
    counters->in_cache_write =
        read_sum(extract, map->input_cache_write, map->input_cache_write_more, &usage);
    counters->in_cache_write_1h =
        read_sum(extract, map->input_cache_write_1h, map->input_cache_write_1h_more, &usage);
    settle_cache_writes(extract, &usage);
    counters->web_searches = read_searches(extract, map, &usage);
    counters->in_audio = read_count(extract, map->input_audio, &usage);
    counters->in_image = read_count(extract, map->input_image, &usage);
    take_out(&counters->in_audio, read_count(extract, map->input_cached_audio, &usage), true,
             &usage);
    take_out(&counters->in_image, read_count(extract, map->input_cached_image, &usage), true,
             &usage);
    counters->in_tool_use = read_count(extract, map->input_tool_use, &usage);
    counters->out_image = read_count(extract, map->output_image, &usage);
    counters->out_reasoning = read_count(extract, map->output_reasoning, &usage);
    counters->out_audio = read_count(extract, map->output_audio, &usage);
    counters->in_uncached = read_sum(extract, map->input, map->input_more, &usage);
    counters->out_visible = read_sum(extract, map->output, map->output_more, &usage);
    take_out(&counters->in_uncached, counters->in_cached, map->input_includes_cached, &usage);
    take_out(&counters->in_uncached, counters->in_cache_write, map->input_includes_cache_write,
             &usage);
    take_out(&counters->in_uncached, counters->in_cache_write_1h,
             map->input_includes_cache_write_1h, &usage);
    take_out(&counters->in_uncached, counters->in_audio, map->input_includes_audio, &usage);
    take_out(&counters->in_uncached, counters->in_image, map->input_includes_image, &usage);
    take_out(&counters->in_uncached, counters->in_tool_use, map->input_includes_tool_use, &usage);
    take_out(&counters->out_visible, counters->out_reasoning, map->output_includes_reasoning,
             &usage);
    take_out(&counters->out_visible, counters->out_audio, map->output_includes_audio, &usage);
    take_out(&counters->out_visible, counters->out_image, map->output_includes_image, &usage);
    usage.total_stated = read_count(extract, map->total, &usage);
    if (map->total_settles)
        settle_from_total(&usage);
    usage.cost_stated_pusd = read_costs(extract, map, &usage);
    usage.has_usage = counters->in_uncached >= 0 || counters->out_visible >= 0;
    check_total(&usage);
    usage.is_inconsistent |= is_said(extract, &map->beyond);
    if (usage.cost_stated_pusd < 0 && is_said(extract, &map->free))
        usage.cost_stated_pusd = 0;
    buf_reset(&extract->usage_json);
    json_put_node(&extract->usage_json, &extract->scan, object);
    usage.raw = buf_bytes(&extract->usage_json);
    return usage;
}
