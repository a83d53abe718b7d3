// What a process says of its broker, and what a try of its own finds out where nobody answers. All
// addresses are loopback's; the one name that is looked up is too long for any resolver to ask.
#include "common/clock.h"
#include "common/sock.h"
#include "workers/contact.h"
#include "workers/reach.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { START_MS = 50000 };

static struct contact contact;
static struct contact_facts facts;
static struct reach reach;
static char text[CONTACT_TEXT_SIZE];

static void set_up(void) {
    memset(&contact, 0, sizeof(contact));
    memset(&reach, 0, sizeof(reach));
    facts = (struct contact_facts){.endpoint = "tcp://b1:5555", .name = "worker-0-ab"};
}

static bool step(uint64_t after_ms) {
    return contact_step(&contact, &facts, START_MS + after_ms, text);
}

static bool says(const char *words) {
    return strstr(text, words) != NULL;
}

// ---- what is said -------------------------------------------------------------------------------

START_TEST(a_connection_is_told_once_with_what_it_is_good_for) {
    ck_assert(!step(0));
    facts.is_joined = true;
    facts.slots = 64;
    facts.boot = 7;
    ck_assert(step(10));
    ck_assert_int_eq(contact.state, CONTACT_joined);
    ck_assert_str_eq(text, "connected to tcp://b1:5555 as worker-0-ab, 64 calls at once");
    ck_assert(!step(20) && !step(100000));
    facts.boot = 8; // a broker that was started anew is news
    ck_assert(step(100010));
}
END_TEST

// Whoever starts a worker by hand waits for its word, and is gone when it comes late.
START_TEST(that_nobody_answers_is_said_within_three_seconds_and_once) {
    ck_assert(!step(0));
    ck_assert(!contact_wants_look(&contact, START_MS + CONTACT_LOOK_MS - 1));
    ck_assert(contact_wants_look(&contact, START_MS + CONTACT_LOOK_MS));
    ck_assert(!step(CONTACT_NOBODY_MS - 1));
    ck_assert(step(CONTACT_NOBODY_MS));
    ck_assert_int_lt(CONTACT_NOBODY_MS, 3000);
    ck_assert_int_eq(contact.state, CONTACT_nobody);
    ck_assert(says("nobody answers at tcp://b1:5555") && says("trying on"));
    ck_assert(!step(CONTACT_NOBODY_MS + 60000));
    ck_assert(!contact_wants_look(&contact, START_MS + 60000));
}
END_TEST

START_TEST(what_was_found_is_said_as_soon_as_it_is_known) {
    ck_assert(!step(0));
    facts.found = "b1:5555 refuses connections";
    ck_assert(step(CONTACT_LOOK_MS));
    ck_assert(says("b1:5555 refuses connections"));
}
END_TEST

START_TEST(a_connection_that_is_lost_is_told_and_so_is_its_return) {
    facts.is_joined = true;
    facts.boot = 7;
    ck_assert(step(0));
    facts.is_joined = false;
    ck_assert(!step(1000));
    facts.is_joined = true;
    ck_assert(!step(2000)); // a broker's restart is over before anybody looks
    facts.is_joined = false;
    ck_assert(!step(3000));
    ck_assert(step(3000 + CONTACT_NOBODY_MS));
    ck_assert(says("the connection is lost to tcp://b1:5555"));
    facts.is_joined = true;
    ck_assert(step(9000));
    ck_assert(says("connected"));
}
END_TEST

START_TEST(a_refusal_says_why_and_what_to_do) {
    facts.refusal = "other_money";
    facts.detail = "this broker's money is simulated";
    ck_assert(step(5));
    ck_assert_int_eq(contact.state, CONTACT_refused);
    ck_assert(says("this broker's money is simulated") && says("--simulate"));
    ck_assert(!step(1000) && !step(60000));
    facts.refusal = "other_version";
    facts.detail = "";
    ck_assert(step(60001));
    ck_assert(says("same version"));
    facts.refusal = "name_in_use";
    ck_assert(step(60002));
    ck_assert(says("--names"));
    facts.refusal = "a_code_of_the_future";
    ck_assert(step(60003));
    ck_assert(says("a_code_of_the_future"));
    facts.refusal = NULL;
    facts.is_joined = true;
    ck_assert(step(60004));
    ck_assert(says("connected"));
}
END_TEST

// ---- what is found ------------------------------------------------------------------------------

// A socket that listens at a free port of loopback, which endpoint then names.
static int listen_somewhere(char endpoint[ENDPOINT_SIZE]) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, size), 0);
    ck_assert_int_eq(listen(fd, 4), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    (void)snprintf(endpoint, ENDPOINT_SIZE, "tcp://127.0.0.1:%u", ntohs(at.sin_port));
    return fd;
}

