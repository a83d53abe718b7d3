#include "workers/accountant/book.h"

#include "common/id.h"
#include "common/limits.h"
#include "common/log.h"

#include <inttypes.h>

// What a turn's line states, so that later turns find it: bits of job.states.
enum { STATES_SYSTEM = 1, STATES_PARAMS = 2, STATES_TOOLS = 4 };

static void bind_text_or_null(sqlite3_stmt *statement, int at, struct bytes text) {
    if (text.size == 0)
        db_bind_null(statement, at);
    else
        db_bind_text(statement, at, text);
}

static void bind_row_or_null(sqlite3_stmt *statement, int at, int64_t row) {
    if (row == 0)
        db_bind_null(statement, at);
    else
        db_bind_i64(statement, at, row);
}

// ---- reading a record ---------------------------------------------------------------------------

static bool is_json(struct bytes text) {
    return text.size == 0 || json_is_complete(text);
}

// Whether they can be added up.
static bool numbers_fit(const struct facts_head *facts) {
    const int64_t counts[] = {facts->in_uncached,       facts->in_cached, facts->in_cache_write,
                              facts->in_cache_write_1h, facts->in_audio,  facts->out_visible,
                              facts->out_reasoning,     facts->out_audio, facts->web_searches,
                              facts->in_tool_use,       facts->in_image,  facts->out_image};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        if (counts[i] > CALL_COUNT_MAX)
            return false;
    return facts->cost_stated_pusd <= CALL_PUSD_MAX;
}

// Facts come from a process that reads what strangers write: nothing is stored unchecked.
static enum err read_facts(struct booking *booking, const char **why) {
    if (booking->frames->facts.size == 0)
        return ERR_OK;
    struct facts_head *facts = &booking->facts;
    *why = "facts_malformed";
    if (wire_open(booking->frames->facts, &booking->facts_items) != ERR_OK ||
        booking->facts_items.kind != KIND_facts ||
        wire_head(&booking->facts_items, facts) != ERR_OK)
        return ERR_MALFORMED;
    *why = "facts_json";
    if (!is_json(facts->message) || !is_json(facts->metadata) || !is_json(facts->usage))
        return ERR_MALFORMED;
    *why = "facts_numbers";
    if (!numbers_fit(facts))
        return ERR_MALFORMED;
    booking->has_facts = true;
    return ERR_OK;
}

// Of an answer that was refused only what names it is believed: its identifiers, model and tier,
// and the metadata. No counter, cost, message or end of it counts.
static void keep_names_only(struct facts_head *facts) {
    *facts = (struct facts_head){
        .model = facts->model,
        .service_tier = facts->service_tier,
        .metadata = facts->metadata,
        .headers = facts->headers,
        .error_type = facts->error_type,
        .error_code = facts->error_code,
        .error_message = facts->error_message,
        .in_uncached = -1,
        .in_cached = -1,
        .in_cache_write = -1,
        .in_audio = -1,
        .out_visible = -1,
        .out_reasoning = -1,
        .out_audio = -1,
        .in_cache_write_1h = -1,
        .web_searches = -1,
        .in_tool_use = -1,
        .in_image = -1,
        .out_image = -1,
        .total_stated = -1,
        .cost_stated_pusd = -1,
    };
}

static enum err read_record(struct booking *booking, const char **why) {
    const struct record_item *record = booking->record;
    enum err e = record->attempt != 0 ? read_facts(booking, why) : ERR_OK;
    if (e != ERR_OK)
        return e;
    e = apply_read(record, booking->has_facts, booking->facts.message.size != 0, &booking->told,
                   why);
    if (e == ERR_OK && booking->told.state == CALL_unextracted)
        keep_names_only(&booking->facts);
    return e;
}

// ---- what the ledger holds ----------------------------------------------------------------------

static enum err hold_job(struct ledger *ledger, struct booking *booking) {
    sqlite3_stmt *find = ledger->sql[SQL_find_job];
    db_bind_id(find, 1, &booking->record->job_id);
    enum err e = db_step(find);
    if (e != ERR_OK)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    struct apply_held *held = &booking->held;
    booking->job = db_i64(find, 0);
    held->has_job = true;
    held->revision = db_u64(find, 2);
    booking->answer = db_i64(find, 3);
    held->has_answer = booking->answer != 0;
    booking->was_cut = booking->is_cut = db_i64(find, 4) != 0;
    bool is_known = outcome_parse(db_bytes(find, 1), &held->outcome);
    // The tags are read again by the call's own row.
    buf_reset(&ledger->text);
    struct bytes tags = db_bytes(find, 5);
    buf_put(&ledger->text, tags.at, tags.size);
    booking->tags = buf_bytes(&ledger->text);
    db_reset(find);
    return is_known ? ERR_OK : ERR_IO;
}

