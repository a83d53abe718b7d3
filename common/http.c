#include "common/http.h"

#include "common/log.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

const char *http_end_name(enum http_end end) {
    static const char *const names[] = {
#define X(name) [HTTP_##name] = #name,
        HTTP_END_MAP(X)
#undef X
    };
    assert((unsigned)end < HTTP_ENDS);
    return names[end];
}

// ---- settings -----------------------------------------------------------------------------------

enum {
    RECEIVE_BYTES = 16 << 10, // buffers of each running exchange
    SEND_BYTES = 16 << 10,
    KEEPALIVE_IDLE_S = 30, // a peer that vanished is noticed after IDLE + some INTERVALs
    KEEPALIVE_INTERVAL_S = 10,
    IDLE_CONNECTION_S = 60,
    OLD_CONNECTION_S = 600,
};

static void check(int code, const char *what) {
    if (code != 0)
        fatal(EX_SOFTWARE, "http.failed", "what=%s code=%d", what, code);
}

#define SET(easy, option, value) \
    check((int)curl_easy_setopt((easy)->curl, CURLOPT_##option, value), #option)
#define SET_MULTI(pool, option, value) \
    check((int)curl_multi_setopt((pool)->multi, CURLMOPT_##option, value), #option)

static size_t on_read(char *to, size_t size, size_t count, void *data) {
    struct http_easy *easy = data;
    return easy->port->give(easy->owner, (uint8_t *)to, size * count);
}

static size_t on_header(char *at, size_t size, size_t count, void *data) {
    struct http_easy *easy = data;
    return easy->port->take_header(easy->owner, bytes_of(at, size * count)) ? size * count : 0;
}

static size_t on_body(char *at, size_t size, size_t count, void *data) {
    struct http_easy *easy = data;
    return easy->port->take_body(easy->owner, bytes_of(at, size * count)) ? size * count : 0;
}

// NOLINTNEXTLINE(readability-non-const-parameter): the types are curl's
static int on_connected(void *data, char *peer, char *local, int peer_port, int local_port) {
    struct http_easy *easy = data;
    (void)peer, (void)local, (void)peer_port, (void)local_port;
    // A second time: the first connection died before an answer, and as none of the body was read
    // yet, curl would send the request once more without a word.
    if (easy->is_connected) {
        easy->is_replay_refused = true;
        return CURL_PREREQFUNC_ABORT;
    }
    easy->is_connected = true;
    easy->port->connected(easy->owner);
    return CURL_PREREQFUNC_OK;
}

// The address is the one that the name was resolved to, so no later answer of a name server
// can lead elsewhere.
static curl_socket_t on_open(void *data, curlsocktype purpose, struct curl_sockaddr *address) {
    struct http_easy *easy = data;
    (void)purpose;
    if (!easy->may_be_private && !http_address_is_public(&address->addr)) {
        easy->is_address_refused = true;
        return CURL_SOCKET_BAD;
    }
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    // Bytes that the peer's machine does not acknowledge end the exchange; silence while it
    // thinks does not.
    unsigned unmoved_ms = (unsigned)easy->unmoved_limit_ms;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unmoved_ms, sizeof(unmoved_ms));
    easy->pool->watch.opened(easy->pool->watch.owner, fd);
    return fd;
}

static int on_close(void *data, curl_socket_t fd) {
    struct http_pool *pool = data;
    pool->watch.closed(pool->watch.owner, fd);
    return close(fd);
}

static int on_want(CURL *curl, curl_socket_t fd, int what, void *data, void *socket_data) {
    struct http_pool *pool = data;
    (void)curl, (void)socket_data;
    bool in = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
    bool out = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
    pool->watch.want(pool->watch.owner, fd, in, out);
    return 0;
}

static int on_timer(CURLM *multi, long after_ms, void *data) {
    struct http_pool *pool = data;
    (void)multi;
    pool->watch.timer(pool->watch.owner, after_ms);
    return 0;
}

// What all pools share, while there are any.
static struct {
    unsigned pools;
    CURLSH *caches; // resolved names and TLS sessions
} shared;

static void share_open(void) {
    if (shared.pools++ > 0)
        return;
    check((int)curl_global_init(CURL_GLOBAL_DEFAULT), "curl_global_init");
    shared.caches = curl_share_init();
    check(shared.caches ? 0 : 1, "curl_share_init");
    check((int)curl_share_setopt(shared.caches, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS), "share");
    check((int)curl_share_setopt(shared.caches, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION),
          "share");
}

static void share_close(void) {
    if (--shared.pools > 0)
        return;
    (void)curl_share_cleanup(shared.caches);
    shared.caches = NULL;
    curl_global_cleanup();
}

void http_pool_open(struct http_pool *pool, unsigned concurrency, const struct http_watch *watch) {
    *pool = (struct http_pool){.watch = *watch};
    share_open();
    pool->multi = curl_multi_init();
    check(pool->multi ? 0 : 1, "curl_multi_init");
    // HTTP/2 of this library can call a cut answer complete: nothing is multiplexed.
    SET_MULTI(pool, PIPELINING, (long)CURLPIPE_NOTHING);
    // Connections are no queue: time in curl's queue would count against a call's limit.
    SET_MULTI(pool, MAXCONNECTS, (long)concurrency);
    SET_MULTI(pool, MAX_TOTAL_CONNECTIONS, 0L);
    SET_MULTI(pool, SOCKETFUNCTION, on_want);
    SET_MULTI(pool, SOCKETDATA, pool);
    SET_MULTI(pool, TIMERFUNCTION, on_timer);
    SET_MULTI(pool, TIMERDATA, pool);
}

void http_pool_close(struct http_pool *pool) {
    if (!pool->multi)
        return;
    (void)curl_multi_cleanup(pool->multi);
    *pool = (struct http_pool){0};
    share_close();
}

// What may be spoken, and to whom.
static void set_reach(struct http_easy *easy) {
    SET(easy, PROTOCOLS_STR, "https");
    SET(easy, REDIR_PROTOCOLS_STR, "https");
    SET(easy, FOLLOWLOCATION, 0L);
    SET(easy, DISALLOW_USERNAME_IN_URL, 1L);
    SET(easy, UNRESTRICTED_AUTH, 0L);
    SET(easy, PROXY, "");
    SET(easy, NETRC, (long)CURL_NETRC_IGNORED);
    SET(easy, HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, HTTP09_ALLOWED, 0L);
    SET(easy, SSL_VERIFYPEER, 1L);
    SET(easy, SSL_VERIFYHOST, 2L);
    SET(easy, SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(easy, OPENSOCKETFUNCTION, on_open);
    SET(easy, OPENSOCKETDATA, easy);
    SET(easy, CLOSESOCKETFUNCTION, on_close);
    SET(easy, CLOSESOCKETDATA, easy->pool); // a connection outlives the exchange that made it
}

// How bytes move.
static void set_flow(struct http_easy *easy) {
    SET(easy, POST, 1L);
    // No SEEKFUNCTION, no IOCTLFUNCTION, no POSTFIELDS: a body that began to leave cannot be
    // rewound, so curl fails with SEND_FAIL_REWIND where it would send the request again.
    SET(easy, READFUNCTION, on_read);
    SET(easy, READDATA, easy);
    SET(easy, HEADERFUNCTION, on_header);
    SET(easy, HEADERDATA, easy);
    SET(easy, WRITEFUNCTION, on_body);
    SET(easy, WRITEDATA, easy);
    SET(easy, ACCEPT_ENCODING, NULL);
    SET(easy, HTTP_CONTENT_DECODING, 0L);
    SET(easy, BUFFERSIZE, (long)RECEIVE_BYTES);
    SET(easy, UPLOAD_BUFFERSIZE, (long)SEND_BYTES);
    SET(easy, TCP_NODELAY, 1L);
    SET(easy, TCP_KEEPALIVE, 1L);
    SET(easy, TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    SET(easy, TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
    SET(easy, MAXAGE_CONN, (long)IDLE_CONNECTION_S);
    SET(easy, MAXLIFETIME_CONN, (long)OLD_CONNECTION_S);
}

void http_easy_open(struct http_easy *easy, struct http_pool *pool, const struct http_port *port,
                    void *owner) {
    *easy = (struct http_easy){.pool = pool, .port = port, .owner = owner};
    easy->curl = curl_easy_init();
    check(easy->curl ? 0 : 1, "curl_easy_init");
    SET(easy, PRIVATE, easy);
    SET(easy, ERRORBUFFER, easy->error);
    SET(easy, SHARE, shared.caches);
    SET(easy, NOSIGNAL, 1L);
    SET(easy, QUICK_EXIT, 1L); // a name server that is mute must not hold up the loop
    SET(easy, PREREQFUNCTION, on_connected);
    SET(easy, PREREQDATA, easy);
    set_reach(easy);
    set_flow(easy);
}

void http_easy_close(struct http_easy *easy) {
    if (!easy->curl)
        return;
    http_easy_stop(easy);
    curl_easy_cleanup(easy->curl);
    *easy = (struct http_easy){0};
}

void http_easy_start(struct http_easy *easy, const struct http_request *request) {
    assert(!easy->is_running);
    if (request->may_be_plain != easy->may_be_plain)
        SET(easy, PROTOCOLS_STR, request->may_be_plain ? "https,http" : "https");
    easy->may_be_plain = request->may_be_plain;
    easy->may_be_private = request->may_be_private;
    easy->unmoved_limit_ms = request->unmoved_limit_ms;
    easy->is_connected = easy->is_address_refused = easy->has_left = false;
    easy->is_replay_refused = false;
    easy->status = 0;
    easy->error[0] = 0;
    SET(easy, URL, request->url);
    SET(easy, HTTPHEADER, request->headers);
    SET(easy, POSTFIELDSIZE_LARGE, (curl_off_t)request->body_bytes);
    SET(easy, CONNECTTIMEOUT_MS, (long)request->connect_limit_ms);
    SET(easy, TIMEOUT_MS, (long)request->total_limit_ms);
    easy->is_running = true;
    check((int)curl_multi_add_handle(easy->pool->multi, easy->curl), "curl_multi_add_handle");
}

// ---- ends ---------------------------------------------------------------------------------------

static enum http_end end_of(CURLcode code, const struct http_easy *easy) {
    switch (code) {
    case CURLE_OK:
        return HTTP_answered;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return easy->is_connected ? HTTP_bad_answer : HTTP_url_refused;
    case CURLE_COULDNT_RESOLVE_HOST:
        return HTTP_resolve_failed;
    case CURLE_COULDNT_CONNECT:
        return easy->is_address_refused ? HTTP_address_refused : HTTP_connect_failed;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return HTTP_tls_failed;
    case CURLE_OPERATION_TIMEDOUT:
        return easy->is_connected ? HTTP_total_timeout : HTTP_connect_timeout;
    case CURLE_SEND_ERROR:
        return HTTP_send_failed;
    case CURLE_SEND_FAIL_REWIND:
        return HTTP_send_failed_rewind;
    case CURLE_ABORTED_BY_CALLBACK:
        return easy->is_replay_refused ? HTTP_send_failed_rewind : HTTP_failed;
    case CURLE_GOT_NOTHING:
        return HTTP_no_answer;
    case CURLE_RECV_ERROR:
        return HTTP_reset;
    case CURLE_PARTIAL_FILE:
        return HTTP_truncated;
    case CURLE_WRITE_ERROR:
        return HTTP_refused_by_owner;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
        return HTTP_bad_answer;
    default:
        return HTTP_failed;
    }
}

// Notes what an exchange's handle knows and takes it out of the pool.
static void take_out(struct http_easy *easy) {
    long status = 0, request_bytes = 0;
    (void)curl_easy_getinfo(easy->curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(easy->curl, CURLINFO_REQUEST_SIZE, &request_bytes);
    easy->status = status > 0 && status <= 999 ? (unsigned)status : 0;
    // Before a connection stood the number is the last exchange's.
    easy->has_left = easy->is_connected && request_bytes > 0;
    easy->is_running = false;
    check((int)curl_multi_remove_handle(easy->pool->multi, easy->curl), "curl_multi_remove_handle");
}

void http_easy_stop(struct http_easy *easy) {
    if (easy->is_running)
        take_out(easy);
}

struct http_easy *http_pool_next(struct http_pool *pool, enum http_end *end) {
    int waiting = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(pool->multi, &waiting))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct http_easy *easy = NULL;
        CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &easy);
        take_out(easy);
        *end = end_of(code, easy);
        return easy;
    }
    return NULL;
}

void http_pool_ready(struct http_pool *pool, int fd, bool in, bool out) {
    int running = 0;
    int what = (in ? CURL_CSELECT_IN : 0) | (out ? CURL_CSELECT_OUT : 0);
    check((int)curl_multi_socket_action(pool->multi, fd, what, &running), "socket_action");
}

void http_pool_timeout(struct http_pool *pool) {
    int running = 0;
    check((int)curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0, &running),
          "socket_action");
}

// ---- what may be asked for ----------------------------------------------------------------------

bool http_header_is_safe(struct bytes line) {
    for (size_t i = 0; i < line.size; i++)
        if ((line.at[i] < 0x20 && line.at[i] != '\t') || line.at[i] > 0x7e)
            return false;
    return line.size > 0;
}

static bool is_public_4(uint32_t a) {
    static const struct {
        uint32_t network;
        unsigned bits;
    } inside[] = {
        {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
        {0xac100000, 12}, {0xc0000000, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xe0000000, 3},
    };
    for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
        if ((a ^ inside[i].network) >> (32 - inside[i].bits) == 0)
            return false;
    return true;
}

static bool is_public_6(const uint8_t a[16]) {
    static const uint8_t zeros[12] = {0};
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t translated[12] = {0, 0x64, 0xff, 0x9b};
    uint32_t last = (uint32_t)a[12] << 24 | (uint32_t)a[13] << 16 | (uint32_t)a[14] << 8 | a[15];
    if (memcmp(a, mapped, 12) == 0 || memcmp(a, translated, 12) == 0)
        return is_public_4(last);
    if (memcmp(a, zeros, 12) == 0) // ::, ::1 and the old compatible addresses
        return false;
    if ((a[0] & 0xfe) == 0xfc || a[0] == 0xff) // unique local, multicast
        return false;
    return !(a[0] == 0xfe && (a[1] & 0x80)); // link-local, site-local
}

bool http_address_is_public(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return is_public_4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof(in));
        return is_public_6(in.sin6_addr.s6_addr);
    }
    return false;
}

static bool is_loopback_host(const char *host) {
    unsigned a, b, c, d;
    char end;
    if (sscanf(host, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &end) == 4)
        return a == 127 && b < 256 && c < 256 && d < 256;
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

// Why a URL with these parts is not to be used; NULL if it may.
static const char *parts_refusal(const char *scheme, const char *host, bool has_more,
                                 bool allow_http, bool *is_loopback) {
    *is_loopback = is_loopback_host(host);
    if (has_more)
        return "a base URL has no user name, query or fragment";
    if (strcasecmp(scheme, "https") == 0)
        return NULL;
    if (strcasecmp(scheme, "http") != 0)
        return "a base URL begins with https://";
    return *is_loopback || allow_http
               ? NULL
               : "plain http is for this machine only; use https, or --allow-http";
}

const char *http_url_refusal(const char *url, bool allow_http, bool *is_loopback) {
    static const CURLUPart extras[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY,
                                       CURLUPART_FRAGMENT};
    const char *refusal = "it is not a URL";
    char *scheme = NULL, *host = NULL;
    bool has_more = false;
    CURLU *parts = curl_url();
    *is_loopback = false;
    if (parts && curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
            char *extra = NULL;
            has_more |= curl_url_get(parts, extras[i], &extra, 0) == CURLUE_OK;
            curl_free(extra);
        }
        refusal = parts_refusal(scheme, host, has_more, allow_http, is_loopback);
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return refusal;
}

bool http_date(struct bytes text, int64_t *unix_seconds) {
    char copy[64];
    if (text.size == 0 || text.size >= sizeof(copy))
        return false;
    memcpy(copy, text.at, text.size);
    copy[text.size] = 0;
    time_t at = curl_getdate(copy, NULL);
    *unix_seconds = at;
    return at >= 0;
}
