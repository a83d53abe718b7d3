// A document that grows out of pieces of others.
#include "common/json_grow.h"
#include "common/mem.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct grown grown;
static struct json_scan scan;
static struct buf out;

static void set_up(void) {
    grown_init(&grown);
    json_scan_init(&scan);
    buf_init(&out, 1 << 20);
}

static void tear_down(void) {
    grown_release(&grown);
    json_scan_release(&scan);
    buf_release(&out);
}

static const char *says(void) {
    buf_reset(&out);
    grown_put(&grown, 0, &out);
    return buf_cstr(&out);
}

static void scan_text(const char *text) {
    ck_assert_int_eq(json_scan(&scan, bytes_text(text), NULL), ERR_OK);
}

// Takes the member "v" of a document into the member "a" of what grows.
static uint32_t from(const char *text) {
    scan_text(text);
    return json_find(&scan, 0, "v");
}

static void add(const char *text) {
    static const char *const whole[] = {"id", NULL};
    uint32_t node = from(text);
    grown_add(&grown, grown_member(&grown, 0, "a"), &scan, node, whole);
    ck_assert(scan.nodes[node].is_marked);
}

// A half of a character, a digit too few or a reordered member would be another answer.
START_TEST(pieces_of_texts_become_one) {
    ck_assert_str_eq(says(), "null");
    add("{\"v\":\"a\\ud834\"}");
    add("{\"v\":\"\\udd1e\\n\"}");
    add("{\"v\":null}");
    add("{\"v\":\"\"}");
    add("{\"v\":\"\xc3\xa4\"}");
    ck_assert_str_eq(says(), "{\"a\":\"a\\ud834\\udd1e\\n\xc3\xa4\"}");
}
END_TEST

START_TEST(pieces_of_lists_find_their_element) {
    add("{\"v\":{\"calls\":[{\"index\":1,\"id\":\"b\",\"f\":{\"x\":\"1\"}}],\"n\":1.10}}");
    add("{\"v\":{\"calls\":[{\"index\":0,\"id\":\"a\"},{\"index\":1,\"id\":\"\",\"f\":{\"x\":\"2\"}"
        "}]}}");
    add("{\"v\":{\"calls\":[{\"index\":1,\"id\":\"b\",\"f\":{\"x\":\"3\"}}],\"n\":2.0,\"l\":[1]}}");
    add("{\"v\":{\"calls\":null,\"n\":null,\"l\":[[2],{\"k\":{}}],\"e\":[]}}");
    ck_assert_str_eq(says(),
                     "{\"a\":{\"calls\":[{\"id\":\"a\"},{\"id\":\"b\",\"f\":{\"x\":\"123\"}}],"
                     "\"n\":2.0,\"l\":[1,[2],{\"k\":{}}],\"e\":[]}}");
}
END_TEST

START_TEST(what_is_joined_takes_the_place_of_what_was_there_unless_it_is_null) {
    static const char *const texts[] = {
        "{\"v\":{\"in\":10,\"out\":1,\"more\":{\"x\":1,\"y\":[1,2]},\"tier\":\"a\"}}",
        "{\"v\":{\"in\":null,\"out\":5e1,\"more\":{\"y\":[3],\"z\":null},\"tier\":\"\"}}",
    };
    for (size_t i = 0; i < 2; i++) {
        uint32_t node = from(texts[i]);
        grown_merge(&grown, grown_member(&grown, 0, "a"), &scan, node);
    }
    ck_assert_str_eq(says(),
                     "{\"a\":{\"in\":10,\"out\":5e1,\"more\":{\"x\":1,\"y\":[3],\"z\":null},"
                     "\"tier\":\"\"}}");
}
END_TEST

START_TEST(a_name_that_comes_empty_changes_nothing) {
    static const char *const texts[] = {"{\"v\":\"\"}", "{\"v\":\"id-1\"}", "{\"v\":null}",
                                        "{\"v\":\"\"}"};
    static const char *const expected[] = {"{\"a\":\"\"}", "{\"a\":\"id-1\"}", "{\"a\":\"id-1\"}",
                                           "{\"a\":\"id-1\"}"};
    for (size_t i = 0; i < 4; i++) {
        uint32_t node = from(texts[i]);
        grown_keep(&grown, grown_member(&grown, 0, "a"), &scan, node);
        ck_assert_str_eq(says(), expected[i]);
    }
    uint32_t node = from("{\"v\":{\"b\":[{}]}}");
    grown_set(&grown, grown_member(&grown, 0, "a"), &scan, node);
    ck_assert_str_eq(says(), "{\"a\":{\"b\":[{}]}}");
    grown_set(&grown, grown_member(&grown, 0, "a"), &scan, 0); // nothing to take
    ck_assert_str_eq(says(), "{\"a\":{\"b\":[{}]}}");
    ck_assert(grown_set_json(&grown, grown_member(&grown, 0, "a"), bytes_text("[1]")));
    ck_assert(!grown_set_json(&grown, grown_member(&grown, 0, "a"), bytes_text("[1")));
    grown_set_text(&grown, grown_member(&grown, 0, "b"), "q\"");
    ck_assert_str_eq(says(), "{\"a\":[1],\"b\":\"q\\\"\"}");
}
END_TEST

