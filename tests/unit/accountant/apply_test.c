// The rules by which records change the ledger, each alone.
#include "workers/accountant/apply.h"

#include <check.h>
#include <stdlib.h>

static struct record_item answered(void) {
    struct record_item record = {
        .number = 7,
        .type = bytes_text("job"),
        .job = 1,
        .job_id = {{1}},
        .batch_id = {{2}},
        .conversation_id = {{1}},
        .turn = 1,
        .attempt = 1,
        .call = {{3}},
        .ended = bytes_text("answered"),
        .status = 200,
        .digest = {{4}},
        .is_answer = true,
        .outcome = bytes_text("answered"),
        .revision = 1,
    };
    return record;
}

static struct apply_told told_of(const struct record_item *record, bool has_facts,
                                 bool has_message) {
    struct apply_told told;
    const char *why = NULL;
    ck_assert_int_eq(apply_read(record, has_facts, has_message, &told, &why), ERR_OK);
    ck_assert_ptr_null(why);
    return told;
}

static struct apply_plan plan_of(const struct record_item *record, const struct apply_held *held) {
    struct apply_told told = told_of(record, true, true);
    struct apply_plan plan;
    apply_decide(&told, held, &plan);
    return plan;
}

static const struct apply_held nothing;

// The plain case has to work, or nothing is ever recorded.
START_TEST(a_first_answer_is_inserted_and_answers_its_job) {
    struct record_item record = answered();
    struct apply_plan plan = plan_of(&record, &nothing);
    ck_assert_int_eq(plan.call, APPLY_insert);
    ck_assert_int_eq(plan.role, ROLE_answer);
    ck_assert(plan.takes_answer && plan.takes_outcome && plan.has_answer);
    ck_assert_ptr_null(plan.conflict);
}
END_TEST

// A lost `recorded` makes the broker say it all again: counted twice, the money would be wrong.
START_TEST(a_repeat_changes_nothing_and_says_that_there_is_an_answer) {
    struct record_item record = answered();
    struct apply_held held = {.has_call = true,
                              .call_state = CALL_answered,
                              .call_digest = record.digest,
                              .has_job = true,
                              .has_answer = true,
                              .answer_is_call = true,
                              .outcome = OUTCOME_answered,
                              .revision = 1};
    struct apply_plan plan = plan_of(&record, &held);
    ck_assert_int_eq(plan.call, APPLY_nothing);
    ck_assert(!plan.takes_answer && !plan.takes_outcome && plan.has_answer);
    ck_assert_ptr_null(plan.conflict);
}
END_TEST

// The same end may come once with facts and once without, when an extractor died in between:
// what the worker gave is the same, so it is the same end.
START_TEST(a_repeat_is_known_by_the_workers_digest_whatever_the_extractor_made_of_it) {
    struct record_item record = answered();
    struct apply_held held = {.has_call = true,
                              .call_state = CALL_unextracted,
                              .call_digest = record.digest,
                              .has_job = true,
                              .outcome = OUTCOME_answered,
                              .revision = 1};
    struct apply_plan plan = plan_of(&record, &held);
    ck_assert_int_eq(plan.call, APPLY_nothing);
    ck_assert(!plan.takes_answer && !plan.has_answer);
    ck_assert_ptr_null(plan.conflict);
}
END_TEST

// The answer was paid for: it must not stay "possibly billed, at most" for ever.
START_TEST(an_unknown_call_is_replaced_by_the_answer_that_comes_later) {
    struct record_item record = answered();
    struct apply_held held = {.has_call = true, .call_state = CALL_unknown, .has_job = true};
    struct apply_plan plan = plan_of(&record, &held);
    ck_assert_int_eq(plan.call, APPLY_replace);
    ck_assert(plan.takes_answer);
    ck_assert_ptr_null(plan.conflict);
}
END_TEST

// Records may be told again out of order; a known end must not be forgotten over it.
START_TEST(an_end_is_never_replaced_by_unknown) {
    static const enum call_state states[] = {CALL_answered, CALL_failed, CALL_not_started,
                                             CALL_unextracted, CALL_unknown};
    struct record_item record = answered();
    record.ended = bytes_text("unknown");
    record.is_answer = false;
    record.outcome = bytes_text("");
    record.digest = (struct digest){{0}};
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        struct apply_held held = {
            .has_call = true, .call_state = states[i], .call_digest = {{9}}, .has_job = true};
        struct apply_plan plan = plan_of(&record, &held);
        ck_assert_int_eq(plan.call, APPLY_nothing);
        ck_assert_ptr_null(plan.conflict);
    }
}
END_TEST

