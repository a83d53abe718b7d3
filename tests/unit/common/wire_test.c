// What colloq's processes say to each other arrives as it was said, within the stated limits.

#include "common/mem.h"
#include "tests/unit/common/wire_sample.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 60, SMALL_BYTES = 60, ROOM = 4 << 20 };

static struct sample sample;
static struct buf out;

static void setup(void) {
    uint64_t seed = (uint64_t)getpid() * 2654435761u;
    printf("seed=%llu\n", (unsigned long long)seed);
    (void)fflush(stdout);
    sample_init(&sample, seed, ROOM);
    buf_init(&out, FACTS_BYTES_MAX);
}

static void teardown(void) {
    buf_release(&out);
    sample_release(&sample);
}

static void check_says(const struct shape *shape, const void *said, const void *heard) {
    const char *differs;
    bool equal = sample_equal(shape, said, heard, &differs);
    ck_assert_msg(equal, "field %s came out differently", differs);
}

// Encodes the structs, decodes the bytes and compares.
static void check_round_trip(enum kind kind, const void *head, const uint8_t *items,
                             uint32_t count) {
    const struct kind_info *info = wire_kind(kind);
    uint64_t heard[SAMPLE_STRUCT_BYTES_MAX / 8];
    struct wire_message message;
    ck_assert_int_eq(sample_encode(&out, kind, head, items, count), ERR_OK);
    ck_assert_int_eq(wire_open(buf_bytes(&out), &message), ERR_OK);
    ck_assert_int_eq(message.kind, kind);
    ck_assert_uint_eq(message.items, count);
    ck_assert_int_eq(wire_head(&message, heard), ERR_OK);
    check_says(info->head, head, heard);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_int_eq(wire_next(&message, heard), ERR_OK);
        check_says(info->item, items + i * info->item->size, heard);
    }
    ck_assert_int_eq(wire_next(&message, heard), ERR_NOT_FOUND);
}

// A field that is lost or changed on the way is a job under a wrong name or money in a wrong row.
START_TEST(every_kind_arrives_as_it_was_said) {
    enum kind kind = (enum kind)_i;
    const struct kind_info *info = wire_kind(kind);
    uint64_t head[SAMPLE_STRUCT_BYTES_MAX / 8];
    uint8_t *items = mem_array(ITEMS_MAX, info->item->size);
    for (int round = 0; round < ROUNDS; round++) {
        sample_reset(&sample);
        uint32_t most = info->item->count > 0 ? ITEMS_MAX : 0;
        uint32_t count = round == 0 ? most : (uint32_t)(sample_u64(&sample) % (most + 1));
        sample_fill(&sample, info->head, head, SMALL_BYTES, false);
        for (uint32_t i = 0; i < count; i++)
            sample_fill(&sample, info->item, items + i * info->item->size, SMALL_BYTES, false);
        check_round_trip(kind, head, items, count);
    }
    mem_free(items);
}
END_TEST

