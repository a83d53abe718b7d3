// What the simulator answers and bills when nothing goes wrong.
#include "tests/provider-sim/test_suites.h"

#include "tests/provider-sim/test_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void assert_begins(const char *text, const char *begin, size_t size) {
    ck_assert_msg(text != NULL, "nothing that begins with %s", begin);
    ck_assert_msg(strncmp(text, begin, strlen(begin)) == 0, "%s", text);
    ck_assert_uint_eq(strlen(text), size);
}

static void assert_header(const struct got *got, const char *name, const char *begin, size_t size) {
    char *value = got_header(got, name);
    assert_begins(value, begin, size);
    memory_free(value);
}

// A double with other shapes than the API's lets an extractor pass that fails on the first real
// answer.
START_TEST(an_answer_has_the_shape_of_the_api) {
    struct sim sim;
    struct got got;
    sim_start(&sim, "");
    ask_said(&sim, "call-1", "gpt-4.1-mini", "hello", &got);
    ck_assert_int_eq(got.status, 200);
    json_t *answer = got_json(&got);
    assert_begins(text_at(answer, "id"), "chatcmpl-", 38);
    ck_assert_str_eq(text_at(answer, "object"), "chat.completion");
    ck_assert_str_eq(text_at(answer, "model"), "gpt-4.1-mini-2025-04-14");
    ck_assert_str_eq(text_at(answer, "service_tier"), "default");
    assert_begins(text_at(answer, "system_fingerprint"), "fp_", 13);
    ck_assert_int_gt(number_at(answer, "created"), 1700000000);
    ck_assert_uint_eq(json_array_size(at(answer, "choices")), 1);
    ck_assert_int_eq(number_at(answer, "choices.0.index"), 0);
    ck_assert_str_eq(text_at(answer, "choices.0.message.role"), "assistant");
    ck_assert_str_eq(text_at(answer, "choices.0.finish_reason"), "stop");
    ck_assert(json_is_null(at(answer, "choices.0.logprobs")));
    ck_assert(json_is_null(at(answer, "choices.0.message.refusal")));
    ck_assert(json_is_array(at(answer, "choices.0.message.annotations")));
    ck_assert_int_eq(number_at(answer, "usage.total_tokens"),
                     number_at(answer, "usage.prompt_tokens") +
                         number_at(answer, "usage.completion_tokens"));
    ck_assert_int_eq(number_at(answer, "usage.prompt_tokens"), 3 + 4 + 2);
    ck_assert_int_eq(number_at(answer, "usage.prompt_tokens_details.cached_tokens"), 0);
    ck_assert_int_eq(number_at(answer, "usage.prompt_tokens_details.audio_tokens"), 0);
    const char *const zeros[] = {"reasoning_tokens", "audio_tokens", "accepted_prediction_tokens",
                                 "rejected_prediction_tokens"};
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(number_at(at(answer, "usage.completion_tokens_details"), zeros[i]), 0);
    assert_header(&got, "x-request-id", "req_", 36);
    assert_header(&got, "content-type", "application/json", 16);
    assert_header(&got, "openai-version", "2020-10-01", 10);
    assert_header(&got, "date", "", 29);
    const char *const headers[] = {"openai-organization",
                                   "openai-processing-ms",
                                   "cf-ray",
                                   "x-ratelimit-limit-requests",
                                   "x-ratelimit-limit-tokens",
                                   "x-ratelimit-remaining-requests",
                                   "x-ratelimit-remaining-tokens",
                                   "x-ratelimit-reset-requests",
                                   "x-ratelimit-reset-tokens"};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        char *value = got_header(&got, headers[i]);
        ck_assert_msg(value != NULL && value[0] != '\0', "%s is missing", headers[i]);
        memory_free(value);
    }
    json_decref(answer);
    got_release(&got);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// Without it a test could not tell a turn with its history from one whose history was lost or
