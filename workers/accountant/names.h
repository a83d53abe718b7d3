// Row numbers of what calls refer to again and again: platforms, models, workers, prices, tags,
// kinds of identifiers, batches, conversations. A name that is new gets its row in the open
// transaction; rows are cached, and the cache is forgotten when a savepoint is undone.
#ifndef ACCOUNTANT_NAMES_H
#define ACCOUNTANT_NAMES_H

#include "common/db.h"
#include "workers/accountant/keymap.h"

enum name_kind {
    NAME_platform,   // provider, api
    NAME_model,      // provider, name
    NAME_worker,     // name
    NAME_catalogue,  // hash
    NAME_price,      // name
    NAME_tag,        // key=value
    NAME_identifier, // kind, source
    NAMES_KINDS
};

struct name_table {
    struct keymap cache;
    sqlite3_stmt *find, *add;
};

struct names {
    struct name_table tables[NAMES_KINDS];
    struct name_table batches;       // by id
    struct name_table conversations; // by batch row and name
    sqlite3_stmt *continue_conversation;
    int64_t now_ms; // of what is made: set before use
};

enum err names_open(struct names *names, struct db *db);
// Accepts a zeroed one.
void names_close(struct names *names);
void names_forget(struct names *names);

// The row of a name; made if it is not there. second is empty where the kind has one part.
enum err names_row(struct names *names, enum name_kind kind, struct bytes first,
                   struct bytes second, int64_t *row);
enum err names_batch(struct names *names, struct id id, int64_t *row);
// *is_new: it was made just now.
enum err names_conversation(struct names *names, int64_t batch, struct bytes name, struct id id,
                            int64_t *row, bool *is_new);
// Another batch than the one in which it began has turns of it.
enum err names_continue(struct names *names, int64_t conversation);
// batch_id: in which it began. ERR_NOT_FOUND if there is no such batch or conversation (yet).
enum err names_find_conversation(struct names *names, struct id batch_id, struct bytes name,
                                 int64_t *row);

#endif
