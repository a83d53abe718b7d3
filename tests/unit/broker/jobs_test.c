// What people ask and decide about single jobs, over the broker's real loop and journal.
#include "common/id.h"
#include "common/json.h"
#include "common/mem.h"
#include "tests/unit/broker/callers.h"
#include "tests/unit/broker/run.h"

#include <jansson.h>
#include <stdio.h>
#include <sysexits.h>

enum { DEAD = 3 };

static const struct bytes NOTHING = {NULL, 0};
static uint64_t batch;

static void open_batch(void) {
    struct open_head open = {.request = 1,
                             .key = bytes_text("k"),
                             .batch_id = {{0xba, 0x7c, 0x01}},
                             .billed = bytes_text("park"),
                             .unanswered = bytes_text("skip")};
    struct key_ask_head ask;
    struct opened_head opened;
    say(&ingress, KIND_open, &open, NOTHING);
    hear(&accountant, KIND_key_ask, &ask);
    struct key_known_head known = {.boot = ask.boot, .batch = ask.batch};
    say(&accountant, KIND_key_known, &known, NOTHING);
    hear(&ingress, KIND_opened, &opened);
    batch = opened.batch;
}

static void put_line(uint64_t line) {
    char name[16];
    struct put_head head = {.request = 2,
                            .batch = batch,
                            .first = line,
                            .last = line,
                            .before = core_batch(loop->core, 1)->digest,
                            .after = {{(uint8_t)line}}};
    (void)snprintf(name, sizeof(name), "line-%u", (unsigned)line);
    struct put_item item = {.line = line,
                            .job_id = {{0x10, (uint8_t)line}},
                            .conversation_id = {{0x10, (uint8_t)line}},
                            .custom_id = bytes_text(name),
                            .provider = bytes_text("openai"),
                            .api = bytes_text("openai.chat"),
                            .key = bytes_text("default"),
                            .model = bytes_text("m"),
                            .cost_max_pusd = 42};
    struct put_stored_head stored;
    struct bytes raw = bytes_text("{}");
    say_item(&ingress, KIND_put, &head, &item, &raw);
    hear(&ingress, KIND_put_stored, &stored);
    ck_assert_uint_eq(stored.reason.size, 0);
}

// The next lease, refused by the provider for good.
static void refuse_lease(void) {
    struct lease_head lease_head;
    struct lease_item lease;
    hear_item(&worker, KIND_lease, &lease_head, &lease);
    struct end_head head = {.boot = loop->boot, .process = worker.process};
    struct end_item item = {.job = lease.job,
                            .job_id = lease.job_id,
                            .batch_id = lease.batch_id,
                            .conversation_id = lease.conversation_id,
                            .turn = lease.turn,
                            .line = lease.line,
                            .provider = lease.provider,
                            .api = lease.api,
                            .key = lease.key,
                            .model = lease.model,
                            .attempt = lease.attempt,
                            .call = lease.call,
                            .ended = bytes_text("answered"),
                            .class = bytes_text("permanent"),
                            .reason = bytes_text("http_400"),
                            .status = 400,
                            .digest = {{9, (uint8_t)lease.line}}};
    struct end_stored_head stored_head;
    struct end_stored_item stored;
    struct bytes frames[2] = {bytes_text(""), bytes_text("{}")};
    say_item(&worker, KIND_end, &head, &item, frames);
    hear_item(&worker, KIND_end_stored, &stored_head, &stored);
}

static void join_worker(void) {
    join(&worker, "worker");
    struct heartbeat_head heartbeat = {.boot = loop->boot, .process = worker.process};
    say(&worker, KIND_heartbeat, &heartbeat, NOTHING);
}

// A batch with DEAD dead jobs, lines 1 to DEAD.
static void setup(void) {
    callers_open();
    join(&ingress, "ingress");
    join(&accountant, "accountant");
    open_batch();
    join_worker();
    for (uint64_t line = 1; line <= DEAD; line++) {
        put_line(line);
        refuse_lease();
    }
}

