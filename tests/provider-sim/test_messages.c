// What the simulator answers and bills as Anthropic's Messages API.
#include "tests/provider-sim/test_suites.h"

#include "tests/provider-sim/test_world.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GOOD  "x-api-key: k\r\nanthropic-version: 2023-06-01\r\n"
#define TRACE "00-0123456789abcdef0123456789abcdef-00000000000000a1-01"
#define BODY(model, more)                                \
    "{\"model\":\"" model "\",\"max_tokens\":2000," more \
    "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hello\"}]}]}"

static void ask_with(const struct sim *sim, const char *headers, const char *body,
                     struct got *got) {
    struct text request = {0};
    int fd = client_open(sim);
    text_add(&request, "POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    text_add(&request, headers);
    text_add(&request, "traceparent: " TRACE "\r\nContent-Length: ");
    text_number(&request, strlen(body));
    text_add(&request, "\r\n\r\n");
    text_add(&request, body);
    client_send(fd, text_view(&request));
    client_read(fd, 0, got);
    text_release(&request);
    close(fd);
}

static void ask_messages(const struct sim *sim, const char *body, struct got *got) {
    ask_with(sim, GOOD, body, got);
}

static void assert_begins(const char *text, const char *begin, size_t size) {
    ck_assert_ptr_nonnull(text);
    ck_assert_msg(strncmp(text, begin, strlen(begin)) == 0, "%s", text);
    ck_assert_uint_eq(strlen(text), size);
}

// A double with other shapes than the API's lets an extractor pass that fails on the first real
// answer.
START_TEST(an_answer_has_the_shape_of_the_messages_api) {
    struct sim sim;
    struct got got;
    sim_start(&sim, "");
    ask_messages(&sim, BODY("claude-haiku-4-5", ""), &got);
    ck_assert_int_eq(got.status, 200);
    json_t *answer = got_json(&got);
    assert_begins(text_at(answer, "id"), "msg_01", 28);
    ck_assert_str_eq(text_at(answer, "type"), "message");
    ck_assert_str_eq(text_at(answer, "role"), "assistant");
    ck_assert_str_eq(text_at(answer, "model"), "claude-haiku-4-5-20251001");
    ck_assert_str_eq(text_at(answer, "content.0.type"), "text");
    ck_assert_str_eq(text_at(answer, "stop_reason"), "end_turn");
    ck_assert(json_is_null(at(answer, "stop_sequence")));
    ck_assert_int_eq(number_at(answer, "usage.input_tokens"), 3 + 4 + 2);
    ck_assert_int_eq(number_at(answer, "usage.cache_read_input_tokens"), 0);
    ck_assert_int_eq(number_at(answer, "usage.cache_creation_input_tokens"), 0);
    ck_assert_str_eq(text_at(answer, "usage.service_tier"), "standard");
    ck_assert_str_eq(text_at(answer, "usage.inference_geo"), "global");
    const char *const headers[] = {"request-id",
                                   "anthropic-organization-id",
                                   "anthropic-ratelimit-requests-limit",
                                   "anthropic-ratelimit-requests-remaining",
                                   "anthropic-ratelimit-requests-reset",
                                   "anthropic-ratelimit-input-tokens-remaining",
                                   "anthropic-ratelimit-output-tokens-reset",
                                   "anthropic-ratelimit-tokens-limit",
                                   "cf-ray"};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        char *value = got_header(&got, headers[i]);
        ck_assert_msg(value != NULL && value[0] != '\0', "%s is missing", headers[i]);
        memory_free(value);
    }
    char *other = got_header(&got, "x-request-id");
    ck_assert_ptr_null(other);
    json_decref(answer);
    got_release(&got);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// The counters exclude each other; the bill has the same ones and the money of each.
START_TEST(the_bill_has_what_the_answer_says) {
    struct sim sim;
    struct got got;
    int64_t written = 0, written_1h = 0, cached = 0, thought = 0;
    sim_start(&sim, "--bill %b --cached=1 --reasoning");
    for (int i = 0; i < 40; i++) {
        char body[512];
        (void)snprintf(body, sizeof(body),
                       BODY("claude-sonnet-4-6",
                            "\"x\":%d,\"thinking\":{\"type\":\"enabled\"},\"cache_control\":"
                            "{\"type\":\"ephemeral\",\"ttl\":\"1h\"},\"system\":"
                            "\"a system prompt of some length, so that there is what to write\","),
                       i);
        ask_messages(&sim, body, &got);
        ck_assert_int_eq(got.status, 200);
        json_t *answer = got_json(&got), *usage = at(answer, "usage"), *bill = sim_bill(&sim);
        json_t *line = json_array_get(bill, (size_t)i);
        int64_t fresh = number_at(usage, "input_tokens");
        int64_t read = number_at(usage, "cache_read_input_tokens");
        int64_t five = number_at(usage, "cache_creation.ephemeral_5m_input_tokens");
        int64_t hour = number_at(usage, "cache_creation.ephemeral_1h_input_tokens");
        int64_t out = number_at(usage, "output_tokens");
        ck_assert_int_eq(five + hour, number_at(usage, "cache_creation_input_tokens"));
        ck_assert_int_eq(fresh + read + five + hour, number_at(line, "input_tokens"));
        ck_assert_int_eq(read, number_at(line, "cached_tokens"));
        ck_assert_int_eq(five, number_at(line, "cache_write_tokens"));
        ck_assert_int_eq(hour, number_at(line, "cache_write_1h_tokens"));
        ck_assert_int_eq(number_at(line, "pusd"), fresh * 3000000 + read * 300000 + five * 3750000 +
                                                      hour * 6000000 + out * 15000000);
        ck_assert_str_eq(text_at(line, "call"), "00000000000000a1");
        ck_assert_str_eq(text_at(line, "response_id"), text_at(answer, "id"));
        written += five, written_1h += hour, cached += read;
        thought += number_at(line, "reasoning_tokens");
        if (number_at(line, "reasoning_tokens") > 0)
            ck_assert_str_eq(text_at(answer, "content.0.type"), "thinking");
        json_decref(answer);
        json_decref(bill);
        got_release(&got);
    }
    ck_assert(written > 0 && written_1h > 0 && cached > 0 && thought > 0);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

START_TEST(searches_and_a_country_cost_more) {
    struct sim sim;
    struct got got;
    sim_start(&sim, "--bill %b");
    ask_messages(&sim, BODY("claude-haiku-4-5", ""), &got);
    got_release(&got);
    ask_messages(&sim, BODY("claude-haiku-4-5", "\"inference_geo\":\"us\","), &got);
    got_release(&got);
    ask_messages(&sim,
                 BODY("claude-haiku-4-5", "\"tools\":[{\"type\":\"web_search_20250305\",\"name\":"
                                          "\"web_search\"}],"),
                 &got);
    json_t *answer = got_json(&got), *bill = sim_bill(&sim);
    ck_assert_int_eq(number_at(answer, "usage.server_tool_use.web_search_requests"), 1);
    for (size_t i = 0; i < 3; i++) {
        json_t *line = json_array_get(bill, i);
        int64_t tokens =
            number_at(line, "input_tokens") * 1000000 + number_at(line, "output_tokens") * 5000000;
        ck_assert_int_eq(number_at(line, "pusd"), i == 0   ? tokens
                                                  : i == 1 ? tokens / 10 * 11
                                                           : tokens + 10000000000);
        ck_assert_int_eq(number_at(line, "web_searches"), i == 2);
        ck_assert_str_eq(text_at(line, "tier"), i == 1 ? "us" : "default");
    }
    json_decref(answer);
    json_decref(bill);
    got_release(&got);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

START_TEST(a_tool_is_called_and_its_result_ends_it) {
    static const char tools[] = "\"tools\":[{\"name\":\"look\",\"input_schema\":{}}],";
    struct sim sim;
    struct got got;
    char body[1024];
    sim_start(&sim, "");
    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"claude-opus-5\",\"max_tokens\":100,%s\"messages\":["
                   "{\"role\":\"user\",\"content\":\"a\"}]}",
                   tools);
    ask_messages(&sim, body, &got);
    json_t *answer = got_json(&got);
    ck_assert_str_eq(text_at(answer, "stop_reason"), "tool_use");
    assert_begins(text_at(answer, "content.0.id"), "toolu_01", 30);
    ck_assert_str_eq(text_at(answer, "content.0.name"), "look");
    ck_assert(json_is_object(at(answer, "content.0.input")));
    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"claude-opus-5\",\"max_tokens\":100,%s\"messages\":["
                   "{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":["
                   "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"look\",\"input\":{}}]},"
                   "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
                   "\"t\",\"content\":\"rain\"}]}]}",
                   tools);
    json_decref(answer);
    got_release(&got);
    ask_messages(&sim, body, &got);
    answer = got_json(&got);
    ck_assert_str_eq(text_at(answer, "stop_reason"), "end_turn");
    json_decref(answer);
    got_release(&got);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// Each error in the API's own words; none of them is billed.
START_TEST(errors_are_those_of_the_messages_api) {
    static const struct {
        const char *headers, *body;
        int status;
        const char *type;
    } cases[] = {
        {"", BODY("claude-opus-5", ""), 401, "authentication_error"},
        {"Authorization: Bearer k\r\n", BODY("claude-opus-5", ""), 401, "authentication_error"},
        {"x-api-key: k\r\n", BODY("claude-opus-5", ""), 400, "invalid_request_error"},
        {GOOD, BODY("missing-model", ""), 404, "not_found_error"},
        {GOOD,
         "{\"model\":\"claude-opus-5\",\"messages\":[{\"role\":\"user\","
         "\"content\":\"a\"}]}",
         400, "invalid_request_error"},
        {GOOD,
         "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"system\","
         "\"content\":\"a\"}]}",
         400, "invalid_request_error"},
        {GOOD,
         "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\","
         "\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"}]}",
         400, "invalid_request_error"},
        {GOOD,
         "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\","
         "\"content\":\"@sim:http_503\"}]}",
         529, "overloaded_error"},
        {GOOD,
         "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\","
         "\"content\":\"@sim:http_429\"}]}",
         429, "rate_limit_error"},
        {GOOD,
         "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\","
         "\"content\":\"@sim:http_500\"}]}",
         500, "api_error"},
    };
    struct sim sim;
    struct got got;
    sim_start(&sim, "--bill %b");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask_with(&sim, cases[i].headers, cases[i].body, &got);
        ck_assert_msg(got.status == cases[i].status, "%s: %d", cases[i].body, got.status);
        json_t *answer = got_json(&got), *bill = sim_bill(&sim);
        json_t *line = json_array_get(bill, i);
        char *request_id = got_header(&got, "request-id");
        ck_assert_str_eq(text_at(answer, "type"), "error");
        ck_assert_str_eq(text_at(answer, "error.type"), cases[i].type);
        ck_assert_str_eq(text_at(answer, "request_id"), request_id);
        ck_assert_str_eq(text_at(line, "request_id"), request_id);
        ck_assert(json_is_false(at(line, "billed")));
        memory_free(request_id);
        json_decref(answer);
        json_decref(bill);
        got_release(&got);
    }
    file_write(sim.quota, "");
    sim_stop(&sim);
    sim_restart(&sim, "--quota-file %q");
    ask_messages(&sim, BODY("claude-opus-5", ""), &got);
    json_t *answer = got_json(&got);
    ck_assert_int_eq(got.status, 429);
    ck_assert_str_eq(text_at(answer, "error.details.error_code"), "enforced_spend_limit_reached");
    json_decref(answer);
    got_release(&got);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

void add_messages(Suite *suite) {
    TCase *tests = tcase_create("messages");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, an_answer_has_the_shape_of_the_messages_api);
    tcase_add_test(tests, the_bill_has_what_the_answer_says);
    tcase_add_test(tests, searches_and_a_country_cost_more);
    tcase_add_test(tests, a_tool_is_called_and_its_result_ends_it);
    tcase_add_test(tests, errors_are_those_of_the_messages_api);
    suite_add_tcase(suite, tests);
}
