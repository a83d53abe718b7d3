// Anything that a provider or we have given a name must be found again, wherever it stands: in
// memory, in the index, on the border between them, and after a restart.
#include "tests/unit/accountant/world.h"

#include "common/id.h"

#include <check.h>
#include <stdlib.h>

static struct world world;

static void open_world(void) {
    world_open(&world);
}

static void close_world(void) {
    world_close(&world);
}

static void tell(uint64_t n, const char *name, uint64_t turn) {
    struct telling t;
    telling_answered(&world, &t, n, name, turn);
    (void)world_tell(&world, &t);
    telling_release(&t);
}

// Asks for a value and demands exactly one match of that kind; says its line's custom_id.
static void must_find(const char *value, const char *kind, const char *custom_id) {
    json_t *answer = world_ask(&world, "find", "{\"value\":\"%s\"}", value);
    json_t *matches = json_object_get(answer, "matches");
    ck_assert_msg(json_array_size(matches) == 1, "%s: %s", value, buf_cstr(&world.inquirer.answer));
    json_t *match = json_array_get(matches, 0);
    ck_assert_str_eq(json_string_value(json_object_get(match, "kind")), kind);
    const char *found = json_string_value(json_object_get(match, "custom_id"));
    if (custom_id)
        ck_assert_str_eq(found, custom_id);
    char batch[UUID_TEXT_SIZE];
    uuid_text(world.batch, batch);
    ck_assert_str_eq(json_string_value(json_object_get(match, "batch")), batch);
    json_decref(answer);
}

static void must_find_all_of(uint64_t n) {
    struct telling t;
    char text[UUID_TEXT_SIZE];
    telling_answered(&world, &t, n, NULL, 1);
    must_find(t.response_id, "response_id", t.custom_id);
    must_find(t.request_id, "request_id", t.custom_id);
    must_find(t.custom_id, "custom_id", t.custom_id);
    uuid_text(job_of(n), text);
    must_find(text, "job_id", t.custom_id);
    id_hex(call_of(n), text);
    must_find(text, "call_id", t.custom_id);
    telling_release(&t);
}

// Support asks for a request id weeks later; the index may be anywhere by then.
START_TEST(every_identifier_is_found_in_memory_in_the_index_and_after_a_restart) {
    for (uint64_t n = 1; n <= 30; n++) {
        tell(n, NULL, 1);
        must_find_all_of(n);
        if (n == 10 || n == 20)
            ck_assert_int_eq(ledger_index(&world.ledger, true), ERR_OK);
    }
    ck_assert_int_eq(world_count(&world, "SELECT max(run) FROM value_index"), 2);
    for (uint64_t n = 1; n <= 30; n++)
        must_find_all_of(n);
    world_restart(&world);
    for (uint64_t n = 1; n <= 30; n++)
        must_find_all_of(n);
}
END_TEST

// The run is due by itself: nobody asks for it.
START_TEST(a_run_is_entered_when_enough_calls_wait) {
    enum { CALLS = 10050, AT_ONCE = 50 };
    static struct telling t[AT_ONCE];
    static struct record_item items[AT_ONCE];
    static struct record_frames frames[AT_ONCE];
    static struct recorded_item told[AT_ONCE];
    for (uint64_t n = 0; n < CALLS; n += AT_ONCE) {
        for (uint64_t i = 0; i < AT_ONCE; i++) {
            telling_answered(&world, &t[i], n + i + 1, NULL, 1);
            t[i].item.number = n + i + 1;
            telling_seal(&t[i]);
            items[i] = t[i].item;
            frames[i] = t[i].frames;
        }
        ck_assert_int_eq(ledger_apply(&world.ledger, items, frames, AT_ONCE, told), ERR_OK);
        ck_assert_int_eq(ledger_commit(&world.ledger), ERR_OK);
        ck_assert_int_eq(ledger_index(&world.ledger, false), ERR_OK);
        for (uint64_t i = 0; i < AT_ONCE; i++)
            telling_release(&t[i]);
    }
    ck_assert_int_eq(world.ledger.run, 1);
    ck_assert_uint_eq(world.findex.count, 3 * (CALLS - 10000));
    must_find_all_of(1);
    must_find_all_of(9999);
    must_find_all_of(10000);
    must_find_all_of(10001);
    must_find_all_of(CALLS);
}
END_TEST

// The row of an unknown call may have been indexed, without values, before its answer came.
START_TEST(the_late_answer_of_an_indexed_unknown_call_is_found) {
    struct telling t;
    telling_answered(&world, &t, 1, NULL, 1);
    telling_end(&t, "unknown");
    (void)world_tell(&world, &t);
    telling_release(&t);
    ck_assert_int_eq(ledger_index(&world.ledger, true), ERR_OK);
    tell(1, NULL, 1);
    must_find_all_of(1);
    world_restart(&world);
    must_find_all_of(1);
}
END_TEST

START_TEST(conversations_and_batches_are_found_by_id_and_name) {
    char text[UUID_TEXT_SIZE];
    struct telling t;
    telling_batch(&world, &t, "open", 1, 0);
    (void)world_tell(&world, &t);
    telling_release(&t);
    tell(1, "talk", 1);
    tell(2, "talk", 2);
    for (int i = 0; i < 3; i++) {
        must_find("talk", "conversation_name", NULL);
        uuid_text(uuid_named(world.batch, bytes_text("talk")), text);
        must_find(text, "conversation_id", NULL);
        must_find("prompts.jsonl", "batch_name", NULL);
        uuid_text(world.batch, text);
        must_find(text, "batch_id", NULL);
        if (i == 0)
            ck_assert_int_eq(ledger_index(&world.ledger, true), ERR_OK);
        else
            world_restart(&world);
    }
}
END_TEST

// Ids of some servers come again and again: all who have them are shown, and where it ends.
START_TEST(a_value_that_many_share_is_found_for_each) {
    struct telling t;
    for (uint64_t n = 1; n <= 5; n++) {
        telling_answered(&world, &t, n, NULL, 1);
        (void)snprintf(t.response_id, sizeof(t.response_id), "same");
        t.identifiers[0].value = bytes_text(t.response_id);
        (void)world_tell(&world, &t);
        telling_release(&t);
        if (n == 3)
            ck_assert_int_eq(ledger_index(&world.ledger, true), ERR_OK);
    }
    json_t *answer = world_ask(&world, "find", "{\"value\":\"same\"}");
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "matches")), 5);
    ck_assert(json_is_false(json_object_get(answer, "is_cut")));
    json_decref(answer);
    answer = world_ask(&world, "find", "{\"value\":\"nothing has this\"}");
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "matches")), 0);
    json_decref(answer);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("find");
    TCase *tests = tcase_create("find");
    tcase_add_checked_fixture(tests, open_world, close_world);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, every_identifier_is_found_in_memory_in_the_index_and_after_a_restart);
    tcase_add_test(tests, a_run_is_entered_when_enough_calls_wait);
    tcase_add_test(tests, the_late_answer_of_an_indexed_unknown_call_is_found);
    tcase_add_test(tests, conversations_and_batches_are_found_by_id_and_name);
    tcase_add_test(tests, a_value_that_many_share_is_found_for_each);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
