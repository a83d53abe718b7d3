// Tables: columns as wide as their cells, cut or folded where the terminal is narrower.
#include "common/mem.h"
#include "tools/render.h"

#include <stdlib.h>
#include <string.h>

enum { READABLE_COLUMNS = 16, SHRUNK_COLUMNS_MIN = 8, FOLD_INDENT = 4, BETWEEN = 2 };

static size_t cell_index(const struct table *table, size_t row, int column) {
    return row * (size_t)table->column_count + (size_t)column;
}

static char **cell_at(const struct table *table, size_t row, int column) {
    return &table->cells[cell_index(table, row, column)];
}

static const char *cell_text(const struct table *table, size_t row, int column) {
    const char *text = *cell_at(table, row, column);
    return text ? text : "";
}

void table_row(struct table *table) {
    if (table->rows == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : 16;
        size_t cells = table->capacity * (size_t)table->column_count;
        table->cells = mem_grow(table->cells, cells * sizeof(*table->cells));
        table->tones = mem_grow(table->tones, cells);
    }
    for (int i = 0; i < table->column_count; i++) {
        *cell_at(table, table->rows, i) = NULL;
        table->tones[cell_index(table, table->rows, i)] = TONE_plain;
    }
    table->rows++;
}

void table_begin(struct table *table, const struct table_column *columns) {
    *table = (struct table){.width = out_columns()};
    while (columns[table->column_count].title) {
        table->columns[table->column_count] = columns[table->column_count];
        table->column_count++;
    }
    table_row(table);
    for (int i = 0; i < table->column_count; i++) {
        table_cell(table, i, "%s", columns[i].title);
        table->tones[cell_index(table, 0, i)] = TONE_title;
    }
}

void table_cell(struct table *table, int column, const char *format, ...) {
    char **cell = cell_at(table, table->rows - 1, column);
    va_list args;
    mem_free(*cell);
    va_start(args, format);
    *cell = text_cleaned(false, format, args);
    va_end(args);
}

void table_state(struct table *table, int column, const char *state) {
    table_cell(table, column, "%s", state);
    table->tones[cell_index(table, table->rows - 1, column)] = (uint8_t)state_tone(state);
}

// Where each column stands.
struct layout {
    size_t widths[TABLE_COLUMNS_MAX];
    int lines[TABLE_COLUMNS_MAX]; // of its row
};

static size_t indent_of(int line) {
    return line > 0 ? FOLD_INDENT : 0;
}

// The widths that the cells want.
static void measure(const struct table *table, struct layout *layout) {
    *layout = (struct layout){.lines = {0}};
    for (int i = 0; i < table->column_count; i++) {
        for (size_t row = 0; row < table->rows; row++) {
            size_t width = text_columns(cell_text(table, row, i));
            layout->widths[i] = width > layout->widths[i] ? width : layout->widths[i];
        }
    }
}

// The width of a row's first line.
static size_t first_width(const struct table *table, const struct layout *layout) {
    size_t sum = 0;
    for (int i = 0; i < table->column_count; i++)
        if (layout->lines[i] == 0)
            sum += layout->widths[i] + (sum > 0 ? BETWEEN : 0);
    return sum;
}

// Makes the widest text smaller, by one; false: none is wider than the least.
static bool shrink(const struct table *table, struct layout *layout, size_t least) {
    int widest = -1;
    for (int i = 0; i < table->column_count; i++)
        if (table->columns[i].kind == COLUMN_text && layout->widths[i] > least &&
            (widest < 0 || layout->widths[i] > layout->widths[widest]))
            widest = i;
    if (widest >= 0)
        layout->widths[widest]--;
    return widest >= 0;
}

// Spreads columns over as many lines as it takes: first those that stay, then those that go below.
static void spread(const struct table *table, struct layout *layout, const bool *is_below) {
    size_t used = 0;
    int line = 0;
    for (int pass = 0; pass < 2; pass++) {
        bool is_begun = false; // of what goes below, the line
        for (int i = 0; i < table->column_count; i++) {
            if (is_below[i] != (pass == 1))
                continue;
            size_t width = layout->widths[i];
            bool is_next = used > indent_of(line) && used + BETWEEN + width > table->width;
            if (is_next || (pass == 1 && !is_begun && used > 0)) {
                line++;
                used = indent_of(line);
            }
            is_begun = true;
            used += width + (used > indent_of(line) ? BETWEEN : 0);
            layout->lines[i] = line;
        }
    }
}

