// Answers of Anthropic's Messages, of our own making: what is found in them, and what is no answer.
#include "tests/unit/extractor/samples.h"

#include "common/money.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct sample sample;

static void setup(void) {
    sample_open(&sample);
    sample_api(&sample, "anthropic", "messages");
}

static void teardown(void) {
    sample_close(&sample);
}

static void read_body(unsigned status, const char *body) {
    sample_read(&sample, status, "", bytes_text(body));
}

static const char full[] =
    "{\"model\":\"claude-opus-5\",\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\","
    "\"content\":[{\"type\":\"thinking\",\"thinking\":\"hidden\",\"signature\":\"c2ln==\"},"
    "{\"type\":\"text\",\"text\":\"the secret\",\"citations\":[{\"cited_text\":\"hidden\"}]},"
    "{\"type\":\"server_tool_use\",\"id\":\"srvtoolu_1\",\"name\":\"web_search\",\"input\":"
    "{\"query\":\"hidden\"}},{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"srvtoolu_1\","
    "\"content\":[{\"type\":\"web_search_result\",\"url\":\"hidden\"}]},"
    "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"look\",\"input\":{\"at\":1.50},"
    "\"caller\":{\"type\":\"code_execution\",\"tool_id\":\"srvtoolu_0\"}}],"
    "\"container\":{\"id\":\"container_1\",\"expires_at\":\"2026-07-21T07:59:44Z\"},"
    "\"stop_reason\":\"tool_use\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":50,"
    "\"cache_creation_input_tokens\":2300,\"cache_read_input_tokens\":8000,\"cache_creation\":"
    "{\"ephemeral_5m_input_tokens\":2000,\"ephemeral_1h_input_tokens\":300},\"output_tokens\":300,"
    "\"output_tokens_details\":{\"thinking_tokens\":120},\"server_tool_use\":"
    "{\"web_search_requests\":1,\"web_fetch_requests\":0},\"service_tier\":\"standard\","
    "\"inference_geo\":\"us\"}}";

static const char headers[] = "request-id: req_1\r\n"
                              "anthropic-organization-id: org-1\r\n"
                              "anthropic-workspace-id: wrkspc_1\r\n"
                              "traceresponse: 00-1-2-01\r\n"
                              "cf-ray: ray-1\r\n";

// Support asks for any of these, and finds the call by it or not at all.
START_TEST(every_identifier_is_found_under_its_kind_and_place) {
    static const char *const expected[][3] = {
        {"response_id", "msg_1", "$.id"},
        {"request_id", "req_1", "header:request-id"},
        {"tool_call_id", "srvtoolu_1", "$.content[2].id"},
        {"tool_call_id", "srvtoolu_1", "$.content[3].tool_use_id"},
        {"tool_call_id", "toolu_1", "$.content[4].id"},
        {"parent_tool_call_id", "srvtoolu_0", "$.content[4].caller.tool_id"},
        {"container_id", "container_1", "$.container.id"},
        {"organization_id", "org-1", "header:anthropic-organization-id"},
        {"workspace_id", "wrkspc_1", "header:anthropic-workspace-id"},
        {"trace_id", "00-1-2-01", "header:traceresponse"},
        {"cf_ray_id", "ray-1", "header:cf-ray"},
    };
    enum { EXPECTED = sizeof(expected) / sizeof(expected[0]) };
    sample_read(&sample, 200, headers, bytes_text(full));
    ck_assert_ptr_null(sample.refusal);
    for (size_t i = 0; i < EXPECTED; i++)
        ck_assert_msg(sample_has(&sample, expected[i][0], expected[i][1], expected[i][2]), "%s",
                      expected[i][2]);
    ck_assert_uint_eq(sample.count, EXPECTED);
    ck_assert_ptr_null(extract_conversation_id(sample.extract));
}
END_TEST

START_TEST(the_message_goes_back_as_it_came_and_the_metadata_has_no_content) {
    sample_read(&sample, 200, headers, bytes_text(full));
    const char *begin = strstr(full, "[{\"type\":\"thinking\"");
    const char *end = strstr(full, ",\"container\"");
    char message[2048];
    (void)snprintf(message, sizeof(message),
                   "{\"role\":\"assistant\",\"content\":%.*s,\"shape\":\"anthropic.messages\","
                   "\"model\":\"claude-opus-5\"}",
                   (int)(end - begin), begin);
    ck_assert(bytes_is(sample.head.message, message));
    ck_assert(bytes_is(sample.head.finish, "tool_calls"));
    ck_assert(bytes_is(sample.head.finish_raw, "tool_use"));
    struct bytes metadata = sample.head.metadata;
    ck_assert_ptr_null(memmem(metadata.at, metadata.size, "hidden", 6));
    ck_assert_ptr_null(memmem(metadata.at, metadata.size, "secret", 6));
    ck_assert_ptr_null(memmem(metadata.at, metadata.size, "c2ln", 4));
    ck_assert_ptr_nonnull(memmem(metadata.at, metadata.size, "\"expires_at\"", 12));
    ck_assert_ptr_nonnull(memmem(metadata.at, metadata.size, "\"name\":\"look\"", 13));
}
END_TEST