// Looks until something is found.
static const char *find(const char *endpoint) {
    const char *found = NULL;
    reach_start(&reach, endpoint, clock_now().mono_ms);
    while (!(found = reach_step(&reach, clock_now().mono_ms)))
        sock_wait(NULL, 0, NULL, 0, 5);
    (void)snprintf(text, sizeof(text), "%s", found);
    reach_stop(&reach);
    ck_assert_int_eq(reach.stage, REACH_idle);
    return text;
}

START_TEST(a_port_at_which_nobody_listens_refuses) {
    char endpoint[ENDPOINT_SIZE];
    (void)close(listen_somewhere(endpoint));
    ck_assert_ptr_nonnull(strstr(find(endpoint), "refuses connections"));
}
END_TEST

START_TEST(who_takes_connections_and_says_nothing_is_named_as_that) {
    char endpoint[ENDPOINT_SIZE];
    int fd = listen_somewhere(endpoint);
    ck_assert_ptr_nonnull(strstr(find(endpoint), "says nothing"));
    (void)close(fd);
}
END_TEST

static const char *find_talker(const char *greeting) {
    char endpoint[ENDPOINT_SIZE];
    const char *found = NULL;
    int fd = listen_somewhere(endpoint);
    reach_start(&reach, endpoint, 1000);
    int talker = -1;
    while (talker < 0) { // the look-up takes a moment
        (void)reach_step(&reach, 1000);
        sock_wait(NULL, 0, NULL, 0, 1);
        talker = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    if (greeting)
        ck_assert_int_gt(send(talker, greeting, strlen(greeting), 0), 0);
    else
        (void)close(talker);
    while (!(found = reach_step(&reach, 1000)))
        sock_wait(NULL, 0, NULL, 0, 1);
    (void)snprintf(text, sizeof(text), "%s", found);
    if (greeting)
        (void)close(talker);
    (void)close(fd);
    reach_stop(&reach);
    return text;
}

START_TEST(something_else_than_colloq_is_named_as_that) {
    ck_assert_ptr_nonnull(strstr(find_talker("SSH-2.0-x\r\n"), "is not colloq"));
    ck_assert_ptr_nonnull(strstr(find_talker(NULL), "cuts them"));
}
END_TEST

START_TEST(a_socket_of_zeromq_that_is_no_broker_is_asked_about) {
    char endpoint[ENDPOINT_SIZE];
    struct sock server = {0};
    (void)close(listen_somewhere(endpoint));
    ck_assert_int_eq(sock_bind(&server, endpoint), ERR_OK);
    ck_assert_ptr_nonnull(strstr(find(endpoint), "the broker's endpoint?"));
    sock_close(&server, 0);
    sock_context_close();
}
END_TEST

START_TEST(a_data_folder_without_colloq_is_named) {
    ck_assert_ptr_nonnull(strstr(find("ipc:///tmp/colloq-nobody-listens-here"), "does colloq run"));
}
END_TEST

START_TEST(a_host_that_cannot_be_found_is_named) {
    char endpoint[ENDPOINT_SIZE] = "tcp://";
    memset(endpoint + 6, 'x', 70); // a label has at most 63 bytes
    memcpy(endpoint + 76, ":5555", 6);
    ck_assert_ptr_nonnull(strstr(find(endpoint), "cannot be found"));
}
END_TEST

// A name with addresses of which one leads somewhere: that one is told of.
START_TEST(every_address_of_a_name_is_tried) {
    char endpoint[ENDPOINT_SIZE], named[ENDPOINT_SIZE];
    struct endpoint_place place;
    int fd = listen_somewhere(endpoint);
    ck_assert(endpoint_place(endpoint, &place));
    (void)snprintf(named, sizeof(named), "tcp://localhost:%u", place.port);
    ck_assert_ptr_nonnull(strstr(find(named), "says nothing"));
    (void)close(fd);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("contact");
    TCase *said = tcase_create("what is said");
    TCase *found = tcase_create("what is found");
    tcase_add_checked_fixture(said, set_up, NULL);
    tcase_add_test(said, a_connection_is_told_once_with_what_it_is_good_for);
    tcase_add_test(said, that_nobody_answers_is_said_within_three_seconds_and_once);
    tcase_add_test(said, what_was_found_is_said_as_soon_as_it_is_known);
    tcase_add_test(said, a_connection_that_is_lost_is_told_and_so_is_its_return);
    tcase_add_test(said, a_refusal_says_why_and_what_to_do);
    tcase_add_checked_fixture(found, set_up, NULL);
    tcase_set_timeout(found, 60);
    tcase_add_test(found, a_port_at_which_nobody_listens_refuses);
    tcase_add_test(found, who_takes_connections_and_says_nothing_is_named_as_that);
    tcase_add_test(found, something_else_than_colloq_is_named_as_that);
    tcase_add_test(found, a_socket_of_zeromq_that_is_no_broker_is_asked_about);
    tcase_add_test(found, a_data_folder_without_colloq_is_named);
    tcase_add_test(found, a_host_that_cannot_be_found_is_named);
    tcase_add_test(found, every_address_of_a_name_is_tried);
    suite_add_tcase(suite, said);
    suite_add_tcase(suite, found);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
