// What a conversation's next turn is given.
#include "tests/unit/accountant/world.h"

#include "common/id.h"
#include "workers/accountant/context/full.h"

#include <check.h>
#include <stdlib.h>

static struct world world;
static struct buf context;

static void open_world(void) {
    world_open(&world);
    buf_init(&context, CONTEXT_BYTES_MAX);
}

static void close_world(void) {
    buf_release(&context);
    world_close(&world);
}

static void tell_turn(uint64_t turn, const char *line) {
    struct telling t;
    telling_answered(&world, &t, turn, "c1", turn);
    if (line)
        t.frames.line = bytes_text(line);
    t.item.strategy = bytes_text(turn > 1 ? "full" : "");
    (void)world_tell(&world, &t);
    telling_release(&t);
}

static struct prepared_item prepare(uint64_t turn, const char *line) {
    struct prepared_item prepared;
    const struct prepare_item asked = {
        .job = turn,
        .ask = 5,
        .job_id = job_of(turn),
        .batch_id = world.batch,
        .turn = turn,
        .conversation = bytes_text("c1"),
        .provider = bytes_text("openai"),
        .api = bytes_text("chat"),
        .model = bytes_text("gpt-5-nano"),
    };
    ck_assert_int_eq(context_full(&world.ledger, &asked, bytes_text(line), &context, &prepared),
                     ERR_OK);
    ck_assert_uint_eq(prepared.ask, 5);
    return prepared;
}

// A turn that does not know what was said before it is the wrong call, paid for.
START_TEST(a_turn_gets_every_answered_turn_before_it_in_order_and_its_own_input) {
    tell_turn(1, NULL);
    tell_turn(2, NULL);
    struct telling t;
    telling_answered(&world, &t, 3, "c1", 3);
    telling_outcome(&t, "skipped", 1);
    (void)world_tell(&world, &t);
    telling_release(&t);
    struct prepared_item prepared = prepare(4, "{\"conversation\":\"c1\",\"input\":\"And now?\"}");
    ck_assert_str_eq(buf_cstr(&context), "{\"model\":\"gpt-5-nano\",\"messages\":["
                                         "{\"role\":\"user\",\"content\":\"What is 1?\"},"
                                         "{\"role\":\"assistant\",\"content\":\"It is 7.\"},"
                                         "{\"role\":\"user\",\"content\":\"What is 2?\"},"
                                         "{\"role\":\"assistant\",\"content\":\"It is 14.\"},"
                                         "{\"role\":\"user\",\"content\":\"And now?\"}]}");
    ck_assert(bytes_is(prepared.strategy, "full"));
    ck_assert(digest_equal(prepared.context, digest_of(buf_bytes(&context))));
    ck_assert_uint_eq(prepared.tokens_estimate, (context.size * 2 + 6) / 7);
    ck_assert_int_gt(prepared.cost_max_pusd, 0);
}
END_TEST

// Parts are bound to the model that made them, and its answer does not say by which name it was
// asked for. What a file brings was asked of nobody.
START_TEST(a_message_with_parts_keeps_which_model_was_asked) {
    struct telling t;
    telling_answered(&world, &t, 1, "c1", 1);
    t.frames.line =
        bytes_text("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
                   "\"content\":[],\"shape\":\"x\"},{\"role\":\"user\",\"content\":\"b\"}]}");
    t.facts.message = bytes_text("{\"role\":\"assistant\",\"content\":[],\"shape\":\"x\",\"model\":"
                                 "\"gpt-5-nano-2025-08-07\"}");
    (void)world_tell(&world, &t);
    telling_release(&t);
    (void)prepare(2, "{\"input\":\"c\"}");
    ck_assert_str_eq(
        buf_cstr(&context),
        "{\"model\":\"gpt-5-nano\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
        "{\"role\":\"assistant\",\"content\":[],\"shape\":\"x\"},"
        "{\"role\":\"user\",\"content\":\"b\"},"
        "{\"role\":\"assistant\",\"content\":[],\"shape\":\"x\",\"model\":"
        "\"gpt-5-nano-2025-08-07\",\"asked\":\"gpt-5-nano\"},"
        "{\"role\":\"user\",\"content\":\"c\"}]}");
}
END_TEST

START_TEST(the_first_turn_of_an_unknown_conversation_has_no_history) {
    struct prepared_item prepared =
        prepare(1, "{\"input\":[{\"type\":\"text\",\"text\":\"Hi\"}],\"system\":\"Be short.\"}");
    ck_assert_uint_eq(prepared.refused.size, 0);
    ck_assert_str_eq(buf_cstr(&context),
                     "{\"model\":\"gpt-5-nano\",\"system\":\"Be short.\",\"messages\":["
                     "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}]}]}");
}
END_TEST

