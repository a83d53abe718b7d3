// Each rule of RFC 9535 in small: what a path selects, in which order, and where it stands. A rule
// that is read otherwise than others read it finds other nodes than its author meant.

#include "common/jsonpath.h"
#include "common/mem.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

struct rule {
    const char *path;
    const char *document;
    const char *found; // the nodes as an array
};

struct found {
    struct buf nodes;
    struct buf paths;
};

static bool collect(void *context, const struct json_scan *scan, uint32_t node) {
    struct found *found = context;
    const char *between = buf_bytes(&found->nodes).size > 1 ? "," : "";
    buf_text(&found->nodes, between);
    buf_text(&found->paths, between);
    json_put_node(&found->nodes, scan, node);
    jsonpath_normalized(scan, node, &found->paths);
    return true;
}

static struct jsonpath *compiled(const char *text) {
    struct jsonpath *path = NULL;
    char error[256] = "";
    enum err e = jsonpath_new(bytes_text(text), &path, error, sizeof(error));
    ck_assert_msg(e == ERR_OK, "%s: %s", text, error);
    ck_assert_str_eq(jsonpath_text(path), text);
    return path;
}

static void check(const struct rule *rule, const char *paths) {
    struct jsonpath *path = compiled(rule->path);
    struct json_scan scan;
    struct found found;
    json_scan_init(&scan);
    buf_init(&found.nodes, 1 << 16);
    buf_init(&found.paths, 1 << 16);
    buf_text(&found.nodes, "[");
    ck_assert_int_eq(json_scan(&scan, bytes_text(rule->document), NULL), ERR_OK);
    ck_assert_int_eq(jsonpath_all(path, &scan, collect, &found, NULL), ERR_OK);
    buf_text(&found.nodes, "]");
    ck_assert_msg(strcmp(buf_cstr(&found.nodes), rule->found) == 0, "%s of %s: %s, not %s",
                  rule->path, rule->document, buf_cstr(&found.nodes), rule->found);
    if (paths)
        ck_assert_str_eq(buf_cstr(&found.paths), paths);
    buf_release(&found.nodes);
    buf_release(&found.paths);
    json_scan_release(&scan);
    jsonpath_free(path);
}

#define CHECK_ALL(rules)                                            \
    for (size_t i = 0; i < sizeof(rules) / sizeof((rules)[0]); i++) \
    check(&(rules)[i], NULL)

#define DIGITS "[0,1,2,3,4,5,6]"

START_TEST(selectors_take_their_children_in_their_order) {
    static const struct rule rules[] = {
        {"$", "7", "[7]"},
        {"$['a','b','a']", "{\"a\":1,\"b\":2}", "[1,2,1]"},
        {"$[1,0,-1,9]", DIGITS, "[1,0,6]"},
        {"$[*,0]", "[1,2]", "[1,2,1]"},
        {"$ \n.a\t[ 'b' , 0 ]", "{\"a\":{\"b\":1}}", "[1]"},
        {"$['\\u00e9\\ud834\\udd1e\\/\\n']", "{\"\xc3\xa9\\ud834\\udd1e/\\n\":1}", "[1]"},
        {"$[\"'\",'\"','\\'',\"\\\"\"]", "{\"'\":1,\"\\\"\":2}", "[1,2,1,2]"},
        {"$['\\u0000']", "{\"\\u0000\":1}", "[1]"},
        {"$['\xef\xbf\xbd']", "{\"\\u0000\":1}", "[]"},
        {"$['a']", "[1]", "[]"},
        {"$[0]", "{\"0\":1}", "[]"},
        {"$.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", "{\"a\":1}", "[]"},
    };
    CHECK_ALL(rules);
}
END_TEST

