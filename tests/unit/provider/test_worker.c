#include "api.h"
#include "http_server.h"

#include "common/clock.h"
#include "common/id.h"
#include "common/mem.h"
#include "common/process.h"
#include "common/sock.h"
#include "workers/provider/ends.h"
#include "workers/provider/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

// The test is the broker; the worker is a process of its own, as it is in the world.

enum { WAIT_MS = 20000, BOOT = 0xb007, STAMP_MS = 1000000, LIMIT_MS = 60000 };

static char folder[64], endpoint[128], log_path[128];
static struct server *server;
static struct conf conf;
static pid_t worker;
static struct sock broker;
static struct message message;
static bool has_message;
static struct id process;
static uint64_t boot;

static void start_worker(const char *behaviour, uint64_t slots) {
    (void)setenv("OPENAI_BASE_URL", server_url(server, behaviour), 1);
    conf.slots = slots;
    worker = fork();
    if (worker == 0) {
        int log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (log_fd < 0 || dup2(log_fd, STDERR_FILENO) < 0)
            _exit(100);
        int code = worker_run(&conf, process_setup());
        _exit(code == 0 && mem_held() != 0 ? 101 : code);
    }
    ck_assert_int_gt(worker, 0);
    server_run(server); // a thread that is just being made must not be forked
    ck_assert_int_eq(sock_bind(&broker, endpoint), ERR_OK);
}

static void set_up(void) {
    (void)snprintf(folder, sizeof(folder), "/tmp/colloq-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    static char names[128];
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/broker.sock", folder);
    (void)snprintf(log_path, sizeof(log_path), "%s/log", folder);
    (void)snprintf(names, sizeof(names), "%s/names", folder);
    (void)setenv("OPENAI_API_KEY", "sk-secret", 1);
    server = server_open();
    conf = (struct conf){.broker = endpoint,
                         .names = names,
                         .simulated = true,
                         .connect_limit_ms = 5000,
                         .stall_limit_ms = 5000};
    boot = BOOT;
}

static void tear_down(void) {
    char command[128];
    if (has_message)
        message_release(&message);
    (void)kill(worker, SIGKILL);
    (void)waitpid(worker, NULL, 0);
    sock_close(&broker, 0);
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

// ---- the broker's side --------------------------------------------------------------------------

// The next message of that kind. Heartbeats between are passed over, and hellos: they are said
// again until the welcome comes.
static void expect(enum kind kind) {
    uint64_t until_ms = clock_now().mono_ms + WAIT_MS;
    struct sock *socks[] = {&broker};
    while (clock_now().mono_ms < until_ms) {
        if (has_message)
            message_release(&message);
        has_message = sock_receive(&broker, &message) == ERR_OK;
        if (!has_message)
            sock_wait(socks, 1, NULL, 0, 100);
        else if (message.wire.kind == kind)
            return;
        else
            ck_assert_msg(message.wire.kind == KIND_heartbeat || message.wire.kind == KIND_hello,
                          "%s came", wire_kind(message.wire.kind)->name);
    }
    ck_abort_msg("no %s came", wire_kind(kind)->name);
}

// A hello is said again until its welcome comes, so one without keys, or from before the stop, may
// still wait here.
static void expect_hello(const char *keys, uint64_t slots) {
    struct hello_head hello;
    do {
        expect(KIND_hello);
        ck_assert_int_eq(wire_head(&message.wire, &hello), ERR_OK);
    } while ((hello.keys.size == 0 && *keys) || (hello.slots > 0 && slots == 0));
    ck_assert(bytes_is(hello.role, "worker"));
    ck_assert_msg(bytes_is(hello.keys, keys), "%.*s", (int)hello.keys.size, hello.keys.at);
    ck_assert_uint_eq(hello.slots, slots);
    ck_assert(hello.simulated && hello.proves_death);
    process = hello.process;
}

static void say(enum kind kind, const void *head, struct bytes frame, uint32_t frames) {
    ck_assert_int_eq(sock_send_head(&broker, &message.route, kind, head, &frame, frames), ERR_OK);
}

static void welcome(bool with_catalogue, uint64_t slots) {
    struct buf document;
    api_document(&document);
    const struct welcome_head head = {.boot = boot,
                                      .catalogue = bytes_text(with_catalogue ? "hash" : ""),
                                      .simulated = true,
                                      .slots = slots};
    say(KIND_welcome, &head, with_catalogue ? buf_bytes(&document) : bytes_text(""), 1);
    buf_release(&document);
}

// A worker that has joined and said its keys.
static void join(const char *behaviour, uint64_t slots) {
    start_worker(behaviour, slots);
    expect_hello("", slots);
    welcome(true, slots);
    expect_hello("openai/default", slots);
    welcome(true, slots);
}

static struct id call_of(uint64_t counter) {
    return call_id_make(counter, BOOT);
}

static struct lease_item lease_of(uint64_t number, uint64_t counter) {
    return (struct lease_item){
        .job = 10 + counter,
        .job_id = {{0x11, 0x22}},
        .batch_id = {{2}},
        .conversation_id = {{3}},
        .turn = 1,
        .line = 7,
        .custom_id = bytes_text("line-7"),
        .provider = bytes_text("openai"),
        .api = bytes_text("chat"),
        .key = bytes_text("default"),
        .model = bytes_text("gpt-5-nano"),
        .attempt = 1,
        .call = call_of(counter),
        .number = number,
        .limit_ms = LIMIT_MS,
    };
}

#define LINE                                                                            \
    "{\"custom_id\":\"line-7\",\"body\":{\"model\":\"openai/gpt-5-nano\",\"messages\":" \
    "[{\"role\":\"user\",\"content\":\"a private prompt\"}]}}"

static const char *line = LINE; // what is leased

static void send_lease(const struct lease_item *lease, struct id to, uint64_t stamp_ms) {
    const struct lease_head head = {.boot = boot, .process = to, .stamp_ms = stamp_ms};
    const struct bytes frames[2] = {bytes_text(line), bytes_text("")};
    struct wire_writer writer;
    struct buf header;
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_lease, &head, 1);
    wire_item(&writer, lease);
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    ck_assert_int_eq(sock_send(&broker, &message.route, buf_bytes(&header), frames, 2), ERR_OK);
    buf_release(&header);
}

static void lease(uint64_t number, uint64_t counter) {
    struct lease_item item = lease_of(number, counter);
    send_lease(&item, process, STAMP_MS);
}

static void send_calls(enum kind kind, uint64_t counter) {
    const struct end_stored_head head = {.boot = boot};
    const struct end_stored_item item = {.call = call_of(counter)};
    struct wire_writer writer;
    struct buf header;
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, kind, &head, 1);
    wire_item(&writer, &item);
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    ck_assert_int_eq(sock_send(&broker, &message.route, buf_bytes(&header), NULL, 0), ERR_OK);
    buf_release(&header);
}

