#include "workers/accountant/show.h"

#include "workers/accountant/identifiers.h"
#include "workers/accountant/ledger.h"

enum err show_next(const struct show *show, sqlite3_stmt *row, int turn_column) {
    enum err e;
    while ((e = db_step(row)) == ERR_OK)
        if (db_i64(row, turn_column) > show->after && db_i64(row, turn_column) <= show->last)
            break;
    return e;
}

bool show_is_over(const struct show *show) {
    return buf_state(show->writer->out) != ERR_OK;
}

// The number of the answer that a call was to give.
static void put_call_names(struct writer *writer, sqlite3_stmt *call) {
    put_i64(writer, "message", 2 * db_i64(call, CALL_AT_turn));
    put_call_of(writer, "call", call, CALL_AT_id);
}

// All values of one kind, newest first. Kinds are few; each goes through the calls once.
static void put_kind(struct show *show, struct bytes kind_name) {
    struct writer *writer = show->writer;
    struct bytes name, source, value;
    while (show_next(show, show->newest, CALL_AT_turn) == ERR_OK) {
        struct bytes packed = db_bytes(show->newest, CALL_AT_identifiers);
        int64_t kind;
        while (identifiers_next(&packed, &kind, &value)) {
            if (!identifier_kind(show->kinds, kind, &name, &source) ||
                !bytes_equal(name, kind_name))
                continue;
            writer_open(writer, '{');
            put_text(writer, "value", value);
            put_text_of(writer, "provider", show->newest, CALL_AT_provider);
            put_text(writer, "source", source);
            put_call_of(writer, "call", show->newest, CALL_AT_id);
            put_i64(writer, "message", 2 * db_i64(show->newest, CALL_AT_turn));
            put_i64_of(writer, "at", show->newest, CALL_AT_at_ms);
            writer_close(writer, '}');
        }
    }
}

enum { KINDS_MAX = 64 };

// The names of the kinds that the calls have, each once, in the order in which they come.
static size_t find_kinds(struct show *show, char names[KINDS_MAX][64]) {
    size_t count = 0;
    struct bytes name, source, value;
    while (show_next(show, show->calls, CALL_AT_turn) == ERR_OK) {
        struct bytes packed = db_bytes(show->calls, CALL_AT_identifiers);
        int64_t kind;
        while (identifiers_next(&packed, &kind, &value)) {
            size_t i = 0;
            if (!identifier_kind(show->kinds, kind, &name, &source) || name.size >= 64)
                continue;
            while (i < count && !bytes_is(name, names[i]))
                i++;
            if (i == count && count < KINDS_MAX) {
                memcpy(names[count], name.at, name.size);
                names[count++][name.size] = 0;
            }
        }
    }
    return count;
}

void show_identifiers(struct show *show) {
    char names[KINDS_MAX][64];
    size_t count = find_kinds(show, names);
    writer_name(show->writer, "extracted_identifiers");
    writer_open(show->writer, '{');
    for (size_t i = 0; i < count; i++) {
        writer_name(show->writer, names[i]);
        writer_open(show->writer, '[');
        put_kind(show, bytes_text(names[i]));
        writer_close(show->writer, ']');
    }
    writer_close(show->writer, '}');
}

int show_metadata(struct show *show) {
    struct bytes parts[PARTS_MAX];
    enum err e = ERR_OK;
    int exit = 0;
    writer_name(show->writer, "provider_metadata");
    writer_open(show->writer, '[');
    while (exit == 0 && !show_is_over(show) &&
           (e = show_next(show, show->calls, CALL_AT_turn)) == ERR_OK) {
        exit = inquirer_evidence(show->inquirer, show->answer, db_i64(show->calls, CALL_AT_call),
                                 parts);
        writer_open(show->writer, '{');
        put_call_of(show->writer, "call", show->calls, CALL_AT_id);
        put_i64(show->writer, "message", 2 * db_i64(show->calls, CALL_AT_turn));
        put_text_of(show->writer, "provider", show->calls, CALL_AT_provider);
        put_text_of(show->writer, "api", show->calls, CALL_AT_api);
        put_text_of(show->writer, "model_requested", show->calls, CALL_AT_model);
        put_text_of(show->writer, "model_served", show->calls, CALL_AT_served);
        put_i64_of(show->writer, "status", show->calls, CALL_AT_status);
        put_text_of(show->writer, "finish", show->calls, CALL_AT_finish);
        put_text_of(show->writer, "service_tier", show->calls, CALL_AT_tier);
        writer_name(show->writer, "headers");
        bool has_headers = exit == 0 && show->cut < CUT_contents;
        bool has_body = exit == 0 && show->has_bodies && show->cut < CUT_bodies;
        writer_headers(show->writer, has_headers ? parts[EVIDENCE_headers] : bytes_text(""));
        put_json(show->writer, "body", has_body ? parts[EVIDENCE_metadata] : bytes_text(""));
        writer_close(show->writer, '}');
    }
    db_reset(show->calls);
    writer_close(show->writer, ']');
    return exit != 0 ? exit : inquirer_fail(show->inquirer, e);
}

