// Lines whose url names the model.
#include "tests/unit/ingress/validate_world.h"

#include <stdlib.h>

#define GEMINI(url, body) "{\"custom_id\":\"a\",\"url\":\"" url "\",\"body\":" body "}"

// Where the provider has the model in its path, a line has it in its url, and nowhere else.
START_TEST(a_url_may_name_the_model) {
    static const char body[] =
        "{\"contents\":[{\"parts\":[{\"text\":\"hello\"}]}],\"generationConfig\":{"
        "\"maxOutputTokens\":10}}";
    char text[1024];
    (void)snprintf(text, sizeof(text),
                   GEMINI("/v1beta/models/gemini-2.5-flash:generateContent", "%s"), body);
    ck_assert_str_eq(why(text), "");
    ck_assert_str_eq(text_of(item.provider), "gemini");
    ck_assert_str_eq(text_of(item.api), "generate");
    ck_assert_str_eq(text_of(item.model), "gemini-2.5-flash");
    // The whole body as input, at the price of audio, and ten tokens of output.
    ck_assert_int_eq(item.cost_max_pusd, (int64_t)strlen(body) * 1000000 + 10 * 2500000);
    ck_assert_str_eq(
        why("{\"custom_id\":\"b\",\"url\":\"https:\\/\\/h\\/v1\\/models\\/gemini-2.5-pro:"
            "streamGenerateContent?alt=sse\",\"body\":{\"model\":\"gemini/gemini-2.5-pro\","
            "\"contents\":[{\"parts\":[{\"inlineData\":{}}]}]}}"),
        "");
    ck_assert_str_eq(text_of(item.model), "gemini-2.5-pro");
    ck_assert_int_eq(item.cost_max_pusd, -1);
    // By its API the line needs no url, and then names the model in its body.
    ck_assert_str_eq(why("{\"custom_id\":\"c\",\"api\":\"generate\",\"body\":{\"model\":"
                         "\"gemini/gemini-2.5-pro\",\"contents\":[]}}"),
                     "");
    ck_assert_str_eq(text_of(item.model), "gemini-2.5-pro");
    ck_assert_str_eq(why("{\"custom_id\":\"d\",\"url\":\"/v1beta/models/m:generateContent\","
                         "\"body\":{\"model\":\"gemini/n\",\"contents\":[]}}"),
                     "wrong_type");
    ck_assert(says("name different models"));
    with_provider("openai");
    ck_assert_str_eq(why("{\"custom_id\":\"e\",\"url\":\"/v1beta/models/m:generateContent\","
                         "\"body\":{\"contents\":[]}}"),
                     "unknown_url");
}
END_TEST

// Whoever names a provider and another one's url is told what the provider has.
START_TEST(a_refused_url_names_those_of_the_provider) {
    with_provider("");
    ck_assert_str_eq(why("{\"custom_id\":\"a\",\"url\":\"/v1/responses\",\"body\":"
                         "{\"model\":\"groq/m\",\"input\":\"a\"}}"),
                     "api_not_served");
    ck_assert(says("of groq there are: /v1/chat/completions, "));
    ck_assert_str_eq(why("{\"custom_id\":\"b\",\"url\":\"/v1/nothing\",\"body\":"
                         "{\"model\":\"groq/m\"}}"),
                     "unknown_url");
    ck_assert(says("of groq there are: /v1/chat/completions, "));
}
END_TEST

// A form says who is meant where nothing else does: not where somebody is named whom nobody knows.
START_TEST(a_name_that_nobody_has_goes_to_nobody) {
    with_provider("");
    ck_assert_str_eq(why("{\"custom_id\":\"a\",\"url\":\"/v1/chat/completions\",\"body\":"
                         "{\"model\":\"groqq/m\",\"messages\":[]}}"),
                     "unknown_provider");
    ck_assert(says("there is no provider groqq; known are: "));
    ck_assert_str_eq(why("{\"custom_id\":\"b\",\"params\":{\"model\":\"anthropics/m\","
                         "\"max_tokens\":1,\"messages\":[]}}"),
                     "unknown_provider");
    ck_assert_str_eq(why("{\"conversation\":\"c\",\"model\":\"grok/m\",\"input\":\"a\"}"),
                     "unknown_provider");
    ck_assert(says("there is no provider grok; known are: "));
    with_provider("openai"); // whose models may be called anything
    ck_assert_str_eq(why("{\"custom_id\":\"d\",\"url\":\"/v1/chat/completions\",\"body\":"
                         "{\"model\":\"groqq/m\",\"messages\":[]}}"),
                     "");
    ck_assert_str_eq(text_of(item.model), "groqq/m");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("urls");
    TCase *lines = tcase_create("lines");
    tcase_add_checked_fixture(lines, set_up, tear_down);
    tcase_add_test(lines, a_url_may_name_the_model);
    tcase_add_test(lines, a_refused_url_names_those_of_the_provider);
    tcase_add_test(lines, a_name_that_nobody_has_goes_to_nobody);
    suite_add_tcase(suite, lines);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
