// Records: what the ledger must know. They wait in the journal, pass an extractor if they hold
// an answer, go to the accountant, and are forgotten when it has committed them.
#include "broker/core/state.h"

#include <assert.h>

static struct list *list_of(struct core *core, uint8_t state) {
    switch (state) {
    case RECORD_RAW:
        return &core->raw;
    case RECORD_EXTRACTING:
        return &core->extracting;
    case RECORD_WHOLE:
        return &core->whole;
    default:
        assert(state == RECORD_SENT);
        return &core->sent;
    }
}

static void unlist(struct core *core, struct record *record) {
    struct list *list = list_of(core, record->state);
    if (record->prev)
        core->records[record->prev].next = record->next;
    else
        list->first = record->next;
    if (record->next)
        core->records[record->next].prev = record->prev;
    else
        list->last = record->prev;
    list->count--;
    record->next = record->prev = 0;
}

static void enlist(struct core *core, struct record *record, enum record_state state) {
    struct list *list = list_of(core, (uint8_t)state);
    uint32_t slot = (uint32_t)(record - core->records);
    record->state = (uint8_t)state;
    record->prev = list->last;
    record->next = 0;
    if (list->last)
        core->records[list->last].next = slot;
    else
        list->first = slot;
    list->last = slot;
    list->count++;
}

// Whether facts of the record are, or soon will be, in memory.
static bool is_read(const struct record *record, uint8_t state) {
    return record->is_answer_in && state != RECORD_RAW;
}

static void take_from_peer(struct core *core, struct record *record) {
    struct core_peer *peer = &core->peers[record->peer];
    if (record->peer && peer->out > 0) {
        peer->out--;
        peer->bytes_out -= record->bytes < peer->bytes_out ? record->bytes : peer->bytes_out;
        peer->has_suspect = false; // it was alone there
    }
    record->peer = 0;
}

void record_to(struct core *core, struct record *record, enum record_state state) {
    take_from_peer(core, record);
    if (is_read(record, record->state))
        core->read_bytes -= record->bytes;
    if (is_read(record, (uint8_t)state))
        core->read_bytes += record->bytes;
    unlist(core, record);
    enlist(core, record, state);
}

bool records_have_room(const struct core *core, uint32_t count) {
    // Room is kept for the ends of all open attempts, and for what follows from them.
    uint64_t used = core_records_pending(core) + core->marks + count + EFFECTS_MAX;
    return used <= core->config.records_max;
}

static struct record *record_take(struct core *core, uint64_t number) {
    uint32_t slot = core->record_free;
    if (slot) {
        core->record_free = core->records[slot].table_next;
    } else {
        assert(core->record_used < core->config.records_max); // see records_have_room
        slot = ++core->record_used;
    }
    uint32_t *bucket = &core->record_table[number & core->record_mask];
    core->records[slot] = (struct record){.number = number, .table_next = *bucket};
    *bucket = slot;
    return &core->records[slot];
}

static void record_link(struct core *core, struct record *record) {
    if (record->job)
        core->jobs[record->job].records++;
    if (record->batch)
        core->batches[record->batch].records++;
    enlist(core, record, record->is_answer_in ? RECORD_RAW : RECORD_WHOLE);
}

struct effect *record_new(struct core *core, enum record_type type, struct job *job,
                          struct batch *batch, uint64_t bytes, bool is_answer_in) {
    struct record *record = record_take(core, ++core->counters.issued);
    record->type = (uint8_t)type;
    record->job = job ? job_slot(core, job) : 0;
    record->batch = batch ? (uint32_t)(batch - core->batches) : 0;
    record->bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
    record->is_answer_in = is_answer_in;
    record_link(core, record);
    record_takes_room(core, record->bytes);
    struct effect *effect = emit(core, EFFECT_put_record);
    effect->slot = (uint32_t)(record - core->records);
    effect->number = record->number;
    return effect;
}

uint32_t core_restore_record(struct core *core, const struct record *row) {
    struct record *record = record_take(core, row->number);
    record->type = row->type;
    record->job = row->job;
    record->batch = row->batch;
    record->bytes = row->bytes;
    record->revision = row->revision;
    record->is_answer_in = row->is_answer_in;
    record->batch_state = row->batch_state;
    record_link(core, record);
    return (uint32_t)(record - core->records);
}

static struct record *record_find(struct core *core, uint64_t number) {
    uint32_t slot = core->record_table[number & core->record_mask];
    while (slot && core->records[slot].number != number)
        slot = core->records[slot].table_next;
    return slot ? &core->records[slot] : NULL;
}

static void record_forget(struct core *core, struct record *record) {
    uint32_t slot = (uint32_t)(record - core->records);
    uint32_t *link = &core->record_table[record->number & core->record_mask];
    while (*link != slot)
        link = &core->records[*link].table_next;
    *link = record->table_next;
    take_from_peer(core, record);
    if (is_read(record, record->state))
        core->read_bytes -= record->bytes;
    unlist(core, record);
    *record = (struct record){.table_next = core->record_free};
    core->record_free = slot;
}

// An extractor vanished over the answer: the next one has it alone, so that it is known whose
// fault it is; after several, no facts.
static void extraction_lost(struct core *core, struct record *record) {
    if (++record->losses < EXTRACTIONS_LOST_MAX) {
        record_to(core, record, RECORD_RAW);
        return;
    }
    record->unextracted = 2;
    record_to(core, record, RECORD_WHOLE);
}

