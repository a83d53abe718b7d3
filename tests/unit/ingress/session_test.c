// From the bytes of a file to chunks and progress: the whole way through ingress, without sockets.
#include "common/mem.h"
#include "workers/ingress/session.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { CREDIT = STREAM_BLOCK_BYTES_MAX * STREAM_BLOCKS_CREDIT };

static struct catalogue *catalogue;
static struct session *session;
static const struct route client = {.at = {1}, .size = 1};
static const struct moment now = {.mono_ms = 5000, .wall_ms = 1795000000000};

// What the broker got, as text: a line a line.
static struct buf got;
static struct digest got_digest;
static uint64_t got_through;
static bool is_sealed;
// What the client was told last.
static struct progress_head told;
static struct buf refusals;

static void set_up(void) {
    struct buf document, problems;
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 64 << 10);
    ck_assert_int_eq(catalogue_compile_folder(NULL, &document, &problems), ERR_OK);
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &catalogue), ERR_OK);
    buf_release(&document);
    buf_release(&problems);
    buf_init(&got, 16 << 20);
    buf_init(&refusals, 1 << 20);
}

static void tear_down(void) {
    session_free(session);
    session = NULL;
    catalogue_free(catalogue);
    buf_release(&got);
    buf_release(&refusals);
}

static void start(bool is_validation) {
    struct submit_head submit = {
        .request = 3, .key = bytes_text("key"), .validate_only = is_validation};
    session_free(session);
    session = session_new(&submit, &client, (struct id){{4}}, 1, now.mono_ms);
    session_catalogue(session, catalogue);
    buf_reset(&got);
    buf_reset(&refusals);
    got_digest = digest_of(bytes_of("", 0));
    got_through = 0;
    is_sealed = false;
    told = (struct progress_head){.request = 0};
}

// ---- a broker that is always there --------------------------------------------------------------

static void take_chunk(struct wire_message *wire, const struct stream_message *message) {
    struct put_head head;
    struct put_item item;
    ck_assert_int_eq(wire_head(wire, &head), ERR_OK);
    ck_assert_uint_eq(head.first, got_through + 1);
    ck_assert(digest_equal(head.before, got_digest));
    for (uint32_t i = 0; wire_next(wire, &item) == ERR_OK; i++) {
        ck_assert(!id_is_none(item.job_id));
        ck_assert_uint_gt(item.traceparent.size, 0);
        struct bytes raw = message->frames[i];
        buf_printf(&got, "%llu %.*s %.*s|%.*s\n", (unsigned long long)item.line,
                   (int)item.refused.size, item.refused.size ? (const char *)item.refused.at : "",
                   (int)item.custom_id.size,
                   item.custom_id.size ? (const char *)item.custom_id.at : "", (int)raw.size,
                   (const char *)raw.at);
    }
    got_through = head.last;
    got_digest = head.after;
    struct put_stored_head stored = {
        .request = head.request,
        .batch = 9,
        .accepted_through = got_through,
        .digest = got_digest,
    };
    stream_stored(&session->stream, &stored, now.mono_ms);
}

static void broker_take(const struct stream_message *message) {
    struct wire_message wire;
    struct open_head open;
    struct seal_head seal;
    ck_assert_int_eq(wire_open(message->header, &wire), ERR_OK);
    if (wire.kind == KIND_put) {
        take_chunk(&wire, message);
    } else if (wire.kind == KIND_open) {
        ck_assert_int_eq(wire_head(&wire, &open), ERR_OK);
        struct opened_head opened = {
            .request = open.request, .batch = 9, .batch_id = open.batch_id, .digest = got_digest};
        stream_opened(&session->stream, &opened);
    } else {
        ck_assert_int_eq(wire_head(&wire, &seal), ERR_OK);
        ck_assert_uint_eq(seal.lines, got_through);
        ck_assert(digest_equal(seal.digest, got_digest));
        is_sealed = true;
        struct put_stored_head stored = {.request = seal.request, .batch = 9};
        stream_stored(&session->stream, &stored, now.mono_ms);
    }
}

static void hear_progress(void) {
    struct buf header;
    struct wire_message wire;
    struct progress_item item;
    buf_init(&header, HEADER_BYTES_MAX);
    if (session_progress(session, NULL, now.mono_ms, &header)) {
        ck_assert_int_eq(wire_open(buf_bytes(&header), &wire), ERR_OK);
        ck_assert_int_eq(wire_head(&wire, &told), ERR_OK);
        ck_assert_uint_eq(told.request, 3);
        while (wire_next(&wire, &item) == ERR_OK)
            buf_printf(&refusals, "%llu:%.*s ", (unsigned long long)item.line,
                       (int)item.reason.size, (const char *)item.reason.at);
    }
    told.reason = told.detail = bytes_of(NULL, 0);
    buf_release(&header);
}

