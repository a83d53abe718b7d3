// Any document under paths that use every rule: each finds only nodes of the document, ends within
// its work, and what one rule says agrees with what others say of the same nodes.

#include "common/jsonpath_form.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORK_MAX = 300000 };

static bool visit(void *context, const struct json_scan *scan, uint32_t node) {
    assert(node < scan->count);
    ++*(uint64_t *)context;
    return true;
}

// The number of matches; -1 where the work did not suffice.
static int64_t count(const struct json_scan *scan, const char *text) {
    struct jsonpath *path = NULL;
    uint64_t visits = 0;
    uint32_t told = 0;
    enum err e = jsonpath_new(bytes_text(text), &path, NULL, 0);
    assert(e == ERR_OK);
    e = find_all(path, scan, WORK_MAX, visit, &visits, &told);
    assert(told == visits);
    jsonpath_free(path);
    return e == ERR_OK ? (int64_t)visits : -1;
}

// Two paths that find as many nodes in any document.
static const struct {
    const char *one;
    const char *other;
} alike[] = {
    {"$..*", "$..[?@||!@]"},
    {"$..[?@==@]", "$..*"},
    {"$..[::-1]", "$..[:]"},
    {"$..[::-3]", "$..[::3]"},
    {"$..[?@==1]", "$..[?1<=@&&@<=1]"},
    {"$..[?@<'m'||@>='m']", "$..[?match(@,'(.|\\n|\\r)*')]"},
    {"$..[?length(@)>=0]", "$..[?length(@)>-1]"},
    {"$..[?count(@.*)==length(@)]", "$..[?!(count(@.*)!=length(@))]"},
    {"$..[?value(@.*)]", NULL}, // refused: a value is no test
    {"$..[?@<$[0]]", "$..[?$[0]>@]"},
    {"$..[?@!=$..x&&1==1]", NULL}, // refused: several nodes
    {"$..[?@==$[0]]", "$..[?!(@!=$[0])]"},
    {"$..[?search(@,'a+b|[^c]')]", "$..[?match(@,'(.|\\n|\\r)*(a+b|[^c])(.|\\n|\\r)*')]"},
    {"$..[?search(@,$[0])]", "$..[?search(@,value($[0]))]"},
    {"$..[?@[?@.a>@.b]]", "$..[?count(@[?@.b<@.a])>0]"},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct json_scan scan;
    json_scan_init(&scan);
    if (json_scan(&scan, bytes_of(data, size), NULL) == ERR_OK)
        for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
            if (!alike[i].other) {
                struct jsonpath *path = NULL;
                assert(jsonpath_new(bytes_text(alike[i].one), &path, NULL, 0) != ERR_OK);
                continue;
            }
            int64_t one = count(&scan, alike[i].one), other = count(&scan, alike[i].other);
            assert(one < 0 || other < 0 || one == other);
        }
    json_scan_release(&scan);
    return 0;
}
