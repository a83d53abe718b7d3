#include "workers/reach.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// The first byte that a ZeroMQ socket says to whoever connects.
enum { ZMTP_FIRST_BYTE = 0xff };

// A look-up runs in a thread of the C library, which may outlive whoever wanted it. So there is
// one a process, and whoever comes while it runs waits for it.
static struct {
    struct gaicb request;
    struct addrinfo hints;
    struct endpoint_place place;
    char port[8];
    bool is_running;
} lookup;

__attribute__((format(printf, 2, 3))) static void found(struct reach *reach, const char *format,
                                                        ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reach->text, sizeof(reach->text), format, args);
    va_end(args);
    if (reach->fd >= 0)
        (void)close(reach->fd);
    reach->fd = -1;
    reach->stage = REACH_over;
}

// What stands for the other side in a sentence.
static const char *where_of(const struct reach *reach) {
    const char *scheme = strstr(reach->endpoint, "://");
    return scheme ? scheme + 3 : reach->endpoint;
}

static void found_error(struct reach *reach, int why) {
    bool is_local = strncmp(reach->endpoint, "ipc://", 6) == 0;
    if (is_local && (why == ENOENT || why == ECONNREFUSED))
        found(reach, "no broker listens at %s: does colloq run, with this data folder?",
              where_of(reach));
    else if (why == ECONNREFUSED)
        found(reach, "%s refuses connections: does colloq run there, with --listen?",
              where_of(reach));
    else if (why == ETIMEDOUT)
        found(reach, "%s is silent: is the host up, the address right, and no firewall between?",
              where_of(reach));
    else
        found(reach, "no way leads to %s: %s", where_of(reach), strerror(why));
}

// ---- the name -----------------------------------------------------------------------------------

static void resolve(struct reach *reach) {
    struct gaicb *list[] = {&lookup.request};
    lookup.place = reach->place;
    lookup.hints = (struct addrinfo){.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    (void)snprintf(lookup.port, sizeof(lookup.port), "%u", reach->place.port);
    lookup.request = (struct gaicb){
        .ar_name = lookup.place.host, .ar_service = lookup.port, .ar_request = &lookup.hints};
    lookup.is_running = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) == 0;
}

static bool is_for(const struct reach *reach) {
    return lookup.is_running && lookup.place.port == reach->place.port &&
           strcmp(lookup.place.host, reach->place.host) == 0;
}

// Takes the result of the look-up, if it is there. True: the addresses are known.
static bool take_addresses(struct reach *reach) {
    if (lookup.is_running && !is_for(reach) && gai_error(&lookup.request) != EAI_INPROGRESS) {
        freeaddrinfo(lookup.request.ar_result); // of somebody who is gone
        lookup.is_running = false;
    }
    if (!lookup.is_running)
        resolve(reach);
    int why = is_for(reach) ? gai_error(&lookup.request) : EAI_INPROGRESS;
    if (why == EAI_INPROGRESS)
        return false;
    lookup.is_running = false;
    if (why != 0) {
        found(reach, "the host %s cannot be found: %s", reach->place.host, gai_strerror(why));
        return false;
    }
    reach->addresses = reach->next = lookup.request.ar_result;
    return true;
}

// ---- the connection -----------------------------------------------------------------------------

static void try_to(struct reach *reach, int family, const struct sockaddr *address, socklen_t size,
                   uint64_t now_ms) {
    reach->until_ms = now_ms + REACH_ADDRESS_MS;
    reach->stage = REACH_connecting;
    reach->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (reach->fd < 0 ||
        (connect(reach->fd, address, size) != 0 && errno != EINPROGRESS && errno != EAGAIN))
        found_error(reach, errno);
}

static void try_path(struct reach *reach, uint64_t now_ms) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(where_of(reach));
    if (size >= sizeof(address.sun_path)) { // the settings refuse it before
        found_error(reach, ENAMETOOLONG);
        return;
    }
    memcpy(address.sun_path, where_of(reach), size);
    try_to(reach, AF_UNIX, (const struct sockaddr *)&address, sizeof(address), now_ms);
}

static bool has_next(const struct reach *reach) {
    return reach->next && reach->tried < REACH_ADDRESSES_MAX;
}

static void try_next(struct reach *reach, uint64_t now_ms) {
    const struct addrinfo *address = reach->next;
    reach->next = address->ai_next;
    reach->tried++;
    try_to(reach, address->ai_family, address->ai_addr, address->ai_addrlen, now_ms);
}

static int error_of(int fd) {
    int why = 0;
    socklen_t size = sizeof(why);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) == 0 ? why : errno;
}

// Whoever takes connections is the one to be told of, whatever else the name has.
static void begin_listening(struct reach *reach, uint64_t now_ms) {
    reach->stage = REACH_listening;
    reach->next = NULL;
    reach->until_ms = now_ms + REACH_ADDRESS_MS;
}

static void look_at_connection(struct reach *reach, uint64_t now_ms) {
    struct pollfd poll_fd = {.fd = reach->fd, .events = POLLOUT};
    if (poll(&poll_fd, 1, 0) > 0) {
        int why = error_of(reach->fd);
        if (why != 0)
            found_error(reach, why);
        else
            begin_listening(reach, now_ms);
    } else if (now_ms >= reach->until_ms) {
        found_error(reach, ETIMEDOUT);
    }
}

// A broker speaks first; what it says needs no answer.
static void look_at_words(struct reach *reach, uint64_t now_ms) {
    unsigned char first = 0;
    ssize_t got = recv(reach->fd, &first, 1, MSG_DONTWAIT);
    if (got == 1 && first == ZMTP_FIRST_BYTE)
        found(reach, "%s takes connections and does not answer: is it the broker's endpoint?",
              where_of(reach));
    else if (got == 1)
        found(reach, "what listens at %s is not colloq", where_of(reach));
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        found(reach, "%s takes connections and cuts them: is it colloq?", where_of(reach));
    else if (now_ms >= reach->until_ms)
        found(reach,
              "%s takes connections and says nothing: something else than colloq, or a broker "
              "that stands still",
              where_of(reach));
}

// ---- all of it ----------------------------------------------------------------------------------

void reach_start(struct reach *reach, const char *endpoint, uint64_t now_ms) {
    if (reach->stage != REACH_idle)
        return;
    *reach = (struct reach){.stage = REACH_resolving, .fd = -1};
    (void)snprintf(reach->endpoint, sizeof(reach->endpoint), "%s", endpoint);
    if (!endpoint_place(endpoint, &reach->place))
        try_path(reach, now_ms);
}

const char *reach_step(struct reach *reach, uint64_t now_ms) {
    if (reach->stage == REACH_resolving && take_addresses(reach))
        try_next(reach, now_ms);
    if (reach->stage == REACH_connecting)
        look_at_connection(reach, now_ms);
    if (reach->stage == REACH_listening)
        look_at_words(reach, now_ms);
    if (reach->stage == REACH_over && has_next(reach))
        try_next(reach, now_ms); // a name's other addresses may lead further
    return reach->stage == REACH_over ? reach->text : NULL;
}

void reach_stop(struct reach *reach) {
    if (reach->stage != REACH_idle && reach->fd >= 0)
        (void)close(reach->fd);
    if (reach->addresses)
        freeaddrinfo(reach->addresses);
    *reach = (struct reach){.stage = REACH_idle, .fd = -1};
}
