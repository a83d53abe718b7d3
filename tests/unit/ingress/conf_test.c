// Settings: who wins, what is written, and what is said where one is wrong.
#include "common/conf.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static char folder[] = "/tmp/colloq-conf-XXXXXX";
static char path[128];
static struct conf conf;
static struct conf_error error;

static void set_up(void) {
    static const char *const variables[] = {
        "COLLOQ_DATA",     "COLLOQ_SIMULATE", "COLLOQ_CONCURRENCY", "COLLOQ_CONFIG",
        "XDG_DATA_HOME",   "COLLOQ_BROKER",   "COLLOQ_LOG_LEVEL",   "COLLOQ_CONTEXT",
        "COLLOQ_ENDPOINT", "COLLOQ_INGRESS",  "COLLOQ_INSECURE",    "STATE_DIRECTORY"};
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        (void)unsetenv(variables[i]);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/colloq.yaml", folder);
    (void)setenv("HOME", folder, 1);
}

static void tear_down(void) {
    char text[256];
    (void)unlink(path);
    (void)snprintf(text, sizeof(text), "%s/key", folder);
    (void)unlink(text);
    (void)rmdir(folder);
}

static void write_file(const char *name, const char *text) {
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    (void)fclose(file);
    ck_assert_int_eq(chmod(name, 0600), 0);
}

// Reads the settings of a program from up to three words and the file.
static enum err read_words(const char *program, const char *a, const char *b, const char *c) {
    char *argv[] = {(char *)"colloq", (char *)a, (char *)b, (char *)c, NULL};
    int argc = 1;
    while (argv[argc])
        argc++;
    return conf_read(&conf, program, &argc, argv, false, &error);
}

static enum err read_file(const char *program, const char *text) {
    write_file(path, text);
    return read_words(program, "--config", path, NULL);
}

// A setting that quietly came from the wrong place is found only when it is too late.
START_TEST(a_flag_beats_the_environment_which_beats_the_file) {
    write_file(path, "worker:\n  concurrency: 11\n");
    ck_assert_int_eq(read_words("worker", NULL, NULL, NULL), ERR_OK);
    ck_assert_uint_eq(conf.slots, 256);
    (void)setenv("COLLOQ_CONFIG", path, 1);
    ck_assert_int_eq(read_words("worker", NULL, NULL, NULL), ERR_OK);
    ck_assert_uint_eq(conf.slots, 11);
    ck_assert_str_eq(conf.file, path);
    (void)setenv("COLLOQ_CONCURRENCY", "12", 1);
    ck_assert_int_eq(read_words("worker", NULL, NULL, NULL), ERR_OK);
    ck_assert_uint_eq(conf.slots, 12);
    ck_assert_int_eq(read_words("worker", "--concurrency=13", NULL, NULL), ERR_OK);
    ck_assert_uint_eq(conf.slots, 13);
}
END_TEST

// Simulated money must never lie in the folder of the real.
START_TEST(simulated_money_has_a_folder_of_its_own) {
    (void)setenv("COLLOQ_DATA", "/data", 1);
    ck_assert_int_eq(read_words("broker", NULL, NULL, NULL), ERR_OK);
    ck_assert_str_eq(conf.data, "/data");
    ck_assert_str_eq(conf.broker, "ipc:///data/broker.sock");
    ck_assert(!conf.simulated);
    ck_assert_int_eq(read_words("broker", "--simulate", NULL, NULL), ERR_OK);
    ck_assert_str_eq(conf.data, "/data/simulated");
    ck_assert_int_eq(read_words("broker", "--simulate", "--data", "/other"), ERR_OK);
    ck_assert_str_eq(conf.data, "/other");
    ck_assert_str_eq(conf.ingress, "ipc:///other/ingress.sock");
}
END_TEST

// Programs started from another folder must mean the same place.
START_TEST(a_relative_folder_becomes_a_whole_path) {
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(read_words("broker", "--data", "here", NULL), ERR_OK);
    ck_assert_int_eq(conf.data[0], '/');
    ck_assert_ptr_nonnull(strstr(conf.data, "/here"));
}
END_TEST

