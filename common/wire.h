// Envelopes: MessagePack headers encoded and decoded by the tables of schemas/envelope.def.
// Nothing of a received header is believed before all of it was validated: size, depth, counts
// against the bytes that are there, UTF-8, one object, no trailing bytes, no extension types.
// Unknown keys are ignored, except in the `must` map, where one refuses the message.
#ifndef COMMON_WIRE_H
#define COMMON_WIRE_H

#include "common/buf.h"
#include "common/envelope.h"
#include "common/err.h"

enum field_type { FIELD_u64, FIELD_i64, FIELD_flag, FIELD_text, FIELD_bin, FIELD_id, FIELD_digest };
enum field_need { NEED_optional, NEED_required, NEED_must };

struct field {
    const char *name;
    size_t offset;
    uint64_t max;
    enum field_type type;
    enum field_need need;
    const char *doc;
};

struct shape {
    const struct field *fields;
    size_t count;
    size_t size; // of the struct
};

struct kind_info {
    const char *name;
    const char *from;
    const char *to;
    const char *doc;
    unsigned frames; // payload frames: of each item, or of the message where it has no items
    const struct shape *head;
    const struct shape *item; // count 0: no items
};

// The table entry of a kind; kind must be valid.
const struct kind_info *wire_kind(enum kind kind);
// How many items a message of that kind may have: ITEMS_MAX; facts IDENTIFIERS_MAX.
uint32_t wire_items_max(enum kind kind);

// A received header, validated. Views the bytes it was opened on.
struct wire_message {
    enum kind kind;
    uint32_t items; // how many
    struct bytes head;
    struct bytes must;
    struct bytes rest; // of the items not yet read
};

// Validates a header as a whole and finds its parts. ERR_MALFORMED, ERR_VERSION (another
// protocol version) or ERR_TOO_BIG (beyond HEADER_BYTES_MAX or wire_items_max; facts, which
// travel in a frame: FACTS_BYTES_MAX); *message is valid only with ERR_OK.
enum err wire_open(struct bytes header, struct wire_message *message);
// Decodes the message's own fields into the struct *head of its kind (struct lease_head …),
// which is zeroed first. ERR_MALFORMED if a required field is missing, a type is wrong, a key
// stands twice, a value exceeds its maximum, or `must` holds an unknown key.
enum err wire_head(const struct wire_message *message, void *head);
// Decodes the next item likewise. ERR_NOT_FOUND after the last. After ERR_MALFORMED *item holds
// what could be read (numbers that could not are 0), and the next call goes on with the item
// behind it.
enum err wire_next(struct wire_message *message, void *item);

// Writes a header: begin, then each item, then end. The buf is emptied first; its bound applies.
struct wire_writer {
    struct buf *out;
    enum kind kind;
    uint32_t items_said;
    uint32_t items_written;
};
void wire_begin(struct wire_writer *writer, struct buf *out, enum kind kind, const void *head,
                uint32_t items);
void wire_item(struct wire_writer *writer, const void *item);
// Items that wire_pack_item encoded before, one behind the other.
void wire_packed_items(struct wire_writer *writer, struct bytes packed, uint32_t count);
// ERR_TOO_BIG if the header exceeds the buf's bound. Asserts that the promised items were written.
enum err wire_end(struct wire_writer *writer);

// One struct as a header of its own, and back: how the journal keeps a record's item.
// The struct is the item struct of the kind. Packing appends to the buf.
enum err wire_pack_item(struct buf *out, enum kind kind, const void *item);
enum err wire_unpack_item(struct bytes bytes, enum kind kind, void *item);

// Whether bytes are well-formed UTF-8 (no surrogates, no overlong forms).
bool utf8_is_valid(struct bytes text);

#endif