// Whatever nobody took in is there, as it was said the last time.
START_TEST(what_is_left_over_is_kept) {
    scan_text("{\"t\":1,\"u\":{\"x\":1,\"y\":2},\"l\":[{\"m\":1,\"n\":1},{\"m\":2}],\"e\":{}}");
    scan.nodes[json_find(&scan, 0, "t")].is_marked = true;
    scan.nodes[json_find(&scan, json_find(&scan, 0, "u"), "x")].is_marked = true;
    uint32_t list = json_find(&scan, 0, "l");
    scan.nodes[json_find(&scan, list + 1, "m")].is_marked = true;
    grown_rest(&grown, 0, &scan);
    ck_assert_str_eq(says(), "{\"u\":{\"y\":2},\"l\":[{\"n\":1},{\"m\":2}],\"e\":{}}");
    scan_text("{\"u\":{\"y\":null},\"l\":[{\"n\":5}]}");
    grown_rest(&grown, 0, &scan);
    ck_assert_str_eq(says(), "{\"u\":{\"y\":null},\"l\":[{\"n\":5},{\"m\":2}],\"e\":{}}");
    scan_text("{\"u\":{\"z\":1}}");
    scan.nodes[json_find(&scan, json_find(&scan, 0, "u"), "z")].is_marked = true;
    grown_rest(&grown, 0, &scan);
    ck_assert_str_eq(says(), "{\"u\":{\"y\":null},\"l\":[{\"n\":5},{\"m\":2}],\"e\":{}}");
}
END_TEST

// An object with members m0, m1 …, written forward or backward, each with a list of its own.
static void write_members(struct buf *to, unsigned count, bool backward) {
    buf_reset(to);
    for (unsigned i = 0; i < count; i++)
        buf_printf(to, "%s\"m%u\":[1]", i ? "," : "{\"v\":{", backward ? count - i : i + 1);
    buf_text(to, "}}");
}

static void merge_members(unsigned count, bool backward) {
    struct buf text;
    buf_init(&text, 1 << 20);
    write_members(&text, count, backward);
    ck_assert_int_eq(json_scan(&scan, buf_bytes(&text), NULL), ERR_OK);
    grown_merge(&grown, grown_member(&grown, 0, "a"), &scan, json_find(&scan, 0, "v"));
    buf_release(&text);
}

// What comes again in its order costs one step each, however much there is: every event of a
// stream may say it.
START_TEST(what_is_repeated_is_found_at_once) {
    enum { MEMBERS = 2000, ELEMENTS = 20000 };
    uint32_t node = from("{\"v\":null}");
    grown_set(&grown, grown_member(&grown, 0, "a"), &scan, node);
    struct buf text;
    buf_init(&text, 1 << 20);
    write_members(&text, MEMBERS, false);
    ck_assert_int_eq(json_scan(&scan, buf_bytes(&text), NULL), ERR_OK);
    grown_set(&grown, grown_member(&grown, 0, "a"), &scan, json_find(&scan, 0, "v"));
    uint32_t before = grown.work;
    for (unsigned i = 0; i < 10; i++)
        merge_members(MEMBERS, false);
    ck_assert_uint_le(grown.work - before, 10 * 2 * MEMBERS + 100);
    buf_reset(&text);
    for (unsigned i = 0; i < ELEMENTS; i++)
        buf_text(&text, i ? ",1" : "{\"l\":[1");
    buf_text(&text, "]}");
    before = grown.work;
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_int_eq(json_scan(&scan, buf_bytes(&text), NULL), ERR_OK);
        grown_rest(&grown, grown_member(&grown, 0, "rest"), &scan);
    }
    ck_assert_uint_le(grown.work - before, 10 * 2 * ELEMENTS + 100);
    ck_assert_int_eq(grown_state(&grown), ERR_OK);
    buf_release(&text);
}
END_TEST

