#include "workers/accountant/inquirer.h"

#include "common/clock.h"
#include "common/id.h"
#include "common/log.h"
#include "common/money.h"
#include "common/text.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CACHE_KIB = 32768,
    FRAME_SLACK = 4096,
    UUID_PREFIX_MIN = 8,
    BATCHES_NAMED_MAX = 5,
    ENTRY_BYTES_MAX = FRAME_BYTES_MAX - 2 * FRAME_SLACK,
};

// ---- opening ------------------------------------------------------------------------------------

enum err inquirer_open(struct inquirer *inquirer, const char *path, struct findex *findex,
                       struct figures *figures) {
    *inquirer = (struct inquirer){.findex = findex, .figures = figures};
    squeezer_open(&inquirer->squeezer);
    json_scan_init(&inquirer->scan);
    buf_init(&inquirer->answer, FRAME_BYTES_MAX - FRAME_SLACK);
    buf_init(&inquirer->entry, ENTRY_BYTES_MAX);
    buf_init(&inquirer->unsqueezed, DB_VALUE_BYTES_MAX);
    buf_init(&inquirer->evidence, DB_VALUE_BYTES_MAX);
    enum err e = db_open_reader(&inquirer->db, path, CACHE_KIB);
    if (e != ERR_OK)
        inquirer_close(inquirer);
    return e;
}

void inquirer_close(struct inquirer *inquirer) {
    db_close(&inquirer->db);
    squeezer_close(&inquirer->squeezer);
    json_scan_release(&inquirer->scan);
    buf_release(&inquirer->answer);
    buf_release(&inquirer->entry);
    buf_release(&inquirer->unsqueezed);
    buf_release(&inquirer->evidence);
}

// ---- asking -------------------------------------------------------------------------------------

static const struct {
    const char *what;
    question *ask;
} questions[] = {
    {"batch.list", query_batch_list},
    {"batch.show", query_batch_show},
    {"batch.results", query_batch_results},
    {"batch.refused", query_batch_refused},
    {"batch.known", query_batch_known},
    {"conversation.list", query_conversation_list},
    {"conversation.show", query_conversation_show},
    {"conversation.resolve", query_conversation_resolve},
    {"job.show", query_job_show},
    {"cost.report", query_cost_report},
    {"answer.fields", query_answer_fields},
    {"find", query_find},
    {"ledger.status", query_ledger_status},
    {"stat", query_stat},
    {"check", query_check},
};

static void look_early(struct inquirer *inquirer, struct bytes value) {
    size_t room = EARLY_TARGETS_MAX - inquirer->early_count;
    size_t found = findex_look(inquirer->findex, findex_hash(value),
                               inquirer->early + inquirer->early_count, room);
    inquirer->early_count += found < room ? found : room;
}

// Must come before the snapshot: see findex.h.
static void look_into_memory(struct inquirer *inquirer) {
    const char *text = inquirer_text(inquirer, "value");
    struct id id;
    inquirer->early_count = 0;
    if (!text)
        text = inquirer_text(inquirer, "conversation");
    if (!text || !inquirer->findex)
        return;
    look_early(inquirer, bytes_text(text));
    if (id_parse(bytes_text(text), &id))
        look_early(inquirer, bytes_of(id.at, sizeof(id.at)));
}

static int ask_in_snapshot(struct inquirer *inquirer, question *ask) {
    struct writer writer = {.out = &inquirer->answer};
    buf_reset(&inquirer->answer);
    look_into_memory(inquirer);
    db_deadline(&inquirer->db, clock_now().mono_ms + QUERY_SNAPSHOT_MS);
    int exit = inquirer_fail(inquirer, db_begin(&inquirer->db));
    if (exit != 0)
        return exit;
    writer_open(&writer, '{');
    exit = ask(inquirer, &writer);
    writer_close(&writer, '}');
    db_deadline(&inquirer->db, 0);
    (void)db_commit(&inquirer->db);
    if (exit == 0 && buf_state(&inquirer->answer) != ERR_OK)
        exit = inquirer_refuse(inquirer, EX_DATAERR,
                               "the answer exceeds what a message may hold: ask for less "
                               "(a smaller limit; of a conversation, without bodies)");
    return exit;
}

