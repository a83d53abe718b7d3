// Whole messages over real ipc sockets: what arrives is what was sent, and what is not a message
// of ours is refused without harm to the next one.

#include "common/mem.h"
#include "common/sock.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MS = 10000 };

static char folder[] = "/tmp/colloq-sock-XXXXXX";
static char endpoint[64];
static struct sock server;
static struct sock client;
static struct message message;

static void setup(void) {
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/s", folder);
    ck_assert_int_eq(sock_bind(&server, endpoint), ERR_OK);
    ck_assert_int_eq(sock_connect(&client, endpoint), ERR_OK);
}

static void teardown(void) {
    char path[64];
    sock_close(&client, 0);
    sock_close(&server, 0);
    sock_context_close();
    (void)snprintf(path, sizeof(path), "%s/s", folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/s.lock", folder);
    (void)unlink(path);
    (void)rmdir(folder);
}

// Waits for a message at one end; ERR_AGAIN when none came in that time.
static enum err receive_within(struct sock *sock, long wait_ms) {
    struct sock *const socks[] = {sock};
    if (!sock_is_readable(sock))
        sock_wait(socks, 1, NULL, 0, wait_ms);
    return sock_receive(sock, &message);
}

static enum err receive(struct sock *sock) {
    return receive_within(sock, WAIT_MS);
}

// Sends once somebody takes it in: a connection needs a moment to come about.
static void send_from_client(struct bytes header, const struct bytes *frames, uint32_t count) {
    enum err e;
    while ((e = sock_send(&client, NULL, header, frames, count)) == ERR_AGAIN)
        sock_wait(NULL, 0, NULL, 0, 1);
    ck_assert_int_eq(e, ERR_OK);
}

static struct bytes block_header(struct buf *out, uint64_t offset) {
    struct block_head head = {.request = 1, .offset = offset};
    struct wire_writer writer;
    wire_begin(&writer, out, KIND_block, &head, 0);
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    return buf_bytes(out);
}

// A block with one frame, or as many as told.
static void send_block(uint64_t offset, uint32_t frames) {
    struct buf out;
    struct bytes *payload = mem_array(frames, sizeof(*payload));
    for (uint32_t i = 0; i < frames; i++)
        payload[i] = bytes_text("bytes");
    buf_init(&out, HEADER_BYTES_MAX);
    send_from_client(block_header(&out, offset), payload, frames);
    buf_release(&out);
    mem_free(payload);
}

static void check_block(uint64_t offset) {
    struct block_head head;
    ck_assert_int_eq(receive(&server), ERR_OK);
    ck_assert_int_eq(message.wire.kind, KIND_block);
    ck_assert_int_eq(wire_head(&message.wire, &head), ERR_OK);
    ck_assert_uint_eq(head.offset, offset);
    ck_assert(bytes_is(message_frame(&message, 0), "bytes"));
    message_release(&message);
}

// libzmq takes an endpoint from under a process that listens there: the first would be deaf.
START_TEST(a_second_bind_is_refused_and_the_first_goes_on) {
    struct sock second;
    ck_assert_int_eq(sock_bind(&second, endpoint), ERR_EXISTS);
    sock_close(&second, 0);
    send_block(1, 1);
    check_block(1);
    sock_close(&server, 0);
    ck_assert_int_eq(sock_bind(&server, endpoint), ERR_OK); // a restart is not a second
    // What was sent before the cut was noticed is lost: said again, it comes.
    enum err e;
    do {
        send_block(2, 1);
        e = receive_within(&server, 100);
    } while (e == ERR_AGAIN);
    ck_assert_int_eq(e, ERR_OK);
    message_release(&message);
}
END_TEST

START_TEST(a_message_comes_whole_and_its_answer_finds_the_way_back) {
    struct end_stored_head head = {.boot = 7};
    struct end_stored_item item = {.call = {{9}}};
    struct wire_writer writer;
    struct buf out;
    buf_init(&out, HEADER_BYTES_MAX);
    send_block(5, 1);
    ck_assert_int_eq(receive(&server), ERR_OK);
    struct route route = message.route;
    message_release(&message);
    wire_begin(&writer, &out, KIND_end_stored, &head, 1);
    wire_item(&writer, &item);
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    ck_assert_int_eq(sock_send(&server, &route, buf_bytes(&out), NULL, 0), ERR_OK);
    ck_assert_int_eq(receive(&client), ERR_OK);
    struct end_stored_item heard;
    ck_assert_int_eq(wire_next(&message.wire, &heard), ERR_OK);
    ck_assert(id_equal(heard.call, item.call));
    message_release(&message);
    ck_assert_int_eq(sock_receive(&client, &message), ERR_AGAIN);
    buf_release(&out);
}
END_TEST

// An item would be read with its neighbour's payload.
START_TEST(a_wrong_number_of_frames_is_malformed) {
    static const uint32_t counts[] = {0, 2, 3};
    for (uint64_t i = 0; i < 3; i++) {
        send_block(i, counts[i]);
        ck_assert_int_eq(receive(&server), ERR_MALFORMED);
        ck_assert_uint_gt(message.route.size, 0); // so that it can be told
        send_block(100 + i, 1);
        check_block(100 + i);
    }
}
END_TEST

START_TEST(more_frames_than_any_message_has_are_refused_and_read_away) {
    send_block(1, MESSAGE_FRAMES_MAX + 20);
    send_block(2, 1);
    ck_assert_int_eq(receive(&server), ERR_TOO_BIG);
    check_block(2);
}
END_TEST

START_TEST(what_is_no_header_is_refused_and_the_next_message_read) {
    static const char newer[] = {'\x81', '\xa1', 'v', PROTOCOL_VERSION + 1};
    send_from_client(bytes_text("GET / HTTP/1.1"), NULL, 0);
    ck_assert_int_eq(receive(&server), ERR_MALFORMED);
    send_from_client(bytes_text(""), NULL, 0);
    ck_assert_int_eq(receive(&server), ERR_MALFORMED);
    send_from_client(bytes_of(newer, sizeof(newer)), NULL, 0);
    ck_assert_int_eq(receive(&server), ERR_VERSION);
    send_block(1, 1);
    check_block(1);
}
END_TEST

// A frame above the limit cuts the connection without a word, and with it whatever was on its
// way: it must never leave.
START_TEST(a_frame_goes_to_its_limit_and_not_beyond) {
    uint8_t *big = mem_new(FRAME_BYTES_MAX + 1);
    struct buf out;
    buf_init(&out, HEADER_BYTES_MAX);
    struct bytes header = block_header(&out, 1);
    memset(big, 'x', FRAME_BYTES_MAX + 1);
    for (int by = -1; by <= 0; by++) {
        struct bytes frame = bytes_of(big, by < 0 ? FRAME_BYTES_MAX - 1 : FRAME_BYTES_MAX);
        send_from_client(header, &frame, 1);
        ck_assert_int_eq(receive(&server), ERR_OK);
        ck_assert(bytes_equal(message_frame(&message, 0), frame));
        message_release(&message);
    }
    struct bytes beyond = bytes_of(big, FRAME_BYTES_MAX + 1);
    ck_assert_int_eq(sock_send(&client, NULL, header, &beyond, 1), ERR_TOO_BIG);
    beyond.size = HEADER_BYTES_MAX + 1;
    ck_assert_int_eq(sock_send(&client, NULL, beyond, NULL, 0), ERR_TOO_BIG);
    ck_assert_int_eq(sock_receive(&server, &message), ERR_AGAIN); // and nothing of it had left
    send_block(2, 1);
    check_block(2);
    buf_release(&out);
    mem_free(big);
}
END_TEST

// A lease that is sent to nobody must be known to have gone nowhere.
START_TEST(a_peer_that_is_not_there_is_reported_and_not_sent_to) {
    struct route nobody = {.at = "nobody", .size = 6};
    struct end_stored_head head = {.boot = 7};
    ck_assert_int_eq(sock_send_head(&server, &nobody, KIND_end_stored, &head, NULL, 0), ERR_GONE);
}
END_TEST

// A library that aborts then takes a worker with it, and all the calls that it has running.
START_TEST(a_message_that_has_come_is_whole_though_its_sender_goes) {
    struct extract_head head = {.boot = 1};
    struct extract_item item = {.record = 1, .provider = bytes_text("p"), .api = bytes_text("a")};
    struct bytes frames[2 * ITEMS_MAX];
    struct wire_writer writer;
    struct buf out;
    buf_init(&out, HEADER_BYTES_MAX);
    wire_begin(&writer, &out, KIND_extract, &head, ITEMS_MAX);
    for (uint32_t i = 0; i < ITEMS_MAX; i++)
        wire_item(&writer, &item);
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    for (uint32_t i = 0; i < 2 * ITEMS_MAX; i++)
        frames[i] = bytes_text("bytes");
    send_block(0, 1);
    ck_assert_int_eq(receive(&server), ERR_OK);
    struct route route = message.route;
    message_release(&message);
    ck_assert_int_eq(sock_send(&server, &route, buf_bytes(&out), frames, 2 * ITEMS_MAX), ERR_OK);
    struct sock *const socks[] = {&client};
    while (!sock_is_readable(&client))
        sock_wait(socks, 1, NULL, 0, WAIT_MS);
    sock_close(&server, WAIT_MS);
    // If the end of the connection is told to the socket, it is seen in the middle of the
    // message: after 100 frames libzmq looks. Best is that it is not told at all.
    struct pollfd told = {.fd = sock_fd(&client), .events = POLLIN};
    (void)poll(&told, 1, 500);
    ck_assert_int_eq(sock_receive(&client, &message), ERR_OK);
    ck_assert_uint_eq(message.count, 2 * ITEMS_MAX);
    message_release(&message);
    buf_release(&out);
}
END_TEST

START_TEST(two_clients_are_told_apart) {
    struct sock other;
    ck_assert_int_eq(sock_connect(&other, endpoint), ERR_OK);
    send_block(1, 1);
    ck_assert_int_eq(receive(&server), ERR_OK);
    struct route first = message.route;
    message_release(&message);
    struct sock kept = client;
    client = other;
    send_block(2, 1);
    client = kept;
    ck_assert_int_eq(receive(&server), ERR_OK);
    ck_assert(!bytes_equal(bytes_of(first.at, first.size),
                           bytes_of(message.route.at, message.route.size)));
    message_release(&message);
    sock_close(&other, 0);
}
END_TEST

// Sends as another peer, and waits for it at the server.
static void check_way(const char *other) {
    struct sock kept = client;
    ck_assert_int_eq(sock_connect(&client, other), ERR_OK);
    send_block(7, 1);
    check_block(7);
    sock_close(&client, 0);
    client = kept;
}

// Other hosts come over tcp to the same socket as the processes of this one.
START_TEST(one_socket_listens_at_several_endpoints) {
    static const char *const hosts[] = {"127.0.0.1", "[::1]"};
    for (size_t i = 0; i < 2; i++) {
        char other[ENDPOINT_SIZE];
        enum err e = ERR_EXISTS;
        for (unsigned port = 21000 + (unsigned)getpid() % 20000; e == ERR_EXISTS; port++) {
            (void)snprintf(other, sizeof(other), "tcp://%s:%u", hosts[i], port);
            e = sock_bind_also(&server, other);
        }
        if (e == ERR_BAD_CONFIG && i == 1)
            continue; // a machine without IPv6
        ck_assert_int_eq(e, ERR_OK);
        check_way(other);
        struct sock second;
        ck_assert_int_eq(sock_bind(&second, other), ERR_EXISTS);
    }
    check_way(endpoint);
}
END_TEST

START_TEST(an_address_that_is_none_of_this_host_is_refused) {
    ck_assert_int_eq(sock_bind_also(&server, "tcp://203.0.113.1:5555"), ERR_BAD_CONFIG);
    ck_assert_int_eq(sock_bind_also(&server, "tcp://no-such-device:5555"), ERR_BAD_CONFIG);
    ck_assert_int_eq(sock_bind_also(&server, "ipc:///tmp/x"), ERR_BAD_CONFIG);
    check_way(endpoint); // it goes on where it was
}
END_TEST

// A name may have an address in one family only, or one that leads nowhere.
START_TEST(a_name_is_looked_up_in_both_families_in_turn) {
    struct sock named;
    ck_assert_int_eq(sock_connect(&named, "tcp://localhost:1"), ERR_OK);
    ck_assert(!named.is_ipv6);
    ck_assert_int_eq(sock_reconnect(&named), ERR_OK);
    ck_assert(named.is_ipv6);
    ck_assert_int_eq(sock_reconnect(&named), ERR_OK);
    ck_assert(!named.is_ipv6);
    sock_close(&named, 0);
    ck_assert_int_eq(sock_connect(&named, "tcp://[::1]:1"), ERR_OK);
    ck_assert_int_eq(sock_reconnect(&named), ERR_OK);
    ck_assert(named.is_ipv6); // an address has one
    sock_close(&named, 0);
}
END_TEST

START_TEST(a_closed_sock_can_be_closed_again) {
    struct sock none = {0};
    sock_close(&none, 0);
    sock_close(&client, 0);
    sock_close(&client, 0);
    ck_assert_int_eq(sock_bind(&none, "ipc:///nowhere/at/all"), ERR_IO);
    sock_close(&none, 0);
    ck_assert_int_eq(access("/proc/self/fd/0", F_OK), 0); // descriptor 0 is nobody's lock
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sock");
    TCase *tcase = tcase_create("messages over ipc");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_second_bind_is_refused_and_the_first_goes_on);
    tcase_add_test(tcase, a_message_comes_whole_and_its_answer_finds_the_way_back);
    tcase_add_test(tcase, a_wrong_number_of_frames_is_malformed);
    tcase_add_test(tcase, more_frames_than_any_message_has_are_refused_and_read_away);
    tcase_add_test(tcase, what_is_no_header_is_refused_and_the_next_message_read);
    tcase_add_test(tcase, a_frame_goes_to_its_limit_and_not_beyond);
    tcase_add_test(tcase, a_peer_that_is_not_there_is_reported_and_not_sent_to);
    tcase_add_test(tcase, a_message_that_has_come_is_whole_though_its_sender_goes);
    tcase_add_test(tcase, two_clients_are_told_apart);
    tcase_add_test(tcase, one_socket_listens_at_several_endpoints);
    tcase_add_test(tcase, an_address_that_is_none_of_this_host_is_refused);
    tcase_add_test(tcase, a_name_is_looked_up_in_both_families_in_turn);
    tcase_add_test(tcase, a_closed_sock_can_be_closed_again);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
