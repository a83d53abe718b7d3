// What the questions of queries.h answer.
#include "tests/unit/accountant/world.h"

#include "common/id.h"
#include "common/wire.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct world world;

static void open_world(void) {
    world_open(&world);
}

static void close_world(void) {
    world_close(&world);
}

static void tell_answered(uint64_t n, const char *name, uint64_t turn) {
    struct telling t;
    telling_answered(&world, &t, n, name, turn);
    (void)world_tell(&world, &t);
    telling_release(&t);
}

static void tell_outcome(uint64_t n, const char *name, uint64_t turn, const char *outcome,
                         uint64_t revision) {
    struct telling t;
    telling_answered(&world, &t, n, name, turn);
    telling_outcome(&t, outcome, revision);
    (void)world_tell(&world, &t);
    telling_release(&t);
}

static const char *text_at(json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

static int64_t number_at(json_t *object, const char *name) {
    json_t *value = json_object_get(object, name);
    ck_assert_msg(json_is_integer(value), "%s is no number", name);
    return json_integer_value(value);
}

static const char *batch_text(void) {
    static char text[UUID_TEXT_SIZE];
    uuid_text(world.batch, text);
    return text;
}

// The lines of all pages, in order; the answers are kept in pages.
static size_t all_lines(const char *order, size_t limit, int64_t *lines, size_t max) {
    char after[32] = "";
    size_t count = 0;
    for (int page = 0; page < 100; page++) {
        json_t *answer =
            world_ask(&world, "batch.results",
                      "{\"batch\":\"%s\",\"order\":\"%s\",\"limit\":%zu,\"after\":\"%s\"}",
                      batch_text(), order, limit, after);
        json_t *entries = json_object_get(answer, "lines");
        ck_assert_uint_le(json_array_size(entries), limit);
        for (size_t i = 0; i < json_array_size(entries) && count < max; i++)
            lines[count++] =
                number_at(json_object_get(json_array_get(entries, i), "colloq"), "line");
        const char *next = text_at(answer, "next");
        (void)snprintf(after, sizeof(after), "%s", next ? next : "");
        json_decref(answer);
        if (!after[0])
            return count;
    }
    ck_abort_msg("the pages do not end");
    return 0;
}

// A result that is missing, or there twice, breaks what the user does with the file.
START_TEST(every_line_with_an_outcome_has_one_result_in_the_order_of_the_file) {
    static const uint64_t order[] = {5, 2, 7, 1, 6, 3, 4};
    int64_t lines[16];
    for (size_t i = 0; i < 7; i++)
        tell_answered(order[i], NULL, 1);
    struct telling t;
    telling_answered(&world, &t, 8, NULL, 1);
    telling_end(&t, "failed");
    (void)world_tell(&world, &t);
    telling_release(&t);
    for (size_t limit = 1; limit <= 8; limit++) {
        ck_assert_uint_eq(all_lines("input", limit, lines, 16), 7);
        for (int64_t i = 0; i < 7; i++)
            ck_assert_int_eq(lines[i], i + 1);
        ck_assert_uint_eq(all_lines("finished", limit, lines, 16), 7);
        for (size_t i = 0; i < 7; i++)
            ck_assert_int_eq(lines[i], (int64_t)order[i]);
    }
}
END_TEST

// Whoever follows results as they finish must see the replacement of one already read.
START_TEST(a_replaced_result_comes_again_behind_the_others) {
    tell_outcome(1, NULL, 1, "dead", 1);
    tell_answered(2, NULL, 1);
    json_t *first = world_ask(&world, "batch.results", "{\"batch\":\"%s\",\"order\":\"finished\"}",
                              batch_text());
    ck_assert_ptr_null(text_at(first, "next"));
    struct telling t;
    telling_answered(&world, &t, 1, NULL, 1);
    t.item.revision = 2;
    (void)world_tell(&world, &t);
    telling_release(&t);
    json_t *second = world_ask(&world, "batch.results",
                               "{\"batch\":\"%s\",\"order\":\"finished\",\"after\":\"%s\"}",
                               batch_text(), text_at(first, "last"));
    json_t *lines = json_object_get(second, "lines");
    ck_assert_uint_eq(json_array_size(lines), 1);
    json_t *colloq = json_object_get(json_array_get(lines, 0), "colloq");
    ck_assert_int_eq(number_at(colloq, "line"), 1);
    ck_assert_str_eq(text_at(colloq, "outcome"), "answered");
    json_decref(first);
    json_decref(second);
}
END_TEST

// The output is read by programs written for OpenAI's batch files.
START_TEST(a_result_is_a_line_of_openais_batch_output_with_our_object_added) {
    tell_answered(1, NULL, 1);
    json_t *answer = world_ask(&world, "batch.results", "{\"batch\":\"%s\"}", batch_text());
    json_t *line = json_array_get(json_object_get(answer, "lines"), 0);
    ck_assert_int_eq(strncmp(text_at(line, "id"), "batch_req_", 10), 0);
    ck_assert_str_eq(text_at(line, "custom_id"), "line-1");
    ck_assert(json_is_null(json_object_get(line, "error")));
    json_t *response = json_object_get(line, "response"), *body = json_object_get(response, "body");
    ck_assert_int_eq(number_at(response, "status_code"), 200);
    ck_assert_int_eq(strncmp(text_at(response, "request_id"), "req_", 4), 0);
    ck_assert_str_eq(text_at(body, "object"), "chat.completion");
    json_t *colloq = json_object_get(line, "colloq"), *cost = json_object_get(colloq, "cost");
    ck_assert_str_eq(text_at(colloq, "model_requested"), "gpt-5-nano");
    ck_assert_str_eq(text_at(colloq, "model_served"), "gpt-5-nano-2025-08-07");
    ck_assert_str_eq(text_at(json_object_get(colloq, "identifiers"), "response_id"),
                     text_at(body, "id"));
    ck_assert_int_eq(number_at(json_object_get(colloq, "usage"), "out_visible"), 50);
    ck_assert_int_eq(number_at(cost, "amount_pusd"), 24100000);
    ck_assert_int_eq(number_at(json_object_get(colloq, "timing"), "duration_ms"), 412);
    ck_assert_int_eq(number_at(colloq, "attempts"), 1);
    // The client cuts the page at its newlines instead of parsing it.
    const char *text = buf_cstr(&world.inquirer.answer);
    const char *begin = strchr(text, '\n') + 1, *end = strchr(begin, '\n');
    ck_assert(begin[0] == '{' && end[-1] == '}' && end[1] == ']');
    json_decref(answer);
}
END_TEST

// Whatever became of a line, its result says so.
START_TEST(failed_parked_and_cancelled_lines_say_why) {
    struct telling t;
    telling_answered(&world, &t, 1, NULL, 1);
    t.item.status = 400;
    t.item.class = bytes_text("permanent");
    t.item.is_answer = false;
    t.item.outcome = bytes_text("dead");
    t.item.outcome_reason = bytes_text("http_400");
    t.facts.error_code = bytes_text("invalid_value");
    t.facts.error_message = bytes_text("The model does not like this.");
    t.facts.has_usage = false;
    t.frames.body = bytes_text("<html>\"bad\"\xff</html>");
    (void)world_tell(&world, &t);
    telling_release(&t);
    tell_outcome(2, "c1", 2, "parked", 1);
    tell_outcome(3, NULL, 1, "cancelled", 1);
    json_t *answer = world_ask(&world, "batch.results", "{\"batch\":\"%s\"}", batch_text());
    json_t *lines = json_object_get(answer, "lines");
    static const char *const codes[] = {"invalid_value", "turn_parked", "batch_cancelled"};
    for (size_t i = 0; i < 3; i++)
        ck_assert_str_eq(text_at(json_object_get(json_array_get(lines, i), "error"), "code"),
                         codes[i]);
    json_t *dead = json_array_get(lines, 0);
    ck_assert_int_eq(number_at(json_object_get(dead, "response"), "status_code"), 400);
    ck_assert_str_eq(text_at(json_object_get(dead, "response"), "body"),
                     "<html>\"bad\"\xef\xbf\xbd</html>");
    ck_assert_str_eq(text_at(json_object_get(dead, "error"), "message"),
                     "The model does not like this.");
    ck_assert(json_is_null(json_object_get(json_array_get(lines, 1), "response")));
    json_decref(answer);
}
END_TEST

// A call that came too late was paid for, but it is not what the job answered.
START_TEST(a_result_shows_the_answer_and_not_a_later_superfluous_one) {
    struct telling t;
    char hex[ID_HEX_SIZE];
    tell_answered(1, NULL, 1);
    telling_answered(&world, &t, 1, NULL, 1);
    t.item.call = call_of(50);
    t.item.attempt = 2;
    t.item.digest.at[9] = 1;
    t.item.is_answer = false;
    t.item.is_superfluous = true;
    t.item.outcome = bytes_text("");
    (void)world_tell(&world, &t);
    telling_release(&t);
    json_t *answer = world_ask(&world, "batch.results", "{\"batch\":\"%s\"}", batch_text());
    json_t *colloq = json_object_get(json_array_get(json_object_get(answer, "lines"), 0), "colloq");
    id_hex(call_of(1), hex);
    ck_assert_str_eq(text_at(colloq, "call"), hex);
    ck_assert_int_eq(number_at(colloq, "attempts"), 2);
    json_t *cost = json_object_get(colloq, "cost");
    ck_assert_int_eq(number_at(cost, "amount_pusd"), 24100000);
    ck_assert_int_eq(number_at(cost, "total_pusd"), 2 * 24100000);
    json_decref(answer);
}
END_TEST

static char *large_body(size_t size) {
    char *body = malloc(size + 1);
    memset(body, 'x', size);
    memcpy(body, "{\"a\":\"", 6);
    memcpy(body + size - 2, "\"}", 3);
    return body;
}

// A page that no message can carry would never arrive, and the results with it.
START_TEST(pages_stay_within_their_measure_whatever_the_answers_size) {
    static const size_t sizes[] = {1500000, 1500000, 1500000, 100, ANSWER_BYTES_MAX, 200};
    int64_t lines[16];
    struct telling t;
    for (size_t i = 0; i < 6; i++) {
        char *body = large_body(sizes[i]);
        telling_answered(&world, &t, i + 1, NULL, 1);
        t.frames.body = bytes_of(body, sizes[i]);
        (void)world_tell(&world, &t);
        telling_release(&t);
        free(body);
    }
    ck_assert_uint_eq(all_lines("input", 100, lines, 16), 6);
    for (int64_t i = 0; i < 6; i++)
        ck_assert_int_eq(lines[i], i + 1);
    json_t *answer = world_ask(&world, "batch.results", "{\"batch\":\"%s\"}", batch_text());
    ck_assert_uint_le(world.inquirer.answer.size, ANSWER_PAGE_BYTES_MAX);
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "lines")), 2);
    json_decref(answer);
}
END_TEST

