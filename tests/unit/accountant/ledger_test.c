// Records in, rows and sums out.
#include "tests/unit/accountant/world.h"

#include "common/id.h"
#include "common/wire.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

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

// Money that is counted twice is as wrong as money that is lost.
START_TEST(a_record_told_twice_is_accounted_once) {
    struct telling t;
    telling_answered(&world, &t, 1, NULL, 1);
    struct recorded_item told = world_tell(&world, &t);
    ck_assert(told.has_answer && !told.is_quarantined);
    int64_t amount = sum("amount_pusd");
    ck_assert_int_gt(amount, 0);
    ck_assert_int_eq(sum("in_cached"), 20);
    for (int i = 0; i < 3; i++) {
        t.item.number = 1;
        ck_assert(world_tell(&world, &t).has_answer);
    }
    ck_assert_int_eq(sum("amount_pusd"), amount);
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM call"), 1);
    ck_assert_int_eq(world_count(&world, "SELECT answered FROM batch"), 1);
    ck_assert_uint_eq(world.ledger.applied, 1);
    world_check(&world);
    telling_release(&t);
}
END_TEST

// gpt-5-nano's published price for 80 new, 20 cached and 50 written tokens, in pico-USD.
START_TEST(an_answer_is_priced_by_the_served_models_price) {
    struct telling t;
    telling_answered(&world, &t, 1, NULL, 1);
    (void)world_tell(&world, &t);
    ck_assert_int_eq(sum("amount_pusd"), 80 * 50000 + 20 * 5000 + 50 * 400000);
    ck_assert_int_eq(world_count(&world, "SELECT price IS NOT NULL FROM call"), 1);
    telling_release(&t);
}
END_TEST

// A model that nobody knows a price for must never look free.
START_TEST(an_unknown_model_is_unpriced_and_not_zero) {
    struct telling t;
    telling_answered(&world, &t, 1, NULL, 1);
    t.facts.model = bytes_text("gpt-of-tomorrow");
    (void)world_tell(&world, &t);
    ck_assert_int_eq(world_count(&world, "SELECT amount_pusd IS NULL FROM call"), 1);
    ck_assert_int_eq(world_count(&world, "SELECT cost_state='unpriced' FROM call"), 1);
    ck_assert_int_eq(sum("unpriced"), 1);
    world_check(&world);
    telling_release(&t);
}
END_TEST

// Whoever is billed by the provider's own figure must see that figure.
START_TEST(a_stated_cost_wins_and_stands_beside_the_computed_one) {
    struct telling t;
    telling_answered(&world, &t, 1, NULL, 1);
    t.facts.cost_stated_pusd = 12345678;
    t.facts.is_inconsistent = true;
    (void)world_tell(&world, &t);
    ck_assert_int_eq(sum("amount_pusd"), 12345678);
    ck_assert_int_eq(sum("inconsistent"), 1);
    ck_assert_int_eq(world_count(&world, "SELECT computed_pusd FROM call"), 24100000);
    telling_release(&t);
}
END_TEST

// Where several passes reach a dearer bracket together, nobody knows whether each of them did: the
// amount must not look like one that is known.
START_TEST(an_amount_in_a_bracket_that_several_passes_reach_is_doubted) {
    static const struct {
        int64_t input, stated_pusd;
        bool has_more, is_doubted;
    } cases[] = {{300000, -1, true, true},
                 {300000, -1, false, false},
                 {200000, -1, true, false},
                 {300000, 5, true, false}};
    int64_t doubted = 0;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct telling t;
        telling_answered(&world, &t, i + 1, NULL, 1);
        t.facts.model = bytes_text("gpt-5.6-sol");
        t.facts.in_uncached = cases[i].input;
        t.facts.cost_stated_pusd = cases[i].stated_pusd;
        t.facts.has_more = cases[i].has_more;
        (void)world_tell(&world, &t);
        doubted += cases[i].is_doubted;
        ck_assert_int_eq(sum("inconsistent"), doubted);
        ck_assert_int_eq(world_count(&world, "SELECT sum(is_inconsistent) FROM call"), doubted);
        ck_assert_int_eq(sum("unpriced"), 0);
        telling_release(&t);
    }
    world_check(&world);
}
END_TEST

