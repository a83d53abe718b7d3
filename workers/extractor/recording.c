#include "workers/extractor/recording.h"

#include "common/http.h"
#include "workers/extractor/headers.h"

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

void recording_init(struct recording *recording) {
    memset(recording, 0, sizeof(*recording));
    buf_init(&recording->text, RECORDING_BYTES_MAX);
    json_scan_init(&recording->scan);
    for (size_t i = 0; i < RECORDING_WORDS; i++)
        buf_init(&recording->words[i], RECORDING_BYTES_MAX);
    buf_init(&recording->body_text, RECORDING_BYTES_MAX);
    buf_init(&recording->headers, RECORDING_BYTES_MAX);
}

void recording_release(struct recording *recording) {
    buf_release(&recording->text);
    json_scan_release(&recording->scan);
    for (size_t i = 0; i < RECORDING_WORDS; i++)
        buf_release(&recording->words[i]);
    buf_release(&recording->body_text);
    buf_release(&recording->headers);
}

// ---- the file -----------------------------------------------------------------------------------

// Zero, or what the system has against it.
static int read_file(struct recording *recording, const char *file) {
    bool is_stdin = strcmp(file, "-") == 0;
    FILE *from = is_stdin ? stdin : fopen(file, "rbe");
    char part[16384];
    size_t got;
    if (!from)
        return errno;
    buf_reset(&recording->text);
    while ((got = fread(part, 1, sizeof(part), from)) > 0)
        buf_put(&recording->text, part, got);
    int problem = ferror(from) ? errno : 0;
    if (!is_stdin)
        (void)fclose(from);
    return problem;
}

// ---- what it says -------------------------------------------------------------------------------

// The member of a member; 0: it is absent, or null.
static uint32_t at(const struct json_scan *scan, uint32_t object, const char *name) {
    uint32_t node = json_find(scan, object, name);
    return node != 0 && scan->nodes[node].shape != JSON_SHAPE_null ? node : 0;
}

static bool is_shape(const struct json_scan *scan, uint32_t node, enum json_shape shape) {
    return node != 0 && scan->nodes[node].shape == shape;
}

static struct bytes text_at(struct recording *recording, uint32_t node, unsigned word) {
    buf_reset(&recording->words[word]);
    return is_shape(&recording->scan, node, JSON_SHAPE_text)
               ? json_text(&recording->scan, node, &recording->words[word])
               : bytes_of(NULL, 0);
}

// A line of its own for each value; a line's end within one would be another header.
static void put_header(struct recording *recording, struct bytes name, uint32_t node) {
    struct bytes value = text_at(recording, node, RECORDING_WORDS - 1);
    struct buf *out = &recording->headers;
    if (!is_shape(&recording->scan, node, JSON_SHAPE_text))
        return;
    buf_put(out, name.at, name.size);
    buf_text(out, ": ");
    for (size_t i = 0; i < value.size; i++)
        buf_byte(out, value.at[i] == '\r' || value.at[i] == '\n' ? ' ' : value.at[i]);
    buf_text(out, "\r\n");
}

static void read_headers(struct recording *recording, uint32_t headers) {
    const struct json_scan *scan = &recording->scan;
    buf_reset(&recording->headers);
    if (!is_shape(scan, headers, JSON_SHAPE_object))
        return;
    for (uint32_t i = headers + 1; i < scan->nodes[headers].end; i = scan->nodes[i].end) {
        struct bytes name =
            bytes_of(scan->text.at + scan->nodes[i].name_at, scan->nodes[i].name_size);
        if (!is_shape(scan, i, JSON_SHAPE_array))
            put_header(recording, name, i);
        else
            for (uint32_t k = i + 1; k < scan->nodes[i].end; k = scan->nodes[k].end)
                put_header(recording, name, k);
    }
}

static void read_date(struct recording *recording) {
    static struct header headers[HEADERS_MAX];
    size_t count = headers_split(buf_bytes(&recording->headers), headers);
    int64_t seconds;
    recording->at_ms = -1;
    for (size_t i = 0; i < count; i++)
        if (header_is(&headers[i], "date") && http_date(headers[i].value, &seconds))
            recording->at_ms = seconds * 1000;
}

static bool says_json(const struct recording *recording) {
    struct bytes block = buf_bytes(&recording->headers);
    return block.size > 0 && memmem(block.at, block.size, "application/json", 16);
}

// A text is the answer's bytes, but for one that was sent as JSON and is none: then the answer was
// that text in its quotes.
static void read_body(struct recording *recording, uint32_t body) {
    recording->body = bytes_text("");
    if (body == 0)
        return;
    recording->body = json_raw(&recording->scan, body);
    if (!is_shape(&recording->scan, body, JSON_SHAPE_text))
        return;
    buf_reset(&recording->body_text);
    struct bytes text = json_text(&recording->scan, body, &recording->body_text);
    if (recording->is_stream || !says_json(recording) || json_is_complete(text))
        recording->body = text;
}

static const char *read_members(struct recording *recording) {
    const struct json_scan *scan = &recording->scan;
    uint32_t request = at(scan, 0, "request"), response = at(scan, 0, "response");
    int64_t status;
    if (!is_shape(scan, response, JSON_SHAPE_object))
        return "it is no recorded exchange: it has no response";
    if (!json_count(scan, json_find(scan, response, "status"), &status) || status < 100 ||
        status > 599)
        return "it is no recorded exchange: response.status is no HTTP status";
    recording->status = (unsigned)status;
    recording->is_stream = is_shape(scan, json_find(scan, response, "stream"), JSON_SHAPE_true);
    recording->provider = text_at(recording, at(scan, 0, "provider"), 0);
    recording->flavor = text_at(recording, at(scan, 0, "flavor"), 1);
    uint32_t body = request != 0 ? at(scan, request, "body") : 0;
    recording->url = text_at(recording, request != 0 ? at(scan, request, "url") : 0, 2);
    recording->model = text_at(recording, body != 0 ? at(scan, body, "model") : 0, 3);
    read_headers(recording, at(scan, response, "headers"));
    read_date(recording);
    read_body(recording, at(scan, response, "body"));
    return NULL;
}

int recording_read(struct recording *recording, const char *file, char *error, size_t error_size) {
    size_t fault = 0;
    int problem = read_file(recording, file);
    if (problem != 0) {
        (void)snprintf(error, error_size, "cannot be read: %s", strerror(problem));
        return EX_NOINPUT;
    }
    if (buf_state(&recording->text) != ERR_OK) {
        (void)snprintf(error, error_size, "longer than %d bytes", RECORDING_BYTES_MAX);
        return EX_DATAERR;
    }
    if (json_scan(&recording->scan, buf_bytes(&recording->text), &fault) != ERR_OK) {
        (void)snprintf(error, error_size, "byte %zu: not a JSON document", fault + 1);
        return EX_DATAERR;
    }
    const char *what = read_members(recording);
    if (what)
        (void)snprintf(error, error_size, "%s", what);
    return what ? EX_DATAERR : EX_OK;
}
