// What the ledger cannot take in as it came, and what contradicts it: kept, named, and in the sums.
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

static int64_t sum(const char *column) {
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "SELECT coalesce(sum(%s),0) FROM sum_by_model", column);
    return world_count(&world, sql);
}

// The broker's word for a silent worker was wrong: the call was made, and may cost money.
START_TEST(an_answer_of_a_lease_that_was_taken_for_lost_counts_and_makes_the_check_fail) {
    struct telling t;
    telling_answered(&world, &t, 1, "c1", 1);
    telling_end(&t, "not_started");
    t.item.digest = (struct digest){{0}};
    (void)world_tell(&world, &t);
    telling_release(&t);
    telling_answered(&world, &t, 1, "c1", 1);
    ck_assert(world_tell(&world, &t).has_answer);
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM call WHERE state='answered' AND "
                                         "role='answer' AND amount_pusd>0"),
                     1);
    ck_assert_int_eq(sum("not_started"), 0);
    ck_assert_int_eq(sum("priced"), 1);
    ck_assert_int_eq(
        world_count(&world, "SELECT count(*) FROM conflict WHERE what='end_of_lost_lease'"), 1);
    json_t *check = world_ask(&world, "check", "{}");
    ck_assert(json_is_false(json_object_get(check, "is_ok")));
    ck_assert_int_eq(json_integer_value(json_object_get(check, "conflicts")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(check, "rollups_differ")), 0);
    json_decref(check);
    telling_release(&t);
}
END_TEST

// Two ends of one call, both a worker's word: the first stands, and what the second says may have
// been spent is in the sums, flagged.
START_TEST(money_of_a_second_end_is_flagged_in_the_sums) {
    struct telling t;
    telling_answered(&world, &t, 1, "c1", 1);
    telling_end(&t, "not_started");
    (void)world_tell(&world, &t);
    telling_release(&t);
    telling_answered(&world, &t, 1, "c1", 1);
    t.item.digest.at[0] ^= 1;
    t.item.cost_max_pusd = 777;
    ck_assert(!world_tell(&world, &t).has_answer);
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM call WHERE state='not_started' AND "
                                         "is_possibly_billed=1 AND possibly_pusd=777"),
                     1);
    ck_assert_int_eq(sum("possibly_pusd"), 777);
    ck_assert_int_eq(sum("calls"), 1);
    (void)world_tell(&world, &t); // again: nothing is counted twice
    ck_assert_int_eq(sum("possibly_pusd"), 777);
    json_t *check = world_ask(&world, "check", "{}");
    ck_assert_int_eq(json_integer_value(json_object_get(check, "rollups_differ")), 0);
    json_decref(check);
    telling_release(&t);
}
END_TEST

// An unknown attempt is charged to the day of its mark, and keeps its bound, whatever the late end
// of it leaves out.
START_TEST(a_late_end_keeps_what_the_mark_has_said) {
    struct telling t;
    telling_answered(&world, &t, 1, NULL, 1);
    telling_end(&t, "unknown");
    t.item.digest = (struct digest){{0}};
    t.item.marked_ms = 86400000 * 5;
    t.item.cost_max_pusd = 999;
    (void)world_tell(&world, &t);
    telling_release(&t);
    telling_answered(&world, &t, 1, NULL, 1);
    telling_end(&t, "failed");
    t.item.bytes_left = true;
    t.item.marked_ms = 0;
    t.item.cost_max_pusd = -1;
    (void)world_tell(&world, &t);
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM call WHERE state='failed' AND day=5 "
                                         "AND marked_ms=432000000 AND possibly_pusd=999"),
                     1);
    world_check(&world);
    telling_release(&t);
}
END_TEST

// Numbers that no call can have, from a liar or by a slip of the pen: the sums have to hold, or no
// record could be taken in any more.
START_TEST(numbers_that_cannot_be_added_up_never_reach_the_sums) {
    struct telling t;
    for (uint64_t n = 1; n <= 3; n++) {
        telling_answered(&world, &t, n, NULL, 1);
        if (n == 3)
            t.facts.cost_stated_pusd = INT64_MAX - 1;
        else
            t.facts.in_uncached = INT64_MAX - 1;
        ck_assert(world_tell(&world, &t).is_quarantined);
        telling_release(&t);
    }
    for (uint64_t n = 4; n <= 5; n++) {
        telling_answered(&world, &t, n, NULL, 1);
        telling_end(&t, "unknown");
        t.item.cost_max_pusd = INT64_MAX - 1;
        ck_assert(!world_tell(&world, &t).is_quarantined);
        telling_release(&t);
    }
    ck_assert_int_eq(sum("calls"), 5);
    ck_assert_int_eq(sum("possibly_billed"), 5);
    ck_assert_int_eq(
        world_count(&world, "SELECT count(*) FROM call WHERE state='unknown' AND possibly_pusd IS "
                            "NULL"),
        2);
    json_t *check = world_ask(&world, "check", "{}");
    ck_assert_int_eq(json_integer_value(json_object_get(check, "rollups_differ")), 0);
    json_decref(check);
}
END_TEST