// A crash of a worker must not leave a paid answer without its cost.
START_TEST(an_unknown_call_becomes_answered_and_leaves_the_possibly_billed_sum) {
    struct telling t;
    telling_answered(&world, &t, 1, NULL, 1);
    telling_end(&t, "unknown");
    ck_assert(!world_tell(&world, &t).has_answer);
    ck_assert_int_eq(sum("possibly_billed"), 1);
    ck_assert_int_eq(sum("possibly_pusd"), 5000000000);
    telling_release(&t);
    telling_answered(&world, &t, 1, NULL, 1);
    ck_assert(world_tell(&world, &t).has_answer);
    ck_assert_int_eq(sum("possibly_billed"), 0);
    ck_assert_int_eq(sum("possibly_pusd"), 0);
    ck_assert_int_eq(sum("calls"), 1);
    ck_assert_int_gt(sum("amount_pusd"), 0);
    ck_assert_int_eq(world_count(&world, "SELECT state='answered' FROM call"), 1);
    world_check(&world);
    telling_end(&t, "unknown");
    (void)world_tell(&world, &t);
    ck_assert_int_eq(world_count(&world, "SELECT state='answered' FROM call"), 1);
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM conflict"), 0);
    telling_release(&t);
}
END_TEST

// A contradiction is kept whole for a person, said once, and changes no sum.
START_TEST(a_contradiction_is_kept_once_with_all_that_came) {
    struct telling t;
    telling_answered(&world, &t, 1, NULL, 1);
    (void)world_tell(&world, &t);
    int64_t amount = sum("amount_pusd");
    t.item.digest.at[20] = 1;
    (void)world_tell(&world, &t);
    t.item.number = 2;
    (void)world_tell(&world, &t);
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM conflict"), 1);
    ck_assert_int_eq(sum("amount_pusd"), amount);
    struct bytes parts[PARTS_MAX];
    struct buf out;
    sqlite3_stmt *row;
    buf_init(&out, 1 << 20);
    ck_assert_int_eq(db_prepare(&world.ledger.db, "SELECT frames, item FROM conflict", &row),
                     ERR_OK);
    ck_assert_int_eq(db_step(row), ERR_OK);
    ck_assert_int_eq(unsqueeze_parts(&world.ledger.squeezer, db_bytes(row, 0), &out, parts),
                     ERR_OK);
    ck_assert(bytes_is(parts[0], t.line) && bytes_is(parts[2], t.body));
    struct record_item item;
    ck_assert_int_eq(wire_unpack_item(db_bytes(row, 1), KIND_record, &item), ERR_OK);
    ck_assert(digest_equal(item.digest, t.item.digest));
    (void)sqlite3_finalize(row);
    buf_release(&out);
    telling_release(&t);
}
END_TEST

// An answer after the first is in no transcript, but the invoice has it.
START_TEST(a_superfluous_answer_is_priced_and_changes_no_transcript) {
    struct telling t;
    telling_answered(&world, &t, 1, "c1", 1);
    (void)world_tell(&world, &t);
    int64_t amount = sum("amount_pusd");
    telling_release(&t);
    telling_answered(&world, &t, 1, "c1", 1);
    t.item.call = call_of(99);
    t.item.attempt = 2;
    t.item.digest.at[9] = 1;
    t.item.is_answer = false;
    t.item.is_superfluous = true;
    t.item.outcome = bytes_text("");
    t.item.revision = 0;
    ck_assert(world_tell(&world, &t).has_answer);
    ck_assert_int_eq(sum("amount_pusd"), 2 * amount);
    ck_assert_int_eq(sum("superfluous"), 1);
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM message"), 2);
    world_check(&world);
    telling_release(&t);
}
END_TEST

