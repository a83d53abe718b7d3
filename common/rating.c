#include "common/rating.h"

#include "common/limits.h"
#include "common/money.h"

#include <stdio.h>

static const struct price_tier standard = {"standard", 1, 1};

struct counters counters_none(void) {
    return (struct counters){-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
}

static int64_t sum_of(const int64_t *counts, size_t size) {
    int64_t sum = -1;
    for (size_t i = 0; i < size; i++) {
        if (counts[i] < 0)
            continue;
        if (sum < 0)
            sum = 0;
        if (__builtin_add_overflow(sum, counts[i], &sum))
            return INT64_MAX;
    }
    return sum;
}

int64_t counters_in(const struct counters *counters) {
    const int64_t counts[] = {counters->in_uncached,    counters->in_cached,
                              counters->in_cache_write, counters->in_cache_write_1h,
                              counters->in_audio,       counters->in_tool_use,
                              counters->in_image};
    return sum_of(counts, sizeof(counts) / sizeof(*counts));
}

int64_t counters_out(const struct counters *counters) {
    const int64_t counts[] = {counters->out_visible, counters->out_reasoning, counters->out_audio,
                              counters->out_image};
    return sum_of(counts, sizeof(counts) / sizeof(*counts));
}

static void refuse(struct rating *out, const char *why) {
    if (out->unpriced)
        return;
    out->unpriced = why;
    out->is_priced = false;
    out->pusd = -1;
}

static bool is_standard(struct bytes word) {
    return word.size == 0 || bytes_is(word, "default") || bytes_is(word, "standard") ||
           bytes_is(word, "auto") || bytes_is(word, "standard_only");
}

static const struct price_tier *factor_of(const struct price *price, struct bytes word) {
    if (is_standard(word))
        return &standard;
    for (size_t i = 0; i < price->tier_count; i++)
        if (bytes_is(word, price->tiers[i].name))
            return &price->tiers[i];
    return NULL;
}

// Takes the first word off a tier's name.
static struct bytes take_word(struct bytes *name) {
    const uint8_t *plus = name->size > 0 ? memchr(name->at, '+', name->size) : NULL;
    size_t size = plus ? (size_t)(plus - name->at) : name->size;
    struct bytes word = bytes_of(name->at, size);
    *name = plus ? bytes_of(plus + 1, name->size - size - 1) : bytes_of(NULL, 0);
    return word;
}

static bool is_then(const struct price_hours *hours, int64_t at_ms) {
    int64_t minutes = at_ms / 60000 - (at_ms % 60000 < 0);
    int64_t day = minutes / (24 * 60) - (minutes % (24 * 60) < 0);
    int minute = (int)(minutes - day * 24 * 60), weekday = (int)((day % 7 + 7 + 4) % 7);
    return minute >= hours->from_minute && minute < hours->until_minute &&
           (!hours->is_workdays || (weekday >= 1 && weekday <= 5));
}

// A factor for the hour, on top of the tier's, whose name is put behind its.
static bool apply_hours(const struct price *price, int64_t at_ms, struct price_tier *tier,
                        char *name, size_t size) {
    const struct price_hours *hours = price->hours, *end = hours + price->hours_count;
    while (hours < end && !is_then(hours, at_ms))
        hours++;
    if (hours == end)
        return true;
    size_t used = strcmp(name, standard.name) == 0 ? 0 : strlen(name);
    (void)snprintf(name + used, size - used, "%s%s", used ? "+" : "", hours->name);
    return !__builtin_mul_overflow(tier->numerator, hours->numerator, &tier->numerator) &&
           !__builtin_mul_overflow(tier->denominator, hours->denominator, &tier->denominator);
}

// The dearest hour that a call could meet.
static bool apply_dearest_hours(const struct price *price, struct price_tier *tier) {
    int64_t numerator = 1, denominator = 1;
    for (size_t i = 0; i < price->hours_count; i++)
        if (price->hours[i].numerator * denominator > numerator * price->hours[i].denominator) {
            numerator = price->hours[i].numerator;
            denominator = price->hours[i].denominator;
        }
    return !__builtin_mul_overflow(tier->numerator, numerator, &tier->numerator) &&
           !__builtin_mul_overflow(tier->denominator, denominator, &tier->denominator);
}

// The factors of all its words together; false if one of them is unknown. *name holds the words
// that change anything, or "standard".
static bool find_tier(const struct price *price, struct bytes text, struct price_tier *tier,
                      char *name, size_t size) {
    size_t used = 0;
    *tier = (struct price_tier){name, 1, 1};
    while (text.size > 0) {
        struct bytes word = take_word(&text);
        const struct price_tier *factor = factor_of(price, word);
        if (!factor ||
            __builtin_mul_overflow(tier->numerator, factor->numerator, &tier->numerator) ||
            __builtin_mul_overflow(tier->denominator, factor->denominator, &tier->denominator))
            return false;
        if (factor != &standard && used < size)
            used +=
                (size_t)snprintf(name + used, size - used, "%s%s", used ? "+" : "", factor->name);
    }
    if (used == 0)
        (void)snprintf(name, size, "%s", standard.name);
    return true;
}

// The rates for a request with so much input, and the bracket that they belong to.
static const struct price_rates *rates_of(const struct price *price, int64_t in_tokens,
                                          int64_t *over_tokens) {
    const struct price_rates *rates = &price->rates;
    *over_tokens = 0;
    for (size_t i = 0; i < price->bracket_count; i++)
        if (in_tokens > price->brackets[i].over_tokens) {
            rates = &price->brackets[i].rates;
            *over_tokens = price->brackets[i].over_tokens;
        }
    return rates;
}

// Begins a rating: finds the price and the tier. NULL, with the reason in out, if there is none.
static const struct price *begin(const struct catalogue *catalogue, struct bytes provider,
                                 struct bytes model, struct bytes service_tier, int64_t at_ms,
                                 struct price_tier *tier, struct rating *out) {
    *out = (struct rating){.pusd = -1, .parts = counters_none()};
    bool is_known;
    const struct price *price = catalogue_price(catalogue, provider, model, at_ms, &is_known);
    if (!price) {
        refuse(out, is_known ? "no_price_then" : "unknown_model");
        return NULL;
    }
    (void)snprintf(out->price_name, sizeof(out->price_name), "%s", price->name);
    if (!find_tier(price, service_tier, tier, out->tier, sizeof(out->tier))) {
        out->tier[0] = 0;
        refuse(out, "unknown_tier");
        return NULL;
    }
    return price;
}

// Adds count tokens at a rate and a tier's factor to the whole.
static void add(struct rating *out, const struct price_tier *tier, int64_t count, int64_t rate,
                int64_t *part, const char *without_rate) {
    if (count < 0)
        return;
    int64_t amount = 0;
    if (count > 0 && rate < 0) {
        refuse(out, without_rate);
        return;
    }
    if (money_add_product(&amount, count, count > 0 ? rate : 0) != ERR_OK ||
        money_scale(amount, tier->numerator, tier->denominator, &amount) != ERR_OK ||
        (!out->unpriced && money_add(&out->pusd, amount) != ERR_OK) || out->pusd > CALL_PUSD_MAX) {
        refuse(out, "overflow");
        return;
    }
    *part = amount;
}

void rating_of(const struct catalogue *catalogue, struct bytes provider, struct bytes model,
               struct bytes service_tier, int64_t at_ms, const struct counters *counters,
               struct rating *out) {
    struct price_tier tier;
    const struct price *price = begin(catalogue, provider, model, service_tier, at_ms, &tier, out);
    if (!price)
        return;
    if (!apply_hours(price, at_ms, &tier, out->tier, sizeof(out->tier))) {
        refuse(out, "overflow");
        return;
    }
    if (counters->in_uncached < 0 || (counters->out_visible < 0 && price->rates.out >= 0)) {
        refuse(out, "no_usage");
        return;
    }
    const struct price_rates *rates = rates_of(price, counters_in(counters), &out->over_tokens);
    const struct counters *c = counters;
    struct counters *p = &out->parts;
    out->is_priced = true;
    out->per_request = price->per_request;
    out->pusd = price->per_request;
    add(out, &tier, c->in_uncached, rates->in_uncached, &p->in_uncached, "no_rate_input");
    add(out, &tier, c->in_cached, rates->in_cached, &p->in_cached, "no_rate_cached");
    add(out, &tier, c->in_cache_write, rates->in_cache_write, &p->in_cache_write,
        "no_rate_cache_write");
    add(out, &tier, c->in_cache_write_1h, rates->in_cache_write_1h, &p->in_cache_write_1h,
        "no_rate_cache_write_1h");
    add(out, &tier, c->in_audio, rates->in_audio, &p->in_audio, "no_rate_audio_input");
    add(out, &tier, c->in_tool_use, rates->in_uncached, &p->in_tool_use, "no_rate_input");
    add(out, &tier, c->in_image, rates->in_image < 0 ? rates->in_uncached : rates->in_image,
        &p->in_image, "no_rate_input");
    add(out, &tier, c->out_visible, rates->out, &p->out_visible, "no_rate_output");
    add(out, &tier, c->out_reasoning, rates->out, &p->out_reasoning, "no_rate_output");
    add(out, &tier, c->out_audio, rates->out_audio, &p->out_audio, "no_rate_audio_output");
    add(out, &tier, c->out_image, rates->out_image, &p->out_image, "no_rate_image_output");
    int64_t searches = price->is_search_by_request && c->web_searches > 1 ? 1 : c->web_searches;
    add(out, &standard, searches, price->web_search, &p->web_searches, "no_rate_web_search");
}

bool rating_is_guess(const struct rating *rating, bool has_passes) {
    return has_passes && rating->is_priced && rating->over_tokens > 0;
}

// ---- Upper bounds. -----------------------------------------------------------------------------

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t dearest_input(const struct price_rates *rates) {
    return larger(larger(larger(rates->in_uncached, rates->in_cached),
                         larger(rates->in_audio, rates->in_image)),
                  larger(rates->in_cache_write, rates->in_cache_write_1h));
}

static int64_t dearest_output(const struct price_rates *rates) {
    return larger(larger(rates->out, rates->out_audio), rates->out_image);
}

void rating_upper_bound_in(const struct catalogue *catalogue, struct bytes provider,
                           struct bytes model, struct bytes service_tier, int64_t in_tokens_max,
                           int64_t out_tokens_max, int64_t at_ms, struct rating *out) {
    struct price_tier tier;
    const struct price *price = begin(catalogue, provider, model, service_tier, at_ms, &tier, out);
    if (!price)
        return;
    if (in_tokens_max < 0 || out_tokens_max < 0) {
        refuse(out, "no_usage");
        return;
    }
    const struct price_rates *rates = rates_of(price, in_tokens_max, &out->over_tokens);
    int64_t in_rate = larger(dearest_input(&price->rates), dearest_input(rates));
    int64_t out_rate = larger(dearest_output(&price->rates), dearest_output(rates));
    // A cheaper tier may be full, and the call is then served and billed at the standard rates.
    struct price_tier dearer = tier.numerator > tier.denominator ? tier : standard;
    if (!apply_dearest_hours(price, &dearer)) {
        refuse(out, "overflow");
        return;
    }
    out->is_priced = true;
    out->per_request = price->per_request;
    out->pusd = price->per_request;
    add(out, &dearer, in_tokens_max, in_rate, &out->parts.in_uncached, "no_rate_input");
    add(out, &dearer, out_tokens_max, out_rate, &out->parts.out_visible, "no_rate_output");
}

void rating_upper_bound(const struct catalogue *catalogue, struct bytes provider,
                        struct bytes model, int64_t in_tokens_max, int64_t out_tokens_max,
                        int64_t at_ms, struct rating *out) {
    rating_upper_bound_in(catalogue, provider, model, bytes_of(NULL, 0), in_tokens_max,
                          out_tokens_max, at_ms, out);
}
