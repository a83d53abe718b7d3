// ledger status and migrate. While nobody runs, the accountant's own program is asked.
#include "tools/ledger.h"
#include "common/json.h"
#include "common/limits.h"
#include "tools/commands.h"
#include "tools/local.h"
#include "tools/render.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { QUICK_MS = 1000, OUTPUT_BYTES_MAX = 1 << 20 };

static bool is_running(struct call *call) {
    if (call->conf->is_endpoint_stated)
        return call_client(call) != NULL;
    if (!local_listens(call->conf)) {
        local_expect_ledger(call);
        return false;
    }
    call->is_open = client_try_open(&call->client, call->conf, call->stop_fd, QUICK_MS);
    return call->is_open;
}

// ---- the accountant's program -------------------------------------------------------------------

static _Noreturn void become(const char *path, char **arguments, int out_fd, int error_fd) {
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(out_fd, STDOUT_FILENO) >= 0 && dup2(error_fd, STDERR_FILENO) >= 0)
        (void)execv(path, arguments);
    _exit(EX_UNAVAILABLE);
}

static void read_all(int fd, struct buf *out) {
    char bytes[4096];
    ssize_t got;
    while ((got = read(fd, bytes, sizeof(bytes))) != 0) {
        if (got < 0 && errno != EINTR)
            break;
        if (got > 0)
            buf_put(out, bytes, (size_t)got);
    }
    (void)close(fd);
}

// Why it ended: the last line that it wrote, which is the one for people.
static _Noreturn void fail_with(int code, struct buf *errors, const char *path) {
    char *text = (char *)buf_cstr(errors);
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == '\n')
        text[--size] = 0;
    const char *line = strrchr(text, '\n');
    fail(code, "%s%s", size > 0 ? (line ? line + 1 : text) : path,
         size > 0 ? "" : " cannot be started; it has to lie beside colloq");
}

