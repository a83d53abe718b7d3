#include "common/clock.h"
#include "workers/provider/transfer.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUNDS_MAX = 1000, LIMIT_MS = 10000 };

static int listener;
static unsigned port;
static SSL_CTX *context;
static atomic_int bytes_read; // of application data

// A certificate for 127.0.0.1 that nobody but itself vouches for.
static void make_context(void) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    ck_assert(key && certificate && name);
    ck_assert_int_eq(X509_set_version(certificate, 2), 1);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"127.0.0.1", -1, -1,
                                     0);
    (void)X509_set_issuer_name(certificate, name);
    (void)X509_set_pubkey(certificate, key);
    ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);
    context = SSL_CTX_new(TLS_server_method());
    ck_assert_int_eq(SSL_CTX_use_certificate(context, certificate), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void *serve(void *unused) {
    (void)unused;
    for (;;) {
        char bytes[256];
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        SSL *ssl = SSL_new(context);
        SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) == 1) {
            int n = SSL_read(ssl, bytes, sizeof(bytes));
            atomic_fetch_add(&bytes_read, n > 0 ? n : 0);
        }
        SSL_free(ssl);
        (void)close(fd);
    }
}

static void start_server(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    pthread_t thread;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    make_context();
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
    (void)pthread_detach(thread);
}

// Whoever stands between us and the provider must not get the key or the prompt: a certificate
// that nobody vouches for ends the call before a byte of it leaves.
START_TEST(a_server_that_cannot_prove_itself_gets_nothing) {
    static char expect_line[] = "Expect:";
    static struct curl_slist lines = {.data = expect_line};
    const struct transfer_limits limits = {
        .connect_ms = 5000, .stall_ms = 5000, .head_bytes_max = 4096, .answer_bytes_max = 4096};
    char url[64];
    start_server();
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/v1", port);
    struct transfers *transfers = transfers_new(1, &limits);
    struct transfer *ended = NULL, *transfer = transfers_take(transfers);
    struct moment now = clock_now();
    transfers_turn(transfers, now.mono_ms, now.wall_ms);
    buf_text(&transfer->request, "a private prompt");
    transfer->url = url;
    transfer->headers = &lines;
    transfer->may_be_private = true;
    transfer_start(transfer, LIMIT_MS);
    for (int i = 0; i < ROUNDS_MAX && !ended; i++) {
        (void)transfers_wait(transfers, 20);
        now = clock_now();
        transfers_turn(transfers, now.mono_ms, now.wall_ms);
        ended = transfers_next(transfers);
    }
    ck_assert_ptr_eq(ended, transfer);
    ck_assert_str_eq(http_end_name(transfer->http_end), "tls_failed");
    ck_assert(!transfer->has_left);
    transfer_give(transfer);
    transfers_free(transfers);
    ck_assert_int_eq(atomic_load(&bytes_read), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("tls");
    TCase *tests = tcase_create("tls");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_server_that_cannot_prove_itself_gets_nothing);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
