// answer.fields: which fields the recorded answers really hold. Shape: queries.h.
#include "common/json.h"
#include "common/jsonpath.h"
#include "common/wire.h"
#include "workers/accountant/inquirer.h"
#include "workers/accountant/ledger.h"
#include "workers/extractor/headers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ANSWERS_DEFAULT = 1000, ANSWERS_MAX = 10000, FIELDS_MAX = 5000, PLACE_BYTES_MAX = 512 };

struct tally {
    // provider.api: {answers, fields: {place: {answers, first_ms, last_ms, call}}, is_incomplete}
    json_t *apis;
    json_t *api;    // of the answer that is counted
    json_t *fields; // its
    int64_t call;
    int64_t at_ms;
    struct json_scan scan;
    struct buf place;
};

static int64_t number(const json_t *object, const char *name) {
    return json_integer_value(json_object_get(object, name));
}

static void set_number(json_t *object, const char *name, int64_t value) {
    (void)json_object_set_new(object, name, json_integer((json_int_t)value));
}

// Counts a place once an answer, however often the answer has it.
static void count_place(struct tally *tally, const char *place) {
    json_t *field = json_object_get(tally->fields, place);
    if (!field && json_object_size(tally->fields) == FIELDS_MAX) {
        (void)json_object_set_new(tally->api, "is_incomplete", json_true());
        return;
    }
    if (!field) {
        // A place that is no text frees what was to be kept under it.
        field = json_object();
        if (json_object_set_new(tally->fields, place, field) != 0)
            return;
        set_number(field, "first_ms", tally->at_ms);
        set_number(field, "last_ms", tally->at_ms);
    }
    if (number(field, "call") == tally->call)
        return;
    set_number(field, "call", tally->call);
    set_number(field, "answers", number(field, "answers") + 1);
    if (tally->at_ms < number(field, "first_ms"))
        set_number(field, "first_ms", tally->at_ms);
    if (tally->at_ms > number(field, "last_ms"))
        set_number(field, "last_ms", tally->at_ms);
}

// $.choices[0].index is $.choices[*].index. A name with a bracket in it stands in quotes. A place
// that is too long is cut where a character ends.
static void generalize(const char *place, char out[PLACE_BYTES_MAX]) {
    size_t size = 0;
    for (; *place && size + 2 < PLACE_BYTES_MAX; place++) {
        out[size++] = *place;
        if (*place != '[' || place[1] < '0' || place[1] > '9')
            continue;
        out[size++] = '*';
        place += strspn(place + 1, "0123456789");
    }
    // Room for one character more is left, so that the cut sees whether it goes on.
    out[bytes_cut(bytes_of(out, size), PLACE_BYTES_MAX - 4).size] = 0;
}

static void count_body(struct tally *tally, struct bytes metadata) {
    char place[PLACE_BYTES_MAX];
    if (metadata.size == 0 || json_scan(&tally->scan, metadata, NULL) != ERR_OK)
        return;
    for (uint32_t i = 1; i < tally->scan.count; i++) {
        // What holds something is counted by what it holds.
        if (tally->scan.nodes[i].shape >= JSON_SHAPE_array && tally->scan.nodes[i].count > 0)
            continue;
        buf_reset(&tally->place);
        jsonpath_of(&tally->scan, i, &tally->place);
        // A place that is too long to be written is still in the answer.
        generalize(tally->place.size > 0 ? buf_cstr(&tally->place) : "$", place);
        count_place(tally, place);
    }
}

static void count_headers(struct tally *tally, struct bytes block) {
    static _Thread_local struct header headers[HEADERS_MAX];
    size_t count = headers_split(block, headers);
    for (size_t i = 0; i < count; i++) {
        buf_reset(&tally->place);
        buf_text(&tally->place, "header:");
        header_put_name(&headers[i], &tally->place);
        if (utf8_is_valid(buf_bytes(&tally->place)))
            count_place(tally, buf_cstr(&tally->place));
    }
}

