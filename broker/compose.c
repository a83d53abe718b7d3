// What an effect of the core says or writes: rows and messages are put together here, from the
// core's rows, the journal's payloads and the frames of the message that the event came with.
#include "broker/loop.h"
#include "common/log.h"

#include <assert.h>

// The fields that name a job, which several items of the protocol share by name.
#define NAME_JOB(to, loop, job, payload)                                   \
    do {                                                                   \
        const struct lane *lane_ = core_lane((loop)->core, (job)->lane);   \
        (to)->job = (job)->number;                                         \
        (to)->job_id = (job)->id;                                          \
        (to)->batch_id = core_batch((loop)->core, (job)->batch)->id;       \
        (to)->conversation_id = core_conversation_id((loop)->core, (job)); \
        (to)->turn = (job)->turn;                                          \
        (to)->line = (job)->line;                                          \
        (to)->custom_id = (payload)->custom_id;                            \
        (to)->conversation = (payload)->conversation;                      \
        (to)->provider = bytes_text(lane_->provider);                      \
        (to)->api = (payload)->api;                                        \
        (to)->key = bytes_text(lane_->key);                                \
        (to)->model = bytes_text(lane_->model);                            \
        (to)->traceparent = (payload)->traceparent;                        \
        (to)->origin_id = (payload)->origin;                               \
    } while (0)

// A worker's end brings the names itself, for the case that its job is long gone.
static void name_from_end(struct record_item *to, const struct end_item *end) {
    to->job = end->job;
    to->job_id = end->job_id;
    to->batch_id = end->batch_id;
    to->conversation_id = end->conversation_id;
    to->turn = end->turn;
    to->line = end->line;
    to->custom_id = end->custom_id;
    to->conversation = end->conversation;
    to->provider = end->provider;
    to->api = end->api;
    to->key = end->key;
    to->model = end->model;
    to->traceparent = end->traceparent;
    to->origin_id = end->origin_id;
}

static void ending_from_end(struct record_item *to, const struct end_item *end) {
    to->attempt = end->attempt;
    to->call = end->call;
    to->ended = end->ended;
    to->class = end->class;
    to->reason = end->reason;
    to->detail = end->detail;
    to->status = end->status;
    to->bytes_left = end->bytes_left;
    to->started_ms = end->started_ms;
    to->duration_ms = end->duration_ms;
    to->first_byte_ms = end->first_byte_ms;
    to->first_token_ms = end->first_token_ms;
    to->retry_after_ms = end->retry_after_ms;
    to->digest = end->digest;
    to->worker = end->worker;
    to->catalogue = end->catalogue;
    to->strategy = end->strategy;
    to->context = end->context;
}

// An attempt whose end nobody reported.
static void ending_unreported(struct record_item *to, const struct effect *effect) {
    bool is_unknown = effect->lapse == LAPSE_unknown;
    to->attempt = effect->attempt;
    to->call = effect->call;
    to->ended = bytes_text(is_unknown ? "unknown" : "not_started");
    to->reason = bytes_text(is_unknown ? "worker_lost" : "lease_lost");
}

static void fill_outcome(struct record_item *to, const struct effect *effect) {
    to->is_answer = effect->is_answer;
    to->is_superfluous = effect->is_superfluous;
    to->is_possibly_billed = effect->is_possibly_billed;
    if (effect->outcome == OUTCOME_none)
        return;
    to->outcome = bytes_text(outcome_name(effect->outcome));
    to->outcome_reason = bytes_text(reason_name(effect->reason));
    to->revision = effect->revision;
}

static void put_job_record(struct loop *loop, const struct effect *effect,
                           const struct input *input, struct record_item *item,
                           struct record_row *row) {
    const struct record *record = core_record(loop->core, effect->slot);
    const struct job *job = record->job ? core_job(loop->core, record->job) : NULL;
    struct payload payload = {.line = {0}};
    if (effect->is_reported) {
        const struct end_item *end = input->event->end.item;
        name_from_end(item, end);
        ending_from_end(item, end);
        row->headers = message_item_frame(input->message, input->item, 0);
        row->body = message_item_frame(input->message, input->item, 1);
    } else {
        assert(job);
        (void)journal_get_payload(&loop->journal, job->number, &payload);
        NAME_JOB(item, loop, job, &payload);
        if (effect->has_attempt)
            ending_unreported(item, effect);
    }
    item->marked_ms = effect->marked_wall_ms;
    item->cost_max_pusd = effect->cost_max_pusd;
    fill_outcome(item, effect);
    // Why a turn cannot be made the accountant says better than we.
    if (effect->reason == REASON_unprepared && input->event->kind == EVENT_prepared)
        item->outcome_reason = input->event->prepared->refused;
}

