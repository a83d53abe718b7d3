// Paths say where a provider writes its identifiers; one that selects too much or too little
// files an identifier under the wrong name.

#include "common/jsonpath.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static const char document[] =
    "{\"id\":\"r\",\"choices\":[{\"message\":{\"tool_calls\":[{\"id\":\"a\"},{\"id\":\"b\"}]}},"
    "{\"message\":{\"tool_calls\":[{\"id\":\"c\"}]}},{\"message\":{\"content\":null}}],"
    "\"a "
    "b\":{\"it's\":1,\"q\\\"x\":2,\"caf\xc3\xa9\":3,\"\\u00e9\":4,\"\":5},\"empty\":[],\"x\":{}}";

struct found {
    struct buf text;
    const struct json_scan *scan;
};

static bool collect(void *context, const struct json_scan *scan, uint32_t node) {
    struct found *found = context;
    struct bytes raw = json_raw(scan, node);
    buf_printf(&found->text, "%s%.*s", buf_bytes(&found->text).size ? " " : "", (int)raw.size,
               (const char *)raw.at);
    return true;
}

static struct jsonpath *compiled(const char *text) {
    struct jsonpath *path = NULL;
    char error[128] = "";
    enum err e = jsonpath_new(bytes_text(text), &path, error, sizeof(error));
    ck_assert_msg(e == ERR_OK, "%s: %s", text, error);
    ck_assert_str_eq(jsonpath_text(path), text);
    return path;
}

START_TEST(a_path_selects_what_it_says) {
    static const struct {
        const char *path;
        const char *found;
    } cases[] = {
        {"$.id", "\"r\""},
        {"$['id']", "\"r\""},
        {"$[\"id\"]", "\"r\""},
        {"$.choices[0].message.tool_calls[1].id", "\"b\""},
        {"$.choices[*].message.tool_calls[*].id", "\"a\" \"b\" \"c\""},
        {"$.choices.*.message.tool_calls[0].id", "\"a\" \"c\""},
        {"$.choices[-2].message.tool_calls[-1].id", "\"c\""},
        {"$.choices[-4]", ""},
        {"$.choices[3]", ""},
        {"$.choices.message", ""},
        {"$.id[0]", ""},
        {"$.id.x", ""},
        {"$.empty[*]", ""},
        {"$.x.*", ""},
        {"$['a b']['it\\'s']", "1"},
        {"$[\"a b\"][\"it's\"]", "1"},
        {"$['a b']['q\"x']", "2"},
        {"$['a b'].caf\xc3\xa9", "3"},
        {"$['a b']['\xc3\xa9']", "4"},
        {"$['a b']['\\u00e9']", "4"},
        {"$['a b']['']", "5"},
        {"$[ 'a b' ].*", "1 2 3 4 5"},
        {"$.choices[2].message.content", "null"},
    };
    struct json_scan scan;
    json_scan_init(&scan);
    ck_assert_int_eq(json_scan(&scan, bytes_text(document), NULL), ERR_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct jsonpath *path = compiled(cases[i].path);
        struct found found = {.scan = &scan};
        buf_init(&found.text, 1 << 16);
        (void)jsonpath_each(path, &scan, collect, &found);
        ck_assert_msg(strcmp(buf_cstr(&found.text), cases[i].found) == 0, "%s: %s", cases[i].path,
                      buf_cstr(&found.text));
        uint32_t node;
        ck_assert_int_eq(jsonpath_first(path, &scan, &node), *cases[i].found != 0);
        buf_release(&found.text);
        jsonpath_free(path);
    }
    json_scan_release(&scan);
}
END_TEST

