// Prices: what a call has cost, and what it can cost at most.

#include "common/asked.h"
#include "common/limits.h"
#include "common/rating.h"

#include <check.h>
#include <stdlib.h>

static struct catalogue *catalogue;

static void setup(void) {
    struct buf document, problems;
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 1 << 16);
    enum err e = catalogue_compile_folder(NULL, &document, &problems);
    ck_assert_msg(e == ERR_OK, "%s", buf_cstr(&problems));
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &catalogue), ERR_OK);
    buf_release(&document);
    buf_release(&problems);
}

static void teardown(void) {
    catalogue_free(catalogue);
}

static const int64_t autumn_ms = 1790812800000; // 2026-10-01

static struct rating rate(const char *model, const char *tier, struct counters counters) {
    struct rating rating;
    rating_of(catalogue, bytes_text("openai"), bytes_text(model), bytes_text(tier), autumn_ms,
              &counters, &rating);
    return rating;
}

static struct counters counted(int64_t in, int64_t out) {
    struct counters counters = counters_none();
    counters.in_uncached = in;
    counters.out_visible = out;
    return counters;
}

// Every kind of token at its own price, and hidden reasoning at the price of output.
START_TEST(each_counter_is_priced_by_its_own_rate) {
    struct counters c = {1000, 2000, 300, -1, 40, 5, 0, -1, -1, -1, -1, -1};
    struct rating r = rate("gpt-5.6-sol", "default", c);
    ck_assert(r.is_priced);
    ck_assert_ptr_null(r.unpriced);
    ck_assert_int_eq(r.parts.in_uncached, 1000 * 4000000ll);
    ck_assert_int_eq(r.parts.in_cached, 2000 * 400000ll);
    ck_assert_int_eq(r.parts.in_cache_write, 300 * 5000000ll);
    ck_assert_int_eq(r.parts.in_audio, -1);
    ck_assert_int_eq(r.parts.out_visible, 40 * 20000000ll);
    ck_assert_int_eq(r.parts.out_reasoning, 5 * 20000000ll);
    ck_assert_int_eq(r.parts.out_audio, 0);
    ck_assert_int_eq(r.pusd, 4000000000 + 800000000 + 1500000000 + 800000000 + 100000000);
    ck_assert_str_eq(r.price_name, "openai/gpt-5.6-sol@2026-09-22");
    ck_assert_str_eq(r.tier, "standard");
}
END_TEST

// The promotion ended on a day; the day after is dearer.
START_TEST(the_day_of_the_call_decides) {
    struct counters c = counted(1000000, 0);
    struct rating r;
    rating_of(catalogue, bytes_text("openai"), bytes_text("gpt-5.6-sol"), bytes_text(""),
              1795305600000 - 1, &c, &r); // 2026-11-22
    ck_assert_int_eq(r.pusd, 8 * 1000000000000ll);
    rating_of(catalogue, bytes_text("openai"), bytes_text("gpt-5.6-sol"), bytes_text(""),
              1795305600000, &c, &r);
    ck_assert_int_eq(r.pusd, 10 * 1000000000000ll);
}
END_TEST

// 2026-10-26 was a Monday.
static const int64_t monday_ms = 1792972800000;

static struct rating rate_at(int64_t minutes, struct counters counters) {
    struct rating rating;
    rating_of(catalogue, bytes_text("deepseek"), bytes_text("deepseek-v4-pro"), bytes_text(""),
              monday_ms + minutes * 60000, &counters, &rating);
    return rating;
}

