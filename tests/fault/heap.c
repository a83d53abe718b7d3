#include "tests/fault/heap.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define HAS_ASAN
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define HAS_ASAN
#endif

// The allocator beneath: the sanitizer's where there is one, else the C library's own names.
#ifdef HAS_ASAN
#define BENEATH(name) __asm__("__interceptor_" #name)
#else
#define BENEATH(name) __asm__("__libc_" #name)
#endif
void *beneath_malloc(size_t size) BENEATH(malloc);
void *beneath_calloc(size_t count, size_t size) BENEATH(calloc);
void *beneath_realloc(void *at, size_t size) BENEATH(realloc);
void *beneath_memalign(size_t alignment, size_t size) BENEATH(memalign);
void beneath_free(void *at) BENEATH(free);

static atomic_uint_fast64_t asked, fails_at;
static atomic_int_fast64_t held;
static atomic_bool goes_on, has_failed;

void heap_fail_at(uint64_t n, bool and_on) {
    atomic_store(&has_failed, false);
    atomic_store(&goes_on, and_on);
    atomic_store(&fails_at, n ? atomic_load(&asked) + n : 0);
}

bool heap_has_failed(void) {
    return atomic_load(&has_failed);
}

uint64_t heap_asked(void) {
    return atomic_load(&asked);
}

int64_t heap_held(void) {
    return atomic_load(&held);
}

static bool may_have(void) {
    uint64_t number = atomic_fetch_add(&asked, 1) + 1, at = atomic_load(&fails_at);
    if (at == 0 || number < at || (number > at && !atomic_load(&goes_on)))
        return true;
    atomic_store(&has_failed, true);
    errno = ENOMEM;
    return false;
}

static void *counted(void *at) {
    if (at)
        atomic_fetch_add(&held, 1);
    return at;
}

void *malloc(size_t size) {
    return may_have() ? counted(beneath_malloc(size)) : NULL;
}

void *calloc(size_t count, size_t size) {
    return may_have() ? counted(beneath_calloc(count, size)) : NULL;
}

void *realloc(void *at, size_t size) {
    if (!may_have())
        return NULL;
    void *moved = beneath_realloc(at, size);
    if (!at)
        return counted(moved);
    if (!moved && size == 0) // which frees
        atomic_fetch_sub(&held, 1);
    return moved;
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size) {
    return may_have() ? counted(beneath_memalign(alignment, size)) : NULL;
}

void *aligned_alloc(size_t alignment, size_t size) {
    return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    void *at = memalign(alignment, size);
    if (!at)
        return ENOMEM;
    *out = at;
    return 0;
}

// A sanitizer's own would take memory beside ours.
char *strndup(const char *text, size_t size) {
    size = strnlen(text, size);
    char *copy = malloc(size + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, size);
    copy[size] = 0;
    return copy;
}

char *strdup(const char *text) {
    return strndup(text, strlen(text));
}

void free(void *at) {
    if (at)
        atomic_fetch_sub(&held, 1);
    beneath_free(at);
}
