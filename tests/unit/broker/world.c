#include "tests/unit/broker/world.h"

#include "common/mem.h"

#include <check.h>

const struct how ANSWERED = {"answered", "success", "", false, false, 0};
const struct how RETRYABLE = {"answered", "retryable", "http_500", false, false, 0};
const struct how RATE_LIMITED = {"answered", "rate_limited", "http_429", false, false, 0};
const struct how PERMANENT = {"answered", "permanent", "http_400", false, false, 0};
const struct how MALFORMED = {"answered", "malformed", "not_json", false, false, 0};
const struct how LANE_WIDE = {"answered", "lane_wide", "http_401", false, false, 0};
const struct how CUT_OFF = {"failed", "retryable", "cut_off", true, false, 0};
const struct how FAILED_UNSENT = {"failed", "retryable", "reset", false, false, 0};
const struct how NOT_STARTED = {"not_started", "retryable", "no_slot", false, false, 0};
const struct how NEVER_POSSIBLE = {"not_started", "permanent", "body_missing", false, false, 0};
const struct how CONNECT_FAILED = {"not_started", "retryable", "connect_failed", false, false, 0};

struct core_config world_config(void) {
    return (struct core_config){
        .jobs_max = JOBS - 1,
        .conversations_max = CONVERSATIONS - 1,
        .records_max = RECORDS - 1,
        .flows_max = 1024,
        .lane_concurrency = 16,
        .attempts_max = 3,
        .call_limit_ms = LIMIT_MS,
        .boot = BOOT,
        .journal = {{7}},
    };
}

static void build_core(struct world *w) {
    w->memory = mem_new(core_size(&w->config));
    w->core = core_init(w->memory, &w->config);
    memset(w->counts, 0, sizeof(w->counts));
    w->sent_count = 0;
}

static void join_others(struct world *w) {
    world_join(w, ACCOUNTANT, "accountant", 4096);
    world_join(w, EXTRACTOR, "extractor", 64);
}

struct world *world_new_with(struct core_config config) {
    struct world *w = mem_new(sizeof(*w));
    w->config = config;
    w->now_ms = 1000 * 1000;
    w->wall_ms = 1700000000000;
    w->store = mem_new(sizeof(*w->store));
    w->sent = mem_array(SENT, sizeof(*w->sent));
    build_core(w);
    join_others(w);
    return w;
}

struct world *world_new(void) {
    return world_new_with(world_config());
}

void world_free(struct world *w) {
    mem_free(w->memory);
    mem_free(w->store);
    mem_free(w->sent);
    mem_free(w);
}

// ---- what the core emits ------------------------------------------------------------------------

static void keep_record(struct world *w, const struct effect *effect) {
    const struct record *record = core_record(w->core, effect->slot);
    ck_assert_uint_lt(record->number, RECORDS);
    ck_assert_uint_eq(record->number, effect->number);
    struct kept_record *kept = &w->store->records[record->number];
    *kept = (struct kept_record){.row = *record, .said = *effect, .is_here = true};
    kept->job = record->job ? core_job(w->core, record->job)->number : 0;
    kept->batch = record->batch ? core_batch(w->core, record->batch)->number : 0;
    if (w->journal && w->is_writing_records) {
        struct record_row row = {bytes_text("item"), bytes_text("headers"), bytes_text("body")};
        journal_put_record(w->journal, w->core, effect->slot, &row);
    }
}

static void delete_record(struct world *w, uint64_t number) {
    ck_assert(w->store->records[number].is_here);
    w->store->records[number].is_here = false;
    if (w->journal && w->is_writing_records)
        journal_delete_record(w->journal, number);
}

static struct hand *hand_of(struct world *w, uint32_t peer) {
    for (uint32_t i = 0; i < WORKERS; i++)
        if (w->workers[i].peer == peer && w->workers[i].is_joined)
            return &w->workers[i];
    return NULL;
}

static void hand_forget(struct world *w, const struct effect *effect) {
    struct hand *hand = hand_of(w, effect->peer);
    for (uint32_t i = 0; hand && i < hand->held_count; i++)
        if (id_equal(hand->held[i], effect->call))
            hand->held[i--] = hand->held[--hand->held_count];
}

// A lease arrives at once, and the worker names it from then on.
static void hand_take(struct world *w, const struct effect *effect) {
    struct hand *hand = hand_of(w, effect->peer);
    if (!hand)
        return;
    ck_assert_uint_lt(hand->held_count, HELD);
    hand->held[hand->held_count++] = effect->call;
    if (effect->number > hand->seen)
        hand->seen = effect->number;
}

