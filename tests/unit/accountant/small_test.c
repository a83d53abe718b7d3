// The accountant's small parts: compression, the value table, the name cache, JSON out.
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/squeeze.h"
#include "workers/accountant/findex.h"
#include "workers/accountant/identifiers.h"
#include "workers/accountant/keymap.h"
#include "workers/accountant/writer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

// A body that comes out other than it went in is no evidence.
START_TEST(what_is_squeezed_comes_out_as_it_was) {
    struct squeezer squeezer;
    struct buf out, back;
    unsigned seed = 5;
    static uint8_t data[100000];
    squeezer_open(&squeezer);
    buf_init(&out, 1 << 20);
    buf_init(&back, 1 << 20);
    for (int round = 0; round < 300; round++) {
        size_t size = (size_t)rand_r(&seed) % (round < 250 ? 300 : sizeof(data));
        int alphabet = rand_r(&seed) % 256 + 1;
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)(rand_r(&seed) % alphabet);
        ck_assert_int_eq(squeeze(&squeezer, bytes_of(data, size), &out), ERR_OK);
        ck_assert_uint_le(out.size, size + 1);
        ck_assert_int_eq(unsqueeze(&squeezer, buf_bytes(&out), &back), ERR_OK);
        ck_assert(bytes_equal(buf_bytes(&back), bytes_of(data, size)));
    }
    buf_release(&out);
    buf_release(&back);
    squeezer_close(&squeezer);
}
END_TEST

// A damaged disk page must become an error, not a crash and not another answer.
START_TEST(damaged_bytes_are_refused_or_stay_within_bounds) {
    struct squeezer squeezer;
    struct buf out, back;
    struct bytes parts[PARTS_MAX];
    unsigned seed = 9;
    squeezer_open(&squeezer);
    buf_init(&out, 1 << 20);
    buf_init(&back, 4096);
    const struct bytes given[] = {bytes_text("one"), bytes_text(""), bytes_text("three")};
    ck_assert_int_eq(squeeze_parts(&squeezer, given, 3, &out), ERR_OK);
    ck_assert_int_eq(unsqueeze_parts(&squeezer, buf_bytes(&out), &back, parts), ERR_OK);
    ck_assert(bytes_is(parts[0], "one") && parts[1].size == 0 && bytes_is(parts[2], "three"));
    ck_assert_uint_eq(parts[3].size, 0);
    for (int round = 0; round < 3000; round++) {
        uint8_t hostile[64];
        size_t size = out.size < sizeof(hostile) ? out.size : sizeof(hostile);
        memcpy(hostile, out.at, size);
        hostile[(size_t)rand_r(&seed) % size] = (uint8_t)rand_r(&seed);
        if (unsqueeze_parts(&squeezer, bytes_of(hostile, size), &back, parts) != ERR_OK)
            continue;
        for (size_t i = 0; i < PARTS_MAX; i++)
            ck_assert_uint_le(parts[i].size, back.size);
    }
    ck_assert_int_eq(unsqueeze(&squeezer, bytes_of(NULL, 0), &back), ERR_MALFORMED);
    ck_assert_int_eq(unsqueeze(&squeezer, bytes_text("\x01nonsense"), &back), ERR_MALFORMED);
    // Larger than what is expected.
    static uint8_t zeros[8192];
    ck_assert_int_eq(squeeze(&squeezer, bytes_of(zeros, sizeof(zeros)), &out), ERR_OK);
    ck_assert_int_eq(unsqueeze(&squeezer, buf_bytes(&out), &back), ERR_TOO_BIG);
    buf_release(&out);
    buf_release(&back);
    squeezer_close(&squeezer);
}
END_TEST

// A hash of which several targets have each, and which sixteen of them crowd around one place, as
// chance would not have it.
static int64_t crowded(int64_t target) {
    int64_t value = target * 977 % 5003;
    return (int64_t)((uint64_t)(value / 16) * 0x9e3779b97f4a7c15u) + value % 16;
}

START_TEST(the_value_table_finds_what_was_added_and_gives_it_back_sorted) {
    enum { VALUES = 100000 };
    struct findex findex;
    findex_init(&findex);
    for (int64_t i = 1; i <= VALUES; i++) {
        struct findex_entry entry = {.hash = crowded(i), .target = i};
        findex_add(&findex, &entry, 1);
    }
    int64_t targets[64], hash = crowded(1);
    ck_assert_uint_eq(findex_look(&findex, hash, targets, 64), VALUES / 5003 + 1);
    for (size_t i = 0; i < VALUES / 5003 + 1; i++)
        ck_assert_int_eq(crowded(targets[i]), hash);
    ck_assert_uint_eq(findex_look(&findex, hash, targets, 3), VALUES / 5003 + 1);
    ck_assert_uint_eq(findex_look(&findex, hash + 16, targets, 64), 0);
    size_t count;
    struct findex_entry *entries = findex_sorted(&findex, &count);
    ck_assert_uint_eq(count, VALUES);
    for (size_t i = 1; i < count; i++)
        ck_assert(
            entries[i - 1].hash < entries[i].hash ||
            (entries[i - 1].hash == entries[i].hash && entries[i - 1].target < entries[i].target));
    mem_free(entries);
    findex_clear(&findex);
    ck_assert_uint_eq(findex_look(&findex, hash, targets, 64), 0);
    findex_release(&findex);
}
END_TEST

