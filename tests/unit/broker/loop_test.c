// The broker's loop over real sockets: who is welcome, and what is dropped without harm.
#include "common/mem.h"
#include "tests/unit/broker/callers.h"
#include "tests/unit/broker/run.h"
#include "workers/link.h"

static const struct bytes NOTHING = {NULL, 0};

static void expect_unwelcome(struct caller *caller, const char *reason) {
    struct unwelcome_head unwelcome;
    hear(caller, KIND_unwelcome, &unwelcome);
    ck_assert(bytes_is(unwelcome.reason, reason));
}

// ---- joining ------------------------------------------------------------------------------------

// A process learns from the welcome which broker, journal and start it works with.
START_TEST(a_hello_is_answered_with_a_welcome) {
    struct hello_head hello = hello_of(&worker, "worker");
    struct welcome_head welcome;
    ck_assert_int_eq(sock_connect(&worker.sock, endpoint), ERR_OK);
    say(&worker, KIND_hello, &hello, NOTHING);
    hear(&worker, KIND_welcome, &welcome);
    ck_assert_uint_eq(welcome.boot, loop->boot);
    ck_assert_uint_eq(welcome.start, 1);
    ck_assert(id_equal(welcome.journal, loop->journal.id));
    ck_assert(welcome.simulated);
}
END_TEST

// The skeleton that all processes share joins, and beats, without further help.
START_TEST(a_link_joins_by_itself) {
    struct link *link = mem_new(sizeof(*link));
    struct hello_head hello = hello_of(&worker, "extractor");
    struct message *message;
    ck_assert_int_eq(link_open(link, endpoint, &hello), ERR_OK);
    for (int i = 0; i < ROUNDS_MAX && !link_is_joined(link); i++) {
        struct sock *socks[] = {&loop->sock, &link->sock};
        uint64_t now_ms = clock_now().mono_ms;
        link_tick(link, now_ms);
        turn();
        ck_assert_int_eq(link_receive(link, now_ms, &message), ERR_AGAIN);
        sock_wait(socks, 2, NULL, 0, WAIT_MS);
    }
    ck_assert(link_is_joined(link) && !link->is_refused);
    ck_assert_uint_eq(link->peer.boot, loop->boot);
    ck_assert_int_eq(core_peer(loop->core, 1)->role, ROLE_extractor);
    link_close(link, 0);
    mem_free(link);
}
END_TEST

// A worker with real keys at a broker of simulated money would spend real money on tests.
START_TEST(other_money_is_unwelcome) {
    struct hello_head hello = hello_of(&worker, "worker");
    hello.simulated = false;
    ck_assert_int_eq(sock_connect(&worker.sock, endpoint), ERR_OK);
    say(&worker, KIND_hello, &hello, NOTHING);
    expect_unwelcome(&worker, "other_money");
    ck_assert_uint_eq(loop->peers.used, 0);
}
END_TEST

// The broker was restarted and knows nobody: whoever goes on speaking is told to say hello.
START_TEST(who_speaks_before_its_hello_is_told_to_join_first) {
    struct heartbeat_head heartbeat = {.boot = loop->boot, .process = {{1}}};
    ck_assert_int_eq(sock_connect(&worker.sock, endpoint), ERR_OK);
    say(&worker, KIND_heartbeat, &heartbeat, NOTHING);
    expect_unwelcome(&worker, "join_first");
}
END_TEST

// Of two versions that meet one must say so: a silence would be looked for in the network.
START_TEST(another_version_of_the_protocol_is_told_so) {
    static const char newer[] = {'\x81', '\xa1', 'v', PROTOCOL_VERSION + 1};
    struct unwelcome_head unwelcome;
    ck_assert_int_eq(sock_connect(&worker.sock, endpoint), ERR_OK);
    say_raw(&worker, bytes_of(newer, sizeof(newer)), NULL, 0);
    hear(&worker, KIND_unwelcome, &unwelcome);
    ck_assert(bytes_is(unwelcome.reason, "other_version"));
    ck_assert_uint_gt(unwelcome.detail.size, 0);
    ck_assert_uint_eq(loop->peers.used, 0);
}
END_TEST

START_TEST(an_unknown_role_is_unwelcome) {
    struct hello_head hello = hello_of(&worker, "dreamer");
    ck_assert_int_eq(sock_connect(&worker.sock, endpoint), ERR_OK);
    say(&worker, KIND_hello, &hello, NOTHING);
    expect_unwelcome(&worker, "unknown_role");
}
END_TEST

// ---- what is dropped ----------------------------------------------------------------------------

// Whatever a broken process sends, the others' work goes on.
START_TEST(bytes_that_are_no_message_are_dropped) {
    join(&worker, "worker");
    say_raw(&worker, bytes_text("not a header"), NULL, 0);
    say_raw(&worker, bytes_of(NULL, 0), NULL, 0);
    say_raw(&worker, bytes_of("\x83\xff\xff\xff", 4), NULL, 0);
    settle(&worker);
}
END_TEST