// The last line of `batch run` is made of these numbers.
START_TEST(a_batch_counts_its_lines_truthfully) {
    struct telling t;
    telling_batch(&world, &t, "settled", 1, 9);
    (void)world_tell(&world, &t);
    telling_release(&t);
    for (uint64_t n = 1; n <= 4; n++)
        tell_answered(n, NULL, 1);
    telling_answered(&world, &t, 5, NULL, 1);
    t.facts.finish = bytes_text("length");
    (void)world_tell(&world, &t);
    telling_release(&t);
    tell_outcome(6, "c1", 1, "dead", 1);
    tell_outcome(7, "c1", 2, "parked", 1);
    telling_answered(&world, &t, 8, NULL, 1);
    telling_end(&t, "unknown");
    (void)world_tell(&world, &t);
    telling_release(&t);
    static const char *const names[] = {"prompts.jsonl", "key-1", NULL};
    for (int i = 0; i < 3; i++) {
        char prefix[9];
        (void)snprintf(prefix, sizeof(prefix), "%.8s", batch_text());
        json_t *batch =
            world_ask(&world, "batch.show", "{\"batch\":\"%s\"}", names[i] ? names[i] : prefix);
        ck_assert_str_eq(text_at(batch, "batch"), batch_text());
        ck_assert_int_eq(number_at(batch, "lines"), 9);
        ck_assert_int_eq(number_at(batch, "accepted"), 8);
        ck_assert_int_eq(number_at(batch, "done"), 5);
        ck_assert_int_eq(number_at(batch, "cut"), 1);
        ck_assert_int_eq(number_at(batch, "failed"), 1);
        ck_assert_int_eq(number_at(batch, "parked"), 1);
        ck_assert_int_eq(number_at(batch, "running"), 1);
        ck_assert_int_eq(number_at(batch, "calls"), 6);
        ck_assert_int_eq(number_at(batch, "possibly_billed_calls"), 1);
        ck_assert_int_eq(number_at(batch, "possibly_billed_pusd"), 5000000000);
        ck_assert_int_eq(number_at(batch, "amount_pusd"), 5 * 24100000);
        ck_assert_int_eq(number_at(batch, "unpriced_calls"), 0);
        ck_assert_uint_eq(json_array_size(json_object_get(batch, "failures")), 2);
        json_decref(batch);
    }
    json_t *list = world_ask(&world, "batch.list", "{}");
    ck_assert_uint_eq(json_array_size(json_object_get(list, "batches")), 1);
    json_decref(list);
}
END_TEST

