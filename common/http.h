// The one home of libcurl's settings: HTTP/1.1 exchanges over a pool of connections that the
// owner's loop drives by sockets and a timer. A request's body is read once and can never be sent
// a second time unseen; redirects, proxies of the environment, netrc and compressed answers are
// not used; certificates are verified; addresses inside are refused unless they were asked for.
#ifndef COMMON_HTTP_H
#define COMMON_HTTP_H

#include "common/bytes.h"
#include "common/err.h"

#include <curl/curl.h>
#include <sys/socket.h>

// How an exchange ended. From send_failed on a byte of the request may have left.
#define HTTP_END_MAP(X)                                                                        \
    X(answered)        /* a whole answer, of any status */                                     \
    X(url_refused)     /* the URL is not valid, or its scheme not permitted */                 \
    X(resolve_failed)  /* the host has no address */                                           \
    X(address_refused) /* the host's address is inside, and that was not asked for */          \
    X(connect_failed)                                                                          \
    X(connect_timeout) /* resolving included */                                                \
    X(tls_failed)      /* no handshake, or the certificate is not the host's */                \
    X(send_failed)                                                                             \
    X(send_failed_rewind) /* the connection died under the request, which is not sent again */ \
    X(no_answer)          /* the connection was closed before the first byte of an answer */   \
    X(reset)                                                                                   \
    X(truncated) /* the answer ended before its stated length */                               \
    X(total_timeout)                                                                           \
    X(refused_by_owner) /* take_header or take_body said no */                                 \
    X(bad_answer)       /* not HTTP */                                                         \
    X(failed)           /* anything else */
enum http_end {
#define X(name) HTTP_##name,
    HTTP_END_MAP(X)
#undef X
        HTTP_ENDS
};
const char *http_end_name(enum http_end end);

// What a pool wants of the loop that drives it. Called inside http_pool_ready, http_pool_timeout,
// http_easy_start and http_easy_stop; it must not call back into the pool.
struct http_watch {
    void *owner;
    // Report when the descriptor can be read, written; neither: no more.
    void (*want)(void *owner, int fd, bool in, bool out);
    // Descriptors that the pool itself opened. Others, which only want names, are short-lived.
    void (*opened)(void *owner, int fd);
    void (*closed)(void *owner, int fd);
    void (*timer)(void *owner, long after_ms); // call http_pool_timeout then; -1: never
};

struct http_pool {
    CURLM *multi;
    struct http_watch watch;
};

// Makes a pool that keeps up to concurrency connections. All pools share resolved names and TLS
// sessions and belong to one thread. Ends the process if curl refuses.
void http_pool_open(struct http_pool *pool, unsigned concurrency, const struct http_watch *watch);
// Every exchange's http_easy must be closed before. Accepts a zeroed pool.
void http_pool_close(struct http_pool *pool);
// The descriptor can be read, written; a broken one can be both, so that its error is seen.
void http_pool_ready(struct http_pool *pool, int fd, bool in, bool out);
void http_pool_timeout(struct http_pool *pool);

// Whom an exchange speaks to. The calls come from inside the pool's functions.
struct http_port {
    // The connection stands, the request goes out next: once an exchange.
    void (*connected)(void *owner);
    // The next bytes of the request's body, at most room; 0 ends it.
    size_t (*give)(void *owner, uint8_t *to, size_t room);
    // A raw line of an answer's head, with its line end: status lines, headers, the empty line,
    // and trailers. False ends the exchange.
    bool (*take_header)(void *owner, struct bytes line);
    // A piece of the body, transfer coding removed. False ends the exchange.
    bool (*take_body)(void *owner, struct bytes part);
};

// One exchange at a time.
struct http_easy {
    CURL *curl;
    struct http_pool *pool;
    const struct http_port *port;
    void *owner;
    bool may_be_private;
    bool may_be_plain;
    bool is_running;
    bool is_connected;       // of the last exchange: a connection stood
    bool is_address_refused; // of the last exchange
    bool is_replay_refused;  // of the last exchange: curl wanted to send it a second time
    bool has_left;           // of the last exchange: a byte of the request had left
    unsigned status;         // of the last exchange; 0: none
    uint64_t unmoved_limit_ms;
    char error[CURL_ERROR_SIZE]; // curl's words for the last failure
};

// A request. Everything in it must live until the exchange has ended.
struct http_request {
    const char *url;
    // Whole lines "Name: value". The list must hold "Expect:" so that no exchange waits for a
    // permission to send. http_header_is_safe must hold for each.
    struct curl_slist *headers;
    uint64_t body_bytes;
    uint64_t connect_limit_ms; // resolving, connecting and TLS
    uint64_t total_limit_ms;   // everything
    uint64_t unmoved_limit_ms; // sent bytes that nobody acknowledges
    bool may_be_private;       // the host may be this machine or stand in a private network
    bool may_be_plain;         // http:// is permitted too
};

void http_easy_open(struct http_easy *easy, struct http_pool *pool, const struct http_port *port,
                    void *owner);
// Accepts a zeroed easy.
void http_easy_close(struct http_easy *easy);
// POSTs. The exchange goes on in the pool's functions.
void http_easy_start(struct http_easy *easy, const struct http_request *request);
// Breaks off a running exchange, with its connection; status and has_left are then set.
void http_easy_stop(struct http_easy *easy);
// The next exchange that has ended since; NULL: none. Ask after every http_pool_ready and
// http_pool_timeout.
struct http_easy *http_pool_next(struct http_pool *pool, enum http_end *end);

// Whether a line can stand in a request's head: printable ASCII and blanks only.
bool http_header_is_safe(struct bytes line);
// Whether requests may go there: a host, no user name, https, or http where that is permitted or
// the host is this machine. NULL if so, else why not, for people. *is_loopback says whether the
// host is this machine (localhost, 127.0.0.0/8, [::1]).
const char *http_url_refusal(const char *url, bool allow_http, bool *is_loopback);
// Whether an address is one of the public internet.
bool http_address_is_public(const struct sockaddr *address);
// Reads a date of a header, in any of the three forms; false if it is none.
bool http_date(struct bytes text, int64_t *unix_seconds);

#endif