// Whoever sends nothing but rubbish must not keep the broker from everything else for as long as it
// likes: so much of it and no more is looked at in a turn.
START_TEST(a_flood_of_what_is_no_message_does_not_hold_up_a_turn) {
    enum { FLOOD = 40 };
    join(&worker, "worker");
    uint64_t before = loop->turns;
    for (int i = 0; i < FLOOD * INBOX_MAX; i++)
        say_raw(&worker, bytes_text("rubbish"), NULL, 0);
    settle(&worker);
    ck_assert_uint_ge(loop->turns - before, FLOOD);
}
END_TEST

// A chunk that contradicts itself must not be taken in halfway.
START_TEST(a_chunk_that_ends_before_it_begins_is_dropped) {
    struct put_head head = {.request = 1, .batch = 1, .first = 9, .last = 3};
    struct put_item item = {.line = 9, .job_id = {{1}}, .conversation_id = {{1}}};
    struct bytes frame = bytes_text("{}");
    join(&ingress, "ingress");
    say_item(&ingress, KIND_put, &head, &item, &frame);
    settle(&ingress);
    ck_assert_uint_eq(core_counters(loop->core).jobs, 0);
}
END_TEST

// A message that lacks its required fields is of a broken process, or of nobody of ours.
START_TEST(a_message_without_its_required_fields_is_dropped) {
    struct buf out;
    struct wire_writer writer;
    struct put_head head = {.request = 1, .batch = 1, .first = 1, .last = 1};
    struct end_stored_item wrong = {.call = {{1}}};
    struct bytes frame = bytes_text("{}"), packed;
    struct buf items;
    join(&ingress, "ingress");
    buf_init(&out, HEADER_BYTES_MAX);
    buf_init(&items, HEADER_BYTES_MAX);
    ck_assert_int_eq(wire_pack_item(&items, KIND_end_stored, &wrong), ERR_OK);
    packed = buf_bytes(&items);
    wire_begin(&writer, &out, KIND_put, &head, 1);
    wire_packed_items(&writer, packed, 1);
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    say_raw(&ingress, buf_bytes(&out), &frame, 1);
    settle(&ingress);
    ck_assert_uint_eq(core_counters(loop->core).jobs, 0);
    buf_release(&out);
    buf_release(&items);
}
END_TEST

// A worker that could open batches, or confirm records, could make calls and money vanish.
START_TEST(a_role_may_not_say_what_is_not_its) {
    struct open_head open = {.request = 1, .key = bytes_text("k"), .batch_id = {{1}}};
    struct recorded_head recorded = {.applied = 1};
    struct recorded_item item = {.number = 1, .has_answer = true};
    struct query_head query = {.request = 1, .what = bytes_text("stat")};
    struct catalogue_head catalogue = {.hash = bytes_text("evil")};
    struct bytes document = bytes_text("{}");
    join(&worker, "worker");
    say(&worker, KIND_open, &open, NOTHING);
    say_item(&worker, KIND_recorded, &recorded, &item, NULL);
    say(&worker, KIND_query, &query, NOTHING);
    say(&worker, KIND_catalogue, &catalogue, document);
    settle(&worker);
    ck_assert_uint_eq(core_counters(loop->core).batches, 0);
    ck_assert_str_eq(loop->catalogue_hash, "");
}
END_TEST

// An answer of the accountant to the broker that died is about questions that nobody asked.
START_TEST(answers_meant_for_another_boot_are_void) {
    struct open_head open = {.request = 1, .key = bytes_text("k"), .batch_id = {{1}}};
    struct key_known_head known = {.boot = loop->boot + 1, .batch = 1};
    struct key_ask_head ask;
    struct opened_head opened;
    join(&accountant, "accountant");
    join(&ingress, "ingress");
    say(&ingress, KIND_open, &open, NOTHING);
    hear(&accountant, KIND_key_ask, &ask);
    ck_assert(bytes_is(ask.key, "k"));
    say(&accountant, KIND_key_known, &known, NOTHING);
    settle(&accountant);
    ck_assert_int_eq(core_batch(loop->core, 1)->state, BATCH_ASKING);
    known.boot = loop->boot;
    say(&accountant, KIND_key_known, &known, NOTHING);
    hear(&ingress, KIND_opened, &opened);
    ck_assert_uint_eq(opened.request, 1);
    ck_assert_uint_eq(opened.batch, 1);
}
END_TEST

int main(void) {
    RUN_TESTS("loop", callers_open, callers_close, a_hello_is_answered_with_a_welcome,
              a_link_joins_by_itself, other_money_is_unwelcome,
              another_version_of_the_protocol_is_told_so,
              who_speaks_before_its_hello_is_told_to_join_first, an_unknown_role_is_unwelcome,
              bytes_that_are_no_message_are_dropped,
              a_flood_of_what_is_no_message_does_not_hold_up_a_turn,
              a_chunk_that_ends_before_it_begins_is_dropped,
              a_message_without_its_required_fields_is_dropped, a_role_may_not_say_what_is_not_its,
              answers_meant_for_another_boot_are_void);
}
