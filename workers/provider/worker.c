#include "workers/provider/worker.h"

#include "common/clock.h"
#include "common/id.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/process.h"
#include "workers/link.h"
#include "workers/provider/classify.h"
#include "workers/provider/endpoints.h"
#include "workers/provider/ends.h"
#include "workers/provider/lag.h"
#include "workers/provider/names.h"
#include "workers/provider/transfer.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    FILES_BESIDE_CALLS = 256,      // descriptors that are no call's
    LINK_LINGER_MS = 2000,         // for the last heartbeat and ends to leave
    DRAIN_HANDOVER_MS = 3000,      // of DRAIN_MS: for the ends of calls that had to be broken off
    SCAN_NODES_KEPT_MAX = 1 << 16, // an index that grew beyond this is freed after its use
};

struct worker {
    const struct conf *conf;
    struct moment now; // of this turn
    struct link link;
    struct ends ends;
    struct lag lag;
    uint64_t beats_taken;
    uint64_t reconnections; // of the link, whose descriptor is watched
    unsigned link_bit;
    struct name name;
    struct transfers *transfers;
    struct endpoints *endpoints; // of the newest catalogue; NULL until one came
    uint64_t catalogue_version;  // that endpoints were made from
    struct json_scan scan;
    struct buf header; // of the message that is being written
    char host[NAME_BYTES_MAX];
    unsigned slots;
    unsigned stop_bit;
    int stop_fd;
    uint64_t said_boot; // the boot that the ends were said to; 0: not joined
    bool is_draining;
    uint64_t drain_started_ms;
    uint64_t welcomes_before; // the drain
};

// ---- starting -----------------------------------------------------------------------------------

// Each call needs a descriptor: fewer slots are offered where the system does not permit as many.
static unsigned slots_of(const struct conf *conf) {
    struct rlimit limit;
    uint64_t slots = conf->slots < SLOTS_MAX ? conf->slots : SLOTS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        fatal(EX_OSERR, "process.failed", "why=\"no limit of files\"");
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < FILES_BESIDE_CALLS + slots) {
        uint64_t fewer =
            limit.rlim_cur > FILES_BESIDE_CALLS + 1 ? limit.rlim_cur - FILES_BESIDE_CALLS : 1;
        log_line(LOG_WARN, "slots.lowered", "asked=%" PRIu64 " slots=%" PRIu64 " files=%llu", slots,
                 fewer, (unsigned long long)limit.rlim_cur);
        slots = fewer;
    }
    return (unsigned)slots;
}

static void join(struct worker *worker) {
    const struct hello_head hello = {
        .role = bytes_text("worker"),
        .name = bytes_text(worker->name.text),
        .host = bytes_text(worker->host),
        .version = bytes_text(COLLOQ_VERSION),
        .slots = worker->slots,
        .proves_death = worker->name.is_lasting,
        .life = worker->name.life,
        .simulated = worker->conf->simulated,
    };
    if (link_open(&worker->link, worker->conf->broker, &hello) != ERR_OK)
        fatal(EX_CONFIG, "broker.unreachable", "endpoint=%s why=\"not an endpoint\"",
              worker->conf->broker);
}

static struct worker *worker_open(const struct conf *conf, int stop_fd) {
    struct worker *worker = mem_new(sizeof(*worker));
    worker->conf = conf;
    worker->now = clock_now();
    worker->slots = slots_of(conf);
    worker->stop_fd = stop_fd;
    if (gethostname(worker->host, sizeof(worker->host) - 1) != 0)
        worker->host[0] = 0;
    name_take(&worker->name, conf->names);
    json_scan_init(&worker->scan);
    buf_init(&worker->header, HEADER_BYTES_MAX);
    const struct transfer_limits limits = {
        .connect_ms = conf->connect_limit_ms,
        .stall_ms = conf->stall_limit_ms,
        .first_byte_ms = conf->first_byte_limit_ms,
        .head_bytes_max = ANSWER_HEADERS_BYTES_MAX,
        .answer_bytes_max = ANSWER_BYTES_MAX,
    };
    worker->transfers = transfers_new(worker->slots, &limits);
    join(worker);
    ends_init(&worker->ends, &worker->link.peer, worker->name.text);
    worker->stop_bit = transfers_watch(worker->transfers, stop_fd);
    worker->link_bit = transfers_watch(worker->transfers, sock_fd(&worker->link.sock));
    log_line(LOG_INFO, "worker.started", "name=%s slots=%u lasting=%s broker=%s", worker->name.text,
             worker->slots, worker->name.is_lasting ? "yes" : "no", conf->broker);
    return worker;
}

