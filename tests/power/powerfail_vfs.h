// A disk in memory that loses power, as a file system for SQLite: the default one of the program
// that registers it, so that the code under test is unchanged. Everything follows from the seed.
//
// What a cut does. Of each file the disk knows what is safe (synced) and the changes since then,
// in their order. At a cut the disk draws how the machine had written back: everything, nothing,
// or each change by itself. In the last case
//   - a write is kept, dropped or torn; of a torn one each part that lies in one sector of 512
//     bytes is kept (twice as likely), dropped, or becomes garbage. Bytes beside a write are
//     never touched (SQLite is told so: SQLITE_IOCAP_POWERSAFE_OVERWRITE, as its own does);
//   - a truncation is kept or dropped;
//   - a later change may be on the disk without an earlier one. A gap between them reads as zeros.
// xSync makes the changes of its file safe. A folder's entries are safe once the folder was
// synced, when SQLite's own file system does that: by the first sync of a journal or WAL that
// was opened so that it is made where absent, and by a deletion that asks for it. Until then a new
// file may vanish, and a deleted one may come back with what was safe of it.
//
// The operation at which power fails may be on the disk or not: a write or truncation counts as a
// change that was not synced, a sync is not done. From then on every operation fails with
// SQLITE_IOERR until powerfail_cut. In between the owner of a connection closes it, as a process
// that dies does: in the dark nothing of that reaches the disk.
//
// What an error leaves. A write that fails has written a part of its bytes. After a sync that
// fails nobody knows what became of the changes: each is lost or kept as at a cut, at once, the
// process goes on reading them as if they were there, and a later sync succeeds without them.
//
// Several connections to a file are kept apart by locks as ever, all of one thread: nobody waits.
// A disk outlives its connections.
#ifndef TESTS_POWERFAIL_VFS_H
#define TESTS_POWERFAIL_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum powerfail_mode {
    POWERFAIL_honest,
    POWERFAIL_lying, // a sync does nothing, and says that all is well
};

// Kinds of operations. Those up to POWERFAIL_delete change the disk and are counted.
enum powerfail_operation {
    POWERFAIL_create = 1, // an open that makes the file
    POWERFAIL_write = 2,
    POWERFAIL_truncate = 4,
    POWERFAIL_sync = 8,
    POWERFAIL_delete = 16,
    POWERFAIL_changes = 31,
    POWERFAIL_read = 32,
    POWERFAIL_open = 64, // of a file that is there
};

struct powerfail_disk;

// Makes the file system SQLite's default. Once a program, before the first database is opened.
void powerfail_register(void);
// An empty disk, which takes part in what follows once it is mounted.
struct powerfail_disk *powerfail_disk_new(uint64_t seed, enum powerfail_mode mode);
// Accepts NULL. All connections to it have been closed.
void powerfail_disk_free(struct powerfail_disk *disk);
// Where files are opened, looked for and deleted from now on.
void powerfail_mount(struct powerfail_disk *disk);

// Power fails at the n-th counted operation from now (1: the next; 0: at none).
void powerfail_cut_at(struct powerfail_disk *disk, uint64_t n);
// Power fails now, between two operations.
void powerfail_darken(struct powerfail_disk *disk);
// Power has failed, and powerfail_cut has not been called yet.
bool powerfail_is_dark(const struct powerfail_disk *disk);
// Power is back: what was not safe is lost, kept or torn. All files have been closed in the dark.
// Ends cut_at and faults.
void powerfail_cut(struct powerfail_disk *disk);
// The same where it was not power that failed: the process was killed, and all that it wrote is
// there, though no safer than it was.
void powerfail_revive(struct powerfail_disk *disk);
// Counted operations so far.
uint64_t powerfail_operations(const struct powerfail_disk *disk);

struct powerfail_fault {
    unsigned kinds; // of operations, or'ed: those that are counted and that fail
    uint64_t at;    // the n-th of them from now fails; 0: none does
    bool lasts;     // and all after it
    bool is_full;   // because the disk is full (writes and files that are made); else an I/O error
};
void powerfail_fail(struct powerfail_disk *disk, struct powerfail_fault fault);
// How often the fault has struck, and how many counted operations were tried after the first.
uint64_t powerfail_failures(const struct powerfail_disk *disk);
uint64_t powerfail_tried_since(const struct powerfail_disk *disk);

// Whether a file is there for a process that looks now.
bool powerfail_has(const struct powerfail_disk *disk, const char *name);
// Of all bytes that would be found after a cut that keeps everything; for comparing two runs.
uint64_t powerfail_hash(const struct powerfail_disk *disk);
// 64 bits from the seed: the disk's own dice, for whoever wants no other.
uint64_t powerfail_draw(struct powerfail_disk *disk);

#endif