// Two different ends of one call mean that something is broken: nobody may choose silently.
START_TEST(another_end_of_the_same_call_is_a_conflict) {
    struct record_item record = answered();
    struct apply_held held = {
        .has_call = true, .call_state = CALL_failed, .call_digest = {{9}}, .has_job = true};
    struct apply_plan plan = plan_of(&record, &held);
    ck_assert_int_eq(plan.call, APPLY_nothing);
    ck_assert(!plan.takes_answer);
    ck_assert_str_eq(plan.conflict, "another_end");
}
END_TEST

// The broker said "not started" for a worker that could not; the worker's own word, coming after
// all, says that the call was made and costs money. That must reach a person.
START_TEST(an_end_of_a_lease_that_was_taken_for_lost_counts_and_is_a_conflict) {
    static const char *const ends[] = {"answered", "failed"};
    for (size_t i = 0; i < 2; i++) {
        struct record_item record = answered();
        struct apply_held held = {
            .has_call = true, .call_state = CALL_not_started, .has_job = true};
        record.ended = bytes_text(ends[i]);
        record.is_answer = i == 0;
        struct apply_plan plan = plan_of(&record, &held);
        ck_assert_int_eq(plan.call, APPLY_replace);
        ck_assert(plan.takes_answer == (i == 0) && plan.has_answer == (i == 0));
        ck_assert_str_eq(plan.conflict, "end_of_lost_lease");
    }
}
END_TEST

// A worker's own "not started" is its word. If it says afterwards that the call was answered, one
// of the two is wrong, and the money may be gone: the row that stands is flagged.
START_TEST(another_end_after_one_that_cost_nothing_flags_the_call) {
    struct record_item record = answered();
    struct apply_held held = {
        .has_call = true, .call_state = CALL_not_started, .call_digest = {{9}}, .has_job = true};
    struct apply_plan plan = plan_of(&record, &held);
    ck_assert_int_eq(plan.call, APPLY_nothing);
    ck_assert_str_eq(plan.conflict, "another_end");
    ck_assert(plan.flags_cost);
    held.has_cost = true; // priced, or flagged already
    ck_assert(!plan_of(&record, &held).flags_cost);
    held.has_cost = false;
    record.status = 429;
    record.is_answer = false;
    ck_assert(!plan_of(&record, &held).flags_cost);
}
END_TEST

// A call id that two jobs claim would join one job's bill with another's answer.
START_TEST(a_call_of_another_job_is_a_conflict) {
    struct record_item record = answered();
    struct apply_held held = {.has_call = true, .call_state = CALL_unknown, .is_other_jobs = true};
    ck_assert_str_eq(plan_of(&record, &held).conflict, "another_job");
    ck_assert_int_eq(plan_of(&record, &held).call, APPLY_nothing);
}
END_TEST

// A job has one answer. A second one was paid for as well, and is kept, but says nothing.
START_TEST(a_second_answer_is_superfluous_and_a_conflict) {
    struct record_item record = answered();
    struct apply_held held = {
        .has_job = true, .has_answer = true, .outcome = OUTCOME_answered, .revision = 1};
    struct apply_plan plan = plan_of(&record, &held);
    ck_assert_int_eq(plan.call, APPLY_insert);
    ck_assert_int_eq(plan.role, ROLE_superfluous);
    ck_assert(!plan.takes_answer && plan.has_answer);
    ck_assert_str_eq(plan.conflict, "second_answer");
}
END_TEST

START_TEST(what_the_broker_calls_superfluous_is_no_conflict) {
    struct record_item record = answered();
    record.is_answer = false;
    record.is_superfluous = true;
    record.outcome = bytes_text("");
    struct apply_held held = {.has_job = true, .has_answer = true};
    struct apply_plan plan = plan_of(&record, &held);
    ck_assert_int_eq(plan.role, ROLE_superfluous);
    ck_assert_ptr_null(plan.conflict);
    ck_assert(plan.has_answer);
}
END_TEST

// A turn whose answer has no message cannot be followed by the next turn; a single call's
// result is the raw body, read or not.
START_TEST(an_answer_that_nobody_could_read_answers_a_single_call_but_no_turn) {
    struct record_item record = answered();
    struct apply_plan plan;
    struct apply_told told = told_of(&record, false, false);
    ck_assert_int_eq(told.state, CALL_unextracted);
    apply_decide(&told, &nothing, &plan);
    ck_assert(plan.has_answer);
    record.conversation = bytes_text("c1");
    told = told_of(&record, false, false);
    apply_decide(&told, &nothing, &plan);
    ck_assert(!plan.has_answer && !plan.takes_answer);
    ck_assert_int_eq(plan.role, ROLE_none);
    told = told_of(&record, true, false);
    ck_assert_int_eq(told.state, CALL_answered);
    apply_decide(&told, &nothing, &plan);
    ck_assert(!plan.has_answer);
}
END_TEST

