// The connection to an ingress: joining, questions, and whatever else is sent over it. Waits are
// cut short by the user's Ctrl-C, which ends the process with 130 unless the caller looks at the
// stop descriptor itself.
#ifndef TOOLS_CLIENT_H
#define TOOLS_CLIENT_H

#include "common/conf.h"
#include "common/sock.h"
#include "tools/table.h" // the exit codes

#include <jansson.h>

enum {
    CLIENT_JOIN_MS = 3000,    // nobody is there after this long
    CLIENT_ANSWER_MS = 15000, // a question without an answer is given up
    CLIENT_HELLO_MS = 1000,   // a hello without an answer is said over another connection
    CLIENT_SILENT_MS = 6000,  // so is all else: whoever waits hears of an ingress more often
};

struct client {
    struct sock sock;
    struct message message; // the one received last
    bool has_message;
    uint64_t requests; // numbers already used
    const char *endpoint;
    int stop_fd;
    uint64_t boot;      // of the ingress that welcomed us last: what another was told is lost
    char catalogue[65]; // hash of the catalogue by which it goes; empty: it has none yet
    uint64_t said_ms;   // when the last sign of life left
    uint64_t heard_ms;  // when the ingress was last heard, or connected to anew
};

// Connects and joins; false when nobody answers within limit_ms. Ends the process with EX_CONFIG
// when the other side's money is of the other kind.
bool client_try_open(struct client *client, const struct conf *conf, int stop_fd,
                     uint64_t limit_ms);
// The same, but where the other side refuses us it fills refusal and returns false.
bool client_try_open_politely(struct client *client, const struct conf *conf, int stop_fd,
                              uint64_t limit_ms, char *refusal, size_t size);
void client_close(struct client *client);

uint64_t client_request(struct client *client);
// Sends a message without items; ERR_AGAIN: ingress is not there now.
enum err client_send(struct client *client, enum kind kind, const void *head,
                     const struct bytes *frames, uint32_t count);
// A sign of life at most once a second, so that ingress keeps what is open for us. Call it while
// answers are waited for: when none came for CLIENT_SILENT_MS it connects anew, since a connection
// that was cut on its way may look as if it stood.
void client_tick(struct client *client, uint64_t now_ms);
// The next message, which lives until the next call; NULL: none came within timeout_ms.
struct message *client_receive(struct client *client, long timeout_ms);

// Puts a question; arguments is JSON. False: it could not leave now.
bool client_ask(struct client *client, const char *what, json_t *arguments, uint64_t *request);
// Puts a question and waits for its answer, whose text replaces what *text holds. Returns the
// answer's exit code; other than 0, detail says why.
int client_answer(struct client *client, const char *what, json_t *new_arguments, struct buf *text,
                  char *detail, size_t detail_size);

#endif