static const struct {
    const char *text;
    const char *words[3]; // all must be said
} broken[] = {
    {"worker:\n  concurrency: many\n", {":2:", "worker.concurrency", "a number from 1 to 10000"}},
    {"worker:\n  concurrency: 0\n", {":2:", "worker.concurrency", "a number from 1"}},
    {"broker:\n  call_limit: soon\n", {":2:", "broker.call_limit", "30s"}},
    {"log:\n  level: loud\n", {":2:", "log.level", "debug, info"}},
    {"log:\n  json: perhaps\n", {":2:", "log.json", "true or false"}},
    {"\nwrkr:\n  slots: 5\n", {":3:", "wrkr.slots", "--help"}},
    {"data: /a\ndata: /b\n", {"line 2", "twice", "data"}},
    {"worker: [1, 2]\n", {"line 1", "list", ""}},
    {"worker:\n  concurrency: 5\n bad\n", {"line ", "YAML", ""}},
    {"just words\n", {"line 1", "name: value", ""}},
    {"data: env:NO_SUCH_VARIABLE\n", {":1:", "NO_SUCH_VARIABLE", "set it"}},
    {"data: file:no-such-file\n", {":1:", "no-such-file", "cannot be read"}},
    {"providers:\n  openai:\n    kee: x\n",
     {":3:", "providers.openai.kee", "key, base_url and extract"}},
    {"broker:\n  endpoint: http://x\n", {"http://x", "ipc://PATH", "tcp://"}},
    {"contexts:\n  night:\n    concurrency: 5\n",
     {":3:", "contexts.night.concurrency", "endpoint, data"}},
    {"contexts:\n  endpoint: tcp://127.0.0.1:1\n",
     {":2:", "contexts.endpoint", "a context states"}},
};
enum { BROKEN = sizeof(broken) / sizeof(broken[0]) };

// "Configuration is not valid" has cost more evenings than any bug.
START_TEST(a_mistake_in_the_file_is_named_with_its_line_and_its_remedy) {
    ck_assert_int_eq(read_file(_i == 2 ? "broker" : "worker", broken[_i].text), ERR_BAD_CONFIG);
    ck_assert_int_eq(error.exit, EX_CONFIG);
    for (int k = 0; k < 3; k++)
        ck_assert_msg(strstr(error.text, broken[_i].words[k]) != NULL, "%s: no %s", error.text,
                      broken[_i].words[k]);
}
END_TEST

// A misspelt flag that is passed over is a limit that does not hold.
START_TEST(a_mistake_on_the_command_line_is_a_usage_error) {
    ck_assert_int_eq(read_words("worker", "--slotz", "5", NULL), ERR_BAD_CONFIG);
    ck_assert_int_eq(error.exit, EX_USAGE);
    ck_assert_ptr_nonnull(strstr(error.text, "--slotz"));
    ck_assert_int_eq(read_words("worker", "--concurrency", NULL, NULL), ERR_BAD_CONFIG);
    ck_assert_int_eq(error.exit, EX_USAGE);
    ck_assert_int_eq(read_words("worker", "--concurrency", "-3", NULL), ERR_BAD_CONFIG);
    ck_assert_int_eq(error.exit, EX_USAGE);
    ck_assert_int_eq(read_words("worker", "--jobs-max", "5", NULL), ERR_BAD_CONFIG);
    ck_assert_int_eq(error.exit, EX_USAGE);
    ck_assert_int_eq(read_words("worker", "--config", "/no/such/file", NULL), ERR_BAD_CONFIG);
    ck_assert_int_eq(error.exit, EX_NOINPUT);
    (void)setenv("COLLOQ_CONCURRENCY", "x", 1);
    ck_assert_int_eq(read_words("worker", NULL, NULL, NULL), ERR_BAD_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.text, "COLLOQ_CONCURRENCY"));
}
END_TEST

// A key lies where its owner put it, and comes to the worker only.
START_TEST(keys_are_followed_for_the_worker_alone) {
    static const char text[] = "providers:\n"
                               "  openai: {key: file:key, base_url: 'http://127.0.0.1:1/v1'}\n"
                               "  other:\n    key: env:OTHER_KEY\n";
    char name[160];
    (void)snprintf(name, sizeof(name), "%s/key", folder);
    write_file(name, "secret\n");
    (void)setenv("OTHER_KEY", "second", 1);
    ck_assert_int_eq(read_file("worker", text), ERR_OK);
    ck_assert_uint_eq(conf.provider_count, 2);
    ck_assert_str_eq(conf.providers[0].name, "openai");
    ck_assert_str_eq(conf.providers[0].key, "secret");
    ck_assert_str_eq(conf.providers[0].base_url, "http://127.0.0.1:1/v1");
    ck_assert_str_eq(conf.providers[1].key, "second");
    (void)unsetenv("OTHER_KEY");
    ck_assert_int_eq(read_file("worker", text), ERR_BAD_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.text, "OTHER_KEY"));
    ck_assert_ptr_null(strstr(error.text, "secret"));
    ck_assert_int_eq(read_file("broker", text), ERR_OK);
    ck_assert_ptr_null(conf.providers[0].key);
}
END_TEST

