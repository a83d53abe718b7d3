// What the simulator answers and bills in the words of each API.
#include "tests/provider-sim/test_suites.h"

#include "tests/provider-sim/test_speak.h"

#include <stdio.h>
#include <string.h>

static void assert_same(const struct spoken *api, const struct text *a, const struct text *b) {
    bool is_same = a->size == b->size && (a->size == 0 || memcmp(a->at, b->at, a->size) == 0);
    ck_assert_msg(is_same, "%s: %.*s / %.*s", api->name, (int)a->size, a->at, (int)b->size, b->at);
}

static json_t *last_line(const struct sim *sim, json_t **bill) {
    *bill = sim_bill(sim);
    return json_array_get(*bill, json_array_size(*bill) - 1);
}

// Twice the price where and when there is a peak.
static int64_t price_of(const struct spoken *api, const struct told *told, json_t *line) {
    int64_t pusd = (told->input - told->cached - told->written + told->tool_use) * api->input +
                   told->cached * api->cached + told->written * (api->input / 4 * 5) +
                   told->output * api->output;
    return strcmp(text_at(line, "tier"), "peak") == 0 ? pusd * 2 : pusd;
}

// The line of the bill for what was told.
static void assert_billed(const struct sim *sim, const struct spoken *api, const struct got *got,
                          const struct told *told) {
    json_t *bill, *line = last_line(sim, &bill);
    char *request_id = api->request_header ? got_header(got, api->request_header) : NULL;
    ck_assert_str_eq(text_at(line, "request_id"), request_id ? request_id : "");
    ck_assert_str_eq(text_at(line, "response_id"), told->id);
    ck_assert_str_eq(text_at(line, "model"), api->served);
    ck_assert_str_eq(text_at(line, "model_requested"), api->model);
    ck_assert_int_eq(number_at(line, "input_tokens"), told->input);
    ck_assert_int_eq(number_at(line, "cached_tokens"), told->cached);
    ck_assert_int_eq(number_at(line, "output_tokens"), told->output);
    ck_assert_int_eq(number_at(line, "reasoning_tokens"), told->reasoning);
    ck_assert_int_eq(number_at(line, "tool_use_tokens"), told->tool_use);
    ck_assert(json_is_true(at(line, "delivered")));
    if (api->input == 0)
        ck_assert(json_is_null(at(line, "pusd")));
    else
        ck_assert_int_eq(number_at(line, "pusd"), price_of(api, told, line));
    memory_free(request_id);
    json_decref(bill);
}

static void assert_told(const struct sim *sim, const struct spoken *api, const struct got *got,
                        const struct told *told) {
    ck_assert_msg(got->status == 200 && got->is_whole, "%s: %d", api->name, got->status);
    ck_assert_msg(told->is_complete && told->has_usage, "%s", api->name);
    ck_assert_msg(strncmp(told->id, api->id_begins, strlen(api->id_begins)) == 0 && told->id[0],
                  "%s: %s", api->name, told->id);
    ck_assert_msg(strcmp(told->model, api->served) == 0, "%s: %s", api->name, told->model);
    assert_billed(sim, api, got, told);
}

// Asks a simulator that was not asked before.
static void tell(const struct spoken *api, const char *options, bool is_stream, const char *said,
                 const char *more, struct told *told) {
    struct sim sim;
    struct got got;
    sim_start(&sim, options);
    say_to(&sim, api, is_stream, said, more, &got);
    json_t *answer = is_stream ? NULL : got_json(&got);
    if (is_stream)
        told_stream(api, &got.body, told);
    else
        told_whole(api, answer, told);
    assert_told(&sim, api, &got, told);
    json_decref(answer);
    got_release(&got);
    sim_stop(&sim);
    sim_end(&sim);
}

