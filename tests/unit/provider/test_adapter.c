#include "common/mem.h"
#include "tests/unit/provider/api.h"
#include "workers/provider/adapter.h"

#include <check.h>
#include <stdio.h>

static const struct adapter *adapter;
static struct catalogue *catalogue;
static const struct provider_api *api;
static struct json_scan scan;
static struct buf body;

static void set_up(void) {
    catalogue = api_catalogue();
    api = catalogue_api(catalogue, bytes_text("openai"), bytes_text("chat"));
    adapter = adapter_for(api->shape);
    ck_assert_ptr_nonnull(adapter);
    json_scan_init(&scan);
    buf_init(&body, 1 << 20);
}

static void tear_down(void) {
    json_scan_release(&scan);
    buf_release(&body);
    catalogue_free(catalogue);
    ck_assert_int_eq(mem_held(), 0);
}

static const char *write_job(const char *line, const char *context, const char *model) {
    struct adapter_job job = {.api = api,
                              .line = bytes_text(line),
                              .context = bytes_text(context),
                              .model = bytes_text(model)};
    job.is_stream = job_asks_stream(&job);
    buf_reset(&body);
    return adapter->write(&job, &scan, &body);
}

static void assert_writes(const char *line, const char *context, const char *model,
                          const char *expected) {
    const char *refusal = write_job(line, context, model);
    ck_assert_msg(!refusal, "%s", refusal);
    ck_assert_str_eq(buf_cstr(&body), expected);
}

// People compare what they wrote with what was billed; a digit or an order that changed is a bug
// that nobody finds.
START_TEST(a_native_body_goes_out_byte_for_byte) {
    static const char *const bodies[] = {
        "{\"model\":\"gpt-5-nano\",\"messages\":[]}",
        ("{ \"zeta\" : 1.10, \"model\":\"gpt-5-nano\" ,\"temperature\":1E+2,\"e\":1e-400,\n\t"
         "\"x\":0.30000000000000004,\"alpha\":[ ],\"seed\":123456789012345678901234567890 }"),
        ("{\"messages\":[{\"content\":\"\\u00e9\\/\\ud83d\\ude00 {\\\"model\\\":1}\"}],"
         "\"model\":\"gpt-5-nano\"}"),
        "{\"nested\":{\"model\":\"inner\"},\"model\":\"gpt-5-nano\"}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char line[1024];
        (void)snprintf(line, sizeof(line),
                       "{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\","
                       "\"body\":%s}",
                       bodies[i]);
        assert_writes(line, "", "gpt-5-nano", bodies[i]);
    }
}
END_TEST

// "openai/gpt-5" is our way of naming a provider; the provider knows only its own part.
START_TEST(a_model_with_its_provider_is_replaced_and_nothing_else) {
    assert_writes(
        "{\"body\":{\"a\":1.0,\"model\":\"openai/gpt-5-nano\",\"b\":\"openai/gpt-5-nano\"}}", "",
        "gpt-5-nano", "{\"a\":1.0,\"model\":\"gpt-5-nano\",\"b\":\"openai/gpt-5-nano\"}");
    assert_writes("{\"body\":{\"model\":\"x\"}}", "", "a\"b", "{\"model\":\"a\\\"b\"}");
    assert_writes("{\"body\":{\"model\":\"gpt\\u002d5\"}}", "", "gpt-5", "{\"model\":\"gpt-5\"}");
}
END_TEST

START_TEST(a_line_without_a_request_is_refused) {
    ck_assert_str_eq(write_job("{\"custom_id\":\"a\"}", "", "m"), "line_without_body");
    ck_assert_str_eq(write_job("{\"body\":[]}", "", "m"), "line_without_body");
    ck_assert_str_eq(write_job("{\"body\":{\"messages\":[]}}", "", "m"), "body_without_model");
    ck_assert_str_eq(write_job("", "", "m"), "line_without_body");
}
END_TEST