// Tries to get all that does not go below into one line. False: that takes more.
static bool fit(const struct table *table, struct layout *layout, size_t least, int kinds_below) {
    bool is_below[TABLE_COLUMNS_MAX] = {false};
    measure(table, layout);
    for (int i = 0; i < table->column_count; i++) {
        is_below[i] = kinds_below >> table->columns[i].kind & 1;
        layout->lines[i] = is_below[i];
    }
    while (first_width(table, layout) > table->width)
        if (!shrink(table, layout, least))
            break;
    bool is_fit = first_width(table, layout) <= table->width;
    if (!is_fit)
        measure(table, layout);
    for (int i = 0; i < table->column_count; i++)
        if (table->columns[i].kind == COLUMN_text && layout->widths[i] > table->width - FOLD_INDENT)
            layout->widths[i] = table->width - FOLD_INDENT;
    spread(table, layout, is_below);
    return is_fit;
}

static void lay_out(const struct table *table, struct layout *layout) {
    static const struct {
        size_t least; // columns of a text
        int below;
    } ways[] = {
        {READABLE_COLUMNS, 0},
        {READABLE_COLUMNS, 1 << COLUMN_id},
        {READABLE_COLUMNS, 1 << COLUMN_id | 1 << COLUMN_sum},
        {SHRUNK_COLUMNS_MIN, 1 << COLUMN_id | 1 << COLUMN_sum},
    };
    measure(table, layout);
    for (size_t i = 0; table->width > 0 && i < sizeof(ways) / sizeof(ways[0]); i++)
        if (fit(table, layout, ways[i].least, ways[i].below))
            return;
}

static void write_cell(const struct table *table, size_t row, int column, size_t width,
                       bool is_last) {
    const char *whole = cell_text(table, row, column);
    size_t size = strlen(whole) + 8;
    char *text = mem_new(size);
    text_fit(whole, width, text, size);
    int pad = (int)(width - text_columns(text));
    bool is_right = table->columns[column].kind == COLUMN_number;
    out_printf("%*s", is_right ? pad : 0, "");
    out_toned((enum tone)table->tones[cell_index(table, row, column)], text);
    out_printf("%*s", is_right || is_last ? 0 : pad, "");
    mem_free(text);
}

// The last column of a line that has something in this row; -1: none has.
static int last_of(const struct table *table, const struct layout *layout, size_t row, int line) {
    int last = -1;
    for (int i = 0; i < table->column_count; i++)
        if (layout->lines[i] == line && *cell_text(table, row, i))
            last = i;
    return last;
}

static void write_row(const struct table *table, size_t row, const struct layout *layout) {
    int lines = 0;
    for (int i = 0; i < table->column_count; i++)
        lines = layout->lines[i] > lines ? layout->lines[i] : lines;
    for (int line = 0; line <= lines; line++) {
        int last = last_of(table, layout, row, line);
        bool is_first = true;
        for (int i = 0; i <= last; i++) {
            if (layout->lines[i] != line)
                continue;
            out_printf("%*s", is_first ? (int)indent_of(line) : BETWEEN, "");
            write_cell(table, row, i, layout->widths[i], i == last);
            is_first = false;
        }
        if (last >= 0 || line == 0)
            out_text("\n");
    }
}

void table_end(struct table *table) {
    struct layout layout;
    lay_out(table, &layout);
    for (size_t row = 0; row < table->rows && table->rows > 1; row++)
        write_row(table, row, &layout);
    for (size_t row = 0; row < table->rows; row++)
        for (int i = 0; i < table->column_count; i++)
            mem_free(*cell_at(table, row, i));
    mem_free(table->cells);
    mem_free(table->tones);
    table->cells = NULL;
    table->tones = NULL;
}
