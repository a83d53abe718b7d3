// Conversations that go on from the ledger, and those that bring what was said before.
#include "common/id.h"
#include "common/mem.h"
#include "workers/ingress/judge.h" // for its bounds
#include "workers/ingress/resolve.h"
#include "workers/ingress/validate.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static const struct id BATCH = {{7}}, ORIGIN = {{8}}, TALK = {{9}};
static struct catalogue *catalogue;
static struct validator *validator;
static struct put_item item;
static uint64_t line;

static void set_up(void) {
    struct buf document, problems;
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 64 << 10);
    ck_assert_int_eq(catalogue_compile_folder(NULL, &document, &problems), ERR_OK);
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &catalogue), ERR_OK);
    buf_release(&document);
    buf_release(&problems);
    validator = validator_new(bytes_text(""), BATCH, false);
    validator_catalogue(validator, catalogue);
    line = 0;
}

static void tear_down(void) {
    validator_free(validator);
    catalogue_free(catalogue);
}

static void start_over(bool continues) {
    validator_free(validator);
    validator = validator_new(bytes_text(""), BATCH, continues);
    validator_catalogue(validator, catalogue);
    line = 0;
}

static enum refusal judge(const char *text) {
    struct id job = {{0x55}};
    job.at[15] = (uint8_t)++line;
    return validator_line(validator, line, bytes_text(text), job, 1795000000000, &item);
}

static struct resolved talk_with(uint32_t turn) {
    return (struct resolved){.conversation = TALK,
                             .origin = ORIGIN,
                             .name = bytes_text("talk"),
                             .turn = turn,
                             .provider = bytes_text("openai"),
                             .api = bytes_text("chat"),
                             .model = bytes_text("gpt-5-nano")};
}

static void resolve_with(struct resolved resolved) {
    validator_resolved(validator, &resolved);
}

// ---- continuing ---------------------------------------------------------------------------------

// Otherwise the turn would begin a conversation of its own, without anything that was said before.
START_TEST(a_turn_goes_on_where_the_ledger_stands_with_the_model_that_it_had) {
    const char *first = "{\"conversation\":\"talk\",\"continue\":true,\"input\":\"and?\"}";
    ck_assert_int_eq(judge(first), REFUSAL_unresolved);
    ck_assert(bytes_is(validator_wants(validator), "talk"));
    resolve_with(talk_with(4));
    ck_assert_int_eq(judge(first), REFUSAL_none);
    ck_assert_uint_eq(item.turn, 5);
    ck_assert(id_equal(item.conversation_id, TALK) && id_equal(item.origin_id, ORIGIN));
    ck_assert(bytes_is(item.model, "gpt-5-nano") && bytes_is(item.provider, "openai"));
    ck_assert(bytes_is(item.custom_id, "talk/5"));
    ck_assert_int_eq(judge("{\"conversation\":\"talk\",\"input\":\"so?\"}"), REFUSAL_none);
    ck_assert_uint_eq(item.turn, 6);
    ck_assert(id_equal(item.conversation_id, TALK));
}
END_TEST

// A conversation that is named by its id is still the one that everybody calls by its name.
START_TEST(a_conversation_named_by_its_id_keeps_its_name) {
    char first[128], id[UUID_TEXT_SIZE];
    uuid_text(TALK, id);
    (void)snprintf(first, sizeof(first),
                   "{\"conversation\":\"%s\",\"continue\":true,\"input\":\"x\"}", id);
    ck_assert_int_eq(judge(first), REFUSAL_unresolved);
    resolve_with(talk_with(1));
    ck_assert_int_eq(judge(first), REFUSAL_none);
    ck_assert(bytes_is(item.conversation, "talk"));
}
END_TEST

START_TEST(a_whole_file_can_go_on_and_a_turn_may_ask_another_model) {
    const char *first = "{\"conversation\":\"talk\",\"model\":\"anthropic/claude-haiku-4-5\","
                        "\"input\":\"and?\"}";
    start_over(true);
    ck_assert_int_eq(judge(first), REFUSAL_unresolved);
    resolve_with(talk_with(2));
    ck_assert_int_eq(judge(first), REFUSAL_none);
    ck_assert(bytes_is(item.provider, "anthropic") && bytes_is(item.model, "claude-haiku-4-5"));
}
END_TEST