START_TEST(identifiers_are_packed_and_hostile_packs_end) {
    struct buf packed;
    char value[1025];
    struct bytes rest, found;
    int64_t kind;
    memset(value, 'v', 1024);
    value[1024] = 0;
    buf_init(&packed, 1 << 20);
    identifiers_put(&packed, 1, bytes_text(""));
    identifiers_put(&packed, 127, bytes_text("abc"));
    identifiers_put(&packed, 1000000, bytes_text(value));
    rest = buf_bytes(&packed);
    ck_assert(identifiers_next(&rest, &kind, &found) && kind == 1 && found.size == 0);
    ck_assert(identifiers_next(&rest, &kind, &found) && kind == 127 && bytes_is(found, "abc"));
    ck_assert(identifiers_next(&rest, &kind, &found) && kind == 1000000 && bytes_is(found, value));
    ck_assert(!identifiers_next(&rest, &kind, &found));
    rest = bytes_text("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    ck_assert(!identifiers_next(&rest, &kind, &found));
    rest = bytes_text("\x01\x7f"
                      "short");
    ck_assert(!identifiers_next(&rest, &kind, &found));
    buf_release(&packed);
}
END_TEST

START_TEST(the_name_cache_knows_every_key_until_it_is_full) {
    struct keymap map = {.capacity = 0};
    char key[32];
    int64_t value;
    ck_assert(!keymap_get(&map, bytes_text("a"), &value));
    for (int64_t i = 0; i < 20000; i++) {
        (void)snprintf(key, sizeof(key), "key-%lld", (long long)i);
        keymap_put(&map, bytes_text(key), i);
    }
    for (int64_t i = 0; i < 20000; i++) {
        (void)snprintf(key, sizeof(key), "key-%lld", (long long)i);
        ck_assert(keymap_get(&map, bytes_text(key), &value));
        ck_assert_int_eq(value, i);
    }
    ck_assert(!keymap_get(&map, bytes_text("key-20000"), &value));
    for (int64_t i = 0; i < KEYMAP_ENTRIES_MAX; i++) {
        (void)snprintf(key, sizeof(key), "more-%lld", (long long)i);
        keymap_put(&map, bytes_text(key), i);
    }
    ck_assert_uint_le(map.count, KEYMAP_ENTRIES_MAX);
    keymap_release(&map);
}
END_TEST

// A newline or a stray quote in an answer would break the user's JSONL.
START_TEST(what_the_writer_writes_is_json_on_one_line) {
    struct buf out;
    buf_init(&out, 1 << 16);
    struct writer writer = {.out = &out};
    writer_open(&writer, '{');
    put_json(&writer, "raw", bytes_text("{ \"a b\\\" \" : [1,\n 2,\t\"x\\ny  z\"] }\n"));
    put_json(&writer, "broken", bytes_text("{\"a\":"));
    put_text(&writer, "text", bytes_text("a\"\\\n\x01\xff"));
    put_i64(&writer, "number", INT64_MIN);
    put_text(&writer, "none", bytes_text(""));
    writer_name(&writer, "body");
    writer_json_or_text(&writer, bytes_text("not json"));
    writer_name(&writer, "headers");
    writer_headers(&writer, bytes_text("Date: now\r\nX-A: 1\r\nx-a:2\r\nnonsense\r\nEmpty:\r\n"));
    writer_close(&writer, '}');
    ck_assert_str_eq(buf_cstr(&out),
                     "{\"raw\":{\"a b\\\" \":[1,2,\"x\\ny  z\"]},\"broken\":null,"
                     "\"text\":\"a\\\"\\\\\\n\\u0001\\ufffd\",\"number\":-9223372036854775808,"
                     "\"none\":null,\"body\":\"not json\","
                     "\"headers\":{\"date\":\"now\",\"x-a\":[\"1\",\"2\"],\"empty\":\"\"}}");
    ck_assert(json_is_complete(buf_bytes(&out)));
    buf_release(&out);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("small");
    TCase *tests = tcase_create("small");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_is_squeezed_comes_out_as_it_was);
    tcase_add_test(tests, damaged_bytes_are_refused_or_stay_within_bounds);
    tcase_add_test(tests, the_value_table_finds_what_was_added_and_gives_it_back_sorted);
    tcase_add_test(tests, identifiers_are_packed_and_hostile_packs_end);
    tcase_add_test(tests, the_name_cache_knows_every_key_until_it_is_full);
    tcase_add_test(tests, what_the_writer_writes_is_json_on_one_line);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
