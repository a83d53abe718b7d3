// Which fields the recorded answers hold, whatever they hold.
#include "tests/unit/accountant/world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct world world;
static struct buf metadata;

static void set_up(void) {
    world_open(&world);
    buf_init(&metadata, ANSWER_BYTES_MAX);
}

static void tear_down(void) {
    buf_release(&metadata);
    world_close(&world);
}

// An answer of which the metadata is what stands in the buffer.
static void tell(uint64_t n) {
    struct telling t;
    telling_answered(&world, &t, n, NULL, 1);
    t.facts.metadata = buf_bytes(&metadata);
    (void)world_tell(&world, &t);
    telling_release(&t);
}

// How many of the answers hold the place.
static json_int_t answers_with(json_t *answer, const char *place) {
    size_t i;
    json_t *field, *api = json_array_get(json_object_get(answer, "apis"), 0);
    json_array_foreach(json_object_get(api, "fields"), i, field) {
        if (strcmp(json_string_value(json_object_get(field, "place")), place) == 0)
            return json_integer_value(json_object_get(field, "answers"));
    }
    return 0;
}

static void put_many(const char *text, unsigned times) {
    for (unsigned i = 0; i < times; i++)
        buf_text(&metadata, text);
}

START_TEST(a_place_is_counted_once_an_answer_whatever_its_number_in_a_list) {
    buf_text(&metadata, "{\"id\":\"r\",\"choices\":[{\"index\":0},{\"index\":1}],\"none\":{}}");
    tell(1);
    buf_reset(&metadata);
    buf_text(&metadata, "{\"id\":\"r\"}");
    tell(2);
    json_t *answer = world_ask(&world, "answer.fields", "{}");
    ck_assert_int_eq(answers_with(answer, "$.id"), 2);
    ck_assert_int_eq(answers_with(answer, "$.choices[*].index"), 1);
    ck_assert_int_eq(answers_with(answer, "$.none"), 1);
    json_decref(answer);
}
END_TEST

// Half a character names no place, and a place that is refused is freed.
START_TEST(a_long_place_is_cut_between_two_characters) {
    for (int before = 500; before < 512; before++) {
        char place[640] = "$.";
        memset(place + 2, 'a', (size_t)before);
        place[2 + before] = 0;
        buf_reset(&metadata);
        buf_printf(&metadata, "{\"%s", place + 2);
        put_many("会", 20);
        buf_text(&metadata, "\":1}");
        tell((uint64_t)before);
        json_t *answer = world_ask(&world, "answer.fields", "{\"limit\":1}");
        for (size_t size = strlen(place); size + 3 <= 508; size += 3)
            (void)snprintf(place + size, sizeof(place) - size, "会");
        place[508] = 0;
        ck_assert_int_eq(answers_with(answer, place), 1);
        json_decref(answer);
    }
}
END_TEST

// Where each place is found by walking there from the left, this takes a day.
START_TEST(an_answer_of_a_million_leaves_is_counted) {
    buf_text(&metadata, "{\"list\":[0");
    put_many(",0", 1000000);
    buf_text(&metadata, "],\"last\":0}");
    tell(1);
    json_t *answer = world_ask(&world, "answer.fields", "{}");
    ck_assert_int_eq(answers_with(answer, "$.list[*]"), 1);
    ck_assert_int_eq(answers_with(answer, "$.last"), 1);
    json_decref(answer);
}
END_TEST

// Its place is written nowhere; it is not looked through for each leaf below it either.
START_TEST(a_name_that_is_longer_than_any_place_stands_above_many_leaves) {
    buf_text(&metadata, "{\"");
    put_many("a", 4000000);
    buf_text(&metadata, "\":[0");
    put_many(",0", 500000);
    buf_text(&metadata, "]}");
    tell(1);
    json_t *answer = world_ask(&world, "answer.fields", "{}");
    ck_assert_int_eq(answers_with(answer, "$"), 1);
    json_decref(answer);
}
END_TEST

// The statements are short here; the work is between them.
START_TEST(counting_ends_at_the_deadline_of_the_question) {
    buf_text(&metadata, "{\"id\":\"r\"}");
    tell(1);
    struct buf out;
    buf_init(&out, 1 << 16);
    struct writer writer = {.out = &out};
    writer_open(&writer, '{');
    db_deadline(&world.inquirer.db, 1); // long past
    ck_assert_int_eq(query_answer_fields(&world.inquirer, &writer), EX_TEMPFAIL);
    db_deadline(&world.inquirer.db, 0);
    ck_assert_int_eq(query_answer_fields(&world.inquirer, &writer), 0);
    buf_release(&out);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("fields");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, a_place_is_counted_once_an_answer_whatever_its_number_in_a_list);
    tcase_add_test(all, a_long_place_is_cut_between_two_characters);
    tcase_add_test(all, an_answer_of_a_million_leaves_is_counted);
    tcase_add_test(all, a_name_that_is_longer_than_any_place_stands_above_many_leaves);
    tcase_add_test(all, counting_ends_at_the_deadline_of_the_question);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
