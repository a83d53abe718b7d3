// SQLite as we set it up: who may open a file, and what happens to its schema.
#include "common/db.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], path[128];

static void make_folder(void) {
    (void)snprintf(folder, sizeof(folder), "/tmp/colloq-db-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/test.db", folder);
}

static void remove_folder(void) {
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

#define FILE_OF(name, text) \
    { name, text, sizeof(text) - 1 }
static const struct embedded files[] = {
    FILE_OF("0001_first.sql", "CREATE TABLE first (a INTEGER PRIMARY KEY, b TEXT) STRICT;"),
    FILE_OF("0002_second.sql", "ALTER TABLE first ADD COLUMN c INTEGER; UPDATE first SET c=a*2;"),
    FILE_OF("0003_broken.sql", "CREATE TABLE third (a INTEGER); INSERT INTO nowhere VALUES (1);"),
};

static struct db_options options_of(const struct embedded *migrations, size_t count) {
    return (struct db_options){
        .application_id = 7, .migrations = migrations, .migration_count = count};
}

static int64_t count(struct db *db, const char *sql) {
    sqlite3_stmt *row;
    ck_assert_int_eq(db_prepare(db, sql, &row), ERR_OK);
    ck_assert_int_eq(db_step(row), ERR_OK);
    int64_t number = db_i64(row, 0);
    (void)sqlite3_finalize(row);
    return number;
}

static void fill(size_t migrations) {
    struct db db;
    struct db_options options = options_of(files, migrations);
    ck_assert_int_eq(db_open(&db, path, &options), ERR_OK);
    ck_assert_int_eq(db_exec(&db, "INSERT INTO first (a, b) VALUES (1,'x'), (2,'y')"), ERR_OK);
    db_close(&db);
}

static bool exists(const char *suffix) {
    char name[160];
    (void)snprintf(name, sizeof(name), "%s%s", path, suffix);
    return access(name, F_OK) == 0;
}

// What was stored under the old schema must be there under the new one, and in a copy.
START_TEST(a_missing_migration_is_applied_behind_a_backup_copy) {
    struct db db;
    fill(1);
    struct db_options options = options_of(files, 2);
    ck_assert_int_eq(db_open(&db, path, &options), ERR_OK);
    ck_assert(!db.is_new);
    ck_assert_int_eq(count(&db, "SELECT sum(c) FROM first"), 6);
    ck_assert_int_eq(count(&db, "PRAGMA user_version"), 2);
    ck_assert_int_eq(count(&db, "SELECT count(*) FROM migration"), 2);
    db_close(&db);
    ck_assert(exists(".before-0002"));
    sqlite3 *copy;
    char name[160];
    (void)snprintf(name, sizeof(name), "%s.before-0002", path);
    ck_assert_int_eq(sqlite3_open(name, &copy), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(copy, "SELECT a, b FROM first", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_ne(sqlite3_exec(copy, "SELECT c FROM first", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(copy);
    // And not again.
    ck_assert_int_eq(db_open(&db, path, &options), ERR_OK);
    ck_assert_int_eq(count(&db, "SELECT count(*) FROM migration"), 2);
    db_close(&db);
}
END_TEST

START_TEST(a_dry_run_names_what_is_missing_and_changes_nothing) {
    uint32_t first, missing;
    struct db_options options = options_of(files, 2);
    ck_assert_int_eq(db_migrate_dry(path, &options, &first, &missing), ERR_OK);
    ck_assert_uint_eq(missing, 2);
    ck_assert(!exists(""));
    fill(1);
    ck_assert_int_eq(db_migrate_dry(path, &options, &first, &missing), ERR_OK);
    ck_assert_uint_eq(first, 2);
    ck_assert_uint_eq(missing, 1);
    ck_assert(!exists(".before-0002"));
    struct db db;
    struct db_options old = options_of(files, 1);
    ck_assert_int_eq(db_open(&db, path, &old), ERR_OK);
    ck_assert_int_eq(count(&db, "SELECT count(*) FROM migration"), 1);
    db_close(&db);
    options = options_of(files, 3);
    ck_assert_int_eq(db_migrate_dry(path, &options, &first, &missing), ERR_IO);
}
END_TEST

// Half a migration would leave a file that no version of the program knows.
START_TEST(a_migration_that_fails_leaves_the_file_as_it_was) {
    struct db db;
    fill(1);
    struct db_options options = options_of(files, 3);
    ck_assert_int_eq(db_open(&db, path, &options), ERR_IO);
    options = options_of(files, 1);
    ck_assert_int_eq(db_open(&db, path, &options), ERR_OK);
    ck_assert_int_eq(count(&db, "SELECT count(*) FROM sqlite_schema WHERE name IN ('third', 'c')"),
                     0);
    ck_assert_int_eq(count(&db, "SELECT count(*) FROM migration"), 1);
    db_close(&db);
}
END_TEST

START_TEST(a_changed_or_unknown_migration_is_refused) {
    static const struct embedded changed[] = {
        FILE_OF("0001_first.sql", "CREATE TABLE first (a INTEGER PRIMARY KEY, b TEXT);")};
    struct db db;
    fill(1);
    struct db_options options = options_of(changed, 1);
    ck_assert_int_eq(db_open(&db, path, &options), ERR_BAD_CONFIG);
    options = options_of(files, 2);
    ck_assert_int_eq(db_open(&db, path, &options), ERR_OK);
    db_close(&db);
    options = options_of(files, 1);
    ck_assert_int_eq(db_open(&db, path, &options), ERR_VERSION);
    options = options_of(files, 2);
    options.application_id = 8;
    ck_assert_int_eq(db_open(&db, path, &options), ERR_BAD_CONFIG);
}
END_TEST

// Two processes on one file would each believe that nobody else checkpoints.
START_TEST(a_second_process_cannot_open_the_file) {
    struct db db;
    struct db_options options = options_of(files, 1);
    ck_assert_int_eq(db_open(&db, path, &options), ERR_OK);
    pid_t child = fork();
    if (child == 0) {
        struct db other;
        _exit(db_open(&other, path, &options) == ERR_EXISTS ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    db_close(&db);
    ck_assert_int_eq(db_open(&db, path, &options), ERR_OK);
    db_close(&db);
}
END_TEST

START_TEST(an_exclusive_file_has_no_readers_and_a_shared_one_has) {
    struct db db, reader;
    struct db_options options = options_of(files, 1);
    ck_assert_int_eq(db_open(&db, path, &options), ERR_OK);
    ck_assert_int_eq(db_exec(&db, "INSERT INTO first (a) VALUES (1)"), ERR_OK);
    ck_assert_int_eq(db_open_reader(&reader, path, 0), ERR_OK);
    ck_assert_int_eq(db_begin(&reader), ERR_OK);
    ck_assert_int_eq(count(&reader, "SELECT count(*) FROM first"), 1);
    // The reader's snapshot neither moves nor holds the writer up.
    ck_assert_int_eq(db_begin(&db), ERR_OK);
    ck_assert_int_eq(db_exec(&db, "INSERT INTO first (a) VALUES (2)"), ERR_OK);
    ck_assert_int_eq(db_commit(&db), ERR_OK);
    ck_assert_int_eq(count(&reader, "SELECT count(*) FROM first"), 1);
    ck_assert_int_eq(db_commit(&reader), ERR_OK);
    ck_assert_int_eq(count(&reader, "SELECT count(*) FROM first"), 2);
    ck_assert_int_ne(db_exec(&reader, "DELETE FROM first"), ERR_OK);
    db_close(&reader);
    db_close(&db);
    options.is_exclusive = true;
    options.vacuums = true;
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(db_open(&db, path, &options), ERR_OK);
    ck_assert_int_eq(count(&db, "PRAGMA auto_vacuum"), 2);
    ck_assert(!exists("-shm"));
    if (db_open_reader(&reader, path, 0) == ERR_OK) {
        ck_assert_int_ne(db_exec(&reader, "SELECT count(*) FROM first"), ERR_OK);
        db_close(&reader);
    }
    db_close(&db);
}
END_TEST

START_TEST(a_savepoint_can_be_undone_inside_a_transaction) {
    struct db db;
    struct db_options options = options_of(files, 1);
    ck_assert_int_eq(db_open(&db, path, &options), ERR_OK);
    ck_assert_int_eq(db_begin(&db), ERR_OK);
    ck_assert_int_eq(db_exec(&db, "INSERT INTO first (a) VALUES (1)"), ERR_OK);
    ck_assert_int_eq(db_save(&db), ERR_OK);
    ck_assert_int_eq(db_exec(&db, "INSERT INTO first (a) VALUES (2)"), ERR_OK);
    ck_assert_int_eq(db_exec(&db, "INSERT INTO first (a) VALUES (1)"), ERR_EXISTS);
    ck_assert_int_eq(db_undo(&db), ERR_OK);
    ck_assert_int_eq(db_save(&db), ERR_OK);
    ck_assert_int_eq(db_exec(&db, "INSERT INTO first (a) VALUES (3)"), ERR_OK);
    ck_assert_int_eq(db_release(&db), ERR_OK);
    ck_assert_int_eq(db_commit(&db), ERR_OK);
    ck_assert_int_eq(count(&db, "SELECT sum(a) FROM first"), 4);
    db_close(&db);
}
END_TEST

// A query that never ends would hold back the checkpoint, and with it the space of the disk.
START_TEST(a_reader_ends_at_its_deadline) {
    struct db db, reader;
    struct db_options options = options_of(files, 1);
    ck_assert_int_eq(db_open(&db, path, &options), ERR_OK);
    ck_assert_int_eq(db_open_reader(&reader, path, 0), ERR_OK);
    sqlite3_stmt *row;
    ck_assert_int_eq(db_prepare(&reader,
                                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) "
                                "SELECT count(*) FROM n",
                                &row),
                     ERR_OK);
    db_deadline(&reader, 1); // long past
    ck_assert_int_eq(db_step(row), ERR_AGAIN);
    db_deadline(&reader, 0);
    (void)sqlite3_finalize(row);
    ck_assert_int_eq(count(&reader, "SELECT count(*) FROM first"), 0);
    db_close(&reader);
    db_close(&db);
}
END_TEST

START_TEST(the_log_is_checkpointed_when_due_and_free_pages_are_counted) {
    struct db db;
    struct db_options options = options_of(files, 1);
    options.vacuums = true;
    ck_assert_int_eq(db_open(&db, path, &options), ERR_OK);
    ck_assert_int_eq(db_exec(&db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n "
                                  "WHERE i<3000) INSERT INTO first SELECT i, "
                                  "hex(zeroblob(2000)) FROM n"),
                     ERR_OK);
    ck_assert_uint_gt(db.wal_pages, 1000);
    ck_assert_int_eq(db_checkpoint_if_due(&db, false), ERR_OK);
    ck_assert_uint_gt(db.wal_pages, 1000);
    ck_assert_int_eq(db_checkpoint_if_due(&db, true), ERR_OK);
    ck_assert_uint_eq(db.wal_pages, 0);
    uint64_t pages = db_page_count(&db);
    ck_assert_uint_eq(db_free_count(&db), 0);
    ck_assert_int_eq(db_exec(&db, "DELETE FROM first"), ERR_OK);
    ck_assert_uint_gt(db_free_count(&db), 1000);
    ck_assert_int_eq(db_vacuum_some(&db, 100), ERR_OK);
    ck_assert_uint_eq(db_page_count(&db), pages - 100);
    ck_assert_uint_eq(db_page_bytes(&db), 4096);
    db_close(&db);
}
END_TEST

static void add_rows(struct db *db, unsigned rows) {
    char sql[192];
    (void)snprintf(sql, sizeof(sql),
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<%u) "
                   "INSERT INTO first (b) SELECT hex(randomblob(2000)) FROM n",
                   rows);
    ck_assert_int_eq(db_exec(db, sql), ERR_OK);
}

// On a small disk the log must be small too, however much is written.
START_TEST(a_limited_log_is_checkpointed_earlier_and_does_not_grow) {
    enum { LIMIT = 400 * 4096, ROUNDS = 20 };
    struct db db;
    struct db_options options = options_of(files, 1);
    ck_assert_int_eq(db_open(&db, path, &options), ERR_OK);
    ck_assert_int_eq(db_limit_wal(&db, LIMIT, LIMIT), ERR_OK);
    for (int i = 0; i < ROUNDS; i++) {
        add_rows(&db, 100); // a hundred pages or a few more
        ck_assert_int_eq(db_checkpoint_if_due(&db, false), ERR_OK);
        ck_assert_uint_lt(db.wal_pages, 400);
        uint64_t bytes = db_disk_bytes(&db);
        ck_assert_uint_le(bytes, db_page_count(&db) * 4096 + LIMIT * 3 / 2);
    }
    ck_assert_int_eq(db_checkpoint_if_due(&db, true), ERR_OK);
    db_close(&db);
}
END_TEST

// A full disk gets the log's room back at once.
START_TEST(a_checkpoint_of_all_gives_the_log_back) {
    struct db db;
    struct db_options options = options_of(files, 1);
    ck_assert_int_eq(db_open(&db, path, &options), ERR_OK);
    add_rows(&db, 500);
    uint64_t before = db_disk_bytes(&db);
    ck_assert_uint_gt(before, 500 * 4096);
    ck_assert_int_eq(db_checkpoint_all(&db), ERR_OK);
    ck_assert_uint_eq(db.wal_pages, 0);
    ck_assert_uint_eq(db_disk_bytes(&db), db_page_count(&db) * 4096);
    ck_assert_int_eq(count(&db, "SELECT count(*) FROM first"), 500);
    db_close(&db);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("db");
    TCase *tests = tcase_create("db");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_missing_migration_is_applied_behind_a_backup_copy);
    tcase_add_test(tests, a_dry_run_names_what_is_missing_and_changes_nothing);
    tcase_add_test(tests, a_migration_that_fails_leaves_the_file_as_it_was);
    tcase_add_test(tests, a_changed_or_unknown_migration_is_refused);
    tcase_add_test(tests, a_second_process_cannot_open_the_file);
    tcase_add_test(tests, an_exclusive_file_has_no_readers_and_a_shared_one_has);
    tcase_add_test(tests, a_savepoint_can_be_undone_inside_a_transaction);
    tcase_add_test(tests, a_reader_ends_at_its_deadline);
    tcase_add_test(tests, the_log_is_checkpointed_when_due_and_free_pages_are_counted);
    tcase_add_test(tests, a_limited_log_is_checkpointed_earlier_and_does_not_grow);
    tcase_add_test(tests, a_checkpoint_of_all_gives_the_log_back);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
