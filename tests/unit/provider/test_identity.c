#include "api.h"

#include "common/mem.h"
#include "workers/provider/endpoints.h"
#include "workers/provider/keys.h"
#include "workers/provider/names.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static struct conf conf;
static const char *const envs[] = {"OPENAI_API_KEY", NULL};
static char problem[256];

static void set_up(void) {
    (void)snprintf(folder, sizeof(folder), "/tmp/colloq-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    memset(&conf, 0, sizeof(conf));
    (void)unsetenv("OPENAI_API_KEY");
    (void)unsetenv("OPENAI_API_KEY_FILE");
    (void)unsetenv("OPENAI_BASE_URL");
}

static void tear_down(void) {
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(mem_held(), 0);
}

static const char *path_of(const char *name) {
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text) {
    FILE *file = fopen(path_of(name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

// ---- names --------------------------------------------------------------------------------------

// Two processes under one name would each be taken for the other's death: the broker would give
// away calls that still run.
START_TEST(two_processes_never_have_one_name) {
    struct name first, second;
    name_take(&first, path_of("names"));
    name_take(&second, path_of("names"));
    ck_assert(first.is_lasting && second.is_lasting);
    ck_assert_int_eq(strncmp(first.text, "worker-0-", 9), 0);
    ck_assert_int_eq(strncmp(second.text, "worker-1-", 9), 0);
    name_release(&first);
    name_release(&second);
}
END_TEST

// The name outlives its process: only so can a new process prove the old one's death at once.
START_TEST(a_name_comes_back_when_its_process_is_dead) {
    const char *names = path_of("names");
    int pipe_fds[2];
    char text[NAME_TEXT_SIZE];
    ck_assert_int_eq(pipe(pipe_fds), 0);
    pid_t child = fork();
    if (child == 0) {
        struct name name;
        name_take(&name, names);
        _exit(write(pipe_fds[1], name.text, sizeof(name.text)) == sizeof(name.text) ? 0 : 1);
    }
    ck_assert_int_eq(read(pipe_fds[0], text, sizeof(text)), sizeof(text));
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    struct name name;
    name_take(&name, names);
    ck_assert_str_eq(name.text, text);
    name_release(&name);
}
END_TEST

// A crash between making the file and writing it leaves an empty one.
START_TEST(a_broken_name_file_is_mended) {
    struct name name;
    ck_assert_int_eq(mkdir(path_of("names"), 0700), 0);
    write_file("names/worker-0", "not an id");
    name_take(&name, path_of("names"));
    ck_assert(name.is_lasting);
    char text[NAME_TEXT_SIZE];
    memcpy(text, name.text, sizeof(text));
    name_release(&name);
    name_take(&name, path_of("names"));
    ck_assert_str_eq(name.text, text);
    ck_assert_uint_eq(strlen(text), strlen("worker-0-0123456789abcdef"));
    name_release(&name);
}
END_TEST

// Without the folder nothing is proven, and the worker must not claim it.
START_TEST(without_a_folder_the_name_proves_nothing) {
    struct name first, second;
    write_file("file", "");
    name_take(&first, path_of("file/names"));
    name_take(&second, path_of("file/names"));
    ck_assert(!first.is_lasting && !second.is_lasting);
    ck_assert_str_ne(first.text, second.text);
    name_release(&first);
    name_release(&second);
}
END_TEST

// ---- keys ---------------------------------------------------------------------------------------

static bool find(struct key *key) {
    return key_find(key, &conf, "openai", envs, problem, sizeof(problem));
}

static void assert_found(const char *text) {
    struct key key;
    ck_assert_msg(find(&key), "%s", problem);
    ck_assert_str_eq(key.text, text);
    ck_assert_str_eq(problem, "");
    key_release(&key);
}

START_TEST(the_configuration_goes_before_the_environment) {
    (void)setenv("OPENAI_API_KEY", "sk-environment", 1);
    assert_found("sk-environment");
    conf.providers[0] = (struct conf_provider){.name = "openai", .key = "sk-configured"};
    conf.provider_count = 1;
    assert_found("sk-configured");
    conf.providers[0].name = "another";
    assert_found("sk-environment");
    conf.providers[0] = (struct conf_provider){.name = "openai", .base_url = "https://x.org"};
    assert_found("sk-environment");
}
END_TEST

// A server of one's own needs no key, and says so by an empty one.
START_TEST(a_provider_may_be_configured_without_a_key) {
    conf.providers[0] = (struct conf_provider){.name = "openai", .key = ""};
    conf.provider_count = 1;
    assert_found("");
}
END_TEST

START_TEST(a_key_may_stand_in_a_file) {
    write_file("key", "sk-from-a-file\n");
    (void)setenv("OPENAI_API_KEY_FILE", path_of("key"), 1);
    assert_found("sk-from-a-file");
    (void)setenv("OPENAI_API_KEY", "sk-environment", 1);
    assert_found("sk-environment");
}
END_TEST

// A key with a line end in it would write headers of its own; an error that quotes it leaks it.
START_TEST(what_cannot_be_a_key_is_refused_without_being_quoted) {
    struct key key;
    static const char *const bad[] = {"sk-secret\r\nX-Evil: 1", "sk-secret key", "sk-s\xc3\xa9"};
    ck_assert(!find(&key));
    ck_assert_str_eq(problem, "");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)setenv("OPENAI_API_KEY", bad[i], 1);
        ck_assert(!find(&key));
        ck_assert_int_eq(strncmp(problem, "OPENAI_API_KEY: ", 16), 0);
        ck_assert_ptr_null(strstr(problem, "secret"));
    }
    (void)unsetenv("OPENAI_API_KEY");
    write_file("empty", " \n");
    (void)setenv("OPENAI_API_KEY_FILE", path_of("empty"), 1);
    ck_assert(!find(&key));
    ck_assert_str_eq(problem, "OPENAI_API_KEY: it is empty");
    (void)setenv("OPENAI_API_KEY_FILE", path_of("nothing-there"), 1);
    ck_assert(!find(&key));
    ck_assert_ptr_nonnull(strstr(problem, "No such file"));
    char *long_key = mem_new(KEY_BYTES_MAX + 2);
    memset(long_key, 'k', KEY_BYTES_MAX + 1);
    write_file("long", long_key);
    (void)setenv("OPENAI_API_KEY_FILE", path_of("long"), 1);
    ck_assert(!find(&key));
    ck_assert_str_eq(problem, "OPENAI_API_KEY: it is too long for a key");
    mem_free(long_key);
}
END_TEST

// ---- endpoints ----------------------------------------------------------------------------------

static struct endpoints *endpoints_of(void) {
    struct buf document;
    api_document(&document);
    struct endpoints *endpoints = endpoints_new(&conf, buf_bytes(&document), "a hash");
    ck_assert_ptr_nonnull(endpoints);
    buf_release(&document);
    return endpoints;
}

static const struct endpoint *chat_of(const struct endpoints *endpoints) {
    return endpoints_find(endpoints, bytes_text("openai"), bytes_text("chat"),
                          bytes_text("default"));
}

static bool has_line(const struct endpoint *endpoint, const char *line) {
    for (const struct curl_slist *at = endpoint->lines; at; at = at->next)
        if (strcmp(at->data, line) == 0)
            return true;
    return false;
}

static void check_url(const struct endpoint *endpoint, const char *url) {
    const struct adapter_job job = {.api = endpoint->api, .model = bytes_text("gpt-5-nano")};
    char *made = endpoint_url(endpoint, &job);
    ck_assert_str_eq(made, url);
    mem_free(made);
}

START_TEST(a_key_makes_an_endpoint) {
    (void)setenv("OPENAI_API_KEY", "sk-1", 1);
    struct endpoints *endpoints = endpoints_of();
    ck_assert_ptr_nonnull(strstr(endpoints->keys, "openai/default"));
    const struct endpoint *chat = chat_of(endpoints);
    ck_assert_ptr_nonnull(chat);
    check_url(chat, "https://api.openai.com/v1/chat/completions");
    ck_assert(!chat->may_be_private && !chat->may_be_plain);
    ck_assert(has_line(chat, "Authorization: Bearer sk-1"));
    ck_assert(has_line(chat, "Expect:"));
    ck_assert(has_line(chat, "Content-Type: application/json"));
    ck_assert_ptr_null(
        endpoints_find(endpoints, bytes_text("openai"), bytes_text("chat"), bytes_text("second")));
    endpoints_free(endpoints);
}
END_TEST

START_TEST(without_a_key_there_is_no_endpoint) {
    struct endpoints *endpoints = endpoints_of();
    ck_assert_ptr_null(strstr(endpoints->keys, "openai"));
    ck_assert_ptr_null(chat_of(endpoints));
    endpoints_free(endpoints);
}
END_TEST

// "Any server that speaks it, by base URL": the configuration, else OPENAI_BASE_URL.
START_TEST(a_base_url_may_be_chosen) {
    (void)setenv("OPENAI_API_KEY", "sk-1", 1);
    (void)setenv("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1/", 1);
    struct endpoints *endpoints = endpoints_of();
    check_url(chat_of(endpoints), "http://127.0.0.1:8080/v1/chat/completions");
    ck_assert(chat_of(endpoints)->may_be_private && chat_of(endpoints)->may_be_plain);
    endpoints_free(endpoints);
    conf.providers[0] = (struct conf_provider){.name = "openai", .base_url = "https://llm.corp/x"};
    conf.provider_count = 1;
    endpoints = endpoints_of();
    check_url(chat_of(endpoints), "https://llm.corp/x/chat/completions");
    ck_assert(chat_of(endpoints)->may_be_private && !chat_of(endpoints)->may_be_plain);
    endpoints_free(endpoints);
}
END_TEST

// A key that goes over plain http to another machine is everybody's key.
START_TEST(plain_http_to_another_machine_is_no_endpoint) {
    (void)setenv("OPENAI_API_KEY", "sk-1", 1);
    (void)setenv("OPENAI_BASE_URL", "http://10.0.0.1:8080/v1", 1);
    struct endpoints *endpoints = endpoints_of();
    ck_assert_ptr_null(chat_of(endpoints));
    ck_assert_str_eq(endpoints->keys, "");
    endpoints_free(endpoints);
    conf.allow_http = true;
    endpoints = endpoints_of();
    ck_assert_ptr_nonnull(chat_of(endpoints));
    ck_assert(chat_of(endpoints)->may_be_plain);
    endpoints_free(endpoints);
}
END_TEST

// Simulated money never meets real money: a simulated run without its simulator calls nobody.
START_TEST(a_simulated_run_speaks_to_this_machine_only) {
    conf.simulated = true;
    (void)setenv("OPENAI_API_KEY", "sk-1", 1);
    struct endpoints *endpoints = endpoints_of();
    ck_assert_ptr_null(chat_of(endpoints));
    endpoints_free(endpoints);
    (void)setenv("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1", 1);
    endpoints = endpoints_of();
    ck_assert_ptr_nonnull(chat_of(endpoints));
    endpoints_free(endpoints);
}
END_TEST

static bool is_simulator(const char *url, const char *key, bool allow_http) {
    conf.simulated = true;
    conf.allow_http = allow_http;
    (void)setenv("OPENAI_API_KEY", key, 1);
    (void)setenv("OPENAI_BASE_URL", url, 1);
    struct endpoints *endpoints = endpoints_of();
    bool is_there = chat_of(endpoints) != NULL;
    endpoints_free(endpoints);
    return is_there;
}

// A worker on a second host calls the simulator of the first: over plain http, which no real
// provider takes, and with a key that is nobody's.
START_TEST(a_simulator_on_another_host_is_told_from_a_provider) {
    ck_assert(is_simulator("http://10.0.0.1:5557/v1", "simulated", true));
    ck_assert(!is_simulator("http://10.0.0.1:5557/v1", "simulated", false));
    ck_assert(!is_simulator("http://10.0.0.1:5557/v1", "sk-1", true));
    ck_assert(!is_simulator("https://10.0.0.1:5557/v1", "simulated", true));
    ck_assert(is_simulator("http://127.0.0.1:5557/v1", "sk-1", false));
}
END_TEST

START_TEST(bytes_that_are_no_catalogue_are_refused) {
    ck_assert_ptr_null(endpoints_new(&conf, bytes_text("{}"), "a hash"));
    ck_assert_ptr_null(endpoints_new(&conf, bytes_text("garbage"), "a hash"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("identity");
    TCase *tests = tcase_create("names, keys, endpoints");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, two_processes_never_have_one_name);
    tcase_add_test(tests, a_name_comes_back_when_its_process_is_dead);
    tcase_add_test(tests, a_broken_name_file_is_mended);
    tcase_add_test(tests, without_a_folder_the_name_proves_nothing);
    tcase_add_test(tests, the_configuration_goes_before_the_environment);
    tcase_add_test(tests, a_provider_may_be_configured_without_a_key);
    tcase_add_test(tests, a_key_may_stand_in_a_file);
    tcase_add_test(tests, what_cannot_be_a_key_is_refused_without_being_quoted);
    tcase_add_test(tests, a_key_makes_an_endpoint);
    tcase_add_test(tests, without_a_key_there_is_no_endpoint);
    tcase_add_test(tests, a_base_url_may_be_chosen);
    tcase_add_test(tests, plain_http_to_another_machine_is_no_endpoint);
    tcase_add_test(tests, a_simulated_run_speaks_to_this_machine_only);
    tcase_add_test(tests, a_simulator_on_another_host_is_told_from_a_provider);
    tcase_add_test(tests, bytes_that_are_no_catalogue_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