START_TEST(slices_count_from_both_ends_and_in_both_directions) {
    static const struct rule rules[] = {
        {"$[1:3]", DIGITS, "[1,2]"},
        {"$[5:]", DIGITS, "[5,6]"},
        {"$[:2]", DIGITS, "[0,1]"},
        {"$[1:5:2]", DIGITS, "[1,3]"},
        {"$[5:1:-2]", DIGITS, "[5,3]"},
        {"$[::-1]", DIGITS, "[6,5,4,3,2,1,0]"},
        {"$[-3:]", DIGITS, "[4,5,6]"},
        {"$[:-5]", DIGITS, "[0,1]"},
        {"$[-1:-4:-1]", DIGITS, "[6,5,4]"},
        {"$[3:1]", DIGITS, "[]"},
        {"$[1:3:-1]", DIGITS, "[]"},
        {"$[::0]", DIGITS, "[]"},
        {"$[-9:9]", DIGITS, "[0,1,2,3,4,5,6]"},
        {"$[9:-9:-3]", DIGITS, "[6,3,0]"},
        {"$[ 1 : 5 : 3 ]", DIGITS, "[1,4]"},
        {"$[9007199254740991:-9007199254740991:-9007199254740991]", DIGITS, "[6]"},
        {"$[::9007199254740991]", DIGITS, "[0]"},
        {"$[:]", "{\"a\":1}", "[]"},
        {"$[::-1][::-1]", "[[1,2],[3,4]]", "[4,3,2,1]"},
        {"$[::-1,0][0]", "[[1,2],[3,4]]", "[3,1,1]"},
        {"$..[::-1]", "[[1,[2,3]],4]", "[4,[1,[2,3]],[2,3],1,3,2]"},
        {"$[::-1][?@[?@>2]]", "[[1,[2,3]],4]", "[[2,3]]"},
    };
    CHECK_ALL(rules);
}
END_TEST

START_TEST(descendants_come_parents_first) {
    static const struct rule rules[] = {
        {"$..a", "{\"a\":{\"a\":1},\"b\":[{\"a\":2}]}", "[{\"a\":1},1,2]"},
        {"$..*", "[[1],2]", "[[1],2,1]"},
        {"$..[0]", "[[1,2],[3]]", "[[1,2],1,3]"},
        {"$..[1,0]", "[[1,2],3]", "[3,[1,2],2,1]"},
        {"$..a..b", "{\"a\":{\"a\":{\"b\":1}}}", "[1,1]"},
        {"$..['a',?@>1]", "{\"a\":1,\"c\":[2]}", "[1,2]"},
        {"$.b..*", "{\"b\":7}", "[]"},
    };
    CHECK_ALL(rules);
}
END_TEST

START_TEST(filters_test_and_join) {
    static const struct rule rules[] = {
        {"$[?@.a]", "[{\"a\":null},{\"b\":1}]", "[{\"a\":null}]"},
        {"$[?!@.a]", "[{\"a\":null},{\"b\":1}]", "[{\"b\":1}]"},
        {"$[?@.a||@.b]", "[{\"a\":1},{\"b\":1},{}]", "[{\"a\":1},{\"b\":1}]"},
        {"$[?@.a&&@.b]", "[{\"a\":1},{\"a\":1,\"b\":2}]", "[{\"a\":1,\"b\":2}]"},
        // && binds more tightly than ||
        {"$[?@>1&&@<3||@==5]", DIGITS, "[2,5]"},
        {"$[?@==5||@>1&&@<3]", DIGITS, "[2,5]"},
        {"$[?@==9||@==8||@==1]", DIGITS, "[1]"},
        {"$[?@>0&&@>1&&@>5]", DIGITS, "[6]"},
        {"$[?(@==5||@>1)&&@<3]", DIGITS, "[2]"},
        {"$[?!(@>1||@==0)]", DIGITS, "[1]"},
        {"$[?!(!(@>4))]", DIGITS, "[5,6]"},
        {"$[? ( ( @ == 1 ) ) ]", DIGITS, "[1]"},
        {"$[?@==1,?@==0,1]", DIGITS, "[1,0,1]"},
        {"$.*[?@.x==$.want]", "{\"want\":2,\"l\":[{\"x\":1},{\"x\":2}]}", "[{\"x\":2}]"},
        {"$[?@]", "{\"a\":false}", "[false]"},
        {"$[?@..x]", "[{\"a\":[{\"x\":1}]},{\"a\":[1]}]", "[{\"a\":[{\"x\":1}]}]"},
        {"$[?@[?@.x>1]]", "[[{\"x\":1}],[{\"x\":1},{\"x\":2}]]", "[[{\"x\":1},{\"x\":2}]]"},
        {"$[?@[?@[?@==3]]].k", "[{\"k\":[[3]]},{\"k\":[3]}]", "[[3]]"},
        {"$[?@>1]", "7", "[]"},
    };
    CHECK_ALL(rules);
}
END_TEST

