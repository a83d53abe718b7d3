#include "tools/client.h"

#include "common/clock.h"
#include "common/id.h"
#include "common/mem.h"
#include "common/process.h"
#include "tools/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

uint64_t client_request(struct client *client) {
    return ++client->requests;
}

enum err client_send(struct client *client, enum kind kind, const void *head,
                     const struct bytes *frames, uint32_t count) {
    enum err e = sock_send_head(&client->sock, NULL, kind, head, frames, count);
    if (e == ERR_OK)
        client->said_ms = clock_now().mono_ms;
    return e;
}

// Which run of ingress it is: its answer to a hello, or to a sign of life for another one.
static void note_welcome(struct client *client) {
    struct welcome_head welcome;
    if (client->message.wire.kind != KIND_welcome ||
        wire_head(&client->message.wire, &welcome) != ERR_OK)
        return;
    client->boot = welcome.boot;
    (void)snprintf(client->catalogue, sizeof(client->catalogue), "%.*s",
                   (int)welcome.catalogue.size, (const char *)welcome.catalogue.at);
}

struct message *client_receive(struct client *client, long timeout_ms) {
    uint64_t until = clock_now().mono_ms + (uint64_t)timeout_ms;
    if (client->has_message)
        message_release(&client->message);
    client->has_message = false;
    for (;;) {
        enum err e = sock_receive(&client->sock, &client->message);
        uint64_t now = clock_now().mono_ms;
        if (e == ERR_OK) {
            client->has_message = true;
            client->heard_ms = now;
            note_welcome(client);
            return &client->message;
        }
        if (e == ERR_VERSION)
            fail(EX_CONFIG,
                 "%s speaks another version of the protocol than colloq %s: install the "
                 "same on both hosts",
                 client->endpoint, COLLOQ_VERSION);
        if (e == ERR_AGAIN && now >= until)
            return NULL;
        if (e != ERR_AGAIN)
            continue;
        struct sock *socks[] = {&client->sock};
        sock_wait(socks, 1, &client->stop_fd, 1, (long)(until - now));
        if (sock_is_readable(&client->sock))
            continue;
        if (clock_now().mono_ms < until)
            return NULL; // the stop descriptor: the caller looks at it
    }
}

static void connect_anew(struct client *client, uint64_t now_ms) {
    client->heard_ms = now_ms;
    if (sock_reconnect(&client->sock) != ERR_OK)
        fail(EX_OSERR, "%s: cannot be connected to again", client->endpoint);
}

void client_tick(struct client *client, uint64_t now_ms) {
    struct heartbeat_head head = {.boot = client->boot};
    if (now_ms - client->heard_ms >= CLIENT_SILENT_MS)
        connect_anew(client, now_ms);
    if (now_ms - client->said_ms >= HEARTBEAT_MS)
        (void)client_send(client, KIND_heartbeat, &head, NULL, 0);
}

static void stop_if_asked(const struct client *client) {
    if (process_is_stopped(client->stop_fd))
        exit(EXIT_STOPPED);
}

static void take_unwelcome(const struct client *client, char *refusal, size_t size) {
    struct unwelcome_head head;
    if (wire_head(&client->message.wire, &head) != ERR_OK)
        return;
    if (bytes_is(head.reason, "unknown_role"))
        (void)snprintf(refusal, size,
                       "a broker listens here; clients connect to the ingress, with colloq dev at "
                       "the port after it");
    else
        (void)snprintf(refusal, size, "%.*s", (int)head.detail.size, (const char *)head.detail.at);
}

bool client_try_open(struct client *client, const struct conf *conf, int stop_fd,
                     uint64_t limit_ms) {
    char refusal[DETAIL_BYTES_MAX + 1] = "";
    bool is_open =
        client_try_open_politely(client, conf, stop_fd, limit_ms, refusal, sizeof(refusal));
    if (*refusal)
        fail(EX_CONFIG, "%s: %s", conf->endpoint, refusal);
    return is_open;
}