// Turns the tally to the API of the answer.
static void choose_api(struct tally *tally, struct bytes provider, struct bytes api) {
    char name[256];
    (void)snprintf(name, sizeof(name), "%.*s.%.*s", (int)provider.size, (const char *)provider.at,
                   (int)api.size, (const char *)api.at);
    json_t *entry = json_object_get(tally->apis, name);
    if (!entry) {
        entry = json_pack("{s:i,s:{}}", "answers", 0, "fields");
        (void)json_object_set_new(tally->apis, name, entry);
    }
    set_number(entry, "answers", number(entry, "answers") + 1);
    tally->api = entry;
    tally->fields = json_object_get(entry, "fields");
}

static void put_tally(const struct tally *tally, struct writer *writer) {
    const char *name, *place;
    json_t *api, *field;
    writer_name(writer, "apis");
    writer_open(writer, '[');
    json_object_foreach(tally->apis, name, api) {
        writer_open(writer, '{');
        put_text(writer, "api", bytes_text(name));
        put_i64(writer, "answers", number(api, "answers"));
        put_bool(writer, "is_incomplete", json_is_true(json_object_get(api, "is_incomplete")));
        writer_name(writer, "fields");
        writer_open(writer, '[');
        json_object_foreach(json_object_get(api, "fields"), place, field) {
            writer_open(writer, '{');
            put_text(writer, "place", bytes_text(place));
            put_i64(writer, "answers", number(field, "answers"));
            put_i64(writer, "first_ms", number(field, "first_ms"));
            put_i64(writer, "last_ms", number(field, "last_ms"));
            writer_close(writer, '}');
        }
        writer_close(writer, ']');
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
}

// Goes through the answers, the newest first. *last is the call after which the next page begins;
// 0: there is none.
static int count_answers(struct inquirer *inquirer, struct tally *tally, int64_t limit,
                         int64_t *last) {
    sqlite3_stmt *row = NULL, *answer = NULL;
    struct bytes parts[8];
    const char *after = inquirer_text(inquirer, "after");
    int64_t count = 0;
    int exit = inquirer_prepare(inquirer,
                                "SELECT c.call, c.at_ms, p.provider, p.api FROM answer a "
                                "JOIN call c ON c.call=a.call JOIN ai_platform p ON "
                                "p.platform=c.platform WHERE a.call<?1 ORDER BY a.call DESC",
                                &row);
    if (exit == 0)
        exit = inquirer_prepare(inquirer, "SELECT evidence FROM answer WHERE call=?1", &answer);
    enum err e = ERR_OK;
    *last = 0;
    if (exit == 0)
        db_bind_i64(row, 1, after ? strtoll(after, NULL, 10) : INT64_MAX);
    for (; exit == 0 && (e = db_step(row)) == ERR_OK; count++) {
        if (count == limit) {
            *last = tally->call;
            break;
        }
        if (db_is_late(&inquirer->db)) {
            e = ERR_AGAIN;
            break;
        }
        tally->call = db_i64(row, 0);
        tally->at_ms = db_i64(row, 1);
        choose_api(tally, db_bytes(row, 2), db_bytes(row, 3));
        exit = inquirer_evidence(inquirer, answer, tally->call, parts);
        if (exit == 0) {
            count_headers(tally, parts[EVIDENCE_headers]);
            count_body(tally, parts[EVIDENCE_metadata]);
        }
    }
    (void)sqlite3_finalize(answer);
    (void)sqlite3_finalize(row);
    return exit != 0 ? exit : inquirer_fail(inquirer, e);
}

int query_answer_fields(struct inquirer *inquirer, struct writer *writer) {
    struct tally tally = {.apis = json_object()};
    int64_t limit = inquirer_number(inquirer, "limit", ANSWERS_DEFAULT), last;
    char next[32] = "";
    json_scan_init(&tally.scan);
    buf_init(&tally.place, 16 * PLACE_BYTES_MAX);
    int exit = count_answers(inquirer, &tally,
                             limit < 1 || limit > ANSWERS_MAX ? ANSWERS_MAX : limit, &last);
    if (exit == 0) {
        put_tally(&tally, writer);
        if (last > 0)
            (void)snprintf(next, sizeof(next), "%" PRId64, last);
        put_text(writer, "next", bytes_text(next));
    }
    buf_release(&tally.place);
    json_scan_release(&tally.scan);
    json_decref(tally.apis);
    return exit;
}
