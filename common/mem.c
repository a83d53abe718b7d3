#include "common/mem.h"

#include "common/log.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static atomic_int_fast64_t held;
static atomic_uint_fast64_t countdown;

void mem_refused(const char *library) {
    fatal(EX_OSERR, "memory.exhausted", "why=\"the system refused an allocation\" of=%s", library);
}

static void *checked(void *at) {
    if (at && atomic_load(&countdown) > 0 && atomic_fetch_sub(&countdown, 1) == 1) {
        free(at);
        at = NULL;
    }
    if (!at)
        mem_refused("colloq");
    return at;
}

void *mem_new(size_t size) {
    void *at = checked(calloc(1, size ? size : 1));
    atomic_fetch_add(&held, 1);
    return at;
}

void *mem_array(size_t count, size_t size) {
    void *at = checked(calloc(count ? count : 1, size ? size : 1));
    atomic_fetch_add(&held, 1);
    return at;
}

void *mem_grow(void *at, size_t size) {
    if (!at)
        atomic_fetch_add(&held, 1);
    return checked(realloc(at, size ? size : 1));
}

char *mem_copy(const void *at, size_t size) {
    char *copy = mem_new(size + 1);
    if (size > 0)
        memcpy(copy, at, size);
    return copy;
}

void mem_free(void *at) {
    if (at)
        atomic_fetch_sub(&held, 1);
    free(at);
}

void mem_fail_at(uint64_t n) {
    atomic_store(&countdown, n);
}

int64_t mem_held(void) {
    return atomic_load(&held);
}