static void put_refused_record(struct loop *loop, const struct effect *effect,
                               const struct input *input, struct record_item *item) {
    const struct put_item *line = &input->event->put.items[effect->item];
    const struct record *record = core_record(loop->core, effect->slot);
    item->batch_id = core_batch(loop->core, record->batch)->id;
    item->job_id = line->job_id;
    item->conversation_id = line->conversation_id;
    item->turn = line->turn;
    item->line = line->line;
    item->custom_id = line->custom_id;
    item->conversation = line->conversation;
    item->outcome_reason = line->refused;
    item->detail = line->detail;
}

const char *loop_batch_state(const struct batch *batch, uint8_t state) {
    if (state == BATCH_SETTLED)
        return "settled";
    if (batch->is_cancelled)
        return "cancelled";
    return state == BATCH_OPEN ? "open" : "sealed";
}

static void put_batch_record(struct loop *loop, const struct effect *effect,
                             struct record_item *item) {
    const struct record *record = core_record(loop->core, effect->slot);
    const struct batch *batch = core_batch(loop->core, record->batch);
    struct batch_texts texts = {{0}, {0}};
    if (!keep_get(&loop->texts, record->batch, &texts.name, &texts.tags))
        (void)journal_get_batch(&loop->journal, batch->number, &texts);
    item->batch_id = batch->id;
    item->revision = record->revision;
    item->batch_key = bytes_text(batch->key);
    item->batch_name = texts.name;
    item->batch_tags = texts.tags;
    item->batch_state = bytes_text(loop_batch_state(batch, record->batch_state));
    item->batch_lines = batch->accepted_through;
    item->batch_digest = batch->digest;
    item->batch_head = batch->head;
}

static void put_record(struct loop *loop, const struct effect *effect, const struct input *input) {
    static const char *const types[] = {
        [RECORD_job] = "job", [RECORD_refused] = "refused", [RECORD_batch] = "batch"};
    const struct record *record = core_record(loop->core, effect->slot);
    struct record_item item;
    struct record_row row = {{0}, {0}, {0}};
    memset(&item, 0, sizeof(item));
    item.number = record->number;
    item.type = bytes_text(types[record->type]);
    item.batch = record->batch ? core_batch(loop->core, record->batch)->number : 0;
    item.at_ms = loop->now.wall_ms;
    if (record->type == RECORD_job)
        put_job_record(loop, effect, input, &item, &row);
    else if (record->type == RECORD_refused)
        put_refused_record(loop, effect, input, &item);
    else
        put_batch_record(loop, effect, &item);
    buf_reset(&loop->scratch);
    enum err e = wire_pack_item(&loop->scratch, KIND_record, &item);
    assert(e == ERR_OK); // its texts are bounded far below a header
    (void)e;
    row.item = buf_bytes(&loop->scratch);
    journal_put_record(&loop->journal, loop->core, effect->slot, &row);
    journal_release_payload(&loop->journal);
    journal_release_batch(&loop->journal);
}

static void put_payload(struct loop *loop, const struct effect *effect, const struct input *input) {
    const struct put_item *item = &input->event->put.items[effect->item];
    struct payload payload = {
        .custom_id = item->custom_id,
        .conversation = item->conversation,
        .api = item->api,
        .traceparent = item->traceparent,
        .line = message_frame(input->message, effect->item),
        .origin = item->origin_id,
    };
    journal_put_payload(&loop->journal, core_job(loop->core, effect->slot)->number, &payload);
}

// ---- messages
// -------------------------------------------------------------------------------------

static void say_opened(struct loop *loop, const struct effect *effect, const struct input *input) {
    struct opened_head head = {.request = effect->number, .is_known = effect->is_known};
    if (effect->slot) {
        const struct batch *batch = core_batch(loop->core, effect->slot);
        head.batch = batch->number;
        head.batch_id = batch->id;
        head.accepted_through = batch->accepted_through;
        head.digest = batch->digest;
        head.refused = batch->refused;
        head.is_sealed = batch->state != BATCH_OPEN;
    } else if (effect->is_known) {
        const struct key_known_head *known = input->event->key_known;
        head.batch_id = known->batch_id;
        head.accepted_through = known->lines;
        head.digest = known->digest;
        head.is_sealed = true;
    } else {
        head.reason = bytes_text(effect->why);
        head.detail = bytes_text(strcmp(effect->why, "disk_full") == 0
                                     ? "the broker's disk is full: it opens nothing new"
                                     : "as many batches are open as the broker can hold");
    }
    outbox_head(&loop->outbox, effect->peer, KIND_opened, &head, NULL);
}

