// What whoever adds a provider relies on: what cannot be meant is refused with its place, and an
// entry that we ship says all that its pages are made of, each fact with its source.

#include "common/catalogue.h"
#include "common/mem.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char api_file[] =
    "provider: acme\n"
    "api: chat\n"
    "shape: openai.chat\n"
    "is_default: true\n"
    "sources:\n"
    "  docs: {what: the manual, date: 2026-08-21}\n"
    "endpoint: {base_url: 'https://api.acme.example/v1', base_url_env: ACME_URL, method: POST,\n"
    "           path: /chat/completions, source: docs}\n"
    "auth: {header: Authorization, prefix: 'Bearer ', key_envs: [ACME_TOKEN], source: docs}\n"
    "retry: [{status: 400-499, class: permanent, reason: http_4xx, source: docs}]\n"
    "errors: {code: $.error.code}\n"
    "answer: {message: '$.choices[0].message', finish: '$.choices[0].finish_reason'}\n"
    "finish: {stop: stop, source: docs}\n"
    "usage:\n"
    "  object: $.usage\n"
    "  input: {path: $.usage.in, source: docs}\n"
    "  output: {path: $.usage.out, source: docs}\n";

static const char price_file[] =
    "provider: acme\n"
    "currency: USD\n"
    "sources: {docs: {what: the price list, date: 2026-08-21}}\n"
    "models: [{model: a, spans: [{input: 1, output: 2, source: docs}]}]\n";

static char folder[] = "/tmp/colloq-own-XXXXXX";
static struct buf document, problems;

static void set_up(void) {
    char inside[64];
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(inside, sizeof(inside), "%s/providers", folder);
    ck_assert_int_eq(mkdir(inside, 0700), 0);
    (void)snprintf(inside, sizeof(inside), "%s/prices", folder);
    ck_assert_int_eq(mkdir(inside, 0700), 0);
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 1 << 16);
}

static int forget(const char *path, const struct stat *stat, int flag, struct FTW *ftw) {
    (void)stat, (void)flag, (void)ftw;
    return remove(path);
}

static void tear_down(void) {
    ck_assert_int_eq(nftw(folder, forget, 8, FTW_DEPTH | FTW_PHYS), 0);
    buf_release(&document);
    buf_release(&problems);
}

