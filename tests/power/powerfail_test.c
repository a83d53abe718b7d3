// The disk that loses power keeps its word about what it loses: on it stands what the journal and
// the ledger prove.
#include "tests/power/powerfail_vfs.h"

#include <check.h>
#include <sqlite3.h>
#include <stdlib.h>

enum { SEEDS = 200 };

static struct powerfail_disk *disk;
static sqlite3 *at;

static void setup(void) {
    powerfail_register();
}

static void begin(uint64_t seed, enum powerfail_mode mode) {
    disk = powerfail_disk_new(seed, mode);
    powerfail_mount(disk);
}

static int run(const char *sql) {
    return sqlite3_exec(at, sql, NULL, NULL, NULL);
}

static void open_db(const char *journal_mode) {
    ck_assert_int_eq(sqlite3_open("/a.db", &at), SQLITE_OK);
    ck_assert_int_eq(run(journal_mode), SQLITE_OK);
    ck_assert_int_eq(run("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, x BLOB)"),
                     SQLITE_OK);
}

static int count_rows(void) {
    sqlite3_stmt *row;
    int count = -1;
    if (sqlite3_prepare_v2(at, "SELECT count(*) FROM t", -1, &row, NULL) != SQLITE_OK)
        return -1;
    if (sqlite3_step(row) == SQLITE_ROW)
        count = sqlite3_column_int(row, 0);
    (void)sqlite3_finalize(row);
    return count;
}

static void cut(void) {
    powerfail_darken(disk);
    (void)sqlite3_close(at);
    powerfail_cut(disk);
    ck_assert_int_eq(sqlite3_open("/a.db", &at), SQLITE_OK);
}

static void end(void) {
    (void)sqlite3_close(at);
    powerfail_disk_free(disk);
}

#define INSERT "INSERT INTO t (x) VALUES (randomblob(2000))"

// If a sync protected nothing, every program would seem to lose what it was told to keep.
START_TEST(what_was_synced_is_there_after_a_cut) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        begin(seed, POWERFAIL_honest);
        open_db("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
        ck_assert_int_eq(run(INSERT), SQLITE_OK);
        cut();
        ck_assert_int_eq(count_rows(), 1);
        end();
    }
}
END_TEST

// If nothing were ever lost, no program could fail on this disk.
START_TEST(what_was_not_synced_is_sometimes_lost_and_sometimes_kept) {
    int kept = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        begin(seed, POWERFAIL_honest);
        open_db("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
        ck_assert_int_eq(run("PRAGMA synchronous=NORMAL;" INSERT), SQLITE_OK);
        cut();
        kept += count_rows();
        end();
    }
    ck_assert_int_gt(kept, 0);
    ck_assert_int_lt(kept, SEEDS);
}
END_TEST

// Half a write is what tears a file: a program without a log must meet it.
START_TEST(writes_are_torn) {
    int corrupt = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        begin(seed, POWERFAIL_honest);
        open_db("PRAGMA journal_mode=OFF; PRAGMA synchronous=FULL");
        ck_assert_int_eq(run(INSERT ";" INSERT), SQLITE_OK);
        powerfail_cut_at(disk, 2 + seed % 3);
        (void)run("UPDATE t SET x=randomblob(9000)");
        cut();
        corrupt += count_rows() != 2 || run("SELECT sum(length(x)) FROM t") != SQLITE_OK;
        end();
    }
    ck_assert_int_gt(corrupt, 0);
}
END_TEST

// A file whose folder was not synced may be gone, and a deleted one may be back.
START_TEST(entries_of_the_folder_are_lost_too) {
    int gone = 0, back = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        begin(seed, POWERFAIL_honest);
        open_db("PRAGMA journal_mode=WAL");
        ck_assert_int_eq(run(INSERT), SQLITE_OK);
        (void)sqlite3_close(at); // deletes the log, and does not sync the folder
        ck_assert(!powerfail_has(disk, "/a.db-wal"));
        at = NULL;
        powerfail_darken(disk);
        powerfail_cut(disk);
        ck_assert(powerfail_has(disk, "/a.db"));
        back += powerfail_has(disk, "/a.db-wal");
        ck_assert_int_eq(sqlite3_open("/b.db", &at), SQLITE_OK);
        ck_assert_int_eq(run("PRAGMA journal_mode=OFF; CREATE TABLE t (n)"), SQLITE_OK);
        cut();
        gone += !powerfail_has(disk, "/b.db");
        end();
    }
    ck_assert_int_gt(back, 0);
    ck_assert_int_gt(gone, 0);
}
END_TEST

