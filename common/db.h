// The one home of SQLite's settings: durable (WAL, FULL), one writing connection a file, which
// also checkpoints and which nobody else can be; STRICT schemas by numbered migrations. A db
// belongs to one thread. What a failed commit has left on the disk is not known: the owner of
// the file then ends the process and starts again from the disk. An open db must not be moved.
#ifndef COMMON_DB_H
#define COMMON_DB_H

#include "common/bytes.h"
#include "common/embedded.h"
#include "common/err.h"

#include <sqlite3.h>

struct db_options {
    bool is_exclusive;      // no other connection at all (journal); else readers of this process
    bool vacuums;           // auto_vacuum=INCREMENTAL, from the file's creation
    uint32_t cache_kib;     // page cache; 0: 8 MiB
    uint32_t page_bytes;    // of a new file; 0: 4096
    int32_t application_id; // written into the file, and demanded of it; 0: none
    const struct embedded *migrations; // 0001_name.sql, 0002_… in order, without gaps
    size_t migration_count;
};

struct db {
    sqlite3 *at;
    sqlite3_stmt *begin, *commit, *save, *release, *undo, *page_count, *free_count;
    uint64_t deadline_mono_ms; // of a reader's statements; 0: none
    uint32_t wal_pages;        // in the write-ahead log, and not yet in the file
    uint32_t wal_pages_max;    // the log is checkpointed from here on in any case
    uint32_t page_bytes;
    int lock; // beside the file, held as long as the db is open
    bool is_reader;
    bool is_new; // the file was made by this db_open
};

// Opens a file for writing, makes it where absent, checks every setting, and applies the
// migrations that are missing; an existing file is first copied to PATH.before-NNNN.
// ERR_EXISTS: another process has it open. ERR_VERSION: the file has migrations that this
// program does not know. ERR_BAD_CONFIG: it is not a file of ours, or a migration has changed.
// ERR_IO, ERR_FULL: the system's refusal. The reason is logged.
enum err db_open(struct db *db, const char *path, const struct db_options *options);
// A read-only connection to a file that db_open (not exclusive) holds in this process.
enum err db_open_reader(struct db *db, const char *path, uint32_t cache_kib);
// Checkpoints what it can and closes. Accepts a zeroed or closed db.
void db_close(struct db *db);

// Says what is not applied yet, without changing the file: *first is the number of the first
// migration missing, *count how many are (0: up to date). Tries them in a transaction that is
// rolled back. A file that does not exist needs all of them.
enum err db_migrate_dry(const char *path, const struct db_options *options, uint32_t *first,
                        uint32_t *count);

// A statement that is kept; sqlite3_finalize before db_close. ERR_IO with a log line.
enum err db_prepare(struct db *db, const char *sql, sqlite3_stmt **statement);
// ERR_OK: a row is there. ERR_NOT_FOUND: no further row; the statement is reset. ERR_EXISTS: a
// constraint. ERR_FULL: the disk. ERR_TOO_BIG: a value. ERR_AGAIN: the deadline, or
// db_interrupt. ERR_IO: anything else. After an error the statement is reset as well.
enum err db_step(sqlite3_stmt *statement);
// Runs a statement that gives no rows, and resets it. ERR_OK or as db_step.
enum err db_run(sqlite3_stmt *statement);
void db_reset(sqlite3_stmt *statement);
// Runs SQL text without arguments.
enum err db_exec(struct db *db, const char *sql);
// The newest error's text; never holds values.
const char *db_error(const struct db *db);

// BEGIN IMMEDIATE; on a reader: one snapshot until db_commit.
enum err db_begin(struct db *db);
// Anything but ERR_OK: the outcome is unknown.
enum err db_commit(struct db *db);
// Gives the transaction up; no harm where none is open.
void db_rollback(struct db *db);
// A savepoint inside the transaction: db_save, then db_release or db_undo (which also releases).
enum err db_save(struct db *db);
enum err db_release(struct db *db);
enum err db_undo(struct db *db);

// Lets the write-ahead log grow to that many bytes, and by the transaction that goes beyond, before
// it is checkpointed; its file keeps at most kept_bytes after that (more than bytes: a file that
// is cut and grows again costs time). Else: WAL_PAGES_MAX pages, WAL_BYTES_KEPT.
enum err db_limit_wal(struct db *db, uint64_t bytes, uint64_t kept_bytes);
// Checkpoints when the log is full, and when idle at WAL_PAGES_IDLE or half of it. Call between
// transactions. ERR_FULL: the disk has no room for it; nothing is lost, and it is due again with
// the next commit.
enum err db_checkpoint_if_due(struct db *db, bool is_idle);
// Checkpoints whatever there is and gives the log's bytes back to the disk. ERR_FULL as above.
enum err db_checkpoint_all(struct db *db);
// Gives at most that many free pages back to the system. ERR_FULL: no room to do it; nothing
// has changed.
enum err db_vacuum_some(struct db *db, uint32_t pages);
// What file and write-ahead log take of the disk.
uint64_t db_disk_bytes(struct db *db);
// Pages of the file, and how many of them are free; 0 after an error.
uint64_t db_page_count(struct db *db);
uint64_t db_free_count(struct db *db);
uint64_t db_page_bytes(struct db *db);

// A reader's statements end with ERR_AGAIN from that moment on (0: no deadline).
void db_deadline(struct db *db, uint64_t mono_ms);
// Whether that moment is past, for who works long between two steps.
bool db_is_late(const struct db *db);
// The only function for other threads: ends the statement that runs, with ERR_AGAIN.
void db_interrupt(struct db *db);

// Binding and reading. A bound view must live until the statement is reset. Empty bytes are
// bound as '' and x''; db_bind_null where nothing is meant.
void db_bind_u64(sqlite3_stmt *statement, int at, uint64_t value);
void db_bind_i64(sqlite3_stmt *statement, int at, int64_t value);
void db_bind_text(sqlite3_stmt *statement, int at, struct bytes text);
void db_bind_blob(sqlite3_stmt *statement, int at, struct bytes blob);
void db_bind_id(sqlite3_stmt *statement, int at, const struct id *id);
void db_bind_digest(sqlite3_stmt *statement, int at, const struct digest *digest);
void db_bind_null(sqlite3_stmt *statement, int at);
uint64_t db_u64(sqlite3_stmt *statement, int column);
int64_t db_i64(sqlite3_stmt *statement, int column);
// A view of the column; dies with the next step or reset.
struct bytes db_bytes(sqlite3_stmt *statement, int column);
struct id db_id(sqlite3_stmt *statement, int column);
struct digest db_digest(sqlite3_stmt *statement, int column);

#endif