// The four fields are what the whole system is for.
START_TEST(a_conversation_shows_its_messages_and_the_four_fields) {
    for (uint64_t turn = 1; turn <= 3; turn++)
        tell_answered(turn, "c1", turn);
    tell_outcome(4, "c1", 4, "dead", 1);
    json_t *shown = world_ask(&world, "conversation.show", "{\"conversation\":\"c1\"}");
    ck_assert_str_eq(text_at(shown, "name"), "c1");
    json_t *messages = json_object_get(shown, "messages");
    ck_assert_uint_eq(json_array_size(messages), 7);
    for (size_t i = 0; i < 7; i++) {
        json_t *message = json_array_get(messages, i);
        ck_assert_int_eq(number_at(message, "message"), (int64_t)i + 1);
        ck_assert_str_eq(text_at(message, "role"), i % 2 ? "assistant" : "user");
    }
    ck_assert_str_eq(text_at(json_array_get(messages, 3), "content"), "It is 14.");
    json_t *kinds = json_object_get(shown, "extracted_identifiers");
    json_t *ids = json_object_get(kinds, "response_id");
    ck_assert_uint_eq(json_array_size(ids), 3);
    ck_assert_int_eq(number_at(json_array_get(ids, 0), "message"), 6);
    ck_assert_str_eq(text_at(json_array_get(ids, 0), "source"), "$.id");
    ck_assert_str_eq(text_at(json_array_get(ids, 0), "provider"), "openai");
    ck_assert_uint_eq(json_array_size(json_object_get(kinds, "request_id")), 3);
    json_t *metadata = json_array_get(json_object_get(shown, "provider_metadata"), 1);
    ck_assert_str_eq(text_at(json_object_get(metadata, "body"), "service_tier"), "default");
    json_t *headers = json_object_get(metadata, "headers");
    ck_assert_str_eq(text_at(headers, "openai-processing-ms"), "312");
    ck_assert_uint_eq(json_array_size(json_object_get(headers, "set-cookie")), 2);
    json_t *usage = json_array_get(json_object_get(shown, "token_usage_history"), 2);
    ck_assert_int_eq(number_at(usage, "in_cached"), 20);
    ck_assert_str_eq(text_at(usage, "state"), "stated");
    ck_assert(json_is_null(json_object_get(usage, "in_audio")));
    ck_assert_int_eq(number_at(json_object_get(usage, "raw"), "total_tokens"), 150);
    json_t *cost = json_object_get(shown, "cost_tracking");
    ck_assert_int_eq(number_at(cost, "total_pusd"), 3 * 24100000);
    json_t *last = json_array_get(json_object_get(cost, "messages"), 2);
    ck_assert_int_eq(number_at(last, "running_total_pusd"), 3 * 24100000);
    json_decref(shown);
}
END_TEST

