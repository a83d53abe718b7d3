// ledger status and migrate. While nobody runs, the accountant's own program is asked.
#include "tools/commands.h"
#include "tools/render.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

// Becomes colloq-accountant.
static _Noreturn void become_accountant(struct call *call, char *option, char *second) {
    const char *path = sibling_path("colloq-accountant");
    char *arguments[] = {(char *)path, "--data", (char *)call->conf->data, option, second, NULL};
    sigset_t none;
    out_flush();
    conf_pass_on(call->argc, call->argv);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execv(path, arguments);
    fail(EX_UNAVAILABLE, "%s cannot be started: %s", path, strerror(errno));
}

int ledger_migrate(struct call *call) {
    become_accountant(call, "--migrate", call_has(call, "dry-run") ? "--dry-run" : NULL);
}

int ledger_status(struct call *call) {
    static const char *const counts[] = {
        "records_applied", "calls", "jobs", "conversations", "batches", "quarantined", "conflicts"};
    enum { QUICK_MS = 1000 };
    char text[SHORT_TEXT_SIZE];
    const json_t *migration;
    size_t i;
    if (!client_try_open(&call->client, call->conf, call->stop_fd, QUICK_MS))
        become_accountant(call, "--status", NULL);
    call->is_open = true;
    json_t *answer = call_show(call, "ledger.status", NULL);
    if (!answer)
        return 0;
    out_printf("ledger           %s%s\n", text_of(answer, "ledger", "-"),
               flag_of(answer, "simulated") ? " (simulated money)" : "");
    out_printf("created          %s\n", time_text(int_of(answer, "created_ms", 0), text));
    for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        out_printf("%-16s %s\n", counts[i], count_text(int_of(answer, counts[i], 0), text));
    out_printf("size             %s\n",
               size_text(int_of(answer, "pages", 0) * int_of(answer, "page_bytes", 0), text));
    out_printf("catalogue        %s\n", text_of(answer, "catalogue", "-"));
    json_array_foreach(member_of(answer, "migrations"), i, migration)
        out_printf("migration        %s, %s\n", text_of(migration, "name", ""),
                   time_text(int_of(migration, "at_ms", 0), text));
    json_decref(answer);
    return 0;
}
