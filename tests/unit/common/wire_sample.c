#include "tests/unit/common/wire_sample.h"

#include "common/mem.h"

#include <assert.h>

void sample_init(struct sample *sample, uint64_t seed, size_t room) {
    *sample = (struct sample){.random = seed | 1u, .bytes = mem_new(room), .room = room};
}

void sample_release(struct sample *sample) {
    mem_free(sample->bytes);
    *sample = (struct sample){.random = 1};
}

void sample_reset(struct sample *sample) {
    sample->used = 0;
}

// xorshift64*, by Sebastiano Vigna.
uint64_t sample_u64(struct sample *sample) {
    sample->random ^= sample->random >> 12;
    sample->random ^= sample->random << 25;
    sample->random ^= sample->random >> 27;
    return sample->random * 0x2545f4914f6cdd1dull;
}

static uint8_t *take_room(struct sample *sample, size_t size) {
    assert(size <= sample->room - sample->used);
    uint8_t *at = sample->bytes + sample->used;
    sample->used += size;
    return at;
}

struct bytes sample_text(struct sample *sample, size_t size) {
    static const char *const pieces[] = {"a", "ß", "€", "𝄞"}; // 1 to 4 bytes long
    uint8_t *at = take_room(sample, size);
    for (size_t i = 0; i < size;) {
        size_t more = sample_u64(sample) % 4;
        if (more >= size - i)
            more = size - i - 1;
        memcpy(at + i, pieces[more], more + 1);
        i += more + 1;
    }
    return bytes_of(at, size);
}

struct bytes sample_bin(struct sample *sample, size_t size) {
    uint8_t *at = take_room(sample, size);
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)sample_u64(sample);
    return bytes_of(at, size);
}

// Numbers of every length in bytes, not only long ones.
static uint64_t sample_number(struct sample *sample, uint64_t max) {
    uint64_t number = sample_u64(sample) >> (sample_u64(sample) % 64);
    return max > 0 ? number % (max + 1) : number >> 1; // no number is beyond 2^63 - 1
}

static size_t sample_size(struct sample *sample, const struct field *field, size_t size_max) {
    size_t most = field->max < size_max ? (size_t)field->max : size_max;
    return 1 + sample_u64(sample) % most;
}

static void fill_field(struct sample *sample, const struct field *field, void *to, size_t size_max,
                       bool all) {
    uint64_t number = sample_number(sample, field->max);
    switch (field->type) {
    case FIELD_u64:
        *(uint64_t *)to = number == 0 && all ? 1 : number;
        break;
    case FIELD_i64:
        *(int64_t *)to =
            sample_u64(sample) % 2 ? (int64_t)(number >> 1) : -1 - (int64_t)(number >> 1);
        break;
    case FIELD_flag:
        *(bool *)to = all || number % 2;
        break;
    case FIELD_text:
        *(struct bytes *)to = sample_text(sample, sample_size(sample, field, size_max));
        break;
    case FIELD_bin:
        *(struct bytes *)to = sample_bin(sample, sample_size(sample, field, size_max));
        break;
    case FIELD_id:
        memcpy(to, sample_bin(sample, sizeof(struct id)).at, sizeof(struct id));
        break;
    case FIELD_digest:
        memcpy(to, sample_bin(sample, sizeof(struct digest)).at, sizeof(struct digest));
        break;
    }
}

void sample_fill(struct sample *sample, const struct shape *shape, void *to, size_t size_max,
                 bool all) {
    assert(shape->size <= SAMPLE_STRUCT_BYTES_MAX);
    memset(to, 0, shape->size);
    for (size_t i = 0; i < shape->count; i++)
        if (all || shape->fields[i].need != NEED_optional || sample_u64(sample) % 3 > 0)
            fill_field(sample, &shape->fields[i], (uint8_t *)to + shape->fields[i].offset, size_max,
                       all);
}

static bool field_equal(enum field_type type, const void *a, const void *b) {
    switch (type) {
    case FIELD_text:
    case FIELD_bin:
        return bytes_equal(*(const struct bytes *)a, *(const struct bytes *)b);
    case FIELD_id:
        return id_equal(*(const struct id *)a, *(const struct id *)b);
    case FIELD_digest:
        return digest_equal(*(const struct digest *)a, *(const struct digest *)b);
    case FIELD_flag:
        return *(const bool *)a == *(const bool *)b;
    default:
        return *(const uint64_t *)a == *(const uint64_t *)b;
    }
}

bool sample_equal(const struct shape *shape, const void *a, const void *b, const char **differs) {
    for (size_t i = 0; i < shape->count; i++) {
        size_t offset = shape->fields[i].offset;
        *differs = shape->fields[i].name;
        if (!field_equal(shape->fields[i].type, (const uint8_t *)a + offset,
                         (const uint8_t *)b + offset))
            return false;
    }
    *differs = "";
    return true;
}

enum err sample_encode(struct buf *out, enum kind kind, const void *head, const void *items,
                       uint32_t count) {
    struct wire_writer writer;
    wire_begin(&writer, out, kind, head, count);
    for (uint32_t i = 0; i < count; i++)
        wire_item(&writer, (const uint8_t *)items + i * wire_kind(kind)->item->size);
    return wire_end(&writer);
}

void sample_golden(enum kind kind, struct buf *out) {
    const struct kind_info *info = wire_kind(kind);
    struct sample sample;
    sample_init(&sample, (uint64_t)kind + 1, 64 << 10);
    uint32_t count = info->item->count > 0 ? 2 : 0;
    uint64_t head[SAMPLE_STRUCT_BYTES_MAX / 8];
    uint8_t *items = mem_array(count, info->item->size);
    sample_fill(&sample, info->head, head, 40, true);
    for (uint32_t i = 0; i < count; i++)
        sample_fill(&sample, info->item, items + i * info->item->size, 40, true);
    enum err e = sample_encode(out, kind, head, items, count);
    assert(e == ERR_OK);
    (void)e;
    mem_free(items);
    sample_release(&sample);
}
