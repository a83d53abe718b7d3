#include "workers/accountant/once.h"

#include "workers/accountant/inquirer.h"
#include "workers/accountant/ledger.h"

#include <inttypes.h>
#include <stdio.h>
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

int once_failed(const char *path, enum err e) {
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
