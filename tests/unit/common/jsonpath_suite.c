// Runs the JSONPath Compliance Test Suite, which is not ours and not here: its cts.json is the
// first argument, else COLLOQ_JSONPATH_SUITE, else ../shared/jsonpath/cts.json beside the sources.
// Without it one test is reported as skipped. Prints "N passed, N failed, N skipped".
#include "common/jsonpath_form.h"
#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { EXIT_SKIPPED = 77, ERROR_SIZE = 256 };

struct answer {
    struct buf nodes; // "[1,2]"
    struct buf paths; // "[\"$[0]\"]"
};

struct suite {
    struct json_scan scan;
    int passed;
    int failed;
};

static bool put_answer(void *context, const struct json_scan *scan, uint32_t node) {
    struct answer *answer = context;
    struct buf path;
    bool is_first = buf_bytes(&answer->nodes).size == 1;
    buf_init(&path, 1 << 16);
    jsonpath_normalized(scan, node, &path);
    buf_text(&answer->nodes, is_first ? "" : ",");
    buf_text(&answer->paths, is_first ? "" : ",");
    json_put_node(&answer->nodes, scan, node);
    json_put_text(&answer->paths, buf_bytes(&path));
    buf_release(&path);
    return true;
}

static void fail(struct suite *suite, uint32_t test, const char *why) {
    struct bytes raw = json_raw(&suite->scan, test);
    suite->failed++;
    printf("FAILED: %s: %.*s\n", why, (int)raw.size, (const char *)raw.at);
}

// Whether what was found is the expected value, or one of several expected ones.
static bool is_expected(const struct suite *suite, uint32_t test, const char *one,
                        const char *several, struct bytes found) {
    const struct json_scan *scan = &suite->scan;
    uint32_t expected = json_find(scan, test, one), list = json_find(scan, test, several);
    uint32_t at = expected ? expected : list + 1;
    uint32_t end = expected ? expected + 1 : scan->nodes[list].end;
    bool is_same = !expected && !list;
    for (; (expected || list) && at < end && !is_same; at = scan->nodes[at].end) {
        struct buf text;
        buf_init(&text, FRAME_BYTES_MAX);
        json_put_node(&text, scan, at);
        is_same = bytes_equal(buf_bytes(&text), found);
        buf_release(&text);
    }
    return is_same;
}

static void evaluate(struct suite *suite, uint32_t test, const struct jsonpath *path) {
    struct json_scan document;
    struct answer answer;
    json_scan_init(&document);
    buf_init(&answer.nodes, FRAME_BYTES_MAX);
    buf_init(&answer.paths, FRAME_BYTES_MAX);
    buf_text(&answer.nodes, "[");
    buf_text(&answer.paths, "[");
    uint32_t node = json_find(&suite->scan, test, "document");
    enum err e = json_scan(&document, json_raw(&suite->scan, node), NULL);
    if (e == ERR_OK)
        e = jsonpath_all(path, &document, put_answer, &answer, NULL);
    buf_text(&answer.nodes, "]");
    buf_text(&answer.paths, "]");
    if (e != ERR_OK)
        fail(suite, test, err_text(e));
    else if (!is_expected(suite, test, "result", "results", buf_bytes(&answer.nodes)))
        fail(suite, test, buf_cstr(&answer.nodes));
    else if (!is_expected(suite, test, "result_paths", "results_paths", buf_bytes(&answer.paths)))
        fail(suite, test, buf_cstr(&answer.paths));
    else
        suite->passed++;
    buf_release(&answer.nodes);
    buf_release(&answer.paths);
    json_scan_release(&document);
}

// The expression of a test; what is odd in it, as a NUL is, has to stay so.
static struct bytes selector(const struct json_scan *scan, uint32_t test, struct buf *out) {
    struct bytes raw = json_raw(scan, json_find(scan, test, "selector"));
    const uint8_t *at = raw.at + 1, *end = raw.at + raw.size - 1;
    uint8_t part[4];
    for (size_t size; (size = word_bytes(&at, end, part)) > 0;)
        buf_put(out, part, size);
    return buf_bytes(out);
}

static void run(struct suite *suite, uint32_t test) {
    struct buf scratch;
    struct jsonpath *path = NULL;
    char error[ERROR_SIZE] = "";
    buf_init(&scratch, 1 << 16);
    bool is_invalid = json_find(&suite->scan, test, "invalid_selector") != 0;
    struct bytes text = selector(&suite->scan, test, &scratch);
    enum err e = jsonpath_new(text, &path, error, sizeof(error));
    if (is_invalid && e == ERR_MALFORMED && error[0])
        suite->passed++;
    else if (is_invalid || e != ERR_OK)
        fail(suite, test, is_invalid ? "it is taken" : error);
    else
        evaluate(suite, test, path);
    jsonpath_free(path);
    buf_release(&scratch);
}

static FILE *open_suite(int argc, char **argv) {
    const char *named = argc > 1 ? argv[1] : getenv("COLLOQ_JSONPATH_SUITE");
    FILE *file = fopen(named ? named : SUITE_FILE, "re");
    if (!file)
        printf("skipped: the JSONPath Compliance Test Suite is not at %s\n"
               "0 passed, 0 failed, 1 skipped\n",
               named ? named : SUITE_FILE);
    return file;
}

int main(int argc, char **argv) {
    struct suite suite = {.passed = 0};
    FILE *file = open_suite(argc, argv);
    if (!file)
        return EXIT_SKIPPED;
    uint8_t *text = mem_new(FRAME_BYTES_MAX);
    size_t size = fread(text, 1, FRAME_BYTES_MAX, file);
    (void)fclose(file);
    json_scan_init(&suite.scan);
    uint32_t tests = 0;
    if (json_scan(&suite.scan, bytes_of(text, size), NULL) == ERR_OK)
        tests = json_find(&suite.scan, 0, "tests");
    if (tests == 0)
        printf("this is no suite\n");
    for (uint32_t i = tests + 1; tests && i < suite.scan.nodes[tests].end;
         i = suite.scan.nodes[i].end)
        run(&suite, i);
    json_scan_release(&suite.scan);
    mem_free(text);
    printf("%d passed, %d failed, 0 skipped\n", suite.passed, suite.failed);
    return suite.failed == 0 && suite.passed > 0 ? 0 : 1;
}
