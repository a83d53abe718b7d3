// Prints the tables of schemas/protocol.md from schemas/envelope.def and common/limits.h; the
// prose before them is written by hand. scripts/protocol puts the two together.
// With --dictionary it prints the protocol's words for the fuzzer of envelopes.

#include "common/wire.h"

#include <stdio.h>

static const char *const type_names[] = {
    [FIELD_u64] = "u64", [FIELD_i64] = "i64", [FIELD_flag] = "flag",     [FIELD_text] = "text",
    [FIELD_bin] = "bin", [FIELD_id] = "id",   [FIELD_digest] = "digest",
};
static const char *const need_names[] = {
    [NEED_optional] = "optional", [NEED_required] = "required", [NEED_must] = "`must`"};

#define LIMIT(name, doc) \
    { #name, name, doc }
static const struct {
    const char *name;
    unsigned long long value;
    const char *doc;
} limits[] = {
    LIMIT(PROTOCOL_VERSION, "the value of `v`"),
    LIMIT(HEADER_BYTES_MAX, "bytes of a header"),
    LIMIT(FRAME_BYTES_MAX, "bytes of any frame; the sender keeps to it, since a longer one cuts "
                           "the connection without a word"),
    LIMIT(ITEMS_MAX, "items of a message"),
    LIMIT(WIRE_DEPTH_MAX, "nesting of maps and arrays, the header's own map included"),
    LIMIT(WIRE_NODES_MAX, "values in a header"),
    LIMIT(HELD_MAX, "call ids that a heartbeat names"),
    LIMIT(LINE_BYTES_MAX, "bytes of a job's line"),
    LIMIT(CONTEXT_BYTES_MAX, "bytes of a prepared turn"),
    LIMIT(ANSWER_BYTES_MAX, "bytes of an answer's body"),
    LIMIT(ANSWER_HEADERS_BYTES_MAX, "bytes of an answer's headers"),
    LIMIT(FACTS_BYTES_MAX, "bytes of a message of kind `facts`, which travels in a frame"),
    LIMIT(IDENTIFIERS_MAX, "items of a message of kind `facts`"),
    LIMIT(CATALOGUE_BYTES_MAX, "bytes of the compiled catalogue"),
    LIMIT(STREAM_BLOCK_BYTES_MAX, "bytes of a block of a submitted file"),
    LIMIT(SLOTS_MAX, "call slots of a worker"),
    LIMIT(HELLO_MS, "milliseconds between hellos, until one is answered"),
    LIMIT(HEARTBEAT_MS, "milliseconds between heartbeats"),
    LIMIT(PEER_SILENT_MS, "milliseconds after which who says nothing is silent"),
    LIMIT(CALL_MARGIN_MS, "milliseconds that the broker waits beyond a call's limit"),
    LIMIT(END_RESEND_MS, "milliseconds after which an end is said again"),
};

static void print_limits(void) {
    printf("\n## Limits\n\n| limit | value | of |\n|---|---:|---|\n");
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        printf("| `%s` | %llu | %s |\n", limits[i].name, limits[i].value, limits[i].doc);
}

// A text in a cell of a table.
static void print_cell(const char *text) {
    for (; *text; text++)
        if (*text == '|')
            (void)fputs("\\|", stdout);
        else
            (void)putchar(*text);
}

static void print_shape(const char *title, const struct shape *shape) {
    if (shape->count == 0)
        return;
    printf("\n%s\n\n| field | type | need | max | |\n|---|---|---|---:|---|\n", title);
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        printf("| `%s` | %s | %s | ", field->name, type_names[field->type],
               need_names[field->need]);
        if (field->max > 0)
            printf("%llu", (unsigned long long)field->max);
        printf(" | ");
        print_cell(field->doc);
        printf(" |\n");
    }
}

static void print_kind(const struct kind_info *info) {
    bool has_items = info->item->count > 0;
    printf("\n### %s\n\n%s → %s: %s.\n", info->name, info->from, info->to, info->doc);
    if (info->frames > 0)
        printf("Payload frames: %u%s.\n", info->frames, has_items ? " for each item" : "");
    print_shape("Of the message:", info->head);
    print_shape("Of each item:", info->item);
}

// A word as MessagePack would have it: with its length before it.
static void print_word(const char *word) {
    printf("\"\\x%02x%s\"\n", 0xa0u | (unsigned)strlen(word), word);
}

static void print_words(const struct shape *shape) {
    for (size_t i = 0; i < shape->count; i++)
        print_word(shape->fields[i].name);
}

static void print_dictionary(void) {
    for (int kind = KIND_none + 1; kind < KINDS; kind++) {
        print_word(wire_kind((enum kind)kind)->name);
        print_words(wire_kind((enum kind)kind)->head);
        print_words(wire_kind((enum kind)kind)->item);
    }
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--dictionary") == 0) {
        print_dictionary();
        return fflush(stdout) == 0 ? 0 : 1;
    }
    print_limits();
    printf("\n## Messages\n");
    for (int kind = KIND_none + 1; kind < KINDS; kind++)
        print_kind(wire_kind((enum kind)kind));
    return fflush(stdout) == 0 ? 0 : 1;
}