// The turn's whole history goes out in the API's words, in order, with its parameters.
START_TEST(a_turn_becomes_a_chat_request) {
    assert_writes(
        "{\"conversation\":\"c1\"}",
        "{\"model\":\"ignored\",\"system\":\"Be brief.\",\"params\":{\"temperature\":0.10,"
        "\"max_completion_tokens\":64,\"stop\":[\"\\n\"]},\"messages\":["
        "{\"role\":\"user\",\"content\":\"caf\\u00e9?\"},"
        "{\"role\":\"assistant\",\"content\":\"Yes.\"},"
        "{\"role\":\"user\",\"content\":\"Why?\"}]}",
        "gpt-5-nano",
        "{\"model\":\"gpt-5-nano\",\"messages\":["
        "{\"role\":\"system\",\"content\":\"Be brief.\"},"
        "{\"role\":\"user\",\"content\":\"caf\\u00e9?\"},"
        "{\"role\":\"assistant\",\"content\":\"Yes.\"},"
        "{\"role\":\"user\",\"content\":\"Why?\"}],"
        "\"temperature\":0.10,\"max_completion_tokens\":64,\"stop\":[\"\\n\"]}");
    assert_writes("{}", "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"system\":null}",
                  "m", "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
}
END_TEST

START_TEST(parts_and_tools_are_written_in_the_apis_way) {
    assert_writes(
        "{}",
        "{\"tools\":[{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}},"
        "{\"type\":\"function\",\"function\":{\"name\":\"g\"}}],\"messages\":["
        "{\"role\":\"user\",\"content\":[\"look\",{\"type\":\"image_url\",\"image_url\":{\"url\":"
        "\"data:x\"}}]},"
        "{\"role\":\"assistant\",\"content\":null,\"reasoning\":\"ours\",\"tool_calls\":["
        "{\"id\":\"call_1\",\"name\":\"f\",\"arguments\":{\"a\":1.50}},"
        "{\"id\":\"call_2\",\"name\":\"f\",\"arguments\":\"{}\"},"
        "{\"id\":\"call_3\",\"name\":\"f\"},"
        "{\"id\":\"call_4\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":"
        "\"{}\"}}]},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_call_id\":\"call_1\","
        "\"content\":\"42\"}]},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"call\":3,\"content\":\"45\"},"
        "{\"type\":\"tool_result\",\"call\":1,\"content\":\"43\"},"
        "{\"type\":\"tool_result\",\"call\":\"call_3\",\"content\":\"44\"}]}]}",
        "m",
        "{\"model\":\"m\",\"messages\":["
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"look\"},{\"type\":"
        "\"image_url\",\"image_url\":{\"url\":\"data:x\"}}]},"
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
        "{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
        "\"{\\\"a\\\":1.50}\"}},"
        "{\"id\":\"call_2\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
        "\"{}\"}},"
        "{\"id\":\"call_3\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
        "\"{}\"}},"
        "{\"id\":\"call_4\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":"
        "\"{}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"42\"},"
        "{\"role\":\"tool\",\"tool_call_id\":\"call_4\",\"content\":\"45\"},"
        "{\"role\":\"tool\",\"tool_call_id\":\"call_2\",\"content\":\"43\"},"
        "{\"role\":\"tool\",\"tool_call_id\":\"call_3\",\"content\":\"44\"}],"
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":"
        "\"object\"}}},{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]}");
}
END_TEST

// Two models or two lists of messages in one request: the provider would choose.
START_TEST(parameters_never_override_what_we_decide) {
    assert_writes("{}",
                  "{\"params\":{\"stream\":false,\"tools\":[1],\"seed\":7},\"tools\":[{\"name\":"
                  "\"f\"}],\"messages\":[]}",
                  "m",
                  "{\"model\":\"m\",\"messages\":[],\"seed\":7,\"tools\":[{\"type\":\"function\","
                  "\"function\":{\"name\":\"f\"}}]}");
    ck_assert_str_eq(write_job("{}", "{\"params\":{\"model\":\"x\"},\"messages\":[]}", "m"),
                     "parameter_not_served");
}
END_TEST

// Without its usage a stream has no price; what a person states of it stays.
START_TEST(a_stream_is_asked_for_with_all_that_it_needs) {
#define NEEDS "\"stream_options\":{\"include_obfuscation\":false,\"include_usage\":true}"
    assert_writes("{}", "{\"params\":{\"stream\":true,\"seed\":1},\"messages\":[]}", "m",
                  "{\"model\":\"m\",\"messages\":[],\"stream\":true,\"seed\":1," NEEDS "}");
    assert_writes("{\"body\":{\"model\":\"x\", \"stream\":true,\"t\":1.10}}", "", "m",
                  "{\"model\":\"m\",\"stream\":true,\"t\":1.10," NEEDS "}");
    assert_writes("{\"body\":{\"stream_options\":{\"include_usage\":false},\"model\":\"m\","
                  "\"stream\":true}}",
                  "", "m",
                  "{\"stream_options\":{\"include_usage\":false,\"include_obfuscation\":false},"
                  "\"model\":\"m\",\"stream\":true}");
    assert_writes("{\"body\":{\"model\":\"m\",\"stream\":true,\"stream_options\":{}}}", "", "m",
                  "{\"model\":\"m\",\"stream\":true," NEEDS "}");
    assert_writes("{\"body\":{\"model\":\"m\",\"stream\":false}}", "", "m",
                  "{\"model\":\"m\",\"stream\":false}");
    // What some libraries write of all that is not set.
    assert_writes("{\"body\":{\"stream_options\":null,\"model\":\"m\",\"stream\":true,\"t\":null}}",
                  "", "m", "{\"model\":\"m\",\"stream\":true,\"t\":null," NEEDS "}");
    assert_writes(
        "{\"body\":{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":"
        "null,\"include_obfuscation\":false}}}",
        "", "m", "{\"model\":\"m\",\"stream\":true," NEEDS "}");
    assert_writes(
        "{}", "{\"params\":{\"stream\":true,\"stream_options\":null,\"seed\":1},\"messages\":[]}",
        "m", "{\"model\":\"m\",\"messages\":[],\"stream\":true,\"seed\":1," NEEDS "}");
    assert_writes("{\"body\":{\"model\":\"m\",\"stream\":false,\"stream_options\":null}}", "", "m",
                  "{\"model\":\"m\",\"stream\":false,\"stream_options\":null}");
#undef NEEDS
}
END_TEST

START_TEST(a_context_that_is_none_is_refused) {
    static const char *const contexts[] = {
        "x",
        "[]",
        "{}",
        "{\"messages\":{}}",
        "{\"messages\":[1]}",
        "{\"messages\":[],\"params\":[]}",
        "{\"messages\":[],\"tools\":{}}",
        "{\"messages\":[],\"system\":[\"a\"]}",
        "{\"messages\":[]",
    };
    for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++)
        ck_assert_str_eq(write_job("{}", contexts[i], "m"), "context_malformed");
}
END_TEST

