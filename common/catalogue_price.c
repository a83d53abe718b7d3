#include "common/catalogue_read.h"
#include "common/money.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const rate_names[] = {"input",          "cached",      "cache_write",
                                         "audio_input",    "output",      "audio_output",
                                         "cache_write_1h", "image_input", "image_output"};
enum { RATES = sizeof(rate_names) / sizeof(*rate_names) };

// A price per million tokens, written as a text or a whole number; -1 where there is none.
static int64_t read_rate(struct reader *reader, const json_t *object, const struct place *up,
                         const char *name) {
    struct place place = {up, name, 0};
    const json_t *value = json_object_get(object, name);
    int64_t rate = -1;
    if (!value || json_is_null(value))
        return rate;
    char digits[32] = "";
    if (json_is_integer(value))
        (void)snprintf(digits, sizeof(digits), "%lld", (long long)json_integer_value(value));
    const char *text = json_is_string(value) ? json_string_value(value) : digits;
    if (money_parse_per_million(bytes_text(text), &rate) != ERR_OK)
        reader_fail(reader, &place, "must be USD per million tokens, like 0.40");
    return rate;
}

static struct price_rates read_rates(struct reader *reader, const json_t *object,
                                     const struct place *place) {
    int64_t rates[RATES];
    for (size_t i = 0; i < RATES; i++)
        rates[i] = read_rate(reader, object, place, rate_names[i]);
    return (struct price_rates){.in_uncached = rates[0],
                                .in_cached = rates[1],
                                .in_cache_write = rates[2],
                                .in_audio = rates[3],
                                .out = rates[4],
                                .out_audio = rates[5],
                                .in_cache_write_1h = rates[6],
                                .in_image = rates[7],
                                .out_image = rates[8]};
}

static int64_t read_fee(struct reader *reader, const json_t *span, const struct place *up,
                        const char *name, int64_t absent) {
    struct place place = {up, name, 0};
    const char *text = reader_text(reader, span, &place, false);
    int64_t fee = absent;
    if (text && (money_parse(bytes_text(text), false, &fee) != ERR_OK || fee < 0))
        reader_fail(reader, &place, "must be USD for each one, like 0.025");
    return fee;
}

static void read_bracket(struct reader *reader, const json_t *span, const struct place *up,
                         struct price *price) {
    static const char *const known[] = {"over",           "input",        "cached", "cache_write",
                                        "cache_write_1h", "audio_input",  "output", "audio_output",
                                        "image_input",    "image_output", NULL};
    struct place place = {up, "long", 0};
    const json_t *bracket = reader_object(reader, span, &place, false);
    if (!bracket)
        return;
    reader_only(reader, bracket, &place, known);
    const json_t *over = json_object_get(bracket, "over");
    if (!json_is_integer(over) || json_integer_value(over) < 1)
        reader_fail(reader, &(struct place){&place, "over", 0}, "must be a number of tokens");
    struct price_bracket *brackets = pool_new(reader->pool, sizeof(*brackets));
    brackets->over_tokens = json_integer_value(over);
    brackets->rates = read_rates(reader, bracket, &place);
    price->brackets = brackets;
    price->bracket_count = 1;
}

// A factor like 2, "1/2" or "5/3".
static bool read_factor(const json_t *value, int64_t *over, int64_t *under) {
    long long numerator = 0, denominator = 1;
    int size = 0;
    if (json_is_integer(value))
        numerator = json_integer_value(value);
    else if (!json_is_string(value) ||
             sscanf(json_string_value(value), "%4lld/%4lld%n", &numerator, &denominator, &size) !=
                 2 ||
             json_string_value(value)[size])
        return false;
    *over = numerator;
    *under = denominator;
    return numerator > 0 && numerator <= 1000 && denominator > 0;
}

static void read_tiers(struct reader *reader, const json_t *span, const struct place *up,
                       struct price *price) {
    struct place place = {up, "tiers", 0};
    const json_t *tiers = reader_object(reader, span, &place, false);
    struct price_tier *list = pool_array(reader->pool, json_object_size(tiers), sizeof(*list));
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)tiers, name, value) {
        list[price->tier_count] = (struct price_tier){.name = name};
        if (strlen(name) > 31 || !read_factor(value, &list[price->tier_count].numerator,
                                              &list[price->tier_count].denominator))
            reader_fail(reader, &(struct place){&place, name, 0},
                        "must be a factor like 2 or 1/2, under a short name");
        price->tier_count++;
    }
    price->tiers = list;
}

// "16:30" as minutes of the day; -1 if it is none.
static int read_minute(struct reader *reader, const json_t *hours, const struct place *up,
                       const char *name) {
    struct place place = {up, name, 0};
    const char *text = reader_text(reader, hours, &place, true);
    int hour = 0, minute = 0, size = 0;
    bool is_it = sscanf(text, "%2d:%2d%n", &hour, &minute, &size) == 2 && !text[size] &&
                 hour >= 0 && minute >= 0 && minute < 60 && hour * 60 + minute <= 24 * 60;
    if (!is_it)
        reader_fail(reader, &place, "must be a time of the day, UTC, like 16:30");
    return is_it ? hour * 60 + minute : -1;
}