// A setting stated once holds, until it is stated again or taken back; what a later turn states
// must not reach an earlier one that a person revives.
START_TEST(settings_hold_until_they_are_stated_again) {
    tell_turn(1, "{\"input\":\"a\",\"system\":\"One.\",\"params\":{\"max_tokens\":10},"
                 "\"tools\":[{\"type\":\"function\"}]}");
    tell_turn(2, "{\"input\":\"b\",\"system\":\"Two.\"}");
    tell_turn(4, "{\"input\":\"d\",\"system\":\"Four.\"}");
    (void)prepare(3, "{\"input\":\"c\",\"tools\":null}");
    ck_assert_ptr_nonnull(strstr(buf_cstr(&context), "\"system\":\"Two.\""));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&context), "\"params\":{\"max_tokens\":10}"));
    ck_assert_ptr_null(strstr(buf_cstr(&context), "\"tools\""));
    ck_assert_ptr_null(strstr(buf_cstr(&context), "\"d\""));
    (void)prepare(5, "{\"input\":\"e\"}");
    ck_assert_ptr_nonnull(strstr(buf_cstr(&context), "\"system\":\"Four.\""));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&context), "\"tools\":[{\"type\":\"function\"}]"));
}
END_TEST

// The bound of a turn's cost is what a budget holds it by.
START_TEST(the_upper_bound_follows_the_requests_own_limit) {
    struct prepared_item wide = prepare(1, "{\"input\":\"a\"}");
    struct prepared_item narrow =
        prepare(1, "{\"input\":\"a\",\"params\":{\"max_completion_tokens\":10}}");
    struct prepared_item thrice =
        prepare(1, "{\"input\":\"a\",\"params\":{\"max_completion_tokens\":10,\"n\":3}}");
    ck_assert_int_gt(narrow.cost_max_pusd, 0);
    ck_assert_int_lt(narrow.cost_max_pusd, wide.cost_max_pusd);
    ck_assert_int_ge(thrice.cost_max_pusd, narrow.cost_max_pusd + 20 * 400000);
}
END_TEST

// Text of one byte a token (and there is such text) must not cost more than the bound, or a
// budget that nobody may exceed is exceeded.
START_TEST(the_upper_bound_counts_a_token_for_every_byte) {
    struct prepared_item prepared =
        prepare(1, "{\"input\":\"a1b2c3\",\"params\":{\"max_completion_tokens\":10}}");
    int64_t most = (int64_t)context.size * 50000 + 10 * 400000;
    ck_assert_int_ge(prepared.cost_max_pusd, most);
    ck_assert_uint_eq(prepared.tokens_estimate, (context.size * 2 + 6) / 7);
    // With tools the API puts some hundred tokens of its own before them.
    prepared = prepare(1, "{\"input\":\"a1b2c3\",\"params\":{\"max_completion_tokens\":10},"
                          "\"tools\":[{\"name\":\"f\"}]}");
    most = ((int64_t)context.size + 588) * 50000 + 10 * 400000;
    ck_assert_int_ge(prepared.cost_max_pusd, most);
    prepared = prepare(1, "{\"input\":\"a1b2c3\",\"params\":{\"max_completion_tokens\":10,"
                          "\"service_tier\":\"tomorrow\"}}");
    ck_assert_int_eq(prepared.cost_max_pusd, -1);
}
END_TEST

// An image's tokens do not follow from its bytes: a number here would be a lie.
START_TEST(a_context_with_an_image_a_file_or_audio_has_no_bound) {
    static const char *const parts[] = {
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x.example/a.png\"}}",
        "{\"type\":\"input_audio\",\"input_audio\":{}}", "{\"type\":\"file\",\"file\":{}}",
        "{\"type\":\"of_tomorrow\"}", "{}"};
    char line[256];
    ck_assert_int_gt(
        prepare(1, "{\"input\":[{\"type\":\"text\",\"text\":\"file\"}]}").cost_max_pusd, 0);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        (void)snprintf(
            line, sizeof(line),
            "{\"conversation\":\"c1\",\"input\":[{\"type\":\"text\",\"text\":\"a\"},%s]}",
            parts[i]);
        ck_assert_int_eq(prepare(1, line).cost_max_pusd, -1);
    }
    // What an earlier turn showed is sent again.
    tell_turn(1, line);
    ck_assert_int_eq(prepare(2, "{\"input\":\"And now?\"}").cost_max_pusd, -1);
}
END_TEST

