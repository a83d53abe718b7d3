// The accountant's ledger on a disk that loses power. Records come as a broker sends them: new
// ones, and again those whose confirmation may have been lost.
#include "common/id.h"
#include "common/log.h"
#include "common/mem.h"
#include "tests/power/ledger_world.h"
#include "tests/power/seams.h"

#include <stdio.h>
#include <sysexits.h>

static const char path[] = "/ledger.db";

static const char *row_name(uint32_t kind) {
    static const char *const names[] = {"state of the ledger", "batch",      "job",     "call",
                                        "refused line",        "quarantine", "conflict"};
    return names[kind];
}

static void *create(struct story *story) {
    struct ledger_world *ledger = mem_new(sizeof(*ledger));
    struct world *world = &ledger->world;
    static struct catalogue *catalogue; // the same for all stories of a process
    static struct buf document;
    struct buf problems;
    if (!catalogue) {
        buf_init(&document, CATALOGUE_BYTES_MAX);
        buf_init(&problems, 65536);
        if (catalogue_compile_folder(NULL, &document, &problems) != ERR_OK ||
            catalogue_load(buf_bytes(&document), &catalogue) != ERR_OK)
            fatal(EX_SOFTWARE, "catalogue.failed", "why=\"%s\"", buf_cstr(&problems));
        buf_release(&problems);
    }
    world->catalogue = catalogue;
    world->document = document;
    world->batch = row_key(story->seed | 1);
    world->journal = row_key(story->seed | 2);
    return ledger;
}

static void destroy(void *state) {
    mem_free(state);
}

// ---- telling ------------------------------------------------------------------------------------

static void make_refused(struct world *world, struct telling *telling, uint64_t n) {
    telling_batch(world, telling, "", 0, 0);
    telling->item = (struct record_item){.type = bytes_text("refused"),
                                         .batch_id = world->batch,
                                         .line = n,
                                         .outcome_reason = bytes_text("not_json")};
}

static void make_telling(struct world *world, struct telling *telling, const struct spec *spec) {
    static const char *const names[] = {"a", "b", "c"};
    static const char *const states[] = {"open", "sealed", "settled"};
    const char *name = spec->n % 4 == 0 ? names[spec->n % 3] : NULL;
    if (spec->kind == TELL_refused)
        make_refused(world, telling, spec->n);
    else if (spec->kind == TELL_batch)
        telling_batch(world, telling, states[spec->n % 3], 1 + spec->n % 3, spec->n);
    else
        telling_answered(world, telling, spec->n, name, name ? spec->n : 1);
    if (spec->kind == TELL_failed || spec->kind == TELL_unknown)
        telling_end(telling, spec->kind == TELL_failed ? "failed" : "unknown");
    if (spec->kind == TELL_failed)
        telling->item.call = call_of(spec->n + SECOND_ATTEMPT);
    if (spec->kind == TELL_other_end)
        telling->item.digest.at[9] = 1;
    if (spec->kind == TELL_dead)
        telling_outcome(telling, "dead", 1 + spec->n % 2);
    if (spec->kind == TELL_nonsense)
        telling->item.ended = bytes_text("exploded");
    telling->item.number = spec->number;
    telling_seal(telling);
}

// A record that is new, or one that the broker heard no confirmation of.
static struct spec draw_spec(struct story *story, struct ledger_world *ledger) {
    static const uint8_t kinds[] = {TELL_answered, TELL_answered, TELL_answered, TELL_answered,
                                    TELL_failed,   TELL_unknown,  TELL_unknown,  TELL_other_end,
                                    TELL_dead,     TELL_refused,  TELL_batch,    TELL_nonsense};
    uint32_t kept = ledger->spec_count < TOLD_MAX ? (uint32_t)ledger->spec_count : TOLD_MAX;
    if (kept > 0 && story_chance(story, 30))
        return ledger->specs[story_below(story, kept)];
    struct spec spec = {.number = ++ledger->world.records,
                        .n = 1 + story_below(story, STORY_JOBS),
                        .kind = (enum telling_kind)kinds[story_below(story, sizeof(kinds))]};
    ledger->specs[ledger->spec_count++ % TOLD_MAX] = spec;
    return spec;
}

// What the accountant does with an error that it cannot go on after.
static void must(enum err e, const char *what) {
    if (e != ERR_OK)
        fatal(e == ERR_FULL ? EX_TEMPFAIL : EX_IOERR, "ledger.failed", "doing=\"%s\" why=\"%s\"",
              what, err_text(e));
}

// One message of the broker, as the records of one go into one transaction.
static void apply(struct story *story, struct ledger_world *ledger) {
    struct spec specs[MESSAGE_RECORDS];
    struct record_item items[MESSAGE_RECORDS];
    struct record_frames frames[MESSAGE_RECORDS];
    struct recorded_item told[MESSAGE_RECORDS];
    uint32_t count = 1 + story_below(story, MESSAGE_RECORDS);
    for (uint32_t i = 0; i < count; i++) {
        specs[i] = draw_spec(story, ledger);
        telling_release(&ledger->tellings[i]);
        make_telling(&ledger->world, &ledger->tellings[i], &specs[i]);
        items[i] = ledger->tellings[i].item;
        frames[i] = ledger->tellings[i].frames;
    }
    must(ledger_apply(&ledger->world.ledger, items, frames, count, told), "apply");
    for (uint32_t i = 0; i < count; i++)
        ledger_expect(story, &specs[i], &ledger->tellings[i], &told[i]);
}