static void say_put_stored(struct loop *loop, const struct effect *effect) {
    struct put_stored_head head = {.request = effect->number};
    if (effect->slot) {
        const struct batch *batch = core_batch(loop->core, effect->slot);
        head.batch = batch->number;
        head.accepted_through = batch->accepted_through;
        head.digest = batch->digest;
    }
    if (effect->why)
        head.reason = bytes_text(effect->why);
    outbox_head(&loop->outbox, effect->peer, KIND_put_stored, &head, NULL);
}

static void say_key_ask(struct loop *loop, const struct effect *effect) {
    const struct batch *batch = core_batch(loop->core, effect->slot);
    struct key_ask_head head = {
        .boot = loop->boot, .batch = batch->number, .key = bytes_text(batch->key)};
    outbox_head(&loop->outbox, effect->peer, KIND_key_ask, &head, NULL);
}

static void say_prepare(struct loop *loop, const struct effect *effect) {
    const struct job *job = core_job(loop->core, effect->slot);
    struct prepare_head head = {.boot = loop->boot};
    struct prepare_item item;
    struct payload payload;
    memset(&item, 0, sizeof(item));
    (void)journal_get_payload(&loop->journal, job->number, &payload);
    NAME_JOB(&item, loop, job, &payload);
    item.ask = effect->number;
    outbox_item(&loop->outbox, effect->peer, KIND_prepare, &head, &item, &payload.line);
    journal_release_payload(&loop->journal);
}

static void say_lease(struct loop *loop, const struct effect *effect) {
    const struct job *job = core_job(loop->core, effect->slot);
    struct lease_head head = {.boot = loop->boot,
                              .process = core_worker(loop->core, job->worker)->process,
                              .stamp_ms = loop->now.mono_ms};
    struct lease_item item;
    struct payload payload;
    struct bytes frames[2], strategy;
    memset(&item, 0, sizeof(item));
    (void)journal_get_payload(&loop->journal, job->number, &payload);
    NAME_JOB(&item, loop, job, &payload);
    item.attempt = job->attempt;
    item.call = effect->call;
    item.number = effect->number;
    item.limit_ms = job->limit_ms;
    frames[0] = payload.line;
    if (keep_get(&loop->contexts, effect->slot, &frames[1], &strategy)) {
        item.strategy =
            bytes_of(strategy.at + sizeof(struct digest), strategy.size - sizeof(struct digest));
        memcpy(item.context.at, strategy.at, sizeof(item.context.at));
    }
    outbox_item(&loop->outbox, effect->peer, KIND_lease, &head, &item, frames);
    keep_drop(&loop->contexts, effect->slot);
    journal_release_payload(&loop->journal);
}

static void say_extract(struct loop *loop, const struct effect *effect) {
    struct extract_head head = {.boot = loop->boot};
    struct record_row row;
    struct record_item record;
    if (!journal_get_record(&loop->journal, effect->number, &row) ||
        wire_unpack_item(row.item, KIND_record, &record) != ERR_OK)
        return;
    struct extract_item item = {
        .record = effect->number,
        .provider = record.provider,
        .api = record.api,
        .model = record.model,
        .status = record.status,
    };
    struct bytes frames[2] = {row.headers, row.body};
    outbox_item(&loop->outbox, effect->peer, KIND_extract, &head, &item, frames);
    journal_release_record(&loop->journal);
}

static void say_record(struct loop *loop, const struct effect *effect) {
    const struct record *record = core_record(loop->core, effect->slot);
    struct record_head head = {.boot = loop->boot};
    struct record_row row;
    struct record_item item;
    struct payload payload = {.line = {0}};
    struct bytes facts, refused;
    if (!journal_get_record(&loop->journal, effect->number, &row) ||
        wire_unpack_item(row.item, KIND_record, &item) != ERR_OK)
        return;
    // An answer that could not be read may still have named itself in its headers.
    (void)keep_get(&loop->facts, effect->slot, &facts, &refused);
    if (record->unextracted)
        item.unextracted = record->unextracted == 1 ? refused : bytes_text("extractor_lost");
    if (record->job)
        (void)journal_get_payload(&loop->journal, core_job(loop->core, record->job)->number,
                                  &payload);
    struct bytes frames[4] = {payload.line, row.headers, row.body, facts};
    outbox_item(&loop->outbox, effect->peer, KIND_record, &head, &item, frames);
    journal_release_record(&loop->journal);
    journal_release_payload(&loop->journal);
}