// ---- what the broker is told of us --------------------------------------------------------------

// Says hello again with what changed; the broker takes it from the same process at any time.
static void say_hello(struct worker *worker) {
    if (!link_is_joined(&worker->link))
        return; // it is said anyway until we are welcome
    if (sock_send_head(&worker->link.sock, NULL, KIND_hello, &worker->link.hello, NULL, 0) !=
        ERR_OK)
        peer_unknown(&worker->link.peer, worker->now.mono_ms);
}

static void retire(struct endpoints *endpoints) {
    if (!endpoints)
        return;
    endpoints->is_old = true;
    if (endpoints->users == 0)
        endpoints_free(endpoints);
}

static void take_catalogue(struct worker *worker) {
    if (worker->link.catalogue_version == worker->catalogue_version)
        return;
    worker->catalogue_version = worker->link.catalogue_version;
    struct endpoints *endpoints = endpoints_new(worker->conf, buf_bytes(&worker->link.catalogue),
                                                worker->link.catalogue_hash);
    if (!endpoints) {
        log_line(LOG_ERROR, "catalogue.refused", "hash=%s", worker->link.catalogue_hash);
        return;
    }
    retire(worker->endpoints);
    worker->endpoints = endpoints;
    log_line(LOG_INFO, "catalogue.loaded", "hash=%.12s keys=%s", endpoints->hash, endpoints->keys);
    worker->link.hello.keys = bytes_text(endpoints->keys);
    say_hello(worker);
}

// ---- leases -------------------------------------------------------------------------------------

// W3C trace context: the job's own if it brought one; else the job is the trace and the call the
// span in it. Where the provider takes our call id nowhere else, the span is always the call.
static bool add_trace(struct transfer *transfer, const struct end_item *item, bool is_only_name) {
    char text[64], job[ID_HEX_SIZE];
    id_hex(item->job_id, job);
    if (item->traceparent.size == 55 && !is_only_name)
        (void)snprintf(text, sizeof(text), "%.55s", (const char *)item->traceparent.at);
    else
        (void)snprintf(text, sizeof(text), "00-%.32s-%016" PRIx64 "-01",
                       item->traceparent.size == 55 ? (const char *)item->traceparent.at + 3 : job,
                       call_id_counter(item->call));
    return transfer_line(transfer, "traceparent", text);
}

static bool add_names(struct transfer *transfer, const struct provider_api *api,
                      const struct end_item *item) {
    char call[ID_HEX_SIZE];
    id_hex(item->call, call);
    if (api->call_id_header && !transfer_line(transfer, api->call_id_header, call))
        return false;
    return add_trace(transfer, item, !api->call_id_header);
}

static void trim_scan(struct json_scan *scan) {
    if (scan->capacity > SCAN_NODES_KEPT_MAX) {
        json_scan_release(scan);
        json_scan_init(scan);
    }
}

// Ends a call that was not begun.
static void hand_back(struct worker *worker, struct held *held, enum call_class class,
                      const char *reason) {
    const struct ending ending = {
        .ended = "not_started",
        .class = call_class_name(class),
        .reason = reason,
        .started_ms = worker->now.wall_ms,
    };
    log_line(LOG_DEBUG, "lease.handed_back", "reason=%s", reason);
    ends_finish(&worker->ends, held, &ending);
}

// What is heard of a stream while it comes: only until it begins to say something.
struct listener {
    const struct provider_api *api;
    struct json_scan *scan;
    struct sse sse;
    struct stream_story story;
};

static bool hears_content(void *data, struct bytes answer) {
    struct listener *listener = data;
    struct sse_event event;
    while (!listener->story.has_content &&
           sse_next(&listener->sse, answer, false, &event) == SSE_event)
        (void)provider_api_hear(listener->api, &event, listener->scan, &listener->story);
    return listener->story.has_content;
}

static void listen_to(struct worker *worker, struct transfer *transfer,
                      const struct provider_api *api) {
    struct listener *listener = mem_new(sizeof(*listener));
    *listener = (struct listener){.api = api, .scan = &worker->scan};
    sse_init(&listener->sse);
    transfer->listener = listener;
    transfer->hears = hears_content;
}