// Every call has the four fields, a single one too.
START_TEST(a_single_calls_conversation_is_shown_under_the_jobs_id) {
    char job[UUID_TEXT_SIZE];
    tell_answered(9, NULL, 1);
    uuid_text(job_of(9), job);
    json_t *shown = world_ask(&world, "conversation.show", "{\"conversation\":\"%s\"}", job);
    ck_assert_str_eq(text_at(shown, "conversation"), job);
    json_t *messages = json_object_get(shown, "messages");
    ck_assert_uint_eq(json_array_size(messages), 2);
    ck_assert_str_eq(text_at(json_array_get(messages, 0), "content"), "What is 9?");
    ck_assert_str_eq(text_at(json_array_get(messages, 1), "content"), "It is 63.");
    ck_assert_uint_eq(json_array_size(json_object_get(shown, "token_usage_history")), 1);
    json_decref(shown);
    json_t *shown_job = world_ask(&world, "job.show", "{\"job\":\"%s\"}", job);
    ck_assert_str_eq(text_at(json_object_get(shown_job, "request"), "custom_id"), "line-9");
    json_t *attempt = json_array_get(json_object_get(shown_job, "attempts"), 0);
    ck_assert_str_eq(text_at(attempt, "state"), "answered");
    ck_assert_str_eq(text_at(attempt, "worker"), "worker-0");
    ck_assert_int_eq(number_at(attempt, "first_byte_ms"), 400);
    ck_assert_int_eq(number_at(attempt, "duration_ms"), 412);
    ck_assert_int_eq(number_at(attempt, "in_uncached"), 80);
    ck_assert_int_eq(number_at(attempt, "amount_pusd"), 24100000);
    ck_assert_uint_eq(json_array_size(json_object_get(attempt, "identifiers")), 2);
    json_decref(shown_job);
}
END_TEST