// Runs colloq-accountant with those options and returns what it prints, which is the caller's.
// Ends the process, as that program ended, where it fails.
static json_t *ask_program(struct call *call, char *option, char *second, struct buf *out) {
    const char *path = sibling_path("colloq-accountant");
    char *arguments[] = {(char *)path, (char *)"--data", (char *)call->conf->data,
                         option,       second,           NULL};
    int outs[2], errors[2], status = 0;
    struct buf said;
    json_t *answer = NULL;
    conf_pass_on(call->argc, call->argv);
    if (pipe2(outs, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0)
        fail(EX_OSERR,
             "%s: no pipe to it can be made: %s; close other programs, or raise the limit "
             "of open files",
             path, strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        become(path, arguments, outs[1], errors[1]);
    (void)close(outs[1]);
    (void)close(errors[1]);
    buf_init(out, OUTPUT_BYTES_MAX);
    buf_init(&said, OUTPUT_BYTES_MAX);
    read_all(outs[0], out);
    read_all(errors[0], &said);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        fail(EX_UNAVAILABLE, "%s cannot be started: %s; it has to lie beside colloq", path,
             strerror(errno));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_with(WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE, &said, path);
    buf_release(&said);
    if (json_parse(buf_bytes(out), &answer, NULL, 0) != ERR_OK)
        fail(EX_PROTOCOL, "the answer of %s cannot be read; is it of the same version?", path);
    return answer;
}

// With --json prints what the program printed.
json_t *ledger_show_program(struct call *call, char *option, char *second) {
    struct buf out;
    json_t *answer = ask_program(call, option, second, &out);
    if (call_has(call, "json")) {
        out_document(call_schema(call, 0), buf_bytes(&out));
        json_decref(answer);
        answer = NULL;
    }
    buf_release(&out);
    return answer;
}

// ---- migrate ------------------------------------------------------------------------------------

// colloq runs: its accountant has brought the ledger up to date before it opened it.
static int migrate_running(struct call *call, bool is_dry) {
    json_t *answer = call_ask(call, "ledger.status", NULL);
    const json_t *migrations = member_of(answer, "migrations");
    if (!is_dry)
        fail(EX_TEMPFAIL, "colloq runs here and its ledger is up to date; to migrate with other "
                          "programs, end it first");
    if (call_has(call, "json")) {
        json_t *missing =
            json_pack("{s:s,s:[]}", "ledger", text_of(answer, "ledger", ""), "missing");
        call_show_json(call, missing);
        json_decref(missing);
    } else {
        out_printf("colloq runs here; its ledger has all %zu migrations: none is missing\n",
                   json_array_size(migrations));
    }
    json_decref(answer);
    return 0;
}

int ledger_migrate(struct call *call) {
    bool is_dry = call_has(call, "dry-run");
    const json_t *name;
    size_t i;
    if (is_running(call))
        return migrate_running(call, is_dry);
    json_t *answer =
        ledger_show_program(call, (char *)"--migrate", is_dry ? (char *)"--dry-run" : NULL);
    const json_t *names = member_of(answer, is_dry ? "missing" : "applied");
    if (!answer)
        return 0;
    json_array_foreach(names, i, name)
        out_printf("%s  %s\n", is_dry ? "missing" : "applied", json_string_value(name));
    if (json_array_size(names) == 0)
        out_printf("%s is up to date\n", text_of(answer, "ledger", "the ledger"));
    json_decref(answer);
    return 0;
}

// ---- status -------------------------------------------------------------------------------------

int ledger_status(struct call *call) {
    static const char *const counts[] = {
        "records_applied", "calls", "jobs", "conversations", "batches", "quarantined", "conflicts"};
    char text[SHORT_TEXT_SIZE], other[SHORT_TEXT_SIZE], moment[TIME_TEXT_SIZE];
    const json_t *migration;
    size_t i;
    json_t *answer = is_running(call) ? call_show(call, "ledger.status", NULL)
                                      : ledger_show_program(call, (char *)"--status", NULL);
    if (!answer)
        return 0;
    out_printf("ledger           %s%s\n", text_of(answer, "ledger", "-"),
               flag_of(answer, "simulated") ? " (simulated money)" : "");
    out_printf("created          %s\n", moment_text(int_of(answer, "created_ms", 0), moment));
    for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        out_printf("%-16s %s\n", counts[i], count_text(int_of(answer, counts[i], 0), text));
    out_printf("size             %s\n",
               size_text(int_of(answer, "pages", 0) * int_of(answer, "page_bytes", 0), text));
    if (flag_of(answer, "is_closed"))
        out_printf("closed           disk full: %s free, needs %s; no record is taken in\n",
                   size_text(int_of(answer, "disk_free", 0), text),
                   size_text(int_of(answer, "needs", 0), other));
    out_printf("catalogue        %s\n", text_of(answer, "catalogue", "-"));
    json_array_foreach(member_of(answer, "migrations"), i, migration)
        out_printf("migration        %s, %s\n", text_of(migration, "name", ""),
                   moment_text(int_of(migration, "at_ms", 0), moment));
    json_decref(answer);
    return 0;
}

// ---- check --------------------------------------------------------------------------------------

static void show_kept(const json_t *rows, const char *title, const char *why) {
    const json_t *row;
    size_t i;
    json_array_foreach(rows, i, row) out_printf(
        "%-12s record %lld, job %s, call %s: %s\n", title, (long long)int_of(row, "record", 0),
        text_of(row, "job", "-"), text_of(row, "call", "-"), text_of(row, why, ""));
}

int check_show(struct call *call) {
    const json_t *problem;
    size_t i;
    json_t *answer = call_ask(call, "check", NULL);
    bool is_ok = flag_of(answer, "is_ok");
    if (call_has(call, "json")) {
        call_show_json(call, answer);
    } else {
        char kept[SHORT_TEXT_SIZE], conflicts[SHORT_TEXT_SIZE], sums[SHORT_TEXT_SIZE];
        out_text("ledger       ");
        out_toned(state_tone(is_ok ? "ok" : "CRITICAL"), is_ok ? "ok" : "CRITICAL");
        int64_t differ = int_of(answer, "rollups_differ", 0);
        out_printf(": %s in quarantine, %s, %s %s\n",
                   counted_text(int_of(answer, "quarantined", 0), "record", kept),
                   counted_text(int_of(answer, "conflicts", 0), "conflict", conflicts),
                   counted_text(differ, "sum", sums), differ == 1 ? "differs" : "differ");
        show_kept(member_of(answer, "records"), "quarantine", "why");
        show_kept(member_of(answer, "conflict_rows"), "conflict", "what");
        json_array_foreach(member_of(answer, "problems"), i, problem)
            out_printf("%-12s %s\n", "problem", json_string_value(problem));
    }
    json_decref(answer);
    return is_ok ? 0 : EXIT_SOME_FAILED;
}
