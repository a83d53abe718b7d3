#include "workers/accountant/accountant.h"

#include "common/clock.h"
#include "common/id.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/process.h"
#include "common/reserve.h"
#include "workers/accountant/configure.h"
#include "workers/accountant/context/full.h"
#include "workers/accountant/once.h"
#include "workers/accountant/queries.h"
#include "workers/link.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

enum { RATE_SECONDS = 10, MALFORMED_SILENCE_MS = 60000 };

struct accountant {
    const struct conf *conf;
    struct ledger ledger;
    struct reserve reserve;
    size_t turn_bytes_max; // of records' payload in one transaction
    struct findex findex;
    struct figures figures;
    struct queries *queries;
    struct link link;
    struct buf document; // the compiled catalogue
    struct catalogue *catalogue;
    uint64_t paired_boot; // the broker whose journal was found to belong to the ledger
    // The message that is being taken in.
    struct record_item records[ITEMS_MAX];
    struct record_frames frames[ITEMS_MAX];
    // The open transaction: what is to be said after its commit.
    struct recorded_item told[RECORDS_TURN_MAX + ITEMS_MAX];
    size_t told_count, turn_bytes;
    uint64_t malformed_said_ms; // when a record without a number was last complained about
    // Prepared turns on their way out.
    struct prepared_item prepared[ITEMS_MAX];
    struct bytes contexts[ITEMS_MAX]; // at NULL: its offset is not known yet
    size_t offsets[ITEMS_MAX + 1];
    size_t prepared_count;
    uint64_t prepared_boot;
    struct buf context, all_contexts, header;
    // Records a second.
    uint64_t second_ms, counts[RATE_SECONDS], last_count;
    size_t second;
};

// What a transaction cannot do leaves the ledger in a state that only a restart knows. That of a
// full disk (EX_TEMPFAIL) gives up the reserve.
static void must(enum err e, const char *doing) {
    if (e != ERR_OK)
        fatal(e == ERR_FULL ? EX_TEMPFAIL : EX_IOERR, "ledger.failed", "doing=\"%s\" why=\"%s\"",
              doing, err_text(e));
}

// ---- prepared turns -----------------------------------------------------------------------------

static void send_prepared(struct accountant *a) {
    struct wire_writer writer;
    const struct prepared_head head = {.boot = a->prepared_boot};
    if (a->prepared_count == 0)
        return;
    wire_begin(&writer, &a->header, KIND_prepared, &head, (uint32_t)a->prepared_count);
    for (size_t i = 0; i < a->prepared_count; i++) {
        wire_item(&writer, &a->prepared[i]);
        a->contexts[i] =
            bytes_of(a->all_contexts.at + a->offsets[i], a->offsets[i + 1] - a->offsets[i]);
    }
    // What does not leave is asked for again.
    if (wire_end(&writer) == ERR_OK)
        (void)sock_send(&a->link.sock, NULL, buf_bytes(&a->header), a->contexts,
                        (uint32_t)a->prepared_count);
    atomic_fetch_add(&a->figures.prepared, a->prepared_count);
    a->prepared_count = 0;
    buf_reset(&a->all_contexts);
}

static void prepare_one(struct accountant *a, const struct prepare_item *asked, struct bytes line) {
    struct prepared_item *prepared = &a->prepared[a->prepared_count];
    must(context_full(&a->ledger, asked, line, &a->context, prepared), "prepare a turn");
    a->offsets[a->prepared_count] = a->all_contexts.size;
    buf_put(&a->all_contexts, a->context.at, a->context.size);
    a->offsets[++a->prepared_count] = a->all_contexts.size;
    if (a->prepared_count == ITEMS_MAX || a->all_contexts.size >= MESSAGE_BYTES_SOFT)
        send_prepared(a);
}

static void take_prepare(struct accountant *a, struct message *message) {
    struct prepare_head head;
    struct prepare_item item;
    if (wire_head(&message->wire, &head) != ERR_OK)
        return;
    a->prepared_boot = head.boot;
    for (uint32_t i = 0; wire_next(&message->wire, &item) == ERR_OK; i++)
        prepare_one(a, &item, message_item_frame(message, i, 0));
    send_prepared(a);
}

// ---- records ------------------------------------------------------------------------------------

static void send_recorded(struct accountant *a) {
    const struct recorded_head head = {.applied = a->ledger.applied};
    struct wire_writer writer;
    for (size_t at = 0; at < a->told_count;) {
        size_t count = a->told_count - at < ITEMS_MAX ? a->told_count - at : ITEMS_MAX;
        wire_begin(&writer, &a->header, KIND_recorded, &head, (uint32_t)count);
        for (size_t i = 0; i < count; i++)
            wire_item(&writer, &a->told[at + i]);
        // Lost, it is only a repeat: the broker sends the records again.
        if (wire_end(&writer) == ERR_OK)
            (void)sock_send(&a->link.sock, NULL, buf_bytes(&a->header), NULL, 0);
        at += count;
    }
    a->told_count = 0;
    a->turn_bytes = 0;
}