START_TEST(values_compare_by_type_and_value) {
    static const struct rule rules[] = {
        {"$[?@==1]", "[1,1.0,10e-1,0.1e1,\"1\",true,[1]]", "[1,1.0,10e-1,0.1e1]"},
        {"$[?@==-0]", "[0,-0,0.0,0e9,-0.0e-3,1]", "[0,-0,0.0,0e9,-0.0e-3]"},
        // beyond what a double tells apart
        {"$[?@==9007199254740993]", "[9007199254740992,9007199254740993]", "[9007199254740993]"},
        {"$[?@<1e400]", "[1e399,1e401,-1e999,0.1]", "[1e399,-1e999,0.1]"},
        {"$[?@>0.1]", "[0.10,0.11,0.09,1e-2,100e-3,-5]", "[0.11]"},
        {"$[?@>=-1.5]", "[-1.50,-1.51,-1.49,-15e-1]", "[-1.50,-1.49,-15e-1]"},
        {"$[?@<='b']", "[\"a\",\"b\",\"ba\",\"\",1]", "[\"a\",\"b\",\"\"]"},
        {"$[?@=='\xc3\xa9']", "[\"\\u00e9\",\"\xc3\xa9\",\"e\"]", "[\"\\u00e9\",\"\xc3\xa9\"]"},
        // by characters, not by UTF-16
        {"$[?@<'\xf0\x90\x80\x80']", "[\"\xef\xbf\xbf\",\"\xf0\x90\x80\x81\"]",
         "[\"\xef\xbf\xbf\"]"},
        {"$[?@==null]", "[null,false,0,\"\"]", "[null]"},
        {"$[?@==true]", "[true,1,\"true\"]", "[true]"},
        {"$[?@>=false]", "[true,false]", "[false]"},
        {"$[?@<true]", "[false,true]", "[]"},
        // nothing is equal to nothing only
        {"$[?@.a==@.b]", "[{},{\"a\":1},{\"a\":1,\"b\":1}]", "[{},{\"a\":1,\"b\":1}]"},
        {"$[?@.a!=1]", "[{},{\"a\":1}]", "[{}]"},
        {"$[?@.a<=@.b]", "[{}]", "[{}]"},
        {"$[?@.a<@.b]", "[{}]", "[]"},
        {"$[?@.x==$.y]", "{\"y\":{\"b\":[2,{}],\"a\":1.0},\"z\":{\"x\":{\"a\":1,\"b\":[2,{}]}}}",
         "[{\"x\":{\"a\":1,\"b\":[2,{}]}}]"},
        {"$[?@.x==$.y]", "{\"y\":{\"a\":1},\"z\":{\"x\":{\"b\":1}}}", "[]"},
        {"$[?@==$[0]]", "[[1,[2]],[1,[2]],[1,[3]],[1],{}]", "[[1,[2]],[1,[2]]]"},
        {"$[?@<=$[0]]", "[[1],[1],[0]]", "[[1],[1]]"},
        {"$[?1==1]", "[7]", "[7]"},
        {"$[?'a'<'b'&&2>1&&null==null]", "[7]", "[7]"},
    };
    CHECK_ALL(rules);
}
END_TEST

