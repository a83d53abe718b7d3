#include "workers/accountant/identifiers.h"

static void put_number(struct buf *packed, uint64_t number) {
    while (number >= 0x80) {
        buf_byte(packed, (uint8_t)(number | 0x80));
        number >>= 7;
    }
    buf_byte(packed, (uint8_t)number);
}

static bool take_number(struct bytes *packed, uint64_t *number) {
    *number = 0;
    for (unsigned shift = 0; packed->size > 0 && shift < 63; shift += 7) {
        uint8_t byte = packed->at[0];
        *packed = bytes_of(packed->at + 1, packed->size - 1);
        *number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

void identifiers_put(struct buf *packed, int64_t kind, struct bytes value) {
    put_number(packed, (uint64_t)kind);
    put_number(packed, value.size);
    buf_put(packed, value.at, value.size);
}

bool identifiers_next(struct bytes *packed, int64_t *kind, struct bytes *value) {
    uint64_t number, size;
    if (!take_number(packed, &number) || !take_number(packed, &size) || size > packed->size)
        return false;
    *kind = (int64_t)number;
    *value = bytes_of(packed->at, (size_t)size);
    *packed = bytes_of(packed->at + size, packed->size - (size_t)size);
    return true;
}
