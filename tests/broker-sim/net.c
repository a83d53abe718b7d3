// The network: stands in for common/sock.h. Messages are bytes that the real encoder wrote and
// the real decoder reads; on their way they are lost, repeated, late, and overtake each other.
#include "common/log.h"
#include "common/sock.h"
#include "tests/broker-sim/world.h"

#include <sys/mman.h>

enum { POST_BYTES = 256 << 20, PARCELS_MAX = 1 << 16, ROUTE_SIZE = 8 };

// ---- memory of a schedule -----------------------------------------------------------------------

void *__real_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);

static void *pages(size_t size) {
    void *at = __real_mmap(NULL, size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    PROMISE(at != MAP_FAILED, "no memory for the world");
    return at;
}

void *post_take(size_t size) {
    void *at = world.post + world.post_used;
    world.post_used += (size + 15) & ~(size_t)15;
    PROMISE(world.post_used <= POST_BYTES, "a schedule has too many messages");
    return at;
}

struct bytes post_copy(struct bytes bytes) {
    uint8_t *at = post_take(bytes.size);
    if (bytes.size > 0)
        memcpy(at, bytes.at, bytes.size);
    return bytes_of(at, bytes.size);
}

void net_reset(void) {
    if (!world.post) {
        world.post = pages(POST_BYTES);
        world.parcels = pages((PARCELS_MAX + 1) * sizeof(struct parcel));
    }
    world.post_used = 0;
    world.parcel_count = 0;
    world.order = 0;
    world.connection_count = 0;
}

// ---- messages on their way ----------------------------------------------------------------------

static bool is_before(const struct parcel *a, const struct parcel *b) {
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void push(const struct parcel *parcel) {
    PROMISE(world.parcel_count < PARCELS_MAX, "too many messages on their way");
    uint32_t at = ++world.parcel_count;
    while (at > 1 && is_before(parcel, &world.parcels[at / 2])) {
        world.parcels[at] = world.parcels[at / 2];
        at /= 2;
    }
    world.parcels[at] = *parcel;
}

static struct parcel pop(void) {
    struct parcel first = world.parcels[1];
    const struct parcel last = world.parcels[world.parcel_count--];
    uint32_t at = 1;
    for (;;) {
        uint32_t child = 2 * at;
        if (child > world.parcel_count)
            break;
        if (child < world.parcel_count &&
            is_before(&world.parcels[child + 1], &world.parcels[child]))
            child++;
        if (!is_before(&world.parcels[child], &last))
            break;
        world.parcels[at] = world.parcels[child];
        at = child;
    }
    world.parcels[at] = last;
    return first;
}

// When what is sent now arrives; 0: never.
static uint64_t arrival_ms(const struct process *other, bool is_to_broker) {
    struct dice *dice = &world.net_dice;
    uint64_t cut_ms = is_to_broker ? other->no_way_to_ms : other->no_way_from_ms;
    uint64_t from_ms = world.now_ms;
    if (draw_chance(dice, world.swarm.rate[FAULT_drop]))
        return 0;
    if (cut_ms > world.now_ms) {
        if (!other->holds_mail)
            return 0;
        from_ms = cut_ms;
    }
    uint64_t late_ms = 1 + draw_below(dice, 3);
    if (world.swarm.rate[FAULT_delay] && draw_chance(dice, world.swarm.rate[FAULT_delay]))
        late_ms += draw_below(dice, world.swarm.delay_max_ms);
    return from_ms + late_ms;
}

// What joins two processes keeps its place among the messages of its connection, as it does
// with ZeroMQ: it is neither overtaken nor repeated.
static bool is_joining(struct bytes header) {
    struct wire_message message;
    return wire_open(header, &message) == ERR_OK &&
           (message.kind == KIND_hello || message.kind == KIND_welcome);
}

static void send(uint32_t from, uint32_t to, struct bytes header, const struct bytes *frames,
                 uint32_t count) {
    struct connection *end = &world.connections[from ? from : to];
    struct letter *letter = NULL;
    bool joins = is_joining(header);
    uint64_t *last_ms = from ? &end->last_to_ms : &end->last_from_ms;
    uint64_t *joined_ms = from ? &end->joined_to_ms : &end->joined_from_ms;
    note(mix_bytes(count, header.at, header.size));
    do {
        uint64_t at_ms = arrival_ms(&world.processes[end->process], from != 0);
        if (at_ms == 0)
            continue;
        at_ms = at_ms < *joined_ms ? *joined_ms : at_ms;
        if (joins)
            *joined_ms = at_ms = at_ms < *last_ms ? *last_ms : at_ms;
        *last_ms = at_ms > *last_ms ? at_ms : *last_ms;
        size_t size = sizeof(*letter) + count * sizeof(struct bytes);
        struct letter *copy = post_take(size);
        if (!letter) {
            *copy = (struct letter){.from = from, .to = to, .joins = joins, .count = count};
            copy->broker = world.processes[AT_BROKER].life;
            copy->header = post_copy(header);
            for (uint32_t i = 0; i < count; i++)
                copy->frames[i] = post_copy(frames[i]);
            letter = copy;
        } else {
            memcpy(copy, letter, size);
        }
        push(&(struct parcel){.at_ms = at_ms, .order = ++world.order, .letter = copy});
    } while (!joins && draw_chance(&world.net_dice, world.swarm.rate[FAULT_duplicate]));
}

void net_send_raw(const struct sock *sock, struct bytes header, const struct bytes *frames,
                  uint32_t count) {
    const struct connection *from = sock->zmq;
    send((uint32_t)(from - world.connections), 0, header, frames, count);
}

// The process to which a letter goes; NULL: there is none any more.
static struct process *addressee(const struct letter *letter) {
    const struct connection *from = &world.connections[letter->from];
    // Where one of the two has died there is no connection any more that a hello could come over.
    if (letter->to == 0 && letter->joins &&
        (world.processes[from->process].life != from->life ||
         world.processes[AT_BROKER].life != letter->broker))
        return NULL;
    if (letter->to == 0)
        return world.processes[AT_BROKER].life ? &world.processes[AT_BROKER] : NULL;
    const struct connection *to = &world.connections[letter->to];
    struct process *process = &world.processes[to->process];
    return process->life == to->life && to->closed_ms == 0 ? process : NULL;
}

void net_deliver(void) {
    while (world.parcel_count > 0 && world.parcels[1].at_ms <= world.now_ms) {
        struct letter *letter = pop().letter;
        struct process *to = addressee(letter);
        world.events++;
        if (!to)
            continue;
        letter->next = NULL;
        if (to->last_letter)
            to->last_letter->next = letter;
        else
            to->first_letter = letter;
        to->last_letter = letter;
        to->letters++;
    }
}

uint64_t net_due_ms(void) {
    return world.parcel_count ? world.parcels[1].at_ms : UINT64_MAX;
}

void net_forget(struct process *process) {
    process->first_letter = process->last_letter = NULL;
    process->letters = 0;
    for (uint32_t i = 1; i <= world.connection_count; i++) {
        struct connection *connection = &world.connections[i];
        if (connection->process == process->at && connection->closed_ms == 0 &&
            process->at != AT_BROKER)
            connection->closed_ms = world.now_ms;
    }
}

// ---- sock.h: opening ----------------------------------------------------------------------------

static char router; // what the broker's socket points at

enum err sock_bind(struct sock *sock, const char *endpoint) {
    (void)endpoint;
    *sock = (struct sock){.zmq = &router, .is_router = true, .lock = -1};
    return ERR_OK;
}

void sock_serve(struct sock *sock, const char *endpoint, const char *more) {
    (void)more;
    (void)sock_bind(sock, endpoint);
}

enum err sock_bind_also(struct sock *sock, const char *endpoint) {
    (void)sock;
    (void)endpoint;
    return ERR_OK;
}

enum err sock_connect(struct sock *sock, const char *endpoint) {
    (void)endpoint;
    PROMISE(world.connection_count + 1 < CONNECTIONS_MAX, "too many connections");
    struct connection *connection = &world.connections[++world.connection_count];
    *connection = (struct connection){.process = world.running->at, .life = world.running->life};
    *sock = (struct sock){.zmq = connection, .lock = -1};
    return ERR_OK;
}

enum err sock_reconnect(struct sock *sock) {
    sock_close(sock, 0);
    return sock_connect(sock, "");
}

void sock_close(struct sock *sock, int linger_ms) {
    (void)linger_ms;
    if (sock->zmq && !sock->is_router)
        ((struct connection *)sock->zmq)->closed_ms = world.now_ms;
    *sock = (struct sock){.lock = -1};
}

void *sock_context(void) {
    return NULL;
}

void sock_context_close(void) {
}

int sock_fd(struct sock *sock) {
    (void)sock;
    return -1;
}

bool sock_is_readable(struct sock *sock) {
    (void)sock;
    return world.running->first_letter != NULL;
}

void sock_wait(struct sock *const *socks, size_t count, const int *fds, size_t fd_count,
               long timeout_ms) {
    (void)socks; // the world comes back when there is something to do
    (void)count;
    (void)fds;
    (void)fd_count;
    (void)timeout_ms;
}

// ---- sock.h: messages ---------------------------------------------------------------------------

// A frame is a view, kept in the place of ZeroMQ's own.
static void set_frame(zmq_msg_t *frame, struct bytes bytes) {
    memcpy(frame, &bytes, sizeof(bytes));
}

static struct bytes get_frame(const zmq_msg_t *frame) {
    struct bytes bytes;
    memcpy(&bytes, frame, sizeof(bytes));
    return bytes;
}

static bool frames_fit(const struct message *message) {
    const struct kind_info *info = wire_kind(message->wire.kind);
    uint32_t items = message->wire.items;
    if (info->item->count == 0)
        return items == 0 && message->count == info->frames;
    return message->count == info->frames * items;
}

static struct route route_of(uint32_t connection) {
    struct route route = {.size = ROUTE_SIZE};
    bytes_put_u64(route.at, connection);
    return route;
}

enum err sock_receive(struct sock *sock, struct message *message) {
    struct process *self = world.running;
    struct letter *letter = self->first_letter;
    message->count = 0;
    message->route.size = 0;
    if (!letter)
        return ERR_AGAIN;
    self->first_letter = letter->next;
    if (!self->first_letter)
        self->last_letter = NULL;
    self->letters--;
    if (sock->is_router)
        message->route = route_of(letter->from);
    set_frame(&message->frames[0], letter->header);
    for (uint32_t i = 0; i < letter->count; i++)
        set_frame(&message->frames[1 + i], letter->frames[i]);
    message->count = letter->count;
    enum err e = wire_open(letter->header, &message->wire);
    if (e == ERR_OK && !frames_fit(message))
        e = ERR_MALFORMED;
    if (e != ERR_OK)
        message_release(message);
    else if (sock->is_router)
        spy_hears(message);
    return e;
}

void message_release(struct message *message) {
    message->count = 0;
    set_frame(&message->frames[0], bytes_of(NULL, 0));
}

struct bytes message_frame(struct message *message, uint32_t i) {
    PROMISE(i < message->count, "a frame that is not there");
    return get_frame(&message->frames[1 + i]);
}

struct bytes message_item_frame(struct message *message, uint32_t i, uint32_t k) {
    return message_frame(message, i * wire_kind(message->wire.kind)->frames + k);
}

// A ROUTER learns within seconds that nobody is at the other end.
static bool is_known_gone(const struct connection *to) {
    bool is_over = to->closed_ms > 0 || world.processes[to->process].life != to->life;
    return is_over && world.now_ms - to->closed_ms >= 1 + draw_below(&world.net_dice, 3000);
}

enum err sock_send(struct sock *sock, const struct route *route, struct bytes header,
                   const struct bytes *frames, uint32_t count) {
    if (header.size > HEADER_BYTES_MAX)
        return ERR_TOO_BIG;
    if (!sock->is_router) {
        const struct connection *from = sock->zmq;
        send((uint32_t)(from - world.connections), 0, header, frames, count);
        return ERR_OK;
    }
    uint64_t number = bytes_u64(route->at);
    PROMISE(number > 0 && number <= world.connection_count, "a route that nobody has");
    const struct connection *to = &world.connections[number];
    spy_leaves(to, header, frames, count);
    if (is_known_gone(to))
        return ERR_GONE;
    send(0, (uint32_t)number, header, frames, count);
    return ERR_OK;
}

enum err sock_send_head(struct sock *sock, const struct route *route, enum kind kind,
                        const void *head, const struct bytes *frames, uint32_t count) {
    struct buf header;
    struct wire_writer writer;
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, kind, head, 0);
    enum err e = wire_end(&writer);
    if (e == ERR_OK)
        e = sock_send(sock, route, buf_bytes(&header), frames, count);
    buf_release(&header);
    return e;
}
