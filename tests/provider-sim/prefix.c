#include "tests/provider-sim/prefix.h"

#include "tests/provider-sim/scan.h"

#include <string.h>

// FNV-1a, goes on from where it was; a NUL ends each part.
static uint64_t hash_on(uint64_t hash, struct span part) {
    for (size_t i = 0; i < part.size; i++)
        hash = (hash ^ (unsigned char)part.at[i]) * 0x100000001b3ull;
    return hash * 0x100000001b3ull;
}

static uint64_t hash_begin(const struct asked *asked, enum vendor vendor) {
    return hash_on(0xcbf29ce484222325ull + (uint64_t)vendor, asked->model);
}

static void put_mark(struct text *marks, struct mark mark, int64_t input) {
    mark.tokens = mark.tokens < input ? mark.tokens : input;
    text_put(marks, &mark, sizeof(mark));
}

// ---- the blocks of the Messages API -------------------------------------------------------------

enum level { LEVEL_TOOLS, LEVEL_SYSTEM, LEVEL_MESSAGES };

struct block {
    enum level level;
    uint64_t messages;     // that have begun
    struct span role, raw; // of its message, and the block: an object, or a string that is a text
};

typedef void visitor(void *context, const struct block *block);

static void walk_list(struct span list, struct block block, visitor *visit, void *context) {
    struct scan scan = scan_new(list);
    bool is_first = true;
    if (list.size > 0 && scan_peek(&scan) != SCAN_ARRAY) {
        block.raw = list;
        visit(context, &block);
    }
    if (list.size == 0 || scan_peek(&scan) != SCAN_ARRAY)
        return;
    scan_enter(&scan, '[');
    while (scan_item(&scan, &is_first) && scan_value(&scan, &block.raw))
        visit(context, &block);
}

static void walk(const struct asked *asked, visitor *visit, void *context) {
    struct block block = {.role = {"", 0}, .raw = {"", 0}};
    walk_list(asked->tools, block, visit, context);
    block.level = LEVEL_SYSTEM;
    walk_list(asked->system, block, visit, context);
    block.level = LEVEL_MESSAGES;
    struct scan scan = scan_new(asked->turns);
    struct span message;
    bool is_first = true;
    if (asked->turns.size == 0 || !scan_enter(&scan, '['))
        return;
    while (scan_item(&scan, &is_first) && scan_value(&scan, &message)) {
        block.messages++;
        block.role = scan_find(message, "role");
        walk_list(scan_find(message, "content"), block, visit, context);
    }
}

static enum keep keep_of(struct span control) {
    if (control.size == 0 || span_is(control, "null"))
        return KEEP_NOT;
    return span_is(scan_find(control, "ttl"), "\"1h\"") ? KEEP_HOUR : KEEP_SHORT;
}

static void add_keep(struct keeps *keeps, enum keep keep) {
    if (keep == KEEP_NOT)
        return;
    bool had_short = keeps->count > 0 && !keeps->has_hour;
    keeps->is_disordered = keeps->is_disordered || (keep == KEEP_HOUR && had_short);
    keeps->has_hour = keeps->has_hour || keep == KEEP_HOUR;
    keeps->count++;
}

static void visit_keep(void *context, const struct block *block) {
    add_keep(context, keep_of(scan_find(block->raw, "cache_control")));
}

struct keeps prefix_keeps(const struct asked *asked) {
    struct keeps keeps = {0};
    walk(asked, visit_keep, &keeps);
    add_keep(&keeps, keep_of(asked->keep));
    return keeps;
}

struct marking {
    const struct asked *asked;
    int64_t input;
    uint64_t hash;
    uint64_t text_bytes; // of the messages so far
    struct text *scratch, *marks;
};

