// batch.results: OpenAI's batch output form, each line with colloq's own object added.
#include "common/id.h"
#include "common/mem.h"
#include "workers/accountant/calls.h"
#include "workers/accountant/identifiers.h"
#include "workers/accountant/ledger.h"
#include "workers/extractor/shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum job_column {
    JOB_AT_job,
    JOB_AT_id,
    JOB_AT_line,
    JOB_AT_custom_id,
    JOB_AT_conversation,
    JOB_AT_name,
    JOB_AT_turn,
    JOB_AT_outcome,
    JOB_AT_revision,
    JOB_AT_reason,
    JOB_AT_answer,
    JOB_AT_finished,
    JOB_AT_tags,
    JOB_AT_provider,
    JOB_AT_api,
    JOB_AT_model,
    JOB_AT_at_ms,
    JOB_AT_talk,  // the conversation's row
    JOB_AT_shape, // of the API's answers
    JOB_AT_code,
    JOB_AT_speaks,
};

#define JOB_SELECT                                                                               \
    "SELECT j.job, j.id, j.line, j.custom_id, c.id, c.name, j.turn, j.outcome, j.revision, "     \
    "j.reason, j.answer, j.finished, j.tags, p.provider, p.api, m.name, j.at_ms, "               \
    "j.conversation, json_extract(p.entry, '$.shape'), " JOB_CODE ", " JOB_SPEAKS " FROM job j " \
    "JOIN ai_platform p ON p.platform=j.platform JOIN model m ON m.model=j.model "               \
    "LEFT JOIN conversation c ON c.conversation=j.conversation WHERE j.batch=?1 "

// What the calls of a job come to, and which of them is shown.
struct shown_call {
    int64_t call; // 0: none
    bool is_answer;
    int64_t attempts, possibly_billed, possibly_pusd, total_pusd;
    bool has_amount, has_bound;
};

struct results {
    struct inquirer *inquirer;
    sqlite3_stmt *job, *calls, *kinds, *answer, *failed;
    bool by_finish;
    // What streams are put together with, once there is one.
    struct assembly *assembly;
    struct json_scan event;
    struct buf assembled;
};

static int open_results(struct results *results, struct inquirer *inquirer, int64_t batch) {
    const char *order = inquirer_text(inquirer, "order"), *after = inquirer_text(inquirer, "after");
    *results = (struct results){.inquirer = inquirer};
    results->by_finish = order && strcmp(order, "finished") == 0;
    if (order && !results->by_finish && strcmp(order, "input") != 0)
        return inquirer_refuse(inquirer, EX_USAGE, "order is input or finished");
    int exit =
        inquirer_prepare(inquirer,
                         results->by_finish ? JOB_SELECT "AND j.finished>?2 ORDER BY j.finished"
                                            : JOB_SELECT
                             "AND j.line>?2 AND j.outcome IS NOT NULL ORDER BY j.line, j.job",
                         &results->job);
    if (exit == 0)
        exit = calls_of_job(inquirer, false, &results->calls);
    if (exit == 0)
        exit = identifier_kinds(inquirer, &results->kinds);
    if (exit == 0)
        exit = inquirer_prepare(inquirer, "SELECT evidence FROM answer WHERE call=?1",
                                &results->answer);
    if (exit == 0)
        exit = inquirer_prepare(inquirer,
                                "SELECT j.turn, j.line, " JOB_CODE " FROM job j WHERE "
                                "j.conversation=?1 AND j.turn<?2 AND coalesce(j.reason,'')<>"
                                "'earlier_turn' AND (j.outcome IN ('dead','cancelled','expired') "
                                "OR j.outcome='parked' AND j.reason='possibly_billed') "
                                "ORDER BY j.turn DESC LIMIT 1",
                                &results->failed);
    if (exit == 0) {
        db_bind_i64(results->job, 1, batch);
        db_bind_i64(results->job, 2, after ? strtoll(after, NULL, 10) : 0);
    }
    return exit;
}

static void close_results(struct results *results) {
    (void)sqlite3_finalize(results->job);
    (void)sqlite3_finalize(results->calls);
    (void)sqlite3_finalize(results->kinds);
    (void)sqlite3_finalize(results->answer);
    (void)sqlite3_finalize(results->failed);
    if (results->assembly)
        assembly_release(results->assembly);
    mem_free(results->assembly);
    json_scan_release(&results->event);
    buf_release(&results->assembled);
}