// ---- many calls ---------------------------------------------------------------------------------

enum { MANY = 20000 };

// A message of that many calls of two tools, and of members that mean nothing; then as many results
// but one, each written by the format with its number twice.
static const char *write_many(struct buf *context, unsigned results, const char *format,
                              bool is_apart) {
    const char *between = is_apart ? "]},{\"role\":\"user\",\"content\":[" : ",";
    buf_init(context, CONTEXT_BYTES_MAX);
    buf_text(context, "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{");
    for (unsigned i = 0; i < MANY; i++)
        buf_printf(context, "\"m%u\":0,", i);
    buf_text(context, "\"role\":\"assistant\",\"content\":null,\"tool_calls\":[");
    for (unsigned i = 0; i < MANY; i++)
        buf_printf(context, "%s{\"id\":\"c%u\",\"name\":\"f%u\"}", i ? "," : "", i, i % 2);
    buf_text(context, "]},{\"role\":\"user\",\"content\":[");
    for (unsigned i = 0; i < results; i++) {
        buf_text(context, i ? between : "");
        buf_text(context, "{\"type\":\"tool_result\",");
        buf_printf(context, format, i, i);
        buf_text(context, "}");
    }
    buf_text(context, "]}]}");
    buf_release(&body);
    buf_init(&body, CONTEXT_BYTES_MAX);
    return write_job("{}", buf_cstr(context), "m");
}

// The body's next result from there on, of call and result that number; NULL: there is none. Under
// the sanitizers strstr and sscanf read all that follows, here megabytes: results stand closely.
static const char *next_result(const char *at, unsigned *call, unsigned *result) {
    static const char name[] = "\"tool_call_id\":";
    char near[80];
    at = memmem(at, strnlen(at, sizeof(near)), name, strlen(name));
    if (!at)
        return NULL;
    (void)snprintf(near, sizeof(near), "%.79s", at);
    ck_assert_int_eq(sscanf(near, "\"tool_call_id\":\"c%u\",\"content\":\"r%u\"", call, result), 2);
    return at + 1;
}

