#include "workers/accountant/writer.h"

#include "common/id.h"
#include "common/json.h"

#include <ctype.h>
#include <inttypes.h>

enum { HEADERS_SHOWN_MAX = 256 };

static void comma(struct writer *writer) {
    if (writer->needs_comma)
        buf_byte(writer->out, ',');
    writer->needs_comma = true;
}

void writer_open(struct writer *writer, char bracket) {
    comma(writer);
    buf_byte(writer->out, (uint8_t)bracket);
    writer->needs_comma = false;
}

void writer_close(struct writer *writer, char bracket) {
    buf_byte(writer->out, (uint8_t)bracket);
    writer->needs_comma = true;
}

void writer_name(struct writer *writer, const char *name) {
    comma(writer);
    buf_byte(writer->out, '"');
    buf_text(writer->out, name);
    buf_text(writer->out, "\":");
    writer->needs_comma = false;
}

void writer_text(struct writer *writer, struct bytes text) {
    comma(writer);
    json_put_text(writer->out, text);
}

void writer_i64(struct writer *writer, int64_t number) {
    comma(writer);
    buf_printf(writer->out, "%" PRId64, number);
}

void writer_bool(struct writer *writer, bool is_true) {
    comma(writer);
    buf_text(writer->out, is_true ? "true" : "false");
}

void writer_null(struct writer *writer) {
    comma(writer);
    buf_text(writer->out, "null");
}

static bool is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

// Copies a well-formed value without the blanks between its tokens.
static void copy_compact(struct buf *out, struct bytes raw) {
    bool in_text = false;
    size_t from = 0;
    for (size_t i = 0; i < raw.size; i++) {
        uint8_t byte = raw.at[i];
        if (in_text && byte == '\\') {
            i++;
        } else if (byte == '"') {
            in_text = !in_text;
        } else if (!in_text && is_blank(byte)) {
            buf_put(out, raw.at + from, i - from);
            from = i + 1;
        }
    }
    buf_put(out, raw.at + from, raw.size - from);
}

void writer_json(struct writer *writer, struct bytes raw) {
    if (!json_is_complete(raw)) {
        writer_null(writer);
        return;
    }
    comma(writer);
    copy_compact(writer->out, raw);
}

void writer_json_or_text(struct writer *writer, struct bytes raw) {
    if (json_is_complete(raw))
        writer_json(writer, raw);
    else
        writer_text(writer, raw);
}

// ---- members ------------------------------------------------------------------------------------

void put_text(struct writer *writer, const char *name, struct bytes text) {
    writer_name(writer, name);
    if (text.size)
        writer_text(writer, text);
    else
        writer_null(writer);
}

void put_i64(struct writer *writer, const char *name, int64_t number) {
    writer_name(writer, name);
    writer_i64(writer, number);
}

void put_i64_if(struct writer *writer, const char *name, bool is_there, int64_t number) {
    writer_name(writer, name);
    if (is_there)
        writer_i64(writer, number);
    else
        writer_null(writer);
}

void put_bool(struct writer *writer, const char *name, bool is_true) {
    writer_name(writer, name);
    writer_bool(writer, is_true);
}

void put_null(struct writer *writer, const char *name) {
    writer_name(writer, name);
    writer_null(writer);
}

void put_json(struct writer *writer, const char *name, struct bytes raw) {
    writer_name(writer, name);
    writer_json(writer, raw);
}

void put_uuid_of(struct writer *writer, const char *name, sqlite3_stmt *row, int column) {
    char text[UUID_TEXT_SIZE];
    struct id id = db_id(row, column);
    uuid_text(id, text);
    put_text(writer, name, bytes_text(id_is_none(id) ? "" : text));
}

void put_call_of(struct writer *writer, const char *name, sqlite3_stmt *row, int column) {
    char text[ID_HEX_SIZE];
    struct id id = db_id(row, column);
    id_hex(id, text);
    put_text(writer, name, bytes_text(id_is_none(id) ? "" : text));
}

void put_text_of(struct writer *writer, const char *name, sqlite3_stmt *row, int column) {
    put_text(writer, name, db_bytes(row, column));
}

void put_i64_of(struct writer *writer, const char *name, sqlite3_stmt *row, int column) {
    writer_name(writer, name);
    if (sqlite3_column_type(row, column) == SQLITE_NULL)
        writer_null(writer);
    else
        writer_i64(writer, db_i64(row, column));
}

void put_json_of(struct writer *writer, const char *name, sqlite3_stmt *row, int column) {
    put_json(writer, name, db_bytes(row, column));
}

int put_i64s_of(struct writer *writer, const char *const *names, sqlite3_stmt *row, int column) {
    for (; *names; names++, column++)
        put_i64_of(writer, *names, row, column);
    return column;
}

// ---- headers ------------------------------------------------------------------------------------

struct header {
    struct bytes name, value;
};

static struct bytes trim(struct bytes text) {
    while (text.size && is_blank(text.at[0]))
        text = bytes_of(text.at + 1, text.size - 1);
    while (text.size && is_blank(text.at[text.size - 1]))
        text.size--;
    return text;
}

// Takes the next line that has a colon in it.
static bool next_header(struct bytes *rest, struct header *header) {
    while (rest->size > 0) {
        const uint8_t *end = memchr(rest->at, '\n', rest->size);
        size_t size = end ? (size_t)(end - rest->at) : rest->size;
        struct bytes line = bytes_of(rest->at, size);
        size_t taken = end ? size + 1 : size;
        *rest = bytes_of(rest->at + taken, rest->size - taken);
        const uint8_t *colon = line.size ? memchr(line.at, ':', line.size) : NULL;
        if (!colon)
            continue;
        size_t name_size = (size_t)(colon - line.at);
        header->name = trim(bytes_of(line.at, name_size));
        header->value = trim(bytes_of(colon + 1, line.size - name_size - 1));
        return true;
    }
    return false;
}

static bool same_name(struct bytes a, struct bytes b) {
    for (size_t i = 0; a.size == b.size && i < a.size; i++)
        if (tolower(a.at[i]) != tolower(b.at[i]))
            return false;
    return a.size == b.size;
}

static void put_header_name(struct writer *writer, struct bytes name) {
    char lower[256];
    size_t size = name.size < sizeof(lower) ? name.size : sizeof(lower);
    for (size_t i = 0; i < size; i++)
        lower[i] = (char)tolower(name.at[i]);
    comma(writer);
    json_put_text(writer->out, bytes_of(lower, size));
    buf_byte(writer->out, ':');
    writer->needs_comma = false;
}

// All values of the name of header i, which is the first of that name.
static void put_header(struct writer *writer, const struct header *headers, size_t count,
                       size_t i) {
    size_t same = 0;
    for (size_t k = i; k < count; k++)
        same += same_name(headers[k].name, headers[i].name);
    put_header_name(writer, headers[i].name);
    if (same > 1)
        writer_open(writer, '[');
    for (size_t k = i; k < count; k++)
        if (same_name(headers[k].name, headers[i].name))
            writer_text(writer, headers[k].value);
    if (same > 1)
        writer_close(writer, ']');
}

void writer_headers(struct writer *writer, struct bytes headers) {
    struct header all[HEADERS_SHOWN_MAX];
    size_t count = 0;
    while (count < HEADERS_SHOWN_MAX && next_header(&headers, &all[count]))
        count++;
    writer_open(writer, '{');
    for (size_t i = 0; i < count; i++) {
        size_t first = 0;
        while (first < i && !same_name(all[first].name, all[i].name))
            first++;
        if (first == i)
            put_header(writer, all, count, i);
    }
    writer_close(writer, '}');
}
