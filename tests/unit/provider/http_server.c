#include "http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct connection {
    struct server *server;
    int fd;
    unsigned answered; // requests of this connection
    bool is_open;
    char path[64];
};

static void say(struct connection *connection, const char *text) {
    size_t size = strlen(text), said = 0;
    while (connection->is_open && said < size) {
        ssize_t n = send(connection->fd, text + said, size - said, MSG_NOSIGNAL);
        connection->is_open = n > 0;
        said += n > 0 ? (size_t)n : 0;
    }
}

static void hang_up(struct connection *connection) {
    connection->is_open = false;
}

// Returns when the client has closed the connection.
static void wait_for_client(struct connection *connection) {
    char bytes[4096];
    while (recv(connection->fd, bytes, sizeof(bytes), 0) > 0)
        ;
    hang_up(connection);
}

#define OK_BODY "{\"choices\":[{}]}"
#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: req_1\r\n"
#define OK_ALL  OK_HEAD "Content-Length: 16\r\n\r\n" OK_BODY

static void be_ok(struct connection *connection) {
    say(connection, OK_ALL);
}

static void be_close(struct connection *connection) {
    say(connection, OK_HEAD "Connection: close\r\n\r\n" OK_BODY);
    hang_up(connection);
}

static void be_one_per(struct connection *connection) {
    if (connection->answered == 0)
        say(connection, OK_ALL);
    else
        hang_up(connection);
}

static void be_cut(struct connection *connection) {
    say(connection, OK_HEAD "Content-Length: 1000\r\n\r\n" OK_BODY);
    hang_up(connection);
}

