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
START_TEST(what_is_not_served_is_refused_with_its_position) {
    static const struct {
        const char *path;
        const char *error;
    } cases[] = {
        {"", "position 1: a path begins with $"},
        {"id", "position 1: a path begins with $"},
        {"$id", "position 2: . or [ is expected"},
        {"$.", "position 3: a name or * must follow the dot"},
        {"$..id", "position 3: \"..\" is not supported"},
        {"$.1a", "position 3: a name or * must follow the dot"},
        {"$[0", "position 4: ] is expected"},
        {"$[01]", "position 5: an index has no leading zero"},
        {"$[-0]", "position 5: an index is not -0"},
        {"$[1:2]", "position 4: only one name or index in brackets is supported"},
        {"$['a','b']", "position 6: only one name or index in brackets is supported"},
        {"$[?@.a]", "position 3: a name in quotes, an index or * is expected"},
        {"$['a", "position 5: the quote is not closed"},
        {"$['\\q']", "position 4: not an escape"},
        {"$['\\\"']", "position 4: not an escape"},
        {"$['\\ud800']", "position 4: not an escape"},
        {"$.a b", "position 4: . or [ is expected"},
        {"$.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", "position 34: too many steps"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct jsonpath *path = NULL;
        char error[128] = "";
        ck_assert_int_eq(jsonpath_new(bytes_text(cases[i].path), &path, error, sizeof(error)),
                         ERR_MALFORMED);
        ck_assert_ptr_null(path);
        ck_assert_str_eq(error, cases[i].error);
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

int main(void) {
    Suite *suite = suite_create("jsonpath");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_path_selects_what_it_says);
    tcase_add_test(all, what_is_not_served_is_refused_with_its_position);
    tcase_add_test(all, the_place_of_a_node_leads_back_to_it_alone);
    tcase_add_test(all, no_path_and_no_document_match_nothing);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
