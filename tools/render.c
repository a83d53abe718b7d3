#include "tools/render.h"

#include "common/mem.h"
#include "tools/call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

// ---- output -------------------------------------------------------------------------------------

static void check(bool is_good) {
    enum { EXIT_NO_READER = 141 };
    if (is_good)
        return;
    if (errno == EPIPE)
        _exit(EXIT_NO_READER);
    (void)fprintf(stderr, "colloq: the output cannot be written: %s\n", strerror(errno));
    _exit(EX_IOERR);
}

void out_text(const char *text) {
    check(fputs(text, stdout) >= 0);
}

void out_printf(const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vprintf(format, args);
    va_end(args);
    check(n >= 0);
}

void out_bytes(struct bytes bytes) {
    check(bytes.size == 0 || fwrite(bytes.at, 1, bytes.size, stdout) == bytes.size);
}

void out_flush(void) {
    check(fflush(stdout) == 0);
}

// ---- text ---------------------------------------------------------------------------------------

size_t text_columns(const char *text) {
    size_t columns = 0;
    for (; *text; text++)
        columns += ((uint8_t)*text & 0xc0) != 0x80;
    return columns;
}

void text_fit(const char *text, size_t columns, char *out, size_t out_size) {
    bool is_cut = text_columns(text) > columns;
    size_t room = is_cut && columns > 0 ? columns - 1 : columns;
    size_t used = 0;
    for (size_t i = 0; text[i] && used + 5 < out_size; i++) {
        if (((uint8_t)text[i] & 0xc0) != 0x80 && room-- == 0)
            break;
        out[used++] = (uint8_t)text[i] < 0x20 ? ' ' : text[i];
    }
    if (is_cut && columns > 0) {
        memcpy(out + used, "\u2026", 3);
        used += 3;
    }
    out[used] = 0;
}

const char *time_text(int64_t at_ms, char text[SHORT_TEXT_SIZE]) {
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm tm;
    if (at_ms < 1 || !localtime_r(&seconds, &tm) ||
        strftime(text, SHORT_TEXT_SIZE, "%Y-%m-%d %H:%M", &tm) == 0)
        (void)snprintf(text, SHORT_TEXT_SIZE, "-");
    return text;
}

const char *span_text(int64_t span_ms, char text[SHORT_TEXT_SIZE]) {
    long long ms = span_ms < 0 ? 0 : span_ms;
    long long minutes = (ms + 30000) / 60000;
    if (ms < 1000)
        (void)snprintf(text, SHORT_TEXT_SIZE, "%lld ms", ms);
    else if (ms < 120 * 1000)
        (void)snprintf(text, SHORT_TEXT_SIZE, "%lld s", (ms + 500) / 1000);
    else if (minutes < 120)
        (void)snprintf(text, SHORT_TEXT_SIZE, "%lld min", minutes);
    else if (minutes < 48 * 60)
        (void)snprintf(text, SHORT_TEXT_SIZE, "%lld h %lld min", minutes / 60, minutes % 60);
    else
        (void)snprintf(text, SHORT_TEXT_SIZE, "%lld d", minutes / (24 * 60));
    return text;
}

const char *count_text(int64_t count, char text[SHORT_TEXT_SIZE]) {
    money_count_text(count, text);
    return text;
}

const char *size_text(int64_t bytes, char text[SHORT_TEXT_SIZE]) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes;
    int unit = 0;
    for (; size >= 1024 && unit < 4; unit++)
        size /= 1024;
    (void)snprintf(text, SHORT_TEXT_SIZE, unit == 0 || size >= 100 ? "%.0f %s" : "%.1f %s", size,
                   units[unit]);
    return text;
}

const char *amount_text(const json_t *amount, char text[SHORT_TEXT_SIZE]) {
    _Static_assert((int)SHORT_TEXT_SIZE >= (int)MONEY_TEXT_SIZE, "an amount fits");
    if (json_is_integer(amount))
        money_text(json_integer_value(amount), text);
    else
        (void)snprintf(text, SHORT_TEXT_SIZE, "-");
    return text;
}

// ---- answers ------------------------------------------------------------------------------------

const json_t *member_of(const json_t *object, const char *name) {
    return object ? json_object_get(object, name) : NULL;
}

