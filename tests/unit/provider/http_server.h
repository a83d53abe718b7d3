// A small HTTP server in a thread of the test, on a free port of this machine. The path of a
// request says how it behaves; every request that arrived whole is counted, answered or not.
#ifndef TEST_HTTP_SERVER_H
#define TEST_HTTP_SERVER_H

#include <stdatomic.h>
#include <stddef.h>

enum { SERVER_BODY_MAX = 1 << 20 };

struct server {
    int listener;
    unsigned port;
    atomic_uint requests;    // arrived whole
    atomic_uint connections; // accepted
    char last_head[8192];    // of the request that arrived last: written before its answer
    char last_body[SERVER_BODY_MAX];
    size_t last_body_size;
    const char *given; // for the answers that need it; set while no request runs
    size_t given_size;
};

// Takes a port. Connections wait there until server_run; a process may be forked before.
struct server *server_open(void);
// Starts it; it ends with the process, which is that of one test.
void server_run(struct server *server);
// "http://127.0.0.1:PORT/NAME" in static storage, good until the fourth next call.
const char *server_url(const struct server *server, const char *name);
// A port of this machine where nobody listens.
unsigned closed_port(void);

// The names:
//   ok            200, {"choices":[{}]}, the connection stays
//   close         the same, then the connection is closed
//   one_per       the first request of a connection as ok; a further one is read whole, and the
//                 connection closed without an answer
//   none          the request is read whole and the connection closed
//   deaf          nothing of the request's body is read
//   cut           a body shorter than its Content-Length
//   cut_chunked   a chunked body without its end
//   chunked       a chunked body with a trailer
//   stall         half a body, then silence until the client goes
//   hang          silence until the client goes
//   drip          an endless body, a byte every 5 ms
//   big           a chunked body without end
//   big_head      headers without end
//   long_line     one header line without end
//   interim       103 with headers, then 200
//   redirect      302 to /ok
//   error         429 with a JSON error and Retry-After: 3
//   garbage       bytes that are no HTTP
//   given/WAY/N   the first N bytes of the given body, and the connection closed. WAY: length
//                 (Content-Length is the whole body's), chunked (no last chunk), close (HTTP/1.0)
//   verbatim      the given bytes, head and all; the connection stays
//   sized/H/B     a head of H bytes without its first and last line, a JSON body of B bytes;
//                 sized/H/B/chunked likewise

#endif
