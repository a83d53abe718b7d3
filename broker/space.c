#include "broker/space.h"

#include "common/limits.h"

// The largest message: it may begin a last item just before it is full.
enum { LARGEST_MESSAGE = MESSAGE_BYTES_SOFT + FRAME_BYTES_MAX };

_Static_assert(JOURNAL_BYTES_MIN / 8 + JOURNAL_BYTES_MIN / 16 + LARGEST_MESSAGE +
                       (LINE_BYTES_MAX + MESSAGE_BYTES_SOFT) * 5 / 3 <=
                   JOURNAL_BYTES_MIN,
               "the largest chunk fits into the lines' part of the smallest journal");

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

struct space_limits space_limits(uint64_t budget_bytes, uint64_t reserve_bytes) {
    struct space_limits limits = {
        .budget_bytes = budget_bytes,
        .wal_bytes = least(JOURNAL_WAL_BYTES_MAX, budget_bytes / 8),
        .turn_bytes = least(TURN_BYTES_MAX, budget_bytes / 16),
        .free_bytes_kept = least(JOURNAL_FREE_BYTES_KEPT, budget_bytes / 64),
    };
    if (reserve_bytes > 0) {
        limits.wal_bytes = least(limits.wal_bytes, reserve_bytes / 4 * 3);
        limits.turn_bytes = least(limits.turn_bytes, reserve_bytes / 4);
        limits.free_bytes_kept = least(limits.free_bytes_kept, reserve_bytes / 4);
    }
    limits.wal_share_bytes = limits.wal_bytes + limits.turn_bytes + LARGEST_MESSAGE;
    return limits;
}

uint64_t space_for_pages(const struct space_limits *limits, uint64_t disk_free_bytes,
                         uint64_t on_disk_bytes) {
    uint64_t room = limits->budget_bytes;
    if (disk_free_bytes < room && on_disk_bytes < room - disk_free_bytes)
        room = disk_free_bytes + on_disk_bytes;
    return room > limits->wal_share_bytes ? room - limits->wal_share_bytes : 0;
}