// A queue that runs at the wrong hour pays twice as much, and the bill has to say so.
START_TEST(the_hour_of_the_call_decides) {
    struct counters c = counted(1000000, 1000000);
    const int64_t plain = 660000000000 + 1980000000000;
    static const struct {
        int64_t minutes;
        bool is_peak;
    } hours[] = {
        {0, false},
        {59, false},
        {60, true},
        {239, true},
        {240, false},
        {359, false},
        {360, true},
        {599, true},
        {600, false},
        {4 * 1440 + 60, true},
        {5 * 1440 + 60, false},
        {6 * 1440 + 60, false},
        {7 * 1440 + 60, true},
        {-60 * 24 + 60, false},
    };
    for (size_t i = 0; i < sizeof(hours) / sizeof(*hours); i++) {
        struct rating r = rate_at(hours[i].minutes, c);
        ck_assert(r.is_priced);
        ck_assert_int_eq(r.pusd, hours[i].is_peak ? 2 * plain : plain);
        ck_assert_str_eq(r.tier, hours[i].is_peak ? "peak" : "standard");
    }
}
END_TEST

// A reservation holds whenever the call is made.
START_TEST(the_upper_bound_is_that_of_the_dearest_hour) {
    struct rating r;
    rating_upper_bound(catalogue, bytes_text("deepseek"), bytes_text("deepseek-v4-pro"), 1000000,
                       1000000, monday_ms, &r);
    ck_assert(r.is_priced);
    ck_assert_int_eq(r.pusd, 2 * (660000000000 + 1980000000000));
}
END_TEST

// One token more than the threshold reprices the whole request, cached tokens counted in.
START_TEST(a_long_request_is_repriced_as_a_whole) {
    struct counters c = {72000, 200000, -1, -1, 10, -1, -1, -1, -1, -1, -1, -1};
    struct rating r = rate("gpt-5.4", "", c);
    ck_assert_int_eq(r.over_tokens, 0);
    ck_assert_int_eq(r.pusd, 72000 * 2500000ll + 200000 * 250000ll + 10 * 15000000ll);
    c.in_uncached++;
    r = rate("gpt-5.4", "", c);
    ck_assert_int_eq(r.over_tokens, 272000);
    ck_assert_int_eq(r.pusd, 72001 * 5000000ll + 200000 * 500000ll + 10 * 22500000ll);
}
END_TEST

// The provider bills by the tier that served, whatever was asked for.
START_TEST(the_served_tier_decides) {
    struct counters c = counted(1000, 100);
    int64_t whole = rate("gpt-5-mini", "default", c).pusd;
    ck_assert_int_eq(rate("gpt-5-mini", "", c).pusd, whole);
    ck_assert_int_eq(rate("gpt-5-mini", "auto", c).pusd, whole);
    ck_assert_int_eq(rate("gpt-5-mini", "flex", c).pusd, whole / 2);
    ck_assert_int_eq(rate("gpt-5-mini", "batch", c).pusd, whole / 2);
    struct rating r = rate("gpt-5-mini", "priority", c);
    ck_assert_int_eq(r.pusd, whole * 9 / 5);
    ck_assert_str_eq(r.tier, "priority");
}
END_TEST