static enum err hold_call(struct ledger *ledger, struct booking *booking) {
    sqlite3_stmt *find = ledger->sql[SQL_find_call];
    db_bind_id(find, 1, &booking->record->call);
    enum err e = db_step(find);
    if (e != ERR_OK)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    struct apply_held *held = &booking->held;
    held->has_call = true;
    booking->call = db_i64(find, 0);
    held->call_digest = db_digest(find, 2);
    held->is_other_jobs = db_i64(find, 3) != booking->job;
    held->has_cost = db_i64(find, 4) != 0;
    held->answer_is_call = booking->answer == booking->call;
    bool is_known = call_state_parse(db_bytes(find, 1), &held->call_state);
    db_reset(find);
    return is_known ? ERR_OK : ERR_IO;
}

// ---- tags ---------------------------------------------------------------------------------------

static bool is_object(struct bytes raw) {
    return raw.size > 0 && raw.at[0] == '{';
}

// A member of an object, looked for only where its name stands at all.
static bool member(struct bytes object, const char *quoted, const char *name, struct bytes *value) {
    return object.size > 0 && memmem(object.at, object.size, quoted, strlen(quoted)) &&
           json_member(object, name, value);
}

// Tags that the line states: its `tags`, or the metadata of a native body.
static struct bytes stated_tags(struct bytes line) {
    struct bytes tags = {NULL, 0}, body;
    if (member(line, "\"tags\"", "tags", &tags) && is_object(tags))
        return tags;
    static const char *const bodies[] = {"body", "params"};
    for (int i = 0; i < 2; i++)
        if (member(line, "\"metadata\"", bodies[i], &body) &&
            member(body, "\"metadata\"", "metadata", &tags) && is_object(tags))
            return tags;
    return (struct bytes){NULL, 0};
}

// What the conversation's turn before this one had.
static enum err tags_before(struct ledger *ledger, struct booking *booking) {
    sqlite3_stmt *find = ledger->sql[SQL_tags_before];
    db_bind_i64(find, 1, booking->conversation);
    db_bind_u64(find, 2, booking->record->turn);
    enum err e = db_step(find);
    if (e != ERR_OK)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    struct bytes tags = db_bytes(find, 0);
    buf_reset(&ledger->text);
    buf_put(&ledger->text, tags.at, tags.size);
    booking->tags = buf_bytes(&ledger->text);
    db_reset(find);
    return ERR_OK;
}

// Tags that cannot be read, or are too large, are none.
static enum err find_tags(struct ledger *ledger, struct booking *booking) {
    struct bytes tags = stated_tags(booking->frames->line);
    if (tags.size > 0 && tags.size <= TAGS_BYTES_MAX &&
        json_scan(&ledger->scan, tags, NULL) == ERR_OK)
        booking->tags = tags;
    if (booking->tags.size == 0 && booking->conversation != 0)
        return tags_before(ledger, booking);
    return ERR_OK;
}

void tags_open(struct tags *tags, struct ledger *ledger, struct bytes object) {
    *tags = (struct tags){.ledger = ledger};
    if (object.size > 0 && object.size <= TAGS_BYTES_MAX &&
        json_scan(&ledger->scan, object, NULL) == ERR_OK &&
        ledger->scan.nodes[0].shape == JSON_SHAPE_object && ledger->scan.count > 1)
        tags->at = 1;
}

// Appends the name of a member, escapes resolved.
static void put_name(struct ledger *ledger, const struct json_node *node, struct buf *out) {
    struct bytes name = bytes_of(ledger->scan.text.at + node->name_at, node->name_size);
    struct bytes quoted = bytes_of(name.at - 1, name.size + 2);
    buf_reset(&ledger->unsqueezed);
    if (node->name_has_escape && json_scan(&ledger->name_scan, quoted, NULL) == ERR_OK)
        name = json_text(&ledger->name_scan, 0, &ledger->unsqueezed);
    buf_put(out, name.at, name.size);
}