// Goes over what a block holds. Where it is to be kept is no part of it: that moves from turn to
// turn.
static void mark_members(struct marking *marking, struct span raw) {
    struct scan scan = scan_new(raw);
    struct span key, value;
    bool is_first = true;
    scan_enter(&scan, '{');
    while (scan_member(&scan, &is_first, &key) && scan_value(&scan, &value)) {
        if (span_is(key, "cache_control"))
            continue;
        marking->hash = hash_on(hash_on(marking->hash, key), value);
        struct scan text = scan_new(value);
        struct span said;
        if (span_is(key, "text") && scan_peek(&text) == SCAN_STRING && scan_string(&text, &said))
            scan_decode(said, marking->scratch);
    }
}

static void visit_mark(void *context, const struct block *block) {
    struct marking *marking = context;
    const struct asked *asked = marking->asked;
    struct scan scan = scan_new(block->raw);
    struct span said;
    const char level[] = {(char)('0' + block->level), '\0'};
    text_reset(marking->scratch);
    marking->hash = hash_on(hash_on(marking->hash, span_of(level)), block->role);
    if (scan_peek(&scan) == SCAN_STRING && scan_string(&scan, &said)) {
        marking->hash = hash_on(hash_on(marking->hash, span_of("type")), span_of("\"text\""));
        marking->hash = hash_on(hash_on(marking->hash, span_of("text")), block->raw);
        scan_decode(said, marking->scratch);
    } else {
        mark_members(marking, block->raw);
    }
    const char *end = block->raw.at + block->raw.size;
    uint64_t tools =
        block->level == LEVEL_TOOLS ? (uint64_t)(end - asked->tools.at) : asked->tools_bytes;
    uint64_t text = block->level == LEVEL_TOOLS    ? 0
                    : block->level == LEVEL_SYSTEM ? (uint64_t)(end - asked->system.at)
                                                   : asked->system.size;
    if (block->level == LEVEL_MESSAGES)
        text += marking->text_bytes += marking->scratch->size;
    struct mark mark = {.hash = marking->hash,
                        .tokens = prompt_tokens(block->messages, text, tools),
                        .keep = keep_of(scan_find(block->raw, "cache_control"))};
    put_mark(marking->marks, mark, marking->input);
}

// A request may name no block, only that all of it is to be kept.
static void keep_last(struct text *marks, enum keep keep) {
    struct mark last;
    if (keep == KEEP_NOT || marks->size == 0)
        return;
    char *at = marks->at + marks->size - sizeof(last);
    memcpy(&last, at, sizeof(last));
    last.keep = keep;
    memcpy(at, &last, sizeof(last));
}

// ---- the messages of all others -----------------------------------------------------------------

static void mark_messages(const struct asked *asked, uint64_t hash, int64_t input,
                          struct text *marks) {
    struct span rest = asked->transcript.text;
    uint64_t text_bytes = asked->system.size;
    hash = hash_on(hash_on(hash, asked->system), asked->tools);
    put_mark(marks, (struct mark){hash, prompt_tokens(0, text_bytes, asked->tools_bytes), KEEP_NOT},
             input);
    for (uint64_t messages = 1; rest.size > 0; messages++) {
        for (int part = 0; part < 2; part++) {
            const char *end = memchr(rest.at, '\0', rest.size);
            struct span said = {rest.at, end == NULL ? rest.size : (size_t)(end - rest.at)};
            size_t step = said.size + (end != NULL);
            hash = hash_on(hash, said);
            text_bytes += part == 1 ? said.size : 0;
            rest = (struct span){rest.at + step, rest.size - step};
        }
        int64_t tokens = prompt_tokens(messages, text_bytes, asked->tools_bytes);
        put_mark(marks, (struct mark){hash, tokens, KEEP_NOT}, input);
    }
}

size_t prefix_marks(const struct asked *asked, const struct api *api, int64_t input,
                    struct text *scratch, struct text *marks) {
    uint64_t hash = hash_begin(asked, api->vendor);
    if (api->dialect == DIALECT_MESSAGES) {
        struct marking marking = {
            .asked = asked, .input = input, .hash = hash, .scratch = scratch, .marks = marks};
        walk(asked, visit_mark, &marking);
        keep_last(marks, keep_of(asked->keep));
    } else {
        mark_messages(asked, hash, input, marks);
    }
    return marks->size / sizeof(struct mark);
}