// A provider whose answers are full of new names: that some are not counted must be said.
START_TEST(fields_beyond_what_is_counted_are_said_to_be_there) {
    struct telling telling;
    struct buf metadata;
    tell_answered(1, NULL, 1);
    json_t *fields = world_ask(&world, "answer.fields", "{}");
    json_t *api = json_array_get(json_object_get(fields, "apis"), 0);
    ck_assert(json_is_false(json_object_get(api, "is_incomplete")));
    ck_assert_uint_gt(json_array_size(json_object_get(api, "fields")), 5);
    json_decref(fields);
    buf_init(&metadata, 1 << 20);
    for (int i = 0; i < 5001; i++)
        buf_printf(&metadata, "%s\"f%d\":1", i > 0 ? "," : "{", i);
    buf_byte(&metadata, '}');
    telling_answered(&world, &telling, 2, NULL, 1);
    telling.facts.metadata = buf_bytes(&metadata);
    (void)world_tell(&world, &telling);
    telling_release(&telling);
    buf_release(&metadata);
    fields = world_ask(&world, "answer.fields", "{}");
    api = json_array_get(json_object_get(fields, "apis"), 0);
    ck_assert(json_is_true(json_object_get(api, "is_incomplete")));
    ck_assert_int_eq(number_at(api, "answers"), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(api, "fields")), 5000);
    json_decref(fields);
}
END_TEST

