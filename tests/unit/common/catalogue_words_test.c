// What an entry says in words of its own: paths of which the first that says something holds,
// errors in answers that seem whole, other names of parameters, hours with prices of their own.

#include "common/catalogue.h"
#include "common/mem.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static const char api_file[] =
    "provider: acme\n"
    "api: chat\n"
    "shape: openai.chat\n"
    "is_default: true\n"
    "sources:\n"
    "  docs: {what: the manual, date: 2026-08-21}\n"
    "endpoint: {base_url: 'https://api.acme.example/v1', method: POST, path: /c, source: docs}\n"
    "auth: {header: Authorization, key_envs: [ACME_API_KEY], source: docs}\n"
    "request_fields: [{name: tokens, type: number, also: [max_tokens, limit], source: docs},\n"
    "                 {name: think.hard, type: text, also: [effort], source: docs}]\n"
    "continuation: {message_fields: [role, thoughts], source: docs}\n"
    "retry: [{status: 400-499, class: permanent, reason: http_4xx, source: docs}]\n"
    "errors: {code: [$.error.code, $.code], message: [$.error.text, '$.detail[0].msg', $.detail],\n"
    "         in_answer: [{path: '$.parts[*].failure', code: '$.parts[0].failure.why', source: "
    "docs},\n"
    "                     {path: '$.end', words: [broken, lost], code: $.end, source: docs}]}\n"
    "supported_identifiers: [response_id]\n"
    "identifier_extraction_paths: [{kind: response_id, path: $.id, source: docs}]\n"
    "answer: {message: $.m, finish: $.f}\n"
    "finish: {stop: stop, source: docs}\n"
    "usage:\n"
    "  object: [$.usage, $.aside.usage]\n"
    "  input: {path: [$.usage.in, $.aside.usage.in], source: docs}\n"
    "  output: {path: $.usage.out, source: docs}\n"
    "  cost: {path: $.usage.cost, more: $.usage.more, more_if: $.usage.both, source: docs}\n";

static const char price_file[] =
    "provider: acme\n"
    "currency: USD\n"
    "sources: {docs: {what: the manual, date: 2026-08-21}}\n"
    "models:\n"
    "  - model: a\n"
    "    spans: [{input: 1, output: 2, source: docs,\n"
    "             hours: [{name: night, from: '22:00', until: '24:00', factor: 1/2}]}]\n";

static struct catalogue *catalogue;
static const struct provider_api *api;

// With one text put in place of another.
static enum err compile(const char *file, const char *from, const char *to, struct buf *document,
                        struct buf *problems) {
    bool is_price = file == price_file;
    const char *at = strstr(file, from);
    ck_assert_ptr_nonnull(at);
    char text[4096];
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - file), file, to, at + strlen(from));
    struct catalogue_source sources[] = {
        {"acme.chat.yaml", false, bytes_text(is_price ? api_file : text)},
        {"acme.yaml", true, bytes_text(is_price ? text : price_file)}};
    buf_init(document, CATALOGUE_BYTES_MAX);
    buf_init(problems, 1 << 16);
    return catalogue_compile(sources, 2, document, problems);
}

static void set_up(void) {
    struct buf document, problems;
    enum err e = compile(api_file, "acme", "acme", &document, &problems);
    ck_assert_msg(e == ERR_OK, "%s", buf_cstr(&problems));
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &catalogue), ERR_OK);
    api = catalogue_api_at(catalogue, 0);
    buf_release(&document);
    buf_release(&problems);
}

static void tear_down(void) {
    catalogue_free(catalogue);
    ck_assert_int_eq(mem_held(), 0);
}

static void assert_first(const struct jsonpath *path, const char *text, const char *expected) {
    struct json_scan scan;
    uint32_t node = 0;
    json_scan_init(&scan);
    ck_assert_int_eq(json_scan(&scan, bytes_text(text), NULL), ERR_OK);
    bool is_found = jsonpath_first(path, &scan, &node);
    ck_assert_msg(is_found == (expected != NULL), "%s", text);
    if (expected)
        ck_assert_msg(bytes_is(json_raw(&scan, node), expected), "%s", text);
    json_scan_release(&scan);
}

