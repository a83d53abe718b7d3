// Every allocation of the accountant fails once: the process ends, or an error comes back with
// which its owner ends it, and what it had called recorded is in the ledger.

#include "common/id.h"
#include "common/mem.h"
#include "tests/fault/fault.h"
#include "tests/fault/place.h"
#include "tests/fault/run.h"
#include "tests/unit/accountant/world.h"
#include "workers/accountant/context/full.h"

#include <assert.h>
#include <stdio.h>
#include <sysexits.h>

enum { POINTS = 100, RECORDS = 6 };

static struct world world;
static const int64_t now_ms = 1795000000000;

static void load_catalogue(void) {
    struct buf problems;
    buf_init(&world.document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 65536);
    ck_assert_int_eq(catalogue_compile_folder(NULL, &world.document, &problems), ERR_OK);
    ck_assert_int_eq(catalogue_load(buf_bytes(&world.document), &world.catalogue), ERR_OK);
    buf_release(&problems);
    world.batch = world.journal = (struct id){{9}};
}

static enum err open_ledger(void) {
    findex_init(&world.findex);
    enum err e = ledger_open(&world.ledger, place_file("ledger.db"), true, &world.findex,
                             &world.figures, now_ms);
    return e == ERR_OK ? ledger_adopt(&world.ledger, world.catalogue, buf_bytes(&world.document))
                       : e;
}

static void close_ledger(void) {
    ledger_close(&world.ledger);
    findex_release(&world.findex);
}

static enum err tell(struct telling *telling, uint64_t number) {
    struct recorded_item told;
    telling->item.number = number;
    telling_seal(telling);
    enum err e = ledger_apply(&world.ledger, &telling->item, &telling->frames, 1, &told);
    if (e == ERR_OK)
        e = ledger_commit(&world.ledger);
    // A record that has nothing wrong must not end in quarantine for want of memory.
    assert(e != ERR_OK || !told.is_quarantined);
    if (e == ERR_OK)
        *place_stored = number;
    return e;
}

static enum err prepare_turn(uint64_t turn) {
    struct prepared_item prepared;
    struct buf context;
    const struct prepare_item asked = {
        .job = turn,
        .ask = 5,
        .job_id = job_of(turn),
        .batch_id = world.batch,
        .turn = turn,
        .conversation = bytes_text("c"),
        .provider = bytes_text("openai"),
        .api = bytes_text("chat"),
        .model = bytes_text("gpt-5-nano"),
    };
    buf_init(&context, CONTEXT_BYTES_MAX);
    enum err e = context_full(&world.ledger, &asked, bytes_text("{\"input\":\"and on\"}"), &context,
                              &prepared);
    assert(e != ERR_OK || prepared.refused.size == 0);
    buf_release(&context);
    return e;
}

static void apply_records(void) {
    enum err e = open_ledger();
    for (uint64_t n = 1; e == ERR_OK && n <= RECORDS; n++) {
        struct telling telling;
        telling_answered(&world, &telling, n, n % 2 ? "c" : NULL, n);
        if (n == 4)
            telling_end(&telling, "failed");
        e = tell(&telling, n);
        telling_release(&telling);
    }
    if (e == ERR_OK)
        e = prepare_turn(RECORDS + 1);
    if (e == ERR_OK)
        e = ledger_index(&world.ledger, true);
    assert(e == ERR_OK || e == ERR_IO);
    close_ledger();
}

static void all_is_there(void) {
    ck_assert_int_eq(open_ledger(), ERR_OK);
    uint64_t calls = (uint64_t)world_count(&world, "SELECT count(*) FROM call");
    ck_assert_uint_ge(calls, *place_stored);
    ck_assert_uint_le(calls, *place_stored + 1);
    ck_assert_uint_eq(world.ledger.applied, calls);
    ck_assert_int_eq(world_count(&world, "SELECT count(*) FROM quarantine"), 0);
    close_ledger();
}

// The broker forgets a record that was called recorded: it must be in the ledger then.
START_TEST(what_was_recorded_is_in_the_ledger) {
    load_catalogue();
    fault_each(
        &(struct fault){
            .name = "ledger", .prepare = place_renew, .run = apply_records, .verify = all_is_there},
        POINTS);
    place_remove();
}
END_TEST

// ---- questions ----------------------------------------------------------------------------------

static void ask(void) {
    static const char *const questions[][2] = {
        {"batch.list", "{}"},
        {"cost.report", "{\"by\":\"model\"}"},
        {"find", "{\"value\":\"line-1\"}"},
        {"check", "{}"},
    };
    struct inquirer inquirer;
    enum err e = inquirer_open(&inquirer, place_file("ledger.db"), &world.findex, &world.figures);
    for (size_t i = 0; e == ERR_OK && i < sizeof(questions) / sizeof(questions[0]); i++) {
        int code =
            inquirer_ask(&inquirer, bytes_text(questions[i][0]), bytes_text(questions[i][1]));
        assert(code == EX_OK || code == EX_IOERR || code == EX_TEMPFAIL || code == EX_SOFTWARE);
    }
    assert(e == ERR_OK || e == ERR_IO);
    inquirer_close(&inquirer);
}

// A question that finds no memory is an error for who asked, and no wrong answer.
START_TEST(questions_are_answered_or_refused) {
    load_catalogue();
    place_renew();
    ck_assert_int_eq(open_ledger(), ERR_OK);
    struct telling telling;
    telling_answered(&world, &telling, 1, NULL, 1);
    ck_assert_int_eq(tell(&telling, 1), ERR_OK);
    telling_release(&telling);
    fault_each(&(struct fault){.name = "questions", .run = ask}, POINTS);
    close_ledger();
    place_remove();
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("each allocation fails");
    tcase_add_test(tests, what_was_recorded_is_in_the_ledger);
    tcase_add_test(tests, questions_are_answered_or_refused);
    return fault_run("fault-accountant", tests);
}