// A path that is wrong is told where it stands, and not found out by missing identifiers.
START_TEST(identifiers_of_ones_own_are_read_and_refused_with_their_line) {
    static const char text[] = "providers:\n"
                               "  openai:\n"
                               "    extract:\n"
                               "      my_trace_id: $.meta.trace\n"
                               "      shard: 'header:X-Shard'\n"
                               "  anthropic: {extract: {my_trace_id: '$..[?@.k==\"t\"].v'}}\n";
    static const struct {
        const char *kind, *where, *says;
    } wrong[] = {
        {"my_id", "$.a[01]",
         ":4: providers.openai.extract.my_id: position 5: a number has no "
         "leading zero: write a JSONPath"},
        {"my_id", "meta.id", "position 1: a path begins with $"},
        {"my_id", "'header:'", "write header: and its name"},
        {"my_id", "'header:a b'", "write header: and its name"},
        {"myId", "$.a",
         ":4: providers.openai.extract.myId: this is no name for an identifier: "
         "write lower-case words"},
        {"my__id", "$.a", "no name"},
        {"_id", "$.a", "no name"},
        {"my_", "$.a", "no name"},
        {"9_id", "$.a", "no name"},
        {"a.b", "$.a", "no name"},
        {"a23456789a23456789a23456789a23456789a23456789a23456789a23456789abcde", "$.a", "no name"},
    };
    char file[32 << 10];
    ck_assert_int_eq(read_file("accountant", text), ERR_OK);
    ck_assert_uint_eq(conf.extract_count, 3);
    ck_assert_str_eq(conf.extracts[0].provider, "openai");
    ck_assert_str_eq(conf.extracts[0].kind, "my_trace_id");
    ck_assert_str_eq(conf.extracts[0].where, "$.meta.trace");
    ck_assert_str_eq(conf.extracts[1].where, "header:X-Shard");
    ck_assert_str_eq(conf.extracts[2].provider, "anthropic");
    ck_assert_ptr_nonnull(strstr(conf.extracts[1].origin, "colloq.yaml:5"));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(file, sizeof(file), "providers:\n  openai:\n    extract:\n      %s: %s\n",
                       wrong[i].kind, wrong[i].where);
        ck_assert_int_eq(read_file("worker", file), ERR_BAD_CONFIG);
        ck_assert_int_eq(error.exit, EX_CONFIG);
        ck_assert_msg(strstr(error.text, wrong[i].says) != NULL, "%s", error.text);
    }
    size_t used = (size_t)snprintf(file, sizeof(file), "providers:\n  openai:\n    extract:\n");
    for (int i = 0; i <= EXTRACT_RULES_MAX; i++)
        used += (size_t)snprintf(file + used, sizeof(file) - used, "      k%d: $.a\n", i);
    ck_assert_int_eq(read_file("accountant", file), ERR_BAD_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.text, ":132: providers.openai.extract.k128: more than 128"));
}
END_TEST

// A key in a file that others can read is no secret any more.
START_TEST(a_key_in_a_readable_file_is_refused) {
    write_file(path, "providers:\n  openai:\n    key: sk-literal\n");
    ck_assert_int_eq(read_words("worker", "--config", path, NULL), ERR_OK);
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_int_eq(read_words("worker", "--config", path, NULL), ERR_BAD_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.text, "chmod 600"));
    ck_assert_ptr_null(strstr(error.text, "sk-literal"));
}
END_TEST

