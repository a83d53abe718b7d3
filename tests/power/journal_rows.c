// Everything that the journal's tables hold, as digests: from the core whose turn is written down,
// and from a core into which the journal was read back.
#include "common/limits.h"
#include "tests/power/journal_world.h"

static struct rows *next_rows(struct journal_world *world) {
    return &world->story->next;
}

const char *journal_row_name(uint32_t kind) {
    static const char *const names[] = {"counters",     "lane", "worker",  "batch",
                                        "conversation", "job",  "payload", "record"};
    return names[kind];
}

static uint64_t image_of_counters(struct counters_row counters) {
    uint64_t image = ROW_counters;
    image_number(&image, counters.jobs);
    image_number(&image, counters.batches);
    image_number(&image, counters.calls);
    image_number(&image, counters.issued);
    image_number(&image, counters.recorded);
    return image;
}

static uint64_t image_of_lane(const struct lane *lane) {
    uint64_t image = ROW_lane;
    image_bytes(&image, bytes_text(lane->provider));
    image_bytes(&image, bytes_text(lane->key));
    image_bytes(&image, bytes_text(lane->model));
    image_number(&image, lane->state);
    image_bytes(&image, bytes_text(lane->held_reason));
    image_bytes(&image, bytes_text(lane->held_detail));
    return image;
}

static uint64_t image_of_worker(const struct worker *worker) {
    uint64_t image = ROW_worker;
    image_id(&image, worker->process);
    image_bytes(&image, bytes_text(worker->name));
    image_number(&image, worker->slots);
    return image;
}