// The next end, which is that call's.
static struct end_item expect_end(uint64_t counter, const char *ended, const char *reason) {
    struct end_head head;
    struct end_item item;
    expect(KIND_end);
    ck_assert_int_eq(wire_head(&message.wire, &head), ERR_OK);
    ck_assert_uint_eq(head.boot, boot);
    ck_assert(id_equal(head.process, process));
    ck_assert_int_eq(wire_next(&message.wire, &item), ERR_OK);
    ck_assert(id_equal(item.call, call_of(counter)));
    ck_assert_msg(bytes_is(item.ended, ended), "%.*s %.*s", (int)item.ended.size, item.ended.at,
                  (int)item.reason.size, item.reason.at);
    ck_assert_msg(bytes_is(item.reason, reason), "%.*s", (int)item.reason.size, item.reason.at);
    ck_assert_int_eq(wire_next(&message.wire, &item) == ERR_OK, 0);
    return item;
}

// The next heartbeat names that many calls.
static void expect_held(size_t count) {
    struct heartbeat_head head;
    for (int i = 0; i < 10; i++) {
        expect(KIND_heartbeat);
        ck_assert_int_eq(wire_head(&message.wire, &head), ERR_OK);
        if (head.held.size == 16 * count)
            return;
    }
    ck_abort_msg("heartbeats name %zu calls", head.held.size / 16);
}

