#include "tests/fuzz/frames_sock.h"

#include <assert.h>

struct moment frames_now;
bool (*frames_said)(const struct route *route, struct wire_message *message);

static struct message waiting[FRAMES_WAITING_MAX];
static uint32_t first, count;

struct moment clock_now(void) {
    return frames_now;
}

uint64_t clock_cpu_us(void) {
    return 0;
}

static void set_frame(zmq_msg_t *frame, struct bytes bytes) {
    int rc = zmq_msg_init_size(frame, bytes.size);
    assert(rc == 0);
    (void)rc;
    if (bytes.size > 0)
        memcpy(zmq_msg_data(frame), bytes.at, bytes.size);
}

void frames_put(const struct route *route, struct bytes header, const struct bytes *frames,
                uint32_t frame_count) {
    assert(count < FRAMES_WAITING_MAX && frame_count < MESSAGE_FRAMES_MAX);
    struct message *message = &waiting[(first + count) % FRAMES_WAITING_MAX];
    message->route = *route;
    message->count = frame_count;
    set_frame(&message->frames[0], header);
    for (uint32_t i = 0; i < frame_count; i++)
        set_frame(&message->frames[1 + i], frames[i]);
    count++;
}

static bool frames_fit(const struct message *message) {
    const struct kind_info *info = wire_kind(message->wire.kind);
    if (info->item->count == 0)
        return message->wire.items == 0 && message->count == info->frames;
    return message->count == info->frames * message->wire.items;
}

enum err sock_receive(struct sock *sock, struct message *message) {
    (void)sock;
    if (count == 0)
        return ERR_AGAIN;
    struct message *from = &waiting[first];
    message->route = from->route;
    message->count = from->count;
    for (uint32_t i = 0; i <= from->count; i++) {
        zmq_msg_init(&message->frames[i]);
        zmq_msg_move(&message->frames[i], &from->frames[i]);
        zmq_msg_close(&from->frames[i]);
    }
    first = (first + 1) % FRAMES_WAITING_MAX;
    count--;
    enum err e =
        wire_open(bytes_of(zmq_msg_data(&message->frames[0]), zmq_msg_size(&message->frames[0])),
                  &message->wire);
    if (e == ERR_OK && !frames_fit(message))
        e = ERR_MALFORMED;
    if (e != ERR_OK)
        message_release(message);
    return e;
}

void message_release(struct message *message) {
    for (uint32_t i = 0; i <= message->count; i++)
        zmq_msg_close(&message->frames[i]);
    message->count = 0;
    zmq_msg_init(&message->frames[0]);
}

struct bytes message_frame(struct message *message, uint32_t i) {
    assert(i < message->count);
    zmq_msg_t *frame = &message->frames[1 + i];
    return bytes_of(zmq_msg_data(frame), zmq_msg_size(frame));
}

struct bytes message_item_frame(struct message *message, uint32_t i, uint32_t k) {
    return message_frame(message, i * wire_kind(message->wire.kind)->frames + k);
}

// What the loop sends is as its own reader wants it.
enum err sock_send(struct sock *sock, const struct route *route, struct bytes header,
                   const struct bytes *frames, uint32_t frame_count) {
    struct wire_message wire;
    (void)sock;
    enum err e = wire_open(header, &wire);
    assert(e == ERR_OK);
    const struct kind_info *info = wire_kind(wire.kind);
    assert(frame_count == info->frames * (info->item->count > 0 ? wire.items : 1));
    for (uint32_t i = 0; i < frame_count; i++)
        assert(frames[i].size <= FRAME_BYTES_MAX);
    return frames_said(route, &wire) ? ERR_OK : ERR_GONE;
}

enum err sock_send_head(struct sock *sock, const struct route *route, enum kind kind,
                        const void *head, const struct bytes *frames, uint32_t frame_count) {
    struct buf header;
    struct wire_writer writer;
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, kind, head, 0);
    enum err e = wire_end(&writer);
    if (e == ERR_OK)
        e = sock_send(sock, route, buf_bytes(&header), frames, frame_count);
    buf_release(&header);
    return e;
}

void sock_serve(struct sock *sock, const char *endpoint, const char *more) {
    (void)endpoint;
    (void)more;
    *sock = (struct sock){.is_router = true};
}

// A restart hears nothing of what was sent to the process before it.
void sock_close(struct sock *sock, int linger_ms) {
    struct message message;
    (void)linger_ms;
    while (count > 0)
        if (sock_receive(sock, &message) == ERR_OK)
            message_release(&message);
}

bool sock_is_readable(struct sock *sock) {
    (void)sock;
    return count > 0;
}

void sock_wait(struct sock *const *socks, size_t sock_count, const int *fds, size_t fd_count,
               long timeout_ms) {
    (void)socks;
    (void)sock_count;
    (void)fds;
    (void)fd_count;
    (void)timeout_ms;
}