// What was read from a cache is not among the input tokens; taken for a part of them it would be
// money that nobody has to pay, added twice it would be money that nobody owes.
START_TEST(counters_are_disjoint_and_the_tier_names_all_that_the_price_depends_on) {
    sample_read(&sample, 200, headers, bytes_text(full));
    const struct facts_head *head = &sample.head;
    ck_assert_int_eq(head->in_uncached, 50);
    ck_assert_int_eq(head->in_cached, 8000);
    ck_assert_int_eq(head->in_cache_write, 2000);
    ck_assert_int_eq(head->in_cache_write_1h, 300);
    ck_assert_int_eq(head->in_audio, -1);
    ck_assert_int_eq(head->out_visible, 180);
    ck_assert_int_eq(head->out_reasoning, 120);
    ck_assert_int_eq(head->web_searches, 1);
    ck_assert_int_eq(head->total_stated, -1);
    ck_assert(!head->is_inconsistent);
    ck_assert(bytes_is(head->model, "claude-opus-5"));
    ck_assert(bytes_is(head->service_tier, "standard+us"));
}
END_TEST

// Usages as they come: parts of the cache writes absent, more than all, not all of it.
START_TEST(cache_writes_are_split_as_far_as_they_are_stated) {
    static const struct {
        const char *usage;
        int64_t ordinary, hour;
        bool is_inconsistent;
    } cases[] = {
        {"\"cache_creation_input_tokens\":7", 7, -1, false},
        {"\"cache_creation_input_tokens\":0", 0, -1, false},
        {"\"cache_creation_input_tokens\":9,\"cache_creation\":{\"ephemeral_5m_input_tokens\":2,"
         "\"ephemeral_1h_input_tokens\":3}",
         6, 3, false},
        {"\"cache_creation_input_tokens\":4,\"cache_creation\":{\"ephemeral_5m_input_tokens\":2,"
         "\"ephemeral_1h_input_tokens\":3}",
         2, 3, true},
        {"\"cache_creation\":{\"ephemeral_5m_input_tokens\":2,\"ephemeral_1h_input_tokens\":3}", 2,
         3, false},
        {"\"cache_creation_input_tokens\":null,\"cache_creation\":null", -1, -1, false},
        {"\"cache_creation_input_tokens\":-1", -1, -1, true},
        // What compaction wrote stands elsewhere and is added, if it is a count; what an advisor
        // used has another price, so that the sum is not all.
        {"\"iterations\":[{\"type\":\"message\",\"cache_creation_input_tokens\":5}]", -1, -1,
         false},
        {"\"iterations\":[{\"type\":\"message\"},{\"type\":\"compaction\"}]", -1, -1, false},
        {"\"cache_creation_input_tokens\":7,\"iterations\":[{\"type\":\"compaction\","
         "\"cache_creation_input_tokens\":5},{\"type\":\"compaction\","
         "\"cache_creation_input_tokens\":4,\"cache_creation\":{\"ephemeral_1h_input_tokens\":3}}]",
         13, 3, false},
        {"\"iterations\":[{\"type\":\"compaction\",\"cache_creation_input_tokens\":2},"
         "{\"type\":\"compaction\",\"cache_creation_input_tokens\":\"9\"}]",
         2, -1, true},
        {"\"cache_creation_input_tokens\":9999999999,\"iterations\":[{\"type\":\"compaction\","
         "\"cache_creation_input_tokens\":2}]",
         9999999999, -1, true},
        {"\"iterations\":[{\"type\":\"advisor_message\",\"cache_creation_input_tokens\":5}]", -1,
         -1, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[512];
        (void)snprintf(body, sizeof(body),
                       "{\"type\":\"message\",\"content\":[],\"stop_reason\":\"end_turn\","
                       "\"usage\":{\"input_tokens\":1,\"output_tokens\":2,%s}}",
                       cases[i].usage);
        read_body(200, body);
        ck_assert_ptr_null(sample.refusal);
        ck_assert_msg(sample.head.in_cache_write == cases[i].ordinary, "%s", cases[i].usage);
        ck_assert_msg(sample.head.in_cache_write_1h == cases[i].hour, "%s", cases[i].usage);
        ck_assert_msg(sample.head.is_inconsistent == cases[i].is_inconsistent, "%s",
                      cases[i].usage);
        ck_assert_int_eq(sample.head.in_uncached, 1);
    }
}
END_TEST

START_TEST(each_finish_has_one_neutral_name) {
    static const char *const finishes[][2] = {
        {"end_turn", "stop"},       {"stop_sequence", "stop"},
        {"max_tokens", "length"},   {"model_context_window_exceeded", "length"},
        {"tool_use", "tool_calls"}, {"refusal", "refusal"},
        {"pause_turn", "unknown"},  {"never_heard_of", "unknown"},
    };
    for (size_t i = 0; i < sizeof(finishes) / sizeof(finishes[0]); i++) {
        char body[256];
        (void)snprintf(body, sizeof(body),
                       "{\"type\":\"message\",\"content\":[],\"stop_reason\":\"%s\"}",
                       finishes[i][0]);
        read_body(200, body);
        ck_assert_ptr_null(sample.refusal);
        ck_assert_msg(bytes_is(sample.head.finish, finishes[i][1]), "%s", finishes[i][0]);
        ck_assert(bytes_is(sample.head.finish_raw, finishes[i][0]));
    }
}
END_TEST

// Half an answer that is read as a whole one is a wrong result, and a wrong bill.
START_TEST(what_is_no_answer_is_refused) {
    static const char *const cases[][2] = {
        {"[]", "not_an_object"},
        {"{}", "no_content"},
        {"{\"content\":\"a\",\"stop_reason\":\"end_turn\"}", "no_content"},
        {"{\"content\":[]}", "no_stop_reason"},
        {"{\"content\":[],\"stop_reason\":null}", "no_stop_reason"},
        {"{\"content\":[],\"stop_reason\":5}", "no_stop_reason"},
        {"{\"type\":\"error\",\"error\":{\"type\":\"api_error\"}}", "error_in_answer"},
        {"{\"choices\":[{\"message\":{}}]}", "no_content"},
        {"event: message_start\ndata: {}\n\n", "stream_incomplete"},
        {"", "empty_body"},
        {"<html>", "not_json"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        read_body(200, cases[i][0]);
        ck_assert_ptr_nonnull(sample.refusal);
        ck_assert_str_eq(sample.refusal, cases[i][1]);
        ck_assert_uint_eq(sample.head.message.size, 0);
    }
    char cut[sizeof(full)];
    for (size_t size = 0; size < sizeof(full) - 1; size++) {
        memcpy(cut, full, size);
        cut[size] = 0;
        read_body(200, cut);
        ck_assert_ptr_nonnull(sample.refusal);
        ck_assert(!sample.head.has_usage);
    }
}
END_TEST

START_TEST(errors_give_what_they_hold) {
    read_body(429,
              "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow\","
              "\"details\":{\"error_code\":\"ramp_limit_exceeded\"}},\"request_id\":\"req_9\"}");
    ck_assert_ptr_null(sample.refusal);
    ck_assert(bytes_is(sample.head.error_type, "rate_limit_error"));
    ck_assert(bytes_is(sample.head.error_code, "ramp_limit_exceeded"));
    ck_assert(bytes_is(sample.head.error_message, "slow"));
    ck_assert(bytes_is(sample.head.finish, "error"));
    ck_assert(sample_has(&sample, "request_id", "req_9", "$.request_id"));
    read_body(529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\","
                   "\"details\":null}}");
    ck_assert(bytes_is(sample.head.error_type, "overloaded_error"));
    ck_assert_uint_eq(sample.head.error_code.size, 0);
}
END_TEST

// ---- money --------------------------------------------------------------------------------------

static int64_t price_of(const char *tier) {
    const struct facts_head *head = &sample.head;
    struct counters counters = {head->in_uncached, head->in_cached,         head->in_cache_write,
                                head->in_audio,    head->out_visible,       head->out_reasoning,
                                head->out_audio,   head->in_cache_write_1h, head->web_searches,
                                head->in_tool_use, head->in_image,          head->out_image};
    struct rating rating;
    struct bytes served = tier ? bytes_text(tier) : head->service_tier;
    rating_of(sample.catalogue, bytes_text("anthropic"), head->model, served, 1795000000000,
              &counters, &rating);
    return rating.pusd;
}

static void read_usage(const char *model, const char *usage) {
    static char body[512];
    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"type\":\"message\",\"content\":[],\"stop_reason\":"
                   "\"end_turn\",\"usage\":{%s}}",
                   model, usage);
    read_body(200, body);
}

// What was refused before a word of it was said is not billed, though its tokens are stated: a
// report that counts it would not match the invoice. A refusal in the middle is billed.
START_TEST(a_refusal_without_any_output_costs_nothing) {
    static const struct {
        const char *reason, *content;
        int64_t stated_pusd;
    } cases[] = {{"refusal", "", 0},
                 {"refusal", "{\"type\":\"text\",\"text\":\"One\"}", -1},
                 {"end_turn", "", -1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text),
                       "{\"type\":\"message\",\"content\":[%s],\"stop_reason\":\"%s\","
                       "\"usage\":{\"input_tokens\":412,\"output_tokens\":3}}",
                       cases[i].content, cases[i].reason);
        read_body(200, text);
        ck_assert_int_eq(sample.head.cost_stated_pusd, cases[i].stated_pusd);
        ck_assert_int_eq(sample.head.in_uncached, 412);
        ck_assert(!sample.head.is_inconsistent);
    }
}
END_TEST