static void hold_sent(struct world *w, const struct effect *effect) {
    if (w->sent_count == SENT) { // throws away what was taken
        uint32_t kept = 0;
        for (uint32_t i = 0; i < w->sent_count; i++)
            if (!w->sent[i].is_taken)
                w->sent[kept++] = w->sent[i];
        w->sent_count = kept;
    }
    ck_assert_uint_lt(w->sent_count, SENT);
    bool is_job = effect->kind == EFFECT_send_lease || effect->kind == EFFECT_send_prepare;
    w->sent[w->sent_count++] = (struct sent){
        .effect = *effect,
        .job = is_job ? core_job(w->core, effect->slot)->number : 0,
    };
}

static void absorb_one(struct world *w, const struct effect *effect) {
    w->counts[effect->kind]++;
    switch (effect->kind) {
    case EFFECT_put_record:
        keep_record(w, effect);
        break;
    case EFFECT_delete_record:
        delete_record(w, effect->number);
        break;
    case EFFECT_send_beat: {
        struct hand *hand = hand_of(w, effect->peer);
        if (hand && effect->number > hand->seen)
            hand->seen = effect->number;
        break;
    }
    case EFFECT_send_end_stored:
        hand_forget(w, effect);
        break;
    case EFFECT_send_lease:
        hand_take(w, effect);
        hold_sent(w, effect);
        break;
    default:
        if (effect->kind >= EFFECT_send_opened)
            hold_sent(w, effect);
        break;
    }
}

static void step(struct world *w, struct event *event) {
    event->now_ms = w->now_ms;
    event->wall_ms = w->wall_ms;
    core_step(w->core, event, &w->effects);
    ck_assert_uint_le(w->effects.count, EFFECTS_MAX);
    uint64_t records = w->counts[EFFECT_put_record];
    for (uint32_t i = 0; i < w->effects.count; i++)
        absorb_one(w, &w->effects.items[i]);
    records = w->counts[EFFECT_put_record] - records;
    if (records > w->records_a_step_max)
        w->records_a_step_max = records;
}

// ---- the store ----------------------------------------------------------------------------------

static void write_job(struct world *w, uint32_t slot) {
    const struct job *job = core_job(w->core, slot);
    ck_assert_uint_lt(job->number, JOBS);
    struct kept_job *kept = &w->store->jobs[job->number];
    bool is_new = !kept->is_here;
    *kept = (struct kept_job){.row = *job,
                              .batch = core_batch(w->core, job->batch)->number,
                              .is_here = job->state != JOB_GONE};
    if (job->conversation)
        kept->conversation = core_conversation_id(w->core, job);
    if (w->journal)
        journal_store_job(w->journal, w->core, slot, is_new);
}

static void write_batch(struct world *w, uint32_t slot) {
    const struct batch *batch = core_batch(w->core, slot);
    ck_assert_uint_lt(batch->number, BATCHES);
    struct kept_batch *kept = &w->store->batches[batch->number];
    struct batch_texts texts = {bytes_text("name"), bytes_text("{}")};
    if (w->journal)
        journal_store_batch(w->journal, w->core, slot, kept->is_here ? NULL : &texts);
    *kept = (struct kept_batch){.row = *batch, .is_here = batch->state != BATCH_GONE};
}

static void write_conversation(struct world *w, uint32_t slot) {
    const struct conversation *row = core_conversation(w->core, slot);
    ck_assert_uint_lt(slot, CONVERSATIONS);
    struct kept_conversation *at = &w->store->conversations[0];
    for (uint32_t i = CONVERSATIONS; i-- > 0;) // its own place, or a free one
        if (!w->store->conversations[i].is_here)
            at = &w->store->conversations[i];
    for (uint32_t i = 0; i < CONVERSATIONS; i++)
        if (w->store->conversations[i].is_here &&
            id_equal(w->store->conversations[i].row.id, row->id))
            at = &w->store->conversations[i];
    *at = (struct kept_conversation){.row = *row, .is_here = row->is_stored};
    if (row->is_stored)
        at->batch = core_batch(w->core, row->batch)->number;
    if (w->journal)
        journal_store_conversation(w->journal, w->core, slot);
}

static void write_small_rows(struct world *w) {
    uint32_t slot;
    while ((slot = core_dirty_lane(w->core))) {
        ck_assert_uint_lt(slot, LANES);
        w->store->lanes[slot] = *core_lane(w->core, slot);
        if (slot > w->store->lane_count)
            w->store->lane_count = slot;
        if (w->journal)
            journal_store_lane(w->journal, w->core, slot);
    }
    while ((slot = core_dirty_worker(w->core))) {
        w->store->workers[slot] = *core_worker(w->core, slot);
        if (w->journal)
            journal_store_worker(w->journal, w->core, slot);
    }
}

