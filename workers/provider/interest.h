// Which descriptors epoll watches, told to the kernel as late as possible: between two waits a
// busy connection is given up and wanted again by the next call, and that costs nothing here.
#ifndef PROVIDER_INTEREST_H
#define PROVIDER_INTEREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct interest_place {
    uint16_t owner;  // of whom the descriptor is: comes back in its events
    uint8_t wanted;  // bits: 1 read, 2 write
    uint8_t applied; // what the kernel was told
    bool is_late;    // its close is announced, so the kernel may be told late
    bool is_changed; // stands in changed
};

struct interest {
    int epoll_fd;
    struct interest_place *places; // by descriptor
    size_t place_count;
    int *changed;
    size_t changed_count;
    size_t changed_capacity;
};

// Ends the process if the system has no epoll descriptor.
void interest_open(struct interest *interest);
void interest_close(struct interest *interest);
// Descriptors whose opening and closing is announced; all others are told to the kernel at once.
void interest_opened(struct interest *interest, int fd);
void interest_closed(struct interest *interest, int fd);
// Its events carry descriptor and owner as data; neither in nor out: none any more.
void interest_want(struct interest *interest, int fd, uint16_t owner, bool in, bool out);
// What an event's data carries.
int interest_fd(uint64_t data);
uint16_t interest_owner(uint64_t data);
// Whether a descriptor is wanted for writing.
bool interest_writes(const struct interest *interest, int fd);
// Tells the kernel what changed. Call before every wait.
void interest_flush(struct interest *interest);

#endif
