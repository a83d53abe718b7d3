// Answers made to be expensive, or to have too much of something: reading them ends, and what found
// no room is said. Where a case is about the time, what it guards against would take minutes.
#include "tests/unit/extractor/samples.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct sample sample;
static struct buf text;

static void set_up(void) {
    sample_open(&sample);
    buf_init(&text, ANSWER_BYTES_MAX);
}

static void tear_down(void) {
    buf_release(&text);
    sample_close(&sample);
}

static void put_many(const char *what, unsigned times) {
    for (unsigned i = 0; i < times; i++)
        buf_text(&text, what);
}

static void read_text(const char *headers) {
    ck_assert_int_eq(buf_state(&text), ERR_OK);
    sample_read(&sample, 200, headers, buf_bytes(&text));
}

static bool holds(struct bytes in, const char *what) {
    return in.size > 0 && memmem(in.at, in.size, what, strlen(what)) != NULL;
}

// ---- identifiers --------------------------------------------------------------------------------

START_TEST(identifiers_behind_many_siblings_have_their_places) {
    buf_text(&text, "{\"id\":\"r\",\"choices\":[{}],\"x\":[0");
    put_many(",0", 3999999);
    for (int i = 0; i < 500; i++)
        buf_printf(&text, ",{\"id\":\"e%d\"}", i);
    buf_text(&text, "]}");
    read_text("");
    ck_assert(sample_has(&sample, "response_id", "r", "$.id"));
    ck_assert(sample_has(&sample, "x_id", "e0", "$.x[4000000].id"));
    ck_assert(sample_has(&sample, "x_id", "e499", "$.x[4000499].id"));
    ck_assert_uint_eq(sample.extract->identifiers_left_out, 0);
}
END_TEST

// Kept once for each identifier below it, such a name would leave no room for any.
START_TEST(a_name_that_is_too_long_for_a_place_costs_no_identifier) {
    buf_text(&text, "{\"id\":\"r\",\"choices\":[{}],\"");
    put_many("n", 1 << 20);
    buf_text(&text, "\":[0");
    for (int i = 0; i < 500; i++)
        buf_printf(&text, ",{\"a_id\":\"e%d\"}", i);
    buf_text(&text, "]}");
    read_text("");
    ck_assert(sample_has(&sample, "response_id", "r", "$.id"));
    ck_assert(sample_has(&sample, "a_id", "e499", "$"));
}
END_TEST

// The provider finds the call by them, whatever the model called.
START_TEST(the_headers_identifiers_have_room_behind_any_body) {
    sample_api(&sample, "openai", "responses");
    buf_text(&text, "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
                    "\"output\":[");
    for (int i = 0; i < 300; i++)
        buf_printf(&text,
                   "%s{\"type\":\"function_call\",\"id\":\"fc_%d\",\"call_id\":\"call_%d\","
                   "\"name\":\"f\",\"arguments\":\"{}\"}",
                   i ? "," : "", i, i);
    buf_text(&text, "]}");
    read_text("x-request-id: req_1\r\nopenai-organization: org-1\r\nx-a-id: a1\r\n");
    ck_assert(!sample.refusal);
    ck_assert_uint_eq(sample.count, IDENTIFIERS_MAX);
    ck_assert(sample_has(&sample, "response_id", "resp_1", "$.id"));
    ck_assert(sample_has(&sample, "request_id", "req_1", "header:x-request-id"));
    ck_assert(sample_has(&sample, "organization_id", "org-1", "header:openai-organization"));
    ck_assert(sample_has(&sample, NULL, "a1", "header:x-a-id"));
    ck_assert_uint_eq(sample.extract->identifiers_left_out, 1 + 600 + 3 - IDENTIFIERS_MAX);
    ck_assert(json_is_complete(sample.head.metadata));
    ck_assert(holds(sample.head.metadata, "\"identifiers_left_out\":92}"));

    sample_read(&sample, 200, "x-request-id: r\r\n",
                bytes_text("{\"id\":\"resp_2\",\"status\":\"completed\",\"output\":[]}"));
    ck_assert_uint_eq(sample.extract->identifiers_left_out, 0);
    ck_assert(!holds(sample.head.metadata, "left_out"));
    ck_assert_uint_eq(sample.count, 2);
}
END_TEST