// A path that is not understood must not quietly select nothing, or something else.
START_TEST(what_is_no_path_is_refused_with_its_position) {
    static const struct {
        const char *path;
        const char *error;
    } cases[] = {
        {"", "position 1: a path begins with $"},
        {"id", "position 1: a path begins with $"},
        {" $", "position 1: a path begins with $"},
        {"$ ", "position 2: . or [ is expected"},
        {"$id", "position 2: . or [ is expected"},
        {"$.", "position 3: a name or * must follow the dot"},
        {"$. a", "position 3: a name or * must follow the dot"},
        {"$..", "position 4: a name, * or [ must follow the dots"},
        {"$...a", "position 4: a name, * or [ must follow the dots"},
        {"$.1a", "position 3: a name or * must follow the dot"},
        {"$.a b", "position 4: . or [ is expected"},
        {"$.\xff", "position 3: not UTF-8"},
        {"$['\xc3']", "position 4: not UTF-8"},
        {"$[", "position 3: a name in quotes, an index, a slice, * or ? is expected"},
        {"$[]", "position 3: a name in quotes, an index, a slice, * or ? is expected"},
        {"$[0", "position 4: , or ] is expected"},
        {"$[0,]", "position 5: a name in quotes, an index, a slice, * or ? is expected"},
        {"$[01]", "position 3: a number has no leading zero"},
        {"$[-0]", "position 4: a number is not -0"},
        {"$[1:-01]", "position 6: a number has no leading zero"},
        {"$[9007199254740992]", "position 3: the number is beyond 2^53 - 1"},
        {"$[-]", "position 4: a number is expected"},
        {"$[1.0]", "position 4: , or ] is expected"},
        {"$[1:2:3:4]", "position 8: , or ] is expected"},
        {"$['a", "position 5: the quote is not closed"},
        {"$['a\n']", "position 5: a control character"},
        {"$['\\q']", "position 4: not an escape"},
        {"$['\\\"']", "position 4: not an escape"},
        {"$[\"\\'\"]", "position 4: not an escape"},
        {"$['\\ud800']", "position 4: not an escape"},
        {"$['\\udd1e\\ud834']", "position 4: not an escape"},
        {"$[?]", "position 4: a query (@ or $), a text, a number or a function is expected"},
        {"$[?@.a", "position 7: a comparison, &&, ||, , or ] is expected"},
        {"$[?(@.a]", "position 8: &&, || or ) is expected"},
        {"$[?@.a & @.b]", "position 8: a comparison, &&, ||, , or ] is expected"},
        {"$[?@.a=1]", "position 7: a comparison, &&, ||, , or ] is expected"},
        {"$[?@.a == ]",
         "position 11: a query (@ or $), a text, a number or a function is expected"},
        {"$[?!!@.a]", "position 5: only one ! may stand before a test"},
        {"$[?!@.a==1]", "position 5: ! stands before a test, or a comparison in parentheses"},
        {"$[?1]", "position 4: a value is no test: compare it"},
        {"$[?true]", "position 4: a value is no test: compare it"},
        {"$[?length(@)]", "position 4: a value is no test: compare it"},
        {"$[?@.*==1]", "position 4: this query may select several nodes, and one value is needed"},
        {"$[?1==@..a]", "position 7: this query may select several nodes, and one value is needed"},
        {"$[?length(@.*)>1]",
         "position 11: this query may select several nodes, and one value is needed"},
        {"$[?match(@,'a')==true]", "position 4: this is true or false, and no value"},
        {"$[?(@.a)==1]", "position 4: this is true or false, and no value"},
        {"$[?count(1)>1]", "position 10: this function takes a query"},
        {"$[?value(length(@))>1]", "position 10: this function takes a query"},
        {"$[?count()>1]", "position 10: the function takes one argument"},
        {"$[?match(@)]", "position 11: the function takes two arguments"},
        {"$[?count(@,@)>1]", "position 12: the function takes one argument"},
        {"$[?count (@)>1]", "position 4: a word is true, false, null or a function with its ("},
        {"$[?size(@)>1]", "position 4: the functions are length, count, value, match and search"},
        {"$[?@==True]", "position 7: a query (@ or $), a text, a number or a function is expected"},
        {"$[?@==01]", "position 7: not a number"},
        {"$[?@==1.]", "position 7: not a number"},
        {"$[?@.a==1==1]", "position 10: a comparison, &&, ||, , or ] is expected"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct jsonpath *path = NULL;
        char error[128] = "";
        enum err e = jsonpath_new(bytes_text(cases[i].path), &path, error, sizeof(error));
        ck_assert_msg(e == ERR_MALFORMED, "%s is taken", cases[i].path);
        ck_assert_ptr_null(path);
        ck_assert_msg(strcmp(error, cases[i].error) == 0, "%s: %s", cases[i].path, error);
    }
}
END_TEST

// The ledger keeps each identifier's place; somebody who looks there must find it.
START_TEST(the_place_of_a_node_leads_back_to_it_alone) {
    struct json_scan scan;
    struct buf place;
    json_scan_init(&scan);
    buf_init(&place, 1 << 10);
    ck_assert_int_eq(json_scan(&scan, bytes_text(document), NULL), ERR_OK);
    for (uint32_t i = 0; i < scan.count; i++) {
        buf_reset(&place);
        jsonpath_of(&scan, i, &place);
        struct jsonpath *path = compiled(buf_cstr(&place));
        uint32_t node = 0;
        ck_assert(jsonpath_first(path, &scan, &node));
        ck_assert_msg(node == i, "%s leads to %u, not %u", buf_cstr(&place), node, i);
        jsonpath_free(path);
    }
    buf_reset(&place);
    jsonpath_of(&scan, json_find(&scan, 0, "choices") + 4, &place);
    ck_assert_str_eq(buf_cstr(&place), "$.choices[0].message.tool_calls[0]");
    buf_release(&place);
    json_scan_release(&scan);
}
END_TEST

// Each place alone, without those beside it: else this takes a day.
START_TEST(places_in_a_huge_list_are_found) {
    enum { COUNT = 1000000 };
    struct json_scan scan;
    struct buf text, place;
    json_scan_init(&scan);
    buf_init(&text, 8 << 20);
    buf_init(&place, 1 << 10);
    buf_text(&text, "{\"a\":1,\"list\":[[]");
    for (int i = 1; i < COUNT; i++)
        buf_text(&text, ",{}");
    buf_text(&text, "]}");
    ck_assert_int_eq(json_scan(&scan, buf_bytes(&text), NULL), ERR_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        char expected[32];
        (void)snprintf(expected, sizeof(expected), "$.list[%u]", i);
        buf_reset(&place);
        jsonpath_of(&scan, i + 3, &place);
        ck_assert_str_eq(buf_cstr(&place), expected);
    }
    buf_release(&text);
    buf_release(&place);
    json_scan_release(&scan);
}
END_TEST

START_TEST(no_path_and_no_document_match_nothing) {
    struct json_scan empty;
    json_scan_init(&empty);
    struct jsonpath *path = compiled("$");
    uint32_t node;
    ck_assert(!jsonpath_first(NULL, &empty, &node));
    ck_assert(!jsonpath_first(path, &empty, &node));
    jsonpath_free(path);
    jsonpath_free(NULL);
}
END_TEST

// A field that a provider adds is looked for beside the paths that are declared: one that counts
// elements must not speak for what they hold.
START_TEST(a_path_reaches_the_places_that_it_names) {
    static const struct {
        const char *path, *place;
        enum jsonpath_reach reach;
    } cases[] = {
        {"$.usage", "$.usage", REACH_all},
        {"$.usage", "$.usage.more[*].x", REACH_all},
        {"$.usage", "$.usages", REACH_none},
        {"$.usage.input", "$.usage", REACH_through},
        {"$['a b']", "$[\"a b\"]", REACH_all},
        {"$.choices[0].index", "$.choices[*].index", REACH_all},
        {"$.choices[-1:].index", "$.choices[*].index", REACH_all},
        {"$.choices[0]", "$.choices.index", REACH_none},
        {"$.output[?@.type == 'x']", "$.output[*]", REACH_all},
        {"$.output[?@.type == 'x']", "$.output[*].type", REACH_some},
        {"$.output[?@.type == 'x']", "$.output[*].content[*].type", REACH_some},
        {"$.output[?@.type == 'x'].id", "$.output[*].id", REACH_all},
        {"$.output[?@.type == 'x'].id", "$.output[*].type", REACH_none},
        {"$['output', 'tools'][*].type", "$.tools[*].type", REACH_all},
        {"$['output', 'tools'][*].type", "$.text[*].type", REACH_none},
        {"$..error.message", "$.error.message", REACH_all},
        {"$..error.message", "$.choices[*].error.message", REACH_all},
        {"$..error.message", "$.error.code", REACH_none},
        {"$..error.message", "$.error", REACH_through},
        {"$.a..b", "$.a", REACH_through},
        {"$.a..b", "$.a.c", REACH_none},
        {"$..error..[?@.x]['a', 'b']", "$.error.details[*].b", REACH_all},
        {"$[?match(@, 'files/.*')]", "$.anything", REACH_some},
        {"$[*]", "$.anything.within", REACH_some},
        {"$", "$.anything", REACH_some},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct jsonpath *path = compiled(cases[i].path), *place = compiled(cases[i].place);
        ck_assert_msg(jsonpath_reach(path, place) == cases[i].reach, "%s, %s", cases[i].path,
                      cases[i].place);
        jsonpath_free(path);
        jsonpath_free(place);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("jsonpath");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, a_path_selects_what_it_says);
    tcase_add_test(all, what_is_no_path_is_refused_with_its_position);
    tcase_add_test(all, the_place_of_a_node_leads_back_to_it_alone);
    tcase_add_test(all, a_path_reaches_the_places_that_it_names);
    tcase_add_test(all, places_in_a_huge_list_are_found);
    tcase_add_test(all, no_path_and_no_document_match_nothing);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