static void be_cut_chunked(struct connection *connection) {
    say(connection, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n10\r\n" OK_BODY "\r\n");
    hang_up(connection);
}

static void be_chunked(struct connection *connection) {
    say(connection, OK_HEAD "Transfer-Encoding: chunked\r\nTrailer: x-late\r\n\r\n"
                            "4\r\n{\"ch\r\nc\r\noices\":[{}]}\r\n0\r\nx-late: yes\r\n\r\n");
}

static void be_stall(struct connection *connection) {
    say(connection, OK_HEAD "Content-Length: 1000\r\n\r\n{\"choi");
    wait_for_client(connection);
}

static void be_drip(struct connection *connection) {
    struct pollfd client = {.fd = connection->fd, .events = POLLIN};
    say(connection, OK_HEAD "Content-Length: 1000000\r\n\r\n");
    while (connection->is_open && poll(&client, 1, 5) == 0)
        say(connection, "x");
    hang_up(connection);
}

static void be_big(struct connection *connection) {
    char piece[4096 + 16];
    memset(piece, 'x', sizeof(piece));
    memcpy(piece, "1000\r\n", 6);
    memcpy(piece + 6 + 4096, "\r\n", 3);
    say(connection, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n");
    while (connection->is_open)
        say(connection, piece);
}

static void be_big_head(struct connection *connection) {
    say(connection, "HTTP/1.1 200 OK\r\n");
    while (connection->is_open)
        say(connection, "x-filler: 0123456789012345678901234567890123456789\r\n");
}

static void be_long_line(struct connection *connection) {
    say(connection, "HTTP/1.1 200 OK\r\nx-filler: ");
    while (connection->is_open)
        say(connection, "0123456789012345678901234567890123456789");
}

static void be_interim(struct connection *connection) {
    say(connection, "HTTP/1.1 103 Early Hints\r\nx-early: yes\r\n\r\n" OK_ALL);
}

static void be_redirect(struct connection *connection) {
    say(connection, "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
}

static void be_error(struct connection *connection) {
    say(connection, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 42\r\n\r\n"
                    "{\"error\":{\"code\":\"rate_limit_exceeded\"}}  ");
}

static void be_garbage(struct connection *connection) {
    say(connection, "these are no words of HTTP\r\n\r\n");
    hang_up(connection);
}

static void say_bytes(struct connection *connection, const char *at, size_t size) {
    while (connection->is_open && size > 0) {
        ssize_t n = send(connection->fd, at, size, MSG_NOSIGNAL);
        connection->is_open = n > 0;
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
}

// The number behind the n-th slash of the path, counted from 0.
static size_t number_in_path(const struct connection *connection, int n) {
    const char *at = connection->path;
    for (int i = 0; at && i <= n; i++)
        at = strchr(at + (i > 0), '/');
    return at ? strtoul(at + 1, NULL, 10) : 0;
}

// The first bytes of the given body, in one of the ways in which a connection loses the rest.
static void be_given(struct connection *connection) {
    const struct server *server = connection->server;
    size_t size = number_in_path(connection, 2);
    char line[64];
    if (strstr(connection->path, "/length/")) {
        (void)snprintf(line, sizeof(line), "Content-Length: %zu\r\n\r\n", server->given_size);
        say(connection, OK_HEAD);
    } else if (strstr(connection->path, "/chunked/")) {
        (void)snprintf(line, sizeof(line), "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", size);
        say(connection, OK_HEAD);
    } else {
        (void)snprintf(line, sizeof(line), "HTTP/1.0 200 OK\r\n\r\n");
    }
    say(connection, line);
    say_bytes(connection, server->given, size);
    if (strstr(connection->path, "/chunked/") && size > 0)
        say(connection, size == server->given_size ? "\r\n" : ""); // and never the last chunk
    hang_up(connection);
}

// Verbatim: head and body as they stand in the given text; the connection stays open.
static void be_verbatim(struct connection *connection) {
    say_bytes(connection, connection->server->given, connection->server->given_size);
}

enum { FILLER_MAX = 1000, FILLER_MIN = 16 };

// Header lines of exactly size bytes in all, FILLER_MIN at least.
static void say_filler(struct connection *connection, size_t size) {
    while (size > 0) {
        size_t part = size > FILLER_MAX ? FILLER_MAX : size;
        if (size > part && size - part < FILLER_MIN)
            part -= FILLER_MIN;
        char line[FILLER_MAX + 1];
        memset(line, 'f', part);
        memcpy(line, "x-filler: ", 10);
        memcpy(line + part - 2, "\r\n", 3);
        say(connection, line);
        size -= part;
    }
}

// An answer whose head and body have exactly the sizes of the path: /sized/HEAD/BODY.
static void be_sized(struct connection *connection) {
    static const char begin[] = "{\"choices\":[{}],\"filler\":\"", end[] = "\"}";
    size_t head = number_in_path(connection, 1), body = number_in_path(connection, 2);
    bool is_chunked = strstr(connection->path, "/chunked") != NULL;
    char line[64];
    (void)snprintf(line, sizeof(line),
                   is_chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: %zu\r\n", body);
    say(connection, "HTTP/1.1 200 OK\r\n");
    say(connection, line);
    say_filler(connection, head - strlen(line));
    say(connection, "\r\n");
    char *text = malloc(body + 1);
    if (!text)
        abort();
    memset(text, 'b', body);
    memcpy(text, begin, sizeof(begin) - 1);
    memcpy(text + body - 2, end, sizeof(end));
    (void)snprintf(line, sizeof(line), "%zx\r\n", body);
    say(connection, is_chunked ? line : "");
    say_bytes(connection, text, body);
    say(connection, is_chunked ? "\r\n0\r\n\r\n" : "");
    free(text);
}

static const struct {
    const char *path;
    void (*be)(struct connection *connection);
} behaviours[] = {{"/ok", be_ok},
                  {"/close", be_close},
                  {"/one_per", be_one_per},
                  {"/none", hang_up},
                  {"/cut", be_cut},
                  {"/cut_chunked", be_cut_chunked},
                  {"/chunked", be_chunked},
                  {"/stall", be_stall},
                  {"/hang", wait_for_client},
                  {"/drip", be_drip},
                  {"/big", be_big},
                  {"/big_head", be_big_head},
                  {"/long_line", be_long_line},
                  {"/interim", be_interim},
                  {"/redirect", be_redirect},
                  {"/error", be_error},
                  {"/garbage", be_garbage},
                  {"/given", be_given},
                  {"/verbatim", be_verbatim},
                  {"/sized", be_sized}};

// The first part of a path names the behaviour; what follows is the API's.
static bool is_path(const char *path, const char *name) {
    size_t size = strlen(name);
    return strncmp(path, name, size) == 0 && (path[size] == 0 || path[size] == '/');
}

// Reads one request whole; the byte-wise head keeps what follows in the socket.
static bool read_request(struct connection *connection) {
    struct server *server = connection->server;
    char head[sizeof(server->last_head)];
    size_t size = 0, wanted = 0, got = 0;
    while (size < 4 || memcmp(head + size - 4, "\r\n\r\n", 4) != 0) {
        if (size + 1 >= sizeof(head) || recv(connection->fd, head + size, 1, 0) != 1)
            return false;
        size++;
    }
    head[size] = 0;
    if (sscanf(head, "POST %63s", connection->path) != 1)
        return false;
    if (is_path(connection->path, "/deaf")) {
        struct pollfd client = {.fd = connection->fd, .events = POLLRDHUP};
        (void)poll(&client, 1, -1);
        return false;
    }
    const char *length = strcasestr(head, "\r\ncontent-length:");
    wanted = length ? strtoul(length + 17, NULL, 10) : 0;
    if (wanted > sizeof(server->last_body))
        return false;
    while (got < wanted) {
        ssize_t n = recv(connection->fd, server->last_body + got, wanted - got, 0);
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    memcpy(server->last_head, head, size + 1);
    server->last_body_size = wanted;
    atomic_fetch_add(&server->requests, 1);
    return true;
}

static void *serve(void *data) {
    struct connection *connection = data;
    while (connection->is_open && read_request(connection)) {
        for (size_t i = 0; i < sizeof(behaviours) / sizeof(behaviours[0]); i++)
            if (is_path(connection->path, behaviours[i].path))
                behaviours[i].be(connection);
        connection->answered++;
    }
    (void)close(connection->fd);
    free(connection);
    return NULL;
}

static void start_thread(void *(*run)(void *), void *data) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, data) != 0)
        abort();
    (void)pthread_detach(thread);
}

static void *accept_all(void *data) {
    struct server *server = data;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        struct connection *connection = calloc(1, sizeof(*connection));
        if (!connection)
            abort();
        *connection = (struct connection){.server = server, .fd = fd, .is_open = true};
        atomic_fetch_add(&server->connections, 1);
        start_thread(serve, connection);
    }
}

static int bind_free_port(unsigned *port) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        abort();
    *port = ntohs(address.sin_port);
    return fd;
}

struct server *server_open(void) {
    struct server *server = calloc(1, sizeof(*server));
    if (!server)
        abort();
    server->listener = bind_free_port(&server->port);
    if (listen(server->listener, 1024) != 0)
        abort();
    return server;
}

void server_run(struct server *server) {
    start_thread(accept_all, server);
}

const char *server_url(const struct server *server, const char *name) {
    static char urls[4][128];
    static unsigned next;
    char *url = urls[next++ % 4];
    (void)snprintf(url, sizeof(urls[0]), "http://127.0.0.1:%u/%s", server->port, name);
    return url;
}

unsigned closed_port(void) {
    unsigned port;
    (void)close(bind_free_port(&port));
    return port;
}