// A price by brackets is a guess then.
START_TEST(an_answer_says_that_other_passes_are_in_its_counters) {
    read_usage("m",
               "\"input_tokens\":5,\"iterations\":[{\"type\":\"message\",\"input_tokens\":5}]");
    ck_assert(!sample.head.has_more);
    read_usage("m",
               "\"input_tokens\":5,\"iterations\":[{\"type\":\"compaction\",\"input_tokens\":0}]");
    ck_assert(!sample.head.has_more);
    read_usage("m",
               "\"input_tokens\":5,\"iterations\":[{\"type\":\"compaction\",\"input_tokens\":7}]");
    ck_assert(sample.head.has_more);
    ck_assert_int_eq(sample.head.in_uncached, 12);
    ck_assert(!sample.head.is_inconsistent);
}
END_TEST

// The published examples: what the whole way from an answer to its price comes to.
START_TEST(prices_are_those_of_the_worked_examples) {
    static const char usage[] = "\"input_tokens\":50,\"cache_creation_input_tokens\":2000,"
                                "\"cache_read_input_tokens\":8000,\"output_tokens\":300,"
                                "\"output_tokens_details\":{\"thinking_tokens\":120}";
    read_usage("claude-opus-5-5", usage);
    ck_assert_int_eq(price_of(NULL), 17800 * 1000000ll);
    ck_assert_int_eq(price_of("batch+us"), 9790 * 1000000ll);
    ck_assert_int_eq(price_of("fast"), 2 * 17800 * 1000000ll);
    ck_assert_int_eq(price_of("batch+elsewhere"), -1);
    // Beyond 100,000 input tokens, cached ones counted in, the whole request costs more.
    read_usage("claude-haiku-5-5",
               "\"input_tokens\":20000,\"cache_read_input_tokens\":90000,\"output_tokens\":10");
    ck_assert_int_eq(price_of(NULL), 20000 * 500000ll + 90000 * 50000ll + 10 * 2500000ll);
    read_usage("claude-haiku-5-5",
               "\"input_tokens\":10000,\"cache_read_input_tokens\":90000,\"output_tokens\":10");
    ck_assert_int_eq(price_of(NULL), 10000 * 100000ll + 90000 * 10000ll + 10 * 500000ll);
    // An hour in the cache costs twice the input, and a search a cent, in no tier less.
    read_usage("claude-sonnet-4-6",
               "\"input_tokens\":0,\"output_tokens\":0,\"cache_creation_input_tokens\":100,"
               "\"cache_creation\":{\"ephemeral_1h_input_tokens\":100},"
               "\"server_tool_use\":{\"web_search_requests\":2}");
    ck_assert_int_eq(price_of(NULL), 100 * 6000000ll + 2 * PUSD_PER_USD / 100);
    ck_assert_int_eq(price_of("batch"), 50 * 6000000ll + 2 * PUSD_PER_USD / 100);
    // No price for what is not known, and never 0.
    read_usage("claude-unheard-of", usage);
    ck_assert_int_eq(price_of(NULL), -1);
    read_usage(
        "claude-3-haiku-20240307",
        "\"input_tokens\":1,\"output_tokens\":1,\"server_tool_use\":{\"web_search_requests\":1}");
    ck_assert_int_eq(price_of(NULL), -1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("anthropic");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_set_timeout(all, 30);
    tcase_add_test(all, every_identifier_is_found_under_its_kind_and_place);
    tcase_add_test(all, the_message_goes_back_as_it_came_and_the_metadata_has_no_content);
    tcase_add_test(all, counters_are_disjoint_and_the_tier_names_all_that_the_price_depends_on);
    tcase_add_test(all, cache_writes_are_split_as_far_as_they_are_stated);
    tcase_add_test(all, each_finish_has_one_neutral_name);
    tcase_add_test(all, what_is_no_answer_is_refused);
    tcase_add_test(all, errors_give_what_they_hold);
    tcase_add_test(all, a_refusal_without_any_output_costs_nothing);
    tcase_add_test(all, an_answer_says_that_other_passes_are_in_its_counters);
    tcase_add_test(all, prices_are_those_of_the_worked_examples);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
