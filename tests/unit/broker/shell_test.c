// The small parts of the shell: bytes kept by number, peers, and the messages of a turn.
#include "broker/keep.h"
#include "broker/outbox.h"
#include "common/mem.h"
#include "tests/unit/broker/run.h"

#include <stdio.h>
#include <unistd.h>

static char folder[64];
static char endpoint[128];
static struct sock router, dealer, other;
static struct peers *peers;
static struct outbox outbox;
static struct message message;
static uint32_t first_peer, second_peer;

// Gives the far end of a dealer a number: the router learns its route from a first message.
static uint32_t introduce(struct sock *sock) {
    struct hello_head hello = {.role = bytes_text("worker"), .name = bytes_text("n")};
    struct sock *socks[] = {&router};
    ck_assert_int_eq(sock_connect(sock, endpoint), ERR_OK);
    enum err e;
    while ((e = sock_send_head(sock, NULL, KIND_hello, &hello, NULL, 0)) == ERR_AGAIN)
        sock_wait(NULL, 0, NULL, 0, 1); // a connection needs a moment to come about
    ck_assert_int_eq(e, ERR_OK);
    sock_wait(socks, 1, NULL, 0, 10 * 1000);
    ck_assert_int_eq(sock_receive(&router, &message), ERR_OK);
    uint32_t peer = peers_add(peers, &message.route);
    message_release(&message);
    return peer;
}

static void setup(void) {
    (void)snprintf(folder, sizeof(folder), "/tmp/colloq-shell-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/broker.sock", folder);
    ck_assert_int_eq(sock_bind(&router, endpoint), ERR_OK);
    peers = mem_new(sizeof(*peers));
    outbox_init(&outbox);
    first_peer = introduce(&dealer);
    second_peer = introduce(&other);
}

static void teardown(void) {
    char command[128];
    outbox_release(&outbox);
    mem_free(peers);
    sock_close(&dealer, 0);
    sock_close(&other, 0);
    sock_close(&router, 0);
    sock_context_close();
    (void)snprintf(command, sizeof(command), "%s/broker.sock", folder);
    (void)unlink(command);
    (void)snprintf(command, sizeof(command), "%s/broker.sock.lock", folder);
    (void)unlink(command);
    (void)rmdir(folder);
}

static uint32_t gone_count;

static void gone(void *owner, uint32_t peer) {
    (void)peer;
    ck_assert_ptr_eq(owner, &outbox);
    gone_count++;
}

static void send_all(void) {
    outbox_send(&outbox, &router, peers, gone, &outbox);
}

// The next message at a dealer; it lives until the next one.
static void receive(struct sock *sock) {
    struct sock *socks[] = {sock};
    message_release(&message);
    if (!sock_is_readable(sock))
        sock_wait(socks, 1, NULL, 0, 10 * 1000);
    ck_assert_int_eq(sock_receive(sock, &message), ERR_OK);
}

static void say_call(uint32_t peer, uint64_t counter) {
    struct end_stored_head head = {.boot = 1};
    struct end_stored_item item = {.call = call_id_make(counter, 1)};
    outbox_item(&outbox, peer, KIND_end_stored, &head, &item, NULL);
}

static void expect_calls(struct sock *sock, uint64_t first, uint32_t count) {
    struct end_stored_item item;
    receive(sock);
    ck_assert_int_eq(message.wire.kind, KIND_end_stored);
    ck_assert_uint_eq(message.wire.items, count);
    for (uint64_t i = 0; i < count; i++) {
        ck_assert_int_eq(wire_next(&message.wire, &item), ERR_OK);
        ck_assert_uint_eq(call_id_counter(item.call), first + i);
    }
}

// ---- the outbox ---------------------------------------------------------------------------------

// A message with more items than the protocol allows is refused whole by whoever gets it.
START_TEST(items_are_gathered_into_messages_of_at_most_64) {
    for (uint64_t i = 1; i <= 2 * ITEMS_MAX + 2; i++)
        say_call(first_peer, i);
    send_all();
    expect_calls(&dealer, 1, ITEMS_MAX);
    expect_calls(&dealer, 1 + ITEMS_MAX, ITEMS_MAX);
    expect_calls(&dealer, 1 + 2 * ITEMS_MAX, 2);
    ck_assert_uint_eq(outbox.count, 0);
}
END_TEST

// 64 answers of 8 MiB in one message would be half a gigabyte at once.
START_TEST(a_message_ends_when_its_frames_are_large) {
    uint8_t *line = mem_new(MIB);
    struct prepare_head head = {.boot = 1};
    struct prepare_item item = {.ask = 1};
    struct bytes frame = bytes_of(line, MIB);
    for (int i = 0; i < 6; i++)
        outbox_item(&outbox, first_peer, KIND_prepare, &head, &item, &frame);
    send_all();
    receive(&dealer);
    ck_assert_uint_eq(message.wire.items, MESSAGE_BYTES_SOFT / MIB);
    ck_assert_uint_eq(message_item_frame(&message, 3, 0).size, MIB);
    receive(&dealer);
    ck_assert_uint_eq(message.wire.items, 6 - MESSAGE_BYTES_SOFT / MIB);
    mem_free(line);
}
END_TEST

// A lease that overtook the welcome would be dropped by its worker.
START_TEST(messages_leave_in_the_order_in_which_they_were_begun) {
    struct put_stored_head head = {.request = 5};
    say_call(first_peer, 1);
    outbox_head(&outbox, first_peer, KIND_put_stored, &head, NULL);
    say_call(second_peer, 1);
    say_call(first_peer, 2);
    send_all();
    expect_calls(&dealer, 1, 1);
    receive(&dealer);
    ck_assert_int_eq(message.wire.kind, KIND_put_stored);
    expect_calls(&dealer, 2, 1);
    expect_calls(&other, 1, 1);
}
END_TEST

