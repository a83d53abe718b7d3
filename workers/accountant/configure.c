#include "workers/accountant/configure.h"

#include "common/clock.h"
#include "common/mem.h"
#include "workers/accountant/ledger.h"
#include "workers/accountant/once.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { NAME_SIZE = 512 };

struct configuring {
    struct catalogue *catalogue;
    struct buf document;
    struct db *db; // NULL: there is no ledger yet
    json_t *changes;
};

// Entries of one table, by name.
struct entries {
    const char *what;
    const char *find; // is_listed and entry of a name
    const char *all;  // names of those that are listed
};

static const struct entries apis = {
    "api",
    "SELECT is_listed, entry FROM ai_platform WHERE provider||'.'||api=?1 AND entry IS NOT NULL",
    "SELECT provider||'.'||api FROM ai_platform WHERE is_listed=1 ORDER BY 1"};
static const struct entries prices = {
    "price", "SELECT is_listed, entry FROM price WHERE name=?1 AND entry IS NOT NULL",
    "SELECT name FROM price WHERE is_listed=1 ORDER BY 1"};

// ---- what differs -------------------------------------------------------------------------------

static void note(struct configuring *on, const struct entries *entries, const char *name,
                 const char *change, json_t *members) {
    (void)json_array_append_new(on->changes,
                                json_pack("{s:s,s:s,s:s,s:o}", "what", entries->what, "name", name,
                                          "change", change, "members", members));
}

// The members that are not the same in both, in the order of their names.
static json_t *members_changed(struct bytes before, const char *after) {
    json_t *old = NULL, *new = NULL, *changed = json_array(), *value;
    const char *name;
    if (json_parse(before, &old, NULL, 0) == ERR_OK &&
        json_parse(bytes_text(after), &new, NULL, 0) == ERR_OK) {
        json_object_foreach(new, name, value) if (!json_equal(value, json_object_get(old, name)))(
            void) json_array_append_new(changed, json_string(name));
        json_object_foreach(old, name, value) if (!json_object_get(new, name))(void)
            json_array_append_new(changed, json_string(name));
    }
    json_decref(old);
    json_decref(new);
    return changed;
}

static enum err compare(struct configuring *on, const struct entries *entries, sqlite3_stmt *find,
                        const char *name, const char *entry) {
    enum err e = ERR_NOT_FOUND;
    if (find) {
        db_bind_text(find, 1, bytes_text(name));
        e = db_step(find);
    }
    if (e == ERR_NOT_FOUND)
        note(on, entries, name, "new", json_array());
    if (e != ERR_OK)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    if (!bytes_is(db_bytes(find, 1), entry))
        note(on, entries, name, "changed", members_changed(db_bytes(find, 1), entry));
    else if (db_i64(find, 0) == 0)
        note(on, entries, name, "listed", json_array());
    db_reset(find);
    return ERR_OK;
}

