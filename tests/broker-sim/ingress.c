// The ingress with its clients: the real stream towards the broker, fed with the lines of a file
// as a client sends them. A client that is killed begins again with line 1.
#include "common/id.h"
#include "tests/broker-sim/world.h"
#include "workers/link.h"

#include <stdio.h>
#include <sysexits.h>

enum { FEED_MAX = 5, STEP_MS = 250, TIMES_MAX = 3 };

static struct {
    struct link link;
    uint64_t boot;
    uint64_t streams; // of this life: their requests are told apart by it
} self;

void ingress_start(struct process *process) {
    (void)process;
    const struct hello_head hello = {
        .role = bytes_text("ingress"), .name = bytes_text("ingress/here"), .simulated = true};
    self.boot = self.streams = 0; // each life counts anew
    (void)link_open(&self.link, "", &hello);
}

static void drop_stream(struct submission *file) {
    if (file->has_stream)
        stream_release(&file->stream);
    file->has_stream = false;
}

void client_kill(struct submission *file, uint64_t back_in_ms) {
    struct process *running = world.running;
    if (file->client != CLIENT_sends)
        return;
    TELL("the client of %s is killed", file->key);
    world.running = &world.processes[AT_INGRESS];
    drop_stream(file);
    world.running = running;
    file->client = CLIENT_away;
    file->back_ms = world.now_ms + back_in_ms;
}

void ingress_gone(struct process *process) {
    (void)process;
    for (uint32_t at = 0; at < FILES; at++) {
        drop_stream(&world.files[at]);
        if (world.files[at].client == CLIENT_sends) {
            world.files[at].client = CLIENT_away;
            world.files[at].back_ms = world.now_ms + 500;
        }
    }
}

void ingress_stop(struct process *process) {
    ingress_gone(process);
    link_close(&self.link, 0);
}

void ingress_ask(const char *what, const char *arguments) {
    struct process *ingress = &world.processes[AT_INGRESS];
    const struct query_head query = {
        .request = ++world.queries, .what = bytes_text(what), .arguments = bytes_text(arguments)};
    if (!ingress->life || ingress->frozen_until_ms > world.now_ms)
        return;
    struct process *running = world.running;
    world.running = ingress;
    TELL("asks %s %s", what, arguments);
    (void)sock_send_head(&self.link.sock, NULL, KIND_query, &query, NULL, 0);
    world.running = running;
}

// ---- a client -----------------------------------------------------------------------------------

static void begin(struct submission *file) {
    const struct open_head open = {
        .key = bytes_text(file->key),
        .batch_id = file->batch_id,
        .name = bytes_text("a batch"),
        .priority = file->priority,
        .billed = bytes_text(file->billed),
        .unanswered = bytes_text(file->unanswered),
        .attempts_max = file->attempts_max,
    };
    // Once something was stored, another file under the same key must be refused.
    file->is_changed = file->accepted > 0 && !file->lines[1].is_blank &&
                       draw_chance(&world.chance, world.swarm.rate[FAULT_client] ? 100 : 0);
    TELL("%s: a client sends the file%s", file->key, file->is_changed ? ", changed" : "");
    stream_init(&file->stream, &open, ++self.streams << 32);
    file->has_stream = true;
    file->client = CLIENT_sends;
    file->at = 1;
}

static void feed(struct submission *file) {
    struct stream *stream = &file->stream;
    uint32_t fed = 0, most = 1 + draw_below(&world.chance, FEED_MAX);
    while (file->at <= file->count && fed++ < most && stream_takes(stream)) {
        struct bytes raw = file_line_raw(file, file->at);
        const struct file_line *line = &file->lines[file->at];
        struct put_item item;
        file_item(file, file->at, &item);
        stream_hash(stream, raw);
        stream_line(stream, line->is_blank ? NULL : &item,
                    line->is_refused ? bytes_of(NULL, 0) : raw);
        file->at++;
    }
    if (stream->state != STREAM_TAKING || stream->is_finished)
        return;
    if (file->at > file->count && stream->count < STREAM_CHUNKS_MAX)
        stream_finish(stream);
    else
        stream_flush(stream);
}