static void write_rows(struct world *w) {
    uint32_t slot;
    write_small_rows(w);
    while ((slot = core_dirty_batch(w->core)))
        write_batch(w, slot);
    while ((slot = core_dirty_conversation(w->core)))
        write_conversation(w, slot);
    while ((slot = core_dirty_job(w->core)))
        write_job(w, slot);
    w->store->counters = core_counters(w->core);
    if (w->journal) {
        journal_store_counters(w->journal, w->core);
        journal_commit(w->journal);
    }
}

static void restore_jobs(struct world *w) {
    for (uint32_t i = 1; i < JOBS; i++) {
        const struct kept_job *kept = &w->store->jobs[i];
        if (!kept->is_here)
            continue;
        struct job row = kept->row;
        row.batch = core_find_batch(w->core, kept->batch);
        row.lapse = 0; // in memory only, like these
        row.named = row.ask = row.due_ms = 0;
        (void)core_restore_job(w->core, &row, kept->conversation);
    }
}

static void restore_records(struct world *w) {
    for (uint32_t i = 1; i < RECORDS; i++) {
        const struct kept_record *kept = &w->store->records[i];
        if (!kept->is_here)
            continue;
        struct record row = {.number = kept->row.number, .bytes = kept->row.bytes};
        row.type = kept->row.type;
        row.is_answer_in = kept->row.is_answer_in;
        row.batch_state = kept->row.batch_state;
        row.revision = kept->row.type == RECORD_job ? kept->said.revision : kept->row.revision;
        row.job = core_find_job(w->core, kept->job);
        row.batch = core_find_batch(w->core, kept->batch);
        (void)core_restore_record(w->core, &row);
    }
}

// Only what the header of struct batch calls written survives.
static void restore_batch(struct world *w, const struct batch *from) {
    struct batch row = {.number = from->number,
                        .id = from->id,
                        .digest = from->digest,
                        .accepted_through = from->accepted_through,
                        .refused = from->refused,
                        .answered = from->answered,
                        .dead = from->dead,
                        .parked = from->parked,
                        .cancelled = from->cancelled,
                        .jobs = from->jobs,
                        .attempts_max = from->attempts_max,
                        .revision = from->revision,
                        .state = from->state,
                        .priority = from->priority,
                        .billed = from->billed,
                        .unanswered = from->unanswered,
                        .is_cancelled = from->is_cancelled};
    memcpy(row.key, from->key, sizeof(row.key));
    (void)core_restore_batch(w->core, &row);
}

static void restore(struct world *w) {
    struct store *store = w->store;
    core_restore_counters(w->core, &store->counters);
    for (uint32_t slot = 1; slot <= store->lane_count; slot++)
        ck_assert_uint_eq(core_restore_lane(w->core, &store->lanes[slot]), slot);
    for (uint32_t slot = 1; slot < WORKERS_MAX; slot++)
        if (store->workers[slot].is_stored)
            core_restore_worker(w->core, slot, &store->workers[slot]);
    for (uint32_t i = 1; i < BATCHES; i++)
        if (store->batches[i].is_here)
            restore_batch(w, &store->batches[i].row);
    for (uint32_t i = 0; i < CONVERSATIONS; i++)
        if (store->conversations[i].is_here) {
            struct conversation row = store->conversations[i].row;
            row.batch = core_find_batch(w->core, store->conversations[i].batch);
            (void)core_restore_conversation(w->core, &row);
        }
    restore_jobs(w);
    restore_records(w);
    core_restored(w->core, w->now_ms, w->wall_ms);
}

void world_crash(struct world *w) {
    mem_free(w->memory);
    w->config.boot++;
    build_core(w);
    restore(w);
    for (uint32_t i = 0; i < WORKERS; i++) {
        w->workers[i].is_joined = false;
        w->workers[i].seen = 0;
    }
    world_tick(w);
}

void world_restart(struct world *w) {
    world_crash(w);
    join_others(w);
}

// ---- turns --------------------------------------------------------------------------------------

static void answer_key_ask(struct world *w, struct sent ask) {
    const struct batch *batch = core_batch(w->core, ask.effect.slot);
    struct key_known_head head = {.boot = w->config.boot, .batch = batch->number};
    head.is_known = w->key_known && strcmp(w->key_known, batch->key) == 0;
    struct event event = {.kind = EVENT_key_known, .peer = ACCOUNTANT, .key_known = &head};
    world_turn(w, &event);
}

static void answer_questions(struct world *w) {
    struct sent ask;
    while (!w->is_mute && world_take(w, EFFECT_send_key_ask, ACCOUNTANT, &ask))
        answer_key_ask(w, ask);
    while (!w->is_mute && world_take(w, EFFECT_send_prepare, ACCOUNTANT, &ask))
        world_prepare(w, ask, NULL);
}

void world_turn(struct world *w, struct event *event) {
    struct event tick = {.kind = EVENT_tick};
    step(w, event);
    step(w, &tick);
    for (int i = 0; w->effects.more; i++) {
        ck_assert_int_lt(i, 10000); // work that never ends
        w->ticks_more++;
        step(w, &tick);
    }
    write_rows(w);
    answer_questions(w);
}

