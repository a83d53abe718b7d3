#include "tests/power/seams.h"

#include "common/clock.h"
#include "common/id.h"
#include "common/lock.h"
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct seams seams;

void log_setup(const char *program, enum log_level least, bool is_json) {
    (void)program;
    (void)least;
    (void)is_json;
}

void log_line(enum log_level level, const char *event, const char *format, ...) {
    va_list values;
    if (!seams.is_loud)
        return;
    va_start(values, format);
    (void)fprintf(stderr, "%d %s ", level, event);
    (void)vfprintf(stderr, format, values);
    (void)fputc('\n', stderr);
    va_end(values);
}

void fatal(int code, const char *event, const char *format, ...) {
    va_list values;
    va_start(values, format);
    int size = snprintf(seams.why, sizeof(seams.why), "%s ", event);
    (void)vsnprintf(seams.why + size, sizeof(seams.why) - (size_t)size, format, values);
    va_end(values);
    seams.code = code;
    if (!seams.is_living) {
        (void)fprintf(stderr, "ended with %d: %s\n", code, seams.why);
        exit(code);
    }
    longjmp(seams.ended, 1);
}

struct moment clock_now(void) {
    return (struct moment){.mono_ms = (uint64_t)seams.wall_ms, .wall_ms = seams.wall_ms};
}

uint64_t clock_cpu_us(void) {
    return 0;
}

uint64_t random_u64(void) {
    uint64_t z = seams.chance += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

struct id uuid_new(int64_t wall_ms) {
    struct id id;
    bytes_put_u64(id.at, (uint64_t)wall_ms << 16 | 0x7000u);
    bytes_put_u64(id.at + 8, random_u64() >> 2 | 1ull << 63);
    return id;
}

// A story has one process at a time.
enum err lock_take(const char *path, int *lock) {
    (void)path;
    *lock = -1;
    return ERR_OK;
}

void lock_drop(int lock) {
    (void)lock;
}