static uint64_t image_of_batch(const struct batch *batch, const struct batch_texts *texts) {
    uint64_t image = ROW_batch;
    image_id(&image, batch->id);
    image_bytes(&image, bytes_text(batch->key));
    image_bytes(&image, bytes_of(batch->digest.at, sizeof(batch->digest.at)));
    image_bytes(&image, bytes_of(batch->head.at, sizeof(batch->head.at)));
    image_bytes(&image, texts->name);
    image_bytes(&image, texts->tags);
    const uint64_t numbers[] = {
        batch->accepted_through, batch->refused,    batch->answered, batch->dead,
        batch->parked,           batch->cancelled,  batch->jobs,     batch->attempts_max,
        batch->revision,         batch->state,      batch->priority, batch->billed,
        batch->is_cancelled,     batch->unanswered,
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        image_number(&image, numbers[i]);
    return image;
}

static uint64_t image_of_conversation(const struct core *core,
                                      const struct conversation *conversation) {
    uint64_t image = ROW_conversation;
    image_number(&image, core_batch(core, conversation->batch)->number);
    image_number(&image, conversation->highest_marked);
    image_number(&image, conversation->broken_at);
    return image;
}

// Contexts are not journalled: a job that is being prepared comes back ready.
static uint64_t state_of(const struct job *job) {
    return job->state == JOB_PREPARING || job->state == JOB_PREPARED ? JOB_READY : job->state;
}

static uint64_t image_of_job(const struct core *core, const struct job *job) {
    uint64_t image = ROW_job;
    image_id(&image, job->id);
    image_id(&image, job->call);
    image_id(&image, job->answer);
    image_id(&image, core_conversation_id(core, job));
    const uint64_t numbers[] = {
        (uint64_t)job->cost_max_pusd,
        (uint64_t)job->marked_wall_ms,
        (uint64_t)job->delay_from_wall_ms,
        job->lease_number,
        job->end_mark,
        job->delay_ms,
        job->limit_ms,
        job->is_cancelled,
        job->tokens_estimate,
        core_batch(core, job->batch)->number,
        job->lane,
        job->worker,
        job->turn,
        job->line,
        job->attempt,
        job->counted,
        job->backoffs,
        job->revision,
        job->recorded,
        state_of(job),
        job->outcome,
        job->reason,
        job->priority,
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        image_number(&image, numbers[i]);
    return image;
}

static uint64_t image_of_payload(const struct payload *payload) {
    uint64_t image = ROW_payload;
    image_bytes(&image, payload->custom_id);
    image_bytes(&image, payload->conversation);
    image_bytes(&image, payload->api);
    image_bytes(&image, payload->traceparent);
    image_bytes(&image, payload->line);
    image_id(&image, payload->origin);
    return image;
}

static uint64_t image_of_record(const struct core *core, const struct record *record,
                                const struct record_row *row) {
    uint64_t image = ROW_record;
    image_number(&image, record->job ? core_job(core, record->job)->number : 0);
    image_number(&image, record->batch ? core_batch(core, record->batch)->number : 0);
    image_number(&image, record->type);
    image_number(&image, record->revision);
    image_number(&image, record->batch_state);
    image_number(&image, record->is_answer_in);
    image_number(&image, record->bytes);
    image_bytes(&image, row->item);
    image_bytes(&image, row->headers);
    image_bytes(&image, row->body);
    return image;
}

void rows_of_new_journal(struct journal_world *world) {
    uint64_t image = image_of_counters((struct counters_row){0});
    rows_put(&world->story->told, ROW_counters, row_key(0), image);
    rows_copy(next_rows(world), &world->story->told);
}

// ---- a turn is written down ---------------------------------------------------------------------

void rows_of_payload(struct journal_world *world, uint64_t job, const struct payload *payload) {
    journal_put_payload(&world->journal, job, payload);
    rows_put(next_rows(world), ROW_payload, row_key(job), image_of_payload(payload));
}

void rows_of_record(struct journal_world *world, uint32_t slot, const struct record_row *row) {
    const struct record *record = core_record(world->core, slot);
    journal_put_record(&world->journal, world->core, slot, row);
    rows_put(next_rows(world), ROW_record, row_key(record->number),
             image_of_record(world->core, record, row));
}

static void write_job(struct journal_world *world, uint32_t slot) {
    const struct job *job = core_job(world->core, slot);
    struct id key = row_key(job->number);
    if (job->state == JOB_GONE) {
        (void)rows_drop(next_rows(world), ROW_job, key);
        (void)rows_drop(next_rows(world), ROW_payload, key);
    } else {
        rows_put(next_rows(world), ROW_job, key, image_of_job(world->core, job));
    }
    journal_store_job(&world->journal, world->core, slot,
                      job->number > world->journal.counters.jobs);
}

static void write_batch(struct journal_world *world, uint32_t slot) {
    const struct batch *batch = core_batch(world->core, slot);
    const struct batch_texts texts = {bytes_text(batch->key), bytes_text("{\"of\":\"a story\"}")};
    struct id key = row_key(batch->number);
    bool is_new = !rows_find(next_rows(world), ROW_batch, key);
    if (batch->state == BATCH_GONE)
        (void)rows_drop(next_rows(world), ROW_batch, key);
    else
        rows_put(next_rows(world), ROW_batch, key, image_of_batch(batch, &texts));
    journal_store_batch(&world->journal, world->core, slot, is_new ? &texts : NULL);
}

static void write_conversation(struct journal_world *world, uint32_t slot) {
    const struct conversation *row = core_conversation(world->core, slot);
    if (row->is_stored)
        rows_put(next_rows(world), ROW_conversation, row->id,
                 image_of_conversation(world->core, row));
    else
        (void)rows_drop(next_rows(world), ROW_conversation, row->id);
    journal_store_conversation(&world->journal, world->core, slot);
}

static void write_worker(struct journal_world *world, uint32_t slot) {
    const struct worker *row = core_worker(world->core, slot);
    if (row->is_stored)
        rows_put(next_rows(world), ROW_worker, row_key(slot), image_of_worker(row));
    else
        (void)rows_drop(next_rows(world), ROW_worker, row_key(slot));
    journal_store_worker(&world->journal, world->core, slot);
}

// In the loop's order.
void rows_of_turn(struct journal_world *world) {
    struct core *core = world->core;
    uint32_t slot;
    while ((slot = core_dirty_lane(core))) {
        rows_put(next_rows(world), ROW_lane, row_key(slot), image_of_lane(core_lane(core, slot)));
        journal_store_lane(&world->journal, core, slot);
    }
    while ((slot = core_dirty_worker(core)))
        write_worker(world, slot);
    while ((slot = core_dirty_batch(core)))
        write_batch(world, slot);
    while ((slot = core_dirty_conversation(core)))
        write_conversation(world, slot);
    while ((slot = core_dirty_job(core)))
        write_job(world, slot);
    rows_put(next_rows(world), ROW_counters, row_key(0), image_of_counters(core_counters(core)));
    journal_store_counters(&world->journal, core);
    journal_commit(&world->journal);
}

// ---- a start reads back -------------------------------------------------------------------------

static void find_jobs(struct journal_world *world) {
    struct story *story = world->story;
    for (uint32_t slot = 1; slot <= core_job_slots(world->core); slot++) {
        const struct job *job = core_job(world->core, slot);
        struct payload payload;
        rows_put(&story->found, ROW_job, row_key(job->number), image_of_job(world->core, job));
        if (!journal_get_payload(&world->journal, job->number, &payload))
            continue;
        rows_put(&story->found, ROW_payload, row_key(job->number), image_of_payload(&payload));
        journal_release_payload(&world->journal);
    }
}

static void find_records(struct journal_world *world) {
    struct story *story = world->story;
    for (uint32_t slot = 1; slot <= core_records_pending(world->core); slot++) {
        const struct record *record = core_record(world->core, slot);
        struct record_row row;
        if (!journal_get_record(&world->journal, record->number, &row))
            story_broken(story, "a record that was read cannot be read");
        rows_put(&story->found, ROW_record, row_key(record->number),
                 image_of_record(world->core, record, &row));
        journal_release_record(&world->journal);
    }
}

static void find_batches(struct journal_world *world) {
    struct story *story = world->story;
    for (uint32_t slot = 1; slot <= core_batch_slots(world->core); slot++) {
        const struct batch *batch = core_batch(world->core, slot);
        struct batch_texts texts;
        if (!journal_get_batch(&world->journal, batch->number, &texts))
            story_broken(story, "a batch that was read cannot be read");
        rows_put(&story->found, ROW_batch, row_key(batch->number), image_of_batch(batch, &texts));
        journal_release_batch(&world->journal);
    }
}

void rows_found(struct journal_world *world) {
    struct core *core = world->core;
    struct rows *found = &world->story->found;
    rows_clear(found);
    rows_put(found, ROW_counters, row_key(0), image_of_counters(core_counters(core)));
    for (uint32_t slot = 1; slot <= core_lane_slots(core); slot++)
        rows_put(found, ROW_lane, row_key(slot), image_of_lane(core_lane(core, slot)));
    for (uint32_t slot = 1; slot <= core_worker_slots(core); slot++)
        if (core_worker(core, slot)->is_stored)
            rows_put(found, ROW_worker, row_key(slot), image_of_worker(core_worker(core, slot)));
    find_batches(world);
    for (uint32_t slot = 1; slot <= STORY_CONVERSATIONS; slot++)
        if (core_conversation(core, slot)->is_used && core_conversation(core, slot)->is_stored)
            rows_put(found, ROW_conversation, core_conversation(core, slot)->id,
                     image_of_conversation(core, core_conversation(core, slot)));
    find_jobs(world);
    find_records(world);
}