// What has no price must never look free.
START_TEST(what_has_no_price_is_unpriced_and_says_why) {
    struct counters none = counters_none(), audio = counted(10, 10), written = counted(10, 10);
    audio.out_audio = 5;
    written.in_cache_write = 5;
    struct counters huge = counted(INT64_MAX / 1000, 1);
    struct {
        struct rating rating;
        const char *why;
    } cases[] = {
        {rate("gpt-99", "", counted(1, 1)), "unknown_model"},
        {rate("gpt-5-nano", "scale", counted(1, 1)), "unknown_tier"},
        {rate("gpt-5-nano", "", none), "no_usage"},
        {rate("gpt-5-nano", "", counted(-1, 5)), "no_usage"},
        {rate("gpt-5-nano", "", counted(5, -1)), "no_usage"},
        {rate("gpt-5-nano", "", audio), "no_rate_audio_output"},
        {rate("gpt-5-nano", "", written), "no_rate_cache_write"},
        {rate("gpt-4.5-preview", "", huge), "overflow"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        ck_assert(!cases[i].rating.is_priced);
        ck_assert_int_eq(cases[i].rating.pusd, -1);
        ck_assert_str_eq(cases[i].rating.unpriced, cases[i].why);
    }
    audio.out_audio = 0; // no audio tokens need no price
    ck_assert(rate("gpt-5-nano", "", audio).is_priced);
}
END_TEST

// A fee that the usage does not show is in the price all the same.
START_TEST(a_fee_for_each_request_is_added) {
    struct rating r = rate("gpt-4o-search-preview", "", counted(1000, 100));
    ck_assert_int_eq(r.per_request, 25000000000);
    ck_assert_int_eq(r.pusd, 25000000000 + 1000 * 2500000ll + 100 * 10000000ll);
}
END_TEST

// A budget is held by the upper bound: if a call could cost more, a cap would be broken.
START_TEST(no_split_of_the_tokens_costs_more_than_the_upper_bound) {
    static const int64_t inputs[] = {0, 1, 1000, 272000, 272001, 1000000};
    for (size_t i = 0; i < catalogue_price_count(catalogue); i++) {
        const struct price *price = catalogue_price_at(catalogue, i);
        struct bytes provider = bytes_text(price->provider), model = bytes_text(price->model);
        int64_t at_ms = price->until_ms == INT64_MAX ? autumn_ms * 2 : price->until_ms - 1;
        for (size_t k = 0; k < sizeof(inputs) / sizeof(*inputs); k++) {
            int64_t in = inputs[k], out = 1000;
            struct rating most, some;
            rating_upper_bound(catalogue, provider, model, in, out, at_ms, &most);
            ck_assert_msg(most.is_priced, "%s", price->name);
            for (int split = 0; split < 20; split++) {
                struct counters c = {in, 0, 0, 0, out, 0, 0, 0, 0, 0, 0, 0};
                int64_t *parts[] = {&c.in_uncached, &c.in_cached, &c.in_cache_write,
                                    &c.in_cache_write_1h, &c.in_audio};
                c.in_uncached = 0;
                *parts[split % 5] = in;
                c.out_visible = split / 5 == 0 ? out : split / 5 == 1 ? out / 2 : 0;
                c.out_reasoning = split / 5 == 1 ? out - out / 2 : split / 5 == 2 ? out : 0;
                c.out_audio = split / 5 == 3 ? out : 0;
                rating_of(catalogue, provider, model, bytes_text("default"), at_ms, &c, &some);
                if (some.is_priced)
                    ck_assert_msg(some.pusd <= most.pusd, "%s", price->name);
            }
        }
    }
}
END_TEST

// A request that asks for a dearer tier is bounded by it; one for a cheaper tier is not, since the
// provider may serve it at the ordinary one.
START_TEST(the_upper_bound_follows_a_dearer_tier_only) {
    struct rating plain, priority, flex, none;
    struct bytes openai = bytes_text("openai"), model = bytes_text("gpt-5");
    rating_upper_bound(catalogue, openai, model, 1000, 1000, autumn_ms, &plain);
    rating_upper_bound_in(catalogue, openai, model, bytes_text("priority"), 1000, 1000, autumn_ms,
                          &priority);
    rating_upper_bound_in(catalogue, openai, model, bytes_text("flex"), 1000, 1000, autumn_ms,
                          &flex);
    ck_assert_int_eq(priority.pusd, 2 * plain.pusd);
    ck_assert_int_eq(flex.pusd, plain.pusd);
    rating_upper_bound(catalogue, openai, bytes_text("gpt-99"), 1, 1, autumn_ms, &none);
    ck_assert(!none.is_priced);
    ck_assert_int_eq(none.pusd, -1);
    rating_upper_bound(catalogue, openai, model, -1, 1000, autumn_ms, &none);
    ck_assert(!none.is_priced);
}
END_TEST

// A request that asks for one country, or for speed, costs more than one that does not.
START_TEST(the_upper_bound_follows_what_else_the_price_depends_on) {
    static const struct {
        const char *body, *tier;
        bool is_known;
    } cases[] = {
        {"{}", "", true},
        {"{\"service_tier\":\"auto\",\"inference_geo\":\"global\",\"speed\":null}", "auto", true},
        {"{\"inference_geo\":\"us\",\"speed\":\"fast\"}", "+us+fast", true},
        {"{\"service_tier\":\"standard_only\",\"speed\":\"fast\"}", "standard_only+fast", true},
        {"{\"speed\":5}", "", false},
        {"{\"service_tier\":{}}", "", false},
    };
    struct bytes anthropic = bytes_text("anthropic"), model = bytes_text("claude-opus-5"), tier;
    const struct provider_api *api = catalogue_default_api(catalogue, anthropic);
    struct json_scan scan;
    struct buf out;
    json_scan_init(&scan);
    buf_init(&out, 256);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        ck_assert_int_eq(json_scan(&scan, bytes_text(cases[i].body), NULL), ERR_OK);
        bool is_known = asked_tier(api, &scan, 0, &out, &tier);
        ck_assert_msg(is_known == cases[i].is_known, "%s", cases[i].body);
        ck_assert_msg(!is_known || bytes_is(tier, cases[i].tier), "%s", cases[i].body);
    }
    struct rating plain, us, both;
    rating_upper_bound(catalogue, anthropic, model, 1000, 1000, autumn_ms, &plain);
    rating_upper_bound_in(catalogue, anthropic, model, bytes_text("standard_only+us"), 1000, 1000,
                          autumn_ms, &us);
    rating_upper_bound_in(catalogue, anthropic, model, bytes_text("+us+fast"), 1000, 1000,
                          autumn_ms, &both);
    ck_assert_int_eq(us.pusd * 10, plain.pusd * 11);
    ck_assert_int_eq(both.pusd * 10, plain.pusd * 22);
    ck_assert_str_eq(both.tier, "us+fast");
    json_scan_release(&scan);
    buf_release(&out);
}
END_TEST