static void tidy(struct story *story, struct ledger *ledger) {
    if (story_chance(story, 30))
        must(ledger_index(ledger, true), "enter the value index");
    if (story_chance(story, 60))
        must(db_checkpoint_all(&ledger->db), "checkpoint");
    if (story_chance(story, 30))
        must(db_vacuum_some(&ledger->db, 64), "vacuum");
}

static void turn(struct story *story) {
    struct ledger_world *ledger = story->state;
    uint32_t messages = 1 + story_below(story, 3);
    if (story_chance(story, 15))
        tidy(story, &ledger->world.ledger);
    for (uint32_t i = 0; i < messages; i++)
        apply(story, ledger);
    must(ledger_commit(&ledger->world.ledger), "commit");
    story_told(story);
}

// ---- a start ------------------------------------------------------------------------------------

static uint64_t image_of_call(sqlite3_stmt *row) {
    enum call_state state = CALL_answered;
    struct bytes role = db_bytes(row, 2);
    (void)call_state_parse(db_bytes(row, 1), &state);
    return ledger_call_image(state,
                             bytes_is(role, "answer")        ? ROLE_answer
                             : bytes_is(role, "superfluous") ? ROLE_superfluous
                                                             : ROLE_none,
                             ledger_end(db_digest(row, 3)), db_u64(row, 4));
}

static uint64_t image_of_job(sqlite3_stmt *row) {
    enum outcome outcome = OUTCOME_none;
    (void)outcome_parse(db_bytes(row, 1), &outcome);
    return ledger_job_image(outcome, db_u64(row, 2), call_id_counter(db_id(row, 3)));
}

static uint64_t image_of_batch(sqlite3_stmt *row) {
    return db_u64(row, 1) | db_u64(row, 2) << 8;
}

static uint64_t image_of_state(sqlite3_stmt *row) {
    return db_u64(row, 1) | db_u64(row, 2) << 32;
}

static uint64_t image_of_one(sqlite3_stmt *row) {
    (void)row;
    return 1;
}

// Tables by the rows of ours: the first column is the key, an id or a number.
static const struct table {
    const char *sql;
    uint64_t (*image)(sqlite3_stmt *row);
} tables[] = {
    [ROW_state] = {"SELECT 0, applied, records FROM ledger", image_of_state},
    [ROW_batch] = {"SELECT id, revision, record FROM batch", image_of_batch},
    [ROW_job] = {"SELECT id, outcome, revision, (SELECT id FROM call c WHERE c.call=j.answer)"
                 " FROM job j",
                 image_of_job},
    [ROW_call] = {"SELECT id, state, role, digest, record FROM call", image_of_call},
    [ROW_refused] = {"SELECT line FROM refused_line", image_of_one},
    [ROW_quarantine] = {"SELECT record FROM quarantine", image_of_one},
    [ROW_conflict] = {"SELECT record FROM conflict", image_of_one},
};

static void find_rows(struct story *story, struct db *db, uint32_t kind) {
    sqlite3_stmt *row = NULL;
    must(db_prepare(db, tables[kind].sql, &row), "prepare");
    enum err e;
    while ((e = db_step(row)) == ERR_OK) {
        bool is_id = sqlite3_column_type(row, 0) == SQLITE_BLOB;
        struct id key = is_id ? db_id(row, 0) : row_key(db_u64(row, 0));
        if (rows_find(&story->found, kind, key))
            story_broken(story, "a %s is there twice", row_name(kind));
        rows_put(&story->found, kind, key, tables[kind].image(row));
    }
    (void)sqlite3_finalize(row);
    if (e != ERR_NOT_FOUND)
        must(e, "read");
}

static int64_t ask_number(struct db *db, const char *sql) {
    sqlite3_stmt *row = NULL;
    must(db_prepare(db, sql, &row), "prepare");
    enum err e = db_step(row);
    int64_t number = e == ERR_OK ? db_i64(row, 0) : 0;
    (void)sqlite3_finalize(row);
    must(e, "read");
    return number;
}

