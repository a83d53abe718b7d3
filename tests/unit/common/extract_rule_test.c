// The user's own identifiers on their way into the catalogue.
#include "common/catalogue.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

// Hosts that read answers by other rules than the accountant's would leave holes in the index.
START_TEST(the_users_identifiers_stand_behind_the_catalogues_own) {
    static const struct extract_rule rules[] = {
        {"openai", "my_trace_id", "$.meta[?@.k=='t'].trace", "c.yaml:3"},
        {"openai", "shard", "header:X-Shard", "c.yaml:4"}};
    static const struct extract_rule stranger = {"opnai", "my_id", "$.a", "c.yaml:5"};
    struct buf document, problems;
    struct catalogue *plain, *catalogue;
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 1 << 16);
    ck_assert_int_eq(catalogue_compile_folder(NULL, &document, &problems), ERR_OK);
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &plain), ERR_OK);
    ck_assert_int_eq(catalogue_compile_rules(NULL, rules, 2, &document, &problems), ERR_OK);
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &catalogue), ERR_OK);
    ck_assert_str_ne(catalogue_hash(plain), catalogue_hash(catalogue));
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *before = catalogue_api_at(plain, i);
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        bool is_openai = strcmp(api->provider, "openai") == 0;
        size_t own = before->identifier_count;
        ck_assert_uint_eq(api->identifier_count, own + (is_openai ? 2 : 0));
        ck_assert(!api->identifiers[own - 1].is_users);
        if (!is_openai)
            continue;
        ck_assert_str_eq(api->identifiers[own].kind, "my_trace_id");
        ck_assert_str_eq(jsonpath_text(api->identifiers[own].path), rules[0].where);
        ck_assert(api->identifiers[own].is_users);
        ck_assert_str_eq(api->identifiers[own + 1].header, "x-shard");
    }
    ck_assert_int_eq(catalogue_compile_rules(NULL, &stranger, 1, &document, &problems),
                     ERR_BAD_CONFIG);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&problems),
                                 "c.yaml:5: providers.opnai.extract.my_id: the catalogue has no "
                                 "provider opnai; correct the name"));
    catalogue_free(plain);
    catalogue_free(catalogue);
    buf_release(&document);
    buf_release(&problems);
}
END_TEST

// A name that was cut in the catalogue would be another header's.
START_TEST(a_headers_name_has_its_bound) {
    char where[160], why[256];
    for (int size = EXTRACT_HEADER_BYTES_MAX; size <= EXTRACT_HEADER_BYTES_MAX + 1; size++) {
        (void)snprintf(where, sizeof(where), "header:%0*d", size, 0);
        const struct extract_rule rule = {"openai", "my_id", where, "c.yaml:3"};
        ck_assert_int_eq(extract_rule_check(&rule, why, sizeof(why)),
                         size <= EXTRACT_HEADER_BYTES_MAX);
    }
    ck_assert_ptr_nonnull(strstr(why, "at most 127 bytes"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("extract rules");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_headers_name_has_its_bound);
    tcase_add_test(all, the_users_identifiers_stand_behind_the_catalogues_own);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