void world_tick(struct world *w) {
    struct event tick = {.kind = EVENT_tick};
    world_turn(w, &tick);
}

static void beat_as(struct world *w, uint32_t peer, struct heartbeat_head *head) {
    struct event event = {.kind = EVENT_heartbeat, .peer = peer, .heartbeat = head};
    world_turn(w, &event);
}

void world_beat(struct world *w, uint32_t worker) {
    struct hand *hand = &w->workers[worker];
    struct heartbeat_head head = {.boot = w->config.boot,
                                  .process = hand->process,
                                  .seen = hand->seen,
                                  .held = bytes_of(hand->held, hand->held_count * 16)};
    beat_as(w, hand->peer, &head);
}

static void beat_all(struct world *w) {
    for (uint32_t peer = ACCOUNTANT; peer <= EXTRACTOR; peer++) {
        const struct core_peer *at = core_peer(w->core, peer);
        struct heartbeat_head head = {.boot = w->config.boot, .process = at->process};
        if (at->role != ROLE_none)
            beat_as(w, peer, &head);
    }
    for (uint32_t i = 0; i < WORKERS; i++)
        if (w->workers[i].is_joined && !w->workers[i].is_silent)
            world_beat(w, i);
}

void world_pass(struct world *w, uint64_t ms) {
    while (ms > 0) {
        uint64_t now = ms < HEARTBEAT_MS ? ms : HEARTBEAT_MS;
        w->now_ms += now;
        w->wall_ms += (int64_t)now;
        ms -= now;
        world_tick(w);
        beat_all(w);
    }
}

// ---- looking ------------------------------------------------------------------------------------

static bool is_for(const struct sent *sent, enum effect_kind kind, uint32_t peer) {
    return !sent->is_taken && sent->effect.kind == kind && sent->effect.peer == peer;
}

bool world_take(struct world *w, enum effect_kind kind, uint32_t peer, struct sent *sent) {
    for (uint32_t i = 0; i < w->sent_count; i++)
        if (is_for(&w->sent[i], kind, peer)) {
            w->sent[i].is_taken = true;
            *sent = w->sent[i];
            return true;
        }
    return false;
}

uint32_t world_untaken(const struct world *w, enum effect_kind kind, uint32_t peer) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->sent_count; i++)
        count += is_for(&w->sent[i], kind, peer);
    return count;
}

const struct job *world_job(const struct world *w, uint64_t number) {
    uint32_t slot = core_find_job(w->core, number);
    ck_assert_uint_ne(slot, 0);
    return core_job(w->core, slot);
}

enum job_state world_state(const struct world *w, uint64_t number) {
    uint32_t slot = core_find_job(w->core, number);
    return slot ? (enum job_state)core_job(w->core, slot)->state : JOB_GONE;
}

const struct batch *world_batch(const struct world *w, uint64_t number) {
    uint32_t slot = core_find_batch(w->core, number);
    ck_assert_uint_ne(slot, 0);
    return core_batch(w->core, slot);
}

enum batch_state world_batch_state(const struct world *w, uint64_t number) {
    uint32_t slot = core_find_batch(w->core, number);
    return slot ? (enum batch_state)core_batch(w->core, slot)->state : BATCH_GONE;
}

uint32_t world_lane_slot(const struct world *w, const char *model) {
    return core_find_lane(w->core, bytes_text("openai"), bytes_text("default"), bytes_text(model));
}

struct lane *world_lane(const struct world *w) {
    uint32_t slot = world_lane_slot(w, "m");
    ck_assert_uint_ne(slot, 0);
    return (struct lane *)core_lane(w->core, slot);
}

void world_decide_lane(struct world *w, enum event_kind kind) {
    struct event event = {.kind = kind, .slot = world_lane_slot(w, "m")};
    world_turn(w, &event);
}

const struct kept_record *world_record_of(const struct world *w, struct id call) {
    for (uint64_t i = 1; i <= core_counters(w->core).issued; i++) {
        const struct kept_record *kept = &w->store->records[i];
        if (kept->said.has_attempt && id_equal(kept->said.call, call))
            return kept;
    }
    return NULL;
}

uint32_t world_records_of(const struct world *w, uint64_t job) {
    uint32_t count = 0;
    for (uint64_t i = 1; i <= core_counters(w->core).issued; i++)
        count += w->store->records[i].job == job;
    return count;
}

const struct kept_record *world_last_record(const struct world *w, uint64_t job) {
    for (uint64_t i = core_counters(w->core).issued; i > 0; i--)
        if (w->store->records[i].job == job)
            return &w->store->records[i];
    ck_abort_msg("the job has no record");
}
