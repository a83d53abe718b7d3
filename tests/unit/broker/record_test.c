// Records: through an extractor to the accountant, again when they are lost, once in the ledger.
#include "tests/unit/broker/run.h"
#include "tests/unit/broker/world.h"

enum { SECOND_EXTRACTOR = 4 };

static struct world *w;
static uint64_t batch;

static void setup(void) {
    w = world_new();
    batch = world_open(w, (struct batch_options){.priority = 1});
    world_join_worker(w, 0, 64);
    world_record_all(w);
}

static void teardown(void) {
    world_free(w);
    w = NULL;
}

// A job and its answer; the record's number.
static uint64_t answered(void) {
    (void)world_submit(w, batch);
    world_answer(w, 0, world_lease(w, 0));
    return core_counters(w->core).issued;
}

static const struct record *record_of(uint64_t number) {
    for (uint32_t slot = 1; slot < RECORDS; slot++)
        if (core_record(w->core, slot)->number == number)
            return core_record(w->core, slot);
    return NULL;
}

// An end without an answer has nothing to read: it goes to the accountant as it is.
START_TEST(only_answers_pass_an_extractor) {
    (void)world_submit(w, batch);
    world_end(w, 0, world_lease(w, 0), CUT_OFF);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_extract, EXTRACTOR), 0);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_record, ACCOUNTANT), 1);
    (void)answered();
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_extract, EXTRACTOR), 1);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_record, ACCOUNTANT), 1);
    (void)world_extract(w, NULL);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_record, ACCOUNTANT), 2);
}
END_TEST

// An answer that kills whoever reads it must not stop the ledger for all others.
START_TEST(an_answer_over_which_extractors_vanish_is_recorded_unread) {
    uint64_t number = answered();
    for (int i = 1; i < EXTRACTIONS_LOST_MAX; i++) {
        world_pass(w, 1);
        world_left(w, EXTRACTOR);
        ck_assert_int_eq(record_of(number)->state, RECORD_RAW);
        world_join(w, EXTRACTOR, "extractor", 64);
        ck_assert_int_eq(record_of(number)->state, RECORD_EXTRACTING);
    }
    world_pass(w, 1);
    world_left(w, EXTRACTOR);
    ck_assert_int_eq(record_of(number)->state, RECORD_SENT);
    ck_assert_int_eq(record_of(number)->unextracted, 2);
}
END_TEST

// Extractors that are killed again and again must not take the facts of answers that did nothing:
// only what was alone with them more than once is to blame.
START_TEST(answers_that_were_there_by_chance_are_read_in_the_end) {
    enum { ANSWERS = ITEMS_MAX + 6 };
    uint64_t first = 0;
    world_join(w, EXTRACTOR, "extractor", ANSWERS);
    for (int i = 0; i < ANSWERS; i++) {
        uint64_t number = answered();
        first = first ? first : number;
    }
    uint64_t last = core_counters(w->core).issued;
    world_pass(w, 1);
    world_left(w, EXTRACTOR);
    ck_assert_uint_eq(record_of(first)->losses, 1);
    ck_assert_uint_eq(record_of(last)->losses, 0); // not begun: it came in a later message
    world_join(w, EXTRACTOR, "extractor", ANSWERS);
    for (uint64_t number = first; number < first + ITEMS_MAX; number++) {
        ck_assert_int_eq(record_of(number)->state, RECORD_EXTRACTING);
        if (number < last)
            ck_assert_int_eq(record_of(number + 1)->state, RECORD_RAW);
        ck_assert_uint_eq(world_extract(w, NULL), number);
        world_pass(w, 1);
    }
    ck_assert_int_eq(record_of(last)->state, RECORD_EXTRACTING); // these again all at once
    ck_assert_int_eq(record_of(last)->unextracted, 0);
}
END_TEST

// An extractor that was gone before the answer left did not vanish over it.
START_TEST(what_found_no_extractor_is_not_to_blame) {
    uint64_t number = answered();
    for (int i = 0; i <= EXTRACTIONS_LOST_MAX; i++) {
        world_left(w, EXTRACTOR); // at the moment of the sending
        ck_assert_uint_eq(record_of(number)->losses, 0);
        world_pass(w, 1);
        world_join(w, EXTRACTOR, "extractor", 64);
        ck_assert_int_eq(record_of(number)->state, RECORD_EXTRACTING);
    }
}
END_TEST