// Asks it whole and as a stream; both must say the same.
static void tell_twice(const struct spoken *api, const char *options, const char *said,
                       const char *more, struct told *told) {
    struct told stream;
    tell(api, options, false, said, more, told);
    tell(api, options, true, said, more, &stream);
    assert_same(api, &told->said, &stream.said);
    assert_same(api, &told->thought, &stream.thought);
    assert_same(api, &told->calls, &stream.calls);
    ck_assert_str_eq(told->finish, stream.finish);
    ck_assert_int_eq(told->input, stream.input);
    ck_assert_int_eq(told->cached, stream.cached);
    ck_assert_int_eq(told->output, stream.output);
    ck_assert_int_eq(told->reasoning, stream.reasoning);
    told_release(&stream);
}

// An extractor that reads one API's words as another's bills too much or too little, silently. A
// stream must say what the whole answer says, or its reader is tested with something else.
START_TEST(each_api_says_the_same_whole_and_as_a_stream) {
    int64_t thought = 0, cached = 0;
    for (int seed = 1; seed < 6; seed++) {
        char options[160], said[128];
        snprintf(options, sizeof(options),
                 "--bill %%b --reasoning --cached=16 --comment-rate 30%% --crlf-rate 50%% "
                 "--seed %d",
                 seed);
        snprintf(said, sizeof(said),
                 "hello to you, number %d: may all of this be long enough to be cached", seed);
        for (size_t i = 0; i < SPOKEN; i++) {
            struct told told;
            tell_twice(&spoken[i], options, said, "", &told);
            ck_assert_ptr_nonnull(memmem(told.said.at, told.said.size, "turn 1 of", 9));
            // OpenAI's chat keeps it to itself.
            bool is_hidden = spoken[i].form == FORM_CHAT && spoken[i].input == 250000 &&
                             strcmp(spoken[i].name, "openrouter") != 0;
            ck_assert_int_eq(told.thought.size > 0, told.reasoning > 0 && !is_hidden);
            thought += told.reasoning, cached += told.cached;
            told_release(&told);
        }
    }
    ck_assert(thought > 0 && cached > 0);
}
END_TEST

static const char *const tools[] = {
    [FORM_CHAT] = "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"look\"}},"
                  "{\"type\":\"function\",\"function\":{\"name\":\"find\"}}],",
    [FORM_RESPONSES] = "\"tools\":[{\"type\":\"function\",\"name\":\"look\"},"
                       "{\"type\":\"function\",\"name\":\"find\"}],",
    [FORM_MESSAGES] = "\"tools\":[{\"name\":\"look\"},{\"name\":\"find\"}],",
    [FORM_GENERATE] = "\"tools\":[{\"functionDeclarations\":[{\"name\":\"look\"},"
                      "{\"name\":\"find\"}]}],",
    [FORM_INTERACTIONS] = "\"tools\":[{\"type\":\"function\",\"name\":\"look\"},"
                          "{\"type\":\"function\",\"name\":\"find\"}],",
};

// One call or two in one answer; a text where no call is wanted.
START_TEST(calls_of_tools_are_the_same_whole_and_as_a_stream) {
    static const char *const finish[] = {"tool_calls", "completed", "tool_use", "STOP",
                                         "requires_action"};
    static const char *const saids[] = {"@sim:tools", "what now?", "@sim:text"};
    for (size_t i = 0; i < SPOKEN; i++)
        for (int k = 0; k < 3; k++) {
            struct told told;
            char hex[13], want[256] = "";
            hex_of(span_of(saids[k]), hex);
            if (k < 2)
                snprintf(want, sizeof(want), "look({\"turn\":1,\"you_said\":\"%s\"})", hex);
            if (k == 0)
                snprintf(want + strlen(want), sizeof(want) - strlen(want),
                         "find({\"turn\":1,\"you_said\":\"%s\"})", hex);
            tell_twice(&spoken[i], "--bill %b --reasoning", saids[k], tools[spoken[i].form], &told);
            ck_assert_msg(span_is(text_view(&told.calls), want), "%s: %.*s", spoken[i].name,
                          (int)told.calls.size, told.calls.at);
            ck_assert_int_eq(told.said.size > 0, k == 2);
            if (k < 2)
                ck_assert_str_eq(told.finish, finish[spoken[i].form]);
            told_release(&told);
        }
}
END_TEST

