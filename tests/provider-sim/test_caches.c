// What the simulator reads from its caches of prompts' beginnings, and what it writes to them.
#include "tests/provider-sim/test_suites.h"

#include "tests/provider-sim/test_speak.h"

#include <stdio.h>
#include <string.h>

static void add_words(struct text *out, size_t count) {
    for (size_t i = 0; i < count; i++)
        text_add(out, "abcdefgh ");
}

// Asks with a body in which every ~ stands for so many words.
static void ask_of(const struct sim *sim, const struct spoken *api, const char *template,
                   size_t words, struct told *told) {
    struct text body = {0};
    struct got got;
    for (const char *at = template; *at; at++)
        if (*at == '~')
            add_words(&body, words);
        else
            text_put(&body, *at == '\'' ? "\"" : at, 1);
    text_put(&body, "", 1);
    say(sim, "POST", api->path, body.at, &got);
    ck_assert_msg(got.status == 200, "%.*s", (int)got.body.size, got.body.at);
    json_t *answer = got_json(&got);
    told_whole(api, answer, told);
    json_decref(answer);
    got_release(&got);
    text_release(&body);
}

// What a request reads, writes and pays the plain price for.
static void assert_split(const struct sim *sim, const struct spoken *api, const char *template,
                         size_t words, int64_t cached, int64_t written) {
    struct told told;
    ask_of(sim, api, template, words, &told);
    ck_assert_msg(told.cached == cached && told.written == written,
                  "%.60s…: of %lld, read %lld and written %lld, not %lld and %lld", template,
                  (long long)told.input, (long long)told.cached, (long long)told.written,
                  (long long)cached, (long long)written);
    told_release(&told);
}

// A request of a long first message and a second one.
static void ask_long(const struct sim *sim, const struct spoken *api, size_t words,
                     const char *second, struct told *told) {
    char template[512];
    snprintf(template, sizeof(template),
             "{'model':'%s','messages':[{'role':'user','content':'~'},{'role':'assistant',"
             "'content':'I see'},{'role':'user','content':'%s'}]}",
             api->model, second);
    ask_of(sim, api, template, words, told);
}

