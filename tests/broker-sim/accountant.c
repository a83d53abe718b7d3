// The accountant: it prepares turns from the ledger, and enters records into it in transactions.
// It may die on either side of a commit, and between that and its word `recorded`.
#include "tests/broker-sim/world.h"
#include "workers/link.h"

#include <stdio.h>

enum { TOLD_MAX = 512 };

static struct {
    struct link link;
    uint64_t paired_boot;
    struct recorded_item told[TOLD_MAX];
    uint32_t told_count;
} self;

void accountant_start(struct process *process) {
    (void)process;
    const struct hello_head hello = {
        .role = bytes_text("accountant"),
        .name = bytes_text("accountant/here"),
        .slots = world.swarm.credit,
        .applied = ledger_applied(),
        .journal = ledger_journal(),
        .simulated = true,
    };
    self.paired_boot = 0;
    self.told_count = 0;
    (void)link_open(&self.link, "", &hello);
}

void accountant_stop(struct process *process) {
    (void)process;
    link_close(&self.link, 0);
}

void accountant_gone(struct process *process) {
    (void)process;
    ledger_rollback();
}

// ---- turns --------------------------------------------------------------------------------------

bool context_of(uint32_t at, uint32_t line, char context[CONTEXT_ROOM]) {
    const struct submission *file = &world.files[at];
    size_t size = (size_t)snprintf(context, CONTEXT_ROOM, "ctx %u", line);
    bool is_whole = true;
    for (line = file->lines[line].previous; line; line = file->lines[line].previous) {
        const struct ledger_line *before = ledger_line(at, line);
        bool is_answered = before->has_answer && strcmp(before->outcome, "answered") == 0;
        is_whole &= before->is_there && (is_answered || strcmp(file->unanswered, "skip") == 0);
        if (!is_answered)
            continue;
        size += (size_t)snprintf(context + size, CONTEXT_ROOM - size, " %u:%llu", line,
                                 (unsigned long long)before->answer);
    }
    return is_whole;
}

static void prepare(const struct prepare_item *asked, const struct prepared_head *head,
                    struct bytes line) {
    char context[CONTEXT_ROOM] = "";
    uint32_t at = file_of_batch(asked->batch_id);
    PROMISE(at < FILES && bytes_is(line, world.files[at].lines[asked->line].raw),
            "a turn is prepared that nobody submitted");
    (void)context_of(at, (uint32_t)asked->line, context);
    struct bytes frame = bytes_text(context);
    const struct prepared_item item = {
        .job = asked->job,
        .ask = asked->ask,
        .tokens_estimate = 10,
        .cost_max_pusd = 100,
        .strategy = bytes_text("full"),
        .refused = bytes_text(draw_chance(&world.chance, world.swarm.unprepared) ? "too_long" : ""),
    };
    struct wire_writer writer;
    struct buf header;
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_prepared, head, 1);
    wire_item(&writer, &item);
    if (wire_end(&writer) == ERR_OK)
        (void)sock_send(&self.link.sock, NULL, buf_bytes(&header), &frame, 1);
    buf_release(&header);
}

static void take_prepare(struct message *message) {
    struct prepare_head head;
    struct prepare_item item;
    if (wire_head(&message->wire, &head) != ERR_OK)
        return;
    const struct prepared_head answer = {.boot = head.boot};
    for (uint32_t i = 0; wire_next(&message->wire, &item) == ERR_OK; i++)
        prepare(&item, &answer, message_item_frame(message, i, 0));
}

// ---- records ------------------------------------------------------------------------------------

// What a record says of a call is what its worker said, byte for byte.
static void check_record(const struct record_item *record, const struct bytes frames[4]) {
    const struct call_fact *call = call_fact(record->call);
    if (!bytes_is(record->type, "job") || !call || call->is_tainted)
        return;
    if (bytes_is(record->ended, "answered"))
        PROMISE(bytes_is(frames[2], call->answer), "call %llu is recorded with another answer",
                (unsigned long long)call_id_counter(record->call));
    PROMISE(record->job == call->job, "call %llu is recorded for another job",
            (unsigned long long)call_id_counter(record->call));
}