// An item that cannot be decoded would be sent again for ever: it is kept verbatim and counts as
// recorded. One that does not even say its number can only be complained about.
static void set_aside(struct accountant *a, const struct record_item *read, struct bytes item,
                      const struct record_frames *frames) {
    uint64_t now_ms = clock_now().mono_ms;
    if (read->number != 0) {
        must(ledger_quarantine(&a->ledger, read, item, frames, &a->told[a->told_count]),
             "keep a malformed record");
        a->told_count++;
    } else if (a->malformed_said_ms == 0 || now_ms - a->malformed_said_ms >= MALFORMED_SILENCE_MS) {
        log_line(LOG_ERROR, "record.malformed", "bytes=%zu", item.size);
        a->malformed_said_ms = now_ms;
    }
}

static void take_record(struct accountant *a, struct message *message) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < ITEMS_MAX; i++) {
        struct bytes before = message->wire.rest;
        struct record_frames *frames = &a->frames[count];
        enum err e = wire_next(&message->wire, &a->records[count]);
        if (e == ERR_NOT_FOUND)
            break;
        *frames = (struct record_frames){
            .line = message_item_frame(message, i, 0),
            .headers = message_item_frame(message, i, 1),
            .body = message_item_frame(message, i, 2),
            .facts = message_item_frame(message, i, 3),
        };
        a->turn_bytes +=
            frames->line.size + frames->headers.size + frames->body.size + frames->facts.size;
        if (e == ERR_OK)
            count++;
        else
            set_aside(a, &a->records[count],
                      bytes_of(before.at, before.size - message->wire.rest.size), frames);
    }
    if (count == 0)
        return;
    must(ledger_apply(&a->ledger, a->records, a->frames, count, &a->told[a->told_count]),
         "apply records");
    a->told_count += count;
}

static void commit(struct accountant *a) {
    must(ledger_commit(&a->ledger), "commit records");
    a->link.hello.applied = a->ledger.applied;
    send_recorded(a);
}

static void take_key_ask(struct accountant *a, struct message *message) {
    struct key_ask_head ask;
    if (wire_head(&message->wire, &ask) != ERR_OK)
        return;
    struct key_known_head known = {.boot = ask.boot, .batch = ask.batch};
    must(ledger_find_key(&a->ledger, ask.key, &known), "find a key");
    (void)sock_send_head(&a->link.sock, NULL, KIND_key_known, &known, NULL, 0);
}

// ---- the broker ---------------------------------------------------------------------------------

static void send_catalogue(struct accountant *a) {
    const struct catalogue_head head = {.hash = bytes_text(catalogue_hash(a->catalogue))};
    const struct bytes frame = buf_bytes(&a->document);
    (void)sock_send_head(&a->link.sock, NULL, KIND_catalogue, &head, &frame, 1);
}

// A broker has welcomed us: does its journal belong to this ledger?
static void meet_broker(struct accountant *a) {
    const struct welcome_head *welcome = &a->link.welcome;
    char why[512];
    if (a->link.is_refused)
        fatal(EX_UNAVAILABLE, "accountant.refused", "reason=%s", a->link.refusal);
    if (!link_is_joined(&a->link) || a->link.peer.boot == a->paired_boot)
        return;
    if (welcome->simulated != a->conf->simulated)
        fatal(EX_CONFIG, "broker.money", "broker=%s ledger=%s",
              welcome->simulated ? "simulated" : "real", a->conf->simulated ? "simulated" : "real");
    enum err e = ledger_pair(&a->ledger, welcome->journal, welcome->issued, welcome->recorded, why,
                             sizeof(why));
    if (e == ERR_DENIED)
        fatal(EX_DATAERR, "journal.strange", "why=\"%s\"", why);
    must(e, "pair with the journal");
    a->link.hello.journal = a->ledger.journal;
    a->paired_boot = a->link.peer.boot;
    atomic_store(&a->figures.is_joined, 1);
    send_catalogue(a);
}

static void take_message(struct accountant *a, struct message *message) {
    switch (message->wire.kind) {
    case KIND_record:
        // Sent before the broker heard that we take none: it says them again.
        if (!a->reserve.is_closed)
            take_record(a, message);
        break;
    case KIND_prepare:
        take_prepare(a, message);
        break;
    case KIND_key_ask:
        take_key_ask(a, message);
        break;
    default:
        log_line(LOG_WARN, "message.unexpected", "kind=%s", wire_kind(message->wire.kind)->name);
    }
}

