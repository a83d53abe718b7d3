// The reserve file: there when the disk has room, given up when it has not, and back by itself.
#include "common/reserve.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 4 << 20 };
#define MORE_THAN_ANY_DISK (1ull << 50)

static char folder[64], path[128];

static void setup(void) {
    (void)snprintf(folder, sizeof(folder), "/tmp/colloq-reserve-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/store.reserve", folder);
}

static void teardown(void) {
    (void)unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); // nothing else was left there
}

// The bytes that the file keeps from others; 0: it is not there.
static uint64_t held(void) {
    struct stat file;
    return stat(path, &file) == 0 ? (uint64_t)file.st_blocks * 512 : 0;
}

// ---- the rule -----------------------------------------------------------------------------------

static bool is_short(bool is_closed, bool is_start, uint64_t free_bytes, uint64_t held_bytes) {
    struct reserve reserve = {.bytes = 100, .is_closed = is_closed};
    return reserve_is_short(&reserve, is_start, free_bytes, held_bytes);
}

// A start beside a reserve, with less than its size free, is a start on a full disk.
START_TEST(a_start_needs_as_much_beside_the_reserve_as_it_has) {
    ck_assert(is_short(false, true, 99, 100));
    ck_assert(!is_short(false, true, 100, 100));
    ck_assert(is_short(false, true, 199, 0)); // the first start: the file has to be made as well
    ck_assert(!is_short(false, true, 200, 0));
}
END_TEST

// Between closing and opening lies a distance, or the file would come and go every second.
START_TEST(what_runs_closes_late_and_opens_late) {
    ck_assert(!is_short(false, false, 50, 100));
    ck_assert(is_short(false, false, 49, 100));
    ck_assert(is_short(true, false, 149, 0)); // the reserve's own room does not open it
    ck_assert(is_short(true, false, 199, 0));
    ck_assert(!is_short(true, false, 200, 0));
}
END_TEST

START_TEST(without_a_reserve_nothing_closes) {
    struct reserve reserve = {.bytes = 0};
    ck_assert(!reserve_is_short(&reserve, true, 0, 0));
    ck_assert(!reserve_is_short(&reserve, false, 0, 0));
}
END_TEST

// ---- the file -----------------------------------------------------------------------------------

// A file with a hole in it would keep nothing from anybody.
START_TEST(the_file_is_made_with_all_its_blocks_and_stays) {
    struct reserve reserve;
    reserve_open(&reserve, path, SIZE, 0);
    ck_assert(!reserve.is_closed);
    ck_assert_uint_ge(held(), SIZE);
    ck_assert_uint_ge(reserve.free_bytes, SIZE);
    reserve_open(&reserve, path, SIZE, 0);
    ck_assert(!reserve.is_closed);
    ck_assert_uint_ge(held(), SIZE);
}
END_TEST

START_TEST(a_file_of_another_size_gets_its_size) {
    struct reserve reserve;
    reserve_open(&reserve, path, SIZE, 0);
    reserve_open(&reserve, path, 2 * SIZE, 0);
    ck_assert_uint_ge(held(), 2 * SIZE);
}
END_TEST

// More than the disk has: as it is on a full one.
START_TEST(a_full_disk_closes_and_the_file_is_given_up) {
    struct reserve reserve;
    reserve_open(&reserve, path, SIZE, 0);
    reserve_open(&reserve, path, MORE_THAN_ANY_DISK, 0);
    ck_assert(reserve.is_closed);
    ck_assert_uint_eq(held(), 0);
    ck_assert_uint_gt(reserve_needs(&reserve), reserve.free_bytes);
}
END_TEST

// It must open by itself, and the disk must not be asked in every turn.
START_TEST(it_looks_once_a_second_and_opens_by_itself) {
    struct reserve reserve;
    reserve_open(&reserve, path, MORE_THAN_ANY_DISK, 5000);
    reserve.bytes = SIZE; // as if the disk had got its room back
    ck_assert(!reserve_look(&reserve, 5000 + RESERVE_LOOK_MS - 1));
    ck_assert(reserve.is_closed);
    ck_assert(reserve_look(&reserve, 5000 + RESERVE_LOOK_MS));
    ck_assert(!reserve.is_closed);
    ck_assert_uint_ge(held(), SIZE);
    ck_assert(!reserve_look(&reserve, 5000 + RESERVE_LOOK_MS + 1));
}
END_TEST

START_TEST(a_file_that_somebody_took_away_is_made_again) {
    struct reserve reserve;
    reserve_open(&reserve, path, SIZE, 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert(reserve_look(&reserve, RESERVE_LOOK_MS));
    ck_assert(!reserve.is_closed);
    ck_assert_uint_ge(held(), SIZE);
}
END_TEST

START_TEST(no_reserve_leaves_no_file) {
    struct reserve reserve;
    reserve_open(&reserve, path, 0, 0);
    ck_assert(!reserve.is_closed);
    ck_assert_uint_eq(held(), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("reserve");
    TCase *tcase = tcase_create("the reserve file");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_start_needs_as_much_beside_the_reserve_as_it_has);
    tcase_add_test(tcase, what_runs_closes_late_and_opens_late);
    tcase_add_test(tcase, without_a_reserve_nothing_closes);
    tcase_add_test(tcase, the_file_is_made_with_all_its_blocks_and_stays);
    tcase_add_test(tcase, a_file_of_another_size_gets_its_size);
    tcase_add_test(tcase, a_full_disk_closes_and_the_file_is_given_up);
    tcase_add_test(tcase, it_looks_once_a_second_and_opens_by_itself);
    tcase_add_test(tcase, a_file_that_somebody_took_away_is_made_again);
    tcase_add_test(tcase, no_reserve_leaves_no_file);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