START_TEST(headers_do_not_take_the_bodys_room) {
    struct buf block;
    buf_init(&block, ANSWER_HEADERS_BYTES_MAX);
    for (int i = 0; i < 1000; i++)
        buf_printf(&block, "x-%d-id: h%d\r\n", i, i);
    buf_text(&text, "{\"id\":\"r\",\"choices\":[{}],\"x\":[0");
    for (int i = 0; i < 600; i++)
        buf_printf(&text, ",{\"id\":\"e%d\"}", i);
    buf_text(&text, "]}");
    read_text(buf_cstr(&block));
    ck_assert(sample_has(&sample, NULL, "e400", NULL));
    ck_assert(sample_has(&sample, NULL, "h0", NULL));
    ck_assert_uint_eq(sample.count, IDENTIFIERS_MAX);
    ck_assert_uint_eq(sample.extract->identifiers_left_out, 1601 - IDENTIFIERS_MAX);
    buf_release(&block);
}
END_TEST

START_TEST(identifiers_of_events_that_find_no_room_are_counted) {
    sample_api(&sample, "anthropic", "messages");
    for (int i = 0; i < 300; i++)
        buf_printf(&text, "data: {\"type\":\"news\",\"news_id\":\"n%d\"}\n\n", i);
    read_text("request-id: r\r\n");
    ck_assert(sample_has(&sample, "request_id", "r", NULL));
    ck_assert(sample_has(&sample, "news_id", "n255", "stream[*].news_id"));
    ck_assert_uint_eq(sample.extract->identifiers_left_out, 300 - EVENT_IDENTIFIERS_MAX);
    ck_assert(holds(sample.head.metadata, "},\"identifiers_left_out\":44}"));
}
END_TEST

// Five rules over one place, and a value of 1,100 line feeds 3,600 times: each is longer than an
// identifier may be, and together they are more than there is room for.
START_TEST(what_is_no_identifier_takes_no_room) {
    static struct identifier_rule rules[5];
    static struct jsonpath *path;
    struct provider_api api = *sample.api;
    ck_assert_int_eq(jsonpath_new(bytes_text("$..v"), &path, NULL, 0), ERR_OK);
    for (size_t i = 0; i < 5; i++)
        rules[i] = (struct identifier_rule){.kind = i ? "b" : "a", .path = path, .is_users = true};
    api.identifiers = rules;
    api.identifier_count = 5;
    sample.api = &api;
    buf_text(&text, "{\"id\":\"r\",\"choices\":[{}],\"x\":[0");
    for (int i = 0; i < 3600; i++) {
        buf_text(&text, ",{\"v\":\"");
        put_many("\\n", 1100);
        buf_text(&text, "\"}");
    }
    buf_text(&text, "]}");
    read_text("x-request-id: q\r\n");
    ck_assert_ptr_null(sample.refusal);
    ck_assert_uint_eq(sample.count, 2);
    ck_assert_uint_lt(sample.extract->pool.size, 1000);
    jsonpath_free(path);
}
END_TEST

// ---- counters -----------------------------------------------------------------------------------

static void read_searches(unsigned distinct, unsigned alike) {
    buf_reset(&text);
    buf_text(&text, "{\"candidates\":[{\"finishReason\":\"STOP\",\"groundingMetadata\":{"
                    "\"webSearchQueries\":[\"\"");
    for (unsigned i = 0; i < distinct; i++)
        buf_printf(&text, ",\"q%u\"", i);
    put_many(",\"q\"", alike);
    buf_text(&text, "]}}],\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":2,"
                    "\"totalTokenCount\":5}}");
    read_text("");
    ck_assert(!sample.refusal);
}

START_TEST(searches_are_counted_as_far_as_they_are_looked_at) {
    sample_api(&sample, "gemini", "generate");
    read_searches(998, 1);
    ck_assert_int_eq(sample.head.web_searches, 999);
    ck_assert(!sample.head.is_inconsistent);
    read_searches(1000, 0);
    ck_assert(sample.head.is_inconsistent);
    read_searches(3, 1000000);
    ck_assert_int_eq(sample.head.web_searches, 4);
    ck_assert(sample.head.is_inconsistent);
}
END_TEST

// ---- streams ------------------------------------------------------------------------------------