// A stranger's stream may repeat its names in an order in which each costs a walk past all others,
// or name elements backward.
START_TEST(a_document_that_takes_too_many_steps_says_so) {
    enum { MEMBERS = 4000 };
    unsigned times = 0;
    merge_members(MEMBERS, false);
    for (; times < 10 && grown_state(&grown) == ERR_OK; times++)
        merge_members(MEMBERS, true);
    ck_assert_int_eq(grown_state(&grown), ERR_TOO_BIG);
    ck_assert_uint_le(grown.work, GROWN_WORK_MAX);
    add("{\"v\":[{\"index\":0}]}"); // harmless from then on
    ck_assert_str_eq(says(), "");
    grown_reset(&grown);
    ck_assert_int_eq(grown_state(&grown), ERR_OK);
    ck_assert_uint_eq(grown.work, 0);
    for (uint32_t key = 0; key < 20000 && grown_state(&grown) == ERR_OK; key++)
        (void)grown_element(&grown, grown_member(&grown, 0, "a"), key % 2 ? key : 40000 - key);
    ck_assert_int_eq(grown_state(&grown), ERR_TOO_BIG);
    ck_assert_uint_le(grown.work, GROWN_WORK_MAX);
}
END_TEST

// One huge answer must not make the process huge for ever.
START_TEST(much_memory_is_given_back) {
    uint32_t list = grown_member(&grown, 0, "a");
    for (uint32_t key = 0; key < 200000; key++)
        grown_set_text(&grown, grown_element(&grown, list, key), "a text and more of it");
    ck_assert_int_eq(grown_state(&grown), ERR_OK);
    uint32_t nodes = grown.capacity, pieces = grown.piece_capacity;
    size_t bytes = grown.pool.capacity;
    grown_reset(&grown);
    ck_assert_uint_lt(grown.capacity, nodes / 100);
    ck_assert_uint_lt(grown.piece_capacity, pieces / 100);
    ck_assert_uint_lt(grown.pool.capacity, bytes / 100);
    add("{\"v\":1}");
    ck_assert_str_eq(says(), "{\"a\":1}");
}
END_TEST

// Only what is said to grow does: a state that is told again is another state, and no longer text.
START_TEST(only_what_is_said_to_grow_does) {
    static const char *const grows[] = {"text", NULL}, *const placed[] = {"calls", NULL};
    static const struct grown_growth growth = {.grows = grows, .placed = placed};
    static const char *const texts[] = {
        "{\"v\":{\"text\":\"a\",\"state\":\"on\",\"calls\":[{\"index\":0,\"text\":\"x\"}],"
        "\"notes\":[{\"index\":4,\"url\":\"u\",\"text\":\"1\"}]}}",
        "{\"v\":{\"text\":\"b\",\"state\":\"off\",\"calls\":[{\"index\":0,\"text\":\"y\"}],"
        "\"notes\":[{\"index\":4,\"url\":\"u\",\"text\":\"2\"}]}}",
        "{\"v\":{\"state\":\"\",\"text\":\"\"}}"};
    for (size_t i = 0; i < 3; i++) {
        uint32_t node = from(texts[i]);
        grown_grow(&grown, grown_member(&grown, 0, "a"), &scan, node, &growth);
    }
    ck_assert_str_eq(says(),
                     "{\"a\":{\"text\":\"ab\",\"state\":\"off\",\"calls\":[{\"text\":\"xy\"}],"
                     "\"notes\":[{\"index\":4,\"url\":\"u\",\"text\":\"12\"}]}}");
}
END_TEST

// What would make the document too deep to be read is not put in.
START_TEST(a_text_that_nests_too_deep_where_it_stands_is_refused) {
    char text[2 * JSON_DEPTH_MAX + 1];
    uint32_t place = grown_member(&grown, grown_member(&grown, 0, "a"), "b");
    for (unsigned depth = JSON_DEPTH_MAX - 2; depth <= JSON_DEPTH_MAX; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        bool fits = depth + 2 <= JSON_DEPTH_MAX;
        ck_assert_int_eq(grown_set_json(&grown, place, bytes_of(text, 2 * (size_t)depth)), fits);
    }
    buf_reset(&out);
    grown_put(&grown, 0, &out);
    ck_assert_int_eq(json_scan(&scan, buf_bytes(&out), NULL), ERR_OK);
}
END_TEST