// An extractor that hangs must not keep an answer from the ledger.
START_TEST(an_extraction_that_takes_too_long_goes_to_another) {
    uint64_t number = answered();
    world_join(w, SECOND_EXTRACTOR, "extractor", 1);
    world_pass(w, EXTRACT_LIMIT_MS - 1000);
    ck_assert_uint_eq(record_of(number)->losses, 0);
    world_pass(w, 1000);
    ck_assert_uint_eq(record_of(number)->losses, 1);
    ck_assert_int_eq(record_of(number)->state, RECORD_EXTRACTING);
}
END_TEST

START_TEST(an_answer_that_an_extractor_refuses_is_recorded_unread) {
    uint64_t number = answered();
    ck_assert_uint_eq(world_extract(w, "not_json"), number);
    ck_assert_int_eq(record_of(number)->unextracted, 1);
    ck_assert_int_eq(record_of(number)->state, RECORD_SENT);
}
END_TEST

// A reader that was given up may still answer: its word must not reach a record that went on.
START_TEST(an_extraction_that_comes_late_is_ignored) {
    uint64_t number = answered();
    (void)world_extract(w, NULL);
    struct extracted_item item = {.record = number, .refused = bytes_text("late")};
    struct event event = {.kind = EVENT_extracted, .peer = EXTRACTOR, .extracted = &item};
    world_turn(w, &event);
    ck_assert_int_eq(record_of(number)->unextracted, 0);
    item.record = 99999; // nor one that never was
    world_turn(w, &event);
}
END_TEST

// ---- the accountant -----------------------------------------------------------------------------

START_TEST(a_record_that_is_not_confirmed_is_sent_again) {
    uint64_t number = answered();
    struct sent sent;
    (void)world_extract(w, NULL);
    ck_assert(world_take(w, EFFECT_send_record, ACCOUNTANT, &sent));
    world_pass(w, RECORD_RESEND_MS - 1000);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_record, ACCOUNTANT), 0);
    world_pass(w, 1000);
    ck_assert(world_take(w, EFFECT_send_record, ACCOUNTANT, &sent));
    ck_assert_uint_eq(sent.effect.number, number);
    world_recorded(w, number, true);
    world_pass(w, 2 * RECORD_RESEND_MS);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_record, ACCOUNTANT), 0);
}
END_TEST

// `recorded` may come twice: the second must not confirm something else.
START_TEST(a_confirmation_said_twice_changes_nothing) {
    uint64_t number = answered();
    world_record_all(w);
    uint64_t deleted = w->counts[EFFECT_delete_record];
    world_recorded(w, number, false);
    world_recorded(w, number + 1000, true);
    ck_assert_uint_eq(w->counts[EFFECT_delete_record], deleted);
    ck_assert_uint_eq(world_batch(w, batch)->answered, 1);
    ck_assert_uint_eq(core_counters(w->core).recorded, number);
}
END_TEST

// The accountant died with records that it had not committed: the next one gets all of them.
START_TEST(records_of_an_accountant_that_left_go_to_the_next) {
    uint64_t number = answered();
    struct sent sent;
    (void)world_extract(w, NULL);
    ck_assert(world_take(w, EFFECT_send_record, ACCOUNTANT, &sent));
    world_left(w, ACCOUNTANT);
    ck_assert_int_eq(record_of(number)->state, RECORD_WHOLE);
    world_join(w, ACCOUNTANT, "accountant", 64);
    ck_assert(world_take(w, EFFECT_send_record, ACCOUNTANT, &sent));
    ck_assert_uint_eq(sent.effect.number, number);
}
END_TEST

START_TEST(no_more_records_are_out_than_the_accountant_takes) {
    world_left(w, ACCOUNTANT);
    for (int i = 0; i < 5; i++) {
        (void)world_submit(w, batch);
        world_end(w, 0, world_lease(w, 0), CUT_OFF);
    }
    world_join(w, ACCOUNTANT, "accountant", 2);
    struct sent sent;
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_record, ACCOUNTANT), 2);
    ck_assert(world_take(w, EFFECT_send_record, ACCOUNTANT, &sent));
    world_recorded(w, sent.effect.number, true);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_record, ACCOUNTANT), 2);
}
END_TEST

// Facts live in memory only: a slow accountant must not let them pile up there.
START_TEST(answers_are_read_no_faster_than_the_accountant_takes_them) {
    world_join(w, ACCOUNTANT, "accountant", 1);
    for (int i = 0; i < 6; i++)
        (void)answered();
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_extract, EXTRACTOR), 2);
    world_left(w, ACCOUNTANT);
    (void)world_extract(w, NULL);
    ck_assert_uint_eq(world_untaken(w, EFFECT_send_extract, EXTRACTOR), 1);
}
END_TEST

