#include "common/db.h"

#include "common/clock.h"
#include "common/id.h"
#include "common/limits.h"
#include "common/lock.h"
#include "common/log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PROGRESS_STEPS = 10000, BUSY_MS = 2000 };

// ---- errors -------------------------------------------------------------------------------------

static void hear_sqlite(void *unused, int code, const char *text) {
    (void)unused;
    // Constraints are answers that callers ask for; a schema change is SQLite's own matter.
    if ((code & 0xff) == SQLITE_CONSTRAINT || (code & 0xff) == SQLITE_SCHEMA ||
        (code & 0xff) == SQLITE_INTERRUPT)
        return;
    bool is_note = (code & 0xff) == SQLITE_NOTICE;
    char why[256];
    (void)snprintf(why, sizeof(why), "%s", text);
    for (char *at = why; *at; at++)
        *at = *at == '"' ? '\'' : *at;
    log_line(is_note ? LOG_DEBUG : LOG_WARN, "sqlite.said", "code=%d why=\"%s\"", code, why);
}

static void setup_library(void) {
    (void)sqlite3_config(SQLITE_CONFIG_LOG, hear_sqlite, NULL);
    (void)sqlite3_initialize();
}

static enum err err_of(int code) {
    if (code == SQLITE_IOERR_SHMSIZE)
        return ERR_FULL; // the log's index found no room to grow with it
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
        return ERR_OK;
    case SQLITE_DONE:
        return ERR_NOT_FOUND;
    case SQLITE_CONSTRAINT:
        return ERR_EXISTS;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_TOOBIG:
        return ERR_TOO_BIG;
    case SQLITE_INTERRUPT:
        return ERR_AGAIN;
    case SQLITE_NOTADB:
        return ERR_BAD_CONFIG;
    default:
        return ERR_IO;
    }
}

static enum err complain(const struct db *db, const char *doing, enum err e) {
    log_line(LOG_ERROR, "db.failed", "doing=\"%s\" why=\"%s\"", doing, db_error(db));
    return e;
}

const char *db_error(const struct db *db) {
    return db->at ? sqlite3_errmsg(db->at) : "not open";
}

// ---- statements ---------------------------------------------------------------------------------

enum err db_prepare(struct db *db, const char *sql, sqlite3_stmt **statement) {
    int code = sqlite3_prepare_v3(db->at, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    return code == SQLITE_OK ? ERR_OK : complain(db, sql, ERR_IO);
}

enum err db_step(sqlite3_stmt *statement) {
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW)
        (void)sqlite3_reset(statement);
    return err_of(code);
}

enum err db_run(sqlite3_stmt *statement) {
    int code = sqlite3_step(statement);
    (void)sqlite3_reset(statement);
    return code == SQLITE_DONE ? ERR_OK : err_of(code);
}

void db_reset(sqlite3_stmt *statement) {
    (void)sqlite3_reset(statement);
}

enum err db_exec(struct db *db, const char *sql) {
    return err_of(sqlite3_exec(db->at, sql, NULL, NULL, NULL));
}

// ---- settings -----------------------------------------------------------------------------------

// The first column of the first row that the SQL gives, as text.
static enum err ask_text(struct db *db, const char *sql, char *text, size_t size) {
    sqlite3_stmt *statement = NULL;
    text[0] = 0;
    if (sqlite3_prepare_v2(db->at, sql, -1, &statement, NULL) != SQLITE_OK)
        return complain(db, sql, err_of(sqlite3_errcode(db->at)));
    enum err e = db_step(statement);
    const char *column = e == ERR_OK ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    if (column)
        (void)snprintf(text, size, "%s", column);
    else if (e == ERR_OK) // none of what is asked here is ever NULL: no memory for the text
        e = complain(db, sql, ERR_IO);
    else if (e == ERR_NOT_FOUND)
        e = ERR_OK;
    (void)sqlite3_finalize(statement);
    return e;
}

static enum err ask_number(struct db *db, const char *sql, int64_t *number) {
    char text[32];
    enum err e = ask_text(db, sql, text, sizeof(text));
    *number = strtoll(text, NULL, 10);
    return e;
}