int inquirer_ask(struct inquirer *inquirer, struct bytes what, struct bytes arguments) {
    json_t *new_arguments = NULL;
    inquirer->detail[0] = 0;
    if (arguments.size == 0)
        arguments = bytes_text("{}");
    if (json_parse(arguments, &new_arguments, NULL, 0) != ERR_OK ||
        !json_is_object(new_arguments)) {
        json_decref(new_arguments);
        return inquirer_refuse(inquirer, EX_USAGE, "the arguments are not a JSON object");
    }
    int exit = inquirer_refuse(inquirer, EX_USAGE, "unknown question");
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        if (!bytes_is(what, questions[i].what))
            continue;
        inquirer->detail[0] = 0;
        inquirer->arguments = new_arguments;
        exit = ask_in_snapshot(inquirer, questions[i].ask);
        inquirer->arguments = NULL;
    }
    json_decref(new_arguments);
    return exit;
}

int inquirer_refuse(struct inquirer *inquirer, int exit, const char *format, ...) {
    va_list args;
    va_start(args, format);
    text_vprint(inquirer->detail, sizeof(inquirer->detail), format, args);
    va_end(args);
    return exit;
}

int inquirer_fail(struct inquirer *inquirer, enum err e) {
    switch (e) {
    case ERR_OK:
    case ERR_NOT_FOUND:
        return 0;
    case ERR_AGAIN:
        return inquirer_refuse(inquirer, EX_TEMPFAIL,
                               "this takes longer than one snapshot may: ask for less at once");
    default:
        log_line(LOG_ERROR, "query.failed", "why=\"%s\"", db_error(&inquirer->db));
        return inquirer_refuse(inquirer, EX_IOERR, "the ledger cannot be read: %s", err_text(e));
    }
}

// ---- arguments ----------------------------------------------------------------------------------

const char *inquirer_text(const struct inquirer *inquirer, const char *name) {
    const char *text = json_string_value(json_object_get(inquirer->arguments, name));
    return text && text[0] ? text : NULL;
}

