// The program as a whole, with a broker that the test plays: joining, records, questions, the
// end by a signal, and the refusals that must stop it.
#include "common/clock.h"
#include "common/id.h"
#include "common/sock.h"
#include "tests/unit/accountant/world.h"

#include <check.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

static char folder[64], broker_endpoint[160], query_endpoint[160];
static struct sock broker, asker;
static struct message message;
static struct world sketch; // only names for the tellings
static struct route accountant;
static pid_t child;

static void start(void) {
    char data[80];
    (void)snprintf(data, sizeof(data), "--data=%s", folder);
    char *arguments[] = {(char *)ACCOUNTANT, data, NULL};
    ck_assert_int_eq(posix_spawn(&child, ACCOUNTANT, NULL, NULL, arguments, environ), 0);
}

static int stop(int signal) {
    int status = 0;
    if (signal != 0)
        ck_assert_int_eq(kill(child, signal), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    child = 0;
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void open_stage(void) {
    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(folder, sizeof(folder), "/tmp/colloq-acc-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(broker_endpoint, sizeof(broker_endpoint), "ipc://%s/broker.sock", folder);
    (void)snprintf(query_endpoint, sizeof(query_endpoint), "ipc://%s/accountant.sock", folder);
    sketch.batch = uuid_new(1795000000000);
    sketch.journal = uuid_new(1795000000000);
    ck_assert_int_eq(sock_bind(&broker, broker_endpoint), ERR_OK);
    start();
}

static void close_stage(void) {
    char command[128];
    if (child != 0)
        (void)stop(SIGTERM);
    sock_close(&broker, 0);
    sock_close(&asker, 0);
    sock_context_close();
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

// Waits for the next message of that kind; the others (heartbeats) are answered or passed over.
static void expect(struct sock *sock, enum kind kind) {
    uint64_t begun_ms = clock_now().mono_ms;
    struct sock *socks[] = {sock};
    for (;;) {
        enum err e = sock_receive(sock, &message);
        if (e == ERR_OK && message.wire.kind == kind)
            return;
        if (e == ERR_OK)
            message_release(&message);
        ck_assert_msg(clock_now().mono_ms - begun_ms < PATIENCE_MS, "no %s came",
                      wire_kind(kind)->name);
        if (e == ERR_AGAIN)
            sock_wait(socks, 1, NULL, 0, 100);
    }
}

static void welcome(uint64_t issued, uint64_t recorded, struct hello_head *hello) {
    const struct welcome_head head = {
        .boot = 77, .journal = sketch.journal, .issued = issued, .recorded = recorded};
    expect(&broker, KIND_hello);
    ck_assert_int_eq(wire_head(&message.wire, hello), ERR_OK);
    ck_assert(bytes_is(hello->role, "accountant"));
    accountant = message.route;
    message_release(&message);
    const struct bytes none = {NULL, 0};
    ck_assert_int_eq(sock_send_head(&broker, &accountant, KIND_welcome, &head, &none, 1), ERR_OK);
}

static void join(uint64_t issued, uint64_t recorded) {
    struct hello_head hello;
    welcome(issued, recorded, &hello);
    expect(&broker, KIND_catalogue);
    struct catalogue_head catalogue;
    char hex[DIGEST_HEX_SIZE];
    ck_assert_int_eq(wire_head(&message.wire, &catalogue), ERR_OK);
    digest_hex(digest_of(message_frame(&message, 0)), hex);
    ck_assert(bytes_is(catalogue.hash, hex));
    message_release(&message);
}

static void send_record(struct telling *t, uint64_t number) {
    const struct record_head head = {.boot = 77};
    struct wire_writer writer;
    struct buf header;
    t->item.number = number;
    telling_seal(t);
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_record, &head, 1);
    wire_item(&writer, &t->item);
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    const struct bytes frames[] = {t->frames.line, t->frames.headers, t->frames.body,
                                   t->frames.facts};
    ck_assert_int_eq(sock_send(&broker, &accountant, buf_bytes(&header), frames, 4), ERR_OK);
    buf_release(&header);
}

// Three records in one message, the middle one with a turn that no field may hold.
static void send_with_a_wrong_one(struct telling t[3]) {
    const struct record_head head = {.boot = 77};
    struct wire_writer writer;
    struct buf header;
    struct bytes frames[12];
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_record, &head, 3);
    for (size_t i = 0; i < 3; i++) {
        t[i].item.number = i + 1;
        t[i].item.turn = i == 1 ? UINT64_MAX / 2 : 1;
        telling_seal(&t[i]);
        wire_item(&writer, &t[i].item);
        frames[4 * i] = t[i].frames.line;
        frames[4 * i + 1] = t[i].frames.headers;
        frames[4 * i + 2] = t[i].frames.body;
        frames[4 * i + 3] = t[i].frames.facts;
    }
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    ck_assert_int_eq(sock_send(&broker, &accountant, buf_bytes(&header), frames, 12), ERR_OK);
    buf_release(&header);
}

static struct recorded_item expect_recorded(uint64_t applied) {
    struct recorded_head head;
    struct recorded_item item;
    expect(&broker, KIND_recorded);
    ck_assert_int_eq(wire_head(&message.wire, &head), ERR_OK);
    ck_assert_int_eq(wire_next(&message.wire, &item), ERR_OK);
    ck_assert_uint_eq(head.applied, applied);
    message_release(&message);
    return item;
}

// The spine of the ledger: a turn is recorded, the next one prepared with it, and both are still
// there after a restart.
START_TEST(a_turn_is_recorded_prepared_upon_and_there_after_a_restart) {
    struct telling t;
    join(0, 0);
    telling_answered(&sketch, &t, 1, "c1", 1);
    send_record(&t, 1);
    struct recorded_item told = expect_recorded(1);
    ck_assert(told.number == 1 && told.has_answer && !told.is_quarantined);
    const struct prepare_head head = {.boot = 77};
    const struct prepare_item ask = {.job = 2,
                                     .ask = 31,
                                     .job_id = job_of(2),
                                     .batch_id = sketch.batch,
                                     .conversation_id = t.item.conversation_id,
                                     .turn = 2,
                                     .conversation = bytes_text("c1"),
                                     .provider = bytes_text("openai"),
                                     .api = bytes_text("chat"),
                                     .model = bytes_text("gpt-5-nano")};
    struct wire_writer writer;
    struct buf header;
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_prepare, &head, 1);
    wire_item(&writer, &ask);
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    const struct bytes line = bytes_text("{\"conversation\":\"c1\",\"input\":\"And?\"}");
    ck_assert_int_eq(sock_send(&broker, &accountant, buf_bytes(&header), &line, 1), ERR_OK);
    buf_release(&header);
    expect(&broker, KIND_prepared);
    struct prepared_item prepared;
    ck_assert_int_eq(wire_next(&message.wire, &prepared), ERR_OK);
    ck_assert_uint_eq(prepared.ask, 31);
    ck_assert(digest_equal(prepared.context, digest_of(message_item_frame(&message, 0, 0))));
    message_release(&message);
    ck_assert_int_eq(stop(SIGTERM), 0);
    start();
    struct hello_head hello;
    welcome(1, 0, &hello);
    ck_assert_uint_eq(hello.applied, 1);
    ck_assert(id_equal(hello.journal, sketch.journal));
    send_record(&t, 1);
    ck_assert(expect_recorded(1).has_answer);
    telling_release(&t);
}
END_TEST

// One record that cannot be decoded must neither hold back its neighbours nor come for ever.
START_TEST(an_item_that_cannot_be_decoded_is_kept_and_its_neighbours_are_recorded) {
    struct telling t[3];
    join(0, 0);
    for (uint64_t i = 0; i < 3; i++)
        telling_answered(&sketch, &t[i], i + 1, NULL, 1);
    send_with_a_wrong_one(t);
    bool recorded[4] = {false}, quarantined[4] = {false};
    while (!recorded[1] || !recorded[2] || !recorded[3]) {
        struct recorded_item item;
        expect(&broker, KIND_recorded);
        while (wire_next(&message.wire, &item) == ERR_OK) {
            ck_assert(item.number >= 1 && item.number <= 3);
            recorded[item.number] = true;
            quarantined[item.number] = item.is_quarantined;
        }
        message_release(&message);
    }
    ck_assert(!quarantined[1] && quarantined[2] && !quarantined[3]);
    for (int i = 0; i < 3; i++)
        telling_release(&t[i]);
}
END_TEST

START_TEST(questions_are_answered_beside_the_records) {
    struct telling t;
    struct answer_head answer;
    join(0, 0);
    telling_answered(&sketch, &t, 1, NULL, 1);
    send_record(&t, 1);
    (void)expect_recorded(1);
    ck_assert_int_eq(sock_connect(&asker, query_endpoint), ERR_OK);
    const struct query_head query = {.request = 9,
                                     .what = bytes_text("find"),
                                     .arguments = bytes_text("{\"value\":\"line-1\"}")};
    struct sock *socks[] = {&asker};
    while (sock_send_head(&asker, NULL, KIND_query, &query, NULL, 0) != ERR_OK)
        sock_wait(socks, 1, NULL, 0, 20);
    expect(&asker, KIND_answer);
    ck_assert_int_eq(wire_head(&message.wire, &answer), ERR_OK);
    ck_assert(answer.request == 9 && answer.exit == 0);
    struct bytes frame = message_frame(&message, 0);
    ck_assert(json_is_complete(frame));
    ck_assert_ptr_nonnull(memmem(frame.at, frame.size, "\"custom_id\":\"line-1\"", 20));
    message_release(&message);
    const struct query_head wrong = {.request = 10, .what = bytes_text("nosuch")};
    ck_assert_int_eq(sock_send_head(&asker, NULL, KIND_query, &wrong, NULL, 0), ERR_OK);
    expect(&asker, KIND_answer);
    ck_assert_int_eq(wire_head(&message.wire, &answer), ERR_OK);
    ck_assert(answer.request == 10 && answer.exit == EX_USAGE && answer.detail.size > 0);
    message_release(&message);
    telling_release(&t);
}
END_TEST

// Going on with a journal that does not belong to the ledger would account twice or lose.
START_TEST(a_journal_of_another_moment_stops_it) {
    struct hello_head hello;
    welcome(9, 4, &hello);
    ck_assert_int_eq(stop(0), EX_DATAERR);
}
END_TEST

START_TEST(a_broker_with_the_other_kind_of_money_stops_it) {
    const struct welcome_head head = {.boot = 77, .journal = sketch.journal, .simulated = true};
    const struct bytes none = {NULL, 0};
    expect(&broker, KIND_hello);
    accountant = message.route;
    message_release(&message);
    ck_assert_int_eq(sock_send_head(&broker, &accountant, KIND_welcome, &head, &none, 1), ERR_OK);
    ck_assert_int_eq(stop(0), EX_CONFIG);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("accountant");
    TCase *tests = tcase_create("accountant");
    tcase_add_checked_fixture(tests, open_stage, close_stage);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_turn_is_recorded_prepared_upon_and_there_after_a_restart);
    tcase_add_test(tests, an_item_that_cannot_be_decoded_is_kept_and_its_neighbours_are_recorded);
    tcase_add_test(tests, questions_are_answered_beside_the_records);
    tcase_add_test(tests, a_journal_of_another_moment_stops_it);
    tcase_add_test(tests, a_broker_with_the_other_kind_of_money_stops_it);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