// Gives back what a call had, started or not.
static void give_back(struct transfer *transfer, char *url) {
    struct listener *listener = transfer->listener;
    if (listener)
        sse_release(&listener->sse);
    mem_free(listener);
    transfer_give(transfer);
    mem_free(url);
}

// Writes the request and starts it. Returns NULL, or why it cannot be made of the job.
static const char *begin_call(struct worker *worker, struct held *held, struct transfer *transfer,
                              const struct endpoint *endpoint, const struct adapter_job *job,
                              uint64_t limit_ms) {
    const char *refusal = endpoint->adapter->write(job, &worker->scan, &transfer->request);
    trim_scan(&worker->scan);
    if (refusal)
        return refusal;
    if (!add_names(transfer, endpoint->api, &held->item))
        return "trace_malformed";
    held->url = endpoint_url(endpoint, job);
    if (!held->url)
        return "model_in_no_url";
    if (job->is_stream)
        listen_to(worker, transfer, endpoint->api);
    transfer->owner = held;
    transfer->purpose = endpoint;
    transfer->url = held->url;
    transfer->headers = endpoint->lines;
    transfer->may_be_private = endpoint->may_be_private;
    transfer->may_be_plain = endpoint->may_be_plain;
    held->running = transfer;
    endpoint->home->users++;
    transfer_start(transfer, limit_ms);
    return NULL;
}

// A lease that this worker named as held: begins it or ends it at once.
static void begin_lease(struct worker *worker, struct held *held, const struct lease_item *lease,
                        struct bytes line, struct bytes context, uint64_t way_ms) {
    const struct endpoint *endpoint =
        endpoints_find(worker->endpoints, lease->provider, lease->api, lease->key);
    if (worker->is_draining) {
        hand_back(worker, held, CLASS_retryable, "worker_stops");
        return;
    }
    if (way_ms > lease->limit_ms / 2) {
        hand_back(worker, held, CLASS_retryable, "lease_too_old");
        return;
    }
    if (!endpoint) {
        hand_back(worker, held, CLASS_retryable, "no_key");
        return;
    }
    struct transfer *transfer =
        worker->ends.running_count + worker->ends.ended_count <= worker->slots
            ? transfers_take(worker->transfers)
            : NULL;
    if (!transfer) {
        hand_back(worker, held, CLASS_retryable, "no_slot");
        return;
    }
    struct adapter_job job = {
        .api = endpoint->api, .line = line, .context = context, .model = held->item.model};
    job.is_stream = job_asks_stream(&job);
    const char *refusal =
        begin_call(worker, held, transfer, endpoint, &job, lease->limit_ms - way_ms);
    if (refusal) {
        give_back(transfer, held->url);
        hand_back(worker, held, CLASS_permanent, refusal);
    }
}

static void take_leases(struct worker *worker, struct message *message) {
    struct lease_head head;
    struct lease_item lease;
    if (wire_head(&message->wire, &head) != ERR_OK) {
        log_line(LOG_WARN, "message.dropped", "why=\"a lease that is not valid\"");
        return;
    }
    uint64_t way_ms = lag_take(&worker->lag, head.boot, head.stamp_ms, worker->now.mono_ms);
    for (uint32_t i = 0; wire_next(&message->wire, &lease) == ERR_OK; i++) {
        if (!peer_takes(&worker->link.peer, head.boot, head.process, lease.number)) {
            log_line(LOG_DEBUG, "lease.dropped", "number=%" PRIu64, lease.number);
            continue;
        }
        struct held *held =
            ends_take(&worker->ends, &lease, worker->endpoints ? worker->endpoints->hash : "");
        if (!held) {
            log_line(LOG_ERROR, "lease.dropped", "number=%" PRIu64 " why=\"held already, or full\"",
                     lease.number);
            continue;
        }
        begin_lease(worker, held, &lease, message_item_frame(message, i, 0),
                    message_item_frame(message, i, 1), way_ms);
    }
}

static void take_stored(struct worker *worker, struct message *message) {
    struct end_stored_item item;
    while (wire_next(&message->wire, &item) == ERR_OK)
        (void)ends_stored(&worker->ends, item.call);
}

static void take_aborts(struct worker *worker, struct message *message) {
    struct abort_item item;
    while (wire_next(&message->wire, &item) == ERR_OK) {
        struct held *held = ends_find(&worker->ends, item.call);
        if (held && held->running)
            transfer_abort(held->running);
    }
}