// What the ledger lists and the catalogue does not have any more.
static enum err note_gone(struct configuring *on, const struct entries *entries,
                          const json_t *present) {
    sqlite3_stmt *all = NULL;
    enum err e = on->db ? db_prepare(on->db, entries->all, &all) : ERR_NOT_FOUND;
    while (e == ERR_OK && (e = db_step(all)) == ERR_OK) {
        char name[NAME_SIZE];
        struct bytes text = bytes_cut(db_bytes(all, 0), sizeof(name) - 1);
        memcpy(name, text.at, text.size);
        name[text.size] = 0;
        if (!json_object_get(present, name))
            note(on, entries, name, "unlisted", json_array());
    }
    (void)sqlite3_finalize(all);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

// The i-th name and entry of the catalogue; false behind the last.
static bool entry_at(const struct configuring *on, const struct entries *entries, size_t i,
                     char name[NAME_SIZE], const char **entry) {
    if (entries == &apis && i < catalogue_api_count(on->catalogue)) {
        const struct provider_api *api = catalogue_api_at(on->catalogue, i);
        (void)snprintf(name, NAME_SIZE, "%s.%s", api->provider, api->api);
        *entry = api->json;
        return true;
    }
    if (entries == &prices && i < catalogue_price_count(on->catalogue)) {
        const struct price *price = catalogue_price_at(on->catalogue, i);
        (void)snprintf(name, NAME_SIZE, "%s", price->name);
        *entry = price->json;
        return true;
    }
    return false;
}

static enum err compare_all(struct configuring *on, const struct entries *entries) {
    sqlite3_stmt *find = NULL;
    json_t *present = json_object();
    char name[NAME_SIZE];
    const char *entry;
    enum err e = on->db ? db_prepare(on->db, entries->find, &find) : ERR_OK;
    for (size_t i = 0; e == ERR_OK && entry_at(on, entries, i, name, &entry); i++) {
        (void)json_object_set_new(present, name, json_true());
        e = compare(on, entries, find, name, entry);
    }
    (void)sqlite3_finalize(find);
    if (e == ERR_OK)
        e = note_gone(on, entries, present);
    json_decref(present);
    return e;
}

static enum err compare_catalogue(struct configuring *on) {
    enum err e = compare_all(on, &apis);
    return e == ERR_OK ? compare_all(on, &prices) : e;
}

// ---- with the ledger ----------------------------------------------------------------------------

static enum err try_out(struct configuring *on, const char *path) {
    struct db db;
    uint32_t first, count;
    if (access(path, F_OK) != 0)
        return compare_catalogue(on);
    enum err e = db_migrate_dry(path, ledger_options(), &first, &count);
    if (e == ERR_OK && count > 0)
        return ERR_VERSION;
    // An accountant that runs has migrated it, and lets others read.
    if (e == ERR_OK || e == ERR_EXISTS)
        e = db_open_reader(&db, path, 1024);
    if (e != ERR_OK)
        return e;
    on->db = &db;
    e = compare_catalogue(on);
    on->db = NULL;
    db_close(&db);
    return e;
}

static enum err configure(struct configuring *on, const struct conf *conf, const char *path) {
    struct ledger *ledger = mem_new(sizeof(*ledger));
    struct figures *figures = mem_new(sizeof(*figures));
    struct findex *findex = mem_new(sizeof(*findex));
    findex_init(findex);
    enum err e = ledger_open(ledger, path, conf->simulated, findex, figures, clock_now().wall_ms);
    if (e == ERR_OK) {
        on->db = &ledger->db;
        e = compare_catalogue(on);
        if (e == ERR_OK && json_array_size(on->changes) > 0)
            e = ledger_adopt(ledger, on->catalogue, buf_bytes(&on->document));
        on->db = NULL;
        ledger_close(ledger);
    }
    findex_release(findex);
    mem_free(findex);
    mem_free(figures);
    mem_free(ledger);
    return e;
}

static int compile(struct configuring *on, const struct conf *conf) {
    struct buf problems;
    buf_init(&problems, 64 << 10);
    buf_init(&on->document, CATALOGUE_BYTES_MAX);
    enum err e = catalogue_compile_rules(conf->catalogue, conf->extracts, conf->extract_count,
                                         &on->document, &problems);
    if (e != ERR_OK)
        (void)fprintf(stderr, "the catalogue cannot be compiled: %s\n", buf_cstr(&problems));
    else
        e = catalogue_load(buf_bytes(&on->document), &on->catalogue);
    buf_release(&problems);
    return e == ERR_OK ? 0 : EX_CONFIG;
}

int configure_run(const struct conf *conf, const char *path) {
    struct configuring on = {.changes = json_array()};
    int exit = compile(&on, conf);
    if (exit == 0) {
        enum err e = conf->dry_run ? try_out(&on, path) : configure(&on, conf, path);
        exit = e == ERR_OK ? 0 : once_failed(path, e);
    }
    if (exit == 0) {
        json_t *answer = json_pack("{s:s,s:s,s:b,s:O}", "ledger", path, "catalogue",
                                   catalogue_hash(on.catalogue), "is_dry_run", conf->dry_run,
                                   "changes", on.changes);
        char *text = json_dumps(answer, JSON_COMPACT);
        (void)printf("%s\n", text);
        mem_free(text);
        json_decref(answer);
    }
    json_decref(on.changes);
    catalogue_free(on.catalogue);
    buf_release(&on.document);
    return exit;
}
