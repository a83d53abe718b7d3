#include "broker/loop.h"

#include "common/id.h"
#include "common/log.h"
#include "common/mem.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>

static void build_core(struct loop *loop, const struct conf *conf) {
    struct core_config config = {
        .jobs_max = (uint32_t)conf->jobs_max,
        .conversations_max = (uint32_t)conf->jobs_max,
        .records_max = 1u << 20,
        .flows_max = 1u << 16,
        .lane_concurrency = (uint32_t)conf->lane_concurrency,
        .attempts_max = (uint32_t)conf->attempts_max,
        .call_limit_ms = (uint32_t)conf->call_limit_ms,
        .boot = loop->boot,
        .journal = loop->journal.id,
    };
    loop->core_size = core_size(&config);
    loop->core_memory = mmap(NULL, loop->core_size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (loop->core_memory == MAP_FAILED)
        fatal(EX_OSERR, "memory.exhausted", "bytes=%zu why=\"lower broker.jobs_max\"",
              loop->core_size);
    loop->core = core_init(loop->core_memory, &config);
    journal_restore(&loop->journal, loop->core);
    core_restored(loop->core, loop->now.mono_ms, loop->now.wall_ms);
}

// What the journal may take, as disk and budget stand now.
static void measure(struct loop *loop) {
    loop->pages_bytes_max = space_for_pages(&loop->limits, loop->reserve.free_bytes,
                                            journal_disk_bytes(&loop->journal));
}

// The reserve comes first: without it a full disk would not even let the journal open.
static void open_journal(struct loop *loop, const struct conf *conf) {
    char path[RESERVE_PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/journal.reserve", conf->journal_folder);
    reserve_open(&loop->reserve, path, conf->journal_reserve_bytes, loop->now.mono_ms);
    (void)snprintf(path, sizeof(path), "%s/journal.db", conf->journal_folder);
    journal_open(&loop->journal, path, conf->simulated);
    loop->limits = space_limits(conf->journal_bytes_max, conf->journal_reserve_bytes);
    journal_limit(&loop->journal, &loop->limits);
    measure(loop);
}

void loop_open(struct loop *loop, const struct conf *conf) {
    memset(loop, 0, sizeof(*loop));
    loop->now = clock_now();
    loop->started_ms = loop->now.mono_ms;
    loop->boot = random_u64() >> 1 | 1u; // fits a signed column, and is never 0
    loop->is_simulated = conf->simulated;
    open_journal(loop, conf);
    keep_init(&loop->contexts);
    keep_init(&loop->facts);
    keep_init(&loop->texts);
    outbox_init(&loop->outbox);
    buf_init(&loop->catalogue, CATALOGUE_BYTES_MAX);
    buf_init(&loop->scratch, HEADER_BYTES_MAX);
    loop->inbox_memory = mem_array(INBOX_MAX, sizeof(struct message));
    for (uint32_t i = 0; i < INBOX_MAX; i++)
        loop->inbox[i] = &loop->inbox_memory[i];
    build_core(loop, conf);
    sock_serve(&loop->sock, conf->broker, conf->listen);
    log_line(LOG_INFO, "broker.ready", "endpoint=%s also=%s boot=%016llx", conf->broker,
             conf->listen ? conf->listen : "none", (unsigned long long)loop->boot);
}

void loop_close(struct loop *loop) {
    for (uint32_t i = 0; i < loop->waiting; i++)
        message_release(loop->inbox[i]);
    mem_free(loop->inbox_memory);
    sock_close(&loop->sock, 200);
    journal_close(&loop->journal);
    keep_release(&loop->contexts);
    keep_release(&loop->facts);
    keep_release(&loop->texts);
    outbox_release(&loop->outbox);
    buf_release(&loop->catalogue);
    buf_release(&loop->scratch);
    (void)munmap(loop->core_memory, loop->core_size);
}

void loop_step(struct loop *loop, struct event *event, struct message *message, uint32_t item) {
    struct input input = {.event = event, .message = message, .item = item};
    event->now_ms = loop->now.mono_ms;
    event->wall_ms = loop->now.wall_ms;
    core_step(loop->core, event, &loop->effects);
    for (uint32_t i = 0; i < loop->effects.count; i++)
        loop_do(loop, &loop->effects.items[i], &input);
}

uint64_t loop_message_bytes(struct message *message) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < message->count; i++)
        bytes += message_frame(message, i).size;
    return bytes;
}

// Takes what waits at the socket, up to what the inbox holds and a turn may write.
static void hear(struct loop *loop) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < loop->waiting; i++)
        bytes += loop_message_bytes(loop->inbox[i]);
    // What is no message counts too: nobody holds up the turn with it.
    for (uint32_t heard = loop->waiting; heard < INBOX_MAX && bytes < loop->limits.turn_bytes;
         heard++) {
        struct message *message = loop->inbox[loop->waiting];
        enum err e = sock_receive(&loop->sock, message);
        if (e == ERR_AGAIN)
            break;
        if (e != ERR_OK) {
            log_line(LOG_WARN, "message.dropped", "why=\"%s\"", err_text(e));
            if (e == ERR_VERSION)
                loop_refuse_version(loop, &message->route);
            continue;
        }
        bytes += loop_message_bytes(message);
        loop->waiting++;
        loop->messages++;
    }
}

