#include "tests/fuzz/bend.h"

#include <stdlib.h>
#include <string.h>

enum { GROWTH_MAX = 64, DEEPER_MAX = 12 };

struct bend {
    const uint8_t *seed;
    size_t size;
    uint8_t *out; // room for the seed and GROWTH_MAX bytes more, or for the seed twice
    bend_visit *visit;
    void *context;
};

// The seed with the bytes from at on, cut of them, replaced by others.
static void replace(struct bend *bend, size_t at, size_t cut, const uint8_t *by, size_t by_size) {
    memcpy(bend->out, bend->seed, at);
    if (by_size > 0)
        memcpy(bend->out + at, by, by_size);
    memcpy(bend->out + at + by_size, bend->seed + at + cut, bend->size - at - cut);
    bend->visit(bend->context, bend->out, bend->size - cut + by_size);
}

static void change_byte(struct bend *bend, size_t at) {
    static const uint8_t bytes[] = {0x00, 0x01, 0x22, 0x5c, 0x7f, 0x80, 0xc1, 0xff};
    for (size_t i = 0; i < sizeof(bytes); i++)
        replace(bend, at, 1, &bytes[i], 1);
    uint8_t flipped = bend->seed[at] ^ 1;
    replace(bend, at, 1, &flipped, 1);
    replace(bend, at, 1, NULL, 0);
}

// ---- MessagePack --------------------------------------------------------------------------------

// A value's head: its tag and length, without what they announce.
struct head {
    size_t size;
    size_t body;  // bytes of a text or of binary
    uint8_t wide; // the tag with a length of 4 bytes; 0: it has no length
};

static size_t big_endian(const uint8_t *at, size_t size) {
    size_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | at[i];
    return number;
}

static struct head head_at(const uint8_t *at) {
    uint8_t tag = *at;
    if (tag < 0x80 || tag >= 0xe0)
        return (struct head){1, 0, 0};
    if (tag < 0x90)
        return (struct head){1, 0, 0xdf};
    if (tag < 0xa0)
        return (struct head){1, 0, 0xdd};
    if (tag < 0xc0)
        return (struct head){1, tag & 0x1fu, 0xdb};
    if (tag >= 0xc4 && tag <= 0xc6)
        return (struct head){1 + (1u << (tag - 0xc4)), big_endian(at + 1, 1u << (tag - 0xc4)),
                             0xc6};
    if (tag >= 0xcc && tag <= 0xcf)
        return (struct head){1 + (1u << (tag - 0xcc)), 0, 0};
    if (tag >= 0xd0 && tag <= 0xd3)
        return (struct head){1 + (1u << (tag - 0xd0)), 0, 0};
    if (tag >= 0xd9 && tag <= 0xdb)
        return (struct head){1 + (1u << (tag - 0xd9)), big_endian(at + 1, 1u << (tag - 0xd9)),
                             0xdb};
    if (tag >= 0xdc)
        return (struct head){tag & 1 ? 5 : 3, 0, tag < 0xde ? 0xdd : 0xdf};
    return (struct head){1, 0, 0};
}

static void bend_length(struct bend *bend, size_t at, struct head head) {
    static const uint32_t lengths[] = {0, 1, 0x7fffffff, 0xffffffff};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint8_t wide[5] = {head.wide, (uint8_t)(lengths[i] >> 24), (uint8_t)(lengths[i] >> 16),
                           (uint8_t)(lengths[i] >> 8), (uint8_t)lengths[i]};
        replace(bend, at, head.size, wide, sizeof(wide));
    }
}

// Extensions, numbers with a point, nothing, and more nesting.
static void bend_type(struct bend *bend, size_t at, struct head head) {
    static const uint8_t others[][10] = {{3, 0xd4, 1, 2},
                                         {4, 0xc7, 1, 1, 2},
                                         {6, 0xc9, 0xff, 0xff, 0xff, 0xff, 1},
                                         {5, 0xca, 1, 2, 3, 4},
                                         {9, 0xcb, 1, 2, 3, 4, 5, 6, 7, 8},
                                         {1, 0xc0},
                                         {1, 0xc1}};
    uint8_t deeper[DEEPER_MAX];
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        replace(bend, at, head.size + head.body, others[i] + 1, others[i][0]);
    memset(deeper, 0x91, sizeof(deeper)); // arrays of one value
    for (size_t depth = 1; depth <= DEEPER_MAX; depth++)
        replace(bend, at, 0, deeper, depth);
}

// The first entry of the outermost map a second time, behind the last.
static void bend_twice(struct bend *bend) {
    struct head key = head_at(bend->seed + 1);
    size_t key_size = key.size + key.body;
    if (1 + key_size >= bend->size || (bend->seed[0] & 0xf0) != 0x80 || bend->seed[0] == 0x8f)
        return;
    struct head value = head_at(bend->seed + 1 + key_size);
    size_t entry = key_size + value.size + value.body;
    if (1 + entry > bend->size)
        return;
    memcpy(bend->out, bend->seed, bend->size);
    memcpy(bend->out + bend->size, bend->seed + 1, entry);
    bend->out[0]++;
    bend->visit(bend->context, bend->out, bend->size + entry);
}

static void bend_messagepack(struct bend *bend) {
    bend_twice(bend);
    for (size_t at = 0; at + 5 <= bend->size;) {
        struct head head = head_at(bend->seed + at);
        if (head.size + head.body > bend->size - at)
            return; // it only looked like one
        if (head.wide)
            bend_length(bend, at, head);
        bend_type(bend, at, head);
        at += head.size + head.body;
    }
}

void bend_each(const uint8_t *seed, size_t size, size_t places_max, bend_visit *visit,
               void *context) {
    struct bend bend = {.seed = seed, .size = size, .visit = visit, .context = context};
    size_t step = size / places_max + 1;
    bend.out = malloc(2 * size + GROWTH_MAX);
    if (!bend.out)
        abort();
    for (size_t at = 0; at < size; at += step) {
        visit(context, seed, at); // cut there
        change_byte(&bend, at);
    }
    if (size > 1 && (seed[0] & 0xf0) == 0x80)
        bend_messagepack(&bend);
    free(bend.out);
}