// The broker lets the next turn go only when the ledger has this one's answer.
START_TEST(a_turn_without_facts_has_no_answer_until_one_comes) {
    struct telling t;
    telling_answered(&world, &t, 1, "c1", 1);
    t.has_facts = false;
    t.item.unextracted = bytes_text("extractor_lost");
    struct recorded_item told = world_tell(&world, &t);
    ck_assert(!told.has_answer && !told.is_quarantined);
    ck_assert_int_eq(world_count(&world, "SELECT state='unextracted' AND is_possibly_billed AND "
                                         "cost_state='unpriced' FROM call"),
                     1);
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM message"), 0);
    telling_outcome(&t, "dead", 2);
    (void)world_tell(&world, &t);
    ck_assert_int_eq(world_count(&world, "SELECT dead FROM batch"), 1);
    ck_assert_int_eq(world_count(&world, "SELECT answered FROM batch"), 0);
    telling_release(&t);
}
END_TEST

// What an extractor refused is not believed in anything that costs or counts; but the provider's
// own number for the call must be found when one asks the provider about it.
START_TEST(a_refused_answer_keeps_its_identifiers_and_none_of_its_counters) {
    struct telling t;
    telling_answered(&world, &t, 1, "c1", 1);
    t.item.unextracted = bytes_text("malformed");
    t.item.is_possibly_billed = true;
    t.facts.cost_stated_pusd = 77;
    t.facts.is_inconsistent = true;
    ck_assert(!world_tell(&world, &t).has_answer);
    ck_assert_int_eq(world_count(&world, "SELECT state='unextracted' AND is_possibly_billed AND "
                                         "cost_state='unpriced' AND amount_pusd IS NULL AND "
                                         "stated_pusd IS NULL AND possibly_pusd=5000000000 AND "
                                         "in_uncached IS NULL AND total_stated IS NULL AND "
                                         "NOT is_inconsistent AND finish IS NULL FROM call"),
                     1);
    ck_assert_int_eq(sum("in_uncached"), 0);
    ck_assert_int_eq(sum("unpriced"), 1);
    ck_assert_int_eq(sum("possibly_billed"), 1);
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM message"), 0);
    json_t *found = world_ask(&world, "find", "{\"value\":\"%s\"}", t.request_id);
    ck_assert_uint_eq(json_array_size(json_object_get(found, "matches")), 1);
    json_decref(found);
    world_check(&world);
    telling_release(&t);
}
END_TEST

// A redirect is no answer, and nobody bills it.
START_TEST(a_redirect_counts_as_an_error_without_a_price) {
    struct telling t;
    telling_answered(&world, &t, 1, NULL, 1);
    telling_end(&t, "answered");
    t.item.status = 302;
    t.item.is_possibly_billed = false;
    t.has_facts = true;
    t.facts = (struct facts_head){.in_uncached = -1,
                                  .in_cached = -1,
                                  .in_cache_write = -1,
                                  .in_audio = -1,
                                  .out_visible = -1,
                                  .out_reasoning = -1,
                                  .out_audio = -1,
                                  .in_tool_use = -1,
                                  .in_image = -1,
                                  .out_image = -1,
                                  .total_stated = -1,
                                  .cost_stated_pusd = -1};
    (void)world_tell(&world, &t);
    ck_assert_int_eq(world_count(&world, "SELECT cost_state='none' FROM call"), 1);
    ck_assert_int_eq(sum("unpriced"), 0);
    ck_assert_int_eq(sum("failed"), 1);
    world_check(&world);
    telling_release(&t);
}
END_TEST

// A record alone with an outcome says nothing of an answer; the job's row does.
START_TEST(whether_there_is_an_answer_is_told_from_the_ledgers_job) {
    struct telling t;
    telling_answered(&world, &t, 1, "c1", 1);
    ck_assert(world_tell(&world, &t).has_answer);
    telling_outcome(&t, "cancelled", 2);
    ck_assert(world_tell(&world, &t).has_answer);
    telling_release(&t);
    telling_answered(&world, &t, 2, "c2", 1);
    telling_outcome(&t, "answered", 1);
    ck_assert(!world_tell(&world, &t).has_answer);
    telling_release(&t);
}
END_TEST

