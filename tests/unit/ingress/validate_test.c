// What each line is, where it goes, and why it is refused.
#include "common/id.h"
#include "common/mem.h"
#include "common/wire.h"
#include "tests/unit/ingress/shape.h"
#include "tests/unit/ingress/validate_world.h"
#include "workers/ingress/split.h"
#include "workers/ingress/validate.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define SINGLE(id)                                                                             \
    "{\"custom_id\":\"" id "\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":" \
    "{\"model\":\"gpt-5-nano\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],"      \
    "\"max_completion_tokens\":100}}"
#define CALL(body)        "{\"custom_id\":\"a\",\"url\":\"/v1/chat/completions\",\"body\":" body "}"
#define BATCH(params)     "{\"custom_id\":\"a\",\"params\":" params "}"
#define GOOD_PARAMS       "{\"model\":\"claude-opus-5\",\"max_tokens\":9,\"messages\":[]}"
#define GEMINI(url, body) "{\"custom_id\":\"a\",\"url\":\"" url "\",\"body\":" body "}"
#define GOOD_BODY         "{\"model\":\"gpt-5-nano\",\"messages\":[]}"

// ---- good lines ---------------------------------------------------------------------------------

// A file made for OpenAI's batch API must run unchanged.
START_TEST(a_batch_line_of_openai_is_a_single_call) {
    ck_assert_str_eq(why(SINGLE("one")), "");
    ck_assert_str_eq(text_of(item.custom_id), "one");
    ck_assert_str_eq(text_of(item.provider), "openai");
    ck_assert_str_eq(text_of(item.api), "chat");
    ck_assert_str_eq(text_of(item.model), "gpt-5-nano");
    ck_assert_str_eq(text_of(item.key), "default");
    ck_assert_uint_eq(item.conversation.size, 0);
    ck_assert(id_equal(item.conversation_id, item.job_id));
    ck_assert_uint_eq(item.turn, 1);
    ck_assert_uint_gt(item.tokens_estimate, 0);
    ck_assert_int_gt(item.cost_max_pusd, 0);
}
END_TEST

// A bound that forgets the choices or the output would let a budget be overrun.
START_TEST(the_upper_bound_grows_with_the_output_that_is_asked_for) {
    ck_assert_str_eq(
        why(CALL("{\"model\":\"gpt-5-nano\",\"messages\":[],\"max_completion_tokens\":100}")), "");
    int64_t hundred = item.cost_max_pusd;
    ck_assert_str_eq(
        why("{\"custom_id\":\"b\",\"api\":\"chat\",\"body\":{\"model\":"
            "\"openai/gpt-5-nano\",\"messages\":[],\"max_completion_tokens\":100,\"n\":5}}"),
        "");
    ck_assert_int_gt(item.cost_max_pusd, 4 * hundred);
    ck_assert_str_eq(why("{\"custom_id\":\"c\",\"api\":\"chat\",\"body\":{\"model\":"
                         "\"openai/gpt-5-nano\",\"messages\":[]}}"),
                     "");
    ck_assert_int_gt(item.cost_max_pusd, 100 * hundred);
    // A model without a price has no bound, and never the bound 0.
    ck_assert_str_eq(why("{\"custom_id\":\"d\",\"api\":\"chat\",\"body\":{\"model\":"
                         "\"openai/never-heard-of\",\"messages\":[]}}"),
                     "");
    ck_assert_int_eq(item.cost_max_pusd, -1);
}
END_TEST

// A dearer tier bounded by the ordinary rates would cost more than was allowed.
START_TEST(the_upper_bound_is_that_of_the_tier_that_is_asked_for) {
    ck_assert_str_eq(
        why(CALL("{\"model\":\"gpt-4.1\",\"messages\":[],\"max_completion_tokens\":100}")), "");
    int64_t standard = item.cost_max_pusd;
    ck_assert_int_gt(standard, 0);
    ck_assert_str_eq(
        why("{\"custom_id\":\"b\",\"api\":\"chat\",\"body\":{\"model\":\"openai/gpt-4.1\","
            "\"messages\":[],\"max_completion_tokens\":100,\"service_tier\":\"never-heard-of\"}}"),
        "");
    ck_assert_int_eq(item.cost_max_pusd, -1);
    ck_assert_str_eq(
        why("{\"custom_id\":\"c\",\"api\":\"chat\",\"body\":{\"model\":\"openai/gpt-4.1\","
            "\"messages\":[],\"max_completion_tokens\":100,\"service_tier\":7}}"),
        "");
    ck_assert_int_eq(item.cost_max_pusd, -1);
    ck_assert_str_eq(
        why("{\"custom_id\":\"d\",\"api\":\"chat\",\"body\":{\"model\":\"openai/gpt-4.1\","
            "\"messages\":[],\"max_completion_tokens\":100,\"service_tier\":null}}"),
        "");
    ck_assert_int_ge(item.cost_max_pusd, standard);
}
END_TEST

// null takes back what an earlier turn stated; a turn cannot be without a model.
START_TEST(a_turn_may_take_back_what_an_earlier_one_stated) {
    ck_assert_str_eq(
        why("{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":\"1\",\"system\":\"s\","
            "\"params\":{\"stream\":false},\"tools\":[{}]}"),
        "");
    ck_assert_str_eq(why("{\"conversation\":\"c\",\"input\":\"2\",\"system\":null,\"params\":null,"
                         "\"tools\":null}"),
                     "");
}
END_TEST

// Of two equal names only one would be heard: the owner of the line must know that it is that.
START_TEST(a_name_that_stands_twice_is_named_as_the_fault) {
    ck_assert_str_eq(why("{\"custom_id\":\"a\",\"custom_id\":\"b\"}"), "not_json");
    ck_assert(says("a name stands twice"));
    ck_assert_str_eq(why("{\"custom_id\":\"a\",}"), "not_json");
    ck_assert(says("not valid JSON at byte"));
}
END_TEST

// The provider before a model's name is ours; what follows is the provider's own, slashes too.
START_TEST(the_provider_is_found_by_the_rules_of_the_formats) {
    ck_assert_str_eq(why(CALL("{\"model\":\"openai/ft:gpt-4.1/acme\",\"messages\":[]}")), "");
    ck_assert_str_eq(text_of(item.model), "ft:gpt-4.1/acme");
    ck_assert_str_eq(why("{\"conversation\":\"x\",\"model\":\"gpt-5-nano\",\"input\":\"i\"}"),
                     "unknown_provider");
    ck_assert(says("openai"));
    ck_assert_str_eq(why("{\"conversation\":\"y\",\"model\":\"nowhere/gpt\",\"input\":\"i\"}"),
                     "unknown_provider");
    with_provider("openai");
    ck_assert_str_eq(why("{\"conversation\":\"x\",\"model\":\"gpt-5-nano\",\"input\":\"i\"}"), "");
    ck_assert_str_eq(why("{\"conversation\":\"y\",\"model\":\"some/model\",\"input\":\"i\"}"), "");
    ck_assert_str_eq(text_of(item.model), "some/model");
    with_provider("nobody");
    ck_assert_str_eq(why(SINGLE("one")), "unknown_provider");
    ck_assert(says("nobody") && says("openai"));
}
END_TEST

// Turns state the model once; a turn that went to another model would be another conversation.
START_TEST(later_turns_inherit_the_model_until_it_is_restated) {
    ck_assert_str_eq(
        why("{\"conversation\":\"c\",\"model\":\"openai/gpt-5-nano\",\"input\":\"1\"}"), "");
    struct id conversation = item.conversation_id;
    ck_assert(id_equal(conversation, uuid_named((struct id){{7}}, bytes_text("c"))));
    ck_assert_uint_eq(item.turn, 1);
    ck_assert_str_eq(text_of(item.custom_id), "c/1");
    ck_assert_str_eq(why("{\"conversation\":\"d\",\"model\":\"openai/o3\",\"input\":\"1\"}"), "");
    ck_assert_str_eq(why("{\"conversation\":\"c\",\"input\":\"2\",\"custom_id\":\"mine\"}"), "");
    ck_assert_str_eq(text_of(item.model), "gpt-5-nano");
    ck_assert_str_eq(text_of(item.custom_id), "mine");
    ck_assert_uint_eq(item.turn, 2);
    ck_assert(id_equal(item.conversation_id, conversation));
    ck_assert_str_eq(why("{\"conversation\":\"c\",\"model\":\"gpt-4.1-nano\",\"input\":\"3\"}"),
                     "");
    ck_assert_str_eq(text_of(item.provider), "openai");
    ck_assert_str_eq(why("{\"conversation\":\"c\",\"input\":\"4\"}"), "");
    ck_assert_str_eq(text_of(item.model), "gpt-4.1-nano");
    ck_assert_str_eq(why("{\"conversation\":\"d\",\"input\":\"2\"}"), "");
    ck_assert_str_eq(text_of(item.model), "o3");
    ck_assert_uint_eq(item.turn, 2);
}
END_TEST

// A file made for Anthropic's batches runs as it is, beside lines of any other form.
START_TEST(a_line_of_anthropics_batches_is_a_call_to_it) {
    ck_assert_str_eq(why(BATCH(GOOD_PARAMS)), "");
    ck_assert_str_eq(text_of(item.provider), "anthropic");
    ck_assert_str_eq(text_of(item.api), "messages");
    ck_assert_str_eq(text_of(item.model), "claude-opus-5");
    ck_assert_int_gt(item.cost_max_pusd, 0);
    ck_assert_str_eq(why("{\"custom_id\":\"b\",\"params\":{\"model\":\"anthropic/claude-opus-5\","
                         "\"max_tokens\":9,\"messages\":[{\"content\":[{\"type\":\"image\"}]}]}}"),
                     "");
    ck_assert(bytes_is(item.model, "claude-opus-5") && item.cost_max_pusd == -1);
    ck_assert_str_eq(why("{\"custom_id\":\"c\",\"url\":\"/v1/messages\",\"body\":" GOOD_PARAMS "}"),
                     "");
    ck_assert_str_eq(text_of(item.provider), "anthropic");
    // Beside a body they mean nothing.
    ck_assert_str_eq(why("{\"custom_id\":\"d\",\"url\":\"/v1/chat/completions\",\"params\":3,"
                         "\"body\":" GOOD_BODY "}"),
                     "");
    ck_assert_str_eq(text_of(item.provider), "openai");
    with_provider("openai");
    ck_assert_str_eq(why(BATCH(GOOD_PARAMS)), "unknown_url");
    ck_assert(says("\"params\""));
}
END_TEST

// Names with escapes are the same names: "caf\u00e9" and "café" are one conversation.
START_TEST(names_are_compared_after_their_escapes_are_resolved) {
    ck_assert_str_eq(why("{\"conversation\":\"caf\\u00e9\",\"model\":\"openai/o3\","
                         "\"input\":\"1\",\"custom_id\":\"\\u0061\"}"),
                     "");
    ck_assert_str_eq(text_of(item.custom_id), "a");
    ck_assert_str_eq(why("{\"conversation\":\"caf\u00e9\",\"input\":\"2\"}"), "");
    ck_assert_uint_eq(item.turn, 2);
    ck_assert_str_eq(why(SINGLE("a")), "duplicate_custom_id");
}
END_TEST

// ---- refused lines ------------------------------------------------------------------------------

static const struct {
    const char *reason;
    const char *text;
    bool fits_schema; // the schema cannot know: its verdict differs
} refused[] = {
    {"not_json", "{\"custom_id\":\"a\"", false},
    {"not_json", "plain words", false},
    {"not_json", "{} {}", false},
    {"not_json", "{\"custom_id\":\"a\",\"custom_id\":\"b\"}", false},
    {"not_object", "[1,2]", false},
    {"not_object", "\"text\"", false},
    {"unknown_kind", "{}", false},
    {"unknown_kind", "{\"custom_id\":\"a\"}", false},
    {"unknown_kind",
     "{\"custom_id\":\"a\",\"url\":\"/v1/chat/completions\",\"body\":" GOOD_BODY
     ",\"input\":\"x\"}",
     false},
    {"wrong_type", "{\"custom_id\":5,\"url\":\"/v1/chat/completions\",\"body\":" GOOD_BODY "}",
     false},
    {"wrong_type", CALL("\"text\""), false},
    {"wrong_type", CALL("[]"), false},
    {"wrong_type", CALL("{\"model\":5}"), false},
    {"wrong_type", CALL("{\"model\":\"gpt-5-nano\",\"messages\":\"hello\"}"), false},
    {"wrong_type", "{\"custom_id\":\"a\",\"url\":\"/v1/chat/completions\"}", false},
    {"wrong_type", "{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":5}", false},
    {"wrong_type", "{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":[\"a\"]}", false},
    {"wrong_type", "{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":[{\"text\":1}]}",
     false},
    {"wrong_type", "{\"conversation\":5,\"model\":\"openai/o3\",\"input\":\"a\"}", false},
    {"wrong_type", "{\"conversation\":\"c\",\"model\":null,\"input\":\"a\"}", false},
    {"wrong_type",
     "{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":\"a\","
     "\"params\":[]}",
     false},
    {"wrong_type",
     "{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":\"a\","
     "\"tags\":{\"k\":1}}",
     false},
    {"wrong_type",
     "{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":\"a\","
     "\"tools\":{}}",
     false},
    {"wrong_type",
     "{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":\"a\","
     "\"system\":[]}",
     false},
    {"unknown_member",
     "{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":\"a\","
     "\"systm\":\"b\"}",
     false},
    {"no_custom_id", "{\"url\":\"/v1/chat/completions\",\"body\":" GOOD_BODY "}", false},
    {"no_custom_id", "{\"custom_id\":\"\",\"url\":\"/v1/chat/completions\",\"body\":" GOOD_BODY "}",
     false},
    {"no_conversation", "{\"model\":\"openai/o3\",\"input\":\"a\"}", false},
    {"no_conversation", "{\"conversation\":\"\",\"model\":\"openai/o3\",\"input\":\"a\"}", false},
    {"no_input", "{\"conversation\":\"c\",\"model\":\"openai/o3\"}", false},
    {"no_input", "{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":\"\"}", false},
    {"no_input", "{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":[]}", false},
    {"no_model", CALL("{\"messages\":[]}"), false},
    {"no_model", CALL("{\"model\":\"\"}"), false},
    {"no_model", GEMINI("/v1beta/models/:generateContent", "{\"contents\":[]}"), false},
    {"no_model", GEMINI("/v1beta/models/a/b:generateContent", "{\"contents\":[]}"), false},
    {"missing_field", GEMINI("/v1beta/models/gemini-2.5-flash:generateContent", "{}"), true},
    {"wrong_type", GEMINI("/v1beta/models/m:generateContent", "{\"model\":\"n\"}"), true},
    {"wrong_type", GEMINI("/v1beta/models/m:generateContent", "{\"model\":3}"), false},
    {"no_model", CALL("{\"model\":\"openai/\"}"), true},
    {"no_model", "{\"conversation\":\"c\",\"input\":\"a\"}", true},
    {"no_url", "{\"custom_id\":\"a\",\"body\":" GOOD_BODY "}", false},
    {"wrong_method",
     "{\"custom_id\":\"a\",\"method\":\"GET\",\"url\":\"/v1/chat/completions\","
     "\"body\":" GOOD_BODY "}",
     false},
    {"unknown_url", "{\"custom_id\":\"a\",\"url\":\"/v1/nothing\",\"body\":" GOOD_BODY "}", true},
    {"unknown_provider", "{\"conversation\":\"c\",\"model\":\"o3\",\"input\":\"a\"}", true},
    {"api_not_served", "{\"custom_id\":\"a\",\"url\":\"/v1/moderations\",\"body\":" GOOD_BODY "}",
     true},
    {"api_not_served",
     "{\"custom_id\":\"a\",\"url\":\"/v1/embeddings\",\"body\":{\"model\":"
     "\"openai/o3\"}}",
     true},
    {"api_not_served",
     "{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":\"a\","
     "\"api\":\"assistants\"}",
     true},
    {"wrong_type", CALL("{\"model\":\"gpt-5-nano\",\"messages\":[],\"stream\":1}"), false},
    {"missing_field", BATCH("{\"model\":\"claude-opus-5\",\"messages\":[]}"), true},
    {"missing_field", BATCH("{\"model\":\"claude-opus-5\",\"messages\":[],\"max_tokens\":null}"),
     true},
    {"wrong_type", BATCH("[]"), false},
    {"wrong_type", BATCH("{\"model\":\"claude-opus-5\",\"messages\":{}}"), false},
    {"no_model", BATCH("{\"max_tokens\":1,\"messages\":[]}"), false},
    {"wrong_type", BATCH("{\"model\":\"m\",\"max_tokens\":1,\"stream\":\"yes\"}"), false},
    {"not_taken",
     "{\"conversation\":\"c\",\"model\":\"anthropic/claude-opus-5\",\"input\":\"a\","
     "\"params\":{\"seed\":1}}",
     true},
    {"not_taken",
     "{\"custom_id\":\"a\",\"url\":\"/v1/responses\",\"body\":{\"model\":\"openai/o3\",\"input\":"
     "\"a\",\"background\":true}}",
     true},
    {"not_taken",
     "{\"conversation\":\"c\",\"model\":\"anthropic/claude-opus-5\",\"input\":["
     "{\"type\":\"input_audio\"}]}",
     true},
    {"wrong_type",
     "{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":\"a\","
     "\"params\":{\"stream\":[]}}",
     false},
};
enum { REFUSED = sizeof(refused) / sizeof(refused[0]) };

// A line that is refused for the wrong reason sends its owner looking in the wrong place.
START_TEST(each_broken_line_is_refused_for_its_own_reason) {
    const char *reason = why(refused[_i].text);
    ck_assert_msg(strcmp(reason, refused[_i].reason) == 0, "%s: %s, not %s", refused[_i].text,
                  reason, refused[_i].reason);
    ck_assert_uint_gt(item.detail.size, 0);
    ck_assert_uint_eq(item.provider.size, 0);
    ck_assert_uint_eq(item.line, 1);
    // The next line is judged as if nothing had been.
    ck_assert_str_eq(why(SINGLE("after")), "");
}
END_TEST

static json_t *schema;

static void load_schema(void) {
    set_up();
    schema = json_load_file(SCHEMA_FILE, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(schema);
}

static void drop_schema(void) {
    json_decref(schema);
    tear_down();
}

// A schema that says yes where colloq says no, or the other way round, is worse than none.
START_TEST(the_published_schema_agrees_about_broken_lines) {
    json_t *value = json_loads(refused[_i].text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    if (value)
        ck_assert_msg(shape_fits(schema, value) == refused[_i].fits_schema, "%s", refused[_i].text);
    json_decref(value);
}
END_TEST

static void check_example(const char *path, unsigned *calls, unsigned *turns) {
    static char text[1 << 20];
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    struct bytes rest = bytes_of(text, fread(text, 1, sizeof(text), file));
    (void)fclose(file);
    struct split split;
    struct split_line found;
    split_init(&split);
    while (split_next(&split, &rest, &found)) {
        ck_assert_msg(judge(found.raw) == REFUSAL_none, "%s:%llu: %s", path,
                      (unsigned long long)found.number, text_of(item.detail));
        ck_assert_msg(item.conversation.size == 0 || item.cost_max_pusd == -1, "%s", path);
        json_t *value = json_loadb((const char *)found.raw.at, found.raw.size, 0, NULL);
        ck_assert_msg(shape_fits(schema, value), "%s:%llu does not fit the schema", path,
                      (unsigned long long)found.number);
        json_decref(value);
        ++*(item.conversation.size > 0 ? turns : calls);
    }
    split_release(&split);
}

// The examples are the first thing that anybody runs.
START_TEST(the_examples_are_good_lines_and_fit_the_schema) {
    unsigned calls = 0, turns = 0;
    check_example(EXAMPLES "/first.jsonl", &calls, &turns);
    ck_assert_uint_eq(calls + turns, 5);
    tear_down();
    set_up(); // each file is a batch of its own
    calls = turns = 0;
    check_example(EXAMPLES "/conversations.jsonl", &calls, &turns);
    ck_assert_uint_eq(turns, 80);
    ck_assert_uint_ge(calls, 20);
    tear_down();
    set_up();
    calls = turns = 0;
    check_example(EXAMPLES "/anthropic.jsonl", &calls, &turns);
    ck_assert_uint_eq(calls, 2);
    ck_assert_uint_eq(turns, 3);
    tear_down();
    set_up();
    calls = turns = 0;
    check_example(EXAMPLES "/gemini.jsonl", &calls, &turns);
    ck_assert_uint_eq(calls, 2);
    ck_assert_uint_eq(turns, 3);
}
END_TEST

// Invalid UTF-8 would be refused by every later hop, after the line was accepted.
START_TEST(invalid_utf8_is_named_as_such) {
    static const char bad[] = "{\"custom_id\":\"\xc3\x28\",\"url\":\"/v1/chat/completions\"}";
    ck_assert_str_eq(why(bad), "invalid_utf8");
    ck_assert_str_eq(why("{\"custom_id\":\"a\",\"url\":\"\xff\"}"), "invalid_utf8");
    ck_assert_str_eq(why("\xef\xbb\xbf" SINGLE("a")), "not_json");
    ck_assert(says("byte order mark"));
}
END_TEST

// custom_id is how a user finds a result: two results under one would be none.
START_TEST(a_custom_id_stands_once_in_a_batch) {
    ck_assert_str_eq(why(SINGLE("same")), "");
    ck_assert_str_eq(why(SINGLE("other")), "");
    ck_assert_str_eq(why(SINGLE("same")), "duplicate_custom_id");
    ck_assert(says("line 1"));
    ck_assert_str_eq(text_of(item.custom_id), "same");
    // A refused line has no result: its custom_id is free.
    ck_assert_str_eq(why(CALL("{\"messages\":[]}")), "no_model");
    ck_assert_str_eq(why(SINGLE("a")), "");
    // A made-up one is one too.
    ck_assert_str_eq(why(SINGLE("c/1")), "");
    ck_assert_str_eq(why("{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":\"1\"}"),
                     "duplicate_custom_id");
}
END_TEST

// A turn whose question before it never ran would be answered about something else.
START_TEST(a_refused_turn_refuses_the_later_turns_of_its_conversation) {
    ck_assert_str_eq(why("{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":\"1\"}"), "");
    ck_assert_str_eq(why("{\"conversation\":\"c\",\"input\":\"2\",\"systm\":\"x\"}"),
                     "unknown_member");
    ck_assert_str_eq(text_of(item.conversation), "c");
    ck_assert_str_eq(why("{\"conversation\":\"d\",\"model\":\"openai/o3\",\"input\":\"1\"}"), "");
    ck_assert_str_eq(why("{\"conversation\":\"c\",\"input\":\"3\"}"), "earlier_turn_refused");
    ck_assert(says("line 2"));
    ck_assert_str_eq(why("{\"conversation\":\"c\",\"input\":\"4\"}"), "earlier_turn_refused");
    ck_assert(says("line 2"));
    ck_assert_str_eq(why("{\"conversation\":\"d\",\"input\":\"2\"}"), "");
}
END_TEST

// A name that is longer than its field would be refused by the wire, and with it its chunk.
START_TEST(names_beyond_their_limits_are_refused) {
    char text[4096];
    char name[1024];
    memset(name, 'n', sizeof(name));
    (void)snprintf(
        text, sizeof(text),
        "{\"custom_id\":\"%.513s\",\"url\":\"/v1/chat/completions\",\"body\":" GOOD_BODY "}", name);
    ck_assert_str_eq(why(text), "name_too_long");
    (void)snprintf(
        text, sizeof(text),
        "{\"custom_id\":\"%.512s\",\"url\":\"/v1/chat/completions\",\"body\":" GOOD_BODY "}", name);
    ck_assert_str_eq(why(text), "");
    (void)snprintf(text, sizeof(text),
                   "{\"conversation\":\"%.257s\",\"model\":\"openai/o3\",\"input\":\"a\"}", name);
    ck_assert_str_eq(why(text), "name_too_long");
    (void)snprintf(text, sizeof(text),
                   "{\"custom_id\":\"b\",\"url\":\"/v1/chat/completions\","
                   "\"body\":{\"model\":\"%.257s\",\"messages\":[]}}",
                   name);
    ck_assert_str_eq(why(text), "name_too_long");
}
END_TEST

static const char *why_tags(size_t size) {
    static char text[2 * TAGS_BYTES_MAX];
    char tags[TAGS_BYTES_MAX + 8];
    memset(tags, 't', sizeof(tags));
    memcpy(tags, "{\"k\":\"", 6);
    memcpy(tags + size - 2, "\"}", 3);
    static unsigned lines;
    (void)snprintf(text, sizeof(text),
                   "{\"conversation\":\"t%u\",\"model\":\"openai/o3\",\"input\":\"a\",\"tags\":%s}",
                   lines++, tags);
    return why(text);
}

// Limits hold to the byte, on the side of the good ones too.
START_TEST(names_and_tags_fit_to_the_byte) {
    static const char *const formats[] = {
        "{\"custom_id\":\"%.*s\",\"url\":\"/v1/chat/completions\",\"body\":" GOOD_BODY "}",
        "{\"conversation\":\"%.*s\",\"model\":\"openai/o3\",\"input\":\"a\"}",
        ("{\"custom_id\":\"m%d\",\"url\":\"/v1/chat/completions\","
         "\"body\":{\"model\":\"%.*s\",\"messages\":[]}}"),
    };
    static const int most[] = {CUSTOM_ID_BYTES_MAX, NAME_BYTES_MAX, MODEL_BYTES_MAX};
    char text[4096], name[1024];
    for (int i = 0; i < 3; i++)
        for (int by = -1; by <= 1; by++) {
            memset(name, 'a' + i, sizeof(name));
            if (i < 2)
                (void)snprintf(text, sizeof(text), formats[i], most[i] + by, name);
            else
                (void)snprintf(text, sizeof(text), formats[i], by, most[i] + by, name);
            ck_assert_str_eq(why(text), by > 0 ? "name_too_long" : "");
        }
    for (int by = -1; by <= 1; by++)
        ck_assert_str_eq(why_tags((size_t)(TAGS_BYTES_MAX + by)), by > 0 ? "name_too_long" : "");
}
END_TEST

// A line of 50 MB is reported by its number, and nothing of it is needed for that.
START_TEST(a_line_that_could_not_be_kept_is_refused_by_its_number) {
    validator_long_line(validator, 12, (struct id){{3}}, &item);
    ck_assert_str_eq(text_of(item.refused), "line_too_long");
    ck_assert_uint_eq(item.line, 12);
    ck_assert_str_eq(why(SINGLE("a")), "");
}
END_TEST

// Any bytes may stand in a file: none may break the reader, and what it says must be UTF-8.
START_TEST(random_damage_never_breaks_the_reader) {
    static const char *const seeds[] = {
        SINGLE("abc"),
        "{\"conversation\":\"c\u00e9\",\"model\":\"openai/o3\",\"input\":[{\"type\":\"text\"}],"
        "\"tags\":{\"k\":\"v\"},\"params\":{\"n\":1},\"custom_id\":\"x\\ud83d\\ude00\"}",
    };
    uint64_t state = random_u64() | 1;
    for (int i = 0; i < 20000; i++) {
        char text[512];
        size_t size = strlen(seeds[i % 2]);
        memcpy(text, seeds[i % 2], size);
        for (int k = 0; k < 1 + i % 4; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            text[(state >> 33) % size] = (char)(state >> 25);
        }
        (void)judge(bytes_of(text, size));
        ck_assert(utf8_is_valid(item.detail) && utf8_is_valid(item.custom_id) &&
                  utf8_is_valid(item.conversation) && utf8_is_valid(item.model));
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("validate");
    TCase *lines = tcase_create("lines");
    tcase_add_checked_fixture(lines, set_up, tear_down);
    tcase_add_test(lines, a_batch_line_of_openai_is_a_single_call);
    tcase_add_test(lines, the_upper_bound_grows_with_the_output_that_is_asked_for);
    tcase_add_test(lines, the_upper_bound_is_that_of_the_tier_that_is_asked_for);
    tcase_add_test(lines, a_turn_may_take_back_what_an_earlier_one_stated);
    tcase_add_test(lines, a_name_that_stands_twice_is_named_as_the_fault);
    tcase_add_test(lines, the_provider_is_found_by_the_rules_of_the_formats);
    tcase_add_test(lines, later_turns_inherit_the_model_until_it_is_restated);
    tcase_add_test(lines, a_line_of_anthropics_batches_is_a_call_to_it);
    tcase_add_test(lines, names_are_compared_after_their_escapes_are_resolved);
    tcase_add_loop_test(lines, each_broken_line_is_refused_for_its_own_reason, 0, REFUSED);
    tcase_add_test(lines, invalid_utf8_is_named_as_such);
    tcase_add_test(lines, a_custom_id_stands_once_in_a_batch);
    tcase_add_test(lines, a_refused_turn_refuses_the_later_turns_of_its_conversation);
    tcase_add_test(lines, names_beyond_their_limits_are_refused);
    tcase_add_test(lines, names_and_tags_fit_to_the_byte);
    tcase_add_test(lines, a_line_that_could_not_be_kept_is_refused_by_its_number);
    tcase_add_test(lines, random_damage_never_breaks_the_reader);
    suite_add_tcase(suite, lines);
    TCase *published = tcase_create("schema");
    tcase_add_checked_fixture(published, load_schema, drop_schema);
    tcase_add_loop_test(published, the_published_schema_agrees_about_broken_lines, 0, REFUSED);
    tcase_add_test(published, the_examples_are_good_lines_and_fit_the_schema);
    suite_add_tcase(suite, published);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
