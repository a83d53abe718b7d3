// One HTTP/1.1 request, read from the front of a buffer that grows between the calls. Nothing of
// it is a pointer: a part names bytes by their place behind the request's first byte.
#ifndef PROVIDER_SIM_REQUEST_H
#define PROVIDER_SIM_REQUEST_H

#include "tests/provider-sim/api.h"

struct part {
    size_t from;
    size_t size;
};

enum request_state {
    REQUEST_HEAD,    // its head is not complete
    REQUEST_BODY,    // its head is complete, its body is not
    REQUEST_WHOLE,   // all of it is there
    REQUEST_REFUSED, // it breaks a rule or a limit: `status` and `why` say which
};

enum chunk_state { CHUNK_SIZE, CHUNK_DATA, CHUNK_END, CHUNK_TRAILER };

struct request {
    enum request_state state;
    struct part method, target, version;
    struct part keys[KEY_PLACES]; // as their headers have them
    struct part call;             // X-Client-Request-Id, else the span in traceparent
    bool has_call;
    bool has_client_id;
    bool is_kept_alive;
    bool wants_continue;
    bool is_chunked;
    bool has_length;
    uint64_t length;  // as Content-Length says
    size_t head_size; // with the empty line
    size_t body_size; // decoded so far; the body stands right behind the head
    size_t taken;     // bytes of the buffer that belong to the request so far
    size_t searched;  // where the search for the head's end goes on
    enum chunk_state chunk;
    uint64_t chunk_left;
    int status;
    const char *why;
};

// Reads on. A chunked body is put together in place. The request must be zeroed at first.
enum request_state request_read(struct request *request, struct text *in);
struct span request_part(const struct text *in, struct part part);
struct span request_body(const struct request *request, const struct text *in);

#endif
