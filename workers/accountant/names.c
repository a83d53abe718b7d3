#include "workers/accountant/names.h"

#include "common/limits.h"

#include <assert.h>

enum { KEY_BYTES_MAX = 4096 };

static const char *const find_sql[NAMES_KINDS] = {
    [NAME_platform] = "SELECT platform FROM ai_platform WHERE provider=?1 AND api=?2",
    [NAME_model] = "SELECT model FROM model WHERE provider=?1 AND name=?2",
    [NAME_worker] = "SELECT worker FROM worker WHERE name=?1",
    [NAME_catalogue] = "SELECT catalogue FROM catalogue WHERE hash=?1",
    [NAME_price] = "SELECT price FROM price WHERE name=?1",
    [NAME_tag] = "SELECT tag FROM tag WHERE text=?1",
    [NAME_identifier] = "SELECT kind FROM identifier_kind WHERE name=?1 AND source=?2",
};

static const char *const add_sql[NAMES_KINDS] = {
    [NAME_platform] = "INSERT INTO ai_platform (provider, api, is_listed) VALUES (?1, ?2, 0) "
                      "RETURNING platform",
    [NAME_model] = "INSERT INTO model (provider, name, is_listed) VALUES (?1, ?2, 0) "
                   "RETURNING model",
    [NAME_worker] = "INSERT INTO worker (name) VALUES (?1) RETURNING worker",
    [NAME_catalogue] = "INSERT INTO catalogue (hash, at_ms) VALUES (?1, ?3) RETURNING catalogue",
    [NAME_price] = "INSERT INTO price (name, is_listed) VALUES (?1, 0) RETURNING price",
    [NAME_tag] = "INSERT INTO tag (text) VALUES (?1) RETURNING tag",
    [NAME_identifier] = "INSERT INTO identifier_kind (name, source) VALUES (?1, ?2) "
                        "RETURNING kind",
};

enum err names_open(struct names *names, struct db *db) {
    *names = (struct names){.now_ms = 0};
    enum err e = ERR_OK;
    for (int i = 0; e == ERR_OK && i < NAMES_KINDS; i++) {
        e = db_prepare(db, find_sql[i], &names->tables[i].find);
        if (e == ERR_OK)
            e = db_prepare(db, add_sql[i], &names->tables[i].add);
    }
    if (e == ERR_OK)
        e = db_prepare(db, "SELECT batch FROM batch WHERE id=?1", &names->batches.find);
    if (e == ERR_OK)
        e = db_prepare(db, "INSERT INTO batch (id, created_ms) VALUES (?1, ?2) RETURNING batch",
                       &names->batches.add);
    if (e == ERR_OK)
        e = db_prepare(db, "SELECT conversation FROM conversation WHERE batch=?1 AND name=?2",
                       &names->conversations.find);
    if (e == ERR_OK)
        e = db_prepare(db,
                       "UPDATE conversation SET is_continued=1 WHERE conversation=?1 AND "
                       "NOT is_continued",
                       &names->continue_conversation);
    if (e == ERR_OK)
        e = db_prepare(db,
                       "INSERT INTO conversation (batch, name, id, created_ms) "
                       "VALUES (?1, ?2, ?3, ?4) RETURNING conversation",
                       &names->conversations.add);
    return e;
}

static void close_table(struct name_table *table) {
    (void)sqlite3_finalize(table->find);
    (void)sqlite3_finalize(table->add);
    keymap_release(&table->cache);
    *table = (struct name_table){.find = NULL};
}

void names_close(struct names *names) {
    for (int i = 0; i < NAMES_KINDS; i++)
        close_table(&names->tables[i]);
    close_table(&names->batches);
    close_table(&names->conversations);
    (void)sqlite3_finalize(names->continue_conversation);
    names->continue_conversation = NULL;
}

enum err names_continue(struct names *names, int64_t conversation) {
    db_bind_i64(names->continue_conversation, 1, conversation);
    return db_run(names->continue_conversation);
}

void names_forget(struct names *names) {
    for (int i = 0; i < NAMES_KINDS; i++)
        keymap_release(&names->tables[i].cache);
    keymap_release(&names->batches.cache);
    keymap_release(&names->conversations.cache);
}

// The first column of the only row.
static enum err row_of(sqlite3_stmt *statement, int64_t *row) {
    enum err e = db_step(statement);
    if (e != ERR_OK)
        return e;
    *row = db_i64(statement, 0);
    // A RETURNING row is there before the statement has run to its end.
    e = db_step(statement);
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    db_reset(statement);
    return e == ERR_OK ? ERR_IO : e;
}

