// What a path selects in a document: for whoever writes one into the settings or a catalogue.
#include "common/jsonpath.h"
#include "common/limits.h"
#include "common/mem.h"
#include "tools/commands.h"
#include "tools/render.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { ERROR_SIZE = 256, EXPRESSION_SHOWN = 200 };

// What is found is written when all is: a list that breaks off would be taken for one.
struct printing {
    bool writes_paths;
    struct buf text;
};

static struct jsonpath *compile(const char *expression) {
    struct jsonpath *path = NULL;
    char error[ERROR_SIZE];
    if (jsonpath_new(bytes_text(expression), &path, error, sizeof(error)) != ERR_OK)
        fail(EX_DATAERR, "%.*s: %s", EXPRESSION_SHOWN, expression, error);
    return path;
}

// The whole file; the memory is the caller's. Ends the process with EX_NOINPUT, or with EX_DATAERR
// where it is longer than a document may be.
static struct bytes read_document(const char *name, const char *shown) {
    bool is_stdin = strcmp(name, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(name, "rbe");
    if (!file)
        fail(EX_NOINPUT, "%s: cannot be read: %s", shown, strerror(errno));
    uint8_t *text = mem_new(FRAME_BYTES_MAX + 1);
    size_t size = fread(text, 1, FRAME_BYTES_MAX + 1, file);
    if (ferror(file))
        fail(EX_NOINPUT, "%s: cannot be read: %s", shown, strerror(errno));
    if (!is_stdin)
        (void)fclose(file);
    if (size > FRAME_BYTES_MAX)
        fail(EX_DATAERR, "%s: longer than %d bytes; choose a part of it", shown, FRAME_BYTES_MAX);
    return bytes_of(text, size);
}

static _Noreturn void refuse_document(struct bytes text, size_t at, enum err e, const char *shown) {
    size_t line = 1, begin = 0;
    for (size_t i = 0; i < at && i < text.size; i++)
        if (text.at[i] == '\n') {
            line++;
            begin = i + 1;
        }
    if (e == ERR_TOO_BIG)
        fail(EX_DATAERR, "%s: line %zu, byte %zu: nested more than %d times", shown, line,
             at - begin + 1, JSON_DEPTH_MAX);
    fail(EX_DATAERR, "%s: line %zu, byte %zu: %s", shown, line, at - begin + 1,
         at >= text.size ? "the JSON document is not whole" : "not JSON");
}

static bool print(void *context, const struct json_scan *scan, uint32_t node) {
    struct printing *printing = context;
    struct buf *text = &printing->text;
    buf_byte(text, text->size ? ',' : '[');
    if (printing->writes_paths) {
        struct buf place;
        buf_init(&place, 6 * FRAME_BYTES_MAX);
        jsonpath_normalized(scan, node, &place);
        json_put_text(text, buf_bytes(&place));
        buf_release(&place);
    } else {
        json_put_node(text, scan, node);
    }
    return buf_state(text) == ERR_OK;
}

int jsonpath_print(struct call *call) {
    struct jsonpath *path = compile(call->operands[0]);
    const char *name = call->operand_count > 1 ? call->operands[1] : "-";
    const char *shown = strcmp(name, "-") == 0 ? "stdin" : name;
    struct bytes text = read_document(name, shown);
    struct json_scan scan;
    size_t error_at = 0;
    json_scan_init(&scan);
    enum err e = json_scan(&scan, text, &error_at);
    if (e != ERR_OK)
        refuse_document(text, error_at, e, shown);
    struct printing printing = {.writes_paths = call_has(call, "paths")};
    buf_init(&printing.text, 16 * FRAME_BYTES_MAX);
    e = jsonpath_all(path, &scan, print, &printing, NULL);
    if (e != ERR_OK)
        fail(EX_DATAERR, "%s: given up: this path takes too many steps in this document", shown);
    if (buf_state(&printing.text) != ERR_OK)
        fail(EX_DATAERR, "%s: more is found than is written; choose less of it", shown);
    out_text(printing.text.size ? "" : "[");
    out_bytes(buf_bytes(&printing.text));
    out_text("]\n");
    buf_release(&printing.text);
    json_scan_release(&scan);
    jsonpath_free(path);
    mem_free((void *)(uintptr_t)text.at);
    return 0;
}
