// The extractor as a process, with this test as its broker.

#include "common/clock.h"
#include "common/log.h"
#include "common/process.h"
#include "common/sock.h"
#include "tests/unit/extractor/samples.h"
#include "workers/extractor/extractor.h"

#include <check.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

static char folder[] = "/tmp/colloq-extractor-XXXXXX";
static char endpoint[128];
static pid_t child;
static struct sock sock;
static struct message message;
static struct route route;

// Takes the next message of that kind; what else comes (heartbeats) is let go.
static void await(enum kind kind) {
    uint64_t until_ms = clock_now().mono_ms + PATIENCE_MS;
    for (;;) {
        uint64_t now_ms = clock_now().mono_ms;
        ck_assert_msg(now_ms < until_ms, "%s did not come", wire_kind(kind)->name);
        enum err e = sock_receive(&sock, &message);
        if (e == ERR_AGAIN) {
            struct sock *socks[] = {&sock};
            sock_wait(socks, 1, NULL, 0, (long)(until_ms - now_ms));
            continue;
        }
        ck_assert_int_eq(e, ERR_OK);
        route = message.route;
        if (message.wire.kind == kind)
            return;
        message_release(&message);
    }
}

static void welcome(void) {
    struct buf document, problems;
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 1 << 16);
    ck_assert_int_eq(catalogue_compile_folder(NULL, &document, &problems), ERR_OK);
    struct bytes frame = buf_bytes(&document);
    struct welcome_head head = {.boot = 7, .catalogue = bytes_text("h")};
    ck_assert_int_eq(sock_send_head(&sock, &route, KIND_welcome, &head, &frame, 1), ERR_OK);
    buf_release(&document);
    buf_release(&problems);
}

static void setup(void) {
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/broker.sock", folder);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        log_setup("extractor", LOG_WARN, false);
        int stop_fd = process_setup();
        struct conf conf = {.broker = endpoint};
        _exit(extractor_run(&conf, stop_fd));
    }
    ck_assert_int_eq(sock_bind(&sock, endpoint), ERR_OK);
    await(KIND_hello);
    struct hello_head hello;
    ck_assert_int_eq(wire_head(&message.wire, &hello), ERR_OK);
    ck_assert(bytes_is(hello.role, "extractor"));
    // Without a catalogue it could read nothing: an answer that came now would never be read.
    ck_assert_uint_eq(hello.slots, 0);
    message_release(&message);
    welcome();
    while (hello.slots == 0) { // it may have said the first one more than once
        await(KIND_hello);
        ck_assert_int_eq(wire_head(&message.wire, &hello), ERR_OK);
        message_release(&message);
    }
    ck_assert_uint_ge(hello.slots, ITEMS_MAX);
}

static int forget(const char *path, const struct stat *stat, int flag, struct FTW *ftw) {
    (void)stat;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void teardown(void) {
    int status;
    ck_assert_int_eq(kill(child, SIGTERM), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    sock_close(&sock, 0);
    sock_context_close();
    ck_assert_int_eq(nftw(folder, forget, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static const char body[] =
    "{\"id\":\"chatcmpl-1\",\"choices\":[{\"message\":{\"role\":\"assistant\","
    "\"content\":\"hi\"},\"finish_reason\":\"stop\"}],\"usage\":"
    "{\"prompt_tokens\":3,\"completion_tokens\":1,\"total_tokens\":4}}";

static void ask(const char *api, uint32_t count, struct bytes of) {
    struct buf header;
    struct wire_writer writer;
    struct bytes frames[2 * ITEMS_MAX];
    struct extract_head head = {.boot = 7};
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_extract, &head, count);
    for (uint32_t i = 0; i < count; i++) {
        struct extract_item item = {.record = 100 + i,
                                    .provider = bytes_text("openai"),
                                    .api = bytes_text(api),
                                    .model = bytes_text("gpt-5-nano"),
                                    .status = 200};
        wire_item(&writer, &item);
        frames[2 * i] = bytes_text("x-request-id: req_1\r\n");
        frames[2 * i + 1] = of;
    }
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    ck_assert_int_eq(sock_send(&sock, &route, buf_bytes(&header), frames, 2 * count), ERR_OK);
    buf_release(&header);
}

// Each record gets its own facts, in one answer to one message, for the boot that asked.
START_TEST(a_message_of_answers_becomes_one_message_of_facts) {
    ask("chat", ITEMS_MAX, bytes_text(body));
    await(KIND_extracted);
    struct extracted_head head;
    ck_assert_int_eq(wire_head(&message.wire, &head), ERR_OK);
    ck_assert_uint_eq(head.boot, 7);
    ck_assert_uint_eq(message.count, ITEMS_MAX);
    for (uint32_t i = 0; i < ITEMS_MAX; i++) {
        struct extracted_item item;
        struct wire_message facts;
        struct facts_head found;
        ck_assert_int_eq(wire_next(&message.wire, &item), ERR_OK);
        ck_assert_uint_eq(item.record, 100 + i);
        ck_assert_uint_eq(item.refused.size, 0);
        ck_assert_int_eq(wire_open(message_item_frame(&message, i, 0), &facts), ERR_OK);
        ck_assert_int_eq(wire_head(&facts, &found), ERR_OK);
        ck_assert_int_eq(found.in_uncached, 3);
        ck_assert(bytes_is(found.finish, "stop"));
    }
    message_release(&message);
}
END_TEST

// What cannot be read is said to be so, or the broker would wait for it for ever.
START_TEST(what_cannot_be_read_is_answered_too) {
    static const struct {
        const char *api;
        const char *body;
        const char *refused;
    } cases[] = {{"chat", "{\"choices\":", "not_json"},
                 {"morse", body, "unknown_api"},
                 {"chat", "", "empty_body"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct extracted_item item;
        ask(cases[i].api, 1, bytes_text(cases[i].body));
        await(KIND_extracted);
        ck_assert_int_eq(wire_next(&message.wire, &item), ERR_OK);
        ck_assert(bytes_is(item.refused, cases[i].refused));
        message_release(&message);
    }
}
END_TEST

// The largest answer that a worker may hand over must not be the one that ends the extractor.
START_TEST(the_largest_answer_is_read) {
    struct buf large;
    buf_init(&large, ANSWER_BYTES_MAX);
    buf_text(&large, "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"");
    while (buf_bytes(&large).size < ANSWER_BYTES_MAX - 8)
        buf_byte(&large, 'x');
    buf_text(&large, "\"}}]}");
    struct extracted_item item;
    struct wire_message facts;
    struct facts_head found;
    ask("chat", 1, buf_bytes(&large));
    await(KIND_extracted);
    ck_assert_int_eq(wire_next(&message.wire, &item), ERR_OK);
    ck_assert_uint_eq(item.refused.size, 0);
    ck_assert_int_eq(wire_open(message_item_frame(&message, 0, 0), &facts), ERR_OK);
    ck_assert_int_eq(wire_head(&facts, &found), ERR_OK);
    ck_assert_uint_gt(found.message.size, ANSWER_BYTES_MAX - 100);
    message_release(&message);
    buf_release(&large);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("extractor");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, a_message_of_answers_becomes_one_message_of_facts);
    tcase_add_test(all, what_cannot_be_read_is_answered_too);
    tcase_add_test(all, the_largest_answer_is_read);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
