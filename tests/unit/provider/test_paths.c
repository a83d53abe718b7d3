// APIs whose model or stream stands in the path, and what their entries say besides.
#include "common/mem.h"
#include "common/wire.h"
#include "workers/extractor/shape.h"
#include "workers/provider/endpoints.h"

#include <check.h>
#include <stdlib.h>

static const char entry[] =
    "provider: acme\napi: generate\nshape: openai.chat\nis_default: true\n"
    "sources: {docs: {what: the manual, date: 2026-08-21}}\n"
    "endpoint: {base_url: 'https://api.acme.example', method: POST,\n"
    "  path: '/v1/models/{model}:generate', path_stream: '/v1/models/{model}:stream?alt=sse',\n"
    "  query: [{name: api-version, value: '2026-01'}], source: docs}\n"
    "auth: {header: api-key, key_envs: [ACME_API_KEY], source: docs}\n"
    "retry: [{status: 400-599, class: permanent, reason: http_4xx, source: docs}]\n"
    "errors: {code: $.error.code}\n"
    "answer: {message: '$.choices[0].message', finish: '$.choices[0].finish_reason'}\n"
    "finish: {stop: stop, source: docs}\n"
    "usage:\n  object: $.usage\n  input: {path: $.usage.in}\n  output: {path: $.usage.out}\n"
    "  input_cached: {path: $.usage.cached}\n"
    "  total: {path: $.usage.total}\n"
    "  input_tool_use: {path: $.usage.tools}\n"
    "  input_image: {path: $.usage.images, included: true}\n"
    "  output_image: {path: $.usage.drawn, included: true}\n"
    "  cost: {path: $.usage.ticks, unit_usd: '0.0000000001'}\n"
    "stream: {asked_by: path, end: [{path: '$.choices[*].finish_reason'}],\n"
    "  errors: [{event: error, code: $.code, message: $.message}]}\n";

static struct catalogue *catalogue;
static const struct provider_api *api;
static struct buf out, facts; // facts are views into theirs
static struct json_scan scan;

static void set_up(void) {
    const struct catalogue_source source = {"acme.yaml", false, bytes_text(entry)};
    struct buf document, problems;
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 1 << 16);
    enum err e = catalogue_compile(&source, 1, &document, &problems);
    ck_assert_msg(e == ERR_OK, "%s", buf_cstr(&problems));
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &catalogue), ERR_OK);
    buf_release(&document);
    buf_release(&problems);
    api = catalogue_api_at(catalogue, 0);
    buf_init(&out, 1 << 16);
    buf_init(&facts, FACTS_BYTES_MAX);
    json_scan_init(&scan);
}

static void tear_down(void) {
    catalogue_free(catalogue);
    buf_release(&out);
    buf_release(&facts);
    json_scan_release(&scan);
}

static const char *path_of(const char *model, bool is_stream) {
    const struct adapter_job job = {.api = api, .model = bytes_text(model), .is_stream = is_stream};
    buf_reset(&out);
    job_put_path(&job, &out);
    return buf_cstr(&out);
}

// A model's name is a stranger's text: it must not lead to another place of the server.
START_TEST(a_model_in_a_path_stays_in_its_segment) {
    ck_assert_str_eq(path_of("m-1.5", false), "/v1/models/m-1.5:generate?api-version=2026-01");
    ck_assert_str_eq(path_of("m-1.5", true), "/v1/models/m-1.5:stream?alt=sse&api-version=2026-01");
    ck_assert_str_eq(path_of("a/b ?#%\xc3\xa4", false),
                     "/v1/models/a%2Fb%20%3F%23%25%C3%A4:generate?api-version=2026-01");
    ck_assert_str_eq(path_of("..", false), "");
    ck_assert_str_eq(path_of("", false), "");
}
END_TEST

// What stands in the path is not said again in the body, which such an API would refuse.
START_TEST(a_body_says_nothing_that_its_path_says) {
    struct adapter_job job = {
        .api = api,
        .line = bytes_text("{\"body\":{\"model\":\"m\",\"a\":1.10,\"stream\":true,\"b\":[]}}"),
        .model = bytes_text("m")};
    ck_assert(job_asks_stream(&job));
    job.is_stream = true;
    ck_assert_ptr_null(adapter_for(api->shape)->write(&job, &scan, &out));
    ck_assert_str_eq(buf_cstr(&out), "{\"a\":1.10,\"b\":[]}");
    job.line = bytes_text("{\"body\":{}}");
    job.is_stream = false;
    buf_reset(&out);
    ck_assert_ptr_null(adapter_for(api->shape)->write(&job, &scan, &out));
    ck_assert_str_eq(buf_cstr(&out), "{}");
}
END_TEST

