#include "tests/provider-sim/test_world.h"

#include "tests/provider-sim/hash.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 64, CLIENT_LIMIT_MS = 30000, ANSWER_BYTES_MAX = 16 << 20 };

// Splits at spaces and puts the folder's paths in.
static void arguments_make(const struct sim *sim, const char *options, struct text *words,
                           char **arguments) {
    size_t starts[ARGUMENTS_MAX];
    size_t count = 0;
    for (const char *from = options; *from;) {
        size_t size = strcspn(from, " ");
        ck_assert_uint_lt(count, ARGUMENTS_MAX - 2);
        starts[count++] = words->size;
        if (sim != NULL && from[0] == '%')
            text_add(words, from[1] == 'b' ? sim->bill : from[1] == 'k' ? sim->keys : sim->quota);
        else
            text_put(words, from, size);
        text_put(words, "", 1);
        from += size + (from[size] == ' ');
    }
    for (size_t i = 0; i < count; i++)
        arguments[i + 1] = words->at + starts[i];
    arguments[count + 1] = NULL;
}

static pid_t program_start(const struct sim *sim, const char *program, const char *options,
                           int *output, bool has_stdout) {
    struct text words = {0};
    char *arguments[ARGUMENTS_MAX];
    char name[256];
    int pipes[2];
    snprintf(name, sizeof(name), "%s", program);
    arguments[0] = name;
    arguments_make(sim, options, &words, arguments);
    ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(pipes[1], STDERR_FILENO);
        if (has_stdout)
            dup2(pipes[1], STDOUT_FILENO);
        execv(program, arguments);
        _exit(127);
    }
    close(pipes[1]);
    text_release(&words);
    *output = pipes[0];
    return pid;
}

// Its first line says where it listens, so nothing has to be waited for by time.
void sim_restart(struct sim *sim, const char *options) {
    struct text all = {0};
    char line[256] = {0};
    text_add(&all, "--port-file ");
    text_add(&all, sim->folder);
    text_add(&all, "/port --bill %b ");
    text_add(&all, options);
    text_put(&all, "", 1);
    sim->pid = program_start(sim, PROVIDER_SIM, all.at, &sim->messages, false);
    text_release(&all);
    for (size_t size = 0; memchr(line, '\n', size) == NULL; size++) {
        ck_assert_uint_lt(size, sizeof(line) - 1);
        ck_assert_int_eq(read(sim->messages, line + size, 1), 1);
    }
    const char *port = strstr(line, "127.0.0.1:");
    ck_assert_msg(port != NULL, "%s", line);
    sim->port = (uint16_t)strtoul(port + 10, NULL, 10);
}

void sim_start(struct sim *sim, const char *options) {
    *sim = (struct sim){0};
    snprintf(sim->folder, sizeof(sim->folder), "/tmp/provider-sim-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(sim->folder));
    snprintf(sim->bill, sizeof(sim->bill), "%s/bill", sim->folder);
    snprintf(sim->keys, sizeof(sim->keys), "%s/keys", sim->folder);
    snprintf(sim->quota, sizeof(sim->quota), "%s/quota", sim->folder);
    sim_restart(sim, options);
}

static void sim_wait(struct sim *sim, int signal, int *status) {
    ck_assert_int_eq(kill(sim->pid, signal), 0);
    ck_assert_int_eq(waitpid(sim->pid, status, 0), sim->pid);
}

void sim_stop(struct sim *sim) {
    int status;
    char rest[4096];
    sim_wait(sim, SIGTERM, &status);
    ssize_t size = read(sim->messages, rest, sizeof(rest) - 1);
    rest[size > 0 ? size : 0] = '\0';
    close(sim->messages);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d: %s", status, rest);
}

void sim_kill(struct sim *sim) {
    int status;
    sim_wait(sim, SIGKILL, &status);
    close(sim->messages);
}

void sim_end(struct sim *sim) {
    char port[96];
    snprintf(port, sizeof(port), "%s/port", sim->folder);
    unlink(port);
    unlink(sim->bill);
    unlink(sim->keys);
    unlink(sim->quota);
    ck_assert_int_eq(rmdir(sim->folder), 0);
}

json_t *sim_bill(const struct sim *sim) {
    FILE *file = fopen(sim->bill, "re");
    char *line = NULL;
    size_t capacity = 0;
    json_t *lines = json_array();
    ck_assert_ptr_nonnull(file);
    while (getline(&line, &capacity, file) > 0) {
        json_error_t error;
        json_t *value = json_loads(line, JSON_REJECT_DUPLICATES, &error);
        ck_assert_msg(value != NULL, "%s: %s", error.text, line);
        ck_assert_int_eq(json_array_append_new(lines, value), 0);
    }
    free(line);
    (void)fclose(file);
    return lines;
}

int run_program(const char *program, const char *options, struct text *output) {
    int fd, status;
    ssize_t size;
    pid_t pid = program_start(NULL, program, options, &fd, true);
    while ((size = read(fd, text_room(output, 4096), 4096)) > 0)
        output->size += (size_t)size;
    text_put(output, "", 1);
    close(fd);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "%s", output->at);
    return WEXITSTATUS(status);
}

