#include "tests/provider-sim/directive.h"

#include "tests/provider-sim/limits.h"

#include <string.h>

static struct span take_name(struct span *rest) {
    struct span name = {rest->at, 0};
    while (rest->size > 0 && ((*rest->at >= 'a' && *rest->at <= 'z') || *rest->at == '_' ||
                              (*rest->at >= '0' && *rest->at <= '9')))
        rest->at++, rest->size--, name.size++;
    return name;
}

// The number that the digits of a name make, at most max.
static uint32_t number_in(struct span name, uint32_t max) {
    uint64_t number = 0;
    for (size_t i = 0; i < name.size && number < max; i++)
        if (name.at[i] >= '0' && name.at[i] <= '9')
            number = number * 10 + (uint64_t)(name.at[i] - '0');
    return number < max ? (uint32_t)number : max;
}

struct directive directive_in(struct span said, uint32_t occurrence) {
    static const char mark[] = "@sim:";
    struct directive directive = {0};
    const char *at = said.size > 0 ? memmem(said.at, said.size, mark, 5) : NULL;
    if (at == NULL)
        return directive;
    struct span rest = {at + 5, said.size - (size_t)(at + 5 - said.at)};
    struct span name = take_name(&rest);
    if (rest.size > 1 && rest.at[0] == '*') {
        rest.at++, rest.size--;
        if (occurrence >= number_in(take_name(&rest), RATE_WHOLE))
            return directive;
    }
    directive.fault = fault_named(name);
    directive.has_fault = directive.fault != FAULTS && directive.fault != FAULT_REFUSED;
    directive.has_delay = span_begins(name, "delay_");
    directive.delay_ms = number_in(name, RATE_WHOLE);
    directive.body_bytes = span_begins(name, "body_") ? number_in(name, BODY_BYTES_MAX) : 0;
    directive.head_bytes = span_begins(name, "head_") ? number_in(name, BODY_BYTES_MAX) : 0;
    directive.wish.has_unknown_model = span_is(name, "unknown_model");
    directive.has_pace = span_begins(name, "pace_");
    directive.pace_ms = number_in(name, RATE_WHOLE);
    directive.wish.is_cut_short = span_is(name, "length");
    directive.wish.is_refused = span_is(name, "refusal");
    directive.wish.is_text = span_is(name, "text");
    directive.wish.is_double = span_is(name, "tools");
    return directive;
}

void pad_body(struct text *body, uint32_t size) {
    static const char begin[] = ",\"padding\":\"", end[] = "\"}";
    while (body->size > 0 && body->at[body->size - 1] != '}')
        body->size--;
    size_t least = body->size - 1 + sizeof(begin) - 1 + sizeof(end) - 1;
    if (size < least)
        return;
    body->size--;
    text_add(body, begin);
    memset(text_room(body, size - least), 'p', size - least);
    body->size += size - least;
    text_add(body, end);
}

void pad_head(struct text *headers, uint32_t size) {
    static const char begin[] = "x-padding: ", end[] = "\r\n";
    enum { LINE_MAX_BYTES = 4096, LINE_MIN_BYTES = sizeof(begin) + sizeof(end) };
    while (size >= LINE_MIN_BYTES) {
        uint32_t line = size < LINE_MAX_BYTES ? size : LINE_MAX_BYTES;
        uint32_t filler = line - (uint32_t)(sizeof(begin) - 1 + sizeof(end) - 1);
        text_add(headers, begin);
        memset(text_room(headers, filler), 'p', filler);
        headers->size += filler;
        text_add(headers, end);
        size -= line;
    }
}