static void read_facts(const char *body, struct facts_head *head) {
    struct extract *extract = mem_new(sizeof(*extract));
    struct answer answer = {.api = api, .status = 200, .body = bytes_text(body)};
    struct wire_message message;
    buf_reset(&facts);
    extract_init(extract);
    extract_open(extract, &answer);
    ck_assert_int_eq(extract_facts(extract, &facts), ERR_OK);
    ck_assert_int_eq(wire_open(buf_bytes(&facts), &message), ERR_OK);
    ck_assert_int_eq(wire_head(&message, head), ERR_OK);
    extract_release(extract);
    mem_free(extract);
}

#define ANSWER(usage) \
    "{\"choices\":[{\"message\":{},\"finish_reason\":\"stop\"}],\"usage\":{" usage "}}"

// What is not stated is not 0, and no token is counted twice.
START_TEST(further_counters_and_other_units_are_read) {
    struct facts_head head;
    read_facts(ANSWER("\"in\":100,\"out\":50,\"tools\":7,\"images\":40,\"drawn\":20,"
                      "\"ticks\":12345"),
               &head);
    ck_assert_int_eq(head.in_uncached, 60);
    ck_assert_int_eq(head.in_image, 40);
    ck_assert_int_eq(head.in_tool_use, 7);
    ck_assert_int_eq(head.out_visible, 30);
    ck_assert_int_eq(head.out_image, 20);
    ck_assert_int_eq(head.cost_stated_pusd, 1234500);
    read_facts(ANSWER("\"in\":1,\"out\":0,\"tools\":0,\"ticks\":0.5"), &head);
    ck_assert_int_eq(head.in_tool_use, 0);
    ck_assert_int_eq(head.in_image, -1);
    ck_assert_int_eq(head.out_image, -1);
    ck_assert_int_eq(head.cost_stated_pusd, 50);
}
END_TEST

// Where cached tokens are no part of the input, they are a part of the total: the figures are those
// of an answer of Bedrock's Converse.
START_TEST(a_total_has_all_counters_in_it) {
    struct facts_head head;
    read_facts(ANSWER("\"in\":433,\"cached\":2752,\"out\":16,\"total\":3201"), &head);
    ck_assert_int_eq(head.in_uncached, 433);
    ck_assert_int_eq(head.in_cached, 2752);
    ck_assert_int_eq(head.out_visible, 16);
    ck_assert_int_eq(head.total_stated, 3201);
    ck_assert(!head.is_inconsistent);
    read_facts(ANSWER("\"in\":433,\"cached\":2752,\"out\":16,\"total\":449"), &head);
    ck_assert(head.is_inconsistent);
}
END_TEST

// An API may end its stream by nothing but the last chunk, and name its errors by their event.
START_TEST(a_stream_may_end_with_its_last_chunk) {
    struct stream_story story;
    struct bytes whole = bytes_text("data: {\"choices\":[{\"delta\":{}}]}\n\n"
                                    "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n"
                                    "data: {\"usage\":{}}\n\n");
    ck_assert_int_eq(provider_api_hear_all(api, whole, &scan, &story), ERR_OK);
    ck_assert(stream_is_whole(&story) && story.events == 3);
    whole.size = 36;
    ck_assert_int_eq(provider_api_hear_all(api, whole, &scan, &story), ERR_OK);
    ck_assert(!stream_is_whole(&story));
    struct bytes failed =
        bytes_text("event: error\ndata: {\"code\":\"busy\",\"message\":\"m\"}\n\n");
    ck_assert_int_eq(provider_api_hear_all(api, failed, &scan, &story), ERR_OK);
    ck_assert(story.is_failed);
    ck_assert_str_eq(story.words.code, "busy");
}
END_TEST

// An entry of a shape that the catalogue lets in is called, and its answers are read.
START_TEST(every_shape_of_the_catalogue_is_spoken_and_read) {
    const char *const *shape = catalogue_shapes();
    for (; *shape; shape++) {
        ck_assert_msg(adapter_for(*shape) && adapter_for(*shape)->may_stream, "%s", *shape);
        const struct answer_shape *answers = answer_shape_of(*shape);
        ck_assert_msg(answers && answers->take_event, "%s", *shape);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("provider-paths");
    TCase *tests = tcase_create("entries");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_model_in_a_path_stays_in_its_segment);
    tcase_add_test(tests, a_body_says_nothing_that_its_path_says);
    tcase_add_test(tests, further_counters_and_other_units_are_read);
    tcase_add_test(tests, a_total_has_all_counters_in_it);
    tcase_add_test(tests, a_stream_may_end_with_its_last_chunk);
    tcase_add_test(tests, every_shape_of_the_catalogue_is_spoken_and_read);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
