// The one home of ZeroMQ's settings, and whole messages in place of frames: a header and its
// payload frames, received or sent at once. Nothing here blocks except sock_wait.
#ifndef COMMON_SOCK_H
#define COMMON_SOCK_H

#include "common/buf.h"
#include "common/endpoint.h"
#include "common/err.h"
#include "common/wire.h"

#include <zmq.h>

enum { MESSAGE_FRAMES_MAX = 1 + ITEMS_MAX * FRAMES_PER_ITEM_MAX };

struct sock {
    void *zmq;
    bool is_router;
    int lock;     // of a bound ipc endpoint, else -1
    bool is_ipv6; // connected: the family in which the endpoint's name is looked up
    char endpoint[ENDPOINT_SIZE];
};

// The one ZeroMQ context of this process: made at the first call. Block signals before it.
void *sock_context(void);
// Ends the context; every sock must be closed.
void sock_context_close(void);

// Binds a ROUTER. For ipc:// the folder must exist and be 0700; a lock file beside the socket is
// taken first, since a second bind would steal it. ERR_EXISTS if somebody else has the endpoint,
// ERR_DENIED if RLIMIT_NOFILE cannot be raised to 4096 for ipc://, ERR_BAD_CONFIG if the address
// is none of this host. ERR_IO with errno otherwise.
enum err sock_bind(struct sock *sock, const char *endpoint);
// Lets a bound ROUTER listen at one more endpoint, which must be tcp. Errors as above; it goes on
// listening where it did.
enum err sock_bind_also(struct sock *sock, const char *endpoint);
// Binds at endpoint, and also at more unless that is NULL. Ends the process where it cannot, and
// says what to do: EX_TEMPFAIL if somebody else has it, EX_CONFIG if nobody here can.
void sock_serve(struct sock *sock, const char *endpoint, const char *more);
// Connects a DEALER under a routing id that no other connection has. Succeeds at once, whether
// or not somebody listens.
enum err sock_connect(struct sock *sock, const char *endpoint);
// Closes a DEALER and connects anew to the same endpoint, as somebody whom the ROUTER has never
// seen. A ROUTER that stood still may hold on to a connection that is gone, and then it never
// hears the next one of the same routing id. What was sent and not received is lost. A name is
// looked up in the other family than before, IPv4 first: it may have addresses that lead nowhere.
enum err sock_reconnect(struct sock *sock);
// Closes it; what was sent is given linger_ms to leave. Accepts a zeroed or closed sock.
void sock_close(struct sock *sock, int linger_ms);

// Who is at the other end of a ROUTER's connection.
struct route {
    uint8_t at[64];
    uint8_t size;
};

// A received message. The frames belong to it until message_release.
struct message {
    struct route route; // ROUTER only
    struct wire_message wire;
    zmq_msg_t frames[MESSAGE_FRAMES_MAX]; // [0] is the header
    uint32_t count;                       // payload frames
};

// Takes the next waiting message. ERR_AGAIN: none waits. ERR_MALFORMED, ERR_VERSION or
// ERR_TOO_BIG: one was read and thrown away, its sender stands in message->route. A message
// whose number of payload frames does not fit its kind and items is malformed.
enum err sock_receive(struct sock *sock, struct message *message);
void message_release(struct message *message);
// The payload frame i (from 0); the view dies with the message.
struct bytes message_frame(struct message *message, uint32_t i);
// The k-th frame of item i, by the kind's frames per item.
struct bytes message_item_frame(struct message *message, uint32_t i, uint32_t k);

// Sends a header and its payload frames (copied), to a DEALER's peer or, for a ROUTER, to route.
// ERR_GONE: a ROUTER does not know the route (any more). ERR_AGAIN: the peer takes nothing in
// (with credit this must not happen). ERR_TOO_BIG: a frame exceeds FRAME_BYTES_MAX; nothing left.
enum err sock_send(struct sock *sock, const struct route *route, struct bytes header,
                   const struct bytes *frames, uint32_t count);
// The same for a message without items: encodes head and sends it with its frames.
enum err sock_send_head(struct sock *sock, const struct route *route, enum kind kind,
                        const void *head, const struct bytes *frames, uint32_t count);

// The file descriptor to poll (edge-triggered: check sock_is_readable before every sleep).
int sock_fd(struct sock *sock);
bool sock_is_readable(struct sock *sock);
// Waits until one of the socks can be read, or one of the fds (poll(2) semantics, POLLIN) is
// readable, or timeout_ms is over (-1: no limit). Entries may be NULL.
void sock_wait(struct sock *const *socks, size_t count, const int *fds, size_t fd_count,
               long timeout_ms);

#endif