// Goes through the job's calls: the answer is shown, else the newest attempt.
static int choose_call(struct results *results, struct shown_call *shown) {
    sqlite3_stmt *call = results->calls;
    int64_t answer = db_i64(results->job, JOB_AT_answer);
    enum err e;
    *shown = (struct shown_call){.call = answer, .is_answer = answer != 0};
    db_bind_i64(call, 1, db_i64(results->job, JOB_AT_job));
    while ((e = db_step(call)) == ERR_OK) {
        shown->attempts++;
        if (!shown->is_answer)
            shown->call = db_i64(call, CALL_AT_call);
        shown->has_amount |= sqlite3_column_type(call, CALL_AT_amount_pusd) != SQLITE_NULL;
        shown->total_pusd += db_i64(call, CALL_AT_amount_pusd);
        shown->possibly_billed += db_i64(call, CALL_AT_is_possibly_billed);
        shown->possibly_pusd += db_i64(call, CALL_AT_possibly_pusd);
        shown->has_bound |= sqlite3_column_type(call, CALL_AT_possibly_pusd) != SQLITE_NULL;
    }
    return inquirer_fail(results->inquirer, e);
}

// Leaves the statement on the row of the call that is shown.
static bool step_to(sqlite3_stmt *calls, int64_t call) {
    while (db_step(calls) == ERR_OK)
        if (db_i64(calls, CALL_AT_call) == call)
            return true;
    return false;
}

// The value of the first identifier of that kind.
static struct bytes identifier_of(struct results *results, const char *kind_name) {
    struct bytes packed = db_bytes(results->calls, CALL_AT_identifiers), value, name, source;
    int64_t kind;
    while (identifiers_next(&packed, &kind, &value))
        if (identifier_kind(results->kinds, kind, &name, &source) && bytes_is(name, kind_name))
            return value;
    return bytes_text("");
}

static void put_response(struct results *results, struct writer *writer, struct bytes body) {
    struct bytes outcome = db_bytes(results->job, JOB_AT_outcome);
    bool has_meaning = bytes_is(outcome, "answered") || bytes_is(outcome, "dead");
    writer_name(writer, "response");
    if (!has_meaning || sqlite3_column_type(results->calls, CALL_AT_status) == SQLITE_NULL) {
        writer_null(writer);
        return;
    }
    writer_open(writer, '{');
    put_i64_of(writer, "status_code", results->calls, CALL_AT_status);
    put_text(writer, "request_id", identifier_of(results, "request_id"));
    writer_name(writer, "body");
    writer_json_or_text(writer, body);
    writer_close(writer, '}');
}

// Names the turn for which this one waits. False if none is known.
static bool name_failed_turn(struct results *results, char *text, size_t size) {
    sqlite3_stmt *failed = results->failed;
    db_bind_i64(failed, 1, db_i64(results->job, JOB_AT_talk));
    db_bind_i64(failed, 2, db_i64(results->job, JOB_AT_turn));
    if (db_step(failed) != ERR_OK)
        return false;
    struct bytes code = db_bytes(failed, 2);
    (void)snprintf(text, size, "turn %" PRId64 " (line %" PRId64 ") got no answer: %.*s",
                   db_i64(failed, 0), db_i64(failed, 1), (int)code.size, (const char *)code.at);
    db_reset(failed);
    return true;
}

// In words, as far as there are any: the provider's, else the worker's, else a code.
static struct bytes words_of_call(const struct results *results) {
    static const enum call_column columns[] = {CALL_AT_error_message, CALL_AT_detail,
                                               CALL_AT_reason};
    struct bytes words = bytes_text("");
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]) && words.size == 0; i++)
        words = db_bytes(results->calls, columns[i]);
    return words;
}

static void put_error(struct results *results, struct writer *writer, bool has_call) {
    struct bytes outcome = db_bytes(results->job, JOB_AT_outcome), message = bytes_text("");
    struct bytes reason = db_bytes(results->job, JOB_AT_reason);
    char text[512];
    writer_name(writer, "error");
    if (bytes_is(outcome, "answered")) {
        writer_null(writer);
        return;
    }
    bool is_parked = bytes_is(outcome, "parked"), is_own = bytes_is(reason, "possibly_billed");
    bool is_behind = (is_parked && !is_own) || bytes_is(reason, "earlier_turn");
    if (is_behind && name_failed_turn(results, text, sizeof(text)))
        message = bytes_text(text);
    else if (has_call && db_i64(results->job, JOB_AT_speaks) == 0 &&
             (bytes_is(outcome, "dead") || (is_parked && is_own)))
        message = words_of_call(results);
    writer_open(writer, '{');
    put_text_of(writer, "code", results->job, JOB_AT_code);
    put_text(writer, "message", message.size ? message : reason);
    writer_close(writer, '}');
}

