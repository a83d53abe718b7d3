#include "tests/unit/extractor/recorded.h"

#include "common/mem.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { FILE_BYTES_MAX = 16 << 20 };

char *recorded_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *text = mem_new(FILE_BYTES_MAX);
    *size = fread(text, 1, FILE_BYTES_MAX - 1, file);
    (void)fclose(file);
    return text;
}

static void put_header(struct recording *recording, struct bytes name, uint32_t value) {
    struct buf text;
    buf_init(&text, 1 << 16);
    struct bytes words = json_text(&recording->scan, value, &text);
    buf_printf(&recording->headers, "%.*s: %.*s\r\n", (int)name.size, (const char *)name.at,
               (int)words.size, (const char *)words.at);
    buf_release(&text);
}

static void put_headers(struct recording *recording, uint32_t headers) {
    const struct json_scan *scan = &recording->scan;
    for (uint32_t i = headers + 1; i < scan->nodes[headers].end; i = scan->nodes[i].end) {
        struct bytes name =
            bytes_of(scan->text.at + scan->nodes[i].name_at, scan->nodes[i].name_size);
        if (scan->nodes[i].shape == JSON_SHAPE_array)
            for (uint32_t k = i + 1; k < scan->nodes[i].end; k = scan->nodes[k].end)
                put_header(recording, name, k);
        else
            put_header(recording, name, i);
    }
}

bool recording_open(struct recording *recording, const char *name) {
    char path[512];
    size_t size = 0;
    memset(recording, 0, sizeof(*recording));
    (void)snprintf(recording->name, sizeof(recording->name), "%s", name);
    (void)snprintf(path, sizeof(path), "%s/fixtures/%s", SHARED_FOLDER, name);
    recording->file = recorded_file(path, &size);
    if (!recording->file)
        return false;
    buf_init(&recording->headers, 1 << 20);
    const struct json_scan *scan = &recording->scan;
    ck_assert_int_eq(json_scan(&recording->scan, bytes_of(recording->file, size), NULL), ERR_OK);
    uint32_t response = json_find(scan, 0, "response");
    int64_t status = 0;
    ck_assert(json_count(scan, json_find(scan, response, "status"), &status));
    recording->status = (unsigned)status;
    recording->is_stream =
        scan->nodes[json_find(scan, response, "stream")].shape == JSON_SHAPE_true;
    uint32_t headers = json_find(scan, response, "headers");
    if (headers != 0 && scan->nodes[headers].shape == JSON_SHAPE_object)
        put_headers(recording, headers);
    uint32_t body = json_find(scan, response, "body");
    if (body != 0)
        recording->body = json_raw(scan, body);
    return true;
}

void recording_release(struct recording *recording) {
    json_scan_release(&recording->scan);
    buf_release(&recording->headers);
    mem_free(recording->file);
}

struct bytes recording_stream(const struct recording *recording, struct buf *stream) {
    const struct json_scan *scan = &recording->scan;
    uint32_t body = json_find(scan, json_find(scan, 0, "response"), "body");
    buf_reset(stream);
    return scan->nodes[body].shape == JSON_SHAPE_text ? json_text(scan, body, stream)
                                                      : recording->body;
}
