// broker-bench COLLOQ-BROKER [JOBS]: a real broker process with a real journal, and around it one
// process that plays ingress, worker, extractor and accountant as fast as it can. Prints durable
// puts a second, whole cycles a second (put, mark, end, extract, record, delete) and the broker's
// CPU for one job.
#include "common/clock.h"
#include "common/id.h"
#include "common/mem.h"
#include "common/process.h"
#include "workers/link.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_BYTES = 1024, CHUNKS_OUT = 32, ROLES = 4 };
enum { INGRESS, WORKER, EXTRACTOR, ACCOUNTANT };

struct bench {
    struct link links[ROLES];
    uint64_t jobs;
    uint64_t batch;    // its number
    uint64_t accepted; // lines stored
    uint64_t sent;     // lines sent
    uint64_t recorded; // outcomes recorded
    struct digest before;
    struct id batch_id;
    bool is_opened, has_failed;
    char line[LINE_BYTES];
};

static struct bench *bench;

static void stop(const char *why) {
    fprintf(stderr, "broker-bench: %s\n", why);
    exit(70);
}

static void open_links(const char *endpoint) {
    static const char *const roles[] = {"ingress", "worker", "extractor", "accountant"};
    for (int i = 0; i < ROLES; i++) {
        struct hello_head hello = {.role = bytes_text(roles[i]),
                                   .name = bytes_text(roles[i]),
                                   .slots = i == ACCOUNTANT ? 4096 : 512,
                                   .keys = bytes_text(i == WORKER ? "p/k" : ""),
                                   .simulated = true};
        if (link_open(&bench->links[i], endpoint, &hello) != ERR_OK)
            stop("cannot connect");
    }
}

static void send_open(void) {
    struct open_head open = {.request = 1, .key = bytes_text("bench"), .batch_id = bench->batch_id};
    (void)sock_send_head(&bench->links[INGRESS].sock, NULL, KIND_open, &open, NULL, 0);
}

// The digest after a line stands for the line: the broker only compares.
static struct digest digest_at(uint64_t line) {
    struct digest digest = bench->before;
    if (line > 0) {
        memset(&digest, 0, sizeof(digest));
        bytes_put_u64(digest.at, line);
    }
    return digest;
}

static void send_chunk(void) {
    struct wire_writer writer;
    struct buf header;
    struct bytes frames[ITEMS_MAX];
    uint64_t count = bench->jobs - bench->sent < ITEMS_MAX ? bench->jobs - bench->sent : ITEMS_MAX;
    struct put_head head = {.request = 2,
                            .batch = bench->batch,
                            .first = bench->sent + 1,
                            .last = bench->sent + count,
                            .before = digest_at(bench->sent),
                            .after = digest_at(bench->sent + count)};
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_put, &head, (uint32_t)count);
    for (uint32_t i = 0; i < count; i++) {
        struct put_item item;
        memset(&item, 0, sizeof(item));
        item.line = bench->sent + 1 + i;
        item.job_id = uuid_new(clock_now().wall_ms);
        item.conversation_id = item.job_id;
        item.turn = 1;
        item.custom_id = bytes_text("a-custom-id");
        item.provider = bytes_text("p");
        item.api = bytes_text("chat");
        item.key = bytes_text("k");
        item.model = bytes_text("m");
        wire_item(&writer, &item);
        frames[i] = bytes_of(bench->line, sizeof(bench->line));
    }
    if (wire_end(&writer) != ERR_OK ||
        sock_send(&bench->links[INGRESS].sock, NULL, buf_bytes(&header), frames, (uint32_t)count))
        stop("a chunk did not leave");
    buf_release(&header);
    bench->sent += count;
}

static void ingress_hears(struct message *message) {
    struct opened_head opened;
    struct put_stored_head stored;
    if (message->wire.kind == KIND_opened && wire_head(&message->wire, &opened) == ERR_OK) {
        bench->batch = opened.batch;
        bench->before = opened.digest;
        bench->is_opened = true;
    } else if (message->wire.kind == KIND_put_stored &&
               wire_head(&message->wire, &stored) == ERR_OK) {
        if (stored.reason.size > 0)
            stop("the broker refused a chunk");
        bench->accepted = stored.accepted_through;
    }
}

static void worker_hears(struct message *message) {
    static const char headers[] = "content-type: application/json\r\n";
    struct link *link = &bench->links[WORKER];
    struct lease_item lease;
    struct wire_writer writer;
    struct buf header;
    struct bytes frames[2 * ITEMS_MAX];
    struct end_head head = {.boot = link->peer.boot, .process = link->peer.process};
    uint32_t count = message->wire.items;
    if (message->wire.kind != KIND_lease) {
        struct end_stored_item stored;
        while (message->wire.kind == KIND_end_stored &&
               wire_next(&message->wire, &stored) == ERR_OK)
            (void)peer_forget(&link->peer, stored.call);
        return;
    }
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_end, &head, count);
    for (uint32_t i = 0; wire_next(&message->wire, &lease) == ERR_OK; i++) {
        struct end_item end;
        memset(&end, 0, sizeof(end));
        (void)peer_hold(&link->peer, lease.call);
        link->peer.seen = lease.number;
        end.job = lease.job;
        end.job_id = lease.job_id;
        end.batch_id = lease.batch_id;
        end.conversation_id = lease.conversation_id;
        end.turn = lease.turn;
        end.line = lease.line;
        end.custom_id = lease.custom_id;
        end.provider = lease.provider;
        end.api = lease.api;
        end.key = lease.key;
        end.model = lease.model;
        end.attempt = lease.attempt;
        end.call = lease.call;
        end.ended = bytes_text("answered");
        end.class = bytes_text("success");
        end.status = 200;
        end.digest.at[0] = 1;
        wire_item(&writer, &end);
        frames[2 * i] = bytes_text(headers);
        frames[2 * i + 1] = bytes_of(bench->line, sizeof(bench->line));
    }
    if (wire_end(&writer) != ERR_OK ||
        sock_send(&link->sock, NULL, buf_bytes(&header), frames, 2 * count))
        stop("an end did not leave");
    buf_release(&header);
}