static void expect_exit(int code) {
    int status = 0;
    for (int i = 0; i < WAIT_MS / 10 && waitpid(worker, &status, WNOHANG) == 0; i++) {
        if (has_message)
            message_release(&message);
        has_message = sock_receive(&broker, &message) == ERR_OK;
        struct sock *socks[] = {&broker};
        sock_wait(socks, 1, NULL, 0, 10);
    }
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), code);
}

static void assert_log_is_silent_about(const char *secret) {
    static char text[1 << 16];
    FILE *file = fopen(log_path, "r");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = 0;
    (void)fclose(file);
    ck_assert_uint_gt(size, 0);
    ck_assert_msg(!strstr(text, secret), "%s", text);
}

// ---- tests --------------------------------------------------------------------------------------

// The whole of a call: what was leased is called, and what came back is handed over verbatim and
// held until it is stored.
START_TEST(a_lease_becomes_a_call_and_its_end) {
    join("ok", 4);
    lease(1, 1);
    expect(KIND_end);
    struct end_head head;
    struct end_item item;
    ck_assert_int_eq(wire_head(&message.wire, &head), ERR_OK);
    ck_assert_int_eq(wire_next(&message.wire, &item), ERR_OK);
    ck_assert(bytes_is(item.ended, "answered"));
    ck_assert(bytes_is(item.class, "success"));
    ck_assert_uint_eq(item.status, 200);
    ck_assert(item.bytes_left);
    ck_assert(bytes_is(item.custom_id, "line-7"));
    ck_assert_uint_eq(item.job, 11);
    ck_assert_uint_eq(item.line, 7);
    ck_assert(bytes_is(item.catalogue, "hash"));
    struct bytes answer_head = message_item_frame(&message, 0, 0);
    struct bytes answer = message_item_frame(&message, 0, 1);
    ck_assert(bytes_is(answer, "{\"choices\":[{}]}"));
    const struct ending said = {.ended = "answered",
                                .class = "success",
                                .status = 200,
                                .head = answer_head,
                                .body = answer};
    ck_assert(digest_equal(item.digest, ends_digest(&said)));
    expect_held(1);
    send_calls(KIND_end_stored, 1);
    expect_held(0);

    char call[ID_HEX_SIZE], named[128];
    id_hex(call_of(1), call);
    (void)snprintf(named, sizeof(named), "\r\nX-Client-Request-Id: %s\r\n", call);
    ck_assert_ptr_nonnull(strstr(server->last_head, named));
    ck_assert_ptr_nonnull(strstr(server->last_head,
                                 "\r\ntraceparent: 00-11220000000000000000000000000000-"
                                 "0000000000000001-01\r\n"));
    ck_assert_ptr_nonnull(strstr(server->last_head, "\r\nAuthorization: Bearer sk-secret\r\n"));
    server->last_body[server->last_body_size] = 0;
    ck_assert_str_eq(server->last_body, "{\"model\":\"gpt-5-nano\",\"messages\":"
                                        "[{\"role\":\"user\",\"content\":\"a private prompt\"}]}");
    assert_log_is_silent_about("sk-secret");
    assert_log_is_silent_about("private");
}
END_TEST

// A stream is asked for with what it needs, kept as it came, and told with the time at which it
// began to say something; one that ends too early is no answer.
START_TEST(a_stream_is_kept_as_it_came) {
#define CHUNK(choice) "data: {\"id\":\"c\",\"choices\":[" choice "]}\n\n"
    static const char events[] = ": hello\n\n" CHUNK("{\"index\":0,\"delta\":{\"content\":\"a\"}}")
        CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}") "data: [DONE]\n\n";
