// Endpoints as text: what is one, how far it reaches, and what is said where it may not reach so
// far.
#include "common/conf_endpoints.h"
#include "common/endpoint.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const struct {
    const char *text;
    bool is_exposed;
} reaches[] = {
    {"ipc:///run/colloq/broker.sock", false},
    {"tcp://127.0.0.1:5555", false},
    {"tcp://127.255.0.9:1", false},
    {"tcp://localhost:5555", false},
    {"tcp://LOCALHOST:5555", false},
    {"tcp://[::1]:5555", false},
    {"tcp://[::ffff:127.0.0.1]:5555", false},
    {"tcp://0.0.0.0:5555", true},
    {"tcp://*:5555", true},
    {"tcp://[::]:5555", true},
    {"tcp://[::ffff:10.0.0.1]:5555", true},
    {"tcp://126.255.255.255:5555", true},
    {"tcp://128.0.0.1:5555", true},
    {"tcp://[::2]:5555", true},
    {"tcp://[fe80::1%eth0]:5555", true},
    {"tcp://eth0:5555", true},
    {"tcp://lo:5555", true},
    {"tcp://b1:5555", true},
    {"tcp://127.0.0.1.example.org:5555", true},
    {"tcp://localhost.example.org:5555", true},
};
enum { REACHES = sizeof(reaches) / sizeof(reaches[0]) };

// What is taken for this machine's own and is not gives prompts to everybody on the way.
START_TEST(only_loopback_stays_on_this_machine) {
    ck_assert_ptr_null(endpoint_refusal(reaches[_i].text));
    ck_assert_msg(endpoint_is_exposed(reaches[_i].text) == reaches[_i].is_exposed, "%s",
                  reaches[_i].text);
}
END_TEST

static const char *const none[] = {
    "",
    "127.0.0.1:5555",
    "http://127.0.0.1:5555",
    "tcp://",
    "tcp://127.0.0.1",
    "tcp://127.0.0.1:",
    "tcp://127.0.0.1:0",
    "tcp://127.0.0.1:65536",
    "tcp://127.0.0.1:*",
    "tcp://127.0.0.1:5555x",
    "tcp://127.0.0.1:000001",
    "tcp://:5555",
    "tcp://::1:5555",
    "tcp://[]:5555",
    "tcp://a;b:5555",
    "tcp://a b:5555",
    "ipc://not/absolute",
};
enum { NONE = sizeof(none) / sizeof(none[0]) };

START_TEST(what_is_no_endpoint_is_refused) {
    ck_assert_msg(endpoint_refusal(none[_i]) != NULL, "%s", none[_i]);
}
END_TEST

START_TEST(a_path_goes_to_its_limit_and_not_beyond) {
    char text[128] = "ipc:///";
    memset(text + 7, 'x', 106);
    ck_assert_ptr_null(endpoint_refusal(text)); // 107 bytes of path
    text[113] = 'x';
    ck_assert_ptr_nonnull(strstr(endpoint_refusal(text), "shorter"));
}
END_TEST

START_TEST(a_port_beside_another_keeps_the_host) {
    char beside[ENDPOINT_SIZE];
    struct endpoint_place place;
    ck_assert(endpoint_beside("tcp://[fd00::1]:5555", 2, beside));
    ck_assert_str_eq(beside, "tcp://[fd00::1]:5557");
    ck_assert(endpoint_place(beside, &place));
    ck_assert_str_eq(place.host, "fd00::1");
    ck_assert(!endpoint_has_name(&place));
    ck_assert(endpoint_beside("tcp://b1:65534", 1, beside));
    ck_assert_str_eq(beside, "tcp://b1:65535");
    ck_assert(endpoint_place(beside, &place) && endpoint_has_name(&place));
    ck_assert(!endpoint_beside("tcp://b1:65535", 1, beside));
    ck_assert(!endpoint_beside("ipc:///a:5", 1, beside));
}
END_TEST

static struct conf_error error;

static enum err check_listen(const char *listen, const char *beside, bool insecure) {
    const struct conf conf = {.broker = "ipc:///a",
                              .ingress = "ipc:///b",
                              .accountant = "ipc:///c",
                              .listen = listen,
                              .listen_ingress = beside,
                              .insecure = insecure};
    return conf_check_endpoints(&conf, &error);
}

// Nothing is encrypted yet: that has to be a decision, and never a default.
START_TEST(beyond_this_machine_somebody_has_to_say_insecure) {
    ck_assert_int_eq(check_listen("tcp://127.0.0.1:1", "tcp://127.0.0.1:2", false), ERR_OK);
    ck_assert_int_eq(check_listen("tcp://0.0.0.0:1", "tcp://0.0.0.0:2", true), ERR_OK);
    ck_assert_int_eq(check_listen("tcp://0.0.0.0:1", "tcp://0.0.0.0:2", false), ERR_BAD_CONFIG);
    ck_assert_int_eq(error.exit, EX_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.text, "tcp://0.0.0.0:1"));
    ck_assert_ptr_nonnull(strstr(error.text, "encrypted"));
    ck_assert_ptr_nonnull(strstr(error.text, "--insecure"));
    ck_assert_int_eq(check_listen("tcp://127.0.0.1:1", "tcp://b1:2", false), ERR_BAD_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.text, "tcp://b1:2"));
}
END_TEST

START_TEST(other_hosts_come_over_tcp_and_find_the_ingress_beside) {
    ck_assert_int_eq(check_listen("ipc:///d", "ipc:///e", true), ERR_BAD_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.text, "tcp://ADDRESS:PORT"));
    ck_assert_int_eq(check_listen("tcp://127.0.0.1:65535", NULL, true), ERR_BAD_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.text, "lower"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("endpoint");
    TCase *tcase = tcase_create("endpoints");
    tcase_add_loop_test(tcase, only_loopback_stays_on_this_machine, 0, REACHES);
    tcase_add_loop_test(tcase, what_is_no_endpoint_is_refused, 0, NONE);
    tcase_add_test(tcase, a_path_goes_to_its_limit_and_not_beyond);
    tcase_add_test(tcase, a_port_beside_another_keeps_the_host);
    tcase_add_test(tcase, beyond_this_machine_somebody_has_to_say_insecure);
    tcase_add_test(tcase, other_hosts_come_over_tcp_and_find_the_ingress_beside);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