// What nobody can bound has no bound, and of several limits the largest counts: any other number
// would let a budget be overrun.
START_TEST(what_a_request_asks_for_bounds_its_tokens) {
    static const struct {
        const char *body;
        int64_t input, output;
    } cases[] = {
        {"{}", 1000, OUTPUT_TOKENS_MAX},
        {"{\"messages\":[{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"max_tokens\":5}",
         1000, 5},
        {"{\"max_completion_tokens\":5,\"max_tokens\":7}", 1000, 7},
        {"{\"max_tokens\":7,\"max_output_tokens\":5,\"n\":3}", 1000, 21},
        {"{\"max_tokens\":null}", 1000, OUTPUT_TOKENS_MAX},
        {"{\"tools\":[{\"name\":\"f\"},{\"type\":\"custom\"}]}", 1000 + TOOLS_TOKENS_MAX,
         OUTPUT_TOKENS_MAX},
        {"{\"tools\":[{\"type\":\"web_search_20250305\"}]}", -1, OUTPUT_TOKENS_MAX},
        {"{\"web_search_options\":{}}", -1, OUTPUT_TOKENS_MAX},
        {"{\"mcp_servers\":[]}", -1, OUTPUT_TOKENS_MAX},
        {"{\"messages\":[{\"content\":[{\"type\":\"image_url\"}]}]}", -1, OUTPUT_TOKENS_MAX},
        {"{\"messages\":[{\"content\":[{\"type\":\"file\"}]}]}", -1, OUTPUT_TOKENS_MAX},
        {"{\"messages\":[{\"content\":null,\"audio\":{\"id\":\"a\"}}]}", -1, OUTPUT_TOKENS_MAX},
        {"{\"input\":\"a\",\"previous_response_id\":null}", 1000, OUTPUT_TOKENS_MAX},
        {"{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"a\"}]},"
         "{\"type\":\"reasoning\"},{\"type\":\"function_call_output\",\"output\":\"b\"}],"
         "\"max_output_tokens\":5}",
         1000, 5},
        {"{\"input\":[{\"content\":[{\"type\":\"input_image\"}]}]}", -1, OUTPUT_TOKENS_MAX},
        {"{\"input\":[{\"type\":\"function_call_output\",\"output\":[{\"type\":"
         "\"input_file\"}]}]}",
         -1, OUTPUT_TOKENS_MAX},
        {"{\"input\":[{\"type\":\"item_reference\",\"id\":\"a\"}]}", -1, OUTPUT_TOKENS_MAX},
        {"{\"input\":\"a\",\"previous_response_id\":\"resp_1\"}", -1, OUTPUT_TOKENS_MAX},
        {"{\"input\":\"a\",\"conversation\":\"conv_1\"}", -1, OUTPUT_TOKENS_MAX},
        {"{\"prompt\":{\"id\":\"p\"}}", -1, OUTPUT_TOKENS_MAX},
        {"{\"contents\":[{\"parts\":[{\"text\":\"a\"}]}],\"generationConfig\":{\"maxOutputTokens\":"
         "7,\"candidateCount\":2}}",
         1000, 14},
        {"{\"contents\":[{\"parts\":[{\"inlineData\":{}}]}]}", -1, OUTPUT_TOKENS_MAX},
        {"{\"tools\":[{\"functionDeclarations\":[]}]}", 1000 + TOOLS_TOKENS_MAX, OUTPUT_TOKENS_MAX},
        {"{\"tools\":[{\"googleSearch\":{}}]}", -1, OUTPUT_TOKENS_MAX},
        {"{\"cachedContent\":\"cachedContents/1\"}", -1, OUTPUT_TOKENS_MAX},
        {"{\"cached_content\":\"cachedContents/1\"}", -1, OUTPUT_TOKENS_MAX},
        {"{\"contents\":{\"parts\":[]}}", -1, OUTPUT_TOKENS_MAX},
        {"{\"contents\":[{\"parts\":{\"inlineData\":{}}}]}", -1, OUTPUT_TOKENS_MAX},
        {"{\"contents\":[{\"parts\":[{\"functionResponse\":{\"parts\":[]}}]}]}", -1,
         OUTPUT_TOKENS_MAX},
        {"{\"tools\":[{\"functionDeclarations\":[],\"googleSearch\":{}}]}", -1, OUTPUT_TOKENS_MAX},
        {"{\"tools\":{\"googleSearch\":{}}}", -1, OUTPUT_TOKENS_MAX},
        {"{\"generation_config\":{\"candidate_count\":2,\"max_output_tokens\":7}}", 1000, 14},
        {"{\"models\":[\"a\",\"b\"]}", -1, OUTPUT_TOKENS_MAX},
        {"{\"plugins\":[{\"id\":\"web\"}]}", -1, OUTPUT_TOKENS_MAX},
        {"{\"agent\":\"deep-research\"}", -1, OUTPUT_TOKENS_MAX},
        {"{\"max_tokens\":7,\"context_management\":{\"edits\":[{\"type\":\"compact_20260112\"}]}}",
         -1, 7},
        {"{\"max_tokens\":7,\"context_management\":null}", 1000, 7},
        {"{\"reasoning\":{\"mode\":\"pro\"}}", -1, OUTPUT_TOKENS_MAX},
        {"{\"reasoning\":{\"effort\":\"low\",\"mode\":null}}", 1000, OUTPUT_TOKENS_MAX},
    };
    static const char *const no_fields[] = {NULL};
    const struct provider_api api = {.request_fields = no_fields}; // heeds every name
    struct json_scan scan;
    json_scan_init(&scan);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        ck_assert_int_eq(json_scan(&scan, bytes_text(cases[i].body), NULL), ERR_OK);
        ck_assert_msg(asked_input_max(&api, &scan, 0, 1000) == cases[i].input, "%s", cases[i].body);
        ck_assert_msg(asked_output_max(&api, ASKED_native, &scan, 0) == cases[i].output, "%s",
                      cases[i].body);
    }
    json_scan_release(&scan);
}
END_TEST

