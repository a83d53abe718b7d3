// Every allocation of an extraction fails once. An answer that could be read is never called
// unreadable for want of memory: that is recorded for good.

#include "common/mem.h"
#include "tests/fault/fault.h"
#include "tests/fault/run.h"
#include "tests/unit/extractor/samples.h"

#include <assert.h>

enum { POINTS = 300 };

static struct catalogue *catalogue;

static const char headers[] = "content-type: application/json\r\nx-request-id: req_1\r\n"
                              "X-Trace-Id: a\"b\r\nset-cookie: a\r\nset-cookie: b\r\n";
static const char body[] =
    "{\"id\":\"chatcmpl-\\u0031\",\"model\":\"gpt-5-nano\\u002d1\",\"choices\":[{\"index\":0,"
    "\"finish_reason\":\"sto\\u0070\",\"message\":{\"role\":\"assistant\",\"content\":\"\\u00e4\","
    "\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
    "\"arguments\":\"{}\"}}]}}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5,"
    "\"total_tokens\":14},\"service_tier\":\"def\\u0061ult\"}";

static void read_one(unsigned status, const char *text, bool is_readable) {
    struct extract *extract = mem_new(sizeof(*extract));
    struct answer answer = {
        .api = catalogue_api(catalogue, bytes_text("openai"), bytes_text("chat")),
        .status = status,
        .headers = bytes_text(headers),
        .body = bytes_text(text),
    };
    struct buf facts;
    buf_init(&facts, FACTS_BYTES_MAX);
    extract_init(extract);
    extract_open(extract, &answer);
    assert((extract_refusal(extract) == NULL) == is_readable);
    enum err e = extract_facts(extract, &facts);
    assert(e == ERR_OK && facts.size > 0);
    extract_release(extract);
    mem_free(extract);
    buf_release(&facts);
}

static void read_all(void) {
    read_one(200, body, true);
    read_one(429, "{\"error\":{\"message\":\"slow\",\"type\":\"requests\",\"code\":\"r\"}}", true);
    read_one(502, "<html><title>Bad gateway</title></html>", true);
    read_one(200, "{\"id\":", false);
}

START_TEST(an_extraction) {
    struct buf document, problems;
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 1 << 16);
    ck_assert_int_eq(catalogue_compile_folder(NULL, &document, &problems), ERR_OK);
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &catalogue), ERR_OK);
    buf_release(&document);
    buf_release(&problems);
    fault_each(&(struct fault){.name = "extract", .run = read_all}, POINTS);
    catalogue_free(catalogue);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("each allocation fails");
    tcase_add_test(tests, an_extraction);
    return fault_run("fault-extractor", tests);
}
