// The accountant's live figures, written by the main thread and read by the query thread.
#ifndef ACCOUNTANT_FIGURES_H
#define ACCOUNTANT_FIGURES_H

#include <stdatomic.h>
#include <stdint.h>

struct figures {
    _Atomic uint64_t applied; // highest record number
    _Atomic uint64_t records; // since the start
    _Atomic uint64_t records_per_second;
    _Atomic uint64_t transactions;
    _Atomic uint64_t prepared;
    _Atomic uint64_t unindexed; // values not yet in the index
    _Atomic uint64_t queries;
    _Atomic uint64_t is_joined;
    _Atomic uint64_t is_closed;  // the disk is full: no records are taken
    _Atomic uint64_t disk_free;  // bytes, at the last look
    _Atomic uint64_t disk_needs; // what must be free for it to open again
};

#endif