static void work(void) {
    struct stream_message message;
    bool has_more = true;
    for (int i = 0; i < 10000 && has_more; i++) {
        has_more = session_work(session, now);
        hear_progress();
        while (!session->is_validation && stream_next(&session->stream, now.mono_ms, &message)) {
            broker_take(&message);
            has_more = true;
        }
    }
    ck_assert(!has_more);
}

static void send_block(uint64_t offset, struct bytes bytes, bool is_last) {
    struct block_head head = {.request = 3, .offset = offset, .is_last = is_last};
    session_block(session, &head, bytes, now.mono_ms);
}

// ---- a file -------------------------------------------------------------------------------------

static char *make_file(unsigned lines, size_t *size) {
    struct buf text;
    buf_init(&text, 8 << 20);
    for (unsigned i = 1; i <= lines; i++) {
        if (i % 10 == 0)
            buf_text(&text, "\r\n");
        else if (i % 13 == 0)
            buf_text(&text, "broken\n");
        else if (i % 3 == 0)
            buf_printf(&text,
                       "{\"conversation\":\"c%u\",\"model\":\"openai/o3\",\"input\":\"%u\"}\n",
                       i % 7, i);
        else
            buf_printf(&text,
                       "{\"custom_id\":\"id%u\",\"url\":\"/v1/chat/completions\",\"body\":"
                       "{\"model\":\"gpt-5-nano\",\"messages\":[]}}\n",
                       i);
    }
    *size = text.size - 1; // the last line ends with the file
    char *file = mem_copy(text.at, text.size);
    buf_release(&text);
    return file;
}

static void send_file(const char *file, size_t size, size_t block) {
    size_t at = 0;
    do {
        size_t part = size - at < block ? size - at : block;
        send_block(at, bytes_of(file + at, part), at + part == size);
        at += part;
        work();
    } while (at < size);
}

// ---- tests --------------------------------------------------------------------------------------

// What is called must be what stands in the file, however it was cut on its way.
START_TEST(the_same_file_gives_the_same_jobs_in_blocks_of_any_size) {
    size_t size;
    char *file = make_file(300, &size);
    char *first = NULL;
    struct digest digest = {{0}};
    for (size_t block = 7; block < 2 * size; block = block * 3 + 1) {
        start(false);
        work();
        send_file(file, size, block);
        ck_assert(is_sealed && told.is_done);
        ck_assert_uint_eq(told.lines, 270); // every tenth is blank
        ck_assert_uint_eq(told.accepted_through, 300);
        if (first) {
            ck_assert_str_eq(buf_cstr(&got), first);
            ck_assert(digest_equal(got_digest, digest));
        } else {
            first = mem_copy(buf_cstr(&got), strlen(buf_cstr(&got)));
            digest = got_digest;
            // The digest is that of the file with its last newline.
            struct buf whole;
            buf_init(&whole, size + 1);
            buf_put(&whole, file, size);
            buf_byte(&whole, '\n');
            ck_assert(digest_equal(digest, digest_of(buf_bytes(&whole))));
            buf_release(&whole);
        }
    }
    mem_free(first);
    mem_free(file);
}
END_TEST

// A bad line among thousands must be found by its number, and the rest must run.
START_TEST(refused_lines_are_reported_and_the_others_run) {
    static const char file[] = "broken\n"
                               "{\"custom_id\":\"a\",\"url\":\"/v1/chat/"
                               "completions\",\"body\":{\"model\":\"o3\",\"messages\":[]}}\n"
                               "\n"
                               "{\"custom_id\":\"a\",\"url\":\"/v1/chat/"
                               "completions\",\"body\":{\"model\":\"o3\",\"messages\":[]}}\n"
                               "{\"conversation\":\"c\",\"input\":\"x\"}";
    start(false);
    work();
    send_file(file, sizeof(file) - 1, 1000);
    ck_assert_str_eq(buf_cstr(&refusals), "1:not_json 4:duplicate_custom_id 5:no_model ");
    ck_assert_uint_eq(told.refused, 3);
    // A blank line is none: --strict and the batch's last line count alike.
    ck_assert_uint_eq(told.lines, 4);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&got), "1 not_json |\n2  a|{\"custom_id\""));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&got), "4 duplicate_custom_id a|\n5 no_model |\n"));
    ck_assert(is_sealed);
}
END_TEST

// --strict looks at the whole file before anything is stored anywhere.
START_TEST(a_validation_stores_nothing_and_reports_everything) {
    size_t size;
    char *file = make_file(300, &size);
    start(true);
    work();
    send_file(file, size, 1000);
    ck_assert(told.is_done);
    ck_assert(id_is_none(told.batch_id));
    ck_assert_uint_eq(told.lines, 270); // every tenth is blank
    ck_assert_uint_eq(told.refused, 300 / 13 - 300 / 130);
    ck_assert_uint_eq(got.size, 0);
    mem_free(file);
}
END_TEST