// The rows of every report add up to the same invoice.
START_TEST(every_grouping_adds_up_to_the_total) {
    static const char *const groups[] = {"none", "batch",        "provider", "model",
                                         "day",  "conversation", "message"};
    for (uint64_t n = 1; n <= 12; n++)
        tell_answered(n, n % 3 ? NULL : "c1", n % 3 ? 1 : n / 3);
    for (size_t i = 0; i < 7; i++) {
        for (int scoped = 0; scoped < 2; scoped++) {
            int64_t amount = 0, calls = 0;
            char after[64] = "", scope[64] = "";
            if (scoped)
                (void)snprintf(scope, sizeof(scope), ",\"batch\":\"%s\"", batch_text());
            for (int page = 0; page == 0 || after[0]; page++) {
                json_t *report = world_ask(&world, "cost.report",
                                           "{\"by\":\"%s\",\"limit\":2,\"after\":\"%s\"%s}",
                                           groups[i], after, scope);
                json_t *rows = json_object_get(report, "rows");
                for (size_t k = 0; k < json_array_size(rows); k++) {
                    amount += number_at(json_array_get(rows, k), "amount_pusd");
                    calls += number_at(json_array_get(rows, k), "calls");
                }
                ck_assert_int_eq(number_at(json_object_get(report, "total"), "calls"), 12);
                const char *next = text_at(report, "next");
                (void)snprintf(after, sizeof(after), "%s", next ? next : "");
                json_decref(report);
                ck_assert_int_lt(page, 20);
            }
            ck_assert_int_eq(calls, 12);
            ck_assert_int_eq(amount, 12 * 24100000);
        }
    }
}
END_TEST

START_TEST(conversations_are_listed_with_their_sums) {
    for (uint64_t n = 1; n <= 6; n++)
        tell_answered(n, n % 2 ? "odd" : "even", (n + 1) / 2);
    json_t *list =
        world_ask(&world, "conversation.list", "{\"batch\":\"%s\",\"limit\":1}", batch_text());
    json_t *first = json_array_get(json_object_get(list, "conversations"), 0);
    ck_assert_str_eq(text_at(first, "name"), "odd");
    ck_assert_int_eq(number_at(first, "turns"), 3);
    ck_assert_int_eq(number_at(first, "amount_pusd"), 3 * 24100000);
    json_t *rest = world_ask(&world, "conversation.list", "{\"batch\":\"%s\",\"after\":\"%s\"}",
                             batch_text(), text_at(list, "next"));
    ck_assert_str_eq(text_at(json_array_get(json_object_get(rest, "conversations"), 0), "name"),
                     "even");
    ck_assert_ptr_null(text_at(rest, "next"));
    json_decref(list);
    json_decref(rest);
}
END_TEST

static void tell_batch_like(uint8_t last) {
    struct telling t;
    world.batch.at[15] = last;
    telling_batch(&world, &t, "settled", 1, 1);
    t.item.batch = last;
    (void)world_tell(&world, &t);
    telling_release(&t);
}

// To call off the newest of several batches of a name is a guess that costs somebody their work.
START_TEST(what_several_batches_are_called_means_none_where_one_is_changed) {
    for (uint8_t n = 1; n <= 7; n++)
        tell_batch_like(n);
    json_t *newest = world_ask(&world, "batch.show", "{\"batch\":\"prompts.jsonl\"}");
    ck_assert_str_eq(text_at(newest, "batch"), batch_text());
    ck_assert_int_eq(number_at(newest, "namesakes"), 5);
    json_decref(newest);
    json_t *only =
        world_ask(&world, "batch.show", "{\"batch\":\"%s\",\"only\":true}", batch_text());
    ck_assert_ptr_null(json_object_get(only, "namesakes"));
    json_decref(only);
    char prefix[128];
    (void)snprintf(prefix, sizeof(prefix), "{\"batch\":\"%.8s\"}", batch_text());
    const char *const vague[] = {"{\"batch\":\"prompts.jsonl\",\"only\":true}", prefix};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(
            inquirer_ask(&world.inquirer, bytes_text("batch.show"), bytes_text(vague[i])),
            EX_DATAERR);
        int named = 0;
        for (const char *at = world.inquirer.detail; (at = strstr(at, "(prompts.jsonl)")); at++)
            named++;
        ck_assert_int_eq(named, 5);
        ck_assert_ptr_nonnull(strstr(world.inquirer.detail, "\u2026"));
    }
}
END_TEST

