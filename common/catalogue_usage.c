#include "common/catalogue_section.h"
#include "common/money.h"

// One counter: its path, whether it has that flag, and, where such a place is given, the path of
// what comes on top of it.
static const struct jsonpath *read_flagged(const struct section *usage, const char *name,
                                           const char *flag_name, bool *is_flagged,
                                           const struct jsonpath **more) {
    const char *const known[] = {"path", "note", "source", "date", flag_name, more ? "more" : NULL,
                                 NULL};
    struct section section = {.reader = usage->reader, .place = {&usage->place, name, 0}};
    section.json = reader_object(usage->reader, usage->json, &section.place, false);
    if (!section.json)
        return NULL;
    reader_only(usage->reader, section.json, &section.place, known);
    if (is_flagged)
        *is_flagged = flag(&section, flag_name);
    if (more)
        *more = path(&section, "more", false);
    return path(&section, "path", true);
}

// The same, with whether the counter that it belongs to includes it.
static const struct jsonpath *read_counter(const struct section *usage, const char *name,
                                           bool *is_included) {
    return read_flagged(usage, name, "included", is_included, NULL);
}

static const struct jsonpath *read_sum(const struct section *usage, const char *name,
                                       bool *is_included, const struct jsonpath **more) {
    return read_flagged(usage, name, "included", is_included, more);
}

static void read_said(const struct section *usage, const char *name, struct said_rule *rule) {
    static const char *const known[] = {"path", "words", "unless", "note", "source", "date", NULL};
    struct section section = {.reader = usage->reader, .place = {&usage->place, name, 0}};
    section.json = reader_object(usage->reader, usage->json, &section.place, false);
    if (!section.json)
        return;
    reader_only(usage->reader, section.json, &section.place, known);
    rule->path = path(&section, "path", true);
    rule->words = texts(&section, "words");
    rule->unless = path(&section, "unless", false);
}

// A stated cost, and what one of its unit is in USD: 1, unless it says so.
static void read_cost(const struct section *usage, struct usage_map *map) {
    static const char *const known[] = {"path", "more",   "more_if", "unit_usd",
                                        "note", "source", "date",    NULL};
    struct section section = {.reader = usage->reader, .place = {&usage->place, "cost", 0}};
    section.json = reader_object(usage->reader, usage->json, &section.place, false);
    map->cost_unit_pusd = PUSD_PER_USD;
    if (!section.json)
        return;
    reader_only(usage->reader, section.json, &section.place, known);
    map->cost = path(&section, "path", true);
    map->cost_more = path(&section, "more", false);
    map->cost_more_if = path(&section, "more_if", false);
    if (!map->cost_more != !map->cost_more_if)
        fail(&section, NULL, "has more only together with more_if");
    const char *unit = text(&section, "unit_usd", false);
    if (unit && (money_parse(bytes_text(unit), false, &map->cost_unit_pusd) != ERR_OK ||
                 map->cost_unit_pusd < 1))
        fail(&section, "unit_usd", "must be USD, like \"0.0000000001\"");
}

static void read_searches(const struct section *usage, struct usage_map *map) {
    static const char *const known[] = {"path", "count", "note", "source", "date", NULL};
    struct section section = {.reader = usage->reader, .place = {&usage->place, "web_searches", 0}};
    section.json = reader_object(usage->reader, usage->json, &section.place, false);
    if (!section.json)
        return;
    reader_only(usage->reader, section.json, &section.place, known);
    map->web_searches = path(&section, "path", true);
    const char *count = text(&section, "count", false);
    if (count && strcmp(count, "each") == 0)
        map->web_searches_form = COUNT_each;
    else if (count && strcmp(count, "texts") == 0)
        map->web_searches_form = COUNT_texts;
    else if (count)
        fail(&section, "count", "must be each or texts, or absent");
}

void catalogue_read_usage(struct reader *reader, const json_t *entry, struct provider_api *api) {
    static const char *const known[] = {"object",
                                        "input",
                                        "input_cached",
                                        "input_cache_write",
                                        "input_cache_write_1h",
                                        "input_cache_write_all",
                                        "input_audio",
                                        "input_image",
                                        "input_cached_audio",
                                        "input_cached_image",
                                        "input_tool_use",
                                        "output",
                                        "output_reasoning",
                                        "output_audio",
                                        "output_image",
                                        "total",
                                        "cost",
                                        "web_searches",
                                        "beyond",
                                        "beyond_output",
                                        "free",
                                        "note",
                                        "source",
                                        "date",
                                        NULL};
    struct section section = open_section(reader, entry, "usage", true, known);
    struct usage_map *usage = &api->usage;
    usage->object = path(&section, "object", true);
    usage->input = read_sum(&section, "input", NULL, &usage->input_more);
    usage->input_cached = read_sum(&section, "input_cached", &usage->input_includes_cached,
                                   &usage->input_cached_more);
    usage->input_cache_write =
        read_sum(&section, "input_cache_write", &usage->input_includes_cache_write,
                 &usage->input_cache_write_more);
    usage->input_cache_write_1h =
        read_sum(&section, "input_cache_write_1h", &usage->input_includes_cache_write_1h,
                 &usage->input_cache_write_1h_more);
    usage->input_cache_write_all =
        read_sum(&section, "input_cache_write_all", NULL, &usage->input_cache_write_all_more);
    read_searches(&section, usage);
    read_said(&section, "beyond", &usage->beyond);
    usage->beyond_output = read_counter(&section, "beyond_output", NULL);
    read_said(&section, "free", &usage->free);
    usage->input_audio = read_counter(&section, "input_audio", &usage->input_includes_audio);
    usage->input_image = read_counter(&section, "input_image", &usage->input_includes_image);
    usage->input_cached_audio = read_counter(&section, "input_cached_audio", NULL);
    usage->input_cached_image = read_counter(&section, "input_cached_image", NULL);
    usage->input_tool_use =
        read_counter(&section, "input_tool_use", &usage->input_includes_tool_use);
    usage->output = read_sum(&section, "output", NULL, &usage->output_more);
    usage->output_reasoning =
        read_counter(&section, "output_reasoning", &usage->output_includes_reasoning);
    usage->output_audio = read_counter(&section, "output_audio", &usage->output_includes_audio);
    usage->output_image = read_counter(&section, "output_image", &usage->output_includes_image);
    usage->total = read_flagged(&section, "total", "settles", &usage->total_settles, NULL);
    read_cost(&section, usage);
    if (!usage->input || !usage->output)
        fail(&section, NULL, "needs at least input and output");
}