// A misspelt name would be a conversation without its past, paid for; and the turns behind it.
START_TEST(a_conversation_that_cannot_be_continued_is_refused_with_its_later_turns) {
    const char *first = "{\"conversation\":\"tlak\",\"continue\":true,\"input\":\"and?\"}";
    ck_assert_int_eq(judge(first), REFUSAL_unresolved);
    resolve_with((struct resolved){.refusal = REFUSAL_conversation_unknown,
                                   .detail = bytes_text("no conversation tlak")});
    ck_assert_int_eq(judge(first), REFUSAL_conversation_unknown);
    ck_assert(bytes_is(item.detail, "no conversation tlak"));
    ck_assert_int_eq(judge("{\"conversation\":\"tlak\",\"input\":\"so?\"}"),
                     REFUSAL_earlier_turn_refused);
}
END_TEST

// A line is judged twice when its conversation had to be sought: once must not count.
START_TEST(what_waits_for_an_answer_has_changed_nothing) {
    const char *first =
        "{\"custom_id\":\"a\",\"conversation\":\"talk\",\"continue\":true,\"input\":\"and?\"}";
    ck_assert_int_eq(judge(first), REFUSAL_unresolved);
    ck_assert_int_eq(judge(first), REFUSAL_unresolved);
    resolve_with(talk_with(1));
    ck_assert_int_eq(judge(first), REFUSAL_none);
    ck_assert_int_eq(judge(first), REFUSAL_duplicate_custom_id);
}
END_TEST

// The ledger would be asked about the line again and again, and the file never end.
START_TEST(a_conversation_beyond_the_bound_is_refused_and_not_sought) {
    const char *first = "{\"conversation\":\"talk\",\"input\":\"and?\"}";
    start_over(true);
    validator->conversation_ids.count_max = 1;
    ck_assert_int_eq(judge(first), REFUSAL_unresolved);
    resolve_with(talk_with(4));
    ck_assert_int_eq(judge(first), REFUSAL_none);
    ck_assert_int_eq(judge("{\"conversation\":\"other\",\"input\":\"and?\"}"),
                     REFUSAL_too_many_conversations);
    ck_assert_int_eq(judge(first), REFUSAL_none);
    ck_assert_uint_eq(item.turn, 6);
}
END_TEST

START_TEST(continue_stands_in_the_first_line_of_its_conversation) {
    ck_assert_int_eq(
        judge("{\"conversation\":\"c\",\"model\":\"openai/gpt-5-nano\",\"input\":\"a\"}"),
        REFUSAL_none);
    ck_assert_int_eq(judge("{\"conversation\":\"c\",\"continue\":true,\"input\":\"b\"}"),
                     REFUSAL_wrong_type);
    ck_assert_int_eq(judge("{\"conversation\":\"d\",\"continue\":1,\"input\":\"b\"}"),
                     REFUSAL_wrong_type);
}
END_TEST

// ---- bringing -----------------------------------------------------------------------------------

START_TEST(a_first_turn_may_bring_what_was_said_before) {
    ck_assert_int_eq(
        judge("{\"conversation\":\"c\",\"model\":\"openai/gpt-5-nano\",\"messages\":["
              "{\"role\":\"user\",\"content\":\"a\"},"
              "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\"}]},"
              "{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"b\"}]}"),
        REFUSAL_none);
    ck_assert_uint_eq(item.turn, 1);
    ck_assert_int_eq(judge("{\"conversation\":\"c\",\"messages\":[{\"role\":\"user\",\"content\":"
                           "\"a\"}]}"),
                     REFUSAL_messages_not_first);
}
END_TEST