static json_t *ask(const char *what, const char *arguments, unsigned exit) {
    struct query_head query = {
        .request = 7, .what = bytes_text(what), .arguments = bytes_text(arguments)};
    struct answer_head answer;
    json_t *body = NULL;
    char error[128];
    say(&ingress, KIND_query, &query, NOTHING);
    hear(&ingress, KIND_answer, &answer);
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

static int64_t number_in(const json_t *object, const char *name) {
    ck_assert(json_is_integer(json_object_get(object, name)));
    return json_integer_value(json_object_get(object, name));
}

static char *of_job(uint64_t line, const char *rest) {
    static char text[128];
    struct id id = {{0x10, (uint8_t)line}};
    char uuid[UUID_TEXT_SIZE];
    uuid_text(id, uuid);
    (void)snprintf(text, sizeof(text), "{\"job\":\"%s\"%s}", uuid, rest);
    return text;
}

static enum job_state state_of(uint64_t line) {
    return (enum job_state)core_job(loop->core, (uint32_t)line)->state;
}

START_TEST(the_dead_are_listed_page_by_page_with_their_names) {
    json_t *first = ask("dead.list", "{\"limit\":2}", 0), *list = json_object_get(first, "dead");
    ck_assert_uint_eq(json_array_size(list), 2);
    ck_assert_str_eq(text_in(json_array_get(list, 0), "custom_id"), "line-1");
    ck_assert_str_eq(text_in(json_array_get(list, 0), "reason"), "permanent_error");
    ck_assert(json_is_null(json_object_get(json_array_get(list, 0), "conversation")));
    char arguments[64];
    (void)snprintf(arguments, sizeof(arguments), "{\"after\":\"%s\"}", text_in(first, "next"));
    json_t *second = ask("dead.list", arguments, 0);
    list = json_object_get(second, "dead");
    ck_assert_uint_eq(json_array_size(list), 1);
    ck_assert_str_eq(text_in(json_array_get(list, 0), "custom_id"), "line-3");
    ck_assert(json_is_null(json_object_get(second, "next")));
    json_decref(first);
    json_decref(second);
    first = ask("dead.list", "{\"reason\":\"attempts_used\"}", 0);
    ck_assert_uint_eq(json_array_size(json_object_get(first, "dead")), 0);
    json_decref(first);
}
END_TEST

START_TEST(a_dry_run_decides_nothing) {
    json_t *body = ask("dead.retry", "{\"batch\":\"ba7c\",\"dry_run\":true}", 0);
    ck_assert_int_eq(number_in(body, "taken"), DEAD);
    json_decref(body);
    body = ask("dead.drop", "{\"batch\":\"ba7c\",\"dry_run\":true}", 0);
    ck_assert_int_eq(number_in(body, "taken"), DEAD);
    json_decref(body);
    for (uint64_t line = 1; line <= DEAD; line++)
        ck_assert_int_eq(state_of(line), JOB_DEAD);
}
END_TEST

// At the rate that was given, and that is still known after a restart.
START_TEST(retries_are_spread_over_time) {
    json_t *body =
        ask("dead.retry", "{\"batch\":\"ba7c\",\"interval_us\":50000000,\"before\":1}", 0);
    ck_assert_int_eq(number_in(body, "taken"), DEAD);
    json_decref(body);
    for (uint64_t line = 1; line <= DEAD; line++) {
        ck_assert_int_eq(state_of(line), JOB_DELAYED);
        ck_assert_uint_eq(core_job(loop->core, (uint32_t)line)->delay_ms, line * 50000);
    }
    caller_close(&ingress);
    caller_close(&accountant);
    caller_close(&worker);
    loop_close(loop);
    mem_free(loop);
    open_loop();
    ck_assert_int_eq(state_of(DEAD), JOB_DELAYED);
    ck_assert_uint_eq(core_batch(loop->core, 1)->revived, DEAD);
    // The policies of the batch come back as well.
    ck_assert_int_eq(core_batch(loop->core, 1)->unanswered, UNANSWERED_skip);
    ck_assert_int_eq(core_batch(loop->core, 1)->billed, BILLED_park);
}
END_TEST

START_TEST(one_job_is_retried_by_its_id) {
    struct lease_head head;
    struct lease_item lease;
    json_decref(ask("dead.retry", of_job(2, ""), 0));
    hear_item(&worker, KIND_lease, &head, &lease);
    ck_assert_uint_eq(lease.line, 2);
    ck_assert_uint_eq(lease.attempt, 2);
    json_t *body = ask("dead.retry", of_job(2, ""), 0);
    ck_assert_int_eq(number_in(body, "taken"), 0);
    ck_assert_int_eq(number_in(body, "refused_count"), 1);
    json_t *refusal = json_array_get(json_object_get(body, "refused"), 0);
    ck_assert_str_eq(text_in(refusal, "code"), "not_dead");
    json_decref(body);
}
END_TEST

START_TEST(a_dropped_job_is_no_longer_listed) {
    json_decref(ask("dead.drop", of_job(1, ""), 0));
    ck_assert_int_eq(state_of(1), JOB_ENDED);
    json_t *body = ask("dead.list", "{\"batch\":\"ba7c\"}", 0);
    ck_assert_uint_eq(json_array_size(json_object_get(body, "dead")), DEAD - 1);
    json_decref(body);
    json_decref(ask("dead.show", of_job(1, ""), EX_DATAERR));
    body = ask("dead.show", of_job(2, ""), 0);
    ck_assert_int_eq(number_in(body, "behind"), 0);
    ck_assert(json_is_null(json_object_get(body, "refused")));
    json_decref(body);
}
END_TEST

// A name that is empty or missing must never mean all of them.
START_TEST(a_decision_about_nothing_in_particular_is_refused) {
    json_decref(ask("dead.retry", "{}", EX_USAGE));
    json_decref(ask("dead.retry", "{\"job\":\"\"}", EX_USAGE));
    json_decref(ask("dead.drop", "{\"batch\":\"\"}", EX_USAGE));
    json_decref(ask("dead.drop", "{\"batch\":\"ffff\"}", EX_UNAVAILABLE));
    json_decref(ask("dead.list", "{\"batch\":\"ffff\"}", EX_UNAVAILABLE));
    ck_assert_int_eq(state_of(1), JOB_DEAD);
}
END_TEST

// The answer would be malformed, and who asked would hear nothing.
START_TEST(what_is_not_there_is_named_in_whole_characters) {
    json_decref(
        ask("batch.live", "{\"batch\":\"会会会会会会会会会会会会会会会会\"}", EX_UNAVAILABLE));
    json_decref(
        ask("job.cancel", "{\"job\":\"x会会会会会会会会会会会会会会会会会会会会会\"}", EX_USAGE));
}
END_TEST

START_TEST(a_job_is_cancelled_by_its_id) {
    struct lease_head head;
    struct lease_item lease;
    put_line(DEAD + 1);
    hear_item(&worker, KIND_lease, &head, &lease);
    json_t *body = ask("job.cancel", of_job(DEAD + 1, ""), 0);
    ck_assert_str_eq(text_in(body, "state"), "aborting");
    json_decref(body);
    json_decref(ask("job.cancel", of_job(1, ""), EX_DATAERR));
    json_decref(ask("job.cancel", of_job(99, ""), EX_UNAVAILABLE));
}
END_TEST

START_TEST(a_batch_shows_its_policies_and_what_it_keeps) {
    json_t *body = ask("batch.live", "{\"batch\":\"ba7c\"}", 0);
    ck_assert_str_eq(text_in(body, "billed"), "park");
    ck_assert_str_eq(text_in(body, "unanswered"), "skip");
    ck_assert_int_eq(number_in(json_object_get(body, "counts"), "kept"), DEAD);
    ck_assert_int_eq(number_in(json_object_get(body, "counts"), "revived"), 0);
    json_decref(body);
}
END_TEST

int main(void) {
    RUN_TESTS("jobs", setup, callers_close, the_dead_are_listed_page_by_page_with_their_names,
              a_dry_run_decides_nothing, retries_are_spread_over_time, one_job_is_retried_by_its_id,
              a_dropped_job_is_no_longer_listed, a_decision_about_nothing_in_particular_is_refused,
              what_is_not_there_is_named_in_whole_characters, a_job_is_cancelled_by_its_id,
              a_batch_shows_its_policies_and_what_it_keeps);
}