// Servers of one API put the same counter in different places, and null in the others.
START_TEST(of_several_paths_the_first_that_says_something_holds) {
    assert_first(api->usage.input, "{\"usage\":{\"in\":1},\"aside\":{\"usage\":{\"in\":2}}}", "1");
    assert_first(api->usage.input, "{\"usage\":null,\"aside\":{\"usage\":{\"in\":2}}}", "2");
    assert_first(api->usage.input, "{\"usage\":{\"in\":null},\"aside\":{\"usage\":{\"in\":2}}}",
                 "2");
    assert_first(api->usage.input, "{\"usage\":{\"in\":0},\"aside\":{\"usage\":{\"in\":2}}}", "0");
    assert_first(api->usage.input, "{\"usage\":{\"in\":null}}", NULL);
    assert_first(api->usage.object, "{\"usage\":null,\"aside\":{\"usage\":{}}}", "{}");
    assert_first(api->usage.cost_more, "{\"usage\":{\"more\":3}}", "3");
}
END_TEST

static void assert_failed(const char *text, const char *code, const char *message) {
    struct json_scan scan;
    struct error_words words;
    json_scan_init(&scan);
    ck_assert_int_eq(json_scan(&scan, bytes_text(text), NULL), ERR_OK);
    bool has_failed = provider_api_failed(api, &scan, &words);
    ck_assert_msg(has_failed == (code != NULL), "%s", text);
    ck_assert_str_eq(words.code, code ? code : "");
    ck_assert_str_eq(words.message, message ? message : "");
    json_scan_release(&scan);
}

// An answer with status 200 that has failed must never be handed out as a result.
START_TEST(an_answer_that_says_that_it_failed_is_none) {
    assert_failed("{\"parts\":[{\"failure\":null}],\"end\":\"stop\",\"error\":null}", NULL, NULL);
    assert_failed("{\"parts\":[{\"failure\":{\"why\":502}}]}", "502", "");
    assert_failed("{\"end\":\"lost\"}", "lost", "");
    assert_failed("{\"end\":\"l\\u006fst\"}", NULL, NULL); // no provider writes it so
    assert_failed("{\"error\":{\"code\":\"x\",\"text\":\"y\"}}", "x", "y");
    assert_failed("{\"code\":\"x\",\"error\":\"y\"}", "x", "y");
    // Nothing, as some servers write it.
    assert_failed("{\"end\":\"stop\",\"error\":{}}", NULL, NULL);
    assert_failed("{\"end\":\"stop\",\"error\":\"\"}", NULL, NULL);
    assert_failed("{\"end\":\"stop\",\"error\":false}", NULL, NULL);
    assert_failed("[]", NULL, NULL);
    struct error_words words;
    provider_api_error(api, bytes_text("{\"detail\":[{\"msg\":\"a\"},{\"msg\":\"b\"}]}"), &words);
    ck_assert_str_eq(words.message, "a");
    provider_api_error(api, bytes_text("{\"detail\":\"c\"}"), &words);
    ck_assert_str_eq(words.message, "c");
    struct json_scan nothing;
    json_scan_init(&nothing);
    ck_assert(!provider_api_failed(api, &nothing, &words));
    json_scan_release(&nothing);
}
END_TEST

START_TEST(names_of_parameters_and_members_of_messages_are_read) {
    static const char *const names[][2] = {
        {"max_tokens", "tokens"}, {"limit", "tokens"}, {"effort", "think.hard"}};
    ck_assert_uint_eq(api->field_name_count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(api->field_names[i].from, names[i][0]);
        ck_assert_str_eq(api->field_names[i].to, names[i][1]);
    }
    ck_assert_str_eq(api->message_fields[1], "thoughts");
    ck_assert_ptr_null(api->message_fields[2]);
    const struct price *price = catalogue_price_at(catalogue, 0);
    ck_assert_uint_eq(price->hours_count, 1);
    ck_assert_int_eq(price->hours[0].from_minute, 22 * 60);
    ck_assert_int_eq(price->hours[0].until_minute, 24 * 60);
    ck_assert_int_eq(price->hours[0].denominator, 2);
    ck_assert(!price->hours[0].is_workdays);
}
END_TEST

