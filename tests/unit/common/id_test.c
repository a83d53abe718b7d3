// Names that nobody else has, that sort by their birth, and that read back as they were written.

#include "common/id.h"

#include <check.h>
#include <stdlib.h>

static const int64_t SOME_MS = 1700000000000;

// A job's id is given once, in bursts of thousands a millisecond, and lists sort by it.
START_TEST(new_ids_only_grow) {
    struct id last = uuid_new(SOME_MS);
    for (int i = 0; i < 100000; i++) {
        struct id next = uuid_new(SOME_MS + i / 1000);
        ck_assert_int_lt(memcmp(last.at, next.at, sizeof(next.at)), 0);
        last = next;
    }
}
END_TEST

// A clock that is set back must not bring back ids that were given already.
START_TEST(a_clock_that_goes_back_does_not_take_the_ids_back) {
    struct id last = uuid_new(SOME_MS);
    struct id next = uuid_new(SOME_MS - 3600 * 1000);
    ck_assert_int_lt(memcmp(last.at, next.at, sizeof(next.at)), 0);
}
END_TEST

START_TEST(a_new_id_is_a_uuid_of_version_7_with_its_time) {
    struct id id = uuid_new(SOME_MS);
    ck_assert_uint_eq(id.at[6] >> 4, 7);
    ck_assert_uint_eq(id.at[8] >> 6, 2);
    ck_assert_uint_eq(bytes_u64(id.at) >> 16, (uint64_t)SOME_MS);
}
END_TEST

// Two processes make ids in the same millisecond.
START_TEST(below_the_time_an_id_is_random) {
    struct id seen[64];
    for (int i = 0; i < 64; i++) {
        seen[i] = uuid_new(SOME_MS + i); // each millisecond starts at a random place
        for (int k = 0; k < i; k++)
            ck_assert_int_ne(memcmp(seen[i].at + 8, seen[k].at + 8, 8), 0);
    }
}
END_TEST

// Ingress keeps nothing: after a restart a conversation's name must lead to the same id.
START_TEST(a_name_gives_the_same_id_for_ever_and_another_name_another) {
    struct id space = {{1, 2, 3}};
    struct id other = {{1, 2, 4}};
    struct id id = uuid_named(space, bytes_text("c1"));
    ck_assert(id_equal(id, uuid_named(space, bytes_text("c1"))));
    ck_assert(!id_equal(id, uuid_named(space, bytes_text("c2"))));
    ck_assert(!id_equal(id, uuid_named(other, bytes_text("c1"))));
    ck_assert_uint_eq(id.at[6] >> 4, 8);
    ck_assert_uint_eq(id.at[8] >> 6, 2);
    char text[UUID_TEXT_SIZE];
    uuid_text(id, text);
    // Of SHA-256 over the 16 bytes of space and "c1": it must not change between versions.
    ck_assert_str_eq(text, "adf115e8-9a51-8aa1-bc1b-8c2de73678c6");
}
END_TEST

START_TEST(what_is_written_reads_back) {
    for (int i = 0; i < 1000; i++) {
        struct id id;
        struct id read;
        char text[UUID_TEXT_SIZE];
        char digits[ID_HEX_SIZE];
        bytes_put_u64(id.at, random_u64());
        bytes_put_u64(id.at + 8, random_u64());
        uuid_text(id, text);
        ck_assert_uint_eq(strlen(text), 36);
        ck_assert(id_parse(bytes_text(text), &read) && id_equal(read, id));
        id_hex(id, digits);
        ck_assert_uint_eq(strlen(digits), 32);
        ck_assert(id_parse(bytes_text(digits), &read) && id_equal(read, id));
    }
}
END_TEST

START_TEST(either_case_is_read_and_lower_case_is_written) {
    struct id id;
    char text[UUID_TEXT_SIZE];
    ck_assert(id_parse(bytes_text("018F0A1B-2C3D-7E4F-8A5B-6C7D8E9FABCD"), &id));
    uuid_text(id, text);
    ck_assert_str_eq(text, "018f0a1b-2c3d-7e4f-8a5b-6c7d8e9fabcd");
}
END_TEST

// An identifier from a provider may look like one of ours; what is not one must not pass.
START_TEST(what_is_not_an_id_is_not_read) {
    static const char *const texts[] = {
        "",
        "018f0a1b-2c3d-7e4f-8a5b-6c7d8e9fabc",
        "018f0a1b-2c3d-7e4f-8a5b-6c7d8e9fabcde",
        "018f0a1b-2c3d-7e4f-8a5b-6c7d8e9fabcg",
        "018f0a1b 2c3d-7e4f-8a5b-6c7d8e9fabcd",
        "018f0a1b2-c3d-7e4f-8a5b-6c7d8e9fabcd",
        "018f0a1b2c3d7e4f8a5b6c7d8e9fabc",
        "018f0a1b2c3d7e4f8a5b6c7d8e9fabc-",
        "@18f0a1b2c3d7e4f8a5b6c7d8e9fabcd",
    };
    struct id kept = {{9}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct id id = kept;
        ck_assert_msg(!id_parse(bytes_text(texts[i]), &id), "read: %s", texts[i]);
        ck_assert(id_equal(id, kept));
    }
}
END_TEST

// The ledger's rows are found by call id, and the newest are looked at most: they must sort.
START_TEST(call_ids_sort_by_the_count_of_marks) {
    struct id last = call_id_make(0, UINT64_MAX);
    for (uint64_t counter = 1; counter < 1 << 20; counter = counter * 3 + 1) {
        struct id call = call_id_make(counter, random_u64());
        ck_assert_int_lt(memcmp(last.at, call.at, sizeof(call.at)), 0);
        ck_assert_uint_eq(call_id_counter(call), counter);
        last = call;
    }
}
END_TEST

// The digest of a submission is taken line by line and compared with one taken at once.
START_TEST(a_digest_taken_in_parts_is_the_digest_of_the_whole) {
    struct hasher hasher;
    char text[DIGEST_HEX_SIZE];
    hasher_open(&hasher);
    hasher_add(&hasher, "", 0);
    digest_hex(hasher_peek(&hasher), text);
    ck_assert_str_eq(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hasher_add(&hasher, "a", 1);
    ck_assert(digest_equal(hasher_peek(&hasher), digest_of(bytes_text("a"))));
    hasher_add(&hasher, "bc", 2);
    digest_hex(hasher_peek(&hasher), text);
    ck_assert_str_eq(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hasher_close(&hasher);
    hasher_close(&hasher);
    ck_assert(digest_equal(digest_of(bytes_of(NULL, 0)), digest_of(bytes_text(""))));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("id");
    TCase *tcase = tcase_create("ids and digests");
    tcase_add_test(tcase, new_ids_only_grow);
    tcase_add_test(tcase, a_clock_that_goes_back_does_not_take_the_ids_back);
    tcase_add_test(tcase, a_new_id_is_a_uuid_of_version_7_with_its_time);
    tcase_add_test(tcase, below_the_time_an_id_is_random);
    tcase_add_test(tcase, a_name_gives_the_same_id_for_ever_and_another_name_another);
    tcase_add_test(tcase, what_is_written_reads_back);
    tcase_add_test(tcase, either_case_is_read_and_lower_case_is_written);
    tcase_add_test(tcase, what_is_not_an_id_is_not_read);
    tcase_add_test(tcase, call_ids_sort_by_the_count_of_marks);
    tcase_add_test(tcase, a_digest_taken_in_parts_is_the_digest_of_the_whole);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