#undef CHUNK
    static char given[2][1024];
    for (size_t i = 0; i < 2; i++) {
        size_t size = sizeof(events) - 1 - (i == 0 ? 0 : 8);
        (void)snprintf(given[i], sizeof(given[i]),
                       "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                       "Content-Length: %zu\r\n\r\n%.*s",
                       size, (int)size, events);
    }
    server->given = given[0];
    server->given_size = strlen(given[0]);
    line = "{\"custom_id\":\"line-7\",\"body\":{\"model\":\"gpt-5-nano\",\"messages\":[],"
           "\"stream\":true}}";
    join("verbatim", 4);
    lease(1, 1);
    struct end_item item = expect_end(1, "answered", "");
    ck_assert(bytes_is(item.class, "success"));
    ck_assert_uint_gt(item.first_token_ms, 0);
    ck_assert(bytes_is(message_item_frame(&message, 0, 1), events));
    server->last_body[server->last_body_size] = 0;
    ck_assert_str_eq(server->last_body,
                     "{\"model\":\"gpt-5-nano\",\"messages\":[],\"stream\":true,\"stream_options\":"
                     "{\"include_obfuscation\":false,\"include_usage\":true}}");
    send_calls(KIND_end_stored, 1);
    expect_held(0);
    server->given = given[1];
    server->given_size = strlen(given[1]);
    lease(2, 2);
    item = expect_end(2, "answered", "stream_incomplete");
    ck_assert(bytes_is(item.class, "malformed"));
    ck_assert_uint_gt(item.first_token_ms, 0);
}
END_TEST

// A broker that restarts has perhaps not stored what it was told: it is told again, at once.
START_TEST(a_restarted_broker_hears_the_ends_again) {
    join("ok", 4);
    lease(1, 1);
    struct end_item first = expect_end(1, "answered", "");
    struct digest digest = first.digest;
    const struct unwelcome_head stranger = {.reason = bytes_text("join_first")};
    boot = BOOT + 1;
    say(KIND_unwelcome, &stranger, bytes_text(""), 0);
    expect_hello("openai/default", 4);
    welcome(false, 4);
    struct end_item again = expect_end(1, "answered", "");
    ck_assert(digest_equal(again.digest, digest));
}
END_TEST

// An end that nobody confirms is said again, in the same words.
START_TEST(an_unconfirmed_end_is_said_again) {
    join("ok", 4);
    lease(1, 1);
    struct digest digest = expect_end(1, "answered", "").digest;
    uint64_t said_ms = clock_now().mono_ms;
    ck_assert(digest_equal(expect_end(1, "answered", "").digest, digest));
    ck_assert_uint_ge(clock_now().mono_ms - said_ms, END_RESEND_MS - 500);
    ck_assert_uint_eq(atomic_load(&server->requests), 1);
}
END_TEST

// A lease that the broker has given up already must not be called: it may be leased elsewhere.
START_TEST(leases_of_others_and_old_leases_are_dropped) {
    join("ok", 4);
    struct lease_item item = lease_of(1, 1);
    send_lease(&item, (struct id){{0xff}}, STAMP_MS);
    boot = BOOT - 1;
    send_lease(&item, process, STAMP_MS);
    boot = BOOT;
    lease(5, 2);
    (void)expect_end(2, "answered", "");
    send_calls(KIND_end_stored, 2);
    lease(5, 3);
    lease(4, 4);
    lease(6, 5);
    (void)expect_end(5, "answered", "");
    ck_assert_uint_eq(atomic_load(&server->requests), 2);
}
END_TEST

// A lease that was long on its way has a broker behind it that soon gives it up.
START_TEST(a_lease_older_than_half_its_limit_is_handed_back) {
    join("ok", 4);
    lease(1, 1);
    (void)expect_end(1, "answered", "");
    send_calls(KIND_end_stored, 1);
    struct lease_item item = lease_of(2, 2);
    send_lease(&item, process, STAMP_MS - LIMIT_MS);
    struct end_item end = expect_end(2, "not_started", "lease_too_old");
    ck_assert(bytes_is(end.class, "retryable"));
    ck_assert(!end.bytes_left);
    ck_assert_uint_eq(atomic_load(&server->requests), 1);
}
END_TEST

START_TEST(a_lease_without_its_key_is_handed_back) {
    join("ok", 4);
    struct lease_item item = lease_of(1, 1);
    item.key = bytes_text("second");
    send_lease(&item, process, STAMP_MS);
    (void)expect_end(1, "not_started", "no_key");
    item = lease_of(2, 2);
    item.provider = bytes_text("nobody");
    send_lease(&item, process, STAMP_MS);
    (void)expect_end(2, "not_started", "no_key");
    ck_assert_uint_eq(atomic_load(&server->connections), 0);
}
END_TEST