// A limit that the API does not know by this name bounds nothing, nor one that leaves thoughts out;
// and what the API adds by itself counts.
START_TEST(a_bound_holds_for_what_the_api_heeds) {
    static const char *const fields[] = {"max_tokens", NULL};
    static const struct text_pair names[] = {{"max_output_tokens", "max_tokens"}};
    struct provider_api api = {
        .request_fields = fields, .field_names = names, .field_name_count = 1};
    struct json_scan scan;
    json_scan_init(&scan);
    ck_assert_int_eq(json_scan(&scan, bytes_text("{\"max_output_tokens\":1}"), NULL), ERR_OK);
    ck_assert_int_eq(asked_output_max(&api, ASKED_native, &scan, 0), OUTPUT_TOKENS_MAX);
    ck_assert_int_eq(asked_output_max(&api, ASKED_turn, &scan, 0), 1);
    api.field_name_count = 0; // an adapter may map it by itself
    ck_assert_int_eq(asked_output_max(&api, ASKED_turn, &scan, 0), 1);
    api.does_limit_omit_reasoning = true;
    ck_assert_int_eq(asked_output_max(&api, ASKED_turn, &scan, 0), OUTPUT_TOKENS_MAX);
    api.input_tokens_added = 300;
    ck_assert_int_eq(asked_input_max(&api, &scan, 0, 1000), 1300);
    json_scan_release(&scan);
}
END_TEST