static void keep_context(struct loop *loop, const struct effect *effect,
                         const struct input *input) {
    const struct prepared_item *prepared = input->event->prepared;
    uint8_t about[sizeof(struct digest) + REASON_BYTES_MAX];
    memcpy(about, prepared->context.at, sizeof(struct digest));
    if (prepared->strategy.size > 0)
        memcpy(about + sizeof(struct digest), prepared->strategy.at, prepared->strategy.size);
    keep_put(&loop->contexts, effect->slot, message_frame(input->message, input->item),
             bytes_of(about, sizeof(struct digest) + prepared->strategy.size));
}

static void keep_facts(struct loop *loop, const struct effect *effect, const struct input *input) {
    keep_put(&loop->facts, effect->slot, message_frame(input->message, input->item),
             input->event->extracted->refused);
}

static void say_call(struct loop *loop, const struct effect *effect, enum kind kind) {
    // abort and end_stored have the same shape: the boot, and the call.
    struct abort_head head = {.boot = loop->boot};
    struct abort_item item = {.call = effect->call};
    _Static_assert(sizeof(struct end_stored_head) == sizeof(struct abort_head) &&
                       sizeof(struct end_stored_item) == sizeof(struct abort_item),
                   "end_stored is shaped as abort");
    outbox_item(&loop->outbox, effect->peer, kind, &head, &item, NULL);
}

static void say_beat(struct loop *loop, const struct effect *effect) {
    struct beat_head head = {.boot = loop->boot,
                             .process = core_peer(loop->core, effect->peer)->process,
                             .sent = effect->number,
                             .stamp_ms = loop->now.mono_ms};
    outbox_head(&loop->outbox, effect->peer, KIND_beat, &head, NULL);
}

static void say_unwelcome(struct loop *loop, const struct effect *effect) {
    struct unwelcome_head head = {.reason = bytes_text(effect->why)};
    outbox_head(&loop->outbox, effect->peer, KIND_unwelcome, &head, NULL);
}

static void delete_record(struct loop *loop, const struct effect *effect) {
    journal_delete_record(&loop->journal, effect->number);
    keep_drop(&loop->facts, effect->slot);
}

void loop_do(struct loop *loop, const struct effect *effect, const struct input *input) {
    switch (effect->kind) {
    case EFFECT_put_payload:
        put_payload(loop, effect, input);
        break;
    case EFFECT_put_record:
        put_record(loop, effect, input);
        break;
    case EFFECT_delete_record:
        delete_record(loop, effect);
        break;
    case EFFECT_keep_texts:
        keep_put(&loop->texts, effect->slot, input->event->open->name, input->event->open->tags);
        break;
    case EFFECT_keep_context:
        keep_context(loop, effect, input);
        break;
    case EFFECT_drop_context:
        keep_drop(&loop->contexts, effect->slot);
        break;
    case EFFECT_keep_facts:
        keep_facts(loop, effect, input);
        break;
    case EFFECT_alarm:
        log_line(LOG_ERROR, "alarm.raised", "why=\"%s\"", effect->why);
        break;
    case EFFECT_send_opened:
        say_opened(loop, effect, input);
        break;
    case EFFECT_send_put_stored:
        say_put_stored(loop, effect);
        break;
    case EFFECT_send_key_ask:
        say_key_ask(loop, effect);
        break;
    case EFFECT_send_prepare:
        say_prepare(loop, effect);
        break;
    case EFFECT_send_lease:
        say_lease(loop, effect);
        break;
    case EFFECT_send_abort:
        say_call(loop, effect, KIND_abort);
        break;
    case EFFECT_send_end_stored:
        say_call(loop, effect, KIND_end_stored);
        break;
    case EFFECT_send_beat:
        say_beat(loop, effect);
        break;
    case EFFECT_send_unwelcome:
        say_unwelcome(loop, effect);
        break;
    case EFFECT_send_extract:
        say_extract(loop, effect);
        break;
    case EFFECT_send_record:
        say_record(loop, effect);
        break;
    }
}
