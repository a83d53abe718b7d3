// The ingress over real sockets: who comes to the wrong door is told so, and an accountant behind a
// connection that is gone is asked over another one.
#include "common/mem.h"
#include "workers/ingress/door.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static char folder[] = "/tmp/colloq-door-XXXXXX";
static char broker_at[64], ingress_at[64], accountant_at[64];
static struct conf conf;
static struct door *door;
static struct sock accountant, client;
static struct message message;
static int stop_fd;

static void set_up(void) {
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(broker_at, sizeof(broker_at), "ipc://%s/b", folder);
    (void)snprintf(ingress_at, sizeof(ingress_at), "ipc://%s/i", folder);
    (void)snprintf(accountant_at, sizeof(accountant_at), "ipc://%s/a", folder);
    conf = (struct conf){
        .broker = broker_at, .ingress = ingress_at, .accountant = accountant_at, .simulated = true};
    stop_fd = eventfd(0, EFD_CLOEXEC);
    door = mem_new(sizeof(*door));
    ck_assert_int_eq(sock_bind(&accountant, accountant_at), ERR_OK);
    door_open(door, &conf);
    ck_assert_int_eq(sock_connect(&client, ingress_at), ERR_OK);
}

static void tear_down(void) {
    static const char *const names[] = {"b", "i", "a", "i.lock", "a.lock"};
    char path[64];
    sock_close(&client, 0);
    sock_close(&accountant, 0);
    door_close(door);
    mem_free(door);
    (void)close(stop_fd);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

// Says it once the connection stands.
static void say(enum kind kind, const void *head) {
    while (sock_send_head(&client, NULL, kind, head, NULL, 0) != ERR_OK)
        door_turn(door, stop_fd);
}

// Whether something has come to a socket, which is then in message.
static bool hears(struct sock *sock) {
    return sock_receive(sock, &message) == ERR_OK;
}

static void ask(uint64_t request) {
    const struct query_head query = {
        .request = request, .what = bytes_text("cost.report"), .arguments = bytes_text("{}")};
    say(KIND_query, &query);
}

// What was said over a connection that looks as if it stood is never heard, and without another one
// every later question would be lost like the first.
START_TEST(a_silent_accountant_is_asked_over_another_connection) {
    struct route first = {.size = 0}, next = {.size = 0};
    ask(1);
    for (uint64_t request = 1; next.size == 0;) {
        door_turn(door, stop_fd);
        if (hears(&client)) { // that nobody answered
            message_release(&message);
            ask(++request);
        }
        if (!hears(&accountant))
            continue;
        if (first.size == 0)
            first = message.route;
        else if (memcmp(first.at, message.route.at, first.size) != 0)
            next = message.route;
        message_release(&message);
    }
    ck_assert_int_ne(memcmp(first.at, next.at, first.size), 0);
}
END_TEST

static void expect_unwelcome(const char *role, bool simulated, const char *reason) {
    const struct hello_head hello = {.role = bytes_text(role),
                                     .name = bytes_text("me"),
                                     .process = {{1}},
                                     .simulated = simulated};
    struct unwelcome_head unwelcome;
    say(KIND_hello, &hello);
    while (!hears(&client))
        door_turn(door, stop_fd);
    ck_assert_int_eq(message.wire.kind, KIND_unwelcome);
    ck_assert_int_eq(wire_head(&message.wire, &unwelcome), ERR_OK);
    ck_assert(bytes_is(unwelcome.reason, reason));
    ck_assert_uint_gt(unwelcome.detail.size, 0);
    message_release(&message);
}

// A worker that took the ingress for its broker would wait for leases for ever.
START_TEST(only_clients_are_welcome) {
    expect_unwelcome("worker", true, "no_broker");
    expect_unwelcome("client", false, "other_money");
}
END_TEST

// A client that was connected to the ingress before this one has not heard that it is gone.
START_TEST(a_sign_of_life_for_another_ingress_is_answered_with_a_welcome) {
    struct heartbeat_head beat = {.boot = door->own_boot + 1};
    struct welcome_head welcome;
    say(KIND_heartbeat, &beat);
    while (!hears(&client))
        door_turn(door, stop_fd);
    ck_assert_int_eq(message.wire.kind, KIND_welcome);
    ck_assert_int_eq(wire_head(&message.wire, &welcome), ERR_OK);
    ck_assert_uint_eq(welcome.boot, door->own_boot);
    message_release(&message);
    beat.boot = door->own_boot; // it is heard, and there is nothing to say; the question is
    say(KIND_heartbeat, &beat);
    ask(1);
    while (!hears(&client))
        door_turn(door, stop_fd);
    ck_assert_int_eq(message.wire.kind, KIND_answer);
    message_release(&message);
}
END_TEST

START_TEST(another_version_of_the_protocol_is_told_so) {
    static const char newer[] = {'\x81', '\xa1', 'v', PROTOCOL_VERSION + 1};
    struct unwelcome_head unwelcome;
    while (sock_send(&client, NULL, bytes_of(newer, sizeof(newer)), NULL, 0) != ERR_OK)
        door_turn(door, stop_fd);
    while (!hears(&client))
        door_turn(door, stop_fd);
    ck_assert_int_eq(wire_head(&message.wire, &unwelcome), ERR_OK);
    ck_assert(bytes_is(unwelcome.reason, "other_version"));
    message_release(&message);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("door");
    TCase *tcase = tcase_create("the ingress's sockets");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_silent_accountant_is_asked_over_another_connection);
    tcase_add_test(tcase, only_clients_are_welcome);
    tcase_add_test(tcase, a_sign_of_life_for_another_ingress_is_answered_with_a_welcome);
    tcase_add_test(tcase, another_version_of_the_protocol_is_told_so);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
