// Identifiers of the user's own, which the settings name for a provider.
#include "common/mem.h"
#include "tests/unit/extractor/samples.h"

#include <check.h>
#include <stdlib.h>

static struct sample sample;
static struct catalogue *catalogue;

static void set_up(void) {
    static const struct extract_rule rules[] = {
        {"openai", "my_answer_id", "$.id", "c.yaml:1"},
        {"openai", "shard", "$.meta[?@.k == 'shard'].v", "c.yaml:2"},
        {"openai", "shard", "$..shards[-1]", "c.yaml:3"},
        {"openai", "hop", "header:X-Hop", "c.yaml:4"},
        {"openai", "slow", "$[?count($..[?count($..*) > 0]) > 0]", "c.yaml:5"},
        {"openai", "request_id", "$.ask", "c.yaml:6"},
    };
    struct buf document, problems;
    sample_open(&sample);
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 1 << 16);
    ck_assert_int_eq(catalogue_compile_rules(NULL, rules, sizeof(rules) / sizeof(rules[0]),
                                             &document, &problems),
                     ERR_OK);
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &catalogue), ERR_OK);
    sample.api = catalogue_default_api(catalogue, bytes_text("openai"));
    buf_release(&document);
    buf_release(&problems);
}

static void tear_down(void) {
    sample_close(&sample);
    catalogue_free(catalogue);
}

// Who asks for an identifier by a name of his own must find it by that name, whatever else it is.
START_TEST(what_the_settings_name_is_found_beside_what_the_catalogue_does) {
    sample_read(&sample, 200, "x-hop: h1\r\nX-HOP: h2\r\n",
                bytes_text("{\"id\":\"r1\",\"choices\":[{}],\"ask\":\"a1\",\"meta\":[{\"k\":\"x\","
                           "\"v\":\"no\"},{\"k\":\"shard\",\"v\":\"s1\"},{\"k\":\"shard\",\"v\":"
                           "17}],\"deep\":{\"shards\":[\"s2\",\"s3\"]}}"));
    ck_assert_ptr_null(sample.refusal);
    ck_assert(sample_has(&sample, "response_id", "r1", "$.id"));
    ck_assert(sample_has(&sample, "my_answer_id", "r1", "$.id"));
    ck_assert(sample_has(&sample, "shard", "s1", "$.meta[1].v"));
    ck_assert(sample_has(&sample, "shard", "17", "$.meta[2].v"));
    ck_assert(sample_has(&sample, "shard", "s3", "$.deep.shards[1]"));
    ck_assert(sample_has(&sample, "hop", "h1", "header:x-hop"));
    ck_assert(sample_has(&sample, "hop", "h2", NULL));
    ck_assert(sample_has(&sample, "request_id", "a1", "$.ask"));
    ck_assert(!sample_has(&sample, NULL, "no", NULL));
    ck_assert_uint_eq(sample.extract->paths_given_up, 0);
}
END_TEST

// A path that is too dear for one large answer costs that answer nothing but its matches.
START_TEST(a_path_that_takes_too_long_is_given_up_and_counted) {
    struct buf body;
    buf_init(&body, ANSWER_BYTES_MAX);
    buf_text(&body, "{\"id\":\"r1\",\"choices\":[{}],\"ask\":\"a1\",\"l\":[0");
    for (int i = 0; i < 20000; i++)
        buf_text(&body, ",[1]");
    buf_text(&body, "]}");
    sample_read(&sample, 200, "", buf_bytes(&body));
    ck_assert_uint_eq(sample.extract->paths_given_up, 1);
    ck_assert(sample_has(&sample, "my_answer_id", "r1", "$.id"));
    ck_assert(sample_has(&sample, "request_id", "a1", "$.ask"));
    ck_assert(!sample_has(&sample, "slow", NULL, NULL));
    sample_read(&sample, 200, "", bytes_text("{\"id\":\"r1\",\"choices\":[{}]}"));
    ck_assert_uint_eq(sample.extract->paths_given_up, 0);
    buf_release(&body);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rules");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, what_the_settings_name_is_found_beside_what_the_catalogue_does);
    tcase_add_test(all, a_path_that_takes_too_long_is_given_up_and_counted);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