static const char *first_result(void) {
    const char *at = strstr(buf_cstr(&body), "\"tool_call_id\":");
    ck_assert_ptr_nonnull(at);
    return at;
}

static void assert_finds_all(const char *format, bool is_apart) {
    struct buf context;
    const char *refusal = write_many(&context, MANY, format, is_apart);
    ck_assert_msg(!refusal, "%s", refusal);
    unsigned count = 0, call, result;
    for (const char *at = first_result(); (at = next_result(at, &call, &result)); count++) {
        ck_assert_uint_eq(call, count);
        ck_assert_uint_eq(result, count);
    }
    ck_assert_uint_eq(count, MANY);
    buf_release(&context);
    ck_assert_str_eq(write_many(&context, MANY - 1, format, is_apart), "tool_result_missing");
    buf_release(&context);
}

// One line of a few megabytes held a worker for minutes when each result was sought among all.
START_TEST(many_results_find_their_calls_however_they_name_them) {
    assert_finds_all("\"call\":%u,\"content\":\"r%u\"", false);
    assert_finds_all("\"call\":%u,\"content\":\"r%u\"", true);
    assert_finds_all("\"tool_call_id\":\"c%u\",\"content\":\"r%u\"", false);
    assert_finds_all("\"tool_call_id\":\"c%u\",\"content\":\"r%u\"", true);
    assert_finds_all("\"note\":%u,\"content\":\"r%u\"", false);
}
END_TEST

// The results of a tool are its calls' in their order, beside those of another one.
START_TEST(many_results_of_two_tools_find_their_calls) {
    struct buf context;
    buf_release(&body);
    buf_init(&body, CONTEXT_BYTES_MAX);
    buf_init(&context, CONTEXT_BYTES_MAX);
    buf_text(&context, "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[");
    for (unsigned i = 0; i < MANY; i++)
        buf_printf(&context, "%s{\"id\":\"c%u\",\"name\":\"f%u\"}", i ? "," : "", i, i % 2);
    buf_text(&context, "]},{\"role\":\"user\",\"content\":[");
    // All of the second tool's first.
    for (unsigned i = 0; i < MANY; i++)
        buf_printf(&context, "%s{\"type\":\"tool_result\",\"name\":\"f%u\",\"content\":\"r%u\"}",
                   i ? "," : "", i < MANY / 2, i % (MANY / 2) * 2 + (i < MANY / 2));
    buf_text(&context, "]}]}");
    const char *refusal = write_job("{}", buf_cstr(&context), "m");
    ck_assert_msg(!refusal, "%s", refusal);
    unsigned count = 0, call, result;
    for (const char *at = first_result(); (at = next_result(at, &call, &result)); count++)
        ck_assert_uint_eq(call, result);
    ck_assert_uint_eq(count, MANY);
    buf_release(&context);
}
END_TEST

START_TEST(a_request_beyond_its_bound_is_refused) {
    buf_release(&body);
    buf_init(&body, 8);
    ck_assert_str_eq(write_job("{\"body\":{\"model\":\"a model of some length\"}}", "", "m2"),
                     "request_too_large");
}
END_TEST

START_TEST(shapes_that_nobody_speaks_have_no_adapter) {
    ck_assert_ptr_null(adapter_for("openai.nonesuch"));
    ck_assert_ptr_null(adapter_for(""));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("adapter");
    TCase *tests = tcase_create("openai_chat");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_native_body_goes_out_byte_for_byte);
    tcase_add_test(tests, a_model_with_its_provider_is_replaced_and_nothing_else);
    tcase_add_test(tests, a_line_without_a_request_is_refused);
    tcase_add_test(tests, a_turn_becomes_a_chat_request);
    tcase_add_test(tests, parts_and_tools_are_written_in_the_apis_way);
    tcase_add_test(tests, parameters_never_override_what_we_decide);
    tcase_add_test(tests, a_stream_is_asked_for_with_all_that_it_needs);
    tcase_add_test(tests, a_context_that_is_none_is_refused);
    tcase_add_test(tests, a_request_beyond_its_bound_is_refused);
    tcase_add_test(tests, shapes_that_nobody_speaks_have_no_adapter);
    tcase_add_test(tests, many_results_find_their_calls_however_they_name_them);
    tcase_add_test(tests, many_results_of_two_tools_find_their_calls);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