// A person has to find out what is wrong with a job: its own page says it.
START_TEST(a_jobs_page_names_its_conflicts_and_what_is_in_quarantine) {
    struct telling t;
    telling_answered(&world, &t, 1, NULL, 1);
    t.facts.metadata = bytes_text("{\"id\":");
    ck_assert(world_tell(&world, &t).is_quarantined);
    telling_release(&t);
    char job[UUID_TEXT_SIZE];
    uuid_text(job_of(1), job);
    json_t *shown = world_ask(&world, "job.show", "{\"job\":\"%s\"}", job);
    ck_assert_uint_eq(json_array_size(json_object_get(shown, "quarantined")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(shown, "conflicts")), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(shown, "attempts")), 1);
    json_decref(shown);
}
END_TEST

// One record that cannot be applied must not take its neighbours with it, nor be lost itself.
START_TEST(a_record_that_cannot_be_applied_is_quarantined_alone) {
    struct telling t[3];
    struct record_item items[3];
    struct record_frames frames[3];
    struct recorded_item told[3];
    for (uint64_t i = 0; i < 3; i++) {
        telling_answered(&world, &t[i], i + 1, NULL, 1);
        t[i].item.number = i + 1;
        telling_seal(&t[i]);
        items[i] = t[i].item;
        frames[i] = t[i].frames;
    }
    items[1].ended = bytes_text("vanished");
    ck_assert_int_eq(ledger_apply(&world.ledger, items, frames, 3, told), ERR_OK);
    ck_assert_int_eq(ledger_commit(&world.ledger), ERR_OK);
    ck_assert(told[0].has_answer && told[2].has_answer);
    ck_assert(told[1].is_quarantined && !told[1].has_answer);
    // The call of the one in quarantine has its row, possibly billed, and is nobody's answer.
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM call"), 3);
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM call WHERE record=2 AND "
                                         "is_possibly_billed=1 AND role='none' AND "
                                         "reason='quarantined' AND amount_pusd IS NULL"),
                     1);
    ck_assert_int_eq(sum("possibly_billed"), 1);
    // What was made for the records and undone with them was made again.
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM call c JOIN model m ON "
                                         "m.model=c.model JOIN batch b ON b.batch=c.batch JOIN "
                                         "ai_platform p ON p.platform=c.platform JOIN worker w ON "
                                         "w.worker=c.worker JOIN job j ON j.answer=c.call"),
                     2);
    ck_assert_int_eq(world_count(&world, "SELECT max(call) FROM call"), 3);
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM quarantine WHERE record=2 AND "
                                         "why='unknown_end'"),
                     1);
    ck_assert_int_eq(sum("calls"), 3);
    ck_assert_uint_eq(world.ledger.applied, 3);
    // Again, after the `recorded` was lost: still one row.
    ck_assert_int_eq(ledger_apply(&world.ledger, items, frames, 3, told), ERR_OK);
    ck_assert_int_eq(ledger_commit(&world.ledger), ERR_OK);
    ck_assert(told[1].is_quarantined);
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM quarantine"), 1);
    ck_assert_int_eq(sum("calls"), 3);
    ck_assert_int_eq(sum("possibly_billed"), 1);
    for (int i = 0; i < 3; i++)
        telling_release(&t[i]);
}
END_TEST

// Facts come from a process that reads what strangers send.
START_TEST(facts_that_are_not_what_they_claim_are_quarantined) {
    struct telling t;
    telling_answered(&world, &t, 1, NULL, 1);
    t.facts.metadata = bytes_text("{\"id\":");
    ck_assert(world_tell(&world, &t).is_quarantined);
    telling_release(&t);
    telling_answered(&world, &t, 2, NULL, 1);
    t.item.number = 2;
    struct recorded_item told;
    t.frames.facts = bytes_text("\x81\xa1");
    ck_assert_int_eq(ledger_apply(&world.ledger, &t.item, &t.frames, 1, &told), ERR_OK);
    ck_assert(told.is_quarantined);
    ck_assert_int_eq(ledger_commit(&world.ledger), ERR_OK);
    // The answers are kept as they came; what they cost is what they may have cost at most.
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM call c JOIN answer USING (call) "
                                         "WHERE state='unextracted' AND cost_state='unpriced'"),
                     2);
    ck_assert_int_eq(sum("possibly_billed"), 2);
    ck_assert_int_eq(sum("answers"), 0);
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM job WHERE answer IS NULL"), 2);
    telling_release(&t);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("doubt");
    TCase *tests = tcase_create("doubt");
    tcase_add_checked_fixture(tests, open_world, close_world);
    tcase_add_test(tests, a_record_that_cannot_be_applied_is_quarantined_alone);
    tcase_add_test(tests, facts_that_are_not_what_they_claim_are_quarantined);
    tcase_add_test(tests,
                   an_answer_of_a_lease_that_was_taken_for_lost_counts_and_makes_the_check_fail);
    tcase_add_test(tests, money_of_a_second_end_is_flagged_in_the_sums);
    tcase_add_test(tests, a_late_end_keeps_what_the_mark_has_said);
    tcase_add_test(tests, numbers_that_cannot_be_added_up_never_reach_the_sums);
    tcase_add_test(tests, a_jobs_page_names_its_conflicts_and_what_is_in_quarantine);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
