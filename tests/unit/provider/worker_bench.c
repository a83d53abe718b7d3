// How fast a worker's transfers are, beside the plainest loop that curl's multi_socket allows:
// the same calls, the same server, one after the other. Not a test.
//
//   worker-bench URL [CALLS [CONCURRENCY [ROUNDS]]]    calls/s, CPU a call, and the ratio
//   worker-bench --hold URL COUNT                       memory of that many calls in flight
//
// URL is a server that answers POSTs, such as tests/provider-sim.

#include "common/clock.h"
#include "workers/provider/transfer.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define BODY                                                                                   \
    "{\"model\":\"gpt-5-nano\",\"messages\":[{\"role\":\"user\",\"content\":\"How many calls " \
    "does one worker make in a second, if it does nothing else but that?\"}]}"

struct figures {
    double calls_per_s;
    double cpu_us;
};

static char json_line[] = "Content-Type: application/json";
static char expect_line[] = "Expect:";
static char key_line[] = "Authorization: Bearer sk-bench";
static struct curl_slist lines[] = {
    {json_line, &lines[1]}, {expect_line, &lines[2]}, {key_line, NULL}};

static struct figures figures_since(struct moment start, uint64_t start_cpu_us, unsigned calls) {
    double ms = (double)(clock_now().mono_ms - start.mono_ms);
    return (struct figures){.calls_per_s = calls * 1000.0 / (ms > 0 ? ms : 1),
                            .cpu_us = (double)(clock_cpu_us() - start_cpu_us) / calls};
}

static _Noreturn void give_up(const char *why) {
    (void)fprintf(stderr, "worker-bench: %s\n", why);
    exit(1);
}

// ---- the bare loop ------------------------------------------------------------------------------

// NOLINTNEXTLINE(readability-non-const-parameter): the types are curl's
static size_t bare_take(char *at, size_t size, size_t count, void *data) {
    (void)at;
    *(size_t *)data += size * count;
    return size * count;
}

static int bare_socket(CURL *curl, curl_socket_t fd, int what, void *data, void *known) {
    (void)curl;
    CURLM *multi = ((void **)data)[0];
    int epoll_fd = *(int *)((void **)data)[1];
    struct epoll_event event = {.data.fd = fd};
    event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0u) |
                   (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0u);
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    (void)epoll_ctl(epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    (void)curl_multi_assign(multi, fd, data);
    return 0;
}

static int bare_timer(CURLM *multi, long ms, void *data) {
    (void)multi;
    *(long *)data = ms;
    return 0;
}

static CURL *bare_easy(const char *url, size_t *received) {
    CURL *easy = curl_easy_init();
    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, BODY);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(BODY));
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, bare_take);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, received);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    return easy;
}

static struct figures run_bare(const char *url, unsigned calls, unsigned concurrency) {
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC), running = 0, waiting = 0;
    long timer_ms = -1;
    size_t received = 0;
    unsigned begun = 0, ended = 0;
    CURLM *multi = curl_multi_init();
    void *context[2] = {multi, &epoll_fd};
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, bare_socket);
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, bare_timer);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERDATA, &timer_ms);
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)concurrency);
    struct moment start = clock_now();
    uint64_t cpu_us = clock_cpu_us();
    for (; begun < concurrency && begun < calls; begun++)
        (void)curl_multi_add_handle(multi, bare_easy(url, &received));
    while (ended < calls) {
        struct epoll_event events[256];
        int count = epoll_wait(epoll_fd, events, 256, (int)timer_ms);
        for (int i = 0; i < count; i++)
            (void)curl_multi_socket_action(multi, events[i].data.fd, 0, &running);
        if (count == 0 || timer_ms == 0)
            (void)curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        CURLMsg *message;
        while ((message = curl_multi_info_read(multi, &waiting))) {
            CURL *easy = message->easy_handle;
            if (message->data.result != CURLE_OK)
                give_up(curl_easy_strerror(message->data.result));
            (void)curl_multi_remove_handle(multi, easy);
            ended++;
            if (begun++ < calls)
                (void)curl_multi_add_handle(multi, easy);
            else
                curl_easy_cleanup(easy);
        }
    }
    struct figures figures = figures_since(start, cpu_us, calls);
    (void)curl_multi_cleanup(multi);
    (void)close(epoll_fd);
    return figures;
}