// What its limit leaves out a model may write all the same, and a budget that is hard has to pay
// it.
START_TEST(the_limits_of_xai_leave_reasoning_out) {
    static const struct {
        const char *provider, *api, *body;
        int64_t most;
    } cases[] = {
        {"openai", "chat", "{\"max_completion_tokens\":16}", 16},
        {"xai", "chat", "{\"max_completion_tokens\":16}", OUTPUT_TOKENS_MAX},
        {"xai", "responses", "{\"max_output_tokens\":16}", OUTPUT_TOKENS_MAX},
    };
    struct json_scan scan;
    json_scan_init(&scan);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct provider_api *api =
            catalogue_api(catalogue, bytes_text(cases[i].provider), bytes_text(cases[i].api));
        ck_assert_int_eq(json_scan(&scan, bytes_text(cases[i].body), NULL), ERR_OK);
        ck_assert_int_eq(asked_output_max(api, ASKED_native, &scan, 0), cases[i].most);
    }
    json_scan_release(&scan);
}
END_TEST

// A bound that no call can have is none: added up, two of them would be more than a sum can hold.
START_TEST(what_no_call_can_cost_has_no_price) {
    struct rating r = rate("gpt-4.1", "", counted(CALL_PUSD_MAX / 2000000, 0));
    ck_assert_int_eq(r.pusd, CALL_PUSD_MAX);
    r = rate("gpt-4.1", "", counted(CALL_PUSD_MAX / 2000000, 1));
    ck_assert_str_eq(r.unpriced, "overflow");
    ck_assert_int_eq(r.pusd, -1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rating");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, each_counter_is_priced_by_its_own_rate);
    tcase_add_test(all, what_a_request_asks_for_bounds_its_tokens);
    tcase_add_test(all, a_bound_holds_for_what_the_api_heeds);
    tcase_add_test(all, the_limits_of_xai_leave_reasoning_out);
    tcase_add_test(all, what_no_call_can_cost_has_no_price);
    tcase_add_test(all, the_day_of_the_call_decides);
    tcase_add_test(all, the_hour_of_the_call_decides);
    tcase_add_test(all, the_upper_bound_is_that_of_the_dearest_hour);
    tcase_add_test(all, a_long_request_is_repriced_as_a_whole);
    tcase_add_test(all, the_served_tier_decides);
    tcase_add_test(all, what_has_no_price_is_unpriced_and_says_why);
    tcase_add_test(all, a_fee_for_each_request_is_added);
    tcase_add_test(all, no_split_of_the_tokens_costs_more_than_the_upper_bound);
    tcase_add_test(all, the_upper_bound_follows_a_dearer_tier_only);
    tcase_add_test(all, the_upper_bound_follows_what_else_the_price_depends_on);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
