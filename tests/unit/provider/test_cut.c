// Answers that were cut on their way, over real HTTP: whatever the way in which a connection loses
// the rest, and wherever, half an answer is never a success. A body whose missing bytes are all
// blanks is whole if nothing stated its length, and cut if something did.
#include "api.h"
#include "bodies.h"
#include "http_server.h"

#include "common/clock.h"
#include "common/mem.h"
#include "workers/provider/classify.h"

#include <stdio.h>
#include <stdlib.h>

enum { AT_ONCE = 32, LIMIT_MS = 60 * 1000, URL_SIZE = 96 };

static const struct transfer_limits limits = {.connect_ms = 30 * 1000,
                                              .stall_ms = 30 * 1000,
                                              .head_bytes_max = 16 << 10,
                                              .answer_bytes_max = 64 << 10};
static struct curl_slist close_line = {.data = (char *)(uintptr_t) "Connection: close"};
static struct curl_slist lines = {.data = (char *)(uintptr_t) "Expect:", .next = &close_line};
static struct server *server;
static struct transfers *transfers;
static struct catalogue *catalogue;
static struct json_scan scan;

// A request that is under way.
static struct cut {
    size_t size; // of what is sent of the body
    char url[URL_SIZE];
} cuts[AT_ONCE];

static void set_up(void) {
    catalogue = api_catalogue();
    server = server_open();
    server_run(server);
    transfers = transfers_new(AT_ONCE, &limits);
    json_scan_init(&scan);
}

static void tear_down(void) {
    transfers_free(transfers);
    json_scan_release(&scan);
    catalogue_free(catalogue);
    ck_assert_int_eq(mem_held(), 0);
}

static struct verdict judge(const struct sample_body *body, struct transfer *transfer) {
    const struct provider_api *api =
        catalogue_api(catalogue, bytes_text(body->provider), bytes_text(body->api));
    const struct outcome outcome = {
        .end = transfer->end,
        .http_end = transfer->http_end,
        .status = transfer->status,
        .has_left = transfer->has_left,
        .head = buf_bytes(&transfer->head),
        .body = buf_bytes(&transfer->answer),
        .words = transfer->easy.error,
        .now_ms = 1763805600000,
    };
    struct verdict verdict;
    ck_assert_ptr_nonnull(api);
    classify(api, adapter_for(api->shape), &outcome, &scan, &verdict);
    return verdict;
}

// The bytes of a body up to and with the last one that is no blank.
static size_t size_without_blanks(const char *text) {
    size_t size = strlen(text);
    while (size > 0 && strchr(" \t\r\n", text[size - 1]))
        size--;
    return size;
}

static void begin(struct cut *cut, const char *way, size_t size) {
    struct transfer *transfer = transfers_take(transfers);
    ck_assert_ptr_nonnull(transfer);
    cut->size = size;
    (void)snprintf(cut->url, sizeof(cut->url), "http://127.0.0.1:%u/given/%s/%zu", server->port,
                   way, size);
    buf_text(&transfer->request, "{}");
    transfer->owner = cut;
    transfer->url = cut->url;
    transfer->headers = &lines;
    transfer->may_be_private = transfer->may_be_plain = true;
    transfer_start(transfer, LIMIT_MS);
}

// One that has ended: what it must be.
static void check(const struct sample_body *body, const char *way, struct transfer *transfer) {
    const struct cut *cut = transfer->owner;
    struct verdict verdict = judge(body, transfer);
    bool states_length = strcmp(way, "close") != 0;
    bool is_whole = cut->size >= size_without_blanks(body->text) && !states_length;
    const char *class = call_class_name(verdict.class);
    ck_assert_msg((verdict.class == CLASS_success) == (is_whole && body->is_success),
                  "%s, %s, %zu bytes: %s", body->name, way, cut->size, class);
    ck_assert_msg(transfer->has_left, "%s, %s, %zu bytes", body->name, way, cut->size);
    if (states_length) // the missing part is noticed whatever it holds
        ck_assert_msg(
            strcmp(verdict.ended, "failed") == 0 && strcmp(verdict.reason, "truncated") == 0,
            "%s, %s, %zu bytes: %s %s", body->name, way, cut->size, verdict.ended, verdict.reason);
    // What came is kept as evidence, to the last byte.
    ck_assert_uint_eq(transfer->answer.size, cut->size);
    if (cut->size > 0)
        ck_assert_mem_eq(transfer->answer.at, body->text, cut->size);
}

// Each offset of the body, AT_ONCE at a time.
static void cut_everywhere(const struct sample_body *body, const char *way) {
    size_t size = strlen(body->text), next = 0, ended = 0;
    struct cut *free_cuts[AT_ONCE];
    unsigned free_count = 0;
    server->given = body->text;
    server->given_size = size;
    for (unsigned i = 0; i < AT_ONCE; i++)
        free_cuts[free_count++] = &cuts[i];
    // Over the whole body a stated length is kept: the last cut is the one before its end.
    size_t offsets = strcmp(way, "length") == 0 ? size : size + 1;
    while (ended < offsets) {
        while (free_count > 0 && next < offsets)
            begin(free_cuts[--free_count], way, next++);
        (void)transfers_wait(transfers, 1000);
        struct moment now = clock_now();
        transfers_turn(transfers, now.mono_ms, now.wall_ms);
        for (struct transfer *transfer; (transfer = transfers_next(transfers)); ended++) {
            check(body, way, transfer);
            free_cuts[free_count++] = transfer->owner;
            transfer_give(transfer);
        }
    }
}

// A provider's connection dies in the middle of an answer: half of it in a result, or its half of
// the counters in a sum, would be wrong without anybody seeing it.
START_TEST(a_body_that_is_cut_anywhere_is_no_success) {
    static const char *const ways[] = {"length", "chunked", "close"};
    for (size_t i = 0; bodies[i].name; i++)
        for (size_t k = 0; k < 3; k++)
            cut_everywhere(&bodies[i], ways[k]);
}
END_TEST

// The bodies are what they are said to be, else the cuts would prove nothing.
START_TEST(a_body_that_is_whole_is_judged_by_what_it_says) {
    unsigned successes = 0;
    for (size_t i = 0; bodies[i].name; i++) {
        server->given = bodies[i].text;
        server->given_size = strlen(bodies[i].text);
        begin(&cuts[0], "close", server->given_size);
        struct transfer *transfer = NULL;
        while (!(transfer = transfers_next(transfers))) {
            (void)transfers_wait(transfers, 1000);
            struct moment now = clock_now();
            transfers_turn(transfers, now.mono_ms, now.wall_ms);
        }
        struct verdict verdict = judge(&bodies[i], transfer);
        ck_assert_str_eq(verdict.ended, "answered");
        ck_assert_int_eq(verdict.class == CLASS_success, bodies[i].is_success);
        successes += bodies[i].is_success;
        transfer_give(transfer);
    }
    ck_assert_uint_ge(successes, 9);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cut answers");
    TCase *cut = tcase_create("over HTTP");
    tcase_add_checked_fixture(cut, set_up, tear_down);
    tcase_set_timeout(cut, 600);
    tcase_add_test(cut, a_body_that_is_whole_is_judged_by_what_it_says);
    tcase_add_test(cut, a_body_that_is_cut_anywhere_is_no_success);
    suite_add_tcase(suite, cut);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
