// One process at a time: a lock beside a file or an endpoint, held as long as it is open.
#ifndef COMMON_LOCK_H
#define COMMON_LOCK_H

#include "common/err.h"

// Takes the lock PATH.lock, a file that is made where absent and stays; the kernel gives it back
// when the process ends. ERR_EXISTS: another process holds it. ERR_IO: the system's refusal,
// which errno tells. *lock is -1 then.
enum err lock_take(const char *path, int *lock);
// Accepts -1.
void lock_drop(int lock);

#endif
