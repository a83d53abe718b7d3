// The ledger as its one writer sees it: opened, paired with a journal, changed by records in
// transactions, and asked for what a turn's context needs. Belongs to the main thread; the query
// thread reads the file by a connection of its own and shares findex and figures.
#ifndef ACCOUNTANT_LEDGER_H
#define ACCOUNTANT_LEDGER_H

#include "common/catalogue.h"
#include "common/db.h"
#include "common/envelope.h"
#include "common/squeeze.h"
#include "workers/accountant/apply.h"
#include "workers/accountant/figures.h"
#include "workers/accountant/findex.h"
#include "workers/accountant/names.h"
#include "workers/accountant/stage.h"
#include "workers/accountant/sums.h"

enum { RECORD_FRAMES = 4 };

// The parts of an answer's evidence.
enum evidence {
    EVIDENCE_headers,
    EVIDENCE_body,
    EVIDENCE_metadata,
    EVIDENCE_usage,
    EVIDENCE_message,
    EVIDENCE_PARTS
};

enum ledger_sql {
    SQL_find_job,
    SQL_find_call,
    SQL_flag_call,
    SQL_add_job,
    SQL_set_job,
    SQL_add_line,
    SQL_drop_call,
    SQL_add_call,
    SQL_add_answer,
    SQL_add_message,
    SQL_add_value,
    SQL_add_refused,
    SQL_find_batch,
    SQL_set_batch,
    SQL_add_batch_tag,
    SQL_tags_before,
    SQL_turns_before,
    SQL_old_call,
    SQL_has_record,
    SQL_add_quarantine,
    SQL_add_conflict,
    SQL_set_ledger,
    SQL_history,
    SQL_settings,
    SQL_moved,
    SQL_line,
    SQL_find_key,
    LEDGER_SQLS
};

// The newest of each kind; what an undone savepoint puts back.
struct ledger_rows {
    int64_t call, job, conversation;
    int64_t finished; // value of job.finished
};

struct ledger {
    struct db db;
    sqlite3_stmt *sql[LEDGER_SQLS];
    struct id id;
    struct id journal; // none: not paired yet
    bool simulated;
    bool is_open_transaction;
    uint64_t applied;
    int64_t records, run;
    struct ledger_rows rows;
    int64_t indexed_call, indexed_job, indexed_conversation;
    struct names names;
    struct rollups rollups;
    struct stage stage;
    struct squeezer squeezer;
    struct json_scan scan, name_scan;
    struct buf squeezed, unsqueezed, packed, text;
    struct findex *findex;             // shared
    struct figures *figures;           // shared
    const struct catalogue *catalogue; // NULL: nothing has a price
    int64_t now_ms;                    // of the turn: set before use
};

// The numbered migrations and the settings of the file.
const struct db_options *ledger_options(void);
// Opens or makes DATA/ledger.db. ERR_DENIED: it is a ledger of the other kind of money. Else as
// db_open. findex is filled with what the value index does not hold yet.
enum err ledger_open(struct ledger *ledger, const char *path, bool simulated, struct findex *findex,
                     struct figures *figures, int64_t now_ms);
// Accepts a zeroed ledger.
void ledger_close(struct ledger *ledger);

// Enters platforms, models and prices of a catalogue, which calls are then rated by. The
// catalogue must outlive the ledger or its next adoption.
enum err ledger_adopt(struct ledger *ledger, const struct catalogue *catalogue,
                      struct bytes document);

// Whether the ledger and this journal belong together, in the state in which both are. A fresh
// ledger and a fresh journal are paired (and that is committed). ERR_DENIED: they do not; why
// says which of the two was replaced or restored, and what to do.
enum err ledger_pair(struct ledger *ledger, struct id journal, uint64_t issued, uint64_t recorded,
                     char *why, size_t why_size);

// A record's payload frames; absent ones are empty.
struct record_frames {
    struct bytes line, headers, body, facts;
};

// Applies the records of one message inside the open transaction (opened if need be), each as if
// under a savepoint of its own; told[i] says what becomes of record i. ERR_IO, ERR_FULL: the
// transaction is lost, and with it the process.
enum err ledger_apply(struct ledger *ledger, const struct record_item *records,
                      const struct record_frames *frames, size_t count, struct recorded_item *told);
// Keeps an item verbatim that could not be decoded, inside the open transaction (opened if need
// be); number and ids are what could be read of it, the number not 0. As above otherwise.
enum err ledger_quarantine(struct ledger *ledger, const struct record_item *read, struct bytes item,
                           const struct record_frames *frames, struct recorded_item *told);
// Commits what was applied; nothing may be called recorded before. ERR_OK also if nothing was.
enum err ledger_commit(struct ledger *ledger);
// Enters what waits in findex into the value index, if there is enough (or is_all).
enum err ledger_index(struct ledger *ledger, bool is_all);

// Whether a batch has that idempotency key.
enum err ledger_find_key(struct ledger *ledger, struct bytes key, struct key_known_head *known);

// For book.c: applies one record, inside a savepoint. ERR_MALFORMED, ERR_EXISTS, ERR_TOO_BIG,
// ERR_OVERFLOW: it cannot be applied; why is a code.
enum err book_record(struct ledger *ledger, const struct record_item *record,
                     const struct record_frames *frames, struct recorded_item *told,
                     const char **why);
// Keeps a record verbatim that cannot be applied, unless it is kept already.
enum err book_quarantine(struct ledger *ledger, const struct record_item *record,
                         const struct record_frames *frames, const char *why,
                         struct recorded_item *told);
// The same for bytes that are no record's item; of record only number, job_id and call count,
// as far as they could be read.
// What of a record in quarantine may still be taken in, for its call to have a name.
void book_bare(const struct record_item *record, const struct record_frames *frames,
               struct record_item *bare, struct record_frames *verbatim);
enum err book_quarantine_raw(struct ledger *ledger, const struct record_item *record,
                             struct bytes item, const struct record_frames *frames,
                             struct recorded_item *told);

#endif
