// Any text as a JSONPath over any document: a path that is taken says itself again, finds only
// nodes of the document, and the place that is written for a node leads back to that node alone.
// The input is the path, a line feed, and the document.

#include "common/jsonpath.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHECKED_MAX = 16 };

struct visits {
    uint32_t count;
    uint32_t last;
};

static bool visit(void *context, const struct json_scan *scan, uint32_t node) {
    struct visits *visits = context;
    assert(node < scan->count);
    assert(visits->count == 0 || node > visits->last); // in the order of the document
    visits->last = node;
    visits->count++;
    return true;
}

// The place of a node, as a path, finds that node and no other. Names that a path cannot hold
// (too long, or odd) have no such place.
static void check_place(const struct json_scan *scan, uint32_t node) {
    struct buf place;
    struct jsonpath *path = NULL;
    struct visits visits = {0, 0};
    buf_init(&place, JSONPATH_TEXT_MAX);
    jsonpath_of(scan, node, &place);
    if (place.size > 0 && jsonpath_new(buf_bytes(&place), &path, NULL, 0) == ERR_OK) {
        uint32_t count = jsonpath_each(path, scan, visit, &visits);
        assert(scan->nodes[0].is_odd || (count == 1 && visits.last == node));
        (void)count;
    }
    jsonpath_free(path);
    buf_release(&place);
}

static void check_path(const struct jsonpath *path, struct bytes text,
                       const struct json_scan *scan) {
    struct visits visits = {0, 0};
    uint32_t first = 0;
    assert(bytes_is(text, jsonpath_text(path)));
    uint32_t count = jsonpath_each(path, scan, visit, &visits);
    bool has_first = jsonpath_first(path, scan, &first);
    assert(count == visits.count && has_first == (count > 0));
    (void)count;
    (void)has_first;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    struct bytes text = bytes_of(data, end ? (size_t)(end - data) : size);
    struct bytes document = end ? bytes_of(end + 1, size - text.size - 1) : bytes_text("{}");
    struct jsonpath *path = NULL;
    struct json_scan scan;
    char error[256] = "";
    json_scan_init(&scan);
    enum err e = jsonpath_new(text, &path, error, sizeof(error));
    assert(e == ERR_OK || (e == ERR_MALFORMED && error[0] != 0));
    if (json_scan(&scan, document, NULL) == ERR_OK) {
        if (e == ERR_OK)
            check_path(path, text, &scan);
        for (uint32_t node = 0; node < scan.count && node < CHECKED_MAX; node++)
            check_place(&scan, node);
    }
    jsonpath_free(path);
    json_scan_release(&scan);
    return 0;
}