// A dead job that a person revives moves from one counter to the other, once.
START_TEST(a_later_outcome_replaces_the_earlier_in_the_batchs_counters) {
    struct telling t;
    telling_answered(&world, &t, 1, NULL, 1);
    telling_outcome(&t, "dead", 1);
    (void)world_tell(&world, &t);
    ck_assert_int_eq(world_count(&world, "SELECT dead FROM batch"), 1);
    telling_release(&t);
    telling_answered(&world, &t, 1, NULL, 1);
    t.item.revision = 2;
    t.facts.finish = bytes_text("length");
    (void)world_tell(&world, &t);
    ck_assert_int_eq(world_count(&world, "SELECT dead FROM batch"), 0);
    ck_assert_int_eq(world_count(&world, "SELECT answered FROM batch"), 1);
    ck_assert_int_eq(world_count(&world, "SELECT cut FROM batch"), 1);
    ck_assert_int_eq(world_count(&world, "SELECT jobs FROM batch"), 1);
    telling_outcome(&t, "dead", 1);
    (void)world_tell(&world, &t);
    ck_assert_int_eq(world_count(&world, "SELECT dead FROM batch"), 0);
    telling_outcome(&t, "cancelled", 3);
    (void)world_tell(&world, &t);
    ck_assert_int_eq(world_count(&world, "SELECT cancelled FROM batch"), 1);
    ck_assert_int_eq(world_count(&world, "SELECT answered+cut FROM batch"), 0);
    telling_release(&t);
}
END_TEST

START_TEST(refused_lines_and_the_batchs_states_are_kept_once) {
    struct telling t;
    telling_batch(&world, &t, "open", 1, 0);
    (void)world_tell(&world, &t);
    telling_batch(&world, &t, "sealed", 1, 3);
    (void)world_tell(&world, &t);
    telling_batch(&world, &t, "open", 1, 0);
    t.item.number = 1;
    (void)world_tell(&world, &t);
    ck_assert_int_eq(world_count(&world, "SELECT state='sealed' AND lines=3 FROM batch"), 1);
    telling_batch(&world, &t, "settled", 2, 3);
    (void)world_tell(&world, &t);
    telling_batch(&world, &t, "open", 1, 0);
    t.item.number = 1;
    (void)world_tell(&world, &t);
    ck_assert_int_eq(world_count(&world, "SELECT state='settled' AND lines=3 FROM batch"), 1);
    t.item = (struct record_item){.type = bytes_text("refused"),
                                  .batch_id = world.batch,
                                  .line = 2,
                                  .outcome_reason = bytes_text("not_json"),
                                  .detail = bytes_text("at byte 3")};
    for (int i = 0; i < 2; i++)
        (void)world_tell(&world, &t);
    ck_assert_int_eq(world_count(&world, "SELECT refused FROM batch"), 1);
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM refused_line"), 1);
    struct key_known_head known = {.batch = 1};
    ck_assert_int_eq(ledger_find_key(&world.ledger, bytes_text("key-1"), &known), ERR_OK);
    ck_assert(known.is_known && known.lines == 3 && id_equal(known.batch_id, world.batch));
    ck_assert_int_eq(ledger_find_key(&world.ledger, bytes_text("key-2"), &known), ERR_OK);
    ck_assert(!known.is_known);
    telling_release(&t);
}
END_TEST

// Tags say who pays: a call counts under its batch's, its line's and its conversation's.
START_TEST(calls_count_under_the_tags_of_batch_line_and_conversation) {
    struct telling t;
    telling_batch(&world, &t, "open", 1, 0);
    (void)world_tell(&world, &t);
    telling_release(&t);
    for (uint64_t turn = 1; turn <= 3; turn++) {
        telling_answered(&world, &t, turn, "c1", turn);
        if (turn == 2)
            (void)snprintf(
                t.line, sizeof(t.line),
                "{\"conversation\":\"c1\",\"input\":\"x\",\"tags\":{\"user\":\"an\\u0061\","
                "\"n\":1}}");
        t.frames.line = bytes_text(t.line);
        (void)world_tell(&world, &t);
        telling_release(&t);
    }
    telling_answered(&world, &t, 4, NULL, 1);
    (void)snprintf(t.line, sizeof(t.line),
                   "{\"body\":{\"metadata\":{\"user\":\"ben\"},\"messages\":[]}}");
    t.frames.line = bytes_text(t.line);
    (void)world_tell(&world, &t);
    world_check(&world);
    json_t *report = world_ask(&world, "cost.report", "{\"by\":\"tag\"}");
    json_t *rows = json_object_get(report, "rows");
    static const struct {
        const char *tag;
        int calls;
    } expected[] = {{"team=search", 4}, {"user=ana", 2}, {"user=ben", 1}};
    ck_assert_uint_eq(json_array_size(rows), 3);
    for (size_t i = 0; i < 3; i++) {
        json_t *row = json_array_get(rows, i);
        ck_assert_str_eq(json_string_value(json_object_get(row, "tag")), expected[i].tag);
        ck_assert_int_eq(json_integer_value(json_object_get(row, "calls")), expected[i].calls);
    }
    json_decref(report);
    telling_release(&t);
}
END_TEST