// A table of records that is full must stop the calls while there is still room for their ends.
START_TEST(a_dead_accountant_stops_the_calls_and_never_an_end) {
    world_free(w);
    struct core_config config = world_config();
    config.records_max = 2 * EFFECTS_MAX + 64;
    config.lane_concurrency = 64;
    w = world_new_with(config);
    batch = world_open(w, (struct batch_options){.priority = 1});
    world_record_all(w);
    world_left(w, ACCOUNTANT);
    (void)world_submit_many(w, batch, 60);
    world_join_worker(w, 0, 64);
    for (int i = 0; i < 60; i++)
        world_answer(w, 0, world_lease(w, 0));
    ck_assert_uint_eq(core_records_pending(w->core), 60);
    const struct batch *row = world_batch(w, batch);
    ck_assert_str_eq(world_put(w, batch, 61, 8, row->digest, world_digest(batch, 68), false),
                     "journal_full");
    world_join(w, ACCOUNTANT, "accountant", 64);
    world_record_all(w);
    (void)world_submit_many(w, batch, 8);
    ck_assert(world_has_lease(w, 0));
}
END_TEST

// ---- journal and ledger of different moments ----------------------------------------------------

static const char *join_with(uint64_t applied, struct id journal) {
    struct hello_head hello = {.role = bytes_text("accountant"),
                               .process = {{9}},
                               .slots = 64,
                               .applied = applied,
                               .journal = journal};
    struct event event = {.kind = EVENT_join, .peer = 9, .join = &hello};
    struct sent sent;
    world_turn(w, &event);
    return world_take(w, EFFECT_send_unwelcome, 9, &sent) ? sent.effect.why : NULL;
}

// One of the two files was restored from a backup: going on would lose or repeat calls unseen.
START_TEST(a_ledger_and_a_journal_of_different_moments_are_refused) {
    static const struct id none = {{0}}, other = {{8}};
    (void)answered();
    world_record_all(w);
    (void)answered();
    struct counters_row counters = core_counters(w->core);
    world_left(w, ACCOUNTANT);
    ck_assert_str_eq(join_with(counters.recorded - 1, w->config.journal),
                     "ledger_is_older_than_journal");
    ck_assert_str_eq(join_with(counters.issued + 1, w->config.journal),
                     "journal_is_older_than_ledger");
    ck_assert_ptr_nonnull(join_with(counters.recorded, other));
    ck_assert_uint_eq(w->counts[EFFECT_alarm], 3);
    ck_assert(!core_has_accountant(w->core));
    ck_assert_ptr_null(join_with(counters.recorded, none));            // a new ledger names none
    ck_assert_ptr_null(join_with(counters.issued, w->config.journal)); // an ordinary crash
    ck_assert(core_has_accountant(w->core));
}
END_TEST

// Over another connection an older hello may come later: the accountant at work is no restored one.
START_TEST(an_old_word_of_the_accountant_stops_nobody) {
    (void)answered();
    world_record_all(w);
    struct counters_row counters = core_counters(w->core);
    world_left(w, ACCOUNTANT);
    ck_assert_ptr_null(join_with(counters.recorded, w->config.journal));
    ck_assert_ptr_null(join_with(counters.recorded - 1, w->config.journal));
    ck_assert(core_has_accountant(w->core));
    // Also when it was silent for so long that it counts as gone.
    world_left(w, 9);
    ck_assert_ptr_null(join_with(counters.recorded - 1, w->config.journal));
    ck_assert_uint_eq(w->counts[EFFECT_alarm], 0);
    ck_assert(!core_has_accountant(w->core));
    ck_assert_ptr_null(join_with(counters.recorded, w->config.journal));
    ck_assert(core_has_accountant(w->core));
}
END_TEST

int main(void) {
    RUN_TESTS(
        "records", setup, teardown, only_answers_pass_an_extractor,
        an_answer_over_which_extractors_vanish_is_recorded_unread,
        answers_that_were_there_by_chance_are_read_in_the_end,
        what_found_no_extractor_is_not_to_blame, an_extraction_that_takes_too_long_goes_to_another,
        an_answer_that_an_extractor_refuses_is_recorded_unread,
        an_extraction_that_comes_late_is_ignored, a_record_that_is_not_confirmed_is_sent_again,
        a_confirmation_said_twice_changes_nothing,
        records_of_an_accountant_that_left_go_to_the_next,
        no_more_records_are_out_than_the_accountant_takes,
        answers_are_read_no_faster_than_the_accountant_takes_them,
        a_dead_accountant_stops_the_calls_and_never_an_end,
        an_old_word_of_the_accountant_stops_nobody,
        a_ledger_and_a_journal_of_different_moments_are_refused);
}