// Each way to end has a word of its own in each API.
START_TEST(answers_that_are_cut_or_refused_say_so) {
    static const struct {
        const char *api, *cut, *refused;
    } cases[] = {
        {"openai", "length", "stop"},
        {"azure", "length", "content_filter"},
        {"openrouter", "length", "content_filter"},
        {"deepseek", "length", "content_filter"},
        {"mistral", "length", "content_filter"},
        {"groq", "length", "content_filter"},
        {"responses", "incomplete", "completed"},
        {"messages", "max_tokens", "refusal"},
        {"generate", "MAX_TOKENS", "SAFETY"},
        {"interactions", "incomplete", "failed"},
    };
    struct sim sim;
    sim_start(&sim, "--bill %b");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct spoken *api = spoken_named(cases[i].api);
        for (int k = 0; k < 4; k++) {
            struct got got;
            struct told told;
            bool is_stream = k % 2 == 1;
            say_to(&sim, api, is_stream, k < 2 ? "@sim:length" : "@sim:refusal", "", &got);
            json_t *answer = is_stream ? NULL : got_json(&got);
            if (is_stream)
                told_stream(api, &got.body, &told);
            else
                told_whole(api, answer, &told);
            ck_assert_msg(strcmp(told.finish, k < 2 ? cases[i].cut : cases[i].refused) == 0,
                          "%s: %s", api->name, told.finish);
            ck_assert_uint_gt(told.said.size, 0);
            json_decref(answer);
            got_release(&got);
            told_release(&told);
        }
    }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// What stands beside the counters decides about money in these.
START_TEST(what_is_peculiar_to_an_api_is_there) {
    static const struct {
        const char *api, *path;
    } cases[] = {
        {"azure", "choices.0.content_filter_results.hate.severity"},
        {"azure", "prompt_filter_results.0.content_filter_results.jailbreak.detected"},
        {"openrouter", "usage.cost"},
        {"openrouter", "provider"},
        {"openrouter", "choices.0.native_finish_reason"},
        {"openrouter", "choices.0.message.reasoning_details.0.signature"},
        {"deepseek", "usage.prompt_cache_hit_tokens"},
        {"deepseek", "usage.prompt_cache_miss_tokens"},
        {"deepseek", "choices.0.message.reasoning_content"},
        {"xai", "usage.cost_in_usd_ticks"},
        {"xai", "choices.0.message.reasoning_content"},
        {"xai responses", "usage.cost_in_usd_ticks"},
        {"xai responses", "metadata.system_fingerprint"},
        {"mistral", "choices.0.message.content.0.thinking.0.text"},
        {"groq", "x_groq.id"},
        {"groq", "usage.queue_time"},
        {"groq", "choices.0.message.reasoning"},
        {"together", "choices.0.seed"},
        {"together", "choices.0.message.reasoning"},
        {"together", "usage.cached_tokens"},
        {"ollama", "system_fingerprint"},
        {"compatible", "timings.cache_n"},
        {"responses", "output.0.encrypted_content"},
        {"responses", "tool_usage.web_search.num_requests"},
        {"responses", "billing.payer"},
        {"azure responses", "content_filters.0.source_type"},
        {"messages", "usage.output_tokens_details.thinking_tokens"},
        {"messages", "content.0.signature"},
        {"generate", "candidates.0.content.parts.1.thoughtSignature"},
        {"generate", "usageMetadata.serviceTier"},
        {"interactions", "usage.raw_prompt_token"},
        {"interactions", "steps.0.signature"},
    };
    struct sim sim;
    sim_start(&sim, "--bill %b --reasoning --seed 3");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct spoken *api = spoken_named(cases[i].api);
        struct got got;
        struct told told = {0};
        // Asked again until the dice have it reason.
        json_t *answer = NULL;
        do {
            json_decref(answer);
            told_release(&told);
            say_to(&sim, api, false, "hello", "", &got);
            answer = got_json(&got);
            told_whole(api, answer, &told);
            got_release(&got);
        } while (told.reasoning == 0 && api->input > 0);
        (void)at(answer, cases[i].path);
        json_t *bill, *line = last_line(&sim, &bill);
        if (strcmp(api->name, "openrouter") == 0)
            ck_assert_double_eq_tol(json_real_value(at(answer, "usage.cost")) * 1e12,
                                    (double)number_at(line, "pusd"), 0.5);
        if (strncmp(api->name, "xai", 3) == 0)
            ck_assert_int_eq(number_at(answer, "usage.cost_in_usd_ticks") * 100,
                             number_at(line, "pusd"));
        json_decref(bill);
        json_decref(answer);
        told_release(&told);
    }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// Fees of searches stand beside the tokens; some APIs count what was found, too.