START_TEST(messages_that_are_no_history_with_a_question_are_refused) {
    static const char *const wrong[] = {
        "[]",
        "[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]",
        "[{\"role\":\"system\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"}]",
        "[{\"role\":\"user\"}]",
        "[{\"role\":\"user\",\"content\":\"\"}]",
        "[{\"role\":\"user\",\"content\":[]}]",
        "[{\"role\":\"user\",\"content\":7}]",
        "[{\"content\":\"a\"}]",
        "[\"a\"]",
        "[{\"role\":7,\"content\":\"a\"}]",
    };
    char text[512];
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        start_over(false);
        (void)snprintf(text, sizeof(text),
                       "{\"conversation\":\"c\",\"model\":\"openai/gpt-5-nano\",\"messages\":%s}",
                       wrong[i]);
        ck_assert_msg(judge(text) == REFUSAL_wrong_type, "%s", wrong[i]);
        ck_assert_uint_gt(item.detail.size, 0);
    }
    start_over(false);
    ck_assert_int_eq(
        judge("{\"conversation\":\"c\",\"model\":\"openai/gpt-5-nano\",\"input\":\"a\","
              "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}"),
        REFUSAL_wrong_type);
}
END_TEST

// ---- seeking ------------------------------------------------------------------------------------

static struct resolve resolve;
static struct buf arguments;
static const char *const FOUND =
    "{\"conversation\":\"09000000-0000-0000-0000-000000000000\",\"name\":\"talk\",\"origin\":"
    "\"08000000-0000-0000-0000-000000000000\",\"turn\":%d,\"provider\":\"openai\",\"api\":\"chat\","
    "\"model\":\"gpt-5-nano\"}";

static void start_seeking(struct id batch) {
    resolve_init(&resolve);
    buf_init(&arguments, 4096);
    resolve_start(&resolve, bytes_text("talk"), batch);
}

static void end_seeking(void) {
    resolve_release(&resolve);
    buf_release(&arguments);
}

// Returns what is asked now; empty: nothing.
static const char *asked(uint64_t now_ms) {
    const char *what = "";
    return resolve_next(&resolve, now_ms, &what, &arguments) ? what : "";
}

static void answer(int exit, const char *format, int turn) {
    char document[512];
    (void)snprintf(document, sizeof(document), format, turn);
    resolve_answer(&resolve, (uint64_t)exit, bytes_text("why"), bytes_text(document), 1000);
}

// The number of the last turn that the ledger says first may be old: a turn was just being
// recorded.
START_TEST(the_last_turn_is_asked_for_when_nothing_is_on_its_way_any_more) {
    start_seeking(BATCH);
    ck_assert_str_eq(asked(0), "conversation.resolve");
    ck_assert_str_eq(asked(0), "");
    ck_assert_ptr_nonnull(strstr(buf_cstr(&arguments), "\"talk\""));
    answer(0, FOUND, 3);
    ck_assert_str_eq(asked(0), "conversation.live");
    answer(0, "{\"batch\":null,\"is_running\":false}", 0);
    ck_assert_str_eq(asked(0), "conversation.resolve");
    answer(0, FOUND, 4);
    ck_assert_int_eq(resolve.state, RESOLVE_DONE);
    ck_assert_uint_eq(resolve.resolved.turn, 4);
    ck_assert(id_equal(resolve.resolved.conversation, TALK));
    ck_assert_str_eq(asked(10000), "");
    end_seeking();
}
END_TEST

START_TEST(a_conversation_with_turns_on_their_way_is_waited_for) {
    start_seeking(BATCH);
    (void)asked(1000);
    answer(0, FOUND, 3);
    (void)asked(1000);
    answer(0, "{\"batch\":\"06000000-0000-0000-0000-000000000000\",\"is_running\":true}", 0);
    ck_assert(resolve.is_busy);
    ck_assert_str_eq(asked(1001), "");
    ck_assert_str_eq(asked(2000), "conversation.resolve");
    answer(0, FOUND, 3);
    ck_assert_str_eq(asked(2000), "conversation.live");
    // Those of the batch that asks are its own.
    answer(0, "{\"batch\":\"07000000-0000-0000-0000-000000000000\",\"is_running\":true}", 0);
    ck_assert_str_eq(asked(2000), "conversation.resolve");
    ck_assert(!resolve.is_busy);
    end_seeking();
}
END_TEST

