// liar ENDPOINT worker | extractor-refuses | extractor-garbles: a peer of the broker that says what
// a buggy or lying one would, over the real sockets.
//
// As a worker it takes leases and makes no call. It prints "joined", "lease N JOB ATTEMPT CALL" for
// the N-th lease, "abort N" and "stored N", and does what it reads from stdin, until that ends:
//   end N HOW [SALT]  says how the N-th ended: answered, error (500), refused (400), failed (a byte
//                     had left) or not_started. Another salt is another end of the same call.
//   lose N            does not name the call in its heartbeats any more, as if it had never come
//   hush, speak       sends no heartbeats, or sends them again
//
// As an extractor it refuses every answer, or sends facts that are none.
#include "common/clock.h"
#include "common/id.h"
#include "common/mem.h"
#include "common/process.h"
#include "workers/link.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { LEASES_MAX = 256, LINE_SIZE = 256, SLOTS = 8 };

struct liar {
    struct link link;
    struct buf header;
    struct lease_item leases[LEASES_MAX + 1]; // from 1
    unsigned count;
    char said[LINE_SIZE]; // of a command that is not complete
    size_t said_size;
    bool is_worker, is_hushed, was_joined, is_over;
    const char *refusal; // extractor: empty, it sends garbage
};

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)printf("\n");
    (void)fflush(stdout);
}

// ---- the worker ---------------------------------------------------------------------------------

// A copy of a lease that owns its texts, for as long as the process lives.
static struct lease_item copy_of(const struct lease_item *item) {
    const struct shape *shape = wire_kind(KIND_lease)->item;
    struct lease_item copy = *item;
    for (size_t i = 0; i < shape->count; i++) {
        struct bytes *text = (struct bytes *)((char *)&copy + shape->fields[i].offset);
        if (shape->fields[i].type == FIELD_text && text->size > 0)
            text->at = (const uint8_t *)mem_copy(text->at, text->size);
    }
    return copy;
}

static void take_leases(struct liar *liar, struct message *message) {
    struct lease_head head;
    struct lease_item item;
    if (wire_head(&message->wire, &head) != ERR_OK)
        return;
    while (wire_next(&message->wire, &item) == ERR_OK) {
        char job[UUID_TEXT_SIZE], call[ID_HEX_SIZE];
        if (liar->count == LEASES_MAX ||
            !peer_takes(&liar->link.peer, head.boot, head.process, item.number))
            continue;
        liar->leases[++liar->count] = copy_of(&item);
        (void)peer_hold(&liar->link.peer, item.call);
        uuid_text(item.job_id, job);
        id_hex(item.call, call);
        tell("lease %u %s %llu %s", liar->count, job, (unsigned long long)item.attempt, call);
    }
}

static unsigned lease_of(const struct liar *liar, struct id call) {
    unsigned n = liar->count;
    while (n > 0 && !id_equal(liar->leases[n].call, call))
        n--;
    return n;
}

static void take_words(struct liar *liar, struct message *message, const char *word) {
    struct abort_item item; // end_stored is shaped as abort
    while (wire_next(&message->wire, &item) == ERR_OK) {
        tell("%s %u", word, lease_of(liar, item.call));
        if (message->wire.kind == KIND_end_stored)
            (void)peer_forget(&liar->link.peer, item.call);
    }
}

static const struct how {
    const char *how, *ended, *class, *reason;
    unsigned status;
} hows[] = {
    {"answered", "answered", "success", "", 200},
    {"error", "answered", "retryable", "http_500", 500},
    {"refused", "answered", "permanent", "http_400", 400},
    {"failed", "failed", "retryable", "connection_lost", 0},
    {"not_started", "not_started", "retryable", "no_slot", 0},
};

static void put_body(struct buf *body, unsigned n, const struct how *how, const char *salt) {
    if (how->status == 200)
        buf_printf(body,
                   "{\"id\":\"chatcmpl-liar%u%s\",\"object\":\"chat.completion\",\"created\":1,"
                   "\"model\":\"gpt-4.1-mini-2025-04-14\",\"choices\":[{\"index\":0,\"message\":{"
                   "\"role\":\"assistant\",\"content\":\"words of lease %u%s\"},"
                   "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":10,"
                   "\"completion_tokens\":5,\"total_tokens\":15}}",
                   n, salt, n, salt);
    else if (how->status)
        buf_text(body, "{\"error\":{\"message\":\"no\",\"code\":\"not_today\"}}");
}

static void say_end(struct liar *liar, unsigned n, const struct how *how, const char *salt) {
    const struct lease_item *lease = &liar->leases[n];
    struct buf body;
    char whole[LINE_SIZE];
    buf_init(&body, 4096);
    put_body(&body, n, how, salt);
    (void)snprintf(whole, sizeof(whole), "%u %s %s", n, how->how, salt);
    struct end_head head = {.boot = liar->link.peer.boot, .process = liar->link.peer.process};
    struct end_item item = {
        .job = lease->job,
        .job_id = lease->job_id,
        .batch_id = lease->batch_id,
        .conversation_id = lease->conversation_id,
        .turn = lease->turn,
        .line = lease->line,
        .custom_id = lease->custom_id,
        .conversation = lease->conversation,
        .provider = lease->provider,
        .api = lease->api,
        .key = lease->key,
        .model = lease->model,
        .traceparent = lease->traceparent,
        .attempt = lease->attempt,
        .call = lease->call,
        .ended = bytes_text(how->ended),
        .class = bytes_text(how->class),
        .reason = bytes_text(how->reason),
        .status = how->status,
        .bytes_left = strcmp(how->ended, "not_started") != 0,
        .started_ms = clock_now().wall_ms,
        .duration_ms = 5,
        .digest = digest_of(bytes_text(whole)),
        .worker = bytes_text("liar"),
        .catalogue = bytes_text(liar->link.catalogue_hash),
    };
    struct bytes frames[2] = {bytes_text(how->status ? "content-type: application/json\r\n" : ""),
                              buf_bytes(&body)};
    struct wire_writer writer;
    wire_begin(&writer, &liar->header, KIND_end, &head, 1);
    wire_item(&writer, &item);
    if (wire_end(&writer) != ERR_OK ||
        sock_send(&liar->link.sock, NULL, buf_bytes(&liar->header), frames, 2) != ERR_OK)
        tell("unsent %u", n);
    buf_release(&body);
}