// Nothing waits inside a worker, and a call that is called off says whether it may be billed.
START_TEST(slots_are_kept_and_a_call_can_be_called_off) {
    join("hang", 1);
    lease(1, 1);
    lease(2, 2);
    (void)expect_end(2, "not_started", "no_slot");
    send_calls(KIND_end_stored, 2);
    uint64_t until_ms = clock_now().mono_ms + WAIT_MS;
    struct sock *socks[] = {&broker};
    while (atomic_load(&server->requests) == 0 && clock_now().mono_ms < until_ms)
        sock_wait(socks, 1, NULL, 0, 10);
    send_calls(KIND_abort, 1);
    struct end_item end = expect_end(1, "failed", "aborted");
    ck_assert(end.bytes_left);
    ck_assert_uint_eq(end.status, 0);
}
END_TEST

// A job whose line cannot become a request is the job's own fault; no other job must wait for it.
START_TEST(a_request_that_cannot_be_made_ends_permanent) {
    join("ok", 4);
    const struct lease_head head = {.boot = boot, .process = process, .stamp_ms = STAMP_MS};
    const struct lease_item item = lease_of(1, 1);
    const struct bytes frames[2] = {bytes_text("{}"), bytes_text("")};
    struct wire_writer writer;
    struct buf header;
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_lease, &head, 1);
    wire_item(&writer, &item);
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    ck_assert_int_eq(sock_send(&broker, &message.route, buf_bytes(&header), frames, 2), ERR_OK);
    buf_release(&header);
    struct end_item end = expect_end(1, "not_started", "line_without_body");
    ck_assert(bytes_is(end.class, "permanent"));
    lease(2, 2);
    (void)expect_end(2, "answered", "");
}
END_TEST

// Whoever stops a worker must not lose what it holds: it hands over first, takes nothing new, and
// then goes with 0.
START_TEST(a_stopped_worker_hands_over_before_it_goes) {
    join("ok", 4);
    lease(1, 1);
    (void)expect_end(1, "answered", "");
    ck_assert_int_eq(kill(worker, SIGTERM), 0);
    expect_hello("openai/default", 0);
    welcome(true, 0);
    lease(2, 2);
    (void)expect_end(2, "not_started", "worker_stops");
    send_calls(KIND_end_stored, 1);
    send_calls(KIND_end_stored, 2);
    expect_exit(0);
    assert_log_is_silent_about("ends.lost");
}
END_TEST

// A lease that left before the broker knew would else be one of which nobody knows what became.
START_TEST(a_lease_that_crosses_the_stop_on_its_way_is_handed_back) {
    join("ok", 4);
    ck_assert_int_eq(kill(worker, SIGTERM), 0);
    expect_hello("openai/default", 0);
    lease(1, 1);
    welcome(true, 0);
    (void)expect_end(1, "not_started", "worker_stops");
    send_calls(KIND_end_stored, 1);
    expect_exit(0);
}
END_TEST

START_TEST(a_worker_without_a_broker_stops_at_once) {
    start_worker("ok", 4);
    expect(KIND_hello);
    ck_assert_int_eq(kill(worker, SIGTERM), 0);
    expect_exit(0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("worker");
    TCase *tests = tcase_create("worker");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_lease_becomes_a_call_and_its_end);
    tcase_add_test(tests, a_stream_is_kept_as_it_came);
    tcase_add_test(tests, a_restarted_broker_hears_the_ends_again);
    tcase_add_test(tests, an_unconfirmed_end_is_said_again);
    tcase_add_test(tests, leases_of_others_and_old_leases_are_dropped);
    tcase_add_test(tests, a_lease_older_than_half_its_limit_is_handed_back);
    tcase_add_test(tests, a_lease_without_its_key_is_handed_back);
    tcase_add_test(tests, slots_are_kept_and_a_call_can_be_called_off);
    tcase_add_test(tests, a_request_that_cannot_be_made_ends_permanent);
    tcase_add_test(tests, a_stopped_worker_hands_over_before_it_goes);
    tcase_add_test(tests, a_lease_that_crosses_the_stop_on_its_way_is_handed_back);
    tcase_add_test(tests, a_worker_without_a_broker_stops_at_once);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