// Takes in what waits, up to a transaction's measure. False: nothing waited.
static bool take_all(struct accountant *a, uint64_t now_ms) {
    struct message *message;
    bool has_taken = false;
    while (a->told_count < RECORDS_TURN_MAX && a->turn_bytes < a->turn_bytes_max &&
           link_receive(&a->link, now_ms, &message) == ERR_OK) {
        meet_broker(a);
        take_message(a, message);
        has_taken = true;
    }
    meet_broker(a);
    return has_taken;
}

// ---- the loop -----------------------------------------------------------------------------------

static void note_rate(struct accountant *a, uint64_t now_ms) {
    if (now_ms - a->second_ms < 1000)
        return;
    uint64_t records = atomic_load(&a->figures.records), sum = 0;
    a->second_ms = now_ms;
    a->second = (a->second + 1) % RATE_SECONDS;
    a->counts[a->second] = records - a->last_count;
    a->last_count = records;
    for (int i = 0; i < RATE_SECONDS; i++)
        sum += a->counts[i];
    atomic_store(&a->figures.records_per_second, sum / RATE_SECONDS);
}

// The broker sends records by the credit of the last hello: a closed ledger takes none.
static void note_reserve(struct accountant *a) {
    a->link.hello.slots = a->reserve.is_closed ? 0 : RECORDS_CREDIT;
    atomic_store(&a->figures.is_closed, a->reserve.is_closed);
    atomic_store(&a->figures.disk_free, a->reserve.free_bytes);
    atomic_store(&a->figures.disk_needs, a->reserve.is_closed ? reserve_needs(&a->reserve) : 0);
}

static void look_at_disk(struct accountant *a, uint64_t now_ms) {
    bool was_closed = a->reserve.is_closed;
    if (!reserve_look(&a->reserve, now_ms))
        return;
    note_reserve(a);
    if (a->reserve.is_closed != was_closed)
        link_introduce(&a->link);
}

// The log's place is in the file, and a full disk may have no room for that: then it stays.
static void checkpoint(struct accountant *a, bool is_idle) {
    struct db *db = &a->ledger.db;
    bool is_urgent = a->reserve.is_closed && db->wal_pages > 0;
    enum err e = is_urgent ? db_checkpoint_all(db) : db_checkpoint_if_due(db, is_idle);
    if (e != ERR_FULL)
        must(e, "checkpoint");
}

static void turn(struct accountant *a) {
    struct moment now = clock_now();
    a->ledger.now_ms = now.wall_ms;
    look_at_disk(a, now.mono_ms);
    link_tick(&a->link, now.mono_ms);
    bool is_busy = take_all(a, now.mono_ms);
    if (a->told_count > 0)
        commit(a);
    if (!a->reserve.is_closed)
        must(ledger_index(&a->ledger, false), "enter the value index");
    checkpoint(a, !is_busy);
    note_rate(a, now.mono_ms);
}

static void work(struct accountant *a, int stop_fd) {
    struct sock *socks[] = {&a->link.sock};
    while (!process_is_stopped(stop_fd)) {
        turn(a);
        if (sock_is_readable(&a->link.sock))
            continue;
        long rest_ms = link_rest_ms(&a->link, clock_now().mono_ms);
        sock_wait(socks, 1, &stop_fd, 1, rest_ms);
    }
}

// ---- start and end ------------------------------------------------------------------------------

static void compile_catalogue(struct accountant *a) {
    struct buf problems;
    buf_init(&problems, 64 << 10);
    buf_init(&a->document, CATALOGUE_BYTES_MAX);
    enum err e = catalogue_compile_rules(a->conf->catalogue, a->conf->extracts,
                                         a->conf->extract_count, &a->document, &problems);
    if (e != ERR_OK) {
        (void)fprintf(stderr, "%s\n", buf_cstr(&problems));
        fatal(EX_CONFIG, "catalogue.failed", "why=\"%s\"", err_text(e));
    }
    e = catalogue_load(buf_bytes(&a->document), &a->catalogue);
    if (e != ERR_OK)
        fatal(EX_SOFTWARE, "catalogue.failed", "why=\"%s\"", err_text(e));
    buf_release(&problems);
}

// A log that is full when the disk is finds room for its checkpoint in the reserve, and a
// transaction beside it.
static void divide_space(struct accountant *a) {
    uint64_t reserve = a->reserve.bytes;
    uint64_t wal = WAL_PAGES_MAX * db_page_bytes(&a->ledger.db);
    a->turn_bytes_max = RECORDS_TURN_BYTES_MAX;
    if (reserve > 0 && reserve / 4 < a->turn_bytes_max)
        a->turn_bytes_max = reserve / 4;
    if (reserve > 0 && reserve / 4 * 3 < wal)
        wal = reserve / 4 * 3;
    must(db_limit_wal(&a->ledger.db, wal, wal + a->turn_bytes_max), "limit the log");
}