static void take_records(struct message *message) {
    struct record_item item;
    for (uint32_t i = 0; wire_next(&message->wire, &item) == ERR_OK; i++) {
        struct bytes frames[4];
        for (uint32_t k = 0; k < 4; k++)
            frames[k] = message_item_frame(message, i, k);
        PROMISE(self.told_count < TOLD_MAX, "a transaction of the ledger is too large");
        check_record(&item, frames);
        struct recorded_item *told = &self.told[self.told_count++];
        ledger_take(&item, frames, told);
        // What nobody could read is no answer: the job may be called again, as its batch says.
        if (item.is_answer && !told->has_answer && item.job < JOBS_MAX)
            job_fact(item.job)->has_answer = false;
    }
}

static void take_key_ask(struct message *message) {
    struct key_ask_head ask;
    if (wire_head(&message->wire, &ask) != ERR_OK)
        return;
    struct key_known_head known = {.boot = ask.boot, .batch = ask.batch};
    for (uint32_t at = 0; at < FILES; at++) {
        const struct ledger_batch *batch = ledger_batch(at);
        if (!batch->is_there || !bytes_is(ask.key, batch->key))
            continue;
        known.is_known = true;
        known.batch_id = batch->id;
        known.lines = batch->lines;
        known.digest = batch->digest;
    }
    (void)sock_send_head(&self.link.sock, NULL, KIND_key_known, &known, NULL, 0);
}

static void send_recorded(void) {
    const struct recorded_head head = {.applied = ledger_applied()};
    struct wire_writer writer;
    struct buf header;
    buf_init(&header, HEADER_BYTES_MAX);
    for (uint32_t at = 0; at < self.told_count;) {
        uint32_t count = self.told_count - at < ITEMS_MAX ? self.told_count - at : ITEMS_MAX;
        wire_begin(&writer, &header, KIND_recorded, &head, count);
        for (uint32_t i = 0; i < count; i++)
            wire_item(&writer, &self.told[at + i]);
        if (wire_end(&writer) == ERR_OK)
            (void)sock_send(&self.link.sock, NULL, buf_bytes(&header), NULL, 0);
        at += count;
        if (draw_chance(&world.fault_dice, world.swarm.crash_at_ledger))
            process_dies("power, while it says recorded");
    }
    self.told_count = 0;
    buf_release(&header);
}

static void commit(void) {
    if (draw_chance(&world.fault_dice, world.swarm.crash_at_ledger))
        process_dies("power, before the ledger's commit");
    ledger_commit();
    self.link.hello.applied = ledger_applied();
    if (draw_chance(&world.fault_dice, world.swarm.crash_at_ledger))
        process_dies("power, behind the ledger's commit");
    send_recorded();
}

// ---- the broker ---------------------------------------------------------------------------------

static void meet_broker(void) {
    const struct welcome_head *welcome = &self.link.welcome;
    PROMISE(!self.link.is_refused, "the accountant is refused: %s", self.link.refusal);
    if (!link_is_joined(&self.link) || self.link.peer.boot == self.paired_boot)
        return;
    PROMISE(id_is_none(ledger_journal()) || id_equal(ledger_journal(), welcome->journal),
            "the journal is another one");
    PROMISE(welcome->recorded <= ledger_applied() && ledger_applied() <= welcome->issued,
            "recorded %llu, applied %llu, issued %llu", (unsigned long long)welcome->recorded,
            (unsigned long long)ledger_applied(), (unsigned long long)welcome->issued);
    ledger_pair(welcome->journal);
    self.link.hello.journal = welcome->journal;
    self.paired_boot = self.link.peer.boot;
}

void accountant_turn(struct process *process) {
    uint64_t now_ms = process_clock_ms(process);
    struct message *message;
    link_tick(&self.link, now_ms);
    while (self.told_count + ITEMS_MAX < TOLD_MAX &&
           link_receive(&self.link, now_ms, &message) == ERR_OK) {
        meet_broker();
        if (message->wire.kind == KIND_record)
            take_records(message);
        else if (message->wire.kind == KIND_prepare)
            take_prepare(message);
        else if (message->wire.kind == KIND_key_ask)
            take_key_ask(message);
    }
    meet_broker();
    if (self.told_count > 0)
        commit();
    if (world.swarm.rate[FAULT_slow])
        process->busy_until_ms = world.now_ms + draw_below(&world.chance, 100);
}

uint64_t accountant_due_ms(const struct process *process) {
    return world.now_ms + (uint64_t)link_rest_ms(&self.link, process_clock_ms(process));
}
