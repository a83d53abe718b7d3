#include "workers/provider/interest.h"

#include "common/log.h"
#include "common/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sysexits.h>
#include <unistd.h>

enum { WANT_in = 1, WANT_out = 2, PLACES_FIRST = 256, OWNER_SHIFT = 32 };

void interest_open(struct interest *interest) {
    *interest = (struct interest){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    if (interest->epoll_fd < 0)
        fatal(EX_OSERR, "epoll.failed", "errno=%d", errno);
}

void interest_close(struct interest *interest) {
    if (interest->epoll_fd >= 0)
        (void)close(interest->epoll_fd);
    mem_free(interest->places);
    mem_free(interest->changed);
    *interest = (struct interest){.epoll_fd = -1};
}

static struct interest_place *place_of(struct interest *interest, int fd) {
    size_t at = (size_t)fd;
    if (at >= interest->place_count) {
        size_t count = interest->place_count ? interest->place_count : PLACES_FIRST;
        while (count <= at)
            count *= 2;
        interest->places = mem_grow(interest->places, count * sizeof(*interest->places));
        memset(interest->places + interest->place_count, 0,
               (count - interest->place_count) * sizeof(*interest->places));
        interest->place_count = count;
    }
    return &interest->places[at];
}

// A descriptor that was closed has left the kernel's set by itself, and its number may be another
// one's by now: so "not there" and "there already" are answers, not errors.
static void apply(struct interest *interest, int fd, struct interest_place *place) {
    struct epoll_event event = {
        .events = (place->wanted & WANT_in ? (uint32_t)EPOLLIN : 0u) |
                  (place->wanted & WANT_out ? (uint32_t)EPOLLOUT : 0u),
        .data.u64 = (uint64_t)place->owner << OWNER_SHIFT | (uint32_t)fd,
    };
    if (place->wanted == place->applied)
        return;
    int operation = place->wanted == 0    ? EPOLL_CTL_DEL
                    : place->applied == 0 ? EPOLL_CTL_ADD
                                          : EPOLL_CTL_MOD;
    int rc = epoll_ctl(interest->epoll_fd, operation, fd, &event);
    if (rc != 0 && errno == ENOENT && operation == EPOLL_CTL_MOD)
        rc = epoll_ctl(interest->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    if (rc != 0 && errno == EEXIST)
        rc = epoll_ctl(interest->epoll_fd, EPOLL_CTL_MOD, fd, &event);
    if (rc != 0 && operation != EPOLL_CTL_DEL)
        fatal(EX_OSERR, "epoll.failed", "errno=%d", errno);
    place->applied = place->wanted;
}

static void note(struct interest *interest, int fd, struct interest_place *place) {
    if (place->is_changed)
        return;
    if (interest->changed_count == interest->changed_capacity) {
        size_t capacity = interest->changed_capacity ? interest->changed_capacity * 2 : 64;
        interest->changed = mem_grow(interest->changed, capacity * sizeof(int));
        interest->changed_capacity = capacity;
    }
    place->is_changed = true;
    interest->changed[interest->changed_count++] = fd;
}

void interest_opened(struct interest *interest, int fd) {
    struct interest_place *place = place_of(interest, fd);
    place->is_late = true;
    place->wanted = place->applied = 0;
}

void interest_closed(struct interest *interest, int fd) {
    struct interest_place *place = place_of(interest, fd);
    place->is_late = false;
    place->wanted = place->applied = 0;
}

void interest_want(struct interest *interest, int fd, uint16_t owner, bool in, bool out) {
    struct interest_place *place = place_of(interest, fd);
    if (place->owner != owner && place->applied) {
        place->applied = 0; // the kernel is told again, with the new owner
        (void)epoll_ctl(interest->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    }
    place->owner = owner;
    place->wanted = (uint8_t)((in ? WANT_in : 0) | (out ? WANT_out : 0));
    if (place->is_late)
        note(interest, fd, place);
    else
        apply(interest, fd, place);
}

int interest_fd(uint64_t data) {
    return (int)(uint32_t)data;
}

uint16_t interest_owner(uint64_t data) {
    return (uint16_t)(data >> OWNER_SHIFT);
}

bool interest_writes(const struct interest *interest, int fd) {
    return (size_t)fd < interest->place_count && (interest->places[fd].wanted & WANT_out);
}

void interest_flush(struct interest *interest) {
    for (size_t i = 0; i < interest->changed_count; i++) {
        int fd = interest->changed[i];
        struct interest_place *place = &interest->places[fd];
        place->is_changed = false;
        apply(interest, fd, place);
    }
    interest->changed_count = 0;
}
