// The heap of a test program, in place of the C library's: whoever allocates, we or a library,
// the n-th allocation can be made to fail, and what is held can be counted.
#ifndef TESTS_FAULT_HEAP_H
#define TESTS_FAULT_HEAP_H

#include <stdbool.h>
#include <stdint.h>

// The n-th allocation from now fails (1 is the next; 0 turns it off); if it goes on, so does each
// one after it.
void heap_fail_at(uint64_t n, bool goes_on);
// Whether one has failed since heap_fail_at.
bool heap_has_failed(void);
// Allocations that were asked for since the start.
uint64_t heap_asked(void);
// Blocks that were given out and not freed.
int64_t heap_held(void);

#endif