START_TEST(a_lying_disk_loses_what_it_called_safe) {
    int kept = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        begin(seed, POWERFAIL_lying);
        open_db("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
        ck_assert_int_eq(run(INSERT), SQLITE_OK);
        cut();
        kept += count_rows() == 1;
        end();
    }
    ck_assert_int_lt(kept, SEEDS);
}
END_TEST

// A process that is killed loses nothing: else kills could not be told from cuts.
START_TEST(a_killed_process_leaves_everything) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        begin(seed, POWERFAIL_honest);
        open_db("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF");
        ck_assert_int_eq(run(INSERT), SQLITE_OK);
        powerfail_darken(disk);
        (void)sqlite3_close(at);
        powerfail_revive(disk);
        ck_assert_int_eq(sqlite3_open("/a.db", &at), SQLITE_OK);
        ck_assert_int_eq(count_rows(), 1);
        end();
    }
}
END_TEST

// The kernel calls pages clean that it could not write: the next sync says that all is well.
START_TEST(a_sync_after_a_failed_one_saves_nothing) {
    int kept = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        begin(seed, POWERFAIL_honest);
        open_db("PRAGMA journal_mode=OFF; PRAGMA synchronous=FULL");
        powerfail_fail(disk, (struct powerfail_fault){.kinds = POWERFAIL_sync, .at = 1});
        ck_assert_int_ne(run(INSERT), SQLITE_OK);
        ck_assert_uint_eq(powerfail_failures(disk), 1);
        cut();
        kept += count_rows() == 1;
        end();
    }
    ck_assert_int_lt(kept, SEEDS);
}
END_TEST

START_TEST(a_fault_strikes_where_it_was_asked_for) {
    begin(1, POWERFAIL_honest);
    open_db("PRAGMA journal_mode=WAL");
    powerfail_fail(disk,
                   (struct powerfail_fault){.kinds = POWERFAIL_write, .at = 2, .is_full = true});
    ck_assert_int_eq(run(INSERT), SQLITE_FULL);
    ck_assert_uint_eq(powerfail_failures(disk), 1);
    ck_assert_int_eq(run(INSERT), SQLITE_OK);
    powerfail_fail(disk,
                   (struct powerfail_fault){.kinds = POWERFAIL_write, .at = 1, .lasts = true});
    ck_assert_int_eq(run(INSERT), SQLITE_IOERR);
    ck_assert_int_eq(run(INSERT), SQLITE_IOERR);
    ck_assert_uint_ge(powerfail_failures(disk), 2);
    end();
}
END_TEST

// A seed that breaks a promise is worth nothing if it cannot be run again.
START_TEST(one_seed_gives_one_disk) {
    uint64_t hashes[2];
    for (int i = 0; i < 2; i++) {
        begin(7, POWERFAIL_honest);
        open_db("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
        ck_assert_int_eq(run(INSERT ";" INSERT), SQLITE_OK);
        cut();
        hashes[i] = powerfail_hash(disk);
        end();
    }
    ck_assert_uint_eq(hashes[0], hashes[1]);
}
END_TEST

// Two connections: what one has not committed the other does not see, nor does it write meanwhile.
START_TEST(connections_are_kept_apart) {
    sqlite3 *other;
    begin(1, POWERFAIL_honest);
    open_db("PRAGMA journal_mode=WAL");
    ck_assert_int_eq(sqlite3_open("/a.db", &other), SQLITE_OK);
    ck_assert_int_eq(run("BEGIN IMMEDIATE;" INSERT), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_BUSY);
    ck_assert_int_eq(run("COMMIT"), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, INSERT, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
    ck_assert(powerfail_has(disk, "/a.db-wal")); // not the last one: the log stays
    ck_assert_int_eq(count_rows(), 2);
    end();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("powerfail");
    TCase *tests = tcase_create("powerfail");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, what_was_synced_is_there_after_a_cut);
    tcase_add_test(tests, what_was_not_synced_is_sometimes_lost_and_sometimes_kept);
    tcase_add_test(tests, writes_are_torn);
    tcase_add_test(tests, entries_of_the_folder_are_lost_too);
    tcase_add_test(tests, a_lying_disk_loses_what_it_called_safe);
    tcase_add_test(tests, a_killed_process_leaves_everything);
    tcase_add_test(tests, a_sync_after_a_failed_one_saves_nothing);
    tcase_add_test(tests, a_fault_strikes_where_it_was_asked_for);
    tcase_add_test(tests, one_seed_gives_one_disk);
    tcase_add_test(tests, connections_are_kept_apart);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