// Writes a file of the folder, with one text put in place of another.
static void put(const char *name, const char *text, const char *from, const char *to) {
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    const char *at = strstr(text, from);
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(at);
    ck_assert_int_gt(fprintf(file, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static bool is_good(void) {
    buf_reset(&problems);
    enum err e = catalogue_compile_folder(folder, &document, &problems);
    ck_assert(e == ERR_OK || buf_bytes(&problems).size > 0);
    return e == ERR_OK;
}

static bool says(const char *words) {
    return strstr(buf_cstr(&problems), words) != NULL;
}

// A mistake that is not refused is one that is found when the first job fails, or never.
START_TEST(what_cannot_be_meant_is_refused) {
    static const struct {
        const char *from, *to, *problem;
    } cases[] = {
        {"shape: openai.chat", "shape: openai.chatt",
         "acme.yaml:3: shape: no API of this shape is known here; there are: openai.chat "},
        {"ACME_URL", "'acme url'", "acme.yaml:7: endpoint/base_url_env: must be a variable's name"},
        {"[ACME_TOKEN]", "['$ACME_TOKEN']", "acme.yaml:9: auth/key_envs: must be variables' names"},
        {"finish: {stop: stop, source: docs}\n", "", "acme.yaml:1: \"finish\" is missing"},
        {"usage:\n", "usages:\n", "usages: no such field"},
    };
    put("providers/acme.yaml", api_file, "acme", "acme");
    ck_assert_msg(is_good(), "%s", buf_cstr(&problems));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        put("providers/acme.yaml", api_file, cases[i].from, cases[i].to);
        ck_assert_msg(!is_good() && says(cases[i].problem), "%s: %s", cases[i].problem,
                      buf_cstr(&problems));
    }
}
END_TEST

// Two files that say different things of one API: which of them holds nobody could tell.
START_TEST(a_name_stands_in_one_file_of_the_user) {
    put("providers/a.yaml", api_file, "acme", "acme");
    put("providers/b.yaml", api_file, "ACME_URL", "OTHER_URL");
    ck_assert(!is_good());
    ck_assert_msg(says("b.yaml:2: acme.chat is also in ") && says("providers/a.yaml\n"), "%s",
                  buf_cstr(&problems));
    put("providers/b.yaml", api_file, "api: chat\nshape: openai.chat\nis_default: true",
        "api: talk\nshape: openai.chat");
    ck_assert_msg(is_good(), "%s", buf_cstr(&problems));
    // One of ours is replaced.
    put("providers/b.yaml", api_file, "provider: acme", "provider: openai");
    ck_assert_msg(is_good(), "%s", buf_cstr(&problems));
    put("prices/a.yaml", price_file, "acme", "acme");
    ck_assert_msg(is_good(), "%s", buf_cstr(&problems));
    put("prices/b.yaml", price_file, "input: 1", "input: 2");
    ck_assert(!is_good() && says("b.yaml:4: acme/a is also in "));
}
END_TEST

// Prices under a name that no provider has would leave every call unpriced, without a word.
START_TEST(prices_are_those_of_a_provider) {
    put("providers/acme.yaml", api_file, "acme", "acme");
    put("prices/acme.yaml", price_file, "acme", "acmee");
    ck_assert(!is_good());
    ck_assert(says("prices of acmee: the catalogue has no such provider"));
}
END_TEST

static void check_list(const char *api, const json_t *entry, const char *name) {
    const json_t *list = json_object_get(entry, name), *one;
    size_t i;
    ck_assert_msg(json_is_array(list), "%s has no %s", api, name);
    json_array_foreach(list, i, one)
        ck_assert_msg(json_object_get(one, "source"), "%s: %s/%zu has no source", api, name, i);
}

// The pages, ai_platform and the gap analysis are made of these; a part that is left out is a part
// that nobody can read anywhere.
START_TEST(an_entry_of_ours_is_whole) {
    static const char *const lists[] = {"request_fields",
                                        "retention",
                                        "limits",
                                        "context_windows",
                                        "retry",
                                        "support",
                                        "identifier_extraction_paths",
                                        "metadata_fields",
                                        "provider_notes",
                                        "cost_optimization_notes"};
    static const char *const sections[] = {
        "title",  "sdk_session_support",     "continuation", "rate_limit", "headers",
        "stream", "conversation_identifiers"};
    struct catalogue *catalogue;
    ck_assert_int_eq(catalogue_compile_folder(NULL, &document, &problems), ERR_OK);
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &catalogue), ERR_OK);
    ck_assert_uint_gt(catalogue_api_count(catalogue), 0);
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        char name[256];
        json_t *entry = json_loads(api->json, 0, NULL);
        (void)snprintf(name, sizeof(name), "%s.%s", api->provider, api->api);
        for (size_t k = 0; k < sizeof(sections) / sizeof(*sections); k++)
            ck_assert_msg(json_object_get(entry, sections[k]), "%s has no %s", name, sections[k]);
        for (size_t k = 0; k < sizeof(lists) / sizeof(*lists); k++)
            check_list(name, entry, lists[k]);
        ck_assert_msg(api->base_url_env, "%s cannot be led to the simulator", name);
        json_decref(entry);
    }
    catalogue_free(catalogue);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("a catalogue of one's own");
    TCase *tests = tcase_create("entries");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_cannot_be_meant_is_refused);
    tcase_add_test(tests, a_name_stands_in_one_file_of_the_user);
    tcase_add_test(tests, prices_are_those_of_a_provider);
    tcase_add_test(tests, an_entry_of_ours_is_whole);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