// A file with a mistake never becomes a catalogue.
START_TEST(mistakes_are_named_with_their_place) {
    static const struct {
        const char *file, *from, *to, *problem;
    } cases[] = {
        {api_file, "[$.error.code, $.code]", "[]", "errors/code: needs a path"},
        {api_file, "[$.error.code, $.code]", "[$.error.code, '$...']", "errors/code/1: "},
        {api_file, "[$.error.code, $.code]", "[1]", "errors/code/0: must be a text"},
        {api_file, "in_answer: [{path: '$.parts[*].failure',", "in_answer: [{",
         "errors/in_answer/0: needs an event, data or a path"},
        {api_file, "output: {path", "output: {more: $...a, path", "usage/output/more: "},
        {api_file, "output: {path", "output_audio: {path: $.a, more: $.b}\n  output: {path",
         "usage/output_audio/more: no such field"},
        {api_file, "retry: [", "batch: {key: $.k, answer: $.a, error: $, tier: b}\nretry: [",
         "batch: needs urls, or results"},
        {api_file, "retry: [",
         "batch: {urls: [/b], key: $.k, answer: $.a, error: $, tier: b}\nretry: [",
         "batch: needs to say where results are"},
        {api_file, "retry: [",
         "batch: {results: [/b], key: $.k, answer: $.a, error: $, tier: b}\nretry: [",
         "batch: \"result\" is missing"},
        {api_file, "retry: [",
         "batch: {urls: [b], items: [$.i], key: $.k, answer: $.a, error: $, tier: b}\nretry: [",
         "batch/urls: must begin with a slash"},
        {api_file, "retry: [",
         "batch: {urls: [/b], items: [$.i], key: $.k, answer: $.a, error: $, tier: b,\n"
         "  identifiers: [{kind: x_id, path: $.a}]}\nretry: [",
         "batch/identifiers/0/kind: is not among supported_identifiers"},
        {api_file, "output: {path", "free: {path: $.a, words: [b], output: $.c}\n  output: {path",
         "usage/free/output: no such field"},
        {api_file, "retry: [",
         "batch: {urls: [/b], items: [$.i], key: $.k, answer: $.a, error: $, tier: b,\n"
         "  item_identifiers: [{kind: response_id, header: x-id}]}\nretry: [",
         "batch/item_identifiers: may not name a header"},
        {api_file, "retry: [", "support: [{what: a, state: not served, next: b}]\nretry: [",
         "support/0: \"note\" is missing"},
        {api_file, "retry: [", "support: [{what: a, state: not served, note: b}]\nretry: [",
         "support/0: \"next\" is missing"},
        {api_file, "retry: [", "support: [{what: a, state: planned}]\nretry: [",
         "support/0/state: must be served"},
        {price_file, "'22:00'", "'25:00'", "models/0/spans/0/hours/0/from: must be a time"},
        {price_file, "'24:00'", "'21:00'", "models/0/spans/0/hours/0: must end later"},
        {price_file, "factor: 1/2", "factor: half", "models/0/spans/0/hours/0: needs a factor"},
        {price_file, "name: night,", "name: night, days: sundays,",
         "models/0/spans/0/hours/0/days: must be workdays"},
        {price_file, "[{name: night, from: '22:00', until: '24:00', factor: 1/2}]", "{}",
         "models/0/spans/0/hours: must be a list"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct buf document, problems;
        ck_assert_int_eq(compile(cases[i].file, cases[i].from, cases[i].to, &document, &problems),
                         ERR_BAD_CONFIG);
        ck_assert_msg(strstr(buf_cstr(&problems), cases[i].problem), "\"%s\" gives: %s",
                      cases[i].to, buf_cstr(&problems));
        buf_release(&document);
        buf_release(&problems);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("catalogue words");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, of_several_paths_the_first_that_says_something_holds);
    tcase_add_test(all, an_answer_that_says_that_it_failed_is_none);
    tcase_add_test(all, names_of_parameters_and_members_of_messages_are_read);
    tcase_add_test(all, mistakes_are_named_with_their_place);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