int64_t int_of(const json_t *object, const char *name, int64_t otherwise) {
    const json_t *member = member_of(object, name);
    return json_is_integer(member) ? json_integer_value(member) : otherwise;
}

const char *text_of(const json_t *object, const char *name, const char *otherwise) {
    const char *text = json_string_value(member_of(object, name));
    return text ? text : otherwise;
}

bool flag_of(const json_t *object, const char *name) {
    return json_is_true(member_of(object, name));
}

static void add(json_t *arguments, const char *name, json_t *new_value) {
    if (!new_value || json_object_set_new(arguments, name, new_value) != 0)
        fail(EX_USAGE, "%s: not valid UTF-8", name);
}

void arguments_add(json_t *arguments, const char *name, const char *value) {
    if (value)
        add(arguments, name, json_string(value));
}

void arguments_add_int(json_t *arguments, const char *name, int64_t value) {
    add(arguments, name, json_integer(value));
}

json_t *arguments_of(const char *name, const char *value) {
    json_t *arguments = json_object();
    if (!arguments)
        fail(EX_OSERR, "out of memory");
    arguments_add(arguments, name, value);
    return arguments;
}

// ---- tables -------------------------------------------------------------------------------------

static char *cell_at(const struct table *table, size_t row, int column) {
    return table->cells + (row * (size_t)table->column_count + (size_t)column) * CELL_SIZE;
}

void table_row(struct table *table) {
    if (table->rows == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : 16;
        table->cells =
            mem_grow(table->cells, table->capacity * (size_t)table->column_count * CELL_SIZE);
    }
    for (int i = 0; i < table->column_count; i++)
        *cell_at(table, table->rows, i) = 0;
    table->rows++;
}

void table_begin(struct table *table, const struct table_column *columns) {
    *table = (struct table){.rows = 0};
    while (columns[table->column_count].title) {
        table->columns[table->column_count] = columns[table->column_count];
        table->column_count++;
    }
    table_row(table);
    for (int i = 0; i < table->column_count; i++)
        table_cell(table, i, "%s", columns[i].title);
}

void table_cell(struct table *table, int column, const char *format, ...) {
    char text[CELL_SIZE * 2];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    text_fit(text, CELL_SIZE / 4, cell_at(table, table->rows - 1, column), CELL_SIZE);
}

// The columns' widths, those that may shrink made smaller until a line fits.
static void measure(const struct table *table, size_t *widths) {
    size_t sum = 0;
    for (int i = 0; i < table->column_count; i++) {
        widths[i] = 0;
        for (size_t row = 0; row < table->rows; row++) {
            size_t width = text_columns(cell_at(table, row, i));
            widths[i] = width > widths[i] ? width : widths[i];
        }
        sum += widths[i] + (i > 0 ? 2 : 0);
    }
    while (sum > LINE_COLUMNS) {
        int widest = -1;
        for (int i = 0; i < table->column_count; i++)
            if (table->columns[i].may_shrink && widths[i] > 8 &&
                (widest < 0 || widths[i] > widths[widest]))
                widest = i;
        if (widest < 0)
            return;
        widths[widest]--;
        sum--;
    }
}

static void write_row(const struct table *table, size_t row, const size_t *widths) {
    char line[TABLE_COLUMNS_MAX * (CELL_SIZE + 2)];
    size_t used = 0;
    for (int i = 0; i < table->column_count; i++) {
        char text[CELL_SIZE];
        text_fit(cell_at(table, row, i), widths[i], text, sizeof(text));
        size_t pad = widths[i] - text_columns(text);
        int n = snprintf(line + used, sizeof(line) - used, "%s%*s%s%*s", i > 0 ? "  " : "",
                         table->columns[i].is_right ? (int)pad : 0, "", text,
                         table->columns[i].is_right ? 0 : (int)pad, "");
        if (n < 0 || (size_t)n >= sizeof(line) - used)
            break;
        used += (size_t)n;
    }
    while (used > 0 && line[used - 1] == ' ')
        used--;
    line[used] = 0;
    out_printf("%s\n", line);
}

void table_end(struct table *table) {
    size_t widths[TABLE_COLUMNS_MAX];
    measure(table, widths);
    for (size_t row = 0; row < table->rows && table->rows > 1; row++)
        write_row(table, row, widths);
    mem_free(table->cells);
    table->cells = NULL;
}