// came in another order.
START_TEST(an_answer_says_which_turn_it_is_and_what_it_heard) {
    static const char body[] =
        "{\"model\":\"gpt-4.1\",\"messages\":["
        "{\"role\":\"system\",\"content\":\"be brief\"},"
        "{\"content\":\"one\",\"role\":\"user\"},"
        "{\"role\":\"assistant\",\"content\":\"caf\\u00e9 \\ud83d\\ude42 \\\"x\\\"\\n\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"t\"},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:\"}},"
        "{\"text\":\"wo\",\"type\":\"text\"}]}]}";
    static const char before[] = "system\0be brief\0user\0one\0assistant\0caf\xc3\xa9 "
                                 "\xf0\x9f\x99\x82 \"x\"\n";
    char said_hex[13], before_hex[13], begin[160];
    struct sim sim;
    struct got got;
    hex_of(span_of("two"), said_hex);
    hex_of((struct span){before, sizeof(before)}, before_hex);
    snprintf(begin, sizeof(begin),
             "turn 2 of this conversation, 4 messages; you said %s; before that %s.", said_hex,
             before_hex);
    sim_start(&sim, "");
    ask(&sim, "c", body, &got);
    json_t *answer = got_json(&got);
    const char *said = text_at(answer, "choices.0.message.content");
    ck_assert_msg(strncmp(said, begin, strlen(begin)) == 0, "%s\n%s", said, begin);
    json_decref(answer);
    got_release(&got);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// What the public price list says, in pico-USD a token, kept apart from the simulator's table.
static const struct {
    const char *model, *served;
    int64_t input, cached, output;
} listed[] = {
    {"gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", 400000, 100000, 1600000},
    {"gpt-4o-mini", "gpt-4o-mini-2024-07-18", 150000, 75000, 600000},
    {"gpt-5-nano", "gpt-5-nano-2025-08-07", 50000, 5000, 400000},
    {"gpt-5-mini", "gpt-5-mini-2025-08-07", 250000, 25000, 2000000},
    {"gpt-4.1", "gpt-4.1-2025-04-14", 2000000, 500000, 8000000},
    {"gpt-5.4-nano", "gpt-5.4-nano-2026-03-17", 200000, 20000, 1250000},
};
enum { LISTED = sizeof(listed) / sizeof(listed[0]) };

static void assert_billed(json_t *line, json_t *answer, size_t model, const char *call) {
    int64_t input = number_at(answer, "usage.prompt_tokens");
    int64_t cached = number_at(answer, "usage.prompt_tokens_details.cached_tokens");
    int64_t output = number_at(answer, "usage.completion_tokens");
    int64_t reasoning = number_at(answer, "usage.completion_tokens_details.reasoning_tokens");
    ck_assert_str_eq(text_at(line, "call"), call);
    ck_assert_str_eq(text_at(line, "response_id"), text_at(answer, "id"));
    ck_assert_str_eq(text_at(line, "model"), listed[model].served);
    ck_assert_str_eq(text_at(line, "model_requested"), listed[model].model);
    ck_assert_str_eq(text_at(answer, "model"), listed[model].served);
    ck_assert_int_eq(number_at(line, "input_tokens"), input);
    ck_assert_int_eq(number_at(line, "cached_tokens"), cached);
    ck_assert_int_eq(number_at(line, "output_tokens"), output);
    ck_assert_int_eq(number_at(line, "reasoning_tokens"), reasoning);
    ck_assert_int_le(cached, input);
    ck_assert_int_le(reasoning, output);
    ck_assert_int_eq(number_at(line, "pusd"), (input - cached) * listed[model].input +
                                                  cached * listed[model].cached +
                                                  output * listed[model].output);
    ck_assert(json_is_true(at(line, "billed")));
    ck_assert(json_is_true(at(line, "delivered")));
    ck_assert_str_eq(text_at(line, "fault"), "");
    ck_assert_int_eq(number_at(line, "status"), 200);
    ck_assert_int_eq(number_at(line, "messages"), 1);
}

// A bill that differs from the answers would accuse a ledger that is right.
START_TEST(the_bill_equals_the_answers) {
    enum { REQUESTS = 240 };
    struct sim sim;
    json_t *answers[REQUESTS];
    char call[32], said[1024];
    int64_t cached = 0, reasoning = 0;
    sim_start(&sim, "--reasoning --cached=32 --seed 7");
    int fd = client_open(&sim);
    for (int i = 0; i < REQUESTS; i++) {
        struct got got;
        struct text body = {0};
        snprintf(call, sizeof(call), "call-%d", i);
        snprintf(
            said, sizeof(said), "%d %.*s", i, i * 3,
            "wordy wordy wordy wordy wordy wordy "
            "wordy wordy wordy wordy wordy wordy wordy wordy wordy wordy wordy wordy wordy wordy "
            "wordy wordy wordy wordy wordy wordy wordy wordy wordy wordy wordy wordy wordy wordy");
        text_add(&body, "{\"messages\":[{\"role\":\"user\",\"content\":\"");
        text_add(&body, said);
        text_add(&body, "\"}],\"model\":\"");
        text_add(&body, listed[i % LISTED].model);
        text_put(&body, "\"}", 3);
        client_ask(fd, call, body.at);
        client_read(fd, 0, &got);
        ck_assert_int_eq(got.status, 200);
        answers[i] = got_json(&got);
        got_release(&got);
        text_release(&body);
    }
    close(fd);
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    ck_assert_uint_eq(json_array_size(bill), REQUESTS);
    for (int i = 0; i < REQUESTS; i++) {
        json_t *line = json_array_get(bill, (size_t)i);
        snprintf(call, sizeof(call), "call-%d", i);
        assert_billed(line, answers[i], (size_t)i % LISTED, call);
        ck_assert_int_eq(number_at(line, "n"), i + 1);
        cached += number_at(line, "cached_tokens");
        reasoning += number_at(line, "reasoning_tokens");
        json_decref(answers[i]);
    }
    ck_assert_int_gt(cached, 0);
    ck_assert_int_gt(reasoning, 0);
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

// An unknown model that is billed at 0 would let an unpriced call pass as free.
START_TEST(a_model_without_a_price_is_billed_without_an_amount) {
    struct sim sim;
    struct got got;
    sim_start(&sim, "");
    ask_said(&sim, "a", "my-own-model", "hello", &got);
    ck_assert_int_eq(got.status, 200);
    got_release(&got);
    ask_said(&sim, "b", "gpt-4.1-mini", "hello @sim:unknown_model", &got);
    json_t *answer = got_json(&got);
    ck_assert_str_eq(text_at(answer, "model"), "gpt-unpriced-2026-01-01");
    got_release(&got);
    json_decref(answer);
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    ck_assert_str_eq(text_at(bill, "0.model"), "my-own-model");
    for (size_t i = 0; i < 2; i++) {
        ck_assert(json_is_null(at(json_array_get(bill, i), "pusd")));
        ck_assert_int_gt(number_at(json_array_get(bill, i), "output_tokens"), 0);
    }
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

// Tool calls have no text and ids of their own: an extractor must meet them.
START_TEST(tools_are_called_and_a_tools_result_is_answered) {
    static const char tools[] =
        "\"tools\":[{\"type\":\"function\",\"function\":{\"parameters\":{},\"name\":\"look\"}}]";
    static const struct {
        const char *more, *message, *finish;
    } cases[] = {
        {"", "{\"role\":\"user\",\"content\":\"x\"}", "tool_calls"},
        {",\"tool_choice\":\"none\"", "{\"role\":\"user\",\"content\":\"x\"}", "stop"},
        {"", "{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"7\"}", "stop"},
    };
    struct sim sim;
    sim_start(&sim, "");
    for (size_t i = 0; i < 3; i++) {
        struct got got;
        char body[512];
        snprintf(body, sizeof(body), "{\"model\":\"gpt-4o\",%s%s,\"messages\":[%s]}", tools,
                 cases[i].more, cases[i].message);
        ask(&sim, "c", body, &got);
        json_t *answer = got_json(&got);
        ck_assert_str_eq(text_at(answer, "choices.0.finish_reason"), cases[i].finish);
        if (i == 0) {
            json_t *call = at(answer, "choices.0.message.tool_calls.0");
            assert_begins(text_at(call, "id"), "call_", 29);
            ck_assert_str_eq(text_at(call, "type"), "function");
            ck_assert_str_eq(text_at(call, "function.name"), "look");
            ck_assert_ptr_nonnull(strstr(text_at(call, "function.arguments"), "\"turn\":1"));
            ck_assert(json_is_null(at(answer, "choices.0.message.content")));
        }
        json_decref(answer);
        got_release(&got);
    }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// Every choice is billed, and no answer may be longer than it was asked to be.
START_TEST(limits_and_choices_are_kept_and_counted) {
    struct sim sim;
    struct got got;
    sim_start(&sim, "--reasoning");
    ask(&sim, "c",
        "{\"model\":\"gpt-4o\",\"max_tokens\":5,\"n\":3,"
        "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
        &got);
    json_t *answer = got_json(&got);
    ck_assert_uint_eq(json_array_size(at(answer, "choices")), 3);
    ck_assert_int_eq(number_at(answer, "choices.2.index"), 2);
    ck_assert_str_eq(text_at(answer, "choices.0.finish_reason"), "length");
    ck_assert_uint_eq(strlen(text_at(answer, "choices.0.message.content")), 20);
    ck_assert_int_eq(number_at(answer, "usage.completion_tokens"), 15);
    json_decref(answer);
    got_release(&got);
    ask_said(&sim, "c", "gpt-4o", "@sim:length", &got);
    answer = got_json(&got);
    ck_assert_str_eq(text_at(answer, "choices.0.finish_reason"), "length");
    json_decref(answer);
    got_release(&got);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// Flex is sold at half the price; a bill that ignores the tier would differ from a right ledger.
START_TEST(flex_costs_half_where_there_is_flex) {
    struct sim sim;
    struct got got;
    sim_start(&sim, "");
    ask(&sim, "c",
        "{\"model\":\"gpt-5-mini\",\"service_tier\":\"flex\","
        "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}",
        &got);
    json_t *answer = got_json(&got);
    ck_assert_str_eq(text_at(answer, "service_tier"), "flex");
    got_release(&got);
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    ck_assert_int_eq(number_at(bill, "0.pusd"),
                     number_at(answer, "usage.prompt_tokens") * 125000 +
                         number_at(answer, "usage.completion_tokens") * 1000000);
    json_decref(answer);
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

// A restart that began a new bill would hide what was billed before the crash.
START_TEST(a_bill_is_continued_after_a_crash) {
    struct sim sim;
    struct got got;
    sim_start(&sim, "");
    ask_said(&sim, "a", "gpt-4o", "one", &got);
    got_release(&got);
    sim_kill(&sim);
    FILE *file = fopen(sim.bill, "ae");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs("{}", file), 0); // as a line that was torn
    ck_assert_int_eq(fclose(file), 0);
    sim_restart(&sim, "");
    ask_said(&sim, "b", "gpt-4o", "two", &got);
    got_release(&got);
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    ck_assert_uint_eq(json_array_size(bill), 3);
    ck_assert_str_eq(text_at(bill, "0.call"), "a");
    ck_assert_str_eq(text_at(bill, "2.call"), "b");
    ck_assert_int_gt(number_at(bill, "2.n"), number_at(bill, "0.n"));
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

// Scripts wait for the port file and read it once: half a number would send them elsewhere.
START_TEST(the_port_file_names_the_port) {
    struct sim sim;
    char path[96], line[16] = {0};
    sim_start(&sim, "");
    snprintf(path, sizeof(path), "%s/port", sim.folder);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
    (void)fclose(file);
    ck_assert_uint_eq(strtoul(line, NULL, 10), sim.port);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// A mistyped option that is ignored would make a test prove less than it says.
START_TEST(mistakes_on_the_command_line_are_refused) {
    static const char *const wrong[] = {"--port 70000",
                                        "--port x",
                                        "--error-rate 101%",
                                        "--error-rate -1",
                                        "--seed 1x",
                                        "--nothing",
                                        "--error-rate 60% --429-rate 0.5",
                                        "more",
                                        "--cut-rate 5x"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct text output = {0};
        ck_assert_msg(run_program(PROVIDER_SIM, wrong[i], &output) == 64, "%s: %s", wrong[i],
                      output.at);
        text_release(&output);
    }
    struct text output = {0};
    ck_assert_int_eq(run_program(PROVIDER_SIM, "--help", &output), 0);
    ck_assert_ptr_nonnull(strstr(output.at, "--late-close-rate"));
    ck_assert_ptr_nonnull(strstr(output.at, "malformed_truncated"));
    text_release(&output);
}
END_TEST

void add_answers(Suite *suite) {
    TCase *tests = tcase_create("answers");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, an_answer_has_the_shape_of_the_api);
    tcase_add_test(tests, an_answer_says_which_turn_it_is_and_what_it_heard);
    tcase_add_test(tests, the_bill_equals_the_answers);
    tcase_add_test(tests, a_model_without_a_price_is_billed_without_an_amount);
    tcase_add_test(tests, tools_are_called_and_a_tools_result_is_answered);
    tcase_add_test(tests, limits_and_choices_are_kept_and_counted);
    tcase_add_test(tests, flex_costs_half_where_there_is_flex);
    tcase_add_test(tests, a_bill_is_continued_after_a_crash);
    tcase_add_test(tests, the_port_file_names_the_port);
    tcase_add_test(tests, mistakes_on_the_command_line_are_refused);
    suite_add_tcase(suite, tests);
}
