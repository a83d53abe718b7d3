// An identifier that the user wants to be read from every answer of a provider, as the settings
// have it: providers: NAME: extract: {my_trace_id: "$.meta.trace", my_id: "header:x-my-id"}.
// Pure but for the compiling of paths.
#ifndef COMMON_EXTRACT_RULE_H
#define COMMON_EXTRACT_RULE_H

#include <stdbool.h>
#include <stddef.h>

enum { EXTRACT_HEADER_BYTES_MAX = 127 }; // a header's name in such a rule

struct extract_rule {
    const char *provider;
    const char *kind;   // my_trace_id
    const char *where;  // a path into the body, or "header:" with a header's name
    const char *origin; // "FILE:LINE", for what is said of it
};

// False: why says what is wrong with the kind or the place, and what to write.
bool extract_rule_check(const struct extract_rule *rule, char *why, size_t why_size);
// Whether a kind is lower-case words with _ between them, of at most IDENTIFIER_KIND_BYTES_MAX.
bool extract_kind_is_valid(const char *kind);
// The header that a rule reads; NULL: it has a path.
const char *extract_rule_header(const struct extract_rule *rule);

#endif