// Sums that drift from their calls would be noticed by the person who pays.
START_TEST(roll_ups_equal_a_recount_after_any_sequence) {
    static const char *const ends[] = {"answered", "failed", "unknown", "not_started"};
    struct telling t;
    unsigned seed = (unsigned)_i * 7919 + 1;
    for (int step = 0; step < 300; step++) {
        uint64_t n = (uint64_t)rand_r(&seed) % 60 + 1;
        char name[16];
        (void)snprintf(name, sizeof(name), "c%d", (int)(n % 7));
        telling_answered(&world, &t, n, n % 3 ? NULL : name, n % 3 ? 1 : n / 3);
        const char *end = ends[rand_r(&seed) % 4];
        int kind = rand_r(&seed) % 6;
        if (strcmp(end, "answered") != 0)
            telling_end(&t, end);
        if (kind == 0)
            telling_outcome(&t, rand_r(&seed) % 2 ? "dead" : "parked",
                            (uint64_t)rand_r(&seed) % 4 + 1);
        if (kind == 1)
            t.facts.model = bytes_text("unknown-model");
        if (kind == 2 && t.item.attempt)
            t.item.call = call_of(n + 1000);
        if (kind == 3)
            t.item.cost_max_pusd = -1;
        if (kind == 4)
            t.item.ended = bytes_text("nonsense");
        t.item.number = (uint64_t)rand_r(&seed) % 10 == 0 ? world.records + 1 : 0;
        if (t.item.number)
            world.records++;
        (void)world_tell(&world, &t);
        telling_release(&t);
        if (step % 97 == 0)
            world_restart(&world);
    }
    json_t *check = world_ask(&world, "check", "{}");
    ck_assert_int_eq(json_integer_value(json_object_get(check, "rollups_differ")), 0);
    json_decref(check);
    static const char *const outcomes[] = {"answered", "dead", "parked"};
    for (size_t i = 0; i < 3; i++) {
        char sql[160];
        (void)snprintf(sql, sizeof(sql),
                       "SELECT %s - (SELECT count(*) FROM job WHERE outcome='%s') FROM batch",
                       outcomes[i], outcomes[i]);
        ck_assert_int_eq(world_count(&world, sql), 0);
    }
    ck_assert_int_eq(world_count(&world, "SELECT jobs-(SELECT count(*) FROM job) FROM batch"), 0);
}
END_TEST

// A disk that takes no more must stop the process before anything is called recorded.
START_TEST(a_write_that_fails_is_an_error_of_the_transaction) {
    struct rlimit limit, before;
    enum err e = ERR_OK;
    struct recorded_item told;
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){.rlim_cur = 1 << 20, .rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    uint64_t committed = 0;
    for (uint64_t n = 1; e == ERR_OK && n <= 5000; n++) {
        struct telling t;
        telling_answered(&world, &t, n, NULL, 1);
        t.item.number = n;
        telling_seal(&t);
        e = ledger_apply(&world.ledger, &t.item, &t.frames, 1, &told);
        if (e == ERR_OK)
            e = ledger_commit(&world.ledger);
        committed += e == ERR_OK;
        telling_release(&t);
    }
    ck_assert(e == ERR_IO || e == ERR_FULL);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    world_restart(&world);
    // What was committed is there; of the one whose commit failed nobody can know.
    int64_t there = world_count(&world, "SELECT count(*) FROM call");
    ck_assert(there == (int64_t)committed || there == (int64_t)committed + 1);
    ck_assert_uint_eq(world.ledger.applied, (uint64_t)there);
}
END_TEST

