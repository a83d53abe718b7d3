// Questions that two processes answer, of which one may be silent.
#include "common/json.h"
#include "workers/ingress/questions.h"

#include <check.h>
#include <stdlib.h>
#include <sysexits.h>

static struct questions questions;
static struct buf document;
static struct answer_head head;
static const struct route client = {.at = {1, 2}, .size = 2};

static void set_up(void) {
    questions_init(&questions);
    buf_init(&document, FRAME_BYTES_MAX);
}

static void tear_down(void) {
    questions_release(&questions);
    buf_release(&document);
}

static enum err ask(const char *what) {
    struct query_head query = {
        .request = 77, .what = bytes_text(what), .arguments = bytes_text("{\"batch\":\"b\"}")};
    return questions_add(&questions, &client, &query, 1000);
}

// Sends what there is to one source; its number, 0 if there is nothing.
static uint64_t send_to(enum source source, const char *what) {
    struct query_head query;
    bool *sent;
    if (!questions_next(&questions, source, &query, &sent))
        return 0;
    ck_assert(bytes_is(query.what, what));
    ck_assert(bytes_is(query.arguments, "{\"batch\":\"b\"}"));
    *sent = true;
    return query.request;
}

static void answer(enum source source, uint64_t number, int exit_code, const char *text) {
    struct answer_head from = {
        .request = number, .exit = (uint64_t)exit_code, .detail = bytes_text("no such batch")};
    questions_answer(&questions, source, &from, bytes_text(exit_code ? "" : text));
}

static bool is_ready(uint64_t now_ms) {
    struct route to;
    bool is_there =
        questions_ready(&questions, now_ms, bytes_text("{\"own\":1}"), &to, &head, &document);
    if (is_there) {
        ck_assert_uint_eq(head.request, 77);
        ck_assert_uint_eq(to.size, 2);
        ck_assert(head.exit != 0 || json_is_complete(buf_bytes(&document)));
    }
    return is_there;
}

// What was asked over a connection that was gone is asked again over the next, what is answered is
// not, and the answer may come to either.
START_TEST(what_may_be_lost_is_asked_again) {
    ck_assert_int_eq(ask("batch.show"), ERR_OK);
    uint64_t number = send_to(SOURCE_accountant, "batch.show");
    ck_assert_uint_gt(number, 0);
    ck_assert_uint_eq(send_to(SOURCE_accountant, "batch.show"), 0);
    questions_again(&questions, SOURCE_accountant);
    ck_assert_uint_eq(send_to(SOURCE_accountant, "batch.show"), number);
    answer(SOURCE_accountant, number, 0, "{}");
    questions_again(&questions, SOURCE_accountant);
    ck_assert_uint_eq(send_to(SOURCE_accountant, "batch.show"), 0);
}
END_TEST

// A page about a batch that says nothing of what is going on now misleads its reader.
START_TEST(history_and_the_live_state_become_one_answer) {
    ck_assert_int_eq(ask("batch.show"), ERR_OK);
    uint64_t number = send_to(SOURCE_accountant, "batch.show");
    ck_assert_uint_eq(send_to(SOURCE_broker, "batch.live"), number);
    ck_assert_uint_eq(send_to(SOURCE_broker, ""), 0);
    answer(SOURCE_accountant, number, 0, "{\"batch\":\"b\"}\n");
    ck_assert(!is_ready(1001));
    answer(SOURCE_broker, number, 0, "{\"lines\":5}");
    ck_assert(is_ready(1002));
    ck_assert_str_eq(buf_cstr(&document), "{\"batch\":\"b\",\"live\":{\"lines\":5},\"silent\":[]}");
    ck_assert(!is_ready(9000));
}
END_TEST