// Sets a pragma and reads it back: SQLite says nothing of one that it does not take.
static enum err set_pragma(struct db *db, const char *name, const char *value, const char *reads) {
    char sql[128], text[64];
    (void)snprintf(sql, sizeof(sql), "PRAGMA %s=%s", name, value);
    enum err e = db_exec(db, sql);
    if (e != ERR_OK)
        return complain(db, sql, e);
    (void)snprintf(sql, sizeof(sql), "PRAGMA %s", name);
    e = ask_text(db, sql, text, sizeof(text));
    if (e == ERR_OK && reads && strcmp(text, reads) != 0) {
        log_line(LOG_ERROR, "db.setting", "name=%s asked=%s is=\"%s\"", name, value, text);
        e = ERR_BAD_CONFIG;
    }
    return e;
}

static enum err set_pragma_number(struct db *db, const char *name, int64_t value) {
    char text[32];
    (void)snprintf(text, sizeof(text), "%" PRId64, value);
    return set_pragma(db, name, text, text);
}

static enum err set_common(struct db *db, uint32_t cache_kib) {
    static const char *const pragmas[][3] = {
        {"foreign_keys", "ON", "1"},    {"temp_store", "MEMORY", "2"},  {"mmap_size", "0", "0"},
        {"trusted_schema", "OFF", "0"}, {"cell_size_check", "ON", "1"},
    };
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < sizeof(pragmas) / sizeof(pragmas[0]); i++)
        e = set_pragma(db, pragmas[i][0], pragmas[i][1], pragmas[i][2]);
    if (e == ERR_OK)
        e = set_pragma_number(db, "cache_size", -(int64_t)(cache_kib ? cache_kib : 8192));
    (void)sqlite3_limit(db->at, SQLITE_LIMIT_LENGTH, DB_VALUE_BYTES_MAX);
    (void)sqlite3_limit(db->at, SQLITE_LIMIT_ATTACHED, 0);
    if (sqlite3_db_config(db->at, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK)
        e = ERR_BAD_CONFIG;
    return e;
}

static enum err set_writer(struct db *db, const struct db_options *options) {
    const char *lock = options->is_exclusive ? "exclusive" : "normal";
    enum err e = set_pragma(db, "locking_mode", lock, lock);
    if (e == ERR_OK && db->is_new && options->page_bytes != 0)
        e = set_pragma_number(db, "page_size", options->page_bytes);
    if (e == ERR_OK && db->is_new && options->vacuums)
        e = set_pragma(db, "auto_vacuum", "INCREMENTAL", "2");
    if (e == ERR_OK)
        e = set_pragma(db, "journal_mode", "WAL", "wal");
    if (e == ERR_OK)
        e = set_pragma(db, "synchronous", "FULL", "2");
    if (e == ERR_OK)
        e = set_pragma_number(db, "wal_autocheckpoint", 0);
    if (e == ERR_OK)
        e = set_pragma_number(db, "secure_delete", 0);
    if (e == ERR_OK)
        e = set_pragma_number(db, "journal_size_limit", WAL_BYTES_KEPT);
    if (e == ERR_OK)
        e = set_common(db, options->cache_kib);
    int64_t vacuum = 0;
    if (e == ERR_OK && options->vacuums) {
        e = ask_number(db, "PRAGMA auto_vacuum", &vacuum);
        if (e == ERR_OK && vacuum != 2)
            e = ERR_BAD_CONFIG;
    }
    return e;
}

// A file that others made is not ours to write into.
static enum err check_owner(struct db *db, const struct db_options *options) {
    int64_t id = 0;
    if (options->application_id == 0)
        return ERR_OK;
    enum err e = ERR_OK;
    if (db->is_new)
        e = set_pragma_number(db, "application_id", options->application_id);
    if (e == ERR_OK)
        e = ask_number(db, "PRAGMA application_id", &id);
    if (e == ERR_OK && id != options->application_id) {
        log_line(LOG_ERROR, "db.stranger", "why=\"the file belongs to another application\"");
        e = ERR_BAD_CONFIG;
    }
    return e;
}

// ---- migrations ---------------------------------------------------------------------------------

static enum err check_migration(const struct db_options *options, sqlite3_stmt *row) {
    uint64_t number = db_u64(row, 0);
    if (number > options->migration_count) {
        log_line(LOG_ERROR, "db.newer", "migration=%" PRIu64 " known=%zu", number,
                 options->migration_count);
        return ERR_VERSION;
    }
    const struct embedded *file = &options->migrations[number - 1];
    if (digest_equal(db_digest(row, 1), digest_of(bytes_of(file->text, file->size))))
        return ERR_OK;
    log_line(LOG_ERROR, "db.changed", "migration=%s why=\"differs from what was applied\"",
             file->name);
    return ERR_BAD_CONFIG;
}

