// One job's passage through the broker's loop over real sockets, and what people may ask of it.
#include "common/json.h"
#include "common/mem.h"
#include "tests/unit/broker/callers.h"
#include "tests/unit/broker/run.h"

#include <jansson.h>
#include <sysexits.h>

static const struct bytes NOTHING = {NULL, 0};

// ---- one job ------------------------------------------------------------------------------------

// What passes through.
static struct bytes the_line, the_headers, the_body, the_facts;

static void pass_small(void) {
    the_line = bytes_text("{\"custom_id\":\"mine\"}");
    the_headers = bytes_text("A: b\r\n");
    the_body = bytes_text("{\"answer\":1}");
    the_facts = bytes_text("facts");
}

// Each as large as its limit, and no two alike.
static void pass_largest(uint8_t *bytes) {
    for (size_t i = 0; i < FRAME_BYTES_MAX + 3; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    the_line = bytes_of(bytes, LINE_BYTES_MAX);
    the_headers = bytes_of(bytes + 1, ANSWER_HEADERS_BYTES_MAX);
    the_body = bytes_of(bytes + 2, ANSWER_BYTES_MAX);
    the_facts = bytes_of(bytes + 3, FACTS_BYTES_MAX);
}

static void join_all(void) {
    join(&ingress, "ingress");
    join(&accountant, "accountant");
    join(&extractor, "extractor");
}

static uint64_t open_batch(void) {
    struct open_head open = {.request = 1,
                             .key = bytes_text("k"),
                             .batch_id = {{0xba, 0x7c, 0x01}},
                             .name = bytes_text("tonight"),
                             .tags = bytes_text("{\"team\":\"data\"}")};
    struct key_ask_head ask;
    struct opened_head opened;
    say(&ingress, KIND_open, &open, NOTHING);
    hear(&accountant, KIND_key_ask, &ask);
    struct key_known_head known = {.boot = ask.boot, .batch = ask.batch};
    say(&accountant, KIND_key_known, &known, NOTHING);
    hear(&ingress, KIND_opened, &opened);
    return opened.batch;
}

static void put_line(uint64_t batch) {
    struct put_head head = {.request = 2,
                            .batch = batch,
                            .first = 1,
                            .last = 1,
                            .before = core_batch(loop->core, 1)->digest,
                            .after = {{1}}};
    struct put_item item = {.line = 1,
                            .job_id = {{0x10}},
                            .conversation_id = {{0x10}},
                            .custom_id = bytes_text("mine"),
                            .provider = bytes_text("openai"),
                            .api = bytes_text("openai.chat"),
                            .key = bytes_text("default"),
                            .model = bytes_text("m"),
                            .cost_max_pusd = 42};
    struct put_stored_head stored;
    say_item(&ingress, KIND_put, &head, &item, &the_line);
    hear(&ingress, KIND_put_stored, &stored);
    ck_assert_uint_eq(stored.accepted_through, 1);
    ck_assert_uint_eq(stored.reason.size, 0);
}

// Its first heartbeat says which leases it has seen: none leaves before that.
static void join_worker(void) {
    join(&worker, "worker");
    struct heartbeat_head heartbeat = {.boot = loop->boot, .process = worker.process};
    say(&worker, KIND_heartbeat, &heartbeat, NOTHING);
}

static struct lease_item take_lease(void) {
    struct lease_head head;
    struct lease_item item;
    hear_item(&worker, KIND_lease, &head, &item);
    ck_assert(id_equal(head.process, worker.process));
    ck_assert_uint_eq(item.number, 1);
    ck_assert_uint_eq(item.attempt, 1);
    ck_assert_uint_eq(item.limit_ms, 60 * 1000);
    ck_assert(bytes_is(item.model, "m") && bytes_is(item.custom_id, "mine"));
    ck_assert(bytes_equal(message_item_frame(&worker.message, 0, 0), the_line));
    ck_assert_uint_eq(message_item_frame(&worker.message, 0, 1).size, 0);
    return item;
}

static void end_lease(const struct lease_item *lease) {
    struct end_head head = {.boot = loop->boot, .process = worker.process};
    struct end_item item = {.job = lease->job,
                            .job_id = lease->job_id,
                            .batch_id = lease->batch_id,
                            .conversation_id = lease->conversation_id,
                            .turn = lease->turn,
                            .line = lease->line,
                            .custom_id = lease->custom_id,
                            .provider = lease->provider,
                            .api = lease->api,
                            .key = lease->key,
                            .model = lease->model,
                            .attempt = lease->attempt,
                            .call = lease->call,
                            .ended = bytes_text("answered"),
                            .class = bytes_text("success"),
                            .status = 200,
                            .digest = {{5}}};
    struct bytes frames[2] = {the_headers, the_body};
    struct end_stored_head stored;
    struct end_stored_item call;
    say_item(&worker, KIND_end, &head, &item, frames);
    hear_item(&worker, KIND_end_stored, &stored, &call);
    ck_assert(id_equal(call.call, lease->call));
}

static void extract(void) {
    struct extract_head head;
    struct extract_item item;
    hear_item(&extractor, KIND_extract, &head, &item);
    ck_assert_uint_eq(item.status, 200);
    ck_assert(bytes_is(item.api, "openai.chat") && bytes_is(item.model, "m"));
    ck_assert(bytes_equal(message_item_frame(&extractor.message, 0, 0), the_headers));
    ck_assert(bytes_equal(message_item_frame(&extractor.message, 0, 1), the_body));
    struct extracted_head to = {.boot = loop->boot};
    struct extracted_item extracted = {.record = item.record};
    say_item(&extractor, KIND_extracted, &to, &extracted, &the_facts);
}

// The next record of that type at the accountant; those before it are confirmed on the way.
static struct record_item next_record(const char *type) {
    struct record_head head;
    struct record_item item;
    for (;;) {
        hear_item(&accountant, KIND_record, &head, &item);
        struct recorded_head recorded = {.applied = item.number};
        struct recorded_item confirmed = {.number = item.number, .has_answer = true};
        say_item(&accountant, KIND_recorded, &recorded, &confirmed, NULL);
        if (bytes_is(item.type, type))
            return item;
    }
}

static void pass_one(void) {
    join_all();
    put_line(open_batch());
    join_worker();
    struct lease_item lease = take_lease();
    end_lease(&lease);
    extract();
    struct record_item record = next_record("job");
    ck_assert(record.is_answer && bytes_is(record.outcome, "answered"));
    ck_assert(bytes_is(record.custom_id, "mine") && record.status == 200);
    ck_assert_int_eq(record.cost_max_pusd, 42);
    ck_assert(bytes_equal(message_item_frame(&accountant.message, 0, 0), the_line));
    ck_assert(bytes_equal(message_item_frame(&accountant.message, 0, 1), the_headers));
    ck_assert(bytes_equal(message_item_frame(&accountant.message, 0, 2), the_body));
    ck_assert(bytes_equal(message_item_frame(&accountant.message, 0, 3), the_facts));
    settle(&accountant);
    ck_assert_uint_eq(core_find_job(loop->core, record.job), 0);
    ck_assert_uint_eq(loop->facts.count, 0);
}

// Every hop hands on exactly what it was given: line, answer and facts, byte for byte.
START_TEST(a_job_passes_through_with_all_its_bytes) {
    pass_one();
}
END_TEST

// The largest line, with the largest answer and the largest facts: one message with four frames
// that each are as long as they may be.
START_TEST(the_largest_job_passes_through_with_all_its_bytes) {
    uint8_t *bytes = mem_new(FRAME_BYTES_MAX + 3);
    pass_largest(bytes);
    pass_one();
    mem_free(bytes);
}
END_TEST

// The batch's own row in the ledger: its key, name and tags must be those of the client.
START_TEST(a_batch_is_told_to_the_ledger_with_its_texts) {
    join_all();
    (void)open_batch();
    struct record_item record = next_record("batch");
    ck_assert(bytes_is(record.batch_key, "k") && bytes_is(record.batch_name, "tonight"));
    ck_assert(bytes_is(record.batch_tags, "{\"team\":\"data\"}"));
    ck_assert(bytes_is(record.batch_state, "open"));
    ck_assert_uint_eq(loop->texts.count, 0); // they are in the journal by now
}
END_TEST

// The catalogue goes from the accountant to everybody, also to those who join later.
START_TEST(the_catalogue_reaches_everybody) {
    struct catalogue_head head = {.hash = bytes_text("abc")}, heard;
    struct bytes document = bytes_text("{\"providers\":[]}");
    join_all();
    say(&accountant, KIND_catalogue, &head, document);
    hear(&extractor, KIND_catalogue, &heard);
    ck_assert(bytes_is(heard.hash, "abc"));
    ck_assert(bytes_is(message_frame(&extractor.message, 0), "{\"providers\":[]}"));
    join(&worker, "worker");
    ck_assert(bytes_is(message_frame(&worker.message, 0), "{\"providers\":[]}"));
}
END_TEST

// With half a catalogue, or none under a new name, no worker could call and no answer be read.
START_TEST(a_catalogue_beyond_its_limit_changes_nothing) {
    struct catalogue_head head = {.hash = bytes_text("abc")}, heard;
    uint8_t *large = mem_new(CATALOGUE_BYTES_MAX + 1);
    join_all();
    say(&accountant, KIND_catalogue, &head, bytes_of(large, CATALOGUE_BYTES_MAX));
    hear(&extractor, KIND_catalogue, &heard);
    head.hash = bytes_text("def");
    say(&accountant, KIND_catalogue, &head, bytes_of(large, CATALOGUE_BYTES_MAX + 1));
    settle(&accountant);
    ck_assert_str_eq(loop->catalogue_hash, "abc");
    ck_assert_uint_eq(loop->catalogue.size, CATALOGUE_BYTES_MAX);
    mem_free(large);
}
END_TEST

// Everything comes back from the disk when the broker starts again.
START_TEST(a_restarted_loop_goes_on_where_it_was) {
    join_all();
    put_line(open_batch());
    caller_close(&ingress);
    caller_close(&accountant);
    caller_close(&extractor);
    loop_close(loop);
    mem_free(loop);
    open_loop();
    ck_assert_uint_eq(loop->journal.starts, 2);
    ck_assert_uint_eq(core_counters(loop->core).jobs, 1);
    join_worker();
    struct lease_item lease = take_lease();
    end_lease(&lease);
}
END_TEST

// ---- questions ----------------------------------------------------------------------------------

// Asks as ingress; the answer's JSON, which the caller frees, or NULL.
static json_t *ask(const char *what, const char *arguments, unsigned exit) {
    struct query_head query = {
        .request = 7, .what = bytes_text(what), .arguments = bytes_text(arguments)};
    struct answer_head answer;
    json_t *body = NULL;
    char error[128];
    say(&ingress, KIND_query, &query, NOTHING);
    hear(&ingress, KIND_answer, &answer);
    ck_assert_uint_eq(answer.request, 7);
    ck_assert_uint_eq(answer.exit, exit);
    ck_assert_int_eq(answer.detail.size > 0, exit != 0);
    struct bytes frame = message_frame(&ingress.message, 0);
    if (frame.size > 0)
        ck_assert_int_eq(json_parse(frame, &body, error, sizeof(error)), ERR_OK);
    return body;
}

static const char *text_in(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

// The operator asks what holds a batch back: the answer has to name it.
START_TEST(lanes_and_batches_say_what_they_wait_for) {
    join_all();
    put_line(open_batch());
    json_t *body = ask("lane.list", "{}", 0);
    json_t *lane = json_array_get(json_object_get(body, "lanes"), 0);
    ck_assert_str_eq(text_in(lane, "lane"), "openai/default/m");
    ck_assert_str_eq(text_in(lane, "state"), "open");
    ck_assert_str_eq(text_in(lane, "waits_for"), "no_worker");
    json_decref(body);
    body = ask("batch.live", "{\"batch\":\"ba7c\"}", 0);
    ck_assert_str_eq(text_in(body, "state"), "open");
    ck_assert_int_eq(json_integer_value(json_object_get(body, "jobs")), 1);
    json_t *wait = json_array_get(json_object_get(body, "waits_for"), 0);
    ck_assert_str_eq(text_in(wait, "reason"), "no_worker");
    ck_assert(json_is_true(json_object_get(wait, "needs_person")));
    // Its file may still come, or not: whoever looks has to know.
    wait = json_array_get(json_object_get(body, "waits_for"), 1);
    ck_assert_str_eq(text_in(wait, "reason"), "not_sent");
    json_decref(body);
}
END_TEST

START_TEST(stat_shows_the_whole) {
    join_all();
    put_line(open_batch());
    json_t *body = ask("stat", "", 0);
    ck_assert_int_eq(json_integer_value(json_object_get(body, "jobs_put")), 1);
    ck_assert(json_is_true(json_object_get(body, "simulated")));
    ck_assert_uint_eq(json_array_size(json_object_get(body, "peers")), 3);
    json_t *jobs = json_object_get(body, "jobs");
    ck_assert_int_eq(json_integer_value(json_object_get(jobs, "ready")), 1);
    json_decref(body);
}
END_TEST

// Of a host that is lost the operator wants to know since when, and what it still holds.
START_TEST(stat_has_a_row_a_worker_host) {
    struct hello_head hello = hello_of(&worker, "worker");
    struct welcome_head welcome;
    hello.host = bytes_text("b7");
    join_all();
    ck_assert_int_eq(sock_connect(&worker.sock, endpoint), ERR_OK);
    say(&worker, KIND_hello, &hello, bytes_of(NULL, 0));
    hear(&worker, KIND_welcome, &welcome);
    json_t *body = ask("stat", "", 0);
    json_t *hosts = json_object_get(body, "hosts");
    ck_assert_uint_eq(json_array_size(hosts), 1);
    json_t *host = json_array_get(hosts, 0);
    ck_assert_str_eq(text_in(host, "host"), "b7");
    ck_assert_int_eq(json_integer_value(json_object_get(host, "workers")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(host, "slots")), (json_int_t)hello.slots);
    ck_assert_int_eq(json_integer_value(json_object_get(host, "in_flight")), 0);
    ck_assert(json_is_integer(json_object_get(host, "silent_ms")));
    json_decref(body);
    for (uint32_t i = 1; i <= loop->peers.used; i++)
        if (strcmp(loop->peers.entries[i].host, "b7") == 0)
            loop_forget_peer(loop, i);
    body = ask("stat", "", 0);
    host = json_array_get(json_object_get(body, "hosts"), 0);
    ck_assert_str_eq(text_in(host, "host"), "b7");
    ck_assert_int_eq(json_integer_value(json_object_get(host, "workers")), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(host, "away")), 1);
    json_decref(body);
}
END_TEST

// A pause that is not on the disk ends with the next restart.
START_TEST(a_lane_is_paused_and_resumed_by_its_name) {
    join_all();
    put_line(open_batch());
    json_t *body = ask("lane.pause", "{\"lane\":\"openai/default/m\"}", 0);
    ck_assert_str_eq(text_in(body, "state"), "paused");
    json_decref(body);
    join(&worker, "worker");
    settle(&worker);
    ck_assert_uint_eq(core_counters(loop->core).calls, 0);
    json_decref(ask("lane.resume", "{\"lane\":\"openai/default/m\"}", 0));
    (void)take_lease();
}
END_TEST

START_TEST(a_batch_is_cancelled_by_a_prefix_of_its_id) {
    join_all();
    put_line(open_batch());
    json_t *body = ask("batch.cancel", "{\"batch\":\"ba7c01\"}", 0);
    ck_assert_str_eq(text_in(body, "state"), "cancelled");
    json_decref(body);
    settle(&ingress);
    ck_assert_uint_eq(core_batch(loop->core, 1)->cancelled, 1);
}
END_TEST

// Whole chunks of lines, of which nobody can make a call: there is no worker.
static void put_many(uint64_t batch, uint32_t chunks) {
    struct put_item items[ITEMS_MAX];
    struct bytes lines[ITEMS_MAX];
    for (uint32_t chunk = 0; chunk < chunks; chunk++) {
        struct put_head head = {.request = 2 + chunk,
                                .batch = batch,
                                .first = 1 + chunk * ITEMS_MAX,
                                .last = (chunk + 1) * ITEMS_MAX,
                                .before = core_batch(loop->core, 1)->digest,
                                .after = {{1, (uint8_t)chunk}}};
        for (uint32_t i = 0; i < ITEMS_MAX; i++) {
            items[i] = (struct put_item){.line = head.first + i,
                                         .job_id = {{0x20, (uint8_t)chunk, (uint8_t)i}},
                                         .conversation_id = {{0x20, (uint8_t)chunk, (uint8_t)i}},
                                         .provider = bytes_text("openai"),
                                         .api = bytes_text("openai.chat"),
                                         .key = bytes_text("default"),
                                         .model = bytes_text("m")};
            lines[i] = the_line;
        }
        struct put_stored_head stored;
        say_items(&ingress, KIND_put, &head, items, sizeof(items[0]), ITEMS_MAX, lines);
        hear(&ingress, KIND_put_stored, &stored);
        ck_assert_uint_eq(stored.accepted_through, head.last);
    }
}

// All of a large batch in one transaction would stop the broker for seconds, and its log would
// outgrow the journal's budget.
START_TEST(a_large_batch_is_cancelled_over_several_turns) {
    enum { A_TURN = TICKS_A_TURN * EFFECTS_MAX, CHUNKS = 2 * A_TURN / ITEMS_MAX };
    struct query_head query = {.request = 7,
                               .what = bytes_text("batch.cancel"),
                               .arguments = bytes_text("{\"batch\":\"ba7c01\"}")};
    const struct batch *batch = core_batch(loop->core, 1);
    join_all();
    put_many(open_batch(), CHUNKS);
    say(&ingress, KIND_query, &query, NOTHING);
    for (uint64_t before = 0; before < CHUNKS * ITEMS_MAX; before = batch->cancelled) {
        turn();
        ck_assert_uint_le(batch->cancelled - before, A_TURN);
        ck_assert(batch->cancelled == before || batch->cancelled == CHUNKS * ITEMS_MAX ||
                  loop->has_more);
    }
}
END_TEST

// A question that cannot be answered says why, and with which exit code the client is to end.
START_TEST(wrong_questions_get_a_reason) {
    join_all();
    (void)ask("dreams.list", "{}", EX_USAGE);
    (void)ask("lane.pause", "{\"lane\":\"no/such/lane\"}", EX_UNAVAILABLE);
    (void)ask("batch.live", "{\"batch\":\"00000000\"}", EX_UNAVAILABLE);
    (void)ask("batch.live", "{}", EX_UNAVAILABLE);
    (void)ask("job.live", "{\"job\":\"what\"}", EX_USAGE);
    (void)ask("job.live", "{\"job\":\"00000000-0000-7000-8000-000000000000\"}", EX_UNAVAILABLE);
    (void)ask("stat", "not json", EX_DATAERR);
}
END_TEST

static void open_all(void) {
    pass_small();
    callers_open();
}

int main(void) {
    RUN_TESTS("passage", open_all, callers_close, a_job_passes_through_with_all_its_bytes,
              the_largest_job_passes_through_with_all_its_bytes,
              a_catalogue_beyond_its_limit_changes_nothing,
              a_batch_is_told_to_the_ledger_with_its_texts, the_catalogue_reaches_everybody,
              a_restarted_loop_goes_on_where_it_was, lanes_and_batches_say_what_they_wait_for,
              stat_shows_the_whole, stat_has_a_row_a_worker_host,
              a_lane_is_paused_and_resumed_by_its_name, a_batch_is_cancelled_by_a_prefix_of_its_id,
              a_large_batch_is_cancelled_over_several_turns, wrong_questions_get_a_reason);
}
