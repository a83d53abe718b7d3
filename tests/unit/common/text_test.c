#include "common/text.h"
#include "common/wire.h"

#include <check.h>
#include <string.h>

#define AE      "\xc3\xa4"         // two bytes
#define MEETING "\xe4\xbc\x9a"     // three
#define SMILE   "\xf0\x9f\x98\x80" // four

// An answer with half a character in it is no envelope: who asked would hear nothing, for ever.
START_TEST(a_text_is_cut_before_the_character_that_does_not_fit) {
    struct bytes text = bytes_text("a" AE MEETING SMILE "z");
    static const size_t sizes[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct bytes part = bytes_cut(text, i);
        ck_assert_uint_eq(part.size, sizes[i]);
        ck_assert_ptr_eq(part.at, text.at);
        ck_assert_int_eq(text_fit((const char *)text.at, (int)i), (int)sizes[i]);
    }
    ck_assert_uint_eq(bytes_cut(bytes_of(NULL, 0), 5).size, 0);
    ck_assert_int_eq(text_fit("", 5), 0);
}
END_TEST

START_TEST(what_is_printed_ends_with_a_whole_character_wherever_its_room_ends) {
    static const char *const text = "a" AE MEETING SMILE "z";
    static const size_t sizes[] = {0, 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    char to[16];
    for (size_t room = 1; room < sizeof(sizes) / sizeof(sizes[0]); room++) {
        memset(to, 'x', sizeof(to));
        text_print(to, room, "%s", text);
        ck_assert_uint_eq(strlen(to), sizes[room]);
        ck_assert_int_eq(strncmp(to, text, sizes[room]), 0);
        ck_assert_int_eq(to[room], 'x');
    }
}
END_TEST

START_TEST(what_is_no_text_is_printed_as_one) {
    static const char *const broken[][2] = {
        {"\xff", "?"},           {"a\x80z", "a?z"},    {"a\xc3", "a?"},
        {"\xe4\xbc", "??"},      {"\xe4\xbcz", "??z"}, {"\xf0\x9f\x98 " AE, "??? " AE},
        {"\xed\xa0\x80", "???"},
    };
    char to[32];
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        text_print(to, sizeof(to), "%s", broken[i][0]);
        ck_assert_str_eq(to, broken[i][1]);
        ck_assert(utf8_is_valid(bytes_text(to)));
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("text");
    TCase *tests = tcase_create("text");
    tcase_add_test(tests, a_text_is_cut_before_the_character_that_does_not_fit);
    tcase_add_test(tests, what_is_printed_ends_with_a_whole_character_wherever_its_room_ends);
    tcase_add_test(tests, what_is_no_text_is_printed_as_one);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
