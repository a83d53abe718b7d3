// Any text as a JSONPath over any document: a path that is taken says itself again, finds only
// nodes of the document and the same ones each time, also where plain steps are searched as any
// other path; and the places that are written for a node lead back to that node alone. The input
// is the path, a line feed, and the document.

#include "common/jsonpath_form.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHECKED_MAX = 16, WORK_MAX = 1000000 };

struct visits {
    uint32_t count;
    uint32_t last;
    uint64_t sum; // of the nodes, in their order
};

static bool visit(void *context, const struct json_scan *scan, uint32_t node) {
    struct visits *visits = context;
    assert(node < scan->count);
    visits->last = node;
    visits->count++;
    visits->sum = visits->sum * 31 + node;
    return true;
}

static bool visit_first(void *context, const struct json_scan *scan, uint32_t node) {
    (void)visit(context, scan, node);
    return false;
}

typedef void write_place(const struct json_scan *scan, uint32_t node, struct buf *out);

// The place of a node, as a path, finds that node and no other. Names that a path cannot hold
// (too long, or odd) have no such place.
static void check_place(const struct json_scan *scan, uint32_t node, write_place *write) {
    struct buf place;
    struct jsonpath *path = NULL;
    struct visits visits = {0};
    buf_init(&place, JSONPATH_TEXT_MAX);
    write(scan, node, &place);
    if (place.size > 0 && jsonpath_new(buf_bytes(&place), &path, NULL, 0) == ERR_OK) {
        uint32_t count = jsonpath_each(path, scan, visit, &visits);
        assert(scan->nodes[0].is_odd || (count == 1 && visits.last == node));
        (void)count;
    } else {
        assert(place.size == 0 || scan->nodes[0].is_odd || place.size > JSONPATH_TEXT_MAX);
    }
    jsonpath_free(path);
    buf_release(&place);
}

static void check_path(const struct jsonpath *path, struct bytes text,
                       const struct json_scan *scan) {
    struct visits all = {0}, again = {0}, first = {0};
    uint32_t count = 0;
    assert(bytes_is(text, jsonpath_text(path)) || memchr(text.at, 0, text.size));
    if (path->is_plain && path->step_count == 0)
        return;
    enum err e = find_all(path, scan, WORK_MAX, visit, &all, &count);
    assert(e == ERR_OK || e == ERR_TOO_BIG);
    assert(count == all.count);
    if (path->is_plain)
        (void)jsonpath_each(path, scan, visit, &again);
    else
        (void)find_all(path, scan, WORK_MAX, visit, &again, &count);
    assert(e == ERR_TOO_BIG || all.sum == again.sum);
    (void)find_all(path, scan, WORK_MAX, visit_first, &first, &count);
    assert(first.count == (all.count > 0));
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
        for (uint32_t node = 0; node < scan.count && node < CHECKED_MAX; node++) {
            check_place(&scan, node, jsonpath_of);
            check_place(&scan, node, jsonpath_normalized);
        }
    }
    jsonpath_free(path);
    json_scan_release(&scan);
    return 0;
}
