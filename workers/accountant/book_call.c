#include "common/limits.h"
#include "workers/accountant/book.h"
#include "workers/accountant/identifiers.h"
#include "workers/accountant/turn.h"

enum { DAY_MS = 86400000 };

// ---- what it costs ------------------------------------------------------------------------------

static struct counters counters_of(const struct facts_head *facts) {
    return (struct counters){
        .in_uncached = facts->in_uncached,
        .in_cached = facts->in_cached,
        .in_cache_write = facts->in_cache_write,
        .in_audio = facts->in_audio,
        .out_visible = facts->out_visible,
        .out_reasoning = facts->out_reasoning,
        .out_audio = facts->out_audio,
        .in_cache_write_1h = facts->in_cache_write_1h,
        .web_searches = facts->web_searches,
        .in_tool_use = facts->in_tool_use,
        .in_image = facts->in_image,
        .out_image = facts->out_image,
    };
}

static struct bytes served_model(const struct booking *booking) {
    return booking->has_facts && booking->facts.model.size ? booking->facts.model
                                                           : booking->record->model;
}

static int64_t call_ms(const struct record_item *record) {
    if (record->started_ms > 0)
        return record->started_ms;
    return record->marked_ms > 0 ? record->marked_ms : record->at_ms;
}

static void compute(const struct catalogue *catalogue, const struct booking *booking,
                    struct costing *costing) {
    struct counters counters = counters_of(&booking->facts);
    struct rating rating = {.is_priced = false, .unpriced = "no_catalogue"};
    if (catalogue)
        rating_of(catalogue, booking->record->provider, served_model(booking),
                  booking->facts.service_tier, call_ms(booking->record), &counters, &rating);
    costing->is_inconsistent |=
        costing->stated_pusd < 0 && rating_is_guess(&rating, booking->facts.has_more);
    if (rating.is_priced)
        costing->computed_pusd = rating.pusd;
    else
        costing->unpriced = rating.unpriced;
    memcpy(costing->price_name, rating.price_name, sizeof(costing->price_name));
}

// What the call can have cost at most; -1: nobody can say.
static int64_t bound_of(const struct record_item *record) {
    return record->cost_max_pusd <= CALL_PUSD_MAX ? record->cost_max_pusd : -1;
}

// What the provider states wins, and stands beside what the catalogue's prices make of it.
static void cost_answer(const struct catalogue *catalogue, const struct booking *booking,
                        struct costing *costing) {
    const struct facts_head *facts = &booking->facts;
    bool is_error = booking->record->status >= 300;
    if (is_error && !facts->has_usage && facts->cost_stated_pusd < 0)
        return;
    costing->stated_pusd = facts->cost_stated_pusd < 0 ? -1 : facts->cost_stated_pusd;
    compute(catalogue, booking, costing);
    if (costing->stated_pusd >= 0) {
        costing->state = "stated";
        costing->amount_pusd = costing->stated_pusd;
        costing->unpriced = NULL;
    } else if (!costing->unpriced) {
        costing->state = "priced";
        costing->amount_pusd = costing->computed_pusd;
    } else {
        costing->state = "unpriced";
    }
}

void book_cost(const struct catalogue *catalogue, const struct booking *booking,
               struct costing *costing) {
    const struct record_item *record = booking->record;
    *costing =
        (struct costing){.state = "none",
                         .amount_pusd = -1,
                         .stated_pusd = -1,
                         .computed_pusd = -1,
                         .possibly_pusd = -1,
                         .is_inconsistent = booking->has_facts && booking->facts.is_inconsistent,
                         .is_possibly_billed = record->is_possibly_billed};
    switch (booking->told.state) {
    case CALL_answered:
        cost_answer(catalogue, booking, costing);
        break;
    case CALL_unextracted:
        costing->state = "unpriced";
        costing->unpriced = "unextracted";
        costing->is_possibly_billed = true;
        break;
    case CALL_unknown:
        costing->is_possibly_billed = true;
        break;
    case CALL_failed:
        costing->is_possibly_billed |= record->bytes_left;
        break;
    case CALL_not_started:
        break;
    }
    if (costing->is_possibly_billed && bound_of(record) >= 0)
        costing->possibly_pusd = bound_of(record);
}

