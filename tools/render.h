// How the client writes: tables that fit the terminal, amounts, spans and times for people, and
// output that ends quietly when its reader is gone. What comes from files and providers never
// reaches a terminal with its control characters.
#ifndef TOOLS_RENDER_H
#define TOOLS_RENDER_H

#include "common/buf.h"
#include "common/bytes.h"
#include "common/money.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 12, LINE_COLUMNS = 80, WIDE_COLUMNS = 110, SHORT_TEXT_SIZE = 48 };
enum { TIME_TEXT_SIZE = 80, SUM_TEXT_SIZE = 256 };

// To stdout. A reader that is gone ends the process without a word (exit code 141, as a shell
// says it); any other failure ends it with EX_IOERR.
void out_text(const char *text);
// For people: blanks stand for control characters, but for newlines and tabs.
void out_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void out_bytes(struct bytes bytes);
// As one line of JSON.
void out_json(const json_t *json);
// A JSON object as it came, as one document with a first member more: "schema": "colloq/…".
void out_document(const char *schema, struct bytes object);
void out_json_of(const char *schema, const json_t *object);
void out_flush(void);
// "title     value"; the value takes one line, whatever is in it, but on a terminal that is too
// narrow for it: there lines are broken between words. Nothing for an empty value.
void out_field(int title_columns, const char *title, const char *value);

// What a text is, for terminals that show colours. Colours are sparing, and never the only thing
// that says something.
enum tone { TONE_plain, TONE_title, TONE_dim, TONE_good, TONE_waiting, TONE_failed };
// Whether stdout is a terminal that may be coloured: not with NO_COLOR, TERM=dumb or --no-color.
bool out_has_color(void);
// From here on no colour, whatever stdout is.
void out_without_color(void);
// For people, as out_printf.
void out_toned(enum tone tone, const char *text);
// How the word for a state of a job, batch, lane or call is toned.
enum tone state_tone(const char *state);
// As out_field, the value toned as a state.
void out_state(int title_columns, const char *title, const char *state);
// Columns of the terminal that stdout is; 0: it is none, and nothing need be cut.
size_t out_columns(void);

// What becomes of a column where the table is wider than the terminal.
enum column_kind {
    COLUMN_whole,
    COLUMN_number, // stands to the right
    COLUMN_text,   // a name, model or reason: is cut, with "…"
    COLUMN_id,     // goes below the rest of its row, whole, so that it can be copied
    COLUMN_sum,    // likewise, after the ids
};

struct table_column {
    const char *title;
    enum column_kind kind;
};

struct table {
    struct table_column columns[TABLE_COLUMNS_MAX];
    int column_count;
    char **cells;   // rows behind each other, titles first; NULL: empty
    uint8_t *tones; // of each cell
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
// The same of a state, which is toned.
void table_state(struct table *table, int column, const char *state);
// Writes it to stdout, if it has a row, and frees it. Where a line would be too long, texts are cut
// a little; then ids, then sums too go below their row; then texts are cut short; and if that does
// not do, a row takes as many lines as it needs. Nothing but texts is ever cut.
void table_end(struct table *table);

// "2026-11-22 10:24" in local time, for tables whose title names the zone; "-" for less than 1.
const char *time_text(int64_t at_ms, char text[SHORT_TEXT_SIZE]);
// "12:03:10" in local time.
const char *clock_text(int64_t at_ms, char text[SHORT_TEXT_SIZE]);
// The zone of local time now: "CET".
const char *zone_text(char text[SHORT_TEXT_SIZE]);
// "2026-11-22 10:24 CET (09:24 UTC)"; the day of UTC too, where it is another one.
const char *moment_text(int64_t at_ms, char text[TIME_TEXT_SIZE]);
// "850 ms", "6 s", "12 min", "3 h 20 min", "4 d".
const char *span_text(int64_t span_ms, char text[SHORT_TEXT_SIZE]);
// "20,000".
const char *count_text(int64_t count, char text[SHORT_TEXT_SIZE]);
// "1 line", "20,000 lines".
const char *counted_text(int64_t count, const char *noun, char text[SHORT_TEXT_SIZE]);
// "1,234,567 B", "512 KiB", "1.2 GiB".
const char *size_text(int64_t bytes, char text[SHORT_TEXT_SIZE]);
// "$31.87"; "-" where there is no amount (JSON null).
const char *amount_text(const json_t *amount, char text[SHORT_TEXT_SIZE]);

// A sum, and what is missing from it: the only way in which sums are written.
struct sum {
    int64_t calls;
    const json_t *amount; // of those that have one; no integer: none has
    int64_t unpriced;     // have usage and no price
    int64_t unknown;      // may have been billed, and have no usage
    int64_t unbounded;    // those of them without an upper bound
    const json_t *bound;  // of the others
};
// Of an object with the members amount_pusd, calls, unpriced_calls, possibly_billed_calls … A call
// is either unpriced or unknown, so that nobody takes one for two.
struct sum sum_of(const json_t *sums);
// "$118.07", or "$118.07 + 12 unpriced + 3 unknown (at most $0.04)"; "$0" of no call at all, "-"
// if no call has an amount and none is missing. "(at most: not known)": none of the unknown ones
// has a bound; "(at most $0.04 for 2, not known for 1)": some have none.
void sum_put(struct buf *out, const struct sum *sum);
const char *sum_text(const json_t *sums, char text[SUM_TEXT_SIZE]);

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
// A text of any length without control characters, the caller's (mem_free).
char *text_cleaned(bool keeps_lines, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
// Appends text in lines of so many columns, broken at blanks only; all but the first are indented,
// and the first has that much room less. A word that is longer stays whole. columns 0: any number.
void text_fold(struct buf *out, const char *text, size_t indent, size_t columns);
// Copies as much of text as fits columns, with "…" where it was cut. Blanks for control bytes.
void text_fit(const char *text, size_t columns, char *out, size_t out_size);

#endif