// ---- ours ---------------------------------------------------------------------------------------

static const struct transfer_limits limits = {.connect_ms = 10000,
                                              .stall_ms = 60000,
                                              .head_bytes_max = 256 << 10,
                                              .answer_bytes_max = 8 << 20};

static bool begin(struct transfers *transfers, const char *url) {
    struct transfer *transfer = transfers_take(transfers);
    if (!transfer)
        return false;
    buf_text(&transfer->request, BODY);
    transfer->url = url;
    transfer->headers = lines;
    transfer->may_be_private = transfer->may_be_plain = true;
    (void)transfer_line(transfer, "X-Client-Request-Id", "00000000000000010000000000000001");
    (void)transfer_line(transfer, "traceparent",
                        "00-00000000000000000000000000000001-0000000000000001-01");
    transfer_start(transfer, 600000);
    return true;
}

static void turn(struct transfers *transfers, long wait_ms) {
    (void)transfers_wait(transfers, wait_ms);
    struct moment now = clock_now();
    transfers_turn(transfers, now.mono_ms, now.wall_ms);
}

static struct figures run_ours(const char *url, unsigned calls, unsigned concurrency) {
    struct transfers *transfers = transfers_new(concurrency, &limits);
    unsigned begun = 0, ended = 0;
    turn(transfers, 0);
    struct moment start = clock_now();
    uint64_t cpu_us = clock_cpu_us();
    while (ended < calls) {
        while (begun < calls && begin(transfers, url))
            begun++;
        turn(transfers, -1);
        struct transfer *transfer;
        while ((transfer = transfers_next(transfers))) {
            if (transfer->end != TRANSFER_as_http || transfer->http_end != HTTP_answered)
                give_up(transfer->easy.error);
            transfer_give(transfer);
            ended++;
        }
    }
    struct figures figures = figures_since(start, cpu_us, calls);
    transfers_free(transfers);
    return figures;
}

// ---- the program --------------------------------------------------------------------------------

static void compare(const char *url, unsigned calls, unsigned concurrency, unsigned rounds) {
    struct figures bare_best = {0}, ours_best = {0};
    for (unsigned i = 0; i < rounds; i++) {
        struct figures bare = run_bare(url, calls, concurrency);
        struct figures ours = run_ours(url, calls, concurrency);
        printf("bare %.0f calls/s, %.1f us CPU a call; ours %.0f calls/s, %.1f us CPU a call; "
               "ratio %.2f, of CPU %.2f\n",
               bare.calls_per_s, bare.cpu_us, ours.calls_per_s, ours.cpu_us,
               ours.calls_per_s / bare.calls_per_s, ours.cpu_us / bare.cpu_us);
        bare_best = bare.calls_per_s > bare_best.calls_per_s ? bare : bare_best;
        ours_best = ours.calls_per_s > ours_best.calls_per_s ? ours : ours_best;
    }
    printf("best: bare %.0f calls/s, ours %.0f calls/s, ratio %.2f\n", bare_best.calls_per_s,
           ours_best.calls_per_s, ours_best.calls_per_s / bare_best.calls_per_s);
}

static long resident_kib(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void hold(const char *url, unsigned count) {
    struct transfers *transfers = transfers_new(count, &limits);
    long before_kib = resident_kib();
    unsigned begun = 0;
    for (; begun < count; begun++) {
        if (!begin(transfers, url))
            give_up("no slot");
        turn(transfers, 0);
    }
    for (int i = 0; i < 200; i++)
        turn(transfers, 10);
    if (transfers_next(transfers))
        give_up("a call ended; use a server that hangs");
    printf("%u calls in flight: %ld MiB resident, %.1f KiB a call\n", count, resident_kib() / 1024,
           (double)(resident_kib() - before_kib) / count);
    transfers_free(transfers);
}

int main(int argc, char **argv) {
    struct rlimit files;
    if (argc < 2)
        give_up("usage: worker-bench URL [CALLS [CONCURRENCY [ROUNDS]]] | --hold URL COUNT");
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (strcmp(argv[1], "--hold") == 0 && argc == 4) {
        hold(argv[2], (unsigned)strtoul(argv[3], NULL, 10));
        return 0;
    }
    compare(argv[1], argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 50000,
            argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 64,
            argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 3);
    return 0;
}
