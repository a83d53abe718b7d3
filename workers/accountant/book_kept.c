// What cannot be applied as it came: records in quarantine and conflicts, verbatim.
#include "common/id.h"
#include "common/log.h"
#include "workers/accountant/book.h"

#include <inttypes.h>

// Whether the record is kept already, in quarantine (1) or as a conflict (2).
static enum err is_kept(struct ledger *ledger, uint64_t record, bool *kept) {
    sqlite3_stmt *find = ledger->sql[SQL_has_record];
    db_bind_u64(find, 1, record);
    enum err e = db_step(find);
    *kept = e == ERR_OK;
    if (e == ERR_OK)
        db_reset(find);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

// Writes a record verbatim into quarantine or conflict.
static enum err keep_item(struct ledger *ledger, sqlite3_stmt *add,
                          const struct record_item *record, struct bytes item,
                          const struct record_frames *frames, const char *what) {
    const struct bytes parts[] = {frames->line, frames->headers, frames->body, frames->facts};
    enum err e = squeeze_parts(&ledger->squeezer, parts, RECORD_FRAMES, &ledger->squeezed);
    if (e != ERR_OK)
        return e;
    // The number may be the very thing that is wrong with it.
    db_bind_i64(add, 1, record->number > INT64_MAX ? -1 : (int64_t)record->number);
    db_bind_id(add, 2, &record->job_id);
    if (id_is_none(record->call))
        db_bind_null(add, 3);
    else
        db_bind_id(add, 3, &record->call);
    db_bind_text(add, 4, bytes_text(what));
    db_bind_i64(add, 5, ledger->now_ms);
    db_bind_blob(add, 6, item);
    db_bind_blob(add, 7, buf_bytes(&ledger->squeezed));
    return db_run(add);
}

static enum err keep(struct ledger *ledger, sqlite3_stmt *add, const struct record_item *record,
                     const struct record_frames *frames, const char *what) {
    buf_reset(&ledger->packed);
    enum err e = wire_pack_item(&ledger->packed, KIND_record, record);
    return e == ERR_OK ? keep_item(ledger, add, record, buf_bytes(&ledger->packed), frames, what)
                       : e;
}

enum err book_conflict(struct ledger *ledger, const struct booking *booking) {
    const struct record_item *record = booking->record;
    char call[ID_HEX_SIZE];
    bool kept;
    enum err e = is_kept(ledger, record->number, &kept);
    if (e != ERR_OK || kept)
        return e;
    id_hex(record->call, call);
    log_line(LOG_ERROR, "record.conflict", "record=%" PRIu64 " call=%s what=%s", record->number,
             call, booking->plan.conflict);
    return keep(ledger, ledger->sql[SQL_add_conflict], record, booking->frames,
                booking->plan.conflict);
}

// What the broker is told of a record in quarantine; *kept: it is there already.
static enum err tell_quarantined(struct ledger *ledger, const struct record_item *record,
                                 struct recorded_item *told, bool *kept) {
    sqlite3_stmt *find = ledger->sql[SQL_find_job];
    *told = (struct recorded_item){.number = record->number, .is_quarantined = true};
    db_bind_id(find, 1, &record->job_id);
    enum err e = db_step(find);
    if (e == ERR_OK) {
        told->has_answer = db_i64(find, 3) != 0;
        db_reset(find);
    }
    if (e == ERR_OK || e == ERR_NOT_FOUND)
        e = is_kept(ledger, record->number, kept);
    return e;
}

static void say_quarantined(uint64_t number, const char *why) {
    log_line(LOG_ERROR, "record.quarantined", "record=%" PRIu64 " why=%s", number, why);
}

enum err book_quarantine(struct ledger *ledger, const struct record_item *record,
                         const struct record_frames *frames, const char *why,
                         struct recorded_item *told) {
    bool kept;
    enum err e = tell_quarantined(ledger, record, told, &kept);
    if (e != ERR_OK || kept)
        return e;
    say_quarantined(record->number, why);
    return keep(ledger, ledger->sql[SQL_add_quarantine], record, frames, why);
}

enum err book_quarantine_raw(struct ledger *ledger, const struct record_item *record,
                             struct bytes item, const struct record_frames *frames,
                             struct recorded_item *told) {
    static const char why[] = "item_malformed";
    bool kept;
    enum err e = tell_quarantined(ledger, record, told, &kept);
    if (e != ERR_OK || kept)
        return e;
    say_quarantined(record->number, why);
    return keep_item(ledger, ledger->sql[SQL_add_quarantine], record, item, frames, why);
}

void book_bare(const struct record_item *record, const struct record_frames *frames,
               struct record_item *bare, struct record_frames *verbatim) {
    enum call_state state;
    *bare = *record;
    *verbatim = *frames;
    verbatim->facts = bytes_of(NULL, 0);
    bare->unextracted = bytes_text("quarantined");
    bare->is_answer = bare->is_superfluous = false;
    // That it was answered is just what cannot be said; any other outcome stands.
    if (bytes_is(record->outcome, "answered"))
        bare->outcome = bytes_of(NULL, 0);
    if (!call_state_parse(record->ended, &state) || record->ended.size == 0 ||
        (state == CALL_answered && record->status == 0)) {
        bare->ended = bytes_text("failed");
        bare->bytes_left = true;
    }
}
