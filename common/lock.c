#include "common/lock.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum err lock_take(const char *path, int *lock) {
    char name[PATH_MAX];
    (void)snprintf(name, sizeof(name), "%s.lock", path);
    *lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*lock < 0)
        return ERR_IO;
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
        return ERR_OK;
    lock_drop(*lock);
    *lock = -1;
    return ERR_EXISTS;
}

void lock_drop(int lock) {
    if (lock >= 0)
        (void)close(lock);
}
