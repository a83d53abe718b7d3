// JSON as it comes from outside: what is broken is refused wherever it breaks, what is good keeps
// every byte, and two ways of reading never disagree about what is good.

#include "common/json.h"
#include "common/mem.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const good[] = {
    "null",
    " true ",
    "0",
    "-0.0e+10",
    "\"\"",
    "[]",
    "{}",
    "[1,2,[3,{\"a\":null}],\"x\"]",
    "{\"a\":{\"b\":[{}]},\"c\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"}",
    "\r\n\t{\"\xc3\xa9\" : \"\xf0\x9f\x98\x80 and \xe2\x82\xac, longer than eight bytes\"}\n",
    "[9007199254740993, 1.10, 1E5, -12.5e-3]",
};

static const char *const bad[] = {
    "",
    " ",
    "nul",
    "nullx",
    "tru",
    "01",
    "-",
    "1.",
    ".5",
    "1e",
    "+1",
    "\"",
    "\"\\x\"",
    "\"\\u12g4\"",
    "\"\\u12",
    "\"a\nb\"",
    "\"\xff\"",
    "\"\xc0\xaf\"",
    "\"\xed\xa0\x80\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xe2\x82\"",
    "[",
    "]",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1}",
    "{",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{\"a\":1]",
    "{a:1}",
    "{\"a\":1 \"b\":2}",
    "{} {}",
    "[] x",
    "\xef\xbb\xbf{}",
    "'a'",
    "NaN",
    "{\"a\":1}\x01",
};

enum { GOOD = sizeof(good) / sizeof(*good), BAD = sizeof(bad) / sizeof(*bad) };

static bool scans(struct bytes text) {
    struct json_scan scan;
    json_scan_init(&scan);
    bool is_good = json_scan(&scan, text, NULL) == ERR_OK;
    json_scan_release(&scan);
    return is_good;
}

static bool parses(struct bytes text) {
    json_t *json = NULL;
    bool is_good = json_parse(text, &json, NULL, 0) == ERR_OK;
    json_decref(json);
    return is_good;
}

// If the worker took for complete what the extractor cannot read, a paid answer would be lost
// without anybody having looked at it again.
START_TEST(all_readers_agree_about_what_is_good) {
    for (size_t i = 0; i < GOOD; i++) {
        struct bytes text = bytes_text(good[i]);
        ck_assert_msg(json_is_complete(text), "%s", good[i]);
        ck_assert_msg(scans(text), "%s", good[i]);
        ck_assert_msg(parses(text), "%s", good[i]);
    }
    for (size_t i = 0; i < BAD; i++) {
        struct bytes text = bytes_text(bad[i]);
        ck_assert_msg(!json_is_complete(text), "%s", bad[i]);
        ck_assert_msg(!scans(text), "%s", bad[i]);
        ck_assert_msg(!parses(text), "%s", bad[i]);
    }
}
END_TEST

// An answer that a dropped connection has cut must never look whole.
START_TEST(a_cut_object_is_never_complete) {
    const char *text =
        "{\"id\":\"a\\u00e9\",\"n\":-12.5e3,\"l\":[true,false,null,{\"x\":\"\xc3\xa9\"}]}";
    size_t size = strlen(text);
    ck_assert(json_is_complete(bytes_of(text, size)));
    for (size_t cut = 0; cut < size; cut++) {
        // A copy of its own size, so that a read beyond its end is seen.
        uint8_t *copy = mem_new(cut + 1);
        uint8_t *exact = mem_grow(copy, cut ? cut : 1);
        memcpy(exact, text, cut);
        ck_assert(!json_is_complete(bytes_of(exact, cut)));
        ck_assert(!scans(bytes_of(exact, cut)));
        mem_free(exact);
    }
}
END_TEST

static uint64_t state = 88172645463325252u;

static uint64_t draw(uint64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

// What jansson refuses though it is well-formed: \u0000, half surrogates, huge numbers.
static bool is_known_difference(struct bytes text) {
    return memmem(text.at, text.size, "\\u", 2) || memmem(text.at, text.size, "e", 1) ||
           memmem(text.at, text.size, "E", 1);
}

// Hand-written parsing must not be more generous or more strict than the library, or lines would
// be accepted at the door that nobody inside can read.
START_TEST(the_scanner_agrees_with_the_library_on_damaged_texts) {
    unsigned agreed = 0, still_good = 0;
    for (int round = 0; round < 40000; round++) {
        char text[256];
        const char *from = good[draw(GOOD)];
        size_t size = strlen(from);
        memcpy(text, from, size);
        for (uint64_t n = 1 + draw(2); n > 0 && size > 1; n--)
            switch (draw(3)) {
            case 0:
                text[draw(size)] = "{}[]\",:0-.a \\"[draw(13)];
                break;
            case 1:
                memmove(text, text + 1, --size);
                break;
            default:
                size--;
            }
        struct bytes bytes = bytes_of(text, size);
        json_error_t error;
        json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
        bool theirs = json != NULL, ours = scans(bytes);
        json_decref(json);
        if (theirs != ours && is_known_difference(bytes))
            continue;
        ck_assert_msg(theirs == ours, "%.*s: library %d, scanner %d", (int)size, text, theirs,
                      ours);
        agreed++;
        still_good += ours;
    }
    ck_assert_uint_gt(agreed, 20000);
    ck_assert_uint_gt(still_good, 100);
}
END_TEST

// A text that is nested as deeply as one likes must not use up the stack or the memory.
START_TEST(nesting_ends_at_its_limit) {
    for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        struct buf text;
        buf_init(&text, 1 << 16);
        for (int i = 0; i < depth; i++)
            buf_byte(&text, '[');
        for (int i = 0; i < depth; i++)
            buf_byte(&text, ']');
        enum err wanted = depth <= JSON_DEPTH_MAX ? ERR_OK : ERR_TOO_BIG;
        struct json_scan scan;
        json_scan_init(&scan);
        json_t *json = NULL;
        ck_assert_int_eq(json_scan(&scan, buf_bytes(&text), NULL), wanted);
        ck_assert_int_eq(json_parse(buf_bytes(&text), &json, NULL, 0), wanted);
        json_decref(json);
        json_scan_release(&scan);
        buf_release(&text);
    }
}
END_TEST