static void check_file(struct story *story, struct db *db) {
    bool is_sound = ask_number(db, "SELECT count(*) FROM pragma_integrity_check"
                                   " WHERE integrity_check<>'ok'") == 0;
    if (!is_sound && powerfail_failures(story->disk) > 0)
        must(ERR_IO, "check"); // the check itself met the fault
    if (!is_sound)
        story_broken(story, "after cut %u the file is corrupt", (unsigned)story->cuts);
    // Counters and sums, by a recount that shares nothing with the one that people can ask for.
    if (ask_number(db, "SELECT (SELECT coalesce(sum(calls),0) FROM sum_by_model)<>"
                       "(SELECT count(*) FROM call)") != 0 ||
        ask_number(db, "SELECT (SELECT coalesce(sum(amount_pusd),0) FROM sum_by_model)<>"
                       "(SELECT coalesce(sum(amount_pusd),0) FROM call)") != 0)
        story_broken(story, "sums differ from a recount of the calls");
    if (ask_number(db, "SELECT count(*) FROM batch b WHERE jobs<>(SELECT count(*) FROM job j WHERE"
                       " j.batch=b.batch) OR answered<>(SELECT count(*) FROM job j WHERE"
                       " j.batch=b.batch AND outcome='answered') OR dead<>(SELECT count(*) FROM"
                       " job j WHERE j.batch=b.batch AND outcome='dead') OR refused<>(SELECT"
                       " count(*) FROM refused_line r WHERE r.batch=b.batch)") != 0)
        story_broken(story, "a batch does not count its jobs right");
    if (ask_number(db, "SELECT count(*) FROM call c WHERE state='answered' AND NOT EXISTS"
                       " (SELECT 1 FROM answer a WHERE a.call=c.call)") != 0)
        story_broken(story, "a call's answer is lost");
}

// What people see: the accountant's own check, over a connection of its own.
static void check_as_people_do(struct story *story, struct world *world) {
    struct inquirer *inquirer = &world->inquirer;
    must(inquirer_open(inquirer, path, &world->findex, &world->figures), "open a reader");
    int exit = inquirer_ask(inquirer, bytes_text("check"), bytes_text("{}"));
    if (exit != 0)
        fatal(exit, "check.failed", "why=\"%s\"", inquirer->detail);
    bool is_good = strstr(buf_cstr(&inquirer->answer), "\"rollups_differ\":0,") != NULL;
    inquirer_close(inquirer);
    if (!is_good)
        story_broken(story, "the accountant's own check finds wrong sums");
}

// Every answer can be found by what its provider called it: in the index, or in memory.
static void check_finding(struct story *story, struct world *world) {
    char text[32];
    char sql[128];
    for (uint32_t i = 0; i < story->found.count; i++) {
        const struct row *row = &story->found.at[i];
        if (row->kind != ROW_call || (row->image & 15) != CALL_answered || !story_chance(story, 10))
            continue;
        (void)snprintf(text, sizeof(text), "chatcmpl-%016llx",
                       (unsigned long long)(call_id_counter(row->key) * 0x9e3779b97f4a7c15ull));
        int64_t target, hash = findex_hash(bytes_text(text));
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM value_index WHERE hash=%lld",
                       (long long)hash);
        if (findex_look(&world->findex, hash, &target, 1) == 0 &&
            ask_number(&world->ledger.db, sql) == 0)
            story_broken(story, "an answer is not found by its id");
    }
}

static void open(struct story *story) {
    struct ledger_world *ledger = story->state;
    struct world *world = &ledger->world;
    char why[400] = "";
    findex_init(&world->findex);
    ledger->is_open = true;
    must(ledger_open(&world->ledger, path, true, &world->findex, &world->figures, seams.wall_ms),
         "open");
    if (story->mode == DISK_normal)
        must(db_exec(&world->ledger.db, "PRAGMA synchronous=NORMAL"), "set the mode");
    rows_clear(&story->found);
    for (uint32_t kind = 0; kind < sizeof(tables) / sizeof(tables[0]); kind++)
        find_rows(story, &world->ledger.db, kind);
    if (story->told.count == 0) { // the first start of all; later ones find its row
        rows_copy(&story->told, &story->found);
        rows_copy(&story->next, &story->found);
    }
    story_compare(story);
    check_file(story, &world->ledger.db);
    check_finding(story, world);
    uint64_t recorded = ledger_image_at(story, ROW_state, row_key(0)) & 0xffffffff;
    enum err e =
        ledger_pair(&world->ledger, world->journal, world->records, recorded, why, sizeof(why));
    if (e == ERR_DENIED)
        fatal(EX_DATAERR, "journal.strange", "why=\"%s\"", why);
    must(e, "pair");
    if (story_chance(story, 15))
        must(ledger_adopt(&world->ledger, world->catalogue, buf_bytes(&world->document)), "adopt");
    world->ledger.catalogue = world->catalogue;
    if (story_chance(story, 30))
        check_as_people_do(story, world);
}

static void close(struct story *story) {
    struct ledger_world *ledger = story->state;
    ledger_close(&ledger->world.ledger);
    ledger->is_open = false;
}

static void bury(struct story *story) {
    struct ledger_world *ledger = story->state;
    inquirer_close(&ledger->world.inquirer);
    if (ledger->is_open)
        ledger_close(&ledger->world.ledger);
    ledger->is_open = false;
    findex_release(&ledger->world.findex);
    for (int i = 0; i < MESSAGE_RECORDS; i++)
        telling_release(&ledger->tellings[i]);
    memset(ledger->tellings, 0, sizeof(ledger->tellings));
}

const struct subject subject = {
    .name = "ledger",
    .create = create,
    .destroy = destroy,
    .open = open,
    .turn = turn,
    .close = close,
    .bury = bury,
    .turns_to_fail = 2,
    .row_name = row_name,
};