// A question that cannot be answered must say what to do, not look like an empty answer.
START_TEST(questions_that_cannot_be_answered_say_why) {
    static const struct {
        const char *what, *arguments;
        int exit;
    } wrong[] = {{"batch.show", "{\"batch\":\"nosuch\"}", EX_NOINPUT},
                 {"batch.show", "{}", EX_USAGE},
                 {"batch.forget", "{}", EX_USAGE},
                 {"batch.list", "[]", EX_USAGE},
                 {"batch.list", "{\"a\":", EX_USAGE},
                 {"job.show", "{\"job\":\"7\"}", EX_USAGE},
                 {"cost.report", "{\"by\":\"moon\"}", EX_USAGE},
                 {"conversation.show", "{\"conversation\":\"c9\"}", EX_NOINPUT}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int exit = inquirer_ask(&world.inquirer, bytes_text(wrong[i].what),
                                bytes_text(wrong[i].arguments));
        ck_assert_int_eq(exit, wrong[i].exit);
        ck_assert_uint_gt(strlen(world.inquirer.detail), 0);
    }
    json_t *status = world_ask(&world, "ledger.status", "{}");
    ck_assert_uint_eq(json_array_size(json_object_get(status, "migrations")), 1);
    json_decref(status);
}
END_TEST

// Half a character in the words would make the answer one that never arrives.
START_TEST(what_nobody_knows_is_named_in_whole_characters) {
    static const char *const asked[][2] = {{"conversation.resolve", "conversation"},
                                           {"conversation.show", "conversation"},
                                           {"batch.show", "batch"}};
    char arguments[256];
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
        for (int before = 0; before < 4; before++) {
            int at = snprintf(arguments, sizeof(arguments), "{\"%s\":\"%.*s", asked[i][1], before,
                              "xxxx");
            for (int k = 0; k < 30; k++)
                at += snprintf(arguments + at, sizeof(arguments) - (size_t)at, "会");
            (void)snprintf(arguments + at, sizeof(arguments) - (size_t)at, "\"}");
            int exit =
                inquirer_ask(&world.inquirer, bytes_text(asked[i][0]), bytes_text(arguments));
            ck_assert_int_eq(exit, EX_NOINPUT);
            ck_assert(utf8_is_valid(bytes_text(world.inquirer.detail)));
            ck_assert_ptr_nonnull(strstr(world.inquirer.detail, "会会会会会会会会会会"));
        }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("query");
    TCase *tests = tcase_create("query");
    tcase_add_checked_fixture(tests, open_world, close_world);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, every_line_with_an_outcome_has_one_result_in_the_order_of_the_file);
    tcase_add_test(tests, a_replaced_result_comes_again_behind_the_others);
    tcase_add_test(tests, a_result_is_a_line_of_openais_batch_output_with_our_object_added);
    tcase_add_test(tests, failed_parked_and_cancelled_lines_say_why);
    tcase_add_test(tests, a_result_shows_the_answer_and_not_a_later_superfluous_one);
    tcase_add_test(tests, pages_stay_within_their_measure_whatever_the_answers_size);
    tcase_add_test(tests, a_batch_counts_its_lines_truthfully);
    tcase_add_test(tests, a_conversation_shows_its_messages_and_the_four_fields);
    tcase_add_test(tests, a_single_calls_conversation_is_shown_under_the_jobs_id);
    tcase_add_test(tests, fields_beyond_what_is_counted_are_said_to_be_there);
    tcase_add_test(tests, every_grouping_adds_up_to_the_total);
    tcase_add_test(tests, conversations_are_listed_with_their_sums);
    tcase_add_test(tests, what_several_batches_are_called_means_none_where_one_is_changed);
    tcase_add_test(tests, questions_that_cannot_be_answered_say_why);
    tcase_add_test(tests, what_nobody_knows_is_named_in_whole_characters);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
