// Every allocation of a submission fails once: no good line is refused and no block is lost for
// want of memory; the process ends, and the client sends its file again.

#include "common/mem.h"
#include "tests/fault/fault.h"
#include "tests/fault/run.h"
#include "workers/ingress/session.h"

#include <assert.h>

enum { POINTS = 300, STEPS_MAX = 1000 };

static struct catalogue *catalogue;
static const struct moment now = {.mono_ms = 5000, .wall_ms = 1795000000000};

static const char file[] =
    "{\"custom_id\":\"a\",\"url\":\"/v1/chat/"
    "completions\",\"body\":{\"model\":\"o3\",\"messages\":[]}}\n"
    "\n"
    "broken\n"
    "{\"conversation\":\"c\\u0031\",\"model\":\"openai/gpt-5-nano\",\"input\":\"x\"}\n"
    "{\"conversation\":\"c\\u0031\",\"input\":\"y\",\"tags\":{\"team\":\"red\"}}\n"
    "{\"custom_id\":\"\\u0062\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"o3\","
    "\"n\":2,\"service_tier\":\"fl\\u0065x\",\"messages\":[]}}\n";

// A broker that is always there.
static void answer(struct stream *stream, const struct stream_message *message) {
    struct wire_message wire;
    enum err e = wire_open(message->header, &wire);
    assert(e == ERR_OK);
    if (wire.kind == KIND_open) {
        struct open_head open;
        e = wire_head(&wire, &open);
        struct opened_head opened = {.request = open.request,
                                     .batch = 9,
                                     .batch_id = open.batch_id,
                                     .digest = digest_of(bytes_of("", 0))};
        stream_opened(stream, &opened);
    } else if (wire.kind == KIND_put) {
        struct put_head put;
        e = wire_head(&wire, &put);
        struct put_stored_head stored = {
            .request = put.request, .batch = 9, .accepted_through = put.last, .digest = put.after};
        stream_stored(stream, &stored, now.mono_ms);
    } else {
        struct seal_head seal;
        e = wire_head(&wire, &seal);
        struct put_stored_head stored = {.request = seal.request, .batch = 9};
        stream_stored(stream, &stored, now.mono_ms);
    }
    assert(e == ERR_OK);
}

static void work(struct session *session) {
    struct stream_message message;
    struct buf progress;
    bool has_more = true;
    buf_init(&progress, HEADER_BYTES_MAX);
    for (int i = 0; has_more && i < STEPS_MAX; i++) {
        has_more = session_work(session, now);
        (void)session_progress(session, NULL, now.mono_ms, &progress);
        while (stream_next(&session->stream, now.mono_ms, &message)) {
            answer(&session->stream, &message);
            has_more = true;
        }
    }
    assert(!has_more);
    buf_release(&progress);
}

static void submit(void) {
    struct submit_head submit = {.request = 3,
                                 .key = bytes_text("key"),
                                 .name = bytes_text("name"),
                                 .tags = bytes_text("{\"a\":\"b\"}")};
    struct route client = {.at = {1}, .size = 1};
    struct session *session = session_new(&submit, &client, (struct id){{4}}, 1, now.mono_ms);
    session_catalogue(session, catalogue);
    work(session);
    for (size_t at = 0; at < sizeof(file) - 1; at += 100) {
        size_t rest = sizeof(file) - 1 - at, size = rest < 100 ? rest : 100;
        struct block_head block = {.request = 3, .offset = at, .is_last = size == rest};
        session_block(session, &block, bytes_of(file + at, size), now.mono_ms);
        work(session);
    }
    assert(session->stream.state == STREAM_DONE && session->failure.exit == 0);
    assert(session->refused == 1 && session->stream.accepted_through == 6);
    session_free(session);
}

START_TEST(a_submission) {
    struct buf document, problems;
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 1 << 16);
    ck_assert_int_eq(catalogue_compile_folder(NULL, &document, &problems), ERR_OK);
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &catalogue), ERR_OK);
    buf_release(&document);
    buf_release(&problems);
    fault_each(&(struct fault){.name = "session", .run = submit}, POINTS);
    catalogue_free(catalogue);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("each allocation fails");
    tcase_add_test(tests, a_submission);
    return fault_run("fault-ingress", tests);
}
