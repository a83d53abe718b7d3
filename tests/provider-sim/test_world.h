// For the simulator's own tests: a simulator as a child process, a client made of plain sockets,
// and its bill. Whatever goes wrong fails the test.
#ifndef PROVIDER_SIM_TEST_WORLD_H
#define PROVIDER_SIM_TEST_WORLD_H

#include "tests/provider-sim/text.h"

#include <check.h>
#include <jansson.h>
#include <sys/types.h>

struct sim {
    pid_t pid;
    uint16_t port;
    char folder[64];
    char bill[96], keys[96], quota[96]; // paths in it
    int messages;                       // its stderr
};

// Makes a folder; the options may hold %b, %k and %q for the paths. Returns when it listens.
void sim_start(struct sim *sim, const char *options);
// Starts another one on the same folder, after sim_stop or sim_kill.
void sim_restart(struct sim *sim, const char *options);
// SIGTERM; it must exit 0.
void sim_stop(struct sim *sim);
void sim_kill(struct sim *sim);
// Removes the folder.
void sim_end(struct sim *sim);
// The bill's lines as an array; the caller releases it.
json_t *sim_bill(const struct sim *sim);
// Starts a program and returns its exit code; its stdout and stderr are in the text.
int run_program(const char *program, const char *options, struct text *output);
// The first 12 hex digits of the SHA-256.
void hex_of(struct span span, char out[13]);
void file_write(const char *path, const char *content);

struct got {
    int status;      // 0: no answer
    bool is_whole;   // HTTP says that the body is complete
    bool has_ended;  // the connection is closed or reset
    struct text raw; // head and body as they came
    struct text body;
};

// A connection to it, with a time limit of 30 s on everything.
int client_open(const struct sim *sim);
void client_send(int fd, struct span bytes);
// Reads one answer, until it is complete or the connection ends. With a time limit in
// milliseconds the answer may stay away.
void client_read(int fd, int limit_ms, struct got *got);
// Sends a chat request with the key "k".
void client_ask(int fd, const char *call, const char *body);
// Opens, asks, reads, closes.
void ask(const struct sim *sim, const char *call, const char *body, struct got *got);
// The same for a body with one user message for a model.
void ask_said(const struct sim *sim, const char *call, const char *model, const char *said,
              struct got *got);
void got_release(struct got *got);
// A header's value, or NULL; the caller frees it with memory_free.
char *got_header(const struct got *got, const char *name);
// The body as JSON, which it must be; the caller releases it.
json_t *got_json(const struct got *got);
// json_pack's counterpart for one path of members and indexes: "choices.0.message.content".
json_t *at(json_t *value, const char *path);
const char *text_at(json_t *value, const char *path);
int64_t number_at(json_t *value, const char *path);

#endif