// ---- what it adds to the sums -------------------------------------------------------------------

static int64_t stated(int64_t number) {
    return number < 0 ? 0 : number;
}

static void sum_tokens(const struct facts_head *facts, struct sums *sums) {
    sums->at[SUM_in_uncached] = stated(facts->in_uncached);
    sums->at[SUM_in_cached] = stated(facts->in_cached);
    sums->at[SUM_in_cache_write] = stated(facts->in_cache_write);
    sums->at[SUM_in_audio] = stated(facts->in_audio);
    sums->at[SUM_out_visible] = stated(facts->out_visible);
    sums->at[SUM_out_reasoning] = stated(facts->out_reasoning);
    sums->at[SUM_out_audio] = stated(facts->out_audio);
    sums->at[SUM_in_cache_write_1h] = stated(facts->in_cache_write_1h);
    sums->at[SUM_web_searches] = stated(facts->web_searches);
    sums->at[SUM_in_tool_use] = stated(facts->in_tool_use);
    sums->at[SUM_in_image] = stated(facts->in_image);
    sums->at[SUM_out_image] = stated(facts->out_image);
}

static void sum_call(const struct booking *booking, const struct costing *costing,
                     struct sums *sums) {
    enum call_state state = booking->told.state;
    bool is_error = state == CALL_answered && booking->record->status >= 300;
    sums->at[SUM_calls] = 1;
    sums->at[SUM_answers] = booking->plan.role == ROLE_answer;
    sums->at[SUM_superfluous] = booking->plan.role == ROLE_superfluous;
    sums->at[SUM_failed] = state == CALL_failed || is_error;
    sums->at[SUM_not_started] = state == CALL_not_started;
    sums->at[SUM_unknown] = state == CALL_unknown;
    sums->at[SUM_unextracted] = state == CALL_unextracted;
    sums->at[SUM_priced] = costing->amount_pusd >= 0;
    sums->at[SUM_unpriced] = strcmp(costing->state, "unpriced") == 0;
    sums->at[SUM_inconsistent] = costing->is_inconsistent;
    sums->at[SUM_possibly_billed] = costing->is_possibly_billed;
    sums->at[SUM_possibly_unpriced] = costing->is_possibly_billed && costing->possibly_pusd < 0;
    sums->at[SUM_amount_pusd] = stated(costing->amount_pusd);
    sums->at[SUM_possibly_pusd] = stated(costing->possibly_pusd);
    if (booking->has_facts)
        sum_tokens(&booking->facts, sums);
}

static int64_t day_of(const struct record_item *record) {
    return (record->marked_ms > 0 ? record->marked_ms : call_ms(record)) / DAY_MS;
}

