#include "tools/render.h"

#include "common/mem.h"
#include "tools/call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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

// A text of any length, without control characters; the caller's (mem_free).
static char *clean_text(bool keeps_lines, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    size_t size = n > 0 ? (size_t)n + 1 : 1;
    char *text = mem_new(size);
    (void)vsnprintf(text, size, format, again);
    va_end(again);
    text_clean(text, keeps_lines);
    return text;
}

void out_printf(const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = clean_text(true, format, args);
    va_end(args);
    out_text(text);
    mem_free(text);
}

void out_field(int title_columns, const char *title, const char *value) {
    if (!value || !*value)
        return;
    char *copy = mem_copy(value, strlen(value));
    text_clean(copy, false);
    out_printf("%-*s %s\n", title_columns, title, copy);
    mem_free(copy);
}

size_t out_columns(void) {
    struct winsize size;
    if (!isatty(STDOUT_FILENO))
        return 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10)
        return size.ws_col;
    return LINE_COLUMNS;
}

void out_bytes(struct bytes bytes) {
    check(bytes.size == 0 || fwrite(bytes.at, 1, bytes.size, stdout) == bytes.size);
}

void out_json(const json_t *json) {
    char *text = json_dumps(json, JSON_COMPACT);
    if (!text)
        fail(EX_SOFTWARE, "the answer cannot be written as JSON");
    out_text(text);
    out_text("\n");
    mem_free(text);
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

// Bytes of the control character that text begins with (C0, DEL, C1); 0: it is another.
static size_t control_size(const char *text) {
    uint8_t first = (uint8_t)text[0];
    if (first < 0x20 || first == 0x7f)
        return 1;
    return first == 0xc2 && (uint8_t)text[1] >= 0x80 && (uint8_t)text[1] < 0xa0 ? 2 : 0;
}

void text_clean(char *text, bool keeps_lines) {
    for (size_t size; *text; text += size ? size : 1) {
        size = control_size(text);
        if (size > 0 && !(keeps_lines && (*text == '\n' || *text == '\t')))
            memset(text, ' ', size);
    }
}

void text_fit(const char *text, size_t columns, char *out, size_t out_size) {
    bool is_cut = text_columns(text) > columns;
    size_t room = is_cut && columns > 0 ? columns - 1 : columns;
    size_t used = 0;
    for (size_t i = 0; text[i] && used + 5 < out_size; i++) {
        if (((uint8_t)text[i] & 0xc0) != 0x80 && room-- == 0)
            break;
        out[used++] = text[i];
    }
    if (is_cut && columns > 0) {
        memcpy(out + used, "\u2026", 3);
        used += 3;
    }
    out[used] = 0;
    text_clean(out, false);
}

const char *time_text(int64_t at_ms, char text[SHORT_TEXT_SIZE]) {
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm tm;
    if (at_ms < 1 || !localtime_r(&seconds, &tm) ||
        strftime(text, SHORT_TEXT_SIZE, "%Y-%m-%d %H:%M", &tm) == 0)
        (void)snprintf(text, SHORT_TEXT_SIZE, "-");
    return text;
}

const char *clock_text(int64_t at_ms, char text[SHORT_TEXT_SIZE]) {
    time_t seconds = (time_t)((at_ms + 999) / 1000);
    struct tm tm;
    if (!localtime_r(&seconds, &tm) || strftime(text, SHORT_TEXT_SIZE, "%H:%M:%S", &tm) == 0)
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

const char *sum_text(const json_t *sums, char text[SHORT_TEXT_SIZE]) {
    const json_t *amount = member_of(sums, "amount_pusd");
    if (json_is_integer(amount) || int_of(sums, "calls", 0) > 0)
        return amount_text(amount, text);
    money_text(0, text);
    return text;
}

void billed_text(struct buf *out, int64_t calls, int64_t unpriced, const json_t *amount) {
    char text[SHORT_TEXT_SIZE];
    if (calls == 0)
        return;
    buf_printf(out, ", %s possibly billed (", count_text(calls, text));
    if (unpriced < calls)
        buf_printf(out, "at most %s%s", amount_text(amount, text), unpriced > 0 ? ", and " : "");
    if (unpriced > 0)
        buf_printf(out, "%s without a price", count_text(unpriced, text));
    buf_text(out, ")");
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

static char **cell_at(const struct table *table, size_t row, int column) {
    return &table->cells[row * (size_t)table->column_count + (size_t)column];
}

static const char *cell_text(const struct table *table, size_t row, int column) {
    const char *text = *cell_at(table, row, column);
    return text ? text : "";
}

void table_row(struct table *table) {
    if (table->rows == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : 16;
        table->cells = mem_grow(table->cells, table->capacity * (size_t)table->column_count *
                                                  sizeof(*table->cells));
    }
    for (int i = 0; i < table->column_count; i++)
        *cell_at(table, table->rows, i) = NULL;
    table->rows++;
}

void table_begin(struct table *table, const struct table_column *columns) {
    *table = (struct table){.width = out_columns()};
    while (columns[table->column_count].title) {
        table->columns[table->column_count] = columns[table->column_count];
        table->column_count++;
    }
    table_row(table);
    for (int i = 0; i < table->column_count; i++)
        table_cell(table, i, "%s", columns[i].title);
}

void table_cell(struct table *table, int column, const char *format, ...) {
    char **cell = cell_at(table, table->rows - 1, column);
    va_list args;
    mem_free(*cell);
    va_start(args, format);
    *cell = clean_text(false, format, args);
    va_end(args);
}

// The columns' widths, those that may shrink made smaller until a line fits.
static void measure(const struct table *table, size_t *widths) {
    size_t sum = 0;
    for (int i = 0; i < table->column_count; i++) {
        widths[i] = 0;
        for (size_t row = 0; row < table->rows; row++) {
            size_t width = text_columns(cell_text(table, row, i));
            widths[i] = width > widths[i] ? width : widths[i];
        }
        sum += widths[i] + (i > 0 ? 2 : 0);
    }
    while (table->width > 0 && sum > table->width) {
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
    int last = table->column_count - 1;
    while (last > 0 && !*cell_text(table, row, last))
        last--;
    for (int i = 0; i <= last; i++) {
        const char *whole = cell_text(table, row, i);
        size_t size = strlen(whole) + 8;
        char *text = mem_new(size);
        text_fit(whole, widths[i], text, size);
        int pad = (int)(widths[i] - text_columns(text));
        bool is_right = table->columns[i].is_right;
        out_printf("%s%*s%s%*s", i > 0 ? "  " : "", is_right ? pad : 0, "", text,
                   is_right || i == last ? 0 : pad, "");
        mem_free(text);
    }
    out_text("\n");
}

void table_end(struct table *table) {
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    measure(table, widths);
    for (size_t row = 0; row < table->rows && table->rows > 1; row++)
        write_row(table, row, widths);
    for (size_t row = 0; row < table->rows; row++)
        for (int i = 0; i < table->column_count; i++)
            mem_free(*cell_at(table, row, i));
    mem_free(table->cells);
    table->cells = NULL;
}