START_TEST(a_step_that_ends_again_and_again_is_put_in_once) {
    sample_api(&sample, "gemini", "interactions");
    buf_text(&text, "data: {\"event_type\":\"step.start\",\"index\":0,\"step\":{\"type\":"
                    "\"function_call\"}}\n\ndata: {\"event_type\":\"step.delta\",\"index\":0,"
                    "\"delta\":{\"type\":\"arguments_delta\",\"arguments\":\"");
    put_many(" ", 3 << 20);
    buf_text(&text, "{\\\"x\\\":1}\"}}\n\n");
    put_many("data: {\"event_type\":\"step.stop\",\"index\":0}\n\n", 100000);
    buf_text(&text, "data: {\"event_type\":\"interaction.completed\",\"interaction\":{\"id\":\"i\","
                    "\"status\":\"requires_action\"}}\n\ndata: [DONE]\n\n");
    read_text("");
    ck_assert(!sample.refusal);
    ck_assert(holds(extract_body(sample.extract), "\"arguments\":{\"x\":1}}"));
}
END_TEST

START_TEST(a_message_that_ends_again_and_again_ends_once) {
    sample_api(&sample, "anthropic", "messages");
    buf_text(&text, "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":"
                    "\"message\",\"content\":[]}}\n\n");
    for (int i = 0; i < 30000; i++)
        buf_printf(&text,
                   "data: {\"type\":\"content_block_delta\",\"index\":%d,\"delta\":{"
                   "\"partial_json\":\"[%d]\"}}\n\n",
                   i, i);
    buf_text(&text, "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}"
                    "\n\n");
    put_many("data: {\"type\":\"message_stop\"}\n\n", 120000);
    read_text("");
    ck_assert(!sample.refusal);
    ck_assert(holds(extract_body(sample.extract), "{\"input\":[29999]}"));
}
END_TEST

// What is null is not said: the first choice, as where nothing is.
START_TEST(a_choice_whose_index_is_null_is_the_first) {
    buf_text(&text, "data: {\"choices\":[{\"index\":null,\"delta\":{\"content\":\"a\"}}]}\n\n"
                    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},"
                    "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
    read_text("");
    ck_assert_msg(!sample.refusal, "%s", sample.refusal);
    ck_assert(bytes_is(sample.head.message, "{\"role\":\"assistant\",\"content\":\"ab\"}"));

    sample_api(&sample, "gemini", "generate");
    buf_reset(&text);
    buf_text(&text, "data: {\"candidates\":[{\"index\":null,\"content\":{\"parts\":[{\"text\":"
                    "\"a\"}]},\"finishReason\":\"STOP\"}]}\n\n");
    read_text("");
    ck_assert_msg(!sample.refusal, "%s", sample.refusal);
    ck_assert(holds(sample.head.message, "\"text\":\"a\""));
}
END_TEST

static void read_parts(const char *const parts[2], const char *expected) {
    buf_reset(&text);
    for (int i = 0; i < 2; i++)
        buf_printf(&text, "data: {\"choices\":[{\"delta\":{\"content\":%s}%s}]}\n\n", parts[i],
                   i ? ",\"finish_reason\":\"stop\"" : "");
    buf_text(&text, "data: [DONE]\n\n");
    read_text("");
    ck_assert_msg(!sample.refusal, "%s", sample.refusal);
    ck_assert_msg(holds(extract_body(sample.extract), expected), "%s", expected);
}