// A person put back one of the two files: going on would lose records or account them twice.
START_TEST(journal_and_ledger_of_different_moments_are_told_apart) {
    char why[512];
    struct telling t;
    struct id other = uuid_new(1795000000001);
    ck_assert_int_eq(ledger_pair(&world.ledger, world.journal, 9, 4, why, sizeof(why)), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(why, "the ledger is empty"));
    ck_assert_int_eq(ledger_pair(&world.ledger, world.journal, 9, 0, why, sizeof(why)), ERR_OK);
    world_restart(&world);
    ck_assert(id_equal(world.ledger.journal, world.journal));
    for (uint64_t n = 1; n <= 5; n++) {
        telling_answered(&world, &t, n, NULL, 1);
        (void)world_tell(&world, &t);
        telling_release(&t);
    }
    ck_assert_int_eq(ledger_pair(&world.ledger, world.journal, 5, 3, why, sizeof(why)), ERR_OK);
    ck_assert_int_eq(ledger_pair(&world.ledger, world.journal, 5, 5, why, sizeof(why)), ERR_OK);
    ck_assert_int_eq(ledger_pair(&world.ledger, world.journal, 8, 6, why, sizeof(why)), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(why, "the ledger was restored"));
    ck_assert_int_eq(ledger_pair(&world.ledger, world.journal, 4, 2, why, sizeof(why)), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(why, "the journal was restored"));
    ck_assert_int_eq(ledger_pair(&world.ledger, other, 5, 5, why, sizeof(why)), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(why, "journal.db was replaced"));
}
END_TEST

// Simulated money never meets real money.
START_TEST(a_ledger_stays_simulated_or_real) {
    struct ledger ledger;
    struct findex findex;
    struct figures figures = {0};
    ledger_close(&world.ledger);
    findex_init(&findex);
    ck_assert_int_eq(ledger_open(&ledger, world.path, false, &findex, &figures, 1), ERR_DENIED);
    ck_assert_int_eq(ledger_open(&world.ledger, world.path, true, &world.findex, &world.figures, 1),
                     ERR_OK);
    findex_release(&findex);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("ledger");
    TCase *tests = tcase_create("ledger");
    tcase_add_checked_fixture(tests, open_world, close_world);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_record_told_twice_is_accounted_once);
    tcase_add_test(tests, an_answer_is_priced_by_the_served_models_price);
    tcase_add_test(tests, an_unknown_model_is_unpriced_and_not_zero);
    tcase_add_test(tests, a_stated_cost_wins_and_stands_beside_the_computed_one);
    tcase_add_test(tests, an_amount_in_a_bracket_that_several_passes_reach_is_doubted);
    tcase_add_test(tests, an_unknown_call_becomes_answered_and_leaves_the_possibly_billed_sum);
    tcase_add_test(tests, a_contradiction_is_kept_once_with_all_that_came);
    tcase_add_test(tests, a_superfluous_answer_is_priced_and_changes_no_transcript);
    tcase_add_test(tests, a_turn_without_facts_has_no_answer_until_one_comes);
    tcase_add_test(tests, a_refused_answer_keeps_its_identifiers_and_none_of_its_counters);
    tcase_add_test(tests, a_redirect_counts_as_an_error_without_a_price);
    tcase_add_test(tests, whether_there_is_an_answer_is_told_from_the_ledgers_job);
    tcase_add_test(tests, a_later_outcome_replaces_the_earlier_in_the_batchs_counters);
    tcase_add_test(tests, refused_lines_and_the_batchs_states_are_kept_once);
    tcase_add_test(tests, calls_count_under_the_tags_of_batch_line_and_conversation);
    tcase_add_loop_test(tests, roll_ups_equal_a_recount_after_any_sequence, 0, 4);
    tcase_add_test(tests, a_write_that_fails_is_an_error_of_the_transaction);
    tcase_add_test(tests, journal_and_ledger_of_different_moments_are_told_apart);
    tcase_add_test(tests, a_ledger_stays_simulated_or_real);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