enum err tags_next(struct tags *tags, int64_t *row) {
    struct ledger *ledger = tags->ledger;
    const struct json_node *node = NULL;
    for (; tags->at != 0 && !node;) {
        const struct json_node *next = &ledger->scan.nodes[tags->at];
        node = next->shape == JSON_SHAPE_text ? next : NULL;
        if (node) {
            buf_reset(&ledger->packed);
            put_name(ledger, node, &ledger->packed);
            buf_byte(&ledger->packed, '=');
            buf_reset(&ledger->unsqueezed);
            struct bytes value = json_text(&ledger->scan, tags->at, &ledger->unsqueezed);
            buf_put(&ledger->packed, value.at, value.size);
        }
        tags->at = next->end < ledger->scan.count ? next->end : 0;
    }
    if (!node)
        return ERR_NOT_FOUND;
    return names_row(&ledger->names, NAME_tag, buf_bytes(&ledger->packed), bytes_text(""), row);
}

// ---- the job's row ------------------------------------------------------------------------------

static int64_t stated_settings(const struct booking *booking) {
    struct bytes line = booking->frames->line, value;
    if (booking->conversation == 0)
        return 0;
    int64_t states = 0;
    if (member(line, "\"system\"", "system", &value))
        states |= STATES_SYSTEM;
    if (member(line, "\"params\"", "params", &value))
        states |= STATES_PARAMS;
    if (member(line, "\"tools\"", "tools", &value))
        states |= STATES_TOOLS;
    return states;
}

static void bind_outcome(struct ledger *ledger, const struct booking *booking, sqlite3_stmt *to,
                         int at) {
    const struct apply_plan *plan = &booking->plan;
    enum outcome outcome = plan->takes_outcome ? booking->told.outcome : booking->held.outcome;
    if (outcome == OUTCOME_none)
        db_bind_null(to, at);
    else
        db_bind_text(to, at, bytes_text(outcome_name(outcome)));
    db_bind_u64(to, at + 1, plan->takes_outcome ? booking->told.revision : booking->held.revision);
    bind_text_or_null(to, at + 2, booking->record->outcome_reason);
    bind_row_or_null(to, at + 3, booking->answer);
    db_bind_i64(to, at + 4, booking->is_cut);
    if (plan->takes_outcome)
        db_bind_i64(to, at + 5, ++ledger->rows.finished);
    else
        db_bind_null(to, at + 5);
    db_bind_i64(to, at + 6, booking->record->at_ms);
}

static enum err add_line(struct ledger *ledger, const struct booking *booking) {
    struct bytes line = booking->frames->line;
    if (line.size == 0)
        return ERR_OK;
    enum err e = squeeze(&ledger->squeezer, line, &ledger->squeezed);
    if (e != ERR_OK)
        return e;
    db_bind_i64(ledger->sql[SQL_add_line], 1, booking->job);
    db_bind_blob(ledger->sql[SQL_add_line], 2, buf_bytes(&ledger->squeezed));
    return db_run(ledger->sql[SQL_add_line]);
}

static enum err add_job(struct ledger *ledger, struct booking *booking) {
    const struct record_item *record = booking->record;
    sqlite3_stmt *add = ledger->sql[SQL_add_job];
    db_bind_i64(add, 1, booking->job);
    db_bind_id(add, 2, &record->job_id);
    db_bind_u64(add, 3, record->job);
    db_bind_i64(add, 4, booking->batch);
    db_bind_u64(add, 5, record->line);
    bind_text_or_null(add, 6, record->custom_id);
    bind_row_or_null(add, 7, booking->conversation);
    db_bind_u64(add, 8, record->turn);
    db_bind_i64(add, 9, booking->platform);
    db_bind_i64(add, 10, booking->model);
    db_bind_text(add, 11, record->key);
    bind_text_or_null(add, 12, booking->tags);
    db_bind_i64(add, 13, stated_settings(booking));
    bind_outcome(ledger, booking, add, 14);
    enum err e = db_run(add);
    if (e != ERR_OK)
        return e;
    stage_count(&ledger->stage, booking->batch, BATCH_jobs, 1);
    if (record->custom_id.size > 0)
        stage_value(&ledger->stage, record->custom_id, findex_target(booking->job, TARGET_job));
    return add_line(ledger, booking);
}