// One unit read for another is a limit that is off by a thousand.
START_TEST(times_and_sizes_have_units) {
    ck_assert_int_eq(read_file("broker", "broker: {call_limit: 2m, journal: {max: 512MiB}}\n"),
                     ERR_OK);
    ck_assert_uint_eq(conf.call_limit_ms, 120000);
    ck_assert_uint_eq(conf.journal_bytes_max, 512ull << 20);
    ck_assert_int_eq(read_file("broker", "broker: {call_limit: 1500, journal: {max: 1g}}\n"),
                     ERR_OK);
    ck_assert_uint_eq(conf.call_limit_ms, 1500);
    ck_assert_uint_eq(conf.journal_bytes_max, 1ull << 30);
    ck_assert_int_eq(read_file("worker", "worker: {stall_limit: 2s}\n"), ERR_OK);
    ck_assert_uint_eq(conf.stall_limit_ms, 2000);
    ck_assert_uint_eq(conf.first_byte_limit_ms, 0); // as long as the call may last
    ck_assert_int_eq(read_file("worker", "worker: {first_byte_limit: 3m}\n"), ERR_OK);
    ck_assert_uint_eq(conf.first_byte_limit_ms, 180000);
    ck_assert_int_eq(read_file("broker", "broker: {call_limit: 2 m}\n"), ERR_BAD_CONFIG);
    ck_assert_int_eq(read_file("broker", "broker: {call_limit: 1e3}\n"), ERR_BAD_CONFIG);
}
END_TEST

// The client has words of its own: they must come through in their order, settings taken out.
START_TEST(what_is_no_setting_stays_for_the_client) {
    char *argv[] = {(char *)"colloq", (char *)"batch",  (char *)"--data",
                    (char *)"/d",     (char *)"run",    (char *)"--json",
                    (char *)"--",     (char *)"--data", NULL};
    int argc = 8;
    ck_assert_int_eq(conf_read(&conf, "client", &argc, argv, true, &error), ERR_OK);
    ck_assert_int_eq(argc, 6);
    ck_assert_str_eq(argv[2], "run");
    ck_assert_str_eq(argv[3], "--json");
    ck_assert_str_eq(argv[5], "--data");
    ck_assert_ptr_null(argv[6]);
    ck_assert_str_eq(conf.data, "/d");
}
END_TEST

// A socket path that the system cannot hold fails at bind, far from its cause.
START_TEST(a_folder_too_long_for_a_socket_is_refused_with_a_remedy) {
    char name[160];
    memset(name, 'd', sizeof(name) - 1);
    name[0] = '/';
    name[sizeof(name) - 1] = 0;
    ck_assert_int_eq(read_words("broker", "--data", name, NULL), ERR_BAD_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.text, "shorter --data"));
}
END_TEST

static enum err read_client(const char *a, const char *b, const char *c) {
    return read_words("client", a, b, c);
}

// Two clients that take another folder or endpoint than people think ask the wrong colloq.
START_TEST(an_endpoint_is_the_flags_then_the_variables_then_the_files_then_the_socket) {
    (void)setenv("COLLOQ_CONFIG", path, 1);
    write_file(path, "data: /d\n");
    ck_assert_int_eq(read_client(NULL, NULL, NULL), ERR_OK);
    ck_assert_str_eq(conf.endpoint, "ipc:///d/ingress.sock");
    ck_assert(!conf.is_endpoint_stated);
    ck_assert_str_eq(conf_origin(&conf, &conf.endpoint), "default");
    write_file(path, "data: /d\nclient:\n  endpoint: tcp://127.0.0.1:1\n");
    ck_assert_int_eq(read_client(NULL, NULL, NULL), ERR_OK);
    ck_assert_str_eq(conf.endpoint, "tcp://127.0.0.1:1");
    ck_assert(conf.is_endpoint_stated);
    ck_assert_ptr_nonnull(strstr(conf_origin(&conf, &conf.endpoint), "colloq.yaml:3"));
    (void)setenv("COLLOQ_ENDPOINT", "tcp://127.0.0.1:2", 1);
    ck_assert_int_eq(read_client(NULL, NULL, NULL), ERR_OK);
    ck_assert_str_eq(conf.endpoint, "tcp://127.0.0.1:2");
    ck_assert_str_eq(conf_origin(&conf, &conf.endpoint), "COLLOQ_ENDPOINT");
    ck_assert_int_eq(read_client("--endpoint", "tcp://127.0.0.1:3", NULL), ERR_OK);
    ck_assert_str_eq(conf.endpoint, "tcp://127.0.0.1:3");
    ck_assert_str_eq(conf_origin(&conf, &conf.endpoint), "--endpoint");
    ck_assert_str_eq(conf.ingress, "ipc:///d/ingress.sock"); // where one of ours would listen
    ck_assert_int_eq(read_client("--endpoint", "tcp://203.0.113.1:3", NULL), ERR_BAD_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.text, "--insecure"));
}
END_TEST