static void extractor_hears(struct message *message) {
    struct extracted_head head = {.boot = bench->links[EXTRACTOR].peer.boot};
    struct extract_item asked;
    struct wire_writer writer;
    struct buf header;
    struct bytes frames[ITEMS_MAX];
    uint32_t count = message->wire.items;
    if (message->wire.kind != KIND_extract)
        return;
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_extracted, &head, count);
    for (uint32_t i = 0; wire_next(&message->wire, &asked) == ERR_OK; i++) {
        struct extracted_item item = {.record = asked.record};
        wire_item(&writer, &item);
        frames[i] = bytes_of(bench->line, 256);
    }
    if (wire_end(&writer) != ERR_OK ||
        sock_send(&bench->links[EXTRACTOR].sock, NULL, buf_bytes(&header), frames, count))
        stop("facts did not leave");
    buf_release(&header);
}

static void accountant_records(struct message *message) {
    struct record_item record;
    struct recorded_head head = {.applied = 0};
    struct wire_writer writer;
    struct buf header;
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_recorded, &head, message->wire.items);
    while (wire_next(&message->wire, &record) == ERR_OK) {
        struct recorded_item item = {.number = record.number, .has_answer = true};
        bench->recorded += record.outcome.size > 0;
        wire_item(&writer, &item);
    }
    if (wire_end(&writer) != ERR_OK ||
        sock_send(&bench->links[ACCOUNTANT].sock, NULL, buf_bytes(&header), NULL, 0))
        stop("a confirmation did not leave");
    buf_release(&header);
}

static void accountant_hears(struct message *message) {
    struct key_ask_head ask;
    if (message->wire.kind == KIND_record) {
        accountant_records(message);
    } else if (message->wire.kind == KIND_key_ask && wire_head(&message->wire, &ask) == ERR_OK) {
        struct key_known_head known = {.boot = ask.boot, .batch = ask.batch};
        (void)sock_send_head(&bench->links[ACCOUNTANT].sock, NULL, KIND_key_known, &known, NULL, 0);
    }
}

static void turn(void) {
    static void (*const hears[])(struct message *) = {ingress_hears, worker_hears, extractor_hears,
                                                      accountant_hears};
    struct sock *socks[ROLES];
    struct message *message;
    uint64_t now_ms = clock_now().mono_ms;
    for (int i = 0; i < ROLES; i++) {
        socks[i] = &bench->links[i].sock;
        link_tick(&bench->links[i], now_ms);
    }
    sock_wait(socks, ROLES, NULL, 0, 20);
    for (int i = 0; i < ROLES; i++)
        while (link_receive(&bench->links[i], now_ms, &message) == ERR_OK)
            hears[i](message);
}

static uint64_t cpu_of(pid_t broker) {
    char path[64];
    unsigned long long user = 0, system = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)broker);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
               &system) != 2)
        user = system = 0;
    (void)fclose(file);
    return (user + system) * 1000000u / (uint64_t)sysconf(_SC_CLK_TCK);
}

static double per_second(uint64_t count, uint64_t from_ms) {
    uint64_t spent = clock_now().mono_ms - from_ms;
    return (double)count * 1000.0 / (double)(spent ? spent : 1);
}

// Without a worker and an extractor joined nothing but puts happens.
static void run(pid_t broker) {
    while (!link_is_joined(&bench->links[INGRESS]) || !link_is_joined(&bench->links[ACCOUNTANT]))
        turn();
    send_open();
    while (!bench->is_opened)
        turn();
    uint64_t from_ms = clock_now().mono_ms, cpu = cpu_of(broker);
    while (bench->accepted < bench->jobs) {
        while (bench->sent < bench->jobs &&
               bench->sent - bench->accepted < (uint64_t)CHUNKS_OUT * ITEMS_MAX)
            send_chunk();
        turn();
    }
    printf("cycles with puts: %.0f jobs/s while %llu lines came in\n",
           per_second(bench->recorded, from_ms), (unsigned long long)bench->jobs);
    printf("puts: %.0f/s\n", per_second(bench->jobs, from_ms));
    while (bench->recorded < bench->jobs)
        turn();
    printf("cycles: %.0f/s\n", per_second(bench->jobs, from_ms));
    printf("broker CPU: %.1f us/job\n", (double)(cpu_of(broker) - cpu) / (double)bench->jobs);
}

int main(int argc, char **argv) {
    char folder[] = "/var/tmp/colloq-bench.XXXXXX";
    char endpoint[128];
    if (argc < 2)
        stop("usage: broker-bench COLLOQ-BROKER [JOBS]");
    if (!mkdtemp(folder))
        stop("no folder");
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/broker.sock", folder);
    pid_t broker = fork();
    if (broker == 0) {
        execl(argv[1], argv[1], "--data", folder, "--simulate", "--broker", endpoint,
              "--lane-concurrency", "512", "--log-level", "error", (char *)NULL);
        _exit(72);
    }
    bench = mem_new(sizeof(*bench));
    bench->jobs = argc > 2 ? strtoull(argv[2], NULL, 10) : 100000;
    bench->batch_id = uuid_new(clock_now().wall_ms);
    memset(bench->line, 'x', sizeof(bench->line));
    open_links(endpoint);
    run(broker);
    (void)kill(broker, SIGTERM);
    (void)waitpid(broker, NULL, 0);
    char command[160];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command) == 0 ? 0 : 74;
}
