// Measures how fast the provider simulator answers: many keep-alive connections, one request at a
// time on each, from one thread.
#include "tests/provider-sim/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 10000, EVENTS_AT_ONCE = 256, ANSWER_BYTES_MAX = 1 << 20 };

static const char help[] =
    "provider-sim-load: measures answers a second of a provider-sim without faults.\n"
    "\n"
    "  --port N          where it listens (needed)\n"
    "  --connections N   keep-alive connections (default 64)\n"
    "  --requests N      in all (default 100000)\n"
    "  --body-bytes N    about the size of a request's body (default 1024)\n"
    "  --pid N           its process: CPU time an answer is printed too\n"
    "\n"
    "Exit 1 if an answer is no 200 or a connection ends.\n";

struct line {
    int fd;
    struct text in;
};

struct load {
    uint16_t port;
    uint32_t connections, body_bytes, pid;
    uint64_t requests, sent, answered;
    struct line *lines;
    int epoll_fd;
    struct text request;
};

_Noreturn static void load_lost(const char *what) {
    fprintf(stderr, "provider-sim-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        load_lost("cannot read a clock");
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// Each request has a call id and a text of its own.
static void load_request(struct load *load) {
    struct text body = {0};
    text_add(&body, "{\"model\":\"gpt-4.1-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"");
    text_number(&body, load->sent);
    while (body.size + 5 < load->body_bytes)
        text_add(&body, " word");
    text_add(&body, "\"}]}");
    text_reset(&load->request);
    text_add(&load->request, "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                             "Authorization: Bearer load\r\nContent-Type: application/json\r\n"
                             "X-Client-Request-Id: load-");
    text_number(&load->request, load->sent);
    text_add(&load->request, "\r\nContent-Length: ");
    text_number(&load->request, body.size);
    text_add(&load->request, "\r\n\r\n");
    text_span(&load->request, text_view(&body));
    text_release(&body);
}

static void load_send(struct load *load, struct line *line) {
    if (load->sent == load->requests)
        return;
    load_request(load);
    load->sent++;
    ssize_t size = send(line->fd, load->request.at, load->request.size, MSG_NOSIGNAL);
    if (size != (ssize_t)load->request.size)
        load_lost("cannot send");
}

// The answer's size; 0: it is not complete.
static size_t answer_size(struct span in) {
    static const char name[] = "\r\nContent-Length: ";
    const char *end = memmem(in.at, in.size, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    if (!span_begins(in, "HTTP/1.1 200 "))
        load_lost("an answer was not 200");
    size_t head = (size_t)(end - in.at) + 4;
    const char *length = memmem(in.at, head, name, sizeof(name) - 1);
    if (length == NULL) {
        bool is_whole = in.size > head + 5 && memcmp(in.at + in.size - 5, "0\r\n\r\n", 5) == 0;
        return is_whole ? in.size : 0;
    }
    size_t size = head + strtoul(length + sizeof(name) - 1, NULL, 10);
    return in.size >= size ? size : 0;
}

static void load_receive(struct load *load, struct line *line) {
    ssize_t size = recv(line->fd, text_room(&line->in, 16384), 16384, MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN) || line->in.size > ANSWER_BYTES_MAX)
        load_lost("a connection ended");
    line->in.size += size > 0 ? (size_t)size : 0;
    size_t answer = answer_size(text_view(&line->in));
    if (answer == 0)
        return;
    text_consume(&line->in, answer);
    load->answered++;
    load_send(load, line);
}

static void load_connect(struct load *load) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(load->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    load->lines = memory_new(load->connections, sizeof(*load->lines));
    for (uint32_t i = 0; i < load->connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        int on = 1;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
            epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
            load_lost("cannot connect");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        load->lines[i].fd = fd;
    }
}

static void load_run(struct load *load) {
    struct epoll_event events[EVENTS_AT_ONCE];
    for (uint32_t i = 0; i < load->connections; i++)
        load_send(load, &load->lines[i]);
    while (load->answered < load->requests) {
        int count = epoll_wait(load->epoll_fd, events, EVENTS_AT_ONCE, 30000);
        if (count <= 0 && errno != EINTR)
            load_lost("no answer within 30 s");
        for (int i = 0; i < count; i++)
            load_receive(load, &load->lines[events[i].data.u32]);
    }
}

static uint64_t load_number(const char *text, uint64_t min, uint64_t max) {
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || number < min || number > max) {
        fprintf(stderr, "provider-sim-load: not valid: %s\n", text);
        exit(EX_USAGE);
    }
    return number;
}

static void load_options(struct load *load, int argc, char **argv) {
    static const struct option known[] = {{"help", no_argument, NULL, 'h'},
                                          {"port", required_argument, NULL, 'p'},
                                          {"connections", required_argument, NULL, 'c'},
                                          {"requests", required_argument, NULL, 'r'},
                                          {"body-bytes", required_argument, NULL, 'b'},
                                          {"pid", required_argument, NULL, 'i'},
                                          {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            exit(0);
        } else if (option == 'p') {
            load->port = (uint16_t)load_number(optarg, 1, UINT16_MAX);
        } else if (option == 'c') {
            load->connections = (uint32_t)load_number(optarg, 1, CONNECTIONS_MAX);
        } else if (option == 'r') {
            load->requests = load_number(optarg, 1, UINT32_MAX);
        } else if (option == 'b') {
            load->body_bytes = (uint32_t)load_number(optarg, 0, 1 << 20);
        } else if (option == 'i') {
            load->pid = (uint32_t)load_number(optarg, 1, INT32_MAX);
        } else {
            exit(EX_USAGE);
        }
    }
    if (load->port == 0) {
        fputs("provider-sim-load: --port is needed\n", stderr);
        exit(EX_USAGE);
    }
}

int main(int argc, char **argv) {
    struct load load = {.connections = 64, .requests = 100000, .body_bytes = 1024};
    load_options(&load, argc, argv);
    clockid_t cpu = CLOCK_MONOTONIC;
    if (load.pid != 0 && clock_getcpuclockid((pid_t)load.pid, &cpu) != 0)
        load_lost("no such process");
    load_connect(&load);
    uint64_t cpu_before = nanoseconds(cpu), before = nanoseconds(CLOCK_MONOTONIC);
    load_run(&load);
    uint64_t spent = nanoseconds(CLOCK_MONOTONIC) - before,
             cpu_spent = nanoseconds(cpu) - cpu_before;
    printf("%.0f answers/s (%llu answers, %u connections, bodies of about %u bytes)\n",
           (double)load.answered * 1e9 / (double)spent, (unsigned long long)load.answered,
           load.connections, load.body_bytes);
    if (load.pid != 0)
        printf("%.1f us of its CPU an answer: %.0f answers/s of one core\n",
               (double)cpu_spent / 1e3 / (double)load.answered,
               (double)load.answered * 1e9 / (double)cpu_spent);
    for (uint32_t i = 0; i < load.connections; i++) {
        close(load.lines[i].fd);
        text_release(&load.lines[i].in);
    }
    memory_free(load.lines);
    text_release(&load.request);
    close(load.epoll_fd);
    return 0;
}