void file_write(const char *path, const char *content) {
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(content, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

void hex_of(struct span span, char out[13]) {
    uint8_t digest[HASH_SIZE];
    hash_sha256(span, digest);
    for (int i = 0; i < 6; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

int client_open(const struct sim *sim) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(sim->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = CLIENT_LIMIT_MS / 1000};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

// A server that closes early is no failure of the client.
void client_send(int fd, struct span bytes) {
    while (bytes.size > 0) {
        ssize_t size = send(fd, bytes.at, bytes.size, MSG_NOSIGNAL);
        if (size <= 0) {
            ck_assert_msg(errno == EPIPE || errno == ECONNRESET, "%s", strerror(errno));
            return;
        }
        bytes.at += size;
        bytes.size -= (size_t)size;
    }
}

char *got_header(const struct got *got, const char *name) {
    const char *end = memmem(got->raw.at, got->raw.size, "\r\n\r\n", 4);
    size_t name_size = strlen(name);
    for (const char *line = got->raw.at; end != NULL && line < end;) {
        const char *stop = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
        if (strncasecmp(line, name, name_size) == 0 && line[name_size] == ':') {
            const char *value = line + name_size + 2;
            char *copy = memory_new((size_t)(stop - value) + 1, 1);
            memcpy(copy, value, (size_t)(stop - value));
            return copy;
        }
        line = stop + 2;
    }
    return NULL;
}

// Takes the chunks apart; true when the last one has come.
static bool take_chunks(struct got *got, struct span rest) {
    text_reset(&got->body);
    while (rest.size > 0) {
        const char *stop = memmem(rest.at, rest.size, "\r\n", 2);
        if (stop == NULL)
            return false;
        size_t size = strtoul(rest.at, NULL, 16);
        size_t head = (size_t)(stop - rest.at) + 2;
        if (rest.size < head + size + 2)
            return false;
        if (size == 0)
            return true;
        text_put(&got->body, rest.at + head, size);
        rest.at += head + size + 2;
        rest.size -= head + size + 2;
    }
    return false;
}

static void got_parse(struct got *got) {
    const char *end = memmem(got->raw.at, got->raw.size, "\r\n\r\n", 4);
    if (end == NULL)
        return;
    got->status = (int)strtol(got->raw.at + 9, NULL, 10);
    char *length = got_header(got, "Content-Length");
    struct span rest = {end + 4, got->raw.size - (size_t)(end + 4 - got->raw.at)};
    if (length == NULL) {
        got->is_whole = take_chunks(got, rest);
    } else {
        text_reset(&got->body);
        text_span(&got->body, rest);
        got->is_whole = rest.size == strtoul(length, NULL, 10);
    }
    memory_free(length);
}

void client_read(int fd, int limit_ms, struct got *got) {
    *got = (struct got){0};
    while (!got->is_whole && !got->has_ended) {
        struct pollfd waits = {.fd = fd, .events = POLLIN};
        int ready = poll(&waits, 1, limit_ms > 0 ? limit_ms : CLIENT_LIMIT_MS);
        if (ready == 0 && limit_ms > 0)
            return;
        ck_assert_msg(ready == 1, "no answer within 30 s");
        ssize_t size = recv(fd, text_room(&got->raw, 65536), 65536, 0);
        got->has_ended = size <= 0;
        got->raw.size += size > 0 ? (size_t)size : 0;
        ck_assert_uint_lt(got->raw.size, ANSWER_BYTES_MAX);
        if (got->raw.size > 0)
            got_parse(got);
    }
}

void client_ask(int fd, const char *call, const char *body) {
    struct text request = {0};
    text_add(&request, "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                       "Authorization: Bearer k\r\nContent-Type: application/json\r\n"
                       "X-Client-Request-Id: ");
    text_add(&request, call);
    text_add(&request, "\r\nContent-Length: ");
    text_number(&request, strlen(body));
    text_add(&request, "\r\n\r\n");
    text_add(&request, body);
    client_send(fd, text_view(&request));
    text_release(&request);
}

void ask(const struct sim *sim, const char *call, const char *body, struct got *got) {
    int fd = client_open(sim);
    client_ask(fd, call, body);
    client_read(fd, 0, got);
    close(fd);
}

void ask_said(const struct sim *sim, const char *call, const char *model, const char *said,
              struct got *got) {
    struct text body = {0};
    text_add(&body, "{\"model\":\"");
    text_add(&body, model);
    text_add(&body, "\",\"messages\":[{\"role\":\"user\",\"content\":\"");
    text_json(&body, span_of(said));
    text_add(&body, "\"}]}");
    text_put(&body, "", 1);
    ask(sim, call, body.at, got);
    text_release(&body);
}

void got_release(struct got *got) {
    text_release(&got->raw);
    text_release(&got->body);
}

json_t *got_json(const struct got *got) {
    json_error_t error;
    json_t *value = json_loadb(got->body.at, got->body.size, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(value != NULL, "%s: %.*s", error.text, (int)got->body.size, got->body.at);
    return value;
}

json_t *at(json_t *value, const char *path) {
    char name[64];
    for (const char *from = path; *from && value != NULL;) {
        size_t size = strcspn(from, ".");
        ck_assert_uint_lt(size, sizeof(name));
        memcpy(name, from, size);
        name[size] = '\0';
        value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10))
                                     : json_object_get(value, name);
        from += size + (from[size] == '.');
    }
    ck_assert_msg(value != NULL, "nothing at %s", path);
    return value;
}

const char *text_at(json_t *value, const char *path) {
    json_t *found = at(value, path);
    ck_assert_msg(json_is_string(found), "%s is no string", path);
    return json_string_value(found);
}

int64_t number_at(json_t *value, const char *path) {
    json_t *found = at(value, path);
    ck_assert_msg(json_is_integer(found), "%s is no integer", path);
    return json_integer_value(found);
}
