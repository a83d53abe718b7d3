// Any bytes as JSON: the scanner and the parser agree on what is a document, and what they hand
// out lies inside the text.

#include "common/json.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct bytes part, struct bytes in) {
    assert(part.size == 0 || (part.at >= in.at && part.at + part.size <= in.at + in.size));
}

static void check_nodes(const struct json_scan *scan) {
    struct buf scratch;
    buf_init(&scratch, FRAME_BYTES_MAX);
    for (uint32_t i = 0; i < scan->count; i++) {
        struct bytes raw = json_raw(scan, i);
        check_inside(raw, scan->text);
        assert(scan->nodes[i].end > i && scan->nodes[i].end <= scan->count);
        assert(json_is_complete(raw));
        int64_t count = 0;
        assert(!json_count(scan, i, &count) || count >= 0);
        buf_reset(&scratch);
        (void)json_text(scan, i, &scratch);
    }
    buf_release(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes in = bytes_of(data, size);
    struct bytes value = {0};
    struct json_scan scan;
    json_t *document = NULL;
    char error[256];
    if (json_member(in, "body", &value))
        check_inside(value, in);
    json_scan_init(&scan);
    bool is_scanned = json_scan(&scan, in, NULL) == ERR_OK;
    if (is_scanned)
        check_nodes(&scan);
    if (json_parse(in, &document, error, sizeof(error)) == ERR_OK) {
        assert(is_scanned && json_is_complete(in)); // the scanner refuses nothing that is strict
        json_decref(document);
    }
    json_scan_release(&scan);
    return 0;
}