// Two members of one name mean two things to two readers: {"n":1,"n":100} is one choice for one
// and a hundred for another.
START_TEST(a_name_that_stands_twice_is_refused_however_it_is_spelt) {
    ck_assert(!scans(bytes_text("{\"n\":1,\"n\":100}")));
    ck_assert(!scans(bytes_text("{\"n\":1,\"\\u006e\":100}")));
    ck_assert(!scans(bytes_text("{\"\\u006E\":1,\"\\u006e\":100}")));
    ck_assert(!parses(bytes_text("{\"n\":1,\"\\u006e\":100}")));
    ck_assert(scans(bytes_text("{\"n\":1,\"m\":{\"n\":2}}")));
    for (int twin = 0; twin <= 1; twin++) {
        struct buf text;
        buf_init(&text, 1 << 20);
        buf_text(&text, "{\"first\":0");
        for (int i = 0; i < 1000; i++)
            buf_printf(&text, ",\"n%d\":%d", i, i);
        buf_text(&text, twin ? ",\"n500\":0}" : ",\"last\":0}");
        ck_assert_int_eq(scans(buf_bytes(&text)), !twin);
        buf_release(&text);
    }
}
END_TEST

// The body of a native line goes to the provider byte for byte, or its prompt cache misses.
START_TEST(a_member_is_cut_out_byte_for_byte) {
    struct bytes line = bytes_text(" {\"custom_id\":\"a\",\"x\":{\"body\":1}, \"bo\\u0064y\" : "
                                   "{\"n\": 1.10 ,\"s\":\"}\\\"\"} }");
    struct bytes value;
    ck_assert(json_member(line, "body", &value));
    ck_assert(bytes_is(value, "{\"n\": 1.10 ,\"s\":\"}\\\"\"}"));
    ck_assert(json_member(line, "custom_id", &value));
    ck_assert(bytes_is(value, "\"a\""));
    ck_assert(!json_member(line, "n", &value));
    ck_assert(!json_member(line, "bod", &value));
    ck_assert(!json_member(bytes_text("[\"body\",1]"), "body", &value));
    ck_assert(!json_member(bytes_text("{\"a\":[1,\"body\":2}"), "body", &value));
    ck_assert(!json_member(bytes_text("{}"), "body", &value));
    ck_assert(!json_member(bytes_text(""), "body", &value));
    ck_assert(!json_member(bytes_text("{\"body\":"), "body", &value));
    ck_assert(!json_member(bytes_text("{\"body\":{\"a\":1"), "body", &value));
}
END_TEST

// The provider's figures are evidence: 1.10 must not become 1.1000000000000001.
START_TEST(what_is_copied_keeps_its_spelling_and_leaves_out_what_is_marked) {
    struct json_scan scan;
    struct buf out;
    json_scan_init(&scan);
    buf_init(&out, 1 << 16);
    struct bytes text =
        bytes_text("{ \"a\": 1.10, \"skip\": {\"deep\":[1,2]},\n\"b\": [ 1e400, \"\\/\", "
                   "123456789012345678901234567890 ], \"end\": null }");
    ck_assert_int_eq(json_scan(&scan, text, NULL), ERR_OK);
    scan.nodes[json_find(&scan, 0, "skip")].is_marked = true;
    json_put_node(&out, &scan, 0);
    ck_assert_str_eq(buf_cstr(&out), "{\"a\":1.10,\"b\":[1e400,\"\\/\","
                                     "123456789012345678901234567890],\"end\":null}");
    scan.nodes[json_find(&scan, 0, "a")].is_marked = true;
    scan.nodes[json_find(&scan, 0, "end")].is_marked = true;
    scan.nodes[json_find(&scan, 0, "b") + 1].is_marked = true;
    buf_reset(&out);
    json_put_node(&out, &scan, 0);
    ck_assert_str_eq(buf_cstr(&out), "{\"b\":[null,\"\\/\",123456789012345678901234567890]}");
    buf_release(&out);
    json_scan_release(&scan);
}
END_TEST