static enum err stage_tags(struct ledger *ledger, const struct booking *booking) {
    int64_t tag;
    enum err e = ERR_OK;
    struct tags tags;
    for (tags_open(&tags, ledger, booking->tags); (e = tags_next(&tags, &tag)) == ERR_OK;)
        stage_tag(&ledger->stage, tag);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err stage_sums(struct ledger *ledger, const struct booking *booking,
                           const struct costing *costing, int64_t served) {
    struct stage_call *entry = stage_call(&ledger->stage);
    entry->sign = 1;
    entry->key = (struct sum_key){
        .batch = booking->batch,
        .day = day_of(booking->record),
        .platform = booking->platform,
        .model = served ? served : booking->model,
        .conversation = booking->conversation,
    };
    sum_call(booking, costing, &entry->sums);
    return stage_tags(ledger, booking);
}

// Where the call that is held stands in the sums, by its row of SQL_old_call.
static struct sum_key key_of(const struct booking *booking, sqlite3_stmt *old) {
    return (struct sum_key){
        .batch = booking->batch,
        .day = db_i64(old, 4),
        .platform = db_i64(old, 2),
        .model = db_i64(old, 3),
        .conversation = booking->conversation,
    };
}

// Takes the row of a call whose end the broker concluded (`unknown`, or `not_started`), and what it
// added to the sums, out again. What only its mark has said stays: its instant, and its bound.
static enum err drop_concluded(struct ledger *ledger, const struct booking *booking,
                               struct record_item *record) {
    sqlite3_stmt *old = ledger->sql[SQL_old_call];
    struct stage_call *entry = stage_call(&ledger->stage);
    db_bind_i64(old, 1, booking->call);
    enum err e = db_step(old);
    if (e != ERR_OK)
        return e;
    bool is_possibly_billed = db_i64(old, 0) != 0;
    bool has_bound = sqlite3_column_type(old, 1) != SQLITE_NULL;
    if (record->cost_max_pusd < 0 && has_bound)
        record->cost_max_pusd = db_i64(old, 1);
    if (record->marked_ms == 0)
        record->marked_ms = db_i64(old, 6);
    entry->sign = -1;
    entry->sums.at[SUM_calls] = 1;
    entry->sums.at[bytes_is(db_bytes(old, 5), "unknown") ? SUM_unknown : SUM_not_started] = 1;
    entry->sums.at[SUM_possibly_billed] = is_possibly_billed;
    entry->sums.at[SUM_possibly_unpriced] = is_possibly_billed && !has_bound;
    entry->sums.at[SUM_possibly_pusd] = db_i64(old, 1);
    entry->key = key_of(booking, old);
    db_reset(old);
    e = stage_tags(ledger, booking);
    db_bind_i64(ledger->sql[SQL_drop_call], 1, booking->call);
    return e == ERR_OK ? db_run(ledger->sql[SQL_drop_call]) : e;
}

enum err flag_call(struct ledger *ledger, const struct booking *booking) {
    int64_t bound = bound_of(booking->record);
    sqlite3_stmt *old = ledger->sql[SQL_old_call], *flag = ledger->sql[SQL_flag_call];
    struct stage_call *entry = stage_call(&ledger->stage);
    db_bind_i64(old, 1, booking->call);
    enum err e = db_step(old);
    if (e != ERR_OK)
        return e;
    entry->sign = 1;
    entry->sums.at[SUM_possibly_billed] = 1;
    entry->sums.at[SUM_possibly_unpriced] = bound < 0;
    entry->sums.at[SUM_possibly_pusd] = stated(bound);
    entry->key = key_of(booking, old);
    db_reset(old);
    e = stage_tags(ledger, booking);
    db_bind_i64(flag, 1, booking->call);
    if (bound < 0)
        db_bind_null(flag, 2);
    else
        db_bind_i64(flag, 2, bound);
    return e == ERR_OK ? db_run(flag) : e;
}

// ---- its rows -----------------------------------------------------------------------------------

struct binder {
    sqlite3_stmt *to;
    int at;
};

static void put_number(struct binder *binder, int64_t number) {
    db_bind_i64(binder->to, ++binder->at, number);
}

// Numbers below the least that means anything are NULL.
static void put_from(struct binder *binder, int64_t least, int64_t number) {
    if (number >= least)
        db_bind_i64(binder->to, ++binder->at, number);
    else
        db_bind_null(binder->to, ++binder->at);
}

static void put_text(struct binder *binder, struct bytes text) {
    if (text.size)
        db_bind_text(binder->to, ++binder->at, text);
    else
        db_bind_null(binder->to, ++binder->at);
}

static void put_digest(struct binder *binder, const struct digest *digest) {
    db_bind_digest(binder->to, ++binder->at, digest);
}

static bool is_none(const struct digest *digest) {
    return digest_equal(*digest, (struct digest){{0}});
}

// Which rows of other tables it refers to.
struct call_rows {
    int64_t served, worker, catalogue, price; // 0: none
};

static enum err find_call_rows(struct ledger *ledger, const struct booking *booking,
                               const struct costing *costing, struct call_rows *rows) {
    const struct record_item *record = booking->record;
    struct bytes none = {NULL, 0}, price = bytes_text(costing->price_name);
    enum err e = ERR_OK;
    *rows = (struct call_rows){.served = 0};
    if (booking->has_facts && booking->facts.model.size)
        e = names_row(&ledger->names, NAME_model, record->provider, booking->facts.model,
                      &rows->served);
    if (e == ERR_OK && record->worker.size)
        e = names_row(&ledger->names, NAME_worker, record->worker, none, &rows->worker);
    if (e == ERR_OK && record->catalogue.size)
        e = names_row(&ledger->names, NAME_catalogue, record->catalogue, none, &rows->catalogue);
    if (e == ERR_OK && price.size)
        e = names_row(&ledger->names, NAME_price, price, none, &rows->price);
    return e;
}

static void put_call_names(struct binder *binder, const struct booking *booking,
                           const struct call_rows *rows) {
    const struct record_item *record = booking->record;
    put_number(binder, booking->call);
    db_bind_id(binder->to, ++binder->at, &record->call);
    put_number(binder, booking->job);
    put_number(binder, (int64_t)record->attempt);
    put_number(binder, booking->batch);
    put_from(binder, 1, booking->conversation);
    put_number(binder, (int64_t)record->turn);
    put_number(binder, (int64_t)record->number);
    put_text(binder, bytes_text(call_state_name(booking->told.state)));
    put_text(binder, bytes_text(call_role_name(booking->plan.role)));
    put_number(binder, booking->platform);
    put_number(binder, booking->model);
    put_from(binder, 1, rows->served);
    put_text(binder, booking->facts.service_tier);
}

static void put_call_end(struct binder *binder, const struct booking *booking,
                         const struct call_rows *rows, struct bytes context_turns) {
    const struct record_item *record = booking->record;
    put_from(binder, 1, (int64_t)record->status);
    put_text(binder, record->class);
    put_text(binder, record->unextracted.size ? record->unextracted : record->reason);
    put_text(binder, record->detail);
    put_number(binder, record->bytes_left);
    put_from(binder, 1, rows->worker);
    put_from(binder, 1, rows->catalogue);
    put_text(binder, record->traceparent);
    put_text(binder, record->strategy);
    if (is_none(&record->context))
        db_bind_null(binder->to, ++binder->at);
    else
        put_digest(binder, &record->context);
    put_text(binder, context_turns);
    put_digest(binder, &record->digest);
    put_from(binder, 1, record->marked_ms);
    put_from(binder, 1, record->started_ms);
    put_from(binder, 1, (int64_t)record->first_byte_ms);
    put_from(binder, 1, (int64_t)record->first_token_ms);
    put_from(binder, record->started_ms > 0 ? 0 : 1, (int64_t)record->duration_ms);
    put_from(binder, 1, (int64_t)record->retry_after_ms);
    put_number(binder, record->at_ms);
    put_number(binder, day_of(record));
}

static void put_call_facts(struct binder *binder, const struct booking *booking,
                           const struct costing *costing) {
    const struct facts_head *facts = &booking->facts;
    const int64_t numbers[] = {
        facts->in_uncached,       facts->in_cached,     facts->in_cache_write, facts->in_audio,
        facts->out_visible,       facts->out_reasoning, facts->out_audio,      facts->total_stated,
        facts->in_cache_write_1h, facts->web_searches,  facts->in_tool_use,    facts->in_image,
        facts->out_image,
    };
    put_text(binder, facts->finish);
    put_text(binder, facts->finish_raw);
    put_text(binder, facts->error_type);
    put_text(binder, facts->error_code);
    put_text(binder, facts->error_message);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        put_from(binder, 0, booking->has_facts ? numbers[i] : -1);
    put_number(binder, costing->is_inconsistent);
}

static void put_call_cost(struct binder *binder, const struct costing *costing,
                          const struct call_rows *rows) {
    put_text(binder, bytes_text(costing->state));
    put_from(binder, 0, costing->amount_pusd);
    put_from(binder, 0, costing->stated_pusd);
    put_from(binder, 0, costing->computed_pusd);
    put_from(binder, 1, rows->price);
    put_text(binder, bytes_text(costing->unpriced));
    put_number(binder, costing->is_possibly_billed);
    put_from(binder, 0, costing->possibly_pusd);
}

// The identifiers, packed, into ledger->packed; each also becomes findable.
static enum err pack_identifiers(struct ledger *ledger, const struct booking *booking) {
    struct wire_message items = booking->facts_items;
    struct facts_item item;
    enum err e = ERR_OK;
    buf_reset(&ledger->packed);
    while (booking->has_facts && (e = wire_next(&items, &item)) == ERR_OK) {
        int64_t kind;
        e = names_row(&ledger->names, NAME_identifier, item.kind, item.path, &kind);
        if (e != ERR_OK)
            return e;
        identifiers_put(&ledger->packed, kind, item.value);
        stage_value(&ledger->stage, item.value, findex_target(booking->call, TARGET_call));
    }
    return e == ERR_NOT_FOUND ? buf_state(&ledger->packed) : e;
}

// A call that replaces an unknown one may stand below what was indexed: its values are entered
// one by one, as run 0.
static enum err index_now(struct ledger *ledger, const struct booking *booking) {
    struct bytes packed = buf_bytes(&ledger->packed), value;
    sqlite3_stmt *add = ledger->sql[SQL_add_value];
    int64_t kind;
    enum err e = ERR_OK;
    if (booking->plan.call != APPLY_replace || booking->call > ledger->indexed_call)
        return ERR_OK;
    while (e == ERR_OK && identifiers_next(&packed, &kind, &value)) {
        db_bind_i64(add, 1, 0);
        db_bind_i64(add, 2, findex_hash(value));
        db_bind_i64(add, 3, findex_target(booking->call, TARGET_call));
        e = db_run(add);
    }
    return e;
}

// The turns that the context of this one held, as ranges ("1-3,5"), into ledger->unsqueezed:
// those with an answer. Between the preparation of a turn and its record no earlier turn of the
// conversation can get one.
static enum err note_context(struct ledger *ledger, const struct booking *booking) {
    sqlite3_stmt *find = ledger->sql[SQL_turns_before];
    struct buf *out = &ledger->unsqueezed;
    int64_t first = 0, last = 0;
    buf_reset(out);
    if (booking->conversation == 0 || booking->record->strategy.size == 0)
        return ERR_OK;
    db_bind_i64(find, 1, booking->conversation);
    db_bind_u64(find, 2, booking->record->turn);
    enum err e;
    for (e = db_step(find); e == ERR_OK || e == ERR_NOT_FOUND; e = db_step(find)) {
        int64_t turn = e == ERR_OK ? db_i64(find, 0) : 0;
        if (first != 0 && turn != last + 1) {
            buf_printf(out, out->size ? ",%lld" : "%lld", (long long)first);
            if (last > first)
                buf_printf(out, "-%lld", (long long)last);
            first = 0;
        }
        if (e == ERR_NOT_FOUND)
            return buf_state(out);
        first = first ? first : turn;
        last = turn;
    }
    return e;
}

static enum err add_answer(struct ledger *ledger, const struct booking *booking) {
    const struct facts_head *facts = &booking->facts;
    const struct bytes parts[] = {booking->frames->headers, booking->frames->body, facts->metadata,
                                  facts->usage, facts->message};
    if (booking->frames->headers.size == 0 && booking->frames->body.size == 0)
        return ERR_OK;
    enum err e = squeeze_parts(&ledger->squeezer, parts, EVIDENCE_PARTS, &ledger->squeezed);
    if (e != ERR_OK)
        return e;
    db_bind_i64(ledger->sql[SQL_add_answer], 1, booking->call);
    db_bind_blob(ledger->sql[SQL_add_answer], 2, buf_bytes(&ledger->squeezed));
    return db_run(ledger->sql[SQL_add_answer]);
}

static enum err add_message(struct ledger *ledger, const struct booking *booking, const char *role,
                            struct bytes content) {
    sqlite3_stmt *add = ledger->sql[SQL_add_message];
    enum err e = squeeze(&ledger->squeezer, content, &ledger->squeezed);
    if (e != ERR_OK)
        return e;
    db_bind_i64(add, 1, booking->conversation);
    db_bind_u64(add, 2, booking->record->turn);
    db_bind_text(add, 3, bytes_text(role));
    db_bind_i64(add, 4, booking->job);
    db_bind_i64(add, 5, booking->call);
    db_bind_i64(add, 6, booking->record->at_ms);
    db_bind_blob(add, 7, buf_bytes(&ledger->squeezed));
    return db_run(add);
}

// The job's line as an earlier record brought it; empty if none did.
static enum err kept_line(struct ledger *ledger, const struct booking *booking,
                          struct bytes *line) {
    sqlite3_stmt *find = ledger->sql[SQL_line];
    db_bind_i64(find, 1, booking->job);
    enum err e = db_step(find);
    if (e != ERR_OK)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    e = unsqueeze(&ledger->squeezer, db_bytes(find, 0), &ledger->unsqueezed);
    db_reset(find);
    *line = buf_bytes(&ledger->unsqueezed);
    return e;
}

// What the assistant said. With parts that may be bound to their model stands also under which name
// it was asked for: a provider may lead one to a model of quite another.
static enum err add_said(struct ledger *ledger, const struct booking *booking) {
    struct bytes message = booking->facts.message, shape;
    struct buf *out = &ledger->packed;
    buf_reset(out);
    if (json_member(message, "shape", &shape) && message.at[message.size - 1] == '}') {
        buf_put(out, message.at, message.size - 1);
        buf_text(out, ",\"asked\":");
        json_put_text(out, booking->record->model);
        buf_byte(out, '}');
    }
    bool is_put = out->size > 0 && buf_state(out) == ERR_OK;
    return add_message(ledger, booking, "assistant", is_put ? buf_bytes(out) : message);
}

// Both sides of an answered turn: from now on they belong to every later context.
static enum err add_messages(struct ledger *ledger, const struct booking *booking) {
    struct bytes line = booking->frames->line;
    struct turn_says says;
    bool is_assistant;
    if (booking->conversation == 0 || booking->plan.role != ROLE_answer)
        return ERR_OK;
    enum err e = line.size ? ERR_OK : kept_line(ledger, booking, &line);
    if (e != ERR_OK || !turn_says_open(&says, line, &ledger->scan))
        return e;
    buf_reset(&ledger->packed);
    while (e == ERR_OK && turn_says_next(&says, &ledger->packed, &is_assistant)) {
        e = buf_state(&ledger->packed);
        if (e == ERR_OK)
            e = add_message(ledger, booking, is_assistant ? "brought" : "user",
                            buf_bytes(&ledger->packed));
        buf_reset(&ledger->packed);
    }
    return e == ERR_OK ? add_said(ledger, booking) : e;
}

static enum err enter_call(struct ledger *ledger, struct booking *booking) {
    struct costing costing;
    struct call_rows rows;
    struct binder binder = {.to = ledger->sql[SQL_add_call]};
    book_cost(ledger->catalogue, booking, &costing);
    enum err e = find_call_rows(ledger, booking, &costing, &rows);
    if (e == ERR_OK)
        e = stage_sums(ledger, booking, &costing, rows.served);
    if (e == ERR_OK)
        e = pack_identifiers(ledger, booking);
    if (e == ERR_OK)
        e = note_context(ledger, booking);
    if (e != ERR_OK)
        return e;
    put_call_names(&binder, booking, &rows);
    put_call_end(&binder, booking, &rows, buf_bytes(&ledger->unsqueezed));
    put_call_facts(&binder, booking, &costing);
    put_call_cost(&binder, &costing, &rows);
    if (ledger->packed.size)
        db_bind_blob(binder.to, ++binder.at, buf_bytes(&ledger->packed));
    else
        db_bind_null(binder.to, ++binder.at);
    e = db_run(binder.to);
    if (e == ERR_OK)
        e = index_now(ledger, booking);
    if (e == ERR_OK)
        e = add_answer(ledger, booking);
    return e == ERR_OK ? add_messages(ledger, booking) : e;
}

enum err book_call(struct ledger *ledger, struct booking *booking) {
    const struct record_item *record = booking->record;
    struct record_item filled = *record;
    enum err e = ERR_OK;
    if (booking->plan.call == APPLY_replace)
        e = drop_concluded(ledger, booking, &filled);
    booking->record = &filled;
    if (e == ERR_OK)
        e = enter_call(ledger, booking);
    booking->record = record;
    return e;
}