static void read_one_hours(struct reader *reader, const json_t *entry, const struct place *place,
                           struct price_hours *hours) {
    static const char *const known[] = {"name", "from", "until", "days", "factor", "note", NULL};
    if (!json_is_object(entry)) {
        reader_fail(reader, place, "must be a mapping");
        return;
    }
    reader_only(reader, entry, place, known);
    struct place days = {place, "days", 0};
    const char *on = reader_text(reader, entry, &days, false);
    hours->name = reader_text(reader, entry, &(struct place){place, "name", 0}, true);
    hours->from_minute = read_minute(reader, entry, place, "from");
    hours->until_minute = read_minute(reader, entry, place, "until");
    hours->is_workdays = on != NULL;
    if (on && strcmp(on, "workdays") != 0)
        reader_fail(reader, &days, "must be workdays, or absent");
    if (hours->until_minute <= hours->from_minute)
        reader_fail(reader, place, "must end later than it begins, on the same day");
    if (strlen(hours->name) > 31 ||
        !read_factor(json_object_get(entry, "factor"), &hours->numerator, &hours->denominator))
        reader_fail(reader, place, "needs a factor like 2 or 1/2, under a short name");
}

static void read_hours(struct reader *reader, const json_t *span, const struct place *up,
                       struct price *price) {
    struct place place = {up, "hours", 0};
    const json_t *list = json_object_get(span, "hours");
    size_t count = json_array_size(list);
    struct price_hours *hours = pool_array(reader->pool, count, sizeof(*hours));
    if (list && !json_is_array(list))
        reader_fail(reader, &place, "must be a list of hours");
    for (size_t i = 0; i < count; i++)
        read_one_hours(reader, json_array_get(list, i), &(struct place){&place, NULL, i},
                       &hours[i]);
    price->hours = hours;
    price->hours_count = count;
}

static const char *name_of(struct reader *reader, const struct price *price, const char *from) {
    size_t size = strlen(price->provider) + strlen(price->model) + strlen(from) + 3;
    char *name = pool_array(reader->pool, size, 1);
    (void)snprintf(name, size, "%s/%s@%s", price->provider, price->model, from);
    return name;
}

static void read_span(struct reader *reader, const json_t *span, const struct place *place,
                      struct price *price) {
    static const char *const known[] = {
        "from",        "until",        "input",        "cached",         "cache_write",
        "audio_input", "output",       "audio_output", "per_request",    "long",
        "tiers",       "note",         "web_search",   "web_search_per", "cache_write_1h",
        "image_input", "image_output", "hours",        "source",         "date",
        NULL};
    if (!json_is_object(span)) {
        reader_fail(reader, place, "must be a mapping");
        return;
    }
    reader_only(reader, span, place, known);
    struct place from = {place, "from", 0};
    const char *since = reader_text(reader, span, &from, false);
    price->name = name_of(reader, price, since ? since : "first");
    price->from_ms = reader_day(reader, span, &from, INT64_MIN);
    price->until_ms = reader_day(reader, span, &(struct place){place, "until", 0}, INT64_MAX);
    if (price->until_ms <= price->from_ms)
        reader_fail(reader, &(struct place){place, "until", 0}, "must be after from");
    price->rates = read_rates(reader, span, place);
    if (price->rates.in_uncached < 0)
        reader_fail(reader, place, "\"input\" is missing");
    price->per_request = read_fee(reader, span, place, "per_request", 0);
    price->web_search = read_fee(reader, span, place, "web_search", -1);
    struct place per = {place, "web_search_per", 0};
    const char *unit = reader_text(reader, span, &per, false);
    price->is_search_by_request = unit && strcmp(unit, "request") == 0;
    if (unit && !price->is_search_by_request)
        reader_fail(reader, &per, "must be request");
    read_bracket(reader, span, place, price);
    read_tiers(reader, span, place, price);
    read_hours(reader, span, place, price);
    price->source = reader_text(reader, span, &(struct place){place, "source", 0}, true);
    price->date = reader_text(reader, span, &(struct place){place, "date", 0}, true);
    (void)reader_day(reader, span, &(struct place){place, "date", 0}, 0);
    if (!reader->is_failed)
        price->json = reader_dump(reader, span);
}

static int compare_spans(const void *a, const void *b) {
    const struct price *x = a, *y = b;
    return x->from_ms < y->from_ms ? -1 : x->from_ms > y->from_ms;
}

bool catalogue_read_prices(struct reader *reader, const json_t *entry, struct price **prices,
                           size_t *count) {
    static const char *const known[] = {"provider", "model", "aliases", "released",
                                        "spans",    "note",  NULL};
    reader_only(reader, entry, NULL, known);
    struct price common = {.until_ms = INT64_MAX};
    common.provider = reader_text(reader, entry, &(struct place){NULL, "provider", 0}, true);
    common.model = reader_text(reader, entry, &(struct place){NULL, "model", 0}, true);
    common.aliases = reader_texts(reader, entry, &(struct place){NULL, "aliases", 0});
    (void)reader_day(reader, entry, &(struct place){NULL, "released", 0}, 0);
    struct place place = {NULL, "spans", 0};
    const json_t *spans = json_object_get(entry, "spans");
    *count = json_array_size(spans);
    *prices = pool_array(reader->pool, *count, sizeof(**prices));
    if (*count == 0)
        reader_fail(reader, &place, "a list of at least one span is needed");
    if (strlen(common.provider) > PROVIDER_BYTES_MAX || strlen(common.model) > 80)
        reader_fail(reader, &(struct place){NULL, "model", 0}, "is too long");
    for (size_t i = 0; i < *count; i++) {
        (*prices)[i] = common;
        read_span(reader, json_array_get(spans, i), &(struct place){&place, NULL, i},
                  &(*prices)[i]);
    }
    qsort(*prices, *count, sizeof(**prices), compare_spans);
    for (size_t i = 1; i < *count; i++)
        if ((*prices)[i].from_ms < (*prices)[i - 1].until_ms)
            reader_fail(reader, &place, "two spans overlap");
    return !reader->is_failed;
}