// Where ingress is told to listen elsewhere, the clients of this machine have to go there.
START_TEST(a_client_goes_where_ingress_listens_here) {
    ck_assert_int_eq(read_file("client", "ingress:\n  endpoint: ipc:///run/door.sock\n"), ERR_OK);
    ck_assert_str_eq(conf.endpoint, "ipc:///run/door.sock");
    ck_assert(!conf.is_endpoint_stated);
}
END_TEST

static const char contexts[] = "data: /file\n"
                               "client:\n"
                               "  endpoint: tcp://127.0.0.1:9\n"
                               "context: day\n"
                               "contexts:\n"
                               "  day: {data: /day}\n"
                               "  night: {endpoint: 'tcp://127.0.0.1:7', simulate: true}\n"
                               "  secret: {data: 'env:NO_SUCH_VARIABLE'}\n";

// A command meant for the one and run on the other is money spent in the wrong place.
START_TEST(a_context_named_for_the_command_beats_variables_and_one_of_the_file_does_not) {
    write_file(path, contexts);
    (void)setenv("COLLOQ_CONFIG", path, 1);
    ck_assert_int_eq(read_client(NULL, NULL, NULL), ERR_OK);
    ck_assert_str_eq(conf.context, "day");
    ck_assert_str_eq(conf.data, "/day");
    ck_assert_str_eq(conf.endpoint, "ipc:///day/ingress.sock"); // not the file's for every day
    ck_assert_ptr_nonnull(strstr(conf_origin(&conf, &conf.data), "context day, "));
    (void)setenv("COLLOQ_DATA", "/variable", 1);
    (void)setenv("COLLOQ_ENDPOINT", "tcp://127.0.0.1:8", 1);
    ck_assert_int_eq(read_client(NULL, NULL, NULL), ERR_OK);
    ck_assert_str_eq(conf.data, "/variable");
    ck_assert_str_eq(conf.endpoint, "tcp://127.0.0.1:8");
    ck_assert_int_eq(read_client("--context", "day", NULL), ERR_OK);
    ck_assert_str_eq(conf.data, "/day");
    ck_assert_str_eq(conf.endpoint, "ipc:///day/ingress.sock");
    ck_assert_int_eq(read_client("--context=day", "--data", "/flag"), ERR_OK);
    ck_assert_str_eq(conf.data, "/flag");
    (void)setenv("COLLOQ_CONTEXT", "night", 1);
    ck_assert_int_eq(read_client(NULL, NULL, NULL), ERR_OK);
    ck_assert_str_eq(conf.endpoint, "tcp://127.0.0.1:7");
    ck_assert(conf.simulated);
    ck_assert_str_eq(conf.data, "/variable/simulated"); // what it does not state others may
    ck_assert_int_eq(read_client("--context", "day", NULL), ERR_OK);
    ck_assert_str_eq(conf.context, "day");
}
END_TEST

// A name that is nobody's must not mean the usual one.
START_TEST(an_unknown_context_is_refused_with_the_names_that_there_are) {
    write_file(path, contexts);
    (void)setenv("COLLOQ_CONFIG", path, 1);
    ck_assert_int_eq(read_client("--context", "nigth", NULL), ERR_BAD_CONFIG);
    ck_assert_int_eq(error.exit, EX_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.text, "--context: there is no context nigth"));
    ck_assert_ptr_nonnull(strstr(error.text, "day, night, secret"));
    ck_assert_int_eq(read_client("--context", "secret", NULL), ERR_BAD_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.text, ":8:"));
    (void)setenv("COLLOQ_CONTEXT", "gone", 1);
    ck_assert_int_eq(read_client(NULL, NULL, NULL), ERR_BAD_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.text, "COLLOQ_CONTEXT: there is no context gone"));
    // The processes have no contexts: what a user chose for his commands moves none of them.
    ck_assert_int_eq(read_words("broker", NULL, NULL, NULL), ERR_OK);
    ck_assert_str_eq(conf.data, "/file");
    (void)unsetenv("COLLOQ_CONTEXT");
    ck_assert_int_eq(read_file("client", "context: gone\n"), ERR_BAD_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.text, "colloq.yaml:1: there is no context gone"));
}
END_TEST