// How many migrations the file has; checks each against what this program holds.
static enum err count_applied(struct db *db, const struct db_options *options, uint32_t *applied) {
    int64_t has_table = 0;
    *applied = 0;
    enum err e =
        ask_number(db, "SELECT count(*) FROM sqlite_schema WHERE type='table' AND name='migration'",
                   &has_table);
    if (e != ERR_OK || has_table == 0)
        return e;
    sqlite3_stmt *row = NULL;
    e = db_prepare(db, "SELECT number, hash FROM migration ORDER BY number", &row);
    while (e == ERR_OK && (e = db_step(row)) == ERR_OK) {
        e = check_migration(options, row);
        ++*applied;
    }
    (void)sqlite3_finalize(row);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err note_migration(struct db *db, uint32_t number, const struct embedded *file) {
    sqlite3_stmt *statement = NULL;
    char sql[64];
    enum err e = db_prepare(
        db, "INSERT INTO migration (number, name, hash, at_ms) VALUES (?,?,?,?)", &statement);
    if (e != ERR_OK)
        return e;
    struct digest hash = digest_of(bytes_of(file->text, file->size));
    db_bind_u64(statement, 1, number);
    db_bind_text(statement, 2, bytes_text(file->name));
    db_bind_digest(statement, 3, &hash);
    db_bind_i64(statement, 4, clock_now().wall_ms);
    e = db_run(statement);
    (void)sqlite3_finalize(statement);
    (void)snprintf(sql, sizeof(sql), "PRAGMA user_version=%" PRIu32, number);
    return e == ERR_OK ? db_exec(db, sql) : e;
}

static enum err apply_one(struct db *db, uint32_t number, const struct embedded *file) {
    assert(strtoul(file->name, NULL, 10) == number);
    enum err e = db_exec(db, "CREATE TABLE IF NOT EXISTS migration ("
                             "number INTEGER PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL, "
                             "at_ms INTEGER NOT NULL) STRICT");
    if (e == ERR_OK)
        e = db_exec(db, file->text);
    if (e == ERR_OK)
        e = note_migration(db, number, file);
    return e == ERR_OK ? e : complain(db, file->name, e);
}

// All that is missing, in one transaction, so that a file never stands between two versions.
static enum err apply_missing(struct db *db, const struct db_options *options, uint32_t applied,
                              bool is_dry) {
    enum err e = db_exec(db, "BEGIN IMMEDIATE");
    for (uint32_t i = applied; e == ERR_OK && i < options->migration_count; i++)
        e = apply_one(db, i + 1, &options->migrations[i]);
    if (e == ERR_OK && !is_dry)
        e = db_exec(db, "COMMIT");
    if (e != ERR_OK || is_dry)
        db_rollback(db);
    return e;
}

static enum err copy_before(struct db *db, const char *path, uint32_t number) {
    char to[PATH_MAX];
    (void)snprintf(to, sizeof(to), "%s.before-%04" PRIu32, path, number);
    sqlite3 *copy = NULL;
    int code = sqlite3_open_v2(to, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    sqlite3_backup *backup = NULL;
    if (code == SQLITE_OK)
        backup = sqlite3_backup_init(copy, "main", db->at, "main");
    if (backup)
        (void)sqlite3_backup_step(backup, -1);
    code = backup ? sqlite3_backup_finish(backup) : SQLITE_CANTOPEN;
    (void)sqlite3_close(copy);
    log_line(code == SQLITE_OK ? LOG_INFO : LOG_ERROR, "db.copied", "to=\"%s\" code=%d", to, code);
    return code == SQLITE_OK ? ERR_OK : ERR_IO;
}

static enum err migrate(struct db *db, const char *path, const struct db_options *options) {
    uint32_t applied;
    enum err e = count_applied(db, options, &applied);
    if (e != ERR_OK || applied == options->migration_count)
        return e;
    if (applied > 0)
        e = copy_before(db, path, applied + 1);
    if (e == ERR_OK)
        e = apply_missing(db, options, applied, false);
    if (e == ERR_OK && applied > 0)
        log_line(LOG_INFO, "db.migrated", "from=%" PRIu32 " to=%zu", applied,
                 options->migration_count);
    return e;
}

// ---- opening and closing ------------------------------------------------------------------------

static enum err take_lock(struct db *db, const char *path) {
    enum err e = lock_take(path, &db->lock);
    if (e == ERR_IO)
        log_line(LOG_ERROR, "db.failed", "doing=\"lock %s\" why=\"%s\"", path, strerror(errno));
    else if (e == ERR_EXISTS)
        log_line(LOG_ERROR, "db.locked", "path=\"%s\" why=\"another process has it open\"", path);
    return e;
}

static int count_wal(void *data, sqlite3 *at, const char *name, int pages) {
    struct db *db = data;
    (void)at;
    (void)name;
    db->wal_pages = (uint32_t)pages;
    return SQLITE_OK;
}

static enum err prepare_own(struct db *db) {
    int64_t page_bytes = 0;
    enum err e = ask_number(db, "PRAGMA page_size", &page_bytes);
    db->page_bytes = (uint32_t)page_bytes;
    db->wal_pages_max = WAL_PAGES_MAX;
    if (e == ERR_OK)
        e = db_prepare(db, db->is_reader ? "BEGIN" : "BEGIN IMMEDIATE", &db->begin);
    if (e == ERR_OK)
        e = db_prepare(db, "COMMIT", &db->commit);
    if (e == ERR_OK)
        e = db_prepare(db, "SAVEPOINT one", &db->save);
    if (e == ERR_OK)
        e = db_prepare(db, "RELEASE one", &db->release);
    if (e == ERR_OK)
        e = db_prepare(db, "ROLLBACK TO one", &db->undo);
    if (e == ERR_OK)
        e = db_prepare(db, "PRAGMA page_count", &db->page_count);
    if (e == ERR_OK)
        e = db_prepare(db, "PRAGMA freelist_count", &db->free_count);
    return e;
}

static enum err open_file(struct db *db, const char *path, int flags) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, setup_library);
    int code =
        sqlite3_open_v2(path, &db->at, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    return code == SQLITE_OK ? ERR_OK : complain(db, path, err_of(code));
}

// A file without a table and without an owner: new, or left so by a start that was cut short.
static enum err ask_whether_new(struct db *db) {
    int64_t tables = 0, owner = 0;
    enum err e = ask_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (e == ERR_OK)
        e = ask_number(db, "PRAGMA application_id", &owner);
    db->is_new = tables == 0 && owner == 0;
    return e;
}

static enum err open_writer(struct db *db, const char *path, const struct db_options *options) {
    *db = (struct db){.lock = -1};
    enum err e = take_lock(db, path);
    if (e == ERR_OK)
        e = open_file(db, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (e == ERR_OK)
        e = ask_whether_new(db);
    if (e == ERR_OK)
        e = set_writer(db, options);
    if (e == ERR_OK)
        e = check_owner(db, options);
    return e;
}

enum err db_open(struct db *db, const char *path, const struct db_options *options) {
    enum err e = open_writer(db, path, options);
    if (e == ERR_OK)
        e = migrate(db, path, options);
    if (e == ERR_OK)
        e = prepare_own(db);
    if (e == ERR_OK)
        (void)sqlite3_wal_hook(db->at, count_wal, db);
    else
        db_close(db);
    return e;
}

enum err db_migrate_dry(const char *path, const struct db_options *options, uint32_t *first,
                        uint32_t *count) {
    struct db db;
    uint32_t applied = 0;
    *first = 1;
    *count = (uint32_t)options->migration_count;
    if (access(path, F_OK) != 0)
        return ERR_OK;
    enum err e = open_writer(&db, path, options);
    if (e == ERR_OK)
        e = count_applied(&db, options, &applied);
    if (e == ERR_OK && applied < options->migration_count)
        e = apply_missing(&db, options, applied, true);
    *first = applied + 1;
    *count = (uint32_t)options->migration_count - applied;
    db_close(&db);
    return e;
}

bool db_is_late(const struct db *db) {
    return db->deadline_mono_ms != 0 && clock_now().mono_ms >= db->deadline_mono_ms;
}

static int watch_deadline(void *data) {
    return db_is_late(data);
}

enum err db_open_reader(struct db *db, const char *path, uint32_t cache_kib) {
    *db = (struct db){.lock = -1, .is_reader = true};
    enum err e = open_file(db, path, SQLITE_OPEN_READONLY);
    if (e == ERR_OK)
        e = set_pragma(db, "query_only", "ON", "1");
    if (e == ERR_OK)
        e = set_common(db, cache_kib);
    if (e == ERR_OK)
        e = prepare_own(db);
    if (e != ERR_OK) {
        db_close(db);
        return e;
    }
    (void)sqlite3_busy_timeout(db->at, BUSY_MS);
    sqlite3_progress_handler(db->at, PROGRESS_STEPS, watch_deadline, db);
    return ERR_OK;
}

void db_close(struct db *db) {
    sqlite3_stmt **own[] = {&db->begin, &db->commit,     &db->save,      &db->release,
                            &db->undo,  &db->page_count, &db->free_count};
    if (!db->at && db->lock <= 0)
        return;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        (void)sqlite3_finalize(*own[i]);
        *own[i] = NULL;
    }
    if (db->at && sqlite3_close(db->at) != SQLITE_OK)
        log_line(LOG_ERROR, "db.failed", "doing=close why=\"%s\"", sqlite3_errmsg(db->at));
    db->at = NULL;
    lock_drop(db->lock);
    db->lock = -1;
}

// ---- transactions and space ---------------------------------------------------------------------

enum err db_begin(struct db *db) {
    return db_run(db->begin);
}

enum err db_commit(struct db *db) {
    return db_run(db->commit);
}

void db_rollback(struct db *db) {
    if (db->at && !sqlite3_get_autocommit(db->at))
        (void)sqlite3_exec(db->at, "ROLLBACK", NULL, NULL, NULL);
}

enum err db_save(struct db *db) {
    return db_run(db->save);
}

enum err db_release(struct db *db) {
    return db_run(db->release);
}

enum err db_undo(struct db *db) {
    enum err e = db_run(db->undo);
    return e == ERR_OK ? db_run(db->release) : e;
}

enum err db_limit_wal(struct db *db, uint64_t bytes, uint64_t kept_bytes) {
    uint64_t pages = bytes / db->page_bytes;
    db->wal_pages_max = pages < WAL_PAGES_MAX ? (uint32_t)pages : WAL_PAGES_MAX;
    return set_pragma_number(db, "journal_size_limit", (int64_t)kept_bytes);
}

static enum err checkpoint(struct db *db, int mode) {
    int in_wal = 0, moved = 0;
    int code = sqlite3_wal_checkpoint_v2(db->at, NULL, mode, &in_wal, &moved);
    if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY)
        return complain(db, "checkpoint", err_of(code));
    // What a reader's snapshot still needs stays, and is due again with the next commit.
    db->wal_pages = 0;
    return ERR_OK;
}