static void obey(struct liar *liar, const char *line) {
    char word[32] = "", how[32] = "", salt[32] = "";
    unsigned n = 0;
    (void)sscanf(line, "%31s %u %31s %31s", word, &n, how, salt);
    if (strcmp(word, "hush") == 0 || strcmp(word, "speak") == 0) {
        liar->is_hushed = word[0] == 'h';
    } else if (n == 0 || n > liar->count) {
        tell("no lease %u", n);
    } else if (strcmp(word, "lose") == 0) {
        (void)peer_forget(&liar->link.peer, liar->leases[n].call);
        link_hurry(&liar->link);
    } else {
        for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++)
            if (strcmp(how, hows[i].how) == 0)
                say_end(liar, n, &hows[i], salt);
    }
}

static void read_commands(struct liar *liar) {
    struct bytes rest;
    ssize_t got =
        read(STDIN_FILENO, liar->said + liar->said_size, sizeof(liar->said) - 1 - liar->said_size);
    liar->is_over = got <= 0;
    liar->said_size += got > 0 ? (size_t)got : 0;
    rest = bytes_of(liar->said, liar->said_size);
    for (const uint8_t *end; rest.size && (end = memchr(rest.at, '\n', rest.size)) != NULL;) {
        size_t size = (size_t)(end - rest.at);
        char line[LINE_SIZE];
        (void)snprintf(line, sizeof(line), "%.*s", (int)size, (const char *)rest.at);
        obey(liar, line);
        rest = bytes_of(rest.at + size + 1, rest.size - size - 1);
    }
    memmove(liar->said, rest.at, rest.size);
    liar->said_size = rest.size;
}

// ---- the extractor ------------------------------------------------------------------------------

static void misread(struct liar *liar, struct message *message) {
    struct extract_head head;
    struct extract_item item;
    struct extracted_item items[ITEMS_MAX];
    struct bytes frames[ITEMS_MAX];
    uint32_t count = 0;
    if (wire_head(&message->wire, &head) != ERR_OK)
        return;
    for (; count < ITEMS_MAX && wire_next(&message->wire, &item) == ERR_OK; count++) {
        items[count] = (struct extracted_item){item.record, bytes_text(liar->refusal)};
        frames[count] = bytes_text(*liar->refusal ? "" : "these are no facts");
    }
    struct extracted_head said = {.boot = head.boot};
    struct wire_writer writer;
    wire_begin(&writer, &liar->header, KIND_extracted, &said, count);
    for (uint32_t i = 0; i < count; i++)
        wire_item(&writer, &items[i]);
    if (wire_end(&writer) == ERR_OK)
        (void)sock_send(&liar->link.sock, NULL, buf_bytes(&liar->header), frames, count);
}

// ---- both ---------------------------------------------------------------------------------------

static void hear(struct liar *liar) {
    struct message *message;
    while (link_receive(&liar->link, clock_now().mono_ms, &message) == ERR_OK) {
        if (message->wire.kind == KIND_lease)
            take_leases(liar, message);
        else if (message->wire.kind == KIND_end_stored)
            take_words(liar, message, "stored");
        else if (message->wire.kind == KIND_abort)
            take_words(liar, message, "abort");
        else if (message->wire.kind == KIND_extract)
            misread(liar, message);
    }
    if (link_is_joined(&liar->link) && !liar->was_joined) {
        liar->was_joined = true;
        tell("joined");
    }
}

int main(int argc, char **argv) {
    static struct liar liar;
    if (argc != 3)
        return EX_USAGE;
    int stop = process_setup();
    liar.is_worker = strcmp(argv[2], "worker") == 0;
    liar.refusal = strcmp(argv[2], "extractor-refuses") == 0 ? "unreadable" : "";
    buf_init(&liar.header, HEADER_BYTES_MAX);
    struct hello_head hello = {.role = bytes_text(liar.is_worker ? "worker" : "extractor"),
                               .name = bytes_text("liar"),
                               .slots = SLOTS,
                               .keys = bytes_text(liar.is_worker ? "openai/default" : ""),
                               .simulated = true};
    if (link_open(&liar.link, argv[1], &hello) != ERR_OK)
        return EX_UNAVAILABLE;
    struct sock *socks[] = {&liar.link.sock};
    int fds[] = {stop, STDIN_FILENO};
    while (!process_is_stopped(stop) && !liar.is_over) {
        uint64_t now_ms = clock_now().mono_ms;
        if (!liar.is_hushed)
            link_tick(&liar.link, now_ms);
        hear(&liar);
        long rest = liar.is_hushed ? 100 : link_rest_ms(&liar.link, clock_now().mono_ms);
        sock_wait(socks, 1, fds, liar.is_worker ? 2 : 1, rest);
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        if (liar.is_worker && poll(&input, 1, 0) > 0)
            read_commands(&liar);
    }
    link_close(&liar.link, 0);
    buf_release(&liar.header);
    return 0;
}
