#include "common/extract_rule.h"

#include "common/jsonpath.h"
#include "common/limits.h"

#include <stdio.h>
#include <string.h>

static const char lower[] = "abcdefghijklmnopqrstuvwxyz";

bool extract_kind_is_valid(const char *kind) {
    size_t size = strlen(kind);
    if (size == 0 || size > IDENTIFIER_KIND_BYTES_MAX || !strchr(lower, kind[0]) ||
        kind[size - 1] == '_' || strstr(kind, "__"))
        return false;
    return strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789_") == size;
}

const char *extract_rule_header(const struct extract_rule *rule) {
    return strncmp(rule->where, "header:", 7) == 0 ? rule->where + 7 : NULL;
}

bool extract_rule_check(const struct extract_rule *rule, char *why, size_t why_size) {
    const char *header = extract_rule_header(rule);
    if (!extract_kind_is_valid(rule->kind)) {
        (void)snprintf(why, why_size,
                       "this is no name for an identifier: write lower-case words with _ between "
                       "them, at most %d bytes, as my_trace_id",
                       IDENTIFIER_KIND_BYTES_MAX);
        return false;
    }
    if (header) {
        bool is_good = *header && strlen(header) <= EXTRACT_HEADER_BYTES_MAX &&
                       strspn(header, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789-_") == strlen(header);
        (void)snprintf(why, why_size,
                       "this is no header: write header: and its name, as "
                       "header:x-trace-id, at most %d bytes",
                       EXTRACT_HEADER_BYTES_MAX);
        return is_good;
    }
    char error[256];
    struct jsonpath *path = NULL;
    enum err e = jsonpath_new(bytes_text(rule->where), &path, error, sizeof(error));
    jsonpath_free(path);
    if (e != ERR_OK)
        (void)snprintf(why, why_size,
                       "%s: write a JSONPath, as $.meta.trace (try it: colloq jsonpath), or "
                       "header:NAME",
                       error);
    return e == ERR_OK;
}
