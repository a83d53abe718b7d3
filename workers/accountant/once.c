#include "workers/accountant/once.h"

#include "workers/accountant/inquirer.h"
#include "workers/accountant/ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static int exit_of(enum err e) {
    switch (e) {
    case ERR_OK:
        return 0;
    case ERR_EXISTS:
        return EX_TEMPFAIL;
    case ERR_VERSION:
    case ERR_BAD_CONFIG:
    case ERR_DENIED:
        return EX_CONFIG;
    default:
        return EX_IOERR;
    }
}

// The head of an SQLite file: its first words, and the number of the application that it is of.
enum { HEAD_BYTES = 72, OWNER_AT = 68 };

// What was written since the last checkpoint stands beside the file: the number may be only there.
static bool has_more_beside(const char *path) {
    char beside[PATH_MAX];
    struct stat now;
    (void)snprintf(beside, sizeof(beside), "%s-wal", path);
    return stat(beside, &now) == 0 && now.st_size > 0;
}

static bool is_ledger(const char *path) {
    static const char words[16] = "SQLite format 3";
    uint8_t head[HEAD_BYTES] = {0};
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(head, 1, sizeof(head), file) : 0;
    const uint8_t *owner = head + OWNER_AT;
    if (file)
        (void)fclose(file);
    int32_t id = (int32_t)((uint32_t)owner[0] << 24 | (uint32_t)owner[1] << 16 |
                           (uint32_t)owner[2] << 8 | owner[3]);
    return has_more_beside(path) || size == 0 || // SQLite takes an empty file for a new one
           (size == sizeof(head) && memcmp(head, words, sizeof(words)) == 0 &&
            id == ledger_options()->application_id);
}

// Whether the file may be read and written, and others be made beside it.
static bool is_permitted(const char *path) {
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = 0;
    return access(path, R_OK | W_OK) == 0 && access(slash ? folder : ".", W_OK | X_OK) == 0;
}

int once_failed(const char *path, enum err e) {
    bool is_file_asked = (e == ERR_IO || e == ERR_BAD_CONFIG) && access(path, F_OK) == 0;
    if (is_file_asked && !is_permitted(path)) {
        (void)fprintf(stderr,
                      "%s: cannot be read and written, nor files made beside it: %s; run colloq as "
                      "the user who owns it, or change its rights\n",
                      path, strerror(errno));
        return EX_NOPERM;
    }
    if (is_file_asked && !is_ledger(path)) {
        (void)fprintf(stderr,
                      "%s: is no ledger of colloq; move it away, or choose another folder with "
                      "--data\n",
                      path);
        return EX_DATAERR;
    }
    if (e == ERR_EXISTS)
        (void)fprintf(stderr,
                      "%s is open: the accountant runs; stop it first, or ask it with "
                      "colloq ledger status\n",
                      path);
    else if (e == ERR_DENIED)
        (void)fprintf(stderr, "%s: a ledger stays simulated or real\n", path);
    else
        (void)fprintf(stderr, "%s: %s\n", path, err_text(e));
    return exit_of(e);
}

int once_migrate(const char *path, bool is_dry) {
    const struct db_options *options = ledger_options();
    uint32_t first, count;
    enum err e = db_migrate_dry(path, options, &first, &count);
    if (e == ERR_OK && !is_dry && count > 0) {
        struct db db;
        e = db_open(&db, path, options);
        if (e == ERR_OK)
            db_close(&db);
    }
    if (e != ERR_OK)
        return once_failed(path, e);
    (void)printf("{\"ledger\":\"%s\",\"%s\":[", path, is_dry ? "missing" : "applied");
    for (uint32_t i = 0; i < count; i++)
        (void)printf("%s\"%s\"", i ? "," : "", options->migrations[first - 1 + i].name);
    (void)printf("]}\n");
    return 0;
}

int once_status(const char *path) {
    const struct db_options *options = ledger_options();
    struct inquirer inquirer;
    uint32_t first, count;
    if (access(path, F_OK) != 0) {
        (void)fprintf(stderr, "%s: there is no ledger yet\n", path);
        return EX_NOINPUT;
    }
    enum err e = db_migrate_dry(path, options, &first, &count);
    if (e == ERR_OK && count > 0) {
        (void)fprintf(stderr,
                      "%s: %" PRIu32 " migrations are missing, from %04" PRIu32
                      " on: colloq ledger migrate\n",
                      path, count, first);
        return EX_CONFIG;
    }
    if (e == ERR_OK)
        e = inquirer_open(&inquirer, path, NULL, NULL);
    if (e != ERR_OK)
        return once_failed(path, e);
    int exit = inquirer_ask(&inquirer, bytes_text("ledger.status"), bytes_text("{}"));
    if (exit == 0)
        (void)printf("%s\n", buf_cstr(&inquirer.answer));
    else
        (void)fprintf(stderr, "%s: %s\n", path, inquirer.detail);
    inquirer_close(&inquirer);
    return exit;
}
