// Any bytes as a header: it is refused, or everything that comes out of it keeps the promises of
// its table, and what was read is written and read again as the same.

#include "common/wire.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STRUCT_WORDS = 512 };

static void check_text(const struct field *field, struct bytes text, struct bytes in) {
    assert(text.size <= field->max);
    assert(text.size == 0 || (text.at >= in.at && text.at + text.size <= in.at + in.size));
    assert(field->type != FIELD_text || utf8_is_valid(text));
}

static void check_shape(const struct shape *shape, const void *from, struct bytes in) {
    assert(shape->size <= STRUCT_WORDS * 8);
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        const uint8_t *at = (const uint8_t *)from + field->offset;
        if (field->type == FIELD_text || field->type == FIELD_bin)
            check_text(field, *(const struct bytes *)at, in);
        if (field->type == FIELD_u64 && field->max > 0)
            assert(*(const uint64_t *)at <= field->max);
    }
}

static void check_item(struct buf *again, enum kind kind, const void *item) {
    uint64_t copy[STRUCT_WORDS];
    buf_reset(again);
    if (wire_pack_item(again, kind, item) == ERR_OK) {
        enum err e = wire_unpack_item(buf_bytes(again), kind, copy);
        assert(e == ERR_OK);
    }
}

static void check_head(struct buf *again, enum kind kind, const void *head) {
    struct wire_writer writer;
    struct wire_message message;
    uint64_t copy[STRUCT_WORDS];
    wire_begin(&writer, again, kind, head, 0);
    if (wire_end(&writer) != ERR_OK)
        return;
    enum err e = wire_open(buf_bytes(again), &message);
    assert(e == ERR_OK && message.kind == kind && message.items == 0);
    e = wire_head(&message, copy);
    assert(e == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes in = bytes_of(data, size);
    struct wire_message message;
    uint64_t heard[STRUCT_WORDS];
    struct buf again;
    (void)utf8_is_valid(in);
    if (wire_open(in, &message) != ERR_OK)
        return 0;
    buf_init(&again, FACTS_BYTES_MAX);
    assert(message.kind > KIND_none && message.kind < KINDS);
    assert(message.items <= wire_items_max(message.kind));
    if (wire_head(&message, heard) == ERR_OK) {
        check_shape(wire_kind(message.kind)->head, heard, in);
        check_head(&again, message.kind, heard);
    }
    while (wire_next(&message, heard) == ERR_OK) {
        check_shape(wire_kind(message.kind)->item, heard, in);
        check_item(&again, message.kind, heard);
    }
    buf_release(&again);
    return 0;
}