// The memory of an earlier turn's message must not show in the next.
START_TEST(a_second_turn_begins_anew) {
    for (uint64_t turn = 1; turn <= 3; turn++) {
        say_call(first_peer, turn);
        send_all();
        expect_calls(&dealer, turn, 1);
    }
}
END_TEST

// A frame beyond the limit would end the connection: it is refused here, and what follows goes on.
START_TEST(what_is_too_big_is_not_sent_and_holds_up_nothing) {
    uint8_t *large = mem_new(FRAME_BYTES_MAX + 1);
    struct catalogue_head head = {.hash = bytes_text("h")};
    struct bytes frame = bytes_of(large, FRAME_BYTES_MAX + 1);
    outbox_head(&outbox, first_peer, KIND_catalogue, &head, &frame);
    frame.size = FRAME_BYTES_MAX;
    outbox_head(&outbox, first_peer, KIND_catalogue, &head, &frame);
    say_call(first_peer, 1);
    send_all();
    receive(&dealer);
    ck_assert_int_eq(message.wire.kind, KIND_catalogue);
    ck_assert_uint_eq(message_frame(&message, 0).size, FRAME_BYTES_MAX);
    expect_calls(&dealer, 1, 1);
    mem_free(large);
}
END_TEST

// A connection that broke must not take the messages for others with it.
START_TEST(a_peer_that_is_gone_is_reported_and_others_get_theirs) {
    struct route nobody = {.at = {1, 2, 3}, .size = 3};
    uint32_t lost = peers_add(peers, &nobody);
    say_call(lost, 1);
    say_call(first_peer, 1);
    say_call(0, 1); // to nobody
    send_all();
    ck_assert_uint_eq(gone_count, 1);
    expect_calls(&dealer, 1, 1);
}
END_TEST

// ---- peers --------------------------------------------------------------------------------------

START_TEST(a_route_has_one_number_and_numbers_are_used_again) {
    struct route route = {.at = {9}, .size = 1}, longer = {.at = {9, 0}, .size = 2};
    uint32_t peer = peers_add(peers, &route);
    ck_assert_uint_ne(peer, 0);
    ck_assert_uint_eq(peers_find(peers, &route), peer);
    ck_assert_uint_eq(peers_find(peers, &longer), 0);
    peers_remove(peers, peer);
    ck_assert_uint_eq(peers_find(peers, &route), 0);
    ck_assert_uint_eq(peers_add(peers, &longer), peer);
}
END_TEST

START_TEST(peers_beyond_the_limit_get_no_number) {
    struct route route = {.size = 4};
    uint32_t added = 0;
    for (uint32_t i = 0; i < 2 * PEERS_MAX; i++) {
        route.at[0] = (uint8_t)(i >> 8);
        route.at[1] = (uint8_t)i;
        uint32_t peer = peers_add(peers, &route);
        ck_assert_uint_lt(peer, PEERS_MAX);
        added += peer != 0;
    }
    ck_assert_uint_eq(added, PEERS_MAX - 1 - 2); // two were there
}
END_TEST

// ---- keep ---------------------------------------------------------------------------------------

START_TEST(what_is_kept_comes_back_until_it_is_dropped) {
    struct keep keep;
    struct bytes at, more;
    keep_init(&keep);
    ck_assert(!keep_get(&keep, 7, &at, &more));
    ck_assert_uint_eq(at.size + more.size, 0);
    keep_put(&keep, 7, bytes_text("context"), bytes_text("full"));
    keep_put(&keep, 7 + 4096, bytes_text("neighbour"), bytes_of(NULL, 0)); // of the same bucket
    ck_assert(keep_get(&keep, 7, &at, &more));
    ck_assert(bytes_is(at, "context") && bytes_is(more, "full"));
    keep_drop(&keep, 7);
    keep_drop(&keep, 7);
    ck_assert(!keep_get(&keep, 7, &at, NULL));
    ck_assert(keep_get(&keep, 7 + 4096, &at, &more));
    ck_assert(bytes_is(at, "neighbour") && more.size == 0);
    keep_release(&keep);
}
END_TEST

// A second context for a job replaces the first; the sum is what the memory really holds.
START_TEST(keeping_again_replaces_and_the_sum_is_right) {
    struct keep keep;
    struct bytes at;
    int64_t held = mem_held();
    keep_init(&keep);
    keep_put(&keep, 1, bytes_text("long context"), bytes_of(NULL, 0));
    keep_put(&keep, 1, bytes_text("short"), bytes_text("!"));
    keep_put(&keep, 2, bytes_of(NULL, 0), bytes_of(NULL, 0));
    ck_assert(keep_get(&keep, 1, &at, NULL) && bytes_is(at, "short"));
    ck_assert(keep_get(&keep, 2, &at, NULL));
    ck_assert_uint_eq(keep.bytes, 6);
    ck_assert_uint_eq(keep.count, 2);
    keep_release(&keep);
    ck_assert_int_eq(mem_held(), held);
    keep_release(&(struct keep){0});
}
END_TEST

int main(void) {
    RUN_TESTS("shell", setup, teardown, items_are_gathered_into_messages_of_at_most_64,
              a_message_ends_when_its_frames_are_large,
              messages_leave_in_the_order_in_which_they_were_begun, a_second_turn_begins_anew,
              what_is_too_big_is_not_sent_and_holds_up_nothing,
              a_peer_that_is_gone_is_reported_and_others_get_theirs,
              a_route_has_one_number_and_numbers_are_used_again,
              peers_beyond_the_limit_get_no_number, what_is_kept_comes_back_until_it_is_dropped,
              keeping_again_replaces_and_the_sum_is_right);
}