// Older programs must be understood: what version 1 said once, it says for ever.
START_TEST(a_golden_message_still_says_the_same) {
    const struct kind_info *info = wire_kind((enum kind)_i);
    char path[512];
    (void)snprintf(path, sizeof(path), GOLDEN_FOLDER "/%s.msgpack", info->name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s is missing: write it with golden-write", path);
    uint8_t *bytes = mem_new(1 << 20);
    size_t size = fread(bytes, 1, 1 << 20, file);
    (void)fclose(file);
    struct wire_message message;
    uint64_t head[SAMPLE_STRUCT_BYTES_MAX / 8];
    uint64_t items[2][SAMPLE_STRUCT_BYTES_MAX / 8];
    ck_assert_int_eq(wire_open(bytes_of(bytes, size), &message), ERR_OK);
    ck_assert_str_eq(wire_kind(message.kind)->name, info->name);
    uint32_t count = message.items;
    ck_assert_uint_eq(count, info->item->count > 0 ? 2 : 0);
    ck_assert_int_eq(wire_head(&message, head), ERR_OK);
    for (uint32_t i = 0; i < count; i++)
        ck_assert_int_eq(wire_next(&message, items[i]), ERR_OK);
    struct wire_writer writer;
    wire_begin(&writer, &out, message.kind, head, count);
    for (uint32_t i = 0; i < count; i++)
        wire_item(&writer, items[i]);
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    ck_assert_msg(bytes_equal(buf_bytes(&out), bytes_of(bytes, size)),
                  "%s: what was read is not what is written now", path);
    mem_free(bytes);
}
END_TEST

// Sets a bounded field to a value that lies by `by` beside its limit.
static void set_beside_limit(const struct field *field, void *to, int by) {
    uint64_t value = by < 0 ? field->max - 1 : by > 0 ? field->max + 1 : field->max;
    if (field->type == FIELD_text)
        *(struct bytes *)to = sample_text(&sample, (size_t)value);
    else if (field->type == FIELD_bin)
        *(struct bytes *)to = sample_bin(&sample, (size_t)value);
    else
        *(uint64_t *)to = value;
}

static enum err encode_and_decode(enum kind kind, const void *head, const void *item) {
    struct wire_message message;
    uint64_t heard[SAMPLE_STRUCT_BYTES_MAX / 8];
    enum err e = sample_encode(&out, kind, head, item, item ? 1 : 0);
    if (e == ERR_OK)
        e = wire_open(buf_bytes(&out), &message);
    if (e == ERR_OK)
        e = wire_head(&message, heard);
    return e == ERR_OK && item ? wire_next(&message, heard) : e;
}

static bool has_limit(const struct field *field) {
    return field->max > 0 &&
           (field->type == FIELD_text || field->type == FIELD_bin || field->type == FIELD_u64);
}

// Checks each bounded field of the shape, which is the head's or the item's.
static void check_limits(enum kind kind, const struct shape *shape, void *part, void *head,
                         void *item) {
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        void *at = (uint8_t *)part + field->offset;
        uint8_t kept[sizeof(struct bytes)];
        // What exceeds a frame cannot be made; sock_test.c has that limit.
        if (!has_limit(field) || field->max > ROOM / 4)
            continue;
        memcpy(kept, at, field->type == FIELD_u64 ? 8 : sizeof(kept));
        for (int by = -1; by <= 1; by++) {
            size_t used = sample.used;
            set_beside_limit(field, at, by);
            ck_assert_msg(encode_and_decode(kind, head, item) == (by > 0 ? ERR_MALFORMED : ERR_OK),
                          "%s.%s at its limit %+d", wire_kind(kind)->name, field->name, by);
            sample.used = used;
        }
        memcpy(at, kept, field->type == FIELD_u64 ? 8 : sizeof(kept));
    }
}

// A limit that is off by one, or enforced on one side only, refuses honest work or lets in what
// nobody has room for.
START_TEST(a_limit_holds_to_the_byte) {
    enum kind kind = (enum kind)_i;
    const struct kind_info *info = wire_kind(kind);
    uint64_t head[SAMPLE_STRUCT_BYTES_MAX / 8];
    uint64_t item[SAMPLE_STRUCT_BYTES_MAX / 8];
    sample_fill(&sample, info->head, head, SMALL_BYTES, true);
    sample_fill(&sample, info->item, item, SMALL_BYTES, true);
    void *one = info->item->count > 0 ? item : NULL;
    check_limits(kind, info->head, head, head, one);
    check_limits(kind, info->item, item, head, one);
}
END_TEST

// A database's integers are signed: one message with a larger number, once stored as a record,
// would end the broker at each of its starts.
START_TEST(a_number_that_no_database_column_holds_is_refused) {
    static const uint64_t jobs[] = {INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct prepared_head head = {.boot = 1};
        struct prepared_item item = {.job = jobs[i], .ask = 1}, heard;
        struct wire_writer writer;
        struct wire_message message;
        wire_begin(&writer, &out, KIND_prepared, &head, 1);
        wire_item(&writer, &item);
        ck_assert_int_eq(wire_end(&writer), ERR_OK);
        ck_assert_int_eq(wire_open(buf_bytes(&out), &message), ERR_OK);
        ck_assert_int_eq(wire_next(&message, &heard), i == 0 ? ERR_OK : ERR_MALFORMED);
    }
}
END_TEST

// An extractor's facts hold the whole answer again: they may be longer than any header, since
// they travel in a frame.
START_TEST(facts_may_be_longer_than_a_header) {
    struct facts_head facts = {.message = sample_text(&sample, HEADER_BYTES_MAX + 1)};
    struct facts_head heard;
    struct wire_message message;
    ck_assert_int_eq(sample_encode(&out, KIND_facts, &facts, NULL, 0), ERR_OK);
    ck_assert_int_eq(wire_open(buf_bytes(&out), &message), ERR_OK);
    ck_assert_int_eq(wire_head(&message, &heard), ERR_OK);
    ck_assert(bytes_equal(heard.message, facts.message));
}
END_TEST