// Two images joined are one, and the other is lost: only what holds nothing but a text goes on.
START_TEST(parts_that_hold_more_than_a_text_are_parts_of_their_own) {
    static const struct {
        const char *parts[2];
        const char *expected;
    } cases[] = {
        {{"[{\"type\":\"image_url\",\"image_url\":{\"url\":\"A\"}},{\"type\":\"image_url\","
          "\"image_url\":{\"url\":\"B\"}}]",
          "[{\"type\":\"image_url\",\"image_url\":{\"url\":\"C\"}}]"},
         "\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"A\"}},{\"type\":"
         "\"image_url\",\"image_url\":{\"url\":\"B\"}},{\"type\":\"image_url\",\"image_url\":{"
         "\"url\":\"C\"}}]"},
        {{"[{\"text\":\"a\"},{\"image_url\":{\"url\":\"A\"}}]", "[{\"text\":\"b\"}]"},
         "\"content\":[{\"text\":\"a\"},{\"image_url\":{\"url\":\"A\"}},{\"text\":\"b\"}]"},
        {{"[{\"type\":\"redacted\",\"data\":\"A\"}]", "[{\"type\":\"redacted\",\"data\":\"B\"}]"},
         "\"content\":[{\"type\":\"redacted\",\"data\":\"A\"},{\"type\":\"redacted\",\"data\":"
         "\"B\"}]"},
        {{"[{\"type\":\"text\",\"text\":\"a\",\"notes\":[1]}]", "\"b\""},
         "\"content\":[{\"type\":\"text\",\"text\":\"a\",\"notes\":[1]},{\"type\":\"text\","
         "\"text\":\"b\"}]"},
        {{"[{\"type\":\"text\",\"text\":\"a\",\"notes\":null}]",
          "[{\"type\":\"text\",\"text\":\"b\",\"notes\":null}]"},
         "\"content\":[{\"type\":\"text\",\"text\":\"ab\",\"notes\":null}]"},
        {{"[1,\"a\"]", "[\"b\"]"}, "\"content\":[1,\"a\",\"b\"]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        read_parts(cases[i].parts, cases[i].expected);
}
END_TEST

START_TEST(parts_without_a_type_get_none) {
    buf_text(&text, "data: {\"choices\":[{\"delta\":{\"content\":[{\"text\":\"a\"}]}}]}\n\n"
                    "data: {\"choices\":[{\"delta\":{\"content\":[{\"text\":\"b\"},{\"type\":"
                    "\"text\",\"text\":\"c\"}]},\"finish_reason\":\"stop\"}]}\n\n"
                    "data: [DONE]\n\n");
    read_text("");
    ck_assert(holds(extract_body(sample.extract),
                    "\"content\":[{\"text\":\"ab\"},{\"type\":\"text\",\"text\":\"c\"}]"));
}
END_TEST

// An event stands two levels deeper in the metadata: more than can be read again would cost the
// whole record.
START_TEST(events_that_nest_too_deep_are_counted_and_cost_the_answer_nothing) {
    sample_api(&sample, "anthropic", "messages");
    for (unsigned depth = JSON_DEPTH_MAX - 4; depth < JSON_DEPTH_MAX; depth++) {
        buf_reset(&text);
        buf_text(&text, "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"content\":"
                        "[]}}\n\ndata: {\"type\":\"news\",\"x\":");
        put_many("[", depth);
        put_many("]", depth);
        buf_text(&text, "}\n\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
                        "\"end_turn\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n");
        read_text("");
        bool fits = depth + 1 + 2 <= JSON_DEPTH_MAX;
        ck_assert_msg(!sample.refusal, "%s", sample.refusal);
        ck_assert(json_is_complete(sample.head.metadata));
        ck_assert_int_eq(!holds(sample.head.metadata, "\"count\":4,\"last\":null"), fits);
        ck_assert_uint_eq(sample.extract->paths_given_up, !fits);
    }
}
END_TEST

// A name twice is no JSON for who reads it strictly, and its fields are found no more.
START_TEST(no_name_stands_twice_in_the_metadata) {
    struct json_scan scan;
    json_scan_init(&scan);
    buf_text(&text, "data: {\"stream_events\":1,\"identifiers_left_out\":2,\"choices\":[{\"delta\":"
                    "{\"content\":\"a\"},\"finish_reason\":\"stop\"}],\"x\":[0");
    for (int i = 0; i < IDENTIFIERS_MAX; i++)
        buf_printf(&text, ",{\"id\":\"e%d\"}", i);
    buf_text(&text, "]}\n\ndata: [DONE]\n\n");
    read_text("");
    ck_assert_msg(!sample.refusal, "%s", sample.refusal);
    ck_assert_uint_eq(sample.extract->identifiers_left_out, 0);
    ck_assert_int_eq(json_scan(&scan, sample.head.metadata, NULL), ERR_OK);
    ck_assert(holds(sample.head.metadata, "\"stream_events\":1"));
    json_scan_release(&scan);
}
END_TEST

START_TEST(a_rest_of_events_that_finds_no_room_is_counted) {
    sample_api(&sample, "anthropic", "messages");
    buf_text(&text, "data: {\"type\":\"news\",\"x\":[0");
    put_many(",0", GROWN_NODES_MAX);
    buf_text(&text, "]}\n\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":"
                    "\"message\",\"content\":[]}}\n\n");
    read_text("");
    ck_assert(sample_has(&sample, "response_id", "m", "$.id"));
    ck_assert(holds(sample.head.metadata, "\"last\":null"));
    ck_assert_uint_eq(sample.extract->paths_given_up, 1);
}
END_TEST

// ---- calls --------------------------------------------------------------------------------------

static struct bytes call_id_of(const char *tokens, char id[64]) {
    buf_reset(&text);
    buf_printf(&text,
               "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\"}},{"
               "\"functionCall\":{\"name\":\"f\"}}]},\"finishReason\":\"STOP\"}],"
               "\"usageMetadata\":{\"promptTokenCount\":%s}}",
               tokens);
    read_text("");
    ck_assert(!sample.refusal);
    struct bytes message = sample.head.message;
    const uint8_t *at = memmem(message.at, message.size, "\"id\":\"", 6);
    ck_assert_ptr_nonnull(at);
    (void)snprintf(id, 64, "%.*s", (int)strcspn((const char *)at + 6, "\""), at + 6);
    return bytes_text(id);
}

// Two turns of one conversation, of an API that names neither the answers nor the calls.
START_TEST(calls_without_ids_get_such_as_no_other_turn_has) {
    char one[64], again[64], other[64];
    sample_api(&sample, "gemini", "generate");
    struct bytes id = call_id_of("7", one);
    ck_assert(bytes_equal(id, call_id_of("7", again)));
    ck_assert(!bytes_equal(id, call_id_of("19", other)));
    ck_assert(holds(sample.head.message, "-0\"") && holds(sample.head.message, "-1\""));
}
END_TEST

// An id that is empty names nothing, and a name that stands twice spoils each later turn.
START_TEST(a_part_has_one_type_and_a_call_one_id_that_says_something) {
    struct json_scan scan;
    json_scan_init(&scan);
    sample_api(&sample, "gemini", "generate");
    buf_text(&text, "{\"responseId\":\"\",\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\","
                    "\"type\":\"x\"},{\"functionCall\":{\"id\":\"\",\"name\":\"f\"},\"type\":\"y\","
                    "\"id\":\"z\"}]},\"finishReason\":\"STOP\"}]}");
    read_text("");
    ck_assert(!sample.refusal);
    ck_assert_int_eq(json_scan(&scan, sample.head.message, NULL), ERR_OK);
    ck_assert(holds(sample.head.message,
                    "{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"tool_use\","
                    "\"id\":\"call-"));
    json_scan_release(&scan);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("bounds");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, identifiers_behind_many_siblings_have_their_places);
    tcase_add_test(all, a_name_that_is_too_long_for_a_place_costs_no_identifier);
    tcase_add_test(all, the_headers_identifiers_have_room_behind_any_body);
    tcase_add_test(all, headers_do_not_take_the_bodys_room);
    tcase_add_test(all, identifiers_of_events_that_find_no_room_are_counted);
    tcase_add_test(all, what_is_no_identifier_takes_no_room);
    tcase_add_test(all, searches_are_counted_as_far_as_they_are_looked_at);
    tcase_add_test(all, a_step_that_ends_again_and_again_is_put_in_once);
    tcase_add_test(all, a_message_that_ends_again_and_again_ends_once);
    tcase_add_test(all, a_choice_whose_index_is_null_is_the_first);
    tcase_add_test(all, parts_that_hold_more_than_a_text_are_parts_of_their_own);
    tcase_add_test(all, parts_without_a_type_get_none);
    tcase_add_test(all, events_that_nest_too_deep_are_counted_and_cost_the_answer_nothing);
    tcase_add_test(all, no_name_stands_twice_in_the_metadata);
    tcase_add_test(all, a_rest_of_events_that_finds_no_room_is_counted);
    tcase_add_test(all, calls_without_ids_get_such_as_no_other_turn_has);
    tcase_add_test(all, a_part_has_one_type_and_a_call_one_id_that_says_something);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
