// What answers say of money that is not there, of lines that failed, and of what is too large.
#include "tests/unit/accountant/world.h"

#include "common/id.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct world world;

static void open_world(void) {
    world_open(&world);
}

static void close_world(void) {
    world_close(&world);
}

static const char *text_at(json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

static int64_t number_at(json_t *object, const char *name) {
    json_t *value = json_object_get(object, name);
    ck_assert_msg(json_is_integer(value), "%s is no number", name);
    return json_integer_value(value);
}

static bool is_null_at(json_t *object, const char *name) {
    json_t *value = json_object_get(object, name);
    ck_assert_msg(value != NULL, "%s is missing", name);
    return json_is_null(value);
}

static const char *batch_text(void) {
    static char text[UUID_TEXT_SIZE];
    uuid_text(world.batch, text);
    return text;
}

static void tell_answered(uint64_t n, const char *name, uint64_t turn) {
    struct telling t;
    telling_answered(&world, &t, n, name, turn);
    (void)world_tell(&world, &t);
    telling_release(&t);
}

// ---- money that is not there --------------------------------------------------------------------

// "$0.00" for calls that may have cost anything is the answer that nobody can trust.
START_TEST(a_sum_without_any_amount_is_null_and_not_zero) {
    struct telling t;
    telling_batch(&world, &t, "open", 1, 0);
    (void)world_tell(&world, &t);
    telling_release(&t);
    json_t *batch = world_ask(&world, "batch.show", "{\"batch\":\"%s\"}", batch_text());
    ck_assert_int_eq(number_at(batch, "amount_pusd"), 0);
    ck_assert_int_eq(number_at(batch, "possibly_billed_pusd"), 0);
    json_decref(batch);
    telling_answered(&world, &t, 1, "c1", 1);
    telling_end(&t, "unknown");
    t.item.cost_max_pusd = -1;
    (void)world_tell(&world, &t);
    telling_release(&t);
    batch = world_ask(&world, "batch.show", "{\"batch\":\"%s\"}", batch_text());
    ck_assert(is_null_at(batch, "amount_pusd") && is_null_at(batch, "possibly_billed_pusd"));
    json_decref(batch);
    json_t *shown = world_ask(&world, "conversation.show", "{\"conversation\":\"c1\"}");
    json_t *cost = json_object_get(shown, "cost_tracking");
    ck_assert(is_null_at(cost, "total_pusd") && is_null_at(cost, "possibly_billed_pusd"));
    json_t *entry = json_array_get(json_object_get(cost, "messages"), 0);
    ck_assert(is_null_at(entry, "running_total_pusd"));
    json_decref(shown);
    static const char *const groups[] = {"batch", "tag", "conversation", "message"};
    for (size_t i = 0; i < 4; i++) {
        json_t *report = world_ask(&world, "cost.report", "{\"by\":\"%s\"}", groups[i]);
        json_t *row = json_array_get(json_object_get(report, "rows"), 0);
        ck_assert(is_null_at(row, "amount_pusd") && is_null_at(row, "possibly_billed_pusd"));
        ck_assert(is_null_at(json_object_get(report, "total"), "amount_pusd"));
        json_decref(report);
    }
}
END_TEST

START_TEST(calls_that_really_cost_nothing_sum_up_to_zero) {
    struct telling t;
    telling_answered(&world, &t, 1, "c1", 1);
    t.facts.cost_stated_pusd = 0;
    (void)world_tell(&world, &t);
    telling_release(&t);
    json_t *report = world_ask(&world, "cost.report", "{}");
    ck_assert_int_eq(number_at(json_object_get(report, "total"), "amount_pusd"), 0);
    ck_assert_int_eq(number_at(json_object_get(report, "total"), "possibly_billed_pusd"), 0);
    json_decref(report);
    json_t *shown = world_ask(&world, "conversation.show", "{\"conversation\":\"c1\"}");
    ck_assert_int_eq(number_at(json_object_get(shown, "cost_tracking"), "total_pusd"), 0);
    json_decref(shown);
    world_check(&world);
}
END_TEST

// Programs that read results need not ask whether a member is there.
START_TEST(a_result_without_a_call_has_the_same_members_of_cost_and_timing) {
    struct telling t;
    tell_answered(1, NULL, 1);
    telling_answered(&world, &t, 2, NULL, 1);
    telling_outcome(&t, "cancelled", 1);
    (void)world_tell(&world, &t);
    telling_release(&t);
    json_t *answer = world_ask(&world, "batch.results", "{\"batch\":\"%s\"}", batch_text());
    json_t *lines = json_object_get(answer, "lines");
    static const char *const objects[] = {"cost", "timing"};
    for (size_t i = 0; i < 2; i++) {
        json_t *full =
            json_object_get(json_object_get(json_array_get(lines, 0), "colloq"), objects[i]);
        json_t *bare =
            json_object_get(json_object_get(json_array_get(lines, 1), "colloq"), objects[i]);
        const char *name;
        json_t *value;
        ck_assert_uint_eq(json_object_size(full), json_object_size(bare));
        json_object_foreach(full, name, value)
            ck_assert_msg(json_object_get(bare, name) != NULL, "no %s", name);
    }
    json_decref(answer);
}
END_TEST

// A warning a question would fill the log, and says that the question reads everything.
START_TEST(costs_by_tag_need_no_index_that_sqlite_makes_itself) {
    char path[128], text[4096];
    struct telling t;
    telling_batch(&world, &t, "open", 1, 0);
    (void)world_tell(&world, &t);
    telling_release(&t);
    tell_answered(1, NULL, 1);
    (void)snprintf(path, sizeof(path), "%s/log", world.folder);
    int kept = dup(STDERR_FILENO), file = open(path, O_RDWR | O_CREAT, 0600);
    ck_assert(kept >= 0 && file >= 0 && dup2(file, STDERR_FILENO) >= 0);
    json_t *all = world_ask(&world, "cost.report", "{\"by\":\"tag\"}");
    json_t *scoped =
        world_ask(&world, "cost.report", "{\"by\":\"tag\",\"batch\":\"%s\"}", batch_text());
    (void)fflush(stderr);
    (void)dup2(kept, STDERR_FILENO);
    ssize_t size = pread(file, text, sizeof(text) - 1, 0);
    ck_assert_int_ge(size, 0);
    text[size] = 0;
    ck_assert_msg(strstr(text, "automatic index") == NULL, "%s", text);
    ck_assert_uint_eq(json_array_size(json_object_get(all, "rows")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(scoped, "rows")), 1);
    (void)close(kept);
    (void)close(file);
    json_decref(all);
    json_decref(scoped);
}
END_TEST

// ---- lines that failed --------------------------------------------------------------------------

static void tell_dead(uint64_t n, const char *call_reason, const char *detail, const char *code,
                      const char *job_reason) {
    struct telling t;
    telling_answered(&world, &t, n, "c1", n);
    telling_end(&t, code ? "answered" : "failed");
    t.item.status = code ? 400 : 0;
    t.item.is_possibly_billed = false;
    t.has_facts = code != NULL;
    t.facts.has_usage = false;
    t.facts.error_code = bytes_text(code);
    t.facts.error_message = bytes_text(code ? "Too many tokens." : "");
    t.item.reason = bytes_text(call_reason);
    t.item.detail = bytes_text(detail);
    t.item.outcome = bytes_text("dead");
    t.item.outcome_reason = bytes_text(job_reason);
    t.item.revision = 1;
    (void)world_tell(&world, &t);
    telling_release(&t);
}

// Whoever reads "attempts_used" a thousand times learns nothing of what to change.
START_TEST(a_dead_line_says_what_its_last_call_met) {
    static const struct {
        const char *call_reason, *detail, *code, *job_reason, *said, *message;
    } dead[] = {
        {"connect_failed", "no route", NULL, "attempts_used", "connect_failed", "no route"},
        {"http_400", "", "context_length_exceeded", "permanent_error", "context_length_exceeded",
         "Too many tokens."},
        {"timeout", "", NULL, "possibly_billed", "timeout", "timeout"},
        {"timeout", "", NULL, "unprepared", "unprepared", "unprepared"},
        {"", "", NULL, "permanent_error", "permanent_error", "permanent_error"},
        {"connect_failed", "no way", NULL, "permanent_error", "connect_failed", "no way"},
    };
    enum { COUNT = sizeof(dead) / sizeof(dead[0]) };
    for (size_t i = 0; i < COUNT; i++)
        tell_dead(i + 1, dead[i].call_reason, dead[i].detail, dead[i].code, dead[i].job_reason);
    json_t *answer = world_ask(&world, "batch.results", "{\"batch\":\"%s\"}", batch_text());
    for (size_t i = 0; i < COUNT; i++) {
        json_t *line = json_array_get(json_object_get(answer, "lines"), i);
        json_t *error = json_object_get(line, "error");
        ck_assert_str_eq(text_at(error, "code"), dead[i].said);
        ck_assert_str_eq(text_at(error, "message"), dead[i].message);
        ck_assert_str_eq(text_at(json_object_get(line, "colloq"), "reason"), dead[i].job_reason);
    }
    json_decref(answer);
    json_t *batch = world_ask(&world, "batch.show", "{\"batch\":\"%s\"}", batch_text());
    json_t *failures = json_object_get(batch, "failures");
    ck_assert_uint_eq(json_array_size(failures), COUNT - 1);
    ck_assert_str_eq(text_at(json_array_get(failures, 0), "code"), "connect_failed");
    ck_assert_int_eq(number_at(json_array_get(failures, 0), "jobs"), 2);
    json_decref(batch);
}
END_TEST

// The line to mend is not the parked one.
START_TEST(a_parked_turn_names_the_turn_that_failed) {
    struct telling t;
    tell_dead(1, "http_400", "", "context_length_exceeded", "permanent_error");
    telling_answered(&world, &t, 2, "c1", 2);
    telling_outcome(&t, "parked", 1);
    t.item.outcome_reason = bytes_text("earlier_turn");
    (void)world_tell(&world, &t);
    telling_release(&t);
    json_t *answer = world_ask(&world, "batch.results", "{\"batch\":\"%s\"}", batch_text());
    json_t *error = json_object_get(json_array_get(json_object_get(answer, "lines"), 1), "error");
    ck_assert_str_eq(text_at(error, "code"), "turn_parked");
    ck_assert_str_eq(text_at(error, "message"),
                     "turn 1 (line 1) got no answer: context_length_exceeded");
    json_decref(answer);
}
END_TEST

// ---- conversations ------------------------------------------------------------------------------

// The same file run every day makes the same names every day.
START_TEST(a_conversation_of_a_batch_is_found_whatever_other_batches_call_theirs) {
    enum { BATCHES = 70 };
    struct id first = world.batch;
    for (uint64_t n = 1; n <= BATCHES; n++) {
        if (n > 1)
            world.batch = uuid_named(first, bytes_of(&n, sizeof(n)));
        tell_answered(n, "daily", 1);
    }
    for (int pass = 0; pass < 2; pass++) {
        json_t *shown = world_ask(&world, "conversation.show",
                                  "{\"conversation\":\"daily\",\"batch\":\"%s\"}", batch_text());
        ck_assert_str_eq(text_at(shown, "batch"), batch_text());
        json_decref(shown);
        world.batch = first;
    }
    int exit = inquirer_ask(&world.inquirer, bytes_text("conversation.show"),
                            bytes_text("{\"conversation\":\"daily\"}"));
    ck_assert_int_eq(exit, EX_DATAERR);
    char id[UUID_TEXT_SIZE];
    uuid_text(uuid_named(first, bytes_text("daily")), id);
    ck_assert_ptr_nonnull(strstr(world.inquirer.detail, id));
}
END_TEST

static void tell_hop(uint64_t turn, int64_t in_tokens, const char *interaction) {
    struct telling t;
    telling_answered(&world, &t, turn, "hops", turn);
    t.item.provider = bytes_text("gemini");
    t.item.api = bytes_text("interactions");
    t.facts.in_uncached = in_tokens;
    t.facts.in_cached = 0;
    t.identifiers[0].kind = bytes_text("interaction_id");
    t.identifiers[0].value = bytes_text(interaction);
    (void)world_tell(&world, &t);
    telling_release(&t);
}

// Where the provider keeps the conversation, each turn is billed for all of it again: a sum that
// took the last turn for the whole would leave out what the turns before it cost, and only the
// name of each turn leads to what the provider has of it.
START_TEST(the_turns_of_a_conversation_are_added_up_and_each_keeps_its_own_name) {
    static const char *const names[] = {"v1_second", "v1_first"}; // newest first
    tell_hop(1, 100, "v1_first");
    tell_hop(2, 160, "v1_second");
    json_t *list = world_ask(&world, "conversation.list", "{}");
    json_t *listed = json_array_get(json_object_get(list, "conversations"), 0);
    ck_assert_int_eq(number_at(json_object_get(listed, "tokens"), "in_uncached"), 260);
    json_t *shown = world_ask(&world, "conversation.show", "{\"conversation\":\"hops\"}");
    json_t *history = json_object_get(shown, "token_usage_history");
    ck_assert_uint_eq(json_array_size(history), 2);
    ck_assert_int_eq(number_at(json_array_get(history, 0), "in_uncached"), 100);
    ck_assert_int_eq(number_at(json_array_get(history, 1), "in_uncached"), 160);
    json_t *kinds = json_object_get(shown, "extracted_identifiers");
    json_t *ids = json_object_get(kinds, "interaction_id");
    ck_assert_uint_eq(json_array_size(ids), 2);
    for (size_t i = 0; i < 2; i++)
        ck_assert_str_eq(text_at(json_array_get(ids, i), "value"), names[i]);
    json_decref(shown);
    json_decref(list);
}
END_TEST

static void tell_large(uint64_t turn, size_t line_size, size_t message_size) {
    struct telling t;
    char *line = malloc(line_size + 64), *message = malloc(message_size + 64);
    ck_assert(line && message);
    int at = sprintf(line, "{\"conversation\":\"c1\",\"input\":\"");
    memset(line + at, 'q', line_size);
    memcpy(line + at + line_size, "\"}", 3);
    at = sprintf(message, "{\"role\":\"assistant\",\"content\":\"");
    memset(message + at, 'a', message_size);
    memcpy(message + at + message_size, "\"}", 3);
    telling_answered(&world, &t, turn, "c1", turn);
    t.frames.line = bytes_text(line);
    t.facts.message = bytes_text(message);
    ck_assert(world_tell(&world, &t).has_answer);
    telling_release(&t);
    free(line);
    free(message);
}

// A long conversation is the one that somebody wants to look at.
START_TEST(a_conversation_beyond_a_message_comes_in_pages_of_turns) {
    enum { TURNS = 7, HALF = 1200000 };
    char after[32] = "0";
    int64_t turn = 0, message = 0, pages = 0;
    for (uint64_t i = 1; i <= TURNS; i++)
        tell_large(i, HALF, HALF);
    while (after[0]) {
        json_t *page = world_ask(&world, "conversation.show",
                                 "{\"conversation\":\"c1\",\"after\":\"%s\"}", after);
        json_t *turns = json_object_get(page, "turns"), *cost, *entry;
        size_t i;
        json_array_foreach(turns, i, entry) ck_assert_int_eq(number_at(entry, "turn"), ++turn);
        json_array_foreach(json_object_get(page, "messages"), i, entry) {
            ck_assert_int_eq(number_at(entry, "message"), ++message);
            ck_assert_uint_eq(json_string_length(json_object_get(entry, "content")), HALF);
        }
        size_t count = json_array_size(turns);
        cost = json_object_get(page, "cost_tracking");
        ck_assert_uint_eq(json_array_size(json_object_get(page, "token_usage_history")), count);
        ck_assert_uint_eq(json_array_size(json_object_get(page, "provider_metadata")), count);
        ck_assert_uint_eq(json_array_size(json_object_get(
                              json_object_get(page, "extracted_identifiers"), "response_id")),
                          count);
        ck_assert_int_eq(number_at(cost, "total_pusd"), TURNS * 24100000);
        entry = json_array_get(json_object_get(cost, "messages"), count - 1);
        ck_assert_int_eq(number_at(entry, "running_total_pusd"), turn * 24100000);
        ck_assert(json_is_false(json_object_get(page, "is_cut")));
        (void)snprintf(after, sizeof(after), "%s",
                       text_at(page, "next") ? text_at(page, "next") : "");
        json_decref(page);
        ck_assert_int_le(++pages, TURNS);
    }
    ck_assert(turn == TURNS && message == 2 * TURNS && pages > 1);
}
END_TEST

START_TEST(a_turn_that_no_message_can_carry_is_named_without_its_contents) {
    tell_large(1, 6 << 20, 6 << 20);
    tell_answered(2, "c1", 2);
    json_t *page = world_ask(&world, "conversation.show", "{\"conversation\":\"c1\"}");
    ck_assert(json_is_true(json_object_get(page, "is_cut")));
    ck_assert_str_eq(text_at(page, "next"), "1");
    json_t *messages = json_object_get(page, "messages");
    ck_assert_uint_eq(json_array_size(messages), 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert(is_null_at(json_array_get(messages, i), "content"));
        ck_assert(json_is_true(json_object_get(json_array_get(messages, i), "is_cut")));
        ck_assert_str_eq(text_at(json_array_get(messages, i), "role"), i ? "assistant" : "user");
    }
    json_decref(page);
    page = world_ask(&world, "conversation.show", "{\"conversation\":\"c1\",\"after\":\"1\"}");
    ck_assert(json_is_false(json_object_get(page, "is_cut")) && is_null_at(page, "next"));
    messages = json_object_get(page, "messages");
    ck_assert_uint_eq(json_array_size(messages), 2);
    ck_assert_str_eq(text_at(json_array_get(messages, 1), "content"), "It is 14.");
    json_decref(page);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("query-sums");
    TCase *tests = tcase_create("query-sums");
    tcase_add_checked_fixture(tests, open_world, close_world);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_sum_without_any_amount_is_null_and_not_zero);
    tcase_add_test(tests, calls_that_really_cost_nothing_sum_up_to_zero);
    tcase_add_test(tests, a_result_without_a_call_has_the_same_members_of_cost_and_timing);
    tcase_add_test(tests, costs_by_tag_need_no_index_that_sqlite_makes_itself);
    tcase_add_test(tests, a_dead_line_says_what_its_last_call_met);
    tcase_add_test(tests, a_parked_turn_names_the_turn_that_failed);
    tcase_add_test(tests, a_conversation_of_a_batch_is_found_whatever_other_batches_call_theirs);
    tcase_add_test(tests, the_turns_of_a_conversation_are_added_up_and_each_keeps_its_own_name);
    tcase_add_test(tests, a_conversation_beyond_a_message_comes_in_pages_of_turns);
    tcase_add_test(tests, a_turn_that_no_message_can_carry_is_named_without_its_contents);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