// What follows, as much of it as a turn may write; of what is left the next turn hears at once.
static void run_ticks(struct loop *loop) {
    loop->has_more = true;
    for (int i = 0; loop->has_more && i < TICKS_A_TURN; i++) {
        struct event tick = {.kind = EVENT_tick};
        loop_step(loop, &tick, NULL, 0);
        loop->has_more = loop->effects.more;
    }
}

// Serves the inbox by rank, each kind of the last rank with its share; what is left stays first.
static void decide(struct loop *loop) {
    uint32_t puts = 0, left = 0;
    struct message *later[INBOX_MAX];
    struct message *done[INBOX_MAX];
    uint32_t done_count = 0;
    for (unsigned rank = 0; rank <= loop_rank(KIND_put); rank++)
        for (uint32_t i = 0; i < loop->waiting; i++) {
            struct message *message = loop->inbox[i];
            if (loop_rank(message->wire.kind) != rank)
                continue;
            if (rank == loop_rank(KIND_put) && ++puts > PUTS_A_TURN) {
                later[left++] = message;
                continue;
            }
            loop_serve(loop, message);
            message_release(message);
            done[done_count++] = message;
        }
    memcpy(loop->inbox, later, left * sizeof(later[0]));
    memcpy(loop->inbox + left, done, done_count * sizeof(done[0]));
    loop->waiting = left;
    run_ticks(loop);
}

static void log_lane(const struct lane *lane) {
    if (lane->state == LANE_held)
        log_line(LOG_WARN, "lane.held", "provider=%s key=%s model=\"%s\" reason=%s", lane->provider,
                 lane->key, lane->model, lane->held_reason);
    else
        log_line(LOG_INFO, lane->state == LANE_paused ? "lane.paused" : "lane.open",
                 "provider=%s key=%s model=\"%s\"", lane->provider, lane->key, lane->model);
}

static void store_batch(struct loop *loop, uint32_t slot) {
    struct batch_texts texts;
    bool is_new = keep_get(&loop->texts, slot, &texts.name, &texts.tags);
    journal_store_batch(&loop->journal, loop->core, slot, is_new ? &texts : NULL);
    keep_drop(&loop->texts, slot);
}

static void write_down(struct loop *loop) {
    uint32_t slot;
    while ((slot = core_dirty_lane(loop->core))) {
        log_lane(core_lane(loop->core, slot));
        journal_store_lane(&loop->journal, loop->core, slot);
    }
    while ((slot = core_dirty_worker(loop->core)))
        journal_store_worker(&loop->journal, loop->core, slot);
    while ((slot = core_dirty_batch(loop->core)))
        store_batch(loop, slot);
    while ((slot = core_dirty_conversation(loop->core)))
        journal_store_conversation(&loop->journal, loop->core, slot);
    while ((slot = core_dirty_job(loop->core)))
        journal_store_job(&loop->journal, loop->core, slot,
                          core_job(loop->core, slot)->number > loop->journal.counters.jobs);
    journal_store_counters(&loop->journal, loop->core);
    journal_commit(&loop->journal);
}

static void stop_mismatched(struct loop *loop) {
    sock_close(&loop->sock, 1000); // the accountant is told before
    fatal(EX_DATAERR, "ledger.mismatch",
          "why=%s what=\"journal and ledger are not of one moment: restore both from one backup\"",
          loop->stop_why);
}

static void gone(void *owner, uint32_t peer) {
    loop_forget_peer(owner, peer);
}

static void tell_space(struct loop *loop) {
    if (reserve_look(&loop->reserve, loop->now.mono_ms))
        measure(loop);
    core_close(loop->core, loop->reserve.is_closed);
    core_space(loop->core, journal_used_bytes(&loop->journal), loop->pages_bytes_max);
}

static long rest_ms(struct loop *loop) {
    uint64_t due = core_due_ms(loop->core);
    uint64_t now = loop->now.mono_ms;
    if (loop->waiting > 0 || loop->has_more || due <= now)
        return 0;
    return due - now < HEARTBEAT_MS ? (long)(due - now) : HEARTBEAT_MS;
}

void loop_turn(struct loop *loop, int stop_fd) {
    struct sock *socks[] = {&loop->sock};
    long rest = rest_ms(loop);
    bool is_idle = rest > 0 && !sock_is_readable(&loop->sock);
    journal_tidy(&loop->journal, is_idle, loop->reserve.is_closed);
    if (rest > 0)
        sock_wait(socks, 1, &stop_fd, 1, rest);
    uint64_t before_ms = loop->now.mono_ms;
    loop->now = clock_now();
    // Nobody is silent because we were not listening.
    if (loop->now.mono_ms - before_ms > 2 * HEARTBEAT_MS)
        loop_excuse_silence(loop);
    loop->turns++;
    tell_space(loop);
    hear(loop);
    decide(loop);
    loop_forget_silent(loop);
    write_down(loop);
    outbox_send(&loop->outbox, &loop->sock, &loop->peers, gone, loop);
    if (loop->stop_why)
        stop_mismatched(loop);
}
