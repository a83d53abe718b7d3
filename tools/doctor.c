// doctor: what is in force here and where it comes from, and what is wrong with it.
#include "tools/doctor.h"

#include "common/db.h"
#include "common/http.h"
#include "common/mem.h"
#include "tools/commands.h"
#include "tools/render.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { FILES_WANTED = 4096, INDENT = 9 };

static const char *const states[] = {"ok", "note", "problem"};

const char *doctor_text(const char *format, ...) {
    static char texts[16][2048];
    static unsigned next;
    char *text = texts[next++ % 16];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(texts[0]), format, args);
    va_end(args);
    return text;
}

void doctor_add(struct doctor *doctor, const char *area, const char *name, enum finding finding,
                const char *value, const char *source, const char *advice) {
    char clean[2048];
    (void)snprintf(clean, sizeof(clean), "%s", value ? value : "");
    text_clean(clean, false);
    json_t *check =
        json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s*}", "area", area, "name", name, "state",
                  states[finding], "value", clean, "source", source, "advice", advice);
    // Paths need not be UTF-8: a check that cannot be written as JSON is one all the same.
    if (!check)
        check = json_pack("{s:s, s:s, s:s, s:s}", "area", area, "name", name, "state",
                          states[finding], "value", "(not UTF-8)");
    (void)json_array_append_new(doctor->checks, check);
    if (finding == FINDING_problem)
        doctor->problems++;
}

// ---- what is in force ---------------------------------------------------------------------------

static void check_settings(struct doctor *doctor) {
    const struct conf *conf = doctor->call->conf;
    static const char *const always[] = {"data", "simulate", "client.endpoint"};
    struct conf_shown shown;
    struct stat info;
    bool is_open = conf->file && stat(conf->file, &info) == 0 && (info.st_mode & 022) != 0;
    doctor_add(doctor, "settings", "file", is_open ? FINDING_problem : FINDING_ok,
               conf->file ? conf->file : "none", NULL,
               is_open ? doctor_text("others can change it; chmod 600 %s", conf->file) : NULL);
    if (conf->context)
        doctor_add(doctor, "settings", "context", FINDING_ok, conf->context,
                   conf_origin(conf, &conf->context), NULL);
    for (size_t i = 0; conf_setting_at(conf, i, &shown); i++) {
        bool is_wanted = strcmp(shown.origin, "default") != 0 && strcmp(shown.name, "context") != 0;
        for (size_t k = 0; k < sizeof(always) / sizeof(always[0]); k++)
            is_wanted = is_wanted || strcmp(shown.name, always[k]) == 0;
        const char *value = shown.value;
        if (strcmp(shown.name, "data") == 0)
            value = conf->data;
        if (strcmp(shown.name, "client.endpoint") == 0)
            value = conf->endpoint;
        if (is_wanted)
            doctor_add(doctor, "settings", shown.name, FINDING_ok, value, shown.origin, NULL);
    }
}

static void check_versions(struct doctor *doctor) {
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    struct utsname system;
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    doctor_add(doctor, "versions", "colloq", FINDING_ok, COLLOQ_VERSION, sibling_path("colloq"),
               NULL);
    doctor_add(doctor, "versions", "libzmq", FINDING_ok,
               doctor_text("%d.%d.%d", major, minor, patch), NULL, NULL);
    doctor_add(
        doctor, "versions", "libcurl", curl->ssl_version ? FINDING_ok : FINDING_problem,
        doctor_text("%s, %s", curl->version, curl->ssl_version ? curl->ssl_version : "without TLS"),
        NULL, curl->ssl_version ? NULL : "install a libcurl with TLS");
    doctor_add(doctor, "versions", "SQLite", FINDING_ok, sqlite3_libversion(), NULL, NULL);
    doctor_add(doctor, "versions", "jansson", FINDING_ok, jansson_version_str(), NULL, NULL);
    if (uname(&system) == 0)
        doctor_add(doctor, "versions", "kernel", FINDING_ok,
                   doctor_text("%s %s %s", system.sysname, system.release, system.machine), NULL,
                   NULL);
}

static void check_programs(struct doctor *doctor) {
    static const char *const names[] = {"colloq-broker", "colloq-ingress", "colloq-worker",
                                        "colloq-extractor", "colloq-accountant"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *path = sibling_path(names[i]);
        if (access(path, X_OK) != 0)
            doctor_add(doctor, "programs", names[i], FINDING_problem,
                       doctor_text("%s is not there", path), NULL,
                       "build or install it: nothing can be started here without it");
    }
}