// The journal keeps a record's item alone; a start after a crash reads it back.
START_TEST(an_item_alone_can_be_kept_and_read_back) {
    enum kind kind = (enum kind)_i;
    const struct shape *shape = wire_kind(kind)->item;
    uint64_t item[SAMPLE_STRUCT_BYTES_MAX / 8];
    uint64_t heard[SAMPLE_STRUCT_BYTES_MAX / 8];
    if (shape->count == 0)
        return;
    sample_fill(&sample, shape, item, SMALL_BYTES, false);
    ck_assert_int_eq(wire_pack_item(&out, kind, item), ERR_OK);
    ck_assert_int_eq(wire_unpack_item(buf_bytes(&out), kind, heard), ERR_OK);
    check_says(shape, item, heard);
    buf_byte(&out, 0xc0);
    ck_assert_int_eq(wire_unpack_item(buf_bytes(&out), kind, heard), ERR_MALFORMED);
}
END_TEST

// The broker packs a lease's items when they are decided and the message when it leaves.
START_TEST(items_packed_one_by_one_arrive_like_items_of_one_message) {
    enum { COUNT = 5 };
    enum kind kind = (enum kind)_i;
    const struct kind_info *info = wire_kind(kind);
    uint64_t head[SAMPLE_STRUCT_BYTES_MAX / 8];
    uint64_t items[COUNT][SAMPLE_STRUCT_BYTES_MAX / 8];
    uint64_t heard[SAMPLE_STRUCT_BYTES_MAX / 8];
    struct wire_writer writer;
    struct wire_message message;
    struct buf packed;
    if (info->item->count == 0)
        return;
    buf_init(&packed, HEADER_BYTES_MAX);
    sample_fill(&sample, info->head, head, SMALL_BYTES, false);
    for (int i = 0; i < COUNT; i++) {
        sample_fill(&sample, info->item, items[i], SMALL_BYTES, false);
        ck_assert_int_eq(wire_pack_item(&packed, kind, items[i]), ERR_OK);
    }
    wire_begin(&writer, &out, kind, head, COUNT);
    wire_packed_items(&writer, buf_bytes(&packed), COUNT);
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    ck_assert_int_eq(wire_open(buf_bytes(&out), &message), ERR_OK);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(wire_next(&message, heard), ERR_OK);
        check_says(info->item, items[i], heard);
    }
    buf_release(&packed);
}
END_TEST

// A header that does not fit must not leave half written.
START_TEST(a_header_beyond_the_bound_is_an_error_and_not_a_cut_message) {
    struct buf small;
    struct catalogue_head head = {.hash = bytes_text("0123456789")};
    buf_init(&small, 20);
    ck_assert_int_eq(sample_encode(&small, KIND_catalogue, &head, NULL, 0), ERR_TOO_BIG);
    ck_assert_uint_eq(buf_bytes(&small).size, 0);
    buf_release(&small);
}
END_TEST

// Fields share their map with the parts of every header: a field under one of those names could
// never be read.
START_TEST(no_field_takes_the_name_of_a_part) {
    static const char *const parts[] = {"v", "kind", "must", "items"};
    const struct shape *shape = wire_kind((enum kind)_i)->head;
    for (size_t i = 0; i < shape->count; i++)
        for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++)
            ck_assert_str_ne(shape->fields[i].name, parts[k]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("wire");
    TCase *tcase = tcase_create("said and heard");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, every_kind_arrives_as_it_was_said, KIND_none + 1, KINDS);
    tcase_add_loop_test(tcase, a_golden_message_still_says_the_same, KIND_none + 1, KINDS);
    tcase_add_loop_test(tcase, a_limit_holds_to_the_byte, KIND_none + 1, KINDS);
    tcase_add_test(tcase, a_number_that_no_database_column_holds_is_refused);
    tcase_add_test(tcase, facts_may_be_longer_than_a_header);
    tcase_add_loop_test(tcase, an_item_alone_can_be_kept_and_read_back, KIND_none + 1, KINDS);
    tcase_add_loop_test(tcase, items_packed_one_by_one_arrive_like_items_of_one_message,
                        KIND_none + 1, KINDS);
    tcase_add_test(tcase, a_header_beyond_the_bound_is_an_error_and_not_a_cut_message);
    tcase_add_loop_test(tcase, no_field_takes_the_name_of_a_part, KIND_none + 1, KINDS);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