static enum err set_job(struct ledger *ledger, struct booking *booking) {
    sqlite3_stmt *set = ledger->sql[SQL_set_job];
    if (!booking->plan.takes_outcome && !booking->plan.takes_answer)
        return ERR_OK;
    db_bind_i64(set, 1, booking->job);
    bind_outcome(ledger, booking, set, 2);
    return db_run(set);
}

static enum batch_count count_of(enum outcome outcome) {
    static const enum batch_count counts[OUTCOMES] = {
        [OUTCOME_answered] = BATCH_answered, [OUTCOME_dead] = BATCH_dead,
        [OUTCOME_expired] = BATCH_expired,   [OUTCOME_cancelled] = BATCH_cancelled,
        [OUTCOME_skipped] = BATCH_skipped,   [OUTCOME_parked] = BATCH_parked,
    };
    return counts[outcome];
}

static void count_outcome(struct ledger *ledger, int64_t batch, enum outcome outcome, bool is_cut,
                          int by) {
    if (outcome == OUTCOME_none)
        return;
    stage_count(&ledger->stage, batch, count_of(outcome), by);
    if (outcome == OUTCOME_answered && is_cut)
        stage_count(&ledger->stage, batch, BATCH_cut, by);
}

// Takes what the job counted for out of its batch's counters, and what it counts for now in.
static void recount_job(struct ledger *ledger, const struct booking *booking) {
    const struct apply_plan *plan = &booking->plan;
    count_outcome(ledger, booking->batch, booking->held.outcome, booking->was_cut, -1);
    count_outcome(ledger, booking->batch,
                  plan->takes_outcome ? booking->told.outcome : booking->held.outcome,
                  booking->is_cut, 1);
}

static enum err find_conversation(struct ledger *ledger, struct booking *booking) {
    const struct record_item *record = booking->record;
    int64_t origin = booking->batch;
    bool is_new, is_continued = !id_is_none(record->origin_id);
    if (record->conversation.size == 0)
        return ERR_OK;
    enum err e = is_continued ? names_batch(&ledger->names, record->origin_id, &origin) : ERR_OK;
    if (e == ERR_OK)
        e = names_conversation(&ledger->names, origin, record->conversation,
                               record->conversation_id, &booking->conversation, &is_new);
    if (e == ERR_OK && is_continued)
        e = names_continue(&ledger->names, booking->conversation);
    if (e != ERR_OK || !is_new)
        return e;
    if (booking->conversation > ledger->rows.conversation)
        ledger->rows.conversation = booking->conversation;
    int64_t target = findex_target(booking->conversation, TARGET_conversation);
    stage_value(&ledger->stage, record->conversation, target);
    stage_value(&ledger->stage,
                bytes_of(record->conversation_id.at, sizeof(record->conversation_id.at)), target);
    stage_count(&ledger->stage, booking->batch, BATCH_conversations, 1);
    return ERR_OK;
}

static enum err find_rows(struct ledger *ledger, struct booking *booking) {
    const struct record_item *record = booking->record;
    enum err e =
        names_row(&ledger->names, NAME_platform, record->provider, record->api, &booking->platform);
    if (e == ERR_OK)
        e = names_row(&ledger->names, NAME_model, record->provider, record->model, &booking->model);
    if (e == ERR_OK)
        e = find_conversation(ledger, booking);
    if (e == ERR_OK && !booking->held.has_job)
        e = find_tags(ledger, booking);
    return e;
}

static enum err book_job(struct ledger *ledger, struct booking *booking) {
    enum err e = hold_job(ledger, booking);
    if (e == ERR_OK && booking->told.has_attempt)
        e = hold_call(ledger, booking);
    if (e == ERR_OK)
        e = find_rows(ledger, booking);
    if (e != ERR_OK)
        return e;
    apply_decide(&booking->told, &booking->held, &booking->plan);
    if (!booking->held.has_job)
        booking->job = ++ledger->rows.job;
    if (booking->plan.call == APPLY_insert)
        booking->call = ++ledger->rows.call;
    if (booking->plan.takes_answer) {
        booking->answer = booking->call;
        booking->is_cut = bytes_is(booking->facts.finish, "length");
    }
    e = booking->held.has_job ? set_job(ledger, booking) : add_job(ledger, booking);
    if (e == ERR_OK && booking->plan.call != APPLY_nothing)
        e = book_call(ledger, booking);
    if (e == ERR_OK && booking->plan.flags_cost)
        e = flag_call(ledger, booking);
    if (e == ERR_OK && booking->plan.conflict)
        e = book_conflict(ledger, booking);
    if (booking->plan.takes_outcome || booking->plan.takes_answer)
        recount_job(ledger, booking);
    return e;
}