static void put_job(struct writer *writer, sqlite3_stmt *job) {
    bool is_single = sqlite3_column_type(job, JOB_AT_conversation) == SQLITE_NULL;
    put_uuid_of(writer, "job", job, JOB_AT_id);
    put_i64_of(writer, "line", job, JOB_AT_line);
    put_uuid_of(writer, "conversation", job, is_single ? JOB_AT_id : JOB_AT_conversation);
    put_text_of(writer, "conversation_name", job, JOB_AT_name);
    put_i64_of(writer, "turn", job, JOB_AT_turn);
    put_text_of(writer, "outcome", job, JOB_AT_outcome);
    put_i64_of(writer, "revision", job, JOB_AT_revision);
    put_text_of(writer, "reason", job, JOB_AT_reason);
    put_text_of(writer, "provider", job, JOB_AT_provider);
    put_text_of(writer, "api", job, JOB_AT_api);
    put_text_of(writer, "model_requested", job, JOB_AT_model);
}

static void put_usage(struct writer *writer, sqlite3_stmt *call, bool has_call) {
    writer_name(writer, "usage");
    if (!has_call || strcmp(usage_state(call), "none") == 0) {
        writer_null(writer);
        return;
    }
    writer_open(writer, '{');
    put_counters(writer, call);
    put_text(writer, "state", bytes_text(usage_state(call)));
    writer_close(writer, '}');
}

static void put_cost(struct writer *writer, sqlite3_stmt *call, bool has_call,
                     const struct shown_call *shown) {
    writer_name(writer, "cost");
    writer_open(writer, '{');
    put_text(writer, "currency", bytes_text("USD"));
    if (has_call) {
        put_i64_of(writer, "amount_pusd", call, CALL_AT_amount_pusd);
        put_i64_of(writer, "stated_pusd", call, CALL_AT_stated_pusd);
        put_i64_of(writer, "computed_pusd", call, CALL_AT_computed_pusd);
        put_text_of(writer, "state", call, CALL_AT_cost_state);
        put_text_of(writer, "unpriced", call, CALL_AT_unpriced);
        put_text_of(writer, "price", call, CALL_AT_price);
    } else {
        put_null(writer, "amount_pusd");
        put_null(writer, "stated_pusd");
        put_null(writer, "computed_pusd");
        put_text(writer, "state", bytes_text("none"));
        put_null(writer, "unpriced");
        put_null(writer, "price");
    }
    put_i64_if(writer, "total_pusd", shown->has_amount, shown->total_pusd);
    put_i64(writer, "possibly_billed_calls", shown->possibly_billed);
    put_i64_if(writer, "possibly_billed_pusd", shown->has_bound, shown->possibly_pusd);
    writer_close(writer, '}');
}

static void put_timing(struct writer *writer, const struct results *results, bool has_call) {
    static const char *const names[] = {"marked_ms",      "started_ms",  "first_byte_ms",
                                        "first_token_ms", "duration_ms", NULL};
    writer_name(writer, "timing");
    writer_open(writer, '{');
    if (has_call)
        (void)put_i64s_of(writer, names, results->calls, CALL_AT_marked_ms);
    for (const char *const *name = names; !has_call && *name; name++)
        put_null(writer, *name);
    put_i64_of(writer, "recorded_ms", results->job, JOB_AT_at_ms);
    writer_close(writer, '}');
}

static void put_colloq(struct results *results, struct writer *writer, bool has_call,
                       const struct shown_call *shown) {
    writer_name(writer, "colloq");
    writer_open(writer, '{');
    put_job(writer, results->job);
    if (has_call) {
        put_text_of(writer, "model_served", results->calls, CALL_AT_served);
        put_call_of(writer, "call", results->calls, CALL_AT_id);
        put_text_of(writer, "finish", results->calls, CALL_AT_finish);
        put_text_of(writer, "service_tier", results->calls, CALL_AT_tier);
        writer_name(writer, "identifiers");
        put_first_identifiers(writer, results->calls, results->kinds);
    } else {
        put_null(writer, "model_served");
        put_null(writer, "call");
        put_null(writer, "finish");
        put_null(writer, "service_tier");
        put_json(writer, "identifiers", bytes_text("{}"));
    }
    put_usage(writer, results->calls, has_call);
    put_cost(writer, results->calls, has_call, shown);
    put_i64(writer, "attempts", shown->attempts);
    put_timing(writer, results, has_call);
    put_json_of(writer, "tags", results->job, JOB_AT_tags);
    writer_close(writer, '}');
}