bool client_try_open_politely(struct client *client, const struct conf *conf, int stop_fd,
                              uint64_t limit_ms, char *refusal, size_t size) {
    memset(client, 0, sizeof(*client));
    client->endpoint = conf->endpoint;
    client->stop_fd = stop_fd;
    if (sock_connect(&client->sock, conf->endpoint) != ERR_OK)
        fail(EX_CONFIG, "%s: cannot be connected to; correct --endpoint or --data", conf->endpoint);
    struct hello_head hello = {
        .role = bytes_text("client"),
        .name = bytes_text("client"),
        .version = bytes_text(COLLOQ_VERSION),
        .simulated = conf->simulated,
    };
    bytes_put_u64(hello.process.at, random_u64());
    client->heard_ms = clock_now().mono_ms;
    uint64_t until = client->heard_ms + limit_ms;
    bool is_said = false;
    for (uint64_t now = client->heard_ms; now < until; now = clock_now().mono_ms) {
        if (now - client->heard_ms >= CLIENT_HELLO_MS) {
            connect_anew(client, now);
            is_said = false;
        }
        // The connection may take a moment to stand.
        if (!is_said)
            is_said = client_send(client, KIND_hello, &hello, NULL, 0) == ERR_OK;
        struct message *message = client_receive(client, is_said ? 100 : 2);
        if (message && message->wire.kind == KIND_unwelcome)
            take_unwelcome(client, refusal, size);
        if (*refusal)
            break;
        if (client->boot != 0)
            return true;
        stop_if_asked(client);
    }
    client_close(client);
    return false;
}

void client_close(struct client *client) {
    if (client->has_message)
        message_release(&client->message);
    client->has_message = false;
    sock_close(&client->sock, 500);
}

bool client_ask(struct client *client, const char *what, json_t *arguments, uint64_t *request) {
    char *text = arguments ? json_dumps(arguments, JSON_COMPACT) : NULL;
    struct query_head query = {
        .request = client_request(client),
        .what = bytes_text(what),
        .arguments = bytes_text(text ? text : "{}"),
    };
    enum err e = client_send(client, KIND_query, &query, NULL, 0);
    mem_free(text);
    *request = query.request;
    return e == ERR_OK;
}

static bool take_answer(struct client *client, uint64_t request, struct buf *text, int *exit_code,
                        char *detail, size_t detail_size) {
    struct answer_head head;
    struct message *message = &client->message;
    if (message->wire.kind != KIND_answer || wire_head(&message->wire, &head) != ERR_OK ||
        head.request != request)
        return false;
    struct bytes document = message_frame(message, 0);
    buf_reset(text);
    buf_put(text, document.at, document.size);
    *exit_code = (int)head.exit;
    (void)snprintf(detail, detail_size, "%.*s", (int)head.detail.size,
                   head.detail.size ? (const char *)head.detail.at : "");
    return true;
}

int client_answer(struct client *client, const char *what, json_t *new_arguments, struct buf *text,
                  char *detail, size_t detail_size) {
    uint64_t until = clock_now().mono_ms + CLIENT_ANSWER_MS;
    uint64_t request = 0;
    bool is_asked = false;
    int exit_code = EX_UNAVAILABLE;
    (void)snprintf(detail, detail_size, "%s does not answer; see whether colloq runs there",
                   client->endpoint);
    client->heard_ms = clock_now().mono_ms;
    for (uint64_t now = client->heard_ms; now < until; now = clock_now().mono_ms) {
        if (now - client->heard_ms >= CLIENT_SILENT_MS) {
            connect_anew(client, now);
            is_asked = false;
        }
        if (!is_asked)
            is_asked = client_ask(client, what, new_arguments, &request);
        struct message *message = client_receive(client, is_asked ? HEARTBEAT_MS : 20);
        if (message && take_answer(client, request, text, &exit_code, detail, detail_size))
            break;
        if (!message)
            stop_if_asked(client);
    }
    json_decref(new_arguments);
    return exit_code;
}