// Root is a person too; a service has the folder that was made for it.
START_TEST(the_data_folder_is_at_home_and_a_services_where_the_system_says) {
    char home[160];
    (void)snprintf(home, sizeof(home), "%s/.local/share/colloq", folder);
    ck_assert_int_eq(read_client(NULL, NULL, NULL), ERR_OK);
    ck_assert_str_eq(conf.data, home);
    (void)setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two", 1);
    ck_assert_int_eq(read_words("broker", NULL, NULL, NULL), ERR_OK);
    ck_assert_str_eq(conf.data, "/var/lib/one");
    (void)unsetenv("STATE_DIRECTORY");
    (void)unsetenv("HOME");
    ck_assert_int_eq(read_words("broker", NULL, NULL, NULL), ERR_OK);
    ck_assert_str_eq(conf.data, "/var/lib/colloq");
}
END_TEST

// Prices of one's own that are not read cost money; folders that hold none must not be named.
START_TEST(a_catalogue_lies_beside_the_file) {
    char prices[160];
    (void)snprintf(prices, sizeof(prices), "%s/prices", folder);
    ck_assert_int_eq(read_file("accountant", "log: {level: info}\n"), ERR_OK);
    ck_assert_ptr_null(conf.catalogue);
    ck_assert_int_eq(mkdir(prices, 0700), 0);
    ck_assert_int_eq(read_file("accountant", "log: {level: info}\n"), ERR_OK);
    (void)rmdir(prices);
    ck_assert_ptr_nonnull(conf.catalogue);
    ck_assert_int_eq(strncmp(conf.catalogue, folder, strlen(folder)), 0);
    ck_assert_int_eq(read_file("accountant", "accountant: {catalogue: /mine}\n"), ERR_OK);
    ck_assert_str_eq(conf.catalogue, "/mine");
}
END_TEST

// Each process must find its settings in its own section.
START_TEST(the_file_has_a_section_a_process) {
    static const char text[] = "broker:\n"
                               "  endpoint: ipc:///s/b\n"
                               "  listen: tcp://127.0.0.1:5555\n"
                               "  jobs_max: 5000\n"
                               "  journal: {folder: /j}\n"
                               "ingress:\n"
                               "  endpoint: ipc:///s/i\n"
                               "accountant:\n"
                               "  endpoint: ipc:///s/a\n"
                               "  ledger: {folder: /l}\n"
                               "worker: {concurrency: 3}\n";
    ck_assert_int_eq(read_file("broker", text), ERR_OK);
    ck_assert_str_eq(conf.broker, "ipc:///s/b");
    ck_assert_str_eq(conf.journal_folder, "/j");
    ck_assert_uint_eq(conf.jobs_max, 5000);
    ck_assert_int_eq(read_file("accountant", text), ERR_OK);
    ck_assert_str_eq(conf.accountant, "ipc:///s/a");
    ck_assert_str_eq(conf.ledger_folder, "/l");
    ck_assert_int_eq(read_file("ingress", text), ERR_OK);
    ck_assert_str_eq(conf.ingress, "ipc:///s/i");
    ck_assert_str_eq(conf.listen_ingress, "tcp://127.0.0.1:5556");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("conf");
    TCase *all = tcase_create("conf");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, a_flag_beats_the_environment_which_beats_the_file);
    tcase_add_test(all, simulated_money_has_a_folder_of_its_own);
    tcase_add_test(all, a_relative_folder_becomes_a_whole_path);
    tcase_add_loop_test(all, a_mistake_in_the_file_is_named_with_its_line_and_its_remedy, 0,
                        BROKEN);
    tcase_add_test(all, a_mistake_on_the_command_line_is_a_usage_error);
    tcase_add_test(all, keys_are_followed_for_the_worker_alone);
    tcase_add_test(all, identifiers_of_ones_own_are_read_and_refused_with_their_line);
    tcase_add_test(all, a_key_in_a_readable_file_is_refused);
    tcase_add_test(all, times_and_sizes_have_units);
    tcase_add_test(all, what_is_no_setting_stays_for_the_client);
    tcase_add_test(all, a_folder_too_long_for_a_socket_is_refused_with_a_remedy);
    tcase_add_test(all, an_endpoint_is_the_flags_then_the_variables_then_the_files_then_the_socket);
    tcase_add_test(all, a_client_goes_where_ingress_listens_here);
    tcase_add_test(all,
                   a_context_named_for_the_command_beats_variables_and_one_of_the_file_does_not);
    tcase_add_test(all, an_unknown_context_is_refused_with_the_names_that_there_are);
    tcase_add_test(all, the_data_folder_is_at_home_and_a_services_where_the_system_says);
    tcase_add_test(all, a_catalogue_lies_beside_the_file);
    tcase_add_test(all, the_file_has_a_section_a_process);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
