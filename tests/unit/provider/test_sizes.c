// Answers just below their limits, at them and just beyond, over real HTTP: what fits arrives
// whole; what does not is an end of its own, with the first bytes kept, and fits the message in
// which the worker hands it over.
#include "api.h"
#include "http_server.h"

#include "common/clock.h"
#include "common/mem.h"
#include "workers/provider/classify.h"
#include "workers/provider/ends.h"

#include <stdio.h>
#include <stdlib.h>

enum { LIMIT_MS = 60 * 1000, SMALL_HEAD = 200 };

static const struct transfer_limits limits = {.connect_ms = 30 * 1000,
                                              .stall_ms = 30 * 1000,
                                              .head_bytes_max = ANSWER_HEADERS_BYTES_MAX,
                                              .answer_bytes_max = ANSWER_BYTES_MAX};
static struct curl_slist lines = {.data = (char *)(uintptr_t) "Expect:"};
static struct server *server;
static struct transfers *transfers;
static struct catalogue *catalogue;
static const struct provider_api *api;
static struct json_scan scan;

static void set_up(void) {
    catalogue = api_catalogue();
    api = catalogue_api(catalogue, bytes_text("openai"), bytes_text("chat"));
    server = server_open();
    server_run(server);
    transfers = transfers_new(1, &limits);
    json_scan_init(&scan);
}

static void tear_down(void) {
    transfers_free(transfers);
    json_scan_release(&scan);
    catalogue_free(catalogue);
    ck_assert_int_eq(mem_held(), 0);
}

static struct transfer *call(size_t head, size_t body, const char *how) {
    char name[64];
    struct transfer *transfer = transfers_take(transfers), *ended;
    (void)snprintf(name, sizeof(name), "sized/%zu/%zu%s", head, body, how);
    buf_text(&transfer->request, "{}");
    transfer->url = server_url(server, name);
    transfer->headers = &lines;
    transfer->may_be_private = transfer->may_be_plain = true;
    transfer_start(transfer, LIMIT_MS);
    while (!(ended = transfers_next(transfers))) {
        (void)transfers_wait(transfers, 1000);
        struct moment now = clock_now();
        transfers_turn(transfers, now.mono_ms, now.wall_ms);
    }
    return ended;
}

static struct verdict judge(struct transfer *transfer) {
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
    classify(api, adapter_for(api->shape), &outcome, &scan, &verdict);
    return verdict;
}

static void assert_too_large(struct transfer *transfer) {
    struct verdict verdict = judge(transfer);
    ck_assert_str_eq(verdict.ended, "failed");
    ck_assert_str_eq(verdict.reason, "too_large");
    ck_assert(transfer->has_left); // so it counts as possibly billed
}

static size_t beside(size_t limit, int by) {
    return by < 0 ? limit - 1 : limit + (size_t)by;
}

// An answer that was paid for must not be lost for one byte, and one that fits nowhere must not
// be taken in.
START_TEST(a_body_fits_to_the_byte) {
    static const char *const ways[] = {"", "/chunked"};
    for (size_t way = 0; way < 2; way++)
        for (int by = -1; by <= 1; by++) {
            struct transfer *transfer = call(SMALL_HEAD, beside(ANSWER_BYTES_MAX, by), ways[way]);
            if (by > 0) {
                assert_too_large(transfer);
                ck_assert_uint_eq(transfer->answer.size, ANSWER_BYTES_MAX);
            } else {
                ck_assert_int_eq(judge(transfer).class, CLASS_success);
                ck_assert_uint_eq(transfer->answer.size, beside(ANSWER_BYTES_MAX, by));
            }
            transfer_give(transfer);
        }
}
END_TEST

START_TEST(a_head_fits_to_the_byte) {
    for (int by = -1; by <= 1; by++) {
        struct transfer *transfer = call(beside(ANSWER_HEADERS_BYTES_MAX, by), 100, "");
        if (by > 0)
            assert_too_large(transfer);
        else
            ck_assert_int_eq(judge(transfer).class, CLASS_success);
        ck_assert_uint_eq(transfer->head.size,
                          (size_t)(ANSWER_HEADERS_BYTES_MAX + (by < 0 ? by : 0)));
        transfer_give(transfer);
    }
}
END_TEST

// The largest answer of all is handed over in one message, with its frames within theirs.
START_TEST(the_largest_end_fits_its_message) {
    struct transfer *transfer = call(ANSWER_HEADERS_BYTES_MAX, ANSWER_BYTES_MAX, "");
    ck_assert_int_eq(judge(transfer).class, CLASS_success);
    struct peer *peer = mem_new(sizeof(*peer));
    struct ends *ends = mem_new(sizeof(*ends));
    struct held *batch[ITEMS_MAX];
    struct lease_item lease = {.job = 1, .call = {{1}}, .attempt = 1};
    peer_init(peer, (struct id){{1}});
    ends_init(ends, peer, "worker");
    const struct ending ending = {.ended = "answered",
                                  .class = "success",
                                  .reason = "",
                                  .detail = "",
                                  .status = 200,
                                  .head = buf_bytes(&transfer->head),
                                  .body = buf_bytes(&transfer->answer)};
    ends_finish(ends, ends_take(ends, &lease, ""), &ending);
    ck_assert_uint_eq(ends_batch(ends, 1, batch), 1); // beyond the soft limit: alone
    ck_assert_uint_le(batch[0]->head.size, FRAME_BYTES_MAX);
    ck_assert_uint_le(batch[0]->body.size, FRAME_BYTES_MAX);
    ck_assert(bytes_equal(batch[0]->body, buf_bytes(&transfer->answer)));
    ends_release(ends);
    mem_free(ends);
    mem_free(peer);
    transfer_give(transfer);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sizes");
    TCase *sizes = tcase_create("answers");
    tcase_add_checked_fixture(sizes, set_up, tear_down);
    tcase_set_timeout(sizes, 300);
    tcase_add_test(sizes, a_body_fits_to_the_byte);
    tcase_add_test(sizes, a_head_fits_to_the_byte);
    tcase_add_test(sizes, the_largest_end_fits_its_message);
    suite_add_tcase(suite, sizes);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