START_TEST(functions_measure_and_match) {
    static const struct rule rules[] = {
        {"$[?length(@)==2]",
         "[\"ab\",\"\xc3\xa9\\u00e9\",\"\\ud834\\udd1e!\",[1,2],{\"a\":1,\"b\":2},22,null]",
         "[\"ab\",\"\xc3\xa9\\u00e9\",\"\\ud834\\udd1e!\",[1,2],{\"a\":1,\"b\":2}]"},
        {"$[?length(@)==length(2)]", "[1,\"a\"]", "[1]"},
        {"$[?length('abc')==3]", "[1]", "[1]"},
        {"$[?count(@.*)>1]", "[[1],[1,2],{\"a\":1,\"b\":2}]", "[[1,2],{\"a\":1,\"b\":2}]"},
        {"$[?count(@..x)==0]", "[{\"x\":1},{}]", "[{}]"},
        {"$[?count(@)==1]", "[7]", "[7]"},
        {"$[?value(@..x)==1]", "[{\"a\":{\"x\":1}},{\"x\":1,\"b\":{\"x\":1}}]",
         "[{\"a\":{\"x\":1}}]"},
        {"$[?length(value(@..x))==3]", "[{\"x\":\"abc\"},{\"x\":\"ab\"}]", "[{\"x\":\"abc\"}]"},
        {"$[?count(@[?match(@.k,'a')])==1]", "[[{\"k\":\"a\"}],[{\"k\":\"b\"}]]",
         "[[{\"k\":\"a\"}]]"},
        {"$[?match(@,'a.c')]", "[\"abc\",\"xabc\",\"a\\nc\",\"a\\rc\",7]", "[\"abc\"]"},
        {"$[?search(@,'b')]", "[\"abc\",\"\\nb\",\"ac\",7]", "[\"abc\",\"\\nb\"]"},
        {"$[?!match(@,'a')]", "[\"a\",\"b\",1]", "[\"b\",1]"},
        {"$.l[?match(@,$.re)]", "{\"re\":\"[ab]+\",\"l\":[\"aba\",\"c\",\"b\"]}",
         "[\"aba\",\"b\"]"},
        {"$[?match(@.a,@.b)]", "[{\"a\":\"x\",\"b\":\"x\"},{\"a\":\"x\",\"b\":\"y\"}]",
         "[{\"a\":\"x\",\"b\":\"x\"}]"},
        {"$[?match( @ , 'a' )]", "[\"a\"]", "[\"a\"]"},
        {"$[?search(@,'')]", "[\"\",1]", "[\"\"]"},
        {"$[?match(@,'.')]", "[\"\\ud834\\udd1e\",\"\\ud834\",\"ab\"]",
         "[\"\\ud834\\udd1e\",\"\\ufffd\"]"},
    };
    CHECK_ALL(rules);
}
END_TEST