static void put_result(struct results *results, struct writer *writer, bool has_call,
                       const struct shown_call *shown, struct bytes body) {
    char hex[ID_HEX_SIZE], id[ID_HEX_SIZE + 16];
    id_hex(db_id(results->job, JOB_AT_id), hex);
    (void)snprintf(id, sizeof(id), "batch_req_%s", hex);
    put_text(writer, "id", bytes_text(id));
    put_text_of(writer, "custom_id", results->job, JOB_AT_custom_id);
    if (has_call)
        put_response(results, writer, body);
    else
        put_null(writer, "response");
    put_error(results, writer, has_call);
    put_colloq(results, writer, has_call, shown);
}

// The body that an answer amounts to: a stream is kept as it came, and whoever reads results
// expects the JSON that the API gives without one. What cannot be put together is shown as it came.
static struct bytes body_of(struct results *results, struct bytes body) {
    struct bytes name = db_bytes(results->job, JOB_AT_shape);
    char text[PROVIDER_BYTES_MAX + 1];
    if (name.size == 0 || name.size >= sizeof(text))
        return body;
    memcpy(text, name.at, name.size);
    text[name.size] = 0;
    const struct answer_shape *shape = answer_shape_of(text);
    if (!shape || !shape->take_event || !answer_shape_is_stream(shape, body))
        return body;
    if (!results->assembly) {
        results->assembly = mem_new(sizeof(*results->assembly));
        assembly_init(results->assembly);
        json_scan_init(&results->event);
        buf_init(&results->assembled, ANSWER_BYTES_MAX);
    }
    assembly_reset(results->assembly);
    buf_reset(&results->assembled);
    enum err e = answer_shape_assemble(shape, NULL, body, results->assembly, &results->event, NULL,
                                       &results->assembled);
    return e == ERR_OK ? buf_bytes(&results->assembled) : body;
}

// Writes one entry; an answer so large that no message could carry the line is named instead.
static int put_entry(struct results *results, struct page *page) {
    struct shown_call shown;
    struct bytes parts[PARTS_MAX];
    int exit = choose_call(results, &shown);
    if (exit == 0)
        exit = inquirer_evidence(results->inquirer, results->answer, shown.call, parts);
    if (exit != 0)
        return exit;
    struct bytes body = parts[EVIDENCE_body];
    bool has_call = shown.call != 0 && step_to(results->calls, shown.call);
    if (has_call && shown.is_answer)
        body = body_of(results, body);
    put_result(results, page_entry(page), has_call, &shown, body);
    if (page_is_too_large(page))
        put_result(results, page_entry(page), has_call, &shown,
                   bytes_text("\"the answer is too large for a result line\""));
    db_reset(results->calls);
    return 0;
}

int query_batch_results(struct inquirer *inquirer, struct writer *writer) {
    struct results results = {.job = NULL};
    struct page page;
    char last[32] = "";
    int64_t batch;
    enum err e = ERR_OK;
    int exit = inquirer_batch(inquirer, false, &batch);
    if (exit == 0)
        exit = open_results(&results, inquirer, batch);
    if (exit != 0) {
        close_results(&results);
        return exit;
    }
    page_open(&page, inquirer, writer, "lines");
    page.has_newlines = true;
    while (exit == 0 && (e = db_step(results.job)) == ERR_OK) {
        exit = put_entry(&results, &page);
        if (exit != 0 || !page_take(&page))
            break;
        (void)snprintf(last, sizeof(last), "%" PRId64,
                       db_i64(results.job, results.by_finish ? JOB_AT_finished : JOB_AT_line));
    }
    page_close(&page, last);
    put_text(writer, "last",
             bytes_text(last[0] || !inquirer_text(inquirer, "after")
                            ? last
                            : inquirer_text(inquirer, "after")));
    close_results(&results);
    return exit != 0 ? exit : inquirer_fail(inquirer, e);
}
