// The only door to the heap. An allocation succeeds or the process ends with EX_OSERR and one
// log line; tests can make the n-th allocation fail and can count what is still held.
#ifndef COMMON_MEM_H
#define COMMON_MEM_H

#include <stddef.h>
#include <stdint.h>

// Zeroed memory, owned by the caller until mem_free.
void *mem_new(size_t size);
// As calloc: an array of count members, each of size bytes; ends the process on overflow.
void *mem_array(size_t count, size_t size);
// Moves at to a block of size bytes; what is new is not initialised. at may be NULL.
void *mem_grow(void *at, size_t size);
// A copy of size bytes with a NUL behind it.
char *mem_copy(const void *at, size_t size);
// Accepts NULL.
void mem_free(void *at);
// For the homes of libraries with an allocator of their own: one was refused an allocation. Ends
// the process as the functions above do.
_Noreturn void mem_refused(const char *library);

// For tests: the n-th allocation from now fails (1 is the next; 0 turns it off).
void mem_fail_at(uint64_t n);
// Allocations that were made and not freed.
int64_t mem_held(void);

#endif