static void again(struct submission *file, uint64_t in_ms) {
    drop_stream(file);
    file->client = CLIENT_away;
    file->back_ms = world.now_ms + in_ms;
}

static void failed(struct submission *file) {
    const struct stream_failure *failure = &file->stream.failure;
    TELL("%s: fails with %d %s", file->key, failure->exit, failure->reason);
    if (strcmp(failure->reason, "file_changed") == 0) {
        PROMISE(file->is_changed, "%s has not changed and is refused as changed", file->key);
        again(file, 100);
    } else if (strcmp(failure->reason, "sealed") == 0) {
        PROMISE(file->may_be_cancelled, "%s is refused as sealed", file->key);
        drop_stream(file);
        file->client = CLIENT_done;
    } else {
        PROMISE(failure->exit == EX_TEMPFAIL, "%s fails: %s", file->key, failure->detail);
        again(file, 100);
    }
}

static void done(struct submission *file) {
    PROMISE(!file->is_changed, "%s was changed and is taken for the same", file->key);
    TELL("%s: all is stored", file->key);
    drop_stream(file);
    file->client = CLIENT_done;
    if (file->sent_again++ < TIMES_MAX && world.swarm.rate[FAULT_client] &&
        draw_chance(&world.chance, 300))
        again(file, draw_below(&world.chance, 20000));
}

static void follow(struct submission *file) {
    const struct stream *stream = &file->stream;
    if (!file->is_changed && stream->accepted_through > file->accepted)
        file->accepted = (uint32_t)stream->accepted_through;
    if (stream->batch)
        file->number = stream->batch;
    if (stream->state == STREAM_FAILED)
        failed(file);
    else if (stream->state == STREAM_DONE)
        done(file);
}

static void work(struct submission *file, uint64_t now_ms) {
    struct stream_message message;
    if (file->client == CLIENT_away && file->back_ms <= world.now_ms)
        begin(file);
    if (file->client != CLIENT_sends)
        return;
    feed(file);
    while (link_is_joined(&self.link) && stream_next(&file->stream, now_ms, &message))
        (void)sock_send(&self.link.sock, NULL, message.header, message.frames, message.frame_count);
    follow(file);
}

// ---- the ingress --------------------------------------------------------------------------------

static struct stream *stream_of(uint64_t request) {
    for (uint32_t at = 0; at < FILES; at++) {
        struct submission *file = &world.files[at];
        if (file->has_stream && file->stream.request >> 32 == request >> 32)
            return &file->stream;
    }
    return NULL;
}

static void take(struct message *message, uint64_t now_ms) {
    struct opened_head opened;
    struct put_stored_head stored;
    struct stream *stream;
    if (message->wire.kind == KIND_opened && wire_head(&message->wire, &opened) == ERR_OK) {
        stream = stream_of(opened.request);
        if (stream)
            stream_opened(stream, &opened);
    } else if (message->wire.kind == KIND_put_stored &&
               wire_head(&message->wire, &stored) == ERR_OK) {
        stream = stream_of(stored.request);
        if (stream)
            stream_stored(stream, &stored, now_ms);
    }
}

void ingress_turn(struct process *process) {
    uint64_t now_ms = process_clock_ms(process);
    struct message *message;
    link_tick(&self.link, now_ms);
    while (link_receive(&self.link, now_ms, &message) == ERR_OK)
        take(message, now_ms);
    if (self.link.peer.boot != self.boot) {
        self.boot = self.link.peer.boot;
        for (uint32_t at = 0; at < FILES; at++)
            if (world.files[at].has_stream)
                stream_restart(&world.files[at].stream);
    }
    for (uint32_t at = 0; at < FILES; at++)
        work(&world.files[at], now_ms);
}

uint64_t ingress_due_ms(const struct process *process) {
    uint64_t due = world.now_ms + (uint64_t)link_rest_ms(&self.link, process_clock_ms(process));
    for (uint32_t at = 0; at < FILES; at++) {
        const struct submission *file = &world.files[at];
        uint64_t next = file->client == CLIENT_away    ? file->back_ms
                        : file->client == CLIENT_sends ? process->ran_ms + STEP_MS
                                                       : UINT64_MAX;
        due = next < due ? next : due;
    }
    return due;
}
