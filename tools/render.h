// How the client writes: tables that fit the terminal, amounts, spans and times for people, and
// output that ends quietly when its reader is gone. What comes from files and providers never
// reaches a terminal with its control characters.
#ifndef TOOLS_RENDER_H
#define TOOLS_RENDER_H

#include "common/buf.h"
#include "common/bytes.h"
#include "common/money.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 12, LINE_COLUMNS = 80, WIDE_COLUMNS = 110, SHORT_TEXT_SIZE = 48 };

// To stdout. A reader that is gone ends the process without a word (exit code 141, as a shell
// says it); any other failure ends it with EX_IOERR.
void out_text(const char *text);
// For people: blanks stand for control characters, but for newlines and tabs.
void out_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void out_bytes(struct bytes bytes);
// As one line of JSON.
void out_json(const json_t *json);
void out_flush(void);
// "title     value"; the value takes one line, whatever is in it. Nothing for an empty value.
void out_field(int title_columns, const char *title, const char *value);
// Columns of the terminal that stdout is; 0: it is none, and nothing need be cut.
size_t out_columns(void);

struct table_column {
    const char *title;
    bool is_right;   // numbers
    bool may_shrink; // cut with "…" where the table is wider than the terminal; never an id
};

struct table {
    struct table_column columns[TABLE_COLUMNS_MAX];
    int column_count;
    char **cells; // rows behind each other, titles first; NULL: empty
    size_t rows;
    size_t width; // columns that a line may have; 0: any. The terminal's, unless it is set
    size_t capacity;
};

// titles ends with one whose title is NULL.
void table_begin(struct table *table, const struct table_column *columns);
// A new row of empty cells; fill it with table_cell.
void table_row(struct table *table);
void table_cell(struct table *table, int column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Writes it to stdout, if it has a row, and frees it.
void table_end(struct table *table);

// "2026-11-22 09:24" in local time; "-" for less than 1.
const char *time_text(int64_t at_ms, char text[SHORT_TEXT_SIZE]);
// "12:03:10" in local time.
const char *clock_text(int64_t at_ms, char text[SHORT_TEXT_SIZE]);
// "850 ms", "6 s", "12 min", "3 h 20 min", "4 d".
const char *span_text(int64_t span_ms, char text[SHORT_TEXT_SIZE]);
// "20,000".
const char *count_text(int64_t count, char text[SHORT_TEXT_SIZE]);
// "1,234,567 B", "512 KiB", "1.2 GiB".
const char *size_text(int64_t bytes, char text[SHORT_TEXT_SIZE]);
// "$31.87"; "-" where there is no amount (JSON null).
const char *amount_text(const json_t *amount, char text[SHORT_TEXT_SIZE]);
// The sum of an object's amounts: nothing called cost nothing; calls without a price have none.
const char *sum_text(const json_t *sums, char text[SHORT_TEXT_SIZE]);
// ", 3 possibly billed (at most $0.04, and 1 without a price)"; nothing where there are none.
void billed_text(struct buf *out, int64_t calls, int64_t unpriced, const json_t *amount);

// Members of answers, read without fear: what is absent or of another type is the last argument.
int64_t int_of(const json_t *object, const char *name, int64_t otherwise);
const char *text_of(const json_t *object, const char *name, const char *otherwise);
bool flag_of(const json_t *object, const char *name);
// The member, or NULL; also of a NULL object.
const json_t *member_of(const json_t *object, const char *name);
// A document of one member; value may be NULL (then it has none). Ends the process if the value
// is no UTF-8.
json_t *arguments_of(const char *name, const char *value);
// Adds a member; a NULL value adds nothing. The same on bad UTF-8.
void arguments_add(json_t *arguments, const char *name, const char *value);
void arguments_add_int(json_t *arguments, const char *name, int64_t value);

// Columns that a UTF-8 text takes on a terminal, a character each.
size_t text_columns(const char *text);
// Puts blanks in place of control characters, in place; newlines and tabs may be kept.
void text_clean(char *text, bool keeps_lines);
// Copies as much of text as fits columns, with "…" where it was cut. Blanks for control bytes.
void text_fit(const char *text, size_t columns, char *out, size_t out_size);

#endif