// It would wait for ever: only a person can decide about turns that are dead or parked.
START_TEST(a_conversation_that_is_held_up_is_refused) {
    start_seeking(BATCH);
    (void)asked(0);
    answer(0, FOUND, 3);
    (void)asked(0);
    answer(0, "{\"batch\":\"06000000-0000-0000-0000-000000000000\",\"is_running\":false}", 0);
    ck_assert_int_eq(resolve.state, RESOLVE_DONE);
    ck_assert_int_eq(resolve.resolved.refusal, REFUSAL_conversation_held_up);
    end_seeking();
}
END_TEST

START_TEST(what_nobody_knows_or_several_are_called_is_refused_and_silence_is_asked_again) {
    static const struct {
        int exit;
        enum refusal refusal;
    } ends[] = {{EX_NOINPUT, REFUSAL_conversation_unknown},
                {EX_DATAERR, REFUSAL_conversation_ambiguous},
                {EX_UNAVAILABLE, REFUSAL_none},
                {EX_TEMPFAIL, REFUSAL_none}};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        start_seeking(BATCH);
        (void)asked(0);
        answer(ends[i].exit, "{}", 0);
        if (ends[i].refusal != REFUSAL_none) {
            ck_assert_int_eq(resolve.resolved.refusal, ends[i].refusal);
            ck_assert(bytes_is(resolve.resolved.detail, "why"));
        } else {
            ck_assert_str_eq(asked(5000), "conversation.resolve");
        }
        end_seeking();
    }
}
END_TEST

START_TEST(an_answer_that_is_none_is_a_refusal) {
    static const char *const broken[] = {"", "[]", "{\"turn\":3}", "{\"conversation\":\"x\"}"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        start_seeking(BATCH);
        (void)asked(0);
        answer(0, broken[i], 0);
        ck_assert_int_eq(resolve.resolved.refusal, REFUSAL_conversation_unknown);
        end_seeking();
    }
}
END_TEST

// A file that is only checked continues nothing: whether it is busy now does not matter.
START_TEST(who_only_checks_does_not_wait) {
    start_seeking((struct id){{0}});
    (void)asked(0);
    answer(0, FOUND, 3);
    ck_assert_int_eq(resolve.state, RESOLVE_DONE);
    ck_assert_int_eq(resolve.resolved.refusal, REFUSAL_none);
    end_seeking();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("continue");
    TCase *tests = tcase_create("continue");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_turn_goes_on_where_the_ledger_stands_with_the_model_that_it_had);
    tcase_add_test(tests, a_conversation_named_by_its_id_keeps_its_name);
    tcase_add_test(tests, a_whole_file_can_go_on_and_a_turn_may_ask_another_model);
    tcase_add_test(tests, a_conversation_that_cannot_be_continued_is_refused_with_its_later_turns);
    tcase_add_test(tests, what_waits_for_an_answer_has_changed_nothing);
    tcase_add_test(tests, a_conversation_beyond_the_bound_is_refused_and_not_sought);
    tcase_add_test(tests, continue_stands_in_the_first_line_of_its_conversation);
    tcase_add_test(tests, a_first_turn_may_bring_what_was_said_before);
    tcase_add_test(tests, messages_that_are_no_history_with_a_question_are_refused);
    tcase_add_test(tests, the_last_turn_is_asked_for_when_nothing_is_on_its_way_any_more);
    tcase_add_test(tests, a_conversation_with_turns_on_their_way_is_waited_for);
    tcase_add_test(tests, a_conversation_that_is_held_up_is_refused);
    tcase_add_test(tests,
                   what_nobody_knows_or_several_are_called_is_refused_and_silence_is_asked_again);
    tcase_add_test(tests, an_answer_that_is_none_is_a_refusal);
    tcase_add_test(tests, who_only_checks_does_not_wait);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
