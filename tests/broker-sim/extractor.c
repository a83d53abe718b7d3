// Extractors: they read an answer, refuse it, or die over it.
#include "tests/broker-sim/world.h"
#include "workers/link.h"

enum { SLOTS = 4, READINGS_MAX = 256 };

// An answer that is being read.
struct being_read {
    uint64_t boot, record, done_ms;
    enum reading reading;
};

struct extractor_process {
    struct link link;
    struct being_read readings[READINGS_MAX];
    uint32_t count;
};

static struct extractor_process extractors[EXTRACTORS];

static struct extractor_process *self_of(const struct process *process) {
    return &extractors[process->at - AT_EXTRACTOR];
}

void extractor_start(struct process *process) {
    struct extractor_process *self = self_of(process);
    const struct hello_head hello = {
        .role = bytes_text("extractor"),
        .name = bytes_text(process->at == AT_EXTRACTOR ? "extractor/0" : "extractor/1"),
        .slots = SLOTS,
        .simulated = true,
    };
    self->count = 0;
    (void)link_open(&self->link, "", &hello);
}

void extractor_stop(struct process *process) {
    link_close(&self_of(process)->link, 0);
}

static void take(struct extractor_process *self, struct message *message) {
    struct extract_head head;
    struct extract_item item;
    if (message->wire.kind != KIND_extract || wire_head(&message->wire, &head) != ERR_OK)
        return;
    for (uint32_t i = 0; wire_next(&message->wire, &item) == ERR_OK; i++) {
        if (self->count == READINGS_MAX)
            return; // what it has no place for it has lost
        uint32_t slow_ms = world.swarm.rate[FAULT_slow] ? 2000 : 2;
        self->readings[self->count++] = (struct being_read){
            .boot = head.boot,
            .record = item.record,
            .done_ms = world.now_ms + draw_below(&world.chance, slow_ms),
            .reading = reading_of(message_item_frame(message, i, 1)),
        };
    }
}

static void say(struct extractor_process *self, const struct being_read *read) {
    static const char *const facts[] = {"message", "", "nothing", ""};
    const struct extracted_head head = {.boot = read->boot};
    const struct extracted_item item = {
        .record = read->record,
        .refused = bytes_text(read->reading == READING_refused ? "not_json" : ""),
    };
    struct bytes frame = bytes_text(facts[read->reading]);
    struct wire_writer writer;
    struct buf header;
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_extracted, &head, 1);
    wire_item(&writer, &item);
    if (wire_end(&writer) == ERR_OK)
        (void)sock_send(&self->link.sock, NULL, buf_bytes(&header), &frame, 1);
    buf_release(&header);
}

void extractor_turn(struct process *process) {
    struct extractor_process *self = self_of(process);
    uint64_t now_ms = process_clock_ms(process);
    struct message *message;
    link_tick(&self->link, now_ms);
    while (link_receive(&self->link, now_ms, &message) == ERR_OK)
        take(self, message);
    for (uint32_t i = 0; i < self->count;) {
        if (self->readings[i].done_ms > world.now_ms) {
            i++;
            continue;
        }
        if (self->readings[i].reading == READING_kills)
            process_dies("a deadly answer");
        say(self, &self->readings[i]);
        self->readings[i] = self->readings[--self->count];
    }
}

uint64_t extractor_due_ms(const struct process *process) {
    const struct extractor_process *self = self_of(process);
    uint64_t due = world.now_ms + (uint64_t)link_rest_ms(&self->link, process_clock_ms(process));
    for (uint32_t i = 0; i < self->count; i++)
        if (self->readings[i].done_ms < due)
            due = self->readings[i].done_ms;
    return due;
}
