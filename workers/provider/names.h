// The lasting name of a worker: a random id in a file of a local folder, under a lock that is held
// for the process's life. Whoever comes under a name thereby proves that the process which had it
// before is dead; the file counts how often it was taken, so that a late word of a dead process
// is known for what it is.
#ifndef PROVIDER_NAMES_H
#define PROVIDER_NAMES_H

#include <stdbool.h>
#include <stdint.h>

enum { NAME_TEXT_SIZE = 64 };

struct name {
    char text[NAME_TEXT_SIZE]; // "worker-0-3f9a…": the file and the id in it
    uint64_t life;             // how often the name was taken, this time included
    bool is_lasting;           // false: new at this start, and proves nothing
    int fd;                    // holds the lock; -1: none
};

// Takes the first free one of worker-0, worker-1 … in the folder, which is made where it is not
// there. Without a usable folder the name is new; why is logged. Never fails.
void name_take(struct name *name, const char *folder);
// Gives the lock up.
void name_release(struct name *name);

#endif
