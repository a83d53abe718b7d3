// The disk behind powerfail_vfs.h: names, bytes, and what is safe of them. Knows nothing of SQLite.
#ifndef TESTS_POWERFAIL_DISK_H
#define TESTS_POWERFAIL_DISK_H

#include "tests/power/powerfail_vfs.h"

struct image {
    uint8_t *at;
    size_t size, room;
};

// A write, or a truncation to `offset`, that is not safe yet.
struct change {
    struct change *next;
    size_t offset, size;
    bool is_truncation;
    uint8_t bytes[];
};

// A file: its bytes under a name. Deleted, it lives on while it is open or may come back.
struct file {
    struct file *next;
    char name[128];
    struct image now, safe;
    struct change *first, **last;
    uint32_t opens;
    bool is_listed;      // for processes that look now
    bool is_listed_safe; // after a cut, whatever the disk had written back
    uint32_t locks[5];   // connections by the lock that they hold (SQLITE_LOCK_…)
    uint8_t **shared;    // pages of memory that connections share; none of it on the disk
    uint32_t shared_count;
    uint8_t readers[8], writers[8]; // of each lock on that memory
};

struct powerfail_disk {
    struct file *files;
    enum powerfail_mode mode;
    uint64_t dice;
    uint64_t operations;
    uint64_t cut_in; // counted operations; 0: never
    bool is_dark;
    struct powerfail_fault fault;
    uint64_t failures, failed_at; // failed_at: operations at the first of them
};

// What becomes of an operation.
enum verdict {
    VERDICT_done,
    VERDICT_fails,
    VERDICT_full,  // it fails for want of space
    VERDICT_fades, // power fails at it: it fails, and may yet be found on the disk
};
enum verdict disk_judge(struct powerfail_disk *disk, enum powerfail_operation operation);

// NULL: there is none.
struct file *disk_find(const struct powerfail_disk *disk, const char *name);
// A file that was not there, or (with no name) one that nobody finds.
struct file *disk_make(struct powerfail_disk *disk, const char *name);
void disk_close(struct powerfail_disk *disk, struct file *file);
void disk_unlist(struct powerfail_disk *disk, struct file *file);
// All entries of the folder become safe.
void disk_sync_folder(struct powerfail_disk *disk);

void file_write(struct file *file, const void *at, size_t size, size_t offset);
void file_truncate(struct file *file, size_t size);
void file_sync(struct file *file);
// As at a cut, but the process goes on and sees nothing of it.
void file_lose(struct powerfail_disk *disk, struct file *file);

uint32_t disk_below(struct powerfail_disk *disk, uint32_t bound);

#endif
