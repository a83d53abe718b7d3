// Values that go into statements and come out of them.
#include "common/db.h"

#include <assert.h>

void db_bind_u64(sqlite3_stmt *statement, int at, uint64_t value) {
    assert(value <= INT64_MAX);
    (void)sqlite3_bind_int64(statement, at, (int64_t)value);
}

void db_bind_i64(sqlite3_stmt *statement, int at, int64_t value) {
    (void)sqlite3_bind_int64(statement, at, value);
}

void db_bind_text(sqlite3_stmt *statement, int at, struct bytes text) {
    const char *from = text.size ? (const char *)text.at : "";
    (void)sqlite3_bind_text64(statement, at, from, text.size, SQLITE_STATIC, SQLITE_UTF8);
}

void db_bind_blob(sqlite3_stmt *statement, int at, struct bytes blob) {
    const void *from = blob.size ? (const void *)blob.at : "";
    (void)sqlite3_bind_blob64(statement, at, from, blob.size, SQLITE_STATIC);
}

void db_bind_id(sqlite3_stmt *statement, int at, const struct id *id) {
    (void)sqlite3_bind_blob(statement, at, id->at, (int)sizeof(id->at), SQLITE_STATIC);
}

void db_bind_digest(sqlite3_stmt *statement, int at, const struct digest *digest) {
    (void)sqlite3_bind_blob(statement, at, digest->at, (int)sizeof(digest->at), SQLITE_STATIC);
}

void db_bind_null(sqlite3_stmt *statement, int at) {
    (void)sqlite3_bind_null(statement, at);
}

uint64_t db_u64(sqlite3_stmt *statement, int column) {
    int64_t value = sqlite3_column_int64(statement, column);
    return value < 0 ? 0 : (uint64_t)value;
}

int64_t db_i64(sqlite3_stmt *statement, int column) {
    return sqlite3_column_int64(statement, column);
}

struct bytes db_bytes(sqlite3_stmt *statement, int column) {
    const void *at = sqlite3_column_blob(statement, column);
    int size = sqlite3_column_bytes(statement, column);
    return bytes_of(at, size > 0 ? (size_t)size : 0);
}

struct id db_id(sqlite3_stmt *statement, int column) {
    struct id id = {{0}};
    struct bytes bytes = db_bytes(statement, column);
    if (bytes.size == sizeof(id.at))
        memcpy(id.at, bytes.at, sizeof(id.at));
    return id;
}

struct digest db_digest(sqlite3_stmt *statement, int column) {
    struct digest digest = {{0}};
    struct bytes bytes = db_bytes(statement, column);
    if (bytes.size == sizeof(digest.at))
        memcpy(digest.at, bytes.at, sizeof(digest.at));
    return digest;
}