static void check_limits(struct doctor *doctor) {
    struct rlimit files, core;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        bool is_short = files.rlim_max < FILES_WANTED;
        doctor_add(doctor, "limits", "open files", is_short ? FINDING_problem : FINDING_ok,
                   doctor_text("%llu, may be raised to %llu", (unsigned long long)files.rlim_cur,
                               (unsigned long long)files.rlim_max),
                   NULL,
                   is_short ? "the processes need 4096: raise the hard limit (ulimit -Hn, "
                              "LimitNOFILE=)"
                            : NULL);
    }
    if (getrlimit(RLIMIT_CORE, &core) == 0)
        doctor_add(doctor, "limits", "core dumps", core.rlim_cur ? FINDING_problem : FINDING_ok,
                   core.rlim_cur ? "on" : "off, as in each process", NULL,
                   core.rlim_cur ? "a dump would hold keys and prompts; ulimit -c 0" : NULL);
}

// ---- printing -----------------------------------------------------------------------------------

// Prints words from the column where they stand now, and further lines under INDENT.
static void print_wrapped(const char *text, size_t column) {
    while (*text) {
        size_t size = strcspn(text, " ");
        char word[2048];
        (void)snprintf(word, sizeof(word), "%.*s", (int)size, text);
        size_t wide = text_columns(word);
        if (column > INDENT && column + 1 + wide > LINE_COLUMNS) {
            out_printf("\n%*s", INDENT, "");
            column = INDENT;
        } else if (column > INDENT) {
            out_text(" ");
            column++;
        }
        out_printf("%s", word);
        column += wide;
        text += size + (text[size] == ' ');
    }
    out_text("\n");
}

static void print_check(const json_t *check) {
    const char *source = text_of(check, "source", "");
    const char *advice = text_of(check, "advice", "");
    out_printf("%-*s", INDENT, text_of(check, "state", ""));
    print_wrapped(doctor_text("%s: %s%s%s%s", text_of(check, "name", ""),
                              text_of(check, "value", ""), *source ? " (" : "", source,
                              *source ? ")" : ""),
                  INDENT);
    if (!*advice)
        return;
    out_printf("%*s", INDENT, "");
    print_wrapped(doctor_text("=> %s", advice), INDENT);
}

static int report(struct doctor *doctor, bool is_json) {
    const char *area = "";
    const json_t *check;
    size_t i, notes = 0;
    if (is_json) {
        json_t *all = json_pack("{s:s, s:b, s:O}", "schema", "colloq/doctor/1", "is_ok",
                                doctor->problems == 0, "checks", doctor->checks);
        out_json(all);
        json_decref(all);
    } else {
        json_array_foreach(doctor->checks, i, check) {
            if (strcmp(area, text_of(check, "area", "")) != 0)
                out_printf("%s%s\n", *area ? "\n" : "", text_of(check, "area", ""));
            area = text_of(check, "area", "");
            notes += strcmp(text_of(check, "state", ""), "note") == 0;
            print_check(check);
        }
        out_printf("\n%d problem%s, %zu note%s\n", doctor->problems,
                   doctor->problems == 1 ? "" : "s", notes, notes == 1 ? "" : "s");
    }
    out_flush();
    json_decref(doctor->checks);
    return doctor->problems == 0 ? 0 : 1;
}

bool doctor_may_begin(int argc, char **argv) {
    static struct conf conf;
    struct doctor doctor = {.checks = json_array()};
    struct conf_error error;
    char **words = mem_array((size_t)argc + 1, sizeof(*words));
    bool is_json = false;
    memcpy(words, argv, (size_t)argc * sizeof(*words));
    for (int i = 1; i < argc; i++)
        is_json = is_json || strcmp(argv[i], "--json") == 0;
    bool is_good = conf_read(&conf, "client", &argc, words, true, &error) == ERR_OK;
    mem_free(words);
    if (is_good) {
        json_decref(doctor.checks);
        return true;
    }
    doctor_add(&doctor, "settings", "settings", FINDING_problem, error.text, NULL,
               "correct this first: no command and no process starts with it");
    (void)report(&doctor, is_json);
    return false;
}

int doctor(struct call *call) {
    struct doctor all = {.call = call, .checks = json_array()};
    check_settings(&all);
    check_versions(&all);
    check_programs(&all);
    check_limits(&all);
    doctor_processes(&all);
    doctor_ports(&all);
    doctor_folders(&all);
    doctor_keys(&all);
    return report(&all, call_has(call, "json"));
}