// A pattern that is understood otherwise than its author meant files the wrong answers.
START_TEST(patterns_are_those_of_i_regexp) {
    static const struct {
        const char *pattern;
        const char *text;
        bool is_match;
    } cases[] = {
        {"a|bc", "bc", true},
        {"a|bc", "ac", false},
        {"(ab){2}", "abab", true},
        {"a{2,3}", "aaaa", false},
        {"a{2,}", "aaaa", true},
        {"[a-z]{2,}b+", "aaabb", true},
        {"(a+)+b", "aaab", true},
        {"xa+", "xaxa", false},
        {"a{0}", "", true},
        {"(a|b)*c?", "abba", true},
        {"[a-cx]+", "abcx", true},
        {"[^a]", "a", false},
        {"[^a]", "b", true},
        {"[a-]", "-", true},
        {"[-a]", "-", true},
        {"[^-a]", "-", false},
        {"[\\]\\-]+", "]-", true},
        {"[\\n\\t]", "\n", true},
        {"[\\p{L}\\p{Nd}]+",
         "\xc3\xa9"
         "1",
         true},
        {"\\p{Lu}", "\xc3\x89", true},
        {"\\P{Lu}", "\xc3\x89", false},
        {"\\.\\*\\{", ".*{", true},
        {"\xc3\xa9.", "\xc3\xa9\xc3\xa9", true},
        {"^a$", "a", true},
        {"x#/ &", "x#/ &", true},
        // none of these is one
        {"a**", "a", false},
        {"a+?", "a", false},
        {"*a", "a", false},
        {"(a", "a", false},
        {"a)", "a", false},
        {"[", "[", false},
        {"[]", "a", false},
        {"[b-a]", "a", false},
        {"[a-c-e]", "a", false},
        {"a{2,1}", "aa", false},
        {"a{", "a{", false},
        {"a{,2}", "a", false},
        {"a{70000}", "a", false},
        {"(?i)a", "A", false},
        {"(?:a)", "a", false},
        {"(a)\\1", "aa", false},
        {"\\d", "1", false},
        {"\\w", "a", false},
        {"\\bx", "x", false},
        {"\\p{Xx}", "a", false},
        {"\\p{Lq}", "a", false},
        {"\\p{Greek}", "a", false},
        {"[[:alpha:]]", "a", false},
        {"\\", "\\", false},
        {"a]", "a]", false},
        {"}", "}", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf document, found;
        buf_init(&document, 1 << 12);
        buf_init(&found, 1 << 12);
        buf_text(&document, "[{\"t\":");
        json_put_text(&document, bytes_text(cases[i].text));
        buf_text(&document, ",\"p\":");
        json_put_text(&document, bytes_text(cases[i].pattern));
        buf_text(&document, "}]");
        buf_text(&found, "[");
        if (cases[i].is_match)
            json_put_text(&found, bytes_text(cases[i].text));
        buf_text(&found, "]");
        check(&(struct rule){"$[?match(@.t,@.p)].t", buf_cstr(&document), buf_cstr(&found)}, NULL);
        buf_release(&document);
        buf_release(&found);
    }
}
END_TEST

// Two that write the place of a node differently find each other's never.
START_TEST(a_node_has_one_normalized_path) {
    check(&(struct rule){"$..*", "{\"a\":[1],\"b c\":{\"'\":2}}", "[[1],{\"'\":2},1,2]"},
          "$['a'],$['b c'],$['a'][0],$['b c']['\\'']");
    check(&(struct rule){"$.*", "{\"\\n\\u001f\\u0000\\\\\\/\\\"\\u00e9\":1}", "[1]"},
          "$['\\n\\u001f\\u0000\\\\/\"\xc3\xa9']");
    check(&(struct rule){"$.*", "{\"\\b\\f\\r\\t\\ud800x\":1}", "[1]"},
          "$['\\b\\f\\r\\t\xef\xbf\xbdx']");
    check(&(struct rule){"$", "1", "[1]"}, "$");
}
END_TEST

// ---- Limits. -----------------------------------------------------------------------------------

static bool count(void *context, const struct json_scan *scan, uint32_t node) {
    (void)scan;
    (void)node;
    ++*(uint32_t *)context;
    return true;
}

// Evaluates a path over count copies of a piece between [ and ].
static enum err outcome(const char *text, const char *piece, size_t copies, uint32_t *found) {
    struct jsonpath *path = compiled(text);
    struct json_scan scan;
    struct buf document;
    uint32_t counted = 0;
    json_scan_init(&scan);
    buf_init(&document, FRAME_BYTES_MAX);
    buf_text(&document, "[");
    for (size_t i = 0; i < copies; i++)
        buf_text(&document, piece);
    buf_text(&document, "0]");
    ck_assert_int_eq(json_scan(&scan, buf_bytes(&document), NULL), ERR_OK);
    enum err e = jsonpath_all(path, &scan, count, &counted, found);
    ck_assert_int_eq(counted, *found);
    buf_release(&document);
    json_scan_release(&scan);
    jsonpath_free(path);
    return e;
}

// A path of one's own over an answer of a stranger's must not stop the extractor.
START_TEST(an_evaluation_that_takes_too_long_is_given_up) {
    uint32_t found;
    ck_assert_int_eq(outcome("$[?@==0]", "0,", 100000, &found), ERR_OK);
    ck_assert_int_eq(found, 100001);
    ck_assert_int_eq(outcome("$[?count($[?@==1])==0]", "0,", 100000, &found), ERR_TOO_BIG);
    ck_assert_uint_gt(found, 0); // what was found before stays found
    ck_assert_int_eq(outcome("$[?$[?@==1]]", "1,", 1000000, &found), ERR_OK);
    ck_assert_int_eq(outcome("$[::-1]", "0,", JSONPATH_HELD_MAX - 1, &found), ERR_OK);
    ck_assert_int_eq(outcome("$[::-1]", "0,", JSONPATH_HELD_MAX, &found), ERR_TOO_BIG);
}
END_TEST

// Patterns that make a backtracking matcher run for years.
START_TEST(no_pattern_hangs) {
    struct buf text;
    uint32_t found;
    buf_init(&text, 1 << 20);
    buf_text(&text, "\"");
    for (size_t i = 0; i < 50000; i++)
        buf_text(&text, "a");
    buf_text(&text, "!\",");
    ck_assert_int_eq(outcome("$[?match(@,'(a*)*b')]", buf_cstr(&text), 3, &found), ERR_OK);
    ck_assert_int_eq(outcome("$[?search(@,'(a|a|aa)+(a+)+c')]", buf_cstr(&text), 3, &found),
                     ERR_OK);
    ck_assert_int_eq(outcome("$[?search(@,'a*a*a*a*a*a*b')]", buf_cstr(&text), 3, &found), ERR_OK);
    ck_assert_int_eq(found, 0);
    ck_assert_int_eq(outcome("$[?search(@,'[a-z]+[.]([a-z]{3,})+')]", buf_cstr(&text), 3, &found),
                     ERR_OK);
    ck_assert_int_eq(outcome("$[?search(@,'(a{1,30}){1,30}b')]", buf_cstr(&text), 3, &found),
                     ERR_TOO_BIG);
    ck_assert_int_eq(outcome("$[?search(@,'[a-z]{600}b')]", buf_cstr(&text), 3, &found),
                     ERR_TOO_BIG);
    ck_assert_int_eq(outcome("$[?search(@,'a!')]", buf_cstr(&text), 3, &found), ERR_OK);
    ck_assert_int_eq(found, 3);
    buf_release(&text);
}
END_TEST

// Escapes are resolved once for a pattern, and are paid for wherever they are resolved.
START_TEST(escapes_are_paid_for) {
    struct buf text;
    uint32_t found;
    buf_init(&text, 2 << 20);
    buf_text(&text, "[\"");
    for (size_t i = 0; i < 200000; i++)
        buf_text(&text, "\\n");
    buf_text(&text, "\"],");
    // The pattern is longer than one may be, in each of the elements that ask for it.
    struct buf document;
    buf_init(&document, 4 << 20);
    buf_put(&document, text.at, text.size);
    for (size_t i = 0; i < 1000; i++)
        buf_text(&document, "\"x\",");
    ck_assert_int_eq(outcome("$[?search(@,$[0][0])]", buf_cstr(&document), 1, &found), ERR_OK);
    ck_assert_int_eq(found, 0);
    ck_assert_int_eq(outcome("$[?search($[0][0],'x')]", buf_cstr(&document), 1, &found),
                     ERR_TOO_BIG);
    // One that is short enough is the same in each.
    ck_assert_int_eq(
        outcome("$[?search(@[0],$[0][1])]", "[\"x\\n\",\"\\u0078\\n\"],", 2000, &found), ERR_OK);
    ck_assert_int_eq(found, 2000);
    buf_release(&document);
    buf_release(&text);
}
END_TEST

static const char *refusal(const char *open, size_t count_open) {
    static char error[256];
    struct buf text;
    struct jsonpath *path = NULL;
    buf_init(&text, 1 << 16);
    buf_text(&text, "$");
    for (size_t i = 0; i < count_open; i++)
        buf_text(&text, open);
    ck_assert_int_eq(jsonpath_new(buf_bytes(&text), &path, error, sizeof(error)), ERR_MALFORMED);
    buf_release(&text);
    return error;
}

START_TEST(an_expression_has_its_limits) {
    ck_assert_str_eq(refusal("[?@", 40), "position 66: nested too deeply");
    ck_assert_str_eq(refusal("[?(", 1), "position 5: a query (@ or $), a text, a number or a "
                                        "function is expected");
    ck_assert_str_eq(refusal(".a", 2048), "position 4097: the path is longer than 4096 bytes");
    struct buf rule;
    buf_init(&rule, 1 << 12);
    buf_text(&rule, "$[?match(@,'");
    for (int i = 0; i <= JSONPATH_PATTERN_BYTES_MAX; i++)
        buf_text(&rule, "a");
    buf_text(&rule, "|b')]");
    check(&(struct rule){buf_cstr(&rule), "[\"b\"]", "[]"}, NULL);
    buf_release(&rule);
}
END_TEST

START_TEST(nothing_is_kept_of_an_evaluation) {
    int64_t before = mem_held();
    check(&(struct rule){"$[?match(@.a,@.b)&&search(@.a,'x')]",
                         "[{\"a\":\"x\",\"b\":\"x\"},{\"a\":\"\\u0078\",\"b\":\"\\u0078\"}]",
                         "[{\"a\":\"x\",\"b\":\"x\"},{\"a\":\"\\u0078\",\"b\":\"\\u0078\"}]"},
          NULL);
    ck_assert_int_eq(mem_held(), before);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("jsonpath rules");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    tcase_add_test(all, selectors_take_their_children_in_their_order);
    tcase_add_test(all, slices_count_from_both_ends_and_in_both_directions);
    tcase_add_test(all, descendants_come_parents_first);
    tcase_add_test(all, filters_test_and_join);
    tcase_add_test(all, values_compare_by_type_and_value);
    tcase_add_test(all, functions_measure_and_match);
    tcase_add_test(all, patterns_are_those_of_i_regexp);
    tcase_add_test(all, a_node_has_one_normalized_path);
    tcase_add_test(all, an_evaluation_that_takes_too_long_is_given_up);
    tcase_add_test(all, no_pattern_hangs);
    tcase_add_test(all, escapes_are_paid_for);
    tcase_add_test(all, an_expression_has_its_limits);
    tcase_add_test(all, nothing_is_kept_of_an_evaluation);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