// Nothing is drawn: whether a prefix is read follows from what was asked before, so that a test can
// say what a conversation must cost.
START_TEST(what_was_asked_before_is_read_from_the_cache) {
    struct sim sim;
    struct told told;
    sim_start(&sim, "--bill %b --prefix-cache");
    const struct spoken *openai = spoken_named("openai");
    ask_long(&sim, openai, 600, "one", &told);
    ck_assert_int_eq(told.cached, 0);
    told_release(&told);
    ask_long(&sim, openai, 600, "two", &told);
    // 1,363 of the tokens stand before the last message, and are read in steps of 128.
    ck_assert_int_eq(told.cached, 1280);
    told_release(&told);
    ask_long(&sim, openai, 300, "too short", &told);
    told_release(&told);
    ask_long(&sim, openai, 300, "for a cache", &told);
    ck_assert_int_eq(told.cached, 0);
    told_release(&told);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// Who shares long instructions between all of a batch counts on paying for them once.
START_TEST(what_stands_before_all_messages_is_a_prefix_of_its_own) {
    static const struct {
        const char *api, *template;
        int64_t cached;
    } cases[] = {
        // 3 + (5,400 + 2) / 4 tokens, in steps of 128 or not.
        {"responses", "{'model':'gpt-4.1','instructions':'~','input':'%s'}", 1280},
        {"xai responses", "{'model':'grok-4.3','instructions':'~','input':'%s'}", 1354},
        {"generate",
         "{'systemInstruction':{'parts':[{'text':'~~'}]},'contents':[{'parts':[{'text':'%s'}]}]}",
         2709},
        {"interactions", "{'model':'gemini-2.5-flash','system_instruction':'~~','input':'%s'}",
         2704},
        {"openai",
         "{'model':'gpt-4.1','tools':[{'type':'function','function':{'name':'look',"
         "'description':'~~'}}],'messages':[{'role':'user','content':'%s'}]}",
         1280},
    };
    struct sim sim;
    sim_start(&sim, "--bill %b --prefix-cache");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int turn = 0; turn < 2; turn++) {
            char template[512];
            snprintf(template, sizeof(template), cases[i].template, turn ? "two" : "one");
            assert_split(&sim, spoken_named(cases[i].api), template, 600,
                         turn ? cases[i].cached : 0, 0);
        }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// New models of OpenAI take a fee for what they write, unless they are told to write nothing.
START_TEST(writing_to_a_cache_may_cost_a_quarter_more) {
    struct sim sim;
    struct told told;
    struct spoken luna = *spoken_named("openai");
    luna.model = "gpt-5.6-luna";
    sim_start(&sim, "--bill %b --prefix-cache");
    ask_long(&sim, &luna, 600, "one", &told);
    ck_assert_int_eq(told.written, told.input);
    assert_split(&sim, &luna,
                 "{'prompt_cache_options':{'mode':'explicit'},'model':'gpt-5.6-luna',"
                 "'messages':[{'role':'user','content':'~'}]}",
                 600, 0, 0);
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    ck_assert_int_eq(number_at(bill, "0.cache_write_tokens"), told.input);
    ck_assert_int_eq(number_at(bill, "0.pusd"), told.input * 250000 + told.output * 1200000);
    told_release(&told);
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

START_TEST(a_prefix_is_kept_for_a_time_only) {
    struct sim sim;
    struct told told;
    const struct spoken *deepseek = spoken_named("deepseek");
    sim_start(&sim, "--bill %b --prefix-cache=10 --prefix-ms 1");
    ask_long(&sim, deepseek, 50, "@sim:delay_20", &told);
    told_release(&told);
    ask_long(&sim, deepseek, 50, "two", &told);
    ck_assert_int_eq(told.cached, 0);
    told_release(&told);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// ---- where a request says what is kept ----------------------------------------------------------

#define CLAUDE "'model':'claude-sonnet-4-6','max_tokens':500,"
#define KEEP   "'cache_control':{'type':'ephemeral'}"
#define BLOCK  "{'type':'text','text':'~'," KEEP "}"
#define HOUR   "'cache_control':{'type':'ephemeral','ttl':'1h'}"

#define TOOL   "{'name':'look','description':'~~'," KEEP "}"

enum { WORDS = 600, WORDS_BYTES = WORDS * 9 };

// Asks the same for two users.
static void assert_shared(const struct sim *sim, const char *front, int64_t written) {
    for (int turn = 0; turn < 2; turn++) {
        struct text template = {0};
        text_add(&template, "{" CLAUDE);
        text_add(&template, front);
        text_add(&template, turn ? "'messages':[{'role':'user','content':'a second user'}]}"
                                 : "'messages':[{'role':'user','content':'a user'}]}");
        text_put(&template, "", 1);
        assert_split(sim, spoken_named("messages"), template.at, WORDS, turn ? written : 0,
                     turn ? 0 : written);
        text_release(&template);
    }
}

// What stands behind the last such place is paid for in full each time, what stands before it once:
// a place that is wrong shows in the bill.
START_TEST(blocks_say_how_far_a_prompt_is_kept) {
    struct sim sim;
    sim_start(&sim, "--bill %b --prefix-cache");
    // The text counts as it was sent, from the list's bracket to the end of the block.
    int64_t block = 1 + (int64_t)sizeof(BLOCK) - 2 + WORDS_BYTES;
    int64_t tool = 1 + (int64_t)sizeof(TOOL) - 3 + 2 * WORDS_BYTES;
    assert_shared(&sim, "'system':[" BLOCK ",{'type':'text','text':'not this'}],",
                  3 + (block + 3) / 4);
    assert_shared(&sim, "'tools':[" TOOL "],'system':'be brief',", 3 + (tool + 7) / 8);
    // Not a word of it where nothing says so, and nothing that is shorter than is kept at all.
    assert_shared(&sim, "'system':[{'type':'text','text':'~'}],", 0);
    assert_shared(&sim, "'system':[{'type':'text','text':'short'," KEEP "}],", 0);
    // The name alone is no wish.
    assert_shared(&sim, "'tools':[{'name':'~','input_schema':{'cache_control':{'type':'x'}}}],", 0);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// A document and a question about it, in one message.
START_TEST(a_block_is_kept_without_what_follows_in_its_message) {
    static const char asked[] = "{" CLAUDE "'messages':[{'role':'user','content':["
                                "{'type':'text','text':'~'," KEEP "},"
                                "{'type':'text','text':'%s'}]}]}";
    struct sim sim;
    char template[512];
    sim_start(&sim, "--bill %b --prefix-cache");
    const struct spoken *claude = spoken_named("messages");
    snprintf(template, sizeof(template), asked, "who wrote it?");
    assert_split(&sim, claude, template, 600, 0, 3 + 4 + 1350);
    snprintf(template, sizeof(template), asked, "and when?");
    assert_split(&sim, claude, template, 600, 3 + 4 + 1350, 0);
    // A string is a block of text, and where it was kept no part of it.
    assert_split(&sim, claude,
                 "{" CLAUDE "'messages':[{'role':'user','content':'~'},{'role':'assistant',"
                 "'content':'x'},{'role':'user','content':[{'type':'text','text':'y'," KEEP "}]}]}",
                 600, 3 + 4 + 1350, 8 + 1);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// The place moves on with each turn; what was kept before it is found again, but not from too far.
START_TEST(a_conversation_is_read_up_to_its_last_turn) {
    struct sim sim;
    const struct spoken *claude = spoken_named("messages");
    sim_start(&sim, "--bill %b --prefix-cache");
    static const char first[] = "{" CLAUDE KEEP ",'messages':[{'role':'user','content':'~'}]}";
    static const char second[] = "{" CLAUDE KEEP ",'messages':[{'role':'user','content':'~'},"
                                 "{'role':'assistant','content':'1234'},"
                                 "{'role':'user','content':'5678'}]}";
    static const char other[] = "{" CLAUDE KEEP ",'messages':[{'role':'user','content':'~'},"
                                "{'role':'assistant','content':'4321'},"
                                "{'role':'user','content':'5678'}]}";
    assert_split(&sim, claude, first, 600, 0, 3 + 4 + 1350);
    assert_split(&sim, claude, second, 600, 3 + 4 + 1350, 2 * 5);
    assert_split(&sim, claude, second, 600, 3 + 12 + 1352, 0);
    assert_split(&sim, claude, other, 600, 3 + 4 + 1350, 2 * 5);
    struct text far = {0};
    text_add(&far, "{" CLAUDE KEEP ",'messages':[{'role':'user','content':'~'}");
    for (int i = 0; i < 13; i++)
        text_add(&far, ",{'role':'assistant','content':'abcd'},{'role':'user','content':'efgh'}");
    text_put(&far, "]}", 3);
    assert_split(&sim, claude, far.at, 600, 0, 3 + 4 + 1350 + 26 * 5);
    text_release(&far);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// An hour costs twice the input's price, and is asked for first.
START_TEST(what_is_kept_for_an_hour_is_billed_apart) {
    struct sim sim;
    struct told told;
    struct got got;
    sim_start(&sim, "--bill %b --prefix-cache");
    ask_of(&sim, spoken_named("messages"),
           "{" CLAUDE "'system':[{'type':'text','text':'~'," HOUR "}],"
           "'messages':[{'role':'user','content':[{'type':'text','text':'~'," KEEP
           "},{'type':'text','text':'behind'}]}]}",
           WORDS, &told);
    json_t *bill = sim_bill(&sim);
    int64_t hour = number_at(bill, "0.cache_write_1h_tokens");
    int64_t five = number_at(bill, "0.cache_write_tokens");
    int64_t block = 1 + (int64_t)sizeof("{'type':'text','text':'~'," HOUR "}") - 2 + WORDS_BYTES;
    ck_assert_int_eq(hour, 3 + (block + 3) / 4);
    ck_assert_int_eq(five, told.input - hour - 2);
    ck_assert_int_eq(number_at(told.usage, "input_tokens"), 2);
    ck_assert_int_eq(number_at(told.usage, "cache_creation.ephemeral_1h_input_tokens"), hour);
    ck_assert_int_eq(number_at(bill, "0.pusd"),
                     2 * 3000000 + hour * 6000000 + five * 3750000 + told.output * 15000000);
    json_decref(bill);
    told_release(&told);
    static const char *const bad[] = {
        "{\"model\":\"claude-opus-5\",\"max_tokens\":5,\"system\":[{\"type\":\"text\",\"text\":"
        "\"a\",\"cache_control\":{\"type\":\"ephemeral\"}},{\"type\":\"text\",\"text\":\"b\","
        "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}],"
        "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
        "{\"model\":\"claude-opus-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\","
        "\"content\":[{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{}},"
        "{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{}},"
        "{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{}},"
        "{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{}},"
        "{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{}}]}]}"};
    for (int i = 0; i < 2; i++) {
        say(&sim, "POST", "/v1/messages", bad[i], &got);
        ck_assert_msg(got.status == 400, "%d: %.*s", i, (int)got.body.size, got.body.at);
        got_release(&got);
    }
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

// ---- what is cached under a name ----------------------------------------------------------------

static json_t *say_json(const struct sim *sim, const char *method, const char *path,
                        const char *body, int status) {
    struct got got;
    say(sim, method, path, body, &got);
    ck_assert_msg(got.status == status, "%s %s: %d %.*s", method, path, got.status,
                  (int)got.body.size, got.body.at);
    json_t *answer = got_json(&got);
    got_release(&got);
    return answer;
}

// A cached prefix with a tool, of so many words.
static json_t *make_prefix(const struct sim *sim, size_t words, int status) {
    struct text body = {0};
    text_add(&body, "{\"model\":\"models/gemini-2.5-flash\",\"ttl\":\"60s\",\"displayName\":\"d\","
                    "\"systemInstruction\":{\"parts\":[{\"text\":\"");
    add_words(&body, words);
    text_add(&body, "\"}]},\"tools\":[{\"functionDeclarations\":[{\"name\":\"look\"}]}]}");
    text_put(&body, "", 1);
    json_t *made = say_json(sim, "POST", "/v1beta/cachedContents", body.at, status);
    text_release(&body);
    return made;
}

START_TEST(a_prefix_is_cached_under_a_name) {
    struct sim sim;
    char path[128], body[512];
    struct told told;
    sim_start(&sim, "--bill %b");
    json_t *error = make_prefix(&sim, 100, 400);
    ck_assert_str_eq(text_at(error, "error.status"), "INVALID_ARGUMENT");
    json_decref(error);
    json_t *made = make_prefix(&sim, 1000, 200);
    int64_t tokens = number_at(made, "usageMetadata.totalTokenCount");
    const char *name = text_at(made, "name");
    ck_assert_int_eq(strncmp(name, "cachedContents/", 15), 0);
    ck_assert_str_eq(text_at(made, "displayName"), "d");
    ck_assert_str_ne(text_at(made, "createTime"), text_at(made, "expireTime"));
    ck_assert_int_gt(tokens, 2250);
    snprintf(body, sizeof(body), "{'cachedContent':'%s','contents':[{'parts':[{'text':'1234'}]}]}",
             name);
    ask_of(&sim, spoken_named("generate"), body, 0, &told);
    ck_assert_int_eq(told.cached, tokens);
    ck_assert_int_eq(told.input, tokens + 4 + 1);
    // The tool is the cached one.
    ck_assert_msg(told.calls.size > 5 && memcmp(told.calls.at, "look(", 5) == 0, "%.*s",
                  (int)told.calls.size, told.calls.at);
    told_release(&told);
    // What it has must not come again, and it is of its model.
    for (char *at = body; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    json_decref(say_json(&sim, "POST", "/v1beta/models/gemini-2.5-pro:generateContent", body, 400));
    snprintf(
        body, sizeof(body),
        "{\"cachedContent\":\"%s\",\"tools\":[],\"contents\":[{\"parts\":[{\"text\":\"a\"}]}]}",
        name);
    json_decref(
        say_json(&sim, "POST", "/v1beta/models/gemini-2.5-flash:generateContent", body, 400));
    snprintf(path, sizeof(path), "/v1beta/%s", name);
    json_t *read = say_json(&sim, "GET", path, NULL, 200);
    ck_assert(json_equal(read, made));
    json_decref(read);
    json_decref(say_json(&sim, "DELETE", path, NULL, 200));
    json_decref(say_json(&sim, "GET", path, NULL, 404));
    json_decref(made);
    sim_stop(&sim);
    json_t *bill = sim_bill(&sim);
    ck_assert_int_eq(number_at(bill, "0.cached_tokens"), tokens);
    json_decref(bill);
    sim_end(&sim);
}
END_TEST

START_TEST(a_prefix_with_a_name_is_over_in_time) {
    struct sim sim;
    char body[512];
    sim_start(&sim, "--bill %b --prefix-ms 1");
    json_t *made = make_prefix(&sim, 1000, 200);
    json_decref(say_json(&sim, "POST", "/v1beta/models/gemini-2.5-flash:generateContent",
                         "{\"contents\":[{\"parts\":[{\"text\":\"@sim:delay_20\"}]}]}", 200));
    snprintf(body, sizeof(body),
             "{\"cachedContent\":\"%s\",\"contents\":[{\"parts\":[{\"text\":\"a\"}]}]}",
             text_at(made, "name"));
    json_t *missed =
        say_json(&sim, "POST", "/v1beta/models/gemini-2.5-flash:generateContent", body, 404);
    ck_assert_str_eq(text_at(missed, "error.status"), "NOT_FOUND");
    json_decref(missed);
    json_decref(made);
    sim_stop(&sim);
    sim_end(&sim);
}
END_TEST

void add_caches(Suite *suite) {
    TCase *tests = tcase_create("caches");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_was_asked_before_is_read_from_the_cache);
    tcase_add_test(tests, what_stands_before_all_messages_is_a_prefix_of_its_own);
    tcase_add_test(tests, writing_to_a_cache_may_cost_a_quarter_more);
    tcase_add_test(tests, a_prefix_is_kept_for_a_time_only);
    tcase_add_test(tests, blocks_say_how_far_a_prompt_is_kept);
    tcase_add_test(tests, a_block_is_kept_without_what_follows_in_its_message);
    tcase_add_test(tests, a_conversation_is_read_up_to_its_last_turn);
    tcase_add_test(tests, what_is_kept_for_an_hour_is_billed_apart);
    tcase_add_test(tests, a_prefix_is_cached_under_a_name);
    tcase_add_test(tests, a_prefix_with_a_name_is_over_in_time);
    suite_add_tcase(suite, tests);
}