static void open_ledger(struct accountant *a, const char *path) {
    struct moment now = clock_now();
    char reserve[RESERVE_PATH_MAX];
    (void)snprintf(reserve, sizeof(reserve), "%s/ledger.reserve", a->conf->ledger_folder);
    reserve_open(&a->reserve, reserve, a->conf->ledger_reserve_bytes, now.mono_ms);
    findex_init(&a->findex);
    enum err e =
        ledger_open(&a->ledger, path, a->conf->simulated, &a->findex, &a->figures, now.wall_ms);
    if (e == ERR_DENIED)
        fatal(EX_CONFIG, "ledger.money", "path=\"%s\" why=\"a ledger stays simulated or real\"",
              path);
    if (e == ERR_EXISTS)
        fatal(EX_TEMPFAIL, "ledger.locked", "path=\"%s\"", path);
    if (e == ERR_VERSION || e == ERR_BAD_CONFIG)
        fatal(EX_CONFIG, "ledger.strange", "path=\"%s\" why=\"%s\"", path, err_text(e));
    must(e, "open the ledger");
    divide_space(a);
    must(ledger_adopt(&a->ledger, a->catalogue, buf_bytes(&a->document)), "enter the catalogue");
}

static void open_link(struct accountant *a) {
    static char host[NAME_BYTES_MAX], name[NAME_BYTES_MAX + 16];
    if (gethostname(host, sizeof(host) - 1) != 0)
        (void)snprintf(host, sizeof(host), "here");
    (void)snprintf(name, sizeof(name), "accountant/%.200s", host);
    const struct hello_head hello = {
        .role = bytes_text("accountant"),
        .name = bytes_text(name),
        .host = bytes_text(host),
        .version = bytes_text(COLLOQ_VERSION),
        .slots = RECORDS_CREDIT,
        .applied = a->ledger.applied,
        .ledger = a->ledger.id,
        .journal = a->ledger.journal,
        .simulated = a->conf->simulated,
    };
    enum err e = link_open(&a->link, a->conf->broker, &hello);
    note_reserve(a);
    if (e != ERR_OK)
        fatal(EX_UNAVAILABLE, "broker.unreachable", "endpoint=\"%s\"", a->conf->broker);
}

static void open_queries(struct accountant *a, const char *path) {
    enum err e = queries_open(&a->queries, a->conf->accountant, path, &a->findex, &a->figures);
    if (e != ERR_OK)
        fatal(e == ERR_EXISTS ? EX_TEMPFAIL : EX_OSERR, "queries.failed",
              "endpoint=\"%s\" why=\"%s\"", a->conf->accountant, err_text(e));
}

static struct accountant *open_all(const struct conf *conf, const char *path) {
    struct accountant *a = mem_new(sizeof(*a));
    a->conf = conf;
    buf_init(&a->context, CONTEXT_BYTES_MAX);
    buf_init(&a->all_contexts, CONTEXT_BYTES_MAX + MESSAGE_BYTES_SOFT);
    buf_init(&a->header, HEADER_BYTES_MAX);
    compile_catalogue(a);
    open_ledger(a, path);
    open_queries(a, path);
    open_link(a);
    log_line(LOG_INFO, "accountant.ready", "ledger=\"%s\" applied=%llu catalogue=%.12s", path,
             (unsigned long long)a->ledger.applied, catalogue_hash(a->catalogue));
    return a;
}

static void close_all(struct accountant *a) {
    queries_close(a->queries);
    link_close(&a->link, DRAIN_MS / 10);
    ledger_close(&a->ledger);
    findex_release(&a->findex);
    catalogue_free(a->catalogue);
    buf_release(&a->document);
    buf_release(&a->context);
    buf_release(&a->all_contexts);
    buf_release(&a->header);
    mem_free(a);
    sock_context_close();
}

int accountant_run(const struct conf *conf, int stop_fd) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/ledger.db", conf->ledger_folder);
    if (conf->migrate)
        return once_migrate(path, conf->dry_run);
    if (conf->configure)
        return configure_run(conf, path);
    if (conf->status)
        return once_status(path);
    struct accountant *a = open_all(conf, path);
    work(a, stop_fd);
    log_line(LOG_INFO, "accountant.stopped", "applied=%llu", (unsigned long long)a->ledger.applied);
    close_all(a);
    return 0;
}