int64_t inquirer_number(const struct inquirer *inquirer, const char *name, int64_t otherwise) {
    const json_t *value = json_object_get(inquirer->arguments, name);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool inquirer_flag(const struct inquirer *inquirer, const char *name, bool otherwise) {
    const json_t *value = json_object_get(inquirer->arguments, name);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

// ---- statements ---------------------------------------------------------------------------------

int inquirer_prepare(struct inquirer *inquirer, const char *sql, sqlite3_stmt **row) {
    *row = NULL;
    return inquirer_fail(inquirer, db_prepare(&inquirer->db, sql, row));
}

int inquirer_only(struct inquirer *inquirer, sqlite3_stmt *row, const char *missing) {
    enum err e = db_step(row);
    if (e == ERR_NOT_FOUND)
        return inquirer_refuse(inquirer, EX_NOINPUT, "%s", missing);
    return inquirer_fail(inquirer, e);
}

// ---- naming things ------------------------------------------------------------------------------

// The first 8 bytes and more of a UUID, as the least and the greatest that begin so.
static bool parse_prefix(const char *text, struct id *least, struct id *most) {
    size_t digits = 0;
    memset(least, 0x00, sizeof(*least));
    memset(most, 0xff, sizeof(*most));
    for (; *text; text++) {
        if (*text == '-')
            continue;
        if (!isxdigit((unsigned char)*text) || digits == 32)
            return false;
        int low = tolower((unsigned char)*text);
        uint8_t digit = (uint8_t)(low <= '9' ? low - '0' : low - 'a' + 10);
        unsigned shift = digits % 2 ? 0 : 4;
        least->at[digits / 2] |= (uint8_t)(digit << shift);
        most->at[digits / 2] &= (uint8_t)(digit << shift | (shift ? 0x0f : 0xf0));
        digits++;
    }
    return digits >= UUID_PREFIX_MIN;
}

// A way to name a batch, and what was found by it.
struct naming {
    const char *sql; // its rows: batch, id, name; the one that is taken first
    const char *how; // "are called"
    bool is_only;    // several are none
    int64_t batch;
    size_t count; // at most one more than are named
    char named[BATCHES_NAMED_MAX * 96];
};

static void name_batch(struct naming *naming, sqlite3_stmt *row) {
    char id[UUID_TEXT_SIZE];
    size_t used = strlen(naming->named);
    struct bytes name = bytes_cut(db_bytes(row, 2), 48);
    if (naming->count++ == 0)
        naming->batch = db_i64(row, 0);
    if (naming->count > BATCHES_NAMED_MAX)
        return;
    uuid_text(db_id(row, 1), id);
    (void)snprintf(naming->named + used, sizeof(naming->named) - used, "%s%s (%.*s)",
                   used ? ", " : "", id, (int)name.size, name.size ? (const char *)name.at : "");
}

// Tries one way; naming->count stays 0 if none is found.
static int try_batch(struct inquirer *inquirer, struct naming *naming, const char *text,
                     const struct id ids[2]) {
    sqlite3_stmt *row;
    enum err e;
    int exit = inquirer_prepare(inquirer, naming->sql, &row);
    if (exit != 0)
        return exit;
    if (ids) {
        db_bind_id(row, 1, &ids[0]);
        db_bind_id(row, 2, &ids[1]);
    } else {
        db_bind_text(row, 1, bytes_text(text));
    }
    db_bind_i64(row, ids ? 3 : 2, BATCHES_NAMED_MAX + 1);
    while ((e = db_step(row)) == ERR_OK)
        name_batch(naming, row);
    exit = inquirer_fail(inquirer, e);
    (void)sqlite3_finalize(row);
    if (exit == 0 && naming->count > 1 && naming->is_only)
        exit = inquirer_refuse(
            inquirer, EX_DATAERR, "several batches %s %.*s, give the id of one: %s%s", naming->how,
            text_fit(text, 64), text, naming->named, naming->count > BATCHES_NAMED_MAX ? " …" : "");
    return exit;
}

#define BATCHES_BY_ID "SELECT batch, id, name FROM batch WHERE id BETWEEN ?1 AND ?2 LIMIT ?3"
#define BATCHES_BY_NAME \
    "SELECT batch, id, name FROM batch WHERE name=?1 ORDER BY batch DESC LIMIT ?2"
#define BATCHES_BY_KEY "SELECT batch, id, name FROM batch WHERE key=?1 ORDER BY batch DESC LIMIT ?2"

int inquirer_batch(struct inquirer *inquirer, bool may_be_absent, int64_t *batch) {
    const char *text = inquirer_text(inquirer, "batch");
    bool is_only = inquirer_flag(inquirer, "only", false);
    struct naming ways[] = {
        {.sql = BATCHES_BY_ID, .how = "have the id"},
        {.sql = BATCHES_BY_NAME, .how = "are called", .is_only = is_only},
        {.sql = BATCHES_BY_KEY, .how = "have the key", .is_only = is_only},
        {.sql = BATCHES_BY_ID, .how = "begin with", .is_only = true},
    };
    struct id ids[2];
    *batch = 0;
    inquirer->namesakes = 0;
    if (!text)
        return may_be_absent ? 0 : inquirer_refuse(inquirer, EX_USAGE, "which batch?");
    for (int i = 0; i < 4; i++) {
        bool is_id = i == 0 || i == 3;
        bool is_possible = !is_id || (i == 0 ? id_parse(bytes_text(text), &ids[0])
                                             : parse_prefix(text, &ids[0], &ids[1]));
        if (i == 0 && is_possible)
            ids[1] = ids[0];
        int exit = is_possible ? try_batch(inquirer, &ways[i], text, is_id ? ids : NULL) : 0;
        if (exit != 0)
            return exit;
        if (ways[i].count == 0)
            continue;
        *batch = ways[i].batch;
        inquirer->namesakes = ways[i].count - 1;
        return 0;
    }
    return inquirer_refuse(inquirer, EX_NOINPUT, "the ledger knows no batch %.*s",
                           text_fit(text, 64), text);
}

static void add_target(int64_t *targets, size_t max, size_t *count, int64_t target) {
    for (size_t i = 0; i < *count; i++)
        if (targets[i] == target)
            return;
    if (*count < max)
        targets[(*count)++] = target;
}

int inquirer_targets(struct inquirer *inquirer, struct bytes value, int64_t *targets, size_t max,
                     size_t *count) {
    sqlite3_stmt *runs, *row = NULL;
    int64_t newest = 0;
    for (size_t i = 0; i < inquirer->early_count; i++)
        add_target(targets, max, count, inquirer->early[i]);
    int exit = inquirer_prepare(inquirer, "SELECT run FROM ledger", &runs);
    if (exit == 0 && db_step(runs) == ERR_OK)
        newest = db_i64(runs, 0);
    (void)sqlite3_finalize(runs);
    if (exit == 0)
        exit = inquirer_prepare(inquirer, "SELECT target FROM value_index WHERE run=?1 AND hash=?2",
                                &row);
    for (int64_t run = 0; exit == 0 && run <= newest; run++) {
        enum err e;
        db_bind_i64(row, 1, run);
        db_bind_i64(row, 2, findex_hash(value));
        while ((e = db_step(row)) == ERR_OK)
            add_target(targets, max, count, db_i64(row, 0));
        exit = inquirer_fail(inquirer, e);
    }
    (void)sqlite3_finalize(row);
    return exit;
}

int inquirer_evidence(struct inquirer *inquirer, sqlite3_stmt *find, int64_t call,
                      struct bytes parts[PARTS_MAX]) {
    memset(parts, 0, PARTS_MAX * sizeof(*parts));
    db_bind_i64(find, 1, call);
    enum err e = db_step(find);
    if (e != ERR_OK)
        return inquirer_fail(inquirer, e);
    e = unsqueeze_parts(&inquirer->squeezer, db_bytes(find, 0), &inquirer->evidence, parts);
    db_reset(find);
    return e == ERR_OK ? 0 : inquirer_refuse(inquirer, EX_IOERR, "an answer is kept damaged");
}

// ---- sums ---------------------------------------------------------------------------------------

void put_sums(struct writer *writer, const struct sums *sums) {
    static const struct {
        const char *name;
        enum sum sum;
    } members[] = {
        {"calls", SUM_calls},
        {"answer_calls", SUM_answers},
        {"superfluous_calls", SUM_superfluous},
        {"failed_calls", SUM_failed},
        {"not_started_calls", SUM_not_started},
        {"unknown_calls", SUM_unknown},
        {"unextracted_calls", SUM_unextracted},
        {"amount_pusd", SUM_amount_pusd},
        {"unpriced_calls", SUM_unpriced},
        {"possibly_billed_calls", SUM_possibly_billed},
        {"possibly_billed_pusd", SUM_possibly_pusd},
        {"possibly_billed_unpriced", SUM_possibly_unpriced},
        {"inconsistent_calls", SUM_inconsistent},
    };
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        enum sum sum = members[i].sum;
        bool is_there = (sum != SUM_amount_pusd || sums_have_amount(sums)) &&
                        (sum != SUM_possibly_pusd || sums_have_possible(sums));
        put_i64_if(writer, members[i].name, is_there, sums->at[sum]);
    }
    writer_name(writer, "tokens");
    writer_open(writer, '{');
    for (int i = SUM_in_uncached; i < SUMS; i++)
        put_i64(writer, sum_names[i], sums->at[i]);
    writer_close(writer, '}');
}

// ---- pages --------------------------------------------------------------------------------------

void page_open(struct page *page, struct inquirer *inquirer, struct writer *writer,
               const char *name) {
    int64_t limit = inquirer_number(inquirer, "limit", QUERY_PAGE_DEFAULT);
    if (limit < 1)
        limit = 1;
    *page = (struct page){
        .inquirer = inquirer,
        .writer = writer,
        .limit = limit > QUERY_PAGE_MAX ? QUERY_PAGE_MAX : (size_t)limit,
    };
    writer_name(writer, name);
    writer_open(writer, '[');
}

struct writer *page_entry(struct page *page) {
    buf_reset(&page->inquirer->entry);
    page->entry = (struct writer){.out = &page->inquirer->entry};
    writer_open(&page->entry, '{');
    return &page->entry;
}

bool page_is_too_large(const struct page *page) {
    return buf_state(&page->inquirer->entry) != ERR_OK;
}

bool page_take(struct page *page) {
    struct buf *answer = page->writer->out, *entry = &page->inquirer->entry;
    writer_close(&page->entry, '}');
    if (page->count == page->limit ||
        (page->count > 0 && answer->size + entry->size > ANSWER_PAGE_BYTES_MAX)) {
        page->is_full = true;
        return false;
    }
    if (page->count > 0)
        buf_byte(answer, ',');
    if (page->has_newlines)
        buf_byte(answer, '\n');
    buf_put(answer, entry->at, entry->size);
    page->count++;
    return true;
}

void page_close(struct page *page, const char *next) {
    if (page->has_newlines)
        buf_byte(page->writer->out, '\n');
    writer_close(page->writer, ']');
    put_text(page->writer, "next", bytes_text(page->is_full ? next : ""));
}