// Two parts as one key. False if it does not fit: the row is then looked up each time.
static bool join(struct bytes first, struct bytes second, uint8_t key[KEY_BYTES_MAX],
                 struct bytes *out) {
    if (first.size + 1 + second.size > KEY_BYTES_MAX)
        return false;
    if (first.size)
        memcpy(key, first.at, first.size);
    key[first.size] = 0;
    if (second.size)
        memcpy(key + first.size + 1, second.at, second.size);
    *out = bytes_of(key, first.size + 1 + second.size);
    return true;
}

enum err names_row(struct names *names, enum name_kind kind, struct bytes first,
                   struct bytes second, int64_t *row) {
    struct name_table *table = &names->tables[kind];
    uint8_t space[KEY_BYTES_MAX];
    struct bytes key = {NULL, 0};
    bool has_key = join(first, second, space, &key);
    if (has_key && keymap_get(&table->cache, key, row))
        return ERR_OK;
    db_bind_text(table->find, 1, first);
    if (sqlite3_bind_parameter_count(table->find) > 1)
        db_bind_text(table->find, 2, second);
    enum err e = row_of(table->find, row);
    if (e == ERR_NOT_FOUND) {
        db_bind_text(table->add, 1, first);
        if (sqlite3_bind_parameter_count(table->add) > 1)
            db_bind_text(table->add, 2, second);
        if (sqlite3_bind_parameter_count(table->add) > 2)
            db_bind_i64(table->add, 3, names->now_ms);
        e = row_of(table->add, row);
    }
    if (e == ERR_OK && has_key)
        keymap_put(&table->cache, key, *row);
    return e;
}

static enum err find_batch(struct names *names, struct id id, int64_t *row) {
    struct bytes key = bytes_of(id.at, sizeof(id.at));
    if (keymap_get(&names->batches.cache, key, row))
        return ERR_OK;
    db_bind_id(names->batches.find, 1, &id);
    enum err e = row_of(names->batches.find, row);
    if (e == ERR_OK)
        keymap_put(&names->batches.cache, key, *row);
    return e;
}

enum err names_batch(struct names *names, struct id id, int64_t *row) {
    enum err e = find_batch(names, id, row);
    if (e != ERR_NOT_FOUND)
        return e;
    db_bind_id(names->batches.add, 1, &id);
    db_bind_i64(names->batches.add, 2, names->now_ms);
    e = row_of(names->batches.add, row);
    if (e == ERR_OK)
        keymap_put(&names->batches.cache, bytes_of(id.at, sizeof(id.at)), *row);
    return e;
}

static struct bytes conversation_key(int64_t batch, struct bytes name,
                                     uint8_t space[8 + NAME_BYTES_MAX]) {
    assert(name.size <= NAME_BYTES_MAX);
    bytes_put_u64(space, (uint64_t)batch);
    memcpy(space + 8, name.at, name.size);
    return bytes_of(space, 8 + name.size);
}

static enum err find_conversation(struct names *names, int64_t batch, struct bytes name,
                                  struct bytes key, int64_t *row) {
    if (keymap_get(&names->conversations.cache, key, row))
        return ERR_OK;
    db_bind_i64(names->conversations.find, 1, batch);
    db_bind_text(names->conversations.find, 2, name);
    enum err e = row_of(names->conversations.find, row);
    if (e == ERR_OK)
        keymap_put(&names->conversations.cache, key, *row);
    return e;
}

enum err names_conversation(struct names *names, int64_t batch, struct bytes name, struct id id,
                            int64_t *row, bool *is_new) {
    uint8_t space[8 + NAME_BYTES_MAX];
    struct bytes key = conversation_key(batch, name, space);
    *is_new = false;
    enum err e = find_conversation(names, batch, name, key, row);
    if (e != ERR_NOT_FOUND)
        return e;
    sqlite3_stmt *add = names->conversations.add;
    db_bind_i64(add, 1, batch);
    db_bind_text(add, 2, name);
    db_bind_id(add, 3, &id);
    db_bind_i64(add, 4, names->now_ms);
    e = row_of(add, row);
    if (e == ERR_OK)
        keymap_put(&names->conversations.cache, key, *row);
    *is_new = e == ERR_OK;
    return e;
}

enum err names_find_conversation(struct names *names, struct id batch_id, struct bytes name,
                                 int64_t *row) {
    uint8_t space[8 + NAME_BYTES_MAX];
    int64_t batch;
    enum err e = find_batch(names, batch_id, &batch);
    if (e != ERR_OK)
        return e;
    return find_conversation(names, batch, name, conversation_key(batch, name, space), row);
}