int show_usage(struct show *show) {
    struct bytes parts[PARTS_MAX];
    enum err e = ERR_OK;
    int exit = 0;
    writer_name(show->writer, "token_usage_history");
    writer_open(show->writer, '[');
    while (exit == 0 && !show_is_over(show) &&
           (e = show_next(show, show->calls, CALL_AT_turn)) == ERR_OK) {
        exit = inquirer_evidence(show->inquirer, show->answer, db_i64(show->calls, CALL_AT_call),
                                 parts);
        writer_open(show->writer, '{');
        put_call_names(show->writer, show->calls);
        put_i64_of(show->writer, "attempt", show->calls, CALL_AT_attempt);
        put_text_of(show->writer, "provider", show->calls, CALL_AT_provider);
        put_text_of(show->writer, "model", show->calls,
                    sqlite3_column_type(show->calls, CALL_AT_served) == SQLITE_NULL
                        ? CALL_AT_model
                        : CALL_AT_served);
        put_counters(show->writer, show->calls);
        put_i64_of(show->writer, "total_stated", show->calls, CALL_AT_total_stated);
        put_text(show->writer, "state", bytes_text(usage_state(show->calls)));
        put_json(show->writer, "raw",
                 exit == 0 && show->cut < CUT_bodies ? parts[EVIDENCE_usage] : bytes_text(""));
        writer_close(show->writer, '}');
    }
    db_reset(show->calls);
    writer_close(show->writer, ']');
    return exit != 0 ? exit : inquirer_fail(show->inquirer, e);
}

// Adds what of SUMS is shown here.
static void add_cost(struct sums *totals, sqlite3_stmt *call) {
    bool is_possibly = db_i64(call, CALL_AT_is_possibly_billed) != 0;
    bool has_bound = sqlite3_column_type(call, CALL_AT_possibly_pusd) != SQLITE_NULL;
    totals->at[SUM_calls]++;
    totals->at[SUM_priced] += sqlite3_column_type(call, CALL_AT_amount_pusd) != SQLITE_NULL;
    totals->at[SUM_amount_pusd] += db_i64(call, CALL_AT_amount_pusd);
    totals->at[SUM_possibly_billed] += is_possibly;
    totals->at[SUM_possibly_unpriced] += is_possibly && !has_bound;
    totals->at[SUM_possibly_pusd] += db_i64(call, CALL_AT_possibly_pusd);
    totals->at[SUM_unpriced] += bytes_is(db_bytes(call, CALL_AT_cost_state), "unpriced");
    totals->at[SUM_unknown] += bytes_is(db_bytes(call, CALL_AT_state), "unknown");
}

static void put_cost_of_call(struct writer *writer, sqlite3_stmt *call, const struct sums *totals) {
    writer_open(writer, '{');
    put_call_names(writer, call);
    put_i64_of(writer, "attempt", call, CALL_AT_attempt);
    put_text_of(writer, "call_state", call, CALL_AT_state);
    put_text_of(writer, "role", call, CALL_AT_role);
    put_i64_of(writer, "amount_pusd", call, CALL_AT_amount_pusd);
    put_i64_of(writer, "stated_pusd", call, CALL_AT_stated_pusd);
    put_i64_of(writer, "computed_pusd", call, CALL_AT_computed_pusd);
    put_text_of(writer, "state", call, CALL_AT_cost_state);
    put_text_of(writer, "unpriced", call, CALL_AT_unpriced);
    put_text_of(writer, "price", call, CALL_AT_price);
    put_i64_of(writer, "possibly_billed_pusd", call, CALL_AT_possibly_pusd);
    put_i64_if(writer, "running_total_pusd", sums_have_amount(totals), totals->at[SUM_amount_pusd]);
    writer_close(writer, '}');
}

int show_cost(struct show *show) {
    struct sums totals = {.at = {0}};
    enum err e;
    writer_name(show->writer, "cost_tracking");
    writer_open(show->writer, '{');
    put_text(show->writer, "currency", bytes_text("USD"));
    writer_name(show->writer, "messages");
    writer_open(show->writer, '[');
    while ((e = db_step(show->calls)) == ERR_OK) {
        int64_t turn = db_i64(show->calls, CALL_AT_turn);
        add_cost(&totals, show->calls);
        if (turn > show->after && turn <= show->last)
            put_cost_of_call(show->writer, show->calls, &totals);
    }
    writer_close(show->writer, ']');
    put_i64_if(show->writer, "total_pusd", sums_have_amount(&totals), totals.at[SUM_amount_pusd]);
    put_i64(show->writer, "unpriced_calls", totals.at[SUM_unpriced]);
    put_i64(show->writer, "unknown_calls", totals.at[SUM_unknown]);
    put_i64(show->writer, "possibly_billed_calls", totals.at[SUM_possibly_billed]);
    put_i64_if(show->writer, "possibly_billed_pusd", sums_have_possible(&totals),
               totals.at[SUM_possibly_pusd]);
    writer_close(show->writer, '}');
    return inquirer_fail(show->inquirer, e);
}