// ---- refused lines and batches ------------------------------------------------------------------

static enum err book_refused(struct ledger *ledger, struct booking *booking) {
    const struct record_item *record = booking->record;
    sqlite3_stmt *add = ledger->sql[SQL_add_refused];
    struct bytes reason = record->reason.size ? record->reason : record->outcome_reason;
    db_bind_i64(add, 1, booking->batch);
    db_bind_u64(add, 2, record->line);
    bind_text_or_null(add, 3, record->custom_id);
    bind_text_or_null(add, 4, record->conversation);
    db_bind_text(add, 5, reason);
    bind_text_or_null(add, 6, record->detail);
    db_bind_i64(add, 7, record->at_ms);
    enum err e = db_step(add);
    if (e == ERR_NOT_FOUND)
        return ERR_OK; // a repeat: what was decided the first time stands
    if (e != ERR_OK)
        return e;
    db_reset(add);
    stage_count(&ledger->stage, booking->batch, BATCH_refused, 1);
    return ERR_OK;
}

static enum err set_batch(struct ledger *ledger, const struct booking *booking) {
    const struct record_item *record = booking->record;
    sqlite3_stmt *set = ledger->sql[SQL_set_batch];
    db_bind_i64(set, 1, booking->batch);
    bind_text_or_null(set, 2, record->batch_key);
    db_bind_digest(set, 3, &record->batch_digest);
    bind_text_or_null(set, 4, record->batch_name);
    bind_text_or_null(set, 5, record->batch_tags);
    bind_text_or_null(set, 6, record->batch_state);
    db_bind_u64(set, 7, record->revision);
    db_bind_u64(set, 8, record->batch_lines);
    if (bytes_is(record->batch_state, "settled") || bytes_is(record->batch_state, "cancelled"))
        db_bind_i64(set, 9, record->at_ms);
    else
        db_bind_null(set, 9);
    db_bind_u64(set, 10, record->number);
    if (digest_is_none(record->batch_head))
        db_bind_null(set, 11);
    else
        db_bind_digest(set, 11, &record->batch_head);
    return db_run(set);
}

// Whether a record about a batch is news: states are numbered by revision, then by record.
static enum err is_news(struct ledger *ledger, const struct booking *booking, bool *news) {
    const struct record_item *record = booking->record;
    sqlite3_stmt *find = ledger->sql[SQL_find_batch];
    db_bind_i64(find, 1, booking->batch);
    enum err e = db_step(find);
    if (e != ERR_OK)
        return e;
    uint64_t revision = db_u64(find, 0), number = db_u64(find, 1);
    db_reset(find);
    *news =
        record->revision > revision || (record->revision == revision && record->number >= number);
    return ERR_OK;
}

static enum err book_batch(struct ledger *ledger, struct booking *booking) {
    sqlite3_stmt *add = ledger->sql[SQL_add_batch_tag];
    struct tags tags;
    int64_t tag;
    bool news;
    enum err e = is_news(ledger, booking, &news);
    if (e != ERR_OK || !news)
        return e;
    e = set_batch(ledger, booking);
    tags_open(&tags, ledger, booking->record->batch_tags);
    while (e == ERR_OK && (e = tags_next(&tags, &tag)) == ERR_OK) {
        db_bind_i64(add, 1, tag);
        db_bind_i64(add, 2, booking->batch);
        e = db_run(add);
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

// ---- one record ---------------------------------------------------------------------------------

enum err book_record(struct ledger *ledger, const struct record_item *record,
                     const struct record_frames *frames, struct recorded_item *told,
                     const char **why) {
    struct booking booking = {.record = record, .frames = frames};
    *told = (struct recorded_item){.number = record->number};
    enum err e = read_record(&booking, why);
    if (e != ERR_OK)
        return e;
    *why = "constraint";
    e = names_batch(&ledger->names, record->batch_id, &booking.batch);
    if (e != ERR_OK)
        return e;
    switch (booking.told.type) {
    case RECORD_refused:
        return book_refused(ledger, &booking);
    case RECORD_batch:
        return book_batch(ledger, &booking);
    case RECORD_job:
        break;
    }
    e = book_job(ledger, &booking);
    told->has_answer = booking.plan.has_answer;
    return e;
}
