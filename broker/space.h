// How the room of the journal is divided: pure arithmetic over its budget, its reserve and what
// the disk has free. What is promised: the file and its write-ahead log together stay within the
// budget, and a log that is full when the disk is finds room for its checkpoint in the reserve.
#ifndef BROKER_SPACE_H
#define BROKER_SPACE_H

#include <stdint.h>

// Fixed at the start.
struct space_limits {
    uint64_t budget_bytes;    // of the file and its write-ahead log together
    uint64_t wal_bytes;       // the log is emptied into the file from here on
    uint64_t turn_bytes;      // of messages that a turn takes in, before it takes no further one
    uint64_t wal_share_bytes; // what the log may grow to: that, and one turn
    uint64_t free_bytes_kept; // unused pages that the file keeps for what comes next
};

// reserve_bytes 0: there is no reserve.
struct space_limits space_limits(uint64_t budget_bytes, uint64_t reserve_bytes);

// What the pages in use may grow to. disk_free_bytes: what the disk has free beside the
// on_disk_bytes that file and log take now; their sum does not change when they grow.
uint64_t space_for_pages(const struct space_limits *limits, uint64_t disk_free_bytes,
                         uint64_t on_disk_bytes);

#endif