static void grow_calls(const char *text) {
    static const char *const grows[] = {"arguments", NULL};
    static const struct grown_growth growth = {.grows = grows};
    uint32_t node = from(text);
    grown_grow(&grown, grown_member(&grown, 0, "a"), &scan, node, &growth);
}

// Some servers leave names empty in the first piece. Nothing is kept of an empty text, in memory
// that was used before and may look like one of any length: the call would be torn in two, or what
// is nowhere compared.
START_TEST(a_name_that_was_empty_at_first_tears_nothing_apart) {
    grown.pieces[0] = (struct grown_piece){.size = 1};
    grown_reset(&grown);
    grow_calls("{\"v\":[{\"index\":0,\"id\":\"\",\"type\":\"\",\"function\":{\"name\":\"f\","
               "\"arguments\":\"{\"}}]}");
    grow_calls("{\"v\":[{\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":"
               "\"f\",\"arguments\":\"}\"}}]}");
    ck_assert_str_eq(says(), "{\"a\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":"
                             "\"f\",\"arguments\":\"{}\"}}]}");
}
END_TEST

// Joined, neither could be made: the one would have lost its name, and the arguments be those of
// both.
START_TEST(calls_of_two_functions_are_two_whatever_their_index_and_ids) {
    grow_calls("{\"v\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"1\"}}]}");
    grow_calls("{\"v\":[{\"index\":0,\"function\":{\"arguments\":\"2\"}}]}");
    grow_calls("{\"v\":[{\"index\":0,\"function\":{\"name\":\"g\",\"arguments\":\"3\"}}]}");
    grow_calls("{\"v\":[{\"index\":0,\"function\":{\"name\":\"g\",\"arguments\":\"4\"}}]}");
    ck_assert_str_eq(says(), "{\"a\":[{\"function\":{\"name\":\"f\",\"arguments\":\"12\"}},"
                             "{\"function\":{\"name\":\"g\",\"arguments\":\"34\"}}]}");
}
END_TEST

START_TEST(a_document_says_how_deep_it_is) {
    static const struct {
        const char *text;
        unsigned depth;
    } cases[] = {{"1", 0},
                 {"[]", 1},
                 {"{\"a\":[[],1],\"b\":2}", 3},
                 {"[{\"a\":1},[[[1]]],{\"b\":[{}]},2]", 4},
                 {"{\"v\":{\"a\":{\"b\":{}},\"c\":[1,2]}}", 4}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        ck_assert(grown_set_json(&grown, 0, bytes_text(cases[i].text)));
        ck_assert_uint_eq(grown_depth(&grown), cases[i].depth);
    }
}
END_TEST

START_TEST(a_document_that_outgrows_its_bounds_says_so) {
    char *megabyte = mem_new((1 << 20) + 16);
    memset(megabyte, 'x', (1 << 20) + 8);
    memcpy(megabyte, "{\"v\":\"", 6);
    memcpy(megabyte + (1 << 20) + 6, "\"}", 2);
    unsigned pieces = 0;
    for (; pieces < 64 && grown_state(&grown) == ERR_OK; pieces++)
        add(megabyte);
    ck_assert_int_eq(grown_state(&grown), ERR_TOO_BIG);
    ck_assert_uint_eq(pieces, GROWN_BYTES_MAX / (1 << 20));
    mem_free(megabyte);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("json-grow");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, pieces_of_texts_become_one);
    tcase_add_test(tcase, pieces_of_lists_find_their_element);
    tcase_add_test(tcase, what_is_joined_takes_the_place_of_what_was_there_unless_it_is_null);
    tcase_add_test(tcase, a_name_that_comes_empty_changes_nothing);
    tcase_add_test(tcase, what_is_left_over_is_kept);
    tcase_add_test(tcase, what_is_repeated_is_found_at_once);
    tcase_add_test(tcase, a_document_that_takes_too_many_steps_says_so);
    tcase_add_test(tcase, much_memory_is_given_back);
    tcase_add_test(tcase, only_what_is_said_to_grow_does);
    tcase_add_test(tcase, a_text_that_nests_too_deep_where_it_stands_is_refused);
    tcase_add_test(tcase, a_name_that_was_empty_at_first_tears_nothing_apart);
    tcase_add_test(tcase, calls_of_two_functions_are_two_whatever_their_index_and_ids);
    tcase_add_test(tcase, a_document_says_how_deep_it_is);
    tcase_add_test(tcase, a_document_that_outgrows_its_bounds_says_so);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