// A provider that cuts an emoji in two must not make its answer unreadable for everything behind
// the extractor: the ledger takes no half characters.
START_TEST(half_characters_become_replacement_characters) {
    struct json_scan scan;
    struct buf out;
    json_scan_init(&scan);
    buf_init(&out, 1 << 16);
    struct bytes text =
        bytes_text("{\"x\\ud800\":[\"\\ud83d\\ude00\",\"a\\ud83d\",\"\\u0000b\",\"\\ude00\"]}");
    ck_assert_int_eq(json_scan(&scan, text, NULL), ERR_OK);
    ck_assert(scan.nodes[0].is_odd);
    json_put_node(&out, &scan, 0);
    ck_assert_str_eq(buf_cstr(&out), "{\"x\\ufffd\":[\"\\ud83d\\ude00\",\"a\\ufffd\",\"\\ufffdb\","
                                     "\"\\ufffd\"]}");
    ck_assert(parses(buf_bytes(&out)));
    buf_reset(&out);
    ck_assert(bytes_is(json_text(&scan, 2, &out), "\xf0\x9f\x98\x80"));
    ck_assert(bytes_is(json_text(&scan, 3, &out), "a\xef\xbf\xbd"));
    buf_release(&out);
    json_scan_release(&scan);
}
END_TEST

START_TEST(text_is_written_so_that_any_reader_takes_it) {
    struct buf out;
    buf_init(&out, 1 << 16);
    static const char text[] = "q\"b\\s/\n\t\x01\x00z\xc3\xa9\xff\xe2\x82";
    json_put_text(&out, bytes_of(text, sizeof(text) - 1));
    ck_assert_str_eq(buf_cstr(&out),
                     "\"q\\\"b\\\\s/\\n\\u0009\\u0001\\ufffdz\xc3\xa9\\ufffd\\ufffd\\ufffd\"");
    ck_assert(parses(buf_bytes(&out)));
    buf_reset(&out);
    json_put_text(&out, bytes_of(NULL, 0));
    ck_assert_str_eq(buf_cstr(&out), "\"\"");
    buf_release(&out);
}
END_TEST

// Counters are integers; some servers write them as 12.0. Anything else is no count.
START_TEST(a_count_is_a_whole_number_that_fits) {
    static const struct {
        const char *text;
        int64_t value; // -1: no count
    } cases[] = {
        {"[0]", 0},       {"[12]", 12},   {"[12.0]", 12}, {"[9223372036854775807]", INT64_MAX},
        {"[-1]", -1},     {"[12.5]", -1}, {"[1e3]", -1},  {"[9223372036854775808]", -1},
        {"[\"12\"]", -1}, {"[null]", -1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct json_scan scan;
        json_scan_init(&scan);
        ck_assert_int_eq(json_scan(&scan, bytes_text(cases[i].text), NULL), ERR_OK);
        int64_t value = -1;
        ck_assert_msg(json_count(&scan, 1, &value) == (cases[i].value >= 0), "%s", cases[i].text);
        ck_assert_int_eq(value, cases[i].value);
        json_scan_release(&scan);
    }
}
END_TEST

// Errors go into logs and onto screens; content must not.
START_TEST(an_error_names_the_place_and_quotes_nothing) {
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"{\"a\":1,\n \"secret\" 2}", "line 2, column 11: not valid JSON"},
        {"{\"a\":\"secret", "line 1, column 6: not valid JSON"},
        {"{\"a\":1", "line 1, column 7: not valid JSON: the text ends too early"},
        {"{\"secret\":1,\"secret\":2}", "line 1, column 20: a name stands twice in one object"},
        {"[123456789012345678901234567890]", "line 1, column 31: a number is too large"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char error[128] = "";
        json_t *json;
        ck_assert_int_eq(json_parse(bytes_text(cases[i].text), &json, error, sizeof(error)),
                         ERR_MALFORMED);
        ck_assert_str_eq(error, cases[i].error);
        ck_assert_ptr_null(strstr(error, "secret"));
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("json");
    TCase *all = tcase_create("all");
    tcase_add_test(all, all_readers_agree_about_what_is_good);
    tcase_add_test(all, a_cut_object_is_never_complete);
    tcase_add_test(all, the_scanner_agrees_with_the_library_on_damaged_texts);
    tcase_add_test(all, nesting_ends_at_its_limit);
    tcase_add_test(all, a_name_that_stands_twice_is_refused_however_it_is_spelt);
    tcase_add_test(all, a_member_is_cut_out_byte_for_byte);
    tcase_add_test(all, what_is_copied_keeps_its_spelling_and_leaves_out_what_is_marked);
    tcase_add_test(all, half_characters_become_replacement_characters);
    tcase_add_test(all, text_is_written_so_that_any_reader_takes_it);
    tcase_add_test(all, a_count_is_a_whole_number_that_fits);
    tcase_add_test(all, an_error_names_the_place_and_quotes_nothing);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
