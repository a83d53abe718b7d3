// A worker that lies: ends of calls that it never had, other ends of calls that it had, wrong
// names in heartbeats, and bytes that are no message. Calls that it touches prove nothing any
// more; every other call must not be touched by it.
#include "common/id.h"
#include "tests/broker-sim/world.h"
#include "workers/link.h"

static uint32_t below(uint32_t bound) {
    return draw_below(&world.fault_dice, bound);
}

// A call to lie about: one of this world, which is tainted by it, or one that never was.
static struct id some_call(uint64_t *job) {
    struct call_fact *call =
        world.calls_used > 0 ? &world.calls[1 + below((uint32_t)world.calls_used)] : NULL;
    if (!call || !call->has_left || below(3) == 0) {
        *job = below(2) ? below(60) : draw(&world.fault_dice) >> 1;
        return call_id_make((1ull << 40) + below(1000), draw(&world.fault_dice));
    }
    call->is_tainted = true;
    job_fact(call->job)->is_tainted = true;
    *job = call->job;
    return call->call;
}

static void send_items(const struct link *link, enum kind kind, const void *head, const void *item,
                       const struct bytes *frames) {
    struct wire_writer writer;
    struct buf header;
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, kind, head, 1);
    wire_item(&writer, item);
    if (wire_end(&writer) == ERR_OK)
        net_send_raw(&link->sock, buf_bytes(&header), frames, wire_kind(kind)->frames);
    buf_release(&header);
}

// Names of the job that the lie is about; of one that never was, names of nobody.
static void lie_names(struct end_item *item) {
    const struct job_fact *job = item->job < JOBS_MAX ? job_fact(item->job) : NULL;
    if (!job || job->line == 0 || job->file >= FILES) {
        bytes_put_u64(item->batch_id.at, draw(&world.fault_dice));
        bytes_put_u64(item->job_id.at, draw(&world.fault_dice));
        item->conversation_id = item->job_id;
        item->turn = below(3);
        item->line = below(30);
        return;
    }
    struct put_item line;
    file_item(&world.files[job->file], job->line, &line);
    item->batch_id = world.files[job->file].batch_id;
    item->job_id = line.job_id;
    item->conversation_id = line.conversation_id;
    item->conversation = line.conversation;
    item->turn = line.turn;
    item->line = line.line;
}

static void lie_end(const struct link *link) {
    static const char *const endeds[] = {"answered", "failed", "not_started", "unknown", "what"};
    static const char *const classes[] = {"success",   "retryable", "rate_limited", "permanent",
                                          "lane_wide", "malformed", "what"};
    const struct end_head head = {.boot = link->peer.boot, .process = link->peer.process};
    struct end_item item = {
        .provider = bytes_text("p"),
        .api = bytes_text("chat"),
        .key = bytes_text("k"),
        .model = bytes_text("m"),
        .attempt = below(5),
        .ended = bytes_text(endeds[below(5)]),
        .class = bytes_text(classes[below(7)]),
        .bytes_left = below(2),
        .has_begun = below(2),
        .status = below(2) * 200,
        .retry_after_ms = below(10000),
        .worker = bytes_text("liar"),
    };
    struct bytes frames[2] = {bytes_text(below(2) ? "x: y\r\n" : ""), bytes_text("a lie")};
    bytes_put_u64(item.digest.at, draw(&world.fault_dice));
    item.call = some_call(&item.job);
    lie_names(&item);
    if (item.job < JOBS_MAX)
        job_fact(item.job)->is_tainted = true;
    TELL("lies about call %llu of job %llu: %.*s %.*s",
         (unsigned long long)call_id_counter(item.call), (unsigned long long)item.job,
         (int)item.ended.size, (const char *)item.ended.at, (int)item.class.size,
         (const char *)item.class.at);
    send_items(link, KIND_end, &head, &item, frames);
}

static void lie_heartbeat(const struct link *link) {
    struct id held[4];
    uint64_t job;
    uint32_t count = below(5);
    for (uint32_t i = 0; i < count; i++)
        held[i] = some_call(&job);
    const struct heartbeat_head head = {
        .boot = below(4) ? link->peer.boot : draw(&world.fault_dice) >> 1,
        .process = link->peer.process,
        .seen = below(2) ? below(100) : draw(&world.fault_dice) >> 1,
        .held = bytes_of(held, count * sizeof(held[0])),
    };
    // It may say that it never had what it has.
    for (uint64_t i = 1; i <= world.calls_used; i++)
        if (world.calls[i].leased_life == world.running->life &&
            world.calls[i].stored == END_none) {
            world.calls[i].is_tainted = true;
            job_fact(world.calls[i].job)->is_tainted = true;
        }
    TELL("lies about what it holds");
    struct buf header;
    struct wire_writer writer;
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_heartbeat, &head, 0);
    if (wire_end(&writer) == ERR_OK)
        net_send_raw(&link->sock, buf_bytes(&header), NULL, 0);
    buf_release(&header);
}

// What another role would say, or none.
static void lie_role(const struct link *link) {
    const struct recorded_head recorded = {.applied = below(1000)};
    const struct recorded_item record = {.number = below(100), .has_answer = below(2)};
    const struct seal_head seal = {.batch = below(4), .lines = below(20)};
    struct buf header;
    struct wire_writer writer;
    TELL("says what it may not");
    if (below(2)) {
        send_items(link, KIND_recorded, &recorded, &record, NULL);
        return;
    }
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_seal, &seal, 0);
    if (wire_end(&writer) == ERR_OK)
        net_send_raw(&link->sock, buf_bytes(&header), NULL, 0);
    buf_release(&header);
}

static void lie_bytes(const struct link *link) {
    uint8_t bytes[64];
    struct bytes frames[3];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)draw(&world.fault_dice);
    for (uint32_t i = 0; i < 3; i++)
        frames[i] = bytes_of(bytes, below(20));
    TELL("sends bytes that are no message");
    net_send_raw(&link->sock, bytes_of(bytes, below(sizeof(bytes))), frames, below(4));
}

void liar_acts(struct process *process) {
    const struct link *link = worker_link(process);
    if (!link_is_joined(link) || below(3) > 0)
        return;
    switch (below(6)) {
    case 0:
        lie_heartbeat(link);
        break;
    case 1:
        lie_role(link);
        break;
    case 2:
        lie_bytes(link);
        break;
    default:
        lie_end(link);
        break;
    }
}