enum err db_checkpoint_if_due(struct db *db, bool is_idle) {
    uint32_t idle_pages =
        WAL_PAGES_IDLE < db->wal_pages_max / 2 ? WAL_PAGES_IDLE : db->wal_pages_max / 2;
    if (db->wal_pages < (is_idle ? idle_pages : db->wal_pages_max))
        return ERR_OK;
    enum err e = checkpoint(db, SQLITE_CHECKPOINT_PASSIVE);
    if (e == ERR_FULL)
        db->wal_pages = 0;
    return e;
}

enum err db_checkpoint_all(struct db *db) {
    return checkpoint(db, SQLITE_CHECKPOINT_TRUNCATE);
}

enum err db_vacuum_some(struct db *db, uint32_t pages) {
    char sql[64];
    (void)snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%" PRIu32 ")", pages);
    return db_exec(db, sql);
}

static uint64_t size_of(struct db *db, int which) {
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    int code = sqlite3_file_control(db->at, "main", which, &file);
    if (code == SQLITE_OK && file && file->pMethods)
        code = file->pMethods->xFileSize(file, &size);
    return code == SQLITE_OK && size > 0 ? (uint64_t)size : 0;
}

uint64_t db_disk_bytes(struct db *db) {
    return size_of(db, SQLITE_FCNTL_FILE_POINTER) + size_of(db, SQLITE_FCNTL_JOURNAL_POINTER);
}

static uint64_t count_by(sqlite3_stmt *statement) {
    uint64_t count = 0;
    if (db_step(statement) == ERR_OK) {
        count = db_u64(statement, 0);
        db_reset(statement);
    }
    return count;
}

uint64_t db_page_count(struct db *db) {
    return count_by(db->page_count);
}

uint64_t db_free_count(struct db *db) {
    return count_by(db->free_count);
}

uint64_t db_page_bytes(struct db *db) {
    return db->page_bytes;
}

void db_deadline(struct db *db, uint64_t mono_ms) {
    db->deadline_mono_ms = mono_ms;
}

void db_interrupt(struct db *db) {
    sqlite3_interrupt(db->at);
}
