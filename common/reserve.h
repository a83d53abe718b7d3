// Free space of the disk under a store, and the store's reserve: a file of a fixed size beside it
// that is given up when the disk is full, so that what is under way can still be brought to its
// end. The store is then closed: it takes nothing new until there is room again.
//
//            at a start: less than the reserve's size is free beside it
//            running: less than half of that
//     open ────────────────────────────────────────────────────────────▶ closed
//      ▲                                                                    │ the file is deleted
//      └────────────────────────────────────────────────────────────────────┘
//            twice the size is free: the file is made again, and as much is left beside it
//
// The one home of statvfs, posix_fallocate and the reserve file. Its functions can be replaced at
// link time; reserve_is_short is the rule, for whoever does.
#ifndef COMMON_RESERVE_H
#define COMMON_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

enum { RESERVE_PATH_MAX = 4096, RESERVE_LOOK_MS = 1000 };

struct reserve {
    char path[RESERVE_PATH_MAX]; // of the reserve file
    uint64_t bytes;              // its size; 0: there is no reserve, and nothing ever closes
    uint64_t free_bytes;         // of the disk, at the last look: what the store may still take
    uint64_t looked_ms;          // when that was, monotonic
    bool is_closed;
};

// Looks, and makes the reserve file or deletes it. The store at that place is opened after this,
// since a full disk lets it not even start. A file that cannot be made for another reason than
// space is logged, and counts as one for which there is no space.
void reserve_open(struct reserve *reserve, const char *path, uint64_t bytes, uint64_t now_ms);
// Looks again, if the last look was RESERVE_LOOK_MS ago. Whether it looked; a change of is_closed
// is logged once.
bool reserve_look(struct reserve *reserve, uint64_t now_ms);

// What the disk under a folder has free for us; INT64_MAX where it does not say.
uint64_t disk_free(const char *folder);

// What must be free for a closed store to open.
static inline uint64_t reserve_needs(const struct reserve *reserve) {
    return reserve->bytes * 2;
}

// The rule: whether a store is, or stays, closed. free_bytes is what the disk has beside a reserve
// file of held_bytes (0: there is none).
static inline bool reserve_is_short(const struct reserve *reserve, bool is_start,
                                    uint64_t free_bytes, uint64_t held_bytes) {
    bool may_be_less = !is_start && !reserve->is_closed;
    uint64_t wanted = reserve->bytes + (may_be_less ? reserve->bytes / 2 : reserve->bytes);
    return reserve->bytes > 0 && free_bytes + held_bytes < wanted;
}

#endif