START_TEST(searches_are_billed) {
    static const struct {
        const char *api, *tools;
        int64_t fee;
    } cases[] = {
        {"responses", "\"tools\":[{\"type\":\"web_search\"}],", 10000000000},
        {"xai responses", "\"tools\":[{\"type\":\"x_search\"}],", 5000000000},
        {"generate", "\"tools\":[{\"googleSearch\":{}}],", 35000000000},
        {"interactions", "\"tools\":[{\"type\":\"google_search\"}],", 35000000000},
        {"messages", "\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}],",
         10000000000},
    };
    struct sim sim;
    sim_start(&sim, "--bill %b");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct spoken *api = spoken_named(cases[i].api);
        struct got got;
        struct told told;
        say_to(&sim, api, false, "look for it", cases[i].tools, &got);
        json_t *answer = got_json(&got);
        told_whole(api, answer, &told);
        json_t *bill, *line = last_line(&sim, &bill);
        ck_assert_int_eq(number_at(line, "web_searches"), 1);
        ck_assert_int_eq(number_at(line, "pusd"), price_of(api, &told, line) + cases[i].fee);
        ck_assert_int_eq(told.tool_use > 0,
                         api->form == FORM_GENERATE || api->form == FORM_INTERACTIONS);
        json_decref(bill);
        json_decref(answer);
        told_release(&told);
        got_release(&got);
    }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// A text that was asked for as JSON and is none would teach a reader that all of it is broken.
START_TEST(text_has_the_form_of_its_schema) {
    static const char schema[] = "{\"type\":\"object\",\"properties\":{\"said\":{\"type\":"
                                 "\"string\"},\"count\":{\"type\":\"integer\"}}}";
    static const struct {
        const char *api, *begin, *end;
    } cases[] = {
        {"openai",
         "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":", "}},"},
        {"responses",
         "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"x\",\"schema\":", "}},"},
        {"messages", "\"output_format\":{\"type\":\"json_schema\",\"schema\":", "},"},
        {"interactions", "\"response_format\":", ","},
    };
    struct sim sim;
    sim_start(&sim, "--bill %b");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct spoken *api = spoken_named(cases[i].api);
        struct got got;
        struct told told;
        char more[512];
        json_error_t error;
        snprintf(more, sizeof(more), "%s%s%s", cases[i].begin, schema, cases[i].end);
        say_to(&sim, api, true, "in JSON, please", more, &got);
        told_stream(api, &got.body, &told);
        json_t *said = json_loadb(told.said.at, told.said.size, 0, &error);
        ck_assert_msg(said != NULL, "%s: %.*s", api->name, (int)told.said.size, told.said.at);
        ck_assert_int_eq(number_at(said, "count"), 7);
        ck_assert_int_eq(strncmp(text_at(said, "said"), "turn 1", 6), 0);
        json_decref(said);
        told_release(&told);
        got_release(&got);
    }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

void add_apis(Suite *suite) {
    TCase *tests = tcase_create("apis");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, each_api_says_the_same_whole_and_as_a_stream);
    tcase_add_test(tests, calls_of_tools_are_the_same_whole_and_as_a_stream);
    tcase_add_test(tests, answers_that_are_cut_or_refused_say_so);
    tcase_add_test(tests, what_is_peculiar_to_an_api_is_there);
    tcase_add_test(tests, searches_are_billed);
    tcase_add_test(tests, text_has_the_form_of_its_schema);
    suite_add_tcase(suite, tests);
}