// A settled batch is the ledger's alone, a fresh one the broker's: neither is an error.
START_TEST(one_side_that_knows_nothing_leaves_the_others_word) {
    ck_assert_int_eq(ask("batch.show"), ERR_OK);
    uint64_t number = send_to(SOURCE_accountant, "batch.show");
    (void)send_to(SOURCE_broker, "batch.live");
    answer(SOURCE_broker, number, EX_UNAVAILABLE, "");
    answer(SOURCE_accountant, number, 0, "{}");
    ck_assert(is_ready(1001));
    ck_assert_str_eq(buf_cstr(&document), "{\"live\":null,\"silent\":[]}");
    ck_assert_int_eq(ask("batch.show"), ERR_OK);
    number = send_to(SOURCE_accountant, "batch.show");
    (void)send_to(SOURCE_broker, "batch.live");
    answer(SOURCE_accountant, number, EX_NOINPUT, "");
    answer(SOURCE_broker, number, 0, "{\"lines\":5}");
    ck_assert(is_ready(1001));
    ck_assert_uint_eq(head.exit, 0);
    ck_assert_str_eq(buf_cstr(&document), "{\"live\":{\"lines\":5},\"silent\":[]}");
    ck_assert_int_eq(ask("batch.show"), ERR_OK);
    number = send_to(SOURCE_accountant, "batch.show");
    (void)send_to(SOURCE_broker, "batch.live");
    answer(SOURCE_broker, number, EX_UNAVAILABLE, "");
    answer(SOURCE_accountant, number, EX_NOINPUT, "");
    ck_assert(is_ready(1001));
    ck_assert_uint_eq(head.exit, EX_NOINPUT);
    ck_assert(bytes_is(head.detail, "no such batch"));
}
END_TEST

// Who waits for a dead process must be told, not left waiting.
START_TEST(a_silent_process_is_named_when_the_time_is_over) {
    ck_assert_int_eq(ask("stat"), ERR_OK);
    uint64_t number = send_to(SOURCE_accountant, "stat");
    answer(SOURCE_accountant, number, 0, "{\"accountant\":{\"x\":1}}");
    ck_assert(!is_ready(1000 + QUERY_LIMIT_MS - 1));
    ck_assert_int_eq(questions_rest_ms(&questions, 1000 + QUERY_LIMIT_MS - 1), 1);
    ck_assert(is_ready(1000 + QUERY_LIMIT_MS));
    ck_assert_str_eq(buf_cstr(&document), "{\"broker\":null,\"accountant\":{\"x\":1},"
                                          "\"ingress\":{\"own\":1},\"silent\":[\"broker\"]}");
    ck_assert_int_eq(ask("cost.report"), ERR_OK);
    ck_assert(is_ready(1000 + QUERY_LIMIT_MS));
    ck_assert_uint_eq(head.exit, EX_UNAVAILABLE);
    // Its answer comes too late and belongs to nothing.
    answer(SOURCE_broker, number, 0, "{}");
    ck_assert(!is_ready(9000));
    ck_assert_int_eq(questions_rest_ms(&questions, 9000), -1);
}
END_TEST

// An unknown question must be refused at once; too many must not take memory.
START_TEST(strange_and_too_many_questions_are_refused) {
    ck_assert_int_eq(ask("batch.delete_everything"), ERR_NOT_FOUND);
    for (int i = 0; i < QUERIES_MAX; i++)
        ck_assert_int_eq(ask("find"), ERR_OK);
    ck_assert_int_eq(ask("find"), ERR_FULL);
}
END_TEST

// The broker knows only some of the batches that a part of an id may mean.
START_TEST(what_the_ledger_finds_several_of_is_not_chosen_by_the_broker) {
    ck_assert_int_eq(ask("batch.show"), ERR_OK);
    uint64_t number = send_to(SOURCE_accountant, "batch.show");
    ck_assert_uint_eq(send_to(SOURCE_broker, "batch.live"), number);
    answer(SOURCE_broker, number, 0, "{\"batch\":\"b1\"}");
    answer(SOURCE_accountant, number, EX_DATAERR, "");
    ck_assert(is_ready(2000));
    ck_assert_uint_eq(head.exit, EX_DATAERR);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("questions");
    TCase *all = tcase_create("questions");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, what_may_be_lost_is_asked_again);
    tcase_add_test(all, history_and_the_live_state_become_one_answer);
    tcase_add_test(all, one_side_that_knows_nothing_leaves_the_others_word);
    tcase_add_test(all, a_silent_process_is_named_when_the_time_is_over);
    tcase_add_test(all, strange_and_too_many_questions_are_refused);
    tcase_add_test(all, what_the_ledger_finds_several_of_is_not_chosen_by_the_broker);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