// A beat a second keeps the smallest difference of the clocks known while no lease comes, so that
// the first one after a long silence can be seen to be old.
static void take_beats(struct worker *worker) {
    if (worker->beats_taken == worker->link.beats)
        return;
    worker->beats_taken = worker->link.beats;
    (void)lag_take(&worker->lag, worker->link.peer.boot, worker->link.beat_stamp_ms,
                   worker->now.mono_ms);
}

static void take_messages(struct worker *worker) {
    struct message *message;
    for (int i = 0; i < TURN_MESSAGES_MAX; i++) {
        if (link_receive(&worker->link, worker->now.mono_ms, &message) != ERR_OK)
            break;
        switch (message->wire.kind) {
        case KIND_lease:
            take_leases(worker, message);
            break;
        case KIND_end_stored:
            take_stored(worker, message);
            break;
        case KIND_abort:
            take_aborts(worker, message);
            break;
        default:
            log_line(LOG_WARN, "message.dropped", "why=\"not for a worker\"");
        }
    }
    take_beats(worker);
}

// ---- ends ---------------------------------------------------------------------------------------

// What an operator could act on; a repetition is left out by the log.
static void report(const struct endpoint *endpoint, const struct verdict *verdict) {
    if (verdict->class == CLASS_lane_wide)
        log_line(LOG_WARN, "provider.refuses", "provider=%s reason=%s status=%u",
                 endpoint->api->provider, verdict->reason, verdict->status);
    else if (strcmp(verdict->ended, "not_started") == 0)
        log_line(LOG_WARN, "provider.unreachable", "provider=%s reason=%s", endpoint->api->provider,
                 verdict->reason);
}

static void finish_call(struct worker *worker, struct transfer *transfer) {
    const struct endpoint *endpoint = transfer->purpose;
    const struct outcome outcome = {
        .end = transfer->end,
        .http_end = transfer->http_end,
        .status = transfer->status,
        .has_left = transfer->has_left,
        .head = buf_bytes(&transfer->head),
        .body = buf_bytes(&transfer->answer),
        .words = transfer->easy.error,
        .now_ms = worker->now.wall_ms,
    };
    struct verdict verdict;
    classify(endpoint->api, endpoint->adapter, &outcome, &worker->scan, &verdict);
    trim_scan(&worker->scan);
    report(endpoint, &verdict);
    const struct ending ending = {
        .ended = verdict.ended,
        .class = call_class_name(verdict.class),
        .reason = verdict.reason,
        .detail = verdict.detail,
        .status = verdict.status,
        .bytes_left = transfer->has_left,
        .has_begun = verdict.has_begun,
        .started_ms = transfer->started_ms,
        .duration_ms = transfer->duration_ms,
        .first_byte_ms = transfer->first_byte_ms,
        .first_token_ms = transfer->first_token_ms,
        .retry_after_ms = verdict.retry_after_ms,
        .head = outcome.head,
        .body = outcome.body,
    };
    struct held *held = transfer->owner;
    char *url = held->url;
    ends_finish(&worker->ends, held, &ending);
    struct endpoints *home = endpoint->home;
    give_back(transfer, url);
    home->users--;
    if (home->is_old && home->users == 0)
        endpoints_free(home);
}

static void finish_calls(struct worker *worker) {
    struct transfer *transfer;
    while ((transfer = transfers_next(worker->transfers)))
        finish_call(worker, transfer);
}

static void say_ends(struct worker *worker) {
    struct held *batch[ITEMS_MAX];
    struct bytes frames[2 * ITEMS_MAX];
    const struct end_head head = {.boot = worker->link.peer.boot,
                                  .process = worker->link.peer.process};
    uint32_t count;
    while (link_is_joined(&worker->link) &&
           (count = ends_batch(&worker->ends, worker->now.mono_ms, batch)) > 0) {
        struct wire_writer writer;
        wire_begin(&writer, &worker->header, KIND_end, &head, count);
        for (uint32_t i = 0; i < count; i++) {
            wire_item(&writer, &batch[i]->item);
            frames[2 * i] = batch[i]->head;
            frames[2 * i + 1] = batch[i]->body;
        }
        enum err e = wire_end(&writer);
        if (e == ERR_OK)
            e = sock_send(&worker->link.sock, NULL, buf_bytes(&worker->header), frames, 2 * count);
        if (e != ERR_OK) // they are said again after END_RESEND_MS, or after the next welcome
            log_line(LOG_WARN, "ends.not_sent", "why=\"%s\"", err_text(e));
    }
}

