// One question after another over a read-only connection, each in a snapshot of its own. The
// questions themselves stand in query_*.c; queries.h says what they take and give.
#ifndef ACCOUNTANT_INQUIRER_H
#define ACCOUNTANT_INQUIRER_H

#include "common/db.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/squeeze.h"
#include "workers/accountant/figures.h"
#include "workers/accountant/findex.h"
#include "workers/accountant/sums.h"
#include "workers/accountant/writer.h"

#include <sysexits.h>

enum { EARLY_TARGETS_MAX = 2 * FIND_MATCHES_MAX };

struct inquirer {
    struct db db;
    struct findex *findex;   // NULL: the ledger is not open for writing
    struct figures *figures; // NULL likewise
    struct squeezer squeezer;
    struct json_scan scan;
    struct buf answer, entry, unsqueezed, evidence;
    const json_t *arguments;
    size_t namesakes; // other batches of the name that was asked for, of which the newest was taken
    char detail[DETAIL_BYTES_MAX + 1]; // of a question that failed
    // What the table in memory knew of the value asked for before the snapshot was taken: as it
    // is written, and as an id if it can be one.
    int64_t early[EARLY_TARGETS_MAX];
    size_t early_count;
};

enum err inquirer_open(struct inquirer *inquirer, const char *path, struct findex *findex,
                       struct figures *figures);
// Accepts a zeroed inquirer.
void inquirer_close(struct inquirer *inquirer);
// Answers: 0 and the answer in inquirer->answer, or a sysexits code and inquirer->detail.
int inquirer_ask(struct inquirer *inquirer, struct bytes what, struct bytes arguments);

// ---- for query_*.c ------------------------------------------------------------------------------

// A question's function writes its members into the object that is open, and returns 0 or a
// sysexits code by one of the two below.
typedef int question(struct inquirer *inquirer, struct writer *writer);
question query_batch_list, query_batch_show, query_batch_results, query_batch_refused;
question query_conversation_list, query_conversation_show, query_job_show;
question query_conversation_resolve, query_batch_known;
question query_answer_fields, query_cost_report, query_find, query_ledger_status, query_stat,
    query_check;

// Sets the detail and returns the code.
int inquirer_refuse(struct inquirer *inquirer, int exit, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// The code for a statement that ended with e; 0 for ERR_OK and ERR_NOT_FOUND.
int inquirer_fail(struct inquirer *inquirer, enum err e);

// Arguments. NULL or the default where absent.
const char *inquirer_text(const struct inquirer *inquirer, const char *name);
int64_t inquirer_number(const struct inquirer *inquirer, const char *name, int64_t otherwise);
bool inquirer_flag(const struct inquirer *inquirer, const char *name, bool otherwise);

// Prepares a statement; the caller finalizes it. 0 or a sysexits code.
int inquirer_prepare(struct inquirer *inquirer, const char *sql, sqlite3_stmt **row);
// Steps to the only row: 0, or EX_NOINPUT with that detail, or a failure's code.
int inquirer_only(struct inquirer *inquirer, sqlite3_stmt *row, const char *missing);

// The batch that `batch` names. *batch 0 if it is absent and may be.
int inquirer_batch(struct inquirer *inquirer, bool may_be_absent, int64_t *batch);
// What a value may name: targets of findex.h, without a target standing twice; candidates, to
// be compared. The value must be the one that the question's "value" or "conversation" is.
int inquirer_targets(struct inquirer *inquirer, struct bytes value, int64_t *targets, size_t max,
                     size_t *count);

// The evidence of a call's answer; empty parts if there is none. Dies with the next call.
int inquirer_evidence(struct inquirer *inquirer, sqlite3_stmt *find, int64_t call,
                      struct bytes parts[8]);

// Members of SUMS, from the columns of one row or from sums.
void put_sums(struct writer *writer, const struct sums *sums);

// Whether the conversation v has turns of the batch ?1: SQL.
#define CONVERSATION_HAS_BATCH                                              \
    "(v.batch=?1 OR (v.is_continued AND EXISTS (SELECT 1 FROM job j WHERE " \
    "j.conversation=v.conversation AND j.batch=?1)))"

// A page of entries: each is written into inquirer->entry and taken while it fits.
struct page {
    struct inquirer *inquirer;
    struct writer *writer; // of the answer
    struct writer entry;
    size_t count, limit;
    bool has_newlines;
    bool is_full; // an entry was left for the next page
};
// limit: the question's, or the default. Opens the array.
void page_open(struct page *page, struct inquirer *inquirer, struct writer *writer,
               const char *name);
// Starts an entry: an object, which page_take closes.
struct writer *page_entry(struct page *page);
// False if the page is full: the entry then starts the next page.
bool page_take(struct page *page);
// Whether the entry that is written exceeds what an answer may hold.
bool page_is_too_large(const struct page *page);
// Closes the array, and says where to go on.
void page_close(struct page *page, const char *next);

#endif
