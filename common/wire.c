#include "common/wire.h"

#include <assert.h>
#include <msgpack.h>

// ---- the tables -------------------------------------------------------------------------------

#define KIND(kind, from, to, frames, doc)
#define HEAD_BEGIN(kind) static const struct field kind##_head_fields[] = {
#define HEAD_END(kind)                                                                            \
    }                                                                                             \
    ;                                                                                             \
    static const struct shape kind##_head_shape = {kind##_head_fields, COUNT(kind##_head_fields), \
                                                   sizeof(struct kind##_head)};
#define ITEM_BEGIN(kind) static const struct field kind##_item_fields[] = {
#define ITEM_END(kind)                                                                            \
    }                                                                                             \
    ;                                                                                             \
    static const struct shape kind##_item_shape = {kind##_item_fields, COUNT(kind##_item_fields), \
                                                   sizeof(struct kind##_item)};
#define NO_ITEMS(kind) static const struct shape kind##_item_shape = {NULL, 0, 0};
#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define FIELD(owner, type, name, need, max, doc) \
    {#name, offsetof(struct owner, name), (max), FIELD_##type, NEED_##need, doc},
#include "schemas/envelope.def"

#include "common/envelope_undef.h"

static const struct kind_info kinds[KINDS] = {
#define HEAD_BEGIN(kind)
#define HEAD_END(kind)
#define ITEM_BEGIN(kind)
#define ITEM_END(kind)
#define NO_ITEMS(kind)
#define FIELD(owner, type, name, need, max, doc)
#define KIND(kind, from, to, frames, doc) \
    [KIND_##kind] = {#kind, from, to, doc, frames, &kind##_head_shape, &kind##_item_shape},
#include "schemas/envelope.def"

#include "common/envelope_undef.h"
};

const struct kind_info *wire_kind(enum kind kind) {
    assert(kind > KIND_none && kind < KINDS);
    return &kinds[kind];
}

// ---- reading MessagePack: one value at a time, nothing allocated --------------------------------

enum value_type {
    VALUE_nil,
    VALUE_flag,
    VALUE_u64,
    VALUE_i64,
    VALUE_text,
    VALUE_bin,
    VALUE_array,
    VALUE_map
};

struct value {
    enum value_type type;
    uint64_t number; // u64, flag, the two's complement of a negative i64, or a container's count
    struct bytes bytes;
};

bool utf8_is_valid(struct bytes text) {
    size_t i = 0;
    while (i < text.size) {
        uint8_t lead = text.at[i];
        if (lead < 0x80) {
            i++;
            continue;
        }
        size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
        if (lead < 0xc2 || lead > 0xf4 || text.size - i <= more)
            return false;
        uint8_t second = text.at[i + 1];
        if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
            (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
            return false;
        for (size_t k = 1; k <= more; k++)
            if ((text.at[i + k] & 0xc0) != 0x80)
                return false;
        i += more + 1;
    }
    return true;
}

// Takes size big-endian bytes of a number off the front.
static bool take_number(struct bytes *rest, unsigned size, uint64_t *number) {
    if (rest->size < size)
        return false;
    *number = 0;
    for (unsigned i = 0; i < size; i++)
        *number = *number << 8 | rest->at[i];
    rest->at += size;
    rest->size -= size;
    return true;
}

static bool take_bytes(struct bytes *rest, uint64_t size, struct value *value) {
    if (size > rest->size)
        return false;
    value->bytes = bytes_of(rest->at, (size_t)size);
    rest->at += size;
    rest->size -= (size_t)size;
    return true;
}

// Of a number of size bytes, signed.
static void set_signed(struct value *value, unsigned size) {
    unsigned shift = 64 - 8 * size;
    int64_t number = (int64_t)(value->number << shift) >> shift;
    value->type = number < 0 ? VALUE_i64 : VALUE_u64;
    value->number = (uint64_t)number;
}

// The forms 0xc0 … 0xdf. Extension types and floats are not part of the protocol.
static bool take_long_form(struct bytes *rest, uint8_t tag, struct value *value) {
    switch (tag) {
    case 0xc0:
        value->type = VALUE_nil;
        return true;
    case 0xc2:
    case 0xc3:
        value->type = VALUE_flag;
        value->number = tag & 1u;
        return true;
    case 0xc4:
    case 0xc5:
    case 0xc6:
        value->type = VALUE_bin;
        return take_number(rest, 1u << (tag - 0xc4), &value->number) &&
               take_bytes(rest, value->number, value);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        value->type = VALUE_u64;
        return take_number(rest, 1u << (tag - 0xcc), &value->number);
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        if (!take_number(rest, 1u << (tag - 0xd0), &value->number))
            return false;
        set_signed(value, 1u << (tag - 0xd0));
        return true;
    case 0xd9:
    case 0xda:
    case 0xdb:
        value->type = VALUE_text;
        return take_number(rest, 1u << (tag - 0xd9), &value->number) &&
               take_bytes(rest, value->number, value);
    case 0xdc:
    case 0xdd:
        value->type = VALUE_array;
        return take_number(rest, tag == 0xdc ? 2 : 4, &value->number);
    case 0xde:
    case 0xdf:
        value->type = VALUE_map;
        return take_number(rest, tag == 0xde ? 2 : 4, &value->number);
    default:
        return false;
    }
}

// Takes one value's head off the front: a scalar whole, of a container its count. Every member
// is at least a byte, so a count beyond the bytes that are left is a lie and refused.
static bool take_value(struct bytes *rest, struct value *value) {
    uint64_t tag;
    *value = (struct value){.type = VALUE_nil};
    if (!take_number(rest, 1, &tag))
        return false;
    if (tag < 0x80) {
        value->type = VALUE_u64;
        value->number = tag;
    } else if (tag < 0x90) {
        value->type = VALUE_map;
        value->number = tag & 0x0f;
    } else if (tag < 0xa0) {
        value->type = VALUE_array;
        value->number = tag & 0x0f;
    } else if (tag < 0xc0) {
        value->type = VALUE_text;
        if (!take_bytes(rest, tag & 0x1f, value))
            return false;
    } else if (tag >= 0xe0) {
        value->type = VALUE_i64;
        value->number = tag | ~0xffull;
    } else if (!take_long_form(rest, (uint8_t)tag, value)) {
        return false;
    }
    if (value->type == VALUE_map)
        return value->number <= rest->size / 2;
    if (value->type == VALUE_array)
        return value->number <= rest->size;
    return value->type != VALUE_text || utf8_is_valid(value->bytes);
}

// Takes a whole value, containers with all they hold, within the limits.
static bool skip_value(struct bytes *rest, unsigned depth_max, uint32_t *nodes) {
    uint64_t open[WIRE_DEPTH_MAX]; // members still to come, a level
    unsigned depth = 0;
    for (;;) {
        struct value value;
        if (++*nodes > WIRE_NODES_MAX || !take_value(rest, &value))
            return false;
        if (value.type == VALUE_array || value.type == VALUE_map) {
            if (depth >= depth_max)
                return false;
            open[depth++] = value.type == VALUE_map ? 2 * value.number : value.number;
        }
        while (depth > 0 && open[depth - 1] == 0)
            depth--;
        if (depth == 0)
            return true;
        open[depth - 1]--;
    }
}

// ---- messages -----------------------------------------------------------------------------------

static enum kind kind_named(struct bytes name) {
    for (int kind = KIND_none + 1; kind < KINDS; kind++)
        if (bytes_is(name, kinds[kind].name))
            return (enum kind)kind;
    return KIND_none;
}

// The parts of a header that stand beside a kind's own fields, and which of them were met.
enum part { PART_version = 1, PART_kind = 2, PART_must = 4, PART_items = 8 };

struct parts {
    unsigned met;
    uint64_t version;
};

// Marks a part as met; false if it was already.
static bool meet(struct parts *parts, enum part part) {
    bool is_first = !(parts->met & part);
    parts->met |= part;
    return is_first;
}

// Takes note of one entry of the header: its key, and its value as a view of that value alone.
static bool note_part(struct wire_message *message, struct bytes key, struct bytes at,
                      struct parts *parts) {
    struct bytes whole = at;
    struct value value;
    if (!take_value(&at, &value))
        return false;
    if (bytes_is(key, "v")) {
        parts->version = value.number;
        return value.type == VALUE_u64 && meet(parts, PART_version);
    }
    if (bytes_is(key, "kind")) {
        message->kind = value.type == VALUE_text ? kind_named(value.bytes) : KIND_none;
        return value.type == VALUE_text && meet(parts, PART_kind);
    }
    if (bytes_is(key, "must")) {
        message->must = whole;
        return value.type == VALUE_map && meet(parts, PART_must);
    }
    if (bytes_is(key, "items")) {
        message->items = value.number > UINT32_MAX ? UINT32_MAX : (uint32_t)value.number;
        message->rest = at;
        return value.type == VALUE_array && meet(parts, PART_items);
    }
    return true;
}

uint32_t wire_items_max(enum kind kind) {
    return kind == KIND_facts ? IDENTIFIERS_MAX : ITEMS_MAX;
}

// Whether the message keeps the limits of its kind.
static bool is_within_limits(const struct wire_message *message) {
    size_t bytes_max = message->kind == KIND_facts ? FACTS_BYTES_MAX : HEADER_BYTES_MAX;
    return message->head.size <= bytes_max && message->items <= wire_items_max(message->kind);
}

enum err wire_open(struct bytes header, struct wire_message *message) {
    *message = (struct wire_message){.kind = KIND_none, .head = header};
    if (header.size > FACTS_BYTES_MAX)
        return ERR_TOO_BIG;
    struct bytes rest = header;
    struct value top;
    struct parts parts = {0};
    uint32_t nodes = 0;
    if (!take_value(&rest, &top) || top.type != VALUE_map)
        return ERR_MALFORMED;
    for (uint64_t i = 0; i < top.number; i++) {
        struct value key;
        if (!take_value(&rest, &key) || key.type != VALUE_text)
            return ERR_MALFORMED;
        struct bytes at = rest;
        if (!skip_value(&rest, WIRE_DEPTH_MAX - 1, &nodes))
            return ERR_MALFORMED;
        at.size -= rest.size;
        if (!note_part(message, key.bytes, at, &parts))
            return ERR_MALFORMED;
    }
    if (rest.size != 0)
        return ERR_MALFORMED;
    if (parts.version != PROTOCOL_VERSION)
        return ERR_VERSION;
    if (message->kind == KIND_none)
        return ERR_MALFORMED;
    return is_within_limits(message) ? ERR_OK : ERR_TOO_BIG;
}

static bool number_fits(const struct field *field, const struct value *value) {
    if (field->type == FIELD_flag)
        return value->type == VALUE_flag;
    // What has no bound of its own still fits a signed column of a database.
    if (field->type == FIELD_u64)
        return value->type == VALUE_u64 && value->number <= (field->max ? field->max : INT64_MAX);
    return value->type == VALUE_i64 || (value->type == VALUE_u64 && value->number <= INT64_MAX);
}

// A number that is refused stays 0.
static bool store_number(const struct field *field, const struct value *value, void *to) {
    if (!number_fits(field, value))
        return false;
    if (field->type == FIELD_flag)
        *(bool *)to = value->number != 0;
    else if (field->type == FIELD_u64)
        *(uint64_t *)to = value->number;
    else
        *(int64_t *)to = (int64_t)value->number;
    return true;
}

static bool store_value(const struct field *field, const struct value *value, void *out) {
    void *to = (uint8_t *)out + field->offset;
    size_t exact = field->type == FIELD_id ? sizeof(struct id) : sizeof(struct digest);
    switch (field->type) {
    case FIELD_text:
    case FIELD_bin:
        *(struct bytes *)to = value->bytes;
        return value->type == (field->type == FIELD_text ? VALUE_text : VALUE_bin) &&
               value->bytes.size <= field->max;
    case FIELD_id:
    case FIELD_digest:
        if (value->type != VALUE_bin || value->bytes.size != exact)
            return false;
        memcpy(to, value->bytes.at, exact);
        return true;
    default:
        return store_number(field, value, to);
    }
}

// The field of that name, looked for first where the encoder would have put it.
static const struct field *find_field(const struct shape *shape, struct bytes name, size_t *next) {
    for (size_t i = 0; i < shape->count; i++) {
        size_t at = (*next + i) % shape->count;
        if (bytes_is(name, shape->fields[at].name)) {
            *next = at + 1;
            return &shape->fields[at];
        }
    }
    return NULL;
}

// Decodes one map into out; rest stands behind it afterwards. In a must map (is_must) only
// must-fields are known and an unknown one is refused.
static enum err decode_map(const struct shape *shape, struct bytes *rest, void *out, bool is_must,
                           uint64_t *seen) {
    struct value map;
    if (!take_value(rest, &map) || map.type != VALUE_map)
        return ERR_MALFORMED;
    size_t next = 0;
    for (uint64_t i = 0; i < map.number; i++) {
        struct value key;
        if (!take_value(rest, &key) || key.type != VALUE_text)
            return ERR_MALFORMED;
        const struct field *field = find_field(shape, key.bytes, &next);
        if (!field || (field->need == NEED_must) != is_must) {
            uint32_t nodes = 0;
            if (is_must || !skip_value(rest, WIRE_DEPTH_MAX - 1, &nodes))
                return ERR_MALFORMED;
            continue;
        }
        struct value value;
        uint64_t bit = 1ull << (field - shape->fields);
        if ((*seen & bit) || !take_value(rest, &value) || !store_value(field, &value, out))
            return ERR_MALFORMED;
        *seen |= bit;
    }
    return ERR_OK;
}

static enum err check_required(const struct shape *shape, uint64_t seen) {
    for (size_t i = 0; i < shape->count; i++)
        if (shape->fields[i].need != NEED_optional && !(seen >> i & 1))
            return ERR_MALFORMED;
    return ERR_OK;
}

static enum err decode(const struct shape *shape, struct bytes *rest, struct bytes must,
                       void *out) {
    uint64_t seen = 0;
    assert(shape->count <= 64);
    memset(out, 0, shape->size);
    enum err e = decode_map(shape, rest, out, false, &seen);
    if (e == ERR_OK && must.size > 0)
        e = decode_map(shape, &must, out, true, &seen);
    return e == ERR_OK ? check_required(shape, seen) : e;
}

enum err wire_head(const struct wire_message *message, void *head) {
    struct bytes rest = message->head;
    return decode(wire_kind(message->kind)->head, &rest, message->must, head);
}

enum err wire_next(struct wire_message *message, void *item) {
    const struct shape *shape = wire_kind(message->kind)->item;
    if (message->items == 0)
        return ERR_NOT_FOUND;
    if (shape->count == 0)
        return ERR_MALFORMED;
    message->items--;
    struct bytes begin = message->rest;
    enum err e = decode(shape, &message->rest, bytes_of(NULL, 0), item);
    uint32_t nodes = 0;
    // The header as a whole is well-formed, so the next item can be found behind a wrong one.
    if (e != ERR_OK) {
        message->rest = begin;
        (void)skip_value(&message->rest, WIRE_DEPTH_MAX - 1, &nodes);
    }
    return e;
}

// ---- writing ------------------------------------------------------------------------------------

static int write_to_buf(void *data, const char *at, size_t size) {
    struct buf *buf = data;
    buf_put(buf, at, size);
    return buf->failed ? -1 : 0;
}

static void pack_text(msgpack_packer *packer, struct bytes text) {
    msgpack_pack_str(packer, text.size);
    msgpack_pack_str_body(packer, text.at, text.size);
}

static void pack_bin(msgpack_packer *packer, const void *at, size_t size) {
    msgpack_pack_bin(packer, size);
    msgpack_pack_bin_body(packer, at, size);
}

// Whether a field is left out because it says nothing: optional and zero.
static bool is_silent(const struct field *field, const void *from) {
    if (field->need != NEED_optional)
        return false;
    switch (field->type) {
    case FIELD_text:
    case FIELD_bin:
        return ((const struct bytes *)from)->size == 0;
    case FIELD_flag:
        return !*(const bool *)from;
    case FIELD_id:
        return id_is_none(*(const struct id *)from);
    case FIELD_digest:
        return digest_equal(*(const struct digest *)from, (struct digest){{0}});
    default:
        return *(const uint64_t *)from == 0;
    }
}

static void pack_field(msgpack_packer *packer, const struct field *field, const void *from) {
    pack_text(packer, bytes_text(field->name));
    switch (field->type) {
    case FIELD_u64:
        msgpack_pack_uint64(packer, *(const uint64_t *)from);
        break;
    case FIELD_i64:
        msgpack_pack_int64(packer, *(const int64_t *)from);
        break;
    case FIELD_flag:
        if (*(const bool *)from)
            msgpack_pack_true(packer);
        else
            msgpack_pack_false(packer);
        break;
    case FIELD_text:
        pack_text(packer, *(const struct bytes *)from);
        break;
    case FIELD_bin:
        pack_bin(packer, ((const struct bytes *)from)->at, ((const struct bytes *)from)->size);
        break;
    case FIELD_id:
        pack_bin(packer, from, sizeof(struct id));
        break;
    case FIELD_digest:
        pack_bin(packer, from, sizeof(struct digest));
        break;
    }
}

static uint32_t count_fields(const struct shape *shape, const void *from, bool is_must) {
    uint32_t count = 0;
    for (size_t i = 0; i < shape->count; i++)
        count += (shape->fields[i].need == NEED_must) == is_must &&
                 !is_silent(&shape->fields[i], (const uint8_t *)from + shape->fields[i].offset);
    return count;
}

static void pack_fields(msgpack_packer *packer, const struct shape *shape, const void *from,
                        bool is_must) {
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        const uint8_t *at = (const uint8_t *)from + field->offset;
        if ((field->need == NEED_must) == is_must && !is_silent(field, at))
            pack_field(packer, field, at);
    }
}

void wire_begin(struct wire_writer *writer, struct buf *out, enum kind kind, const void *head,
                uint32_t items) {
    const struct kind_info *info = wire_kind(kind);
    assert(items == 0 || info->item->count > 0);
    assert(items <= wire_items_max(kind));
    *writer = (struct wire_writer){.out = out, .kind = kind, .items_said = items};
    buf_reset(out);
    msgpack_packer packer;
    msgpack_packer_init(&packer, out, write_to_buf);
    uint32_t must = count_fields(info->head, head, true);
    uint32_t plain = count_fields(info->head, head, false);
    msgpack_pack_map(&packer, 2 + plain + (must > 0) + (items > 0));
    pack_text(&packer, bytes_text("v"));
    msgpack_pack_uint64(&packer, PROTOCOL_VERSION);
    pack_text(&packer, bytes_text("kind"));
    pack_text(&packer, bytes_text(info->name));
    pack_fields(&packer, info->head, head, false);
    if (must > 0) {
        pack_text(&packer, bytes_text("must"));
        msgpack_pack_map(&packer, must);
        pack_fields(&packer, info->head, head, true);
    }
    if (items > 0) {
        pack_text(&packer, bytes_text("items"));
        msgpack_pack_array(&packer, items);
    }
}

void wire_item(struct wire_writer *writer, const void *item) {
    const struct shape *shape = wire_kind(writer->kind)->item;
    msgpack_packer packer;
    msgpack_packer_init(&packer, writer->out, write_to_buf);
    msgpack_pack_map(&packer, count_fields(shape, item, false));
    pack_fields(&packer, shape, item, false);
    writer->items_written++;
}

void wire_packed_items(struct wire_writer *writer, struct bytes packed, uint32_t count) {
    buf_put(writer->out, packed.at, packed.size);
    writer->items_written += count;
}

enum err wire_end(struct wire_writer *writer) {
    assert(writer->items_written == writer->items_said);
    return buf_state(writer->out);
}

enum err wire_pack_item(struct buf *out, enum kind kind, const void *item) {
    struct wire_writer writer = {.out = out, .kind = kind};
    wire_item(&writer, item);
    return buf_state(out);
}

enum err wire_unpack_item(struct bytes bytes, enum kind kind, void *item) {
    enum err e = decode(wire_kind(kind)->item, &bytes, bytes_of(NULL, 0), item);
    return e == ERR_OK && bytes.size != 0 ? ERR_MALFORMED : e;
}