// A revived job's new outcome counts; an old record that comes late must not undo it.
START_TEST(the_higher_revision_of_an_outcome_wins) {
    struct record_item record = answered();
    record.attempt = 0;
    record.outcome = bytes_text("dead");
    struct apply_held held = {.has_job = true, .outcome = OUTCOME_dead, .revision = 1};
    record.revision = 2;
    ck_assert(plan_of(&record, &held).takes_outcome);
    held.revision = 3;
    ck_assert(!plan_of(&record, &held).takes_outcome);
    ck_assert_ptr_null(plan_of(&record, &held).conflict);
    held.revision = 2;
    ck_assert(!plan_of(&record, &held).takes_outcome);
    ck_assert_ptr_null(plan_of(&record, &held).conflict);
    held.outcome = OUTCOME_answered;
    ck_assert_str_eq(plan_of(&record, &held).conflict, "another_outcome");
}
END_TEST

// What makes no sense must reach a person, and never the sums.
START_TEST(records_that_make_no_sense_are_refused_with_a_reason) {
    struct apply_told told;
    const char *why;
    struct record_item record = answered();
#define REFUSED(change, reason)                                                    \
    record = answered();                                                           \
    change;                                                                        \
    ck_assert_int_eq(apply_read(&record, true, true, &told, &why), ERR_MALFORMED); \
    ck_assert_str_eq(why, reason)
    REFUSED(record.type = bytes_text("jobs"), "unknown_type");
    REFUSED(record.ended = bytes_text("done"), "unknown_end");
    REFUSED(record.ended = bytes_text("unextracted"), "unknown_end");
    REFUSED(record.ended = bytes_text(""), "unknown_end");
    REFUSED(record.outcome = bytes_text("fine"), "unknown_outcome");
    REFUSED(record.call = (struct id){{0}}, "no_call_id");
    REFUSED(record.job_id = (struct id){{0}}, "no_job_id");
    REFUSED(record.batch_id = (struct id){{0}}, "no_batch_id");
    REFUSED(record.status = 0, "answer_without_status");
    REFUSED(record.turn = 0, "no_turn");
    REFUSED(record.revision = 0, "no_revision");
    REFUSED(record.line = UINT64_MAX, "number_too_large");
    REFUSED(record.ended = bytes_text("failed"), "answer_without_answer");
    REFUSED(record.is_superfluous = true, "answer_and_superfluous");
    REFUSED(record.attempt = 0; record.outcome = bytes_text(""), "says_nothing");
    REFUSED(record.type = bytes_text("refused"); record.line = 0, "no_line");
#undef REFUSED
}
END_TEST

int main(void) {
    Suite *suite = suite_create("apply");
    TCase *tests = tcase_create("apply");
    tcase_add_test(tests, a_first_answer_is_inserted_and_answers_its_job);
    tcase_add_test(tests, a_repeat_changes_nothing_and_says_that_there_is_an_answer);
    tcase_add_test(tests,
                   a_repeat_is_known_by_the_workers_digest_whatever_the_extractor_made_of_it);
    tcase_add_test(tests, an_unknown_call_is_replaced_by_the_answer_that_comes_later);
    tcase_add_test(tests, an_end_is_never_replaced_by_unknown);
    tcase_add_test(tests, another_end_of_the_same_call_is_a_conflict);
    tcase_add_test(tests, an_end_of_a_lease_that_was_taken_for_lost_counts_and_is_a_conflict);
    tcase_add_test(tests, another_end_after_one_that_cost_nothing_flags_the_call);
    tcase_add_test(tests, a_call_of_another_job_is_a_conflict);
    tcase_add_test(tests, a_second_answer_is_superfluous_and_a_conflict);
    tcase_add_test(tests, what_the_broker_calls_superfluous_is_no_conflict);
    tcase_add_test(tests, an_answer_that_nobody_could_read_answers_a_single_call_but_no_turn);
    tcase_add_test(tests, the_higher_revision_of_an_outcome_wins);
    tcase_add_test(tests, records_that_make_no_sense_are_refused_with_a_reason);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
