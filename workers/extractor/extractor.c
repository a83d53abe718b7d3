#include "workers/extractor/extractor.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/process.h"
#include "workers/extractor/extract.h"
#include "workers/link.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

enum { SLOTS = 4 * ITEMS_MAX, LINGER_MS = 1000 };

struct extractor {
    struct link link;
    struct catalogue *catalogue;
    uint64_t catalogue_version;
    struct extract *extract;
    struct buf facts[ITEMS_MAX];
    struct buf header;
    char name[NAME_BYTES_MAX];
    char host[128];
};

static void take_catalogue(struct extractor *extractor) {
    const struct link *link = &extractor->link;
    if (extractor->catalogue_version == link->catalogue_version)
        return;
    extractor->catalogue_version = link->catalogue_version;
    struct catalogue *catalogue;
    enum err e = catalogue_load(buf_bytes(&link->catalogue), &catalogue);
    if (e != ERR_OK) {
        log_line(LOG_ERROR, "catalogue.refused", "hash=%s why=\"%s\"", link->catalogue_hash,
                 err_text(e));
        return;
    }
    catalogue_free(extractor->catalogue);
    extractor->catalogue = catalogue;
    if (extractor->link.hello.slots == 0) {
        extractor->link.hello.slots = SLOTS;
        link_introduce(&extractor->link);
    }
    log_line(LOG_INFO, "catalogue.loaded", "hash=%s", catalogue_hash(catalogue));
}

// Reads one answer; what it finds goes into facts. Returns why it cannot be read, or "".
static const char *read_one(struct extractor *extractor, const struct extract_item *item,
                            struct bytes headers, struct bytes body, struct buf *facts) {
    buf_reset(facts);
    if (!extractor->catalogue)
        return "no_catalogue";
    struct answer answer = {.status = (unsigned)item->status, .headers = headers, .body = body};
    answer.api = catalogue_api(extractor->catalogue, item->provider, item->api);
    if (!answer.api)
        return "unknown_api";
    extract_open(extractor->extract, &answer);
    const char *refusal = extract_refusal(extractor->extract);
    enum err e = extract_facts(extractor->extract, facts);
    if (extractor->extract->paths_given_up > 0)
        log_line(LOG_WARN, "path.given_up", "provider=%s api=%s paths=%u", answer.api->provider,
                 answer.api->api, extractor->extract->paths_given_up);
    if (extractor->extract->identifiers_left_out > 0)
        log_line(LOG_WARN, "identifiers.left_out", "provider=%s api=%s count=%u",
                 answer.api->provider, answer.api->api, extractor->extract->identifiers_left_out);
    if (e != ERR_OK) {
        buf_reset(facts);
        return refusal ? refusal : "facts_too_large";
    }
    return refusal ? refusal : "";
}

static void answer(struct extractor *extractor, struct message *message) {
    struct extract_head head;
    if (message->wire.kind != KIND_extract || wire_head(&message->wire, &head) != ERR_OK)
        return;
    struct extracted_head said = {.boot = head.boot};
    struct extracted_item items[ITEMS_MAX];
    struct bytes frames[ITEMS_MAX];
    struct extract_item item;
    uint32_t count = 0;
    for (; count < ITEMS_MAX && wire_next(&message->wire, &item) == ERR_OK; count++) {
        const char *refused =
            read_one(extractor, &item, message_item_frame(message, count, 0),
                     message_item_frame(message, count, 1), &extractor->facts[count]);
        items[count] = (struct extracted_item){item.record, bytes_text(refused)};
        frames[count] = buf_bytes(&extractor->facts[count]);
    }
    struct wire_writer writer;
    wire_begin(&writer, &extractor->header, KIND_extracted, &said, count);
    for (uint32_t i = 0; i < count; i++)
        wire_item(&writer, &items[i]);
    enum err e = wire_end(&writer);
    if (e == ERR_OK)
        e = sock_send(&extractor->link.sock, NULL, buf_bytes(&extractor->header), frames, count);
    if (e != ERR_OK)
        log_line(LOG_ERROR, "extracted.unsent", "items=%u why=\"%s\"", count, err_text(e));
}

// Answers what has arrived, as long as the link has its turn in time.
static void turn(struct extractor *extractor) {
    struct moment now = clock_now();
    link_tick(&extractor->link, now.mono_ms);
    for (int i = 0; i < TURN_MESSAGES_MAX && link_rest_ms(&extractor->link, now.mono_ms) > 0; i++) {
        struct message *message;
        enum err e = link_receive(&extractor->link, now.mono_ms, &message);
        take_catalogue(extractor);
        if (e != ERR_OK)
            return;
        answer(extractor, message);
        now = clock_now();
    }
}

static void extractor_close(struct extractor *extractor) {
    link_close(&extractor->link, LINGER_MS);
    catalogue_free(extractor->catalogue);
    extract_release(extractor->extract);
    mem_free(extractor->extract);
    for (size_t i = 0; i < ITEMS_MAX; i++)
        buf_release(&extractor->facts[i]);
    buf_release(&extractor->header);
}

static void extractor_open(struct extractor *extractor, const struct conf *conf) {
    (void)gethostname(extractor->host, sizeof(extractor->host) - 1);
    (void)snprintf(extractor->name, sizeof(extractor->name), "extractor/%s", extractor->host);
    extractor->extract = mem_new(sizeof(*extractor->extract));
    extract_init(extractor->extract);
    for (size_t i = 0; i < ITEMS_MAX; i++)
        buf_init(&extractor->facts[i], FACTS_BYTES_MAX);
    buf_init(&extractor->header, HEADER_BYTES_MAX);
    struct hello_head hello = {
        .role = bytes_text("extractor"),
        .name = bytes_text(extractor->name),
        .host = bytes_text(extractor->host),
        .version = bytes_text(COLLOQ_VERSION),
        .slots = 0, // it takes answers when it has a catalogue to read them by
        .simulated = conf->simulated,
    };
    enum err e = link_open(&extractor->link, conf->broker, &hello);
    if (e != ERR_OK)
        fatal(EX_UNAVAILABLE, "broker.unreachable", "endpoint=%s why=\"%s\"", conf->broker,
              err_text(e));
}

int extractor_run(const struct conf *conf, int stop_fd) {
    struct extractor *extractor = mem_new(sizeof(*extractor));
    extractor_open(extractor, conf);
    log_line(LOG_INFO, "extractor.started", "broker=%s", conf->broker);
    struct sock *socks[] = {&extractor->link.sock};
    int code = EX_OK;
    while (!process_is_stopped(stop_fd) && code == EX_OK) {
        turn(extractor);
        if (extractor->link.is_refused)
            code = EX_CONFIG;
        else
            sock_wait(socks, 1, &stop_fd, 1, link_rest_ms(&extractor->link, clock_now().mono_ms));
    }
    if (code == EX_OK)
        turn(extractor);
    log_line(LOG_INFO, "extractor.stopped", "cpu_us=%llu", (unsigned long long)clock_cpu_us());
    extractor_close(extractor);
    mem_free(extractor);
    sock_context_close();
    return code;
}