// ---- stopping -----------------------------------------------------------------------------------

static void begin_drain(struct worker *worker) {
    if (!process_is_stopped(worker->stop_fd) || worker->is_draining)
        return;
    worker->is_draining = true;
    worker->drain_started_ms = worker->now.mono_ms;
    worker->welcomes_before = worker->link.welcomes;
    worker->link.hello.slots = 0;
    say_hello(worker);
    log_line(LOG_INFO, "worker.drains", "running=%u unstored=%u", worker->ends.running_count,
             worker->ends.ended_count);
}

static void abort_all(struct worker *worker) {
    for (struct held *held = worker->ends.running.first; held; held = held->next)
        if (held->running)
            transfer_abort(held->running);
}

// Whether no lease is on its way any more: the broker has answered the hello that takes none, or
// it is not there to send one.
static bool is_known_to_drain(const struct worker *worker, uint64_t since_ms) {
    bool is_answered =
        worker->link.welcomes != worker->welcomes_before && worker->link.welcome.slots == 0;
    return is_answered || !link_is_joined(&worker->link) || since_ms >= DRAIN_HANDOVER_MS;
}

// Whether the process may end now. Breaks off the calls that take too long.
static bool is_drained(struct worker *worker) {
    if (!worker->is_draining)
        return false;
    uint64_t since_ms = worker->now.mono_ms - worker->drain_started_ms;
    if (since_ms >= DRAIN_MS - DRAIN_HANDOVER_MS)
        abort_all(worker);
    uint32_t held = worker->ends.running_count + worker->ends.ended_count;
    if ((held > 0 && since_ms < DRAIN_MS) || !is_known_to_drain(worker, since_ms))
        return false;
    if (held > 0)
        log_line(LOG_ERROR, "ends.lost", "count=%u why=\"the broker did not store them in time\"",
                 held);
    else
        log_line(LOG_INFO, "worker.stopped", "unstored=0");
    return true;
}

// ---- the loop -----------------------------------------------------------------------------------

static long wait_ms(struct worker *worker) {
    if (sock_is_readable(&worker->link.sock))
        return 0; // the socket's descriptor only tells of what is new
    uint64_t rest_ms = (uint64_t)link_rest_ms(&worker->link, worker->now.mono_ms);
    if (link_is_joined(&worker->link)) {
        uint64_t ends_ms = ends_rest_ms(&worker->ends, worker->now.mono_ms);
        rest_ms = ends_ms < rest_ms ? ends_ms : rest_ms;
    }
    return (long)rest_ms;
}

static void turn(struct worker *worker) {
    unsigned ready = transfers_wait(worker->transfers, wait_ms(worker));
    worker->now = clock_now();
    if (ready & worker->stop_bit)
        begin_drain(worker);
    transfers_turn(worker->transfers, worker->now.mono_ms, worker->now.wall_ms);
    take_messages(worker);
    take_catalogue(worker);
    // Calls that were begun just now leave in this turn.
    transfers_turn(worker->transfers, worker->now.mono_ms, worker->now.wall_ms);
    finish_calls(worker);
    link_tick(&worker->link, worker->now.mono_ms);
    if (worker->reconnections != worker->link.reconnections) {
        worker->reconnections = worker->link.reconnections;
        transfers_watch_instead(worker->transfers, worker->link_bit, sock_fd(&worker->link.sock));
    }
    uint64_t boot = link_is_joined(&worker->link) ? worker->link.peer.boot : 0;
    if (boot && boot != worker->said_boot)
        ends_rejoined(&worker->ends);
    worker->said_boot = boot;
    say_ends(worker);
}

static void worker_close(struct worker *worker) {
    // What still runs is ended, so that all that a call has is given back; nobody hears these ends.
    abort_all(worker);
    finish_calls(worker);
    transfers_free(worker->transfers);
    link_close(&worker->link, LINK_LINGER_MS);
    sock_context_close();
    ends_release(&worker->ends);
    endpoints_free(worker->endpoints);
    json_scan_release(&worker->scan);
    buf_release(&worker->header);
    name_release(&worker->name);
    mem_free(worker);
}

int worker_run(const struct conf *conf, int stop_fd) {
    struct worker *worker = worker_open(conf, stop_fd);
    while (!is_drained(worker))
        turn(worker);
    worker_close(worker);
    return 0;
}