// What a tool of the user's said is as long as it is; what a provider's tool will fetch is not
// known.
START_TEST(results_of_tools_are_bounded_and_a_providers_tools_are_not) {
    static const struct {
        const char *line;
        bool is_bounded;
    } cases[] = {
        {"{\"input\":[{\"type\":\"tool_result\",\"content\":\"rain\"}]}", true},
        {"{\"input\":[{\"type\":\"tool_result\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]"
         "}",
         true},
        {"{\"input\":[{\"type\":\"tool_result\",\"content\":[{\"type\":\"image\"}]}]}", false},
        {"{\"input\":\"a\",\"tools\":[{\"name\":\"f\"},{\"type\":\"function\"}]}", true},
        {"{\"input\":\"a\",\"tools\":[{\"type\":\"web_search_20250305\"}]}", false},
        {"{\"input\":\"a\",\"params\":{\"service_tier\":5}}", false},
        {"{\"input\":\"a\",\"params\":{\"web_search_options\":{}}}", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_msg((prepare(1, cases[i].line).cost_max_pusd > 0) == cases[i].is_bounded, "%s",
                      cases[i].line);
}
END_TEST

START_TEST(a_turn_without_a_usable_input_is_refused) {
    static const char *const lines[] = {"{\"conversation\":\"c1\"}", "{\"input\":7}",
                                        "{\"input\":null}", "{\"input\":\"a\"", ""};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct prepared_item prepared = prepare(1, lines[i]);
        ck_assert(bytes_is(prepared.refused, "no_input"));
        ck_assert_uint_eq(context.size, 0);
    }
}
END_TEST

// A history that no request can hold ends the turn, with a reason; it must not end the process.
START_TEST(a_context_beyond_the_limit_is_refused) {
    struct telling t;
    size_t size = 3 << 20;
    char *large = malloc(size + 64);
    (void)snprintf(large, 32, "{\"role\":\"assistant\",\"content\":\"");
    size_t at = strlen(large);
    memset(large + at, 'x', size - at);
    memcpy(large + size, "\"}", 3);
    for (uint64_t turn = 1; turn <= 3; turn++) {
        telling_answered(&world, &t, turn, "c1", turn);
        t.facts.message = bytes_text(large);
        ck_assert(world_tell(&world, &t).has_answer);
        telling_release(&t);
    }
    free(large);
    ck_assert(bytes_is(prepare(4, "{\"input\":\"a\"}").refused, "context_too_large"));
    ck_assert_uint_eq(prepare(3, "{\"input\":\"a\"}").refused.size, 0);
}
END_TEST

// The limit holds to the byte: what is one longer would not fit what carries it.
START_TEST(a_context_fits_to_the_byte) {
    static const char begin[] = "{\"input\":\"", end[] = "\"}";
    size_t beside = prepare(1, "{\"input\":\"\"}").refused.size == 0 ? context.size : 0;
    for (int by = -1; by <= 1; by++) {
        size_t size = (size_t)(CONTEXT_BYTES_MAX + by) - beside;
        char *line = malloc(size + sizeof(begin) + sizeof(end));
        memcpy(line, begin, sizeof(begin) - 1);
        memset(line + sizeof(begin) - 1, 'x', size);
        memcpy(line + sizeof(begin) - 1 + size, end, sizeof(end));
        struct prepared_item prepared = prepare(1, line);
        if (by > 0) {
            ck_assert(bytes_is(prepared.refused, "context_too_large"));
        } else {
            ck_assert_uint_eq(prepared.refused.size, 0);
            ck_assert_uint_eq(context.size, (size_t)(CONTEXT_BYTES_MAX + by));
        }
        free(line);
    }
}
END_TEST

// The ledger keeps with each call what it was sent.
START_TEST(a_call_keeps_which_turns_its_context_held) {
    struct telling t;
    for (uint64_t turn = 1; turn <= 7; turn++) {
        if (turn == 4) {
            telling_answered(&world, &t, turn, "c1", turn);
            telling_outcome(&t, "skipped", 1);
            (void)world_tell(&world, &t);
            telling_release(&t);
        } else {
            tell_turn(turn, NULL);
        }
    }
    ck_assert_int_eq(world_count(&world, "SELECT context_turns='1-3,5-6' FROM call WHERE turn=7"),
                     1);
    ck_assert_int_eq(world_count(&world, "SELECT context_turns='1' FROM call WHERE turn=2"), 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("context");
    TCase *tests = tcase_create("context");
    tcase_add_checked_fixture(tests, open_world, close_world);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_turn_gets_every_answered_turn_before_it_in_order_and_its_own_input);
    tcase_add_test(tests, a_message_with_parts_keeps_which_model_was_asked);
    tcase_add_test(tests, the_first_turn_of_an_unknown_conversation_has_no_history);
    tcase_add_test(tests, settings_hold_until_they_are_stated_again);
    tcase_add_test(tests, the_upper_bound_follows_the_requests_own_limit);
    tcase_add_test(tests, the_upper_bound_counts_a_token_for_every_byte);
    tcase_add_test(tests, a_context_with_an_image_a_file_or_audio_has_no_bound);
    tcase_add_test(tests, results_of_tools_are_bounded_and_a_providers_tools_are_not);
    tcase_add_test(tests, a_turn_without_a_usable_input_is_refused);
    tcase_add_test(tests, a_context_beyond_the_limit_is_refused);
    tcase_add_test(tests, a_context_fits_to_the_byte);
    tcase_add_test(tests, a_call_keeps_which_turns_its_context_held);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
