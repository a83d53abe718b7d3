// What survives: the rows of the core, payloads and records, in one SQLite file that only the
// broker opens. A turn is one transaction; if any statement of it or its commit fails, its
// outcome is unknown and the process ends: it starts again from the disk. EX_IOERR: the disk has
// failed; EX_TEMPFAIL: it is full, and the next start is one with the reserve given up.
#ifndef BROKER_JOURNAL_H
#define BROKER_JOURNAL_H

#include "broker/core/core.h"
#include "broker/space.h"
#include "common/db.h"

enum statement {
    PUT_JOB,
    UPDATE_JOB,
    DELETE_JOB,
    PUT_PAYLOAD,
    GET_PAYLOAD,
    DELETE_PAYLOAD,
    PUT_RECORD,
    GET_RECORD,
    DELETE_RECORD,
    PUT_BATCH,
    UPDATE_BATCH,
    DELETE_BATCH,
    GET_BATCH,
    PUT_LANE,
    PUT_WORKER,
    DELETE_WORKER,
    PUT_CONVERSATION,
    DELETE_CONVERSATION,
    UPDATE_META,
    STATEMENTS,
};

struct journal {
    struct db db;
    sqlite3_stmt *statements[STATEMENTS];
    struct id id;
    struct counters_row counters; // as they are on the disk
    uint64_t starts;              // this one included: orders the broker's boots
    bool is_open;                 // a transaction is
    bool is_simulated;
    uint64_t commits;
    uint64_t free_bytes_kept; // see struct space_limits
};

// Opens or makes the journal. Ends the process with a message where it cannot be used:
// EX_TEMPFAIL (another broker has it, or the disk is full), EX_CONFIG (the money of the file is
// of the other kind), EX_IOERR, EX_DATAERR.
void journal_open(struct journal *journal, const char *path, bool is_simulated);
void journal_close(struct journal *journal);

// Reads all rows into a core that was just made, in the order that it asks for.
void journal_restore(struct journal *journal, struct core *core);

// The texts of a batch that the core does not keep.
struct batch_texts {
    struct bytes name, tags;
};

// Rows, written in the open transaction, which the first write of a turn begins.
void journal_store_job(struct journal *journal, const struct core *core, uint32_t slot,
                       bool is_new);
void journal_store_batch(struct journal *journal, const struct core *core, uint32_t slot,
                         const struct batch_texts *texts);
void journal_store_lane(struct journal *journal, const struct core *core, uint32_t slot);
void journal_store_worker(struct journal *journal, const struct core *core, uint32_t slot);
void journal_store_conversation(struct journal *journal, const struct core *core, uint32_t slot);
void journal_store_counters(struct journal *journal, const struct core *core);

struct payload {
    struct bytes custom_id, conversation, api, traceparent, line;
    struct id origin; // batch in which the conversation began; none: the job's own
};
void journal_put_payload(struct journal *journal, uint64_t job, const struct payload *payload);
// Views that live until journal_release_payload. False: the job is gone.
bool journal_get_payload(struct journal *journal, uint64_t job, struct payload *payload);
void journal_release_payload(struct journal *journal);

struct record_row {
    struct bytes item, headers, body;
};
void journal_put_record(struct journal *journal, const struct core *core, uint32_t slot,
                        const struct record_row *row);
// Views that live until journal_release_record.
bool journal_get_record(struct journal *journal, uint64_t number, struct record_row *row);
void journal_release_record(struct journal *journal);
void journal_delete_record(struct journal *journal, uint64_t number);

// The name and tags of a batch; views that live until journal_release_batch.
bool journal_get_batch(struct journal *journal, uint64_t number, struct batch_texts *texts);
void journal_release_batch(struct journal *journal);

// Makes the turn durable; nothing happens if nothing was written. Returns only with success.
void journal_commit(struct journal *journal);
// Divides the room; to be called once, before the first turn.
void journal_limit(struct journal *journal, const struct space_limits *limits);
// Between turns: checkpoints when it is due, and gives back what is not needed. On a short disk
// it gives back all that it can. A disk that is too full for that is no failure.
void journal_tidy(struct journal *journal, bool is_idle, bool is_disk_short);
// Bytes of the file's pages that are in use.
uint64_t journal_used_bytes(struct journal *journal);
// What file and write-ahead log take of the disk.
uint64_t journal_disk_bytes(struct journal *journal);

#endif