void records_lost(struct core *core, uint32_t peer, enum role role) {
    bool is_extractor = role == ROLE_extractor;
    uint32_t slot = is_extractor ? core->extracting.first : core->sent.first;
    uint32_t suspects = 0;
    while (slot) {
        struct record *record = &core->records[slot];
        slot = record->next;
        if (record->peer != peer)
            continue;
        // It takes messages in their order and answers each: it vanished over one of the first.
        // What was sent at this very moment found nobody there.
        if (is_extractor && record->sent_ms < core->now_ms && suspects++ < ITEMS_MAX)
            extraction_lost(core, record);
        else
            record_to(core, record, is_extractor ? RECORD_RAW : RECORD_WHOLE);
    }
    core->peers[peer].out = 0;
    core->peers[peer].bytes_out = 0;
}

void on_extracted(struct core *core, const struct event *event) {
    struct record *record = record_find(core, event->extracted->record);
    if (!record || (record->state != RECORD_EXTRACTING && record->state != RECORD_RAW))
        return;
    if (event->extracted->refused.size > 0)
        record->unextracted = 1;
    record_to(core, record, RECORD_WHOLE);
    emit(core, EFFECT_keep_facts)->slot = (uint32_t)(record - core->records);
}

void on_recorded(struct core *core, const struct event *event) {
    const struct recorded_item *item = event->recorded;
    struct record *record = record_find(core, item->number);
    if (!record)
        return; // confirmed before
    uint32_t job_at = record->job;
    uint32_t batch_at = record->batch;
    uint32_t revision = record->type == RECORD_job ? record->revision : 0;
    struct effect *effect = emit(core, EFFECT_delete_record);
    effect->number = record->number;
    effect->slot = (uint32_t)(record - core->records);
    if (record->number > core->counters.recorded)
        core->counters.recorded = record->number;
    record_forget(core, record);
    if (batch_at)
        core->batches[batch_at].records--;
    if (!job_at)
        return;
    struct job *job = &core->jobs[job_at];
    job->records--;
    if (revision)
        outcome_recorded(core, job, revision, item);
    job_finish_if_done(core, job);
}

static bool is_silent(const struct core *core, uint32_t peer) {
    return core->now_ms - core->peers[peer].heard_ms > PEER_SILENT_MS;
}

static bool has_credit(const struct core_peer *peer) {
    return peer->out < peer->slots && peer->bytes_out < PEER_BYTES_MAX;
}

// Whether an extractor may have the answer: a suspect only alone.
static bool may_extract(const struct core_peer *peer, const struct record *record) {
    return has_credit(peer) && (record->losses > 0 ? peer->out == 0 : !peer->has_suspect);
}

// An extractor for the answer, each in its turn; 0: none.
static uint32_t free_extractor(struct core *core, const struct record *record) {
    for (uint32_t i = 0; i < PEERS_MAX; i++) {
        uint32_t peer = (core->next_extractor + i) % PEERS_MAX;
        const struct core_peer *at = &core->peers[peer];
        if (at->role == ROLE_extractor && may_extract(at, record) && !is_silent(core, peer)) {
            core->next_extractor = peer;
            return peer;
        }
    }
    core->next_extractor = (core->next_extractor + 1) % PEERS_MAX;
    return 0;
}

static void send_to(struct core *core, struct record *record, uint32_t peer,
                    enum record_state state, enum effect_kind kind) {
    record_to(core, record, state);
    record->peer = peer;
    record->sent_ms = core->now_ms;
    core->peers[peer].out++;
    core->peers[peer].bytes_out += record->bytes;
    core->peers[peer].has_suspect = state == RECORD_EXTRACTING && record->losses > 0;
    struct effect *effect = emit(core, kind);
    effect->peer = peer;
    effect->slot = (uint32_t)(record - core->records);
    effect->number = record->number;
}

// Takes back what was sent so long ago that it must be taken for lost.
static void resend_lost(struct core *core) {
    while (core->sent.first &&
           core->now_ms - core->records[core->sent.first].sent_ms >= RECORD_RESEND_MS)
        record_to(core, &core->records[core->sent.first], RECORD_WHOLE);
    while (core->extracting.first &&
           core->now_ms - core->records[core->extracting.first].sent_ms >= EXTRACT_LIMIT_MS)
        extraction_lost(core, &core->records[core->extracting.first]);
}

void records_run(struct core *core) {
    resend_lost(core);
    if (!core->accountant)
        return;
    const struct core_peer *accountant = &core->peers[core->accountant];
    // Facts live in memory only, so answers are read no faster than the accountant takes them.
    while (core->raw.first && has_room(core, 1) && core->read_bytes < READ_BYTES_MAX &&
           core->extracting.count + core->whole.count + core->sent.count < 2 * accountant->slots) {
        struct record *record = &core->records[core->raw.first];
        uint32_t extractor = free_extractor(core, record);
        if (!extractor)
            break;
        send_to(core, record, extractor, RECORD_EXTRACTING, EFFECT_send_extract);
    }
    while (core->whole.first && has_room(core, 1) && has_credit(accountant))
        send_to(core, &core->records[core->whole.first], core->accountant, RECORD_SENT,
                EFFECT_send_record);
}

uint64_t records_due_ms(const struct core *core) {
    uint64_t due = UINT64_MAX;
    if (core->sent.first)
        due = core->records[core->sent.first].sent_ms + RECORD_RESEND_MS;
    if (core->extracting.first) {
        uint64_t lost = core->records[core->extracting.first].sent_ms + EXTRACT_LIMIT_MS;
        due = lost < due ? lost : due;
    }
    return due;
}