// A client that sends more than it may would fill ingress's memory.
START_TEST(a_client_has_credit_for_a_bounded_part_of_its_file) {
    static uint8_t block[STREAM_BLOCK_BYTES_MAX];
    memset(block, ' ', sizeof(block));
    start(false); // nothing is read before the broker has opened the batch
    hear_progress();
    ck_assert_uint_eq(told.credit_offset, CREDIT);
    for (uint64_t i = 0; i < STREAM_BLOCKS_CREDIT; i++)
        send_block(i * sizeof(block), bytes_of(block, sizeof(block)), false);
    ck_assert_int_eq(session->failure.exit, 0);
    ck_assert_uint_le(session->waiting.capacity, 4ull * CREDIT);
    send_block(CREDIT, bytes_of(block, 1), false);
    ck_assert_int_eq(session->failure.exit, EX_PROTOCOL);
    hear_progress();
    ck_assert_uint_eq(told.exit, EX_PROTOCOL);
}
END_TEST

// A lost block must not be jumped over, a repeated one must not be read twice.
START_TEST(blocks_are_taken_in_order_and_once) {
    static const char text[] = "a\nb\nc\n";
    start(true);
    work();
    send_block(0, bytes_of(text, 3), false);
    send_block(0, bytes_of(text, 3), false);
    send_block(2, bytes_of(text + 2, 4), true);
    work();
    ck_assert_str_eq(buf_cstr(&refusals), "1:not_json 2:not_json 3:not_json ");
    ck_assert(told.is_done);
    start(true);
    send_block(3, bytes_of(text, 1), false);
    hear_progress();
    ck_assert_uint_eq(told.exit, EX_TEMPFAIL);
}
END_TEST

// More refused lines than a message holds: none may be lost, and reading goes on.
START_TEST(many_refused_lines_are_reported_message_by_message) {
    static char text[8000];
    for (size_t i = 0; i < sizeof(text); i += 2)
        memcpy(text + i, "x\n", 2);
    start(true);
    work();
    send_file(text, sizeof(text), 8000);
    ck_assert_uint_eq(told.refused, 4000);
    unsigned reported = 0;
    for (const char *c = buf_cstr(&refusals); *c; c++)
        reported += *c == ' ';
    ck_assert_uint_eq(reported, 4000);
    ck_assert(told.is_done);
}
END_TEST

// An empty file is a batch of no lines, settled at once, not one that hangs.
START_TEST(an_empty_file_is_sealed_with_no_lines) {
    start(false);
    work();
    send_file("", 0, 100);
    ck_assert(is_sealed);
    ck_assert_uint_eq(got_through, 0);
    ck_assert(told.is_done);
}
END_TEST

// A client that hears nothing for some seconds begins anew: while the broker is away it must hear
// that its submission lives, and what it waits for.
START_TEST(a_session_that_waits_says_so_again_and_again) {
    struct buf header;
    buf_init(&header, HEADER_BYTES_MAX);
    start(false);
    ck_assert(session_progress(session, "broker_away", 5000, &header));
    ck_assert(!session_progress(session, "broker_away", 5000 + HEARTBEAT_MS - 1, &header));
    ck_assert(session_progress(session, "broker_away", 5000 + HEARTBEAT_MS, &header));
    ck_assert(!session_progress(session, "broker_away", 5001 + HEARTBEAT_MS, &header));
    // Where the next block is the client's to send, only silence tells that it was lost.
    ck_assert(session_progress(session, NULL, 9000, &header));
    ck_assert(!session_progress(session, NULL, 99000, &header));
    send_block(0, bytes_text("x"), true);
    ck_assert(session_progress(session, NULL, 99000, &header));
    buf_release(&header);
}
END_TEST

// Sessions that a client has given up live on its heartbeats, until no file can be taken in.
START_TEST(a_client_that_begins_anew_replaces_its_session) {
    static const struct route other = {.at = {2}, .size = 1};
    struct submit_head submit = {.request = 4, .key = bytes_text("key")};
    start(false);
    ck_assert(session_is_replaced(session, &client, &submit));
    ck_assert(!session_is_replaced(session, &other, &submit));
    submit.key = bytes_text("another");
    ck_assert(!session_is_replaced(session, &client, &submit));
    submit = (struct submit_head){.request = 3, .key = bytes_text("key")};
    ck_assert(!session_is_replaced(session, &client, &submit));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("session");
    TCase *all = tcase_create("session");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, the_same_file_gives_the_same_jobs_in_blocks_of_any_size);
    tcase_add_test(all, refused_lines_are_reported_and_the_others_run);
    tcase_add_test(all, a_validation_stores_nothing_and_reports_everything);
    tcase_add_test(all, a_client_has_credit_for_a_bounded_part_of_its_file);
    tcase_add_test(all, blocks_are_taken_in_order_and_once);
    tcase_add_test(all, many_refused_lines_are_reported_message_by_message);
    tcase_add_test(all, an_empty_file_is_sealed_with_no_lines);
    tcase_add_test(all, a_session_that_waits_says_so_again_and_again);
    tcase_add_test(all, a_client_that_begins_anew_replaces_its_session);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
