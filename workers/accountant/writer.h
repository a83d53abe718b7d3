// JSON, written member by member into a buf, without a document in memory. Whoever writes keeps
// objects and names in order; the result is compact and without newlines.
#ifndef ACCOUNTANT_WRITER_H
#define ACCOUNTANT_WRITER_H

#include "common/buf.h"
#include "common/db.h"

struct writer {
    struct buf *out;
    bool needs_comma;
};

void writer_open(struct writer *writer, char bracket);  // '{' or '['
void writer_close(struct writer *writer, char bracket); // '}' or ']'
// The name of the value that follows.
void writer_name(struct writer *writer, const char *name);
void writer_text(struct writer *writer, struct bytes text);
void writer_i64(struct writer *writer, int64_t number);
void writer_bool(struct writer *writer, bool is_true);
void writer_null(struct writer *writer);
// A complete JSON value, its blanks left out; null if it is none.
void writer_json(struct writer *writer, struct bytes raw);
// JSON if it is, else a text.
void writer_json_or_text(struct writer *writer, struct bytes raw);

// A member at once. Empty texts are null.
void put_text(struct writer *writer, const char *name, struct bytes text);
void put_i64(struct writer *writer, const char *name, int64_t number);
// Null where there is none.
void put_i64_if(struct writer *writer, const char *name, bool is_there, int64_t number);
void put_bool(struct writer *writer, const char *name, bool is_true);
void put_null(struct writer *writer, const char *name);
void put_json(struct writer *writer, const char *name, struct bytes raw);
// Of a column: NULL is null. UUID text, a call's 32 hex digits, a text, a number, JSON.
void put_uuid_of(struct writer *writer, const char *name, sqlite3_stmt *row, int column);
void put_call_of(struct writer *writer, const char *name, sqlite3_stmt *row, int column);
void put_text_of(struct writer *writer, const char *name, sqlite3_stmt *row, int column);
void put_i64_of(struct writer *writer, const char *name, sqlite3_stmt *row, int column);
void put_json_of(struct writer *writer, const char *name, sqlite3_stmt *row, int column);
// Columns of one kind in a row, from the given one on; names ends with NULL. Returns the next.
int put_i64s_of(struct writer *writer, const char *const *names, sqlite3_stmt *row, int column);

// Answer headers ("Name: value\r\n…") as an object, names in lower case; a name that stands
// several times gets an array.
void writer_headers(struct writer *writer, struct bytes headers);

#endif
